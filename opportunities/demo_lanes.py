"""What lies on the demo's desk besides calls: an interview wanted today, a request on the board without a name, and a
prospect who picks a time themselves."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from advocacy.crm.models import Deal, StakeholderTeam
from advocacy.lib.lifecycle import Refused
from advocates.models import Advocate, AwayPeriod
from opportunities import broadcast as words
from opportunities import matching
from opportunities.actions import board, broadcast, desk, prospects, urgent
from opportunities.models import OpportunityKind, ReferenceRequest, Spokesperson

ASKED = (
    ("Retail Weekly", "Ada Krum", "editor", "How do shops keep shelves full with fewer people?", 5),
    ("Norrland Research", "Per Holm", "analyst", "What did the rollout really take, and what would you skip?", 26),
)


def end(world: Any) -> None:
    _within_hours(world)
    _on_the_board(world)
    _by_the_prospect(world)
    _who_would_rather_not()


def _who_would_rather_not() -> None:
    """Of those who would fit Kestrel Foods, after the best: two are away, one rules them out, one takes no calls."""
    wanted, now = ReferenceRequest.objects.filter(prospect="Kestrel Foods", status="new").first(), timezone.now()
    if wanted is None:
        return
    day = timezone.localdate(now)
    fit = [one.advocate for one in matching.candidates(matching.Need.of(wanted, at=now))][8:]
    for pk, away in zip(fit[:2], (5, 12), strict=False):
        AwayPeriod.objects.create(
            advocate_id=pk, starts_on=day - timedelta(days=2), ends_on=day + timedelta(days=away)
        )  # fmt: skip
    Advocate.objects.filter(pk__in=fit[2:3]).update(ruled_out=[wanted.prospect])
    Advocate.objects.filter(pk__in=fit[3:4]).update(never=[wanted.kind.slug])


def _within_hours(world: Any) -> None:
    """A paper wants somebody by this evening, and Lena has agreed; an analyst waits for her word."""
    now = timezone.now()
    lead, manager = world.users["lead"], world.users["manager"]
    marketing = StakeholderTeam.objects.filter(slug="marketing").first()
    Spokesperson.objects.get_or_create(kind=None, team=None, defaults={"approver": lead})
    for (prospect, person, role, question, hours), slug in zip(
        ASKED, ("media-interview", "analyst-interview"), strict=True
    ):
        kind = OpportunityKind.objects.filter(slug=slug, for_requests=True).first()
        if kind is None:
            continue
        needed_at = (now + timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)
        filed = desk.file_request(
            requester=world.users["sales"], kind=kind, prospect=prospect, needed_by=timezone.localdate(needed_at),
            at=now - timedelta(hours=2), team=marketing,
            facts={"prospect_person": person, "prospect_role": role, "questions": question},
        )  # fmt: skip
        desk.assign(filed, to=manager, at=now - timedelta(minutes=100), by=manager)
        urgent.set_deadline(filed, needed_at, by=manager, at=now - timedelta(minutes=95))
        if slug == "media-interview":
            urgent.approve(filed, by=lead, at=now - timedelta(minutes=70))
            try:
                urgent.ask_best(filed, number=3, by=manager, at=now - timedelta(minutes=60))
            except Refused:
                continue  # everybody rests: the desk sees it


def _on_the_board(world: Any) -> None:
    """Nobody is left for one of Rita's requests: it is on the board without a name, and two have raised a hand."""
    now = timezone.now()
    open_ones = ReferenceRequest.objects.filter(
        status="matching", manager=world.users["manager"], needed_by__gt=timezone.localdate(now)
    )
    wanted = open_ones.filter(kind__slug="reference-call").order_by("needed_by", "pk").first()
    if wanted is None:
        return
    texts = {**words.prefilled(wanted), "what": "Half an hour by video, at a time that suits you."}
    try:
        one = broadcast.send_out(wanted, texts=texts, by=wanted.manager, at=now - timedelta(hours=4), anyway=True)
    except Refused:
        return
    raised = 0
    for advocate in Advocate.objects.filter(status=Advocate.Status.MEMBER).order_by("-stage", "pk")[:40]:
        if raised == 2:
            return
        try:
            board.claim(advocate, one, at=now - timedelta(hours=2))
            raised += 1
        except Refused:
            continue


def _by_the_prospect(world: Any) -> None:
    """Somebody said yes to a request of Sam's, and the prospect has the link to pick the time."""
    now, sam, manager = timezone.now(), world.users["sales"], world.users["manager"]
    busy = ReferenceRequest.objects.active().filter(deal__isnull=False).values("deal")
    open_ones = Deal.objects.filter(source="demo", outcome=Deal.Outcome.OPEN).exclude(pk__in=busy)
    deal = open_ones.exclude(external_id="DEAL-999").order_by("-value", "pk").first()
    if deal is None:
        return
    wanted = desk.file_request(
        requester=sam, kind=OpportunityKind.objects.get(slug="reference-call"), prospect=deal.prospect, deal=deal,
        needed_by=timezone.localdate(now) + timedelta(days=12), at=now - timedelta(hours=30),
        too_early_because="Their board meets next week.",
        facts={"industry": deal.industry, "region": deal.region, "employees": deal.employees, "language": "",
               "prospect_person": "Sara Berg", "prospect_role": "Head of operations",
               "questions": "How long did it take until shift leads planned with it themselves?"},
    )  # fmt: skip
    need = matching.Need.of(wanted, at=now)
    for candidate in matching.candidates(need):
        if candidate.owner_approves:
            continue
        pick = desk.Pick(candidate.advocate, matching.for_them(need, candidate))
        try:
            (one,) = desk.nominate(wanted, [pick], by=manager, at=now - timedelta(hours=28))
        except Refused:
            continue
        first = (now + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
        times = [first + timedelta(days=number, hours=number) for number in range(3)]
        desk.accept(one, times=times, at=now - timedelta(hours=5))
        prospects.hand_over(
            one, name="Sara Berg", email="prospect@prospect.test", zone="Europe/Berlin", by=sam,
            at=now - timedelta(hours=1),
        )  # fmt: skip
        return
