"""Results that come one by one, each with how long its frame is shown."""

from mien.results import Result

ALONE_S = 1 / 25


class Durations:
    """What sums up a video from its results, fed to `add` in order; memory does not grow with their number.

    A frame is shown until the next one, the last as long as the one before it, a single one for ALONE_S. Children say in
    `_shown` what they make of a frame, and call `_finish` before they tell what they have.
    """

    def __init__(self) -> None:
        self._latest: Result | None = None
        self._duration_s = ALONE_S

    def add(self, result: Result) -> None:
        """The next frame's."""
        if self._latest is not None:
            self._duration_s = result.time_s - self._latest.time_s
            self._shown(self._latest, self._duration_s)
        self._latest = result

    def _finish(self) -> None:
        """There are no more frames."""
        if self._latest is not None:
            self._shown(self._latest, self._duration_s)
        self._latest = None

    def _shown(self, result: Result, duration_s: float) -> None:
        raise NotImplementedError
