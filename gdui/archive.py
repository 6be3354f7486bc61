"""A selection of saved runs ↔ one zip file of JSON and Parquet."""

from __future__ import annotations

import io
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any

from gdcore import __version__
from gdui.records import MOST_BYTES, RecordError, stated, unpacked
from gdui.saved import Entry, SavedRun, StoreError, entry, short
from gdui.store import Store

FORMAT = 1
MOST_RUNS = 1000
MOST_IN_ALL = 2**30  # bytes, packed or not
MOST_MANIFEST = 8 * 2**20
MOST_CENTRAL = 2**20  # bytes of the zip file's table of contents
MOST_RATIO = 100  # to which a Parquet file, which is packed already, never shrinks again
MANIFEST = "manifest.json"
FILE = re.compile(r"runs/([0-9a-f]{32})\.parquet", re.ASCII)
TOLD = ("id", "name", "note", "tags", "created", "page", "view", "sentence", "digest", "fingerprint")
CAN_UNPACK = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError, TypeError, KeyError, IndexError, OverflowError,
)  # fmt: skip


class ArchiveError(ValueError):
    """Why runs cannot be exported, or an archive is not imported, in one sentence."""


def exported(store: Store, ids: Iterable[str]) -> bytes:
    """The archive of some runs; each file is opened first, so that no archive is made that cannot be imported.

    ArchiveError for more than an archive takes, StoreError for a run that cannot be opened.
    """
    runs = [store.run(id) for id in dict.fromkeys(ids)]
    if not 1 <= len(runs) <= MOST_RUNS or sum(run.size for run in runs) > MOST_IN_ALL - MOST_MANIFEST:
        raise ArchiveError(f"{len(runs):,} runs are chosen: choose 1 to {MOST_RUNS:,}, of less than {MOST_IN_ALL // 2**30} GB together")
    files = {run.id: _checked(store, run.id) for run in runs}
    told = [_told(run) | {"digest": one.digest, "fingerprint": one.fingerprint} for run in runs for one in [stated(files[run.id])]]
    manifest = json.dumps({"format": FORMAT, "version": __version__, "runs": told}, ensure_ascii=False).encode()
    if len(manifest) > MOST_MANIFEST:
        raise ArchiveError("the notes of these runs are too long for one archive: choose fewer runs")
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST), manifest)
        for run in runs:
            archive.writestr(zipfile.ZipInfo(f"runs/{run.id}.parquet"), files[run.id])
    return whole.getvalue()


def imported(store: Store, data: bytes) -> list[SavedRun]:
    """Save every run of an archive under a new id, or none of them.

    Nothing of the archive is believed without a check, and nothing is written before all of it was checked. ArchiveError
    for what is no archive of saved runs, StoreError where the store cannot take it.
    """
    files = _files(data)
    runs = _manifest(files.pop(MANIFEST))
    ids = [_word(one, "id") for one in runs]
    if len(set(ids)) != len(ids) or {f"runs/{id}.parquet" for id in ids} != set(files):
        raise ArchiveError("the manifest of this archive names other runs than it holds files: export the runs again")
    return store.add([_entry(one, files[f"runs/{id}.parquet"]) for id, one in zip(ids, runs, strict=True)])


def _checked(store: Store, id: str) -> bytes:
    """The file of a run, which can be opened."""
    store.findings(id)
    return store.data(id)


def _told(run: SavedRun) -> dict[str, Any]:
    return {name: getattr(run, name) for name in TOLD}


# -- the zip file ------------------------------------------------------------------------------------------------------


