"""What sending costs: a run on this machine, on two worker processes of dask, cancelled, and with a worker killed in the middle.

PYTHONPATH=. python benchmarks/executor.py [starts]
"""

from __future__ import annotations

import os
import signal
import sys
from time import perf_counter

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, run
from gdcore.descent import Progress


class Cancelled(Exception):
    """Raised to cancel."""


def timed(name: str, experiment: Experiment, **options: object) -> None:
    began = perf_counter()
    computed = run(experiment, **options).computed  # type: ignore[arg-type]
    print(f"{name:<34}{perf_counter() - began:8.2f} s   {computed.ranges} ranges, {computed.workers} workers, {computed.here} here after all")


def when_a_third_is_done(act: Progress) -> Progress:
    """Calls act once, as soon as a third of the epochs is done."""
    left = [act]

    def report(done: int, total: int, running: int) -> None:
        if left and 3 * done > total:
            left.pop()(done, total, running)

    return report


def main() -> None:
    from distributed import Client, LocalCluster

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    large, small = (Experiment(GALLERY["peaks"], OPTIMIZERS["adam"], {"lr": 0.01}, Starts(count=n)) for n in (count, 1000))
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster, Client(cluster) as client:
        executor = client.get_executor()
        timed("first run, workers still cold", small, executor=executor)
        timed("1,000 starts, this machine", small)
        timed("1,000 starts, two workers", small, executor=executor)
        timed(f"{count:,} starts, this machine", large)
        timed(f"{count:,} starts, two workers", large, executor=executor)

        def kill(*_: int) -> None:
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)

        timed("the same, one worker killed", large, executor=executor, on_progress=when_a_third_is_done(kill))
        client.wait_for_workers(2)
        cancelled = [0.0]

        def cancel(*_: int) -> None:
            cancelled[0] = perf_counter()
            raise Cancelled

        try:
            run(large, executor=executor, on_progress=when_a_third_is_done(cancel))
        except Cancelled:
            print(f"{'cancelled: the call returns after':<34}{perf_counter() - cancelled[0]:8.3f} s")
        client.run(int)
        for future in [client.submit(int, pure=False, workers=[worker]) for worker in client.scheduler_info()["workers"]]:
            future.result()
        print(f"{'cancelled: both workers free after':<34}{perf_counter() - cancelled[0]:8.3f} s")


if __name__ == "__main__":
    main()
