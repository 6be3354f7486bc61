"""What stands beside a basin map: areas, measures, downloads, and a second map with the pixels that change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from gdcore.basin_measures import basin_entropy, uncertainty_exponent
from gdcore.basins import BasinMap, changed, colours
from gdui import answers, basin_charts, basin_words, export, session, tables, wording
from gdui.basin_charts import Point
from gdui.maps import png

PRINT = 6  # times the size on screen: some 2,700 pixels


def areas(found: BasinMap) -> None:
    """One row per minimum and ending: its colour, share of the area, and what the pixels leave open."""
    rows = basin_charts.legend_rows(found)
    frame = pd.DataFrame(
        [(png(row.swatch), row.name, wording.percent(row.share), f"{100 * row.low:.1f} to {100 * row.high:.1f} %") for row in rows],
        columns=["", "reached", "share", "between"],
    )
    columns = {"": st.column_config.ImageColumn(width=40)}
    st.dataframe(frame, hide_index=True, column_config=columns, height=38 + 35 * min(len(frame), 8), width="stretch")
    st.caption(basin_words.share_caption())
    answers.tabulate(frame.iloc[:, 1:], "Whose the area is", caption=basin_words.share_caption())


def measures(found: BasinMap) -> None:
    """Entropy and exponent of the map in words, with the chart behind the exponent."""
    seen = colours(found)
    border = uncertainty_exponent(seen)
    entropy = basin_entropy(seen) if found.columns >= 5 and (found.rows == 1 or found.rows >= 5) else None
    answers.tell(basin_words.mixed(entropy, border, strip=found.rows == 1), "What the borders are like")
    if not border.reason:
        with st.popover("How the exponent is read", icon=":material/show_chart:"):
            st.altair_chart(basin_charts.uncertainty(border, session.view(300, 160)), width="content")


def downloads(chart: Any, found: BasinMap) -> None:
    """The map for print, and its pixels."""
    with st.container(horizontal=True):
        export.chart_buttons(chart, "basins", scale=PRINT)
        export.frame_button(f"gdboard-basins-{found.experiment.digest}", found.to_frame, "One row per pixel: its place, ending, minimum and epochs.")


def split(found: BasinMap, other: BasinMap, said: str, on: Sequence[Point]) -> None:
    """Both maps and the pixels that change, side by side."""
    change = changed(found, other)
    st.markdown(f"**{tables.safe(basin_words.changed(change, said, found.minima, other.minima))}**")
    view = session.view(255, 255)
    with st.container(horizontal=True, gap="small"):
        for title, rgb, of in (
            ("This setting", basin_charts.picture(found), found), ("The other", basin_charts.picture(other), other),
            ("Black: pixels that change", basin_charts.changed_picture(found, change), found),
        ):  # fmt: skip
            with st.container(width=320):
                st.caption(title)
                st.altair_chart(basin_charts.chart(of, rgb, on if of is found else (), view, clickable=False), width="content")
