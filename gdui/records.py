"""Findings ↔ one Parquet file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gdcore import __version__
from gdcore.computed import Computed
from gdcore.experiment import Experiment, Findings, Minimum
from gdcore.merging import Stationary
from gdcore.newton import KINDS
from gdcore.starts import MOST_STARTS
from gdcore.stopping import ENDINGS
from gdui.parquet_pages import check_pages

FORMAT = 1
MOST_BYTES = 512 * 2**20  # of a file
MOST_SAID = 64 * 2**20  # bytes of what stands beside the columns; given starts are among it
MOST_POINTS = 200_000  # minima, and as many other stationary points
MOST_PARTS = 1000  # row groups
MOST_LISTED = 10_000  # entries of a list in the footer
SAID, CONTENT = b"gdboard", b"content"
DAMAGED = "this saved run is damaged, or is none: take another copy of it"
Arrays = Mapping[str, NDArray[Any]]
Part = TypeVar("Part", Minimum, Stationary, Computed)
BROKEN = (
    pa.ArrowException, OSError, MemoryError, ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, AttributeError,
)  # fmt: skip


class RecordError(ValueError):
    """Why findings cannot be written, or a file is not read, in one sentence."""


def packed(findings: Findings) -> bytes:
    """The file of findings: every number bit by bit, all but the certificate, which is derived again.

    RecordError for findings from other starts than their experiment states, and for more than a file takes.
    """
    _refuse(findings)
    columns, said = _columns(findings), _said(findings)
    sink = pa.BufferOutputStream()
    with _writer(sink, columns) as writer:
        writer.write_table(pa.Table.from_arrays([pa.array(column) for column in columns.values()], schema=_schema(columns)))
        writer.add_key_value_metadata({SAID: said, CONTENT: _content(said, columns)})
    if sink.tell() > MOST_BYTES:
        raise RecordError(f"this run takes {sink.tell() / 2**20:,.0f} MB; a saved run has at most {MOST_BYTES // 2**20}: use fewer starts")
    data: bytes = sink.getvalue().to_pybytes()
    return data


def unpacked(data: bytes | Path) -> Findings:
    """The findings that a file holds, which may come from anybody: nothing of it is believed without a check.

    Experiments equal those that were packed by their JSON and digest. RecordError for anything else than a whole file;
    OSError where it cannot be read.
    """
    held = _held(data)
    with _refusing():
        file, said = _opened(held)
        return _findings(held, file, said)


@dataclass(frozen=True)
class Stated:
    """What a file says of itself: the version that wrote it, and how its experiment and its findings were named then."""

    version: str
    digest: str
    fingerprint: str


def stated(data: bytes | Path) -> Stated:
    """What a file says of itself, without its columns; it is true where unpacked takes the file. RecordError as there."""
    held = _held(data)
    with _refusing():
        said = _opened(held)[1]
        digest = hashlib.sha256(_word(said["experiment"]).encode()).hexdigest()[:16]
        return Stated(_word(said["version"]), digest, _word(said["fingerprint"]))


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever goes wrong in reading a file, as one sentence."""
    try:
        yield
    except RecordError:
        raise
    except BROKEN:
        raise RecordError(DAMAGED) from None


# -- writing -----------------------------------------------------------------------------------------------------------


def _refuse(findings: Findings) -> None:
    stated, most = findings.experiment.starts.many(findings.experiment.problem), max(len(findings.minima), len(findings.stationary))
    if findings.count != stated:
        raise RecordError(f"these findings are of {findings.count:,} runs and their experiment states {stated:,} starts: save a run of its own")
    if most > MOST_POINTS:
        raise RecordError(f"this run found {most:,} stationary points; a saved run has at most {MOST_POINTS:,}: use fewer starts")


def _writer(sink: Any, columns: Arrays) -> pq.ParquetWriter:
    floats = [name for name, column in columns.items() if column.dtype == np.float64]
    return pq.ParquetWriter(
        sink, _schema(columns), compression="zstd", compression_level=1, use_byte_stream_split=floats,
        use_dictionary=[name for name in columns if name not in floats], write_statistics=False, store_schema=False,
    )  # fmt: skip


