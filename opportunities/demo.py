"""The board and the desk in the demo program: offers come and go, advocates claim, colleagues ask and are answered.

What happens later is put on an agenda: a day, and what is done on it.
"""

import tomllib
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from advocacy.crm.models import Account, Deal, StakeholderTeam
from advocacy.lib.lifecycle import Refused
from advocates.models import Advocate
from opportunities import board as rules
from opportunities import demo_lanes, demo_proof, group_demo, matching
from opportunities import desk as desk_rules
from opportunities import survey_demo as survey_demo
from opportunities.actions import board, desk
from opportunities.forms.desk import text_from
from opportunities.jobs import board as board_jobs
from opportunities.jobs import desk as desk_jobs
from opportunities.models import (
    UNDER_WAY,
    Claim,
    ClaimFeedback,
    Nomination,
    Opportunity,
    OpportunityKind,
    ProposedTime,
    ReferenceRequest,
)

WORDS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "demo.toml").read_text(encoding="utf-8"))
OPEN_FOR = 110
"""Days an opportunity of the demo stays on the board."""


def begin(world: Any) -> None:
    world.kept["kinds"] = {kind.slug: kind for kind in OpportunityKind.objects.all()}
    world.kept["agenda"] = {}
    offers = list(WORDS["opportunity"])
    world.rng.shuffle(offers)
    for number, offer in enumerate(offers):
        later(world, world.first_day + timedelta(days=5 + number * 4), _open, offer)
        if number % 3:
            again = world.today - timedelta(days=2 + number * 5)
            later(world, again, _open, offer)
    demo_proof.begin(world, later)
    sales = StakeholderTeam.objects.get(slug="sales")
    for deal in world.deals:
        first = max(deal.opened_on + timedelta(days=world.rng.randint(8, 25)), world.first_day + timedelta(days=12))
        last = deal.closed_on - timedelta(days=18) if deal.closed_on else world.today
        if deal.external_id != "DEAL-999" and first < last and world.chance(0.72):
            later(world, first, _file, deal, sales)
    survey_demo.begin(world)
    group_demo.begin(world)


def later(world: Any, day: date, do: Callable[..., None], *what: Any) -> None:
    """Put something on the agenda; what would come after today does not happen yet."""
    if day <= world.today:
        world.kept["agenda"].setdefault(day, []).append((do, what))


def day(world: Any, day: date) -> None:
    agenda = world.kept["agenda"]
    while day in agenda:  # what is done may put more on the same day
        for do, what in agenda.pop(day):
            try:
                do(world, day, *what)
            except Refused:
                # Somebody is away, rests or was quicker: such is life. The desk tries again.
                if do in {_nominate, _nominate_again}:
                    later(world, day + timedelta(days=1), _nominate_again, what[0], what[1] + 1)
    for advocate in world.kept["members"]:
        if world.chance(_zeal(advocate)):
            _claim_something(world, day, advocate)
    if day.weekday() == 6:
        board_jobs.close_what_is_over(at=world.at(day, 20))
    desk_jobs.move_on_from_silence(at=world.at(day, 19))
    survey_demo.day(world, day)
    group_demo.day(world, day)


# --- The board --------------------------------------------------------------------------------------------------------
def _open(world: Any, day: date, offer: dict[str, Any]) -> None:
    rng, kind = world.rng, world.kept["kinds"][offer["kind"]]
    opened = world.at(day, 8)
    if Opportunity.objects.open(at=opened).filter(title=offer["title"]).exists():
        return
    stays = OPEN_FOR if (world.today - day).days > OPEN_FOR else (world.today - day).days + rng.randint(5, 60)
    soon = (world.today - day).days < 20 and world.chance(0.4)
    made = Opportunity.objects.create(
        kind=kind,
        title=offer["title"],
        summary=offer["summary"],
        what=offer["what"],
        gain=offer["gain"],
        topics=offer["topics"],
        industries=offer.get("industries", []),
        effort=offer.get("effort", ""),
        minutes=kind.minutes,
        points=kind.points,
        is_public=kind.is_public,
        seats=offer.get("seats"),
        place=offer.get("place", ""),
        is_remote="place" not in offer,
        closes_at=world.at(day, 8) + timedelta(days=stays) if world.chance(0.8) else None,
        incentive="Double points this week" if soon and not kind.is_review else "",
        incentive_points=kind.points if soon and not kind.is_review else 0,
        incentive_on=world.today + timedelta(days=3) if soon and not kind.is_review else None,
        run_by=world.users["manager"],
        team=StakeholderTeam.objects.order_by("pk")[rng.randrange(3)],
        created_at=opened,
    )
    board.open_up(made, at=opened)


