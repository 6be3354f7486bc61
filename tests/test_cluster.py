"""The dashboard with a scheduler: a wrong address, large runs on its workers, small ones here, and a scheduler that is lost."""

import re
import sys

import pytest
from pages_harness import headline, page, plain, settle

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, run
from gdui import cluster, wording
from gdui.session import cache

NOWHERE = "tcp://127.0.0.1:9"
HERE = re.compile(r"(Computed|Compared) by the \w+ engine on this machine in [\d.]+ s\.")


def told(app):
    """The caption that says where the runs were computed."""
    return next(found.group().split(" Gradient descent carried")[0] for c in app.caption if (found := re.search(r"Comp(ut|ar)ed by the .*\.$", plain(c.value))))


def warned(app):
    return [plain(warning.value) for warning in app.sidebar.warning]


@pytest.fixture
def connect(app, monkeypatch):
    """Names a scheduler to the opened dashboard, asks for other starts, and closes the connection afterwards."""
    named = []

    def name(address, **constants):
        named.append(address)
        monkeypatch.setenv(cluster.VARIABLE, address)
        for key, value in constants.items():
            monkeypatch.setattr(cluster, key, value)
        cache().kept.clear()  # findings say where they were computed the first time
        return app.number_input("seed").set_value(100 + len(named)).run()

    yield name
    for address in named:
        if (client := cluster._cluster(address).client) is not None:
            client.close()
    cluster._cluster.clear()


@pytest.fixture(scope="module")
def workers():
    """The scheduler of two worker processes."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as opened:
        yield opened


def test_pages_say_where_they_were_computed(app):
    assert HERE.fullmatch(told(settle(app))) and told(app).startswith("Computed")
    app.session_state["count"] = 100
    settle(page(page(app, "theory"), "optimizers"))
    assert HERE.fullmatch(told(app)) and told(app).startswith("Compared")


def test_a_scheduler_that_does_not_answer_gets_a_sentence_and_an_answer(connect):
    pytest.importorskip("distributed")
    app = settle(connect(NOWHERE, TIMEOUT=0.5, LARGE=0))
    assert warned(app) == [f"The scheduler {NOWHERE} does not answer within 0 s: everything is computed on this machine."]
    assert "of 1,000 starts settle" in headline(app) and HERE.fullmatch(told(app))


def test_an_address_that_is_none_gets_a_sentence_and_an_answer(connect):
    pytest.importorskip("distributed")
    app = settle(connect("[*no* address]", TIMEOUT=0.5, LARGE=0))
    assert "The scheduler [*no* address] does not answer" in warned(app)[0] and HERE.fullmatch(told(app))


def test_without_dask_installed_a_sentence_says_so(connect, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    app = settle(connect(NOWHERE, LARGE=0))
    assert "needs dask.distributed, which is not installed (pip install -r requirements-distributed.txt)" in warned(app)[0]
    assert HERE.fullmatch(told(app))


def test_the_address_may_stand_in_the_secrets(app):
    assert cluster.address() == ""
    app.secrets[cluster.SECRET] = NOWHERE
    pytest.importorskip("distributed")
    app.run()
    assert NOWHERE in warned(app)[0] and HERE.fullmatch(told(settle(app)))
    cluster._cluster.clear()


def test_large_runs_go_to_the_workers_and_small_ones_stay_here(connect, workers):
    address = workers.scheduler_address
    app = settle(connect(address))
    assert HERE.fullmatch(told(app)) and not warned(app)
    app = connect(address, LARGE=1_000_000)
    assert re.fullmatch(rf"Computed by the \w+ engine on [12] workers? at {address} in [\d.]+ s\.", told(settle(app)))
    local = run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], starts=Starts(count=1000, seed=102)))
    assert headline(app).split(" These are all")[0] == plain(wording.headline(local))
    app.session_state["count"] = 150
    settle(page(page(app, "theory"), "optimizers"))  # whose tuning, 13 trials from 100 starts, is large
    assert re.fullmatch(rf"Compared by the \w+ engine on [12] workers? at {address} and on this machine in [\d.]+ s\.", told(app))
    assert HERE.fullmatch(told(settle(connect(address, LARGE=10_000_000))))
    connect(address, LARGE=0)
    assert re.fullmatch(rf"Compared by the \w+ engine on [12] workers? at {address} in [\d.]+ s\.", told(settle(app)))


def test_a_scheduler_that_is_lost_gets_a_sentence_and_an_answer(connect):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0") as opened:
        address = opened.scheduler_address
        app = settle(connect(address, LARGE=0))
        assert f"on 1 worker at {address}" in told(app) and not warned(app)
    app.number_input("seed").set_value(77).run()
    assert "of 1,000 starts settle" in headline(settle(app)) and HERE.fullmatch(told(app))
    assert warned(app) == [f"The scheduler {address} was lost: everything is computed on this machine until it answers again."]
