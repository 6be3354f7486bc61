"""The step linearised at minima, against closed forms, simulation and slopes of trajectories."""

import math

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Optimizer, Problem, Setting, Stopping, trace
from gdcore.formula import names_in, parse
from gdcore.kernel import kernel
from gdcore.newton import polish
from gdcore.stability import radii, stability, step_jacobian

PEAKS = GALLERY["peaks"]


def exact(problem: Problem, index: int = 0):
    """A known minimum to the last digits."""
    return polish(problem, np.array([problem.minima[index]])).points[0]


SMOOTH = ("gd", "momentum", "nesterov", "adadelta", "adabelief")
TEN = (
    "peaks", "himmelblau", "rosenbrock", "booth", "styblinski_tang", "beale", "matyas", "three_hump_camel", "six_hump_camel", "bohachevsky",
)  # fmt: skip


def top_eigenvalue(problem: Problem, point) -> float:
    return float(np.linalg.eigvalsh(problem.hessian(point))[-1])


# -- closed forms ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", range(3))
def test_plain_descent_is_stable_up_to_two_over_the_largest_eigenvalue(index):
    point = PEAKS.minima[index]
    found = stability(PEAKS, OPTIMIZERS["gd"], {"lr": 0.01}, point)
    eigenvalues = np.linalg.eigvalsh(PEAKS.hessian(point))
    assert found.largest_rate == pytest.approx(2 / eigenvalues[-1], rel=1e-9)
    assert found.radius == pytest.approx(np.abs(1 - 0.01 * eigenvalues).max(), rel=1e-12)
    assert found.reason == ""


def test_the_figure_of_the_note():
    assert stability(PEAKS, OPTIMIZERS["gd"], {}, PEAKS.minima[0]).largest_rate == pytest.approx(0.066264, abs=5e-7)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.99])
def test_heavy_ball_limit(beta):
    found = stability(PEAKS, OPTIMIZERS["momentum"], {"momentum": beta}, PEAKS.minima[0])
    assert found.largest_rate == pytest.approx(2 * (1 + beta) / top_eigenvalue(PEAKS, PEAKS.minima[0]), rel=1e-9)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.99])
def test_nesterov_limit(beta):
    """In torch's form the step is unstable from lr = 2(1 + beta)/(lambda (1 + 2 beta)) on: its root leaves through -1."""
    found = stability(PEAKS, OPTIMIZERS["nesterov"], {"momentum": beta}, PEAKS.minima[0])
    top = top_eigenvalue(PEAKS, PEAKS.minima[0])
    assert found.largest_rate == pytest.approx(2 * (1 + beta) / (top * (1 + 2 * beta)), rel=1e-9)


def test_heavy_ball_radius_is_the_root_of_beta_where_it_oscillates():
    found = stability(PEAKS, OPTIMIZERS["momentum"], {"lr": 0.03, "momentum": 0.81}, PEAKS.minima[0])
    assert found.radius == pytest.approx(0.9, rel=1e-9)


def test_the_jacobian_of_momentum_written_out():
    bowl = Problem.from_text("x^2 + 10*y^2 + x*y")
    h, lr, beta = np.array([[2.0, 1.0], [1.0, 20.0]]), 0.03, 0.7
    found = step_jacobian(bowl, OPTIMIZERS["momentum"], {"lr": lr, "momentum": beta}, (0.0, 0.0))
    eye = np.eye(2)
    np.testing.assert_allclose(found, np.block([[eye - lr * h, -lr * beta * eye], [h, beta * eye]]), atol=1e-14)


@pytest.mark.parametrize("name", ["gd", "momentum", "nesterov", "adabelief"])
def test_the_jacobian_against_differences_of_the_step_itself(name):
    """Two neighbouring runs of one late step from the point of rest; only position is seen, so the first rows are."""
    optimizer, point = OPTIMIZERS[name], np.array(PEAKS.minima[1])
    found = step_jacobian(PEAKS, optimizer, {"lr": 0.001}, point)[:2, :2]
    epsilon = 1e-8
    late = {"adabelief": "m = (1 - 0.9)*g\nx = x - lr*m/(sqrt(0.00001) + 0.00000001)"}.get(name, optimizer.equations)
    step = Optimizer.from_text("late", late, {"lr": 0.001, **({"momentum": 0.9} if "momentum" in optimizer.settings else {})})
    for i in range(2):
        shifted = point + epsilon * np.eye(2)[i]
        after = trace(PEAKS, step, {}, shifted, Stopping(epochs=1, gradient_tolerance=0)).path[1]
        np.testing.assert_allclose((after - point) / epsilon, found[:, i], atol=1e-5)


