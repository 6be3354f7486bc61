"""store.py: what is saved is there, whoever saves beside it, is killed or has no room; and nothing else is."""

import ast
import errno
import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from saving import QUESTIONS, forged, found, opened, record, same

import gdui.index
import gdui.store
from gdcore import __version__
from gdui.index import Index, add
from gdui.saved import Entry, SavedRun, StoreError, entry
from gdui.store import Store, place

ROOT = Path(__file__).parent.parent
SENTENCE = 160
DAY = 86_400.0


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "runs").iterdir()}


def sound(folder: Path) -> list[SavedRun]:
    """The runs of a new store on a folder, once each of them is readable and no file is left that no row names."""
    store = Store(folder)
    runs = store.runs() + store.runs(deleted=True)
    assert store.writable and names(folder) == {f"{one.id}.parquet" for one in runs}
    assert all(store.findings(one.id).fingerprint == one.fingerprint for one in runs)
    return runs


def told(act: Callable[[], object]) -> str:
    with pytest.raises(StoreError) as caught:
        act()
    message = str(caught.value)
    assert 20 < len(message) <= SENTENCE and "\n" not in message, message
    return message


@pytest.fixture
def small(tmp_path: Path) -> str:
    """The file of 20 starts, for other processes to read."""
    (tmp_path / "small").write_bytes(record("few"))
    return str(tmp_path / "small")


def savers(*words: str) -> subprocess.Popen:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "savers.py"), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


def lines(process: subprocess.Popen) -> list[str]:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err[-2000:]
    return out.splitlines()


# -- what is saved is there --------------------------------------------------------------------------------------------


def test_a_saved_run_comes_back(store: Store) -> None:
    findings = found("with hits")
    before = time.time()
    run = store.save(findings, name="  first  ", note="a\nnote", tags=["b", " a ", "b", ""], page="many-starts", view={"scale": "log"}, sentence="All.")
    assert store.runs() == [run] and store.run(run.id) == run and uuid.UUID(run.id).version == 4
    assert same(store.findings(run.id), findings) and store.data(run.id) == record("with hits") and run.size == len(record("with hits"))
    assert store.experiment(run.id).to_json() == findings.experiment.to_json()
    assert (run.name, run.note, run.tags, run.page, run.view, run.sentence) == ("first", "a\nnote", ("b", "a"), "many-starts", {"scale": "log"}, "All.")
    assert before <= run.created <= time.time() and run.version == __version__ and not run.imported and run.deleted is None
    assert (run.digest, run.fingerprint, run.starts) == (findings.experiment.digest, findings.fingerprint, 300)
    assert (run.function, run.optimizer, run.settings) == ("peaks", "Gradient descent", "lr 0.01")
    assert run.settled == (findings.labels >= 0).mean() and 0 < run.settled < 1
    assert hash(run) == hash(store.run(run.id))


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_kind_of_findings_is_saved(name: str, store: Store) -> None:
    run = store.save(found(name), name=name)
    assert same(Store(store.folder).findings(run.id), found(name))
    assert len(run.function) <= 80 and len(run.settings) <= 200 and run.function and run.optimizer
    problem = found(name).experiment.problem
    assert run.function == (problem.name or problem.text())


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    store = Store(tmp_path / "a?b#c %41 ü" / "mode=ro")
    run = store.save(found(), name="a")
    assert sound(store.folder) == [run] and (store.folder / "index.sqlite").exists()


def test_settings_are_told_in_a_line(store: Store) -> None:
    assert store.save(found("given"), name="a").settings == "lr 0.1/(1+t), beta1 0.9, beta2 0.999, epsilon 1e-08"


def test_the_newest_comes_first_and_times_may_be_given(store: Store) -> None:
    ids = [store.save(found(), name=str(k), created=when).id for k, when in enumerate((5.0, 9.0, 1.0, 9.0))]
    assert [one.id for one in store.runs()] == [ids[3], ids[1], ids[0], ids[2]]
    assert [one.created for one in store.runs()] == [9, 9, 5, 1]


