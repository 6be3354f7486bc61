"""What-if: a run that is pinned as the baseline, and what has moved against it since."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from gdcore.contrast import contrast
from gdcore.differences import Difference, difference
from gdcore.experiment import Findings
from gdui import difference_charts, difference_words, proofs, session, states, tables, views, wording
from gdui.charts import MOST_MARKS, View
from gdui.report import Section
from gdui.states import State


def baseline() -> Findings | None:
    """The pinned run."""
    found: Findings | None = st.session_state.get("baseline")
    return found


def buttons(findings: Findings) -> None:
    """Pin what is shown; or, once something is pinned, swap the two or let it go."""
    pinned = baseline()
    if pinned is None:
        st.button("Pin as baseline", key="pin", icon=":material/push_pin:", type="tertiary", on_click=_pin, args=(findings,), help="What changes from now on is shown against this run.")
        return
    same = pinned.experiment.digest == findings.experiment.digest
    st.button("Swap", key="swap", icon=":material/swap_horiz:", type="tertiary", disabled=same, on_click=_swap, args=(findings,), help="Show the baseline, and make this run the baseline.")
    st.button("Clear baseline", key="unpin", icon=":material/close:", type="tertiary", on_click=_clear, help="Compare with nothing.")


def _pin(findings: Findings) -> None:
    st.session_state["baseline"] = findings


def _clear() -> None:
    st.session_state.pop("baseline", None)


def _swap(findings: Findings) -> None:
    pinned = baseline()
    if pinned is not None:
        st.session_state["baseline"] = findings
        problem = pinned.experiment.problem
        states.put(State(views.MANY_STARTS, pinned.experiment, views.stated(views.MANY_STARTS, problem)))


def moved(findings: Findings) -> Difference | None:
    """What moved from the baseline to these findings; None where there is no baseline, or this is it."""
    pinned = baseline()
    if pinned is None or pinned.experiment.digest == findings.experiment.digest:
        return None
    before = proofs.known_now(pinned)
    proved = [one.certificate is not None for one in (before, findings)]
    key = f"what-if {pinned.experiment.digest} {findings.experiment.digest} {proved}"
    found: Difference | None = session.cache().get(key)
    if found is None:
        found = difference(before, findings)
        session.cache().put(key, found)
    return found


def tell(shift: Difference | None) -> None:
    """What was changed and what moved, in a sentence each; a word where this is the baseline."""
    if shift is None:
        if baseline() is not None:
            st.info("This is the baseline. Change anything: what moves against it is shown here, with paired intervals.", icon=":material/push_pin:")
        return
    changed = contrast([shift.before.experiment, shift.now.experiment])
    with st.container(border=True):
        st.markdown(f"**{tables.safe(wording.capital(difference_words.what(changed)))}**")
        st.markdown(tables.safe(difference_words.moved(shift)))


def sections(shift: Difference) -> tuple[Section, Section]:
    """The same for a report."""
    changed = contrast([shift.before.experiment, shift.now.experiment])
    chart = difference_charts.moved(shift, View(dark=False, width=370))
    told = (wording.capital(difference_words.what(changed)), difference_words.moved(shift), shift.matched.how.value)
    return Section("What moved against the baseline", told, chart), Section("Against the baseline", table=pd.DataFrame(difference_words.rows(shift)))


def only_changed(shift: Difference | None) -> bool:
    """Whether the map shows only the starts that changed; asked where that can be said."""
    if shift is None or shift.changed is None:
        return False
    session.keep("only changed", False)
    return st.toggle("Only the starts that changed", key="only changed", help="Colour: the minimum that a start reaches now; rim: the one that it reached under the baseline.")


def map_caption(shift: Difference) -> str:
    count = 0 if shift.changed is None else int(shift.changed.sum())
    drawn = f"The {count:,} starts that changed" if count <= MOST_MARKS else f"{MOST_MARKS:,} of the {count:,} starts that changed, evenly picked"
    return f"{drawn}. Fill: where it ends now; rim: where it ended under the baseline. Click a start for its path."


def table(shift: Difference) -> None:
    """Share by share, before and now."""
    st.table(pd.DataFrame(difference_words.rows(shift)).set_index("group"))
    st.caption(tables.safe(shift.matched.how.value))
