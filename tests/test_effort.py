"""How much work is asked for."""

import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, Stopping
from gdui import effort, views

USUAL = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"])


@pytest.mark.parametrize("page", views.PAGES)
def test_what_a_page_does_unasked_is_the_usual_work(page):
    assert effort.work(page, USUAL, {}) == pytest.approx(1.0)


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
    assert effort.work(page, experiment, shown) == pytest.approx(times, rel=0.01)
