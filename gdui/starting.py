"""What Many starts shows of findings: the map of starts, how runs end, the minima, and one chosen start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st

from gdcore.crossings import Crossings
from gdcore.differences import Difference
from gdcore.experiment import Findings, Trace
from gdui import answers, charts, controls, difference_charts, export, maps, proofs, report, run_charts, session, structure_charts, tables, what_if, wording
from gdui.proofs import Proof
from gdui.report import Report

LEFT, RIGHT = 510, 475  # pixels of the two columns


@dataclass(frozen=True)
class Shown:
    """Findings, what is proved of their function, which starts were carried over a border, and what moved against a baseline."""

    findings: Findings
    proof: Proof
    carried: Crossings | None
    shift: Difference | None

    @property
    def digest(self) -> str:
        return self.findings.experiment.digest


@dataclass(frozen=True)
class Chosen:
    """The start that was clicked, counted from 1, and its recorded run."""

    start: int
    run: Trace


def where(shown: Shown) -> Chosen | None:
    """The map with what can be drawn on it under it; the start that was clicked."""
    findings, problem = shown.findings, shown.findings.experiment.problem
    axes = controls.projection(problem)
    place = st.container()
    bordered, only = controls.borders(problem), what_if.only_changed(shown.shift)
    count = controls.trajectories() if problem.dimension > 1 and not only else 0
    start = tables.chosen_start(shown.digest, findings)
    chosen = Chosen(start, session.recorded(shown.digest, tables.points_at(findings, start), findings.experiment)[0]) if start else None
    with place:
        st.markdown("**Where each start ends**")
        _map(shown, session.view(440, 440, axes), chosen, bordered=bordered, only=only, paths=count)
    return chosen


def _map(shown: Shown, view: charts.View, chosen: Chosen | None, *, bordered: bool, only: bool, paths: int) -> None:
    findings, run = shown.findings, chosen and chosen.run
    carried = None if only else shown.carried
    over = structure_charts.over_starts(findings, shown.proof.structure, carried, view) if bordered else []
    if only and shown.shift is not None:
        st.caption(what_if.map_caption(shown.shift))
        chart = difference_charts.changed_starts(shown.shift, view, chosen=run, over=over)
    else:
        st.caption(tables.map_caption(findings, ringed=bordered and carried is not None and carried.count > 0))
        traces = session.recorded(shown.digest, tables.points(findings, paths), findings.experiment) if paths else []
        one = findings.experiment.problem.dimension == 1
        chart = maps.curve_of_starts(findings, view, chosen=run, over=over) if one else maps.map_of_starts(findings, view, paths=traces, chosen=run, over=over)
    answers.draw(chart, "Where each start ends", key=f"map {shown.digest}", on_select="rerun", selection_mode="pick")
    export.chart_buttons(chart, "map")


def endings(shown: Shown) -> None:
    """Shares, or what moved in them; the minima; final values and gradients."""
    findings, digest, view = shown.findings, shown.digest, session.view(370, 85)
    if shown.shift is None:
        st.markdown("**How the runs end**")
        answers.draw(charts.shares(findings, view), "How the runs end", key=f"shares {digest}")
    else:
        st.markdown("**What moved against the baseline**")
        answers.draw(difference_charts.moved(shown.shift, view), "What moved against the baseline", key=f"moved {digest}")
        what_if.table(shown.shift)
    st.markdown("**The minima**")
    tables.minima(findings)
    st.markdown("**Final values: each step is a minimum**")
    st.altair_chart(charts.waterfall(findings, view), width="content", key=f"waterfall {digest}")
    st.markdown("**Gradient at the end: settled runs lie at the bottom**")
    st.altair_chart(charts.gradient_against_value(findings, view), width="content", key=f"gradient {digest}")


def report_of(shown: Shown) -> Callable[[str, str], Report]:
    """What makes the report of these findings from a link and a script."""
    axes = controls.drawn_axes(shown.findings.experiment.problem)
    more = () if shown.shift is None else what_if.sections(shown.shift)

    def made(link: str, script: str) -> Report:
        found = report.of_findings(shown.findings, carried=shown.carried, structure=shown.proof.structure, axes=axes, link=link, script=script)
        return replace(found, sections=(*more, *found.sections))

    return made


def coordinates(findings: Findings) -> None:
    """More than two variables: every end point across one axis per variable."""
    if findings.experiment.problem.dimension > 2:
        st.markdown("**End points, one axis per variable**")
        st.altair_chart(charts.parallel_coordinates(findings, session.view(900, 220)), width="content")


def one_start(shown: Shown, chosen: Chosen) -> None:
    """The run from the start that was clicked, step by step and explained."""
    st.markdown(f"**Start {chosen.start:,}:** {tables.safe(wording.run_sentence(chosen.run))}")
    with st.container(horizontal=True):
        for quantity in ("f", "|∇f|"):
            st.altair_chart(run_charts.per_epoch(chosen.run, 0, session.view(390, 130), quantity), width="content")
    tables.told(proofs.explained(shown.findings.experiment, chosen.run, shown.proof, shown.findings.minima))
