"""The loop: what a run does depends on its own start alone, and equals a loop written by hand."""

import math
from typing import Any

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, Ending, Experiment, Findings, Optimizer, Problem, Starts, Stopping, run, trace
from gdcore.codegen import BLOCK
from gdcore.descent import SEGMENT, TAIL
from gdcore.experiment import traces
from gdcore.optimizers import _as_stated

PEAKS = Problem.from_text(cases.load("peaks_gd.json")["formula"])
POLES = Problem.from_text("1/x + x^2 + log(y + 3)", box={"x": (-3, 3), "y": (-3, 3)})
KINKS = Problem.from_text("abs(x) + abs(y - 0.3) + 0.1*x*y", box={"x": (-1, 1), "y": (-1, 1)})
QUARTIC = Problem.from_text("x^4 - 2*x^2 + y^4/4 - x*y", box={"x": (-2, 2), "y": (-2, 2)})
MIXED = {"peaks": PEAKS, "poles": POLES, "kinks": KINKS, "quartic": QUARTIC}
ARRAYS = ("starts", "ends", "end_values", "gradient_norms", "epochs", "ending_codes")


def same(one: Findings, other: Findings, rows: Any = slice(None)) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name)[rows], err_msg=name)


def points_of(found: Findings) -> list[tuple[float, ...] | None]:
    """The minimum each start is labelled with, by its rounded position."""
    return [tuple(np.round(found.minima[k].point, 6) + 0.0) if k >= 0 else None for k in found.labels]


# -- independence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MIXED)
@pytest.mark.parametrize("optimizer", ["gd", "adam"])
def test_a_run_alone_equals_itself_in_a_batch(name: str, optimizer: str) -> None:
    problem = MIXED[name]
    settings = {"lr": 0.03}
    stopping = Stopping(epochs=150)
    batch = run(Experiment(problem, OPTIMIZERS[optimizer], settings, Starts(count=400, seed=2), stopping))
    for i in range(0, 400, 37):
        alone = run(Experiment(problem, OPTIMIZERS[optimizer], settings, Starts.at(batch.starts[i]), stopping))
        same(alone, batch, slice(i, i + 1))
        assert points_of(alone) == points_of(batch)[i : i + 1]


@pytest.mark.parametrize("name", MIXED)
def test_permuting_starts_permutes_findings(name: str) -> None:
    starts = Starts(count=500, seed=5).points(MIXED[name])
    order = np.random.default_rng(0).permutation(500)
    one, other = (
        run(Experiment(MIXED[name], OPTIMIZERS["gd"], {"lr": 0.02}, Starts.at(p), Stopping(epochs=200)))
        for p in (starts, starts[order])
    )
    same(other, one, order)
    np.testing.assert_array_equal(other.labels, one.labels[order])
    assert [m.count for m in other.minima] == [m.count for m in one.minima]
    assert other.ending_counts() == one.ending_counts()


@pytest.mark.parametrize("count", [1, 3000, 3 * BLOCK + 5])
def test_threads_do_not_matter(count: int) -> None:
    experiment = Experiment(PEAKS, OPTIMIZERS["gd"], {"lr": 0.05}, Starts(count=count), Stopping(epochs=120))
    one = run(experiment, threads=1)
    for threads in (2, 5):
        other = run(experiment, threads=threads)
        same(one, other)
        np.testing.assert_array_equal(one.labels, other.labels)
        assert repr(one.minima) == repr(other.minima)  # nan, the median of none, is not equal to itself


@given(st.lists(st.tuples(*[st.floats(-3, 3)] * 2), min_size=1, max_size=12), st.floats(0.001, 0.3), st.integers(1, 70))
def test_counts_add_up_and_every_start_has_a_row(starts: list[tuple[float, float]], rate: float, epochs: int) -> None:
    for problem in (PEAKS, POLES):
        found = run(Experiment(problem, OPTIMIZERS["gd"], {"lr": rate}, Starts.at(starts), Stopping(epochs=epochs)))
        np.testing.assert_array_equal(found.starts, starts)
        counts = found.ending_counts()
        assert set(counts) == set(Ending) and sum(counts.values()) == len(starts) == found.count
        assert all(count == (found.endings == ending).sum() for ending, count in counts.items())
        assert ((found.epochs >= 0) & (found.epochs <= epochs)).all()
        np.testing.assert_array_equal(found.labels >= 0, found.endings == Ending.MINIMUM)
        assert sum(m.count for m in found.minima) == counts[Ending.MINIMUM]
        for k, minimum in enumerate(found.minima):
            assert minimum.count == (found.labels == k).sum() and minimum.share == minimum.count / len(starts)
            assert minimum.interval[0] <= minimum.share <= minimum.interval[1]


