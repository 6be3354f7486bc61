"""Carried over a border: closed forms, and landscapes where nobody or many are."""

from dataclasses import replace

import numpy as np
import pytest
from stationary import known

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping, run
from gdcore.certify import certify
from gdcore.crossings import crossings, numbering, same_points
from gdcore.shares import wilson
from gdcore.structure import structure

WELLS = Problem.from_text("(x^2 - 1)^2 + y^2", box={"x": (-2, 2), "y": (-2, 2)})
WELL_POINTS = known(WELLS, [(-1, 0), (1, 0), (0, 0)])


@pytest.fixture(scope="module")
def peaks():
    return structure(GALLERY["peaks"], certify(GALLERY["peaks"]).points)


@pytest.fixture(scope="module")
def wells():
    return structure(WELLS, WELL_POINTS)


def findings(problem, optimizer, rate, starts, epochs=1000):
    return run(Experiment(problem, OPTIMIZERS[optimizer], {"lr": rate}, starts, Stopping(epochs)))


def by_hand(x, rate):
    """Where plain descent on (x² - 1)² ends: the sign of x, or 0 where it does not settle."""
    for _ in range(20_000):
        x = x - rate * 4 * x * (x**2 - 1)
    return np.where(np.abs(np.abs(x) - 1) < 1e-6, np.sign(x), 0)


@pytest.mark.parametrize("rate", [0.01, 0.16, 0.2, 0.22])
def test_the_carried_are_those_whose_sign_changes(wells, rate):
    x = np.linspace(-1.7, 1.7, 77)[np.arange(77) != 38]
    starts = np.stack([x, np.linspace(-0.5, 0.5, x.size)], axis=1)
    found = findings(WELLS, "gd", rate, Starts.at(starts), 5000)
    here = crossings(found, wells)
    end = by_hand(x, rate)
    assert here.carried.tolist() == ((end != 0) & (end != np.sign(x))).tolist()
    assert here.compared == (end != 0).sum() and here.undecided == (end == 0).sum()
    assert (here.count > 0) == (rate > 0.1)


def test_the_share_is_that_of_those_compared_with_its_interval(wells):
    x = np.array([-1.7, -1.4, -0.5, 0.5, 1.4, 0.0])  # the last flows nowhere
    here = crossings(findings(WELLS, "gd", 0.2, Starts.at(np.stack([x, 0 * x + 0.1], axis=1))), wells)
    assert here.undecided == 1 and here.compared == 5 and not here.carried[-1] and here.flow[-1] == -1
    assert here.share == here.count / 5 and here.interval == wilson(here.count, 5)
    assert 0 < here.count < 5


@pytest.mark.parametrize("turn", [1, -1])
def test_minima_are_matched_by_place_not_by_number(wells, turn):
    """Both minima are equally deep: whatever order either list has, a gentle descent carries nobody."""
    found = findings(WELLS, "gd", 0.02, Starts(count=300))
    turned = structure(WELLS, WELL_POINTS[::turn])
    here = crossings(found, turned)
    assert here.compared == 300 and here.count == 0
    assert (here.flow == found.labels).all() and set(here.flow) == {0, 1}
    places = [m.point for m in found.minima]
    np.testing.assert_allclose([places[k] for k in numbering(turned, places)], [turned.points[k].point for k in turned.minima])


def test_a_minimum_that_only_the_structure_knows_is_another_one(wells):
    found = findings(WELLS, "gd", 0.02, Starts.at([[-0.5, 0.0], [0.5, 0.0]]))
    alone = [k for k, m in enumerate(found.minima) if m.point[0] > 0]
    labels = np.where(found.labels == alone[0], 0, -1)
    fewer = replace(found, minima=(found.minima[alone[0]],), labels=labels)
    here = crossings(fewer, wells)
    assert here.flow.tolist() == [-1, 0] and here.carried.tolist() == [False, False] and here.compared == 1
    moved = crossings(replace(fewer, labels=np.array([0, 0])), wells)
    assert moved.carried.tolist() == [True, False] and moved.compared == 2


