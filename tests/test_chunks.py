"""Pieces of a long array: all of it, once, in order."""

import numpy as np
import pytest

from gdcore.chunks import in_pieces


@pytest.mark.parametrize(("count", "size", "pieces"), [(0, 5, 0), (4, 5, 1), (5, 5, 1), (6, 5, 2), (1000, 7, 143)])
def test_pieces_cover_everything_once_and_in_order(count, size, pieces):
    found = in_pieces(lambda piece: np.arange(count)[piece], count, size)
    assert len(found) == pieces and all(part.size <= size for part in found)
    assert np.concatenate([np.empty(0, int), *found]).tolist() == list(range(count))


def test_an_exception_in_a_piece_is_not_lost():
    with pytest.raises(ZeroDivisionError):
        in_pieces(lambda piece: 1 // (piece.start - 40), 100, 10)
