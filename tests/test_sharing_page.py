"""Links in the dashboard: opened, compared with the sender's, refused, and held back where they ask for much."""

import pages_harness
import pytest
import streamlit.testing.v1.app_test as harness
from pages_harness import headline, page, plain, settle
from streamlit.testing.v1 import AppTest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Optimizer, Problem, Starts, Stopping, run
from gdui import beside, links

OWN = Problem.from_text("(x^2 - 1)^2 + c*x + y^2", box={"x": (-2, 2), "y": (-2, 2)}, parameters={"c": 0.3})
HEAVY = Optimizer.from_text("Heavy", "v = mom*v + g\nx = x - lr*v", {"lr": 0.05, "mom": 0.5})


@pytest.fixture
def opened(monkeypatch):
    """What opens the dashboard at an address."""
    monkeypatch.setattr(harness, "PagesManager", pages_harness.NavigationPages)
    beside.warm().set()

    def at(query):
        app = AppTest.from_file("../dashboard.py", default_timeout=60)
        for name, text in query.items():
            app.query_params[name] = text
        return settle(app.run())

    return at


def captions(app):
    return plain(" ".join(c.value for c in app.caption))


@pytest.mark.parametrize(
    "experiment",
    [
        Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.02}, Starts(count=200, seed=5)),
        Experiment(GALLERY["himmelblau"].with_box({"x": (-4, 4), "y": (-5, 4)}), OPTIMIZERS["adam"], {"lr": "0.1/sqrt(t)"}, Starts("sobol", 128, 1)),
        Experiment(OWN, HEAVY, {"lr": 0.04}, Starts(count=150, box={"x": (0, 1), "y": (-1, 1)}), Stopping(300, 1e-4)),
        Experiment(OWN, OPTIMIZERS["gd"], {"lr": 0.04}, Starts.at([[0.5, 0.5], [-0.5, 0.2], [0.1, 0.1]])),
    ],
    ids=["peaks", "himmelblau", "own", "given"],
)
def test_a_link_opens_the_very_experiment_and_says_that_findings_are_the_same(opened, experiment):
    found = run(experiment)
    app = opened(links.query(experiment, fingerprint=found.fingerprint))
    assert not app.error and not app.warning
    assert f"labels and endings of all {found.count:,} starts are the same as there (hash {found.fingerprint})" in captions(app)
    assert headline(app).startswith(f"{100 * (found.labels >= 0).mean():.0f} %")
    page(app, "theory")
    page(app, "many_starts")
    assert found.fingerprint in captions(settle(app))  # nothing of it was lost on the way


def test_other_findings_are_said_to_be_other(opened):
    app = opened(links.query(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.02}), fingerprint="0" * 16))
    said = plain(" ".join(w.value for w in app.warning))
    assert "labels or endings differ: hash 0000000000000000 there" in said


def test_a_wrong_link_is_refused_and_the_dashboard_opens_as_usual(opened):
    app = opened({"v": "1", "problem": "peeks"})
    assert "no function 'peeks' in the gallery" in plain(app.error[0].value)
    assert "1,000 starts" in headline(app)
    app.button(key="close link").click().run()
    assert not app.error


def test_a_link_from_the_future_says_so(opened):
    assert "newer gdboard (7.0.0)" in plain(opened({"v": "7", "by": "7.0.0", "problem": "peaks"}).error[0].value)


def test_a_link_that_asks_for_much_waits_for_a_click(opened):
    app = opened(links.query(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.03}, Starts(count=2000, seed=3))))
    assert "1,000 starts" in headline(app)
    assert "2 times the usual work" in plain(" ".join(m.value for m in app.markdown))
    settle(app.button(key="open link").click().run())
    assert "2,000 starts" in headline(app)
    assert app.session_state["setting lr"] == 0.03


def test_what_a_page_shows_travels_too(opened):
    app = opened({**links.query(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"])), "show.paths": "20", "show.borders": "no"})
    assert app.slider(key="trajectories").value == 20 and app.toggle(key="borders over starts").value is False
    app = opened({**links.query(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"])), "show.paths": "1e9", "show.borders": "perhaps", "show.evil": "x"})
    assert app.slider(key="trajectories").value == 0 and app.toggle(key="borders over starts").value is True


def test_history_is_one_click_back(opened):
    app = opened({})
    first = headline(app)
    settle(app.number_input(key="setting lr").set_value(0.05).run())
    second = headline(app)
    assert second != first
    settle(app.button(key="back").click().run())
    assert headline(app) == first and app.session_state["setting lr"] == 0.01
    settle(app.button(key="back").click().run())
    assert headline(app) == second


def test_history_keeps_the_last_twenty(opened):
    app = opened({})
    for k in range(24):
        settle(app.number_input(key="count").set_value(10 + k).run())
    kept = [entry.state.experiment.starts.count for entry in app.session_state["history"]]
    assert kept == list(range(33, 13, -1))
