"""One start under all pairs of two settings → alt.Chart: colour = minimum, with the exact stability boundary of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gdcore.experiment import Minimum
from gdcore.identities import Place, numbers_of
from gdcore.sensitivity import Sweep
from gdcore.stopping import ENDINGS
from gdui import theme
from gdui.basin_charts import picture
from gdui.charts import PAD, View
from gdui.pair_charts import pair_axes, pair_clicks, pair_now, pair_picture, pair_tip

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Reached:
    """Where the one run came to at each pair, (l, k), in the numbers of the page: what a picture is made from."""

    labels: NDArray[np.intp]
    codes: NDArray[np.int8]
    epochs: NDArray[np.int64]
    minima: tuple[Minimum, ...]


def reached(alone: Sweep, page: Sweep) -> Reached:
    """The outcomes of a sweep of one start, in the numbers of another sweep of the same experiment."""
    shape = len(alone.y_values), len(alone.x_values)
    places = [Place(tuple(point), height) for point, height in zip(alone.points[:, 0].tolist(), alone.heights[:, 0].tolist(), strict=True)]
    number = numbers_of(page.points[:, 0], places, page.experiment.problem)
    own = np.where(alone.reached.any(axis=1), alone.reached.argmax(axis=1), -1) if len(places) else np.full(len(alone.ended), -1)
    labels = np.append(number, -1)[own].reshape(shape)
    codes, epochs = alone.ended.argmax(axis=1).astype(np.int8), np.nan_to_num(alone.epochs[:, 1]).astype(np.int64)
    return Reached(labels, codes.reshape(shape), epochs.reshape(shape), page.minima)


def chart(alone: Sweep, found: Reached, boundaries: Mapping[int, Sequence[Array]], view: View) -> alt.LayerChart:
    """The map of pairs; boundaries: number of a minimum → the lines (m, 2) beyond which no run settles there."""
    x, y = pair_axes(alone)
    layers = [pair_picture(alone, picture(found), x, y)]
    for number, lines in boundaries.items():
        layers += _boundary(number, lines, x, y)
    endings = np.array([ending.label for ending in ENDINGS], dtype=object)[found.codes.ravel()]
    labels = found.labels.ravel()
    said = np.where(labels >= 0, [f"minimum {label + 1}" for label in labels], endings)
    layers += [*pair_now(alone, x, y), pair_clicks(alone, {"reached": said}, [*pair_tip(alone), alt.Tooltip("reached:N")], x, y)]
    return alt.layer(*layers).properties(width=view.width, height=view.height, autosize=PAD)


def _boundary(number: int, lines: Sequence[Array], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """The boundary of one minimum: beyond, no run can settle there."""
    parts = [pd.DataFrame({"value": line[:, 0], "other": line[:, 1], "line": k}) for k, line in enumerate(lines)]
    if not parts:
        return []
    line = alt.Chart(pd.concat(parts).reset_index(names="order"))
    way = {"x": x, "y": y, "detail": "line:N", "order": "order:Q"}
    halo = line.mark_line(color="white", strokeWidth=4.5, opacity=0.8, clip=True)
    return [halo.encode(**way), line.mark_line(color=theme.minimum_colour(number), strokeWidth=2.4, strokeDash=[6, 3], clip=True).encode(**way)]
