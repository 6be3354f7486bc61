"""Minima on the boundary: certified where f rises into the box, left open where the slope across the edge may be 0."""

import itertools

import numpy as np
import pytest
from landscapes import FAMILIES, problem

from gdcore import GALLERY, Problem
from gdcore.certify import certify

BOX = {"x": (-1.0, 2.0), "y": (-2.0, 1.0)}


def found(formula, box=None):
    return certify(Problem.from_text(formula, box=box or BOX), seconds=60.0)


@pytest.mark.parametrize(
    ("formula", "places"),
    [
        ("x + y", [(-1, -2)]), ("-x - y", [(2, 1)]), ("x + y^2", [(-1, 0)]), ("-x + (y + 1)^2", [(2, -1)]), ("x^2 + y", [(0, -2)]),
        ("-x^2 - y^2", [(2, -2), (-1, -2), (2, 1), (-1, 1)]), ("x*y", [(2, -2), (-1, 1)]), ("x^2 + y^2", []),
        ("x - (y + 0.2)^2", [(-1, -2), (-1, 1)]), ("exp(x) + cos(3*y)", [(-1, -np.pi / 3), (-1, 1)]),
        ("x*(30*(y - 0.1)^2 - 0.01)", [(2, 0.1), (-1, -2), (-1, 1)]), ("-x^2 + y^2", [(2, 0), (-1, 0)]),
    ],
)  # fmt: skip
def test_minima_on_sides_and_corners(formula, places):
    certificate = found(formula)
    assert certificate.boundary_complete
    assert len(certificate.boundary) == len(places)
    for place in places:
        assert any(np.abs(np.subtract(p.point, place)).max() < 1e-9 for p in certificate.boundary)
    assert all(p.kind == "minimum" for p in certificate.boundary)
    values = [p.value for p in certificate.boundary]
    assert values == sorted(values)


@pytest.mark.parametrize("formula", ["(x + 1)^2 + y", "(x + 1)^2 + y^2", "x^4*0 + y", "(x - 1)^4 + y", "x*(y + 2) + (y + 2)", "(x - 2)^3 + y"])
def test_where_a_slope_on_the_edge_may_be_zero_the_boundary_is_not_complete(formula):
    assert not found(formula).boundary_complete


def test_one_variable_has_two_ends():
    for formula, ends in (("x", [(0.5,)]), ("-x", [(2.0,)]), ("-(x - 1)^2", [(2.0,), (0.5,)]), ("(x - 1)^2", [])):
        certificate = found(formula, {"x": (0.5, 2.0)})
        assert [p.point for p in certificate.boundary] == ends and certificate.boundary_complete


def test_three_variables_have_faces_edges_and_corners():
    certificate = found("x + y + z", {"x": (0.0, 1.0), "y": (0.0, 1.0), "z": (0.0, 1.0)})
    assert [p.point for p in certificate.boundary] == [(0.0, 0.0, 0.0)]
    certificate = found("x + (y - 0.3)^2 - (z - 0.4)^2", {"x": (0.0, 1.0), "y": (0.0, 1.0), "z": (0.0, 1.0)})
    assert certificate.boundary_complete
    np.testing.assert_allclose(sorted(p.point for p in certificate.boundary), [(0, 0.3, 0), (0, 0.3, 1)], atol=1e-12)


def test_more_variables_are_not_tried():
    certificate = certify(GALLERY["sphere_5"])
    assert certificate.complete and not certificate.boundary_complete and not certificate.boundary


def descended(function, count=21):
    """Where projected descent from a grid on the boundary ends, if at a strict minimum of f on the box that is on the boundary."""
    lows, highs = function.lows, function.highs
    axes = [np.linspace(low, high, count) for low, high in zip(lows, highs, strict=True)]
    points = np.array([p for p in itertools.product(*axes) if any(c in (low, high) for c, low, high in zip(p, lows, highs, strict=True))])
    step = 0.02
    values = function.value(points)
    for _ in range(400):
        gradient = function.gradient(points)
        size = np.abs(gradient).max(axis=1, keepdims=True) + 1e-300
        trial = np.clip(points - step * (highs - lows) * gradient / size, lows, highs)
        better = function.value(trial) < values
        points[better] = trial[better]
        values = function.value(points)
        step = step if better.any() else step * 0.6
    gradient = function.gradient(points)
    low, high = points == lows, points == highs
    strict = (low & (gradient > 1e-3)) | (high & (gradient < -1e-3))
    on = strict.any(axis=1) & (np.where(strict, 0.0, np.abs(gradient)) < 1e-4).all(axis=1)
    return points[on]


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_projected_descent_ends_at_certified_minima(family, d):
    seen = 0
    for seed in range(4):
        rough = problem(family, d, 700 * d + seed)
        tilt = " - 9*x + 7*y" if d == 2 else " - 9*x"  # so that f has minima on the boundary
        function = Problem.from_text(rough.formula + tilt, box=rough.box)
        certificate = certify(function, seconds=60.0)
        if not certificate.boundary_complete:
            continue
        for place in descended(function):
            seen += 1
            assert any(np.abs(np.subtract(p.point, place)).max() < 2e-2 for p in certificate.boundary), (function.formula, place)
    assert seen
