"""Marks, curves and the disconnectivity graph by their spec and their data: what is drawn is what is certified."""

import json
from functools import cache

import altair as alt
import numpy as np
import pytest
import vl_convert

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts
from gdcore.certificate import Certificate, CertifiedPoint, Region
from gdcore.certify import certify
from gdcore.experiment import traces
from gdcore.structure import structure
from gdui import charts, run_charts, stationary, structure_charts, theme
from gdui.structure_charts import Shown

ALL = Shown(points=True, borders=True, descents=True)
BUDGET_MARKS, BUDGET_VERTICES = 5_000, 20_000


@pytest.fixture(autouse=True)
def as_streamlit_does():
    with alt.data_transformers.disable_max_rows():
        yield


@cache
def known(key):
    problem = GALLERY[key]
    certificate = certify(problem, seconds=60.0)
    return problem, certificate, structure(problem, certificate.points)


def view(dark=False, axes=(0, 1)):
    return charts.View(dark=dark, width=300, height=300, axes=axes)


def drawn(key, shown=ALL, dark=False):
    problem, certificate, found = known(key)
    axes = (0, 1) if problem.dimension > 1 else (0, 0)
    return structure_charts.layers(problem, certificate, found, stationary.drawn(stationary.marks(certificate)), shown, view(dark, axes))


def kinds(layers):
    """How many marks of each kind the layers draw."""
    counts = {}
    for layer in layers:
        if "kind" in layer.data:
            for kind, n in layer.data["kind"].value_counts().items():
                counts[kind] = counts.get(kind, 0) + int(n)
    return counts


def curves(layers, what):
    return [layer.data for layer in layers if "what" in layer.data and len(layer.data) and layer.data["what"].iloc[0] == what]


def picture(key, dark=False):
    """The whole chart of the page."""
    problem, certificate, _ = known(key)
    one = traces(Experiment(problem, OPTIMIZERS["gd"], {"lr": problem.rate}, Starts.at(problem.lows + 0.3 * (problem.highs - problem.lows))))[0]
    marks = stationary.drawn(stationary.marks(certificate))
    v = view(dark, (0, min(1, problem.dimension - 1)))
    over = structure_charts.numbers(problem, marks, v)
    if problem.dimension == 1:
        return run_charts.landscape_curve(problem, one, 0, v, under=drawn(key, dark=dark), over=over)
    return run_charts.landscape(problem, one, 0, np.ones(problem.dimension), v, (-5, 5), under=drawn(key, dark=dark), over=over)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("key", ["peaks", "double_well", "styblinski_tang_3", "quartic"])
def test_every_picture_draws(key, dark):
    assert vl_convert.vegalite_to_svg(picture(key, dark).to_json()).startswith("<svg")
    problem, certificate, found = known(key)
    if len(found.minima) > 1:
        assert vl_convert.vegalite_to_svg(structure_charts.tree(found, stationary.marks(certificate), view(dark)).to_json()).startswith("<svg")


@pytest.mark.parametrize("key", ["peaks", "double_well", "himmelblau", "rastrigin", "styblinski_tang_3"])
def test_as_many_marks_of_each_kind_as_are_certified(key):
    certificate = known(key)[1]
    expected = {kind: len(certificate.of_kind(kind)) for kind in ("minimum", "saddle", "maximum")} | {"boundary": len(certificate.boundary)}
    assert kinds(drawn(key)) == {kind: n for kind, n in expected.items() if n}


def test_a_layer_that_is_off_is_absent():
    assert drawn("peaks", Shown()) == []
    assert kinds(drawn("peaks", Shown(borders=True))) == {} and curves(drawn("peaks", Shown(borders=True)), "border")
    assert not curves(drawn("peaks", Shown(points=True)), "border") and not curves(drawn("peaks", Shown(points=True)), "descent")


def test_minima_have_the_numbers_and_colours_of_every_page():
    problem, certificate, _ = known("peaks")
    table = next(layer.data for layer in drawn("peaks") if "kind" in layer.data and layer.data["kind"].iloc[0] == "minimum").set_index("number")
    for k, point in enumerate(certificate.minima):
        assert (table.loc[str(k + 1), "x"], table.loc[str(k + 1), "y"]) == point.point
        assert table.loc[str(k + 1), "colour"] == theme.minimum_colour(k)
    numbers = structure_charts.numbers(problem, stationary.marks(certificate), view())[0].data
    assert set(numbers["number"]) == {"1", "2", "3"}


