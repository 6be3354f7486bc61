"""The smallest push: closed forms, the flow's border, and a search of every place on a fine grid."""

import math
from dataclasses import replace

import numpy as np
import pytest
from stationary import known

from gdcore import GALLERY, OPTIMIZERS, Ending, Experiment, Problem, Starts, Stopping, run
from gdcore.experiment import run_from
from gdcore.flow import flow
from gdcore.pushes import RUNS, smallest_push

PEAKS = GALLERY["peaks"]


def descent(problem, rate, epochs=1000):
    return Experiment(problem, OPTIMIZERS["gd"], {"lr": rate}, Starts(count=200), Stopping(epochs))


def minimum_at(experiment, place):
    return min(run(experiment).minima, key=lambda minimum: math.dist(minimum.point, place))


def pushed(experiment, place, **options):
    return smallest_push(experiment, minimum_at(experiment, place), **options)


def rotated(d):
    """Two wells at ±n with a flat border between them, n a direction by chance; and n."""
    n = np.random.default_rng(d).standard_normal(d)
    n /= np.linalg.norm(n)
    names = [f"x{k}" for k in range(d)]
    along = "+".join(f"({c:.17g})*{name}" for c, name in zip(n, names, strict=True))
    formula = f"(({along})^2 - 1)^2 + {'+'.join(f'{name}^2' for name in names)} - ({along})^2"
    return Problem.from_text(formula, box={name: (-2, 2) for name in names}), n


def test_in_one_variable_the_border_is_at_0():
    problem = Problem.from_text("x^4/4 - x^2/2", box={"x": (-2, 2)})
    for side in (-1, 1):
        push = pushed(descent(problem, 0.05), (side,))
        assert push.distance == pytest.approx(1, rel=1e-4) and push.point[0] == pytest.approx(0, abs=1e-4) and push.rays == 2
        assert push.bracket < 1e-4 and side * push.inside[0] > 0 and push.reach == 3


def test_a_tilted_double_well_in_one_variable():
    """The border is the middle root of 4 x³ - 4 x + 0.3, and the other well is reached beyond it."""
    problem = Problem.from_text("(x^2-1)^2 + 0.3*x", box={"x": (-2, 2)})
    low, ridge, high = np.sort(np.roots([4, 0, -4, 0.3]).real)
    push = pushed(descent(problem, 0.02, 3000), (high,))
    assert push.distance == pytest.approx(high - ridge, rel=1e-4)
    assert push.ending == Ending.MINIMUM and push.minimum.point[0] == pytest.approx(low)


def test_a_tilted_double_well_against_the_flow():
    """In two variables the gradient flow comes back from every place that is nearer, and no longer from just beyond."""
    problem = Problem.from_text("(x^2-1)^2 + 0.3*x + (y - 0.4*x^2)^2", box={"x": (-2, 2), "y": (-2, 2)})
    points = known(problem, [(x, 0.4 * x**2) for x in np.roots([4, 0, -4, 0.3]).real])
    start = np.array(max(point.point for point in points))
    push = pushed(descent(problem, 0.005, 2000), start, rays=64)
    angle = np.linspace(0, 2 * np.pi, 240)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * np.array([0.7, 0.9, 0.98, 0.997])[:, None, None] * push.distance
    basins = flow(problem, points).basins
    home = basins(start).labels
    assert (basins(start + ring).labels == home).all() and basins(np.array(push.inside)).labels == home
    assert basins(start + 1.003 * (push.point - start)).labels not in (home, -1)


@pytest.mark.parametrize("which", [0, 2])
def test_on_peaks_no_place_of_a_fine_grid_is_nearer(which):
    experiment, place = descent(PEAKS, 0.01, 400), np.array(PEAKS.minima[which])
    push = pushed(experiment, place, rays=64)
    axis = np.linspace(-1.1, 1.1, 141) * push.distance
    places = place + np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    distance = np.linalg.norm(places - place, axis=1)
    ring = (distance > 0.7 * push.distance) & (distance < 1.1 * push.distance)
    found = run_from(experiment, places[ring])
    own = int(np.argmin([math.dist(m.point, place) for m in found.minima]))
    nearest = distance[ring][found.labels != own].min()
    assert 0.985 * nearest < push.distance < 1.0005 * nearest


