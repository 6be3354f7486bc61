"""The proof beside the page: said in the headline, following the sliders, kept per problem, stopped when asked."""

from threading import Event

import pytest
import streamlit as st
from pages_harness import headline, settle

from gdcore import GALLERY, certify
from gdcore.structure import structure
from gdui import beside, proofs, session, wording


def until(app, what):
    """Runs the script until the headline holds a text: the proof was under way."""
    for _ in range(60):
        if what in headline(settle(app)):
            return headline(app)
        app.run()
    raise AssertionError(f"'{what}' never came: {headline(app)}")


def choose(app, key):
    app.selectbox(key="problem").set_value(key).run()
    return app


def test_the_opening_page_says_that_its_minima_are_all(app) -> None:
    assert "These are all 3 minima of the box (proved)." in until(app, "(proved)")


def test_an_undecided_place_is_named_and_nothing_is_called_all(app) -> None:
    said = until(choose(app, "quartic"), "undecided")
    assert "No minimum is proved; one place in the box, at (0.000, 0.000), is undecided" in said and "all" not in said.split("undecided")[1]


def test_a_proof_follows_a_slider(app) -> None:
    choose(app, "tilted_double_well")
    assert "These are all 2 minima" in until(app, "(proved)")
    problem = GALLERY["tilted_double_well"]
    slider = next(s for s in app.slider if s.key == "parameter b")
    assert len(certify(problem.with_parameters(b=slider.max)).minima) == 1
    slider.set_value(slider.max).run()
    assert "This is the only minimum of the box (proved)." in until(app, "only minimum")


def test_too_many_variables_are_said_to_be_so() -> None:
    problem = GALLERY["peaks"]
    ten = problem.from_text("+".join(f"x{k}^2" for k in range(1, 9)), box={f"x{k}": (-1, 1) for k in range(1, 9)})
    certificate = certify(ten)
    assert not certificate.complete and certificate.unresolved_share == 1.0
    assert wording.proof(certificate, 8) == "With 8 variables nothing can be proved: the list holds only what was found."


def test_a_proof_is_weighed_by_its_points_and_curves() -> None:
    certificate = certify(GALLERY["peaks"])
    bare = session.weight(proofs.Proof(certificate))
    assert bare == 9 * session.STATIONARY
    whole = proofs.Proof(certificate, structure(GALLERY["peaks"], certificate.points))
    assert session.weight(whole) > bare + 100


def test_another_problem_ends_the_proof_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    began, ended = Event(), []

    def slow(problem, *, seconds, on_progress):
        began.set()
        try:
            for k in range(10_000):
                on_progress(k, 10_000, 1)
                Event().wait(0.002)
        except BaseException as reason:
            ended.append(type(reason).__name__)
            raise
        return certify(problem)

    state: dict = {}
    monkeypatch.setattr(st, "session_state", state)
    monkeypatch.setattr(proofs, "certify", slow)
    monkeypatch.setattr(session, "cache", lambda: store)
    for module in (proofs, beside):
        monkeypatch.setattr(module, "cache", lambda: store)
    monkeypatch.setattr(beside, "warm", lambda: ready)
    store, ready = session.ResultCache(), Event()
    ready.set()
    proofs.begin(GALLERY["peaks"])
    assert began.wait(5)
    first = state["proof job"]
    monkeypatch.setattr(proofs, "certify", lambda problem, *, seconds, on_progress: certify(problem))
    proofs.begin(GALLERY["himmelblau"])
    assert first.future.result(timeout=5) is None and ended == ["Cancelled"]
    assert state["proof job"].future.result(timeout=20).certificate.complete
    assert len(proofs.of(GALLERY["himmelblau"]).certificate.minima) == 4
    assert store.get(f"certificate {first.key}") is None
