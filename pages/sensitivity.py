"""What changes when this number changes?"""

import streamlit as st

from gdui import answers, beside, controls, panels, proofs, ranking, responding, scripts, session, sweep_words, sweeping, tables

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
with answer:
    answers.say(sweep_words.headline(found.sweep, found.rates))
    st.caption(tables.safe(sweep_words.basis(found.sweep, coarse=found.coarse)))

if found.sweep.y is None:
    panels.of_one(found)
else:
    panels.of_two(found)
responding.show(problem, found.sweep.minima)
if not found.coarse:
    ranking.show(found.sweep.experiment)
answers.reproduce(scripts.of_sweep, found.sweep.experiment, *chosen, proved=proof.certificate is not None)
beside.tell()
