"""Sweeps → alt.Chart: shares over a value, epochs over it, stable rates, and heat maps of two values."""

from __future__ import annotations

import math
from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gdcore.quantities import Quantity
from gdcore.sensitivity import Sweep
from gdcore.shares import wilson
from gdcore.stable_rates import StableRate
from gdcore.stopping import ENDINGS, Ending
from gdui import theme
from gdui.charts import PAD, View, minimum_name
from gdui.sweep_words import lost_at, together

Array = NDArray[np.float64]
SHORT = {"leaves the box": "leaves", "enters the box": "enters"}
APART = 0.13  # of the axis: labels closer than this go to different rows


def title(quantity: Quantity) -> str:
    """An axis title: what the quantity is called."""
    return quantity.label


def _scale(values: Array, *, log: bool) -> alt.Scale:
    return alt.Scale(type="log" if log else "linear", domain=[float(values[0]), float(values[-1])], nice=False, zero=False, clamp=False)


def _across(sweep: Sweep, **options: object) -> alt.X:
    axis = alt.Axis(grid=False, tickCount=7, labelOverlap=True, format="~g", **options)
    return alt.X("value:Q", title=title(sweep.x_quantity), scale=_scale(sweep.x_values, log=sweep.x.log), axis=axis)


def groups_table(sweep: Sweep) -> pd.DataFrame:
    """One row per value and group: value, group, colour, order, count, share of all starts, and its 95 % interval."""
    columns: dict[str, tuple[str, NDArray[np.int64]]] = {}
    for number in range(sweep.reached.shape[1]):
        name, count = minimum_name(number), sweep.reached[:, number]
        before = columns.get(name)
        columns[name] = (theme.minimum_colour(number), count if before is None else before[1] + count)
    if sweep.elsewhere.any():
        columns["Other minima"] = (theme.OTHER_MINIMA, sweep.elsewhere)
    for code, ending in enumerate(ENDINGS):
        if ending is not Ending.MINIMUM:
            columns[theme.ending_name(ending)] = (theme.ending_area(ending), sweep.ended[:, code])
    present = {name: (colour, count) for name, (colour, count) in columns.items() if count.any()}
    tables = [_group_rows(sweep, order, name, colour, count) for order, (name, (colour, count)) in enumerate(present.items())]
    return pd.concat(tables, ignore_index=True)


def _group_rows(sweep: Sweep, order: int, name: str, colour: str, count: NDArray[np.int64]) -> pd.DataFrame:
    limits = np.array([wilson(int(c), sweep.count) for c in count])
    table = pd.DataFrame({"value": sweep.x_values, "group": name, "colour": colour, "order": order, "count": count})
    return table.assign(share=count / sweep.count, low=limits[:, 0], high=limits[:, 1])


def stacked(sweep: Sweep, rates: Sequence[StableRate], view: View) -> alt.LayerChart:
    """Shares of all starts by minimum and ending, stacked, over the values; rules where minima change or lose stability."""
    table = groups_table(sweep)
    legend = table.drop_duplicates("group")
    colour = alt.Color(
        "group:N", sort=None, scale=alt.Scale(domain=legend["group"].tolist(), range=legend["colour"].tolist()),
        legend=alt.Legend(title=None, orient="bottom", columns=4, labelLimit=170, symbolType="square", symbolSize=110, symbolStrokeWidth=0),
    )  # fmt: skip
    areas = (
        alt.Chart(table)
        .mark_area(opacity=0.9, clip=True, stroke=view.rim, strokeWidth=0.6)
        .encode(
            x=_across(sweep),
            y=alt.Y("share:Q", stack="zero", title="share of all starts", scale=alt.Scale(domain=[0, 1], nice=False), axis=alt.Axis(format="%", tickCount=5)),
            color=colour,
            order=alt.Order("order:Q"),
            tooltip=["group:N", *_tip(sweep)],
        )
    )
    layers = [areas, *_rules(sweep, rates, view), click_line(sweep)]
    return alt.layer(*layers).properties(width=view.width, height=view.height, autosize=PAD)


def _tip(sweep: Sweep) -> list[alt.Tooltip]:
    shares = [alt.Tooltip(f"{c}:Q", format=".1%", title=t) for c, t in (("share", "share"), ("low", "95 % from"), ("high", "95 % to"))]
    return [alt.Tooltip("value:Q", title=title(sweep.x_quantity), format=".4g"), alt.Tooltip("count:Q", format=",d", title="starts"), *shares]


