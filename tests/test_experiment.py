"""Experiments are values with a name; findings are tables."""

import dataclasses
import json
import pickle
from typing import Any

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import DESIGNS, OPTIMIZERS, Ending, Experiment, Findings, Optimizer, Problem, Setting, Starts, Stopping, run
from gdcore.experiment import run_each, traces
from gdcore.setting import FrozenDict

PEAKS = Problem.from_text(cases.load("peaks_gd.json")["formula"], name="peaks")
TYPED = Optimizer.from_text("mine", "state h = q\nv = h*v + g\nx = x - lr*v", {"lr": Setting(0.1, low=1e-4, high=5, log=True)})
PLAIN = Experiment(PEAKS, OPTIMIZERS["gd"], {"lr": 0.03}, Starts(count=300, seed=3), Stopping(epochs=400))
RICH = Experiment(
    Problem.from_text(r"a x_1^2 + \theta^2", box={"x1": (-1, 1), "θ": (0.5, 2)}, parameters={"a": 0.1 + 0.2}, name="näme"),
    TYPED, {"lr": "0.1/t"}, Starts("sobol", 64, 5, {"theta": (0.6, 0.7), "x1": (0, 1)}), Stopping(50, 0),
)  # fmt: skip
GIVEN = Experiment(PEAKS, OPTIMIZERS["adam"], starts=Starts.at([[0.1, 1 / 3], [-1e-17, 2.0]]))
EXPERIMENTS = {"plain": PLAIN, "rich": RICH, "given": GIVEN}


@pytest.fixture(scope="module")
def found() -> Findings:
    return run(PLAIN)


# -- values ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_json_round_trip(name: str) -> None:
    experiment = EXPERIMENTS[name]
    text = experiment.to_json()
    again = Experiment.from_json(text)
    assert again.to_json() == text and again.digest == experiment.digest
    assert again.settings == experiment.settings and again.optimizer == experiment.optimizer
    assert again.problem == experiment.problem and again.stopping == experiment.stopping
    np.testing.assert_array_equal(again.starts.points(again.problem), experiment.starts.points(experiment.problem))
    assert again.problem.parameters == experiment.problem.parameters
    one, other = run(experiment), run(again)
    np.testing.assert_array_equal(one.ends, other.ends)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiments_are_frozen_hashable_values(name: str) -> None:
    experiment = EXPERIMENTS[name]
    with pytest.raises(dataclasses.FrozenInstanceError):
        experiment.stopping = Stopping()  # type: ignore[misc]
    with pytest.raises(TypeError, match="frozen"):
        experiment.settings["lr"] = 1.0  # type: ignore[index]
    assert isinstance(experiment.settings, FrozenDict)
    again = pickle.loads(pickle.dumps(experiment))
    assert again == experiment and hash(again) == hash(experiment) and len({again, experiment}) == 1
    json.loads(experiment.to_json())


def test_the_digest_names_everything_that_matters() -> None:
    changed = [
        dataclasses.replace(PLAIN, settings={"lr": 0.031}),
        dataclasses.replace(PLAIN, settings={"lr": "0.03"}),
        dataclasses.replace(PLAIN, starts=Starts(count=301, seed=3)),
        dataclasses.replace(PLAIN, starts=Starts(count=300, seed=4)),
        dataclasses.replace(PLAIN, starts=Starts("sobol", 300, 3)),
        dataclasses.replace(PLAIN, starts=Starts(count=300, seed=3, box={"x": (-1, 1), "y": (-1, 1)})),
        dataclasses.replace(PLAIN, stopping=Stopping(epochs=401)),
        dataclasses.replace(PLAIN, stopping=Stopping(epochs=400, gradient_tolerance=1e-7)),
        dataclasses.replace(PLAIN, optimizer=OPTIMIZERS["momentum"]),
        dataclasses.replace(PLAIN, problem=PEAKS.with_box({"x": (-3, 3), "y": (-3, 4)})),
        PLAIN,
    ]
    digests = [experiment.digest for experiment in changed]
    assert len(set(digests)) == len(changed)
    assert all(len(digest) == 16 and int(digest, 16) >= 0 for digest in digests)
    same = dataclasses.replace(PLAIN, starts=Starts(count=300, seed=3, box=PEAKS.box))
    assert same.digest == PLAIN.digest, "the default box written out is the same experiment"


