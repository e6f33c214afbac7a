"""Colleagues nominate customers; who becomes an active advocate credits them (P7)."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm.catalogue import ACTIVITY_DEEDS, Deed
from advocacy.crm.models import Account, Activity, Contact
from advocacy.delivery.models import Message
from advocacy.delivery.notifications import notify, settled
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, RoleGrant, User
from advocates import invitations, pods
from advocates.actions import invitations as inviting
from advocates.actions.joining import account_by_domain, matching_contact
from advocates.models import (
    Advocate,
    ColleagueNomination,
    CreditRule,
    Invitation,
    NominationCredit,
    Pod,
    Task,
)

READ_WITHIN = timedelta(days=2)
"""What the colleague is told; a nomination nobody has answered by then is marked in the list."""


def key_of(nomination: ColleagueNomination) -> str:
    """The key of its task, which says what the task is about."""
    return f"nominated:advocates.colleaguenomination:{nomination.pk}"


def why_not(email: str, *, by: Any) -> str:
    """Why this person cannot be nominated by this colleague, in words; empty when they can."""
    email = email.strip().lower()
    if email == by.email.lower():
        return str(_("That is your own address. Nominate a customer."))
    staff = RoleGrant.objects.exclude(role=Role.ADVOCATE).values("user")
    if User.objects.filter(email__iexact=email, pk__in=staff).exists():
        return str(_("That is a colleague’s address. Nominate a customer."))
    before = ColleagueNomination.objects.filter(email__iexact=email, status__in=["filed", "invited"]).first()
    if before is not None:
        words = {"name": before.by, "day": timezone.localtime(before.filed_at).date().isoformat()}
        if before.by_id == by.pk:
            return str(_("You have nominated them already, on %(day)s.") % words)
        return str(_("%(name)s has nominated them already, on %(day)s.") % words)
    contact = matching_contact(email)
    advocate = Advocate.objects.filter(contact=contact).first() if contact else None
    if advocate is not None and advocate.status == Advocate.Status.MEMBER:
        return str(_("%(name)s is an advocate already.") % {"name": contact})
    invited = advocate is not None and advocate.invitations.filter(status__in=invitations.OPEN).exists()
    if advocate is not None and (invited or advocate.status == Advocate.Status.APPLIED):
        return str(_("%(name)s is on the way in already: invited, or has applied.") % {"name": contact})
    return ""


@transaction.atomic
def nominate(*, by: Any, email: str, facts: Mapping[str, Any], at: datetime) -> ColleagueNomination:
    """Put a customer forward. ``facts``: names, title, company, why, and whether the invitation carries one’s name."""
    email = email.strip().lower()
    if refusal := why_not(email, by=by):
        raise Refused(refusal)
    contact = matching_contact(email)
    account = contact.account if contact else account_by_domain(email)
    try:
        with transaction.atomic():
            nomination = ColleagueNomination.objects.create(by=by, email=email, contact=contact, filed_at=at, **facts)
    except IntegrityError:  # a colleague was quicker by a moment
        raise Refused(why_not(email, by=by)) from None
    reader = (pods.manager_of_account(account) if account else None) or _least_busy()
    task = Task.objects.create(
        kind=Task.Kind.NOMINATION, key=key_of(nomination), account=account, assignee=reader, created_at=at,
        due_at=at,
        text=(_("%(name)s nominates %(customer)s") % {"name": by, "customer": nomination})[:300],
    )  # fmt: skip
    if reader is not None:
        url = f"/nominated/{nomination.public_id}/"
        notify(reader, "nominated", key=str(nomination.pk), text=task.text, url=url, at=at)
    return nomination


def _least_busy() -> User | None:
    """Of those who run pods, whoever has the fewest tasks open; None where there is no pod."""
    waiting = Count("tasks", filter=Q(tasks__done_at__isnull=True))
    managers = User.objects.filter(pk__in=Pod.objects.values("manager"), is_active=True)
    return managers.annotate(waiting=waiting).order_by("waiting", "pk").first()


@transaction.atomic
def invite(nomination: ColleagueNomination, *, account: Account | None, at: datetime, by: Any) -> Invitation:
    """Invite whoever was nominated; somebody the records do not know becomes a contact at ``account``."""
    nomination = ColleagueNomination.objects.select_for_update(of=("self",)).select_related("by").get(pk=nomination.pk)
    if nomination.status != ColleagueNomination.Status.FILED:
        raise Refused(_("This nomination has been answered already."))
    contact = matching_contact(nomination.email)
    if contact is None:
        if account is None:
            raise Refused(_("Choose the account they work at."))
        contact = Contact.objects.create(
            account=account, source="portal", external_id=f"nomination:{nomination.public_id}", facts_at=at,
            email=nomination.email, given_name=nomination.given_name, family_name=nomination.family_name,
            title=nomination.title, language=account.language, time_zone=account.time_zone,
        )  # fmt: skip
    signs = nomination.by if nomination.signs and nomination.by.is_active else by
    invitation = inviting.invite(contact, at=at, by=signs)
    nomination.move_to(
        ColleagueNomination.Status.INVITED, decided_at=at, decided_by=by, contact=contact, invitation=invitation,
        reason="",
    )  # fmt: skip
    _decided(nomination, _("%(customer)s, whom you nominated, is invited."), at=at, by=by)
    return invitation


@transaction.atomic
def decline(nomination: ColleagueNomination, *, reason: str, at: datetime, by: Any) -> None:
    """Say no to the colleague, with a reason; the customer hears nothing."""
    reason = reason.strip()
    if not reason:
        raise Refused(_("Give a reason; your colleague reads it."))
    nomination = ColleagueNomination.objects.select_for_update(of=("self",)).select_related("by").get(pk=nomination.pk)
    if nomination.status != ColleagueNomination.Status.FILED:
        raise Refused(_("This nomination has been answered already."))
    nomination.move_to(ColleagueNomination.Status.DECLINED, decided_at=at, decided_by=by, reason=reason[:300])
    _decided(nomination, _("%(customer)s, whom you nominated, is not invited: %(reason)s"), at=at, by=by)


def _decided(nomination: ColleagueNomination, words: str, *, at: datetime, by: Any) -> None:
    Task.objects.filter(key=key_of(nomination), done_at__isnull=True).update(done_at=at, done_by=by)
    settled("nominated", key=str(nomination.pk), at=at)
    if nomination.by_id != by.pk:
        text = words % {"customer": nomination, "reason": nomination.reason}
        key = f"{nomination.pk}:{at.isoformat()}"
        notify(nomination.by, "nomination_answered", key=key, text=text, url="/nominate/", at=at)


@transaction.atomic
def take_back(nomination: ColleagueNomination, *, at: datetime, by: Any) -> None:
    """The answer was a mistake: it waits to be read again. An invitation that has gone out cannot be called back."""
    nomination = ColleagueNomination.objects.select_for_update(of=("self",)).get(pk=nomination.pk)
    if nomination.status not in {ColleagueNomination.Status.INVITED, ColleagueNomination.Status.DECLINED}:
        raise Refused(_("There is no answer to take back."))
    if nomination.invitation is not None:
        _call_back(nomination.invitation)
    try:
        with transaction.atomic():
            nomination.move_to(
                ColleagueNomination.Status.FILED, decided_at=None, decided_by=None, invitation=None, reason=""
            )
    except IntegrityError:
        raise Refused(_("Somebody has nominated them again meanwhile. Answer that nomination.")) from None
    Task.objects.filter(key=key_of(nomination)).update(done_at=None, done_by=None)


def _call_back(invitation: Invitation) -> None:
    unsent = Message.objects.filter(
        kind="invitation", dedupe_key=f"{invitation.pk}:0", status=Message.Status.DUE
    ).update(status=Message.Status.CANCELLED, result="the invitation was taken back")
    if not unsent:
        raise Refused(_("The invitation has gone out already; it cannot be called back."))
    invitation.move_to(Invitation.Status.STOPPED)


@transaction.atomic
def withdraw(nomination: ColleagueNomination, *, at: datetime, by: Any) -> None:
    """The colleague takes it back while nobody has answered."""
    if nomination.by_id != by.pk:
        raise Refused(_("Only who nominated somebody withdraws it."))
    if nomination.status != ColleagueNomination.Status.FILED:
        raise Refused(_("This nomination has been answered already."))
    nomination.move_to(ColleagueNomination.Status.WITHDRAWN)
    Task.objects.filter(key=key_of(nomination), done_at__isnull=True).update(done_at=at, done_by=by)
    settled("nominated", key=str(nomination.pk), at=at)


# --- Credits ----------------------------------------------------------------------------------------------------------
QUALIFYING: Mapping[str, frozenset[str]] = {
    CreditRule.Qualifies.JOINED: frozenset({Deed.JOINED}),
    CreditRule.Qualifies.VERIFIED: frozenset(ACTIVITY_DEEDS),
}
"""Which deeds on the spine are meant: a first activity is any completed one."""


def fall_due(*, at: datetime) -> int:
    """Credits for those nominated who have done what the rule asks for. Run twice it gives nothing twice."""
    rule = CreditRule.objects.filter(is_active=True).first()
    if rule is None:
        return 0
    waiting = ColleagueNomination.objects.filter(
        status=ColleagueNomination.Status.INVITED, credit__isnull=True, contact__isnull=False,
        filed_at__gt=at - timedelta(days=rule.within_days + 1),
    ).exclude(contact__colleague_nominations__credit__isnull=False)  # fmt: skip
    deeds = QUALIFYING[rule.deed]
    first: dict[int, datetime] = {}
    # Of two nominations of one person (their entries were merged since) the earlier one counts.
    people = {one.contact_id: one for one in waiting.select_related("by").order_by("-filed_at")}
    spine = Activity.objects.filter(contact__in=people, deed__in=deeds, at__lte=at).order_by("at")
    for contact, when in spine.values_list("contact", "at"):
        if contact is not None and when >= people[contact].filed_at:
            first.setdefault(contact, when)
    number = 0
    for contact, when in first.items():
        nomination = people[contact]
        if when > nomination.filed_at + timedelta(days=rule.within_days):
            continue
        with transaction.atomic():
            credit, new = NominationCredit.objects.get_or_create(
                nomination=nomination,
                defaults={
                    "rule": rule, "deed": rule.deed, "deed_at": when, "amount": rule.amount,
                    "currency": rule.currency, "due_at": at,
                },
            )  # fmt: skip
            if new:
                number += 1
                words = _("%(customer)s is an active advocate: %(amount)s %(currency)s for you, to be approved.")
                _tell(credit, words, at=at)
    return number


def _tell(credit: NominationCredit, words: str, *, at: datetime) -> None:
    nomination = credit.nomination
    text = words % {
        "customer": nomination, "amount": credit.amount, "currency": credit.currency, "reason": credit.reason,
    }  # fmt: skip
    key = f"{credit.pk}:{credit.status}:{at.isoformat()}"
    notify(nomination.by, "nomination_credit", key=key, text=text, url="/nominate/", at=at)


def _locked(credit: NominationCredit, *, by: Any) -> NominationCredit:
    found = NominationCredit.objects.select_for_update(of=("self",)).select_related("nomination__by").get(pk=credit.pk)
    if found.nomination.by_id == by.pk:
        raise Refused(_("This credit is your own. Somebody else decides it."))
    return found


@transaction.atomic
def approve(credit: NominationCredit, *, at: datetime, by: Any) -> None:
    """A lead says that it is earned. Nobody approves their own."""
    credit = _locked(credit, by=by)
    _need(credit, NominationCredit.Status.DUE)
    credit.move_to(NominationCredit.Status.APPROVED, approved_at=at, approved_by=by, reason="")
    _tell(credit, _("Approved: %(amount)s %(currency)s for nominating %(customer)s."), at=at)


@transaction.atomic
def refuse(credit: NominationCredit, *, reason: str, at: datetime, by: Any) -> None:
    """A lead says that it is not earned, and why."""
    reason = reason.strip()
    if not reason:
        raise Refused(_("Give a reason; your colleague reads it."))
    credit = _locked(credit, by=by)
    _need(credit, NominationCredit.Status.DUE)
    credit.move_to(NominationCredit.Status.DECLINED, approved_at=at, approved_by=by, reason=reason[:300])
    _tell(credit, _("Not approved: the credit for nominating %(customer)s. %(reason)s"), at=at)


@transaction.atomic
def pay(credit: NominationCredit, *, paid_on: date, at: datetime, by: Any) -> None:
    """The day on which it was paid, for instance with the salary."""
    credit = _locked(credit, by=by)
    _need(credit, NominationCredit.Status.APPROVED)
    today = timezone.localdate(at)
    decided = timezone.localtime(credit.approved_at or at).date()
    if not decided <= paid_on <= today:
        raise Refused(_("Choose a day from the approval on, not after today."))
    credit.move_to(NominationCredit.Status.PAID, paid_on=paid_on, paid_by=by)
    _tell(credit, _("Paid: %(amount)s %(currency)s for nominating %(customer)s."), at=at)


@transaction.atomic
def step_back(credit: NominationCredit, *, by: Any) -> None:
    """Undo the last decision on a credit: from paid to approved, from a decision to waiting."""
    credit = _locked(credit, by=by)
    if credit.status == NominationCredit.Status.PAID:
        credit.move_to(NominationCredit.Status.APPROVED, paid_on=None, paid_by=None)
    elif credit.status in {NominationCredit.Status.APPROVED, NominationCredit.Status.DECLINED}:
        credit.move_to(NominationCredit.Status.DUE, approved_at=None, approved_by=None, reason="")
    else:
        raise Refused(_("There is no decision to take back."))


def _need(credit: NominationCredit, status: str) -> None:
    if credit.status != status:
        raise Refused(
            _("Somebody has decided this meanwhile: it is %(state)s.") % {"state": credit.get_status_display()}
        )
