"""Who may be invited, in which words, on which basis, and when to remind (P14). Reads only."""

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import (
    Case,
    CharField,
    DateField,
    DateTimeField,
    Exists,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.crm.models import Account, Contact, Pause, Program, RecordedBasis
from advocacy.delivery.models import Suppression
from advocates.models import Invitation, InvitationTemplate, WelcomeNote

BASIS = "invitation"
"""The one purpose somebody who could not consent yet may be written to for."""

OPEN = (Invitation.Status.QUEUED, Invitation.Status.SENT, Invitation.Status.CLICKED)

MAIL = "advocates/invitation"
"""The template of the mail."""

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


@dataclass(frozen=True)
class Words:
    """What one person reads."""

    subject: str
    body: str


def words_for(template: InvitationTemplate, contact: Contact, *, inviter: Any, program: Program) -> Words:
    """A template with everything filled in for this person."""
    values = {
        "given_name": contact.given_name or contact.full_name,
        "account": contact.account.name,
        "program": program.name,
        "company": program.company or program.name,
        "manager": str(inviter) if inviter else program.name,
    }
    return Words(fill(template.subject, values), fill(template.body, values))


def params_of(
    words: Words, *, invitation: UUID, inviter: Any, expires_on: date, reminder: int = 0, trial: bool = False
) -> dict[str, Any]:
    """What the mail's template renders with."""
    return {
        "subject_line": words.subject,
        "body": words.body,
        "invitation": str(invitation),
        "inviter": {"name": str(inviter), "title": inviter.title} if inviter else None,
        "reminder": reminder,
        "expires_on": expires_on.isoformat(),
        **({"trial": True} if trial else {}),
    }


def trial_params(
    template: InvitationTemplate, contact: Contact, *, inviter: Any, program: Program, at: datetime
) -> dict[str, Any]:
    """As it would read today for this person, with a link that belongs to no invitation."""
    return params_of(
        words_for(template, contact, inviter=inviter, program=program), invitation=UUID(int=0), inviter=inviter,
        expires_on=(at + timedelta(days=program.invitation_valid_days)).date(), trial=True,
    )  # fmt: skip


Regional = TypeVar("Regional", InvitationTemplate, WelcomeNote)


def choose_template(templates: Iterable[Regional], *, region: str, languages: Sequence[str]) -> Regional | None:
    """The words for this region and language: exact before general, their language before another's.

    A region is not sent words whose basis was written for another region.
    """
    fitting = [one for one in templates if one.region in {region, ""}]
    wanted = [language for language in languages if language]
    wanted += [language.partition("-")[0] for language in wanted] + ["en"]

    def rank(one: Regional) -> tuple[int, int]:
        return (wanted.index(one.language), 0 if one.region else 1)

    return min((one for one in fitting if one.language in wanted), key=rank, default=None)


def welcome_for(contact: Contact, *, manager: Any, program: Program) -> str:
    """What somebody new in this region reads first, filled in for them; empty where nobody has written anything."""
    note = choose_template(
        WelcomeNote.objects.order_by("pk"), region=contact.account.region,
        languages=(contact.language, contact.account.language),
    )  # fmt: skip
    if note is None:
        return ""
    values = {
        "given_name": contact.given_name or contact.full_name, "account": contact.account.name,
        "program": program.name, "company": program.company or program.name, "manager": str(manager or program.name),
    }  # fmt: skip
    return fill(note.text, values)


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


REFUSALS: Mapping[str, Any] = {
    "erased": _l("This person has been erased."),
    "no_email": _l("%(name)s has no e-mail address."),
    "gone": _l("%(name)s has left %(account)s."),
    "member": _l("%(name)s is a member already."),
    "applied": _l("%(name)s has applied; the application waits to be read."),
    "declined": _l("%(name)s said no to an invitation."),
    "open": _l("%(name)s has an invitation that is still open."),
    "never_again": _l("%(name)s does not want to be invited again."),
    "suppressed": _l("Mail to %(name)s is stopped (bounced or unsubscribed)."),
    "paused": _l("Asks are paused at %(account)s: %(reason)s."),
    "no_words": _l("There is no invitation, and no recorded basis, for the region of %(account)s."),
}
"""Why somebody is not invited, in the order it is asked: what is said is the first that holds."""

REFUSED_AS: Mapping[str, Any] = {
    "erased": _l("erased"),
    "no_email": _l("no e-mail address"),
    "gone": _l("left their account"),
    "member": _l("member already"),
    "applied": _l("application waits to be read"),
    "declined": _l("said no to an invitation"),
    "open": _l("invitation still open"),
    "never_again": _l("does not want to be invited"),
    "suppressed": _l("mail stopped (bounced or unsubscribed)"),
    "paused": _l("asks paused at the account"),
    "no_words": _l("no invitation and basis for the region"),
}
"""The same in few words, for many."""


def with_refusal(
    contacts: "QuerySet[Contact]", *, at: datetime | RawSQL, elsewhen: bool = False, day: date | RawSQL | None = None
) -> "QuerySet[Contact]":
    """Contacts with ``refusal``: a key of ``REFUSALS``, empty for whoever can be invited now. One query for any number.

    ``at`` may lie in the past or ahead, for a dry run (``elsewhen``): what carries time is read as it was then, and
    what ends by a date is over after it. Both ``at`` and its ``day`` may be SQL, where each contact has a moment of its
    own (``refusals``).
    """
    day = at.date() if day is None and isinstance(at, datetime) else day
    sent_to = Invitation.objects.filter(advocate__contact=OuterRef("pk"), created_at__lte=at)
    open_ones, said_no = sent_to.filter(status__in=OPEN), Q(advocate__status="declined")
    if elsewhen:
        answered_later = Q(status__in=["accepted", "declined"], answered_at__gt=at)
        open_ones = sent_to.filter(Q(status__in=[*OPEN, "expired"], expires_at__gt=at) | answered_later)
        no_later = Invitation.objects.filter(advocate__contact=OuterRef("pk"), status="declined", answered_at__gt=at)
        said_no &= ~Q(Exists(no_later))
    over = RecordedBasis.objects.filter(contact=OuterRef("pk"), purpose=BASIS, ended_at__lte=at)
    stopped = Suppression.objects.annotate(lower=Lower("email")).filter(kind__in=["*", BASIS], at__lte=at)
    paused = Pause.objects.filter(account=OuterRef("account"), began_at__lte=at).filter(
        Q(released_at__isnull=True) | Q(released_at__gt=at)
    )
    if elsewhen:
        paused = paused.exclude(until__lt=day)
    languages = Q(language="en")
    for column in ("language", "account__language"):
        languages |= Q(language=OuterRef(column))
        languages |= Q(language=Func(OuterRef(column), Value("-"), Value(1), function="split_part"))
    # As ``choose_template`` chooses; a test holds the two together.
    region = Q(region="") | Q(region=OuterRef("account__region"))
    words = InvitationTemplate.objects.filter(region, languages).exclude(language="")
    if elsewhen:
        contacts = contacts.annotate(resting_because=Subquery(paused.order_by("began_at").values("reason")[:1]))
    return contacts.annotate(
        refusal=Case(
            When(erased_at__isnull=False, then=Value("erased")),
            When(email="", then=Value("no_email")),
            When(left_on__lte=day, then=Value("gone")),
            When(advocate__status="member", advocate__joined_at__lte=at, then=Value("member")),
            When(advocate__status="applied", then=Value("applied")),
            When(said_no, then=Value("declined")),
            When(Exists(open_ones), then=Value("open")),
            When(Exists(over), then=Value("never_again")),
            When(Exists(stopped.filter(lower=Lower(OuterRef("email")))), then=Value("suppressed")),
            When(Q(Exists(paused)) | Q(account__readiness=Account.Readiness.NOT_READY), then=Value("paused")),
            When(~Exists(words), then=Value("no_words")),
            default=Value(""),
            output_field=CharField(),
        )
    )


def refusals(asked: Sequence[tuple[Contact, datetime]]) -> list[str | None]:
    """``why_not`` for many, each at a moment of their own, in one query whatever their number."""
    if not asked:
        return []
    moment = RawSQL("asked.at", (), output_field=DateTimeField())
    day = RawSQL("(asked.at AT TIME ZONE 'UTC')::date", (), output_field=DateField())
    theirs = Contact.objects.filter(pk=RawSQL("asked.contact", ()))
    columns = ("refusal", "resting_because", "account__readiness_reason")
    each, values = (
        with_refusal(theirs, at=moment, day=day, elsewhen=True).order_by().values_list(*columns).query.sql_with_params()
    )
    pairs = "unnest(%s::bigint[], %s::timestamptz[]) WITH ORDINALITY AS asked (contact, at, place)"
    statement = f"SELECT asked.place, told.* FROM {pairs} CROSS JOIN LATERAL ({each}) told"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, [[contact.pk for contact, _at in asked], [at for _contact, at in asked], *values])
        rows = cursor.fetchall()
    found: list[str | None] = [None] * len(asked)
    for place, refusal, because, not_ready in rows:
        if refusal:
            contact = asked[place - 1][0]
            words = {
                "name": contact.full_name, "account": contact.account.name,
                "reason": because or not_ready or _("not ready"),
            }  # fmt: skip
            found[place - 1] = str(REFUSALS[refusal]) % words
    return found


def why_not(contact: Contact, *, at: datetime) -> str | None:
    """Why this contact is not invited now, as a sentence for staff; None when they can be."""
    return refusals([(contact, at)])[0]


def reminder_due(invitation: Invitation, days: Sequence[int]) -> datetime | None:
    """When the next reminder of this invitation is due; None when there is none left."""
    if invitation.sent_at is None or invitation.reminders >= len(days):
        return None
    return invitation.sent_at + timedelta(days=sorted(days)[invitation.reminders])
