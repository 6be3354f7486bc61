"""Counts → shares of all starts, with intervals."""

from __future__ import annotations

import math

Z95 = 1.959963984540054  # the normal quantile that leaves 2.5 % on each side


def wilson(count: int, total: int, z: float = Z95) -> tuple[float, float]:
    """The Wilson score interval (low, high) of the share count/total, both in 0..1; 95 % by default.

    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference. ValueError unless
    0 <= count <= total and total > 0.
    """
    if not 0 <= count <= total or total == 0:
        raise ValueError(f"{count} of {total} is no share: give 0 <= count <= total and total > 0")
    share, half = count / total, half_width(count / total, total, z)
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    return (0.0 if count == 0 else max(0.0, centre - half), 1.0 if count == total else min(1.0, centre + half))


def half_width(share: float, total: int, z: float = Z95) -> float:
    """Half the width of the Wilson interval of a share in 0..1 of so many starts; falls with every start."""
    return z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
