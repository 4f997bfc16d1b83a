"""Finished runs in a few milliseconds: random answers in the form that `mien train` leaves in results/."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mien.emotions import EMOTIONS
from mien.evaluation.runs import Answers, Run, read_run, score_answers, write_run
from mien.training.recipe import Recipe, as_values

FACES = 120


def plant(
    folder: Path,
    name: str = "mien",
    seed: int = 0,
    *,
    done: int | None = None,
    splits: tuple[str, ...] = ("valid", "test"),
    valid_losses: list[float] | None = None,
    parameters: int = 150_368,
    teachers: dict[str, str] | None = None,
    start: dict[str, str] | None = None,
    **recipe: Any,
) -> Run:
    """One run, written and read back. done: its epochs, all unless told otherwise; recipe: keys that are not the defaults.

    Every fourth face is disputed, 5 votes to 4 and one for `unknown`, but for the first, in which six raters see none.
    """
    settings = replace(Recipe(), **{"model": "slim", "epochs": 3, **recipe}, name=name)
    labels = EMOTIONS[:-1] if settings.labels == "fer2013" else EMOTIONS
    draw = np.random.default_rng([seed, *name.encode()])
    answers = {split: _answers(draw, labels, split) for split in splits}
    epochs = settings.epochs if done is None else done
    losses = valid_losses or [2.0 - 0.01 * epoch for epoch in range(epochs)]
    run = {
        "recipe": as_values(settings),
        "seed": seed,
        "labels": list(labels),
        "environment": {"machine": "a machine"},
        "teachers": teachers or {},
        "start": start or {},
        "command": f"mien train recipes/{name}.toml --data DIR --seed {seed}",
        "epoch": epochs,
        "history": [
            {"epoch": epoch, "loss": loss + 0.1, "valid_loss": loss, "valid_accuracy": 1 / loss}
            for epoch, loss in enumerate(losses, 1)
        ],
        "parameters": parameters,
        "training_s": 3600,
        **score_answers(answers, list(labels)),
    }
    return read_run(write_run(folder, run, answers))


def _answers(draw: np.random.Generator, labels: tuple[str, ...], split: str) -> Answers:
    names = draw.integers(0, len(labels), FACES)
    votes = np.zeros((FACES, 10), np.uint8)
    votes[np.arange(FACES), names] = 10
    disputed = np.arange(FACES) % 4 == 0
    votes[disputed] = [5, 4, 0, 0, 0, 0, 0, 0, 1, 0]
    votes[0] = [4, 0, 0, 0, 0, 0, 0, 0, 0, 6]
    logits = (2.5 * np.eye(len(labels))[names] + draw.normal(size=(FACES, len(labels)))).astype(np.float16).astype(float)
    classes = names if len(labels) == 7 else np.where(disputed, -1, names)
    return Answers(logits, classes, np.arange(FACES) % 5 != (0 if split == "test" else 9), votes)
