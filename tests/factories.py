"""The small named cast of the tests, and the things they work with: each function makes one believable row."""

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from allauth.account.models import EmailAddress

from advocacy.crm import consent
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Account, Contact, Deal, Signal, StakeholderTeam
from advocacy.users.actions import set_roles
from advocacy.users.models import Role, User
from advocates.models import Advocate, Pod
from opportunities.models import Opportunity, OpportunityKind, ReferenceRequest

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
"""A Tuesday at noon: the moment most tests happen at."""

_number = count(1)


def make_user(name: str = "Sam", *roles: str, **fields: Any) -> User:
    """Somebody who signs in, with a verified address and these roles."""
    email = fields.pop("email", f"{name.lower().replace(' ', '.')}.{next(_number)}@company.test")
    user = User.objects.create_user(email, fields.pop("password", "a-good-password"), name=name, **fields)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    set_roles(user, roles)
    return User.objects.get(pk=user.pk)


def make_account(name: str = "", **fields: Any) -> Account:
    number = next(_number)
    defaults: dict[str, Any] = {
        "source": "crm", "external_id": f"A-{number}", "industry": "Food", "region": "Europe", "country": "DE",
        "language": "en", "employees": 900, "time_zone": "Europe/Berlin",
    }  # fmt: skip
    return Account.objects.create(name=name or f"Account {number}", **{**defaults, **fields})


def make_contact(name: str = "Ines", account: Account | None = None, **fields: Any) -> Contact:
    number = next(_number)
    given, _space, family = name.partition(" ")
    defaults: dict[str, Any] = {
        "source": "crm", "external_id": f"C-{number}", "email": f"{given.lower()}.{number}@customer.test",
        "title": "Head of Planning", "language": "en", "time_zone": "Europe/Berlin",
        "persona": Contact.Persona.CHAMPION,
    }  # fmt: skip
    return Contact.objects.create(
        account=account or make_account(), given_name=given, family_name=family or "Barbosa", **{**defaults, **fields}
    )


def make_advocate(
    name: str = "Ines",
    account: Account | None = None,
    *,
    consents: Any = tuple(Purpose.values),
    user: bool = True,
    at: datetime = NOON - timedelta(days=200),
    **fields: Any,
) -> Advocate:
    """A member of the program with these consents, who can sign in unless told otherwise."""
    contact = fields.pop("contact", None) or make_contact(name, account)
    fields.setdefault("status", Advocate.Status.MEMBER)
    fields.setdefault("stage", Advocate.Stage.MEMBER)
    if fields["status"] == Advocate.Status.MEMBER:
        fields.setdefault("joined_at", at)
    account_user = make_user(contact.full_name, Role.ADVOCATE, email=contact.email) if user else None
    advocate = Advocate.objects.create(contact=contact, user=account_user, **fields)
    for purpose in consents:
        consent.grant(contact, purpose, wording="I agree.", at=at, source="test")
    return advocate


def make_pod(manager: User | None = None, name: str = "") -> Pod:
    return Pod.objects.create(
        name=name or f"Pod {next(_number)}", manager=manager or make_user("Rita Morgan", Role.MANAGER)
    )


def make_kind(slug: str = "webinar", **fields: Any) -> OpportunityKind:
    defaults: dict[str, Any] = {
        "name": slug.replace("_", " ").replace("-", " ").capitalize(), "points": 100, "minutes": 45,
        "steps": ["claimed", "scheduled", "delivered", "verified"], "for_requests": slug.startswith("reference"),
    }  # fmt: skip
    return OpportunityKind.objects.get_or_create(slug=slug, defaults={**defaults, **fields})[0]


def make_opportunity(title: str = "", *, kind: str | OpportunityKind = "webinar", **fields: Any) -> Opportunity:
    number = next(_number)
    fields.setdefault("status", Opportunity.Status.OPEN)
    fields.setdefault("opened_at", NOON - timedelta(days=1))
    kind = kind if isinstance(kind, OpportunityKind) else make_kind(kind)
    return Opportunity.objects.create(
        title=title or f"Opportunity {number}", kind=kind, points=fields.pop("points", kind.points), **fields
    )


def make_team(name: str = "Sales") -> StakeholderTeam:
    return StakeholderTeam.objects.get_or_create(slug=name.lower(), defaults={"name": name})[0]


def make_deal(name: str = "", **fields: Any) -> Deal:
    number = next(_number)
    defaults: dict[str, Any] = {
        "source": "crm", "external_id": f"D-{number}", "prospect": "Kestrel Foods", "industry": "Food",
        "region": "Europe", "country": "DE", "value": 184_000, "stage": "negotiation", "opened_on": date(2026, 1, 5),
        "close_on": date(2026, 4, 30),
    }  # fmt: skip
    return Deal.objects.create(name=name or f"Deal {number}", **{**defaults, **fields})


def make_request(requester: User | None = None, **fields: Any) -> ReferenceRequest:
    """A bare request row, as Sam would have filed it at noon (tests of filing itself call the action)."""
    kind = fields.pop("kind", None) or make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, minutes=30)
    defaults: dict[str, Any] = {
        "prospect": "Kestrel Foods", "industry": "Food", "region": "Europe", "country": "DE",
        "needed_by": date(2026, 3, 27), "filed_at": NOON,
    }  # fmt: skip
    return ReferenceRequest.objects.create(
        requester=requester or make_user("Sam", Role.REQUESTER), kind=kind, **{**defaults, **fields}
    )


def make_signal(
    kind: str, account: Account, *, contact: Contact | None = None, at: datetime = NOON, **fields: Any
) -> Signal:
    number = next(_number)
    external_id = fields.pop("external_id", f"S-{number}")
    return Signal.objects.create(
        source=fields.pop("source", "crm"), external_id=external_id, kind=kind, account=account, contact=contact,
        occurrence=fields.pop("occurrence", external_id), occurred_at=at,
        received_at=fields.pop("received_at", at), **fields,
    )  # fmt: skip
