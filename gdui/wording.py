"""Findings → sentences and figures as people read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from gdcore.certificate import Certificate
from gdcore.computed import Computed
from gdcore.crossings import Crossings
from gdcore.experiment import Experiment, Findings, Minimum, Trace
from gdcore.formula import Binary, FormulaError, Negate, Node
from gdcore.merging import Stationary
from gdcore.notation import name_latex, settings_text, to_latex
from gdcore.optimizers import Optimizer
from gdcore.schedules import parse_schedule, values
from gdcore.stability import Stability
from gdcore.stopping import ENDINGS, Ending

ROUNDING = 1e-15  # a value this close to 0 is the rounding of 0, and the headline says 0
ENGINE_NAMES = {"numpy": "NumPy", "compiled": "compiled", "mixed": "NumPy and the compiled"}
COMPARING = ("Comparing with the gradient flow from the same place", "The comparison with the gradient flow")
BESIDE = {  # work beside the page: what is said while it goes on, and what it is called
    "proof": ("Looking for a proof", "The proof"), "crossings": COMPARING, "explanation": COMPARING,
    "check": ("Repeating the sender's runs", "The repetition of the sender's runs"),
    "pushes": ("Looking for the smallest push out of each minimum", "The search for the smallest pushes"),
}  # fmt: skip
FOLLOWS = "Stationary points, borders and barriers appear here as soon as they are worked out."
RECORDED = "Recorded step by step by the NumPy engine on this machine."
MANY = 8  # so many minima are still worth a bar, a disc and a colour of their own


def figure(value: float, digits: int = 4) -> str:
    """A number with a true minus sign and so many significant digits."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}g}"
    if 1e-4 <= abs(value) < 1e6 and "e" not in text:
        text = f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
    return text.replace("-", "−")


def point(coordinates: tuple[float, ...]) -> str:
    """(0.228, −1.626), as in a sentence."""
    return "(" + ", ".join(_coordinate(c) for c in coordinates) + ")"


def _coordinate(value: float) -> str:
    return f"{value + 0.0:.3f}".replace("-0.000", "0.000").replace("-", "−") if abs(value) < 1e4 else figure(value)


def percent(share: float) -> str:
    """A share in whole percent, or finer where that would round something to nothing or to everything."""
    hundred = 100 * share
    if 0 < hundred < 1:
        return f"{hundred:.2g}\u00a0%"
    if 99 < hundred < 100 - 1e-7:  # nearer than that, it is the rounding of a sum
        return f"{hundred:.{max(1, math.ceil(-math.log10(100 - hundred)))}f}\u00a0%"
    return f"{hundred:.0f}\u00a0%"


def interval(limits: tuple[float, float]) -> str:
    digits = _digits(limits)
    low, high = (f"{100 * limit:.{digits if digits < 2 or 0 < limit < 1 else 0}f}" for limit in limits)
    return f"95\u00a0%: {low} to {high}"


def estimate(share: float, limits: tuple[float, float]) -> str:
    """A share in percent as finely as its interval is told."""
    digits = _digits(limits)
    text = f"{100 * share:.{digits}f}"
    return f"{text}\u00a0%" if digits and 0 < float(text) < 100 else percent(share)


def _digits(limits: tuple[float, float]) -> int:
    """Decimals of a percentage that its interval warrants."""
    width = 100 * (limits[1] - limits[0])
    if width >= 3:
        return 0
    return 1 if width >= 0.1 else min(8, math.ceil(-math.log10(max(width, 1e-8) / 3)))


def sentence(error: Exception) -> str:
    """An error's own words as a sentence."""
    text = str(error)
    return capital(text) + ("" if text.endswith((".", "!", "?")) else ".")


def capital(text: str) -> str:
    """The text with its first letter large and all others as they are."""
    return text[:1].upper() + text[1:]


def setup(experiment: Experiment) -> str:
    """Optimizer, settings and starts in a few words."""
    return f"{experiment.optimizer.name} {settings_text(experiment.settings)}, {experiment.starts.count:,} starts"


