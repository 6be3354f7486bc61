"""A number with a range: default, limits, scale and help, described once where it is defined."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar


@dataclass(frozen=True, slots=True)
class Setting:
    """A described number: every widget, caption, check and document about it reads these fields.

    default, low, high: in the setting's own unit (none of the built-in ones has a unit).
    log: whether a slider over it should be logarithmic; needs low > 0.
    label: words shown to people; help: one sentence that explains it.
    Raises ValueError where the numbers contradict each other.
    """

    default: float
    low: float = -math.inf
    high: float = math.inf
    log: bool = False
    help: str = ""
    label: str = ""

    def __post_init__(self) -> None:
        if math.isnan(self.default) or not self.low <= self.default <= self.high:
            raise ValueError(f"the default {self.default:g} must lie between {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError("a logarithmic setting needs a lower limit above 0")

    def clip(self, value: float) -> float:
        """The value, or the end of the range that it lies beyond."""
        return min(max(float(value), self.low), self.high)

    def check(self, value: float, name: str) -> float:
        """The value as a float, or a ValueError that says which values are allowed."""
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{self.label or name} is {value!r}; give a number from {self.low:g} to {self.high:g}") from None
        if not self.low <= number <= self.high:
            raise ValueError(f"{self.label or name} is {number:g}; give a number from {self.low:g} to {self.high:g}")
        return number


V = TypeVar("V")


class FrozenDict(dict[str, V], Generic[V]):
    """A dict that is part of a frozen value: hashable, and never changed after it is made."""

    def __init__(self, items: Mapping[str, V]) -> None:
        super().__init__(items)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type, tuple[dict[str, V]]]:
        return (FrozenDict, (dict(self),))

    def _refuse(self, *_: object, **__: object) -> None:
        raise TypeError("this mapping is frozen: make a new one")

    __setitem__ = __delitem__ = __ior__ = update = pop = popitem = clear = setdefault = _refuse  # type: ignore[assignment]
