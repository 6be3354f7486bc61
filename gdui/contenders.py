"""Widgets of the page Optimizers → who is compared, on which starts, by which rule of success, as set or tuned."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import streamlit as st

from gdcore.compare import Comparison, compare_tuned
from gdcore.descent import Progress
from gdcore.experiment import Experiment, Findings, run, run_each
from gdcore.formula import FormulaError
from gdcore.optimizers import Optimizer
from gdcore.problem import Problem
from gdcore.starts import Starts
from gdcore.stopping import Stopping
from gdcore.tuning import TRAINING, TRIALS, Budget
from gdui import cluster, session, settings, tables, wording
from gdui.session import Setup

FEWEST, MOST = 2, 8
AGAIN = " (second)"
OPENING = ("gd", "momentum", "adam")
MOST_TRIALS = 64
MOST_TRAINING = 2000
SETTLES, REACHES = "settles in the deepest minimum", "reaches a target value"
AS_SET, TUNED = "As set", "Tuned"

Runner = Callable[..., Findings]
Contenders = Mapping[str, tuple[Optimizer, Mapping[str, float | str]]]


@dataclass(frozen=True)
class Question:
    """Everything that decides a comparison. budget None: settings as set; target None: success is settling deepest."""

    problem: Problem
    contenders: Contenders
    starts: Starts
    stopping: Stopping
    target: float | None = None
    budget: Budget | None = None

    @property
    def key(self) -> str:
        """Equal for equal questions."""
        parts = [self._experiment(name).to_json() for name in self.contenders]
        budget = self.budget
        rest = [list(self.contenders), self.target, budget and [budget.trials, budget.every, budget.seed, budget.starts.count, budget.starts.seed]]
        return hashlib.sha256(json.dumps([parts, rest]).encode()).hexdigest()[:16]

    def _experiment(self, name: str) -> Experiment:
        optimizer, values = self.contenders[name]
        return Experiment(self.problem, optimizer, values, self.starts, self.stopping)

    def answer(self, on_progress: Progress, remember: Callable[[Runner], Runner] = lambda work: work) -> Comparison:
        """Tune where asked to, then compare. remember: wraps what runs experiments, to keep their results."""
        return compare_tuned(
            self.problem, self.contenders, self.starts, self.stopping, budget=self.budget, target=self.target,
            on_progress=on_progress, runner=remember(run), trial_runner=remember(run_each),
        )  # fmt: skip


def task(asked: Question) -> Callable[[Progress], Comparison]:
    """What a job runs to answer the question."""
    runners = {work: session.remembering(cluster.sending(work)) for work in (run, run_each)}  # looked up on the page's own thread
    return lambda report: asked.answer(report, runners.__getitem__)


def question(setup: Setup, starts: Starts | None) -> Question | None:
    """What the widgets ask. Where something is missing or wrong, a sentence, and the last question that was right, if any.

    starts: None where they make no sense, which has been said.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = _chosen()
        for key, value in (("mode", TUNED), ("success", SETTLES)):
            session.keep(key, value)
        mode = st.segmented_control(
            "Settings", [AS_SET, TUNED], key="mode", required=True, persist_state="session",
            help="Tuned: every optimizer gets the same number of trials on training starts that the comparison never uses.",
        )  # fmt: skip
        target = _target(setup)
        tuning = _budget_fields() if mode == TUNED else None
    try:
        if len(chosen) < FEWEST:
            raise ValueError("choose at least two optimizers, or one of them twice")
        if target is not None and math.isnan(target):
            raise ValueError("the target needs a number")
        contenders = _contenders(chosen, setup)
        budget = tuning and _budget(*tuning)
        if starts is not None:
            asked = Question(setup.problem, contenders, starts, setup.stopping, target, budget)
            asked.key  # noqa: B018  every experiment is built and checked
            st.session_state["last question"] = asked
            return asked
    except (FormulaError, ValueError) as error:
        st.error(tables.safe(wording.sentence(error)), icon=":material/error:")
    last: Question | None = st.session_state.get("last question")
    if last is not None:
        st.caption("What follows still answers the last question in which everything was right.")
    return last


def _chosen() -> list[str]:
    """The chosen optimizers by key; each that is chosen is offered once more."""
    known = session.optimizers()
    session.keep("contenders", list(OPENING))
    chosen = [option for option in st.session_state["contenders"] if option.removesuffix(AGAIN) in known]
    st.session_state["contenders"] = chosen
    options = [option for key in known for option in (key, key + AGAIN) if option in chosen or option == key or key in chosen]
    return st.multiselect(
        f"Optimizers, {FEWEST} to {MOST}", options, key="contenders", max_selections=MOST, persist_state="session", width=485, wrap=True,
        format_func=_option_name, help="One that is chosen can be chosen again, with other settings. All run from the same starts.",
    )  # fmt: skip


