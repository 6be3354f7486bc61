"""The experiment in steps so small that what is left in its basin map is due to the landscape and not to the rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from gdcore.boxes import grid
from gdcore.experiment import Experiment
from gdcore.optimizers import OPTIMIZERS
from gdcore.problem import Problem
from gdcore.stopping import MOST_EPOCHS

SMALL = 0.05  # of what a step may be where the landscape is most curved
PLACES = 10_000  # where curvature and slope are looked at
WAYS = 4  # times as long as settling from the steepest slope takes in the flattest minimum: most of a run may be on its way there
LONGEST = 100_000  # epochs: half a minute for a map of 512 × 512


class Curved(Protocol):
    """A minimum, from whatever source, with the eigenvalues (d,) of its Hessian, ascending."""

    @property
    def eigenvalues(self) -> tuple[float, ...]: ...


def small_step(experiment: Experiment, *, minima: Sequence[Curved], longest: int = LONGEST) -> Experiment:
    """Plain gradient descent on the same problem that follows the gradient flow x' = -∇f closely: the reference for a basin map.

    Its rate is 0.05 of the smaller one of 2/λmax over the minima and 1/L, L the largest |eigenvalue| of the Hessian on a
    coarse grid of the box: explicit Euler steps with a local error of at most (0.05)²/2 of |∇f|/L (E. Hairer, S. P. Nørsett, G. Wanner
    1993, Solving ordinary differential equations I). Epochs: 4 times what settling takes, ln(steepest |∇f| on the grid /
    tolerance)/λmin in the flattest minimum, and no less than the flow time that plain descent at a constant rate had itself;
    `longest` at most, so in a narrow valley (Rosenbrock's) runs are still moving. ValueError where no curvature is found, and
    where the rate would be smaller than one that descent allows.
    """
    problem, allowed = experiment.problem, OPTIMIZERS["gd"].settings["lr"]
    curvature, slope = _extremes(problem)
    stable = min((2 / minimum.eigenvalues[-1] for minimum in minima), default=math.inf)
    rate = SMALL * min(stable, 1 / curvature if curvature > 0 else math.inf)
    if not math.isfinite(rate):
        raise ValueError("no curvature was found on the box, so no rate is known to be small: lower the learning rate by hand")
    if rate < allowed.low:
        raise ValueError(f"the slopes are so curved that a small step needs a rate of {rate:.2g}, below {allowed.low:g}: take a smaller box")
    rate = allowed.clip(rate)
    flattest = min((minimum.eigenvalues[0] for minimum in minima), default=0.0)
    stopping = experiment.stopping
    fall = math.log(max(slope / max(stopping.gradient_tolerance, 1e-6), math.e))
    time = max(WAYS * fall / flattest if flattest > 0 else math.inf, _own_time(experiment))
    epochs = max(1, math.ceil(min(time / rate, longest, MOST_EPOCHS)))
    return replace(experiment, optimizer=OPTIMIZERS["gd"], settings={"lr": rate}, stopping=replace(stopping, epochs=epochs))


def _extremes(problem: Problem) -> tuple[float, float]:
    """The largest |eigenvalue| of the Hessian and the largest |∇f| on a grid of the box; 0 where nothing is finite."""
    _, gradients, hessians = problem.differentiate(grid(problem.lows, problem.highs, PLACES).centres.T)
    sound = np.isfinite(hessians).all(axis=(1, 2)) & np.isfinite(gradients).all(axis=1)
    eigenvalues = np.linalg.eigvalsh(hessians[sound])
    return float(np.abs(eigenvalues).max(initial=0.0)), float(np.linalg.norm(gradients[sound], axis=1).max(initial=0.0))


def _own_time(experiment: Experiment) -> float:
    """How long the gradient flow takes for what the experiment's own descent has time for; 0 for other optimizers and schedules."""
    rate = experiment.settings.get("lr")
    plain = experiment.optimizer.equations == OPTIMIZERS["gd"].equations
    return rate * experiment.stopping.epochs if plain and isinstance(rate, float) else 0.0
