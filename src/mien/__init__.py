"""mien: facial emotion recognition small enough for a phone.

from mien import Recognizer
for face in Recognizer().predict("photo.jpg").faces:
    print(face.emotion, face.confidence)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.emotions import EMOTIONS
    from mien.errors import MienError
    from mien.inference.recognizer import Recognizer
    from mien.media.draw import draw
    from mien.media.result_reader import read_results
    from mien.media.table import to_frame
    from mien.results import Box, Face, Result

__version__ = "0.1.0"
__all__ = ["EMOTIONS", "Box", "Face", "MienError", "Recognizer", "Result", "__version__", "draw", "read_results", "to_frame"]

_HOMES = {
    "EMOTIONS": "mien.emotions",
    "MienError": "mien.errors",
    "Recognizer": "mien.inference.recognizer",
    "draw": "mien.media.draw",
    "read_results": "mien.media.result_reader",
    "to_frame": "mien.media.table",
    "Box": "mien.results",
    "Face": "mien.results",
    "Result": "mien.results",
}


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used, so that `import mien` stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mien' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
