"""What a page shows beyond the experiment: its own choices ↔ short texts, as links and saved runs carry them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from gdcore.optimizers import OPTIMIZERS
from gdcore.problem import Problem
from gdcore.stopping import MOST_EPOCHS
from gdui import contenders, mapping, session, sweeping
from gdui.forms import FLAGS, NAMES, NUMBERS, POINTS, TEXT, Form, option_of, ranges, whole
from gdui.links import optimizer_of

MANY_STARTS, LANDSCAPE, OPTIMIZERS_PAGE, SENSITIVITY, BASINS, THEORY = "many_starts", "landscape", "optimizers", "sensitivity", "basins", "theory"
AXES = ("across", "up")
ALSO = "also."  # before the numbers of optimizers that come along
TABS = ("Success", "Where starts go", "Race", "Performance profile", "Your own optimizer")


@dataclass(frozen=True)
class Choice:
    """One widget of a page: its name in a link, its key, how its value is written, and the value that need not be said."""

    name: str
    key: str
    form: Form
    usual: Any = None


# -- what each page has to say -----------------------------------------------------------------------------------------


def _many_starts(problem: Problem, said: Callable[[str], str]) -> list[Choice]:
    return [Choice("paths", "trajectories", whole(0, 200), 0), Choice("borders", "borders over starts", FLAGS, True), *_axes(problem)]


def _landscape(problem: Problem, said: Callable[[str], str]) -> list[Choice]:
    start = [Choice(f"start.{name}", f"landscape {name}", NUMBERS) for name in problem.variables]
    start.append(Choice("epoch", "epoch shown", whole(0, MOST_EPOCHS), 0))
    layers = [Choice(what, f"show {what}", FLAGS, what != "descents") for what in ("points", "borders", "descents")]
    return [*start, *layers, *_axes(problem)]


def _optimizers(problem: Problem, said: Callable[[str], str]) -> list[Choice]:
    stem = problem.formula[:60]
    found = [
        Choice("compare", "contenders", NAMES, list(contenders.OPENING)),
        Choice("settings", "mode", option_of(contenders.AS_SET, contenders.TUNED), contenders.TUNED),
        Choice("success", "success", option_of(contenders.SETTLES, contenders.REACHES), contenders.SETTLES),
        Choice("target", f"target {stem}", NUMBERS),
        Choice("trials", "trials", whole(1, contenders.MOST_TRIALS), contenders.TRIALS),
        Choice("training", "training starts", whole(1, contenders.MOST_TRAINING), contenders.TRAINING.count),
        Choice("training.seed", "training seed", whole(0, 2**53), contenders.TRAINING.seed),
        Choice("all", "search all", FLAGS, False),
        Choice("tab", "optimizers tab", option_of(*TABS), TABS[0]),
    ]
    known = session.optimizers()
    for option in NAMES.read(said("compare") or NAMES.write(contenders.OPENING)):
        optimizer = known.get(option.removesuffix(contenders.AGAIN))
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
            found += [*ends, Choice(f"{which}.values", f"{stem} values {count}", whole(2, sweeping.MOST), count), Choice(f"{which}.log", f"{stem} log", FLAGS)]
    return found


def _basins(problem: Problem, said: Callable[[str], str]) -> list[Choice]:
    drawn = _drawn(problem, said)[: min(2, problem.dimension)]
    stem = f"basins {problem.formula[:60]} {problem.limits} {drawn}"
    sizes = Form(str, lambda text: {str(side): side for side in mapping.SIZES}[text])
    window = Choice("window", f"{stem} window", ranges(len(drawn)))
    found = [*_axes(problem), Choice("pixels", "basins side", sizes, mapping.USUAL), window, Choice("start", f"{stem} start", POINTS)]
    found.append(Choice("against", "basins against", TEXT, mapping.NOTHING))
    if said("against") not in ("", mapping.NOTHING, mapping.SMALL_STEPS):
        found.append(Choice("other", f"basins other {said('against')}", NUMBERS))
    return found


def _theory(problem: Problem, said: Callable[[str], str]) -> list[Choice]:
    return [Choice(f"at.{name}", f"point {name}", NUMBERS, 1.0) for name in problem.variables]


def _axes(problem: Problem) -> list[Choice]:
    """The two variables that a map shows, where there are more."""
    names = option_of(*problem.variables)
    return [Choice(way, _axis_key(problem, way), names) for way in AXES] if problem.dimension > 2 else []


def _axis_key(problem: Problem, way: str) -> str:
    return f"axis {' '.join(problem.variables)} {way}"


def _drawn(problem: Problem, said: Callable[[str], str]) -> tuple[int, int]:
    """The two variables that a map shows, as they are said or by default."""
    across, up = (problem.variables.index(name) if name in problem.variables else -1 for name in map(said, AXES))
    return (across, up) if min(across, up) >= 0 and across != up else (0, min(1, problem.dimension - 1))


PAGES: dict[str, Callable[[Problem, Callable[[str], str]], list[Choice]]] = {
    MANY_STARTS: _many_starts, LANDSCAPE: _landscape, OPTIMIZERS_PAGE: _optimizers, SENSITIVITY: _sensitivity, BASINS: _basins, THEORY: _theory,
}  # fmt: skip
FIRST = {"compare": "contenders", "vary": "sweep x", "and": "sweep y", "against": "basins against"}  # choices that decide which others there are


# -- reading and writing -----------------------------------------------------------------------------------------------


def stated(page: str, problem: Problem) -> dict[str, str]:
    """What the page shows now, as texts by name; what is as usual is left out. One's own contenders come along in full."""
    if page not in PAGES:
        return {}

    def said(name: str) -> str:
        found = st.session_state.get(_axis_key(problem, name) if name in AXES else FIRST.get(name, ""))
        return NAMES.write(found) if isinstance(found, list) else found or ""

    held = [(choice, st.session_state.get(choice.key)) for choice in PAGES[page](problem, said)]
    shown = {choice.name: choice.form.write(value) for choice, value in held if value is not None and value != choice.usual}
    return shown | (_own_contenders() if page == OPTIMIZERS_PAGE else {})


