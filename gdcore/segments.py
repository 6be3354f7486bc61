"""The loop of the compiled engine: chunks of starts, each advanced by one thread from segment to segment to its end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from gdcore.chunks import cores
from gdcore.compiled import LaneStep, step_of
from gdcore.descent import TAIL, Descent, Progress
from gdcore.judge import SEGMENT, Judge, Verdict
from gdcore.kernel import Kernel
from gdcore.lanes import LANES, OVER
from gdcore.outcomes import Outcomes, codes_of
from gdcore.stopping import Stopping

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
CHUNK = 32768
CALL = 6e8  # operations on starts in one call: some tens of milliseconds, after which a cancelled run ends
POLL = 0.05  # seconds between two reports of progress


def outcomes_compiled(
    kernel: Kernel,
    points: Array,
    stopping: Stopping,
    *,
    on_progress: Progress | None = None,
    threads: int | None = None,
    target: float | None = None,
) -> Outcomes:
    """How the runs from points (n, d) end, as outcomes_of(descend(...)) tells it; positions agree to rounding."""
    step, n = step_of(kernel.recipe), len(points)
    results = _Results(points, target)
    workers = threads or cores()
    most = CHUNK // 4 if step.layout.cells else CHUNK
    size = max(LANES, -(-n // (workers * -(-n // (workers * most)))))  # as many chunks for each thread as for the others
    chunks = [_Chunk(kernel, step, points, low, min(low + size, n), stopping, results) for low in range(0, n, size)]
    if on_progress:
        on_progress(0, stopping.epochs, n)
    with ThreadPoolExecutor(workers) as pool:
        waiting = {pool.submit(chunk.run) for chunk in chunks}
        try:
            while waiting:
                done, waiting = wait(waiting, timeout=POLL)
                for future in done:
                    future.result()
                if on_progress and waiting:
                    steps = sum(chunk.t * chunk.size for chunk in chunks) // n
                    on_progress(min(steps, stopping.epochs), stopping.epochs, sum(chunk.count for chunk in chunks))
        except BaseException:
            results.cancel.set()
            for future in waiting:
                future.cancel()
            raise
    hits = results.hits if target is not None else None
    return Outcomes(results.ends, results.values, results.norms, results.epochs, results.codes, hits, "compiled")


class _Results:
    """Arrays over all starts, each chunk writing its own part, and the flag that ends them all."""

    def __init__(self, points: Array, target: float | None) -> None:
        n = len(points)
        self.ends, self.values, self.norms = points.copy(), np.full(n, np.nan), np.full(n, np.nan)
        self.epochs, self.codes = np.zeros(n, np.int64), np.zeros(n, np.int8)
        self.hits = np.full(n if target is not None else 0, -1, np.int64)
        self.target = np.nan if target is None else float(target)
        self.cancel = Event()


class _Chunk:
    """A range of starts, and how far they are: t, the next step; count, the starts still running."""

    def __init__(
        self, kernel: Kernel, step: LaneStep, points: Array, low: int, high: int, stopping: Stopping, results: _Results
    ) -> None:
        self.kernel, self.step, self.stopping, self.results = kernel, step, stopping, results
        self.size, self.count, self.t = high - low, high - low, 0
        self.points, self.own = points[low:high], slice(low, high)
        self.judge, self.verdicts = Judge(kernel.problem, stopping), np.zeros(high - low, np.int8)
        self.fixed = np.concatenate([[self.judge.tolerance2], self.judge.longest, self.judge.centre, self.judge.reach])

    def run(self) -> None:
        """All steps of all starts of the chunk, and what they come to."""
        layout, epochs, d, results = self.step.layout, self.stopping.epochs, self.kernel.dimension, self.results
        shape = Shape(LANES, SEGMENT, layout.rows, layout.kept, layout.here, layout.before, layout.value, d, OVER)
        state, lane, cut = self._state(), np.arange(self.size), max(0, epochs - TAIL)
        hits = results.hits[self.own] if results.hits.size else np.empty(0, np.int64)
        per_call = SEGMENT if layout.cells else max(SEGMENT, int(CALL / (max(self.size, LANES) * (1 + len(self.step.program.lines)))))
        room = self.size * (TAIL + 1 if layout.cells else 1)
        events, where, when = np.empty((3 * d + 2, room)), np.empty(room, np.int64), np.empty(room, np.int64)
        while self.count and self.t <= epochs and not results.cancel.is_set():
            last = self.t >= cut
            until = epochs + 1 if last else min(self.t + per_call // SEGMENT * SEGMENT, cut)
            steps = np.arange(self.t, until)
            looks = (steps % SEGMENT == 0) | (steps == epochs)
            table = self.step.table(self.kernel, self.fixed, range(self.t + 1, until + 1), looks)
            history = np.empty((epochs + 1 - self.t if last else 0, d, self.count))
            self.count, found = advance(
                self.step.function, table, self.t, until, cut, epochs, shape, state, lane, self.count,
                events, where, when, results.target, hits, history,
            )  # fmt: skip
            ended = self._judge(events[:, :found], where[:found], when[:found], hits)
            self.t = until
            if last:
                self._tell(lane[: self.count], history)
                return
            if layout.cells:
                self._drop(state, lane, ended)
        self._tell(lane[:0], np.empty((0, d, 0)))

    def _state(self) -> Array:
        """Rows at the start: the kernel's, and where f has poles the positions and their cells."""
        layout, d = self.step.layout, self.kernel.dimension
        state = np.empty((layout.kept, self.size))
        state[: layout.states] = self.kernel.part(self.own.start, self.own.stop).start(self.points)
        if layout.cells:
            state[layout.here : layout.here + d] = self.points.T
            state[layout.here + d :] = self.kernel.problem.cells(self.points).T
        return state

    def _judge(self, events: Array, where: Indices, when: NDArray[np.int64], hits: NDArray[np.int64]) -> Indices:
        """Write down which lanes are over, and how; the first verdict of a lane counts."""
        d, results, own = self.kernel.dimension, self.results, self.own
        position, before, following = events[:d], events[d : 2 * d], events[2 * d : 3 * d]
        verdicts = self.judge.verdicts(when, position, before, following, events[3 * d], events[3 * d + 1])
        over = np.flatnonzero(verdicts != Verdict.RUNNING)
        if self.step.layout.cells:  # only then may a lane have more than one event
            over = over[np.unique(where[over], return_index=True)[1]]
        lanes = where[over]
        results.ends[own][lanes], results.values[own][lanes] = position[:, over].T, events[3 * d, over]
        results.norms[own][lanes], results.epochs[own][lanes] = np.sqrt(events[3 * d + 1, over]), when[over]
        self.verdicts[lanes] = verdicts[over]
        if hits.size:
            hits[lanes[hits[lanes] > when[over]]] = -1
        return lanes

    def _drop(self, state: Array, lane: Indices, ended: Indices) -> None:
        """Take lanes out that only the judge saw to be over: those that jumped a singularity."""
        going = np.flatnonzero(~np.isin(lane[: self.count], ended))
        if going.size < self.count:
            state[:, : going.size], lane[: going.size] = state[:, going], lane[going]
            self.count = going.size

    def _tell(self, lane: Indices, history: Array) -> None:
        """The ending of every start; history (k, d, m): the last positions of the lanes that were there to the end."""
        results, own, self.count = self.results, self.own, 0
        spent = self.verdicts[lane] == Verdict.EXHAUSTED
        tails = np.ascontiguousarray(history[:, :, spent].transpose(0, 2, 1))
        arrays = results.ends[own], results.values[own], results.norms[own], results.epochs[own]
        descent = Descent(*arrays, self.verdicts, lane[spent], tails)
        results.codes[own] = codes_of(self.kernel.problem, self.stopping, descent)


