"""Comparisons against runs made one by one, scipy's tests, recorded paths, and what must hold whoever is compared."""

import dataclasses
import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from gdcore import GALLERY, OPTIMIZERS, Ending, Experiment, Findings, Problem, Starts, Stopping, run, trace
from gdcore.compare import Comparison, compare, compare_tuned, transition
from gdcore.stopping import ENDINGS
from gdcore.tuning import Budget, tune

PEAKS, HIMMELBLAU = GALLERY["peaks"], GALLERY["himmelblau"]
DOUBLE = Problem.from_text("(x^2 - 1)^2 + 0.3*x + y^2", box={"x": (-2, 2), "y": (-1, 1)}, name="double well")
POLE = Problem.from_text("1/x + x^2 + log(y + 3)^2", box={"x": (-3, 3), "y": (-3, 3)})
STARTS = Starts(count=200, seed=4)
NAMES = {"slow": ("gd", 0.01), "fast": ("gd", 0.05), "heavy": ("momentum", 0.01), "adam": ("adam", 0.1)}


def entrants(problem: Problem, starts: Starts = STARTS, *names: str, epochs: int = 300) -> dict[str, Experiment]:
    return {
        name: Experiment(problem, OPTIMIZERS[NAMES[name][0]], {"lr": NAMES[name][1]}, starts, Stopping(epochs))
        for name in names or NAMES
    }


def places(findings: Findings) -> list[tuple[float, ...] | None]:
    """The minimum each start is labelled with, by its rounded position."""
    return [tuple(np.round(findings.minima[label].point, 5) + 0.0) if label >= 0 else None for label in findings.labels]


@pytest.fixture(scope="module")
def peaks() -> Comparison:
    return compare(entrants(PEAKS))


# -- the same starts, the same minima ----------------------------------------------------------------------------------


@pytest.mark.parametrize("design", ["uniform", "sobol", "grid"])
def test_every_contender_sees_the_same_starts(design: str) -> None:
    found = compare(entrants(DOUBLE, Starts(design, 64, 8), epochs=40))
    wanted = Starts(design, 64, 8).points(DOUBLE)
    assert found.count == len(wanted) == 64 and found.names == tuple(NAMES) and len(found.findings) == 4
    for findings in found.findings:
        np.testing.assert_array_equal(findings.starts, wanted)


def test_findings_are_those_of_separate_runs(peaks: Comparison) -> None:
    for own, experiment in zip(peaks.findings, entrants(PEAKS).values(), strict=True):
        alone = run(experiment)
        for array in ("ends", "epochs", "ending_codes", "end_values", "gradient_norms"):
            np.testing.assert_array_equal(getattr(own, array), getattr(alone, array))
        assert places(own) == places(alone)
        reached = [{m.point: (m.count, m.share, m.median_epochs) for m in f.minima if m.count} for f in (own, alone)]
        assert reached[0] == reached[1] and reached[0]


def test_labels_mean_the_same_place_in_all_findings(peaks: Comparison) -> None:
    for findings in peaks.findings:
        assert len(findings.minima) == len(peaks.findings[0].minima) >= 3
        for label, minimum in enumerate(findings.minima):
            np.testing.assert_allclose(minimum.point, peaks.findings[0].minima[label].point, atol=1e-6)
            own = findings.labels == label
            assert own.sum() == minimum.count
            np.testing.assert_allclose(findings.ends[own], np.tile(minimum.point, (minimum.count, 1)), atol=1e-4)


def test_a_deeper_minimum_that_one_alone_settles_in_is_what_success_is() -> None:
    starts = Starts.at([[0.9, 0.1], [1.2, -0.4], [1.9, 0.5]])
    plain = Experiment(DOUBLE, OPTIMIZERS["gd"], {"lr": 0.02}, starts, Stopping(3000))
    heavy = Experiment(DOUBLE, OPTIMIZERS["momentum"], {"lr": 0.05, "momentum": 0.9}, starts, Stopping(3000))
    assert run(plain).labels.tolist() == [1, 1, 1], "the survey of the box knows of the left well"
    found = compare({"plain": plain, "heavy": heavy})
    assert [findings.labels.tolist() for findings in found.findings] == [[1, 1, 1], [1, 1, 0]]
    assert found.success.tolist() == [[False, False, False], [False, False, True]] and found.deepest == (0,)
    assert [[m.count for m in findings.minima] for findings in found.findings] == [[0, 3], [1, 2]]
    assert found.findings[0].minima[0].point[0] == pytest.approx(-1.0356, abs=1e-4)
    assert not compare({"plain": plain, "again": plain}).success.any(), "also where nobody settles in the left well"


