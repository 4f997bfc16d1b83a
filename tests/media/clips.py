"""Clips that tests make on the fly, of a picture that may be passed on."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from mien.errors import VideoError
from mien.media.frames import Frame, Lost
from mien.media.video import open_video

ASTRONAUT = Path(__file__).parents[2] / "examples" / "astronaut.jpg"
X264 = {"g": "10", "preset": "veryfast", "threads": "1"}
RATE = Fraction(25)
FRONT = {"movflags": "faststart"}
MILLISECOND = Fraction(1, 1000)


@cache
def astronaut(width: int, height: int) -> np.ndarray:
    """The picture that the clips are made of, uint8 [h,w,3]."""
    return np.asarray(Image.open(ASTRONAUT).convert("RGB").resize((width, height)))


def scene(n: int = 40, width: int = 160, height: int = 120) -> list[np.ndarray]:
    """n frames uint8 [h,w,3]: a window that moves over the astronaut, and frame i's number as white stripes at the top."""
    picture, frames = astronaut(width + 64, height + 64), []
    for i in range(n):
        frame = picture[i % 32 : i % 32 + height, 2 * i % 64 : 2 * i % 64 + width].copy()
        frame[:16] = 0
        for bit in range(8):
            if i >> bit & 1:
                frame[:16, bit * 16 : bit * 16 + 16] = 255
        frames.append(frame)
    return frames


def number(pixels: np.ndarray) -> int:
    """The number that `scene` wrote into a frame."""
    return sum(1 << bit for bit in range(8) if pixels[4:12, bit * 16 + 4 : bit * 16 + 12].mean() > 128)


def write_clip(
    path: Path,
    frames: Iterable[np.ndarray] = (),
    times: Sequence[int] | None = None,
    *,
    time_base: Fraction | None = None,
    rate: Fraction = RATE,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    sound: str | None = None,
    sound_s: float = 1.6,
    title: str = "",
    prepare: Callable[[av.VideoStream], None] = lambda stream: None,
) -> Path:
    """A file of those frames, the scene by default; times: of each, in units of time_base, 0, 1, 2 by default."""
    frames = list(frames) or scene()
    unit = time_base or 1 / rate
    with av.open(str(path), "w", container_options=container or {}) as out:
        out.metadata["title"] = title
        stream = out.add_stream(codec, rate=rate, options=(X264 if codec == "libx264" else {}) | (options or {}))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = unit
        prepare(stream)
        tone = out.add_stream(sound, rate=48000) if sound else None
        if tone:
            write_tone(out, tone, sound_s)
        for time, pixels in zip(times or range(len(frames)), frames, strict=True):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgba" if pixels.shape[2] == 4 else "rgb24")
            frame.pts, frame.time_base = time, unit
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def write_tone(out: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    """A tone of 440 Hz."""
    wave = (np.sin(2 * np.pi * 440 * np.arange(int(48000 * seconds)) / 48000) * 9000).astype(np.int16)
    for start in range(0, len(wave), 960):
        part = av.AudioFrame.from_ndarray(wave[None, start : start + 960], format="s16", layout="mono")
        part.sample_rate, part.pts, part.time_base = 48000, start, Fraction(1, 48000)
        out.mux(stream.encode(part))
    out.mux(stream.encode(None))


def packet_times(path: Path, kind: str = "video") -> list[float]:
    """When each packet of its pictures or its sound is shown, in the file's own seconds, sorted: what ffprobe would print."""
    with av.open(str(path)) as source:
        stream = source.streams.best(kind)
        return sorted(float(packet.pts * packet.time_base) for packet in source.demux(stream) if packet.size)


CONTAINERS: dict[str, dict[str, Any]] = {
    "plain.mp4": {},
    "front.mp4": {"container": FRONT},
    "fragments.mp4": {"container": {"movflags": "frag_keyframe+empty_moov"}},
    "a.mov": {},
    "a.mkv": {},
    "a.ts": {},
    "a.flv": {},
    "reordered.avi": {},
    "asp.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "motion.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "a.webm": {"codec": "libvpx", "options": {"deadline": "realtime", "cpu-used": "16", "lag-in-frames": "0", "threads": "1"}},
    "a.mpg": {"codec": "mpeg2video", "options": {"bf": "2"}},
    "bare.h264": {},
}
"""A file name of each container, and how `write_clip` writes it."""


def read(source: Path | str, **options: Any) -> tuple[list[Frame], list[Lost], str | None]:
    """Its frames, what was lost, and the error at the end, if any."""
    frames: list[Frame] = []
    error = None
    with open_video(source, **options) as video:
        try:
            frames += video
        except VideoError as raised:
            error = str(raised)
    return frames, video.lost, error


def overwrite(path: Path, numbers: Iterable[int], first: int, value: int) -> None:
    """Those packets' bytes, from `first` on."""
    with av.open(str(path)) as source:
        found = [(packet.pos, packet.size) for packet in source.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for i in numbers:
        start, size = found[i]
        data[start + first : start + size] = bytes([value]) * (size - first)
    path.write_bytes(data)
