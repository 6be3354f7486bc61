"""The plane of two settings as a chart: numbers of the page, colours of the theme, and the boundary where the radius is 1."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, Stopping
from gdcore.quantities import Range
from gdcore.sensitivity import sweep
from gdui import basin_charts, plane_charts, planing, theme
from gdui.charts import View

PEAKS = GALLERY["peaks"]
RATE, MOMENTUM = Range("setting lr", 1e-3, 0.3, 24, log=True), Range("setting momentum", 0.0, 0.95, 20)


@pytest.fixture(scope="module")
def planes():
    page = sweep(Experiment(PEAKS, OPTIMIZERS["momentum"], {}, Starts(count=20), Stopping(300)), RATE, MOMENTUM)
    alone = sweep(Experiment(PEAKS, OPTIMIZERS["momentum"], {}, Starts.at((0.3, -1.4)), Stopping(300)), RATE, MOMENTUM)
    return page, alone


def test_the_run_is_numbered_as_on_the_page(planes):
    page, alone = planes
    found = plane_charts.reached(alone, page)
    assert found.labels.shape == found.codes.shape == found.epochs.shape == (20, 24)
    np.testing.assert_array_equal(found.labels.ravel() >= 0, alone.reached.any(axis=1))
    for entry in np.flatnonzero(alone.reached.any(axis=1))[::17]:
        own = alone.points[alone.reached[entry].argmax(), entry]
        np.testing.assert_allclose(page.minima[found.labels.ravel()[entry]].point, own, atol=1e-8)
    assert set(found.labels.ravel()) >= {-1, 0}


def test_a_list_in_another_order_is_renumbered(planes):
    page, alone = planes
    turned = type(page)(**{**vars(page), "points": page.points[::-1], "heights": page.heights[::-1], "minima": page.minima[::-1]})
    plain, other = plane_charts.reached(alone, page).labels, plane_charts.reached(alone, turned).labels
    np.testing.assert_array_equal(np.where(plain >= 0, len(page.points) - 1 - plain, -1), other)


def test_the_dashed_line_is_polyaks_and_the_picture_has_the_colours_of_the_minima(planes):
    page, alone = planes
    found, point = plane_charts.reached(alone, page), page.minima[0].point
    spec = plane_charts.chart(alone, found, planing._boundaries(alone, [point]), View(dark=False, width=300, height=300)).to_dict()
    largest = np.linalg.eigvalsh(PEAKS.hessian(point))[-1]
    line = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "line" and "strokeDash" in layer["mark"])
    assert line["mark"]["color"] == theme.minimum_colour(0)
    drawn = spec["datasets"][line["data"]["name"]]
    assert len(drawn) > 10
    for place in drawn:
        assert place["value"] == pytest.approx(2 * (1 + place["other"]) / largest, rel=1e-9)
    image = next(rows for rows in spec["datasets"].values() if rows and "url" in rows[0])
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(image[0]["url"].partition(",")[2]))))
    block = shown.shape[0] // 20, shown.shape[1] // 24
    np.testing.assert_array_equal(shown[::-1][:: block[0], :: block[1]], basin_charts.picture(found))


def test_every_pair_tells_what_became_of_it(planes):
    page, alone = planes
    spec = plane_charts.chart(alone, plane_charts.reached(alone, page), {}, View(dark=True, width=300, height=300)).to_dict()
    told = next(rows for rows in spec["datasets"].values() if rows and "reached" in rows[0])
    assert len(told) == 480 and {row["reached"] for row in told} >= {"minimum 1"} and all(row["reached"] != "minimum 0" for row in told)
    assert any(param["name"] == "click" for param in spec["params"])