def test_borders_are_the_computed_curves_to_a_thousandth_of_the_box():
    problem, _, found = known("peaks")
    halo, core = curves(drawn("peaks"), "border")
    assert halo.equals(core) and core["curve"].nunique() == len(found.borders) == 6
    for k, curve in enumerate(found.borders):
        part = core[core["curve"] == k].sort_values("vertex")[["x", "y"]].to_numpy()
        assert (part[0] == curve.path[0]).all() and (part[-1] == curve.path[-1]).all()
        starts, ends = part[:-1], part[1:]
        way = ends - starts
        along = np.clip(((curve.path[:, None] - starts) * way).sum(-1) / (way**2).sum(-1), 0, 1)
        beside = np.abs(starts + along[..., None] * way - curve.path[:, None]) / (problem.highs - problem.lows)
        assert beside.max(axis=-1).min(axis=1).max() < 2 * structure_charts.BEND
        assert len(part) < len(curve.path)


def test_descents_have_the_colour_of_the_minimum_they_join():
    _, _, found = known("peaks")
    table = curves(drawn("peaks"), "descent")[1]
    for k, curve in enumerate(found.descents):
        joined = found.joins(curve)
        expected = structure_charts.NOWHERE if joined is None else theme.minimum_colour(joined)
        assert set(table.loc[table["curve"] == k, "colour"]) == {expected}
    assert structure_charts.NOWHERE in set(table["colour"])  # one of them leaves the box


def test_one_variable_has_its_borders_at_its_maxima():
    _, certificate, _ = known("double_well")
    (rules,) = curves(drawn("double_well"), "border")
    assert rules["x"].tolist() == [point.point[0] for point in certificate.of_kind("maximum")]
    descents = curves(drawn("double_well"), "descent")[0]
    assert descents["y"].to_numpy() == pytest.approx(GALLERY["double_well"].value(descents[["x"]].to_numpy()))


def marks_and_vertices(chart):
    """How many marks and line vertices a chart has, over all its layers."""
    spec, marks, vertices = json.loads(chart.to_json()), 0, 0

    def count(layer, data):
        nonlocal marks, vertices
        data = layer.get("data", data)
        for inner in layer.get("layer", []):
            count(inner, data)
        if "mark" in layer:
            rows = len(spec["datasets"][data["name"]])
            kind = layer["mark"]["type"]
            vertices, marks = (vertices + rows, marks) if kind == "line" else (vertices, marks + rows)

    count(spec, None)
    return marks, vertices


@pytest.mark.parametrize("key", ["peaks", "rastrigin", "schwefel"])
def test_a_map_and_a_tree_stay_within_their_budgets(key):
    marks, vertices = marks_and_vertices(picture(key))
    assert 3_721 < marks <= BUDGET_MARKS and vertices <= BUDGET_VERTICES
    _, certificate, found = known(key)
    marks, vertices = marks_and_vertices(structure_charts.tree(found, stationary.marks(certificate), view()))
    assert marks <= BUDGET_MARKS and vertices <= BUDGET_VERTICES


def test_all_curves_of_rastrigin_are_drawn_and_too_many_are_said_to_be():
    problem, _, found = known("rastrigin")
    assert len(structure_charts.drawn_curves(found.borders, problem, (0, 1))[0]) == len(found.borders) == 440
    assert structure_charts.curves_caption(problem, found, ALL, (0, 1)) == ""
    some, total = structure_charts.drawn_curves(found.borders, problem, (0, 1), most=100)
    assert total == 440 and 0 < len(some) < 100 and sum(len(path) for _, path in some) <= 100
    lowest = sorted(found.points[curve.origin].value for curve in found.borders)
    assert sorted(found.points[curve.origin].value for curve, _ in some) == lowest[: len(some)]


def test_far_too_many_points_are_thinned_to_the_lowest_and_it_is_said():
    problem = GALLERY["levy_13"]
    certificate = certify(problem, seconds=60.0)
    every = stationary.marks(certificate)
    some = stationary.drawn(every)
    assert (len(every), len(some)) == (3_653, stationary.MOST_DRAWN)
    assert max(m.certified.value for m in some) <= np.sort([m.certified.value for m in every])[stationary.MOST_DRAWN - 1]
    assert "Of 3,653 points the 600 lowest are drawn." in stationary.map_caption(some, certificate, problem)


