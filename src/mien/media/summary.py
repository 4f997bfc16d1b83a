"""What a video comes to for each of its faces: how long it is in view, and with which emotions."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mien.emotions import EMOTIONS
from mien.errors import UsageError
from mien.media.durations import Durations
from mien.media.sinks import written
from mien.results import SCHEMA, Face, Result

CLIP = "all"
"""Stands for a track's number in the row of the whole clip."""
COUNTS = ("duration_s", "frames_without_face", "frames_failed", "frames_lost", "frames_damaged")
SUMMARY_COLUMNS = (
    "source", "track", "first_s", "last_s", "in_view_s", "frames", "ambiguous",
    *(f"share_{name}" for name in EMOTIONS), *(f"mean_{name}" for name in EMOTIONS), *COUNTS,
)  # fmt: skip


class Totals:
    """Sums over the frames of one track, or of all."""

    def __init__(self) -> None:
        self.first_s, self.last_s = math.inf, -math.inf
        self.in_view_s = self.face_s = self.ambiguous_s = 0.0
        self.frames = 0
        self.emotion_s, self.probs_s = dict.fromkeys(EMOTIONS, 0.0), dict.fromkeys(EMOTIONS, 0.0)

    def add(self, faces: Sequence[Face], time_s: float, duration_s: float) -> None:
        """One frame that shows these."""
        self.first_s, self.last_s = min(self.first_s, time_s), max(self.last_s, time_s)
        self.in_view_s += duration_s
        self.frames += 1
        for face in faces:
            self.face_s += duration_s
            self.ambiguous_s += duration_s * face.ambiguous
            self.emotion_s[face.emotion] += duration_s
            for name, p in (face.smoothed or face.probs).items():
                self.probs_s[name] += duration_s * p

    def to_dict(self) -> dict[str, Any]:
        """As Summary says it; None for what needs a face where there is none. Times to the ms, shares to 4 digits."""
        seen = self.frames > 0
        return {
            "first_s": round(self.first_s, 3) if seen else None,
            "last_s": round(self.last_s, 3) if seen else None,
            "in_view_s": round(self.in_view_s, 3),
            "frames": self.frames,
            "ambiguous": self._share(self.ambiguous_s),
            "share": {name: self._share(seconds) for name, seconds in self.emotion_s.items()},
            "mean": {name: self._share(seconds) for name, seconds in self.probs_s.items()},
        }

    def _share(self, seconds: float) -> float | None:
        return round(seconds / self.face_s, 4) if self.face_s else None


class Summary(Durations):
    """Sums up a video's results, track by track; memory grows with the number of tracks alone.

    first_s and last_s: times of the first and last frame that a face is seen in. in_view_s: how long those that it is seen
    in are shown, together. Of that time, share: that of each emotion shown (the result's `emotion`), ambiguous: that of
    faces marked so, and mean: the probabilities' (`smoothed` where there are any) mean. The whole clip's are those of all
    its faces together; in_view_s is the time with any.
    """

    def __init__(self) -> None:
        super().__init__()
        self._tracks: dict[int | None, Totals] = {}
        self._all = Totals()
        self._source = ""
        self._frames = self._empty = self._failed = 0
        self._whole_s = 0.0

    def to_dict(self, lost: int = 0, damaged: int = 0) -> dict[str, Any]:
        """The summary of all that was added, ready for JSON; to be called when that is over.

        lost, damaged: the frames that the source could not give, and those that were patched.
        """
        self._finish()
        tracks = sorted(self._tracks.items(), key=lambda item: math.inf if item[0] is None else item[0])
        counts = (round(self._whole_s, 3), self._empty, self._failed, lost, damaged)
        clip = self._all.to_dict() | {"frames": self._frames} | dict(zip(COUNTS, counts, strict=True))
        return {
            "schema": SCHEMA,
            "source": self._source,
            "clip": clip,
            "tracks": [{"track": track, **totals.to_dict()} for track, totals in tracks],
        }

    def _shown(self, result: Result, duration_s: float) -> None:
        self._source = result.source
        self._frames += 1
        self._whole_s += duration_s
        self._failed += result.error is not None
        self._empty += not result.faces and result.error is None
        if result.faces:
            self._all.add(result.faces, result.time_s, duration_s)
        for face in result.faces:
            self._tracks.setdefault(face.track, Totals()).add([face], result.time_s, duration_s)


def check_summary_path(path: Path) -> None:
    """Raises UsageError where its suffix is neither .csv nor .json."""
    if path.suffix.lower() not in (".csv", ".json"):
        raise UsageError(f"{path}: expected a name that ends in .csv or .json.")


def write_summary(path: Path, summary: Summary, lost: int = 0, damaged: int = 0) -> None:
    """Writes it whole or not at all, by the suffix: JSON, or CSV with a row a track and one, `all`, for the clip.

    lost, damaged: as in Summary.to_dict. Raises UsageError for another suffix, VideoError where it cannot be written.
    """
    check_summary_path(path)
    data = summary.to_dict(lost, damaged)
    with written(path) as new, new.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out:
        if path.suffix.lower() == ".json":
            json.dump(data, out, ensure_ascii=False, indent=1)
            return
        rows = csv.DictWriter(out, SUMMARY_COLUMNS, lineterminator="\n")
        rows.writeheader()
        for track in [*data["tracks"], {"track": CLIP, **data["clip"]}]:
            rows.writerow({"source": data["source"], **_flat(track)})


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """share and mean by emotion become columns share_neutral and so on."""
    plain = {key: value for key, value in values.items() if key not in ("share", "mean")}
    return plain | {f"{key}_{name}": value for key in ("share", "mean") for name, value in values[key].items()}
