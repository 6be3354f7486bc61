"""A link: an experiment and what a page shows of it ↔ short, readable, versioned query parameters."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import gdcore
from gdcore import gallery, optimizers
from gdcore.experiment import Experiment
from gdcore.gallery import GALLERY
from gdcore.optimizers import OPTIMIZERS, Optimizer
from gdcore.problem import Problem
from gdcore.starts import Starts
from gdcore.stopping import Stopping

VERSION = 1
LONGEST = 16_000  # characters of all values together
MOST_POINTS = 200  # start points, each with its coordinates
MOST_NAME = 80
MOST_STARTS = 1_000_000  # that the dashboard runs
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.ASCII)
SHOWN = "show."  # before the names of what a page shows
FIRST_PROBLEM, FIRST_OPTIMIZER = "peaks", "gd"
OPENING = "This link cannot be opened: "


class LinkError(ValueError):
    """A link that states no experiment; the message says why."""


@dataclass(frozen=True)
class Link:
    """What a link states. digest, fingerprint: of the sender's experiment and findings; by: the sender's gdboard; "" where unsaid."""

    experiment: Experiment
    shown: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    fingerprint: str = ""
    by: str = ""


SAFE = ",:;()*/^"  # may stand in a query as they are, and are easier to read so


def address(base: str, page: str, query: Mapping[str, str]) -> str:
    """The link as text: the dashboard's own address, the page's path and the parameters."""
    return f"{base.rstrip('/')}/{quote(page)}?{urlencode(query, quote_via=quote, safe=SAFE)}"


# -- an experiment as parameters -------------------------------------------------------------------------------------------


def query(experiment: Experiment, shown: Mapping[str, str] | None = None, *, fingerprint: str = "") -> dict[str, str]:
    """The parameters of a link; what is as usual is left out. ValueError where an experiment is too long for a link."""
    stated = {
        "v": str(VERSION),
        **_problem_query(experiment.problem),
        **_optimizer_query(experiment.optimizer, experiment.settings, _stem(experiment.problem)),
        **_starts_query(experiment.starts, experiment.problem),
        **_stopping_query(experiment.stopping),
        **{SHOWN + name: text for name, text in (shown or {}).items()},
        "id": experiment.digest[:8],
    }
    if fingerprint:
        stated["result"] = fingerprint
    stated["by"] = gdcore.__version__
    if sum(map(len, stated.values())) > LONGEST:
        raise ValueError(f"this is too long for a link (at most {LONGEST:,} characters): save the run and export it as a file")
    return stated


def _stem(problem: Problem) -> Problem:
    """The gallery problem without changes, or the problem itself: what a setting's usual value belongs to."""
    return GALLERY.get(gallery.key_of(problem) or "", problem)


def _problem_query(problem: Problem) -> dict[str, str]:
    key = gallery.key_of(problem)
    if key is not None:
        known = GALLERY[key]
        stated = {} if key == FIRST_PROBLEM else {"problem": key}
        parameters = {name: value for name, value in problem.parameters.items() if value != known.parameters[name]}
        box = {} if problem.box == known.box else problem.box
    else:
        stated = {"f": problem.formula, **({"name": problem.name} if problem.name else {})}
        parameters, box = problem.parameters, problem.box
    ranges = {f"box.{name}": _range(limits) for name, limits in box.items()}
    return stated | ranges | {f"p.{name}": _number(value) for name, value in parameters.items()}


def _optimizer_query(optimizer: Optimizer, settings: Mapping[str, float | str], problem: Problem) -> dict[str, str]:
    key = optimizers.key_of(optimizer)
    stated = {"own": json.dumps(optimizer.to_dict(), ensure_ascii=False, separators=(",", ":"))} if key is None else {}
    if key not in (None, FIRST_OPTIMIZER):
        stated["optimizer"] = str(key)
    usual = optimizer.defaults_for(problem) if key else {}
    return stated | {f"set.{name}": _setting(value) for name, value in settings.items() if value != usual.get(name)}


