"""What the page is tried on: a folder of files, and what Python answers for them."""

import json
from pathlib import Path

import av
import numpy as np
from benchmarks.filming import film, photographs, sit, write
from PIL import Image
from tests.media.clips import write_clip as media_clip

from mien.inference.recognizer import Recognizer

GOLDEN = Path(__file__).parents[1] / "golden" / "pictures"
HUGE_PX = 10_000


def write_media(folder: Path) -> None:
    recognizer = Recognizer()
    write_camera(folder, recognizer)
    write_clip(folder, recognizer)
    write_turned(folder, recognizer)
    write_huge(folder, recognizer)
    write_sound(folder / "sound.mp4")
    write_none(folder / "none.mp4")
    broken = (GOLDEN / "grey.png").read_bytes()[:3000]
    for name, data in {"broken.png": broken[:40], "notes.txt": b"no picture", "photo.heic": b"\0\0\0\x18ftypheic" + bytes(64),
                       "empty.jpg": b"", "broken.mp4": b"no video at all"}.items():  # fmt: skip
        (folder / name).write_bytes(data)


def write_camera(folder: Path, recognizer: Recognizer) -> None:
    """camera.mjpeg, which Chromium's false camera plays: someone who sits before it; camera.json: what is seen in a frame."""
    frames = list(film([sit(320, 240, 200)], photographs()[:1], 60, np.random.default_rng(0)))
    with (folder / "camera.mjpeg").open("wb") as file:
        for frame in frames:
            Image.fromarray(frame).save(file, "JPEG", quality=92)
    write_json(folder / "camera.json", recognizer.predict(frames[0]).to_dict())


def write_clip(folder: Path, recognizer: Recognizer) -> None:
    """clip.mp4: two who sit, two seconds; clip.json: what a stream that searches every frame says."""
    seats = [sit(200, 240, 150), sit(440, 220, 130, 1.7)]
    clip = write(folder / "clip.mp4", film(seats, photographs()[:2], 60, np.random.default_rng(0)))
    write_json(folder / "clip.json", [result.to_dict() for result in recognizer.stream(clip, detect_every=1)])


def write_turned(folder: Path, recognizer: Recognizer) -> None:
    """turned.mp4: as a phone held upright writes it, lying and to be turned; turned.json: what a stream says of it."""
    upright = film([sit(240, 240, 150)], photographs()[:1], 6, np.random.default_rng(0))
    lying = [np.rot90(frame).copy() for frame in upright]  # to be turned by 90 degrees clockwise
    clip = media_clip(folder / "turned.mp4", lying, prepare=lambda stream: stream.set_display_rotation(-90))
    write_json(folder / "turned.json", [result.to_dict() for result in recognizer.stream(clip, detect_every=1)])


def write_huge(folder: Path, recognizer: Recognizer) -> None:
    """huge.png: 100 megapixels with one face; huge.json: Python's answer."""
    canvas = Image.new("L", (HUGE_PX, HUGE_PX), 128)
    canvas.paste(Image.open(GOLDEN / "hopper.jpg").convert("L").resize((4000, 4688)), (3000, 2500))
    canvas.save(folder / "huge.png", compress_level=1)
    write_json(folder / "huge.json", recognizer.predict(folder / "huge.png").to_dict())


def write_sound(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100, layout="mono")
        for _ in range(20):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            silence.sample_rate = 44_100
            container.mux(stream.encode(silence))
        container.mux(stream.encode(None))


def write_none(path: Path) -> None:
    """A video track without a frame."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height = 64, 48
        container.start_encoding()


def write_cases(folder: Path) -> None:
    """cases.json and its PNGs, the pixels of golden pictures, for every option and detector of the recogniser."""
    cases: list[dict[str, object]] = []
    for name, detector, options in [
        ("several.jpg", "full_range", {}), ("several.jpg", "short_range", {}), ("several.jpg", "full_range", {"max_faces": 2}),
        ("several.jpg", "full_range", {"threshold": 0.9}), ("small.jpg", "full_range", {"min_face_px": 24}),
        ("hopper.jpg", "short_range", {"min_face_px": 40}), ("tilted.jpg", "full_range", {"threshold": 0.3}),
    ]:  # fmt: skip
        file = f"{Path(name).stem}.png"
        Image.open(GOLDEN / name).convert("RGB").save(folder / file)
        result = Recognizer(detector=detector, **options).predict(folder / file)
        cases.append(
            {"file": file, "detector": detector, "options": options, "result": result.to_dict() | {"source": "<image>"}}
        )
    write_json(folder / "cases.json", cases)
    write_faces(folder)


def write_faces(folder: Path) -> None:
    """Faces already cropped, of several sizes and shapes; faces.json: the probabilities of each."""
    face = Image.open(GOLDEN / "hopper.jpg").convert("RGB").crop((180, 60, 380, 260))
    rows = {}
    for width, height in [(48, 48), (96, 96), (200, 200), (120, 80), (31, 44), (20, 20)]:
        name = f"face-{width}x{height}.png"
        face.resize((width, height)).save(folder / name)
        rows[name] = Recognizer().classify([Image.open(folder / name)])[0].tolist()
    write_json(folder / "faces.json", rows)


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
