"""Widgets of the page Basins → which window is mapped, how finely, against what; and the maps, coarse at once and then fine."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from gdcore.basins import BasinMap, Window, basin_map
from gdcore.certificate import Certificate
from gdcore.descent import Progress
from gdcore.experiment import Experiment, Minimum, Trace
from gdcore.problem import Problem
from gdcore.pushes import Push, smallest_push
from gdcore.quantities import Quantity, applied, quantities
from gdcore.small_step import Curved, small_step
from gdcore.starts import Starts
from gdui import basin_words, beside, session, tables, theme, wording
from gdui.basin_charts import Point
from gdui.jobs import result_of
from gdui.proofs import Proof
from gdui.session import Setup

COARSE, SIZES, USUAL = 64, (128, 256, 512, 1024, 2000), 512
BETWEEN = 256  # pixels of a map between the coarse one and one that takes long
NOTHING, SMALL_STEPS = "nothing", "small steps"
LEAST_DRAG = 0.02  # of an axis: a shorter drag is a click that slipped
MOST_PUSHED = 5
NO_TOLERANCE = 1e-6  # compared with where the tolerance is 0
SLICE = 0.01  # box widths: a minimum so near the slice that is drawn is drawn on it


@dataclass(frozen=True)
class Mapped:
    """A basin map, and whether it is only a first, coarse one."""

    map: BasinMap
    coarse: bool


@dataclass(frozen=True)
class Frame:
    """What is asked for: the window, the box it is part of, pixels along a side, and the stem of this page's keys."""

    window: Window
    box: Window
    side: int
    stem: str

    @property
    def whole(self) -> bool:
        return self.window == self.box


def frame(problem: Problem, axes: tuple[int, int], proof: Proof) -> Frame:
    """The window in force, its resolution, and the buttons that widen it again."""
    drawn = axes[: min(2, problem.dimension)]
    held = _held(problem, proof)
    box = Window.of(problem, drawn, held)
    stem = f"basins {problem.formula[:60]} {problem.limits} {drawn}"
    asked = st.session_state.get(f"{stem} window")
    window = box if asked is None else _window(drawn, asked, box)
    session.keep("basins side", USUAL)
    side = st.selectbox(
        "Pixels", SIZES, key="basins side", width=110, persist_state="session", format_func=lambda n: f"{n:,}²" if len(drawn) == 2 else f"{n:,}",
        help="How finely the window is mapped: one run from each pixel.",
    )  # fmt: skip
    st.button("Zoom out", icon=":material/zoom_out:", disabled=window == box, on_click=_widen, args=(f"{stem} window", window, box), help="A window twice as wide.")
    st.button("Whole box", icon=":material/fit_screen:", disabled=window == box, on_click=_whole, args=(f"{stem} window",), help="The whole box again.")
    return Frame(window, box, int(side), stem)


def _window(drawn: tuple[int, ...], asked: Sequence[tuple[float, float]], box: Window) -> Window:
    """The window that was asked for, where it is one."""
    try:
        return Window(drawn, asked[0], asked[1] if len(drawn) == 2 else None, held=tuple(box.held))
    except ValueError:
        return box


def _held(problem: Problem, proof: Proof) -> tuple[float, ...] | None:
    """Where variables that are not drawn are held: at the deepest minimum known."""
    if problem.dimension <= 2:
        return None
    if proof.certificate is not None and proof.certificate.minima:
        return proof.certificate.minima[0].point
    return problem.minima[0] if problem.minima else None


def _widen(key: str, window: Window, box: Window) -> None:
    pairs = [(window.x, box.x)] if window.y is None or box.y is None else [(window.x, box.x), (window.y, box.y)]
    wider = []
    for (low, high), (least, most) in pairs:
        half = high - low
        wider.append((max(least, (low + high) / 2 - half), min(most, (low + high) / 2 + half)))
    st.session_state[key] = wider


def _whole(key: str) -> None:
    st.session_state.pop(key, None)


