"""Findings with a certificate: the certified minima, reached or not, under labels that still count the same starts."""

from dataclasses import replace

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Findings, Starts, certify, run
from gdcore.problem import Problem
from gdcore.proved import proved

PEAKS = GALLERY["peaks"]


def found(problem: Problem, lr: float = 0.01, starts: Starts | None = None) -> Findings:
    return run(Experiment(problem, OPTIMIZERS["gd"], {"lr": lr}, starts or Starts(count=200)))


def test_a_certificate_confirms_every_minimum_and_moves_no_start() -> None:
    before = found(PEAKS)
    after = proved(before, certify(PEAKS))
    assert [m.proved for m in before.minima] == [False] * 3 and [m.proved for m in after.minima] == [True] * 3
    assert np.array_equal(before.labels, after.labels)
    assert [m.share for m in after.minima] == [m.share for m in before.minima]
    assert np.allclose([m.point for m in after.minima], [m.point for m in before.minima], rtol=0, atol=1e-9)


def test_run_takes_the_certificate_itself() -> None:
    experiment = Experiment(PEAKS, OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=50))
    certificate = certify(PEAKS)
    assert run(experiment, certificate=certificate).minima == proved(run(experiment), certificate).minima
    assert run(experiment, certificate=certificate).certificate is certificate and run(experiment).certificate is None


def test_a_minimum_that_nobody_found_is_listed_with_share_0_and_labels_follow() -> None:
    """200 needles: a quick survey of 256 places misses some of them, the certificate none."""
    problem = Problem.from_text("sin(40*x) + 0.01*x^2", box={"x": (-20, 20)})
    before = found(problem, lr=1e-4, starts=Starts.at(np.linspace(-19, 19, 40)[:, None]))
    certificate = certify(problem)
    after = proved(before, certificate)
    assert certificate.complete and len(certificate.minima) > 250
    assert len(after.minima) > len(before.minima)
    inside = [m for m in after.minima if m.inside_box]
    assert len(inside) == len(certificate.minima) and all(m.proved for m in inside)
    values = np.array([m.value for m in after.minima])
    assert (np.diff(values) >= -1e-9).all()
    reached = after.labels >= 0
    assert np.array_equal(reached, before.labels >= 0) and reached.any()
    places = np.array([m.point for m in after.minima])[after.labels[reached]]
    assert np.abs(places - after.ends[reached]).max() < 1e-3
    assert sum(m.count for m in after.minima) == reached.sum()


def test_what_an_incomplete_certificate_does_not_hold_stays_and_is_not_called_proved() -> None:
    certificate = certify(PEAKS, boxes=1)
    assert not certificate.complete and certificate.unresolved_share > 0.9
    one = replace(certificate, points=certificate.minima[1:2])
    after = proved(found(PEAKS), one)
    assert [m.proved for m in after.minima] == [False, True, False]


def test_a_minimum_outside_the_box_stays_unproved() -> None:
    problem = PEAKS.with_box({"x": (-3, 3), "y": (-1, 3)})
    after = proved(found(problem, starts=Starts(count=300, box={"x": (-1, 1), "y": (-1, 1)})), certify(problem))
    outside = [m for m in after.minima if not m.inside_box]
    assert [m.value for m in outside] == [pytest.approx(-6.5511333)] and not outside[0].proved
    assert sum(m.proved for m in after.minima) == 2
