"""The verbs, gathered."""

import typer

from mien.cli import data
from mien.cli.bench import bench
from mien.cli.evaluate import evaluate
from mien.cli.export import export
from mien.cli.info import info
from mien.cli.predict import predict
from mien.cli.train import train

app = typer.Typer(name="mien", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                  help="Facial emotion recognition small enough for a phone.")  # fmt: skip
app.command()(predict)
app.command()(train)
app.command()(evaluate)
app.command()(export)
app.command()(info)
app.command()(bench)
app.add_typer(data.app, name="data")


@app.callback()
def root() -> None:
    pass
