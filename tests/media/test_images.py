"""Pictures of every kind come out upright, in RGB, eight bit; what is no picture gives one line."""

import io
import os
import struct

import numpy as np
import pytest
from PIL import Image

from mien.errors import ImageError
from mien.media import images
from mien.media.images import name_source, read_picture

SCENE = np.zeros((30, 40, 3), np.uint8)
SCENE[:10, :20] = (200, 40, 90)  # upper left block: says which way is up


def encode(image, format_="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def grey(image):
    return np.asarray(image.convert("L"))


ORIGINAL = Image.fromarray(SCENE)
DEEP = np.zeros((30, 40), np.uint16)
DEEP[:10, :20] = 0xFFFF
OPAQUE = ORIGINAL.copy()
OPAQUE.putalpha(255)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encode(ORIGINAL), SCENE),
        (encode(ORIGINAL, "BMP"), SCENE),
        (encode(ORIGINAL, "TIFF"), SCENE),
        (encode(ORIGINAL, "WEBP", lossless=True), SCENE),
        (encode(ORIGINAL.convert("P", palette=Image.Palette.ADAPTIVE)), SCENE),
        (encode(OPAQUE), SCENE),
        (encode(ORIGINAL.convert("L")), np.repeat(grey(ORIGINAL)[..., None], 3, 2)),
        (encode(Image.fromarray(DEEP)), np.repeat(np.uint8(DEEP / 257)[..., None], 3, 2)),
        (encode(Image.fromarray(np.float32(DEEP / 65535)), "TIFF"), np.repeat(np.uint8(DEEP / 257)[..., None], 3, 2)),
        (encode(Image.fromarray(DEEP.astype(np.int32)), "TIFF"), np.repeat(np.uint8(DEEP / 257)[..., None], 3, 2)),
        (encode(ORIGINAL.convert("1")), np.asarray(ORIGINAL.convert("1").convert("RGB"))),
    ],
    ids=["png", "bmp", "tiff", "webp", "palette", "alpha", "grey", "16 bit", "float", "32 bit", "1 bit"],
)
def test_kinds(data, expected):
    np.testing.assert_array_equal(read_picture(data).pixels, expected)


def test_cmyk_jpeg_is_close():
    shown = read_picture(encode(ORIGINAL.convert("CMYK"), "JPEG", quality=95)).pixels.astype(int)
    assert np.abs(shown[2:8, 2:18] - SCENE[2:8, 2:18]).max() < 12


def test_transparency_is_white():
    clear = Image.new("RGBA", (5, 5), (255, 0, 0, 0))
    assert (read_picture(encode(clear)).pixels == 255).all()
    half = read_picture(np.full((2, 2, 4), (0, 0, 0, 51), np.uint8)).pixels
    assert (half == 204).all()


def test_animation_gives_its_first_frame():
    data = encode(ORIGINAL.convert("RGB"), "GIF", save_all=True, append_images=[Image.new("RGB", (40, 30), "white")])
    np.testing.assert_array_equal(read_picture(data).pixels, SCENE)


@pytest.mark.parametrize("limit", [None, 20])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation, limit):
    turns = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
             5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
             8: Image.Transpose.ROTATE_270}  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = ORIGINAL.transpose(turns[orientation]) if orientation > 1 else ORIGINAL
    picture = read_picture(encode(stored, exif=exif), limit)
    assert (picture.width, picture.height) == (40, 30)
    if limit is None:
        np.testing.assert_array_equal(picture.pixels, SCENE)
    else:
        assert picture.pixels.shape == (15, 20, 3)
        assert picture.pixels[1:4, 1:8, 0].min() > 190
        assert picture.pixels[7:, :, 0].max() == 0


def test_large_pictures_are_reduced_before_use():
    data = encode(Image.new("RGB", (5000, 3000), "gray"), "JPEG")
    picture = read_picture(data)
    assert picture.pixels.shape == (1229, 2048, 3)
    assert (picture.width, picture.height) == (5000, 3000)
    assert picture.scale == pytest.approx(2048 / 5000)


def test_a_path_its_bytes_an_image_and_an_array_are_one_picture(tmp_path):
    path = tmp_path / "näme with 'quotes'.png"
    path.write_bytes(encode(ORIGINAL))
    for source in (path, str(path), path.read_bytes(), Image.open(path), SCENE):
        np.testing.assert_array_equal(read_picture(source).pixels, SCENE)


