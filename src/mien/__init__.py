"""mien: facial emotion recognition small enough for a phone."""

__version__ = "0.1.0"
