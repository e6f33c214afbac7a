"""Somebody changes jobs or leaves (P27): the person keeps points and history, the company's promises are reviewed.

What was asked of them as a customer of the old company is called off with a word; consents that speak for the company
(its name and logo, quotes, recordings) stop counting until they are given again; a successor is looked for. However the
news comes (by hand, by an import), it is followed here.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from advocacy.crm import consent, spine
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.models import Account, Contact
from advocacy.delivery.models import Suppression
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, RoleGrant
from advocates import budget, pods
from advocates.models import Advocate, Task

OF_THE_COMPANY = (Purpose.NAME_AND_LOGO, Purpose.QUOTE, Purpose.RECORDING)
"""What somebody can allow only as long as they speak for the company."""

AT_ONCE = 200
BOUNCES_FOR = timedelta(days=7)

CallOff = Callable[[Advocate, str, datetime, Any], int]
_call_off: list[CallOff] = []


def when_they_go(call_off: CallOff) -> None:
    """Called by the floor above: how what is under way for the old company is called off; returns how many."""
    _call_off.append(call_off)


@transaction.atomic
def has_moved(
    advocate: Advocate, *, to: Account, at: datetime, by: Any = None, title: str = "", email: str = ""
) -> Advocate:
    """They work at another account now: the person goes there with points and history; back from having left, too."""
    old = Contact.objects.select_related("account").get(pk=advocate.contact_id).account
    if to.pk == old.pk:
        raise Refused(_("They are at %(account)s already.") % {"account": to})
    _end_what_is_under_way(advocate, old, at=at, by=by)
    _lock_both(advocate, old, to)
    contact = Contact.objects.get(pk=advocate.contact_id)
    contact.account, contact.left_on = to, None
    contact.title, contact.email = title.strip() or contact.title, email.strip() or contact.email
    contact.save(update_fields=["account", "left_on", "title", "email"])
    return _follow(advocate, old=old, new=to, at=at, by=by)


@transaction.atomic
def has_left(advocate: Advocate, *, at: datetime, by: Any = None, on: date | None = None) -> Advocate:
    """They have left, and we do not know where to: an alumnus, who keeps points and history and is asked nothing."""
    contact = Contact.objects.select_related("account").get(pk=advocate.contact_id)
    _end_what_is_under_way(advocate, contact.account, at=at, by=by)
    budget.lock(advocate)
    advocate = Advocate.objects.select_related("contact__account", "pod__manager", "user").get(pk=advocate.pk)
    contact = advocate.contact
    if contact.left_on is None:
        contact.left_on = on or at.date()
        contact.save(update_fields=["left_on"])
    if advocate.status == Advocate.Status.MEMBER:
        advocate.move_to(Advocate.Status.ALUMNUS, left_at=at)
    if advocate.user is not None:
        # The mailbox is the company's: nobody signs in through it any more.
        RoleGrant.objects.filter(user=advocate.user, role=Role.ADVOCATE).delete()
    _set_aside(advocate, old=contact.account, at=at, by=by)
    _find_successor(advocate, contact.account, at=at)
    key = f"{advocate.pk}:{contact.account_id}:{contact.left_on}"
    spine.record(Deed.DEPARTED, at=at, source=("advocates.departed", key), contact=contact, by=by)
    _tasks_are_done(advocate, at=at, by=by)
    Advocate.objects.filter(pk=advocate.pk).update(at_account=contact.account)
    return advocate


def _follow(advocate: Advocate, *, old: Account, new: Account, at: datetime, by: Any) -> Advocate:
    """What a move means, the contact being at the new account already and both accounts locked."""
    advocate = Advocate.objects.select_related("contact__account", "pod__manager").get(pk=advocate.pk)
    _set_aside(advocate, old=old, at=at, by=by)
    _find_successor(advocate, old, at=at)
    spine.record(
        Deed.MOVED, at=at, source=("advocates.moved", f"{advocate.pk}:{old.pk}:{new.pk}:{at.date()}"),
        contact=advocate.contact, account=new, by=by,
    )  # fmt: skip
    _tasks_are_done(advocate, at=at, by=by)
    Advocate.objects.filter(pk=advocate.pk).update(at_account=new)
    budget.project_all([old, new], at=at)
    return advocate


def _lock_both(advocate: Advocate, old: Account, new: Account) -> None:
    locked = Account.objects.select_for_update(of=("self",)).filter(pk__in=[old.pk, new.pk]).order_by("pk")
    if len(locked) != 2:
        raise Refused(_("This account is not there any more."))
    Advocate.objects.select_for_update(of=("self",)).get(pk=advocate.pk)
    if Contact.objects.get(pk=advocate.contact_id).account_id != old.pk:
        raise Refused(_("Somebody has said so meanwhile."))


def _end_what_is_under_way(advocate: Advocate, old: Account, *, at: datetime, by: Any) -> None:
    reason = _("You no longer speak for %(account)s") % {"account": old}
    for call_off in _call_off:
        call_off(advocate, reason, at, by)


def _set_aside(advocate: Advocate, *, old: Account, at: datetime, by: Any) -> None:
    """Consents that speak for the company stop counting, and somebody is asked to review them."""
    set_aside = []
    for purpose in sorted(consent.standing(advocate.contact, at=at) & set(OF_THE_COMPANY)):
        wording = _("Set aside on leaving %(account)s, until it is given again.") % {"account": old}
        consent.withdraw(advocate.contact, purpose, at=at, source="moved", wording=wording, by=by)
        set_aside.append(str(Purpose(purpose).label).lower())
    text = _("%(name)s is no longer at %(account)s: review what we show of them there.")
    if set_aside:
        text = _("%(name)s is no longer at %(account)s: review what we show, and ask again about: %(what)s.")
    _open(
        f"review:{advocate.pk}:{old.pk}:{at.date()}", Task.Kind.OTHER,
        text % {"name": advocate, "account": old, "what": ", ".join(set_aside)},
        advocate=advocate, account=old, assignee=advocate.manager or pods.manager_of_account(old), days=5, at=at,
    )  # fmt: skip


def _find_successor(advocate: Advocate, old: Account, *, at: datetime) -> None:
    _open(
        f"successor:{advocate.pk}:{old.pk}", Task.Kind.FIND,
        _("Find a successor for %(name)s at %(account)s.") % {"name": advocate, "account": old},
        advocate=None, account=old, assignee=advocate.manager or pods.manager_of_account(old), days=14, at=at,
    )  # fmt: skip


def _open(
    key: str, kind: str, text: str, *, advocate: Advocate | None, account: Account, assignee: Any, days: int,
    at: datetime,
) -> bool:  # fmt: skip
    _task, new = Task.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind, "text": text[:300], "advocate": advocate, "account": account, "assignee": assignee,
            "due_at": at + timedelta(days=days), "created_at": at,
        },
    )  # fmt: skip
    return new


def _tasks_are_done(advocate: Advocate, *, at: datetime, by: Any) -> None:
    """Whoever asked whether this person has left has the answer."""
    asked = Task.objects.filter(key__startswith=f"bounced:{advocate.pk}:", done_at__isnull=True)
    asked.update(done_at=at, done_by=by if getattr(by, "pk", None) else None)


# --- News that comes by itself ----------------------------------------------------------------------------------------
def notice(*, at: datetime) -> int:
    """Follow the moves and departures that imports brought: an account that is another one, a day they left.

    Each advocate's account is noted; whoever has none noted yet is noted, and nothing follows. Merged accounts move
    the note with them.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE advocates_advocate a SET at_account_id = c.account_id FROM crm_contact c"
            " WHERE c.id = a.contact_id AND a.at_account_id IS NULL"
        )
    followed = 0
    people = Advocate.objects.select_related("contact__account")
    moved = people.exclude(at_account=F("contact__account")).filter(at_account__isnull=False)
    for advocate in moved.select_related("at_account").order_by("pk")[:AT_ONCE]:
        followed += _notice_move(advocate, at=at)
    left = people.filter(status=Advocate.Status.MEMBER, contact__left_on__lte=at.date())
    for advocate in left.order_by("pk")[:AT_ONCE]:
        has_left(advocate, at=at, on=advocate.contact.left_on)
        followed += 1
    return followed


