"""Scripts make the same experiment and print the same numbers; nothing that a person typed gets out of its literal."""

import ast
import contextlib
import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, Experiment, Optimizer, Problem, Setting, Starts, Stopping, certify, run, trace
from gdcore.basins import Window, basin_map, shares
from gdcore.compare import compare_tuned
from gdcore.quantities import Range
from gdcore.schedules import SCHEDULES
from gdcore.sensitivity import sweep
from gdcore.stable_rates import stable_rates
from gdcore.tuning import TRAINING, Budget
from gdui import scripts

ROOT = Path(__file__).parent.parent
PEAKS, GD = GALLERY["peaks"], OPTIMIZERS["gd"]
OWN = Problem.from_text("(x^2 - a)^2 + b*y^2", box={"x": (-2, 2.5), "y": (-1, 1)}, parameters={"a": 1.1, "b": Setting(0.7, low=0, high=2)}, name="mine")
HEAVY = Optimizer.from_text("Heavy ball", "v = momentum*v + g\nx = x - lr*v", {"lr": 0.01, "momentum": Setting(0.9, low=0, high=0.9999)})
FEW = Starts(count=40, seed=3)
HOSTILE = ['"); import os; os._exit(3) #', "'); raise SystemExit #", "{x.__class__}", "\\", "\\'", '"""', "a\nimport os", "# x", "\r\x00\u2028"]


def made(script):
    """What the script has made before it computes anything."""
    names = {}
    exec(compile(script.partition("\nfind")[0].partition("\nfound")[0], "script", "exec"), names)
    return names


