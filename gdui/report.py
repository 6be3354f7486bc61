"""Report: what a page shows, as one HTML file that needs nothing else; and its charts as pictures."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from html import escape
from typing import Any

import altair as alt
import pandas as pd

from gdcore import __version__
from gdcore.crossings import Crossings
from gdcore.experiment import Experiment, Findings
from gdcore.notation import number_text
from gdcore.shares import wilson
from gdcore.stability import stability
from gdcore.structure import Structure
from gdui import chart_files, charts, maps, minima_words, structure_charts, theme, typesetting, wording
from gdui.charts import View
from gdui.report_style import CONFIG, DARK, STARTUP, STYLE

WIDE = 600  # pixels: a wider chart has a line of the page to itself
DEADLY = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}  # inside a script element


@dataclass(frozen=True)
class Formula:
    """A formula of the question: what it is, in LaTeX, and as text to copy, "" for none."""

    label: str
    latex: str
    text: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a report: sentences, a chart with its caption, or a table with one."""

    title: str
    text: tuple[str, ...] = ()
    chart: alt.TopLevelMixin | None = None
    table: pd.DataFrame | None = None
    caption: str = ""


@dataclass(frozen=True)
class Report:
    """Everything that a report says, as plain text, charts and tables. link: where the page is; made: by what and when."""

    title: str
    headline: str
    question: tuple[Formula, ...]
    settings: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    script: str = ""
    link: str = ""
    made: str = ""
    dark: bool = False

    @property
    def charts(self) -> list[tuple[str, dict[str, Any]]]:
        """Every chart: the name of its file, and the chart in Vega-Lite with its data and the colours of its text."""
        with_one = [(section.title, section.chart) for section in self.sections if section.chart is not None]
        return [(_file_name(k, title), _styled(chart, dark=self.dark)) for k, (title, chart) in enumerate(with_one, start=1)]


def _styled(chart: alt.TopLevelMixin, *, dark: bool) -> dict[str, Any]:
    drawn = chart_files.specification(chart)
    return {**drawn, "config": {**drawn.get("config", {}), **CONFIG, **(DARK if dark else {})}}


# -- the file ----------------------------------------------------------------------------------------------------------


def html(report: Report) -> str:
    """The report as one file: it opens by a double click, asks no network for anything, and runs no script but its own."""
    drawn = iter(report.charts)
    code, key = _code()
    policy = f"default-src 'none'; script-src '{key}'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    parts = [
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">',
        f'<meta name="viewport" content="width=device-width"><title>{escape(report.title)}</title><style>{STYLE}</style></head>',
        f'<body{" class=dark" if report.dark else ""}><main><header><p>{escape(report.title)}</p><h1>{escape(report.headline)}</h1></header>',
        f'<div class="grid"><section><h2>Question</h2>{"".join(map(_formula, report.question))}</section>',
        f"<section><h2>Settings</h2>{_pairs(report.settings)}</section></div>",
        '<div class="grid">', *(_section(section, drawn, number) for number, section in enumerate(report.sections, start=1)), "</div>",
        _ending(report), f"</main><script>{code}</script></body></html>\n",
    ]  # fmt: skip
    return "\n".join(parts)


def _formula(formula: Formula) -> str:
    typeset = typesetting.mathml(formula.latex)
    plain = formula.text or ("" if typeset else formula.latex)
    return f"<h3>{escape(formula.label)}</h3>{typeset and f'<div class=math>{typeset}</div>'}{plain and f'<pre><code>{escape(plain)}</code></pre>'}"


def _section(section: Section, drawn: Iterator[tuple[str, dict[str, Any]]], number: int) -> str:
    width = getattr(section.chart, "width", WIDE)
    kind = "wide" if section.chart is None or isinstance(width, (int, float)) and width > WIDE else "tall" if number == 1 else ""
    inner = [f"<h2>{escape(section.title)}</h2>", *(f"<p>{escape(text)}</p>" for text in section.text)]
    if section.chart is not None:
        name, chart = next(drawn)
        inner.append(f'<div class="chart" data-name="{name}"></div><script type="application/json">{_json(chart)}</script>')
    if section.table is not None:
        inner.append(_table(section.table))
    inner += [f"<small>{escape(section.caption)}</small>"] if section.caption else []
    return f'<section class="{kind}">{"".join(inner)}</section>'