@pytest.mark.parametrize("key", ["peaks", "rastrigin", "gramacy_lee"])
def test_tree_joins_minima_at_the_values_of_saddles(key):
    _, certificate, found = known(key)
    chart = structure_charts.tree(found, stationary.marks(certificate), view())
    branches, leaves = chart.layer[0].data, next(layer.data for layer in chart.layer if "escape" in layer.data)
    inner = next(layer.data for layer in chart.layer if "saddle" in layer.data)
    graph, k = found.barriers.tree, len(found.minima)
    assert inner["f"].to_numpy() == pytest.approx([found.points[s].value for s in graph.saddles[k:]], rel=1e-12)  # of equal saddles the highest
    assert leaves["f"].tolist() == [point.value for point in certificate.minima]
    assert set(inner["saddle"]) <= {mark.name for mark in stationary.marks(certificate) if mark.kind != "minimum"}
    for node, parent in enumerate(graph.parents):
        corners = branches[branches["branch"] == node].sort_values("vertex")
        assert corners["f"].iloc[0] == graph.levels[node]
        if parent >= 0:
            assert set(corners["f"].iloc[1:]) == {graph.levels[parent]} and corners["place"].iloc[-1] == graph.places[parent]
        assert (corners["colour"].iloc[0] == theme.minimum_colour(node)) == (node < k)


def test_minima_that_nothing_joins_are_dashed():
    problem = Problem.from_text("-exp(-4*(x-1)^2) - exp(-4*(x+1)^2) - 0*y + y^2", box={"x": (-2, 2), "y": (-1, 1)})
    certificate = certify(problem)
    minima = tuple(p for p in certificate.points if p.kind == "minimum")
    apart = structure(problem, minima)  # as if no saddle were known
    data = structure_charts.tree(apart, stationary.marks(certificate), view()).layer[0].data
    assert len(minima) == 2 and data["alone"].all()
    assert "dashed" in stationary.tree_caption(apart, certificate)


def test_what_is_not_proved_is_seen_however_small():
    problem, certificate, found = known("quartic")
    assert certificate.unresolved[0].share < 1e-20
    layers = structure_charts.layers(problem, certificate, found, (), Shown(points=True), view())
    assert [layer.mark.type for layer in layers] == ["point"]
    large = Certificate((), (Region(((-1.0, 1.0), (0.0, 2.0)), 0.25, (((-1.0, 1.0), (0.0, 2.0)),)),) * 300, False, 1, 0.0, reason="so")
    (area,) = structure_charts.layers(problem, large, None, (), Shown(points=True), view())
    assert isinstance(area, alt.Chart) and area.mark.type == "rect" and len(area.data) == structure_charts.MOST_REGIONS


# -- what is said of them ----------------------------------------------------------------------------------------------


def test_sentences():
    say = {key: stationary.sentence(known(key)[1], GALLERY[key].dimension) for key in ("peaks", "double_well", "quartic", "saddle")}
    assert say["peaks"].startswith("3 minima, 3 saddles and 3 maxima: these are all stationary points in the box (proved). 3 more minima lie on")
    assert say["double_well"] == "2 minima and 1 maximum: these are all stationary points in the box (proved)."
    assert say["quartic"].startswith("No stationary point is proved; one place in the box, at (0.000, 0.000), is undecided (a singular Hessian")
    assert say["saddle"].startswith("1 saddle: this is the only stationary point in the box (proved).")


@pytest.mark.parametrize("key", ["peaks", "double_well", "rastrigin", "styblinski_tang_3", "himmelblau"])
def test_printed_enclosures_contain_the_proved_ones(key):
    from decimal import Decimal

    for point in known(key)[1].points:
        for value, limits in zip((*point.point, point.value), (*point.enclosure, point.value_enclosure), strict=True):
            text = stationary.enclosure(value, limits).replace("−", "-")
            middle, _, reach = text.partition(" ± ")
            low, high = Decimal(middle) - Decimal(reach or 0), Decimal(middle) + Decimal(reach or 0)
            assert low <= Decimal(limits[0]) and Decimal(limits[1]) <= high
            assert Decimal(reach or 0) <= 12 * max(Decimal(limits[1]) - Decimal(limits[0]), Decimal(1e-15) * max(1, abs(Decimal(value))))


