"""Saved runs: seconds and MB to save and to open many starts (peaks, plain descent at rate 0.01), to list 10,000 runs, and small saves.

PYTHONPATH=. python benchmarks/store.py [starts]; of three runs each, the fastest counts.
"""

import os
import sys
import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, run
from gdui.archive import exported, imported
from gdui.index import add
from gdui.records import packed, unpacked
from gdui.saved import entry
from gdui.store import Store

LISTED, SMALL = 10_000, 200


def fastest(work, times=3):
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def found(count):
    return run(Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=count)))


def written(file, data):
    with open(file, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def large(folder, findings):
    store = Store(folder)
    data = packed(findings)
    saved = store.save(findings, name="large")
    print(f"{'pack':<44}{fastest(lambda: packed(findings)):>10.3f} s   {len(data) / 1e6:.1f} MB")
    print(f"{'pack, write and fsync':<44}{fastest(lambda: written(folder / 'x', packed(findings))):>10.3f} s")
    print(f"{'save':<44}{fastest(lambda: store.save(findings, name='large')):>10.3f} s")
    print(f"{'unpack':<44}{fastest(lambda: unpacked(data)):>10.3f} s")
    print(f"{'open from the store':<44}{fastest(lambda: store.findings(saved.id)):>10.3f} s")
    archive = exported(store, [saved.id])
    print(f"{'export':<44}{fastest(lambda: exported(store, [saved.id])):>10.3f} s   {len(archive) / 1e6:.1f} MB")
    print(f"{'import':<44}{fastest(lambda: imported(store, archive)):>10.3f} s")


def small(folder, findings):
    store = Store(folder)
    started = time.perf_counter()
    for k in range(SMALL):
        store.save(findings, name=f"run {k}")
    print(f"{f'small saves per second, {SMALL} of {findings.count} starts':<44}{SMALL / (time.perf_counter() - started):>10.0f}")
    made = entry(findings, name="a run", note="of many", tags=["one", "two"], view={"scale": "log"})
    with store.index.transaction() as index:
        for k in range(LISTED - SMALL):
            add(index, replace(made, run=replace(made.run, id=uuid.uuid4().hex, created=float(k))))
    print(f"{f'list {len(store.runs()):,} runs':<44}{fastest(store.runs):>10.3f} s")
    print(f"{'open the store of so many':<44}{fastest(lambda: Store(folder)):>10.3f} s")


def main(count):
    with tempfile.TemporaryDirectory() as folder:
        print(f"{count:,} starts:")
        large(Path(folder) / "large", found(count))
        small(Path(folder) / "small", found(20))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
