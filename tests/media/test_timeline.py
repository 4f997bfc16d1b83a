"""What a timeline keeps, against plain loops, and what its picture shows, against planted clips."""

import io
import pickle
import xml.etree.ElementTree as ElementTree
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from mien import EMOTIONS, Box, Face, Result
from mien.errors import UsageError, VideoError
from mien.media import timeline as module
from mien.media.draw import COLOURS
from mien.media.timeline import BINS, ENDED_S, KEPT, SHOWN, THUMBNAIL_PX, THUMBNAILS, Timeline
from mien.media.timeline_figure import (
    AREA,
    DPI,
    HEAD,
    LEFT,
    RIGHT,
    THUMB,
    WIDTH,
    draw_timeline,
    find_curve,
    place_thumbnails,
    time_in_view,
)  # fmt: skip


def face(track, ambiguous=False, score=0.9, **probs):
    given = dict.fromkeys(EMOTIONS, 0.0) | (probs or {"happiness": 1.0})
    top = max(given, key=lambda name: given[name])
    return Face(Box(8, 4, 32, 32), score, given, top, given[top], ambiguous, track)


def frame(time_s, *faces, **more):
    return Result("clips/a.mp4", 64, 48, faces, time_s=time_s, **more)


def gather(*results, pixels=None):
    timeline = Timeline()
    for result in results:
        timeline.add(result, pixels)
    return timeline


def talk(seconds, fps=25, gap=(2, 3)):
    """One face: 70% anger, 30% fear, away in between, ambiguous in the last fifth."""
    times = np.arange(seconds * fps) / fps
    away = [gap[0] <= t < gap[1] for t in times]
    shown = [() if gone else (face(1, t >= 0.8 * seconds, anger=0.7, fear=0.3),) for t, gone in zip(times, away, strict=True)]
    return [frame(float(t), *faces) for t, faces in zip(times, shown, strict=True)]


def png(timeline, tmp_path):
    timeline.write(tmp_path / "x.png")
    return np.asarray(Image.open(tmp_path / "x.png").convert("RGB"))


