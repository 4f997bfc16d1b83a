"""Graph -> float32 .tflite, for LiteRT on phones, desktops and in browsers."""

from pathlib import Path

import torch

from mien.export.graph import INPUT, Graph, silence


def write_litert(graph: Graph, path: Path) -> None:
    """Writes the graph with a batch of one, which the runtime resizes to any other; takes about ten seconds.

    litert-torch 0.10 cannot lower a symbolic batch, but nothing in these networks depends on its size.
    """
    with silence():
        import litert_torch

        litert_torch.convert(graph, sample_kwargs={INPUT: torch.zeros(1, 48, 48, 1)}).export(str(path))
