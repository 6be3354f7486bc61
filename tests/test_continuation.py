"""Points followed to where they end: closed forms of folds and pitchforks, exact roots of cubics, and the way back."""

import landscapes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from gdcore import GALLERY, Problem, Setting
from gdcore.continuation import follow, resolve
from gdcore.implicit import response
from gdcore.survey import survey

CUSP, PITCHFORK, BOWL, BARRIER = (GALLERY[name] for name in ("tilted_double_well", "pitchfork", "rippled_bowl", "log_barrier"))
LEFT, RIGHT = CUSP.minima


def kinds(branch):
    return [event.kind for event in branch.events]


# -- folds -------------------------------------------------------------------------------------------------------------


def test_the_upper_well_of_the_cusp_vanishes_where_it_should():
    branch = follow(CUSP, "b", RIGHT, 2.0)
    (event,) = branch.events
    assert event.kind == "fold" and (event.before, event.after) == ("minimum", "") and not branch.arrived
    assert event.value == pytest.approx(8 / (3 * np.sqrt(3)), rel=1e-12) and event.point == pytest.approx([1 / np.sqrt(3), 0], abs=1e-10)
    assert branch.values[-1] == event.value and (np.diff(branch.values) > 0).all() and branch.kind_at_end == "degenerate"
    assert branch.smallest[0] > 1 and abs(branch.smallest[-1]) < 1e-9 and "vanish at b = 1.5396" in branch.reason


@pytest.mark.parametrize("b", [0.3, 1e-3, 1e-6, -0.3])
def test_the_same_in_the_other_parameter_however_close_the_other_branches_come(b):
    problem = CUSP.with_parameters(b=b)
    start = max(survey(problem), key=lambda m: np.sign(b) * m.point[0]).point
    (event,) = follow(problem, "a", start, -1.0).events
    assert event.kind == "fold" and event.value == pytest.approx((abs(b) * 3 * np.sqrt(3) / 8) ** (2 / 3), rel=1e-9)


def test_the_lower_well_goes_on():
    branch = follow(CUSP, "a", LEFT, -1.0)
    assert branch.arrived and branch.events == () and branch.kind_at_end == "minimum" and branch.values[-1] == -1.0
    (x,) = [r.real for r in np.roots([4, 0, 4, 0.3]) if abs(r.imag) < 1e-9]
    assert branch.points[-1] == pytest.approx([x, 0], abs=1e-12)


@pytest.mark.parametrize("minimum", [m for m in BOWL.minima if any(m)])
def test_the_outer_minima_of_the_rippled_bowl_vanish_together(minimum):
    """2x + 3h sin 3x = 0 and 2 + 9h cos 3x = 0: tan 3x = 3x. In the corners two eigenvalues vanish at once."""
    u = brentq(lambda u: np.sin(u) - u * np.cos(u), 4.4, 4.6, xtol=1e-15)
    (event,) = follow(BOWL, "h", minimum, 0.0).events
    assert event.kind == "fold" and event.value == pytest.approx(-2 / (9 * np.cos(u)), abs=1e-11)
    assert np.abs(event.point) == pytest.approx(np.abs(np.sign(minimum)) * u / 3, abs=1e-6)
    assert follow(BOWL, "h", minimum, 5.0).arrived


def test_the_maxima_and_saddles_between_meet_the_minima_there():
    saddle = brentq(lambda x: 2 * x + 6 * np.sin(3 * x), 1.1, 1.4, xtol=1e-15)
    folds = [follow(BOWL, "h", point, 0.0).events[-1] for point in ((saddle, 0.0), BOWL.minima[4])]
    assert folds[0].value == pytest.approx(folds[1].value, rel=1e-12) and folds[0].point == pytest.approx(folds[1].point, abs=1e-7)
    assert [fold.before for fold in folds] == ["saddle", "minimum"]


def test_a_fold_exactly_at_the_value_wanted_is_arrived_at():
    problem = Problem.from_text("x^3/3 - a*x", box={"x": (-2, 2)}, parameters={"a": 1.0})
    branch = follow(problem, "a", (1.0,), 0.0)
    assert branch.arrived and branch.kind_at_end == "degenerate" and kinds(branch) == ["fold"] and branch.values[-1] == 0.0
    assert not follow(problem, "a", (1.0,), -1e-6).arrived and follow(problem, "a", (1.0,), 1e-6).points[-1] == pytest.approx([1e-3], abs=1e-12)


