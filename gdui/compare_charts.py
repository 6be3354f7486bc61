"""Comparison → alt.Chart: success over evaluations, shares side by side, transitions, the race, performance profiles."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gdcore.compare import Comparison, Transition
from gdcore.experiment import Trace
from gdcore.problem import Problem
from gdcore.profile import Profile
from gdcore.shares import wilson
from gdcore.stopping import ENDINGS
from gdui import charts, theme
from gdui.charts import PAD, View, minimum_name, sample
from gdui.maps import background, click_grid, mark, path_table

MOST_STEPS = 400  # points of a curve
Array = NDArray[np.float64]


def _colour(names: tuple[str, ...], legend: alt.Legend | None) -> alt.Color:
    return alt.Color("optimizer:N", scale=alt.Scale(domain=list(names), range=[c for c, _ in theme.optimizer_styles(names).values()]), legend=legend)


def _dash(names: tuple[str, ...], legend: alt.Legend | None = None) -> alt.StrokeDash:
    """With the colour's own legend the two become one, whose symbols show the dashes."""
    return alt.StrokeDash(
        "optimizer:N", scale=alt.Scale(domain=list(names), range=[list(d) for _, d in theme.optimizer_styles(names).values()]), legend=legend
    )


def _legend(columns: int, symbol: str = "stroke") -> alt.Legend:
    return alt.Legend(title=None, orient="bottom", columns=columns, labelLimit=260, symbolType=symbol, symbolStrokeWidth=4)


