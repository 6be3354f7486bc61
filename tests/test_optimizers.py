"""Optimizers: equations as text, against torch and the 50-digit trajectories."""

import math
from typing import Any

import cases
import numpy as np
import pytest

from gdcore import OPTIMIZERS, Experiment, FormulaError, Optimizer, Problem, Setting, Stopping, trace

BOWL = Problem.from_text("x^2 + 10*y^2")
PEAKS = Problem.from_text(cases.load("peaks_gd.json")["formula"])


def path(equations: str, settings: dict[str, Any] | None = None, *, start: Any = (1.0, -0.5), epochs: int = 5) -> Any:
    optimizer = Optimizer.from_text("test", equations)
    return trace(BOWL, optimizer, settings or {}, start, Stopping(epochs=epochs, gradient_tolerance=0)).path


def gradient(x: Any) -> Any:
    return np.array([2.0, 20.0]) * x


# -- oracles -----------------------------------------------------------------------------------------------------------

TORCH = cases.load("torch_traj.json")
OURS = {"SGD": "gd", "SGD_momentum0.9": "momentum", "SGD_nesterov0.9": "nesterov", "Adam": "adam"}
TORCH_RUNS = [run for run in TORCH["runs"] if run["optimizer"] in OURS]


def our_settings(run: dict[str, Any]) -> dict[str, float]:
    given = run["hyperparameters"]
    if run["optimizer"] == "Adam":
        return {"lr": run["lr"], "beta1": given["betas"][0], "beta2": given["betas"][1], "epsilon": given["eps"]}
    return {"lr": run["lr"]} | ({"momentum": given["momentum"]} if given["momentum"] else {})


def test_torch_runs_cover_every_built_in_optimizer() -> None:
    assert {OURS[run["optimizer"]] for run in TORCH_RUNS} == set(OPTIMIZERS)


@pytest.mark.parametrize("run", TORCH_RUNS, ids=lambda run: f"{run['optimizer']}-{run['function']}-{run['lr']}-{run['start']}")
def test_positions_agree_with_torch(run: dict[str, Any]) -> None:
    problem = Problem.from_text(TORCH["functions"][run["function"]])
    last = run["reproducible_through_step"]
    steps = [step for step in TORCH["steps"] if step <= last and None not in run["positions"][str(step)]]
    assert steps
    stopping = Stopping(epochs=500, gradient_tolerance=0)
    found = trace(problem, OPTIMIZERS[OURS[run["optimizer"]]], our_settings(run), run["start"], stopping).path
    compared = 0
    for step in steps:
        wanted = np.array(run["positions"][str(step)])
        if step >= len(found):  # a run may end as diverged before torch overflows
            assert np.abs(wanted).max() > 1e5
            continue
        np.testing.assert_allclose(found[step], wanted, rtol=1e-9, atol=1e-9)
        compared += 1
    assert compared


