"""Fair tuning: every optimizer gets the same number of trials, on training starts that the comparison never uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdcore.alignment import align
from gdcore.descent import Progress, shifted
from gdcore.experiment import Experiment, Findings, run, run_each
from gdcore.optimizers import Optimizer
from gdcore.problem import Problem
from gdcore.setting import FrozenDict, Setting
from gdcore.starts import Starts
from gdcore.statistics import expected_evaluations
from gdcore.stopping import Stopping
from gdcore.success import success_of

Array = NDArray[np.float64]
RATE = "lr"
FACTS = ("f_star",)  # settings that say what is known of the problem: not for a search to choose
REACH = 100.0  # the rates tried run from a hundredth of the one given to a hundred times it
TRIALS = 13  # three per factor of ten
TRAINING = Starts(count=100, seed=987_654_321)


@dataclass(frozen=True)
class Trial:
    """One try: its settings, the share of training starts it succeeded on, and gradient evaluations per success."""

    settings: Mapping[str, float | str]
    share: float
    cost: float


@dataclass(frozen=True)
class Tuning:
    """What was tried and what was chosen: for each contender the same number of trials on the same training starts.

    tried: name → trials in order, the first at the settings as given; chosen: name → settings of the best one, that is
    the largest share, then the smallest cost; search: "learning rate" or "all settings"; seed: of the search.
    """

    trials: int
    starts: Starts
    search: str
    seed: int
    tried: Mapping[str, tuple[Trial, ...]]
    chosen: Mapping[str, Mapping[str, float | str]]

    def require_other_starts(self, problem: Problem, starts: Starts) -> None:
        """ValueError where any training start is among these starts."""
        training, used = self.starts.points(problem), starts.points(problem)
        shared = {tuple(row) for row in training.tolist()} & {tuple(row) for row in used.tolist()}
        if shared:
            raise ValueError(
                f"{len(shared)} of the training starts are among the starts compared: choose another seed for one of them"
            )


def candidates(
    optimizer: Optimizer, settings: Mapping[str, float | str], trials: int, *, every: bool = False, seed: int = 0
) -> dict[str, Array]:
    """What is tried: setting → values (trials,), the first being the ones given; scheduled settings are not searched.

    The learning rate runs over a logarithmic grid around the given one, if that is above 0. every: all settings with a
    finite range are searched as well, on a Sobol' sequence over their ranges, the learning rate included; not f_star,
    which is known or not. ValueError for a setting that the optimizer does not have.
    """
    unknown = set(settings) - set(optimizer.settings)
    if unknown:
        raise ValueError(f"{optimizer.name} has no setting '{min(unknown)}'")
    given = {**optimizer.defaults, **settings}
    numbers = {name: float(v) for name, v in given.items() if not isinstance(v, str)}
    chosen = {name: value for name, value in numbers.items() if (every and name not in FACTS) or _is_rate(name, value)}
    searched = {name: _range(optimizer.settings[name], name, value) for name, value in chosen.items()}
    searched = {name: limits for name, limits in searched.items() if np.isfinite(limits[:2]).all()}
    if not every:
        return {name: _grid(numbers[name], limits, trials) for name, limits in searched.items()}
    from scipy.stats import qmc  # takes long to import, and a search of the rate alone does without it

    unit = qmc.Sobol(max(1, len(searched)), rng=np.random.default_rng(seed)).random_base2(max(1, (trials - 1).bit_length()))
    found = {}
    for n, (name, (low, high, log)) in enumerate(searched.items()):
        u = unit[: trials - 1, n]
        values = np.exp(np.log(low) + u * np.log(high / low)) if log else low + u * (high - low)
        found[name] = np.concatenate([[numbers[name]], np.clip(values, low, high)])
    return found


def _is_rate(name: str, value: float) -> bool:
    return name == RATE and value > 0


def _range(setting: Setting, name: str, value: float) -> tuple[float, float, bool]:
    if _is_rate(name, value):
        return max(setting.low, value / REACH), min(setting.high, value * REACH), True
    return setting.low, setting.high, setting.log


def _grid(given: float, limits: tuple[float, float, bool], trials: int) -> Array:
    """A logarithmic grid whose nearest point is moved onto the given value and put first."""
    grid = np.clip(np.geomspace(limits[0], limits[1], trials), limits[0], limits[1])
    nearest = int(np.argmin(np.abs(np.log(grid / given))))
    return np.concatenate([[given], np.delete(grid, nearest)])


def tune(
    problem: Problem,
    contenders: Mapping[str, tuple[Optimizer, Mapping[str, float | str]]],
    stopping: Stopping,
    *,
    trials: int = TRIALS,
    starts: Starts = TRAINING,
    every: bool = False,
    seed: int = 0,
    target: float | None = None,
    on_progress: Progress | None = None,
) -> Tuning:
    """The best of so many trials for every contender (name → optimizer and settings).

    Success is that of compare(): the deepest minimum known after all trials of all contenders, or f at most `target`.
    Where nothing can be searched, as with a scheduled rate alone, every trial is the one given. on_progress(epochs done,
    epochs in all, runs still going). ValueError for fewer than 1 trial, or without contenders.
    """
    if trials < 1:
        raise ValueError(f"{trials} trials are not possible: give at least 1")
    if not contenders:
        raise ValueError("there is nothing to tune: give at least one optimizer")
    found: list[Findings] = []
    tried: list[dict[str, Array]] = []
    for k, (optimizer, settings) in enumerate(contenders.values()):
        columns = candidates(optimizer, settings, trials, every=every, seed=seed)
        experiment = Experiment(problem, optimizer, settings, starts, stopping)
        report = None if on_progress is None else shifted(on_progress, k * stopping.epochs, len(contenders) * stopping.epochs)
        if columns:
            found.append(run_each(experiment, columns, on_progress=report, target=target))
        else:
            found.append(run(experiment, on_progress=report, target=target))
        tried.append(columns)
    results = {}
    for name, columns, findings in zip(contenders, tried, align(found), strict=True):
        results[name] = _trials(findings, columns, trials, target)
    chosen = {name: max(own, key=lambda trial: (trial.share, -trial.cost)).settings for name, own in results.items()}
    search = "all settings" if every else "learning rate"
    return Tuning(trials, starts, search, seed, FrozenDict(results), FrozenDict(chosen))


def _trials(findings: Findings, columns: Mapping[str, Array], trials: int, target: float | None) -> tuple[Trial, ...]:
    """One Trial for each entry of the columns; without any, the one run of the findings as often as there are trials."""
    count = trials if columns else 1
    success, evaluations = (part.reshape(count, -1) for part in success_of(findings, target))
    found = []
    for k in range(count):
        settings: dict[str, Any] = {**findings.experiment.settings, **{name: float(c[k]) for name, c in columns.items()}}
        cost = expected_evaluations(evaluations[k], int(success[k].sum()))
        found.append(Trial(FrozenDict(settings), float(success[k].mean()), cost))
    return tuple(found) if columns else tuple(found * trials)