def printed(script):
    """The lines that the script prints, run to its end in this process."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(script, "script", "exec"), {})
    return out.getvalue().splitlines()


def same(experiment, **options):
    """The script, which has made the very same experiment."""
    script = scripts.of_runs(experiment, proved=False, **options)
    assert made(script)["experiment"].digest == experiment.digest
    assert made(script)["experiment"].to_json() == experiment.to_json()
    return script


# -- the same experiment -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", GALLERY)
def test_every_gallery_problem_is_named_whatever_its_box_and_parameters(key):
    problem = GALLERY[key]
    moved = problem.with_box({name: (low - 0.1, high + 1 / 3) for name, (low, high) in problem.box.items()})
    turned = moved.with_parameters(**{name: setting.clip(value + 0.1) for (name, value), setting in zip(problem.parameters.items(), problem.parameter_settings.values(), strict=True)})
    for changed in (problem, moved, turned):
        script = same(Experiment(changed, GD, {"lr": 0.003}, FEW))
        assert f'GALLERY["{key}"]' in script and "from_text" not in script


@pytest.mark.parametrize("key", OPTIMIZERS)
def test_every_optimizer_is_named(key):
    script = same(Experiment(OWN, OPTIMIZERS[key], starts=FEW))
    assert f'OPTIMIZERS["{key}"]' in script and "Optimizer" not in script and "settings" not in script


@pytest.mark.parametrize("key", SCHEDULES)
def test_schedules_stay_formulas(key):
    same(Experiment(PEAKS, OPTIMIZERS["adam"], {"lr": SCHEDULES[key].at(0.1), "beta1": 0.5}, FEW))


@pytest.mark.parametrize(
    "starts",
    [
        Starts(), Starts(count=1), Starts("sobol", 64, 7), Starts("grid", 100), Starts("latin hypercube", 5, 2**62),
        Starts(box={"x": (-1, 1), "y": (0.1, 1 / 3)}), Starts(box={"x": (-2, 2), "y": (-2, 2)}), Starts(box={"x": (-3, 3), "y": (-3, 3)}),
        Starts.at((0.1, -0.0)), Starts.at([(0.1, 0.2), (np.nan, -np.inf), (1e-300, 1e22)]), Starts.at(np.random.default_rng(0).normal(size=(200, 2))),
    ],
)  # fmt: skip
@pytest.mark.parametrize("problem", [PEAKS, PEAKS.with_box({"x": (-1, 1), "y": (-1, 1)}), OWN])
def test_every_kind_of_start_is_told(problem, starts):
    same(Experiment(problem, GD, {}, starts))


@pytest.mark.parametrize(
    "stopping", [Stopping(), Stopping(2000), Stopping(gradient_tolerance=0), Stopping(gradient_tolerance=0.0), Stopping(7, 1e-3)]
)
def test_every_kind_of_stopping_is_told(stopping):
    same(Experiment(PEAKS, GD, {}, FEW, stopping))


@pytest.mark.parametrize(
    "optimizer",
    [
        HEAVY,
        Optimizer.from_text("no settings", "x = x - 0.1*g"),
        Optimizer.from_text("undescribed", "x = x - rate*g - 0*other"),
        Optimizer.from_text("whole numbers", "x = x - lr*g/k", {"k": Setting(10, low=1, high=20, log=True, label="k", help="a\nb"), "lr": 0.01}),
        replace(GD, name="Gradient descent 2"),
    ],
)
def test_optimizers_of_ones_own_are_told_with_every_range(optimizer):
    experiment = Experiment(OWN, optimizer, {}, FEW)
    assert "Optimizer.from_text" in same(experiment)
    same(Experiment.from_json(experiment.to_json()))


@pytest.mark.parametrize("problem", [PEAKS, OWN, GALLERY["tilted_double_well"], GALLERY["rosenbrock_4"], GALLERY["two_sines"]])
def test_what_comes_from_a_file_is_told_too(problem):
    region = {name: (low / 2, high) for name, (low, high) in problem.box.items()}
    same(Experiment.from_json(Experiment(problem, GD, {"lr": 0.02}, Starts(count=30, box=region)).to_json()))


def test_only_what_is_used_is_imported_and_only_what_differs_is_said():
    script = same(Experiment(PEAKS, GD, {"lr": 0.01}, Starts(count=1000)))
    assert script.startswith("from gdcore import GALLERY, OPTIMIZERS, Experiment, run\n\nproblem")
    assert "experiment = Experiment(problem, optimizer)\n" in script
    assert all(len(line) <= 130 for line in script.splitlines())


def test_over_200_given_starts_are_refused_with_a_way_out():
    many = Experiment(PEAKS, GD, {}, Starts.at(np.zeros((201, 2))))
    with pytest.raises(ValueError, match="download the experiment and use Experiment.from_json") as caught:
        scripts.of_runs(many, proved=False)
    assert len(str(caught.value)) <= 160
    with pytest.raises(ValueError, match="one given start"):
        scripts.of_one_run(many)


def test_a_parameter_swept_beyond_the_gallerys_range_is_one_of_a_formula():
    known = GALLERY["tilted_double_well"]
    free = Experiment(Problem.from_dict(known.to_dict()), GD, {"lr": 0.02}, Starts(count=20, box=known.start_box))
    inside, beyond = Range("parameter b", -0.5, 0.5, 5), Range("parameter b", -99.0, 99.0, 5)
    assert "GALLERY" in scripts.of_sweep(free, inside, None, proved=False)
    script = scripts.of_sweep(free, beyond, None, proved=False)
    assert "GALLERY" not in script and made(script)["experiment"].digest == free.digest


# -- the same numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("proved", [False, True])
@pytest.mark.parametrize(
    "experiment", [Experiment(PEAKS, GD, {"lr": 0.07}, Starts(count=200)), Experiment(OWN, HEAVY, {"lr": "0.05/sqrt(t)"}, FEW, Stopping(300))]
)
def test_many_starts_print_what_was_found(experiment, proved):
    findings = run(experiment, certificate=certify(experiment.problem) if proved else None)
    lines = printed(scripts.of_runs(experiment, proved=proved))
    assert lines[0] == f"{experiment.digest} {findings.fingerprint}"
    counts = [f"{count} {ending.value}" for ending, count in findings.ending_counts().items() if count]
    minima = [f"{m.point} {m.value} {m.share} {m.interval} {m.median_epochs}" for m in findings.minima]
    assert lines[1:] == counts + minima


@pytest.mark.parametrize(("problem", "start"), [(PEAKS, (-1.2, 0.8)), (OWN, (0.3, -0.1)), (GALLERY["two_sines"], (3.0,))])
def test_one_run_prints_its_end(problem, start):
    experiment = Experiment(problem, OPTIMIZERS["momentum"], {"lr": 0.02}, Starts.at(start), Stopping(400))
    found = trace(problem, experiment.optimizer, experiment.settings, start, experiment.stopping)
    assert printed(scripts.of_one_run(experiment)) == [
        found.ending.value, f"{len(found.path) - 1} {found.path[-1].tolist()} {float(found.values[-1])}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("budget", "target"),
    [(None, None), (None, -6.5), (Budget(trials=3), None), (Budget(2, Starts(count=20, seed=5), True, 4), -3.0)],
)
@pytest.mark.parametrize("problem", [PEAKS, replace(OWN, start_limits=((-1.0, 1.0), (-0.5, 0.5)))])
def test_a_comparison_prints_summaries_and_pairs(problem, budget, target):
    contenders = {"gd": (GD, {"lr": 0.02}), "gd, again": (GD, {"lr": "0.1/t"}), HOSTILE[0]: (HEAVY, {})}
    found = compare_tuned(problem, contenders, FEW, Stopping(200), budget=budget, target=target)
    lines = printed(scripts.of_comparison(problem, contenders, FEW, Stopping(200), budget, target))
    ran = [f"{name} {dict(f.experiment.settings)} {f.fingerprint}" for name, f in zip(found.names, found.findings, strict=True)]
    summaries = [f"{s.name} {s.successes} {s.share} {s.interval} {s.evaluations} {s.expected_evaluations}" for s in found.summaries()]
    pairs = [f"{found.names[p.first]} {found.names[p.second]} {p.difference} {p.interval} {p.p_value} {p.adjusted}" for p in found.pairs()]
    assert lines == ran + summaries + pairs


def test_training_starts_come_from_the_same_region():
    """A gallery problem read from a file has lost its start region: its training starts come from the whole box."""
    read = Problem.from_dict(PEAKS.to_dict())
    script = scripts.of_comparison(read, {"a": (GD, {}), "b": (HEAVY, {})}, Starts(), Stopping(), Budget(), None)
    budget = next(node for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Budget")
    told = eval(compile(ast.Expression(budget), "budget", "eval"), {"Budget": Budget, "Starts": Starts})
    assert np.array_equal(told.starts.points(made(script)["problem"]), TRAINING.points(read))


@pytest.mark.parametrize(
    ("experiment", "x", "y", "proved"),
    [
        (Experiment(PEAKS, GD, {}, FEW), Range("setting lr", 0.001, 0.1, 8, True), None, True),
        (Experiment(PEAKS, GD, {}, FEW), Range("setting lr", 0.001, 0.1, 4, True), Range("epochs", 10, 500, 3), False),
        (Experiment(OWN, HEAVY, {"lr": 0.02}, FEW), Range("parameter a", -1.0, 1.5, 6), None, False),
    ],
)
def test_a_sweep_prints_shares_and_rates(experiment, x, y, proved):
    found = sweep(experiment, x, y, certificate=certify(experiment.problem) if proved else None)
    lines = printed(scripts.of_sweep(experiment, x, y, proved=proved))
    assert lines[0] == f"{experiment.digest} {[(m.point, m.value) for m in found.minima]}"
    entries = [f"{found.at(k)} {(found.reached[k] / found.count).tolist()} {found.success[k] / found.count}" for k in range(len(found.reached))]
    curves = [f"{c.number + 1} {c.values.tolist()} {c.rates.tolist()} {c.crossings}" for c in stable_rates(found)]
    assert lines[1:] == entries + curves and len(entries) > 5


@pytest.mark.parametrize(
    ("problem", "window", "rows"),
    [
        (PEAKS, Window.of(PEAKS), 32), (PEAKS, Window((1, 0), (-1, 1), (0, 2.5), (0, 0)), 24), (GALLERY["two_sines"], Window.of(GALLERY["two_sines"]), 1),
        (GALLERY["rosenbrock_4"], Window((0, 2), (-1, 1), (-1, 1), (0.1, 0.2, 0.3, 1 / 3)), 8),
    ],
)  # fmt: skip
@pytest.mark.parametrize("proved", [False, True])
def test_a_map_prints_shares_of_area(problem, window, rows, proved):
    experiment = Experiment(problem, GD, {"lr": problem.rate}, Starts(count=1), Stopping(200))
    found = basin_map(experiment, window, 16, rows, certificate=certify(problem) if proved else None)
    lines = printed(scripts.of_map(experiment, window, 16, rows, proved=proved))
    assert lines[0].startswith(experiment.digest)
    assert lines[1:] == [f"{a.ending.label} {a.label + 1} {a.share} {a.low} {a.high}" for a in shares(found)]


@pytest.mark.parametrize("problem", [PEAKS, OWN, GALLERY["rosenbrock_4"], GALLERY["two_sines"]])
def test_formulas_print_derivatives(problem):
    point = tuple(0.1 * (k + 1) for k in range(problem.dimension))
    lines = printed(scripts.of_formulas(problem, point))
    value, gradient, hessian = problem.differentiate(point)
    assert lines[-1] == f"{float(value)} {gradient.tolist()} {hessian.tolist()}"
    assert lines[0] == f"{problem.variables[0]} {problem.gradient_latex()[0]}" and len(lines) == 2 * problem.dimension + 1
    assert "point = (1, 1)" in scripts.of_formulas(PEAKS)


@pytest.mark.parametrize(
    "script",
    [
        scripts.of_runs(Experiment(replace(OWN, name=HOSTILE[0]), replace(HEAVY, name=HOSTILE[1]), {}, FEW), proved=True),
        scripts.of_one_run(Experiment(PEAKS, OPTIMIZERS["rprop"], {}, Starts.at((0.5, 0.5)))),
        scripts.of_comparison(PEAKS, {name: (HEAVY, {}) for name in HOSTILE[:2]}, FEW, Stopping(50), Budget(2), None),
    ],
)
def test_a_script_runs_by_itself(script):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], cwd=ROOT, env={"PYTHONPATH": "."}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == printed(script) and not done.stderr


# -- hostile text ------------------------------------------------------------------------------------------------------


def shape(script):
    """The script's syntax with every text in it blanked."""
    tree = ast.parse(script)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


