"""Files that mean harm, or were harmed: each follows from its kind, a seed and its number alone (benchmarks/fuzz.py)."""

import copy
import hashlib
import io
import json
import random
import struct
import tarfile
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from av.error import FFmpegError
from benchmarks.small_pictures import pictures
from PIL import Image
from tests.data.planted import csv_text, votes_text
from tests.media.clips import CONTAINERS, scene, write_clip

from mien.data.fer2013 import Faces
from mien.inference.weights import FILES, WEIGHTS

EDGES = (0, 1, 2, 7, 16, 127, 128, 255, 256, 4095, 12_000, 32_767, 65_535, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
"""Numbers at which readers trip."""
JSON_EDGES: tuple[Any, ...] = (None, True, -1, 0, 1e308, float("nan"), float("inf"), 10**40, "", "a\nb\0\ud800", "../..", [],
                               {}, [[[]]], {"": None}, "x" * 5000, ["neutral"] * 3)  # fmt: skip
CELLS = ("", " ", "-1", "256", "1e2", "nan", "0x10", "٣", "²", "\0", '"', "9" * 30, "9" * 6000, "0 " * 2303, "0 " * 2304 + "x",
         "a" * 140_000, "Training", "fer00000x1.png", "\ud800", "=1+1", "７")  # fmt: skip
"""What may stand in a table's cell."""
MORE_CLIPS: dict[str, dict[str, Any]] = {
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}},
    "lossless.mkv": {"codec": "ffv1"},
    "studio.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le"},
    "raw.avi": {"codec": "rawvideo"},
    "a.gif": {"codec": "gif", "pix_fmt": "rgb8"},
    "sound.mp4": {"sound": "aac", "sound_s": 0.3},
    "sound.mkv": {"sound": "aac", "sound_s": 0.3},
    "raw.y4m": {"codec": "wrapped_avframe"},
}
"""Beside those of the tests: a file's name, and how `write_clip` writes it."""


def drawer(kind: str, seed: int, number: int) -> random.Random:
    return random.Random(f"{kind} {seed} {number}")


def mutate(data: bytes, draw: random.Random, donor: bytes = b"", spots: np.ndarray | None = None) -> bytes:
    """A few changes to bytes, half of them near the start, or most at these spots; donor: another file, to splice from."""
    out = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        if spots is not None and len(spots) and draw.random() < 0.9:
            at = min(int(spots[draw.randrange(len(spots))]), len(out))
        else:
            at = draw.randrange(min(len(out), draw.choice((64, 1024, 1 << 40, 1 << 40))) or 1)
        way, size = draw.randrange(8), draw.choice((1, 2, 4, 16, 64))
        if way == 0 and at < len(out):
            out[at] ^= 1 << draw.randrange(8)
        elif way in (1, 2):
            out[at : at + size] = draw.randbytes(len(out[at : at + size]))
        elif way in (3, 4):
            width = draw.choice((1, 2, 4))
            number = struct.pack(draw.choice("<>") + "Q", draw.choice(EDGES))
            out[at : at + width] = number[:width] if number[0] else number[-width:]
        elif way == 5:
            del out[at : at + size]
        elif way == 6:
            start = draw.randrange(len(donor) or 1)
            out[at:at] = donor[start : start + size] or out[at : at + size]
        elif draw.random() < 0.3:
            del out[at:]
    return bytes(out)


def structure(data: bytes, zeros: int = 3) -> np.ndarray:
    """Where in a file there is structure, not weights or compressed pictures: with so many zeros among nine bytes."""
    return np.flatnonzero(np.convolve(np.frombuffer(data, np.uint8) == 0, np.ones(9), "same") >= zeros)


def make_picture(seed: int, number: int) -> tuple[str, bytes]:
    """A damaged picture, and the name of what it was; each is taken in turn."""
    draw, sources = drawer("picture", seed, number), pictures()
    names = list(sources)
    name = names[number % len(names)]
    return name, mutate(sources[name], draw, sources[draw.choice(names)])


def make_bundle(seed: int, number: int, folder: Path) -> str:
    """A damaged copy of the shipped bundle; gives the engine whose file it is about.

    Every other one has a damaged model.json, the rest a damaged graph: of these three of four forged, with a fitting checksum.
    """
    draw = drawer("bundle", seed, number)
    engine = draw.choice(("litert", "litert-int8", "litert-int8", "onnx"))
    graph, spots = shipped_graph(engine)
    meta: dict[str, Any] = json.loads((WEIGHTS / "mien" / "model.json").read_text())
    if number % 2:
        text = damaged_json(meta, draw)
    else:
        graph = mutate(graph, draw, spots=spots)
        if is_forged(seed, number):
            meta["files"][FILES[engine]] = hashlib.sha256(graph).hexdigest()
        text = json.dumps(meta).encode()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_bytes(text)
    (folder / FILES[engine]).write_bytes(graph)
    return engine


def is_forged(seed: int, number: int) -> bool:
    """Whether the bundle of that number has a damaged graph whose checksum fits it."""
    return not number % 2 and drawer("forged", seed, number).random() < 0.75


@cache
def shipped_graph(engine: str) -> tuple[bytes, np.ndarray]:
    """Its bytes, and where they are structure."""
    graph = (WEIGHTS / "mien" / FILES[engine]).read_bytes()
    return graph, structure(graph, 2 if engine == "onnx" else 3)


