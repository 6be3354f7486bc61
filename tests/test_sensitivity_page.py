"""The page Sensitivity, run headless; each test reads a number that depends on the widget it changed."""

import io
import json

import pyarrow as pa
import pytest
from pages_harness import answered, headline, page, plain, settle, told, wait_for


def ready(app, wanted=lambda app: True):
    """Runs the script until the fine sweep is there and what is wanted besides."""
    return wait_for(app, lambda app: app.error or (answered(app, "coarse answer") and wanted(app)))


FEW = {"x": ("setting lr", "parameter a", "epochs", "start size", "setting epsilon"), "y": ("epochs", "parameter a", "setting lr")}


def few(app):
    """Fewer values than people get, so that the tests stay quick."""
    for which, keys in FEW.items():
        for key in keys:
            app.session_state[f"sweep range {which} {key} values 24"] = 5
            if which == "x":
                app.session_state[f"sweep range x {key} values 60"] = 16


@pytest.fixture
def sensitivity(app):
    app.session_state["count"], app.session_state["epochs"] = 40, 150
    few(app)
    return ready(page(settle(app.run()), "sensitivity"))


def field(app, part, which="x"):
    return next(n for n in app.number_input if n.key.startswith(f"sweep range {which} ") and f" {part}" in n.key.removeprefix("sweep range"))


def choose(app, key=None, formula=None):
    if key:
        app.selectbox("problem").set_value(key).run(timeout=30)
    else:
        app.text_area("formula").set_value(formula).run(timeout=30)
    few(app)
    return ready(app.run(timeout=30))


def vary(app, x, y="nothing else"):
    app.selectbox("sweep x").set_value(x).run(timeout=30)
    app.selectbox("sweep y").set_value(y).run(timeout=30)
    return ready(app)


def basis(app):
    return plain(next(c.value for c in app.caption if "Minima keep their number" in c.value))


def frames(app, place=0):
    datasets = app.get("vega_lite_chart")[place].proto.datasets
    return [pa.ipc.open_stream(io.BytesIO(one.data.data)).read_pandas() for one in datasets]


def click(app, **place):
    """A click on the first chart, as the browser reports it."""
    states = app._tree.get_widget_states()
    states.widgets.add(id=app.get("vega_lite_chart")[0].proto.id, string_value=json.dumps({"selection": {"click": [place]}}))
    app._run(states, timeout=30)
    return ready(app)


def test_the_limit_of_the_learning_rate_is_the_answer(sensitivity):
    assert headline(sensitivity).startswith("Above a learning rate of 0.0663 the deepest minimum is never reached: no run can settle there.")
    assert basis(sensitivity).startswith("16 values, each from the same 40 starts.")
    assert "Minimum 1 can be settled in up to a rate of 0.066264." in told(sensitivity)
    groups = next(frame for frame in frames(sensitivity) if "group" in frame)
    assert (groups.groupby("value")["count"].sum() == 40).all() and groups["value"].nunique() == 16


def test_the_range_its_values_its_scale_and_the_starts(sensitivity):
    field(sensitivity, "from").set_value(0.07).run(timeout=30)
    assert headline(ready(sensitivity)) == "At no learning rate from 0.0700 to 0.100 does any of 40 starts reach the deepest minimum."
    field(sensitivity, "values").set_value(12).run(timeout=30)
    assert basis(ready(sensitivity)).startswith("12 values,")
    sensitivity.toggle("sweep range x setting lr log").set_value(False).run(timeout=30)
    groups = next(frame for frame in frames(ready(sensitivity)) if "group" in frame)
    steps = sorted(set(groups["value"]))
    assert steps[1] - steps[0] == pytest.approx(0.03 / 11)
    sensitivity.number_input("count").set_value(30).run(timeout=30)
    assert "from the same 30 starts" in basis(ready(sensitivity))


