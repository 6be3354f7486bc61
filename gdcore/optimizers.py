"""Optimizers as update equations: a few lines of text each, with their settings described."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gdcore.formula import FUNCTIONS, UPDATE_FUNCTIONS, FormulaError, Node, canonical_name, names_in, parse
from gdcore.notation import name_latex, to_latex
from gdcore.setting import Setting

ALL_FUNCTIONS = {**FUNCTIONS, **UPDATE_FUNCTIONS}
START_FUNCTIONS = {**FUNCTIONS, "where": UPDATE_FUNCTIONS["where"]}  # a start value has no coordinates to reduce over
GIVEN = ("x", "g", "f", "t", "T")  # position, gradient, value, step counted from 1, number of epochs
MOST_LINES = 40
SCHEDULE_NAMES = ("t", "T")
LINE = re.compile(r"^\s*(?P<state>state\s+)?(?P<target>[A-Za-z_][A-Za-z_0-9]*)\s*=(?P<right>[^=].*)$")


@dataclass(frozen=True)
class Update:
    """One line: the name it assigns and the tree of its right-hand side."""

    target: str
    tree: Node


@dataclass(frozen=True)
class Optimizer:
    """Update equations, run top to bottom once per coordinate and step. Make one with Optimizer.from_text.

    In them x is the position, g the gradient at x, f the value at x, t the step (from 1), T the number of epochs. Any
    other assigned name is a state that starts at 0, or at the value of a line `state name = ...`; every other name is a
    setting. norm(v) and dot(u, v) reduce over the coordinates of one start.
    """

    name: str
    equations: str
    setting_items: tuple[tuple[str, Setting], ...]
    updates: tuple[Update, ...] = field(repr=False, compare=False)
    initial: tuple[tuple[str, Node | None], ...] = field(repr=False, compare=False)
    source: str = field(default="", compare=False)
    about: str = field(default="", compare=False)

    @classmethod
    def from_text(
        cls,
        name: str,
        equations: str,
        settings: Mapping[str, Setting | float] | None = None,
        source: str = "",
        about: str = "",
    ) -> Optimizer:
        """The optimizer that the equations state; FormulaError names the line and place of a mistake.

        A name that nobody assigns or describes becomes a setting with default 0.1.
        """
        described = {canonical_name(key): _described(value) for key, value in (settings or {}).items()}
        lines = _split(equations)
        assigned = [target for _, _, target, _ in lines]
        known = {*GIVEN, *described, *assigned}
        updates: list[Update] = []
        states: dict[str, Node | None] = {}
        for number, is_state, target, (offset, right) in lines:
            tree = _parse_line(number, offset, right, known, START_FUNCTIONS if is_state else ALL_FUNCTIONS)
            running = {*GIVEN, *assigned} & set(names_in(tree))
            if is_state and running:
                raise FormulaError(f"line {number} starts '{target}' from '{min(running)}': use settings and numbers", offset)
            for free in names_in(tree):
                if free not in known:
                    described[free] = Setting(0.1, help="not described by the equations' author: default 0.1")
                    known.add(free)
            if is_state:
                states[target] = tree
            else:
                updates.append(Update(target, tree))
        for update in updates:
            if update.target != "x":
                states.setdefault(update.target, None)
        if "x" not in assigned:
            raise FormulaError("no line assigns x: end with one such as x = x - lr*g", 0)
        clash = {target for target in assigned if target in described}
        if clash:
            raise FormulaError(f"'{min(clash)}' is assigned and described as a setting: rename one of them", 0)
        return cls(name, equations, tuple(described.items()), tuple(updates), tuple(states.items()), source, about)

    @property
    def settings(self) -> dict[str, Setting]:
        return dict(self.setting_items)

    @property
    def states(self) -> tuple[str, ...]:
        """Names of what is remembered from step to step, in order."""
        return tuple(name for name, _ in self.initial)

    @property
    def defaults(self) -> dict[str, float]:
        return {name: setting.default for name, setting in self.setting_items}

    def latex(self) -> list[str]:
        """The update equations in LaTeX, one per line."""
        lines = [rf"{name_latex(name)}_0 = {to_latex(tree)}" for name, tree in self.initial if tree is not None]
        return lines + [rf"{name_latex(u.target)} \leftarrow {to_latex(u.tree)}" for u in self.updates]

    def to_dict(self) -> dict[str, Any]:
        """What defines the optimizer, as plain values."""
        described = {
            name: [s.default, _finite(s.low), _finite(s.high), s.log, s.label, s.help] for name, s in self.setting_items
        }
        return {"name": self.name, "equations": self.equations, "settings": described}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Optimizer:
        """The inverse of to_dict, through the same checks as typed text."""
        settings = {
            name: Setting(
                default,
                low=-float("inf") if low is None else low,
                high=float("inf") if high is None else high,
                log=log,
                label=label,
                help=text,
            )
            for name, (default, low, high, log, label, text) in data["settings"].items()
        }
        return cls.from_text(data["name"], data["equations"], settings)


def parse_schedule(text: str) -> Node:
    """A setting given as a formula in t (the step, from 1) and T (the number of epochs)."""
    return parse(text, names=SCHEDULE_NAMES)


def _finite(value: float) -> float | None:
    return value if abs(value) != float("inf") else None


def _described(value: Setting | float) -> Setting:
    return value if isinstance(value, Setting) else Setting(float(value))


def _split(equations: str) -> list[tuple[int, bool, str, tuple[int, str]]]:
    """(line number, is it a start value, assigned name, (offset of the line, its right side in place)) for each line."""
    found: list[tuple[int, bool, str, tuple[int, str]]] = []
    offset = 0
    for number, line in enumerate(equations.split("\n"), start=1):
        if line.strip():
            match = LINE.match(line)
            if match is None:
                raise FormulaError(f"line {number} is no assignment: write it like m = beta*m + g", offset)
            target = _target(number, offset + match.start("target"), match["target"])
            if target in ("g", "f", "t", "T"):
                raise FormulaError(f"line {number} assigns '{target}', which is given: choose another name", offset)
            if match["state"] and target == "x":
                raise FormulaError(f"line {number} gives x a start value: the starts do that, leave the line out", offset)
            blank = " " * match.start("right")  # so that places are those in the whole line
            found.append((number, bool(match["state"]), target, (offset, blank + match["right"])))
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


def _parse_line(number: int, offset: int, right: str, known: set[str], functions: Mapping[str, tuple[int, int]]) -> Node:
    try:
        try:
            return parse(right, names=known, functions=functions, comparisons=True)
        except FormulaError:
            return parse(right, functions=functions, comparisons=True)
    except FormulaError as error:
        position = None if error.position is None else error.position + offset
        raise FormulaError(f"line {number}: {error}", position) from None


LEARNING_RATE = Setting(
    0.01, low=1e-6, high=10, log=True, label="learning rate", help="How far one step goes along the negative gradient."
)
MOMENTUM = Setting(
    0.9, low=0.0, high=0.9999, label="momentum", help="The share of the previous step that is kept: 0 is plain descent."
)

OPTIMIZERS: dict[str, Optimizer] = {
    "gd": Optimizer.from_text(
        "Gradient descent",
        "x = x - lr*g",
        {"lr": LEARNING_RATE},
        source="A. Cauchy (1847), Méthode générale pour la résolution des systèmes d'équations simultanées",
        about="Straight down the slope, in steps proportional to it.",
    ),
    "momentum": Optimizer.from_text(
        "Momentum (heavy ball)",
        "v = momentum*v + g\nx = x - lr*v",
        {"lr": LEARNING_RATE, "momentum": MOMENTUM},
        source="B. T. Polyak (1964), Some methods of speeding up the convergence of iteration methods",
        about="A ball with inertia: it rolls through shallow dips and along valleys.",
    ),
    "nesterov": Optimizer.from_text(
        "Nesterov momentum",
        "v = momentum*v + g\nx = x - lr*(g + momentum*v)",
        {"lr": LEARNING_RATE, "momentum": MOMENTUM},
        source="Y. Nesterov (1983), in the form of Sutskever et al. (2013) that torch.optim.SGD uses",
        about="Momentum that looks ahead before it steps.",
    ),
    "adam": Optimizer.from_text(
        "Adam",
        "m = beta1*m + (1 - beta1)*g\n"
        "v = beta2*v + (1 - beta2)*g^2\n"
        "x = x - lr*(m/(1 - beta1^t))/(sqrt(v/(1 - beta2^t)) + epsilon)",
        {
            "lr": LEARNING_RATE,
            "beta1": Setting(
                0.9, low=0.0, high=0.9999, label="first-moment decay", help="How long the mean of gradients remembers."
            ),
            "beta2": Setting(
                0.999, low=0.0, high=0.999999, label="second-moment decay", help="How long the mean of squares remembers."
            ),
            "epsilon": Setting(
                1e-8, low=1e-16, high=1.0, log=True, label="epsilon", help="Keeps the divisor away from 0."
            ),
        },
        source="D. P. Kingma, J. Ba (2015), Adam: a method for stochastic optimization, arXiv:1412.6980",
        about="Each coordinate scaled by the recent size of its gradient.",
    ),
}
