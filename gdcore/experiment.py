"""Experiment: everything that decides a result. run() turns it into Findings, trace() into one recorded run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gdcore import minima as mn
from gdcore.descent import Descent, Progress, Verdict, descend
from gdcore.kernel import Value, kernel
from gdcore.minima import Stationary
from gdcore.optimizers import Optimizer
from gdcore.problem import Problem
from gdcore.schedules import Scaled, check_schedule, scaled
from gdcore.setting import FrozenDict
from gdcore.shares import wilson
from gdcore.starts import Starts
from gdcore.stopping import CODE, ENDINGS, Ending, Stopping
from gdcore.tails import bounces, clouds, orbits

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
VERSION = 1
DEFAULT_STOPPING = Stopping()
DAMAGED = (
    KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, UnicodeError, json.JSONDecodeError,
)  # fmt: skip
MOST_SAID = 160  # characters of a message that quotes what a file holds
ENGINES = ("auto", "numpy")
SETTLED_NORM = 1e-6  # |∇f| at the last epoch that counts as settled when the tolerance is 0 or smaller than this
MOST_EXPLORED = 1000  # unsettled ends from which unreached minima are looked for


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

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that name the experiment: equal for equal experiments."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Minimum:
    """A verified local minimum: point (d,), value, eigenvalues of the Hessian (d,) ascending, and who reached it.

    share: of all starts, with interval (Wilson, 95 %) and count behind it; 0 when it exists but no start settled in it.
    median_epochs: over the starts that did; nan when none. stable_rate: 2/λmax, the largest stable learning rate of plain
    gradient descent.
    """

    point: tuple[float, ...]
    value: float
    eigenvalues: tuple[float, ...]
    inside_box: bool
    count: int
    share: float
    interval: tuple[float, float]
    median_epochs: float

    @property
    def stable_rate(self) -> float:
        return 2 / self.eigenvalues[-1]


@dataclass(frozen=True)
class Findings:
    """What a run found: arrays with one row per start, in the order of the starts; nothing is ever left out.

    starts (n, d), ends (n, d), end_values (n,), gradient_norms (n,), epochs (n,), ending_codes (n,) indexing ENDINGS,
    labels (n,) indexing minima (deepest first; -1: no minimum). stationary: the saddles, maxima and degenerate points.
    hits (n,): the epoch at which f was first at most the target asked for, -1 where never; None when none was.
    """

    experiment: Experiment
    starts: Array
    ends: Array
    end_values: Array
    gradient_norms: Array
    epochs: NDArray[np.int64]
    ending_codes: NDArray[np.int8]
    labels: NDArray[np.int64]
    minima: tuple[Minimum, ...]
    stationary: tuple[Stationary, ...]
    hits: NDArray[np.int64] | None = None

    @property
    def count(self) -> int:
        """The number of starts."""
        return len(self.starts)

    @property
    def endings(self) -> NDArray[np.object_]:
        """The Ending of each start, (n,)."""
        return np.array(ENDINGS, dtype=object)[self.ending_codes]

    def ending_counts(self) -> dict[Ending, int]:
        """How many starts ended in each way, in the order of ENDINGS; the counts add up to the number of starts."""
        counts = np.bincount(self.ending_codes, minlength=len(ENDINGS))
        return {ending: int(counts[code]) for code, ending in enumerate(ENDINGS)}

    def to_frame(self) -> pd.DataFrame:
        """One row per start: start and end coordinates, value, gradient norm, epochs, ending, minimum (1 = deepest)."""
        import pandas as pd

        names = self.experiment.problem.variables
        columns: dict[str, Any] = {f"start {name}": self.starts[:, i] for i, name in enumerate(names)}
        columns |= {f"end {name}": self.ends[:, i] for i, name in enumerate(names)}
        columns |= {"f": self.end_values, "gradient norm": self.gradient_norms, "epochs": self.epochs}
        columns["ending"] = pd.Categorical.from_codes(self.ending_codes, [ending.label for ending in ENDINGS])
        columns["minimum"] = pd.array(np.where(self.labels >= 0, self.labels + 1, -1), dtype="Int64")
        frame = pd.DataFrame(columns, index=pd.RangeIndex(1, self.count + 1, name="start"))
        frame.loc[frame["minimum"] == -1, "minimum"] = pd.NA
        return frame


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
) -> Findings:
    """The findings of an experiment: every start descended, ended and labelled.

    on_progress(epochs done, epochs at most, starts still running) is called now and then on this thread; an exception
    raised in it cancels the run. target: a value of f whose first crossing is noted in Findings.hits; it ends no run.
    ValueError for an unknown engine.
    """
    if engine not in ENGINES:
        raise ValueError(f"there is no engine '{engine}'; there are: {', '.join(ENGINES)}")
    points = experiment.starts.points(experiment.problem)
    step = kernel(experiment.problem, experiment.optimizer, experiment.settings, experiment.stopping.epochs)
    descent = descend(step, points, experiment.stopping, on_progress=on_progress, threads=threads, target=target)
    return _findings(experiment, points, descent)


def run_each(
    experiment: Experiment,
    columns: Mapping[str, Array],
    *,
    on_progress: Progress | None = None,
    target: float | None = None,
) -> Findings:
    """The experiment once for every entry of `columns` (setting → (k,)), all in lockstep: k runs for little more than one.

    The entries for a setting that is a schedule are factors of it. Findings with k·n rows, the n starts of the first entry
    first; minima are those of all entries together. ValueError for values that a setting does not allow, unknown settings,
    and columns that are empty or of unequal length.
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
    points, k = experiment.starts.points(experiment.problem), len(next(iter(values.values())))
    settings: dict[str, Value] = dict(experiment.settings)
    for name, column in values.items():
        each, text = np.repeat(column, len(points)), experiment.settings[name]
        settings[name] = Scaled(text, each) if isinstance(text, str) else each
    step = kernel(experiment.problem, experiment.optimizer, settings, experiment.stopping.epochs)
    tiled = np.tile(points, (k, 1))
    descent = descend(step, tiled, experiment.stopping, on_progress=on_progress, target=target)
    return _findings(experiment, tiled, descent)


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
    endings = _findings(experiment, points, descent).endings
    assert descent.paths is not None and descent.path_values is not None and descent.path_norms is not None
    found = []
    for i, last in enumerate(descent.epochs + 1):
        path, values = descent.paths[:last, i], descent.path_values[:last, i]
        found.append(Trace(path, values, descent.path_norms[:last, i], endings[i]))
    return found


