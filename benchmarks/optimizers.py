"""Cost per start and step of every optimizer on peaks, as a ratio to plain descent in the same run; eight compared at once."""

import sys
import time

import numpy as np

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, Stopping
from gdcore.descent import descend
from gdcore.kernel import kernel

PEAKS = GALLERY["peaks"]


def nanoseconds(key, count, epochs=200):
    optimizer = OPTIMIZERS[key]
    experiment = Experiment(PEAKS, optimizer, optimizer.defaults_for(PEAKS), Starts(count=count), Stopping(epochs, 0))
    step = kernel(PEAKS, optimizer, experiment.settings, epochs)
    points = experiment.starts.points(PEAKS)
    best = np.inf
    for _ in range(3):
        started = time.perf_counter()
        descent = descend(step, points, experiment.stopping)
        best = min(best, (time.perf_counter() - started) / float((descent.epochs + 1).sum()))
    return 1e9 * best


def main(count):
    plain = nanoseconds("gd", count)
    print(f"{'optimizer':<16}{'ns':>8}{'ratio to plain descent':>26}   ({count:,} starts)")
    for key in OPTIMIZERS:
        found = nanoseconds(key, count)
        print(f"{key:<16}{found:8.1f}{found / plain:26.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
