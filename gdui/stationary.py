"""Certificate and structure → the marks of a map, what is said of each, and the rows of their table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

import numpy as np
import pandas as pd

from gdcore.areas import Area
from gdcore.certificate import KINDS, Certificate, CertifiedPoint, Interval
from gdcore.problem import Problem
from gdcore.structure import Structure
from gdui.wording import figure, percent, undecided

EDGE, BOUNDARY = "on the edge", "boundary"
NAMES = {"undecided": "Undecided point", EDGE: "Point on the edge", BOUNDARY: "Boundary minimum"}
PLURALS = {"minimum": "minima", "saddle": "saddles", "maximum": "maxima", "undecided": "points of undecided kind"}
GLYPHS = {"minimum": "●", "saddle": "◆", "maximum": "▲", "undecided": "✚", EDGE: "○", BOUNDARY: "□"}
MOST_DRAWN = 600  # marks on a map, so that it stays a map
MOST_NUMBERS = 40  # minima on a map that bear theirs
MOST_ROWS = 200
AREA = "area (95 %)"
REACH = 0.03  # box widths within which a click means the mark
APART = 0.35  # and as a share of the distance to the next mark, so that there is land between them
DIGITS = 17  # decimals that are ever shown


@dataclass(frozen=True)
class Mark:
    """A certified point as it is drawn and told of: its number within its kind, from 1, and its place among the points."""

    kind: str
    number: int
    certified: CertifiedPoint
    index: int | None = None

    @property
    def name(self) -> str:
        return f"{NAMES.get(self.kind, self.kind.capitalize())} {self.number}"

    @property
    def proof(self) -> str:
        """What of it is proved."""
        told = {"undecided": "proved, its kind not", EDGE: "proved, on the edge"}
        return told.get(self.kind, "proved")


def marks(certificate: Certificate | None) -> tuple[Mark, ...]:
    """All points of a certificate: minima first, numbered from the deepest as everywhere."""
    if certificate is None:
        return ()
    counts: Counter[str] = Counter()
    out = []
    for index, point in enumerate(certificate.points):
        counts[point.kind] += 1
        out.append(Mark(point.kind, counts[point.kind], point, index))
    out += [Mark(EDGE, k, point) for k, point in enumerate(certificate.edge, start=1)]
    out += [Mark(BOUNDARY, k, point) for k, point in enumerate(certificate.boundary, start=1)]
    return tuple(out)


def drawn(found: Sequence[Mark], most: int = MOST_DRAWN) -> tuple[Mark, ...]:
    """Those that a map shows: all, or the lowest in f; their order stays."""
    if len(found) <= most:
        return tuple(found)
    lowest = np.sort(np.argsort([mark.certified.value for mark in found], kind="stable")[:most])
    return tuple(found[int(k)] for k in lowest)


def nearest(found: Sequence[Mark], problem: Problem, axes: tuple[int, int], place: Mapping[str, float]) -> Mark | None:
    """The mark that a click at place (x and, on a map, y) means, or None: only open land is near."""
    if not found:
        return None
    used = [axis for axis, channel in zip(axes, ("x", "y"), strict=True) if channel in place]
    here = np.array([float(place[channel]) for channel in ("x", "y") if channel in place])
    width = (problem.highs - problem.lows)[used]
    places = np.array([mark.certified.point for mark in found])[:, used] / width
    away = np.abs(places - here / width).max(axis=1)
    near = int(np.argmin(away))
    others = np.abs(places - places[near]).max(axis=1)
    gap = float(others[others > 1e-9].min(initial=np.inf))  # marks of other places, where a projection puts some together
    return found[near] if away[near] <= min(REACH, APART * gap) else None


# -- sentences ---------------------------------------------------------------------------------------------------------


def sentence(certificate: Certificate, variables: int) -> str:
    """Which stationary points there are, and whether these are all."""
    counts = [(kind, len(certificate.of_kind(kind))) for kind in KINDS]
    parts = [f"{n:,} {kind if kind != 'undecided' else 'point of undecided kind'}" if n == 1 else f"{n:,} {PLURALS[kind]}" for kind, n in counts if n]
    if certificate.edge:
        n = len(certificate.edge)
        parts.append(f"{n:,} stationary point{'' if n == 1 else 's'} on the box's edge")
    total, listed = len(certificate.points) + len(certificate.edge), _listed(parts)
    if certificate.complete:
        if not total:
            first = "There is no stationary point in the box (proved)."
        else:
            first = f"{listed}: {'this is the only stationary point' if total == 1 else 'these are all stationary points'} in the box (proved)."
    elif not certificate.boxes:
        first = f"With {variables} variables nothing can be proved of the stationary points."
    else:
        some = f"{listed} {'is' if total == 1 else 'are'} proved" if total else "No stationary point is proved"
        first = f"{some}; {undecided(certificate)} undecided ({certificate.reason}), so there may be {'more' if total else 'some'}."
    n = len(certificate.boundary)
    more = f" {n:,} more {'minimum lies' if n == 1 else 'minima lie'} on the box's boundary, where the slope leads out." if n else ""
    return first[:1].upper() + first[1:] + more


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts[:-1]) + f" and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def click_caption(problem: Problem, found: Sequence[Mark]) -> str:
    """What a click on the map does, and what the arrow is; found: the marks it shows."""
    mark = ", or on a mark for its figures" if found else ""
    arrow = " The arrow points downhill." if problem.dimension > 1 else ""
    return f"Click to start there{mark}.{arrow}"


def map_caption(found: Sequence[Mark], certificate: Certificate | None, problem: Problem) -> str:
    """What the marks mean, and which are drawn; found: those that are."""
    if certificate is None or not found:
        return "" if certificate is None or not certificate.unresolved else "□ red: not proved."
    numbered = sum(mark.kind == "minimum" for mark in found) <= MOST_NUMBERS
    words = {"minimum": "minimum, numbered from the deepest" if numbered else "minimum", BOUNDARY: "minimum on the box's boundary"}
    kinds = [f"{GLYPHS[kind]} {words.get(kind, kind)}" for kind in GLYPHS if any(mark.kind == kind for mark in found)]
    regions = ["□ red: not proved"] if certificate.unresolved else []
    total = len(certificate.points) + len(certificate.edge) + len(certificate.boundary)
    few = f" Of {total:,} points the {len(found):,} lowest are drawn." if len(found) < total else ""
    flat = " Points off the map's plane are projected onto it; where several fall together the deepest is on top." if problem.dimension > 2 else ""
    return f"{', '.join(kinds + regions)}.{few}{flat}"


def tree_caption(structure: Structure, certificate: Certificate) -> str:
    """How the disconnectivity graph is read, and how far it can be trusted."""
    if len(structure.minima) < 2:
        return f"{'One minimum is' if structure.minima else 'No minimum is'} proved in the box: there is no barrier to draw."
    roots = len(structure.barriers.tree.roots)
    apart = " No saddle in the box joins those with dashed branches." if roots > 1 else ""
    some = "" if certificate.complete else " Saddles that are not proved are missing: barriers may be lower."
    return (
        "Disconnectivity graph: minima at their f, joined at the lowest saddle over which a way leads from one to the other; "
        f"what a branch rises is the barrier.{apart}{some} Points are proved; curves, barriers and areas are computed."
    )


# -- figures -----------------------------------------------------------------------------------------------------------


def enclosure(value: float, limits: Interval) -> str:
    """0.228278920556369 ± 1e−14: a decimal and a distance, rounded up, within which the interval lies."""
    low, high = Decimal(limits[0]), Decimal(limits[1])
    width = max(high - low, Decimal(0))
    if low == high and low == low.to_integral_value():
        return figure(float(low), 12).rstrip("0").rstrip(".") if "." in figure(float(low), 12) else figure(float(low), 12)
    decimals = DIGITS if width < Decimal(10) ** -DIGITS else max(0, math.ceil(-math.log10(float(width) / 2)))
    if abs(value) > 0:
        decimals = max(0, min(decimals, 15 - math.floor(math.log10(abs(value)))))
    middle = Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_EVEN)
    reach = max(high - middle, middle - low)
    if reach <= 0:
        return _minus(f"{middle:f}")
    if middle == 0:
        middle = Decimal(0)
    exponent = reach.adjusted()
    digit = (reach.scaleb(-exponent)).to_integral_value(rounding=ROUND_CEILING)
    if digit == 10:
        digit, exponent = Decimal(1), exponent + 1
    return _minus(f"{middle:f} ± {digit}e{exponent}")


def _minus(text: str) -> str:
    return text.replace("-", "−")


def area(part: Area) -> str:
    return f"{percent(part.share)} ({100 * part.low:.1f}–{100 * part.high:.1f})"


def figures(mark: Mark, problem: Problem, structure: Structure | None) -> list[tuple[str, str]]:
    """What is known of a mark, as (quantity, value)."""
    point = mark.certified
    rows = [(name, enclosure(c, limits)) for name, c, limits in zip(problem.variables, point.point, point.enclosure, strict=True)]
    rows.append(("f", enclosure(point.value, point.value_enclosure)))
    if mark.kind != BOUNDARY:  # across the boundary it is the slope that counts
        rows.append(("eigenvalues", ", ".join(figure(value, 6) for value in point.eigenvalues)))
    if mark.kind == "minimum" and point.eigenvalues[-1] > 0:
        rows.append(("stable rate 2/λmax", figure(2 / point.eigenvalues[-1], 5)))
    if structure is not None and mark.index is not None:
        rows += _of_minimum(mark, structure) if mark.kind == "minimum" else _of_saddle(mark, structure)
    return rows


def _of_minimum(mark: Mark, structure: Structure) -> list[tuple[str, str]]:
    number = mark.number - 1
    climb = float(structure.barriers.escapes()[number])
    climbs = structure.barriers.climbs()[number]
    to = [k for k in range(len(climbs)) if k != number and climbs[k] == climb]
    least = "no saddle in the box joins it to another" if math.isinf(climb) else f"{figure(climb, 6)}, to {_minima(to)}"
    return [("area of its flow basin (95 %)", area(structure.areas.minima[number])), ("least climb out of it", least)]


def _of_saddle(mark: Mark, structure: Structure) -> list[tuple[str, str]]:
    curves = [curve for curve in structure.descents if curve.origin == mark.index]
    if not curves:
        return []
    ends = [structure.joins(curve) for curve in curves]
    told = [curve.fate.sentence for curve, end in zip(curves, ends, strict=True) if end is None]
    reached = sorted({end for end in ends if end is not None})
    rows = [("its descents lead to", _listed([*([_minima(reached)] if reached else []), *(f"one {text}" for text in told)]))]
    value = mark.certified.value
    return rows + [(f"barrier from minimum {k + 1}", figure(value - structure.barriers.values[k], 6)) for k in reached]


def _minima(numbers: Sequence[int]) -> str:
    names = [f"{k + 1:,}" for k in numbers[:6]] + (["others"] if len(numbers) > 6 else [])
    return f"minim{'um' if len(numbers) == 1 else 'a'} {_listed(names)}"


def table(found: Sequence[Mark], certificate: Certificate, problem: Problem, structure: Structure | None) -> pd.DataFrame:
    """One row per mark, then one per unresolved region, at most MOST_ROWS of them, as they are read."""
    rows = [_row(mark, problem, structure) for mark in found[:MOST_ROWS]]
    for k, region in enumerate(certificate.unresolved[: MOST_ROWS - len(rows)], start=1):
        places = {name: f"{figure(low, 6)} to {figure(high, 6)}" for name, (low, high) in zip(problem.variables, region.limits, strict=True)}
        rows.append({"No.": k, "kind": "unresolved", **places, "proved": f"not proved: {_share(region.share)} of the box"})
    order = ["No.", "kind", "proved", *problem.variables, "f", AREA, "eigenvalues"]
    frame = pd.DataFrame([dict.fromkeys(order, "") | row for row in rows], columns=order)
    return frame if structure is not None else frame.drop(columns=AREA)


def _share(share: float) -> str:
    return percent(share) if share >= 1e-5 else f"{_minus(f'{100 * share:.1g}')}\u00a0%"


def _row(mark: Mark, problem: Problem, structure: Structure | None) -> dict[str, object]:
    point = mark.certified
    places = {name: enclosure(c, limits) for name, c, limits in zip(problem.variables, point.point, point.enclosure, strict=True)}
    size = area(structure.areas.minima[mark.number - 1]) if structure is not None and mark.kind == "minimum" else ""
    return {
        "No.": mark.number, "kind": mark.kind, **places, "f": enclosure(point.value, point.value_enclosure),
        "eigenvalues": "" if mark.kind == BOUNDARY else ", ".join(figure(value, 4) for value in point.eigenvalues), AREA: size, "proved": mark.proof,
    }  # fmt: skip


def numbers(found: Sequence[Mark], certificate: Certificate, problem: Problem, structure: Structure | None) -> pd.DataFrame:
    """The whole table in full numbers, for a download."""
    rows = [_numbers(mark, problem, structure) for mark in found]
    for k, region in enumerate(certificate.unresolved, start=1):
        rows.append({"number": k, "kind": "unresolved", "proved": "not proved", "share of the box": region.share} | _limits(problem, region.limits))
    places = [f"{name}{end}" for name in problem.variables for end in ("", " low", " high")]
    spectrum = [f"eigenvalue {i + 1}" for i in range(problem.dimension)]
    shares = ["area", "area low", "area high", "share of the box"]
    return pd.DataFrame(rows, columns=["kind", "number", *places, "f", "f low", "f high", *spectrum, *shares, "proved"])


def _limits(problem: Problem, limits: Sequence[Interval]) -> dict[str, float]:
    ends = zip(problem.variables, limits, strict=True)
    return {f"{name} {end}": value for name, pair in ends for end, value in zip(("low", "high"), pair, strict=True)}


def _numbers(mark: Mark, problem: Problem, structure: Structure | None) -> dict[str, object]:
    point = mark.certified
    row: dict[str, object] = {"kind": mark.kind, "number": mark.number, "f": point.value, "proved": mark.proof}
    row |= dict(zip(problem.variables, point.point, strict=True)) | _limits(problem, point.enclosure)
    row |= dict(zip(("f low", "f high"), point.value_enclosure, strict=True))
    row |= {f"eigenvalue {i + 1}": value for i, value in enumerate(point.eigenvalues)}
    if structure is not None and mark.kind == "minimum":
        part = structure.areas.minima[mark.number - 1]
        row |= {"area": part.share, "area low": part.low, "area high": part.high}
    return row
