"""The sentences about a comparison, over comparisons made up so that each case occurs."""

import re
from dataclasses import replace

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping
from gdcore.compare import compare
from gdcore.profile import Profile
from gdcore.tuning import tune
from gdui import verdict

PEAKS = GALLERY["peaks"]


@pytest.fixture(scope="module")
def real():
    starts = Starts(count=200)
    return compare({name: Experiment(PEAKS, OPTIMIZERS[name], {"lr": 0.02}, starts) for name in ("gd", "adam")})


def made_up(real, first, second):
    """The comparison with so many of 200 starts successful; the second's successes are the last ones."""
    success = np.zeros((2, 200), bool)
    success[0, :first], success[1, 200 - second :] = True, True
    return replace(real, success=success)


def plain(text):
    return text.replace("\u00a0", " ")


def test_a_clear_difference_is_stated_with_its_interval(real):
    text = plain(verdict.headline(made_up(real, 120, 60)))
    assert re.fullmatch(
        r"gd finds the deepest minimum, f = −6\.551 at \(0\.228, −1\.626\), from 60 % of 200 starts, adam from 30 %: "
        r"30 points more \(95 %: \d+ to \d+\)\.", text
    )  # fmt: skip


def test_the_better_one_comes_first_whatever_the_order(real):
    text = plain(verdict.headline(made_up(real, 60, 120)))
    assert text.startswith("adam finds") and "30 points more" in text


def test_a_difference_that_may_be_chance_is_called_so(real):
    text = plain(verdict.headline(made_up(real, 61, 60)))
    assert "0.5 points" in text and "may be chance (p = " in text


def test_one_alone_and_none_at_all(real):
    assert "gd alone finds" in verdict.headline(made_up(real, 20, 0))
    assert "None of the 2 optimizers finds" in verdict.headline(made_up(real, 0, 0))


def test_a_target_is_named(real):
    assert "gd reaches f ≤ −6.5 from 60" in plain(verdict.headline(replace(made_up(real, 120, 60), target=-6.5)))


def test_no_minimum_known():
    flat = Problem.from_text("-x^2 - y^2")
    found = compare({name: Experiment(flat, OPTIMIZERS[name], {}, Starts(count=20)) for name in ("gd", "adam")})
    assert verdict.headline(found).startswith("No minimum is known here, so choose a target value as success. None of the 2 optimizers settles in a minimum")


def test_soonest_names_the_smaller_median_and_only_among_the_able(real):
    evaluations = np.tile([[30], [20]], (1, 200))
    assert "Soonest is adam, after a median of 20 gradient evaluations" in verdict.soonest(replace(made_up(real, 120, 100), evaluations=evaluations))
    assert verdict.soonest(replace(made_up(real, 120, 10), evaluations=evaluations)) == ""


def test_rows_hold_what_the_summaries_hold(real):
    rows = verdict.rows(made_up(real, 50, 0))
    assert rows[0]["success"] == "25.0\u00a0%" and rows[1]["success"] == "0.0\u00a0%"
    assert rows[1]["evaluations"] == "–" and rows[1]["per success"] == "∞"
    assert verdict.pair_rows(made_up(real, 50, 0))[0]["only the first"] == "50"


def test_fairness_tells_tuned_from_untuned(real):
    assert verdict.fairness(real).startswith("Untuned")
    tuning = tune(PEAKS, {"gd": (OPTIMIZERS["gd"], {}), "adam": (OPTIMIZERS["adam"], {})}, Stopping(100), trials=3, starts=Starts(count=10, seed=5))
    text = verdict.fairness(replace(real, tuning=tuning))
    assert "3 trials of the learning rate for each optimizer on 10 training starts (seed 5); compared on 200 other starts (seed 0)" in text
    rows = verdict.trial_rows(tuning)
    assert len(rows) == 6 and sum(row["chosen"] == "✓" for row in rows) >= 2
    assert verdict.settings_used(replace(real, tuning=tuning)).startswith("Chosen settings. gd: lr 0.02")


