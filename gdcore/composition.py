"""Update equations written out for every coordinate, line by line, over internal symbols.

A line's expressions refer to the symbols of earlier lines, never to their contents: the written-out form grows with the
text and not with what repeated substitution would make of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import sympy
from sympy import Expr

from gdcore import symbolic
from gdcore.equations import Update
from gdcore.formula import Binary, Call, Compare, FormulaError, Name, Negate, Node

if TYPE_CHECKING:
    from gdcore.optimizers import Optimizer

Group = tuple[Expr, ...]  # one entry per coordinate


@dataclass(frozen=True)
class ComposedLine:
    """One update: its expressions, and the fresh symbols that stand for their values from here on.

    A norm or dot call is a line of its own before the one that holds it, without update and with a single entry.
    """

    update: Update | None
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


@lru_cache(maxsize=64)
def compose(optimizer: Optimizer, dimension: int) -> Composition:
    """The optimizer's update equations for a problem of this many variables.

    FormulaError, which names the line, where one has no finite real value whatever the run.
    """
    t, epochs = sympy.Dummy("t", positive=True), sympy.Dummy("T", positive=True)
    settings = {name: sympy.Dummy(f"s{k}", real=True) for k, name in enumerate(optimizer.settings)}
    f = sympy.Dummy("f", real=True)
    entry: dict[str, Group] = {"x": _symbols("x", dimension), "g": _symbols("g", dimension), "f": (f,) * dimension}
    entry |= {name: _symbols(f"h{k}_", dimension) for k, name in enumerate(optimizer.states)}
    now = dict(entry)
    scalars: dict[str, Expr] = {**settings, "t": t, "T": epochs}
    lines: list[ComposedLine] = []
    for number, update in enumerate(optimizer.updates):
        try:
            composed = _lines(update, number, now, scalars, dimension)
        except FormulaError as error:
            place = update.offset + (error.position or 0)
            raise FormulaError(f"line {update.line}: {error}", place) from None
        now[update.target] = composed[-1].symbols
        lines += composed
    exit_ = {name: now[name] for name in ("x", *optimizer.states)}
    return Composition(entry, exit_, tuple(lines), settings, t, epochs)


def _symbols(stem: str, dimension: int) -> Group:
    return tuple(sympy.Dummy(f"{stem}{i}", real=True) for i in range(dimension))


def _lines(
    update: Update, number: int, now: Mapping[str, Group], scalars: Mapping[str, Expr], dimension: int
) -> list[ComposedLine]:
    """The update in every coordinate, after the norm and dot calls in it."""
    calls: dict[Call, str] = {}
    tree = _without_reductions(update.tree, calls)
    known, lines = dict(scalars), []

    def built(part: Node) -> Group:
        every = ({**known, **{name: group[i] for name, group in now.items()}} for i in range(dimension))
        return tuple(symbolic.to_sympy(part, names) for names in every)

    def add(update: Update | None, expressions: Group, symbols: Group) -> None:
        for expression in expressions:
            symbolic.require_finite(expression)
        lines.append(ComposedLine(update, expressions, symbols))

    for call, name in calls.items():
        sides = [built(argument) for argument in call.arguments]
        total = sympy.Add(*(left * right for left, right in zip(sides[0], sides[-1], strict=True)))
        reduced = symbolic.tame(sympy.sqrt(total)) if call.function == "norm" else total
        known[name] = sympy.Dummy(f"n{number}_{name}", real=True)
        add(None, (reduced,), (known[name],))
    add(update, built(tree), _symbols(f"l{number}_", dimension))
    return lines


def _without_reductions(tree: Node, calls: dict[Call, str]) -> Node:
    """The tree with a name in place of every norm and dot call; the calls go into `calls`, inner ones first.

    These reduce over coordinates, unlike all else in a line. The names have a blank, so that no typed name is the same.
    """
    match tree:
        case Negate():
            return replace(tree, argument=_without_reductions(tree.argument, calls))
        case Binary() | Compare():
            left, right = (_without_reductions(side, calls) for side in (tree.left, tree.right))
            return replace(tree, left=left, right=right)
        case Call():
            plain = replace(tree, arguments=tuple(_without_reductions(part, calls) for part in tree.arguments))
            if tree.function not in ("norm", "dot"):
                return plain
            return Name(calls.setdefault(plain, f"reduction {len(calls)}"), tree.position)
        case _:
            return tree
