"""Scripts: what a page shows → a short Python text with gdcore that reproduces its numbers.

Whatever a person typed stands in a script as a literal made by repr, and nowhere else.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from gdcore import gallery, optimizers
from gdcore.basins import Window
from gdcore.experiment import Experiment
from gdcore.gallery import GALLERY
from gdcore.optimizers import Optimizer
from gdcore.problem import Problem
from gdcore.quantities import Range
from gdcore.setting import Setting
from gdcore.starts import Starts
from gdcore.stopping import Stopping
from gdcore.tuning import Budget

WIDTH = 110  # characters: a longer call has a line for each argument
MOST_POINTS = 200  # given starts that a script still lists
Contenders = Mapping[str, tuple[Optimizer, Mapping[str, float | str]]]

HOMES = {
    "gdcore": ("GALLERY", "OPTIMIZERS", "Experiment", "Optimizer", "Problem", "Setting", "Starts", "Stopping", "certify", "run", "trace"),
    "gdcore.basins": ("Window", "basin_map", "shares"),
    "gdcore.compare": ("compare_tuned",),
    "gdcore.quantities": ("Range",),
    "gdcore.sensitivity": ("sweep",),
    "gdcore.stable_rates": ("stable_rates",),
    "gdcore.tuning": ("Budget",),
}
PROVED = "certificate=certify(problem)"

# -- what the scripts print --------------------------------------------------------------------------------------------

RUNS = """
print(experiment.digest, findings.fingerprint)
for ending, count in findings.ending_counts().items():
    if count:
        print(count, ending.value)
for m in findings.minima:
    print(m.point, m.value, m.share, m.interval, m.median_epochs)
"""
ONE_RUN = """
print(found.ending.value)
print(len(found.path) - 1, found.path[-1].tolist(), float(found.values[-1]))
"""
COMPARISON = """
for name, findings in zip(found.names, found.findings):
    print(name, dict(findings.experiment.settings), findings.fingerprint)
for s in found.summaries():
    print(s.name, s.successes, s.share, s.interval, s.evaluations, s.expected_evaluations)
for p in found.pairs():
    print(found.names[p.first], found.names[p.second], p.difference, p.interval, p.p_value, p.adjusted)
"""
SWEEP = """
print(experiment.digest, [(m.point, m.value) for m in found.minima])
for entry, reached in enumerate(found.reached):
    print(found.at(entry), (reached / found.count).tolist(), float(found.success[entry] / found.count))
for curve in stable_rates(found):
    print(curve.number + 1, curve.values.tolist(), curve.rates.tolist(), curve.crossings)
"""
MAP = """
print(experiment.digest, [(m.point, m.value) for m in found.minima])
for area in shares(found):
    print(area.ending.label, area.label + 1, area.share, area.low, area.high)
"""
FORMULAS = """
for name, partial in zip(problem.variables, problem.gradient_latex()):
    print(name, partial)
for row in problem.hessian_latex():
    print(row)
