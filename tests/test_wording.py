"""Sentences say what the findings say."""

import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, FormulaError, Problem, Starts, Stopping, certify, run, trace
from gdcore.computed import Computed
from gdcore.formula import parse
from gdcore.shares import wilson
from gdui import wording


def findings(formula, box=None, rate=0.01, starts=200, epochs=1000):
    problem = Problem.from_text(formula, box=box or {"x": (-2, 2), "y": (-2, 2)})
    return run(Experiment(problem, OPTIMIZERS["gd"], {"lr": rate}, Starts(count=starts), Stopping(epochs)))


def plain(text):
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(-6.5511333, "−6.551"), (0.0, "0"), (117.5, "117.5"), (1e-12, "1e−12"), (float("nan"), "–"), (float("-inf"), "−∞")],
)
def test_figures(value, shown):
    assert wording.figure(value) == shown


@pytest.mark.parametrize(("share", "shown"), [(0.784, "78 %"), (0.0, "0 %"), (1.0, "100 %"), (0.004, "0.4 %"), (0.996, "99.6 %"), (0.9997, "99.97 %"), (1 - 1e-15, "100 %")])
def test_percent_never_rounds_something_to_nothing_or_to_everything(share, shown):
    assert plain(wording.percent(share)) == shown


@pytest.mark.parametrize(
    ("count", "of", "share", "limits"),
    [
        (331_000, 1_000_000, "33.1 %", "33.0 to 33.2"),
        (11_400, 1_000_000, "1.14 %", "1.12 to 1.16"),
        (1, 200_000, "0.0005 %", "0.0001 to 0.0028"),
        (332, 1000, "33 %", "30 to 36"),
        (20, 1000, "2.0 %", "1.3 to 3.1"),
        (200, 200, "100 %", "98.1 to 100.0"),
        (200_000, 200_000, "100 %", "99.9981 to 100"),
        (199_999, 200_000, "99.9995 %", "99.9972 to 99.9999"),
    ],
)
def test_a_share_is_told_as_finely_as_its_interval(count, of, share, limits):
    found = wilson(count, of)
    assert plain(wording.estimate(count / of, found)) == share
    assert plain(wording.interval(found)) == f"95 %: {limits}"


def test_headline_of_peaks_counts_what_the_findings_count():
    found = run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"]))
    text = plain(wording.headline(found))
    settled = sum(m.count for m in found.minima)
    assert text.startswith(f"{round(100 * settled / found.count)} % of 1,000 starts settle in one of 3 minima.")
    assert f"gets {round(100 * found.minima[0].share)} % of them" in text


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        ("x^2 + y^2", "settle in the same minimum, f = "),
        ("x^2*y^2", "valley"),
        ("-x^2 - y^2", "None of 200 starts settles in a minimum"),
        ("3 + 0*x", "100 % stopped on flat land"),
    ],
)
def test_headlines_of_odd_functions(formula, says):
    assert says in plain(wording.headline(findings(formula, rate=0.1)))


def test_headline_tells_of_minima_that_nobody_reached():
    found = run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.07}))
    assert "One more minimum exists that no start settled in." in wording.headline(found)


def test_run_sentence():
    peaks = GALLERY["peaks"]
    run_of = trace(peaks, OPTIMIZERS["gd"], {"lr": 0.01}, [-1.2, 0.8], Stopping())
    assert wording.run_sentence(run_of) == "From (−1.200, 0.800) the run settles at the minimum (−1.347, 0.205), f = −3.050, after 174 epochs."


def test_caret_stands_under_the_mistake():
    text = "x^2 + exq(y)"
    with pytest.raises(FormulaError) as error:
        parse(text, names=("x", "y"))
    line, caret = wording.caret(text, error.value).split("\n")
    assert line[caret.index("^")] == "e"


def test_settings_are_typeset_three_to_a_line():
    text = wording.settings_latex({"lr": 0.01, "beta1": 0.9, "epsilon": 1e-8, "eta_plus": "0.1/t"})
    assert text == (
        r"\begin{gathered}\mathrm{lr} = 0.01,\; \beta_{1} = 0.9,\; \epsilon = 1 \cdot 10^{-8} \\ "
        r"\eta_{\mathrm{plus}} = \frac{0.1}{t}\end{gathered}"
    )
    assert wording.settings_latex({}) == ""


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([Computed(seconds=0.2148)], "Computed by the NumPy engine on this machine in 0.21 s."),
        ([Computed(seconds=123.4, engine="compiled")], "Computed by the compiled engine on this machine in 123 s."),
        (
            [Computed(seconds=2.0, workers=2, hosts=("a",), ranges=40, address="tcp://a:8786")],
            "Computed by the NumPy engine on 2 workers at tcp://a:8786 in 2.0 s.",
        ),
        (
            [Computed(seconds=2.0, workers=1, hosts=("a", "b", "c", "d"), ranges=1000, here=3, trouble="KilledWorker: x")],
            "Computed by the NumPy engine on 1 worker on a, b, c… in 2.0 s; 3 of 1,000 ranges of starts on this machine, after trouble with the workers: KilledWorker: x.",
        ),
        ([Computed(seconds=2.0, ranges=4, here=4, trouble="OSError: gone.")], "Computed by the NumPy engine on this machine in 2.0 s, after trouble with the workers: OSError: gone."),
        (
            [Computed(seconds=2.0), Computed(engine="compiled", seconds=1.0, workers=3, hosts=("a",), address="tcp://a:1")],
            "Computed by the NumPy and compiled engines on 3 workers at tcp://a:1 and on this machine in 3.0 s.",
        ),
    ],
)
def test_where_runs_were_computed_is_said_in_one_sentence(runs, said):
    assert wording.computed(*runs) == said


def test_what_keeps_a_scheduler_from_being_used_is_one_sentence():
    for said in (wording.scheduler_silent("tcp://a:1", 3.0), wording.scheduler_lost("tcp://a:1"), wording.no_distributed("tcp://a:1")):
        assert "tcp://a:1" in said and "computed on this machine" in said and said.count(". ") == 0 and said.endswith(".")


def test_minima_outside_the_box_are_not_counted_among_all_that_are_proved():
    """Four minima are reached, one of them outside the box, for which "all 3 minima" would be a contradiction."""
    problem = Problem.from_text("sin(3x) + x^2/4", box={"x": (-3, 3)})
    experiment = Experiment(problem, OPTIMIZERS["gd"], {"lr": 0.1}, Starts(count=400))
    said = wording.headline(run(experiment, certificate=certify(problem)))
    assert "one of 4 minima" in said and "3 of the minima are inside the box, and no other is (proved)." in said and "all" not in said
