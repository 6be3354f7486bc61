"""Saved runs: an index in SQLite and one immutable Parquet file per run.

A file is written under a temporary name and gets its own inside the transaction that adds its row, so that a crash leaves at
most a file that no row names; the next opening removes it.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import platformdirs

from gdcore.experiment import Experiment, Findings
from gdui.index import SELECT, Index, Statement, add, cause, run_of, told
from gdui.records import RecordError, unpacked
from gdui.saved import NOTE, Entry, SavedRun, StoreError, entry, named, short, tagged, text

try:
    import fcntl
except ImportError:  # Windows, where the age of a temporary file must do
    fcntl = None  # type: ignore[assignment]

__all__ = ["Entry", "SavedRun", "Store", "StoreError", "entry", "place"]

OWN = re.compile(r"[0-9a-f]{32}\.(parquet|part)")
AHEAD = 32  # files of one import that are written, and held open, before the others are kept waiting
LEAST_ROOM = 2**17  # bytes free on the disk, with which SQLite can work
ABANDONED = 3600.0  # seconds after which a temporary file has no writer, where no lock tells


def place() -> Path:
    """The folder of saved runs: GDBOARD_DATA, or where this user's programs keep their data."""
    given = os.environ.get("GDBOARD_DATA", "")
    return Path(given).expanduser() if given else platformdirs.user_data_path("gdboard", appauthor=False)


