"""archive.py: runs travel in one zip file, and a zip file that anybody may have made is imported as a whole or refused."""

import io
import json
import random
import stat
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from saving import entry_changed, forged, found, opened, record, same

import gdui.archive
from gdui.archive import ArchiveError, exported, imported
from gdui.records import stated
from gdui.saved import SavedRun, StoreError
from gdui.store import Store

SENTENCE = 160
ID = "0123456789abcdef" * 2
NAME = f"runs/{ID}.parquet"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


def files(store: Store) -> set[str]:
    return {path.name for path in (store.folder / "runs").iterdir()}


def refused(store: Store, data: bytes) -> str:
    """What an import is told; nothing changes by it."""
    before = store.runs(), files(store)
    with pytest.raises(ArchiveError) as caught:
        imported(store, data)
    message = str(caught.value)
    assert 20 < len(message) <= SENTENCE and "\n" not in message, message
    assert (store.runs(), files(store)) == before
    return message


# -- round trips -------------------------------------------------------------------------------------------------------


def told(run: SavedRun) -> SavedRun:
    """A run without what an import changes."""
    return replace(run, id="", imported=True)


def test_runs_travel_in_an_archive(store: Store, tmp_path: Path) -> None:
    names = ("peaks", "given", "undefined", "with hits", "proved", "valley", "five variables")
    runs = [
        store.save(found(name), name=f"{name} 🏔", note="n\n" * k, tags=[str(k), "b"], page="p", view={"k": str(k)}, sentence="S.", created=float(k))
        for k, name in enumerate(names)
    ]
    other = Store(tmp_path / "other")
    arrived = imported(other, exported(store, [run.id for run in runs]))
    assert [told(run) for run in arrived] == [told(run) for run in runs] and all(run.imported for run in other.runs())
    assert {run.id for run in arrived} & {run.id for run in runs} == set() and len({run.id for run in arrived}) == len(names)
    assert all(same(other.findings(run.id), found(name)) for run, name in zip(arrived, names, strict=True))
    assert [run.id for run in other.runs()] == [run.id for run in reversed(arrived)]


def test_an_import_can_be_repeated_and_exported_again(store: Store) -> None:
    run = store.save(found(), name="a")
    archive = exported(store, [run.id, run.id])
    copies = imported(store, archive) + imported(store, archive)
    again = imported(store, exported(store, [copies[0].id]))
    assert len(store.runs()) == 4 == len(files(store)) and {told(one) for one in (*copies, *again)} == {told(run)}


def test_an_archive_is_a_zip_file_of_json_and_parquet(store: Store) -> None:
    run = store.save(found(), name="a")
    archive = exported(store, [run.id])
    assert archive == exported(store, [run.id])
    with zipfile.ZipFile(io.BytesIO(archive)) as whole:
        assert whole.namelist() == ["manifest.json", f"runs/{run.id}.parquet"] and whole.read(f"runs/{run.id}.parquet") == store.data(run.id)
        manifest = json.loads(whole.read("manifest.json"))
    assert manifest["format"] == 1 and manifest["runs"][0]["name"] == "a" and manifest["runs"][0]["fingerprint"] == run.fingerprint


