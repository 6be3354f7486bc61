"""Planes: every pair as a run of its own, and the boundary against closed forms."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping, run
from gdcore.knobs import Knob
from gdcore.newton import polish
from gdcore.planes import boundary, plane
from gdcore.stopping import CODE, Ending

PEAKS = GALLERY["peaks"]
HEAVY = Experiment(PEAKS, OPTIMIZERS["momentum"], {}, Starts(count=7), Stopping(epochs=400))
RATE, MOMENTUM = Knob("lr", 1e-3, 0.3, log=True), Knob("momentum", 0.0, 0.95)
BOWL = Problem.from_text("2*x^2 + y^2/2", box={"x": (-3, 3), "y": (-3, 3)})


@pytest.mark.parametrize("engine", ["numpy", "auto"])
def test_every_pair_is_a_run_of_its_own(engine: str) -> None:
    found = plane(HEAVY, RATE, MOMENTUM, (0.3, -0.4), columns=4, rows=3, engine=engine)
    assert found.labels.shape == found.codes.shape == found.epochs.shape == (3, 4)
    assert found.x_values == pytest.approx(np.geomspace(1e-3, 0.3, 4)) and found.y_values == pytest.approx([0, 0.475, 0.95])
    for i, beta in enumerate(found.y_values):
        for j, rate in enumerate(found.x_values):
            settings = {"lr": float(rate), "momentum": float(beta)}
            alone = run(dataclasses.replace(HEAVY, settings=settings, starts=Starts.at((0.3, -0.4))), engine="numpy")
            assert (alone.ending_codes[0], alone.epochs[0]) == (found.codes[i, j], found.epochs[i, j])
            if alone.labels[0] < 0:
                assert found.labels[i, j] == -1
            else:
                assert found.minima[found.labels[i, j]].point == pytest.approx(alone.minima[alone.labels[0]].point, abs=1e-8)
    assert len(set(found.labels.ravel().tolist())) > 1 and sum(m.count for m in found.minima) == (found.labels >= 0).sum()


def test_swapping_the_sides_transposes() -> None:
    one = plane(HEAVY, RATE, MOMENTUM, (0.3, -0.4), columns=5, rows=3)
    other = plane(HEAVY, MOMENTUM, RATE, (0.3, -0.4), columns=3, rows=5)
    np.testing.assert_array_equal(one.labels, other.labels.T)
    np.testing.assert_array_equal(one.epochs, other.epochs.T)
    point = PEAKS.minima[0]
    across, along = boundary(HEAVY, RATE, MOMENTUM, point, columns=5, rows=3), boundary(HEAVY, MOMENTUM, RATE, point, columns=3, rows=5)
    np.testing.assert_allclose(across, along.T, rtol=1e-12)


def test_the_boundary_of_momentum_is_polyaks() -> None:
    """Stable up to lr = 2 (1 + beta)/λmax (B. T. Polyak 1964), and the radius of every pair from the roots of its quadratic."""
    point = polish(PEAKS, np.array([PEAKS.minima[0]])).points[0]
    eigenvalues = np.linalg.eigvalsh(PEAKS.hessian(point))
    radius = boundary(HEAVY, RATE, MOMENTUM, point, columns=40, rows=20)
    rate, beta = np.meshgrid(RATE.at(np.linspace(0, 1, 40)), MOMENTUM.at(np.linspace(0, 1, 20)))
    np.testing.assert_array_equal(radius < 1, rate < 2 * (1 + beta) / eigenvalues[-1])
    assert (radius < 1).any() and (radius > 1).any()
    half = (1 + beta[..., None] - rate[..., None] * eigenvalues) / 2
    root = np.sqrt(half**2 - beta[..., None] + 0j)
    wanted = np.maximum(np.abs(half + root), np.abs(half - root)).max(axis=-1)
    np.testing.assert_allclose(radius, wanted, rtol=1e-7)


def test_runs_settle_in_a_bowl_where_the_boundary_says_so() -> None:
    experiment = dataclasses.replace(HEAVY, problem=BOWL, stopping=Stopping(epochs=4000))
    sides = Knob("lr", 0.05, 1.2), Knob("momentum", 0.0, 0.8)
    found, radius = plane(experiment, *sides, (1.0, 2.0), columns=12, rows=9), boundary(experiment, *sides, (0.0, 0.0), columns=12, rows=9)
    clear = np.abs(radius - 1) > 0.01
    np.testing.assert_array_equal((found.labels == 0)[clear], (radius < 1)[clear])
    assert (found.codes[radius > 1.01] != CODE[Ending.MINIMUM]).all() and clear.sum() > 100


def test_where_no_rate_exists_the_boundary_claims_nothing() -> None:
    adam = dataclasses.replace(HEAVY, optimizer=OPTIMIZERS["adam"], settings={})
    assert np.isnan(boundary(adam, RATE, Knob("beta1", 0, 0.9), PEAKS.minima[0], columns=3, rows=3)).all()


def test_other_settings_are_the_experiments() -> None:
    adam = Experiment(PEAKS, OPTIMIZERS["adam"], {"beta2": 0.5}, stopping=Stopping(epochs=200))
    sides = Knob("lr", 0.01, 0.2), Knob("beta1", 0.0, 0.9)
    plain = dataclasses.replace(adam, settings={})
    assert (plane(adam, *sides, (1, 1), columns=3, rows=3).epochs != plane(plain, *sides, (1, 1), columns=3, rows=3).epochs).any()


def test_progress_is_told_and_may_cancel() -> None:
    told: list[tuple[int, int, int]] = []
    plane(HEAVY, RATE, MOMENTUM, (0.3, -0.4), columns=3, rows=2, on_progress=lambda *figures: told.append(figures))
    assert told and told[-1][1] == 400

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plane(HEAVY, RATE, MOMENTUM, (0.3, -0.4), columns=3, rows=2, on_progress=stop)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: plane(HEAVY, RATE, RATE, (0, 0)), "both sides of the plane are 'lr'"),
        (lambda: plane(HEAVY, RATE, Knob("x", 0, 1), (0, 0)), "no setting 'x'"),
        (lambda: plane(HEAVY, RATE, Knob("momentum", 0, 3), (0, 0)), "is 3"),
        (lambda: plane(HEAVY, RATE, Knob("momentum", -1, 0.5), (0, 0)), "is -1"),
        (lambda: plane(HEAVY, RATE, MOMENTUM, [(0, 0), (1, 1)]), r"not \(2, 2\)"),
        (lambda: plane(HEAVY, RATE, MOMENTUM, (0, 0, 0)), "3 numbers"),
        (lambda: plane(HEAVY, RATE, MOMENTUM, (0, 0), columns=1), "1 by 64"),
        (lambda: plane(dataclasses.replace(HEAVY, settings={"lr": "0.1/t"}), RATE, MOMENTUM, (0, 0)), "changes with t"),
        (lambda: boundary(HEAVY, RATE, RATE, (0, 0)), "both sides"),
        (lambda: boundary(HEAVY, RATE, MOMENTUM, (0, 0), rows=0), "64 by 0"),
        (lambda: boundary(dataclasses.replace(HEAVY, settings={"momentum": "0.5/t"}), RATE, MOMENTUM, (0, 0)), "changes with t"),
        (lambda: boundary(HEAVY, RATE, Knob("momentum", 0, math.pi), (0, 0)), "is 3.14"),
    ],
)
def test_refused_at_the_door(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says) as error:
        call()
    assert len(str(error.value)) <= 160
