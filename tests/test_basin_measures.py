"""How mixed a map is: closed forms, counts by hand, Newton's fractal, and borders that are smooth."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gdcore.basin_measures import basin_entropy, uncertainty_exponent


def plane(n):
    y, x = (np.mgrid[:n, :n] + 0.5) / n
    return x, y


def line(n):
    x, y = plane(n)
    return (x + 0.3 * y > 0.6).astype(np.int32)


def circle(n):
    x, y = plane(n)
    return ((x - 0.5) ** 2 + (y - 0.45) ** 2 < 0.09).astype(np.int32)


def sectors(n):
    x, y = plane(n)
    return (np.arctan2(y - 0.47, x - 0.52) // (2 * np.pi / 3)).astype(np.int32)


def stripes(n):
    return np.broadcast_to(np.arange(n) // 20 % 2, (n, n))


def circles(n):
    x, y = plane(n)
    centres = np.random.default_rng(1).random((15, 2))
    return sum(((x - a) ** 2 + (y - b) ** 2 < 0.0064) * (k + 1) for k, (a, b) in enumerate(centres))


def newton(n):
    """The root of z³ = 1 that Newton's method finds from each place of [-2, 2]²."""
    x = 4 * (np.arange(n) + 0.5) / n - 2
    z = x + 1j * x[:, None]
    for _ in range(50):
        z = z - (z**3 - 1) / (3 * z**2)
    return np.abs(z[..., None] - np.exp(2j * np.pi * np.arange(3) / 3)).argmin(axis=-1)


def noise(n):
    return np.random.default_rng(0).integers(0, 3, (n, n))


@pytest.fixture(scope="module")
def fractal():
    return newton(1024)


# -- basin entropy -----------------------------------------------------------------------------------------------------


def by_hand(labels, box):
    rows, columns = labels.shape
    height, found = 1 if rows == 1 else box, []
    for i in range(0, rows - height + 1, height):
        for j in range(0, columns - box + 1, box):
            counts = Counter(labels[i : i + height, j : j + box].ravel().tolist())
            found.append(-sum(c / (height * box) * math.log(c / (height * box)) for c in counts.values()))
    return found


@given(
    arrays(np.int16, array_shapes(min_dims=2, max_dims=2, min_side=4, max_side=13), elements=st.integers(-1, 3)), st.integers(2, 4)
)
def test_entropies_are_those_made_by_hand(labels, box):
    for some in (labels, labels[:1]):
        found, expected = basin_entropy(some, box), by_hand(some, box)
        border = [entropy for entropy in expected if entropy > 0]
        assert found.entropy == pytest.approx(np.mean(expected), abs=1e-12) and found.boxes == len(expected)
        assert found.boundary == pytest.approx(np.mean(border), abs=1e-12) if border else math.isnan(found.boundary)
        assert found.boundary_boxes == len(border) and found.box == box


def test_entropy_in_closed_form():
    half = np.arange(40) // 5 % 2 * np.ones((40, 1), int)
    assert basin_entropy(half).entropy == 0 and math.isnan(basin_entropy(half).boundary) and not basin_entropy(half).fractal
    halved = basin_entropy(half, 10)
    assert halved.entropy == halved.boundary == pytest.approx(math.log(2)) and not basin_entropy(half[:, :5].repeat(2, 1), 10).fractal
    quarters = basin_entropy(np.add.outer(2 * (np.arange(40) % 2), np.arange(40) % 2), 2)
    assert quarters.entropy == quarters.boundary == pytest.approx(math.log(4)) and quarters.fractal
    assert basin_entropy(np.zeros((9, 9), int)).boxes == 1


def test_a_fractal_border_exceeds_ln_2_and_smooth_ones_do_not(fractal):
    assert basin_entropy(fractal).fractal and basin_entropy(noise(256)).fractal
    assert not any(basin_entropy(shape(512)).fractal for shape in (line, circle, sectors, circles, stripes))
    assert basin_entropy(circle(1024)).entropy == pytest.approx(basin_entropy(circle(256)).entropy / 4, rel=0.1)  # as its border's length


@pytest.mark.parametrize(("shape", "box"), [((9, 9), 1), ((9, 4), 5), ((4, 9), 5), ((9, 9), 0), ((1, 4), 5)])
def test_boxes_that_do_not_fit_are_refused(shape, box):
    with pytest.raises(ValueError, match="do not fit"):
        basin_entropy(np.zeros(shape, int), box)


# -- the exponent of uncertainty ---------------------------------------------------------------------------------------


