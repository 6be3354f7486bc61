"""Seconds for basin maps (peaks, plain descent at the gallery's rate, 300 epochs) by both engines, and for what is told of one.

The first map by each engine warms it up and does not count; of three runs each, the fastest counts.
"""

import sys
import time
from dataclasses import replace

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, Stopping, run
from gdcore.basin_measures import basin_entropy, uncertainty_exponent
from gdcore.basins import Window, basin_map, changed, colours, shares
from gdcore.pushes import smallest_push
from gdcore.small_step import small_step

SIZES = (64, 512)


def fastest(work, times=3):
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main(sizes):
    problem = GALLERY["peaks"]
    experiment = Experiment(problem, OPTIMIZERS["gd"], {"lr": problem.rate}, Starts(count=200), Stopping(300))
    window = Window.of(problem)
    print(f"{'pixels':>14}{'compiled':>10}{'numpy':>10}{'ratio':>8}")
    for n in sizes:
        seconds = [maps(experiment, window, n, engine) for engine in ("compiled", "numpy")]
        print(f"{f'{n} × {n}':>14}{seconds[0]:>10.3f}{seconds[1]:>10.3f}{seconds[1] / seconds[0]:>8.1f}")
    n = sizes[-1]
    told(experiment, window, n)
    minima = run(experiment).minima
    print(f"{'small step':>24}{fastest(lambda: small_step(experiment, minima=minima)):>10.4f}")
    print(f"{'its map':>24}{maps(small_step(experiment, minima=minima), window, n, 'compiled', times=1):>10.4f}")
    print(f"{'smallest push':>24}{fastest(lambda: smallest_push(experiment, minima[0])):>10.4f}")


def maps(experiment, window, n, engine, times=3):
    basin_map(experiment, window, 4, 4, engine=engine)
    return fastest(lambda: basin_map(experiment, window, n, n, engine=engine), times)


def told(experiment, window, n):
    one = basin_map(experiment, window, n, n)
    other = basin_map(replace(experiment, settings={"lr": 0.06}), window, n, n)
    labels = colours(one)
    uncertainty_exponent(labels)  # a heavy import
    print(f"of a map of {n} × {n}:")
    for name, work in {
        "shares": lambda: shares(one),
        "changed": lambda: changed(one, other),
        "basin entropy": lambda: basin_entropy(labels),
        "uncertainty exponent": lambda: uncertainty_exponent(labels),
    }.items():
        print(f"{name:>24}{fastest(work):>10.4f}")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or SIZES)
