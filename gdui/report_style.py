"""How a report looks: its style sheet, the colours of its charts, and the few lines that draw these."""

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
INK, PALE = "#1f2937", "#e5e7eb"
CONFIG = {
    "background": "#ffffff",
    "font": FONT,
    "axis": {"labelColor": INK, "titleColor": INK, "titleFontWeight": "normal", "gridColor": "#eceef1", "domainColor": "#9ca3af", "tickColor": "#9ca3af"},
    "legend": {"labelColor": INK, "titleColor": INK},
    "view": {"stroke": "#d1d5db"},
}
DARK = {
    "background": "#0e1117",
    "axis": {"labelColor": PALE, "titleColor": PALE, "titleFontWeight": "normal", "gridColor": "#262b36", "domainColor": "#6b7280", "tickColor": "#6b7280"},
    "legend": {"labelColor": PALE, "titleColor": PALE},
    "view": {"stroke": "#374151"},
}
# `ast`: Vega's own interpreter of expressions, since the page's policy lets nobody make code from text
STARTUP = """for (const data of document.querySelectorAll('script[type="application/json"]')) {
  const place = data.previousElementSibling;
  vegaEmbed(place, JSON.parse(data.textContent), {
    ast: true, renderer: "svg", scaleFactor: {png: 2, svg: 1}, downloadFileName: place.dataset.name,
    actions: {export: {png: true, svg: true}, source: false, compiled: false, editor: false},
  }).catch(error => { place.textContent = String(error); });
}"""
STYLE = """
:root {color-scheme: light dark; --paper: #ffffff; --ink: #1f2937; --quiet: #6b7280; --line: #e5e7eb; --shade: #f6f7f9;}
@media (prefers-color-scheme: dark) {:root {--paper: #0e1117; --ink: #e5e7eb; --quiet: #9ca3af; --line: #2b303b; --shade: #171b24;}}
* {box-sizing: border-box;}
body {margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 FONT;}
main {max-width: 1100px; margin: 0 auto; padding: 2.2rem 1.5rem 3rem;}
header p {margin: 0 0 .3rem; color: var(--quiet);}
h1 {font-size: 1.75rem; line-height: 1.3; font-weight: 650; margin: 0 0 1.4rem; letter-spacing: -.01em; overflow-wrap: anywhere;}
h2 {font-size: 1rem; font-weight: 650; margin: 0 0 .5rem;}
h3 {font-size: .82rem; font-weight: 500; color: var(--quiet); margin: .7rem 0 .2rem;}
h3:empty {display: none;}
p {margin: 0 0 .4rem; overflow-wrap: anywhere;}
small {display: block; color: var(--quiet); font-size: .82rem; margin-top: .4rem;}
.grid {display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 470px), 1fr)); gap: 1.6rem 2rem; margin-bottom: 1.6rem;}
section {min-width: 0;}
.wide {grid-column: 1 / -1;}
.tall {grid-row: span 3;}
main .chart {background: #ffffff; border-radius: 6px; overflow-x: auto; display: block; padding: 6px 38px 2px 0;}
.dark main .chart {background: #0e1117;}
.chart svg.marks {max-width: 100%; height: auto;}
.math {overflow-x: auto; overflow-y: hidden; padding: .15rem 0;}
math {font-size: 1.05rem;}
math[display=block] {display: inline math; math-style: normal;}
mtd {padding: .12em 0; text-align: left;}
mtd[columnalign=right] {text-align: right;}
pre {background: var(--shade); border-radius: 6px; padding: .5rem .7rem; margin: .3rem 0; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .82rem;}
code {font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;}
table {border-collapse: collapse; width: 100%; font-size: .86rem; font-variant-numeric: tabular-nums;}
th, td {text-align: left; vertical-align: top; padding: .28rem .8rem .28rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere;}
th {font-weight: 500; color: var(--quiet);}
.table {overflow-x: auto; margin-bottom: .3rem;}
.table th, .table td {overflow-wrap: normal;}
.wide p {max-width: 80ch; font-size: .88rem;}
summary {cursor: pointer; font-weight: 650;}
a {color: inherit;}
footer {margin-top: 1.6rem; padding-top: .8rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: .82rem;}
@media print {
  :root {--paper: #ffffff; --ink: #111827; --quiet: #4b5563; --line: #d1d5db; --shade: #f3f4f6;}
  main {max-width: none; padding: 0;}
  section, tr, pre {page-break-inside: avoid; break-inside: avoid;}
  h2 {break-after: avoid;}
  .grid {display: block;}
  section {margin-bottom: 1.2rem;}
  .vega-embed details {display: none;}
  main .chart {padding-right: 0;}
}
""".replace("FONT", FONT)
