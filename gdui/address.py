"""The browser's address bar → the link to what is shown: a reload opens it again, and a copy of it is a link."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from urllib.parse import parse_qsl

import streamlit as st

from gdui import in_browser

LONGEST = 4_000  # characters: a longer link is left to Share
MOST = 10_000  # links that a server remembers
TOLD = ("result", "by")  # what a link says of findings, and does not ask for

SCRIPT = """
export default function({ data }) {
  const wanted = data.query ? '?' + data.query : '';
  if (window.location.search !== wanted) {
    window.history.replaceState(window.history.state, '', window.location.pathname + wanted);
  }
}
"""


@st.cache_resource
def _shown() -> OrderedDict[str, None]:
    """What pages of this server have answered lately: opening it again asks for no work that nobody wanted."""
    return OrderedDict()


def mirror(page: str, link: str) -> None:
    """Write the query of a link into the address bar, without a step in the browser's history; none where it is too long."""
    query = link.partition("?")[2]
    query = query if len(query) <= LONGEST else ""
    _note(_key(page, dict(parse_qsl(query, keep_blank_values=True))))
    in_browser.run("address", SCRIPT, {"query": query, "page": page})


def known(page: str, query: Mapping[str, str]) -> bool:
    """Whether a page of this server has answered just this before."""
    return _key(page, query) in _shown()


def _key(page: str, query: Mapping[str, str]) -> str:
    return repr((page, sorted((name, text) for name, text in query.items() if name not in TOLD)))


def _note(key: str) -> None:
    shown = _shown()
    shown[key] = None
    shown.move_to_end(key)
    while len(shown) > MOST:
        shown.popitem(last=False)
