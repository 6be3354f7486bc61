"""A run cut into ranges of starts, sent to an executor and put together again: whole and in order, whatever fails.

A range that fails is sent once more and then computed on this machine; so is all that is left when the executor is lost,
and what one that has gone silent still owes. Each range is small, so that little is wasted when a run is cancelled.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import replace
from functools import cached_property
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdcore import __version__
from gdcore.batches import BATCH, Work, outcomes_between
from gdcore.computed import Computed
from gdcore.descent import Progress
from gdcore.engines import LONGEST
from gdcore.outcomes import Outcomes, joined
from gdcore.remote import Order, Part, checksum, part_of
from gdcore.starts import Starts

Array = NDArray[np.float64]
Range = tuple[int, int]  # the first start, and the one after the last
SECONDS = 0.6  # that one range should take at most, if none of its runs ends early
GUESS = 2e-6  # seconds per start and step, until the first part says better
STEP = {"numpy": 3e-5, "compiled": 1e-6}  # seconds that a step costs however few the starts: larger ranges waste less of it
FEWEST, MOST_GIVEN = 256, 8192  # starts in a range: fewer cost more than they compute; given ones travel as text
EVEN = 1024  # towards the end ranges shrink to this, so that all workers end together
ROOM = 4  # ranges under way before it is known how many workers there are; then three for each
POLL = 0.1  # seconds between two looks at whether the run is still wanted
PATIENCE = 5.0  # seconds without any part, after which this machine computes as well
GIVEN_UP = 3  # ranges in a row that failed twice: then the executor counts as lost


def gathered(
    executor: Executor, work: Work, points: Array,
    *, given: bool = False, on_progress: Progress | None = None, threads: int | None = None,
) -> tuple[Outcomes, Computed]:  # fmt: skip
    """How the runs from points, those of the work, end, computed by an executor; and by whom.

    given: the points are others than the work draws, so each range of them travels with its order.
    on_progress is called on this thread several times a second; an exception raised in it withdraws what is under way and
    leaves within a fraction of a second. ValueError where the experiment makes no sense to a worker.
    """
    gathering = _Gathering(executor, work, points, given, on_progress, threads)
    try:
        gathering.run()
    finally:
        gathering.withdraw()
    return gathering.outcomes(), gathering.computed()


class _Gathering:
    """What is known of one run on its way: the parts that are here, the ranges under way, and the next start to send."""

    def __init__(
        self, executor: Executor, work: Work, points: Array, given: bool, on_progress: Progress | None, threads: int | None
    ) -> None:
        self.executor, self.points, self.kernel = executor, points, work.kernel(len(points))
        self.work = work.settled(self.kernel, len(points))  # the engine is chosen once, here
        self.on_progress, self.threads = on_progress, threads
        self.epochs = work.experiment.stopping.epochs
        self.sliced = given or (work.experiment.starts.design == "given" and not work.columns)
        self.parts: dict[int, Outcomes] = {}
        self.flying: dict[Future[Part], Range] = {}
        self.again: list[Range] = []
        self.failures: Counter[Range] = Counter()
        self.workers: dict[str, str] = {}  # worker → its machine
        self.next, self.finished, self.given_up, self.here, self.silent = 0, 0, 0, 0, 0
        self.size, self.heard = int(SECONDS / GUESS / (self.epochs + 1)), monotonic()
        self.lost, self.trouble = False, ""

    def run(self) -> None:
        """Send and collect until every start has its outcome."""
        while self.finished < len(self.points):
            self._report()
            if not self.lost:
                self._send()
                self._collect()
            if self.lost:
                self._finish_here()

    def withdraw(self) -> None:
        for future in self.flying:
            future.cancel()
        self.flying.clear()

    def outcomes(self) -> Outcomes:
        found = joined([self.parts[low] for low in sorted(self.parts)])
        if len(found.ends) != len(self.points):
            raise RuntimeError(f"{len(found.ends):,} of {len(self.points):,} starts came back: the run is not whole")
        return found

    def computed(self) -> Computed:
        hosts = tuple(sorted(set(self.workers.values())))
        return Computed(
            workers=len(self.workers), hosts=hosts, ranges=len(self.parts), here=self.here, trouble=self.trouble
        )

    @cached_property
    def order(self) -> Order:
        return Order.of(self.work)

    def _report(self, part: int = 0, epochs: int = 0) -> None:
        """Progress as epochs of all starts, on average; of `part` starts so many epochs are done as well."""
        if self.on_progress is not None:
            done = (self.finished * self.epochs + part * epochs) // len(self.points)
            self.on_progress(done, self.epochs, len(self.points) - self.finished)

    def _send(self) -> None:
        """Fill the room there is."""
        while len(self.flying) < max(ROOM, 3 * len(self.workers)):
            chosen = self._choose()
            if chosen is None:
                return
            try:
                self.flying[self._submit(*chosen)] = chosen
            except Exception as error:  # executors have no common word for being closed, broken or out of reach
                self.again.append(chosen)
                self._lose(error)
                return

    def _choose(self) -> Range | None:
        """The next range to send: one that failed before, or a new one; None when all are under way."""
        if self.again:
            return self.again.pop()
        low, left = self.next, len(self.points) - self.next
        if not left:
            return None
        most = MOST_GIVEN if self.sliced else BATCH
        size = min(max(self.size, FEWEST), most, max(EVEN, left // (2 * max(ROOM, len(self.workers)))))
        self.next = low + min(size, left)
        return low, self.next

    def _submit(self, low: int, high: int) -> Future[Part]:
        check = checksum(self.points[low:high])
        if not self.sliced:
            return self.executor.submit(part_of, self.order, low, high, check)
        experiment = replace(self.work.experiment, starts=Starts.at(self.points[low:high]))
        order = Order.of(replace(self.work, experiment=experiment))
        return self.executor.submit(part_of, order, 0, high - low, check)

    def _collect(self) -> None:
        """Take what has come back; after a long silence compute one range that is still owed."""
        done, _ = wait(self.flying, timeout=POLL, return_when=FIRST_COMPLETED)
        for future in done:
            self._take(future, self.flying.pop(future))
        compiling = self.work.engine == "compiled" and not self.parts  # the first part waits for a compiler as well
        patience = PATIENCE + (LONGEST if compiling else 0.0)
        if not done and self.flying and monotonic() - self.heard > patience:
            self.trouble = self.trouble or f"nothing came back for {patience:.0f} s"
            self._compute_here(*self._owed())

    def _owed(self) -> Range:
        """What a silent executor leaves to this machine: starts not sent yet, twice as many each time, then the latest sent."""
        low, left = self.next, len(self.points) - self.next
        if left:
            self.silent += 1
            self.next = low + min(left, BATCH, max(self.size, FEWEST) << min(self.silent, 8))
            return low, self.next
        future, owed = self.flying.popitem()  # the latest is the least likely to be under way
        future.cancel()
        return owed

    def _take(self, future: Future[Part], sent: Range) -> None:
        error = CancelledError("the executor dropped a range of starts") if future.cancelled() else future.exception()
        if error is not None:
            self._fail(sent, _words(error), beyond_repair=isinstance(error, BrokenExecutor))
            return
        part = future.result()
        if isinstance(part, Part) and part.error is not None:
            raise part.error
        outcomes: Outcomes | None = getattr(part, "outcomes", None)
        fault = getattr(part, "fault", "") or self._fault(outcomes, sent)
        if fault or outcomes is None:
            self._fail(sent, fault)
            return
        self.workers[part.worker] = part.host
        self.heard, self.given_up, self.silent = monotonic(), 0, 0
        self.size = min(_affordable(part.seconds, outcomes, self.epochs + 1), 4 * max(self.size, FEWEST))
        self._keep(sent, outcomes)

    def _fault(self, found: Outcomes | None, sent: Range) -> str:
        """What is wrong with a part, "" where each array has one entry for each start."""
        count, d = sent[1] - sent[0], self.points.shape[1]
        if not isinstance(found, Outcomes) or (found.hits is None) != (self.work.target is None):
            return "a worker handed back something else than outcomes"
        arrays: list[NDArray[Any]] = [found.values, found.gradient_norms, found.epochs, found.codes]
        arrays += [] if found.hits is None else [found.hits]
        if found.ends.shape == (count, d) and all(array.shape == (count,) for array in arrays):
            return ""
        return f"a worker handed back {min(len(array) for array in (found.ends, *arrays)):,} outcomes for {count:,} starts"

    def _keep(self, sent: Range, outcomes: Outcomes) -> None:
        self.parts[sent[0]] = outcomes
        self.finished += sent[1] - sent[0]

    def _fail(self, sent: Range, words: str, *, beyond_repair: bool = False) -> None:
        """Send a failed range once more, or compute it here; too many of them, and the executor counts as lost."""
        self.trouble = words
        self.failures[sent] += 1
        if beyond_repair or self.failures[sent] == 1:
            self.again.append(sent)
            self.lost = self.lost or beyond_repair
            return
        self._compute_here(*sent)
        self.given_up += 1
        self.lost = self.given_up >= GIVEN_UP

    def _lose(self, error: BaseException) -> None:
        self.lost, self.trouble = True, self.trouble or _words(error)

    def _finish_here(self) -> None:
        """Everything still missing, on this machine."""
        owed = [*self.flying.values(), *self.again]
        owed += [(low, min(low + BATCH, len(self.points))) for low in range(self.next, len(self.points), BATCH)]
        self.withdraw()
        self.again, self.next = [], len(self.points)
        for low, high in sorted(owed):
            self._compute_here(low, high)

    def _compute_here(self, low: int, high: int) -> None:
        def report(done: int, total: int, running: int) -> None:
            self._report(high - low, done)

        self._report()
        found = outcomes_between(
            self.work, self.kernel, self.points, low, high, on_progress=report, threads=self.threads
        )
        self.here += 1
        self._keep((low, high), found)


def _affordable(seconds: float, found: Outcomes, most: int) -> int:
    """How many starts may take `most` steps each in SECONDS, judged by a part that took so many seconds.

    Where the steps alone take longer than that, so many that half of the time is spent on the starts.
    """
    steps, one = found.epochs + 1, STEP.get(found.engine, STEP["numpy"])
    each = max(seconds - one * int(steps.max()), 0.1 * seconds, 1e-9) / int(steps.sum())
    return int(max(SECONDS / most - one, one) / each)


def _words(error: BaseException) -> str:
    """An executor's failure in one short line."""
    text = " ".join(str(error).split())
    said = f"{type(error).__name__}: {text[:99] + '…' if len(text) > 100 else text}" if text else type(error).__name__
    unread = isinstance(error, ImportError) or "deserializ" in text
    return f"gdcore {__version__} cannot be imported where the executor works ({said})" if unread else said
