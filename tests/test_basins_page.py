"""The page Basins, run headless; each test reads a number that depends on the widget it changed."""

import io
import json
import re

import pyarrow as pa
import pytest
from pages_harness import answered, headline, page, plain, settle, told, wait_for

from gdui import mapping

SIDE = 128


def ready(app, wanted=lambda app: True):
    """Runs the script until the fine map is there and what is wanted besides."""
    return wait_for(app, lambda app: answered(app, "coarse map") and wanted(app))


@pytest.fixture
def basins(app, monkeypatch):
    monkeypatch.setattr(mapping, "MOST_PUSHED", 0)  # but where pushes are wanted: each takes hundreds of runs
    app.session_state["count"], app.session_state["basins side"] = 50, SIDE
    return ready(page(settle(app.run()), "basins"))


def choose(app, key=None, formula=None):
    if key:
        app.selectbox("problem").set_value(key).run(timeout=30)
    else:
        app.text_area("formula").set_value(formula).run(timeout=30)
    return ready(app)


def basis(app):
    return plain(next(c.value for c in app.caption if "One run from each of" in c.value))


def areas(app):
    return next(frame.value for frame in app.dataframe if "reached" in frame.value).set_index("reached")


def window(app, *limits):
    """The window as a drag leaves it in the session."""
    key = next(key for key in (f"basins {p.formula[:60]} {p.limits} {tuple(range(min(2, p.dimension)))} window" for p in [app.session_state["setup"].problem]))
    app.session_state[key] = list(limits)
    return ready(app.run(timeout=30))


def share(app, number):
    return float(re.search(rf"([\d.]+) %(?: of [a-z ]+ belongs)? to minimum {number}", headline(app)).group(1))


def act(app, **selection):
    """A click or a drag on the map, as the browser reports it."""
    states = app._tree.get_widget_states()
    states.widgets.add(id=app.get("vega_lite_chart")[0].proto.id, string_value=json.dumps({"selection": selection}))
    app._run(states, timeout=30)
    return ready(app)


def image(app, place=0):
    """The corners of the picture on a chart: x, x2, y, y2."""
    frames = [pa.ipc.open_stream(io.BytesIO(one.data.data)).read_pandas() for one in app.get("vega_lite_chart")[place].proto.datasets]
    return next(frame for frame in frames if "url" in frame)[["x", "x2", "y", "y2"]].iloc[0].tolist()


def against(app, key):
    app.selectbox("basins against").set_value(key).run(timeout=30)
    return ready(app, lambda app: app.error or "of the map changes" in told(app) or "No pixel changes" in told(app))


def test_the_headline_and_the_table_share_out_the_box(basins):
    assert headline(basins) == "26 % of the box belongs to minimum 1, 23 % to minimum 2 and 7 % to minimum 3; from 44 % no minimum is reached."
    assert basis(basins).startswith(f"One run from each of {SIDE} × {SIDE} places.")
    assert areas(basins)["share"].str.rstrip("\u00a0%").astype(float).sum() == pytest.approx(100, abs=2)
    assert [name for name in areas(basins).index][:3] == ["Minimum 1", "Minimum 2", "Minimum 3"] and image(basins) == [-3, 3, -3, 3]


def test_the_resolution_narrows_what_the_pixels_leave_open(basins):
    def width():
        low, high = areas(basins).loc["Minimum 1", "between"].rstrip(" %").split(" to ")
        return float(high) - float(low)

    choose(basins, "tilted_double_well")
    coarse = width()
    basins.selectbox("basins side").set_value(256).run(timeout=30)
    ready(basins)
    assert basis(basins).startswith("One run from each of 256 × 256 places.") and width() < 0.7 * coarse


def test_the_learning_rate_changes_the_areas(basins):
    before = share(basins, 1)
    basins.number_input("setting lr").set_value(0.06).run(timeout=30)
    assert abs(share(ready(basins), 1) - before) >= 1
    basins.number_input("setting lr").set_value(0.07).run(timeout=30)
    assert "minimum 1" not in headline(ready(basins)) and any("Crossed out" in c.value for c in basins.caption)


def test_a_parameters_slider_moves_the_border(basins):
    choose(basins, "tilted_double_well")
    tilted = share(basins, 1)
    basins.slider("parameter b").set_value(0.0).run(timeout=30)
    assert share(ready(basins), 1) == pytest.approx(50, abs=0.5) and tilted > 51
    basins.slider("parameter b").set_value(1.6).run(timeout=30)
    assert headline(ready(basins)) == "100 % of the box belongs to minimum 1."


def test_the_window_of_the_session_is_mapped_and_widened_again(basins):
    window(basins, (0.0, 1.0), (-2.0, -1.0))
    assert headline(basins) == "100 % of this window belongs to minimum 1." and image(basins) == [0, 1, -2, -1]
    next(b for b in basins.button if b.label == "Zoom out").click().run(timeout=30)
    assert image(ready(basins)) == [-0.5, 1.5, -2.5, -0.5]
    next(b for b in basins.button if b.label == "Whole box").click().run(timeout=30)
    assert "of the box belongs" in headline(ready(basins)) and image(basins) == [-3, 3, -3, 3]
    window(basins, (0.0, 1.0), (-2.0, -1.0))
    choose(basins, "himmelblau")
    assert "of the box belongs" in headline(basins)
    choose(basins, "peaks")
    assert "of this window belongs" in headline(basins)


