"""The index of saved runs: one SQLite file, brought forward from any older version."""

from __future__ import annotations

import errno
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gdcore.setting import FrozenDict
from gdui.saved import Entry, SavedRun, StoreError, short

PATIENCE = 30.0  # seconds that an index in use is waited for
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
Rows = list[tuple[Any, ...]]
Statement = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Index:
    """The index in one file. Every operation has a connection of its own: threads, processes and forks share nothing."""

    file: Path

    @contextmanager
    def connection(self, mode: str) -> Iterator[sqlite3.Connection]:
        """mode: as in an address of SQLite: mode=rw, mode=rwc to make the file, mode=ro, or immutable=1 for a file nobody changes."""
        index = sqlite3.connect(f"{self.file.absolute().as_uri()}?{mode}", uri=True, timeout=PATIENCE, isolation_level=None)
        try:
            index.execute("PRAGMA synchronous = FULL")
            index.execute("PRAGMA foreign_keys = ON")
            yield index
        finally:
            index.close()

    @contextmanager
    def transaction(self, mode: str = "mode=rw") -> Iterator[sqlite3.Connection]:
        """The only writer, until all of it is on the disk or none of it was."""
        with self.connection(mode) as index:
            index.execute("BEGIN IMMEDIATE")
            try:
                yield index
                index.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    index.execute("ROLLBACK")
                raise

    def refuse_newer(self) -> None:
        """StoreError, before anything is touched, where the file says that a newer gdboard used it."""
        with suppress(FileNotFoundError, PermissionError), open(self.file, "rb") as file:
            head = file.read(64)
            if head.startswith(b"SQLite format 3\0"):
                _known(int.from_bytes(head[60:64], "big"))

    def read(self, query: str, *values: Any, writable: bool = True) -> Rows:
        """All rows of a query. Where nothing can be written, an index that is not there has none."""
        if writable:
            with self.connection("mode=rw") as index:
                return index.execute(query, values).fetchall()
        return self._read_only(query, values) if self.file.exists() else []

    def _read_only(self, query: str, values: Sequence[Any]) -> Rows:
        try:
            with self.connection("mode=ro") as index:
                return index.execute(query, values).fetchall() if version(index) else []
        except sqlite3.OperationalError:  # without leave to write, its log of changes cannot be joined: the file as it stands, then
            with self.connection("immutable=1") as index:
                return index.execute(query, values).fetchall() if version(index) else []

    def write(self, statements: Sequence[Statement]) -> None:
        """All of them in one transaction."""
        with self.transaction() as index:
            for query, values in statements:
                index.execute(query, values)

    def prepare(self, then: Callable[[sqlite3.Connection, bool], None]) -> None:
        """Make the file where there is none and bring it forward; then(connection, whether it is new) in the same transaction."""
        with self.connection("mode=rwc") as index:
            version(index)
            _patiently(lambda: index.execute("PRAGMA journal_mode = WAL"))
        with self.transaction() as index:
            known = version(index)
            then(index, not known)
            for number, statements in enumerate(MIGRATIONS[known:], known + 1):
                for statement in statements:
                    index.execute(statement)
                index.execute(f"PRAGMA user_version = {number:d}")


def version(index: sqlite3.Connection) -> int:
    """How many of MIGRATIONS an index has behind it; StoreError where a newer gdboard added others."""
    return _known(index.execute("PRAGMA user_version").fetchone()[0])


def _known(found: int) -> int:
    if not 0 <= found <= len(MIGRATIONS):
        raise StoreError(
            f"The saved runs were last used by a newer gdboard (index {found}, this one knows {len(MIGRATIONS)}): update gdboard, or set GDBOARD_DATA to another folder"
        )
    return found


def _patiently(act: Callable[[], object]) -> None:
    """Again until nobody else holds the index: for a change of its journal SQLite does not wait by itself."""
    last = time.monotonic() + PATIENCE
    while True:
        try:
            act()
            return
        except sqlite3.OperationalError as error:
            if cause(error) != "busy" or time.monotonic() > last:
                raise
        time.sleep(0.01)


def cause(error: OSError | sqlite3.Error) -> str:
    """Why the disk or SQLite refused: full, busy, damaged, read-only, or other."""
    if isinstance(error, OSError):
        return "full" if error.errno in FULL else "read-only" if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else "other"
    return CAUSES.get(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF, "other")


@contextmanager
def told(what: str) -> Iterator[None]:
    """Refusals of the disk and of SQLite as sentences; what: what did not happen because of them."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StoreError(SENTENCES[cause(error)].format(what=what, why=short(str(getattr(error, "strerror", "") or error), 40))) from None


CAUSES = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_CANTOPEN: "read-only",
    sqlite3.SQLITE_PERM: "read-only",
}
SENTENCES = {
    "full": "The disk is full: {what}. Free some space, or set GDBOARD_DATA to a folder on another disk.",
    "busy": "Another program holds the index of saved runs: {what}. Try again when it is done.",
    "damaged": "The index of saved runs is damaged: {what}. Put a copy of index.sqlite back, or set GDBOARD_DATA to another folder.",
    "read-only": "The folder of saved runs cannot be used: {what}. Allow writing there, or set GDBOARD_DATA to another folder.",
    "other": "The disk refused ({why}): {what}. Check it, or set GDBOARD_DATA to another folder.",
}

# -- rows --------------------------------------------------------------------------------------------------------------

NAMES = tuple(own.name for own in fields(SavedRun))
SELECT = f"SELECT {', '.join(NAMES)} FROM runs"
INSERT = f"INSERT INTO runs ({', '.join(NAMES)}) VALUES ({', '.join('?' for _ in NAMES)})"


def add(index: sqlite3.Connection, entry: Entry) -> None:
    """The rows of a run, in a transaction of the caller's."""
    run = entry.run
    plain = {name: getattr(run, name) for name in NAMES} | {"tags": json.dumps(run.tags), "view": json.dumps(run.view)}
    index.execute(INSERT, tuple(plain.values()))
    index.execute("INSERT INTO experiments (id, experiment) VALUES (?, ?)", (run.id, entry.experiment))


def run_of(row: tuple[Any, ...]) -> SavedRun:
    """A row of SELECT as a value."""
    plain = dict(zip(NAMES, row, strict=True))
    plain |= {"tags": tuple(json.loads(plain["tags"])), "view": FrozenDict(json.loads(plain["view"])), "imported": bool(plain["imported"])}
    return SavedRun(**plain)


MIGRATIONS: tuple[tuple[str, ...], ...] = (  # only ever added to: an index of version k has the first k behind it
    (
        """CREATE TABLE runs (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, note TEXT NOT NULL, tags TEXT NOT NULL, created REAL NOT NULL,
            digest TEXT NOT NULL, fingerprint TEXT NOT NULL, function TEXT NOT NULL, optimizer TEXT NOT NULL,
            settings TEXT NOT NULL, starts INTEGER NOT NULL, settled REAL NOT NULL, sentence TEXT NOT NULL, page TEXT NOT NULL,
            view TEXT NOT NULL, size INTEGER NOT NULL, version TEXT NOT NULL, imported INTEGER NOT NULL, deleted REAL
        )""",
        """CREATE TABLE experiments (
            id TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE, experiment TEXT NOT NULL
        )""",
    ),
)
