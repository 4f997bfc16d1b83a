"""uniface's driver: RetinaFace and its emotion network, which needs the landmarks of a face that was found."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from driver import drive


class Uniface:
    def __init__(self, job: dict[str, Any]) -> None:
        from uniface import Emotion, RetinaFace

        self.detector, self.emotion = RetinaFace(), Emotion()

    def classify(self, faces: np.ndarray) -> list[str]:
        raise NotImplementedError("takes no face already cropped")

    def photo(self, pixels: np.ndarray) -> list[str]:
        return self.analyze(np.ascontiguousarray(pixels[..., ::-1]))

    def clip(self, path: str) -> Iterator[int]:
        import cv2

        capture = cv2.VideoCapture(path)
        while (read := capture.read())[0]:
            yield len(self.analyze(read[1]))

    def analyze(self, pixels: np.ndarray) -> list[str]:
        return [self.emotion.predict(pixels, face).emotion for face in self.detector.detect(pixels)]


if __name__ == "__main__":
    drive(Uniface)
