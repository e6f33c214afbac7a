"""Desk, board, rules and every other channel ask at once, at random: no cap is ever exceeded (P20).

What is written to the table of asks is noted by Postgres itself, in the order in which it was written. The notes are
then read back by a count of its own that shares nothing with the portal: windows, rest, limits and absences in days.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import sleep
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, connections, transaction
from django.db.models import QuerySet
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Program
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates import budget
from advocates.actions import lifecycle
from advocates.models import Advocate, Ask, AskCap, AwayPeriod, Channel, Firing, LifecycleRule
from opportunities.actions import board, desk, surveys
from opportunities.actions.desk import Pick
from opportunities.models import Claim, Nomination, Survey
from tests.factories import NOON, make_account, make_advocate, make_kind, make_opportunity, make_signal, make_user

pytestmark = pytest.mark.django_db(transaction=True)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
NAMES = ("Ines", "Omar", "Mei", "Noa")
"""The first two are colleagues at Acorn; the owner of Birch, where the others work, is asked first."""
ASKERS = 4
WITHOUT_A_DOOR = [Channel.CAMPAIGN, Channel.NEWSLETTER]
"""Channels whose own doors are still to come; they will ask through the budget."""


@dataclass(frozen=True)
class Deed:
    """One thing somebody tries: what, with whom, when, and whether past the budget with a reason."""

    what: str
    who: int
    hour: int
    override: bool

    @property
    def at(self) -> datetime:
        return NOON + self.hour * HOUR


@dataclass(frozen=True)
class Limits:
    """What the lead and the advocates allow."""

    rest: int
    caps: list[tuple[str, str, int, int]]
    own: list[int | None]
    away: list[tuple[int, int] | None]


deeds = st.lists(
    st.builds(
        Deed,
        what=st.sampled_from(
            ["nominate", "nominate", "approve", "claim", "offer", "survey", "withdraw", "recall", "other"]
        ),
        who=st.integers(0, 3), hour=st.integers(0, 90 * 24), override=st.sampled_from([False, False, False, True]),
    ),
    min_size=4, max_size=24,
)  # fmt: skip
limits = st.builds(
    Limits,
    rest=st.sampled_from([0, 0, 3, 14]),
    caps=st.lists(
        st.tuples(
            st.sampled_from(["advocate", "account"]), st.sampled_from(["", "", "reference-call", "webinar"]),
            st.integers(1, 3), st.integers(1, 120),
        ),
        max_size=4, unique_by=lambda cap: (cap[0], cap[1], cap[3]),
    ),
    own=st.tuples(*[st.sampled_from([None, None, 0, 1, 2])] * 4).map(list),
    away=st.tuples(*[st.none() | st.tuples(st.integers(0, 80), st.integers(0, 20))] * 4).map(list),
)  # fmt: skip


class World:
    """Two accounts with two members each, and everything through which they can be asked."""

    def __init__(self, rita: User, olga: User, sam: User, allowed: Limits) -> None:
        self.rita, self.sam, self.allowed = rita, sam, allowed
        Program.objects.update(rest_days=allowed.rest)
        AskCap.objects.all().delete()
        for scope, kind, most, days in allowed.caps:
            AskCap.objects.create(scope=scope, kind=kind, most=most, days=days)
        acorn, birch = make_account("Acorn"), make_account("Birch", owner=olga, owner_approves=True)
        self.people = [
            make_advocate(name, account, user=False, asks_a_quarter=own)
            for name, account, own in zip(NAMES, (acorn, acorn, birch, birch), allowed.own, strict=True)
        ]
        for person, away in zip(self.people, allowed.away, strict=True):
            if away:
                first = NOON.date() + away[0] * DAY
                AwayPeriod.objects.create(advocate=person, starts_on=first, ends_on=first + away[1] * DAY)
        self.call = make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, minutes=30)
        make_opportunity("Tell us how you plan", kind="webinar", seats=None)
        LifecycleRule.objects.update(enabled=False)
        self.rule = LifecycleRule.objects.create(
            name=f"Offer at {acorn.pk}", signal="two_webinars", effect="offer", effect_params={"kinds": ["webinar"]},
            reentry=True, enabled=True, enabled_from=NOON - DAY,
        )  # fmt: skip
        self.refused_claims: list[str] = []

    def prepared(self, number: int, deed: Deed) -> Callable[[], Any]:
        """What one of the askers will do; what it needs is there before anybody begins."""
        person, why = self.people[deed.who], "They offered it." if deed.override else ""
        match deed.what:
            case "nominate":
                wanted = desk.file_request(
                    requester=self.sam, kind=self.call, prospect=f"Kestrel {number}", needed_by=date(2027, 1, 5),
                    at=NOON, facts={"industry": "Food", "questions": "How was it?"},
                )  # fmt: skip
                # Some requests ask two people of two accounts in one go.
                picks = [Pick(one.pk) for one in {person, self.people[(deed.who + number) % 4]}]
                return lambda: desk.nominate(wanted, picks, by=self.rita, at=deed.at, override_reason=why)
            case "claim":
                chosen = make_opportunity(f"Seat {number}", kind="webinar", seats=None)
                return lambda: self._claim(person, chosen, deed)
            case "offer":
                signal = make_signal("two_webinars", person.contact.account, contact=person.contact, at=NOON)
                firing = Firing.objects.create(
                    rule=self.rule, subject=f"contact:{person.contact_id}", occurrence=str(number), signal=signal,
                    due_at=NOON,
                )  # fmt: skip
                return lambda: lifecycle.run(firing.pk, at=deed.at)
            case "survey":
                asked = Survey.objects.create(
                    title=f"Survey {number}", kind="roadmap", status="open", opened_at=NOON - DAY,
                    questions=[{"key": "words", "label": "What next?", "type": "text"}],
                )  # fmt: skip
                return lambda: surveys.ask(person.contact, asked, at=deed.at)
            case "other":
                channel = WITHOUT_A_DOOR[number % len(WITHOUT_A_DOOR)]
                return lambda: budget.ask(
                    person, channel=channel, source_id=f"{person.pk}:{number}", kind="", at=deed.at, override_reason=why
                )
            case _:
                return lambda: self._go_on_with(person, deed)

    def _claim(self, person: Advocate, chosen: Any, deed: Deed) -> None:
        try:
            board.claim(person, chosen, at=deed.at)
        except Refused as refusal:
            self.refused_claims.append(str(refusal))

    def _go_on_with(self, person: Advocate, deed: Deed) -> None:
        """Take back, approve or withdraw whatever there is by then."""
        if deed.what == "withdraw":
            claim = Claim.objects.filter(advocate=person, status="claimed").order_by("-pk").first()
            if claim is not None:
                board.withdraw(claim, reason="My plans have changed.", at=deed.at)
            return
        waiting = ["with_owner"] if deed.what == "approve" else ["with_owner", "asked"]
        found = Nomination.objects.filter(advocate=person, status__in=waiting).order_by("-pk").first()
        if found is None:
            return
        if deed.what == "approve":
            desk.approve(found, at=deed.at)
        else:
            desk.recall(found, by=self.rita, at=deed.at)

    def live(self, tried: list[Deed]) -> list[str]:
        """All askers begin at the same moment; returns what broke, which is not the same as being refused."""
        ready = [self.prepared(number, deed) for number, deed in enumerate(tried)]
        barrier, broken = threading.Barrier(ASKERS), list[str]()

        def one(mine: list[Callable[[], Any]]) -> None:
            try:
                barrier.wait(10)
                for deed in mine:
                    try:
                        with transaction.atomic():
                            deed()
                    except Refused:
                        continue
                    except Exception as problem:
                        broken.append(repr(problem))
            finally:
                connections.close_all()

        askers = [threading.Thread(target=one, args=[ready[number::ASKERS]]) for number in range(ASKERS)]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(60)
        return broken


# --- A count of its own -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Note:
    """A row of asks as it stood after one write."""

    ask: int
    advocate: int
    account: int
    channel: str
    kind: str
    at: datetime
    released: bool
    reason: str


def notes() -> list[Note]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ask, advocate, account, channel, kind, at, released, reason FROM noted ORDER BY number")
        return [Note(*row) for row in cursor.fetchall()]


def overruns(world: World, written: list[Note]) -> list[str]:
    """Every write that asked somebody beyond what was allowed at that moment, by what stood in the table then."""
    live: dict[int, Note] = {}
    found = []
    names = {person.pk: (name, place) for place, (name, person) in enumerate(zip(NAMES, world.people, strict=True))}
    for note in written:
        before = live.get(note.ask)
        if note.released:
            live.pop(note.ask, None)
            continue
        live[note.ask] = note
        if note.channel == "board" or (before is not None and before.at == note.at):
            continue  # what they chose themselves is load, not an ask; an answer changes no moment
        name, place = names[note.advocate]
        own = [one for one in live.values() if one.advocate == note.advocate]
        if (most := world.allowed.own[place]) is not None and _fullest(own, note.at, 90) > most:
            found.append(f"{name} is asked more often than they wish")
        if (away := world.allowed.away[place]) is not None:
            first = NOON.date() + away[0] * DAY
            if first <= note.at.astimezone(BERLIN).date() <= first + away[1] * DAY:
                found.append(f"{name} is asked while away")
        if note.reason:
            continue
        found += [
            f"{name} is asked by {note.channel} while resting from {other.channel}"
            for other in own if other is not note and abs(other.at - note.at) < world.allowed.rest * DAY
        ]  # fmt: skip
        for scope, kind, most, days in world.allowed.caps:
            if kind and kind != note.kind:
                continue
            those = own if scope == "advocate" else [one for one in live.values() if one.account == note.account]
            if _fullest([one for one in those if not kind or one.kind == kind], note.at, days) > most:
                found.append(f"more than {most} in {days} days for the {scope} of {name}")
    return found


def _fullest(asks: list[Note], at: datetime, days: int) -> int:
    """How many the fullest stretch of so many days holds that contains this moment."""
    starts = [one.at for one in asks if one.at <= at < one.at + days * DAY]
    return max(sum(start <= one.at < start + days * DAY for one in asks) for start in starts)


@pytest.fixture
def written(transactional_db: None) -> Iterator[None]:
    """Postgres notes each write to the table of asks."""
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE TABLE noted (number serial, ask bigint, advocate bigint, account bigint, channel text, kind text,
                at timestamptz, released boolean, reason text);
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO noted (ask, advocate, account, channel, kind, at, released, reason)
                VALUES (NEW.id, NEW.advocate_id, NEW.account_id, NEW.channel, NEW.kind, NEW.asked_at,
                    NEW.released_at IS NOT NULL, NEW.override_reason);
                RETURN NEW;
            END $$;
            CREATE TRIGGER note AFTER INSERT OR UPDATE ON advocates_ask FOR EACH ROW EXECUTE FUNCTION note()
        """)
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER note ON advocates_ask; DROP FUNCTION note; DROP TABLE noted")


