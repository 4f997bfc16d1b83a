"""The verbs, gathered."""

import typer

from mien.cli.train import train

app = typer.Typer(name="mien", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                  help="Facial emotion recognition small enough for a phone.")  # fmt: skip
app.command()(train)


@app.callback()
def root() -> None:
    pass
