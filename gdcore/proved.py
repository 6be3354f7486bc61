"""Findings and a certificate → findings whose minima are the certified ones where there are any."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gdcore.certificate import Certificate, CertifiedPoint
from gdcore.findings import Findings, Minimum
from gdcore.merging import SAME_POINT, deepest_first
from gdcore.proximity import Nearest
from gdcore.shares import wilson


def proved(findings: Findings, certificate: Certificate) -> Findings:
    """The findings with every certified minimum, those that no start reached with share 0, and labels to match.

    A minimum that was found and is not certified stays, unproved: it is outside the box or in an unresolved region. Where
    the certificate is complete there is no other inside the box, so one that no start reached is dropped.
    """
    certified = certificate.minima
    own = _matches(findings, certified)
    found = [_confirmed(m, certified[k]) if k >= 0 else m for m, k in zip(findings.minima, own, strict=True)]
    keep = [i for i, m in enumerate(found) if m.proved or m.count or not (certificate.complete and m.inside_box)]
    missing = sorted(set(range(len(certified))) - set(own))
    minima = [found[i] for i in keep] + [_unreached(certified[k], findings.count) for k in missing]
    order = deepest_first(minima)
    label_of = np.full(len(found) + 1, -1)
    for label, k in enumerate(order):
        if k < len(keep):
            label_of[keep[k]] = label
    same = bool((label_of[:-1] == np.arange(len(found))).all())
    return replace(
        findings,
        minima=tuple(minima[k] for k in order),
        labels=findings.labels if same else label_of[findings.labels],
        certificate=certificate,
    )


def _matches(findings: Findings, certified: Sequence[CertifiedPoint]) -> list[int]:
    """For each minimum the certified one that it is, -1 for none; two minima are never the same one."""
    if not certified or not findings.minima:
        return [-1] * len(findings.minima)
    problem = findings.experiment.problem
    width = problem.highs - problem.lows
    index, distance = Nearest(np.array([c.point for c in certified]) / width)(np.array([m.point for m in findings.minima]) / width)
    taken: dict[int, int] = {}
    for i in np.argsort(distance, kind="stable"):
        if distance[i] <= SAME_POINT:
            taken.setdefault(int(index[i]), int(i))
    owner = {i: k for k, i in taken.items()}
    return [owner.get(i, -1) for i in range(len(findings.minima))]


def _confirmed(minimum: Minimum, certified: CertifiedPoint) -> Minimum:
    return replace(minimum, point=certified.point, value=certified.value, eigenvalues=certified.eigenvalues, inside_box=True, proved=True)


def _unreached(certified: CertifiedPoint, starts: int) -> Minimum:
    return Minimum(
        point=certified.point, value=certified.value, eigenvalues=certified.eigenvalues, inside_box=True,
        count=0, share=0.0, interval=wilson(0, starts), median_epochs=math.nan, proved=True,
    )  # fmt: skip