@transaction.atomic
def _notice_move(advocate: Advocate, *, at: datetime) -> bool:
    old, new = advocate.at_account, advocate.contact.account
    assert old is not None
    _end_what_is_under_way(advocate, old, at=at, by=None)
    list(Account.objects.select_for_update(of=("self",)).filter(pk__in=[old.pk, new.pk]).order_by("pk"))
    locked = Advocate.objects.select_for_update(of=("self",)).get(pk=advocate.pk)
    if locked.at_account_id != old.pk:
        return False
    _follow(advocate, old=old, new=new, at=at, by=None)
    return True


def ask_about_bounces(*, at: datetime) -> int:
    """An address that does not exist any more: has this person left? Asked once for each address."""
    gone = Suppression.objects.filter(reason="bounced", kind="*", at__gt=at - BOUNCES_FOR).values_list(
        "email", flat=True
    )
    addresses = {email.lower() for email in gone}
    if not addresses:
        return 0
    people = Advocate.objects.filter(
        status=Advocate.Status.MEMBER, contact__left_on__isnull=True, contact__in=_with_address(addresses)
    )
    asked = 0
    for advocate in people.select_related("contact__account", "pod__manager").order_by("pk"):
        account = advocate.contact.account
        asked += _open(
            f"bounced:{advocate.pk}:{advocate.contact.email.lower()}", Task.Kind.CARE,
            _("Mail to %(name)s comes back: has this person left %(account)s?")
            % {"name": advocate, "account": account},
            advocate=advocate, account=account, assignee=advocate.manager or pods.manager_of_account(account), days=2,
            at=at,
        )  # fmt: skip
    return asked


def _with_address(addresses: set[str]) -> Any:
    return Contact.objects.annotate(address=Lower("email")).filter(address__in=addresses).values("pk")
