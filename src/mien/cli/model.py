"""What MODEL names, opened: a bundle, a checkpoint, or a lone .tflite or .onnx."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.errors import UsageError, lacking, unknown

if TYPE_CHECKING:
    from mien.evaluation.score import Aligned

LONE = {".tflite": "litert", ".onnx": "onnx"}


@dataclass(frozen=True)
class Model:
    """A network that can be scored.

    about: what a report says of it (model, labels, calibration, sha256 by engine). engines: predictors, with columns as in
    about's labels. names: the emotions that it names itself. set_threshold: of its 90% prediction sets, where it has one.
    side_px: of the crops that it is best given.
    """

    about: dict[str, Any]
    engines: "dict[str, Aligned]"
    names: tuple[str, ...]
    set_threshold: float | None = None
    side_px: int = 48


def open_model(model: str, engine: str, threads: int) -> Model:
    """engine: several with commas for a bundle, or none for its usual one."""
    path = Path(model)
    if path.suffix in LONE:
        return _open_lone(path, engine, threads)
    if path.is_file() or path.suffix == ".pt":
        return _open_checkpoint(path, engine, threads)
    return _open_bundle(model, engine, threads)


def choices(kind: str, text: str, known: Iterable[str]) -> list[str]:
    """The words of a list with commas. Raises UsageError for one that is not known."""
    chosen = [word.strip() for word in text.split(",")]
    for word in chosen:
        if word not in known:
            raise unknown(kind, word, known)
    return chosen


def _open_bundle(model: str, engine: str, threads: int) -> Model:
    from mien.evaluation.score import Aligned
    from mien.inference.engines import build_engine
    from mien.inference.weights import FILES, load_bundle

    bundle = load_bundle(model)
    if engine == "torch":
        raise UsageError(f"--engine torch: a bundle holds no torch network; give its checkpoint, or one of {', '.join(FILES)}.")
    engines = {name: Aligned(build_engine(bundle, name, threads), bundle.labels)
               for name in choices("engine", engine or "litert", FILES)}  # fmt: skip
    source = bundle.meta.get("calibration", {}).get("data", {}).get("folder", "validation")
    about = {
        "model": bundle.name,
        "labels": _columns(engines),
        "calibration": f"temperature {bundle.meta['temperature']:.3f}, fitted on {source}",
        "sha256": {name: bundle.sha256(name) for name in engines},
    }
    return Model(about, engines, bundle.labels, bundle.meta["set_threshold"])


def _open_checkpoint(path: Path, engine: str, threads: int) -> Model:
    if engine not in ("", "torch"):
        raise UsageError(f"--engine {engine}: a checkpoint runs on torch alone; `mien export` makes a bundle for the others.")
    try:
        import torch
    except ModuleNotFoundError:
        raise lacking(f"{path}: a checkpoint needs torch", "lab") from None
    from mien.emotions import EMOTIONS
    from mien.evaluation.score import Aligned
    from mien.files import sha256
    from mien.models.engine import TorchEngine
    from mien.training.checkpoint import load_network

    torch.set_num_threads(threads)
    network, recipe, run = load_network(path)
    if strange := [label for label in run["labels"] if label not in EMOTIONS]:
        raise UsageError(f"{path}: names {', '.join(strange)}, which mien cannot score; it knows {', '.join(EMOTIONS)}.")
    engines = {"torch": Aligned(TorchEngine(network), tuple(run["labels"]))}
    about = {
        "model": recipe.name,
        "labels": _columns(engines),
        "calibration": "temperature 1, not calibrated",
        "sha256": {"torch": sha256(path)},
        "epoch": run["epoch"],
    }
    return Model(about, engines, tuple(run["labels"]))


def _open_lone(path: Path, engine: str, threads: int) -> Model:
    from mien.evaluation.score import Aligned
    from mien.files import sha256
    from mien.inference.lone import LoneNetwork

    name = LONE[path.suffix]
    if engine not in ("", name):
        raise UsageError(f"--engine {engine}: {path} runs on {name} alone; leave the option out.")
    network = LoneNetwork(path, threads)
    engines = {name: Aligned(network, network.labels)}
    about = {
        "model": str(network.meta.get("name", path.name)),
        "labels": _columns(engines),
        "calibration": "as the file gives them",
        "sha256": {name: sha256(path)},
    }
    return Model(about, engines, network.labels, network.meta.get("set_threshold"), network.side_px)


def _columns(engines: "dict[str, Aligned]") -> list[str]:
    return list(next(iter(engines.values())).labels)
