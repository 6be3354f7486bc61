"""What does one run do, step by step?"""

import streamlit as st

from gdcore.starts import Starts
from gdui import answers, beside, controls, proofs, run_charts, scripts, session, stationary, stepping, structure_charts, tables, wording

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
proofs.begin(problem)
trace = session.traced(setup, start)
proof = proofs.of(problem)
certificate, structure, missing = proof.certificate, proof.structure, proofs.missing(problem, proof)

answers.say(wording.run_sentence(trace))
st.markdown(tables.safe(stationary.sentence(certificate, problem.dimension) if certificate else missing))
epoch = stepping.scrub(trace)
axes = controls.projection(problem)
gradient = problem.gradient(trace.path[epoch])
with st.container(horizontal=True, gap="medium"):
    with st.container(width=560):
        shown = stepping.layers(problem)
        marks = stationary.drawn(stationary.marks(certificate)) if shown.points else ()
        st.caption(tables.safe(stationary.click_caption(problem, marks)))
        view = session.view(420, 420, axes)
        under = structure_charts.layers(problem, certificate, structure, marks, shown, view) if certificate else []
        over = structure_charts.numbers(problem, marks, view)
        if problem.dimension == 1:
            chart = run_charts.landscape_curve(problem, trace, epoch, view, under=under, over=over)
        else:
            chart = run_charts.landscape(problem, trace, epoch, -gradient, view, cut, under=under, over=over)
        key = stepping.chart_key(problem, start)
        answers.draw(chart, "The run on the landscape", key=key, on_select=stepping.clicked(problem, key, axes, marks=marks), selection_mode="click")
        st.caption(tables.safe(stationary.map_caption(marks, certificate, problem)))
        st.caption(tables.safe(structure_charts.curves_caption(problem, structure, shown, axes) or missing))
    with st.container(width=430):
        mark = stepping.chosen_mark(problem, key, axes, marks)
        if mark is not None:
            tables.mark_figures(mark, problem, structure)
        run, why, panel = st.tabs(["This run", "Explained", "Structure"])
        with run:
            st.markdown(f"**Epoch {epoch:,} of {len(trace.path) - 1:,}**")
            st.latex(stepping.update_equations(setup))
            st.latex(wording.filled_step(trace, epoch, gradient.tolist(), problem.variables))
            small = session.view(350, 110)
            answers.draw(run_charts.per_epoch(trace, epoch, small, "f"), "f over the epochs")
            answers.draw(run_charts.per_epoch(trace, epoch, small, "|∇f|"), "|∇f| over the epochs")
            st.caption(wording.RECORDED)
        with why:
            answers.tell(proofs.explained(setup.experiment(Starts.at(start)), trace, proof, certificate.minima if certificate else ()), "Explained")
        with panel:
            if structure is not None and len(structure.minima) > 1:
                st.altair_chart(structure_charts.tree(structure, stationary.marks(certificate), session.view(350, 300)), width="content")
            st.caption(tables.safe(missing or stationary.tree_caption(structure, certificate)))
if certificate is not None:
    tables.stationary_points(problem, certificate, structure)
answers.reproduce(scripts.of_one_run, setup.experiment(Starts.at(start)))
beside.tell()