def test_names(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encode(ORIGINAL))
    assert [name_source(s) for s in (path, b"", SCENE, ORIGINAL, Image.open(path))] == [
        str(path), "<bytes>", "<array>", "<image>", str(path)]  # fmt: skip


def bomb():
    """A PNG whose header claims 60,000 x 60,000 pixels."""
    import zlib

    chunk = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    header = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + header + encode(ORIGINAL)[33:]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a picture"),
        (b"hello, I am a text", "not a picture"),
        (encode(ORIGINAL)[:60], "cut-off|damaged|not a picture"),
        (encode(Image.effect_noise((200, 200), 50), "JPEG")[:3000], "cut-off"),
        (bomb(), "megapixels"),
    ],
    ids=["empty", "text", "png header only", "half a jpeg", "bomb"],
)
def test_what_is_no_picture(data, message):
    with pytest.raises(ImageError, match=message):
        read_picture(data)


POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"


def iptc(data):
    """A record that says it holds a JPEG of 9 x 9 pixels, and holds `data`: Pillow opens that as whatever it is."""
    fields = [(3, 60, b"\1\0"), (3, 20, b"\0\x09"), (3, 30, b"\0\x09"), (3, 120, b"\5"), (8, 10, data)]
    return b"".join(bytes([0x1C, record, tag]) + struct.pack(">H", len(value)) + value for record, tag, value in fields)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (POSTSCRIPT, "is PostScript, which is not run; convert it to JPEG or PNG."),
        (b"\xc5\xd0\xd3\xc6" + struct.pack("<II", 12, len(POSTSCRIPT)) + POSTSCRIPT, "is PostScript, which is not run"),
        (iptc(POSTSCRIPT), "which may hold PostScript, and that is not run"),
    ],
    ids=["text", "with a preview", "in an IPTC record"],
)
def test_postscript_is_not_run_whatever_door_it_comes_through(data, message, tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("it was to be run"))
    (tmp_path / "a.png").write_bytes(data)
    for source in (data, tmp_path / "a.png", Image.open(io.BytesIO(data))):
        with pytest.raises(ImageError) as error:
            read_picture(source)
        assert message in str(error.value)


@pytest.mark.parametrize("error", [RuntimeError, NotImplementedError, struct.error, KeyError, ZeroDivisionError, MemoryError])
def test_whatever_a_reader_stumbles_over_is_a_damaged_picture(error, monkeypatch):
    def stumble(*_, **__):
        raise error("deep inside Pillow")

    monkeypatch.setattr(images.Image, "open", stumble)
    with pytest.raises(ImageError, match="damaged picture"):
        read_picture(encode(ORIGINAL))


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_mutated_pictures_are_read_or_refused_in_one_line():
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    originals = [encode(noise, name, **options) for name, options in (("JPEG", {"exif": exif}), ("PNG", {"exif": exif}),
                 ("AVIF", {}), ("GIF", {}), ("WEBP", {"exif": exif}), ("TIFF", {}), ("BMP", {}), ("JPEG2000", {}))]  # fmt: skip
    refused = []
    for data in originals * 40:
        mutated = bytearray(data)
        for place in rng.integers(0, min(len(data), 300), 3):
            mutated[place] = rng.integers(0, 256)
        try:
            read_picture(mutated)
        except ImageError as error:
            refused.append(str(error))
    assert len(refused) > 40
    assert not [message for message in refused if "\n" in message]


def test_paths_that_cannot_be_read(tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        read_picture(tmp_path / "missing.png")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ImageError, match="folder"):
        read_picture(tmp_path / "folder.png")
    with pytest.raises(ImageError):
        read_picture("nul\0byte.png")


def test_no_permission(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    if os.geteuid() == 0:  # root may read everything: the refusal is the system's own exception, raised by hand
        monkeypatch.setattr(images.Image, "open", refuse)
    path = tmp_path / "secret.png"
    path.write_bytes(encode(ORIGINAL))
    path.chmod(0)
    with pytest.raises(ImageError, match="no permission"):
        read_picture(path)


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4)), np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8), np.zeros((0, 3, 3), np.uint8)]
)
def test_arrays_of_another_kind(array):
    with pytest.raises(ImageError, match="expected uint8"):
        read_picture(array)


def test_more_than_the_limit_is_refused_before_decoding(monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 1000)
    with pytest.raises(ImageError, match="make it smaller"):
        read_picture(encode(ORIGINAL))
