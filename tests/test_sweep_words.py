"""The sentences about sweeps and exact sensitivities: true of the numbers, and read as a person writes them."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping
from gdcore.continuation import resolve
from gdcore.implicit import response
from gdcore.leverage import leverage
from gdcore.quantities import Range, default_range, quantities
from gdcore.sensitivity import sweep
from gdcore.stable_rates import RATE_KEY, stable_rates
from gdcore.stopping import CODE, Ending
from gdui import response_words, sweep_words

NONSENSE = re.compile(r"\bnan\b|None|\b1 (minima|values|starts|epochs)\b|\binf\b|\.\.|  |\ba (epochs|epsilon|upper|lower)\b|epochs hardly")
WELLS = GALLERY["tilted_double_well"]


def plain(text):
    return text.replace("\u00a0", " ")


def experiment(problem, optimizer="gd", starts=None, epochs=500, **settings):
    problem = GALLERY[problem] if isinstance(problem, str) else problem
    chosen = OPTIMIZERS[optimizer]
    return Experiment(problem, chosen, {**chosen.defaults_for(problem), **settings}, starts or Starts(count=60), Stopping(epochs))


def swept(question, x, y=None):
    found = sweep(question, x, y)
    return found, stable_rates(found)


def said(question, x, y=None):
    found, rates = swept(question, x, y)
    texts = [sweep_words.headline(found, rates), sweep_words.basis(found, coarse=False), *sweep_words.events(found, rates)]
    for text in texts:
        assert not NONSENSE.search(text), text
    return [plain(text) for text in texts]


@pytest.fixture(scope="module")
def peaks():
    return swept(experiment("peaks"), Range(RATE_KEY, 0.02, 0.2, 6, log=True))


# -- the headline ------------------------------------------------------------------------------------------------------


def test_the_largest_stable_rate_is_where_the_deepest_minimum_is_lost(peaks):
    assert plain(sweep_words.headline(*peaks)) == "Above a learning rate of 0.0663 the deepest minimum is never reached: no run can settle there."
    limit = 2 / peaks[0].minima[0].eigenvalues[-1]
    assert f"{limit:.3g}" == "0.0663" and not peaks[0].success[peaks[0].x_values > limit].any()


def test_a_limit_at_the_very_end_of_the_range_is_in_it():
    headline, _, limit = said(experiment("sphere_5"), Range(RATE_KEY, 0.5, 1.0, 3))
    assert headline.startswith("Above a learning rate of 1.00 the deepest minimum is never reached")
    assert limit == "Minimum 1 can be settled in up to a rate of 1.0000."


def test_where_no_limit_explains_it_the_starts_are_counted():
    question = experiment(Problem.from_text("x^2 + y^2"))
    headline, *_ = said(question, Range("epochs", 1, 2001, 3))
    assert headline == "Up to 1 epoch, none of 60 starts reaches the deepest minimum (at 1,001: 100 %)."


@pytest.mark.parametrize("low", [1.1, 1.5])
def test_a_range_in_which_nothing_works(low):
    headline, _, limit = said(experiment(Problem.from_text("x^2 + y^2")), Range(RATE_KEY, low, 2.0, 3))
    assert headline == f"At no learning rate from {low:.2f} to 2.00 does any of 60 starts reach the deepest minimum."
    assert limit == "Minimum 1 can be settled in up to a rate of 1.0000, below the range."


@pytest.mark.parametrize("formula", ["x^2 - y^2", "-x^2 - y^2", "x^4 + y^4", "log(x) + y^2", "abs(x) + abs(y)"])
@pytest.mark.parametrize(("key", "says"), [(RATE_KEY, "learning rate from 0.00100 to 0.100"), ("epochs", "number of epochs from 50 to 5,000")])
def test_no_minimum_at_all(formula, key, says):
    question = experiment(Problem.from_text(formula))
    headline, basis = said(question, default_range(quantities(question)[key], 4))
    assert headline == f"No minimum was found at any {says}."
    assert basis.startswith("4 values, each from the same 60 starts.")


def test_a_parameter_at_which_the_minimum_ends():
    question = experiment(Problem.from_text("x^3 + a*x", parameters={"a": -1.0}, box={"x": (-3, 3)}), lr=0.05)
    headline, _, event = said(question, Range("parameter a", -2.0, 2.0, 8))
    assert headline.startswith("From a = 0.286 up, no minimum was found (the deepest is reached at −0.286:")
    assert event == "At a = 0 minimum 1 vanishes at (0.000)." and headline.endswith(event)


def test_one_change_is_in_the_headline_and_two_are_not():
    headline, _, event = said(experiment("tilted_double_well", lr=0.05), Range("parameter a", -1.0, 2.0, 8))
    assert headline.startswith("The share of starts that reach the deepest minimum changes with the parameter a from")
    assert event == "At a = 0.336105 minimum 2 appears at (0.335, 0.000)." and headline.endswith(event)
    headline, _, first, second = said(experiment("tilted_double_well", lr=0.05), Range("parameter b", -2.0, 2.0, 8))
    fold = 8 / (3 * math.sqrt(3))
    assert first.startswith(f"At b = −{fold:.5f} minimum 1 appears") and second.startswith(f"At b = {fold:.5f} minimum 2 vanishes")
    assert first not in headline


def test_a_pitchfork_and_a_minimum_that_leaves_the_box():
    fork = Problem.from_text("x^4 + a*x^2 + y^2", parameters={"a": 1.0})
    assert said(experiment(fork, lr=0.05), Range("parameter a", -2.0, 2.0, 8))[2:] == ["At a = 0 minima 1, 2 and 3 merge."]
    moving = Problem.from_text("(x-a)^2 + y^2", parameters={"a": 0.0})
    headline, _, enters, leaves = said(experiment(moving, lr=0.1), Range("parameter a", -5.0, 5.0, 8))
    assert headline == "The parameter a hardly matters to which minimum is reached: 100 % of 60 starts reach the deepest one, throughout."
    assert "enters the box at (−3.000, 0.000)" in enters and "leaves the box at (3.000, 0.000)" in leaves


def test_a_minimum_that_comes_to_the_edge_of_the_domain():
    problem = Problem.from_text("x^2 + a*log(x) + y^2", parameters={"a": -1.0})
    headline, _, event = said(experiment(problem, lr=0.05), Range("parameter a", -2.0, 2.0, 6))
    assert headline.startswith("From a = 0.400 up, no minimum was found")
    assert event.startswith("Between a = −0.4000 and 0.4000 minimum 1 could not be followed on from") or "where f is undefined" in event


def test_a_rate_that_is_too_large_for_a_part_of_a_parameters_range():
    question = experiment(Problem.from_text("a*x^2 + y^2", parameters={"a": 1.0}), lr=0.25)
    headline, _, event = said(question, Range("parameter a", 1.0, 7.0, 5))
    assert headline == "Above a = 4.00 the deepest minimum is never reached: no run can settle there."
    assert event == "At a = 4.0000 the rate 0.250 is the largest stable one of minimum 1."


# -- little, or not clearly --------------------------------------------------------------------------------------------


def test_what_hardly_matters_and_what_is_not_clear(peaks):
    found, _ = peaks
    level = replace(found, success=np.full(6, 18), count=60)
    assert plain(sweep_words.headline(level, ())) == "The learning rate hardly matters to which minimum is reached: 30 % of 60 starts reach the deepest one, throughout."
    near = replace(level, success=np.array([18, 18, 19, 20, 20, 20]))
    assert "30 to 33 % of 60 starts" in plain(sweep_words.headline(near, ()))
    unclear = replace(level, success=np.array([12, 18, 19, 20, 20, 20]))
    assert plain(sweep_words.headline(unclear, ())) == (
        "No clear change with the learning rate: 20 to 33 % of 60 starts reach the deepest minimum, depending on the value; more starts would tell."
    )
    clear = replace(level, success=np.array([2, 18, 19, 20, 40, 30]))
    assert re.search(r"from 3 % \(95 %: 1 to 11\) at 0\.0200 to 67 % \(95 %: 54 to 77\) at 0\.126\.$", plain(sweep_words.headline(clear, ())))


def test_one_start_shows_nothing(peaks):
    one = replace(peaks[0], success=np.array([0, 1, 0, 1, 1, 0]), count=1)
    for success in ([1, 0, 1, 0, 1, 1], [0, 0, 1, 0, 1, 0], [0] * 6, [1] * 6):
        text = sweep_words.headline(replace(one, success=np.array(success)), ())
        assert "start" in text and not NONSENSE.search(text)
    assert sweep_words.basis(one, coarse=True).startswith("A first, coarse answer. 6 values, each from the same 1 start. Minima")
    assert "the one start does not reach the deepest minimum" in sweep_words.headline(replace(one, success=np.array([1, 1, 1, 1, 0, 0])), ())


# -- quantities and their words ----------------------------------------------------------------------------------------


def test_every_quantity_of_every_optimizer_is_said_as_a_person_would(peaks):
    for optimizer in OPTIMIZERS:
        question = experiment("tilted_double_well", optimizer)
        for quantity in quantities(question).values():
            words = [sweep_words.amount(quantity, 2.0), f"the {sweep_words.noun(quantity)} of it"]
            assert not any(NONSENSE.search(text) for text in words), words
    known = quantities(experiment("tilted_double_well"))
    assert sweep_words.amount(known["setting lr"], 0.0663) == "a learning rate of 0.0663"
    assert sweep_words.amount(known["epochs"], 1.0) == "1 epoch" and sweep_words.amount(known["epochs"], 1e6) == "1,000,000 epochs"
    assert sweep_words.amount(known["parameter a"], -0.2) == "a = −0.200"
    assert sweep_words.amount(known["start x from"], -1.0) == "a start region that begins at x = −1.00"
    assert sweep_words.noun(known["start y to"]) == "upper end of the start region of y"
    assert sweep_words.amount(quantities(experiment("peaks", "adam"))["setting epsilon"], 0.1) == "an epsilon of 0.100"


@pytest.mark.parametrize("key", ["setting lr", "parameter a", "epochs", "start size", "start x from"])
def test_a_scheduled_rate_has_a_factor_and_no_limit(key):
    question = experiment("tilted_double_well", lr="0.05*(1 - t/(T+1))")
    found, rates = swept(question, default_range(quantities(question)[key], 5))
    texts = [sweep_words.headline(found, rates), *sweep_words.events(found, rates)]
    assert not any("settled in up to" in text or "no run can settle" in text or NONSENSE.search(text) for text in texts), texts
    assert sweep_words.click_hint(found) == ("" if key == RATE_KEY else " (click a value to make it the current one)")
    if key == RATE_KEY:
        assert texts[0].startswith("Up to 0 times the scheduled learning rate, none of 60 starts")


@pytest.mark.parametrize("name", ["adam", "rprop", "momentum", "adagrad", "polyak", "normalized_gd"])
def test_every_kind_of_optimizer(name):
    question = experiment("double_well", name, epochs=200)
    for key in list(quantities(question))[:2]:
        assert said(question, default_range(quantities(question)[key], 5))


@pytest.mark.parametrize("design", [Starts.at([[0.0, 0.0], [1.0, 1.0], [-1.0, -1.0]]), Starts(design="grid", count=50), Starts.at([0.2, -1.0])])
def test_given_starts_and_grids(design):
    question = experiment("peaks", starts=design)
    texts = said(question, Range(RATE_KEY, 0.01, 0.1, 4))
    count = question.starts.points(question.problem).shape[0]
    assert f"from the same {count} start{'s' if count > 1 else ''}." in texts[1]


# -- two quantities ----------------------------------------------------------------------------------------------------


def test_two_quantities_name_the_best_pair_and_the_hopeless_ones():
    question = experiment("peaks")
    found, rates = swept(question, Range(RATE_KEY, 0.001, 0.2, 3, log=True), Range("epochs", 10, 1000, 3, log=True))
    text = plain(sweep_words.headline(found, rates))
    best = found.success.max()
    assert text.startswith(f"The deepest minimum is reached most often, by {100 * best / 60:.0f} % of 60 starts")
    assert f"At {100 * (found.success == 0).mean():.0f} % of the pairs no start does." in text and "a learning rate of" in text
    assert "3 × 3 pairs of values" in sweep_words.basis(found, coarse=False)
    assert sweep_words.limits(found, rates) == []


def test_pairs_that_are_all_alike_and_pairs_without_a_minimum():
    bowl, saddle = (experiment(Problem.from_text(text), lr=0.1) for text in ("x^2 + y^2", "x^2 - y^2"))
    pair = Range(RATE_KEY, 0.1, 0.2, 2), Range("tolerance", 1e-6, 1e-5, 2)
    assert plain(sweep_words.headline(*swept(bowl, *pair))) == "At each of 4 pairs of values 100 % of 60 starts reach the deepest minimum (95 %: 94 to 100)."
    assert sweep_words.headline(*swept(saddle, *pair)) == "No minimum was found at any of 4 pairs of values."
    far = Range(RATE_KEY, 1.5, 2.0, 2), pair[1]
    assert sweep_words.headline(*swept(bowl, *far)) == "At none of 4 pairs of values does any of 60 starts reach the deepest minimum."


def test_events_of_a_pair_are_told_of_the_parameter_wherever_it_stands():
    question = experiment("tilted_double_well")
    for ranges in ((Range(RATE_KEY, 0.01, 0.1, 3), Range("parameter a", -1.0, 2.0, 4)), (Range("parameter a", -1.0, 2.0, 4), Range(RATE_KEY, 0.01, 0.1, 3))):
        found, rates = swept(question, *ranges)
        assert sweep_words.events(found, rates) == ["At a = 0.336105 minimum 2 appears at (0.335, 0.000)."]
        assert "Dashed" in sweep_words.heat_caption(found, rates) and "Dashed" not in sweep_words.heat_caption(found, ())


def test_equal_limits_are_one_sentence():
    found, rates = swept(experiment("styblinski_tang_3", starts=Starts(count=20)), Range(RATE_KEY, 0.01, 0.1, 3))
    assert sweep_words.limits(found, rates) == ["Minima 1, 2, 3, 4, 5 and 6 can be settled in up to a rate of 0.057832."]
    assert len(rates) == 6 and found.ended[:, CODE[Ending.MINIMUM]].any()


# -- exact sensitivities -----------------------------------------------------------------------------------------------


def test_a_small_change_is_predicted_and_solved_again():
    found = response(WELLS, "a", (0.96013, 0.0))
    place = sweep(experiment("tilted_double_well"), Range("parameter a", 0.5, 1.5, 3)).minima[1].point
    found = response(WELLS, "a", place)
    there = resolve(WELLS, "a", 0.1, place)
    text = response_words.moved("a", 0.1, 1, found, there)
    assert text.startswith(f"Raise a by 0.100: minimum 2 moves to ({place[0] + 0.1 * found.motion[0] + 0.005 * found.curvature[0]:.3f}, 0.000), predicted; re-solved: (1.01")
    assert response_words.moved("a", -0.9, 1, found, None).endswith("predicted; re-solved: it vanishes on the way.")
    assert response_words.moved("a", -0.9, 1, found, None).startswith("Lower a by 0.900")


@pytest.mark.parametrize(
    ("ends", "says"),
    [((0.5, math.inf), "above 0.5000"), ((-math.inf, 0.5), "below 0.5000"), ((-math.inf, math.inf), "all values"), ((0.25, 0.5), "0.2500 to 0.5000"), ((math.nan, 1.0), "–")],
)
def test_where_a_minimum_exists(ends, says):
    assert response_words.between(*ends) == says


def test_the_caption_warns_of_minima_near_their_end():
    near = replace(response(WELLS, "a", (0.0, 0.0)), near_vanishing=True)
    assert "Minimum 1 is near vanishing" in response_words.response_caption("a", [near], 1)
    assert "The 2 deepest of 3 minima. " in response_words.response_caption("a", [near, near], 3)
    assert "Minima 1 and 2 are near vanishing" in response_words.response_caption("a", [near, near], 3)


def test_the_ranking_names_the_knob_with_the_largest_total_index():
    ranges = [Range(RATE_KEY, 0.01, 0.4, 10), Range("parameter b", 0.2, 0.4, 10)]
    found = leverage(experiment("tilted_double_well", starts=Starts(count=10), epochs=100), ranges, base=32)
    text = response_words.ranking(found)
    assert re.match(r"The share in the deepest minimum depends most on the learning rate: total index [\d.]+ \(95 %: [\d.]+ to [\d.]+\)\. The epochs until settled depend most on the learning rate", plain(text))
    caption = plain(response_words.ranking_caption(found))
    assert f"{found.knobs.evaluations:,} sets of values, each from the same 10 starts." in caption
    assert f"the epochs are {found.epochs[1]:,.0f} ({found.epochs[0]:,.0f} to {found.epochs[2]:,.0f})" in caption and "e+" not in caption
