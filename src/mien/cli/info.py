"""`mien info`: what a bundle is, what it scores, how it would run here, and what it must not be used for."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli.output import make_folder
from mien.errors import UsageError, lacking, unknown

if TYPE_CHECKING:
    from torch import nn

    from mien.inference.weights import Bundle

FORMATS = (".svg", ".png", ".pdf")
HONEST_USE = (
    "mien labels apparent expression as ten crowd raters would name it, not what anyone feels. In the EU, inferring "
    "emotions at work or in education is prohibited (AI Act, Art. 5(1)(f)), and people exposed to such a system must be "
    "told (Art. 50(3)). The training data has no demographic labels: performance by group is not known."
)


def info(
    model: Annotated[
        str | None, typer.Argument(help="A bundle, a checkpoint (.pt), or an architecture; none for all bundles.")
    ] = None,
    draw: Annotated[Path | None, typer.Option(help="Draw an architecture or a checkpoint's as .svg, .png or .pdf.")] = None,
    dark: Annotated[bool, typer.Option("--dark", help="Draw it for a dark page.")] = False,
) -> None:
    """Describe a model: sizes, scores, checksums, calibration, the engine it would use, and honest use."""
    from mien.inference.weights import bundle_names

    if draw:
        _check_drawing(model, draw)
    if model is None or model in bundle_names() or Path(model).is_dir():
        for name in [model] if model else bundle_names():
            _print_bundle(name)
    elif model.endswith(".pt"):
        _print_network(*_open_checkpoint(Path(model), draw), draw, dark)
    else:
        _print_network(model, _build_architecture(model), draw, dark)
    print(HONEST_USE)


def _check_drawing(model: str | None, path: Path) -> None:
    """Raises UsageError for what cannot be drawn here, before anything is printed."""
    from mien.inference.weights import bundle_names

    if model is None or model in bundle_names() or Path(model).is_dir():
        raise UsageError("--draw: a bundle holds no torch network; give an architecture, such as slim, or a checkpoint (.pt).")
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"--draw {path}: expected a name that ends in {', '.join(FORMATS)}.")
    if not find_spec("matplotlib"):
        raise lacking("--draw: drawing needs matplotlib", "lab")
    make_folder(path.parent, "--draw")


def _print_bundle(name: str) -> None:
    from mien.inference.weights import load_bundle

    bundle = load_bundle(name)
    print(f"{bundle.name}: {bundle.folder}")
    for label, text in _facts(bundle):
        print(f"  {label:<18}{text}")


def _open_checkpoint(path: Path, draw: Path | None) -> "tuple[str, nn.Module]":
    """A title and the kept network; prints what the run was and how far it is. Raises UsageError for what cannot be drawn."""
    if not find_spec("torch"):
        raise lacking(f"{path}: a checkpoint needs torch", "lab")
    from mien.training.checkpoint import load_network

    network, recipe, run = load_network(path)
    if "members" in run:
        if draw:
            parts = ", ".join(member["checkpoint"] for member in run["members"])
            raise UsageError(f"--draw {draw}: {path} is several networks together; draw one of them: {parts}.")
        print(f"{path}: several networks together", *map(made_of, run["members"]), sep="\n  ")
        return recipe.model, network
    print(f"{path}: recipe {recipe.name}, seed {run['seed']}, epoch {run['epoch']} of {recipe.epochs}, commit {run['commit']}")
    last = run["history"][-1]
    print(f"  validation accuracy {last['valid_accuracy']:.4f}, log loss {last['valid_loss']:.4f}")
    return f"{recipe.model}, recipe {recipe.name}", network


def _build_architecture(name: str) -> "nn.Module":
    """A network of MODELS, untrained. Raises UsageError for a name that is neither that nor a bundle's."""
    from mien.inference.weights import bundle_names

    if not find_spec("torch"):
        known = ", ".join(bundle_names())
        raise lacking(f"unknown model {name!r}. Known: {known}; architectures need torch", "lab")
    from mien.models import MODELS, build_model

    if name not in MODELS:
        raise unknown("model", name, [*bundle_names(), *MODELS])
    print(f"{name}: an architecture, untrained, eight classes")
    return build_model(name)


def _print_network(title: str, network: "nn.Module", draw: Path | None, dark: bool) -> None:
    """Its layers, their sums, the receptive field; and its picture."""
    from mien.models import list_layers
    from mien.models.structure import receptive_field

    layers = list_layers(network)
    width = max(34, *(len(layer.name) + 2 for layer in layers))
    print(f"  {'layer':<{width}}{'kind':<20}{'output':<14}{'parameters':>12}{'multiply-adds':>16}")
    for layer in layers:
        shape = "x".join(map(str, layer.shape))
        print(f"  {layer.name:<{width}}{layer.kind:<20}{shape:<14}{layer.parameters:>12,}{layer.multiply_adds:>16,}")
    total = sum(layer.parameters for layer in layers), sum(layer.multiply_adds for layer in layers)
    print(f"  {'in all':<{width + 34}}{total[0]:>12,}{total[1]:>16,}")
    print(f"  receptive field: {receptive_field(network)} px on a side, of a face of 48")
    if draw:
        from mien.models.drawing import draw_architecture, write_figure

        write_figure(draw_architecture(title, network, dark), draw)
        print(f"  drawn: {draw}")


def made_of(run: Mapping[str, Any]) -> str:
    """The run that a network comes from."""
    return f"recipe {run['recipe']['name']}, seed {run['seed']}, commit {run['commit']}"


def _facts(bundle: "Bundle") -> Iterator[tuple[str, str]]:
    """What there is to know, label and text. Raises BundleError for a file that is missing or another one."""
    from ai_edge_litert import __version__ as litert_version

    from mien.inference.weights import checked_file

    meta = bundle.meta
    yield "labels", ", ".join(bundle.labels)
    million = meta["multiply_adds"] / 1e6
    yield "network", f"{meta['recipe']['model']}, {meta['parameters']:,} parameters, {million:.1f} M multiply-adds a face"
    yield "calibration", f"temperature {meta['temperature']:.3f}; ambiguous below {meta['set_threshold']:.3f}"
    yield "runs by", f"LiteRT {litert_version}, CPU, 1 thread unless told otherwise"
    for made in meta.get("members", [meta]):
        yield "trained", made_of(made)
    for engine, scores in meta.get("scores", {}).items():
        for protocol, found in scores["test"].items():
            yield (
                f"test, {protocol}",
                (
                    f"{engine}: accuracy {found['accuracy']:.4f}, balanced {found['balanced_accuracy']:.4f}, "
                    f"ECE {found['ece']:.4f}, {found['n']:,} faces"
                ),
            )
    for file, sha256 in meta["files"].items():
        size_kb = checked_file(bundle.folder / file, sha256).stat().st_size / 1000
        yield file, f"{size_kb:.0f} kB, sha256 {sha256}"
