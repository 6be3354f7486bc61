"""Findings → alt.Chart: shares, final values, gradients; and what all charts share. They compute nothing of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gdcore.experiment import Findings
from gdcore.schedules import values
from gdcore.shares import wilson
from gdcore.stopping import ENDINGS, Ending
from gdui import theme
from gdui.wording import MANY

MOST_MARKS = 4000
PAD = alt.AutoSizeParams(type="pad", contains="content")  # sizes are those of the plot itself, so a map is square
Array = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """How a chart is drawn: dark or light, size in pixels, and the two variables of a map."""

    dark: bool
    width: int = 520
    height: int = 520
    axes: tuple[int, int] = (0, 1)

    @property
    def small(self) -> bool:
        """One of many: marks shrink with it."""
        return self.width < 300

    @property
    def ink(self) -> str:
        return theme.ink(dark=self.dark)

    @property
    def rim(self) -> str:
        """The thin line around a start, which sets it off from its neighbours."""
        return "#111111" if self.dark else "#ffffff"


# -- shared pieces -----------------------------------------------------------------------------------------------------


def group_of(findings: Findings, index: NDArray[np.intp]) -> NDArray[np.object_]:
    """What each of these starts is coloured by: "Minimum 1" … or the label of its ending."""
    endings = np.array([theme.ending_name(ending) for ending in ENDINGS], dtype=object)[findings.ending_codes[index]]
    labels = findings.labels[index]
    names = np.array([minimum_name(k) for k in range(len(findings.minima))] + [""], dtype=object)
    return np.where(labels >= 0, names[labels], endings)


def minimum_name(label: int) -> str:
    return f"Minimum {label + 1}" if label < MANY else "Further minima"


def group_names(many: int) -> list[str]:
    """Every group that can occur where there are so many minima, in order: minima, then endings."""
    return [*dict.fromkeys(minimum_name(k) for k in range(many)), *(theme.ending_name(ending) for ending in ENDINGS)]


def groups(findings: Findings, view: View) -> pd.DataFrame:
    """Every group present, in order: name, colour, shape, count, share of all starts, and its 95 % interval (low, high)."""
    rows: dict[str, tuple[str, str, int]] = {}
    for k, minimum in enumerate(findings.minima):
        if minimum.count:
            name, before = minimum_name(k), rows.get(minimum_name(k))
            rows[name] = (theme.minimum_colour(k), "circle", minimum.count + (before[2] if before else 0))
    for ending, count in findings.ending_counts().items():
        if count and ending is not Ending.MINIMUM:
            rows[theme.ending_name(ending)] = (*theme.ending_mark(ending, dark=view.dark), count)
    table = pd.DataFrame([(name, *row) for name, row in rows.items()], columns=["group", "colour", "shape", "count"])
    limits = [wilson(int(count), findings.count) for count in table["count"]]
    return table.assign(share=table["count"] / findings.count, low=[low for low, _ in limits], high=[high for _, high in limits])


def scales(table: pd.DataFrame) -> tuple[alt.Scale, alt.Scale]:
    domain = table["group"].tolist()
    return (
        alt.Scale(domain=domain, range=table["colour"].tolist()),
        alt.Scale(domain=domain, range=table["shape"].tolist()),
    )


def sample(count: int, most: int = MOST_MARKS) -> NDArray[np.intp]:
    """Evenly spaced indices, at most `most` of them."""
    return np.arange(count) if count <= most else np.linspace(0, count - 1, most).astype(np.intp)


def starts_table(findings: Findings, most: int = MOST_MARKS, among: NDArray[np.intp] | None = None) -> pd.DataFrame:
    """The drawn starts with what a tooltip tells; `start` counts from 1. among: indices of the starts to draw from; of all by default."""
    index = sample(findings.count, most) if among is None else among[sample(len(among), most)]
    names = findings.experiment.problem.variables
    table = pd.DataFrame({"start": index + 1, "group": group_of(findings, index), "epochs": findings.epochs[index]})
    for i, name in enumerate(names):
        table[f"start {name}"], table[f"end {name}"] = findings.starts[index, i], findings.ends[index, i]
    table["f"] = np.where(np.isfinite(findings.end_values[index]), findings.end_values[index], None)  # JSON has no nan
    table["ending"] = np.array([ending.value for ending in ENDINGS], dtype=object)[findings.ending_codes[index]]
    return table


def tooltip(findings: Findings) -> list[alt.Tooltip]:
    names = findings.experiment.problem.variables
    numbers = [f"start {n}" for n in names] + [f"end {n}" for n in names] + ["f"]
    return [
        alt.Tooltip("start:Q", title="start no.", format=",d"),
        *(alt.Tooltip(f"{name}:Q", format=".5g") for name in numbers),
        alt.Tooltip("epochs:Q", format=",d"),
        alt.Tooltip("ending:N"),
    ]


def parallel_coordinates(findings: Findings, view: View) -> alt.Chart:
    """Three or more variables: every end point as a line across one axis per variable, scaled to the box."""
    problem = findings.experiment.problem
    index = sample(findings.count, 300)
    unit = (findings.ends[index] - problem.lows) / (problem.highs - problem.lows)
    wide = pd.DataFrame(unit, columns=list(problem.variables)).assign(run=index + 1, group=group_of(findings, index))
    table = wide.melt(["run", "group"], var_name="variable", value_name="place")
    table = table[table["place"].between(-0.5, 1.5)]
    colour, _ = scales(groups(findings, view))
    return (
        alt.Chart(table)
        .mark_line(opacity=0.5, strokeWidth=1.2)
        .encode(
            x=alt.X("variable:N", title="variable", sort=list(problem.variables), axis=alt.Axis(labelAngle=0)),
            y=alt.Y("place:Q", title="end point, from low (0) to high (1) end of the box"),
            color=alt.Color("group:N", scale=colour, legend=alt.Legend(title=None, orient="bottom", columns=4)),
            detail="run:N",
            tooltip=[alt.Tooltip("run:Q", title="start no."), "group:N"],
        )
        .properties(width=view.width, height=view.height, autosize=PAD)
    )


def shares(findings: Findings, view: View, *, order: Sequence[str] | None = None, top: float | None = None) -> alt.LayerChart:
    """Bars of the share of all starts by minimum and ending, with 95 % intervals.

    order: the rows, when they should be those of other findings too; top: the largest share such findings show.
    """
    table = groups(findings, view)
    table["text"] = [f"{100 * share:.1f} %" for share in table["share"]]
    rows = list(order or table["group"])
    y = alt.Y("group:N", sort=rows, scale=alt.Scale(domain=rows), title=None, axis=alt.Axis(labelLimit=150, ticks=False, domain=False))
    x = alt.X(
        "share:Q", title="share of all starts" + ("" if view.small else " (line: 95 % interval)"),
        scale=alt.Scale(domain=[0, min(1.0, (top or float(table["high"].max())) * 1.22)]), axis=alt.Axis(format="%", tickCount=3 if view.small else 5),
    )  # fmt: skip
    tip = ["group:N", alt.Tooltip("count:Q", format=",d"), *(alt.Tooltip(f"{c}:Q", format=".2%") for c in ("share", "low", "high"))]
    bars = alt.Chart(table).mark_bar(height={"band": 0.7}).encode(x, y, color=alt.Color("colour:N", scale=None), tooltip=tip)
    rules = alt.Chart(table).mark_rule(color=view.ink, strokeWidth=2).encode(alt.X("low:Q"), y, alt.X2("high:Q"))
    text = alt.Chart(table).mark_text(align="left", dx=6, color=view.ink, fontSize=12).encode(alt.X("high:Q"), y, text="text:N")
    return alt.layer(bars, rules, text).properties(width=view.width, height=24 * len(rows), autosize=PAD)


def shares_alike(found: Sequence[Findings], view: View) -> list[alt.LayerChart]:
    """The bars of several findings with minima numbered alike, with the same rows and the same scale."""
    tables = [groups(findings, view) for findings in found]
    present = {group for table in tables for group in table["group"]}
    order = [group for group in group_names(max(len(findings.minima) for findings in found)) if group in present]
    top = max(float(table["high"].max()) for table in tables)
    return [shares(findings, view, order=order, top=top) for findings in found]


def waterfall(findings: Findings, view: View) -> alt.Chart:
    """Final values in ascending order, coloured by where the run ended: each step is a minimum."""
    finite = np.flatnonzero(np.isfinite(findings.end_values))
    order = finite[np.argsort(findings.end_values[finite], kind="stable")]
    index = order[sample(len(order), 1500)]
    rank = sample(len(order), 1500) + 1
    table = pd.DataFrame({"rank": rank, "f": findings.end_values[index], "group": group_of(findings, index), "start": index + 1})
    values = table["f"].to_numpy()
    top = float(np.quantile(values, 0.98)) if len(values) else 1.0
    low = float(values.min()) if len(values) else 0.0
    span = max(top - low, 1e-9)
    colour, _ = scales(groups(findings, view))
    return (
        alt.Chart(table)
        .mark_circle(size=16, opacity=1, clip=True)
        .encode(
            x=alt.X("rank:Q", title="starts, sorted by final f", axis=alt.Axis(format=",d", tickCount=5)),
            y=alt.Y("f:Q", title="final f", scale=alt.Scale(domain=[low - 0.08 * span, top + 0.08 * span], nice=True)),
            color=alt.Color("group:N", scale=colour, legend=None),
            tooltip=[alt.Tooltip("start:Q", title="start no."), alt.Tooltip("f:Q", format=".6g"), "group:N"],
        )
        .properties(width=view.width, height=view.height, autosize=PAD)
    )


def gradient_against_value(findings: Findings, view: View) -> alt.Chart:
    """|∇f| against f at the end of each run: settled runs lie at the bottom, the others say why not."""
    ok = np.flatnonzero(np.isfinite(findings.end_values) & np.isfinite(findings.gradient_norms))
    index = ok[sample(len(ok), 1500)]
    norms = np.maximum(findings.gradient_norms[index], 1e-17)
    table = pd.DataFrame({"f": findings.end_values[index], "norm": norms, "group": group_of(findings, index), "start": index + 1})
    colour, shape = scales(groups(findings, view))
    return (
        alt.Chart(table)
        .mark_point(filled=True, size=26, opacity=0.85)
        .encode(
            x=alt.X("f:Q", title="f at the end", scale=alt.Scale(zero=False)),
            y=alt.Y("norm:Q", title="|∇f| at the end", scale=alt.Scale(type="log"), axis=alt.Axis(format="~e", tickCount=6)),
            color=alt.Color("group:N", scale=colour, legend=None),
            shape=alt.Shape("group:N", scale=shape, legend=None),
            tooltip=[alt.Tooltip("start:Q", title="start no."), alt.Tooltip("f:Q", format=".6g"), alt.Tooltip("norm:Q", format=".3g"), "group:N"],
        )
        .properties(width=view.width, height=view.height, autosize=PAD)
    )


def schedules(formulas: Mapping[str, str], epochs: int, view: View) -> alt.Chart:
    """Scheduled settings over the epochs, one line each."""
    steps = np.unique(np.linspace(1, epochs, 120).astype(int))
    parts = [pd.DataFrame({"t": steps, "value": values(text, epochs)[steps - 1], "setting": name}) for name, text in formulas.items()]
    return (
        alt.Chart(pd.concat(parts))
        .mark_line(strokeWidth=1.8)
        .encode(
            x=alt.X("t:Q", title="step t", axis=alt.Axis(tickCount=3, grid=False)),
            y=alt.Y("value:Q", title="value", axis=alt.Axis(tickCount=3)),
            color=alt.Color("setting:N", title=None, legend=alt.Legend(orient="bottom") if len(parts) > 1 else None),
            tooltip=["setting:N", "t:Q", alt.Tooltip("value:Q", format=".4g")],
        )
        .properties(width=view.width, height=view.height, autosize=PAD)
    )
