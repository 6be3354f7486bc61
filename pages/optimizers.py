"""Which optimizer finds the deepest minimum more often, and sooner?"""

import streamlit as st

from gdui import answers, compare_charts, contenders, controls, editor, matches, profiles, racing, scripts, session, tables, verdict, views
from gdui.jobs import result_of

setup = session.setup()
starts = controls.starts(setup.problem)
asked = contenders.question(setup, starts)
if asked is None:
    st.stop()
found = result_of("comparison", asked.key, contenders.task(asked))
if found is None:
    st.stop()

answers.say(verdict.headline(found))
st.caption(tables.safe(f"{verdict.soonest(found)} {verdict.fairness(found)} {verdict.computed(found)}"))
session.keep("optimizers tab", views.TABS[0])
success, where, race, profile, own = st.tabs(views.TABS, key="optimizers tab", on_change="rerun")
answers.reproduce(scripts.of_comparison, asked.problem, asked.contenders, asked.starts, asked.stopping, asked.budget, asked.target)
if success.open:
    with success, st.container(horizontal=True, gap="medium"):
        with st.container(width=490):
            st.markdown("**How soon they succeed**")
            answers.draw(compare_charts.ecdf(found, session.view(410, 265)), "How soon they succeed", key=f"ecdf {asked.key}")
        with st.container(width=500):
            st.markdown("**How often, and at what cost**")
            matches.success_table(found)
            matches.details(found)
if where.open:
    with where:
        axes = controls.projection(asked.problem)
        st.markdown("**Shares of all starts by minimum and ending** (line: 95 % interval)")
        matches.bars(found, asked.key)
        with st.container(horizontal=True, gap="medium"):
            with st.container(width=450):
                st.markdown("**From which minimum to which**")
                marked = matches.transition(found, asked.key)
            with st.container(width=540):
                st.markdown("**Which start went where** (click a start to race from it)")
                matches.small_maps(found, asked.key, marked, axes)
if race.open:
    with race:
        racing.race(found, controls.projection(asked.problem))
if profile.open:
    with profile:
        profiles.show(asked)
if own.open:
    with own:
        editor.show(setup)
