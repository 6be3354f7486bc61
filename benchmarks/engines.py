"""What the engines cost, beside C, jax and torch where these are installed; every ratio is of figures from this run.

python benchmarks/engines.py [most starts]: 1,000,000 by default, 10,000,000 for the whole table. --install installs jax and torch.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from gdcore import GALLERY, OPTIMIZERS, Experiment, Problem, Starts, Stopping, run
from gdcore.batches import Work, outcomes
from gdcore.engines import outcomes_by, ready
from gdcore.kernel import kernel

PEAKS, RATE, EPOCHS = GALLERY["peaks"], 0.01, 1000
THREADS = os.cpu_count() or 1


def best(work, times=3):
    """The shortest of so many times, and the last result."""
    seconds, result = [], None
    for _ in range(times):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return min(seconds), result


def experiment(count, optimizer="gd", epochs=EPOCHS, tolerance=1e-6):
    settings = {"lr": RATE} if optimizer == "gd" else OPTIMIZERS[optimizer].defaults
    return Experiment(PEAKS, OPTIMIZERS[optimizer], settings, Starts(count=count), Stopping(epochs, tolerance))


def in_c(points, threads):
    """Seconds of benchmarks/reference.c, or None without a C compiler: the same parts of the starts on so many threads."""
    compiler = shutil.which("gcc")
    if compiler is None:
        return None
    from concurrent.futures import ThreadPoolExecutor

    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "reference.so"
        source = Path(__file__).with_name("reference.c")
        options = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC", "-o", library, source, "-lmvec", "-lm"]
        if subprocess.run([compiler, *options], capture_output=True).returncode:
            return None
        descend = ctypes.CDLL(str(library)).descend

    def part(low, high):
        x, y = np.ascontiguousarray(points[low:high, 0]), np.ascontiguousarray(points[low:high, 1])
        epochs = np.zeros(high - low, np.int64)
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (x, y, epochs)]
        numbers = ctypes.c_ssize_t(high - low), ctypes.c_double(RATE), ctypes.c_double(1e-6), ctypes.c_long(EPOCHS)
        descend(*pointers, *numbers)

    edges = np.linspace(0, len(points), threads + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        return best(lambda: list(pool.map(part, edges[:-1], edges[1:])), 5)[0]


def in_jax(points):
    if find_spec("jax") is None:
        return None
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def f(p):
        x, y = p
        return (
            3 * (1 - x) ** 2 * jnp.exp(-(x**2) - (y + 1) ** 2)
            - 10 * (x / 5 - x**3 - y**5) * jnp.exp(-(x**2) - y**2)
            - jnp.exp(-((x + 1) ** 2) - y**2) / 3
        )

    gradient = jax.vmap(jax.grad(f))
    descend = jax.jit(lambda p: jax.lax.fori_loop(0, EPOCHS, lambda _, q: q - RATE * gradient(q), p))
    start = jnp.asarray(points)
    descend(start).block_until_ready()
    return best(lambda: descend(start).block_until_ready())[0]


def in_torch(points):
    if find_spec("torch") is None:
        return None
    import torch

    torch.set_num_threads(THREADS)

    def descend():
        p = torch.tensor(points, requires_grad=True)
        optimizer = torch.optim.SGD([p], lr=RATE)
        for _ in range(EPOCHS):
            x, y = p[:, 0], p[:, 1]
            f = (
                3 * (1 - x) ** 2 * torch.exp(-(x**2) - (y + 1) ** 2)
                - 10 * (x / 5 - x**3 - y**5) * torch.exp(-(x**2) - y**2)
                - torch.exp(-((x + 1) ** 2) - y**2) / 3
            )
            optimizer.zero_grad()
            f.sum().backward()
            optimizer.step()

    return best(descend, 1)[0]


def against_others(count):
    made, points = experiment(count), Starts(count=count).points(PEAKS)
    compiled, _ = best(lambda: run(made, engine="compiled"), 5)
    descending, _ = best(lambda: outcomes(Work(made, engine="compiled"), points), 5)
    print(f"\n{count:,} starts on peaks, rate {RATE}, at most {EPOCHS:,} epochs, tolerance 1e-6, {THREADS} threads")
    print(f"{'':<44}{'seconds':>9}{'ratio to our compiled engine':>32}")
    print(f"{'compiled engine, to labels':<44}{compiled:9.3f}{1:32.2f}")
    print(f"{'    descent alone':<44}{descending:9.3f}{descending / compiled:32.2f}")
    rows = {
        "C by hand, vectorised, descent alone": in_c(points, THREADS),
        "NumPy engine, to labels": best(lambda: run(made, engine="numpy"), 2)[0],
        "jax jit, all epochs, no labels": in_jax(points),
        "torch, all epochs, no labels": in_torch(points),
    }
    for name, seconds in rows.items():
        print(f"{name:<44}{'not installed':>9}" if seconds is None else f"{name:<44}{seconds:9.3f}{seconds / compiled:32.2f}")
    if rows["C by hand, vectorised, descent alone"]:
        print(f"compiled engine to labels / C: {compiled / rows['C by hand, vectorised, descent alone']:.2f}")


SCALE = """
import re, sys, time
from pathlib import Path
from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, Stopping, run
def made(count):
    return Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=count), Stopping())
