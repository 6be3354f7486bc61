"""Two to six saved runs side by side: only what differs, shares in matched colours, start by start where they are the same, maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from gdcore.compare import transition
from gdcore.contrast import Row, contrast
from gdcore.differences import Difference, between
from gdcore.experiment import Findings
from gdcore.matching import Matched, matched
from gdui import charts, compare_charts, difference_charts, difference_words, maps, session, tables, wording
from gdui.store import SavedRun, Store, StoreError

FEWEST, MOST = 2, 6
MAP_SIZE = 178
MOST_DRAWN = 600  # starts of a map


@dataclass(frozen=True)
class SideBySide:
    """Runs by name, what differs in their experiments, their findings numbered alike; of two also what moved."""

    names: tuple[str, ...]
    rows: list[Row]
    matched: Matched
    moved: Difference | None


def possible(chosen: Sequence[SavedRun]) -> bool:
    return FEWEST <= len(chosen) <= MOST


def readable(kept: Store, chosen: Sequence[SavedRun]) -> list[SavedRun]:
    """The chosen runs that can be read, up to as many as can be compared; a sentence for each of the others."""
    found = list(chosen)
    for run in chosen if len(chosen) <= MOST else ():
        try:
            _findings(kept, run)
        except StoreError as error:
            found.remove(run)
            st.error(tables.safe(str(error)), icon=":material/error:")
    return found


def headline(kept: Store, runs: Sequence[SavedRun], chosen: Sequence[SavedRun]) -> str:
    """The answer of the page: what differs, or what the one chosen run found, or what can be chosen."""
    if possible(chosen):
        found = _compared(kept, chosen)
        return difference_words.headline(found.rows, found.matched, found.moved)
    if len(chosen) == 1:
        return chosen[0].sentence or f"{chosen[0].name}: {wording.percent(chosen[0].settled)} of {chosen[0].starts:,} starts settle in a minimum."
    if not runs:
        return "Nothing is kept yet. The bookmark above the problem keeps a run."
    if len(chosen) > MOST:
        return f"{len(chosen)} runs are chosen; two to six can be compared."
    return f"{len(runs):,} run{' is' if len(runs) == 1 else 's are'} kept. Choose one to open it, two to six to compare them."


def _compared(kept: Store, chosen: Sequence[SavedRun]) -> SideBySide:
    """The runs numbered alike, worked out once."""
    key = f"side by side {[(one.id, one.name) for one in chosen]}"
    found: SideBySide | None = session.cache().get(key)
    if found is None:
        findings = [_findings(kept, one) for one in chosen]
        alike = matched(findings)
        moved = between(alike, 0, 1) if len(findings) == FEWEST else None
        found = SideBySide(_names(chosen), contrast([f.experiment for f in findings]), alike, moved)
        session.cache().put(key, found)
    return found


def _names(chosen: Sequence[SavedRun]) -> tuple[str, ...]:
    """The runs' names, with a number where two are alike."""
    names: list[str] = []
    for one in chosen:
        tries = (one.name, *(f"{one.name} ({often})" for often in range(2, len(chosen) + 2)))
        names.append(next(name for name in tries if name not in names and (name == one.name or name not in {other.name for other in chosen})))
    return tuple(names)


def show(kept: Store, chosen: Sequence[SavedRun]) -> None:
    """Everything in which the runs differ."""
    found = _compared(kept, chosen)
    st.caption(tables.safe(found.matched.how.value))
    if found.rows:
        st.markdown("**Only what differs**")
        st.table(differing(found))
    st.markdown("**Shares of all starts by minimum and ending** (line: 95 % interval)")
    with st.container(horizontal=True, gap="small"):
        for name, chart in zip(found.names, difference_charts.side_by_side(found.matched.findings, found.names, session.view(150, 0)), strict=True):
            st.altair_chart(chart, width="content", key=f"side shares {name}")
    with st.container(horizontal=True, gap="medium"):
        _start_by_start(found)
        _maps(found)


def one(kept: Store, run: SavedRun) -> None:
    """A single run: its note, where its starts went, and how they ended."""
    findings = _findings(kept, run)
    if run.note:
        st.text(run.note)
    st.caption(tables.safe(f"{run.function}. {wording.setup(findings.experiment)}. Computed by gdboard {run.version}; labels and endings: {run.fingerprint}.{_drawn(findings)}"))
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=450):
            _map(findings, f"one map {run.id}", 380, legend=True)
        with st.container(width=480):
            st.altair_chart(charts.shares(findings, session.view(370, 0)), width="content", key=f"one shares {run.id}")


def differing(found: SideBySide) -> pd.DataFrame:
    """Only what differs, as text that no table takes for Markdown."""
    frame = difference_words.contrast_frame(found.rows, [tables.safe(name) for name in found.names])
    return frame.map(tables.safe).rename(index=tables.safe)


def _drawn(findings: Findings) -> str:
    return "" if findings.count <= MOST_DRAWN else f" The map draws {MOST_DRAWN:,} of the starts, evenly picked."


def _findings(kept: Store, run: SavedRun) -> Findings:
    """What was kept, read once."""
    found: Findings | None = session.cache().get(f"kept {run.id}")
    if found is None:
        found = kept.findings(run.id)
        session.cache().put(f"kept {run.id}", found)
    return found


def _map(findings: Findings, key: str, size: int, *, legend: bool = False) -> None:
    problem = findings.experiment.problem
    view = session.view(size, size, (0, min(1, problem.dimension - 1)))
    draw = maps.curve_of_starts if problem.dimension == 1 else maps.map_of_starts
    st.altair_chart(draw(findings, view, legend=legend, most=MOST_DRAWN), width="content", key=key)


def _start_by_start(found: SideBySide) -> None:
    """The transition matrix of two runs from the same starts."""
    names = list(found.names)
    with st.container(width=450):
        st.markdown("**From which minimum to which**")
        first, second = 0, 1
        if len(names) > FEWEST:
            with st.container(horizontal=True):
                first = names.index(st.selectbox("From", names, key=f"side from {names}", width=215, help="Rows: what this run makes of each start."))
                second = names.index(st.selectbox("To", names, index=1, key=f"side to {names}", width=215, help="Columns: what this one makes of it."))
        moved = found.moved or between(found.matched, first, second)
        if moved.changed is not None:
            kinds = transition(moved.before, moved.now, most=wording.MANY)
            chart = compare_charts.transitions(kinds, names[first], names[second], session.view(400, 300))
            st.altair_chart(chart, width="content", key=f"side matrix {names} {first} {second}")
        st.caption(tables.safe(difference_words.moved(moved, f"From {names[first]} to {names[second]}")))


def _maps(found: SideBySide) -> None:
    """Which start went where in each run."""
    with st.container(width=520):
        st.markdown("**Which start went where**")
        with st.container(horizontal=True, gap="small"):
            for name, findings in zip(found.names, found.matched.findings, strict=True):
                with st.container(width=MAP_SIZE + 50, gap="xxsmall"):
                    st.caption(tables.safe(name))
                    _map(findings, f"side map {name}", MAP_SIZE)