def test_defaults_are_filled_in() -> None:
    assert Experiment(PEAKS, OPTIMIZERS["adam"], {"lr": 0.5}).settings == OPTIMIZERS["adam"].defaults | {"lr": 0.5}


def _without(key: str) -> Any:
    return lambda data: data.pop(key)


DAMAGE = {
    "version": lambda data: data.update(version=99),
    "no version": _without("version"), "no problem": _without("problem"), "no optimizer": _without("optimizer"),
    "no settings": _without("settings"), "no starts": _without("starts"), "no stopping": _without("stopping"),
    "a hostile formula": lambda data: data["problem"].update(formula="__import__('os').system('true')"),
    "hostile equations": lambda data: data["optimizer"].update(equations="x = __import__('os')"),
    "a hostile schedule": lambda data: data["settings"].update(lr="__import__('os')"),
    "a formula that is a number": lambda data: data["problem"].update(formula=3),
    "a wrong box": lambda data: data["problem"].update(box={"x": [1, 0]}),
    "a short box": lambda data: data["problem"].update(box={"x": [1]}),
    "a box of text": lambda data: data["problem"].update(box="x"),
    "a rate out of range": lambda data: data["settings"].update(lr=1e9),
    "a rate that is a list": lambda data: data["settings"].update(lr=[1]),
    "an unknown setting": lambda data: data["settings"].update(foo=1),
    "an unknown design": lambda data: data["starts"].update(design="spiral"),
    "too many starts": lambda data: data["starts"].update(count=10**12),
    "a count that is text": lambda data: data["starts"].update(count="10"),
    "epochs without end": lambda data: data["stopping"].update(epochs=10**12),
    "an unknown stopping rule": lambda data: data["stopping"].update(patience=3),
    "a rate beyond all floats": lambda data: data["settings"].update(lr=10**400),
    "a box beyond all floats": lambda data: data["problem"].update(box={"x": [0, 10**400], "y": [0, 1]}),
    "a default beyond all floats": lambda data: data["optimizer"]["settings"].update(lr=[10**400, None, None, False, "", ""]),
    "half a character": lambda data: data["optimizer"].update(name="\ud800"),
    "a count that is true": lambda data: data["starts"].update(count=True),
    "epochs that are true": lambda data: data["stopping"].update(epochs=True),
    "a tolerance without a square": lambda data: data["stopping"].update(gradient_tolerance=1e308),
    "an endless version": lambda data: data.update(version="9" * 5000),
    "an endless rate": lambda data: data["settings"].update(lr=[1] * 5000),
    "equations without end": lambda data: data["optimizer"].update(equations="x = x - g\n" * 100_000),
    "settings without range": lambda data: data["optimizer"].update(settings={"lr": [0.1]}),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_json_is_refused(name: str) -> None:
    data = json.loads(PLAIN.to_json())
    DAMAGE[name](data)
    with pytest.raises(ValueError) as caught:
        Experiment.from_json(json.dumps(data))
    assert 0 < len(str(caught.value)) <= 160


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "3", "null", '"x"', "{}", '{"version": 1}', "[" * 100_000, '{"version": 1, "problem": []}']
)
def test_what_is_no_experiment_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Experiment.from_json(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(["problem", "optimizer", "settings", "starts", "stopping"]), st.integers(0, 9), JSON)
def test_any_replaced_part_is_understood_or_refused(section: str, number: int, value: Any) -> None:
    data = json.loads(PLAIN.to_json())
    keys = list(data[section])
    if number < len(keys):
        data[section][keys[number]] = value
    else:
        data[section] = value
    try:
        experiment = Experiment.from_json(json.dumps(data))
    except ValueError:
        return
    again = Experiment.from_json(experiment.to_json())
    assert again.digest == experiment.digest and hash(again) == hash(experiment)


