"""Downloads: findings as CSV and Parquet, charts as PNG and SVG; made only when asked for."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from gdcore.compare import Comparison
from gdcore.experiment import Experiment, Findings
from gdui import chart_files


def frame_buttons(findings: Findings) -> None:
    """All starts, never a sample, with the experiment's digest in the name."""
    name = f"gdboard-{findings.experiment.digest}"
    with st.container(horizontal=True):
        st.download_button(
            "CSV", lambda: csv(findings.to_frame().reset_index()), f"{name}.csv", "text/csv", icon=":material/download:",
            help="One row per start, as comma-separated text.", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Parquet", lambda: _parquet(findings), f"{name}.parquet", "application/vnd.apache.parquet", icon=":material/download:",
            help="One row per start, compact and exact.", on_click="ignore",
        )  # fmt: skip
        experiment_button(findings.experiment)


def experiment_button(experiment: Experiment) -> None:
    """The experiment as JSON."""
    st.download_button(
        "Experiment", experiment.to_json(), f"gdboard-{experiment.digest}.json", "application/json", icon=":material/download:",
        help="Everything that reproduces this with gdcore.", on_click="ignore", key=f"experiment {experiment.digest}",
    )  # fmt: skip


def frame_button(name: str, frame: Callable[[], pd.DataFrame], told: str) -> None:
    """One table as CSV, made when asked for."""
    st.download_button("CSV", lambda: csv(frame()), f"{name}.csv", "text/csv", icon=":material/download:", help=told, on_click="ignore", key=f"download {name}")


def comparison_buttons(comparison: Comparison) -> None:
    """Every start under every optimizer, never a sample."""
    digest = "-".join(findings.experiment.digest[:6] for findings in comparison.findings[:3])
    st.download_button(
        "All runs as CSV", lambda: _comparison_csv(comparison), f"gdboard-comparison-{digest}.csv", "text/csv", icon=":material/download:",
        help="One row per start and optimizer: ending, minimum, success and evaluations.", on_click="ignore",
    )  # fmt: skip


def _comparison_csv(comparison: Comparison) -> bytes:
    frames = [
        findings.to_frame().assign(optimizer=name, success=comparison.success[k], evaluations=comparison.evaluations[k])
        for k, (name, findings) in enumerate(zip(comparison.names, comparison.findings, strict=True))
    ]
    return csv(pd.concat(frames).reset_index())


def csv(frame: pd.DataFrame) -> bytes:
    """A table as comma-separated text, numbers in full; written without holding up other sessions, as pandas would for seconds."""
    import pyarrow as pa
    from pyarrow.csv import WriteOptions, write_csv

    buffer = io.BytesIO()
    buffer.write((",".join(frame.columns) + "\n").encode())
    write_csv(pa.Table.from_pandas(frame, preserve_index=False), buffer, WriteOptions(include_header=False))
    return buffer.getvalue()


def _parquet(findings: Findings) -> bytes:
    buffer = io.BytesIO()
    findings.to_frame().to_parquet(buffer)
    return buffer.getvalue()


def chart_buttons(chart: Any, name: str, *, scale: int = 2) -> None:
    """The chart as it stands, as PNG at so many times the size and as SVG."""
    with st.container(horizontal=True, width="content"):
        st.download_button(
            "PNG", lambda: chart_files.png(chart_files.specification(chart), scale=scale), f"{name}.png", "image/png",
            icon=":material/image:", help="The map as a picture.", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "SVG", lambda: chart_files.svg(chart_files.specification(chart)).encode(), f"{name}.svg", "image/svg+xml",
            icon=":material/image:", help="The map as a drawing that scales.", on_click="ignore",
        )  # fmt: skip