def test_a_known_minimum_that_nobody_reached_is_listed_and_defines_success() -> None:
    near = Starts(count=30, seed=1, box={"x": (-1.4, -1.3), "y": (0.15, 0.25)})  # around the second deepest of three
    found = compare(entrants(PEAKS, near, "slow", "fast"))
    for findings in found.findings:
        assert [m.count for m in findings.minima][:2] == [0, 30] and (findings.labels == 1).all()
        assert findings.minima[0].point == pytest.approx(PEAKS.minima[0], abs=1e-9)
        assert findings.minima[0].share == 0 and math.isnan(findings.minima[0].median_epochs)
    assert not found.success.any() and found.deepest == (0,)
    unknown = dataclasses.replace(PEAKS, minima=())
    assert not compare(entrants(unknown, near, "slow", "fast")).success.any(), "the survey of the box finds it"


def test_known_minima_count_whichever_contender_carries_them() -> None:
    near = Starts(count=10, seed=1, box={"x": (-1.4, -1.3), "y": (0.15, 0.25)})
    bare = dataclasses.replace(PEAKS, minima=())
    assert bare == PEAKS
    one, other = entrants(bare, near, "slow"), entrants(PEAKS, near, "fast")
    assert not compare(one | other).success.any() and not compare(other | one).success.any()


def test_a_known_minimum_outside_a_narrowed_box_decides_nothing() -> None:
    box = {"x": (-2.0, -0.5), "y": (-0.5, 1.0)}  # the second deepest alone
    found = compare(entrants(PEAKS.with_box(box), Starts(count=20, box={"x": (-1.4, -1.3), "y": (0.15, 0.25)}), "slow", "fast"))
    assert found.success.all() and [len(findings.minima) for findings in found.findings] == [1, 1]


def test_four_equally_deep_minima_are_all_success() -> None:
    found = compare(entrants(HIMMELBLAU, STARTS, "slow", "heavy", epochs=1000))
    assert found.deepest == (0, 1, 2, 3)
    for findings, success in zip(found.findings, found.success, strict=True):
        np.testing.assert_array_equal(success, findings.endings == Ending.MINIMUM)
        assert all(minimum.count > 10 for minimum in findings.minima)


@pytest.mark.parametrize("height", [1.0, 1e9])
def test_the_deepest_is_of_lowest_value_however_high_others_lie(height: float) -> None:
    """Wells at -1 and 1 whose depths differ by 1e-3; one far above at 4 makes the order of the list a matter of rounding."""
    formula = f"(x^2 - 1)^2 - 0.0005*x + {height}*(1 + (x - 4)^2)/(1 + exp(40*(3 - x)))"
    problem = Problem.from_text(formula, box={"x": (-2, 6)}, minima=((1.0,), (-1.0,), (4.0,)))
    experiment = Experiment(problem, OPTIMIZERS["gd"], {"lr": 0.01}, Starts.at([[-1.1], [-0.9], [0.9], [1.1]]), Stopping(2000))
    found = compare({"one": experiment, "other": experiment})
    values = sorted(minimum.value for minimum in found.findings[0].minima)
    assert len(values) == (3 if height > 1e3 else 2) and values[1] - values[0] == pytest.approx(1e-3, rel=1e-3)
    assert found.success[0].tolist() == [False, False, True, True]


def test_without_any_minimum_nobody_succeeds() -> None:
    slope = Problem.from_text("x + y")
    found = compare(entrants(slope, Starts(count=7), "slow", "fast", epochs=30))
    assert found.deepest == () and not found.success.any()
    assert [s.expected_evaluations for s in found.summaries()] == [math.inf, math.inf]
    assert all(math.isnan(q) for s in found.summaries() for q in (*s.evaluations, *s.median_interval))
    assert found.pairs()[0].p_value == 1.0 and found.pairs()[0].difference == 0.0


# -- numbers by hand ---------------------------------------------------------------------------------------------------


