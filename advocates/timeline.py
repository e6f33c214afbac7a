"""The story of an advocate or an account, read from the spine (P11)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from advocacy.crm.catalogue import ACTIVITY_DEEDS, ASK_DEEDS, TOUCH_DEEDS, Deed, is_negative
from advocacy.crm.models import Account, Activity, Signal
from advocacy.lib import places
from advocacy.lib.places import Place
from advocates.models import Advocate, Ask, Channel, ColleagueNomination, Letter, Wish

TAKEN_BACK = "advocates.taken_back"
"""A move or departure that was put on record by mistake."""

ICONS: dict[str, str] = {
    **dict.fromkeys(ASK_DEEDS, "question"),
    **dict.fromkeys(TOUCH_DEEDS, "heart"),
    **dict.fromkeys(ACTIVITY_DEEDS, "done"),
    Deed.WROTE: "mail", Deed.WRITTEN_TO: "mail", Deed.WISHED: "question",
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
    """What happened with this person, newest first; ``kind`` narrows to asks, touches, activities or letters."""
    rows = Activity.objects.filter(contact=advocate.contact_id)
    if kind == "letters":
        return rows.filter(source_type="advocates.letter")
    return rows.filter(deed__in=KINDS[kind]) if kind in KINDS else rows


def balance(advocate: Advocate, *, at: datetime) -> Balance:
    """Gives against asks of one person."""
    return _balance(Activity.objects.filter(contact=advocate.contact_id), since=advocate.joined_at, at=at)


def balance_of_account(account: Account, *, at: datetime) -> Balance:
    """Gives against asks of everybody at an account while they were there."""
    return _balance(Activity.objects.filter(account=account), since=None, at=at)


def _balance(rows: QuerySet[Activity], *, since: datetime | None, at: datetime) -> Balance:
    """In one query; without a touch so far they wait ``since`` then."""
    found = rows.aggregate(
        asks=Count("id", filter=Q(deed__in=ASK_DEEDS)),
        gives=Count("id", filter=Q(deed__in=ACTIVITY_DEEDS)),
        touches=Count("id", filter=Q(deed__in=TOUCH_DEEDS)),
        last=Max("at", filter=Q(deed__in=TOUCH_DEEDS)),
    )
    last = found["last"]
    days = (at - last).days if last else None
    waits = last or since
    neglected = bool(waits and at - waits > LONG_WITHOUT_TOUCH)
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


def of_account(account: Account, *, kind: str = "") -> QuerySet[Activity]:
    """What happened with everybody at this account while they were there."""
    rows = Activity.objects.filter(account=account)
    return rows.filter(deed__in=KINDS[kind]) if kind in KINDS else rows


def lines_of_account(rows: Sequence[Activity], *, reader: Any) -> list[dict[str, Any]]:
    """How deeds of several people read: whose each was, what, and what it was about. Wants ``contact__advocate``."""
    found = places.find([(row.source_type, row.source_id) for row in rows], reader=reader)
    shown = []
    for row in rows:
        person = getattr(row.contact, "advocate", None) if row.contact else None
        shown.append(
            {
                "at": row.at,
                "who": row.contact.full_name if row.contact else "",
                "advocate": person,
                "text": _in_words(row, person),
                "about": found.get((row.source_type, row.source_id)),
                "state": "ok" if row.deed in ACTIVITY_DEEDS else "bad" if row.deed in {Deed.MISSED, Deed.LEFT} else "",
            }
        )
    return shown


def signals(account: Account, *, after: datetime | None = None, before: datetime | None = None) -> QuerySet[Signal]:
    """What happened in the customer's own life, newest first; within two moments, to stand among the deeds."""
    rows = Signal.objects.filter(account=account).select_related("contact")
    if after is not None:
        rows = rows.filter(occurred_at__gte=after)
    if before is not None:
        rows = rows.filter(occurred_at__lt=before)
    return rows.order_by("-occurred_at", "-pk")


def lines_of_signals(rows: Iterable[Signal]) -> list[dict[str, Any]]:
    return [
        {
            "at": row.occurred_at,
            "who": row.contact.full_name if row.contact else "",
            "text": str(row.get_kind_display()) + (f": {row.value.normalize():f}" if row.value is not None else ""),
            "signal": True,
            "source": row.source,
            "state": "bad" if is_negative(row.kind, row.value) else "",
            "untrue_since": row.untrue_since,
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
        Deed.WELCOMED, Deed.INVITED, Deed.WRITTEN_TO, Deed.HELPED,
    }
)  # fmt: skip
"""Their words end in a passive, so whoever did it follows as “by …”."""


def _in_words(row: Activity, about: Advocate | None) -> str:
    """The deed, and whoever had a part in it beside the person it is about."""
    deed = str(row.get_deed_display())
    if row.source_type == TAKEN_BACK:
        return _("taken back, it was not so: %(deed)s") % {"deed": deed}
    if row.by is None or (about is not None and row.by_id == about.user_id):
        return deed
    words = {"deed": deed, "name": row.by}
    if row.deed == Deed.FEEDBACK_GIVEN:
        return _("%(name)s gave feedback on it") % words
    if row.deed == Deed.NOTED:
        return _("got a note from %(name)s") % words
    if row.deed == Deed.CARE_CALL:
        return _("%(deed)s with %(name)s") % words
    if row.deed in DONE_TO_THEM:
        return _("%(deed)s by %(name)s") % words
    return _("%(deed)s, noted by %(name)s") % words


# --- Where letters and wishes lie -------------------------------------------------------------------------------------
def _letters(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    may = reader.has_perm("advocates.work_portfolio")
    rows = Letter.objects.filter(pk__in=ids).select_related("contact")
    return {row.pk: Place(str(row), reverse("advocates:letter", args=[row.public_id]) if may else "") for row in rows}


def _wishes(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    may = reader.has_perm("advocates.work_portfolio")
    rows = Wish.objects.filter(pk__in=ids)
    return {row.pk: Place(str(row), reverse("advocates:wish", args=[row.public_id]) if may else "") for row in rows}


def _nominated(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    may = reader.has_perm("advocates.view_colleaguenomination")
    rows = ColleagueNomination.objects.filter(pk__in=ids)
    return {
        row.pk: Place(str(row), reverse("advocates:nomination", args=[row.public_id]) if may else "") for row in rows
    }


places.register("advocates.letter", _letters)
places.register("advocates.wish", _wishes)
places.register("advocates.colleaguenomination", _nominated)
