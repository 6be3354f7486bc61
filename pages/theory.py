"""What exactly is computed? Derivatives and notations of the current function."""

import streamlit as st

from gdui import answers, controls, formulas, scripts, session

setup = session.setup()
problem = setup.problem
answers.say("From a function to its local minimum, for this very function")
st.latex(formulas.function(problem))
left, right = st.tabs(["Derivatives", "The descent loop"])
with left:
    st.markdown("**1. Partial derivatives.** One per variable: the slope along it while the others are held still.")
    for line in formulas.partials(problem):
        st.latex(line)
    st.markdown("**2. Gradient.** All partial derivatives at a point, collected.")
    st.latex(formulas.gradient(problem))
    st.markdown("**3. Three notations, one meaning.**")
    for line in formulas.notations(problem):
        st.latex(line)
    st.markdown("**At a point of your choosing**")
    point = controls.one_point(problem, "point", (1.0,) * problem.dimension, "Point")
    if point:
        formulas.evaluated(problem, point)
    st.markdown("**Hessian.** The second derivatives; its eigenvalues tell a minimum from a saddle.")
    for line in formulas.hessian(problem):
        st.latex(line)
with right:
    formulas.loop(setup)
answers.reproduce(scripts.of_formulas, problem)
