"""Seconds and memory to label end points (peaks, descent at rate 0.01, 1,000 epochs, tolerance 1e-6), from 10,000 up to a count.

Beside it, at 100,000 ends: Newton's method from every end, with the ratio. Three runs each, the fastest counts.
"""

import resource
import sys
import time

import numpy as np

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts
from gdcore.batches import Work, outcomes
from gdcore.findings import findings_of
from gdcore.merging import merge
from gdcore.minima import reached
from gdcore.newton import polish
from gdcore.outcomes import Outcomes
from gdcore.stopping import CODE, Ending

LEAST, COMPARED = 10_000, 100_000


def fastest(work, times=3):
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def first(whole, count):
    return Outcomes(*(getattr(whole, name)[:count] for name in ("ends", "values", "gradient_norms", "epochs", "codes")))


def main(most):
    experiment = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=most))
    started = time.perf_counter()
    work = Work(experiment)
    points = work.points()
    whole = outcomes(work, points)
    print(f"descent of {most:,} starts: {time.perf_counter() - started:.1f} s, peak of the process {peak():.0f} MB")
    started = time.perf_counter()
    findings_of(experiment, points[:100], first(whole, 100))
    print(f"the first labelling in a process, with the survey of the box: {time.perf_counter() - started:.3f} s")
    print(f"{'ends':>12}{'seconds':>10}{'µs each':>10}{'peak MB':>10}")
    count = LEAST
    while count <= most:
        some = first(whole, count)
        seconds = fastest(lambda some=some: findings_of(experiment, points[: len(some.ends)], some))
        print(f"{count:>12,}{seconds:>10.3f}{1e6 * seconds / count:>10.3f}{peak():>10.0f}")
        count *= 10
    compare(whole, min(COMPARED, most))


def compare(whole, count):
    problem, some = GALLERY["peaks"], first(whole, count)
    settled = np.flatnonzero(some.codes == CODE[Ending.FLAT])
    full = fastest(lambda: merge(problem, polish(problem, some.ends[settled])))
    quick = fastest(lambda: reached(problem, some.ends, settled))
    print(f"{settled.size:,} settled ends of {count:,}: Newton from each {full:.3f} s, one step from most {quick:.3f} s")
    print(f"ratio {full / quick:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
