"""Composes the golden pictures and writes the results that every door of mien must give for them.

`python tests/golden/build.py` composes the pictures that are missing (so that another Pillow's JPEG never replaces them
unasked; delete one to compose it anew) and rewrites golden.json with the shipped bundle.
"""

import hashlib
import json
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from mien import Recognizer
from mien.results import Result

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
BACKDROP = (118, 132, 150)


def compose() -> dict[str, tuple[Image.Image, dict[str, object]]]:
    """File name -> picture and how it is saved."""
    astronaut, hopper = (Image.open(PICTURES / f"{name}.jpg").convert("RGB") for name in ("astronaut", "hopper"))
    bust = astronaut.crop((60, 0, 400, 340))
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise, as phones write portraits
    jpeg: dict[str, object] = {"quality": 90}
    four = [(bust, 260, (10, 10)), (hopper, 240, (350, 20)),
            (ImageOps.mirror(bust), 200, (60, 275)), (ImageOps.mirror(hopper), 110, (400, 340))]  # fmt: skip
    return {
        "several.jpg": (scene((640, 480), four), jpeg),
        "mirrored.jpg": (ImageOps.mirror(astronaut), jpeg),
        "small.jpg": (scene((640, 480), [(astronaut, 210, (100, 100)), (hopper, 100, (360, 200))]), jpeg),
        "tilted.jpg": (bust.rotate(30, Image.Resampling.BICUBIC, fillcolor=BACKDROP), jpeg),
        "dark.jpg": (hopper.resize((384, 450)).point(lambda level: level // 6), jpeg),
        "blurred.jpg": (bust.filter(ImageFilter.GaussianBlur(4)), jpeg),
        "edge.jpg": (hopper.crop((195, 60, 512, 420)), jpeg),
        "no-face.jpg": (astronaut.crop((310, 0, 512, 300)), jpeg),
        "grey.png": (hopper.resize((256, 300)).convert("L"), {}),
        "exif.jpg": (bust.transpose(Image.Transpose.ROTATE_90), jpeg | {"exif": exif}),
        "alpha.png": (cut_out(bust.resize((240, 240))), {}),
    }  # fmt: skip


def scene(size: tuple[int, int], parts: list[tuple[Image.Image, int, tuple[int, int]]]) -> Image.Image:
    """Pictures at these widths and places, on a plain backdrop."""
    canvas = Image.new("RGB", size, BACKDROP)
    for part, width, place in parts:
        canvas.paste(part.resize((width, round(width * part.height / part.width)), Image.Resampling.LANCZOS), place)
    return canvas


def cut_out(picture: Image.Image) -> Image.Image:
    """The ellipse that fills the picture; the rest is transparent and, below that, red: what ignores alpha sees it."""
    mask = Image.new("L", picture.size)
    ImageDraw.Draw(mask).ellipse((0, 0, picture.width - 1, picture.height - 1), fill=255)
    picture = Image.composite(picture, Image.new("RGB", picture.size, "red"), mask)
    picture.putalpha(mask)
    return picture


def expect(path: Path, result: Result) -> dict[str, object]:
    """The result with numbers rounded to 6 digits, the picture's file name as its source, and the picture's sha256."""
    rounded = json.loads(json.dumps(result.to_dict()), parse_float=lambda number: round(float(number), 6))
    rounded["source"] = path.name
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "result": rounded}


def main() -> None:
    for name, (picture, options) in compose().items():
        if not (PICTURES / name).exists():
            picture.save(PICTURES / name, **options)
    recognizer = Recognizer(threads=1)
    golden = {path.name: expect(path, recognizer.predict(path)) for path in sorted(PICTURES.iterdir())}
    model = {"name": recognizer.bundle.name, "sha256": recognizer.bundle.sha256("litert")}
    text = json.dumps({"model": model, "pictures": golden}, indent=1)
    (HERE / "golden.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
