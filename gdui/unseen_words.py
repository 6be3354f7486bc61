"""Have we seen all minima? → sentences."""

from __future__ import annotations

import math

from gdcore.experiment import Findings
from gdcore.unseen import Unseen, starts_to_halve, unseen
from gdui.wording import figure, percent

TINY = 1e-6  # a chance below it is told as a bound


def sentences(findings: Findings) -> list[str]:
    """What the starts say about minima that none of them reached; nothing where the list is proved complete."""
    found = unseen(findings)
    if found.complete:
        return []
    said = [found.reason] if found.reason else []
    if not math.isnan(found.missed_one):
        said += [_chance(found), _share(found)]
    largest = max((minimum.count for minimum in findings.minima), default=0)
    if largest and findings.experiment.starts.design not in ("grid", "given"):
        more = starts_to_halve(largest, findings.count)
        said.append(f"{more:,} more starts would halve the 95 % interval of the largest share, {percent(largest / findings.count)} (Wilson's interval, if the share stays).")
    return said


def _chance(found: Unseen) -> str:
    least = percent(found.least)
    one, any_ = chance(found.missed_one), chance(found.missed_any)
    return (
        f"Have we seen them all? That {found.starts:,} starts missed one particular minimum with a share of {least} has the chance {one} (binomial); "
        f"that they missed any with {least} or more, at most {any_} (inclusion and exclusion, for the worst function)."
    )


def _share(found: Unseen) -> str:
    estimate = f" The unseen minima together have a share of {percent(found.mass)}, by Good and Turing's estimate (± {percent(found.mass_error)})." if found.mass else ""
    return f"With 95 % confidence no minimum with a share above {percent(found.largest_any)} is unseen.{estimate}"


def chance(probability: float) -> str:
    """A probability in percent; a bound where it is tiny, and what is nearly certain as that."""
    if probability < TINY:
        return "below 0.0001\u00a0%"
    return f"{figure(100 * probability, 2)}\u00a0%"
