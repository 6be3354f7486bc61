"""The text of a step over lanes: only own names in it, cut where it must be, and worth what the program is worth."""

import ast
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Problem
from gdcore.kernel import kernel, program_of
from gdcore.lanes import CROSSING, LANES, OVER, RUNNING, LaneCode, write

VECTOR = "exp sqrt abs sign floor ceil maximum minimum greater_equal greater where sin cos".split()
LIMITED = {"sin": 100.0, "cos": 100.0}
FORMULAS = {
    "plain": "x^2*y + y^4 - 3*x + 2",
    "vector": "exp(-x^2) + abs(y) + max(x, y)",
    "limited": "sin(3*x) + cos(y)*sin(x*y)",
    "nested": "sin(cos(sin(x)) + y) + y^2",
    "calls": "tan(x) + erf(y) + atan2(x, y + 9)",
    "poles": "1/x + log(y + 5)",
    "numbers beside lines": "sin(x)*exp((1-cos(y))^2) + cos(y)*exp((1-sin(x))^2) + (x-y)^2",
    "one variable missing": "x^2 + 0*y",
    "constant": "x - x + y - y + 7",
}


def code_of(formula: str, optimizer: str = "momentum") -> LaneCode:
    problem = Problem.from_text(formula)
    recipe = kernel(problem, OPTIMIZERS[optimizer], OPTIMIZERS[optimizer].defaults_for(problem), 10).recipe
    return write(program_of(recipe, cells=True), problem.dimension, VECTOR, LIMITED)


def numpy_scope() -> dict[str, Any]:
    """The names of the text, meaning numpy's functions on single numbers."""
    from scipy.special import erf

    names = "exp log sqrt sign floor ceil maximum minimum greater_equal greater where sin cos tan arctan2".split()
    scope: dict[str, Any] = {name: getattr(np, name) for name in names} | {"abs": np.abs, "erf": erf}
    scope |= {f"scalar_{name}": function for name, function in scope.items()}
    scope |= {"carray": lambda array, _: array, "int64": int, "absolute": abs, "difference": lambda a, b: a - b}
    return scope | {"inf": np.inf, "nan": np.nan}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("optimizer", ["gd", "momentum", "adam"])
