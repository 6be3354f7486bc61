"""The syntax tree of a formula: what a parsed text is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Number:
    """A literal: finite and at least 0."""

    value: float
    position: int = field(default=-1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Constant:
    """pi or e."""

    name: str
    position: int = field(default=-1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, parameter, state or setting, in canonical spelling."""

    name: str
    position: int = field(default=-1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negate:
    """-argument."""

    argument: Node
    position: int = field(default=-1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """left operator right, with operator one of + - * / ^."""

    operator: str
    left: Node
    right: Node
    position: int = field(default=-1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """function(arguments), with a canonical function name."""

    function: str
    arguments: tuple[Node, ...]
    position: int = field(default=-1, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """left operator right, with operator one of < <= > >=; only as the condition of where."""

    operator: str
    left: Node
    right: Node
    position: int = field(default=-1, compare=False, repr=False)


Node = Number | Constant | Name | Negate | Binary | Call | Compare


def children(node: Node) -> tuple[Node, ...]:
    """The direct parts of a node, left to right."""
    if isinstance(node, Negate):
        return (node.argument,)
    if isinstance(node, (Binary, Compare)):
        return (node.left, node.right)
    return node.arguments if isinstance(node, Call) else ()


def names_in(node: Node) -> tuple[str, ...]:
    """The names a tree uses, in order of first appearance."""
    found: dict[str, None] = {}
    stack = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, Name):
            found[part.name] = None
        stack.extend(reversed(children(part)))
    return tuple(found)


def count_nodes(node: Node) -> int:
    """The number of operations and values in a tree."""
    return 1 + sum(count_nodes(child) for child in children(node))


def constant_value(node: Node, names: Mapping[str, float] | None = None) -> float:
    """The float value of a tree at given values of its names; nan or inf where it has none."""
    return float(array_value(node, names or {}))


def array_value(node: Node, names: Mapping[str, Any], known: Mapping[Node, Any] | None = None) -> Any:
    """The value of a tree where names stand for floats or arrays (all of one shape); nan or inf where it has none.

    known: subtrees whose value is given. Without it norm(v) is |v| and dot(u, v) is u*v, as for a single coordinate.
    """
    with np.errstate(all="ignore"):
        return _value(node, names, known or {})


def _value(node: Node, names: Mapping[str, Any], known: Mapping[Node, Any]) -> Any:
    if isinstance(node, Number):
        return np.float64(node.value)
    if isinstance(node, Constant):
        return np.float64(math.pi if node.name == "pi" else math.e)
    if isinstance(node, Name):
        value = names[node.name]
        return value if isinstance(value, np.ndarray) else np.float64(value)
    if known and node in known:
        return known[node]
    parts = [_value(child, names, known) for child in children(node)]
    if isinstance(node, Negate):
        return -parts[0]
    if isinstance(node, Call):
        return NUMERIC[node.function](*parts)
    assert isinstance(node, (Binary, Compare))
    return ARITHMETIC[node.operator](*parts)


def _erf(u: Any) -> Any:
    from scipy.special import erf  # a heavy import that few formulas need

    return erf(u)


ARITHMETIC: dict[str, Callable[..., Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power,
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip
NUMERIC: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "log10": np.log10, "log2": np.log2, "sqrt": np.sqrt, "cbrt": np.cbrt,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "abs": np.abs, "sign": np.sign, "min": lambda *a: reduce(np.minimum, a), "max": lambda *a: reduce(np.maximum, a),
    "atan2": np.arctan2, "floor": np.floor, "ceil": np.ceil, "mod": np.mod, "hypot": np.hypot,
    "erf": _erf, "sec": lambda u: 1 / np.cos(u), "csc": lambda u: 1 / np.sin(u),
    "cot": lambda u: np.cos(u) / np.sin(u), "where": np.where, "norm": np.abs, "dot": np.multiply,
}  # fmt: skip
