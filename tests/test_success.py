"""Success: which minima count as deepest, and after how many gradient evaluations a run has succeeded."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, Experiment, Findings, Problem, Starts, Stopping, run
from gdcore.success import EQUALLY_DEEP, deepest_labels, success_of

PLAIN = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.03}, Starts(count=60, seed=3), Stopping(epochs=300))
ONE = run(dataclasses.replace(PLAIN, starts=Starts.at([0.2, -1.6])))


@pytest.fixture(scope="module")
def found() -> Findings:
    return run(PLAIN, target=-6.0)


def at_depths(found: Findings, depths: list[float]) -> Findings:
    return dataclasses.replace(found, minima=tuple(dataclasses.replace(found.minima[0], value=v) for v in depths))


def test_the_deepest_of_peaks_alone_counts(found: Findings) -> None:
    assert deepest_labels(found) == (0,) and deepest_labels(at_depths(found, [])) == ()


@pytest.mark.parametrize("lowest", [-1e6, -1.0, 0.0, 3.0, 1e9])
def test_equally_deep_is_relative_to_the_value(found: Findings, lowest: float) -> None:
    unit = EQUALLY_DEEP * (1 + abs(lowest))
    assert deepest_labels(at_depths(found, [lowest, lowest + 0.9 * unit, lowest + 1.2 * unit])) == (0, 1)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=6))
def test_the_lowest_value_counts_wherever_it_stands(depths: list[float]) -> None:
    bare = at_depths(ONE, depths)
    assert depths.index(min(depths)) in deepest_labels(bare)
    assert all(depths[k] - min(depths) <= 1.1e-8 * 101 for k in deepest_labels(bare))


def test_without_a_target_success_is_settling_in_the_deepest(found: Findings) -> None:
    success, evaluations = success_of(found, None)
    np.testing.assert_array_equal(success, found.labels == 0)
    np.testing.assert_array_equal(evaluations, found.epochs + 1)
    assert 0 < success.sum() < found.count and evaluations.dtype.kind == "i" and success.dtype == bool


def test_with_a_target_success_is_the_first_crossing(found: Findings) -> None:
    success, evaluations = success_of(found, -6.0)
    assert found.hits is not None and 0 < success.sum() < found.count
    np.testing.assert_array_equal(success, found.hits >= 0)
    np.testing.assert_array_equal(evaluations[success], found.hits[success] + 1)
    np.testing.assert_array_equal(evaluations[~success], found.epochs[~success] + 1)
    assert (evaluations[success] < found.epochs[success] + 1).any()


def test_a_start_below_the_target_takes_one_evaluation() -> None:
    success, evaluations = success_of(run(dataclasses.replace(PLAIN, starts=Starts.at([0.2, -1.6])), target=-6.0), -6.0)
    assert success.tolist() == [True] and evaluations.tolist() == [1]


def test_findings_made_without_a_target_are_refused_one() -> None:
    with pytest.raises(ValueError, match="without a target: run the experiment with one"):
        success_of(ONE, -6.0)


def test_a_deeper_minimum_outside_the_box_decides_nothing_while_there_is_one_inside() -> None:
    """A run that jumps out of the box and settles deeper must not make failures of all that stay."""
    slope = Problem.from_text("(x^2 - 1)^2 + x/5", box={"x": (0.2, 2)})
    found = run(Experiment(slope, OPTIMIZERS["gd"], {"lr": 0.02}, Starts.at([[1.5], [-1.5]])))
    assert [m.inside_box for m in found.minima] == [False, True]
    assert deepest_labels(found) == (1,)
    outside = run(Experiment(slope.with_box({"x": (2, 3)}), OPTIMIZERS["gd"], {"lr": 0.02}, Starts.at([[1.5], [-1.5]])))
    assert deepest_labels(outside) == (0,)
