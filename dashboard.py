"""gdboard: which local minimum does each start reach? Entry point: streamlit run dashboard.py."""

import streamlit as st

from gdui import cluster
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
        st.Page("pages/theory.py", title="Theory", icon=":material/function:"),
    ],
    position="top",
)
sidebar()
cluster.say()
page.run()