def test_a_run_is_changed(store: Store) -> None:
    run, other = store.save(found(), name="a", note="n", tags=["t"]), store.save(found(), name="b")
    assert store.change(run.id, name=" c ") == replace(run, name="c")
    assert store.change(run.id, note="m", tags=["x", "y"]) == replace(run, name="c", note="m", tags=("x", "y"))
    assert store.change(run.id, tags=[], note="") == replace(run, name="c", note="", tags=())
    assert store.change(run.id) == store.run(run.id) and store.run(other.id) == other
    told(lambda: store.change(run.id, name=" "))
    assert "choose another" in told(lambda: store.change("0" * 32, name="d"))


def test_deleting_is_undone_until_it_is_purged(store: Store) -> None:
    a, b, c = (store.save(found(), name=name, created=when) for name, when in (("a", 1.0), ("b", 2.0), ("c", 3.0)))
    store.delete([a.id, b.id, "0" * 32], now=10.0)
    assert store.runs() == [c] and store.runs(deleted=True) == [replace(b, deleted=10.0), replace(a, deleted=10.0)]
    store.delete([a.id], now=99.0)
    assert store.run(a.id).deleted == 10.0 and same(store.findings(a.id), found())
    store.undelete([a.id])
    assert store.runs() == [c, a]
    store.delete([c.id], now=20.0)
    store.purge(before=20.0)
    assert store.runs() == [a] and [one.id for one in store.runs(deleted=True)] == [c.id]
    assert names(store.folder) == {f"{a.id}.parquet", f"{c.id}.parquet"}
    told(lambda: store.findings(b.id))
    assert store.index.read("SELECT id FROM experiments WHERE id = ?", b.id) == []
    assert {one.id for one in sound(store.folder)} == {a.id, c.id}


def test_ten_thousand_runs_are_listed(store: Store) -> None:
    made = entry(found(), name="a", tags=["x"], view={"k": "v"})
    with store.index.transaction() as index:
        for k in range(10_000):
            add(index, replace(made, run=replace(made.run, id=uuid.uuid4().hex, name=f"run {k}", created=float(k))))
    runs = store.runs()
    assert [one.name for one in runs] == [f"run {k}" for k in reversed(range(10_000))]
    assert len({one.id for one in runs}) == 10_000 and replace(runs[0], id=made.run.id, name="a", created=made.run.created) == made.run


# -- texts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["'; DROP TABLE runs; --", '"', "%_\\", "نص 🏔 é", "a\tb\nc", "x" * 120])
def test_texts_are_kept_as_they_are(name: str, store: Store) -> None:
    run = store.save(found(), name=name, note=name, tags=[name[:40]], sentence=name, page=name, view={name: name})
    again = Store(store.folder).runs()
    assert again == [run] and (again[0].name, again[0].note, again[0].tags, again[0].view) == (name, name, (name[:40].strip(),), {name: name})


@pytest.mark.parametrize(
    "texts",
    [
        {"name": ""}, {"name": " \n"}, {"name": "x" * 121}, {"name": "a\0b"}, {"name": "\ud800"}, {"name": 3}, {"name": None},
        {"note": "x" * 4001}, {"note": "\udfff"}, {"note": b"x"}, {"tags": ["x" * 41]}, {"tags": [str(k) for k in range(21)]}, {"tags": "ab"},
        {"tags": [1]}, {"tags": None}, {"tags": ["\0"]}, {"sentence": "x" * 2001}, {"page": "x" * 201}, {"view": {"a": 1}}, {"view": {1: "a"}},
        {"view": {"a": "x" * 200_000}}, {"view": []}, {"view": {"a": "\ud800"}}, {"created": float("nan")}, {"created": -1.0}, {"created": "1"}, {"created": 1e300},
    ],
    ids=lambda texts: ascii(texts)[:30],
)  # fmt: skip
def test_unfit_texts_are_refused(texts: dict, store: Store) -> None:
    told(lambda: store.save(found(), **({"name": "a"} | texts)))
    assert store.runs() == [] and names(store.folder) == set()


def test_runs_that_no_file_takes_are_refused(store: Store) -> None:
    other = replace(found().experiment, starts=replace(found().experiment.starts, count=7))
    assert "7 starts" in told(lambda: store.save(replace(found(), experiment=other), name="a"))


