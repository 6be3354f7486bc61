"""Findings side by side: labels keep pointing at the same positions, whatever the order and the number of variables."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, Experiment, Findings, Problem, Starts, Stopping, run
from gdcore.alignment import align, known_minima

ONE = Problem.from_text("(x^2 - 1)^2 + 0.2*x", box={"x": (-2, 2)})
THREE = Problem.from_text(
    "(x^2 - 1)^2 + (y^2 - 1)^2 + (z^2 - 1)^2 + 0.2*x + 0.1*y + 0.05*z", box={name: (-2, 2) for name in "xyz"}
)
SADDLES = Problem.from_text("x^2 - y^2", box={"x": (-1, 1), "y": (-1, 1)})
PROBLEMS = {
    "1 variable": ONE, "3 variables": THREE, "peaks": GALLERY["peaks"], "himmelblau": GALLERY["himmelblau"],
    "no minimum": SADDLES, "six minima": GALLERY["six_hump_camel"],
}  # fmt: skip
FEW = {"1 variable": 1, "3 variables": 3, "peaks": 3, "himmelblau": 3, "no minimum": 3, "six minima": 4}


def made(problem: Problem, count: int, seed: int, optimizer: str = "gd", rate: float = 0.02) -> Findings:
    """Findings that know only what their own starts reached, whatever else a run lists."""
    found = run(Experiment(problem, OPTIMIZERS[optimizer], {"lr": rate}, Starts(count=count, seed=seed), Stopping(epochs=400)))
    reached = [k for k, minimum in enumerate(found.minima) if minimum.count]
    labels = np.array([reached.index(k) if k >= 0 else -1 for k in found.labels.tolist()], dtype=found.labels.dtype)
    return dataclasses.replace(found, minima=tuple(found.minima[k] for k in reached), labels=labels)


def some(name: str, seeds: tuple[int, ...] = (0, 1, 2, 3)) -> list[Findings]:
    """Findings of a few starts each, so that they know different minima."""
    return [made(PROBLEMS[name], FEW[name], seed) for seed in seeds]


def places(findings: Findings) -> list[Any]:
    return [np.round(findings.minima[k].point, 5).tolist() if k >= 0 else None for k in findings.labels]


@pytest.mark.parametrize("name", PROBLEMS)
def test_labels_keep_pointing_at_the_same_places(name: str) -> None:
    found = some(name)
    aligned = align(found)
    assert len(aligned) == len(found)
    for before, after in zip(found, aligned, strict=True):
        assert places(after) == places(before)
        assert after.labels.dtype == before.labels.dtype
        np.testing.assert_array_equal(after.labels < 0, before.labels < 0)
        for field in dataclasses.fields(Findings):
            if field.name not in ("labels", "minima"):
                assert getattr(after, field.name) is getattr(before, field.name), field.name


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_label_is_the_same_minimum_in_all_and_counts_are_each_ones_own(name: str) -> None:
    found = some(name)
    aligned = align(found)
    lists = [np.array([m.point for m in findings.minima]) for findings in aligned]
    for before, after, points in zip(found, aligned, lists, strict=True):
        assert points.shape == lists[0].shape
        np.testing.assert_allclose(points, lists[0], atol=1e-6)
        assert [m.count for m in after.minima] == [(after.labels == k).sum() for k in range(len(points))]
        own = {m.point: m for m in before.minima}
        assert all(own[m.point] == m for m in after.minima if m.count)
        for minimum in after.minima:
            if minimum.point not in own:
                assert (minimum.count, minimum.share, minimum.interval[0]) == (0, 0.0, 0.0)
                assert math.isnan(minimum.median_epochs) and 0 < minimum.interval[1] < 1
    values = [m.value for m in aligned[0].minima]
    assert np.diff(values).min(initial=0.0) >= -1e-8 and len(values) == len(np.unique(np.round(lists[0], 5), axis=0))


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_minimum_that_any_found_is_listed_once(name: str) -> None:
    found = some(name)
    wanted = {tuple(np.round(m.point, 5) + 0.0) for findings in found for m in findings.minima}
    wanted |= {tuple(np.round(point, 5) + 0.0) for point in PROBLEMS[name].minima}
    listed = [tuple(np.round(m.point, 5) + 0.0) for m in align(found)[0].minima]
    assert sorted(listed) == sorted(wanted)


def test_these_findings_differ_in_what_they_know() -> None:
    assert len({tuple(map(len, (f.minima for f in some(name)))) for name in PROBLEMS}) > 2
    for name in ("1 variable", "3 variables"):
        before = some(name)
        assert any(a.labels.tolist() != b.labels.tolist() for a, b in zip(before, align(before), strict=True)), name


@settings(max_examples=25)
@given(st.sampled_from(list(PROBLEMS)), st.permutations(range(4)))
def test_the_order_of_the_findings_does_not_matter(name: str, order: list[int]) -> None:
    found = some(name)
    one, other = align(found), align([found[k] for k in order])
    for k, findings in zip(order, other, strict=True):
        np.testing.assert_array_equal(findings.labels, one[k].labels)
        for a, b in zip(findings.minima, one[k].minima, strict=True):
            assert a.point == pytest.approx(b.point, abs=1e-9) and a.count == b.count


@pytest.mark.parametrize("name", PROBLEMS)
def test_aligning_twice_changes_nothing(name: str) -> None:
    once = align(some(name))
    for a, b in zip(once, align(once), strict=True):
        np.testing.assert_array_equal(a.labels, b.labels)
        assert [(m.point, m.count) for m in a.minima] == [(m.point, m.count) for m in b.minima]


def test_one_alone_is_kept_but_for_known_minima() -> None:
    alone = made(ONE, 40, 0)
    (same,) = align([alone])
    assert same.minima == alone.minima
    np.testing.assert_array_equal(same.labels, alone.labels)


def test_other_problems_are_refused() -> None:
    with pytest.raises(ValueError, match="on one problem only"):
        align([made(ONE, 2, 0), made(THREE, 2, 0)])


# -- known minima ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, problem in GALLERY.items() if problem.dimension <= 3 and problem.minima])
def test_known_minima_of_the_gallery_are_confirmed(name: str) -> None:
    problem = GALLERY[name]
    found = known_minima(problem)
    assert len(found) == len(problem.minima)
    for point in problem.minima:
        nearest = min(found, key=lambda m: math.dist(m.point, point))
        assert nearest.point == pytest.approx(point, abs=1e-6) and nearest.count == 0
        assert nearest.value == pytest.approx(float(problem.value(point)), rel=1e-9, abs=1e-12) and nearest.eigenvalues[0] > 0


def test_what_is_claimed_but_is_no_minimum_is_left_out() -> None:
    claims = ((1.0, 0.0), (0.0, 0.0), (0.5, 0.2))  # a minimum, a saddle, nothing
    problem = Problem.from_text("(x^2 - 1)^2 + y^2", box={"x": (-2, 2), "y": (-2, 2)}, minima=claims)
    assert [m.point for m in known_minima(problem)] == [pytest.approx((1.0, 0.0), abs=1e-9)]


def test_known_minima_move_with_the_parameters_and_stay_inside_the_box() -> None:
    problem = Problem.from_text("(x - a)^2 + y^2", parameters={"a": 1.0}, minima=((1.0, 0.0),))
    assert known_minima(problem.with_parameters(a=1.1))[0].point == pytest.approx((1.1, 0.0), abs=1e-12)
    assert known_minima(problem.with_box({"x": (0, 3), "y": (-1, 1)})) != ()
    assert known_minima(problem.with_box({"x": (-3, 0), "y": (-1, 1)})) == ()
    assert known_minima(SADDLES) == ()
