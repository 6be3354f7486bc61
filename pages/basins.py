"""Where do the borders run?"""

import streamlit as st

from gdui import answers, basin_charts, basin_panels, basin_words, beside, controls, mapping, proofs, scripts, session, tables, wording

setup = session.setup()
problem, experiment = setup.problem, mapping.plain(setup)
proofs.begin(problem)
proof = proofs.of(problem)
with st.container(horizontal=True, vertical_alignment="bottom"):
    axes = controls.projection(problem)
    asked = mapping.frame(problem, axes, proof)
    other, said = mapping.compared(experiment, proof.certificate.minima if proof.certificate else session.surveyed_minima(setup))
answer = st.container()
found = mapping.mapped(experiment, asked, proof.certificate)
if found is None:
    st.stop()
run = mapping.chosen_run(setup, asked)
on = mapping.points(setup, found.map, proof.certificate)
with answer:
    answers.say(basin_words.headline(found.map, whole=asked.whole))
    st.caption(tables.safe(basin_words.basis(found.map, coarse=found.coarse)))

with st.container(horizontal=True, gap="medium"):
    with st.container(width=535):
        st.markdown("**Which minimum each place reaches**")
        st.caption(tables.safe(basin_words.map_caption(on)))
        key = f"{asked.stem} map {experiment.digest} {asked.window}"
        chart = basin_charts.chart(found.map, basin_charts.picture(found.map), on, session.view(450, 450), run=run)
        answers.draw(chart, "Which minimum each place reaches", key=key, on_select=mapping.clicked(key, asked), selection_mode=["click", "zoom"])
        basin_panels.downloads(chart, found.map)
    with st.container(width=455):
        if run is not None:
            st.markdown(tables.safe(wording.run_sentence(run)))
            tables.told(proofs.explained(experiment, run, proof, found.map.minima))
        st.markdown("**Whose the area is**")
        basin_panels.areas(found.map)
        st.markdown("**What the borders are like**")
        basin_panels.measures(found.map)
        pushes = [] if found.coarse else mapping.pushes(experiment, found.map.minima)
        if pushes:
            st.markdown("**The smallest push out of each minimum**")
            tables.told([basin_words.pushed(k, found.map.minima[k], push, found.map.minima) for k, push in pushes])
if other is not None and not found.coarse:
    second = mapping.second(other, asked, proof.certificate)
    if second is not None:
        basin_panels.split(found.map, second, said, on)
answers.reproduce(scripts.of_map, experiment, asked.window, found.map.columns, found.map.rows, proved=proof.certificate is not None)
beside.tell()
