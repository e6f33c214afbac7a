"""Who may be invited, in which words, on which basis, and when to remind (P14). Reads only."""

import string
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from advocacy.crm.models import Account, Contact, Pause, RecordedBasis
from advocacy.delivery.models import Suppression
from advocates.models import Advocate, Invitation, InvitationTemplate

BASIS = "invitation"
"""The one purpose somebody who could not consent yet may be written to for."""

OPEN = (Invitation.Status.QUEUED, Invitation.Status.SENT, Invitation.Status.CLICKED)

MERGE_FIELDS = ("given_name", "account", "program", "company", "manager")


def check_merge_fields(text: str) -> None:
    """Refuse words that would leave a hole in somebody's mail."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        raise ValidationError(_("A brace stands alone. Write {{ or }} for a brace itself.")) from None
    for _literal, name, spec, conversion in parts:
        if name is None:
            continue
        if name not in MERGE_FIELDS or spec or conversion:
            raise ValidationError(
                _("“{%(field)s}” is not a merge field. These are: %(fields)s.")
                % {"field": name, "fields": ", ".join(f"{{{field}}}" for field in MERGE_FIELDS)}
            )


def fill(text: str, values: Mapping[str, str]) -> str:
    """The words for one person; every merge field has been checked when they were saved."""
    return text.format(**{field: values.get(field, "") for field in MERGE_FIELDS}).strip()


def choose_template(
    templates: Iterable[InvitationTemplate], *, region: str, languages: Sequence[str]
) -> InvitationTemplate | None:
    """The words for this region and language: exact before general, their language before another's.

    A region is not sent words whose basis was written for another region.
    """
    fitting = [one for one in templates if one.region in {region, ""}]
    wanted = [language for language in languages if language]
    wanted += [language.partition("-")[0] for language in wanted] + ["en"]

    def rank(one: InvitationTemplate) -> tuple[int, int]:
        return (wanted.index(one.language), 0 if one.region else 1)

    return min((one for one in fitting if one.language in wanted), key=rank, default=None)


def template_for(contact: Contact) -> InvitationTemplate | None:
    return choose_template(
        InvitationTemplate.objects.order_by("pk"),
        region=contact.account.region,
        languages=(contact.language, contact.account.language),
    )


def paused_then(account: Account, *, at: datetime) -> str:
    """Why asks rested at an account at that moment, past or present; empty when they did not."""
    then = (
        Pause.objects.filter(account=account, began_at__lte=at)
        .filter(Q(released_at__isnull=True) | Q(released_at__gt=at))
        .order_by("began_at")
        .first()
    )
    if then is not None:
        return then.reason
    if account.readiness == Account.Readiness.NOT_READY:
        return account.readiness_reason or _("not ready")
    return ""


def why_not(contact: Contact, *, at: datetime) -> str | None:
    """Why this contact is not invited now, as a sentence for staff; None when they can be.

    ``at`` may lie in the past, for a dry run: what carries time is read as it was then.
    """
    words = {"name": contact.full_name, "account": contact.account.name}
    if contact.erased_at is not None:
        return _("This person has been erased.")
    if not contact.email:
        return _("%(name)s has no e-mail address.") % words
    if contact.left_on is not None and contact.left_on <= at.date():
        return _("%(name)s has left %(account)s.") % words
    advocate = Advocate.objects.filter(contact=contact).first()
    if advocate is not None:
        if advocate.status == Advocate.Status.MEMBER and advocate.joined_at and advocate.joined_at <= at:
            return _("%(name)s is a member already.") % words
        if advocate.status == Advocate.Status.APPLIED:
            return _("%(name)s has applied; the application waits to be read.") % words
        if advocate.status == Advocate.Status.DECLINED:
            return _("%(name)s said no to an invitation.") % words
        if Invitation.objects.filter(advocate=advocate, status__in=OPEN, created_at__lte=at).exists():
            return _("%(name)s has an invitation that is still open.") % words
    if RecordedBasis.objects.filter(contact=contact, purpose=BASIS, ended_at__lte=at).exists():
        return _("%(name)s does not want to be invited again.") % words
    if (
        Suppression.objects.annotate(lower=Lower("email"))
        .filter(lower=contact.email.lower(), kind__in=["*", BASIS], at__lte=at)
        .exists()
    ):
        return _("Mail to %(name)s is stopped (bounced or unsubscribed).") % words
    if reason := paused_then(contact.account, at=at):
        return _("Asks are paused at %(account)s: %(reason)s.") % {**words, "reason": reason}
    if template_for(contact) is None:
        return _("There is no invitation, and no recorded basis, for the region of %(account)s.") % words
    return None


def reminder_due(invitation: Invitation, days: Sequence[int]) -> datetime | None:
    """When the next reminder of this invitation is due; None when there is none left."""
    if invitation.sent_at is None or invitation.reminders >= len(days):
        return None
    return invitation.sent_at + timedelta(days=sorted(days)[invitation.reminders])
