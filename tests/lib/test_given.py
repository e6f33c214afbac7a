"""Whole numbers and words as addresses give them, odd ones included."""

import pytest

from advocacy.lib.given import plain, whole_number


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("17", 17), (" 17 ", 17), ("9223372036854775807", 2**63 - 1), ("٣", 3)]
)
def test_a_whole_number_is_read(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    "text", ["", None, "-1", "1.5", "²", "①", "9223372036854775808", "9" * 400, "1e3", "x", "1\x00"]
)
def test_what_is_none_is_none(text: str | None) -> None:
    assert whole_number(text) is None


def test_plain_words_hold_nothing_that_cannot_be_kept() -> None:
    assert plain(" Ines\x00 Barbosa ") == "Ines Barbosa"
    assert plain(None) == ""
