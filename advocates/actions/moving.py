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
from advocacy.crm.models import Account, Activity, ConsentEntry, ConsentState, Contact
from advocacy.delivery.models import Suppression
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, RoleGrant
from advocates import budget, pods
from advocates.models import Advocate, Task
from advocates.timeline import TAKEN_BACK

OF_THE_COMPANY = (Purpose.NAME_AND_LOGO, Purpose.QUOTE, Purpose.RECORDING)
"""What somebody can allow only as long as they speak for the company."""

AT_ONCE = 200
TAKEN_BACK_FOR = timedelta(days=30)
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


# --- Taking it back ---------------------------------------------------------------------------------------------------
def to_take_back(advocate: Advocate, *, at: datetime) -> Activity | None:
    """The last move or departure of this person, as long as it is young and has not been taken back."""
    rows = Activity.objects.filter(contact=advocate.contact_id, deed__in=(Deed.MOVED, Deed.DEPARTED))
    last = rows.exclude(source_type=TAKEN_BACK).select_related("by").order_by("-at", "-pk").first()
    if last is None or last.at < at - TAKEN_BACK_FOR:
        return None
    return None if rows.filter(source_type=TAKEN_BACK, source_id=str(last.pk)).exists() else last


@transaction.atomic
def take_back(advocate: Advocate, *, at: datetime, by: Any = None) -> Account:
    """It was not so: they are where they were, with their consents. What was called off with a word stays so."""
    last = to_take_back(advocate, at=at)
    if last is None:
        raise Refused(_("There is nothing to take back; after thirty days say where they are now instead."))
    contact = Contact.objects.select_related("account").get(pk=advocate.contact_id)
    now = contact.account
    old = now
    if last.deed == Deed.MOVED:
        _of, old_pk, new_pk, _day = last.source_id.split(":")
        found = Account.objects.filter(pk=old_pk).first()
        if now.pk != int(new_pk) or found is None:
            raise Refused(
                _("They have moved on since, or the old account is not there any more; say where they are now.")
            )
        old = found
        _end_what_is_under_way(advocate, now, at=at, by=by)
        _lock_both(advocate, now, old)
    else:
        budget.lock(advocate)
    advocate = Advocate.objects.select_related("contact", "user").get(pk=advocate.pk)
    contact = advocate.contact
    _as_it_was(contact, old, last)
    if last.deed == Deed.DEPARTED and advocate.status == Advocate.Status.ALUMNUS and advocate.left_at == last.at:
        advocate.move_to(Advocate.Status.MEMBER, left_at=None)
        if advocate.user is not None:
            RoleGrant.objects.get_or_create(user=advocate.user, role=Role.ADVOCATE)
    _consents_as_they_were(contact, last, at=at, by=by)
    keys = [f"review:{advocate.pk}:{old.pk}:{last.at.date()}", f"successor:{advocate.pk}:{old.pk}"]
    Task.objects.filter(key__in=keys, done_at__isnull=True).delete()
    spine.record(last.deed, at=at, source=(TAKEN_BACK, last.pk), contact=contact, account=old, by=by)
    Advocate.objects.filter(pk=advocate.pk).update(at_account=old)
    budget.project_all([old] if old.pk == now.pk else [old, now], at=at)
    return old


def _as_it_was(contact: Contact, old: Account, last: Activity) -> None:
    """Account, title, address and day of departure as they stood last at the old account."""
    contact.account = old
    if last.deed == Deed.DEPARTED:
        contact.left_on = None
    else:
        history: Any = contact.events  # type: ignore[attr-defined]
        before = history.filter(account=old.pk).order_by("-pgh_id").first()
        if before is not None:
            contact.title, contact.email, contact.left_on = before.title, before.email, before.left_on
    contact.save(update_fields=["account", "title", "email", "left_on"])


def _consents_as_they_were(contact: Contact, last: Activity, *, at: datetime, by: Any) -> None:
    """What was set aside stands again in its own words; whoever has spoken since is not overruled."""
    states = ConsentState.objects.filter(contact=contact, entry__source="moved", entry__at=last.at, given=False)
    for state in states.select_related("entry").order_by("purpose"):
        before = (
            ConsentEntry.objects.filter(contact=contact, purpose=state.purpose, pk__lt=state.entry_id)
            .order_by("-pk").first()
        )  # fmt: skip
        if before is not None and before.given:
            consent.put_on_record(
                contact, state.purpose, given=True, wording=before.wording, scope=before.scope,
                expires_at=before.expires_at, at=at, source="move taken back", by=by,
            )  # fmt: skip


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
