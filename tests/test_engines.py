"""Two engines, one answer: labels, endings and positions of both agree, and what cannot be compiled is told or done otherwise."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gdcore import (
    GALLERY,
    OPTIMIZERS,
    Experiment,
    Findings,
    Optimizer,
    Problem,
    Setting,
    Starts,
    Stopping,
    engines,
    run,
)
from gdcore.engines import EngineError, chosen
from gdcore.experiment import run_each
from gdcore.kernel import kernel

pytest.importorskip("numba")

PEAKS = GALLERY["peaks"]
NAMES = list(GALLERY)
FEW = {key: (NAMES[3 * k :] + NAMES[: 3 * k])[::17] + ["peaks"] for k, key in enumerate(OPTIMIZERS)}


def chaotic(experiment: Experiment, found: Findings) -> Any:
    """Which runs come out otherwise, by more than 1e-10, when the start or the rate changes by 1e-12 of itself, (n,).

    Or when the origin is moved: a run that hovers is driven by the rounding of a gradient that is nearly 0, and only this
    changes that. Optimizers that pull towards the origin are not asked.
    """
    unsteady = np.zeros(found.count, bool)
    for start, rate in ((1 + 1e-12, 1.0), (1 - 1e-12, 1.0), (1.0, 1 + 1e-12), (1.0, 1 - 1e-12), (1 + 1e-13, 1 - 1e-13)):
        settings = dict(experiment.settings)
        if "lr" in settings:
            settings["lr"] = settings["lr"] * rate
        other = replace(experiment, settings=settings, starts=Starts.at(found.starts * start))
        unsteady |= ~alike(found, run(other, engine="numpy"), 1e-10)
    if experiment.settings.get("weight_decay", 0) == 0:
        for shift in (0.7310585786300049, -0.41, 0.217, -1.13):
            unsteady |= ~alike(found, moved(experiment, found, shift), 1e-10)
    return unsteady


def moved(experiment: Experiment, found: Findings, shift: float) -> Findings:
    """The findings of the same runs in coordinates that are larger by `shift` times the box's width, moved back."""
    problem = experiment.problem
    by = shift * (problem.highs - problem.lows)
    text = problem.text()
    for name, amount in zip(problem.variables, by, strict=True):
        text = re.sub(rf"\b{name}\b", f"({name}-({float(amount)!r}))", text)
    box = {name: (low + b, high + b) for (name, (low, high)), b in zip(problem.box.items(), by.tolist(), strict=True)}
    there = Problem.from_text(text, box=box, parameters=problem.parameters)
    other = run(replace(experiment, problem=there, starts=Starts.at(found.starts + by)), engine="numpy")
    minima = tuple(replace(m, point=tuple(np.array(m.point) - by)) for m in other.minima)
    return replace(other, starts=found.starts, ends=other.ends - by, minima=minima, experiment=experiment)


def places(found: Findings) -> Any:
    """Where the minimum lies that each start is labelled with, (n, d); nan where none."""
    points = np.array([m.point for m in found.minima] + [[np.nan] * found.starts.shape[1]])
    return points[found.labels]


def alike(one: Findings, other: Findings, tolerance: float) -> Any:
    """Whether runs end in the same way, at the same minimum and place, to so many box widths or of the place's own size, (n,)."""
    problem = one.experiment.problem
    with np.errstate(all="ignore"):
        scale = np.maximum(problem.highs - problem.lows, np.abs(one.ends))
        same = (np.abs(one.ends - other.ends) <= tolerance * scale) | ~np.isfinite(one.ends)
        labels = np.isclose(places(one), places(other), rtol=0, atol=1e-6 * (problem.highs - problem.lows), equal_nan=True)
    return same.all(axis=1) & labels.all(axis=1) & (one.ending_codes == other.ending_codes)


