"""The report says what the findings say, as one file that needs nothing else; nothing that a person typed becomes markup."""

import base64
import hashlib
import io
import json
import re
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gdcore import GALLERY, OPTIMIZERS, Experiment, Optimizer, Problem, Starts, Stopping, __version__, certify, run
from gdcore.crossings import crossings
from gdcore.stability import stability
from gdcore.structure import structure
from gdui import chart_files, minima_words, report, scripts, typesetting, unseen_words, wording

PEAKS, GD = GALLERY["peaks"], OPTIMIZERS["gd"]
HOSTILE = "<script>window.hacked=1</script>"


class Page(HTMLParser):
    """What a browser would make of the file: its elements, their attributes, and the text inside each kind."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.open = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        self.open.pop(len(self.open) - 1 - self.open[::-1].index(tag))

    def handle_data(self, data):
        for tag in set(self.open):
            self.texts[tag][-1] += data


def read(made):
    """The report's elements, without the megabyte of Vega's code."""
    return Page(report.html(made).replace(report._code()[0], ""))


@pytest.fixture(scope="module")
def peaks():
    """The findings of 300 starts with proof, structure and crossings."""
    certificate = certify(PEAKS)
    findings = run(Experiment(PEAKS, OPTIMIZERS["adam"], {"lr": 0.05}, Starts(count=300)), certificate=certificate)
    landscape = structure(PEAKS, certificate.points)
    return findings, crossings(findings, landscape), landscape


@pytest.fixture(scope="module")
def made(peaks):
    findings, carried, landscape = peaks
    script = scripts.of_runs(findings.experiment, proved=True)
    return report.of_findings(findings, carried=carried, structure=landscape, link="https://example.org/?a=1&b=2", script=script)


@pytest.fixture(scope="module")
def page(made):
    return Page(report.html(made))


def named(problem=HOSTILE, optimizer=HOSTILE, equations="</script>" + HOSTILE, count=40):
    """Findings whose problem and optimizer a person named so."""
    findings = run(Experiment(PEAKS, GD, {}, Starts(count=count)))
    own = replace(findings.experiment, problem=replace(PEAKS, name=problem), optimizer=replace(GD, name=optimizer, equations=equations))
    return replace(findings, experiment=own)


# -- what it says ------------------------------------------------------------------------------------------------------


def test_the_headline_is_the_heading(peaks, page):
    assert page.texts["h1"] == [wording.headline(peaks[0])] and "(proved)" in page.texts["h1"][0]


def test_every_setting_and_both_names_of_the_outcome_are_told(peaks, made):
    told = dict(made.settings)
    assert told["Experiment"] == peaks[0].experiment.digest and told["Outcome"] == peaks[0].fingerprint
    assert told["Learning rate lr"] == "0.05" and told["First-moment decay beta1"] == "0.9" and told["Epsilon"] == "1e-8"
    assert told["Starts"] == "300, uniform, seed 0" and told["Start region"] == "x from -2 to 2; y from -2 to 2"
    assert told["Box"] == "x from -3 to 3; y from -3 to 3" and told["Epochs"] == "at most 1,000"


@pytest.mark.parametrize(
    ("experiment", "says"),
    [
        (Experiment(PEAKS, GD, {"lr": "0.1/t"}, Starts.at([(0.0, 0.0), (1.0, 1.0)])), {"Starts": "2, given", "Learning rate lr": "0.1/t"}),
        (Experiment(GALLERY["tilted_double_well"], GD, {}, Starts("grid", 9)), {"Parameters": "a = 1, b = 0.3", "Starts": "9, grid"}),
        (Experiment(PEAKS, GD, {}, Starts("sobol", 16, 5), Stopping(2000, 0.0)), {"Starts": "16, sobol, seed 5", "Gradient tolerance": "0"}),
    ],
)
def test_settings_of_every_kind(experiment, says):
    made = report.of_findings(run(experiment))
    assert says.items() <= dict(made.settings).items()


def test_tables_hold_every_minimum_and_every_start(peaks, made):
    findings = peaks[0]
    tables = {section.title: section.table for section in made.sections if section.table is not None}
    question = findings.experiment
    stable = [stability(question.problem, question.optimizer, question.settings, m.point) for m in findings.minima]
    assert tables["The minima"].to_dict("records") == minima_words.rows(findings, stable)
    assert [row["share"] for row in minima_words.rows(findings, stable)] == [f"{100 * m.share:.1f}\u00a0%" for m in findings.minima]
    endings = tables["Every start is accounted for"]
    assert endings["starts"].astype(int).sum() == 300 and "Settled at a minimum" in endings["which means"].tolist()


def test_sentences_of_proof_and_computation_are_in_it(peaks, page):
    findings, carried, _ = peaks
    text = " ".join(page.texts["p"])
    assert wording.computed(findings.computed) in text and wording.carried(carried, "Adam") in text
    assert f"Made by gdboard {__version__} on 20" in text and "https://example.org/?a=1&b=2" in text
    assert any(carried.carried) is ("Ringed: carried over a border." in " ".join(page.texts["small"]))


def test_what_may_be_unseen_is_told_where_nothing_is_complete():
    flat = Problem.from_text("x^5/5 + x^4/2 - x^2 - x + y^2")  # a degenerate maximum in x at -1, a minimum at 1
    findings = run(Experiment(flat, GD, {}, Starts(count=50)), certificate=certify(flat))
    said = unseen_words.sentences(findings)
    assert said and set(said) <= set(read(report.of_findings(findings)).texts["p"])


def test_the_script_and_the_formulas_can_be_copied(made, page):
    codes = page.texts["code"]
    assert made.script in codes and PEAKS.text() in codes and OPTIMIZERS["adam"].equations in codes
    assert len(page.texts["math"]) == 4 and "\\" not in "".join(page.texts["math"])


def test_the_charts_are_those_of_the_page(made, page):
    assert [section.title for section in made.sections if section.chart] == [
        "Where each start ends", "How the runs end", "Final values: each step is a minimum", "Gradient at the end: settled runs lie at the bottom",
    ]  # fmt: skip
    written = [json.loads(text) for (tag, attributes), text in zip([e for e in page.elements if e[0] == "script"], page.texts["script"], strict=True) if attributes]
    assert written == json.loads(json.dumps([chart for _, chart in made.charts]))
    border = [rows for rows in written[0]["datasets"].values() if rows and rows[0].get("what") == "border"]
    assert border and len(border[0]) > 10


def test_borders_and_rings_only_where_they_are_given(peaks):
    bare = report.of_findings(peaks[0]).charts[0][1]
    assert not any(rows and rows[0].get("what") == "border" for rows in bare["datasets"].values())


@pytest.mark.parametrize("key", GALLERY)
def test_every_function_has_a_report_in_strict_json(key):
    problem = GALLERY[key]
    findings = run(Experiment(problem, GD, {"lr": problem.rate}, Starts(count=25), Stopping(60)))
    page = read(report.of_findings(findings))
    assert page.texts["h1"] == [wording.headline(findings)]
    specs = [json.loads(text, parse_constant=pytest.fail) for text in page.texts["script"][:-1]]
    assert len(specs) == 4 + (problem.dimension > 2)
    assert len(page.texts["math"]) == 2 + problem.dimension


@pytest.mark.parametrize("formula", ["log(x) + y^2", "1/x + y", "0*x*y + 3", "-x^2 - y^2", "abs(x) + abs(y)", "sqrt(-1 - x^2 - y^2)", "exp(exp(exp(x)))*y"])
def test_runs_that_settle_nowhere_are_reported_too(formula):
    findings = run(Experiment(Problem.from_text(formula), GD, {"lr": 1.0}, Starts(count=30)))
    made = report.of_findings(findings)
    page = read(made)
    for text in page.texts["script"][:-1]:
        assert vl_convert.vegalite_to_svg(json.loads(text, parse_constant=pytest.fail)).startswith("<svg")
    assert findings.minima or minima_words.NONE in page.texts["p"]


# -- one file, and nothing else ----------------------------------------------------------------------------------------


def test_nothing_in_it_points_outside_but_the_link(page):
    pointing = [(tag, value) for tag, attributes in page.elements for name, value in attributes.items() if name in ("src", "href", "action", "data", "srcset")]
    assert pointing == [("a", "https://example.org/?a=1&b=2")]
    assert "@import" not in page.texts["style"][0] and "url(" not in page.texts["style"][0]


def test_the_policy_allows_the_one_script_and_no_network(page):
    policy = next(attributes["content"] for tag, attributes in page.elements if attributes.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(page.texts["script"][-1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy and policy.startswith("default-src 'none'") and "eval" not in policy
    assert "img-src data:" in policy and "http" not in policy


def test_the_bundle_is_there_once_and_made_once(made):
    text = report.html(made)
    assert text.count("window.vegaEmbed=") == 1 and text.count("</script>") == len(made.charts) + 1
    assert report._code() is report._code() and report.html(made) == text


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", "//example.org", HOSTILE, " https://example.org"])
def test_only_web_addresses_become_links(made, link):
    page = read(replace(made, link=link))
    assert not [tag for tag, _ in page.elements if tag == "a"] and link in page.texts["footer"][0]


# -- hostile text ------------------------------------------------------------------------------------------------------


def shape(made):
    """Elements and the names of their attributes."""
    return [(tag, sorted(attributes)) for tag, attributes in read(made).elements]


def everywhere(text):
    """A report with this text wherever one can be."""
    table = pd.DataFrame({text: [text], "b": [text]})
    chart = alt.Chart(pd.DataFrame({"a": [text], "b": [1.0]})).mark_bar().encode(x="b:Q", y=alt.Y("a:N", title=text))
    section = report.Section(text, (text, text), chart, table, text)
    return report.Report(text, text, (report.Formula(text, "x", text),), ((text, text),), (section,), text, text, text)


@given(st.text(min_size=1) | st.sampled_from([HOSTILE, "</script>", "<!--", "]]>", '" onload="x', "&lt;", "</style>", "\u2028", "<script>", "<!--<script>"]))
def test_no_text_becomes_markup(text):
    text = f"x{text}"
    made = everywhere(text)
    assert shape(made) == shape(everywhere("xharmless"))
    assert json.loads(read(made).texts["script"][0]) == json.loads(json.dumps(made.charts[0][1]))


def test_hostile_names_are_read_as_names():
    page = read(report.of_findings(named()))
    assert [tag for tag, _ in page.elements].count("script") == 5
    assert HOSTILE in page.texts["title"][0] and any(HOSTILE in text for text in page.texts["td"])


def test_a_formula_that_cannot_be_typeset_is_told_as_text(monkeypatch, made):
    def broken(*_, **__):
        raise RuntimeError("no")

    monkeypatch.setattr(typesetting, "convert", broken)
    page = read(made)
    assert "math" not in page.texts and PEAKS.text() in page.texts["code"]
    assert any(r"\frac{\partial f}{\partial x}" in code for code in page.texts["code"])


# -- pictures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 2])
def test_pictures_are_a_png_and_an_svg_of_every_chart(made, scale):
    with zipfile.ZipFile(io.BytesIO(report.pictures(made, scale=scale))) as held:
        names = held.namelist()
        assert names[:2] == ["1-where-each-start-ends.png", "1-where-each-start-ends.svg"] and len(names) == 2 * len(made.charts) == 8
        drawings = [ElementTree.fromstring(held.read(name)) for name in names[1::2]]
        sizes = [Image.open(io.BytesIO(held.read(name))).size for name in names[::2]]
    assert {drawing.tag for drawing in drawings} == {"{http://www.w3.org/2000/svg}svg"}
    assert [width for width, _ in sizes] == pytest.approx([scale * float(drawing.get("width")) for drawing in drawings], abs=2)


def test_dark_pictures_are_dark(peaks):
    chart = report.of_findings(peaks[0], view_dark=True).charts[1][1]
    picture = np.asarray(Image.open(io.BytesIO(chart_files.png(chart))).convert("L"))
    assert picture[2, 2] < 40


def test_own_optimizers_are_reported():
    heavy = Optimizer.from_text("Heavy ball", "v = momentum*v + g\nx = x - lr*v", {"lr": 0.01, "momentum": 0.9})
    made = report.of_findings(run(Experiment(PEAKS, heavy, {}, Starts(count=30))))
    assert {"lr": "0.01", "momentum": "0.9"}.items() <= {label.lower(): value for label, value in made.settings}.items()
    assert made.title == "Peaks: Heavy ball" and re.match("Made by gdboard", made.made)
