"""Which minimum does each start reach?"""

import streamlit as st

from gdui import (
    answers,
    beside,
    charts,
    controls,
    difference_charts,
    export,
    history,
    maps,
    proofs,
    run_charts,
    scripts,
    session,
    sharing,
    structure_charts,
    tables,
    what_if,
    wording,
)
from gdui.jobs import findings_of

setup = session.setup()
problem = setup.problem
starts = controls.starts(problem)
if starts is None:
    st.stop()
proofs.begin(problem)
found = findings_of(setup.experiment(starts))
proof = proofs.of(problem)
findings = proofs.known(found, proof)
digest = findings.experiment.digest
history.note(found)

answers.say(wording.headline(findings))
carried = proofs.carried(findings, proof)
with st.container(horizontal=True, vertical_alignment="center"):
    st.caption(tables.safe(f"{wording.computed(findings.computed)} {wording.carried(carried, setup.optimizer.name) if carried else ''}"))
    what_if.buttons(found)
sharing.confirm(found)
shift = what_if.moved(findings)
what_if.tell(shift)

with st.container(horizontal=True, gap="medium"):
    with st.container(width=510):
        axes = controls.projection(problem)
        place = st.container()
        bordered = controls.borders(problem)
        only = what_if.only_changed(shift)
        count = controls.trajectories() if problem.dimension > 1 else 0
        view = session.view(440, 440, axes)
        paths = session.recorded(digest, tables.points(findings, count), findings.experiment) if count else []
        chosen = tables.chosen_start(digest, findings)
        run = session.recorded(digest, tables.points_at(findings, chosen), findings.experiment)[0] if chosen else None
        with place:
            st.markdown("**Where each start ends**")
            ringed = bordered and carried is not None and carried.count > 0
            st.caption(what_if.map_caption(shift) if only and shift is not None else tables.map_caption(findings, ringed=ringed))
            over = structure_charts.over_starts(findings, proof.structure, carried, view) if bordered else []
            if only and shift is not None:
                chart = difference_charts.changed_starts(shift, view)
            elif problem.dimension == 1:
                chart = maps.curve_of_starts(findings, view, chosen=run, over=over)
            else:
                chart = maps.map_of_starts(findings, view, paths=paths, chosen=run, over=over)
            answers.draw(chart, key=f"map {digest}", on_select="rerun", selection_mode="pick")
            export.chart_buttons(chart, "map")
    with st.container(width=475):
        small = session.view(370, 85)
        if shift is None:
            st.markdown("**How the runs end**")
            answers.draw(charts.shares(findings, small), key=f"shares {digest}")
        else:
            st.markdown("**What moved against the baseline**")
            answers.draw(difference_charts.moved(shift, small), key=f"moved {digest}")
            what_if.table(shift)
        st.markdown("**The minima**")
        tables.minima(findings)
        st.markdown("**Final values: each step is a minimum**")
        st.altair_chart(charts.waterfall(findings, small), width="content", key=f"waterfall {digest}")
        st.markdown("**Gradient at the end: settled runs lie at the bottom**")
        st.altair_chart(charts.gradient_against_value(findings, small), width="content", key=f"gradient {digest}")

if problem.dimension > 2:
    st.markdown("**End points, one axis per variable**")
    st.altair_chart(charts.parallel_coordinates(findings, session.view(900, 220)), width="content")
if chosen and run:
    st.markdown(f"**Start {chosen:,}:** {tables.safe(wording.run_sentence(run))}")
    with st.container(horizontal=True):
        for quantity in ("f", "|∇f|"):
            st.altair_chart(run_charts.per_epoch(run, 0, session.view(390, 130), quantity), width="content")
    tables.told(proofs.explained(findings.experiment, run, proof, findings.minima))
st.markdown("**All starts**")
tables.starts(findings)
export.frame_buttons(findings)
sharing.code(scripts.of_runs, findings.experiment, proved=findings.certificate is not None)
beside.tell()