def _zeal(advocate: Advocate) -> float:
    """How likely somebody is to claim on a day: many hardly ever, some often."""
    return (0.0003, 0.0003, 0.003, 0.006, 0.014)[advocate.pk % 5]


def _claim_something(world: Any, day: date, advocate: Advocate) -> None:
    at = world.at(day)
    open_ones = list(rules.open_to(advocate, at=at).select_related("kind").order_by("pk"))
    easy = [one for one in open_ones if not one.kind.needs_answers]
    if not easy:
        return
    wanted = [one for one in easy if one.kind.slug in advocate.wants] or easy
    made = board.claim(advocate, world.rng.choice(wanted), at=at)
    later(world, day + timedelta(days=world.rng.randint(1, 5)), _go_on, made.pk)


def _go_on(world: Any, day: date, pk: int) -> None:
    """The next step of a claim, and the one after that some days later."""
    claim = Claim.objects.select_related("opportunity__kind", "advocate__user").get(pk=pk)
    at, kind = world.at(day), claim.opportunity.kind
    if claim.status not in (*UNDER_WAY, Claim.Status.DELIVERED):
        return
    is_over = bool(claim.ends_at and claim.ends_at <= at)
    if claim.status in UNDER_WAY and world.chance(0.05) and not is_over:
        board.withdraw(claim, reason="Something came up at work.", at=at)
        return
    nearly = timedelta(days=world.rng.randint(1, 6))
    if claim.status == Claim.Status.SCHEDULED:
        if claim.scheduled_for and claim.scheduled_for > at:
            later(world, claim.scheduled_for.date() + timedelta(days=1), _go_on, pk)
            return
        board.deliver(claim, at=at, by=world.users["manager"])
    elif claim.status == Claim.Status.DELIVERED:
        board.verify(claim, at=at, by=world.users["manager"])
        later(world, day + nearly, _say_and_thank, pk)
        return
    elif claim.status == Claim.Status.CLAIMED and kind.has_step("confirmed"):
        board.confirm(claim, at=at, by=world.users["manager"])
    elif kind.has_step("scheduled"):
        board.schedule(
            claim,
            starts_at=at + timedelta(days=world.rng.randint(4, 16)),
            minutes=kind.minutes,
            at=at,
            by=world.users["manager"],
        )
    elif kind.has_step("delivered"):
        board.deliver(claim, at=at, by=world.users["manager"])
    else:
        board.verify(claim, at=at, by=world.users["manager"])
        return
    later(world, day + nearly, _go_on, pk)


def _say_and_thank(world: Any, day: date, pk: int) -> None:
    claim = Claim.objects.select_related("advocate__user", "advocate__pod__manager").get(pk=pk)
    at = world.at(day, 10)
    if world.chance(0.6):
        board.give_feedback(
            claim,
            side=ClaimFeedback.Side.ADVOCATE,
            grade=world.rng.choices((3, 4, 5), weights=[1, 4, 6])[0],
            text=world.rng.choice(WORDS["requests"]["own_words"]),
            at=at,
            by=claim.advocate.user,
        )
    if world.chance(0.85):
        board.thank(
            claim,
            text=world.rng.choice(WORDS["requests"]["thanks"]),
            by=claim.advocate.manager or world.managers[0],
            at=at,
        )


# --- The desk ---------------------------------------------------------------------------------------------------------
def request_of(world: Any, deal: Deal, *, at: Any, team: Any, days: int, kind: str = "reference-call") -> Any:
    """A request for a deal, as its seller would file it."""
    words, rng = WORDS["requests"], world.rng
    facts = {
        "industry": deal.industry, "employees": deal.employees, "region": deal.region, "country": deal.country,
        "product": deal.product, "competitor": deal.competitor, "prospect_person": rng.choice(words["people"]),
        "prospect_role": rng.choice(words["roles"]), "questions": rng.choice(words["questions"]),
        "depth": rng.choice(["overview", "practical", "technical"]),
        "use_case": rng.choice(["", "multi-site rollout", "stock-outs"]),
    }  # fmt: skip
    return desk.file_request(
        requester=deal.owner or world.users["sales"],
        kind=world.kept["kinds"][kind],
        prospect=deal.prospect,
        needed_by=at.date() + timedelta(days=days),
        at=at,
        team=team,
        deal=deal,
        facts=facts,
        too_early_because="Their board meets next week.",
    )