def compared(experiment: Experiment, minima: Sequence[Curved]) -> tuple[Experiment | None, str]:
    """The experiment that the map is compared with, None for none, and what is said of it."""
    known = {key: quantity for key, quantity in quantities(experiment).items() if quantity.kind in ("setting", "epochs", "tolerance")}
    options = [NOTHING, SMALL_STEPS, *known]
    if st.session_state.get("basins against") not in options:
        st.session_state["basins against"] = NOTHING
    key = st.selectbox(
        "Compare with", options, key="basins against", width=250, persist_state="session", format_func=lambda key: _option(key, known),
        help="A second map of the same pixels, and the pixels that change. Small steps follow the gradient flow: what remains is due to the landscape alone.",
    )  # fmt: skip
    try:
        if key == NOTHING:
            return None, ""
        if key == SMALL_STEPS:
            return small_step(experiment, minima=minima), basin_words.AGAINST_FLOW
        quantity = known[key]
        session.keep(f"basins other {key}", _another(quantity))
        value = st.number_input(
            f"{wording.capital(quantity.label)} there", value=None, key=f"basins other {key}", format="%g", width=150, persist_state="session",
            help=f"In the map on the left it is {quantity.value:g}. {quantity.setting.help}",
        )  # fmt: skip
        if value is None:
            raise ValueError(f"the {quantity.label} of the other map needs a number")
        return applied(experiment, {key: float(value)}), basin_words.against(quantity, float(value))
    except ValueError as error:
        st.error(tables.safe(wording.sentence(error)), icon=":material/error:")
        return None, ""


def _another(quantity: Quantity) -> float:
    """A value to compare with: twice the present one, or half of it where twice is too large."""
    if not quantity.value:
        return quantity.setting.clip(NO_TOLERANCE if quantity.kind == "tolerance" else 0.5)
    twice = 2 * quantity.value
    return twice if quantity.setting.clip(twice) == twice else quantity.value / 2


def _option(key: str, known: dict[str, Quantity]) -> str:
    return {NOTHING: "Nothing", SMALL_STEPS: "Small steps (the landscape alone)"}.get(key) or f"Another {known[key].label}"


# -- the maps ----------------------------------------------------------------------------------------------------------


def mapped(experiment: Experiment, asked: Frame, certificate: Certificate | None) -> Mapped | None:
    """The map as fine as it is asked for, or the finest there is with the progress of the next; None before any."""
    best = _finest(experiment, asked, certificate)
    if best is None:
        best = _map("coarse map", experiment, asked.window, min(COARSE, asked.side), certificate, None)
        if best is None:
            return None
    if best.columns >= asked.side:
        return Mapped(best, False)
    side = BETWEEN if best.columns < BETWEEN < asked.side // 2 else asked.side
    finer = _map("map", experiment, asked.window, side, certificate, 0.05)
    if finer is not None and side < asked.side:
        st.rerun()
    return Mapped(best, True) if finer is None else Mapped(finer, False)


def _finest(experiment: Experiment, asked: Frame, certificate: Certificate | None) -> BasinMap | None:
    """The finest map of the window that was made before, no finer than asked for."""
    sizes = [side for side in (*SIZES, COARSE) if side <= asked.side]
    known = (session.cache().get(_key(experiment, asked.window, side, certificate)) for side in sorted(sizes, reverse=True))
    return next((found for found in known if found is not None), None)


def second(experiment: Experiment, asked: Frame, certificate: Certificate | None) -> BasinMap | None:
    """The other map, at the same resolution; None, with its progress shown, until it is there."""
    return _map("second map", experiment, asked.window, asked.side, certificate, None)


def _map(kind: str, experiment: Experiment, window: Window, side: int, certificate: Certificate | None, patience: float | None) -> BasinMap | None:
    rows = 1 if window.y is None else side

    def task(report: Progress) -> BasinMap:
        return basin_map(experiment, window, side, rows, on_progress=report, certificate=certificate)

    return result_of(kind, _key(experiment, window, side, certificate), task, patience=patience)


def _key(experiment: Experiment, window: Window, side: int, certificate: Certificate | None) -> str:
    return f"map {json.dumps([experiment.digest, str(window), side, certificate is not None])}"


