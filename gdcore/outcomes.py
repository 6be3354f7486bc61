"""How each run of a descent ended, start by start, before anything is labelled: what engines and workers hand back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore import minima as mn
from gdcore.descent import Descent
from gdcore.judge import Verdict
from gdcore.problem import Problem
from gdcore.stopping import CODE, Ending, Stopping
from gdcore.tails import bounces, clouds, orbits

Array = NDArray[np.float64]
SETTLED_NORM = 1e-6  # |∇f| at the last epoch that counts as settled when the tolerance is 0 or smaller than this


@dataclass(frozen=True)
class Outcomes:
    """Arrays with one entry per start: ends (n, d), values (n,), gradient_norms (n,), epochs (n,), codes (n,).

    codes index ENDINGS; FLAT stands for every run whose gradient vanished: what it reached is for minima.py to say.
    hits (n,): the step at which f was first at most the target, -1 where never; None without a target. engine: what took
    the steps, "numpy" or "compiled".
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


def outcomes_of(problem: Problem, stopping: Stopping, descent: Descent, engine: str = "numpy") -> Outcomes:
    """What a descent came to; its tails are read here and need not be kept."""
    codes = np.array([CODE[DIRECT[v]] if v in DIRECT else -1 for v in Verdict], np.int8)[descent.verdicts]
    codes[descent.exhausted] = _unfinished(problem, stopping, descent)
    return Outcomes(descent.ends, descent.values, descent.gradient_norms, descent.epochs, codes, descent.hits, engine)


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
        engine=parts[-1].engine,
    )


def _unfinished(problem: Problem, stopping: Stopping, descent: Descent) -> NDArray[np.int8]:
    """Ending codes of the runs that used up their epochs; FLAT stands for "settled, to be polished"."""
    index, tails = descent.exhausted, descent.tails
    codes = np.full(index.size, CODE[Ending.MOVING], np.int8)
    if not index.size:
        return codes
    ends, norms = descent.ends[index], descent.gradient_norms[index]
    outside = ((ends < problem.lows) | (ends > problem.highs)).any(axis=1)
    codes[outside] = CODE[Ending.LEFT_BOX]
    codes[_hovering(problem, tails)] = CODE[Ending.HOVERING]
    codes[orbits(problem, tails) > 0] = CODE[Ending.ORBIT]
    codes[bounces(problem, tails)] = CODE[Ending.BOUNCING]
    last_step = np.abs(tails[-1] - tails[-2]) / (problem.highs - problem.lows)
    quiet = norms <= max(stopping.gradient_tolerance, SETTLED_NORM)
    codes[quiet & (last_step.max(axis=1) <= 1e-7)] = CODE[Ending.FLAT]
    return codes


def _hovering(problem: Problem, tails: Array) -> NDArray[np.bool_]:
    """Whether a verified minimum lies within the last positions of a tail, and these do not close in on it."""
    centre, radius = clouds(problem, tails)
    width = problem.highs - problem.lows
    polished = mn.polish(problem, centre)
    away = (np.abs(polished.points - centre) / width).max(axis=1)
    distance = np.sqrt((((tails - polished.points) / width) ** 2).sum(axis=2))
    half = len(tails) // 2
    steady = distance[half:].max(axis=0) >= 0.5 * distance[:half].max(axis=0)
    hovering: NDArray[np.bool_] = (polished.kinds == mn.MINIMUM) & (away <= 1.5 * radius) & steady
    return hovering
