"""A face's probabilities over time: fewer flips of the label, true changes soon followed.

Plain loops over floats, so that the page runs the same equations with the same constants. Both ways average the logarithms

    x_k = ln((p_k + FLOOR) / (1 + n FLOOR))            of the calibrated probabilities p_1 to p_n of each frame, and give
    p_k = (1 + n FLOOR) exp(m_k) / sum_j exp(m_j) - FLOOR                    for the average m.

So what does not change passes unchanged, one frame alone too, and zeros stay zeros. Times are in seconds, so that any
frame rate will do, and a varying one. How the constants were chosen stands in docs/LOG.md.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mien.errors import UsageError

FLOOR = 1e-4
"""Added to each probability before its logarithm, and taken off again."""
GAP_S = 2.0
"""A face out of sight for longer begins anew."""

SLOW_S, FAST_S = 2.0, 0.15
"""Smoother: the time constant of its average, and that right after a beginning or a change."""
EVIDENCE = 0.2
"""Smoother: natural logarithms times seconds by which a rival must have led for the average to begin anew."""
LEAD, MOST = 0.3, 2.0
"""Smoother: the lead over the top class that is no evidence yet, and the lead beyond which more is no more evidence."""

KERNEL_S = 0.2
"""smooth_two_sided: a frame this far away weighs 1/e of the one in the middle."""

BLOCK_S, LOOK_S = 1.0, 1.5
"""smooth_frames: how much is smoothed at once, and how much before and after it is looked at: beyond, frames weigh 1/1800."""

Rows = Mapping[int, Sequence[float]]
"""The probabilities of one frame's faces by their track."""


@dataclass
class State:
    """What Smoother knows of a track: time of its latest frame, how long its average runs, and m and e of each class."""

    time_s: float
    age_s: float
    mean: list[float]
    evidence: list[float]


class Smoother:
    """Causal, for cameras: each frame's smoothed probabilities come from it and those before, per track.

    m is the average and e_k the evidence that class k has taken over (a cumulative sum test, Page 1954):

        first frame, or more than GAP_S after the last     m = x, e = 0, age = 0
        else, dt after it     age += dt, T = min(SLOW_S, FAST_S + age)
                              m += (1 - exp(-dt / T)) (x - m)
                              top = the first class with the largest m
                              e_k = max(0, e_k + dt (min(x_k - x_top, MOST) - LEAD))
        if any e_k > EVIDENCE                              m = x, e = 0, age = 0

    A clear change passes within EVIDENCE / (MOST - LEAD), 0.12 s, and the frame that completes it. Not safe to share.
    """

    def __init__(self) -> None:
        self._states: dict[int, State] = {}

    def update(self, track: int, time_s: float, probs: Sequence[float]) -> list[float]:
        """The smoothed probabilities of a track's next frame, which sum to 1 as `probs` do.

        Tracks not seen for longer than GAP_S are forgotten. Raises UsageError for a time before that of the track's last.
        """
        logs = _logs(probs)
        self._states = {key: state for key, state in self._states.items() if time_s - state.time_s <= GAP_S}
        state = self._states.get(track)
        if state is None:
            state = self._states[track] = _begin(time_s, logs)
        elif time_s < state.time_s:
            raise UsageError(f"frame at {time_s} s after one at {state.time_s} s: expected frames in the order of their times.")
        else:
            _follow(state, time_s, logs)
            if max(state.evidence) > EVIDENCE:
                state = self._states[track] = _begin(time_s, logs)
        return _probs(state.mean)


def smooth_two_sided(times_s: Sequence[float], probs: Sequence[Sequence[float]]) -> list[list[float]]:
    """A whole track's probabilities, smoothed from both sides, for files: a change is neither early nor late.

    times_s: of its n frames, in order; probs: a row each. Frames more than GAP_S apart begin anew. In between,

        m_i = sum_j w_j exp(-|t_i - t_j| / KERNEL_S) x_j / sum_j w_j exp(-|t_i - t_j| / KERNEL_S)

    over all frames j, where w_j is the time that frame j stands for: half of min(KERNEL_S, the time since the last one) and
    half of min(KERNEL_S, that to the next one), each 0 where there is none; together a millisecond at least. Raises
    UsageError for times that go back.
    """
    for last, time_s in pairwise(times_s):
        if time_s < last:
            raise UsageError(f"frame at {time_s} s after one at {last} s: expected frames in the order of their times.")
    starts = [i for i in range(len(times_s)) if i == 0 or times_s[i] - times_s[i - 1] > GAP_S]
    smoothed: list[list[float]] = []
    for start, end in pairwise([*starts, len(times_s)]):
        smoothed += _smooth_part(times_s[start:end], [_logs(row) for row in probs[start:end]])
    return smoothed


