"""Comparison → the finding as a sentence with its uncertainty, and figures for its tables."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gdcore.compare import Comparison, Pair, Summary
from gdcore.notation import settings_text
from gdcore.profile import Profile
from gdcore.tuning import Tuning
from gdui import wording
from gdui.wording import figure, percent, point

SIGNIFICANT = 0.05


def headline(comparison: Comparison) -> str:
    """Who succeeds more often, by how much, and whether that may be chance."""
    summaries = comparison.summaries()
    order = sorted(range(len(summaries)), key=lambda k: (-summaries[k].share, summaries[k].expected_evaluations))
    best, second = summaries[order[0]], summaries[order[1]]
    starts = plural(comparison.count, "start")
    if not best.successes:
        return f"{_no_goal(comparison)}None of the {len(summaries)} optimizers {_verb(comparison, 1)} from any of {starts}."
    leaders = [summaries[k].name for k in order if summaries[k].successes == best.successes]
    if len(leaders) > 1:
        who = listed(leaders) if len(leaders) < len(summaries) or len(leaders) < 4 else f"All {len(leaders)} optimizers"
        return f"{who} {_verb(comparison, 2)} equally often, from {percent(best.share)} of {starts} ({_interval(best)})."
    if second.successes == 0:
        return f"{best.name} alone {_verb(comparison, 1)} from {percent(best.share)} of {starts} ({_interval(best)})."
    pair = _pair(comparison, order[0], order[1])
    return (
        f"{best.name} {_verb(comparison, 1)} from {percent(best.share)} of {starts}, {second.name} from "
        f"{percent(second.share)}: {_difference(pair, comparison)}."
    )


def plural(count: int, noun: str) -> str:
    """1 start, 1,000 starts."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(names: list[str]) -> str:
    """A, B and C."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _verb(comparison: Comparison, number: int) -> str:
    """What success is, as a verb phrase for one optimizer or more."""
    if comparison.target is not None:
        return f"{'reaches' if number == 1 else 'reach'} f ≤ {comparison.target:.7g}".replace("-", "−")
    deepest = comparison.deepest
    if not deepest:
        return f"{'settles' if number == 1 else 'settle'} in a minimum"
    minimum, finds = comparison.findings[0].minima[deepest[0]], "finds" if number == 1 else "find"
    if len(deepest) > 1:
        return f"{finds} one of the {len(deepest)} deepest minima, f = {figure(minimum.value)},"
    place = f" at {point(minimum.point)}" if len(minimum.point) <= 3 else ""
    return f"{finds} the deepest minimum, f = {figure(minimum.value)}{place},"


def _no_goal(comparison: Comparison) -> str:
    """A first sentence where there is no minimum to settle in."""
    if comparison.target is not None or comparison.deepest:
        return ""
    degenerate = any(s.kind == "degenerate" for findings in comparison.findings for s in findings.stationary)
    why = "The lowest points found are degenerate: no minimum can be verified" if degenerate else "No minimum is known"
    return f"{why} here, so choose a target value as success. "


def soonest(comparison: Comparison) -> str:
    """Who needs the fewest gradient evaluations where it succeeds, among those that succeed about as often as the best."""
    return _soonest(comparison.summaries())


def _pair(comparison: Comparison, first: int, second: int) -> Pair:
    """The pair with `first` in front."""
    for pair in comparison.pairs():
        if (pair.first, pair.second) == (first, second):
            return pair
        if (pair.first, pair.second) == (second, first):
            low, high = pair.interval
            return Pair(first, second, -pair.difference, (-high, -low), pair.only_second, pair.only_first, pair.p_value, pair.adjusted)
    raise ValueError("there is no such pair")


def _difference(pair: Pair, comparison: Comparison) -> str:
    count = len(comparison.names) * (len(comparison.names) - 1) // 2
    low, high = pair.interval
    limits = f"95\u00a0%: {points(low)} to {points(high)}"
    if pair.adjusted >= SIGNIFICANT:
        alone, over = (" for this pair alone", f" over all {count} pairs") if count > 1 else ("", "")
        return f"{points(pair.difference)} points more ({limits}{alone}), which may be chance (p = {figure(pair.adjusted, 2)}{over})"
    return f"{points(pair.difference)} points more ({limits})"


def points(share: float) -> str:
    """A difference of shares in percentage points."""
    hundred = 100 * share
    return (f"{hundred:.0f}" if abs(hundred) >= 10 else f"{hundred:.1f}").replace("-", "−").replace("−0.0", "0.0")


def _interval(summary: Summary) -> str:
    return f"95\u00a0%: {100 * summary.interval[0]:.0f} to {100 * summary.interval[1]:.0f}"


def _soonest(summaries: list[Summary]) -> str:
    best = max(summary.share for summary in summaries)
    able = [summary for summary in summaries if summary.successes and summary.share >= 0.5 * best]
    if len(able) < 2:
        return ""
    fastest = min(able, key=lambda summary: summary.evaluations[1])
    equal = [summary.name for summary in able if summary.evaluations[1] == fastest.evaluations[1]]
    if len(equal) == len(able):
        return f"All that succeed need a median of {plural(int(fastest.evaluations[1]), 'gradient evaluation')}."
    low, high = fastest.median_interval
    limits = f" (95\u00a0%: {whole(low)} to {whole(high)})" if fastest.successes > 1 and len(equal) == 1 else ""
    return f"Soonest {'is' if len(equal) == 1 else 'are'} {listed(equal)}, after a median of {whole(fastest.evaluations[1])} gradient evaluations{limits}."


def whole(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:,.0f}"


def fairness(comparison: Comparison) -> str:
    """How settings came about, said under the headline."""
    if comparison.tuning is None:
        return "Untuned: every optimizer runs at the settings given, so a difference may be one of settings and not of optimizers."
    tuning = comparison.tuning
    if all(trial.share == 0 for trials in tuning.tried.values() for trial in trials):
        return f"No trial of the tuning succeeded on any of {plural(tuning.starts.count, 'training start')}: the settings are those given."
    return (
        f"Tuned fairly: {tuning.trials} trials of the {tuning.search} for each optimizer on {plural(tuning.starts.count, 'training start')} "
        f"(seed {tuning.starts.seed:,}); compared on {plural(comparison.count, 'other start')} (seed {comparison.findings[0].experiment.starts.seed:,})."
    )


def computed(comparison: Comparison) -> str:
    """Where the runs compared were computed, those of the tuning included."""
    return wording.computed(*comparison.computed, verb="Compared")


def rows(comparison: Comparison) -> list[dict[str, str]]:
    """One row per optimizer, as text."""
    found = []
    for summary in comparison.summaries():
        low, middle, high = summary.evaluations
        found.append(
            {
                "optimizer": summary.name,
                "success": f"{100 * summary.share:.1f}\u00a0%",
                "95 %": f"{100 * summary.interval[0]:.1f}\u2060–\u2060{100 * summary.interval[1]:.1f}",
                "evaluations": whole(middle),
                "95 % ": f"{whole(summary.median_interval[0])}\u2060–\u2060{whole(summary.median_interval[1])}" if summary.successes > 1 else "–",
                "quartiles": f"{whole(low)}\u2060–\u2060{whole(high)}" if summary.successes else "–",
                "per success": whole(summary.expected_evaluations) if math.isfinite(summary.expected_evaluations) else "∞",
            }
        )
    return found


def settings_used(comparison: Comparison) -> str:
    """The settings of every optimizer compared."""
    used = [
        f"{name}: {settings_text(dict(f.experiment.settings))}{_at_the_edge(comparison, name)}"
        for name, f in zip(comparison.names, comparison.findings, strict=True)
    ]
    return ("Chosen settings. " if comparison.tuning else "Settings as set. ") + "; ".join(used) + "."


def _at_the_edge(comparison: Comparison, name: str) -> str:
    """A word where the best learning rate was the smallest or the largest tried: a better one may lie beyond."""
    trials = comparison.tuning.tried[name] if comparison.tuning else ()
    rates = [trial.settings.get("lr") for trial in trials]
    best = comparison.tuning.chosen[name].get("lr") if comparison.tuning else None
    numbers = [rate for rate in rates if isinstance(rate, float)]
    if not isinstance(best, float) or len(set(numbers)) < 2 or best not in (min(numbers), max(numbers)):
        return ""
    return f" (the {'smallest' if best == min(numbers) else 'largest'} rate tried)"


def pair_rows(comparison: Comparison) -> list[dict[str, str]]:
    """One row per pair, as text."""
    return [
        {
            "first": comparison.names[pair.first],
            "second": comparison.names[pair.second],
            "difference": f"{points(pair.difference)} points",
            "95 %": f"{points(pair.interval[0])} to {points(pair.interval[1])}",
            "only the first": f"{pair.only_first:,}",
            "only the second": f"{pair.only_second:,}",
            "p": figure(pair.p_value, 2),
            "p, Holm": figure(pair.adjusted, 2),
        }
        for pair in comparison.pairs()
    ]


def trial_rows(tuning: Tuning) -> list[dict[str, object]]:
    """Every trial of the tuning, with a mark at the one chosen."""
    return [
        {
            "optimizer": name, "trial": k, "chosen": "✓" if trial.settings == tuning.chosen[name] else "",
            "success": trial.share, "evaluations per success": trial.cost if math.isfinite(trial.cost) else None,
            "settings": settings_text(dict(trial.settings)),
        }
        for name, trials in tuning.tried.items()
        for k, trial in enumerate(trials, start=1)
    ]  # fmt: skip


def profile_sentence(found: Profile) -> str:
    """Who is cheapest most often, and who solves most."""
    count = len(found.problems)
    tuned = f"each tuned with {found.trials} trials per problem" if found.trials else "untuned"
    cheapest, most = _leaders(found, found.rho[0]), _leaders(found, found.rho[-1])
    if not found.rho[-1].any():
        return f"No optimizer solves any of the {count} problems ({tuned})."
    return (
        f"Cheapest most often: {cheapest}, on {round(found.rho[0].max() * count)} of {count} problems. "
        f"Most problems solved: {most}, {round(found.rho[-1].max() * count)} ({tuned})."
    )


def _leaders(found: Profile, shares: NDArray[np.float64]) -> str:
    """The names that share the first place."""
    return listed([name for name, share in zip(found.names, shares, strict=True) if share == shares.max()])


def profile_rows(found: Profile) -> list[dict[str, str]]:
    """Expected evaluations per success of every optimizer on every problem, the cheapest marked."""
    table = []
    for problem, costs, used in zip(found.problems, found.costs, found.settings, strict=True):
        row = {"problem": problem}
        for name, cost, settings in zip(found.names, costs, used, strict=True):
            rate = settings.get("lr")
            shown = "not solved" if math.isinf(cost) else f"{whole(cost)}{' ✓' if cost == costs.min() else ''}"
            row[name] = f"{shown} (lr {figure(rate, 3)})" if isinstance(rate, float) else shown
        table.append(row)
    return table
