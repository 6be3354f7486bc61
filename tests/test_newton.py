"""Newton's method from many points: shortcuts that change nothing, and limits that are kept."""

import numpy as np
import pytest

from gdcore import GALLERY, Problem
from gdcore import newton as module
from gdcore.newton import MINIMUM, NONE, SINGULAR, VALLEY, newton, polish, solve

PEAKS = GALLERY["peaks"]


@pytest.mark.parametrize("cutoff", [SINGULAR, VALLEY])
@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e150])
def test_singular_matrices_in_two_variables_have_the_pseudo_inverse_of_numpy(cutoff, scale):
    rng = np.random.default_rng(5)
    angle, flat = rng.uniform(0, 2 * np.pi, 200), rng.choice([0, 0.9, -0.9, 0.01], 200) * cutoff
    v, w = np.stack([np.cos(angle), np.sin(angle)], axis=1), np.stack([-np.sin(angle), np.cos(angle)], axis=1)
    steep = rng.choice([-1, 1], 200) * 10 ** rng.uniform(-3, 3, 200)
    matrices = scale * steep[:, None, None] * (v[:, :, None] * v[:, None] + flat[:, None, None] * w[:, :, None] * w[:, None])
    vectors = scale * rng.normal(size=(200, 2))
    expected = (np.linalg.pinv(matrices, rcond=cutoff, hermitian=True) @ vectors[..., None])[..., 0]
    assert (np.abs(solve(matrices, vectors, cutoff) - expected).max(axis=1) <= 1e-12 * np.abs(expected).max(axis=1)).all()


@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_step_of_a_zero_matrix_is_zero(d):
    assert (solve(np.zeros((2, d, d)), np.ones((2, d))) == 0).all()


@pytest.mark.parametrize("d", [1, 2, 3, 10])
def test_pieces_change_nothing(d, monkeypatch):
    problem = Problem.from_text("+".join(f"(x{k}^2 - 1)^2" for k in range(d)), box={f"x{k}": (-2, 2) for k in range(d)})
    points = np.random.default_rng(d).choice([-1, 0, 1], (90, d)) + np.random.default_rng(d).normal(size=(90, d)) * 0.03
    whole = polish(problem, points)
    monkeypatch.setattr(module, "NUMBERS", 7 * d * d)
    for name in ("points", "values", "eigenvalues", "norms", "kinds"):
        np.testing.assert_array_equal(getattr(polish(problem, points), name), getattr(whole, name))


FLAT = {"peaks": PEAKS, "a needle": Problem.from_text("-exp(-50*(x^2 + y^2))"), "valley": Problem.from_text("(x*y - 2)^2")}


@pytest.mark.parametrize("name", FLAT)
def test_only_points_that_passed_a_valley_are_polished_again(name, monkeypatch):
    """The second polishing, which leaves out valley floors, takes the steps of the first wherever there is no floor."""
    problem = FLAT[name]
    points = np.random.default_rng(0).uniform(-3, 3, (800, 2))
    found, again, whole = polish(problem, points), [], module.newton

    def counting(problem, points, **limits):
        again.append(len(points))
        return whole(problem, points, **limits)

    monkeypatch.setattr(module, "newton", counting)
    polish(problem, points)
    lost = newton(problem, points).kinds == NONE
    assert sum(again) < 0.7 * lost.sum()
    second = newton(problem, points[lost], singular=VALLEY)
    on_a_floor = (second.kinds != NONE) & (second.norms <= 1e-8 * np.abs(second.eigenvalues).max(axis=1) * 6)
    np.testing.assert_array_equal(found.kinds[lost] != NONE, on_a_floor)


def test_a_point_is_found_within_reach_only():
    true = np.array(PEAKS.minima[0])
    start = np.tile(true + [6e-4, -6e-4], (3, 1))
    found = newton(PEAKS, start, reach=np.array([1e-5, 3e-4, 1.0]))
    assert found.kinds.tolist() == [NONE, MINIMUM, MINIMUM]
    beside = newton(PEAKS, true[None] + 6e-9, reach=np.array([1e-10]))
    assert beside.kinds.tolist() == [NONE], "a step too long to be taken does not count as converged, however short it is"


def test_no_stationary_point_lies_where_f_is_infinite() -> None:
    problem = Problem.from_text("1/(1 + floor(x)) + y^2", box={"x": (-4, 3), "y": (-2, 5)})
    assert (polish(problem, np.array([[-0.5, 0.1], [-0.3, 0.0]])).kinds == NONE).all()
