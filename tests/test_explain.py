"""What one run did: steps computed by hand in the double well, and runs that end in every other way."""

import math
from dataclasses import replace

import numpy as np
import pytest
from stationary import known

from gdcore import GALLERY, OPTIMIZERS, Ending, Experiment, Optimizer, Problem, Starts, Stopping, trace
from gdcore.arcs import Fate
from gdcore.certify import certify
from gdcore.explain import explain
from gdcore.structure import structure

WELLS = Problem.from_text("(x^2 - 1)^2 + y^2", box={"x": (-2, 2), "y": (-2, 2)})
BORDERS = structure(WELLS, known(WELLS, [(-1, 0), (1, 0), (0, 0)]))
NO_RATE = Optimizer.from_text("No rate", "x = x - 0.22*g")


DEFAULT = Stopping()


def explained(problem, optimizer, settings, start, *, stopping=DEFAULT, whole=None, minima=None):
    optimizer = OPTIMIZERS[optimizer] if isinstance(optimizer, str) else optimizer
    experiment = Experiment(problem, optimizer, settings, stopping=stopping)
    run = trace(problem, optimizer, experiment.settings, start, stopping)
    return explain(experiment, run, whole, minima), run


def in_wells(optimizer, settings, start, **options):
    return explained(WELLS, optimizer, settings, start, whole=BORDERS, **options)


def test_the_first_step_over_the_border_by_hand():
    here, run = in_wells("gd", {"lr": 0.22}, [-1.5, 0.4])
    step, slope = (1.65, -0.176), (-7.5, 0.8)  # to (0.15, 0.224)
    length, norm = math.hypot(*step), math.hypot(*slope)
    curvature = (23 * step[0] ** 2 + 2 * step[1] ** 2) / length**2  # the Hessian at x = -1.5 is diag(12x² - 4, 2)
    first = here.first
    assert here.borders == (1,) and first == here.last and first.epoch == 1
    assert (first.length, first.gradient_norm, first.curvature) == pytest.approx((length, norm, curvature))
    assert first.largest_curvature == pytest.approx(23) and first.limit == pytest.approx(2 / curvature)
    assert first.rate == 0.22 and first.overshoots and first.plain and not first.uphill
    assert first.relative_length == pytest.approx(1)
    assert first.origin == here.basin and first.origin.minimum.point == (-1, 0) and first.goal.minimum.point == (1, 0)
    assert (first.origin.minimum.number, first.goal.minimum.number) == (0, 1)
    assert here.ending is Ending.MINIMUM and here.minimum.number == 1 and here.carried is True
    assert here.minimum.point == pytest.approx((1, 0)) and here.looked_at == len(run.path)


def test_a_gentle_run_stays_where_it_is():
    here, run = in_wells("gd", {"lr": 0.02}, [-0.4, 1.1])
    assert here.borders == () and here.first is None and here.last is None and here.carried is False
    assert here.rises == 0 and here.first_rise is None and here.looked_at == len(run.path)
    assert here.basin.fate == Fate.ARRIVED and here.basin.minimum == here.minimum


def test_places_of_the_run():
    here, run = in_wells("gd", {"lr": 0.02}, [-0.1, 0.0])  # |∇f| = 4x(1 - x²) is largest at x² = 1/3
    assert here.start.epoch == 0 and here.start.point == (-0.1, 0.0) and here.start.value == pytest.approx(0.99**2)
    assert here.start.gradient_norm == pytest.approx(0.4 * 0.99)
    assert abs(here.steepest.point[0] + math.sqrt(1 / 3)) < 0.03 and here.steepest.gradient_norm <= 8 / 3 / math.sqrt(3)
    assert here.steepest.gradient_norm == max(run.gradient_norms) == run.gradient_norms[here.steepest.epoch]
    assert here.end.epoch == len(run.path) - 1 and here.end.point == tuple(run.path[-1])
    assert here.by_tolerance and here.end.gradient_norm <= here.tolerance == 1e-6 and here.epochs == 1000


@pytest.mark.parametrize("name", ["gd", "momentum", "nesterov", "adam", "adamax"])
def test_borders_are_the_changes_of_sign_or_of_being_far_away(name):
    rng = np.random.default_rng(3)
    crossed = 0
    for rate in (0.1, 0.22, 0.5, 1.0):
        for start in rng.uniform(-1.6, 1.6, (6, 2)):
            here, run = in_wells(name, {"lr": rate}, start, stopping=Stopping(60))
            x = run.path[np.isfinite(run.path).all(axis=1)]
            side = np.where((np.abs(x) > 4).any(axis=1), -1, x[:, 0] > 0)
            if (np.abs(x[:, 0]) < 0.01).any():
                continue  # so near the saddle that it may be undecided
            assert here.borders == tuple(np.flatnonzero(np.diff(side)) + 1)
            crossed += len(here.borders)
            if here.borders:
                assert (here.first.epoch, here.last.epoch) == (here.borders[0], here.borders[-1])
    assert crossed > (5 if name in ("gd", "momentum", "nesterov") else 0)


