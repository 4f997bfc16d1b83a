"""Pictures of any kind to upright RGB pixels."""

import io
import os
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from mien.errors import ImageError

Source = str | PathLike[str] | bytes | bytearray | memoryview | Image.Image | np.ndarray

MAX_PIXELS = 150_000_000
"""Larger pictures are refused before they are decoded."""
TOO_LARGE = f"has more than {MAX_PIXELS / 1e6:.0f} megapixels; make it smaller."
UNKNOWN = "is not a picture in a format that Pillow reads; convert it to JPEG or PNG"
REFUSED = {
    "EPS": "is PostScript, which is not run; convert it to JPEG or PNG",
    "IPTC": "is an IPTC record, which may hold PostScript, and that is not run; convert it to JPEG or PNG",
}
"""Pillow's formats whose pixels Ghostscript may be asked for, which runs what a file says: none of a stranger's."""
WORKING_SIDE_PX = 2048
"""Larger pictures are reduced to this longer side: a face that the detector finds in the whole is then still a crop large."""


@dataclass(frozen=True)
class Picture:
    """pixels: uint8 [h,w,3] RGB, upright, at `scale` times the full size; width and height: the full size in pixels."""

    pixels: np.ndarray
    width: int
    height: int

    @property
    def scale(self) -> float:
        return max(self.pixels.shape[:2]) / max(self.width, self.height)


def name_source(source: Source) -> str:
    """How a result calls this picture: its path, a PIL image's file name, or <bytes>, <image>, <array>."""
    if isinstance(source, str | PathLike):
        return str(source)
    if isinstance(source, Image.Image):
        return str(getattr(source, "filename", "") or "<image>")
    return {np.ndarray: "<array>", bytearray: "<bytes>", memoryview: "<bytes>"}.get(type(source), f"<{type(source).__name__}>")


def read_picture(source: Source, longest_px: int | None = WORKING_SIDE_PX) -> Picture:
    """A path, the bytes of a file, a PIL image, or a uint8 array [h,w] grey, [h,w,3] RGB or [h,w,4] RGBA.

    EXIF orientation is applied, transparency is laid on white, 16 bit becomes 8, an animation gives its first frame.
    longest_px: reduce to this longer side, None to keep all pixels. Raises ImageError for what is not a picture, is cut
    off, cannot be read, is in one of the REFUSED formats, or has more than MAX_PIXELS.
    """
    if isinstance(source, np.ndarray):
        _check_array(source)
        height, width = source.shape[:2]
        if source.ndim == 3 and source.shape[2] == 3 and max(height, width) <= (longest_px or MAX_PIXELS):
            return Picture(source, width, height)
        source = Image.fromarray(source)
    if not isinstance(source, str | PathLike | bytes | bytearray | memoryview | Image.Image):
        raise ImageError(f"{type(source).__name__}: expected a path, the bytes of a file, a PIL image or a uint8 array.")
    name = name_source(source)
    try:
        if isinstance(source, Image.Image):
            return _upright(source, longest_px, draft=False)
        with Image.open(Path(source) if isinstance(source, str | PathLike) else io.BytesIO(source)) as image:
            return _upright(image, longest_px, draft=True)
    except _RefusedError as error:
        raise ImageError(f"{name}: {REFUSED[str(error)]}.") from None
    except UnidentifiedImageError:
        empty = os.path.getsize(source) == 0 if isinstance(source, str | PathLike) else not source
        reason = "is empty, not a picture; fetch or save it again" if empty else UNKNOWN
        raise ImageError(f"{name}: {reason}.") from None
    except Image.DecompressionBombError:
        raise ImageError(f"{name}: {TOO_LARGE}") from None
    except OSError as error:
        raise ImageError(f"{name}: {_reason(error)}.") from error
    except Exception as error:  # Pillow's readers raise whatever a damaged file makes them stumble over
        raise ImageError(f"{name}: is a damaged picture ({error}); save it again.") from error


class _RefusedError(Exception):
    """The format is one of REFUSED."""


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file; check the path"
    if isinstance(error, PermissionError):
        return "no permission to read it; change its mode or owner"
    if isinstance(error, IsADirectoryError):
        return "is a folder; give a picture in it"
    if error.errno is not None:
        return f"cannot be read ({error.strerror}); check its name and its disk"
    return f"is a cut-off or damaged picture ({error}); fetch or save it again"


def _check_array(array: np.ndarray) -> None:
    fits = array.dtype == np.uint8 and (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4)))
    if not fits or not array.size:
        raise ImageError(
            f"array of {array.dtype} {list(array.shape)}: expected uint8 [h,w] grey, [h,w,3] RGB or [h,w,4] RGBA, not empty."
        )


def _upright(image: Image.Image, longest_px: int | None, draft: bool) -> Picture:
    """draft: let a JPEG's decoder reduce it, which changes `image` itself."""
    if image.format in REFUSED:
        raise _RefusedError(image.format)
    if image.width * image.height > MAX_PIXELS:
        raise Image.DecompressionBombError
    width, height = image.size
    if longest_px and max(width, height) > longest_px:
        ratio = longest_px / max(width, height)
        size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
        orientation = image.getexif().get(0x0112, 1)
        if draft:
            image.draft(None, size)  # decoded at a half, a quarter or an eighth, still no smaller than `size`
        if image.mode not in ("RGB", "RGBA", "L") or "transparency" in image.info:
            image = _rgb(image)
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        image.getexif()[0x0112] = orientation
    turned = ImageOps.exif_transpose(image)
    if turned.size != image.size:
        width, height = height, width
    return Picture(np.asarray(_rgb(turned)), width, height)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _eight_bit(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """16 or 32 bit grey, or floats: the range is 0 to 65535, or 0 to 1, unless the values stay below 256 (then as they are)."""
    values = np.nan_to_num(np.asarray(image, np.float32))
    top = values.max(initial=0)
    full = 1.0 if image.mode == "F" and top <= 1 else 255.0 if image.mode in ("I", "F") and top < 256 else 65535.0
    return Image.fromarray(np.clip(values * (255 / full) + 0.5, 0, 255).astype(np.uint8))
