"""Processes that save runs, for the tests of the store: many at once, killed, without room, and without leave to write.

python savers.py many|killed|cramped|barred record folder …; each saves the findings of a file that records.py wrote, and prints the ids
it was given, or what it was told instead.
"""

import os
import random
import resource
import signal
import sys
import time
import types
from pathlib import Path

package = sys.modules["gdui"] = types.ModuleType("gdui")
package.__path__ = [str(Path(__file__).parent.parent / "gdui")]  # without all the pages share, which takes seconds to import

from gdui.records import unpacked  # noqa: E402
from gdui.store import Store, StoreError  # noqa: E402


def many(found, folder, runs):
    """So many saves, through a store opened anew for every tenth, so that its sweep comes between the saves of others."""
    for k in range(int(runs)):
        if k % 10 == 0:
            store = Store(Path(folder))
        print(store.save(found, name=f"run {k} of {os.getpid()}").id)


def killed(found, folder, kills, seed):
    """One saver after another, each killed while it saves, every other one by a store opened before the fork.

    Half of them are killed in their first save and half in a later one; when, is a share of the time that a save took.
    """
    dice, store, seconds = random.Random(int(seed)), Store(Path(folder)), 0.01
    for k in range(int(kills)):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                endlessly(Store(Path(folder)) if k % 2 else store, found, writer)
            finally:
                os._exit(1)
        os.close(writer)
        with open(reader) as lines:
            assert lines.readline() == "begun\n"
            if dice.random() < 0.5:
                began = time.perf_counter()
                print(lines.readline(), end="")
                seconds = time.perf_counter() - began
            time.sleep(dice.uniform(0, 1.5 * seconds))
            os.kill(child, signal.SIGKILL)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
            print(lines.read(), end="")


def endlessly(store, found, writer):
    os.write(writer, b"begun\n")
    while True:
        os.write(writer, f"{store.save(found, name='a run').id}\n".encode())


def cramped(found, folder, small):
    """A save of which the disk takes a part only, and one that fits."""
    store, other = Store(Path(folder)), unpacked(Path(small))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    for one in (found, other):
        try:
            print(store.save(one, name="a run").id)
        except StoreError as error:
            print(error)


def barred(found, *folders):
    """What a user without leave to write is told, in each of the folders."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    for folder in folders:
        store = Store(Path(folder))
        runs = store.runs()
        print(store.writable, len(runs), [store.findings(one.id).count for one in runs], store.trouble, sep="|")
        for attempt in (lambda: store.save(found, name="a run"), lambda: store.delete([one.id for one in runs] or ["0"]), lambda: store.purge(9e9)):  # noqa: B023
            try:
                print(attempt())
            except StoreError as error:
                print(error)


if __name__ == "__main__":
    {"many": many, "killed": killed, "cramped": cramped, "barred": barred}[sys.argv[1]](unpacked(Path(sys.argv[2])), *sys.argv[3:])
