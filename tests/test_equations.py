"""Typed equations, settings and schedules from hostile hands: refused in one clear sentence, or they work."""

import time
from typing import Any

import cases
import numpy as np
import pytest

from gdcore import GALLERY, Ending, Experiment, FormulaError, Optimizer, Problem, Starts, Stopping, run
from gdcore.stability import stability

BOWL = Problem.from_text("x^2 + 3*y^2")
ATTACKS = cases.attacks("attacks_rce.txt") + cases.attacks("attacks_dos.txt")
PLACES = {
    "a right-hand side": "x = x - lr*g\nq = {}\nx = x - q/1000",
    "the step": "x = {}",
    "a target": "{} = g\nx = x - lr*g",
    "a start value": "state h = {}\nx = x - h*lr*g",
    "a name with a start value": "state {} = 1\nx = x - lr*g",
}


def used(text: str, settings: Any = None, *, schedule: str | None = None) -> str:
    """Everything that a page does with typed equations: "" where it works, else the refusal, checked for its form."""
    began = time.perf_counter()
    try:
        optimizer = Optimizer.from_text("mine", text, settings)
        optimizer.latex()
        assert Optimizer.from_dict(optimizer.to_dict()) == optimizer
        given = {} if schedule is None else {"lr": schedule}
        experiment = Experiment(BOWL, optimizer, given, Starts(count=20), Stopping(epochs=20))
    except ValueError as error:
        said = str(error)
        assert type(error) in (ValueError, FormulaError)
        assert 0 < len(said) <= 160 and "\n" not in said and "\r" not in said
        assert time.perf_counter() - began < 2
        return said
    assert sum(run(experiment).ending_counts().values()) == 20
    stability(BOWL, optimizer, {}, (0.0, 0.0))
    assert time.perf_counter() - began < 5  # twice the promise: the test machine may be busy
    return ""


@pytest.mark.parametrize("place", PLACES)
def test_attacks_in_equations_are_refused_or_work(place: str) -> None:
    refused = [said for said in (used(PLACES[place].format(attack)) for attack in ATTACKS) if said]
    assert len(refused) > 50
    assert all(said.startswith(("line ", "the equations have", "no line assigns x", "there are")) for said in refused)


def test_attacks_as_schedules_and_as_names_of_settings_are_refused_or_work() -> None:
    schedules = [used("x = x - lr*g", schedule=attack) for attack in ATTACKS]
    names = [used("x = x - lr*g", {attack: 0.1}) for attack in ATTACKS]
    assert sum(map(bool, schedules)) > 100 and sum(map(bool, names)) > 100


def tree(depth: int, call: str) -> str:
    return "g" if depth == 0 else f"{call}({tree(depth - 1, call)}*{tree(depth - 1, call)} + {depth})"


