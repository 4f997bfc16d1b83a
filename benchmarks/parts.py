"""A benchmark's results, whose parts are measured by separate commands and stand in one file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mien.machine import provenance


def show(part: str, report: dict[str, Any], packages: Sequence[str], out: Path | None) -> None:
    """JSON on stdout, with what it was measured on and these packages' versions; in the file, the other parts stay."""
    whole = {**provenance("mien", "numpy", "pillow", "ai-edge-litert", *packages), **report}
    print(json.dumps(whole, indent=1))
    if out:
        parts = json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}
        out.write_text(json.dumps(parts | {part: whole}, indent=1) + "\n", encoding="utf-8")
