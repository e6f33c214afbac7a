"""The demo's company and its customers: sixty accounts in four regions, their people, use, deals and news."""

import tomllib
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress

from advocacy.crm.models import Account, Contact, Deal, Signal, StakeholderTeam, Subscription, Usage
from advocacy.users.actions import set_roles
from advocacy.users.models import Role, User

if TYPE_CHECKING:
    from advocacy.local.program import World

SOURCE = "demo"
PROGRAM: dict[str, Any] = {
    "name": "Harbor Circle",
    "company": "Harborline",
    "tagline": "Where people who plan well help each other",
    "sender_name": "Harbor Circle",
    "sender_email": "circle@demo.test",
    "postal_address": "Harborline, 4 Quay Street, Example Town",
    "desk_time_zone": "Europe/Berlin",
    "currency": "EUR",
}
WORDS: dict[str, Any] = tomllib.loads((Path(__file__).parent / "company.toml").read_text(encoding="utf-8"))
PRODUCTS, FEATURES, USE_CASES = WORDS["products"], WORDS["features"], WORDS["use_cases"]
COMPETITORS, INDUSTRIES, REGIONS = WORDS["competitors"], WORDS["industries"], WORDS["regions"]
TITLES = {
    Contact.Persona.DECIDER: ("Chief Operating Officer", "VP Supply Chain", "Director of Operations", "CFO"),
    Contact.Persona.CHAMPION: ("Head of Planning", "Supply Chain Lead", "Planning Manager", "Operations Manager"),
    Contact.Persona.ADMIN: ("Systems Manager", "Planning Systems Analyst", "IT Product Owner"),
    Contact.Persona.USER: ("Demand Planner", "Buyer", "Inventory Analyst", "Category Planner"),
    Contact.Persona.OTHER: ("Finance Partner", "Quality Manager", "Project Manager"),
}
COLLEAGUES: tuple[tuple[str, str, str, tuple[str, ...], str], ...] = (
    ("sales", "Sam Carter", "Account Executive", (Role.REQUESTER,), "America/New_York"),
    ("manager", "Rita Morgan", "Reference Manager", (Role.MANAGER,), "Europe/Berlin"),
    ("moderator", "Maya Lindqvist", "Community Manager", (Role.MODERATOR,), "Europe/Stockholm"),
    ("lead", "Lena Novak", "Head of Customer Advocacy", (Role.LEAD,), "Europe/Berlin"),
    ("admin", "Ada Wells", "Administrator", (Role.ADMINISTRATOR,), "Europe/London"),
    ("manager.americas", "Tomás Rivera", "Reference Manager, Americas", (Role.MANAGER,), "America/Chicago"),
    ("manager.apac", "Grace Lim", "Reference Manager, Asia Pacific", (Role.MANAGER,), "Asia/Singapore"),
    ("sales.europe", "Julia Brenner", "Account Executive", (Role.REQUESTER,), "Europe/Berlin"),
    ("sales.latam", "Mateo Duarte", "Account Executive", (Role.REQUESTER,), "America/Sao_Paulo"),
    ("sales.apac", "Priyanka Rao", "Account Executive", (Role.REQUESTER,), "Asia/Singapore"),
    ("marketing", "Noah Fischer", "Content Marketing", (Role.REQUESTER,), "Europe/Berlin"),
    ("csm.europe", "Sofie Dahl", "Customer Success Manager", (Role.OWNER,), "Europe/Stockholm"),
    ("csm.americas", "Ben Turner", "Customer Success Manager", (Role.OWNER,), "America/Chicago"),
    ("executive", "Harriet Cole", "Chief Revenue Officer", (Role.READER,), "Europe/London"),
)


def make_user(email: str, name: str, title: str, roles: Sequence[str], zone: str, password_hash: str) -> User:
    user = User.objects.create_user(email, name=name, title=title, time_zone=zone)
    # One slow hash for everybody: they share one password, printed on the screen.
    User.objects.filter(pk=user.pk).update(password=password_hash)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    set_roles(user, roles)
    return user


