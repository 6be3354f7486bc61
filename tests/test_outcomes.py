"""How unfinished runs are told apart: piece by piece and only as far as needed, with the result of looking at everything."""

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping
from gdcore import outcomes as module
from gdcore.batches import Work
from gdcore.descent import descend
from gdcore.newton import MINIMUM, polish
from gdcore.outcomes import SETTLED_NORM, STILL, outcomes_of
from gdcore.stopping import CODE, Ending
from gdcore.tails import bounces, orbits

KINKED = Problem.from_text("abs(x) + (y^2 - 1)^2 + 0.3*x^2", box={"x": (-2, 2), "y": (-2, 2)})
RUNS = {f"{key} on {name}": (GALLERY[name], key, {}) for name in ("peaks", "rastrigin") for key in OPTIMIZERS}
RUNS |= {
    "gd beyond its limit": (GALLERY["peaks"], "gd", {"lr": 0.0675}),
    "gd far too slow": (GALLERY["peaks"], "gd", {"lr": 1e-4}),
    "adam, fast": (GALLERY["ackley"], "adam", {"lr": 0.1}),
    "a kink": (KINKED, "gd", {"lr": 0.05}),
    "a kink, with momentum": (KINKED, "momentum", {"lr": 0.02}),
    "three variables": (GALLERY["rastrigin_3"], "rmsprop", {"lr": 0.05}),
}


def descent_of(problem, key, settings, stopping):
    work = Work(Experiment(problem, OPTIMIZERS[key], settings, Starts(count=250, seed=4), stopping))
    return descend(work.kernel(250), work.points(), stopping)


def hovering(problem, tails):
    """The definition, with every tail's centre polished in full."""
    width = problem.highs - problem.lows
    centre = tails.mean(axis=0)
    radius = (np.abs(tails - centre) / width).max(axis=(0, 2))
    polished = polish(problem, centre)
    away = (np.abs(polished.points - centre) / width).max(axis=1)
    distance = np.sqrt((((tails - polished.points) / width) ** 2).sum(axis=2))
    half = len(tails) // 2
    steady = distance[half:].max(axis=0) >= 0.5 * distance[:half].max(axis=0)
    return (polished.kinds == MINIMUM) & (away <= 1.5 * radius) & steady


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("stopping", [Stopping(300), Stopping(40, 0), Stopping(2)], ids=str)
def test_endings_are_those_of_every_test_on_every_tail(name, stopping, monkeypatch):
    problem, key, settings = RUNS[name]
    descent = descent_of(problem, key, settings, stopping)
    index, tails = descent.exhausted, descent.tails
    if not index.size:
        return
    ends = descent.ends[index]
    codes = np.full(index.size, CODE[Ending.MOVING])
    codes[((ends < problem.lows) | (ends > problem.highs)).any(axis=1)] = CODE[Ending.LEFT_BOX]
    codes[hovering(problem, tails)] = CODE[Ending.HOVERING]
    codes[orbits(problem, tails) > 0] = CODE[Ending.ORBIT]
    codes[bounces(problem, tails)] = CODE[Ending.BOUNCING]
    step = (np.abs(tails[-1] - tails[-2]) / (problem.highs - problem.lows)).max(axis=1)
    quiet = descent.gradient_norms[index] <= max(stopping.gradient_tolerance, SETTLED_NORM)
    codes[quiet & (step <= STILL)] = CODE[Ending.FLAT]
    monkeypatch.setattr(module, "TOGETHER", 2 * 60)
    np.testing.assert_array_equal(outcomes_of(problem, stopping, descent).codes[index], codes)


def test_the_runs_above_end_in_all_these_ways():
    seen = set()
    for problem, key, settings in RUNS.values():
        seen |= set(outcomes_of(problem, Stopping(300), descent_of(problem, key, settings, Stopping(300))).codes.tolist())
    wanted = {Ending.MOVING, Ending.LEFT_BOX, Ending.HOVERING, Ending.ORBIT, Ending.BOUNCING, Ending.FLAT}
    assert {CODE[ending] for ending in wanted} <= seen


def test_a_run_that_never_used_up_its_epochs_needs_no_tail():
    problem = GALLERY["himmelblau"]
    descent = descent_of(problem, "gd", {"lr": 0.01}, Stopping(5000))
    assert descent.exhausted.size == 0
    assert set(outcomes_of(problem, Stopping(5000), descent).codes) == {CODE[Ending.FLAT]}
