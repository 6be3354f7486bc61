"""Optimizers: equations as text, against torch and the 50-digit trajectories."""

import math
from typing import Any

import cases
import numpy as np
import pytest

from gdcore import (
    GALLERY,
    OPTIMIZERS,
    Ending,
    Experiment,
    FormulaError,
    Optimizer,
    Problem,
    Setting,
    Starts,
    Stopping,
    run,
    trace,
)

BOWL = Problem.from_text("x^2 + 10*y^2")
PEAKS = Problem.from_text(cases.load("peaks_gd.json")["formula"])


def path(equations: str, settings: dict[str, Any] | None = None, *, start: Any = (1.0, -0.5), epochs: int = 5) -> Any:
    optimizer = Optimizer.from_text("test", equations)
    return trace(BOWL, optimizer, settings or {}, start, Stopping(epochs=epochs, gradient_tolerance=0)).path


def gradient(x: Any) -> Any:
    return np.array([2.0, 20.0]) * x


# -- oracles -----------------------------------------------------------------------------------------------------------

TORCH = cases.load("torch_traj.json")
OURS = {
    "SGD": "gd", "SGD_momentum0.9": "momentum", "SGD_nesterov0.9": "nesterov", "Adagrad": "adagrad", "RMSprop": "rmsprop",
    "Adadelta": "adadelta", "Adam": "adam", "AdamW": "adamw", "Adamax": "adamax", "NAdam": "nadam", "RAdam": "radam",
    "Rprop": "rprop",
}  # fmt: skip
TORCH_RUNS = TORCH["runs"]
NAMES = {"eps": "epsilon", "betas": ("beta1", "beta2"), "etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_min", "step_max")}


def our_settings(run: dict[str, Any]) -> dict[str, float]:
    """torch's hyperparameters under our names, as far as the optimizer has them."""
    found: dict[str, float] = {}
    for key, value in run["hyperparameters"].items():
        name = NAMES.get(key, key)
        found |= {name: value} if isinstance(name, str) else dict(zip(name, value, strict=True))
    return {name: value for name, value in found.items() if name in OPTIMIZERS[OURS[run["optimizer"]]].settings}


def test_torch_runs_cover_every_optimizer_of_torch() -> None:
    ours_alone = {"amsgrad", "lion", "yogi", "adabelief", "normalized_gd", "polyak"}
    assert {OURS[run["optimizer"]] for run in TORCH_RUNS} == set(OPTIMIZERS) - ours_alone


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
    found = trace(BOWL, OPTIMIZERS[name], OPTIMIZERS[name].defaults, [1.0, -0.5], Stopping(epochs=20_000))
    assert found.values.min() < 1e-3 * found.values[0]


def _amsgrad(s: Any, x: Any, g: Any, f: Any, t: int) -> Any:
    s["m"] = s["beta1"] * s.get("m", 0) + (1 - s["beta1"]) * g
    s["v"] = s["beta2"] * s.get("v", 0) + (1 - s["beta2"]) * g * g
    s["top"] = np.maximum(s.get("top", 0), s["v"])
    root = np.sqrt(s["top"]) / math.sqrt(1 - s["beta2"] ** t) + s["epsilon"]
    return x - s["lr"] / (1 - s["beta1"] ** t) * s["m"] / root


def _lion(s: Any, x: Any, g: Any, f: Any, t: int) -> Any:
    m = s.get("m", 0)
    s["m"] = s["beta2"] * m + (1 - s["beta2"]) * g
    return x - s["lr"] * np.sign(s["beta1"] * m + (1 - s["beta1"]) * g)


def _yogi(s: Any, x: Any, g: Any, f: Any, t: int) -> Any:
    s["m"] = s["beta1"] * s.get("m", 0) + (1 - s["beta1"]) * g
    v = s.get("v", np.zeros(2))
    s["v"] = v - (1 - s["beta2"]) * np.sign(v - g * g) * g * g
    return x - s["lr"] * s["m"] / (np.sqrt(s["v"]) + s["epsilon"])


def _adabelief(s: Any, x: Any, g: Any, f: Any, t: int) -> Any:
    s["m"] = s["beta1"] * s.get("m", 0) + (1 - s["beta1"]) * g
    s["s"] = s["beta2"] * s.get("s", 0) + (1 - s["beta2"]) * (g - s["m"]) ** 2 + s["epsilon"]
    m, v = s["m"] / (1 - s["beta1"] ** t), s["s"] / (1 - s["beta2"] ** t)
    return x - s["lr"] * m / (np.sqrt(v) + s["epsilon"])