def texts(script):
    return [node.value for node in ast.walk(ast.parse(script)) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def every_script(text):
    """All scripts of a problem and an optimizer that have this text wherever a person can type one."""
    described = {"lr": Setting(0.01, label=text, help=text), "momentum": Setting(0.9, help=text)}
    problem, optimizer = replace(OWN, name=text, formula=text), replace(HEAVY, name=text, equations=text, setting_items=tuple(described.items()))
    settings = {"lr": 0.01, "momentum": text}
    experiment = Experiment(problem, optimizer, {}, Starts.at((0.0, 0.0)))
    object.__setattr__(experiment, "settings", settings)
    yield scripts.of_runs(experiment, proved=True)
    yield scripts.of_one_run(experiment)
    yield scripts.of_comparison(problem, {text: (optimizer, settings), text + "2": (GD, {})}, FEW, Stopping(), Budget(), None)
    yield scripts.of_sweep(experiment, Range(f"setting {text}", 0.1, 1.0), None, proved=False)
    yield scripts.of_map(experiment, Window.of(problem), 4, 4, proved=False)
    yield scripts.of_formulas(problem)


HARMLESS = [shape(script) for script in every_script("harmless")]


@given(st.sampled_from(HOSTILE) | st.text(min_size=1) | st.text(alphabet="\"'\\{}()#;\n\r\t\x00 ax", min_size=1))
def test_no_text_gets_out_of_its_literal(text):
    for script, plain in zip(every_script(text), HARMLESS, strict=True):
        assert shape(script) == plain
        assert text in texts(script)
        assert "#" not in script or "#" in text


@given(st.text(min_size=1) | st.sampled_from(HOSTILE))
def test_names_come_back_as_they_were(text):
    experiment = Experiment(replace(OWN, name=text), replace(HEAVY, name=text), {}, FEW)
    again = made(scripts.of_runs(experiment, proved=False))["experiment"]
    assert (again.problem.name, again.optimizer.name) == (text, text) and again.to_json() == experiment.to_json()


@given(st.floats(allow_nan=True, allow_infinity=True) | st.integers() | st.booleans() | st.none())
def test_values_come_back_as_they_were(value):
    again = eval(scripts._value(value))
    assert type(again) is type(value) and repr(again) == repr(value)
    if isinstance(value, float):
        assert repr(float(eval(scripts._number(value)))) == repr(value)
