"""The minima of findings → rows of their table, and the sentences under it."""

from __future__ import annotations

from collections.abc import Sequence

from gdcore.experiment import Findings
from gdcore.stability import Stability
from gdui import unseen_words, wording

MOST_MINIMA = 20
NONE = "No minimum was found: no run settled in one, and none lies near where runs ended."


def rows(findings: Findings, stable: Sequence[Stability]) -> list[dict[str, str]]:
    """One row per minimum, deepest first, at most MOST_MINIMA; stable: what a step does near each of these."""
    names = ", ".join(findings.experiment.problem.variables)
    return [
        {
            "No.": str(k) + ("" if m.inside_box else " (outside the box)"),
            f"({names})": wording.point(m.point).replace(" ", "\u00a0" if len(m.point) <= 2 else " "),
            "f": wording.figure(m.value, 4),
            "share": f"{100 * m.share:.1f}\u00a0%",
            "95 %": f"{100 * m.interval[0]:.1f}\u2060–\u2060{100 * m.interval[1]:.1f}",
            "epochs": f"{m.median_epochs:g}" if m.count else "–",
            "eigenvalues": ", ".join(f"{value:.3g}" for value in m.eigenvalues),
            "stable rate": wording.figure(one.largest_rate, 4),
        }
        for k, (m, one) in enumerate(zip(findings.minima, stable, strict=False), start=1)
    ]


def notes(findings: Findings, stable: Sequence[Stability]) -> list[str]:
    """What is not proved, what the columns mean, and what may be missing from the list."""
    said = []
    unproved = [str(k + 1) for k, m in enumerate(findings.minima) if not m.proved]
    if findings.certificate is not None and unproved:
        said.append(f"Found, not proved: {', '.join(unproved[:10])}{'…' if len(unproved) > 10 else ''}.")
    if len(findings.minima) > MOST_MINIMA:
        said.append(f"The {MOST_MINIMA} deepest of {len(findings.minima)} minima.")
    reason = next((one.reason for one in stable if one.reason), "")
    optimizer = findings.experiment.optimizer.name
    limit = f"no linear rate, since {reason}" if reason else f"the largest learning rate at which {optimizer} settles there"
    said.append(f"Epochs: the median of the runs that settled there. Eigenvalues: of the Hessian. Stable rate: {limit}.")
    return said + (unseen_words.sentences(findings) if findings.certificate is not None else [])
