"""The sidebar: problem and optimizer, on every page. Widgets → the session's Setup."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from gdcore.formula import FormulaError, names_in, parse
from gdcore.gallery import GALLERY
from gdcore.notation import name_latex
from gdcore.optimizers import OF_THE_PROBLEM, OPTIMIZERS
from gdcore.problem import Problem
from gdcore.setting import Setting
from gdcore.starts import Starts
from gdcore.stopping import Stopping
from gdui import session, settings, tables, wording
from gdui.session import Setup

T = TypeVar("T")
OWN = "own formula"
FIRST = "peaks"
VARIABLE_LETTERS = "xyzuvwt"


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
        st.error(tables.safe(wording.sentence(error)), icon=":material/error:")
    except ValueError as error:
        st.error(tables.safe(wording.sentence(error)), icon=":material/error:")
    return None


def _choose_problem() -> None:
    """Selecting a gallery problem fills in its formula, box, parameters and rate."""
    key = st.session_state["problem"]
    if key == OWN:
        return
    problem = GALLERY[key]
    st.session_state["formula"] = problem.formula
    fill_box(problem)
    for name, setting in problem.parameter_settings.items():
        st.session_state[f"parameter {name}"] = setting.default
    optimizer = session.optimizers()[st.session_state.get("optimizer", "gd")]
    for name, value in optimizer.defaults_for(problem).items():
        if name in OF_THE_PROBLEM:
            st.session_state[f"setting {name}"] = value
    forget_places()


def forget_places() -> None:
    """Drop what belongs to one function only, before another one takes its place."""
    for name in list(st.session_state):
        if str(name).startswith(("region ", "point ", "landscape ", "race ", "sweep range ", "plane ", "basins other ")):
            del st.session_state[name]


def fill_box(problem: Problem) -> None:
    """Put a problem's box into its number fields."""
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
    """The problem that a formula of one's own states; one that was opened comes back as it was, its unused variables too."""
    opened: Problem | None = st.session_state.get("own problem")
    if opened is not None and opened.formula != text:
        opened = None
    names = names_in(parse(text) if opened is None else opened.tree)
    options = sorted(names) if opened is None else session.names_of(opened)
    if not options:
        raise FormulaError("the formula has no variable: use at least one name, such as x", 0)
    usual = [name for name in names if name[0] in VARIABLE_LETTERS or name == "theta"]
    default = sorted(usual or names) if opened is None else list(opened.variables)
    chosen = default
    if len(options) > 1:
        chosen = st.multiselect(
            "Variables", options, default=default, key=f"variables {' '.join(options)}",
            help="Names that descent changes; the others become parameters with a slider.", persist_state="session",
        )  # fmt: skip
    if not chosen:
        raise ValueError("choose at least one variable")
    if opened is not None and tuple(chosen) == opened.variables:
        return opened
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
                f"{shown} {'from' if end == 'low' else 'to'}", value=None, key=f"{end} {name}", format="%g", step=0.5, persist_state="session",
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
        low, high = slider_range(setting)
        st.session_state.setdefault(f"parameter {name}", float(setting.default))
        st.session_state[f"parameter {name}"] = min(max(st.session_state[f"parameter {name}"], low), high)
        values[name] = st.slider(
            f"Parameter ${name_latex(name)}$", low, high, key=f"parameter {name}", step=(high - low) / 200, format="%g",
            help=setting.help or "A parameter of the formula.", persist_state="session",
        )  # fmt: skip
    return problem.with_parameters(**values) if values else problem


def slider_range(setting: Setting) -> tuple[float, float]:
    """The ends of a slider over a parameter: its range, or ten to either side of its default."""
    low = setting.low if math.isfinite(setting.low) else setting.default - 10
    high = setting.high if math.isfinite(setting.high) else setting.default + 10
    return float(low), float(high)


def _choose_optimizer() -> None:
    """Selecting an optimizer fills in its settings, as they suit the problem."""
    good = session.last_good()
    optimizer = session.optimizers()[st.session_state["optimizer"]]
    settings.fill("setting", optimizer.defaults_for(good.problem) if good else optimizer.defaults)


def _optimizer(problem: Problem) -> Setup:
    st.subheader("Optimizer")
    known = session.optimizers()
    key = st.selectbox(
        "Optimizer", list(known), key="optimizer", format_func=session.optimizer_name, on_change=_choose_optimizer,
        label_visibility="collapsed", help="The update rule that every start follows.", persist_state="session",
    )  # fmt: skip
    optimizer = known[key]
    st.latex(wording.equations_latex(optimizer), help=f"{optimizer.about} Source: {optimizer.source}")
    values = settings.fields(optimizer, "setting", optimizer.defaults_for(problem), slider=True)
    left, right = st.columns(2)
    st.session_state.setdefault("epochs", 1000)
    st.session_state.setdefault("tolerance", 1e-6)
    left.number_input(
        "Epochs", value=None, key="epochs", step=100, help="The most steps a run may take, 1 to 1,000,000.", persist_state="session"
    )
    right.number_input(
        "Tolerance", value=None, key="tolerance", format="%.0e", step=1e-7, persist_state="session",
        help="A run stops where the gradient's length is at most this; 0 never stops early.",
    )  # fmt: skip
    if st.session_state["epochs"] is None or st.session_state["tolerance"] is None:
        raise ValueError("epochs and tolerance each need a number")
    stopping = Stopping(int(st.session_state["epochs"]), float(st.session_state["tolerance"]))
    setup = Setup(problem, optimizer, values, stopping)
    setup.experiment(Starts(count=1))
    chart = settings.schedule_chart(values, stopping.epochs)
    if chart is not None:
        st.altair_chart(chart, width="content")
    _warn_of_unstable_rates(setup)
    return setup


def _warn_of_unstable_rates(setup: Setup) -> None:
    """Before anything runs: at which minima the learning rate is beyond the stable one."""
    found = session.surveyed(setup)
    text = wording.unstable(setup.settings, setup.stopping.epochs, found)
    if text:
        st.warning(tables.safe(text), icon=":material/warning:")
    elif found and found[0][1].reason:
        st.caption(tables.safe(f"No linear rate near a minimum: {found[0][1].reason}."))
