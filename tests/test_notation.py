"""Trees printed as plain text and as LaTeX read back as the same trees."""

import pytest
from hypothesis import assume, example, given
from trees import ALL_FUNCTIONS, NAMES, trees

from gdcore.formula import FormulaError, parse
from gdcore.nodes import Binary, Call, Constant, Name, Negate, Node, Number
from gdcore.notation import name_latex, number_text, to_latex, to_text

X, Y, TWO = Name("x"), Name("y"), Number(2.0)


def read(text: str) -> Node:
    return parse(text, names=NAMES, functions=ALL_FUNCTIONS, comparisons=True)


def within_budget(tree: Node) -> bool:
    from gdcore.budgets import check_budgets

    try:
        check_budgets(tree)
    except FormulaError:
        return False
    return True


@given(trees(update=True))
@example(Binary("^", Binary("/", X, Y), TWO))
@example(Binary("^", Call("exp", (X,)), TWO))
@example(Binary("*", Call("abs", (X,)), Call("abs", (Y,))))
@example(Binary("-", X, Negate(Binary("*", Y, TWO))))
@example(Binary("*", Number(3.0), Binary("^", TWO, X)))
@example(Binary("*", Constant("e"), X))
def test_a_printed_tree_reads_back_as_itself(tree: Node) -> None:
    assume(within_budget(tree))
    for text in (to_text(tree), to_latex(tree)):
        try:
            again = read(text)
        except FormulaError as error:  # a printed tree may only be too long, never misunderstood
            assert "shorten" in str(error) or "too deep" in str(error), (text, error)
        else:
            assert again == tree, text


@pytest.mark.parametrize(
    ("tree", "text", "latex"),
    [
        (Binary("^", Negate(X), TWO), "(-x)^2", r"\left(-x\right)^{2}"),
        (Negate(Binary("^", X, TWO)), "-x^2", "-x^{2}"),
        (Binary("-", X, Binary("-", Y, TWO)), "x - (y - 2)", r"x - \left(y - 2\right)"),
        (Binary("/", X, Binary("*", Y, TWO)), "x/(y*2)", r"\frac{x}{y \cdot 2}"),
        (Binary("/", Binary("/", X, Y), TWO), "x/y/2", r"\frac{\frac{x}{y}}{2}"),
        (Binary("*", X, Negate(Y)), "x*(-y)", r"x \, \left(-y\right)"),
        (Call("log10", (X,)), "log10(x)", r"\log_{10}\left(x\right)"),
        (Call("exp", (Negate(X),)), "exp(-x)", "e^{-x}"),
        (Call("max", (X, Y, TWO)), "max(x, y, 2)", r"\max\left(x, y, 2\right)"),
        (Binary("*", TWO, Call("cbrt", (X,))), "2*cbrt(x)", r"2 \, \sqrt[3]{x}"),
        (Constant("pi"), "pi", r"\pi"),
    ],
)
def test_notation(tree: Node, text: str, latex: str) -> None:
    assert to_text(tree) == text
    assert to_latex(tree) == latex


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("x", "x"), ("x1", "x_{1}"), ("x12", "x_{12}"), ("theta", r"\theta"), ("beta2", r"\beta_{2}"), ("a_b", "a_{b}"),
        ("weight_decay", r"\mathrm{weight\_decay}"), ("lr", r"\mathrm{lr}"),
    ],
)  # fmt: skip
def test_name_in_latex(name: str, latex: str) -> None:
    assert name_latex(name) == latex


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (0.1, "0.1"), (1e-12, "1e-12"), (1e-5, "1e-5"), (1e22, "1e22"),
     (1e14, "100000000000000"), (1e15, "1000000000000000.0"),
     (2.5e300, "2.5e300")],
)  # fmt: skip
def test_number_is_exact_and_short(value: float, text: str) -> None:
    assert number_text(value) == text
    assert float(number_text(value)) == value