def test_starts_over_other_variables_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="exactly the variables"):
        Experiment(PEAKS, OPTIMIZERS["gd"], starts=Starts(box={"a": (0, 1)}))


# -- findings ----------------------------------------------------------------------------------------------------------


def test_running_twice_gives_the_same_findings(found: Findings) -> None:
    again = run(PLAIN)
    for name in ("starts", "ends", "end_values", "gradient_norms", "epochs", "ending_codes", "labels"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    assert again.minima == found.minima and again.stationary == found.stationary


def test_labels_index_minima_deepest_first(found: Findings) -> None:
    values = [minimum.value for minimum in found.minima]
    assert values == sorted(values) and values[0] == pytest.approx(-6.551133332835837, abs=1e-9) and len(values) >= 3
    assert set(found.labels) <= {-1, *range(len(values))}
    for k, minimum in enumerate(found.minima):
        own = found.labels == k
        assert own.sum() == minimum.count and (found.endings[own] == Ending.MINIMUM).all()
        np.testing.assert_allclose(found.ends[own], np.broadcast_to(minimum.point, (own.sum(), 2)), atol=1e-4)
        np.testing.assert_allclose(found.end_values[own], minimum.value, atol=1e-6)
        assert minimum.median_epochs == np.median(found.epochs[own])
    np.testing.assert_allclose(found.end_values, PEAKS.value(found.ends), rtol=1e-12)
    np.testing.assert_allclose(found.gradient_norms, np.linalg.norm(PEAKS.gradient(found.ends), axis=1), rtol=1e-9, atol=1e-15)


def test_shapes_and_types(found: Findings) -> None:
    n, d = 300, 2
    assert found.count == n and found.starts.shape == found.ends.shape == (n, d)
    for name in ("end_values", "gradient_norms", "epochs", "ending_codes", "labels", "endings"):
        assert getattr(found, name).shape == (n,)
    assert sum(found.ending_counts().values()) == n


def test_to_frame_has_one_row_per_start(found: Findings) -> None:
    frame = found.to_frame()
    assert list(frame.columns) == ["start x", "start y", "end x", "end y", "f", "gradient norm", "epochs", "ending", "minimum"]
    assert list(frame.index) == list(range(1, 301)) and frame.index.name == "start"
    np.testing.assert_array_equal(frame[["start x", "start y"]], found.starts)
    np.testing.assert_array_equal(frame[["end x", "end y"]], found.ends)
    assert list(frame["ending"]) == [ending.label for ending in found.endings]
    assert [
        -1 if value is None else value - 1 for value in frame["minimum"].astype(object).where(frame["minimum"].notna(), None)
    ] == list(found.labels)
    assert frame["minimum"].isna().sum() == (found.labels < 0).sum() and frame["minimum"].min() == 1


def test_a_frame_without_any_minimum() -> None:
    none = run(Experiment(Problem.from_text("x + y"), OPTIMIZERS["gd"], starts=Starts(count=5), stopping=Stopping(epochs=5)))
    assert none.to_frame()["minimum"].isna().all() and len(none.to_frame()) == 5


def test_findings_survive_pickling(found: Findings) -> None:
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.ends, found.ends)
    assert again.minima == found.minima and again.experiment == found.experiment
    assert again.to_frame().equals(found.to_frame())


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_runs_from_every_design(design: str, optimizer: str) -> None:
    experiment = Experiment(PEAKS, OPTIMIZERS[optimizer], {"lr": 0.02}, Starts(design, 100), Stopping(epochs=600))
    found = run(experiment)
    assert found.count == 100 and found.minima[0].value == pytest.approx(-6.551133332835837, abs=1e-9)


