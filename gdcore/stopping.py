"""When a run is over, and the names of all the ways it can end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

MOST_EPOCHS = 1_000_000
MOST_TOLERANCE = 1e100  # its square must be a number too


class Ending(Enum):
    """How a run ended; the value is the sentence shown to people."""

    MINIMUM = "settled at a minimum"
    SADDLE = "stopped at a saddle"
    MAXIMUM = "stopped at a maximum"
    DEGENERATE = "stopped at a degenerate stationary point: the Hessian is singular there and decides nothing"
    FLAT = "stopped on flat land: the gradient vanished, but no stationary point is near"
    ORBIT = "caught in an orbit: the same 2 to 8 positions again and again"
    BOUNCING = "bouncing across a kink, where the gradient jumps"
    HOVERING = "hovering near a minimum without settling"
    MOVING = "still moving when the epochs ran out"
    LEFT_BOX = "left the box and was outside when the epochs ran out"
    DIVERGED = "diverged: position or value grew beyond all bounds"
    JUMPED = "jumped a singularity of the function"
    LEFT_DOMAIN = "left the function's domain"
    UNDEFINED = "undefined at the start: the function or its gradient has no finite value there"

    @property
    def label(self) -> str:
        """A word or two, for legends and tables."""
        return LABELS[self]


LABELS = {
    Ending.MINIMUM: "minimum",
    Ending.SADDLE: "saddle",
    Ending.MAXIMUM: "maximum",
    Ending.DEGENERATE: "degenerate point",
    Ending.FLAT: "flat land",
    Ending.ORBIT: "orbit",
    Ending.BOUNCING: "bouncing at a kink",
    Ending.HOVERING: "hovering",
    Ending.MOVING: "still moving",
    Ending.LEFT_BOX: "left the box",
    Ending.DIVERGED: "diverged",
    Ending.JUMPED: "jumped a singularity",
    Ending.LEFT_DOMAIN: "left the domain",
    Ending.UNDEFINED: "undefined at start",
}
ENDINGS = tuple(Ending)
CODE = {ending: code for code, ending in enumerate(ENDINGS)}


@dataclass(frozen=True, slots=True)
class Stopping:
    """When to stop: after `epochs` steps, or earlier where the gradient norm is at most `gradient_tolerance`.

    gradient_tolerance: in the unit of f per unit of x; 0 means never stop early. ValueError for senseless numbers.
    """

    epochs: int = 1000
    gradient_tolerance: float = 1e-6

    def __post_init__(self) -> None:
        if not (type(self.epochs) is int and 1 <= self.epochs <= MOST_EPOCHS):
            raise ValueError(f"epochs is {self.epochs}; give a whole number from 1 to {MOST_EPOCHS:,}")
        if not 0 <= self.gradient_tolerance <= MOST_TOLERANCE:
            raise ValueError(f"the gradient tolerance is {self.gradient_tolerance}; give a number of at least 0 and at most {MOST_TOLERANCE:g}")
        object.__setattr__(self, "gradient_tolerance", float(self.gradient_tolerance))  # 0 and 0.0 are one experiment, with one digest