def _columns(findings: Findings) -> dict[str, NDArray[Any]]:
    """The arrays under the names of Findings.to_frame where it has them, in the narrowest types that fit all findings."""
    names = findings.experiment.problem.variables
    columns = {f"start {name}": findings.starts[:, i] for i, name in enumerate(names)}
    columns |= {f"end {name}": findings.ends[:, i] for i, name in enumerate(names)}
    columns |= {"f": findings.end_values, "gradient norm": findings.gradient_norms}
    columns |= {"epochs": findings.epochs.astype(np.int32), "ending": findings.ending_codes.astype(np.int8)}
    columns |= {"minimum": findings.labels.astype(np.int32)}
    columns |= {} if findings.hits is None else {"hit": findings.hits.astype(np.int32)}
    return {name: np.ascontiguousarray(column) for name, column in columns.items()}


def _schema(columns: Arrays) -> pa.Schema:
    return pa.schema([pa.field(name, pa.from_numpy_dtype(column.dtype), nullable=False) for name, column in columns.items()])


def _said(findings: Findings) -> bytes:
    """What stands beside the columns, as JSON."""
    said = {
        "format": FORMAT,
        "version": __version__,
        "experiment": findings.experiment.to_json(),
        "endings": [ending.name for ending in ENDINGS],
        "minima": [_plain(minimum) for minimum in findings.minima],
        "stationary": [_plain(point) for point in findings.stationary],
        "computed": _plain(findings.computed),
        "fingerprint": findings.fingerprint,
    }
    try:
        text = json.dumps(said, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise RecordError("a name or a formula of this run holds half a character: type it again") from None
    if len(text) > MOST_SAID:
        raise RecordError(f"the minima and given starts of this run take {len(text) / 2**20:,.0f} MB; at most {MOST_SAID // 2**20} can be saved: use fewer starts")
    return text


def _plain(part: Part) -> dict[str, Any]:
    return {own.name: getattr(part, own.name) for own in fields(part)}


def _content(said: bytes, columns: Arrays) -> str:
    """A digest of everything that a file holds."""
    whole = hashlib.sha256(said)
    for column in columns.values():
        whole.update(column.data)
    return whole.hexdigest()


# -- reading -----------------------------------------------------------------------------------------------------------


def _held(data: bytes | Path) -> bytes:
    """The bytes of a file that is not too large, with an end that is not too large."""
    size = data.stat().st_size if isinstance(data, Path) else len(data)
    if size > MOST_BYTES:
        raise RecordError(f"this file has {size / 2**20:,.0f} MB; a saved run has at most {MOST_BYTES // 2**20}: choose another")
    held = data.read_bytes() if isinstance(data, Path) else data
    if int.from_bytes(held[-8:-4], "little") > 2 * MOST_SAID:
        raise RecordError(DAMAGED)
    return held


def _opened(held: bytes) -> tuple[pq.ParquetFile, dict[str, Any]]:
    """A file and what stands beside its columns, in a format that this version reads."""
    file = pq.ParquetFile(pa.BufferReader(held), thrift_string_size_limit=MOST_SAID, thrift_container_size_limit=MOST_LISTED)
    text = file.metadata.metadata[SAID]
    said = json.loads(text)
    if type(said["format"]) is int and said["format"] > FORMAT:
        version = _word(said["version"])[:20]
        raise RecordError(f"this run was saved by a newer gdboard (version {version}, format {said['format']:.9g}; this one reads format {FORMAT}): update gdboard to open it")
    if said["format"] != FORMAT:
        raise ValueError("there is no such format")
    return file, said


def _findings(held: bytes, file: pq.ParquetFile, said: dict[str, Any]) -> Findings:
    experiment = Experiment.from_json(_word(said["experiment"]))
    columns = _read(held, file, experiment)
    if _content(file.metadata.metadata[SAID], columns) != file.metadata.metadata[CONTENT].decode():
        raise ValueError("the content is not what was written")
    d, names = experiment.problem.dimension, experiment.problem.variables
    minima = tuple(_placed(_part(Minimum, one), d) for one in _listed(said["minima"]))
    found = Findings(
        experiment=experiment,
        starts=np.stack([columns[f"start {name}"] for name in names], axis=-1),
        ends=np.stack([columns[f"end {name}"] for name in names], axis=-1),
        end_values=columns["f"],
        gradient_norms=columns["gradient norm"],
        epochs=_within(columns["epochs"], 0, experiment.stopping.epochs).astype(np.int64),
        ending_codes=_within(columns["ending"], 0, len(_listed(said["endings"])) - 1),
        labels=_within(columns["minimum"], -1, len(minima) - 1).astype(np.int64),
        minima=minima,
        stationary=tuple(_placed(_part(Stationary, one), d) for one in _listed(said["stationary"])),
        hits=_within(columns["hit"], -1, experiment.stopping.epochs).astype(np.int64) if "hit" in columns else None,
        computed=_part(Computed, said["computed"]),
    )
    if found.fingerprint != said["fingerprint"]:
        raise ValueError("the fingerprint is another")
    return replace(found, ending_codes=_today(said["endings"])[found.ending_codes])


def _read(data: bytes, file: pq.ParquetFile, experiment: Experiment) -> dict[str, NDArray[Any]]:
    """The columns, decoded only where their number, types, rows and sizes are those that the experiment makes."""
    rows, held = experiment.starts.many(experiment.problem), file.metadata
    schema = file.schema_arrow.remove_metadata()
    expected = [_schema(_columns(_nothing(experiment, hits=hits))) for hits in (False, True)]
    groups = [held.row_group(k) for k in range(min(held.num_row_groups, MOST_PARTS + 1))]
    size = sum(group.column(i).total_uncompressed_size for group in groups for i in range(group.num_columns))
    if schema not in expected or len(groups) > MOST_PARTS or not rows == held.num_rows == sum(group.num_rows for group in groups) <= MOST_STARTS:
        raise ValueError("the columns are others")
    if size > 2**20 + 2 * rows * sum(kind.bit_width // 8 + 4 for kind in schema.types):
        raise ValueError("the columns are too large")
    check_pages(data, held)
    table = file.read()
    return {name: table.column(name).to_numpy().copy() for name in schema.names}


def _nothing(experiment: Experiment, *, hits: bool) -> Findings:
    """Findings of no starts, for the types of their columns."""
    points, numbers, whole = np.empty((0, experiment.problem.dimension)), np.empty(0), np.empty(0, np.int64)
    return Findings(experiment, points, points, numbers, numbers, whole, whole.astype(np.int8), whole, (), (), whole if hits else None)


def _within(column: NDArray[Any], low: int, high: int) -> NDArray[Any]:
    if len(column) and not low <= column.min() <= column.max() <= high:
        raise ValueError("a number is out of range")
    return column


def _today(names: list[Any]) -> NDArray[np.int8]:
    """The code that an ending has in this version, for each code of the file."""
    known = {ending.name: code for code, ending in enumerate(ENDINGS)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise RecordError(f"this run was written by a newer gdboard: its ending '{_word(unknown[0])[:40]}' is unknown here; update gdboard to open it")
    return np.array([known[name] for name in names], np.int8)


# -- parts of the JSON -------------------------------------------------------------------------------------------------


def _part(kind: type[Part], plain: Any) -> Part:
    """One part from plain values, each of the type that its field states; a field with a default may be missing."""
    kinds = {own.name: str(own.type) for own in fields(kind)}
    return kind(**{name: READERS[kinds[name]](value) for name, value in plain.items()})


def _placed(point: Part, dimension: int) -> Part:
    """A minimum or stationary point in so many variables, at a finite place."""
    assert not isinstance(point, Computed)
    if not len(point.point) == len(point.eigenvalues) == dimension or not all(map(math.isfinite, point.point)):
        raise ValueError("a point has no place")
    if isinstance(point, Stationary) and point.kind not in KINDS:
        raise ValueError("there is no such kind")
    return point


def _listed(value: Any) -> list[Any]:
    if type(value) is not list or len(value) > MOST_POINTS:
        raise ValueError("this is no list")
    return value


def _of_type(kind: type) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if type(value) is not kind:
            raise TypeError(f"this is no {kind.__name__}")
        return value

    return checked


def _number(value: Any) -> float:
    return float(value) if type(value) is int else _float(value)


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError("this is no count")
    return value


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(map(_number, _listed(value)))


def _pair(value: Any) -> tuple[float, float]:
    low, high = _numbers(value)
    return low, high


_float, _word, _flag = _of_type(float), _of_type(str), _of_type(bool)
READERS: dict[str, Callable[[Any], Any]] = {  # type of a field, as it is written → its check
    "float": _number,
    "int": _whole,
    "str": _word,
    "bool": _flag,
    "tuple[float, ...]": _numbers,
    "tuple[float, float]": _pair,
    "tuple[str, ...]": lambda value: tuple(map(_word, _listed(value))),
}
