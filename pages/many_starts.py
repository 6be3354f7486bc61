"""Which minimum does each start reach?"""

import streamlit as st

from gdui import answers, beside, controls, export, history, proofs, scripts, session, sharing, starting, tables, what_if, wording
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
history.note(found)

answers.say(wording.headline(findings))
carried = proofs.carried(findings, proof)
with st.container(horizontal=True, vertical_alignment="center"):
    st.caption(tables.safe(f"{wording.computed(findings.computed)} {wording.carried(carried, setup.optimizer.name) if carried else ''}"))
    what_if.buttons(found)
sharing.confirm(found)
shift = what_if.moved(findings)
what_if.tell(shift)

shown = starting.Shown(findings, proof, carried, shift)
with st.container(horizontal=True, gap="medium"):
    with st.container(width=starting.LEFT):
        chosen = starting.where(shown)
    with st.container(width=starting.RIGHT):
        starting.endings(shown)
starting.coordinates(findings)
answers.offer(starting.report_of(shown))
if chosen:
    starting.one_start(shown, chosen)
st.markdown("**All starts**")
tables.starts(findings)
export.frame_buttons(findings)
answers.reproduce(scripts.of_runs, findings.experiment, proved=findings.certificate is not None)
beside.tell()
