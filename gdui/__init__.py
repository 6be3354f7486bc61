"""gdui: what the pages share. theme, charts and wording are pure; controls, session and jobs know Streamlit.

Importing the package imports all of it, under one lock: a fresh server may run two pages on two threads at once, and
modules that each thread had imported half of would fail.
"""

from gdui import (
    beside,
    charts,
    compare_charts,
    contenders,
    controls,
    editor,
    explaining,
    export,
    formulas,
    jobs,
    live,
    maps,
    matches,
    profiles,
    proofs,
    racing,
    run_charts,
    scripts,
    session,
    settings,
    sidebar,
    stationary,
    stepping,
    structure_charts,
    style,
    tables,
    theme,
    verdict,
    wake,
    wording,
)

__all__ = [
    "beside", "charts", "compare_charts", "contenders", "controls", "editor", "explaining", "export", "formulas", "jobs", "live", "maps",
    "matches", "profiles", "proofs", "racing", "run_charts", "scripts", "session", "settings", "sidebar", "stationary", "stepping",
    "structure_charts", "style", "tables", "theme", "verdict", "wake", "wording",
]  # fmt: skip
