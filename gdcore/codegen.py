"""Program → one numpy function that works in place on rows of a workspace.

The generated source holds only names made here (v0, s1, r2) and numbers: no text of a user ever reaches it.
Writing into given rows saves an allocation per operation, and a row is used again as soon as its value is dead, so the
whole working set stays in the processor's cache (4,000 to 16,000 starts at a time).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gdcore.program import Operand, Program

Array = NDArray[np.float64]
BLOCK = 8192


def _erf(u: Array, out: Array | None = None) -> Array:
    from scipy.special import erf  # a heavy import that few formulas need

    result: Array = erf(u) if out is None else erf(u, out=out)
    return result


def _where(condition: Array, a: Array, b: Array, out: Array | None = None) -> Array:
    chosen: Array = np.where(condition, a, b)
    if out is None:
        return chosen
    out[...] = chosen
    return out


SPECIAL = {"erf": _erf, "where": _where}
OPERATIONS = (
    "add subtract multiply divide negative power sqrt exp log sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh "
    "arccosh arctanh abs sign floor ceil cbrt arctan2 maximum minimum greater_equal greater mod"
).split()
NAMESPACE = {name: getattr(np, name) for name in OPERATIONS} | SPECIAL | {"inf": np.inf, "nan": np.nan}


@dataclass(frozen=True)
class ArrayFunction:
    """A compiled program.

    run(vectors, scalars, outputs, workspace): vectors (v, m) in, outputs (k, m) overwritten, workspace (rows, m) scratch.
    """

    rows: int
    outputs: int
    source: str
    run: Callable[[Array, tuple[np.float64, ...], Array, Array], None]

    def __call__(self, vectors: Array, scalars: tuple[np.float64, ...] = ()) -> Array:
        """Outputs (k, n) at vectors (v, n), block by block; without numpy warnings."""
        count = vectors.shape[1]
        out = np.empty((self.outputs, count))
        work = np.empty((self.rows, min(count, BLOCK)))
        with np.errstate(all="ignore"):
            for low in range(0, count, BLOCK):
                block = np.ascontiguousarray(vectors[:, low : low + BLOCK])
                size = block.shape[1]
                part = np.empty((self.outputs, size))
                self.run(block, scalars, part, work[:, :size] if size == work.shape[1] else np.empty((self.rows, size)))
                out[:, low : low + size] = part
        return out


def generate(program: Program) -> ArrayFunction:
    """The numpy function of a program."""
    return _Writer(program).write()


class _Writer:
    """Assigns rows to lines by liveness and prints the function."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.last_use = self._last_uses()
        self.row_of: dict[int, int] = {}
        self.free: list[int] = []
        self.rows = 0

    def write(self) -> ArrayFunction:
        middle = self._body() + self._copies()
        body = self._unpack() + middle  # the number of rows is known only after the body is laid out
        head = "def run(vectors, scalars, outputs, workspace):\n"
        source = head + "".join(f"    {line}\n" for line in body or ["pass"])
        scope: dict[str, object] = dict(NAMESPACE)
        exec(compile(source, "<gdcore program>", "exec"), scope)
        return ArrayFunction(self.rows, len(self.program.outputs), source, scope["run"])  # type: ignore[arg-type]

    def _last_uses(self) -> dict[int, int]:
        last: dict[int, int] = {}
        for number, line in enumerate(self.program.lines):
            for operand in line.operands:
                if isinstance(operand, int):
                    last[operand] = number
        return last

    def _direct(self) -> dict[int, int]:
        """Line → the one output it can be written to at once."""
        return {operand: k for k, operand in reversed(list(enumerate(self.program.outputs))) if isinstance(operand, int)}

    def _unpack(self) -> list[str]:
        program = self.program
        lines = [f"{_names('v', program.vectors)} = vectors"] if program.vectors else []
        lines += [f"{_names('s', program.scalars)} = scalars"] if program.scalars else []
        lines += [f"{''.join(f'o{k}, ' for k in range(len(program.outputs)))} = outputs"] if program.outputs else []
        lines += [f"{''.join(f'r{k}, ' for k in range(self.rows))} = workspace"] if self.rows else []
        return lines

    def _body(self) -> list[str]:
        lines: list[str] = []
        direct = self._direct()
        for number, line in enumerate(self.program.lines):
            operands = ", ".join(self._operand(operand) for operand in line.operands)
            self._release(line.operands, number)
            if line.scalar:
                lines.append(f"c{number} = {line.operation}({operands})")
                continue
            target = f"o{direct[number]}" if number in direct else self._claim(number)
            lines.append(f"{line.operation}({operands}, out={target})")
        return lines

    def _operand(self, operand: Operand) -> str:
        if isinstance(operand, float):
            return repr(operand)
        if isinstance(operand, str):
            kind = "s" if operand in self.program.scalars else "v"
            names = self.program.scalars if kind == "s" else self.program.vectors
            return f"{kind}{names.index(operand)}"
        if self.program.lines[operand].scalar:
            return f"c{operand}"
        direct = self._direct()
        return f"o{direct[operand]}" if operand in direct else f"r{self.row_of[operand]}"

    def _claim(self, number: int) -> str:
        if not self.free:
            self.free.append(self.rows)
            self.rows += 1
        row = self.free.pop()
        self.row_of[number] = row
        if number not in self.last_use:  # computed but never read: cannot happen after lowering, kept safe
            self.free.append(row)
        return f"r{row}"

    def _release(self, operands: tuple[Operand, ...], number: int) -> None:
        for operand in set(operands):
            if isinstance(operand, int) and operand in self.row_of and self.last_use[operand] == number:
                self.free.append(self.row_of[operand])

    def _copies(self) -> list[str]:
        """Outputs that are an input, a number, or the same line as an earlier output."""
        direct = self._direct()
        return [
            f"o{k}[...] = {self._operand(operand)}"
            for k, operand in enumerate(self.program.outputs)
            if not (isinstance(operand, int) and direct[operand] == k and not self.program.lines[operand].scalar)
        ]


def _names(prefix: str, names: tuple[str, ...]) -> str:
    return "".join(f"{prefix}{k}, " for k in range(len(names)))
