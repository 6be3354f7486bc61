"""Meeting mode: one answer at a time, large; the arrow keys step through the saved runs, and one number can be changed."""

from __future__ import annotations

from dataclasses import replace

import altair as alt
import streamlit as st

from gdcore.experiment import Experiment, Findings
from gdcore.quantities import Quantity, default_range, quantities
from gdcore.starts import Starts
from gdui import charts, controls, keeping, maps, proofs, session, states, sweeping, tables, wording
from gdui.jobs import findings_of
from gdui.states import State
from gdui.store import SavedRun, Store

TAG = "meeting"
STYLE = """<style>
[data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stExpandSidebarButton"] {display: none;}
.block-container {padding-top: 1.2rem; max-width: 1800px;}
.st-key-slide h3 {font-size: 2.3rem; line-height: 1.25; font-weight: 600; padding: 0.2rem 0 0.4rem 0;}
.st-key-slide p {font-size: 1.25rem;}
</style>"""
SIZE = 540  # pixels of the map
LETTERS = 18  # pixels of the charts' type
VALUES = 41  # of the number that can be changed


def on() -> bool:
    return bool(st.session_state.get("meeting"))


def enter(state: State) -> None:
    """Callback: begin with the state in force."""
    st.session_state["meeting"] = True
    st.session_state["meeting step"] = 0
    st.session_state["meeting first"] = state


def _leave() -> None:
    st.session_state["meeting"] = False


def _runs(kept: Store | None) -> list[SavedRun]:
    """The saved runs, oldest first; those tagged for a meeting alone, where there are any."""
    runs = kept.runs()[::-1] if kept is not None else []
    return [one for one in runs if TAG in one.tags] or runs


def _step(by: int, kept: Store, runs: list[SavedRun]) -> None:
    """Callback: the next state or the one before; the first of all is the one that the meeting began with."""
    step = (st.session_state["meeting step"] + by) % (len(runs) + 1)
    st.session_state["meeting step"] = step
    if step:
        keeping.open_run(kept, runs[step - 1].id)
    else:
        states.put(st.session_state["meeting first"])
    st.session_state.pop("go to", None)


def show() -> None:
    """The slide: what is kept of the controls, the sentence, the map and the shares."""
    st.html(STYLE)
    kept = keeping.store()
    runs = _runs(kept)
    step = min(st.session_state["meeting step"], len(runs))
    experiment = _experiment()
    _bar(kept, runs, step, quantities(experiment))
    findings = findings_of(experiment)
    with st.container(key="slide"):
        one = runs[step - 1] if step else None
        told = one.sentence if one is not None and one.fingerprint == findings.fingerprint and one.sentence else ""
        findings = proofs.known(findings, proofs.of(experiment.problem))
        st.markdown(f"### {tables.safe(told or wording.headline(findings))}")
        st.markdown(tables.safe(f"{(experiment.problem.name or experiment.problem.text())[:60]} · {wording.setup(experiment)}"))
        with st.container(horizontal=True, gap="large", vertical_alignment="center"):
            _charts(findings)


def _bar(kept: Store | None, runs: list[SavedRun], step: int, known: dict[str, Quantity]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width=520):
            _control(known, step)
        name = runs[step - 1].name if step else "Now"
        st.markdown(tables.safe(f"{step + 1} of {len(runs) + 1}: {name}"), width="content")
        with st.container(horizontal=True, width="content"):
            for label, by, key in ((":material/arrow_back:", -1, "Left"), (":material/arrow_forward:", 1, "Right")):
                st.button(label, key=f"meeting {key}", shortcut=key, disabled=not runs, on_click=_step, args=(by, kept, runs), type="tertiary")
            st.button("Leave", key="meeting leave", shortcut="Esc", on_click=_leave, type="tertiary")


def _control(known: dict[str, Quantity], step: int) -> None:
    """The one number that a meeting can change: the learning rate, or what was chosen last to be varied on Sensitivity."""
    quantity = known.get(str(st.session_state.get("sweep x"))) or known.get("setting lr") or next(iter(known.values()))
    anchor = st.session_state.setdefault(f"meeting from {step} {quantity.key}", quantity.value)
    spread = default_range(replace(quantity, value=anchor), VALUES).values(quantity)
    options = sorted({*(float(f"{value:.3g}") for value in spread), anchor, quantity.value})
    key = f"meeting {step} {quantity.key} {quantity.value}"
    st.select_slider(
        wording.capital(quantity.label), options, value=quantity.value, key=key, format_func=lambda value: f"{value:.4g}",
        on_change=_change, args=(key, quantity), help="The one number that can be changed here.",
    )  # fmt: skip


def _change(key: str, quantity: Quantity) -> None:
    experiment = session.setup().experiment(Starts(count=1))
    sweeping.make_current(experiment, quantity, float(st.session_state[key]))


def _experiment() -> Experiment:
    setup = session.setup()
    return setup.experiment(controls.stated_starts(setup.problem))


def _charts(findings: Findings) -> None:
    problem = findings.experiment.problem
    view = session.view(SIZE, SIZE if problem.dimension > 1 else SIZE // 2)
    draw = maps.curve_of_starts if problem.dimension == 1 else maps.map_of_starts
    bars = replace(session.view(430, 0), letters=LETTERS)
    for name, chart in (("map", draw(findings, view, most=2000)), ("shares", charts.shares(findings, bars, band=46))):
        st.altair_chart(_enlarged(chart), width="content", key=f"meeting {name} {findings.experiment.digest}")


def _enlarged(chart: alt.LayerChart) -> alt.LayerChart:
    """The chart with type that can be read across a room."""
    return (
        chart.configure_axis(labelFontSize=LETTERS, titleFontSize=LETTERS, labelLimit=260)
        .configure_legend(labelFontSize=LETTERS, symbolSize=220, labelLimit=260)
        .configure_text(fontSize=LETTERS)
    )

