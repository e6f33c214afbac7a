"""What the board shows elsewhere: its entry in the navigation, and cards on the home page."""

from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.lib.home import Card, NavItem, Suggestion, register, suggest
from advocates import kinds as kinds_of_people
from opportunities import board as rules
from opportunities import desk_home as desk_home  # its entries and cards register beside ours
from opportunities import group_home as group_home
from opportunities import proof_home as proof_home
from opportunities import survey_home as survey_home
from opportunities.eligibility import who_signed_in
from opportunities.models import UNDER_WAY, Claim, OpportunityKind
from opportunities.models.board import Group
from opportunities.presentation import board_news, card, shown

CARDS_ON_HOME = 3


def news(request: HttpRequest) -> int | None:
    """How many opportunities are new to this advocate since they last looked; nothing for colleagues."""
    at = timezone.now()
    if not request.user.has_perm("opportunities.claim"):
        return None
    person = who_signed_in(request.user, at=at)
    if person is None or person.visit is None:
        return None
    visit = person.visit
    # While they look at the board, what is new to this visit; elsewhere what came since.
    return board_news(request.user, person, visit.seen_at, at=at) or None


def for_you(request: HttpRequest) -> dict[str, Any] | None:
    """The first of what is open to this advocate, in their order of the day."""
    at = timezone.now()
    person = who_signed_in(request.user, at=at)
    if person is None or not person.is_member:
        return None
    found = rules.page_for(person, rules.Filters(), at=at, size=CARDS_ON_HOME).items
    return {"cards": [card(one, person) for one in found], "person": person}


def coming_up(request: HttpRequest) -> dict[str, Any] | None:
    """What this advocate has said yes to and is still to come."""
    rows = Claim.objects.filter(advocate__user=request.user.pk, status__in=UNDER_WAY).select_related(
        "opportunity__kind", "opportunity__run_by", "advocate__pod__manager"
    )
    found = rows.defer("opportunity__search").order_by(F("scheduled_for").asc(nulls_last=True), "-claimed_at")[:4]
    at = timezone.now()
    return {"rows": [shown(one, at=at) for one in found]} if found else None


register(
    NavItem(
        _("Opportunities"),
        "opportunities:board",
        "opportunities",
        "opportunities.browse_board",
        20,
        badge=news,
        whole_app=True,
    ),
    Card("coming_up", "opportunities.claim", 20, "opportunities/home/coming_up.html", coming_up),
    Card("for_you", "opportunities.claim", 30, "opportunities/home/for_you.html", for_you),
)


def shelves() -> list[kinds_of_people.Shelf]:
    """The kinds in the groups of the board, those in none last."""
    found: dict[str, list[tuple[str, str, int]]] = {group: [] for group in (*Group.values, "")}
    for group, slug, name, minutes in OpportunityKind.objects.values_list("group", "slug", "name", "minutes"):
        found[group].append((slug, name, minutes))
    names = {**dict(Group.choices), "": _("And besides")}
    return [(str(names[group]), rows) for group, rows in found.items() if rows]


def first_opportunity(request: HttpRequest) -> Suggestion | None:
    """The first of what is open to somebody new."""
    at = timezone.now()
    person = who_signed_in(request.user, at=at)
    if person is None or not person.is_member:
        return None
    found = rules.page_for(person, rules.Filters(), at=at, size=1).items
    if not found:
        return None
    return Suggestion(
        "opportunities", _("Something that may be for you"), found[0].title,
        reverse("opportunities:opportunity", args=[found[0].public_id]), _("Look at it"),
    )  # fmt: skip


suggest("opportunity", 10, first_opportunity)

# People choose from the kinds of the board what they would like, and what nobody should ask them for.
kinds_of_people.register(
    lambda: list(OpportunityKind.objects.values_list("slug", "name")),
    shelves=shelves,
    reviews=lambda: list(OpportunityKind.objects.filter(is_review=True).values_list("slug", flat=True)),
    of_claims=lambda ids: dict(Claim.objects.filter(pk__in=ids).values_list("pk", "opportunity__kind__slug")),
)