def test_a_drag_zooms_and_a_slip_does_not(basins):
    act(basins, zoom={"x": [-0.5, 0.5], "y": [1.0, 2.0]}, click=[{"x": 0.0, "y": 1.5}])
    assert "this window" in headline(basins) and image(basins) == [-0.5, 0.5, 1, 2]
    next(b for b in basins.button if b.label == "Whole box").click().run(timeout=30)
    act(ready(basins), zoom={"x": [0.0, 0.01], "y": [1.0, 1.01]}, click=[{"x": 0.5, "y": -0.9}])
    assert "the box" in headline(basins) and "(0.500, −0.900)" in told(basins)
    act(basins, zoom={"x": [2.0, 9.0], "y": [-9.0, 0.0]})
    assert image(basins) == [2, 3, -3, 0]


def test_a_click_draws_and_explains_a_run(basins):
    act(basins, click=[{"x": 0.5, "y": -0.9}])
    assert "(0.500, −0.900)" in told(basins) and "(0.228, −1.626)" in told(basins)
    ready(basins, lambda app: "in the basin of minimum 1" in told(app))
    act(basins, click=[{"x": -1.0, "y": 0.5}])
    assert "(−1.000, 0.500)" in told(basins) and "(0.500, −0.900)" not in told(basins)


def test_a_comparison_counts_the_pixels_that_change(basins):
    against(basins, "setting lr")
    assert "with a learning rate of 0.0200 instead of 0.0100" in told(basins)
    first = re.search(r"([\d.]+) % of the map changes", told(basins)).group(1)
    basins.number_input("basins other setting lr").set_value(0.06).run(timeout=30)
    ready(basins, lambda app: "of 0.0600 instead" in told(app))
    assert re.search(r"([\d.]+) % of the map changes", told(basins)).group(1) != first
    assert len(basins.get("vega_lite_chart")) >= 4
    against(basins, "epochs")
    assert "with 2,000 epochs instead of 1,000" in told(basins)


def test_small_steps_leave_what_is_the_landscapes(basins):
    choose(basins, "tilted_double_well")
    against(basins, "small steps")
    assert "No pixel changes against small steps." in told(basins)
    basins.number_input("setting lr").set_value(0.22).run(timeout=30)
    ready(basins, lambda app: "of the map changes against small steps" in told(app))
    assert "So much is due to the optimizer and its settings, not to the landscape." in told(basins)
    basins.selectbox("basins against").set_value("nothing").run(timeout=30)
    assert "small steps" not in told(ready(basins))
    choose(basins, formula="(x^2-1)^2 + 0.21*x + y^2")
    against(basins, "small steps")
    assert not basins.error
    ready(basins, lambda app: any("Diamonds" in c.value for c in app.caption))
    assert not basins.error


def test_a_senseless_comparison_gets_one_sentence(basins):
    against(basins, "setting lr")
    for value, says in ((None, "The learning rate of the other map needs a number."), (-1.0, "Learning rate is -1; give a number from"), (50.0, "Learning rate is 50; give")):
        basins.number_input("basins other setting lr").set_value(value).run(timeout=30)
        assert not basins.exception and len(basins.error) == 1 and plain(basins.error[0].value).startswith(says)
        assert headline(basins) and len(plain(basins.error[0].value)) <= 160
    basins.selectbox("optimizer").set_value("momentum").run(timeout=30)
    against(ready(basins), "setting momentum")
    assert not basins.error and basins.number_input("basins other setting momentum").value == 0.45


def test_the_smallest_push_is_the_distance_to_the_border(basins, monkeypatch):
    monkeypatch.setattr(mapping, "MOST_PUSHED", 2)
    choose(basins, "tilted_double_well")
    ready(basins, lambda app: "push out of each minimum" in told(app))
    assert "Minimum 1: a push of 1.111 along (1.000," in told(basins) and "settles in minimum 2." in told(basins)


FUNCTIONS = (
    ("x*log(x) + y^2", "50 % of the box belongs to minimum 1; from 50 % no minimum is reached."),
    ("sqrt(-1-x^2) + y^2", "the commonest ending is “undefined at start”, from 100 % of it."),
    ("x^2 - y^2", "No place of the box belongs to a minimum"), ("(x^2-1)^2 + x/5", "of the box belongs to minimum 1"),
    ("(x^2-1)^2 + (y^2-1)^2 + z^2 + x/9", "of this slice of the box belongs to minimum 1"), ("x^2 + a*y^2", "100 % of the box belongs to minimum 1."),
)  # fmt: skip


def test_every_kind_of_function_is_mapped(basins):
    basins.session_state["setting lr"] = 0.05
    for formula, says in FUNCTIONS:
        choose(basins, formula=formula)
        assert says in headline(basins)
        for bad in ("nan", "None", "1 others"):
            assert bad not in told(basins) and bad not in " ".join(c.value for c in basins.caption)


def test_a_slice_turns_and_a_strip_is_zoomed(basins):
    choose(basins, "styblinski_tang_3")
    ready(basins, lambda app: "z = −2.904" in basis(app))
    basins.selectbox("axis x y z up").set_value("z").run(timeout=30)
    ready(basins, lambda app: "with y = −2.904" in basis(app))
    assert "of this slice of the box" in headline(basins)
    choose(basins, "double_well")
    assert basis(basins).startswith(f"One run from each of {SIDE} places.")
    act(basins, zoom={"x": [0.5, 1.5]})
    assert headline(basins) == "100 % of this window belongs to minimum 2." and image(basins)[:2] == [0.5, 1.5]
    act(basins, click=[{"x": 0.75, "y": 0.5}])
    assert "(0.750)" in told(basins)
