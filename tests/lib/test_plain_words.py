"""What forms say when something is missing or wrong says what to do."""

from typing import Any

import pytest
from django import forms


class Wish(forms.Form):
    name = forms.CharField(max_length=5)
    kind = forms.ChoiceField(choices=[("call", "Call")])
    most = forms.IntegerField(min_value=1, max_value=20)
    email = forms.EmailField()
    day = forms.DateField()
    link = forms.URLField(assume_scheme="https")


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("name", "", "Fill this in."),
        ("name", "Anneke", "Shorten this to 5 characters; it has 6."),
        ("kind", "", "Choose one."),
        ("kind", "visit", "Choose one of those listed."),
        ("most", "x", "Write a whole number, such as 12."),
        ("most", "21", "Write a number up to 20."),
        ("most", "0", "Write a number from 1 on."),
        ("email", "ines", "Write a whole e-mail address, such as ines@example.com."),
        ("day", "31.2.", "Write a day, such as 2026-03-10."),
        ("link", "a b", "Write a web address, such as https://example.com/page."),
    ],
)
def test_each_says_what_to_do(field: str, given: Any, said: str) -> None:
    assert Wish({field: given}).errors[field] == [said]
