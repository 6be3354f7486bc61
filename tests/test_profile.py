"""Performance profiles against runs made one by one and the curves' definition."""

import math
from collections.abc import Mapping

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Optimizer, Problem, Starts, Stopping, run
from gdcore.profile import Profile, profile
from gdcore.tuning import TRAINING, Budget, tune

PROBLEMS = {name: GALLERY[name] for name in ("wolfe_quapp", "peaks")}
CONTENDERS: dict[str, tuple[Optimizer, Mapping[str, float | str]]] = {
    "gd": (OPTIMIZERS["gd"], {}),
    "heavy": (OPTIMIZERS["momentum"], {"momentum": 0.5}),
    "adam": (OPTIMIZERS["adam"], {"beta1": 0.8}),
    "polyak": (OPTIMIZERS["polyak"], {}),
}
STARTS, STOPPING = Starts(count=60, seed=5), Stopping(epochs=400)


@pytest.fixture(scope="module")
def found() -> Profile:
    return profile(PROBLEMS, CONTENDERS, STOPPING, starts=STARTS)


@pytest.fixture(scope="module")
def tuned() -> Profile:
    two = {name: CONTENDERS[name] for name in ("gd", "adam")}
    return profile(PROBLEMS, two, Stopping(200), starts=STARTS, budget=Budget(3))


def cost(problem: Problem, optimizer: Optimizer, settings: Mapping[str, float | str], stopping: Stopping) -> float:
    """Expected evaluations per success from a run of its own, success being the known deepest minimum."""
    alone = run(Experiment(problem, optimizer, settings, STARTS, stopping))
    deepest = [k for k, m in enumerate(alone.minima) if np.allclose(m.point, problem.minima[0], atol=1e-5)]
    success = np.isin(alone.labels, deepest)
    return float((alone.epochs + 1).sum() / success.sum()) if success.any() else math.inf


def test_costs_are_those_of_separate_runs(found: Profile) -> None:
    assert found.names == tuple(CONTENDERS) and found.problems == tuple(PROBLEMS) and found.trials == 0
    for p, problem in enumerate(PROBLEMS.values()):
        for k, (optimizer, given) in enumerate(CONTENDERS.values()):
            wanted = cost(problem, optimizer, optimizer.defaults_for(problem) | given, STOPPING)
            assert found.costs[p, k] == pytest.approx(wanted, rel=1e-12)
    assert np.isfinite(found.costs).any(axis=1).all() and np.isinf(found.costs).any()


def test_the_rate_and_the_lowest_value_are_each_problems_own(found: Profile) -> None:
    for p, problem in enumerate(PROBLEMS.values()):
        for k, (optimizer, given) in enumerate(CONTENDERS.values()):
            assert found.settings[p][k] == optimizer.defaults_for(problem) | given, "every setting is recorded"
    assert [s[3]["f_star"] for s in found.settings] == pytest.approx([-6.76245257, -6.5511333328], abs=1e-8)
    rates = {"bowl": 0.003, "valley": 0.2}
    problems = {name: Problem.from_text("x^2 + 2*y^2", name=name, rate=rate) for name, rate in rates.items()}
    two = {"gd": (OPTIMIZERS["gd"], {"lr": 5.0}), "heavy": (OPTIMIZERS["momentum"], {})}
    own = profile(problems, two, Stopping(10), starts=Starts(count=5))
    assert [[s["lr"] for s in row] for row in own.settings] == [[5.0, 0.003], [5.0, 0.2]], "what is given holds on every problem"


def test_every_run_tells_how_it_was_computed(found: Profile, tuned: Profile) -> None:
    assert len(found.computed) == len(PROBLEMS) * len(CONTENDERS)
    assert len(tuned.computed) == len(PROBLEMS) * 2 * 2  # trials and runs of two contenders
    assert all(computed.seconds > 0 for computed in (*found.computed, *tuned.computed))