def _table(table: pd.DataFrame) -> str:
    rows = [map(str, table.columns), *(map(str, row) for row in table.itertuples(index=False))]
    cells = ["".join(f"<{tag}>{escape(text)}</{tag}>" for text in row) for tag, row in zip(["th"] + ["td"] * len(table), rows, strict=True)]
    return f'<div class="table"><table><tr>{"</tr><tr>".join(cells)}</tr></table></div>'


def _pairs(pairs: tuple[tuple[str, str], ...]) -> str:
    return "<table>" + "".join(f"<tr><th>{escape(label)}</th><td>{escape(value)}</td></tr>" for label, value in pairs) + "</table>"


def _ending(report: Report) -> str:
    """The script, the link and the line on who made it."""
    link = escape(report.link)
    followed = f'<a href="{link}" rel="noreferrer">{link}</a>' if re.match("https?://", report.link) else link
    script = f"<details><summary>A Python script that reproduces these numbers</summary><pre><code>{escape(report.script)}</code></pre></details>"
    where = f"<p>The page this was made from: {followed}</p>"
    return f"{script if report.script else ''}<footer>{where if link else ''}<p>{escape(report.made)}</p></footer>"


def _json(value: dict[str, Any]) -> str:
    """JSON that can stand in a script element whatever its texts."""
    return re.sub(f"[{''.join(DEADLY)}]", lambda found: DEADLY[found.group()], json.dumps(value))


def prepare() -> None:
    """Put together what every report holds, so that the first one need not wait for it (1.4 s)."""
    _code()


@lru_cache(maxsize=1)
def _code() -> tuple[str, str]:
    """Vega, Vega-Lite and Vega-Embed with what starts them, and the hash by which a browser knows that it is this."""
    import vl_convert  # a large library that most visits never need

    code = f"{vl_convert.javascript_bundle()}\n{STARTUP}".replace("</script", "<\\/script").replace("<!--", "<\\!--")
    return code, f"sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}"


def _file_name(number: int, title: str) -> str:
    return f"{number}-{re.sub('[^a-z0-9]+', '-', title.lower()).strip('-')[:60]}"


def pictures(report: Report, *, scale: float = 2) -> bytes:
    """A zip with every chart as PNG, at `scale` times its size, and as SVG."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as out:
        for name, chart in report.charts:
            out.writestr(f"{name}.png", chart_files.png(chart, scale=scale))
            out.writestr(f"{name}.svg", chart_files.svg(chart))
    return buffer.getvalue()


# -- the report of Many starts -----------------------------------------------------------------------------------------


def of_findings(
    findings: Findings,
    *,
    carried: Crossings | None = None,
    structure: Structure | None = None,
    link: str = "",
    script: str = "",
    view_dark: bool = False,
    axes: tuple[int, int] = (0, 1),
    made: str = "",
) -> Report:
    """What Many starts shows of some findings; structure and carried: for borders and rings on the map. made: by default today's."""
    sections = (*_drawn(findings, structure, carried, View(view_dark, axes=axes)), *_told(findings, carried))
    found = of_sections(findings.experiment, wording.headline(findings), sections, link=link, script=script, view_dark=view_dark, made=made)
    return replace(found, settings=(*found.settings, ("Outcome", findings.fingerprint)))


def of_sections(
    experiment: Experiment, headline: str, sections: Sequence[Section], *, link: str = "", script: str = "", view_dark: bool = False, made: str = ""
) -> Report:
    """What any page shows of an experiment; view_dark: whether its charts were drawn for a dark page."""
    problem, optimizer = experiment.problem, experiment.optimizer
    return Report(
        title=f"{wording.capital(problem.name) or 'A function of one’s own'}: {optimizer.name}",
        headline=headline,
        question=_question(experiment),
        settings=(*_settings(experiment), ("Experiment", experiment.digest)),
        sections=tuple(sections),
        script=script,
        link=link,
        made=made or f"Made by gdboard {__version__} on {date.today().isoformat()}.",
        dark=view_dark,
    )


