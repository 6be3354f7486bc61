"""Optimizers over many problems → a performance profile (E. D. Dolan, J. J. Moré 2002, Mathematical Programming 91)."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gdcore.compare import compare_tuned
from gdcore.computed import Computed
from gdcore.descent import Progress, shifted
from gdcore.optimizers import Optimizer
from gdcore.problem import Problem
from gdcore.starts import Starts
from gdcore.statistics import performance_profile
from gdcore.stopping import Stopping
from gdcore.tuning import Budget

Array = NDArray[np.float64]
STARTS = Starts(count=200)


@dataclass(frozen=True)
class Profile:
    """What each optimizer needs on each problem, and the curves that sum it up.

    costs (p, k): expected gradient evaluations per success, inf where no start succeeded; settings: those used, for each
    problem and optimizer; trials: tuning trials per optimizer and problem, 0 when the settings are the defaults for the
    problem. tau (m,): factors of the best cost; rho (m, k): share of problems solved within that factor of the best.
    computed: how all runs were.
    """

    names: tuple[str, ...]
    problems: tuple[str, ...]
    costs: Array
    settings: tuple[tuple[Mapping[str, float | str], ...], ...]
    trials: int
    tau: Array
    rho: Array
    computed: tuple[Computed, ...] = field(default=(), compare=False)


def profile(
    problems: Mapping[str, Problem],
    contenders: Mapping[str, tuple[Optimizer, Mapping[str, float | str]]],
    stopping: Stopping,
    *,
    starts: Starts = STARTS,
    budget: Budget | None = None,
    on_progress: Progress | None = None,
    executor: Executor | None = None,
) -> Profile:
    """The performance profile of named optimizers over named problems; every problem is one instance.

    contenders: name → optimizer and settings; those not given are the defaults for each problem (Optimizer.defaults_for).
    budget: of the tuning on each problem; None: untuned. Success is settling in the deepest minimum known.
    on_progress(epochs done, epochs in all, starts running). executor: as for run(). ValueError without problems, with fewer
    than two contenders, or where training starts of the tuning are among the starts.
    """
    if not problems:
        raise ValueError("a performance profile needs at least one problem")
    if len(contenders) < 2:
        raise ValueError("a performance profile needs at least two optimizers")
    each = stopping.epochs * len(contenders) * (2 if budget else 1)
    costs, used = [], []
    computed: list[Computed] = []
    for n, problem in enumerate(problems.values()):
        report = None if on_progress is None else shifted(on_progress, n * each, len(problems) * each)
        own = {
            name: (optimizer, {**optimizer.defaults_for(problem), **given}) for name, (optimizer, given) in contenders.items()
        }
        found = compare_tuned(problem, own, starts, stopping, budget=budget, on_progress=report, executor=executor)
        costs.append([summary.expected_evaluations for summary in found.summaries()])
        used.append(tuple(findings.experiment.settings for findings in found.findings))
        computed += found.computed
    tau, rho = performance_profile(np.array(costs))
    trials = budget.trials if budget else 0
    return Profile(tuple(contenders), tuple(problems), np.array(costs), tuple(used), trials, tau, rho, tuple(computed))

