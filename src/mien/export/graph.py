"""The network as every runtime gets it, and the silence in which it is converted."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from warnings import catch_warnings

import torch
from torch import Tensor, nn

INPUT, OUTPUT = "faces", "probs"


class Graph(nn.Module):
    """faces: float32 [N,48,48,1], grey levels 0 to 255 -> {"probs": float32 [N,classes]}, calibrated, rows sum to 1."""

    def __init__(self, model: nn.Module, temperature: float):
        super().__init__()
        self.model = model
        self.temperature = temperature
        self.eval()

    def forward(self, faces: Tensor) -> dict[str, Tensor]:
        return {OUTPUT: torch.softmax(self.model(faces.permute(0, 3, 1, 2)) / self.temperature, 1)}


@contextmanager
def silence() -> Iterator[None]:
    """Drops what is logged or written to stdout and stderr, by Python or native code, which the converters do at length."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with open(os.devnull, "w") as null, redirect_stdout(null), redirect_stderr(null), catch_warnings(action="ignore"):
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(logging.NOTSET)
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
            os.close(kept[0])
            os.close(kept[1])
