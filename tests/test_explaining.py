"""Sentences on one run say what its explanation says, and nothing else."""

import math
import re
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from stationary import known

from gdcore import GALLERY, OPTIMIZERS, Ending, Experiment, Optimizer, Problem, Stopping, trace
from gdcore.certify import certify
from gdcore.explain import BorderStep, explain
from gdcore.structure import structure
from gdui import wording
from gdui.explaining import sentences

WELLS = Problem.from_text("(x^2 - 1)^2 + y^2", box={"x": (-2, 2), "y": (-2, 2)})
BORDERS = structure(WELLS, known(WELLS, [(-1, 0), (1, 0), (0, 0)]))
PEAKS = structure(GALLERY["peaks"], certify(GALLERY["peaks"]).points)
TOKEN = re.compile(r"−?\d[\d,]*(?:\.\d+)?(?:e[−+]?\d+)?")
CONSTANT = ("2/λ", "2 to 8 positions")


def explained(whole, optimizer, settings, start, *, epochs=1000, tolerance=1e-6, problem=None, minima=None):
    problem = problem or whole.problem
    optimizer = OPTIMIZERS[optimizer] if isinstance(optimizer, str) else optimizer
    experiment = Experiment(problem, optimizer, settings, stopping=Stopping(epochs, tolerance))
    run = trace(problem, optimizer, experiment.settings, start, experiment.stopping)
    return explain(experiment, run, whole, minima)


def facts(value):
    """Every number of an explanation, and those that follow from them by counting."""
    if is_dataclass(value):
        found = [number for field in fields(value) for number in facts(getattr(value, field.name))]
        return [*found, value.limit] if isinstance(value, BorderStep) else found
    if isinstance(value, tuple):
        return [float(len(value)), *(number for part in value for number in facts(part))]
    return [float(value)] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


def unfounded(run, text):
    """The numbers in a text that are no rounding of a fact; minima and positions are counted from 1."""
    known_numbers = np.array(facts(run))
    known_numbers = np.concatenate([known_numbers[np.isfinite(known_numbers)], [run.end.epoch + 1]])
    minima = [k + 1 for k in _numbers(run)]
    for constant in CONSTANT:
        text = text.replace(constant, "")
    wrong = []
    for match in TOKEN.finditer(text):
        token = match.group().replace("−", "-").replace(",", "")
        digits, _, exponent = token.partition("e")
        unit = 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))
        rounded = "." in digits or "e" in token or len(digits) == 3  # three digits of a larger number, perhaps
        own = np.array(minima) if text[: match.start()].endswith("minimum ") else known_numbers
        if not (np.abs(own - float(token)) <= 0.5001 * unit * rounded).any():
            wrong.append(token)
    return wrong


def _numbers(run):
    basins = [run.basin, *(b for s in (run.first, run.last) if s for b in (s.origin, s.goal))]
    named = [run.minimum, *(b.minimum for b in basins if b)]
    return [m.number for m in named if m and m.number is not None]


def test_the_whole_story_of_a_run_that_jumps_the_ridge():
    run = explained(BORDERS, "gd", {"lr": 0.22}, [-1.5, 0.4])
    k = run.end.epoch
    assert sentences(run) == [
        "It began at (−1.500, 0.400), where f = 1.723 and |∇f| = 7.54, in the basin of minimum 1.",
        "At epoch 1 it crossed the border to the basin of minimum 2: the step was 1.66 long; the rate 0.22 is above 2/λ = 0.0879 for the curvature λ = 22.8 along it.",
        "|∇f| was largest, 7.54, at epoch 0.",
        f"f rose at none of its {k} steps by more than rounding.",
        f"It settled after {k} epochs: |∇f| = {run.end.gradient_norm:.3g} is at most the tolerance 1e−06, and Newton's method confirms minimum 2.".replace("e-", "e−"),
        "The gradient flow from its start ends at minimum 1: the run was carried elsewhere.",
    ]  # fmt: skip