def test_a_parameter_is_swept_and_its_slider_moves_the_other_one(sensitivity):
    vary(choose(sensitivity, "tilted_double_well"), "parameter a")
    assert "At a = 0.336105 minimum 2 appears at (0.335, 0.000)." in headline(sensitivity)
    sensitivity.slider("parameter b").set_value(0.6).run(timeout=30)
    fold = 3 * (0.6 / 8) ** (2 / 3)
    assert f"At a = {fold:.6f} minimum 2 appears" in headline(ready(sensitivity))
    assert "If a parameter changes a little" in told(sensitivity)
    table = sensitivity.table[0].value
    assert list(table.index) == ["1", "2"] and table["exists for a"].tolist() == ["all values", f"above {fold:.4f}"]


def test_the_small_change_is_predicted_and_solved_again(sensitivity):
    choose(sensitivity, "tilted_double_well")
    before = sensitivity.table[0].value
    assert "Raise a by 0.0750: minimum 1 moves to (−1.070, 0.000), predicted; re-solved: (−1.070, 0.000)." in told(sensitivity)
    next(s for s in sensitivity.slider if s.key.startswith("response change")).set_value(-0.75).run(timeout=30)
    assert "Lower a by 0.750: minimum 1 moves to" in told(sensitivity) and "vanishes" in sensitivity.table[0].value["re-solved"].tolist()
    assert sensitivity.table[0].value["now"].tolist() == before["now"].tolist()
    sensitivity.selectbox("response parameter").set_value("b").run(timeout=30)
    assert "speed dx*/db" in sensitivity.table[0].value.columns


def test_two_quantities_make_a_heat_map(sensitivity):
    vary(choose(sensitivity, "tilted_double_well"), "setting lr", "parameter a")
    assert "of 40 starts" in headline(sensitivity) and "of the pairs no start does" in headline(sensitivity)
    assert basis(sensitivity).startswith("5 × 5 pairs of values")
    field(sensitivity, "values", "y").set_value(6).run(timeout=30)
    assert basis(ready(sensitivity)).startswith("5 × 6 pairs of values")
    shares = next(frame for frame in frames(sensitivity) if "told" in frame)
    assert len(shares) == 30 and shares["told"].str.endswith("%").all()
    sensitivity.selectbox("sweep shown").set_value("epochs").run(timeout=30)
    epochs = next(frame for frame in frames(ready(sensitivity)) if "told" in frame)
    assert (epochs["told"] == "none settles").any() and not epochs["told"].str.contains("nan").any()
    sensitivity.selectbox("sweep shown").set_value("minimum 2").run(timeout=30)
    assert not sensitivity.exception
    vary(sensitivity, "setting lr", "epochs")
    assert "pairs of values" in basis(sensitivity)
    sensitivity.selectbox("sweep x").set_value("epochs").run(timeout=30)
    assert "pairs" not in basis(ready(sensitivity)) and sensitivity.session_state["sweep y"] == "nothing else"


def test_a_click_makes_a_value_the_current_one(sensitivity):
    click(sensitivity, value=0.05)
    assert sensitivity.number_input("setting lr").value == 0.05
    vary(sensitivity, "epochs")
    click(sensitivity, value=200.0)
    assert sensitivity.number_input("epochs").value == 200
    vary(choose(sensitivity, "tilted_double_well"), "parameter a", "setting lr")
    click(sensitivity, value=0.5, other=0.03)
    assert sensitivity.slider("parameter a").value == 0.5 and sensitivity.number_input("setting lr").value == 0.03
    vary(sensitivity, "start size")
    click(sensitivity, value=0.5)
    assert [n.value for n in sensitivity.number_input if n.key.startswith("region ")] == [-1.0, 1.0, -1.0, 1.0]


SENSELESS = (
    ("from", 0.5, "The range of the learning rate runs from 0.5 to 0.1: give the smaller number first."),
    ("from", 0.1, "The range of the learning rate from 0.1 to 0.1 is empty: give two different numbers."),
    ("from", 0.0, "The range of the learning rate starts at 0: a logarithmic one starts above 0."),
    ("from", None, "The range of the learning rate needs two numbers and how many values."),
    ("values", 1, "The range of the learning rate cannot have 1 values: give a whole number from 2 to 500."),
    ("values", 501, "The range of the learning rate cannot have 501 values: give a whole number from 2 to 500."),
    ("to", 1e9, "Learning rate is 1e+09; give a number from"),
)