def _rules(sweep: Sweep, rates: Sequence[StableRate], view: View) -> list[alt.Chart]:
    """The value in force, where minima come and go, and where they stop being stable; their names above the plot."""
    table = marked_values(sweep, rates, view)
    table = table[table["value"].between(sweep.x_values[0], sweep.x_values[-1])]
    if table.empty:
        return []
    x = alt.X("value:Q", scale=_scale(sweep.x_values, log=sweep.x.log))
    tip = [alt.Tooltip("tip:N", title="here"), alt.Tooltip("value:Q", format=".6g", title=title(sweep.x_quantity))]
    halo = alt.Chart(table).mark_rule(strokeWidth=5, color=view.rim, opacity=0.7).encode(x)
    dash = alt.StrokeDash("dash:N", scale=alt.Scale(domain=[0, 1], range=[[1, 0], [6, 3]]), legend=None)
    rule = alt.Chart(table).mark_rule(strokeWidth=2).encode(x, color=alt.Color("colour:N", scale=None), strokeDash=dash, tooltip=tip)
    names = []
    rows = np.array(_rows_apart(sweep, table["value"].to_numpy()))
    for row in np.unique(rows):
        part = table[rows == row]
        text = alt.Chart(part).mark_text(align="center", baseline="bottom", fontSize=11, fontWeight="bold", color=view.ink)
        names.append(text.encode(x, y=alt.value(-4 - 13 * int(row)), text="text:N"))
    return [halo, rule, *names]


def marked_values(sweep: Sweep, rates: Sequence[StableRate], view: View) -> pd.DataFrame:
    """What is marked along the axis: value, colour, text, dash (0 or 1) and tip."""
    rows = [(sweep.x_quantity.value, view.ink, "now", 0, "the value in force")]
    for curve in rates:
        said = f"the largest stable learning rate of minimum {curve.number + 1}"
        rows += [(value, theme.minimum_colour(curve.number), f"limit {curve.number + 1}", 1, said) for value in lost_at(sweep, curve)]
    for change in together(sweep.changes):
        if not math.isnan(change.value):
            names = ", ".join(str(number + 1) for number in change.tracks)
            many = len(change.tracks) > 3
            said = "several" if many else names
            rows.append((change.value, view.ink, f"{said} {SHORT.get(change.kind, change.kind)}", 1, f"minimum {names} {change.kind}"))
    return pd.DataFrame(rows, columns=["value", "colour", "text", "dash", "tip"])


def _rows_apart(sweep: Sweep, values: Array) -> list[int]:
    """A row for each label, so that neighbours do not lie over each other."""
    unit = _unit(sweep.x_values, values, log=sweep.x.log)
    rows, last = [0] * len(values), dict[int, float]()
    for i in np.argsort(unit):
        rows[i] = next(row for row in range(len(values)) if unit[i] - last.get(row, -1.0) > APART)
        last[rows[i]] = float(unit[i])
    return rows


def _unit(axis: Array, values: Array, *, log: bool) -> Array:
    """Values as shares of an axis from its first to its last value."""
    scaled, ends = (np.log(values), np.log(axis[[0, -1]])) if log else (values, axis[[0, -1]])
    return np.asarray((scaled - ends[0]) / (ends[1] - ends[0]), dtype=np.float64)


def click_line(sweep: Sweep) -> alt.Chart:
    """Invisible points: a click anywhere on the chart chooses the nearest value of the sweep."""
    table = pd.DataFrame({"value": sweep.x_values})
    click = alt.selection_point(name="click", fields=["value"], nearest=True, on="click", empty=False)
    return alt.Chart(table).mark_point(opacity=0, size=60).encode(x=_across(sweep), y=alt.value(0)).add_params(click)


