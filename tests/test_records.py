"""records.py: findings come back from their file bit by bit, and a file that anybody may have made is read or refused."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from saving import FOUND, OWN, PEAKS, QUESTIONS, entry_changed, forged, found, opened, record, same

import gdui.records
from gdcore import Experiment, Problem, Starts, Stopping, __version__
from gdcore.experiment import run_each, run_from
from gdcore.findings import Minimum
from gdcore.merging import Stationary
from gdcore.starts import DESIGNS
from gdcore.stopping import ENDINGS
from gdui.parquet_pages import check_pages
from gdui.records import RecordError, packed, stated, unpacked

SENTENCE = 160
DAMAGED = "this saved run is damaged"
FLOATS = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True, width=64)


def refused(data: bytes) -> str:
    with pytest.raises(RecordError) as caught:
        unpacked(data)
    message = str(caught.value)
    assert len(message) <= SENTENCE and "\n" not in message
    return message


# -- round trips -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FOUND)
def test_findings_come_back_bit_by_bit(name: str, tmp_path: Path) -> None:
    findings = found(name)
    data = packed(findings)
    assert same(unpacked(data), findings) and unpacked(data).certificate is None
    file = tmp_path / "run.parquet"
    file.write_bytes(data)
    assert same(unpacked(file), findings)
    assert packed(unpacked(data)) == data


def test_what_is_compared_can_differ() -> None:
    findings = found()
    ends = findings.ends.copy()
    ends[7, 1] = np.nextafter(ends[7, 1], 9)
    assert not same(findings, replace(findings, ends=ends))
    assert not same(findings, replace(findings, minima=findings.minima[:-1]))
    assert not same(findings, replace(findings, epochs=findings.epochs.astype(np.int32)))
    assert {"with hits", "undefined"} <= set(FOUND) and np.isnan(found("undefined").end_values).any()
    assert found("with hits").hits is not None and found("given").experiment.starts.design == "given"
    assert any(np.isnan(m.median_epochs) for name in FOUND for m in found(name).minima) and any(m.proved for m in found("proved").minima)
    assert any(not s.isolated for s in found("valley").stationary)


@given(arrays(np.float64, (40, 2), elements=FLOATS), arrays(np.float64, (2, 40), elements=FLOATS), st.data())
def test_any_numbers_come_back(points: np.ndarray, numbers: np.ndarray, data: st.DataObject) -> None:
    def whole(low: int, high: int, kind: type) -> np.ndarray:
        return data.draw(arrays(kind, 40, elements=st.integers(low, high)))

    some = found("peaks")
    findings = replace(
        some, experiment=replace(some.experiment, starts=Starts(count=40)), starts=points, ends=points[::-1], end_values=numbers[0], gradient_norms=numbers[1],
        epochs=whole(0, 200, np.int64), ending_codes=whole(0, len(ENDINGS) - 1, np.int8), labels=whole(-1, len(some.minima) - 1, np.int64), hits=whole(-1, 200, np.int64),
    )  # fmt: skip
    assert same(unpacked(packed(findings)), findings)


def test_a_file_says_who_wrote_it_and_what() -> None:
    findings = found()
    assert stated(record()) == gdui.records.Stated(__version__, findings.experiment.digest, findings.fingerprint)


def test_columns_have_the_names_of_the_frame() -> None:
    _, table = opened(record())
    assert table.column_names == [name for name in found().to_frame().columns]
    assert not any(field.nullable for field in table.schema)


def test_ending_codes_survive_another_order_of_the_endings(monkeypatch: pytest.MonkeyPatch) -> None:
    data, findings = record("undefined"), found("undefined")
    turned = tuple(reversed(ENDINGS))
    monkeypatch.setattr(gdui.records, "ENDINGS", turned)
    again = unpacked(data)
    assert [turned[code] for code in again.ending_codes] == [ENDINGS[code] for code in findings.ending_codes]
    assert len(set(findings.ending_codes)) > 1 and again.ending_codes.dtype == np.int8


def test_parts_may_lack_what_later_versions_add() -> None:
    plain, table = opened(record())
    for minimum in plain["minima"]:
        del minimum["proved"]
    assert same(unpacked(forged(plain, table)), found())


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize(("count", "dimension"), [(1, 1), (7, 3), (50, 2), (64, 3), (1023, 10)])
def test_starts_say_how_many_they_are(design: str, count: int, dimension: int) -> None:
    problem = Problem.from_text("x1", box={f"x{k + 1}": (0, 1) for k in range(dimension)})
    starts = Starts(design, count)
    assert starts.many(problem) == len(starts.points(problem))
    assert Starts.at(np.zeros((count, dimension))).many(problem) == count


# -- refused in writing ------------------------------------------------------------------------------------------------


def test_runs_of_many_settings_or_other_starts_are_refused() -> None:
    experiment = replace(QUESTIONS["peaks"], starts=Starts(count=5), stopping=Stopping(3))
    for findings in (run_each(experiment, {"lr": np.array([0.01, 0.02])}), run_from(experiment, np.zeros((4, 2)))):
        with pytest.raises(RecordError, match="their experiment states 5 starts"):
            packed(findings)


@pytest.mark.parametrize(
    ("bound", "value", "message"),
    [("MOST_BYTES", 1000, "a saved run has at most"), ("MOST_POINTS", 2, "stationary points"), ("MOST_SAID", 500, "minima and given starts")],
)
def test_what_is_too_much_is_refused(bound: str, value: int, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gdui.records, bound, value)
    with pytest.raises(RecordError, match=message) as caught:
        packed(found())
    assert len(str(caught.value)) <= SENTENCE


def test_half_a_character_is_refused() -> None:
    problem = Problem.from_text(PEAKS.formula, name="half \ud800")
    experiment = Experiment(problem, OWN, {}, Starts(count=2), Stopping(1))
    with pytest.raises(RecordError, match="half a character"):
        packed(replace(found(), experiment=experiment, starts=np.zeros((2, 2))))


# -- refused in reading ------------------------------------------------------------------------------------------------


def test_a_forged_file_with_nothing_changed_is_read() -> None:
    assert same(unpacked(forged(*opened(record("with hits")))), found("with hits"))
    assert unpacked(forged(*point()(*opened(record())))).stationary == (Stationary((0.0, 1.0), 1.0, (-1.0, 1.0), "saddle", True, 0),)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" * 9, b"PK\3\4" + bytes(99), b"\0" * 4096, b'{"format": 1}'])
def test_no_parquet_is_refused(data: bytes) -> None:
    assert refused(data).startswith(DAMAGED)


def test_another_parquet_file_is_refused() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": [1, 2]}), sink)
    assert refused(sink.getvalue().to_pybytes()).startswith(DAMAGED)


def test_damaged_bytes_are_told_or_harmless() -> None:
    """At 2,000 places, one byte, or a few in a row, are others: the findings are the same, or refused."""
    data, findings, dice = record("with hits"), found("with hits"), random.Random(5)
    kinds = {True: 0, False: 0}
    for _ in range(2000):
        at, length = dice.randrange(len(data)), dice.choice((1, 1, 1, 4, 40))
        damaged = data[:at] + bytes(dice.randrange(256) for _ in data[at : at + length]) + data[at + length :]
        try:
            read = unpacked(damaged)
        except RecordError as error:
            assert len(str(error)) <= SENTENCE
            kinds[False] += damaged != data
        else:
            assert same(read, findings), at
            kinds[True] += damaged != data
    assert kinds[False] > 1800


def test_cut_or_lengthened_files_are_refused() -> None:
    data, dice = record(), random.Random(6)
    for cut in [0, 1, 4, 8, len(data) - 1, *(dice.randrange(len(data)) for _ in range(100))]:
        refused(data[:cut])
        refused(data[:cut] + data[cut + 1 :])
    refused(data + b"\0")


Change = Callable[[dict, pa.Table], tuple[object, pa.Table]]


def beside(**changes: object) -> Change:
    return lambda plain, table: (plain | changes, table)


def minimum(**changes: object) -> Change:
    return lambda plain, table: (plain | {"minima": [plain["minima"][0] | changes, *plain["minima"][1:]]}, table)


SADDLE = {"point": [0.0, 1.0], "value": 1.0, "eigenvalues": [-1.0, 1.0], "kind": "saddle", "inside_box": True, "count": 0, "isolated": True}


def point(**changes: object) -> Change:
    return lambda plain, table: (plain | {"stationary": [SADDLE | changes]}, table)


def entry(name: str, value: float) -> Change:
    return lambda *_: entry_changed(name, value)


def columns(change: Callable[[pa.Table], pa.Table]) -> Change:
    return lambda plain, table: (plain, change(table))


def recast(name: str, field: Callable[[pa.Field], pa.Field]) -> Change:
    def change(table: pa.Table) -> pa.Table:
        k = table.column_names.index(name)
        return table.cast(table.schema.set(k, field(table.schema.field(k))))

    return columns(change)


def asked(**changes: object) -> Change:
    return lambda plain, table: (plain | {"experiment": json.dumps(json.loads(plain["experiment"]) | changes)}, table)


DEEP = b'{"format": 1, "minima": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
FORGERIES: dict[str, Change] = {
    "no JSON": lambda plain, table: (b"{", table),
    "no UTF-8": lambda plain, table: (b'{"format": 1, "version": "\xff"}', table),
    "too deep": lambda plain, table: (DEEP, table),
    "a list": lambda plain, table: ([plain], table),
    "format as text": beside(format="1"),
    "format 0": beside(format=0),
    "format 1.0 and more": beside(format=1.5),
    "format nan": beside(format=float("nan")),
    "no experiment": beside(experiment="{}"),
    "experiment no text": beside(experiment={}),
    "experiment too deep": beside(experiment="[" * 100_000),
    "more starts stated": asked(starts={"design": "uniform", "count": 301, "seed": 3, "box": {"x": [-3, 3], "y": [-3, 3]}}),
    "ten million starts stated": asked(starts={"design": "grid", "count": 10_000_000, "seed": 3, "box": {"x": [-3, 3], "y": [-3, 3]}}),
    "fewer epochs stated": asked(stopping={"epochs": 3, "gradient_tolerance": 0.0}),
    "another fingerprint": beside(fingerprint="0" * 16),
    "fingerprint no text": beside(fingerprint=None),
    "minima no list": beside(minima={}),
    "no minima": beside(minima=[]),
    "minimum no table": beside(minima=[3]),
    "a million minima": beside(minima=[0] * 1_000_000),
    "place nan": minimum(point=[float("nan"), 0.0]),
    "place infinite": minimum(point=[float("inf"), 0.0]),
    "place in three variables": minimum(point=[0.0, 0.0, 0.0]),
    "place huge": minimum(point=[10**400, 0.0]),
    "place true": minimum(point=[True, 0.0]),
    "place text": minimum(point="ab"),
    "no eigenvalues": minimum(eigenvalues=[]),
    "value text": minimum(value="0"),
    "count negative": minimum(count=-1),
    "count a half": minimum(count=0.5),
    "count huge": minimum(count=10**30),
    "flag a number": minimum(proved=1),
    "interval of three": minimum(interval=[0.0, 0.0, 0.0]),
    "unknown field": minimum(colour="red"),
    "unknown kind": point(kind="pass"),
    "kind no text": point(kind=["saddle"]),
    "computed no table": beside(computed=[]),
    "hosts no texts": beside(computed={"hosts": [1]}),
    "endings no list": beside(endings="MINIMUM"),
    "too few endings": beside(endings=[]),
    "label too high": entry("minimum", 30),
    "label too low": entry("minimum", -2),
    "code too high": entry("ending", len(ENDINGS)),
    "code negative": entry("ending", -1),
    "epochs too many": entry("epochs", 201),
    "epochs negative": entry("epochs", -1),
    "column missing": columns(lambda table: table.drop_columns(["f"])),
    "column too many": columns(lambda table: table.append_column("more", table.column("f"))),
    "column twice": columns(lambda table: table.append_column("f", table.column("f"))),
    "columns in another order": columns(lambda table: table.select(table.column_names[::-1])),
    "column of other name": columns(lambda table: table.rename_columns(["a", *table.column_names[1:]])),
    "column of floats": recast("f", lambda field: field.with_type(pa.float32())),
    "column of text": recast("f", lambda field: field.with_type(pa.string())),
    "column that may be null": recast("f", lambda field: field.with_nullable(True)),
    "a row less": columns(lambda table: table.slice(1)),
    "no row": columns(lambda table: table.slice(0, 0)),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_files_are_refused(name: str) -> None:
    plain, table = FORGERIES[name](*opened(record()))
    assert refused(forged(plain, table)).startswith(DAMAGED)


def test_content_that_does_not_fit_its_digest_is_refused() -> None:
    plain, table = entry("f", 0.125)(*opened(record()))
    assert unpacked(forged(plain, table)).end_values[0] == 0.125
    assert refused(forged(plain, table, sealed=False)).startswith(DAMAGED)


def test_a_newer_format_and_an_unknown_ending_ask_for_an_update() -> None:
    plain, table = opened(record())
    newer = refused(forged({"format": 2, "version": "9.1"}, pa.table({"a": [1]})))
    assert newer == "this run was saved by a newer gdboard (version 9.1, format 2; this one reads format 1): update gdboard to open it"
    assert "update gdboard" in refused(forged({"format": 10**99, "version": "9" * 999}, table))
    names = ["ASLEEP", *plain["endings"][1:]]
    assert "its ending 'ASLEEP' is unknown here; update gdboard" in refused(forged(plain | {"endings": names}, table))
    assert "update gdboard" in refused(forged(plain | {"endings": ["A" * 999, *names[1:]]}, table))


def test_a_file_of_too_many_bytes_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = record()
    (tmp_path / "run").write_bytes(data)
    monkeypatch.setattr(gdui.records, "MOST_BYTES", len(data) - 1)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("it was read"))
    for one in (data, tmp_path / "run"):
        with pytest.raises(RecordError, match="choose another"):
            unpacked(one)


def test_a_file_that_is_not_there_is_no_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        unpacked(tmp_path / "none")


# -- bombs -------------------------------------------------------------------------------------------------------------


def varint(number: int) -> bytes:
    """As Thrift writes a whole number: zigzag, then 7 bits a byte."""
    number, out = 2 * number, b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def zeros(rows: int) -> tuple[dict, pa.Table]:
    """A file of an experiment with so many starts in which every number is 0."""
    plain, table = opened(record())
    data = json.loads(plain["experiment"])
    data["starts"]["count"] = rows
    none = {name: pa.array(np.zeros(rows, field.type.to_pandas_dtype())) for name, field in zip(table.column_names, table.schema, strict=True)}
    return plain | {"experiment": json.dumps(data)}, pa.table(none, schema=table.schema)


def test_a_footer_that_claims_too_much_is_refused_before_anything_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = forged(*zeros(300_000), use_dictionary=False)
    monkeypatch.setattr(pq.ParquetFile, "read", lambda self: pytest.fail("it was unpacked"))
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    true = pq.ParquetFile(pa.BufferReader(data)).metadata.row_group(0).column(0).total_uncompressed_size
    claimed, more = varint(true), varint(130_000_000)
    assert len(claimed) == len(more) and claimed in data[footer:]
    assert refused(data[:footer] + data[footer:].replace(claimed, more, 1)).startswith(DAMAGED)


def test_a_page_that_claims_too_much_is_refused_before_anything_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = forged(*zeros(300_000), use_dictionary=False, max_rows_per_page=300_000, data_page_size=2**30)
    column = pq.ParquetFile(pa.BufferReader(data)).metadata.row_group(0).column(0)
    claimed, more = varint(8 * 300_000), varint(130_000_000)
    assert len(claimed) == len(more) and data.index(claimed) < column.data_page_offset + 20
    check_pages(data, pq.ParquetFile(pa.BufferReader(data)).metadata)
    monkeypatch.setattr(pq.ParquetFile, "read", lambda self: pytest.fail("it was unpacked"))
    assert refused(data.replace(claimed, more, 1)).startswith(DAMAGED)


def test_too_many_row_groups_or_pages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert same(unpacked(forged(*opened(record()), rows=100)), found())
    monkeypatch.setattr("gdui.parquet_pages.MOST_PAGES", 26)
    assert refused(forged(*opened(record()), rows=100)).startswith(DAMAGED)
    monkeypatch.undo()
    monkeypatch.setattr(gdui.records, "MOST_PARTS", 2)
    assert refused(forged(*opened(record()), rows=100)).startswith(DAMAGED)


@pytest.mark.parametrize("options", [{"data_page_version": "2.0"}, {"use_dictionary": False}, {"write_page_checksum": True}, {"data_page_size": 64}])
def test_pages_of_every_kind_are_counted(options: dict) -> None:
    assert same(unpacked(forged(*opened(record("with hits")), **options)), found("with hits"))


def test_every_field_of_a_minimum_is_written() -> None:
    plain, _ = opened(record())
    assert set(plain["minima"][0]) == set(Minimum.__dataclass_fields__)
