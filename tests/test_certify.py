"""Certificates against the reference cases, against Newton's method from everywhere, and where nothing can be proved."""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from cases import box2, load
from landscapes import FAMILIES, problem, stationary_points
from stationary import rastrigin

from gdcore import GALLERY, Problem
from gdcore.certify import certify

CASES = {case["name"]: case for case in load("minima.json")}
LINES = {case["name"]: case for case in load("minima_1d.json")}
DEGENERATE = {case["name"]: case for case in load("minima_degenerate.json")}
UNDECIDED_EDGE = {"Bird"}  # its box ends at -2 pi and 2 pi, to the last digit where a slope across the edge is 0
SINGULAR_EDGE = {"DoubleWell_close0.001"}
LONG = 60.0


def certificate(case):
    """The problem of a reference case, and its certificate."""
    function = Problem.from_text(case["formula"], box=box2(case["bounds"]))
    return function, certify(function, seconds=LONG)


def width(point):
    return max((high - low) / max(1.0, abs(low)) for low, high in point.enclosure)


def paired(points, places):
    """Certified points and known places, one to one, to 1e-9."""
    assert len(points) == len(places)
    if not len(places):
        return []
    places = np.array(places, dtype=float).reshape(len(places), -1)
    found = np.array([p.point for p in points])
    distance = np.abs(found[:, None] - places[None]).max(axis=2)
    order = distance.argmin(axis=0)
    assert sorted(order) == list(range(len(points)))
    assert (distance[order, np.arange(len(places))] <= 1e-9 * np.maximum(1, np.abs(places).max(axis=1))).all()
    return [points[k] for k in order]


def holds(interval, digits):
    """Whether an interval of doubles holds a number given by its digits."""
    return Fraction(interval[0]) <= Fraction(digits) <= Fraction(interval[1])


# -- reference cases ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_the_stationary_points_of_the_reference_cases(name):
    case = CASES[name]
    function, found = certificate(case)
    assert found.complete == (case["n_degenerate"] == 0) and not found.undefined and not found.edge
    assert bool(found.unresolved) != found.complete and bool(found.reason) != found.complete
    minima = paired(found.minima, [(m["x"], m["y"]) for m in case["minima"]])
    paired(found.of_kind("saddle"), case["saddles"])
    paired(found.of_kind("maximum"), case["maxima"])
    assert not found.of_kind("undecided")
    for point, known in zip(minima, case["minima"], strict=True):
        assert holds(point.enclosure[0], known["x_str"]) and holds(point.enclosure[1], known["y_str"])
        assert holds(point.value_enclosure, known["f_str"])
        assert point.value_enclosure[1] - point.value_enclosure[0] <= 1e-10 * max(1.0, abs(known["f"]))
        np.testing.assert_allclose(point.eigenvalues, known["hessian_eigs"], rtol=1e-7)
    assert all(width(p) < 1e-11 and p.holds(p.point) for p in found.points)
    assert found.boundary_complete == (name not in UNDECIDED_EDGE)
    paired(found.boundary, [(m["x"], m["y"]) for m in case["boundary_minima"]])
    turns = winding(function)
    if name not in SINGULAR_EDGE:
        assert turns is not None and abs(turns - round(turns)) < 1e-6
        indices = len(found.minima) + len(found.of_kind("maximum")) - len(found.of_kind("saddle"))
        assert indices == round(turns) or not found.complete


def winding(problem, count=40_000):
    """How often the gradient turns along the edge (Poincaré and Hopf: the sum of indices); None where it turns too fast to tell."""
    (a, b), (c, d) = problem.limits
    t = np.linspace(0, 1, count)
    low, high = np.zeros(count), np.ones(count)
    sides = [(t, low), (high, t), (1 - t, high), (low, 1 - t)]
    edge = np.concatenate([np.stack([a + u * (b - a), c + v * (d - c)], axis=1) for u, v in sides])
    gradient = problem.gradient(edge)
    angle = np.diff(np.unwrap(np.arctan2(gradient[:, 1], gradient[:, 0])))
    return angle.sum() / (2 * math.pi) if np.abs(angle).max() < 1.5 else None


