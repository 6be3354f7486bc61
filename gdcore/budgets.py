"""What a formula may cost at most: refused before anything expensive sees it."""

from __future__ import annotations

import math

from gdcore.nodes import Binary, Call, Name, Node, children, constant_value, names_in
from gdcore.tokens import FormulaError

MOST_NODES = 400
MOST_HEIGHT = 200  # the passes over a tree recurse
MOST_NAMES = 10
MOST_EXPONENT = 200
MOST_TOWERS = 2  # exponents that are no constants, one inside the other
MOST_EXPONENTIALS = 3  # exp(exp(exp(x))) already overflows beyond x = 2
MOST_ARGUMENTS = 12


def check_budgets(tree: Node) -> None:
    """FormulaError where the tree is too large, its exponents too high, or a constant part without a finite value."""
    size, height = _measure(tree)
    if height > MOST_HEIGHT:
        raise FormulaError(f"the formula chains {height} operations (at most {MOST_HEIGHT}): shorten it", 0)
    if size > MOST_NODES:
        raise FormulaError(f"the formula has {size} operations and values (at most {MOST_NODES}): shorten it", 0)
    _check(tree, exponent=1.0, towers=0, exponentials=0)


def _measure(tree: Node) -> tuple[int, int]:
    """The number of nodes, where a constant part counts as one since it is folded first, and the operations on its longest path."""
    levels = [[tree]]
    while levels[-1]:
        levels.append([child for node in levels[-1] for child in children(node)])
    varying: dict[int, bool] = {}
    count = 1
    for level in reversed(levels):
        for node in level:
            below = children(node)
            varying[id(node)] = isinstance(node, Name) or any(varying[id(child)] for child in below)
            count += len(below) if varying[id(node)] else 0
    return count, len(levels) - 2


def _check(node: Node, *, exponent: float, towers: int, exponentials: int) -> None:
    place = max(node.position, 0)
    if not names_in(node):
        if not math.isfinite(constant_value(node)):
            raise FormulaError(f"the constant part at {place + 1} has no finite value: change it", place)
        return
    inside = exponent
    if isinstance(node, Binary) and node.operator == "^":
        if names_in(node.right):
            towers += 1
            if towers > MOST_TOWERS:
                raise FormulaError(f"too many exponents upon exponents at {place + 1}: use at most {MOST_TOWERS}", place)
        else:
            power = abs(constant_value(node.right))
            inside = exponent * max(power, 1.0)
            if inside > MOST_EXPONENT:
                raise FormulaError(f"the power at {place + 1} comes to {inside:.4g} (at most {MOST_EXPONENT}): lower it", place)
    if isinstance(node, Binary) and node.operator == "/" and not names_in(node.right):
        if constant_value(node.right) == 0:
            raise FormulaError(f"division by 0 at {place + 1}: change the divisor", place)
    if isinstance(node, Call) and node.function in ("exp", "sinh", "cosh"):
        exponentials += 1
        if exponentials > MOST_EXPONENTIALS:
            raise FormulaError(f"too many nested exponentials at {place + 1}: use at most {MOST_EXPONENTIALS}", place)
    for child in children(node):
        _check(child, exponent=inside, towers=towers, exponentials=exponentials)


def check_names(tree: Node) -> None:
    """FormulaError where an open formula names more variables than a problem can have."""
    names = names_in(tree)
    if len(names) > MOST_NAMES:
        extra = names[MOST_NAMES]
        place = next(part.position for part in _parts(tree) if isinstance(part, Name) and part.name == extra)
        raise FormulaError(f"the formula names {len(names)} variables (at most {MOST_NAMES}): remove some", place)


def _parts(tree: Node) -> list[Node]:
    found, stack = [], [tree]
    while stack:
        found.append(stack.pop())
        stack.extend(children(found[-1]))
    return found