@pytest.mark.parametrize(("share", "text"), [(0.123, "12"), (0.0151, "1.5"), (-0.0004, "0.0"), (-0.25, "−25"), (0.0, "0.0")])
def test_points(share, text):
    assert verdict.points(share) == text


def test_profile_sentence_names_all_who_lead():
    rho = np.array([[0.5, 0.5], [1.0, 0.5]])
    found = Profile(("A", "B"), ("p", "q"), np.array([[1.0, 2.0], [3.0, 2.0]]), (({"lr": 0.1}, {"lr": 0.2}),) * 2, 0, np.array([1.0, 2.0]), rho)
    assert verdict.profile_sentence(found) == (
        "Cheapest most often: A and B, on 1 of 2 problems. Most problems solved: A, 2 (untuned)."
    )
    assert verdict.profile_rows(found)[0] == {"problem": "p", "A": "1 ✓ (lr 0.100)", "B": "2 (lr 0.200)"}
    nobody = replace(found, rho=np.zeros((2, 2)), costs=np.full((2, 2), np.inf))
    assert verdict.profile_sentence(nobody).startswith("No optimizer solves any of the 2 problems")
    assert verdict.profile_rows(nobody)[0]["A"].startswith("not solved")


def test_equals_share_the_sentence(real):
    assert plain(verdict.headline(made_up(real, 60, 60))).startswith("gd and adam find the deepest minimum, f = −6.551 at (0.228, −1.626), equally often, from 30 %")
    same = np.full((2, 200), 20)
    assert verdict.soonest(replace(made_up(real, 60, 60), evaluations=same)) == "All that succeed need a median of 20 gradient evaluations."


def test_only_one_successful_has_no_double_comma(real):
    assert ",," not in verdict.headline(made_up(real, 20, 0))


def test_one_start_is_singular(real):
    one = replace(real, success=real.success[:, :1] | True, evaluations=np.ones((2, 1), int))
    assert plain(verdict.headline(one)).endswith("equally often, from 100 % of 1 start (95 %: 21 to 100).")
    assert verdict.soonest(one) == "All that succeed need a median of 1 gradient evaluation."


def test_a_rate_at_the_edge_of_what_was_tried_is_told(real):
    tuning = tune(PEAKS, {"gd": (OPTIMIZERS["gd"], {"lr": 1e-4}), "adam": (OPTIMIZERS["adam"], {})}, Stopping(300), trials=5, starts=Starts(count=20, seed=5))
    text = verdict.settings_used(replace(real, tuning=tuning))
    assert ("(the largest rate tried)" in text) is (tuning.chosen["gd"]["lr"] == 0.01)
    barren = tune(Problem.from_text("x + y"), {"gd": (OPTIMIZERS["gd"], {})}, Stopping(5), trials=2, starts=Starts(count=3, seed=5))
    assert verdict.fairness(replace(real, tuning=barren)).startswith("No trial of the tuning succeeded on any of 3 training starts")


def test_the_time_told_is_that_of_all_runs_those_of_the_tuning_too(real):
    tuning = tune(PEAKS, {"gd": (OPTIMIZERS["gd"], {}), "adam": (OPTIMIZERS["adam"], {})}, Stopping(20), trials=2)
    assert len(tuning.computed) == 2 and all(computed.seconds > 0 for computed in tuning.computed)
    slow = replace(tuning, computed=tuple(replace(computed, seconds=50.0) for computed in tuning.computed))
    runs = tuple(replace(findings, computed=replace(findings.computed, seconds=1.0)) for findings in real.findings)
    assert verdict.computed(replace(real, findings=runs, tuning=slow)) == "Compared by the NumPy engine on this machine in 102 s."
    assert verdict.computed(replace(real, findings=runs)) == "Compared by the NumPy engine on this machine in 2.0 s."
