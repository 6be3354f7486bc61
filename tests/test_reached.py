"""One proved step per end says what Newton's method from each of them says: the same kinds, the same points, the same counts."""

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping
from gdcore import minima as mn
from gdcore.batches import Work, outcomes
from gdcore.stopping import CODE, Ending
from gdcore.survey import descend_to_minima

GD = OPTIMIZERS["gd"]


def box(d, low=-2.0, high=2.0):
    return {f"x{k}": (low, high) for k in range(d)}


def wells(d):
    return Problem.from_text("+".join(f"(x{k}^2 - 1)^2 + 0.2*x{k}" for k in range(d)), box=box(d))


def plane(formula, half=1.0):
    return Problem.from_text(formula, box={"x": (-half, half), "y": (-half, half)})


CASES = {f"{file} {case['name']}": case for file in ("minima", "minima_1d", "minima_degenerate") for case in cases.load(f"{file}.json")}
ADVERSE = {
    **{f"two minima {2 * a:g} apart": plane(f"(x^2 - {a**2:.12g})^2*{a**-2:.12g} + y^2") for a in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)},
    "a kink beside a minimum": plane("x^2 + 0.1*abs(x - 0.2) + y^2"),
    "a faint kink across": plane("x^2 + 0.001*abs(x + 0.7*y - 0.01) + y^2"),
    **{f"a box of width {2 * s:g}": plane(f"((x/{s:g})^2 - 0.25)^2 + (y/{s:g})^2*(2 + x/{s:g})", s) for s in (1e-30, 1e-8, 1e8, 1e30)},
    "a box far from the origin": Problem.from_text("((x - 1000000.3)^2 - 0.01)^2 + y^2", box={"x": (1e6, 1e6 + 1), "y": (-1, 1)}),
    "a valley beside a minimum": plane("(x^2 + y^2 - 1)^2*((x - 1.3)^2 + (y - 1.3)^2)", 2.0),
    "ripples": plane("x^2 + y^2 + 0.0001*sin(300*x)"),
    "fine ripples": plane("x^2 + y^2 + 0.00001*sin(3000*x + 2000*y)"),
    "a long bowl": plane("x^2 + 1e-8*y^2 + x*y*1e-5"),
    "nearly a quartic": plane("x^4 + 1e-6*x^2 + y^2"),
    "a banana": GALLERY["rosenbrock"],
    **{f"{d} variables": wells(d) for d in (1, 2, 3, 5, 10)},
    **{name: GALLERY[name] for name in ("peaks", "rastrigin", "schwefel", "michalewicz")},
}  # fmt: skip


@pytest.fixture(autouse=True)
def small_samples(monkeypatch):
    """So that a few hundred ends are enough for the shortcut to be taken, and pieces of a batch are many."""
    monkeypatch.setattr(mn, "SAMPLE", 8)
    monkeypatch.setattr(mn, "TOGETHER", 100)


def polished_ends(monkeypatch):
    """A list that grows by the number of ends polished in full."""
    counts, whole = [], mn.polish

    def polish(problem, points):
        counts.append(len(points))
        return whole(problem, points)

    monkeypatch.setattr(mn, "polish", polish)
    return counts


def require_equal(problem, ends, which=None):
    which = np.arange(len(ends)) if which is None else which
    whole, quick = mn.merge(problem, mn.polish(problem, ends[which])), mn.reached(problem, ends, which)
    np.testing.assert_array_equal(quick.kinds, whole.kinds)
    np.testing.assert_array_equal(quick.index < 0, whole.index < 0)
    width, there = problem.highs - problem.lows, whole.index >= 0
    facts = [[(s.kind, s.isolated, s.inside_box, s.count) for s in merged.stationary] for merged in (whole, quick)]
    assert sorted(facts[0]) == sorted(facts[1])
    if there.any():
        own = np.array([s.kind != "degenerate" for s in whole.stationary])[whole.index] & there
        points = [np.array([s.point for s in merged.stationary])[merged.index] for merged in (whole, quick)]
        assert (np.abs(points[0] - points[1])[own] <= 1e-12 * (width + np.abs(points[0][own]))).all()
        assert ((quick.index[:, None] == quick.index) == (whole.index[:, None] == whole.index)).all()
    return quick


