"""The sound of one container into another."""

import math
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import Any

from av import AudioResampler
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream

COPIED = {"aac", "flac", "mp3", "opus"}
"""Codecs that browsers play from an MP4; others are encoded again."""
AAC_RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}
"""Samples a second that are kept where the sound is encoded again."""


def add_sound(source: InputContainer, out: OutputContainer, start_s: float, until_s: float = math.inf) -> Iterator[Packet]:
    """Adds a stream for the source's sound to `out` and gives its packets: copied, or else as AAC.

    start_s: the source's time that becomes 0. until_s: what begins later, by the new time, is left out. The sound ends where
    it cannot be read; there is none where its codec is not known.
    """
    sound = source.streams.best("audio")
    if not isinstance(sound, AudioStream) or sound.codec_context is None:
        return iter(())
    due = _due(source, sound, start_s, until_s)
    if sound.codec_context.codec.canonical_name in COPIED:
        return into(out.add_stream_from_template(sound, opaque=True), due)
    rate = sound.rate if sound.rate in AAC_RATES else 48000
    return _encoded(due, out.add_stream("aac", rate=rate, layout=sound.layout.name))


def _due(source: InputContainer, sound: AudioStream, start_s: float, until_s: float) -> Iterator[Packet]:
    """The packets of the source's sound, by the new time."""
    unit = Fraction(sound.time_base or 1)
    shift = round(Fraction(start_s) / unit)
    with suppress(FFmpegError):
        for packet in source.demux(sound):
            if not packet.size or packet.pts is None:
                continue
            packet.pts -= shift
            packet.dts = packet.pts if packet.dts is None else packet.dts - shift
            if packet.pts * unit > until_s:
                return
            yield packet


def into(stream: Stream, packets: Iterator[Packet]) -> Iterator[Packet]:
    """The packets of another container's stream, as those of this one."""
    for packet in packets:
        packet.stream = stream
        yield packet


def _encoded(packets: Iterator[Packet], out: AudioStream) -> Iterator[Packet]:
    resampler = AudioResampler(out.codec_context.format, out.codec_context.layout, out.codec_context.rate)
    for packet in packets:
        for frame in _decoded(packet):
            for part in resampler.resample(frame):
                yield from out.encode(part)
    for part in resampler.resample(None):
        yield from out.encode(part)
    yield from out.encode(None)


def _decoded(packet: Any) -> list[AudioFrame]:
    try:
        return packet.decode()
    except FFmpegError:
        return []
