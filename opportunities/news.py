"""Beta and advisory groups that take members, for the newsletter."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse
from django.utils.translation import ngettext

from advocacy.lib import news
from advocacy.lib.text import excerpt
from opportunities.models import CustomerGroup


def open_groups(at: datetime) -> Iterator[news.Piece]:
    """Groups one may apply to and that have a seat, the youngest first."""
    rows = CustomerGroup.objects.open().filter(joining=CustomerGroup.Joining.APPLICATION, created_at__lte=at)
    for group in rows.with_numbers().order_by("-created_at", "-pk"):
        left = group.seats - group.members - group.invited  # type: ignore[attr-defined]
        if left > 0:
            seats = ngettext("%(n)d seat is free.", "%(n)d seats are free.", left) % {"n": left}
            yield news.Piece(
                group.name,
                f"{excerpt(group.what, 200)} {seats}",
                reverse("opportunities:group", args=[group.public_id]),
            )


news.register(news.Source("groups", open_groups, most=2))