# -- simulation --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("index", range(3))
def test_runs_settle_just_below_the_limit_and_leave_just_above(name, index):
    optimizer, point = OPTIMIZERS[name], exact(PEAKS, index)
    limit = stability(PEAKS, optimizer, {}, point).largest_rate
    start = point + 1e-7 * np.array([0.6, 0.8])
    settings = {} if name != "adabelief" else {"beta2": 0.9}
    if settings:
        limit = stability(PEAKS, optimizer, settings, point).largest_rate
    for factor, closer in ((0.98, True), (1.02, False)):
        run = trace(PEAKS, optimizer, {**settings, "lr": factor * limit}, start, Stopping(3000, 0))
        distance = np.linalg.norm(run.path - point, axis=1)
        assert bool(distance[-1] < 0.1 * distance[0]) is closer
        assert closer or distance[-300:].max() > 10 * distance[0]


@pytest.mark.parametrize("problem", TEN)
@pytest.mark.parametrize(("name", "settings"), [("gd", {}), ("momentum", {"momentum": 0.3}), ("nesterov", {"momentum": 0.2})])
def test_predicted_rate_is_the_slope_of_a_trajectory(problem, name, settings):
    """The distance to the minimum, on a log scale, against the spectral radius: within 1 %."""
    chosen = GALLERY[problem]
    point = exact(chosen)
    limit = stability(chosen, OPTIMIZERS[name], settings, point).largest_rate
    settings = {**settings, "lr": 0.05 * limit}  # slow enough for real eigenvalues: no oscillation blurs the slope
    predicted = math.log(stability(chosen, OPTIMIZERS[name], settings, point).radius)
    epochs = int(min(60_000, max(60, 12 / -predicted)))
    start = point + 1e-4 * np.array([0.6, 0.8]) * (chosen.highs - chosen.lows)
    run = trace(chosen, OPTIMIZERS[name], settings, start, Stopping(epochs, 0))
    distance = np.linalg.norm(run.path - point, axis=1)
    assert distance[-1] < distance[0]
    floor = np.flatnonzero(distance < 1e-11 * np.linalg.norm(chosen.highs - chosen.lows))
    last = int(floor[0]) if floor.size else len(distance) - 1
    assert last > 30
    half = last // 3
    measured = np.polyfit(np.arange(half, last), np.log(distance[half:last]), 1)[0]
    assert measured == pytest.approx(predicted, rel=0.01)


# -- who has no linear rate, and why -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("adam", "line 3 takes the square root of v/(1 - beta2^t), which is 0 at a minimum"),
        ("adamw", "line 4 takes the square root of v/(1 - beta2^t)"),
        ("rmsprop", "line 2 takes the square root of v"),
        ("adagrad", "line 2 takes the square root of v"),
        ("nadam", "line 7 takes the square root"),
        ("radam", "line 6 takes the square root of v"),
        ("amsgrad", "line 3 takes the max of w, v, which are equal"),
        ("adamax", "line 2 takes the absolute value of g"),
        ("rprop", "line 3 switches at c > 0"),
        ("lion", "line 3 takes the sign of c"),
        ("yogi", "line 2 takes the sign of"),
        ("normalized_gd", "line 1 switches at norm(g) > 0"),
        ("polyak", "line 1 switches at norm(g) > 0"),
    ],
)
def test_no_linear_rate_and_the_reason(name, reason):
    found = stability(PEAKS, OPTIMIZERS[name], {}, PEAKS.minima[0])
    assert math.isnan(found.radius) and math.isnan(found.largest_rate) and reason in found.reason
    with pytest.raises(ValueError, match="no linear rate: line"):
        step_jacobian(PEAKS, OPTIMIZERS[name], {}, PEAKS.minima[0])


def test_every_optimizer_has_a_rate_or_a_reason():
    for name, optimizer in OPTIMIZERS.items():
        found = stability(PEAKS, optimizer, {}, PEAKS.minima[0])
        assert bool(found.reason) is (name not in SMOOTH)


@pytest.mark.parametrize(
    ("equations", "reason"),
    [
        ("x = 0.99*x - lr*g", "x moves even where the gradient is 0"),
        ("x = x - lr*g/t", "keeps changing with t"),
        ("x = x - lr*g*(1 - t/(2*T))", "keeps changing with t"),
        ("v = v + g^2\nx = x - lr*g/(1 + v)", "'v' keeps what the run has gathered"),
        ("n = n + 1\nx = x - lr*g/n", "states find no point of rest"),
        ("x = x - lr*g^1.5", "takes a power of g"),
        ("x = x - lr*floor(g)", "rounds g"),
        ("x = x - lr*g/norm(g)", "takes the length of g"),
    ],
)
def test_typed_equations_without_a_linear_rate(equations, reason):
    found = stability(PEAKS, Optimizer.from_text("mine", equations, {"lr": 0.01}), {}, PEAKS.minima[0])
    assert reason in found.reason and math.isnan(found.largest_rate)