def success(sweep: Sweep, view: View) -> alt.LayerChart:
    """The share that reaches the deepest minimum, over the values, with its 95 % interval."""
    limits = np.array([wilson(int(count), sweep.count) for count in sweep.success])
    table = pd.DataFrame({"value": sweep.x_values, "share": sweep.success / sweep.count, "low": limits[:, 0], "high": limits[:, 1], "count": sweep.success})
    top = min(1.0, 1.08 * float(limits[:, 1].max()))
    scale = alt.Scale(domain=[0, top], nice=False)
    up = alt.Y("low:Q", title="share in the deepest", scale=scale, axis=alt.Axis(format="%", tickCount=4))
    band = alt.Chart(table).mark_area(opacity=0.3, color=theme.minimum_colour(0)).encode(_across(sweep), up, alt.Y2("high:Q"))
    line = alt.Chart(table).mark_line(strokeWidth=2, color=theme.minimum_colour(0), point=alt.OverlayMarkDef(size=18, color=theme.minimum_colour(0)))
    return _panel([band, line.encode(_across(sweep), alt.Y("share:Q", scale=scale), tooltip=_tip(sweep))], sweep, view)


def epochs(sweep: Sweep, view: View) -> alt.LayerChart:
    """The median of the epochs that settled runs needed, over the values, with their quartiles."""
    table = pd.DataFrame(sweep.epochs, columns=["low", "median", "high"]).assign(value=sweep.x_values).dropna()
    scale = alt.Scale(type="log" if len(table) and table["low"].min() >= 1 and table["high"].max() > 20 * table["low"].min() else "linear", zero=False)
    up = alt.Y("low:Q", title="epochs until settled", scale=scale, axis=alt.Axis(tickCount=4, format="~s"))
    colour = "#8a7fb5" if not view.dark else "#b3a9dc"
    band = alt.Chart(table).mark_area(opacity=0.3, color=colour).encode(_across(sweep), up, alt.Y2("high:Q"))
    tip = [alt.Tooltip("value:Q", title=title(sweep.x_quantity), format=".4g")]
    tip += [alt.Tooltip(f"{c}:Q", title=t, format=",.0f") for c, t in (("median", "median"), ("low", "first quartile"), ("high", "third quartile"))]
    line = alt.Chart(table).mark_line(strokeWidth=2, color=colour, point=alt.OverlayMarkDef(size=18, color=colour))
    return _panel([band, line.encode(_across(sweep), alt.Y("median:Q", scale=scale), tooltip=tip)], sweep, view)


def _panel(layers: list[alt.Chart], sweep: Sweep, view: View) -> alt.LayerChart:
    """A small chart over the same values, with the value in force."""
    now = pd.DataFrame({"value": [sweep.x_quantity.value]})
    if sweep.x_values[0] <= sweep.x_quantity.value <= sweep.x_values[-1]:
        layers.append(alt.Chart(now).mark_rule(color=view.ink, strokeWidth=1.5).encode(_across(sweep)))
    return alt.layer(*layers).properties(width=view.width, height=view.height, autosize=PAD)


def has_epochs(sweep: Sweep) -> bool:
    """Whether any start settles anywhere along the sweep: there is something to draw."""
    return bool(np.isfinite(sweep.epochs).any())


def has_curves(rates: Sequence[StableRate]) -> bool:
    """Whether the stable rates change along the sweep: there is something to draw."""
    return any(not np.isnan(curve.values).all() and np.isfinite(curve.rates).any() for curve in rates)


def stable_curves(sweep: Sweep, rates: Sequence[StableRate], view: View) -> alt.LayerChart:
    """The largest stable learning rate of each minimum over the values, and the rate in force."""
    parts = [
        pd.DataFrame({"value": curve.values, "rate": curve.rates, "group": minimum_name(curve.number), "colour": theme.minimum_colour(curve.number)})
        for curve in rates
    ]
    table = pd.concat(parts).replace([np.inf, -np.inf], np.nan).dropna()
    up = alt.Y("rate:Q", title="largest stable rate", scale=alt.Scale(type="log"), axis=alt.Axis(tickCount=4, format="~g"))
    tip = ["group:N", alt.Tooltip("value:Q", title=title(sweep.x_quantity), format=".4g"), alt.Tooltip("rate:Q", title="largest stable rate", format=".5g")]
    lines = alt.Chart(table).mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=14)).encode(
        _across(sweep), up, color=alt.Color("colour:N", scale=None), detail="group:N", tooltip=tip
    )  # fmt: skip
    own = sweep.experiment.settings.get("lr")
    layers: list[alt.Chart] = [lines]
    if isinstance(own, float) and own > 0:
        layers.append(alt.Chart(pd.DataFrame({"rate": [own]})).mark_rule(color=view.ink, strokeDash=[2, 2], strokeWidth=1.5).encode(up))
    return _panel(layers, sweep, view)
