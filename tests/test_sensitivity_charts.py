"""Charts of a sweep by their data and spec: every start counted at every value, the colours of the minima, limits where they are."""

import base64
import io
import json
import math

import numpy as np
import pytest
import vl_convert
from PIL import Image

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping
from gdcore.quantities import Range
from gdcore.sensitivity import sweep
from gdcore.shares import wilson
from gdcore.stable_rates import RATE_KEY, stable_rates
from gdcore.stopping import CODE, ENDINGS, Ending
from gdui import charts, pair_charts, sensitivity_charts, theme

VALUES = 8


def view(dark=False):
    return charts.View(dark=dark, width=300, height=200)


def experiment(problem, epochs=300, count=60, **settings):
    problem = GALLERY[problem] if isinstance(problem, str) else problem
    return Experiment(problem, OPTIMIZERS["gd"], {"lr": problem.rate, **settings}, Starts(count=count), Stopping(epochs))


def swept(question, x, y=None):
    found = sweep(question, x, y)
    return found, stable_rates(found)


@pytest.fixture(scope="module")
def peaks():
    return swept(experiment("peaks"), Range(RATE_KEY, 0.005, 0.1, VALUES, log=True))


@pytest.fixture(scope="module")
def wells():
    return swept(experiment("tilted_double_well", lr=0.2), Range("parameter a", -1.0, 2.0, VALUES))


@pytest.fixture(scope="module")
def pairs():
    return swept(experiment("tilted_double_well"), Range(RATE_KEY, 0.01, 1.0, 5, log=True), Range("parameter a", -1.0, 2.0, 4))


def spec_of(chart):
    text = chart.to_json()
    assert "NaN" not in text and "Infinity" not in text
    assert vl_convert.vegalite_to_svg(text).startswith("<svg")
    return json.loads(text)


def layer(spec, kind):
    return next(one for one in spec["layer"] if one["mark"]["type"] == kind)


def rows(chart, wanted):
    return [row for data in json.loads(chart.to_json())["datasets"].values() if data and wanted in data[0] for row in data]


# -- one quantity ------------------------------------------------------------------------------------------------------


def test_every_start_is_in_one_group_at_every_value(peaks):
    table = sensitivity_charts.groups_table(peaks[0])
    assert (table.groupby("value")["count"].sum() == 60).all() and table["value"].nunique() == VALUES
    assert table.groupby("value")["share"].sum().to_numpy() == pytest.approx(1)
    for row in table.itertuples():
        assert (row.low, row.high) == wilson(row.count, 60)


def test_groups_wear_the_colours_of_the_theme_and_hold_the_counts_of_the_sweep(peaks):
    found, _ = peaks
    table = sensitivity_charts.groups_table(found)
    for k in range(3):
        mine = table[table["group"] == f"Minimum {k + 1}"]
        assert set(mine["colour"]) == {theme.minimum_colour(k)} and mine["count"].tolist() == found.reached[:, k].tolist()
    moving = table[table["group"] == theme.ending_name(Ending.MOVING)]
    assert moving["count"].tolist() == found.ended[:, CODE[Ending.MOVING]].tolist()
    assert set(moving["colour"]) == {theme.ending_area(Ending.MOVING)}


def test_many_minima_share_a_band_and_none_is_lost():
    found, _ = swept(experiment("rastrigin", count=200), Range(RATE_KEY, 0.001, 0.004, 3))
    table = sensitivity_charts.groups_table(found)
    assert found.reached.shape[1] > 30 and table["group"].nunique() <= 9 + len(ENDINGS)
    assert (table.groupby("value")["count"].sum() == 200).all()
    assert set(table.loc[table["group"] == "Further minima", "colour"]) == {theme.OTHER_MINIMA}


@pytest.mark.parametrize("dark", [False, True])
def test_the_stack_names_its_axes_and_takes_clicks_at_the_values(peaks, dark):
    found, rates = peaks
    chart = sensitivity_charts.stacked(found, rates, view(dark))
    spec = spec_of(chart)
    area = layer(spec, "area")["encoding"]
    assert area["x"]["title"] == "learning rate" and area["x"]["scale"]["type"] == "log" and area["y"]["title"] == "share of all starts"
    assert area["x"]["scale"]["domain"] == pytest.approx([0.005, 0.1])
    (click,) = [param for param in spec["params"] if param["name"] == "click"]
    assert click["select"]["fields"] == ["value"] and click["select"]["nearest"]
    points = [data for data in spec["datasets"].values() if [*data[0]] == ["value"]]
    assert any([row["value"] for row in data] == pytest.approx(found.x_values.tolist()) for data in points)


