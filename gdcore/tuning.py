"""Fair tuning: every optimizer gets the same number of trials, on training starts that the comparison never uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gdcore.alignment import align
from gdcore.computed import Computed
from gdcore.descent import Progress, shifted
from gdcore.experiment import Experiment, Findings, run, run_each
from gdcore.knobs import spread
from gdcore.optimizers import Optimizer
from gdcore.problem import Problem
from gdcore.schedules import scaled, values
from gdcore.setting import FrozenDict
from gdcore.starts import Starts
from gdcore.statistics import expected_evaluations
from gdcore.stopping import Stopping
from gdcore.success import success_of

Array = NDArray[np.float64]
RATE = "lr"
FACTS = ("f_star",)  # settings that say what is known of the problem: not for a search to choose
REACH = 100.0  # the rates tried run from a hundredth of the one given to a hundred times it
DEFAULT = Stopping()
TRIALS = 13  # three per factor of ten
TRAINING = Starts(count=100, seed=987_654_321)


@dataclass(frozen=True)
class Budget:
    """What every contender gets: trials, training starts, whether all settings are searched, and the seed of the search."""

    trials: int = TRIALS
    starts: Starts = TRAINING
    every: bool = False
    seed: int = 0


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
    the largest share, then the smallest cost; search: "learning rate" or "all settings"; seed: of the search; computed: of each contender's trials.
    """

    trials: int
    starts: Starts
    search: str
    seed: int
    tried: Mapping[str, tuple[Trial, ...]]
    chosen: Mapping[str, Mapping[str, float | str]]
    computed: tuple[Computed, ...] = field(default=(), compare=False)

    def require_other_starts(self, problem: Problem, starts: Starts) -> None:
        """ValueError where any training start is among these starts."""
        training, used = self.starts.points(problem), starts.points(problem)
        shared = {tuple(row) for row in training.tolist()} & {tuple(row) for row in used.tolist()}
        if shared:
            raise ValueError(
                f"{len(shared)} of the training starts are among the starts compared: choose another seed for one of them"
            )


def candidates(
    optimizer: Optimizer,
    settings: Mapping[str, float | str],
    trials: int,
    *,
    every: bool = False,
    seed: int = 0,
    epochs: int = DEFAULT.epochs,
) -> dict[str, Array]:
    """What is tried: setting → values (trials,), the first being the ones given.

    The learning rate runs over a logarithmic grid around the given one, if that is above 0; where it is a schedule, the
    values are factors of it. every: all other settings with a finite range that are no schedules are searched as well, on
    a Sobol' sequence over their ranges; not f_star, which is known or not. ValueError for an unknown setting.
    """
    unknown = set(settings) - set(optimizer.settings)
    if unknown:
        raise ValueError(f"{optimizer.name} has no setting '{min(unknown)}'")
    space = _rate_range(optimizer, settings, epochs)
    if not every:
        return {name: _grid(r.given, r.low, r.high, trials) for name, r in space.items()}
    space |= _other_ranges(optimizer, settings)
    from scipy.stats import qmc  # takes long to import, and a search of the rate alone does without it

    unit = qmc.Sobol(max(1, len(space)), rng=np.random.default_rng(seed)).random_base2(max(1, (trials - 1).bit_length()))
    return {name: np.concatenate([[r.given], r.at(unit[: trials - 1, n])]) for n, (name, r) in enumerate(space.items())}


@dataclass(frozen=True)
class _Range:
    given: float
    low: float
    high: float
    log: bool

    def at(self, u: Array) -> Array:
        """The values at places u in 0..1 of the range."""
        return np.clip(spread(u, self.low, self.high, log=self.log), self.low, self.high)