def test_a_typed_optimizer_has_its_limit():
    """Averaging over the last two gradients: the root leaves through -1 at lr*top*(w - (1 - w)) = 2 for w > 3/4."""
    mine = Optimizer.from_text("mine", "x = x - lr*(w*g + (1 - w)*p)\np = g", {"lr": 0.01, "w": 0.9})
    found = stability(PEAKS, mine, {}, PEAKS.minima[0])
    assert found.largest_rate == pytest.approx(2 / (0.8 * top_eigenvalue(PEAKS, PEAKS.minima[0])), rel=1e-9)


def test_a_state_that_holds_its_start_value_is_no_hindrance():
    mine = Optimizer.from_text("mine", "state h = lr/2\nx = x - h*g", {"lr": 0.01})
    found = stability(PEAKS, mine, {}, PEAKS.minima[0])
    assert found.largest_rate == pytest.approx(4 / top_eigenvalue(PEAKS, PEAKS.minima[0]), rel=1e-9)


def test_schedules_leave_a_limit_but_no_rate():
    found = stability(PEAKS, OPTIMIZERS["gd"], {"lr": "0.01/t"}, PEAKS.minima[0])
    assert math.isnan(found.radius) and found.largest_rate == pytest.approx(0.0662642, rel=1e-5)
    assert "changes with t" in found.reason
    other = stability(PEAKS, OPTIMIZERS["momentum"], {"momentum": "0.9*t/T"}, PEAKS.minima[0])
    assert other.reason == "the momentum changes with t"


def test_a_maximum_has_no_stable_rate_and_an_optimizer_without_lr_no_limit():
    assert stability(PEAKS, OPTIMIZERS["gd"], {}, (-0.0093, 1.5814)).largest_rate == 0.0
    mine = Optimizer.from_text("mine", "x = x - rate*g", {"rate": Setting(0.02)})
    found = stability(PEAKS, mine, {}, PEAKS.minima[0])
    assert math.isnan(found.largest_rate) and found.radius == pytest.approx(1 - 0.02 * 17.9197, rel=1e-4)


# -- random linear equations on random quadratics ----------------------------------------------------------------------

TYPED = {
    "two memories": "v = a*v + b*g + c*p\np = g\nx = x - lr*(d*v + k*g)",
    "a chain": "v = a*v + g\nw = c*w + v\nx = x - lr*(d*v + k*w + g)",
    "rate in the state": "v = a*v - lr*g\nx = x + v - lr*d*g",
    "an earlier position": "q = x - p\np = x\nx = x + a*q/2 - lr*(g + k*r)\nr = g",
    "smooth, not linear": "v = tanh(a*v) + sin(g)\nx = x - lr*(v + d*g/(1 + g^2))",
}


def quadratic(dimension: int, rng: np.random.Generator) -> tuple[Problem, np.ndarray]:
    """A quadratic with eigenvalues over four decades, its minimum with one coordinate 0, and a parameter."""
    basis, _ = np.linalg.qr(rng.normal(size=(dimension, dimension)))
    eigenvalues = 10 ** rng.uniform(-2, 2, dimension)
    hessian = np.round(basis @ np.diag(eigenvalues) @ basis.T, 9)
    centre = np.round(rng.uniform(-1, 1, dimension), 4)
    centre[0] = 0.0
    names = [f"y{i}" for i in range(1, dimension + 1)]
    terms = [
        f"({hessian[i, j]:.9f})*({names[i]} - ({centre[i]:.4f}))*({names[j]} - ({centre[j]:.4f}))/q"
        for i in range(dimension) for j in range(dimension)
    ]  # fmt: skip
    box = {name: (-3.0, 3.0) for name in names}
    return Problem.from_text(" + ".join(terms), box=box, parameters={"q": 2.0}), centre


def simulated(problem: Problem, optimizer: Optimizer, settings, state: np.ndarray, epochs: int) -> np.ndarray:
    """The state (rows, n) after so many late steps."""
    made = kernel(problem, optimizer, {**optimizer.defaults, **settings}, 10**9)
    workspace = np.empty((made.workspace_rows, state.shape[1]))
    for t in range(epochs):
        out = np.empty((made.rows + 1 + made.dimension, state.shape[1]))
        with np.errstate(all="ignore"):
            made.step(10**6 + t, state, out, workspace)
        state = out[: made.rows]
    return state


