"""Widgets → frozen gdcore values. Every label, range and help text comes from the value's own description."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import streamlit as st

from gdcore.formula import FormulaError, names_in, parse
from gdcore.gallery import GALLERY
from gdcore.notation import name_latex
from gdcore.optimizers import OPTIMIZERS
from gdcore.problem import Problem
from gdcore.setting import Setting
from gdcore.starts import DESIGNS, Starts
from gdcore.stopping import Stopping
from gdui import session, tables, wording
from gdui.session import Setup

T = TypeVar("T")
OWN = "own formula"
FIRST = "peaks"
DESIGN_NAMES = {
    "uniform": "Uniform at random", "latin hypercube": "Latin hypercube", "sobol": "Sobol' sequence", "grid": "Regular grid",
}  # fmt: skip
MOST_STARTS = 1_000_000
VARIABLE_LETTERS = "xyzuvwt"
PER_DECADE = 24


# -- the sidebar -------------------------------------------------------------------------------------------------------


def sidebar() -> None:
    """Problem and optimizer. What is wrong is said in place, and the last good setup stays in force."""
    if session.last_good() is None:
        session.remember(Setup(GALLERY[FIRST], OPTIMIZERS["gd"], OPTIMIZERS["gd"].defaults, Stopping()))
    good = session.setup()
    with st.sidebar:
        problem = _or_none(_problem)
        setup = _or_none(lambda: _optimizer(problem or good.problem))
        if problem is not None and setup is not None:
            session.remember(setup)
            return
        shown = good.problem.name or good.problem.text()[:60]
        st.caption(f"The charts still show the last formula and settings that were right: {tables.safe(shown)}")


def _or_none(draw: Callable[[], T]) -> T | None:
    """What the widgets state, or None with a sentence on what is wrong."""
    try:
        return draw()
    except FormulaError as error:
        st.error(tables.safe(str(error)), icon=":material/error:")
    except ValueError as error:
        st.error(tables.safe(_sentence(error)), icon=":material/error:")
    return None


def _sentence(error: ValueError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _choose_problem() -> None:
    """Selecting a gallery problem fills in its formula, box, parameters and rate."""
    key = st.session_state["problem"]
    if key == OWN:
        return
    problem = GALLERY[key]
    st.session_state["formula"] = problem.formula
    _fill_box(problem)
    for name, setting in problem.parameter_settings.items():
        st.session_state[f"parameter {name}"] = setting.default
    st.session_state["setting lr"] = problem.rate
    for name in list(st.session_state):
        if str(name).startswith(("region ", "point ", "landscape ")):
            del st.session_state[name]


def _fill_box(problem: Problem) -> None:
    for name, (low, high) in problem.box.items():
        st.session_state[f"low {name}"], st.session_state[f"high {name}"] = float(low), float(high)


def _edit_formula() -> None:
    """Typing makes the problem one's own; the text of a gallery problem, typed again, is that problem."""
    typed = st.session_state["formula"].strip()
    match = next((key for key, problem in GALLERY.items() if problem.formula == typed), OWN)
    if st.session_state["problem"] != match:
        st.session_state["problem"] = match


def _problem() -> Problem:
    if "problem" not in st.session_state:
        st.session_state["problem"] = FIRST
        _choose_problem()
    st.subheader("Problem")
    st.selectbox(
        "Function", [*GALLERY, OWN], key="problem", on_change=_choose_problem, label_visibility="collapsed",
        format_func=lambda key: "Your own formula" if key == OWN else GALLERY[key].name,
        help="Named test functions, or your own formula.", persist_state="session",
    )  # fmt: skip
    st.text_area(
        "Formula to minimise", key="formula", on_change=_edit_formula, height=104, persist_state="session",
        help="Plain text or LaTeX: 3(1-x)^2 e^{-x^2}, x y, \\frac{x}{2}, |x|, sqrt, sin, log (natural), max, …",
    )  # fmt: skip
    return _understood(st.session_state["formula"], st.session_state["problem"])


def _understood(text: str, key: str) -> Problem:
    """The typed formula as a problem, shown as understood; a caret under the mistake where it is none."""
    try:
        problem = GALLERY[key] if key != OWN else _own_problem(text)
        problem.prepare()
    except FormulaError as error:
        if text.strip():
            st.code(wording.caret(text, error), language=None)
        raise
    st.latex(wording.function_latex(problem.variables, problem.tree))
    if problem.about:
        st.caption(problem.about, help=f"Source: {problem.source}" if problem.source else None)
    return _parameters(_box(problem))


