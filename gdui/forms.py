"""Forms in which the choices of pages travel: a value ↔ a short text. What makes no sense is a ValueError or KeyError."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gdcore.problem import LARGEST
from gdui.links import NUMBER

MOST_TEXT = 200
MOST_NAMES = 8


@dataclass(frozen=True)
class Form:
    """How a kind of value is written and read; read raises ValueError for what is none."""

    write: Callable[[Any], str]
    read: Callable[[str], Any]


def number(text: str) -> float:
    """A finite number that can be squared."""
    value = float(text) if NUMBER.fullmatch(text) else math.nan
    if not abs(value) <= LARGEST:
        raise ValueError
    return value


def whole(low: int, high: int) -> Form:
    """Whole numbers from low to high."""

    def read(text: str) -> int:
        value = int(number(text))
        if not low <= value <= high:
            raise ValueError
        return value

    return Form(str, read)


def option_of(*options: str) -> Form:
    """One of these texts; any short one where none is given."""

    def read(text: str) -> str:
        if options and text not in options or len(text) > MOST_TEXT:
            raise ValueError
        return text

    return Form(str, read)


def ranges(count: int) -> Form:
    """So many ranges, as in -3..3;0..1."""

    def read(text: str) -> list[tuple[float, float]]:
        found = []
        for part in text.split(";"):
            low, _, high = part.partition("..")
            found.append((number(low), number(high)))
        if len(found) != count or any(not low < high for low, high in found):
            raise ValueError
        return found

    return Form(lambda ranges: ";".join(f"{float(low)!r}..{float(high)!r}" for low, high in ranges), read)


NUMBERS = Form(lambda value: repr(float(value)).removesuffix(".0"), number)
FLAGS = Form(lambda value: "yes" if value else "no", lambda text: {"yes": True, "no": False}[text])
TEXT = option_of()
NAMES = Form(
    lambda names: ";".join(name.replace("%", "%25").replace(";", "%3B") for name in names),
    lambda text: list(dict.fromkeys(name[:MOST_TEXT].replace("%3B", ";").replace("%25", "%") for name in text.split(";")))[:MOST_NAMES],
)
POINTS = Form(lambda point: ",".join(f"{float(c)!r}" for c in point), lambda text: tuple(number(part) for part in text.split(",")[:2]))
