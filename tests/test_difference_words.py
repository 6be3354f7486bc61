"""What is said of runs compared: each case made to occur, its figures counted again."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Ending, Experiment, Findings, Problem, Starts, Stopping, run
from gdcore.contrast import Row, contrast
from gdcore.differences import Difference, Epochs, Shift, difference
from gdcore.matching import Matched, matched
from gdcore.stopping import CODE
from gdui import difference_words as words

PEAKS, HIMMELBLAU, CUSP = GALLERY["peaks"], GALLERY["himmelblau"], GALLERY["tilted_double_well"]


def asked(problem: Problem = PEAKS, optimizer: str = "gd", seed: int = 0, epochs: int = 1000, count: int = 200, lr: float = 0.01) -> Experiment:
    return Experiment(problem, OPTIMIZERS[optimizer], {"lr": lr}, Starts(count=count, seed=seed), Stopping(epochs))


def made(*args: Any, **chosen: Any) -> Findings:
    return run(asked(*args, **chosen))


@pytest.fixture(scope="module")
def base() -> Findings:
    return made()


def ended(findings: Findings, labels: dict[int, int]) -> Findings:
    """The findings with some starts ended elsewhere; -1: still moving."""
    own, codes = findings.labels.copy(), findings.ending_codes.copy()
    for start, label in labels.items():
        own[start], codes[start] = label, CODE[Ending.MINIMUM if label >= 0 else Ending.MOVING]
    counts = np.bincount(own[own >= 0], minlength=len(findings.minima)).tolist()
    minima = tuple(dataclasses.replace(m, count=n, share=n / findings.count) for m, n in zip(findings.minima, counts, strict=True))
    return dataclasses.replace(findings, labels=own, ending_codes=codes, minima=minima)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def said(first: Findings, second: Findings) -> str:
    found = difference(first, second)
    return plain(words.headline(contrast([first.experiment, second.experiment]), found.matched, found))


def told(*found: Findings) -> str:
    return plain(words.headline(contrast([one.experiment for one in found]), matched(found)))


# -- two runs ----------------------------------------------------------------------------------------------------------


def test_two_that_differ_in_one_setting_and_how_many_starts_changed(base: Findings) -> None:
    second = dataclasses.replace(base, experiment=dataclasses.replace(base.experiment, settings={"lr": 0.02}))
    settled = np.flatnonzero(base.labels >= 0)[:24].tolist()
    moved = ended(second, {k: (int(base.labels[k]) + 1) % 3 for k in settled})
    assert said(base, moved) == "These two differ in the learning rate alone; 12 % of the starts changed their minimum (95 %: 8 to 17)."
    assert said(base, second) == "These two differ in the learning rate alone; no start changed its minimum."
    some = ended(moved, {settled[0]: -1})
    assert "; 12 % of the starts changed their minimum or ending (" in said(base, some)
    stuck = ended(second, {settled[0]: -1})
    assert said(base, stuck).endswith("; 0.5 % of the starts ended in another way (95 %: 0.1 to 2.8).")


def test_equal_experiments(base: Findings) -> None:
    assert said(base, base) == "These two are the same experiment, with the same findings."
    settled = int(np.flatnonzero(base.labels >= 0)[0])
    other = ended(base, {settled: (int(base.labels[settled]) + 1) % 3})
    assert said(base, other) == "These two are the same experiment, with other findings: 0.5 % of the starts changed their minimum (95 %: 0.1 to 2.8)."


def test_other_starts_are_compared_by_shares(base: Findings) -> None:
    other = made(seed=1)
    text, shares = said(base, other), [100 * findings.minima[0].share for findings in (base, other)]
    assert text.startswith("These two differ in the seed alone; they have other starts, so shares are compared and not starts. The deepest minimum gets ")
    assert f"gets {shares[0]:.0f} % of the starts of the first and {shares[1]:.0f} % of those of the second ({shares[1] - shares[0]:+.1f}".replace("-", "−") in text
    assert text.endswith(": may be chance).")


def test_other_functions_share_no_minimum(base: Findings) -> None:
    text = said(base, made(HIMMELBLAU))
    assert text.startswith("These two differ in the formula, the box and the start region; no minimum of one is a minimum of another.")
    assert "The deepest minima of each get " in text and " and 100 % of those of the second (+" in text
    level = [made(problem, count=20, lr=0.1) for problem in (Problem.from_text("x^2 + y^2"), Problem.from_text("x^2 + 2*y^2"))]
    assert said(*level).endswith("The deepest minimum of each gets 100 % of the starts of both.")
    slope = [made(Problem.from_text(f"x + {k}*y"), epochs=3) for k in (1, 2)]
    assert said(*slope).endswith("differ in the formula alone; no minimum of one is a minimum of another. The deepest minimum of each gets no start.")


def test_three_parameters_are_too_many_to_follow() -> None:
    problem = Problem.from_text("a*x^2 + b*x + c + y^2", parameters={"a": 1.0, "b": 1.0, "c": 1.0})
    text = said(made(problem, count=20), made(problem.with_parameters(a=2.0, b=0.0, c=2.0), count=20))
    assert text.startswith("These two differ in the parameters a, b and c alone; with more than two parameters apart, minima are not followed. ")


def test_where_no_start_settles_nothing_is_said_of_minima() -> None:
    slope = Problem.from_text("0.001*x + 0.001*y")
    assert said(made(slope, epochs=3), made(slope, epochs=4)) == "These two differ in the number of epochs alone; no start ended in another way."


# -- what differs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        (asked(), asked(optimizer="adam"), "the optimizer alone"),
        (asked(), asked(optimizer="adam", lr=0.1, seed=1), "the optimizer, the learning rate and the seed"),
        (asked(), asked(PEAKS.with_box({"x": (-3, 4), "y": (-3, 3)})), "the box of x and the start region"),
        (asked(CUSP), asked(CUSP.with_box({"x": (-3, 4), "y": (-2, 2)})), "the box of x alone"),
        (asked(CUSP), asked(CUSP.with_parameters(a=0.5, b=0.1)), "the parameters a and b alone"),
        (asked(CUSP), asked(CUSP.with_parameters(b=0.1), count=3), "the parameter b and the number of starts"),
        (asked(HIMMELBLAU), asked(count=3, optimizer="adam", lr=1, seed=3, epochs=9), "the formula, the box, the optimizer, the learning rate and 4 more"),
    ],
)
def test_what_differs_in_a_sentence(first: Experiment, second: Experiment, wanted: str) -> None:
    assert words.differing(contrast([first, second])) == wanted


def test_given_starts_are_one_thing_that_differs() -> None:
    first = Experiment(PEAKS, OPTIMIZERS["gd"], starts=Starts(count=1))
    second = dataclasses.replace(first, starts=Starts.at([[1.0, 2.0]]))
    assert words.differing(contrast([first, second])) == "the design of the starts alone"
    assert words.differing(contrast([second, dataclasses.replace(first, starts=Starts.at([[1.0, 2.5]]))])) == "the start points alone"


def test_from_to() -> None:
    first, second = asked(CUSP), asked(CUSP.with_parameters(b=-1.0), lr=0.02, epochs=2000)
    assert plain(words.what(contrast([first, second]))) == "parameter b 0.3 → −1, learning rate 0.01 → 0.02, epochs 1,000 → 2,000"
    assert plain(words.what([Row("learning rate", "setting lr", (0.1, 0.1 + 1e-9))])) == "learning rate 0.1 → 0.100000001"
    assert plain(words.what([Row("box of x", "box x", ((-2.0, 2.0), None))])) == "box of x −2 to 2 → –"
    assert words.what([Row("formula", "formula", ("x", "y")), Row("equations", "equations", ("a", "b"))]) == "another formula, other equations"
    many = [Row(f"parameter {k}", f"parameter {k}", (0.0, 1.0)) for k in "abcdefgh"]
    assert words.what(many).count("→") == 4 and words.what(many).endswith(", and 4 more")


def test_the_table_of_what_differs_is_text_with_a_line_for_each_thing() -> None:
    rows = contrast([asked(count=2), asked(count=2, optimizer="adam", lr=1e-5), asked(count=30)])
    frame = words.contrast_frame(rows, ["a", "b", "c"])
    assert list(frame.columns) == ["a", "b", "c"] and list(frame.index) == [row.label[0].upper() + row.label[1:] for row in rows]
    assert frame.loc["Learning rate"].tolist() == ["0.01", "1e−05", "0.01"] and frame.loc["Starts"].tolist() == ["2", "2", "30"]
    assert frame.loc["Epsilon"].tolist() == ["–", "1e−08", "–"]
    assert words.contrast_frame([], ["a", "b"]).shape == (0, 2)


# -- three to six ------------------------------------------------------------------------------------------------------


def test_three_to_six_tell_the_range_of_the_deepest_minimum(base: Findings) -> None:
    n = base.count
    few, more = ({k: label for k in range(n)} | {k: 0 for k in range(count)} for count, label in ((54, 1), (82, -1)))
    low, high = (ended(dataclasses.replace(base, experiment=dataclasses.replace(base.experiment, settings={"lr": rate})), given) for rate, given in ((0.02, few), (0.03, more)))
    middle = ended(base, dict.fromkeys(range(n), 1) | dict.fromkeys(range(70), 0))
    assert told(middle, low, high) == "These three differ in the learning rate alone. The deepest minimum gets between 27 % and 41 % of the starts."
    assert told(base, base, base, base, base) == "These five are the same experiment, with the same findings."
    assert told(middle, middle, low).endswith("between 27 % and 35 % of the starts.")
    assert told(middle, base, base).startswith("These three are the same experiment, with other findings. The deepest minimum gets between")


def test_three_whose_deepest_is_not_one_minimum() -> None:
    tilted = [made(CUSP.with_parameters(b=b), count=50) for b in (-0.5, 0.1, 0.5)]
    assert "The deepest minimum of each gets between " in told(*tilted)
    assert "The deepest minimum gets between " in told(*tilted[1:], tilted[1])
    assert "The deepest minima get " in told(*(made(HIMMELBLAU, count=20, seed=seed) for seed in range(3)))
    slopes = [made(Problem.from_text("x + y"), epochs=epochs, count=5) for epochs in (2, 3, 4)]
    assert told(*slopes).endswith("gets no start in any of them.")


# -- what moved --------------------------------------------------------------------------------------------------------


def shift(difference: float, low: float, high: float) -> Shift:
    return Shift(-1, None, 0.5, 0.5 + difference, difference, (low, high))


def invented(base: Findings, settled: Shift, success: Shift, epochs: Epochs, changed: int | None) -> Difference:
    flags = None if changed is None else np.arange(base.count) < changed
    every = Matched((base, base), matched([base]).how)
    limits = (0.0, 0.04)
    return Difference(every, changed is not None, (), settled, success, epochs, flags, 0.031 if changed else 0.0, limits)


def test_what_moved_against_the_baseline(base: Findings) -> None:
    found = invented(base, shift(0.018, 0.009, 0.027), shift(-0.004, -0.012, 0.004), Epochs(300, 180, -120, (-122, -118)), 6)
    text = plain(words.moved(found))
    assert text.startswith("Against the baseline: settled +1.8 points (95 %: 0.9 to 2.7), the deepest minimum −0.4 (−1.2 to 0.4: may be chance), ")
    assert "median epochs −120 (−122 to −118). 3 % of the starts " in text and "-" not in text


def test_what_did_not_move_is_not_listed(base: Findings) -> None:
    nothing = shift(0.0, -0.002, 0.002)
    sooner = invented(base, nothing, nothing, Epochs(300, 180, -120, (-122, -118)), 0)
    assert plain(words.moved(sooner)) == "Against the baseline: median epochs −120 (−122 to −118). No start changed its minimum."
    still = invented(base, nothing, nothing, Epochs(300, 300, 0, (0, 0)), 0)
    assert words.moved(still) == "Against the baseline: median epochs unchanged. No start changed its minimum."
    none = invented(base, nothing, nothing, Epochs(*[float("nan")] * 3, (float("nan"),) * 2), 0)
    assert words.moved(none) == "Against the baseline, no start changed its minimum."
    exchanged = invented(base, nothing, nothing, Epochs(300, 300.5, 0.5, (-1, 2)), 3)
    assert plain(words.moved(exchanged)).startswith("Against the baseline: settled unchanged, the deepest minimum unchanged, median epochs +0.5 (−1 to 2: may be chance). ")


def test_against_other_starts_and_other_functions(base: Findings) -> None:
    text = plain(words.moved(difference(base, made(seed=1))))
    assert "may be chance" in text and text.endswith("The starts are not the same, so shares are compared and not starts.")
    starts = Starts(count=50, box={"x": (-2.0, 2.0), "y": (-2.0, 2.0)})
    pair = [run(Experiment(problem, OPTIMIZERS["gd"], {"lr": 0.01}, starts)) for problem in (PEAKS, HIMMELBLAU)]
    assert plain(words.moved(difference(*pair))).endswith(". No minimum of one is a minimum of another.")


def test_few_settled_starts_have_epochs_without_limits(base: Findings) -> None:
    nothing = shift(0.01, -0.002, 0.02)
    few = invented(base, nothing, nothing, Epochs(300, 180, -120, (float("nan"),) * 2), 3)
    assert ", median epochs −120. 3 % of" in plain(words.moved(few))


def test_points_are_as_fine_as_their_interval() -> None:
    assert words.signed(shift(0.000853, 0.000791, 0.000915)) == "+0.085"
    assert words.signed(shift(-0.123, -0.2, -0.1)) == "−12" and words.signed(shift(0.0301, 0.0, 0.06)) == "+3.0"


def test_rows_tell_what_the_difference_says(base: Findings) -> None:
    found = difference(base, made(lr=0.02))
    rows = words.rows(found)
    assert [row["group"] for row in rows][:3] == ["Minimum 1", "Minimum 2", "Minimum 3"] and "▼ Still moving" in [row["group"] for row in rows]
    for row, wanted in zip(rows, found.rows, strict=True):
        assert plain(row["baseline"]) == f"{100 * wanted.before:.1f} %" and plain(row["now"]) == f"{100 * wanted.now:.1f} %"
        assert float(row["points"].replace("−", "-")) == pytest.approx(100 * wanted.difference, abs=0.5 if abs(wanted.difference) >= 0.1 else 0.05)
        assert " to " in row["95 %"] and "-" not in "".join(row.values())


def test_many_minima_share_a_row_and_those_of_other_functions_have_one_together(base: Findings) -> None:
    problem = Problem.from_text("(x^2 + y^2)/500 + sin(3*x)*sin(3*y)", box={"x": (-5, 5), "y": (-5, 5)})
    rows = words.rows(difference(made(problem, lr=0.1), made(problem, lr=0.2, seed=1)))
    assert [row["group"] for row in rows][:9] == [*(f"Minimum {k}" for k in range(1, 9)), "Further minima"]
    apart = words.rows(difference(base, made(HIMMELBLAU)))
    assert apart[0]["group"] == "Any minimum" and plain(apart[0]["now"]) == "100.0 %" and "Minimum 1" not in [row["group"] for row in apart]
