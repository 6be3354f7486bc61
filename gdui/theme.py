"""Colours and shapes: one per minimum and per ending, the same on every page, in light and in dark."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gdcore.optimizers import OPTIMIZERS
from gdcore.stopping import Ending

# Okabe-Ito, in an order that keeps the first ones far apart (M. Okabe, K. Ito 2008, Color Universal Design)
MINIMA = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
OTHER_MINIMA = "#7A5195"  # every minimum beyond the palette
# Every ending that is no minimum: its grey, its shape (a name or path of Vega), and the same shape as a character.
STAR = "M0,-1L.3,-.4L1,-.3L.5,.2L.6,.9L0,.55L-.6,.9L-.5,.2L-1,-.3L-.3,-.4Z"
CROSSED = "M-1,-.6L-.6,-1L0,-.4L.6,-1L1,-.6L.4,0L1,.6L.6,1L0,.4L-.6,1L-1,.6L-.4,0Z"
HEXAGON = "M.87,.5L0,1L-.87,.5L-.87,-.5L0,-1L.87,-.5Z"
PENTAGON = "M0,-1L.95,-.31L.59,.81L-.59,.81L-.95,-.31Z"
HALF = "M0,-1A1,1,0,0,0,0,1Z"
GREYS = {
    Ending.SADDLE: ("#6b7280", "diamond", "◆"),
    Ending.MAXIMUM: ("#4b5563", "triangle-up", "▲"),
    Ending.DEGENERATE: ("#6b7280", "triangle-left", "◀"),
    Ending.FLAT: ("#6b7280", "stroke", "▬"),
    Ending.ORBIT: ("#374151", "cross", "✚"),
    Ending.BOUNCING: ("#6b7280", "triangle-right", "▶"),
    Ending.HOVERING: ("#6b7280", STAR, "★"),
    Ending.MOVING: ("#6b7280", "triangle-down", "▼"),
    Ending.LEFT_BOX: ("#374151", "square", "■"),
    Ending.DIVERGED: ("#1f2937", CROSSED, "✖"),
    Ending.JUMPED: ("#374151", HEXAGON, "⬢"),
    Ending.LEFT_DOMAIN: ("#6b7280", PENTAGON, "⬟"),
    Ending.UNDEFINED: ("#111827", HALF, "◖"),
}
# The grey of each ending where it fills an area and has no shape, 0 black to 255 white: the commonest are far apart
AREA_GREYS = {
    Ending.MOVING: 176, Ending.LEFT_BOX: 96, Ending.DIVERGED: 48, Ending.UNDEFINED: 216, Ending.LEFT_DOMAIN: 150, Ending.JUMPED: 70,
    Ending.ORBIT: 130, Ending.BOUNCING: 140, Ending.HOVERING: 212, Ending.FLAT: 196, Ending.SADDLE: 235, Ending.MAXIMUM: 60, Ending.DEGENERATE: 230,
}  # fmt: skip
LIGHTER = {"#1f2937": "#d1d5db", "#374151": "#c3c9d3", "#4b5563": "#b4bcc8", "#6b7280": "#9aa3b2", "#111827": "#e5e7eb"}
# P. Tol's bright scheme and one of his light ones (2021, Colour schemes): apart from the minima's colours, in light and dark
COMPARED = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#EE8866", "#AA3377", "#999999")
DASHES = ((1, 0), (1, 0), (1, 0), (1, 0), (7, 3), (7, 3), (7, 3), (7, 3))
PATH, START, END = "#d62728", "#1f5fd6", "#d62728"  # the note's red line, blue square and red circle

# viridis at eleven equal steps (S. van der Walt, N. Smith 2015)
VIRIDIS = np.array(
    [
        (68, 1, 84), (72, 36, 117), (65, 68, 135), (53, 95, 141), (42, 120, 142), (33, 145, 140), (34, 168, 132),
        (68, 191, 112), (122, 209, 81), (189, 223, 38), (253, 231, 37),
    ],
    dtype=float,
)  # fmt: skip
# cividis at ten equal steps (J. Nuñez, C. Anderton, R. Renslow 2018): grey in the middle, so marks stand out on it
CIVIDIS = np.array(
    [
        (0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115), (138, 134, 120), (165, 156, 116),
        (195, 179, 105), (225, 204, 85), (254, 232, 56),
    ],
    dtype=float,
)  # fmt: skip
VIRIDIS_HEX = ["#" + "".join(f"{int(c):02x}" for c in row) for row in VIRIDIS]


def optimizer_styles(names: Sequence[str]) -> dict[str, tuple[str, tuple[int, int]]]:
    """Colour and dash of each compared optimizer, at most eight.

    A built-in one has its place in the palette by its place in the table, and takes the next free one where two would
    share it: adding or removing an optimizer seldom recolours another.
    """
    order = [optimizer.name for optimizer in OPTIMIZERS.values()]
    styles: dict[str, tuple[str, tuple[int, int]]] = {}
    free = list(range(len(COMPARED)))
    for name in names:
        stem = name.partition(",")[0].removesuffix(" (second)")
        wanted = order.index(stem) % len(COMPARED) if stem in order else len(COMPARED) - 1
        slot = min(free, key=lambda place: (place - wanted) % len(COMPARED))
        free.remove(slot)
        styles[name] = (COMPARED[slot], DASHES[slot])
    return styles


def minimum_colour(label: int) -> str:
    """The colour of minimum `label` (0 = deepest)."""
    return MINIMA[label] if label < len(MINIMA) else OTHER_MINIMA


def ending_mark(ending: Ending, *, dark: bool) -> tuple[str, str]:
    """Grey and shape of an ending that is no minimum."""
    colour, shape, _ = GREYS[ending]
    return (LIGHTER.get(colour, colour) if dark else colour), shape


def ending_area(ending: Ending) -> str:
    """The grey of an ending that fills an area."""
    return "#" + f"{AREA_GREYS[ending]:02x}" * 3


def ending_name(ending: Ending) -> str:
    """The ending's words with its shape in front: what legends and bars show."""
    return f"{GREYS[ending][2]} {ending.label.capitalize()}" if ending in GREYS else ending.label.capitalize()


def ink(*, dark: bool) -> str:
    """The colour of text and thin lines over the page."""
    return "#e5e7eb" if dark else "#1f2937"


def paper(*, dark: bool) -> tuple[int, int, int]:
    """The page's own background as RGB."""
    return (14, 17, 23) if dark else (255, 255, 255)


def colours(
    values: NDArray[np.float64], low: float, high: float, *, ramp: NDArray[np.float64], soften: float, dark: bool
) -> NDArray[np.uint8]:
    """The ramp's colours of an array between low and high as RGB bytes (..., 3), mixed with the page by `soften` (0 to 1); nan is page."""
    page = np.array(paper(dark=dark), dtype=float)
    unit = np.clip((values - low) / (high - low if high > low else 1.0), 0, 1)
    place = np.nan_to_num(unit) * (len(ramp) - 1)
    lower = np.minimum(place.astype(int), len(ramp) - 2)
    mix = (place - lower)[..., None]
    rgb = ramp[lower] * (1 - mix) + ramp[lower + 1] * mix
    rgb = rgb * (1 - soften) + page * soften
    return np.where(np.isnan(values)[..., None], page, rgb).round().astype(np.uint8)
