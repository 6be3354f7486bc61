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


def place(page, across, down):
    """A place on the first chart, as shares of its width and height."""
    box = page.locator("[data-testid=stVegaLiteChart]").first.bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def drag(page, start, end):
    page.mouse.move(*place(page, *start))
    page.mouse.down()
    page.mouse.move(*place(page, *end), steps=12)
    page.mouse.up()


def test_a_drag_zooms_the_whole_box_returns_and_each_click_draws_its_run(basins):
    whole = basins.get_by_role("button", name="Whole box")
    assert whole.is_disabled()
    drag(basins, (0.5, 0.62), (0.6, 0.74))
    expect_headline(basins, r"100\s%\sof this window belongs to minimum 1\.")
    drawn(basins)
    whole.click()
    expect_headline(basins, r"26\s%\sof the box belongs to minimum 1")
    assert whole.is_disabled()
    drawn(basins)
    said = basins.get_by_text(re.compile(r"^From \(.*the run settles at the minimum"))
    assert said.count() == 0
    basins.mouse.click(*place(basins, 0.6, 0.6))
    said.first.wait_for()
    first = said.first.inner_text()
    basins.wait_for_timeout(1500)
    basins.mouse.click(*place(basins, 0.3, 0.4))
    basins.wait_for_function("text => !document.body.innerText.includes(text)", arg=first)
    said.first.wait_for()
    assert said.first.inner_text() != first
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
    basins.wait_for_function("() => document.querySelectorAll('[data-testid=stVegaLiteChart]').length >= 4")
    shown = basins.get_by_text(re.compile(r"of the map changes with a learning rate")).first.inner_text()
    share = float(re.match(r"([\d.]+)", shown)[1])
    assert 0 < share < 20, "twice a small rate changes little, and something"


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
