"""Krawczyk's operator: the zero of a system is in what it leaves, one that it proves exists, and nan says nothing."""

from fractions import Fraction

import numpy as np
import pytest

from gdcore.krawczyk import inverses, krawczyk, mean_values, midpoints


def solved(matrix, vector):
    """The exact solution of a linear system of doubles."""
    d = len(vector)
    rows = [[Fraction(float(c)) for c in (*matrix[i], vector[i])] for i in range(d)]
    for k in range(d):
        pivot = max(range(k, d), key=lambda i: abs(rows[i][k]))
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [c / rows[k][k] for c in rows[k]]
        for i in range(d):
            if i != k:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k], strict=True)]
    return [row[-1] for row in rows]


def outward(numbers):
    """Doubles below and above exact numbers."""
    doubles = np.array([float(number) for number in numbers])
    return np.nextafter(doubles, -np.inf), np.nextafter(doubles, np.inf)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("spread", [0.0, 1e-12, 1e-3, 0.3])
def test_the_zero_of_a_linear_system_is_inside(d, spread):
    """g(x) = A x - b, whose derivative is only known to be within A ± spread."""
    rng, n, proved = np.random.default_rng(d), 60, 0
    for _ in range(n):
        a, zero = rng.normal(size=(d, d)) * 10 ** rng.uniform(-6, 6), rng.normal(size=d) * 10 ** rng.uniform(-3, 3)
        b = a @ zero
        exact = solved(a, b)
        radius = np.abs(zero) * rng.uniform(1e-10, 1, d) + 1e-12
        centre = np.array([float(e) for e in exact]) + radius * rng.uniform(-0.9, 0.9, d)
        at = [sum(Fraction(float(a[i, j])) * Fraction(float(centre[j])) for j in range(d)) - Fraction(float(b[i])) for i in range(d)]
        g = np.stack(outward(at), axis=1)[:, :, None]
        off = np.abs(a) * spread
        jacobian = np.stack([a - off, a + off], axis=2)[..., None]
        middle, half = krawczyk(centre[:, None], radius[:, None], g, jacobian)
        inside = True
        for i in range(d):
            if np.isfinite(middle[i, 0]) and np.isfinite(half[i, 0]):
                assert abs(Fraction(float(middle[i, 0])) - exact[i]) <= Fraction(float(half[i, 0]))
            inside &= bool(centre[i] - radius[i] < middle[i, 0] - half[i, 0] and middle[i, 0] + half[i, 0] < centre[i] + radius[i])
        proved += inside
        bounds = mean_values(radius[:, None], g, jacobian)[:, :, 0]
        assert ((bounds[:, 0] <= 0) & (bounds[:, 1] >= 0)).all(), "a box with the zero in it is not excluded"
    if spread < 1e-3:
        assert proved > 0.7 * n


@pytest.mark.parametrize("d", [1, 2, 3])
def test_zeros_of_every_system_within_the_bounds_are_inside(d):
    """g(x) = v + A (x - c) for any v and A within their bounds: zeros near the centre are in what is left of the box."""
    rng, n = np.random.default_rng(d), 300
    a, centre = rng.normal(size=(d, d, n)) + 2 * np.eye(d)[:, :, None], rng.normal(size=(d, n))
    v, radius = rng.normal(size=(d, n)) * 0.1, rng.uniform(0.2, 1, (d, n))
    off, far = rng.uniform(0, 0.3, (d, d, n)), rng.uniform(0, 0.2, (d, n))
    middle, half = krawczyk(centre, radius, np.stack([v - far, v + far], axis=1), np.stack([a - off, a + off], axis=2))
    seen = 0
    for _ in range(100):
        some, there = a + off * rng.choice([-1, 1, 0], a.shape), v + far * rng.choice([-1, 1, 0], v.shape)
        zero = centre - np.linalg.solve(np.moveaxis(some, -1, 0), there.T[..., None])[..., 0].T
        inside = (np.abs(zero - centre) <= radius).all(axis=0)
        assert (np.abs(zero - middle) <= half + 1e-12)[:, inside].all()
        seen += inside.sum()
    assert seen > 100 * n * 0.3


