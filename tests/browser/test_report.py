"""A report in a real Chromium, from a file and with no network: it draws, tells, saves, and runs nothing but its own script."""

from pathlib import Path

import pytest
from test_report import HOSTILE, PEAKS, named

from gdcore import OPTIMIZERS, Experiment, Starts, certify, run
from gdcore.structure import structure
from gdui import report, scripts, wording

pytestmark = pytest.mark.browser
DRAWN = "() => document.querySelectorAll('.chart svg.marks').length === document.querySelectorAll('.chart').length"


@pytest.fixture(scope="module")
def findings():
    return run(Experiment(PEAKS, OPTIMIZERS["gd"], {}, Starts(count=300)), certificate=certify(PEAKS))


@pytest.fixture(scope="module")
def made(findings):
    landscape = structure(PEAKS, findings.certificate.points)
    return report.of_findings(findings, structure=landscape, script=scripts.of_runs(findings.experiment, proved=True))


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a report as a file; what it asks for and complains of is noted in .asked and .complaints."""
    contexts = []

    def opening(made, **options):
        path = tmp_path / "report.html"
        path.write_text(report.html(made), encoding="utf-8")
        context = browser.new_context(viewport={"width": 1200, "height": 1000}, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: page.complaints.append(message.text) if message.type == "error" else None)
        page.goto(path.as_uri())
        page.wait_for_function(DRAWN)
        return page

    yield opening
    for context in contexts:
        context.close()


def test_it_draws_everything_and_asks_for_nothing(opened, made, findings):
    page = opened(made)
    assert page.locator(".chart svg.marks").count() == len(made.charts) == 4
    assert page.locator("h1").inner_text().replace("\u00a0", " ") == wording.headline(findings).replace("\u00a0", " ")
    assert page.locator(".chart").first.locator("image").get_attribute("href").startswith("data:image/png")
    assert page.asked == [page.url] and page.complaints == []
    largest = page.evaluate("() => Math.max(...[...document.querySelectorAll('main *')].map(e => parseFloat(getComputedStyle(e).fontSize)))")
    assert largest == page.evaluate("() => parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)")


def test_a_chart_tells_what_is_under_the_mouse(opened, made):
    page = opened(made)
    page.locator(".chart").nth(1).locator(".mark-rect path").first.hover(position={"x": 5, "y": 5})
    tip = page.locator("#vg-tooltip-element.visible")
    tip.wait_for()
    assert "Minimum 1" in tip.inner_text() and page.complaints == []


@pytest.mark.parametrize(("kind", "begins"), [("PNG", b"\x89PNG"), ("SVG", b"<svg")])
def test_a_chart_is_saved_without_a_network(opened, made, kind, begins):
    page = opened(made)
    chart = page.locator(".chart").first
    chart.locator("summary").click()
    link = chart.get_by_text(f"Save as {kind}")
    link.dispatch_event("mousedown")
    page.wait_for_function("link => /^(data|blob):/.test(link.href)", arg=link.element_handle())
    with page.expect_download() as waiting:
        link.evaluate("link => link.click()")
    assert waiting.value.suggested_filename == f"1-where-each-start-ends.{kind.lower()}"
    assert Path(waiting.value.path()).read_bytes().startswith(begins)


def test_what_a_person_typed_is_text(opened):
    page = opened(report.of_findings(named(), script=HOSTILE, link=HOSTILE))
    assert page.evaluate("() => window.hacked") is None
    assert page.locator("script").count() == 5 and page.complaints == []
    assert HOSTILE in page.locator("header p").inner_text()


def test_a_script_that_got_in_would_not_run(opened, made):
    page = opened(made)
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.hacked = 1";
          document.body.append(script);
          document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.hacked = 1'>");
        }"""
    )
    page.wait_for_timeout(300)
    assert page.evaluate("() => window.hacked") is None and any("Content Security Policy" in text for text in page.complaints)


@pytest.mark.parametrize(("scheme", "dark"), [("dark", True), ("light", False)])
def test_it_follows_dark_mode_and_fits_every_width(opened, made, scheme, dark):
    page = opened(made, color_scheme=scheme)
    brightness = page.evaluate("() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0)")
    assert (brightness < 200) is dark
    for width in (400, 800, 1400):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 1
    page.emulate_media(media="print")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
