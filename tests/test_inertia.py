"""The number of negative eigenvalues is never wrong for any matrix within the bounds, and is found where it is clear."""

from fractions import Fraction

import numpy as np
import pytest

from gdcore.inertia import UNDECIDED, negative_eigenvalues


def as_bounds(middle, radius):
    return np.moveaxis(np.stack([middle - radius, middle + radius]), (0, 1), (2, 3))


def symmetric(rng, d, n):
    a = rng.normal(size=(n, d, d)) * 10 ** rng.uniform(-5, 5, (n, 1, 1))
    return (a + np.swapaxes(a, 1, 2)) / 2


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("share", [0.0, 1e-9, 0.01, 0.1, 0.5])
def test_counts_hold_for_every_matrix_within(d, share):
    rng, n = np.random.default_rng(d), 400
    middle = symmetric(rng, d, n)
    radius = share * np.abs(middle).max(axis=(1, 2), keepdims=True) * rng.random((n, d, d))
    radius = np.maximum(radius, np.swapaxes(radius, 1, 2))
    counts = negative_eigenvalues(as_bounds(middle, radius))
    decided = counts != UNDECIDED
    for _ in range(60):
        signs = rng.choice([-1, 1, 0.3], (n, d, d))
        sign = np.triu(signs) + np.swapaxes(np.triu(signs, 1), 1, 2)
        other = np.linalg.eigvalsh(middle + sign * radius)
        clear = decided & (np.abs(other).min(axis=1) > 1e-12 * np.abs(other).max(axis=1))
        assert ((other < 0).sum(axis=1) == counts)[clear].all()
        assert (np.abs(other).min(axis=1) > 0)[decided].all()
    if share <= 1e-9:
        assert decided.mean() > 0.97


@pytest.mark.parametrize("d", [2, 3, 4])
def test_nothing_is_decided_where_an_eigenvalue_is_zero_or_may_be(d):
    rng, n = np.random.default_rng(d), 300
    vectors = np.linalg.qr(rng.normal(size=(n, d, d)))[0]
    eigenvalues = rng.choice([-1, 1], (n, d)) * rng.uniform(0.5, 2, (n, d))
    eigenvalues[:, 0] = 0.0
    singular = np.einsum("nij,nj,nkj->nik", vectors, eigenvalues, vectors)
    singular = (singular + np.swapaxes(singular, 1, 2)) / 2
    assert (negative_eigenvalues(as_bounds(singular, np.full_like(singular, 1e-14))) == UNDECIDED).all()
    eigenvalues[:, 0] = 1e-3
    near = np.einsum("nij,nj,nkj->nik", vectors, eigenvalues, vectors)
    near = (near + np.swapaxes(near, 1, 2)) / 2
    assert (negative_eigenvalues(as_bounds(near, np.full_like(near, 1e-2))) == UNDECIDED).all()
    assert (negative_eigenvalues(as_bounds(near, np.full_like(near, 1e-7))) == (eigenvalues < 0).sum(axis=1)).all()


def test_exactly_singular_matrices_of_small_numbers_are_undecided():
    rows = [[[1, 2], [2, 4]], [[0.1, 0.3], [0.3, 0.9]], [[0, 0], [0, 0]], [[1, 0], [0, 0]], [[1e-300, 0], [0, 1]], [[3, 1e-160], [1e-160, 0]]]
    matrices = np.array(rows, dtype=float)
    determinants = [Fraction(float(a)) * Fraction(float(d)) - Fraction(float(b)) ** 2 for (a, b), (_, d) in matrices]
    for matrix, determinant in zip(matrices, determinants, strict=True):
        count = negative_eigenvalues(as_bounds(matrix[None], np.zeros((1, 2, 2))))[0]
        assert count == UNDECIDED or determinant != 0 and count == (0 if determinant > 0 else 1)


def test_nearly_singular_matrices_are_decided_only_as_exact_arithmetic_does():
    rng = np.random.default_rng(3)
    for d in (2, 3):
        thin = rng.normal(size=(3000, d, 1))
        matrices = thin @ np.swapaxes(thin, 1, 2) + (d > 2) * np.diag([0.0] * (d - 1) + [1.0])
        counts = negative_eigenvalues(as_bounds(matrices, np.zeros_like(matrices)))
        for matrix in matrices[counts != UNDECIDED]:
            (a, b), (_, c) = [[Fraction(float(matrix[i, j])) for j in (0, 1)] for i in (0, 1)]
            assert d > 2 or a * c - b * b > 0
        assert (counts == UNDECIDED).mean() > 0.9 and not (counts > 0).any()


def test_unknown_and_huge_matrices_are_undecided_without_a_warning():
    bounds = as_bounds(np.eye(2)[None], np.zeros((1, 2, 2)))
    for low, high in ((np.nan, 1.0), (-np.inf, np.inf), (1.0, np.inf), (np.nan, np.nan)):
        other = bounds.copy()
        other[0, 0, :, 0] = low, high
        assert negative_eigenvalues(other)[0] == UNDECIDED
    for size in (1e160, 1e300, 1.7e308):
        assert negative_eigenvalues(bounds * size)[0] in (0, UNDECIDED)
    assert negative_eigenvalues(np.empty((2, 2, 2, 0))).shape == (0,)


def test_a_mixture_is_told_apart_in_one_call():
    matrices = np.array([[[2.0, 0], [0, 3]], [[-2, 0], [0, 3]], [[-2, 0], [0, -3]], [[0, 1], [1, 0]], [[1, 1], [1, 1]]])
    assert negative_eigenvalues(as_bounds(matrices, np.zeros_like(matrices))).tolist() == [0, 1, 2, 1, UNDECIDED]
