"""LiteRT's driver: one .tflite from faces [N,48,48,1] to probabilities, and nothing around it."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from driver import drive

EMOTIONS = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"]


class LiteRT:
    def __init__(self, job: dict[str, Any]) -> None:
        self.network = Interpreter(job["model"], num_threads=1)
        self.scale = job["scale"]
        self.index = self.network.get_input_details()[0]["index"]
        self.size = 0

    def classify(self, faces: np.ndarray) -> list[str]:
        if len(faces) != self.size:
            self.size = len(faces)
            self.network.resize_tensor_input(self.index, (self.size, 48, 48, 1))
            self.network.allocate_tensors()
        self.network.set_tensor(self.index, faces[..., None].astype(np.float32) * self.scale)
        self.network.invoke()
        probs = self.network.get_tensor(self.network.get_output_details()[0]["index"])
        return [EMOTIONS[i] for i in probs.argmax(1)]

    def photo(self, pixels: np.ndarray) -> list[str]:
        raise NotImplementedError("has no detector")

    def clip(self, path: str) -> Iterator[int]:
        raise NotImplementedError("has no detector")


if __name__ == "__main__":
    drive(LiteRT)
