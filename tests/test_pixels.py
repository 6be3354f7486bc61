"""Wholly inside, and beside: counted once more pixel by pixel, and against areas known in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from gdcore.pixels import contents


def by_hand(colours, many):
    """The same counts by looking around every single pixel."""
    rows, columns = colours.shape
    counts = np.zeros((3, many), int)
    for i in range(rows):
        for j in range(columns):
            around = set(colours[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].ravel().tolist())
            counts[0, colours[i, j]] += 1
            counts[1, colours[i, j]] += len(around) == 1
            for colour in around:
                counts[2, colour] += 1
    return counts


@given(arrays(np.int32, array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(0, 3)))
def test_counts_are_those_made_by_hand(colours):
    assert np.array_equal(contents(colours, 4), by_hand(colours, 4))


@pytest.mark.parametrize("n", [40, 200, 1000])
def test_the_area_of_a_disc_lies_between_inner_and_outer_content(n):
    y, x = (np.mgrid[:n, :n] + 0.5) / n
    disc = ((x - 0.47) ** 2 + (y - 0.52) ** 2 < 0.09).astype(np.int32)
    whole, inner, outer = (count[1] / n**2 for count in contents(disc, 2))
    assert inner < np.pi * 0.09 < outer and inner < whole < outer
    assert outer - inner < 10 / n  # the border is 2 pi 0.3 long and some four pixels wide
