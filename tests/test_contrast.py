"""What differs between experiments: each change alone gives its row, equal ones give none."""

import dataclasses
from typing import Any

import pytest

from gdcore import GALLERY, OPTIMIZERS, Experiment, Optimizer, Problem, Setting, Starts, Stopping
from gdcore.contrast import Row, contrast
from gdcore.quantities import quantity

CUSP = GALLERY["tilted_double_well"]
BASE = Experiment(CUSP, OPTIMIZERS["adam"], {"lr": 0.1})
REGION = {"x": (-2.0, 2.0), "y": (-2.0, 2.0)}


def changed(**parts: Any) -> Experiment:
    return dataclasses.replace(BASE, **parts)


def given(*points: tuple[float, ...]) -> Starts:
    return Starts.at(points)


def retold(experiment: Experiment, equations: str) -> Optimizer:
    return Optimizer.from_text(experiment.optimizer.name, equations, experiment.optimizer.settings)


CHANGES = {
    "name": (changed(problem=dataclasses.replace(CUSP, name="mine")), [("name", "name", ("tilted double well", "mine"))]),
    "formula": (
        changed(problem=Problem.from_text("(x^2 - a)^2 + b*x + 2y^2", box=CUSP.box, parameters=CUSP.parameters, name=CUSP.name)),
        [("formula", "formula", (CUSP.text(), "(x^2 - a)^2 + b*x + 2*y^2"))],
    ),
    "parameter": (changed(problem=CUSP.with_parameters(b=0.5)), [("parameter b", "parameter b", (0.3, 0.5))]),
    "box": (
        changed(problem=CUSP.with_box({"x": (-3, 2), "y": (-2, 2)}), starts=Starts(box=REGION)),
        [("box of x", "box x", ((-2.0, 2.0), (-3.0, 2.0)))],
    ),
    "box and with it the starts": (
        changed(problem=CUSP.with_box({"x": (-3, 2), "y": (-2, 2)})),
        [("box of x", "box x", ((-2.0, 2.0), (-3.0, 2.0))), ("start region of x", "start x", ((-2.0, 2.0), (-3.0, 2.0)))],
    ),
    "setting": (changed(settings={"lr": 0.2}), [("learning rate", "setting lr", (0.1, 0.2))]),
    "schedule": (changed(settings={"lr": "0.1/t"}), [("learning rate", "setting lr", (0.1, "0.1/t"))]),
    "another setting": (changed(settings={"lr": 0.1, "beta2": 0.99}), [("second-moment decay", "setting beta2", (0.999, 0.99))]),
    "optimizer": (
        changed(optimizer=OPTIMIZERS["gd"], settings={"lr": 0.1}),
        [
            ("optimizer", "optimizer", ("Adam", "Gradient descent")), ("first-moment decay", "setting beta1", (0.9, None)),
            ("second-moment decay", "setting beta2", (0.999, None)), ("epsilon", "setting epsilon", (1e-8, None)),
        ],
    ),
    "seed": (changed(starts=Starts(seed=3)), [("seed", "seed", (0, 3))]),
    "count": (changed(starts=Starts(count=7)), [("starts", "starts", (1000, 7))]),
    "design": (changed(starts=Starts("sobol")), [("design", "design", ("uniform", "sobol"))]),
    "region": (changed(starts=Starts(box=REGION | {"y": (0.0, 1.0)})), [("start region of y", "start y", ((-2.0, 2.0), (0.0, 1.0)))]),
    "given": (
        changed(starts=given((1.0, 2.0))),
        [
            ("starts", "starts", (1000, 1)), ("design", "design", ("uniform", "given")), ("seed", "seed", (0, None)),
            ("start region of x", "start x", ((-2.0, 2.0), None)), ("start region of y", "start y", ((-2.0, 2.0), None)),
        ],
    ),
    "epochs": (changed(stopping=Stopping(500)), [("epochs", "epochs", (1000, 500))]),
    "tolerance": (changed(stopping=Stopping(gradient_tolerance=0.0)), [("gradient tolerance", "tolerance", (1e-6, 0.0))]),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_gives_its_rows_and_no_others(name: str) -> None:
    other, wanted = CHANGES[name]
    assert contrast([BASE, other]) == [Row(*row) for row in wanted]
    assert contrast([other, BASE]) == [Row(label, key, values[::-1]) for label, key, values in wanted] or name == "optimizer"
    assert [row.values for row in contrast([BASE, BASE, other])] == [(row[2][0], *row[2]) for row in wanted]


@pytest.mark.parametrize("name", CHANGES)
def test_equal_experiments_differ_in_nothing(name: str) -> None:
    other, _ = CHANGES[name]
    assert contrast([other] * 4) == contrast([other]) == contrast([other, Experiment.from_json(other.to_json())]) == []


def test_several_changes_come_in_a_fixed_order() -> None:
    other = changed(problem=CUSP.with_parameters(a=0.5, b=0.5), settings={"lr": 0.2}, starts=Starts(seed=3), stopping=Stopping(9))
    assert [row.key for row in contrast([other, BASE])] == ["parameter a", "parameter b", "setting lr", "seed", "epochs"]


def test_keys_are_those_of_quantities_where_there_are_such() -> None:
    other = changed(problem=CUSP.with_parameters(a=0.5), settings={"lr": 0.2}, stopping=Stopping(9, 0.5))
    for row in contrast([BASE, other]):
        known = quantity(BASE, row.key)
        assert (known.label.split()[-1], known.value) == (row.label.split()[-1], row.values[0])


def test_the_spelling_of_a_formula_and_the_words_of_a_setting_do_not_count() -> None:
    spelled = Problem.from_text("(x^{2}-a)^{2}+b x+y^{2}", box=CUSP.box, parameters=CUSP.parameters, name=CUSP.name)
    described = {name: dataclasses.replace(setting, help="") for name, setting in BASE.optimizer.settings.items()}
    other = changed(problem=spelled, optimizer=Optimizer.from_text("Adam", BASE.optimizer.equations, described))
    assert other.digest != BASE.digest and contrast([BASE, other]) == []


def test_equations_are_told_where_the_name_does_not_tell_them_apart() -> None:
    plain = changed(optimizer=OPTIMIZERS["gd"], settings={"lr": 0.1})
    other = changed(optimizer=retold(plain, "x = x - 2*lr*g"), settings={"lr": 0.1})
    assert contrast([plain, other]) == [Row("equations", "equations", ("x = x - lr*g", "x = x - 2*lr*g"))]
    assert [row.key for row in contrast([plain, other, BASE])][:2] == ["optimizer", "equations"]
    assert "equations" not in [row.key for row in contrast([plain, BASE])]


def test_a_name_with_another_meaning_is_another_setting() -> None:
    plain = changed(optimizer=OPTIMIZERS["gd"], settings={"lr": 0.1})
    unit = changed(optimizer=OPTIMIZERS["normalized_gd"], settings={"lr": 0.1})
    assert [(row.label, row.values) for row in contrast([plain, unit])][1:] == [("learning rate", (0.1, None)), ("step length", (None, 0.1))]
    nameless = changed(optimizer=Optimizer.from_text("mine", "x = x - k*g", {"k": Setting(0.1)}), settings={})
    assert ("k", "setting k", (None, 0.1)) in [(row.label, row.key, row.values) for row in contrast([plain, nameless])]


def test_other_variables() -> None:
    other = Experiment(GALLERY["two_sines"], OPTIMIZERS["adam"], {"lr": 0.1})
    rows = {row.key: row.values for row in contrast([BASE, other])}
    assert rows["variables"] == ("x, y", "x") and rows["box y"] == ((-2.0, 2.0), None) == rows["start y"]
    assert rows["parameter a"] == (1.0, None) and {"name", "formula"} <= set(rows)


# -- given starts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("starts", "wanted"),
    [
        ((given((1, 2), (3, 4)), given((1, 2), (3, 5))), ("no. 2, y = 4.0", "no. 2, y = 5.0")),
        ((given((1, 2)), given((1 + 1e-15, 2))), ("no. 1, x = 1.0", "no. 1, x = 1.000000000000001")),
        ((given((1, 2), (3, 4)), given((1, 2))), ("2 points", "1 point")),
        ((given((1, 2)), given((0, 2)), Starts()), ("no. 1, x = 1.0", "no. 1, x = 0.0", None)),
        ((given((1, 2)), given((1, 2)), Starts()), None),
    ],
)
def test_start_points_that_differ_are_told_at_the_first_that_does(starts: tuple[Starts, ...], wanted: tuple[str, ...] | None) -> None:
    rows = {row.key: row.values for row in contrast([changed(starts=one) for one in starts])}
    assert rows.get("points") == wanted
    assert ("starts" in rows) == (len({one.count for one in starts}) > 1)


def test_start_points_of_other_numbers_of_variables() -> None:
    one = Experiment(GALLERY["two_sines"], BASE.optimizer, starts=Starts.at([[1.0], [2.0]]))
    rows = {row.key: row.values for row in contrast([changed(starts=given((1, 2))), one])}
    assert rows["points"] == ("1 point", "2 points")