def test_summaries_by_hand(peaks: Comparison) -> None:
    n = peaks.count
    for k, summary in enumerate(peaks.summaries()):
        flags, spent = peaks.findings[k].labels == 0, peaks.findings[k].epochs + 1
        interval = binomtest(int(flags.sum()), n).proportion_ci(0.95, method="wilson")
        assert (summary.name, summary.successes) == (peaks.names[k], flags.sum()) and 0 < summary.successes < n
        assert summary.share == flags.mean() and summary.interval == pytest.approx((interval.low, interval.high), abs=1e-12)
        np.testing.assert_array_equal(peaks.success[k], flags)
        np.testing.assert_array_equal(peaks.evaluations[k], spent)
        assert summary.evaluations == pytest.approx(tuple(np.percentile(spent[flags], [25, 50, 75])))
        low, high = summary.median_interval
        assert low <= np.median(spent[flags]) <= high and {low, high} <= set(np.arange(0, 700) / 2)
        assert summary.expected_evaluations == pytest.approx(spent.sum() / flags.sum())


def test_pairs_by_hand(peaks: Comparison) -> None:
    pairs, p_values = peaks.pairs(), []
    assert [(p.first, p.second) for p in pairs] == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    for pair in pairs:
        a, b = peaks.success[pair.first].tolist(), peaks.success[pair.second].tolist()
        only = [sum(x and not y for x, y in zip(*side, strict=True)) for side in ((a, b), (b, a))]
        assert [pair.only_first, pair.only_second] == only
        p_values.append(binomtest(only[0], sum(only)).pvalue if sum(only) else 1.0)
        assert pair.p_value == pytest.approx(p_values[-1], rel=1e-12)
        assert pair.difference == pytest.approx(np.mean(a) - np.mean(b), abs=1e-15)
        assert pair.interval == pytest.approx(newcombe(a, b), abs=1e-12)
    adjusted, worst = {}, 0.0
    for rank, i in enumerate(sorted(range(6), key=lambda i: p_values[i])):
        worst = max(worst, min(1.0, (6 - rank) * p_values[i]))
        adjusted[i] = worst
    assert [pair.adjusted for pair in pairs] == pytest.approx([adjusted[i] for i in range(6)], rel=1e-12)
    assert min(p_values) < 0.05, "a comparison in which nothing differs would test little"


def newcombe(first: list[bool], second: list[bool]) -> tuple[float, float]:
    """R. G. Newcombe 1998, method 10, from scipy's Wilson intervals."""
    n, z = len(first), NormalDist()
    assert z.inv_cdf(0.975) == pytest.approx(1.959964, abs=1e-6)
    a = sum(x and y for x, y in zip(first, second, strict=True))
    b, c = sum(first) - a, sum(second) - a
    d = n - a - b - c
    (l1, u1), (l2, u2) = (tuple(binomtest(sum(s), n).proportion_ci(0.95, method="wilson")) for s in (first, second))
    p1, p2 = sum(first) / n, sum(second) / n
    product = (a + b) * (c + d) * (a + c) * (b + d)
    numerator = a * d - b * c
    if numerator > 0:
        numerator = max(numerator - n / 2, 0)
    phi = numerator / math.sqrt(product) if product else 0.0

    def root(x: float, y: float) -> float:
        return math.sqrt(x * x - 2 * phi * x * y + y * y)

    return p1 - p2 - root(p1 - l1, u2 - p2), p1 - p2 + root(u1 - p1, p2 - l2)


def test_ecdf_ends_at_the_success_share_and_counts_starts(peaks: Comparison) -> None:
    for k, summary in enumerate(peaks.summaries()):
        x, y = peaks.ecdf(k)
        assert y[-1] == pytest.approx(summary.share) and x[0] == 0 and y[0] == 0
        spent = peaks.evaluations[k][peaks.success[k]]
        np.testing.assert_allclose(y, [(spent <= at).sum() / peaks.count for at in x], atol=1e-15)


# -- transitions -------------------------------------------------------------------------------------------------------


def groups_of(findings: Findings) -> list[tuple[int, int | None]]:
    return [
        (int(label), None) if label >= 0 else (-1, ENDINGS.index(ending))
        for label, ending in zip(findings.labels, findings.endings, strict=True)
    ]