def plain(setup: Setup) -> Experiment:
    """The setup as an experiment whose starts play no part."""
    return setup.experiment(Starts(count=1))


def pushes(experiment: Experiment, minima: Sequence[Minimum]) -> list[tuple[int, Push | None]]:
    """The smallest push out of each of the first minima, worked out beside the page; empty until it is there."""
    inside = [(k, m) for k, m in enumerate(minima) if m.inside_box][:MOST_PUSHED]

    def task(report: Progress) -> list[tuple[int, Push | None]]:
        found: list[tuple[int, Push | None]] = []
        for k, minimum in inside:
            try:
                found.append((k, smallest_push(experiment, minimum, on_progress=report)))
            except ValueError:  # runs do not stay in this minimum
                found.append((k, None))
        return found

    return beside.ready("pushes", f"{experiment.digest} {[m.point for _, m in inside]}", task) or []


# -- what lies on a map, and what a click on it does -------------------------------------------------------------------


def points(setup: Setup, found: BasinMap, certificate: Certificate | None) -> list[Point]:
    """Minima and saddles in the plane of the map; minima that runs cannot settle in are marked."""
    problem, axes = setup.problem, found.window.axes
    on: list[Point] = []
    for one in certificate.points if certificate is not None else ():
        if one.kind == "saddle" and _near(problem, found.window, one.point):
            on.append(Point(*_place(one.point, axes, one.value), "saddle", "", "#ffffff"))
    for k, minimum in enumerate(found.minima[: wording.MANY * 4]):
        if _near(problem, found.window, minimum.point):
            stable = session.stability_at(problem, setup.optimizer, setup.settings, minimum.point)
            on.append(Point(*_place(minimum.point, axes, minimum.value), f"minimum {k + 1}", str(k + 1), theme.minimum_colour(k), stable.radius > 1))
    return on


def _near(problem: Problem, window: Window, point: tuple[float, ...]) -> bool:
    others = [i for i in range(problem.dimension) if i not in window.axes]
    return all(abs(point[i] - window.held[i]) <= SLICE * (problem.limits[i][1] - problem.limits[i][0]) for i in others)


def _place(point: tuple[float, ...], axes: tuple[int, ...], value: float) -> tuple[float, float]:
    """Where a point is drawn; in one variable on the curve of f."""
    return point[axes[0]], point[axes[1]] if len(axes) > 1 else value


def clicked(key: str, asked: Frame) -> Callable[[], None]:
    """What a click or a drag on a map does: a start for a run, or a new window."""

    def take() -> None:
        picked: dict[str, Any] = st.session_state[key]["selection"]
        drag = picked.get("zoom") or {}
        sides = [("x", asked.window.x), ("y", asked.window.y)]
        window = [_dragged(drag.get(name), limits) for name, limits in sides if limits is not None]
        if all(window):
            st.session_state[f"{asked.stem} window"] = window
            return
        click = picked.get("click")
        if click:
            st.session_state[f"{asked.stem} start"] = tuple(float(click[0][name]) for name, limits in sides if limits is not None and name in click[0])

    return take


def _dragged(ends: Sequence[float] | None, limits: tuple[float, float]) -> tuple[float, float] | None:
    """The limits of a drag along one axis, None where it is too short to be meant."""
    if not ends:
        return None
    low, high = max(limits[0], min(ends)), min(limits[1], max(ends))
    return (float(low), float(high)) if high - low >= LEAST_DRAG * (limits[1] - limits[0]) else None


def chosen_run(setup: Setup, asked: Frame) -> Trace | None:
    """The recorded run from the pixel that was clicked, if any."""
    clicked_at = st.session_state.get(f"{asked.stem} start")
    if not clicked_at or len(clicked_at) != len(asked.window.axes):
        return None
    start = list(asked.window.held)
    for axis, value in zip(asked.window.axes, clicked_at, strict=True):
        start[axis] = round(value, 6)
    return session.traced(setup, tuple(start))
