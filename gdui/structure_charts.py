"""Certificate and structure → alt.Chart: marks, borders and descents over a map, and the disconnectivity graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gdcore.certificate import Certificate
from gdcore.crossings import Crossings
from gdcore.findings import Findings
from gdcore.manifolds import Curve
from gdcore.problem import Problem
from gdcore.structure import Structure
from gdui import theme
from gdui.charts import PAD, View, sample
from gdui.maps import ringed
from gdui.stationary import BOUNDARY, EDGE, MOST_NUMBERS, Mark
from gdui.wording import figure

Array = NDArray[np.float64]
MOST_VERTICES = 2_000  # of the borders, and of the descents: with their halos, the contours and a run, a map stays at 20,000
MOST_REGIONS = 200
MOST_RINGS, MOST_PARTS = 1_000, 1_000
BEND = 1e-3  # of a box width: what a drawn curve may be beside the computed one
SMALL = 0.02  # box widths: a smaller region gets a mark, or nobody would see it
DARK, LIGHT, NOT_PROVED = "#111827", "#ffffff", "#e11d48"
NOWHERE = "#4b5563"  # a descent that joins no minimum
CROWD = 60  # so many curves are drawn thin
SHAPES = {"saddle": "diamond", "maximum": "triangle-up", "undecided": "cross", EDGE: "circle", BOUNDARY: "square"}


@dataclass(frozen=True)
class Shown:
    """Which layers a map shows."""

    points: bool = False
    borders: bool = False
    descents: bool = False


def layers(
    problem: Problem, certificate: Certificate, structure: Structure | None, found: Sequence[Mark], shown: Shown, view: View
) -> list[alt.Chart]:
    """What is drawn over a map, or over the curve of one variable: curves below, then what is not proved, then the marks.

    found: the marks to draw; none of them is left out. The minima's numbers are a layer of their own.
    """
    out: list[alt.Chart] = []
    if structure is not None and shown.descents:
        out += _descents(problem, structure, view)
    if structure is not None and shown.borders:
        out += _borders(problem, structure)
    if shown.points:
        out += _regions(problem, certificate, view) if problem.dimension > 1 else _stretches(certificate)
        out += _marks(problem, found, view)
    return out


# -- curves ------------------------------------------------------------------------------------------------------------


def drawn_curves(curves: Sequence[Curve], problem: Problem, axes: tuple[int, int], most: int = MOST_VERTICES) -> tuple[list[tuple[Curve, Array]], int]:
    """The curves that are drawn, each with its vertices (k, d), and how many there are in all; vertices on a straight stretch are left out."""
    out, total = [], 0
    width = problem.highs - problem.lows
    for curve in curves:
        flat = (curve.path / width)[:, sorted(set(axes))]
        path = curve.path[_needed(flat) if problem.dimension > 1 else sample(len(flat), 60)]
        total += len(path)
        if total > most:
            break
        out.append((curve, path))
    return out, len(curves)


def _needed(path: Array) -> NDArray[np.intp]:
    """Indices of the vertices of a path (k, d) that differ from straight stretches by BEND (D. Douglas, T. Peucker 1973)."""
    keep, stretches = {0, len(path) - 1}, [(0, len(path) - 1)]
    while stretches:
        first, last = stretches.pop()
        if last - first < 2:
            continue
        chord, inner = path[last] - path[first], path[first + 1 : last] - path[first]
        length = float(chord @ chord)
        along = np.clip(inner @ chord / length, 0, 1) if length else np.zeros(len(inner))
        beside = np.abs(inner - along[:, None] * chord).max(axis=1)
        far = int(np.argmax(beside))
        if beside[far] > BEND:
            middle = first + 1 + far
            keep.add(middle)
            stretches += [(first, middle), (middle, last)]
    return np.array(sorted(keep), dtype=np.intp)


def curves_caption(problem: Problem, structure: Structure | None, shown: Shown, axes: tuple[int, int]) -> str:
    """How many curves are drawn where that is not all of them."""
    if structure is None:
        return ""
    asked = [("borders", structure.borders, shown.borders), ("descents", structure.descents, shown.descents)]
    counts = [(name, *drawn_curves(curves, problem, axes)) for name, curves, wanted in asked if wanted]
    return " ".join(f"{len(some):,} of {total:,} {name} are drawn, those of the lowest saddles." for name, some, total in counts if len(some) < total)


def _vertices(pairs: Sequence[tuple[Curve, Array]], view: View, structure: Structure) -> pd.DataFrame:
    """One row per vertex of all curves, at least one of them, coloured by the minimum that the curve joins."""
    i, j = view.axes
    paths, sizes = np.concatenate([path for _, path in pairs]), [len(path) for _, path in pairs]
    joined = [structure.joins(curve) for curve, _ in pairs]
    colours = [NOWHERE if number is None else theme.minimum_colour(number) for number in joined]
    height = structure.problem.value(paths) if structure.problem.dimension == 1 else paths[:, j]
    vertices = np.concatenate([np.arange(size) for size in sizes])
    return pd.DataFrame({"x": paths[:, i], "y": height, "curve": np.repeat(np.arange(len(sizes)), sizes), "vertex": vertices, "colour": np.repeat(colours, sizes)})


def _borders(problem: Problem, structure: Structure) -> list[alt.Chart]:
    if problem.dimension == 1:
        places = pd.DataFrame({"x": [float(curve.path[0, 0]) for curve in structure.borders], "what": "border"})
        return [alt.Chart(places).mark_rule(color="#6b7280", strokeWidth=1.6, strokeDash=[5, 3]).encode(x="x:Q")] if len(places) else []
    pairs, _ = drawn_curves(structure.borders, problem, (0, 1))
    if not pairs:
        return []
    table = _vertices(pairs, View(dark=False), structure).assign(what="border").drop(columns="colour")
    line = alt.Chart(table).encode(x="x:Q", y="y:Q", detail="curve:N", order="vertex:Q")
    style = {"clip": True, "strokeCap": "round", "strokeJoin": "round"}
    outer, inner = (4.2, 1.9) if len(pairs) <= CROWD else (2.6, 1.1)
    return [line.mark_line(color=LIGHT, strokeWidth=outer, opacity=0.85, **style), line.mark_line(color=DARK, strokeWidth=inner, opacity=1, **style)]


def _descents(problem: Problem, structure: Structure, view: View) -> list[alt.Chart]:
    pairs, _ = drawn_curves(structure.descents, problem, view.axes)
    if not pairs:
        return []
    table = _vertices(pairs, view, structure).assign(what="descent")
    line = alt.Chart(table).encode(x="x:Q", y="y:Q", detail="curve:N", order="vertex:Q")
    coloured = line.encode(stroke=alt.Stroke("colour:N", scale=None))
    if problem.dimension == 1:
        return [coloured.mark_line(strokeWidth=5, opacity=0.55, clip=True)]
    outer, inner = (3.4, 2.0) if len(pairs) <= CROWD else (2.2, 1.2)
    return [line.mark_line(color=LIGHT, strokeWidth=outer, opacity=0.8, clip=True), coloured.mark_line(strokeWidth=inner, strokeDash=[6, 2], opacity=1, clip=True)]


def over_starts(findings: Findings, structure: Structure | None, crossings: Crossings | None, view: View) -> list[alt.Chart]:
    """Borders over the starts of some findings, and rings around those that were carried over one, at most MOST_RINGS."""
    borders = [] if structure is None else _borders(structure.problem, structure)
    if crossings is None or not crossings.count:
        return borders
    index = crossings.starts[crossings.carried]
    return [*borders, ringed(findings.starts[index[sample(len(index), MOST_RINGS)]], findings, view)]


# -- what is not proved ------------------------------------------------------------------------------------------------


def _regions(problem: Problem, certificate: Certificate, view: View) -> list[alt.Chart]:
    i, j = view.axes
    width = problem.highs - problem.lows
    rows = [
        {"x": part[i][0], "x2": part[i][1], "y": part[j][0], "y2": part[j][1], "share": region.share, "what": "unresolved", "size": 150 if len(region.parts) == 1 else 30}
        for region in certificate.unresolved[:MOST_REGIONS]
        for part in region.parts
    ][:MOST_PARTS]
    if not rows:
        return []
    table = pd.DataFrame(rows)
    table["small"] = (table["x2"] - table["x"] < SMALL * width[i]) & (table["y2"] - table["y"] < SMALL * width[j])
    tip = [alt.Tooltip("what:N", title="not proved"), alt.Tooltip("share:Q", format=".2~g", title="share of the box")]
    large, small = table[~table["small"]], table[table["small"]]
    small = small.assign(x=(small["x"] + small["x2"]) / 2, y=(small["y"] + small["y2"]) / 2)
    area = alt.Chart(large).mark_rect(color=NOT_PROVED, fillOpacity=0.25, stroke=NOT_PROVED, strokeWidth=1.2, strokeDash=[3, 2], clip=True)
    spot = alt.Chart(small).mark_point(shape="square", color=NOT_PROVED, strokeWidth=2.2, fill=LIGHT, fillOpacity=0.35, opacity=1, clip=True)
    return [*([area.encode(x="x:Q", x2="x2:Q", y="y:Q", y2="y2:Q", tooltip=tip)] if len(large) else []), *([spot.encode(x="x:Q", y="y:Q", size=alt.Size("size:Q", scale=None), tooltip=tip)] if len(small) else [])]


def _stretches(certificate: Certificate) -> list[alt.Chart]:
    """One variable: what is not proved, as upright bands."""
    rows = [
        {"x": part[0][0], "x2": part[0][1], "share": region.share, "what": "unresolved"}
        for region in certificate.unresolved[:MOST_REGIONS]
        for part in region.parts
    ][:MOST_PARTS]
    band = alt.Chart(pd.DataFrame(rows)).mark_rect(color=NOT_PROVED, fillOpacity=0.25, stroke=NOT_PROVED, strokeWidth=1.5)
    return [band.encode(x="x:Q", x2="x2:Q", tooltip=["what:N", alt.Tooltip("share:Q", format=".2~g", title="share of the box")])] if rows else []


# -- marks -------------------------------------------------------------------------------------------------------------


def _marks(problem: Problem, found: Sequence[Mark], view: View) -> list[alt.Chart]:
    if not found:
        return []
    table = _table(found[::-1], problem, view)  # the deepest on top
    minima, rest = table[table["kind"] == "minimum"], table[table["kind"] != "minimum"]
    tip = [alt.Tooltip("name:N", title="certified"), *(alt.Tooltip(f"{c}:Q", format=".6g", title=t) for c, t in (("x", problem.variables[view.axes[0]]), ("y", problem.variables[view.axes[1]] if problem.dimension > 1 else "f"))), *([alt.Tooltip("f:Q", format=".6g")] if problem.dimension > 1 else [])]  # fmt: skip
    size, disc = _sizes(found)
    out = []
    for kind, shape in SHAPES.items():
        part = rest[rest["kind"] == kind]
        if len(part):
            fill = "transparent" if kind == EDGE else DARK if kind == "maximum" else LIGHT
            rim = LIGHT if kind in ("maximum", EDGE) else DARK
            mark = alt.Chart(part).mark_point(shape=shape, size=size, fill=fill, stroke=rim, strokeWidth=1.6 if size > 50 else 0.6, opacity=1)
            out.append(mark.encode(x="x:Q", y="y:Q", tooltip=tip))
    if len(minima):
        spot = alt.Chart(minima).mark_circle(size=disc, opacity=1, stroke=LIGHT, strokeWidth=1.8 if disc > 60 else 0.6)
        out.append(spot.encode(x="x:Q", y="y:Q", fill=alt.Fill("colour:N", scale=None), tooltip=tip))
    return out


def numbers(problem: Problem, found: Sequence[Mark], view: View) -> list[alt.Chart]:
    """The minima's numbers, to be drawn on top of all: a run that ends at a minimum hides its disc but not its number."""
    minima = [mark for mark in found if mark.kind == "minimum"]
    if not 0 < len(minima) <= MOST_NUMBERS:
        return []
    table = _table(minima, problem, view).drop(columns=["kind", "colour"])
    table = table.loc[~table[["x", "y"]].round(9).duplicated()]  # of several in one place the deepest is on top
    text = alt.Chart(table).mark_text(fontSize=12 if _sizes(found)[1] > 200 else 9, fontWeight="bold", color=LIGHT)
    return [text.encode(x="x:Q", y="y:Q", text="number:N")]


