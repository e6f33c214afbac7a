"""Inviting customers, reminding them, and taking their yes or no (P14)."""

from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat, Lower
from django.utils import translation
from django.utils.translation import gettext as _

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Account, Contact, Program, RecordedBasis
from advocacy.delivery import outbox
from advocacy.delivery.models import Message, Suppression
from advocacy.lib.lifecycle import Refused
from advocates import invitations, pods
from advocates.models import Advocate, CohortBatch, Firing, Invitation, InvitationTemplate

BATCH = 500


@transaction.atomic
def invite(
    contact: Contact,
    *,
    at: datetime,
    by: Any = None,
    firing: Firing | None = None,
    batch: CohortBatch | None = None,
    beta: bool = False,
) -> Invitation:
    """Invite a customer on the recorded basis of their region, or raise ``Refused`` with the reason.

    ``by`` signs the invitation; without anybody it is the account's CSM, owner or the region's manager. With ``beta``
    it says besides that members try new things first.
    """
    Account.objects.select_for_update().get(pk=contact.account_id)
    contact = Contact.objects.select_related("account__csm", "account__owner").get(pk=contact.pk)
    if refusal := invitations.why_not(contact, at=at):
        raise Refused(refusal)
    template = invitations.template_for(contact)
    if template is None:  # pragma: no cover - why_not has looked already
        raise Refused(_("There is no invitation for this region."))
    account, program = contact.account, Program.current()
    inviter = by or account.csm or account.owner or pods.manager_of_account(account)
    advocate, _made = Advocate.objects.get_or_create(contact=contact, defaults={"created_at": at})
    if advocate.status != Advocate.Status.INVITED:
        advocate.move_to(Advocate.Status.INVITED)
    for over in Invitation.objects.filter(advocate=advocate, status__in=invitations.OPEN, expires_at__lte=at):
        _move(over, Invitation.Status.EXPIRED)
    invitation = Invitation.objects.create(
        advocate=advocate, firing=firing, batch=batch, template=template, invited_by=inviter, created_at=at,
        expires_at=at + timedelta(days=program.invitation_valid_days),
    )  # fmt: skip
    RecordedBasis.objects.get_or_create(
        contact=contact, purpose=invitations.BASIS,
        defaults={"region": account.region, "basis": template.basis, "recorded_at": at, "by": by},
    )  # fmt: skip
    words = invitations.words_for(template, contact, inviter=inviter, program=program)
    body = words.body
    if beta:
        with translation.override(template.language):
            body += "\n\n" + _("As a member you can try what is new before everybody else: betas are open to you.")
    _owe(invitation, contact, number=0, at=at, subject=words.subject, body=body)
    spine.record(Deed.INVITED, at=at, source=invitation, contact=contact, by=by)
    return invitation


def _owe(invitation: Invitation, contact: Contact, *, number: int, at: datetime, subject: str, body: str) -> None:
    inviter = invitation.invited_by
    outbox.owe(
        "invitation",
        to=contact,
        template=invitations.MAIL,
        dedupe_key=f"{invitation.pk}:{number}",
        at=at,
        basis=invitations.BASIS,
        reply_to=inviter.email if inviter else "",
        params=invitations.params_of(
            invitations.Words(subject, body), invitation=invitation.public_id, inviter=inviter, reminder=number,
            expires_on=invitation.expires_at.date(),
        ),
    )  # fmt: skip


def send_trial(template: InvitationTemplate, contact: Contact, *, to: Any, at: datetime) -> None:
    """Send a colleague the mail this contact would get; nobody is invited, and its link opens nothing."""
    program = Program.current()
    outbox.owe(
        "invitation_trial",
        to=to,
        template=invitations.MAIL,
        dedupe_key=f"{template.pk}:{contact.pk}:{to.pk}:{at.isoformat()}",
        at=at,
        counts=False,
        params=invitations.trial_params(template, contact, inviter=to, program=program, at=at),
    )