class Store:
    """The saved runs in a folder, for any number of threads and processes at once.

    trouble: why nothing can be saved there, or "". StoreError where the folder or its index cannot even be read; nothing is
    ever deleted for that.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.index = Index(folder / "index.sqlite")
        self.trouble = self._open()

    @property
    def writable(self) -> bool:
        return not self.trouble

    def save(self, findings: Findings, **said: Any) -> SavedRun:
        """Save findings, with what `entry` takes beside them (name, note, tags, page, view, sentence); on return they are on the disk."""
        return self.add([entry(findings, **said)])[0]

    def add(self, entries: Sequence[Entry]) -> list[SavedRun]:
        """Save all of them, or none where StoreError is raised."""
        if entries:
            self._require_writable()
            with told(f"'{short(entries[0].run.name, 30)}' was not saved"):
                self._keep(entries)
        return [one.run for one in entries]

    def runs(self, *, deleted: bool = False) -> list[SavedRun]:
        """The saved runs, newest first; or those that were deleted and can still be had back."""
        return self._runs(f"WHERE deleted IS {'NOT NULL' if deleted else 'NULL'} ORDER BY created DESC, rowid DESC")

    def run(self, id: str) -> SavedRun:
        """One run, deleted or not; StoreError where there is none of that id."""
        found = self._runs("WHERE id = ?", id)
        if not found:
            raise StoreError("this run is no longer among the saved ones: choose another")
        return found[0]

    def experiment(self, id: str) -> Experiment:
        """The experiment of a run, without opening its file."""
        name = self.run(id).name
        with told("no run could be opened"):
            rows = self.index.read("SELECT experiment FROM experiments WHERE id = ?", id, writable=self.writable)
        try:
            return Experiment.from_json(rows[0][0])
        except (ValueError, IndexError):
            raise StoreError(f"the experiment of '{short(name, 40)}' cannot be read from the index: open its findings instead") from None

    def findings(self, id: str) -> Findings:
        """What a run found; StoreError where its file is missing, damaged, or of a newer gdboard."""
        with self._reading(id) as file:
            return unpacked(file)

    def present(self, id: str) -> bool:
        """Whether the file of a run is where it should be."""
        return self._file(id).exists()

    def data(self, id: str) -> bytes:
        """The file of a run, as it stands."""
        with self._reading(id) as file:
            return file.read_bytes()

    def change(self, id: str, *, name: str | None = None, note: str | None = None, tags: Iterable[str] | None = None) -> SavedRun:
        """Another name, note or tags; what is None stays."""
        changes: list[Statement] = []
        if name is not None:
            changes.append(("UPDATE runs SET name = ? WHERE id = ?", (named(name), id)))
        if note is not None:
            changes.append(("UPDATE runs SET note = ? WHERE id = ?", (text("note", note, NOTE), id)))
        if tags is not None:
            changes.append(("UPDATE runs SET tags = ? WHERE id = ?", (json.dumps(tagged(tags)), id)))
        self._write(changes)
        return self.run(id)

    def delete(self, ids: Iterable[str], *, now: float | None = None) -> None:
        """Take runs from the list; until they are purged, undelete brings them back."""
        when = time.time() if now is None else now
        self._write([("UPDATE runs SET deleted = ? WHERE id = ? AND deleted IS NULL", (when, id)) for id in ids])

    def undelete(self, ids: Iterable[str]) -> None:
        """Bring deleted runs back."""
        self._write([("UPDATE runs SET deleted = NULL WHERE id = ?", (id,)) for id in ids])

    def purge(self, before: float) -> None:
        """Remove for good what was deleted before a time: rows first, so that a crash leaves files that no row names."""
        self._require_writable()
        with told("nothing was removed"), self.index.transaction() as index:
            gone = index.execute("SELECT id FROM runs WHERE deleted < ?", (before,)).fetchall()
            index.execute("DELETE FROM runs WHERE deleted < ?", (before,))
        for (id,) in gone:
            with suppress(OSError):
                self._file(id).unlink()

    # -- index ---------------------------------------------------------------------------------------------------------

    def _runs(self, which: str, *values: str) -> list[SavedRun]:
        with told("the saved runs cannot be listed"):
            return [run_of(row) for row in self.index.read(f"{SELECT} {which}", *values, writable=self.writable)]

    def _write(self, statements: Sequence[Statement]) -> None:
        if statements:
            self._require_writable()
            with told("nothing was changed"):
                self.index.write(statements)

    def _open(self) -> str:
        """Make or open the folder and its index, bring the index forward, and sweep; or why nothing can be saved."""
        files = self.folder / "runs"
        try:
            self.index.refuse_newer()
            files.mkdir(parents=True, exist_ok=True)
            if not all(os.access(folder, os.W_OK | os.X_OK) for folder in (self.folder, files)):
                raise PermissionError(errno.EACCES, "read-only")
            self.index.prepare(self._sweep)
        except (FileExistsError, NotADirectoryError):
            raise StoreError(f"{self._called} is not a folder, and saved runs need one: move it away, or set GDBOARD_DATA to another folder") from None
        except (OSError, sqlite3.Error) as error:
            return self._trouble(error)
        return ""

    def _trouble(self, error: OSError | sqlite3.Error) -> str:
        """Why nothing can be saved, once it is known that what is there can be listed."""
        why = cause(error)
        with told("the saved runs cannot be listed"):
            if why in ("busy", "damaged"):
                raise error
            self.index.read(f"{SELECT} LIMIT 1", writable=False)
        if why == "full" or _crowded(self.folder):
            return f"The disk is full: nothing can be saved in {self._called}. Free some space, or set GDBOARD_DATA to another folder."
        return f"{self._called} cannot be written: nothing can be saved. Allow writing there, or set GDBOARD_DATA to another folder."

    @property
    def _called(self) -> str:
        whole = str(self.folder)
        return f"'{whole if len(whole) <= 40 else f'…{whole[-39:]}'}'"

    def _require_writable(self) -> None:
        """StoreError where nothing can be saved, even now: space may have been freed since the store was opened."""
        if self.trouble:
            self.trouble = self._open()
        if self.trouble:
            raise StoreError(self.trouble)

    # -- files ---------------------------------------------------------------------------------------------------------

    def _file(self, id: str) -> Path:
        return self.folder / "runs" / f"{id}.parquet"

    @contextmanager
    def _reading(self, id: str) -> Iterator[Path]:
        """The file of a run; what goes wrong with it is told under the run's name."""
        name = short(self.run(id).name, 40)
        try:
            yield self._file(id)
        except FileNotFoundError:
            raise StoreError(f"The file of '{name}' is missing: put it back into the folder of saved runs, or delete the run.") from None
        except OSError as error:
            raise StoreError(f"The file of '{name}' cannot be read ({short(error.strerror or '', 30)}): check the disk and who may read it.") from None
        except RecordError as error:
            raise StoreError(str(error).replace("this saved run", f"'{name}'", 1)) from None

    def _keep(self, entries: Sequence[Entry]) -> None:
        """The files, then their names and rows in one transaction, during which no sweep runs."""
        ids = [one.run.id for one in entries]
        try:
            with ExitStack() as held:
                for one in entries[:AHEAD]:
                    held.enter_context(_written(self._file(one.run.id).with_suffix(".part"), one.data))
                with self.index.transaction() as index:
                    for one in entries[AHEAD:]:
                        with _written(self._file(one.run.id).with_suffix(".part"), one.data):
                            pass
                    for one in entries:
                        os.replace(self._file(one.run.id).with_suffix(".part"), self._file(one.run.id))
                        add(index, one)
                    _synced(self.folder / "runs")
        except BaseException:
            self._discard(ids)
            raise

    def _discard(self, ids: Sequence[str]) -> None:
        """Remove the files of runs that were not saved; never one that has a row, in case the failed commit was none."""
        for id in ids:
            with suppress(OSError):
                self._file(id).with_suffix(".part").unlink()
        placed = [id for id in ids if self._file(id).exists()]
        if placed:
            with suppress(OSError, sqlite3.Error), self.index.transaction() as index:
                for id in placed:
                    if not index.execute("SELECT 1 FROM runs WHERE id = ?", (id,)).fetchone():
                        self._file(id).unlink()

    def _sweep(self, index: sqlite3.Connection, new: bool) -> None:
        """Remove what crashes left; in a transaction, so that no save is between its file's name and its row."""
        files = _own_files(self.folder / "runs")
        if new and any(file.suffix == ".parquet" for file in files):
            raise StoreError(f"{self._called} holds saved runs and no index of them: put index.sqlite back, or set GDBOARD_DATA to another folder")
        known = set() if new else {f"{id}.parquet" for (id,) in index.execute("SELECT id FROM runs")}
        nameless = [file for file in files if file.suffix == ".parquet" and file.name not in known]
        if nameless and index.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("rows may be missing")  # and their files must not be
        for file in files:
            with suppress(OSError):
                if file.suffix == ".part":
                    _remove_abandoned(file)
        for file in nameless:
            with suppress(OSError):
                file.unlink()


