"""What pages show beyond the experiment: choices that can be told apart."""

import pytest

from gdcore import GALLERY
from gdui import views


@pytest.mark.parametrize("page", views.PAGES)
def test_no_two_choices_share_a_name_or_a_key(page):
    shown = {"vary": "setting lr", "and": "epochs", "against": "setting lr", "compare": "gd;adam;adam (second)"}
    found = views.PAGES[page](GALLERY["hartmann3"] if page == "many_starts" and "hartmann3" in GALLERY else GALLERY["peaks"], lambda name: shown.get(name, ""))
    assert len({choice.name for choice in found}) == len({choice.key for choice in found}) == len(found)
