"""Recognisers with pictures that hurt them, as workers can import them."""

import os
import time

from mien import Recognizer


class Poisoned(Recognizer):
    """Some bytes make it raise, end its process, or never come back."""

    def predict_batch(self, pictures, whole_image=False):
        for picture in pictures:
            if isinstance(picture, bytes):
                self._suffer(picture)
        return super().predict_batch(pictures, whole_image)

    def _suffer(self, picture):
        if picture == b"raise":
            raise RuntimeError("poison")
        if picture == b"die":
            os.abort()
        if picture == b"hang":
            time.sleep(100)


class Unbuildable(Recognizer):
    """Its networks do not load."""

    def predict_batch(self, pictures, whole_image=False):
        raise RuntimeError("no such engine here")


def twice():
    """Doubles numbers; one that is no number fails, and 0 ends the process."""

    def answer(items):
        if 0 in items:
            os.abort()
        return [item + item if isinstance(item, int) else int(item) for item in items]

    return answer


def shouting():
    """Prints, as libraries do, beside what it answers."""

    def answer(items):
        os.write(1, b"noise on stdout\n")
        return items

    return answer


def refusing():
    raise ValueError("not built")


def hanging():
    time.sleep(100)
