"""Steps so small that they follow the flow: against the flow itself, and where there is no such step."""

from dataclasses import replace

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping, certify, run
from gdcore.basins import Window, basin_map
from gdcore.crossings import same_points
from gdcore.flow import flow
from gdcore.small_step import LONGEST, small_step


def minima_of(experiment):
    return run(experiment).minima


def differing(name, optimizer, n):
    """How many of n × n pixels settle elsewhere than the gradient flow does, and how many can be compared."""
    problem = GALLERY[name]
    experiment = Experiment(problem, OPTIMIZERS[optimizer], {}, Starts(count=200), Stopping(300))
    found = basin_map(small_step(experiment, minima=minima_of(experiment)), Window.of(problem), n, n)
    points = certify(problem).points
    exact = flow(problem, points)
    labels = exact.basins(found.starts()).labels
    place = {int(number): points[k].point for k, number in enumerate(exact.numbers) if number >= 0}
    number = same_points(problem, [place[k] for k in sorted(place)], [m.point for m in found.minima])
    both = (labels >= 0) & (found.labels >= 0)
    return int((both & (np.append(number, -1)[labels] != found.labels)).sum()), int(both.sum())


@pytest.mark.parametrize(("name", "optimizer", "least"), [("peaks", "gd", 0.5), ("himmelblau", "adam", 1.0)])
def test_small_steps_reach_the_minimum_of_the_flow(name, optimizer, least):
    wrong, compared = differing(name, optimizer, 64)
    assert wrong <= 2 and compared >= least * 64**2


def test_the_rate_is_small_where_the_landscape_is_most_curved():
    """f'' = 12 x² - 4 is 44 at the ends of the box and 8 in both minima; where a minimum is narrower still, it decides."""
    wells = Problem.from_text("(x^2 - 1)^2", box={"x": (-2, 2)})
    experiment = Experiment(wells, OPTIMIZERS["momentum"], {"lr": 0.01}, stopping=Stopping(7))
    small = small_step(experiment, minima=minima_of(experiment))
    assert small.optimizer == OPTIMIZERS["gd"] and small.settings["lr"] == pytest.approx(0.05 / 44, rel=0.01)
    assert small.problem == wells and small.starts == experiment.starts
    narrow = [replace(minimum, eigenvalues=(3000.0,)) for minimum in minima_of(experiment)]
    assert small_step(experiment, minima=narrow).settings["lr"] == pytest.approx(0.05 * 2 / 3000)


def test_there_is_time_to_settle_and_for_what_descent_itself_had_time():
    bowl = Problem.from_text("x^2/2 + 5*y^2", box={"x": (-1, 1), "y": (-1, 1)})
    short, long = (Experiment(bowl, OPTIMIZERS["gd"], {"lr": 0.1}, stopping=Stopping(epochs)) for epochs in (1, 3000))
    small = small_step(short, minima=minima_of(short))
    assert (run(small).labels == 0).all()
    longer = small_step(long, minima=minima_of(long))
    assert longer.stopping.epochs * longer.settings["lr"] >= 300 > small.stopping.epochs * small.settings["lr"]
    assert small_step(long, minima=minima_of(long), longest=50).stopping.epochs == 50


def test_in_a_narrow_valley_the_epochs_are_limited():
    experiment = Experiment(GALLERY["rosenbrock"], OPTIMIZERS["gd"], {"lr": 0.001})
    assert small_step(experiment, minima=minima_of(experiment)).stopping.epochs == LONGEST


def test_without_minima_the_curvature_of_the_box_decides():
    saddle = Problem.from_text("x^2 - 2*y^2", box={"x": (-1, 1), "y": (-1, 1)})
    small = small_step(Experiment(saddle, OPTIMIZERS["gd"], {"lr": 0.1}), minima=())
    assert small.settings["lr"] == pytest.approx(0.05 / 4) and small.stopping.epochs == LONGEST


@pytest.mark.parametrize(("formula", "words"), [("x + y", "no curvature"), ("1e9*x^2 + y^2", "smaller box")])
def test_where_no_rate_is_small_that_is_said(formula, words):
    problem = Problem.from_text(formula, box={"x": (-1, 1), "y": (-1, 1)})
    with pytest.raises(ValueError, match=words) as refused:
        small_step(Experiment(problem, OPTIMIZERS["gd"], {"lr": 0.1}), minima=())
    assert len(str(refused.value)) <= 160