def test_a_schedule_has_its_rate_at_the_step():
    schedule = "0.02 + 0.58*max(0, 1 - abs(t - 4))"  # 0.6 at the fourth step, else 0.02
    here, run = in_wells("gd", {"lr": schedule}, [-1.7, 0.0], stopping=Stopping(300))
    x = -1.7
    positions = [x]
    for t in range(1, 6):
        x -= (0.6 if t == 4 else 0.02) * 4 * x * (x * x - 1)
        positions.append(x)
    assert run.path[:6, 0] == pytest.approx(positions)
    crossing = next(k for k in range(1, 6) if positions[k] > 0)
    assert here.borders == (crossing,) == (4,) and here.first.rate == pytest.approx(0.6) and here.first.plain
    assert here.first.limit == pytest.approx(2 / (12 * positions[3] ** 2 - 4)) and here.first.overshoots


def test_momentum_takes_a_step_that_is_not_plain_descents():
    here, run = in_wells("momentum", {"lr": 0.03, "momentum": 0.95}, [-1.7, 0.0], stopping=Stopping(200))
    v, x, k = 0.0, -1.7, 0
    while x < 0:
        slope, before = 4 * x * (x * x - 1), x
        v = 0.95 * v + slope
        x, k = x - 0.03 * v, k + 1
    first = here.first
    assert first.epoch == k > 1 and not first.plain and first.rate == 0.03
    assert first.relative_length == pytest.approx(abs(v) / abs(slope)) and first.uphill == (slope > 0) is True
    assert first.curvature == pytest.approx(12 * before**2 - 4) == first.largest_curvature or first.largest_curvature == pytest.approx(2)


def test_where_f_is_curved_downward_there_is_no_limit():
    here, _ = in_wells("momentum", {"lr": 0.03, "momentum": 0.95}, [-1.7, 0.0], stopping=Stopping(200))
    assert here.first.curvature < 0 and here.first.limit == math.inf and not here.first.overshoots


def test_optimizers_that_read_no_rate_have_none():
    here, _ = in_wells(NO_RATE, {}, [-1.5, 0.4])
    assert here.borders == (1,) and here.first.rate is None and here.first.relative_length is None
    assert not here.first.plain and not here.first.overshoots and here.first.curvature > 20
    rprop, _ = in_wells("rprop", {"lr": 2.0}, [-1.5, 0.4])  # its lr is the length of the first step alone
    assert rprop.first.rate is None and rprop.first.length == pytest.approx(math.hypot(2, 2))


def test_rising_steps_are_counted_without_rounding():
    here, run = in_wells("gd", {"lr": 0.24}, [-1.4, 0.3])
    rose = [k for k in range(1, len(run.values)) if run.values[k] - run.values[k - 1] > 1e-11]
    assert here.rises == len(rose) > 0 and here.first_rise == rose[0]
    still, run = explained(Problem.from_text("x^2 + y^2 + 1"), "gd", {"lr": 0.1}, [1.0, 1.0], stopping=Stopping(1000, 0.0))
    assert still.rises == 0 and not still.by_tolerance and still.ending is Ending.MINIMUM


def test_rounding_is_no_rise_and_infinity_is_one():
    _, run = explained(Problem.from_text("x^2", box={"x": (-1, 1)}), "gd", {"lr": 1e-3}, [0.5])
    noisy = replace(run, values=np.array([1.0, 1 + 1e-14, 1 + 1e-9]), path=run.path[:3], gradient_norms=np.ones(3))
    here = explain(Experiment(Problem.from_text("x^2", box={"x": (-1, 1)}), OPTIMIZERS["gd"]), noisy)
    assert here.rises == 1 and here.first_rise == 2
    up = replace(run, values=np.array([1.0, 2.0, np.inf]), path=run.path[:3], gradient_norms=np.ones(3))
    again = explain(Experiment(Problem.from_text("x^2", box={"x": (-1, 1)}), OPTIMIZERS["gd"]), up)
    assert again.rises == 2 and again.first_rise == 1


def test_a_small_gradient_alone_ended_nothing():
    here, run = in_wells("gd", {"lr": 0.02}, [-0.4, 1.1])
    moving = explain(Experiment(WELLS, OPTIMIZERS["gd"], {"lr": 0.02}), replace(run, ending=Ending.LEFT_BOX), BORDERS)
    assert here.by_tolerance and not moving.by_tolerance


@pytest.mark.parametrize("minima, numbers", [(None, (0, 1)), ([(1, 0), (-1, 0)], (1, 0)), ([(1, 0)], (None, 0)), ([], (None, None))])
def test_the_numbers_are_those_of_the_list_given(minima, numbers):
    here, _ = in_wells("gd", {"lr": 0.22}, [-1.5, 0.4], minima=minima)
    assert (here.basin.minimum.number, here.minimum.number) == numbers
    assert (here.first.origin.minimum.number, here.first.goal.minimum.number) == numbers and here.carried


