"""What did we find, and what differs?"""

import streamlit as st

from gdui import answers, keeping, session, shelf, side_by_side

session.setup()  # which leads through dashboard.py, should a server be asked for this page first
kept = keeping.store()
if kept is None:
    st.stop()
runs, gone = kept.runs(), kept.runs(deleted=True)
answer = st.container(key="saved-answer")
shelf.tell(kept, gone)
shown = shelf.search(runs)
chosen = shelf.table(shown)
shelf.actions(kept, runs, chosen, gone)
readable = side_by_side.readable(kept, chosen)
with answer:
    answers.say(side_by_side.headline(kept, runs, readable))
if side_by_side.possible(readable):
    side_by_side.show(kept, readable)
elif len(readable) == 1:
    side_by_side.one(kept, readable[0])
