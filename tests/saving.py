"""What the tests of saved runs share: findings of every kind, their comparison bit by bit, and files made by a forger."""

import hashlib
import json
from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gdcore import GALLERY, OPTIMIZERS, Experiment, Optimizer, Problem, Starts, Stopping, certify, run
from gdcore.experiment import Findings
from gdui.records import packed

COLUMNS = ("starts", "ends", "end_values", "gradient_norms", "epochs", "ending_codes", "labels", "hits")
PEAKS, ADAM = GALLERY["peaks"], OPTIMIZERS["adam"]
BRIEF = Stopping(epochs=200)
FIVE = Problem.from_text("a^2 + (b^2-1)^2 + (c^2-1)^2 + d^2 + h^2", box={name: (-2, 2) for name in "abcdh"}, name="fünf 🏔")
OWN = Optimizer.from_text("eigener ↓", "x = x - rate*g", {"rate": 0.05})
QUESTIONS = {
    "peaks": Experiment(PEAKS, OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=300, seed=3), BRIEF),
    "one variable": Experiment(Problem.from_text("x^4 - x^2 + x/9", box={"x": (-2, 2)}), OWN, {}, Starts("sobol", 50), BRIEF),
    "five variables": Experiment(FIVE, ADAM, {"lr": 0.1}, Starts("latin hypercube", 60), BRIEF),
    "grid": Experiment(PEAKS, OPTIMIZERS["momentum"], {"lr": 0.01}, Starts("grid", 50), BRIEF),
    "given": Experiment(PEAKS, ADAM, {"lr": "0.1/(1+t)"}, Starts.at([[0.1, 1e-300], [-0.0, 2], [np.nan, 1], [1 / 3, 1e9]]), BRIEF),
    "undefined": Experiment(Problem.from_text("log(x) + 1/x + y^2"), OPTIMIZERS["gd"], {"lr": 0.3}, Starts(count=80), BRIEF),
    "valley": Experiment(Problem.from_text("x^2 + 0*y"), OPTIMIZERS["gd"], {"lr": 0.3}, Starts(count=9), BRIEF),
    "no minimum": Experiment(Problem.from_text("x + y"), OPTIMIZERS["gd"], {"lr": 1}, Starts(count=1), BRIEF),
}


def found(name: str = "peaks") -> Findings:
    return _found(name)


@cache
def _found(name: str) -> Findings:
    if name == "with hits":
        return run(QUESTIONS["peaks"], target=0.5)
    if name == "proved":
        return run(QUESTIONS["peaks"], certificate=certify(PEAKS))
    if name in ("few", "many"):
        return run(replace(QUESTIONS["peaks"], starts=Starts(count=20 if name == "few" else 5000)))
    return run(QUESTIONS[name])


FOUND = [*QUESTIONS, "with hits", "proved"]


def same(one: Findings, other: Findings) -> bool:
    """Whether two findings agree in every bit of every number, in types, and in all they say beside their arrays."""
    arrays = [(getattr(one, name), getattr(other, name)) for name in COLUMNS]
    return all(
        a is b is None or (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()) for a, b in arrays
    ) and said(one) == said(other)


def said(findings: Findings) -> tuple[str, ...]:
    """All but the arrays, as text: nan equals nan, and -0.0 is not 0.0."""
    experiment = findings.experiment
    parts = (findings.minima, findings.stationary, findings.computed, findings.fingerprint)
    return experiment.to_json(), experiment.digest, *map(repr, parts)


def opened(data: bytes) -> tuple[dict, pa.Table]:
    """What stands beside the columns of a file, and the columns."""
    file = pq.ParquetFile(pa.BufferReader(data))
    return json.loads(file.metadata.metadata[b"gdboard"]), file.read().replace_schema_metadata(None)


def forged(plain: object, table: pa.Table, *, sealed: bool = True, rows: int | None = None, **options: object) -> bytes:
    """A file as packed writes it, with any content; sealed: with the digest that makes it whole; rows: of a row group."""
    text = plain if isinstance(plain, bytes) else json.dumps(plain, ensure_ascii=False).encode()
    whole = hashlib.sha256(text)
    for column in table.columns:
        whole.update(column.to_numpy().tobytes() if sealed else b"")
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, store_schema=False, compression="zstd", **options) as writer:
        writer.write_table(table, row_group_size=rows)
        writer.add_key_value_metadata({b"gdboard": text, b"content": whole.hexdigest()})
    return sink.getvalue().to_pybytes()


def record(name: str = "peaks") -> bytes:
    return packed(found(name))


def entry_changed(name: str, value: float) -> tuple[dict, pa.Table]:
    """A file's content with another value in the first row of a column."""
    plain, table = opened(record())
    k = table.column_names.index(name)
    column = table.column(k).to_numpy().copy()
    column[0] = value
    return plain, table.set_column(k, table.schema.field(k), pa.array(column))