def agree(experiment: Experiment) -> float:
    """Asserts that both engines find the same, chaotic runs aside; returns the share of these."""
    one, other = run(experiment, engine="numpy"), run(experiment, engine="compiled")
    np.testing.assert_array_equal(one.starts, other.starts)
    apart = ~alike(one, other, 1e-9)
    unsteady = chaotic(experiment, one) if apart.any() else np.zeros(one.count, bool)
    assert not (apart & ~unsteady).any(), np.flatnonzero(apart & ~unsteady)
    if not unsteady.any():
        assert len(one.minima) == len(other.minima)
        np.testing.assert_array_equal(one.labels, other.labels)
    return float(unsteady.mean())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_does_the_same_in_both_engines(name: str) -> None:
    optimizer, shares = OPTIMIZERS[name], []
    for key in FEW[name]:
        problem = GALLERY[key]
        shares.append(agree(Experiment(problem, optimizer, optimizer.defaults_for(problem), Starts(count=150), Stopping(300))))
    assert min(shares) < 0.5  # not all of it is chaos


@pytest.mark.parametrize("name", GALLERY)
def test_every_problem_is_descended_the_same_in_both_engines(name: str) -> None:
    problem = GALLERY[name]
    share = agree(Experiment(problem, OPTIMIZERS["gd"], {"lr": problem.rate}, Starts(count=300, seed=3), Stopping(400)))
    assert share < 0.2


ROUGH = {
    "poles": ("1/x + x^2 + log(y + 3)", (-3, 3)),
    "harmless cells": ("sin(x)/x + y^2/10 + x^2/50", (-8, 8)),
    "tangent": ("tan(x) + x^2 + y^2", (-4, 4)),
    "kinks": ("abs(x) + abs(y - 0.3) + 0.1*x*y", (-1, 1)),
    "a part without value": ("sqrt(x - y) + x^2 + y^2", (-2, 2)),
    "diverging": ("-x^2 - y^4", (-2, 2)),
    "rounding": ("floor(3*x)/10 + x^2 + mod(y, 1) + y^2", (-2, 2)),
    "calls in two stages": ("atan2(y, x + 5)*asinh(x*y) + x^2 + y^2 + erf(sin(x))", (-2, 2)),
    "large angles": ("cos(10000000*x)/100000000000000 + x^2 + y^2", (-2, 2)),
    "no gradient": ("sign(x)*sign(y)", (-2, 2)),
    "constant": ("x - x + y - y + 3", (-2, 2)),
}


@pytest.mark.parametrize("name", ROUGH)
@pytest.mark.parametrize("optimizer", ["gd", "adam", "rprop"])
def test_poles_kinks_holes_and_escapes_are_judged_the_same(name: str, optimizer: str) -> None:
    formula, limits = ROUGH[name]
    problem = Problem.from_text(formula, box={"x": limits, "y": limits})
    share = agree(Experiment(problem, OPTIMIZERS[optimizer], {}, Starts(count=300, seed=1), Stopping(250)))
    assert share < 0.2


@pytest.mark.parametrize("epochs", [1, 15, 16, 31, 32, 33, 48, 100])
@pytest.mark.parametrize("tolerance", [0.0, 1e-2])
def test_every_number_of_epochs_ends_where_it_says(epochs: int, tolerance: float) -> None:
    experiment = Experiment(PEAKS, OPTIMIZERS["momentum"], {}, Starts(count=600), Stopping(epochs, tolerance))
    one, other = run(experiment, engine="numpy"), run(experiment, engine="compiled")
    np.testing.assert_array_equal(one.epochs, other.epochs)
    np.testing.assert_array_equal(one.ending_codes, other.ending_codes)
    np.testing.assert_allclose(one.ends, other.ends, rtol=0, atol=1e-9)
    np.testing.assert_allclose(one.end_values, other.end_values, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(one.gradient_norms, other.gradient_norms, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 8191, 8192, 20_000])
def test_any_number_of_starts_fits_into_blocks_and_chunks(count: int) -> None:
    experiment = Experiment(PEAKS, OPTIMIZERS["gd"], {"lr": 0.02}, Starts(count=count), Stopping(120))
    one, other = run(experiment, engine="numpy"), run(experiment, engine="compiled")
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.ending_codes, other.ending_codes)
    np.testing.assert_array_equal(one.epochs, other.epochs)


