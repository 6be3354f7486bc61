"""Every gallery entry: its known minima are minima, its derivatives agree with differences, its runs find what is listed."""

import mpmath
import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Ending, Experiment, Problem, Starts, run
from gdcore.formula import FormulaError

WITH_MINIMA = [key for key, problem in GALLERY.items() if problem.minima]
ASKED = """peaks peaks_misprinted himmelblau rosenbrock rosenbrock_4 rastrigin ackley styblinski_tang six_hump_camel
three_hump_camel beale booth matyas mccormick goldstein_price branin levy_13 griewank easom muller_brown egg_crate
bohachevsky schwefel michalewicz tilted_double_well""".split()


def test_the_gallery_holds_what_was_asked_for():
    assert next(iter(GALLERY)) == "peaks"
    assert len(GALLERY) >= 30
    assert not set(ASKED) - set(GALLERY)
    assert sum(problem.dimension == 1 for problem in GALLERY.values()) >= 3
    assert sum(problem.dimension > 2 for problem in GALLERY.values()) >= 3
    assert sum(bool(problem.parameters) for problem in GALLERY.values()) >= 4


@pytest.mark.parametrize("key", GALLERY)
def test_an_entry_says_what_it_is(key):
    problem = GALLERY[key]
    assert problem.name and problem.source and problem.about
    assert 0 < problem.rate <= 10
    start, box = problem.start_box, problem.box
    assert all(box[name][0] <= start[name][0] < start[name][1] <= box[name][1] for name in box)


@pytest.mark.parametrize("key", WITH_MINIMA)
def test_known_minima_have_gradient_zero_and_positive_hessian(key):
    problem = GALLERY[key]
    for point in problem.minima:
        _, gradient, hessian = problem.differentiate(point)
        eigenvalues = np.linalg.eigvalsh(hessian)
        assert eigenvalues[0] > 0
        assert np.abs(gradient).max() <= 1e-12 * eigenvalues[-1] * (1 + np.abs(point).max())
        assert ((problem.lows < point) & (point < problem.highs)).all()


@pytest.mark.parametrize("key", WITH_MINIMA)
def test_known_minima_are_listed_deepest_first(key):
    values = GALLERY[key].value(GALLERY[key].minima)
    assert (np.diff(values) >= -1e-9 * (1 + np.abs(values[:-1]))).all()


@pytest.mark.parametrize("key", GALLERY)
def test_gradient_and_hessian_agree_with_central_differences(key):
    """Differences of fourth order; points near a kink or jump, where they mean nothing, agree on no step and are left out."""
    problem = GALLERY[key]
    region = np.array(list(problem.start_box.values()))
    points = region[:, 0] + np.random.default_rng(7).random((25, problem.dimension)) * (region[:, 1] - region[:, 0])
    compared = 0
    for function, derivative in ((problem.value, problem.gradient), (problem.gradient, problem.hessian)):
        exact = derivative(points)
        for i in range(problem.dimension):
            coarse, fine = (differences(function, points, i, h) for h in (2e-4, 1e-4))
            scale = 1 + np.abs(exact[..., i]) + 1e-6 * np.abs(function(points))
            sound = np.abs(coarse - fine) <= 1e-5 * scale
            assert (np.abs(fine - exact[..., i]) <= 5e-5 * scale)[sound].all()
            compared += int(sound.sum())
    assert compared >= 15 * problem.dimension


def differences(function, points, i, h):
    step = np.zeros(points.shape[1])
    step[i] = h
    near = function(points + step) - function(points - step)
    far = function(points + 2 * step) - function(points - 2 * step)
    return (8 * near - far) / (12 * h)


@pytest.mark.parametrize("key", WITH_MINIMA)
def test_runs_find_a_listed_deepest_minimum_or_say_why_not(key):
    problem = GALLERY[key]
    found = run(Experiment(problem, OPTIMIZERS["gd"], {"lr": problem.rate}, Starts(count=400, seed=3)))
    inside = [m for m in found.minima if m.inside_box]
    if problem.dimension == 2:
        assert inside
        assert min(m.value for m in inside) >= problem.value(problem.minima[0]) - 1e-9 * (1 + abs(inside[0].value))
    assert sum(found.ending_counts().values()) == 400


def test_misprinted_peaks_is_unbounded_below_and_says_so():
    problem = GALLERY["peaks_misprinted"]
    found = run(Experiment(problem, OPTIMIZERS["gd"], {"lr": problem.rate}, Starts(count=300)))
    assert found.ending_counts()[Ending.DIVERGED] > 150
    assert not found.minima


def test_peaks_has_the_values_of_the_note():
    gradient = GALLERY["peaks"].gradient([1, 1])
    assert gradient == pytest.approx([-1.07369833656079, 1.89918592997863], rel=1e-14)


def test_peaks_minimum_to_thirty_digits():
    """The deepest minimum, found again by mpmath from the formula written out by hand."""
    with mpmath.workdps(30):
        def f(x, y):
            e = mpmath.exp
            middle = (x / 5 - x**3 - y**5) * e(-(x**2) - y**2)
            return 3 * (1 - x) ** 2 * e(-(x**2) - (y + 1) ** 2) - 10 * middle - e(-((x + 1) ** 2) - y**2) / 3

        slope = [lambda x, y: mpmath.diff(f, (x, y), (1, 0)), lambda x, y: mpmath.diff(f, (x, y), (0, 1))]
        x, y = mpmath.findroot(lambda x, y: [s(x, y) for s in slope], (0.23, -1.63))
    assert GALLERY["peaks"].minima[0] == pytest.approx((float(x), float(y)), rel=1e-15)


@pytest.mark.parametrize("key", [key for key, problem in GALLERY.items() if problem.parameters])
def test_parameters_change_the_function_within_their_range(key):
    problem = GALLERY[key]
    for name, setting in problem.parameter_settings.items():
        other = problem.with_parameters(**{name: setting.high})
        where = (problem.lows + 2 * problem.highs) / 3
        assert other.value(where) != problem.value(where) or other.parameters != problem.parameters
        with pytest.raises(ValueError, match="give a number from"):
            problem.with_parameters(**{name: setting.high + 1})


def test_eleven_variables_are_refused():
    with pytest.raises((FormulaError, ValueError), match="1 to 10"):
        Problem.from_text("x1", box={f"x{i}": (0, 1) for i in range(11)})