# -- where branches meet -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("until", [-1.0, -0.3, -1e-4])
def test_both_minima_of_the_pitchfork_merge_into_one(side, until):
    branch = follow(PITCHFORK, "c", PITCHFORK.minima[side], until)
    (event,) = branch.events
    assert (event.kind, event.before, event.after) == ("exchange", "minimum", "minimum")
    assert abs(event.value) < 1e-12 and np.abs(event.point).max() < 1e-8
    assert branch.arrived and branch.kind_at_end == "minimum" and branch.points[-1] == pytest.approx([0, 0], abs=1e-12)
    assert (np.diff(branch.values) < 0).all()


@pytest.mark.parametrize(("own", "until", "before", "after"), [(-1.0, 3.0, "minimum", "saddle"), (3.0, -1.0, "saddle", "minimum")])
def test_the_symmetric_branch_of_the_pitchfork_changes_its_kind(own, until, before, after):
    branch = follow(PITCHFORK.with_parameters(c=own), "c", (0, 0), until)
    (event,) = branch.events
    assert (event.kind, event.before, event.after) == ("exchange", before, after) and abs(event.value) < 1e-12
    assert branch.arrived and branch.kind_at_end == after and not branch.points.any()


def test_a_pitchfork_may_be_the_end_or_the_start():
    end = follow(PITCHFORK, "c", PITCHFORK.minima[1], 0.0)
    assert end.arrived and end.kind_at_end == "degenerate" and end.values[-1] == 0 and np.abs(end.points[-1]).max() < 1e-8
    on = follow(PITCHFORK.with_parameters(c=0.0), "c", end.points[-1], -1.0)
    assert on.arrived and on.kind_at_end == "minimum" and kinds(on) == ["exchange"]
    near = follow(PITCHFORK, "c", PITCHFORK.minima[1], 1e-6)
    assert near.arrived and near.events == () and near.points[-1] == pytest.approx([0, np.sqrt(2e-6)], abs=1e-12)


BENT = "(y - sin(p) - (x + y/3 - p - y^2/7)^2/5)^2"  # w²: curved coordinates u, w in which nothing is symmetric or straight
U = "(x + y/3 - p - y^2/7)"


def bent(p, u):
    y = np.sin(p) + u * u / 5
    return u - y / 3 + p + y**2 / 7, y


def test_a_pitchfork_in_curved_coordinates():
    problem = Problem.from_text(f"{BENT} + {U}^4 - (p - 0.2)*(1 + p/3)*{U}^2", parameters={"p": Setting(1.0, -1, 2)})
    u = np.sqrt(0.8 * (1 + 1 / 3) / 2)
    for start in (bent(1.0, u), bent(1.0, -u), bent(1.0, 0.0)):
        branch = follow(problem, "p", start, -1.0)
        (event,) = branch.events
        assert event.kind == "exchange" and event.value == pytest.approx(0.2, abs=1e-9) and event.point == pytest.approx(bent(0.2, 0.0), abs=1e-7)
        assert branch.arrived and branch.kind_at_end == "minimum" and branch.points[-1] == pytest.approx(bent(-1.0, 0.0), abs=1e-10)


def test_a_transcritical_crossing_in_curved_coordinates_stays_on_its_own_branch():
    problem = Problem.from_text(f"{BENT} - {U}^3/3 + (p - 0.1)*{U}^2/2", parameters={"p": Setting(1.0, -1, 2)})
    straight, slanted = follow(problem, "p", bent(1.0, 0.0), -1.0), follow(problem, "p", bent(1.0, 0.9), -1.0)
    for branch, u, start, end in ((straight, 0.0, "minimum", "saddle"), (slanted, -1.1, "saddle", "minimum")):
        (event,) = branch.events
        assert event.kind == "exchange" and event.value == pytest.approx(0.1, abs=1e-8) and (event.before, event.after) == (start, end)
        assert branch.arrived and branch.points[-1] == pytest.approx(bent(-1.0, u), abs=1e-10)


def test_two_eigenvalues_that_pass_zero_are_one_event_together_and_two_apart():
    together = Problem.from_text("p*(x^2 + y^2) + x^4 + y^4", parameters={"p": 1.0})
    (event,) = follow(together, "p", (0, 0), -1.0).events
    assert (event.before, event.after) == ("minimum", "maximum") and abs(event.value) < 1e-12
    apart = Problem.from_text("p*x^2 + (p + 0.01)*y^2 + x^4 + y^4", parameters={"p": 1.0})
    events = follow(apart, "p", (0, 0), -1.0).events
    assert [(e.before, e.after) for e in events] == [("minimum", "saddle"), ("saddle", "maximum")]
    assert [e.value for e in events] == pytest.approx([0, -0.01], abs=1e-10)


def test_a_point_where_the_curvature_only_touches_zero_is_passed():
    problem = Problem.from_text("x^4 + p*x + y^2", parameters={"p": 1.0})
    branch = follow(problem, "p", (-((1 / 4) ** (1 / 3)), 0), -1.0)
    assert branch.arrived and branch.events == () and branch.points[-1] == pytest.approx([(1 / 4) ** (1 / 3), 0], abs=1e-12)


