"""The current function's derivatives, written out and evaluated."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from gdcore.notation import name_latex
from gdcore.problem import Problem
from gdui.session import Setup
from gdui.typesetting import partials as partials
from gdui.typesetting import short
from gdui.wording import function_latex, settings_latex


def function(problem: Problem) -> str:
    return function_latex(problem.variables, problem.tree)


def gradient(problem: Problem) -> str:
    names = [name_latex(name) for name in problem.variables]
    entries = ", ".join(rf"\frac{{\partial f}}{{\partial {name}}}" for name in names)
    return rf"\nabla f = \left({entries}\right)"


def notations(problem: Problem) -> list[str]:
    """Derivative, partial derivative and gradient in the three notations of the note."""
    names = [name_latex(name) for name in problem.variables]
    arguments = ", ".join(names)
    if problem.dimension == 1:
        x = names[0]
        lines = [rf"\frac{{d f}}{{d {x}}} = f'({x}) = d f"]
    else:
        lines = [rf"\frac{{d f}}{{d t}} = f'(t) = d f \quad \text{{for one variable, as along a line }} t \mapsto ({arguments})"]
    lines += [rf"\frac{{\partial f}}{{\partial {x}}} = f_{{{x}}}({arguments}) = \partial_{{{x}}} f" for x in names]
    return [*lines, r"\nabla f = \left(" + ", ".join(rf"\partial_{{{x}}} f" for x in names) + r"\right)"]


def hessian(problem: Problem) -> list[str]:
    names = [name_latex(name) for name in problem.variables]
    rows = problem.hessian_latex()
    lines = []
    for i, first in enumerate(names):
        for j, second in enumerate(names[i:], start=i):
            below = rf"\partial {first}^2" if i == j else rf"\partial {first}\,\partial {second}"
            lines.append(rf"\frac{{\partial^2 f}}{{{below}}} = {short(rows[i][j])}")
    return lines if len(lines) <= 15 else lines[:15]


def evaluated(problem: Problem, point: tuple[float, ...]) -> None:
    """f, ∇f and the Hessian at a point, to 15 digits."""
    value, slopes, matrix = problem.differentiate(point)
    rows = [("f", f"{float(value):.15g}")]
    rows += [(f"∂f/∂{name}", f"{slope:.15g}") for name, slope in zip(problem.variables, slopes.tolist(), strict=True)]
    rows += [
        (f"∂²f/∂{first}∂{second}", f"{matrix[i, j]:.15g}")
        for i, first in enumerate(problem.variables)
        for j, second in enumerate(problem.variables)
        if j >= i
    ]
    if any(text == "nan" for _, text in rows):
        st.warning("The function or one of its derivatives has no value at this point: choose another one.")
    st.dataframe(pd.DataFrame(rows, columns=["quantity", "value"]), hide_index=True, width=420, key="evaluated")


def loop(setup: Setup) -> None:
    """The three steps of the note with this optimizer."""
    names = ", ".join(name_latex(name) for name in setup.problem.variables)
    st.markdown("**Step 1.** Compute the partial derivatives: done once, symbolically, on the left tab.")
    st.markdown(f"**Step 2.** Repeat the descent loop, here {setup.optimizer.name}, for every coordinate:")
    for line in setup.optimizer.latex():
        st.latex(line)
    st.latex(settings_latex(setup.settings))
    st.caption("x: position, g: gradient at x, t: the step counted from 1; names remembered from step to step start at 0 where no line says otherwise.")
    st.caption(f"Source: {setup.optimizer.source}")
    st.markdown("**Step 3.** The local minimum is where it stops, once Newton's method confirms it:")
    st.latex(rf"\nabla f({names}) = 0 \quad\text{{and all eigenvalues of the Hessian are positive}}")
