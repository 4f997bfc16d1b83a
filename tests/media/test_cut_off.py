"""Files of every container, whole, longer and shorter than they say."""

import pytest
from tests.media.clips import CONTAINERS, write_clip

from mien.media.cut_off import is_cut_off, lacks_index

TELLING = ["plain.mp4", "front.mp4", "fragments.mp4", "a.mov", "a.mkv", "a.ts", "reordered.avi", "a.webm"]


@pytest.mark.parametrize("name", TELLING)
def test_one_byte_less_is_noticed_and_the_whole_file_is_not(tmp_path, name):
    path = write_clip(tmp_path / name, **CONTAINERS[name])
    assert not is_cut_off(path)
    path.write_bytes(path.read_bytes()[:-1])
    assert is_cut_off(path)


@pytest.mark.parametrize("name", ["front.mp4", "a.mkv", "reordered.avi"])
def test_more_bytes_than_are_stated_do_no_harm(tmp_path, name):
    path = write_clip(tmp_path / name, **CONTAINERS[name])
    path.write_bytes(path.read_bytes() + b"xy")
    assert not is_cut_off(path)


@pytest.mark.parametrize(
    ("data", "cut"),
    [
        (b"\0\0\0\x08free\0\0\0\x01mdat\0\0\0\0\0\0\0\x14abcd", False),
        (b"\0\0\0\x08free\0\0\0\x01mdat\0\0\0\0\0\0\0\x15abcd", True),
        (b"\0\0\0\x08free\0\0\0\0mdatabcd", False),  # to the end of the file, however long
        (b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67\x84abcd", False),
        (b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67\x85abcd", True),
        (b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67\x40\x04abcd", False),
        (b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67\x40\x05abcd", True),
        (b"\x1a\x45\xdf\xa3\x82ab\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xffabcd", False),  # of unknown length
        (b"\x1a\x45\xdf\xa3", False),
        (b"RIFF\x04\0\0\0AVI RIFF\x04\0\0\0AVIX", False),
        (b"RIFF\x04\0\0\0AVI RIFF\x05\0\0\0AVIX", True),
        (b"", False),
        (b"FLV\x01\x05\0\0\0\x09", False),
        (b"GIF89a".ljust(188, b"\0") + b"G;", False),
        (b"GIVE".ljust(188, b"\0") + b"G;", True),  # a transport stream
    ],
)
def test_lengths_by_hand(tmp_path, data, cut):
    (tmp_path / "clip").write_bytes(data)
    assert is_cut_off(tmp_path / "clip") == cut


def test_the_index(tmp_path):
    path = write_clip(tmp_path / "a.mp4")
    assert not lacks_index(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert lacks_index(path)
    assert not lacks_index(write_clip(tmp_path / "a.mkv"))
