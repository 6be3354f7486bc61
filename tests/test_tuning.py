"""Tuning: as many trials for everyone, on starts of their own, and the best one really is the best."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, Experiment, Optimizer, Problem, Setting, Starts, Stopping, run
from gdcore.tuning import REACH, TRAINING, TRIALS, Tuning, candidates, tune

PEAKS = GALLERY["peaks"]
DOUBLE = Problem.from_text("(x^2 - 1)^2 + 0.3*x + y^2", box={"x": (-2, 2), "y": (-1, 1)})
SMALL, STOPPING = Starts(count=40, seed=77), Stopping(epochs=600)
Contenders = dict[str, tuple[Optimizer, Mapping[str, float | str]]]
DECAYING = "0.3*0.98^t"
CONTENDERS: Contenders = {
    "gd": (OPTIMIZERS["gd"], {"lr": 0.001}),
    "momentum": (OPTIMIZERS["momentum"], {"lr": 0.002, "momentum": 0.8}),
    "adam": (OPTIMIZERS["adam"], {}),
    "rprop": (OPTIMIZERS["rprop"], {}),
}


@pytest.fixture(scope="module", params=[None, -6.0], ids=["deepest", "target"])
def tuned(request: pytest.FixtureRequest) -> tuple[Tuning, float | None]:
    return tune(PEAKS, CONTENDERS, STOPPING, trials=5, starts=SMALL, target=request.param), request.param


# -- what is tried -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trials", [1, 2, 13, 16])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_rate_runs_over_a_logarithmic_grid_around_the_one_given(name: str, trials: int) -> None:
    optimizer = OPTIMIZERS[name]
    setting, rate = optimizer.settings["lr"], optimizer.defaults["lr"] * 1.5
    found = candidates(optimizer, {"lr": rate}, trials)
    assert list(found) == ["lr"] and found["lr"].shape == (trials,) and found["lr"][0] == rate
    assert ((found["lr"] >= setting.low) & (found["lr"] <= setting.high)).all() and len(set(found["lr"])) == trials
    if trials > 2:
        low, high = max(setting.low, rate / REACH), min(setting.high, rate * REACH)
        steps = np.log10(np.sort(found["lr"]))
        assert steps[0] == pytest.approx(math.log10(low)) and steps[-1] == pytest.approx(math.log10(high))
        even = np.linspace(steps[0], steps[-1], trials)  # but for the point moved onto the given one
        assert (np.abs(steps - even) > 1e-9).sum() <= 1 and np.abs(steps - even).max() <= (even[1] - even[0]) / 2 + 1e-9


def test_in_the_middle_of_its_range_the_grid_is_exact() -> None:
    found = candidates(OPTIMIZERS["gd"], {"lr": 0.01}, TRIALS)["lr"]
    np.testing.assert_allclose(np.sort(found), 10.0 ** np.linspace(-4, 0, 13), rtol=1e-12)


@given(st.floats(1e-6, 10), st.integers(1, 40))
def test_any_rate_gives_a_grid_inside_the_range(rate: float, trials: int) -> None:
    found = candidates(OPTIMIZERS["gd"], {"lr": rate}, trials)["lr"]
    assert found[0] == rate and len(found) == trials and found.min() >= 1e-6 and found.max() <= 10
    assert (np.diff(found[1:]) > 0).all() if trials > 2 else True


@pytest.mark.parametrize("trials", [1, 2, 16, 17, 18])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_searches_all_finite_settings_within_their_ranges(name: str, trials: int) -> None:
    optimizer = OPTIMIZERS[name]
    found = candidates(optimizer, {}, trials, every=True, seed=3)
    assert set(found) == set(optimizer.settings) - {"f_star"}  # what is known of the problem is no setting to search
    for key, values in found.items():
        setting = optimizer.settings[key]
        assert values.shape == (trials,) and values[0] == setting.default
        assert ((values >= setting.low) & (values <= setting.high)).all()
        if trials == 17:  # 16 points of a Sobol' sequence: one in each sixteenth of the range, on the setting's own scale
            low, high = (max(setting.low, setting.default / 100), min(setting.high, setting.default * 100)) if key == "lr" else (
                setting.low, setting.high
            )
            log = setting.log or key == "lr"
            unit = np.log(values[1:] / low) / np.log(high / low) if log else (values[1:] - low) / (high - low)
            assert sorted(np.floor(unit * 16).astype(int).tolist()) == list(range(16)), key


def test_the_search_is_reproducible_by_seed() -> None:
    one, same, other = (candidates(OPTIMIZERS["adam"], {}, 9, every=True, seed=seed) for seed in (1, 1, 2))
    for key in one:
        np.testing.assert_array_equal(one[key], same[key])
        assert (one[key][1:] != other[key][1:]).all()


def test_settings_without_a_finite_range_and_schedules_but_that_of_the_rate_are_not_searched() -> None:
    free = Optimizer.from_text("mine", "v = b*v + g\nx = x - lr*v + 0*c", {"lr": 0.1, "b": Setting(0.5, low=0, high=0.9), "c": 1.0})
    assert set(candidates(free, {}, 4)) == {"lr"} and set(candidates(free, {}, 4, every=True)) == {"lr", "b"}
    assert set(candidates(OPTIMIZERS["adam"], {"beta1": "0.9"}, 4, every=True)) == {"lr", "beta2", "epsilon"}


@pytest.mark.parametrize("rate", [0.0, -0.1])
def test_a_rate_of_no_logarithm_is_kept(rate: float) -> None:
    optimizer = Optimizer.from_text("mine", "x = x + lr*g", {"lr": Setting(rate)})
    assert candidates(optimizer, {}, 4) == {} and candidates(optimizer, {}, 4, every=True) == {}
    found = tune(DOUBLE, {"mine": (optimizer, {})}, Stopping(100), trials=3, starts=Starts(count=10))
    assert [trial.settings for trial in found.tried["mine"]] == [{"lr": rate}] * 3 and found.chosen["mine"] == {"lr": rate}


# -- what is chosen ----------------------------------------------------------------------------------------------------


def test_everyone_gets_as_many_trials_the_first_as_given(tuned: tuple[Tuning, float | None]) -> None:
    found, _ = tuned
    assert (found.trials, found.starts, found.search) == (5, SMALL, "learning rate")
    assert list(found.tried) == list(found.chosen) == list(CONTENDERS)
    for name, (optimizer, given_settings) in CONTENDERS.items():
        trials = found.tried[name]
        assert len(trials) == 5 and trials[0].settings == optimizer.defaults | given_settings
        assert len({trial.settings["lr"] for trial in trials}) == 5
        assert all({**trial.settings, "lr": 0} == {**trials[0].settings, "lr": 0} for trial in trials)


def test_shares_and_costs_are_those_of_separate_runs_and_the_best_is_chosen(tuned: tuple[Tuning, float | None]) -> None:
    found, target = tuned
    for name, trials in found.tried.items():
        results = []
        for trial in trials:
            experiment = Experiment(PEAKS, CONTENDERS[name][0], trial.settings, SMALL, STOPPING)
            success, spent = outcome(experiment, target)
            cost = spent.sum() / success.sum() if success.any() else math.inf
            assert (trial.share, trial.cost) == pytest.approx((success.mean(), cost), rel=1e-12)
            results.append((-success.mean(), cost))
        best = min(range(5), key=lambda k: results[k])
        assert found.chosen[name] == trials[best].settings
    assert any(found.chosen[name] != found.tried[name][0].settings for name in CONTENDERS)
    assert all(max(trial.share for trial in found.tried[name]) > 0 for name in ("gd", "momentum", "adam"))


def outcome(experiment: Experiment, target: float | None) -> tuple[Any, Any]:
    """Success and evaluations from a run of its own: the known deepest minimum of peaks, or f at most the target."""
    alone = run(experiment, target=target)
    if target is not None:
        assert alone.hits is not None
        return alone.hits >= 0, np.where(alone.hits >= 0, alone.hits, alone.epochs) + 1
    deepest = [k for k, m in enumerate(alone.minima) if np.allclose(m.point, PEAKS.minima[0], atol=1e-6)]
    return np.isin(alone.labels, deepest), alone.epochs + 1


def test_the_deepest_is_that_of_all_contenders_together() -> None:
    """Of two contenders on a function nobody described, one stays in the shallow well and must not be called successful."""
    starts = Starts.at([[0.9, 0.1], [1.9, 0.5]])
    shy: Contenders = {"gd": (OPTIMIZERS["gd"], {"lr": "0.02"}), "heavy": (OPTIMIZERS["momentum"], {"lr": "0.05", "momentum": 0.9})}
    found = tune(DOUBLE, shy, Stopping(2000), trials=1, starts=starts)
    assert [found.tried[name][0].share for name in shy] == [0.0, 0.5]
    assert tune(DOUBLE, {"gd": shy["gd"]}, Stopping(2000), trials=1, starts=starts).tried["gd"][0].share == 0.0


def test_a_larger_share_is_better_than_a_smaller_cost() -> None:
    """At a rate of 0.5, near starts arrive at once and far ones are off to infinity as fast; small rates bring all home."""
    problem, starts = Problem.from_text("x^4 + x^2 + y^2"), Starts.at([[0.1, 0.0], [0.2, 0.0], [2.0, 0.0], [2.5, 0.0]])
    found = tune(problem, {"gd": (OPTIMIZERS["gd"], {"lr": 0.5})}, Stopping(1000), trials=5, starts=starts, target=0.01)
    fast, sure = found.tried["gd"][0], [trial for trial in found.tried["gd"] if trial.share == 1.0]
    assert fast.share == 0.5 and len(sure) >= 2 and all(fast.cost < trial.cost for trial in sure)
    assert found.chosen["gd"] == min(sure, key=lambda trial: trial.cost).settings


def test_of_equals_the_first_is_chosen() -> None:
    found = tune(Problem.from_text("x + y"), {"gd": (OPTIMIZERS["gd"], {"lr": 0.05})}, Stopping(5), trials=4, starts=Starts(count=3))
    assert [(trial.share, trial.cost) for trial in found.tried["gd"]] == [(0.0, math.inf)] * 4
    assert found.chosen["gd"] == {"lr": 0.05}


def test_a_scheduled_rate_is_searched_by_factors_of_the_schedule() -> None:
    """Each trial equals a separate run with the factor written into the schedule; rprop's first step h = lr counts too."""
    contenders: Contenders = {name: (OPTIMIZERS[name], {"lr": DECAYING}) for name in ("adam", "gd", "rprop")}
    found = tune(DOUBLE, contenders, Stopping(500), trials=5, starts=Starts(count=10))
    for name, trials in found.tried.items():
        assert trials[0].settings == OPTIMIZERS[name].defaults | {"lr": DECAYING}
        assert len({trial.settings["lr"] for trial in trials}) == 5
        for trial in trials:
            alone = run(Experiment(DOUBLE, OPTIMIZERS[name], trial.settings, Starts(count=10), Stopping(500)))
            left = (alone.labels >= 0) & (alone.ends[:, 0] < 0)
            assert trial.share == left.mean()
    assert max(trial.share for trial in found.tried["adam"]) > 0


