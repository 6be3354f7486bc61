"""Experiment: everything that decides a result. run() turns it into Findings, trace() into one recorded run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdcore.batches import Work, outcomes
from gdcore.certificate import Certificate
from gdcore.computed import Computed
from gdcore.descent import Progress, descend
from gdcore.findings import Findings, Minimum, findings_of
from gdcore.gathering import gathered
from gdcore.kernel import kernel
from gdcore.optimizers import Optimizer
from gdcore.outcomes import outcomes_of
from gdcore.problem import Problem
from gdcore.proved import proved
from gdcore.schedules import check_schedule, scaled
from gdcore.setting import FrozenDict
from gdcore.starts import Starts
from gdcore.stopping import Ending, Stopping

__all__ = ["Experiment", "Findings", "Minimum", "Trace", "run", "run_each", "run_from", "trace", "traces"]

Array = NDArray[np.float64]
VERSION = 1
DEFAULT_STOPPING = Stopping()
DAMAGED = (
    KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, UnicodeError, json.JSONDecodeError,
)  # fmt: skip
MOST_SAID = 160  # characters of a message that quotes what a file holds


@dataclass(frozen=True)
class Experiment:
    """One question: this problem, this optimizer at these settings, from these starts, until then.

    settings: setting name → number, or a formula in t and T (a schedule); missing ones take their default.
    Frozen and hashable; ValueError or FormulaError for settings that the optimizer does not allow.
    """

    problem: Problem
    optimizer: Optimizer
    settings: Mapping[str, float | str] = field(default_factory=dict)
    starts: Starts = Starts()
    stopping: Stopping = Stopping()

    def __post_init__(self) -> None:
        known = self.optimizer.settings
        unknown = set(self.settings) - set(known)
        if unknown:
            raise ValueError(f"{self.optimizer.name} has no setting '{min(unknown)}'; it has: {', '.join(known) or 'none'}")
        values: dict[str, float | str] = {}
        for name, setting in known.items():
            value = self.settings.get(name, setting.default)
            if isinstance(value, str):
                values[name] = check_schedule(setting, name, value, self.stopping.epochs)
            else:
                values[name] = setting.check(value, name)
        object.__setattr__(self, "settings", FrozenDict(values))
        if self.starts.design != "given":
            self.starts.region(self.problem)

    def to_json(self) -> str:
        """The experiment as canonical JSON: equal experiments give equal text."""
        starts: dict[str, Any] = {"design": self.starts.design, "count": self.starts.count, "seed": self.starts.seed}
        if self.starts.design == "given":
            starts["points"] = [list(point) for point in self.starts.given]
        else:
            starts["box"] = {name: list(limits) for name, limits in self.starts.region(self.problem).items()}
        data = {
            "version": VERSION,
            "problem": self.problem.to_dict(),
            "optimizer": self.optimizer.to_dict(),
            "settings": dict(self.settings),
            "starts": starts,
            "stopping": {"epochs": self.stopping.epochs, "gradient_tolerance": self.stopping.gradient_tolerance},
        }
        return json.dumps(data, sort_keys=False, allow_nan=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Experiment:
        """The inverse of to_json, through the same checks as typed input; ValueError where it is no experiment."""
        try:
            data = json.loads(text)
            json.dumps(data, ensure_ascii=False).encode()  # half a character, \ud800, can be read but not written again
            for part in ("problem", "optimizer"):
                if not isinstance(data[part]["name"], str):
                    raise TypeError(f"the {part}'s name must be text")
            version = data["version"]
            if version != VERSION:
                raise ValueError(f"this experiment is of version {version}; this program reads version {VERSION}")
            starts = data["starts"]
            box = starts.get("box")
            return cls(
                problem=Problem.from_dict(data["problem"]),
                optimizer=Optimizer.from_dict(data["optimizer"]),
                settings=dict(data["settings"]),
                starts=Starts.at(starts["points"])
                if starts["design"] == "given"
                else Starts(starts["design"], starts["count"], starts["seed"], {k: (v[0], v[1]) for k, v in box.items()}),
                stopping=Stopping(**data["stopping"]),
            )
        except DAMAGED as error:
            raise ValueError(f"this is no experiment in JSON: {type(error).__name__} {str(error)[:80]}") from None
        except ValueError as error:
            if len(str(error)) <= MOST_SAID:
                raise
            raise ValueError(f"{str(error)[: MOST_SAID - 1]}…") from None

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits that name the experiment: equal for equal experiments."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Trace:
    """One run, step by step: path (k + 1, d), values (k + 1,), gradient_norms (k + 1,), and how it ended."""

    path: Array
    values: Array
    gradient_norms: Array
    ending: Ending


def run(
    experiment: Experiment,
    *,
    engine: str = "auto",
    on_progress: Progress | None = None,
    threads: int | None = None,
    target: float | None = None,
    executor: Executor | None = None,
    certificate: Certificate | None = None,
) -> Findings:
    """The findings of an experiment: every start descended, ended and labelled.

    on_progress(epochs done, epochs at most, starts still running) is called now and then on this thread; an exception
    raised in it cancels the run. target: a value of f whose first crossing is noted in Findings.hits; it ends no run.
    executor: descends ranges of the starts wherever it likes, in place of this machine; what fails there is computed here,
    and Findings.computed says so. certificate: what certify() proved of the problem; the minima are then the certified ones where
    there are any, those that no start reached with share 0. engine: "numpy", "compiled", or "auto" for the one that is done sooner; ValueError for any
    other, EngineError where "compiled" is asked for and impossible here.
    """
    work = Work(experiment, engine=engine, target=target)
    found = _found(work, work.points(), on_progress, threads, executor)
    return found if certificate is None else proved(found, certificate)


def run_from(
    experiment: Experiment,
    points: Array,
    *,
    engine: str = "auto",
    on_progress: Progress | None = None,
    threads: int | None = None,
    executor: Executor | None = None,
    certificate: Certificate | None = None,
) -> Findings:
    """The findings of an experiment from points (n, d) in place of its own starts, which play no part.

    The rest as for run(); Starts.at(points) gives the same and takes far more memory. ValueError for points that are not (n, d), n > 0.
    """
    if points.ndim != 2 or not len(points) or points.shape[1] != experiment.problem.dimension:
        raise ValueError(f"start points must have shape (n, {experiment.problem.dimension}) with n > 0, not {points.shape}")
    found = _found(Work(experiment, engine=engine), points, on_progress, threads, executor, given=True)
    return found if certificate is None else proved(found, certificate)


def _found(
    work: Work, points: Array, on_progress: Progress | None, threads: int | None, executor: Executor | None, *, given: bool = False
) -> Findings:
    """The findings of a work from points, with a word on how it was computed; given: they are not those of the work."""
    began = perf_counter()
    if executor is None:
        ended, computed = outcomes(work, points, on_progress=on_progress, threads=threads), Computed()
    else:
        ended, computed = gathered(executor, work, points, given=given, on_progress=on_progress, threads=threads)
    found = findings_of(work.experiment, points, ended)
    return replace(found, computed=replace(computed, engine=ended.engine, seconds=perf_counter() - began))


def run_each(
    experiment: Experiment,
    columns: Mapping[str, Array],
    *,
    engine: str = "auto",
    on_progress: Progress | None = None,
    target: float | None = None,
    executor: Executor | None = None,
) -> Findings:
    """The experiment once for every entry of `columns` (setting → (k,)), all in lockstep: k runs for little more than one.

    The entries for a setting that is a schedule are factors of it. Findings with k·n rows, the n starts of the first entry
    first; minima are those of all entries together. ValueError for values that a setting does not allow, unknown settings,
    unknown engines, and columns that are empty or of unequal length. executor: as for run().
    """
    known, epochs = experiment.optimizer.settings, experiment.stopping.epochs
    if set(columns) - set(known) or len({len(column) for column in columns.values()} | {0}) != 2:
        raise ValueError("give one non-empty column of equal length for each setting to vary, by the settings' names")
    values: dict[str, Array] = {}
    for name, column in columns.items():
        text = experiment.settings[name]
        for v in column:
            known[name].check(v, name) if not isinstance(text, str) else check_schedule(known[name], name, scaled(text, v), epochs)
        values[name] = np.asarray(column, dtype=float)
    work = Work(experiment, values, engine, target)
    return _found(work, work.points(), on_progress, None, executor)


def trace(
    problem: Problem,
    optimizer: Optimizer,
    settings: Mapping[str, float | str],
    start: ArrayLike,
    stopping: Stopping = DEFAULT_STOPPING,
) -> Trace:
    """One run from one start (d,), with every position kept."""
    return traces(Experiment(problem, optimizer, settings, Starts.at(start), stopping))[0]


def traces(experiment: Experiment) -> list[Trace]:
    """The recorded runs of all starts of an experiment: for a few hundred starts, since every position is kept."""
    points = experiment.starts.points(experiment.problem)
    step = kernel(experiment.problem, experiment.optimizer, experiment.settings, experiment.stopping.epochs)
    descent = descend(step, points, experiment.stopping, record=True)
    endings = findings_of(experiment, points, outcomes_of(experiment.problem, experiment.stopping, descent)).endings
    assert descent.paths is not None and descent.path_values is not None and descent.path_norms is not None
    found = []
    for i, last in enumerate(descent.epochs + 1):
        path, values = descent.paths[:last, i], descent.path_values[:last, i]
        found.append(Trace(path, values, descent.path_norms[:last, i], endings[i]))
    return found
