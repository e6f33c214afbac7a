"""The story of an advocate or an account, read from the spine (P11)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from advocacy.crm.catalogue import ACTIVITY_DEEDS, ASK_DEEDS, TOUCH_DEEDS, Deed
from advocacy.crm.models import Activity
from advocacy.lib import places
from advocates.models import Advocate, Ask, Channel

ICONS: dict[str, str] = {
    **dict.fromkeys(ASK_DEEDS, "question"),
    **dict.fromkeys(TOUCH_DEEDS, "heart"),
    **dict.fromkeys(ACTIVITY_DEEDS, "done"),
    Deed.POSTED: "topic", Deed.REPLIED: "reply", Deed.MET: "intro", Deed.MAIL_SENT: "mail", Deed.MAIL_CLICKED: "mail",
    Deed.INVITED: "invitation", Deed.JOINED: "home", Deed.LEFT: "leave", Deed.CLAIMED: "opportunities",
    Deed.MOVED: "accounts", Deed.DEPARTED: "leave",
    Deed.SCHEDULED: "calendar", Deed.NOMINATION_ACCEPTED: "check", Deed.NOMINATION_DECLINED: "close",
}  # fmt: skip

KINDS: dict[str, frozenset[str]] = {
    "asks": frozenset(ASK_DEEDS),
    "touches": frozenset(TOUCH_DEEDS),
    "activities": frozenset(ACTIVITY_DEEDS),
}


@dataclass(frozen=True)
class Balance:
    """Who owes whom: what we asked, what they gave, when we last came without wanting anything."""

    asks: int
    gives: int
    touches: int
    last_touch: datetime | None
    days_since_touch: int | None
    neglected: bool


LONG_WITHOUT_TOUCH = timedelta(days=60)


def of_advocate(advocate: Advocate, *, kind: str = "") -> QuerySet[Activity]:
    """What happened with this person, newest first; ``kind`` narrows to asks, touches or activities."""
    rows = Activity.objects.filter(contact=advocate.contact_id)
    return rows.filter(deed__in=KINDS[kind]) if kind in KINDS else rows


def balance(advocate: Advocate, *, at: datetime) -> Balance:
    """Gives against asks, in one query."""
    found = Activity.objects.filter(contact=advocate.contact_id).aggregate(
        asks=Count("id", filter=Q(deed__in=ASK_DEEDS)),
        gives=Count("id", filter=Q(deed__in=ACTIVITY_DEEDS)),
        touches=Count("id", filter=Q(deed__in=TOUCH_DEEDS)),
    )
    last = (
        Activity.objects.filter(contact=advocate.contact_id, deed__in=TOUCH_DEEDS)
        .order_by("-at")
        .values_list("at", flat=True)
        .first()
    )
    days = (at - last).days if last else None
    since = last or advocate.joined_at
    neglected = bool(since and at - since > LONG_WITHOUT_TOUCH)
    return Balance(found["asks"], found["gives"], found["touches"], last, days, neglected)


def lines(rows: Sequence[Activity], *, about: Advocate, reader: Any) -> list[dict[str, Any]]:
    """How deeds read on a page: what was done, who else had a part in it, and what it was about."""
    found = places.find([(row.source_type, row.source_id) for row in rows], reader=reader)
    return [
        {
            "at": row.at,
            "text": _in_words(row, about),
            "about": found.get((row.source_type, row.source_id)),
            "icon": ICONS.get(row.deed, "info"),
            "state": "ok" if row.deed in ACTIVITY_DEEDS else "bad" if row.deed in {Deed.MISSED, Deed.LEFT} else "",
        }
        for row in rows
    ]


SOURCES = {Channel.BOARD: "opportunities.claim", Channel.DESK: "opportunities.referencerequest"}
"""What an ask's source is, by its channel."""


def asks(rows: Sequence[Ask], *, reader: Any) -> list[dict[str, Any]]:
    """The asks that count against a budget: what each was about, how it came, and when."""
    keys = {row.pk: (str(SOURCES.get(Channel(row.channel), "")), row.source_id) for row in rows}
    found = places.find(keys.values(), reader=reader)
    return [
        {
            "at": row.asked_at,
            "about": found.get(keys[row.pk]),
            "how": _("chosen by themselves, and counts as one")
            if row.channel == Channel.BOARD
            else _("asked by %(name)s") % {"name": row.by}
            if row.by
            else row.get_channel_display(),
        }
        for row in rows
    ]


DONE_TO_THEM = frozenset(
    {
        Deed.NOMINATED, Deed.OFFERED, Deed.SURVEYED, Deed.REVIEW_ASKED, Deed.THANKED, Deed.INTRODUCED, Deed.CELEBRATED,
        Deed.WELCOMED, Deed.INVITED,
    }
)  # fmt: skip
"""Their words end in a passive, so whoever did it follows as “by …”."""


def _in_words(row: Activity, about: Advocate) -> str:
    """The deed, and whoever had a part in it beside the person the timeline is about."""
    deed = str(row.get_deed_display())
    if row.by is None or row.by_id == about.user_id:
        return deed
    words = {"deed": deed, "name": row.by}
    if row.deed == Deed.FEEDBACK_GIVEN:
        return _("%(name)s gave feedback on it") % words
    if row.source_type == "advocates.podnote":
        return _("got a note from %(name)s") % words
    if row.deed == Deed.CARE_CALL:
        return _("%(deed)s with %(name)s") % words
    if row.deed in DONE_TO_THEM:
        return _("%(deed)s by %(name)s") % words
    return _("%(deed)s, noted by %(name)s") % words
