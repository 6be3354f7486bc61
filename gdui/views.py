"""What a page shows beyond the experiment: its own choices ↔ short texts, as links and saved runs carry them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from gdcore.experiment import Experiment
from gdcore.optimizers import OPTIMIZERS
from gdcore.problem import Problem
from gdui import contenders, mapping, sweeping
from gdui.links import NUMBER

MOST_TEXT = 200
MANY_STARTS, LANDSCAPE, OPTIMIZERS_PAGE, SENSITIVITY, BASINS, THEORY = "many_starts", "landscape", "optimizers", "sensitivity", "basins", "theory"
USUAL_WORK = 1000 * 1000  # starts times epochs


@dataclass(frozen=True)
class Form:
    """How a kind of value is written and read; read raises ValueError for what is none."""

    write: Callable[[Any], str]
    read: Callable[[str], Any]


@dataclass(frozen=True)
class Choice:
    """One widget of a page: its name in a link, its key, how its value is written, and the value that need not be said."""

    name: str
    key: str
    form: Form
    usual: Any = None


def _number(text: str) -> float:
    if not NUMBER.fullmatch(text):
        raise ValueError
    return float(text)


def _whole(low: int, high: int) -> Form:
    def read(text: str) -> int:
        value = int(_number(text))
        if not low <= value <= high:
            raise ValueError
        return value

    return Form(str, read)


def _option(*options: str) -> Form:
    def read(text: str) -> str:
        if options and text not in options or len(text) > MOST_TEXT:
            raise ValueError
        return text

    return Form(str, read)


def _ranges(count: int) -> Form:
    def read(text: str) -> list[tuple[float, float]]:
        found = []
        for part in text.split(";"):
            low, _, high = part.partition("..")
            found.append((_number(low), _number(high)))
        if len(found) != count or any(not low < high for low, high in found):
            raise ValueError
        return found

    return Form(lambda ranges: ";".join(f"{float(low)!r}..{float(high)!r}" for low, high in ranges), read)


NUMBERS = Form(lambda value: repr(float(value)).removesuffix(".0"), _number)
FLAGS = Form(lambda value: "yes" if value else "no", lambda text: {"yes": True, "no": False}[text])
TEXT = _option()
NAMES = Form(";".join, lambda text: [name[:MOST_TEXT] for name in text.split(";")][: contenders.MOST])


# -- what each page has to say -----------------------------------------------------------------------------------------


def _many_starts(problem: Problem, said: Callable[[str], str]) -> list[Choice]:
    return [Choice("paths", "trajectories", _whole(0, 200), 0), Choice("borders", "borders over starts", FLAGS, True), *_axes(problem)]


def _landscape(problem: Problem, said: Callable[[str], str]) -> list[Choice]:
    start = [Choice(f"start.{name}", f"landscape {name}", NUMBERS) for name in problem.variables]
    layers = [Choice(what, f"show {what}", FLAGS, what != "descents") for what in ("points", "borders", "descents")]
    return [*start, *layers, *_axes(problem)]


def _optimizers(problem: Problem, said: Callable[[str], str]) -> list[Choice]:
    stem = problem.formula[:60]
    found = [
        Choice("compare", "contenders", NAMES, list(contenders.OPENING)),
        Choice("settings", "mode", _option(contenders.AS_SET, contenders.TUNED), contenders.TUNED),
        Choice("success", "success", _option(contenders.SETTLES, contenders.REACHES), contenders.SETTLES),
        Choice("target", f"target {stem}", NUMBERS),
        Choice("trials", "trials", _whole(1, contenders.MOST_TRIALS), contenders.TRIALS),
        Choice("training", "training starts", _whole(1, contenders.MOST_TRAINING), contenders.TRAINING.count),
        Choice("training.seed", "training seed", _whole(0, 2**53), contenders.TRAINING.seed),
        Choice("all", "search all", FLAGS, False),
    ]
    for option in NAMES.read(said("compare") or ";".join(contenders.OPENING)):
        optimizer = OPTIMIZERS.get(option.removesuffix(contenders.AGAIN))
        usual = optimizer.defaults_for(problem) if optimizer else {}
        for name, value in usual.items():
            key = f"contender {option} {stem}"
            found.append(Choice(f"{option}.{name}", f"{key} {name}", NUMBERS, value))
            found.append(Choice(f"{option}.{name}.schedule", f"{key} schedule {name}", TEXT, "constant"))
            found.append(Choice(f"{option}.{name}.formula", f"{key} schedule {name} text", TEXT))
    return [*found, *_axes(problem)]


def _sensitivity(problem: Problem, said: Callable[[str], str]) -> list[Choice]:
    found = [Choice("vary", "sweep x", TEXT), Choice("and", "sweep y", TEXT, sweeping.NOTHING), Choice("colour", "sweep shown", TEXT, "success")]
    two = said("and") not in ("", sweeping.NOTHING)
    for which, quantity in (("x", said("vary")), ("y", said("and"))):
        if quantity and quantity != sweeping.NOTHING:
            stem, count = f"sweep range {which} {quantity}", sweeping.PAIRS if two else sweeping.VALUES
            ends = [Choice(f"{which}.{end}", f"{stem} {end}", NUMBERS) for end in ("from", "to")]
            found += [*ends, Choice(f"{which}.values", f"{stem} values {count}", _whole(2, sweeping.MOST), count), Choice(f"{which}.log", f"{stem} log", FLAGS)]
    return found


def _basins(problem: Problem, said: Callable[[str], str]) -> list[Choice]:
    drawn = (0, 1)[: min(2, problem.dimension)]
    sizes = Form(str, lambda text: {str(side): side for side in mapping.SIZES}[text])
    window = Choice("window", f"basins {problem.formula[:60]} {problem.limits} {drawn} window", _ranges(len(drawn)))
    found = [Choice("pixels", "basins side", sizes, mapping.USUAL), window, Choice("against", "basins against", TEXT, mapping.NOTHING)]
    if said("against") not in ("", mapping.NOTHING, mapping.SMALL_STEPS):
        found.append(Choice("other", f"basins other {said('against')}", NUMBERS))
    return found


def _theory(problem: Problem, said: Callable[[str], str]) -> list[Choice]:
    return [Choice(f"at.{name}", f"point {name}", NUMBERS, 1.0) for name in problem.variables]


def _axes(problem: Problem) -> list[Choice]:
    """The two variables that a map shows, where there are more."""
    names, key = _option(*problem.variables), "axis " + " ".join(problem.variables)
    return [Choice(way, f"{key} {way}", names) for way in ("across", "up")] if problem.dimension > 2 else []


PAGES: dict[str, Callable[[Problem, Callable[[str], str]], list[Choice]]] = {
    MANY_STARTS: _many_starts, LANDSCAPE: _landscape, OPTIMIZERS_PAGE: _optimizers, SENSITIVITY: _sensitivity, BASINS: _basins, THEORY: _theory,
}  # fmt: skip
FIRST = {"vary": "sweep x", "and": "sweep y", "against": "basins against"}  # choices that decide which others there are


# -- reading and writing -----------------------------------------------------------------------------------------------


def stated(page: str, problem: Problem) -> dict[str, str]:
    """What the page shows now, as texts by name; what is as usual is left out."""
    if page not in PAGES:
        return {}

    def said(name: str) -> str:
        found = st.session_state.get("contenders") if name == "compare" else st.session_state.get(FIRST.get(name, ""))
        return ";".join(found) if isinstance(found, list) else found or ""

    held = [(choice, st.session_state.get(choice.key)) for choice in PAGES[page](problem, said)]
    return {choice.name: choice.form.write(value) for choice, value in held if value is not None and value != choice.usual}


def show(page: str, problem: Problem, shown: Mapping[str, str]) -> None:
    """Put the choices into the page's widgets; what is none of them, or makes no sense, is passed over."""
    if page not in PAGES:
        return
    for choice in PAGES[page](problem, lambda name: shown.get(name, "")):
        st.session_state.pop(choice.key, None)
        if choice.name in shown:
            try:
                st.session_state[choice.key] = choice.form.read(shown[choice.name])
            except (ValueError, KeyError, OverflowError):
                continue