@pytest.mark.parametrize("name", LINES)
def test_one_variable(name):
    case = LINES[name]
    found = certify(Problem.from_text(case["formula"], box={"x": tuple(case["bounds"][0])}), seconds=LONG)
    known = [*case["minima"], *case.get("sub_resolution_minima", [])]
    degenerate = case.get("degenerate", [])
    assert found.complete == (not degenerate)
    minima = paired(found.minima, [(m["x"],) for m in known])
    if "n_maxima" in case and "sub_resolution_minima" not in case:
        assert len(found.of_kind("maximum")) == case["n_maxima"]
    for point, place in zip(minima, known, strict=True):
        if "x_str" in place:
            assert holds(point.enclosure[0], place["x_str"]) and holds(point.value_enclosure, place["f_str"])
        assert width(point) < 1e-11
    if found.boundary_complete:
        paired(found.boundary, [(m["x"],) for m in case["boundary_minima"]])


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_cases_are_never_complete(name):
    case = DEGENERATE[name]
    found = certify(Problem.from_text(case["formula"], box=box2(case["bounds"])), boxes=20_000, seconds=LONG)
    assert found.complete == (name == "FlatTail")
    assert len(found.minima) == (name == "FlatTail")
    if not found.complete:
        place = (2.0, -3.0) if name == "Decanomial" else (0.0, 1.7) if name == "Trough" else (0.0, 0.0) if name != "Hyperbola" else (1.6, 1.25)
        assert any(all(low <= c <= high for c, (low, high) in zip(place, region.limits, strict=True)) for region in found.unresolved)


def test_rastrigin_whole():
    function, known = rastrigin()
    found = certify(function, seconds=LONG)
    assert found.complete
    for kind, count in (("minimum", 121), ("saddle", 220), ("maximum", 100)):
        assert len(paired(found.of_kind(kind), [k.point for k in known if k.kind == kind])) == count


# -- nothing is lost ---------------------------------------------------------------------------------------------------


def accounted(found, place, within=1e-9):
    """Whether a place is in the enclosure of a certified point, to the rounding of the place, or in an unresolved region."""
    certified = any(all(low - within <= c <= high + within for c, (low, high) in zip(place, p.enclosure, strict=True)) for p in (*found.points, *found.edge))
    return certified or any(all(low - within <= c <= high + within for c, (low, high) in zip(place, r.limits, strict=True)) for r in found.unresolved)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_no_stationary_point_is_lost(family, d):
    for seed in range(4 if d < 3 else 2):
        function = problem(family, d, 100 * d + seed)
        places, negative = stationary_points(function)
        whole = certify(function, seconds=LONG, boxes=40_000)
        assert d == 3 or whole.complete
        if whole.complete and places.size:
            for place, index in zip(places, negative, strict=True):
                nearest = min((*whole.points, *whole.edge), key=lambda p: np.abs(np.subtract(p.point, place)).max())
                assert np.abs(np.subtract(nearest.point, place)).max() < 1e-8 and nearest.index in (index, None)
        for budget in ({"boxes": 50}, {"boxes": 500}, {"seconds": 0.001}):
            found = certify(function, **budget)
            assert not any(not accounted(found, place) for place in places), (function.formula, budget)
            assert found.boxes <= budget.get("boxes", 10**9)
            assert not found.complete or not found.unresolved
            assert all(accounted(found, p.point) for p in whole.points)


@pytest.mark.parametrize("name", [name for name in GALLERY if GALLERY[name].minima and name not in CASES])
def test_known_minima_of_the_gallery_are_certified_or_unresolved(name):
    function = GALLERY[name]
    found = certify(function, boxes=10_000, seconds=LONG)
    for place in function.minima:
        assert accounted(found, place, 1e-6)
    if found.complete:
        assert len(found.minima) >= len(function.minima) or any(p.kind == "undecided" for p in found.points)


