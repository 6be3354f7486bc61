"""Where an update equation has a kink, a jump or a pole at given values, said in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

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


def rough_place(optimizer: Optimizer, lines: list[tuple[Update, dict[str, Any]]]) -> str:
    """The first place that is not smooth, as "line 3 takes …", or "". lines: each with the values of its names (k,).

    Only what varies during a run counts: parts made of settings and t alone are as smooth as can be.
    """
    fixed = {*optimizer.settings, "t", "T"}
    for update, values in lines:
        found = _rough(update.tree, values, fixed)
        if found:
            return f"line {update.line} {found}"
    return ""


def _rough(tree: Node, values: Mapping[str, Any], fixed: set[str]) -> str:
    if set(names_in(tree)) <= fixed:
        return ""
    branches = children(tree)
    if isinstance(tree, Call) and tree.function == "where":
        condition = tree.arguments[0]
        if not set(names_in(condition)) <= fixed and _undecided(condition, values):
            return f"switches at {_short(condition)}, which is undecided at a minimum"
        taken = np.asarray(array_value(condition, values)) != 0
        branches = (*(tree.arguments[1:2] if taken.any() else ()), *(tree.arguments[2:] if not taken.all() else ()))
    for child in branches:
        found = _rough(child, values, fixed)
        if found:
            return found
    return _rough_here(tree, values, fixed)


def _rough_here(tree: Node, values: Mapping[str, Any], fixed: set[str]) -> str:
    """What is not smooth in the node itself, its parts being smooth."""
    if isinstance(tree, Call) and tree.function in KINKS and _vanishes(tree.arguments[0], values):
        return KINKS[tree.function].format(_short(tree.arguments[0]))
    if isinstance(tree, Call) and tree.function in STEPS:
        return f"rounds {_short(tree.arguments[0])}"
    if isinstance(tree, Call) and tree.function in ("min", "max"):
        return _tie(tree, values)
    if isinstance(tree, Binary) and tree.operator == "/" and _vanishes(tree.right, values):
        return f"divides by {_short(tree.right)}, which is 0 at a minimum"
    if isinstance(tree, Binary) and tree.operator == "^" and _vanishes(tree.left, values):
        exponent = np.asarray(array_value(tree.right, values))
        if (exponent % 1 != 0).any() or (exponent < 0).any():
            return f"takes a power of {_short(tree.left)}, which is 0 at a minimum"
    return ""


def _tie(tree: Call, values: Mapping[str, Any]) -> str:
    sides = np.array([np.broadcast_to(array_value(side, values), _size(values)) for side in tree.arguments])
    best = sides.max(axis=0) if tree.function == "max" else sides.min(axis=0)
    if ((np.abs(sides - best) <= ZERO).sum(axis=0) > 1).any():
        return f"takes the {tree.function} of {', '.join(map(_short, tree.arguments))}, which are equal at a minimum"
    return ""


def _undecided(condition: Node, values: Mapping[str, Any]) -> bool:
    if isinstance(condition, Compare):
        left, right = array_value(condition.left, values), array_value(condition.right, values)
        return bool((np.abs(np.asarray(left - right)) <= ZERO).any())
    return False


def _vanishes(tree: Node, values: Mapping[str, Any]) -> bool:
    return bool((np.abs(np.asarray(array_value(tree, values))) <= ZERO).any())


def _size(values: Mapping[str, Any]) -> int:
    return max(np.size(value) for value in values.values())


def _short(tree: Node) -> str:
    text = to_text(tree)
    return text if len(text) <= 40 else text[:37] + "…"
