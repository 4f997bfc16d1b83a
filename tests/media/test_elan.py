"""Segments against ones made by hand; the file as pympi, an EAF reader that is not ours, and plain XML have it."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from mien import EMOTIONS, Box, Face, Result
from mien.errors import VideoError
from mien.media.elan import Segment, Segments, write_elan


def frame(time_s, **faces):
    """t1="fear": track 1 shows fear; n="fear": a face without a track."""
    probs = dict.fromkeys(EMOTIONS, 1 / 8)
    tracks = [(int(name[1:]) if name[0] == "t" else None, emotion) for name, emotion in faces.items()]
    found = tuple(Face(Box(0, 0, 9, 9), 1.0, probs, emotion, 1.0, False, track) for track, emotion in tracks)
    return Result("clip.mp4", 64, 48, found, {}, 0, time_s)


def segments(results):
    found = Segments()
    for result in results:
        found.add(result)
    return found


CLIP = [
    frame(0.0, t1="neutral", n="anger"),
    frame(0.1, t2="fear", t1="neutral"),
    frame(0.2, t1="happiness"),  # until 0.3
    frame(0.3),
    frame(0.7),
    frame(0.8, t1="happiness"),  # after exactly BREAK_S out of sight
    frame(1.0),
    frame(1.6, t1="happiness"),  # after more
    frame(1.7, t1="sadness"),
    frame(1.8),
    frame(1.9, t1="happiness", t2="fear"),
]
BY_HAND = [
    Segment(1, "neutral", 0.0, 0.2),
    Segment(1, "happiness", 0.2, 1.0),
    Segment(1, "happiness", 1.6, 1.7),
    Segment(1, "sadness", 1.7, 1.8),
    Segment(1, "happiness", 1.9, 2.0),
    Segment(2, "fear", 0.1, 0.2),
    Segment(2, "fear", 1.9, 2.0),
]
IN_MS = {
    "face 1": [
        (0, 200, "neutral"), (200, 1000, "happiness"), (1600, 1700, "happiness"), (1700, 1800, "sadness"),
        (1900, 2000, "happiness"),
    ],
    "face 2": [(100, 200, "fear"), (1900, 2000, "fear")],
}  # fmt: skip


def test_segments_are_the_longest_runs():
    found = segments(CLIP).all()
    assert [(s.track, s.emotion) for s in found] == [(s.track, s.emotion) for s in BY_HAND]
    assert [t for s in found for t in (s.start_s, s.end_s)] == pytest.approx([t for s in BY_HAND for t in (s.start_s, s.end_s)])


def test_another_reader_finds_the_same_tiers(tmp_path):
    pympi = pytest.importorskip("pympi")
    write_elan(tmp_path / "clip.eaf", segments(CLIP), tmp_path / "clip.mp4")
    found = pympi.Elan.Eaf(str(tmp_path / "clip.eaf"))
    assert {tier: sorted(a[:3] for a in found.get_annotation_data_for_tier(tier)) for tier in found.get_tier_names()} == IN_MS
    (media,) = found.get_linked_files()
    assert (media["MIME_TYPE"], media["RELATIVE_MEDIA_URL"]) == ("video/mp4", "./clip.mp4")


def test_the_elements_stand_in_the_order_of_the_schema(tmp_path):
    write_elan(tmp_path / "clip.eaf", segments(CLIP), tmp_path / "clip.mp4")
    root = ElementTree.parse(tmp_path / "clip.eaf").getroot()
    assert [child.tag for child in root] == ["HEADER", "TIME_ORDER", "TIER", "TIER", "LINGUISTIC_TYPE"]
    assert (root.tag, root.get("FORMAT"), root[0].get("TIME_UNITS")) == ("ANNOTATION_DOCUMENT", "3.0", "milliseconds")
    slots = [(slot.get("TIME_SLOT_ID"), int(slot.get("TIME_VALUE"))) for slot in root[1]]
    assert [time for _, time in slots] == sorted(time for tier in IN_MS.values() for a in tier for time in a[:2])
    assert len({name for name, _ in slots}) == len(slots) == 2 * len(BY_HAND)
    ids = [a.get("ANNOTATION_ID") for a in root.iter("ALIGNABLE_ANNOTATION")]
    assert len(set(ids)) == len(ids) == int(root.find("HEADER/PROPERTY").text)
    assert {tier.get("LINGUISTIC_TYPE_REF") for tier in root.iter("TIER")} == {root[-1].get("LINGUISTIC_TYPE_ID")}


def test_where_the_clip_is_seen_from_the_file(tmp_path):
    (tmp_path / "clips").mkdir()
    media = tmp_path / "clips" / 'my "clip" & grüße\udcff.mkv2'
    write_elan(tmp_path / "a.eaf", segments(CLIP), media)
    write_elan(tmp_path / "clips" / "b.eaf", segments(CLIP), tmp_path / "c.mp4")
    a, b = (ElementTree.parse(tmp_path / name).find("HEADER/MEDIA_DESCRIPTOR") for name in ("a.eaf", "clips/b.eaf"))
    assert a.get("RELATIVE_MEDIA_URL") == './clips/my "clip" & grüße\\udcff.mkv2'
    assert a.get("MEDIA_URL") == "file:///" + (tmp_path.resolve() / a.get("RELATIVE_MEDIA_URL")).as_posix().lstrip("/")
    assert (a.get("MIME_TYPE"), b.get("RELATIVE_MEDIA_URL")) == ("unknown", "../c.mp4")


def test_a_camera_has_no_media_and_no_face_no_tier(tmp_path):
    write_elan(tmp_path / "clip.eaf", segments([frame(0.0)]), None)
    root = ElementTree.parse(tmp_path / "clip.eaf").getroot()
    assert [child.tag for child in root] == ["HEADER", "TIME_ORDER", "LINGUISTIC_TYPE"]
    assert root.find("HEADER/MEDIA_DESCRIPTOR") is None


def test_what_is_shorter_than_a_millisecond_is_no_annotation(tmp_path):
    write_elan(tmp_path / "clip.eaf", segments([frame(0.0001, t1="fear"), frame(0.0004, t1="anger"), frame(1)]), None)
    values = [value.text for value in ElementTree.parse(tmp_path / "clip.eaf").iter("ANNOTATION_VALUE")]
    assert values == ["anger"]


def test_a_place_that_cannot_be_written():
    with pytest.raises(VideoError, match="cannot be written"):
        write_elan(Path("nowhere") / "clip.eaf", segments(CLIP), None)
