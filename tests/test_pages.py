"""Every page, run headless by Streamlit's own test harness; each test reads a number that depends on what it changed."""

import pytest
import streamlit.testing.v1.app_test as harness
from streamlit.testing.v1 import AppTest

from gdcore.gallery import GALLERY
from gdcore.optimizers import OPTIMIZERS


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


# -- the page Optimizers -----------------------------------------------------------------------------------------------


def compared(app, **choices):
    """The page Optimizers, with a smaller comparison than the opening one."""
    for key, value in {"count": 200, "trials": 4, "training starts": 20, **choices}.items():
        app.session_state[key] = value
    return settle(opened_optimizers(app))


def opened_optimizers(app):
    """The page, by way of Theory: the harness loses widgets that two pages in a row share."""
    page(app, "theory")
    return page(app, "optimizers")


def in_tab(app, name):
    app.session_state["optimizers tab"] = name
    app.run()
    return settle(app)


def table(app, index=0):
    return app.table[index].value


def test_optimizers_says_who_finds_the_deepest_minimum_and_how_sure_that_is(app):
    text = headline(compared(app, trials=13, **{"training starts": 100}))
    assert text.startswith("Momentum (heavy ball) finds the deepest minimum, f = −6.551 at (0.228, −1.626), from")
    assert "of 200 starts" in text and "95 %:" in text
    assert list(table(app).index) == ["Gradient descent", "Momentum (heavy ball)", "Adam"]
    fairness = " ".join(plain(c.value) for c in app.caption)
    assert "Tuned fairly: 13 trials of the learning rate for each optimizer on 100 training starts (seed 987,654,321)" in fairness
    assert "Chosen settings. Gradient descent: lr" in fairness


def test_untuned_comparison_is_labelled_so_and_uses_the_settings_set(app):
    tuned = headline(compared(app))
    app.session_state["mode"] = "As set"
    app.run()
    text = headline(settle(app))
    assert text != tuned
    assert any(plain(c.value).find("Untuned: every optimizer runs at the settings given") >= 0 for c in app.caption)
    assert any("Settings as set. Gradient descent: lr 0.01" in plain(c.value) for c in app.caption)


def test_an_optimizer_twice_is_named_by_what_differs(app):
    compared(app, contenders=["gd", "gd (second)"], mode="As set")
    key = next(n.key for n in app.number_input if n.key.startswith("contender gd (second)") and n.key.endswith(" lr"))
    app.number_input(key).set_value(0.05).run()
    assert list(table(settle(app)).index) == ["Gradient descent, lr 0.01", "Gradient descent, lr 0.05"]


@pytest.mark.parametrize(("chosen", "says"), [(["gd"], "at least two optimizers"), ([], "at least two optimizers")])
def test_too_few_optimizers_get_a_sentence(app, chosen, says):
    app.session_state["contenders"] = chosen
    opened_optimizers(app)
    assert not app.exception and says in plain(app.error[0].value)


def test_tuning_on_the_starts_compared_is_refused(app):
    app.session_state["training seed"] = 0
    opened_optimizers(app)
    for _ in range(40):
        if app.error:
            break
        app.run()
    assert not app.exception and "training starts are among the starts compared" in plain(app.error[0].value)


def test_success_may_be_a_target_value(app):
    compared(app, contenders=["gd", "rprop"], mode="As set", success="reaches a target value")
    assert "reaches f ≤ −6.54" in headline(app)
    key = next(n.key for n in app.number_input if n.key.startswith("target "))
    app.number_input(key).set_value(-3.0).run()
    assert "f ≤ −3 " in headline(settle(app))


def test_where_starts_go_shows_maps_and_a_matrix(app):
    in_tab(compared(app), "Where starts go")
    assert not app.exception
    assert any("of the starts end differently" in c.value for c in app.caption)
    before = next(c.value for c in app.caption if "end differently" in c.value)
    key = next(s.key for s in app.selectbox if s.key.startswith("to "))
    app.selectbox(key).set_value("Gradient descent").run()
    after = next(c.value for c in settle(app).caption if "end differently" in c.value)
    assert after != before and after.startswith("0.0 %")


def test_the_race_follows_its_start_and_its_epoch(app):
    in_tab(compared(app, mode="As set"), "Race")
    ends = table(app)["f"].tolist()
    app.number_input("race x").set_value(0.2).run()
    app.number_input("race y").set_value(-1.0).run()
    assert table(app)["f"].tolist() != ends
    app.slider("race epoch").set_value(5).run()
    assert set(table(app)["epoch"]) == {"5"} and set(table(app)["how it ends"]) == {"still running"}


