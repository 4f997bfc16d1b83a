"""Where FFmpeg (through PyAV) finds a video, and what is said where it finds none."""

import os
import stat
import sys
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from mien.errors import VideoError
from mien.media.cut_off import is_cut_off, lacks_index

CAMERAS = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}"), "win32": ("dshow", "video={}")}
"""System -> FFmpeg's input device and how it names a camera. Only Linux's was ever tried."""
CAMERA_OPTIONS = {"darwin": {"framerate": "30"}}
"""avfoundation's own default of 29.97 frames a second is refused by most cameras."""
ANSWER_S = 10.0
"""An address that answers later does not answer."""
LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
"""PyAV before 19 refuses a file for a title that is no Unicode."""
TEXTS = {"tty", "bin", "xbin", "adf", "idf"}
"""Demuxers that make pictures of text, by a file's suffix alone."""


@dataclass(frozen=True)
class Address:
    """name: as the user calls it. url, format, options: for FFmpeg. path: of a plain file.

    waits: it may fail to deliver without an error. live: what it delivers, it delivers once.
    """

    name: str
    url: str
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    path: Path | None = None
    waits: bool = True
    live: bool = True


def find_address(source: str | PathLike[str] | int) -> Address:
    """A number or a video device is a camera, what holds :// an address, all else a file. Raises VideoError without one."""
    name = str(source)
    if name.isdecimal() and not os.path.lexists(name):
        return _camera(name, CAMERAS.get(sys.platform, CAMERAS["linux"])[1].format(_device(int(name))))
    if sys.platform == "linux" and name.startswith("/dev/video"):
        return _camera(name, name)
    if "://" in name:
        return Address(name, name, live=not name.startswith(("http://", "https://", "file://")))
    path = Path(name)
    plain = _check_file(path)
    return Address(name, f"file:{name}", path=path if plain else None, waits=not plain, live=not plain)


def _camera(name: str, url: str) -> Address:
    form = CAMERAS.get(sys.platform, CAMERAS["linux"])[0]
    if form == "v4l2" and not os.path.exists(url):
        raise VideoError(f"{name}: there is no camera {url}; connect it, or give the number of another.")
    return Address(f"camera {name}" if name.isdecimal() else name, url, form, CAMERA_OPTIONS.get(sys.platform, {}))


def _device(number: int) -> str:
    """How the system calls its camera of that number: DirectShow knows them by name only."""
    if sys.platform != "win32":
        return str(number)
    names = [device.name for device in av.enumerate_input_devices("dshow") if "video" in device.media_types]
    if number >= len(names):
        raise VideoError(f"{number}: there is no such camera; connected: {', '.join(names) or 'none'}.")
    return names[number]


def _check_file(path: Path) -> bool:
    """Whether it is a plain file, not a pipe. Raises VideoError for what cannot be read."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            with path.open("rb") as file:
                if not file.read(1):
                    raise VideoError(f"{path}: is empty, not a video; fetch or save it again.")
        return stat.S_ISREG(mode)
    except FileNotFoundError:
        raise VideoError(f"{path}: no such file; check the path.") from None
    except PermissionError:
        raise VideoError(f"{path}: no permission to read it; change its mode or owner.") from None
    except (OSError, ValueError) as error:
        raise VideoError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); check its name and its disk."
        ) from error


def open_container(address: Address) -> InputContainer:
    """Opens it. Raises VideoError for what FFmpeg does not take for a video, in one line."""
    try:
        container = av.open(
            address.url,
            format=address.format,
            options=address.options,
            **LENIENT,
            timeout=ANSWER_S if address.waits else None,
        )
    except av.error.ExitError:
        raise VideoError(f"{address.name}: has not answered for {ANSWER_S:g} s; check that it is connected.") from None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{address.name}: {_refusal(address, error)}.") from error
    form = container.format.name
    if address.path and (form == "image2" or form.endswith("_pipe")):
        container.close()
        raise VideoError(f"{address.name}: is a picture, not a video; use mien predict, or give a folder of pictures.")
    if form in TEXTS:
        container.close()
        raise VideoError(f"{address.name}: is a text, not a video; give a video file.")
    return container


def _refusal(address: Address, error: Exception) -> str:
    reason = str(getattr(error, "strerror", None) or error)
    if not address.path:
        return f"cannot be opened ({reason}); check the address, and that a player can open it"
    if lacks_index(address.path) or is_cut_off(address.path):
        return "is cut off: its index, without which no frame can be found, is not whole; fetch or record it again"
    if isinstance(error, av.error.InvalidDataError | EOFError):
        return "is not a video that FFmpeg reads, or it is damaged; if it is a picture, use mien predict"
    return f"cannot be read ({reason})"


def find_stream(container: InputContainer, name: str) -> VideoStream:
    """The moving pictures in it, but for a cover. Raises VideoError where there are none, or no decoder for them."""
    videos = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not videos:
        held = "sound only" if container.streams.audio else "no moving pictures"
        raise VideoError(f"{name}: holds {held}, so that there are no faces to find; expected a video.")
    best = container.streams.best("video")
    stream = best if best in videos else videos[0]
    if stream.codec_context is None:
        raise VideoError(f"{name}: its codec is not one that this PyAV decodes; convert it to H.264.")
    return stream
