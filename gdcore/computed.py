"""By which engine, on which machines and how fast a run was computed: told beside the findings, and no part of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Computed:
    """engine: "numpy" or "compiled". seconds: from the starts to the labels.

    workers: how many of an executor's workers handed anything back, 0 where all was computed on this machine; hosts: the
    machines they ran on; address: of their scheduler, where it is known. ranges: how many ranges of starts the run was cut
    into; here: how many of them this machine computed although an executor was given; trouble: why it did, or "".
    """

    engine: str = "numpy"
    seconds: float = 0.0
    workers: int = 0
    hosts: tuple[str, ...] = ()
    address: str = ""
    ranges: int = 1
    here: int = 0
    trouble: str = ""
