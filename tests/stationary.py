"""Stationary points for tests: those of the reference cases, and those named by a test itself."""

from dataclasses import dataclass

import numpy as np
from cases import box2, load

from gdcore import Problem

CASES = {case["name"]: case for case in load("minima.json")}


@dataclass(frozen=True)
class Known:
    point: tuple[float, ...]
    value: float
    kind: str
    index: int
    eigenvalues: tuple[float, ...]


def known(problem, places):
    """The places (n, d) as stationary points; the kind is told by the Hessian."""
    out = []
    for place in np.asarray(places, dtype=float).reshape(-1, problem.dimension):
        eigenvalues = np.linalg.eigvalsh(problem.hessian(place))
        index = int((eigenvalues < 0).sum())
        kind = "minimum" if index == 0 else "maximum" if index == problem.dimension else "saddle"
        out.append(Known(tuple(place.tolist()), float(problem.value(place)), kind, index, tuple(eigenvalues.tolist())))
    return out


def reference(name):
    """A problem of minima.json and its minima, saddles and maxima, in this order."""
    case = CASES[name]
    problem = Problem.from_text(case["formula"], box=box2(case["bounds"]), name=name)
    return problem, known(problem, [(m["x"], m["y"]) for m in case["minima"]] + case["saddles"] + case["maxima"])


def rastrigin():
    """Rastrigin in 2-D on a box with 121 minima, 220 saddles and 100 maxima, from its one-dimensional parts."""
    problem = Problem.from_text("20 + x^2 - 10*cos(2*pi*x) + y^2 - 10*cos(2*pi*y)", box={"x": (-5.4, 5.4), "y": (-5.4, 5.4)})
    roots = []
    for k in range(-11, 12):
        z = k / 2
        for _ in range(50):
            z -= (2 * z + 20 * np.pi * np.sin(2 * np.pi * z)) / (2 + 40 * np.pi**2 * np.cos(2 * np.pi * z))
        roots.append(z)
    roots = np.array([z for z in roots if abs(z) < 5.3])
    return problem, known(problem, np.stack(np.meshgrid(roots, roots), axis=-1).reshape(-1, 2))
