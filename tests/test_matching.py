"""Minima numbered alike across boxes, parameters and functions: labels keep their places, counts stay, nothing is merged."""

import dataclasses
import math
from collections import Counter

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Findings, Problem, Setting, Starts, Stopping, run
from gdcore.alignment import align
from gdcore.compare import transition
from gdcore.matching import How, matched
from gdcore.success import deepest_labels

PEAKS, CUSP = GALLERY["peaks"], GALLERY["tilted_double_well"]
WELLS = Problem.from_text("(x^2 - 1)^2 + 0.2*x", box={"x": (-2, 2)})
SADDLE = Problem.from_text("x^2 - y^2", box={"x": (-1, 1), "y": (-1, 1)})
TEN = [f"x{i}" for i in range(10)]


def made(problem: Problem, count: int = 60, seed: int = 0, rate: float = 0.02, epochs: int = 600) -> Findings:
    return run(Experiment(problem, OPTIMIZERS["gd"], {"lr": rate}, Starts(count=count, seed=seed), Stopping(epochs)))


def places(findings: Findings) -> list[tuple[float, ...] | None]:
    """The minimum that each start is labelled with, by its place."""
    return [findings.minima[label].point if label >= 0 else None for label in findings.labels]


def kept(before: Findings, after: Findings) -> None:
    """What every matching leaves alone: where starts ended, counts and shares, the experiment, and all arrays but the labels."""
    assert places(after) == places(before) and after.labels.dtype == before.labels.dtype
    assert Counter((m.point, m.count, m.share, m.interval) for m in after.minima if m.count) == Counter(
        (m.point, m.count, m.share, m.interval) for m in before.minima if m.count
    )
    assert [m.count for m in after.minima] == [(after.labels == k).sum() for k in range(len(after.minima))]
    for field in dataclasses.fields(Findings):
        if field.name not in ("labels", "minima"):
            assert getattr(after, field.name) is getattr(before, field.name), field.name


# -- by place ----------------------------------------------------------------------------------------------------------


def test_on_equal_problems_it_is_alignment() -> None:
    found = [made(PEAKS, seed=seed, rate=rate, count=20) for seed, rate in ((0, 0.01), (1, 0.03), (0, 0.05))]
    got = matched(found)
    assert (got.how, got.common, got.parameters) == (How.SAME, True, ())
    for one, other, before in zip(got.findings, align(found), found, strict=True):
        assert one.minima == other.minima
        np.testing.assert_array_equal(one.labels, other.labels)
        kept(before, one)


def test_boxes_that_differ_are_matched_by_place_and_minima_outside_one_are_numbered_too() -> None:
    half = CUSP.with_box({"x": (-2, 0.3), "y": (-1, 1)})
    found = [made(half, seed=3), made(CUSP, seed=4, count=80)]
    got = matched(found)
    assert got.how is How.SAME
    for before, after in zip(found, got.findings, strict=True):
        kept(before, after)
        np.testing.assert_allclose([m.point for m in after.minima], CUSP.minima, atol=1e-6)
    assert [[m.inside_box for m in findings.minima] for findings in got.findings] == [[True, False], [True, True]]
    assert [findings.experiment.problem for findings in got.findings] == [half, CUSP]


def test_the_deepest_of_each_box_is_success_there() -> None:
    right = CUSP.with_box({"x": (0.3, 2), "y": (-1, 1)})
    got = matched([made(CUSP), made(right)])
    assert [deepest_labels(findings) for findings in got.findings] == [(0,), (1,)]


def test_boxes_apart_name_and_spelling_make_no_other_function() -> None:
    left = WELLS.with_box({"x": (-2, -0.5)})
    again = Problem.from_text("(x^{2} - 1)^{2} + 0.2 x", box={"x": (0.5, 3)}, name="other")
    assert again.formula != WELLS.formula and again != WELLS
    got = matched([made(left, count=9), made(again, count=7)])
    assert got.how is How.SAME
    first, second = got.findings
    assert set(first.labels) == {0} and set(second.labels) == {1} and len(first.minima) == len(second.minima) == 2


