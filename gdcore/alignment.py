"""Findings of several experiments on one problem → the same findings with one common list of minima."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gdcore.experiment import Findings, Minimum
from gdcore.merging import SAME_POINT, deepest_first, inside_box, merge
from gdcore.newton import polish
from gdcore.problem import Problem
from gdcore.proximity import Nearest
from gdcore.shares import wilson

Array = NDArray[np.float64]
SAME = 2 * SAME_POINT  # box widths between two polished points that are one minimum


def align(found: Sequence[Findings]) -> list[Findings]:
    """The findings with minima numbered alike: label k means the same minimum in all of them, deepest first.

    The list holds every minimum of any of them and the problem's known ones inside its box, once verified; those that a
    run did not reach have count 0 there. ValueError where the problems differ.
    """
    problems = [findings.experiment.problem for findings in found]
    problem = max(problems, key=lambda problem: len(problem.minima))  # equal problems may come with or without known minima
    if any(other != problem for other in problems):
        raise ValueError("findings can be compared on one problem only: make the problems equal")
    return aligned(found, problem)


def aligned(found: Sequence[Findings], problem: Problem) -> list[Findings]:
    """The same, of findings on one function whose boxes may differ; problem: that function, on a box that holds them all."""
    common: list[Minimum] = []
    places = [_places(own, common, problem) for own in (*(findings.minima for findings in found), known_minima(problem))]
    rank = np.empty(len(common), np.int64)
    order = deepest_first(common)
    rank[order] = np.arange(len(common))
    return [_renumbered(findings, common, order, rank[own]) for findings, own in zip(found, places, strict=False)]


def _places(minima: Sequence[Minimum], common: list[Minimum], problem: Problem) -> NDArray[np.int64]:
    """Where these minima, distinct among themselves, stand in `common`, which those that are new join."""
    if not minima:
        return np.empty(0, np.int64)
    width, count = problem.highs - problem.lows, len(common)
    new, places = np.ones(len(minima), bool), np.empty(len(minima), np.int64)
    if common:
        here, there = (np.array([minimum.point for minimum in some]) / width for some in (minima, common))
        places[:], distance = Nearest(there)(here)
        nearest = np.lexsort((distance, places))
        taken = nearest[np.unique(places[nearest], return_index=True)[1]]  # two minima of one run are never the same one
        new[taken] = distance[taken] > SAME
    places[new] = count + np.arange(new.sum())
    common.extend(minimum for minimum, is_new in zip(minima, new.tolist(), strict=True) if is_new)
    return places


def _renumbered(findings: Findings, common: list[Minimum], order: list[int], new: NDArray[np.int64]) -> Findings:
    own = {int(label): minimum for label, minimum in zip(new, findings.minima, strict=True)}
    problem, count = findings.experiment.problem, findings.count
    minima = tuple(own.get(label) or _unreached(common[k], problem, count) for label, k in enumerate(order))
    labels = np.append(new, -1)[findings.labels]
    return replace(findings, minima=minima, labels=labels)


def _unreached(minimum: Minimum, problem: Problem, count: int) -> Minimum:
    inside = bool(inside_box(problem, np.array(minimum.point)))
    return replace(minimum, inside_box=inside, count=0, share=0.0, interval=wilson(0, count), median_epochs=float("nan"))


def known_minima(problem: Problem) -> tuple[Minimum, ...]:
    """The problem's known minima inside its box that Newton's method confirms, with count 0."""
    if not problem.minima:
        return ()
    found = merge(problem, polish(problem, np.array(problem.minima, dtype=float))).stationary
    return tuple(
        Minimum(s.point, s.value, s.eigenvalues, s.inside_box, 0, 0.0, (0.0, 1.0), float("nan"))
        for s in found
        if s.kind == "minimum" and s.inside_box
    )
