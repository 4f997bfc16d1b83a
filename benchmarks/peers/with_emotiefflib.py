"""EmotiEffLib's driver, by its ONNX engine. It brings no detector."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from driver import drive


class EmotiEffLib:
    def __init__(self, job: dict[str, Any]) -> None:
        from emotiefflib.facial_analysis import EmotiEffLibRecognizer, get_model_list

        self.recognizer = EmotiEffLibRecognizer(engine="onnx", model_name=get_model_list()[0], device="cpu")

    def classify(self, faces: np.ndarray) -> list[str]:
        return list(self.recognizer.predict_emotions([np.repeat(face[..., None], 3, 2) for face in faces], logits=False)[0])

    def photo(self, pixels: np.ndarray) -> list[str]:
        raise NotImplementedError("has no detector")

    def clip(self, path: str) -> Iterator[int]:
        raise NotImplementedError("has no detector")


if __name__ == "__main__":
    drive(EmotiEffLib)
