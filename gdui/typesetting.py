"""Typesetting: formulas in LaTeX on lines that fit a page, and the same in MathML."""

from __future__ import annotations

from xml.etree import ElementTree

from latex2mathml.converter import convert

from gdcore.notation import name_latex
from gdcore.problem import Problem

LONG = 6000  # characters of LaTeX beyond which a browser takes seconds to typeset
TAGS = {"math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "mover", "munder", "mtable", "mtr", "mtd"}
ATTRIBUTES = {
    "display", "displaystyle", "stretchy", "fence", "form", "width", "mathvariant", "columnalign", "rowspacing", "columnspacing", "linethickness",
    "minsize", "maxsize",
}  # fmt: skip
NAMESPACE = ' xmlns="http://www.w3.org/1998/Math/MathML"'


def partials(problem: Problem) -> list[str]:
    """∂f/∂x = … for every variable."""
    names = [name_latex(name) for name in problem.variables]
    return [rf"\frac{{\partial f}}{{\partial {n}}} = {short(p)}" for n, p in zip(names, problem.gradient_latex(), strict=True)]


def short(latex: str) -> str:
    """The formula on lines that fit the page, or a word on why it is not shown."""
    return broken(latex) if len(latex) <= LONG else r"\text{(too long to typeset; it is computed exactly all the same)}"


def broken(latex: str, width: int = 105) -> str:
    """A long sum, broken before some of its outermost signs into lines of about `width` characters of LaTeX."""
    lines, current = [], ""
    for term in _outer_terms(latex):
        if current and len(current) + len(term) > width:
            lines.append(current)
            current = ""
        current += term
    lines.append(current)
    if len(lines) == 1:
        return latex
    return r"\begin{aligned} &" + r" \\ & \quad ".join(lines) + r"\end{aligned}"


def _outer_terms(latex: str) -> list[str]:
    """The text cut before every + and - that stands outside all brackets and braces."""
    terms, depth, start = [], 0, 0
    for k, character in enumerate(latex):
        depth += (character in "{(") - (character in "})")
        if depth == 0 and character in "+-" and k > start and latex[k - 1] == " ":
            terms.append(latex[start:k])
            start = k
    return [*terms, latex[start:]]


def mathml(latex: str) -> str:
    """The formula as MathML of known, harmless elements only; "" where it cannot be typeset as such."""
    try:
        text = convert(latex.replace("{aligned}", "{split}"), display="block")
        tree = ElementTree.fromstring(text.replace(NAMESPACE, "", 1))
    except Exception:  # whatever another library makes of a formula, the plain text is there
        return ""
    nodes = list(tree.iter())
    if not {node.tag for node in nodes} <= TAGS or not {name for node in nodes for name in node.attrib} <= ATTRIBUTES:
        return ""
    return ElementTree.tostring(tree, encoding="unicode")
