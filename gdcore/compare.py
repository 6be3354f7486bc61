"""Several experiments on the same starts → who succeeds how often, at what cost, and whether the difference is real."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from gdcore import statistics as st
from gdcore.alignment import align
from gdcore.computed import Computed
from gdcore.descent import Progress, shifted
from gdcore.experiment import Experiment, Findings, run
from gdcore.optimizers import Optimizer
from gdcore.problem import Problem
from gdcore.shares import wilson
from gdcore.starts import Starts
from gdcore.stopping import Stopping
from gdcore.success import deepest_labels, success_of
from gdcore.tuning import Budget, Tuning, tune

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Summary:
    """One contender: how often it succeeded, with the Wilson interval, and its gradient evaluations to success.

    evaluations: first quartile, median and third quartile over the successful starts, nan when there are none;
    median_interval: bootstrapped, 95 %. expected_evaluations: all evaluations spent, also by starts that failed, per
    success; inf without success.
    """

    name: str
    successes: int
    share: float
    interval: tuple[float, float]
    evaluations: tuple[float, float, float]
    median_interval: tuple[float, float]
    expected_evaluations: float


@dataclass(frozen=True)
class Pair:
    """Two contenders, by index: share of the first minus share of the second, paired start by start.

    interval: Newcombe's, 95 %, for this pair alone. only_first, only_second: starts where just one of them succeeds.
    p_value: McNemar's exact test; adjusted: after Holm's correction over all pairs of the comparison.
    """

    first: int
    second: int
    difference: float
    interval: tuple[float, float]
    only_first: int
    only_second: int
    p_value: float
    adjusted: float


@dataclass(frozen=True)
class Transition:
    """Start by start, from what one contender made of it to what another did.

    groups: what can become of a start, as (label, None) for a minimum or (-1, ending); only those that occur.
    counts (r, r): starts in group i of the first and group j of the second; rows, columns (n,): each start's groups.
    """

    groups: tuple[tuple[int, int | None], ...]
    counts: NDArray[np.int64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]


@dataclass(frozen=True)
class Comparison:
    """Experiments on one problem and the same starts, side by side.

    names (k): of the contenders; findings (k): with one common list of minima. target: success means f at or below it;
    None: success means settling in the deepest minimum known, or in one equally deep. success (k, n); evaluations (k, n):
    gradient evaluations until success, or all that the run spent. tuning: how settings were chosen, None for as set.
    """

    names: tuple[str, ...]
    findings: tuple[Findings, ...]
    target: float | None
    success: Flags
    evaluations: NDArray[np.int64]
    tuning: Tuning | None = None
    seed: int = field(default=0, repr=False)

    @property
    def count(self) -> int:
        """The number of starts."""
        return int(self.success.shape[1])

    @property
    def deepest(self) -> tuple[int, ...]:
        """Labels of the deepest minimum known in the box and of those equally deep; empty where no minimum is known."""
        return deepest_labels(self.findings[0])

    @property
    def computed(self) -> tuple[Computed, ...]:
        """How the runs were computed, those of the tuning first."""
        trials = self.tuning.computed if self.tuning else ()
        return (*trials, *(findings.computed for findings in self.findings))

    def summaries(self) -> list[Summary]:
        """One Summary per contender."""
        return [self._summary(k) for k in range(len(self.names))]

    def _summary(self, k: int) -> Summary:
        needed, successes = self.evaluations[k, self.success[k]], int(self.success[k].sum())
        return Summary(
            name=self.names[k],
            successes=successes,
            share=successes / self.count,
            interval=wilson(successes, self.count),
            evaluations=st.quartiles(needed),
            median_interval=st.median_interval(needed, seed=self.seed),
            expected_evaluations=st.expected_evaluations(self.evaluations[k], successes),
        )

    def pairs(self) -> list[Pair]:
        """All pairs of contenders, in order."""
        found = []
        for a, b in combinations(range(len(self.names)), 2):
            test = st.mcnemar(self.success[a], self.success[b])
            difference, low, high = st.paired_difference(self.success[a], self.success[b])
            found.append((a, b, difference, (low, high), test.only_first, test.only_second, test.p_value))
        adjusted = st.holm([pair[-1] for pair in found])
        return [Pair(*pair, adjusted=float(p)) for pair, p in zip(found, adjusted, strict=True)]

    def ecdf(self, k: int) -> tuple[Array, Array]:
        """Gradient evaluations x and the share y of all starts on which contender k had succeeded by then."""
        return st.ecdf(self.evaluations[k, self.success[k]], self.count)

    def transition(self, first: int, second: int, *, most: int | None = None) -> Transition:
        """From which minimum or ending of one contender to which of another, start by start; most: as in transition()."""
        return transition(self.findings[first], self.findings[second], most=most)


def compare(
    experiments: Mapping[str, Experiment],
    *,
    target: float | None = None,
    tuning: Tuning | None = None,
    on_progress: Progress | None = None,
    runner: Callable[..., Findings] | None = None,
    executor: Executor | None = None,
) -> Comparison:
    """The comparison of named experiments on the same problem and starts.

    target: success means f at or below it at any step; without one it means settling in the deepest minimum known.
    on_progress(epochs done, epochs in all, starts running in the current one). executor: as for run(). runner: what
    runs an experiment in place of run(), for one that remembers. ValueError for fewer than two experiments, or where they
    differ in problem or starts, or where the training starts of the tuning are those of the comparison.
    """
    chosen = list(experiments.values())
    if len(chosen) < 2:
        raise ValueError("a comparison needs at least two experiments")
    first, points = chosen[0], chosen[0].starts.points(chosen[0].problem)
    for name, experiment in experiments.items():
        own = experiment.starts.points(experiment.problem)
        if experiment.problem != first.problem or not np.array_equal(own, points, equal_nan=True):
            raise ValueError(f"'{name[:40]}' has another problem or other starts: only runs from the same starts can be compared")
    if tuning is not None:
        tuning.require_other_starts(first.problem, first.starts)
    total = sum(experiment.stopping.epochs for experiment in chosen)
    runs = runner or partial(run, executor=executor)
    found, done = [], 0
    for experiment in chosen:
        step = None if on_progress is None else shifted(on_progress, done, total)
        found.append(runs(experiment, on_progress=step, target=target))
        done += experiment.stopping.epochs
    aligned = align(found)
    outcomes = [success_of(findings, target) for findings in aligned]
    return Comparison(
        names=tuple(experiments),
        findings=tuple(aligned),
        target=target,
        success=np.array([success for success, _ in outcomes]),
        evaluations=np.array([evaluations for _, evaluations in outcomes]),
        tuning=tuning,
        seed=first.starts.seed,
    )


def compare_tuned(
    problem: Problem,
    contenders: Mapping[str, tuple[Optimizer, Mapping[str, float | str]]],
    starts: Starts,
    stopping: Stopping,
    *,
    budget: Budget | None,
    target: float | None = None,
    on_progress: Progress | None = None,
    runner: Callable[..., Findings] | None = None,
    trial_runner: Callable[..., Findings] | None = None,
    executor: Executor | None = None,
) -> Comparison:
    """The comparison of named optimizers (name → optimizer and settings), each tuned within the budget; None: as set.

    Other arguments and errors as for compare() and tuning.tune().
    """
    settings = {name: given for name, (_, given) in contenders.items()}
    tuning, whole, done = None, len(contenders) * stopping.epochs, 0
    if budget is not None:
        total, done = 2 * whole, whole
        tuning = tune(
            problem, contenders, stopping, trials=budget.trials, starts=budget.starts, every=budget.every, seed=budget.seed,
            target=target, on_progress=on_progress and shifted(on_progress, 0, total), runner=trial_runner, executor=executor,
        )  # fmt: skip
        settings = dict(tuning.chosen)
    experiments = {name: Experiment(problem, optimizer, settings[name], starts, stopping) for name, (optimizer, _) in contenders.items()}
    later = on_progress and shifted(on_progress, done, done + whole)
    return compare(experiments, target=target, tuning=tuning, on_progress=later, runner=runner, executor=executor)


def transition(first: Findings, second: Findings, *, most: int | None = None) -> Transition:
    """The transition matrix between two aligned findings on the same starts; ValueError where the starts differ.

    most: so many minima have a group of their own; all further ones share the group (most, None).
    """
    if not np.array_equal(first.starts, second.starts, equal_nan=True):
        raise ValueError("a transition needs the same starts on both sides")
    kept = len(first.minima) if most is None else most
    many = kept + 1
    codes = [outcome_codes(f, kept) for f in (first, second)]
    present, flat = np.unique(np.concatenate(codes), return_inverse=True)
    rows, columns = flat[: first.count], flat[first.count :]
    counts = np.zeros((len(present), len(present)), np.int64)
    np.add.at(counts, (rows, columns), 1)
    groups = tuple((int(c), None) if c < many else (-1, int(c) - many) for c in present)
    return Transition(groups, counts, rows.astype(np.int64), columns.astype(np.int64))


def outcome_codes(findings: Findings, kept: int) -> NDArray[np.int64]:
    """What became of each start (n,), in one number: below `kept` its minimum, `kept` a further one, beyond that the ending."""
    return np.where(findings.labels >= 0, np.minimum(findings.labels, kept), np.int64(kept + 1) + findings.ending_codes)