def test_a_run_alone_equals_itself_in_a_batch_with_any_number_of_threads() -> None:
    experiment = Experiment(PEAKS, OPTIMIZERS["adam"], {"lr": 0.05}, Starts(count=3000, seed=4), Stopping(200))
    batch = run(experiment, engine="compiled", threads=3)
    other = run(experiment, engine="compiled", threads=1)
    for name in ("ends", "end_values", "gradient_norms", "epochs", "ending_codes", "labels"):
        np.testing.assert_array_equal(getattr(batch, name), getattr(other, name), err_msg=name)
    for i in (0, 700, 2999):
        alone = run(replace(experiment, starts=Starts.at(batch.starts[i])), engine="compiled")
        np.testing.assert_array_equal(alone.ends[0], batch.ends[i])
        assert alone.epochs[0] == batch.epochs[i] and alone.ending_codes[0] == batch.ending_codes[i]


def test_schedules_and_settings_per_start_and_targets_agree() -> None:
    experiment = Experiment(PEAKS, OPTIMIZERS["momentum"], {"lr": "0.02/(1 + t/T)"}, Starts(count=200), Stopping(150))
    columns = {"lr": np.array([0.5, 1.0, 2.0]), "momentum": np.array([0.5, 0.8, 0.9])}
    one, other = (run_each(experiment, columns, engine=engine, target=-6.0) for engine in ("numpy", "compiled"))
    np.testing.assert_allclose(one.ends, other.ends, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(one.labels, other.labels)
    assert one.hits is not None and other.hits is not None and (one.hits >= 0).any()
    np.testing.assert_array_equal(one.hits, other.hits)


def test_a_jump_ends_a_run_and_what_it_sees_afterwards_does_not_count() -> None:
    problem = Problem.from_text("1/x + x", box={"x": (0.1, 5)})
    experiment = Experiment(problem, OPTIMIZERS["gd"], {"lr": 0.3}, Starts(count=500), Stopping(300))
    one, other = (run(experiment, engine=engine, target=-1.0) for engine in ("numpy", "compiled"))
    np.testing.assert_array_equal(one.ending_codes, other.ending_codes)
    np.testing.assert_array_equal(one.epochs, other.epochs)
    assert one.hits is not None and other.hits is not None
    np.testing.assert_array_equal(one.hits, other.hits)


def test_runs_at_infinity_are_judged_the_same_and_without_a_warning() -> None:
    flat = Problem.from_text("atan(x) + atan(y)")
    far = Starts.at([[np.inf, 1.0], [1e200, -np.inf]])
    thrown = Optimizer.from_text("thrown", "x = x - c*g", {"c": Setting(1.0)})  # across the pole and out of all numbers
    for experiment in (
        Experiment(flat, OPTIMIZERS["gd"], {"lr": 0.1}, far, Stopping(40)),
        Experiment(Problem.from_text("1/x + 1/y"), thrown, {"c": 1e200}, Starts.at([[-1e-60, 1.0]]), Stopping(60, 0.0)),
    ):
        one, other = run(experiment, engine="numpy"), run(experiment, engine="compiled")
        np.testing.assert_array_equal(one.ending_codes, other.ending_codes)
        np.testing.assert_array_equal(one.epochs, other.epochs)
        np.testing.assert_array_equal(one.ends, other.ends)


# -- which engine, and what happens where there is none ------------------------------------------------------------------


def test_changed_numbers_do_not_compile_again() -> None:
    from gdcore.compiled import KEPT

    problem = Problem.from_text("a*x^2 + y^2 + cos(3*x)", parameters={"a": Setting(1.0, low=0.1, high=5)})
    optimizer = OPTIMIZERS["momentum"]
    experiment = Experiment(problem, optimizer, {"lr": 0.02}, Starts(count=50), Stopping(50))
    first = run(experiment, engine="compiled")
    step = KEPT.step(kernel(problem, optimizer, experiment.settings, 50).recipe)
    changed = Experiment(
        problem.with_parameters(a=2.5).with_box({"x": (-1, 2), "y": (0, 1)}), optimizer, {"lr": 0.05, "momentum": 0.3},
        Starts(count=70, seed=9), Stopping(80, 1e-3),
    )  # fmt: skip
    found = run(changed, engine="compiled")
    assert KEPT.step(kernel(changed.problem, optimizer, changed.settings, 80).recipe) is step
    np.testing.assert_allclose(found.ends, run(changed, engine="numpy").ends, rtol=0, atol=1e-9)
    assert not np.array_equal(first.ends[:50], found.ends[:50])


def test_threads_compile_a_step_once_and_wait_for_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    from gdcore import compiled

    begun, go_on, calls = Event(), Event(), []

    def slow(recipe: Any) -> Any:
        calls.append(recipe)
        if recipe == "new":
            begun.set()
            assert go_on.wait(60)
        return f"step of {recipe}"

    monkeypatch.setattr(compiled, "_compile", slow)
    kept = compiled._Kept()
    kept.step("old")  # type: ignore[arg-type]
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(kept.step, "new") for _ in range(2)]  # type: ignore[arg-type]
        assert begun.wait(60)
        assert pool.submit(kept.step, "old").result(60) == "step of old"  # type: ignore[arg-type, comparison-overlap]
        go_on.set()
        assert {future.result(60) for future in waiting} == {"step of new"}
    assert calls == ["old", "new"]


