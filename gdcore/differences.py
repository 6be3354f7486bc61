"""Two findings → what moved from the first to the second, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore import statistics as st
from gdcore.compare import outcome_codes
from gdcore.experiment import Findings
from gdcore.matching import Matched, matched
from gdcore.shares import wilson
from gdcore.stopping import ENDINGS, Ending
from gdcore.success import success_of

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Shift:
    """The share of all starts that a group had before and has now, and now − before with its 95 % interval (low, high).

    label: of a minimum, in the common numbering, with ending None; -1 for an ending, and for a group of several minima.
    """

    label: int
    ending: Ending | None
    before: float
    now: float
    difference: float
    interval: tuple[float, float]

    @property
    def may_be_chance(self) -> bool:
        """Whether the interval holds 0."""
        return self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class Epochs:
    """Median epochs of the starts that settle at a minimum, before and now, and what changed, with its 95 % interval.

    Paired: all are of the starts that settle both times, and difference is the median of their differences, now − before, with
    the interval of the sign test. Unpaired: the difference of the medians, bootstrapped. nan where there are too few.
    """

    before: float
    now: float
    difference: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """What moved from one run to another.

    matched: both findings, numbered alike. paired: the starts are the same, and every interval makes use of it. rows: one for
    every minimum that some start settled in and for every other ending that occurs; none for minima whose numbers mean nothing
    in common. settled: in any minimum; success: in the deepest minimum of its own box, or in one equally deep. changed (n,):
    whether a start ends in another minimum or, where in none, in another way; None where that cannot be said, which leaves
    changed_share and its Wilson interval nan.
    """

    matched: Matched
    paired: bool
    rows: tuple[Shift, ...]
    settled: Shift
    success: Shift
    epochs: Epochs
    changed: Flags | None
    changed_share: float
    changed_interval: tuple[float, float]

    @property
    def before(self) -> Findings:
        return self.matched.findings[0]

    @property
    def now(self) -> Findings:
        return self.matched.findings[1]

    def grouped(self, most: int) -> tuple[Shift, ...]:
        """The rows where at most so many minima have one of their own; all further ones share the row of label `most`."""
        return _rows(self.matched, most, paired=self.paired)


def difference(before: Findings, now: Findings) -> Difference:
    """What moved from the first findings to the second, their minima matched.

    Where many runs are compared, match them together and use between(): numbers then mean the same throughout.
    """
    return between(matched((before, now)), 0, 1)


def between(every: Matched, first: int, second: int) -> Difference:
    """What moved from one of matched findings to another, by index."""
    before, now = every.findings[first], every.findings[second]
    pair = Matched((before, now), every.how, every.parameters)
    paired = bool(np.array_equal(before.starts, now.starts, equal_nan=True))
    changed = _changed(before, now) if paired and every.common else None
    count, total = (0, 0) if changed is None else (int(changed.sum()), changed.size)
    flags = [success_of(findings, None)[0] for findings in pair.findings]
    return Difference(
        matched=pair,
        paired=paired,
        rows=_rows(pair, max(len(findings.minima) for findings in pair.findings), paired=paired),
        settled=_flagged(before.labels >= 0, now.labels >= 0, paired=paired),
        success=_flagged(*flags, paired=paired),
        epochs=_epochs(before, now, paired=paired),
        changed=changed,
        changed_share=count / total if total else math.nan,
        changed_interval=wilson(count, total) if total else (math.nan, math.nan),
    )


def _changed(before: Findings, now: Findings) -> Flags:
    codes = [outcome_codes(findings, len(before.minima)) for findings in (before, now)]
    return np.asarray(codes[0] != codes[1])


def _rows(pair: Matched, most: int, *, paired: bool) -> tuple[Shift, ...]:
    """A Shift for every group that occurs; most: the label that all minima from there on share."""
    before, now = pair.findings
    codes, many = [outcome_codes(findings, most) for findings in pair.findings], most + 1 + len(ENDINGS)
    first, second = (np.bincount(own, minlength=many).tolist() for own in codes)
    both = np.bincount(codes[0][codes[0] == codes[1]], minlength=many).tolist() if paired else [None] * many
    present = [k for k in range(many) if (first[k] or second[k]) and (pair.common or k > most)]
    groups = [(k, None) if k <= most else (-1, ENDINGS[k - most - 1]) for k in present]
    totals = before.count, now.count
    return tuple(_shift(group, (first[k], second[k]), totals, both[k]) for k, group in zip(present, groups, strict=True))


def _flagged(before: Flags, now: Flags, *, paired: bool) -> Shift:
    """The Shift of a group given by who is in it."""
    both = int((before & now).sum()) if paired else None
    return _shift((-1, None), (int(before.sum()), int(now.sum())), (before.size, now.size), both)


def _shift(group: tuple[int, Ending | None], counts: tuple[int, int], totals: tuple[int, int], both: int | None) -> Shift:
    """both: how many starts were in the group both times; None where the starts are not the same."""
    (before, now), (of_before, of_now) = counts, totals
    if both is None:
        moved, low, high = st.unpaired_difference(now, of_now, before, of_before)
    else:
        moved, low, high = st.paired_difference_of(both, now - both, before - both, of_now - now - before + both)
    return Shift(*group, before / of_before, now / of_now, moved, (low, high))


def _epochs(before: Findings, now: Findings, *, paired: bool) -> Epochs:
    settled = [findings.labels >= 0 for findings in (before, now)]
    if paired:
        settled = [settled[0] & settled[1]] * 2
    first, second = before.epochs[settled[0]], now.epochs[settled[1]]
    earlier, later = _median(first), _median(second)
    if paired:
        return Epochs(earlier, later, _median(second - first), st.sign_interval(second - first))
    return Epochs(earlier, later, later - earlier, st.median_difference_interval(second, first))


def _median(values: NDArray[np.int64]) -> float:
    return float(np.median(values)) if values.size else math.nan
