"""What moved between two findings, against counting start by start, and intervals against simulated truth."""

import dataclasses
import math
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, Ending, Experiment, Findings, Problem, Starts, Stopping, run
from gdcore.compare import outcome_codes
from gdcore.differences import Difference, Shift, between, difference
from gdcore.matching import How, matched
from gdcore.statistics import median_difference_interval, paired_difference, sign_interval, unpaired_difference
from gdcore.stopping import CODE, ENDINGS
from gdcore.success import deepest_labels

PEAKS, CUSP, HIMMELBLAU = GALLERY["peaks"], GALLERY["tilted_double_well"], GALLERY["himmelblau"]
SHAPE = run(Experiment(HIMMELBLAU, OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=8), Stopping(500)))  # four minima


def made(problem: Problem = PEAKS, rate: float = 0.02, count: int = 150, seed: int = 0, epochs: int = 200) -> Findings:
    return run(Experiment(problem, OPTIMIZERS["gd"], {"lr": rate}, Starts(count=count, seed=seed), Stopping(epochs)))


def invented(labels: list[int], endings: list[Ending], epochs: list[int], *, seed: int = 0) -> Findings:
    """Findings with these labels, endings where the label is -1, and epochs."""
    n, labelled = len(labels), np.array(labels, dtype=np.int64)
    codes = np.where(labelled >= 0, CODE[Ending.MINIMUM], [CODE[ending] for ending in endings]).astype(np.int8)
    minima = tuple(dataclasses.replace(m, count=int((labelled == k).sum()), share=float((labelled == k).mean())) for k, m in enumerate(SHAPE.minima))
    starts = np.random.default_rng(seed).uniform(-3, 3, (n, 2))
    return dataclasses.replace(
        SHAPE, starts=starts, ends=starts, end_values=np.zeros(n), gradient_norms=np.zeros(n), epochs=np.array(epochs, dtype=np.int64),
        ending_codes=codes, labels=labelled, minima=minima, hits=None,
    )  # fmt: skip


def outcomes(findings: Findings) -> list[tuple[int, Ending | None]]:
    return [(int(k), None) if k >= 0 else (-1, e) for k, e in zip(findings.labels, findings.endings, strict=True)]


def agrees(row: Shift, first: list[bool], second: list[bool], *, paired: bool) -> None:
    """A row says what flags, start by start, say."""
    assert (row.before, row.now) == (sum(first) / len(first), sum(second) / len(second))
    wanted = paired_difference(np.array(second), np.array(first)) if paired else unpaired_difference(sum(second), len(second), sum(first), len(first))
    assert (row.difference, *row.interval) == pytest.approx(wanted, abs=1e-14)
    assert row.may_be_chance == (row.interval[0] <= 0 <= row.interval[1])


def checked(found: Difference) -> None:
    """Everything that a difference of matching findings says, counted again from its findings."""
    before, now = found.before, found.now
    assert found.paired == (before.starts.shape == now.starts.shape and bool((before.starts == now.starts).all()))
    one, other = outcomes(before), outcomes(now)
    assert {(row.label, row.ending) for row in found.rows} == {*one, *other} and len(found.rows) == len({*one, *other})
    order = [(row.label if row.label >= 0 else 10**6, ENDINGS.index(row.ending) if row.ending else 0) for row in found.rows]
    assert order == sorted(order)
    for row in found.rows:
        group = (row.label, row.ending)
        agrees(row, [o == group for o in one], [o == group for o in other], paired=found.paired)
    assert sum(row.before for row in found.rows) == pytest.approx(1) == pytest.approx(sum(row.now for row in found.rows))
    agrees(found.settled, [k >= 0 for k, _ in one], [k >= 0 for k, _ in other], paired=found.paired)
    deep = [deepest_labels(findings) for findings in (before, now)]
    agrees(found.success, [k in deep[0] for k, _ in one], [k in deep[1] for k, _ in other], paired=found.paired)
    if found.paired:
        assert found.changed is not None and found.changed.tolist() == [a != b for a, b in zip(one, other, strict=True)]
        assert found.changed_share == found.changed.mean() and found.changed_interval[0] <= found.changed_share <= found.changed_interval[1]
    else:
        assert found.changed is None and np.isnan([found.changed_share, *found.changed_interval]).all()


# -- counted again -----------------------------------------------------------------------------------------------------


def test_a_paired_difference_is_what_counting_says() -> None:
    found = difference(made(rate=0.01), made(rate=0.05))
    checked(found)
    assert found.paired and 0 < found.changed_share < 0.5 and len(found.rows) >= 4
    both = [(int(a), int(b)) for a, b, k, m in zip(found.before.epochs, found.now.epochs, found.before.labels, found.now.labels, strict=True) if k >= 0 <= m]
    assert found.epochs.before == median(a for a, _ in both) and found.epochs.now == median(b for _, b in both)
    moved = [b - a for a, b in both]
    assert found.epochs.difference == median(moved) and found.epochs.interval == sign_interval(moved)
    assert found.epochs.interval[1] < 0, "five times the rate is sooner there"


