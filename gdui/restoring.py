"""An experiment → the widgets that state it, in the sidebar and on every page."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from gdcore import gallery
from gdcore.experiment import Experiment
from gdcore.optimizers import Optimizer
from gdcore.problem import Problem
from gdcore.starts import Starts
from gdui import session, settings
from gdui.controls import region_key
from gdui.sidebar import OWN, fill_box, forget_places


def restore(experiment: Experiment) -> None:
    """Put an experiment into the widgets. Call it in a callback, or before any widget is drawn."""
    _restore_problem(experiment.problem)
    _restore_optimizer(experiment.optimizer, experiment.settings)
    _restore_starts(experiment.starts, experiment.problem)
    st.session_state["epochs"] = experiment.stopping.epochs
    st.session_state["tolerance"] = experiment.stopping.gradient_tolerance


def _restore_problem(problem: Problem) -> None:
    key, before = gallery.key_of(problem), session.last_good()
    if before is None or (before.problem.formula, before.problem.variables) != (problem.formula, problem.variables):
        forget_places()
    st.session_state["problem"] = key or OWN
    st.session_state["formula"] = problem.formula
    if key is None:
        st.session_state["own problem"] = problem
        st.session_state.pop(f"variables {' '.join(session.names_of(problem))}", None)
    fill_box(problem)
    for name, value in problem.parameters.items():
        st.session_state[f"parameter {name}"] = value


def _restore_optimizer(optimizer: Optimizer, values: Mapping[str, float | str]) -> None:
    st.session_state["optimizer"] = session.offered(optimizer)
    settings.fill("setting", values, optimizer.defaults)


def _restore_starts(starts: Starts, problem: Problem) -> None:
    st.session_state["design"] = starts.design
    if starts.design == "given":
        st.session_state["given starts"] = starts
        return
    st.session_state["count"], st.session_state["seed"] = starts.count, starts.seed
    for name, limits in starts.region(problem).items():
        for end, limit in zip(("from", "to"), limits, strict=True):
            st.session_state[region_key(problem, name, end)] = limit
