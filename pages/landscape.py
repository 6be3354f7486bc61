"""What does one run do, step by step?"""

import streamlit as st

from gdui import controls, run_charts, session, stepping, tables, wording

setup = session.setup()
problem = setup.problem
with st.container(horizontal=True, vertical_alignment="bottom"):
    start = controls.one_point(problem, "landscape", stepping.default_start(problem), "Start")
    st.button(
        "Random start", icon=":material/casino:", on_click=stepping.draw_start, args=(problem,), help="Draw a start from the start region."
    )
    cut = stepping.colour_cut(problem)
if start is None:
    st.stop()
trace = session.traced(setup, start)

st.markdown(f"### {tables.safe(wording.run_sentence(trace))}")
epoch = stepping.scrub(trace)
axes = controls.projection(problem)
gradient = problem.gradient(trace.path[epoch])
with st.container(horizontal=True, gap="medium"):
    with st.container(width=560):
        st.caption("Click anywhere on the map to start there. The arrow points down the slope at the chosen epoch.")
        view = session.view(420, 420, axes)
        if problem.dimension == 1:
            chart = run_charts.landscape_curve(problem, trace, epoch, view)
        else:
            chart = run_charts.landscape(problem, trace, epoch, -gradient, view, cut)
        key = stepping.chart_key(problem, start)
        st.altair_chart(
            chart, key=key, on_select=stepping.clicked(problem, key, axes), selection_mode="click", width="content"
        )
    with st.container(width=430):
        st.markdown(f"**Epoch {epoch:,} of {len(trace.path) - 1:,}**")
        st.latex(stepping.update_equations(setup))
        st.latex(wording.filled_step(trace, epoch, gradient.tolist(), problem.variables))
        small = session.view(350, 110)
        st.altair_chart(run_charts.per_epoch(trace, epoch, small, "f"), width="content")
        st.altair_chart(run_charts.per_epoch(trace, epoch, small, "|∇f|"), width="content")
        st.caption(wording.RECORDED)