def ecdf(comparison: Comparison, view: View) -> alt.LayerChart:
    """Share of all starts that had succeeded, over gradient evaluations (log scale), with 95 % bands."""
    most = int(comparison.evaluations.max())
    parts = [_curve(comparison, k, most) for k in range(len(comparison.names))]
    table = pd.concat(parts)
    least = max(1, int(comparison.evaluations[comparison.success].min() // 2) if comparison.success.any() else 1)
    x = alt.X(
        "evaluations:Q", title="gradient evaluations (log scale)", scale=alt.Scale(type="log", domain=[least, most], nice=False, clamp=True),
        axis=alt.Axis(format="~s", tickCount=6),
    )  # fmt: skip
    y = alt.Y("share:Q", title="share of all starts that succeeded", axis=alt.Axis(format="%", tickCount=6))
    bands = [
        alt.Chart(part).mark_area(interpolate="step-after", opacity=0.13, color=colour).encode(x, alt.Y("low:Q"), alt.Y2("high:Q"))
        for part, (colour, _) in zip(parts, theme.optimizer_styles(comparison.names).values(), strict=True)
    ]  # one layer each: a colour scale shared with the lines would take the legend's symbols from the bands
    line = alt.Chart(table).mark_line(interpolate="step-after", strokeWidth=2.6).encode(
        x, y, color=_colour(comparison.names, _legend(2)), strokeDash=_dash(comparison.names, _legend(2)),
        tooltip=["optimizer:N", alt.Tooltip("evaluations:Q", format=",d"), *(alt.Tooltip(f"{c}:Q", format=".1%") for c in ("share", "low", "high"))],
    )  # fmt: skip
    return alt.layer(*bands, line).properties(width=view.width, height=view.height, autosize=PAD)


def _curve(comparison: Comparison, k: int, most: int) -> pd.DataFrame:
    """The steps of one curve from 1 evaluation to the most, thinned, with the Wilson interval at each."""
    x, y = comparison.ecdf(k)
    keep = sample(len(x), MOST_STEPS)
    x, y = np.append(np.maximum(x[keep], 1), most), np.append(y[keep], y[-1])
    limits = np.array([wilson(round(share * comparison.count), comparison.count) for share in y])
    return pd.DataFrame({"optimizer": comparison.names[k], "evaluations": x, "share": y, "low": limits[:, 0], "high": limits[:, 1]})


def shares(comparison: Comparison, view: View) -> dict[str, alt.LayerChart]:
    """The bars of every optimizer, with the same rows and the same scale."""
    return dict(zip(comparison.names, charts.shares_alike(comparison.findings, view), strict=True))


def group_name(group: tuple[int, int | None]) -> str:
    """A group of a transition matrix as the legends call it."""
    label, ending = group
    return minimum_name(label) if ending is None else theme.ending_name(ENDINGS[ending])


def transitions(transition: Transition, first: str, second: str, view: View) -> alt.LayerChart:
    """The matrix of counts, rows from the first optimizer's groups to columns of the second's; cells can be clicked."""
    names = [group_name(group) for group in transition.groups]
    i, j = np.nonzero(transition.counts)
    table = pd.DataFrame(
        {
            "row": i, "column": j, "from": [names[k] for k in i], "to": [names[k] for k in j],
            "starts": transition.counts[i, j], "same": np.where(i == j, "the same for both", "changed"),
        }
    )  # fmt: skip
    table["text"] = [f"{count:,}" for count in table["starts"]]
    table["share"] = table["starts"] / int(transition.counts.sum())
    rows = [name for k, name in enumerate(names) if transition.counts[k].any()]
    columns = [name for k, name in enumerate(names) if transition.counts[:, k].any()]
    cell = alt.selection_point(name="cell", fields=["row", "column"], on="click", empty=False)
    axis = alt.Axis(labelLimit=150, labelAngle=0, domain=False, ticks=False)
    x = alt.X("to:N", sort=columns, scale=alt.Scale(domain=columns), title=second, axis=alt.Axis(labelLimit=110, labelAngle=-30, labelOverlap=False, orient="top", domain=False, ticks=False))
    y = alt.Y("from:N", sort=rows, scale=alt.Scale(domain=rows), title=first, axis=axis)
    tip = ["from:N", "to:N", alt.Tooltip("starts:Q", format=",d"), alt.Tooltip("share:Q", format=".1%")]
    scale = alt.Scale(domain=["the same for both", "changed"], range=["#7f8ea3", "#d9822b"])
    cells = alt.Chart(table).mark_rect(cornerRadius=3, strokeWidth=3).encode(
        x, y, color=alt.Color("same:N", scale=scale, legend=alt.Legend(title=None, orient="bottom")), tooltip=tip,
        opacity=alt.Opacity("starts:Q", scale=alt.Scale(type="sqrt", range=[0.18, 1]), legend=None),
        stroke=alt.condition(cell, alt.value(view.ink), alt.value(None)),
    ).add_params(cell)  # fmt: skip
    text = alt.Chart(table).mark_text(fontSize=13, fontWeight="bold", color=view.ink).encode(x, y, text="text:N")
    return alt.layer(cells, text).properties(width=min(58, 330 // len(columns)) * len(columns), height=34 * len(rows), autosize=PAD)


# -- the race ----------------------------------------------------------------------------------------------------------


def race(problem: Problem, runs: Mapping[str, Trace], epoch: int, view: View, cut: tuple[float, float] | None) -> alt.LayerChart:
    """All paths from one start over the landscape: faint as a whole, bold up to the epoch, a spot where each run is."""
    names = tuple(runs)
    limits = (problem.limits[view.axes[0]], problem.limits[view.axes[1]])
    tables = [path_table(trace, view, limits, 1500).assign(optimizer=name) for name, trace in runs.items()]
    table = pd.concat(tables)
    here = pd.DataFrame([_place(name, trace, epoch, view) for name, trace in runs.items()])
    first = next(iter(runs.values()))
    start = pd.DataFrame({"x": [first.path[0, view.axes[0]]], "y": [first.path[0, view.axes[1]]]})
    whole = [
        alt.Chart(part).mark_line(strokeWidth=1.2, opacity=0.4, color=colour, clip=True).encode(x="x:Q", y="y:Q", order="epoch:Q")
        for part, (colour, _) in zip(tables, theme.optimizer_styles(names).values(), strict=True)
    ]
    done = alt.Chart(table[table["epoch"] <= epoch]).encode(
        x="x:Q", y="y:Q", order="epoch:Q", color=_colour(names, _legend(2)), strokeDash=_dash(names, _legend(2))
    )
    spots = alt.Chart(here).mark_point(filled=True, size=170, stroke="white", strokeWidth=1.5, opacity=1, clip=True).encode(
        x="x:Q", y="y:Q", color=_colour(names, _legend(2)),
        tooltip=["optimizer:N", alt.Tooltip("epoch:Q", format=",d"), alt.Tooltip("f:Q", format=".6g"), "ending:N"],
    )  # fmt: skip
    layers = [
        background(problem, limits, view, first.path[0], cut, 0.45, theme.CIVIDIS),
        *whole,
        done.mark_line(strokeWidth=2.8, clip=True),
        mark(start, "square", view.ink), spots, click_grid(limits),
    ]  # fmt: skip
    return alt.layer(*layers).properties(width=view.width, height=view.height, autosize=PAD)


def race_curve(problem: Problem, runs: Mapping[str, Trace], epoch: int, view: View) -> alt.LayerChart:
    """One variable: the curve, every run's positions up to the epoch as small dots, and a spot where each run is."""
    names, (low, high) = tuple(runs), problem.limits[0]
    x = np.linspace(low, high, 801)
    curve = pd.DataFrame({"x": x, "y": problem.value(x[:, None])})
    curve = curve[np.isfinite(curve["y"])]
    paths = [pd.DataFrame({"x": t.path[: epoch + 1, 0], "f": t.values[: epoch + 1]}).iloc[sample(min(epoch + 1, len(t.path)), 500)] for t in runs.values()]
    here = pd.DataFrame([_place(name, trace, epoch, view) for name, trace in runs.items()])
    first = next(iter(runs.values()))
    start = pd.DataFrame({"x": first.path[:1, 0], "y": first.values[:1]})
    across = alt.X("x:Q", title=problem.variables[0], scale=alt.Scale(domain=[low, high], nice=False))
    dots = [
        alt.Chart(path[path["x"].between(low, high) & np.isfinite(path["f"])]).mark_circle(size=22, color=colour, opacity=0.7).encode(across, y="f:Q")
        for path, (colour, _) in zip(paths, theme.optimizer_styles(names).values(), strict=True)
    ]
    spots = alt.Chart(here[here["x"].between(low, high)]).mark_point(filled=True, size=170, opacity=1).encode(
        across, y="f:Q", color=_colour(names, _legend(2, "circle")), tooltip=["optimizer:N", alt.Tooltip("f:Q", format=".6g")]
    )  # fmt: skip
    pick = alt.selection_point(name="click", fields=["x"], nearest=True, on="click", empty=False)
    grid = alt.Chart(curve).mark_point(opacity=0).encode(across, y="y:Q").add_params(pick)
    line = alt.Chart(curve).mark_line(color=view.ink, strokeWidth=1.5).encode(across, alt.Y("y:Q", title="f", scale=alt.Scale(padding=10)))
    return alt.layer(line, *dots, mark(start, "square", view.ink), spots, grid).properties(width=view.width, height=view.height, autosize=PAD)


def _place(name: str, trace: Trace, epoch: int, view: View) -> dict[str, object]:
    """Where a run is at the epoch, or where it ended before."""
    at = min(epoch, len(trace.path) - 1)
    value = float(trace.values[at])
    return {
        "optimizer": name, "x": float(trace.path[at, view.axes[0]]), "y": float(trace.path[at, view.axes[1]]), "epoch": at,
        "f": value if np.isfinite(value) else None, "ending": trace.ending.label if at == len(trace.path) - 1 else "running",
    }  # fmt: skip


def values_per_epoch(runs: Mapping[str, Trace], epoch: int, view: View, quantity: str) -> alt.LayerChart:
    """f or |∇f| of all runs over the epochs; a rule marks the scrubbed one."""
    names, parts = tuple(runs), []
    for name, trace in runs.items():
        series = trace.values if quantity == "f" else np.maximum(trace.gradient_norms, 1e-17)
        index = sample(len(series), 1000)
        parts.append(pd.DataFrame({"optimizer": name, "epoch": index, "value": series[index]}))
    table = pd.concat(parts)
    table = table[np.isfinite(table["value"]) & (table["value"].abs() < 1e12)]
    logarithmic = quantity != "f"
    scale = alt.Scale(type="log") if logarithmic else alt.Scale(zero=False)
    line = alt.Chart(table).mark_line(strokeWidth=2, clip=True).encode(
        x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(format=",d", tickCount=6)),
        y=alt.Y("value:Q", title=quantity + (" (log scale)" if logarithmic else ""), scale=scale, axis=alt.Axis(tickCount=5, format="~e" if logarithmic else ".4~g")),
        color=_colour(names, None), strokeDash=_dash(names),
        tooltip=["optimizer:N", alt.Tooltip("epoch:Q", format=",d"), alt.Tooltip("value:Q", format=".6g")],
    )  # fmt: skip
    rule = alt.Chart(pd.DataFrame({"epoch": [epoch]})).mark_rule(color=view.ink, strokeDash=[4, 3]).encode(x="epoch:Q")
    return alt.layer(line, rule).properties(width=view.width, height=view.height, autosize=PAD)


# -- performance profile -----------------------------------------------------------------------------------------------


def profile(found: Profile, view: View) -> alt.Chart:
    """Share of problems solved within a factor of the best cost, over that factor (log scale)."""
    most = max(10.0, float(found.tau[-1]) * 1.5)
    parts = []
    for k, name in enumerate(found.names):
        tau, rho = np.append(found.tau, most), np.append(found.rho[:, k], found.rho[-1, k])
        parts.append(pd.DataFrame({"optimizer": name, "factor": tau, "share": rho}))
    return (
        alt.Chart(pd.concat(parts))
        .mark_line(interpolate="step-after", strokeWidth=2.6)
        .encode(
            x=alt.X("factor:Q", title="factor of the cheapest optimizer's cost (log scale)", scale=alt.Scale(type="log", domain=[1, most], nice=False)),
            y=alt.Y("share:Q", title="share of problems solved within it", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%")),
            color=_colour(found.names, _legend(3)),
            strokeDash=_dash(found.names, _legend(3)),
            tooltip=["optimizer:N", alt.Tooltip("factor:Q", format=".3g"), alt.Tooltip("share:Q", format=".0%")],
        )
        .properties(width=view.width, height=view.height, autosize=PAD)
    )

