"""The runs of a results folder, gathered: those that differ in their seed alone stand together."""

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import DataError
from mien.evaluation.calibration import softmax
from mien.evaluation.intervals import bootstrap
from mien.evaluation.published import read_published
from mien.evaluation.runs import Run, read_run

NEEDED = ("recipe", "seed", "labels", "environment", "teachers", "command", "epoch", "history", "parameters", "training_s",
          "temperature", "scores")  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Runs of one recipe and the same teachers, scored on the same splits, to the end or to the same epoch; by seed."""

    runs: tuple[Run, ...]

    @property
    def recipe(self) -> dict[str, Any]:
        return self.runs[0].content["recipe"]

    @property
    def name(self) -> str:
        return self.recipe["name"]

    @property
    def parameters(self) -> int:
        return self.runs[0].content["parameters"]

    @property
    def seeds(self) -> list[int]:
        return [run["seed"] for run, _ in self.runs]

    @property
    def epochs(self) -> list[int]:
        """How many each run has behind it."""
        return [run["epoch"] for run, _ in self.runs]

    @property
    def planned(self) -> int:
        """The epochs that the recipe of this name is published with, or else its own."""
        return read_published().epochs(self.name) or self.recipe["epochs"]

    @property
    def is_short(self) -> bool:
        """Whether it was trained for fewer epochs than planned, and did not end early by its own rule."""
        return self.recipe["epochs"] < self.planned or not has_ended(self.runs[0].content)

    @property
    def is_tested(self) -> bool:
        """Whether it was scored on the test split; development runs are not."""
        return "test" in self.scores(0)

    @property
    def has_votes(self) -> bool:
        """Whether it is scored against FER+'s votes; the networks of FER2013's seven classes are not."""
        return "human_accuracy" in self.scores(0)["valid"]["published"]

    def scores(self, run: int, kind: str = "calibrated") -> dict[str, Any]:
        """split -> protocol -> summary (metrics.summarise) of one run's answers, raw or calibrated."""
        return self.runs[run][0]["scores"][kind]

    def values(self, metric: str, protocol: str = "published", kind: str = "calibrated", split: str = "test") -> list[float]:
        """A metric of each run; none where there is no such protocol."""
        found = [self.scores(run, kind)[split].get(protocol) for run in range(len(self.runs))]
        return [summary[metric] for summary in found if summary]

    @cached_property
    def intervals(self) -> dict[str, dict[str, list[float]]]:
        """protocol -> metric -> the 95% interval on test of the calibrated answers; its ends are means over the runs'."""
        ends: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for number, (run, answers) in enumerate(self.runs):
            for protocol, rows in answers["test"].protocols():
                known = self.scores(number)["test"][protocol].get("interval")
                probs = softmax(answers["test"].logits[rows], run["temperature"])
                ends[protocol].append(known or bootstrap(probs, answers["test"].classes[rows]))
        return {
            protocol: {
                metric: np.mean([one[metric] for one in found], 0).tolist() for metric in ("accuracy", "balanced_accuracy")
            }
            for protocol, found in ends.items()
        }

    @property
    def median(self) -> Run:
        """The run of median validation accuracy; of an even number, the lower of the two in the middle."""
        valid = self.values("accuracy", split="valid")
        return self.runs[sorted(range(len(valid)), key=lambda run: (valid[run], run))[(len(valid) - 1) // 2]]

    @property
    def best(self) -> int:
        """Which run has the highest accuracy on test, as the seed states it; nothing is chosen by it."""
        return int(np.argmax(self.values("accuracy")))


def read_groups(folder: Path) -> list[Group]:
    """By name; of one name, first those with more epochs. Other JSON files than runs on FER2013 are left aside.

    Raises DataError where the folder holds no run, or one that is cut short, of another schema, or under another's name.
    """
    gathered = defaultdict(list)
    for path in sorted(folder.glob("*.json")):
        if _is_run(path):
            run = read_run(path)
            if missing := [key for key in NEEDED if key not in run.content]:
                raise DataError(f"{path}: lacks {missing[0]!r}, which `mien train` writes; finish the run again with --resume.")
            expected = f"{run.name}.json"
            if path.name != expected:
                raise DataError(
                    f"{path}: holds the run {expected}, which would count twice; remove it or give it its name back."
                )
            gathered[_key(run.content)].append(run)
    if not gathered:
        raise DataError(f"{folder}: holds no finished run; expected NAME-SEED.json and .npz, as `mien train` writes them.")
    return [Group(tuple(sorted(runs, key=lambda run: run.content["seed"]))) for _, runs in sorted(gathered.items())]


def has_ended(run: dict[str, Any]) -> bool:
    """Whether all epochs are behind, or as many in a row as the recipe waits for without a better validation loss."""
    recipe = run["recipe"]
    since_best = len(run["history"]) - 1 - int(np.argmin([entry["valid_loss"] for entry in run["history"]]))
    return run["epoch"] >= recipe["epochs"] or 0 < recipe["stop_after"] <= since_best


def _is_run(path: Path) -> bool:
    """Rather than a benchmark's results, or a run on someone's own faces, whose scores are no others' to be held against."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DataError(f"{path}: is cut short or no JSON ({error}); finish the run, or what else writes it, again.") from error
    return isinstance(content, dict) and "recipe" in content and "faces" not in content


def _key(run: dict[str, Any]) -> tuple[Any, ...]:
    """What the runs of a group have in common."""
    faces = {split: {key: part["n"] for key, part in found.items()} for split, found in run["scores"]["raw"].items()}
    same = [
        run["recipe"],
        sorted(run["teachers"].values()),
        run.get("start", {}).get("sha256"),
        faces,
        has_ended(run) or run["epoch"],
    ]
    return run["recipe"]["name"], -run["recipe"]["epochs"], json.dumps(same, sort_keys=True)