def _question(experiment: Experiment) -> tuple[Formula, ...]:
    problem, optimizer = experiment.problem, experiment.optimizer
    slopes = [Formula("Gradient" if not k else "", latex) for k, latex in enumerate(typesetting.partials(problem))]
    return (
        Formula("Function to minimise", wording.function_latex(problem.variables, problem.tree), problem.text()),
        *slopes,
        Formula(f"One step of {optimizer.name}", wording.equations_latex(optimizer), optimizer.equations),
    )


def _settings(experiment: Experiment) -> Iterator[tuple[str, str]]:
    problem, starts, stopping = experiment.problem, experiment.starts, experiment.stopping
    yield "Box", _region(problem.box)
    if problem.parameters:
        yield "Parameters", ", ".join(f"{name} = {number_text(value)}" for name, value in problem.parameters.items())
    yield "Optimizer", experiment.optimizer.name
    for name, value in experiment.settings.items():
        label = wording.capital(experiment.optimizer.settings[name].label)
        yield label if label.lower() == name else f"{label} {name}".strip(), value if isinstance(value, str) else number_text(value)
    yield "Starts", f"{starts.count:,}, {starts.design}" + ("" if starts.design in ("given", "grid") else f", seed {starts.seed}")
    if starts.design != "given":
        yield "Start region", _region(starts.region(problem))
    yield "Epochs", f"at most {stopping.epochs:,}"
    yield "Gradient tolerance", number_text(stopping.gradient_tolerance)


def _region(box: dict[str, tuple[float, float]]) -> str:
    return "; ".join(f"{name} from {number_text(low)} to {number_text(high)}" for name, (low, high) in box.items())


def _drawn(findings: Findings, structure: Structure | None, carried: Crossings | None, view: View) -> Iterator[Section]:
    """The charts of the page, the map first."""
    large, small = View(view.dark, 440, 440, view.axes), View(view.dark, 370, 110)
    over = structure_charts.over_starts(findings, structure, carried, large)
    draw = maps.curve_of_starts if findings.experiment.problem.dimension == 1 else maps.map_of_starts
    caption = maps.caption(findings, ringed=carried is not None and carried.count > 0)
    yield Section("Where each start ends", chart=draw(findings, large, over=over), caption=caption)
    yield Section("How the runs end", chart=charts.shares(findings, small))
    yield Section("Final values: each step is a minimum", chart=charts.waterfall(findings, small))
    yield Section("Gradient at the end: settled runs lie at the bottom", chart=charts.gradient_against_value(findings, small))
    if findings.experiment.problem.dimension > 2:
        yield Section("End points, one axis per variable", chart=charts.parallel_coordinates(findings, View(view.dark, 900, 220)))


def _told(findings: Findings, carried: Crossings | None) -> Iterator[Section]:
    """The tables, and how the numbers came about."""
    question = findings.experiment
    stable = [stability(question.problem, question.optimizer, question.settings, m.point) for m in findings.minima[: minima_words.MOST_MINIMA]]
    if findings.minima:
        yield Section("The minima", tuple(minima_words.notes(findings, stable)), table=pd.DataFrame(minima_words.rows(findings, stable)))
    else:
        yield Section("The minima", (minima_words.NONE,))
    yield Section("Every start is accounted for", table=_endings(findings), caption="Shares of all starts, with Wilson's 95\u00a0% interval.")
    crossed = wording.carried(carried, question.optimizer.name) if carried else ""
    yield Section("How this was computed", (wording.computed(findings.computed), *([crossed] if crossed else [])))


def _endings(findings: Findings) -> pd.DataFrame:
    """One row per ending that occurs, in order; the counts add up to the number of starts."""
    rows = []
    for ending, count in findings.ending_counts().items():
        low, high = wilson(count, findings.count)
        figures = {"starts": f"{count:,}", "share": f"{100 * count / findings.count:.1f}\u00a0%", "95 %": f"{100 * low:.1f}\u2060–\u2060{100 * high:.1f}"}
        rows += [{"ending": theme.ending_name(ending), **figures, "which means": wording.capital(ending.value)}] if count else []
    return pd.DataFrame(rows)
