"""Unseen minima: have we seen them all? What the starts say about those that none of them reached."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from gdcore.findings import Findings
from gdcore.shares import half_width, wilson

LEVEL = 0.95
HOPELESS = 8.0  # expected number of missed minima above which one is missed for certain, to 3 in 10,000
TERMS = 64  # of inclusion and exclusion: the next is below 8^65/65!
PROVED = "Proved: the box holds no other minimum."
REASONS = {
    "uniform": "",
    "latin hypercube": "A Latin hypercube spreads its starts, so they are not independent: these are the figures of independent ones, as a rule too cautious.",
    "sobol": "Sobol' points are spread evenly, not independent: these are the figures of independent starts, as a rule too cautious.",
    "grid": "A grid is not drawn at random, so no chance can be given: choose uniform starts.",
    "given": "Given starts are not drawn at random, so no chance can be given: choose uniform starts.",
}


@dataclass(frozen=True)
class Unseen:
    """What the starts say about minima that none of them reached; a share is of the region that the starts are drawn from.

    complete: proved that the box holds no minimum but the known ones; all chances and shares below are then 0. minima: known
    ones, those of the box where complete. reached: by at least one start. least: the smallest share asked about.
    missed_one: the chance that one particular minimum with that share is reached by no start, at most. missed_any: the chance
    that any such is, see missed(). largest_one: the largest share at which one particular minimum is missed with a chance of
    5 %; about rule_of_three = 3/n. largest_any: above this share no minimum at all is missed, at 95 %.
    mass: an estimate of the share of all unreached minima together; mass_error: above its root mean square error.
    exact: the starts are independent and uniform, or nothing was left to chance; else reason says what that means for the
    numbers, which are nan where there is no randomness.
    """

    complete: bool
    minima: int
    reached: int
    starts: int
    least: float
    missed_one: float
    missed_any: float
    largest_one: float
    largest_any: float
    rule_of_three: float
    mass: float
    mass_error: float
    exact: bool
    reason: str = ""


def unseen(findings: Findings, *, least: float = 0.01) -> Unseen:
    """Whether a minimum may exist that no start reached: proved, or the chances and shares that n starts leave to it.

    One particular minimum with share s is missed with the chance (1 - s)^n; this is at most 5 % from s = 1 - 0.05^(1/n) on
    (C. J. Clopper, E. S. Pearson 1934, one-sided for 0 of n; about 3/n: J. A. Hanley, A. Lippman-Hand 1983, If nothing goes
    wrong, is everything all right?). The mass is the share of starts in minima reached exactly once (I. J. Good 1953, The
    population frequencies of species and the estimation of population parameters): right on average for what n - 1 starts
    leave unseen, off by less than 1/sqrt(n) in root mean square (H. E. Robbins 1968, Estimating the total probability of the
    unobserved outcomes of an experiment). An estimate of 0 proves nothing. ValueError unless 0 < least <= 1, and for
    findings with several runs for each start.
    """
    _check(findings, least)
    counts = np.array([minimum.count for minimum in findings.minima], dtype=np.int64)
    n, design = findings.count, findings.experiment.starts.design
    nothing = Unseen(
        complete=False, minima=len(counts), reached=int((counts > 0).sum()), starts=n, least=least,
        missed_one=math.nan, missed_any=math.nan, largest_one=math.nan, largest_any=math.nan, rule_of_three=math.nan,
        mass=math.nan, mass_error=math.nan, exact=design == "uniform", reason=REASONS[design],
    )  # fmt: skip
    if findings.certificate is not None and findings.certificate.complete:
        return replace(
            nothing, complete=True, minima=len(findings.certificate.minima), missed_one=0.0, missed_any=0.0, largest_one=0.0,
            largest_any=0.0, rule_of_three=0.0, mass=0.0, mass_error=0.0, exact=True, reason=PROVED,
        )  # fmt: skip
    if design in ("grid", "given"):
        return nothing
    return replace(
        nothing, missed_one=(1 - least) ** n, missed_any=missed(n, least), largest_one=-math.expm1(math.log(1 - LEVEL) / n),
        largest_any=_largest_any(n), rule_of_three=3 / n, mass=int((counts == 1).sum()) / n, mass_error=1 / math.sqrt(n),
    )  # fmt: skip


def _check(findings: Findings, least: float) -> None:
    if not 0 < least <= 1:
        raise ValueError(f"a share of {least:g} is no share of the starts: give a number above 0 and at most 1, such as 0.01")
    asked = findings.experiment.starts
    if asked.design not in ("grid", "given") and findings.count != asked.count:
        raise ValueError(f"{findings.count} runs from {asked.count} starts are not independent: give the findings of a single run")


def missed(starts: int, share: float) -> float:
    """The chance that any minimum with at least this share is reached by none of n independent starts, at most.

    Whatever the function: the worst has m = floor(1/share) minima with just this share, since making one larger, or leaving one
    out, helps to see all. There the chance is that of an empty cell among m, sum of (-1)^(j+1) C(m, j) (1 - j share)^n over
    j = 1..m, by inclusion and exclusion (A. de Moivre 1711; W. Feller, An introduction to probability theory, volume 1,
    IV.2), a little below the union bound m (1 - share)^n. It must not be reduced by the minima that were seen: that one of m
    equal ones is missed is m times as probable as that a particular one is, and the others are then seen.
    """
    from scipy.special import gammaln

    most = math.floor((1 + 1e-12) / share)
    if most * (1 - share) ** starts > HOPELESS:
        return 1.0  # inclusion and exclusion would cancel
    j = np.arange(1, min(most, TERMS) + 1)
    with np.errstate(divide="ignore"):  # log 0 where j minima take everything
        logs = gammaln(most + 1) - gammaln(j + 1) - gammaln(most - j + 1) + starts * np.log(np.maximum(1 - j * share, 0))
    return float(min(1.0, max(0.0, -np.sum((-1.0) ** j * np.exp(logs)))))


def _largest_any(starts: int) -> float:
    """The smallest share from which on missed() is at most 5 %, by bisection, to 12 digits."""
    low, high = 0.0, 1.0
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if missed(starts, middle) <= 1 - LEVEL else (middle, high)
    return high


def starts_to_halve(count: int, total: int) -> int:
    """How many more starts make the Wilson interval of count/total half as wide, if the share stays: about 3 · total.

    The least such number: the width falls with every start. ValueError where count of total is no share.
    """
    wilson(count, total)  # for its check
    share = count / total
    wanted = half_width(share, total) / 2
    low, high = total, 8 * total + 8  # too few, enough
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if half_width(share, middle) <= wanted else (middle, high)
    return high - total
