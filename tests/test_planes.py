"""Planes of two settings: the sweep of one start, every pair a run of its own, and the boundary against closed forms."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping, run
from gdcore.newton import polish
from gdcore.planes import boundary, offered, on_boundary
from gdcore.quantities import Range
from gdcore.sensitivity import Sweep, sweep
from gdcore.stopping import CODE, ENDINGS, Ending

PEAKS = GALLERY["peaks"]
HEAVY = Experiment(PEAKS, OPTIMIZERS["momentum"], {}, Starts.at((0.3, -0.4)), Stopping(epochs=400))
BOWL = Problem.from_text("2*x^2 + y^2/2", box={"x": (-3, 3), "y": (-3, 3)})


def rates(count: int, low: float = 1e-3, high: float = 0.3, log: bool = True) -> Range:
    return Range("setting lr", low, high, count, log)


def momenta(count: int, high: float = 0.95, name: str = "momentum") -> Range:
    return Range(f"setting {name}", 0.0, high, count)


def of(experiment: Experiment, x: Range, y: Range, engine: str = "auto") -> Sweep:
    return sweep(experiment, x, y, engine=engine)


@pytest.mark.parametrize("engine", ["numpy", "auto"])
def test_every_pair_is_a_run_of_its_own(engine: str) -> None:
    found = of(HEAVY, rates(4), momenta(3), engine)
    assert found.count == 1 and found.x_values == pytest.approx(np.geomspace(1e-3, 0.3, 4)) and found.y_values == pytest.approx([0, 0.475, 0.95])
    for entry in range(12):
        values = found.at(entry)
        settings = {"lr": values["setting lr"], "momentum": values["setting momentum"]}
        alone = run(dataclasses.replace(HEAVY, settings=settings), engine="numpy")
        assert found.ended[entry].nonzero()[0].tolist() == [alone.ending_codes[0]]
        if alone.labels[0] < 0:
            assert not found.reached[entry].any() and np.isnan(found.epochs[entry]).all()
        else:
            (number,) = found.reached[entry].nonzero()[0]
            assert found.points[number, entry] == pytest.approx(alone.minima[alone.labels[0]].point, abs=1e-8)
            assert found.epochs[entry].tolist() == [alone.epochs[0]] * 3
    assert 0 < found.reached.sum() < 12


def test_swapping_the_sides_transposes() -> None:
    one, other = of(HEAVY, rates(5), momenta(3)), of(HEAVY, momenta(3), rates(5))
    np.testing.assert_array_equal(one.ended.reshape(3, 5, -1), other.ended.reshape(5, 3, -1).swapaxes(0, 1))
    np.testing.assert_allclose(boundary(one, PEAKS.minima[0]), boundary(other, PEAKS.minima[0]).T, rtol=1e-12)


def test_the_boundary_of_momentum_is_polyaks() -> None:
    """Stable up to lr = 2 (1 + beta)/λmax (B. T. Polyak 1964), and the radius of every pair from the roots of its quadratic."""
    point = polish(PEAKS, np.array([PEAKS.minima[0]])).points[0]
    eigenvalues = np.linalg.eigvalsh(PEAKS.hessian(point))
    found = of(HEAVY, rates(40), momenta(20))
    radius = boundary(found, point)
    rate, beta = np.meshgrid(found.x_values, found.y_values)
    np.testing.assert_array_equal(radius < 1, rate < 2 * (1 + beta) / eigenvalues[-1])
    assert (radius < 1).any() and (radius > 1).any()
    half = (1 + beta[..., None] - rate[..., None] * eigenvalues) / 2
    root = np.sqrt(half**2 - beta[..., None] + 0j)
    wanted = np.maximum(np.abs(half + root), np.abs(half - root)).max(axis=-1)
    np.testing.assert_allclose(radius, wanted, rtol=1e-7)


def test_runs_settle_in_a_bowl_where_the_boundary_says_so() -> None:
    experiment = dataclasses.replace(HEAVY, problem=BOWL, stopping=Stopping(epochs=4000), starts=Starts.at((1.0, 2.0)))
    found = of(experiment, rates(12, 0.05, 1.2, log=False), momenta(9, 0.8))
    radius = boundary(found, (0.0, 0.0)).ravel()
    clear = np.abs(radius - 1) > 0.01
    np.testing.assert_array_equal((found.reached[:, 0] == 1)[clear], (radius < 1)[clear])
    assert not found.ended[radius > 1.01, CODE[Ending.MINIMUM]].any() and clear.sum() > 100 and found.ended.shape[1] == len(ENDINGS)


def test_where_no_rate_exists_the_boundary_claims_nothing() -> None:
    adam = dataclasses.replace(HEAVY, optimizer=OPTIMIZERS["adam"], settings={})
    assert np.isnan(boundary(of(adam, rates(3), momenta(3, 0.9, "beta1")), PEAKS.minima[0])).all()


def test_other_settings_are_the_experiments() -> None:
    adam = Experiment(PEAKS, OPTIMIZERS["adam"], {"beta2": 0.5}, Starts.at((1.0, 1.0)), Stopping(epochs=200))
    sides = rates(3, 0.01, 0.2), momenta(3, 0.9, "beta1")
    plain = dataclasses.replace(adam, settings={})
    assert (of(adam, *sides).ended != of(plain, *sides).ended).any()


REFUSED: dict[str, tuple[Callable[[], Sweep], str]] = {
    "one quantity": (lambda: sweep(HEAVY, rates(3)), "two settings"),
    "no setting": (lambda: of(HEAVY, rates(3), Range("epochs", 100, 400, 3)), "two settings"),
    "a schedule swept": (lambda: of(dataclasses.replace(HEAVY, settings={"lr": "0.1/t"}), rates(3, 0.1, 1.0), momenta(3)), "two settings"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_boundary_is_refused_at_the_door(name: str) -> None:
    made, says = REFUSED[name]
    found = made()
    assert not offered(found)
    with pytest.raises(ValueError, match=says) as error:
        boundary(found, PEAKS.minima[0])
    assert len(str(error.value)) <= 160


def test_another_setting_that_is_a_schedule_has_no_radius() -> None:
    adam = Experiment(PEAKS, OPTIMIZERS["adam"], {"beta2": "0.5/t"}, Starts.at((1.0, 1.0)), Stopping(epochs=20))
    found = of(adam, rates(3), momenta(3, 0.9, "beta1"))
    assert offered(found)
    with pytest.raises(ValueError, match="changes with t"):
        boundary(found, PEAKS.minima[0])


def test_places_are_moved_onto_the_boundary_along_the_lines_between_pairs() -> None:
    """lr = 2 (1 + beta)/λmax again, from places that a coarse grid gets wrong by a tenth."""
    point = polish(PEAKS, np.array([PEAKS.minima[0]])).points[0]
    largest = np.linalg.eigvalsh(PEAKS.hessian(point))[-1]
    found = of(HEAVY, rates(7, log=False), momenta(5))
    x, y = found.x_values, found.y_values
    limit = 2 * (1 + y) / largest
    cell = np.searchsorted(x, limit)
    on_rows = np.stack([(x[cell - 1] + x[cell]) / 2, y], axis=1)
    moved = on_boundary(found, point, on_rows)
    np.testing.assert_array_equal(moved[:, 1], y)
    np.testing.assert_allclose(moved[:, 0], limit, rtol=1e-10)
    between = x[(x > limit[0]) & (x < limit[-1])]
    momentum = between * largest / 2 - 1
    rows = np.searchsorted(y, momentum)
    on_columns = np.stack([between, 0.3 * y[rows - 1] + 0.7 * y[rows]], axis=1)
    moved = on_boundary(found, point, on_columns)
    assert len(between) and (moved[:, 0] == between).all()
    np.testing.assert_allclose(moved[:, 1], momentum, rtol=1e-9)
