"""Offering members what is open to them, without their having looked: an ask like any other, within their budget."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.models import ConsentState, Contact
from advocacy.lib.lifecycle import Refused
from advocates import budget
from advocates.budget import PastAsk
from advocates.models import Advocate, Channel, Firing
from opportunities import board, eligibility, groups
from opportunities.mails import board as mails
from opportunities.models import Claim, Opportunity, OpportunityKind

AT_MOST = 3
"""What one mail offers."""


def fitting(advocate: Advocate, kinds: Iterable[str], *, at: datetime) -> list[Opportunity]:
    """What of these kinds this member could claim now, what closes first in front. Never a public review (P19)."""
    rows = board.open_to(advocate, at=at).filter(kind__slug__in=list(kinds), kind__is_review=False)
    rows = rows.select_related("kind").order_by("closes_at", "-opened_at", "pk")  # without a closing day: last
    return list(rows[:AT_MOST])


def why_not_offer(contact: Contact, kinds: Sequence[str], *, at: datetime) -> str | None:
    """Why nothing of these kinds is offered to this person, as a sentence for staff; None when something is."""
    advocate = Advocate.objects.filter(contact=contact).select_related("contact__account", "pod__manager").first()
    if refusal := _no_member(contact, advocate, at=at):
        return refusal
    assert advocate is not None
    found = fitting(advocate, kinds, at=at)
    if not found:
        return _nothing_open(contact)
    return budget.why_not(advocate, at=at, channel=Channel.RULE, kind=found[0].kind.slug)


def why_not_offers(asked: Sequence[tuple[Contact, datetime]], kinds: Sequence[str]) -> list[str | None]:
    """``why_not_offer`` for many, each at a moment of their own, in a few queries whatever their number.

    Where seats are counted, each is asked about alone: who holds one may change from moment to moment.
    """
    rows = Opportunity.objects.listed().filter(kind__slug__in=list(kinds), kind__is_review=False, status="open")
    opportunities = list(rows.select_related("kind").order_by("closes_at", "-opened_at", "pk"))
    if any(one.seats is not None for one in opportunities):
        return [why_not_offer(contact, kinds, at=at) for contact, at in asked]
    contacts = {contact.pk for contact, _at in asked}
    now = max((at for _contact, at in asked), default=timezone.now())
    found = Advocate.objects.filter(contact__in=contacts).select_related("contact__account", "pod__manager")
    advocates = {advocate.contact_id: advocate for advocate in found.annotate(in_groups=groups.slugs(at=now))}
    consents: dict[int, list[ConsentState]] = defaultdict(list)
    for state in ConsentState.objects.filter(contact__in=contacts, given=True):
        consents[state.contact_id].append(state)
    claimed: dict[int, set[int]] = defaultdict(set)
    claims = Claim.objects.filter(advocate__in=advocates.values(), opportunity__in=opportunities)
    for advocate_id, opportunity_id in claims.exclude(status="withdrawn").values_list("advocate", "opportunity"):
        claimed[advocate_id].add(opportunity_id)
    since = min((at for _contact, at in asked), default=None)
    facts = budget.facts_of(list(advocates.values()), at=since) if since else {}

    def why_not(contact: Contact, at: datetime) -> str | None:
        advocate = advocates.get(contact.pk)
        if refusal := _no_member(contact, advocate, at=at):
            return refusal
        assert advocate is not None
        agreed = [one.purpose for one in consents[contact.pk] if one.expires_at is None or one.expires_at > at]
        person = eligibility.Who(advocate, frozenset(agreed), eligibility.facts_of(advocate))
        first = next(
            (
                one for one in opportunities if one.pk not in claimed[advocate.pk]
                and one.kind.slug not in advocate.never and eligibility.keeps_from(person, one, at=at) is None
            ),
            None,
        )  # fmt: skip
        if first is None:
            return _nothing_open(contact)
        against = budget.decide(facts[advocate.pk], at=at, kind=first.kind.slug).first
        return against.sentence if against else None

    return [why_not(contact, at) for contact, at in asked]


def _no_member(contact: Contact, advocate: Advocate | None, *, at: datetime) -> str | None:
    name = {"name": contact.full_name}
    if advocate is None or advocate.status != Advocate.Status.MEMBER or not advocate.joined_at:
        return _("%(name)s is not a member; only members are offered something.") % name
    if advocate.joined_at > at:
        return _("%(name)s was not a member then; only members are offered something.") % name
    return None


def _nothing_open(contact: Contact) -> str:
    return _("Nothing of these kinds is open to %(name)s.") % {"name": contact.full_name}


def counts_as(contact: Contact, kinds: Sequence[str], *, at: datetime) -> str:
    """The kind an offer to this person counts as in their budget; empty when nothing is open to them."""
    advocate = Advocate.objects.filter(contact=contact).select_related("contact__account", "pod__manager").first()
    found = fitting(advocate, kinds, at=at) if advocate is not None else []
    return found[0].kind.slug if found else ""


def why_not_after(
    contact: Contact, kinds: Sequence[str], asked: Sequence[tuple[Contact, PastAsk]], *, at: datetime
) -> str | None:
    """Why not, had they and their colleagues been asked this before, which nobody did: for dry runs."""
    advocate = Advocate.objects.select_related("contact__account").get(contact=contact)
    own = [ask for one, ask in asked if one == contact]
    return budget.why_not(
        advocate, at=at, channel=Channel.RULE, kind=counts_as(contact, kinds, at=at), own=own,
        of_account=[ask for _one, ask in asked],
    )  # fmt: skip


@transaction.atomic
def offer(contact: Contact, kinds: Sequence[str], *, firing: Firing, at: datetime) -> list[Opportunity]:
    """Offer a member what is open to them of these kinds, in one mail that counts as one ask, or raise ``Refused``."""
    if OpportunityKind.objects.filter(slug__in=list(kinds), is_review=True).exists():
        raise Refused(_("A public review is never asked for by a rule."))
    if refusal := why_not_offer(contact, kinds, at=at):
        raise Refused(refusal)
    advocate = Advocate.objects.select_related("contact__account", "pod__manager").get(contact=contact)
    found = fitting(advocate, kinds, at=at)
    source = f"{firing.pk}:{contact.pk}"
    budget.ask(advocate, channel=Channel.RULE, source_id=source, kind=found[0].kind.slug, at=at)
    mails.offered(advocate, found, key=source, at=at)
    spine.record(Deed.OFFERED, at=at, source=("advocates.firing", source), contact=contact)
    return found
