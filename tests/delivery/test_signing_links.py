"""Signed links open for what they were made for, and for nothing else."""

from datetime import timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from advocacy.lib import signed
from tests.factories import NOON


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_value_comes_back(value):
    assert signed.read("answer", signed.sign("answer", value)) == value


def test_a_number_comes_back_as_text():
    assert signed.read("answer", signed.sign("answer", 42)) == "42"


def test_a_link_for_one_purpose_does_not_open_another():
    with pytest.raises(signed.BadLink, match="not complete"):
        signed.read("answer", signed.sign("unsubscribe", "42"))


def test_the_token_is_safe_in_an_address():
    token = signed.sign("answer", "Zoë / ümlaut ? & #")
    assert all(char.isascii() and (char.isalnum() or char in "-_:") for char in token)


@pytest.mark.parametrize(
    "spoil", [lambda t: t[:-1], lambda t: t[1:], lambda t: "", lambda t: t + "=", lambda t: "é" + t]
)
def test_a_torn_link_says_so(spoil):
    with pytest.raises(signed.BadLink, match="not complete"):
        signed.read("answer", spoil(signed.sign("answer", "42")))


def test_a_link_lives_as_long_as_it_may():
    with time_machine.travel(NOON, tick=False):
        token = signed.sign("invitation", "7")
    with time_machine.travel(NOON + timedelta(days=29), tick=False):
        assert signed.read("invitation", token, timedelta(days=30)) == "7"
    with time_machine.travel(NOON + timedelta(days=31), tick=False):
        with pytest.raises(signed.BadLink, match="too old"):
            signed.read("invitation", token, timedelta(days=30))
        assert signed.read("invitation", token) == "7"
