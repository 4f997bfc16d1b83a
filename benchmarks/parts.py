"""A benchmark's results, as JSON on stdout and in a file; the parts that separate commands measure stand in one."""

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


def write_report(report: dict[str, Any], out: Path | None) -> None:
    """A whole file's results."""
    print(text := json.dumps(report, indent=1))
    if out:
        out.write_text(text + "\n", encoding="utf-8")
