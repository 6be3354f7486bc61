"""Zeros found twice count once, two that are close count twice, and what is not clear is said."""

from time import perf_counter

import numpy as np
import pytest

from gdcore import Problem
from gdcore.bounded import bounded
from gdcore.boxes import Boxes, joined
from gdcore.search import Budget, Found, Outcome, System, search
from gdcore.zeros import certified, distinct


def one(low, high):
    low, high = (np.array(end, dtype=float).reshape(-1, 1) for end in (low, high))
    return Boxes(low, high, np.zeros(low.shape, bool))


def bowl():
    problem = Problem.from_text("(x - 1/3)^2 + 2*(y + 1/7)^2", box={"x": (-2.0, 2.0), "y": (-2.0, 2.0)})
    return problem, System.of(bounded(problem))


def test_a_zero_found_from_several_boxes_is_one_and_as_narrow_as_doubles_allow():
    problem, system = bowl()
    found = [Found(one([0.3 - e, -0.15 - e], [0.34 + e, -0.14]), one([0.2 - e, -0.2], [0.4, e])) for e in (0.0, 0.01, 0.02, 0.05)]
    zeros, doubtful = distinct(system, Outcome(found), 2)
    assert zeros.count == 1 and doubtful.count == 0
    assert (zeros.high - zeros.low).max() < 1e-14
    assert (zeros.low[:, 0] <= [1 / 3, -1 / 7]).all() and (zeros.high[:, 0] >= [1 / 3, -1 / 7]).all()


def test_where_two_boxes_meet_and_neither_is_in_the_others_region_it_is_not_clear():
    problem, system = bowl()
    beside = one([1 / 3 - 1e-3, -0.2], [1 / 3 + 1e-3, 0.0])
    outcome = Outcome([Found(beside, one([9, 9], [9.1, 9.1])), Found(beside, one([8, 8], [8.1, 8.1]))])
    zeros, doubtful = distinct(system, outcome, 2)
    assert zeros.count == 2 and doubtful.count == 1


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6])
def test_close_zeros_are_told_apart(gap):
    """A double well whose minima are 2·gap apart, with a maximum between."""
    problem = Problem.from_text(f"((x - 0.3)^2 - {gap}^2)^2/{gap}^4 + y^2", box={"x": (0.3 - 5 * gap, 0.3 + 4 * gap), "y": (-1.0, 2.0)})
    system = System.of(bounded(problem))
    whole = Boxes(problem.lows[:, None], problem.highs[:, None], np.zeros((2, 1), bool))
    outcome = search(system, whole, 2.0**-44 * (problem.highs - problem.lows), Budget(50_000, perf_counter() + 60))
    zeros, doubtful = distinct(system, outcome, 2)
    assert zeros.count == 3 and not doubtful.count and not any(part.count for part in outcome.unresolved)
    points = certified(problem, bounded(problem), zeros)
    assert sorted(p.kind for p in points) == ["minimum", "minimum", "saddle"]
    np.testing.assert_allclose(sorted(p.point[0] for p in points), [0.3 - gap, 0.3, 0.3 + gap], atol=1e-8 * gap + 1e-14)


def test_nothing_found_is_nothing():
    problem, system = bowl()
    zeros, doubtful = distinct(system, Outcome(), 2)
    assert zeros.count == doubtful.count == 0 and certified(problem, bounded(problem), zeros) == []


@pytest.mark.parametrize(
    ("formula", "kind", "index"),
    [("x^2 + y^2", "minimum", 0), ("x^2 - y^2", "saddle", 1), ("-x^2 - y^2 + x*y", "maximum", 2), ("x^2 + 1e-30*y^2", "minimum", 0), ("x^2 + y^3", "undecided", None)],
)
def test_kinds(formula, kind, index):
    problem = Problem.from_text(formula)
    (point,) = certified(problem, bounded(problem), one([-1e-300, -1e-300], [1e-300, 1e-300]))
    assert (point.kind, point.index) == (kind, index)
    assert point.value_enclosure[0] <= 0 <= point.value_enclosure[1] and point.holds((0.0, 0.0)) and not point.holds((0.0, 1.0))


def test_many_zeros_stay_apart():
    problem = Problem.from_text("sin(9*x) + sin(9*y)", box={"x": (-3.0, 3.1), "y": (-3.2, 3.0)})
    system = System.of(bounded(problem))
    whole = Boxes(problem.lows[:, None], problem.highs[:, None], np.zeros((2, 1), bool))
    outcome = search(system, whole, 2.0**-44 * np.full(2, 6.0), Budget(50_000, perf_counter() + 60))
    zeros, doubtful = distinct(system, outcome, 2)
    roots = (np.arange(-30, 31) + 0.5) * np.pi / 9
    expected = ((roots > -3.0) & (roots < 3.1)).sum() * ((roots > -3.2) & (roots < 3.0)).sum()
    inside = ((zeros.low > problem.lows[:, None]) & (zeros.high < problem.highs[:, None])).all(axis=0)
    assert inside.sum() == expected and not doubtful.count
    assert joined([f.regions for f in outcome.found]).count >= expected
