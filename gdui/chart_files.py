"""Chart files: a chart → its specification with all data in it, as PNG and as SVG."""

from __future__ import annotations

from math import isfinite
from typing import Any

import altair as alt
import pandas as pd

PARTS = ("layer", "hconcat", "vconcat", "concat")
Tables = dict[int, tuple[str, pd.DataFrame]]  # by identity: the name, and the table


def specification(chart: alt.TopLevelMixin) -> dict[str, Any]:
    """The chart in Vega-Lite with its data, however many rows these have.

    Tables are written out here: Altair's own way has a limit, takes five times as long, and is switched for a whole
    process, by any page that another session draws at that moment.
    """
    tables: Tables = {}
    drawn: dict[str, Any] = _named(chart, tables).to_dict(validate=False)
    return {**drawn, "datasets": {name: _rows(table) for name, table in tables.values()}}


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The table row by row; what is no finite number is null, as JSON knows no other word for it."""
    rows = alt.to_values(table)["values"]
    return [{key: None if isinstance(value, float) and not isfinite(value) else value for key, value in row.items()} for row in rows]


def _named(chart: Any, tables: Tables) -> Any:
    """A copy in which every table is a name."""
    own = chart.copy(deep=False)
    if isinstance(own.data, pd.DataFrame):
        name, _ = tables.setdefault(id(own.data), (f"table {len(tables) + 1}", own.data))
        own.data = alt.NamedData(name)
    for part in PARTS:
        if own._get(part, None):
            own[part] = [_named(inner, tables) for inner in own[part]]
    return own


def png(drawn: dict[str, Any], *, scale: float = 2) -> bytes:
    """A specification as a picture of `scale` times its size in pixels."""
    import vl_convert  # a large library that most visits never need

    picture: bytes = vl_convert.vegalite_to_png(drawn, scale=scale)
    return picture


def svg(drawn: dict[str, Any]) -> str:
    """A specification as a drawing that scales."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(drawn))