def _file(world: Any, day: date, deal: Deal, team: Any) -> None:
    kind = world.rng.choices(["reference-call", "reference-email", "site-visit", "quote"], weights=[8, 2, 1, 1])[0]
    kind = kind if kind in world.kept["kinds"] and world.kept["kinds"][kind].for_requests else "reference-call"
    if demo_proof.enough(world, day, deal, kind, team, text_from(deal)) is not None:
        return
    filed = request_of(world, deal, at=world.at(day, 9), team=team, days=world.rng.randint(9, 25), kind=kind)
    # The desk learns: in the first months a request lay for days, now for hours.
    early = 1 - (day - world.first_day).days / max(1, (world.today - world.first_day).days)
    later(world, day + timedelta(days=round(early * world.rng.randint(3, 7))), _nominate, filed.pk, 1)


def _nominate(world: Any, day: date, pk: int, round_: int) -> None:
    wanted = ReferenceRequest.objects.select_related("kind", "deal").get(pk=pk)
    if wanted.status not in ReferenceRequest.ACTIVE:
        return
    at = world.at(day, 11)
    manager = wanted.manager or world.rng.choices(world.managers, weights=[5, 3, 2])[0]
    if wanted.manager is None:
        desk.assign(wanted, to=manager, at=at)
    need = matching.Need.of(wanted, at=at)
    found = [one for one in matching.candidates(need, limit=6) if not one.owner_approves][:2]
    if not found or round_ > 3:
        later(world, day + timedelta(days=2), _give_up, pk)
        return
    picks = [desk.Pick(one.advocate, matching.for_them(need, one)) for one in found]
    for made in desk.nominate(wanted, picks, by=manager, at=at):
        answer = world.rng.choices(("yes", "no", "silence"), weights=[64, 20, 16])[0]
        early = (world.today - day).days > 120
        when = day + timedelta(days=world.rng.choice((1, 1, 2, 3) if early else (0, 0, 0, 1, 2)))
        if answer == "yes":
            later(world, when, _accept, made.pk)
        elif answer == "no":
            later(world, when, _decline, made.pk)
    later(world, day + timedelta(days=5), _nominate_again, pk, round_ + 1)


def _nominate_again(world: Any, day: date, pk: int, round_: int) -> None:
    wanted = ReferenceRequest.objects.get(pk=pk)
    if wanted.status in {"new", "matching", "asked"} and not wanted.nominations.filter(status="asked").exists():
        _nominate(world, day, pk, round_)


def _give_up(world: Any, day: date, pk: int) -> None:
    wanted = ReferenceRequest.objects.get(pk=pk)
    if wanted.status in ReferenceRequest.ACTIVE:
        reason = "Nobody with these facts has room before the day it is needed."
        desk.leave_unfilled(wanted, reason=reason, by=wanted.manager or world.managers[0], at=world.at(day, 12))


def _accept(world: Any, day: date, pk: int) -> None:
    nominated = Nomination.objects.select_related("request__kind", "advocate__user").get(pk=pk)
    if nominated.status != Nomination.Status.ASKED:
        return
    at = world.at(day, 14)
    soon = 6 if (world.today - day).days > 120 else 3
    first = at.replace(minute=0, second=0, microsecond=0) + timedelta(days=world.rng.randint(1, soon))
    times = [first + timedelta(days=number, hours=number - 1) for number in range(3)]
    timed = nominated.request.kind.has_step("scheduled")
    desk.accept(nominated, times=times if timed else [], at=at, by=nominated.advocate.user)
    if timed:
        later(world, day + timedelta(days=1), _pick, pk)
    else:
        later(world, day + timedelta(days=world.rng.randint(2, 5)), _afterwards, pk)


def _decline(world: Any, day: date, pk: int) -> None:
    nominated = Nomination.objects.select_related("advocate__user").get(pk=pk)
    if nominated.status == Nomination.Status.ASKED:
        reason = world.rng.choice(WORDS["requests"]["declines"])
        desk.decline(nominated, reason=reason, at=world.at(day, 15), by=nominated.advocate.user)


def _pick(world: Any, day: date, pk: int) -> None:
    at = world.at(day, 9)
    free = ProposedTime.objects.filter(nomination=pk, starts_at__gt=at).order_by("starts_at")
    time = world.rng.choice(list(free)) if free else None
    if time is None:
        return
    nominated = Nomination.objects.select_related("request__requester").get(pk=pk)
    desk.pick_time(time, at=at, by=nominated.request.requester)
    later(world, time.starts_at.date() + timedelta(days=1), _afterwards, pk)


