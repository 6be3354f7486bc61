"""One numbering of all minima found: by place on one problem, by following in one and in two parameters."""

import math
from itertools import product

import numpy as np

from gdcore import GALLERY, Problem
from gdcore.continuation import follow
from gdcore.identities import ELSEWHERE, Known, Numbering, Place, numbering
from gdcore.survey import survey

CUSP, PEAKS = GALLERY["tilted_double_well"], GALLERY["peaks"]


def known(problem: Problem) -> Known:
    return Known(problem, survey(problem))


def consistent(named: Numbering, found: list[Known]) -> None:
    """Whatever has a number is where the numbering says, as high as it says, and every point of it is stationary."""
    for g, one in enumerate(found):
        for minimum, number in zip(one.minima, named.numbers[g], strict=True):
            if number != ELSEWHERE:
                np.testing.assert_allclose(named.points[number, g], minimum.point, atol=1e-5)
        here = ~np.isnan(named.heights[:, g])
        np.testing.assert_allclose(one.problem.gradient(named.points[here, g]), 0, atol=1e-7)
        np.testing.assert_allclose(one.problem.value(named.points[here, g]), named.heights[here, g], atol=1e-12)


def test_on_one_problem_minima_are_numbered_by_place_after_those_of_home() -> None:
    three = list(survey(PEAKS))
    home, one, other = Known(PEAKS, [three[1]]), Known(PEAKS, [three[2], three[1]]), Known(PEAKS, [three[0], three[2]])
    named = numbering(home, [one, other, Known(PEAKS, [])], [])
    assert [numbers.tolist() for numbers in named.numbers] == [[2, 0], [1, 2], []]
    np.testing.assert_allclose(named.points[:, 1], [three[1].point, three[0].point, three[2].point])
    assert named.points.shape == (3, 3, 2) and named.heights.shape == (3, 3)


def test_where_nothing_is_known_nothing_is_numbered() -> None:
    named = numbering(Known(PEAKS, []), [Known(PEAKS, [])], [])
    assert named.points.shape == (0, 1, 2) and named.numbers[0].size == 0


def test_home_keeps_its_numbers_though_one_outside_the_box_is_found() -> None:
    home = known(CUSP)
    narrow = CUSP.with_box({"x": (-1.2, 0.5), "y": (-2, 2)})
    inside = Known(narrow, [m for m in home.minima if m.point[0] < 0])
    both = Known(narrow, [*home.minima, Place((0.9601495555191055, 0.0), 0.0)])
    named = numbering(inside, [both, inside], [])
    assert named.numbers[0].tolist() == [0, 1, 1] and named.numbers[1].tolist() == [0]


def test_in_one_parameter_values_may_come_in_any_order_and_home_be_none_of_them() -> None:
    values = [1.8, -1.8, 0.9, -0.5]
    for home in (0.3, 1.0, -1.9, 1.9):
        found = [known(CUSP.with_parameters(b=b)) for b in values]
        own = known(CUSP.with_parameters(b=home))
        named = numbering(own, found, ["b"])
        consistent(named, found)
        left = 0 if home > -1.5 else 1
        assert [sorted(numbers.tolist()) for numbers in named.numbers] == [[left], [1 - left], [0, 1], [0, 1]]
        assert (named.points[left, [0, 2, 3], 0] < 0).all() and (named.points[1 - left, [1, 2, 3], 0] > 0).all()


def test_changes_beyond_the_values_found_are_not_told() -> None:
    for low, high, kinds in ((-1.0, 1.0, []), (-1.6, 1.0, ["appears"]), (1.4, 1.9, ["vanishes"]), (1.6, 1.9, [])):
        found = [known(CUSP.with_parameters(b=b)) for b in np.linspace(low, high, 3)]
        for home in (-1.9, 0.3, 1.95):
            named = numbering(known(CUSP.with_parameters(b=home)), found, ["b"])
            assert [change.kind for change in named.changes] == kinds


# -- two parameters ----------------------------------------------------------------------------------------------------

WIDTHS, TILTS = (-0.5, 0.25, 1.0, 2.0), (-1.8, -0.4, 0.3, 1.2)


def plane(home: Problem, widths: tuple[float, ...] = WIDTHS, tilts: tuple[float, ...] = TILTS) -> tuple[Numbering, list[Known]]:
    """All pairs, the width running first."""
    found = [known(CUSP.with_parameters(a=a, b=b)) for b, a in product(tilts, widths)]
    return numbering(known(home), found, ["a", "b"]), found


def reached(problem: Problem, point: tuple[float, ...], parameter: str, until: float) -> tuple[Problem, tuple[float, ...]] | None:
    """Where a minimum comes to along one parameter, by following it alone."""
    branch = follow(problem, parameter, point, until)
    if not (branch.arrived and branch.kind_at_end == "minimum"):
        return None
    return problem.with_parameters(**{parameter: until}), tuple(branch.points[-1].tolist())


def test_two_parameters_agree_with_following_each_minimum_alone() -> None:
    named, found = plane(CUSP)
    consistent(named, found)
    assert not named.changes
    for g, one in enumerate(found):
        for number, minimum in enumerate(survey(CUSP)):
            spine = reached(CUSP, minimum.point, "b", one.problem.parameters["b"])
            there = spine and reached(*spine, "a", one.problem.parameters["a"])
            if there:
                np.testing.assert_allclose(named.points[number, g], there[1], atol=1e-9)
            else:
                assert np.isnan(named.heights[number, g])


def test_elsewhere_are_only_those_that_the_spine_does_not_lead_to() -> None:
    """At b = -1.8 the left well is not on the spine a = 1: it exists for a above (27 b²/64)^(1/3) = 1.11, at a = 2 alone."""
    named, found = plane(CUSP)
    places = [(g, minimum.point[0]) for g, one in enumerate(found) for minimum, number in zip(one.minima, named.numbers[g], strict=True) if number < 0]
    assert [g for g, _ in places] == [3] and places[0][1] < 0
    assert (27 * 1.8**2 / 64) ** (1 / 3) > 1


def test_home_keeps_its_numbers_though_a_minimum_vanishes_before_the_first_value() -> None:
    """At b = 0.3 the right well, number 1, is gone below a = 0.336; what is new at other tilts must not inherit its number."""
    named, found = plane(CUSP, widths=(-0.5, 0.1), tilts=(-1.8, 0.0, 0.3))
    consistent(named, found)
    at_home = named.points[:, 4:]  # the tilt of home
    assert (at_home[0, :, 0] < 0).all() and np.isnan(named.heights[1]).all()
    assert len(named.points) == 3 and (named.points[2, :2, 0] > 0).all()
    assert {int(number) for numbers in named.numbers for number in numbers} == {0, 2}


def test_home_off_the_grid() -> None:
    named, found = plane(CUSP.with_parameters(a=1.3, b=0.5))
    consistent(named, found)
    grid, _ = plane(CUSP)
    np.testing.assert_allclose(named.points, grid.points, atol=1e-7)
    assert math.isclose(named.heights[0, 10], CUSP.value(CUSP.minima[0]), abs_tol=1e-9)