def headline(findings: Findings) -> str:
    """The answer of the page Many starts, in words and numbers."""
    counts = findings.ending_counts()
    n, settled = findings.count, counts[Ending.MINIMUM]
    known = "" if findings.certificate is None else f" {_known(findings, findings.certificate)}"
    reached = [m for m in findings.minima if m.count]
    starts = f"{n:,} starts" if n != 1 else "1 start"
    if not settled:
        return f"None of {starts} settles in a minimum. {_others(findings)}{known}{_unreached(findings)}".strip()
    if len(reached) == 1:
        first = f"{estimate(reached[0].share, reached[0].interval)} of {starts} settle in the same minimum, {_where(reached[0])} ({interval(reached[0].interval)})."
    else:
        deepest = reached[0]
        first = (
            f"{percent(settled / n)} of {starts} settle in one of {len(reached):,} minima. The deepest, {_where(deepest)}, "
            f"gets {estimate(deepest.share, deepest.interval)} of them ({interval(deepest.interval)})."
        )
    return f"{first} {_others(findings)}{known}{_unreached(findings)}".strip()


def computed(*runs: Computed, verb: str = "Computed") -> str:
    """By which engine, where and in how many seconds: of one run, or of several together."""
    names = sorted({ENGINE_NAMES.get(run.engine, run.engine) for run in runs})
    engines = f"{' and '.join(names)} engine{'s' if len(names) > 1 else ''}"
    seconds = sum(run.seconds for run in runs)
    return f"{verb} by the {engines} {place(*runs)} in {figure(seconds, 2 if seconds < 10 else 3)} s{_fallen_back(*runs)}."


def place(*runs: Computed) -> str:
    """on this machine; on 2 workers at tcp://…; or, where the runs differ, on both."""
    workers = max(run.workers for run in runs)
    if not workers:
        return "on this machine"
    most = next(run for run in runs if run.workers == workers)
    where = f"at {most.address}" if most.address else f"on {', '.join(most.hosts[:3])}{'…' if len(most.hosts) > 3 else ''}"
    also = "" if all(run.workers for run in runs) else " and on this machine"
    return f"on {workers:,} worker{'' if workers == 1 else 's'} {where}{also}"


def _fallen_back(*runs: Computed) -> str:
    """What was meant for an executor's workers and computed here after all, and why."""
    here, ranges = sum(run.here for run in runs), sum(run.ranges for run in runs if run.workers)
    trouble = next((run.trouble for run in runs if run.here), "").rstrip(".")
    if not here:
        return ""
    if not ranges:
        return f", after trouble with the workers: {trouble}"
    return f"; {here:,} of {ranges:,} ranges of starts on this machine, after trouble with the workers: {trouble}"


def _where(minimum: Minimum) -> str:
    place = f" at {point(minimum.point)}" if len(minimum.point) <= 3 else ""
    value = minimum.value if abs(minimum.value) > ROUNDING else 0.0
    return f"f = {figure(value)}{place}"


def _others(findings: Findings) -> str:
    phrases = {
        Ending.SADDLE: "stopped at a saddle",
        Ending.MAXIMUM: "stopped at a maximum",
        Ending.DEGENERATE: "stopped at a degenerate point",
        Ending.FLAT: "stopped on flat land",
        Ending.ORBIT: "are caught in an orbit",
        Ending.BOUNCING: "bounce across a kink",
        Ending.HOVERING: "hover near a minimum without settling",
        Ending.MOVING: f"were still moving after {findings.experiment.stopping.epochs:,} epochs",
        Ending.LEFT_BOX: "left the box",
        Ending.DIVERGED: "diverged",
        Ending.JUMPED: "jumped a singularity",
        Ending.LEFT_DOMAIN: "left the function's domain",
        Ending.UNDEFINED: "began where the function is undefined",
    }
    counts = findings.ending_counts()
    parts = [f"{percent(counts[e] / findings.count)} {phrases[e]}" for e in ENDINGS if e in phrases and counts[e]]
    valley = any(s.kind == "degenerate" and not s.isolated and s.count for s in findings.stationary)
    tail = " Those degenerate points form a valley: a whole set of them, not single ones." if valley else ""
    return (", ".join(parts) + "." if parts else "") + tail


def _known(findings: Findings, certificate: Certificate) -> str:
    """What is proved of the minima; those that were found outside the box are not meant."""
    outside, count = sum(not m.inside_box for m in findings.minima), len(certificate.minima)
    if certificate.complete and outside and count and not certificate.undefined:
        inside = "One of the minima is" if count == 1 else f"{count:,} of the minima are"
        return f"{inside} inside the box, and no other is (proved)."
    return proof(certificate, findings.starts.shape[1])