@pytest.mark.parametrize("dimension", [1, 3, 4])
def test_other_dimensions(dimension: int) -> None:
    names = [f"x{k}" for k in range(dimension)]
    formula = "+".join(f"({name}^2 - 1)^2 + 0.2*{name}" for name in names)
    problem = Problem.from_text(formula, box={name: (-2, 2) for name in names})
    found = run(Experiment(problem, OPTIMIZERS["gd"], {"lr": 0.05}, Starts("sobol", 256), Stopping(epochs=500)))
    assert len(found.minima) == 2**dimension and found.ending_counts()[Ending.MINIMUM] >= 250
    assert found.minima[0].point == pytest.approx([-1.0240] * dimension, abs=1e-3)
    assert all(len(minimum.eigenvalues) == dimension for minimum in found.minima)


# -- one experiment at many settings -----------------------------------------------------------------------------------

POLES = Problem.from_text("1/x + x^2 + log(y + 3)^2", box={"x": (-3, 3), "y": (-3, 3)})
SWEEPS: dict[str, tuple[str, dict[str, Any], dict[str, list[float]]]] = {
    "gd": ("gd", {}, {"lr": [0.01, 0.05, 0.08, 1.0, 10.0]}),
    "adam": ("adam", {}, {"lr": [0.001, 0.1, 1.0, 100.0]}),
    "adam, two settings": ("adam", {"beta2": 0.99}, {"beta1": [0.0, 0.5, 0.99], "lr": [0.1, 0.05, 0.2]}),
    "rprop": ("rprop", {}, {"lr": [0.01, 0.1, 10.0]}),
    "a schedule beside": ("momentum", {"lr": "0.05/t"}, {"momentum": [0.0, 0.5, 0.9]}),
    "one entry": ("gd", {}, {"lr": [0.02]}),
}


@pytest.mark.parametrize("problem", [PEAKS, POLES], ids=["peaks", "poles"])
@pytest.mark.parametrize("name", SWEEPS)
def test_run_each_equals_separate_runs(problem: Problem, name: str) -> None:
    key, given_settings, columns = SWEEPS[name]
    starts, stopping = Starts(count=60, seed=2), Stopping(epochs=150)
    experiment = Experiment(problem, OPTIMIZERS[key], given_settings, starts, stopping)
    together = run_each(experiment, {name: np.array(values) for name, values in columns.items()}, target=-3.0)
    count = len(next(iter(columns.values())))
    assert together.count == 60 * count and together.hits is not None and together.experiment == experiment
    endings, every_point = set(), set()
    for k in range(count):
        rows = slice(60 * k, 60 * (k + 1))
        own = given_settings | {setting: values[k] for setting, values in columns.items()}
        alone = run(Experiment(problem, OPTIMIZERS[key], own, starts, stopping), target=-3.0)
        for array in ("starts", "epochs", "ending_codes", "hits"):
            np.testing.assert_array_equal(getattr(together, array)[rows], getattr(alone, array), err_msg=array)
        for array in ("ends", "end_values", "gradient_norms"):
            np.testing.assert_allclose(getattr(together, array)[rows], getattr(alone, array), rtol=1e-12, atol=1e-12)
        assert places(together)[rows] == places(alone)
        endings |= set(alone.endings)
        every_point |= {np.round(m.point, 5).tobytes() for m in alone.minima if m.count}
    assert len(endings) >= 2
    assert every_point == {np.round(m.point, 5).tobytes() for m in together.minima if m.count}


def places(found: Findings) -> list[Any]:
    return [np.round(found.minima[k].point, 5).tolist() if k >= 0 else None for k in found.labels]


def test_the_rates_run_together_include_some_that_diverge() -> None:
    quartic = Experiment(Problem.from_text("x^4 + y^4"), OPTIMIZERS["gd"], starts=Starts(count=30), stopping=Stopping(200))
    rates = np.array([0.001, 0.02, 0.3, 5.0])
    together = run_each(quartic, {"lr": rates})
    diverged = (together.endings == Ending.DIVERGED).reshape(4, 30).mean(axis=1)
    assert diverged[0] == 0 and 0 < diverged[2] < 1 and diverged[3] > 0.9
    for k, rate in enumerate(rates.tolist()):
        alone = run(dataclasses.replace(quartic, settings={"lr": rate}))
        np.testing.assert_array_equal(together.ending_codes[30 * k : 30 * (k + 1)], alone.ending_codes)
        np.testing.assert_allclose(together.ends[30 * k : 30 * (k + 1)], alone.ends, rtol=1e-12)


