"""An experiment at many values of one quantity, or of two → what becomes of the same starts, and of the minima."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gdcore.certificate import Certificate
from gdcore.descent import Progress
from gdcore.entries import Batch, batches
from gdcore.experiment import Experiment, Findings, Minimum, run
from gdcore.identities import Known, Numbering, numbering
from gdcore.quantities import Quantity, Range, quantity
from gdcore.stopping import ENDINGS, Ending
from gdcore.success import EQUALLY_DEEP
from gdcore.tracks import Change

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]
MOST_CELLS = 10_000  # pairs of values of two quantities
QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Sweep:
    """What the same starts, `count` of them, come to at k values of x, or at the k·l pairs with values of y; one row per entry.

    Entries go through x first. x_values (k,), y_values (l,), empty without y. reached (entries, m): starts that settled in each of m minima,
    numbered as in the experiment's own findings, then by where they first appear. elsewhere (entries,): those that settled in a minimum that could not be
    followed to a number. ended (entries, 14): starts by ENDINGS. epochs (entries, 3): quartiles over the starts that settled, nan where none did.
    deepest (entries, m): which minima are the deepest there, in the box; success (entries,): starts that settled in one of them, or in one
    as deep that has no number.
    minima: the experiment's own. points (m, entries, d), heights (m, entries): all of them at each entry, nan where one does not exist. changes: where they appear, vanish, merge or
    split, found for a single parameter only.
    """

    experiment: Experiment
    x: Range
    y: Range | None
    x_values: Array
    y_values: Array
    count: int
    reached: Counts
    elsewhere: Counts
    ended: Counts
    epochs: Array
    deepest: Flags
    success: Counts
    minima: tuple[Minimum, ...]
    points: Array
    heights: Array
    changes: tuple[Change, ...]

    @property
    def x_quantity(self) -> Quantity:
        return quantity(self.experiment, self.x.key)

    @property
    def y_quantity(self) -> Quantity | None:
        return None if self.y is None else quantity(self.experiment, self.y.key)

    def at(self, entry: int) -> dict[str, float]:
        """The values of an entry, by the quantities' keys."""
        k = len(self.x_values)
        values = {self.x.key: float(self.x_values[entry % k])}
        return values if self.y is None else {**values, self.y.key: float(self.y_values[entry // k])}

    def to_frame(self) -> pd.DataFrame:
        """One row per entry: the values, then how many of the starts came to each minimum and ending, quartiles of epochs, and successes.

        The place and the value of each minimum follow, empty where it does not exist.
        """
        import pandas as pd

        rows = [self.at(entry) for entry in range(len(self.ended))]
        columns: dict[str, Any] = {key: [row[key] for row in rows] for key in rows[0]} | {"starts": self.count}
        columns |= {f"minimum {number + 1}": self.reached[:, number] for number in range(self.reached.shape[1])}
        columns |= {"other minima": self.elsewhere} if self.elsewhere.any() else {}
        columns |= {ending.label: self.ended[:, code] for code, ending in enumerate(ENDINGS) if ending is not Ending.MINIMUM}
        columns |= {f"epochs, {name}": self.epochs[:, k] for k, name in enumerate(("first quartile", "median", "third quartile"))}
        columns["in the deepest minimum"] = self.success
        for number, (points, heights) in enumerate(zip(self.points, self.heights, strict=True)):
            columns |= {f"{name} of minimum {number + 1}": points[:, i] for i, name in enumerate(self.experiment.problem.variables)}
            columns[f"f of minimum {number + 1}"] = heights
        return pd.DataFrame(columns)


def sweep(
    experiment: Experiment,
    x: Range,
    y: Range | None = None,
    *,
    engine: str = "auto",
    on_progress: Progress | None = None,
    executor: Executor | None = None,
    certificate: Certificate | None = None,
) -> Sweep:
    """The experiment at every value of x, or at every pair of values of x and y, from the same starts.

    Values of settings run in lockstep, so that they cost little more than one run. certificate: of the experiment's problem; its minima
    are numbered first. ValueError for ranges that make no sense and for more than ten million runs in all. The rest is as for run().
    """
    values, columns = _columns(experiment, x, y)
    found = list(batches(experiment, columns, engine=engine, on_progress=on_progress, executor=executor))
    home = run(experiment, engine=engine, executor=executor, certificate=certificate)
    parameters = [key.partition(" ")[2] for key in columns if key.startswith("parameter ")]
    known = [Known(findings.experiment.problem, findings.minima) for findings in (home, *(batch.findings for batch in found))]
    return _swept(home, (x, y), values, found, numbering(known[0], known[1:], parameters))


def _columns(experiment: Experiment, x: Range, y: Range | None) -> tuple[list[Array], dict[str, Array]]:
    """The values of each range, and the value of each quantity at every entry; ValueError where they make no sense."""
    if y is not None and x.key == y.key:
        raise ValueError(f"both quantities are the {quantity(experiment, x.key).label}: choose two different ones")
    ranges = [x] if y is None else [x, y]
    values = [one.values(quantity(experiment, one.key)) for one in ranges]
    entries = int(np.prod([len(one) for one in values]))
    if entries > MOST_CELLS:
        raise ValueError(f"that makes {entries:,} pairs of values; at most {MOST_CELLS:,} are possible: ask for fewer of either")
    grid = np.meshgrid(*values, indexing="xy")
    return values, {one.key: axis.ravel() for one, axis in zip(ranges, grid, strict=True)}


def _swept(
    home: Findings, ranges: tuple[Range, Range | None], values: Sequence[Array], found: Sequence[Batch], named: Numbering
) -> Sweep:
    experiment = home.experiment
    m, d, entries = len(named.points), experiment.problem.dimension, sum(len(batch.entries) for batch in found)
    reached, elsewhere = np.zeros((entries, m), np.int64), np.zeros(entries, np.int64)
    ended, epochs = np.zeros((entries, len(ENDINGS)), np.int64), np.full((entries, 3), np.nan)
    points, heights = np.full((m, entries, d), np.nan), np.full((m, entries), np.nan)
    deepest, success = np.zeros((entries, m), bool), np.zeros(entries, np.int64)
    for n, batch in enumerate(found):
        own, numbers = batch.entries, np.append(named.numbers[n], m + 1)  # the last for starts that settled nowhere
        numbers[numbers < 0] = m
        counts = batch.counts(numbers[batch.findings.labels], m + 2)
        reached[own], elsewhere[own] = counts[:, :m], counts[:, m]
        ended[own], epochs[own] = batch.endings(), _quartiles(batch)
        points[:, own], heights[:, own] = named.points[:, [n]], named.heights[:, [n]]
        deepest[own], success[own] = _deepest(batch, named.points[:, n], named.heights[:, n])
    each = values[0], values[1] if len(values) > 1 else np.empty(0)
    return Sweep(
        experiment, *ranges, *each, int(ended[0].sum()), reached, elsewhere, ended, epochs, deepest, success, home.minima, points, heights,
        named.changes,
    )  # fmt: skip


def _quartiles(batch: Batch) -> Array:
    """Quartiles of the epochs of the starts that settled, (entries, 3); nan where none did."""
    out = np.full((len(batch.entries), 3), np.nan)
    epochs, settled = batch.settled()
    for k in np.flatnonzero(settled.any(axis=1)):
        out[k] = np.quantile(epochs[k, settled[k]], QUARTILES)
    return out


def _deepest(batch: Batch, points: Array, heights: Array) -> tuple[Flags, Counts]:
    """Which of the numbered minima (m,) are the deepest on the problem of a batch, and the starts of each entry that settled so deep.

    As in success.deepest_labels: one outside the box counts only where there is none inside.
    """
    findings = batch.findings
    lows, highs = findings.experiment.problem.lows, findings.experiment.problem.highs
    margin, m = 1e-9 * (highs - lows), len(points)
    places = np.concatenate([points, np.array([one.point for one in findings.minima]).reshape(-1, len(lows))])
    values = np.concatenate([heights, [one.value for one in findings.minima]])
    inside = ((places > lows + margin) & (places < highs - margin)).all(axis=1)
    eligible = inside if inside.any() else ~np.isnan(values)
    lowest = values[eligible].min(initial=np.inf)
    deep = eligible & (values <= lowest + EQUALLY_DEEP * (1 + abs(lowest)))
    settled = np.append(deep[m:], False)[findings.labels]
    return deep[:m], batch.counts(settled.astype(np.int64), 2)[:, 1]
