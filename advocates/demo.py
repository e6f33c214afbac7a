"""People in the demo program: invitations go out, most are answered, members are thanked and celebrated."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count
from django.utils import timezone

from advocacy.crm import readiness
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.models import Account, Activity, Contact
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import User
from advocates import jobs, segments, snippets, stages
from advocates.actions import cohorts, do_task, invitations, joining, letters, nominations, wishes
from advocates.actions import commitments as promised
from advocates.actions.profile import answer_recognition
from advocates.models import (
    Advocate,
    Application,
    AwayPeriod,
    Cohort,
    ColleagueNomination,
    CreditRule,
    Invitation,
    LifecycleRule,
    Pod,
    Recognition,
    Task,
    WelcomeNote,
)

PODS = (
    ("Europe North", "Europe", 0),
    ("Europe West", "Europe", 0),
    ("Europe South", "Europe", 0),
    ("Europe East", "Europe", 0),
    ("Americas East", "North America", 1),
    ("Americas West", "North America", 1),
    ("Canada", "North America", 1),
    ("Latin America", "Latin America", 1),
    ("Asia", "Asia Pacific", 2),
    ("Oceania", "Asia Pacific", 2),
)
MEMBERS = 140
EXPERTISE = (
    "forecasting",
    "replenishment",
    "supplier quality",
    "multi-site rollout",
    "waste reduction",
    "cold chain",
    "month-end close",
    "stock-outs",
    "alerts",
    "dashboards",
)
WANTS = (
    "reference-call",
    "webinar",
    "case-study",
    "beta-test",
    "speaking",
    "mentoring",
    "podcast",
    "product-feedback",
    "advisory-board",
    "blog-post",
    "quote",
    "roundtable",
)
GOALS = (
    "own supplier quality by spring",
    "build a planning team of five",
    "give a talk at the spring fair",
    "move into operations",
    "cut waste below three percent",
)
WORDS = {
    Purpose.PROGRAM_MAIL: "You may write to me about the program.",
    Purpose.NEWSLETTER: "Send me the newsletter twice a month.",
    Purpose.REFERENCE_CALLS: "You may ask me for reference calls and e-mails.",
    Purpose.MEETING_PROSPECTS: "You may ask me to meet prospects in person.",
    Purpose.SPEAKING: "You may ask me to speak.",
    Purpose.NAME_AND_LOGO: "You may ask to show our name and logo.",
    Purpose.QUOTE: "You may ask me for a quote.",
    Purpose.RECORDING: "You may ask to record me.",
    Purpose.MEDIA_ANALYSTS: "You may ask me to talk with media and analysts.",
    Purpose.SURVEYS: "You may ask me for feedback.",
    Purpose.BETA_ADVISORY: "You may ask me to try new things and to advise.",
    Purpose.DIRECTORY: "Other members may find me in the directory.",
    Purpose.INTRODUCTIONS: "You may introduce me to other members.",
}
LIKELY = {Purpose.PROGRAM_MAIL: 1.0, Purpose.NEWSLETTER: 0.92, Purpose.REFERENCE_CALLS: 0.75, Purpose.DIRECTORY: 0.7}
CELEBRATED = (
    ("{name} cut stock-outs by a third", "Twelve weeks, three sites, and a team that now asks for the next one."),
    ("{name} rolled out to nineteen sites", "Two a week by the end, because the sites began to ask for it."),
    ("{name} answered more questions than anybody", "Short, kind, and always with a figure. Thank you."),
    ("{name} took a sceptic along", "One call, forty minutes, and a prospect who stopped doubting."),
    ("{name} threw away less than ever", "From six percent to under four, and the graph to prove it."),
)


BY_COHORT = 8
"""So many of the members come by the round of invitations to a cohort."""
COHORT_DAYS_AGO = timedelta(days=17)
COHORTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "Renewed this year, not in yet",
        "They have just decided to stay: ask them in while they are glad.",
        {
            "all": [{"fact": "signal.renewed", "value": 365}],
            "any": [
                {"fact": "contact.persona", "value": "champion"},
                {"fact": "contact.persona", "value": "decider"},
                {"fact": "contact.persona", "value": "user"},
            ],
            "exclude": [{"fact": "program.status", "value": "member"}],
        },
    ),
    (
        "Supplier Portal in food",
        "People we have nobody to call for yet.",
        {
            "all": [
                {"fact": "account.product", "value": ["Supplier Portal"]},
                {"fact": "account.industry", "value": ["Food"]},
            ],
            "any": [],
            "exclude": [{"fact": "program.status", "value": "member"}],
        },
    ),
)


def begin(world: Any) -> None:
    for name, region, manager in PODS:
        Pod.objects.create(name=name, region=region, manager=world.managers[manager])
    start = world.at(world.first_day, 6, 0)
    LifecycleRule.objects.filter(enabled=True).update(enabled_from=start)
    chosen = [contact for contact in world.contacts[1:] if contact.persona != Contact.Persona.OTHER]
    world.rng.shuffle(chosen)
    world.kept["to_invite"] = chosen
    world.kept["answers"] = {}
    world.kept["members"] = []
    _join(world, invitations.invite(world.contacts[0], at=start, by=world.managers[0]), world.first_day)


def day(world: Any, day: date) -> None:
    morning = world.at(day, 8, 0)
    jobs.follow_signals(at=morning)
    if day.weekday() == 0:
        jobs.project_rest(at=morning)
        jobs.release_pauses(at=morning)
    for invitation in Invitation.objects.filter(status=Invitation.Status.QUEUED, created_at__lte=morning):
        # The mail went the same day; here nobody runs a sender through nine months.
        Invitation.objects.filter(pk=invitation.pk).update(status=Invitation.Status.SENT, sent_at=invitation.created_at)
        _will_answer(world, invitation, day)
    _invite_some(world, day)
    for invitation, yes in world.kept["answers"].pop(day, []):
        invitation.refresh_from_db()
        if invitation.status in {Invitation.Status.SENT, Invitation.Status.CLICKED}:
            if yes and len(world.kept["members"]) < MEMBERS - (BY_COHORT if day < world.today - COHORT_DAYS_AGO else 0):
                _join(world, invitation, day)
            else:
                invitations.decline(invitation, at=world.at(day))
    if day.weekday() == 4:
        _do_tasks(world, day)
    if day.day in {6, 20}:
        _celebrate(world, day)
    if day == world.today - COHORT_DAYS_AGO:
        _invite_a_cohort(world, day)


def _invite_a_cohort(world: Any, day: date) -> None:
    """The lead asks, in one round, people who have just decided to stay."""
    morning, lena = world.at(day, 9), world.users["lead"]
    made = []
    for name, note, definition in COHORTS:
        cohort = Cohort.objects.create(name=name, note=note, definition=definition, by=lena, created_at=morning)
        people = segments.Segment.read(definition).people(at=morning)
        cohorts.keep_count(cohort, people.count(), at=morning)
        made.append(cohort)
    cohorts.begin(made[0], most=24, starts_at=morning, by=lena, at=morning)
    cohorts.work(at=morning)


def _will_answer(world: Any, invitation: Invitation, day: date) -> None:
    if world.chance(0.84):
        when = day + timedelta(days=world.rng.choice((1, 1, 2, 3, 5, 8, 12, 22)))
        world.kept["answers"].setdefault(when, []).append((invitation, world.chance(0.88)))


def _invite_some(world: Any, day: date) -> None:
    if day.weekday() > 3 or len(world.kept["members"]) >= MEMBERS - BY_COHORT:
        return
    progress = (day - world.first_day).days / max(1, (world.today - world.first_day).days)
    for _number in range(world.rng.choice((0, 1, 1, 2) if progress < 0.3 else (1, 1, 2, 3))):
        while world.kept["to_invite"]:
            contact = world.kept["to_invite"].pop()
            try:
                invitations.invite(contact, at=world.at(day, 7), by=world.rng.choice(world.managers))
                break
            except Refused:
                continue  # the account rests, or a rule was quicker


def _join(world: Any, invitation: Invitation, day: date) -> None:
    rng, contact = world.rng, invitation.advocate.contact
    types = list(Advocate.Type.values)
    details = joining.Details(
        given_name=contact.given_name,
        family_name=contact.family_name,
        title=contact.title,
        type=rng.choices(types, weights=[4, 4, 2, 3])[0],
        thanks=rng.choice(list(Advocate.Thanks.values)),
        consents={
            purpose: words
            for purpose, words in WORDS.items()
            if contact.email == "advocate@demo.test" or world.chance(LIKELY.get(purpose, 0.55))
        },
    )
    joined = joining.accept_invitation(invitation, details, at=world.at(day))
    advocate = joined.advocate
    if contact.email == "advocate@demo.test":
        User.objects.filter(pk=joined.user.pk).update(password=world.password_hash)
    Advocate.objects.filter(pk=advocate.pk).update(
        expertise=sorted(rng.sample(EXPERTISE, rng.randint(1, 4))),
        wants=sorted(rng.sample(WANTS, rng.randint(2, 5))),
        interests=sorted(rng.sample(("running", "choir", "sailing", "chess", "gardening", "cycling", "cooking"), 2)),
        goals=rng.choice(GOALS) if world.chance(0.6) else "",
        about=f"{contact.title} at {contact.account.name}." if world.chance(0.5) else "",
        years_of_experience=rng.randint(2, 24),
        prefers_private=world.chance(0.2),
        wizard_done_at=world.at(day) if world.chance(0.8) else None,
        asks_a_quarter=rng.choice((None, None, None, 1, 2)),
    )
    if world.chance(0.15):
        away = world.today + timedelta(days=rng.randint(-20, 40))
        AwayPeriod.objects.create(advocate=advocate, starts_on=away, ends_on=away + timedelta(days=rng.randint(4, 16)))
    world.kept["members"].append(Advocate.objects.select_related("contact__account", "user").get(pk=advocate.pk))


def _do_tasks(world: Any, day: date) -> None:
    """Managers do most of what waits; something is always left for Monday."""
    late = world.at(day, 16)
    waiting = (
        Task.objects.filter(done_at__isnull=True, due_at__lte=late)
        .exclude(kind=Task.Kind.FIND)
        .order_by("due_at", "pk")
    )
    for task in list(waiting[:60]):
        if task.assignee and world.chance(0.8 if (world.today - day).days > 14 else 0.35):
            do_task(task, by=task.assignee, at=late)


def _celebrate(world: Any, day: date) -> None:
    done = Advocate.objects.filter(stage__gte=Advocate.Stage.CREATOR).order_by("pk")
    everybody = list(done.select_related("contact"))
    if not everybody:
        return
    proven = [one for one in everybody if one.stage >= Advocate.Stage.PROVEN]
    advocate = world.rng.choice(proven or everybody)
    title, text = world.rng.choice(CELEBRATED)
    recent = (world.today - day).days < 20
    made = Recognition.objects.create(
        advocate=advocate,
        kind=world.rng.choice(list(Recognition.Kind.values)),
        title=title.format(name=advocate.contact.given_name),
        text=text,
        created_at=world.at(day),
        by=world.users["moderator"],
    )
    if not recent or world.chance(0.7):
        answer_recognition(made, yes=True, at=world.at(min(day + timedelta(days=2), world.today)))


CLAUSES: tuple[tuple[str, int, tuple[tuple[int, int, str, str], ...]], ...] = (
    (
        "In return for the reduced price the customer gives two references a year to other companies of its trade.",
        300, ((2, 60, "", "reference-call"), (1, 60, "", "")),
    ),
    ("Ten percent off the first year for a case study and a talk at our spring fair.", 250,
     ((1, -20, "", "case-study"), (1, 21, "talk_given", ""))),
    ("The customer takes part in the program: three deeds of its own choice within the term.", 320,
     ((3, 25, "", ""),)),
    ("For the pilot price the customer speaks about its roll-out at two webinars.", 200, ((2, 12, "", "webinar"),)),
    ("A quote and the use of name and logo, for five percent off.", 280, ((1, 150, "", "quote"), (1, 150, "", ""))),
)  # fmt: skip
"""Of contracts in the demo: the clause, agreed how many days ago, and its lines (how many, due in days, deed, kind)."""

NOT_READY = (
    ("Still in onboarding; the roll-out ends next quarter.", 40),
    ("New management, nobody knows them yet.", None),
    ("In dispute over an invoice.", None),
)


def _promise_and_rest(world: Any, now: Any) -> None:
    """Some contracts gave a discount for advocacy, some accounts are not ready, some rest by hand."""
    lena, today = world.users["lead"], world.today
    busy = list(
        Activity.objects.filter(deed=Deed.VERIFIED, account__merged_into__isnull=True).order_by()
        .values("account").annotate(number=Count("pk")).order_by("-number", "account")
        .values_list("account", flat=True)[:9]
    )  # fmt: skip
    rows = Account.objects.in_bulk(busy)
    for number, (account_id, (clause, days, lines)) in enumerate(zip(busy[2:], CLAUSES, strict=False)):
        agreed = today - timedelta(days=days)
        said = promised.Said(
            clause=clause, reference=f"MSA-{agreed.year}-{104 + 7 * number}", agreed_on=agreed,
            discount=Decimal(8_000 + 3_500 * number), currency=rows[account_id].currency,
            lines=[
                promised.Line(how_many, today + timedelta(days=due), deed, kind) for how_many, due, deed, kind in lines
            ],
        )  # fmt: skip
        promised.record(rows[account_id], said, by=world.managers[0], at=world.at(agreed))
    without = Account.objects.ready().exclude(contacts__advocate__status=Advocate.Status.MEMBER)
    quiet = list(without.order_by("-pk")[: len(NOT_READY)])
    for number, (account, (reason, days_left)) in enumerate(zip(quiet, NOT_READY, strict=False)):
        until = today + timedelta(days=days_left) if days_left else None
        began = world.at(today - timedelta(days=12 * number + 6))
        readiness.set_not_ready(account, reason=reason, by=world.managers[number % len(world.managers)], at=began,
                                until=until)  # fmt: skip
    ines = Advocate.objects.get(contact__email="advocate@demo.test")  # something is asked of her today
    member = Account.objects.ready().filter(pk__in=busy[7:]).exclude(pk=ines.contact.account_id).first()
    if member is not None:
        began = world.at(today - timedelta(days=70))
        readiness.set_not_ready(member, reason="Waiting for their works council.", by=lena, at=began)
        readiness.set_ready(member, by=lena, at=began + timedelta(days=30))
        readiness.pause(
            member, reason="Audit weeks; they asked for quiet.", by=world.managers[0], at=now - timedelta(days=2),
            until=today + timedelta(days=16),
        )  # fmt: skip
    promised.remind(at=now)


NOMINATED_BECAUSE = (
    "Runs the best roll-out I have seen and tells everybody who will listen. Would be great on a call.",
    "Told me at the fair that she got her evenings back. Loves to teach.",
    "Built his own alerts and showed them to our product team; wants to know others who do.",
)


def _colleagues_nominate(world: Any, now: Any) -> None:
    """Some customers were put forward: to be read, invited, declined, and one who became active and is credited."""
    sam, rita = world.users["sales"], world.managers[0]
    CreditRule.objects.create(name="50 € for a first activity", deed="verified", within_days=365, amount=Decimal(50))
    free = list(
        Contact.objects.filter(advocate__isnull=True, left_on__isnull=True, account__csm__isnull=False)
        .exclude(email="").select_related("account").order_by("pk")[:3]
    )  # fmt: skip
    for number, (contact, why) in enumerate(zip(free, NOMINATED_BECAUSE, strict=False)):
        made = nominations.nominate(
            by=sam, email=contact.email, at=now - timedelta(days=3 - number, hours=2),
            facts={
                "given_name": contact.given_name, "family_name": contact.family_name, "title": contact.title,
                "company": contact.account.name, "why": why,
            },
        )  # fmt: skip
        if number == 2:
            nominations.decline(made, reason="In an escalation until spring; let us ask again then.", at=now, by=rita)
    active = Activity.objects.filter(deed=Deed.VERIFIED, contact__advocate__joined_at__isnull=False).order_by("-at")
    for deed in active[:200]:
        person = deed.contact
        joined = person.advocate.joined_at if person else None
        if person is None or joined is None or joined + timedelta(days=9) > deed.at:
            continue
        filed = joined - timedelta(days=4)
        ColleagueNomination.objects.create(
            by=sam, email=person.email, given_name=person.given_name, family_name=person.family_name,
            title=person.title, company=person.account.name, why="Has shown our product to three of my prospects.",
            contact=person, status=ColleagueNomination.Status.INVITED, filed_at=filed, decided_at=filed,
            decided_by=rita, invitation=person.advocate.invitations.first(),
        )  # fmt: skip
        break
    nominations.fall_due(at=now)


SNIPPETS = (
    ("After a call", "Dear {given_name}, thank you for taking the call. They said you answered what no slide could."),
    ("No question this time", "Dear {given_name}, no question this time: how are things at {account}?"),
)


WELCOMES = {
    "Europe": "Here in Europe we meet in Hamburg in spring, and online every second Thursday. Ask {manager}.",
    "North America": "Here in North America we have coffee online on the first Friday, and meet in Chicago each fall.",
    "": "You are among people who do what you do. Look around, and ask {manager} for whatever you miss.",
}


def _write_and_wish(world: Any, ines: Advocate, now: Any) -> None:
    """A talk by mail, and what Inês has asked of us."""
    for region, text in WELCOMES.items():
        WelcomeNote.objects.create(region=region, text=text)
    for name, text in SNIPPETS:
        snippets.save(None, name=name, text=text, shared=True, at=now, by=world.users["lead"])
    manager = ines.manager or world.managers[0]
    letters.write_down(
        ines, from_them=False, subject="The spring fair", key="demo-1", day=world.today - timedelta(days=6),
        text="Dear Inês, it was lovely to hear you at the round table. No question this time, only thanks. See you!",
        asked_for_nothing=True, at=now, by=manager,
    )  # fmt: skip
    done = wishes.wish(
        ines, kind="meet", text="I would like to meet somebody who plans more than ten sites.",
        at=now - timedelta(days=30),
    )  # fmt: skip
    wishes.answer(
        done, done=True, outcome="Omar of Blue Harbour would love to talk; you have an introduction from both sides.",
        at=now - timedelta(days=24), by=manager,
    )  # fmt: skip
    wishes.wish(
        ines, kind="stage", text="Could I show our month-end close at your next event, for ten minutes?",
        at=now - timedelta(days=2),
    )  # fmt: skip
    letters.write_to_manager(
        ines, text="Is there a test system I could use to try the new alerts with two colleagues?",
        at=now - timedelta(hours=3),
    )  # fmt: skip


def end(world: Any) -> None:
    now = timezone.now()
    stages.refresh(at=now)
    _promise_and_rest(world, now)
    jobs.project_rest(at=now)
    ines = Advocate.objects.get(contact__email="advocate@demo.test")
    Recognition.objects.create(
        advocate=ines,
        title="Inês closed the books in two days",
        text="And told forty people how. Thank you, Inês.",
        created_at=now - timedelta(days=1),
        by=world.users["moderator"],
    )
    _colleagues_nominate(world, now)
    _write_and_wish(world, ines, now)
    for number, (given, family, company) in enumerate(
        (("Petra", "Holm", "Holm & Søn"), ("Carlos", "Vega", "Vega Mercados"))
    ):
        Application.objects.create(
            given_name=given,
            family_name=family,
            company=company,
            region="Europe",
            title="Planning Manager",
            email=f"{given.lower()}@{company.split()[0].lower()}.example",
            why="To meet people who plan fresh goods.",
            status=Application.Status.CONFIRMED,
            filed_at=now - timedelta(days=number + 1),
            confirmed_at=now - timedelta(days=number, hours=20),
        )