@pytest.fixture
def staff(written: None) -> tuple[User, User, User]:
    Program.current()  # two who both make the settings' row would wait for each other there
    return (
        make_user("Rita Morgan", Role.MANAGER), make_user("Olga Peters", Role.OWNER),
        make_user("Sam Adler", Role.REQUESTER),
    )  # fmt: skip


def lived(staff: tuple[User, User, User], allowed: Limits, tried: list[Deed]) -> tuple[World, list[str], list[str]]:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE noted")
    world = World(*staff, allowed)
    broken = world.live(tried)
    theirs = {person.pk for person in world.people}
    return world, broken, overruns(world, [note for note in notes() if note.advocate in theirs])


at_random = settings(
    max_examples=20, deadline=None, phases=[Phase.explicit, Phase.generate],  # threads do not repeat themselves
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


class TestAsksOfAllChannelsAtOnce:
    @at_random
    @given(allowed=limits, tried=deeds)
    def test_no_cap_is_exceeded_and_what_they_choose_is_theirs(
        self, staff: tuple[User, User, User], allowed: Limits, tried: list[Deed]
    ) -> None:
        world, broken, found = lived(staff, allowed, tried)
        assert broken == []
        assert found == []
        assert world.refused_claims == [], "what they choose themselves is never refused for rest"

    def test_every_channel_is_among_them(self, staff: tuple[User, User, User]) -> None:
        """Were no ask ever let through, no cap could be exceeded, and the test above would prove nothing."""
        whats = ["nominate", "claim", "offer", "survey", "other", "other", "other", "other"]
        tried = [Deed(what, number % 2, number * 48, override=False) for number, what in enumerate(whats)]
        world, broken, found = lived(staff, Limits(0, [], [None] * 4, [None] * 4), tried)
        assert (broken, found) == ([], [])
        assert set(Ask.objects.filter(advocate__in=world.people).values_list("channel", flat=True)) == set(
            Channel.values
        )

    def test_a_question_held_by_an_owner_meets_the_budget_again_when_it_is_put(
        self, staff: tuple[User, User, User]
    ) -> None:
        """Dated anew it may fall together with asks that fitted before."""
        tried = [
            Deed("nominate", 2, 0, override=False),
            *[Deed("withdraw", 3, 0, override=False)] * 3,  # so that one asker does it all, one after the other
            Deed("other", 2, 8 * 24, override=False),
            *[Deed("withdraw", 3, 0, override=False)] * 3,
            Deed("approve", 2, 9 * 24, override=False),
        ]  # fmt: skip
        allowed = Limits(0, [("advocate", "", 1, 7)], [None] * 4, [None] * 4)
        world, broken, found = lived(staff, allowed, tried)
        assert (broken, found) == ([], [])
        assert Nomination.objects.get(advocate=world.people[2]).status == "recalled"

    CROWD = Limits(14, [("account", "", 1, 120), ("advocate", "", 1, 120)], [None] * 4, [None] * 4)
    RUSH = [
        Deed(what, who, hour, override=False)
        for hour, (what, who) in enumerate(itertools.product(["nominate", "offer", "other"], [0, 1]))
    ]

    def test_without_the_locks_the_count_finds_an_overrun(
        self, staff: tuple[User, User, User], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The negative control: nobody waits for anybody, and each looks a little before they write."""
        looked = budget.facts_of

        def look_slowly(advocates: list[Advocate], *, at: datetime) -> dict[int, budget.Facts]:
            seen = looked(advocates, at=at)
            sleep(0.05)
            return seen

        monkeypatch.setattr(QuerySet, "select_for_update", lambda rows, **_how: rows.all())
        monkeypatch.setattr(budget, "facts_of", look_slowly)
        assert any(lived(staff, self.CROWD, self.RUSH)[2] for _time in range(5))

    def test_without_the_decision_the_count_finds_an_overrun(
        self, staff: tuple[User, User, User], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(budget, "decide", lambda facts, *, at, kind="": budget.Decision())
        assert lived(staff, self.CROWD, self.RUSH)[2]