# -- from how the loop ended to what it means --------------------------------------------------------------------------

DIRECT = {
    Verdict.UNDEFINED: Ending.UNDEFINED,
    Verdict.JUMPED: Ending.JUMPED,
    Verdict.DIVERGED: Ending.DIVERGED,
    Verdict.LEFT_DOMAIN: Ending.LEFT_DOMAIN,
    Verdict.STATIONARY: Ending.FLAT,
    Verdict.EXHAUSTED: Ending.MOVING,
}
BY_KIND = {
    mn.MINIMUM: Ending.MINIMUM,
    mn.SADDLE: Ending.SADDLE,
    mn.MAXIMUM: Ending.MAXIMUM,
    mn.DEGENERATE: Ending.DEGENERATE,
    mn.NONE: Ending.FLAT,
}


def _findings(experiment: Experiment, points: Array, descent: Descent) -> Findings:
    problem = experiment.problem
    codes = np.array([CODE[DIRECT[v]] if v in DIRECT else -1 for v in Verdict], np.int8)[descent.verdicts]
    unfinished = _unfinished(experiment, descent)
    codes[descent.exhausted] = unfinished
    settled = np.flatnonzero(codes == CODE[Ending.FLAT])
    merged = mn.merge(problem, mn.polish(problem, descent.ends[settled]))
    codes[settled] = np.array([CODE[BY_KIND[kind]] for kind in range(len(mn.KINDS))], np.int8)[merged.kinds]
    reached = [k for k, point in enumerate(merged.stationary) if point.kind == "minimum"]
    unreached = _unreached(problem, descent.ends, codes, merged.stationary)
    candidates = [merged.stationary[k] for k in reached] + [point for point in unreached if point.kind == "minimum"]
    order = mn.deepest_first(candidates)
    label_of = np.full(len(merged.stationary) + 1, -1)
    for label, k in enumerate(order):
        if k < len(reached):
            label_of[reached[k]] = label
    labels = np.full(len(points), -1)
    labels[settled] = label_of[merged.index]
    return Findings(
        experiment=experiment,
        starts=points,
        ends=descent.ends,
        end_values=descent.values,
        gradient_norms=descent.gradient_norms,
        epochs=descent.epochs,
        ending_codes=codes,
        labels=labels,
        minima=tuple(_minimum(candidates[k], labels == i, descent.epochs) for i, k in enumerate(order)),
        stationary=tuple(point for point in (*merged.stationary, *unreached) if point.kind != "minimum"),
        hits=descent.hits,
    )