def test_the_text_does_what_the_kernel_does(name: str, optimizer: str) -> None:
    problem = Problem.from_text(FORMULAS[name])
    settings = OPTIMIZERS[optimizer].defaults_for(problem)
    made = kernel(problem, OPTIMIZERS[optimizer], settings, 10)
    program = program_of(made.recipe, cells=True)
    code = write(program, 2, VECTOR, LIMITED)
    layout = code.layout
    points = np.random.default_rng(1).uniform(-3, 3, (LANES, 2))
    points[5] = 1e3, 2e3  # beyond what the vector forms of LIMITED hold for
    state = made.start(points)
    state[2:] = np.random.default_rng(2).uniform(0.1, 1, state[2:].shape)
    out = np.empty((made.rows + 3, LANES))
    with np.errstate(all="ignore"):
        made.step(3, state, out, np.empty((made.workspace_rows, LANES)))
    block = np.zeros(layout.rows * LANES)
    block[: state.size] = state.ravel()
    block[(layout.value + 3) * LANES :][:LANES] = 1.0
    scope = numpy_scope()
    exec(code.source, scope)
    with np.errstate(all="ignore"):
        scope["step"](block, numbers(made, program, layout))
    rows = block.reshape(layout.rows, LANES)
    np.testing.assert_allclose(rows[: made.rows], out[: made.rows], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(rows[layout.value], out[made.rows], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(rows[layout.value + 1], (out[made.rows + 1 :] ** 2).sum(axis=0), rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(rows[layout.here : layout.here + 2], points.T)
    if layout.cells:
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(rows[layout.here + 2 : layout.here + 2 + layout.cells], problem.cells(points).T)


def numbers(made: Any, program: Any, layout: Any) -> Any:
    """A row of the table for step 3, with no tolerance and no bounds."""
    compiled = pytest.importorskip("gdcore.compiled")
    step = SimpleNamespace(program=program, layout=layout)
    fixed = np.array([-1.0, 1e-4, 1e-4, 0.0, 0.0, 1e9, 1e9])
    return compiled.LaneStep.table(step, made, fixed, range(3, 4), np.array([True]))[0]


@pytest.mark.parametrize("name", FORMULAS)
def test_flags_tell_what_happens_to_a_lane(name: str) -> None:
    """A lane that stands still, one that is far away, one without value, and lanes nobody looks at."""
    problem = Problem.from_text(FORMULAS[name])
    made = kernel(problem, OPTIMIZERS["gd"], {"lr": 1e-9}, 10)
    program = program_of(made.recipe, cells=True)
    code = write(program, 2, VECTOR, LIMITED)
    layout = code.layout
    points = np.random.default_rng(3).uniform(0.2, 2.0, (LANES, 2))
    points[7], points[9], points[11] = (np.nan, 1), (50.0, 1.0), (50.0, 1.0)
    block = np.zeros(layout.rows * LANES)
    block[: 2 * LANES] = points.T.ravel()
    if layout.cells:
        block[(layout.here + 2) * LANES :][: layout.cells * LANES] = np.nan_to_num(problem.cells(points)).T.ravel()
    block[(layout.value + 3) * LANES :][:LANES] = 1.0
    block[(layout.value + 3) * LANES + 11] = 0.0
    row = numbers(made, program, layout)
    row[1:8] = [1e300, 1e9, 1e9, 0.0, 0.0, 10.0, 10.0]  # every gradient is small, every step short, 10 is far away
    scope = numpy_scope()
    exec(code.source, scope)
    with np.errstate(all="ignore"):
        assert scope["step"](block, row)
    flags = block[(layout.value + 2) * LANES :][:LANES]
    assert flags[7] == flags[9] == OVER and flags[11] == RUNNING
    assert (np.delete(flags, [7, 9, 11]) == OVER).all()
    row[1], row[0] = -1.0, 0.0  # no gradient is small, nobody looks at the distance
    block[: 2 * LANES] = points.T.ravel()
    with np.errstate(all="ignore"):
        scope["step"](block, row)
    flags = block[(layout.value + 2) * LANES :][:LANES]
    assert flags[7] == OVER or name == "constant"  # which has a value even there
    assert set(np.delete(flags, [7, 9])) <= {RUNNING, CROSSING}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_only_own_names_and_numbers_are_in_the_text(name: str, optimizer: str) -> None:
    known = {"step", "workspace", "numbers", "w", "c", "i", "flags", "flag", "looks", "tolerance", "f", "g", "over", "still"}
    known |= {"near", "small", "crossed", "range", *numpy_scope()}
    known |= {f"scalar_{operation}" for operation in ("power", "mod", "arcsin", "tanh")} | {"power", "mod"}
    for node in ast.walk(ast.parse(code_of(FORMULAS[name], optimizer).source)):
        assert not isinstance(node, (ast.Attribute, ast.Import, ast.ImportFrom, ast.Lambda, ast.JoinedStr))
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name) and node.func.id in known
        elif isinstance(node, ast.Name):
            stem = node.id.rstrip("0123456789")
            assert node.id in known or (stem in ("v", "r", "k", "n", "large", "longest", "centre", "reach") and stem != node.id)


def test_loops_hold_no_calls_but_those_with_a_vector_form() -> None:
    for name, formula in FORMULAS.items():
        tree = ast.parse(code_of(formula).source)
        for loop in (node for node in ast.walk(tree) if isinstance(node, ast.For)):
            called = {node.func.id for node in ast.walk(loop) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
            apart = {call for call in called if call.startswith("scalar_")}
            assert not apart or len(loop.body) == 1, name
            assert called - apart <= {*VECTOR, "range", "int64", "absolute", "difference"}, name


@pytest.mark.parametrize("name", ["peaks", "rastrigin", "hartmann_3"])
def test_spilled_values_are_few(name: str) -> None:
    problem = GALLERY[name]
    recipe = kernel(problem, OPTIMIZERS["adam"], OPTIMIZERS["adam"].defaults, 10).recipe
    code = write(program_of(recipe, cells=True), problem.dimension, VECTOR, LIMITED)
    assert code.layout.rows < 60
