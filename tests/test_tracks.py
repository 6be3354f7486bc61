"""Minima followed from value to value: known catastrophes, exchanges of depth, gaps, the box's border, and any station as home."""

import math

import numpy as np
import pytest

from gdcore import GALLERY, Problem
from gdcore.merging import Valued
from gdcore.survey import survey
from gdcore.tracks import Change, Tracks, tracked

FOLD = 8 / (3 * math.sqrt(3))
CUSP, FORK, RIPPLES = GALLERY["tilted_double_well"], GALLERY["pitchfork"], GALLERY["rippled_bowl"]


def through(problem: Problem, parameter: str, values: list[float], home: int, hidden: tuple[int, ...] = (), **options: int) -> Tracks:
    """The minima of a survey at each value, none at hidden stations, followed."""
    problems = [problem.with_parameters(**{parameter: value}) for value in values]
    minima: list[list[Valued]] = [[] if k in hidden else list(survey(one)) for k, one in enumerate(problems)]
    return tracked(parameter, problems, minima, home, **options)


def said(changes: tuple[Change, ...]) -> list[tuple[str, tuple[int, ...]]]:
    return [(change.kind, change.tracks) for change in changes]


def wells(formula: str, **parameters: float) -> Problem:
    return Problem.from_text(formula, box={"x": (-2, 2)}, parameters=parameters)


# -- catastrophes in closed form ---------------------------------------------------------------------------------------

TILTS = [-2.0, -1.2, -0.4, 0.4, 1.2, 2.0]


@pytest.mark.parametrize("home", range(6))
def test_the_cusp_loses_a_minimum_at_each_fold(home: int) -> None:
    found = through(CUSP, "b", TILTS, home)
    (appears, vanishes) = found.changes
    assert (appears.kind, vanishes.kind) == ("appears", "vanishes")
    assert [appears.value, vanishes.value] == pytest.approx([-FOLD, FOLD], abs=1e-9)
    assert (appears.between, vanishes.between) == ((-2.0, -1.2), (1.2, 2.0))
    np.testing.assert_allclose([appears.point, vanishes.point], [(-1 / math.sqrt(3), 0), (1 / math.sqrt(3), 0)], atol=1e-6)
    (left,), (right,) = appears.tracks, vanishes.tracks
    assert {left, right} == {0, 1} and (left == 0) == (home >= 3)
    np.testing.assert_array_equal(~np.isnan(found.heights[[left, right]]), [[False, True, True, True, True, True], [True, True, True, True, True, False]])
    assert np.nanmax(found.points[left, :, 0]) < 0 < np.nanmin(found.points[right, :, 0])
    for k, tilt in enumerate(TILTS):
        for x in found.points[:, k, 0][~np.isnan(found.points[:, k, 0])]:
            assert 4 * x * (x * x - 1) + tilt == pytest.approx(0, abs=1e-9)


def test_the_cusp_in_its_other_parameter() -> None:
    found = through(CUSP.with_parameters(b=0.3), "a", [-1.0, 0.0, 0.5, 2.0], 2)
    assert said(found.changes) == [("appears", (1,))]
    assert found.changes[0].value == pytest.approx((27 * 0.3**2 / 64) ** (1 / 3), abs=1e-9)


@pytest.mark.parametrize("values", [[-1.0, -0.4, 0.3, 1.0], [-1.0, -0.5, 0.0, 0.5, 1.0]], ids=["between values", "at a value"])
def test_the_pitchfork_from_where_there_are_two(values: list[float]) -> None:
    """One of the two goes on as the single minimum, the other one splits off it: nothing vanishes, though the Hessian is singular at 0."""
    found = through(FORK, "c", values, len(values) - 1)
    assert said(found.changes) == [("splits", (0, 1))]
    assert found.changes[0].value == pytest.approx(0, abs=1e-9)
    np.testing.assert_allclose(found.points[:, -1, 1], [-math.sqrt(2), math.sqrt(2)], atol=1e-9)
    np.testing.assert_allclose(found.points[0, 0], [0, 0], atol=1e-9)
    assert np.isnan(found.heights[1, :2]).all()


@pytest.mark.parametrize("values", [[-1.0, -0.4, 0.3, 1.0], [-1.0, -0.5, 0.0, 0.5, 1.0]], ids=["between values", "at a value"])
def test_the_pitchfork_from_where_there_is_one(values: list[float]) -> None:
    """The single minimum becomes a saddle between two new ones."""
    found = through(FORK, "c", values, 1)
    assert said(found.changes) == [("splits", (0, 1, 2))]
    assert found.changes[0].value == pytest.approx(0, abs=1e-9)
    assert np.isnan(found.heights[0, -2:]).all() and not np.isnan(found.heights[1:, -2:]).any() and np.isnan(found.heights[1:, :2]).all()


def test_a_pitchfork_turned_round_merges() -> None:
    turned = Problem.from_text("x^2 + c*y^2 + y^4/4", box={"x": (-3, 3), "y": (-3, 3)}, parameters={"c": -1.0})
    assert said(through(turned, "c", [-1.0, -0.3, 0.4], 0).changes) == [("merges", (0, 1))]
    assert said(through(turned, "c", [-1.0, -0.3, 0.4], 2).changes) == [("merges", (0, 1, 2))]


