"""mien's driver."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from driver import drive

from mien import EMOTIONS, Recognizer


class Mien:
    def __init__(self, job: dict[str, Any]) -> None:
        self.recognizer = Recognizer()

    def classify(self, faces: np.ndarray) -> list[str]:
        return [EMOTIONS[i] for i in self.recognizer.classify(faces).argmax(1)]

    def photo(self, pixels: np.ndarray) -> list[str]:
        return [face.emotion for face in self.recognizer.predict(pixels).faces]

    def clip(self, path: str) -> Iterator[int]:
        return (len(result.faces) for result in self.recognizer.stream(path))


if __name__ == "__main__":
    drive(Mien)