def test_transitions_count_every_start_once(peaks: Comparison) -> None:
    for a in range(4):
        for b in range(4):
            found = peaks.transition(a, b)
            assert found.counts.sum() == peaks.count and len(set(found.groups)) == len(found.groups)
            first, second = groups_of(peaks.findings[a]), groups_of(peaks.findings[b])
            assert [found.groups[i] for i in found.rows] == first and [found.groups[j] for j in found.columns] == second
            assert set(found.groups) == {*first, *second}, "only what occurs"
            assert found.counts.sum(axis=1).tolist() == [first.count(group) for group in found.groups]
            assert found.counts.sum(axis=0).tolist() == [second.count(group) for group in found.groups]
            for i, row in enumerate(found.groups):
                for j, column in enumerate(found.groups):
                    assert found.counts[i, j] == list(zip(first, second, strict=True)).count((row, column))


def test_a_transition_with_itself_is_diagonal_and_the_way_back_transposed(peaks: Comparison) -> None:
    own = peaks.transition(3, 3).counts
    assert (own == np.diag(np.diag(own))).all() and len(own) > 2
    there, back = peaks.transition(0, 3), peaks.transition(3, 0)
    assert there.groups == back.groups
    np.testing.assert_array_equal(there.counts, back.counts.T)
    assert (there.counts != np.diag(np.diag(there.counts))).any()


def test_transitions_need_the_same_starts() -> None:
    one, other = (run(Experiment(DOUBLE, OPTIMIZERS["gd"], {}, Starts(count=5, seed=s), Stopping(5))) for s in (0, 1))
    with pytest.raises(ValueError, match="same starts"):
        transition(one, other)


# -- properties --------------------------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(st.sampled_from(["peaks", "himmelblau"]), st.permutations(list(NAMES)), st.integers(0, 99), st.booleans())
def test_the_order_of_contenders_does_not_matter(problem: str, order: list[str], seed: int, with_target: bool) -> None:
    target = {"peaks": -3.0, "himmelblau": 20.0}[problem] if with_target else None
    entered = entrants(GALLERY[problem], Starts(count=25, seed=seed), epochs=150)
    one, other = compare(entered, target=target), compare({name: entered[name] for name in order}, target=target)
    where = [order.index(name) for name in one.names]
    np.testing.assert_array_equal(one.success, other.success[where])
    np.testing.assert_array_equal(one.evaluations, other.evaluations[where])
    assert repr(one.summaries()) == repr([other.summaries()[k] for k in where]), "as text, for nan is unlike itself"
    mirrored = {(p.first, p.second): p for p in other.pairs()}
    for pair in one.pairs():
        a, b = where[pair.first], where[pair.second]
        again = mirrored[min(a, b), max(a, b)]
        sign = 1 if a < b else -1
        assert again.difference == sign * pair.difference
        assert again.interval == pytest.approx(pair.interval if a < b else (-pair.interval[1], -pair.interval[0]), abs=1e-12)
        assert (again.p_value, again.adjusted) == pytest.approx((pair.p_value, pair.adjusted))
        np.testing.assert_array_equal(one.transition(pair.first, pair.second).counts, other.transition(a, b).counts)
    for own, again in zip(one.findings, (other.findings[k] for k in where), strict=True):
        np.testing.assert_array_equal(own.labels, again.labels)


@settings(max_examples=15)
@given(st.integers(0, 99), st.integers(2, 30))
def test_permuting_starts_permutes_success_and_keeps_every_number(seed: int, count: int) -> None:
    points = Starts(count=count, seed=seed).points(PEAKS)
    order = np.random.default_rng(seed).permutation(count)
    one, other = (compare(entrants(PEAKS, Starts.at(p), "slow", "adam", epochs=120)) for p in (points, points[order]))
    np.testing.assert_array_equal(other.success, one.success[:, order])
    np.testing.assert_array_equal(other.evaluations, one.evaluations[:, order])
    assert one.pairs() == other.pairs()
    np.testing.assert_array_equal(one.transition(0, 1).counts, other.transition(0, 1).counts)


# -- a target ----------------------------------------------------------------------------------------------------------

TARGETS = {
    "peaks": (PEAKS, -3.0),
    "a target below everything": (PEAKS, -7.0),
    "a target above everything": (PEAKS, 1e9),
    "unbounded below": (GALLERY["peaks_misprinted"], -1e5),
    "poles": (POLE, 1.0),
    "starts that diverge": (Problem.from_text("x^4 - y^4/10 - x^2", box={"x": (-6, 6), "y": (-6, 6)}), -3.0),
}


