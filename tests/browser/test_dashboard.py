"""What a person does with the dashboard, in a real Chromium."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
CHART = "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg"


def expect_headline(page, text):
    from playwright.sync_api import expect  # missing where browser tests are skipped

    expect(page.locator("[data-testid=stMain] h3").first).to_have_text(re.compile(text), timeout=40_000)


def type_into(page, label, value):
    field = page.get_by_role("textbox", name=label, exact=True).or_(page.get_by_role("spinbutton", name=label, exact=True)).first
    field.fill(str(value))
    field.press("Control+Enter" if field.evaluate("e => e.tagName") == "TEXTAREA" else "Enter")


def open_page(page, name):
    page.get_by_role("link", name=name).first.click()


def test_opening_page_shows_the_finished_run(page):
    expect_headline(page, r"79\s%\sof 1,000 starts settle in one of 3 minima")
    page.locator(CHART).nth(3).wait_for()


def test_typing_a_formula_runs_it(page):
    expect_headline(page, "3 minima")
    type_into(page, "Formula to minimise", "(x^2-1)^2 + y^2")
    expect_headline(page, "one of 2 minima")


def test_wrong_formula_is_refused_and_the_last_good_one_stays(page):
    expect_headline(page, "3 minima")
    type_into(page, "Formula to minimise", "x^2 + exq(y)")
    alert = page.locator("[data-testid=stSidebar] [data-testid=stAlert]")
    alert.wait_for()
    assert "exq" in alert.inner_text()
    expect_headline(page, "3 minima")


def test_clicking_the_map_sets_the_start(page):
    open_page(page, "Landscape")
    expect_headline(page, r"From \(−1.200, 0.800\)")
    page.wait_for_selector(CHART)
    page.wait_for_timeout(1500)
    box = page.locator(CHART).first.bounding_box()
    page.mouse.click(box["x"] + 0.45 * box["width"], box["y"] + 0.62 * box["height"])
    expect_headline(page, r"From \((?!−1.200, 0.800)")


def test_a_long_run_is_stopped(page):
    expect_headline(page, "3 minima")
    type_into(page, "Epochs", 900000)
    stop = page.get_by_role("button", name="Stop this run")
    stop.wait_for()
    stop.click()
    page.get_by_text("Nothing is kept of an unfinished run").wait_for()
    type_into(page, "Epochs", 1001)
    expect_headline(page, "1,001 epochs")


def test_changing_a_widget_replaces_the_run_under_way(page):
    expect_headline(page, "3 minima")
    type_into(page, "Epochs", 900000)
    page.get_by_role("button", name="Stop this run").wait_for()
    type_into(page, "Epochs", 1002)
    expect_headline(page, "1,002 epochs")


def test_leaving_and_returning_keeps_everything(page):
    expect_headline(page, "3 minima")
    type_into(page, "Starts", 400)
    expect_headline(page, "400 starts")
    type_into(page, "Formula to minimise", "(x^2-1)^2 + y^2")
    expect_headline(page, "one of 2 minima")
    open_page(page, "Theory")
    expect_headline(page, "From a function")
    open_page(page, "Many starts")
    expect_headline(page, "400 starts settle in one of 2 minima")


@pytest.mark.parametrize(("scheme", "dark"), [("dark", True), ("light", False)])
def test_dark_mode_is_followed(browser, server, scheme, dark):
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, color_scheme=scheme)
    page = context.new_page()
    page.goto(server)
    expect_headline(page, "3 minima")
    colour = page.evaluate("() => getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", colour)[:3])
    assert (brightness < 200) is dark
    context.close()


@pytest.mark.parametrize("name", ["", "landscape", "optimizers", "sensitivity", "basins", "saved_runs", "theory"])
def test_nothing_is_wider_than_the_page(browser, server, name):
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.goto(f"{server}/{name}")
    page.locator("[data-testid=stMain] h3").first.wait_for(timeout=40_000)
    for width in (1400, 900):
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_timeout(1200)
        over = page.evaluate("() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollWidth - m.clientWidth }")
        assert over <= 1, width
    context.close()


HELD = {"PNG": b"\x89PNG", "SVG": b"<svg", "CSV": b"start,start x", "Parquet": b"PAR1", "Experiment": b'{"version": 1'}


def test_downloads_hold_what_they_say(page):
    expect_headline(page, "3 minima")
    for button, begins in HELD.items():
        with page.expect_download() as waiting:
            page.get_by_role("button", name=button, exact=True).click()
        content = Path(waiting.value.path()).read_bytes()
        assert content.startswith(begins), button
        if button == "CSV":
            assert content.count(b"\n") == 1001


def test_clicking_a_start_shows_its_run(page):
    expect_headline(page, "3 minima")
    page.wait_for_selector(CHART)
    page.wait_for_timeout(1500)
    box = page.locator(CHART).first.bounding_box()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.4 * box["height"])
    page.get_by_text(re.compile(r"Start [\d,]+:")).first.wait_for()


def test_the_proof_comes_by_itself_and_a_chosen_start_is_explained(page):
    expect_headline(page, r"These are all 3 minima of the box \(proved\)")
    page.get_by_text(re.compile("carried .* of 789 settled starts over a border")).wait_for(timeout=40_000)
    page.wait_for_timeout(1500)
    box = page.locator(CHART).first.bounding_box()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.4 * box["height"])
    began = page.get_by_text(re.compile("It began at .*, in the basin of minimum"))
    began.wait_for()
    basin = began.inner_text().split("basin of ")[1].rstrip(".")
    assert re.fullmatch("minimum [123]", basin) and f"Newton's method confirms {basin}" in page.locator("[data-testid=stMain]").inner_text()


def test_clicking_a_mark_tells_its_figures_and_leaves_the_start(page):
    open_page(page, "Landscape")
    expect_headline(page, r"From \(−1.200, 0.800\)")
    page.get_by_text("these are all stationary points in the box (proved)").wait_for()
    page.get_by_role("tab", name="Structure").click()
    page.get_by_text("Disconnectivity graph").wait_for(timeout=40_000)  # so that no rerun replaces the chart under the click
    page.wait_for_timeout(1500)
    box = page.locator(CHART).first.bounding_box()
    left, top, size = box["x"] + 58, box["y"] + 9, 420  # of the plot itself
    page.mouse.click(left + size * (0.228 + 3) / 6, top + size * (3 + 1.626) / 6)
    figures = page.locator("[data-testid=stTable]").first
    figures.get_by_text("−6.551133332836 ± 2e−12").wait_for()
    assert "Minimum 1" in figures.inner_text() and "0.066264" in figures.inner_text()
    expect_headline(page, r"From \(−1.200, 0.800\)")
    page.mouse.click(left + size * 0.1, top + size * 0.9)
    expect_headline(page, r"From \(−2\.[34]00, −2\.[34]00\)")
    figures.wait_for(state="detached")
