"""Nearest points and clusters, against looking at all pairs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import proximity
from gdcore.proximity import Nearest, clusters


@pytest.mark.parametrize("count", [1, 2, 8, 9, 300])
@pytest.mark.parametrize("d", [1, 2, 10])
def test_the_nearest_of_few_and_of_many(count, d):
    rng = np.random.default_rng(count + d)
    points, places = rng.normal(size=(count, d)), rng.normal(size=(100, d))
    index, distance = Nearest(points)(places)
    apart = np.abs(places[:, None] - points).max(axis=2)
    np.testing.assert_array_equal(index, apart.argmin(axis=1))
    np.testing.assert_allclose(distance, apart.min(axis=1), rtol=1e-15)


@pytest.mark.parametrize("d", [1, 2, 3, 10])
@pytest.mark.parametrize("largest", [2**62, 100])
def test_clusters_are_what_pairs_chain_together(d, largest, monkeypatch):
    monkeypatch.setattr(proximity, "LARGEST_KEY", largest)
    rng = np.random.default_rng(d)
    centres = rng.integers(-50, 50, (12, d)) * 1e3
    own = rng.integers(0, 12, 200)
    groups = clusters(centres[own] + rng.uniform(-0.4, 0.4, (200, d)), np.ones(d))
    expected = (centres[own][:, None] == centres[own]).all(axis=2)
    np.testing.assert_array_equal(groups[:, None] == groups, expected)
    assert set(groups) == set(range(groups.max() + 1))


def test_a_chain_is_one_cluster_and_a_gap_ends_it():
    x = np.concatenate([np.arange(0, 10, 0.9), np.arange(20, 25, 0.9)])[:, None]
    assert np.array_equal(clusters(x, np.array([1.0])), (x[:, 0] > 15).astype(int))
    assert len(set(clusters(np.hstack([x, x * 100]), np.array([1.0, 1.0])))) == len(x)
    assert len(set(clusters(np.hstack([x, x * 100]), np.array([1.0, 100.0])))) == 2


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=30), st.randoms())
def test_the_order_of_the_points_does_not_matter(values, random):
    order = list(range(len(values)))
    random.shuffle(order)
    x = np.array(values, dtype=float)[:, None]
    np.testing.assert_array_equal(clusters(x, np.ones(1))[order], clusters(x[order], np.ones(1)))