def _files(data: bytes) -> dict[str, bytes]:
    """The files in an archive by name, the manifest among them; every name, size and flag is checked before one is read."""
    if len(data) > MOST_IN_ALL:
        raise ArchiveError(f"this file has {len(data) / 2**20:,.0f} MB; an archive has at most {MOST_IN_ALL // 2**20:,}: export fewer runs at once")
    _check_contents(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check(archive.infolist(), len(data))
            return {one.filename: _content(archive, one) for one in archive.infolist()}
    except ArchiveError:
        raise
    except BROKEN:
        raise ArchiveError("this archive is damaged, or is none of saved runs: export the runs again") from None


def _check_contents(data: bytes) -> None:
    """That the table of contents is small, before it is read: it ends the file, and says how long it is 10 bytes before."""
    if data[-22:-18] != b"PK\5\6" or data[-42:-38] == b"PK\6\7":
        raise ArchiveError("this file is no archive of saved runs, or its end is missing: choose a zip file that gdboard exported")
    if int.from_bytes(data[-10:-6], "little") > MOST_CENTRAL:
        raise ArchiveError(f"this archive has too many entries; at most {MOST_RUNS:,} runs fit one: export fewer at once")


def _check(entries: list[zipfile.ZipInfo], size: int) -> None:
    """ArchiveError for entries that are none of saved runs, or that together are more than an archive of so many bytes holds."""
    names = [one.orig_filename for one in entries]
    if len(entries) > MOST_RUNS + 1:
        raise ArchiveError(f"this archive has {len(entries):,} entries; at most {MOST_RUNS:,} runs fit one: export fewer at once")
    for one in entries:
        _check_entry(one)
    if len(set(names)) != len(names):
        raise ArchiveError("this archive has two entries of the same name: export the runs again")
    if MANIFEST not in names:
        raise ArchiveError("this zip file has no manifest.json: choose one that gdboard exported")
    if sum(one.compress_size for one in entries) > size:
        raise ArchiveError("this archive is damaged: its entries claim more bytes than it has; export the runs again")
    if sum(one.file_size for one in entries) > MOST_IN_ALL:
        raise ArchiveError(f"this archive unpacks to more than {MOST_IN_ALL // 2**20:,} MB: export fewer runs at once")


def _check_entry(one: zipfile.ZipInfo) -> None:
    """ArchiveError for an entry that is not a plain file of the manifest's or a run's name, and of a size it may have."""
    name = short(ascii(one.orig_filename), 40)
    most = MOST_MANIFEST if one.orig_filename == MANIFEST else MOST_BYTES
    if one.filename != one.orig_filename or not (one.orig_filename == MANIFEST or FILE.fullmatch(one.orig_filename)):
        raise ArchiveError(f"this archive has an entry {name}, which is none of a saved run: choose a zip file that gdboard exported")
    if stat.S_IFMT(one.external_attr >> 16) not in (0, stat.S_IFREG):
        raise ArchiveError(f"the entry {name} of this archive is a link or no plain file: export the runs again")
    if one.flag_bits & 0x41 or one.compress_type not in CAN_UNPACK:
        raise ArchiveError(f"the entry {name} of this archive is encrypted or packed in an unknown way: pack it without a password")
    if one.file_size > most:
        raise ArchiveError(f"the entry {name} of this archive has {one.file_size / 2**20:,.0f} MB; at most {most // 2**20:,} are possible: export fewer starts")
    if one.file_size > 2**20 + MOST_RATIO * one.compress_size:
        raise ArchiveError(f"the entry {name} of this archive unpacks to far more than it holds: export the runs again")


def _content(archive: zipfile.ZipFile, one: zipfile.ZipInfo) -> bytes:
    """An entry's bytes, never more than it states, with its checksum checked."""
    with archive.open(one) as file:
        content = file.read(one.file_size)
        if len(content) != one.file_size or file.read(1):
            raise ValueError("its size is another")
    return content


# -- the manifest ------------------------------------------------------------------------------------------------------


def _manifest(text: bytes) -> list[dict[str, Any]]:
    """What the manifest tells of each run, as plain values that are still to be checked."""
    try:
        manifest = json.loads(text.decode())
        number, version, runs = manifest["format"], manifest["version"], manifest["runs"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ArchiveError("the manifest of this archive cannot be read: export the runs again") from None
    if type(number) is int and number > FORMAT:
        raise ArchiveError(f"this archive was made by a newer gdboard (version {short(str(version), 20)}, format {number:.9g}; this one reads format {FORMAT}): update gdboard to import it")
    if type(number) is not int or number != FORMAT or type(runs) is not list or not all(type(one) is dict and set(one) == set(TOLD) for one in runs):
        raise ArchiveError("the manifest of this archive does not tell of its runs as gdboard does: export the runs again")
    return runs


def _word(told: dict[str, Any], key: str) -> str:
    if type(told[key]) is not str:
        raise ArchiveError(f"the manifest of this archive has no text for a run's {key}: export the runs again")
    word: str = told[key]
    return word


def _entry(told: dict[str, Any], data: bytes) -> Entry:
    """A run of an archive as it will be saved, once its file holds what the manifest says."""
    tags, view = told["tags"], told["view"]
    if type(tags) is not list or type(view) is not dict or told["created"] is None:
        raise ArchiveError("the manifest of this archive has no tags, no view or no time for one of its runs: export the runs again")
    try:
        findings, held = unpacked(data), stated(data)
        made = entry(
            findings, name=told["name"], note=told["note"], tags=tags, created=told["created"], page=told["page"],
            view=view, sentence=told["sentence"], data=data, version=held.version, imported=True,
        )  # fmt: skip
    except (RecordError, StoreError) as error:
        raise ArchiveError(short(str(error), 160)) from None
    if (held.digest, held.fingerprint) != (_word(told, "digest"), _word(told, "fingerprint")):
        raise ArchiveError(f"the file of '{short(made.run.name, 40)}' holds another run than the manifest of this archive says: export it again")
    return made
