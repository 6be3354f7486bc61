"""The table of saved runs: found, opened, renamed, deleted and brought back, exported and imported."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from gdui import archive, keeping, tables, verdict, wording
from gdui.store import SavedRun, Store

MOST_GONE = 50  # deleted runs that have a button each
COLUMNS = {
    "settled": st.column_config.NumberColumn("settled", format="%.1f %%", width=75),
    "starts": st.column_config.NumberColumn("starts", format="localized", width=80),
    "tags": st.column_config.ListColumn("tags"),
}


def search(runs: Sequence[SavedRun]) -> list[SavedRun]:
    """The runs that the fields above the table ask for."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input("Search", key="shelf search", width=330, persist_state="session", help="All words must occur in name, note, tags, function or optimizer.")
        tags = st.multiselect(
            "Tags", _tags(runs), key="shelf tags", width=330, persist_state="session", placeholder="all",
            help="Only runs that have all of these.",
        )  # fmt: skip
    wanted = words.lower().split() if words else []
    return [one for one in runs if set(tags) <= set(one.tags) and all(word in _text(one) for word in wanted)]


def _tags(runs: Sequence[SavedRun]) -> list[str]:
    return sorted({tag for one in runs for tag in one.tags})


def _text(one: SavedRun) -> str:
    return " ".join([one.name, one.note, *one.tags, one.function, one.optimizer, one.settings]).lower()


def table(runs: Sequence[SavedRun]) -> list[SavedRun]:
    """The runs, newest first, sorted by a click on a heading; those whose rows are chosen, oldest first."""
    frame = pd.DataFrame(
        {
            "name": [one.name for one in runs], "function": [one.function for one in runs], "optimizer": [one.optimizer for one in runs],
            "settings": [one.settings for one in runs], "starts": [one.starts for one in runs], "settled": [100 * one.settled for one in runs],
            "tags": [list(one.tags) for one in runs], "kept": pd.to_datetime([one.created for one in runs], unit="s", utc=True),
            "note": [one.note for one in runs],
        }
    )  # fmt: skip
    kept = st.column_config.DatetimeColumn("kept", format="D MMM YYYY, HH:mm", width=130, timezone=st.context.timezone)
    key = f"shelf {hash(tuple(one.id for one in runs))}"  # other rows: nothing is chosen any more
    shown = st.dataframe(
        frame, hide_index=True, key=key, on_select="rerun", selection_mode="multi-row", width="stretch",
        height=min(38 + 35 * max(len(runs), 1), 320), column_config=COLUMNS | {"kept": kept},
    )  # fmt: skip
    return sorted((runs[row] for row in shown["selection"]["rows"] if row < len(runs)), key=lambda one: one.created)


def actions(kept: Store, runs: Sequence[SavedRun], chosen: Sequence[SavedRun], gone: Sequence[SavedRun]) -> None:
    """What can be done with the chosen ones of the runs, and with those that were deleted."""
    one, ids = chosen[0] if len(chosen) == 1 else None, [run.id for run in chosen]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            "Open this run", type="primary", icon=":material/open_in_full:", disabled=one is None, on_click=keeping.open_run, args=(kept, ids[0] if ids else ""),
            help="The whole dashboard as it was when this run was kept.",
        )  # fmt: skip
        with st.popover("Rename, tag", icon=":material/edit:", disabled=one is None or not kept.writable):
            if one is not None:
                _edit(kept, one, _tags(runs))
        st.button(
            "Delete", icon=":material/delete:", disabled=not chosen or not kept.writable, on_click=_delete, args=(kept, ids), help="Can be undone for a week."
        )
        lost = [run.name for run in chosen if not kept.present(run.id)]
        st.download_button(
            "Export", lambda: archive.exported(kept, ids), "gdboard-runs.zip", "application/zip", icon=":material/download:", disabled=not chosen or bool(lost),
            on_click="ignore", help="The chosen runs as one file: JSON and Parquet in a zip.",
        )  # fmt: skip
        with st.popover("Import", icon=":material/upload:", disabled=not kept.writable):
            st.file_uploader("A file that Export made", key="shelf file", on_change=_import, args=(kept,), help="What is damaged or strange is refused as a whole.")
        _bin(kept, gone)
    if lost:
        st.error(tables.safe(f"The file of '{lost[0][:60]}' is missing: put it back into the folder of saved runs, or delete the run."), icon=":material/error:")


def _edit(kept: Store, one: SavedRun, known: list[str]) -> None:
    st.text_input("Name", value=one.name, key=f"edit name {one.id}")
    st.multiselect(
        "Tags", known, default=list(one.tags), key=f"edit tags {one.id}", accept_new_options=True,
        help="Type a new one and press Enter.",
    )  # fmt: skip
    st.text_area("Note", value=one.note, key=f"edit note {one.id}")
    st.button("Change", type="primary", key=f"edit {one.id}", on_click=_change, args=(kept, one.id))


def _act(act: Callable[[], str]) -> None:
    """Do what a button asks for; what became of it is told above the table, and nothing else any more."""
    for key in ("said", "trouble", "deleted"):
        st.session_state.pop(f"shelf {key}", None)
    try:
        st.session_state["shelf said"] = act()
    except ValueError as error:
        st.session_state["shelf trouble"] = wording.sentence(error)


def _change(kept: Store, id: str) -> None:
    state = st.session_state
    _act(lambda: f"Changed '{kept.change(id, name=state[f'edit name {id}'], note=state[f'edit note {id}'], tags=state[f'edit tags {id}']).name}'.")


def _delete(kept: Store, ids: list[str]) -> None:
    def act() -> str:
        kept.delete(ids)
        st.session_state["shelf deleted"] = ids
        return ""

    _act(act)


def _undelete(kept: Store, ids: list[str]) -> None:
    def act() -> str:
        kept.undelete(ids)
        return f"Brought back {verdict.plural(len(ids), 'run')}."

    _act(act)


def _import(kept: Store) -> None:
    given = st.session_state.get("shelf file")
    if given is not None:
        _act(lambda: f"Imported {verdict.plural(len(archive.imported(kept, given.getvalue())), 'run')}. Opening one runs it anew and compares.")


def _bin(kept: Store, gone: Sequence[SavedRun]) -> None:
    """The deleted runs, each to be had back."""
    if not gone:
        return
    with st.popover(f"Deleted ({len(gone):,})", icon=":material/restore_from_trash:"):
        if len(gone) > MOST_GONE:
            st.button(f"All {len(gone):,}", key="undelete all", icon=":material/undo:", on_click=_undelete, args=(kept, [one.id for one in gone]), width="stretch")
        for one in gone[:MOST_GONE]:
            st.button(tables.safe(one.name), key=f"undelete {one.id}", icon=":material/undo:", on_click=_undelete, args=(kept, [one.id]), width="stretch")


def tell(kept: Store, gone: Sequence[SavedRun]) -> None:
    """What became of the last action, with the way back after a deletion."""
    trouble, said = (st.session_state.pop(f"shelf {key}", "") for key in ("trouble", "said"))
    if kept.trouble:
        st.warning(tables.safe(wording.sentence(ValueError(kept.trouble))), icon=":material/lock:")
    if trouble:
        st.error(tables.safe(trouble), icon=":material/error:")
    if said:
        st.success(tables.safe(said), icon=":material/check:")
    last = [one.id for one in gone if one.id in st.session_state.get("shelf deleted", ())]
    if last:
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.info(f"{len(last):,} run{' was' if len(last) == 1 else 's were'} deleted.", icon=":material/delete:")
            st.button("Undo", key="shelf undo", icon=":material/undo:", on_click=_undelete, args=(kept, last))
