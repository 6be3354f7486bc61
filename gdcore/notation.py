"""Syntax tree → plain text and LaTeX that the parser reads back to the same tree."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gdcore.nodes import Binary, Call, Compare, Constant, Name, Negate, Node, Number
from gdcore.tokens import GREEK_WORDS

SUM, SIGN, PRODUCT, POWER, ATOM = range(5)  # how tightly a printed piece holds together
LEVEL = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "^": POWER}
LATEX_NAMES = {
    "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "asinh": r"\operatorname{asinh}",
    "acosh": r"\operatorname{acosh}", "atanh": r"\operatorname{atanh}", "log10": r"\log_{10}", "log2": r"\log_{2}",
}  # fmt: skip
LATEX_COMMANDS = {"log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sec", "csc", "cot", "max", "min"}


def number_text(value: float) -> str:
    """A number as a person would type it, exact: 3, 0.1, 1e-12."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return repr(value).replace("e+", "e").replace("e-0", "e-").replace("e0", "e")


def settings_text(settings: Mapping[str, float | str]) -> str:
    """The settings in a line: lr 0.01, beta1 0.9."""
    return ", ".join(f"{name} {value if isinstance(value, str) else f'{value:.4g}'}" for name, value in settings.items())


# -- plain text --------------------------------------------------------------------------------------------------------


def to_text(node: Node) -> str:
    """The tree in plain notation, with only the brackets it needs."""
    return _text(node)[0]


def _text(node: Node) -> tuple[str, int]:
    match node:
        case Number(value):
            return number_text(value), ATOM
        case Constant(name) | Name(name):
            return name, ATOM
        case Negate(argument):
            return "-" + _enclosed(argument, PRODUCT), SIGN
        case Call(function, arguments):
            return f"{function}({', '.join(to_text(argument) for argument in arguments)})", ATOM
        case Compare(operator, left, right):
            return f"{to_text(left)} {operator} {to_text(right)}", SUM
        case Binary(operator, left, right):
            level = LEVEL[operator]
            if operator == "^":
                return f"{_enclosed(left, ATOM)}^{_enclosed(right, ATOM)}", POWER
            spaced = f" {operator} " if level == SUM else operator
            return f"{_enclosed(left, level)}{spaced}{_enclosed(right, level + 1 if level == PRODUCT else PRODUCT)}", level
    raise TypeError(f"no notation for {node!r}")


def _enclosed(node: Node, level: int) -> str:
    """The piece, in brackets unless it holds together at least as tightly as `level`."""
    text, own = _text(node)
    if own == SIGN and level == SUM:
        return text
    return text if own >= level else f"({text})"


# -- LaTeX -------------------------------------------------------------------------------------------------------------


def name_latex(name: str) -> str:
    """A name in LaTeX: x1 → x_{1}, theta → \\theta, eta_plus → \\eta_{\\mathrm{plus}}, weight_decay → \\mathrm{weight\\_decay}."""
    match = re.fullmatch(r"([A-Za-z]+)(?:_?([0-9]+))?", name)
    letters, digits = match.groups() if match else ("", None)
    if match and (len(letters) == 1 or letters in GREEK_WORDS):
        head = rf"\{letters}" if letters in GREEK_WORDS else letters
        return head + (f"_{{{digits}}}" if digits else "")
    head, _, index = name.partition("_")
    if (len(head) == 1 or head in GREEK_WORDS) and re.fullmatch(r"[A-Za-z0-9]+", index):
        word = index if len(index) == 1 or index.isdigit() else rf"\mathrm{{{index}}}"
        return (rf"\{head}" if head in GREEK_WORDS else head) + f"_{{{word}}}"
    return rf"\mathrm{{{name.replace('_', chr(92) + '_')}}}"


def to_latex(node: Node) -> str:
    """The tree in LaTeX, typeset as papers do."""
    return _latex(node)[0]


def _latex(node: Node) -> tuple[str, int]:
    match node:
        case Number(value):
            return number_text(value), ATOM
        case Constant(name):
            return (r"\pi" if name == "pi" else "e"), ATOM
        case Name(name):
            return name_latex(name), ATOM
        case Negate(argument):
            return "-" + _bracketed(argument, PRODUCT), SIGN
        case Call(function, arguments):
            return _latex_call(function, arguments)
        case Compare(operator, left, right):
            return f"{to_latex(left)} {operator} {to_latex(right)}", SUM
        case Binary(operator, left, right):
            return _latex_binary(operator, left, right)
    raise TypeError(f"no notation for {node!r}")


def _latex_binary(operator: str, left: Node, right: Node) -> tuple[str, int]:
    match operator:
        case "/":
            return rf"\frac{{{to_latex(left)}}}{{{to_latex(right)}}}", ATOM
        case "^":
            base = _bracketed(left, ATOM)
            if _is_fraction(left) or isinstance(left, Call) and left.function == "exp":
                base = rf"\left({to_latex(left)}\right)"
            return f"{base}^{{{to_latex(right)}}}", POWER
        case "*":
            before, after = _bracketed(left, PRODUCT), _bracketed(right, POWER)
            return before + (r" \cdot " if _needs_dot(left, right) else r" \, ") + after, PRODUCT
        case _:
            return f"{_bracketed(left, SUM)} {operator} {_bracketed(right, PRODUCT)}", SUM


def _is_fraction(node: Node) -> bool:
    return isinstance(node, Binary) and node.operator == "/"


def _needs_dot(left: Node, right: Node) -> bool:
    """Whether a product needs a visible sign: before a number, and between two fractions or a fraction and a bar."""
    first = right
    while isinstance(first, Binary) and first.operator == "^":
        first = first.left
    last = left.right if isinstance(left, Binary) and left.operator == "*" else left
    barred = isinstance(first, Call) and first.function in ("abs", "floor", "ceil")
    return isinstance(first, Number) or barred or (_is_fraction(last) and _is_fraction(first))


def _latex_call(function: str, arguments: tuple[Node, ...]) -> tuple[str, int]:
    inner = ", ".join(to_latex(argument) for argument in arguments)
    match function:
        case "exp":
            return f"e^{{{inner}}}", POWER
        case "sqrt":
            return rf"\sqrt{{{inner}}}", ATOM
        case "cbrt":
            return rf"\sqrt[3]{{{inner}}}", ATOM
        case "abs":
            return rf"\left|{inner}\right|", ATOM
        case "floor":
            return rf"\left\lfloor {inner}\right\rfloor", ATOM
        case "ceil":
            return rf"\left\lceil {inner}\right\rceil", ATOM
    default = rf"\{function}" if function in LATEX_COMMANDS else rf"\operatorname{{{function}}}"
    return rf"{LATEX_NAMES.get(function, default)}\left({inner}\right)", ATOM


def _bracketed(node: Node, level: int) -> str:
    text, own = _latex(node)
    if own == SIGN and level == SUM:
        return text
    return text if own >= level else rf"\left({text}\right)"