PAPERS: dict[str, Any] = {
    "amsgrad": _amsgrad,
    "lion": _lion,
    "yogi": _yogi,
    "adabelief": _adabelief,
    "normalized_gd": lambda s, x, g, f, t: x - s["lr"] * g / np.linalg.norm(g),
    "polyak": lambda s, x, g, f, t: x - s["lr"] * (f - s["f_star"]) / (g @ g) * g,
}


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("name", PAPERS)
def test_positions_agree_with_the_paper_written_out(name: str, scale: float) -> None:
    settings = OPTIMIZERS[name].defaults
    if name != "polyak":
        settings["lr"] *= scale
    found = trace(PEAKS, OPTIMIZERS[name], settings, [-1.0, 0.5], Stopping(epochs=60, gradient_tolerance=0)).path
    state, x = dict(settings), np.array([-1.0, 0.5])
    for t, position in enumerate(found, start=1):
        np.testing.assert_allclose(position, x, rtol=1e-9)
        x = PAPERS[name](state, x, PEAKS.gradient(x), PEAKS.value(x), t)


def test_every_built_in_passes_the_checks_that_typed_equations_must() -> None:
    for optimizer in OPTIMIZERS.values():
        assert Optimizer.from_text(optimizer.name, optimizer.equations, optimizer.settings) == optimizer


def test_defaults_for_a_problem_know_its_rate_and_its_lowest_value() -> None:
    peaks, styblinski = GALLERY["peaks"], GALLERY["styblinski_tang"]
    assert OPTIMIZERS["gd"].defaults_for(styblinski)["lr"] == styblinski.rate
    assert OPTIMIZERS["adam"].defaults_for(styblinski)["lr"] == 0.001
    assert OPTIMIZERS["polyak"].defaults_for(peaks)["f_star"] == pytest.approx(-6.5511333328, abs=1e-9)
    assert OPTIMIZERS["polyak"].defaults_for(BOWL) == pytest.approx(OPTIMIZERS["polyak"].defaults, abs=1e-12)
    narrowed = peaks.with_box({"x": (-3, 0), "y": (-1, 3)})
    assert OPTIMIZERS["polyak"].defaults_for(narrowed)["f_star"] == pytest.approx(-3.0498494, abs=1e-6)


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
        ("x = x - lr*g/v\nv = v + g^2", 13, "line 1 divides by 'v', which is 0 at the first step because 'v' starts at 0"),
        ("m = g/(2*h)\nx = x - h*m\nh = 1 + h/2", 8, "line 1 divides by '2*h', which is 0 at the first step"),
        ("x = x - lr*g/(t - 1)", 16, "line 1 divides by 't - 1', which is 0 at the first step: change it"),
        ("m = 3*m + g\nx = x - lr*m", 0, "line 1: 'm' grows without bound even where the gradient is 0"),
        ("m = g\n\nx = 2*x - lr*m", 7, "line 3: 'x' grows without bound"),
        ("h = h^2 + 2 + g\nx = x - h*g", 0, "line 1: 'h' grows without bound"),
    ],
)
def test_mistakes_name_the_line_and_the_place(equations: str, position: int, message: str) -> None:
    with pytest.raises(FormulaError) as caught:
        Optimizer.from_text("wrong", equations)
    assert message in str(caught.value) and len(str(caught.value)) <= 160
    assert caught.value.position == position


@pytest.mark.parametrize(
    "equations",
    [
        "x = x - lr*where(v > 0, g/v, 0)\nv = v + g^2",
        "n = n + 1\nx = x - lr/n*g",
        "state h = 0.01\nx = x - h*g\nh = where(f < b, 1.2*h, h/2)\nb = f",
        "v = v + g^2\nx = x - lr*g/sqrt(v)",
        "x = x - lr*g/(f - 7)",
    ],
)
def test_sound_equations_are_not_refused(equations: str) -> None:
    assert Optimizer.from_text("sound", equations).equations == equations


def test_lines_that_double_what_is_written_out_stay_cheap() -> None:
    equations = "a = g\n" + "a = sin(a) + cos(a)*a\n" * 30 + "x = x - lr*a"
    optimizer = Optimizer.from_text("doubling", equations)
    assert trace(BOWL, optimizer, {}, [1.0, -0.5], Stopping(epochs=3)).path.shape == (4, 2)


def test_a_name_that_is_always_assigned_first_is_no_state() -> None:
    assert Optimizer.from_text("short", "d = g + m\nm = d/2\nx = x - lr*d").states == ("m",)
    assert Optimizer.from_text("long", "x = x - lr*d\nd = g").states == ("d",)


def test_a_run_that_explodes_disturbs_no_other() -> None:
    optimizer = Optimizer.from_text("mine", "v = decay*v + g\nx = x - lr*v", {"lr": 0.05, "decay": 0.2})
    quartic = Problem.from_text("x^4 + y^4 + x^2 + y^2")
    starts = np.array([[0.1, 0.2], [30.0, 1.0], [0.5, -0.3], [1e5, 0.0]])
    together = run(Experiment(quartic, optimizer, {}, Starts.at(starts)))
    assert [e is Ending.DIVERGED for e in together.endings] == [False, True, False, True]
    for i in (0, 2):
        alone = run(Experiment(quartic, optimizer, {}, Starts.at(starts[i])))
        assert alone.ends[0].tolist() == together.ends[i].tolist() and alone.epochs[0] == together.epochs[i]


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
