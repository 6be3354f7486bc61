"""Wilson's interval against scipy's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from gdcore.shares import Z95, wilson

COUNTS = [(0, 1), (1, 1), (0, 1000), (1, 1000), (340, 1000), (999, 1000), (1000, 1000), (5, 10), (3, 1_000_000)]


@pytest.mark.parametrize(("count", "total"), COUNTS)
@pytest.mark.parametrize("level", [0.95, 0.8, 0.99])
def test_agrees_with_scipy(count: int, total: int, level: float) -> None:
    wanted = binomtest(count, total).proportion_ci(confidence_level=level, method="wilson")
    found = wilson(count, total) if level == 0.95 else wilson(count, total, float(norm.ppf((1 + level) / 2)))
    assert found == pytest.approx((wanted.low, wanted.high), rel=1e-11, abs=1e-15)


def test_the_quantile_is_that_of_95_percent() -> None:
    assert Z95 == pytest.approx(norm.ppf(0.975), rel=1e-15)


@given(st.integers(1, 10**7).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_an_interval_holds_its_share_and_mirrors(pair: tuple[int, int]) -> None:
    count, total = pair
    low, high = wilson(count, total)
    assert 0 <= low <= count / total <= high <= 1 and low < high
    assert wilson(total - count, total) == pytest.approx((1 - high, 1 - low), abs=1e-12)
    wanted = binomtest(count, total).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((wanted.low, wanted.high), rel=1e-9, abs=1e-14)


@pytest.mark.parametrize(("count", "total"), [(-1, 5), (6, 5), (0, 0)])
def test_what_is_no_share(count: int, total: int) -> None:
    with pytest.raises(ValueError, match="is no share"):
        wilson(count, total)