WORKING = {
    "38 lines that double": "a = g\n" + "a = sin(a)*a + cos(a)*a\n" * 38 + "x = x - lr*a",
    "38 lines that square": "a = g\n" + "a = a^2 - a\n" * 38 + "x = x - lr*a",
    "38 lines that measure": "a = g\n" + "a = a/(1 + norm(a)) + norm(a*a)\n" * 38 + "x = x - lr*a",
    "where in where": "x = x - lr*where(g > 0, where(x > 0, g, where(t < 3, 0, g)), g)",
    "where in a condition": "x = x - lr*where(where(g > 0, 1, 0) > 0, g, 0)",
    "30 nested choices": "x = x - lr*" + "where(g > 0, g, " * 30 + "g" + ")" * 30,
    "30 nested maxima": "x = x - lr*" + "max(g, x - " * 30 + "1" + ")" * 30,
    "a tree of lengths": "x = x - lr*" + tree(5, "norm"),
    "line ends of Windows": "v = 0.9*v + g\r\nx = x - lr*v\r\n",
    "tabs and empty lines": "\n\n\tv\t=\t0.9*v\t+\tg\n \t\n\tx = x - lr*v\n\n",
    "a state that is declared late": "x = x - h*g\nstate h = 0.1",
    "a state called state": "state state = 1\nx = x - lr*state*g",
    "a rate of its own": "lr = 0.1 + 0*f\nx = x - lr*g",
    "LaTeX": "x = x - \\frac{lr}{\\sqrt{v} + 1} \\cdot g\nv = v + g^2",
    "Greek settings": "x = x - η·g − 0·θ",
    "a power of a negative number": "x = x - lr*g*(0 - 2)^g",
    "roots of negative numbers": "x = x - lr*sqrt(-1 - g^2)",
}
REFUSED = {
    "a comment": ("# momentum\nx = x - lr*g", "line 1 is no assignment"),
    "a trailing operator": ("p = g\nx = x - lr*p *", "line 2: the formula ends too early at 15"),
    "a chain of assignments": ("q = v = g\nx = x - q - v", "line 1 has a second '='"),
    "two assignments": ("v = g; x = x - lr*v", "line 1 has a second '='"),
    "an equality": ("x = x - lr*where(g == 1, g, 0)", "line 1 has a second '='"),
    "a chained comparison": ("x = x - lr*where(0 < g < 1, g, 0)", "line 1: '<' at 24: comparisons belong into where"),
    "a comparison outside": ("c = g > 0\nx = x - lr*g*c", "line 1: '>' at 7: comparisons belong into where"),
    "a comparison in norm": ("x = x - lr*norm(g > 1)", "line 1: comparison at 12"),
    "a state declared twice": ("state h = 1\nx = x - h*g\nstate h = 2", "line 3 gives 'h' a second start value"),
    "a start value from itself": ("state a = a\nx = x - a*g", "line 1 starts 'a' from 'a'"),
    "updating in place": ("x -= lr*g", "line 1 is no assignment"),
    "an arrow": ("x ← x - lr*g", "line 1 is no assignment"),
    "a name that is given": ("T = 1\nx = x - lr*g", "line 1 assigns 'T', which is given"),
    "a name of the language": ("lambda = 1\nx = x - lambda*g", "line 1: 'lambda' has a fixed meaning"),
    "an invisible character": ("x\u200b = x - lr*g", "line 1 is no assignment"),
    "half a character": ("x = x - lr*g\ud800", "line 1: the character U+D800 at 13 is not allowed"),
    "a very long line": ("x = x - lr*(" + "+".join("g" * 5000) + ")", "line 1: the formula has 10,012 characters"),
    "a million lines": ("q = g\n" * 1_000_000 + "x = x - lr*g", "the equations have 6,000,012 characters (at most 20,000)"),
    "a million blanks": ("x" + " " * 1_000_000 + "y", "the equations have 1,000,002 characters"),
    "long lines by the dozen": (
        "\n".join(f"q{i} = " + " + ".join(f"sin({k}*q{(i + k % 8) % 38})/9" for k in range(1, 30)) for i in range(30)) + "\nx = x - q1",
        "operations and values (at most 1,000): shorten them",
    ),
    "too many settings in a line": ("x = x - g*(" + "+".join(f"s{i}" for i in range(12)) + ")", "line 1: the formula names"),
    "what is no text": (None, "equations are text, not NoneType"),
}  # fmt: skip


@pytest.mark.parametrize("name", WORKING)
def test_unusual_equations_that_work(name: str) -> None:
    assert used(WORKING[name]) == ""


@pytest.mark.parametrize("name", REFUSED)
def test_equations_that_are_refused(name: str) -> None:
    text, says = REFUSED[name]
    assert says in used(text)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["e", "pi", "sin", "norm", "where", "None", "nan", "import", "x y", "x;", "a__b", "_", "ñ", "𝐱"])
def test_names_that_nothing_may_have(name: str) -> None:
    for text in (f"{name} = g\nx = x - lr*g", f"state {name} = 1\nx = x - lr*g"):
        assert used(text).startswith("line 1")
    assert used("x = x - lr*g", {name: 1.0})


def test_a_run_that_leaves_the_numbers_says_so() -> None:
    mine = Optimizer.from_text("mine", "x = x - lr*sqrt(-1 - g^2)")
    found = run(Experiment(GALLERY["peaks"], mine, {}, Starts(count=5), Stopping(epochs=10)))
    assert set(found.endings) == {Ending.DIVERGED} and not np.isfinite(found.ends).any()