def settled(experiment):
    work = Work(experiment)
    found = outcomes(work, work.points())
    return found.ends, np.flatnonzero(found.codes == CODE[Ending.FLAT])


@pytest.mark.parametrize("key", GALLERY)
def test_over_the_gallery(key):
    problem = GALLERY[key]
    require_equal(problem, *settled(Experiment(problem, GD, {"lr": problem.rate}, Starts(count=600))))


@pytest.mark.parametrize("key", ["peaks", "himmelblau", "rastrigin"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_over_the_optimizers(optimizer, key):
    require_equal(GALLERY[key], *settled(Experiment(GALLERY[key], OPTIMIZERS[optimizer], {}, Starts(count=300), Stopping(600))))


@pytest.mark.parametrize("name", CASES)
def test_over_the_reference_cases(name):
    case = CASES[name]
    problem = Problem.from_text(case["formula"], box=cases.box2(case["bounds"]))
    curvatures = [m["hessian_eigs"][-1] if "hessian_eigs" in m else m.get("second_derivative", 0) for m in case.get("minima", [])]
    steepest = max(curvatures, default=0)
    rate = min(1 / steepest, 10) if steepest else 0.01
    require_equal(problem, *settled(Experiment(problem, GD, {"lr": rate}, Starts("grid", 625))))


def scattered(problem, count, seed):
    """Points around the stationary points of a problem, from rounding to beyond what polishing may move them."""
    rng, d, width = np.random.default_rng(seed), problem.dimension, problem.highs - problem.lows
    box_points = problem.lows + rng.random((500, d)) * width
    downhill = descend_to_minima(problem, box_points[:100])
    known = mn.merge(problem, mn.stacked([mn.polish(problem, box_points), downhill])).stationary
    assert known
    around = np.array([s.point for s in known])[rng.integers(0, min(len(known), 20), count)]
    direction = rng.normal(size=(count, d))
    direction /= np.abs(direction).max(axis=1, keepdims=True)
    size = 10 ** np.where(rng.random((count, 1)) < 0.5, rng.uniform(-10, -6, (count, 1)), rng.uniform(-10, -1.2, (count, 1)))
    return around + direction * size * width


@pytest.mark.parametrize("name", ADVERSE)
def test_over_points_at_every_distance(name):
    for seed in range(2):
        require_equal(ADVERSE[name], scattered(ADVERSE[name], 1000, seed))


def test_most_ends_need_one_step_only(monkeypatch):
    problem = GALLERY["peaks"]
    ends, which = settled(Experiment(problem, GD, {"lr": 0.01}, Starts(count=3000)))
    monkeypatch.setattr(mn, "SAMPLE", 64)
    counts = polished_ends(monkeypatch)
    found = mn.reached(problem, ends, which)
    assert sum(counts) < 200 < which.size == sum(s.count for s in found.stationary)


@pytest.mark.parametrize("name", ["fine ripples", "10 variables", "a valley beside a minimum"])
def test_an_end_is_labelled_alone_as_among_others(name):
    """The point, the kind, and nothing else: whom an end shares the run with does not matter."""
    problem = ADVERSE[name]
    ends = scattered(problem, 400, 7)
    together = mn.reached(problem, ends, np.arange(400))
    for i in range(0, 400, 20):
        alone = mn.reached(problem, ends, np.array([i]))
        assert alone.kinds[0] == together.kinds[i]
        if alone.kinds[0] < mn.DEGENERATE:
            here, there = alone.stationary[0].point, together.stationary[together.index[i]].point
            np.testing.assert_allclose(here, there, rtol=1e-12, atol=1e-12)


@given(st.permutations(range(6)), st.integers(0, 10**6))
def test_permuted_ends_have_permuted_findings(blocks, seed):
    problem = GALLERY["himmelblau"]
    ends = scattered(problem, 120, 3)
    order = np.concatenate([np.random.default_rng(seed).permutation(20) + 20 * block for block in blocks])
    first, other = mn.reached(problem, ends, np.arange(120)), mn.reached(problem, ends[order], np.arange(120))
    np.testing.assert_array_equal(first.kinds[order], other.kinds)
    np.testing.assert_array_equal(first.index[order], other.index)


def test_of_no_ends_nothing_is_said():
    found = mn.reached(GALLERY["peaks"], np.empty((0, 2)), np.empty(0, np.intp))
    assert found.stationary == () and found.index.size == found.kinds.size == 0
