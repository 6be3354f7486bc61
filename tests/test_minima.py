"""End points → verified minima: nothing invented, nothing missed that starts can reach."""

import math
from typing import Any

import cases
import numpy as np
import pytest

from gdcore import OPTIMIZERS, Ending, Experiment, Findings, Problem, Starts, Stopping, run
from gdcore.newton import MINIMUM, NONE, polish, solve
from gdcore.survey import survey

CASES = {case["name"]: case for case in cases.load("minima.json")}
CASES |= {f"{case['name']} (1-D)": case for case in cases.load("minima_1d.json")}
DEGENERATE = {case["name"]: case for case in cases.load("minima_degenerate.json")}
PEAKS = Problem.from_text(CASES["peaks"]["formula"])
GD = OPTIMIZERS["gd"]
ENOUGH = 0.01  # share of the starts from which a minimum must not be missed


def problem_of(case: dict[str, Any]) -> Problem:
    return Problem.from_text(case["formula"], box=cases.box2(case["bounds"]))


def true_minima(case: dict[str, Any], problem: Problem) -> Any:
    return np.array([[m[k] for k in problem.variables] for m in case["minima"]]).reshape(-1, problem.dimension)


def curvature(minimum: dict[str, Any]) -> float:
    return float(minimum["hessian_eigs"][-1] if "hessian_eigs" in minimum else minimum["second_derivative"])


def grid_run(case: dict[str, Any], problem: Problem) -> Findings:
    """60 x 60 starts at half the smallest stable rate."""
    steepest = max(map(curvature, case["minima"]), default=0.0)
    rate = min(1 / steepest, 10) if steepest else 0.01
    return run(Experiment(problem, GD, {"lr": rate}, Starts("grid", 3600)))


def nearest(points: Any, targets: Any, problem: Problem) -> Any:
    """Distance, in box widths, of every point to its nearest target."""
    if not len(targets):
        return np.full(len(points), np.inf)
    width = problem.highs - problem.lows
    return (np.abs(points[:, None] - targets[None]) / width).max(axis=2).min(axis=1)


@pytest.fixture(scope="module")
def grid_runs() -> dict[str, tuple[Problem, Findings]]:
    found = {}
    for name, case in CASES.items():
        problem = problem_of(case)
        found[name] = problem, grid_run(case, problem)
    return found


@pytest.mark.parametrize("name", CASES)
def test_no_minimum_is_invented(name: str, grid_runs: dict[str, tuple[Problem, Findings]]) -> None:
    problem, found = grid_runs[name]
    inside = np.array([m.point for m in found.minima if m.inside_box]).reshape(-1, problem.dimension)
    assert (nearest(inside, true_minima(CASES[name], problem), problem) < 1e-6).all()
    if len(inside) > 1:
        apart = nearest(inside[1:], inside[:1], problem)
        assert (apart > 1e-6).all(), "one minimum was reported twice"
    assert not any(m.inside_box for m in found.minima) or CASES[name]["minima"]


@pytest.mark.parametrize("name", CASES)
def test_no_minimum_is_missed(name: str, grid_runs: dict[str, tuple[Problem, Findings]]) -> None:
    problem, found = grid_runs[name]
    if name == "DoubleWell_close0.001":  # at this rate every start of the box diverges: nothing points anywhere
        assert found.ending_counts()[Ending.DIVERGED] == found.count
        return
    true = true_minima(CASES[name], problem)
    inside = np.array([m.point for m in found.minima if m.inside_box]).reshape(-1, problem.dimension)
    missing = true[nearest(true, inside, problem) > 1e-6]
    reached = [(nearest(found.ends, point[None], problem) < 1e-3).mean() for point in missing]
    assert all(share < ENOUGH for share in reached), missing
    assert len(missing) == 0, "every one of these is found today"