def test_a_gentle_run():
    told = sentences(explained(BORDERS, "gd", {"lr": 0.02}, [-0.4, 1.1]))
    assert told[1] == "At no epoch was it found in another basin."
    assert told[-1] == "The gradient flow from its start ends there too."


def test_momentum_and_optimizers_without_a_rate_are_told_apart_from_plain_descent():
    momentum = explained(BORDERS, "momentum", {"lr": 0.03, "momentum": 0.95}, [-1.7, 0.0], epochs=200)
    said = sentences(momentum)[1]
    times = wording.figure(momentum.first.relative_length, 3)
    assert f"the optimizer's own rule made the step {momentum.first.length:.3g}" in said and "uphill at first" in said
    assert f"{times} times plain descent's at the rate 0.03" in said and "2/λ" not in said
    none = sentences(explained(BORDERS, Optimizer.from_text("No rate", "x = x - 0.22*g"), {}, [-1.5, 0.4]))[1]
    assert none.endswith("the step was 1.66 long, where |∇f| was 7.54.") and "rate" not in none


def test_a_rate_below_the_limit_is_said_to_be_so():
    run = explained(PEAKS, "gd", {"lr": 0.15}, [0.3, 1.0])
    assert run.first.plain and not run.first.overshoots
    assert "the rate 0.15 is not above 2/λ = 0.229 for the curvature λ = 8.75 along it" in sentences(run)[1]


def test_several_borders_are_counted_and_the_last_is_told():
    run = explained(BORDERS, "momentum", {"lr": 0.1, "momentum": 0.95}, [-1.5, 0.0], epochs=60)
    assert len(run.borders) > 1 and run.looked_at == 61
    way = f"from the basin of minimum {run.last.origin.minimum.number + 1} to the basin of minimum {run.last.goal.minimum.number + 1}"
    assert f"It crossed a border {len(run.borders)} times, the last time at epoch {run.borders[-1]} {way}: " in sentences(run)[2]


def test_what_was_looked_at_in_part_is_said_so():
    long = explained(BORDERS, "gd", {"lr": 1e-5}, [-0.001, 1.9], epochs=5000, tolerance=0.0)
    assert long.looked_at <= 1100
    assert sentences(long)[1] == f"It was found in no other basin at the {long.looked_at:,} of its 5,001 positions that were looked at."
    wild = explained(BORDERS, "momentum", {"lr": 0.1, "momentum": 0.95}, [-1.5, 0.0], epochs=60)
    part = sentences(replace(wild, looked_at=60))[2]
    assert f"It crossed a border at least {len(wild.borders)} times, the last time seen at epoch {wild.borders[-1]} " in part


def test_a_curve_downward_sets_no_limit():
    run = explained(BORDERS, "gd", {"lr": 0.22}, [-1.5, 0.4])
    said = sentences(replace(run, first=replace(run.first, curvature=-3.2)))[1]
    assert said.endswith("long at the rate 0.22; the curvature along it, λ = −3.20, sets no limit 2/λ.") and "above" not in said
    unknown = sentences(replace(run, first=replace(run.first, curvature=math.nan)))[1]
    assert unknown.endswith("the step was 1.66 long at the rate 0.22.")


def test_without_a_structure_no_word_of_basins():
    run = explained(None, "gd", {"lr": 0.22}, [-1.5, 0.4], problem=WELLS, minima=[(1, 0)])
    told = sentences(run)
    assert len(told) == 4 and not re.search("basin|border|flow", " ".join(told)) and "confirms minimum 1." in told[-1]
    alone = sentences(explained(None, "gd", {"lr": 0.22}, [-1.5, 0.4], problem=WELLS))
    assert alone[-1].endswith("Newton's method confirms the minimum at (1.000, 0.000).")


