"""Forms: what is written is read again, and what makes no sense is refused."""

import pytest

from gdui import forms


@pytest.mark.parametrize(
    ("form", "value", "text"),
    [
        (forms.NUMBERS, 0.1, "0.1"), (forms.NUMBERS, -3.0, "-3"), (forms.FLAGS, True, "yes"), (forms.FLAGS, False, "no"),
        (forms.NAMES, ["gd", "adam (second)"], "gd;adam (second)"), (forms.ranges(2), [(-1.0, 2.5), (0.0, 1e-9)], "-1.0..2.5;0.0..1e-09"),
        (forms.whole(0, 200), 30, "30"), (forms.option_of("a", "b"), "b", "b"),
    ],
)  # fmt: skip
def test_forms_write_what_they_read(form, value, text):
    assert form.write(value) == text and form.read(text) == value


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (forms.NUMBERS, "nan"), (forms.NUMBERS, "1_0"), (forms.NUMBERS, ""), (forms.FLAGS, "true"), (forms.ranges(1), "1..0"),
        (forms.ranges(2), "0..1"), (forms.whole(0, 200), "201"), (forms.whole(0, 200), "x"), (forms.option_of("a"), "b"), (forms.TEXT, "x" * 201),
    ],
)  # fmt: skip
def test_forms_refuse_what_makes_no_sense(form, text):
    with pytest.raises((ValueError, KeyError)):
        form.read(text)
