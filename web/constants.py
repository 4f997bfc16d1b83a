"""Writes src/constants.js: the constants that JavaScript shares with Python, from Python itself.

python -m web.constants     (from the root; tests/web/test_shared.py fails while it is not up to date)
"""

import json
from pathlib import Path
from typing import Any

from mien.emotions import EMOTIONS
from mien.inference import crop, detector, follow, smoothing, tracker
from mien.media.images import WORKING_SIDE_PX
from mien.media.table import COLUMNS, CSV_COLUMNS
from mien.results import SCHEMA

FILE = Path(__file__).parent / "src" / "constants.js"
TRACKER = ("SPEED", "KEEP_S", "NOISE", "TAIL", "AWAY", "LIMIT", "MEMORY_S", "TIE")
SMOOTHING = ("FLOOR", "GAP_S", "SLOW_S", "FAST_S", "EVIDENCE", "LEAD", "MOST", "KERNEL_S")


def constants() -> dict[str, Any]:
    """Name -> value, as JavaScript has them."""
    return {
        "SCHEMA": SCHEMA,
        "EMOTIONS": EMOTIONS,
        "WORKING_SIDE_PX": WORKING_SIDE_PX,
        "DETECTOR": {name: getattr(detector, name) for name in ("OVERLAP", "REACH")},
        "CROP": {"FRAME": [*crop.FRAME.values()], "SIDE_PX": crop.SIDE_PX, "TURN_FROM_DEG": crop.TURN_FROM_DEG},
        "TRACKER": {name: getattr(tracker, name) for name in TRACKER},
        "FOLLOW": {name: getattr(follow, name) for name in ("LONGEST_S", "PACE")},
        "SMOOTHING": {name: getattr(smoothing, name) for name in SMOOTHING},
        "COLUMNS": {name: kind.__name__ for name, kind in COLUMNS.items()},
        "PICTURE_COLUMNS": CSV_COLUMNS,
    }


def module() -> str:
    """The text of src/constants.js."""
    lines = [f"export const {name} = {json.dumps(value)};" for name, value in constants().items()]
    return "\n".join(["// Written by web/constants.py from Python's own; not to be edited.", "", *lines, ""])


if __name__ == "__main__":
    FILE.write_text(module(), encoding="utf-8")
