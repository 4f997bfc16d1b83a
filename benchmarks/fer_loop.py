"""The plain loop over a clip with the package fer, in an environment that has it."""

import subprocess
from pathlib import Path

import typer

FER = """
import importlib.metadata, os, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
import cv2
from fer.fer import FER
detector = FER()
print(importlib.metadata.version("fer"), file=answers, flush=True)
for path in sys.stdin:
    clip, results = cv2.VideoCapture(path.strip()), []
    while (read := clip.read())[0]:
        results.append(detector.detect_emotions(read[1]))
    print(len(results), sum(map(len, results)), file=answers, flush=True)
"""
"""The plain loop with fer: says its version, then for each line with a clip's path how many frames and faces there were."""


class Peer:
    """Another Python that reads clips with fer, its networks loaded; version: of fer."""

    def __init__(self, python: Path):
        self._process = subprocess.Popen([python, "-c", FER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version = self._answer()

    def read(self, clip: Path) -> tuple[int, int]:
        """How many frames and faces it found."""
        assert self._process.stdin
        print(clip, file=self._process.stdin, flush=True)
        frames, faces = map(int, self._answer().split())
        return frames, faces

    def close(self) -> None:
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout
        if line := self._process.stdout.readline().strip():
            return line
        raise typer.BadParameter(
            f"its program with fer ended with code {self._process.wait()}; see above.", param_hint="--fer-python"
        )
