"""Update equations written out for every coordinate, line by line, over internal symbols.

A line's expressions refer to the symbols of earlier lines, never to their contents: the written-out form grows with the
text and not with what repeated substitution would make of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy
from sympy import Expr

from gdcore import symbolic
from gdcore.equations import Update
from gdcore.formula import Call, Node, children
from gdcore.optimizers import Optimizer

Group = tuple[Expr, ...]  # one entry per coordinate


@dataclass(frozen=True)
class ComposedLine:
    """One update: its expressions, and the fresh symbols that stand for their values from here on."""

    update: Update
    expressions: Group
    symbols: Group


@dataclass(frozen=True)
class Composition:
    """A whole step of an optimizer in so many coordinates.

    entry: what a step begins with (x, g, f and the states), name → symbols; exit: the same after all lines; settings,
    t and epochs: scalar symbols.
    """

    entry: dict[str, Group]
    exit: dict[str, Group]
    lines: tuple[ComposedLine, ...]
    settings: dict[str, Expr]
    t: Expr
    epochs: Expr


def compose(optimizer: Optimizer, dimension: int) -> Composition:
    """The optimizer's update equations for a problem of this many variables."""
    t, epochs = sympy.Dummy("t", positive=True), sympy.Dummy("T", positive=True)
    settings = {name: sympy.Dummy(f"s{k}", real=True) for k, name in enumerate(optimizer.settings)}
    f = sympy.Dummy("f", real=True)
    entry: dict[str, Group] = {"x": _symbols("x", dimension), "g": _symbols("g", dimension), "f": (f,) * dimension}
    entry |= {name: _symbols(f"h{k}_", dimension) for k, name in enumerate(optimizer.states)}
    now = dict(entry)
    lines = []
    for number, update in enumerate(optimizer.updates):
        scalars = {**settings, "t": t, "T": epochs}
        expressions = tuple(_build(update.tree, now, scalars, i) for i in range(dimension))
        line = ComposedLine(update, expressions, _symbols(f"l{number}_", dimension))
        now[update.target] = line.symbols
        lines.append(line)
    exit_ = {name: now[name] for name in ("x", *optimizer.states)}
    return Composition(entry, exit_, tuple(lines), settings, t, epochs)


def _symbols(stem: str, dimension: int) -> Group:
    return tuple(sympy.Dummy(f"{stem}{i}", real=True) for i in range(dimension))


def _build(tree: Node, now: Mapping[str, Group], scalars: Mapping[str, Expr], i: int) -> Expr:
    """The tree for coordinate i. norm and dot reduce over coordinates, so they are built here, not in symbolic.py."""
    names = {**scalars, **{name: group[i] for name, group in now.items()}}
    reductions: dict[Node, Expr] = {call: _reduce(call, now, scalars) for call in _reductions(tree)}
    return symbolic.to_sympy(tree, names, reductions)


def _reduce(call: Call, now: Mapping[str, Group], scalars: Mapping[str, Expr]) -> Expr:
    products = []
    for i in range(len(now["x"])):
        parts = [_build(argument, now, scalars, i) for argument in call.arguments]
        products.append(parts[0] * parts[-1])
    total = sympy.Add(*products)
    return symbolic.tame(sympy.sqrt(total)) if call.function == "norm" else total


def _reductions(tree: Node) -> list[Call]:
    """The outermost norm and dot calls in a tree."""
    if isinstance(tree, Call) and tree.function in ("norm", "dot"):
        return [tree]
    return [call for child in children(tree) for call in _reductions(child)]
