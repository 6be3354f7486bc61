"""What pages show, as texts: written and read again, and how much work a link asks for."""

import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, Stopping
from gdui import views

USUAL = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"])


def choices(page, problem, shown):
    return {choice.name: choice for choice in views.PAGES[page](problem, lambda name: shown.get(name, ""))}


@pytest.mark.parametrize("page", views.PAGES)
def test_no_two_choices_share_a_name_or_a_key(page):
    shown = {"vary": "setting lr", "and": "epochs", "against": "setting lr", "compare": "gd;adam;adam (second)"}
    found = views.PAGES[page](GALLERY["hartmann3"] if page == "many_starts" and "hartmann3" in GALLERY else GALLERY["peaks"], lambda name: shown.get(name, ""))
    assert len({choice.name for choice in found}) == len({choice.key for choice in found}) == len(found)


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (views.NUMBERS, 0.1, "0.1"), (views.NUMBERS, -3.0, "-3"), (views.FLAGS, True, "yes"), (views.FLAGS, False, "no"),
        (views.NAMES, ["gd", "adam (second)"], "gd;adam (second)"), (views._ranges(2), [(-1.0, 2.5), (0.0, 1e-9)], "-1.0..2.5;0.0..1e-09"),
        (views._whole(0, 200), 30, "30"), (views._option("a", "b"), "b", "b"),
    ],
)  # fmt: skip
def test_forms_write_what_they_read(form, value, text):
    assert form.write(value) == text and form.read(text) == value


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (views.NUMBERS, "nan"), (views.NUMBERS, "1_0"), (views.NUMBERS, ""), (views.FLAGS, "true"), (views._ranges(1), "1..0"),
        (views._ranges(2), "0..1"), (views._whole(0, 200), "201"), (views._whole(0, 200), "x"), (views._option("a"), "b"), (views.TEXT, "x" * 201),
    ],
)  # fmt: skip
def test_forms_refuse_what_makes_no_sense(form, text):
    with pytest.raises((ValueError, KeyError)):
        form.read(text)


@pytest.mark.parametrize("page", views.PAGES)
def test_what_a_page_does_unasked_is_the_usual_work(page):
    assert views.work(page, USUAL, {}) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("page", "experiment", "shown", "times"),
    [
        ("many_starts", Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], starts=Starts(count=2000), stopping=Stopping(5000)), {}, 10),
        ("sensitivity", USUAL, {"vary": "setting lr", "x.values": "120"}, 2),
        ("sensitivity", USUAL, {"vary": "setting lr", "and": "epochs", "x.values": "48", "y.values": "24"}, 2),
        ("sensitivity", USUAL, {"x.values": "nonsense"}, 1),
        ("basins", USUAL, {"pixels": "1024"}, 4),
        ("optimizers", USUAL, {"compare": "gd;adam;momentum;nadam;yogi;lion"}, 2),
        ("landscape", Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], stopping=Stopping(3000)), {}, 3),
    ],
)
def test_work_is_told_as_a_multiple_of_the_usual(page, experiment, shown, times):
    assert views.work(page, experiment, shown) == pytest.approx(times, rel=0.01)
