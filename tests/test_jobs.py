"""Work beside the page: what the bar says, what the cache weighs, and that nobody waits long for what is no longer wanted."""

import io
import threading
import time
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, run
from gdcore.compare import compare
from gdui import export, jobs, session
from gdui.jobs import Job


@pytest.fixture(scope="module")
def found():
    return run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=300)))


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (Job("run", "a"), "Preparing: a step that is new may first be compiled"),
        (Job("run", "a", done=62, total=1000, running=937_500, begun=True), "Epoch 62 of at most 1,000; 937,500 starts still running"),
        (Job("run", "a", done=1000, total=1000, begun=True), "Finding the minima where the runs ended"),
        (Job("comparison", "a", done=500, total=2000, running=3, begun=True), "25 % of at most 2,000 epochs of all runs; 3 starts still running"),
    ],
)
def test_the_bar_says_how_far_a_job_is(job, said):
    assert jobs.how_far(job) == said


def test_a_job_is_told_at_its_next_report_that_it_is_not_wanted():
    job, told = Job("run", "a"), []

    def task(report):
        report(1, 10, 5)
        job.cancel.set()
        report(2, 10, 5)
        told.append("never")

    assert jobs._work(job, task, None) is None
    assert not told and (job.done, job.begun) == (2, True)


def test_a_job_does_not_wait_for_one_that_cannot_be_stopped(monkeypatch):
    monkeypatch.setattr(jobs, "COURTESY", 0.05)
    compiling = Job("run", "a", future=Future())
    finished = threading.Event()
    worker = threading.Thread(target=lambda: jobs._work(Job("run", "b"), lambda report: finished.set(), compiling), daemon=True)
    worker.start()
    assert finished.wait(20) and compiling.cancel.is_set()


def test_a_job_waits_for_one_that_is_about_to_end(monkeypatch):
    monkeypatch.setattr(jobs, "COURTESY", 30.0)
    ending, order = Job("run", "a", future=Future()), []

    def end():
        ending.cancel.wait(20)
        time.sleep(0.05)
        order.append("old")
        ending.future.set_result(None)

    threading.Thread(target=end, daemon=True).start()
    jobs._work(Job("run", "b"), lambda report: order.append("new"), ending)
    assert order == ["old", "new"]


def test_results_weigh_by_starts_variables_and_minima(found):
    assert session.weight(found) > 300 * 10
    longer = replace(found, starts=np.tile(found.starts, (5, 1)))
    assert session.weight(longer) - session.weight(found) == pytest.approx(4 * 300 * 10)
    assert session.weight(replace(found, minima=found.minima * 100)) > session.weight(found) + 50_000
    both = compare({name: found.experiment for name in ("a", "b")})
    assert session.weight(both) == 1 + 2 * session.weight(both.findings[0])


def test_the_cache_lets_the_oldest_go_and_keeps_the_latest(found, monkeypatch):
    monkeypatch.setattr(session, "MOST_KEPT", 2 * session.weight(found))
    cache = session.ResultCache()
    for key in "abc":
        cache.put(key, found)
    assert list(cache.kept) == ["b", "c"]
    monkeypatch.setattr(session, "MOST_KEPT", 1)
    cache.put("d", found)
    assert list(cache.kept) == ["d"]


def test_a_csv_reads_back_as_it_was_written(found):
    frame = found.to_frame().reset_index()
    frame.loc[0, "f"], frame.loc[1, "end x"] = -np.inf, np.nan
    again = pd.read_csv(io.BytesIO(export.csv(frame)), dtype=str)
    assert list(again.columns) == list(frame.columns) and len(again) == 300
    for name in ("start", "start x", "end x", "f", "epochs"):
        np.testing.assert_array_equal(again[name].astype(float).to_numpy(), frame[name].to_numpy(float))
    assert (again["ending"] == frame["ending"].astype(str)).all()
    assert again["minimum"].fillna("0").astype(int).tolist() == frame["minimum"].fillna(0).tolist()


def test_a_comparison_as_csv_survives_any_name(found):
    both = compare({name: found.experiment for name in ('say "so", twice', "plain")})
    again = pd.read_csv(io.BytesIO(export._comparison_csv(both)))
    assert again["optimizer"].unique().tolist() == ['say "so", twice', "plain"]
    assert again["success"].sum() == both.success.sum()


def test_the_cache_weighs_sweeps_and_maps_by_their_arrays():
    from gdcore.basins import Window, basin_map
    from gdcore.quantities import Range
    from gdcore.sensitivity import sweep
    from gdui.sweeping import Swept

    experiment = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=5))
    short, long = (Swept(sweep(experiment, Range("setting lr", 0.01, 0.05, k)), (), False) for k in (10, 400))
    row = 2 * 3 + 3 + 3 + 3 / 8 + 14 + 3 + 1 + 1 + 1  # numbers of one value with three minima: places, heights, counts, endings, …
    assert session.weight(long) - session.weight(short) == pytest.approx(390 * row, rel=0.15)
    small, large = (basin_map(experiment, Window.of(experiment.problem), k, k) for k in (8, 64))
    assert session.weight(large) - session.weight(small) == pytest.approx((64**2 - 8**2) * 9 / 8, rel=0.01)
