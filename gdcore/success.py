"""When a run counts as a success: it settled in the deepest minimum known in the box, or it reached a target value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gdcore.experiment import Findings

EQUALLY_DEEP = 1e-8  # of 1 + |f|: minima whose values differ by less are equally deep


def deepest_labels(findings: Findings) -> tuple[int, ...]:
    """Labels of the deepest minimum in the box and of those equally deep, within rounding; empty where there is no minimum.

    A minimum outside the box, where some run happened to go, counts only when there is none inside.
    """
    existing = [k for k, minimum in enumerate(findings.minima) if minimum.exists]
    inside = [k for k in existing if findings.minima[k].inside_box] or existing
    lowest = min((findings.minima[k].value for k in inside), default=0.0)  # the first only up to rounding by their range
    return tuple(k for k in inside if findings.minima[k].value - lowest <= EQUALLY_DEEP * (1 + abs(lowest)))


def success_of(findings: Findings, target: float | None) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Whether each start succeeded (n,), and its gradient evaluations until then, or all it spent (n,).

    target: success means f at or below it at any step, and the findings must have been made with it; None: success means
    having settled in the deepest minimum, or in one equally deep. A run of k steps evaluates the gradient k + 1 times.
    """
    if target is None:
        return np.isin(findings.labels, deepest_labels(findings)), findings.epochs + 1
    if findings.hits is None:
        raise ValueError("these findings were made without a target: run the experiment with one")
    success = findings.hits >= 0
    return success, np.where(success, findings.hits, findings.epochs) + 1