def _own_problem(text: str) -> Problem:
    names = names_in(parse(text))
    if not names:
        parse(text)
        raise FormulaError("the formula has no variable: use at least one name, such as x", 0)
    usual = [name for name in names if name[0] in VARIABLE_LETTERS or name == "theta"]
    default = sorted(usual or names)
    chosen = default
    if len(names) > 1:
        chosen = st.multiselect(
            "Variables", sorted(names), default=default, key=f"variables {' '.join(sorted(names))}",
            help="Names that descent changes; the others become parameters with a slider.", persist_state="session",
        )  # fmt: skip
    if not chosen:
        raise ValueError("choose at least one variable")
    parameters: dict[str, float | Setting] = {
        name: Setting(1.0, low=-10.0, high=10.0, help="A parameter of your formula.") for name in names if name not in chosen
    }
    box = {name: (float(st.session_state.get(f"low {name}", -3.0)), float(st.session_state.get(f"high {name}", 3.0))) for name in chosen}
    for name, (low, high) in box.items():
        if not low < high:
            box[name] = (-3.0, 3.0)  # said where the box is read, below
    return Problem.from_text(text, box=box, parameters=parameters)


def _box(problem: Problem) -> Problem:
    """The box from its number fields; unchanged fields keep the problem as it is, start region included."""
    box: dict[str, tuple[float, float]] = {}
    for name, (low, high) in problem.box.items():
        left, right = st.columns(2)
        shown = f"${name_latex(name)}$"
        for column, end, value in ((left, "low", low), (right, "high", high)):
            st.session_state.setdefault(f"{end} {name}", float(value))
            column.number_input(
                f"{shown} {'from' if end == 'low' else 'to'}", key=f"{end} {name}", format="%g", step=0.5, persist_state="session",
                help=f"The {'lower' if end == 'low' else 'upper'} end of the box in {name}. Runs may leave the box; it decides what the maps show.",
            )  # fmt: skip
        box[name] = (st.session_state[f"low {name}"], st.session_state[f"high {name}"])
    missing = [name for name, limits in box.items() if None in limits]
    if missing:
        raise ValueError(f"the box of {missing[0]} needs two numbers")
    return problem if box == problem.box else problem.with_box(box)


def _parameters(problem: Problem) -> Problem:
    values = {}
    for name, setting in problem.parameter_settings.items():
        low, high = _slider_range(setting)
        st.session_state.setdefault(f"parameter {name}", float(setting.default))
        st.session_state[f"parameter {name}"] = min(max(st.session_state[f"parameter {name}"], low), high)
        values[name] = st.slider(
            f"Parameter ${name_latex(name)}$", low, high, key=f"parameter {name}", step=(high - low) / 200, format="%g",
            help=setting.help or "A parameter of the formula.", persist_state="session",
        )  # fmt: skip
    return problem.with_parameters(**values) if values else problem


def _slider_range(setting: Setting) -> tuple[float, float]:
    low = setting.low if math.isfinite(setting.low) else setting.default - 10
    high = setting.high if math.isfinite(setting.high) else setting.default + 10
    return float(low), float(high)


def _optimizer(problem: Problem) -> Setup:
    st.subheader("Optimizer")
    key = st.selectbox(
        "Optimizer", list(OPTIMIZERS), key="optimizer", format_func=lambda key: OPTIMIZERS[key].name,
        label_visibility="collapsed", help="The update rule that every start follows.", persist_state="session",
    )  # fmt: skip
    optimizer = OPTIMIZERS[key]
    st.latex(r"\begin{aligned}" + r" \\ ".join(line.replace(r"\leftarrow", r"&\leftarrow") for line in optimizer.latex()) + r"\end{aligned}")
    settings = {name: _setting(name, setting) for name, setting in optimizer.settings.items()}
    left, right = st.columns(2)
    st.session_state.setdefault("epochs", 1000)
    st.session_state.setdefault("tolerance", 1e-6)
    left.number_input(
        "Epochs", key="epochs", step=100, help="The most steps a run may take, 1 to 1,000,000.", persist_state="session"
    )
    right.number_input(
        "Tolerance", key="tolerance", format="%.0e", step=1e-7, persist_state="session",
        help="A run stops where the gradient's length is at most this; 0 never stops early.",
    )  # fmt: skip
    if st.session_state["epochs"] is None or st.session_state["tolerance"] is None:
        raise ValueError("epochs and tolerance each need a number")
    stopping = Stopping(int(st.session_state["epochs"]), float(st.session_state["tolerance"]))
    setup = Setup(problem, optimizer, settings, stopping)
    setup.experiment(Starts(count=1))
    return setup


