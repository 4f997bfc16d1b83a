"""`mien export`: a checkpoint and the data in, a bundle out."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.output import make_folder
from mien.errors import UsageError

NEEDS = ("torch", "litert_torch", "ai_edge_quantizer", "onnx", "onnxscript", "onnxruntime", "scipy")


def export(
    checkpoint: Annotated[Path, typer.Argument(help="A run's checkpoint.pt.")],
    data: Annotated[Path, typer.Option(help="Folder with FER2013 and fer2013new.csv, as in training.")],
    out: Annotated[Path, typer.Option(help="The bundle's folder; a bundle that is there is replaced.")],
    name: Annotated[str | None, typer.Option(help="The bundle's name; the recipe's if not given.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads, 0 for all cores.")] = 0,
) -> None:
    """Turn a checkpoint into a bundle: calibrated on validation, converted, proved equal, scored, described."""
    if missing := [package for package in NEEDS if not find_spec(package)]:
        raise UsageError(f"exporting needs {', '.join(missing)}: pip install 'mien[lab,onnx]'.")
    import torch
    from rich.console import Console

    from mien.data.dataset import read_dataset
    from mien.export.bundle import export_bundle

    make_folder(out.parent, "--out")
    threads = threads or os.cpu_count() or 1
    torch.set_num_threads(threads)
    words = Console(stderr=True)
    bundle = export_bundle(checkpoint, read_dataset(data), out, name, threads, lambda text: words.print(f"{text} …"))
    print(bundle.folder)
