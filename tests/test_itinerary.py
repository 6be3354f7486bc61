"""Paths through basins whose borders are known, thinned and not."""

import numpy as np
import pytest
from stationary import known

import gdcore.itinerary as module
from gdcore import GALLERY, Problem
from gdcore.arcs import Fate
from gdcore.certify import certify
from gdcore.flow import flow
from gdcore.itinerary import UNDECIDED, UNKNOWN, itinerary
from gdcore.structure import structure

WELLS = Problem.from_text("(x^2 - 1)^2 + y^2", box={"x": (-2, 2), "y": (-2, 2)})
STREAMS = flow(WELLS, known(WELLS, [(-1, 0), (1, 0), (0, 0)]))
LEFT = -1 - Fate.LEFT


def path(x, y=1.5):
    x = np.asarray(x, dtype=float)
    return np.stack([x, np.full(x.size, y)], axis=1)


@pytest.fixture
def followed(monkeypatch):
    """How many positions had their flow followed."""
    counts, own = [], module._follow
    monkeypatch.setattr(module, "_follow", lambda f, p, codes, which: (counts.append(which.size), own(f, p, codes, which)))
    return counts


def test_codes_are_the_labels_of_the_structure():
    problem = GALLERY["peaks"]
    whole = structure(problem, certify(problem).points)
    places = np.random.default_rng(0).uniform(-5, 5, (600, 2))
    here, basins = itinerary(flow(problem, whole.points), places), whole.basins(places)
    assert here.looked_at == 600
    assert (np.where(here.codes >= 0, here.codes, -1) == basins.labels).all()
    assert (here.codes[here.codes < 0] == -1 - basins.fates[here.codes < 0]).all()
    assert set(here.codes) >= {0, 1, 2, LEFT}


def test_changes_are_where_the_sign_changes():
    x = np.random.default_rng(1).uniform(-1.9, 1.9, 300)
    here = itinerary(STREAMS, path(x))
    assert here.changes.tolist() == (np.flatnonzero(np.diff(x > 0)) + 1).tolist()
    assert [here.before(k) for k in here.changes] == (x[here.changes - 1] > 0).astype(int).tolist()


def test_a_position_on_the_border_belongs_to_the_basin_before_it():
    here = itinerary(STREAMS, path([0.0, 0.0, -0.4, 0.0, -0.4, 0.0, 0.3, 0.0, 0.0]))
    assert here.codes.tolist() == [UNDECIDED, UNDECIDED, 0, UNDECIDED, 0, UNDECIDED, 1, UNDECIDED, UNDECIDED]
    assert here.changes.tolist() == [6] and here.before(6) == 0


def test_what_is_far_away_leaves_and_what_has_no_numbers_is_undecided(followed):
    here = itinerary(STREAMS, path([-0.4, 5.0, 1e200, np.inf, np.nan]))
    assert here.codes.tolist() == [0, LEFT, LEFT, UNDECIDED, UNDECIDED]
    assert here.changes.tolist() == [1] and sum(followed) <= 1


def test_far_outside_the_domain_nothing_leaves():
    root = Problem.from_text("(sqrt(x) - 1)^2", box={"x": (0, 4)})
    here = itinerary(flow(root, known(root, [(1,)])), np.array([[0.8], [-9.0], [9.0]]))
    assert here.codes.tolist() == [0, -1 - Fate.DOMAIN, LEFT]


@pytest.mark.parametrize("at", [[700], [1, 99_000], [12_345, 60_000, 60_001 + 20_000], []])
def test_changes_of_a_long_path_are_found_to_the_epoch(followed, at):
    side = np.where(np.searchsorted(np.array(at), np.arange(100_000), side="right") % 2, 1.0, -1.0)
    here = itinerary(STREAMS, path(0.1 * side))
    assert here.changes.tolist() == at and here.looked_at == sum(followed) < 900
    assert (here.codes[here.codes != UNKNOWN] == (side > 0)[here.codes != UNKNOWN]).all()


def test_where_there_are_more_changes_than_can_be_looked_for_the_first_and_the_last_are_exact(followed):
    n = 100_000
    side = np.random.default_rng(2).choice([-1.0, 1.0], n)
    side[:5000], side[-5000:] = 1.0, -1.0
    side[5000], side[-5001] = -1.0, 1.0
    here = itinerary(STREAMS, path(0.1 * side), most=90)
    assert here.changes[0] <= 20_000 and (side[here.changes - 1] != side[here.changes]).all()
    assert here.changes[-1] == n - 5000 or side[here.changes[-1] - 1] != side[here.changes[-1]]
    assert here.looked_at == sum(followed) <= 90 + 40 and len(here.changes) >= 2
    few = itinerary(STREAMS, path(0.1 * np.where(np.arange(n) // 11_111 % 2, 1.0, -1.0)), most=60)
    assert few.changes[0] == 11_111 and few.changes[-1] == 99_999


def test_what_lies_in_the_region_of_a_minimum_costs_nothing(followed):
    here = itinerary(STREAMS, path(np.full(50_000, 1.01), 0.01))
    assert here.looked_at == 50_000 and sum(followed) == 0 and (here.codes == 1).all()


def test_one_position_and_no_stationary_points():
    assert itinerary(STREAMS, path([0.4])).changes.size == 0
    nowhere = itinerary(flow(WELLS, ()), path([0.4, -0.4]))
    assert (nowhere.codes == UNDECIDED).all() and nowhere.changes.size == 0