DOUBTFUL = [
    "x^4 + y^4", "x^2*y^2", "(x*y - 2)^2", "x^3 + y^2", "x^3 - 3*x*y^2", "x^2 + 0*y", "|x| + |y|", "sqrt(x^2 + y^2)",
    "floor(x) + y^2", "sign(x - 0.3)*x + (x - 0.3)^2 + y^2", "mod(x, 1) + y^2", "max(x, -x) + y^2", "(x^2 + y^2)^(1/4)", "cbrt(x^2) + y^2",
    "atan2(y, x)^2 + (x + 1)^2 + y^2", "ceil(x)*0.1 + x^2 + y^2", "(x - 1/3)^4 + y^2", "min(x^2, 1) + y^2", "max(x^2 + y^2, 1)",
    "abs(x - 1/3) + 0.3*x + y^2", "cos(x) + y^2*0 + 1", "(x^2 + y^2 - 1)^2", "cbrt(x)^2 + abs(y)", "hypot(x, y - 0.1)*3 + x",
]  # fmt: skip


@pytest.mark.parametrize("formula", DOUBTFUL)
def test_what_cannot_be_decided_is_not_called_complete(formula):
    found = certify(Problem.from_text(formula, box={"x": (-2.0, 3.0), "y": (-2.5, 2.0)}), boxes=15_000, seconds=LONG)
    assert not found.complete and found.unresolved and found.reason and found.unresolved_share > 0


@pytest.mark.parametrize(("formula", "place"), [("|x| + |y|", (0, 0)), ("floor(x)*(-1) + 0.5*x + y^2", (1, 0)), ("max(x - 1, 1 - x) + y^2", (1, 0)), ("x*sign(x) + y^2", (0, 0))])
def test_a_minimum_at_a_kink_or_jump_is_unresolved(formula, place):
    found = certify(Problem.from_text(formula, box={"x": (-2.0, 3.0), "y": (-2.5, 2.0)}), boxes=15_000, seconds=LONG)
    assert accounted(found, place) and not found.complete


# -- edges, holes, limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("formula", "count"), [("(x + 2)^2 + y^2", 1), ("(x - 3)^2 + (y + 2)^2", 1), ("cos(pi*x) + cos(pi*y)", 20 - 4), ("(x^2 - 4)^2 + y^2", 1)])
def test_stationary_points_on_the_edge(formula, count):
    found = certify(Problem.from_text(formula, box={"x": (-2.0, 3.0), "y": (-2.0, 2.0)}), seconds=LONG)
    assert found.complete and all(any(p.holds((x, p.point[1])) for x in (-2.0, 3.0)) or any(p.holds((p.point[0], y)) for y in (-2.0, 2.0)) for p in found.edge)
    if "cos" in formula:
        assert len(found.edge) == 18 and len(found.points) == 12
    else:
        assert len(found.edge) == count
    inside = [p for p in found.points if not all(low > a and high < b for (low, high), (a, b) in zip(p.enclosure, ((-2, 3), (-2, 2)), strict=True))]
    assert not inside


@pytest.mark.parametrize(
    ("formula", "minima", "saddles"),
    [
        ("1/x + x + y^2", [(1, 0)], [(-1, 0)]), ("sqrt(x)*(x - 1)^2 + y^2", [(1, 0)], [(0.2, 0)]),
        ("x - log(x) + y^2", [(1, 0)], []), ("x^2 + 1/x^2 + y^2", [(-1, 0), (1, 0)], []),
    ],
)  # fmt: skip
def test_where_f_lacks_a_value_in_a_part(formula, minima, saddles):
    found = certify(Problem.from_text(formula, box={"x": (-2.9, 4.0), "y": (-3.0, 3.1)}), seconds=LONG)
    assert found.undefined
    paired(found.minima, minima)
    paired(found.of_kind("saddle"), saddles)