def test_a_senseless_range_gets_one_sentence_and_can_be_mended(sensitivity):
    for part, value, says in SENSELESS:
        before = field(sensitivity, part).value
        field(sensitivity, part).set_value(value).run(timeout=30)
        assert not sensitivity.exception and len(sensitivity.error) == 1
        assert plain(sensitivity.error[0].value).startswith(says) and len(plain(sensitivity.error[0].value)) <= 160
        field(sensitivity, part).set_value(before).run(timeout=30)
        assert not sensitivity.error and headline(ready(sensitivity)).startswith("Above a learning rate of 0.0663")
    sensitivity.selectbox("optimizer").set_value("adam").run(timeout=30)
    vary(sensitivity, "setting epsilon")
    sensitivity.toggle("sweep range x setting epsilon log").set_value(False).run(timeout=30)
    field(sensitivity, "from").set_value(-1.0).run(timeout=30)
    assert len(sensitivity.error) == 1 and "epsilon" in plain(sensitivity.error[0].value).lower() and "-1" in plain(sensitivity.error[0].value)


FUNCTIONS = (
    ("x^2 - y^2", "No minimum was found at any learning rate from 0.00100 to 0.100."), ("log(x) + y^2", "No minimum was found"),
    ("x*log(x)", "Up to a learning rate of"), ("-x^2", "No minimum was found"), ("(x^2-1)^2 + y^2 + z^2 + u^2", "starts"),
)  # fmt: skip


def test_every_kind_of_function_gets_its_answer(sensitivity):
    for formula, says in FUNCTIONS:
        choose(sensitivity, formula=formula)
        assert says in headline(sensitivity) and "nan" not in told(sensitivity) and "None" not in told(sensitivity)
        assert ("**The deepest minimum**" in told(sensitivity)) is ("No minimum" not in headline(sensitivity))
    choose(sensitivity, formula="x^2 - y^2")
    vary(sensitivity, "setting lr", "epochs")
    assert headline(sensitivity) == "No minimum was found at any of 25 pairs of values."
    for what in ("settled", "epochs"):
        sensitivity.selectbox("sweep shown").set_value(what).run(timeout=30)
        assert not sensitivity.exception


def test_a_schedule_is_varied_by_a_factor(sensitivity):
    sensitivity.selectbox("setting schedule lr").set_value("cosine").run(timeout=30)
    ready(sensitivity)
    assert "times the scheduled learning rate" in headline(sensitivity) or "factor of the learning rate" in headline(sensitivity)
    assert "settled in up to" not in told(sensitivity) and "no run can settle" not in told(sensitivity)
    assert "click a value" not in told(sensitivity)
    vary(choose(sensitivity, "tilted_double_well"), "parameter a")
    assert headline(sensitivity)


def test_the_knobs_are_ranked_when_asked_for_and_where_nothing_matters_it_is_said(sensitivity):
    choose(sensitivity, "tilted_double_well")
    assert "depends most" not in told(sensitivity)
    sensitivity.selectbox("knobs base").set_value(64).run(timeout=30)
    next(b for b in sensitivity.button if b.label == "Rank them").click().run(timeout=30)
    ready(sensitivity, lambda app: "depends most" in told(app))
    assert "The share in the deepest minimum depends most on the learning rate: total index" in told(sensitivity)
    assert any(plain(c.value).startswith("320 sets of values, each from the same 40 starts.") for c in sensitivity.caption)
    choose(sensitivity, formula="x^2 - y^2 + a*x")
    sensitivity.selectbox("knobs base").set_value(64).run(timeout=30)
    next(b for b in sensitivity.button if b.label == "Rank them").click().run(timeout=30)
    ready(sensitivity, lambda app: "The share in the deepest minimum" in told(app))
    assert told(sensitivity).count("It is the same at every point, so no knob matters in these ranges.") == 2
