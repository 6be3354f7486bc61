"""Structure of a landscape: milliseconds for the whole and for its parts, and for 4,096 places alone."""

import sys
import time
from pathlib import Path

import numpy as np
from scipy.stats import qmc  # noqa: F401

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent / "tests")]

from stationary import rastrigin, reference  # noqa: E402

from gdcore.areas import areas  # noqa: E402
from gdcore.barriers import barriers  # noqa: E402
from gdcore.flow import flow  # noqa: E402
from gdcore.manifolds import manifolds  # noqa: E402
from gdcore.structure import structure  # noqa: E402

NAMES = ["peaks", "SixHumpCamel", "Qing", "MullerBrown", "Price03", "WayburnSeader02", "Mishra05", "SombreroTilt"]


def best(call, rounds=5):
    """Milliseconds, the best of several rounds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return 1e3 * min(times)


def main():
    print(f"{'ms':<18}{'points':>8}{'whole':>9}{'curves':>9}{'barriers':>9}{'areas':>9}{'4,096 places':>14}")
    for name in [*NAMES, "Rastrigin"]:
        problem, points = rastrigin() if name == "Rastrigin" else reference(name)
        descents = manifolds(problem, points).descents
        places = np.random.default_rng(0).uniform(problem.lows, problem.highs, (4096, 2))
        streams = flow(problem, points)
        parts = [
            best(lambda problem=problem, points=points: structure(problem, points)),
            best(lambda problem=problem, points=points: manifolds(problem, points)),
            best(lambda points=points, descents=descents: barriers(points, descents)),
            best(lambda streams=streams: areas(streams)),
        ]
        alone = best(lambda streams=streams, places=places: streams.basins(places))
        print(f"{name:<18}{len(points):>8}" + "".join(f"{part:9.1f}" for part in parts) + f"{alone:14.1f}")


if __name__ == "__main__":
    main()