def test_where_runs_are_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GDBOARD_DATA", str(tmp_path))
    assert place() == tmp_path
    monkeypatch.setenv("GDBOARD_DATA", "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    assert place().name == "gdboard" and place().is_absolute()


# -- many at once ------------------------------------------------------------------------------------------------------


def test_six_processes_lose_nothing(tmp_path: Path, small: str) -> None:
    started = [savers("many", small, str(tmp_path / "data"), "200") for _ in range(6)]
    printed = [id for process in started for id in lines(process)]
    runs = sound(tmp_path / "data")
    assert len(printed) == len(set(printed)) == 1200 and {one.id for one in runs} == set(printed) and len(runs) == 1200
    assert len({one.name for one in runs}) == 1200


def test_threads_share_a_store(store: Store) -> None:
    ids: list[str] = []

    def work(k: int) -> None:
        for j in range(10):
            ids.append(store.save(found(), name=f"{k} {j}").id)
            assert ids[-1] in {one.id for one in store.runs()}

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 80 and {one.id for one in sound(store.folder)} == set(ids)


def test_an_index_that_others_hold_is_waited_for_and_then_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store.save(found(), name="kept")
    monkeypatch.setattr(gdui.index, "PATIENCE", 0.2)
    with store.index.transaction():
        assert "'a' was not saved" in told(lambda: store.save(found(), name="a"))
        assert "Another program" in told(lambda: store.delete([kept.id])) and "Another program" in told(lambda: Store(store.folder))
        assert store.runs() == [kept]
    assert sound(store.folder) == [kept]


# -- killed ------------------------------------------------------------------------------------------------------------


def test_savers_that_are_killed_lose_nothing_they_were_told_is_saved(tmp_path: Path, small: str) -> None:
    printed = lines(savers("killed", small, str(tmp_path / "data"), "50", "7"))
    runs = {one.id for one in sound(tmp_path / "data")}
    assert len(printed) == len(set(printed)) > 15 and set(printed) <= runs
    assert len(runs) <= len(printed) + 50  # one of each round may be saved and not told


@pytest.mark.parametrize("step", ["os.fsync", "os.replace", "add", "_synced"])
def test_a_save_that_is_interrupted_leaves_nothing(step: str, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store.save(found(), name="kept")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"gdui.store.{step}", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.save(found(), name="a")
    monkeypatch.undo()
    assert names(store.folder) == {f"{kept.id}.parquet"} and sound(store.folder) == [kept]


def test_a_sweep_removes_what_crashes_left_and_nothing_else(store: Store) -> None:
    kept = store.save(found(), name="kept")
    runs, id = store.folder / "runs", uuid.uuid4().hex
    others = ["notes.txt", "a.parquet", f"{id.upper()}.parquet", f"{id}.parquet.bak", f"{id}.tmp", f"x{id}.part", f"{id[:-1]}.part"]
    for name in [f"{id}.parquet", f"{uuid.uuid4().hex}.part", *others]:
        (runs / name).write_bytes(b"x")
    folder, link, live = (runs / f"{uuid.uuid4().hex}.{kind}" for kind in ("parquet", "parquet", "part"))
    folder.mkdir()
    link.symlink_to(runs / "notes.txt")
    with open(live, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        again = Store(store.folder)
    assert again.runs() == [kept]
    assert names(store.folder) == {f"{kept.id}.parquet", folder.name, link.name, live.name, *others}
    Store(store.folder)
    assert live.name not in names(store.folder)


def test_a_temporary_file_that_a_sweep_took_is_made_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep comes between the making of the file and its lock."""
    lock, times = fcntl.flock, []

    def late(file: int, how: int) -> None:
        if not times:
            times.append(1)
            Store(store.folder)
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    run = store.save(found(), name="a")
    assert times and sound(store.folder) == [run]


def test_without_locks_only_old_temporary_files_are_removed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gdui.store, "fcntl", None)
    run = store.save(found(), name="a")
    old, young = (store.folder / "runs" / f"{uuid.uuid4().hex}.part" for _ in range(2))
    for part in (old, young):
        part.write_bytes(b"x")
    os.utime(old, (time.time() - 2 * 3600,) * 2)
    assert Store(store.folder).runs() == [run] and names(store.folder) == {f"{run.id}.parquet", young.name}


# -- no room, no leave -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["os.fsync", "os.replace", "os.open", "open"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_told_and_leaves_nothing(step: str, number: int, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store.save(found(), name="kept")

    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(f"gdui.store.{step}", fail, raising=step != "open")
        message = told(lambda: store.save(found(), name="a run"))
    assert message == "The disk is full: 'a run' was not saved. Free some space, or set GDBOARD_DATA to a folder on another disk."
    assert names(store.folder) == {f"{kept.id}.parquet"} and sound(store.folder) == [kept]
    assert store.save(found(), name="a run") in store.runs()


def test_a_disk_that_takes_half_a_file_is_told(tmp_path: Path, small: str) -> None:
    (tmp_path / "large").write_bytes(record("many"))
    full, saved = lines(savers("cramped", str(tmp_path / "large"), str(tmp_path / "data"), small))
    assert full.startswith("The disk is full: 'a run' was not saved.")
    assert [one.id for one in sound(tmp_path / "data")] == [saved]


def test_a_full_index_is_told_and_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store.save(found(), name="kept")
    connection = Index.connection

    @contextmanager
    def full(self: Index, mode: str) -> Iterator[sqlite3.Connection]:
        with connection(self, mode) as index:
            index.execute("PRAGMA max_page_count = 1")
            yield index

    with monkeypatch.context() as patch:
        patch.setattr(Index, "connection", full)
        message = told(lambda: [store.save(found(), name="a run", note="x" * 4000) for _ in range(9)])
    assert message.startswith("The disk is full: 'a run' was not saved.")
    runs = sound(store.folder)
    assert kept in runs and len(runs) < 9


def test_other_refusals_of_the_disk_are_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("gdui.store.os.fsync", fail)
    assert "The disk refused (Input/output error)" in told(lambda: store.save(found(), name="x" * 120))


def test_without_leave_to_write_runs_are_listed_and_none_is_saved(small: str) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        store = Store(folder / "data")
        ids = [store.save(found(), name="a").id, store.save(found(), name="b").id]
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        out = lines(savers("barred", small, str(folder / "data"), str(folder / "none"), str(folder / "deep" / "er")))
        listed, empty, deeper = out[0], out[4], out[8]
        assert listed.startswith("False|2|[300, 300]|") and "cannot be written" in listed
        assert empty.startswith("False|0|[]|") and deeper.startswith("False|0|[]|") and len(out) == 12
        assert all("Allow writing there" in line and len(line.rpartition("|")[2]) <= SENTENCE for line in out)
    finally:
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o777)
        assert {one.id for one in sound(folder / "data")} == set(ids)
        shutil.rmtree(folder)


def test_saving_works_again_once_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", fail)
        store = Store(tmp_path / "data")
        assert not store.writable and store.trouble.startswith("The disk is full") and store.runs() == []
        assert told(lambda: store.save(found(), name="a")) == store.trouble
    run = store.save(found(), name="a")
    assert store.writable and sound(store.folder) == [run]


# -- damage and other versions -----------------------------------------------------------------------------------------


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_index_of_a_newer_gdboard_is_not_touched(store: Store) -> None:
    store.save(found(), name="a")
    with closing(sqlite3.connect(store.folder / "index.sqlite")) as index:
        index.execute("PRAGMA user_version = 99")
    (store.folder / "runs" / f"{uuid.uuid4().hex}.part").write_bytes(b"x")
    before = contents(store.folder)
    message = told(lambda: Store(store.folder))
    assert message.startswith("The saved runs were last used by a newer gdboard (index 99") and "update gdboard, or set GDBOARD_DATA" in message
    assert contents(store.folder) == before


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("mine")
    for folder in (tmp_path / "data", tmp_path / "data" / "below"):
        assert "is not a folder" in told(lambda folder=folder: Store(folder))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "runs").write_text("mine")
    assert "is not a folder" in told(lambda: Store(tmp_path / "other"))
    assert (tmp_path / "data").read_text() == (tmp_path / "other" / "runs").read_text() == "mine"


def test_an_index_that_is_none_is_told_and_kept(store: Store) -> None:
    run = store.save(found(), name="a")
    (store.folder / "index.sqlite").write_bytes(b"This is no database." * 300)
    before = contents(store.folder)
    for act in (store.runs, lambda: store.findings(run.id), lambda: store.save(found(), name="b"), lambda: Store(store.folder)):
        assert "The index of saved runs is damaged" in told(act)
    assert contents(store.folder) == before


@pytest.mark.parametrize("fill", [b"\0", b"\xff", b"\r"])
def test_a_damaged_index_loses_no_file(fill: bytes, store: Store) -> None:
    for k in range(60):
        store.save(found("no minimum"), name=f"run {k}")
    file, files = store.folder / "index.sqlite", names(store.folder)
    whole, refusals = file.read_bytes(), 0
    assert len(whole) > 8 * 4096
    for page in range(len(whole) // 4096):
        file.write_bytes(whole[: 4096 * page + 100 * (not page)] + fill * (4096 - 100 * (not page)) + whole[4096 * (page + 1) :])
        try:
            Store(store.folder).runs()
        except StoreError as error:
            assert len(str(error)) <= SENTENCE
            refusals += 1
        assert names(store.folder) == files, page
    assert refusals >= 3


def test_an_index_that_is_gone_costs_no_file(store: Store) -> None:
    run = store.save(found(), name="a")
    (store.folder / "index.sqlite").unlink()
    for _ in range(2):
        assert "no index of them" in told(lambda: Store(store.folder))
    assert names(store.folder) == {f"{run.id}.parquet"}


def test_missing_damaged_and_newer_files_are_told_under_their_name(store: Store) -> None:
    gone, bad, newer, far = (store.save(found(), name=name) for name in ("gone", "bad", "newer", "far"))

    def file(run: SavedRun) -> Path:
        return store.folder / "runs" / f"{run.id}.parquet"

    plain, table = opened(record())
    file(gone).unlink()
    file(bad).write_bytes(record()[:-9])
    file(newer).write_bytes(forged(plain | {"format": 2}, table))
    file(far).unlink()
    file(far).mkdir()
    again = Store(store.folder)
    assert len(again.runs()) == 4
    assert told(lambda: again.findings(gone.id)).startswith("The file of 'gone' is missing")
    assert told(lambda: again.data(gone.id)).startswith("The file of 'gone' is missing")
    assert told(lambda: again.findings(bad.id)).startswith("'bad' is damaged")
    assert "update gdboard to open it" in told(lambda: again.findings(newer.id))
    assert told(lambda: again.findings(far.id)).startswith("The file of 'far' cannot be read")
    assert again.experiment(gone.id).digest == gone.digest


@pytest.mark.parametrize("id", ["", "0" * 32, "../index", "'; DROP TABLE runs; --"])
def test_an_unknown_run_is_told(id: str, store: Store) -> None:
    for act in (store.run, store.findings, store.experiment, store.data):
        assert "choose another" in told(lambda act=act: act(id))


def test_the_experiment_of_a_damaged_row_is_told(store: Store) -> None:
    run = store.save(found(), name="a")
    store.index.write([("UPDATE experiments SET experiment = ? WHERE id = ?", ("{}", run.id))])
    assert "'a' cannot be read from the index" in told(lambda: store.experiment(run.id))


def test_several_runs_are_saved_together_or_not_at_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Entry] = [entry(found("no minimum"), name=str(k)) for k in range(40)]
    assert store.add([]) == [] and store.add(made[:1]) == [made[0].run]
    with monkeypatch.context() as patch:
        left = [39]

        def fail(*operands: object) -> None:
            left[0] -= 1
            if not left[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            add(*operands)  # type: ignore[arg-type]

        patch.setattr(gdui.store, "add", fail)
        assert "The disk is full: '1' was not saved" in told(lambda: store.add(made[1:]))
    assert sound(store.folder) == [made[0].run]
    assert len(store.add(made[1:])) == 39 and len(sound(store.folder)) == 40


@pytest.mark.parametrize("module", ["records", "parquet_pages", "saved", "index", "store", "archive"])
def test_the_store_knows_no_web(module: str) -> None:
    tree = ast.parse((ROOT / "gdui" / f"{module}.py").read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    own = {"records", "parquet_pages", "saved", "index", "store", "archive"}
    assert not {name.partition(".")[0] for name in imported} & {"streamlit", "altair", "pickle", "pandas"}
    assert {name.split(".")[1] for name in imported if name.startswith("gdui.")} <= own
