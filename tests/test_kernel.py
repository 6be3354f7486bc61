"""One fused step: settings given start by start do what the same numbers do one at a time, and a step is what it says."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, Optimizer, Problem, Setting
from gdcore.kernel import Kernel, kernel

PEAKS = GALLERY["peaks"]
WIDE = Problem.from_text("a*x^2 + x*y + y^4 + cos(z)*y", box={n: (-2, 2) for n in "xyz"}, parameters={"a": 1.5})
POINTS = np.random.default_rng(0).uniform(-1.5, 1.5, (5, 3))
FRACTIONS = np.array([0.1, 0.3, 0.5, 0.7, 0.95])  # of each setting's range


def steps(made: Kernel, points: Any, count: int) -> tuple[Any, Any]:
    """Position and states, then f and its gradient, after each of so many steps: (count, rows, m) and (count, 1 + d, m)."""
    state = made.start(points)
    workspace, seen, objective = np.empty((made.workspace_rows, len(points))), [], []
    for t in range(1, count + 1):
        out = np.empty((made.rows + 1 + made.dimension, len(points)))
        with np.errstate(all="ignore"):
            made.step(t, state, out, workspace)
        state = out[: made.rows]
        seen.append(state)
        objective.append(out[made.rows :])
    return np.array(seen), np.array(objective)


def spread(setting: Setting) -> Any:
    """Five values of a setting, over its range or over two decades around its default."""
    if setting.log:
        return np.clip(setting.default * 10 ** (2 * FRACTIONS - 1), setting.low, setting.high)
    low, high = max(setting.low, -10.0), min(setting.high, 10.0)
    return low + FRACTIONS * (high - low)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_settings_start_by_start_equal_scalars_column_by_column(name: str) -> None:
    optimizer = OPTIMIZERS[name]
    own = {key: spread(setting) for key, setting in optimizer.settings.items()}
    every = kernel(WIDE, optimizer, own, 100)
    together, objective = steps(every, POINTS, 6)
    for i in range(5):
        alone = kernel(WIDE, optimizer, {key: float(values[i]) for key, values in own.items()}, 100)
        path, values = steps(alone, POINTS[i : i + 1], 6)
        np.testing.assert_allclose(together[:, : alone.rows, i], path[:, :, 0], rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(objective[:, :, i], values[:, :, 0], rtol=1e-12, atol=1e-15)
    assert len(np.unique(together[-1, 0] - POINTS[:, 0])) == 5, "columns differ"


@pytest.mark.parametrize("name", ["gd", "adam", "rprop", "polyak", "normalized_gd"])
def test_one_rate_for_each_start_leaves_the_other_settings_alone(name: str) -> None:
    optimizer, rates = OPTIMIZERS[name], np.array([1e-3, 0.01, 0.05, 0.1, 1.0])
    together, _ = steps(kernel(WIDE, optimizer, {**optimizer.defaults, "lr": rates}, 100), POINTS, 8)
    for i, rate in enumerate(rates.tolist()):
        alone = kernel(WIDE, optimizer, {**optimizer.defaults, "lr": rate}, 100)
        path, _ = steps(alone, POINTS[i : i + 1], 8)
        np.testing.assert_allclose(together[:, : alone.rows, i], path[:, :, 0], rtol=1e-12, atol=1e-15)


def test_the_rows_of_a_setting_are_kept_from_step_to_step() -> None:
    rates = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    made = kernel(WIDE, OPTIMIZERS["momentum"], {"lr": rates, "momentum": 0.9}, 10)
    assert made.rows == 3 + 3 + 1
    np.testing.assert_array_equal(made.start(POINTS)[-1], rates)
    seen, _ = steps(made, POINTS, 4)
    np.testing.assert_array_equal(seen[:, -1], np.tile(rates, (4, 1)))


@pytest.mark.parametrize("order", [("lr", "momentum"), ("momentum", "lr")])
def test_the_order_of_the_settings_does_not_matter(order: tuple[str, str]) -> None:
    own = {"lr": np.linspace(0.01, 0.05, 5), "momentum": np.linspace(0.1, 0.9, 5)}
    x, v, gradients = POINTS.copy(), np.zeros((5, 3)), WIDE.gradient
    seen, _ = steps(kernel(WIDE, OPTIMIZERS["momentum"], {name: own[name] for name in order}, 10), POINTS, 5)
    for position in seen[:, :3]:
        v = own["momentum"][:, None] * v + gradients(x)
        x = x - own["lr"][:, None] * v
        np.testing.assert_allclose(position.T, x, rtol=1e-12)


def test_a_state_starts_at_its_own_setting() -> None:
    optimizer = Optimizer.from_text("mine", "state h = 2*lr + q\nx = x - h*g\nh = h/2", {"lr": 0.1, "q": 0.01})
    rates = np.array([0.01, 0.02, 0.04, 0.08, 0.1])
    made = kernel(WIDE, optimizer, {"lr": rates, "q": 0.01}, 10)
    np.testing.assert_array_equal(made.start(POINTS)[3:6], np.tile(2 * rates + 0.01, (3, 1)))
    seen, _ = steps(made, POINTS, 2)
    np.testing.assert_allclose(seen[0, :3].T, POINTS - (2 * rates + 0.01)[:, None] * WIDE.gradient(POINTS), rtol=1e-13)
    np.testing.assert_allclose(seen[1, 3:6], np.tile((2 * rates + 0.01) / 4, (3, 1)), rtol=1e-13)


def test_a_schedule_beside_settings_start_by_start() -> None:
    momenta = np.linspace(0.0, 0.9, 5)
    seen, _ = steps(kernel(WIDE, OPTIMIZERS["momentum"], {"lr": "0.1*t/T", "momentum": momenta}, 20), POINTS, 4)
    x, v = POINTS.copy(), np.zeros((5, 3))
    for t, position in enumerate(seen[:, :3], start=1):
        v = momenta[:, None] * v + WIDE.gradient(x)
        x = x - 0.1 * t / 20 * v
        np.testing.assert_allclose(position.T, x, rtol=1e-12)


@given(st.lists(st.floats(1e-5, 2.0), min_size=1, max_size=8), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_plain_descent_by_hand_at_any_rates(rates: list[float], x: float, y: float) -> None:
    points = np.tile([x, y], (len(rates), 1))
    seen, objective = steps(kernel(PEAKS, OPTIMIZERS["gd"], {"lr": np.array(rates)}, 10), points, 1)
    gradient = PEAKS.gradient([x, y])
    np.testing.assert_allclose(seen[0, :2].T, points - np.outer(rates, gradient), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(objective[0].T, np.tile([PEAKS.value([x, y]), *gradient], (len(rates), 1)), rtol=1e-9, atol=1e-12)


def test_changed_numbers_do_not_compile_again() -> None:
    from gdcore.kernel import _function

    for rates in ([0.1, 0.2], [0.3, 0.4, 0.5]):
        kernel(WIDE, OPTIMIZERS["gd"], {"lr": np.array(rates)}, 10)
        before = _function.cache_info().misses
        kernel(WIDE.with_parameters(a=rates[0]), OPTIMIZERS["gd"], {"lr": np.array(rates) / 2}, 11)
        assert _function.cache_info().misses == before
