"""What an address or a form gives us, before anything is looked up with it: whole numbers and plain words."""

LARGEST = 2**63 - 1
"""The largest number a key in Postgres can be."""


def whole_number(text: str | None) -> int | None:
    """The whole number a text is; None when it is none, or larger than any key."""
    digits = (text or "").strip()
    if not digits.isdecimal() or len(digits) > 19:
        return None
    number = int(digits)
    return number if number <= LARGEST else None


def plain(text: str | None) -> str:
    """A text without the characters Postgres cannot hold, trimmed."""
    return (text or "").replace("\x00", "").strip()