def test_beyond_a_logarithm_nothing_is_looked_for():
    found = certify(Problem.from_text("log(x) + y^2", box={"x": (-3.0, 4.0), "y": (-3.0, 3.1)}), seconds=LONG)
    assert found.undefined and not found.points and not found.edge


@pytest.mark.parametrize("formula", ["1/(x^3 - 3*x + 2)", "1/((x - 1)^2*(x + 2)) + x*0", "x^3/(x - 1)^4"])
def test_no_point_is_certified_at_a_pole(formula):
    found = certify(Problem.from_text(formula, box={"x": (-1.5, 3.0)}), seconds=LONG)
    assert found.undefined and not any(abs(p.point[0] - 1) < 1e-3 for p in found.points)
    assert all(np.isfinite(p.value_enclosure).all() and p.kind != "undecided" for p in found.points)


@pytest.mark.parametrize(
    ("formula", "place"),
    [("exp(exp(x)) - 3*exp(x) + y^2", (math.log(math.log(3)), 0)), ("x^200 - 200*x + y^2", (1, 0)), ("exp(x^2)*exp(y^2)", (0, 0)), ("cosh(50*x) + y^2", (0, 0)), ("1e150*(x - 1)^2 + y^2", (1, 0))],
)
def test_overflow_loses_nothing(formula, place):
    for box in ({"x": (-40.0, 41.0), "y": (-30.0, 31.0)}, {"x": (-900.0, 1000.0), "y": (-1.0, 2.0)}):
        assert accounted(certify(Problem.from_text(formula, box=box), boxes=20_000, seconds=LONG), place)


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e120])
def test_points_do_not_depend_on_the_scale_of_f(scale):
    found = certify(Problem.from_text(f"{scale}*((x^2 - 1)^2 + 0.3*x + y^2)"), seconds=LONG)
    assert accounted(found, (-1.0353803, 0.0), 1e-3) and accounted(found, (0.9601, 0.0), 1e-2)
    assert found.complete and len(found.minima) == 2


@pytest.mark.parametrize("shift", [0.0, 1e3, 1e8])
@pytest.mark.parametrize("size", [1e-9, 1e-3, 1.0, 1e6])
def test_points_do_not_depend_on_the_scale_of_the_box(size, shift):
    if size < 1e-7 * shift:
        return
    formula = f"(((x - {shift})/{size})^2 - 1)^2 + 0.3*(x - {shift})/{size}"
    found = certify(Problem.from_text(formula, box={"x": (shift - 1.9 * size, shift + 2 * size)}), seconds=LONG)
    assert len(found.minima) == 2 and len(found.points) == 3 and found.complete


def test_parameters_are_honoured():
    function = GALLERY["rippled_bowl"]
    few, many = (certify(function.with_parameters(h=h), seconds=LONG) for h in (0.0, 2.0))
    assert few.complete and len(few.points) == 1
    assert many.complete and len(many.minima) > 4


def test_an_exception_in_the_report_of_progress_cancels():
    class Cancelled(Exception):
        pass

    seen = []

    def report(done, budget, waiting):
        seen.append((done, budget, waiting))
        if len(seen) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        certify(GALLERY["peaks"], on_progress=report)
    assert len(seen) == 3 and [s[0] for s in seen] == sorted(s[0] for s in seen) and seen[0][1] == 200_000
    assert all(0 <= waiting for _, _, waiting in seen)


@pytest.mark.parametrize("name", ["peaks", "six_hump_camel", "ackley", "hartmann_3", "pyramid"])
def test_the_same_call_gives_the_same_certificate(name):
    first, second = (certify(GALLERY[name], boxes=5_000, seconds=LONG) for _ in range(2))
    assert replace(first, seconds=0.0) == replace(second, seconds=0.0)


