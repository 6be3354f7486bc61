"""Every page, run headless by Streamlit's own test harness; each test reads a number that depends on what it changed."""

import pytest
import streamlit.testing.v1.app_test as harness
from streamlit.testing.v1 import AppTest

from gdcore.gallery import GALLERY


class NavigationPages(harness.PagesManager):
    """The harness forgets st.navigation on its second run when a folder named pages/ exists; this keeps it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        NavigationPages.uses_pages_directory = False


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setattr(harness, "PagesManager", NavigationPages)
    opened = AppTest.from_file("../dashboard.py", default_timeout=60).run()
    assert not opened.exception
    return opened


def plain(text):
    """A sentence without the backslashes that keep Markdown off it."""
    return text.replace("\\", "").replace("\u00a0", " ")


def headline(app):
    return next(m.value[4:] for m in app.markdown if m.value.startswith("### ")).replace("\\", "").replace("\u00a0", " ")


def page(app, name):
    app.switch_page(f"pages/{name}.py").run()
    assert not app.exception
    return app


def settle(app):
    """Runs the script until a background run has finished."""
    for _ in range(40):
        assert not app.exception
        if any(m.value.startswith("### ") for m in app.markdown):
            return app
        app.run()
    raise AssertionError("the run did not finish")


def test_opening_page_shows_the_finished_default(app):
    text = headline(settle(app))
    assert text.startswith("79 % of 1,000 starts settle in one of 3 minima. The deepest, f = −6.551 at (0.228, −1.626), gets 33 %")
    assert "12 % were still moving after 1,000 epochs, 9 % left the box." in text


def test_learning_rate_beyond_the_stable_one_loses_the_deepest_minimum(app):
    settle(app).number_input("setting lr").set_value(0.07).run()
    text = headline(settle(app))
    assert "one of 2 minima" in text and "f = −3.050" in text and "orbit" in text


def test_number_of_starts_changes_the_sentence(app):
    settle(app).number_input("count").set_value(300).run()
    assert "of 300 starts" in headline(settle(app))


def test_new_seed_draws_other_starts(app):
    before = app.number_input("seed").value
    next(b for b in settle(app).button if b.label == "New seed").click().run()
    assert app.number_input("seed").value != before
    settle(app)


def test_gallery_choice_fills_formula_box_and_rate(app):
    settle(app).selectbox("problem").set_value("himmelblau").run()
    assert "x^2" in app.text_area("formula").value
    assert app.number_input("low x").value == GALLERY["himmelblau"].box["x"][0]
    assert "one of 4 minima" in headline(settle(app))


def test_typed_formula_runs(app):
    settle(app).text_area("formula").set_value("(x^2-1)^2 + y^2").run()
    assert "one of 2 minima" in headline(settle(app))
    assert app.selectbox("problem").value == "own formula"


def test_wrong_formula_keeps_the_last_good_one(app):
    good = headline(settle(app))
    app.text_area("formula").set_value("x^2 + exq(y)").run()
    assert headline(settle(app)) == good
    assert "exq" in plain(app.error[0].value)
    assert any("^" in c.value.split("\n")[-1] for c in app.code)
    assert any("still show the last" in c.value for c in app.caption)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("count", 0, "from 1 to 1,000,000"),
        ("count", 1_000_000_000, "from 1 to 1,000,000"),
        ("setting lr", 0.0, "from 1e-06 to 10"),
        ("setting lr", -1.0, "from 1e-06 to 10"),
        ("setting lr", 1e9, "from 1e-06 to 10"),
        ("low x", 5.0, "the first number must be the smaller one"),
        ("epochs", 0, "from 1 to 1,000,000"),
        ("tolerance", -1.0, "at least 0"),
        ("seed", -1, "from 0 up"),
    ],
)
def test_senseless_numbers_get_a_sentence_and_lose_nothing(app, key, value, says):
    settle(app).number_input(key).set_value(value).run()
    assert not app.exception
    assert says in plain(app.error[0].value)


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("", "type a formula"),
        ("3 + 4", "no variable"),
        ("+".join(f"x{i}^2" for i in range(11)), "at most 10"),
        ("x+" * 2500 + "x", "5,001 characters"),
        ("__import__('os').system('true')", "not understood"),
    ],
)
def test_senseless_formulas_get_a_sentence(app, formula, says):
    settle(app).text_area("formula").set_value(formula).run()
    assert not app.exception
    assert says in plain(app.error[0].value)


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("x^2", "settle in the same minimum"),
        ("x^2 + y^2 + z^2", "settle in the same minimum"),
        ("1/x", "jumped a singularity"),
        ("log(x)", "function is undefined"),
        ("x^2*y^2", "valley"),
        ("-x^2 - y^2", "None of 1,000 starts settles in a minimum"),
        ("0*x + 3", "stopped on flat land"),
        ("abs(x) + abs(y)", "bounce across a kink"),
    ],
)
def test_every_kind_of_function_gets_its_sentence(app, formula, says):
    settle(app).text_area("formula").set_value(formula).run()
    assert says in headline(settle(app))


def test_landscape_follows_its_start(app):
    text = headline(page(app, "landscape"))
    assert text == "From (−1.200, 0.800) the run settles at the minimum (−1.347, 0.205), f = −3.050, after 174 epochs."
    app.number_input("landscape x").set_value(0.0).run()
    app.number_input("landscape y").set_value(-1.0).run()
    assert "(0.228, −1.626), f = −6.551, after 73 epochs" in headline(app)


def test_landscape_scrubs(app):
    page(app, "landscape").slider("epoch shown").set_value(10).run()
    assert any("Epoch 10 of 174" in m.value for m in app.markdown)
    assert any("x_{10}" in latex.value for latex in app.latex)


def test_theory_evaluates_the_partial_derivatives(app):
    table = page(app, "theory").dataframe[0].value.set_index("quantity")["value"]
    assert table["∂f/∂x"] == "-1.07369833656079"
    assert table["∂f/∂y"] == "1.89918592997863"
    app.number_input("point x").set_value(0.0).run()
    assert app.dataframe[0].value.set_index("quantity")["value"]["∂f/∂x"] != "-1.07369833656079"


def test_leaving_and_returning_keeps_the_settings(app):
    settle(app).number_input("count").set_value(200).run()
    page(app, "theory")
    page(app, "many_starts")
    assert "of 200 starts" in headline(settle(app))


def test_parameters_have_sliders(app):
    settle(app).selectbox("problem").set_value("tilted_double_well").run()
    settle(app)
    labels = [s.key for s in app.slider if s.key and s.key.startswith("parameter")]
    assert labels == ["parameter a", "parameter b"]
    before = headline(app)
    app.slider("parameter b").set_value(0.0).run()
    assert headline(settle(app)) != before
