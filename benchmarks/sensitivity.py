"""Seconds for a sweep of 60 rates and for a ranking of settings by both engines, and milliseconds per value of a parameter.

The first of each by each engine warms it up and does not count; of three sweeps the fastest counts.
"""

import sys
import time
from dataclasses import replace

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts
from gdcore.leverage import leverage
from gdcore.quantities import default_range, quantities, quantity
from gdcore.sensitivity import sweep
from gdcore.stable_rates import stable_rates

ENGINES = ("compiled", "numpy")


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def fastest(work, times=3):
    return min(seconds(work) for _ in range(times))


def main(starts, base):
    peaks = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": GALLERY["peaks"].rate}, Starts(count=starts))
    print(f"{'':>44}{'compiled':>10}{'numpy':>10}{'ratio':>8}")
    row(f"sweep of 60 rates × {starts:,} starts", lambda engine: rates(peaks, engine))
    knobs = Experiment(GALLERY["peaks"], OPTIMIZERS["adam"], starts=Starts(count=200))
    row(f"Adam's settings, {base} base × 200 starts", lambda engine: ranked(knobs, base, engine))
    momentum = replace(peaks, optimizer=OPTIMIZERS["momentum"], settings={"lr": 0.09, "momentum": 0.5}, starts=Starts(count=100))
    found = sweep(momentum, default_range(quantity(momentum, "setting momentum")))
    print(f"{'stable rates over the momentum':>44}{fastest(lambda: stable_rates(found)):>10.3f}")
    print("milliseconds per value of a parameter, 200 starts:")
    for name in ("tilted_double_well", "pitchfork", "rippled_bowl", "log_barrier"):
        print(f"{name:>44}{1000 * parameter(name):>10.2f}")


def row(name, measured):
    both = [measured(engine) for engine in ENGINES]
    print(f"{name:>44}{both[0]:>10.3f}{both[1]:>10.3f}{both[1] / both[0]:>8.1f}")


def rates(experiment, engine):
    values = default_range(quantity(experiment, "setting lr"))
    sweep(experiment, values, engine=engine)
    return fastest(lambda: sweep(experiment, values, engine=engine))


def ranked(experiment, base, engine):
    ranges = [default_range(one) for one in quantities(experiment).values() if one.kind == "setting"]
    leverage(experiment, ranges, base=2, engine=engine)
    return seconds(lambda: leverage(experiment, ranges, base=base, engine=engine))


def parameter(name, count=100):
    """Runs, what they reached, and following, over the number of values; a new range each time, since a survey is kept."""
    problem = GALLERY[name]
    experiment = Experiment(problem, OPTIMIZERS["gd"], {"lr": problem.rate}, Starts(count=200))
    values = default_range(quantity(experiment, f"parameter {next(iter(problem.parameters))}"), count)
    sweep(experiment, replace(values, count=3))
    return seconds(lambda: sweep(experiment, values)) / count


if __name__ == "__main__":
    numbers = [int(number) for number in sys.argv[1:]] or [2000, 512]
    main(*numbers)