def test_enclosures_as_they_are_read():
    assert stationary.enclosure(0.228278920556369, (0.2282789205563599, 0.22827892055637822)) == "0.228278920556369 ± 1e−14"
    assert stationary.enclosure(-3.0, (-3.0, -3.0)) == "−3"
    assert stationary.enclosure(0.0, (-1e-300, 1e-300)) == "0 ± 2e−300"
    assert stationary.enclosure(20.0, (20.0, 20.0)) == "20"


def test_figures_of_a_saddle_and_of_a_minimum():
    problem, certificate, found = known("peaks")
    by_name = {mark.name: dict(stationary.figures(mark, problem, found)) for mark in stationary.marks(certificate)}
    saddle = by_name["Saddle 1"]
    assert saddle["its descents lead to"] == "minima 1 and 3"
    assert saddle["barrier from minimum 1"] == "6.95968" and saddle["barrier from minimum 3"] == "0.473484"
    assert by_name["Minimum 1"]["stable rate 2/λmax"] == "0.066264"
    assert by_name["Minimum 1"]["least climb out of it"] == "6.95968, to minimum 3"
    assert "leaves the box" in by_name["Saddle 3"]["its descents lead to"]
    assert "least climb out of it" not in dict(stationary.figures(stationary.marks(certificate)[0], problem, None))


def test_a_click_means_the_mark_beside_it_or_open_land():
    problem, certificate, _ = known("peaks")
    marks = stationary.marks(certificate)
    x, y = certificate.minima[0].point
    near = lambda dx, dy: stationary.nearest(marks, problem, (0, 1), {"x": x + dx, "y": y + dy})  # noqa: E731
    assert near(0.17, -0.17).name == "Minimum 1" and near(0.19, 0.0) is None
    assert stationary.nearest((), problem, (0, 1), {"x": x, "y": y}) is None
    one, proved, _ = known("double_well")
    assert stationary.nearest(stationary.marks(proved), one, (0, 0), {"x": 1.0}).name == "Minimum 2"


def test_between_crowded_marks_there_is_open_land():
    problem, certificate, _ = known("rastrigin")
    marks = stationary.marks(certificate)
    assert stationary.nearest(marks, problem, (0, 1), {"x": 0.25, "y": 0.25}) is None
    assert stationary.nearest(marks, problem, (0, 1), {"x": 0.51, "y": 0.0}).kind == "saddle"


def test_points_that_fall_together_in_a_projection_are_told_as_the_deepest():
    problem, certificate, _ = known("styblinski_tang_3")
    marks = stationary.marks(certificate)
    assert stationary.nearest(marks, problem, (0, 1), {"x": -2.9, "y": -2.9}).name == "Minimum 1"
    assert len(structure_charts.numbers(problem, marks, view())[0].data) == 4


def test_table_lists_points_then_what_is_not_proved():
    point = CertifiedPoint((1.0,), 2.0, "undecided", None, (0.0,), ((0.9, 1.1),), (1.9, 2.1))
    problem = Problem.from_text("(x-1)^4 + 2", box={"x": (0, 2)})
    certificate = Certificate((point,), (Region(((0.0, 0.5),), 0.25, (((0.0, 0.5),),)),), False, 9, 0.1, edge=(point,), reason="so")
    frame = stationary.table(stationary.marks(certificate), certificate, problem, None)
    assert frame["proved"].tolist() == ["proved, its kind not", "proved, on the edge", "not proved: 25\u00a0% of the box"]
    assert frame["kind"].tolist() == ["undecided", "on the edge", "unresolved"]
    whole = stationary.numbers(stationary.marks(certificate), certificate, problem, None)
    assert whole["x low"].tolist() == [0.9, 0.9, 0.0] and whole["share of the box"].iloc[2] == 0.25


def test_long_tables_are_cut_and_downloads_are_not():
    problem, certificate, found = known("rastrigin")
    marks = stationary.marks(certificate)
    assert len(stationary.table(marks, certificate, problem, found)) == stationary.MOST_ROWS
    whole = stationary.numbers(marks, certificate, problem, found)
    assert len(whole) == 441 and whole["area"].sum() == pytest.approx(1.0) and (whole["x low"] <= whole["x"]).all()
