"""Formulas become MathML of harmless elements, or nothing."""

from xml.etree import ElementTree

import pytest
from cases import lines
from hypothesis import given
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, FormulaError, Problem
from gdui import typesetting, wording


@pytest.mark.parametrize("key", OPTIMIZERS)
def test_every_optimizer_is_typeset_with_a_line_for_each_equation(key):
    optimizer = OPTIMIZERS[key]
    tree = ElementTree.fromstring(typesetting.mathml(wording.equations_latex(optimizer)))
    text = "".join(tree.itertext())
    assert len(list(tree.iter("mtr"))) in (0, len(optimizer.latex())) and text.count("←") == len(optimizer.updates) and "&" not in text


@pytest.mark.parametrize("key", GALLERY)
def test_every_function_and_its_slopes_are_typeset(key):
    problem = GALLERY[key]
    for latex in (wording.function_latex(problem.variables, problem.tree), *typesetting.partials(problem)):
        text = "".join(ElementTree.fromstring(typesetting.mathml(latex)).itertext())
        assert text and "\\" not in text and "&" not in text and "aligned" not in text and "split" not in text


def test_every_notation_is_typeset():
    for line in lines("valid_formulas.txt"):
        try:
            problem = Problem.from_text(line.split("\t")[0])
        except FormulaError:  # other variables than x and y
            continue
        assert typesetting.mathml(wording.function_latex(problem.variables, problem.tree))


@given(
    st.text()
    | st.sampled_from([r"\text{<script>x</script>}", r"\style{color:red}{x}", r"\href{javascript:x}{x}", r"\class{a}{x}", "x & y", r"\frac{", "\\", "{" * 5000])
)
def test_what_is_no_plain_formula_is_not_typeset(latex):
    text = typesetting.mathml(latex)
    if text:
        nodes = list(ElementTree.fromstring(text).iter())
        assert {node.tag for node in nodes} <= typesetting.TAGS and not {"href", "style", "class", "onclick"} & {a for node in nodes for a in node.attrib}


def test_long_formulas_stand_on_several_lines():
    latex = " + ".join(f"x_{{{k}}} y" for k in range(60))
    assert typesetting.short(latex).count(r"\\") >= 4 and "too long" in typesetting.short(latex * 20)
    assert typesetting.short("x + 1") == "x + 1"