def begin(world: "World", *, sign_ins: Sequence[tuple[str, str]]) -> None:
    for key, name, title, roles, zone in COLLEAGUES:
        world.users[key] = make_user(f"{key}@demo.test", name, title, roles, zone, world.password_hash)
    world.managers = [world.users[key] for key in ("manager", "manager.americas", "manager.apac")]
    world.sellers = [world.users[key] for key in ("sales", "sales.europe", "sales.latam", "sales.apac")]
    for name in WORDS["teams"]:
        StakeholderTeam.objects.get_or_create(slug=name.lower().replace(" ", "-"), defaults={"name": name})
    StakeholderTeam.objects.get(slug="sales").members.set(world.sellers)
    _accounts(world)
    _people(world)
    _subscriptions_and_use(world)
    _deals(world)
    _news(world)


def _accounts(world: "World") -> None:
    rng, number = world.rng, 0
    names = list(WORDS["first_words"])
    rng.shuffle(names)
    for region, facts in REGIONS.items():
        for place in range(facts["share"]):
            country, language, zone = facts["places"][place % len(facts["places"])]
            industry = INDUSTRIES[(number + place) % len(INDUSTRIES)] if not world.chance(0.25) else "Food"
            started = world.first_day - timedelta(days=rng.randint(-150, 900))
            renewal = started
            while renewal <= world.today:
                renewal = renewal.replace(year=renewal.year + 1, day=min(renewal.day, 28))
            employees = rng.choice((45, 120, 260, 480, 900, 1900, 3600, 8200))
            account = Account(
                source=SOURCE,
                external_id=f"ACC-{number + 1:03}",
                name=f"{names[number]} {rng.choice(WORDS['second_words'][industry])}",
                domain=f"{names[number].lower()}.example",
                industry=industry,
                employees=employees,
                annual_value=Decimal(rng.randrange(12, 40) * 1000 + employees * rng.randrange(8, 20)),
                currency="EUR",
                region=region,
                country=country,
                language=language,
                time_zone=zone,
                products=_tags(rng.sample(PRODUCTS, rng.randint(1, 3))),
                use_cases=_tags(rng.sample(USE_CASES, rng.randint(1, 3))),
                replaced_competitors=_tags([rng.choice(COMPETITORS)] if world.chance(0.45) else []),
                contract_start=started,
                contract_months=12,
                renewal_on=renewal,
                owner=world.sellers[list(REGIONS).index(region) % len(world.sellers)],
                csm=world.users["csm.europe" if region == "Europe" else "csm.americas"],
                owner_approves=world.chance(0.08),
                facts_at=world.now,
            )
            world.accounts.append(account)
            number += 1
    Account.objects.bulk_create(world.accounts)


def _tags(words: Iterable[str]) -> list[str]:
    """As an import keeps them: what is compared is in small letters."""
    return sorted(word.lower() for word in words)


def _people(world: "World") -> None:
    rng, number, used = world.rng, 0, set()
    ines = next(account for account in world.accounts if account.country == "PT")
    Account.objects.filter(pk=ines.pk).update(name="Moinho Claro Foods", industry="Food")
    ines.refresh_from_db()
    world.contacts.append(
        Contact(
            source=SOURCE,
            external_id="CON-0000",
            account=ines,
            given_name="Inês",
            family_name="Barbosa",
            email="advocate@demo.test",
            title="Chief Operating Officer",
            persona=Contact.Persona.CHAMPION,
            language="en",
            country="PT",
            time_zone="Europe/Lisbon",
        )
    )
    personas = [
        Contact.Persona.CHAMPION,
        Contact.Persona.DECIDER,
        Contact.Persona.ADMIN,
        Contact.Persona.USER,
        Contact.Persona.OTHER,
    ]
    for account in world.accounts:
        names = REGIONS[account.region]
        for place in range(rng.randint(5, 9)):
            for _try in range(50):
                given, family = rng.choice(names["given"]), rng.choice(names["family"])
                if (given, family) not in used or _try == 49:
                    break
            used.add((given, family))
            number += 1
            persona = personas[place % len(personas)]
            world.contacts.append(
                Contact(
                    source=SOURCE,
                    external_id=f"CON-{number:04}",
                    account=account,
                    given_name=given,
                    family_name=family,
                    email=f"{_plain(given)}.{_plain(family)}.{number}@{account.domain}",
                    title=rng.choice(TITLES[persona]),
                    persona=persona,
                    language=account.language,
                    country=account.country,
                    time_zone=account.time_zone,
                    linkedin=f"https://linkedin.example/in/{_plain(given)}-{_plain(family)}-{number}",
                    facts_at=world.now,
                )
            )
    Contact.objects.bulk_create(world.contacts)