def _own_contenders() -> dict[str, str]:
    names = {option.removesuffix(contenders.AGAIN) for option in st.session_state.get("contenders", ())}
    own = [optimizer for key, optimizer in session.optimizers().items() if key in names and key not in OPTIMIZERS]
    return {f"{ALSO}{k}": json.dumps(optimizer.to_dict(), ensure_ascii=False) for k, optimizer in enumerate(own, start=1)}


def show(page: str, problem: Problem, shown: Mapping[str, str]) -> list[str]:
    """Put the choices into the page's widgets; the names of what is none of them, or makes no sense here."""
    if page not in PAGES:
        return []
    shown, passed = _offered(shown)
    known = PAGES[page](problem, lambda name: shown.get(name, ""))
    for choice in known:
        st.session_state.pop(choice.key, None)
        if choice.name in shown:
            try:
                st.session_state[choice.key] = choice.form.read(shown[choice.name])
            except (ValueError, KeyError, OverflowError):
                passed.append(choice.name)
    if page == OPTIMIZERS_PAGE:
        compared = st.session_state.get("contenders", ())
        passed += [name for name in compared if name.removesuffix(contenders.AGAIN) not in session.optimizers()]
    return passed + sorted(name for name in shown if name not in {choice.name for choice in known} and not name.startswith(ALSO))


def _offered(shown: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Offer the optimizers that come along, as if they had been typed; the choices with the names that these have here, and what is none."""
    passed, names = [], {}
    for name in [name for name in shown if name.startswith(ALSO)][: contenders.MOST]:
        try:
            optimizer = optimizer_of(shown[name])
            names[optimizer.name] = session.offered(optimizer)
        except ValueError:
            passed.append(name)
    chosen = [names.get(stem := option.removesuffix(contenders.AGAIN), stem) + option[len(stem) :] for option in NAMES.read(shown.get("compare", ""))]
    moved = {here + name[len(there) :]: text for there, here in names.items() for name, text in shown.items() if name.startswith(f"{there}.")}
    return {**shown, **moved, **({"compare": NAMES.write(chosen)} if "compare" in shown else {})}, passed
