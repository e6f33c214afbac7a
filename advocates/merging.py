"""What merging two contacts or accounts means for the people of the program (P28).

Two advocates of one person become one: everything that happened is on the one that stays. Limits add up to the
stricter one, points are booked over in the ledger, and whoever has joined under either is a member.
"""

from datetime import datetime
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from advocacy.crm import merging
from advocacy.crm.merging import Handling
from advocacy.crm.models import Contact, Merge, Twins
from advocacy.delivery.models import Message
from advocacy.users.models import Role, RoleGrant, User
from advocates import budget, invitations
from advocates.models import Advocate, Firing, Invitation, PointEntry

LISTS = ("expertise", "interests", "wants", "never", "ruled_out")
TEXTS = ("goals", "about", "valuable", "type", "thanks")


def _two(stays: Contact, gone: Contact) -> tuple[Advocate, Advocate]:
    rows = Advocate.objects.select_for_update().filter(contact__in=[stays.pk, gone.pk]).order_by("pk")
    found = {row.contact_id: row for row in rows}
    return found[stays.pk], found[gone.pk]


def _merge_advocates(merge: Merge, stays: Contact, gone: Contact, at: datetime) -> dict[str, Any]:
    kept, left = _two(stays, gone)
    record: dict[str, Any] = {"invitations": _one_invitation(kept, left)}
    record["moved"] = merging.follow(Advocate, merge, kept, left, at=at)
    kept.refresh_from_db()
    own, theirs = _taken_over(kept, left)
    record["user_closed"] = record["role_taken"] = None
    if left.user_id and kept.user_id:
        # One person signs in as an advocate with one address: the one that stays. A colleague keeps their own.
        if RoleGrant.objects.filter(user=left.user_id).exclude(role=Role.ADVOCATE).exists():
            if RoleGrant.objects.filter(user=left.user_id, role=Role.ADVOCATE).delete()[0]:
                record["role_taken"] = left.user_id
        elif User.objects.filter(pk=left.user_id, is_active=True).update(is_active=False):
            record["user_closed"] = left.user_id
    elif left.user_id:
        theirs["user_id"], own["user_id"] = None, left.user_id
    if left.status == Advocate.Status.MEMBER:
        theirs.update(status=Advocate.Status.LEFT, left_at=at)
    record["theirs"] = merging.change(left, theirs)
    record["own"] = merging.change(kept, own)
    return record


def _one_invitation(kept: Advocate, left: Advocate) -> list[tuple[int, str]]:
    """One person has one open invitation, and a member none: nobody is reminded of the others; returns what they were.

    Their links stay good, and lead to the one that stays.
    """
    open_ones = Invitation.objects.filter(status__in=invitations.OPEN)
    theirs = open_ones.filter(advocate__in=[kept.pk, left.pk])
    if Advocate.Status.MEMBER not in (kept.status, left.status):
        theirs = theirs.filter(advocate=left.pk) if open_ones.filter(advocate=kept.pk).exists() else theirs.none()
    stopped: list[tuple[int, str]] = list(theirs.order_by("pk").values_list("pk", "status"))
    for pk, _status in stopped:
        Invitation.objects.filter(pk=pk).update(status=Invitation.Status.STOPPED)
        Message.objects.filter(kind="invitation", dedupe_key__startswith=f"{pk}:", status=Message.Status.DUE).update(
            status=Message.Status.CANCELLED, result="the person has another entry"
        )
    return stopped


def _taken_over(kept: Advocate, left: Advocate) -> tuple[dict[str, Any], dict[str, Any]]:
    own: dict[str, Any] = {
        "stage": max(kept.stage, left.stage),
        "prefers_private": kept.prefers_private or left.prefers_private,
        "pod_id": kept.pod_id or left.pod_id,
        "told": {**left.told, **kept.told},
        "joined_at": min(filter(None, (kept.joined_at, left.joined_at)), default=None),
        "wizard_done_at": kept.wizard_done_at or left.wizard_done_at,
        "asks_a_quarter": min(
            (limit for limit in (kept.asks_a_quarter, left.asks_a_quarter) if limit is not None), default=None
        ),
        "years_of_experience": kept.years_of_experience
        if kept.years_of_experience is not None
        else left.years_of_experience,
    }
    for name in LISTS:
        mine = getattr(kept, name)
        own[name] = [*mine, *(word for word in getattr(left, name) if word not in mine)]
    for name in TEXTS:
        own[name] = getattr(kept, name) or getattr(left, name)
    own["wants"] = [kind for kind in own["wants"] if kind not in own["never"]]
    if left.status == Advocate.Status.MEMBER and kept.status != Advocate.Status.MEMBER:
        own.update(status=Advocate.Status.MEMBER, left_at=None)
    return own, {}