run(made(1000), engine="compiled")
count, seconds = int(sys.argv[1]), []
for _ in range(9 if count <= 100_000 else 3 if count <= 1_000_000 else 1):
    started = time.perf_counter()
    found = run(made(count), engine="compiled")
    seconds.append(time.perf_counter() - started)
    del found
peak = re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())  # ru_maxrss would count the parent's
print(min(seconds), int(peak.group(1)) / 1024)
"""


def scaling(most):
    print(f"\n{'starts, to labels':<18}{'seconds':>9}{'µs per start':>15}{'ratio to 10,000':>18}{'peak memory of the process':>29}")
    first = None
    for count in (10_000, 100_000, 1_000_000, 10_000_000):
        if count > most:
            continue
        done = subprocess.run([sys.executable, "-c", SCALE, str(count)], capture_output=True, text=True, check=True)
        seconds, memory = map(float, done.stdout.split())
        first = first or seconds / count
        print(f"{count:<18,}{seconds:9.3f}{1e6 * seconds / count:15.3f}{seconds / count / first:18.2f}{memory:26,.0f} MB")


def optimizers(count=16_384, epochs=10_000):
    def cost(key, threads=None):
        made = experiment(count, key, epochs, 0.0)
        step = kernel(PEAKS, made.optimizer, made.settings, epochs)
        points = made.starts.points(PEAKS)

        def descend():
            return outcomes_by(ready(step, "compiled"), step, points, made.stopping, threads=threads)

        descend()
        return best(descend)[0] / (count * (epochs + 1))

    print(f"\n{'compiled engine, all epochs':<30}{'ns per start and step':>23}{'ratio to plain descent':>25}")
    plain = cost("gd")
    for key in OPTIMIZERS:
        found = cost(key)
        print(f"{key:<30}{1e9 * found:23.2f}{found / plain:25.2f}")
    one, two = cost("gd", 1), cost("gd", 2)
    print(f"two threads against one: {one / two:.2f} times as fast")


def first_result():
    run(experiment(1000), engine="numpy")
    seconds = []
    for k in range(1, 8):
        started = time.perf_counter()
        problem = Problem.from_text(f"3*(1-x)^2*exp(-x^2-(y+1)^2) - 10*(x/5-x^3-y^5)*exp(-x^2-y^2) - exp(-(x+1)^2-y^2)/{k + 3}")
        run(Experiment(problem, OPTIMIZERS["gd"], {"lr": RATE}, Starts(count=1000)))
        seconds.append(time.perf_counter() - started)
    print(f"\nfirst result after typing a new formula, 1,000 starts: median {np.median(seconds):.2f} s, worst {max(seconds):.2f} s")
    code = "import time; t = time.perf_counter(); import gdcore; print(time.perf_counter() - t)"
    done = [float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout) for _ in range(3)]
    print(f"import of gdcore: {min(done):.2f} s (numba only when used)")
    code = """
import time
from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, run
t = time.perf_counter()
run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {}, Starts(count=1000)), engine="compiled")
a = time.perf_counter()
run(Experiment(GALLERY["peaks"], OPTIMIZERS["adam"], {}, Starts(count=1000)), engine="compiled")
print(a - t, time.perf_counter() - a)
"""
    first, second = map(float, subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split())
    print(f"first compiled run of a process (numba imported, everything compiled): {first:.2f} s; a second step: {second:.2f} s")


def main(arguments):
    if "--install" in arguments:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "jax", "torch"], check=True)
    numbers = [int(argument) for argument in arguments if argument.isdigit()]
    against_others(100_000)
    scaling(numbers[0] if numbers else 1_000_000)
    optimizers()
    first_result()


if __name__ == "__main__":
    main(sys.argv[1:])
