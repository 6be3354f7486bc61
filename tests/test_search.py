"""The search keeps every zero: by proof, or in a box that is left; budgets, cuts, and boxes that are of no interest."""

from time import perf_counter

import numpy as np
import pytest

from gdcore import GALLERY, Problem
from gdcore.bounded import bounded
from gdcore.boxes import Boxes, grid, joined
from gdcore.search import FINEST, Budget, System, search

PEAKS = GALLERY["peaks"]


def searched(problem, boxes=100_000, first=100, **more):
    system, budget = System.of(bounded(problem), **more), Budget(boxes, perf_counter() + 60)
    finest = FINEST * (problem.highs - problem.lows)
    return search(system, grid(problem.lows, problem.highs, first), finest, budget), budget


def within(places, boxes):
    """Whether each place (k, d) is in one of the boxes."""
    return ((boxes.low[:, None] <= places.T[:, :, None]) & (places.T[:, :, None] <= boxes.high[:, None])).all(axis=0).any(axis=1)


def roots():
    """All stationary points of separable waves, exact: x at multiples of pi/2 off the centre, y at 0."""
    problem = Problem.from_text("cos(2*x) + y^2", box={"x": (-4.0, 5.0), "y": (-1.0, 1.5)})
    return problem, np.array([(k * np.pi / 2, 0.0) for k in range(-2, 4)])


@pytest.mark.parametrize("first", [1, 2, 4, 100, 900])
def test_zeros_are_found_from_any_first_cut(first):
    problem, places = roots()
    outcome, budget = searched(problem, first=first)
    zeros, regions = (joined([getattr(f, name) for f in outcome.found]) for name in ("zeros", "regions"))
    assert within(places, regions).all() and not any(part.count for part in outcome.unresolved)
    assert zeros.inside(regions).all() and budget.reason == ""
    for place in places:
        assert sum(within(place[None], Boxes(r.low, r.high, r.fixed))[0] for r in [zeros]) == 1


@pytest.mark.parametrize("boxes", [0, 1, 99, 100, 150, 300, 1000])
def test_what_the_budget_does_not_suffice_for_is_left(boxes):
    problem, places = PEAKS, np.array([(0.22827892055636909, -1.6255349574999964), (-1.3473962443682108, 0.20451886609700518), (0.2964455538468321, 0.32019624766683435)])
    outcome, budget = searched(problem, boxes=boxes)
    assert budget.spent <= boxes
    kept = [f.regions for f in outcome.found] + [part for part in outcome.unresolved if part.count]
    assert within(places, joined(kept)).all() and budget.reason


@pytest.mark.parametrize("cut", [0.0, 1e-17, 1e-12, -1e-9])
def test_a_zero_on_a_cut_is_found_once_or_more_but_never_lost(cut):
    problem = Problem.from_text("(x - y)^2 + x^2 + 0.1*y^4", box={"x": (-1.0, 1.0), "y": (-1.0, 1.0)})
    halves = Boxes(np.array([[-1.0, cut], [-1.0, -1.0]]), np.array([[cut, 1.0], [1.0, 1.0]]), np.zeros((2, 2), bool))
    outcome = search(System.of(bounded(problem)), halves, np.full(2, 1e-13), Budget(10_000, perf_counter() + 60))
    assert within(np.zeros((1, 2)), joined([f.regions for f in outcome.found])).all()
    assert not any(part.count for part in outcome.unresolved)


def test_a_degenerate_zero_stays_in_boxes_that_are_not_cut_below_the_finest():
    problem = Problem.from_text("x^4 + y^2", box={"x": (-1.0, 2.0), "y": (-2.0, 1.0)})
    outcome, _ = searched(problem)
    left = joined([part for part in outcome.unresolved if part.count])
    assert within(np.zeros((1, 2)), left).all() and not outcome.found
    assert (left.high - left.low).max() < 1e-3


def test_hopeless_boxes_are_left_out():
    problem, places = roots()
    outcome, _ = searched(problem, hopeless=lambda boxes: boxes.high[0] < 0.1)
    found = within(places, joined([f.regions for f in outcome.found]))
    assert found[3:].all() and not found[:2].any()


def test_held_coordinates_are_held():
    """On the face y = 1 of x² + x y + y², x is the only unknown: x = -1/2."""
    problem = Problem.from_text("x^2 + x*y + y^2", box={"x": (-2.0, 2.0), "y": (-1.0, 1.0)})
    face = Boxes(np.array([[-2.0], [1.0]]), np.array([[2.0], [1.0]]), np.array([[False], [True]]))
    outcome = search(System.of(bounded(problem)), face, np.full(2, 1e-13), Budget(1000, perf_counter() + 60))
    (found,) = outcome.found
    assert found.zeros.low[1, 0] == found.zeros.high[1, 0] == 1.0
    assert found.zeros.low[0, 0] <= -0.5 <= found.zeros.high[0, 0] and not any(part.count for part in outcome.unresolved)


def test_time_that_is_over_ends_the_search():
    budget = Budget(10**9, perf_counter() - 1)
    outcome = search(System.of(bounded(PEAKS)), grid(PEAKS.lows, PEAKS.highs, 100), np.full(2, 1e-13), budget)
    assert budget.spent == 0 and "time" in budget.reason and sum(part.count for part in outcome.unresolved) == 100


def test_progress_is_told_before_every_step():
    told = []
    budget = Budget(10_000, perf_counter() + 60, lambda *numbers: told.append(numbers))
    search(System.of(bounded(PEAKS)), grid(PEAKS.lows, PEAKS.highs, 100), np.full(2, 1e-13), budget)
    assert told[0] == (0, 10_000, 100) and [t[0] for t in told] == sorted({t[0] for t in told}) and told[-1][0] <= budget.spent


def test_no_zero_is_proved_beyond_a_kink():
    """The zero that the equation's left part would have lies behind the kink that ends this part."""
    kink = 2.49

    def values(bounds):
        wide = 0.05 * (bounds[:, 1:] - bounds[:, :1]) * np.array([[-1.0], [1.0]])  # bounds of a wide box are never exact
        left, right = 2 * (bounds - 1) - 3 + wide, 2 * (bounds - 1) + 3 + wide
        return np.stack([np.where(bounds[:, 0] <= kink, left[:, 0], right[:, 0]), np.where(bounds[:, 1] < kink, left[:, 1], right[:, 1])], axis=1)

    def breaks(bounds):
        return np.zeros(bounds.shape[2], bool), (bounds[0, 0] <= kink) & (bounds[0, 1] >= kink)

    def slopes(bounds):
        return np.broadcast_to(np.array([1.94, 2.06])[:, None], (1, 1, 2, bounds.shape[2])).copy()

    system = System(values, values, slopes, lambda bounds: (np.ones(bounds.shape[2], bool),) * 2, breaks)
    box = Boxes(np.array([[1.49]]), np.array([[np.nextafter(kink, 0)]]), np.zeros((1, 1), bool))
    outcome = search(system, box, np.full(1, 1e-13), Budget(1000, perf_counter() + 60))
    assert not outcome.found
