"""The demo program: nine months of a believable customer advocacy program, made day by day with a fixed seed.

The company and its customers are made here; what happens in the program comes from the apps: each may have a
``demo.py`` with ``begin(world)``, ``day(world, day)`` and ``end(world)``, called in the order of the ladder. The parts
call the same actions as pages do, with the time of that day, so that the demo cannot show what the portal would not
allow.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from importlib import import_module
from importlib.util import find_spec
from random import Random
from types import ModuleType
from typing import Any

from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone

from advocacy.crm.models import Account, Contact, Deal, Program
from advocacy.delivery.models import Message
from advocacy.local import company
from advocacy.users.models import User

MONTHS = 9
SEED = 20260301
SIGN_INS = (
    ("advocate@demo.test", "Inês Barbosa, advocate"),
    ("sales@demo.test", "Sam Carter, sales"),
    ("manager@demo.test", "Rita Morgan, reference manager"),
    ("moderator@demo.test", "Maya Lindqvist, community manager"),
    ("lead@demo.test", "Lena Novak, program lead"),
    ("admin@demo.test", "Ada Wells, administrator"),
)
PASSWORD = "demo-portal"  # noqa: S105 - the demo's own, printed on its screen


@dataclass
class World:
    """What the parts of the demo program share. ``kept`` is where one leaves things for its next day or for another."""

    rng: Random
    first_day: date
    today: date
    now: datetime
    password: str
    password_hash: str
    users: dict[str, User] = field(default_factory=dict)
    managers: list[User] = field(default_factory=list)
    sellers: list[User] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    kept: dict[str, Any] = field(default_factory=dict)

    def at(self, day: date, hour: int | None = None, minute: int | None = None) -> datetime:
        """A moment of a day, in office hours unless told otherwise, never later than now."""
        hour = self.rng.randint(8, 17) if hour is None else hour
        minute = self.rng.randint(0, 59) if minute is None else minute
        return min(datetime.combine(day, time(hour, minute), tzinfo=UTC), self.now)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share


def is_seeded() -> bool:
    return Account.objects.filter(source=company.SOURCE).exists()


def parts() -> list[ModuleType]:
    """The apps' ``demo`` modules, in the order of INSTALLED_APPS, which is the ladder's from the ground up."""
    found = []
    for config in apps.get_app_configs():
        name = f"{config.name}.demo"
        if config.name.partition(".")[0] != "django" and find_spec(config.name) and _has(name):
            found.append(import_module(name))
    return found


def _has(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@transaction.atomic
def seed(*, today: date | None = None, say: Callable[[str], Any] = lambda _line: None) -> World:
    """Make the whole demo program in one transaction: killed half-way, it leaves nothing behind."""
    now = timezone.now()
    today = today or now.date()
    first = (today.replace(day=1) - timedelta(days=MONTHS * 30)).replace(day=1)
    world = World(
        rng=Random(SEED),  # noqa: S311 - not a secret
        first_day=first,
        today=today,
        now=now,
        password=PASSWORD,
        password_hash=make_password(PASSWORD),
    )
    program = Program.current()
    program.launched_on = first
    for name, value in company.PROGRAM.items():
        setattr(program, name, value)
    program.save()
    say("the company, its customers and deals")
    company.begin(world, sign_ins=SIGN_INS)
    apps_parts = parts()
    for part in apps_parts:
        if hasattr(part, "begin"):
            part.begin(world)
    day = first
    while day <= today:
        if day.day == 1:
            say(f"{day:%B %Y}")
            _count_rows()
        company.day(world, day)
        for part in apps_parts:
            if hasattr(part, "day"):
                part.day(world, day)
        day += timedelta(days=1)
    for part in apps_parts:
        if hasattr(part, "end"):
            part.end(world)
    settle_history(now)
    return world


def _count_rows() -> None:
    """Tell the planner what is there by now: nothing else sees the rows of a transaction under way."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def settle_history(now: datetime) -> None:
    """What was owed before today counts as sent when due: nobody wants nine months of mail at the first start."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    table = Message._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET status = 'sent', sent_at = due_at, attempts = 1 WHERE status = 'due' AND due_at < %s",  # noqa: S608
            [midnight],
        )