def test_a_run_without_a_step():
    assert sentences(explained(BORDERS, "gd", {"lr": 0.1}, [0.0, 0.0])) == [
        "It began at (0.000, 0.000), where f = 1.000 and |∇f| = 0; where the gradient flow leads from there is undecided.",
        "It took no step.",
        "It ended at once: |∇f| = 0 is at most the tolerance 1e−06; it stopped at a saddle.",
    ]
    root = Problem.from_text("sqrt(x)", box={"x": (0, 4)})
    nowhere = sentences(explained(structure(root, []), "gd", {"lr": 0.1}, [-1.0]))
    assert nowhere[0] == "It began at (−1.000), where f = – and |∇f| = –."
    assert nowhere[-1].startswith("Undefined at the start: ") and len(nowhere) == 3


@pytest.mark.parametrize(
    ("problem", "start", "rate", "epochs", "ending", "says"),
    [
        ("x + y^2", [0.0, 0.5], 0.1, 50, Ending.LEFT_BOX, "Its 50 epochs ran out when it was 0.750 box widths outside the box, with |∇f| = 1.00."),
        ("(x^2 - 1)^2 + y^2", [1.9, 0.0], 0.3, 99, Ending.DIVERGED, " box widths outside the box: it diverged: position or value grew"),
        ("x^2 + y^2", [0.5, 0.5], 1e-3, 20, Ending.MOVING, "It ended after all of its 20 epochs with |∇f| = 1.36, still moving when"),
        ("x^2 + y^2", [0.5, 0.5], 1.0, 50, Ending.ORBIT, "caught in an orbit: the same 2 to 8 positions"),
        ("x^2 + y^2", [0.5, 0.5], 0.5, 50, Ending.MINIMUM, "It settled after 1 epoch: |∇f| = 0 is at most the tolerance"),
    ],
)
def test_every_way_to_end_has_its_sentence(problem, start, rate, epochs, ending, says):
    problem = Problem.from_text(problem, box={"x": (-2, 2), "y": (-2, 2)})
    run = explained(None, "gd", {"lr": rate}, start, epochs=epochs, problem=problem)
    assert run.ending is ending and says in sentences(run)[-1]


def test_a_minimum_by_the_last_epoch_is_not_said_to_be_below_a_tolerance():
    run = explained(BORDERS, "gd", {"lr": 0.1}, [0.5, 0.4], epochs=300, tolerance=0.0)
    assert run.ending is Ending.MINIMUM and "tolerance" not in " ".join(sentences(run))
    assert "It settled within all of its 300 epochs: |∇f| = " in sentences(run)[-2]


def runs():
    rng = np.random.default_rng(4)
    for name in OPTIMIZERS:
        for rate in (0.01, 0.3):
            settings = {"lr": rate} if "lr" in OPTIMIZERS[name].settings else {}
            for whole, start in ((BORDERS, rng.uniform(-1.9, 1.9, 2)), (PEAKS, rng.uniform(-2.5, 2.5, 2))):
                yield name, rate, whole, settings, start


@pytest.mark.parametrize(("name", "rate", "whole", "settings", "start"), list(runs()))
def test_every_number_that_is_told_is_a_fact(name, rate, whole, settings, start):
    run = explained(whole, name, settings, start, epochs=400)
    told = sentences(run)
    assert unfounded(run, " ".join(told)) == [] and 3 <= len(told) <= 7
    assert all(sentence.endswith(".") and "-" not in sentence and "nan" not in sentence for sentence in told)


def test_the_check_of_numbers_notices_a_wrong_one():
    run = explained(BORDERS, "gd", {"lr": 0.22}, [-1.5, 0.4])
    assert unfounded(run, "At epoch 7,777 the rate was 0.23, near minimum 3, |∇f| = 2.5e−05.") == ["7777", "0.23", "3", "2.5e-05"]
    assert unfounded(run, "the rate 0.22 at minimum 2") == []


def test_more_than_three_coordinates_are_not_written_out():
    problem = Problem.from_text("a^2 + b^2 + c^2 + d^2", box={name: (-1, 1) for name in "abcd"})
    run = explained(structure(problem, known(problem, [(0, 0, 0, 0)])), "gd", {"lr": 0.1}, [0.5] * 4, minima=[])
    text = " ".join(sentences(run))
    assert "It began where f = 1.000" in text and "a minimum without a number" in text and not math.isnan(run.end.value)
