"""`mien report`: the tables and figures of a results folder, from its runs alone; faces with what a network says of them."""

import re
from pathlib import Path
from typing import Annotated

import typer

from mien.cli.output import make_folder
from mien.errors import UsageError, unknown
from mien.files import replaced_file


def report(
    results: Annotated[Path, typer.Option(help="Folder with finished runs.")] = Path("results"),
    out: Annotated[Path | None, typer.Option(help="Folder for README.md and figures; default: --results.")] = None,
    faces: Annotated[Path | None, typer.Option(help="Draw faces from the data into this folder instead.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with FER2013 and fer2013new.csv, for --faces.")] = None,
    run: Annotated[str, typer.Option(help="NAME-SEED, for --faces; default: the run that the report shows.")] = "",
) -> None:
    """Write README.md and its figures from the runs in results/: the same runs give the same bytes."""
    if (faces is None) != (data is None):
        raise UsageError("faces need both: --data with the data set, and --faces with the folder for the pictures.")
    if run and not faces:
        raise UsageError("--run chooses whose answers are drawn beside faces; it needs --faces and --data.")
    if faces and data:
        write_face_pictures(results, faces, data, run)
    else:
        write_report(results, out or results)


def write_report(results: Path, out: Path) -> None:
    from mien.evaluation.figures import write_svg
    from mien.evaluation.results_page import FIGURES, read_report

    text, pictures = read_report(results)
    make_folder(out / FIGURES, "--out")
    for picture in pictures:
        write_svg(picture.draw, out / FIGURES, picture.name)
    for name in figures_of(read_page(out / "README.md")) - figures_of(text):
        (out / FIGURES / name).unlink(missing_ok=True)
    with replaced_file(out / "README.md") as partial:
        partial.write_text(text, encoding="utf-8")
    print(f"{out / 'README.md'}, {2 * len(pictures)} figures")


def read_page(path: Path) -> str:
    """An earlier report; empty where there is none, or the page is the user's own."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return text if "Written by `mien report`" in text else ""


def figures_of(page: str) -> set[str]:
    """The files in the folder of figures that a report shows."""
    return set(re.findall(r'"figures/([^"/]+-(?:light|dark)\.svg)"', page))


def write_face_pictures(results: Path, out: Path, data: Path, name: str) -> None:
    """Writes sample predictions and the most confident mistakes beside the raters' votes; never into the results folder."""
    from mien.data.dataset import read_dataset
    from mien.evaluation.faces import write_faces
    from mien.evaluation.gallery import shown_group
    from mien.evaluation.groups import read_groups

    if out.resolve().is_relative_to(results.resolve()):
        raise UsageError(
            f"--faces {out}: is inside the results folder; faces of the data set are not published: choose another."
        )
    groups = read_groups(results)
    runs = {run.name: run for group in groups if group.is_tested for run in group.runs}
    if name and name not in runs:
        raise unknown("run with answers on the test split", name, runs)
    group = shown_group(groups)
    if group is None:
        raise UsageError(f"--results {results}: no run in it was scored on the test split.")
    make_folder(out, "--faces")
    for path in write_faces(runs[name] if name else group.median, read_dataset(data), out):
        print(path)