# -- how much is asked for ---------------------------------------------------------------------------------------------


def work(page: str, experiment: Experiment, shown: Mapping[str, str]) -> float:
    """How much is asked for, as a multiple of what the page does unasked: 1,000 starts of 1,000 epochs, 60 values, 512² pixels."""
    epochs = experiment.stopping.epochs
    runs = experiment.starts.count * epochs / USUAL_WORK
    if page == BASINS:
        side = _said_number(shown, "pixels") or mapping.USUAL
        return epochs / 1000 * (side / mapping.USUAL) ** 2
    if page == SENSITIVITY:
        values = [_said_number(shown, name) for name in ("x.values", "y.values")]
        return runs * max((values[0] or 1) * (values[1] or 1) / sweeping.PAIRS**2, (values[0] or 1) / sweeping.VALUES, 1.0)
    if page == OPTIMIZERS_PAGE:
        many = len(NAMES.read(shown.get("compare", "a;b;c"))) / len(contenders.OPENING)
        trials = (_said_number(shown, "trials") or contenders.TRIALS) * (_said_number(shown, "training") or contenders.TRAINING.count)
        return many * max(runs, trials * epochs / USUAL_WORK / (contenders.TRIALS * contenders.TRAINING.count / 1000))
    return runs if page == MANY_STARTS else epochs / 1000


def _said_number(shown: Mapping[str, str], name: str) -> float:
    text = shown.get(name, "")
    return float(text) if NUMBER.fullmatch(text) else 0.0