def test_without_a_structure_nothing_is_said_of_basins():
    here, _ = explained(WELLS, "gd", {"lr": 0.22}, [-1.5, 0.4], minima=[(1, 0)])
    assert here.basin is None and here.borders == () and here.first is None and here.carried is None and here.looked_at == 0
    assert here.minimum.number == 0 and here.rises == 0 and here.steepest.epoch == 0


def test_a_run_that_starts_at_a_saddle_takes_no_step():
    here, run = in_wells("gd", {"lr": 0.1}, [0.0, 0.0])
    assert len(run.path) == 1 and here.end == here.start == here.steepest and here.ending is Ending.SADDLE
    assert here.basin.fate == Fate.UNDECIDED and here.basin.minimum is None
    assert here.borders == () and here.by_tolerance and here.minimum is None and here.carried is None


def test_a_run_that_diverges():
    here, run = in_wells("gd", {"lr": 0.3}, [-1.9, 0.0])
    assert here.ending is Ending.DIVERGED and here.borders == tuple(np.flatnonzero(np.diff(_sides(run))) + 1) and here.borders
    assert here.last.goal == type(here.basin)(Fate.LEFT, None) and not here.by_tolerance and here.carried is None
    assert here.outside > 1e5 and here.steepest.gradient_norm == np.nanmax(run.gradient_norms[np.isfinite(run.gradient_norms)])


def _sides(run):
    x = run.path[:, 0]
    return np.where(np.abs(x) > 4, -1, x > 0)


def test_a_run_that_leaves_the_domain_and_one_that_never_was_in_it():
    root = Problem.from_text("(sqrt(x) - 1)^2", box={"x": (0, 4)})
    whole = structure(root, known(root, [(1,)]))
    gone, _ = explained(root, "gd", {"lr": 10.0}, [3.9], whole=whole)  # f' = 1 - 1/sqrt(x)
    x = 3.9 - 10 * (1 - 1 / math.sqrt(3.9))
    assert gone.ending is Ending.LEFT_DOMAIN and gone.end.point == pytest.approx((x,)) and gone.outside == pytest.approx(-x / 4)
    assert not gone.by_tolerance and math.isnan(gone.end.value) and gone.basin.minimum.number == 0
    assert gone.borders == (1,) and gone.first.goal.fate == Fate.DOMAIN and gone.steepest.epoch == 0
    never, _ = explained(root, "gd", {"lr": 0.1}, [-1.0], whole=whole)
    assert never.ending is Ending.UNDEFINED and never.steepest is None and never.basin.fate == Fate.DOMAIN


def test_a_run_out_of_the_box():
    slope = Problem.from_text("x + y^2", box={"x": (-1, 1), "y": (-1, 1)})
    here, _ = explained(slope, "gd", {"lr": 0.1}, [0.0, 0.5], stopping=Stopping(50), whole=structure(slope, []))
    assert here.ending is Ending.LEFT_BOX and here.outside == pytest.approx((50 * 0.1 - 1) / 2)
    assert here.basin.fate == Fate.LEFT and here.borders == () and here.minimum is None


@pytest.mark.parametrize("d", [1, 3])
def test_other_dimensions(d):
    problem = Problem.from_text("+".join(f"(x{k}^2 - 1)^2" for k in range(d)), box={f"x{k}": (-2, 2) for k in range(d)})
    corners = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * d, indexing="ij"), axis=-1).reshape(-1, d)
    whole = structure(problem, known(problem, corners))
    here, _ = explained(problem, "gd", {"lr": 0.22}, [-1.5] + [0.7] * (d - 1), whole=whole)
    assert here.borders == (1,) and here.carried and here.minimum.point == pytest.approx((1,) * d)
    assert here.first.largest_curvature == pytest.approx(23) and here.first.goal.minimum.point == (1,) * d


def test_a_run_of_100_000_epochs_is_explained_by_few_of_its_positions():
    here, run = in_wells("gd", {"lr": "0.22 - 0.219999*min(1, t - 1)"}, [-1.5, 1.9], stopping=Stopping(100_000, 0.0))
    assert len(run.path) == 100_001 and here.borders == (1,) and here.first.rate == 0.22
    x = run.path[:, 0]
    assert (x[1:] > 0).all() and here.looked_at < 100_001


def test_a_structure_of_another_problem_is_refused():
    experiment = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], starts=Starts.at([0.0, 0.0]))
    with pytest.raises(ValueError, match="another problem"):
        explain(experiment, trace(GALLERY["peaks"], OPTIMIZERS["gd"], {}, [0.0, 0.0]), BORDERS)


def test_in_peaks_every_epoch_has_the_structures_label():
    peaks = GALLERY["peaks"]
    whole = structure(peaks, certify(peaks).points)
    here, run = explained(peaks, "momentum", {"lr": 0.03}, [-0.3, 1.4], whole=whole)
    labels = whole.basins(run.path)
    codes = np.where(labels.labels >= 0, labels.labels, -1 - labels.fates)
    assert -1 - Fate.UNDECIDED not in codes and here.borders == tuple(np.flatnonzero(np.diff(codes)) + 1) and here.borders
