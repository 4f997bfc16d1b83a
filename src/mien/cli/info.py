"""`mien info`: what a bundle is, what it scores, how it would run here, and what it must not be used for."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

HONEST_USE = (
    "mien labels apparent expression as ten crowd raters would name it, not what anyone feels. In the EU, inferring "
    "emotions at work or in education is prohibited (AI Act, Art. 5(1)(f)), and people exposed to such a system must be "
    "told (Art. 50(3)). The training data has no demographic labels: performance by group is not known."
)


def info(
    model: Annotated[str | None, typer.Argument(help="A bundle's name or folder; none for a list.")] = None,
) -> None:
    """Describe a model: sizes, scores, checksums, calibration, the engine it would use, and honest use."""
    from rich.console import Console

    from mien.inference.weights import bundle_names

    console = Console(highlight=False, soft_wrap=True)
    for name in [model] if model else bundle_names():
        _describe(console, name)
    console.print(HONEST_USE)


def _describe(console: "Console", name: str) -> None:
    import os

    from ai_edge_litert import __version__ as litert_version
    from rich.table import Table

    from mien.inference.weights import load_bundle

    bundle = load_bundle(name)
    meta = bundle.meta
    console.print(f"{bundle.name}: {bundle.folder}")
    table = Table(show_header=False, box=None)
    table.add_row("labels", ", ".join(bundle.labels))
    table.add_row("network", f"{meta['recipe']['model']}, {meta['parameters']:,} parameters, "
                             f"{meta['multiply_adds'] / 1e6:.1f} million multiply-adds a face")  # fmt: skip
    table.add_row("calibration", f"temperature {meta['temperature']:.3f}; ambiguous below {meta['set_threshold']:.3f}")
    table.add_row("runs by", f"LiteRT {litert_version}, CPU, {os.cpu_count()} threads")
    table.add_row("trained", f"recipe {meta['recipe']['name']}, seed {meta['seed']}, commit {meta['commit']}")
    for file, sha256 in meta["files"].items():
        size_kb = (bundle.folder / file).stat().st_size / 1000
        table.add_row(file, f"{size_kb:.0f} kB, sha256 {sha256}")
    console.print(table)
