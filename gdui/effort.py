"""How much work a state of the dashboard asks for, as a multiple of what its page does unasked."""

from __future__ import annotations

from collections.abc import Mapping

from gdcore.experiment import Experiment
from gdui import contenders, mapping, sweeping
from gdui.forms import NAMES, number
from gdui.views import BASINS, LANDSCAPE, OPTIMIZERS_PAGE, SENSITIVITY

USUAL_WORK = 1000 * 1000  # starts times epochs


def asked(page: str, experiment: Experiment, shown: Mapping[str, str]) -> dict[str, float]:
    """What takes time, in words, and each as a multiple of what the page does unasked: 1,000 starts of 1,000 epochs, 60 values, 512² pixels."""
    count, epochs = experiment.starts.count, experiment.stopping.epochs
    found = {f"{count:,} starts of up to {epochs:,} epochs": count * epochs / USUAL_WORK}
    if page == BASINS:
        side = min(_said_number(shown, "pixels") or mapping.USUAL, max(mapping.SIZES))
        found[f"{side:,.0f}² pixels of up to {epochs:,} epochs"] = epochs / 1000 * (side / mapping.USUAL) ** 2
    if page == SENSITIVITY:
        first, second = (min(_said_number(shown, name), sweeping.MOST) for name in ("x.values", "y.values"))
        values = max(first, 1) * max(second, 1)
        found[f"{values:,.0f} values, each from {count:,} starts of up to {epochs:,} epochs"] = count * epochs / USUAL_WORK * max(
            values / sweeping.PAIRS**2 if second else values / sweeping.VALUES, 1.0
        )
    if page == OPTIMIZERS_PAGE:
        many = len(NAMES.read(shown.get("compare", NAMES.write(contenders.OPENING))))
        trials, training = _said_number(shown, "trials") or contenders.TRIALS, _said_number(shown, "training") or contenders.TRAINING.count
        tuning = trials * training / (contenders.TRIALS * contenders.TRAINING.count)
        share = many / len(contenders.OPENING) * epochs / 1000
        found[f"{many} optimizers, each with {trials:,.0f} trials on {training:,.0f} training starts"] = share * max(count / 1000, tuning)
    if page == LANDSCAPE:
        found[f"a run of up to {epochs:,} epochs"] = epochs / 1000
    return found


def work(page: str, experiment: Experiment, shown: Mapping[str, str]) -> float:
    """How much is asked for, as a multiple of what is done unasked."""
    return max(asked(page, experiment, shown).values())


def _said_number(shown: Mapping[str, str], name: str) -> float:
    try:
        return max(number(shown.get(name, "")), 0.0)
    except ValueError:
        return 0.0