class Shape(NamedTuple):
    """What the machine code of `advance` must know of a step; passed in, since code kept on disk knows no later changes."""

    lanes: int
    segment: int
    rows: int
    kept: int
    here: int
    before: int
    value: int
    dimension: int
    over: float


def _on_disk(function: Callable[..., Any]) -> Any:
    """Compiled once per machine, where a folder for it can be written."""
    try:
        return njit(function, nogil=True, error_model="numpy", cache=True)
    except RuntimeError:
        return njit(function, nogil=True, error_model="numpy")


@_on_disk
def _load(block, state, kept, lanes, low, m):  # type: ignore[no-untyped-def]
    """A block's rows from columns low to low + m - 1; lanes beyond hold copies of the first."""
    for r in range(kept):
        for i in range(lanes):
            block[r * lanes + i] = state[r, low + i] if i < m else state[r, low]


@_on_disk
def _drop(state, lane, over, kept, count):  # type: ignore[no-untyped-def]
    """Close the gaps that finished lanes leave; returns how many go on."""
    going = 0
    for i in range(count):
        if over[i] == 0:
            lane[going] = lane[i]
            for r in range(kept):
                state[r, going] = state[r, i]
            going += 1
    return going


@_on_disk
def _note(events, found, block, i, shape):  # type: ignore[no-untyped-def]
    """Write down what the judge must know of lane i, as one column of events."""
    lanes, d = shape.lanes, shape.dimension
    for j in range(d):
        events[j, found] = block[(shape.here + j) * lanes + i]
        events[d + j, found] = block[(shape.before + j) * lanes + i]
        events[2 * d + j, found] = block[j * lanes + i]
    events[3 * d, found] = block[shape.value * lanes + i]
    events[3 * d + 1, found] = block[(shape.value + 1) * lanes + i]


