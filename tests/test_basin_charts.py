"""Pictures of basin maps by their pixels, and the charts about them by spec and data."""

import base64
import io
import json

import numpy as np
import pytest
import vl_convert
from PIL import Image

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping
from gdcore.basin_measures import uncertainty_exponent
from gdcore.basins import Window, basin_map, changed, colours
from gdcore.experiment import traces
from gdcore.stopping import CODE, ENDINGS, Ending
from gdui import basin_charts, charts, maps, theme
from gdui.basin_charts import Point

PEAKS = GALLERY["peaks"]


def view(dark=False, width=300):
    return charts.View(dark=dark, width=width, height=width)


def mapped(problem, columns=48, rows=48, window=None, epochs=1000, **settings):
    found = Experiment(problem, OPTIMIZERS["gd"], {"lr": problem.rate or 0.01, **settings}, Starts(count=1), Stopping(epochs))
    return basin_map(found, window or Window.of(problem), columns, rows)


@pytest.fixture(scope="module")
def peaks():
    return mapped(PEAKS)


def rgb_of(colour):
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)


def datasets(chart):
    return list(json.loads(chart.to_json())["datasets"].values())


def rows(chart, wanted):
    """The rows of all data sets of a chart that have this column."""
    return [row for data in datasets(chart) if data and wanted in data[0] for row in data]


def drawn(chart):
    spec = chart.to_json()
    assert "NaN" not in spec and "Infinity" not in spec
    assert vl_convert.vegalite_to_svg(spec).startswith("<svg")
    return json.loads(spec)


# -- the picture -------------------------------------------------------------------------------------------------------


def test_each_minimum_has_the_colour_of_the_theme(peaks):
    picture = basin_charts.picture(peaks).astype(float)
    for k in range(3):
        mine = peaks.labels == k
        shade = 1 - basin_charts.DARKEST * basin_charts.darkness(peaks)[mine][:, None]
        np.testing.assert_allclose(picture[mine], rgb_of(theme.minimum_colour(k)) * shade, atol=0.51)
        lightest = picture[mine][np.argmin(peaks.epochs[mine])]
        assert np.abs(lightest - rgb_of(theme.minimum_colour(k))).max() < 40


def test_darkness_grows_with_epochs(peaks):
    picture, dark = basin_charts.picture(peaks).astype(float).sum(axis=2), basin_charts.darkness(peaks)
    for k in range(3):
        mine = peaks.labels == k
        order = np.argsort(peaks.epochs[mine], kind="stable")
        assert (np.diff(dark[mine][order]) >= 0).all() and (np.diff(picture[mine][order]) <= 0).all()
        assert picture[mine][order[0]] > picture[mine][order[-1]]
    settled = peaks.labels >= 0
    assert dark[settled].min() == 0 and dark[settled].max() == 1
    low, high = basin_charts.epochs_range(peaks)
    assert peaks.epochs[settled].min() <= low < high <= peaks.epochs[settled].max()


def test_a_place_where_f_is_undefined_is_hatched_and_never_blank():
    found = mapped(Problem.from_text("x*log(x) + y^2"), 256, 256)
    picture = basin_charts.picture(found)
    left = found.codes == CODE[Ending.UNDEFINED]
    assert left[:, :127].all() and not left[:, 129:].any()
    grey = picture[left]
    assert (grey == grey[:, :1]).all(), "greys only"
    tones, counts = np.unique(grey[:, 0], return_counts=True)
    assert len(tones) == 2 and counts.min() > 0.1 * counts.sum(), "stripes on a ground"
    assert not (grey == 255).all(axis=1).any() and not (grey == 0).all(axis=1).any()


def test_the_commonest_endings_cannot_be_taken_for_each_other():
    swatches = {ending: basin_charts._hatched(ending, (48, 48))[..., 0] for ending in ENDINGS if ending is not Ending.MINIMUM}
    assert set(theme.AREA_GREYS) == set(basin_charts.HATCHES) == set(swatches)
    for one, first in swatches.items():
        assert first.min() >= 0 and first.max() <= 255
        for other, second in swatches.items():
            assert one is other or not np.array_equal(first, second), (one, other)


def test_the_lowest_row_is_drawn_lowest():
    found = mapped(Problem.from_text("(y^2-1)^2 + 0.2*y + x^2"), 8, 40)
    picture = basin_charts.picture(found)
    assert found.labels[0, 0] == 0 and found.labels[-1, 0] == 1
    bytes_ = base64.b64decode(rows(basin_charts.chart(found, picture, (), view()), "url")[0]["url"].partition(",")[2])
    shown = np.asarray(Image.open(io.BytesIO(bytes_)))
    np.testing.assert_array_equal(shown[-1, 0], picture[0, 0])
    np.testing.assert_array_equal(shown[0, 0], picture[-1, 0])
    assert max(shown.shape) >= maps.SHARP, "so that browsers do not blur pixels"


def test_changed_pixels_are_black_and_the_others_pale(peaks):
    other = mapped(PEAKS, lr=0.02)
    change = changed(peaks, other)
    picture = basin_charts.changed_picture(peaks, change)
    assert change.pixels.any() and (picture[change.pixels] == basin_charts.CHANGED).all()
    assert picture[~change.pixels].min() >= 255 * 0.65 - 1


