"""The few style rules that Streamlit's theme has no word for."""

STYLE = """<style>
.block-container {padding-top: 3.6rem; padding-bottom: 2rem; padding-left: 2.2rem; padding-right: 2.2rem; max-width: 1240px;}
.katex-display {overflow-x: auto; overflow-y: hidden; margin: 0.2rem 0; padding: 3px 0 6px 0;}
[data-testid="stSidebar"] .katex {font-size: 0.85em;}
[data-testid="stSidebar"] [data-testid="stVerticalBlock"] {gap: 0.55rem;}
.st-key-toolbar {margin-top: -2.9rem;}
.st-key-toolbar button {padding: 0.1rem 0.35rem; min-height: 2rem; min-width: 0;}
.st-key-saved-answer {min-height: 8.6rem;}
[class*="st-key-script-"] {position: absolute; height: 0;}
[data-testid="stTable"] {font-size: 0.82rem;}
[data-testid="stTable"] td, [data-testid="stTable"] th {padding: 0.3rem 0.25rem; font-size: 0.8rem;}
</style>"""