@_on_disk
def advance(  # type: ignore[no-untyped-def]
    step, table, t, until, cut, epochs, shape, state, lane, count, events, where, when, target, hits, history
):
    """Steps t to until - 1 of all lanes in the first `count` columns of state (kept, m); finished lanes are dropped.

    table (until - t, columns): the numbers of each step. Segments have shape.segment steps up to step `cut`; what follows is
    one, and after it nothing is dropped. lane (m,): whose column it is. events (3 d + 2, e), where (e,), when (e,): position,
    position before and after, f and |∇f|² of each lane and step that the judge must see. hits (m,) by lane: first step with
    f <= target. history (steps, d, m): positions by column, from step epochs + 1 - steps on. Returns how many columns are
    left, and how many events there are.
    """
    lanes, segment, rows, kept, here, _, value, d, ends = shape
    block = np.empty(rows * lanes)
    bits = block.view(np.int64)
    over = np.zeros(lane.size, np.uint8)
    found, first, flagged, active = 0, t, (value + 2) * lanes, (value + 3) * lanes
    while t < until and count > 0:
        end = min(t + segment, cut, until) if t < cut else until
        over[:count] = 0
        for low in range(0, count, lanes):
            m = min(lanes, count - low)
            _load(block, state, kept, lanes, low, m)
            for i in range(lanes):
                block[active + i] = 1.0 if i < m else 0.0
            alive = m
            for k in range(t, end):
                flags = step(block.ctypes, table[k - first].ctypes)
                if target == target:
                    for i in range(m):
                        if block[value * lanes + i] <= target and hits[lane[low + i]] < 0 and over[low + i] == 0:
                            hits[lane[low + i]] = k
                past = k - (epochs + 1 - history.shape[0])
                if past >= 0:
                    for j in range(d):
                        for i in range(m):
                            history[past, j, low + i] = block[(here + j) * lanes + i]
                if flags == 0 and k < epochs:
                    continue
                for group in range(0, m, 16):  # sixteen flags looked at together, since few are up
                    some = 0
                    for i in range(group, group + 16):
                        some |= bits[flagged + i]
                    if some == 0 and k < epochs:
                        continue
                    for i in range(group, min(group + 16, m)):
                        flag = block[flagged + i]
                        if flag == 0.0 and (k < epochs or over[low + i] == 1):
                            continue
                        where[found], when[found] = lane[low + i], k
                        _note(events, found, block, i, shape)
                        found += 1
                        if flag == ends or k == epochs:
                            over[low + i] = 1
                            block[active + i] = 0.0
                            alive -= 1
                if alive == 0:
                    break
            for r in range(kept):
                for i in range(m):
                    state[r, low + i] = block[r * lanes + i]
        if end > epochs:
            break
        count, t = _drop(state, lane, over, kept, count), end
    return count, found