def test_auto_compiles_so_many_steps_and_no_more(ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What LLVM compiled stays in memory for good."""
    run(Experiment(PEAKS, OPTIMIZERS["gd"], {}, Starts(count=5)), engine="compiled")
    step = step_of_formula("sin(x)*cos(y) + 0.246813*x^2 + y^2")
    monkeypatch.setattr(engines, "MOST_COMPILED", 1)
    assert chosen(step, 1_000_000, 1000) == "numpy"
    assert chosen(kernel(PEAKS, OPTIMIZERS["gd"], {"lr": 0.02}, 1000), 10_000, 1000) == "compiled"  # which is there
    monkeypatch.setattr(engines, "MOST_COMPILED", 10_000)
    assert chosen(step, 1_000_000, 1000) == "compiled"


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> engines._Ledger:
    """A new one: what was run before does not count."""
    monkeypatch.setattr(engines, "LEDGER", engines._Ledger())
    return engines.LEDGER


def step_of_formula(formula: str) -> Any:
    return kernel(Problem.from_text(formula), OPTIMIZERS["gd"], {"lr": 0.01}, 1000)


def test_auto_compiles_only_where_it_is_won_back(ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    step = step_of_formula("sin(x)*cos(y) + 0.123456*x^2 + y^2")
    assert chosen(step, 1_000, 1000) == "numpy"
    monkeypatch.setattr(engines, "available", lambda: False)
    assert chosen(step, 1_000_000, 1000) == "numpy"
    monkeypatch.undo()
    assert chosen(step, 1_000_000, 1000) == "compiled"


def test_auto_compiles_a_step_that_is_run_again_and_again(ledger: Any) -> None:
    step = step_of_formula("sin(x)*cos(y) + 0.654321*x^2 + y^2")
    engines_used = [chosen(step, 10_000, 1000) for _ in range(80)]
    first = engines_used.index("compiled")
    assert 2 < first < 80 and set(engines_used[first:]) == {"compiled"}


def test_small_runs_are_numpys_whatever_was_run_before(ledger: Any) -> None:
    problem = Problem.from_text("sin(x)*cos(y) + 0.7654*x^2 + y^2")
    small = Experiment(problem, OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=500))
    first = [run(small) for _ in range(20)][0]
    assert run(small, engine="compiled").computed.engine == "compiled"
    again = run(small)
    assert first.computed.engine == again.computed.engine == "numpy"
    np.testing.assert_array_equal(first.ends, again.ends)
    assert chosen(step_of_formula(problem.formula), 10_000, 1000) == "compiled"  # it is there


def test_the_ledger_is_bounded(ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "MOST_REMEMBERED", 3)
    for k in range(5):
        assert not ledger.pays(f"recipe {k}", 0.4, 1.0)
    assert not ledger.pays("recipe 0", 0.4, 1.0)  # forgotten, so it starts anew
    assert not ledger.pays("recipe 4", 0.4, 1.0) and ledger.pays("recipe 4", 0.4, 1.0)


def test_without_numba_everything_works_and_asking_for_it_says_so() -> None:
    code = """
import sys
sys.modules["numba"] = None
import gdcore.engines as engines
from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, run
engines.find_spec = lambda name: None
experiment = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {}, Starts(count=300))
from gdcore.kernel import kernel
assert engines.chosen(kernel(experiment.problem, experiment.optimizer, experiment.settings, 1000), 10**7, 1000) == "numpy"
small = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {}, Starts(count=300))
assert len(run(small).minima) == 3
try:
    run(small, engine="compiled")