def test_factors_keep_a_schedule_inside_the_range_of_the_setting() -> None:
    found = candidates(OPTIMIZERS["gd"], {"lr": "2/t"}, 9)["lr"]
    assert found[0] == 1.0 and found.max() == pytest.approx(5.0) and found.min() == pytest.approx(0.01)


def test_all_settings_can_be_searched() -> None:
    two = {n: CONTENDERS[n] for n in ("momentum", "adam")}

    def search(seed: int) -> Tuning:
        return tune(DOUBLE, two, Stopping(150), trials=6, starts=SMALL, every=True, seed=seed)

    found = search(5)
    assert (found.search, found.seed) == ("all settings", 5) and found == search(5) and found.tried != search(6).tried
    for name, trials in found.tried.items():
        optimizer, given_settings = CONTENDERS[name]
        assert trials[0].settings == optimizer.defaults | given_settings and len(trials) == 6
        for key in optimizer.settings:
            assert len({trial.settings[key] for trial in trials}) == 6
        for trial in trials:
            Experiment(DOUBLE, optimizer, trial.settings)
        best = max(trials, key=lambda trial: (trial.share, -trial.cost))
        assert found.chosen[name] == best.settings


# -- starts, progress, refusals ----------------------------------------------------------------------------------------


def test_training_starts_are_never_those_of_a_comparison_unless_asked_for() -> None:
    found = tune(DOUBLE, {"gd": CONTENDERS["gd"]}, Stopping(5), trials=1)
    assert found.starts == TRAINING
    for seed in range(20):
        found.require_other_starts(DOUBLE, Starts(count=500, seed=seed))
    training = TRAINING.points(DOUBLE)
    with pytest.raises(ValueError, match="^100 of the training starts .* choose another seed"):
        found.require_other_starts(DOUBLE, TRAINING)
    with pytest.raises(ValueError, match="^2 of the training starts"):
        found.require_other_starts(DOUBLE, Starts.at(np.vstack([training[[3, 50, 50]], [[0.0, 0.0]]])))
    with pytest.raises(ValueError, match="^50 of the training starts"):
        found.require_other_starts(DOUBLE, dataclasses.replace(TRAINING, count=50))


