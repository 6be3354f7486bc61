"""Findings and certificates → the tables under the charts, and which start is chosen in them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from gdcore.certificate import Certificate
from gdcore.experiment import Findings
from gdcore.problem import Problem
from gdcore.structure import Structure
from gdui import charts, export, maps, minima_words, session, stationary
from gdui.stationary import Mark

MOST_ROWS = 100_000
MOST_FILTERS = 500


def safe(text: str) -> str:
    """Our own sentence, with the characters that Markdown would take for itself escaped."""
    return "".join("\\" + c if c in "\\`*_{}[]<>#$~|:" else c for c in text)


def map_caption(findings: Findings, *, ringed: bool = False) -> str:
    return f"{maps.caption(findings, ringed=ringed)} Click a start for its path."


def points(findings: Findings, count: int) -> tuple[tuple[float, ...], ...]:
    """So many start points, evenly picked."""
    return tuple(map(tuple, findings.starts[charts.sample(findings.count, count)].tolist()))


def points_at(findings: Findings, start: int) -> tuple[tuple[float, ...], ...]:
    return (tuple(findings.starts[start - 1].tolist()),)


def minima(findings: Findings) -> None:
    """One row per minimum, deepest first."""
    if not findings.minima:
        st.info(minima_words.NONE)
        return
    question = findings.experiment
    stable = [
        session.stability_at(question.problem, question.optimizer, question.settings, m.point)
        for m in findings.minima[: minima_words.MOST_MINIMA]
    ]
    rows = minima_words.rows(findings, stable)
    with st.container(height=330 if len(rows) > 6 else "content", border=False):
        st.table(pd.DataFrame(rows).set_index("No."))
    for text in minima_words.notes(findings, stable):
        st.caption(safe(text))


def starts(findings: Findings) -> None:
    """One row per start, filtered by minimum and ending; choosing a row chooses the start."""
    frame = findings.to_frame()
    present = [ending.label for ending, count in findings.ending_counts().items() if count]
    with st.container(horizontal=True):
        minima_chosen = st.multiselect(
            "Minimum", [k + 1 for k, m in enumerate(findings.minima) if m.count][:MOST_FILTERS], key=f"filter minimum {findings.experiment.digest}",
            placeholder="all", help="Show only starts that settled in these minima.", width=260,
        )  # fmt: skip
        endings = st.multiselect(
            "Ending", present, key=f"filter ending {findings.experiment.digest}", placeholder="all",
            help="Show only starts that ended like this.", width=420,
        )  # fmt: skip
    if minima_chosen:
        frame = frame[frame["minimum"].isin(minima_chosen)]
    if endings:
        frame = frame[frame["ending"].isin(endings)]
    if len(frame) > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {len(frame):,} rows; the download holds them all.")
        frame = frame.iloc[:MOST_ROWS]
    st.session_state["rows shown"] = (findings.experiment.digest, frame.index.copy(deep=True))  # of the last table only, and no view of a longer one
    st.dataframe(
        frame.reset_index(), hide_index=True, key=f"starts {findings.experiment.digest}", on_select="rerun",
        selection_mode="single-row", height=260, width="stretch",
        column_config={"gradient norm": st.column_config.NumberColumn(format="%.2e"), "start": st.column_config.NumberColumn("Start")},
    )  # fmt: skip


def chosen_start(digest: str, findings: Findings) -> int | None:
    """The start clicked on the map, or the row chosen in the table; None when neither."""
    table = st.session_state.get(f"starts {digest}")
    owner, rows = st.session_state.get("rows shown", ("", None))
    if table and owner == digest and table["selection"]["rows"]:
        place = table["selection"]["rows"][0]
        return int(rows[place]) if place < len(rows) else None
    picked = st.session_state.get(f"map {digest}")
    found = picked["selection"].get("pick") if picked else None
    start = int(found[0]["start"]) if found and found[0].get("start") else 0
    return start if 1 <= start <= findings.count else None


def stationary_points(problem: Problem, certificate: Certificate, structure: Structure | None) -> None:
    """One row per certified point and per region where nothing is proved, with a download of them all."""
    found = stationary.marks(certificate)
    rows = len(found) + len(certificate.unresolved)
    if not rows:
        return
    frame = stationary.table(found, certificate, problem, structure)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("**Stationary points**")
        export.frame_button(
            "gdboard-stationary-points", lambda: stationary.numbers(found, certificate, problem, structure),
            "Every point and every unresolved region, numbers and enclosures in full.",
        )  # fmt: skip
    widths = {"kind": 82, "proved": 190 if certificate.unresolved else 130 if certificate.edge else 80, stationary.AREA: 115}
    columns = {"No.": st.column_config.NumberColumn(width=45)} | {name: st.column_config.Column(width=width) for name, width in widths.items()}
    st.dataframe(frame, hide_index=True, width="stretch", height=min(38 + 35 * len(frame), 390), column_config=columns)
    some = f"The first {len(frame):,} of {rows:,} rows; the download holds them all. " if rows > len(frame) else ""
    st.caption(
        f"{some}± is how far the true point can be from the number: interval arithmetic proves that exactly one lies within. "
        + ("Areas: shares of the box that the gradient flow takes to each minimum." if structure is not None else "")
        + (" Boundary: minima of the box's boundary, where the slope leads out." if certificate.boundary else "")
    )


def told(sentences: list[str]) -> None:
    """Sentences, one under the other."""
    if sentences:
        st.markdown("\n".join(f"- {safe(sentence)}" for sentence in sentences))


def mark_figures(mark: Mark, problem: Problem, structure: Structure | None) -> None:
    """The figures of a mark that was clicked."""
    with st.container(border=True):
        frame = pd.DataFrame(stationary.figures(mark, problem, structure), columns=[mark.name, mark.proof])
        st.table(frame.set_index(mark.name), border="horizontal")
