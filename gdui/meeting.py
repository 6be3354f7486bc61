"""Meeting mode: one answer at a time, large; the arrow keys step through the saved runs, and one number can be changed."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from gdcore.experiment import Experiment
from gdcore.quantities import Quantity, default_range, quantities
from gdcore.starts import Starts
from gdui import answers, enlarging, in_browser, keeping, session, states, sweeping, tables, views, wording
from gdui.states import State
from gdui.store import SavedRun, Store

TAG = "meeting"
STYLE = """<style>
[data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stExpandSidebarButton"], .st-key-backstage {display: none;}
.block-container {padding-top: 1.2rem; max-width: 1800px;}
.st-key-slide h3 {font-size: 2.2rem; line-height: 1.25; font-weight: 600; padding: 0.2rem 0 0.4rem 0;}
.st-key-slide p {font-size: 1.25rem;}
</style>"""
TALLEST = 520.0  # pixels of the first chart
FACTORS = 1.1, 2.2  # least and most that a chart grows by
SECOND = 1.35  # what the other charts grow by
MOST_CHARTS = 2
VALUES = 41  # of the number that can be changed
SCRIPT = """
export default function() {
  const leave = () => setTimeout(() => {
    const held = document.activeElement;
    if (held && held.getAttribute('role') === 'slider') held.blur();
  }, 50);
  document.addEventListener('pointerup', leave);
  return () => document.removeEventListener('pointerup', leave);
}
"""  # a slider that was dragged gives the arrow keys back


def on() -> bool:
    return bool(st.session_state.get("meeting"))


def enter(state: State) -> None:
    """Callback: begin with the state in force."""
    st.session_state["meeting"] = True
    st.session_state["meeting step"] = 0
    if state.page not in views.PAGES:
        state = State(views.MANY_STARTS, state.experiment, views.stated(views.MANY_STARTS, state.experiment.problem))
    st.session_state["meeting first"] = state
    states.put(state)


def _leave() -> None:
    st.session_state["meeting"] = False


def _runs(kept: Store | None) -> list[SavedRun]:
    """The saved runs, oldest first; those tagged for a meeting alone, where there are any."""
    runs = kept.runs()[::-1] if kept is not None else []
    return [one for one in runs if TAG in one.tags] or runs


def _step(by: int, kept: Store, runs: list[SavedRun]) -> None:
    """Callback: the next state or the one before; the first of all is the one that the meeting began with."""
    step = (st.session_state["meeting step"] + by) % (len(runs) + 1)
    if step == 0:
        states.put(st.session_state["meeting first"])
    elif not keeping.open_run(kept, runs[step - 1].id):
        return
    st.session_state["meeting step"] = step


def stage(experiment: Experiment, page: str) -> DeltaGenerator:
    """The bar with the one control, and the place of the slide; the page itself runs where nobody sees it."""
    st.html(STYLE)
    kept = keeping.store()
    runs = _runs(kept)
    _bar(kept, runs, min(st.session_state["meeting step"], len(runs)), _changeable(experiment, page))
    in_browser.run("arrow-keys", SCRIPT)
    trouble = st.session_state.pop("shelf trouble", "")
    if trouble:
        st.error(tables.safe(trouble), icon=":material/error:")
    slide = st.container(key="slide").empty()
    slide.caption("One moment: this is being computed.")
    return slide


def backstage() -> DeltaGenerator:
    """Where the page runs meanwhile."""
    return st.container(key="backstage")


def show(slide: DeltaGenerator, experiment: Experiment, page: str) -> None:
    """What the page has answered."""
    answer, problem = answers.given(), experiment.problem
    with slide.container():
        st.markdown(f"### {tables.safe(answer.sentence)}")
        under = f"{experiment.starts.count:,} starts" if page == views.OPTIMIZERS_PAGE else wording.setup(experiment)
        st.markdown(tables.safe(f"{(problem.name or problem.text())[:60]} · {under}"))
        with st.container(horizontal=True, gap="large"):
            for k, chart in enumerate(answer.charts[:MOST_CHARTS]):
                st.vega_lite_chart(enlarging.enlarged(chart, SECOND if k else _factor(chart)), width="content", key=f"meeting chart {k} {experiment.digest}")


def _factor(chart: object) -> float:
    height = getattr(chart, "height", None)
    return min(max(TALLEST / height, FACTORS[0]), FACTORS[1]) if isinstance(height, (int, float)) and height else FACTORS[0]


def _bar(kept: Store | None, runs: list[SavedRun], step: int, quantity: Quantity) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        with st.container(width=520):
            _control(quantity, step)
        name = runs[step - 1].name if step else "Now"
        st.markdown(tables.safe(f"{step + 1} of {len(runs) + 1}: {name}"), width="content")
        with st.container(horizontal=True, width="content"):
            for label, by, key in ((":material/arrow_back:", -1, "Left"), (":material/arrow_forward:", 1, "Right")):
                st.button(label, key=f"meeting {key}", shortcut=key, disabled=not runs, on_click=_step, args=(by, kept, runs), type="tertiary")
            st.button("Leave", key="meeting leave", shortcut="Esc", on_click=_leave, type="tertiary")


def _changeable(experiment: Experiment, page: str) -> Quantity:
    """The one number that a meeting can change: what was chosen last to be varied on Sensitivity, else the learning rate.

    A setting that is a schedule is none; where several optimizers are compared, those of the sidebar's are none either.
    """
    fixed = {f"setting {name}" for name, value in experiment.settings.items() if isinstance(value, str) or page == views.OPTIMIZERS_PAGE}
    known = {key: quantity for key, quantity in quantities(experiment).items() if key not in fixed}
    return known.get(str(st.session_state.get("sweep x"))) or known.get("setting lr") or known["epochs"]


def _control(quantity: Quantity, step: int) -> None:
    """A slider, from a tenth to ten times where the number began."""
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