def test_nobody_is_carried_at_a_tiny_rate_and_many_where_momentum_is_large(peaks):
    gentle = crossings(findings(GALLERY["peaks"], "gd", 0.001, Starts(count=400), 20_000), peaks)
    assert gentle.share <= 0.002 and gentle.compared > 300
    wild = crossings(findings(GALLERY["peaks"], "momentum", 0.03, Starts(count=400)), peaks)
    assert wild.share > 0.04 and wild.compared > 250
    steep = crossings(findings(GALLERY["peaks"], "gd", 0.06, Starts(count=1000)), peaks)
    assert 0 < steep.share < 0.02
    for here in (gentle, wild, steep):
        assert here.compared + here.undecided == len(here.starts) == here.total
        assert here.interval[0] <= here.share <= here.interval[1]


def test_labels_are_those_of_the_structure(peaks):
    found = findings(GALLERY["peaks"], "gd", 0.06, Starts(count=500))
    here, labels = crossings(found, peaks), peaks.basins(found.starts).labels
    assert (here.flow == labels).all()  # both lists are deepest first
    both = (labels >= 0) & (found.labels >= 0)
    assert (here.carried == (both & (labels != found.labels))).all() and here.compared == both.sum()


def test_of_very_many_starts_an_evenly_spaced_sample_is_taken(peaks):
    found = findings(GALLERY["peaks"], "momentum", 0.03, Starts(count=10_000), 300)
    here = crossings(found, peaks)
    gaps = np.diff(here.starts)
    assert len(here.starts) == 4096 and here.starts[0] == 0 and here.starts[-1] == 9999 and set(gaps) <= {2, 3}
    assert len(here.carried) == len(here.flow) == 4096 and here.total == 10_000
    whole = crossings(found, peaks, most=10_000)
    assert (whole.starts == np.arange(10_000)).all()
    assert (whole.carried[here.starts] == here.carried).all() and (whole.flow[here.starts] == here.flow).all()


def test_starts_outside_the_box_count_as_any_other(wells):
    here = crossings(findings(WELLS, "gd", 0.005, Starts.at([[-2.5, 0.5], [2.8, -0.5]]), 5000), wells)
    assert here.compared == 2 and here.count == 0


def test_where_nothing_can_be_compared_there_is_no_share(wells):
    here = crossings(findings(WELLS, "gd", 0.02, Starts.at([[0.0, 0.3], [0.0, 0.5]])), wells)
    assert here.compared == 0 and here.undecided == 2 and np.isnan(here.share) and here.interval == (0.0, 1.0)
    nothing = structure(WELLS, [])
    assert crossings(findings(WELLS, "gd", 0.02, Starts(count=5)), nothing).undecided == 5


@pytest.mark.parametrize("d", [1, 3])
def test_other_dimensions(d):
    problem = Problem.from_text("+".join(f"(x{k}^2 - 1)^2" for k in range(d)), box={f"x{k}": (-2, 2) for k in range(d)})
    corners = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * d, indexing="ij"), axis=-1).reshape(-1, d)
    starts = np.random.default_rng(d).uniform(-1.7, 1.7, (60, d))
    found = findings(problem, "gd", 0.2, Starts.at(starts), 5000)
    here, ends = crossings(found, structure(problem, known(problem, corners))), by_hand(starts, 0.2)
    settled = (ends != 0).all(axis=1)
    assert here.carried.tolist() == (settled & (ends != np.sign(starts)).any(axis=1)).tolist() and here.count > 0


def test_points_are_the_same_within_a_millionth_of_the_box():
    near, far = (1 + 3e-6, 0.0), (1 + 5e-6, 0.0)  # the box is 4 wide
    assert same_points(WELLS, [near, far], [(-1, 0), (1, 0)]).tolist() == [1, -1]
    assert same_points(WELLS, [near], []).tolist() == [-1] and same_points(WELLS, [], [near]).tolist() == []


def test_another_problem_is_refused(wells):
    with pytest.raises(ValueError, match="another problem"):
        crossings(findings(GALLERY["peaks"], "gd", 0.01, Starts(count=3)), wells)
