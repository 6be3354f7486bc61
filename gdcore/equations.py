"""Update equations: text → lines, states, and every mistake named by its line.

Lines run top to bottom. A name that a line reads before any line has assigned it is a state: it is remembered from step
to step. A name that is always assigned first is only a shorthand within the step.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from gdcore.formula import (
    FUNCTIONS,
    UPDATE_FUNCTIONS,
    Binary,
    FormulaError,
    Node,
    canonical_name,
    children,
    constant_value,
    count_nodes,
    names_in,
    parse,
)
from gdcore.notation import to_text

ALL_FUNCTIONS = {**FUNCTIONS, **UPDATE_FUNCTIONS}
START_FUNCTIONS = {**FUNCTIONS, "where": UPDATE_FUNCTIONS["where"]}  # a start value has no coordinates to reduce over
GIVEN = ("x", "g", "f", "t", "T")  # position, gradient, value, step counted from 1, number of epochs
MOST_LINES = 40
MOST_CHARACTERS = 20_000  # of the whole text, blanks included
MOST_PARTS = 1_000  # operations and values of all lines together
LINE = re.compile(r"^\s*(?P<state>state\s+)?(?P<target>[A-Za-z_][A-Za-z_0-9]*)\s*=(?P<right>[^=].*)$")
EQUALS = re.compile(r"(?<![<>])=")
LIVELY, STILL = 20, 140  # rehearsed steps with a gradient, and with none
BOUND = 1e9  # growth by this factor over STILL steps without a gradient is growth without bound


@dataclass(frozen=True)
class Update:
    """One line: its number in the text, where it begins there, the name it assigns, the tree of its right-hand side."""

    target: str
    tree: Node
    line: int = field(compare=False)
    offset: int = field(compare=False)


@dataclass(frozen=True)
class Equations:
    """What a text of update equations says.

    updates: the lines in order; initial: state → tree of its start value, or None for 0; undescribed: (name, line) of names
    that are neither given, described nor assigned, in order of appearance: settings that nobody has described.
    """

    updates: tuple[Update, ...]
    initial: tuple[tuple[str, Node | None], ...]
    undescribed: tuple[tuple[str, int], ...]


def read_equations(text: str, described: tuple[str, ...]) -> Equations:
    """The equations of a text; FormulaError names the line and place of a mistake."""
    lines = _split(text)
    assigned = [line.target for line in lines]
    known = {*GIVEN, *described, *assigned}
    updates: list[Update] = []
    starts: dict[str, Node] = {}
    undescribed: dict[str, int] = {}
    for line in lines:
        tree = _parse_line(line, known, START_FUNCTIONS if line.is_state else ALL_FUNCTIONS)
        running = {*GIVEN, *assigned} & set(names_in(tree))
        if line.is_state and running:
            raise FormulaError(
                f"line {line.number} starts '{line.target}' from '{min(running)}': use settings and numbers", line.offset
            )
        undescribed |= {name: line.number for name in names_in(tree) if name not in known}
        known |= undescribed.keys()
        if line.target in starts and line.is_state:
            raise FormulaError(f"line {line.number} gives '{line.target}' a second start value: keep one", line.offset)
        if line.is_state:
            starts[line.target] = tree
        else:
            updates.append(Update(line.target, tree, line.number, line.offset))
    parts = sum(count_nodes(tree) for tree in (*starts.values(), *(update.tree for update in updates)))
    if parts > MOST_PARTS:
        raise FormulaError(f"the equations have {parts:,} operations and values (at most {MOST_PARTS:,}): shorten them", 0)
    if not any(update.target == "x" for update in updates):
        raise FormulaError("no line assigns x: end with one such as x = x - lr*g", 0)
    clash = {target for target in assigned if target in described}
    if clash:
        raise FormulaError(f"'{min(clash)}' is assigned and described as a setting: rename one of them", 0)
    states = [name for name in dict.fromkeys(assigned) if name in starts or name in _read_before_assigned(updates)]
    return Equations(tuple(updates), tuple((name, starts.get(name)) for name in states), tuple(undescribed.items()))


def _read_before_assigned(updates: list[Update]) -> set[str]:
    """The assigned names that some line reads before a line of the same step has assigned them."""
    assigned, found = set[str](), set[str]()
    for update in updates:
        found |= {name for name in names_in(update.tree) if name not in assigned}
        assigned.add(update.target)
    return (found & assigned) - {"x"}


@dataclass(frozen=True)
class _Line:
    number: int
    is_state: bool
    target: str
    offset: int
    right: str  # the right-hand side, with blanks in front of it so that places are those in the whole line


def _split(text: str) -> list[_Line]:
    if not isinstance(text, str):
        raise FormulaError(f"equations are text, not {type(text).__name__}: write at least x = x - lr*g", 0)
    if len(text) > MOST_CHARACTERS:
        raise FormulaError(f"the equations have {len(text):,} characters (at most {MOST_CHARACTERS:,}): shorten them", 0)
    found: list[_Line] = []
    offset = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            match = LINE.match(line)
            if match is None:
                raise FormulaError(f"line {number} is no assignment: write it like m = beta*m + g", offset)
            target = _target(number, offset + match.start("target"), match["target"])
            if target in ("g", "f", "t", "T"):
                raise FormulaError(f"line {number} assigns '{target}', which is given: choose another name", offset)
            if EQUALS.search(match["right"]):
                raise FormulaError(f"line {number} has a second '=': assign one name a line, compare with <, <=, > or >=", offset)
            if match["state"] and target == "x":
                raise FormulaError(f"line {number} gives x a start value: the starts do that, leave the line out", offset)
            blank = " " * match.start("right")
            found.append(_Line(number, bool(match["state"]), target, offset, blank + match["right"]))
        offset += len(line) + 1
    if not found:
        raise FormulaError("there are no equations: write at least x = x - lr*g", 0)
    if len(found) > MOST_LINES:
        raise FormulaError(f"there are {len(found)} lines (at most {MOST_LINES}): shorten the equations", 0)
    return found


def _target(number: int, position: int, name: str) -> str:
    try:
        return canonical_name(name)
    except FormulaError as error:
        raise FormulaError(f"line {number}: {error}", position) from None


def _parse_line(line: _Line, known: set[str], functions: Mapping[str, tuple[int, int]]) -> Node:
    try:
        try:
            return parse(line.right, names=known, functions=functions, comparisons=True)
        except FormulaError:
            return parse(line.right, functions=functions, comparisons=True)
    except FormulaError as error:
        position = None if error.position is None else error.position + line.offset
        raise FormulaError(f"line {line.number}: {error}", position) from None


# -- a rehearsal of one coordinate -------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def rehearse(equations: Equations, settings: tuple[tuple[str, float], ...]) -> None:
    """FormulaError where the equations, at these settings, divide by a state that is 0 or grow without bound.

    One coordinate is stepped along a made-up gradient, then with a gradient of 0; growth counts when it happens whether
    the value of f falls, rises or stays.
    """
    update = _growth(equations, dict(settings), 0.0)
    if update and all(_growth(equations, dict(settings), slope) for slope in (-1.0, 1.0)):
        raise FormulaError(
            f"line {update.line}: '{update.target}' grows without bound even where the gradient is 0: "
            f"let it decay, as in {update.target if update.target != 'x' else 'm'} = 0.9*"
            f"{update.target if update.target != 'x' else 'm'} + g",
            update.offset,
        )


def _growth(equations: Equations, settings: dict[str, float], slope: float) -> Update | None:
    """The first line whose name grows beyond BOUND once the gradient is 0, or None."""
    now = dict(settings) | {
        name: 0.0 if tree is None else constant_value(tree, settings) for name, tree in equations.initial
    }
    now |= {"x": 0.6, "T": 1000.0}
    before: dict[str, float] = {}
    for step in range(1, LIVELY + STILL + 1):
        gradient = 1.7 * math.cos(step) if step <= LIVELY else 0.0
        now |= {"t": float(step), "g": gradient, "f": 0.8 + slope * step / 1000}
        for update in equations.updates:
            value = constant_value(update.tree, now)
            if step == 1 and not math.isfinite(value):
                _refuse_zero_divisor(equations, update, now)
            now[update.target] = value
        if step == LIVELY:
            before = dict(now)
    for update in equations.updates:
        reference, last = abs(before[update.target]), abs(now[update.target])
        if math.isinf(reference) or last > BOUND * max(reference, 1e-3):
            return update
    return None


def _refuse_zero_divisor(equations: Equations, update: Update, now: Mapping[str, float]) -> None:
    """FormulaError where the line divides by what is 0 at the first step whatever the function is."""
    states = [name for name, _ in equations.initial]
    varying = {"x", "g", "f", *(other.target for other in equations.updates)} - set(states)
    for divisor in _divisors(update.tree):
        names = names_in(divisor)
        zero = [name for name in names if name in states and now[name] == 0]
        if constant_value(divisor, now) == 0 and (zero or not varying & set(names)):
            shown = to_text(divisor)
            what = f"'{shown}'" if len(shown) <= 30 else "a term"
            remedy = f" because '{zero[0]}' starts at 0: add a line such as state {zero[0]} = 1" if zero else ": change it"
            raise FormulaError(
                f"line {update.line} divides by {what}, which is 0 at the first step{remedy}",
                update.offset + max(divisor.position, 0),
            )


def _divisors(tree: Node) -> list[Node]:
    """Every divisor in a tree, and the base of every negative power."""
    found = [divisor for child in children(tree) for divisor in _divisors(child)]
    if isinstance(tree, Binary) and tree.operator == "/":
        found.append(tree.right)
    if isinstance(tree, Binary) and tree.operator == "^":
        found.append(tree.left)
    return found
