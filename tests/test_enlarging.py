"""Enlarged charts: lengths by the factor, areas by its square, data and scales untouched."""

import altair as alt
import pandas as pd
import pytest
import vl_convert

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, run
from gdui import chart_files, charts, maps
from gdui.charts import View
from gdui.enlarging import LETTERS, enlarged

FOUND = run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], starts=Starts(count=60)))


@pytest.mark.parametrize("chart", [charts.shares(FOUND, View(dark=False, width=300)), maps.map_of_starts(FOUND, View(dark=True, width=300, height=300))])
def test_everything_grows_and_nothing_else_changes(chart):
    plain, large = chart_files.specification(chart), enlarged(chart, 1.5)
    assert large["width"] == 450 and large["height"] == round(1.5 * plain["height"])
    assert large["datasets"] == plain["datasets"]
    for before, after in zip(plain["layer"], large["layer"], strict=True):
        assert before.get("encoding") == after.get("encoding")
    assert large["config"]["axis"]["labelFontSize"] == LETTERS
    assert len(vl_convert.vegalite_to_svg(large)) > 1000


def test_a_chart_of_many_rows_is_no_exception():
    table = pd.DataFrame({"x": range(6000), "y": range(6000)})
    large = enlarged(alt.Chart(table).mark_circle(size=4).encode(x="x:Q", y="y:Q").properties(width=100, height=100), 2.0)
    assert large["mark"]["size"] == 16 and len(next(iter(large["datasets"].values()))) == 6000


def test_marks_grow_by_what_they_measure():
    large = enlarged(charts.shares(FOUND, View(dark=False, width=300)), 2.0)
    bars, rules, text = (layer["mark"] for layer in large["layer"])
    assert bars["height"] == {"band": 0.7}  # a share of its row, which has grown already
    assert (rules["strokeWidth"], text["fontSize"], text["dx"]) == (4, 24, 12)


def test_points_grow_by_area():
    large = enlarged(maps.map_of_starts(FOUND, View(dark=False, width=300, height=300)), 2.0)
    sizes = {layer["mark"]["size"] for layer in large["layer"] if isinstance(layer.get("mark"), dict) and layer["mark"].get("filled")}
    assert sizes == {4 * 34}
