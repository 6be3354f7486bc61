"""One recorded run → alt.Chart: the note's picture, the curve, and values per epoch."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gdcore.experiment import Trace
from gdcore.problem import Problem
from gdcore.stopping import Ending
from gdui import theme
from gdui.charts import PAD, View, sample
from gdui.maps import background, click_grid, click_params, mark, path_table

Array = NDArray[np.float64]


def landscape(
    problem: Problem, trace: Trace, epoch: int, arrow: Array, view: View, cut: tuple[float, float], *,
    under: Sequence[alt.Chart] = (), over: Sequence[alt.Chart] = (),
) -> alt.LayerChart:
    """The note's picture: heat map with colour bar, start, trajectory, end; the point at `epoch` with its gradient arrow.

    under: layers between the heat map and the run; over: on top of all. Clicks are taken below them, so that a mark can be hovered over and hit.
    """
    limits = (problem.limits[view.axes[0]], problem.limits[view.axes[1]])
    held = trace.path[-1]
    table = path_table(trace, view, limits, 2000)
    legend = alt.Legend(title=None, orient="bottom", columns=4, symbolSize=110, symbolStrokeWidth=0)
    end_name = "Local minimum" if trace.ending is Ending.MINIMUM else f"End: {trace.ending.label}"
    names = ["■ Start", "● " + end_name, "▬ Trajectory", "▲ Descent direction"]
    scale = alt.Scale(domain=names, range=[theme.START, theme.END, theme.PATH, "#ffffff" if view.dark else "#111827"])
    shapes = alt.Scale(domain=names, range=["square", "circle", "stroke", "triangle"])
    ends = pd.DataFrame(
        {"x": trace.path[[0, -1], view.axes[0]], "y": trace.path[[0, -1], view.axes[1]], "what": names[:2]}
    )
    key = pd.DataFrame({"x": [limits[0][0] - 1e3] * 2, "y": [limits[1][0]] * 2, "what": names[2:]})  # clipped away
    marks = (
        alt.Chart(pd.concat([ends, key]))
        .mark_point(filled=True, size=170, stroke="white", strokeWidth=1.5, opacity=1, clip=True)
        .encode(
            x="x:Q",
            y="y:Q",
            color=alt.Color("what:N", scale=scale, legend=legend),
            shape=alt.Shape("what:N", scale=shapes, legend=None),
            tooltip=["what:N", alt.Tooltip("x:Q", format=".5g"), alt.Tooltip("y:Q", format=".5g")],
        )
    )
    line = alt.Chart(table).mark_line(color=theme.PATH, strokeWidth=2.5, clip=True).encode(x="x:Q", y="y:Q", order="epoch:Q")
    layers = [background(problem, limits, view, held, cut, 0.12), _colour_bar(cut, limits), click_grid(limits), *under]
    layers += [line, *_arrow(trace, epoch, arrow, view, limits), marks]
    return alt.layer(*layers, *over).resolve_scale(color="independent").properties(width=view.width, height=view.height, autosize=PAD)


def _colour_bar(cut: tuple[float, float], limits: tuple[tuple[float, float], ...]) -> alt.Chart:
    """A legend for the picture, which has no scale of its own."""
    table = pd.DataFrame({"f": list(cut), "x": list(limits[0]), "y": list(limits[1])})
    legend = alt.Legend(title="f", orient="right", gradientLength=300, type="gradient")
    return alt.Chart(table).mark_circle(opacity=0).encode(
        x="x:Q", y="y:Q", color=alt.Color("f:Q", scale=alt.Scale(domain=list(cut), range=theme.VIRIDIS_HEX), legend=legend)
    )  # fmt: skip


def _arrow(trace: Trace, epoch: int, arrow: Array, view: View, limits: tuple[tuple[float, float], ...]) -> list[alt.Chart]:
    here = trace.path[epoch, list(view.axes)]
    direction = arrow[list(view.axes)]
    spans = np.array([high - low for low, high in limits])
    size = float(np.sqrt(((direction / spans) ** 2).sum()))
    colour = "#ffffff" if view.dark else "#111827"
    now = pd.DataFrame({"x": [here[0]], "y": [here[1]]})
    spot = alt.Chart(now).mark_point(filled=True, size=90, color=colour, stroke="white", opacity=1, clip=True).encode(x="x:Q", y="y:Q")
    if not np.isfinite(size) or size == 0:
        return [spot]
    length = 0.04 + 0.10 * min(1.0, size / 20)  # of the map: long where the slope is steep, never off the map
    tip = here + direction / size * length
    shaft = pd.DataFrame({"x": [here[0]], "y": [here[1]], "x2": [tip[0]], "y2": [tip[1]]})
    angle = float(np.degrees(np.arctan2(*(direction / spans)))) % 360
    head = pd.DataFrame({"x": [tip[0]], "y": [tip[1]]})
    return [
        alt.Chart(shaft).mark_rule(color=colour, strokeWidth=2.5, clip=True).encode(x="x:Q", y="y:Q", x2="x2:Q", y2="y2:Q"),
        alt.Chart(head).mark_point(shape="triangle", filled=True, size=110, color=colour, angle=angle, opacity=1, clip=True).encode(x="x:Q", y="y:Q"),
        spot,
    ]


def landscape_curve(problem: Problem, trace: Trace, epoch: int, view: View, *, under: Sequence[alt.Chart] = (), over: Sequence[alt.Chart] = ()) -> alt.LayerChart:
    """One variable: the curve with the run on it; under: layers between the two; over: on top."""
    low, high = problem.limits[0]
    x = np.linspace(low, high, 801)
    curve = pd.DataFrame({"x": x, "y": problem.value(x[:, None])})
    run = pd.DataFrame({"x": trace.path[:, 0], "y": trace.values, "epoch": range(len(trace.path))})
    run = run[run["x"].between(low, high)]
    across = alt.X("x:Q", title=problem.variables[0], scale=alt.Scale(domain=[low, high], nice=False))
    line = alt.Chart(curve).mark_line(color=view.ink, strokeWidth=1.5).encode(across, alt.Y("y:Q", title="f"))
    path = alt.Chart(run.iloc[sample(len(run), 2000)]).mark_line(color=theme.PATH, point=True, strokeWidth=1.5).encode(across, y="y:Q", order="epoch:Q")
    now = run[run["epoch"] <= epoch].iloc[-1:]
    click = pd.DataFrame({"x": np.linspace(low, high, 401), "y": problem.value(np.linspace(low, high, 401)[:, None])})
    grid = alt.Chart(click).mark_point(opacity=0).encode(across, y="y:Q").add_params(*click_params(["x"]))
    layers = [line, grid, *under, path, mark(run.iloc[:1], "square", theme.START), mark(run.iloc[-1:], "circle", theme.END)]
    return alt.layer(*layers, mark(now, "diamond", view.ink), *over).properties(width=view.width, height=view.height, autosize=PAD)


def per_epoch(trace: Trace, epoch: int, view: View, quantity: str) -> alt.LayerChart:
    """f or |∇f| over the epochs; |∇f|, and f where it is positive, on a log scale. The rule marks the scrubbed epoch."""
    values = trace.values if quantity == "f" else trace.gradient_norms
    index = sample(len(values), 2000)
    table = pd.DataFrame({"epoch": index, "value": values[index]})
    table = table[np.isfinite(table["value"])]
    logarithmic = quantity != "f" or bool(len(table)) and float(table["value"].min()) > 0
    if logarithmic:
        table["value"] = table["value"].clip(lower=1e-17)
    scale = alt.Scale(type="log") if logarithmic else alt.Scale(zero=False)
    line = (
        alt.Chart(table)
        .mark_line(color=theme.PATH, strokeWidth=1.8)
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(format=",d", tickCount=6)),
            y=alt.Y("value:Q", title=quantity + (" (log scale)" if logarithmic else ""), scale=scale, axis=alt.Axis(tickCount=5, format=".4~g" if not logarithmic else "~e")),
            tooltip=[alt.Tooltip("epoch:Q", format=",d"), alt.Tooltip("value:Q", format=".6g")],
        )
    )
    rule = alt.Chart(pd.DataFrame({"epoch": [epoch]})).mark_rule(color=view.ink, strokeDash=[4, 3]).encode(x="epoch:Q")
    return alt.layer(line, rule).properties(width=view.width, height=view.height, autosize=PAD)