def test_an_unpaired_difference_is_what_counting_says() -> None:
    found = difference(made(seed=0), made(seed=1, count=90))
    checked(found)
    epochs = [findings.epochs[findings.labels >= 0] for findings in (found.before, found.now)]
    assert not found.paired and (found.epochs.before, found.epochs.now) == (np.median(epochs[0]), np.median(epochs[1]))
    assert found.epochs.difference == np.median(epochs[1]) - np.median(epochs[0])
    assert found.epochs.interval == median_difference_interval(epochs[1], epochs[0])


LABEL = st.integers(-1, 3)
ENDED = st.sampled_from([Ending.MOVING, Ending.DIVERGED, Ending.LEFT_BOX])
START = st.tuples(LABEL, ENDED, st.integers(0, 50))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(START, START), min_size=1, max_size=30), st.booleans())
def test_whatever_became_of_the_starts(each: list[tuple[tuple[int, Ending, int], tuple[int, Ending, int]]], paired: bool) -> None:
    columns = [[list(column) for column in zip(*side, strict=True)] for side in zip(*each, strict=True)]
    before, now = (invented(*columns[k], seed=0 if paired else k) for k in range(2))
    found, back = difference(before, now), difference(now, before)
    checked(found)
    assert {(r.label, r.ending): r.difference for r in found.rows} == {(r.label, r.ending): -r.difference for r in back.rows}
    assert back.epochs.difference == pytest.approx(-found.epochs.difference, nan_ok=True)
    assert back.settled.interval == pytest.approx((-found.settled.interval[1], -found.settled.interval[0]), abs=1e-12)
    for most in (0, 1, 4):
        grouped = found.grouped(most)
        assert sum(r.before for r in grouped) == pytest.approx(1) == pytest.approx(sum(r.now for r in grouped))
        assert [r for r in grouped if 0 <= r.label < most] == [r for r in found.rows if 0 <= r.label < most]
        assert [r for r in grouped if r.label < 0] == [r for r in found.rows if r.label < 0]
        further = [r for r in grouped if r.label == most]
        flags = [[k >= most for k in side[0]] for side in columns]
        assert len(further) == (any(flags[0]) or any(flags[1])) and max((r.label for r in grouped), default=0) <= most
        for row in further:
            agrees(row, *flags, paired=paired)


def test_nothing_moves_between_equal_findings() -> None:
    found = difference(made(), made())
    checked(found)
    assert not found.changed_share and all(row.difference == 0 and row.may_be_chance for row in found.rows)
    assert (found.epochs.difference, found.epochs.interval) == (0, (0, 0))


def test_without_a_minimum_there_are_no_epochs_and_no_success() -> None:
    slope = Problem.from_text("x + y")
    for seed in (0, 1):
        found = difference(made(slope), made(slope, seed=seed))
        assert np.isnan([found.epochs.before, found.epochs.now, found.epochs.difference, *found.epochs.interval]).all()
        assert found.success.now == found.settled.now == 0 and [row.ending for row in found.rows] == [Ending.LEFT_BOX, Ending.MOVING][::-1]


# -- other boxes, parameters and functions -----------------------------------------------------------------------------


def test_a_minimum_that_moves_with_a_parameter_is_no_change() -> None:
    points = np.random.default_rng(0).uniform((-2, -1), (2, 1), (80, 2))
    found = [
        run(Experiment(CUSP.with_parameters(b=b), OPTIMIZERS["gd"], {"lr": 0.02}, Starts.at(points), Stopping(2000))) for b in (0.0, 0.2, 1.8)
    ]
    little, much = difference(found[0], found[1]), difference(found[0], found[2])
    checked(little)
    right = points[:, 0] > 0
    assert little.matched.how is How.FOLLOWED and little.changed_share < 0.15
    assert np.array_equal(much.changed, right) and [(r.before, r.now) for r in much.rows] == [((~right).mean(), 1.0), (right.mean(), 0.0)]


def test_many_runs_matched_together_keep_their_numbers_in_every_pair() -> None:
    found = [made(CUSP.with_parameters(b=b), epochs=2000) for b in (0.3, 1.8, 1.9)]
    every = matched(found)
    pair = between(every, 1, 2)
    assert pair.before is every.findings[1] and pair.now is every.findings[2]
    assert [row.label for row in pair.rows] == [0] == [row.label for row in difference(*found[1:]).rows]
    assert [row.label for row in between(every, 0, 2).rows] == [0, 1]


