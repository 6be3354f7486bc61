"""Sobol' indices → alt.Chart: one number per knob, with its interval, for each output."""

from __future__ import annotations

import altair as alt
import pandas as pd

from gdcore.leverage import EPOCHS, SHARE, Leverage
from gdui.charts import View

TITLES = {SHARE: "share in the deepest minimum", EPOCHS: "epochs until settled"}
COLOURS = {"total": "#4477AA", "alone": "#88ccee"}


def any_index(found: Leverage) -> bool:
    """Whether any output varies: there is something to draw."""
    return not all(found.knobs.reasons)


def indices(found: Leverage, view: View) -> alt.VConcatChart:
    """For each output the knobs, the one that matters most first: total and first-order index with 95 % intervals."""
    rows = [_panel(found, output, view) for output, constant in zip(found.knobs.outputs, found.knobs.reasons, strict=True) if not constant]
    return alt.vconcat(*rows, spacing=14).resolve_scale(x="shared")


def _panel(found: Leverage, output: str, view: View) -> alt.LayerChart:
    table, order = index_table(found, output)
    y = alt.Y("knob:N", sort=order, title=None, axis=alt.Axis(labelLimit=150, ticks=False, domain=False))
    offset = alt.YOffset("kind:N", sort=list(COLOURS))
    x = alt.X("index:Q", title="Sobol' index (line: 95 % interval)", scale=alt.Scale(domain=[0, 1.05], clamp=True), axis=alt.Axis(format="%", tickCount=5))
    colour = alt.Color("kind:N", scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())), legend=alt.Legend(title=None, orient="bottom"))
    tip = ["knob:N", "kind:N", *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("index", "low", "high"))]
    bars = alt.Chart(table).mark_bar().encode(x, y, colour, yOffset=offset, tooltip=tip)
    rules = alt.Chart(table).mark_rule(color=view.ink, strokeWidth=1.5).encode(alt.X("low:Q"), y, alt.X2("high:Q"), yOffset=offset)
    title = alt.TitleParams(TITLES[output], anchor="start", fontSize=12, color=view.ink)
    return alt.layer(bars, rules).properties(width=view.width, height=view.height * len(order), title=title)


def index_table(found: Leverage, output: str) -> tuple[pd.DataFrame, list[str]]:
    """Knob, kind, index, low and high; and the knobs' names in order of their total index."""
    k, names = found.knobs.outputs.index(output), {q.key: q.label for q in found.quantities}
    rows = []
    for n, knob in enumerate(found.knobs.ranges):
        for kind, part in (("total", "total"), ("alone", "first")):
            index, low, high = (float(getattr(found.knobs, part + end)[k, n]) for end in ("", "_low", "_high"))
            rows.append({"knob": names[knob.name], "kind": kind, "index": max(index, 0.0), "low": max(low, 0.0), "high": high})
    return pd.DataFrame(rows), [names[name] for name in found.knobs.ranking(output)]