@pytest.mark.parametrize(("dimension", "seed"), [(1, 0), (2, 0), (2, 1), (3, 0), (5, 0)])
@pytest.mark.parametrize("shape", TYPED)
def test_random_equations_on_random_quadratics(shape: str, dimension: int, seed: int) -> None:
    rng = np.random.default_rng((dimension, seed, len(TYPED[shape])))
    problem, point = quadratic(dimension, rng)
    values = {"lr": 0.01, **{name: round(float(rng.uniform(-0.9, 0.9)), 3) for name in "abcdk"}}
    optimizer = Optimizer.from_text("mine", TYPED[shape], {n: v for n, v in values.items() if n in names_of(TYPED[shape])})
    jacobian = step_jacobian(problem, optimizer, {}, point)
    rest = np.zeros((len(jacobian), 1))
    rest[:dimension, 0] = point
    if "p = x" in TYPED[shape]:
        at = (1 + optimizer.states.index("p")) * dimension
        rest[at : at + dimension, 0] = point
    nudge = 1e-5 * np.eye(len(jacobian))
    ahead, behind = (simulated(problem, optimizer, {}, rest + sign * nudge, 1) for sign in (1, -1))
    np.testing.assert_allclose((ahead - behind) / 2e-5, jacobian, atol=1e-6 * max(1.0, np.abs(jacobian).max()))

    def radius_at(rate: float) -> float:
        return float(np.abs(np.linalg.eigvals(step_jacobian(problem, optimizer, {"lr": rate}, point))).max())

    found = stability(problem, optimizer, {}, point)
    limit = found.largest_rate
    assert found.radius == pytest.approx(radius_at(0.01), rel=1e-9)
    if limit == 0.0:
        assert max(radius_at(rate) for rate in (1e-8, 1e-6, 1e-4)) > 1
        return
    assert max(radius_at(rate) for rate in limit * np.geomspace(1e-4, 0.9999, 20)) < 1 + 1e-9
    for factor, grows in ((0.98, False), (1.02, True)):
        radius = radius_at(factor * limit)
        assert (radius > 1) is grows
        epochs = int(25 / abs(math.log(radius))) + 1
        if epochs <= 2000:
            start = rest + 1e-9 * rng.normal(size=rest.shape)
            after = simulated(problem, optimizer, {"lr": factor * limit}, start, epochs)
            distance = np.abs(after - rest).max()
            assert not distance < 1e-7 if grows else distance < 1e-11


def names_of(equations: str) -> set[str]:
    return {name for line in equations.split("\n") for name in names_in(parse(line.partition("=")[2]))}


# -- the first crossing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("excess", [0.1, 1e-2, 1e-3, 1e-4, 1e-6])
def test_the_limit_is_the_first_of_several_however_narrow_the_gap(excess: float) -> None:
    """lr (lr - a)^2 peaks at 4 a^3/27, here just above 2: a gap in between two ranges of stable rates."""
    a = (27 / 2 * (1 + excess)) ** (1 / 3)
    mine = Optimizer.from_text("mine", "x = x - lr*(lr - a)^2*g", {"lr": 0.01, "a": a})
    crossings = np.sort(np.roots([1, -2 * a, a * a, -2]).real)
    found = stability(Problem.from_text("x^2/2 + y^2/4"), mine, {}, (0.0, 0.0))
    assert found.largest_rate == pytest.approx(crossings[0], rel=1e-6) and crossings[2] > 3


# -- choices whose other side is not smooth ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "equations",
    [
        "x = x - lr*where(norm(g) > 1, g/norm(g), g)",
        "x = x - lr*where(abs(g) > 1, sqrt(abs(g)), g)",
        "x = x - lr*where(dot(g, g) < 1, g, g/sqrt(dot(g, g)))",
        "x = x - lr*max(-1, min(1, g))",
    ],
)
def test_clipping_far_from_the_minimum_does_not_change_the_limit(equations: str) -> None:
    plain = stability(PEAKS, OPTIMIZERS["gd"], {}, PEAKS.minima[0])
    found = stability(PEAKS, Optimizer.from_text("mine", equations, {"lr": 0.01}), {}, PEAKS.minima[0])
    assert found.reason == "" and found.radius == pytest.approx(plain.radius, rel=1e-12)
    assert found.largest_rate == pytest.approx(plain.largest_rate, rel=1e-9)


def test_a_step_without_derivative_has_a_reason_instead_of_a_limit() -> None:
    mine = Optimizer.from_text("mine", "x = x - lr*g*(0 - 2)^g", {"lr": 0.01})
    found = stability(PEAKS, mine, {}, PEAKS.minima[0])
    assert found.reason == "the step has no derivative at the minimum" and math.isnan(found.largest_rate)


