"""Runs kept, opened, pinned as a baseline and shown to a meeting: what the pages say of them."""

from dataclasses import replace

import pytest
from pages_harness import headline, page, plain, settle, told

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, run
from gdui import keeping, shelf, side_by_side
from gdui.store import Store, place


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder of its own for what a test keeps."""
    monkeypatch.setenv("GDBOARD_DATA", str(tmp_path))
    return tmp_path


def keep(app, name="", tags=()):
    """Keep the run in force, as the fields of the bookmark do."""
    app.session_state["keeping"] = True
    app.run()
    if name:
        next(field for field in app.text_input if field.label == "Name").set_value(name)
    if tags:
        app.session_state["keep tags"] = list(tags)
    app.button(key="keep").click().run()
    said = plain(" ".join(s.value for s in (*app.success, *app.error)))
    app.session_state["keeping"] = False
    settle(app.run())
    return said


def rate(app, value):
    return settle(app.number_input(key="setting lr").set_value(value).run())


def test_a_run_is_kept_and_opened_again(data, app):
    first = headline(settle(app))
    assert "Kept as 'peaks, Gradient descent 0.01'" in keep(app)
    one = Store(place()).runs()[0]
    assert plain(one.sentence).startswith(first[:40]) and one.page == "many_starts" and one.starts == 1000
    assert one.fingerprint == run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"])).fingerprint
    rate(app, 0.05)
    assert headline(app) != first
    page(app, "saved_runs")
    assert "1 run is kept" in headline(app)
    frame = app.dataframe[0].value
    assert frame["name"].tolist() == ["peaks, Gradient descent 0.01"] and frame["settled"][0] == pytest.approx(78.9)


def test_what_was_kept_on_a_page_opens_on_that_page(data, app):
    page(app, "landscape")
    app.number_input(key="landscape x").set_value(0.5).run()
    said = headline(app)
    keep(app, "a path", ["demo", "paths"])
    one = Store(place()).runs()[0]
    assert (one.page, one.name, one.tags) == ("landscape", "a path", ("demo", "paths")) and one.view["start.x"] == "0.5"
    app.number_input(key="landscape x").set_value(-2.0).run()
    page(app, "saved_runs")
    app.text_input(key="shelf search").set_value("path").run()
    assert len(app.dataframe[0].value) == 1
    app.text_input(key="shelf search").set_value("nothing of the kind").run()
    assert app.dataframe[0].value.empty
    assert said.startswith("From (0.500, 0.800)")


def test_a_name_that_is_none_is_refused_in_place(data, app):
    settle(app)
    assert "name" in keep(app, "n" * 121) and not Store(place()).runs()


def test_a_newer_store_is_left_alone_and_said_to_be_newer(data, app):
    import sqlite3

    Store(place())
    with sqlite3.connect(next(data.glob("*.sqlite"))) as index:
        index.execute("PRAGMA user_version = 99")
    index.close()
    keeping._opened.clear()
    page(app, "saved_runs")
    assert "newer gdboard" in plain(app.error[0].value)


# -- side by side ------------------------------------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path):
    store = Store(tmp_path / "runs")
    for name, lr, seed in (("slow", 0.01, 0), ("fast", 0.05, 0), ("other", 0.05, 1)):
        store.save(run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": lr}, Starts(count=300, seed=seed))), name=name)
    return store


def test_two_runs_are_told_apart_by_what_differs(kept):
    chosen = {one.name: one for one in kept.runs()}
    runs = [chosen["slow"], chosen["fast"]]
    first, second = (kept.findings(one.id) for one in runs)
    found = side_by_side._compared(kept, runs)
    changed = ((first.labels != second.labels) | ((first.labels < 0) & (first.ending_codes != second.ending_codes))).mean()
    assert [row.label for row in found.rows] == ["learning rate"] and found.rows[0].values == (0.01, 0.05)
    assert found.moved.changed_share == pytest.approx(changed) and found.names == ("slow", "fast")


def test_runs_from_other_starts_are_compared_by_shares_alone(kept):
    chosen = {one.name: one for one in kept.runs()}
    found = side_by_side._compared(kept, [chosen["fast"], chosen["other"]])
    assert [row.label for row in found.rows] == ["seed"] and found.moved.changed is None


def test_runs_of_one_name_get_numbers(kept):
    one = kept.runs()[0]
    assert side_by_side._names([one, one, one]) == (one.name, f"{one.name} (2)", f"{one.name} (3)")
    other = replace(one, name=f"{one.name} (2)")
    assert side_by_side._names([one, other, one]) == (one.name, other.name, f"{one.name} (3)")


def test_a_run_without_its_file_cannot_be_compared_and_breaks_nothing(kept):
    one, other = kept.runs()[:2]
    kept._file(one.id).unlink()
    assert not kept.present(one.id) and kept.present(other.id)
    assert side_by_side.readable(kept, [one, other]) == [other]


def test_what_differs_is_shown_letter_by_letter(tmp_path):
    store = Store(tmp_path / "more")
    for text in ("x^2*2 + 3*y^2*x^2 + y^2", "x^2*5 + y^2*7"):
        store.save(run(Experiment(Problem.from_text(text), OPTIMIZERS["gd"], starts=Starts(count=20))), name=text)
    found = side_by_side._compared(store, store.runs())
    frame = side_by_side.differing(found)
    assert "\\*" in frame.loc["Formula"].iloc[0] and "*" not in frame.loc["Formula"].iloc[0].replace("\\*", "")


def test_a_search_asks_for_all_words(kept):
    kept.change(kept.runs()[0].id, note="Beware of THE saddle", tags=["talk"])
    texts = [shelf._text(one) for one in kept.runs()]
    assert sum("saddle" in text and "talk" in text for text in texts) == 1


# -- what-if -----------------------------------------------------------------------------------------------------------


def test_a_baseline_says_what_moved_and_can_be_swapped_and_let_go(app):
    settle(app)
    before = headline(app)
    app.button(key="pin").click().run()
    rate(app, 0.05)
    after = headline(app)
    first, second = (run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": lr})) for lr in (0.01, 0.05))
    points = 100 * ((second.labels >= 0).mean() - (first.labels >= 0).mean())
    assert f"settled {points:+.1f} points" in told(app) and "earning rate 0.01 → 0.05" in told(app)
    app.toggle(key="only changed").set_value(True).run()
    assert not app.exception
    settle(app.button(key="swap").click().run())
    assert headline(app) == before and app.session_state["baseline"].experiment.settings["lr"] == 0.05
    assert f"settled {-points:+.1f} points".replace("-", "−") in told(app)
    settle(app.button(key="unpin").click().run())
    assert "settled +" not in told(app) and "settled −" not in told(app)
    assert after != before


# -- meeting mode ------------------------------------------------------------------------------------------------------


def test_a_meeting_steps_through_what_was_kept_and_changes_one_number(data, app):
    settle(app)
    keep(app, "slow")
    rate(app, 0.05)
    fast = headline(app)
    keep(app, "fast")
    app.button(key="meet").click().run()
    assert headline(settle(app)) == fast and "1 of 3: Now" in told(app)
    settle(app.button(key="meeting Right").click().run())
    assert "2 of 3: slow" in told(app) and app.session_state["setting lr"] == 0.01
    slow = headline(app)
    assert slow != fast
    settle(app.select_slider[0].set_value(0.02).run())
    assert app.session_state["setting lr"] == 0.02 and headline(app) != slow
    settle(app.button(key="meeting Left").click().run())
    assert headline(app) == fast
    settle(app.button(key="meeting leave").click().run())
    assert headline(app) == fast and app.button(key="pin") and not any(b.key == "meeting leave" for b in app.button)