except engines.EngineError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "the compiled engine needs numba, which is not installed; use engine='numpy'"


def test_a_step_that_does_not_compile_falls_back_once_and_for_all(ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from gdcore import compiled

    calls = []

    def broken(recipe: Any) -> Any:
        calls.append(recipe)
        raise TypeError("LLVM had a bad day\nand says so at length")

    monkeypatch.setattr(compiled, "_compile", broken)
    monkeypatch.setattr(engines, "NUMPY", 1.0)  # so slow that compiling always pays
    problem = Problem.from_text("x^2 + 0.777*y^2 + x*y/9")
    experiment = Experiment(problem, OPTIMIZERS["gd"], {}, Starts(count=50), Stopping(60))
    with pytest.raises(EngineError, match=r"the step could not be compiled \(TypeError: LLVM had a bad day\)"):
        run(experiment, engine="compiled")
    found = run(experiment)
    assert len(calls) == 1
    np.testing.assert_array_equal(found.ends, run(experiment, engine="numpy").ends)


def test_a_loop_that_cannot_be_loaded_falls_back_too(ledger: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from gdcore import segments

    def damaged(*_: Any) -> Any:
        raise EOFError("Ran out of input")  # as a damaged cache on disk has it

    monkeypatch.setattr(segments, "advance", damaged)
    monkeypatch.setattr(engines, "NUMPY", 1.0)
    experiment = Experiment(Problem.from_text("x^2 + 0.778*y^2 + x*y/9"), OPTIMIZERS["gd"], {}, Starts(count=50), Stopping(60))
    with pytest.raises(EngineError, match=r"\(EOFError: Ran out of input\)"):
        run(experiment, engine="compiled")
    assert run(experiment).computed.engine == "numpy"


def test_cancelling_ends_the_compiled_descent_too() -> None:
    class Cancelled(Exception):
        pass

    seen: list[tuple[int, int, int]] = []

    def stop(*counts: int) -> None:
        seen.append(counts)  # type: ignore[arg-type]
        raise Cancelled

    experiment = Experiment(PEAKS, OPTIMIZERS["gd"], {"lr": 1e-6}, Starts(count=20_000), Stopping(1_000_000, 0.0))
    with pytest.raises(Cancelled):
        run(experiment, engine="compiled", on_progress=stop)
    assert len(seen) == 1 and seen[0][1] == 1_000_000 and seen[0][0] < 500_000


def test_gdcore_is_imported_without_numba() -> None:
    code = "import sys, gdcore, gdcore.engines; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_users_own_optimizer_is_compiled_like_any_other() -> None:
    own = Optimizer.from_text("own", "m = 0.9*m + g\nx = x - lr*m/(1 + norm(m))*where(t < 20, 1, 0.5)")
    assert agree(Experiment(PEAKS, own, {"lr": 0.02}, Starts(count=200), Stopping(200))) < 0.1


# -- any formula -----------------------------------------------------------------------------------------------------------

ONE = "sin({}) cos({}) tanh({}) atan({}) erf({}) abs({}) exp(-({})^2) sqrt(1+({})^2) log(1+({})^2) ({})^3 cbrt({}) asinh({}) (2+sin({}))^1.3".split()
TWO = ["({}) + ({})", "({})*({})", "({}) - ({})", "({})/(2 + cos({}))", "max({}, {})", "atan2({}, 3 + sin({}))", "hypot({}, {})"]


def formulas() -> st.SearchStrategy[str]:
    leaves = st.sampled_from(["x", "y", "0.5*x", "y/3 + 1", "2", "a*x", "x*y"])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(str.format, st.sampled_from(ONE), inner), st.builds(str.format, st.sampled_from(TWO), inner, inner)
        ),
        max_leaves=6,
    )


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(formulas(), st.sampled_from(["gd", "momentum", "adam", "rprop", "nadam"]), st.integers(1, 60))
def test_any_formula_is_descended_the_same_in_both_engines(formula: str, optimizer: str, epochs: int) -> None:
    problem = Problem.from_text(f"{formula} + 0.05*(x^2 + y^2)", box={"x": (-3, 2), "y": (-1, 3)}, parameters={"a": 0.7})
    agree(Experiment(problem, OPTIMIZERS[optimizer], {}, Starts(count=60), Stopping(epochs, 0.0)))
