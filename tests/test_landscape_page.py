"""What Landscape shows of a function's structure; each test reads a number that depends on what it changed."""

import io
import json
import time

import pyarrow as pa
import pytest
from pages_harness import headline, page, plain, settle

from gdcore.gallery import GALLERY
from gdui import beside, stationary

LIMIT = 60  # seconds that a proof may take on a busy machine


def proven(app):
    """Runs the script until the structure is there."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        assert not app.exception
        if any(caption.value.startswith("Disconnectivity graph") or "barrier to draw" in caption.value for caption in app.caption):
            return app
        time.sleep(0.1)
        app.run()
    raise AssertionError("the structure did not come")


@pytest.fixture
def landscape(app):
    return proven(page(settle(app), "landscape"))


def choose(app, key):
    app.selectbox("problem").set_value(key).run()
    return proven(app)


def chart_of(app, place=0):
    return app.get("vega_lite_chart")[place].proto


def kinds(app):
    """How many marks of each kind the map draws."""
    counts = {}
    for dataset in chart_of(app).datasets:
        frame = pa.ipc.open_stream(io.BytesIO(dataset.data.data)).read_pandas()
        if "kind" in frame:
            counts |= frame["kind"].value_counts().to_dict()
    return counts


def lines(app, what):
    """How many curves of this kind the map draws."""
    frames = [pa.ipc.open_stream(io.BytesIO(dataset.data.data)).read_pandas() for dataset in chart_of(app).datasets]
    return max((frame["curve"].nunique() for frame in frames if "what" in frame and "curve" in frame and (frame["what"] == what).any()), default=0)


def table(app):
    return next(frame.value for frame in app.dataframe if "proved" in frame.value)


def click(app, **place):
    """A click on the map, as the browser reports it."""
    states = app._tree.get_widget_states()
    states.widgets.add(id=chart_of(app).id, string_value=json.dumps({"selection": {"click": [place]}}))
    app._run(states)
    assert not app.exception
    return app


def test_all_stationary_points_are_told_before_anything_else(landscape):
    assert any(plain(m.value).startswith("3 minima, 3 saddles and 3 maxima: these are all stationary points in the box (proved).") for m in landscape.markdown)
    assert table(landscape)["kind"].value_counts().to_dict() == {"minimum": 3, "saddle": 3, "maximum": 3, "boundary": 3}
    assert table(landscape)["x"].iloc[0] == "0.228278920556369 ± 1e−14" and set(table(landscape)["proved"]) == {"proved"}


def test_a_proof_that_comes_while_the_page_is_drawn_is_shown_at_once(app, monkeypatch):
    settle(app).text_area("formula").set_value("(x^2-1)^2 + 0.37*x + y^2").run()
    monkeypatch.setattr(beside, "PATIENCE", 0.0)
    monkeypatch.setattr(stationary, "click_caption", lambda *_: time.sleep(2.0) or "slow")  # the page is slower than the proof
    app.text_area("formula").set_value("(x^2-1)^2 + 0.38*x + y^2")
    page(app, "landscape")
    assert kinds(app) == {"minimum": 2, "saddle": 1} and lines(app, "border") == 2


def test_toggles_show_and_hide_their_layers(landscape):
    assert kinds(landscape) == {"minimum": 3, "saddle": 3, "maximum": 3, "boundary": 3}
    assert (lines(landscape, "border"), lines(landscape, "descent")) == (6, 0)
    landscape.toggle("show descents").set_value(True).run()
    assert lines(landscape, "descent") == 6
    landscape.toggle("show borders").set_value(False).run()
    assert lines(landscape, "border") == 0 and kinds(landscape)["saddle"] == 3
    landscape.toggle("show points").set_value(False).run()
    assert kinds(landscape) == {} and lines(landscape, "descent") == 6


def test_toggles_survive_leaving_the_page(landscape):
    landscape.toggle("show points").set_value(False).run()
    page(landscape, "theory")
    assert kinds(proven(page(landscape, "landscape"))) == {}


def test_toggles_are_offered_where_they_mean_something(landscape):
    offered = lambda: {t.key.removeprefix("show ") for t in landscape.toggle if t.key.startswith("show ")}  # noqa: E731
    assert offered() == {"points", "borders", "descents"}
    choose(landscape, "styblinski_tang_3")
    assert offered() == {"points", "descents"} and kinds(landscape) == {"minimum": 8, "saddle": 18, "maximum": 1}
    landscape.selectbox("problem").set_value("sphere_5").run()
    assert offered() == {"points"}
    assert any("at most 3 variables; this function has 5" in plain(c.value) for c in landscape.caption)


def test_a_click_on_a_mark_tells_its_figures_and_moves_nothing(landscape):
    before = headline(landscape)
    click(landscape, x=0.2, y=-1.6)
    figures = landscape.table[0].value
    assert figures.index.name == "Minimum 1" and figures.columns.tolist() == ["proved"]
    assert figures.loc["f", "proved"] == "−6.551133332836 ± 2e−12" and figures.loc["stable rate 2/λmax", "proved"] == "0.066264"
    click(landscape, x=0.416323, y=-0.394145)
    assert landscape.table[0].value.loc["its descents lead to", "proved"] == "minima 1 and 3"
    assert headline(landscape) == before


def test_a_click_on_open_land_or_without_marks_moves_the_start(landscape):
    click(landscape, x=-2.0, y=-2.0)
    assert headline(landscape).startswith("From (−2.000, −2.000)") and not landscape.table
    landscape.toggle("show points").set_value(False).run()
    click(landscape, x=0.2, y=-1.6)
    assert headline(landscape).startswith("From (0.200, −1.600)") and not landscape.table


def test_a_parameter_changes_points_and_table(landscape):
    choose(landscape, "tilted_double_well")
    before = table(landscape)["f"].tolist()
    assert len(before) == 3
    landscape.slider("parameter b").set_value(0.0).run()
    time.sleep(0.5)
    after = table(proven(landscape.run()))["f"].tolist()
    assert after != before and after[0].startswith("0 ±")


def test_what_is_not_proved_is_a_row(landscape):
    choose(landscape, "quartic")
    (row,) = table(landscape).to_dict("records")
    assert row["kind"] == "unresolved" and row["proved"].startswith("not proved: 2e−25\u00a0% of the box")
    assert any("No minimum is proved in the box" in c.value for c in landscape.caption)


def test_one_variable_and_many_points(landscape):
    choose(landscape, "double_well")
    assert kinds(landscape) == {"minimum": 2, "maximum": 1}
    choose(landscape, "rastrigin")
    assert len(table(landscape)) == 200 and kinds(landscape) == {"minimum": 121, "saddle": 220, "maximum": 100}
    assert any("The first 200 of 441 rows" in c.value for c in landscape.caption)
    landscape.selectbox("problem").set_value("levy_13").run()
    for _ in range(100):
        if any("are drawn" in c.value for c in landscape.caption):
            break
        time.sleep(0.1)
        landscape.run()
    assert any("the 600 lowest are drawn" in c.value for c in landscape.caption)
    assert sum(kinds(landscape).values()) == 600
    assert any("worked out for at most 1,000 stationary points" in plain(c.value) for c in landscape.caption)


@pytest.mark.parametrize("key", ["monkey_saddle", "log_barrier", "pyramid", "curved_valley", "schwefel", "trid_6", "forrester"])
def test_every_kind_of_certificate_is_shown(landscape, key):
    landscape.selectbox("problem").set_value(key).run()
    for _ in range(100):
        assert not landscape.exception
        if any("proved" in frame.value for frame in landscape.dataframe):
            break
        time.sleep(0.1)
        landscape.run()
    assert len(table(landscape)) and GALLERY[key].variables[0] in table(landscape)