value, gradient, hessian = problem.differentiate(point)
print(float(value), gradient.tolist(), hessian.tolist())
"""


def of_runs(experiment: Experiment, *, proved: bool) -> str:
    """Many starts: the findings; proved: with what certify() says of their minima. ValueError for over 200 given starts."""
    certificate = [PROVED] if proved else []
    return _script(*_stated(experiment), f"findings = {_call('run', 'experiment', *certificate)}", RUNS)


def of_one_run(experiment: Experiment) -> str:
    """Landscape: the recorded run of an experiment with one given start. ValueError for any other."""
    if experiment.starts.design != "given" or len(experiment.starts.given) != 1:
        raise ValueError("a script of one run needs one given start: make it with Starts.at")
    problem, _ = _problem(experiment.problem)
    settings = _settings(experiment.optimizer, experiment.settings) or "{}"
    stopping = [text for text in [_stopping(experiment.stopping)] if text]
    found = _call("trace", "problem", "optimizer", settings, _numbers(experiment.starts.given[0]), *stopping)
    return _script(f"problem = {problem}", f"optimizer = {_optimizer(experiment.optimizer)}", f"found = {found}", ONE_RUN)


def of_comparison(
    problem: Problem, contenders: Contenders, starts: Starts, stopping: Stopping, budget: Budget | None, target: float | None
) -> str:
    """Optimizers: the comparison, tuned within the budget; None: as set. ValueError as for of_runs()."""
    text, made = _problem(problem)
    rows = [f"{_value(name)}: {_contender(*one)}" for name, one in contenders.items()]
    aim = [] if target is None else [f"target={_number(target)}"]
    found = _call(
        "compare_tuned", "problem", "contenders", _starts(starts, problem, made) or "Starts()", _stopping(stopping) or "Stopping()",
        f"budget={_budget(budget, problem, made)}", *aim,
    )  # fmt: skip
    return _script(f"problem = {text}", f"contenders = {_enclosed('{', rows, '}')}", f"found = {found}", COMPARISON)


def of_sweep(experiment: Experiment, x: Range, y: Range | None, *, proved: bool) -> str:
    """Sensitivity: the sweep over one range or two, with its stable rates. ValueError as for of_runs()."""
    ranges = [x] if y is None else [x, y]
    certificate = [PROVED] if proved else []
    found = _call("sweep", "experiment", *map(_range, ranges), *certificate)
    return _script(*_stated(experiment, ranges), f"found = {found}", SWEEP)


def of_map(experiment: Experiment, window: Window, columns: int, rows: int, *, proved: bool) -> str:
    """Basins: the map of a window in so many pixels. ValueError as for of_runs()."""
    certificate = [PROVED] if proved else []
    found = _call("basin_map", "experiment", _window(window, experiment.problem), str(columns), str(rows), *certificate)
    return _script(*_stated(experiment), f"found = {found}", MAP)


def of_formulas(problem: Problem, point: Sequence[float] | None = None) -> str:
    """Theory: derivatives in LaTeX, and f, gradient and Hessian at a point, by default (1, 1, …)."""
    where = _numbers((1.0,) * problem.dimension if point is None else point)
    return _script(f"problem = {_problem(problem)[0]}", f"point = {where}", FORMULAS)


# -- an experiment's parts as source -----------------------------------------------------------------------------------


def _stated(experiment: Experiment, ranges: Sequence[Range] = ()) -> list[str]:
    """The lines that make problem, optimizer and experiment."""
    text, made = _problem(experiment.problem, ranges)
    parts = {
        "settings": _settings(experiment.optimizer, experiment.settings),
        "starts": _starts(experiment.starts, experiment.problem, made),
        "stopping": _stopping(experiment.stopping),
    }
    said = [f"{name}={part}" for name, part in parts.items() if part]
    return [
        f"problem = {text}",
        f"optimizer = {_optimizer(experiment.optimizer)}",
        f"experiment = {_call('Experiment', 'problem', 'optimizer', *said)}",
    ]


def _problem(problem: Problem, ranges: Sequence[Range] = ()) -> tuple[str, Problem]:
    """The source of a problem and what it makes: equal in all but where starts come from by default.

    ranges: what is varied; a gallery problem that allows no such values is stated by its formula.
    """
    key = gallery.key_of(problem)
    found = None if key is None else _changed(f"GALLERY[{_value(key)}]", GALLERY[key], problem)
    if found is not None and _allows(found[1], ranges):
        return found
    arguments = [_value(problem.formula), f"box={_by_name(problem.box)}"]
    if problem.parameters:
        arguments.append(f"parameters={_by_name(problem.parameters)}")
    if problem.name:
        arguments.append(f"name={_value(problem.name)}")
    return _call("Problem.from_text", *arguments), replace(problem, start_limits=None)


def _changed(text: str, known: Problem, problem: Problem) -> tuple[str, Problem] | None:
    """A gallery problem with another box and other parameters, where that makes it the problem; else None."""
    if known.box != problem.box:
        text, known = f"{text}.with_box({_by_name(problem.box)})", known.with_box(problem.box)
    values = {name: value for name, value in problem.parameters.items() if known.parameters[name] != value}
    if values:
        said = ", ".join(f"{name}={_number(value)}" for name, value in values.items())
        text, known = f"{text}.with_parameters({said})", known.with_parameters(**values)
    return (text, known) if _same(known.to_dict(), problem.to_dict()) else None


def _allows(problem: Problem, ranges: Sequence[Range]) -> bool:
    """Whether the problem's parameters may have all values of the ranges."""
    own = {f"parameter {name}": setting for name, setting in problem.parameter_settings.items()}
    varied = [(own[one.key], one) for one in ranges if one.key in own]
    return all(setting.low <= one.low and one.high <= setting.high for setting, one in varied)


def _optimizer(optimizer: Optimizer) -> str:
    key = optimizers.key_of(optimizer)
    if key is not None:
        return f"OPTIMIZERS[{_value(key)}]"
    rows = [f"{_value(name)}: {_setting(setting)}" for name, setting in optimizer.settings.items()]
    settings = [_enclosed("{", rows, "}")] if rows else []
    return _call("Optimizer.from_text", _value(optimizer.name), _value(optimizer.equations), *settings)


def _setting(setting: Setting) -> str:
    """A Setting, or its default alone where nothing else is described."""
    said = [f"{one.name}={_value(getattr(setting, one.name))}" for one in fields(Setting)[1:] if not _same(getattr(setting, one.name), one.default)]
    if not said and type(setting.default) is float:
        return _number(setting.default)
    return _call("Setting", _value(setting.default), *said)


