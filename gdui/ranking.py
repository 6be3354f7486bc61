"""Which knob matters: the ranges of the quantities to rank, and the ranking by Sobol' indices when it is asked for."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import streamlit as st

from gdcore.experiment import Experiment
from gdcore.leverage import BASE, Leverage, leverage
from gdcore.quantities import Range, default_range, quantities
from gdui import knob_charts, response_words, session, tables, wording
from gdui.jobs import result_of

MOST_STARTS = 200  # at each point of the design
BASES = (64, 128, 256, 512, 1024)
COLUMNS = {
    "key": None, "vary": st.column_config.CheckboxColumn("Vary", width=50), "number": st.column_config.TextColumn("Number", width=190),
    "from": st.column_config.NumberColumn("From", format="%g", width=75), "to": st.column_config.NumberColumn("To", format="%g", width=75),
    "log": st.column_config.CheckboxColumn("Log", width=45, help="Evenly spaced logarithms."),
}  # fmt: skip


def show(experiment: Experiment) -> None:
    """A table of ranges, a button, and the two rankings once they are computed."""
    st.markdown("**Which of these numbers matters?** Sobol' indices over ranges of all of them")
    known = quantities(experiment)
    usual = [key for key, quantity in known.items() if quantity.kind in ("setting", "parameter")]
    ticked = usual if len(usual) > 1 else [*usual, "epochs", "start size"]
    frame = pd.DataFrame([_row(key, default_range(quantity), ticked=key in ticked) for key, quantity in known.items()])
    frame.insert(1, "number", [quantity.label for quantity in known.values()])
    digest = f"{experiment.optimizer.name} {experiment.problem.formula[:60]} {experiment.digest}"
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=535):
            edited = st.data_editor(
                frame, hide_index=True, key=f"knobs {digest}", height=38 + 35 * min(len(frame), 7), disabled=["number"], column_config=COLUMNS
            )
            base = _asked_base(digest)
        with st.container(width=455):
            if st.session_state.get("knobs asked") == digest:
                _ranked(experiment, edited, base)
            else:
                st.caption("One number per knob: how much of the variation of the result it causes, alone (first) and with all its interactions (total).")


def _asked_base(digest: str) -> int:
    """How many base points, and the button that asks for the ranking."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        session.keep("knobs base", BASE)
        base = st.selectbox(
            "Base points", BASES, key="knobs base", width=140, persist_state="session",
            help="A power of 2: more of them make the intervals narrower. Each is run twice, and once more for every knob.",
        )  # fmt: skip
        st.button("Rank them", key="knobs ask", icon=":material/leaderboard:", type="primary", on_click=_ask, args=(digest,))
    return int(base)


def _row(key: str, usual: Range, *, ticked: bool) -> dict[str, object]:
    return {"key": key, "vary": ticked, "from": usual.low, "to": usual.high, "log": usual.log}


def _ask(digest: str) -> None:
    st.session_state["knobs asked"] = digest


def _ranked(experiment: Experiment, table: pd.DataFrame, base: int) -> None:
    try:
        ticked = table[table["vary"]]
        missing = ticked[ticked[["from", "to"]].isna().any(axis=1)]
        if len(missing):
            raise ValueError(f"the range of the {missing['number'].iloc[0]} needs two numbers")
        columns = (ticked[name].tolist() for name in ("key", "from", "to", "log"))
        known = quantities(experiment)
        ranges = [Range(key, float(low), float(high), log=bool(log), label=known[key].label) for key, low, high, log in zip(*columns, strict=True)]
        if len(ranges) < 2:
            raise ValueError("a ranking needs at least two numbers to vary: tick two or more")
    except ValueError as error:
        st.error(tables.safe(wording.sentence(error)), icon=":material/error:")
        return
    starts = experiment.starts
    small = experiment if starts.design == "given" else replace(experiment, starts=replace(starts, count=min(starts.count, MOST_STARTS)))
    key = f"knobs {json.dumps([small.digest, [str(one) for one in ranges], base])}"
    found = result_of("knobs", key, lambda report: leverage(small, ranges, base=base, on_progress=report))
    if isinstance(found, Leverage):
        st.markdown(tables.safe(response_words.ranking(found)))
        if knob_charts.any_index(found):
            st.altair_chart(knob_charts.indices(found, session.view(300, 40)), width="content")
        st.caption(tables.safe(response_words.ranking_caption(found)))
