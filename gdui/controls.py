"""Widgets above the pages → frozen gdcore values. Every label, range and help text comes from the value's own description."""

from __future__ import annotations

import math

import numpy as np
import streamlit as st

from gdcore.notation import name_latex
from gdcore.problem import Problem
from gdcore.starts import DESIGNS, Starts
from gdui import session, tables
from gdui.links import MOST_STARTS
from gdui.wording import sentence

GIVEN = "given"
DESIGN_NAMES = {
    "uniform": "Uniform at random", "latin hypercube": "Latin hypercube", "sobol": "Sobol' sequence", "grid": "Regular grid", GIVEN: "As given",
}  # fmt: skip


def starts(problem: Problem) -> Starts | None:
    """Number, design, seed and region of the starts; None, with a sentence, where they make no sense."""
    given = _given(problem)
    _defaults(problem)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.session_state["design"] == GIVEN
        st.number_input(
            "Starts", value=None, key="count", step=500, width=175, persist_state="session", disabled=chosen, help=f"How many random starts, 1 to {MOST_STARTS:,}."
        )
        st.selectbox(
            "Design", [*DESIGNS, GIVEN] if given else list(DESIGNS), key="design", format_func=lambda key: DESIGN_NAMES[key], width=190, persist_state="session",
            help="How starts are spread. A grid takes the largest full one with at most this many points.",
        )  # fmt: skip
        st.number_input("Seed", value=None, key="seed", step=1, width=120, persist_state="session", disabled=chosen, help="The same seed gives the same starts.")
        st.button("New seed", icon=":material/casino:", on_click=_new_seed, disabled=chosen, help="Draw other starts of the same kind.")
        with st.popover("Start region", icon=":material/crop_free:", disabled=chosen, help="Where starts are drawn from."):
            _region(problem)
    try:
        return _stated(problem, given)
    except ValueError as error:
        st.error(tables.safe(sentence(error)), icon=":material/error:")
        return None


def stated_starts(problem: Problem) -> Starts:
    """The starts that the widgets of pages state, asked before any is drawn; ValueError where they make no sense."""
    _defaults(problem)
    return _stated(problem, _given(problem))


def _stated(problem: Problem, given: Starts | None) -> Starts:
    if given is not None and st.session_state["design"] == GIVEN:
        return given
    count, seed = st.session_state["count"], st.session_state["seed"]
    if count is None or seed is None:
        raise ValueError("starts and seed each need a number")
    if not 1 <= count <= MOST_STARTS:
        raise ValueError(f"{count:,} starts are not possible here: give a whole number from 1 to {MOST_STARTS:,}")
    return Starts(st.session_state["design"], int(count), int(seed), _stated_region(problem))


def _defaults(problem: Problem) -> None:
    """What holds where nothing was chosen; given points that do not fit the function are given up."""
    for key, value in (("count", 1000), ("design", "uniform"), ("seed", 0)):
        session.keep(key, value)
    if st.session_state["design"] == GIVEN and _given(problem) is None:
        st.session_state["design"] = "uniform"
    for name, limits in problem.start_box.items():
        for end, limit in zip(("from", "to"), limits, strict=True):
            session.keep(region_key(problem, name, end), float(limit))


def _given(problem: Problem) -> Starts | None:
    """The start points of an experiment that was opened, where they have as many numbers as the function has variables."""
    found: Starts | None = st.session_state.get("given starts")
    return found if found is not None and len(found.given[0]) == problem.dimension else None


def _new_seed() -> None:
    st.session_state["seed"] = int(np.random.default_rng().integers(1, 1_000_000))


def _region(problem: Problem) -> None:
    st.caption("Starts are drawn from this part of the plane.")
    for name in problem.variables:
        left, right = st.columns(2)
        for column, end in ((left, "from"), (right, "to")):
            column.number_input(f"${name_latex(name)}$ {end}", value=None, key=region_key(problem, name, end), format="%g", step=0.5, persist_state="session")


def _stated_region(problem: Problem) -> dict[str, tuple[float, float]]:
    ends = {name: [st.session_state[region_key(problem, name, end)] for end in ("from", "to")] for name in problem.variables}
    return {name: (float("nan") if low is None else low, float("nan") if high is None else high) for name, (low, high) in ends.items()}


def region_key(problem: Problem, name: str, end: str) -> str:
    """The key of the widget that holds one end, "from" or "to", of the start region of a variable."""
    return f"region {problem.formula[:40]} {problem.box[name]} {name} {end}"


def one_point(problem: Problem, prefix: str, default: tuple[float, ...], label: str) -> tuple[float, ...] | None:
    """Coordinates typed one by one; None, with a sentence, where one is missing."""
    values = []
    with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
        for name, value in zip(problem.variables, default, strict=True):
            session.keep(f"{prefix} {name}", float(value))
            values.append(
                st.number_input(
                    f"{label} ${name_latex(name)}$", value=None, key=f"{prefix} {name}", format="%g", step=0.1, width=170, persist_state="session",
                    help=f"{label} of {name}, any number.",
                )
            )  # fmt: skip
    if any(value is None or not math.isfinite(value) for value in values):
        st.error(f"{label} needs a finite number for every variable.", icon=":material/error:")
        return None
    return tuple(float(value) for value in values if value is not None)


def drawn_point(problem: Problem) -> tuple[float, ...]:
    """A start drawn at random from the problem's start box."""
    seed = int(np.random.default_rng().integers(2**31))
    return tuple(Starts(count=1, seed=seed).points(problem)[0].round(4).tolist())


def projection(problem: Problem) -> tuple[int, int]:
    """The two variables that a map shows; asked for only above two variables."""
    if problem.dimension < 3:
        return (0, min(1, problem.dimension - 1))
    names = list(problem.variables)
    with st.container(horizontal=True):
        key = "axis " + " ".join(names)
        across = st.selectbox(
            "Across", names, key=f"{key} across", width=150, persist_state="session", help="The variable on the horizontal axis."
        )
        rest = [name for name in names if name != across]
        up = st.selectbox(
            "Up", rest, key=f"{key} up", width=150, persist_state="session",
            help="The variable on the vertical axis. The others are held at the deepest minimum.",
        )  # fmt: skip
    return names.index(across), names.index(up)


def drawn_axes(problem: Problem) -> tuple[int, int]:
    """The two variables that the map shows, without asking."""
    names = list(problem.variables)
    key = "axis " + " ".join(names)
    across, up = (st.session_state.get(f"{key} {way}") for way in ("across", "up"))
    return (names.index(across), names.index(up)) if across in names and up in names and across != up else (0, min(1, len(names) - 1))


def borders(problem: Problem) -> bool:
    """Whether borders between basins are drawn over the starts, and the starts that were carried over one are ringed."""
    session.keep("borders over starts", True)
    return st.toggle(
        "Borders" if problem.dimension <= 2 else "Rings", key="borders over starts",
        help="Lines, up to two variables: where the gradient flow parts, so a start beside one flows to another minimum. Rings: starts that the optimizer carried over one. Land that flows out of the box has no line around it.",
    )  # fmt: skip


def trajectories() -> int:
    """How many paths a map draws."""
    return int(
        st.slider(
            "Trajectories shown", 0, 200, key="trajectories", step=10, persist_state="session",
            help="Draws the whole path of so many of the starts, evenly picked.",
        )
    )  # fmt: skip