def smooth_frames(
    frames: Iterable[tuple[float, Rows]], before: Iterable[tuple[float, Rows]] = ()
) -> Iterator[dict[int, list[float]]]:
    """As `smooth_two_sided`, for a clip of any length: each frame's smoothed rows, in order, once LOOK_S after it are known.

    frames: time in seconds and rows. before: frames of an earlier run that these follow. What comes out for a frame depends
    on the frames around it alone, wherever a run begins: it is smoothed in blocks of BLOCK_S by the clip's time.
    """
    held = deque(before)
    done = len(held)
    for time_s, rows in frames:
        while done < len(held) and time_s > _block_end(held[done][0]) + LOOK_S:
            yield from (smoothed := _smooth_block(list(held), done))
            done += len(smoothed)
            next_s = held[done][0] if done < len(held) else time_s
            while done and held[0][0] < _block_end(next_s) - BLOCK_S - LOOK_S:
                held.popleft()
                done -= 1
        held.append((time_s, rows))
    while done < len(held):
        yield from (smoothed := _smooth_block(list(held), done))
        done += len(smoothed)


def _block_end(time_s: float) -> float:
    return (math.floor(time_s / BLOCK_S) + 1) * BLOCK_S


def _smooth_block(frames: Sequence[tuple[float, Rows]], first: int) -> list[dict[int, list[float]]]:
    """Those of the block that frame `first` begins in."""
    end_s = _block_end(frames[first][0])
    block = [rows for time_s, rows in frames[first:] if time_s < end_s]
    near = [i for i in range(len(frames)) if end_s - BLOCK_S - LOOK_S <= frames[i][0] <= end_s + LOOK_S]
    smoothed: list[dict[int, list[float]]] = [{} for _ in block]
    for track in {track for rows in block for track in rows}:
        seen = [i for i in near if track in frames[i][1]]
        whole = smooth_two_sided([frames[i][0] for i in seen], [frames[i][1][track] for i in seen])
        for i, row in zip(seen, whole, strict=True):
            if first <= i < first + len(block):
                smoothed[i - first][track] = row
    return smoothed


def _smooth_part(times_s: Sequence[float], logs: list[list[float]]) -> list[list[float]]:
    """Two sums that run forwards and backwards, each frame's share fading on the way; its own stands in both."""
    gaps = [later - time_s for time_s, later in pairwise(times_s)]
    half = [min(gap, KERNEL_S) / 2 for gap in gaps]
    weights = [max(before + after, 1e-3) for before, after in zip([0.0, *half], [*half, 0.0], strict=True)]
    rows = [[weight, *(weight * x for x in row)] for weight, row in zip(weights, logs, strict=True)]
    before, after = _run(gaps, rows), _run(gaps[::-1], rows[::-1])[::-1]
    sums = [[b + a - own for b, a, own in zip(*three, strict=True)] for three in zip(before, after, rows, strict=True)]
    return [_probs([x / total for x in row]) for total, *row in sums]


def _run(gaps: Sequence[float], rows: list[list[float]]) -> list[list[float]]:
    """Each row and the ones before it, multiplied by exp(-gap / KERNEL_S) for every gap between."""
    sums = rows[:1]
    for gap, row in zip(gaps, rows[1:], strict=True):
        kept = math.exp(-gap / KERNEL_S)
        sums.append([kept * x + own for x, own in zip(sums[-1], row, strict=True)])
    return sums


def _begin(time_s: float, logs: list[float]) -> State:
    return State(time_s, 0.0, logs, [0.0] * len(logs))


def _follow(state: State, time_s: float, logs: list[float]) -> None:
    """The average and the evidence after one more frame."""
    dt = time_s - state.time_s
    state.time_s, state.age_s = time_s, state.age_s + dt
    gain = 1 - math.exp(-dt / min(SLOW_S, FAST_S + state.age_s))
    state.mean = [mean + gain * (x - mean) for mean, x in zip(state.mean, logs, strict=True)]
    top = state.mean.index(max(state.mean))
    leads = [min(x - logs[top], MOST) for x in logs]
    state.evidence = [max(0.0, e + dt * (lead - LEAD)) for e, lead in zip(state.evidence, leads, strict=True)]


def _logs(probs: Sequence[float]) -> list[float]:
    total = 1 + len(probs) * FLOOR
    return [math.log((p + FLOOR) / total) for p in map(float, probs)]


def _probs(mean: Sequence[float]) -> list[float]:
    """Not below 0: the sum is 1 at most, since a geometric mean is no more than the arithmetic one; but for rounding."""
    most = max(mean)
    shares = [math.exp(m - most) for m in mean]
    scale, floor = (1 + len(mean) * FLOOR) / sum(shares), FLOOR
    return [max(0.0, scale * share - floor) for share in shares]