@pytest.mark.parametrize(
    "equations",
    ["x = x - lr*g/max(1, norm(g))", "x = x - max(-0.5, min(0.5, lr*g))", "x = x - lr*g*min(1, 5/(1 + abs(g)))"],
)
def test_sides_that_are_not_taken_at_a_minimum_do_not_count(equations):
    mine, plain = Optimizer.from_text("mine", equations, {"lr": 0.01}), OPTIMIZERS["gd"]
    assert stability(PEAKS, mine, {}, PEAKS.minima[0]) == stability(PEAKS, plain, {}, PEAKS.minima[0])


def test_a_step_that_grows_with_t_is_not_blamed_on_the_minimum():
    mine = Optimizer.from_text("mine", "x = x - lr*g*exp(t)", {"lr": 0.01})
    assert stability(PEAKS, mine, {}, PEAKS.minima[0]).reason == "the step has no finite value long after the start"


# -- many settings at once ---------------------------------------------------------------------------------------------


def ends(setting: Setting) -> np.ndarray:
    """Five values over a setting's range, its ends among them."""
    return np.geomspace(setting.low, setting.high, 5) if setting.log else np.linspace(setting.low, setting.high, 5)


@pytest.mark.parametrize("name", ["momentum", "nesterov", "adadelta", "adabelief", "radam", "adam"])
def test_radii_at_once_are_those_one_by_one(name):
    """Over the whole range of two settings, where some sets have no linear rate."""
    optimizer, point = OPTIMIZERS[name], exact(PEAKS)
    one, other = list(optimizer.settings)[:3:2] if name == "radam" else list(optimizer.settings)[:2]
    x, y = (grid.ravel() for grid in np.meshgrid(ends(optimizer.settings[one]), ends(optimizer.settings[other])))
    found = radii(PEAKS, optimizer, {one: x, other: y}, point)
    alone = [stability(PEAKS, optimizer, {one: a, other: b}, point).radius for a, b in zip(x, y, strict=True)]
    np.testing.assert_allclose(found, alone, rtol=1e-9)
    assert np.isnan(found).any() == (name in ("adabelief", "radam", "adam")) and np.isnan(found).all() == (name == "adam")


@pytest.mark.parametrize("seed", range(3))
def test_sets_without_a_rate_spoil_no_other(seed):
    """AdaBelief at beta1 = 0.9999 finds no point of rest; wherever such sets stand among the others, these keep theirs."""
    rng, optimizer, point = np.random.default_rng(seed), OPTIMIZERS["adabelief"], exact(PEAKS)
    beta1, lr = rng.choice([0.5, 0.9, 0.9999], 30), rng.uniform(1e-10, 1e-9, 30)
    found = radii(PEAKS, optimizer, {"beta1": beta1, "lr": lr}, point)
    assert np.isnan(found).tolist() == (beta1 == 0.9999).tolist() and (found[beta1 < 0.99] < 1).all()


def test_radii_of_single_numbers_and_of_none():
    point, optimizer = exact(PEAKS), OPTIMIZERS["momentum"]
    assert radii(PEAKS, optimizer, {}, point).tolist() == [stability(PEAKS, optimizer, {}, point).radius]
    assert np.isnan(radii(PEAKS, OPTIMIZERS["lion"], {}, point)).tolist() == [True]
    bare = Optimizer.from_text("bare", "x = x - 0.01*g")
    assert radii(PEAKS, bare, {}, point) == pytest.approx([np.abs(1 - 0.01 * np.linalg.eigvalsh(PEAKS.hessian(point))).max()])


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"lr": "0.1/t"}, "changes with t"),
        ({"lr": np.ones(2), "momentum": np.zeros(3)}, "2 and 3 values"),
        ({"lr": np.ones(0)}, "0 values"),
    ],
)
def test_radii_refuse(settings, says):
    with pytest.raises(ValueError, match=says):
        radii(PEAKS, OPTIMIZERS["momentum"], settings, PEAKS.minima[0])


def test_a_state_that_forgets_slowly_still_forgets():
    """One part in a million per step is not nothing: AdaDelta has a linear rate up to the end of the range of rho."""
    found = stability(PEAKS, OPTIMIZERS["adadelta"], {"rho": 0.999999}, exact(PEAKS))
    assert found.reason == "" and found.radius == pytest.approx(stability(PEAKS, OPTIMIZERS["adadelta"], {"rho": 0.99}, exact(PEAKS)).radius, rel=1e-6)