# -- the chart ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True])
def test_the_map_lies_on_its_window_with_named_axes(dark):
    window = Window((0, 1), (0.0, 1.0), (-2.0, -1.0), (0.0, 0.0))
    found = mapped(PEAKS, 16, 16, window)
    spec = drawn(basin_charts.chart(found, basin_charts.picture(found), (), view(dark)))
    image = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "image")
    assert image["encoding"]["x"]["title"] == "x" and image["encoding"]["x"]["scale"]["domain"] == [0, 1]
    assert image["encoding"]["y"]["title"] == "y" and image["encoding"]["y"]["scale"]["domain"] == [-2, -1]
    (place,) = rows(basin_charts.chart(found, basin_charts.picture(found), (), view()), "url")
    assert [place[name] for name in ("x", "x2", "y", "y2")] == [0, 1, -2, -1]


def test_clicks_and_drags_are_offered_only_where_asked_for(peaks):
    picture = basin_charts.picture(peaks)
    names = {param["name"] for param in drawn(basin_charts.chart(peaks, picture, (), view()))["params"]}
    assert {"click", "zoom"} <= names
    assert "params" not in drawn(basin_charts.chart(peaks, picture, (), view(), clickable=False))


def test_marks_in_the_window_only_and_a_cross_where_runs_are_driven_away(peaks):
    points = [
        Point(0.23, -1.63, "minimum 1", "1", theme.minimum_colour(0), True), Point(-1.35, 0.2, "minimum 2", "2", theme.minimum_colour(1)),
        Point(9.0, 9.0, "minimum 3", "3", theme.minimum_colour(2)), Point(0.42, -0.39, "saddle", "", "#ffffff"),
    ]  # fmt: skip
    chart = basin_charts.chart(peaks, basin_charts.picture(peaks), points, view())
    drawn(chart)
    marks = {(row["kind"], row["unstable"]) for row in rows(chart, "kind")}
    assert marks == {("minimum 1", True), ("minimum 2", False), ("saddle", False)}
    crossed = [data for data in datasets(chart) if data and "kind" in data[0] and all(row["unstable"] for row in data)]
    assert [row["number"] for row in crossed[0]] == ["1"]


def test_a_run_is_drawn_from_its_start_to_its_end(peaks):
    run = traces(Experiment(PEAKS, OPTIMIZERS["gd"], {}, Starts.at([0.5, -0.9])))[0]
    chart = basin_charts.chart(peaks, basin_charts.picture(peaks), (), view(), run=run)
    drawn(chart)
    path = [data for data in datasets(chart) if data and "epoch" in data[0]]
    ends = sorted((row["epoch"], row["x"], row["y"]) for data in path for row in data)
    assert ends[0][1:] == (0.5, -0.9) and ends[-1][1:] == pytest.approx(tuple(run.path[-1]))


def test_in_one_variable_f_is_drawn_over_the_bands():
    problem = GALLERY["double_well"]
    found = mapped(problem, 64, 1)
    run = traces(Experiment(problem, OPTIMIZERS["gd"], {"lr": 0.05}, Starts.at([0.5])))[0]
    chart = basin_charts.chart(found, basin_charts.picture(found), [Point(1.0, -0.25, "minimum 1", "1", "#d55e00")], view(), run=run)
    spec = drawn(chart)
    zoom = next(param for param in spec["params"] if param["name"] == "zoom")
    assert zoom["select"]["encodings"] == ["x"]
    image = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "image")
    assert image["encoding"]["y"]["title"] == "f"
    curve = next(data for data in datasets(chart) if len(data) == basin_charts.CURVE)
    np.testing.assert_allclose([row["y"] for row in curve], problem.value(np.array([[row["x"]] for row in curve])))
    low, high = image["encoding"]["y"]["scale"]["domain"]
    assert low < min(row["y"] for row in curve)


# -- what stands beside it ---------------------------------------------------------------------------------------------


def test_the_legend_adds_up_and_wears_the_colours_of_the_map(peaks):
    found = basin_charts.legend_rows(peaks)
    assert sum(row.share for row in found) == pytest.approx(1)
    assert [row.name for row in found][:3] == ["Minimum 1", "Minimum 2", "Minimum 3"]
    for k, row in enumerate(found):
        if k < 3:
            assert (row.swatch == rgb_of(theme.minimum_colour(k))).all() and row.share == (peaks.labels == k).mean()
        else:
            ending = next(ending for ending in ENDINGS if ending.label.capitalize() == row.name)
            assert row.share == (peaks.codes == ENDINGS.index(ending)).mean() and (row.swatch == row.swatch[..., :1]).all()


def test_minima_beyond_the_palette_are_one_row_of_the_legend():
    found = mapped(GALLERY["rastrigin"], 64, 64, lr=0.001)
    rows_ = basin_charts.legend_rows(found)
    assert [row.name for row in rows_].count("Further minima") == 1 and sum(row.share for row in rows_) == pytest.approx(1)


def test_the_exponents_line_goes_through_the_points():
    half = np.repeat((np.arange(512) > 200)[None], 512, axis=0).astype(np.int32)
    found = uncertainty_exponent(half)
    chart = basin_charts.uncertainty(found, view())
    drawn(chart)
    points, line = sorted(([row for row in data] for data in datasets(chart)), key=lambda data: [row["share"] for row in data] != found.shares.tolist())
    assert [row["size"] for row in points] == found.sizes.tolist()
    np.testing.assert_allclose([row["share"] for row in line], [row["share"] for row in points], rtol=0.02)


def test_a_map_without_border_has_a_chart_without_line(peaks):
    flat = uncertainty_exponent(np.zeros((256, 256), np.int32))
    assert flat.reason and not rows(basin_charts.uncertainty(flat, view()), "size")
    assert colours(peaks).max() < 3 + len(ENDINGS)