def _starts_query(starts: Starts, problem: Problem) -> dict[str, str]:
    if starts.design == "given":
        if len(starts.given) > MOST_POINTS:
            raise ValueError(f"{len(starts.given):,} given start points are too many for a link (at most {MOST_POINTS}): save the run and export it")
        return {"points": ";".join(",".join(map(_number, point)) for point in starts.given)}
    usual = Starts()
    stated = {"starts": str(starts.count), "design": starts.design, "seed": str(starts.seed)}
    standard = {"starts": str(usual.count), "design": usual.design, "seed": str(usual.seed)}
    region = {f"start.{name}": _range(limits) for name, limits in starts.region(problem).items() if limits != problem.start_box[name]}
    return {name: text for name, text in stated.items() if text != standard[name]} | region


def _stopping_query(stopping: Stopping) -> dict[str, str]:
    usual = Stopping()
    stated = {} if stopping.epochs == usual.epochs else {"epochs": str(stopping.epochs)}
    if stopping.gradient_tolerance != usual.gradient_tolerance:
        stated["tolerance"] = _number(stopping.gradient_tolerance)
    return stated


def _number(value: float) -> str:
    """A number in full, without a superfluous .0."""
    return repr(float(value)).removesuffix(".0")


def _setting(value: float | str) -> str:
    return value if isinstance(value, str) else _number(value)


def _range(limits: tuple[float, float]) -> str:
    return f"{_number(limits[0])}..{_number(limits[1])}"


# -- parameters as an experiment -------------------------------------------------------------------------------------------


def is_link(query: Mapping[str, str]) -> bool:
    """Whether the address holds anything that a link of ours would."""
    return any(name in KNOWN or name.startswith(PREFIXES) for name in query)


def read(query: Mapping[str, str]) -> Link:
    """What the parameters state, through the same checks as typed input; LinkError where they state nothing sound."""
    try:
        if sum(map(len, query.values())) > LONGEST:
            raise ValueError(f"it is too long (at most {LONGEST:,} characters)")
        return READERS[_version(query)](query)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        said = str(error) if isinstance(error, ValueError) else "it is damaged"
        raise LinkError(f"{OPENING}{said[:160]}") from None


def _version(query: Mapping[str, str]) -> str:
    version = query.get("v", "")
    if version in READERS:
        return version
    if version.isdecimal() and version.isascii() and int(version[:9]) > VERSION:
        by = query.get("by", "")[:12]
        raise ValueError(f"it was made by a newer gdboard{f' ({by})' if by else ''}, as version {version[:9]}; this one reads up to {VERSION}")
    raise ValueError("it does not say its version, as v=1" if not version else f"there is no version '{version[:12]}' of links")


def _read_first(query: Mapping[str, str]) -> Link:
    """Version 1."""
    problem = _read_problem(query)
    optimizer, known = _read_optimizer(query)
    usual = optimizer.defaults_for(problem[0]) if known else {}
    settings = usual | {name: _read_setting(text) for name, text in _under(query, "set.").items()}
    experiment = Experiment(problem[1], optimizer, settings, _read_starts(query, problem[1]), _read_stopping(query))
    shown = _under(query, SHOWN)
    return Link(experiment, shown, *(query.get(name, "")[:16] for name in ("id", "result", "by")))


def _read_problem(query: Mapping[str, str]) -> tuple[Problem, Problem]:
    """The problem as usual, which its settings go by, and as it is asked for."""
    box = {name: _read_range(text, f"the box of {name}") for name, text in _under(query, "box.").items()}
    parameters = {name: _read_number(text, f"parameter {name}") for name, text in _under(query, "p.").items()}
    if "f" in query:
        name = query.get("name", "")
        if not box:
            raise ValueError("it does not say where to look: give each variable a range, such as box.x=-3..3")
        if len(name) > MOST_NAME:
            raise ValueError(f"the function's name has {len(name)} characters (at most {MOST_NAME})")
        problem = Problem.from_text(query["f"], box=box, parameters=parameters, name=name).prepare()
        return problem, problem
    key = query.get("problem", FIRST_PROBLEM)
    if key not in GALLERY:
        raise ValueError(f"there is no function '{key[:40]}' in the gallery")
    known = GALLERY[key]
    asked = known.with_box(box) if box else known
    return known, asked.with_parameters(**parameters) if parameters else asked


