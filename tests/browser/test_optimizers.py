"""What a person does on the page Optimizers, in a real Chromium."""

import re

import pytest

from browser.test_dashboard import CHART, expect_headline, open_page, type_into

pytestmark = pytest.mark.browser
MATRIX, FIRST_MAP = 3, 4  # after the bars of three optimizers


@pytest.fixture
def optimizers(page):
    page.set_viewport_size({"width": 1400, "height": 1700})
    open_page(page, "Optimizers")
    expect_headline(page, "finds the deepest minimum")
    page.wait_for_selector(CHART)
    return page


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()
    page.wait_for_timeout(1000)


def chart(page, number):
    """The box of a chart on the open tab, once it is drawn."""
    page.locator(CHART).nth(number).wait_for()
    page.wait_for_timeout(1500)
    return page.locator(CHART).nth(number)


def test_the_curves_name_every_optimizer(optimizers):
    text = chart(optimizers, 0).text_content()
    assert all(name in text for name in ("Gradient descent", "Momentum (heavy ball)", "Adam", "gradient evaluations"))


def test_a_click_on_a_cell_rings_its_starts(optimizers):
    open_tab(optimizers, "Where starts go")
    matrix, before = chart(optimizers, MATRIX), chart(optimizers, FIRST_MAP).locator("path").count()
    matrix.get_by_text("289", exact=True).click(force=True)
    optimizers.wait_for_timeout(2500)
    assert chart(optimizers, FIRST_MAP).locator("path").count() >= before + 200


def test_a_click_on_a_small_map_sets_the_start_of_the_race(optimizers):
    open_tab(optimizers, "Where starts go")
    box = chart(optimizers, FIRST_MAP).bounding_box()
    optimizers.mouse.click(box["x"] + 0.45 * box["width"], box["y"] + 0.42 * box["height"])
    optimizers.wait_for_timeout(1500)
    open_tab(optimizers, "Race")
    start = [optimizers.get_by_role("spinbutton", name=f"Start ${name}$").first.input_value() for name in "xy"]
    open_tab(optimizers, "Where starts go")
    box = chart(optimizers, FIRST_MAP).bounding_box()
    optimizers.mouse.click(box["x"] + 0.7 * box["width"], box["y"] + 0.6 * box["height"])
    optimizers.wait_for_timeout(1500)
    open_tab(optimizers, "Race")
    assert [optimizers.get_by_role("spinbutton", name=f"Start ${name}$").first.input_value() for name in "xy"] != start


def test_the_race_is_scrubbed(optimizers):
    open_tab(optimizers, "Race")
    chart(optimizers, 0)
    slider = optimizers.locator("[data-testid=stMain]").get_by_role("slider")
    slider.focus()
    slider.press("Home")
    standings = optimizers.locator("[data-testid=stTable]")
    standings.get_by_text("still running").first.wait_for()
    assert standings.get_by_text("still running").count() == 3


def test_equations_apply_while_one_types(optimizers):
    open_tab(optimizers, "Your own optimizer")
    area = optimizers.get_by_role("textbox", name="Update equations, one line each")
    area.click()
    area.press("Control+End")
    optimizers.keyboard.type(" - drag*g", delay=20)
    optimizers.get_by_text(re.compile("drag: Named in line 2 and described nowhere")).wait_for()
    assert optimizers.evaluate("document.activeElement.tagName") == "TEXTAREA"
    optimizers.keyboard.type(" + exq(g)", delay=20)
    optimizers.get_by_text(re.compile("Line 2: unknown function 'exq'")).wait_for()


def test_an_own_optimizer_runs_on_the_opening_page(optimizers):
    open_tab(optimizers, "Your own optimizer")
    optimizers.get_by_role("textbox", name="Update equations, one line each").fill("x = x - 2*lr*g")
    type_into(optimizers, "Name", "Twice as far")
    optimizers.get_by_text(re.compile("largest stable rate")).wait_for()
    optimizers.wait_for_timeout(1500)  # both texts have been applied
    optimizers.get_by_role("button", name="Offer it everywhere").click()
    optimizers.get_by_text(re.compile("Twice as far can be chosen")).wait_for()
    open_page(optimizers, "Many starts")
    sidebar = optimizers.locator("[data-testid=stSidebar]")
    sidebar.get_by_role("combobox", name=re.compile("Optimizer")).click()
    optimizers.get_by_role("option", name="Twice as far").click()
    optimizers.wait_for_timeout(500)  # the choice is on its way; what is typed before its own settings are there is lost
    optimizers.locator("[data-test-script-state=notRunning]").wait_for()
    type_into(optimizers, "Learning rate $lr$", 0.034)
    warning = optimizers.get_by_text(re.compile("At rate 0.0340 minimum 1 .* cannot be reached"))
    warning.wait_for()
    assert "its limit is 0.0331" in warning.inner_text()


def test_a_profile_is_stopped_and_then_computed(optimizers):
    open_tab(optimizers, "Performance profile")
    optimizers.get_by_role("button", name="Compute profile").click()
    optimizers.get_by_role("button", name="Stop this run").click()
    optimizers.get_by_text("Nothing is kept of an unfinished run").wait_for()
    optimizers.get_by_role("button", name="Run again").click()
    optimizers.get_by_text(re.compile("Cheapest most often")).wait_for(timeout=60_000)
    assert "problems solved within it" in chart(optimizers, 0).text_content()
