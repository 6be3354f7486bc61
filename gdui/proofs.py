"""What is proved of the problem at hand and how its stationary points hang together, and what runs make of that."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gdcore.certificate import Certificate
from gdcore.certify import certify
from gdcore.crossings import Crossings, crossings
from gdcore.descent import Progress
from gdcore.experiment import Experiment, Trace
from gdcore.explain import explain
from gdcore.findings import Findings, Minimum
from gdcore.problem import Problem
from gdcore.proved import proved
from gdcore.structure import Structure, structure
from gdui import beside, explaining, wording
from gdui.session import cache

SECONDS = 2.0  # for the certificate of one problem
MOST_POINTS, MOST_VARIABLES = 1_000, 3  # of which the structure is worked out


@dataclass(frozen=True)
class Proof:
    """What is known so far: the certificate, then the structure of its points; None until it is there, or never will be."""

    certificate: Certificate | None = None
    structure: Structure | None = None


def begin(problem: Problem) -> None:
    """Begin with a proof that will be asked for on this page."""
    beside.begin("proof", *_work(problem))


def of(problem: Problem) -> Proof:
    """The proof as far as it is ready: charts do not wait for it."""
    key, task = _work(problem)
    return beside.ready("proof", key, task) or Proof(cache().get(f"certificate {key}"))


def known(findings: Findings, proof: Proof) -> Findings:
    """The findings with what is proved of their minima."""
    return findings if proof.certificate is None else proved(findings, proof.certificate)


def known_now(findings: Findings) -> Findings:
    """The findings with what is proved already of their minima; nothing is begun."""
    key, _ = _work(findings.experiment.problem)
    certificate = cache().get(f"certificate {key}")
    return findings if certificate is None else proved(findings, certificate)


def carried(findings: Findings, proof: Proof) -> Crossings | None:
    """Which starts the optimizer carried over a border; None where that is not known, or not yet."""
    landscape = proof.structure
    if landscape is None or not landscape.minima:
        return None
    certified = "" if findings.certificate is None else str(findings.certificate.complete)
    return beside.ready("crossings", f"{findings.experiment.digest} {certified}", lambda report: crossings(findings, landscape))


def explained(experiment: Experiment, trace: Trace, proof: Proof, minima: Sequence[Minimum]) -> list[str]:
    """The sentences that explain a recorded run; none while they are worked out. minima: those that number the basins."""
    points = [m.point for m in minima]
    key = f"{experiment.digest} {trace.path[0].tolist()} {len(points)} {proof.structure is not None}"
    found = beside.ready("explanation", key, lambda report: explain(experiment, trace, proof.structure, points or None))
    return [] if found is None else explaining.sentences(found)


def missing(problem: Problem, proof: Proof) -> str:
    """Why there is no structure, or not yet; "" when there is."""
    if proof.structure is not None:
        return ""
    if beside.stopped("proof"):
        return "The proof was stopped: what it would have shown is not known."
    count = len(proof.certificate.points) if proof.certificate else 0
    return wording.no_structure(problem.dimension, count, MOST_VARIABLES, MOST_POINTS) or wording.FOLLOWS


def _work(problem: Problem) -> tuple[str, Callable[[Progress], Proof]]:
    """The key of a problem's proof, and what makes it: the certificate is kept as soon as it is there."""
    key, store = json.dumps(problem.to_dict()), cache()

    def task(report: Progress) -> Proof:
        certificate = certify(problem, seconds=SECONDS, on_progress=report)
        store.put(f"certificate {key}", certificate)
        if problem.dimension > MOST_VARIABLES or len(certificate.points) > MOST_POINTS:
            return Proof(certificate)
        return Proof(certificate, structure(problem, certificate.points, on_progress=lambda share: report(0, 1, 0)))

    return key, task
