"""What a person does on the page Basins, in a real Chromium."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from browser.test_dashboard import CHART, expect_headline, open_page
from gdui import theme

pytestmark = pytest.mark.browser


@pytest.fixture
def basins(page):
    page.set_viewport_size({"width": 1400, "height": 1400})
    open_page(page, "Basins")
    expect_headline(page, r"26\s%\sof the box belongs to minimum 1, 23\s%\sto minimum 2 and 7\s%\sto minimum 3")
    drawn(page)
    return page


def drawn(page):
    """Waits for the fine map and for what stands beside it, so that nothing replaces the chart under the mouse."""
    page.get_by_text(re.compile(r"^One run from each of")).wait_for(timeout=60_000)
    page.get_by_text("The smallest push out of each minimum", exact=True).wait_for(timeout=60_000)
    page.wait_for_selector(CHART)
    page.wait_for_timeout(1500)


def place(page, x, y, limits=((-3, 3), (-3, 3))):
    """Where a place of the plane is on the screen."""
    box = page.locator(CHART).first.locator("path.background").first.bounding_box()
    (left, right), (low, high) = limits
    return box["x"] + (x - left) / (right - left) * box["width"], box["y"] + (high - y) / (high - low) * box["height"]


def drag(page, start, end):
    page.mouse.move(*place(page, *start))
    page.mouse.down()
    page.mouse.move(*place(page, *end), steps=12)
    page.mouse.up()


def test_a_drag_zooms_and_the_whole_box_returns(basins):
    whole = basins.get_by_role("button", name="Whole box")
    assert whole.is_disabled()
    drag(basins, (-0.3, -2.1), (0.8, -1.1))
    expect_headline(basins, r"100\s%\sof this window belongs to minimum 1\.")
    drawn(basins)
    drag_again = basins.locator(CHART).first.inner_text()
    assert "−2.0" in drag_again or "-2" in drag_again
    basins.get_by_role("button", name="Whole box").click()
    expect_headline(basins, r"26\s%\sof the box belongs to minimum 1")
    assert whole.is_disabled()
    drawn(basins)
    drag(basins, (-2.0, -0.5), (-1.0, 0.5))  # the same map again takes a drag again
    expect_headline(basins, "of this window belongs")


def test_a_click_draws_a_run_and_another_click_another(basins):
    before = basins.locator(CHART).first.locator("path").count()
    basins.mouse.click(*place(basins, 0.5, -0.9))
    basins.get_by_text(re.compile(r"\(0\.500, −0\.900\)")).first.wait_for()
    basins.wait_for_timeout(1500)
    assert basins.locator(CHART).first.locator("path").count() > before
    basins.mouse.click(*place(basins, -1.0, 0.5))
    basins.get_by_text(re.compile(r"\(−1\.000, 0\.500\)")).first.wait_for()
    expect_headline(basins, "of the box belongs")


def test_the_png_holds_the_map_for_print(basins):
    with basins.expect_download() as waiting:
        basins.get_by_role("button", name="PNG", exact=True).first.click()
    picture = Image.open(io.BytesIO(Path(waiting.value.path()).read_bytes())).convert("RGB")
    assert min(picture.size) >= 2500
    pixels = np.asarray(picture.resize((500, 500), Image.Resampling.NEAREST)).reshape(-1, 3).astype(int)
    for k in range(3):
        own = np.array([int(theme.minimum_colour(k)[i : i + 2], 16) for i in (1, 3, 5)])
        shades = own * np.linspace(0.45, 1, 12)[:, None]
        near = np.abs(pixels[:, None] - shades[None]).max(axis=2).min(axis=1) < 12
        assert near.mean() > 0.03, f"minimum {k + 1} is on the picture"


def test_a_comparison_shows_three_maps(basins):
    basins.get_by_role("combobox", name=re.compile("Compare with")).click()
    basins.get_by_role("option", name="Another learning rate").click()
    basins.get_by_text(re.compile(r"of the map changes with a learning rate of 0\.0200 instead of 0\.0100")).wait_for(timeout=60_000)
    basins.get_by_text("Black: pixels that change").wait_for()
    assert basins.locator("[data-testid=stVegaLiteChart]").count() >= 4


@pytest.mark.parametrize("width", [900, 1400])
def test_the_page_is_not_wider_than_the_window(basins, width):
    basins.set_viewport_size({"width": width, "height": 1000})
    basins.wait_for_timeout(800)
    over = basins.evaluate("() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollWidth - m.clientWidth }")
    assert over <= 1


def test_a_function_chosen_while_a_bar_moves_keeps_its_own_rate(basins):
    basins.get_by_role("combobox", name=re.compile("Pixels")).click()
    basins.get_by_role("option", name="2,000").click()
    basins.get_by_text(re.compile("starts still running")).first.wait_for()
    function = basins.locator("[data-testid=stSidebar] [data-testid=stSelectbox] input").first
    function.click()
    function.fill("damped wave")
    function.press("Enter")
    expect_headline(basins, "to 2 others")  # at rate 0.01, of which peaks runs, one of the five minima is not reached
    assert basins.locator("[data-testid=stSidebar]").get_by_role("spinbutton", name="Learning rate $lr$").input_value() == "0.03"
