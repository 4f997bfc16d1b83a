"""The verbs, gathered."""

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

import mien

VERBS = (
    "predict", "video", "train", "evaluate", "calibrate", "export", "report", "info", "data", "bench", "serve", "score", "web"
)  # fmt: skip
"""Each is a module beside this one, which holds a function or, where it has verbs of its own, an app."""


def root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        print(mien.__version__)
        raise typer.Exit


def build_app(arguments: Sequence[str] = ()) -> typer.Typer:
    """The command line for these arguments: the verb that they begin with, loaded alone, or all where they name none."""
    app = typer.Typer(
        name="mien",
        invoke_without_command=True,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help="Facial emotion recognition small enough for a phone.")(root)
    for verb in [word for word in arguments[:1] if word in VERBS] or VERBS:
        module = import_module(f"mien.cli.{verb}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=verb)
        else:
            app.command()(getattr(module, verb))
    return app
