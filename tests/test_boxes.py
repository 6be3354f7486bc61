"""Boxes: cuts without a gap, grids that cover, and what nan says of inside and meets."""

import numpy as np
import pytest

from gdcore.boxes import Boxes, empty, grid, joined


def some(rng, d, n):
    low = rng.uniform(-3, 3, (d, n)) * 10 ** rng.uniform(-12, 6, (1, n))
    return Boxes(low, low + np.abs(low) * 10 ** rng.uniform(-14, 0, (d, n)), np.zeros((d, n), bool))


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_halves_meet_and_leave_no_gap(d):
    rng = np.random.default_rng(d)
    boxes, axis = some(rng, d, 300), rng.integers(0, d, 300)
    halves, rows = boxes.split(axis), np.arange(300)
    left, right = halves[:300], halves[300:]
    np.testing.assert_array_equal(left.high[axis, rows], right.low[axis, rows])
    assert left.inside(boxes, closed=True).all() and right.inside(boxes, closed=True).all()
    np.testing.assert_array_equal(np.minimum(left.low, right.low), boxes.low)
    np.testing.assert_array_equal(np.maximum(left.high, right.high), boxes.high)
    other = np.arange(d)[:, None] != axis
    np.testing.assert_array_equal(left.high[other], boxes.high[other])
    np.testing.assert_array_equal(right.low[other], boxes.low[other])


@pytest.mark.parametrize("d", [1, 2, 3, 6])
@pytest.mark.parametrize("parts", [1, 7, 100])
def test_a_grid_covers_its_box(d, parts):
    rng = np.random.default_rng(parts)
    lows = rng.uniform(-5, 5, d)
    highs = lows + 10 ** rng.uniform(-6, 3, d)
    boxes = grid(lows, highs, parts)
    points = lows + rng.choice([0, 1, 0.5, 0.25, 0.7, 1 / 3], (200, d)) * (highs - lows)
    for point in np.clip(points, lows, highs):
        assert ((boxes.low <= point[:, None]) & (point[:, None] <= boxes.high)).all(axis=0).any()
    assert boxes.low.min(axis=1).tolist() == lows.tolist() and boxes.high.max(axis=1).tolist() == highs.tolist()
    assert abs(boxes.volumes(lows, highs).sum() - 1) < 1e-12
    assert boxes.count == round(parts ** (1 / d)) ** d


def test_no_cut_of_a_grid_is_at_a_symmetric_place():
    boxes = grid(np.array([-3.0]), np.array([3.0]), 100)
    cuts = boxes.low[0, 1:]
    assert np.abs(cuts).min() > 1e-3 and np.abs(cuts[:, None] + cuts[None]).min() > 1e-3


@pytest.mark.parametrize("d", [1, 3])
def test_radii_reach_over_both_ends_and_inflated_boxes_hold_theirs(d):
    boxes = some(np.random.default_rng(d), d, 500)
    centres, radii = boxes.centres, boxes.radii(boxes.centres)
    assert (centres - radii <= boxes.low).all() and (centres + radii >= boxes.high).all()
    assert boxes.inside(boxes.inflated(centres, 0.1)).all() and boxes.inside(boxes.inflated(centres, 0.0)).all()


def test_a_held_coordinate_stays():
    boxes = Boxes(np.array([[1.0], [0.0]]), np.array([[1.0], [2.0]]), np.array([[True], [False]]))
    wider = boxes.inflated(boxes.centres, 0.2)
    assert wider.low[0] == wider.high[0] == 1.0 and wider.low[1] < 0 and wider.high[1] > 2
    assert boxes.inside(wider).all() and boxes.inside(boxes, closed=True).all() and not boxes.inside(boxes).any()


def test_nan_is_inside_of_nothing_and_meets_everything():
    unit = Boxes(np.zeros((2, 1)), np.ones((2, 1)), np.zeros((2, 1), bool))
    for low, high in ((np.nan, 0.5), (0.2, np.nan), (np.nan, np.nan)):
        unknown = Boxes(np.array([[0.4], [low]]), np.array([[0.5], [high]]), np.zeros((2, 1), bool))
        assert not unknown.inside(unit).any() and not unknown.inside(unit, closed=True).any()
        assert not unit.inside(unknown).any() and not unit.inside(unknown, closed=True).any()
        assert unknown.meets(unit).all() and unit.meets(unknown).all()
    apart = Boxes(np.array([[2.0], [np.nan]]), np.array([[3.0], [np.nan]]), np.zeros((2, 1), bool))
    assert not apart.meets(unit).any(), "one coordinate is enough to be apart"


def test_touching_boxes_meet():
    unit = Boxes(np.zeros((1, 1)), np.ones((1, 1)), np.zeros((1, 1), bool))
    beside = Boxes(np.ones((1, 1)), np.full((1, 1), 2.0), np.zeros((1, 1), bool))
    assert unit.meets(beside).all() and not beside.inside(unit, closed=True).any()


def test_boxes_are_joined_in_order():
    rng = np.random.default_rng(0)
    first, second = some(rng, 2, 3), some(rng, 2, 2)
    both = joined([first, empty(2), second])
    assert both.count == 5
    np.testing.assert_array_equal(both[3:].low, second.low)
    np.testing.assert_array_equal(both[np.array([True, True, True, False, False])].high, first.high)
