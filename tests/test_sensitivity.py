"""Sweeps against single runs: counts, epochs, the deepest minimum, and where it is lost."""

from dataclasses import replace

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping, certify, run
from gdcore.quantities import Range, applied, default_range, quantity
from gdcore.sensitivity import MOST_CELLS, QUARTILES, Sweep, sweep
from gdcore.stopping import ENDINGS, Ending
from gdcore.success import success_of

PEAKS = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=60), Stopping(300))
CUSP = Experiment(GALLERY["tilted_double_well"], OPTIMIZERS["gd"], {"lr": 0.05}, Starts(count=40), Stopping(300))
RATES = default_range(quantity(PEAKS, "setting lr"))


def agrees(found: Sweep, entries: list[int], engine: str = "numpy") -> None:
    """Every one of these entries says what a run of its own says; its minima are identified by their places."""
    for entry in entries:
        alone = run(applied(found.experiment, found.at(entry)), engine=engine)
        counts = np.zeros(len(found.points), np.int64)
        for minimum in alone.minima:
            away = np.abs(found.points[:, entry] - minimum.point).max(axis=1)
            if minimum.count and (away < 1e-5).any():
                counts[np.nanargmin(away)] = minimum.count
        np.testing.assert_array_equal(found.reached[entry], counts)
        assert found.elsewhere[entry] == (alone.labels >= 0).sum() - counts.sum()
        np.testing.assert_array_equal(found.ended[entry], list(alone.ending_counts().values()))
        assert found.success[entry] == success_of(alone, None)[0].sum()
        settled = alone.epochs[alone.labels >= 0]
        np.testing.assert_allclose(found.epochs[entry], np.quantile(settled, QUARTILES) if settled.size else np.nan)


def adds_up(found: Sweep) -> None:
    assert (found.ended.sum(axis=1) == found.count).all()
    np.testing.assert_array_equal(found.reached.sum(axis=1) + found.elsewhere, found.ended[:, 0])
    assert (found.success >= (found.reached * found.deepest).sum(axis=1)).all()
    assert found.points.shape[:2] == found.heights.shape == found.reached.T.shape == found.deepest.T.shape
    assert not found.reached.T[np.isnan(found.heights)].any()


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_sixty_rates_are_sixty_runs(engine: str) -> None:
    found = sweep(PEAKS, RATES, engine=engine)
    assert len(found.x_values) == 60 and found.y is None and found.y_values.size == 0 and not found.changes
    adds_up(found)
    agrees(found, list(range(60)) if engine == "compiled" else list(range(0, 60, 9)), engine)
    home = run(PEAKS, engine=engine)
    assert found.minima == home.minima and found.count == 60
    np.testing.assert_array_equal(found.points[:, 7], [minimum.point for minimum in home.minima])


def test_the_deepest_is_lost_at_two_over_its_largest_eigenvalue() -> None:
    found = sweep(PEAKS, RATES, engine="compiled")
    assert found.deepest[:, 0].all() and not found.deepest[:, 1:].any()
    last = int(np.flatnonzero(found.success).max())
    assert found.x_values[last] < found.minima[0].stable_rate < found.x_values[last + 1]
    assert found.minima[0].stable_rate == pytest.approx(0.06626, abs=1e-5)
    assert (found.success[last - 20 : last + 1] > 0).all() and not found.success[last + 1 :].any()


def test_two_quantities_go_through_the_first_one_first() -> None:
    found = sweep(PEAKS, Range("setting lr", 0.005, 0.08, 4), Range("epochs", 20, 200, 3), engine="numpy")
    assert found.at(5) == {"setting lr": found.x_values[1], "epochs": found.y_values[1]}
    assert found.x_quantity.key == "setting lr" and found.y_quantity is not None and found.y_quantity.key == "epochs"
    adds_up(found)
    agrees(found, list(range(12)))


@pytest.mark.parametrize("key", ["epochs", "tolerance", "start size", "start x from", "start y to", "parameter a", "parameter b"])
def test_anything_else_is_single_runs_too(key: str) -> None:
    found = sweep(CUSP, replace(default_range(quantity(CUSP, key)), count=6), engine="numpy")
    adds_up(found)
    agrees(found, list(range(6)))
    assert not found.elsewhere.any()


def test_a_parameter_and_a_setting() -> None:
    x, y = Range("parameter b", -2, 2, 5), Range("setting lr", 0.01, 0.3, 3)
    for ranges in ((x, y), (y, x)):
        found = sweep(CUSP, *ranges, engine="numpy")
        adds_up(found)
        agrees(found, list(range(15)))
        assert not found.elsewhere.any() and len(found.points) == 2
        assert [change.kind for change in found.changes] == ["appears", "vanishes"]


def test_where_two_wells_are_equally_deep_both_are_the_deepest() -> None:
    found = sweep(CUSP, Range("parameter b", -0.2, 0.2, 5), engine="numpy")
    np.testing.assert_array_equal(found.deepest, [[False, True]] * 2 + [[True, True]] + [[True, False]] * 2)
    assert found.success[2] == found.reached[2].sum() > found.success[1]


