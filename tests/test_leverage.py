"""Which quantity matters, against single runs and scipy's own indices; idle quantities, seeds, engines."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import sobol_indices

from gdcore import GALLERY, OPTIMIZERS, Experiment, Starts, Stopping, run
from gdcore.knobs import _design
from gdcore.leverage import EPOCHS, SHARE, Leverage, leverage
from gdcore.quantities import Range, applied
from gdcore.success import success_of

ADAM = Experiment(GALLERY["peaks"], OPTIMIZERS["adam"], {"lr": 0.05}, Starts(count=15), Stopping(150))
CUSP = Experiment(GALLERY["tilted_double_well"], OPTIMIZERS["gd"], {"lr": 0.05}, Starts("grid", 20), Stopping(150))
RATE, DECAY = Range("setting lr", 0.01, 1, log=True, label="learning rate"), Range("setting beta1", 0.0, 0.99)
CASES = {
    "settings": (ADAM, [RATE, DECAY]),
    "a parameter, a setting and the budget": (CUSP, [Range("parameter b", -2, 2), Range("setting lr", 0.01, 0.3), Range("epochs", 5, 200, log=True)]),
}


def outputs_of(experiment: Experiment, values: dict[str, float]) -> tuple[float, float]:
    """The share in the deepest minimum and the mean epochs, those of a start that never settles being the budget, by a run."""
    changed = applied(experiment, values)
    found = run(changed, engine="numpy")
    epochs = np.where(found.labels >= 0, found.epochs, changed.stopping.epochs)
    return float(success_of(found, None)[0].mean()), float(epochs.mean())


def whole(experiment: Experiment, ranges: list[Range], found: Leverage, seed: int, base: int) -> NDArray[np.float64]:
    """Both outputs at every point of the design, (2, knobs + 2, base), run by run."""
    design = _design(found.knobs.ranges, base, np.random.default_rng(seed))
    points = zip(*(design[one.key].tolist() for one in ranges), strict=True)
    rows = [outputs_of(experiment, dict(zip(design, point, strict=True))) for point in points]
    return np.array(rows).T.reshape(2, len(ranges) + 2, base)


@pytest.mark.parametrize("case", CASES)
def test_indices_are_those_of_single_runs(case: str) -> None:
    experiment, ranges = CASES[case]
    found = leverage(experiment, ranges, base=8, seed=3, engine="numpy")
    outputs = whole(experiment, ranges, found, 3, 8)
    for k, spread in enumerate((found.share, found.epochs)):
        out = outputs[k]
        assert spread == pytest.approx((out.min(), out.mean(), out.max()), rel=1e-12)
        direct = sobol_indices(func={"f_A": out[:1], "f_B": out[1:2], "f_AB": out[2:, None]}, n=8)
        np.testing.assert_allclose(found.knobs.first[k], direct.first_order.ravel(), atol=1e-9)
        np.testing.assert_allclose(found.knobs.total[k], direct.total_order.ravel(), atol=1e-9)
    assert found.knobs.outputs == (SHARE, EPOCHS) and [q.key for q in found.quantities] == [r.key for r in ranges]
    assert found.starts == run(experiment).count and found.experiment == experiment


def test_an_idle_quantity_has_no_share_in_it() -> None:
    """Epsilon next to gradients of order 1, and a tolerance that only delays the end of runs that settle."""
    longer = replace(ADAM, starts=Starts(count=10), stopping=Stopping(400))
    idle = leverage(longer, [Range("setting lr", 0.02, 1, log=True), Range("setting epsilon", 1e-12, 1e-10, log=True)], base=16, engine="numpy")
    assert (abs(idle.knobs.total[:, 1]) < 1e-3).all() and (idle.knobs.total[:, 0] > 0.5).all()
    assert idle.knobs.ranking(SHARE)[0] == idle.knobs.ranking(EPOCHS)[0] == "setting lr"
    patient = replace(CUSP, stopping=Stopping(1000))
    late = leverage(patient, [Range("setting lr", 0.03, 0.1), Range("tolerance", 1e-6, 1e-2, log=True)], base=16, engine="numpy")
    assert late.knobs.reasons[0] and late.share[0] == late.share[2]  # the share is the same everywhere
    assert late.knobs.total[1, 1] > 0.1


def test_same_seed_same_numbers_and_another_seed_others() -> None:
    one, again, other = (leverage(ADAM, [RATE, DECAY], base=8, seed=seed, engine="numpy") for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.knobs.total, again.knobs.total)
    np.testing.assert_array_equal(one.knobs.total_high, again.knobs.total_high)
    assert (one.share, one.epochs) == (again.share, again.epochs) and one.epochs != other.epochs


@pytest.mark.parametrize("case", CASES)
def test_engines_agree(case: str) -> None:
    experiment, ranges = CASES[case]
    one, other = (leverage(experiment, ranges, base=8, engine=engine) for engine in ("numpy", "compiled"))
    np.testing.assert_array_equal(one.knobs.total, other.knobs.total)
    assert one.share == other.share and one.epochs == other.epochs


def test_a_schedule_is_ranked_by_its_factor() -> None:
    decaying = replace(CUSP, settings={"lr": "0.05*(1 - t/(2*T))"})
    ranges = [Range("setting lr", 0.1, 2), Range("parameter b", -1, 1)]
    found = leverage(decaying, ranges, base=8, engine="numpy")
    outputs = whole(decaying, ranges, found, 0, 8)
    assert found.epochs == pytest.approx((outputs[1].min(), outputs[1].mean(), outputs[1].max()), rel=1e-12)


@pytest.mark.parametrize(
    ("experiment", "ranges", "said"),
    [
        (ADAM, [RATE, RATE], "2 knobs with 1 different names"),
        (ADAM, [], "0 knobs"),
        (ADAM, [RATE, Range("parameter a", 0, 1)], "no parameter 'a'"),
        (ADAM, [Range("setting lr", 0, 1), DECAY], "learning rate is 0"),
        (CUSP, [Range("start x from", -1, 3), Range("setting lr", 0.1, 0.2)], "give the smaller one first"),
        (replace(ADAM, starts=Starts(count=1_000_000)), [RATE, DECAY], "more than 10,000,000 runs"),
    ],
)
def test_senseless_questions_are_refused(experiment: Experiment, ranges: list[Range], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        leverage(experiment, ranges, base=8)
    assert len(str(caught.value)) <= 160


def test_an_unbalanced_base_is_refused() -> None:
    with pytest.raises(ValueError, match="give a power of 2"):
        leverage(ADAM, [RATE, DECAY], base=10)
