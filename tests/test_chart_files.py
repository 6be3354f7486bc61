"""A chart's files hold all its data, and are otherwise what Altair makes of it."""

import altair as alt
import numpy as np
import pandas as pd
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, Stopping, run
from gdui import chart_files, charts, maps

GD = OPTIMIZERS["gd"]
VIEW = charts.View(dark=False, width=300, height=200)


def rows_of(part, datasets):
    """The rows that each layer of a specification draws."""
    own = [datasets[part["data"]["name"]]] if "data" in part else []
    return own + [rows for layer in part.get("layer", []) for rows in rows_of(layer, datasets)]


def bare(part):
    """A specification without its data."""
    kept = {key: value for key, value in part.items() if key not in ("data", "datasets")}
    return {**kept, "layer": [bare(layer) for layer in part["layer"]]} if "layer" in part else kept


@pytest.mark.parametrize("draw", [maps.map_of_starts, charts.shares, charts.waterfall, charts.gradient_against_value])
def test_a_specification_is_altairs_own(draw):
    chart = draw(run(Experiment(GALLERY["peaks"], GD, {}, Starts(count=100))), VIEW)
    own, altairs = chart_files.specification(chart), chart.to_dict()
    assert bare(own) == bare(altairs)
    assert rows_of(own, own["datasets"]) == rows_of(altairs, altairs["datasets"])


def test_a_chart_of_many_rows_has_files_too():
    """Contours of a rough landscape have more vertices than Altair writes by itself."""
    findings = run(Experiment(GALLERY["rastrigin"], GD, {"lr": 0.001}, Starts(count=20), Stopping(10)))
    drawn = chart_files.specification(maps.map_of_starts(findings, VIEW))
    assert max(map(len, drawn["datasets"].values())) > 5000
    assert chart_files.svg(drawn).startswith("<svg") and chart_files.png(drawn, scale=1).startswith(b"\x89PNG")


def test_a_table_of_two_layers_is_written_once_and_infinities_are_null():
    table = pd.DataFrame({"x": [1.0, np.inf, np.nan], "y": np.array([1.0, None, np.nan], dtype=object)})
    chart = alt.layer(*(alt.Chart(table).mark_point().encode(x="x:Q", y="y:Q") for _ in range(2)), alt.Chart(table.copy()).mark_line().encode(x="x:Q"))
    assert list(chart_files.specification(chart)["datasets"].values()) == [[{"x": 1.0, "y": 1.0}, {"x": None, "y": None}, {"x": None, "y": None}]] * 2


def test_charts_side_by_side_keep_their_own_data():
    parts = [alt.Chart(pd.DataFrame({"x": [k]})).mark_point().encode(x="x:Q") for k in range(3)]
    drawn = chart_files.specification(alt.vconcat(alt.hconcat(*parts[:2]), parts[2]))
    assert sorted(rows[0]["x"] for rows in drawn["datasets"].values()) == [0, 1, 2]
    assert chart_files.svg(drawn).count("mark-symbol") == 3
