"""The browser's address bar → the link to what is shown: a reload opens it again, and a copy of it is a link."""

from __future__ import annotations

import streamlit as st

LONGEST = 4_000  # characters: a longer link is left to Share

SCRIPT = """
export default function({ data }) {
  const wanted = '?' + data.query;
  if (window.location.search !== wanted) {
    window.history.replaceState(window.history.state, '', window.location.pathname + wanted);
  }
}
"""


@st.cache_resource
def _component() -> object:
    return st.components.v2.component("gdboard_address", js=SCRIPT)


def mirror(link: str) -> None:
    """Write the query of a link into the address bar, without a step in the browser's history."""
    page, _, query = link.partition("?")
    if 0 < len(query) <= LONGEST:
        mount = _component()
        assert callable(mount)
        with st.container(key="address-bar"):
            mount(key="address", data={"query": query, "page": page}, height=1)