@pytest.mark.parametrize("d", [2, 7])
def test_a_flat_border_in_any_direction(d):
    problem, n = rotated(d)
    push = pushed(descent(problem, 0.05, 300), n, rays=128)
    assert 1 - 1e-9 <= push.distance < 1.001 and np.linalg.norm(push.point) < 0.05


@pytest.mark.parametrize("d", [2, 4])
def test_a_border_that_is_curved_and_nearer_in_one_place(d):
    """f = log(r²) outside a ball about c is defined nowhere inside: the nearest place of the ball is at |c| - r from 0."""
    c = np.array([0.9, 0.5, -0.3, 0.2])[:d]
    names = [f"x{k}" for k in range(d)]
    ball = "+".join(f"({name} - ({value}))^2" for name, value in zip(names, c, strict=True))
    problem = Problem.from_text(f"{'+'.join(f'{name}^2' for name in names)} + 0*sqrt({ball} - 0.25)", box={name: (-2, 2) for name in names})
    push = pushed(descent(problem, 0.05), np.zeros(d), rays=128)
    assert push.distance == pytest.approx(np.linalg.norm(c) - 0.5, rel=2e-3)
    assert push.ending == Ending.UNDEFINED and push.minimum is None


def test_what_is_told_is_what_runs_do():
    experiment = replace(descent(PEAKS, 0.06), optimizer=OPTIMIZERS["momentum"], settings={"lr": 0.01})
    start = minimum_at(experiment, PEAKS.minima[0])
    push = smallest_push(experiment, start, rays=64)
    found = run_from(experiment, np.array([push.point, push.inside]))
    assert math.dist(push.point, start.point) == pytest.approx(push.distance)
    assert math.dist(push.inside, start.point) == pytest.approx(push.distance - push.bracket)
    assert push.bracket <= 1e-4 * push.distance
    assert math.dist(found.minima[found.labels[1]].point, start.point) < 1e-5 and found.endings[0] == push.ending
    assert (push.minimum is None) == (found.labels[0] < 0)
    if push.minimum is not None:
        assert math.dist(found.minima[found.labels[0]].point, push.minimum.point) < 1e-5


def test_where_every_start_comes_back_the_distance_is_infinite():
    push = pushed(descent(Problem.from_text("x^2 + 2*y^2"), 0.1), (0, 0))
    assert push.distance == math.inf and push.ending is None and push.minimum is None
    assert np.isnan([*push.point, *push.inside, push.bracket]).all() and push.reach == pytest.approx(3 * math.sqrt(2))


def test_at_an_unstable_rate_the_least_push_is_enough():
    push = pushed(descent(Problem.from_text("x^2 + 2*y^2"), 0.6), (0, 0))
    assert 0 < push.distance < 0.01 and push.ending == Ending.DIVERGED


def test_a_push_is_the_same_again_and_seeds_agree_about_it():
    problem, n = rotated(3)
    experiment = descent(problem, 0.05)
    one, again, other = (pushed(experiment, n, seed=seed, rays=32) for seed in (1, 1, 2))
    assert one == again and one.point != other.point and one.rays == 32
    assert one.distance == pytest.approx(other.distance, rel=2e-3)


def test_progress_goes_forward_and_can_cancel():
    heard = []
    pushed(descent(PEAKS, 0.01, 100), PEAKS.minima[0], rays=16, on_progress=lambda *numbers: heard.append(numbers))
    done = [numbers[0] for numbers in heard]
    assert done == sorted(done) and all(total == RUNS * 100 >= now for now, total, _ in heard)

    def stop(*_):
        raise InterruptedError

    with pytest.raises(InterruptedError):
        pushed(descent(PEAKS, 0.01), PEAKS.minima[0], on_progress=stop)


def test_what_is_no_minimum_of_the_experiment_is_refused():
    experiment = descent(PEAKS, 0.01)
    minimum = minimum_at(experiment, PEAKS.minima[0])
    with pytest.raises(ValueError, match="does not stay there"):
        smallest_push(experiment, replace(minimum, point=(1.0, 1.0)))
    for rays in (1, 2.0, 100_000):
        with pytest.raises(ValueError, match="rays are not possible"):
            smallest_push(experiment, minimum, rays=rays)