def test_success_counts_the_deepest_though_it_has_no_number() -> None:
    """At home a = -1, b = 0 is one minimum, which becomes a saddle: along b = 0 the two wells that follow it have no number."""
    home = replace(CUSP, problem=CUSP.problem.with_parameters(a=-1.0, b=0.0))
    found = sweep(home, Range("parameter a", -1, 2, 4), Range("parameter b", -2, 2, 3), engine="numpy")
    adds_up(found)
    agrees(found, list(range(12)))
    assert found.elsewhere[6] == found.success[6] == 40 and not found.deepest[6].any()


def test_a_minimum_outside_the_box_comes_after_those_of_home_and_is_not_the_deepest() -> None:
    """The right well is the deeper one and outside: only where the rate is large do runs come to it."""
    tilted = Problem.from_text("(x^2-1)^2 - 0.2*x", box={"x": (-1.5, 0.0)}, start_box={"x": (-1.5, -0.9)})
    experiment = Experiment(tilted, OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=50), Stopping(2000))
    found = sweep(experiment, Range("setting lr", 0.01, 0.2, 5), engine="numpy")
    adds_up(found)
    agrees(found, list(range(5)))
    assert len(found.minima) == 1 and found.minima[0].inside_box and len(found.points) == 2
    assert (found.points[0] < 0).all() and (found.points[1] > 0).all() and (found.heights[1] < found.heights[0]).all()
    assert found.reached[-1, 1] > 0 and found.deepest[:, 0].all() and not found.deepest[:, 1].any()


def test_home_keeps_its_numbers_though_the_order_of_depths_changes() -> None:
    found = sweep(CUSP, Range("parameter b", -1, 1, 5), engine="numpy")
    assert [minimum.point[0] < 0 for minimum in found.minima] == [True, False]
    assert (found.points[0, :, 0] < 0).all() and (found.points[1, :, 0] > 0).all()


def test_certified_minima_are_numbered_first() -> None:
    certificate = certify(CUSP.problem, seconds=5)
    found = sweep(CUSP, Range("setting lr", 0.01, 0.1, 3), engine="numpy", certificate=certificate)
    assert found.minima == run(CUSP, engine="numpy", certificate=certificate).minima and all(m.proved for m in found.minima)
    agrees(found, [0, 1, 2])


def test_where_nothing_settles_there_are_no_epochs_and_no_success() -> None:
    found = sweep(PEAKS, Range("epochs", 1, 3, 3), engine="numpy")
    assert np.isnan(found.epochs).all() and not found.success.any() and not found.reached.any()


LR = Range("setting lr", 0.01, 0.1, 101)


@pytest.mark.parametrize(
    ("experiment", "x", "y", "said"),
    [
        (CUSP, LR, replace(LR, count=3), "both quantities are the learning rate: choose two different ones"),
        (CUSP, LR, Range("parameter a", 0, 1, 100), f"10,100 pairs of values; at most {MOST_CELLS:,}"),
        (replace(PEAKS, starts=Starts(count=100_000)), LR, None, "more than 10,000,000 runs"),
        (PEAKS, Range("setting epsilon", 1, 2), None, "has no setting 'epsilon'"),
        (PEAKS, Range("parameter a", 1, 2), None, "has no parameter 'a'"),
        (PEAKS, Range("patience", 1, 2), None, "nothing called 'patience'"),
        (CUSP, Range("parameter a", -3, 1), None, "give a number from -1 to 2"),
        (CUSP, Range("start x from", -1, 3), None, "give the smaller one first"),
        (PEAKS, Range("epochs", 0.2, 10), None, "epochs is 0.2"),
        (PEAKS, Range("tolerance", -1e-3, 1e-3), None, "gradient tolerance is -0.001"),
    ],
)
def test_senseless_sweeps_are_refused(experiment: Experiment, x: Range, y: Range | None, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        sweep(experiment, x, y)
    assert len(str(caught.value)) <= 160


def test_the_frame_holds_every_start_of_every_pair() -> None:
    experiment = Experiment(GALLERY["tilted_double_well"], OPTIMIZERS["gd"], {"lr": 0.05}, Starts(count=30), Stopping(200))
    found = sweep(experiment, Range("parameter b", -2.0, 2.0, 5), Range("setting lr", 0.01, 0.4, 3))
    frame = found.to_frame()
    assert len(frame) == 15 and frame["parameter b"].tolist() == [*found.x_values] * 3
    assert frame["setting lr"].tolist() == np.repeat(found.y_values, 5).tolist()
    kinds = [name for name in frame if name.startswith("minimum ") or name in {ending.label for ending in ENDINGS if ending is not Ending.MINIMUM}]
    assert (frame[kinds].sum(axis=1) == 30).all()
    problem = experiment.problem.with_parameters(b=float(frame["parameter b"][1]))
    place = frame[["x of minimum 1", "y of minimum 1"]].iloc[1].to_numpy()
    assert problem.value(place) == pytest.approx(frame["f of minimum 1"][1], abs=1e-12)
    assert frame["f of minimum 1"].isna().sum() == 3 and frame["f of minimum 2"].isna().sum() == 3  # at b = -2 and at b = 2
