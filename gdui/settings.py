"""Widgets for an optimizer's settings: numbers, and schedules in t. They read everything from the settings themselves."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Literal

import altair as alt
import numpy as np
import streamlit as st

from gdcore.notation import name_latex
from gdcore.optimizers import Optimizer
from gdcore.schedules import SCHEDULES, Schedule
from gdcore.setting import Setting
from gdui import charts, session

TYPED = "typed"
PER_DECADE = 24
NUMBER = r"([0-9.e+-]+)"  # as repr writes it
FIELD = 220  # pixels of a field that stands beside others


def fields(optimizer: Optimizer, prefix: str, defaults: Mapping[str, float], *, slider: bool = False) -> dict[str, float | str]:
    """One field per setting, then the schedules in a popover; ValueError with a sentence where a number is missing or wrong.

    prefix: of the widget keys, as in "setting lr". slider: a slider under the learning rate as well.
    """
    values: dict[str, float | str] = {}
    with st.container(horizontal=not slider):
        for name, setting in optimizer.settings.items():
            values[name] = _number(name, setting, prefix, defaults[name], slider=slider and name == "lr", width="stretch" if slider else FIELD)
    return _schedules(optimizer, prefix, values) if values else values


def fill(prefix: str, values: Mapping[str, float | str], defaults: Mapping[str, float] | None = None) -> None:
    """Put the values into the fields. A schedule that is none of the templates is put there as one's own formula, its number as the default."""
    for name, value in values.items():
        schedule = f"{prefix} schedule {name}"
        if isinstance(value, str):
            kind, number = template(value)
            st.session_state[schedule], st.session_state[f"{schedule} text"] = kind, value
            st.session_state[f"{prefix} {name}"] = (defaults or {})[name] if number is None else number
        else:
            st.session_state[f"{prefix} {name}"] = value
            st.session_state.pop(schedule, None)


def template(text: str) -> tuple[str, float | None]:
    """Which of the schedules offered makes this text, and from which number; one's own formula and None where none does."""
    for kind, schedule in SCHEDULES.items():
        if kind == "constant":  # that is a number, and no text
            continue
        found = re.fullmatch(NUMBER.join(map(re.escape, re.split(r"\ba\b", schedule.formula))), text)
        if found and schedule.at(float(found[1])) == text:
            return kind, float(found[1])
    return TYPED, None


def _number(name: str, setting: Setting, prefix: str, default: float, *, slider: bool, width: Literal["stretch"] | int) -> float:
    """A number field for exact values; with a slider under it where asked for."""
    field = f"{prefix} {name}"
    session.keep(field, default)
    label = _label(name, setting)
    value = st.number_input(
        label, value=None, key=field, format="%g", step=_step(setting, st.session_state[field]),
        help=f"{setting.help} From {setting.low:g} to {setting.high:g}.", persist_state="session", width=width,
    )  # fmt: skip
    if value is None:
        raise ValueError(f"{setting.label or name} needs a number from {setting.low:g} to {setting.high:g}")
    setting.check(value, name)
    if slider and setting.log:
        _slider(field, label, setting, value)
    return float(value)


def _label(name: str, setting: Setting) -> str:
    if setting.label in ("", name):
        return name.capitalize() if setting.label else f"${name_latex(name)}$"
    symbol = name_latex(name) if name != "lr" else "lr"
    return f"{(setting.label or name).capitalize()} ${symbol}$"


def _slider(field: str, label: str, setting: Setting, value: float) -> None:
    options, key = _log_steps(setting), field.replace("setting", "slider", 1)

    def take() -> None:
        st.session_state[field] = st.session_state[key]

    st.session_state[key] = min(options, key=lambda option: abs(math.log(option / value)))
    st.select_slider(
        f"{label} by hand", options, key=key, on_change=take, label_visibility="collapsed",
        format_func=lambda option: f"{option:g}", help="Drag to change the learning rate.",
    )  # fmt: skip


def _step(setting: Setting, value: float | None) -> float:
    if setting.log and value and value > 0:
        return float(10 ** math.floor(math.log10(value)))
    return 0.01


def _log_steps(setting: Setting) -> list[float]:
    count = round(PER_DECADE * math.log10(setting.high / setting.low)) + 1
    return [float(f"{value:.3g}") for value in np.geomspace(setting.low, setting.high, count)]


# -- schedules ---------------------------------------------------------------------------------------------------------


def _schedules(optimizer: Optimizer, prefix: str, values: dict[str, float | str]) -> dict[str, float | str]:
    """The same values, with a formula in t for those that the popover gives a schedule."""
    chosen = dict(values)
    with st.popover("Schedules", icon=":material/show_chart:", help="Let a setting change with the step t.", width="stretch"):
        st.caption("A schedule is a formula in t, the step from 1, and T, the number of epochs; a is the setting's own value.")
        for name, setting in optimizer.settings.items():
            key = f"{prefix} schedule {name}"
            session.keep(key, "constant")
            kind = st.selectbox(
                _label(name, setting), [*SCHEDULES, TYPED], key=key, persist_state="session",
                format_func=lambda k: "Your own formula" if k == TYPED else SCHEDULES[k].name,
                help=" ".join(f"{s.name}: {s.help}" for s in SCHEDULES.values()),
            )  # fmt: skip
            value = values[name]
            if kind == TYPED:
                chosen[name] = Schedule(TYPED, _typed(f"{key} text"), "").at(float(value))
            elif kind != "constant":
                chosen[name] = SCHEDULES[kind].at(float(value))
                st.caption(f"{SCHEDULES[kind].help} {SCHEDULES[kind].formula}")
    for name, shown in chosen.items():
        if isinstance(shown, str):
            st.code(f"{name} = {shown}", language=None, wrap_lines=True)
    return chosen


def _typed(key: str) -> str:
    session.keep(key, SCHEDULES["cosine"].formula)
    text = st.text_input(
        "Formula in t, T and a", key=key, persist_state="session", help="For example 0.1/sqrt(t), or a*exp(-3*t/T)."
    )
    if not (text or "").strip():
        raise ValueError("the schedule is empty: write a formula such as 0.1/sqrt(t), or choose another schedule")
    return text


def schedule_chart(values: Mapping[str, float | str], epochs: int) -> alt.Chart | None:
    """Scheduled settings over the epochs; None where nothing is scheduled."""
    scheduled = {name: value for name, value in values.items() if isinstance(value, str)}
    return charts.schedules(scheduled, epochs, session.view(230, 60)) if scheduled else None