def test_seven_variables_are_refused_with_a_reason():
    function = Problem.from_text("+".join(f"x{k}^2" for k in range(7)), box={f"x{k}": (-1, 2) for k in range(7)})
    found = certify(function)
    assert not found.complete and not found.points and "7 variables" in found.reason and found.unresolved_share == 1.0
    assert found.unresolved[0].limits == function.limits


@pytest.mark.parametrize("budget", [{"boxes": 0}, {"boxes": 1}, {"seconds": 0.0}])
def test_no_budget_leaves_the_whole_box_unresolved(budget):
    found = certify(GALLERY["peaks"], **budget)
    assert not found.complete and found.reason and found.unresolved_share > 0.99
    whole = certify(GALLERY["peaks"]).points
    assert all(any(p.kind == q.kind and np.allclose(p.point, q.point, rtol=0, atol=1e-12) for q in whole) for p in found.points)


def test_points_come_in_order():
    found = certify(GALLERY["himmelblau"], seconds=LONG)
    assert [p.kind for p in found.points] == ["minimum"] * 4 + ["saddle"] * 4 + ["maximum"]
    assert [p.index for p in found.points] == [0] * 4 + [1] * 4 + [2]
    for kind in ("minimum", "saddle"):
        values = [p.value for p in found.of_kind(kind)]
        assert values == sorted(values)
    assert found.minima == found.points[:4] and found.unresolved_share == 0.0


@pytest.mark.parametrize("name", ["peaks", "muller_brown", "styblinski_tang_3", "gramacy_lee", "sphere_5"])
def test_a_certified_point_is_alone_in_its_enclosure_and_its_value_is_held(name):
    function, found = GALLERY[name], certify(GALLERY[name], seconds=LONG)
    assert found.complete
    for k, p in enumerate(found.points):
        assert p.holds(p.point) and p.value_enclosure[0] <= p.value <= p.value_enclosure[1]
        assert not any(other.holds(p.point) for other in found.points[:k])
        assert p.index == (np.asarray(p.eigenvalues) < 0).sum()
        assert abs(function.gradient(p.point)).max() <= 1e-9 * max(map(abs, p.eigenvalues))


@pytest.mark.parametrize(("formula", "most"), [("(x*y - 2)^2", 0.003), ("x^2*y^2", 3e-4), ("x^4 + y^4", 1e-9), ("3 + 0*x*y", 1.01)])
def test_the_parts_of_a_region_cover_what_is_unresolved_and_little_else(formula, most):
    """Where the gradient is 0 by closed form, a part is there; together they take far less room than their hull."""
    problem = Problem.from_text(formula, box={"x": (-3, 3), "y": (-3, 3)})
    found = certify(problem, seconds=LONG)
    parts = np.array([part for region in found.unresolved for part in region.parts])
    assert found.unresolved and all(1 <= len(region.parts) <= 400 for region in found.unresolved)
    for region in found.unresolved:
        own, hull = np.array(region.parts), np.array(region.limits)
        assert np.array_equal(own[..., 0].min(axis=0), hull[:, 0]) and np.array_equal(own[..., 1].max(axis=0), hull[:, 1])
    volumes = ((parts[..., 1] - parts[..., 0]) / 6).prod(axis=1)
    assert found.unresolved_share <= volumes.sum() * (1 + 1e-9) and volumes.sum() <= most * (1 + 1e-9)
    t = np.linspace(0.7, 2.9, 300)
    zeros = {"(x*y - 2)^2": np.stack([t, 2 / t]), "x^2*y^2": np.stack([t, 0 * t])}.get(formula, np.zeros((2, 1)))
    inside = (np.abs(zeros) <= 3).all(axis=0)
    held = ((zeros.T[:, None] >= parts[None, ..., 0]) & (zeros.T[:, None] <= parts[None, ..., 1])).all(axis=2).any(axis=1)
    assert held[inside].all()
