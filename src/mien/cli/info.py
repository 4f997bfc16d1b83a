"""`mien info`: what a bundle is, what it scores, how it would run here, and what it must not be used for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mien.inference.weights import Bundle

HONEST_USE = (
    "mien labels apparent expression as ten crowd raters would name it, not what anyone feels. In the EU, inferring "
    "emotions at work or in education is prohibited (AI Act, Art. 5(1)(f)), and people exposed to such a system must be "
    "told (Art. 50(3)). The training data has no demographic labels: performance by group is not known."
)


def info(
    model: Annotated[str | None, typer.Argument(help="A bundle's name or folder; none for a list.")] = None,
) -> None:
    """Describe a model: sizes, scores, checksums, calibration, the engine it would use, and honest use."""
    from mien.inference.weights import bundle_names, load_bundle

    for name in [model] if model else bundle_names():
        bundle = load_bundle(name)
        print(f"{bundle.name}: {bundle.folder}")
        for label, text in _facts(bundle):
            print(f"  {label:<18}{text}")
    print(HONEST_USE)


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
    yield "trained", f"recipe {meta['recipe']['name']}, seed {meta['seed']}, commit {meta['commit']}"
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
