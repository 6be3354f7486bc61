"""Labels → counts, medians and an order that does not hang on rounding."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, Ending, Experiment, Starts
from gdcore.batches import Work, outcomes
from gdcore.experiment import run
from gdcore.findings import _by_label, findings_of
from gdcore.merging import deepest_first
from gdcore.outcomes import Outcomes


@given(st.lists(st.tuples(st.integers(-1, 5), st.integers(0, 10**6)), min_size=1, max_size=60), st.integers(6, 9))
def test_counts_and_medians_of_each_label(rows, many):
    labels, epochs = np.array(rows, dtype=np.int64).T
    counts, medians = _by_label(labels, epochs, many)
    for k in range(many):
        own = epochs[labels == k]
        assert counts[k] == own.size
        assert medians[k] == np.median(own) if own.size else np.isnan(medians[k])


def place(value, *point):
    return SimpleNamespace(value=value, point=point)


def test_equal_depths_are_ordered_by_place_whatever_the_last_digits_say():
    noisy = [place(1 + 1e-15, -4e-42, 2.0), place(1.0, 0.0, -2.0), place(0.5, 1.0, 1.0), place(1.0, 2.0, 3.0)]
    clean = [place(1.0, 0.0, 2.0), place(1 + 1e-15, 3e-57, -2.0), place(0.5, 1.0, 1.0), place(1.0, 2.0 - 1e-15, 3.0)]
    assert deepest_first(noisy) == deepest_first(clean) == [2, 1, 0, 3]
    assert deepest_first([]) == []


@pytest.mark.parametrize("key", ["rastrigin", "himmelblau", "peaks"])
def test_permuted_starts_have_permuted_findings(key):
    experiment = Experiment(GALLERY[key], OPTIMIZERS["gd"], {"lr": GALLERY[key].rate}, Starts(count=3000, seed=2))
    work = Work(experiment)
    points = work.points()
    whole = outcomes(work, points)
    order = np.random.default_rng(0).permutation(len(points))
    arrays = (whole.ends, whole.values, whole.gradient_norms, whole.epochs, whole.codes)
    shuffled = Outcomes(*(array[order] for array in arrays))
    first, other = findings_of(experiment, points, whole), findings_of(experiment, points[order], shuffled)
    np.testing.assert_array_equal(first.labels[order], other.labels)
    np.testing.assert_array_equal(first.ending_codes[order], other.ending_codes)
    facts = [[(m.count, m.median_epochs if m.count else None, m.inside_box) for m in f.minima if m.count] for f in (first, other)]
    assert facts[0] == facts[1] and len(facts[0]) >= 3


def test_counting_does_not_change_with_the_number_of_minima_or_starts():
    found = findings_of(*_many_minima())
    assert sum(m.count for m in found.minima) == found.ending_counts()[Ending.MINIMUM] == found.count
    assert len([m for m in found.minima if m.count]) == 121
    for k in (0, 60, 120):
        own = found.labels == k
        assert own.sum() == found.minima[k].count and np.median(found.epochs[own]) == found.minima[k].median_epochs


def _many_minima():
    problem = GALLERY["rastrigin"]
    known = np.array([[x, y] for x in range(-5, 6) for y in range(-5, 6)], dtype=float)
    from gdcore.newton import polish

    rng = np.random.default_rng(0)
    points = polish(problem, known).points[rng.integers(0, 121, 5000)]
    ends = points + rng.normal(size=points.shape) * 1e-7
    nothing = np.zeros(5000)
    codes = np.full(5000, list(Ending).index(Ending.FLAT), np.int8)
    experiment = Experiment(problem, OPTIMIZERS["gd"], starts=Starts(count=5000))
    return experiment, points, Outcomes(ends, nothing, nothing, rng.integers(0, 900, 5000), codes)


def test_a_fingerprint_names_endings_and_the_minima_that_were_reached():
    found = run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.02}, Starts(count=200)))
    first = found.fingerprint
    assert len(first) == 16 and int(first, 16) >= 0
    unlisted = replace(found.minima[0], point=(0.0, 0.0), count=0)
    later = replace(found, minima=(unlisted, *found.minima), labels=np.where(found.labels < 0, -1, found.labels + 1))
    assert later.fingerprint == first  # a minimum that nobody reached has been put in front
    settled = np.flatnonzero(found.labels >= 0)
    other, moved = found.labels.copy(), found.ending_codes.copy()
    other[settled[0]] = 1 - min(other[settled[0]], 1)
    moved[settled[0]] += 1
    assert replace(found, labels=other).fingerprint != first and replace(found, ending_codes=moved).fingerprint != first
    assert run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.02}, Starts(count=200)), engine="numpy").fingerprint == first