def _settings(optimizer: Optimizer, settings: Mapping[str, float | str]) -> str:
    """The settings that differ from their defaults; "" where none does."""
    defaults = optimizer.defaults
    other = {name: value for name, value in settings.items() if isinstance(value, str) or not _same(float(value), float(defaults[name]))}
    return _by_name(other) if other else ""


def _contender(optimizer: Optimizer, settings: Mapping[str, float | str]) -> str:
    return f"({_optimizer(optimizer)}, {_settings(optimizer, settings) or '{}'})"


def _starts(starts: Starts, problem: Problem, made: Problem) -> str:
    """Starts by what differs from Starts(), "" for those. made: the problem of the script, whose start region may be another."""
    if starts.design == "given":
        if len(starts.given) > MOST_POINTS:
            raise ValueError(
                f"a script lists at most {MOST_POINTS} given starts, not {len(starts.given):,}: download the experiment and use Experiment.from_json"
            )
        return f"Starts.at({_enclosed('[', [_numbers(point) for point in starts.given], ']')})"
    usual, region = Starts(), starts.region(problem)
    said = [f"{name}={_value(getattr(starts, name))}" for name in ("design", "count", "seed") if getattr(starts, name) != getattr(usual, name)]
    if not _same(region, made.start_box):
        said.append(f"box={_by_name(region)}")
    return _call("Starts", *said) if said else ""


def _stopping(stopping: Stopping) -> str:
    said = [f"{one.name}={_value(getattr(stopping, one.name))}" for one in fields(Stopping) if getattr(stopping, one.name) != one.default]
    return _call("Stopping", *said) if said else ""


def _budget(budget: Budget | None, problem: Problem, made: Problem) -> str:
    if budget is None:
        return "None"
    usual = Budget()
    said = [f"{name}={_value(getattr(budget, name))}" for name in ("trials", "every", "seed") if getattr(budget, name) != getattr(usual, name)]
    if budget.starts != usual.starts or not _same(problem.start_box, made.start_box):
        said.append(f"starts={_starts(budget.starts, problem, made) or 'Starts()'}")
    return _call("Budget", *said)


def _range(one: Range) -> str:
    said = [] if one.count == Range.count else [str(one.count)]
    return _call("Range", _value(one.key), _number(one.low), _number(one.high), *said, *(["log=True"] if one.log else []))


def _window(window: Window, problem: Problem) -> str:
    if window == Window.of(problem):
        return "Window.of(problem)"
    limits = [_numbers(window.x), "None" if window.y is None else _numbers(window.y)]
    return _call("Window", _numbers(window.axes), *limits, _numbers(window.held))


# -- values as source --------------------------------------------------------------------------------------------------


def _value(value: Any) -> str:
    """The literal of a plain value, of the very same type."""
    if isinstance(value, float):
        return repr(float(value)) if math.isfinite(value) else f'float("{value}")'
    if isinstance(value, str):
        text = repr(str(value))
        return text if "'" in value or '"' in value else f'"{text[1:-1]}"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def _number(value: float) -> str:
    """A number where any type of it does: 3 for 3.0."""
    text = _value(float(value))
    return text if text == "-0.0" else text.removesuffix(".0")


def _numbers(values: Sequence[float]) -> str:
    inner = ", ".join(map(_number, values))
    return f"({inner},)" if len(values) == 1 else f"({inner})"


def _by_name(values: Mapping[str, Any]) -> str:
    """A dict of numbers, of formulas, or of limits."""
    return _enclosed("{", [f"{_value(name)}: {_one(value)}" for name, value in values.items()], "}")


def _one(value: float | str | tuple[float, float]) -> str:
    if isinstance(value, str):
        return _value(value)
    return _numbers(value) if isinstance(value, tuple) else _number(value)


def _same(one: Any, other: Any) -> bool:
    """Whether two plain values are equal to the last digit and type, as in an experiment's digest."""
    return json.dumps(one) == json.dumps(other)


def _call(function: str, *arguments: str) -> str:
    return function + _enclosed("(", arguments, ")")


def _enclosed(opening: str, parts: Sequence[str], closing: str) -> str:
    """The parts on one line, or on one line each where that is too long."""
    flat = opening + ", ".join(parts) + closing
    if len(flat) <= WIDTH and "\n" not in flat:
        return flat
    inner = "".join(f"\n{part},".replace("\n", "\n    ") for part in parts)
    return f"{opening}{inner}\n{closing}"


def _script(*lines: str) -> str:
    """The lines, after the imports that they need."""
    body = "\n".join(lines)
    used = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    wanted = {module: [name for name in names if name in used] for module, names in HOMES.items()}
    imports = [f"from {module} import {', '.join(names)}" for module, names in wanted.items() if names]
    return "\n".join(imports) + "\n\n" + body