# -- the rest of what may happen ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("m", [0.01, 0.1, 2.0])
def test_the_log_barrier_agrees_with_its_conditions_solved_in_one_variable(m):
    """1 = m (1/x - 1/s) and 2 = m (1/y - 1/s) with s = 3 - x - y."""

    def place(s):
        return 1 / (1 / m + 1 / s), 1 / (2 / m + 1 / s)

    s = brentq(lambda s: 3 - sum(place(s)) - s, 1e-6, 3, xtol=1e-15)
    branch = follow(BARRIER, "m", BARRIER.minima[0], m)
    assert branch.arrived and branch.points[-1] == pytest.approx(place(s), abs=1e-12) and branch.events == ()
    assert branch.heights[-1] == pytest.approx(float(BARRIER.with_parameters(m=m).value(place(s))), abs=1e-12)


def test_leaving_and_entering_the_box_is_noted_and_the_way_goes_on():
    problem = Problem.from_text("(x - 3*p)^2 + (y - p)^2", parameters={"p": 0.0}, box={"x": (-3, 3), "y": (-1, 1)})
    branch = follow(problem, "p", (0, 0), 2.0)
    (event,) = branch.events
    assert event.kind == "leaves the box" and event.value == pytest.approx(1, abs=1e-12) and branch.arrived
    wave = Problem.from_text("(x - 4*sin(p))^2 + y^2", parameters={"p": Setting(0.0, -7, 7)})
    branch = follow(wave, "p", (0, 0), 6.5)
    assert kinds(branch) == ["leaves the box", "enters the box"] * 2
    a = np.arcsin(3 / 4)
    assert [e.value for e in branch.events] == pytest.approx([a, np.pi - a, np.pi + a, 2 * np.pi - a], abs=1e-11)


def test_where_f_ceases_to_exist_the_way_ends():
    branch = follow(Problem.from_text("sqrt(1 - p)*x^2 + (y - p)^2 + x^2", parameters={"p": 0.0}), "p", (0, 0), 2.0)
    assert kinds(branch) == ["undefined"] and branch.events[0].value == pytest.approx(1, abs=1e-9) and not branch.arrived
    assert "ceases to exist at p = 1" in branch.reason


@pytest.mark.parametrize("formula", ["(x - floor(p))^2 + y^2", "2*(x - p)^2 + (y - max(p, 1) + 1)^2"])
def test_jumps_and_kinks_end_the_way(formula):
    branch = follow(Problem.from_text(formula, parameters={"p": 0.5}), "p", (0.0, 0.0) if "floor" in formula else (0.5, 0.0), 4.0)
    assert not branch.arrived and "no smooth branch goes on from p = 1" in branch.reason and branch.values[-1] == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(("formula", "start", "until"), [("(p*x - 1)^2 + y^2", (1, 0), -1.0), ("exp(-x) + p*x + y^2", (0, 0), -1.0)])
def test_a_point_that_runs_off_to_infinity_is_let_go_soon(formula, start, until):
    branch = follow(Problem.from_text(formula, parameters={"p": 1.0}), "p", start, until)
    assert not branch.arrived and "runs away" in branch.reason and kinds(branch) == ["leaves the box"]
    assert 0 <= branch.values[-1] < 0.05 and branch.evaluations < 600


def test_starts_that_are_none_are_told():
    assert "not stationary" in follow(CUSP, "a", (0.5, 0.5), 2.0).reason
    assert "no finite value" in follow(BARRIER, "m", (-1, -1), 2.0).reason
    assert "singular" in follow(Problem.from_text("(x*y - p)^2", parameters={"p": 2.0}), "p", (1, 2), 1.0).reason
    assert "no derivative by p" in follow(Problem.from_text("(-2)^p*x^2 + y^2", parameters={"p": 2.0}), "p", (0, 0), 1.0).reason
    fold = Problem.from_text("x^3/3 - a*x", box={"x": (-2, 2)}, parameters={"a": 0.0})
    assert "singular at the start" in follow(fold, "a", (0.0,), -1.0).reason


def test_wrong_questions_are_refused():
    with pytest.raises(ValueError, match="a is 7; give a number from -1 to 2"):
        follow(CUSP, "a", RIGHT, 7.0)
    with pytest.raises(ValueError, match="there is no parameter 'q'"):
        follow(CUSP, "q", RIGHT, 1.0)
    with pytest.raises(ValueError, match="give 2 numbers"):
        follow(CUSP, "a", (1.0,), 1.0)


