"""The last runs of the session, and the way back to them."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from gdcore.contrast import contrast
from gdcore.experiment import Findings
from gdui import difference_words, states, tables, views, wording
from gdui.saved import short
from gdui.states import State

MOST = 20
LONGEST = 90  # characters on a button


@dataclass(frozen=True)
class Entry:
    """A run that was shown: its state and its headline."""

    state: State
    sentence: str

    @property
    def digest(self) -> str:
        return self.state.experiment.digest


def note(findings: Findings) -> None:
    """Take down what Many starts shows now, as the latest; one that was there before moves up."""
    entries = runs()
    if entries and entries[0].digest == findings.experiment.digest:
        return
    shown = views.stated(views.MANY_STARTS, findings.experiment.problem)
    entry = Entry(State(views.MANY_STARTS, findings.experiment, shown), wording.headline(findings))
    st.session_state["history"] = [entry, *(old for old in entries if old.digest != entry.digest)][:MOST]


def runs() -> list[Entry]:
    """The runs of the session, the latest first."""
    found: list[Entry] = st.session_state.get("history", [])
    return found


def others(now: State | None) -> list[Entry]:
    """The runs but the one in force; the first is the way back."""
    digest = now.experiment.digest if now is not None else ""
    return [entry for entry in runs() if entry.digest != digest]


def show(now: State | None) -> None:
    """One button for each run but the one in force."""
    entries = others(now)
    if not entries:
        st.caption(f"The last {MOST} runs of this session appear here, each one click away.")
    for k, entry in enumerate(entries):
        st.button(
            tables.safe(_label(entry, now)), key=f"history {entry.digest}", on_click=states.put, args=(entry.state,), width="stretch",
            icon=":material/undo:" if k == 0 else ":material/history:", help=tables.safe(entry.sentence),
        )  # fmt: skip


def _label(entry: Entry, now: State | None) -> str:
    """What is otherwise in that run; its whole setup where the function is another one."""
    experiment = entry.state.experiment
    rows = contrast([now.experiment, experiment]) if now is not None else []
    if rows and not any(row.key in ("formula", "name", "variables") for row in rows):
        return short(wording.capital(difference_words.what(rows)), LONGEST)
    return short(f"{experiment.problem.name or experiment.problem.text()[:40]}, {wording.setup(experiment)}", LONGEST)
