"""Experiments → only what differs between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from gdcore.experiment import Experiment
from gdcore.quantities import EPOCHS, TOLERANCE

Value = float | int | str | tuple[float, float]


@dataclass(frozen=True)
class Row:
    """Something in which experiments differ: what people call it, a key, and its value in each, None where it has none.

    key: as in quantities.py where that knows it ("setting lr", "parameter a", "epochs", "tolerance"), else "name", "formula",
    "variables", "box x", "optimizer", "equations", "starts", "design", "seed", "start x" or "points". A value is a number, a
    pair of limits, or text.
    """

    label: str
    key: str
    values: tuple[Value | None, ...]


def contrast(experiments: Sequence[Experiment]) -> list[Row]:
    """What differs between experiments, in the order problem, optimizer, starts, stopping; [] where nothing does.

    What cannot be told apart by any result plays no part: the spelling of a formula, the description of a setting.
    """
    made = (*_problems(experiments), *_optimizers(experiments), *_starts(experiments), *_stopping(experiments))
    return [row for row in made if len(set(row.values)) > 1]


def _problems(every: Sequence[Experiment]) -> list[Row]:
    problems = [experiment.problem for experiment in every]
    variables, parameters = (_union(names) for names in ([p.variables for p in problems], [p.parameters for p in problems]))
    return [
        Row("name", "name", tuple(p.name or None for p in problems)),
        Row("formula", "formula", tuple(p.text() for p in problems)),
        Row("variables", "variables", tuple(", ".join(p.variables) for p in problems)),
        *(Row(f"parameter {name}", f"parameter {name}", tuple(p.parameters.get(name) for p in problems)) for name in parameters),
        *(Row(f"box of {name}", f"box {name}", tuple(p.box.get(name) for p in problems)) for name in variables),
    ]


def _union(names: Iterable[Iterable[str]]) -> list[str]:
    """Each name once, in the order in which they come."""
    return list(dict.fromkeys(chain.from_iterable(names)))


def _optimizers(every: Sequence[Experiment]) -> list[Row]:
    """Settings are told apart by name and label: lr is the learning rate of some optimizers and the step length of others."""
    optimizers = [experiment.optimizer for experiment in every]
    described = dict.fromkeys((name, setting.label or name) for optimizer in optimizers for name, setting in optimizer.settings.items())
    rows = [Row("optimizer", "optimizer", tuple(o.name for o in optimizers))]
    if len({(o.name, o.equations) for o in optimizers}) > len(set(rows[0].values)):
        rows.append(Row("equations", "equations", tuple(o.equations for o in optimizers)))
    return rows + [Row(label, f"setting {name}", tuple(_setting(e, name, label) for e in every)) for name, label in described]


def _setting(experiment: Experiment, name: str, label: str) -> float | str | None:
    known = experiment.optimizer.settings.get(name)
    return None if known is None or (known.label or name) != label else experiment.settings[name]


def _starts(every: Sequence[Experiment]) -> list[Row]:
    starts, variables = [experiment.starts for experiment in every], _union(experiment.problem.variables for experiment in every)
    return [
        Row("starts", "starts", tuple(s.count for s in starts)),
        Row("design", "design", tuple(s.design for s in starts)),
        Row("seed", "seed", tuple(s.seed if s.design != "given" else None for s in starts)),
        *(Row(f"start region of {name}", f"start {name}", tuple(_region(e, name) for e in every)) for name in variables),
        Row("start points", "points", _points(every)),
    ]


def _region(experiment: Experiment, name: str) -> tuple[float, float] | None:
    return None if experiment.starts.design == "given" else experiment.starts.region(experiment.problem).get(name)


def _points(every: Sequence[Experiment]) -> tuple[str | None, ...]:
    """Of given points the first coordinate in which they differ, as text; None where none are given, or all are the same."""
    given = [experiment.starts.given for experiment in every]
    lists = list(dict.fromkeys(points for points in given if points))
    if len(lists) < 2:
        return (None,) * len(given)
    flat, width = ([number for point in points for number in point] for points in lists), len(lists[0][0])
    place = next((k for k, column in enumerate(zip(*flat, strict=False)) if len(set(column)) > 1), None)
    if place is None or any(len(points[0]) != width for points in lists):
        return tuple(f"{len(points):,} point{'' if len(points) == 1 else 's'}" if points else None for points in given)
    i, j = divmod(place, width)
    names = every[0].problem.variables
    return tuple(f"no. {i + 1}, {names[j]} = {points[i][j]!r}" if points else None for points in given)


def _stopping(every: Sequence[Experiment]) -> list[Row]:
    return [
        Row(EPOCHS.label, "epochs", tuple(e.stopping.epochs for e in every)),
        Row(TOLERANCE.label, "tolerance", tuple(e.stopping.gradient_tolerance for e in every)),
    ]