def _afterwards(world: Any, day: date, pk: int) -> None:
    """Both sides say how it was; the manager thanks."""
    nominated = Nomination.objects.select_related(
        "claim", "request__requester", "request__manager", "advocate__user"
    ).get(pk=pk)
    claim = nominated.claim
    if claim is None or claim.status not in UNDER_WAY:
        return
    at = world.at(day, 16)
    if world.chance(0.04):
        by_prospect = world.chance(0.6)
        desk.missed(nominated, by_prospect=by_prospect, by=nominated.request.manager, at=at)
        if by_prospect and claim.scheduled_for:
            later(world, day + timedelta(days=1), _another_time, pk)
        return
    words, rng = WORDS["requests"], world.rng
    desk.say_how_it_was(
        claim,
        grade=rng.choices((3, 4, 5), weights=[1, 4, 7])[0],
        happened=True,
        text=rng.choice(words["good_words"]),
        minutes=claim.minutes,
        at=at,
        by=nominated.request.requester,
    )
    claim.refresh_from_db()
    board.give_feedback(
        claim,
        side=ClaimFeedback.Side.ADVOCATE,
        grade=rng.choices((3, 4, 5), weights=[1, 4, 5])[0],
        text=rng.choice(words["own_words"]),
        at=at,
        by=nominated.advocate.user,
    )
    desk.follow(Nomination.objects.get(pk=pk), at=at)
    if world.chance(0.9):
        later(world, day + timedelta(days=1), _thank, pk)


def _another_time(world: Any, day: date, pk: int) -> None:
    """The prospect did not come: the requester asks for another time, and the advocate has some."""
    nominated = Nomination.objects.select_related("request__requester").get(pk=pk)
    if not desk_rules.missed_by_prospect(nominated):
        return
    words, at = WORDS["requests"]["another_time"], world.at(day, 9)
    desk.no_time_fits(nominated, text=words, by=nominated.request.requester, at=at)
    first = at + timedelta(days=4)
    desk.propose_times(nominated, times=[first + timedelta(days=ahead, hours=3) for ahead in range(3)], at=at)
    later(world, day + timedelta(days=1), _pick, pk)


def _thank(world: Any, day: date, pk: int) -> None:
    nominated = Nomination.objects.select_related("claim", "request__manager", "advocate").get(pk=pk)
    text = world.rng.choice(WORDS["requests"]["thanks"])
    desk.thank(nominated, text=text, by=nominated.request.manager or world.managers[0], at=world.at(day, 10))


def end(world: Any) -> None:
    """What waits today: a fresh request for Rita, and a question for Inês."""
    now, sales = timezone.now(), StakeholderTeam.objects.get(slug="sales")
    kestrel = Deal.objects.get(source="demo", external_id="DEAL-999")
    request_of(world, kestrel, at=now - timedelta(hours=20), team=sales, days=12)
    own = (
        Deal.objects.filter(source="demo", outcome=Deal.Outcome.OPEN).exclude(pk=kestrel.pk).order_by("-value").first()
    )
    ines = Advocate.objects.get(contact__email="advocate@demo.test")
    if own is not None:
        asked = request_of(world, own, at=now - timedelta(hours=26), team=sales, days=9)
        why = "You led the same rollout, and you tell it well."
        reason = "The prospect asked for her by name after the spring webinar."
        (question,) = desk.nominate(
            asked, [desk.Pick(ines.pk, why)], by=world.users["manager"], at=now - timedelta(hours=3),
            override_reason=reason,
        )  # fmt: skip
        if question.status == Nomination.Status.WITH_OWNER:
            desk.approve(question, at=now - timedelta(hours=2), by=question.owner)
    _wait_for_an_owner(world, [kestrel, own], at=now - timedelta(hours=5), team=sales)
    desk_jobs.follow_claims(at=now)
    demo_proof.end(world)
    demo_lanes.end(world)


def _wait_for_an_owner(world: Any, asked: Sequence[Deal | None], *, at: datetime, team: Any) -> None:
    """Rita would like to ask somebody at one of Sam's accounts, which wants his yes first."""
    sam = world.users["sales"]
    deals = Deal.objects.filter(source="demo", outcome=Deal.Outcome.OPEN).exclude(owner=sam)
    deal = deals.exclude(pk__in=[one.pk for one in asked if one]).order_by("-value").first()
    if deal is None:
        return
    wanted = request_of(world, deal, at=at - timedelta(hours=25), team=team, days=14)
    need = matching.Need.of(wanted, at=at)
    for one in matching.candidates(need):
        if Account.objects.filter(pk=one.account, owner=sam).update(owner_approves=True):
            desk.nominate(wanted, [desk.Pick(one.advocate, matching.for_them(need, one))],
                          by=world.users["manager"], at=at)  # fmt: skip
            return
