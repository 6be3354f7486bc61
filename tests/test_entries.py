"""Entries of a sweep against single runs: the same starts end in the same way, one by one."""

from dataclasses import replace

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, Stopping, run
from gdcore.entries import batches
from gdcore.quantities import applied
from gdcore.schedules import SCHEDULES
from gdcore.stopping import CODE, Ending

PEAKS = Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": 0.01}, Starts(count=40), Stopping(200))
CUSP = Experiment(GALLERY["tilted_double_well"], OPTIMIZERS["momentum"], {"lr": 0.02}, Starts("grid", 50), Stopping(150))
DECAYING = replace(PEAKS, settings={"lr": SCHEDULES["cosine"].at(0.02)})
CASES = {
    "a setting": (PEAKS, {"setting lr": [0.005, 0.03, 0.064, 0.07]}),
    "a factor of a schedule": (DECAYING, {"setting lr": [0.5, 1.0, 3.0]}),
    "epochs": (PEAKS, {"epochs": [1, 30, 200]}),
    "the tolerance": (PEAKS, {"tolerance": [1e-8, 1e-2, 0.0]}),
    "the size of the start region": (PEAKS, {"start size": [0.2, 1.0, 2.0]}),
    "an end of the start region": (PEAKS, {"start x from": [-4.0, 0.0, 1.9]}),
    "both ends": (PEAKS, {"start x from": [-4.0, 5.0], "start x to": [-3.5, 6.0]}),
    "a parameter": (CUSP, {"parameter b": [-1.8, 0.3, 1.0]}),
    "a parameter and settings": (CUSP, {"setting momentum": [0.0, 0.9, 0.5, 0.9], "parameter b": [1.0, -1.0, 1.0, 0.2], "setting lr": [0.1, 0.02, 0.05, 0.001]}),
    "a schedule and epochs": (DECAYING, {"setting lr": [0.5, 2.0, 0.5], "epochs": [50, 50, 20]}),
}


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("case", CASES)
def test_every_entry_is_a_run_of_its_own(case: str, engine: str) -> None:
    experiment, lists = CASES[case]
    columns = {key: np.array(column, dtype=float) for key, column in lists.items()}
    seen = []
    for batch in batches(experiment, columns, engine=engine):
        n = len(batch.findings.labels) // len(batch.entries)
        for i, entry in enumerate(batch.entries.tolist()):
            alone = run(applied(experiment, {key: float(column[entry]) for key, column in columns.items()}), engine=engine)
            own = slice(i * n, (i + 1) * n)
            assert alone.count == n
            np.testing.assert_array_equal(batch.findings.ending_codes[own], alone.ending_codes)
            np.testing.assert_array_equal(batch.findings.epochs[own], alone.epochs)
            np.testing.assert_array_equal(batch.findings.starts[own], alone.starts)
            for one, other in zip(batch.findings.labels[own], alone.labels, strict=True):
                assert (one < 0) == (other < 0)
                if one >= 0:
                    np.testing.assert_allclose(batch.findings.minima[one].point, alone.minima[other].point, atol=1e-6)
            seen.append(entry)
    assert sorted(seen) == list(range(len(next(iter(columns.values())))))


def test_counts_are_of_each_entry() -> None:
    (batch,) = batches(PEAKS, {"setting lr": np.array([0.02, 0.2])}, engine="numpy")
    endings, (epochs, settled) = batch.endings(), batch.settled()
    assert endings.sum(axis=1).tolist() == [40, 40] and epochs.shape == settled.shape == (2, 40)
    np.testing.assert_array_equal(endings[:, CODE[Ending.MINIMUM]], settled.sum(axis=1))
    assert settled[0].any() and not settled[1].any()
    np.testing.assert_array_equal(batch.counts(np.repeat([0, 2], 40), 3), [[40, 0, 0], [0, 0, 40]])


def test_entries_of_one_problem_come_together_and_a_problem_once() -> None:
    columns = {"parameter b": np.array([0.3, 1.0, 0.3]), "epochs": np.array([10.0, 10.0, 20.0])}
    found = list(batches(CUSP, columns, engine="numpy"))
    assert sorted(tuple(sorted(batch.entries.tolist())) for batch in found) == [(0, 2), (1,)]


def test_progress_rises_to_its_end() -> None:
    done: list[tuple[int, int]] = []
    columns = {"epochs": np.array([50.0, 100.0, 150.0])}
    list(batches(PEAKS, columns, engine="numpy", on_progress=lambda epochs, total, running: done.append((epochs, total))))
    shares = [epochs / total for epochs, total in done]
    assert shares == sorted(shares) and len(shares) > 9 and 0.9 < shares[-1] <= 1


@pytest.mark.parametrize(
    ("experiment", "columns", "said"),
    [
        (replace(PEAKS, starts=Starts(count=1_000_000)), {"setting lr": [0.01] * 11}, "11 values with 1,000,000 starts each are more than 10,000,000 runs"),
        (PEAKS, {"setting lr": [0.01, 11.0]}, "learning rate is 11"),
        (PEAKS, {"setting speed": [0.01, 0.02]}, "has no setting 'speed'"),
        (PEAKS, {"start x from": [-1.0, 4.0]}, "start region of x runs from 4 to 2"),
        (DECAYING, {"setting lr": [1.0, 1e4]}, "the schedule of the learning rate"),
    ],
)
def test_senseless_entries_are_refused_before_anything_runs(experiment: Experiment, columns: dict[str, list[float]], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        next(batches(experiment, {key: np.array(column) for key, column in columns.items()}))
    assert len(str(caught.value)) <= 160
