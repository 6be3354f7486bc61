"""Settings as formulas in t and T: templates, values, and what is refused."""

import math

import numpy as np
import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Stopping
from gdcore.schedules import SCHEDULES, first_values, values

CLOSED_FORMS = {
    "constant": lambda a, t, T: a,
    "step": lambda a, t, T: a / 2 ** ((4 * (t - 1)) // T),
    "exponential": lambda a, t, T: a * math.exp(math.log(0.01) * (t - 1) / T),
    "cosine": lambda a, t, T: a / 2 * (1 + math.cos(math.pi * (t - 1) / T)),
    "warm-up": lambda a, t, T: a * min(1, 10 * t / T),
    "1/t": lambda a, t, T: a / (1 + 9 * (t - 1) / T),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("epochs", [1, 7, 1000])
def test_templates_follow_their_closed_forms(name, epochs):
    found = values(SCHEDULES[name].at(0.03), epochs)
    assert found.shape == (epochs,)
    wanted = [CLOSED_FORMS[name](0.03, t, epochs) for t in range(1, epochs + 1)]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("key", OPTIMIZERS)
def test_every_template_suits_the_rate_of_every_optimizer(name, key):
    optimizer = OPTIMIZERS[key]
    text = SCHEDULES[name].at(optimizer.defaults["lr"])
    assert Experiment(GALLERY["peaks"], optimizer, {"lr": text}).settings["lr"] == text


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ("0.01 - t/10000", "the schedule of the learning rate, 0.01 - t/10000, is -0.0001 at step 101 of 1,000"),
        ("0.01/(t - 5)", "is -0.0025 at step 1 of"),
        ("sqrt(t - 3)", "has no value at step 1 of"),
        ("0.01*log(500.5 - t)", "is -0.00693147 at step 500 of"),
        ("t", "is 11 at step 11 of 1,000: keep it between 0 and 10 at every step"),
        ("0.1*exp(t)", "at step 5 of"),
    ],
)
def test_schedules_that_leave_the_range_name_the_step(schedule, says):
    with pytest.raises(ValueError, match=".") as caught:
        Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": schedule})
    assert says in str(caught.value)


def test_the_number_of_epochs_decides():
    short = Stopping(epochs=100)
    Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": "0.01 - t/10000"}, stopping=short)
    with pytest.raises(ValueError, match="at step 101"):
        Experiment(GALLERY["peaks"], OPTIMIZERS["gd"], {"lr": "0.01 - t/10000"}, stopping=Stopping(epochs=101))


def test_any_setting_may_be_scheduled():
    experiment = Experiment(GALLERY["peaks"], OPTIMIZERS["momentum"], {"momentum": "0.9*t/T", "lr": 0.01})
    assert first_values(experiment.settings, 1000) == {"lr": 0.01, "momentum": 0.9 / 1000}
