"""Charts of what moved, by their data and by drawing them."""

import json

import altair as alt
import numpy as np
import pytest
import vl_convert

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping, run
from gdcore.compare import transition
from gdcore.differences import difference
from gdcore.matching import matched
from gdcore.stopping import ENDINGS
from gdui import charts, compare_charts, difference_charts, theme, wording

PEAKS, CUSP = GALLERY["peaks"], GALLERY["tilted_double_well"]
WAVES = Problem.from_text("(x^2 + y^2)/500 + sin(3*x)*sin(3*y)", box={"x": (-5, 5), "y": (-5, 5)})


@pytest.fixture(autouse=True)
def no_limit():
    """As in the dashboard: the contours of many minima have more vertices than Altair allows by default."""
    with alt.data_transformers.disable_max_rows():
        yield


def view(dark=False):
    return charts.View(dark=dark, width=300, height=300)


def made(problem=PEAKS, optimizer="gd", rate=0.01, seed=0, count=200, epochs=1000):
    return run(Experiment(problem, OPTIMIZERS[optimizer], {"lr": rate}, Starts(count=count, seed=seed), Stopping(epochs)))


@pytest.fixture(scope="module")
def found():
    return difference(made(), made(optimizer="adam", rate=0.05))


def rows(chart, wanted):
    """The inline data sets of a chart that have this column."""
    return [data for data in json.loads(chart.to_json())["datasets"].values() if data and wanted in data[0]]


def drawn(chart):
    spec = chart.to_json()
    assert "NaN" not in spec
    return vl_convert.vegalite_to_svg(spec)


@pytest.mark.parametrize("dark", [False, True])
def test_every_chart_draws(found, dark):
    shown = view(dark)
    for chart in (
        difference_charts.moved(found, shown),
        difference_charts.changed_starts(found, shown),
        *difference_charts.side_by_side(found.matched.findings, ("A", "B"), shown),
        compare_charts.transitions(transition(found.before, found.now, most=wording.MANY), "baseline", "now", shown),
    ):
        assert drawn(chart).startswith("<svg")


# -- what moved --------------------------------------------------------------------------------------------------------


def test_the_dots_are_the_shares_and_the_lines_the_intervals(found):
    (data,) = rows(difference_charts.moved(found, view()), "before")
    assert len(data) == len(found.rows) >= 4
    for row, shift in zip(data, found.rows, strict=True):
        assert (row["before"], row["now"]) == (shift.before, shift.now)
        assert (row["difference"], row["low"], row["high"]) == pytest.approx((100 * shift.difference, *(100 * end for end in shift.interval)))
        colour = theme.minimum_colour(shift.label) if shift.ending is None else theme.ending_mark(shift.ending, dark=False)[0]
        assert row["colour"] == colour
    assert {row["group"] for row in data} == {*charts.groups(found.before, view())["group"], *charts.groups(found.now, view())["group"]}


def test_both_panels_have_the_same_rows_names_and_room_for_every_interval(found):
    spec = json.loads(difference_charts.moved(found, view(), names=("Monday", "today")).to_json())
    left, right = spec["hconcat"]
    scales = [panel["layer"][-1]["encoding"]["y"]["scale"]["domain"] for panel in (left, right)]
    assert scales[0] == scales[1] and len(scales[0]) == len(found.rows)
    titles = [panel["layer"][-1]["encoding"]["x"].get("title") or panel["layer"][2]["encoding"]["x"]["title"] for panel in (left, right)]
    assert titles == ["share of all starts (○ Monday, ● today)", "points more (line: 95 % interval)"]
    low, high = right["layer"][2]["encoding"]["x"]["scale"]["domain"]
    assert low < min(100 * s.interval[0] for s in found.rows) < 0 < max(100 * s.interval[1] for s in found.rows) < high
    assert left["width"] + right["width"] == pytest.approx(300)


def test_many_minima_share_a_row_and_unlike_functions_one():
    many = difference(made(WAVES, rate=0.1), made(WAVES, rate=0.1, seed=1))
    (data,) = rows(difference_charts.moved(many, view()), "before")
    assert len(data) <= wording.MANY + 1 + len(ENDINGS) and "Further minima" in [row["group"] for row in data]
    assert sum(row["before"] for row in data) == pytest.approx(1) == pytest.approx(sum(row["now"] for row in data))
    unlike = difference(made(PEAKS), made(GALLERY["himmelblau"]))
    (data,) = rows(difference_charts.moved(unlike, view()), "before")
    assert data[0]["group"] == "Any minimum" and data[0]["colour"] == view().ink
    assert drawn(difference_charts.moved(unlike, view())).startswith("<svg")


# -- side by side ------------------------------------------------------------------------------------------------------


