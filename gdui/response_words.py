"""Exact sensitivities of minima, and the ranking of what matters → sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gdcore.implicit import Response
from gdcore.leverage import Leverage
from gdcore.merging import Stationary
from gdui.sweep_words import listed, starts
from gdui.wording import figure, percent, point


def moved(parameter: str, change: float, number: int, response: Response, there: Stationary | None) -> str:
    """Raise a by 0.1: minimum 2 moves to (…), predicted; re-solved: (…)."""
    verb = "Raise" if change > 0 else "Lower"
    said = f"{verb} {parameter} by {figure(abs(change), 3)}: minimum {number + 1} moves to {point(tuple(response.place(change)))}, predicted; "
    if there is None:
        return said + "re-solved: it vanishes on the way."
    kind = "" if there.kind == "minimum" else f", as a {there.kind}"
    return said + f"re-solved: {point(there.point)}{kind}. f moves to {figure(response.value(change), 6)}, predicted; re-solved: {figure(there.value, 6)}."


def between(low: float, high: float) -> str:
    """From where to where something exists; an end that is infinite was not met. In words: tables read Markdown, where > begins a quotation."""
    if math.isnan(low) or math.isnan(high):
        return "–"
    if math.isinf(low) and math.isinf(high):
        return "all values"
    if math.isinf(high):
        return f"above {figure(low, 4)}"
    return f"below {figure(high, 4)}" if math.isinf(low) else f"{figure(low, 4)} to {figure(high, 4)}"


def response_caption(parameter: str, found: Sequence[Response], total: int) -> str:
    """What the table's columns are, and which minima are near their end."""
    some = f"The {len(found)} deepest of {total} minima. " if total > len(found) else ""
    near = [str(k + 1) for k, one in enumerate(found) if one.near_vanishing]
    warned = f" {'Minimum' if len(near) == 1 else 'Minima'} {listed(near)} {'is' if len(near) == 1 else 'are'} near vanishing: predictions reach less far." if near else ""
    return (
        f"{some}Condition: of the Hessian, x in box widths. Exists: until it meets another stationary point, "
        f"at a root of det H found by following it through the range of {parameter}.{warned}"
    )


def ranking(found: Leverage) -> str:
    """Which knob matters most to each output."""
    labels, parts = {quantity.key: quantity.label for quantity in found.quantities}, []
    for k, (output, reason) in enumerate(zip(found.knobs.outputs, found.knobs.reasons, strict=True)):
        if reason:
            parts.append(f"The {output}: {reason}")
            continue
        first = found.knobs.ranking(output)[0]
        n = [one.name for one in found.knobs.ranges].index(first)
        low, high = found.knobs.total_low[k, n], found.knobs.total_high[k, n]
        verb = "depend" if output.startswith("epochs") else "depends"
        parts.append(f"The {output} {verb} most on the {labels[first]}: total index {figure(found.knobs.total[k, n], 2)} (95 %: {figure(low, 2)} to {figure(high, 2)}).")
    return " ".join(parts)


def ranking_caption(found: Leverage) -> str:
    """On what the indices rest, and what the outputs are."""
    low, mean, high = found.epochs
    shares = [percent(share) for share in found.share]
    return (
        f"{found.knobs.evaluations:,} sets of values, each from the same {starts(found.starts)}. The share is {shares[1]} on average ({shares[0]} to {shares[2]}); "
        f"the epochs are {mean:,.0f} ({low:,.0f} to {high:,.0f}), a start that never settles counting with the whole budget. "
        "Alone: by its own effect; total: with all interactions. Intervals by bootstrap."
    )