def follow_mails(*, at: datetime) -> int:
    """Let invitations follow what became of their mails: sent, bounced, stopped."""
    moved = 0
    outcome = {
        Message.Status.SENT: Invitation.Status.SENT,
        Message.Status.IN_DOUBT: Invitation.Status.SENT,
        Message.Status.FAILED: Invitation.Status.BOUNCED,
        Message.Status.SUPPRESSED: Invitation.Status.STOPPED,
        Message.Status.CANCELLED: Invitation.Status.STOPPED,
    }
    # Only those whose mail has come to something: however many wait for theirs, they hold up nobody behind them.
    first_mail = Message.objects.filter(
        kind="invitation", dedupe_key=Concat(Cast(OuterRef("pk"), CharField()), Value(":0")), status__in=list(outcome)
    )
    queued = Invitation.objects.filter(Exists(first_mail), status=Invitation.Status.QUEUED).order_by("pk")[:BATCH]
    waiting = {f"{invitation.pk}:0": invitation for invitation in queued}
    for key, status, sent_at in Message.objects.filter(
        kind="invitation", dedupe_key__in=list(waiting), status__in=list(outcome)
    ).values_list("dedupe_key", "status", "sent_at"):
        target = outcome[Message.Status(status)]
        stamps = {"sent_at": sent_at or at} if target == Invitation.Status.SENT else {}
        moved += _move(waiting[key], target, **stamps)
    open_ones = Invitation.objects.filter(status__in=[Invitation.Status.SENT, Invitation.Status.CLICKED])
    stopped = Suppression.objects.annotate(lower=Lower("email")).filter(kind__in=["*", invitations.BASIS])
    leaving = open_ones.annotate(email=Lower("advocate__contact__email")).filter(email__in=stopped.values("lower"))
    for gone in leaving.select_related("advocate__contact")[:BATCH]:
        bounced = stopped.filter(lower=gone.advocate.contact.email.lower(), reason="bounced").exists()
        target = Invitation.Status.BOUNCED if bounced else Invitation.Status.STOPPED
        moved += _move(gone, target if gone.may_move_to(target) else Invitation.Status.STOPPED)
    for invitation in open_ones.filter(
        advocate__contact__bases__purpose=invitations.BASIS, advocate__contact__bases__ended_at__isnull=False
    )[:BATCH]:
        moved += _move(invitation, Invitation.Status.STOPPED)
    return moved


def remind(*, at: datetime) -> int:
    """Remind of invitations that wait for an answer; those at accounts with bad news stop, those too old expire."""
    program = Program.current()
    days = sorted(program.invitation_reminder_days)
    for invitation in Invitation.objects.filter(status__in=invitations.OPEN, expires_at__lte=at)[:BATCH]:
        _move(invitation, Invitation.Status.EXPIRED)
    if not days:
        return 0
    sent = 0
    waiting = (
        Invitation.objects.filter(
            status__in=[Invitation.Status.SENT, Invitation.Status.CLICKED],
        )
        # Each by its own day, so that those who wait for a later reminder hold up nobody.
        .filter(reduce(or_, (Q(reminders=n, sent_at__lte=at - timedelta(days=day)) for n, day in enumerate(days))))
        .select_related("advocate__contact__account", "invited_by")
        .order_by("sent_at")
    )
    for invitation in waiting[:BATCH]:
        due = invitations.reminder_due(invitation, days)
        if due is not None and due <= at:
            sent += _remind(invitation, at=at, program=program)
    return sent


@transaction.atomic
def _remind(invitation: Invitation, *, at: datetime, program: Program) -> int:
    contact = invitation.advocate.contact
    locked = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if locked.status not in invitations.OPEN or locked.reminders != invitation.reminders:
        return 0
    if invitations.paused_then(contact.account, at=at):
        _move(locked, Invitation.Status.STOPPED)
        return 0
    locked.reminders += 1
    locked.save(update_fields=["reminders"])
    first = Message.objects.filter(kind="invitation", dedupe_key=f"{locked.pk}:0").first()
    params = first.params if first else {}
    _owe(
        locked, contact, number=locked.reminders, at=at,
        subject=str(params.get("subject_line") or program.name), body=str(params.get("body") or ""),
    )  # fmt: skip
    return 1


def _move(invitation: Invitation, target: str, **stamps: Any) -> int:
    """Move it unless somebody answered meanwhile, which is the better news."""
    try:
        invitation.move_to(target, **stamps)
    except Refused:
        return 0
    return 1


@transaction.atomic
def open_invitation(invitation: Invitation, *, at: datetime) -> None:
    """The invited person pressed the button: they are interested. (A scanner that opens the link presses nothing.)"""
    if invitation.status in {Invitation.Status.QUEUED, Invitation.Status.SENT}:
        invitation.move_to(Invitation.Status.CLICKED, clicked_at=at)


@transaction.atomic
def decline(invitation: Invitation, *, at: datetime, never_again: bool = False) -> None:
    """No thanks. With ``never_again`` the basis for writing to them ends as well."""
    advocate = Advocate.objects.select_related("contact").get(pk=invitation.advocate_id)
    Account.objects.select_for_update().get(pk=advocate.contact.account_id)
    over = invitation.status in {Invitation.Status.EXPIRED, Invitation.Status.BOUNCED}
    if invitation.status != Invitation.Status.DECLINED and not (over and never_again):
        if not invitation.may_move_to(Invitation.Status.DECLINED):
            raise Refused(_("This invitation has been answered already, or its time is over."))
        invitation.move_to(Invitation.Status.DECLINED, answered_at=at)
        if advocate.may_move_to(Advocate.Status.DECLINED):
            advocate.move_to(Advocate.Status.DECLINED)
    if never_again:
        RecordedBasis.objects.update_or_create(
            contact=advocate.contact, purpose=invitations.BASIS, defaults={"ended_at": at}
        )
    Message.objects.filter(
        kind="invitation", contact=advocate.contact, status=Message.Status.DUE
    ).update(status=Message.Status.CANCELLED)  # fmt: skip