def test_of_different_functions_only_what_has_a_meaning_is_compared() -> None:
    starts = Starts(count=150, box={"x": (-2.0, 2.0), "y": (-2.0, 2.0)})
    found = difference(*(run(Experiment(problem, OPTIMIZERS["gd"], {"lr": 0.01}, starts)) for problem in (PEAKS, HIMMELBLAU)))
    assert found.matched.how is How.DIFFERENT and found.paired and found.changed is None and math.isnan(found.changed_share)
    assert found.rows and all(row.label == -1 and row.ending for row in found.rows) and found.grouped(2) == found.rows
    for row, flags in ((found.settled, lambda f: f.labels >= 0), (found.success, lambda f: np.isin(f.labels, deepest_labels(f)))):
        agrees(row, flags(found.before).tolist(), flags(found.now).tolist(), paired=True)
    assert found.success.now == found.settled.now, "all four of Himmelblau's are the deepest"
    assert found.epochs.interval[0] <= found.epochs.difference <= found.epochs.interval[1]


def test_other_numbers_of_variables() -> None:
    found = difference(made(GALLERY["two_sines"]), made(PEAKS))
    assert not found.paired and found.changed is None and found.settled.now > 0


def test_boxes_that_differ_but_starts_that_do_not() -> None:
    wide = CUSP.with_box({"x": (-3, 3), "y": (-3, 3)})
    region = {"x": (-2.0, 2.0), "y": (-2.0, 2.0)}
    found = difference(*(run(Experiment(p, OPTIMIZERS["gd"], {"lr": 0.02}, Starts(count=50, box=region), Stopping(2000))) for p in (CUSP, wide)))
    checked(found)
    assert found.paired and found.changed_share == 0


# -- coverage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "moves"), [(60, 0.5), (200, 0.4), (250, 0.03)])
def test_intervals_of_paired_shares_cover_the_truth_in_95_percent(n: int, moves: float) -> None:
    """Starts of which so many draw their minimum anew, with other chances: shares of the first minimum and of all.

    Where only a handful moves, whole numbers make the cover wider than that.
    """
    rng, chances = np.random.default_rng(n), (np.array([0.5, 0.3, 0.0, 0.0, 0.2]), np.array([0.3, 0.4, 0.2, 0.0, 0.1]))
    wanted = moves * (chances[1] - chances[0])
    covered = []
    for _ in range(400):
        first = rng.choice(5, n, p=chances[0])
        second = np.where(rng.random(n) < moves, rng.choice(5, n, p=chances[1]), first)
        sides = [np.where(side == 4, -1, side).tolist() for side in (first, second)]
        found = difference(*(invented(side, [Ending.MOVING] * n, [0] * n) for side in sides))
        row = next(row for row in found.rows if row.label == 0)
        covered.append([limits[0] <= truth <= limits[1] for limits, truth in ((row.interval, wanted[0]), (found.settled.interval, -wanted[4]))])
    assert (np.mean(covered, axis=0) >= 0.93).all() and (np.mean(covered, axis=0) <= (0.985 if moves > 0.1 else 1)).all()


def test_the_interval_of_epochs_covers_the_truth_in_at_least_95_percent() -> None:
    rng, covered = np.random.default_rng(1), []
    for _ in range(400):
        n = 80
        first = rng.geometric(0.01, n)
        second = first + rng.poisson(30.5, n) - 50  # the median of that Poisson distribution is 30
        labels = rng.integers(-1, 2, n).tolist()
        sides = [invented(labels, [Ending.MOVING] * n, side.tolist()) for side in (first, second)]
        low, high = difference(*sides).epochs.interval
        covered.append(low <= -20 <= high)
    assert np.mean(covered) >= 0.95


def test_hundreds_of_minima() -> None:
    problem = Problem.from_text("(x^2 + y^2)/500 + sin(3*x)*sin(3*y)", box={"x": (-9, 9), "y": (-9, 9)})
    found = difference(made(problem, rate=0.02, count=1500, epochs=60), made(problem, rate=0.2, count=1500, epochs=60))
    assert len(found.before.minima) > 127 and found.settled.difference > 0 and len(found.rows) > 60
    checked(found)


@pytest.mark.parametrize("kept", [0, 3, 120, 127, 1000])
def test_the_number_of_an_ending_is_beyond_all_minima_however_many(kept: int) -> None:
    endings = [ending for ending in ENDINGS if ending is not Ending.MINIMUM]
    found = invented([-1] * len(endings) + [1], [*endings, Ending.MOVING], [0] * (len(endings) + 1))
    assert outcome_codes(found, kept).tolist() == [*(kept + 1 + CODE[ending] for ending in endings), min(1, kept)]
