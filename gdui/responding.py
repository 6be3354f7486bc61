"""Exact sensitivities of the minima to one parameter, beside a slider: predicted, and re-solved."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from gdcore.continuation import resolve
from gdcore.experiment import Minimum
from gdcore.implicit import Response, mixed_latex, response
from gdcore.lifespan import lifespan
from gdcore.merging import Stationary
from gdcore.notation import name_latex
from gdcore.problem import Problem
from gdui import response_words, session, tables, wording
from gdui.sidebar import slider_range

MOST_ROWS = 8


def show(problem: Problem, minima: Sequence[Minimum]) -> None:
    """The table for one parameter, and what a change of it, set by a slider, does to each minimum."""
    if not problem.parameters or not minima:
        return
    st.markdown("**If a parameter changes a little: how each minimum moves**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = list(problem.parameters)
        if st.session_state.get("response parameter") not in names:
            st.session_state["response parameter"] = names[0]
        parameter = st.selectbox("Parameter", names, key="response parameter", width=150, persist_state="session", help="The parameter that is raised or lowered.")
        change = _change(problem, parameter)
    shown = minima[:MOST_ROWS]
    found = [response(problem, parameter, m.point) for m in shown]
    solved = [resolve(problem, parameter, change, m.point) if change else None for m in shown]
    first = next((k for k, one in enumerate(found) if not one.reason), None)
    if first is not None and change:
        st.markdown(tables.safe(response_words.moved(parameter, change, first, found[first], solved[first])))
    st.table(pd.DataFrame([_row(problem, k, change, one, there) for k, (one, there) in enumerate(zip(found, solved, strict=True))]).set_index("No."))
    st.caption(tables.safe(response_words.response_caption(parameter, found, len(minima))))
    with st.popover("How this is computed", icon=":material/function:"):
        st.latex(r"H\,\frac{dx^*}{dp} = -\frac{\partial^2 f}{\partial x\,\partial p}, \qquad \frac{df^*}{dp} = \frac{\partial f}{\partial p}")
        for name, text in zip(problem.variables, mixed_latex(problem, parameter), strict=True):
            symbol = name_latex(parameter)
            st.latex(rf"\frac{{\partial^2 f}}{{\partial {name_latex(name)}\,\partial {symbol}}} = {text}")
        st.latex(r"H\,\frac{d^2x^*}{dp^2} = -\nabla\left[v^T\!Hv + 2v^T\frac{\partial \nabla f}{\partial p} + \frac{\partial^2 f}{\partial p^2}\right],\quad v = \frac{dx^*}{dp}")
        st.caption("In the second line v is held constant under the gradient. Predictions are of second order. Re-solved: the minimum followed by Newton's method to the new value.")


def _change(problem: Problem, parameter: str) -> float:
    """By how much the parameter is raised; kept within its range."""
    low, high = slider_range(problem.parameter_settings[parameter])
    own, key = problem.parameters[parameter], f"response change {problem.formula[:40]} {parameter}"
    reach = (high - low) / 4
    least, most = max(low - own, -reach), min(high - own, reach)
    session.keep(key, min(most, reach / 10))
    st.session_state[key] = min(max(st.session_state[key], least), most)
    return float(
        st.slider(
            f"Raise {parameter} by", least, most, key=key, step=(most - least) / 200, format="%g", width=420, persist_state="session",
            help=f"From its present value, {own:g}. Below 0 it is lowered.",
        )
    )  # fmt: skip


def _row(problem: Problem, number: int, change: float, one: Response, there: Stationary | None) -> dict[str, str]:
    place = "–" if one.reason else wording.point(tuple(one.place(change)))
    gone = "vanishes" if change else "–"
    return {
        "No.": str(number + 1),
        "now": wording.point(tuple(one.point)),
        f"speed dx*/d{one.parameter}": "–" if one.reason else wording.point(tuple(one.motion)),
        f"slope df*/d{one.parameter}": wording.figure(one.slope),
        "predicted": place,
        "re-solved": gone if there is None else wording.point(there.point),
        "f predicted": "–" if one.reason else wording.figure(one.value(change), 6),
        "f re-solved": "–" if there is None else wording.figure(there.value, 6),
        "condition": wording.figure(one.condition, 3),
        f"exists for {one.parameter}": _life(problem, one) + (" (near its end)" if one.near_vanishing else ""),
    }


@st.cache_data(max_entries=512, show_spinner=False)
def _ends(key: str, parameter: str, point: tuple[float, ...], _problem: Problem) -> tuple[float, float]:
    return lifespan(_problem, parameter, point, slider_range(_problem.parameter_settings[parameter]))


def _life(problem: Problem, one: Response) -> str:
    """The values of the parameter between which the minimum exists, as far as the slider goes."""
    low, high = _ends(json.dumps(problem.to_dict()), one.parameter, tuple(one.point.tolist()), problem)
    return response_words.between(low, high)
