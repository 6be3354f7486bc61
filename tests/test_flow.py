"""Where the gradient flow takes a place: closed forms, and a reference integrator on the plain flow."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from stationary import known, rastrigin, reference

from gdcore import Problem
from gdcore.arcs import SENTENCES, Fate
from gdcore.flow import flow

DOUBLE_WELL = Problem.from_text("(x^2 - 1)^2 + y^2", box={"x": (-2, 2), "y": (-2, 2)})
WELLS = known(DOUBLE_WELL, [(-1, 0), (1, 0), (0, 0)])


def by_reference(problem, minima, place):
    """The number of the minimum that scipy's integrator comes to, in time, without any normalisation; -1 where that is none of them,
    None where it is still on its way after a very long time: far away, peaks has gradients of 1e-20."""
    width = problem.highs - problem.lows

    def left(_, x):
        return float(0.5 + np.minimum((x - problem.lows) / width, (problem.highs - x) / width).min())

    def near(_, x):
        return float(np.abs((minima - x) / width).max(axis=1).min() - 1e-4)

    left.terminal = near.terminal = True
    done = solve_ivp(
        lambda _, x: -problem.gradient(x), (0, 1e9), place, method="LSODA", rtol=1e-10, atol=1e-12, events=(left, near)
    )
    if done.status == 0 and np.linalg.eigvalsh(problem.hessian(done.y[:, -1])).min() < 1e-3:
        return None
    distance = np.abs((minima - done.y[:, -1]) / width).max(axis=1)
    return int(distance.argmin()) if distance.min() < 2e-4 else -1


def test_the_side_of_the_ridge_decides():
    places = np.random.default_rng(0).uniform(-2, 2, (500, 2))
    basins = flow(DOUBLE_WELL, WELLS).basins(places)
    assert basins.labels.tolist() == (places[:, 0] > 0).astype(int).tolist()
    assert (basins.fates == Fate.ARRIVED).all()


def test_the_ridge_itself_is_undecided_and_so_is_the_saddle():
    places = np.array([[0.0, 1.5], [0.0, -0.3], [0.0, 0.0], [1e-3, 1.5]])
    basins = flow(DOUBLE_WELL, WELLS).basins(places)
    assert basins.labels.tolist() == [-1, -1, -1, 1]
    assert basins.fates.tolist() == [Fate.UNDECIDED] * 3 + [Fate.ARRIVED]


@pytest.mark.parametrize("offset", [1e-2, 1e-3, 1e-4, 1e-5])
def test_labels_are_right_down_to_the_resolution_stated(offset):
    """Starts this far beside the border x = 0, at any place along it."""
    straight = Problem.from_text("(x^2 - 1)^2 + 3*y^2 + 0.5*x^2*y^2", box={"x": (-3, 3), "y": (-3, 3)})
    y = np.linspace(-2.9, 2.9, 30)
    basins = flow(straight, known(straight, [(-1, 0), (1, 0), (0, 0)]))
    assert (basins.basins(np.stack([np.full(30, -offset), y], axis=1)).labels == 0).all()
    assert (basins.basins(np.stack([np.full(30, offset), y], axis=1)).labels == 1).all()


@pytest.mark.parametrize(
    "name", ["peaks", "SixHumpCamel", "Branin02", "MullerBrown", "Bird", "Mishra05", "WayburnSeader02", "Easom", "AtanValley"]
)
def test_labels_are_those_of_a_reference_integrator(name):
    problem, points = reference(name)
    places = np.random.default_rng(3).uniform(problem.lows, problem.highs, (25, 2))
    basins = flow(problem, points).basins(places)
    minima = np.array([p.point for p in points if p.kind == "minimum"])
    expected = [by_reference(problem, minima, place) for place in places]
    assert expected.count(None) <= (10 if name in ("peaks", "Easom") else 0)
    assert [label for label, other in zip(basins.labels, expected, strict=True) if other is not None] == [
        other for other in expected if other is not None
    ]


def test_a_whole_lattice_of_minima():
    problem, points = rastrigin()
    minima = np.array([p.point for p in points if p.kind == "minimum"])
    maxima = np.unique([p.point[0] for p in points if p.kind == "maximum"])
    assert (len(minima), len(points)) == (121, 441)
    places = np.random.default_rng(4).uniform(-5.2, 5.2, (2000, 2))
    cells = np.searchsorted(maxima, places)  # the function is a sum: the borders are straight lines through the maxima
    basins = flow(problem, points).basins(places)
    expected = np.searchsorted(maxima, minima) @ [1, 100]
    assert (expected[basins.labels] == cells @ [1, 100]).all()


def test_beyond_two_dimensions_and_in_one():
    for d in (1, 3, 5):
        problem = Problem.from_text("+".join(f"(x{k}^2 - 1)^2" for k in range(d)), box={f"x{k}": (-2, 2) for k in range(d)})
        corners = np.stack(np.meshgrid(*[[-1.0, 1.0]] * d, indexing="ij"), axis=-1).reshape(-1, d)
        places = np.random.default_rng(d).uniform(-2, 2, (200, d))
        basins = flow(problem, known(problem, corners)).basins(places)
        assert (corners[basins.labels] == np.sign(places)).all()


def test_what_leaves_what_has_no_value_and_what_is_flat_are_told_apart():
    slope = Problem.from_text("x + y^2", box={"x": (-1, 1), "y": (-1, 1)})
    assert flow(slope, ()).basins([[0.5, 0.5]]).fates.tolist() == [Fate.LEFT]
    root = Problem.from_text("sqrt(x) + y^2", box={"x": (-1, 1), "y": (-1, 1)})
    assert flow(root, ()).basins([[0.5, 0.1], [-0.5, 0.0]]).fates.tolist() == [Fate.DOMAIN, Fate.DOMAIN]
    log = Problem.from_text("x^2 + y - log(3 - x - y)", box={"x": (0, 4), "y": (0, 4)})  # its gradient exists everywhere
    assert flow(log, ()).basins([[3.5, 3.5]]).fates.tolist() == [Fate.DOMAIN]
    flat = Problem.from_text("max(0, x)^2 + 0*y", box={"x": (-1, 1), "y": (-1, 1)})
    assert flow(flat, ()).basins([[-0.5, 0.1]]).fates.tolist() == [Fate.UNDECIDED]


def test_along_a_kink_nothing_is_decided_and_it_takes_no_long_time():
    pyramid = Problem.from_text("abs(x) + abs(y)", box={"x": (-2, 2), "y": (-2, 2)})
    assert flow(pyramid, ()).basins([[1.0, 0.3], [-0.2, 1.5]]).fates.tolist() == [Fate.UNDECIDED] * 2


def test_a_minimum_that_is_not_named_is_not_claimed_for_another():
    basins = flow(DOUBLE_WELL, WELLS[1:]).basins([[-0.7, 0.4], [0.7, 0.4]])
    assert basins.labels.tolist() == [-1, 0] and basins.fates.tolist() == [Fate.UNDECIDED, Fate.ARRIVED]


def test_the_flow_may_leave_the_box_and_come_back():
    bent = Problem.from_text("(x + 1)^2/20 + (y - x^2 + 1)^2", box={"x": (-1.5, 1.5), "y": (-0.5, 1.5)})
    minimum = known(bent, [(-1, 0)])
    basins = flow(bent, minimum).basins([[1.2, 0.4], [-1.2, 1.0]])  # the valley's floor is at y = -1 where x = 0
    assert basins.labels.tolist() == [0, 0]
    lower = bent.with_box({"x": (-1.5, 1.5), "y": (-0.1, 1.5)})
    assert flow(lower, minimum).basins([[1.2, 0.4]]).fates.tolist() == [Fate.LEFT]


def test_the_places_given_stay_as_they_are():
    place = np.array([[0.5, 0.5]])
    flow(DOUBLE_WELL, WELLS).basins(place)
    assert place.tolist() == [[0.5, 0.5]]


def test_a_place_alone_is_treated_like_one_of_many():
    problem, points = reference("peaks")
    streams = flow(problem, points)
    places = np.random.default_rng(5).uniform(-3, 3, (6, 5, 2))
    basins = streams.basins(places)
    assert basins.labels.shape == basins.fates.shape == (6, 5)
    assert basins.labels[2, 3] == streams.basins(places[2, 3]).labels
    shuffled = np.random.default_rng(6).permutation(30)
    assert (streams.basins(places.reshape(-1, 2)[shuffled]).labels == basins.labels.reshape(-1)[shuffled]).all()


def test_the_order_of_the_minima_numbers_them():
    problem, points = reference("peaks")
    places = np.random.default_rng(7).uniform(-3, 3, (300, 2))
    labels = flow(problem, points).basins(places).labels
    turned = flow(problem, points[::-1]).basins(places).labels
    assert (np.where(labels < 0, -1, 2 - labels) == turned).all()


def test_every_fate_has_a_sentence():
    assert set(SENTENCES) == set(Fate)
