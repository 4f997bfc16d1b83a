"""Whether an exported graph gives the answers of the network it came from."""

from typing import Any

import numpy as np

from mien.errors import BundleError

FLOAT_DIFFERENCE = 1e-5
"""Most that a probability of a float32 engine may differ from torch's."""
INT8_AGREEMENT = 0.995
"""Least share of faces on which int8 weights must leave the top class as it was."""
OWN_AGREEMENT = 0.95
"""The same for a network of few faces of one's own: where those are hard it decides narrowly, and 1.5% was seen to change."""


def compare(probs: np.ndarray, reference: np.ndarray) -> dict[str, Any]:
    """probs and reference: float [n,c] -> n, the largest absolute difference, and the share of rows with the same top class."""
    return {
        "n": len(probs),
        "max_abs_difference": float(np.abs(probs - reference).max()),
        "same_top_class": float(np.mean(probs.argmax(1) == reference.argmax(1))),
    }


def check_parity(engine: str, found: dict[str, Any], agreement: float = INT8_AGREEMENT) -> None:
    """Raises BundleError where an engine's `compare` with torch is outside the limits above."""
    if "int8" in engine:
        if found["same_top_class"] < agreement:
            raise BundleError(
                f"{engine}: names the network's top class on {found['same_top_class']:.2%} of {found['n']} faces, expected at "
                f"least {agreement:.1%}; train longer, or keep the float files alone."
            )
    elif found["max_abs_difference"] > FLOAT_DIFFERENCE:
        raise BundleError(
            f"{engine}: differs from torch by {found['max_abs_difference']:.1e}, expected at most {FLOAT_DIFFERENCE:.0e}; "
            "the converter does not support one of its layers."
        )
