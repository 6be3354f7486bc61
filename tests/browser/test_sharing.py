"""Keep, change, compare, and send: from one browser to another, with the same findings at both ends."""

import re

import pytest

from browser.test_dashboard import expect_headline, open_page, type_into

pytestmark = pytest.mark.browser
ROW, FIRST_ROW = 35, 52  # pixels of the table's rows, and where the middle of the first one is


def rate(page, value):
    field = page.locator("[data-testid=stNumberInput]:has(label:has-text('Learning rate')) input").first
    field.fill(str(value))
    field.press("Enter")


def keep(page, name):
    page.locator(".st-key-keeping button").first.click()
    type_into(page, "Name", name)
    page.get_by_role("button", name="Keep this run").click()
    page.get_by_text(f"Kept as '{name}'").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keep this run").wait_for(state="hidden")


def choose(page, row, shown):
    """Tick a row of the table of saved runs; the page then shows this text."""
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
    page.wait_for_timeout(1000)
    table = page.locator("[data-testid=stDataFrame]").first.bounding_box()
    page.mouse.click(table["x"] + 18, table["y"] + FIRST_ROW + ROW * row)
    page.get_by_text(shown).first.wait_for()


def link_of(page):
    page.locator(".st-key-share button").first.click()
    return page.locator("[data-testid=stCode] code").first.inner_text().replace("\n", "")


def test_save_change_compare_and_share_into_another_browser(page, browser):
    expect_headline(page, r"79\s%\sof 1,000 starts")
    keep(page, "slow")
    rate(page, 0.05)
    expect_headline(page, r"6\s%\swere still moving")
    keep(page, "fast")
    open_page(page, "Saved runs")
    expect_headline(page, "runs are kept")
    choose(page, 0, "labels and endings:")
    choose(page, 1, "Only what differs")
    expect_headline(page, r"These two differ in the learning rate alone; .* of the starts changed")
    open_page(page, "Many starts")
    expect_headline(page, r"6\s%\swere still moving")
    link = link_of(page)
    sent = re.search(r"result=([0-9a-f]{16})", link).group(1)
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    other = context.new_page()
    other.set_default_timeout(30_000)
    other.goto(link)
    expect_headline(other, r"6\s%\swere still moving")
    said = other.get_by_text("labels and endings of all 1,000 starts are the same as there")
    said.wait_for()
    assert sent in said.inner_text()
    assert link_of(other) == link
    context.close()


def test_delete_and_undo(page):
    expect_headline(page, "3 minima")
    keep(page, "to be deleted")
    open_page(page, "Saved runs")
    expect_headline(page, "kept")
    choose(page, 0, "labels and endings:")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("1 run was deleted").wait_for()
    assert page.locator("[data-testid=stException]").count() == 0
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_text("1 run was deleted").wait_for(state="hidden")
    choose(page, 0, "labels and endings:")
    page.get_by_role("button", name="Open this run").click()
    page.get_by_text("Opened from the saved run 'to be deleted'").wait_for()
    expect_headline(page, "3 minima")


HOSTILE = [
    "basins?v=1&show.pixels=1e300", "basins?v=1&show.window=1e300..1e301;5..6", "basins?v=1&show.window=-1e999..1e999;-1..1",
    "basins?v=1&show.start=1e5,nan&show.against=setting%20lr&show.other=1e999", "optimizers?v=1&show.compare=gd;gd;gd&show.tab=nowhere",
    "optimizers?v=1&show.compare=gd;adam&show.gd.lr=1e999&show.target=1e999", "landscape?v=1&show.start.x=1e149&show.epoch=99999",
    "sensitivity?v=1&show.vary=nothing&show.x.from=1&show.and=setting%20lr", "theory?v=1&show.at.x=1e149", "nowhere?v=1&problem=peaks",
]  # fmt: skip


def test_no_hostile_choice_breaks_a_page(browser, server):
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    for path in HOSTILE:
        page.goto(f"{server}/{path}")
        page.locator("[data-testid=stMain] h3, [data-testid=stMain] [data-testid=stAlert]").first.wait_for(timeout=60_000)
        page.wait_for_timeout(700)
        assert page.locator("[data-testid=stException]").count() == 0, path
    context.close()


def test_the_address_bar_is_a_link_and_a_reload_keeps_everything(page):
    expect_headline(page, "3 minima")
    rate(page, 0.02)
    page.wait_for_url(re.compile(r"set\.lr=0\.02.*result="))
    open_page(page, "Basins")
    page.wait_for_url(re.compile(r"/basins\?v=1&set\.lr=0\.02"))
    page.reload()
    expect_headline(page, "of the box belongs to minimum 1")
    page.get_by_text("are the same as there").wait_for()
    from playwright.sync_api import expect

    expect(page.locator("[data-testid=stNumberInput]:has(label:has-text('Learning rate')) input").first).to_have_value("0.02")


def test_a_link_that_asks_for_much_waits_and_a_wrong_one_is_refused(browser, server):
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{server}/?v=1&starts=100000&epochs=5000")
    page.get_by_text("500 times the usual work").wait_for()
    expect_headline(page, "1,000 starts")
    page.get_by_role("button", name="Open it").click()
    expect_headline(page, "100,000 starts")
    page.goto(f"{server}/?v=1&f=__import__('os')")
    page.get_by_text("This link cannot be opened").wait_for()
    expect_headline(page, "1,000 starts")
    context.close()


def test_a_meeting_is_led_by_the_arrow_keys(page):
    expect_headline(page, "3 minima")
    keep(page, "first")
    rate(page, 0.03)
    expect_headline(page, r"(?!.*12\s%\swere still moving)")
    page.locator(".st-key-meet button").first.click()
    page.get_by_text(re.compile(r"1 of \d+: Now")).wait_for()
    assert not page.locator("[data-testid=stSidebar]").is_visible()
    page.keyboard.press("ArrowRight")
    page.get_by_text(re.compile(r"2 of \d+: ")).wait_for()
    page.keyboard.press("ArrowLeft")
    page.get_by_text(re.compile(r"1 of \d+: Now")).wait_for()
    page.get_by_role("button", name="Leave").click()
    page.locator("[data-testid=stSidebar]").wait_for()
    expect_headline(page, "3 minima")


def test_a_baseline_shows_what_moved(page):
    expect_headline(page, "3 minima")
    page.get_by_role("button", name="Pin as baseline").click()
    rate(page, 0.05)
    page.get_by_text("Learning rate 0.01 → 0.05").wait_for()
    page.get_by_text("Only the starts that changed").click()
    page.get_by_text(re.compile("of the starts changed their minimum or ending")).wait_for()
    page.get_by_role("button", name="Swap").click()
    page.get_by_text("Learning rate 0.05 → 0.01").wait_for()
    page.get_by_role("button", name="Clear baseline").click()
    page.get_by_role("button", name="Pin as baseline").wait_for()
