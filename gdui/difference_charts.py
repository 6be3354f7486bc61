"""Differences of runs → alt.Chart: what moved, shares side by side, and the starts that changed."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd

from gdcore.differences import Difference, Shift
from gdcore.experiment import Findings, Trace
from gdui import charts, maps, theme
from gdui.charts import MOST_MARKS, PAD, View
from gdui.difference_words import name_of, shown, signed

LEFT = 0.55  # of the width: the panel of shares; the rest is that of differences


def moved(difference: Difference, view: View, *, names: tuple[str, str] = ("baseline", "now")) -> alt.HConcatChart:
    """For each minimum and ending its share before (hollow) and now, and beside it the difference with its 95 % interval."""
    table = _table(shown(difference), view)
    rows = alt.Scale(domain=table["group"].tolist())
    return alt.hconcat(_shares(table, rows, names, view), _differences(table, rows, view), spacing=14).properties(autosize=PAD)


def _table(shifts: Sequence[Shift], view: View) -> pd.DataFrame:
    """One row a group: its colour, both shares, and the difference in percentage points with its limits."""
    return pd.DataFrame(
        [
            {
                "group": name_of(shift), "colour": _colour(shift, view), "before": shift.before, "now": shift.now,
                "difference": 100 * shift.difference, "low": 100 * shift.interval[0], "high": 100 * shift.interval[1],
                "text": signed(shift) if shift.difference else "0",
            }
            for shift in shifts
        ],
        columns=["group", "colour", "before", "now", "difference", "low", "high", "text"],
    )  # fmt: skip


def _colour(shift: Shift, view: View) -> str:
    if shift.ending is not None:
        return theme.ending_mark(shift.ending, dark=view.dark)[0]
    return theme.minimum_colour(shift.label) if shift.label >= 0 else view.ink


def _shares(table: pd.DataFrame, rows: alt.Scale, names: tuple[str, str], view: View) -> alt.LayerChart:
    y = alt.Y("group:N", sort=None, scale=rows, title=None, axis=alt.Axis(labelLimit=150, labelPadding=12, ticks=False, domain=False))
    scale = alt.Scale(domain=[0, min(1.0, 1.08 * float(table[["before", "now"]].to_numpy().max(initial=0.01)))])
    x = alt.X("now:Q", title=f"share of all starts (○ {names[0]}, ● {names[1]})", scale=scale, axis=alt.Axis(format="%", tickCount=5))
    tip = ["group:N", *(alt.Tooltip(f"{column}:Q", title=name, format=".2%") for column, name in zip(("before", "now"), names, strict=True))]
    base = alt.Chart(table).encode(y=y, tooltip=tip)
    colour = alt.Color("colour:N", scale=None)
    line = base.mark_rule(strokeWidth=3, opacity=0.7).encode(x, x2="before:Q", color=colour)
    ring = base.mark_point(size=200, strokeWidth=2.4, opacity=1, fill=_paper(view)).encode(x=alt.X("before:Q"), stroke=alt.Stroke("colour:N", scale=None))
    dot = base.mark_circle(size=95, opacity=1).encode(x, color=colour)
    return alt.layer(line, ring, dot).properties(width=LEFT * view.width, height=_height(table))


def _differences(table: pd.DataFrame, rows: alt.Scale, view: View) -> alt.LayerChart:
    y = alt.Y("group:N", sort=None, scale=rows, title=None, axis=None)
    limits = table[["low", "high"]].to_numpy()
    low, high = float(limits.min(initial=0.0)), float(limits.max(initial=0.0))
    room = max(high - low, 1e-3)
    scale = alt.Scale(domain=[low - 0.05 * room, high + 0.3 * room], nice=False)
    x = alt.X("difference:Q", title="points more (line: 95 % interval)", scale=scale, axis=alt.Axis(tickCount=5, grid=False))
    base = alt.Chart(table).encode(y=y, tooltip=["group:N", *(alt.Tooltip(f"{column}:Q", format="+.3~g") for column in ("difference", "low", "high"))])
    zero = alt.Chart(pd.DataFrame({"zero": [0.0]})).mark_rule(color=view.ink, strokeDash=[4, 3], opacity=0.7).encode(alt.X("zero:Q"))
    rule = base.mark_rule(strokeWidth=2.4, color=view.ink).encode(alt.X("low:Q"), x2="high:Q")
    dot = base.mark_circle(size=95, opacity=1).encode(x, color=alt.Color("colour:N", scale=None))
    text = base.mark_text(align="left", dx=7, fontSize=12, color=view.ink).encode(alt.X("high:Q"), text="text:N")
    return alt.layer(zero, rule, dot, text).properties(width=(1 - LEFT) * view.width, height=_height(table))


def _height(table: pd.DataFrame) -> int:
    return 28 * max(1, len(table))


def _paper(view: View) -> str:
    return "#" + "".join(f"{part:02x}" for part in theme.paper(dark=view.dark))


def side_by_side(findings: Sequence[Findings], names: Sequence[str], view: View) -> list[alt.LayerChart]:
    """The shares of two to six runs matched together, one chart each under its name, with the same rows, colours and scale."""
    drawn = charts.shares_alike(findings, view)
    return [chart.properties(title=alt.TitleParams(name, anchor="start", limit=view.width + 150)) for chart, name in zip(drawn, names, strict=True)]


def changed_starts(
    difference: Difference, view: View, *, chosen: Trace | None = None, over: Sequence[alt.Chart] = (), most: int = MOST_MARKS
) -> alt.LayerChart:
    """Only the starts that changed, over the landscape: filled with the colour of where they end now, rimmed with that of before.

    Without any where it cannot be said which changed. chosen, over: as for maps.map_of_starts.
    """
    index = np.flatnonzero(difference.changed) if difference.changed is not None else np.empty(0, np.intp)
    draw = maps.curve_of_starts if difference.now.experiment.problem.dimension == 1 else maps.map_of_starts
    return draw(difference.now, view, chosen=chosen, over=over, most=most, origins=maps.Origins(index, difference.before))
