"""Small pictures of faces that a run found, where its sources are still there."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from mien.batch.items import Item, read_items
from mien.batch.parts import Source
from mien.batch.store import Plan
from mien.errors import MienError
from mien.inference.crop import Square, crop_square
from mien.media.images import read_picture
from mien.results import as_unicode

SIDE_PX = 96
AROUND = 1.2
"""Side of what is shown, in sides of the face's box."""


def cut_out_faces(source: Source, plan: Plan, faces: Sequence[tuple[int, Mapping[str, Any]]]) -> list[str | None]:
    """A data: URL for each face, which is its part's number and its row; None where its picture is no longer there."""
    items: dict[tuple[int, str], Item] = {}
    for number in {number for number, _ in faces}:
        wanted = {row["source"] for other, row in faces if other == number}
        for item in read_items(source, plan.part(number)):
            name = as_unicode(item.name)
            if name in wanted:
                items[number, name] = item
    return [_draw(items.get((number, row["source"])), row) for number, row in faces]


def _draw(item: Item | None, row: Mapping[str, Any]) -> str | None:
    if item is None or item.picture is None:
        return None
    try:
        picture = read_picture(item.picture)
    except MienError:
        return None
    side = max(row["width"], row["height"]) * AROUND
    left, top = row["x"] + (row["width"] - side) / 2, row["y"] + (row["height"] - side) / 2
    face = crop_square(picture.pixels, Square(*(value * picture.scale for value in (left, top, side))), SIDE_PX)
    out = io.BytesIO()
    Image.fromarray(face).save(out, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
