"""Regions around stationary points: everything in them flows to the point, and they are as large as they can be."""

import numpy as np
import pytest
from stationary import CASES, known, reference

from gdcore import Problem
from gdcore.regions import regions, separations


def claimed(found, places, uphill=False):
    return found.claim(places, np.full(len(places), uphill), np.full(len(places), -1))


def test_a_bowl_is_one_region_however_narrow():
    for steep in (1.0, 1e6):
        problem = Problem.from_text(f"x^2 + {steep}*y^2", box={"x": (-1, 1), "y": (-1, 1)})
        found = regions(problem, known(problem, [(0, 0)]))
        assert claimed(found, np.array([[0.6, 0.0], [0.0, 0.6 / np.sqrt(steep)], [0.9, 0.9]])).tolist() == [0, 0, -1]


@pytest.mark.parametrize("name", list(CASES))
def test_the_form_of_every_ellipsoid_falls_along_the_flow_everywhere_in_it(name):
    """Looked at far more densely than where the ellipsoids come from; narrow, bent valleys are the hard ones."""
    problem, points = reference(name)
    found, angle = regions(problem, points), np.linspace(0, 2 * np.pi, 721)
    for k, point in enumerate(points):
        if point.kind == "saddle":
            continue
        sign, uphill = (1, 0) if point.kind == "minimum" else (-1, 1)
        shape, hessian = found.shapes[uphill, k], sign * problem.hessian(found.points[k])
        eigenvalues, vectors = np.linalg.eigh(hessian)
        assert np.isfinite(shape).all()
        for power in (-0.5, -0.75, -1.0):
            rays = vectors @ (eigenvalues[:, None] ** power * np.stack([np.cos(angle), np.sin(angle)]))
            edge = (rays / np.sqrt(((shape @ rays) ** 2).sum(axis=0))).T
            for size in (1.0, 0.8, 0.6, 0.4, 0.2):
                gradient, outward = sign * problem.gradient(found.points[k] + size * edge), size * edge @ hessian
                cosine = (gradient * outward).sum(axis=1) / np.hypot(*gradient.T) / np.hypot(*outward.T)
                assert cosine.min() > 0.2


def test_no_region_reaches_a_saddle():
    problem, points = reference("peaks")
    found = regions(problem, points)
    saddles = np.array([p.point for p in points if p.kind == "saddle"])
    assert [points[k].kind for k in claimed(found, saddles)] == ["saddle"] * 3
    assert (claimed(found, saddles + 0.01) == -1).all()


def test_uphill_maxima_take_the_place_of_minima():
    problem, points = reference("peaks")
    found = regions(problem, points)
    near = found.points + 0.01
    kinds = np.array([p.kind for p in points])
    assert (claimed(found, near) == np.where(kinds == "minimum", np.arange(9), -1)).all()
    assert (claimed(found, near, uphill=True) == np.where(kinds == "maximum", np.arange(9), -1)).all()
    own = found.claim(near, np.zeros(9, bool), np.arange(9))
    assert (own == -1).all()


def test_a_singular_minimum_has_no_ellipsoid():
    quartic = Problem.from_text("x^4 + y^2", box={"x": (-1, 1), "y": (-1, 1)})
    assert np.isinf(regions(quartic, known(quartic, [(0, 0)])).shapes[0]).all()


def test_separations_are_those_found_by_looking_at_all_pairs():
    points = np.random.default_rng(0).random((60, 3))
    gaps = np.abs(points[:, None] - points[None]).max(axis=2) + np.diag(np.full(60, np.inf))
    np.testing.assert_array_equal(separations(points), gaps.min(axis=1))
    assert separations(points[:1]).tolist() == [np.inf]
