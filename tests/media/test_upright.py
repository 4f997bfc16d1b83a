"""However a stream stores its frames, they come out upright, in square pixels, RGB and 8 bit."""

from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image
from tests.media.clips import astronaut, number, read, scene, write_clip

from mien.media.video import open_video

LOSSLESS = {"codec": "ffv1", "pix_fmt": "bgr0"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=0:pools=1"}
ONE = 65536


def close(pixels, wanted, tolerance=12):
    """Whether they are the same picture, but for what coding takes away."""
    assert pixels.shape == wanted.shape
    return np.abs(pixels.astype(int) - wanted).mean() < tolerance


def placed(stored, a, b, c, d):
    """What ISO 14496-12 says of a matrix, pixel by pixel: the one at x, y goes to a x + c y, b x + d y."""
    height, width = stored.shape[:2]
    places = [(a * x + c * y, b * x + d * y) for y in range(height) for x in range(width)]
    left, top = (min(place[i] for place in places) for i in (0, 1))
    shown = np.zeros((width, height, 3) if a == 0 else stored.shape, np.uint8)
    for (x, y), pixel in zip(places, stored.reshape(-1, 3), strict=True):
        shown[y - top, x - left] = pixel
    return shown


@pytest.mark.parametrize(
    ("a", "b", "c", "d"),
    [(1, 0, 0, 1), (-1, 0, 0, 1), (1, 0, 0, -1), (-1, 0, 0, -1), (0, 1, 1, 0), (0, 1, -1, 0), (0, -1, 1, 0), (0, -1, -1, 0)],
)
def test_all_ways_to_lie(tmp_path, a, b, c, d):
    matrix = [a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30]
    path = write_clip(tmp_path / "a.mp4", scene(12), prepare=lambda stream: stream.set_display_matrix(matrix))
    frames, _, _ = read(path)
    with open_video(path) as video:
        assert (video.facts.width, video.facts.height) == ((160, 120) if a else (120, 160))
    assert len(frames) == 12
    for i in (0, 11):
        assert close(frames[i].pixels, placed(scene(12)[i], a, b, c, d))


def test_a_phone_held_upright(tmp_path):
    """As telephones write it: stored lying, to be turned by 90 degrees clockwise."""
    path = write_clip(tmp_path / "a.mp4", scene(3), prepare=lambda stream: stream.set_display_rotation(-90))
    turned = np.asarray(Image.fromarray(scene(3)[0]).transpose(Image.Transpose.ROTATE_270))
    assert close(read(path)[0][0].pixels, turned)


@pytest.mark.parametrize("size", [(161, 121), (160, 121), (161, 120), (1, 1), (17, 13)])
@pytest.mark.parametrize("form", [LOSSLESS, {"codec": "ffv1", "pix_fmt": "yuv420p"}])
def test_odd_sizes(tmp_path, size, form):
    picture = astronaut(*size)
    frames, _, _ = read(write_clip(tmp_path / "a.mkv", [picture] * 3, **form))
    assert len(frames) == 3
    assert close(frames[0].pixels, picture)


@pytest.mark.parametrize(
    ("aspect", "size"),
    [
        (Fraction(4, 3), (213, 120)),
        (Fraction(1, 2), (160, 240)),
        (Fraction(1000, 1001), (160, 120)),
        (Fraction(50), (160, 120)),
    ],
)
def test_pixels_that_are_not_square(tmp_path, aspect, size):
    def prepare(stream):
        stream.codec_context.sample_aspect_ratio = aspect

    frames, _, _ = read(write_clip(tmp_path / "a.mp4", scene(2), prepare=prepare))
    wanted = np.asarray(Image.fromarray(scene(2)[0]).resize(size, Image.Resampling.BILINEAR))
    assert close(frames[0].pixels, wanted)


def test_pixels_that_are_not_square_and_lie(tmp_path):
    def prepare(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.set_display_rotation(-90)

    pixels = read(write_clip(tmp_path / "a.mp4", scene(2), prepare=prepare))[0][0].pixels
    lying = Image.fromarray(scene(2)[0]).resize((213, 120), Image.Resampling.BILINEAR)
    assert close(pixels, np.asarray(lying.transpose(Image.Transpose.ROTATE_270)))


def grey(frames):
    return [np.asarray(Image.fromarray(frame).convert("L").convert("RGB")) for frame in frames]


@pytest.mark.parametrize(
    ("name", "form", "change"),
    [
        ("a.mkv", {"codec": "ffv1", "pix_fmt": "yuv420p10le"}, list),
        ("a.mp4", {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": X265}, list),
        ("a.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le"}, list),
        ("a.mkv", {"codec": "ffv1", "pix_fmt": "gray"}, grey),
        ("a.mkv", {"codec": "ffv1", "pix_fmt": "gray16le"}, grey),
        ("a.mkv", {"codec": "ffv1", "pix_fmt": "yuv444p"}, list),
        ("a.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}, list),
        ("a.mkv", {"codec": "ffv1", "pix_fmt": "gbrp16le"}, list),
        ("a.mkv", LOSSLESS, list),
    ],
)  # fmt: skip
def test_forms_of_pixels(tmp_path, name, form, change):
    frames, _, error = read(write_clip(tmp_path / name, scene(4), **form))
    assert (len(frames), error) == (4, None)
    for frame, wanted in zip(frames, change(scene(4)), strict=True):
        assert frame.pixels.dtype == np.uint8
        assert close(frame.pixels, wanted)
        assert abs(frame.pixels[4:12, 68:76].mean() - wanted[4:12, 68:76].mean()) < 4  # black is 0, not 16
    assert abs(frames[1].pixels[4:12, 4:12].mean() - 255) < 4


def test_a_gif(tmp_path):
    frames, _, error = read(write_clip(tmp_path / "a.gif", scene(4), codec="gif", pix_fmt="rgb8", rate=Fraction(20)))
    assert ([number(frame.pixels) for frame in frames], error) == ([0, 1, 2, 3], None)
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.05, 0.1, 0.15])
    assert close(frames[2].pixels, scene(4)[2], 40)  # of its few colours


@pytest.mark.parametrize("deg", [0, 180])
def test_colours_follow_what_the_stream_says_of_them(tmp_path, deg):
    """A plain red in each matrix and range; read as another it would miss by 15 levels or more. Turning changes nothing."""
    red = np.full((120, 160, 3), (200, 40, 30), np.uint8)
    for space, value in (("ITU709", 1), ("ITU601", 5)):
        for wide in (1, 2):

            def prepare(stream, value=value, wide=wide):
                stream.codec_context.colorspace, stream.codec_context.color_range = value, wide
                stream.set_display_rotation(deg)

            frame = av.VideoFrame.from_ndarray(red, format="rgb24")
            stored = frame.reformat(format="yuv444p", dst_colorspace=space, dst_color_range=wide)
            path = tmp_path / "a.mp4"
            with av.open(str(path), "w") as out:
                stream = out.add_stream("libx264", rate=25, options={"preset": "ultrafast", "qp": "1"})
                stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv444p"
                prepare(stream)
                stored.pts, stored.time_base = 0, Fraction(1, 25)
                out.mux(stream.encode(stored))
                out.mux(stream.encode(None))
            assert np.abs(read(path)[0][0].pixels.astype(int) - red).max() <= 4, (space, wide)


def test_transparency_is_white(tmp_path):
    clear = np.zeros((120, 160, 4), np.uint8)
    clear[:60] = (200, 40, 30, 255)
    clear[60:, :80] = (0, 0, 0, 51)
    pixels = read(write_clip(tmp_path / "a.mov", [clear] * 2, codec="qtrle", pix_fmt="argb"))[0][0].pixels
    assert (pixels[:60] == (200, 40, 30)).all()
    assert (pixels[60:, :80] == 204).all()
    assert (pixels[60:, 80:] == 255).all()


def comb(pixels):
    """How much neighbouring rows differ, beyond how much rows of one field do: fields of two moments make a comb."""
    rows = pixels[20:-20].astype(int).mean(2)
    return np.abs(np.diff(rows, axis=0)).mean() / np.abs(rows[2:] - rows[:-2]).mean()


def test_interlaced_frames_are_deinterlaced_and_none_is_lost(tmp_path):
    upper, lower = scene(96)[::8], scene(96)[4::8]
    woven = [np.stack([one[::2], other[1::2]], 1).reshape(one.shape) for one, other in zip(upper, lower, strict=True)]

    def prepare(stream):
        stream.codec_context.flags |= av.codec.context.Flags.interlaced_dct | av.codec.context.Flags.interlaced_me

    path = write_clip(tmp_path / "a.mkv", woven, codec="mpeg2video", options={"b": "4000k"}, prepare=prepare)
    with av.open(str(path)) as source:
        assert all(frame.interlaced_frame for frame in source.decode(video=0))
    frames, lost, error = read(path)
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(12) / 25, abs=1e-3)
    assert (lost, error) == ([], None)
    assert min(comb(frame) for frame in woven) > 2
    assert max(comb(frame.pixels) for frame in frames) < 0.7
    assert all(close(frame.pixels[20:], one[20:]) for frame, one in zip(frames, lower, strict=True))  # the first, it says


def test_a_single_interlaced_frame(tmp_path):
    def prepare(stream):
        stream.codec_context.flags |= av.codec.context.Flags.interlaced_dct | av.codec.context.Flags.interlaced_me

    path = write_clip(tmp_path / "a.mkv", scene(1), codec="mpeg2video", options={"b": "4000k"}, prepare=prepare)
    frames, _, error = read(path)
    assert ([frame.time_s for frame in frames], error) == ([0], None)


def test_a_size_that_changes_in_the_midst_is_fitted_into_the_first(tmp_path):
    """As calls do when the line gets worse: two transport streams, one after the other."""
    one = write_clip(tmp_path / "one.ts", scene(10), times=range(10)).read_bytes()
    small = [np.asarray(Image.fromarray(frame).resize((80, 120))) for frame in scene(20)[10:]]
    two = write_clip(tmp_path / "two.ts", small, times=range(10, 20)).read_bytes()
    path = tmp_path / "both.ts"
    path.write_bytes(one + two)
    frames, _, _ = read(path)
    assert {frame.pixels.shape for frame in frames} == {(120, 160, 3)}
    assert frames[-1].pixels[:, :38].max() < 16
    assert close(frames[-1].pixels[:, 40:120], small[-1])
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(20) / 25, abs=1e-3)
