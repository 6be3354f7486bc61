"""Widgets of the page Sensitivity → which quantities are swept over which ranges; and the sweep, coarse at once and then fine."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from gdcore.certificate import Certificate
from gdcore.descent import Progress
from gdcore.experiment import Experiment
from gdcore.quantities import MOST, Quantity, Range, default_range, quantities
from gdcore.sensitivity import Sweep, sweep
from gdcore.stable_rates import RATE_KEY, StableRate, stable_rates
from gdui import session, tables, wording
from gdui.controls import region_key
from gdui.jobs import result_of
from gdui.pair_charts import WHAT
from gdui.wording import MANY

VALUES, PAIRS = 60, 24  # values by default: of one quantity, of each of two
COARSE_VALUES, COARSE_PAIRS, COARSE_STARTS = 16, 8, 200
NOTHING = "nothing else"


@dataclass(frozen=True)
class Swept:
    """A sweep, its stable rates, and whether it is only a first, coarse answer."""

    sweep: Sweep
    rates: tuple[StableRate, ...]
    coarse: bool


def ranges(experiment: Experiment) -> tuple[Range, Range | None] | None:
    """One or two quantities and their ranges; None, with a sentence, where they make no sense."""
    known = quantities(experiment)
    if st.session_state.get("sweep x") not in known:
        st.session_state["sweep x"] = RATE_KEY if RATE_KEY in known else next(iter(known))
    if st.session_state.get("sweep y") not in known:
        st.session_state["sweep y"] = NOTHING
    try:
        first, second = known[st.session_state["sweep x"]], known.get(st.session_state["sweep y"])
        if first == second:
            second, st.session_state["sweep y"] = None, NOTHING
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _choice("Vary", "x", list(known), known)
            x = _range(first, "x", VALUES if second is None else PAIRS)
            if second is None:
                _choice("and", "y", [NOTHING, *(key for key in known if key != first.key)], known)
        y = None
        if second is not None:
            with st.container(horizontal=True, vertical_alignment="bottom"):
                _choice("and", "y", [NOTHING, *(key for key in known if key != first.key)], known)
                y = _range(second, "y", PAIRS)
        for one, what in ((x, first), (y, second)):
            if one is not None and what is not None:
                one.values(what)
        return x, y
    except ValueError as error:
        st.error(tables.safe(wording.sentence(error)), icon=":material/error:")
        return None


def _choice(label: str, which: str, keys: list[str], known: dict[str, Quantity]) -> None:
    st.selectbox(
        label, keys, key=f"sweep {which}", width=230, persist_state="session",
        format_func=lambda key: "Nothing else" if key == NOTHING else wording.capital(known[key].label),
        help="The number that is varied, over the same starts." if which == "x" else "A second number, varied together with the first: a heat map of both.",
    )  # fmt: skip


def _range(quantity: Quantity, which: str, count: int) -> Range:
    usual, stem = default_range(quantity, count), f"sweep range {which} {quantity.key}"
    for end, value in (("from", usual.low), ("to", usual.high)):
        session.keep(f"{stem} {end}", float(f"{value:.6g}"))
        st.number_input(
            end.capitalize(), value=None, key=f"{stem} {end}", format="%g", step=_step(value), width=112, persist_state="session",
            help=f"The {'smallest' if end == 'from' else 'largest'} value of the {quantity.label}. {quantity.setting.help} {_limits(quantity)}".strip(),
        )  # fmt: skip
    session.keep(f"{stem} values {count}", count)
    st.number_input("Values", value=None, key=f"{stem} values {count}", step=10, width=96, persist_state="session", help=f"How many values between the two, 2 to {MOST}.")
    session.keep(f"{stem} log", usual.log)
    log = st.toggle("Log", key=f"{stem} log", persist_state="session", help="Evenly spaced logarithms instead of evenly spaced values.")
    low, high, many = (st.session_state[f"{stem} {part}"] for part in ("from", "to", f"values {count}"))
    if low is None or high is None or many is None:
        raise ValueError(f"the range of the {quantity.label} needs two numbers and how many values")
    return Range(quantity.key, float(low), float(high), int(many), log, quantity.label)


def _step(value: float) -> float:
    return 0.1 if value == 0 else 10.0 ** math.floor(math.log10(abs(value)))


def _limits(quantity: Quantity) -> str:
    low, high = quantity.setting.low, quantity.setting.high
    return f"From {low:g} to {high:g}." if math.isfinite(low) and math.isfinite(high) else ""


def swept(experiment: Experiment, x: Range, y: Range | None, certificate: Certificate | None) -> Swept | None:
    """The sweep: the fine one where it is there, else a coarse one with the progress of the fine under it; None before either."""
    fine = _key(experiment, x, y, certificate)
    first = None
    if session.cache().get(fine) is None:
        first = _coarse(experiment, x, y, certificate)
        if first is None:
            return None
    return result_of("sweep", fine, _task(experiment, x, y, certificate, coarse=False), patience=0.1 if first else None) or first


def _coarse(experiment: Experiment, x: Range, y: Range | None, certificate: Certificate | None) -> Swept | None:
    """The same with few values and few starts: there at once."""
    most = COARSE_VALUES if y is None else COARSE_PAIRS
    x, y = replace(x, count=min(x.count, most)), None if y is None else replace(y, count=min(y.count, most))
    if experiment.starts.design != "given":
        experiment = replace(experiment, starts=replace(experiment.starts, count=min(experiment.starts.count, COARSE_STARTS)))
    return result_of("coarse sweep", f"coarse {_key(experiment, x, y, certificate)}", _task(experiment, x, y, certificate, coarse=True))


def _key(experiment: Experiment, x: Range, y: Range | None, certificate: Certificate | None) -> str:
    return f"sweep {json.dumps([experiment.digest, str(x), str(y), certificate is not None])}"


def _task(experiment: Experiment, x: Range, y: Range | None, certificate: Certificate | None, *, coarse: bool) -> Callable[[Progress], Swept]:
    def task(report: Progress) -> Swept:
        found = sweep(experiment, x, y, on_progress=report, certificate=certificate)
        return Swept(found, stable_rates(found), coarse)

    return task


def shown(found: Sweep) -> str:
    """What the heat map of two quantities shows."""
    options = [*WHAT, *(f"minimum {k + 1}" for k in range(min(found.reached.shape[1], MANY)) if found.reached[:, k].any())]
    if st.session_state.get("sweep shown") not in options:
        st.session_state["sweep shown"] = options[0]
    return st.selectbox(
        "Colour", options, key="sweep shown", persist_state="session", width=360,
        format_func=lambda key: wording.capital(WHAT.get(key) or f"share that settles in {key}"), help="What the colour of the map tells.",
    )  # fmt: skip


# -- a click makes a value the current one -----------------------------------------------------------------------------


def clicked(key: str, found: Sweep) -> Callable[[], None]:
    """What a click on a chart of the sweep does: its value, or its two values, become the current ones everywhere."""

    def take() -> None:
        picked = st.session_state[key]["selection"].get("click")
        if not picked:
            return
        for channel, quantity in (("value", found.x_quantity), ("other", found.y_quantity)):
            if quantity is not None and channel in picked[0]:
                make_current(found.experiment, quantity, float(picked[0][channel]))

    return take


def make_current(experiment: Experiment, quantity: Quantity, value: float) -> None:
    """Write a value into the widget that holds the quantity. A schedule's factor has none: it stays."""
    number = quantity.setting.clip(float(f"{value:.6g}"))
    if quantity.kind == "setting" and not isinstance(experiment.settings[quantity.name], str):
        st.session_state[f"setting {quantity.name}"] = number
    elif quantity.kind in ("parameter", "epochs", "tolerance"):
        st.session_state[quantity.key] = round(number) if quantity.whole else number
    elif quantity.kind == "start":
        for name, limits in experiment.starts.region(experiment.problem).items():
            for end, limit in zip(("from", "to"), limits, strict=True):
                if quantity.name == "size":
                    middle = sum(limits) / 2
                    st.session_state[region_key(experiment.problem, name, end)] = middle + (limit - middle) * number
                elif quantity.name == f"{name} {end}":
                    st.session_state[region_key(experiment.problem, name, end)] = number