@pytest.mark.parametrize("home", [0, 1, 2])
def test_eight_ripples_appear_at_once(home: int) -> None:
    """At h with 2x + 3h sin(3x) = 0 and 2 + 9h cos(3x) = 0: tan(3x) = 3x, where 3x is the first root above π."""
    from scipy.optimize import brentq

    root = brentq(lambda u: math.tan(u) - u, math.pi + 0.1, 1.5 * math.pi - 1e-6, xtol=1e-15)
    found = through(RIPPLES, "h", [0.0, 0.7, 2.0], home)
    assert said(found.changes) == [("appears", (number,)) for number in range(1, 9)]
    assert [change.value for change in found.changes] == pytest.approx([-2 / (9 * math.cos(root))] * 8, abs=1e-9)
    np.testing.assert_allclose(np.abs([c.point for c in found.changes]).max(axis=1), root / 3, atol=1e-6)
    np.testing.assert_allclose(found.points[0], 0, atol=1e-9)


# -- identity ----------------------------------------------------------------------------------------------------------


def test_minima_that_exchange_their_depth_keep_their_numbers() -> None:
    found = through(wells("(x^2-1)^2 + b*x", b=-0.3), "b", [-1.0, -0.3, 0.0, 0.4, 1.0], 1)
    assert not found.changes and found.points.shape == (2, 5, 1)
    assert (found.points[0] > 0.8).all() and (found.points[1] < -0.8).all()
    np.testing.assert_array_equal(found.heights[0] < found.heights[1] - 1e-12, [True, True, False, False, False])


def test_a_minimum_overlooked_on_the_way_is_filled_in() -> None:
    whole = through(CUSP, "b", TILTS, 2)
    for hidden in ((3,), (1, 4), (0, 1, 3, 4, 5)):
        found = through(CUSP, "b", TILTS, 2, hidden)
        np.testing.assert_allclose(found.points, whole.points, atol=1e-9)
        assert said(found.changes) == said(whole.changes)
    seen_late = through(CUSP, "b", TILTS, 0, (1, 2, 3, 4))
    np.testing.assert_array_equal(np.isnan(seen_late.heights), [[False] * 5 + [True], [True] + [False] * 5])


def test_what_was_overlooked_at_home_is_numbered_later_and_followed_through_home() -> None:
    problems = [CUSP.with_parameters(b=b) for b in TILTS]
    minima: list[list[Valued]] = [list(survey(one)) for one in problems]
    minima[2] = minima[2][1:]
    found = tracked("b", problems, minima, 2)
    assert said(found.changes) == [("appears", (0,)), ("vanishes", (1,))]
    assert not np.isnan(found.heights[:, 2]).any()


def test_numbers_at_home_are_in_the_order_given() -> None:
    problems = [CUSP.with_parameters(b=b) for b in (0.0, 0.3, 0.6)]
    minima = [list(survey(one)) for one in problems]
    backwards = [minima[0], minima[1][::-1], minima[2]]
    found = tracked("b", problems, backwards, 1, len(minima[1]))
    np.testing.assert_allclose(found.points[:, 1], [m.point for m in backwards[1]], atol=1e-9)
    assert found.points[0, 1, 0] > 0 > found.points[1, 1, 0]


@pytest.mark.parametrize("home", [0, 3, 6])
def test_a_minimum_leaves_the_box_and_comes_back(home: int) -> None:
    swinging = wells("(x - 3*sin(a))^2", a=0.0)
    found = through(swinging, "a", np.linspace(0, 3, 7).tolist(), home)
    if home == 3:  # outside, where the survey does not look: it is numbered where it is first seen
        assert len(found.points) == 1
    turn = math.asin(2 / 3)
    assert said(found.changes) == [("leaves the box", (0,)), ("enters the box", (0,))]
    assert [change.value for change in found.changes] == pytest.approx([turn, math.pi - turn], abs=1e-9)
    np.testing.assert_allclose(found.points[0, :, 0], 3 * np.sin(found.values), atol=1e-9)


def test_a_minimum_ends_where_the_function_does() -> None:
    """x² + log(a - x)/10 has x = (a - sqrt(a² - 0.2))/2 while a² > 0.2; below a = 0 the function is not defined at all near it."""
    found = through(Problem.from_text("x^2 + log(a-x)/10", box={"x": (-1, 1)}, parameters={"a": 1.0}), "a", [0.2, 0.7, 1.5], 2)
    assert said(found.changes) == [("appears", (0,))]
    assert found.changes[0].value == pytest.approx(math.sqrt(0.2), abs=1e-9)


def test_what_jumps_is_lost_and_says_between_which_values() -> None:
    found = through(wells("x^2 + floor(a)*x", a=0.2), "a", [0.2, 0.7, 1.2, 1.8], 0)
    assert {change.kind for change in found.changes} == {"lost"} and all(math.isnan(change.value) for change in found.changes)
    assert {change.between for change in found.changes} == {(0.7, 1.2)}
    np.testing.assert_allclose(found.points[0, :2, 0], 0, atol=1e-9)
    np.testing.assert_allclose(found.points[1, 2:, 0], -0.5, atol=1e-9)
    assert np.isnan(found.points[0, 2:]).all()


def test_a_single_station_has_its_minima_and_no_changes() -> None:
    found = through(CUSP, "b", [0.3], 0)
    assert found.points.shape == (2, 1, 2) and not found.changes
    np.testing.assert_allclose(found.points[:, 0], CUSP.minima, atol=1e-9)
