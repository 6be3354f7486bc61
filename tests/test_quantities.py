"""What can be varied: its values, its default range, what becomes of an experiment, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping
from gdcore.quantities import MOST, Quantity, Range, applied, default_range, quantities, quantity
from gdcore.schedules import SCHEDULES
from gdcore.schedules import values as schedule_values
from gdcore.setting import Setting

BARRIER = Experiment(GALLERY["log_barrier"], OPTIMIZERS["momentum"], {"lr": 0.02}, Starts("sobol", 64, 3), Stopping(300))
DECAYING = replace(BARRIER, settings={"lr": SCHEDULES["cosine"].at(0.02)})
FREE = Quantity("parameter a", 1.0, Setting(1.0, label="parameter a"))
NUMBERS = st.floats(-1e6, 1e6)


def test_all_that_can_be_varied_is_listed_with_its_present_value() -> None:
    known = quantities(BARRIER)
    assert {key: q.value for key, q in known.items()} == {
        "setting lr": 0.02, "setting momentum": OPTIMIZERS["momentum"].defaults["momentum"], "parameter m": 0.5, "epochs": 300, "tolerance": 1e-6,
        "start size": 1, "start x from": 0.1, "start x to": 1.4, "start y from": 0.1, "start y to": 1.4,
    }  # fmt: skip
    assert all(q.label and q.setting.help for q in known.values())
    at = replace(BARRIER, starts=Starts.at([[1.0, 1.0]]))
    assert not any(q.kind == "start" for q in quantities(at).values())
    assert quantities(DECAYING)["setting lr"].value == 1 and "factor" in quantities(DECAYING)["setting lr"].label


def test_each_quantity_changes_what_it_names_and_nothing_else() -> None:
    box = {"x": (0.1, 1.4), "y": (0.1, 1.4)}
    changed = {
        "setting lr": replace(BARRIER, settings={**BARRIER.settings, "lr": 0.5}),
        "parameter m": replace(BARRIER, problem=BARRIER.problem.with_parameters(m=0.5001)),
        "epochs": replace(BARRIER, stopping=Stopping(17)),
        "tolerance": replace(BARRIER, stopping=Stopping(300, 1e-3)),
        "start x from": replace(BARRIER, starts=replace(BARRIER.starts, box={**box, "x": (0.5, 1.4)})),
        "start y to": replace(BARRIER, starts=replace(BARRIER.starts, box={**box, "y": (0.1, 0.5)})),
    }
    values = {"setting lr": 0.5, "parameter m": 0.5001, "epochs": 17, "tolerance": 1e-3, "start x from": 0.5, "start y to": 0.5}
    for key, wanted in changed.items():
        assert applied(BARRIER, {key: values[key]}) == wanted
    assert applied(BARRIER, {"parameter m": 0.5001}).problem.parameters == {"m": 0.5001}
    half = applied(BARRIER, {"start size": 0.5}).starts.region(BARRIER.problem)
    np.testing.assert_allclose(list(half.values()), [(0.425, 1.075)] * 2, rtol=1e-14)


def test_a_schedule_is_varied_by_a_factor() -> None:
    twice = applied(DECAYING, {"setting lr": 2.0})
    np.testing.assert_allclose(schedule_values(str(twice.settings["lr"]), 300), 2 * schedule_values(str(DECAYING.settings["lr"]), 300), rtol=1e-15)


def test_both_ends_of_the_start_region_move_together_and_before_its_size() -> None:
    """One after the other, the lower end would pass the upper one."""
    moved = {"start x from": 5.0, "start x to": 7.0, "start size": 2.0}
    for order in (list(moved), list(moved)[::-1]):
        found = applied(BARRIER, {key: moved[key] for key in order}).starts.region(BARRIER.problem)
        np.testing.assert_allclose(found["x"], (4, 8))
        np.testing.assert_allclose(found["y"], (-0.55, 2.05))


@pytest.mark.parametrize("name", GALLERY)
def test_the_present_values_are_the_experiment_itself(name: str) -> None:
    experiment = Experiment(GALLERY[name], OPTIMIZERS["adam"])
    known = quantities(experiment)
    for key, own in known.items():
        assert applied(experiment, {key: own.value}) == experiment
    assert applied(experiment, {key: own.value for key, own in known.items()}) == experiment


@pytest.mark.parametrize("name", GALLERY)
def test_default_ranges_can_be_run(name: str) -> None:
    """Both ends are allowed, as an experiment; the present value lies between them unless the range is the same for all."""
    experiment = Experiment(GALLERY[name], OPTIMIZERS["gd"], {"lr": GALLERY[name].rate})
    for key, own in quantities(experiment).items():
        usual = default_range(own, 7)
        values = usual.values(own)
        assert len(values) == 7 and usual.label == own.label
        for value in (values[0], values[-1]):
            applied(experiment, {key: value})
        assert key == "tolerance" or usual.low <= own.value <= usual.high


@given(NUMBERS, NUMBERS, st.integers(2, MOST), st.booleans(), st.booleans())
def test_values_are_within_the_range_ascending_and_distinct(one: float, other: float, count: int, log: bool, whole: bool) -> None:
    low, high = sorted((abs(one) + 1e-9, abs(other) + 1e-9) if log else (one, other))
    if low == high:
        return
    what = replace(FREE, whole=whole)
    wanted = Range(FREE.key, low, high, count, log)
    try:
        values = wanted.values(what)
    except ValueError as error:
        assert "widen it" in str(error) and (np.floor(high) - np.ceil(low) < 1 if whole else high - low < 1e-15 * abs(high)) or count < 4
        return
    assert low <= values[0] and values[-1] <= high and (np.diff(values) > 0).all() and len(values) <= count
    if whole:
        assert (values == np.round(values)).all()
    elif high - low > 1e-9 * max(abs(low), abs(high)):
        assert len(values) == count and values[0] == low and values[-1] == high
        steps = np.diff(np.log(values) if log else values)
        np.testing.assert_allclose(steps, steps.mean(), rtol=1e-4)


def test_whole_numbers_are_counted_once() -> None:
    what = quantity(BARRIER, "epochs")
    np.testing.assert_array_equal(Range("epochs", 1.4, 6.6, 50).values(what), [2, 3, 4, 5, 6])
    np.testing.assert_array_equal(Range("epochs", 1, 1000, 4, log=True).values(what), [1, 10, 100, 1000])


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("low", "high", "count", "log", "said"),
    [
        (2, 1, 5, False, "smaller number first"),
        (1, 1, 5, False, "is empty"),
        (NAN, 1, 5, False, "no finite number"),
        (0, INF, 5, False, "no finite number"),
        (-INF, NAN, 5, False, "no finite number"),
        (-1e308, 1e308, 5, False, "too wide"),
        (0, 1, 5, True, "above 0"),
        (-1, 1, 5, True, "above 0"),
        (0, 1, 1, False, "from 2 to 500"),
        (0, 1, 501, False, "from 2 to 500"),
        (0, 1, 2.5, False, "from 2 to 500"),
        (0, 1, True, False, "from 2 to 500"),
    ],
)
def test_a_senseless_range_is_refused_by_the_label(low: float, high: float, count: int, log: bool, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        Range("setting lr", low, high, count, log, "learning rate")
    assert str(caught.value).startswith("the range of the learning rate ")
    assert len(str(caught.value)) <= 160 and "nan" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "low", "high", "said"),
    [
        ("setting lr", 1.0, 11.0, "learning rate is 11; give a number"),
        ("parameter m", 0.001, 1.0, "m is 0.001; give a number from 0.01 to 2"),
        ("epochs", 0.0, 10.0, "epochs is 0; give a number from 1 to"),
        ("epochs", 5.1, 5.9, "does not hold two whole numbers"),
        ("tolerance", -1e-6, 1e-3, "gradient tolerance is -1e-06"),
        ("start size", -1.0, 1.0, "size of the start region is -1"),
    ],
)
def test_a_range_beyond_the_limits_is_refused(key: str, low: float, high: float, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        Range(key, low, high).values(quantity(BARRIER, key))
    assert len(str(caught.value)) <= 160


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"setting epsilon": 1.0}, "has no setting 'epsilon'; it has: lr, momentum"),
        ({"parameter q": 1.0}, "no parameter 'q'; it has: m"),
        ({"colour": 1.0}, "nothing called 'colour'"),
        ({"start z from": 1.0}, "nothing called 'start z from'"),
        ({"start x from": 2.0}, "start region of x runs from 2 to 1.4"),
        ({"setting lr": 100.0}, "learning rate is 100"),
        ({"epochs": 0.0}, "epochs is 0"),
    ],
)
def test_values_that_make_no_sense_are_refused(values: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        applied(BARRIER, values)
    assert len(str(caught.value)) <= 160


def test_without_parameters_and_with_given_starts() -> None:
    plain = Experiment(Problem.from_text("x^2", box={"x": (-1, 1)}), OPTIMIZERS["gd"], starts=Starts.at([[0.5]]))
    with pytest.raises(ValueError, match="no parameter 'a'; it has: none"):
        quantity(plain, "parameter a")
    with pytest.raises(ValueError, match="nothing called 'start size'"):
        applied(plain, {"start size": 2.0})
    assert list(quantities(plain)) == ["setting lr", "epochs", "tolerance"]
