"""Links: what is written is read again exactly, what is hostile is refused in a sentence, and old links open for good."""

import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdcore import GALLERY, OPTIMIZERS, Experiment, Optimizer, Problem, Setting, Starts, Stopping, run
from gdui import links
from gdui.links import LinkError

CASES = Path(__file__).parent / "cases"
OWN = Problem.from_text("(x - a)^2 + b*sin(y)", box={"y": (-2, 2), "x": (-1, 3)}, parameters={"b": 2.0, "a": 0.1})
HEAVY = Optimizer.from_text("My <b> & + # ;", "v = mom*v + g\nx = x - lr*v", {"lr": 0.1, "mom": Setting(0.9, low=0, high=1)})


def through(experiment, **more):
    """The link as a browser would carry it, read again."""
    text = links.address("http://localhost:8501", "basins", links.query(experiment, **more))
    assert text.isascii() and " " not in text
    return links.read(dict(parse_qsl(urlsplit(text).query, keep_blank_values=True)))


@pytest.mark.parametrize("key", GALLERY)
def test_every_gallery_problem_comes_back(key):
    problem = GALLERY[key]
    experiment = Experiment(problem, OPTIMIZERS["adam"], OPTIMIZERS["adam"].defaults_for(problem), Starts(count=10, seed=3))
    link = through(experiment, shown={"paths": "10"}, fingerprint="0123456789abcdef")
    assert link.experiment.digest == experiment.digest
    assert link.experiment.problem.about == problem.about  # it is the gallery's own
    assert (link.shown, link.fingerprint, link.digest) == ({"paths": "10"}, "0123456789abcdef", experiment.digest[:8])


@pytest.mark.parametrize("key", OPTIMIZERS)
def test_every_optimizer_comes_back_with_its_settings(key):
    optimizer = OPTIMIZERS[key]
    values = {name: setting.clip(1.1 * setting.default + 1e-7) for name, setting in optimizer.settings.items()}
    experiment = Experiment(GALLERY["peaks"], optimizer, values)
    assert through(experiment).experiment.digest == experiment.digest


@pytest.mark.parametrize("starts", [Starts.at([[1, 2], [3.5, 1e-7]]), Starts("sobol", 64, 9, {"x": (-0.5, 0.5), "y": (0, 1)})])
def test_own_formulas_optimizers_and_schedules_come_back(starts):
    experiment = Experiment(OWN, HEAVY, {"lr": "0.1/sqrt(t)"}, starts, Stopping(50, 0))
    assert through(experiment).experiment.digest == experiment.digest


@settings(max_examples=40)
@given(
    st.tuples(*[st.floats(-1e6, 1e6)] * 2).filter(lambda pair: pair[0] < pair[1]), st.floats(1e-6, 10), st.floats(-10, 10),
    st.integers(0, 2**63 - 1), st.integers(1, 1_000_000), st.floats(0, 1e100),
)  # fmt: skip
def test_numbers_come_back_to_the_last_bit(limits, rate, parameter, seed, epochs, tolerance):
    problem = Problem.from_text("x^2 + c*x", box={"x": limits}, parameters={"c": parameter})
    experiment = Experiment(problem, OPTIMIZERS["gd"], {"lr": rate}, Starts(count=7, seed=seed), Stopping(epochs, tolerance))
    assert through(experiment).experiment.digest == experiment.digest


