"""An experiment at many sets of values → findings, with the runs of every set; sets that differ in settings alone run in lockstep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gdcore.batches import Work, outcomes
from gdcore.descent import Progress
from gdcore.experiment import Experiment, Findings
from gdcore.findings import findings_of
from gdcore.gathering import gathered
from gdcore.outcomes import joined
from gdcore.quantities import applied, quantity
from gdcore.schedules import check_schedule, scaled
from gdcore.starts import MOST_STARTS
from gdcore.stopping import CODE, ENDINGS, Ending

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Counts = NDArray[np.int64]
SMALL = 3000  # starts: with fewer, NumPy's step takes as long as with so many
Columns = Mapping[str, Array]  # quantity, by its key → its value at each entry


@dataclass(frozen=True)
class Batch:
    """Entries (k,) on one problem, by index, and the findings of all their runs together: n rows for the first, then for the next."""

    entries: Indices
    findings: Findings

    def counts(self, numbers: NDArray[np.integer], many: int) -> Counts:
        """How many runs of each entry have each number below `many`, (k, many); numbers: one per run."""
        rows = np.repeat(np.arange(len(self.entries)), len(numbers) // len(self.entries))
        return np.bincount(rows * many + numbers, minlength=len(self.entries) * many).reshape(-1, many)

    def endings(self) -> Counts:
        """How many runs of each entry ended in each way, (k, 14)."""
        return self.counts(self.findings.ending_codes, len(ENDINGS))

    def settled(self) -> tuple[Counts, NDArray[np.bool_]]:
        """Epochs (k, n) of all runs, and which of them settled at a minimum."""
        shape = len(self.entries), -1
        settled: NDArray[np.bool_] = (self.findings.ending_codes == CODE[Ending.MINIMUM]).reshape(shape)
        return self.findings.epochs.reshape(shape), settled


def batches(
    experiment: Experiment,
    columns: Columns,
    *,
    engine: str = "auto",
    on_progress: Progress | None = None,
    executor: Executor | None = None,
) -> Iterator[Batch]:
    """The runs of the experiment's starts at every entry of the columns, problem by problem.

    ValueError for values that make no sense, and for more than ten million runs in all. engine, on_progress, executor: as for run().
    """
    entries, starts = len(next(iter(columns.values()))), experiment.starts.count
    if entries * starts > MOST_STARTS:
        raise ValueError(f"{entries:,} values with {starts:,} starts each are more than {MOST_STARTS:,} runs: ask for fewer of either")
    groups, done = _groups(experiment, columns), 0
    for group in groups:
        group.check()
    first = groups[0].work(engine)
    runs = sum(max(len(group.entries) * starts, SMALL) for group in groups)  # all share one step: the engine is chosen for them together
    chosen = first.settled(first.kernel(len(groups[0].entries)), runs)
    for own in _by_problem(groups):
        points, ended = [], []
        for group in own:
            work = replace(group.work(engine), engine=chosen.engine, fall_back=chosen.fall_back)
            points.append(work.points())
            report = None if on_progress is None else _share(on_progress, done, len(group.entries), entries)
            if executor is None:
                ended.append(outcomes(work, points[-1], on_progress=report))
            else:
                ended.append(gathered(executor, work, points[-1], on_progress=report)[0])
            done += len(group.entries)
        found = findings_of(own[0].experiment, np.concatenate(points), joined(ended))
        yield Batch(np.concatenate([group.entries for group in own]), found)


@dataclass(frozen=True)
class _Group:
    """Entries that differ in settings alone, which run in lockstep; settings: name → its value at each of them."""

    experiment: Experiment
    entries: Indices
    settings: Mapping[str, Array]

    def work(self, engine: str) -> Work:
        return Work(self.experiment, self.settings, engine)

    def check(self) -> None:
        """ValueError where a setting has a value that it does not allow; for a schedule the values are factors."""
        known, given, epochs = self.experiment.optimizer.settings, self.experiment.settings, self.experiment.stopping.epochs
        for name, column in self.settings.items():
            text = given[name]
            for value in (float(column.min()), float(column.max())):  # what holds at both holds between them
                if isinstance(text, str):
                    check_schedule(known[name], name, scaled(text, value), epochs)
                else:
                    known[name].check(value, name)


def _groups(experiment: Experiment, columns: Columns) -> list[_Group]:
    kinds = {key: quantity(experiment, key).kind for key in columns}
    settings = {key.partition(" ")[2]: column for key, column in columns.items() if kinds[key] == "setting"}
    others = {key: column for key, column in columns.items() if kinds[key] != "setting"}
    entries = np.arange(len(next(iter(columns.values()))))
    if not others:
        return [_Group(experiment, entries, settings)]
    rows, which = np.unique(np.stack(list(others.values())), axis=1, return_inverse=True)
    order = np.argsort(which.ravel(), kind="stable")
    members = np.split(order, np.cumsum(np.bincount(which.ravel()))[:-1])
    groups = []
    for row, own in zip(rows.T.tolist(), members, strict=True):
        changed = applied(experiment, dict(zip(others, row, strict=True)))
        groups.append(_Group(changed, entries[own], {name: column[own] for name, column in settings.items()}))
    return groups


def _by_problem(groups: list[_Group]) -> list[list[_Group]]:
    """Groups on the same problem together: what their runs reached is then looked for once."""
    found: dict[tuple[tuple[str, float], ...], list[_Group]] = {}
    for group in groups:
        found.setdefault(group.experiment.problem.parameter_values, []).append(group)
    return list(found.values())


def _share(on_progress: Progress, done: int, own: int, entries: int) -> Progress:
    """The progress of a group as that of all entries, in epochs of the group."""

    def report(epochs: int, total: int, running: int) -> None:
        on_progress((done * total + own * epochs) // entries, total, running)

    return report