def test_curves_are_shares_of_problems_by_definition(found: Profile, tuned: Profile) -> None:
    for curves in (found, tuned):
        best = curves.costs.min(axis=1)
        assert curves.rho.shape == (len(curves.tau), len(curves.names)) and curves.tau[0] == 1
        assert (np.diff(curves.tau) > 0).all() and (np.diff(curves.rho, axis=0) >= 0).all()
        assert ((curves.rho >= 0) & (curves.rho <= 1)).all()
        for m, tau in enumerate(curves.tau):
            for k in range(len(curves.names)):
                solved = [curves.costs[p, k] <= tau * best[p] * (1 + 1e-12) and np.isfinite(best[p]) for p in range(2)]
                assert curves.rho[m, k] == np.mean(solved)
        assert (curves.rho[-1] == np.isfinite(curves.costs).mean(axis=0)).all() and curves.rho[0].sum() >= 1


def test_tuned_settings_are_recorded_for_each_problem(tuned: Profile) -> None:
    assert tuned.trials == 3 and np.isfinite(tuned.costs).any()
    for p, problem in enumerate(PROBLEMS.values()):
        two = {name: CONTENDERS[name] for name in tuned.names}
        own = {name: (o, {**given, "lr": o.defaults_for(problem)["lr"]}) for name, (o, given) in two.items()}
        chosen = tune(problem, own, Stopping(200), trials=3).chosen
        for k, name in enumerate(tuned.names):
            assert tuned.settings[p][k] == chosen[name]
            assert tuned.costs[p, k] == pytest.approx(cost(problem, own[name][0], chosen[name], Stopping(200)), rel=1e-12)
    assert tuned.settings[0] != tuned.settings[1]
    untuned = {OPTIMIZERS["adam"].defaults["lr"]}
    assert {row[1]["lr"] for row in tuned.settings} - untuned, "tuning moved a rate"


@pytest.mark.parametrize("trials", [0, 2])
def test_progress_rises_through_all_problems(trials: int) -> None:
    seen: list[tuple[int, int, int]] = []
    two = {name: CONTENDERS[name] for name in ("gd", "adam")}
    profile(PROBLEMS, two, Stopping(50), starts=Starts(count=5), budget=Budget(trials) if trials else None, on_progress=lambda *n: seen.append(n))
    done, total = [epochs for epochs, _, _ in seen], 2 * 2 * 50 * (2 if trials else 1)
    assert done == sorted(done) and {t for _, t, _ in seen} == {total}
    assert set(range(0, total, 50)) <= set(done) and total - 50 <= done[-1] <= total
    runs = [running for epochs, _, running in seen if epochs % 50 == 0 and epochs < total]
    assert set(runs) >= ({100 * trials, 5} if trials else {5})


def test_an_exception_in_progress_cancels() -> None:
    def stop(done: int, *_: int) -> None:
        if done >= 900:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        profile(PROBLEMS, CONTENDERS, STOPPING, starts=Starts(count=5), on_progress=stop)


@pytest.mark.parametrize("trials", [0, 2])
def test_what_makes_no_profile_is_refused(trials: int) -> None:
    with pytest.raises(ValueError, match="at least one problem"):
        profile({}, CONTENDERS, STOPPING, budget=Budget(trials) if trials else None)
    for few in ({}, {"gd": CONTENDERS["gd"]}):
        with pytest.raises(ValueError, match="at least two"):
            profile(PROBLEMS, few, STOPPING, budget=Budget(trials) if trials else None)


def test_training_starts_among_the_starts_are_refused() -> None:
    two = {name: CONTENDERS[name] for name in ("gd", "adam")}
    with pytest.raises(ValueError, match="^100 of the training starts"):
        profile(PROBLEMS, two, Stopping(5), starts=TRAINING, budget=Budget(1))
    assert profile(PROBLEMS, two, Stopping(5), starts=TRAINING).trials == 0, "without tuning there is nothing to leak"
