"""The options that several verbs have, in the same words."""

from typing import Annotated

import typer

Threshold = Annotated[float, typer.Option(min=0, max=1, help="Least detector score.")]
MinFace = Annotated[
    int, typer.Option(min=0, metavar="PX", help="Look for faces down to this size; slower below 1/12 of the picture.")
]
MaxFaces = Annotated[int | None, typer.Option(min=1, metavar="N", help="At most so many a picture.")]
ModelName = Annotated[str, typer.Option(help="mien, mien-large, or a bundle's folder.")]
DetectorName = Annotated[str, typer.Option(help="full_range, or short_range for selfies.")]
EngineName = Annotated[str, typer.Option(help="litert, litert-int8 or onnx.")]