def test_limits_stand_where_the_eigenvalues_put_them(peaks):
    found, rates = peaks
    table = sensitivity_charts.marked_values(found, rates, view())
    assert table.loc[table["text"] == "now", "value"].tolist() == [0.01]
    for k, minimum in enumerate(found.minima):
        row = table[table["text"] == f"limit {k + 1}"]
        assert row["value"].item() == pytest.approx(2 / minimum.eigenvalues[-1], rel=1e-6) and row["colour"].item() == theme.minimum_colour(k)


def test_a_parameters_fold_and_its_crossing_are_marked(wells):
    table = sensitivity_charts.marked_values(*wells, view()).set_index("text")["value"]
    assert table["2 appears"] == pytest.approx((0.3 * 3 * math.sqrt(3) / 8) ** (2 / 3), abs=1e-6)
    point = lambda a: np.roots([4, 0, -4 * a, 0.3]).real.min()  # noqa: E731
    assert 2 / (12 * point(table["limit 1"]) ** 2 - 4 * table["limit 1"]) == pytest.approx(0.2, rel=1e-5)


def test_names_above_the_plot_do_not_lie_over_each_other(peaks):
    found, _ = peaks
    values = np.array([0.02, 0.0201, 0.0202, 0.09])
    rows_ = sensitivity_charts._rows_apart(found, values)
    assert len(set(rows_[:3])) == 3 and rows_[3] == 0


def test_a_scheduled_rate_has_no_limits():
    found, rates = swept(experiment("tilted_double_well", lr="0.05*(1 - t/(T+1))"), Range(RATE_KEY, 0.1, 2.0, 4))
    assert sensitivity_charts.marked_values(found, rates, view())["text"].tolist() == ["now"]
    both, rates = swept(experiment("tilted_double_well", lr="0.05*(1 - t/(T+1))"), Range(RATE_KEY, 0.1, 2.0, 3), Range("parameter a", 0.5, 2.0, 3))
    assert "line" not in {one["mark"]["type"] for one in spec_of(pair_charts.heat(both, rates, "success", view()))["layer"]}


def test_the_share_in_the_deepest_has_its_interval(peaks):
    chart = sensitivity_charts.success(peaks[0], view())
    spec_of(chart)
    for row, count in zip(rows(chart, "share")[:VALUES], peaks[0].success, strict=True):
        assert (row["share"], row["low"], row["high"]) == pytest.approx((count / 60, *wilson(int(count), 60)))


def test_epochs_are_quartiles_over_the_starts_that_settled(peaks):
    chart = sensitivity_charts.epochs(peaks[0], view())
    spec_of(chart)
    drawn = rows(chart, "median")[:VALUES]
    assert sensitivity_charts.has_epochs(peaks[0])
    assert all(row["low"] <= row["median"] <= row["high"] for row in drawn)
    assert [row["median"] for row in drawn] == pytest.approx(peaks[0].epochs[~np.isnan(peaks[0].epochs[:, 1]), 1].tolist())


def test_stable_rates_over_a_parameter_follow_the_eigenvalue(wells):
    found, rates = wells
    assert sensitivity_charts.has_curves(rates)
    chart = sensitivity_charts.stable_curves(found, rates, view())
    spec_of(chart)
    curve = [row for row in rows(chart, "group") if row["group"] == "Minimum 1"]
    assert {row["colour"] for row in curve} == {theme.minimum_colour(0)} and curve
    for row in curve:
        x = np.roots([4, 0, -4 * row["value"], 0.3]).real.min()
        assert row["rate"] == pytest.approx(2 / max(2.0, 12 * x * x - 4 * row["value"]), rel=1e-5)
    assert [{"rate": 0.2}] in json.loads(chart.to_json())["datasets"].values()


