"""Every page, run headless by Streamlit's own test harness; each test reads a number that depends on what it changed."""

import pytest
from pages_harness import headline, page, plain, settle

from gdcore.gallery import GALLERY
from gdcore.optimizers import OPTIMIZERS


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
        ("seed", -1, "from 0 to"),
    ],
)
def test_senseless_numbers_get_a_sentence_and_lose_nothing(app, key, value, says):
    settle(app).number_input(key).set_value(value).run()
    assert not app.exception
    assert says in plain(app.error[0].value)


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("count", "Starts and seed each need a number."),
        ("seed", "Starts and seed each need a number."),
        ("setting lr", "Learning rate needs a number from 1e-06 to 10."),
        ("epochs", "Epochs and tolerance each need a number."),
        ("tolerance", "Epochs and tolerance each need a number."),
        ("low x", "The box of x needs two numbers."),
    ],
)
def test_an_emptied_field_is_missing_and_not_zero(app, key, says):
    settle(app).number_input(key).set_value(None).run()
    assert not app.exception and app.error[0].value.replace("\\", "") == says


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("", "Type a formula"),
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
    assert "Recorded step by step by the NumPy engine on this machine." in [caption.value for caption in app.caption]
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


# -- optimizers in the sidebar -----------------------------------------------------------------------------------------


def test_every_optimizer_can_be_chosen_in_the_sidebar(app):
    settle(app)
    assert app.selectbox("optimizer").options == [optimizer.name for optimizer in OPTIMIZERS.values()]
    app.selectbox("optimizer").set_value("rmsprop").run()
    assert app.number_input("setting alpha").value == 0.99
    assert app.number_input("setting lr").value == OPTIMIZERS["rmsprop"].defaults["lr"]
    first = headline(settle(app))
    app.number_input("setting alpha").set_value(0.5).run()
    assert headline(settle(app)) != first


@pytest.mark.parametrize("key", ["rprop", "nadam", "radam", "polyak", "normalized_gd", "adabelief"])
def test_every_page_shows_every_optimizer(app, key):
    settle(app).selectbox("optimizer").set_value(key).run()
    assert headline(settle(app))
    assert headline(page(app, "landscape")).startswith("From (−1.200, 0.800) the run")
    page(app, "theory")
    assert any(OPTIMIZERS[key].latex()[-1] in latex.value for latex in app.latex)


def test_polyak_aims_at_the_lowest_known_value(app):
    settle(app).selectbox("optimizer").set_value("polyak").run()
    assert app.number_input("setting f_star").value == pytest.approx(-6.5511333, abs=1e-6)
    app.selectbox("problem").set_value("himmelblau").run()
    assert app.number_input("setting f_star").value == pytest.approx(0.0, abs=1e-12)


def test_sidebar_warns_of_rates_beyond_the_stable_one_before_anything_runs(app):
    assert not settle(app).warning
    app.number_input("setting lr").set_value(0.067).run()
    assert "At rate 0.0670 minimum 1 (f = −6.551) cannot be reached: its limit is 0.0663." in plain(app.warning[0].value)
    app.number_input("setting lr").set_value(0.2).run()
    assert "minima 1 (its limit is 0.0663), 2 (its limit is 0.128) and 3 (its limit is 0.127) cannot" in plain(app.warning[0].value)
    app.number_input("setting lr").set_value(0.066).run()
    assert not app.warning


def test_sidebar_says_why_there_is_no_linear_rate(app):
    settle(app).selectbox("optimizer").set_value("adam").run()
    assert any("No linear rate near a minimum: line 3 takes the square root of v" in plain(c.value) for c in app.caption)


def test_a_schedule_changes_the_run_and_is_shown(app):
    constant = headline(settle(app))
    app.selectbox("setting schedule lr").set_value("1/t").run()
    assert any("lr = 0.01/(1 + 9*(t - 1)/T)" in c.value for c in app.code)
    assert headline(settle(app)) != constant
    page(app, "landscape")
    assert any(r"\frac{0.01}{1 + " in latex.value for latex in app.latex)


def test_a_typed_schedule_may_use_the_settings_own_value(app):
    settle(app).selectbox("setting schedule lr").set_value("typed").run()
    app.text_input("setting schedule lr text").set_value("a/sqrt(t)").run()
    assert any("lr = 0.01/sqrt(t)" in c.value for c in app.code) and not app.error


@pytest.mark.parametrize(
    ("text", "says"), [("0.01 - t/10000", "is -0.0001 at step 101 of 1,000"), ("0.1*q", "Unknown name 'q'"), ("", "schedule is empty")]
)
def test_a_bad_schedule_gets_a_sentence(app, text, says):
    good = headline(settle(app))
    app.selectbox("setting schedule lr").set_value("typed").run()
    app.text_input("setting schedule lr text").set_value(text).run()
    assert says in plain(app.error[0].value)
    settle(app)
    assert good and not app.exception
