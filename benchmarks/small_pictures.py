"""Small pictures in all formats that Pillow reads: written by it, or made by hand where it only reads them."""

import gzip
import io
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

EXAMPLE = Path(__file__).parents[1] / "examples" / "astronaut.jpg"
SIDE = 40
MODES = {
    "AVIF": ("RGB", "RGBA"), "BLP": ("P",), "BMP": ("1", "L", "P", "RGB", "RGBA"), "DDS": ("L", "RGB", "RGBA"),
    "DIB": ("RGB",), "EPS": ("RGB",), "GIF": ("L", "P"), "ICNS": ("RGBA",), "ICO": ("RGBA",), "IM": ("L", "RGB", "F"),
    "JPEG": ("L", "RGB", "CMYK"), "JPEG2000": ("L", "RGB", "RGBA"), "MPO": (), "MSP": ("1",), "PCX": ("1", "L", "P", "RGB"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), "PPM": ("1", "L", "RGB", "I;16", "F"), "QOI": ("RGB", "RGBA"),
    "SGI": ("L", "RGB", "RGBA"), "SPIDER": ("F",), "TGA": ("L", "P", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"), "WEBP": ("RGB", "RGBA"),
    "XBM": ("1",),
}  # fmt: skip
"""Format that Pillow writes and reads -> modes in which it does."""
TURNED = b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0"
VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {
    "DDS": ({}, {"pixel_format": "DXT1"}, {"pixel_format": "BC3"}), "GIF": ({}, {"interlace": 0}),
    "ICO": ({"sizes": [(16, 16), (32, 32)]}, {"bitmap_format": "bmp"}), "JPEG": ({}, {"progressive": True}, {"exif": TURNED}),
    "JPEG2000": ({}, {"no_jp2": True}), "SGI": ({}, {"bpc": 2}), "TGA": ({}, {"compression": "tga_rle"}),
    "TIFF": ({}, *({"compression": name} for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"))),
    "WEBP": ({}, {"lossless": True}),
}  # fmt: skip
"""Options with which a format is also written; those that do not fit a mode are passed over."""
ONLY = {"jpeg": ("L", "RGB"), "group4": ("1",)}
"""Compression of TIFF -> the modes that it fits, as libtiff speaks of the others on stderr."""
ANIMATED = ("GIF", "PNG", "WEBP", "TIFF", "AVIF", "MPO")
"""Formats that are also written with three pictures."""


@cache
def pictures() -> dict[str, bytes]:
    """Small pictures in all formats that Pillow reads: written by it, or made by hand where it only reads them."""
    return dict(written()) | dict(handmade())


def written() -> Iterator[tuple[str, bytes]]:
    Image.init()
    face = Image.open(EXAMPLE).convert("RGB").resize((SIDE, SIDE))
    for form in (form for form in MODES if form in Image.SAVE):
        for mode in MODES[form]:
            for number, options in enumerate(VARIANTS.get(form, ({},))):
                fits = mode in ONLY.get(options.get("compression", ""), (mode,))
                if fits and (content := encode(in_mode(face, mode), form, **options)):
                    yield f"{form} {mode} {number}", content
        if form in ANIMATED:
            turned = [face.rotate(90 * turn) for turn in range(3)]
            if content := encode(turned[0], form, save_all=True, append_images=turned[1:], duration=40):
                yield f"{form} animated", content


def in_mode(face: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(face.convert("L")).astype(np.uint16) * 257)
    if mode in ("I", "F", "LAB"):
        return face.convert("L").convert(mode) if mode != "LAB" else Image.merge("LAB", face.split())
    return face.convert("RGBA").convert(mode) if mode == "LA" else face.convert(mode)


def encode(picture: Image.Image, form: str, **options: Any) -> bytes | None:
    """The file, or None where the format cannot hold that."""
    out = io.BytesIO()
    try:
        picture.save(out, form, **options)
    except (OSError, ValueError, KeyError, RuntimeError):
        return None
    return out.getvalue()


def handmade() -> Iterator[tuple[str, bytes]]:
    """Formats that Pillow reads and does not write."""
    grey, colour, size = bytes(range(64)), bytes(range(192)), struct.pack("<2i", 8, 8)
    face = Image.open(EXAMPLE).convert("RGB").resize((16, 16))
    dib, pcx = (encode(face, form) or b"" for form in ("DIB", "PCX"))
    cards = ["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 8", "NAXIS2  = 8", "END"]
    fits = "".join(f"{card:80}" for card in cards).encode().ljust(2880)
    yield "FITS", fits + grey.ljust(2880, b"\0")
    packed = gzip.compress(bytes(256), mtime=0)
    yield "FITS gzip", fits_table(len(packed)) + struct.pack(">2i", len(packed), 0) + packed
    frame = struct.pack("<IHH8xIH", 16 + 6 + 64, 0xF1FA, 1, 6 + 64, 16) + grey
    yield "FLI", struct.pack("<IHHHHHHI", 128 + len(frame), 0xAF12, 1, 8, 8, 8, 3, 40).ljust(128, b"\0") + frame
    yield "FTEX", b"FTEX" + struct.pack("<i", 1) + size + struct.pack("<5i", 1, 1, 1, 32, 192) + colour
    yield "FTEX DXT1", b"FTEX" + struct.pack("<i", 1) + size + struct.pack("<5i", 1, 1, 0, 32, 32) + grey[:32]
    yield "GBR", struct.pack(">5I4sI", 33, 2, 8, 8, 1, b"GIMP", 10) + b"seed\0" + grey
    yield "IMT", b"* a comment\nwidth 8\nheight 8\npixel n8\n\x0c" + grey
    fields = {(3, 60): b"\1\0", (3, 20): b"\0\0\0\x08", (3, 30): b"\0\0\0\x08", (3, 120): b"\0\0\0\1", (8, 10): grey}
    iptc = b"".join(struct.pack(">BBBH", 0x1C, *tag, len(value)) + value for tag, value in fields.items())
    yield "IPTC", iptc + struct.pack(">BBBH", 0x1C, 8, 11, 0)
    area = [0] * 64
    area[1], area[8], area[9], area[10], area[13], area[33] = 4, 8, 8, 1, 1, 256
    yield "MCIDAS", struct.pack(">64i", *area) + grey
    yield "MPEG", b"\0\0\1\xb3\0\x80\x08" + grey
    yield "PCD", b"\0" * 2048 + b"PCD_".ljust(1539, b"\0") + grey
    yield "PIXAR", b"\x80\xe8\0\0".ljust(416, b"\0") + struct.pack("<HH4xHH", 8, 8, 14, 2).ljust(608, b"\0") + colour
    for name, channels, mode, pixels in (("PSD", 3, 3, colour), ("PSD grey", 1, 1, grey)):
        yield name, struct.pack(">4sH6xHIIHHIIIH", b"8BPS", 1, channels, 8, 8, 8, mode, 0, 0, 0, 0) + pixels
    for name, depth, kind, pixels in (("SUN", 24, 1, colour), ("SUN rle", 8, 2, grey)):
        yield name, struct.pack(">8I", 0x59A66A95, 8, 8, depth, len(pixels), kind, 0, 0) + pixels
    rows = ",\n".join(f'"{"ab" * 4}"' for _ in range(8))
    yield "XPM", f'/* XPM */\nstatic char *x[] = {{\n"8 8 2 1",\n"a c #ff0000",\n"b c #000000",\n{rows}\n}};\n'.encode()
    yield "XVTHUMB", b"P7 332\n#XVVERSION\n#END_OF_COMMENTS\n8 8 255\n" + grey
    tall = dib[:8] + struct.pack("<i", 32) + dib[12:] + bytes(64)
    yield "CUR", struct.pack("<HHH4B2HII", 0, 2, 1, 16, 16, 0, 0, 0, 0, len(tall), 22) + tall
    yield "DCX", struct.pack("<III", 987654321, 12, 0) + pcx
    yield "WMF", struct.pack("<IHhhhhHIH", 0x9AC6CDD7, 0, 0, 0, 100, 100, 72, 0, 0) + b"\1\0\t\0".ljust(40, b"\0")
    yield "WMF enhanced", struct.pack("<II8i4s", 1, 88, 0, 0, 64, 64, 0, 0, 1693, 1693, b" EMF").ljust(88, b"\0")
    for name, magic in {"BUFR": b"BUFR", "GRIB": b"GRIB\0\0\0\1", "HDF5": b"\x89HDF\r\n\x1a\n"}.items():
        yield name, magic + grey
    yield "PNG of 100 megapixels", bomb(10_000, 10_000, 1)
    yield "PNG of 16 megapixels, whole", bomb(4000, 4000, 4000)


def fits_table(size: int) -> bytes:
    """The headers of a FITS file whose picture is compressed in a table."""
    first = ["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 0", "END"]
    second = ["XTENSION= 'BINTABLE'", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 8", "NAXIS2  = 1", f"PCOUNT  = {size}",
              "ZIMAGE  = T", "ZCMPTYPE= 'GZIP_1  '", "ZBITPIX = 8", "ZNAXIS  = 2", "ZNAXIS1 = 8",
              "ZNAXIS2 = 8", "END"]  # fmt: skip
    return b"".join("".join(f"{card:80}" for card in cards).encode().ljust(2880) for cards in (first, second))


def bomb(width: int, height: int, rows: int) -> bytes:
    """A PNG with that size in its header and so many black rows in its data."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(rows * (1 + 3 * width))))
        + chunk(b"IEND", b"")
    )
