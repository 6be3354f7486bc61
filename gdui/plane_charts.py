"""One start under all pairs of two settings → alt.Chart: colour = minimum, with the exact stability boundary of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import altair as alt
import contourpy
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gdcore.experiment import Minimum
from gdcore.planes import Plane
from gdcore.quantities import Quantity
from gdcore.stopping import ENDINGS
from gdui import theme
from gdui.basin_charts import enlarged, picture
from gdui.charts import PAD, View
from gdui.maps import png
from gdui.sensitivity_charts import edges, heat_axis

Array = NDArray[np.float64]
MOST_CLICKS = 4000


@dataclass(frozen=True)
class Numbered:
    """A plane with its outcomes in the numbers of the page: what a picture is made from."""

    labels: NDArray[np.int64]
    codes: NDArray[np.int8]
    epochs: NDArray[np.int64]
    minima: tuple[Minimum, ...]


def chart(plane: Plane, numbered: Numbered, radii: Mapping[int, Array], quantities: tuple[Quantity, Quantity], view: View) -> alt.LayerChart:
    """The map of pairs; radii: number of a minimum → spectral radius of a step there at each pair, whose line 1 is the boundary."""
    sides = edges(plane.x_values, log=plane.x.log), edges(plane.y_values, log=plane.y.log)
    x = heat_axis(quantities[0], sides[0], alt.X, "value", log=plane.x.log)
    y = heat_axis(quantities[1], sides[1], alt.Y, "other", log=plane.y.log)
    table = pd.DataFrame({"value": [sides[0][0]], "x2": [sides[0][-1]], "other": [sides[1][0]], "y2": [sides[1][-1]], "url": [png(enlarged(picture(numbered)))]})
    layers = [alt.Chart(table).mark_image(aspect=False).encode(x, y, x2="x2:Q", y2="y2:Q", url="url:N")]
    for number, radius in radii.items():
        layers += _boundary(plane, number, radius, x, y)
    now = [(quantities[0].value, quantities[1].value)]
    if all(side[0] <= value <= side[-1] for side, value in zip(sides, now[0], strict=True)):
        ring = pd.DataFrame(now, columns=["value", "other"])
        layers += [alt.Chart(ring).mark_point(size=130, filled=False, strokeWidth=w, color=c, opacity=1).encode(x, y) for w, c in ((5, "white"), (2, "black"))]
    layers.append(_clicks(plane, numbered, quantities, x, y))
    return alt.layer(*layers).properties(width=view.width, height=view.height, autosize=PAD)


def _boundary(plane: Plane, number: int, radius: Array, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Where the radius is 1: beyond, no run can settle at the minimum."""
    finite = np.ma.masked_invalid(np.minimum(radius, 10.0))
    lines = contourpy.contour_generator(plane.x_values, plane.y_values, finite).lines(1.0)
    parts = [pd.DataFrame({"value": line[:, 0], "other": line[:, 1], "line": k}) for k, line in enumerate(lines)]
    if not parts:
        return []
    table = pd.concat(parts).reset_index(names="order")
    line = alt.Chart(table)
    way = {"x": x, "y": y, "detail": "line:N", "order": "order:Q"}
    halo = line.mark_line(color="white", strokeWidth=4.5, opacity=0.8, clip=True)
    return [halo.encode(**way), line.mark_line(color=theme.minimum_colour(number), strokeWidth=2.4, strokeDash=[6, 3], clip=True).encode(**way)]


def _clicks(plane: Plane, numbered: Numbered, quantities: tuple[Quantity, Quantity], x: alt.X, y: alt.Y) -> alt.Chart:
    """Invisible points with what became of the run there; a click makes their pair the current one."""
    values, others = (axis.ravel() for axis in np.meshgrid(plane.x_values, plane.y_values))
    endings = np.array([ending.label for ending in ENDINGS], dtype=object)[numbered.codes.ravel()]
    labels = numbered.labels.ravel()
    said = np.where(labels >= 0, [f"minimum {label + 1}" for label in labels], endings)
    table = pd.DataFrame({"value": values, "other": others, "reached": said, "epochs": numbered.epochs.ravel()})
    table = table.iloc[np.linspace(0, len(table) - 1, min(len(table), MOST_CLICKS)).astype(int)]
    tip = [alt.Tooltip("value:Q", title=quantities[0].label, format=".4g"), alt.Tooltip("other:Q", title=quantities[1].label, format=".4g"), "reached:N", "epochs:Q"]
    click = alt.selection_point(name="click", fields=["value", "other"], nearest=True, on="click", empty=False)
    return alt.Chart(table).mark_square(opacity=0, size=40).encode(x, y, tooltip=tip).add_params(click)