def proof(certificate: Certificate, variables: int) -> str:
    """Whether these are all minima of the box, or how much of it is not decided."""
    count = len(certificate.minima)
    if certificate.complete:
        where = "the box, apart from the edge of f's domain" if certificate.undefined else "the box"
        if not count:
            return f"There is no minimum inside {where} (proved)."
        these = "This is the only minimum" if count == 1 else f"These are all {count:,} minima"
        return f"{these} of {where} (proved)."
    if not certificate.boxes:
        return f"With {variables} variables nothing can be proved: the list holds only what was found."
    some = f"{count:,} {'minimum is' if count == 1 else 'minima are'} proved" if count else "No minimum is proved"
    return f"{some}; {undecided(certificate)} undecided ({certificate.reason}), so there may be more."


def undecided(certificate: Certificate) -> str:
    """The place, the places or the part of the box where nothing is proved, with a verb."""
    share, regions = certificate.unresolved_share, certificate.unresolved
    if share >= 1e-4:
        return f"{percent(share)} of the box is"
    middle = tuple((low + high) / 2 for low, high in regions[0].limits)
    if len(regions) > 1:
        return f"{len(regions):,} places in the box are"
    return f"one place in the box, at {point(middle)}, is" if len(middle) <= 3 else "one place in the box is"


def beside(kind: str) -> str:
    """What is said of work that goes on while the page is shown."""
    return f"{BESIDE[kind][0]} …"


def failed(kind: str, error: BaseException | None) -> str:
    """What is said of work beside the page that ended in an error."""
    return f"{BESIDE[kind][1]} failed ({type(error).__name__}: {str(error)[:120]}); nothing else on the page depends on it."


def carried(crossings: Crossings, optimizer: str) -> str:
    """How many starts ended on another side of a border than they began on."""
    if not crossings.compared:
        return ""
    starts = f"{crossings.compared:,} settled starts" + ("" if len(crossings.starts) == crossings.total else " looked at")
    if not crossings.count:
        return f"{optimizer} carried none of {starts} over a border."
    return f"{optimizer} carried {percent(crossings.share)} of {starts} over a border ({interval(crossings.interval)})."


def no_structure(variables: int, points: int, most_variables: int, most_points: int) -> str:
    """Why descents, barriers and areas are not worked out; "" where they are."""
    if variables > most_variables:
        return f"Descents, barriers and areas are worked out for at most {most_variables} variables; this function has {variables}."
    if points > most_points:
        return f"Descents, borders, barriers and areas are worked out for at most {most_points:,} stationary points; here are {points:,}."
    return ""


def _unreached(findings: Findings) -> str:
    missed = [m for m in findings.minima if not m.count]
    if not missed:
        return ""
    if all(m.proved for m in missed):
        if len(missed) == len(findings.minima):
            return f" None of your starts finds {'it' if len(missed) == 1 else 'any of them'}."
        which = f"the one at {point(missed[0].point)}" if len(missed) == 1 and len(missed[0].point) <= 3 else f"{len(missed):,} of them"
        return f" None of your starts finds {which}."
    noun = "One more minimum exists" if len(missed) == 1 else f"{len(missed)} more minima exist"
    if len(missed) == len(findings.minima):
        noun = "A minimum exists" if len(missed) == 1 else f"{len(missed)} minima exist"
    return f" {noun} that no start settled in."


def run_sentence(trace: Trace) -> str:
    """What one run did."""
    start, epochs = point(tuple(trace.path[0])), len(trace.path) - 1
    end = point(tuple(trace.path[-1]))
    value = figure(float(trace.values[-1]))
    if trace.ending is Ending.MINIMUM:
        return f"From {start} the run settles at the minimum {end}, f = {value}, after {epochs:,} epochs."
    return f"From {start} the run ends at {end} after {epochs:,} epochs, f = {value}: {trace.ending.value}."


def caret(text: str, error: FormulaError) -> str:
    """The line of the text that holds the mistake, with a caret under it."""
    if error.position is None:
        return text[:80]
    start = text.rfind("\n", 0, error.position) + 1
    line = text[start:].split("\n")[0]
    offset = error.position - start
    shift = max(0, offset - 40)
    return f"{line[shift : shift + 60]}\n{' ' * (offset - shift)}^"


def function_latex(variables: tuple[str, ...], tree: Node) -> str:
    """f(x, y) = …, long sums broken into one line per term."""
    head = f"f({', '.join(name_latex(name) for name in variables)})"
    terms = _terms(tree)
    if len(terms) == 1 or len(to_latex(tree)) < 40:
        return f"{head} = {to_latex(tree)}"
    lines = [f"& {sign if k or sign == '-' else ''} {_term_latex(term)}" for k, (sign, term) in enumerate(terms)]
    return rf"\begin{{aligned}} {head} = \; {lines[0]} \\ " + r" \\ ".join(lines[1:]) + r"\end{aligned}"


