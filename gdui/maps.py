"""Findings on the landscape → alt.Chart: heat map, contours, starts, paths, numbered minima."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import contourpy
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from gdcore.experiment import Findings, Trace
from gdcore.problem import Problem
from gdui import theme
from gdui.charts import MOST_MARKS, PAD, View, group_names, group_of, groups, sample, scales, starts_table, tooltip
from gdui.wording import MANY

MOST_VERTICES = 20_000
PIXELS = 201
SHARP = 1024  # pixels that a picture of few large ones has at least along its longer side
FILLED = "Fill: where it ends now. Rim: where the baseline ended."
FEW = 60  # so many marked starts can have large rings on a small map
Array = NDArray[np.float64]


def extent(problem: Problem, starts: Array | None, axis: int) -> tuple[float, float]:
    """The range an axis shows: the box, widened to hold the starts."""
    low, high = problem.limits[axis]
    if starts is None or not len(starts):
        return low, high
    return min(low, float(starts[:, axis].min())), max(high, float(starts[:, axis].max()))


def _axis(problem: Problem, axis: int, limits: tuple[float, float], channel: type, **options: object) -> alt.X | alt.Y:
    return channel(
        "x:Q" if channel is alt.X else "y:Q",
        title=problem.variables[axis],
        scale=alt.Scale(domain=list(limits), nice=False, zero=False),
        axis=alt.Axis(grid=False, tickCount=7, labelFlush=False, **options),
    )


def landscape_values(
    problem: Problem, limits: tuple[tuple[float, float], tuple[float, float]], axes: tuple[int, int], held: Array
) -> tuple[Array, Array, Array]:
    """x (201,), y (201,) and f (201, 201), row = y; variables that are no axis are held."""
    x, y = (np.linspace(low, high, PIXELS) for low, high in limits)
    points = np.broadcast_to(held, (PIXELS, PIXELS, problem.dimension)).copy()
    points[..., axes[0]], points[..., axes[1]] = x[None, :], y[:, None]
    return x, y, problem.value(points)


def png(rgb: NDArray[np.uint8]) -> str:
    """RGB bytes (rows, columns, 3), the lowest row first, as a data URL."""
    buffer = io.BytesIO()
    Image.fromarray(rgb[::-1]).save(buffer, format="PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def sharp(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with every pixel as a block, so that browsers do not blur it."""
    times = max(1, -(-SHARP // max(rgb.shape[:2])))
    return rgb.repeat(times, axis=0).repeat(times, axis=1)


def background(
    problem: Problem,
    limits: tuple[tuple[float, float], tuple[float, float]],
    view: View,
    held: Array,
    cut: tuple[float, float] | None,
    soften: float,
    ramp: Array = theme.VIRIDIS,
) -> alt.LayerChart:
    """Heat map as one picture, with thin contours over it."""
    x, y, f = landscape_values(problem, limits, view.axes, held)
    finite = f[np.isfinite(f)]
    low, high = cut or (tuple(np.quantile(finite, [0.0, 0.96])) if finite.size else (0.0, 1.0))
    picture = pd.DataFrame(
        {"x": [limits[0][0]], "x2": [limits[0][1]], "y": [limits[1][0]], "y2": [limits[1][1]]}
    ).assign(url=png(theme.colours(f, low, high, ramp=ramp, soften=soften, dark=view.dark)))
    image = (
        alt.Chart(picture)
        .mark_image(aspect=False)
        .encode(
            _axis(problem, view.axes[0], limits[0], alt.X),
            _axis(problem, view.axes[1], limits[1], alt.Y),
            x2="x2:Q",
            y2="y2:Q",
            url="url:N",
        )
    )
    return alt.layer(image, _contours(x, y, np.clip(f, low, high), low, high, view))


def _contours(x: Array, y: Array, f: Array, low: float, high: float, view: View) -> alt.Chart:
    generator = contourpy.contour_generator(x, y, np.ma.masked_invalid(f))
    parts, total = [], 0
    for level in np.linspace(low, high, 14)[1:-1]:
        for line in generator.lines(float(level)):
            total += len(line)
            if total <= MOST_VERTICES // 2:
                parts.append(pd.DataFrame({"x": line[:, 0], "y": line[:, 1], "line": len(parts)}))
    table = pd.concat(parts) if parts else pd.DataFrame({"x": [], "y": [], "line": []})
    table["order"] = range(len(table))
    colour = "#ffffff" if not view.dark else "#d1d5db"
    return (
        alt.Chart(table)
        .mark_line(strokeWidth=0.7, opacity=0.55, color=colour)
        .encode(x="x:Q", y="y:Q", detail="line:N", order="order:Q")
    )


@dataclass(frozen=True)
class Origins:
    """Some starts, by index (m,), and other findings from the same starts, where they ended before."""

    starts: NDArray[np.intp]
    before: Findings


def _drawn(findings: Findings, view: View, most: int, origins: Origins | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The starts of a map, and the groups of its legend."""
    scheme = groups(findings, view)
    if origins is None:
        return starts_table(findings, most), scheme
    table = starts_table(findings, most, origins.starts)
    table["before"] = group_of(origins.before, table["start"].to_numpy() - 1)
    every = pd.concat([scheme, groups(origins.before, view)]).drop_duplicates("group")
    table["rim"] = table["before"].map(dict(zip(every["group"], every["colour"], strict=True)))
    present = every["group"].isin([*table["group"], *table["before"]])
    order = {name: k for k, name in enumerate(group_names(max(len(f.minima) for f in (findings, origins.before))))}
    return table, every[present].sort_values("group", key=lambda names: names.map(order))


def _mark(view: View, count: int, origins: Origins | None) -> dict[str, object]:
    """How so many starts are marked."""
    crowded = count > 1500 or view.small
    if origins is None:
        return {"filled": True, "size": 22 if crowded else 34, "opacity": 0.9, "stroke": view.rim, "strokeWidth": 0.35}
    return {"filled": True, "size": 36 if crowded else 70 if count > FEW else 110, "opacity": 1, "strokeWidth": 1.4 if crowded else 2.2}


def caption(findings: Findings, *, ringed: bool = False) -> str:
    """What a map of starts shows; ringed: it has rings around some."""
    drawn = len(sample(findings.count))
    some = "" if drawn == findings.count else f" {drawn:,} of {findings.count:,} starts are drawn, evenly picked."
    missed = " Hollow discs: minima that no start settled in." if any(not m.count for m in findings.minima) else ""
    rings = " Ringed: carried over a border." if ringed else ""
    return f"Start points, coloured by the minimum they reach; other endings by shape.{some}{missed}{rings}"


def map_of_starts(
    findings: Findings,
    view: View,
    *,
    paths: Sequence[Trace] = (),
    chosen: Trace | None = None,
    legend: bool = True,
    over: Sequence[alt.Chart] = (),
    most: int = MOST_MARKS,
    origins: Origins | None = None,
) -> alt.LayerChart:
    """Where each start ends: start points over the landscape, coloured by minimum, other endings by shape.

    paths, chosen: runs drawn with their whole way; over: layers on top; most: so many starts are drawn. origins: draw those starts
    alone, each with a rim.
    """
    problem, (i, j) = findings.experiment.problem, view.axes
    limits = (extent(problem, findings.starts, i), extent(problem, findings.starts, j))
    held = np.array(next((m.point for m in findings.minima if m.exists), (problem.lows + problem.highs) / 2))
    table, scheme = _drawn(findings, view, most, origins)
    colour, shape = scales(scheme)
    table["x"], table["y"] = table[f"start {problem.variables[i]}"], table[f"start {problem.variables[j]}"]
    columns = 3
    style = alt.Legend(title=origins and FILLED, titleLimit=400, titleColor=view.ink, orient="bottom", columns=columns, symbolSize=90, symbolStrokeWidth=0, labelLimit=150) if legend else None
    pick = alt.selection_point(name="pick", fields=["start"], on="click", nearest=True, empty=False)
    points = (
        alt.Chart(table)
        .mark_point(**_mark(view, len(table), origins))
        .encode(
            _axis(problem, i, limits[0], alt.X),
            _axis(problem, j, limits[1], alt.Y),
            color=alt.Color("group:N", scale=colour, legend=style),
            shape=alt.Shape("group:N", scale=shape, legend=None),
            tooltip=tooltip(findings) + ([] if origins is None else [alt.Tooltip("before:N", title="baseline")]),
            **({} if origins is None else {"stroke": alt.Stroke("rim:N", scale=None)}),
        )
        .add_params(pick)
    )
    layers = [background(problem, limits, view, held, None, 0.45, theme.CIVIDIS), *_path_layers(paths, view, limits)]
    layers += [points, *_discs(findings, view, limits)]
    if chosen is not None:
        layers += _run_layers(chosen, view, limits)
    return alt.layer(*layers, *over).properties(width=view.width, height=view.height, autosize=PAD)


def _discs(findings: Findings, view: View, limits: tuple[tuple[float, float], ...]) -> list[alt.Chart]:
    """The minima as numbered discs in their colours; those that no start reached are hollow."""
    i, j = view.axes
    rows = [
        {
            "x": m.point[i], "y": m.point[j], "number": str(k + 1), "colour": theme.minimum_colour(k),
            "f": m.value, "share": m.share, "fill": theme.minimum_colour(k) if m.count else "#ffffff",
        }
        for k, m in enumerate(findings.minima[:30])
        if limits[0][0] <= m.point[i] <= limits[0][1] and limits[1][0] <= m.point[j] <= limits[1][1]
    ]  # fmt: skip
    if not rows:
        return []
    table = pd.DataFrame(rows)
    place = {"x": alt.X("x:Q"), "y": alt.Y("y:Q")}
    tip = [alt.Tooltip("number:N", title="minimum"), alt.Tooltip("f:Q", format=".6g"), alt.Tooltip("share:Q", format=".1%")]
    big = len(rows) <= 12 and not view.small
    disc = alt.Chart(table).mark_circle(size=330 if big else 150, opacity=1, strokeWidth=2).encode(
        **place, tooltip=tip, fill=alt.Fill("fill:N", scale=None),
        stroke=alt.condition("datum.fill == '#ffffff'", alt.Stroke("colour:N", scale=None), alt.value("#ffffff")),
    )  # fmt: skip
    reached = alt.Chart(table).mark_text(fontSize=13 if big else 9, fontWeight="bold").encode(
        **place, text="number:N", color=alt.condition("datum.fill == '#ffffff'", alt.Color("colour:N", scale=None), alt.value("#ffffff")),
    )  # fmt: skip
    return [disc, reached]


def _path_layers(paths: Sequence[Trace], view: View, limits: tuple[tuple[float, float], ...]) -> list[alt.Chart]:
    if not paths:
        return []
    share = max(2, MOST_VERTICES // 2 // len(paths))
    parts = [path_table(trace, view, limits, share).assign(run=k) for k, trace in enumerate(paths)]
    table = pd.concat(parts)
    return [
        alt.Chart(table)
        .mark_line(strokeWidth=0.9, opacity=0.6, color=view.ink, clip=True)
        .encode(x="x:Q", y="y:Q", detail="run:N", order="epoch:Q")
    ]


def path_table(trace: Trace, view: View, limits: tuple[tuple[float, float], ...], most: int) -> pd.DataFrame:
    index = sample(len(trace.path), most)
    table = pd.DataFrame({"x": trace.path[index, view.axes[0]], "y": trace.path[index, view.axes[1]], "epoch": index})
    margin = [(high - low) * 50 for low, high in limits]  # far-off vertices would make the browser struggle
    near = table["x"].between(limits[0][0] - margin[0], limits[0][1] + margin[0])
    return table[near & table["y"].between(limits[1][0] - margin[1], limits[1][1] + margin[1])]


def _run_layers(trace: Trace, view: View, limits: tuple[tuple[float, float], ...]) -> list[alt.Chart]:
    """One run: red line, start as blue square, end as red circle."""
    table = path_table(trace, view, limits, 2000)
    line = alt.Chart(table).mark_line(color=theme.PATH, strokeWidth=2.2, clip=True)
    return [
        line.encode(x="x:Q", y="y:Q", order="epoch:Q"),
        mark(table.iloc[:1], "square", theme.START),
        mark(table.iloc[-1:], "circle", theme.END),
    ]


def mark(table: pd.DataFrame, shape: str, colour: str) -> alt.Chart:
    return (
        alt.Chart(table)
        .mark_point(filled=True, shape=shape, size=140, color=colour, stroke="white", strokeWidth=1.5, opacity=1, clip=True)
        .encode(x="x:Q", y="y:Q")
    )


def ringed(starts: Array, findings: Findings, view: View) -> alt.Chart:
    """Rings around marked start points (m, d): drawn over a map."""
    problem = findings.experiment.problem
    up = starts[:, view.axes[1]] if problem.dimension > 1 else problem.value(starts)
    table = pd.DataFrame({"x": starts[:, view.axes[0]], "y": up})
    few = len(table) <= FEW
    size = 110 if not view.small else 48 if few else 14
    ring = alt.Chart(table).mark_point(size=size, filled=False, color=view.ink, strokeWidth=1.4 if few or not view.small else 0.9, opacity=1, clip=True)
    return ring.encode(x="x:Q", y="y:Q")


def click_grid(limits: tuple[tuple[float, float], ...]) -> alt.Chart:
    """Invisible points that make every place of the map clickable; a click on a mark above them tells the mark's own place."""
    x, y = (np.linspace(low, high, 61) for low, high in limits)
    table = pd.DataFrame({"x": np.repeat(x, 61), "y": np.tile(y, 61)})
    return alt.Chart(table).mark_point(opacity=0, size=30).encode(x="x:Q", y="y:Q").add_params(*click_params(["x", "y"]))


def click_params(fields: list[str]) -> list[alt.Parameter]:
    """The selection "click", and one that gives each place to the nearest invisible point: alone it would not see clicks on marks."""
    near = alt.selection_point(name="near", fields=fields, nearest=True, on="click", empty=False)
    return [near, alt.selection_point(name="click", fields=fields, on="click", empty=False)]


def curve_of_starts(
    findings: Findings,
    view: View,
    *,
    chosen: Trace | None = None,
    legend: bool = True,
    over: Sequence[alt.Chart] = (),
    most: int = MOST_MARKS,
    origins: Origins | None = None,
) -> alt.LayerChart:
    """One variable: the curve, the starts on it, the minima as numbered discs. Arguments as for map_of_starts."""
    problem = findings.experiment.problem
    low, high = extent(problem, findings.starts, 0)
    x = np.linspace(low, high, 1001)
    curve = pd.DataFrame({"x": x, "y": problem.value(x[:, None])})
    table, scheme = _drawn(findings, view, most, origins)
    table["x"] = table[f"start {problem.variables[0]}"]
    table["y"] = problem.value(table[["x"]].to_numpy())
    colour, shape = scales(scheme)
    style = alt.Legend(title=origins and FILLED, titleLimit=400, titleColor=view.ink, orient="bottom", columns=4, symbolSize=90, symbolStrokeWidth=0, labelLimit=150) if legend else None
    pick = alt.selection_point(name="pick", fields=["start"], on="click", nearest=True, empty=False)
    across = _axis(problem, 0, (low, high), alt.X)
    up = alt.Y("y:Q", title="f", scale=alt.Scale(zero=False))
    points = (
        alt.Chart(table)
        .mark_point(**_mark(view, 1 if origins is None else len(table), origins))
        .encode(
            across,
            up,
            color=alt.Color("group:N", scale=colour, legend=style),
            shape=alt.Shape("group:N", scale=shape, legend=None),
            tooltip=tooltip(findings) + ([] if origins is None else [alt.Tooltip("before:N", title="baseline")]),
            **({} if origins is None else {"stroke": alt.Stroke("rim:N", scale=None)}),
        )
        .add_params(pick)
    )
    discs = [(m.point[0], m.value, str(k + 1), theme.minimum_colour(k)) for k, m in enumerate(findings.minima[:MANY])]
    marks = pd.DataFrame(discs, columns=["x", "y", "number", "colour"])
    marks = marks[marks["x"].between(low, high)]
    disc = alt.Chart(marks).mark_circle(size=330, opacity=1, stroke="white").encode(across, up, color=alt.Color("colour:N", scale=None))
    label = alt.Chart(marks).mark_text(fontSize=13, fontWeight="bold", color="white").encode(across, up, text="number:N")
    line = alt.Chart(curve).mark_line(color=view.ink, strokeWidth=1.6).encode(across, up)
    layers: list[alt.Chart] = [line, points, disc, label]
    if chosen is not None:
        path = pd.DataFrame({"x": chosen.path[:, 0], "y": chosen.values, "epoch": range(len(chosen.path))})
        layers += [mark(path.iloc[:1], "square", theme.START), mark(path.iloc[-1:], "circle", theme.END)]
    return alt.layer(*layers, *over).properties(width=view.width, height=view.height, autosize=PAD)
