"""Update equations written out: random ones against an interpreter that walks the tree, and what composing refuses."""

import math
import random
import time
from functools import reduce
from typing import Any

import numpy as np
import pytest

from gdcore import FormulaError, Optimizer, Problem
from gdcore.composition import compose
from gdcore.equations import read_equations
from gdcore.kernel import kernel
from gdcore.nodes import Binary, Call, Compare, Constant, Name, Negate, Node, Number
from gdcore.optimizers import _as_stated

PROBLEMS = {
    1: Problem.from_text("x^2 + sin(3*x)", box={"x": (-2, 2)}),
    2: Problem.from_text("a*x^2 + x*y + y^4 + cos(y)", parameters={"a": 1.5}),
    3: Problem.from_text("x^2 + x*y + y^4 + cos(z)*y + z^2/2", box={name: (-2, 2) for name in "xyz"}),
}
SCHEDULES = {"0.3/t": lambda t, T: 0.3 / t, "0.1*t/T": lambda t, T: 0.1 * t / T, "exp(-t/T)": lambda t, T: math.exp(-t / T)}
STARTS, EPOCHS, CASES = 3, 5, 25


# -- an interpreter, one start at a time -------------------------------------------------------------------------------

ARITHMETIC: dict[str, Any] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power,
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip
PLAIN: dict[str, Any] = {
    "sqrt": np.sqrt, "abs": np.abs, "sign": np.sign, "exp": np.exp, "sin": np.sin, "tanh": np.tanh, "cbrt": np.cbrt,
}  # fmt: skip


def interpret(node: Node, names: dict[str, Any]) -> Any:
    """The value of a tree in every coordinate, (d,)."""
    d = len(names["x"])
    if isinstance(node, Number):
        return np.full(d, node.value)
    if isinstance(node, Constant):
        return np.full(d, math.pi if node.name == "pi" else math.e)
    if isinstance(node, Name):
        return np.broadcast_to(np.asarray(names[node.name], dtype=float), d)
    if isinstance(node, Negate):
        return -interpret(node.argument, names)
    if isinstance(node, (Binary, Compare)):
        return ARITHMETIC[node.operator](interpret(node.left, names), interpret(node.right, names))
    assert isinstance(node, Call)
    parts = [interpret(argument, names) for argument in node.arguments]
    if node.function == "norm":
        return np.full(d, math.sqrt(sum(v * v for v in parts[0])))
    if node.function == "dot":
        return np.full(d, sum(u * v for u, v in zip(*parts, strict=True)))
    if node.function == "where":
        return np.where(*parts)
    if node.function in ("min", "max"):
        return reduce(np.minimum if node.function == "min" else np.maximum, parts)
    return PLAIN[node.function](parts[0])


def walk(optimizer: Optimizer, problem: Problem, settings: dict[str, Any], row: int, start: Any) -> list[Any]:
    """Positions after each epoch, from the definition alone."""

    def numbers(t: int) -> dict[str, float]:
        given = {name: value[row] if isinstance(value, np.ndarray) else value for name, value in settings.items()}
        return {name: SCHEDULES[v](t, EPOCHS) if isinstance(v, str) else float(v) for name, v in given.items()}

    now: dict[str, Any] = {"x": np.array(start)}
    for name, tree in optimizer.initial:
        now[name] = np.zeros(len(start)) if tree is None else interpret(tree, {**numbers(1), "x": now["x"]})
    path = []
    for t in range(1, EPOCHS + 1):
        now |= numbers(t) | {"t": t, "T": EPOCHS, "g": problem.gradient(now["x"]), "f": float(problem.value(now["x"]))}
        for update in optimizer.updates:
            now[update.target] = interpret(update.tree, now)
        path.append(now["x"])
    return path


def kernel_path(optimizer: Optimizer, problem: Problem, settings: dict[str, Any], starts: Any) -> Any:
    """The same positions from the compiled step, (epochs, d, n)."""
    made, seen = kernel(problem, optimizer, settings, EPOCHS), []
    state, workspace = made.start(starts), np.empty((made.workspace_rows, len(starts)))
    for t in range(1, EPOCHS + 1):
        out = np.empty((made.rows + 1 + made.dimension, len(starts)))
        made.step(t, state, out, workspace)
        state = out[: made.rows]
        seen.append(state[: made.dimension])
    return np.array(seen)


# -- random equations --------------------------------------------------------------------------------------------------


def expression(choose: random.Random, names: list[str], depth: int) -> str:
    if depth == 0 or choose.random() < 0.15:
        return choose.choice(names) if choose.random() < 0.75 else choose.choice(["2", "0.5", "0.1", "3", "1", "pi", "1.7"])

    def inner() -> str:
        return expression(choose, names, depth - 1)

    shape = choose.random()
    if shape < 0.45:
        return f"({inner()} {choose.choice('+-*/')} {inner()})"
    if shape < 0.53:
        return f"({inner()})^{choose.choice(['2', '3', '0.5', '-1', '1.5', f'({inner()})'])}"
    if shape < 0.58:
        return f"-({inner()})"
    if shape < 0.75:
        return f"{choose.choice(sorted(PLAIN))}({inner()})"
    if shape < 0.83:
        return f"{choose.choice(['min', 'max'])}({inner()}, {inner()})"
    if shape < 0.91:
        return f"where({inner()} {choose.choice(['<', '<=', '>', '>='])} {inner()}, {inner()}, {inner()})"
    return f"norm({inner()})" if shape < 0.96 else f"dot({inner()}, {inner()})"