def damaged_json(meta: dict[str, Any], draw: random.Random) -> bytes:
    """Values replaced or taken out, a quarter of the time bytes."""
    if draw.random() < 0.25:
        return mutate(json.dumps(meta).encode(), draw)
    for _ in range(draw.choice((1, 1, 2, 3))):
        place, key = meta, draw.choice(list(meta) or [""])
        while isinstance(place.get(key), dict) and place[key] and draw.random() < 0.7:
            place, key = place[key], draw.choice(list(place[key]))
        if draw.random() < 0.3:
            place.pop(key, None)
        elif isinstance(place.get(key), list) and place[key] and draw.random() < 0.5:
            place[key][draw.randrange(len(place[key]))] = copy.deepcopy(draw.choice(JSON_EDGES))
        else:
            place[key] = copy.deepcopy(draw.choice(JSON_EDGES))
    return json.dumps(meta).encode()


def make_tables(seed: int, number: int, folder: Path) -> None:
    """FER2013 and FER+ of a few drawn faces in one of the forms in which they come, one of them damaged, or both."""
    draw = drawer("table", seed, number)
    folder.mkdir(parents=True, exist_ok=True)
    faces = drawn_faces()
    form = ("fer2013.csv", "icml_face_data.csv", "other.csv", "fer2013.tar.gz", "a.tar", "archive.zip", "in.zip", "mosaic")[
        number % 8
    ]
    which = draw.choice(("faces", "faces", "votes", "both"))
    votes = votes_text(faces).encode()
    (folder / "fer2013new.csv").write_bytes(votes if which == "faces" else damaged_table(votes, draw))
    if form == "mosaic":
        return write_mosaic(folder, faces, draw, which != "votes")
    header = ("emotion", " Usage", " pixels") if form == "icml_face_data.csv" else ("emotion", "pixels", "Usage")
    text = csv_text(faces, header).encode()
    name = form if form == "icml_face_data.csv" else "fer2013.csv"
    deep = form in ("fer2013.csv", "icml_face_data.csv", "other.csv") or draw.random() < 0.3
    text = damaged_table(text, draw) if deep and which != "votes" else text
    content = text if form.endswith(".csv") else packed(text, name, form, draw)
    (folder / form).write_bytes(content if deep or which == "votes" else mutate(content, draw, text, structure(content)))
    return None


@cache
def drawn_faces() -> Faces:
    """Four, of single digits, so that their rows are short."""
    images = np.random.default_rng(0).integers(0, 10, (4, 48, 48), np.uint8)
    return Faces(images, np.arange(4, dtype=np.uint8), np.array([0, 0, 1, 2], np.uint8))


def damaged_table(text: bytes, draw: random.Random) -> bytes:
    """Bytes, cells, rows or the encoding."""
    way = draw.randrange(5)
    if way == 0:
        return mutate(text, draw)
    lines = [line.split(",") for line in text.decode().splitlines()]
    line = draw.choice(lines)
    if way < 3:
        line[draw.randrange(len(line))] = draw.choice(CELLS)
    elif way == 3:
        lines[draw.randrange(len(lines))] = draw.choice(([], line, line[:-1], [*line, "0"], lines[0]))
    end, encoding = (
        draw.choice(("\n", "\n", "\r\n", "\r", "\0\n")),
        draw.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "cp037")),
    )
    return end.join(",".join(cells) for cells in lines).encode(encoding, "surrogatepass" if "utf" in encoding else "replace")


def packed(text: bytes, name: str, form: str, draw: random.Random) -> bytes:
    """The table in an archive, now and then as what a table is not: a folder, a link, one without an end."""
    out, odd = io.BytesIO(), draw.random() < 0.3
    if form == "in.zip":
        text, name = packed(text, name, "fer2013.tar.gz", draw), "fer2013.tar.gz"
    if form.endswith(".zip"):
        with zipfile.ZipFile(out, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))) as zipped:
            zipped.writestr(f"{name}/" if odd else f"folder/{name}", text)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode=draw.choice(("w", "w:gz", "w:bz2", "w:xz"))) as tarred:
        info = tarfile.TarInfo(f"folder/{name}")
        info.size = len(text)
        if odd:
            info.type = draw.choice(
                (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE)
            )
            info.linkname = draw.choice(("nowhere", f"folder/{name}", "../../etc/passwd"))
        tarred.addfile(info, io.BytesIO(text))
    return out.getvalue()


def write_mosaic(folder: Path, faces: Faces, draw: random.Random, damaged: bool) -> None:
    """The faces in one picture, with their labels beside it."""
    sheet, out = np.zeros((48, 190 * 48), np.uint8), io.BytesIO()
    sheet[:, : 48 * len(faces.images)] = np.hstack(list(faces.images))
    Image.fromarray(sheet).save(out, "PNG")
    labels = csv_text(faces, ("emotion", "Usage")).encode()
    broken = draw.random() < 0.3 and damaged
    (folder / "fer2013-labels.csv").write_bytes(damaged_table(labels, draw) if broken else labels)
    donor = pictures()[draw.choice(list(pictures()))]
    picture = donor if draw.random() < 0.2 else out.getvalue()
    (folder / "fer2013-faces.png").write_bytes(mutate(picture, draw, donor) if damaged else out.getvalue())


def make_clip(seed: int, number: int, folder: Path) -> Path:
    """A damaged clip."""
    draw, sources = drawer("clip", seed, number), clips()
    names = list(sources)
    name = names[number % len(names)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(mutate(sources[name], draw, sources[draw.choice(names)], structure(sources[name], draw.choice((0, 3)))))
    return path


@cache
def clips() -> dict[str, bytes]:
    """Eight frames each of the example, in all containers and codecs that can be written here."""
    found, frames = {}, scene(8, 96, 64)
    with tempfile.TemporaryDirectory() as folder:
        for name, how in (CONTAINERS | MORE_CLIPS).items():
            try:
                found[name] = write_clip(Path(folder, name), frames, **how).read_bytes()
            except (FFmpegError, ValueError):
                continue
    return found