@pytest.mark.parametrize("formula", ["x^2 - y^2", "log(x) + y^2", "x^4 + y^4"])
def test_charts_draw_where_nothing_settles(formula):
    question = experiment(Problem.from_text(formula), lr=0.01)
    found, rates = swept(question, Range(RATE_KEY, 0.01, 0.1, 3))
    for chart in (sensitivity_charts.stacked(found, rates, view()), sensitivity_charts.success(found, view())):
        spec_of(chart)
    assert not sensitivity_charts.has_epochs(found) and not sensitivity_charts.has_curves(rates)
    both, rates = swept(question, Range(RATE_KEY, 0.01, 0.1, 2), Range("epochs", 10, 100, 2))
    for what in pair_charts.WHAT:
        spec_of(pair_charts.heat(both, rates, what, view()))


# -- two quantities ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [*pair_charts.WHAT, "minimum 2"])
@pytest.mark.parametrize("dark", [False, True])
def test_a_heat_map_shows_its_numbers_the_right_way_up(pairs, what, dark):
    found, rates = pairs
    shown = pair_charts.shown(found, what)
    assert shown.shape == (4, 5)
    chart = pair_charts.heat(found, rates, what, view(dark))
    spec_of(chart)
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(rows(chart, "url")[0]["url"].partition(",")[2]))))
    block = picture.shape[0] // 4
    cells = picture[::-1][block // 2 :: block, block // 2 :: block].astype(int)
    finite = shown[np.isfinite(shown)]
    low, high = (finite.min() if what == "epochs" else 0, finite.max() or 1)
    log = what == "epochs" and high > 20 * low
    levels = [np.log(v) if log else v for v in (shown, low, high)]
    np.testing.assert_array_equal(cells, theme.colours(*levels, ramp=theme.VIRIDIS, soften=0.0, dark=dark))


def test_a_pair_at_which_nothing_settles_is_said_so_and_not_0_epochs(pairs):
    found, rates = pairs
    assert np.isnan(found.epochs[:, 1]).any()
    told = {(row["value"], row["other"]): row["told"] for row in rows(pair_charts.heat(found, rates, "epochs", view()), "told")}
    assert len(told) == 20
    for entry, epochs in enumerate(found.epochs[:, 1]):
        pair = tuple(found.at(entry).values())
        assert told[pair] == ("none settles" if math.isnan(epochs) else f"{epochs:,.0f}")


def test_shares_of_a_pair_are_those_of_the_sweep(pairs):
    found, _ = pairs
    np.testing.assert_array_equal(pair_charts.shown(found, "success").ravel() * 60, found.success)
    np.testing.assert_array_equal(pair_charts.shown(found, "settled").ravel() * 60, found.reached.sum(axis=1) + found.elsewhere)
    np.testing.assert_array_equal(pair_charts.shown(found, "minimum 2")[2] * 60, found.reached[10:15, 1])


def test_the_curve_on_a_heat_map_is_the_stable_rate(pairs):
    found, rates = pairs
    chart = pair_charts.heat(found, rates, "success", view())
    lines = [one for one in json.loads(chart.to_json())["layer"] if one["mark"]["type"] == "line" and one["mark"].get("strokeDash")]
    assert [line["mark"]["color"] for line in lines] == [theme.minimum_colour(0), theme.minimum_colour(1)]
    data = json.loads(chart.to_json())["datasets"][lines[0]["data"]["name"]]
    assert [row["value"] for row in data] == pytest.approx(rates[0].rates.tolist()) and [row["other"] for row in data] == pytest.approx(rates[0].values.tolist())


def test_a_ring_stands_at_the_values_in_force_only_if_they_are_on_the_map(pairs):
    inside = pair_charts.heat(*pairs, "success", view())
    rings = [one for one in json.loads(inside.to_json())["layer"] if one["mark"]["type"] == "point" and one["mark"].get("filled") is False]
    assert len(rings) == 2
    found, rates = swept(experiment("tilted_double_well"), Range(RATE_KEY, 0.2, 1.0, 5), Range("parameter a", -1.0, 2.0, 2))
    outside = json.loads(pair_charts.heat(found, rates, "success", view()).to_json())
    assert not [one for one in outside["layer"] if one["mark"]["type"] == "point" and one["mark"].get("filled") is False]


def test_cells_lie_half_way_between_the_values():
    np.testing.assert_allclose(pair_charts.edges(np.array([1.0, 2.0, 4.0]), log=False), [0.5, 1.5, 3.0, 5.0])
    np.testing.assert_allclose(pair_charts.edges(np.array([1.0, 4.0, 16.0]), log=True), [0.5, 2.0, 8.0, 32.0])
