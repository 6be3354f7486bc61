"""Basin maps → pictures and alt.Chart: colour = minimum, darkness = epochs, greys and hatches for every other ending."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gdcore.basin_measures import Uncertainty
from gdcore.basins import BasinMap, Change, shares
from gdcore.experiment import Minimum, Trace
from gdcore.stopping import ENDINGS, Ending
from gdui import theme
from gdui.charts import PAD, View, minimum_name
from gdui.maps import click_params, mark, path_table, png, sharp

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]
DARKEST = 0.55  # how much of its lightness a colour loses where a run takes longest
SHADES = 512  # of each colour
CURVE = 601  # points of the curve of f in one variable
FEW = 40  # so many saddles can have large marks
CHANGED = np.array([20, 20, 20])
SWATCH = (16, 24)
HATCHES = {  # which pixels of a grey are lighter: period, and how far the stripes lean
    Ending.UNDEFINED: (6, 1), Ending.LEFT_DOMAIN: (6, -1), Ending.DIVERGED: (4, 1), Ending.LEFT_BOX: (0, 0), Ending.MOVING: (0, 0),
    Ending.JUMPED: (4, -1), Ending.ORBIT: (8, 0), Ending.BOUNCING: (5, 0), Ending.HOVERING: (8, 1), Ending.FLAT: (10, -1),
    Ending.SADDLE: (3, 0), Ending.MAXIMUM: (3, 1), Ending.DEGENERATE: (3, -1),
}  # fmt: skip


@dataclass(frozen=True)
class Point:
    """A place marked on a map: x, y, what it is ("minimum 1", "saddle"), its number or "", its colour, and whether runs cannot settle there."""

    x: float
    y: float
    kind: str
    number: str
    colour: str
    unstable: bool = False


class Outcomes(Protocol):
    """What became of runs on a grid, (rows, columns): the label of a minimum or -1, the code of the ending, and the epochs."""

    @property
    def labels(self) -> NDArray[np.integer]: ...
    @property
    def codes(self) -> NDArray[np.int8]: ...
    @property
    def epochs(self) -> NDArray[np.integer]: ...
    @property
    def minima(self) -> tuple[Minimum, ...]: ...


def picture(found: Outcomes) -> Picture:
    """RGB bytes (rows, columns, 3), the lowest row first: the minimum's colour, darker the more epochs, or the ending's grey."""
    palette = np.array([_rgb(theme.minimum_colour(k)) for k in range(int(found.labels.max(initial=0)) + 1)])
    shades = (palette[:, None] * (1 - DARKEST * np.linspace(0, 1, SHADES))[:, None]).round().astype(np.uint8)
    rgb = shades[np.maximum(found.labels, 0), np.rint(darkness(found) * (SHADES - 1)).astype(np.int16)]
    for code in np.unique(found.codes[found.labels < 0]).tolist():
        where = found.codes == code
        rgb[where] = _hatched(ENDINGS[code], found.labels.shape)[where]
    return rgb


def _rgb(colour: str) -> Array:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)


def darkness(found: Outcomes) -> Array:
    """From 0, the fewest epochs of a run that settled, to 1, the most, on a logarithmic scale in 512 steps; (rows, columns)."""
    low, high = epochs_range(found)
    every = np.arange(int(found.epochs.max(initial=0)) + 1)  # one logarithm for each number of epochs, not for each pixel
    table = np.clip(np.log(np.maximum(every, low) / low) / max(math.log(high / low), 1e-9), 0, 1)
    return np.asarray((np.rint(table * (SHADES - 1)) / (SHADES - 1))[found.epochs], dtype=np.float64)


def epochs_range(found: Outcomes) -> tuple[float, float]:
    """The epochs at the lightest and the darkest: the 1st and 99th hundredth of the runs that settled."""
    settled = found.epochs[found.labels >= 0]
    if not settled.size:
        return 1.0, 1.0
    low, high = np.quantile(settled, (0.01, 0.99)).tolist()
    return max(1.0, low), max(1.0, low, high)


def _hatched(ending: Ending, shape: tuple[int, ...]) -> Picture:
    """The ending's grey with its stripes, over the whole map (rows, columns, 3)."""
    grey, (period, lean) = theme.AREA_GREYS[ending], HATCHES[ending]
    tone = np.full(shape, grey, np.uint8)
    if period:
        scale = max(1, max(shape) // 256)
        rows, columns = (np.arange(count) // scale for count in shape)
        stripe = (rows[:, None] + lean * columns) % period == 0
        tone[stripe] = 255 - grey if 100 < grey < 156 else (grey + 90 if grey < 128 else grey - 90)
    return np.broadcast_to(tone[..., None], (*shape, 3))


def changed_picture(found: BasinMap, change: Change) -> Picture:
    """The map, pale, with the pixels that changed in black."""
    pale = 255 - (255 - picture(found).astype(float)) * 0.35
    pale[change.pixels] = CHANGED
    return pale.round().astype(np.uint8)


def chart(found: BasinMap, rgb: Picture, points: Sequence[Point], view: View, *, run: Trace | None = None, clickable: bool = True) -> alt.LayerChart:
    """The picture on its axes, with marked places and a run's path; a click chooses a start, a drag a window.

    In one variable f is drawn over the bands of the basins.
    """
    problem, window = found.experiment.problem, found.window
    strip = window.y is None
    curve = _curve(found) if strip else None
    limits = window.x, _reach(curve["y"].to_numpy()) if curve is not None else window.y or (0.0, 1.0)
    (left, right), (low, high) = limits
    up = "f" if strip else problem.variables[window.axes[1]]
    x = alt.X("x:Q", title=problem.variables[window.axes[0]], scale=alt.Scale(domain=[left, right], nice=False, zero=False), axis=_axis())
    y = alt.Y("y:Q", title=up, scale=alt.Scale(domain=[low, high], nice=False, zero=False), axis=_axis())
    table = pd.DataFrame({"x": [left], "x2": [right], "y": [low], "y2": [high], "url": [png(sharp(rgb))]})
    layers = [alt.Chart(table).mark_image(aspect=False).encode(x, y, x2="x2:Q", y2="y2:Q", url="url:N")]
    if curve is not None:
        layers += [alt.Chart(curve).mark_line(color=c, strokeWidth=w, clip=True).encode(x="x:Q", y="y:Q") for c, w in (("black", 4), ("white", 2))]
    if run is not None:
        layers += _run(run, view, window.axes, limits, strip=strip)
    layers += _marks([p for p in points if left <= p.x <= right and low <= p.y <= high], view)
    if clickable:
        layers.append(_clicks(limits, strip=strip))
    return alt.layer(*layers).properties(width=view.width, height=view.height, autosize=PAD)


def _curve(found: BasinMap) -> pd.DataFrame:
    """f along the one axis of a strip."""
    starts = found.window.starts(CURVE, 1)[0]
    values = found.experiment.problem.value(starts)
    return pd.DataFrame({"x": starts[:, found.window.axes[0]], "y": np.where(np.isfinite(values), values, np.nan)}).dropna()


def _reach(values: Array) -> tuple[float, float]:
    """What an axis of f shows: all of it, or the bulk where it has a spike."""
    if not values.size:
        return 0.0, 1.0
    low, most, high = float(values.min()), float(np.quantile(values, 0.95)), float(values.max())
    top = high if high - low <= 3 * (most - low) else most
    return low - 0.1 * (top - low or 1.0), top + 0.1 * (top - low or 1.0)


def _axis() -> alt.Axis:
    return alt.Axis(grid=False, tickCount=6, format="~g", labelOverlap=True)


def _clicks(limits: tuple[tuple[float, float], tuple[float, float]], *, strip: bool) -> alt.Chart:
    """Invisible points that make every place clickable, and the rectangle that a drag draws."""
    x, y = limits
    across = np.linspace(*x, 301 if strip else 61)
    along = np.array([sum(y) / 2]) if strip else np.linspace(*y, 61)
    table = pd.DataFrame({"x": np.repeat(across, len(along)), "y": np.tile(along, len(across))})
    zoom = alt.selection_interval(name="zoom", encodings=["x"] if strip else ["x", "y"])
    return alt.Chart(table).mark_point(opacity=0, size=30).encode(x="x:Q", y="y:Q").add_params(*click_params(["x", "y"]), zoom)


def _run(run: Trace, view: View, axes: tuple[int, ...], limits: tuple[tuple[float, float], tuple[float, float]], *, strip: bool) -> list[alt.Chart]:
    if strip:
        table = pd.DataFrame({"x": run.path[:, axes[0]], "y": run.values, "epoch": range(len(run.path))})
    else:
        table = path_table(run, View(view.dark, view.width, view.height, (axes[0], axes[1])), limits, 2000)
    line = alt.Chart(table)
    halo = line.mark_line(color="white", strokeWidth=4, clip=True, opacity=0.85)
    path = line.mark_line(color="#111111", strokeWidth=1.8, clip=True)
    way = {"x": "x:Q", "y": "y:Q", "order": "epoch:Q"}
    return [halo.encode(**way), path.encode(**way), mark(table.iloc[:1], "square", theme.START), mark(table.iloc[-1:], "circle", theme.END)]


def _marks(points: Sequence[Point], view: View) -> list[alt.Chart]:
    """Minima as numbered discs, saddles as diamonds, and a cross over each minimum that runs cannot settle in."""
    layers, place = [], {"x": alt.X("x:Q"), "y": alt.Y("y:Q")}
    table = pd.DataFrame([vars(point) for point in points])
    if table.empty:
        return []
    size = 150 if view.small else 300
    saddles, minima, lost = table[table["number"] == ""], table[table["number"] != ""], table[table["unstable"]]
    tip = [alt.Tooltip("kind:N", title="here"), alt.Tooltip("x:Q", format=".4g"), alt.Tooltip("y:Q", format=".4g")]
    if len(saddles):
        layers.append(alt.Chart(saddles).mark_point(shape="diamond", filled=True, size=70 if len(saddles) <= FEW else 18, color="white", stroke="black", strokeWidth=1.2, opacity=1).encode(**place, tooltip=tip))
    if len(lost):
        cross = alt.Chart(lost).mark_point(shape="M-1,-1L1,1M-1,1L1,-1", size=size * 3, stroke="black", strokeWidth=3, opacity=1, filled=False)
        layers.append(cross.encode(**place, tooltip=tip))
    if len(minima):
        disc = alt.Chart(minima).mark_circle(size=size, opacity=1, stroke="white", strokeWidth=2)
        layers.append(disc.encode(**place, color=alt.Color("colour:N", scale=None), tooltip=tip))
        layers.append(alt.Chart(minima).mark_text(fontSize=9 if view.small else 12, fontWeight="bold", color="white").encode(**place, text="number:N"))
    return layers


@dataclass(frozen=True)
class LegendRow:
    """One outcome of a map: its name, a swatch of its colour, and what part of the area it has, from low to high."""

    name: str
    swatch: Picture
    share: float
    low: float
    high: float


def legend_rows(found: BasinMap) -> list[LegendRow]:
    """What occurs on the map, minima first; those beyond the palette are one row."""
    rows: dict[str, LegendRow] = {}
    for one in shares(found):
        if not one.high:
            continue
        name = minimum_name(one.label) if one.label >= 0 else one.ending.label.capitalize()
        swatch = _plain(one.label) if one.label >= 0 else _hatched(one.ending, SWATCH)
        before = rows.get(name)
        sums = (one.share, one.low, one.high) if before is None else (before.share + one.share, before.low + one.low, min(1.0, before.high + one.high))
        rows[name] = LegendRow(name, swatch.astype(np.uint8), *sums)
    return list(rows.values())


def legend(found: Outcomes, view: View) -> alt.LayerChart:
    """A row of swatches with the name of each outcome that occurs, minima first."""
    names = list({minimum_name(k): _plain(k) for k in np.unique(found.labels[found.labels >= 0]).tolist()}.items())
    names += [(ENDINGS[c].label.capitalize(), _hatched(ENDINGS[c], SWATCH)) for c in np.unique(found.codes[found.labels < 0]).tolist()]
    per_row = max(1, view.width // 135)
    rows = [{"x": 135 * (k % per_row), "y": 20 * (k // per_row), "name": name, "url": png(swatch.astype(np.uint8))} for k, (name, swatch) in enumerate(names)]
    table = pd.DataFrame(rows)
    height = 20 * (1 + (len(names) - 1) // per_row)
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, view.width], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[height - 10, -10], nice=False))
    swatches = alt.Chart(table).mark_image(width=20, height=13, align="left", aspect=False).encode(x, y, url="url:N")
    text = alt.Chart(table).mark_text(align="left", dx=26, fontSize=12, color=view.ink).encode(x, y, text="name:N")
    return alt.layer(swatches, text).properties(width=view.width, height=height, autosize=PAD)


def _plain(label: int) -> Array:
    return np.broadcast_to(_rgb(theme.minimum_colour(label)), (*SWATCH, 3))


def uncertainty(found: Uncertainty, view: View) -> alt.LayerChart:
    """The share of uncertain pixels over the error of a start, log over log, with the fitted line."""
    table = pd.DataFrame({"size": found.sizes, "share": found.shares})
    table = table[table["share"] > 0]
    x = alt.X("size:Q", title="error of a start, pixels", scale=alt.Scale(type="log", nice=False), axis=alt.Axis(values=table["size"].tolist(), grid=False, format="d"))
    y = alt.Y("share:Q", title="share with another outcome", scale=alt.Scale(type="log", nice=False, padding=8), axis=alt.Axis(format="~%", tickCount=4))
    points = alt.Chart(table).mark_circle(size=60, color=theme.COMPARED[0], opacity=1).encode(x, y, tooltip=["size:Q", alt.Tooltip("share:Q", format=".3%")])
    layers = [points]
    if not math.isnan(found.exponent) and len(table):
        middle = np.exp(np.log(table[["size", "share"]]).mean())
        line = table.assign(share=middle["share"] * (table["size"] / middle["size"]) ** found.exponent)
        layers.insert(0, alt.Chart(line).mark_line(color=view.ink, strokeWidth=1.5, strokeDash=[4, 3]).encode(x, y))
    return alt.layer(*layers).properties(width=view.width, height=view.height, autosize=PAD)
