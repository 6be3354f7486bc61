"""gdboard: which local minimum does each start reach? Entry point: streamlit run dashboard.py."""

import streamlit as st

from gdui import answers, cluster, meeting, sharing, states, toolbar
from gdui.sidebar import sidebar
from gdui.style import STYLE

st.set_page_config(page_title="gdboard", page_icon=":material/scatter_plot:", layout="wide")
st.html(STYLE)
page = st.navigation(
    [
        st.Page("pages/many_starts.py", title="Many starts", icon=":material/bubble_chart:", default=True),
        st.Page("pages/landscape.py", title="Landscape", icon=":material/landscape:"),
        st.Page("pages/optimizers.py", title="Optimizers", icon=":material/trophy:"),
        st.Page("pages/sensitivity.py", title="Sensitivity", icon=":material/tune:"),
        st.Page("pages/basins.py", title="Basins", icon=":material/map:"),
        st.Page("pages/saved_runs.py", title="Saved runs", icon=":material/bookmarks:"),
        st.Page("pages/theory.py", title="Theory", icon=":material/function:"),
    ],
    position="top",
)
here = page.url_path or "many_starts"
sharing.take(here)
states.arrive(here)
above = toolbar.place()
sidebar()
state = states.current(here)
tools = toolbar.fill(above, state)
answers.begin()
if meeting.on() and state is not None:
    slide = meeting.stage(state.experiment, here)
    with meeting.backstage():
        page.run()
    meeting.show(slide, state.experiment, here)
else:
    sharing.tell(here, state)
    cluster.say()
    page.run()
toolbar.close(tools, state)
