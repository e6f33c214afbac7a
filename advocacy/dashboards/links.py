"""Addresses of the records behind a figure, where the portal has a page for them."""

from collections.abc import Callable
from typing import Any

from django.urls import NoReverseMatch, reverse


def link(name: str, *steps: str) -> Callable[[Any], str]:
    """A link builder for a column: ``link("opportunities:request", "public_id")``; ``steps`` are attribute paths."""

    def address(row: Any) -> str:
        arguments = []
        for path in steps:
            value = row
            for step in path.split("."):
                value = getattr(value, step, None)
            if value is None:
                return ""
            arguments.append(value)
        try:
            return reverse(name, args=arguments)
        except NoReverseMatch:
            return ""

    return address