# -- from value to value -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", ["a", "b"])
def test_a_sweep_takes_one_short_step_from_value_to_value(parameter):
    problem, point = CUSP, LEFT
    for value in np.linspace(CUSP.parameters[parameter], 2.0, 60)[1:]:
        branch = follow(problem, parameter, point, value)
        problem, point = problem.with_parameters(**{parameter: value}), branch.points[-1]
        assert branch.arrived and branch.evaluations <= 8 and np.abs(problem.gradient(point)).max() < 1e-13
    assert follow(CUSP, parameter, LEFT, 2.0).points[-1] == pytest.approx(point, abs=1e-13)
    still = follow(CUSP, parameter, LEFT, CUSP.parameters[parameter])
    assert still.arrived and len(still.values) == 1 and still.evaluations <= 3


def test_resolving_gives_the_minimum_or_none_where_it_vanishes():
    there = resolve(CUSP, "b", 0.5, RIGHT)
    assert there.kind == "minimum" and there.inside_box and there.eigenvalues[0] > 0
    assert there.point == pytest.approx(max(survey(CUSP.with_parameters(b=0.8)), key=lambda m: m.point[0]).point, abs=1e-12)
    assert resolve(CUSP, "b", 1.3, RIGHT) is None and resolve(CUSP, "b", -1.3, RIGHT).kind == "minimum"
    r = response(CUSP, "b", RIGHT)
    assert np.abs(r.place(1e-3) - resolve(CUSP, "b", 1e-3, RIGHT).point).max() < 1e-9


@given(seed=st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_stationary_points_of_quartics_are_roots_of_cubics(seed):
    """f' = c(p)·(1, x, x², x³) with coefficients linear in p: all roots of numpy, and folds at double ones."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, 4)).round(3) * [1, 2, 1, 1]
    first[3], second[3] = abs(first[3]) + 0.3, abs(second[3]) + 0.3
    text = " + ".join(f"(({a!r})*(1 - p) + ({b!r})*p)*x^{k + 1}/{k + 1}" for k, (a, b) in enumerate(zip(first.tolist(), second.tolist(), strict=True)))
    problem = Problem.from_text(text, box={"x": (-4, 5)}, parameters={"p": Setting(0.0, 0, 1)})

    def real(p):
        roots = np.roots(((1 - p) * first + p * second)[::-1])
        return np.sort(roots.real[np.abs(roots.imag) < 1e-7])

    ends = []
    for root in real(0.0):
        branch = follow(problem, "p", (root,), 1.0)
        if branch.arrived:
            ends.append(branch.points[-1, 0])
            assert np.abs(real(1.0) - ends[-1]).min() < 1e-7
            assert follow(problem.with_parameters(p=1.0), "p", branch.points[-1], 0.0).points[-1] == pytest.approx([root], abs=1e-7)
        else:
            (fold,) = [event for event in branch.events if event.kind == "fold"]
            c = (1 - fold.value) * first + fold.value * second
            x = fold.point[0]
            assert abs(c @ x ** np.arange(4)) < 1e-10 and abs(c[1:] @ (np.arange(1, 4) * x ** np.arange(3))) < 1e-7
    assert (np.diff(np.sort(ends)) > 1e-6).all(), "two points arrived at the same place"


@pytest.mark.parametrize("family", [landscapes.bumps, landscapes.product, landscapes.rational])
@pytest.mark.parametrize("d", [1, 2])
def test_one_landscape_turned_into_another_and_back(family, d):
    """Points that arrive are distinct and come back to where they began; those that do not arrive end at true folds."""
    rng = np.random.default_rng(d)
    box, first, second = landscapes.box(d, rng), family(d, rng), family(d, rng)
    points, _ = landscapes.stationary_points(Problem.from_text(first, box=box), 100)
    problem = Problem.from_text(f"(1 - s)*({first}) + s*({second})", box=box, parameters={"s": Setting(0.0, 0, 1)})
    width, ends = problem.highs - problem.lows, []
    assert len(points)
    for point in points:
        branch = follow(problem, "s", point, 1.0)
        if branch.arrived:
            assert np.abs(problem.with_parameters(s=1.0).gradient(branch.points[-1])).max() < 1e-9
            back = follow(problem.with_parameters(s=1.0), "s", branch.points[-1], 0.0)
            assert back.arrived and back.points[-1] == pytest.approx(point, abs=1e-8)
            ends.append(branch.points[-1])
        else:
            fold = branch.events[-1]
            there = problem.with_parameters(s=fold.value)
            assert fold.kind == "fold" and np.abs(there.gradient(fold.point)).max() < 1e-9
            assert np.abs(np.linalg.eigvalsh(there.hessian(fold.point))).min() < 1e-7
    assert all(np.abs((a - b) / width).max() > 1e-6 for k, a in enumerate(ends) for b in ends[:k])