def test_two_minima_of_one_run_are_never_merged_however_wide_the_other_box() -> None:
    """Wells 2e-4 apart are one place to a box of width 4e3, and two to their own."""
    formula = "0.000001*(((x/0.0001)^2 - 1)^2 + 0.1*x/0.0001)"
    near, far = Problem.from_text(formula, box={"x": (-3e-4, 3e-4)}), Problem.from_text(formula, box={"x": (-2000, 2000)})
    found = [made(near, rate=0.0005, count=30), made(far, rate=0.0005, count=30)]
    assert [m.count > 0 for m in found[0].minima] == [True, True]
    for order in (found, found[::-1]):
        got = matched(order)
        assert got.how is How.SAME
        for before, after in zip(order, got.findings, strict=True):
            kept(before, after)


def test_known_minima_of_any_of_the_problems_are_listed() -> None:
    near = Starts(count=10, seed=1, box={"x": (-1.4, -1.3), "y": (0.15, 0.25)})
    bare = dataclasses.replace(PEAKS.with_box({"x": (-3, 3), "y": (-2.5, 3)}), minima=())
    found = [run(Experiment(problem, OPTIMIZERS["gd"], {}, near, Stopping(2000))) for problem in (bare, PEAKS)]
    assert [len(findings.minima) for findings in matched(found).findings] == [3, 3]


# -- followed ----------------------------------------------------------------------------------------------------------


def test_minima_keep_their_number_along_a_parameter_and_are_nan_where_they_do_not_exist() -> None:
    """Beyond |b| = 1.5396 one well is gone; which of the two is deeper changes its sign with b."""
    values = (0.3, -0.5, 1.8, -1.8)
    found = [made(CUSP.with_parameters(b=b), seed=5) for b in values]
    got = matched(found)
    assert (got.how, got.parameters) == (How.FOLLOWED, ("b",))
    for b, before, after in zip(values, found, got.findings, strict=True):
        kept(before, after)
        left, right = after.minima
        assert (left.exists, right.exists) == (b > -1.5396, b < 1.5396)
        for minimum, sign in ((left, -1), (right, 1)):
            if minimum.exists:
                roots = np.roots([4, 0, -4, b])
                wanted = min(roots[abs(roots.imag) < 1e-9].real, key=lambda x, sign=sign: -sign * x)
                assert minimum.point == pytest.approx((wanted, 0), abs=1e-7)
                assert minimum.eigenvalues == pytest.approx(sorted((12 * wanted**2 - 4, 2)), abs=1e-5)
            else:
                assert np.isnan([*minimum.point, minimum.value, *minimum.eigenvalues, minimum.median_epochs]).all()
                assert (minimum.count, minimum.share, minimum.inside_box) == (0, 0.0, False) and minimum.interval[0] == 0.0
    assert [deepest_labels(findings) for findings in got.findings] == [(0,), (1,), (0,), (1,)]
    assert len({findings.experiment.digest for findings in got.findings}) == 4


def test_the_first_decides_the_numbers() -> None:
    found = [made(CUSP.with_parameters(b=b), seed=5) for b in (-0.5, 0.3)]
    first = matched(found).findings
    assert [m.point[0] > 0 for m in first[0].minima] == [m.point[0] > 0 for m in first[1].minima] == [True, False]


def test_a_minimum_that_a_run_did_not_find_is_where_following_leads() -> None:
    """All starts in the right well, and the left one hidden from the second run."""
    near = Starts(count=20, box={"x": (0.8, 1.1), "y": (-0.1, 0.1)})
    found = [run(Experiment(CUSP.with_parameters(b=b), OPTIMIZERS["gd"], {"lr": 0.05}, near, Stopping(2000))) for b in (0.3, 0.1)]
    known = [k for k, m in enumerate(found[1].minima) if m.count]
    found[1] = dataclasses.replace(found[1], minima=tuple(found[1].minima[k] for k in known), labels=np.zeros(20, np.int64))
    first, second = matched(found).findings
    assert second.minima[0].point[0] < -1 and second.minima[0].count == 0 and second.minima[0].inside_box
    assert second.minima[0].value == pytest.approx(float(CUSP.with_parameters(b=0.1).value(second.minima[0].point)))
    assert set(first.labels) == set(second.labels) == {1}