def _read_optimizer(query: Mapping[str, str]) -> tuple[Optimizer, bool]:
    """The optimizer, and whether it is a built-in one."""
    if "own" in query:
        return optimizer_of(query["own"]), False
    key = query.get("optimizer", FIRST_OPTIMIZER)
    if key not in OPTIMIZERS:
        raise ValueError(f"there is no optimizer '{key[:40]}'")
    return OPTIMIZERS[key], True


def optimizer_of(text: str) -> Optimizer:
    """An optimizer in JSON, through the same checks as typed equations; ValueError where it is none."""
    try:
        data = json.loads(text)
        name = data["name"]
        if not isinstance(name, str) or not 0 < len(name) <= MOST_NAME or not name.isprintable():
            raise ValueError(f"an optimizer's name must be text of at most {MOST_NAME} characters")
        return Optimizer.from_dict(data)
    except (KeyError, TypeError, AttributeError, RecursionError, OverflowError, json.JSONDecodeError):
        raise ValueError("the optimizer that it describes is no optimizer in JSON") from None


def _read_setting(text: str) -> float | str:
    """A number, or a schedule: a formula in t and T."""
    if not text.strip():
        raise ValueError("a setting is empty: give it a number, or a formula in t and T")
    return _read_number(text, "a setting") if NUMBER.fullmatch(text) else text


def _read_starts(query: Mapping[str, str], problem: Problem) -> Starts:
    if "points" in query:
        rows = query["points"].split(";")
        if len(rows) > MOST_POINTS:
            raise ValueError(f"it has {len(rows):,} start points (at most {MOST_POINTS})")
        points = [[_read_number(text, "a start point") for text in row.split(",")] for row in rows]
        if {len(point) for point in points} != {problem.dimension}:
            raise ValueError(f"start points need {problem.dimension} numbers each")
        return Starts.at(points)
    region = {name: _read_range(text, f"the start region of {name}") for name, text in _under(query, "start.").items()}
    if not set(region) <= set(problem.variables):
        raise ValueError(f"the start region names what is no variable: there are {', '.join(problem.variables)}")
    usual = Starts()
    if _read_whole(query, "starts", usual.count) > MOST_STARTS:
        raise ValueError(f"it asks for {query['starts'][:19]} starts (at most {MOST_STARTS:,})")
    return Starts(
        query.get("design", usual.design), _read_whole(query, "starts", usual.count), _read_whole(query, "seed", usual.seed),
        {**problem.start_box, **region},
    )  # fmt: skip


def _read_stopping(query: Mapping[str, str]) -> Stopping:
    usual = Stopping()
    tolerance = query.get("tolerance")
    return Stopping(
        _read_whole(query, "epochs", usual.epochs),
        usual.gradient_tolerance if tolerance is None else _read_number(tolerance, "tolerance"),
    )


def _read_whole(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name)
    if text is None:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) <= 19):
        raise ValueError(f"{name} is '{text[:20]}', not a whole number")
    return int(text)


def _read_number(text: str, what: str) -> float:
    if not NUMBER.fullmatch(text):
        raise ValueError(f"{what} is '{text[:20]}', not a number")
    if math.isinf(float(text)):
        raise ValueError(f"{what} is '{text[:20]}', beyond all numbers")
    return float(text)


def _read_range(text: str, what: str) -> tuple[float, float]:
    low, dots, high = text.partition("..")
    if not dots:
        raise ValueError(f"{what} is '{text[:20]}', not a range such as -3..3")
    return _read_number(low, what), _read_number(high, what)


def _under(query: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): text for name, text in query.items() if name.startswith(prefix)}


PREFIXES = ("box.", "p.", "set.", "start.", SHOWN)
KNOWN = ("v", "problem", "f", "name", "optimizer", "own", "points", "starts", "design", "seed", "epochs", "tolerance", "id", "result")
READERS: dict[str, Callable[[Mapping[str, str]], Link]] = {"1": _read_first}
