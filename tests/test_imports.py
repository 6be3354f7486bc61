"""Imports run one way: gdcore ← gdui.{theme, charts, wording} ← the rest of gdui ← pages ← dashboard."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = sorted((ROOT / "gdcore").rglob("*.py"))
PURE = (
    "theme", "charts", "maps", "run_charts", "compare_charts", "stationary", "structure_charts", "wording", "verdict", "explaining",
    "sensitivity_charts", "sweep_words", "knob_charts", "basin_charts", "basin_words",
    "plane_charts", "pair_charts", "response_words", "unseen_words", "links",
    "scripts", "report", "report_style", "difference_words", "difference_charts", "enlarging",
    "chart_files", "forms", "minima_words", "typesetting",
)  # fmt: skip
SURFACE = [path for name in PURE for path in [ROOT / "gdui" / f"{name}.py"] if path.exists()]
PAGES = sorted((ROOT / "pages").glob("*.py")) if (ROOT / "pages").exists() else []
COMPILING = ("elementary", "compiled", "segments")  # never imported unless the compiled engine is wanted
WEB = {"streamlit", "altair", "gdui", "pages", "dashboard", "matplotlib", "plotly"}
IO = {"os.path", "pathlib", "socket", "subprocess", "urllib", "http", "requests", "sqlite3", "shutil", "tempfile"}


def imported(path: Path) -> set[str]:
    """Every module a file imports, wherever the statement stands, with the names of `from package import name`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def test_there_is_something_to_check() -> None:
    assert len(CORE) >= 15 and "numpy" in packages(ROOT / "gdcore" / "problem.py")
    assert "gdcore.problem.Problem" in imported(ROOT / "gdcore" / "starts.py")


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_gdcore_knows_nothing_of_the_dashboard_and_does_no_io(path: Path) -> None:
    assert not packages(path) & WEB
    assert not imported(path) & IO
    allowed = {"gdcore", "numpy", "scipy", "sympy", "pandas", "__future__"} | set(sys.stdlib_module_names)
    assert packages(path) <= (allowed | {"numba", "llvmlite"} if path.stem in COMPILING else allowed)


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_gdcore_never_evaluates_text(path: Path) -> None:
    """Only two modules execute anything, and only source of their own; no sympy function that parses text is called."""
    names = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute))
    }
    parsing = {"eval", "exec", "sympify", "parse_expr", "lambdify", "Symbol", "symbols", "S", "N", "__import__", "open"}
    assert names & parsing <= ({"exec"} if path.stem in ("codegen", "compiled") else set())


def test_gdcore_imports_without_the_web_and_without_a_heavy_import() -> None:
    code = "import sys, gdcore; print([m for m in ('streamlit', 'altair', 'pandas', 'scipy.stats') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif(not SURFACE, reason="gdui is not there yet")
@pytest.mark.parametrize("path", SURFACE, ids=lambda path: path.stem)
def test_charts_theme_and_wording_know_no_streamlit(path: Path) -> None:
    assert "streamlit" not in packages(path)
    inner = {name.split(".")[1] for name in imported(path) if name.startswith("gdui.")}
    assert inner <= set(PURE)


@pytest.mark.skipif(not PAGES, reason="there are no pages yet")
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_pages_compute_nothing(path: Path) -> None:
    assert not packages(path) & {"numpy", "scipy", "sympy"}
    source = path.read_text(encoding="utf-8")
    assert "session_state" not in source
    assert "session.setup()" in source  # or a fresh server that is asked for this page first shows it without the sidebar