def test_a_performance_profile_is_computed_when_asked_for(app):
    app.session_state["profile problems"] = ["himmelblau", "booth"]
    in_tab(compared(app, contenders=["gd", "momentum"]), "Performance profile")
    next(b for b in app.button if b.label == "Compute profile").click().run()
    for _ in range(60):
        assert not app.exception
        if any("Cheapest most often" in m.value for m in app.markdown):
            break
        app.run()
    frame = next(d.value for d in app.dataframe if "problem" in d.value)
    assert frame["problem"].tolist() == ["Himmelblau", "Booth"]


def test_an_own_optimizer_is_understood_predicted_and_offered(app):
    in_tab(compared(app, mode="As set"), "Your own optimizer")
    app.text_area("own equations").set_value("v = 0.5*v + (1 - decay)*g\nx = x - lr*v").run()
    app.text_input("own name").set_value("Half memory").run()
    assert any("decay: Named in line 1 and described nowhere: its default is 0.1." in plain(i.value) for i in app.info)
    limit = float(table(app)["largest stable rate"].iloc[0])
    assert limit == pytest.approx(2 * 1.5 / (0.9 * 30.1822), rel=1e-3)
    app.number_input("own setting decay").set_value(0.4).run()
    assert float(table(app)["largest stable rate"].iloc[0]) == pytest.approx(2 * 1.5 / (0.6 * 30.1822), rel=1e-3)
    next(b for b in app.button if b.label == "Offer it everywhere").click().run()
    assert "Half memory" in settle(app).selectbox("optimizer").options
    app.selectbox("optimizer").set_value("Half memory").run()
    assert app.number_input("setting decay").value == 0.4
    assert "Half memory" in app.multiselect("contenders").options


@pytest.mark.parametrize(
    ("equations", "says"),
    [
        ("v = 0.9*v + g", "No line assigns x"),
        ("m = g\nx = x - lr*exq(m)", "Line 2: unknown function 'exq' at 12"),
        ("x = x - lr*g/v\nv = v + g^2", "Line 1 divides by 'v', which is 0 at the first step"),
        ("v = 2*v + g\nx = x - lr*v", "Line 1: 'v' grows without bound"),
        ("", "There are no equations"),
    ],
)
def test_bad_equations_get_a_sentence_with_their_line(app, equations, says):
    in_tab(compared(app, mode="As set"), "Your own optimizer")
    app.text_area("own equations").set_value(equations).run()
    assert not app.exception and any(says in plain(e.value) for e in app.error)


def test_a_copy_replaces_the_text_and_nothing_else_does(app):
    in_tab(compared(app, mode="As set"), "Your own optimizer")
    app.text_area("own equations").set_value("x = x - 3*lr*g").run()
    in_tab(app, "Success")
    in_tab(app, "Your own optimizer")
    assert app.text_area("own equations").value == "x = x - 3*lr*g" and app.selectbox("own copied").value is None
    app.selectbox("own copied").set_value("lion").run()
    assert app.text_area("own equations").value == OPTIMIZERS["lion"].equations
    assert app.text_input("own name").value == "My Lion" and app.number_input("own setting lr").value == 1e-4


def test_a_contender_beyond_its_stable_rate_is_warned_of(app):
    compared(app, contenders=["gd", "adam"], mode="As set")
    key = next(n.key for n in app.number_input if n.key.startswith("contender gd") and n.key.endswith(" lr"))
    app.number_input(key).set_value(0.07).run()
    assert any("At rate 0.0700 minimum 1" in plain(w.value) for w in app.warning)
    app.number_input(key).set_value(-1.0).run()
    assert any("Gradient descent: learning rate is -1" in plain(e.value) for e in app.error)
    assert headline(app) and any("still answers the last question" in c.value for c in app.caption)
    app.number_input("count").set_value(0).run()
    assert headline(app) and not app.exception


def test_the_name_of_a_built_in_is_taken(app):
    in_tab(compared(app, mode="As set"), "Your own optimizer")
    app.text_input("own name").set_value("Adam").run()
    assert any("Adam is the name of a built-in optimizer" in plain(e.value) for e in app.error)


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("(x^2-1)^2 + x/5", "finds the deepest minimum"),
        ("(x^2-1)^2 + y^2 + z^2 + x/5", "finds the deepest minimum"),
        ("(x^2-1)^2 + y^2", "finds one of the 2 deepest minima"),
        ("-x^2 - y^2", "No minimum is known here, so choose a target value as success. None of the 2 optimizers settles in a minimum from any of 200 starts."),
        ("1/x + y^2", "None of the 2 optimizers"),
        ("x^4 + y^4", "The lowest points found are degenerate: no minimum can be verified here, so choose a target value as success."),
    ],
)
def test_every_kind_of_function_can_be_compared(app, formula, says):
    settle(app).text_area("formula").set_value(formula).run()
    compared(app, contenders=["gd", "adam"], mode="As set")
    assert says in headline(app)
    for name in ("Where starts go", "Race"):
        in_tab(app, name)
        assert not app.exception