@pytest.mark.parametrize("run", cases.load("peaks_gd.json")["runs"], ids=lambda run: str(run["start"]))
def test_descent_on_peaks_to_twelve_digits(run: dict[str, Any]) -> None:
    stopping = Stopping(epochs=1000, gradient_tolerance=0)
    found = trace(PEAKS, OPTIMIZERS["gd"], {"lr": 0.01}, run["start"], stopping)
    assert found.path.shape == (1001, 2)
    for step, wanted in run["positions"].items():
        np.testing.assert_allclose(found.path[int(step)], wanted, rtol=0, atol=1e-12)
    assert found.values[-1] == pytest.approx(run["f_final"], abs=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_descends_a_bowl(name: str) -> None:
    stopping = Stopping(epochs=3000)
    found = trace(BOWL, OPTIMIZERS[name], OPTIMIZERS[name].defaults, [1.0, -0.5], stopping)
    assert found.values[-1] < 1e-9


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_described(name: str) -> None:
    optimizer = OPTIMIZERS[name]
    assert optimizer.name and optimizer.source and optimizer.about
    for setting in optimizer.settings.values():
        assert setting.label and setting.help and math.isfinite(setting.low) and math.isfinite(setting.high)
    assert Optimizer.from_dict(optimizer.to_dict()) == optimizer
    assert len(optimizer.latex()) == len(optimizer.equations.split("\n"))


# -- meaning of the equations ------------------------------------------------------------------------------------------


def test_lines_run_top_to_bottom_for_every_coordinate() -> None:
    found = path("v = 0.5*v + g\nw = v + g\nx = x - 0.01*w\nv = v*2")
    x, v = np.array([1.0, -0.5]), np.zeros(2)
    for position in found:
        np.testing.assert_allclose(position, x, rtol=1e-13)
        g = gradient(x)
        v = 0.5 * v + g
        x = x - 0.01 * (v + g)
        v = v * 2


def test_a_declared_state_starts_at_its_value() -> None:
    found = path("state h = lr\nx = x - h*g\nh = h/2", {"lr": 0.04})
    x, h = np.array([1.0, -0.5]), 0.04
    for position in found:
        np.testing.assert_allclose(position, x, rtol=1e-13)
        x, h = x - h * gradient(x), h / 2


def test_a_start_value_from_a_schedule_is_that_of_the_first_step() -> None:
    found = path("state h = lr\nx = x - h*g", {"lr": "0.2*T/(100*t)"}, epochs=5)
    np.testing.assert_allclose(found[1], [1 - 0.01 * 2, -0.5 + 0.01 * 10], rtol=1e-13)
    np.testing.assert_allclose(found[2], found[1] - 0.01 * gradient(found[1]), rtol=1e-13)


def test_norm_and_dot_reduce_over_coordinates() -> None:
    found = path("x = x - 0.1*g/norm(g) + 0.001*dot(g, x)*x")
    x = np.array([1.0, -0.5])
    for position in found:
        np.testing.assert_allclose(position, x, rtol=1e-12)
        g = gradient(x)
        x = x - 0.1 * g / np.linalg.norm(g) + 0.001 * (g @ x) * x


def test_norm_of_an_expression_and_of_a_state() -> None:
    found = path("m = 0.9*m + g\nx = x - 0.1*m/(1 + norm(m - g/2))")
    x, m = np.array([1.0, -0.5]), np.zeros(2)
    for position in found:
        np.testing.assert_allclose(position, x, rtol=1e-12)
        g = gradient(x)
        m = 0.9 * m + g
        x = x - 0.1 * m / (1 + np.linalg.norm(m - g / 2))


@pytest.mark.parametrize(
    ("operator", "compare"), [("<", np.less), ("<=", np.less_equal), (">", np.greater), (">=", np.greater_equal)]
)
def test_where_chooses_for_every_coordinate(operator: str, compare: Any) -> None:
    found = path(f"x = where(g {operator} 2, x - 0.1, x + 0.25)")
    x = np.array([1.0, -0.5])  # the first slope is exactly 2
    for position in found:
        np.testing.assert_allclose(position, x, rtol=1e-13)
        x = np.where(compare(gradient(x), 2), x - 0.1, x + 0.25)


def test_f_t_and_T_are_given() -> None:
    found = path("x = x - 0.001*f*g*t/T", epochs=4)
    x = np.array([1.0, -0.5])
    for t, position in enumerate(found, start=1):
        np.testing.assert_allclose(position, x, rtol=1e-13)
        x = x - 0.001 * (x[0] ** 2 + 10 * x[1] ** 2) * gradient(x) * t / 4


def test_sign_min_max_and_abs() -> None:
    found = path("x = x - min(0.1, max(0.01, abs(g)/50))*sign(g)")
    x = np.array([1.0, -0.5])
    for position in found:
        np.testing.assert_allclose(position, x, rtol=1e-13)
        g = gradient(x)
        x = x - np.minimum(0.1, np.maximum(0.01, np.abs(g) / 50)) * np.sign(g)


@pytest.mark.parametrize(
    ("schedule", "rate"),
    [("0.1/t", lambda t: 0.1 / t), ("0.04*exp(-t/T)", lambda t: 0.04 * math.exp(-t / 6)), ("0.05*(1 + cos(pi*t/T))/2",
     lambda t: 0.05 * (1 + math.cos(math.pi * t / 6)) / 2), ("0.02", lambda t: 0.02),
     (r"\frac{0.1}{\sqrt{t}}", lambda t: 0.1 / math.sqrt(t))],
)  # fmt: skip
def test_schedules(schedule: str, rate: Any) -> None:
    found = trace(BOWL, OPTIMIZERS["gd"], {"lr": schedule}, [1.0, -0.5], Stopping(epochs=6, gradient_tolerance=0)).path
    x = np.array([1.0, -0.5])
    for t, position in enumerate(found, start=1):
        np.testing.assert_allclose(position, x, rtol=1e-12)
        x = x - rate(t) * gradient(x)


# -- settings and refusals ---------------------------------------------------------------------------------------------


def test_an_undescribed_name_is_a_setting_of_a_tenth() -> None:
    optimizer = Optimizer.from_text("mine", "v = beta*v + g\nx = x - rate*v", {"rate": Setting(0.5, low=0, high=1)})
    assert optimizer.defaults == {"rate": 0.5, "beta": 0.1}
    assert optimizer.states == ("v",)
    assert Experiment(BOWL, optimizer, {"rate": 0.25}).settings == {"rate": 0.25, "beta": 0.1}


@pytest.mark.parametrize(
    ("equations", "position", "message"),
    [
        ("", 0, "no equations"),
        ("m = m + g", 0, "no line assigns x"),
        ("x = x - lr*exq(g)", 11, "line 1: unknown function 'exq' at 12: did you mean exp?"),
        ("v = g\n\nx = x - lr*v(", 20, "line 3: the formula ends too early at 14"),
        ("x = x - lr*g\n\nhello", 14, "line 3 is no assignment"),
        ("x == 3", 0, "line 1 is no assignment"),
        ("x = x - g\ng = 2", 10, "line 2 assigns 'g', which is given"),
        ("x = x - g\nt = 2", 10, "line 2 assigns 't', which is given"),
        ("x = x - g\nsin = 2", 10, "line 2: 'sin' is a function"),
        ("x = x - g\ne = 2", 10, "line 2: 'e' is a constant"),
        ("x = x - where(g > 0, lr)*g", 8, "'where' with 2 arguments at 9"),
        ("x = x + (g > 0)", 11, "comparisons belong into where"),
        ("state h = x\nx = x - h*g", 0, "line 1 starts 'h' from 'x'"),
        ("state h = v\nv = g\nx = x - h*v", 0, "line 1 starts 'h' from 'v'"),
        ("state h = norm(lr)\nx = x - h*g", 10, "unknown function 'norm'"),
        ("state x = 1\nx = x - g", 0, "gives x a start value"),
        ("x = x - g\n" * 41, 0, "41 lines (at most 40)"),
        ("x = x - lr*g/0", 12, "division by 0 at 13"),
    ],
)
def test_mistakes_name_the_line_and_the_place(equations: str, position: int, message: str) -> None:
    with pytest.raises(FormulaError) as caught:
        Optimizer.from_text("wrong", equations)
    assert message in str(caught.value) and len(str(caught.value)) <= 160
    assert caught.value.position == position


def test_a_name_is_either_assigned_or_a_setting() -> None:
    with pytest.raises(FormulaError, match="'lr' is assigned and described as a setting"):
        Optimizer.from_text("wrong", "lr = 2\nx = x - lr*g", {"lr": 0.1})


@pytest.mark.parametrize("value", [-1.0, 0.0, 11.0, math.nan, math.inf])
def test_settings_outside_their_range_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="learning rate is .*; give a number from 1e-06 to 10"):
        Experiment(BOWL, OPTIMIZERS["gd"], {"lr": value})


def test_unknown_settings_and_bad_schedules_are_refused() -> None:
    with pytest.raises(ValueError, match="Gradient descent has no setting 'beta1'; it has: lr"):
        Experiment(BOWL, OPTIMIZERS["gd"], {"beta1": 0.9})
    with pytest.raises(FormulaError, match="unknown name 'q'"):
        Experiment(BOWL, OPTIMIZERS["gd"], {"lr": "0.1*q"})
    with pytest.raises(FormulaError, match="unknown name 'x'"):
        Experiment(BOWL, OPTIMIZERS["gd"], {"lr": "x"})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_setting_is_refused_just_outside_its_range_and_taken_at_its_ends(name: str) -> None:
    for key, setting in OPTIMIZERS[name].settings.items():
        for edge, beyond in ((setting.low, setting.low - 1), (setting.high, setting.high * 1.001 + 1e-9)):
            assert Experiment(BOWL, OPTIMIZERS[name], {key: edge}).settings[key] == edge
            with pytest.raises(ValueError, match="give a number from"):
                Experiment(BOWL, OPTIMIZERS[name], {key: beyond})
