"""A script of ours in the browser's page, run anew whenever its data change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st


@st.cache_resource
def _component(name: str, script: str) -> Any:
    return st.components.v2.component(f"gdboard_{name}", js=script)


def run(name: str, script: str, data: Mapping[str, Any] | None = None, *, key: str = "") -> None:
    """Run the script, a module that exports a function of { data }; key: where one page runs it more than once. It takes no room."""
    with st.container(key=f"script-{name}"):
        _component(name, script)(key=f"script {name} {key}", data=dict(data or {}), height=1)