def _plain(name: str) -> str:
    table = str.maketrans("éêíñöáçãÉ", "eeinoacae")
    return name.lower().translate(table).replace(" ", "")


def _subscriptions_and_use(world: "World") -> None:
    rng = world.rng
    subscriptions, usage, number = [], [], 0
    for account in world.accounts:
        for product in [one for one in PRODUCTS if one.lower() in account.products]:
            number += 1
            subscriptions.append(
                Subscription(
                    source=SOURCE,
                    external_id=f"SUB-{number:04}",
                    account=account,
                    product=product,
                    started_on=account.contract_start or world.first_day,
                    seats=max(5, (account.employees or 50) // 20),
                    annual_value=(account.annual_value or Decimal(0)) / len(account.products),
                )
            )
        pace, trend = rng.uniform(20, 160), rng.uniform(-0.25, 0.6)
        day = max(account.contract_start or world.first_day, world.first_day)
        while day <= world.today:
            share = (day - world.first_day).days / max(1, (world.today - world.first_day).days)
            for feature in rng.sample(FEATURES, 2):
                number += 1
                minutes = max(1, rng.gauss(pace * (1 + trend * share), pace / 4))
                usage.append(
                    Usage(
                        source=SOURCE,
                        external_id=f"USE-{number:06}",
                        account=account,
                        feature=feature,
                        day=day,
                        minutes=round(Decimal(minutes), 1),
                    )
                )
            day += timedelta(days=4)
    Subscription.objects.bulk_create(subscriptions)
    Usage.objects.bulk_create(usage, batch_size=5000)


def _deals(world: "World") -> None:
    rng = world.rng
    names = list(WORDS["prospects"])
    rng.shuffle(names)
    names.remove("Kestrel Foods")
    days = (world.today - world.first_day).days
    for number in range(150):
        region = rng.choices(list(REGIONS), weights=[facts["share"] for facts in REGIONS.values()])[0]
        country, language, _zone = rng.choice(REGIONS[region]["places"])
        # More deals from month to month: a program that works is asked more often.
        opened = world.first_day + timedelta(days=int(rng.random() ** 0.75 * (days + 30)) - 40)
        length = rng.randint(35, 110)
        closes = opened + timedelta(days=length)
        over = closes <= world.today
        won = over and world.chance(0.5)
        prospect = names[number % len(names)] + (
            "" if number < len(names) else (" North", " South", " Group", " East")[number // len(names) - 1]
        )
        industry = rng.choice(INDUSTRIES)
        world.deals.append(
            Deal(
                source=SOURCE,
                external_id=f"DEAL-{number + 1:03}",
                name=f"{prospect}, {rng.choice(PRODUCTS)}",
                prospect=prospect,
                industry=industry,
                employees=rng.choice((80, 240, 600, 1900, 4200)),
                region=region,
                country=country,
                language=language,
                product=rng.choice(PRODUCTS),
                competitor=rng.choice(COMPETITORS) if world.chance(0.6) else "",
                stage="closed" if over else rng.choice(("discovery", "evaluation", "negotiation")),
                outcome=Deal.Outcome.WON if won else (Deal.Outcome.LOST if over else Deal.Outcome.OPEN),
                value=Decimal(rng.randrange(18, 320) * 1000),
                currency="EUR",
                opened_on=opened,
                close_on=closes,
                closed_on=closes if over else None,
                owner=world.sellers[list(REGIONS).index(region)],
                facts_at=world.now,
            )
        )
    world.deals.append(
        Deal(
            source=SOURCE,
            external_id="DEAL-999",
            name="Kestrel Foods, Demand Planning",
            prospect="Kestrel Foods",
            industry="Food",
            employees=1900,
            region="Europe",
            country="DE",
            language="de",
            product="Demand Planning",
            competitor="Planwerk",
            stage="negotiation",
            value=Decimal(184_000),
            currency="EUR",
            opened_on=world.today - timedelta(days=41),
            close_on=world.today + timedelta(days=24),
            owner=world.users["sales"],
            facts_at=world.now,
        )
    )
    Deal.objects.bulk_create(world.deals)


def _news(world: "World") -> None:
    """What will happen at the customers, by day: signals are put in on their day (``day``)."""
    rng = world.rng
    by_day: dict[date, list[tuple[str, Account, Contact | None, Decimal | None]]] = {}
    people: dict[int, list[Contact]] = {}
    for contact in world.contacts:
        people.setdefault(contact.account_id, []).append(contact)
    span = (world.today - world.first_day).days

    def some_day() -> date:
        return world.first_day + timedelta(days=rng.randint(0, span - 1))

    def put(day: date, kind: str, account: Account, contact: Contact | None = None, value: int | None = None) -> None:
        if world.first_day <= day <= world.today:
            by_day.setdefault(day, []).append((kind, account, contact, Decimal(value) if value is not None else None))

    for account in world.accounts:
        calm = account.pk == world.contacts[0].account_id  # whoever tries the demo as Inês meets no bad news at once
        started = account.contract_start or world.first_day
        put(started, "contract_signed", account)
        put(started + timedelta(days=10), "onboarding_kickoff", account)
        put(started + timedelta(days=rng.randint(50, 75)), "onboarding_closed", account)
        if account.renewal_on:
            put(account.renewal_on.replace(year=account.renewal_on.year - 1), "renewed", account)
        for _number in range(0 if calm else rng.randint(1, 3)):
            put(
                some_day(),
                "nps",
                account,
                rng.choice(people[account.pk]),
                rng.choices(range(11), weights=[0, 0, 0, 1, 1, 1, 1, 18, 40, 46, 34])[0],
            )
        if world.chance(0.25):
            put(some_day(), "upgraded", account)
        if world.chance(0.15) and not calm:
            opened = some_day()
            put(opened, "escalation_opened", account)
            if world.chance(0.85):
                put(opened + timedelta(days=rng.randint(3, 20)), "escalation_closed", account)
        for _number in range(rng.randint(0, 3)):
            put(some_day(), "attended_webinar", account, rng.choice(people[account.pk]))
        if world.chance(0.3):
            put(some_day(), "certified", account, rng.choice(people[account.pk]))
    world.kept["news"] = by_day


def day(world: "World", day: date) -> None:
    signals = []
    for number, (kind, account, contact, value) in enumerate(world.kept["news"].get(day, [])):
        moment = world.at(day, 7)
        key = f"SIG-{day:%Y%m%d}-{number}"
        signals.append(
            Signal(
                source=SOURCE,
                external_id=key,
                # An escalation is opened and closed under the name of its ticket; here a customer has one.
                occurrence=f"TICKET-{account.external_id}" if kind.startswith("escalation") else key,
                kind=kind,
                account=account,
                contact=contact,
                value=value,
                occurred_at=moment,
                received_at=moment,
            )
        )
    Signal.objects.bulk_create(signals)
