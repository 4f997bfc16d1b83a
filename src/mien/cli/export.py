"""`mien export`: a checkpoint and the data in, a bundle out."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from mien.cli.output import make_folder
from mien.errors import UsageError, lacking

NEEDS = ("torch", "litert_torch", "ai_edge_quantizer", "onnx", "onnxscript", "onnxruntime", "scipy")


def export(
    checkpoints: Annotated[
        list[Path], typer.Argument(help="A run's checkpoint.pt; of several, an ensemble: the mean of their probabilities.")
    ],
    out: Annotated[
        Path, typer.Option(help="The bundle's folder; a bundle that is there is replaced. With --weights-only, a file.")
    ],
    data: Annotated[Path | None, typer.Option(help="The folder that it was trained on.")] = None,
    cropped: Annotated[bool, typer.Option("--cropped", help="As in training.")] = False,
    classes: Annotated[str, typer.Option(help="As in training.")] = "",
    weights_only: Annotated[
        bool, typer.Option("--weights-only", help="No bundle, but the checkpoint without what only --resume needs.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="The bundle's name; the recipe's if not given.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads, 0 for all cores.")] = 0,
) -> None:
    """Turn a checkpoint, or several together, into a bundle: calibrated on validation, converted, proved equal, scored."""
    from mien.machine import count_cores

    if missing := [package for package in NEEDS[: 1 if weights_only else None] if not find_spec(package)]:
        raise lacking(f"exporting needs {', '.join(missing)}", "lab,onnx")
    if weights_only == (data is not None):
        raise UsageError("expected one of --data, for a bundle, and --weights-only, for a checkpoint to start from or score.")
    make_folder(out.parent, "--out")
    if out.exists() and any(checkpoint.exists() and out.samefile(checkpoint) for checkpoint in checkpoints):
        raise UsageError(f"{out}: is the checkpoint itself, which its run needs to go on; choose another --out.")
    with joined(checkpoints) as checkpoint:
        if data:
            write_bundle(checkpoint, data, (classes, cropped), out, name, threads or count_cores())
        else:
            from mien.training.checkpoint import write_weights

            write_weights(checkpoint, out)
            print(out)


@contextmanager
def joined(checkpoints: Sequence[Path]) -> Iterator[Path]:
    """The only one, or one of all for as long as it is needed."""
    from mien.training.join import write_joined

    if len(checkpoints) == 1:
        yield checkpoints[0]
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.pt"
        write_joined(checkpoints, path)
        yield path


def write_bundle(checkpoint: Path, data: Path, reading: tuple[str, bool], out: Path, name: str | None, threads: int) -> None:
    """reading: how class folders are read, --classes and --cropped."""
    import torch
    from rich.console import Console

    from mien.cli.own import open_faces
    from mien.export.bundle import export_bundle

    torch.set_num_threads(threads)
    words = Console(stderr=True)
    bundle = export_bundle(
        checkpoint, open_faces(data, *reading), out, name, threads, lambda text: words.print(f"{text} …", markup=False)
    )
    print(bundle.folder)
