"""Starts labelled per second on peaks by NumPy (rate 0.01, at most 1,000 epochs), with where the time goes and the peak memory."""

import resource
import sys
import time

BEFORE_IMPORT = time.perf_counter()
from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, run  # noqa: E402
from gdcore.descent import descend  # noqa: E402
from gdcore.formula import parse  # noqa: E402
from gdcore.kernel import kernel  # noqa: E402


def clock(label, work):
    started = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - started
    print(f"{label:<42}{seconds:9.3f} s")
    return result, seconds


def main(count):
    print(f"{'import':<42}{time.perf_counter() - BEFORE_IMPORT:9.3f} s")
    peaks = GALLERY["peaks"]
    clock("parse", lambda: parse(peaks.formula, names=peaks.variables))
    clock("differentiate and compile the problem", lambda: Problem.from_text(peaks.formula).prepare())
    experiment = Experiment(peaks, OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=count))
    step, _ = clock("compile the step", lambda: kernel(peaks, experiment.optimizer, experiment.settings, 1000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    points = experiment.starts.points(peaks)
    descent, descending = clock(f"descend {count:,} starts", lambda: descend(step, points, experiment.stopping))
    _, whole = clock(f"run: descend and label {count:,} starts", lambda: run(experiment, engine="numpy"))
    print(f"{'labelling, by difference':<42}{max(0.0, whole - descending):9.3f} s")
    print(f"{'starts labelled per second':<42}{count / whole:9,.0f}")
    print(f"{'nanoseconds per start and step':<42}{1e9 * descending / float((descent.epochs + 1).sum()):9.1f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{'peak memory of the process':<42}{peak / 1024:9.0f} MB, {(peak - before) / 1024:.0f} MB of it for the run")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
