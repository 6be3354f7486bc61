"""A chart → the same chart, larger: sizes, letters and marks, for a screen that many people look at."""

from __future__ import annotations

from typing import Any

import altair as alt

from gdui import chart_files

BY_LENGTH = ("fontSize", "strokeWidth", "dx", "dy", "width", "height", "thickness")  # of a mark: grow as the chart does
BY_AREA = ("size",)
VIEW = ("mark", "layer", "hconcat", "vconcat", "facet")
LETTERS = 18  # pixels of the type beside axes and in legends, whatever the chart grows by


def enlarged(chart: alt.TopLevelMixin, factor: float) -> dict[str, Any]:
    """The chart in Vega-Lite, every length times the factor and every area times its square, and type that can be read across a room."""
    spec = _grown(chart_files.specification(chart), factor)
    words = {"labelFontSize": LETTERS, "titleFontSize": LETTERS, "labelLimit": 260}
    spec["config"] = {**spec.get("config", {}), "axis": words, "legend": {**words, "symbolSize": 120 * factor}, "title": {"fontSize": LETTERS}}
    return spec


def _grown(part: Any, factor: float) -> Any:
    """A view with its parts; encodings and data are left as they are."""
    if isinstance(part, list):
        return [_grown(one, factor) for one in part]
    if not isinstance(part, dict) or not any(key in part for key in VIEW):
        return part
    grown = {key: _grown(value, factor) if key in VIEW else value for key, value in part.items()}
    for length in ("width", "height"):
        if isinstance(grown.get(length), (int, float)):
            grown[length] = round(grown[length] * factor)
    if isinstance(grown.get("mark"), dict):
        grown["mark"] = {key: _larger(key, value, factor) for key, value in grown["mark"].items()}
    return grown


def _larger(key: str, value: Any, factor: float) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return value * factor if key in BY_LENGTH else value * factor**2 if key in BY_AREA else value