def words(timeline, tmp_path):
    timeline.write(tmp_path / "x.svg")
    return ["".join(node.itertext()) for node in ElementTree.parse(tmp_path / "x.svg").iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("seconds", [3, 40, 3000])
def test_sums_of_each_stretch_are_those_of_a_plain_loop(seconds):
    rng = np.random.default_rng(seconds)
    times = np.sort(rng.uniform(0, seconds, 900))
    results, plain = [], {}
    for time_s in times.tolist():
        seen = [track for track in (1, 2) if rng.random() < 0.7]
        given = {track: rng.dirichlet(np.ones(8)) for track in seen}
        doubt = {track: bool(rng.random() < 0.3) for track in seen}
        results.append(frame(time_s, *(face(k, doubt[k], **dict(zip(EMOTIONS, given[k], strict=True))) for k in seen)))
        plain[time_s] = given, doubt
    timeline = gather(*results)
    assert BINS / 2 < timeline.last_s / timeline.stretch_s < BINS or timeline.stretch_s == 1 / 64
    for track in timeline.tracks():
        seen, doubts, probs = np.zeros(BINS), np.zeros(BINS), np.zeros((BINS, 8))
        for time_s, (given, doubt) in plain.items():
            if track.number in given:
                place = int(time_s // timeline.stretch_s)
                seen[place], doubts[place] = seen[place] + 1, doubts[place] + doubt[track.number]
                probs[place] += given[track.number]
        np.testing.assert_array_equal(track.seen, seen)
        np.testing.assert_array_equal(track.ambiguous, doubts)
        np.testing.assert_allclose(track.probs, probs, atol=1e-12)
    assert (timeline.frames.sum(), timeline.faces.sum()) == (900, sum(len(given) for given, _ in plain.values()))


def test_smoothed_probabilities_are_shown_where_there_are_any():
    smoothed = dict.fromkeys(EMOTIONS, 0.0) | {"fear": 1.0}
    one = Face(Box(0, 0, 9, 9), 1.0, dict.fromkeys(EMOTIONS, 0.125), "fear", 1.0, False, 1, smoothed)
    np.testing.assert_array_equal(gather(frame(0.0, one)).tracks()[0].probs[0], list(smoothed.values()))


def test_memory_does_not_grow_with_the_clip():
    """A camera before which somebody new stands every 20 s, and two stay."""
    timeline, sizes, pixels = Timeline(), [], np.zeros((48, 64, 3), np.uint8)
    for second in range(8_000):
        timeline.add(frame(float(second), face(1), face(2), face(3 + second // 20)), pixels)
        if second in (3_000, 7_999):
            sizes.append(len(pickle.dumps(timeline)))
    assert sizes[1] < 1.02 * sizes[0]
    assert timeline.count == 402
    assert all(len(track.thumbnails) <= THUMBNAILS for track in timeline.tracks())


def test_the_tracks_seen_longest_are_shown_whenever_they_were(tmp_path):
    seconds = np.random.default_rng(0).permutation(np.arange(1, 61))  # of each of 60 people, one after the other
    results, time_s = [], 0.0
    for track, length in enumerate(seconds.tolist()):
        results += [frame(time_s + i, face(track)) for i in range(length)]
        time_s += length + ENDED_S
    timeline = gather(*results)
    assert len(timeline.tracks()) <= KEPT
    assert [track.number for track in timeline.tracks()[:SHOWN]] == np.argsort(-seconds)[:SHOWN].tolist()
    found = words(timeline, tmp_path)
    assert [text for text in found if text.startswith("#")] == [f"#{track}" for track in np.argsort(-seconds)[:SHOWN]]
    assert [text for text in found if text.endswith("52 more faces were in view for less time and not shown.")]


def test_thumbnails_are_the_best_of_their_time_spread_over_all_of_it():
    """The frame of second i is of grey level i // 10; every tenth is scored best."""
    timeline = Timeline()
    for second in range(2500):
        pixels = np.full((48, 64, 3), second // 10, np.uint8)
        timeline.add(frame(float(second), face(1, score=0.95 if second % 10 == 3 else 0.9)), pixels)
    kept = sorted(timeline.tracks()[0].thumbnails.values())
    assert THUMBNAILS / 2 <= len(kept) <= THUMBNAILS
    assert all(one.score == 0.95 and one.time_s % 10 == 3 for one in kept)
    assert all((one.pixels == one.time_s // 10).all() and one.pixels.shape == (THUMBNAIL_PX, THUMBNAIL_PX, 3) for one in kept)
    assert max(np.diff([0, *(one.time_s for one in kept), 2500])) < 2 * 2500 / len(kept)


def test_a_thumbnail_is_what_is_inside_the_box():
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[4:36, 8:40] = 200
    (thumbnail,) = gather(frame(0.0, face(1)), pixels=pixels).tracks()[0].thumbnails.values()
    assert (thumbnail.pixels == 200).all()
    assert gather(frame(0.0, face(1))).tracks()[0].thumbnails == {}


def test_placed_thumbnails_never_overlap_and_stand_over_their_time():
    times = np.random.default_rng(0).uniform(0, 100, 32)
    placed = place_thumbnails([module.Thumbnail(t, 1.0, "fear", np.zeros(0)) for t in times], 100, 7.0)
    assert len(placed) > 0.7 * 7.0 / THUMB
    assert np.diff([x for _, x in placed]).min() >= THUMB
    assert all(0 <= x <= 7.0 - THUMB and x - 1e-9 <= one.time_s / 100 * 7.0 <= x + THUMB + 1e-9 for one, x in placed)


def test_a_curve_by_hand():
    """Frames every half second; the face in those at 0.5 and 1, and again at 2."""
    timeline = gather(*(frame(i / 2, *[face(1, anger=0.6, fear=0.4)] * (i in (1, 2, 4))) for i in range(5)))
    (track,) = timeline.tracks()
    curve = find_curve(timeline, track.probs, track.seen)
    np.testing.assert_allclose(curve.x, [0.5, 0.5, 0.75, 1.25, 1.5, 1.5, 2, 2, 2.25, 2.5, 2.5])
    np.testing.assert_allclose(curve.y[:, EMOTIONS.index("anger")], [0, 0.6, 0.6, 0.6, 0.6, 0, 0, 0.6, 0.6, 0.6, 0])
    steps = find_curve(timeline, timeline.faces[:, None], timeline.frames, steps=True)
    np.testing.assert_allclose(steps.x, [0, 0, 0, 0.5, 0.5, 1, 1, 1.5, 1.5, 2, 2, 2.5, 2.5, 2.5])
    np.testing.assert_allclose(steps.y[:, 0], [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0])
    assert (timeline.duration_s, time_in_view(timeline, track)) == (2.5, 1.5)


@pytest.mark.parametrize("seconds", [5, 500])
def test_the_picture_has_the_right_colours_at_the_right_times_and_gaps_are_white(tmp_path, seconds):
    pixels = png(gather(*talk(seconds, 25 if seconds < 60 else 2, (0.4 * seconds, 0.6 * seconds))), tmp_path)

    def colour(share, height):
        x, y = LEFT + share * (WIDTH - LEFT - RIGHT), HEAD + AREA * (1 - (height + 0.17) / 1.17)
        return tuple(pixels[round(y * DPI), round(x * DPI)])

    for share in (0.03, 0.38, 0.62, 0.97):
        assert colour(share, 0.1) == colour(share, 0.67) == ImageColor.getrgb(COLOURS["anger"])
        assert colour(share, 0.73) == colour(share, 0.95) == ImageColor.getrgb(COLOURS["fear"])
    assert {colour(share, height) for share in (0.42, 0.47, 0.58) for height in (0.05, 0.5, 0.95)} == {(255, 255, 255)}
    assert [colour(share, -0.1) != (255, 255, 255) for share in (0.03, 0.47, 0.73, 0.83, 0.97)] == [False] * 3 + [True] * 2


@pytest.mark.parametrize(
    ("seconds", "fps", "expected"),
    [
        (5, 25, {"time (s)", "0", "4.5", "5", "5.0 s", "4.0 s"}),
        (180, 5, {"time (min:s)", "0:00", "0:30", "3:00", "3:00 min", "2:59 min"}),
        (7200, 1, {"time (h:min)", "0:00", "0:15", "2:00", "2:00:00 h", "1:59:59 h"}),
    ],
)
def test_an_svg_says_everything_in_words(tmp_path, seconds, fps, expected):
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    found = words(gather(*talk(seconds, fps), pixels=pixels), tmp_path)
    assert {*expected, *EMOTIONS, "ambiguous", "#1", "in view", "a.mp4"} <= set(found)
    images = (tmp_path / "x.svg").read_text().count("<image")
    assert 8 <= images <= (WIDTH - LEFT - RIGHT) / THUMB
    assert "faces" not in found  # with one track their number says nothing more


def test_no_word_is_cut_off_or_covers_another():
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    timeline = Timeline("w" * 300)
    for second in range(360_000, 361_000):
        timeline.add(frame(float(second), *(face(12_000 + k) for k in range(12))))
    timeline.forgotten = 12_345
    figure = draw_timeline(timeline)
    FigureCanvasAgg(figure).draw()
    seen = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    boxes = [text.get_window_extent() for text in seen]
    width, height = figure.bbox.size
    assert len(seen) > 50
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize("suffix", ["PNG", "svg"])
def test_the_same_results_give_the_same_bytes(tmp_path, suffix):
    for name in ("one", "two"):
        gather(*talk(5), frame(5.0, face(2)), pixels=np.full((48, 64, 3), 90, np.uint8)).write(tmp_path / f"{name}.{suffix}")
    one, two = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("one", "two"))
    assert one == two
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"one.{suffix}", f"two.{suffix}"]
    if suffix != "svg":
        with Image.open(io.BytesIO(one)) as image:
            assert (image.format, image.width) == ("PNG", WIDTH * DPI)


def test_clips_without_frames_or_faces_or_with_errors(tmp_path):
    assert "There were no frames." in words(Timeline("x"), tmp_path)
    assert "There were no frames." in words(gather(frame(0.0, error="was cut off")), tmp_path)
    found = words(gather(*(frame(i / 25) for i in range(100))), tmp_path)
    assert {"No face was found.", "4.0 s", "faces"} <= set(found)
    assert "#1" in words(gather(frame(0.0, face(1))), tmp_path)


def test_strange_names_are_written_as_they_are(tmp_path, recwarn):
    assert "a $x^2$ 文.mp4" in words(Timeline("clips/a $x^2$ 文.mp4"), tmp_path)
    assert "two\\nlines <&> \\udcff" in words(Timeline("two\nlines <&> \udcff"), tmp_path)
    png(Timeline("文"), tmp_path)
    assert [text for text in words(Timeline("n" * 300), tmp_path) if "…" in text and len(text) < 80]
    assert not recwarn.list


def test_wrong_requests(tmp_path, monkeypatch):
    for name, why in (("x.pdf", "ends in .png or .svg"), ("no/x.png", "there is no folder"), (".", "ends in .png or .svg")):
        with pytest.raises(UsageError, match=why):
            Timeline().write(tmp_path / name)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(VideoError, match=r"cannot be written \(Is a directory\); make room or choose"):
        Timeline().write(tmp_path / "folder.png")
    with pytest.raises(UsageError, match="without a track's number"):
        gather(frame(0.0, face(None)))
    with pytest.raises(UsageError, match="expected seconds from the clip's start"):
        gather(frame(-0.1))
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"'\.\[video\]'"):
        module.check_timeline(Path("x.svg"))
