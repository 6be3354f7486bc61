"""Where an update equation has a kink, a jump or a pole at given values, said in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gdcore.equations import Update
from gdcore.formula import Binary, Call, Compare, Node, array_value, children, names_in
from gdcore.notation import to_text
from gdcore.optimizers import Optimizer

ZERO = 1e-30
KINKS = {
    "sqrt": "takes the square root of {}, which is 0 at a minimum",
    "cbrt": "takes the cube root of {}, which is 0 at a minimum",
    "abs": "takes the absolute value of {}, which has a kink at 0",
    "sign": "takes the sign of {}, which jumps at 0",
    "norm": "takes the length of {}, which has a kink at 0",
    "log": "takes the logarithm of {}, which is 0 at a minimum",
}
STEPS = {"floor", "ceil", "mod"}


@dataclass(frozen=True)
class LineValues:
    """One update line in one coordinate: the values (k,) of the names it reads, and of its norm and dot calls."""

    update: Update
    names: Mapping[str, Any]
    known: Mapping[Node, Any]

    def of(self, tree: Node) -> Any:
        """The value (k,) of a part of the line."""
        return array_value(tree, self.names, self.known)


def rough_place(optimizer: Optimizer, lines: Sequence[LineValues]) -> str:
    """The first place that is not smooth, as "line 3 takes …", or "".

    Only what varies during a run counts: parts made of settings and t alone are as smooth as can be.
    """
    fixed = {*optimizer.settings, "t", "T"}
    for line in lines:
        found = _rough(line.update.tree, line, fixed)
        if found:
            return f"line {line.update.line} {found}"
    return ""


def reductions(tree: Node, coordinates: Sequence[Mapping[str, Any]]) -> dict[Node, Any]:
    """The values of all norm and dot calls in a tree, inner ones first; coordinates: the values of names in each."""
    found: dict[Node, Any] = {}
    for child in children(tree):
        found |= reductions(child, coordinates)
    if isinstance(tree, Call) and tree.function in ("norm", "dot"):
        sides = [[array_value(argument, names, found) for argument in tree.arguments] for names in coordinates]
        total = sum(side[0] * side[-1] for side in sides)
        found[tree] = np.sqrt(total) if tree.function == "norm" else total
    return found


def _rough(tree: Node, line: LineValues, fixed: set[str]) -> str:
    if set(names_in(tree)) <= fixed:
        return ""
    branches = children(tree)
    if isinstance(tree, Call) and tree.function == "where":
        condition = tree.arguments[0]
        if not set(names_in(condition)) <= fixed and _undecided(condition, line):
            return f"switches at {_short(condition)}, which is undecided at a minimum"
        taken = np.asarray(line.of(condition)) != 0
        branches = (*(tree.arguments[1:2] if taken.any() else ()), *(tree.arguments[2:] if not taken.all() else ()))
    if isinstance(tree, Call) and tree.function in ("min", "max"):
        tie = _tie(tree, line)
        if tie:
            return tie
        branches = tuple(side for side, best in zip(branches, _best(tree, line), strict=True) if best.any())
    for child in branches:
        found = _rough(child, line, fixed)
        if found:
            return found
    return _rough_here(tree, line)


def _rough_here(tree: Node, line: LineValues) -> str:
    """What is not smooth in the node itself, its parts being smooth."""
    if isinstance(tree, Call) and tree.function in KINKS and _vanishes(tree if tree.function == "norm" else tree.arguments[0], line):
        return KINKS[tree.function].format(_short(tree.arguments[0]))
    if isinstance(tree, Call) and tree.function in STEPS:
        return f"rounds {_short(tree.arguments[0])}"
    if isinstance(tree, Binary) and tree.operator == "/" and _vanishes(tree.right, line):
        return f"divides by {_short(tree.right)}, which is 0 at a minimum"
    if isinstance(tree, Binary) and tree.operator == "^" and _vanishes(tree.left, line):
        exponent = np.asarray(line.of(tree.right))
        if (exponent % 1 != 0).any() or (exponent < 0).any():
            return f"takes a power of {_short(tree.left)}, which is 0 at a minimum"
    return ""


def _best(tree: Call, line: LineValues) -> NDArray[np.bool_]:
    """Which side of a min or max is its value, (sides, k)."""
    sides = np.array([np.broadcast_to(line.of(side), _size(line)) for side in tree.arguments])
    best = sides.max(axis=0) if tree.function == "max" else sides.min(axis=0)
    return np.asarray(np.abs(sides - best) <= ZERO)


def _tie(tree: Call, line: LineValues) -> str:
    if (_best(tree, line).sum(axis=0) > 1).any():
        return f"takes the {tree.function} of {', '.join(map(_short, tree.arguments))}, which are equal at a minimum"
    return ""


def _undecided(condition: Node, line: LineValues) -> bool:
    if isinstance(condition, Compare):
        left, right = line.of(condition.left), line.of(condition.right)
        return bool((np.abs(np.asarray(left - right)) <= ZERO).any())
    return False


def _vanishes(tree: Node, line: LineValues) -> bool:
    return bool((np.abs(np.asarray(line.of(tree))) <= ZERO).any())


def _size(line: LineValues) -> int:
    return max(np.size(value) for value in line.names.values())


def _short(tree: Node) -> str:
    text = to_text(tree)
    return text if len(text) <= 40 else text[:37] + "…"
