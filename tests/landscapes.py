"""Random functions with many stationary points, and those points as Newton's method finds them from everywhere."""

import numpy as np

from gdcore import Problem
from gdcore.merging import merge
from gdcore.newton import newton

NAMES = "xyz"


def box(d, rng):
    return {name: (float(-rng.uniform(1.5, 3)), float(rng.uniform(1.5, 3))) for name in NAMES[:d]}


def polynomial(d, rng):
    """A random polynomial of degree 4 to 6 with a bowl around it."""
    names = NAMES[:d]
    terms = [f"{rng.normal():.4f}*" + "*".join(f"{n}^{rng.integers(1, 4)}" for n in rng.permuted(list(names))[: rng.integers(1, d + 1)]) for _ in range(6)]
    return " + ".join(terms) + " + " + " + ".join(f"0.2*{n}^4" for n in names)


def bumps(d, rng):
    """A sum of Gaussians on a bowl."""
    names, terms = NAMES[:d], []
    for _ in range(5):
        terms.append(f"{rng.normal() * 2:.3f}*exp(-" + " - ".join(f"{rng.uniform(0.5, 4):.3f}*({n} - ({rng.uniform(-2, 2):.3f}))^2" for n in names) + ")")
    return " + ".join(terms) + " + " + " + ".join(f"0.05*{n}^2" for n in names)


def product(d, rng):
    """Waves times each other, tilted."""
    names = NAMES[:d]
    waves = "*".join(f"(1.5 + sin({rng.uniform(1, 3):.3f}*{n} + {rng.uniform(0, 6):.3f}))" for n in names)
    return waves + " + " + " + ".join(f"{rng.normal() * 0.3:.3f}*{n}" for n in names)


def rational(d, rng):
    names = NAMES[:d]
    square = " + ".join(f"({n} - {rng.uniform(-1, 1):.3f})^2" for n in names)
    return f"({rng.normal():.3f} + {' + '.join(f'{rng.normal():.3f}*{n}' for n in names)})/({square} + {rng.uniform(0.2, 1):.3f}) + 0.05*({square})"


FAMILIES = (polynomial, bumps, product, rational)


def problem(family, d, seed):
    rng = np.random.default_rng(seed)
    return Problem.from_text(family(d, rng), box=box(d, rng))


def stationary_points(problem, starts=900):
    """The regular stationary points (k, d) in the closed box that Newton's method finds, and their numbers of negative eigenvalues."""
    rng, d = np.random.default_rng(0), problem.dimension
    points = rng.uniform(problem.lows, problem.highs, (starts, d))
    for _ in range(4):  # damped steps spread them over the box; the last ones are Newton's own
        with np.errstate(all="ignore"):
            _, gradient, hessian = problem.differentiate(points)
            usable = np.isfinite(gradient).all(axis=1) & np.isfinite(hessian).all(axis=(1, 2))
            points, gradient, hessian = points[usable], gradient[usable], hessian[usable]
            move = -(np.linalg.pinv(hessian) @ gradient[..., None])[..., 0]
            points = np.clip(points + np.clip(move, -0.1, 0.1) * (problem.highs - problem.lows), problem.lows, problem.highs)
    found = merge(problem, newton(problem, points)).stationary
    kept = [s for s in found if s.kind not in ("degenerate", "none") and (problem.lows <= s.point).all() and (problem.highs >= s.point).all()]
    places = np.array([s.point for s in kept]).reshape(-1, d)
    return places, [int((np.asarray(s.eigenvalues) < 0).sum()) for s in kept]


