"""One step along a curve: exact on known curves to the order promised, and its error is what it says."""

import numpy as np
import pytest

from gdcore import Problem
from gdcore.steps import Field, explicit, implicit, longest_time

BOWL = Problem.from_text("x^2/2 + y^2 + x^2*y/4", box={"x": (-1, 1), "y": (-1, 1)})
START = np.array([[0.7], [0.4]])
FIELD = Field(BOWL, np.array([[2.0], [2.0]]), np.array([-1.0]))


def walked(step, length, count):
    here = START
    for _ in range(count):
        here = step(FIELD, here, FIELD.direction(here), np.array([length / count])).there
    return here


@pytest.mark.parametrize(("step", "length", "order"), [(explicit, 0.2, 5), (implicit, 0.5, 3)])
def test_halving_the_steps_divides_the_error_by_two_to_the_order(step, length, order):
    exact = walked(explicit, length, 200) if step is explicit else walked(implicit, length, 4000)
    errors = [np.abs(walked(step, length, count) - exact).max() for count in (4, 8, 16)]
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (np.abs(rates - order) < 0.5).all()


def test_directions_have_length_one_in_box_widths_whatever_the_size_of_the_gradient():
    for scale in (1e-200, 1.0, 1e200):
        problem = Problem.from_text(f"{scale}*(x + 2*y)", box={"x": (0, 10), "y": (0, 0.1)})
        direction = Field(problem, np.array([[10.0], [0.1]]), np.array([1.0])).direction(np.array([[1.0], [0.05]]))
        np.testing.assert_allclose(np.hypot(direction[0] / 10, direction[1] / 0.1), 1.0, rtol=1e-12)


def test_a_long_implicit_step_lands_in_the_valley():
    valley = Problem.from_text("x + 1e8*(y - x)^2", box={"x": (-1, 1), "y": (-1, 1)})
    field, here = Field(valley, np.array([[2.0], [2.0]]), np.array([-1.0])), np.array([[0.0], [1e-3]])
    there = implicit(field, here, field.direction(here), np.array([0.1])).there
    assert abs(there[1, 0] - there[0, 0]) < 1e-6


def test_the_longest_time_is_set_by_what_drives_curves_apart():
    saddle = Problem.from_text("x^2 - 2*y^2", box={"x": (-1, 1), "y": (-1, 1)})
    here = np.zeros((2, 2))
    assert longest_time(Field(saddle, np.ones((2, 1)), np.array([-1.0, 1.0])), here).tolist() == [0.25, 0.5]
    assert longest_time(Field(BOWL, np.ones((2, 1)), np.array([-1.0])), np.zeros((2, 1))).tolist() == [np.inf]