@pytest.mark.parametrize("name", TARGETS)
def test_success_with_a_target_is_read_off_recorded_paths(name: str) -> None:
    problem, target = TARGETS[name]
    entered = entrants(problem, Starts(count=25, seed=6), "fast", "adam", epochs=90)
    found = compare(entered, target=target)
    for k, experiment in enumerate(entered.values()):
        for i, start in enumerate(found.findings[k].starts):
            seen = trace(problem, experiment.optimizer, experiment.settings, start, experiment.stopping)
            hits = np.flatnonzero(seen.values <= target)
            assert bool(found.success[k, i]) is bool(hits.size)
            assert found.evaluations[k, i] == (hits[0] if hits.size else len(seen.values) - 1) + 1
            assert found.findings[k].endings[i] is seen.ending
        x, y = found.ecdf(k)
        assert y[-1] == found.success[k].mean()
    if "every" not in name:
        assert 0 < found.success.sum() < found.success.size


def test_the_targets_include_runs_that_hit_and_then_diverge() -> None:
    problem, target = TARGETS["starts that diverge"]
    found = compare(entrants(problem, Starts(count=25, seed=6), "fast", "adam", epochs=90), target=target)
    later = np.array([findings.endings == Ending.DIVERGED for findings in found.findings])
    assert (later & found.success).sum() >= 5 and (later & found.success & (found.evaluations > 1)).any()


def test_a_target_ends_no_run_and_changes_no_finding() -> None:
    entered = entrants(PEAKS, Starts(count=50), epochs=100)
    for one, other in zip(compare(entered).findings, compare(entered, target=0.0).findings, strict=True):
        np.testing.assert_array_equal(one.ends, other.ends)
        np.testing.assert_array_equal(one.labels, other.labels)
        assert one.hits is None and other.hits is not None


# -- progress and refusals ---------------------------------------------------------------------------------------------


def test_progress_rises_through_all_contenders() -> None:
    seen: list[tuple[int, int, int]] = []
    entered = entrants(PEAKS, Starts(count=40), "slow", "fast", epochs=100)
    entered = {"short": dataclasses.replace(entered["slow"], stopping=Stopping(50))} | entered
    compare(entered, on_progress=lambda *numbers: seen.append(numbers))
    done = [epochs for epochs, _, _ in seen]
    assert done == sorted(done) and done[0] == 0 and {total for _, total, _ in seen} == {250}
    assert {0, 50, 150} <= set(done) and 150 < done[-1] <= 250 and all(0 < running <= 40 for _, _, running in seen)


def test_an_exception_in_progress_cancels() -> None:
    seen = []

    def stop(*numbers: int) -> None:
        seen.append(numbers)
        if numbers[0] >= 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compare(entrants(PEAKS, Starts(count=40), epochs=100), on_progress=stop)
    assert sum(done >= 100 for done, _, _ in seen) == 1


def test_the_runner_is_given_every_experiment() -> None:
    entered, ran = entrants(DOUBLE, Starts(count=5), epochs=20), []

    def runner(experiment: Experiment, **options: Any) -> Findings:
        ran.append((experiment, options["target"]))
        return run(experiment, **options)

    compare(entered, runner=runner, target=0.5)
    assert ran == [(experiment, 0.5) for experiment in entered.values()]


def test_what_cannot_be_compared_is_refused() -> None:
    entered = entrants(PEAKS, Starts(count=10), epochs=10)
    slow = entered["slow"]
    for few in ({}, {"slow": slow}):
        with pytest.raises(ValueError, match="at least two"):
            compare(few)
    elsewhere = dataclasses.replace(PEAKS, start_limits=((-1.0, 1.0), (-1.0, 1.0)))
    assert elsewhere == PEAKS, "where starts are drawn from is no part of a problem's identity"
    others = {
        "seed": dataclasses.replace(slow, starts=Starts(count=10, seed=1)),
        "count": dataclasses.replace(slow, starts=Starts(count=11)),
        "box": dataclasses.replace(slow, starts=Starts(count=10, box={"x": (0, 1), "y": (0, 1)})),
        "problem": dataclasses.replace(slow, problem=HIMMELBLAU),
        "parameters": dataclasses.replace(slow, problem=PEAKS.with_box({"x": (-2, 2), "y": (-2, 2)})),
        "start region": dataclasses.replace(slow, problem=elsewhere),
    }
    for what, other in others.items():
        with pytest.raises(ValueError, match=f"'{what}' has another problem or other starts"):
            compare({"slow": slow, what: other})