def _rate_range(optimizer: Optimizer, settings: Mapping[str, float | str], epochs: int) -> dict[str, _Range]:
    """The range of the learning rate, or of the factor of a scheduled one; nothing where there is none above 0."""
    setting, given = optimizer.settings.get(RATE), settings.get(RATE, optimizer.defaults.get(RATE, 0.0))
    most = float(values(given, epochs).max()) if isinstance(given, str) else float(given)
    if setting is None or most <= 0:
        return {}
    low, high = max(setting.low, most / REACH), min(setting.high, most * REACH)
    if isinstance(given, str):
        return {RATE: _Range(1.0, 1 / REACH, max(1.0, high / most), log=True)}
    return {RATE: _Range(most, low, high, log=True)}


def _other_ranges(optimizer: Optimizer, settings: Mapping[str, float | str]) -> dict[str, _Range]:
    """The ranges of all other settings that are numbers with a finite range."""
    found = {}
    for name, setting in optimizer.settings.items():
        value = settings.get(name, setting.default)
        if name not in (RATE, *FACTS) and not isinstance(value, str) and np.isfinite([setting.low, setting.high]).all():
            found[name] = _Range(float(value), setting.low, setting.high, setting.log)
    return found


def _grid(given: float, low: float, high: float, trials: int) -> Array:
    """A logarithmic grid whose nearest point is moved onto the given value and put first."""
    grid = np.clip(np.geomspace(low, high, trials), low, high)
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
    runner: Callable[..., Findings] | None = None,
    executor: Executor | None = None,
) -> Tuning:
    """The best of so many trials for every contender (name → optimizer and settings).

    Success is that of compare(): the deepest minimum known after all trials of all contenders, or f at most `target`.
    Where nothing can be searched, as with no setting at all, every trial is the one given. on_progress(epochs done,
    epochs in all, runs still going). executor: as for run(). runner: what runs the trials in place of run_each(), for one
    that remembers. ValueError for fewer than 1 trial, or without contenders.
    """
    if trials < 1:
        raise ValueError(f"{trials} trials are not possible: give at least 1")
    if not contenders:
        raise ValueError("there is nothing to tune: give at least one optimizer")
    runs = runner or partial(run_each, executor=executor)
    found: list[Findings] = []
    tried: list[dict[str, Array]] = []
    for k, (optimizer, settings) in enumerate(contenders.values()):
        columns = candidates(optimizer, settings, trials, every=every, seed=seed, epochs=stopping.epochs)
        experiment = Experiment(problem, optimizer, settings, starts, stopping)
        report = None if on_progress is None else shifted(on_progress, k * stopping.epochs, len(contenders) * stopping.epochs)
        if columns:
            found.append(runs(experiment, columns, on_progress=report, target=target))
        else:
            found.append(run(experiment, on_progress=report, target=target, executor=executor))
        tried.append(columns)
    results = {}
    for name, columns, findings in zip(contenders, tried, align(found), strict=True):
        results[name] = _trials(findings, columns, trials, target)
    chosen = {name: max(own, key=lambda trial: (trial.share, -trial.cost)).settings for name, own in results.items()}
    search = "all settings" if every else "learning rate"
    return Tuning(trials, starts, search, seed, FrozenDict(results), FrozenDict(chosen), tuple(f.computed for f in found))


def _trials(findings: Findings, columns: Mapping[str, Array], trials: int, target: float | None) -> tuple[Trial, ...]:
    """One Trial for each entry of the columns; without any, the one run of the findings as often as there are trials."""
    count = trials if columns else 1
    success, evaluations = (part.reshape(count, -1) for part in success_of(findings, target))
    found = []
    for k in range(count):
        settings: dict[str, float | str] = dict(findings.experiment.settings)
        for name, column in columns.items():
            given = settings[name]
            settings[name] = scaled(given, float(column[k])) if isinstance(given, str) else float(column[k])
        cost = expected_evaluations(evaluations[k], int(success[k].sum()))
        found.append(Trial(FrozenDict(settings), float(success[k].mean()), cost))
    return tuple(found) if columns else tuple(found * trials)
