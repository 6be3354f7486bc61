"""Runs sent to executors: identical to local ones, whatever computes them and whatever fails."""

import multiprocessing
import os
import re
import signal
import tomllib
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import gdcore
from gdcore import (
    GALLERY,
    OPTIMIZERS,
    Experiment,
    FormulaError,
    Problem,
    Starts,
    Stopping,
    batches,
    engines,
    gathering,
    run,
)
from gdcore.batches import Work, outcomes
from gdcore.compare import compare, compare_tuned
from gdcore.computed import Computed
from gdcore.engines import EngineError
from gdcore.experiment import run_each
from gdcore.outcomes import joined
from gdcore.profile import profile
from gdcore.remote import Order, checksum, part_of
from gdcore.tuning import Budget, tune

ARRAYS = ("starts", "ends", "end_values", "gradient_norms", "epochs", "ending_codes", "labels", "hits")
PEAKS, STOPPING = GALLERY["peaks"], Stopping(epochs=300)
GIVEN = np.vstack([np.random.default_rng(1).uniform(-3, 3, (300, 2)), [[np.nan, 0.0], [-0.0, 0.0]]])
EXPERIMENTS = {
    "plain descent": Experiment(PEAKS, OPTIMIZERS["gd"], starts=Starts(count=700), stopping=STOPPING),
    "a schedule and states": Experiment(PEAKS, OPTIMIZERS["adam"], {"lr": "0.1/sqrt(t)"}, Starts("sobol", 512, 3), STOPPING),
    "given starts": Experiment(PEAKS, OPTIMIZERS["momentum"], {"lr": 0.01}, Starts.at(GIVEN), STOPPING),
    "a pole": Experiment(
        Problem.from_text("a/x + x^2", box={"x": (-2, 3)}, parameters={"a": 0.7}), OPTIMIZERS["rprop"],
        starts=Starts("latin hypercube", 400), stopping=STOPPING,
    ),
}  # fmt: skip
LONG = Experiment(PEAKS, OPTIMIZERS["adam"], {"lr": 0.001}, Starts(count=12_000), Stopping(epochs=200))


class Stop(Exception):
    """What a caller raises to cancel."""


@pytest.fixture(autouse=True)
def no_compiling(monkeypatch):
    """The engine left open is NumPy, however much was run before: engines differ in the last digits."""
    monkeypatch.setattr(batches, "chosen", lambda *_: "numpy")


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch):
    """Small runs in many ranges, and patience with a machine that has much else to do."""
    monkeypatch.setattr(gathering, "PATIENCE", 60.0)
    monkeypatch.setattr(gathering, "FEWEST", 32)
    monkeypatch.setattr(gathering, "EVEN", 64)
    monkeypatch.setattr(gathering, "MOST_GIVEN", 50)
    monkeypatch.setattr(gathering, "BATCH", 500)