def test_the_same_starts_said_in_other_words_are_compared() -> None:
    slow = entrants(PEAKS, Starts(count=10), "slow", epochs=10)["slow"]
    written_out = dataclasses.replace(slow, starts=Starts(count=10, box=PEAKS.start_box))
    listed = dataclasses.replace(slow, starts=Starts.at(slow.starts.points(PEAKS)))
    assert compare({"slow": slow, "written out": written_out, "listed": listed}).count == 10


def test_starts_without_a_number_are_compared_as_undefined() -> None:
    slow = entrants(DOUBLE, Starts.at([[math.nan, 0.0], [1.0, 0.0]]), "slow", "fast", epochs=10)
    found = compare(slow)
    assert [findings.endings[0] for findings in found.findings] == [Ending.UNDEFINED] * 2
    assert not found.success[:, 0].any() and found.transition(0, 1).counts.sum() == 2


def test_training_starts_among_the_starts_are_refused() -> None:
    training = Starts(count=20, seed=3)
    contenders = {"gd": (OPTIMIZERS["gd"], {"lr": 0.01}), "momentum": (OPTIMIZERS["momentum"], {"lr": 0.01})}
    found = tune(DOUBLE, contenders, Stopping(50), trials=2, starts=training)
    with pytest.raises(ValueError, match="^20 of the training starts are among"):
        compare(entrants(DOUBLE, training, "slow", "fast", epochs=10), tuning=found)
    mixed = Starts.at(np.vstack([training.points(DOUBLE)[4], Starts(count=9).points(DOUBLE)]))
    with pytest.raises(ValueError, match="^1 of the training starts are among"):
        compare(entrants(DOUBLE, mixed, "slow", "fast", epochs=10), tuning=found)
    assert compare(entrants(DOUBLE, Starts(count=20, seed=4), "slow", "fast", epochs=10), tuning=found).tuning is found


def test_further_minima_share_a_group_where_asked() -> None:
    starts = Starts(count=80)
    found = compare({k: Experiment(GALLERY["rastrigin"], OPTIMIZERS[k], {"lr": 0.002}, starts) for k in ("gd", "momentum")})
    whole, folded = found.transition(0, 1), found.transition(0, 1, most=3)
    assert len(whole.groups) > len(folded.groups) and folded.counts.sum() == whole.counts.sum() == 80
    labels = [label for label, ending in folded.groups if ending is None]
    assert labels == sorted(labels) and max(labels) == 3
    further = folded.groups.index((3, None))
    assert int((found.findings[0].labels >= 3).sum()) == int(folded.counts[further].sum())


def test_tuning_and_comparing_in_one_is_tuning_and_then_comparing() -> None:
    contenders = {k: (OPTIMIZERS[k], OPTIMIZERS[k].defaults_for(PEAKS)) for k in ("gd", "adam")}
    budget, starts, stopping = Budget(trials=4, starts=Starts(count=15, seed=8)), Starts(count=40, seed=3), Stopping(200)
    seen: list[tuple[int, int, int]] = []
    whole = compare_tuned(PEAKS, contenders, starts, stopping, budget=budget, on_progress=lambda *n: seen.append(n))
    chosen = tune(PEAKS, contenders, stopping, trials=4, starts=budget.starts).chosen
    apart = compare({k: Experiment(PEAKS, OPTIMIZERS[k], chosen[k], starts, stopping) for k in contenders})
    np.testing.assert_array_equal(whole.success, apart.success)
    np.testing.assert_array_equal(whole.evaluations, apart.evaluations)
    assert whole.tuning is not None and whole.tuning.chosen == chosen
    done = [epochs for epochs, _, _ in seen]
    assert done == sorted(done) and {total for _, total, _ in seen} == {2 * 2 * 200}
    plain = compare_tuned(PEAKS, contenders, starts, stopping, budget=None)
    assert plain.tuning is None and plain.findings[0].experiment.settings["lr"] == PEAKS.rate
