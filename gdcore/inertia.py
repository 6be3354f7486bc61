"""Bounds of symmetric matrices → how many of their eigenvalues are negative, where that is proved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gdcore.intervals import SMALLEST, UNIT, Bounds
from gdcore.krawczyk import midpoints

UNDECIDED = -1


def negative_eigenvalues(matrices: Bounds) -> NDArray[np.int64]:
    """The number (n,) of negative eigenvalues of every matrix within bounds (d, d, 2, n), or -1: not proved, or one may be 0.

    A congruence VᵀHV keeps the signs (Sylvester's law of inertia); with V the eigenvectors of the middle matrix it is nearly
    diagonal, and no disc of Gershgorin's reaches 0. That V has full rank follows: VᵀHV has.
    """
    d, n = len(matrices), matrices.shape[-1]
    middle, radius = (np.moveaxis(part, -1, 0) for part in midpoints(matrices))
    counts = np.full(n, UNDECIDED)
    usable = np.isfinite(middle).all(axis=(1, 2)) & np.isfinite(radius).all(axis=(1, 2))
    _, vectors = np.linalg.eigh(middle[usable])
    size = np.abs(vectors)
    turned = np.swapaxes(vectors, 1, 2) @ middle[usable] @ vectors
    bulk = np.swapaxes(size, 1, 2) @ np.abs(middle[usable]) @ size
    blur = np.swapaxes(size, 1, 2) @ radius[usable] @ size * (1 + 8 * d * UNIT) + 8 * (d + 2) * d * UNIT * bulk + SMALLEST
    diagonal = np.einsum("nii->ni", turned)
    discs = (np.abs(turned) + blur).sum(axis=2) - np.abs(diagonal)
    decided = (np.abs(diagonal) > discs * (1 + 8 * d * UNIT)).all(axis=1)
    counts[usable] = np.where(decided, (diagonal < 0).sum(axis=1), UNDECIDED)
    return counts
