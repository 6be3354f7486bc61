"""Barriers and their tree: against the highest point of the lowest path, found by brute force on random graphs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stationary import CASES, Known, rastrigin, reference

from gdcore.arcs import Fate
from gdcore.barriers import barriers
from gdcore.manifolds import Curve, manifolds

PATH = np.zeros((2, 2))


def point(k, value, index):
    kind = ("minimum", "saddle")[index]
    return Known((float(k), 0.0), float(value), kind, index, ((-1.0) ** index, 1.0))


def curve(origin, end, kind="minimum"):
    if end is None:
        return Curve(origin, PATH, Fate.LEFT, None)
    return Curve(origin, PATH, Fate.ARRIVED if kind == "minimum" else Fate.MET, end)


def by_brute_force(values, edges):
    """Floyd's and Warshall's algorithm with the larger of two heights in place of their sum."""
    best = np.full((len(values), len(values)), np.inf)
    np.fill_diagonal(best, values)
    for a, b, level in edges:
        if a != b:
            best[a, b] = best[b, a] = min(best[a, b], level)
    for k in range(len(values)):
        best = np.minimum(best, np.maximum(best[:, k : k + 1], best[k : k + 1]))
    return best


def climb(tree, a, b):
    """The level of the lowest node above both leaves; inf if there is none."""
    above, node = [], a
    while node >= 0:
        above.append(node)
        node = tree.parents[node]
    while b >= 0 and b not in above:
        b = tree.parents[b]
    return tree.levels[b] if b >= 0 else np.inf


def check(tree, found):
    """The tree says the same as the matrix, its branches do not cross, and every node has the place it should."""
    k, n = len(tree.order), len(tree.levels)
    assert sorted(tree.order) == list(range(k)) and (tree.places[tree.order] == np.arange(k)).all()
    for a in range(k):
        for b in range(k):
            assert climb(tree, a, b) == found[a, b]
    leaves = [{i} for i in range(k)]
    for node in range(k, n):
        children = np.flatnonzero(tree.parents == node)
        assert len(children) > 1 and (tree.levels[children] <= tree.levels[node]).all() and (children < node).all()
        leaves.append(set().union(*(leaves[child] for child in children)))
        spots = sorted(tree.places[list(leaves[node])])
        assert spots[-1] - spots[0] == len(spots) - 1
        assert tree.places[node] == (tree.places[children].min() + tree.places[children].max()) / 2


graphs = st.integers(1, 7).flatmap(
    lambda k: st.tuples(
        st.lists(st.floats(-5, 0), min_size=k, max_size=k),
        st.lists(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1), st.integers(1, 12)), max_size=14),
        st.randoms(use_true_random=False),
    )
)


@given(graphs)
def test_barriers_are_the_lowest_highest_points_and_the_order_of_points_is_of_no_account(graph):
    values, edges, random = graph
    k = len(values)
    points = [point(i, value, 0) for i, value in enumerate(values)] + [point(k + i, e[2], 1) for i, e in enumerate(edges)]
    curves = [curve(k + i, end) for i, e in enumerate(edges) for end in e[:2]]
    found = barriers(points, curves)
    np.testing.assert_array_equal(found.levels, by_brute_force(values, edges))
    check(found.tree, found.levels)
    order = list(range(len(points)))
    random.shuffle(order)
    back = {old: new for new, old in enumerate(order)}
    turned = barriers([points[i] for i in order], [curve(back[c.origin], back[c.end]) for c in curves])
    minima = [i for i in order if i < k]
    np.testing.assert_array_equal(turned.levels, found.levels[np.ix_(minima, minima)])
    assert [minima[i] for i in turned.tree.order] == found.tree.order.tolist()
    check(turned.tree, turned.levels)


def test_a_descent_into_a_saddle_goes_on_from_there():
    """Minima 0, 1, 2; saddle 3 joins 0 and 1; a descent of saddle 4 ends in saddle 3, the other in minimum 2."""
    points = [point(i, -3 + i, 0) for i in range(3)] + [point(3, 1, 1), point(4, 2, 1), point(5, 3, 1)]
    curves = [curve(3, 0), curve(3, 1), curve(4, 3, "saddle"), curve(4, 2), curve(5, None), curve(5, 0)]
    found = barriers(points, curves)
    assert found.levels.tolist() == [[-3, 1, 2], [1, -2, 2], [2, 2, -1]]
    assert found.tree.saddles.tolist() == [-1, -1, -1, 3, 4]


def test_heights_climbs_and_escapes():
    points = [point(0, -3, 0), point(1, -1, 0), point(2, 0, 0), point(3, 1, 1)]
    found = barriers(points, [curve(3, 0), curve(3, 1)])
    assert found.climbs()[:2, :2].tolist() == [[0, 4], [2, 0]]
    assert found.heights()[:2, :2].tolist() == [[0, 4], [4, 0]]
    assert found.escapes().tolist() == [4, 2, np.inf]
    assert found.tree.roots.tolist() == [2, 3]


def test_saddles_at_one_level_make_one_node():
    points = [point(i, -i, 0) for i in range(4)] + [point(4 + i, 1, 1) for i in range(3)]
    found = barriers(points, [curve(4 + i, end) for i in range(3) for end in (i, i + 1)])
    assert found.tree.parents.tolist() == [4, 4, 4, 4, -1] and found.tree.order.tolist() == [3, 2, 1, 0]


def test_no_minima_no_tree():
    found = barriers([point(0, 1, 1)], [curve(0, None), curve(0, None)])
    assert found.levels.shape == (0, 0) and found.escapes().shape == (0,) and found.tree.roots.size == 0


def test_the_tree_of_peaks():
    """The two minima beside each other join at 0.4085; the third joins them at 0.7883; the saddle at 3.7 joins none."""
    problem, points = reference("peaks")
    found = barriers(points, manifolds(problem, points).descents)
    low, high = points[4].value, points[3].value
    assert (round(low, 4), round(high, 4)) == (0.4085, 0.7883)
    np.testing.assert_array_equal(found.levels[np.triu_indices(3, 1)], [high, low, high])
    assert found.tree.parents.tolist() == [3, 4, 3, 4, -1]
    assert found.tree.saddles.tolist() == [-1, -1, -1, 4, 3] and found.tree.order.tolist() == [0, 2, 1]


@pytest.mark.parametrize("name", [name for name in CASES if len(CASES[name]["minima"]) > 1])
def test_every_matrix_is_an_ultrametric_above_both_minima(name):
    problem, points = reference(name)
    found = barriers(points, manifolds(problem, points).descents)
    levels = found.levels
    assert (levels == levels.T).all()
    assert (levels[:, :, None] <= np.maximum(levels[:, None, :], levels.T[None])).all()
    assert (found.climbs() >= 0).all() and (found.heights() == found.heights().T).all()
    assert set(levels[np.isfinite(levels)]) <= {p.value for p in points}
    check(found.tree, levels)


def test_all_minima_of_a_lattice_are_joined():
    problem, points = rastrigin()
    found = barriers(points, manifolds(problem, points).descents)
    assert len(found.tree.roots) == 1 and np.isfinite(found.levels).all()
    one = [p for p in points if p.kind == "minimum" and abs(p.point[1]) < 1e-9]
    numbers = {p.point: i for i, p in enumerate(p for p in points if p.kind == "minimum")}
    middle = numbers[min(one, key=lambda p: abs(p.point[0])).point]
    assert found.escapes()[middle] == pytest.approx(20.2505, abs=0.01)  # to x ≈ 0.5025 on an axis
    check(found.tree, found.levels)
