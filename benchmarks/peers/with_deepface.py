"""deepface's driver, with its default detector. Its package needs werkzeug and does not say so."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from driver import drive


class DeepFacePeer:
    def __init__(self, job: dict[str, Any]) -> None:
        from deepface import DeepFace

        DeepFace.build_model("Emotion", task="facial_attribute")
        self.deepface = DeepFace

    def classify(self, faces: np.ndarray) -> list[str]:
        return [self.analyze(np.repeat(face[..., None], 3, 2), "skip")[0] for face in faces]

    def photo(self, pixels: np.ndarray) -> list[str]:
        return self.analyze(pixels[..., ::-1], "opencv")

    def analyze(self, pixels: np.ndarray, detector: str) -> list[str]:
        found = self.deepface.analyze(
            np.ascontiguousarray(pixels), actions=["emotion"], detector_backend=detector, enforce_detection=False, silent=True
        )
        return [face["dominant_emotion"] for face in found]

    def clip(self, path: str) -> Iterator[int]:
        import cv2

        capture = cv2.VideoCapture(path)
        while (read := capture.read())[0]:
            yield len(self.analyze(read[1], "opencv"))


if __name__ == "__main__":
    drive(DeepFacePeer)
