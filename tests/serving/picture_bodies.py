"""Hooks for schemathesis: a body that is to be a picture is one."""

from pathlib import Path

import schemathesis
from hypothesis import strategies

FOLDER = Path(__file__).parents[1] / "golden" / "pictures"
PICTURE = strategies.sampled_from([(FOLDER / name).read_bytes() for name in ("small.jpg", "grey.png", "no-face.jpg")])
for kind in ("image/jpeg", "image/png", "image/webp", "image/*", "application/octet-stream"):
    schemathesis.openapi.media_type(kind, PICTURE)
