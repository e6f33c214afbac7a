"""The demo program's proof, stories and SOPs: customers say yes, colleagues find that what is published is enough."""

import tomllib
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from advocacy.crm.models import Deal, StakeholderTeam
from advocates.models import Advocate, Cohort
from opportunities import fitting
from opportunities.actions import approvals, campaigns, desk, proof, sops, stories
from opportunities.models import Proof, ReferenceRequest, ReviewAsk, ReviewSite, Scope, SopVersion, Story

WORDS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "demo_proof.toml").read_text(encoding="utf-8"))
ENOUGH = 0.18
"""How often proof that fits is taken instead of asking."""


def begin(world: Any, later: Any) -> None:
    """SOPs from the first day; proof and stories as the program grows."""
    world.kept["proof_rng"] = Random(20)  # noqa: S311 - its own: the rest of the demo goes as it went
    later(world, world.first_day + timedelta(days=1), _agree)
    days = max(60, (world.today - world.first_day).days)
    for number, entry in enumerate(WORDS["quote"]):
        later(world, world.first_day + timedelta(days=40 + number * (days - 60) // len(WORDS["quote"])), _keep, entry)
    # One industry, a good while ago: an ask for a review counts in everybody's budget, and the desk has work to do.
    later(world, world.today - timedelta(days=125), _ask_for_reviews)
    for number, entry in enumerate(WORDS["story"][:2]):
        later(world, world.first_day + timedelta(days=90 + number * 80), _tell, entry, number)


def _agree(world: Any, day: date) -> None:
    lead = world.users["lead"]
    for slug, entry in WORDS["sop"].items():
        team = StakeholderTeam.objects.filter(slug=slug).first() if slug != "others" else None
        if team is None and slug != "others":
            continue
        texts = {name: str(entry.get(name, "")) for name in SopVersion.TEXTS}
        sops.write(team, texts, too_early=entry.get("too_early", []), by=lead, at=world.at(day, 10))


def _ask_for_reviews(world: Any, day: date) -> None:
    """A campaign on two sites: some write, some would rather not; what they write plays no part."""
    rita, at, rng = world.users["manager"], world.at(day, 9), world.kept["proof_rng"]
    logistics, _new = Cohort.objects.get_or_create(
        name="Customers in logistics",
        defaults={
            "definition": {"all": [{"fact": "account.industry", "value": ["Logistics"]}], "any": [], "exclude": []},
            "by": world.users["lead"],
        },
    )  # fmt: skip
    for name in ("SoftRate", "Plainview"):
        site = ReviewSite.objects.create(name=name, url=f"https://{name.lower()}.example/write")
        made = campaigns.write(
            None, title=f"Summer on {name}", site=site, cohort=logistics, words=WORDS["review"]["words"],
            thanks=WORDS["review"]["thanks"], closes_on=day + timedelta(days=30), by=rita, at=at,
        )  # fmt: skip
        if name == "SoftRate":
            campaigns.start(made, by=rita, at=at)
            campaigns.work(at=at)
    for ask in ReviewAsk.objects.order_by("pk"):
        answer, later_on = rng.random(), at + timedelta(days=rng.randint(1, 20))
        if answer < 0.16:
            told = campaigns.tell(ask, shown_as=f"{ask.contact.given_name} {ask.contact.family_name[:1]}.", at=later_on)
            if answer < 0.12:
                campaigns.verify(told, by=rita, at=later_on + timedelta(days=2))
        elif answer < 0.24:
            campaigns.would_rather_not(ask, at=later_on)


def _somebody(world: Any) -> Advocate | None:
    """A member of long standing whose account no proof shows yet."""
    shown = set(Proof.objects.values_list("account", flat=True)) | set(Story.objects.values_list("account", flat=True))
    free = [one for one in world.kept["members"] if one.contact.account_id not in shown]
    return world.kept["proof_rng"].choice(free) if free else None


def _keep(world: Any, day: date, entry: dict[str, Any]) -> None:
    who, at, rita = _somebody(world), world.at(day, 10), world.users["manager"]
    if who is None:
        return
    contact = who.contact
    said = {**entry, "said_by": f"{contact.full_name}, {contact.account.name}" if entry["kind"] != "logo" else ""}
    if entry["kind"] == "logo":
        said["title"] = f"{contact.account.name}: {entry['title']}"
    facts = {"use_cases": [entry["use_case"], *contact.account.use_cases]} if "use_case" in entry else {}
    kept = proof.keep(account=contact.account, contact=contact, said=said, facts=facts, by=rita, at=at)
    rng = world.kept["proof_rng"]
    scopes = [Scope.SALES, *rng.sample([Scope.WEBSITE, Scope.SOCIAL, Scope.EVENTS, Scope.PRESS], rng.randint(1, 3))]
    asked = approvals.ask(kept, scopes=scopes, contact=contact, by=rita, at=at, expires_on=day + timedelta(days=540))
    if day < world.today - timedelta(days=3):
        approvals.answer(asked, said="yes", signed=contact.full_name, at=at + timedelta(hours=20))
        proof.publish(Proof.objects.get(pk=kept.pk), by=rita, at=at + timedelta(hours=22))


def _tell(world: Any, day: date, entry: dict[str, Any], number: int) -> None:
    """A story goes its whole way."""
    who, at, rita = _somebody(world), world.at(day, 10), world.users["manager"]
    if who is None:
        return
    story = _written(world, who, entry, at=at)
    for step in ("research", "writing", "review"):
        story = stories.move(story, step, by=rita, at=at)
    asked = approvals.ask(story, scopes=[Scope.SALES, Scope.WEBSITE], contact=who.contact, by=rita, at=at)
    if number == 0:
        approvals.answer(asked, said="changes", signed=who.contact.full_name, at=at + timedelta(days=2),
                         comments={"quote": "Please write “our bakers”, not “people”."})  # fmt: skip
        quote = "For the first time our bakers on nights know where they stand."
        story = stories.write(story, {"quote": quote}, by=rita, at=at + timedelta(days=3))
        story = stories.move(story, "review", by=rita, at=at + timedelta(days=3))
        asked = approvals.ask(story, scopes=[Scope.SALES, Scope.WEBSITE], contact=who.contact, by=rita,
                              at=at + timedelta(days=3))  # fmt: skip
    approvals.answer(asked, said="yes", signed=who.contact.full_name, at=at + timedelta(days=4))
    stories.publish(Story.objects.get(pk=story.pk), by=rita, at=at + timedelta(days=5))


def _written(world: Any, who: Advocate, entry: dict[str, Any], *, at: Any) -> Story:
    rita = world.users["manager"]
    said = {**entry, "quote_by": who.contact.full_name if entry.get("quote") else ""}
    return stories.begin(
        account=who.contact.account, contact=who.contact, title=entry["title"], by=rita, at=at, owner=rita, said=said
    )


def enough(world: Any, day: date, deal: Deal, kind: str, team: Any, facts: dict[str, Any]) -> ReferenceRequest | None:
    """Whether the seller found something published instead of asking: then the request that was not needed."""
    at, rng = world.at(day, 9), world.kept["proof_rng"]
    wanted = fitting.Wanted.of_draft(facts, kind=kind)
    found = fitting.fitting(wanted, at=at, limit=1)
    if not found or rng.random() > ENOUGH:
        return None
    return desk.file_as_enough(
        proof=found[0].proof, requester=deal.owner or world.users["sales"], at=at, kind=world.kept["kinds"][kind],
        prospect=deal.prospect, needed_by=day + timedelta(days=10), team=team, deal=deal, facts=facts,
    )  # fmt: skip


def end(world: Any) -> None:
    """What lies on the board of stories today."""
    now, rita = world.now, world.users["manager"]
    states = {2: ("research", "writing", "review"), 3: ("research",), 4: ()}
    for number, steps in states.items():
        who = _somebody(world)
        if who is None:
            return
        story = _written(world, who, WORDS["story"][number], at=now - timedelta(days=20 - number))
        due = (now + timedelta(days=(number - 3) * 9)).date()
        stories.write(story, {"due_on": due, "reviewer": world.users["lead"]}, by=rita, at=now - timedelta(days=12))
        for step in steps:
            story = stories.move(story, step, by=rita, at=now - timedelta(days=9 - number))
    ines = Advocate.objects.select_related("contact__account", "user").get(contact__email="advocate@demo.test")
    stories.raise_hand(
        ines, title="We told our suppliers everything",
        said={"challenge": "Every call began with an excuse.", "solution": "We opened the scorecards to them."},
        at=now - timedelta(hours=30),
    )  # fmt: skip