def _option_name(option: str) -> str:
    return session.optimizer_name(option.removesuffix(AGAIN)) + (AGAIN if option.endswith(AGAIN) else "")


def _target(setup: Setup) -> float | None:
    kind = st.selectbox(
        "Success: a run …", [SETTLES, REACHES], key="success", width=235, persist_state="session",
        help="Settles: it ends in the deepest minimum known, or one equally deep. Reaches: f falls to the target at any step, be it on the way to diverging.",
    )  # fmt: skip
    if kind == SETTLES:
        return None
    found = session.surveyed(setup)
    lowest = found[0][0].value if found else 0.0
    key = f"target {setup.problem.formula[:60]}"
    session.keep(key, float(f"{lowest + 1e-3 * (1 + abs(lowest)):.6g}"))
    value = st.number_input(
        "Target f", value=None, key=key, format="%g", width=130, persist_state="session", help="Success is f at or below this, at any step."
    )
    return math.nan if value is None else float(value)


def _fields(option: str, optimizer: Optimizer, setup: Setup) -> dict[str, float | str]:
    """The settings of one contender, with a word where its rate is beyond the stable one."""
    problem, prefix = setup.problem, f"contender {option} {setup.problem.formula[:60]}"
    try:
        values = settings.fields(optimizer, prefix, optimizer.defaults_for(problem))
        unstable = wording.unstable(values, setup.stopping.epochs, session.surveyed(replace(setup, optimizer=optimizer, settings=values)))
    except (FormulaError, ValueError) as error:
        raise ValueError(f"{_option_name(option)}: {error}") from None
    if unstable:
        st.warning(tables.safe(unstable), icon=":material/warning:")
    return values


def _contenders(chosen: list[str], setup: Setup) -> Contenders:
    """Name → optimizer and settings, from one tab of fields each."""
    known = session.optimizers()
    found: list[tuple[Optimizer, dict[str, float | str]]] = []
    with st.expander("Settings of each optimizer", icon=":material/tune:"):
        for option, tab in zip(chosen, st.tabs([tables.safe(_option_name(option)) for option in chosen]), strict=True):
            optimizer = known[option.removesuffix(AGAIN)]
            with tab:
                found.append((optimizer, _fields(option, optimizer, setup)))
    return dict(zip(_names(found), found, strict=True))


def _names(found: list[tuple[Optimizer, dict[str, float | str]]]) -> list[str]:
    """The optimizers' names; where one occurs twice, with what differs between the two."""
    often = Counter(optimizer.name for optimizer, _ in found)
    names = []
    for optimizer, values in found:
        name = optimizer.name
        if often[name] > 1:
            others = [v for o, v in found if o.name == name and v is not values]
            differing = [f"{key} {_short(value)}" for key, value in values.items() if any(v[key] != value for v in others)]
            name = f"{name}, {', '.join(differing)}" if differing else name
        names.append(name if name not in names else name + AGAIN)
    return names


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _budget_fields() -> tuple[int | None, int | None, int | None, bool]:
    """Trials, training starts, training seed, and whether all settings are searched."""
    for key, value in (("trials", TRIALS), ("training starts", TRAINING.count), ("training seed", TRAINING.seed), ("search all", False)):
        session.keep(key, value)
    with st.popover("Budget", icon=":material/savings:", help="How settings are chosen, the same for every optimizer."):
        trials = st.number_input(
            "Trials per optimizer", value=None, key="trials", step=1, persist_state="session", help=f"Settings tried, 1 to {MOST_TRIALS}; the first are those set."
        )
        count = st.number_input(
            "Training starts", value=None, key="training starts", step=50, persist_state="session", help=f"1 to {MOST_TRAINING:,}; never those of the comparison."
        )
        seed = st.number_input("Training seed", value=None, key="training seed", step=1, persist_state="session", help="Draws the training starts.")
        every = st.checkbox(
            "Search all settings, not only the learning rate", key="search all", persist_state="session",
            help="Off: a logarithmic grid of rates from a hundredth to a hundred times the one set. On: a Sobol' sequence over all.",
        )  # fmt: skip
    return trials, count, seed, bool(every)


def _budget(trials: int | None, count: int | None, seed: int | None, every: bool) -> Budget:
    if trials is None or not 1 <= trials <= MOST_TRIALS:
        raise ValueError(f"give a whole number of trials from 1 to {MOST_TRIALS}")
    if count is None or not 1 <= count <= MOST_TRAINING:
        raise ValueError(f"give a number of training starts from 1 to {MOST_TRAINING:,}")
    if seed is None:
        raise ValueError("the training seed needs a whole number")
    return Budget(int(trials), Starts(count=int(count), seed=int(seed)), every)
