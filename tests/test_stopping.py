"""Stopping rules, and the names of endings."""

import math
from typing import Any

import pytest

from gdcore import Ending, Stopping
from gdcore.stopping import CODE, ENDINGS, LABELS, MOST_EPOCHS


@pytest.mark.parametrize("epochs", [0, -1, MOST_EPOCHS + 1, 1.5, 10.0, None, "10"])
def test_epochs_that_make_no_sense(epochs: Any) -> None:
    with pytest.raises(ValueError, match="whole number from 1 to 1,000,000"):
        Stopping(epochs=epochs)


@pytest.mark.parametrize("tolerance", [-1e-9, math.nan, math.inf])
def test_tolerances_that_make_no_sense(tolerance: float) -> None:
    with pytest.raises(ValueError, match="number of at least 0"):
        Stopping(gradient_tolerance=tolerance)


def test_limits_are_allowed() -> None:
    assert Stopping(1, 0).epochs == 1 and Stopping(MOST_EPOCHS).gradient_tolerance == 1e-6


def test_every_ending_has_its_own_sentence_label_and_code() -> None:
    assert set(LABELS) == set(Ending) and len({ending.value for ending in Ending}) == len(set(LABELS.values())) == len(Ending)
    for ending in Ending:
        assert ending.label and len(ending.label) <= 20 and len(ending.value) > len(ending.label) / 2
        assert ENDINGS[CODE[ending]] is ending
