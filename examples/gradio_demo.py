"""A page to try mien on: `pip install gradio`, then `python examples/gradio_demo.py`."""

import gradio as gr

from mien import Recognizer, draw

recognizer = Recognizer()


def read(picture):
    result = recognizer.predict(picture)
    largest = max(result.faces, key=lambda face: face.box.width, default=None)
    return draw(picture, result), largest.probs if largest else {}


shown = [gr.Image(label="Faces"), gr.Label(label="The largest face")]
demo = gr.Interface(
    read, gr.Image(type="pil", label="Picture"), shown, examples=["examples/astronaut.jpg"], flagging_mode="never"
)

if __name__ == "__main__":
    demo.launch()
