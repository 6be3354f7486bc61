"""Where update equations are not smooth, place by place, against a numerical look at one-sided derivatives."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import OPTIMIZERS, Optimizer
from gdcore.nodes import array_value
from gdcore.smoothness import LineValues, reductions, rough_place


def alone(update: Any, names: dict[str, Any]) -> LineValues:
    """The line in the only coordinate there is."""
    return LineValues(update, names, reductions(update.tree, [names]))


def line_with(right: str) -> Optimizer:
    """Equations whose first line holds the expression; v and w are states, lr and p settings."""
    text = f"x = x - 0.01*({right})\nv = v\nw = w\nstate v = 1\nstate w = 2"
    return Optimizer.from_text("test", text, {"lr": 0.1, "p": 0.5})


def place(right: str, **values: Any) -> str:
    """What is said of that line at values of the names in it."""
    optimizer = line_with(right)
    names = {"x": 1.0, "g": 0.0, "f": 2.0, "v": 0.0, "w": 0.0, "t": 5.0, "T": 10.0, "lr": 0.1, "p": 0.5} | values
    arrays = {name: np.atleast_1d(np.asarray(value, dtype=float)) for name, value in names.items()}
    return rough_place(optimizer, [alone(optimizer.updates[0], arrays)])


ROUGH = {
    "sqrt(v)": "line 1 takes the square root of v, which is 0 at a minimum",
    "cbrt(v + g)": "line 1 takes the cube root of v + g, which is 0 at a minimum",
    "abs(g)": "line 1 takes the absolute value of g, which has a kink at 0",
    "sign(g)": "line 1 takes the sign of g, which jumps at 0",
    "norm(g)": "line 1 takes the length of g, which has a kink at 0",
    "log(1 + v - 1)": "line 1 takes the logarithm of 1 + v - 1, which is 0 at a minimum",
    "g/v": "line 1 divides by v, which is 0 at a minimum",
    "g^1.5": "line 1 takes a power of g, which is 0 at a minimum",
    "g^p": "line 1 takes a power of g",
    "v^(-2)": "line 1 takes a power of v",
    "floor(v)": "line 1 rounds v",
    "ceil(x)": "line 1 rounds x",
    "mod(x, 2)": "line 1 rounds x",
    "max(v, w)": "line 1 takes the max of v, w, which are equal at a minimum",
    "min(g, 0)": "line 1 takes the min of g, 0, which are equal at a minimum",
    "max(v, w, -1)": "line 1 takes the max of v, w, -1, which are equal",
    "where(g > 0, 1, 2)": "line 1 switches at g > 0, which is undecided at a minimum",
    "where(v + g <= w, g, 0)": "line 1 switches at v + g <= w",
    "g*exp(sin(abs(v)))": "line 1 takes the absolute value of v",
    "where(x > 0, sqrt(v), 1)": "line 1 takes the square root of v",
    "where(x > 3, 1, sqrt(v))": "line 1 takes the square root of v",
}
SMOOTH = (
    "g", "g*v^2 + exp(w)", "sqrt(v + 1)", "abs(x)", "sign(x)", "norm(x)", "log(f)", "g/x", "g^2", "g^3*v^0", "x^1.5", "max(v, w, 1)",
    "max(x, v)", "min(0.5, g)", "where(x > 0, g, sqrt(v))", "where(x < 0, g/v, g)", "where(t > 3, g, abs(g)*0 + g*0)", "floor(t/2)*g",
    "sqrt(1 - p^t)*g", "max(lr, 0.1)*g", "abs(t - 5)*g", "where(t > 5, lr, p)*g", "mod(t, 2)*g",
)  # fmt: skip


@pytest.mark.parametrize("right", ROUGH)
def test_what_is_not_smooth_is_named_with_its_place(right: str) -> None:
    assert place(right).startswith(ROUGH[right])


@pytest.mark.parametrize("right", SMOOTH)
def test_what_is_smooth_is_let_pass(right: str) -> None:
    assert place(right) == ""


@pytest.mark.parametrize("right", [*ROUGH, *SMOOTH])
def test_the_verdict_agrees_with_one_sided_differences(right: str) -> None:
    """Along a direction that moves everything a run changes, the slopes from both sides agree exactly where it is smooth."""
    tree = line_with(right).updates[0].tree
    base = {"x": 1.0, "g": 0.0, "f": 2.0, "v": 0.0, "w": 0.0}
    way = {"x": 0.3, "g": 1.0, "f": 0.7, "v": 0.6, "w": -0.4}
    fixed = {"t": 5.0, "T": 10.0, "lr": 0.1, "p": 0.5}

    def along(h: float) -> float:
        return float(array_value(tree, {name: base[name] + h * way[name] for name in base} | fixed))

    middle, slopes = along(0.0), []
    for h in (1e-5, 1e-9):
        slopes.append((along(h) - middle) / h)
        slopes.append((middle - along(-h)) / h)
    agree = bool(np.isfinite(slopes).all() and np.ptp(slopes) < 1e-4)
    assert agree is (right in SMOOTH or right in CAUTIOUS)


CAUTIOUS = {"mod(x, 2)", "g*exp(sin(abs(v)))"}  # it jumps elsewhere; the kink is multiplied by 0: refused all the same


def test_parts_of_settings_and_clock_alone_are_smooth() -> None:
    assert place("abs(t - 5)*where(lr > 0.1, 1, 2)*floor(lr)*max(lr, p, 0.5)*g") == ""
    assert place("abs(t - 5 + g)") != ""


def test_any_of_several_settings_is_enough() -> None:
    assert place("abs(v)", v=[1.0, 2.0]) == "" and "kink" in place("abs(v)", v=[1.0, 0.0])
    assert place("max(v, w)", v=[1.0, 2.0], w=[0.0, 3.0]) == "" and "equal" in place("max(v, w)", v=[1.0, 2.0], w=[0.0, 2.0])
    assert "root" in place("where(x > 0, sqrt(v), 1)", x=[-1.0, 1.0]) and place("where(x > 0, sqrt(v), 1)", x=[-1.0, -2.0]) == ""


def test_the_first_line_that_is_rough_is_named() -> None:
    optimizer = Optimizer.from_text("test", "m = g\n\nx = x - 0.1*m\ns = abs(m)\nq = sqrt(s)")
    values = {name: np.zeros(1) for name in ("x", "g", "m", "s", "q")}
    lines = [alone(update, values) for update in optimizer.updates]
    assert rough_place(optimizer, lines).startswith("line 4 takes the absolute value of m")
    assert rough_place(optimizer, lines[:2]) == "" and rough_place(optimizer, lines[3:]).startswith("line 5")


def test_long_expressions_are_shortened() -> None:
    said = place("abs(" + " + ".join(["g*v*w"] * 12) + ")")
    assert "…" in said and len(said) < 120


@given(st.sampled_from([r for r in ROUGH if r not in ("ceil(x)", "mod(x, 2)", "floor(v)")]), st.floats(0.1, 3), st.floats(0.1, 3))
def test_away_from_zero_and_ties_everything_is_smooth(right: str, g: float, more: float) -> None:
    assert place(right, g=g, v=g + more, w=g + 3 * more, x=2.0) == ""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_built_ins_are_smooth_away_from_rest(name: str) -> None:
    """Every name a number of its own, far from zeros and ties: only at a minimum may something be wrong."""
    optimizer = OPTIMIZERS[name]
    names = ["x", "g", "f", *{update.target for update in optimizer.updates}, *optimizer.states]
    values: dict[str, Any] = {key: np.array([0.37 + 0.11 * k]) for k, key in enumerate(sorted(set(names)))}
    values |= {key: np.array([value]) for key, value in optimizer.defaults.items()} | {"t": np.array([3000.0]), "T": np.array([1e4])}
    assert rough_place(optimizer, [alone(update, values) for update in optimizer.updates]) == ""


def test_norm_and_dot_are_those_of_the_whole_vector() -> None:
    """At (0, 1) the length of x is 1 and smooth, although one coordinate is 0."""
    optimizer = Optimizer.from_text("test", "x = x - 0.1*g/(1 + norm(x)) + 0*sqrt(dot(x, x))")
    here = [{"x": np.array([value]), "g": np.zeros(1)} for value in (0.0, 1.0)]
    known = reductions(optimizer.updates[0].tree, here)
    assert sorted(float(value[0]) for value in known.values()) == [1.0, 1.0]
    assert rough_place(optimizer, [LineValues(optimizer.updates[0], names, known) for names in here]) == ""
    origin = [{"x": np.zeros(1), "g": np.zeros(1)}] * 2
    known = reductions(optimizer.updates[0].tree, origin)
    assert "the length of x" in rough_place(optimizer, [LineValues(optimizer.updates[0], names, known) for names in origin])
