"""Long arrays → pieces of bounded size on several threads: memory stays small and every core has work.

What is done to a piece must not depend on the others; NumPy lets other threads run while it computes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")
MOST_THREADS = 8  # between NumPy calls threads wait for each other: more of them gain nothing


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_pieces(work: Callable[[slice], Result], count: int, size: int) -> list[Result]:
    """The results of work on consecutive slices of so many items, at most `size` each, in their order."""
    pieces = [slice(low, min(low + size, count)) for low in range(0, count, size)]
    if len(pieces) < 2:
        return [work(piece) for piece in pieces]
    with ThreadPoolExecutor(min(cores(), MOST_THREADS, len(pieces))) as pool:
        return list(pool.map(work, pieces))