def test_two_parameters_and_minima_that_no_way_leads_to() -> None:
    """At b = -1.8 the left well exists for a > 1.11 only, so that the way over a = 1 does not lead to it: at a = 2 it is ELSEWHERE."""
    pairs = ((1.0, 0.3), (2.0, -1.8), (1.8, -1.8), (0.5, 0.1))
    found = [made(CUSP.with_parameters(a=a, b=b), seed=2, count=100) for a, b in pairs]
    assert [sum(m.count > 0 for m in findings.minima) for findings in found] == [2, 2, 2, 2]
    got = matched(found)
    assert (got.how, got.parameters) == (How.FOLLOWED, ("a", "b"))
    assert {len(findings.minima) for findings in got.findings} == {4}
    for before, after in zip(found, got.findings, strict=True):
        kept(before, after)
    reached = [[k for k, m in enumerate(findings.minima) if m.count] for findings in got.findings]
    assert reached == [[0, 1], [1, 2], [1, 3], [0, 1]], "two lost ones have two numbers, and are never taken for one minimum"
    assert all(findings.minima[1].point[0] > 0 for findings in got.findings)


def test_parameters_and_boxes_may_differ_together_whatever_the_ranges_say() -> None:
    plain = Problem.from_text(CUSP.formula, box={"x": (-3, 2.5), "y": (-1, 2)}, parameters={"a": 1.0, "b": -4.0})
    for order in ((CUSP, plain), (plain, CUSP)):
        got = matched([made(problem) for problem in order])
        assert got.how is How.FOLLOWED and got.parameters == ("b",)
        assert {len(findings.minima) for findings in got.findings} == {2}


def test_a_logarithmic_range_is_left_where_values_are_not_positive() -> None:
    ranged = Problem.from_text("x^2 + k*x", box={"x": (-3, 3)}, parameters={"k": Setting(1.0, low=0.1, high=10, log=True)})
    plain = Problem.from_text("x^2 + k*x", box={"x": (-3, 3)}, parameters={"k": -2.0})
    got = matched([made(ranged), made(plain)])
    assert [findings.minima[0].point[0] for findings in got.findings] == pytest.approx([-0.5, 1.0], abs=1e-6)
    assert [set(findings.labels) for findings in got.findings] == [{0}, {0}]


