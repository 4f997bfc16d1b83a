"""`mien data`: what a data folder holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from mien.data.dataset import Dataset

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at FER2013 and FER+ before using them.")


@app.callback()
def root() -> None:
    pass


@app.command()
def check(directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with FER2013 and fer2013new.csv.")]) -> None:
    """Read a data folder; print its counts, copies, conflicts, leak-free size and checksums."""
    from rich.console import Console

    from mien.data.dataset import read_dataset

    dataset = read_dataset(directory)
    console = Console()
    for table in (_counts(dataset), _sizes(dataset), _copies(dataset)):
        console.print(table)
    print("\n".join(_summary(dataset)))


def _table(title: str, first: str, columns: tuple[str, ...]) -> "Table":
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _counts(dataset: "Dataset") -> "Table":
    from mien.data.dataset import SPLITS
    from mien.emotions import FER2013_EMOTIONS

    table = _table("FER2013: faces per class", "class", (*SPLITS, "all"))
    for label, emotion in enumerate(FER2013_EMOTIONS):
        counts = [int(((dataset.faces.labels == label) & (dataset.faces.usage == i)).sum()) for i in range(len(SPLITS))]
        table.add_row(emotion, *(f"{n:,}" for n in (*counts, sum(counts))))
    totals = [int((dataset.faces.usage == i).sum()) for i in range(len(SPLITS))]
    table.add_section()
    table.add_row("all", *(f"{n:,}" for n in (*totals, sum(totals))))
    return table


def _sizes(dataset: "Dataset") -> "Table":
    from mien.data.dataset import LABELS, SPLITS
    from mien.data.splits import SIZES, leak_free

    table = _table("Faces that each label mode keeps", "labels", (*SPLITS, "leak-free test"))
    for labels in LABELS:
        splits = [dataset.split(name, labels) for name in SPLITS]
        sizes = [len(split.rows) for split in splits]
        cells = [f"{n:,}" + f" (published: {known:,})" * (n != known) for n, known in zip(sizes, SIZES[labels], strict=True)]
        table.add_row(labels, *cells, f"{leak_free(splits[-1]).sum():,}")
    return table


def _copies(dataset: "Dataset") -> "Table":
    from mien.data.dataset import SPLITS
    from mien.data.splits import also_among, identical_faces

    table = _table("Faces with an identical copy in each split", "faces of", SPLITS)
    images, usage = dataset.faces.images, dataset.faces.usage
    for labels in ("fer2013", "majority"):
        for name in SPLITS:
            rows = dataset.split(name, labels).rows
            repeated = sum(len(group) for group in identical_faces(images[rows]))
            found = [
                repeated if other == name else int(also_among(images, rows, usage == i).sum()) for i, other in enumerate(SPLITS)
            ]
            table.add_row(f"{name}, {labels}", *(f"{n:,}" for n in found))
    return table


def _summary(dataset: "Dataset") -> list[str]:
    from mien.data.splits import conflicting, identical_faces, leaking_rows

    groups = identical_faces(dataset.faces.images)
    crossing = conflicting(groups, dataset.faces.usage)
    return [
        f"identical faces: {len(groups):,} groups, {len(crossing):,} of them across splits, "
        f"{len(conflicting(groups, dataset.faces.labels)):,} with conflicting FER2013 labels",
        f"leaking: {len(leaking_rows()):,} test rows correlate above 0.95 with a named face of train or valid",
        f"unnamed in FER+, hence unused with its votes: {int((~dataset.votes.named).sum()):,} rows",
        *(f"sha256 {digest}  {name}" for name, digest in dataset.checksums.items()),
    ]
