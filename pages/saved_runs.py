"""What did we find, and what differs?"""

import streamlit as st

from gdui import answers, keeping, shelf, side_by_side

kept = keeping.store()
if kept is None:
    st.stop()
runs = kept.runs()
answer = st.container()
shelf.tell(kept)
shown = shelf.search(runs)
chosen = shelf.table(shown)
shelf.actions(kept, chosen)
with answer:
    answers.say(side_by_side.headline(kept, runs, chosen))
if side_by_side.possible(chosen):
    side_by_side.show(kept, chosen)
elif len(chosen) == 1:
    side_by_side.one(kept, chosen[0])
