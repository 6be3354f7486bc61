"""Charts of a comparison, by their data and by drawing them."""

import json

import numpy as np
import pytest
import vl_convert

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, Stopping
from gdcore.compare import compare
from gdcore.experiment import traces
from gdcore.profile import profile
from gdui import charts, compare_charts, maps, theme

PEAKS = GALLERY["peaks"]
NAMES = ("gd", "adam", "rprop")


def view(dark=False):
    return charts.View(dark=dark, width=300, height=300)


@pytest.fixture(scope="module")
def comparison():
    starts = Starts(count=150)
    chosen = {OPTIMIZERS[k].name: Experiment(PEAKS, OPTIMIZERS[k], {"lr": 0.02}, starts) for k in NAMES}
    return compare(chosen)


def rows(spec, wanted):
    """The inline data sets of a chart that have this column."""
    return [data for data in json.loads(spec)["datasets"].values() if data and wanted in data[0]]


def runs():
    at = Starts.at([-1.2, 0.8])
    return {OPTIMIZERS[k].name: traces(Experiment(PEAKS, OPTIMIZERS[k], {"lr": 0.02}, at, Stopping(100)))[0] for k in NAMES}


@pytest.mark.parametrize("dark", [False, True])
def test_every_chart_draws(comparison, dark):
    found = profile({"booth": GALLERY["booth"]}, {n: (OPTIMIZERS[n], {}) for n in ("gd", "adam")}, Stopping(200), starts=Starts(count=20))
    drawn = [
        compare_charts.ecdf(comparison, view(dark)),
        *compare_charts.shares(comparison, view(dark)).values(),
        compare_charts.transitions(comparison.transition(0, 1), "A", "B", view(dark)),
        maps.map_of_starts(comparison.findings[0], view(dark), legend=False, over=[maps.ringed(comparison.findings[0].starts[:5], comparison.findings[0], view(dark))]),
        compare_charts.race(PEAKS, runs(), 10, view(dark), None),
        compare_charts.values_per_epoch(runs(), 10, view(dark), "f"),
        compare_charts.values_per_epoch(runs(), 10, view(dark), "|∇f|"),
        compare_charts.profile(found, view(dark)),
    ]
    for chart in drawn:
        spec = chart.to_json()
        assert "NaN" not in spec and '"title"' in spec
        assert vl_convert.vegalite_to_svg(spec).startswith("<svg")


def test_curves_end_at_the_shares_and_reach_as_far_as_the_longest_run(comparison):
    data = rows(compare_charts.ecdf(comparison, view()).to_json(), "evaluations")
    ends = {row["optimizer"]: row for part in data for row in part}
    for summary in comparison.summaries():
        assert ends[summary.name]["share"] == pytest.approx(summary.share)
        assert (ends[summary.name]["low"], ends[summary.name]["high"]) == pytest.approx(summary.interval)
        assert ends[summary.name]["evaluations"] == comparison.evaluations.max()


def test_bars_count_every_start_of_every_optimizer(comparison):
    drawn = compare_charts.shares(comparison, view())
    assert tuple(drawn) == comparison.names
    scales = set()
    for name, findings in zip(comparison.names, comparison.findings, strict=True):
        own = rows(drawn[name].to_json(), "count")[0]
        assert sum(row["count"] for row in own) == comparison.count
        assert all(row["low"] <= row["share"] <= row["high"] for row in own)
        assert {row["group"]: row["count"] for row in own}.get("Minimum 1", 0) == findings.minima[0].count
        assert all(row["colour"] == theme.minimum_colour(0) for row in own if row["group"] == "Minimum 1")
        layer = json.loads(drawn[name].to_json())["layer"][0]["encoding"]
        scales.add((tuple(layer["x"]["scale"]["domain"]), tuple(layer["y"]["scale"]["domain"])))
    assert len(scales) == 1, "rows and scale are the same for all"


def test_the_matrix_shows_every_start_once(comparison):
    found = comparison.transition(0, 2)
    data = rows(compare_charts.transitions(found, "A", "B", view()).to_json(), "starts")[0]
    assert sum(row["starts"] for row in data) == comparison.count
    assert all((row["same"] == "changed") is (row["from"] != row["to"]) for row in data)


def test_the_race_shows_where_each_run_is_at_the_epoch():
    given = runs()
    data = rows(compare_charts.race(PEAKS, given, 7, view(), None).to_json(), "ending")[0]
    for row in data:
        np.testing.assert_allclose([row["x"], row["y"]], given[row["optimizer"]].path[7])
        assert row["ending"] == "running"


def test_every_optimizer_has_a_colour_of_its_own_apart_from_the_minima():
    assert len(set(theme.COMPARED)) == len(theme.COMPARED) == len(theme.DASHES) == 8
    assert not set(theme.COMPARED) & {theme.minimum_colour(k) for k in range(9)}


def test_eight_optimizers_have_eight_styles_and_keep_them():
    names = [optimizer.name for optimizer in OPTIMIZERS.values()][:6] + ["Adam, lr 0.1", "Adam, lr 0.2"]
    styles = theme.optimizer_styles(names)
    assert list(styles) == names and len({colour for colour, _ in styles.values()}) == 8
    for gone in names[:6]:
        rest = theme.optimizer_styles([name for name in names if name != gone])
        assert all(rest[name] == styles[name] for name in rest)
    assert theme.optimizer_styles(["Mine", "Gradient descent"])["Gradient descent"] == styles["Gradient descent"]


def test_one_variable():
    problem = GALLERY["two_sines"]
    found = compare({k: Experiment(problem, OPTIMIZERS[k], {}, Starts(count=40)) for k in ("gd", "adam")})
    line = charts.View(dark=False, axes=(0, 0))
    ring = maps.ringed(found.findings[0].starts[:4], found.findings[0], line)
    chart = maps.curve_of_starts(found.findings[0], line, legend=False, over=[ring])
    assert vl_convert.vegalite_to_svg(chart.to_json()).startswith("<svg")
    paths = {k: traces(Experiment(problem, OPTIMIZERS[k], {}, Starts.at([1.0])))[0] for k in ("gd", "adam")}
    assert vl_convert.vegalite_to_svg(compare_charts.race_curve(problem, paths, 3, line).to_json()).startswith("<svg")
