"""A saved run: what is told of it without opening its file, every text of it checked."""

from __future__ import annotations

import json
import math
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gdcore import __version__
from gdcore.experiment import Findings
from gdcore.notation import settings_text
from gdcore.setting import FrozenDict
from gdcore.stopping import Ending
from gdui.records import RecordError, packed

NAME, NOTE, TAG, SENTENCE, PAGE, VIEW = 120, 4000, 40, 2000, 200, 200_000  # characters at most
MOST_TAGS = 20
YEAR_2200 = 7_258_118_400.0  # beyond which no clock is right, and which tables can still show
UNFIT = re.compile("[\0\ud800-\udfff]")


class StoreError(ValueError):
    """Why runs cannot be saved or opened, in one sentence."""


@dataclass(frozen=True)
class SavedRun:
    """One row of the index of saved runs.

    id: 32 hexadecimal digits. created: seconds since 1970. digest, fingerprint: of its experiment and of its findings as they
    were saved. settled: the share of its starts that settled at a minimum. sentence: the headline when it was saved. page, view:
    where it was saved, and that page's own choices. size: bytes of its file. version: of the gdboard that computed it.
    imported: whether it came in an archive. deleted: when, or None.
    """

    id: str
    name: str
    note: str
    tags: tuple[str, ...]
    created: float
    digest: str
    fingerprint: str
    function: str
    optimizer: str
    settings: str
    starts: int
    settled: float
    sentence: str
    page: str
    view: Mapping[str, str]
    size: int
    version: str
    imported: bool = False
    deleted: float | None = None


@dataclass(frozen=True)
class Entry:
    """A run to be saved: its row, its experiment as JSON, and the bytes of its file."""

    run: SavedRun
    experiment: str
    data: bytes


def entry(
    findings: Findings,
    *,
    name: str,
    note: str = "",
    tags: Iterable[str] = (),
    page: str = "",
    view: Mapping[str, str] = FrozenDict({}),
    sentence: str = "",
    created: float | None = None,
    data: bytes | None = None,
    version: str = __version__,
    imported: bool = False,
) -> Entry:
    """Findings under a new id, with what is told of them; created: now by default; data: their file, where there is one already.

    StoreError for what cannot be saved.
    """
    said: dict[str, Any] = {
        "name": named(name),
        "note": text("note", note, NOTE),
        "tags": tagged(tags),
        "created": _moment(time.time() if created is None else created),
        "sentence": text("sentence", sentence, SENTENCE),
        "page": text("page", page, PAGE),
        "view": viewed(view),
        "version": text("version", version, TAG),
    }
    held = _file_of(findings) if data is None else data
    run = SavedRun(id=uuid.uuid4().hex, **said, **_summary(findings), size=len(held), imported=imported)
    return Entry(run, findings.experiment.to_json(), held)


def _file_of(findings: Findings) -> bytes:
    try:
        return packed(findings)
    except RecordError as error:
        raise StoreError(str(error)) from None


def _summary(findings: Findings) -> dict[str, Any]:
    """What the index tells of findings."""
    experiment = findings.experiment
    return {
        "digest": experiment.digest,
        "fingerprint": findings.fingerprint,
        "function": short(experiment.problem.name or experiment.problem.text(), 80),
        "optimizer": short(experiment.optimizer.name, 80),
        "settings": short(settings_text(experiment.settings), 200),
        "starts": findings.count,
        "settled": findings.ending_counts()[Ending.MINIMUM] / findings.count,
    }


# -- checks of what is typed -------------------------------------------------------------------------------------------


def short(words: str, most: int) -> str:
    """Text for a line of a table or a sentence, with … for what is beyond so many characters."""
    return words if len(words) <= most else f"{words[: most - 1]}…"


def text(kind: str, value: object, most: int) -> str:
    """A text as it is, or a StoreError that says what it must not be."""
    if not isinstance(value, str):
        raise StoreError(f"the {kind} is no text: give at most {most:,} characters")
    if len(value) > most:
        raise StoreError(f"the {kind} has {len(value):,} characters: give at most {most:,}")
    if UNFIT.search(value):
        raise StoreError(f"the {kind} holds half a character or a zero, which cannot be stored: type it again")
    return value


def named(name: str) -> str:
    """A name without blanks around it."""
    called = text("name", name.strip() if isinstance(name, str) else name, NAME)
    if not called:
        raise StoreError(f"the name is empty: give 1 to {NAME} characters")
    return called


def tagged(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags without blanks around them, none empty and none twice, in the order given."""
    if isinstance(tags, str) or not isinstance(tags, Iterable):
        raise StoreError("the tags are no list of texts: give each tag as a text of its own")
    found = {text("tag", tag.strip() if isinstance(tag, str) else tag, TAG): None for tag in tags}
    found.pop("", None)
    if len(found) > MOST_TAGS:
        raise StoreError(f"there are {len(found)} tags: give at most {MOST_TAGS}")
    return tuple(found)


def viewed(view: Mapping[str, str]) -> FrozenDict[str]:
    """A page's own choices: texts by name."""
    if not isinstance(view, Mapping):
        raise StoreError("the view is no table of texts: give a text for each name")
    chosen = {text("view", key, VIEW): text("view", value, VIEW) for key, value in view.items()}
    text("view", json.dumps(chosen), VIEW)
    return FrozenDict(chosen)


def _moment(created: float) -> float:
    if type(created) not in (int, float) or not math.isfinite(created) or not 0 <= created < YEAR_2200:
        raise StoreError("the time of saving is no time between 1970 and the year 2200: give seconds since 1970")
    return float(created)
