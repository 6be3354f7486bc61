"""Program → the text of one step over a block of lanes, one start a lane, for a compiler that vectorises loops.

A lane loop holds no call and no branch. Where an operation has no such form, or one that holds only for arguments of
ordinary size, the step is cut: a loop up to there, a loop over the lanes concerned, and a loop for what follows.
As in codegen.py, the text holds only names made here and numbers.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TypeGuard

from gdcore.program import Operand, Program

LANES = 256  # starts in a block: some ten rows of them fit the processor's first cache
RUNNING, CROSSING, OVER = 0.0, 1.0, 2.0  # what a step says of a lane: nothing, another cell of the formula, a run that ends

INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
BOUNDS = ("longest", "centre", "reach")  # numbers of each coordinate


@dataclass(frozen=True)
class Layout:
    """Rows of a block's workspace, in order, and columns of the table of numbers.

    states rows that a step changes in place; d rows `here`, the positions at which f was taken; `cells` rows with the
    formula's cells there; with any cells, d rows `before`, one step earlier; f, |∇f|² and the lane's flag; `active`, 1 where
    flags are wanted, else 0; spilled values.
    Numbers: distance looked at (0 or 1), tolerance², the longest step of a run that has settled in each coordinate, the
    centre of the box, how far from it a run may go; then one for each entry of `constants`, operands that are the same in every lane.
    """

    states: int
    dimension: int
    cells: int
    spills: int
    constants: tuple[Operand, ...]

    @property
    def here(self) -> int:
        return self.states

    @property
    def before(self) -> int:
        return self.states + (self.dimension + self.cells if self.cells else 0)

    @property
    def value(self) -> int:
        return self.states + self.dimension * (2 if self.cells else 1) + self.cells

    @property
    def active(self) -> int:
        return self.value + 3

    @property
    def spilled(self) -> int:
        return self.value + 4

    @property
    def rows(self) -> int:
        return self.spilled + self.spills

    @property
    def kept(self) -> int:
        """Leading rows that must survive from one segment to the next."""
        return self.states + (self.dimension + self.cells if self.cells else 0)

    @property
    def fixed(self) -> int:
        """Leading columns of the table, before those of the constants."""
        return 2 + len(BOUNDS) * self.dimension

    @property
    def columns(self) -> int:
        return self.fixed + len(self.constants)


@dataclass(frozen=True)
class LaneCode:
    """The text of `step(workspace, numbers)`, which returns the flags of all lanes or-ed together, and its layout."""

    source: str
    layout: Layout


def write(program: Program, dimension: int, vector: Collection[str], limited: dict[str, float]) -> LaneCode:
    """The code of a step; program as made by kernel.program_of with cells.

    vector: operations that have a form without calls; limited: the largest |argument| for which that form holds.
    """
    return _Writer(program, dimension, vector, limited).write()


class _Writer:
    """Cuts the program into stages and prints them."""

    def __init__(self, program: Program, dimension: int, vector: Collection[str], limited: dict[str, float]) -> None:
        self.program, self.d, self.limited = program, dimension, limited
        self.vector = {*vector, *INFIX, "negative"}
        self.states = len(program.vectors)
        self.cells = len(program.outputs) - self.states - 1 - dimension
        self.stage = [0] * len(program.lines)  # the stage in which a line is computed
        self.ready = [0] * len(program.lines)  # the first stage in which its value can be read
        self.spill: dict[int, int] = {}
        self.constants: dict[Operand, int] = {}
        self._cut()
        self.layout = Layout(self.states, dimension, self.cells, len(self.spill), ())  # constants are met on the way

    def write(self) -> LaneCode:
        stages = max(self.ready, default=0) + 1
        bodies = [self._stage(k, last=k == stages - 1) for k in range(stages)]
        layout = replace(self.layout, constants=tuple(self.constants))
        head = [f"w = carray(workspace, {layout.rows * LANES})", f"c = carray(numbers, {layout.columns})", "flags = int64(0)"]
        head += ["looks = c[0]", "tolerance = c[1]"]
        head += [f"{name}{i} = c[{2 + k * self.d + i}]" for k, name in enumerate(BOUNDS) for i in range(self.d)]
        head += [f"k{n} = c[{layout.fixed + n}]" for n in self.constants.values()]
        lines = [*head, *(line for body in bodies for line in body), "return flags"]
        return LaneCode("def step(workspace, numbers):\n" + "".join(f"    {line}\n" for line in lines), layout)

    def _cut(self) -> None:
        for n, line in enumerate(self.program.lines):
            if line.scalar:
                continue
            self.stage[n] = max((self.ready[o] for o in line.operands if isinstance(o, int)), default=0)
            simple = line.operation in self.vector and line.operation not in self.limited
            self.ready[n] = self.stage[n] + (not simple)
        last = max(self.ready, default=0)
        for n, line in enumerate(self.program.lines):
            if line.scalar:
                continue
            for operand in line.operands:
                if self._is_lane(operand) and (self.stage[operand] < self.stage[n] or self.ready[n] > self.stage[n]):
                    self._keep(operand)
            if self.ready[n] > self.stage[n]:
                self._keep(n)
        for operand in self.program.outputs:
            if self._is_lane(operand) and self.stage[operand] < last:
                self._keep(operand)

    def _is_lane(self, operand: Operand) -> TypeGuard[int]:
        """Whether it is a line with one value per lane."""
        return isinstance(operand, int) and not self.program.lines[operand].scalar

    def _keep(self, line: int) -> None:
        self.spill.setdefault(line, len(self.spill))

    def _place(self, row: int) -> str:
        return f"w[{row * LANES} + i]"

    def _spilled(self, line: int) -> str:
        return self._place(self.layout.spilled + self.spill[line])

    def _name(self, operand: Operand) -> str:
        if isinstance(operand, float):
            return repr(operand)
        if isinstance(operand, str) and operand not in self.program.scalars:
            return f"v{self.program.vectors.index(operand)}"
        if self._is_lane(operand):
            return f"r{operand}"
        return f"k{self.constants.setdefault(operand, len(self.constants))}"

    # -- one stage -----------------------------------------------------------------------------------------------------

    def _stage(self, stage: int, *, last: bool) -> list[str]:
        mine = [n for n, line in enumerate(self.program.lines) if not line.scalar and self.stage[n] == stage]
        if not mine and not last:
            return []
        body = self._loads(mine, stage, last)
        apart: list[int] = []
        for n in mine:
            line = self.program.lines[n]
            if line.operation not in self.vector:
                apart.append(n)
                continue
            body.append(f"r{n} = {self._operation(n)}")
            if n in self.spill:
                body.append(f"{self._spilled(n)} = r{n}")
            if line.operation in self.limited:
                body.append(f"large{stage} |= int64(absolute({self._name(line.operands[0])}) > {self.limited[line.operation]!r})")
        if last:
            body += self._outputs()
        beyond = [n for n in mine if self.program.lines[n].operation in self.limited]
        lines = [f"large{stage} = int64(0)"] if beyond else []
        lines += [f"for i in range({LANES}):", *(f"    {line}" for line in body or ["pass"])]
        lines += self._apart(apart)
        if beyond:
            lines += [f"if large{stage}:", *(f"    {line}" for n in beyond for line in self._mended(n))]
        return lines

    def _loads(self, mine: list[int], stage: int, last: bool) -> list[str]:
        needed = [operand for n in mine for operand in self.program.lines[n].operands]
        if last:
            needed += [*self.program.outputs, *self.program.vectors[: self.d]]
        loads = []
        for operand in dict.fromkeys(operand for operand in needed if not isinstance(operand, float)):  # 1 and 1.0 are one key
            if isinstance(operand, str) and operand not in self.program.scalars:
                k = self.program.vectors.index(operand)
                loads.append(f"v{k} = {self._place(k)}")
            elif isinstance(operand, int) and operand in self.spill and operand not in mine:
                loads.append(f"r{operand} = {self._spilled(operand)}")
        return loads

    def _operation(self, n: int) -> str:
        line = self.program.lines[n]
        operands = [self._name(operand) for operand in line.operands]
        if line.operation == "negative":
            return f"-({operands[0]})"
        if line.operation in INFIX:
            return f"({operands[0]}) {INFIX[line.operation]} ({operands[1]})"
        return f"{line.operation}({', '.join(operands)})"

    def _apart(self, lines: list[int]) -> list[str]:
        """Loops of their own for operations that are calls."""
        out = []
        for n in lines:
            line = self.program.lines[n]
            operands = ", ".join(self._anywhere(operand) for operand in line.operands)
            out += [f"for i in range({LANES}):", f"    {self._spilled(n)} = scalar_{line.operation}({operands})"]
        return out

    def _mended(self, n: int) -> list[str]:
        line = self.program.lines[n]
        argument = self._anywhere(line.operands[0])
        return [
            f"for i in range({LANES}):",
            f"    if absolute({argument}) > {self.limited[line.operation]!r}:",
            f"        {self._spilled(n)} = scalar_{line.operation}({argument})",
        ]

    def _anywhere(self, operand: Operand) -> str:
        """The operand read from the workspace, outside of a stage's own loop."""
        if isinstance(operand, str) and operand not in self.program.scalars:
            return self._place(self.program.vectors.index(operand))
        return self._spilled(operand) if isinstance(operand, int) and operand in self.spill else self._name(operand)

    def _outputs(self) -> list[str]:
        """What the last loop writes: the flag first, then everything in place."""
        layout = self.layout
        outputs = [self._name(operand) for operand in self.program.outputs]
        value, gradient = outputs[self.states], outputs[self.states + 1 : self.states + 1 + self.d]
        cells = outputs[self.states + 1 + self.d :]
        lines = [f"n{i} = {outputs[i]}" for i in range(self.d)]
        lines += [f"f = {value}", "g = " + " + ".join(f"({g}) * ({g})" for g in gradient)]
        lines += ["over = (difference(f, f) != 0.0) | (difference(g, g) != 0.0)"]
        lines += ["still = " + " & ".join(f"(absolute(difference(n{i}, v{i})) <= longest{i})" for i in range(self.d))]
        lines += ["near = " + " & ".join(f"(absolute(difference(v{i}, centre{i})) <= reach{i})" for i in range(self.d))]
        lines += ["small = g <= tolerance", "crossed = False"]
        for k, cell in enumerate(cells):
            place = self._place(layout.here + self.d + k)
            lines += [f"crossed |= {place} != {cell}", f"{place} = {cell}"]
        lines += ["over |= (small & still) | (((looks > 0.0) | small | crossed) & (not near))"]
        active = f"({self._place(layout.active)} != 0.0)"
        lines += [f"over &= {active}", f"flag = {OVER!r} if over else {RUNNING!r}", "flags |= int64(over)"]
        if self.cells:
            lines += [f"crossed &= {active}", f"flag = {CROSSING!r} if (crossed & (not over)) else flag", "flags |= int64(crossed)"]
            lines += [f"{self._place(layout.before + i)} = {self._place(layout.here + i)}" for i in range(self.d)]
        lines += [f"{self._place(layout.here + i)} = v{i}" for i in range(self.d)]
        after = [f"n{i}" for i in range(self.d)] + outputs[self.d : self.states]
        names = [f"v{k}" for k in range(self.states)]
        lines += [f"{self._place(k)} = {new}" for k, (new, old) in enumerate(zip(after, names, strict=True)) if new != old]
        lines += [f"{self._place(layout.value + k)} = {name}" for k, name in enumerate(("f", "g", "flag"))]
        return lines
