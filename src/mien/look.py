"""What mien's figures have in common, light and dark, as matplotlib takes it. Nothing here loads matplotlib."""

from typing import Any

PAPER = {"light": "#ffffff", "dark": "#0d1117"}
INK = {"light": "#1f2328", "dark": "#e6edf3"}
FAINT = {"light": "#c4ccd4", "dark": "#484f58"}
TEXT: dict[str, Any] = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "svg.fonttype": "none",
    "svg.hashsalt": "mien",
}
"""rcParams: text stays text, in the first of these fonts that a reader has; ids are the same each time."""
UNDATED: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
}
"""Format -> metadata for savefig, so that the same figure has the same bytes each time."""
