"""The chart of Sobol' indices: a bar with its interval for each knob, the one that matters most first."""

import json
from dataclasses import replace

import numpy as np
import pytest
import vl_convert

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, Stopping
from gdcore.leverage import EPOCHS, SHARE, leverage
from gdcore.quantities import Range
from gdui import charts, knob_charts


def view(dark=False):
    return charts.View(dark=dark, width=260, height=40)


@pytest.fixture(scope="module")
def found():
    question = Experiment(GALLERY["tilted_double_well"], OPTIMIZERS["gd"], {}, Starts(count=10), Stopping(100))
    ranges = [Range("parameter b", 0.2, 0.4, 10), Range("setting lr", 0.01, 0.4, 10), Range("start size", 0.5, 1.0, 10)]
    return leverage(question, ranges, base=32)


@pytest.mark.parametrize("output", [SHARE, EPOCHS])
def test_the_table_holds_the_indices_and_the_order_is_that_of_the_totals(found, output):
    table, order = knob_charts.index_table(found, output)
    k, names = found.knobs.outputs.index(output), ["parameter b", "learning rate", "size of the start region"]
    assert order == [names[n] for n in np.argsort(-found.knobs.total[k], kind="stable")] and order[0] == "learning rate"
    assert len(table) == 6
    for n, name in enumerate(names):
        rows = table[table["knob"] == name].set_index("kind")
        assert rows.loc["total", "index"] == max(0.0, found.knobs.total[k, n]) and rows.loc["alone", "index"] == max(0.0, found.knobs.first[k, n])
        assert rows.loc["total", "low"] == max(0.0, found.knobs.total_low[k, n]) and rows.loc["total", "high"] == found.knobs.total_high[k, n]


@pytest.mark.parametrize("dark", [False, True])
def test_one_panel_for_each_output_that_varies(found, dark):
    spec = knob_charts.indices(found, view(dark)).to_json()
    assert vl_convert.vegalite_to_svg(spec).startswith("<svg") and "NaN" not in spec
    panels = json.loads(spec)["vconcat"]
    assert [panel["title"]["text"] for panel in panels] == ["share in the deepest minimum", "epochs until settled"]
    y = panels[0]["layer"][0]["encoding"]["y"]
    assert y["sort"][0] == "learning rate" and panels[0]["height"] == 120


def test_an_output_that_does_not_vary_has_no_panel(found):
    still = replace(found, knobs=replace(found.knobs, reasons=("It is the same at every point.", "")))
    assert [panel["title"]["text"] for panel in json.loads(knob_charts.indices(still, view()).to_json())["vconcat"]] == ["epochs until settled"]
    none = replace(found, knobs=replace(found.knobs, reasons=("It is the same at every point.",) * 2))
    assert not knob_charts.any_index(none) and knob_charts.any_index(found)
