"""Charts by their spec and their data: every start in its group, labels on every axis, within the budget of marks."""

import json

import numpy as np
import pytest
import vl_convert

from gdcore import GALLERY, OPTIMIZERS, Ending, Experiment, Problem, Starts, run
from gdcore.experiment import traces
from gdcore.shares import wilson
from gdui import charts, maps, run_charts, theme


@pytest.fixture(scope="module")
def peaks():
    return run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {}, Starts(count=400)))


def view(dark=False):
    return charts.View(dark=dark, width=300, height=300)


def axis_titles(spec):
    found = []
    if isinstance(spec, dict):
        for key, value in spec.items():
            if key in ("x", "y") and isinstance(value, dict) and value.get("title"):
                found.append(value["title"])
            found += axis_titles(value)
    elif isinstance(spec, list):
        for value in spec:
            found += axis_titles(value)
    return found


def every_chart(findings, dark):
    one = traces(Experiment(findings.experiment.problem, OPTIMIZERS["gd"], {}, Starts.at(findings.starts[0])))[0]
    yield maps.map_of_starts(findings, view(dark), paths=[one], chosen=one)
    yield charts.shares(findings, view(dark))
    yield charts.waterfall(findings, view(dark))
    yield charts.gradient_against_value(findings, view(dark))
    yield run_charts.landscape(findings.experiment.problem, one, 3, np.array([1.0, 2.0]), view(dark), (-5, 5))
    yield run_charts.per_epoch(one, 2, view(dark), "f")


@pytest.mark.parametrize("dark", [False, True])
def test_every_chart_draws_and_names_its_axes(peaks, dark):
    for chart in every_chart(peaks, dark):
        spec = chart.to_json()
        assert len(set(axis_titles(json.loads(spec)))) >= 1
        assert vl_convert.vegalite_to_svg(spec).startswith("<svg")


def test_groups_count_every_start(peaks):
    table = charts.groups(peaks, view())
    assert table["count"].sum() == peaks.count
    assert table["group"].is_unique
    assert dict(zip(table["group"], table["count"], strict=True))["Minimum 1"] == peaks.minima[0].count


def test_colours_of_minima_are_the_same_everywhere(peaks):
    table = charts.groups(peaks, view()).set_index("group")["colour"]
    assert [table[f"Minimum {k + 1}"] for k in range(3)] == [theme.minimum_colour(k) for k in range(3)]


def test_every_ending_has_a_shape_of_its_own():
    shapes = [theme.ending_mark(ending, dark=False)[1] for ending in Ending if ending is not Ending.MINIMUM]
    names = [theme.ending_name(ending) for ending in Ending]
    assert len(set(shapes)) == len(shapes) == len(Ending) - 1
    assert len(set(names)) == len(names)


def test_large_runs_are_sampled_to_the_budget():
    found = run(Experiment(GALLERY["himmelblau"], OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=20_000)))
    assert len(charts.starts_table(found)) == charts.MOST_MARKS
    assert charts.groups(found, view())["count"].sum() == 20_000


def test_one_variable_and_three_variables():
    for key, draw in (("two_sines", lambda f: maps.curve_of_starts(f, view())), ("styblinski_tang_3", lambda f: charts.parallel_coordinates(f, view()))):
        found = run(Experiment(GALLERY[key], OPTIMIZERS["gd"], {"lr": GALLERY[key].rate}, Starts(count=60)))
        assert vl_convert.vegalite_to_svg(draw(found).to_json()).startswith("<svg")


def test_the_picture_shows_low_values_dark_and_the_right_way_up():
    x, y, f = maps.landscape_values(GALLERY["peaks"], ((-3, 3), (-3, 3)), (0, 1), np.zeros(2))
    row, column = np.unravel_index(np.argmin(f), f.shape)
    assert (x[column], y[row]) == pytest.approx((0.24, -1.62), abs=0.02)
    rgb = theme.colours(f, -5, 5, ramp=theme.VIRIDIS, soften=0.0, dark=False)
    assert rgb[row, column].sum() < rgb[np.unravel_index(np.argmax(f), f.shape)].sum()


def test_undefined_and_diverged_runs_are_drawn_too():
    found = run(Experiment(Problem.from_text("log(x) + y^2"), OPTIMIZERS["gd"], {}, Starts(count=50)))
    spec = maps.map_of_starts(found, view()).to_json()
    assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
    assert len(charts.starts_table(found)) == 50


def test_shares_carry_their_wilson_intervals(peaks):
    table = charts.groups(peaks, view())
    for row in table.itertuples():
        assert (row.low, row.high) == wilson(row.count, peaks.count) and row.share == row.count / peaks.count
