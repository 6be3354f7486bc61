"""The structure of a landscape as a whole: areas that add up, progress, and an order of points that is of no account."""

import pickle

import numpy as np
import pytest
from stationary import known, reference

from gdcore import Problem
from gdcore.arcs import Fate
from gdcore.structure import structure

DOUBLE_WELL = Problem.from_text("(x^2 - 1)^2 + y^2", box={"x": (-2, 2), "y": (-2, 2)})
WELLS = known(DOUBLE_WELL, [(-1, 0), (1, 0), (0, 0)])


def every_area(found):
    areas = found.areas
    return [*areas.minima, areas.left, areas.undefined, areas.undecided]


def test_the_double_well():
    found = structure(DOUBLE_WELL, WELLS)
    assert found.minima == (0, 1) and [found.joins(curve) for curve in found.descents] == [1, 0]
    assert found.barriers.levels.tolist() == [[0, 1], [1, 0]]
    assert [area.share for area in found.areas.minima] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert found.basins([[-1.5, 1], [1.5, 1]]).labels.tolist() == [0, 1]


def test_in_one_dimension():
    problem = Problem.from_text("(x^2 - 1)^2 + 0.3*x", box={"x": (-2, 2)})
    points = known(problem, [(float(root.real),) for root in np.sort(np.roots([4, 0, -4, 0.3]))])
    found = structure(problem, points)
    assert found.barriers.levels[0, 1] == points[1].value
    ridge = points[1].point[0]
    assert [area.share for area in found.areas.minima] == pytest.approx([(ridge + 2) / 4, (2 - ridge) / 4], abs=1e-3)


@pytest.mark.parametrize("d", [3, 4])
def test_beyond_two_dimensions(d):
    problem = Problem.from_text("+".join(f"(x{k}^2 - 1)^2" for k in range(d)), box={f"x{k}": (-2, 2) for k in range(d)})
    grid = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * d, indexing="ij"), axis=-1).reshape(-1, d)
    found = structure(problem, known(problem, grid))
    k = 2**d
    assert len(found.minima) == k and found.borders == ()
    np.testing.assert_allclose(found.barriers.levels, 1 - np.eye(k), atol=1e-12)
    assert [area.share for area in found.areas.minima] == pytest.approx([1 / k] * k, abs=2e-3)


@pytest.mark.parametrize("name", ["peaks", "Branin02", "MullerBrown", "NoMin_dome", "Booth", "HenonHeiles"])
def test_shares_add_up_and_lie_in_their_intervals(name):
    found = structure(*reference(name))
    areas = every_area(found)
    assert len(found.areas.minima) == len(found.minima)
    assert sum(area.share for area in areas) == 1.0
    assert all(0 <= area.low <= area.share <= area.high <= 1 for area in areas)


def test_areas_agree_with_a_fine_grid():
    found = structure(*reference("peaks"))
    problem, side = found.problem, (np.arange(150) + 0.5) / 150
    grid = problem.lows + np.stack(np.meshgrid(side, side), axis=-1) * (problem.highs - problem.lows)
    labels = found.basins(grid).labels
    for number, area in enumerate(found.areas.minima):
        assert area.low < (labels == number).mean() < area.high
    assert found.areas.left.low < (found.basins(grid).fates == Fate.LEFT).mean() < found.areas.left.high


def test_permuting_the_points_permutes_the_structure():
    problem, points = reference("SixHumpCamel")
    order = np.random.default_rng(1).permutation(len(points))
    found, turned = structure(problem, points), structure(problem, [points[k] for k in order])
    back = np.argsort(order)
    assert turned.points == tuple(points[k] for k in order)
    minima = [found.minima.index(int(order[k])) for k in turned.minima]
    np.testing.assert_array_equal(turned.barriers.levels, found.barriers.levels[np.ix_(minima, minima)])
    assert [turned.areas.minima[i] for i in range(len(minima))] == [found.areas.minima[k] for k in minima]
    joined = {(c.origin, c.end) for c in found.descents}
    assert {(c.origin, c.end) for c in turned.descents} == {(back[a], back[b]) for a, b in joined}


def test_progress_goes_from_nothing_to_all():
    told = []
    structure(DOUBLE_WELL, WELLS, on_progress=told.append)
    assert told[0] == 0 and told[-1] == 1 and told == sorted(told)


def test_it_travels():
    again = pickle.loads(pickle.dumps(structure(DOUBLE_WELL, WELLS)))
    assert again.basins([0.5, 0.5]).labels == 1


def test_points_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match="1 coordinates; the problem has 2"):
        structure(DOUBLE_WELL, known(Problem.from_text("x^2", box={"x": (-1, 1)}), [(0,)]))


def test_nothing_is_known_where_no_points_are():
    found = structure(DOUBLE_WELL, ())
    assert found.minima == found.descents == found.borders == () and found.areas.undecided.share == 1.0