@pytest.mark.parametrize("d", [1, 2, 3])
def test_nothing_is_proved_where_there_is_no_zero(d):
    """g = 1 + A (x - c) with the zero beyond the box."""
    rng = np.random.default_rng(d)
    a = rng.normal(size=(d, d, 200))
    zero = rng.choice([-1, 1], (d, 200)) * rng.uniform(1.01, 3, (d, 200))
    g = -np.einsum("ijn,jn->in", a, zero)
    thin = np.repeat(a[:, :, None], 2, axis=2)
    middle, half = krawczyk(np.zeros((d, 200)), np.ones((d, 200)), np.repeat(g[:, None], 2, axis=1), thin)
    inside = ((middle - half > -1) & (middle + half < 1)).all(axis=0)
    assert not inside.any()


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("what", ["nan", "infinite", "singular", "straddling"])
def test_a_useless_derivative_proves_and_excludes_nothing(d, what):
    jacobian = np.repeat(np.eye(d)[:, :, None, None], 2, axis=2)
    jacobian[0, 0, :, 0] = {"nan": (np.nan, 1.0), "infinite": (-np.inf, np.inf), "singular": (0.0, 0.0), "straddling": (-1.0, 1.0)}[what]
    g = np.full((d, 2, 1), 1e-9)
    middle, half = krawczyk(np.zeros((d, 1)), np.ones((d, 1)), g, jacobian)
    assert not ((middle - half > -1) & (middle + half < 1)).all()
    assert not ((middle - half > 1) | (middle + half < -1)).any()
    low, high = mean_values(np.ones((d, 1)), g, jacobian)[0, :, 0]
    assert what == "singular" or not (low > 0 or high < 0)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_inverses_and_singular_matrices(d):
    matrices = np.random.default_rng(d).normal(size=(d, d, 50))
    with np.errstate(all="ignore"):
        matrices[:, :, 7], matrices[0, 0, 9], matrices[0, 0, 11] = 0.0, np.nan, np.inf
        found = inverses(matrices)
    usable = np.setdiff1d(np.arange(50), [7, 9, 11])
    product = np.einsum("ijn,jkn->ikn", found[:, :, usable], matrices[:, :, usable])
    np.testing.assert_allclose(product, np.repeat(np.eye(d)[:, :, None], len(usable), axis=2), atol=1e-9)
    assert not np.isfinite(found[:, :, [7, 9]]).all(axis=(0, 1)).any()


def test_midpoints_cover_both_ends():
    rng = np.random.default_rng(0)
    low = rng.normal(size=(3, 400)) * 10 ** rng.uniform(-300, 300, 400)
    bounds = np.stack([low, low + np.abs(low) * 10 ** rng.uniform(-16, 3, 400)], axis=1)
    middle, radius = midpoints(bounds)
    for m, r, (a, b) in zip(middle.ravel(), radius.ravel(), np.moveaxis(bounds, 1, 2).reshape(-1, 2), strict=True):
        if np.isfinite(m) and np.isfinite(r):
            assert Fraction(float(m)) - Fraction(float(r)) <= Fraction(float(a)) and Fraction(float(b)) <= Fraction(float(m)) + Fraction(float(r))
    assert np.isnan(midpoints(np.array([[-np.inf], [np.inf]]))[0]).all()


def test_mean_values_hold_a_function_over_its_box():
    """g = (x² + y, sin x - y³) on boxes, from its derivatives' bounds."""
    rng = np.random.default_rng(1)
    centre, radius = rng.uniform(-2, 2, (2, 100)), rng.uniform(0, 0.3, (2, 100))
    x, y = centre

    def g(x, y):
        return np.stack([x * x + y, np.sin(x) - y**3])

    def spread(low, high):
        return np.stack([np.minimum(low, high) - 1e-12, np.maximum(low, high) + 1e-12])

    jacobian = np.empty((2, 2, 2, 100))
    jacobian[0, 0], jacobian[0, 1] = spread(2 * (x - radius[0]), 2 * (x + radius[0])), 1.0
    mid = np.cos(x)
    jacobian[1, 0] = np.stack([mid - radius[0] - 1e-12, mid + radius[0] + 1e-12])
    cubic = np.stack([-3 * (y - radius[1]) ** 2, -3 * (y + radius[1]) ** 2])
    jacobian[1, 1] = np.stack([cubic.min(axis=0), np.where(np.abs(y) < radius[1], 0.0, cubic.max(axis=0))])
    value = g(x, y)
    bounds = mean_values(radius, np.stack([value - 1e-14, value + 1e-14], axis=1), jacobian)
    for share in rng.uniform(-1, 1, (50, 2)):
        inside = g(*(centre + share[:, None] * radius))
        assert (bounds[:, 0] <= inside).all() and (inside <= bounds[:, 1]).all()