def _sizes(found: Sequence[Mark]) -> tuple[int, int]:
    """Of the marks, and of the minima's discs, in square pixels."""
    return (130, 330) if len(found) <= 40 else (55, 150) if len(found) <= 150 else (22, 55) if len(found) <= 450 else (10, 24)


def _table(found: Sequence[Mark], problem: Problem, view: View) -> pd.DataFrame:
    i, j = view.axes
    return pd.DataFrame(
        [
            {
                "x": mark.certified.point[i], "y": mark.certified.point[j] if problem.dimension > 1 else mark.certified.value,
                "f": mark.certified.value, "kind": mark.kind, "name": mark.name, "number": str(mark.number),
                "colour": theme.minimum_colour(mark.number - 1) if mark.kind == "minimum" else LIGHT,
            }
            for mark in found
        ]
    )  # fmt: skip


# -- the disconnectivity graph -----------------------------------------------------------------------------------------


def tree(structure: Structure, found: Sequence[Mark], view: View) -> alt.LayerChart:
    """Minima at their f, joined where the lowest saddle between them is; colours and numbers are the map's.

    found: all marks, so that a saddle has its name.
    """
    graph, k = structure.barriers.tree, len(structure.minima)
    names = {mark.index: mark.name for mark in found}
    span = float(np.ptp(graph.levels)) or 1.0
    grey = "#9aa3b2" if view.dark else "#6b7280"
    branches = pd.DataFrame(_branches(graph.levels.tolist(), graph.parents.tolist(), graph.places.tolist(), k, span, grey))
    leaves = pd.DataFrame(
        {"place": graph.places[:k], "f": graph.levels[:k], "number": [str(i + 1) for i in range(k)], "colour": [theme.minimum_colour(i) for i in range(k)]}
    ).assign(area=[part.share for part in structure.areas.minima], escape=[figure(float(value)) for value in structure.barriers.escapes()])
    inner = pd.DataFrame({"place": graph.places[k:], "f": graph.levels[k:], "saddle": [names.get(int(s), "") for s in graph.saddles[k:]]})
    inner["label"] = [figure(float(level)) for level in inner["f"]]
    low, high = float(graph.levels.min()), float(graph.levels.max())
    across = alt.X("place:Q", title=None, axis=None, scale=alt.Scale(domain=[-0.6, k - 0.4], nice=False))
    up = alt.Y("f:Q", title="f", scale=alt.Scale(domain=[low - 0.08 * span, high + 0.1 * span], nice=False, zero=False), axis=alt.Axis(grid=False, tickCount=6))
    line = alt.Chart(branches).encode(across, up, detail="branch:N", order="vertex:Q", stroke=alt.Stroke("colour:N", scale=None))
    wide = 2.4 if k <= 30 else 1.1
    out = [
        line.transform_filter("!datum.alone").mark_line(strokeWidth=wide, strokeJoin="miter"),
        line.transform_filter("datum.alone").mark_line(strokeWidth=wide, strokeDash=[4, 3]),
    ]
    if len(inner):
        tip = [alt.Tooltip("saddle:N", title="joined at"), alt.Tooltip("f:Q", format=".6g")]
        out.append(alt.Chart(inner).mark_point(shape="diamond", size=70 if k <= 30 else 18, fill=LIGHT, stroke=grey, strokeWidth=1.4, opacity=1).encode(across, up, tooltip=tip))
    if 0 < len(inner) <= 10:
        out.append(alt.Chart(inner).mark_text(baseline="top", dy=8, fontSize=11, color=view.ink).encode(across, up, text="label:N"))
    size = 300 if k <= 15 else 130 if k <= 30 else 22
    told = [alt.Tooltip("number:N", title="minimum"), alt.Tooltip("f:Q", format=".6g"), alt.Tooltip("escape:N", title="least climb out"), alt.Tooltip("area:Q", format=".1%", title="area")]
    out.append(alt.Chart(leaves).mark_circle(size=size, opacity=1, stroke=LIGHT, strokeWidth=1 if k <= 30 else 0.3).encode(across, up, fill=alt.Fill("colour:N", scale=None), tooltip=told))
    if k <= 30:
        out.append(alt.Chart(leaves).mark_text(fontSize=13 if k <= 15 else 9, fontWeight="bold", color=LIGHT).encode(across, up, text="number:N"))
    return alt.layer(*out).properties(width=view.width, height=view.height, autosize=PAD)


def _branches(levels: list[float], parents: list[int], places: list[float], leaves: int, span: float, grey: str) -> list[dict[str, object]]:
    """The vertices of a branch for each node: up to the level where it joins, then across; of a root, a stub upwards."""
    top = max(levels) + 0.07 * span
    rows: list[dict[str, object]] = []
    for node, parent in enumerate(parents):
        turn = levels[parent] if parent >= 0 else top
        corners = [(places[node], levels[node]), (places[node], turn), *([(places[parent], turn)] if parent >= 0 else [])]
        look = {"branch": node, "colour": theme.minimum_colour(node) if node < leaves else grey, "alone": parent < 0 and node < leaves}
        rows += [{"place": x, "f": y, "vertex": vertex, **look} for vertex, (x, y) in enumerate(corners)]
    return rows