def test_progress_rises_through_all_contenders() -> None:
    seen: list[tuple[int, int, int]] = []
    two = {n: CONTENDERS[n] for n in ("gd", "adam")}
    tune(PEAKS, two, Stopping(100), trials=3, starts=Starts(count=10), on_progress=lambda *n: seen.append(n))
    done = [epochs for epochs, _, _ in seen]
    assert done == sorted(done) and {0, 100} <= set(done) and 100 < done[-1] <= 200
    assert {total for _, total, _ in seen} == {200} and seen[0][2] == 30


def test_no_trials_and_senseless_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="0 trials are not possible"):
        tune(PEAKS, CONTENDERS, STOPPING, trials=0)
    with pytest.raises(ValueError, match="learning rate is 100"):
        tune(PEAKS, {"gd": (OPTIMIZERS["gd"], {"lr": 100.0})}, STOPPING, trials=3)


def test_where_nothing_can_be_searched_every_trial_is_the_one_given() -> None:
    fixed = Optimizer.from_text("fixed", "x = x - 0.02*g")
    found = tune(DOUBLE, {"fixed": (fixed, {})}, Stopping(50), trials=4, starts=Starts(count=5))
    assert [dict(trial.settings) for trial in found.tried["fixed"]] == [{}] * 4


def test_senseless_tuning_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="there is nothing to tune"):
        tune(DOUBLE, {}, Stopping(50))
    with pytest.raises(ValueError, match="Gradient descent has no setting 'beta1'"):
        tune(DOUBLE, {"gd": (OPTIMIZERS["gd"], {"beta1": 0.5})}, Stopping(50))
