"""The judge: what is a jump across a singularity, and what only looks like one."""

import numpy as np
import pytest

from gdcore import Problem
from gdcore.judge import jumped

HARMLESS = ["sin(x)/x", "tanh(x)/x", "x*log(abs(x))", "(exp(x)-1)/x", "(1-cos(x))/x^2", "log(1+x/100)/x", "(exp(x)-1-x)/x^2"]
SINGULAR = ["1/x", "1/x^2", "log(abs(x))", "1/cbrt(x)", "cot(x)", "1/(exp(x)-1)", "(exp(x)-1)/x^2", "1e-9/x + exp(x)", "exp(x) + log(abs(x))/1000"]


def share_jumped(formula: str, step: float) -> float:
    """Of 200 steps of this length across 0, how many count as jumps."""
    before = -step * np.random.default_rng(0).uniform(0.05, 0.95, (200, 1))
    return float(jumped(Problem.from_text(formula, box={"x": (-9, 9)}), before, before + step).mean())


@pytest.mark.parametrize("step", [1e-3, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("formula", HARMLESS)
def test_a_limit_is_no_singularity_though_digits_are_lost_near_it(formula: str, step: float) -> None:
    assert share_jumped(formula, step) == 0.0


@pytest.mark.parametrize("step", [1e-3, 0.1, 1.0])
@pytest.mark.parametrize("formula", SINGULAR)
def test_a_pole_is_seen_by_every_step_across_it(formula: str, step: float) -> None:
    assert share_jumped(formula, step) == 1.0


def test_an_oscillation_that_never_ends_is_no_noise() -> None:
    assert min(share_jumped("sin(1/x)", step) for step in (0.01, 0.1, 1.0)) > 0.8


def test_steps_within_a_cell_are_not_asked_about() -> None:
    assert jumped(Problem.from_text("1/x", box={"x": (-9, 9)}), np.empty((0, 1)), np.empty((0, 1))).shape == (0,)
