"""A box → the minima in it that a quick search finds, and the way downhill that it takes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gdcore.merging import Stationary, deepest_first, merge
from gdcore.newton import Polished, polish
from gdcore.problem import Problem

Array = NDArray[np.float64]
LONGEST = 0.05  # box widths: no step downhill is longer
ARRIVED = 1e-9  # of that: a step that is smaller is the last


def descend_to_minima(problem: Problem, points: Array) -> Polished:
    """Verified minima found from points (m, d) that did not settle, by Newton steps that always go downhill.

    |eigenvalues| replace eigenvalues (Y. Dauphin et al. 2014, saddle-free Newton); steps have a greatest length.
    """
    width = problem.highs - problem.lows
    here, usable, going = points.copy(), np.ones(len(points), bool), np.arange(len(points))
    with np.errstate(all="ignore"):
        for _ in range(60):
            _, gradient, hessian = problem.differentiate(here[going])
            finite = np.isfinite(gradient).all(axis=1) & np.isfinite(hessian).all(axis=(1, 2))
            usable[going[~finite]] = False
            going, gradient, hessian = going[finite], gradient[finite], hessian[finite]
            if not going.size:
                break
            eigenvalues, vectors = np.linalg.eigh(hessian)
            size = np.maximum(np.abs(eigenvalues), 1e-12 * np.abs(eigenvalues).max(axis=1, keepdims=True) + 1e-300)
            move = -(vectors @ (np.swapaxes(vectors, 1, 2) @ gradient[..., None] / size[..., None]))[..., 0]
            length = (np.abs(move) / (LONGEST * width)).max(axis=1)
            here[going] += move / np.maximum(length, 1.0)[:, None]
            going = going[~(length <= ARRIVED)]
    return polish(problem, here[usable])


@lru_cache(maxsize=128)
def survey(problem: Problem) -> tuple[Stationary, ...]:
    """The verified minima in the open box that a quick search finds, deepest first: good to know, not proved complete.

    Newton steps downhill from 256 points (a grid in one and two variables, random ones beyond) and the known minima.
    """
    d, lows, highs = problem.dimension, problem.lows, problem.highs
    if d <= 2:
        side = (np.arange(256 if d == 1 else 16) + 0.5) / (256 if d == 1 else 16)
        unit = np.stack(np.meshgrid(*[side] * d, indexing="ij"), axis=-1).reshape(-1, d)
    else:
        unit = np.random.default_rng(0).random((256, d))
    points = np.concatenate([lows + unit * (highs - lows), np.array(problem.minima, dtype=float).reshape(-1, d)])
    found = merge(problem, descend_to_minima(problem, points)).stationary
    minima = [point for point in found if point.kind == "minimum" and point.inside_box]
    return tuple(minima[k] for k in deepest_first(minima))
