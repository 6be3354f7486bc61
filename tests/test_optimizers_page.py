"""The page Optimizers, run headless: comparison, tuning, matrices, race, profile, and the editor of one's own."""

import pytest
from pages_harness import headline, page, plain, settle

from gdcore.optimizers import OPTIMIZERS


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
