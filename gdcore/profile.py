"""Optimizers over many problems → a performance profile (E. D. Dolan, J. J. Moré 2002, Mathematical Programming 91)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.compare import compare
from gdcore.descent import Progress, shifted
from gdcore.experiment import Experiment
from gdcore.optimizers import Optimizer
from gdcore.problem import Problem
from gdcore.starts import Starts
from gdcore.statistics import performance_profile
from gdcore.stopping import Stopping
from gdcore.tuning import TRAINING, tune

Array = NDArray[np.float64]
STARTS = Starts(count=200)


@dataclass(frozen=True)
class Profile:
    """What each optimizer needs on each problem, and the curves that sum it up.

    costs (p, k): expected gradient evaluations per success, inf where no start succeeded; settings: those used, for each
    problem and optimizer; trials: tuning trials per optimizer and problem, 0 when the settings are the defaults for the
    problem. tau (m,): factors of the best cost; rho (m, k): share of problems solved within that factor of the best.
    """

    names: tuple[str, ...]
    problems: tuple[str, ...]
    costs: Array
    settings: tuple[tuple[Mapping[str, float | str], ...], ...]
    trials: int
    tau: Array
    rho: Array


def profile(
    problems: Mapping[str, Problem],
    contenders: Mapping[str, tuple[Optimizer, Mapping[str, float | str]]],
    stopping: Stopping,
    *,
    starts: Starts = STARTS,
    trials: int = 0,
    training: Starts = TRAINING,
    every: bool = False,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> Profile:
    """The performance profile of named optimizers over named problems; every problem is one instance.

    contenders: name → optimizer and settings; those not given are the defaults for each problem (Optimizer.defaults_for).
    trials, training, every, seed: the tuning on each problem (tuning.tune); 0 trials: none. Success is settling in the
    deepest minimum known. on_progress(epochs done, epochs in all, starts running). ValueError without problems, with fewer
    than two contenders, or where training starts of the tuning are among the starts.
    """
    if not problems:
        raise ValueError("a performance profile needs at least one problem")
    if len(contenders) < 2:
        raise ValueError("a performance profile needs at least two optimizers")
    each = stopping.epochs * len(contenders) * (2 if trials else 1)
    costs, used = [], []
    for n, problem in enumerate(problems.values()):
        report = None if on_progress is None else shifted(on_progress, n * each, len(problems) * each)
        own = {
            name: (optimizer, {**optimizer.defaults_for(problem), **given}) for name, (optimizer, given) in contenders.items()
        }
        settings: dict[str, Mapping[str, float | str]] = {name: given for name, (_, given) in own.items()}
        tuning = None
        if trials:
            tuning = tune(
                problem, own, stopping, trials=trials, starts=training, every=every, seed=seed, on_progress=report
            )
            settings = dict(tuning.chosen)
        later = None if report is None else shifted(report, each // 2 if trials else 0, each)
        experiments = {
            name: Experiment(problem, own[name][0], settings[name], starts, stopping) for name in own
        }
        found = compare(experiments, tuning=tuning, on_progress=later)
        costs.append([summary.expected_evaluations for summary in found.summaries()])
        used.append(tuple(experiment.settings for experiment in experiments.values()))
    tau, rho = performance_profile(np.array(costs))
    return Profile(tuple(contenders), tuple(problems), np.array(costs), tuple(used), trials, tau, rho)

