"""One range of starts as it travels: the order that goes out to a worker, and the part that it hands back.

A worker is any process that can import gdcore in the same version: it reads the experiment, draws the same starts, compiles
its own kernel and descends its range on one thread.
"""

from __future__ import annotations

import os
import platform
import threading
import zlib
from dataclasses import dataclass
from functools import lru_cache
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from gdcore import __version__
from gdcore.batches import Work, outcomes_between
from gdcore.engines import EngineError
from gdcore.kernel import Kernel
from gdcore.outcomes import Outcomes

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Order:
    """A Work in plain values: the experiment as JSON, columns as setting → values; version: of the gdcore that sends it."""

    text: str
    columns: tuple[tuple[str, tuple[float, ...]], ...] = ()
    engine: str = "numpy"
    target: float | None = None
    fall_back: bool = False
    version: str = __version__

    @classmethod
    def of(cls, work: Work) -> Order:
        columns = tuple((name, tuple(map(float, values))) for name, values in work.columns.items())
        return cls(work.experiment.to_json(), columns, work.engine, work.target, work.fall_back)

    def work(self) -> Work:
        """The inverse of Order.of(); ValueError where the text is no experiment."""
        from gdcore.experiment import Experiment  # which sends orders itself

        columns = {name: np.array(values) for name, values in self.columns}
        return Work(Experiment.from_json(self.text), columns, self.engine, self.target, self.fall_back)


@dataclass(frozen=True)
class Part:
    """What a worker hands back: the outcomes of a range, or why there are none.

    error: what is wrong with the experiment itself, or with the engine asked for; fault: what is wrong with the worker, as a sentence without its end.
    worker, host: who computed it; seconds: how long the descent took, without reading and compiling.
    """

    outcomes: Outcomes | None = None
    error: ValueError | EngineError | None = None
    fault: str = ""
    worker: str = ""
    host: str = ""
    seconds: float = 0.0


def checksum(points: Array) -> int:
    """A number that changes with any start, so that no worker descends from others than those asked for."""
    return zlib.crc32(np.where(np.isnan(points), np.nan, points).tobytes())


def part_of(order: Order, low: int, high: int, check: int) -> Part:
    """The part low to high - 1 of an order, computed where this is called; check: checksum() of its starts."""
    if order.version != __version__:
        return Part(fault=f"a worker has gdcore {__version__}, not {order.version}")
    host = platform.node()
    worker = f"{host} {os.getpid()} {threading.get_ident()}"
    try:
        work, points, step = _prepared(order)
        if checksum(points[low:high]) != check:
            return Part(fault=f"a worker with numpy {np.__version__} draws other starts than this machine")
        began = perf_counter()
        outcomes = outcomes_between(work, step, points, low, high, threads=1)
        return Part(outcomes, worker=worker, host=host, seconds=perf_counter() - began)
    except (ValueError, EngineError) as error:
        return Part(error=error)


@lru_cache(maxsize=1)
def _prepared(order: Order) -> tuple[Work, Array, Kernel]:
    """Kept for the last order only: its ranges follow one another, and its starts may fill much memory."""
    work = order.work()
    points = work.points()
    return work, points, work.kernel(len(points))