def test_a_link_is_short_where_all_is_as_usual():
    experiment = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"])
    assert list(links.query(experiment)) == ["v", "id", "by"]
    assert "set.lr=0.02" in links.address("http://h", "", links.query(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.02})))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"v": "2", "by": "9.1.0"}, "newer gdboard (9.1.0)"),
        ({"v": "99999999999999999999"}, "newer gdboard"),
        ({"v": "one"}, "no version 'one'"),
        ({"problem": "peaks"}, "does not say its version"),
        ({"v": "1", "problem": "peeks"}, "no function 'peeks'"),
        ({"v": "1", "optimizer": "adamant"}, "no optimizer 'adamant'"),
        ({"v": "1", "f": "__import__('os').system('x')", "box.x": "-1..1"}, "cannot be opened"),
        ({"v": "1", "f": "x^2"}, "such as box.x=-3..3"),
        ({"v": "1", "f": "9**9**9 + x", "box.x": "-1..1"}, "cannot be opened"),
        ({"v": "1", "f": "x^2", "box.x": "3..-3"}, "smaller"),
        ({"v": "1", "f": "x^2", "box.x": "nan..1"}, "not a number"),
        ({"v": "1", "f": "x^2", "box.x": "1_0..20"}, "not a number"),
        ({"v": "1", "f": "x^2", "box.x": "-1..1", "name": "n" * 81}, "81 characters"),
        ({"v": "1", "starts": "1e9"}, "not a whole number"),
        ({"v": "1", "starts": "99999999999"}, "at most 1,000,000"),
        ({"v": "1", "starts": "１０"}, "not a whole number"),
        ({"v": "1", "seed": "-1"}, "not a whole number"),
        ({"v": "1", "epochs": "0"}, "epochs"),
        ({"v": "1", "tolerance": "inf"}, "not a number"),
        ({"v": "1", "design": "pickle"}, "no design"),
        ({"v": "1", "start.q": "0..1"}, "no variable"),
        ({"v": "1", "points": ";".join(["1,2"] * 201)}, "201 start points"),
        ({"v": "1", "points": "1;2"}, "2 numbers"),
        ({"v": "1", "set.lr": "1e9"}, "cannot be opened"),
        ({"v": "1", "set.lr": "__import__('os')"}, "cannot be opened"),
        ({"v": "1", "set.beta": "1"}, "no setting 'beta'"),
        ({"v": "1", "own": "[" * 5000}, "cannot be opened"),
        ({"v": "1", "own": "{}"}, "no optimizer in JSON"),
        ({"v": "1", "set.lr": ""}, "empty"),
        ({"v": "1", "set.lr": "1e999"}, "beyond all numbers"),
        ({"v": "1", "points": "1e999,1"}, "beyond all numbers"),
        ({"v": "1", "seed": "9999999999999999999"}, "9,223,372,036,854,775,807"),
        ({"v": "1", "own": '{"name": 3, "equations": "x = x - lr*g", "settings": {}}'}, "cannot be opened"),
        ({"v": "1", "own": '{"name": "n", "equations": "x = x - open(g)", "settings": {}}'}, "cannot be opened"),
        ({"v": "1", "f": "x" * 17_000}, "too long"),
    ],
)
def test_what_is_wrong_is_refused_in_one_sentence(query, said):
    with pytest.raises(LinkError) as refused:
        links.read(query)
    assert said in str(refused.value) and str(refused.value).startswith(links.OPENING)
    assert len(str(refused.value)) < 240 and "\n" not in str(refused.value)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from([*links.KNOWN, "box.x", "box.y", "p.a", "set.lr", "start.x", "show.paths", "by"]), st.text(max_size=40)))
def test_any_other_text_is_refused_too_and_never_raises_anything_else(query):
    try:
        links.read({"v": "1", **query})
    except LinkError as error:
        assert str(error).startswith(links.OPENING)


def test_code_in_a_link_is_refused():
    for line in (CASES / "attacks_rce.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            with pytest.raises(LinkError):
                links.read({"v": "1", "f": line, "box.x": "-3..3", "box.y": "-3..3"})


def test_too_many_given_points_have_no_link():
    experiment = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], starts=Starts.at([[0.1, 0.2]] * 201))
    with pytest.raises(ValueError, match="201 given start points"):
        links.query(experiment)


def test_links_of_the_first_version_open_for_good():
    """Kept as they were sent: an id or a result that changes here breaks what people have bookmarked."""
    for line in (CASES / "links.txt").read_text(encoding="utf-8").splitlines():
        link = links.read(dict(parse_qsl(urlsplit(line).query, keep_blank_values=True)))
        assert link.experiment.digest.startswith(link.digest)
        assert run(link.experiment).fingerprint == link.fingerprint


def test_what_is_no_link_is_left_alone():
    assert not links.is_link({"embed": "true", "utm_source": "x"}) and links.is_link({"v": "1"}) and links.is_link({"set.lr": "1"})
    assert json.loads(links.query(Experiment(OWN, HEAVY))["own"])["name"] == HEAVY.name