def test_what_cannot_be_imported_is_not_exported(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = store.save(found(), name="bad"), store.save(found(), name="good")
    (store.folder / "runs" / f"{bad.id}.parquet").write_bytes(b"x")
    with pytest.raises(StoreError, match="'bad' is damaged"):
        exported(store, [good.id, bad.id])
    with pytest.raises(StoreError, match="choose another"):
        exported(store, ["0" * 32])
    with pytest.raises(ArchiveError, match="0 runs are chosen"):
        exported(store, [])
    monkeypatch.setattr(gdui.archive, "MOST_RUNS", 1)
    with pytest.raises(ArchiveError, match="2 runs are chosen"):
        exported(store, [good.id, bad.id])


def test_an_import_without_room_stores_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = exported(store, [store.save(found(), name=str(k)).id for k in range(3)])
    before, left = files(store), [3]

    def fail(*operands: object) -> None:
        left[0] -= 1
        if not left[0]:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("gdui.store._synced", lambda folder: [fail() for _ in range(3)])
    with pytest.raises(StoreError, match="The disk is full"):
        imported(store, archive)
    assert files(store) == before and len(store.runs()) == 3


# -- hostile archives --------------------------------------------------------------------------------------------------

DATA = record()


def about(**changes: object) -> dict:
    held = stated(DATA)
    plain = {"id": ID, "name": "a", "note": "", "tags": ["t"], "created": 5.0, "page": "p", "view": {}, "sentence": ""}
    return plain | {"digest": held.digest, "fingerprint": held.fingerprint} | changes


def manifest(*runs: dict, **changes: object) -> bytes:
    return json.dumps({"format": 1, "version": "0.2.0", "runs": list(runs or [about()])} | changes).encode()


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    whole = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(whole, "w", kind) as archive:
        warnings.simplefilter("ignore")  # two entries of one name
        for name, content in entries:
            archive.writestr(name, content)
    return whole.getvalue()


def made(text: bytes | None = None, *more: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    return zipped(("manifest.json", text or manifest()), (NAME, DATA), *more)


def link(name: str, kind: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | 0o777) << 16
    return info


def patched(data: bytes, signature: bytes, offset: int, new: bytes) -> bytes:
    """Other bytes in the last header of a kind; the local ones start with PK34, those in the table of contents with PK12."""
    at = data.rindex(signature) + offset
    return data[:at] + new + data[at + len(new) :]


def doubled(data: bytes) -> bytes:
    """Two entries that share the bytes of one."""
    end, table = data[-22:], int.from_bytes(data[-6:-2], "little")
    entry = data[data.rindex(CENTRAL) : -22]
    other = entry.replace(ID.encode(), b"f" * 32)
    size = len(data) - 22 - table + len(other)
    return data[:-22] + other + end[:8] + b"\3\0\3\0" + size.to_bytes(4, "little") + end[16:]


LOCAL, CENTRAL = b"PK\3\4", b"PK\1\2"
FOUR = (4_000_000_000).to_bytes(4, "little")
OTHERS: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "is no archive"),
    "text": (lambda: b"hello" * 99, "is no archive"),
    "Parquet": (lambda: DATA, "is no archive"),
    "empty zip": (zipped, "no manifest.json"),
    "cut": (lambda: made()[:-30], "is no archive"),
    "its start cut": (lambda: made()[400:], "is damaged"),
    "more after it": (lambda: made() + b"x", "is no archive"),
    "no manifest": (lambda: zipped((NAME, DATA)), "no manifest.json"),
    "only a manifest": (lambda: zipped(("manifest.json", manifest())), "other runs than it holds"),
    "a file too many": (lambda: made(None, (f"runs/{'f' * 32}.parquet", DATA)), "other runs than it holds"),
    "a run too many": (lambda: made(manifest(about(), about(id="f" * 32))), "other runs than it holds"),
    "a run twice": (lambda: made(manifest(about(), about())), "other runs than it holds"),
    "an id elsewhere": (lambda: made(manifest(about(id="../../index"))), "other runs than it holds"),
    "two manifests": (lambda: made(None, ("manifest.json", manifest())), "two entries"),
    "a file twice": (lambda: made(None, (NAME, DATA)), "two entries"),
    "a bad checksum": (lambda: made().replace(DATA, DATA[:-20] + b"x" + DATA[-19:]), "is damaged"),
    "an unknown packing": (lambda: zipped(("manifest.json", manifest()), (NAME, DATA), kind=zipfile.ZIP_BZIP2), "packed in an unknown way"),
    "encrypted": (lambda: patched(made(), CENTRAL, 8, b"\1\0"), "encrypted"),
    "a size of 4 GB": (lambda: patched(made(), CENTRAL, 24, FOUR), "at most 512"),
    "a size that lies": (lambda: patched(made(), CENTRAL, 24, (len(DATA) + 9).to_bytes(4, "little")), "is damaged"),
    "a size that is too small": (lambda: patched(made(), CENTRAL, 24, (len(DATA) - 9).to_bytes(4, "little")), "is damaged"),
    "a packed size that lies": (lambda: patched(made(), CENTRAL, 20, FOUR), "claim more bytes than it has"),
    "one place for two entries": (lambda: doubled(made()), "claim more bytes than it has"),
    "a place that lies": (lambda: patched(made(), CENTRAL, 42, FOUR), "is damaged"),
    "another name inside": (lambda: patched(made(), LOCAL, 30, b"x"), "is damaged"),
    "a manifest of 9 MB": (lambda: made(manifest(about(note=" " * 9 * 2**20))), "at most 8 are possible"),
    "a bomb": (lambda: zipped(("manifest.json", manifest()), (NAME, bytes(50 * 2**20)), kind=zipfile.ZIP_DEFLATED), "far more than it holds"),
    "a bomb in the manifest": (lambda: zipped(("manifest.json", b" " * 8 * 2**20), (NAME, DATA), kind=zipfile.ZIP_DEFLATED), "far more"),
    "1,100 entries": (lambda: made(None, *((f"runs/{k:032x}.parquet", b"") for k in range(1100))), "1,102 entries"),
    "20,000 entries": (lambda: zipped(*((f"runs/{k:032x}.parquet", b"") for k in range(20_000))), "too many entries"),
    "more than 65,535 entries": (lambda: zipped(*((f"{k:05x}", b"") for k in range(65_600))), "is no archive"),
    "a symbolic link": (lambda: zipped(("manifest.json", manifest()), (link(NAME, stat.S_IFLNK), b"/etc/passwd")), "is a link"),
    "a device": (lambda: zipped(("manifest.json", manifest()), (link(NAME, stat.S_IFCHR), DATA)), "no plain file"),
    "no Parquet": (lambda: zipped(("manifest.json", manifest()), (NAME, b"PAR1")), "this saved run is damaged"),
    "another run's file": (lambda: zipped(("manifest.json", manifest()), (NAME, record("valley"))), "holds another run"),
    "a newer file": (lambda: zipped(("manifest.json", manifest()), (NAME, forged(opened(DATA)[0] | {"format": 2}, opened(DATA)[1]))), "update gdboard to open it"),
    "a forged file": (lambda: zipped(("manifest.json", manifest()), (NAME, forged(*entry_changed("minimum", 99)))), "this saved run is damaged"),
}
NAMES = [
    "../evil", "/etc/passwd", "C:\\evil", "runs/", "runs", "runs/../manifest.json", "./manifest.json", "runs\\a.parquet", f"runs//{ID}.parquet", f"{NAME}\n",
    f"runs/{ID[:-1]}.parquet", f"runs/{ID}0.parquet", f"runs/{ID.upper()}.parquet", f"runs/{ID}.PARQUET", f"../{NAME}", f"/{NAME}", "MANIFEST.JSON", "a\0.parquet",
    f"runs/{'٣' * 32}.parquet", "", "x" * 60_000,
]  # fmt: skip
MANIFESTS: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"{", "cannot be read"),
    "no UTF-8": (b'"\xff"', "cannot be read"),
    "a list": (b"[]", "cannot be read"),
    "a number": (b"1", "cannot be read"),
    "too deep": (b"[" * 100_000, "cannot be read"),
    "a huge number": (b'{"format": ' + b"9" * 5000 + b"}", "cannot be read"),
    "no runs": (b'{"format": 1, "version": "0.2.0"}', "cannot be read"),
    "an empty list of runs": (manifest(runs=[]), "other runs than it holds"),
    "runs no list": (manifest(runs={}), "does not tell"),
    "a run that is no table": (manifest(runs=[3]), "does not tell"),
    "a run without a name": (manifest({key: value for key, value in about().items() if key != "name"}), "does not tell"),
    "a run with more": (manifest(about(colour="red")), "does not tell"),
    "format 2": (manifest(format=2, version="9.1"), "a newer gdboard (version 9.1, format 2; this one reads format 1): update gdboard"),
    "format huge": (manifest(format=10**40, version=["x" * 999]), "update gdboard"),
    "format 0": (manifest(format=0), "does not tell"),
    "format text": (manifest(format="1"), "does not tell"),
    "format true": (manifest(format=True), "does not tell"),
    "format nan": (manifest(format=float("nan")), "does not tell"),
    "an id that is none": (manifest(about(id=float("nan"))), "no text for a run's id"),
    "another digest": (manifest(about(digest="0" * 16)), "holds another run"),
    "another fingerprint": (manifest(about(fingerprint="0" * 16)), "holds another run"),
    "a digest that is none": (manifest(about(digest=3)), "no text for a run's digest"),
    "nan for a name": (manifest(about(name=float("nan"))), "the name is no text"),
    "no name": (manifest(about(name=" ")), "the name is empty"),
    "a long name": (manifest(about(name="x" * 121)), "the name has 121 characters"),
    "half a character": (manifest(about(name="\ud800")), "half a character"),
    "a zero": (manifest(about(note="\0")), "half a character or a zero"),
    "a long note": (manifest(about(note="x" * 4001)), "the note has 4,001"),
    "tags as text": (manifest(about(tags="ab")), "no tags, no view"),
    "tags as numbers": (manifest(about(tags=[1])), "the tag is no text"),
    "many tags": (manifest(about(tags=[str(k) for k in range(21)])), "21 tags"),
    "no view": (manifest(about(view=None)), "no tags, no view"),
    "a view of numbers": (manifest(about(view={"a": 1})), "the view is no text"),
    "no time": (manifest(about(created=None)), "no tags, no view or no time"),
    "nan for a time": (manifest(about(created=float("nan"))), "no time"),
    "a time beyond": (manifest(about(created=1e300)), "no time"),
    "a time true": (manifest(about(created=True)), "no time"),
}


