"""How each run ended → what that means: Findings, with an ending, a label and the minima behind the labels."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gdcore.certificate import Certificate
from gdcore.computed import Computed
from gdcore.merging import SAME_DEGENERATE, SAME_POINT, Stationary, deepest_first, merge
from gdcore.minima import reached
from gdcore.newton import DEGENERATE, KINDS, MAXIMUM, MINIMUM, NONE, SADDLE
from gdcore.outcomes import Outcomes
from gdcore.problem import Problem
from gdcore.proximity import Nearest, distinct
from gdcore.shares import wilson
from gdcore.stopping import CODE, ENDINGS, Ending
from gdcore.survey import descend_to_minima, survey

if TYPE_CHECKING:
    import pandas as pd

    from gdcore.experiment import Experiment

Array = NDArray[np.float64]
OPEN = {Ending.MOVING, Ending.ORBIT, Ending.HOVERING, Ending.BOUNCING, Ending.SADDLE}  # endings that leave a question
MOST_EXPLORED = 300  # unsettled ends from which unreached minima are looked for, each in a cell of its own
MOST_SEEN, CELL = 8192, 1 / 64  # among so many of them; box widths


@dataclass(frozen=True)
class Minimum:
    """A verified local minimum: point (d,), value, eigenvalues of the Hessian (d,) ascending, and who reached it.

    share: of all starts, with interval (Wilson, 95 %) and count behind it; 0 when it exists but no start settled in it.
    median_epochs: over the starts that did; nan when none. proved: whether a certificate holds it. stable_rate: 2/λmax, the largest stable learning rate of plain
    gradient outcomes. One that was followed to parameters at which it does not exist keeps its number there (matching.py): its
    point and value are nan, its count is 0.
    """

    point: tuple[float, ...]
    value: float
    eigenvalues: tuple[float, ...]
    inside_box: bool
    count: int
    share: float
    interval: tuple[float, float]
    median_epochs: float
    proved: bool = False

    @property
    def exists(self) -> bool:
        """False where this only holds the number of a minimum that does not exist here."""
        return not math.isnan(self.value)

    @property
    def stable_rate(self) -> float:
        return 2 / self.eigenvalues[-1]


@dataclass(frozen=True)
class Findings:
    """What a run found: arrays with one row per start, in the order of the starts; nothing is ever left out.

    starts (n, d), ends (n, d), end_values (n,), gradient_norms (n,), epochs (n,), ending_codes (n,) indexing ENDINGS,
    labels (n,) indexing minima (deepest first; -1: no minimum). stationary: the saddles, maxima and degenerate points.
    hits (n,): the epoch at which f was first at most the target asked for, -1 where never; None when none was.
    computed: where and how fast; two findings may be equal in all but that. certificate: what is proved of the box's
    stationary points; None where that was not asked for (proved.py adds it).
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
    computed: Computed = field(default=Computed(), compare=False)
    certificate: Certificate | None = None

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

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that name how every start ended and in which minimum: equal for the same outcome.

        Minima that no start settled in play no part: a proof or a comparison that lists more of them changes nothing.
        """
        _, place = np.unique(self.labels, return_inverse=True)
        ranks = place - (1 if (self.labels < 0).any() else 0)
        return hashlib.sha256(ranks.astype("<i8").tobytes() + self.ending_codes.astype("i1").tobytes()).hexdigest()[:16]

    def to_frame(self) -> pd.DataFrame:
        """One row per start: start and end coordinates, value, gradient norm, epochs, ending, minimum (1 = deepest)."""
        import pandas as pd

        names = self.experiment.problem.variables
        columns: dict[str, Any] = {f"start {name}": self.starts[:, i] for i, name in enumerate(names)}
        columns |= {f"end {name}": self.ends[:, i] for i, name in enumerate(names)}
        columns |= {"f": self.end_values, "gradient norm": self.gradient_norms, "epochs": self.epochs}
        columns["ending"] = pd.Categorical.from_codes(self.ending_codes, [ending.label for ending in ENDINGS])
        columns["minimum"] = pd.arrays.IntegerArray(self.labels + 1, self.labels < 0)
        return pd.DataFrame(columns, index=pd.RangeIndex(1, self.count + 1, name="start"))


BY_KIND = {
    MINIMUM: Ending.MINIMUM,
    SADDLE: Ending.SADDLE,
    MAXIMUM: Ending.MAXIMUM,
    DEGENERATE: Ending.DEGENERATE,
    NONE: Ending.FLAT,
}


def findings_of(experiment: Experiment, points: Array, outcomes: Outcomes) -> Findings:
    """The findings of an experiment from how its runs from points (n, d) ended."""
    problem, codes = experiment.problem, outcomes.codes.copy()
    settled = np.flatnonzero(codes == CODE[Ending.FLAT])
    merged = reached(problem, outcomes.ends, settled)
    codes[settled] = np.array([CODE[BY_KIND[kind]] for kind in range(len(KINDS))], np.int8)[merged.kinds]
    settled_in = [k for k, point in enumerate(merged.stationary) if point.kind == "minimum"]
    unreached = _unreached(problem, outcomes.ends, codes, merged.stationary)
    candidates = [merged.stationary[k] for k in settled_in] + [point for point in unreached if point.kind == "minimum"]
    order = deepest_first(candidates)
    label_of = np.full(len(merged.stationary) + 1, -1)
    for label, k in enumerate(order):
        if k < len(settled_in):
            label_of[settled_in[k]] = label
    labels = np.full(len(points), -1)
    labels[settled] = label_of[merged.index]
    counts, medians = _by_label(labels, outcomes.epochs, len(order))
    return Findings(
        experiment=experiment,
        starts=points,
        ends=outcomes.ends,
        end_values=outcomes.values,
        gradient_norms=outcomes.gradient_norms,
        epochs=outcomes.epochs,
        ending_codes=codes,
        labels=labels,
        minima=tuple(_minimum(candidates[k], counts[i], len(points), medians[i]) for i, k in enumerate(order)),
        stationary=tuple(point for point in (*merged.stationary, *unreached) if point.kind != "minimum"),
        hits=outcomes.hits,
    )


def _minimum(found: Stationary, count: int, total: int, median_epochs: float) -> Minimum:
    return Minimum(
        point=found.point,
        value=found.value,
        eigenvalues=found.eigenvalues,
        inside_box=found.inside_box,
        count=count,
        share=count / total,
        interval=wilson(count, total),
        median_epochs=median_epochs,
    )


def _by_label(labels: NDArray[np.int64], epochs: NDArray[np.int64], many: int) -> tuple[list[int], list[float]]:
    """How many starts have each label below `many`, and the median of their epochs, nan where there are none.

    One sort of label and epochs, packed into one number, serves all labels at once.
    """
    labelled = np.flatnonzero(labels >= 0)
    counts = np.bincount(labels[labelled], minlength=many)
    if not labelled.size:
        return counts.tolist(), [float("nan")] * many
    span = int(epochs.max()) + 1
    key = labels[labelled] * span
    key += epochs[labelled]
    key.sort()
    first = np.cumsum(counts) - counts
    low, high = (np.minimum(first + middle, key.size - 1) for middle in (np.maximum(counts - 1, 0) // 2, counts // 2))
    medians = np.where(counts > 0, (key[low] % span + key[high] % span) / 2, np.nan)
    return counts.tolist(), medians.tolist()


def _unreached(
    problem: Problem, ends: Array, codes: NDArray[np.int8], known: tuple[Stationary, ...]
) -> list[Stationary]:
    """Verified minima and degenerate points in the box that no start settled in, with count 0.

    They are those that unsettled runs point to, and the minima of a quick survey of the box.
    """
    is_open = np.array([ending in OPEN for ending in ENDINGS])
    unsettled = np.flatnonzero(is_open[codes])
    found: list[Stationary] = []
    if unsettled.size:
        seen = _thinned(unsettled, MOST_SEEN)
        apart, _ = distinct(ends[seen] / (problem.highs - problem.lows), np.full(problem.dimension, CELL))
        chosen = _thinned(seen[apart], MOST_EXPLORED)
        found = _fresh(problem, merge(problem, descend_to_minima(problem, ends[chosen])).stationary, known)
    found += _fresh(problem, survey(problem), (*known, *found))
    return [replace(point, count=0) for point in found]


def _thinned(indices: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """At most so many of them, evenly."""
    return indices[:: max(1, -(-indices.size // most))]


def _fresh(problem: Problem, points: tuple[Stationary, ...], known: tuple[Stationary, ...]) -> list[Stationary]:
    """The minima and degenerate points in the box that are not known yet."""
    wanted = [point for point in points if point.kind in ("minimum", "degenerate") and point.inside_box]
    if not wanted or not known:
        return wanted
    width = problem.highs - problem.lows
    _, distance = Nearest(np.array([point.point for point in known]) / width)(np.array([point.point for point in wanted]) / width)
    valleys = [point.value for point in known if not point.isolated]

    def fresh(point: Stationary, away: float) -> bool:
        degenerate = point.kind == "degenerate"
        in_valley = degenerate and np.isclose(valleys, point.value, atol=1e-7).any()
        return away > (SAME_DEGENERATE if degenerate else 2 * SAME_POINT) and not in_valley

    return [point for point, away in zip(wanted, distance.tolist(), strict=True) if fresh(point, away)]