def _minimum(found: Stationary, mine: NDArray[np.bool_], epochs: NDArray[np.int64]) -> Minimum:
    count = int(mine.sum())
    return Minimum(
        point=found.point,
        value=found.value,
        eigenvalues=found.eigenvalues,
        inside_box=found.inside_box,
        count=count,
        share=count / len(mine),
        interval=wilson(count, len(mine)),
        median_epochs=float(np.median(epochs[mine])) if count else float("nan"),
    )


def _unfinished(experiment: Experiment, descent: Descent) -> NDArray[np.int8]:
    """Ending codes of the runs that used up their epochs; FLAT stands for "settled, to be polished"."""
    problem, index, tails = experiment.problem, descent.exhausted, descent.tails
    codes = np.full(index.size, CODE[Ending.MOVING], np.int8)
    if not index.size:
        return codes
    ends, norms = descent.ends[index], descent.gradient_norms[index]
    outside = ((ends < problem.lows) | (ends > problem.highs)).any(axis=1)
    codes[outside] = CODE[Ending.LEFT_BOX]
    codes[_hovering(problem, tails)] = CODE[Ending.HOVERING]
    codes[orbits(problem, tails) > 0] = CODE[Ending.ORBIT]
    codes[bounces(problem, tails)] = CODE[Ending.BOUNCING]
    last_step = np.abs(tails[-1] - tails[-2]) / (problem.highs - problem.lows)
    quiet = norms <= max(experiment.stopping.gradient_tolerance, SETTLED_NORM)
    codes[quiet & (last_step.max(axis=1) <= 1e-7)] = CODE[Ending.FLAT]
    return codes


def _hovering(problem: Problem, tails: Array) -> NDArray[np.bool_]:
    """Whether a verified minimum lies within the last positions of a tail, and these do not close in on it."""
    centre, radius = clouds(problem, tails)
    width = problem.highs - problem.lows
    polished = mn.polish(problem, centre)
    away = (np.abs(polished.points - centre) / width).max(axis=1)
    distance = np.sqrt((((tails - polished.points) / width) ** 2).sum(axis=2))
    half = len(tails) // 2
    steady = distance[half:].max(axis=0) >= 0.5 * distance[:half].max(axis=0)
    hovering: NDArray[np.bool_] = (polished.kinds == mn.MINIMUM) & (away <= 1.5 * radius) & steady
    return hovering


def _unreached(
    problem: Problem, ends: Array, codes: NDArray[np.int8], known: tuple[Stationary, ...]
) -> list[Stationary]:
    """Verified minima and degenerate points in the box that no start settled in, with count 0.

    They are those that unsettled runs point to, and the minima of a quick survey of the box.
    """
    open_endings = [CODE[e] for e in (Ending.MOVING, Ending.ORBIT, Ending.HOVERING, Ending.BOUNCING, Ending.SADDLE)]
    unsettled = np.flatnonzero(np.isin(codes, open_endings))
    chosen = unsettled[:: max(1, -(-unsettled.size // MOST_EXPLORED))]
    found: list[Stationary] = []
    if chosen.size:
        found = _fresh(problem, mn.merge(problem, mn.descend_to_minima(problem, ends[chosen])).stationary, known)
    found += _fresh(problem, mn.survey(problem), (*known, *found))
    return [replace(point, count=0) for point in found]


def _fresh(problem: Problem, points: tuple[Stationary, ...], known: tuple[Stationary, ...]) -> list[Stationary]:
    """The minima and degenerate points in the box that are not known yet."""
    width = problem.highs - problem.lows
    taken = np.array([point.point for point in known]).reshape(-1, problem.dimension)
    valleys = [point.value for point in known if not point.isolated]

    def fresh(point: Stationary) -> bool:
        if point.kind not in ("minimum", "degenerate") or not point.inside_box:
            return False
        radius = mn.SAME_DEGENERATE if point.kind == "degenerate" else 2 * mn.SAME_POINT
        near = (np.abs(taken - point.point) <= radius * width).all(axis=1).any()
        in_valley = point.kind == "degenerate" and np.isclose(valleys, point.value, atol=1e-7).any()
        return not near and not in_valley

    return [point for point in points if fresh(point)]