@pytest.mark.parametrize("rates", [[0.1, 0.0], [11.0], [0.1, float("nan")], [-0.1], [float("inf"), 0.1]])
def test_run_each_refuses_values_outside_a_settings_range(rates: list[float]) -> None:
    with pytest.raises(ValueError, match="learning rate is .*; give a number from 1e-06 to 10"):
        run_each(PLAIN, {"lr": np.array(rates)})


def test_run_each_reports_progress_and_is_cancelled_by_an_exception() -> None:
    seen: list[tuple[int, int, int]] = []
    small = dataclasses.replace(PLAIN, starts=Starts(count=10))
    run_each(small, {"lr": np.array([0.01, 0.02])}, on_progress=lambda *n: seen.append(n))
    assert seen[0] == (0, 400, 20) and [t for t, _, _ in seen] == sorted({t for t, _, _ in seen})

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_each(PLAIN, {"lr": np.array([0.01])}, on_progress=stop)


# -- hits --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["gd", "adam"])
@pytest.mark.parametrize("target", [-6.5, -3.0, 0.0, 100.0, -1e9])
def test_hits_are_the_first_crossings_on_recorded_paths(optimizer: str, target: float) -> None:
    experiment = Experiment(PEAKS, OPTIMIZERS[optimizer], {"lr": 0.05}, Starts(count=120, seed=8), Stopping(epochs=130))
    hits = run(experiment, target=target).hits
    assert hits is not None and hits.shape == (120,)
    for hit, seen in zip(hits, traces(experiment), strict=True):
        below = np.flatnonzero(seen.values <= target)
        assert hit == (below[0] if below.size else -1)
    assert run(experiment).hits is None


@given(st.floats(-7, 8), st.floats(-7, 8), st.integers(0, 50))
def test_a_higher_target_is_hit_no_later(one: float, other: float, seed: int) -> None:
    experiment = Experiment(PEAKS, OPTIMIZERS["gd"], {"lr": 0.05}, Starts(count=10, seed=seed), Stopping(epochs=60))
    high, low = (run(experiment, target=t).hits for t in (max(one, other), min(one, other)))
    assert high is not None and low is not None
    assert ((low < 0) | ((high >= 0) & (high <= low))).all()


def test_a_value_equal_to_the_target_is_a_hit_and_nothing_after_the_end_is() -> None:
    bowl = Problem.from_text("x^2 + y^2")
    experiment = Experiment(bowl, OPTIMIZERS["gd"], {"lr": 0.25}, Starts.at([[1.0, 0.0], [2.0, 0.0]]), Stopping(epochs=2))
    at = [run(experiment, target=target).hits for target in (1.0, 0.25, 0.0625, 0.0624)]
    assert [hits.tolist() for hits in at if hits is not None] == [[0, 1], [1, 2], [2, -1], [-1, -1]]
    undefined = Experiment(Problem.from_text("log(x) + y^2"), OPTIMIZERS["gd"], starts=Starts.at([[-1.0, 0.0]]))
    assert run(undefined, target=1e9).hits == [-1]


def test_what_a_run_would_see_after_jumping_a_pole_is_no_hit() -> None:
    problem = Problem.from_text("(x + 2)^2 + 0.01/x^2", box={"x": (-4, 4)})
    experiment = Experiment(problem, OPTIMIZERS["gd"], {"lr": 0.15}, Starts.at([[0.5], [-0.5]]), Stopping(epochs=100))
    found = run(experiment, target=1.0)
    assert found.endings[0] is Ending.JUMPED and found.epochs[0] == 1 and found.hits is not None
    assert found.hits[0] == -1 and found.hits[1] > 0
