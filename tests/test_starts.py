"""Where runs begin: contracts over every design, and each design's own property."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import kstest, qmc

from gdcore import DESIGNS, Problem, Starts
from gdcore.starts import MOST_STARTS

PROBLEM = Problem.from_text("x^2 + y^2", box={"x": (-3, 1), "y": (10, 20)})


def unit(points: Any) -> Any:
    return (points - PROBLEM.lows) / (PROBLEM.highs - PROBLEM.lows)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("count", [1, 4, 100, 1000])
def test_contract(design: str, count: int) -> None:
    points = Starts(design, count, seed=7).points(PROBLEM)
    assert points.ndim == 2 and points.shape[1] == 2 and points.dtype == float
    assert len(points) == count if design != "grid" else len(points) <= count < (np.sqrt(len(points)) + 1) ** 2
    assert (points >= PROBLEM.lows).all() and (points <= PROBLEM.highs).all()
    np.testing.assert_array_equal(points, Starts(design, count, seed=7).points(PROBLEM))
    assert len(np.unique(points, axis=0)) == len(points)
    if design != "grid":
        assert not np.array_equal(points, Starts(design, count, seed=8).points(PROBLEM))


@pytest.mark.parametrize("design", DESIGNS)
def test_starts_come_from_their_own_box(design: str) -> None:
    own = {"y": (0.0, 1.0), "x": (5.0, 6.0)}  # any order
    points = Starts(design, 100, box=own).points(PROBLEM)
    assert (points >= [5, 0]).all() and (points <= [6, 1]).all()
    assert points[:, 0].max() > 5.8 and points[:, 1].max() > 0.8


def test_the_problems_start_box_is_the_default() -> None:
    problem = Problem.from_text("x + y", start_box={"x": (0, 1), "y": (2, 3)})
    points = Starts(count=50).points(problem)
    assert (points >= [0, 2]).all() and (points <= [1, 3]).all()


def test_drawing_does_not_touch_the_global_seed() -> None:
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    for design in DESIGNS:
        Starts(design, 64, seed=3).points(PROBLEM)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_uniform_is_uniform() -> None:
    for column in unit(Starts("uniform", 5000, seed=1).points(PROBLEM)).T:
        assert kstest(column, "uniform").pvalue > 1e-3


def test_latin_hypercube_has_one_point_in_every_slice() -> None:
    for column in unit(Starts("latin hypercube", 200, seed=1).points(PROBLEM)).T:
        np.testing.assert_array_equal(np.sort(np.floor(column * 200)), np.arange(200))


def test_sobol_is_spread_more_evenly_than_chance() -> None:
    even, chance = (qmc.discrepancy(unit(Starts(design, 512, seed=1).points(PROBLEM))) for design in ("sobol", "uniform"))
    assert even < chance / 5


@pytest.mark.parametrize(
    ("count", "side"), [(1, 1), (3, 1), (4, 2), (8, 2), (9, 3), (900, 30), (3600, 60), (3601, 60), (1000, 31)]
)
def test_grid_is_the_largest_square_of_cell_centres(count: int, side: int) -> None:
    points = unit(Starts("grid", count).points(PROBLEM))
    centres = (np.arange(side) + 0.5) / side
    wanted = np.array([[a, b] for a in centres for b in centres])
    np.testing.assert_allclose(points, wanted, atol=1e-12)


@pytest.mark.parametrize(
    ("count", "dimension", "side"), [(27, 3, 3), (26, 3, 2), (64, 3, 4), (125, 3, 5), (1000, 3, 10), (1024, 10, 2)]
)
def test_grid_in_more_variables(count: int, dimension: int, side: int) -> None:
    names = [f"x{k}" for k in range(dimension)]
    problem = Problem.from_text("+".join(names), box={name: (0, 1) for name in names})
    assert len(Starts("grid", count).points(problem)) == side**dimension


def test_given_points() -> None:
    points = [[0.1, 11.0], [-5.0, 100.0]]  # also outside the box
    np.testing.assert_array_equal(Starts.at(points).points(PROBLEM), points)
    assert Starts.at([1.0, 2.0]).count == 1
    assert Starts.at(np.array(points)) == Starts.at(points) and hash(Starts.at(points)) == hash(Starts.at(np.array(points)))
    with pytest.raises(ValueError, match="start points have 3 numbers; the problem has 2"):
        Starts.at([[1, 2, 3]]).points(PROBLEM)
    with pytest.raises(ValueError, match=r"shape \(n, d\)"):
        Starts.at(np.zeros((2, 2, 2)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"design": "spiral"}, "no design 'spiral'; there are: uniform, latin hypercube, sobol, grid"),
        ({"count": 0}, "0 starts are not possible"),
        ({"count": MOST_STARTS + 1}, "10000001 starts"),
        ({"count": 10.5}, "10.5 starts are not possible"),
        ({"seed": 0.5}, "the seed is 0.5"),
        ({"seed": -1}, "the seed is -1"),
        ({"box": {"x": (1, 0)}}, "give the smaller one first"),
        ({"box": {"x": (0, float("nan"))}}, "the start region of x"),
        ({"box": {"x": (0, float("inf"))}}, "the start region of x"),
    ],
)
def test_senseless_values(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Starts(**arguments)


def test_a_region_over_other_variables_is_refused() -> None:
    with pytest.raises(ValueError, match="exactly the variables x, y"):
        Starts(box={"x": (0, 1)}).points(PROBLEM)


def test_starts_are_hashable_values() -> None:
    one = Starts("sobol", 64, 1, {"x_1": (0, 1)})
    assert one == Starts("sobol", 64, 1, {"x1": (0.0, 1.0)}) and hash(one) == hash(Starts("sobol", 64, 1, {"x1": (0, 1)}))
