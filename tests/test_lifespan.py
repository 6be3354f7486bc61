"""Between which values a minimum exists, against closed forms."""

import math

import pytest

from gdcore import GALLERY, Problem
from gdcore.lifespan import lifespan
from gdcore.survey import survey

FOLD = 8 / (3 * math.sqrt(3))
CUSP, FORK = GALLERY["tilted_double_well"], GALLERY["pitchfork"]
LEFT, RIGHT = CUSP.minima


def test_the_wells_of_the_cusp() -> None:
    assert lifespan(CUSP, "b", LEFT, (-2, 2)) == (pytest.approx(-FOLD, abs=1e-9), math.inf)
    assert lifespan(CUSP, "b", RIGHT, (-2, 2)) == (-math.inf, pytest.approx(FOLD, abs=1e-9))
    assert lifespan(CUSP, "a", RIGHT, (-1, 2)) == (pytest.approx((27 * 0.3**2 / 64) ** (1 / 3), abs=1e-9), math.inf)


def test_inside_limits_that_it_outlives() -> None:
    assert lifespan(CUSP, "b", RIGHT, (-1, 1.5)) == (-math.inf, math.inf)
    assert lifespan(CUSP, "b", RIGHT, (-1, 1.6)) == (-math.inf, pytest.approx(FOLD, abs=1e-9))


def test_limits_at_the_present_value_and_beside_it() -> None:
    """What there is at the present value is there at an end of the limits that coincides with it."""
    assert lifespan(CUSP, "b", LEFT, (0.3, 2)) == (-math.inf, math.inf)
    assert lifespan(CUSP, "b", RIGHT, (-2, 0.3)) == (-math.inf, math.inf)
    assert lifespan(CUSP, "b", RIGHT, (1, 2)) == (-math.inf, pytest.approx(FOLD, abs=1e-9))
    assert lifespan(CUSP, "b", LEFT, (-2, -1)) == (pytest.approx(-FOLD, abs=1e-9), math.inf)


def test_a_minimum_that_becomes_a_saddle_ends_there() -> None:
    single = FORK.with_parameters(c=-0.5)
    assert lifespan(single, "c", (0, 0), (-1, 3)) == (-math.inf, pytest.approx(0, abs=1e-9))
    assert lifespan(single, "c", (0, 0), (-1, 0)) == (-math.inf, pytest.approx(0, abs=1e-9))


def test_minima_that_merge_go_on_as_one() -> None:
    for minimum in FORK.minima:
        assert lifespan(FORK, "c", minimum, (-1, 3)) == (-math.inf, math.inf)


def test_a_minimum_ends_where_the_merged_one_does() -> None:
    """Two minima of y⁴/4 - c y² merge at c = 0, where nothing ends; the well in x ends at the fold b(c) = 1.54, that is c = -0.54."""
    both = Problem.from_text(
        "(x^2-1)^2 + (1-c)*x + y^4/4 - c*y^2", box={"x": (-2, 2), "y": (-3, 3)}, parameters={"c": 0.7}
    )
    right = [m.point for m in survey(both) if m.point[0] > 0]
    assert len(right) == 2
    for point in right:
        low, high = lifespan(both, "c", point, (-1, 1))
        assert (low, high) == (pytest.approx(1 - FOLD, abs=1e-9), math.inf)


def test_what_cannot_be_followed_is_not_known() -> None:
    jumping = Problem.from_text("x^2 + floor(a)*x", box={"x": (-3, 3)}, parameters={"a": 1.2})
    assert lifespan(jumping, "a", [-0.5], (1.1, 3))[0] == -math.inf
    assert math.isnan(lifespan(jumping, "a", [-0.5], (1.1, 3))[1])


@pytest.mark.parametrize(
    ("parameter", "point", "limits", "said"),
    [
        ("q", LEFT, (-1, 1), "q"),
        ("b", LEFT, (1, -1), "run from 1 to -1: give the smaller one first"),
        ("b", LEFT, (-3, 1), "-3"),
        ("b", (1.0,), (-1, 1), "2 numbers"),
    ],
)
def test_senseless_questions_are_refused(parameter: str, point: tuple[float, ...], limits: tuple[float, float], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        lifespan(CUSP, parameter, point, limits)
    assert len(str(caught.value)) <= 160