def _setting(name: str, setting: Setting) -> float:
    """A number field for exact values; with a slider under it where the range is wide enough to be dragged through."""
    field, slider = f"setting {name}", f"slider {name}"
    st.session_state.setdefault(field, setting.default)
    options = _log_steps(setting) if setting.log else None
    label = (setting.label or name).capitalize()

    def from_slider() -> None:
        st.session_state[field] = st.session_state[slider]

    value = st.number_input(
        f"{label} ${name_latex(name) if name != 'lr' else 'lr'}$", key=field, format="%g", step=_step(setting, st.session_state[field]),
        help=f"{setting.help} From {setting.low:g} to {setting.high:g}.", persist_state="session",
    )  # fmt: skip
    if value is None:
        raise ValueError(f"{label} needs a number from {setting.low:g} to {setting.high:g}")
    setting.check(value, name)
    if name == "lr" and options is not None:
        st.session_state[slider] = min(options, key=lambda option: abs(math.log(option / value)))
        st.select_slider(
            f"{label} by hand", options, key=slider, on_change=from_slider, label_visibility="collapsed",
            format_func=lambda option: f"{option:g}", help="Drag to change the learning rate.",
        )  # fmt: skip
    return float(value)


def _step(setting: Setting, value: float | None) -> float:
    if setting.log and value and value > 0:
        return float(10 ** math.floor(math.log10(value)))
    return 0.01


def _log_steps(setting: Setting) -> list[float]:
    count = round(PER_DECADE * math.log10(setting.high / setting.low)) + 1
    return [float(f"{value:.3g}") for value in np.geomspace(setting.low, setting.high, count)]


# -- above the pages ---------------------------------------------------------------------------------------------------


def starts(problem: Problem) -> Starts | None:
    """Number, design, seed and region of the starts; None, with a sentence, where they make no sense."""
    for key, value in (("count", 1000), ("seed", 0)):
        st.session_state.setdefault(key, value)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            "Starts", key="count", step=500, width=150, persist_state="session", help=f"How many random starts, 1 to {MOST_STARTS:,}."
        )
        st.selectbox(
            "Design", list(DESIGNS), key="design", format_func=lambda key: DESIGN_NAMES[key], width=190, persist_state="session",
            help="How starts are spread. A grid takes the largest full one with at most this many points.",
        )  # fmt: skip
        st.number_input("Seed", key="seed", step=1, width=120, persist_state="session", help="The same seed gives the same starts.")
        st.button("New seed", icon=":material/casino:", on_click=_new_seed, help="Draw other starts of the same kind.")
        with st.popover("Start region", icon=":material/crop_free:", help="Where starts are drawn from."):
            region = _region(problem)
    try:
        count, seed = st.session_state["count"], st.session_state["seed"]
        if count is None or seed is None:
            raise ValueError("starts and seed each need a number")
        if not 1 <= count <= MOST_STARTS:
            raise ValueError(f"{count:,} starts are not possible here: give a whole number from 1 to {MOST_STARTS:,}")
        return Starts(st.session_state["design"], int(count), int(seed), region)
    except ValueError as error:
        st.error(tables.safe(_sentence(error)), icon=":material/error:")
        return None


def _new_seed() -> None:
    st.session_state["seed"] = int(np.random.default_rng().integers(1, 1_000_000))


def _region(problem: Problem) -> dict[str, tuple[float, float]]:
    region = {}
    st.caption("Starts are drawn from this part of the plane.")
    for name, limits in problem.start_box.items():
        left, right = st.columns(2)
        stem = f"region {problem.formula[:40]} {problem.box[name]} {name}"
        for column, end, value in zip((left, right), ("from", "to"), limits, strict=True):
            st.session_state.setdefault(f"{stem} {end}", float(value))
            column.number_input(f"${name_latex(name)}$ {end}", key=f"{stem} {end}", format="%g", step=0.5, persist_state="session")
        low, high = (st.session_state[f"{stem} {end}"] for end in ("from", "to"))
        region[name] = (float("nan") if low is None else low, float("nan") if high is None else high)
    return region


def one_point(problem: Problem, prefix: str, default: tuple[float, ...], label: str) -> tuple[float, ...] | None:
    """Coordinates typed one by one; None, with a sentence, where one is missing."""
    values = []
    with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
        for name, value in zip(problem.variables, default, strict=True):
            st.session_state.setdefault(f"{prefix} {name}", float(value))
            values.append(
                st.number_input(
                    f"{label} ${name_latex(name)}$", key=f"{prefix} {name}", format="%g", step=0.1, width=150, persist_state="session",
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


def trajectories() -> int:
    """How many paths a map draws."""
    return int(
        st.slider(
            "Trajectories shown", 0, 200, key="trajectories", step=10, persist_state="session",
            help="Draws the whole path of so many of the starts, evenly picked.",
        )
    )  # fmt: skip