@pytest.mark.parametrize("name", CASES)
def test_values_and_eigenvalues_of_what_was_found(name: str, grid_runs: dict[str, tuple[Problem, Findings]]) -> None:
    problem, found = grid_runs[name]
    for minimum in found.minima:
        if not minimum.inside_box:
            continue
        true = CASES[name]["minima"]
        known = min(true, key=lambda m: max(abs(m[k] - c) for k, c in zip(problem.variables, minimum.point, strict=True)))
        assert minimum.value == pytest.approx(known["f"], rel=1e-9, abs=1e-9)
        wanted = known.get("hessian_eigs", [known.get("second_derivative")])
        np.testing.assert_allclose(minimum.eigenvalues, wanted, rtol=1e-6, atol=1e-6 * max(wanted))
        assert minimum.stable_rate == pytest.approx(2 / curvature(known), rel=1e-6)
        if "gd_max_stable_lr" in known:
            assert minimum.stable_rate == pytest.approx(known["gd_max_stable_lr"], rel=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_a_start_is_labelled_with_the_minimum_beside_its_end(name: str, grid_runs: dict[str, tuple[Problem, Findings]]) -> None:
    problem, found = grid_runs[name]
    assert [m.value for m in found.minima] == pytest.approx(sorted(m.value for m in found.minima), abs=1e-8)
    width = problem.highs - problem.lows
    for k, minimum in enumerate(found.minima):
        own = found.ends[found.labels == k]
        assert len(own) == minimum.count
        assert (np.abs(own - minimum.point) <= 0.05 * width).all()
    for point in found.stationary:
        g = problem.gradient(point.point)
        assert np.linalg.norm(g) < 1e-6 * max(1, np.abs(problem.hessian(point.point)).max())


SADDLES = ["peaks", "SixHumpCamel", "WolfeQuapp", "SombreroTilt"]


@pytest.mark.parametrize("name", SADDLES)
def test_starts_on_a_saddle_or_maximum_stop_there(name: str) -> None:
    case = CASES[name]
    problem = problem_of(case)
    for key, ending in (("saddles", Ending.SADDLE), ("maxima", Ending.MAXIMUM)):
        if not case[key]:
            continue
        stopping = Stopping(epochs=5, gradient_tolerance=1e-4)
        found = run(Experiment(problem, GD, {"lr": 1e-4}, Starts.at(case[key]), stopping))
        assert set(found.endings) == {ending}
        assert (found.labels == -1).all()
        kinds = [point.kind for point in found.stationary if point.count]
        assert set(kinds) == {ending.name.lower()} and sum(p.count for p in found.stationary) == len(case[key])


# -- degenerate cases --------------------------------------------------------------------------------------------------


def degenerate_run(name: str, *, epochs: int = 1000) -> Findings:
    return run(Experiment(problem_of(DEGENERATE[name]), GD, {"lr": 0.01}, Starts("grid", 900), Stopping(epochs=epochs)))


def near_origin(point: tuple[float, ...]) -> bool:
    return max(map(abs, point)) < 1e-3


@pytest.mark.parametrize("name", ["Quartic", "HalfQuartic", "Trigonometric01"])
@pytest.mark.parametrize("epochs", [1000, 5000])
def test_one_strict_minimum_with_a_singular_hessian(name: str, epochs: int) -> None:
    """Descent creeps there and never certifies: the point is listed once, as degenerate, and never scattered into many."""
    found = degenerate_run(name, epochs=epochs)
    candidates = [*found.minima, *(p for p in found.stationary if p.kind == "degenerate")]
    assert len(candidates) == 1 and near_origin(candidates[0].point)
    assert candidates[0].value == pytest.approx(0, abs=1e-12)
    assert len([p for p in found.stationary if p.kind == "saddle"]) == (1 if name == "Trigonometric01" else 0)


@pytest.mark.parametrize("name", ["MonkeySaddle", "CubicFlat"])
def test_a_degenerate_point_that_is_no_minimum_is_not_called_one(name: str) -> None:
    found = degenerate_run(name, epochs=3000)
    assert found.minima == () and (found.labels == -1).all()
    assert all(point.kind == "degenerate" and near_origin(point.point) for point in found.stationary)
    at_origin = run(Experiment(problem_of(DEGENERATE[name]), GD, {"lr": 0.01}, Starts.at([0.0, 0.0])))
    assert at_origin.endings[0] is Ending.DEGENERATE and at_origin.minima == ()


@pytest.mark.parametrize(("name", "on_it"), [("Trough", lambda p: p[0]), ("Hyperbola", lambda p: p[0] * p[1] - 2)])
def test_a_valley_is_one_degenerate_finding(name: str, on_it: Any) -> None:
    found = degenerate_run(name)
    assert found.minima == ()
    valleys = [point for point in found.stationary if point.kind == "degenerate"]
    assert len(valleys) == 1 and not valleys[0].isolated and abs(on_it(valleys[0].point)) < 1e-6
    others = [point for point in found.stationary if point.kind != "degenerate"]
    assert [p.kind for p in others] == (["saddle"] if name == "Hyperbola" else [])
    assert valleys[0].count == found.ending_counts()[Ending.DEGENERATE] >= 0.9 * found.count


def test_a_valley_of_two_crossing_lines_is_one_degenerate_finding() -> None:
    problem = Problem.from_text("x^2*y^2", box={"x": (-2, 2), "y": (-2, 2)})
    found = run(Experiment(problem, GD, {"lr": 0.05}, Starts("grid", 400), Stopping(epochs=3000)))
    assert found.minima == ()
    assert [(point.kind, point.isolated) for point in found.stationary] == [("degenerate", False)]
    assert abs(math.prod(found.stationary[0].point)) < 1e-5


def test_where_the_gradient_underflows_no_minimum_is_reported() -> None:
    found = degenerate_run("FlatTail")
    assert [m.point for m in found.minima] == [pytest.approx((0, 0), abs=1e-8)]
    assert found.minima[0].value == -1 and found.minima[0].eigenvalues == pytest.approx((100, 100))
    far = np.hypot(*found.starts.T) >= 3.87
    assert set(found.endings[far]) == {Ending.FLAT}
    np.testing.assert_array_equal(found.ends[far], found.starts[far])


def test_decanomial_invents_nothing() -> None:
    problem = problem_of(DEGENERATE["Decanomial"])
    starts = Starts.at([[2.01, -3.01], [5.0, -3.0], [1.0, 0.0], [5.01231367960365, -3]])
    found = run(Experiment(problem, GD, {"lr": 1e-5}, starts, Stopping(epochs=2000)))
    for minimum in found.minima:
        assert min(math.dist(minimum.point, known) for known in [(2, -3), (5.01231367960365, -3)]) < 1e-3


@pytest.mark.parametrize(("formula", "ending"), [("7", Ending.FLAT), ("x - x", Ending.FLAT), ("floor(x)*0 + 2", Ending.FLAT)])
def test_a_flat_function_has_no_minimum(formula: str, ending: Ending) -> None:
    found = run(Experiment(Problem.from_text(formula), GD, starts=Starts(count=50)))
    assert found.minima == () == found.stationary and set(found.endings) == {ending}
    assert (found.epochs == 0).all()


@pytest.mark.parametrize("formula", ["x + y", "exp(x)", "-x^2 - y^2", "x^3 + y", "x*y"])
def test_a_function_without_minimum(formula: str) -> None:
    found = run(Experiment(Problem.from_text(formula), GD, {"lr": 0.05}, Starts(count=200), Stopping(epochs=300)))
    assert found.minima == () and (found.labels == -1).all()


@pytest.mark.parametrize("flatness", [1e-3, 1e-6, 1e-8])
def test_an_elongated_bowl_is_still_a_minimum(flatness: float) -> None:
    problem = Problem.from_text("x^2 + k*y^2", parameters={"k": flatness})
    found = run(Experiment(problem, GD, {"lr": 0.3}, Starts.at([[1.0, 1e-4], [0.5, -2e-4]]), Stopping(epochs=200)))
    assert set(found.endings) == {Ending.MINIMUM} and len(found.minima) == 1
    assert found.minima[0].eigenvalues == pytest.approx((2 * flatness, 2))


# -- named cases -------------------------------------------------------------------------------------------------------

WORDS = {
    "minimum": {Ending.MINIMUM}, "saddle": {Ending.SADDLE}, "maximum": {Ending.MAXIMUM}, "degenerate": {Ending.DEGENERATE},
    "flat": {Ending.FLAT}, "plateau": {Ending.FLAT}, "diverged": {Ending.DIVERGED, Ending.LEFT_BOX},
    "overflow": {Ending.DIVERGED}, "left_domain": {Ending.LEFT_DOMAIN}, "bad_start": {Ending.UNDEFINED},
    "crossed_singularity": {Ending.JUMPED}, "step_limit": {Ending.MOVING}, "kink": {Ending.BOUNCING},
    "cycle": {Ending.ORBIT},
}  # fmt: skip
RELIABILITY = [line.split("\t") for line in cases.lines("reliability_cases.tsv")]


@pytest.mark.parametrize("row", RELIABILITY, ids=lambda row: f"{row[0][:20]} from {row[1]} at {row[2]} for {row[3]}")
def test_reliability_case(row: list[str]) -> None:
    formula, start, rate, steps, word, fact = row[:6]
    point = [float(number) for number in start.split(",")]
    problem = Problem.from_text(formula, box={name: (-10, 10) for name in "xy"[: len(point)]})
    found = run(Experiment(problem, GD, {"lr": float(rate)}, Starts.at(point), Stopping(epochs=int(steps))))
    allowed = WORDS[word]
    if "aperiodic" in fact or "never settles" in fact:  # no orbit of 2 to 8 positions: not settled is the right answer
        allowed = allowed | {Ending.MOVING, Ending.HOVERING}
    assert found.endings[0] in allowed
    assert (found.labels[0] >= 0) == (word == "minimum")


# -- the stability limit -----------------------------------------------------------------------------------------------

DEEPEST_RATE = 2 / 30.182214109362263  # 0.06626


def peaks_at(rate: float, epochs: int = 1000) -> Findings:
    return run(Experiment(PEAKS, GD, {"lr": rate}, Starts(count=500, seed=1), Stopping(epochs=epochs)))


def test_just_below_the_limit_the_deepest_minimum_of_peaks_is_reached() -> None:
    found = peaks_at(0.0655)
    deepest = found.minima[0]
    assert deepest.point == pytest.approx((0.2282789205563691, -1.6255349574999964), abs=1e-8)
    assert deepest.share > 0.2 and deepest.stable_rate == pytest.approx(DEEPEST_RATE, rel=1e-9)
    assert found.ending_counts()[Ending.ORBIT] == 0


def test_just_above_the_limit_it_is_circled_but_never_reached() -> None:
    found = peaks_at(0.0675)
    deepest = found.minima[0]
    assert deepest.point == pytest.approx((0.2282789205563691, -1.6255349574999964), abs=1e-8)
    assert deepest.count == 0 and deepest.share == 0 and math.isnan(deepest.median_epochs)
    circling = found.endings == Ending.ORBIT
    assert circling.mean() > 0.1
    ends = found.ends[circling]
    assert (np.abs(ends - deepest.point) < 0.3).all() and (np.abs(ends - deepest.point).max(axis=1) > 1e-3).all()
    for end in ends[:5]:  # the orbit has period 2
        once = end - 0.0675 * PEAKS.gradient(end)
        twice = once - 0.0675 * PEAKS.gradient(once)
        assert np.abs(once - end).max() > 1e-3 and np.abs(twice - end).max() < 1e-5
    assert [m.count > 0 for m in found.minima] == [False, True, True]


# -- polishing ---------------------------------------------------------------------------------------------------------


def test_polishing_converges_to_the_last_digits_and_only_nearby() -> None:
    true = true_minima(CASES["peaks"], PEAKS)
    polished = polish(PEAKS, true + [[1e-3, -2e-3]])
    np.testing.assert_allclose(polished.points, true, rtol=0, atol=1e-14)
    assert (polished.kinds == MINIMUM).all()
    assert (polish(PEAKS, np.array([[2.9, 2.9], [-2.9, 2.5], [0.9, -1.2]])).kinds == NONE).all()


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_solve_agrees_with_numpy(d: int) -> None:
    rng = np.random.default_rng(d)
    matrices = rng.normal(size=(30, d, d))
    matrices = matrices + np.swapaxes(matrices, 1, 2)
    vectors = rng.normal(size=(30, d))
    np.testing.assert_allclose(solve(matrices, vectors), np.linalg.solve(matrices, vectors[..., None])[..., 0], rtol=1e-8)
    broken = matrices.copy()
    broken[3] = np.nan
    assert np.isnan(solve(broken, vectors)[3]).all() and np.isfinite(solve(broken, vectors)[4]).all()


def test_solve_uses_the_pseudo_inverse_of_a_singular_matrix() -> None:
    found = solve(np.array([[[2.0, 0.0], [0.0, 0.0]]]), np.array([[3.0, 0.0]]))
    np.testing.assert_allclose(found, [[1.5, 0]], atol=1e-12)


# -- the quick survey of a box -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_the_survey_invents_no_minimum_and_misses_none_of_the_reference(name: str) -> None:
    problem = problem_of(CASES[name])
    wanted, found = true_minima(CASES[name], problem), np.array([m.point for m in survey(problem)]).reshape(-1, problem.dimension)
    assert len(found) == len(wanted)
    assert (nearest(found, wanted, problem) < 1e-5).all() and (nearest(wanted, found, problem) < 1e-5).all()


@pytest.mark.parametrize("name", sorted(set(DEGENERATE) - {"FlatTail"}))
def test_the_survey_calls_no_degenerate_point_a_minimum(name: str) -> None:
    assert survey(problem_of(DEGENERATE[name])) == ()


def test_a_run_lists_the_minima_of_the_survey_that_its_starts_do_not_reach() -> None:
    found = run(Experiment(PEAKS, GD, {"lr": 0.01}, Starts.at([0.3, -1.5])))
    assert [m.count for m in found.minima] == [1, 0, 0] and found.labels.tolist() == [0]
