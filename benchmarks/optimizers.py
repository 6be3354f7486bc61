"""Every optimizer's cost per start and step on peaks, as a ratio to plain descent in the same run; eight of them compared."""

import sys
import time

import numpy as np

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, Stopping
from gdcore.compare import compare
from gdcore.descent import descend
from gdcore.kernel import kernel
from gdcore.tuning import tune

PEAKS = GALLERY["peaks"]
EIGHT = ("gd", "momentum", "nesterov", "adam", "rmsprop", "rprop", "nadam", "adabelief")


def nanoseconds(key, count, epochs=100):
    """The best of three runs in which every start takes all its steps."""
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
    nanoseconds("gd", count)  # the first run of a process is slow
    print(f"{'optimizer':<16}{'ns':>8}{'ratio to plain descent':>26}   ({count:,} starts; plain descent measured beside each)")
    for key in OPTIMIZERS:
        plain, found = nanoseconds("gd", count), nanoseconds(key, count)
        print(f"{key:<16}{found:8.1f}{found / plain:26.2f}")
    contenders = {key: (OPTIMIZERS[key], OPTIMIZERS[key].defaults_for(PEAKS)) for key in EIGHT}
    for label in ("first of the process", "again"):
        started = time.perf_counter()
        compare({key: Experiment(PEAKS, optimizer, settings) for key, (optimizer, settings) in contenders.items()})
        print(f"eight optimizers x 1,000 starts x 1,000 epochs, {label}: {time.perf_counter() - started:.2f} s")
    started = time.perf_counter()
    tune(PEAKS, contenders, Stopping())
    print(f"their tuning, 13 trials each on 100 starts: {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