def _undo_advocates(merge: Merge, stays: Contact, gone: Contact, done: dict[str, Any], at: datetime) -> None:
    kept, left = _two(stays, gone)
    merging.change_back(kept, done["own"])
    merging.change_back(left, done["theirs"])
    if done["user_closed"]:
        User.objects.filter(pk=done["user_closed"]).update(is_active=True)
    if role_taken := done.get("role_taken"):
        RoleGrant.objects.get_or_create(user_id=role_taken, role=Role.ADVOCATE)
    merging.put_back(Advocate, merge, kept, left, done["moved"], at=at)
    for pk, status in done.get("invitations", ()):
        Invitation.objects.filter(pk=pk, status=Invitation.Status.STOPPED).update(status=status)


# --- Points: the ledger only grows, so they are booked over -----------------------------------------------------------
def _book_over(merge: Merge, origin: Advocate, to: Advocate, points: int, *, reason: str, at: datetime) -> None:
    for advocate, number in ((to, points), (origin, -points)):
        if number:
            PointEntry.objects.create(
                advocate=advocate, points=number, reason=reason, source_type="crm.merge", source_id=str(merge.pk), at=at
            )


def _merge_points(merge: Merge, stays: Advocate, gone: Advocate, at: datetime) -> int:
    points = PointEntry.objects.filter(advocate=gone).aggregate(sum=Sum("points"))["sum"] or 0
    _book_over(merge, gone, stays, points, reason=_("Points you had under your other entry"), at=at)
    return points


def _undo_points(merge: Merge, stays: Advocate, gone: Advocate, points: int, at: datetime) -> None:
    reason = _("Points that belong to somebody else after all: two entries had been taken for one person")
    _book_over(merge, stays, gone, points, reason=reason, at=at)


# --- What names a row in words, and what is computed ------------------------------------------------------------------
def _merge_beside(merge: Merge, stays: Any, gone: Any, at: datetime) -> list[int]:
    """A rule that reached one of them has reached both."""
    mine, theirs = f"{merge.kind}:{stays.pk}", f"{merge.kind}:{gone.pk}"
    known = set(Firing.objects.filter(subject=mine).values_list("rule", "occurrence"))
    moved = [
        pk
        for pk, rule, occurrence in Firing.objects.filter(subject=theirs).values_list("pk", "rule", "occurrence")
        if (rule, occurrence) not in known
    ]
    Firing.objects.filter(pk__in=moved).update(subject=mine)
    _project(merge, stays, at=at)
    return moved


def _undo_beside(merge: Merge, stays: Any, gone: Any, moved: list[int], at: datetime) -> None:
    Firing.objects.filter(pk__in=moved, subject=f"{merge.kind}:{stays.pk}").update(subject=f"{merge.kind}:{gone.pk}")


def _settle(merge: Merge, stays: Any, gone: Any, at: datetime) -> None:
    """Both have their own asks again, and rest for these only."""
    kind = type(stays)
    two = list(kind.with_merged.filter(pk__in=[stays.pk, gone.pk]).order_by("pk"))
    accounts = two if merge.kind == Twins.ACCOUNT else [row.account for row in two]
    budget.project_all(accounts, at=at)


def _project(merge: Merge, stays: Any, *, at: datetime) -> None:
    budget.project(stays if merge.kind == Twins.ACCOUNT else stays.account, at=at)


def register() -> None:
    merging.when_both_have_one("advocates.advocate.contact", Handling(_merge_advocates, _undo_advocates))
    merging.handle("advocates.pointentry.advocate", Handling(_merge_points, _undo_points))
    merging.besides("advocates", Handling(_merge_beside, _undo_beside, _settle))
