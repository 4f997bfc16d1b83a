"""What the service takes, and how much of it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The defaults suit pictures from phones on a machine with a few cores.

    body_bytes: of one request. held_bytes: of all requests that are under way. head_s, body_s: time in which a request's
    head, and then its body, must have arrived. pictures: in one request. connections: open at once. queue: pictures that
    wait or are worked on. together: pictures that a worker takes at once. work_s: the longest that they may take. drain_s:
    how long requests are still answered, by 503, once the service is to end; end_s: how long those under way may then take.
    """

    body_bytes: int = 32 * 1024 * 1024
    held_bytes: int = 512 * 1024 * 1024
    head_s: float = 10.0
    body_s: float = 15.0
    pictures: int = 16
    connections: int = 400
    queue: int = 64
    together: int = 8
    work_s: float = 60.0
    drain_s: float = 1.0
    end_s: float = 60.0

    @property
    def pictures_at_once(self) -> int:
        """How many a request may bring: a queue takes them all or none."""
        return min(self.pictures, self.queue)
