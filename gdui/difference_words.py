"""Contrasts and differences of runs → sentences and tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from gdcore.contrast import Row, Value
from gdcore.differences import Difference, Epochs, Shift
from gdcore.matching import How, Matched
from gdcore.success import deepest_labels
from gdui import theme, verdict
from gdui.verdict import listed
from gdui.wording import MANY, capital, estimate, interval, percent

MOST_NAMED = 5  # things that differ, in one sentence
COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
NOUNS = {"epochs": "number of epochs", "starts": "number of starts", "design": "design of the starts", "equations": "update equations"}
GROUPS = {"parameter": "parameters", "box": "box", "start": "start region"}  # what several rows of a kind are called together
CHANCE = "may be chance"
APART = {
    How.DIFFERENT: "no minimum of one is a minimum of another",
    How.TOO_MANY: "with more than two parameters apart, minima are not followed",
}  # fmt: skip


# -- what differs ------------------------------------------------------------------------------------------------------


def headline(rows: Sequence[Row], every: Matched, moved: Difference | None = None) -> str:
    """The answer of a comparison of saved runs: what differs, and what that changed. moved: of the two, where they are two."""
    these = f"These {COUNTS.get(len(every.findings), len(every.findings))}"
    if rows:
        apart = f"{these} differ in {differing(rows)}"
    else:
        same = len({findings.fingerprint for findings in every.findings}) == 1
        apart = f"{these} are the same experiment, with {'the same' if same else 'other'} findings"
        if same:
            return f"{apart}."
    if moved is None:
        return f"{apart}. {_range(every)}"
    return f"{apart}{'; ' if rows else ': '}{_of_two(moved)}"


def _of_two(moved: Difference) -> str:
    """What is said of two runs once it is said in what they differ."""
    if moved.changed is not None:
        return f"{changed(moved)}."
    if not moved.matched.common:
        return f"{APART[moved.matched.how]}. {_two_shares(moved)}"
    return f"they have other starts, so shares are compared and not starts. {_two_shares(moved)}"


def _two_shares(moved: Difference) -> str:
    success, gets = moved.success, capital(_deepest_gets(moved.matched))
    if not (success.before or success.now):
        return f"{gets} no start."
    if success.difference == 0:
        return f"{gets} {percent(success.before)} of the starts of both."
    limits = f"{signed(success)} points, 95\u00a0%: {_limits(success)}{_chance(success)}"
    return f"{gets} {percent(success.before)} of the starts of the first and {percent(success.now)} of those of the second ({limits})."


def _range(every: Matched) -> str:
    """What share of its starts the deepest minimum of each run gets, from the least to the most."""
    shares = [math.fsum(findings.minima[k].share for k in deepest_labels(findings)) for findings in every.findings]
    gets, limits = capital(_deepest_gets(every)), (min(shares), max(shares))
    if not limits[1]:
        return f"{gets} no start in any of them."
    if limits[0] == limits[1]:
        return f"{gets} {percent(limits[0])} of the starts in all of them."
    low, high = (estimate(share, limits) for share in limits)
    return f"{gets} between {low} and {high} of the starts."


def _deepest_gets(every: Matched) -> str:
    """the deepest minimum gets; the deepest minima get; with "of each" where it is not one and the same for all."""
    deepest = {deepest_labels(findings) for findings in every.findings}
    each = "" if every.common and len(deepest) == 1 else " of each"
    return f"the deepest minim{'a' if _several(every) else 'um'}{each} get{'' if _several(every) else 's'}"


def _several(every: Matched) -> bool:
    """Whether equally deep minima share the first place."""
    return any(len(deepest_labels(findings)) > 1 for findings in every.findings)


def differing(rows: Sequence[Row]) -> str:
    """the learning rate alone; the optimizer, the learning rate and the seed."""
    nouns = [f"the {noun}" for noun in _nouns(_telling(rows))]
    if len(nouns) == 1:
        return f"{nouns[0]} alone"
    return listed(nouns if len(nouns) <= MOST_NAMED else [*nouns[: MOST_NAMED - 1], f"{len(nouns) - MOST_NAMED + 1} more"])


def _telling(rows: Sequence[Row]) -> list[Row]:
    """Without what follows from other rows: settings of one optimizer alone, the name of another formula, starts drawn from the box."""
    values = {row.key: row.values for row in rows}
    causes = {"setting": "optimizer", "parameter": "formula", "box": "variables", "start": "design" if "design" in values else "variables", "seed": "design"}

    def follows(row: Row) -> bool:
        kind, _, name = row.key.partition(" ")
        drawn = kind == "start" and values.get(f"box {name}") == row.values
        return drawn or (None in row.values and causes.get(kind) in values) or (kind == "name" and "formula" in values)

    return [row for row in rows if not follows(row)]


def _nouns(rows: Sequence[Row]) -> list[str]:
    kinds = [row.key.partition(" ")[0] for row in rows]
    together = [kind for kind in GROUPS if kinds.count(kind) > 1]
    nouns = [GROUPS[kind] if kind in together else NOUNS.get(row.key, row.label) for kind, row in zip(kinds, rows, strict=True)]
    if "parameter" in together:
        names = [row.key.partition(" ")[2] for row in rows if row.key.startswith("parameter ")]
        nouns = [f"parameters {listed(names)}" if noun == GROUPS["parameter"] else noun for noun in nouns]
    return list(dict.fromkeys(nouns))


def what(rows: Sequence[Row]) -> str:
    """learning rate 0.01 → 0.02, seed 0 → 1: from the first run to the last."""
    said = [_change(row) for row in rows]
    return ", ".join(said if len(said) <= MOST_NAMED else [*said[: MOST_NAMED - 1], f"and {len(said) - MOST_NAMED + 1} more"])


def _change(row: Row) -> str:
    if row.key in ("formula", "equations"):
        return f"another {row.label}" if row.key == "formula" else "other equations"
    before, now = _told((row.values[0], row.values[-1]))
    return f"{row.label} {before}\u00a0→ {now}"


def _told(values: Sequence[Value | None]) -> list[str]:
    """Values as text, with as many digits as tell them apart."""
    short, exact = [[_value(value, form) for value in values] for form in (lambda number: f"{number:.6g}", repr)]
    return short if len(set(short)) == len(set(exact)) else exact


def _value(value: Value | None, form: Callable[[float], str]) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return f"{_value(value[0], form)} to {_value(value[1], form)}"
    return f"{value:,}" if isinstance(value, int) else form(value).replace("-", "−")


def contrast_frame(rows: Sequence[Row], names: Sequence[str]) -> pd.DataFrame:
    """One line for each thing that differs, one column for each run, as text."""
    return pd.DataFrame([_told(row.values) for row in rows], index=[capital(row.label) for row in rows], columns=list(names), dtype=object)


# -- what moved --------------------------------------------------------------------------------------------------------


def changed(difference: Difference) -> str:
    """12 % of the starts changed their minimum (95 %: 10 to 14)."""
    flags = difference.changed
    if flags is None:
        return "the starts are not the same" if not difference.paired else APART[difference.matched.how]
    settled = [findings.labels >= 0 for findings in (difference.before, difference.now)]
    if not flags.any():
        return f"no start {'changed its minimum' if settled[0].any() else 'ended in another way'}"
    both = settled[0][flags] & settled[1][flags]
    how = "changed their minimum" if both.all() else "changed their minimum or ending" if both.any() else "ended in another way"
    limits = difference.changed_interval
    return f"{estimate(difference.changed_share, limits)} of the starts {how} ({interval(limits)})"


def moved(difference: Difference, head: str = "Against the baseline") -> str:
    """What moved, by default against the pinned baseline: settled starts, the deepest minimum, epochs, and how many starts changed."""
    if difference.changed is not None and not np.any(difference.changed):
        parts = []
    else:
        parts = [_moved_share("settled", difference.settled, " points", "95\u00a0%: ")]
        parts += [_moved_share(f"the deepest minim{'a' if _several(difference.matched) else 'um'}", difference.success)] if difference.success.before or difference.success.now else []
    parts += _moved_epochs(difference.epochs)
    first = f"{head}: {', '.join(parts)}. " if parts else f"{head}, "
    last = f"{changed(difference)}." if difference.changed is not None or difference.paired else "The starts are not the same, so shares are compared and not starts."
    return first + (capital(last) if parts else last)


def _moved_share(name: str, shift: Shift, unit: str = "", head: str = "") -> str:
    if shift.difference == 0:
        return f"{name} unchanged"
    return f"{name} {signed(shift)}{unit} ({head}{_limits(shift)}{_chance(shift)})"


def _moved_epochs(epochs: Epochs) -> list[str]:
    if math.isnan(epochs.difference):
        return []
    low, high = epochs.interval
    limits = "" if math.isnan(low) or (low, high) == (0, 0) else f" ({_whole(low)} to {_whole(high)}{f': {CHANCE}' if low <= 0 <= high else ''})"
    if epochs.difference == 0:
        return ["median epochs unchanged"] if low == high else [f"median epochs unchanged{limits}"]
    return [f"median epochs {'+' if epochs.difference > 0 else ''}{_whole(epochs.difference)}{limits}"]


def _whole(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0").replace("-", "−")


def signed(shift: Shift) -> str:
    """The difference in percentage points, with its sign."""
    text = _points(shift.difference, shift)
    return f"+{text}" if shift.difference > 0 else text


def _limits(shift: Shift) -> str:
    return f"{_points(shift.interval[0], shift)} to {_points(shift.interval[1], shift)}"


def _chance(shift: Shift) -> str:
    return f": {CHANCE}" if shift.may_be_chance else ""


def _points(share: float, shift: Shift) -> str:
    """As verdict.points, but finer where the interval is narrower than that."""
    width = 100 * (shift.interval[1] - shift.interval[0])
    if width >= 0.1:
        return verdict.points(share)
    return f"{100 * share:.{min(8, math.ceil(-math.log10(width / 3)))}f}".replace("-", "−")


def name_of(shift: Shift) -> str:
    """What legends and tables call a row that is shown."""
    if shift.ending is not None:
        return theme.ending_name(shift.ending)
    if shift.label < 0:
        return "Any minimum"
    return f"Minimum {shift.label + 1}" if shift.label < MANY else "Further minima"


def shown(difference: Difference) -> tuple[Shift, ...]:
    """The rows worth a line: many minima share the last one, and so do all where their numbers mean nothing in common."""
    rows = difference.grouped(MANY)
    return rows if difference.matched.common else (difference.settled, *rows)


def rows(difference: Difference) -> list[dict[str, str]]:
    """One row for each minimum and ending, as text."""
    return [
        {
            "group": name_of(shift), "baseline": f"{100 * shift.before:.1f}\u00a0%", "now": f"{100 * shift.now:.1f}\u00a0%",
            "points": signed(shift) if shift.difference else "0", "95 %": _limits(shift),
        }
        for shift in shown(difference)
    ]  # fmt: skip
