"""Elementary functions in compiled loops: nanoseconds per element beside module math and numpy, seconds to compile, packed or not."""

import math
import re
import time

import numpy as np
from numba import njit

from gdcore.elementary import SCALAR, VECTOR

MATH = {"abs": "fabs", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arctan2": "atan2", "power": "pow"}
MATH |= {"arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh"}
BLOCKS = 16


def loop(function, count):
    """Over blocks of 256: in each, rows of arguments and then the row of results."""
    if count == 1:

        def run(blocks):
            for k in range(len(blocks)):
                w = blocks[k]
                for i in range(256):
                    w[256 + i] = function(w[i])
    elif count == 2:

        def run(blocks):
            for k in range(len(blocks)):
                w = blocks[k]
                for i in range(256):
                    w[512 + i] = function(w[i], w[256 + i])
    else:

        def run(blocks):
            for k in range(len(blocks)):
                w = blocks[k]
                for i in range(256):
                    w[768 + i] = function(w[i], w[256 + i], w[512 + i])

    return njit(fastmath={"contract"}, error_model="numpy", nogil=True)(run)


def best(call):
    """Nanoseconds per element, the best of several rounds."""
    times = []
    for _ in range(15):
        started = time.perf_counter()
        for _ in range(20):
            call()
        times.append(time.perf_counter() - started)
    return 1e9 * min(times) / (20 * 256 * BLOCKS)


def measured(function, rows):
    """(nanoseconds, seconds to compile, packed)."""
    w = np.concatenate([rows, np.zeros((1, BLOCKS * 256))]).reshape(len(rows) + 1, BLOCKS, 256).swapaxes(0, 1).reshape(BLOCKS, -1)
    run = loop(function, len(rows))
    started = time.perf_counter()
    run(w)
    seconds = time.perf_counter() - started
    (assembly,) = run.inspect_asm().values()
    body = assembly.partition(".Lfunc_end0")[0]
    packed = not re.search(r"\bcallq?\b|\bv?(?:add|mul|div|sqrt)sd\b", body) and bool(re.search(r"%[yz]mm|pd\s+%xmm", body))
    return best(lambda: run(w)), seconds, packed


def from_math(name):
    function = getattr(math, MATH.get(name, name), None)
    if function is None or name in ("cbrt", "floor", "ceil"):  # numba has no cbrt; the other two give integers
        return None
    return njit(lambda x, y: function(x, y)) if name in ("power", "arctan2") else njit(lambda x: function(x))


def main():
    loop(njit(lambda x: x + 1.0), 1)(np.zeros((BLOCKS, 512)))  # the first compilation of a process is slow
    empty = measured(njit(lambda x: x + 1.0), np.ones((1, BLOCKS * 256)))
    print(f"{'ns per element':<16}{'ours':>8}{'math':>8}{'numpy':>8}   packed   seconds to compile   (a loop of x + 1: {empty[0]:.2f} ns, {empty[1]:.3f} s)")
    for name, scalar in SCALAR.items():
        function = VECTOR.get(name, scalar)
        rows = np.random.default_rng(0).uniform(0.05, 0.95, (function.py_func.__code__.co_argcount, BLOCKS * 256))
        rows += name == "arccosh"
        ours, seconds, packed = measured(function, rows)
        peer, ufunc = from_math(name), getattr(np, name, None)
        theirs = f"{measured(peer, rows)[0]:8.2f}" if peer else f"{'':8}"
        numpys = f"{best(lambda ufunc=ufunc, rows=rows: ufunc(*rows)):8.2f}" if ufunc else f"{'':8}"
        print(f"{name:<16}{ours:8.2f}{theirs}{numpys}   {'yes' if packed else 'no':<6}{seconds:12.3f}")


if __name__ == "__main__":
    main()
