"""A number with a range, and the frozen dict."""

import math
import pickle

import pytest

from gdcore import Setting
from gdcore.setting import FrozenDict


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"default": 2, "low": 3}, "the default 2 must lie between 3 and inf"),
        ({"default": 2, "high": 1}, "the default 2 must lie between -inf and 1"),
        ({"default": math.nan}, "the default nan"),
        ({"default": 1, "low": 0, "log": True}, "lower limit above 0"),
        ({"default": 1, "log": True}, "lower limit above 0"),
    ],
)
def test_numbers_that_contradict_each_other(numbers: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Setting(**numbers)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0.1, 1, 10.0])
def test_check_returns_a_float(value: float) -> None:
    checked = Setting(1.0, low=0.1, high=10).check(value, "rate")
    assert checked == value and isinstance(checked, float)


@pytest.mark.parametrize("value", [0.099, 10.001, -1, math.nan, math.inf])
def test_check_says_what_is_allowed(value: float) -> None:
    with pytest.raises(ValueError, match="learning rate is .*; give a number from 0.1 to 10"):
        Setting(1.0, low=0.1, high=10, label="learning rate").check(value, "lr")
    with pytest.raises(ValueError, match="lr is"):
        Setting(1.0, low=0.1, high=10).check(value, "lr")


def test_frozen_dict_is_hashable_and_never_changes() -> None:
    frozen = FrozenDict({"a": 1, "b": 2})
    assert frozen == {"b": 2, "a": 1} and hash(frozen) == hash(FrozenDict({"b": 2, "a": 1}))
    for change in (
        lambda: frozen.__setitem__("a", 3), lambda: frozen.pop("a"), lambda: frozen.update(a=3), lambda: frozen.clear(),
        lambda: frozen.__delitem__("a"), lambda: frozen.popitem(), lambda: frozen.setdefault("c", 1),
        lambda: frozen.__ior__({"c": 1}),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="frozen"):
            change()
    assert frozen == {"a": 1, "b": 2}
    again = pickle.loads(pickle.dumps(frozen))
    assert again == frozen and isinstance(again, FrozenDict)
