"""What changes when this number changes?"""

import streamlit as st

from gdui import (
    beside,
    controls,
    proofs,
    ranking,
    responding,
    sensitivity_charts,
    session,
    sweep_words,
    sweeping,
    tables,
)

setup = session.setup()
problem = setup.problem
starts = controls.starts(problem)
chosen = sweeping.ranges(setup.experiment(starts)) if starts is not None else None
if starts is None or chosen is None:
    st.stop()
proofs.begin(problem)
proof = proofs.of(problem)
answer = st.container()
found = sweeping.swept(setup.experiment(starts), *chosen, proof.certificate)
if found is None:
    st.stop()
sweep, rates = found.sweep, found.rates
with answer:
    st.markdown(f"### {tables.safe(sweep_words.headline(sweep, rates))}")
    st.caption(tables.safe(sweep_words.basis(sweep, coarse=found.coarse)))

key = f"sweep {sweep.experiment.digest} {sweep.x} {sweep.y}"
with st.container(horizontal=True, gap="medium"):
    with st.container(width=535):
        if sweep.y is None:
            st.markdown("**What becomes of the starts** (click a value to make it the current one)")
            chart = sensitivity_charts.stacked(sweep, rates, session.view(455, 300))
            st.altair_chart(chart, key=key, on_select=sweeping.clicked(key, sweep), selection_mode="click", width="content")
        else:
            what = sweeping.shown(sweep)
            chart = sensitivity_charts.heat(sweep, rates, what, session.view(400, 360))
            st.altair_chart(chart, key=f"{key} {what}", on_select=sweeping.clicked(f"{key} {what}", sweep), selection_mode="click", width="content")
            st.caption(tables.safe(sweep_words.heat_caption(sweep, rates)))
    with st.container(width=455):
        if sweep.y is None:
            small = session.view(360, 110)
            st.markdown("**The deepest minimum** (band: 95 % interval)")
            st.altair_chart(sensitivity_charts.success(sweep, small), width="content")
            st.markdown("**Epochs until settled** (median; band: quartiles)")
            st.altair_chart(sensitivity_charts.epochs(sweep, small), width="content")
            if sensitivity_charts.has_curves(rates):
                st.markdown("**Largest stable rate of each minimum** (dotted: the rate in force)")
                st.altair_chart(sensitivity_charts.stable_curves(sweep, rates, small), width="content")
        tables.told(sweep_words.events(sweep, rates))
responding.show(problem, sweep.minima)
if not found.coarse:
    ranking.show(sweep.experiment)
beside.tell()
