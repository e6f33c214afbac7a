"""Groups in the demo program: an advisory group by invitation, and a beta that takes applications.

It draws from a generator of its own, so that the rest of the demo stays as it is.
"""

from datetime import date, timedelta
from random import Random
from typing import Any

from advocacy.crm import consent
from advocacy.lib.lifecycle import Refused
from advocates.models import Advocate
from opportunities import groups as rules
from opportunities.actions import board, groups
from opportunities.models import CustomerGroup, GroupMembership, Opportunity

SEED = 20260312
INES = "advocate@demo.test"
BOARD, BETA = "planner-advisory-board", "night-plans-beta"
WHY = ["We plan three shifts and would test it with all of them.", "Our night team asks for it every week."]


def begin(world: Any) -> None:
    world.kept["group_rng"] = Random(SEED)  # noqa: S311 - not a secret


def day(world: Any, day: date) -> None:
    at, ago = world.at(day, 9, 15), (world.today - day).days
    if ago == 150:
        CustomerGroup.objects.create(
            name="Planner advisory board", slug=BOARD, kind="advisory", seats=6, term_months=6,
            run_by=world.users["lead"],
            what="An hour each quarter about what we build next, with the people who build it.", created_at=at,
            benefit="You see the roadmap first, and name what should not be on it.",
        )  # fmt: skip
    if ago == 60:
        beta = CustomerGroup.objects.create(
            name="Night plans beta", slug=BETA, kind="beta", seats=5, term_months=4, run_by=world.managers[0],
            joining="application", what="Plan one night shift a week with what is new, and tell us what it is like.",
            benefit="Plans for night shifts, two months before anybody else.", created_at=at,
        )  # fmt: skip
        made = Opportunity.objects.create(
            kind=world.kept["kinds"]["beta-test"], title="Night plans: your first week", points=100, minutes=60,
            summary="Plan a week of nights, and tell us where it got in your way.", audience={"all": [beta.fact]},
            what="Set it up on one site. We call you after a week.", run_by=world.managers[0], created_at=at,
        )  # fmt: skip
        board.open_up(made, at=at)
    groups.expire_invitations(at=at)
    groups.end_terms(at=at)
    groups.ask_to_renew(at=at)
    if ago < 150:
        _people(world, day, ago)


def _people(world: Any, day: date, ago: int) -> None:
    """Now and then somebody is invited, applies, answers."""
    rng, at = world.kept["group_rng"], world.at(day, 15, 20)
    for row in GroupMembership.objects.filter(status="invited", asked_at__lt=at).order_by("pk"):
        if rng.random() < 0.3:
            _try(groups.accept if rng.random() < 0.85 else groups.decline, row, at=at)
    for row in GroupMembership.objects.filter(status="member", renewal_asked_at__isnull=False).order_by("pk"):
        if rng.random() < 0.1:
            _try(groups.renew, row, at=at)
    members = Advocate.objects.filter(status="member", joined_at__lt=at).exclude(contact__email=INES).order_by("pk")
    someone = [one for one in members.select_related("contact__account") if _agreed(one, at)]
    if not someone:
        return
    advisory = CustomerGroup.objects.filter(slug=BOARD).first()
    if advisory and day.weekday() == 1 and day.isocalendar().week % 2 and rules.seats_left(advisory):
        _try(groups.invite, rng.choice(someone), advisory, by=world.users["lead"], at=at)
    beta = CustomerGroup.objects.filter(slug=BETA).first()
    if beta and day.weekday() == 3:
        _try(groups.apply, rng.choice(someone), beta, note=rng.choice(WHY), agrees=False, at=at)
        first = GroupMembership.objects.filter(group=beta, status="applied").order_by("pk").first()
        if first is not None and ago > 8:
            _try(groups.take, first, by=world.managers[0], at=at)
    if beta and day.weekday() == 0:
        offer = rules.opportunities_of(beta).first()
        for row in GroupMembership.objects.in_force(on=day).filter(group=beta, from_on__lt=day - timedelta(days=6)):
            if offer is not None and not offer.claims.filter(advocate=row.advocate).exists():
                _try(_give, row.advocate, offer, at=at)


def _give(advocate: Advocate, offer: Opportunity, *, at: Any) -> None:
    claim = board.claim(advocate, offer, at=at, answers={one["key"]: "Two sites" for one in offer.kind.questions})
    board.verify(board.deliver(board.confirm(claim, at=at), at=at), at=at)


def _agreed(advocate: Advocate, at: Any) -> bool:
    return consent.allows(advocate.contact, CustomerGroup.PURPOSE, at=at)


def _try(do: Any, *what: Any, **how: Any) -> None:
    """Somebody rests, is away, or the seats are taken: such is life."""
    try:
        do(*what, **how)
    except Refused:
        return
