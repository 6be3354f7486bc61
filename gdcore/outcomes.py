"""How each run of a descent ended, start by start, before anything is labelled: what engines and workers hand back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.chunks import in_pieces
from gdcore.descent import Descent
from gdcore.judge import Verdict
from gdcore.newton import MINIMUM, largest, newton
from gdcore.problem import Problem
from gdcore.stopping import CODE, Ending, Stopping
from gdcore.tails import bounces, clouds, orbits

Array = NDArray[np.float64]
Codes = NDArray[np.int8]
Flags = NDArray[np.bool_]
SETTLED_NORM = 1e-6  # |∇f| at the last epoch that counts as settled when the tolerance is 0 or smaller than this
STILL = 1e-7  # box widths: the last step of a run that has settled is at most as long
WANDER = 4.0  # radii of its tail: how far from its centre Newton's method looks for a minimum that a run may hover about
TOGETHER = 16_384  # coordinates of runs whose tails are looked at together


@dataclass(frozen=True)
class Outcomes:
    """Arrays with one entry per start: ends (n, d), values (n,), gradient_norms (n,), epochs (n,), codes (n,).

    codes index ENDINGS; FLAT stands for every run whose gradient vanished: what it reached is for minima.py to say.
    hits (n,): the step at which f was first at most the target, -1 where never; None without a target. engine: what took
    the steps, "numpy", "compiled", or "mixed" where workers differ.
    """

    ends: Array
    values: Array
    gradient_norms: Array
    epochs: NDArray[np.int64]
    codes: NDArray[np.int8]
    hits: NDArray[np.int64] | None = None
    engine: str = "numpy"


DIRECT = {
    Verdict.UNDEFINED: Ending.UNDEFINED,
    Verdict.JUMPED: Ending.JUMPED,
    Verdict.DIVERGED: Ending.DIVERGED,
    Verdict.LEFT_DOMAIN: Ending.LEFT_DOMAIN,
    Verdict.STATIONARY: Ending.FLAT,
    Verdict.EXHAUSTED: Ending.MOVING,
}


def outcomes_of(problem: Problem, stopping: Stopping, descent: Descent) -> Outcomes:
    """What a descent by NumPy came to; its tails are read here and need not be kept."""
    codes = codes_of(problem, stopping, descent)
    return Outcomes(descent.ends, descent.values, descent.gradient_norms, descent.epochs, codes, descent.hits)


def codes_of(problem: Problem, stopping: Stopping, descent: Descent) -> Codes:
    """The ending of each run, (n,), from the judge's verdict and, where the epochs ran out, from its tail."""
    codes = np.array([CODE[DIRECT[v]] if v in DIRECT else -1 for v in Verdict], np.int8)[descent.verdicts]
    codes[descent.exhausted] = _unfinished(problem, stopping, descent)
    return codes


def joined(parts: Sequence[Outcomes]) -> Outcomes:
    """The outcomes of consecutive ranges of starts as one."""
    if len(parts) == 1:
        return parts[0]
    hits = [part.hits for part in parts if part.hits is not None]
    return Outcomes(
        ends=np.concatenate([part.ends for part in parts]),
        values=np.concatenate([part.values for part in parts]),
        gradient_norms=np.concatenate([part.gradient_norms for part in parts]),
        epochs=np.concatenate([part.epochs for part in parts]),
        codes=np.concatenate([part.codes for part in parts]),
        hits=np.concatenate(hits) if hits else None,
        engine=parts[0].engine if len({part.engine for part in parts}) == 1 else "mixed",
    )


def _unfinished(problem: Problem, stopping: Stopping, descent: Descent) -> Codes:
    """Ending codes of the runs that used up their epochs; FLAT stands for "settled, to be polished"."""
    index, tails = descent.exhausted, descent.tails

    def work(piece: slice) -> Codes:
        own = index[piece]
        quiet = descent.gradient_norms[own] <= max(stopping.gradient_tolerance, SETTLED_NORM)
        return _endings(problem, descent.ends[own], quiet, tails[:, piece])

    pieces = in_pieces(work, index.size, max(1, TOGETHER // tails.shape[2]))
    return np.concatenate([np.empty(0, np.int8), *pieces])


def _endings(problem: Problem, ends: Array, quiet: Flags, tails: Array) -> Codes:
    """Ending codes (m,) of runs with ends (m, d) and tails (k, m, d); quiet (m,): the gradient at the end vanishes.

    What comes first wins, and what is decided is not looked at again.
    """
    width = problem.highs - problem.lows
    outside = ((ends < problem.lows) | (ends > problem.highs)).any(axis=1)
    codes = np.where(outside, CODE[Ending.LEFT_BOX], CODE[Ending.MOVING]).astype(np.int8)
    still = quiet & (largest((tails[-1] - tails[-2]) / width) <= STILL)
    codes[still] = CODE[Ending.FLAT]
    left = np.flatnonzero(~still)
    for ending, test in TESTS:
        if left.size:
            holds = test(problem, tails if left.size == len(ends) else tails[:, left])
            codes[left[holds]] = CODE[ending]
            left = left[~holds]
    return codes


def _hovering(problem: Problem, tails: Array) -> Flags:
    """Whether a verified minimum lies within the last positions of a tail, and these do not close in on it."""
    centre, radius = clouds(problem, tails)
    width = problem.highs - problem.lows
    hovering = np.zeros(len(centre), bool)
    polished = newton(problem, centre, reach=WANDER * radius)
    away = largest((polished.points - centre) / width)
    near = np.flatnonzero((polished.kinds == MINIMUM) & (away <= 1.5 * radius))
    if near.size:
        squared = np.zeros((len(tails), near.size))
        for i in range(len(width)):
            squared += ((tails[:, near, i] - polished.points[near, i]) / width[i]) ** 2
        half = len(tails) // 2
        hovering[near] = np.sqrt(squared[half:].max(axis=0)) >= 0.5 * np.sqrt(squared[:half].max(axis=0))
    return hovering


TESTS: tuple[tuple[Ending, Callable[[Problem, Array], Flags]], ...] = (
    (Ending.BOUNCING, bounces),
    (Ending.ORBIT, lambda problem, tails: orbits(problem, tails) > 0),
    (Ending.HOVERING, _hovering),
)
