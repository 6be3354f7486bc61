"""Sweeps of two quantities → alt.Chart: heat maps over all pairs of values, and the pieces that maps of pairs share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gdcore.quantities import Quantity
from gdcore.sensitivity import Sweep
from gdcore.stable_rates import RATE_KEY, StableRate
from gdcore.stopping import CODE, Ending
from gdui import theme
from gdui.charts import MOST_MARKS, PAD, View
from gdui.maps import png, sharp

Array = NDArray[np.float64]
WHAT = {"success": "share that reaches the deepest minimum", "settled": "share that settles in any minimum", "epochs": "median epochs until settled"}


def shown(sweep: Sweep, what: str) -> Array:
    """The numbers of a heat map, (l, k): one of WHAT, or "minimum 1" and so on for the share of that minimum."""
    shape = len(sweep.y_values), len(sweep.x_values)
    if what == "epochs":
        return sweep.epochs[:, 1].reshape(shape)
    if what == "settled":
        return (sweep.ended[:, CODE[Ending.MINIMUM]] / sweep.count).reshape(shape)
    if what == "success":
        return (sweep.success / sweep.count).reshape(shape)
    return np.asarray(sweep.reached[:, int(what.split()[-1]) - 1] / sweep.count).reshape(shape)


def heat(sweep: Sweep, rates: Sequence[StableRate], what: str, view: View) -> alt.LayerChart:
    """A colour for each pair of values, with the stable-rate curves where one of the two is the rate."""
    numbers, epochs = shown(sweep, what), what == "epochs"
    finite = numbers[np.isfinite(numbers)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    low, high = (low if epochs else 0.0), (high if high > 0 else 1.0)
    logarithmic = epochs and low > 0 and high > 20 * low
    levels = [np.log(v) if logarithmic else v for v in (numbers, low, high)]
    x, y = pair_axes(sweep)
    image = pair_picture(sweep, theme.colours(*levels, ramp=theme.VIRIDIS, soften=0.0, dark=view.dark), x, y)
    told = [("{:,.0f}" if epochs else "{:.1%}").format(v) if math.isfinite(v) else "none settles" for v in numbers.ravel().tolist()]
    columns = {"shown": np.where(np.isfinite(numbers), numbers, low).ravel(), "told": told}
    points = pair_clicks(sweep, columns, [*pair_tip(sweep), alt.Tooltip("told:N", title="median epochs" if epochs else "share")], x, y)
    scale = alt.Scale(domain=[low, high], range=theme.VIRIDIS_HEX, type="log" if logarithmic else "linear")
    legend = alt.Legend(title=None, gradientLength=view.height, format=",.0f" if epochs else "%")
    points = points.encode(color=alt.Color("shown:Q", scale=scale, legend=legend))
    layers = [image, *_curves(sweep, rates, x, y), *pair_now(sweep, x, y), points]
    return alt.layer(*layers).properties(width=view.width, height=view.height, autosize=PAD)


def _curves(sweep: Sweep, rates: Sequence[StableRate], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    rate_across, layers = sweep.x.key == RATE_KEY, list[alt.Chart]()
    if isinstance(sweep.experiment.settings.get("lr"), str):
        return layers  # what is varied is a schedule's factor, not a rate
    for curve in rates:
        columns = (curve.rates, curve.values) if rate_across else (curve.values, curve.rates)
        table = pd.DataFrame({"value": columns[0], "other": columns[1]}).replace([np.inf, -np.inf], np.nan).dropna()
        way = {"x": x, "y": y, "order": alt.Order("other:Q" if rate_across else "value:Q")}
        halo = alt.Chart(table).mark_line(clip=True, strokeWidth=4.5, color="white", opacity=0.7)
        line = alt.Chart(table).mark_line(clip=True, strokeWidth=2.2, strokeDash=[6, 3], color=theme.minimum_colour(curve.number))
        layers += [halo.encode(**way), line.encode(**way)]
    return layers


# -- what maps of pairs share ------------------------------------------------------------------------------------------


def edges(values: Array, *, log: bool) -> Array:
    """The borders of cells about values (k,), (k + 1,): half-way between neighbours, and as far beyond the first and last."""
    v = np.log(values) if log else values
    middle = (v[1:] + v[:-1]) / 2
    out = np.concatenate([[v[0] - (middle[0] - v[0])], middle, [v[-1] + (v[-1] - middle[-1])]])
    return np.exp(out) if log else out


def _sides(sweep: Sweep) -> list[tuple[Quantity, Array, bool]]:
    """For x and y: the quantity, the borders of the cells along it, and whether its axis is logarithmic."""
    assert sweep.y is not None and sweep.y_quantity is not None
    both = (sweep.x_quantity, sweep.x, sweep.x_values), (sweep.y_quantity, sweep.y, sweep.y_values)
    return [(quantity, edges(values, log=one.log), one.log) for quantity, one, values in both]


def pair_axes(sweep: Sweep) -> tuple[alt.X, alt.Y]:
    """The axes of a map of pairs, from border to border."""
    found = []
    for channel, field, (quantity, sides, log) in zip((alt.X, alt.Y), ("value", "other"), _sides(sweep), strict=True):
        scale = alt.Scale(type="log" if log else "linear", domain=[float(sides[0]), float(sides[-1])], nice=False, zero=False)
        found.append(channel(f"{field}:Q", title=quantity.label, scale=scale, axis=alt.Axis(grid=False, tickCount=6, format="~g", labelOverlap=True)))
    return found[0], found[1]


def pair_picture(sweep: Sweep, rgb: NDArray[np.uint8], x: alt.X, y: alt.Y) -> alt.Chart:
    """A picture with one pixel for each pair, (l, k, 3), on the axes."""
    (_, across, _), (_, along, _) = _sides(sweep)
    table = pd.DataFrame({"value": [across[0]], "x2": [across[-1]], "other": [along[0]], "y2": [along[-1]], "url": [png(sharp(rgb))]})
    return alt.Chart(table).mark_image(aspect=False).encode(x, y, x2="x2:Q", y2="y2:Q", url="url:N")


def pair_now(sweep: Sweep, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """The pair of values in force, as a ring; nothing where it lies outside."""
    sides = _sides(sweep)
    if not all(borders[0] <= quantity.value <= borders[-1] for quantity, borders, _ in sides):
        return []
    table = pd.DataFrame({"value": [sides[0][0].value], "other": [sides[1][0].value]})
    return [alt.Chart(table).mark_point(size=130, filled=False, strokeWidth=w, color=c, opacity=1).encode(x, y) for w, c in ((5, "white"), (2, "black"))]


def pair_tip(sweep: Sweep) -> list[alt.Tooltip]:
    """The two values, in a tooltip."""
    return [alt.Tooltip(f"{field}:Q", title=quantity.label, format=".4g") for field, (quantity, _, _) in zip(("value", "other"), _sides(sweep), strict=True)]


def pair_clicks(sweep: Sweep, columns: Mapping[str, ArrayLike], tip: list[alt.Tooltip], x: alt.X, y: alt.Y) -> alt.Chart:
    """Invisible points that tell of their pair (columns: name → one entry per pair); a click chooses the nearest."""
    values, others = (axis.ravel() for axis in np.meshgrid(sweep.x_values, sweep.y_values))
    table = pd.DataFrame({"value": values, "other": others, **columns})
    table = table.iloc[np.linspace(0, len(table) - 1, min(len(table), MOST_MARKS)).astype(int)]
    click = alt.selection_point(name="click", fields=["value", "other"], nearest=True, on="click", empty=False)
    return alt.Chart(table).mark_square(opacity=0, size=50).encode(x, y, tooltip=tip).add_params(click)