def _crowded(folder: Path) -> bool:
    """Whether a disk has too little room for an index, whatever SQLite calls that."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free < LEAST_ROOM
    return False


def _own_files(folder: Path) -> list[Path]:
    """The files of a folder whose names a store gave."""
    with os.scandir(folder) as found:
        return [Path(one.path) for one in found if OWN.fullmatch(one.name) and one.is_file(follow_symlinks=False)]


@contextmanager
def _written(part: Path, data: bytes) -> Iterator[None]:
    """A temporary file with data, on the disk; locked while its writer needs it."""
    descriptor = _started(part)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
        if fcntl is None:
            file.close()  # Windows renames no open file
        yield


def _started(part: Path) -> int:
    """A new file, locked; made again where a sweep took it for abandoned before it was."""
    while True:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        if fcntl is None:
            return descriptor
        with suppress(OSError):  # a disk without locks: the age of the file must do there
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), os.stat(part)):
                return descriptor
        os.close(descriptor)


def _remove_abandoned(part: Path) -> None:
    """Remove a temporary file whose writer is gone."""
    if fcntl is None:
        if time.time() - part.stat().st_mtime > ABANDONED:
            part.unlink()
        return
    descriptor = os.open(part, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an error: its writer lives
        part.unlink()
    finally:
        os.close(descriptor)


def _synced(folder: Path) -> None:
    """The names in a folder, on the disk; where a folder cannot be opened, as on Windows, the system sees to it."""
    with suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
