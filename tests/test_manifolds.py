"""Curves from saddles: closed forms, what they separate, and where they lead."""

import numpy as np
import pytest
from stationary import CASES, known, rastrigin, reference

from gdcore import Problem
from gdcore.arcs import Fate
from gdcore.flow import flow
from gdcore.manifolds import MOST_VERTICES, manifolds
from gdcore.newton import polish

WITH_SADDLES = [name for name in CASES if CASES[name]["saddles"]]


def lengths(problem, path):
    steps = np.diff(path / (problem.highs - problem.lows), axis=0)
    return np.concatenate([[0.0], np.cumsum(np.sqrt((steps**2).sum(axis=1)))])


def inner(problem, path):
    """Indices of a few vertices well inside a path, and the unit tangents there, in box widths."""
    along = lengths(problem, path)
    index = np.flatnonzero((along > 0.15 * along[-1]) & (along < 0.85 * along[-1]))[:: max(1, len(path) // 8)]
    index = index[(index > 0) & (index < len(path) - 1)]
    tangent = (path[index + 1] - path[index - 1]) / (problem.highs - problem.lows)
    return index, tangent / np.sqrt((tangent**2).sum(axis=1, keepdims=True))


def test_the_double_well():
    problem = Problem.from_text("(x^2 - 1)^2 + y^2", box={"x": (-2, 2), "y": (-2, 2)})
    found = manifolds(problem, known(problem, [(-1, 0), (1, 0), (0, 0)]))
    assert [curve.end for curve in found.descents] == [1, 0]
    assert all(np.abs(curve.path[:, 1]).max() < 1e-9 for curve in found.descents)
    assert [curve.fate for curve in found.borders] == [Fate.LEFT, Fate.LEFT]
    assert all(np.abs(curve.path[:, 0]).max() < 1e-9 for curve in found.borders)
    assert [curve.path[-1].tolist() for curve in found.borders] == [[0.0, 2.0], [0.0, -2.0]]


def test_a_rotated_lattice_has_straight_borders():
    """cos(x)·cos(y) has minima, saddles and maxima on a lattice; its borders are the lines x ± y = const through saddles."""
    problem = Problem.from_text("cos(x)*cos(y)", box={"x": (-4, 4), "y": (-4, 4)})
    grid = np.arange(-2, 3) * np.pi / 2
    places = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    places = places[np.abs(problem.gradient(places)).max(axis=1) < 1e-9]
    points = known(problem, places)
    found = manifolds(problem, points)
    assert len(found.borders) == 2 * sum(p.kind == "saddle" for p in points) == 8
    for curve in (*found.descents, *found.borders):
        start, step = np.array(points[curve.origin].point), curve.path - points[curve.origin].point
        assert np.abs(np.abs(step[:, 0]) - np.abs(step[:, 1])).max() < 1e-8, start
    assert all(points[curve.end].kind == "minimum" for curve in found.descents if curve.fate == Fate.ARRIVED)
    assert {curve.fate for curve in found.borders} <= {Fate.ARRIVED, Fate.LEFT}


def test_a_curved_border_in_closed_form():
    """f = (x² - 1)²/4 + y²/2: along the flow dy/dx = y/(x³ - x), so descents and borders are known; turned by an angle."""
    c, s = 0.8, 0.6
    u, v = f"({c}*x + {s}*y)", f"({c}*y - {s}*x)"
    problem = Problem.from_text(f"(({u})^2 - 1)^2/4 + ({v})^2/2", box={"x": (-2, 2), "y": (-2, 2)})
    found = manifolds(problem, known(problem, [(c, s), (-c, -s), (0, 0)]))
    for curve in found.borders:
        assert np.abs(curve.path @ [c, s]).max() < 1e-9
    for curve in found.descents:
        assert np.abs(curve.path @ [-s, c]).max() < 1e-9


@pytest.mark.parametrize("name", WITH_SADDLES)
def test_descents_fall_borders_rise_and_both_begin_and_end_where_they_say(name):
    problem, points = reference(name)
    found = manifolds(problem, points)
    saddles = [k for k, p in enumerate(points) if p.kind == "saddle"]
    assert [c.origin for c in found.descents] == [c.origin for c in found.borders] == np.repeat(saddles, 2).tolist()
    for sign, curve in [(1, c) for c in found.descents] + [(-1, c) for c in found.borders]:
        values = problem.value(curve.path)
        assert (sign * np.diff(values) <= 1e-12 * np.abs(values).max()).all()
        assert len(curve.path) <= MOST_VERTICES and curve.path[0].tolist() == list(points[curve.origin].point)
        if curve.fate == Fate.ARRIVED:
            assert points[curve.end].kind == ("minimum" if sign > 0 else "maximum")
            assert curve.path[-1].tolist() == list(points[curve.end].point)
        if curve.fate == Fate.LEFT:
            edge = np.minimum(curve.path[-1] - problem.lows, problem.highs - curve.path[-1]) / (problem.highs - problem.lows)
            assert abs(edge.min()) < 1e-12
        assert np.diff(lengths(problem, curve.path)).max() < 0.021  # smooth to the eye


@pytest.mark.parametrize("name", WITH_SADDLES)
def test_the_gradient_is_tangent_to_every_curve(name):
    problem, points = reference(name)
    for curve in (c for part in (manifolds(problem, points).descents, manifolds(problem, points).borders) for c in part):
        index, tangent = inner(problem, curve.path)
        gradient = problem.gradient(curve.path[index]) / (problem.highs - problem.lows)
        gradient /= np.sqrt((gradient**2).sum(axis=1, keepdims=True))
        assert np.abs(gradient[:, 0] * tangent[:, 1] - gradient[:, 1] * tangent[:, 0]).max(initial=0) < 0.03


@pytest.mark.parametrize("name", [name for name in WITH_SADDLES if name not in ("NoMin_saddle", "Adjiman", "Trigonometric01")])
def test_borders_keep_two_ends_apart(name):
    """Places 1e-4 box widths on both sides of a border flow to the two ends of its saddle's descents.

    Where another border runs along within that distance, they still flow to different ends.
    """
    problem, points = reference(name)
    found, streams, width = manifolds(problem, points), flow(problem, points), problem.highs - problem.lows
    targets, exact = {}, []
    for curve in found.descents:
        number = int(streams.numbers[curve.end]) if curve.fate == Fate.ARRIVED else -1
        targets.setdefault(curve.origin, []).append(number)
    for curve in found.borders:
        index, tangent = inner(problem, curve.path)
        push = 1e-4 * np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) * width
        sides = np.stack([streams.basins(curve.path[index] + sign * push).labels for sign in (1, -1)], axis=1)
        if len(set(targets[curve.origin])) == 2:
            assert (sides[:, 0] != sides[:, 1]).all()
        exact += [sorted(pair) == sorted(targets[curve.origin]) for pair in sides.tolist()]
    assert np.mean(exact) > (0.5 if name in ("FiveGauss", "Levy03") else 0.85)


def test_a_symmetric_lattice_joins_neighbours_only():
    problem, points = rastrigin()
    found = manifolds(problem, points)
    assert (len(found.descents), len(found.borders)) == (440, 440)
    for curve in found.descents:
        step = np.array(points[curve.end].point) - points[curve.origin].point
        assert points[curve.end].kind == "minimum" and 0.45 < np.abs(step).max() < 0.55 and np.abs(step).min() < 1e-12
    for curve in found.borders:
        if curve.fate == Fate.ARRIVED:
            step = np.array(points[curve.end].point) - points[curve.origin].point
            assert points[curve.end].kind == "maximum" and 0.45 < np.abs(step).max() < 0.55
    assert {curve.fate for curve in found.borders} <= {Fate.ARRIVED, Fate.LEFT}


@pytest.mark.parametrize(("along", "across"), [(1.0, 1.0), (0.1, 1.0), (0.1, 4.0)])
@pytest.mark.parametrize("angle", [0.0, 0.6435, 1.0])
def test_a_descent_along_a_line_of_symmetry_runs_into_the_next_saddle(angle, along, across):
    """The ratio of the eigenvalues there, 1/8, 5/4 and 5, says how fast what rounding puts beside the line grows."""
    c, s = float(np.cos(angle)), float(np.sin(angle))
    u, v = f"({c!r}*x + {s!r}*y)", f"({c!r}*y - {s!r}*x)"
    box = {"x": (-2, 2.5), "y": (-2, 2.5)}
    formula = f"{along}*({u}^2 - 1)^2 + {4 * across**2}*{v}^4 + {across}*{v}^2*(0.5 - {u}^2)"
    problem, share = Problem.from_text(formula, box=box), 1 / (16 * along)
    a = np.sqrt((1 - share / 2) / (1 - share))
    b = np.sqrt((a**2 - 0.5) / (8 * across))
    guesses = [(0, 0), (1, 0), (-1, 0)] + [(k * a, m * b) for k in (1, -1) for m in (1, -1)]
    turn = np.array([[c, s], [-s, c]])
    places = polish(problem, np.array(guesses) @ turn).points
    points = known(problem, places)
    assert [p.kind for p in points] == ["saddle"] * 3 + ["minimum"] * 4
    descents = manifolds(problem, points).descents
    assert [curve.fate for curve in descents[:2]] == [Fate.MET, Fate.MET]
    assert {curve.end for curve in descents[:2]} == {1, 2}
    assert [curve.fate for curve in descents[2:]] == [Fate.ARRIVED] * 4
    assert {curve.end for curve in descents[2:]} == {3, 4, 5, 6}


def test_in_one_dimension_maxima_are_barriers_and_borders():
    problem = Problem.from_text("(x^2 - 1)^2 + 0.3*x", box={"x": (-2, 2)})
    places = [(float(root.real),) for root in np.roots([4, 0, -4, 0.3])]
    points = known(problem, sorted(places))
    found = manifolds(problem, points)
    assert [p.kind for p in points] == ["minimum", "maximum", "minimum"]
    assert sorted(curve.end for curve in found.descents) == [0, 2]
    assert [curve.path.tolist() for curve in found.borders] == [[list(points[1].point)]]


def test_beyond_two_dimensions_there_are_descents_only():
    problem = Problem.from_text("(x^2 - 1)^2 + (y^2 - 1)^2 + (z^2 - 1)^2", box={k: (-2, 2) for k in "xyz"})
    places = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    points = known(problem, places)
    found = manifolds(problem, points)
    assert (len(found.descents), found.borders) == (24, ())
    for curve in found.descents:
        step = np.abs(np.array(points[curve.end].point) - points[curve.origin].point)
        np.testing.assert_allclose(np.sort(step), [0, 0, 1], atol=1e-9)


def test_no_saddles_no_curves():
    problem, points = reference("Booth")
    assert manifolds(problem, points).descents == manifolds(problem, points).borders == ()
