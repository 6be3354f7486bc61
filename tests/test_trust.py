"""Known points → where a single step may be believed."""

import numpy as np
import pytest

from gdcore import GALLERY, Problem
from gdcore.newton import NEAR, polish
from gdcore.trust import RADII, trust

PEAKS = GALLERY["peaks"]
POINTS = np.array(PEAKS.minima)


def test_no_radius_reaches_as_far_as_polishing_may():
    assert RADII.max() <= NEAR / 2
    bowl = trust(Problem.from_text("x^2 + 3*y^2"), np.zeros((1, 2)))
    assert bowl.radii == [RADII.max() / 2]


def test_ends_beside_a_point_are_claimed_for_it_and_others_are_not():
    known = trust(PEAKS, POINTS)
    assert (known.radii > 1e-5).all()
    rng = np.random.default_rng(0)
    own = rng.integers(0, 3, 500)
    assert known.claim(POINTS[own] + rng.normal(size=(500, 2)) * 1e-6).tolist() == own.tolist()
    assert (known.claim(POINTS[own] + np.array([0.5, 0.0])) == -1).all()
    assert (known.claim(np.array([[2.9, 2.9], [-2.9, 2.5]])) == -1).all()


def test_what_is_claimed_is_where_newtons_method_goes():
    known = trust(PEAKS, POINTS)
    places = np.repeat(POINTS, 400, axis=0)
    places += np.random.default_rng(1).uniform(-0.1, 0.1, places.shape)
    claims = known.claim(places)
    assert 10 < (claims >= 0).sum() < 1200
    there = claims >= 0
    np.testing.assert_allclose(polish(PEAKS, places[there]).points, POINTS[claims[there]], rtol=0, atol=1e-12)


def test_a_place_where_the_gradient_does_not_lead_to_the_point_is_refused():
    """Inside the radius, but beyond a kink: the ball alone proves nothing."""
    problem = Problem.from_text("x^2 + y^2 + 3*max(0, x + y - 0.003)", box={"x": (-1, 1), "y": (-1, 1)})
    known = trust(problem, np.zeros((1, 2)))
    radius = 2 * known.radii[0]
    assert known.claim(np.array([[0.0, 0.0], [0.4 * radius, -0.4 * radius]])).tolist() == [0, 0]
    beyond = np.array([[0.002, 0.002], [0.0016, 0.0018]])
    wide = type(known)(known.problem, known.nearest, np.array([0.02]), known.steps)
    assert (wide.claim(beyond) == -1).all()


@pytest.mark.parametrize("apart", [1e-2, 1e-4, 1e-6])
def test_radii_end_well_before_the_next_point(apart):
    problem = Problem.from_text(f"(x^2 - {apart**2:.12g})^2*{apart**-2:.12g}", box={"x": (-1, 1)})
    assert (trust(problem, np.array([[apart], [-apart], [0.0]])).radii < apart / 2).all()


def test_a_singular_point_is_not_trusted():
    quartic = Problem.from_text("x^4 + y^2")
    assert trust(quartic, np.zeros((1, 2))).radii == [-1]
    assert trust(quartic, np.zeros((1, 2))).claim(np.array([[1e-9, 0.0]])).tolist() == [-1]