# -- against a loop written by hand ------------------------------------------------------------------------------------


def by_hand(problem: Problem, start: Any, rate: float, momentum: float, stopping: Stopping) -> tuple[list[Any], bool]:
    """Positions of plain momentum descent, and whether it stopped early at a small gradient."""
    x, v, path = np.array(start, float), np.zeros(len(start)), []
    width = problem.highs - problem.lows
    for _ in range(stopping.epochs):
        path.append(x)
        g = problem.gradient(x)
        v = momentum * v + g
        following = x - rate * v
        slow = (np.abs(following - x) <= 1e-4 * width).all()
        if stopping.gradient_tolerance and math.sqrt(g @ g) <= stopping.gradient_tolerance and slow:
            return path, True
        x = following
    path.append(x)
    return path, False


@pytest.mark.parametrize("name", ["peaks", "quartic"])
@pytest.mark.parametrize("epochs", [1, 2, SEGMENT, TAIL - 1, TAIL, TAIL + 1, TAIL + SEGMENT, 100, 700])
@pytest.mark.parametrize("tolerance", [0.0, 1e-6, 1e-2])
def test_recorded_paths_equal_the_hand_written_loop(name: str, epochs: int, tolerance: float) -> None:
    stopping = Stopping(epochs=epochs, gradient_tolerance=tolerance)
    starts = Starts(count=6, seed=1)
    experiment = Experiment(MIXED[name], OPTIMIZERS["momentum"], {"lr": 0.01, "momentum": 0.6}, starts, stopping)
    found, recorded = run(experiment), traces(experiment)
    for i, one in enumerate(recorded):
        path, early = by_hand(MIXED[name], found.starts[i], 0.01, 0.6, stopping)
        assert one.path.shape == (len(path), 2) and found.epochs[i] == len(path) - 1
        np.testing.assert_allclose(one.path, path, rtol=1e-11, atol=1e-12)
        np.testing.assert_array_equal(one.path[-1], found.ends[i])
        np.testing.assert_array_equal(one.path[0], found.starts[i])
        np.testing.assert_allclose(one.values, MIXED[name].value(one.path), rtol=1e-13, atol=1e-13)
        norms = np.linalg.norm(MIXED[name].gradient(one.path), axis=1)
        np.testing.assert_allclose(one.gradient_norms, norms, rtol=1e-9, atol=1e-12)
        assert one.ending == found.endings[i]
        if early:
            assert one.ending not in (Ending.MOVING, Ending.LEFT_BOX)


def test_a_trace_alone_equals_the_recorded_batch() -> None:
    experiment = Experiment(PEAKS, OPTIMIZERS["adam"], {"lr": 0.05}, Starts(count=20, seed=3), Stopping(epochs=300))
    for start, one in zip(run(experiment).starts, traces(experiment), strict=True):
        alone = trace(PEAKS, OPTIMIZERS["adam"], {"lr": 0.05}, start, Stopping(epochs=300))
        np.testing.assert_array_equal(alone.path, one.path)
        assert alone.ending is one.ending


def test_the_state_of_an_optimizer_survives_repacking() -> None:
    """Starts that finish early leave the arrays; the states of the others must move with them."""
    optimizer = Optimizer.from_text("heavy", "v = 0.9*v + g\nc = c + 1\nx = x - 0.002*v*(1 + 1/c)")
    experiment = Experiment(PEAKS, optimizer, {}, Starts(count=300, seed=4), Stopping(epochs=500))
    found = run(experiment)
    assert len(np.unique(found.epochs)) > 20
    for i in np.argsort(found.epochs)[[0, 100, 200, 299]]:
        x, v = found.starts[i], np.zeros(2)
        for c in range(1, found.epochs[i] + 1):
            v = 0.9 * v + PEAKS.gradient(x)
            x = x - 0.002 * v * (1 + 1 / c)
        np.testing.assert_allclose(found.ends[i], x, rtol=1e-8, atol=1e-9)


