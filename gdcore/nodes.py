"""The syntax tree of a formula: what a parsed text is made of."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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


def constant_value(node: Node, names: Mapping[str, float] | None = None) -> float:
    """The float value of a tree at given values of its names; nan or inf where it has none."""
    with np.errstate(all="ignore"):
        return float(_value(node, names or {}))


def _value(node: Node, names: Mapping[str, float]) -> np.float64:
    if isinstance(node, Number):
        return np.float64(node.value)
    if isinstance(node, Constant):
        return np.float64(math.pi if node.name == "pi" else math.e)
    if isinstance(node, Name):
        return np.float64(names[node.name])
    parts = [_value(child, names) for child in children(node)]
    if isinstance(node, Negate):
        return -parts[0]
    if isinstance(node, Call):
        return np.float64(NUMERIC[node.function](*parts))
    assert isinstance(node, (Binary, Compare))
    return np.float64(ARITHMETIC[node.operator](*parts))


ARITHMETIC: dict[str, Callable[..., Any]] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power,
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip
NUMERIC: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "log10": np.log10, "log2": np.log2, "sqrt": np.sqrt, "cbrt": np.cbrt,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "abs": np.abs, "sign": np.sign, "min": lambda *a: np.minimum.reduce(a), "max": lambda *a: np.maximum.reduce(a),
    "atan2": np.arctan2, "floor": np.floor, "ceil": np.ceil, "mod": np.mod, "hypot": np.hypot,
    "erf": lambda u: math.erf(u), "sec": lambda u: 1 / np.cos(u), "csc": lambda u: 1 / np.sin(u),
    "cot": lambda u: np.cos(u) / np.sin(u), "where": lambda c, a, b: a if c else b, "norm": np.abs, "dot": np.multiply,
}  # fmt: skip