def test_matching_what_was_matched_changes_nothing_and_some_of_it_drops_what_is_nowhere() -> None:
    got = matched([made(CUSP.with_parameters(b=b), seed=5) for b in (0.3, 1.8, 1.9)])
    again = matched(got.findings)
    for one, other in zip(got.findings, again.findings, strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_allclose([m.point for m in one.minima], [m.point for m in other.minima])
    tilted = matched(got.findings[1:])
    assert [len(findings.minima) for findings in tilted.findings] == [1, 1]
    (alone,) = matched([got.findings[1]]).findings
    assert alone.minima == tilted.findings[0].minima


# -- what does not match -----------------------------------------------------------------------------------------------


def test_three_parameters_are_too_many() -> None:
    problem = Problem.from_text("a*x^2 + b*x + c", box={"x": (-9, 9)}, parameters={"a": 1.0, "b": 1.0, "c": 1.0})
    found = [made(problem), made(problem.with_parameters(a=2.0, b=2.0, c=0.0))]
    got = matched(found)
    assert got.how is How.TOO_MANY and not got.common and got.findings == tuple(found)
    assert matched([found[0], made(problem.with_parameters(a=2.0, c=0.0))]).how is How.FOLLOWED


@pytest.mark.parametrize(
    "other",
    [WELLS, GALLERY["himmelblau"], Problem.from_text("(y^2 - a)^2 + b*y + x^2", box=CUSP.box, parameters=CUSP.parameters),
     Problem.from_text(CUSP.formula.replace("b", "0.3"), box=CUSP.box, parameters={"a": 1.0})],
    ids=["other variables", "another formula", "variables exchanged", "a number in place of a parameter"],
)  # fmt: skip
def test_different_functions_keep_their_own_numbers(other: Problem) -> None:
    found = [made(CUSP), made(other)]
    got = matched(found)
    assert got.how is How.DIFFERENT and not got.common and got.findings == tuple(found)


def test_every_how_is_a_sentence() -> None:
    assert all(how.value[0].isupper() and how.value.endswith(".") and len(how.value) <= 160 for how in How)


# -- whatever comes ----------------------------------------------------------------------------------------------------


def many(box: float, **parameters: float) -> Problem:
    """sin(3x)·sin(3y): a minimum in every other square of side π/3."""
    names = {"x": (-box, box), "y": (-box, box)}
    return Problem.from_text("a*(x^2 + y^2)/50 + sin(3*x)*sin(3*y)", box=names, parameters={"a": 0.1} | parameters)


def ten(a: float) -> Problem:
    return Problem.from_text("+".join(f"({x}^2 - 1)^2 + a*{x}" for x in TEN), box={x: (-2, 2) for x in TEN}, parameters={"a": a})


@pytest.mark.parametrize(
    ("problems", "how"),
    [
        ((SADDLE, SADDLE.with_box({"x": (-2, 1), "y": (-1, 1)})), How.SAME),
        ((Problem.from_text("a*x + y", parameters={"a": 1.0}), Problem.from_text("a*x + y", parameters={"a": 2.0})), How.FOLLOWED),
        ((WELLS, WELLS.with_box({"x": (0, 2)})), How.SAME),
        ((many(12), many(1)), How.SAME),
        ((many(12), many(1, a=0.12)), How.FOLLOWED),
        ((ten(0.1), ten(0.2)), How.FOLLOWED),
        ((many(1), SADDLE), How.DIFFERENT),
    ],
    ids=["no minimum", "no minimum, followed", "1-D", "300 minima and few", "300 minima and few, followed", "10-D", "nothing in common"],
)
def test_nothing_crashes_with_other_numbers_of_starts_either(problems: tuple[Problem, Problem], how: How) -> None:
    found = [made(problems[0], count=100 if problems[0].dimension == 10 else 1000, epochs=300), made(problems[1], count=1, seed=9, epochs=300)]
    if how is not How.DIFFERENT and problems[0].formula == many(1).formula:
        assert len(found[0].minima) >= 250
    for order in (found, found[::-1]):
        got = matched(order)
        assert got.how is how
        for before, after in zip(order, got.findings, strict=True):
            kept(before, after)
        if got.common:
            lists = [findings.minima for findings in got.findings]
            assert len(lists[0]) == len(lists[1])
            if how is How.SAME and lists[0]:
                np.testing.assert_allclose([m.point for m in lists[0]], [m.point for m in lists[1]], atol=1e-4)


def test_six_runs_and_one_alone() -> None:
    found = [made(CUSP.with_parameters(b=b), count=5 + k, seed=k) for k, b in enumerate((0.3, 0.0, -0.3, 1.0, 1.7, -1.7))]
    got = matched(found)
    assert {len(findings.minima) for findings in got.findings} == {2}
    (alone,) = matched(found[:1]).findings
    assert alone.minima == found[0].minima
    with pytest.raises(ValueError, match="at least one"):
        matched([])


def test_transitions_of_followed_minima_count_the_starts_that_changed() -> None:
    found = [made(CUSP.with_parameters(b=b), seed=5, epochs=3000) for b in (0.0, 1.0)]
    first, second = matched(found).findings
    counts = transition(first, second, most=1).counts
    moved = [(a, b) for a, b in zip(places(first), places(second), strict=True) if a and b and (a[0] > 0) != (b[0] > 0)]
    assert counts.sum() == 60 and counts[0, 1] + counts[1, 0] == len(moved) > 0
    assert math.isclose(first.minima[0].value, 0, abs_tol=1e-9)