# -- endings of the judge ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "start", "rate", "epochs", "ending"),
    [
        ("x^2", 0.0, 0.1, 5, Ending.MINIMUM),
        ("-x^2", 0.0, 0.1, 5, Ending.MAXIMUM),
        ("x^4", 0.0, 0.1, 5, Ending.DEGENERATE),
        ("x^3", 0.0, 0.1, 5, Ending.DEGENERATE),
        ("x^2", 1.0, 0.001, 5, Ending.MOVING),
        ("-x", 1.0, 1.0, 20, Ending.LEFT_BOX),
        ("-x^2", 1.0, 1.0, 200, Ending.DIVERGED),
        ("-x^4", 1.0, 1.0, 200, Ending.DIVERGED),
        ("x^2", 1.0, 1.0, 200, Ending.ORBIT),
        ("abs(x)", 0.25, 0.1, 200, Ending.BOUNCING),
        ("sqrt(x)", 0.05, 0.1, 200, Ending.LEFT_DOMAIN),
        ("sqrt(1 - x)", 0.9, 0.5, 200, Ending.LEFT_DOMAIN),
        ("1/x", -0.5, 0.1, 200, Ending.JUMPED),
        ("log(x^2)", 0.3, 0.5, 200, Ending.JUMPED),
        ("sqrt(x)", -1.0, 0.1, 200, Ending.UNDEFINED),
        ("1/x", 0.0, 0.1, 200, Ending.UNDEFINED),
        ("7 + 0*x", 1.0, 0.1, 5, Ending.FLAT),
        ("sin(x)/x", 0.5, 0.1, 30, Ending.MOVING),
    ],
)
def test_ending(formula: str, start: float, rate: float, epochs: int, ending: Ending) -> None:
    problem = Problem.from_text(formula, box={"x": (-10, 10)})
    found = run(Experiment(problem, OPTIMIZERS["gd"], {"lr": rate}, Starts.at([[start]]), Stopping(epochs=epochs)))
    assert found.endings[0] is ending


@pytest.mark.parametrize("step", range(1, 3 * SEGMENT + 2))
def test_a_jump_is_seen_at_whatever_step_it_happens(step: int) -> None:
    """Also at the first step of a segment, where the position before lies in the previous one."""
    walker = Optimizer.from_text("walker", "x = x - 1")
    problem = Problem.from_text("1/x", box={"x": (-100, 100)})
    found = run(Experiment(problem, walker, {}, Starts.at([[step - 0.5]]), Stopping(epochs=100)))
    assert found.endings[0] is Ending.JUMPED and found.epochs[0] == step


def test_a_small_gradient_is_no_rest_while_the_steps_are_long() -> None:
    problem = Problem.from_text("1e-8*x^2", box={"x": (-10, 10)})
    strider = Optimizer.from_text("strider", "x = x - 1e7*g")
    found = run(Experiment(problem, strider, {}, Starts.at([[3.0]]), Stopping(epochs=100)))
    assert found.epochs[0] > 20 and abs(found.ends[0, 0]) < 0.02 and found.endings[0] is Ending.MINIMUM


def test_crossing_a_removable_gap_is_no_jump() -> None:
    problem = Problem.from_text("sin(x)/x + x^2", box={"x": (-5, 5)})
    found = run(Experiment(problem, OPTIMIZERS["gd"], {"lr": 0.55}, Starts.at([[2.0], [-1.5], [0.7]]), Stopping(epochs=400)))
    assert Ending.JUMPED not in found.endings


def test_adam_with_a_short_memory_hovers() -> None:
    problem = Problem.from_text("x^2 + y^2")
    experiment = Experiment(problem, OPTIMIZERS["adam"], {"lr": 0.1, "beta2": 0.5}, Starts(count=100), Stopping(epochs=1000))
    found = run(experiment)
    assert set(found.endings) == {Ending.HOVERING}
    assert (np.abs(found.ends) < 0.3).all() and (found.labels == -1).all()
    assert len(found.minima) == 1 and found.minima[0].count == 0


# -- progress and cancelling -------------------------------------------------------------------------------------------


class Cancelled(Exception):
    pass


def test_progress_is_reported_and_an_exception_in_it_cancels() -> None:
    experiment = Experiment(PEAKS, OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=100), Stopping(epochs=1000))
    seen: list[tuple[int, int, int]] = []
    found = run(experiment, on_progress=lambda *counts: seen.append(counts))
    done, most, running = zip(*seen, strict=True)
    assert set(most) == {1000} and list(done) == sorted(set(done)) and running[0] == 100
    assert list(running) == sorted(running, reverse=True) and min(running) > 0
    assert all(count == (found.epochs >= epoch).sum() for epoch, _, count in seen)

    def stop(epoch: int, *_: int) -> None:
        if epoch >= 64:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(experiment, on_progress=stop)
    again = run(experiment)
    same(again, found)


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(ValueError, match="no engine 'gpu'; there are: auto, numpy, compiled"):
        run(Experiment(PEAKS, OPTIMIZERS["gd"], starts=Starts(count=1)), engine="gpu")