def _terms(tree: Node) -> list[tuple[str, Node]]:
    """The signed terms of a sum; a bracketed sum on the right of a sign stays one term."""
    if isinstance(tree, Binary) and tree.operator in "+-":
        return [*_terms(tree.left), (tree.operator, tree.right)]
    return [("-", tree.argument)] if isinstance(tree, Negate) else [("+", tree)]


def _term_latex(term: Node) -> str:
    inner = to_latex(term)
    sum_like = isinstance(term, Negate) or isinstance(term, Binary) and term.operator in "+-"
    return rf"\left({inner}\right)" if sum_like else inner


def equations_latex(optimizer: Optimizer) -> str:
    """The update equations, one per line, aligned at their arrows."""
    lines = [line.replace(r"\leftarrow", r"&\leftarrow") if "leftarrow" in line else line.replace(" = ", " &= ", 1) for line in optimizer.latex()]
    return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"


def settings_latex(settings: Mapping[str, float | str]) -> str:
    """Settings with their values, three to a line; a schedule as its formula in t."""
    parts = [f"{name_latex(name)} = {_value_latex(value)}" for name, value in settings.items()]
    lines = [r",\; ".join(parts[k : k + 3]) for k in range(0, len(parts), 3)]
    return r"\begin{gathered}" + r" \\ ".join(lines) + r"\end{gathered}" if lines else ""


def _value_latex(value: float | str) -> str:
    if isinstance(value, str):
        return to_latex(parse_schedule(value))
    digits, _, exponent = f"{value:g}".partition("e")
    return rf"{digits} \cdot 10^{{{int(exponent)}}}" if exponent else digits


def unstable(settings: Mapping[str, float | str], epochs: int, found: Sequence[tuple[Stationary, Stability]]) -> str:
    """At which minima, numbered as given, the learning rate is beyond the largest stable one; "" where at none."""
    rate = settings.get("lr")
    last = float(values(rate, epochs)[-1]) if isinstance(rate, str) else rate
    beyond = [
        (k, m, s)
        for k, (m, s) in enumerate(found, start=1)
        if (last is not None and last > s.largest_rate) or (last is None and s.radius > 1)
    ]
    if not beyond:
        return ""
    if last is None:
        places = ", ".join(f"minimum {k} (f = {figure(m.value)})" for k, m, _ in beyond)
        return f"At these settings a run is driven away from {places}: one step lengthens the distance."
    where = f"At the schedule's last rate, {figure(last, 3)}," if isinstance(rate, str) else f"At rate {figure(last, 3)}"
    if len(beyond) == 1:
        k, m, stable = beyond[0]
        return f"{where} minimum {k} (f = {figure(m.value)}) cannot be reached: {_limit(stable)}."
    parts = [f"{k} ({_limit(stable)})" for k, _, stable in beyond]
    return f"{where} minima {', '.join(parts[:-1])} and {parts[-1]} cannot be reached."


def _limit(stable: Stability) -> str:
    return f"its limit is {figure(stable.largest_rate, 3)}" if stable.largest_rate > 0 else "no rate is stable there"


def filled_step(trace: Trace, epoch: int, gradient: list[float], variables: tuple[str, ...]) -> str:
    """The step from `epoch` to the next with its numbers, one line per coordinate."""
    here, there = trace.path[epoch], trace.path[min(epoch + 1, len(trace.path) - 1)]
    lines = []
    for name, x, new, g in zip(variables, here, there, gradient, strict=True):
        symbol = name_latex(name)
        lines.append(
            rf"{symbol}_{{{epoch}}} &= {x:.6f}, \quad \partial f/\partial {symbol} = {g:.6f} \\ "
            rf"{symbol}_{{{min(epoch + 1, len(trace.path) - 1)}}} &= {symbol}_{{{epoch}}} + ({new - x:+.6f}) = {new:.6f}"
        )
    return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"


def scheduler_silent(address: str, seconds: float) -> str:
    return f"The scheduler {address[:80]} does not answer within {seconds:.0f} s: everything is computed on this machine."


def scheduler_lost(address: str) -> str:
    return f"The scheduler {address[:80]} was lost: everything is computed on this machine until it answers again."


def no_distributed(address: str) -> str:
    return (
        f"The scheduler {address[:80]} needs dask.distributed, which is not installed (pip install -r requirements-distributed.txt): "
        "everything is computed on this machine."
    )