@given(arrays(np.int8, (40, 36), elements=st.integers(0, 2)))
def test_shares_are_those_of_pairs_counted_by_hand(labels):
    found = uncertainty_exponent(labels)
    across = sum(a != b for row in labels for a, b in zip(row, row[1:], strict=False))
    down = sum(a != b for row in labels.T for a, b in zip(row, row[1:], strict=False))
    assert found.sizes.tolist() == [1] and found.shares[0] == (across + down) / (40 * 35 + 39 * 36)
    assert math.isnan(found.exponent) and found.reason and not found.fractal


@pytest.mark.parametrize("shape", [line, circle, sectors, circles])
@pytest.mark.parametrize("n", [128, 512, 1024])
def test_a_smooth_border_has_exponent_1(shape, n):
    found = uncertainty_exponent(shape(n))
    assert found.exponent == pytest.approx(1, abs=0.04) and found.interval[0] < 1 < found.interval[1] and not found.fractal
    assert found.dimension == 2 - found.exponent and found.reason == ""
    assert found.sizes.tolist() == [2**k for k in range(int(math.log2(n)) - 4)]


def test_the_border_of_newtons_fractal_has_its_known_dimension(fractal):
    """About 1.42 to 1.44 in the literature: C. Grebogi et al. and others count boxes of this very border."""
    found = uncertainty_exponent(fractal)
    assert found.dimension == pytest.approx(1.43, abs=0.02) and found.fractal
    assert found.interval[1] - found.interval[0] < 0.05
    coarse = uncertainty_exponent(newton(256))
    assert coarse.fractal and coarse.exponent == pytest.approx(found.exponent, abs=0.03)


def test_noise_has_exponent_0():
    found = uncertainty_exponent(noise(256))
    assert found.exponent == pytest.approx(0, abs=0.02) and found.interval[0] < 0 < found.interval[1] and found.fractal
    np.testing.assert_allclose(found.shares, 2 / 3, atol=0.01)


def test_borders_within_reach_of_each_other_are_not_taken_for_a_fractal():
    """Stripes of 20 pixels on a map whose largest distance is 32: the shares saturate and then fall."""
    found = uncertainty_exponent(stripes(1024))
    assert found.exponent < 0.9 and not found.fractal


def test_the_gaps_of_a_cantor_set_on_a_strip():
    """Gaps coloured by their generation: their ends are the middle-thirds set, whose dimension is ln 2/ln 3 (G. Cantor 1883)."""
    place = (np.arange(20_000) + 0.5) / 20_000
    digits = (place[:, None] * 3.0 ** np.arange(1, 20) % 3).astype(int)
    found = uncertainty_exponent((digits == 1).argmax(axis=1)[None])
    assert found.dimension == 1 - found.exponent == pytest.approx(math.log(2) / math.log(3), abs=0.04) and found.fractal
    assert found.sizes[-1] == 512


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (np.zeros((512, 512), int), "no border"),
        (line(100), "100 pixels wide"),
        (np.arange(512) // 8 % 2 * np.ones((512, 1), int), "too little border"),
        (np.pad([[1]], 255), "too little border"),
    ],
)
def test_where_there_is_no_exponent_there_is_a_reason(labels, reason):
    found = uncertainty_exponent(labels)
    assert reason in found.reason and not found.fractal
    assert all(math.isnan(number) for number in (found.exponent, *found.interval, found.dimension))


@pytest.mark.parametrize("measure", [basin_entropy, uncertainty_exponent])
@pytest.mark.parametrize("labels", [np.zeros(5, int), np.zeros((0, 5), int)])
def test_what_is_no_map_is_refused(measure, labels):
    with pytest.raises(ValueError, match="shape"):
        measure(labels)


@given(st.integers(0, 2**32 - 1))
def test_names_of_colours_play_no_part(seed):
    labels = circles(128)
    names = np.random.default_rng(seed).permutation(np.arange(-20, 20))[: labels.max() + 1]
    one, other = uncertainty_exponent(labels), uncertainty_exponent(names[labels])
    assert one.shares.tolist() == other.shares.tolist() and one.exponent == other.exponent
    assert basin_entropy(labels).entropy == pytest.approx(basin_entropy(names[labels]).entropy, rel=1e-12)


def test_the_smooth_borders_of_peaks_with_their_slivers_are_not_called_fractal() -> None:
    from gdcore.basins import Window, basin_map, colours
    from gdcore.experiment import Experiment
    from gdcore.gallery import GALLERY
    from gdcore.optimizers import OPTIMIZERS
    from gdcore.stopping import Stopping

    problem = GALLERY["peaks"]
    found = uncertainty_exponent(colours(basin_map(Experiment(problem, OPTIMIZERS["gd"], stopping=Stopping(300)), Window.of(problem), 256, 256)))
    assert 0.85 < found.exponent < 1 and not found.fractal
