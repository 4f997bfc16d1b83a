"""What is no video, a camera that fails and an address that does not answer are said in one line."""

import os
import sys
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from tests.media.clips import CONTAINERS, number, overwrite, read, scene, write_clip, write_tone

from mien.errors import UsageError, VideoError
from mien.media.frames import Facts, Frame
from mien.media.video import Video, open_video


def write_text(path):
    path.write_text("a text\n" * 100)


def write_subtitles(path):
    path.write_text("1\n00:00:00,000 --> 00:00:01,000\nhello\n")


def write_sound(path, cover=False):
    with av.open(str(path), "w") as out:
        tone = out.add_stream("aac" if path.suffix == ".m4a" else "libmp3lame", rate=48000)
        if cover:
            picture = out.add_stream("mjpeg", rate=1, options={})
            picture.width, picture.height, picture.pix_fmt = 160, 120, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            out.start_encoding()
            out.mux(picture.encode(av.VideoFrame.from_ndarray(scene(1)[0], format="rgb24")))
        write_tone(out, tone, 1.0)


def write_unknown_codec(path):
    write_clip(path)
    before, _, after = path.read_bytes().rpartition(b"avc1")
    path.write_bytes(before + b"xyz1" + after)


def write_nothing_decodable(path):
    write_clip(path, **CONTAINERS["front.mp4"])
    overwrite(path, range(40), 0, 0)


def write_no_frame(path):
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height = 160, 120
        out.start_encoding()


REFUSED = {
    "missing.mp4": (lambda path: None, "no such file"),
    "empty.mp4": (Path.touch, "empty"),
    "text.md": (write_text, "not a video"),
    "text.txt": (write_text, "not a video"),
    "words.srt": (write_subtitles, "no moving pictures"),
    "sound.m4a": (write_sound, "sound only"),
    "cover.mp3": (partial(write_sound, cover=True), "sound only"),
    "picture.jpg": (lambda path: Image.fromarray(scene(1)[0]).save(path), "use mien predict"),
    "picture.png": (lambda path: Image.fromarray(scene(1)[0]).save(path), "use mien predict"),
    "unknown.mp4": (write_unknown_codec, "codec is not one"),
    "ruined.mp4": (write_nothing_decodable, "none of its 40 frames can be decoded"),
    "none.mp4": (write_no_frame, "no frames|no moving pictures"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_video_is_said_in_one_line(tmp_path, name):
    make, message = REFUSED[name]
    make(tmp_path / name)
    with pytest.raises(VideoError, match=message) as raised:
        open_video(tmp_path / name)
    assert str(raised.value).startswith(f"{tmp_path / name}: ")
    assert "\n" not in str(raised.value)


def test_names_that_ffmpeg_would_take_for_something_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("with:colon.mp4", "100%d.mp4", "-i.mp4", "grüße 😀.mp4"):
        write_clip(Path("plain.mp4")).rename(name)
        assert len(read(name)[0]) == 40


def test_metadata_that_are_no_unicode(tmp_path):
    path = write_clip(tmp_path / "a.avi", codec="mpeg4", title="Title")
    data = path.read_bytes()
    assert b"Title" in data
    path.write_bytes(data.replace(b"Title", b"M\xfclle"))
    assert len(read(path)[0]) == 40


def test_without_pyav_a_file_says_what_to_install(tmp_path, monkeypatch):
    for name in ("av", "mien.media.decoding"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(UsageError, match=r"'\.\[video\]'"):
        open_video(tmp_path / "clip.mp4")


# --- cameras, addresses and other sources that may fail


def test_no_camera():
    with pytest.raises(VideoError, match="there is no camera"):
        open_video(7)
    with pytest.raises(VideoError, match="there is no camera /dev/video7"):
        open_video("/dev/video7")


def failing(frames, error):
    """A camera's stand-in, that delivers so many frames and then fails, or nothing more."""
    yield Facts("camera 0", 8, 8, live=True)
    for i in range(frames):
        yield Frame(i, i / 25, np.zeros((8, 8, 3), np.uint8))
    if error:
        raise error
    time.sleep(1.5)


def test_a_camera_that_fails_gives_its_frames_and_the_error():
    with Video("camera 0", failing(9, VideoError("camera 0: is gone.")), [], 5) as video:
        assert [next(video).index for _ in range(9)] == list(range(9))
        with pytest.raises(VideoError, match="is gone"):
            next(video)


def test_a_camera_that_delivers_nothing_more_is_waited_for_so_long():
    with Video("camera 0", failing(9, None), [], 0.3) as video:
        assert [next(video).index for _ in range(9)] == list(range(9))
        with pytest.raises(VideoError, match=r"camera 0: has delivered no frame for 0\.3 s"):
            next(video)
        assert list(video) == []


def test_a_pipe(tmp_path):
    data, pipe = write_clip(tmp_path / "a.ts").read_bytes(), tmp_path / "pipe.ts"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    with open_video(pipe) as video:
        assert video.facts.live
        assert [frame.time_s for frame in video] == pytest.approx(np.arange(40) / 25, abs=1e-3)
    writer.join()


@pytest.fixture
def serve():
    """Serves bytes at an address: as much of them as `delivered` says, then nothing for `stall_s`."""
    servers = []

    def start(data, delivered=1.0, stall_s=0.0):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == "/clip.mp4" else 404)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: int(len(data) * delivered)])
                self.wfile.flush()
                time.sleep(stall_s)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/clip.mp4"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_address(tmp_path, serve):
    data = write_clip(tmp_path / "a.mp4", **CONTAINERS["front.mp4"]).read_bytes()
    frames, lost, error = read(serve(data))
    assert [number(frame.pixels) for frame in frames] == list(range(40))
    assert (lost, error) == ([], None)


@pytest.mark.parametrize("stall_s", [0, 4])
def test_an_address_that_fails_in_the_midst(tmp_path, serve, monkeypatch, stall_s):
    monkeypatch.setattr("mien.media.video_source.ANSWER_S", 1.0)
    data = write_clip(tmp_path / "a.mp4", scene(250), **CONTAINERS["front.mp4"]).read_bytes()
    frames, _, error = read(serve(data, 0.6, stall_s))
    assert 50 < len(frames) < 200
    assert f"after {frames[-1].time_s + 0.04:.2f} s" in error


def test_an_address_without_a_video(serve):
    with pytest.raises(VideoError, match=r"cannot be opened .*404"):
        open_video(serve(b"").replace("clip", "other"))
    with pytest.raises(VideoError, match="cannot be opened"):
        open_video("nosuchprotocol://example")
