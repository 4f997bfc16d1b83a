"""What a worker does: pictures' bytes to results."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from mien.inference.recognizer import Recognizer
from mien.results import Result

Asked = tuple[bytes, bool]
"""A picture's bytes, and whether it is a face already cropped."""
SOURCE = "<request>"


def build_answer(build: Callable[[], Recognizer]) -> Callable[[Sequence[Asked]], list[Result]]:
    """The function that recognises several pictures, in their order; its networks are loaded when it is given."""
    recognizer = build()
    recognizer.predict_batch([np.zeros((64, 64, 3), np.uint8)])
    recognizer.predict_batch([np.zeros((64, 64, 3), np.uint8)], whole_image=True)

    def answer(jobs: Sequence[Asked]) -> list[Result]:
        found: dict[int, Result] = {}
        for whole in {job[1] for job in jobs}:
            chosen = [i for i, job in enumerate(jobs) if job[1] == whole]
            results = recognizer.predict_batch([jobs[i][0] for i in chosen], whole_image=whole)
            found |= {i: replace(result, source=SOURCE) for i, result in zip(chosen, results, strict=True)}
        return [found[i] for i in range(len(jobs))]

    return answer
