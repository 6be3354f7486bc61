"""Findings of several experiments → the same findings with minima numbered alike, as far as that has a meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from gdcore.alignment import aligned
from gdcore.experiment import Findings, Minimum
from gdcore.identities import ELSEWHERE, Known, Numbering, numbering
from gdcore.merging import inside_box
from gdcore.problem import Problem
from gdcore.setting import Setting
from gdcore.shares import wilson

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
MOST_PARAMETERS = 2  # so many may differ for minima to be followed


class How(Enum):
    """Why a number means the same minimum in all findings, or does not; the value is the sentence shown to people."""

    SAME = "The function is the same: minima are matched by place."
    FOLLOWED = "The functions differ in parameters: minima are followed from the values of the first to those of the others."
    TOO_MANY = "More than two parameters differ: minima are not followed, and each run keeps its own numbers."
    DIFFERENT = "These are different functions: no minimum of one is a minimum of another, and each run keeps its own numbers."


@dataclass(frozen=True)
class Matched:
    """Findings (k) in the order given, renumbered; how that came about, and the parameters along which minima were followed.

    Unless `common`, the findings are as they were. With SAME, minima are listed deepest first. With FOLLOWED, those of the first
    keep their order and come first; then those that others have besides; at the end, each under a number of its own, those that
    no way leads to. All lists have one length: a minimum that does not exist at a run's parameters stands there with point and
    value nan and count 0 (Minimum.exists).
    """

    findings: tuple[Findings, ...]
    how: How
    parameters: tuple[str, ...] = ()

    @property
    def common(self) -> bool:
        """Whether a number means the same minimum in all of them."""
        return self.how in (How.SAME, How.FOLLOWED)


def matched(found: Sequence[Findings]) -> Matched:
    """The findings with minima numbered alike; counts, shares and digests stay as they are. ValueError for no findings."""
    if not found:
        raise ValueError("there is nothing to match: give at least one run's findings")
    findings = [_existing(one) for one in found]
    problems = [one.experiment.problem for one in findings]
    if any(_function(problem) != _function(problems[0]) for problem in problems):
        return Matched(tuple(findings), How.DIFFERENT)
    differing = tuple(name for name in problems[0].parameters if len({problem.parameters[name] for problem in problems}) > 1)
    if len(differing) > MOST_PARAMETERS:
        return Matched(tuple(findings), How.TOO_MANY)
    everywhere = _covering(problems)
    if not differing:
        return Matched(tuple(aligned(findings, everywhere)), How.SAME)
    return Matched(_followed(findings, everywhere, differing), How.FOLLOWED, differing)


def _existing(findings: Findings) -> Findings:
    """Without the minima that do not exist at its parameters, which an earlier matching has left."""
    kept = [k for k, minimum in enumerate(findings.minima) if minimum.exists]
    if len(kept) == len(findings.minima):
        return findings
    label_of = np.full(len(findings.minima) + 1, -1)
    label_of[kept] = np.arange(len(kept))
    return replace(findings, minima=tuple(findings.minima[k] for k in kept), labels=label_of[findings.labels])


def _function(problem: Problem) -> tuple[object, ...]:
    """What makes two problems one function, but for parameters' values: box, name and spelling play no part."""
    return problem.tree, problem.variables, frozenset(problem.parameters)


def _covering(problems: Sequence[Problem]) -> Problem:
    """The first problem on a box that holds all of theirs, with ranges that hold their parameters, and what is known of minima."""
    boxes, values = np.array([problem.limits for problem in problems]), [problem.parameters for problem in problems]
    limits = tuple(zip(boxes[..., 0].min(axis=0).tolist(), boxes[..., 1].max(axis=0).tolist(), strict=True))
    ranges = tuple((name, _widened(setting, [at[name] for at in values])) for name, setting in problems[0].parameter_ranges)
    known = max((problem.minima for problem in problems), key=len)
    return replace(problems[0], limits=limits, start_limits=None, parameter_ranges=ranges, minima=known)


def _widened(setting: Setting, values: Sequence[float]) -> Setting:
    low, high = min(setting.low, *values), max(setting.high, *values)
    return replace(setting, low=low, high=high, log=setting.log and low > 0)


# -- along parameters --------------------------------------------------------------------------------------------------


def _followed(found: Sequence[Findings], everywhere: Problem, parameters: tuple[str, ...]) -> tuple[Findings, ...]:
    problems = [everywhere.with_parameters(**one.experiment.problem.parameters) for one in found]
    known = [Known(problem, one.minima) for problem, one in zip(problems, found, strict=True)]
    named = numbering(known[0], [*known, *_corners(problems, parameters)], parameters)
    numbers, many = _with_own(named, len(found))
    return tuple(
        _renumbered(one, _points(named, i, many), own, problems[i]) for i, (one, own) in enumerate(zip(found, numbers, strict=True))
    )


def _corners(problems: Sequence[Problem], parameters: tuple[str, ...]) -> list[Known]:
    """Where the way to each of the others turns: at the first parameter of home and the second of its own."""
    if len(parameters) == 1:
        return []
    held = problems[0].parameters[parameters[0]]
    return [Known(problem.with_parameters(**{parameters[0]: held}), ()) for problem in problems[1:]]


def _with_own(named: Numbering, runs: int) -> tuple[list[Indices], int]:
    """The numbers of each run's minima, and how many there are; what is ELSEWHERE gets numbers of its own after the common ones.

    So does the second of two minima of one run that were taken for the same.
    """
    many, found = len(named.points), []
    for given in named.numbers[:runs]:
        numbers, first = given.copy(), np.zeros(len(given), bool)
        first[np.unique(given, return_index=True)[1]] = True
        alone = np.flatnonzero(~first | (given == ELSEWHERE))
        numbers[alone] = many + np.arange(len(alone))
        many += len(alone)
        found.append(numbers)
    return found, many


def _points(named: Numbering, place: int, many: int) -> Array:
    """Where the minima (many, d) are in one of the places; nan where they do not exist, or nobody knows."""
    points = np.full((many, named.points.shape[2]), np.nan)
    points[: len(named.points)] = named.points[:, place]
    return points


def _renumbered(findings: Findings, points: Array, numbers: Indices, problem: Problem) -> Findings:
    """The findings with minima at points (m, d), some nan; numbers: those of its own."""
    minima = _unreached(points, problem, findings)
    for number, minimum in zip(numbers.tolist(), findings.minima, strict=True):
        minima[number] = minimum
    return replace(findings, minima=tuple(minima), labels=np.append(numbers, -1)[findings.labels])


def _unreached(points: Array, problem: Problem, findings: Findings) -> list[Minimum]:
    """Minima at points (m, d) of a problem that no start settled in; those at nan do not exist."""
    eigenvalues = np.full_like(points, np.nan)
    here = np.flatnonzero(~np.isnan(points[:, 0]))
    eigenvalues[here] = np.linalg.eigvalsh(problem.hessian(points[here]))
    inside, limits = inside_box(findings.experiment.problem, points), wilson(0, findings.count)
    columns = points.tolist(), problem.value(points).tolist(), eigenvalues.tolist(), inside.tolist()
    return [Minimum(tuple(p), f, tuple(e), within, 0, 0.0, limits, float("nan")) for p, f, e, within in zip(*columns, strict=True)]
