"""What a person does on the page Sensitivity, in a real Chromium."""

import re

import pytest

from browser.test_dashboard import CHART, expect_headline, open_page, type_into

pytestmark = pytest.mark.browser


@pytest.fixture
def sensitivity(page):
    page.set_viewport_size({"width": 1400, "height": 1400})
    expect_headline(page, "3 minima")
    type_into(page, "Starts", 100)
    expect_headline(page, "of 100 starts")
    open_page(page, "Sensitivity")
    expect_headline(page, "Above a learning rate of 0.0663 the deepest minimum is never reached")
    fine(page, "60 values")
    return page


def fine(page, text):
    """Waits for the finer answer, and for its chart to be drawn."""
    page.get_by_text(re.compile(rf"^{text}, each from the same")).wait_for(timeout=60_000)
    page.wait_for_selector(CHART)
    page.wait_for_timeout(1500)


def rate(page):
    return float(page.locator("[data-testid=stSidebar]").get_by_role("spinbutton", name="Learning rate $lr$").input_value())


def plot(page):
    """The first chart's plotting area, as the browser drew it."""
    return page.locator(CHART).first.locator("path.background").first.bounding_box()


def test_a_click_on_the_stacked_chart_sets_the_learning_rate(sensitivity):
    assert rate(sensitivity) == 0.01
    box = plot(sensitivity)
    sensitivity.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.5 * box["height"])
    sensitivity.wait_for_function("() => [...document.querySelectorAll('[data-testid=stSidebar] input')].every(e => e.value !== '0.01')")
    assert rate(sensitivity) == pytest.approx(0.001 * 100**0.75, rel=0.08)  # the nearest of 60 values on a logarithmic axis


def test_a_second_quantity_makes_a_map_whose_click_sets_both(sensitivity):
    sensitivity.get_by_role("combobox", name=re.compile("^Selected Nothing else. and$|and$")).click()
    sensitivity.get_by_role("option", name="Epochs", exact=True).click()
    fine(sensitivity, "24 × 24 pairs of values")
    box = plot(sensitivity)
    sensitivity.mouse.click(box["x"] + 0.7 * box["width"], box["y"] + 0.3 * box["height"])
    sensitivity.wait_for_function("() => [...document.querySelectorAll('[data-testid=stSidebar] input')].every(e => e.value !== '0.01')")
    epochs = float(sensitivity.locator("[data-testid=stSidebar]").get_by_role("spinbutton", name="Epochs").input_value())
    assert epochs != 1000 and 100 <= epochs <= 10_000 and rate(sensitivity) != 0.01
