"""The verbs, gathered."""

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

import mien

VERBS = {
    "predict": "Faces in pictures and their expressions.",
    "video": "Faces in a video and their expressions over time.",
    "serve": "The page and the HTTP API, on this machine.",
    "web": "The page as static files, for any web host.",
    "score": "A large set of pictures to Parquet, on all cores.",
    "evaluate": "How well a network does on labelled faces.",
    "calibrate": "Fit a network's probabilities to your labelled faces.",
    "train": "Train a network by a recipe.",
    "export": "Turn what was trained into a bundle to use and share.",
    "report": "Tables and figures from the runs in results/.",
    "info": "What a model is: sizes, scores, checksums, honest use.",
    "bench": "How fast a network is on this machine.",
    "data": "Look at FER2013 and FER+ before using them.",
}
"""Those used most come first. Each is a module beside this one, which holds a function or, where it has verbs of its own, an
app; the words are its line in `mien --help`, 60 characters at most."""


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
            app.add_typer(module.app, name=verb, short_help=VERBS[verb])
        else:
            app.command(short_help=VERBS[verb])(getattr(module, verb))
    return app
