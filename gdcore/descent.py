"""The loop of the NumPy engine: all starts advanced from segment to segment, until the judge says that their runs are over.

All starts advance in lockstep (the same t for all). Every SEGMENT steps the finished ones are dropped and the rest are
repacked, so that blocks stay full and fit the processor's cache; blocks of one segment run on several threads. Nothing a
run does depends on its neighbours: alone or among a million, it takes the same steps and ends the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.chunks import MOST_THREADS, cores
from gdcore.codegen import BLOCK
from gdcore.judge import SEGMENT, Judge, Verdict
from gdcore.kernel import Kernel
from gdcore.stopping import Stopping

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
TAIL = 32  # positions kept of a run that uses up its epochs, to tell an orbit from a slow approach


@dataclass(frozen=True)
class Descent:
    """How each run ended, in the order of the starts.

    ends (n, d), values (n,), gradient_norms (n,), epochs (n,), verdicts (n,); exhausted: the indices of runs that used up
    their epochs, with tails (k + 1, len(exhausted), d): their last positions, oldest first.
    hits: the step at which f was first at most the target, (n,), -1 where never; None without a target.
    paths: every position (epochs + 1, n, d) when recorded, the last one repeated after the end of a run; else None.
    """

    ends: Array
    values: Array
    gradient_norms: Array
    epochs: NDArray[np.int64]
    verdicts: NDArray[np.int8]
    exhausted: Indices
    tails: Array
    hits: NDArray[np.int64] | None = None
    paths: Array | None = None
    path_values: Array | None = None
    path_norms: Array | None = None


Progress = Callable[[int, int, int], None]  # epochs done, epochs at most, starts still running


def shifted(on_progress: Progress, done: int, total: int) -> Progress:
    """The progress of one part of a longer work of which so many of the total epochs were done before."""
    return lambda epochs, _, running: on_progress(done + epochs, total, running)


def descend(
    kernel: Kernel,
    points: Array,
    stopping: Stopping,
    *,
    on_progress: Progress | None = None,
    record: bool = False,
    threads: int | None = None,
    target: float | None = None,
) -> Descent:
    """Run every start in points (n, d) to its end.

    on_progress is called on the calling thread between segments; an exception raised in it ends the descent cleanly.
    """
    loop = _Loop(kernel, points, stopping, record, target)
    workers = threads or min(cores(), MOST_THREADS)
    with ThreadPoolExecutor(workers) as pool:
        while loop.alive.size:
            if on_progress:
                on_progress(loop.t, stopping.epochs, loop.alive.size)
            loop.advance(pool)
    return loop.result()


class _Loop:
    """The arrays of one descent; every method works on all starts still alive."""

    def __init__(
        self, kernel: Kernel, points: Array, stopping: Stopping, record: bool, target: float | None
    ) -> None:
        n, d = points.shape
        self.kernel, self.stopping, self.t = kernel, stopping, 0
        self.alive: Indices = np.arange(n)
        self.state = kernel.start(points)
        self.previous = self.state[:d].copy()
        self.ends, self.values, self.norms = points.copy(), np.full(n, np.nan), np.full(n, np.nan)
        self.epochs, self.verdicts = np.zeros(n, np.int64), np.zeros(n, np.int8)
        self.judge = Judge(kernel.problem, stopping)
        self.exhausted: Indices = np.empty(0, np.intp)
        self.tails = np.empty((0, 0, d))
        self.record, self.target = record, target
        self.hits = np.full(n, -1, np.int64)
        self.trail: list[Array] = []

    def advance(self, pool: ThreadPoolExecutor) -> None:
        """One segment: up to SEGMENT steps, or the last TAIL ones, then drop what has finished."""
        epochs = self.stopping.epochs
        final_start = max(0, epochs - TAIL)
        last = self.t >= final_start
        until = epochs + 1 if last else min(self.t + SEGMENT, final_start)
        size = self._block_size()
        lows = range(0, self.alive.size, size)
        blocks = [
            _Block(
                self.kernel, self.judge, self.state[:, low : low + size], self.previous[:, low : low + size], self.target
            )
            for low in lows
        ]
        keep = last or self.record
        outcomes = list(pool.map(lambda block: block.advance(self.t, until, keep), blocks))
        for low, block in zip(lows, blocks, strict=True):
            self._collect(self.alive[low : low + size], block)
        if self.record:
            self._append_trail(outcomes, until)
        if last:
            self._keep_tails(outcomes)
        running = np.concatenate([block.verdict == Verdict.RUNNING for block in blocks])
        self.state = np.ascontiguousarray(np.concatenate([block.state for block in blocks], axis=1)[:, running])
        self.previous = np.ascontiguousarray(np.concatenate([block.before for block in blocks], axis=1)[:, running])
        self.alive = self.alive[running]
        self.t = until

    def _block_size(self) -> int:
        """Full blocks, but at least two of them once there is enough work for two threads."""
        return BLOCK if self.alive.size > 2 * BLOCK else max(2048, -(-self.alive.size // 2))

    def _collect(self, indices: Indices, block: _Block) -> None:
        fresh = (block.hit >= 0) & (self.hits[indices] < 0)
        self.hits[indices[fresh]] = block.hit[fresh]
        done = block.verdict != Verdict.RUNNING
        where = indices[done]
        self.ends[where] = block.end[:, done].T
        self.values[where], self.norms[where] = block.value[done], block.norm[done]
        self.epochs[where], self.verdicts[where] = block.epoch[done], block.verdict[done]

    def _keep_tails(self, outcomes: list[Array]) -> None:
        history = np.concatenate(outcomes, axis=2)
        exhausted = self.verdicts[self.alive] == Verdict.EXHAUSTED
        self.exhausted = self.alive[exhausted]
        self.tails = np.ascontiguousarray(history[:, : self.kernel.dimension, exhausted].transpose(0, 2, 1))

    def _append_trail(self, outcomes: list[Array], until: int) -> None:
        history = np.concatenate(outcomes, axis=2)
        full = np.full((history.shape[0], history.shape[1], self.ends.shape[0]), np.nan)
        full[:, :, self.alive] = history
        self.trail.append(full)

    def result(self) -> Descent:
        paths = values = norms = None
        if self.record:
            trail, d = np.concatenate(self.trail), self.kernel.dimension
            paths = np.ascontiguousarray(trail[:, :d].transpose(0, 2, 1))
            values, norms = trail[:, d], trail[:, d + 1]
        return Descent(
            self.ends, self.values, self.norms, self.epochs, self.verdicts, self.exhausted, self.tails,
            None if self.target is None else self.hits, paths, values, norms,
        )  # fmt: skip


class _Block:
    """A cache-sized slice of the starts, advanced by one thread."""

    def __init__(self, kernel: Kernel, judge: Judge, state: Array, previous: Array, target: float | None) -> None:
        m, d = state.shape[1], kernel.dimension
        self.target, self.hit = target, np.full(m, -1, np.int64)
        self.kernel, self.judge = kernel, judge
        self.state, self.before = np.ascontiguousarray(state), np.ascontiguousarray(previous)
        self.end, self.value, self.norm = np.empty((d, m)), np.empty(m), np.empty(m)
        self.epoch, self.verdict = np.zeros(m, np.int64), np.zeros(m, np.int8)

    def advance(self, t: int, until: int, keep: bool) -> Array:
        """Steps t to until - 1; the positions, values and norms seen, (steps, d + 2, m), when kept."""
        kernel, d, m = self.kernel, self.kernel.dimension, self.state.shape[1]
        workspace = np.empty((kernel.workspace_rows, m))
        outs = [np.empty((kernel.rows + 1 + d, m)) for _ in range(3)]  # before, now and next must all survive
        squared, scratch = np.empty(m), np.empty(m)
        seen = np.empty((until - t if keep else 0, d + 2, m))
        with np.errstate(all="ignore"):
            for k in range(t, until):
                out = outs[k % 3]
                kernel.step(k + 1, self.state, out, workspace)
                value, gradient = out[kernel.rows], out[kernel.rows + 1 :]
                np.multiply(gradient[0], gradient[0], out=squared)
                for row in gradient[1:]:
                    np.add(squared, np.multiply(row, row, out=scratch), out=squared)
                if keep:
                    seen[k - t, :d], seen[k - t, d] = self.state[:d], value
                    np.sqrt(squared, out=seen[k - t, d + 1])
                if self.target is not None:
                    self._look_for_hits(k, value, self.target)
                self._judge(k, out, value, squared, scratch)
                self.before, self.state = self.state[:d], out[: kernel.rows]
        self.before, self.state = self.before.copy(), self.state.copy()
        return seen

    def _look_for_hits(self, k: int, value: Array, target: float) -> None:
        """Write down which running starts see f at or below the target for the first time."""
        first = (value <= target) & (self.hit < 0)
        if first.any():
            self.hit[first & (self.verdict == Verdict.RUNNING)] = k

    def _judge(self, k: int, out: Array, value: Array, squared: Array, scratch: Array) -> None:
        """Let the judge see every run that may be over at step k, and write down those that are."""
        position, following = self.state[: self.kernel.dimension], out[: self.kernel.dimension]
        suspects = self.judge.suspects(k, position, self.before, value, squared, scratch)
        if suspects is None:
            return
        index = np.flatnonzero(suspects & (self.verdict == Verdict.RUNNING))
        if not index.size:
            return
        args = (position[:, index], self.before[:, index], following[:, index], value[index], squared[index])
        verdict = self.judge.verdicts(k, *args)
        over = index[verdict != Verdict.RUNNING]
        self.verdict[over] = verdict[verdict != Verdict.RUNNING]
        self.end[:, over], self.value[over] = position[:, over], value[over]
        self.norm[over], self.epoch[over] = np.sqrt(squared[over]), k