@pytest.fixture(scope="module")
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture(scope="module")
def client():
    """A client of two worker processes."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(n_workers=2, processes=True, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        distributed.Client(cluster, set_as_default=False) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def dask(client):
    return client.get_executor()


@pytest.fixture(params=["threads", "processes", "dask"])
def executor(request):
    return request.getfixturevalue(request.param)


class Altered(Executor):
    """An executor that computes at once, after a change to the order and before one to the part."""

    def __init__(self, order=lambda order: order, part=lambda part: part):
        self.order, self.part, self.sent = order, part, []

    def submit(self, fn, order, *rest):
        self.sent.append(rest)
        future = Future()
        try:
            future.set_result(self.part(fn(self.order(order), *rest)))
        except Exception as error:
            future.set_exception(error)
        return future


def bits(array):
    """All that is in an array, but for the sign of nan."""
    return array.dtype, array.shape, np.where(np.isnan(array), np.nan, array).tobytes()


def assert_identical(found, expected):
    """Equal to the last bit, and equally labelled."""
    for name in ARRAYS:
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert (ours is None) == (theirs is None)
        if ours is not None:
            assert bits(ours) == bits(theirs), name
    assert str(found.minima) == str(expected.minima)  # as text, since a median over no start is nan
    assert found.stationary == expected.stationary
    assert found.experiment.digest == expected.experiment.digest


# -- identical to the local run ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_executor_finds_what_this_machine_finds(executor, name):
    found, expected = run(EXPERIMENTS[name], executor=executor), run(EXPERIMENTS[name])
    assert_identical(found, expected)
    assert found.computed.ranges > 4 and found.computed.here == 0 and found.computed.trouble == ""
    assert found.computed.workers >= 1 and found.computed.hosts and found.computed.seconds > 0
    assert expected.computed.workers == 0 and expected.computed.ranges == 1


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_workers_compile_for_themselves(executor, name):
    pytest.importorskip("numba")
    found, expected = (run(EXPERIMENTS[name], engine="compiled", executor=used) for used in (executor, None))
    assert_identical(found, expected)
    assert found.computed.engine == expected.computed.engine == "compiled" and found.computed.here == 0


def test_the_engine_is_chosen_once_and_a_worker_without_it_does_what_it_can(threads, monkeypatch):
    monkeypatch.setattr(batches, "chosen", lambda *_: "compiled")
    monkeypatch.setattr(engines, "available", lambda: False)
    experiment = EXPERIMENTS["plain descent"]
    found = run(experiment, executor=threads)
    assert_identical(found, run(experiment, engine="numpy"))
    assert found.computed.engine == "numpy" and found.computed.trouble == ""
    with pytest.raises(EngineError, match="needs numba"):
        run(experiment, engine="compiled", executor=threads)


def test_hits_of_a_target_come_back(executor):
    experiment = EXPERIMENTS["plain descent"]
    assert_identical(run(experiment, executor=executor, target=-3.0), run(experiment, target=-3.0))


def test_settings_given_run_by_run_and_factors_of_schedules_travel(executor):
    columns = {"lr": np.array([0.1, 1.0, 3.0]), "beta1": np.array([0.5, 0.9, 0.99])}
    experiment = replace(EXPERIMENTS["a schedule and states"], starts=Starts(count=200))
    found = run_each(experiment, columns, executor=executor, target=-6.0)
    assert_identical(found, run_each(experiment, columns, target=-6.0))
    assert found.computed.ranges > 4


def test_comparing_and_tuning_accept_an_executor(executor):
    contenders = {name: (OPTIMIZERS[name], {}) for name in ("gd", "adam")}
    budget = Budget(trials=3, starts=Starts(count=40, seed=9))
    asked = (PEAKS, contenders, Starts(count=150), STOPPING)
    found, expected = compare_tuned(*asked, budget=budget, executor=executor), compare_tuned(*asked, budget=budget)
    assert np.array_equal(found.success, expected.success) and np.array_equal(found.evaluations, expected.evaluations)
    assert found.tuning == expected.tuning
    assert all(findings.computed.workers for findings in found.findings)


def test_every_comparison_and_sweep_passes_its_executor_on():
    counted = Altered()
    contenders = {name: (OPTIMIZERS[name], {}) for name in ("gd", "adam")}
    experiments = {name: Experiment(PEAKS, OPTIMIZERS[name], {}, Starts(count=20), STOPPING) for name in ("gd", "adam")}
    for work, runs in (
        (lambda: compare(experiments, executor=counted), 2),
        (lambda: tune(PEAKS, contenders, STOPPING, trials=2, starts=Starts(count=10), executor=counted), 2),
        (lambda: profile({"peaks": PEAKS}, contenders, STOPPING, starts=Starts(count=20), executor=counted), 2),
    ):
        counted.sent.clear()
        work()
        assert len(counted.sent) == runs


@settings(max_examples=30)
@given(some.lists(some.integers(1, 249), max_size=6, unique=True))
def test_any_cut_into_ranges_gives_the_same_outcomes(cuts):
    work = Work(EXPERIMENTS["a schedule and states"], target=0.0)
    work = replace(work, experiment=replace(work.experiment, starts=Starts(count=250), stopping=Stopping(epochs=60)))
    points, edges = work.points(), [0, *sorted(cuts), 250]
    whole = outcomes(work, points)
    parts = [part_of(Order.of(work), a, b, checksum(points[a:b])).outcomes for a, b in zip(edges, edges[1:], strict=False)]
    for name in ("ends", "values", "gradient_norms", "epochs", "codes", "hits"):
        assert bits(getattr(joined(parts), name)) == bits(getattr(whole, name))


def test_ranges_that_come_back_in_any_order_are_put_in_order():
    class Reversed(Executor):
        """Computes nothing until four ranges are waiting or the last one is, and then the latest first."""

        def __init__(self):
            self.waiting, self.finished = [], []

        def submit(self, fn, order, low, high, check):
            future = Future()
            self.waiting.append((future, low, lambda: fn(order, low, high, check)))
            if len(self.waiting) == gathering.ROOM or high == 700:
                for promised, first, work in reversed(self.waiting):
                    self.finished.append(first)
                    promised.set_result(work())
                self.waiting = []
            return future

    experiment, backwards = EXPERIMENTS["plain descent"], Reversed()
    assert_identical(run(experiment, executor=backwards), run(experiment))
    assert len(backwards.finished) > 4 and backwards.finished != sorted(backwards.finished)


def test_progress_counts_epochs_of_all_starts(threads):
    seen = []
    run(EXPERIMENTS["plain descent"], executor=threads, on_progress=lambda *numbers: seen.append(numbers))
    done, total, running = zip(*seen, strict=True)
    assert seen[0] == (0, 300, 700) and set(total) == {300} and len(set(done)) > 3
    assert list(done) == sorted(done) and list(running) == sorted(running, reverse=True)


def test_where_it_was_computed_is_no_part_of_what_was_found():
    found = run(EXPERIMENTS["plain descent"])
    assert replace(found, computed=Computed(engine="another", workers=7)) == found


# -- what fails --------------------------------------------------------------------------------------------------------


def test_a_worker_killed_in_the_middle_loses_nothing(client, dask):
    client.wait_for_workers(2, timeout=60)
    victims = list(client.run(os.getpid).values())[:1]

    def kill_once(done, total, running):
        if done and victims:
            os.kill(victims.pop(), signal.SIGKILL)

    found = run(LONG, executor=dask, on_progress=kill_once)
    assert not victims
    assert_identical(found, run(LONG))
    client.wait_for_workers(2, timeout=60)


def test_a_pool_whose_process_is_killed_is_made_up_for_here():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        victims = [pool.submit(os.getpid).result()]

        def kill_once(done, total, running):
            if done and victims:
                os.kill(victims.pop(), signal.SIGKILL)

        found = run(LONG, executor=pool, on_progress=kill_once)
    assert_identical(found, run(LONG))
    assert 0 < found.computed.here < found.computed.ranges and found.computed.workers
    assert found.computed.trouble.startswith("BrokenProcessPool: ")


class Breaking(Executor):
    """Nothing it is given ever works."""

    def submit(self, *order):
        future = Future()
        future.set_exception(self.error)
        return future

    def __init__(self, error):
        self.error = error


class Refusing(Executor):
    def submit(self, *order):
        raise RuntimeError("cannot schedule new futures after shutdown")


class Silent(Executor):
    def submit(self, *order):
        return Future()


class Dropping(Executor):
    def submit(self, *order):
        future = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Breaking(RuntimeError("no\n workers")), "RuntimeError: no workers"),
        (Breaking(BrokenExecutor("all dead")), "BrokenExecutor: all dead"),
        (Breaking(ModuleNotFoundError("No module named 'gdcore'")), f"gdcore {gdcore.__version__} cannot be imported where the"),
        (Breaking(TimeoutError()), "TimeoutError"),
        (Refusing(), "RuntimeError: cannot schedule new futures after shutdown"),
        (Silent(), "nothing came back for 0 s"),
        (Dropping(), "CancelledError: the executor dropped a range of starts"),
    ],
    ids=lambda case: type(case).__name__ if isinstance(case, Executor) else "",
)
def test_an_executor_that_never_works_is_replaced_by_this_machine_and_told(monkeypatch, broken, said):
    monkeypatch.setattr(gathering, "PATIENCE", 0.0)
    experiment = EXPERIMENTS["plain descent"]
    found = run(experiment, executor=broken)
    assert_identical(found, run(experiment))
    assert found.computed.trouble.startswith(said)
    assert found.computed.here == found.computed.ranges and found.computed.workers == 0


def test_a_silent_executor_leaves_ever_more_to_this_machine(monkeypatch):
    monkeypatch.setattr(gathering, "PATIENCE", 0.0)
    monkeypatch.setattr(gathering, "POLL", 0.0)
    monkeypatch.setattr(gathering, "BATCH", batches.BATCH)
    experiment = replace(EXPERIMENTS["plain descent"], starts=Starts(count=60_000))
    found = run(experiment, executor=Silent())
    assert_identical(found, run(experiment))
    assert found.computed.here == found.computed.ranges <= 16  # and not one range of some hundred starts after the other


def cut(part):
    found = part.outcomes
    shorter = {name: getattr(found, name)[:-1] for name in ("ends", "values", "gradient_norms", "epochs", "codes")}
    return replace(part, outcomes=replace(found, **shorter))


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (cut, r"a worker handed back \d+ outcomes for \d+ starts"),
        (lambda part: replace(part, outcomes=replace(part.outcomes, codes=part.outcomes.codes[:3])), "a worker handed back 3 outcomes for"),
        (lambda part: replace(part, outcomes=replace(part.outcomes, hits=part.outcomes.epochs)), "a worker handed back something else"),
        (lambda part: 42, "a worker handed back something else than outcomes"),
        (lambda part: None, "a worker handed back something else than outcomes"),
    ],
)
def test_what_is_no_whole_part_is_refused(part, said):
    experiment = replace(EXPERIMENTS["plain descent"], starts=Starts(count=800))
    found = run(experiment, executor=Altered(part=part))
    assert_identical(found, run(experiment))
    assert re.match(said, found.computed.trouble) and found.computed.workers == 0


def test_a_range_that_fails_once_is_sent_again():
    failed = set()

    class Flaky(Altered):
        def submit(self, fn, order, low, high, check):
            if low not in failed:
                failed.add(low)
                return Breaking(OSError("connection lost")).submit()
            return super().submit(fn, order, low, high, check)

    experiment = EXPERIMENTS["plain descent"]
    found = run(experiment, executor=Flaky())
    assert_identical(found, run(experiment))
    assert found.computed.here == 0 and len(failed) == found.computed.ranges > 4


def test_a_worker_of_another_version_or_with_other_starts_is_not_trusted():
    experiment = EXPERIMENTS["plain descent"]
    for order, said in (
        (lambda order: replace(order, version="0.0.1"), f"a worker has gdcore {gdcore.__version__}, not 0.0.1"),
        (lambda order: replace(order, text=order.text.replace('"seed": 0', '"seed": 1')), "draws other starts than this machine"),
    ):
        found = run(experiment, executor=Altered(order=order))
        assert_identical(found, run(experiment))
        assert said in found.computed.trouble and found.computed.workers == 0


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
    assert gdcore.__version__ == project["project"]["version"]


def test_an_error_of_the_experiment_arrives_as_such(executor):
    def spoil(order):
        return replace(order, text=order.text.replace("3*(1-x)^2", "3*exq(1-x)^2"))

    class Spoiling(Executor):
        def submit(self, fn, order, *rest):
            assert spoil(order) != order
            return executor.submit(fn, spoil(order), *rest)

    problem = Problem.from_text("3*(1-x)^2 + y^2")
    with pytest.raises(FormulaError, match="unknown function 'exq' at 3") as caught:
        run(Experiment(problem, OPTIMIZERS["gd"], starts=Starts(count=100)), executor=Spoiling())
    assert caught.value.position == 2


def test_wrong_arguments_are_refused_before_anything_is_sent():
    counted = Altered()
    with pytest.raises(ValueError, match="no engine 'abacus'"):
        run(EXPERIMENTS["plain descent"], executor=counted, engine="abacus")
    with pytest.raises(ValueError, match="give a number from"):
        run_each(EXPERIMENTS["plain descent"], {"lr": np.array([-1.0])}, executor=counted)
    assert not counted.sent


# -- cancelling --------------------------------------------------------------------------------------------------------


def test_cancelling_returns_while_ranges_still_run_and_withdraws_the_others():
    released, futures = Event(), []

    class Slow(ThreadPoolExecutor):
        """The first range is computed, every further one waits to be released."""

        def submit(self, fn, *arguments):
            first = not futures
            futures.append(super().submit(lambda: (first or released.wait(60)) and fn(*arguments)))
            return futures[-1]

    def stop(done, total, running):
        if done:
            raise Stop

    with Slow(2) as pool:
        with pytest.raises(Stop):
            run(LONG, executor=pool, on_progress=stop)
        assert not released.is_set() and len(futures) <= 1 + gathering.ROOM
        assert sum(future.cancelled() for future in futures) >= len(futures) - 4
        released.set()


def test_cancelling_at_once_sends_nothing():
    def stop(done, total, running):
        raise Stop

    counted = Altered()
    with pytest.raises(Stop):
        run(LONG, executor=counted, on_progress=stop)
    assert not counted.sent


def test_cancelling_works_on_dask_and_while_this_machine_makes_up_for_an_executor(client, dask):
    def stop(done, total, running):
        if done:
            raise Stop

    for executor in (dask, Refusing()):
        with pytest.raises(Stop):
            run(LONG, executor=executor, on_progress=stop)
    assert client.submit(int, pure=False).result(timeout=60) == 0