# -- runs that explode beside others -----------------------------------------------------------------------------------

EXPLODING = {
    name: _as_stated(name, equations, {"lr": 0.3})
    for name, equations in {
        "negative root": "x = x - lr*sqrt(g - 1)",
        "division by 0 at step 5": "x = x - lr/(t - 5)*g",
        "one coordinate to infinity": "x = x - where(x > 1, exp(1000*x), lr*g)",
        "a state without value": "v = 0.5*v + sqrt(x)\nx = x - lr*g*where(t < 9, 1, v)",
        "a fractional power": "x = x - lr*g^1.5",
        "a pole of its own": "x = x - lr*g/norm(x - 0.5)",
    }.items()
}
STEEP = {
    "quartic": Problem.from_text("x^4 + y^4 - x*y", box={"x": (-2, 2), "y": (-2, 2)}),
    "logarithm": Problem.from_text("log(x) + x^2 + y^2 + sqrt(y + 1)", box={"x": (-2, 2), "y": (-2, 2)}),
    "exponential": Problem.from_text("exp(x^2) + 1/y + y^2", box={"x": (-3, 3), "y": (-3, 3)}),
}
AWAY = np.array([[1e5, 0.1], [1e200, 1], [0, 0], [-2, 1], [1e-300, 1], [3, 1e308], [0.5, 0.5], [1.1, -0.3]])
HOSTILE = np.concatenate([AWAY, np.random.default_rng(1).uniform(-2.5, 2.5, (12, 2))])


def exploding(problem: str, name: str, starts: Any) -> Findings:
    optimizer = {**OPTIMIZERS, **EXPLODING}[name]
    return run(Experiment(STEEP[problem], optimizer, {"lr": 0.3}, Starts.at(starts), Stopping(epochs=45)))


@pytest.mark.parametrize("problem", STEEP)
@pytest.mark.parametrize("name", [*OPTIMIZERS, *EXPLODING])
def test_runs_that_explode_leave_their_neighbours_unchanged(name: str, problem: str) -> None:
    together = exploding(problem, name, HOSTILE)
    for i in range(len(HOSTILE)):
        same(exploding(problem, name, HOSTILE[i : i + 1]), together, slice(i, i + 1))
    lost = ~np.isfinite(together.ends).all(axis=1) | ~np.isfinite(together.end_values)
    assert set(together.endings[lost]) <= {Ending.DIVERGED, Ending.UNDEFINED, Ending.LEFT_DOMAIN, Ending.JUMPED}
    assert lost.any() and len(set(together.endings)) > 1


@pytest.mark.parametrize("count", [2, 2047, 2049, 4097, BLOCK + 1, 2 * BLOCK + 7])
@pytest.mark.parametrize("name", ["adam", "negative root", "one coordinate to infinity"])
def test_explosions_at_the_edges_of_blocks(name: str, count: int) -> None:
    """Full blocks and blocks of one start; every start of the small batch comes many times over."""
    rows = np.arange(count) % len(HOSTILE)
    same(exploding("quartic", name, HOSTILE[rows]), exploding("quartic", name, HOSTILE), rows)


# -- every optimizer on the gallery ------------------------------------------------------------------------------------

PAIRS = [(o, p) for i, o in enumerate(OPTIMIZERS) for j, p in enumerate(GALLERY) if (i + j) % 4 == 0]


@pytest.mark.parametrize(("name", "problem"), PAIRS)
def test_every_optimizer_on_functions_of_the_gallery(name: str, problem: str) -> None:
    """At its default rate and at the highest one allowed."""
    optimizer = OPTIMIZERS[name]
    for settings in ({}, {"lr": optimizer.settings["lr"].high}):
        found = run(Experiment(GALLERY[problem], optimizer, settings, Starts(count=5, seed=1), Stopping(epochs=30)))
        assert sum(found.ending_counts().values()) == 5
        assert ((found.labels >= -1) & (found.labels < len(found.minima))).all()
        np.testing.assert_array_equal(found.labels >= 0, found.endings == Ending.MINIMUM)
        assert sum(minimum.count for minimum in found.minima) == (found.labels >= 0).sum()
