"""Whether an opportunity is open to an advocate, and if not, why not (O11).

The board asks in SQL, for all at once (``MeantFor``); a page or an action asks in Python, for one (``standing``). Both
read the same facts about the advocate, gathered once in ``Who``.

An *audience* is ``{"all": [...], "any": [...], "exclude": [...]}`` of facts written ``name:value``, whatever their
case: region, country, industry, language, persona, type, product, use, expertise, interest, pod, account, advocate,
group (a beta or advisory group, by its slug), and ``stage:3`` for "has reached stage 3".
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import OuterRef
from django.db.models.functions import Cast, JSONObject
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Account, ConsentState, Contact
from advocates.models import Advocate
from opportunities import groups
from opportunities.models import BoardVisit, Claim, Opportunity, OpportunityKind, Waiting


# --- Who asks ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Who:
    """What eligibility knows of one advocate; the kinds there are come along, for they are few and every list asks."""

    advocate: Advocate
    purposes: frozenset[str]
    facts: frozenset[str]
    visit: BoardVisit | None = None
    kinds: tuple[dict[str, Any], ...] = ()

    @property
    def contact(self) -> Contact:
        return self.advocate.contact

    @property
    def account(self) -> Account:
        return self.advocate.contact.account

    @property
    def is_member(self) -> bool:
        return self.advocate.status == Advocate.Status.MEMBER

    @property
    def is_ready(self) -> bool:
        return self.account.readiness == Account.Readiness.READY

    def has_rest_from(self, *, is_review: bool) -> bool:
        """Whether such an opportunity is kept from them because their account rests.

        Bad news may be why it rests, so a public review and its reward are open to them all the same (P19).
        """
        return not (self.is_ready or is_review)

    @property
    def topics(self) -> list[str]:
        """What they know or like, as the topics of opportunities are written."""
        return sorted({word.lower() for word in [*self.advocate.expertise, *self.advocate.interests]})

    def kinds_where(self, true: Callable[[dict[str, Any]], bool]) -> list[int]:
        """The ids of the kinds for which this holds."""
        return [kind["id"] for kind in self.kinds if true(kind)]

    @property
    def zone(self) -> ZoneInfo:
        """This person's own clock."""
        try:
            return ZoneInfo(self.contact.time_zone or self.account.time_zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")

    def day(self, at: datetime) -> date:
        """The day on this person's own calendar."""
        return at.astimezone(self.zone).date()


def people(*, at: datetime) -> models.QuerySet[Advocate]:
    """Advocates with all that ``who`` needs, in one query."""
    given = ConsentState.objects.filter(contact=OuterRef("contact")).in_force(at=at).values("purpose")
    fields = ("id", "slug", "name", "group", "purpose", "minutes", "is_review")
    kinds = OpportunityKind.objects.order_by("order", "name").values(
        facts=JSONObject(**{name: name for name in fields})
    )
    return Advocate.objects.select_related("contact__account", "pod__manager", "board_visit").annotate(
        standing_consents=ArraySubquery(given), all_kinds=ArraySubquery(kinds), in_groups=groups.slugs(at=at)
    )


def who(advocate: Advocate, *, at: datetime) -> Who:
    """Everything about one advocate, read anew unless it came from ``people``."""
    if not hasattr(advocate, "standing_consents"):
        advocate = people(at=at).get(pk=advocate.pk)
    return Who(
        advocate,
        frozenset(advocate.standing_consents),  # type: ignore[attr-defined]
        facts_of(advocate),
        getattr(advocate, "board_visit", None),
        tuple(advocate.all_kinds),  # type: ignore[attr-defined]
    )


def who_signed_in(user: Any, *, at: datetime) -> Who | None:
    """The advocate behind a signed-in person; read once for a request, which the user object lives as long as."""
    if not hasattr(user, "_who"):
        advocate = people(at=at).filter(user=user.pk).first()
        user._who = who(advocate, at=at) if advocate else None
    return user._who


def facts_of(advocate: Advocate) -> frozenset[str]:
    """The facts an audience can name, in lower case. ``in_groups`` came along with the advocate (``people``)."""
    contact, account = advocate.contact, advocate.contact.account
    facts: dict[str, Iterable[Any]] = {
        "region": [account.region],
        "country": [contact.country or account.country],
        "industry": [account.industry],
        "language": [contact.language or account.language],
        "persona": [contact.persona],
        "type": [advocate.type],
        "product": account.products,
        "use": account.use_cases,
        "expertise": advocate.expertise,
        "interest": advocate.interests,
        "stage": range(advocate.stage + 1),
        "pod": [advocate.pod_id],
        "account": [account.external_id],
        "advocate": [advocate.public_id],
        "group": getattr(advocate, "in_groups", ()),
    }
    return frozenset(
        f"{name}:{value}".lower() for name, values in facts.items() for value in values if value not in (None, "")
    )


# --- For whom ---------------------------------------------------------------------------------------------------------
def meant_for(audience: Mapping[str, list[str]], facts: frozenset[str]) -> bool:
    """Whether these facts fit an audience: every one of ``all``, one of ``any``, none of ``exclude``, which wins."""
    wanted = {part: {fact.lower() for fact in audience.get(part) or ()} for part in ("all", "any", "exclude")}
    return (
        wanted["all"] <= facts and (not wanted["any"] or bool(wanted["any"] & facts)) and not wanted["exclude"] & facts
    )


class MeantFor(models.Func):
    """``meant_for`` in SQL, for a column of audiences and the facts of one person."""

    output_field = models.BooleanField()
    # An empty audience, the usual case, is let through before anything is taken apart.
    template = (
        "({audience} = '{{}}'::jsonb OR ("
        "COALESCE({audience} -> 'all' <@ {facts}, true)"
        " AND (COALESCE({audience} -> 'any', '[]') = '[]'::jsonb OR jsonb_exists_any({audience} -> 'any', {names}))"
        " AND NOT COALESCE(jsonb_exists_any({audience} -> 'exclude', {names}), false)))"
    )

    def __init__(self, audience: str, facts: Iterable[str]) -> None:
        known = sorted(facts)
        super().__init__(
            models.F(audience),
            models.Value(known, output_field=models.JSONField()),
            Cast(models.Value(known, output_field=ArrayField(models.TextField())), ArrayField(models.TextField())),
        )

    def as_sql(self, compiler: Any, connection: Any, **more: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        audience, facts, names = self.source_expressions
        column, _none = compiler.compile(audience)
        known, known_params = compiler.compile(facts)
        listed, listed_params = compiler.compile(names)
        # A literal, not a call: what Postgres cannot fold it would work out for every row.
        sql = self.template.format(audience=column, facts=f"{known}::jsonb", names=listed)
        return sql, [*known_params, *listed_params, *listed_params]


# --- Where somebody stands with one opportunity -----------------------------------------------------------------------
class Code(StrEnum):
    OPEN = "open"
    OFFERED = "offered"
    CLAIMED = "claimed"
    ENDED = "ended"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    NOT_OPEN = "not_open"
    NOT_MEMBER = "not_member"
    NOT_READY = "not_ready"
    OTHERS = "others"
    CONSENT = "consent"
    FULL = "full"
    WAITING = "waiting"


@dataclass(frozen=True)
class Standing:
    """Where an advocate stands with an opportunity, and a sentence about it for them."""

    code: Code
    sentence: str = ""
    claim: Claim | None = None
    waiting: Waiting | None = None
    place: int = 0
    purpose: str = ""
    seats_left: int | None = None

    @property
    def may_claim(self) -> bool:
        return self.code in {Code.OPEN, Code.OFFERED}

    @property
    def purpose_name(self) -> str:
        return str(Purpose(self.purpose).label) if self.purpose else ""


def why_not(advocate: Advocate, opportunity: Opportunity, *, at: datetime) -> str | None:
    """Why this advocate cannot claim this opportunity now, as a sentence for them; None when they can."""
    found = standing(who(advocate, at=at), opportunity, at=at)
    return None if found.may_claim else found.sentence


def standing(person: Who, opportunity: Opportunity, *, at: datetime, for_request: bool = False) -> Standing:
    """Where this person stands. ``for_request`` leaves out what only the board asks: listing, audience, waitlist."""
    claim = Claim.objects.filter(opportunity=opportunity, advocate=person.advocate).first()
    if claim is not None and claim.status != Claim.Status.WITHDRAWN:
        return _claimed(claim)
    if refusal := _state(opportunity, at=at) or _person(person, opportunity, for_request=for_request):
        return refusal
    return _seats(person, opportunity, at=at, for_request=for_request)


def keeps_from(person: Who, opportunity: Opportunity, *, at: datetime) -> Standing | None:
    """What keeps an opportunity of the board from somebody, seats and claims aside; nothing is read for it."""
    return _state(opportunity, at=at) or _person(person, opportunity, for_request=False)


def _claimed(claim: Claim) -> Standing:
    if claim.holds_a_seat:
        said = {
            Claim.Status.DELIVERED: _("You have done this already. Thank you!"),
            Claim.Status.VERIFIED: _("You have done this already. Thank you!"),
        }.get(Claim.Status(claim.status), _("You have claimed this already; it is among your claims."))
        return Standing(Code.CLAIMED, said, claim=claim)
    if claim.status == Claim.Status.MISSED:
        return Standing(Code.ENDED, _("This one did not come about. There is more on the board."), claim=claim)
    return Standing(Code.ENDED, _("We could not take you up on this one. There is more on the board."), claim=claim)


def _state(opportunity: Opportunity, *, at: datetime) -> Standing | None:
    if opportunity.status == Opportunity.Status.CANCELLED:
        return Standing(Code.CANCELLED, _("This was called off. See what else is open to you."))
    if opportunity.status == Opportunity.Status.DRAFT:
        return Standing(Code.NOT_OPEN, _("This is not open yet."))
    if opportunity.closes_at is not None and opportunity.closes_at <= at:
        day = date_format(timezone.localtime(opportunity.closes_at), "j F Y")
        return Standing(Code.CLOSED, _("This closed on %(day)s. See what else is open to you.") % {"day": day})
    if opportunity.status == Opportunity.Status.CLOSED:
        return Standing(Code.CLOSED, _("This is closed. See what else is open to you."))
    return None


def _person(person: Who, opportunity: Opportunity, *, for_request: bool) -> Standing | None:
    if not person.is_member:
        return Standing(Code.NOT_MEMBER, _("Only members of the program can claim. Join first; it takes two minutes."))
    if person.has_rest_from(is_review=opportunity.kind.is_review):
        # Why an account rests is for staff; the advocate learns that nothing is lost.
        return Standing(
            Code.NOT_READY,
            _("We ask nothing of %(account)s for the moment. You keep everything you have, and we will tell you.")
            % {"account": person.account.name},
        )
    if not for_request and (opportunity.request_id or not meant_for(opportunity.audience, person.facts)):
        return Standing(Code.OTHERS, _("This one is meant for others. See what is open to you."))
    purpose = opportunity.kind.purpose
    if purpose and purpose not in person.purposes:
        said = _("This needs your consent to “%(purpose)s” first. You can give it here, and take it back at any time.")
        return Standing(Code.CONSENT, said % {"purpose": Purpose(purpose).label}, purpose=purpose)
    return None


def _seats(person: Who, opportunity: Opportunity, *, at: datetime, for_request: bool) -> Standing:
    if opportunity.seats is None:
        return Standing(Code.OPEN)
    rows = Opportunity.objects.filter(pk=opportunity.pk).with_seats_taken(at=at, besides=person.advocate)
    left = opportunity.seats - rows.values_list("seats_taken", flat=True).get()
    if for_request:
        if left > 0:
            return Standing(Code.OPEN, seats_left=left)
        return Standing(Code.FULL, _("Somebody else has said yes in the meantime. Thank you all the same!"))
    waiting = Waiting.objects.filter(opportunity=opportunity, advocate=person.advocate, ended_at__isnull=True).first()
    if waiting is not None and waiting.offer_until is not None and waiting.offer_until <= at:
        waiting = None  # an offer they let pass; the clock has not swept it away yet
    if left > 0:
        if waiting is not None and waiting.offer_until is not None:
            until = date_format(timezone.localtime(waiting.offer_until), "l j F, H:i")
            said = _("A seat has become free for you. It is yours until %(until)s.") % {"until": until}
            return Standing(Code.OFFERED, said, waiting=waiting, seats_left=left)
        return Standing(Code.OPEN, seats_left=left)
    if waiting is not None:
        ahead = Waiting.objects.in_line().filter(opportunity=opportunity, since__lt=waiting.since).count()
        said = _("You are on the waitlist, at place %(place)d. We write to you as soon as a seat is yours.")
        return Standing(Code.WAITING, said % {"place": ahead + 1}, waiting=waiting, place=ahead + 1)
    said = ngettext(
        "The one seat is taken. Join the waitlist, and we write to you if it becomes free.",
        "All %(seats)d seats are taken. Join the waitlist, and we write to you when one becomes free.",
        opportunity.seats,
    )
    return Standing(Code.FULL, said % {"seats": opportunity.seats})