def test_what_the_forgeries_start_from_is_imported(store: Store) -> None:
    for data in (made(), zipped(("manifest.json", manifest()), (NAME, DATA), kind=zipfile.ZIP_DEFLATED), zipped((link(NAME, stat.S_IFREG), DATA), ("manifest.json", manifest()))):
        (run,) = imported(store, data)
        assert (run.name, run.created, run.tags) == ("a", 5.0, ("t",)) and same(store.findings(run.id), found())


@pytest.mark.parametrize("name", OTHERS)
def test_hostile_archives_are_refused(name: str, store: Store) -> None:
    store.save(found(), name="kept")
    make, reason = OTHERS[name]
    assert reason in refused(store, make())


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:40])
def test_entries_of_other_names_are_refused(name: str, store: Store) -> None:
    info = zipfile.ZipInfo("x")
    info.filename = name
    message = refused(store, made(None, (info, DATA)))
    assert "none of a saved run" in message or name in ("", "x" * 60_000)


@pytest.mark.parametrize("name", MANIFESTS)
def test_hostile_manifests_are_refused(name: str, store: Store) -> None:
    text, reason = MANIFESTS[name]
    assert reason in refused(store, made(text))


def test_one_bad_run_keeps_the_good_ones_out(store: Store) -> None:
    other = "f" * 32
    text = manifest(about(), about(id=other, name=""))
    assert "the name is empty" in refused(store, made(text, (f"runs/{other}.parquet", DATA)))
    assert len(imported(store, made(manifest(about(), about(id=other)), (f"runs/{other}.parquet", DATA)))) == 2


def test_sizes_are_bounded_in_all(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    data = made()
    monkeypatch.setattr(gdui.archive, "MOST_IN_ALL", len(data) - 1)
    assert "export fewer runs at once" in refused(store, data)
    packed = zipped(("manifest.json", manifest()), (NAME, DATA), kind=zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(gdui.archive, "MOST_IN_ALL", len(packed))
    assert "unpacks to more than" in refused(store, packed)


def test_damaged_archives_are_refused_or_whole(store: Store) -> None:
    """At 300 places a byte, or a few, are others."""
    data, dice, whole = made(), random.Random(8), 0
    for _ in range(300):
        at, length = dice.randrange(len(data)), dice.choice((1, 1, 6))
        damaged = data[:at] + bytes(dice.randrange(256) for _ in data[at : at + length]) + data[at + length :]
        try:
            (run,) = imported(store, damaged)
        except ArchiveError as error:
            assert len(str(error)) <= SENTENCE
        else:
            assert same(store.findings(run.id), found()) and run.name == "a"
            whole += 1
    assert whole < 60 and len(store.runs()) == whole == len(files(store))
