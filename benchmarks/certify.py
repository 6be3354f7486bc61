"""What a certificate costs: milliseconds for peaks, the reference cases and rastrigin, and boxes per second of the bounds."""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from gdcore import GALLERY, Problem  # noqa: E402
from gdcore.bounded import bounded  # noqa: E402
from gdcore.certify import certify  # noqa: E402

CASES = ROOT / "tests" / "cases" / "minima.json"
FRESH = """
import time
from gdcore import GALLERY
from gdcore.certify import certify
began = time.perf_counter()
certify(GALLERY["peaks"])
print(1e3 * (time.perf_counter() - began))
"""


def best(work, times=5):
    """Milliseconds, the shortest of so many times, and the last result."""
    spent, result = [], None
    for _ in range(times):
        began = time.perf_counter()
        result = work()
        spent.append(1e3 * (time.perf_counter() - began))
    return min(spent), result


def line(name, milliseconds, found):
    state = "complete" if found.complete else "incomplete"
    print(f"{name:<24}{milliseconds:9.1f} ms {found.boxes:9,} boxes {len(found.points):6,} points   {state}")


def rate(name, problem, function, count):
    rng = np.random.default_rng(0)
    low = rng.uniform(problem.lows[:, None], problem.highs[:, None], (problem.dimension, count))
    boxes = np.stack([low, low + 0.01 * (problem.highs - problem.lows)[:, None]], axis=1)
    milliseconds, _ = best(lambda: [function(boxes) for _ in range(20)])
    print(f"{name:<24}{20e3 * count / milliseconds:14,.0f} boxes a second, {count:,} at once")


def main():
    fresh = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True, cwd=ROOT)
    print(f"{'peaks, first call':<24}{float(fresh.stdout):9.1f} ms in a fresh process, formula and bounds derived")
    peaks = GALLERY["peaks"]
    line("peaks", *best(lambda: certify(peaks)))
    line("rastrigin", *best(lambda: certify(GALLERY["rastrigin"])))
    times, complete, cases = [], 0, json.loads(CASES.read_text(encoding="utf-8"))
    for case in cases:
        problem = Problem.from_text(case["formula"], box=dict(zip("xy", map(tuple, case["bounds"]), strict=True)))
        certify(problem)
        milliseconds, found = best(lambda problem=problem: certify(problem), 2)
        times.append(milliseconds)
        complete += found.complete
    middle, late = np.percentile(times, [50, 90])
    print(f"{'reference cases':<24}{middle:9.1f} ms median, {late:.1f} ms 90th percentile, {max(times):.1f} ms longest; {complete} of {len(cases)} complete")
    functions = bounded(peaks)
    for count in (100, 1_000):
        rate("gradient of peaks", peaks, functions.gradient, count)
        rate("gradient and Hessian", peaks, lambda boxes: (functions.gradient(boxes), functions.hessian(boxes)), count)


if __name__ == "__main__":
    main()
