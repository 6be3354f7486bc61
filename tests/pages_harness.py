"""Streamlit's own test harness, told of st.navigation, and what tests of pages do again and again."""

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


def settle(app):
    """Runs the script until a background run has finished."""
    for _ in range(40):
        assert not app.exception
        if any(m.value.startswith("### ") for m in app.markdown):
            return app
        app.run()
    raise AssertionError("the run did not finish")