def test_bars_side_by_side_have_the_same_rows_colours_and_scale():
    """A tilt takes one well away: the other keeps its number and its colour, though it becomes the only minimum."""
    every = matched([made(CUSP.with_parameters(b=b), rate=0.02) for b in (0.3, -1.8, 1.8)])
    names = ("level", "right", "left")
    shown = difference_charts.side_by_side(every.findings, names, view())
    assert [chart.to_dict()["title"]["text"] for chart in shown] == list(names)
    tables = [rows(chart, "count")[0] for chart in shown]
    assert [[row["group"] for row in table if row["group"].startswith("M")] for table in tables] == [["Minimum 1", "Minimum 2"], ["Minimum 2"], ["Minimum 1"]]
    for table, findings in zip(tables, every.findings, strict=True):
        assert sum(row["count"] for row in table) == findings.count
        assert all(row["colour"] == theme.minimum_colour(int(row["group"][-1]) - 1) for row in table if row["group"].startswith("M"))
    layers = [chart.to_dict()["layer"][0]["encoding"] for chart in shown]
    assert len({(tuple(layer["x"]["scale"]["domain"]), tuple(layer["y"]["scale"]["domain"])) for layer in layers}) == 1


# -- the starts that changed -------------------------------------------------------------------------------------------


def test_the_map_shows_the_starts_that_changed_and_no_others(found):
    (data,) = rows(difference_charts.changed_starts(found, view()), "rim")
    index = np.array([row["start"] - 1 for row in data])
    assert index.tolist() == np.flatnonzero(found.changed).tolist()
    every = np.arange(found.before.count)
    was, now = (charts.group_of(findings, every) for findings in (found.before, found.now))
    colours = {name: colour for f in (found.before, found.now) for name, colour in charts.groups(f, view())[["group", "colour"]].to_numpy()}
    for row, k in zip(data, index.tolist(), strict=True):
        assert (row["before"], row["group"]) == (was[k], now[k]) and row["before"] != row["group"]
        assert row["rim"] == colours[was[k]]
        assert [row["x"], row["y"]] == found.now.starts[k].tolist()


def test_its_legend_explains_fill_and_rim_and_lists_every_colour_that_occurs(found):
    spec = difference_charts.changed_starts(found, view()).to_dict()
    (colour,) = [layer["encoding"]["color"] for layer in spec["layer"] if layer.get("encoding", {}).get("color", {}).get("legend")]
    assert colour["legend"]["title"] == "Fill: where it ends now. Rim: where the baseline ended."
    (data,) = rows(difference_charts.changed_starts(found, view()), "rim")
    present = {row["group"] for row in data} | {row["before"] for row in data}
    assert colour["scale"]["domain"] == [name for name in charts.group_names(len(found.now.minima)) if name in present]


def test_at_most_so_many_are_drawn(found):
    (data,) = rows(difference_charts.changed_starts(found, view(), most=10), "rim")
    changed = set((np.flatnonzero(found.changed) + 1).tolist())
    assert len(data) == 10 < len(changed) and {row["start"] for row in data} <= changed


@pytest.mark.parametrize("problem", [PEAKS, GALLERY["two_sines"]], ids=["2-D", "1-D"])
def test_where_none_changed_or_nobody_knows_the_map_has_no_starts(problem):
    one, other = made(problem, count=20), made(problem, count=20, seed=1)
    for pair in ((one, one), (one, other)):
        chart = difference_charts.changed_starts(difference(*pair), view())
        assert not rows(chart, "rim") and drawn(chart).startswith("<svg")


def test_one_variable_on_the_curve():
    problem = GALLERY["two_sines"]
    found = difference(made(problem), made(problem, optimizer="momentum", rate=0.2))
    chart = difference_charts.changed_starts(found, view())
    (data,) = rows(chart, "rim")
    assert len(data) == found.changed.sum() > 0 and drawn(chart).startswith("<svg")
    np.testing.assert_allclose([row["y"] for row in data], problem.value(found.now.starts[found.changed]))


def test_minima_that_are_nowhere_are_not_drawn():
    pair = [run(Experiment(CUSP.with_parameters(b=b), OPTIMIZERS["gd"], {"lr": 0.02}, Starts(count=40))) for b in (1.8, -1.8)]
    found = difference(*pair)
    assert found.changed.all() and not found.now.minima[0].exists
    chart = difference_charts.changed_starts(found, view())
    assert [row["number"] for row in rows(chart, "number")[0]] == ["2"] and drawn(chart).startswith("<svg")


@pytest.mark.parametrize("dimension", [3, 10])
def test_more_variables_than_a_map_has(dimension):
    names = [f"x{i}" for i in range(dimension)]
    formula = "+".join(f"(({x}^2 - 1)^2 + a*{x})" for x in names)
    problem = Problem.from_text(formula, box={x: (-2, 2) for x in names}, parameters={"a": 0.1})
    found = difference(made(problem, count=30), made(problem.with_parameters(a=1.0), count=30))
    assert found.changed_share > 0
    for chart in (difference_charts.changed_starts(found, view()), difference_charts.moved(found, view())):
        assert drawn(chart).startswith("<svg")
