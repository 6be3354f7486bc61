"""The sentences about basin maps: true of the map, and read as a person writes them."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Ending, Experiment, Problem, Starts, Stopping
from gdcore.basin_measures import BasinEntropy, basin_entropy, uncertainty_exponent
from gdcore.basins import Change, Reached, Transition, Window, basin_map, changed
from gdcore.pushes import Push, smallest_push
from gdcore.quantities import applied, quantities
from gdcore.small_step import small_step
from gdui import basin_words
from gdui.basin_charts import Point

NONSENSE = re.compile(r"\bnan\b|None|\b1 (others|pixels|minima)\b|\binf\b|\.\.|  ")


def plain(text):
    return text.replace("\u00a0", " ")


def experiment(problem, lr=None):
    problem = GALLERY[problem] if isinstance(problem, str) else problem
    return Experiment(problem, OPTIMIZERS["gd"], {"lr": lr or problem.rate or 0.01}, Starts(count=1), Stopping(500))


def mapped(problem, side=32, lr=None):
    question = experiment(problem, lr)
    window = Window.of(question.problem)
    return basin_map(question, window, side if window.y else 256, side if window.y else 1)


@pytest.fixture(scope="module")
def peaks():
    return mapped("peaks", 64)


def test_the_headline_shares_out_the_box(peaks):
    text = plain(basin_words.headline(peaks, whole=True))
    shares = [(peaks.labels == k).mean() for k in (0, 1, 2, -1)]
    said = [float(number) / 100 for number in re.findall(r"([\d.]+) %", text)]
    assert said == pytest.approx(shares, abs=0.006)
    assert re.fullmatch(r"\d+ % of the box belongs to minimum 1, \d+ % to minimum 2 and \d+ % to minimum 3; from \d+ % no minimum is reached\.", text)
    assert "of this window belongs" in basin_words.headline(peaks, whole=False)


def test_a_fourth_minimum_is_named_and_more_are_counted():
    assert re.search(r", \d+ % to minimum 3 and \d+ % to minimum 4\.$", plain(basin_words.headline(mapped("himmelblau"), whole=True)))
    assert re.search(r"and \d+ % to \d+ others\.$", plain(basin_words.headline(mapped("rastrigin"), whole=True)))


def test_a_map_of_three_variables_is_a_slice_and_says_where():
    found = mapped("styblinski_tang_3")
    assert "of this slice of the box belongs" in basin_words.headline(found, whole=True)
    assert "with z = 0." in basin_words.basis(found, coarse=False)
    assert "with" not in basin_words.basis(mapped("double_well"), coarse=False)


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("x^2 - y^2", "the commonest ending is “diverged”, from"), ("sqrt(-1-x^2) + y^2", "“undefined at start”, from 100 % of it"),
        ("x^4 + y^4", "No place of the box belongs to a minimum"), ("1/x + y^2", "from 50 % of it"), ("x^2 + y^2", "100 % of the box belongs to minimum 1."),
        ("x*log(x) + y^2", "50 % of the box belongs to minimum 1; from 50 % no minimum is reached."),
    ],
)  # fmt: skip
def test_every_kind_of_map_has_its_headline(formula, says):
    found = mapped(Problem.from_text(formula), lr=0.05)
    text = plain(basin_words.headline(found, whole=True))
    assert says in text and not NONSENSE.search(text)


def test_the_basis_counts_places_and_owns_up_to_a_coarse_map(peaks):
    assert basin_words.basis(peaks, coarse=False).startswith("One run from each of 64 × 64 places.")
    assert basin_words.basis(peaks, coarse=True).startswith("A first, coarse map. One run")
    assert basin_words.basis(mapped("double_well"), coarse=False).startswith("One run from each of 256 places.")


# -- borders -----------------------------------------------------------------------------------------------------------


def test_a_straight_border_is_smooth_and_proves_nothing_fractal():
    half = np.repeat((np.arange(512) > 203)[None], 512, axis=0).astype(np.int32)
    border, entropy = basin_words.mixed(basin_entropy(half), uncertainty_exponent(half))
    assert border.startswith("The borders are smooth: half the error of a start, half the uncertain starts (uncertainty exponent")
    assert "which proves nothing fractal (boxes of 5 × 5 pixels)" in entropy


def test_a_random_map_is_fractal_by_both_measures():
    noise = np.random.default_rng(0).integers(0, 3, (256, 256))
    border, entropy = basin_words.mixed(basin_entropy(noise), uncertainty_exponent(noise))
    assert "look fractal" in border and "as on a fractal border (boxes" in entropy


def test_three_basins_in_a_box_are_not_called_fractal():
    smooth = uncertainty_exponent(np.repeat((np.arange(512) > 203)[None], 512, axis=0).astype(np.int32))
    text = basin_words.mixed(BasinEntropy(0.1, 0.702, 100, 10, 5), smooth)[1]
    assert "or where three basins meet within a box" in text


def test_no_border_and_too_small_a_map_are_said_in_sentences():
    none = basin_words.mixed(basin_entropy(np.zeros((64, 64), int)), uncertainty_exponent(np.zeros((64, 64), int)))
    assert none == ["No uncertainty exponent: there is no border: all pixels have one colour.", "Basin entropy 0: within every box of pixels all runs end alike."]
    strip = (np.arange(250) > 117).astype(np.int32)[None]
    said = basin_words.mixed(basin_entropy(strip), uncertainty_exponent(strip), strip=True)
    assert "(boxes of 5 pixels)" in said[1] and all(text.endswith(".") for text in said)
    assert len(basin_words.mixed(None, uncertainty_exponent(strip))) == 1


# -- pushes ------------------------------------------------------------------------------------------------------------


def test_the_push_is_as_far_as_the_border_and_its_direction_has_length_one():
    found = mapped("tilted_double_well")
    push = smallest_push(experiment("tilted_double_well"), found.minima[0])
    text = basin_words.pushed(0, found.minima[0], push, found.minima)
    distance, across, along = map(float, re.fullmatch(r"Minimum 1: a push of ([\d.]+) along \(([\d.]+), ([\d.]+)\) suffices; the run then settles in minimum 2\.", text).groups())
    roots = np.sort(np.roots([4, 0, -4, 0.3]).real)
    assert distance == pytest.approx(roots[1] - roots[0], abs=2e-3)
    assert math.hypot(across, along) == pytest.approx(1, abs=1e-3)


def test_a_push_in_one_variable_goes_left_or_right():
    found = mapped("double_well")
    for k, side in ((0, "right"), (1, "left")):
        push = smallest_push(experiment("double_well"), found.minima[k])
        assert f"to the {side} suffices; the run then settles in minimum {2 - k}." in basin_words.pushed(k, found.minima[k], push, found.minima)


def test_no_push_and_a_minimum_that_runs_do_not_stay_in():
    found = mapped(Problem.from_text("x^2 + y^2"), lr=0.1)
    bowl = found.minima[0]
    push = smallest_push(experiment(Problem.from_text("x^2 + y^2"), 0.1), bowl)
    assert basin_words.pushed(0, bowl, push, found.minima) == "Minimum 1: no push up to 4.24, the far corner of the box, changes where the run ends."
    assert "do not stay" in basin_words.pushed(0, bowl, None, found.minima)
    away = Push(0.5, (0.5, 0.0), (0.4, 0.0), 0.1, Ending.LEFT_BOX, None, 8, 4.0)
    assert basin_words.pushed(0, bowl, away, found.minima) == "Minimum 1: a push of 0.5000 along (1.000, 0.000) suffices; the run then ends otherwise (left the box)."
    elsewhere = replace(away, ending=Ending.MINIMUM, minimum=replace(bowl, point=(2.0, 2.0)))
    assert "settles in a minimum at (2.000, 2.000)" in basin_words.pushed(0, bowl, elsewhere, found.minima)


# -- what differs ------------------------------------------------------------------------------------------------------


def test_the_other_setting_is_named_with_its_value():
    known = quantities(experiment("peaks"))
    assert basin_words.against(known["setting lr"], 0.02) == "with a learning rate of 0.0200 instead of 0.0100"
    assert basin_words.against(known["epochs"], 2000) == "with 2,000 epochs instead of 500"


def test_change_is_counted_and_its_largest_part_named(peaks):
    other = basin_map(applied(peaks.experiment, {"setting lr": 0.02}), peaks.window, 64, 64)
    found = changed(peaks, other)
    text = plain(basin_words.changed(found, "with a learning rate of 0.0200 instead of 0.0100", peaks.minima, other.minima))
    share, low, high = (100 * number for number in (found.share, found.low, found.high))
    said = [float(number) for number in re.findall(r"([\d.]+) %", text)]
    assert said[:3] == pytest.approx([share, low, high], abs=0.51)
    assert "The largest part, " in text and "goes from “still moving” to “left the box”." in text
    assert basin_words.changed(changed(peaks, peaks), "against small steps", peaks.minima, peaks.minima) == "No pixel changes against small steps."


def test_small_steps_say_whose_fault_the_change_is(peaks):
    slow = small_step(experiment("peaks"), minima=peaks.minima)
    assert slow.settings["lr"] < 0.01
    one = Change(peaks.labels == 0, 0.25, 0.25, 0.25, (Transition(Reached(Ending.MINIMUM, 0), Reached(Ending.MINIMUM, 1), 0.25),))
    text = plain(basin_words.changed(one, basin_words.AGAINST_FLOW, peaks.minima, peaks.minima))
    assert text == (
        "25 % of the map changes against small steps. All of it goes from minimum 1 to minimum 2. "
        "So much is due to the optimizer and its settings, not to the landscape."
    )


def test_a_minimum_of_the_other_map_keeps_the_number_of_the_first(peaks):
    swapped = (peaks.minima[1], peaks.minima[0])
    one = Change(peaks.labels == 0, 0.5, 0.4, 0.6, (Transition(Reached(Ending.MINIMUM, 1), Reached(Ending.MINIMUM, 1), 0.5),))
    assert "from minimum 2 to minimum 1." in basin_words.changed(one, "so", peaks.minima, swapped)
    assert "to a minimum at (0.228, −1.626)." in basin_words.changed(one, "so", peaks.minima[1:], swapped)


def test_the_caption_explains_the_marks_that_are_there():
    lost, saddle = Point(0, 0, "minimum 1", "1", "#d55e00", True), Point(0, 0, "saddle", "", "#ffffff")
    assert "Crossed out" in basin_words.map_caption([lost]) and "Diamonds" not in basin_words.map_caption([lost])
    assert "Diamonds" in basin_words.map_caption([saddle]) and "Crossed" not in basin_words.map_caption([saddle])


