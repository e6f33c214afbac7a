"""What each side reads before they meet (D8)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm.catalogue import Deed
from opportunities.models import Briefing, Claim, Nomination

MET = frozenset({Claim.Status.DELIVERED, Claim.Status.VERIFIED})


@dataclass(frozen=True)
class Prepared:
    """A briefing, ready to be shown or printed."""

    nomination: Nomination
    questions: Sequence[str]
    off_limits: Sequence[str]
    manners: Sequence[str]
    history: Sequence[str]


def may_be_read(nomination: Nomination) -> bool:
    """Whether there is something to prepare for: from the yes on, and for as long as it stands."""
    return nomination.status == Nomination.Status.ACCEPTED and nomination.claim is not None


def for_advocate(nomination: Nomination) -> Prepared:
    """Who, why, what is usually asked, and what is off limits."""
    text = Briefing.of(nomination.request.kind)
    return Prepared(nomination, Briefing.lines(text.typical_questions), Briefing.lines(text.off_limits), (), ())


def for_seller(nomination: Nomination, *, at: datetime) -> Prepared:
    """Who, their history with us, and manners."""
    text = Briefing.of(nomination.request.kind)
    limits = [*Briefing.lines(nomination.not_about), *Briefing.lines(text.off_limits)]
    return Prepared(nomination, (), limits, Briefing.lines(text.manners), _history(nomination, at=at))


def _history(nomination: Nomination, *, at: datetime) -> list[str]:
    """What they have done for others like this; figures and days, and nothing anybody said in confidence."""
    advocate = nomination.advocate
    done = Claim.objects.filter(advocate=advocate, status__in=MET).exclude(nomination=nomination)
    references = done.filter(opportunity__request__isnull=False)
    lines = []
    if advocate.joined_at:
        lines.append(_("In the program since %(day)s.") % {"day": date_format(advocate.joined_at, "F Y")})
    number = references.count()
    if number:
        last = references.order_by("-delivered_at", "-verified_at").first()
        said = ngettext("%(n)s reference for us so far", "%(n)s references for us so far", number) % {"n": number}
        when = last and (last.scheduled_for or last.delivered_at or last.verified_at)
        lines.append(_("%(said)s, the last in %(day)s.") % {"said": said, "day": date_format(when, "F Y")}
                     if when else f"{said}.")  # fmt: skip
    else:
        lines.append(_("This is their first reference for us: be especially kind."))
    others = done.filter(opportunity__request__isnull=True).select_related("opportunity__kind").order_by("-pk")[:3]
    if others:
        names = dict.fromkeys(one.opportunity.kind.name for one in others)
        lines.append(_("They have also done: %(kinds)s.") % {"kinds": ", ".join(names)})
    met = nomination.advocate.nominations.filter(
        request__prospect__iexact=nomination.request.prospect, claim__status__in=MET
    ).exclude(pk=nomination.pk)
    if met.exists():
        lines.append(_("They have spoken with %(prospect)s before.") % {"prospect": nomination.request.prospect})
    thanked = advocate.contact.activities.filter(deed=Deed.THANKED).count()
    if thanked:
        said = ngettext("Thanked once.", "Thanked %(n)s times.", thanked)
        lines.append(said % {"n": thanked})
    return lines
