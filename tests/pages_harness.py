"""Streamlit's own test harness, told of st.navigation, and what tests of pages do again and again."""

import time

import pytest
import streamlit.testing.v1.app_test as harness
from streamlit.testing.v1 import AppTest


class NavigationPages(harness.PagesManager):
    """The harness forgets st.navigation on its second run when a folder named pages/ exists; this keeps it."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        NavigationPages.uses_pages_directory = False


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setattr(harness, "PagesManager", NavigationPages)
    monkeypatch.delenv("GDBOARD_SCHEDULER", raising=False)
    from gdui import beside  # pytest loads this module before it captures anything: the import would be heard

    beside.warm().set()  # the harness runs no fragment by itself, and the first proof of a server waits for one
    opened = AppTest.from_file("../dashboard.py", default_timeout=60).run()
    assert not opened.exception
    return opened  # the dashboard, opened on its first page


def plain(text):
    """A sentence without the backslashes that keep Markdown off it."""
    return text.replace("\\", "").replace("\u00a0", " ")


def headline(app):
    """The answer of the page, as read."""
    return plain(next(m.value[4:] for m in app.markdown if m.value.startswith("### ")))


def page(app, name):
    app.switch_page(f"pages/{name}.py").run()
    assert not app.exception
    return app


def told(app):
    """All that the page says outside of captions."""
    return plain(" ".join(m.value for m in app.markdown))


def answered(app, first=""):
    """Whether the page has an answer, and not only the first, coarse one, which it calls so in a caption."""
    return any(m.value.startswith("### ") for m in app.markdown) and not (first and any(first in c.value for c in app.caption))


def wait_for(app, wanted):
    """Runs the script until what is wanted of it holds."""
    for _ in range(200):
        assert not app.exception
        if wanted(app):
            return app
        time.sleep(0.05)
        app.run(timeout=30)
    raise AssertionError("what was waited for did not come")


def settle(app):
    """Runs the script until a background run has finished."""
    return wait_for(app, answered)
