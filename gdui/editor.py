"""An editor for one's own optimizer: equations as text, their LaTeX, their settings, and how far they are stable."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from gdcore.equations import read_equations
from gdcore.formula import FormulaError
from gdcore.merging import Stationary
from gdcore.optimizers import OPTIMIZERS, Optimizer
from gdcore.setting import Setting
from gdcore.stability import Stability
from gdui import live, session, settings, tables, wording
from gdui.session import Setup

KNOWN = {name: setting for optimizer in reversed(OPTIMIZERS.values()) for name, setting in optimizer.settings.items()}
FIRST = "momentum"
NAME = "My optimizer"
EQUATIONS = "Update equations, one line each"
LONGEST_NAME = 40


@st.fragment
def show(setup: Setup) -> None:
    """Text on the left, what it means on the right; nothing is offered elsewhere until it is sound and kept."""
    flow = st.container(horizontal=True, gap="large")
    with flow.container(width=440):
        _copy()
        name = st.text_input("Name", key="own name", max_chars=None, persist_state="session", help=f"At most {LONGEST_NAME} characters.")
        text = st.text_area(
            EQUATIONS, key="own equations", height=220, persist_state="session",
            help="x: position, g: gradient, f: value, t: step from 1, T: number of epochs; other assigned names are states that start "
            "at 0, or at the value of a line such as state h = lr; all other names are settings. Functions as in formulas, and "
            "norm(v), dot(u, v), where(condition, a, b). They apply as you type.",
        )  # fmt: skip
        live.as_typed(EQUATIONS)
    with flow.container(width=530):
        optimizer = _understood(name, text)
        if optimizer is None:
            return
        st.latex(wording.equations_latex(optimizer))
        for key, setting in optimizer.settings.items():
            if not setting.label:
                st.info(tables.safe(f"{key}: {setting.help}"), icon=":material/info:")
        try:
            values = settings.fields(optimizer, "own setting", optimizer.defaults)
        except ValueError as error:
            st.error(tables.safe(wording.sentence(error)), icon=":material/error:")
            return
        tried = Setup(setup.problem, optimizer, values, setup.stopping)
        _stable_rates(tried)
        _keep(tried)


def _copy() -> None:
    """A choice that replaces the text, and then is none again: it never acts by itself."""
    if "own equations" not in st.session_state:
        _take(FIRST)
    session.keep("own equations", "")
    session.keep("own name", "")
    st.selectbox(
        "Start from a copy of", list(OPTIMIZERS), index=None, key="own copied", format_func=lambda key: OPTIMIZERS[key].name,
        on_change=_take_copy, placeholder="choose one to replace the text below", help="Its name, equations and settings.",
    )  # fmt: skip


def _take_copy() -> None:
    key = st.session_state.get("own copied")
    if key is not None:
        _take(key)
        st.session_state["own copied"] = None


def _take(key: str) -> None:
    optimizer = OPTIMIZERS[key]
    st.session_state["own equations"] = optimizer.equations
    st.session_state["own name"] = f"My {optimizer.name}"[:LONGEST_NAME]
    settings.fill("own setting", optimizer.defaults)


def _understood(name: str | None, text: str | None) -> Optimizer | None:
    """The optimizer that the text states, or None with the mistake shown at its line and place."""
    equations = text or ""
    try:
        undescribed = [key for key, _ in read_equations(equations, ()).undescribed]
        described: dict[str, Setting | float] = {key: KNOWN[key] for key in undescribed if key in KNOWN}
        return Optimizer.from_text(_checked(name), equations, described, source="Your own equations.", about="Typed on the page Optimizers.")
    except FormulaError as error:
        if equations.strip():
            st.code(wording.caret(equations, error), language=None)
        st.error(tables.safe(wording.sentence(error)), icon=":material/error:")
    except ValueError as error:
        st.error(tables.safe(wording.sentence(error)), icon=":material/error:")
    return None


def _checked(name: str | None) -> str:
    chosen = (name or "").strip()
    if not chosen:
        raise ValueError(f"your optimizer needs a name, such as {NAME}")
    if len(chosen) > LONGEST_NAME:
        raise ValueError(f"the name has {len(chosen)} characters (at most {LONGEST_NAME}): shorten it")
    if chosen in OPTIMIZERS or chosen in {optimizer.name for optimizer in OPTIMIZERS.values()}:
        raise ValueError(f"{chosen} is the name of a built-in optimizer: choose another one")
    return chosen


def _stable_rates(setup: Setup) -> None:
    """The predicted linear rate and the largest stable learning rate at each minimum of the current problem."""
    found = session.surveyed(setup)
    if not found:
        st.caption("The current function has no minimum to be stable at.")
        return
    reason = found[0][1].reason
    if reason and all(stable.largest_rate != stable.largest_rate for _, stable in found):
        st.info(tables.safe(f"No linear rate near a minimum: {reason}."), icon=":material/info:")
        return
    rows = [_row(k, minimum, stable) for k, (minimum, stable) in enumerate(found, start=1)]
    st.markdown("**Predicted near each minimum of the current function**")
    st.table(pd.DataFrame(rows).set_index("No."))


def _row(number: int, minimum: Stationary, stable: Stability) -> dict[str, str]:
    return {
        "No.": str(number),
        "minimum": wording.point(minimum.point),
        "f": wording.figure(minimum.value),
        "distance per epoch": f"× {wording.figure(stable.radius)}",
        "largest stable rate": wording.figure(stable.largest_rate),
    }


def _as_set(setup: Setup) -> Optimizer:
    """The optimizer with the numbers in the fields as its defaults."""
    chosen = {
        name: replace(setting, default=value) if isinstance(value := setup.settings[name], float) else setting
        for name, setting in setup.optimizer.settings.items()
    }
    return replace(setup.optimizer, setting_items=tuple(chosen.items()))


def _keep(setup: Setup) -> None:
    optimizer = _as_set(setup)
    name = optimizer.name
    kept = session.optimizers().get(name)
    label = "Offer it everywhere" if kept is None else "Update it everywhere"
    if kept is not None and kept.to_dict() == optimizer.to_dict():
        st.success(tables.safe(f"{name} can be chosen in the sidebar and among the optimizers compared."), icon=":material/check:")
        return
    if st.button(label, type="primary", icon=":material/add:", help="Adds it to the sidebar and to the optimizers that can be compared."):
        session.keep_optimizer(optimizer)
        st.rerun()
