"""One step linearised at a minimum → does an optimizer settle there, how fast, and up to which learning rate?

The step maps position and states to new ones. At a minimum its Jacobian J says what becomes of a small deviation: it
shrinks by the spectral radius of J per epoch, or grows where that is above 1 (B. T. Polyak 1964; L. Lessard, B. Recht,
A. Packard 2016, Analysis and design of optimization algorithms via integral quadratic constraints).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sympy import Expr

from gdcore import symbolic
from gdcore.codegen import ArrayFunction, generate
from gdcore.composition import Composition, compose
from gdcore.formula import array_value
from gdcore.optimizers import Optimizer
from gdcore.problem import Problem
from gdcore.program import Lowering, Operand
from gdcore.smoothness import LineValues, reductions, rough_place

Array = NDArray[np.float64]
RATE = "lr"
LATE = (1e8, 1e9)  # two late steps: what depends on t must have come to rest by then
RATES = np.geomspace(1e-9, 1e9, 271)  # where the limit of the learning rate is looked for
UNSTABLE = 1 + 1e-12
ROUNDS, SECTIONS = 8, 64
PROBES = 5  # sets of settings tried alone, of those that fail together
FORGETS = 1e-7  # of a state, per step: one that forgets less keeps what it has
FREE = "keeps what the run has gathered, so the rate depends on the run"


@dataclass(frozen=True)
class Stability:
    """What a step does near a minimum.

    radius: the spectral radius of the step's Jacobian, over the position and the states that act on it: the distance to
    the minimum shrinks by this factor per epoch (below 1), or grows (above 1); nan where there is no linear rate. largest_rate: the largest learning rate up to which
    the radius stays below 1; inf where no limit was found, 0 where no rate is stable, nan where there is no linear rate.
    reason: why there is none, else "".
    """

    radius: float
    largest_rate: float
    reason: str = ""


def stability(
    problem: Problem, optimizer: Optimizer, settings: Mapping[str, float | str], point: ArrayLike
) -> Stability:
    """What one step of the optimizer does near a minimum of the problem at `point` (d,).

    settings: missing ones take their default. A scheduled learning rate has no radius, but still a limit.
    """
    here, values = np.asarray(point, dtype=float), {**optimizer.defaults, **settings}
    moving = [name for name, value in values.items() if isinstance(value, str) and name != RATE]
    if moving:
        label = optimizer.settings[moving[0]].label or moving[0]
        return Stability(np.nan, np.nan, f"the {label} changes with t")
    rate = values.get(RATE)
    numbers = {name: float(value) for name, value in values.items() if not isinstance(value, str)}
    first = rate if isinstance(rate, (int, float)) else optimizer.settings[RATE].default if RATE in values else None
    columns = {**numbers, **({} if first is None else {RATE: np.array([float(first)])})}
    jacobian, reason = _jacobian(problem, optimizer, columns, here)
    if reason:
        return Stability(np.nan, np.nan, reason)
    scheduled = isinstance(rate, str)
    radius = np.nan if scheduled else float(_radii(jacobian, len(here))[0])
    limit = np.nan if first is None else _largest_rate(problem, optimizer, numbers, here)
    return Stability(radius, limit, "the learning rate changes with t" if scheduled else "")


def step_jacobian(
    problem: Problem, optimizer: Optimizer, settings: Mapping[str, float], point: ArrayLike
) -> Array:
    """The Jacobian (m, m) of one whole step at a minimum: position first, then each state; d entries for each.

    ValueError, with the reason, where the step is not smooth there or the minimum is no resting point of it.
    """
    jacobian, reason = _jacobian(problem, optimizer, {**optimizer.defaults, **settings}, np.asarray(point, dtype=float))
    if reason:
        raise ValueError(f"no linear rate: {reason}")
    first: Array = jacobian[0]
    return first


def radii(
    problem: Problem, optimizer: Optimizer, settings: Mapping[str, ArrayLike | str], point: ArrayLike
) -> Array:
    """The spectral radius of one step at a minimum for each of k sets of settings, (k,); nan where there is no linear rate.

    settings: numbers, or arrays (k,) of equal length; missing ones take their default. What fails together is halved,
    along a setting that leaves one half sound if there is any, down to single sets; those that fail at all places probed are
    taken to fail throughout, which claims nothing of them. ValueError for a schedule, and for arrays of unequal length.
    """
    columns, here = _columns(optimizer, settings), np.asarray(point, dtype=float)
    everything = np.arange(max((column.size for column in columns.values()), default=1))
    varied = [column for column in columns.values() if np.ptp(column) > 0]
    found = np.full(everything.size, np.nan)

    def tried(chosen: NDArray[np.intp]) -> bool:
        jacobian, reason = _jacobian(problem, optimizer, {name: column[chosen] for name, column in columns.items()}, here)
        if not reason:
            found[chosen] = _radii(jacobian, len(here))
        return not reason

    waiting = [] if tried(everything) or not varied else [everything]
    while waiting:
        chosen = waiting.pop()
        if not any(tried(chosen[[i]]) for i in np.linspace(0, len(chosen) - 1, PROBES).astype(np.intp)):
            continue
        for column in varied:
            halves = np.array_split(chosen[np.argsort(column[chosen], kind="stable")], 2)
            worked = [tried(half) for half in halves]
            if any(worked):
                break
        waiting += [half for half, fine in zip(halves, worked, strict=True) if len(half) > 1 and not fine]
    return found


def _columns(optimizer: Optimizer, settings: Mapping[str, ArrayLike | str]) -> dict[str, Array]:
    """Every setting as an array (k,)."""
    given = {**optimizer.defaults, **settings}
    for name, value in given.items():
        if isinstance(value, str):
            raise ValueError(f"the {optimizer.settings[name].label or name} changes with t: give a number")
    arrays = {name: np.atleast_1d(np.asarray(value, dtype=float)) for name, value in given.items()}
    lengths = sorted({array.size for array in arrays.values()} - {1})
    if len(lengths) > 1 or 0 in lengths:
        raise ValueError(f"settings have {' and '.join(map(str, lengths))} values: give as many of each, or a single one")
    return {name: np.broadcast_to(array, lengths[0] if lengths else 1) for name, array in arrays.items()}


def _radii(jacobians: Array, dimension: int) -> Array:
    """Spectral radii (k,) of Jacobians (k, m, m); inf where an entry is not finite.

    States that do not act on the position to first order, such as a mean of squares, are left out: how slowly they
    come to rest is not how slowly the run does.
    """
    acts = (jacobians != 0).any(axis=0)
    kept = np.zeros(len(acts), bool)
    kept[:dimension] = True
    for _ in range(len(acts)):
        kept |= acts[kept].any(axis=0)
    jacobians = jacobians[:, kept][:, :, kept]
    sound = np.isfinite(jacobians).all(axis=(1, 2))
    radii = np.full(len(jacobians), np.inf)
    if sound.any():
        radii[sound] = np.abs(np.linalg.eigvals(jacobians[sound])).max(axis=1)
    return radii


def _largest_rate(problem: Problem, optimizer: Optimizer, numbers: Mapping[str, float], point: Array) -> float:
    """The rate at which the spectral radius first reaches 1, bracketed to the last digits."""

    def radii(rates: Array) -> Array:
        jacobian, reason = _jacobian(problem, optimizer, {**numbers, RATE: rates}, point)
        return np.full(len(rates), np.inf) if reason else _radii(jacobian, len(point))

    rates = _with_peaks(RATES, radii)
    lowest = rates[0]
    for _ in range(ROUNDS + 1):
        unstable = np.flatnonzero(~(radii(rates) < UNSTABLE))
        if not unstable.size:
            return np.inf
        if unstable[0] == 0:
            return 0.0 if rates[0] == lowest else float(rates[0])
        rates = np.linspace(rates[unstable[0] - 1], rates[unstable[0]], SECTIONS)
    return float(rates[0])


def _with_peaks(rates: Array, radii: Callable[[Array], Array]) -> Array:
    """The rates, with more of them where the radius peaks below 1: it may be above 1 between two of them."""
    for _ in range(2):
        found = radii(rates)
        found = found[: np.argmax(found >= UNSTABLE)] if (found >= UNSTABLE).any() else found
        middle = found[1:-1]
        peaks = np.flatnonzero((middle > found[:-2] + 1e-9) & (middle >= found[2:]) & (middle > 0.9)) + 1
        rates = np.unique(np.concatenate([rates, *(np.linspace(rates[k - 1], rates[k + 1], SECTIONS) for k in peaks)]))
    return rates


def _jacobian(
    problem: Problem, optimizer: Optimizer, settings: Mapping[str, Any], point: Array
) -> tuple[Array, str]:
    """Jacobians (k, m, m), one for each of the k entries of array settings, and "" or the reason why there are none."""
    written = _written(optimizer, problem.dimension)
    k = max((np.size(value) for value in settings.values()), default=1)
    late = [_Column(written, optimizer, settings, point, float(problem.value(point)), t, k) for t in LATE]
    reason = late[1].rest()
    if reason:
        return np.empty((0, 0, 0)), reason
    late[0].rest()
    hessian = problem.hessian(point)
    jacobian, earlier = (column.jacobian(hessian) for column in (late[1], late[0]))
    if not np.allclose(jacobian, earlier, rtol=1e-6, atol=1e-12, equal_nan=True):
        return np.empty((0, 0, 0)), "the step keeps changing with t"
    if np.isnan(jacobian).any():
        return np.empty((0, 0, 0)), "the step has no derivative at the minimum"
    free = late[1].free_state(jacobian)
    return jacobian, f"{free} {FREE}" if free else ""


# -- the step, its values and its partial derivatives at a point of rest -----------------------------------------------


@dataclass(frozen=True)
class _Written:
    """A step with the partial derivatives of every line, as one array function of everything a step reads."""

    composition: Composition
    inputs: tuple[Expr, ...]
    function: ArrayFunction
    partials: tuple[tuple[Expr, Expr], ...]  # (line symbol, symbol it depends on), in the order of the outputs


@lru_cache(maxsize=64)
def _written(optimizer: Optimizer, dimension: int) -> _Written:
    step = compose(optimizer, dimension)
    inputs = tuple(dict.fromkeys(symbol for group in step.entry.values() for symbol in group))
    inputs += (*step.settings.values(), step.t, step.epochs)
    lowering = Lowering({symbol: f"i{n}" for n, symbol in enumerate(inputs)})
    scalars = {*step.settings.values(), step.t, step.epochs}
    partials: list[tuple[Expr, Expr]] = []
    derived: list[Operand] = []
    for line in step.lines:
        for expression, symbol in zip(line.expressions, line.symbols, strict=True):
            for other in sorted(expression.free_symbols - scalars, key=lambda s: str(s)):
                partials.append((symbol, other))
                derived += lowering.add([symbolic.derivative(expression, other)])
        for symbol, operand in zip(line.symbols, lowering.add(line.expressions), strict=True):
            lowering.bind(symbol, operand)
    values = [lowering.inputs[symbol] for line in step.lines for symbol in line.symbols]
    program = lowering.program([f"i{n}" for n in range(len(inputs))], [*values, *derived])
    return _Written(step, inputs, generate(program), tuple(partials))


class _Column:
    """The step at a minimum for k sets of settings: its point of rest, and its Jacobian there."""

    def __init__(
        self, written: _Written, optimizer: Optimizer, settings: Mapping[str, Any], point: Array, f: float, t: float, k: int
    ) -> None:
        self.written, self.optimizer, self.k = written, optimizer, k
        step, d = written.composition, len(point)
        self.values: dict[Expr, Array] = {step.t: np.full(k, t), step.epochs: np.full(k, LATE[-1])}
        self.values |= {step.settings[name]: np.broadcast_to(np.asarray(value, float), k) for name, value in settings.items()}
        for i in range(d):
            self.values |= {step.entry["x"][i]: np.full(k, point[i]), step.entry["g"][i]: np.zeros(k)}
        self.values[step.entry["f"][0]] = np.full(k, f)
        for name, tree in optimizer.initial:
            start = 0.0 if tree is None else array_value(tree, dict(settings))
            self.values |= {symbol: np.broadcast_to(np.asarray(start, float), k) for symbol in step.entry[name]}
        self.state = [symbol for name in optimizer.states for symbol in step.entry[name]]
        self.exit = [symbol for name in optimizer.states for symbol in step.exit[name]]
        self.position = point

    def evaluate(self) -> dict[tuple[Expr, Expr], Array]:
        """Run the lines once: the values of their symbols are kept, their partial derivatives returned."""
        rows = np.array([self.values[symbol] for symbol in self.written.inputs])
        out = self.written.function(np.ascontiguousarray(rows))
        symbols = [symbol for line in self.written.composition.lines for symbol in line.symbols]
        self.values |= dict(zip(symbols, out, strict=False))
        return dict(zip(self.written.partials, out[len(symbols) :], strict=True))

    def rest(self) -> str:
        """Bring the states to rest with position and gradient held; "" or the reason why there is no point of rest."""
        for _ in range(20):
            partials = self.evaluate()
            if not self.state:
                break
            now, new = (np.array([self.values[s] for s in group]) for group in (self.state, self.exit))
            residual = new - now
            if not np.isfinite(residual).all() or (np.abs(residual) <= 1e-15 * (1 + np.abs(now))).all():
                break
            self._newton(now, residual, partials)
        else:
            return "its states find no point of rest"
        rough = rough_place(self.optimizer, self._named())
        if rough:
            return rough
        step = self.written.composition
        for symbol, x in zip(step.exit["x"], self.position, strict=True):
            if not np.isfinite(self.values[symbol]).all():
                return "the step has no finite value long after the start"
            if not (np.abs(self.values[symbol] - x) <= 1e-12 * (1 + abs(x))).all():
                return "x moves even where the gradient is 0, so the minimum is no resting point of the equations"
        return ""

    def _newton(self, now: Array, residual: Array, partials: Mapping[tuple[Expr, Expr], Array]) -> None:
        """One Newton step on the states for new = now; a plain step where the matrix is singular."""
        jacobian = self._chain(partials, np.zeros((len(self.position),) * 2), self.state, self.exit)
        matrix = np.eye(len(self.state)) - jacobian
        with np.errstate(all="ignore"):
            sound = np.isfinite(matrix).all() and bool((np.abs(np.linalg.det(matrix)) > 1e-12).all())
        change = np.linalg.solve(matrix, residual.T[..., None])[..., 0].T if sound else residual
        for symbol, value in zip(self.state, now + change, strict=True):
            self.values[symbol] = value

    def jacobian(self, hessian: Array) -> Array:
        """The Jacobian (k, m, m) of the whole step."""
        step = self.written.composition
        inputs, outputs = [*step.entry["x"], *self.state], [*step.exit["x"], *self.exit]
        return self._chain(self.evaluate(), hessian, inputs, outputs)

    def _chain(
        self, partials: Mapping[tuple[Expr, Expr], Array], hessian: Array, inputs: list[Expr], outputs: list[Expr]
    ) -> Array:
        """d outputs / d inputs by the chain rule over the lines, (k, len(outputs), len(inputs)); dg/dx is the Hessian."""
        step, m = self.written.composition, len(inputs)
        zero = np.zeros((self.k, m))
        rows: dict[Expr, Array] = {}
        for n, symbol in enumerate(inputs):
            rows[symbol] = np.tile(np.eye(m)[n], (self.k, 1))
        for i, symbol in enumerate(step.entry["g"]):
            rows[symbol] = sum((hessian[i, j] * rows.get(x, zero) for j, x in enumerate(step.entry["x"])), zero)
        for (symbol, other), value in partials.items():
            with np.errstate(invalid="ignore"):
                part = value[:, None] * rows.get(other, zero)
            untouched = value[:, None] == 0  # such as the side of where that is not taken: it may have a pole
            rows[symbol] = rows.get(symbol, zero) + np.where(untouched, 0.0, part)
        return np.stack([rows.get(symbol, zero) for symbol in outputs], axis=1)

    def free_state(self, jacobian: Array) -> str:
        """A state that rests at whatever it has gathered (eigenvalue 1 of its own), or ""."""
        d = len(self.position)
        for n, name in enumerate(self.optimizer.states):
            own = slice(d + n * d, d + (n + 1) * d)
            gathers = np.abs(jacobian[:, own, :]).sum(axis=(1, 2)) > 0
            block = jacobian[:, own, own]
            alone = np.allclose(block, np.eye(d), rtol=FORGETS, atol=1e-12) and np.allclose(np.delete(jacobian[:, own, :], np.r_[own], axis=2), 0)
            if alone and gathers.all() and self._used(name):
                return f"'{name}'"
        return ""

    def _used(self, name: str) -> bool:
        """Whether any line reads and reassigns the state: one that merely holds its start value gathers nothing."""
        return any(update.target == name for update in self.optimizer.updates)

    def _named(self) -> list[LineValues]:
        """Every line in every coordinate, with the values that it reads."""
        step = self.written.composition
        now = {name: list(group) for name, group in step.entry.items()}
        scalars = {name: self.values[symbol] for name, symbol in step.settings.items()}
        scalars |= {"t": self.values[step.t], "T": self.values[step.epochs]}
        found = []
        for line in step.lines:
            if line.update is None:
                continue
            coordinates = [{**scalars, **{name: self.values[group[i]] for name, group in now.items()}} for i in range(len(self.position))]
            known = reductions(line.update.tree, coordinates)
            found += [LineValues(line.update, names, known) for names in coordinates]
            now[line.update.target] = list(line.symbols)
        return found