def equations(choose: random.Random) -> str:
    states = ["v", "w", "h"][: choose.randint(0, 3)]
    names = ["x", "g", "f", "t", "T", "alpha", "beta", *states]
    lines = [f"state {name} = {choose.choice(['0.5', 'alpha', 'beta/2'])}" for name in states if choose.random() < 0.5]
    for name in states + ["u", "q"][: choose.randint(0, 2)]:
        lines.append(f"{name} = {expression(choose, names, choose.randint(1, 4))}")
        names += [name] if name in "uq" else []
    lines.append(f"x = x - 0.1*tanh({expression(choose, names, choose.randint(1, 4))})")
    return "\n".join([*lines, f"{choose.choice(states)} = {expression(choose, names, 2)}"] if states else lines)


def settings_for(choose: random.Random, seed: int) -> dict[str, Any]:
    kind = choose.randint(0, 2)
    if kind == 0:
        return {"alpha": 0.3, "beta": 0.7}
    if kind == 1:
        return {"alpha": choose.choice(sorted(SCHEDULES)), "beta": 0.7}
    return {"alpha": 0.3, "beta": np.random.default_rng(seed).uniform(0.1, 0.9, STARTS)}


@pytest.mark.parametrize("block", range(8))
def test_random_equations_equal_an_interpreter(block: int) -> None:
    """Where the interpreter has values that a rounding error in the start does not change."""
    compared = 0
    for seed in range(block * CASES, (block + 1) * CASES):
        choose = random.Random(seed)
        problem, text = PROBLEMS[choose.randint(1, 3)], equations(choose)
        settings = settings_for(choose, seed)
        starts = np.random.default_rng(seed).uniform(-1.5, 1.5, (STARTS, problem.dimension))
        with np.errstate(all="ignore"):
            try:
                optimizer = _as_stated("random", text, {"alpha": 0.3, "beta": 0.7})
                found = kernel_path(optimizer, problem, settings, starts)
            except FormulaError as error:
                assert str(error).startswith("line "), text
                continue
            for row, start in enumerate(starts):
                wanted = np.array(walk(optimizer, problem, settings, row, start))
                moved = np.array(walk(optimizer, problem, settings, row, start * (1 + 1e-12)))
                steady = np.logical_and.accumulate((np.abs(moved - wanted) <= 1e-9).all(axis=1))
                np.testing.assert_allclose(found[steady, :, row], wanted[steady], rtol=1e-6, atol=1e-7, err_msg=f"{seed}: {text}")
                compared += int(steady.sum())
    assert compared > CASES * STARTS


# -- norm and dot ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize(
    ("line", "worth"),
    [
        ("norm(3)", lambda d: 3 * math.sqrt(d)),
        ("dot(2, 3)", lambda d: 6 * d),
        ("exp(norm(1)/2)*2", lambda d: 2 * math.exp(math.sqrt(d) / 2)),
        ("norm(norm(0.5))", lambda d: d / 2),
        ("1 + dot(1, dot(2, lr))", lambda d: 1 + 0.2 * d**2),
        ("norm(t - t + 2)", lambda d: 2 * math.sqrt(d)),
    ],
)
def test_a_constant_counts_once_for_every_coordinate(dimension: int, line: str, worth: Any) -> None:
    problem = PROBLEMS[dimension]
    found = kernel_path(_as_stated("mine", f"x = {line}", {"lr": 0.1}), problem, {"lr": 0.1}, np.zeros((1, dimension)))
    np.testing.assert_allclose(found[0, :, 0], worth(dimension), rtol=1e-14)


@pytest.mark.parametrize("inside", ["norm(g*", "dot(x, 1 + ", "norm(1 + x*norm(g + "])
def test_nested_lengths_cost_no_more_than_they_are_long(inside: str) -> None:
    depth = 36 // inside.count("(")
    began = time.perf_counter()
    text = "x = x - 0.001*tanh(" + inside * depth + "1" + ")" * inside.count("(") * depth + ")"
    optimizer = Optimizer.from_text("nested", text)
    starts = np.array([[0.3, -0.2, 0.4]])
    found = kernel_path(optimizer, PROBLEMS[3], {}, starts)
    assert time.perf_counter() - began < 2
    np.testing.assert_allclose(found[0, :, 0], walk(optimizer, PROBLEMS[3], {}, 0, starts[0])[0], rtol=1e-9)


def test_equal_lengths_are_computed_once() -> None:
    composed = compose(_as_stated("mine", "x = x - g/norm(g) + g*norm(g)/(1 + norm(g))"), 2)
    assert [len(line.expressions) for line in composed.lines] == [1, 2]


# -- what has no value -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("asin(x - x + 2)", "line 2: a constant part of the formula has no finite real value"),
        ("acosh(g - g)", "line 2: the formula has no finite real value"),
        ("g*log(x - x)", "line 2: the formula has no finite real value"),
        ("g/(g - g)", "line 2: the divisor at 6 is always 0"),
        ("1e308*(1e308*g)", "line 2: numbers in the formula or its derivatives leave the 64-bit range"),
        ("lr*g*1e308 - 1e308*lr*(0 - g)", "line 2: numbers in the formula"),
        ("g/(1e-308*(1e-308*lr))", "line 2: numbers in the formula"),
    ],
)
def test_a_line_that_never_has_a_value_is_refused_by_its_number(line: str, says: str) -> None:
    with pytest.raises(FormulaError) as caught:
        Optimizer.from_text("mine", f"p = g\nq = {line}\nx = x - lr*p - q")
    assert says in str(caught.value) and len(str(caught.value)) <= 160
    assert caught.value.position is not None and caught.value.position >= 6


def test_what_cancels_in_one_variable_only_is_no_mistake() -> None:
    text = "x = x - lr*g/(1 + (dot(g, x) - g*x)^2)"
    assert read_equations(text, ()) and Optimizer.from_text("mine", text).states == ()
