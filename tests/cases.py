"""The reference cases under tests/cases, read once for every test that needs them."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "cases"


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def lines(name: str) -> list[str]:
    """Lines that are no comments, without their newline; leading blanks matter."""
    text = (FOLDER / name).read_text(encoding="utf-8").split("\n")
    return [line for line in text if line.strip() and not line.startswith("#")]


def attacks(name: str) -> list[str]:
    """Hostile strings; a GEN: line is an expression of ours that makes one."""
    return [eval(line[4:]) if line.startswith("GEN:") else line for line in lines(name)]


def optional_formulas() -> list[list[str]]:
    text = (FOLDER / "valid_formulas.txt").read_text(encoding="utf-8").split("\n")
    return [line.split("\t")[1:3] for line in text if line.startswith("#OPT\t")]


def box2(bounds: list[list[float]]) -> dict[str, tuple[float, float]]:
    return {name: (low, high) for name, (low, high) in zip("xy", bounds, strict=False)}
