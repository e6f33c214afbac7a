"""The weekly note to account owners and CSMs."""

from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext_lazy

from advocacy.delivery import kinds, outbox
from advocacy.delivery.models import Message
from opportunities.trust import Week, accounts_of

NOTE = "owner_note"


def weekly_note(user: Any, week: Week, *, monday: date, at: datetime) -> Message | None:
    """What was asked of their customers, and what is to come."""
    return outbox.owe(
        NOTE, to=user, template="opportunities/owner_note", dedupe_key=f"{user.pk}:{monday}", at=at, counts=False,
        params={"happened": list(week.happened), "ahead": list(week.ahead), "name": str(user)},
    )  # fmt: skip


kinds.register(
    kinds.Kind(
        NOTE,
        gettext_lazy("The weekly note on your customers"),
        gettext_lazy("On Mondays: what was asked of the customers you answer for, and what is to come."),
        lambda user: accounts_of(user).exists(),
    )
)
