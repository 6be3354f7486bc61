"""What the page Sensitivity shows of a sweep: charts over one value, or a heat map of two."""

from __future__ import annotations

import altair as alt
import streamlit as st

from gdcore.planes import offered
from gdui import answers, export, pair_charts, planing, sensitivity_charts, session, sweep_words, sweeping, tables
from gdui.sweeping import Swept

LEFT, RIGHT = 535, 455  # pixels of the two columns


def of_one(found: Swept) -> None:
    """Stacked shares over the value, and beside them the deepest minimum, the epochs, the stable rates and what happens on the way."""
    sweep, rates = found.sweep, found.rates
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=LEFT):
            st.markdown(f"**What becomes of the starts**{sweep_words.click_hint(sweep)}")
            key = f"sweep {sweep.experiment.digest} {sweep.x}"
            chart = sensitivity_charts.stacked(sweep, rates, session.view(455, 300))
            answers.draw(chart, "What becomes of the starts", key=key, on_select=sweeping.clicked(key, sweep), selection_mode="click")
            _downloads(chart, found)
            answers.tell(sweep_words.events(sweep, rates), "What happens on the way")
        with st.container(width=RIGHT):
            small = session.view(360, 110)
            if sweep.deepest.any():
                st.markdown("**The deepest minimum** (band: 95 % interval)")
                answers.draw(sensitivity_charts.success(sweep, small), "The deepest minimum")
            if sensitivity_charts.has_epochs(sweep):
                st.markdown("**Epochs until settled** (median; band: quartiles)")
                answers.draw(sensitivity_charts.epochs(sweep, small), "Epochs until settled")
            if sensitivity_charts.has_curves(rates):
                st.markdown("**Largest stable rate of each minimum** (dotted: the rate in force)")
                answers.draw(sensitivity_charts.stable_curves(sweep, rates, small), "Largest stable rate of each minimum")


def of_two(found: Swept) -> None:
    """The heat map of two values; beside it, where both are settings, one start under all pairs."""
    sweep, rates = found.sweep, found.rates
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=LEFT):
            st.markdown("**All starts under all pairs**")
            what = sweeping.shown(sweep)
            key = f"heat {what} {sweep.experiment.digest} {sweep.x} {sweep.y}"
            chart = pair_charts.heat(sweep, rates, what, session.view(380, 330))
            answers.draw(chart, "All starts under all pairs", key=key, on_select=sweeping.clicked(key, sweep), selection_mode="click")
            _downloads(chart, found)
            st.caption(tables.safe(sweep_words.heat_caption(sweep, rates)))
        if offered(sweep) and not found.coarse:
            with st.container(width=RIGHT):
                planing.show(sweep)


def _downloads(chart: alt.LayerChart, found: Swept) -> None:
    """The chart, the numbers behind it, and the experiment that they belong to."""
    experiment = found.sweep.experiment
    with st.container(horizontal=True):
        export.chart_buttons(chart, "sweep")
        export.frame_button(f"gdboard-sweep-{experiment.digest}", found.sweep.to_frame, "One row per value: starts by minimum and ending, epochs, and where each minimum is.")
        export.experiment_button(experiment)
