"""What the page Optimizers shows of a comparison: tables, small maps, the transition matrix, and what was clicked in them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from gdcore.compare import Comparison
from gdcore.experiment import Findings
from gdui import answers, charts, compare_charts, export, maps, session, tables, verdict, wording

MAP_SIZE = 178
BARS = 138  # width of the bars of one optimizer


def success_table(comparison: Comparison) -> None:
    """One row per optimizer."""
    table = pd.DataFrame(verdict.rows(comparison)).set_index("optimizer")
    st.table(table.rename(index=tables.safe))
    st.caption(tables.safe(verdict.settings_used(comparison)))
    answers.tabulate(pd.DataFrame(verdict.rows(comparison)), "How often, and at what cost", caption=verdict.settings_used(comparison))
    answers.tabulate(pd.DataFrame(verdict.pair_rows(comparison)), "All pairs", caption="Paired differences with McNemar's exact test and Holm's correction.")
    st.caption(
        "Evaluations: of the gradient until success; median of the starts that succeed, with its bootstrapped 95 % interval and "
        "quartiles. Per success: all evaluations spent, also by starts that fail, per success. The share's interval is Wilson's."
    )


def details(comparison: Comparison) -> None:
    """All pairs, and all trials where there was tuning."""
    with st.expander("All pairs: paired differences with McNemar's exact test and Holm's correction", icon=":material/compare_arrows:"):
        st.dataframe(pd.DataFrame(verdict.pair_rows(comparison)), hide_index=True, width="stretch", key="pairs")
    if comparison.tuning is not None:
        with st.expander("All trials of the tuning", icon=":material/savings:"):
            st.dataframe(
                pd.DataFrame(verdict.trial_rows(comparison.tuning)), hide_index=True, width="stretch", key="trials tried",
                column_config={"success": st.column_config.ProgressColumn("success on training starts", min_value=0, max_value=1, format="percent")},
            )  # fmt: skip
    export.comparison_buttons(comparison)


def bars(comparison: Comparison, key: str) -> None:
    """Shares by minimum and ending, side by side; they wrap where the page is narrow."""
    with st.container(horizontal=True, gap="small"):
        for name, chart in compare_charts.shares(comparison, session.view(BARS, 0)).items():
            with st.container(width=BARS + 102, gap="xxsmall"):
                st.markdown(f"**{tables.safe(name)}**")
                answers.draw(chart, f"Shares of all starts: {name}", key=f"shares {key} {name}")


def transition(comparison: Comparison, key: str) -> NDArray[np.bool_] | None:
    """The matrix between two chosen optimizers; the starts of the clicked cell as flags (n,), or None."""
    names = list(comparison.names)
    with st.container(horizontal=True):
        first = st.selectbox("From", names, key=f"from {key}", width=215, help="Rows: what this one makes of each start.")
        second = st.selectbox("To", names, index=1, key=f"to {key}", width=215, help="Columns: what this one makes of the same start.")
    found = comparison.transition(names.index(first), names.index(second), most=wording.MANY)
    chart = compare_charts.transitions(found, first, second, session.view(400, 300))
    widget = f"matrix {key} {first} {second}"
    answers.draw(chart, f"From {first} to {second}", key=widget, on_select="rerun", selection_mode="cell")
    changed = 1 - np.trace(found.counts) / comparison.count
    st.caption(f"{100 * changed:.1f} % of the starts end differently. Click a cell to ring its starts on the maps.")
    picked = st.session_state.get(widget, {}).get("selection", {}).get("cell")
    if not picked:
        return None
    flags: NDArray[np.bool_] = (found.rows == picked[0].get("row")) & (found.columns == picked[0].get("column"))
    return flags


def small_maps(comparison: Comparison, key: str, marked: NDArray[np.bool_] | None, axes: tuple[int, int]) -> None:
    """Small maps of which start went where, side by side; a click sets the start of the race."""
    view = session.view(MAP_SIZE, MAP_SIZE, axes)
    with st.container(horizontal=True, gap="small"):
        for name, findings in zip(comparison.names, comparison.findings, strict=True):
            with st.container(width=MAP_SIZE + 62, gap="xxsmall"):
                st.markdown(f"**{tables.safe(name)}**")
                _map(findings, view, f"small map {key} {name}", marked)


def _map(findings: Findings, view: charts.View, key: str, marked: NDArray[np.bool_] | None) -> None:
    over = [] if marked is None else [maps.ringed(findings.starts[marked][: charts.MOST_MARKS // 8], findings, view)]
    draw = maps.curve_of_starts if findings.experiment.problem.dimension == 1 else maps.map_of_starts
    chart = draw(findings, view, chosen=None, legend=False, over=over, most=600)
    st.altair_chart(chart, key=key, on_select=_raced(findings, key), selection_mode="pick", width="content")


def _raced(findings: Findings, key: str) -> Callable[[], None]:
    """What a click on a small map does: its start becomes that of the race."""

    def take() -> None:
        picked = st.session_state[key]["selection"].get("pick")
        start = int(picked[0].get("start", 0)) if picked else 0
        if 1 <= start <= findings.count:
            for name, value in zip(findings.experiment.problem.variables, findings.starts[start - 1], strict=True):
                st.session_state[f"race {name}"] = round(float(value), 6)
            st.session_state["race chosen"] = start

    return take
