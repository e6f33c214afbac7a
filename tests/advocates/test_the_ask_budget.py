"""One budget for each advocate and account, whatever the channel (P20)."""

import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from advocacy.crm.models import Account, Program
from advocacy.lib.lifecycle import Refused
from advocates import budget
from advocates.budget import Availability, Cap, Facts, PastAsk, decide, most_in_any_window, resting_until
from advocates.models import Advocate, Ask, AskCap, AwayPeriod, Channel
from tests.conftest import QueriesOf
from tests.factories import NOON, make_account, make_advocate, make_user

DAY = timedelta(days=1)


def asks_of(*days_ago: float, kind: str = "") -> list[PastAsk]:
    return [PastAsk(NOON - timedelta(days=days), kind) for days in days_ago]


def facts(**more: object) -> Facts:
    defaults: dict[str, object] = {"name": "Ines", "account": "Acorn", "rest_days": 30}
    return Facts(**{**defaults, **more})  # type: ignore[arg-type]


class TestDeciding:
    def test_nobody_asked_yet_can_be_asked(self) -> None:
        assert decide(facts(caps=[Cap("advocate", 2, 90)]), at=NOON).first is None

    def test_rest_after_an_ask_tells_when_it_ends(self) -> None:
        refusal = decide(facts(asks=asks_of(10)), at=NOON).first
        assert refusal and refusal.until == NOON + 20 * DAY
        assert refusal.state == "resting" and refusal.overridable
        assert refusal.sentence == "Ines rests until 30 March 2026, after the last ask."

    def test_the_last_moment_of_rest_and_the_first_after_it(self) -> None:
        just_before = decide(facts(asks=asks_of(29.9999)), at=NOON).first
        assert just_before is not None
        assert decide(facts(asks=asks_of(30)), at=NOON).first is None

    def test_a_question_that_is_out_shows_as_pending(self) -> None:
        asked = [PastAsk(NOON - DAY, "", answered=False)]
        assert budget.availability_of(facts(asks=asked), at=NOON).state == "pending"
        old = [PastAsk(NOON - 5 * DAY, "", answered=False)]
        assert budget.availability_of(facts(asks=old), at=NOON).state == "resting"

    def test_the_cap_in_a_rolling_window(self) -> None:
        cap = [Cap("advocate", 2, 90)]
        assert decide(facts(asks=asks_of(40), caps=cap), at=NOON).first is None
        refusal = decide(facts(asks=asks_of(40, 80), caps=cap), at=NOON).first
        assert refusal and refusal.until == NOON + 10 * DAY
        assert "2 asks in 90 days" in refusal.sentence
        assert decide(facts(asks=asks_of(40, 90), caps=cap), at=NOON).first is None

    def test_the_cap_of_the_account_counts_colleagues(self) -> None:
        cap = [Cap("account", 4, 90)]
        refusal = decide(facts(account_asks=asks_of(1, 2, 3, 4), caps=cap), at=NOON).first
        assert refusal and "Acorn" in refusal.sentence

    def test_a_cap_for_one_kind_leaves_the_others(self) -> None:
        cap = [Cap("advocate", 1, 365, kind="reference-call")]
        asked = asks_of(100, kind="reference-call")
        assert decide(facts(asks=asked, caps=cap), at=NOON, kind="reference-call").first is not None
        assert decide(facts(asks=asked, caps=cap), at=NOON, kind="webinar").first is None

    def test_their_own_limit_and_never_and_away_are_firm(self) -> None:
        for more in (
            {"own_limit": 0},
            {"own_limit": 1, "asks": asks_of(60)},
            {"never": ["webinar"]},
            {"away": [(date(2026, 3, 1), date(2026, 3, 10))]},
            {"member": False},
            {"readiness": Account.Readiness.PAUSED, "readiness_reason": "an escalation is open"},
            {"readiness": Account.Readiness.NOT_READY},
        ):
            assert decide(facts(**more), at=NOON, kind="webinar").firm is not None, more

    def test_away_ends_on_their_own_midnight(self) -> None:
        late = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)  # already the 11th in Sydney
        away = [(date(2026, 3, 1), date(2026, 3, 10))]
        assert decide(facts(away=away, zone="UTC"), at=late).firm is not None
        assert decide(facts(away=away, zone="Australia/Sydney"), at=late).firm is None

    def test_periods_that_touch_are_one_absence(self) -> None:
        away = [(date(2026, 3, 9), date(2026, 3, 12)), (date(2026, 3, 13), date(2026, 3, 20))]
        assert budget.availability_of(facts(away=away), at=NOON) == Availability(
            "away", datetime(2026, 3, 21, tzinfo=UTC), "Ines is away until 20 March 2026."
        )


moments = st.lists(st.integers(min_value=0, max_value=400 * 24), min_size=1, max_size=40)


class TestProperties:
    @given(moments, st.integers(1, 5), st.integers(1, 200))
    def test_no_window_ever_holds_more_than_its_cap(self, hours: list[int], most: int, days: int) -> None:
        """Asks arrive in any order, also dated back; those let through never exceed the cap in any window."""
        taken: list[PastAsk] = []
        for hour in hours:
            at = NOON + timedelta(hours=hour)
            if decide(facts(asks=taken, caps=[Cap("advocate", most, days)], rest_days=0), at=at).first is None:
                taken.append(PastAsk(at))
        times = sorted(past.at for past in taken)
        span = timedelta(days=days)
        for start in times:
            assert sum(1 for moment in times if start <= moment < start + span) <= most

    @given(moments, st.integers(1, 60))
    def test_rest_keeps_any_two_asks_apart(self, hours: list[int], rest: int) -> None:
        taken: list[PastAsk] = []
        for hour in hours:
            at = NOON + timedelta(hours=hour)
            if decide(facts(asks=taken, rest_days=rest), at=at).first is None:
                taken.append(PastAsk(at))
        times = sorted(past.at for past in taken)
        assert all(later - earlier >= timedelta(days=rest) for earlier, later in itertools.pairwise(times))

    @given(moments, moments, st.integers(0, 60), st.integers(1, 4), st.integers(1, 4), st.none() | st.integers(0, 4))
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def test_the_projected_date_is_the_first_free_moment(
        self, own: list[int], account: list[int], rest: int, most: int, of_account: int, limit: int | None
    ) -> None:
        at = NOON + timedelta(days=200)
        known = facts(
            asks=[PastAsk(NOON + timedelta(hours=hour)) for hour in own],
            account_asks=[PastAsk(NOON + timedelta(hours=hour)) for hour in own + account],
            caps=[Cap("advocate", most, 90), Cap("account", of_account, 60)], rest_days=rest, own_limit=limit,
        )  # fmt: skip
        until = resting_until(known, at=at)
        if until is None:
            assert decide(known, at=at).first is None
        elif until == budget.NEVER:
            assert limit == 0
        else:
            assert decide(known, at=until).first is None
            assert decide(known, at=at).first is not None
            assert decide(known, at=until - timedelta(seconds=1)).first is not None

    def test_a_window_is_counted_from_both_sides(self) -> None:
        near = [NOON - 5 * DAY, NOON + 3 * DAY]
        assert most_in_any_window(near, at=NOON, days=6) == 2
        assert most_in_any_window(near, at=NOON, days=9) == 3


class TestRandomAsksOverChannels(TestCase):
    """The same, through the door: rows in Postgres, all channels, several people of one account, releases between."""

    @given(
        st.lists(
            st.tuples(
                st.integers(0, 2),
                st.sampled_from(Channel.values),
                st.integers(0, 120 * 24),
                st.booleans(),
                st.booleans(),
            ),
            max_size=25,
        )
    )
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_no_cap_is_exceeded(self, tries: list[tuple[int, str, int, bool, bool]]) -> None:
        account = make_account()
        people = [make_advocate(name, account, user=False, consents=()) for name in ("Ines", "Omar", "Mei")]
        for number, (who, channel, hour, twice, released) in enumerate(tries):
            at = NOON + timedelta(hours=hour)
            try:
                first = budget.ask(people[who], channel=channel, source_id=number, kind="", at=at)
            except Refused:
                continue
            if twice:
                assert budget.ask(people[who], channel=channel, source_id=number, kind="", at=at) == first
            if released:
                budget.release(channel, number, people[who], at=at)
        counted = list(Ask.objects.filter(released_at__isnull=True))
        for cap in AskCap.objects.all():
            span = timedelta(days=cap.days)
            groups = (
                [[a for a in counted if a.advocate_id == p.pk] for p in people]
                if cap.scope == "advocate"
                else [counted]
            )
            for group in groups:
                for start in group:
                    assert sum(1 for a in group if start.asked_at <= a.asked_at < start.asked_at + span) <= cap.most


@pytest.mark.django_db
class TestAsking:
    def test_the_usual_caps_are_there(self) -> None:
        assert set(AskCap.objects.values_list("scope", "most", "days")) == {
            ("advocate", 2, 90), ("advocate", 6, 365), ("account", 4, 90),
        }  # fmt: skip

    def test_the_same_source_is_one_ask(self) -> None:
        ines = make_advocate("Ines")
        once = budget.ask(ines, channel="desk", source_id=7, kind="reference-call", at=NOON)
        assert budget.ask(ines, channel="desk", source_id=7, kind="reference-call", at=NOON + DAY) == once
        assert Ask.objects.get().asked_at == NOON

    def test_another_channel_meets_the_same_budget(self) -> None:
        ines = make_advocate("Ines")
        budget.ask(ines, channel="newsletter", source_id="9", kind="", at=NOON)
        with pytest.raises(Refused, match="rests until 9 April 2026"):
            budget.ask(ines, channel="desk", source_id=1, kind="reference-call", at=NOON + 5 * DAY)

    def test_an_override_needs_a_reason_and_keeps_it(self) -> None:
        ines, rita = make_advocate("Ines"), make_user("Rita")
        budget.ask(ines, channel="desk", source_id=1, kind="", at=NOON)
        with pytest.raises(Refused):
            budget.ask(ines, channel="desk", source_id=2, kind="", at=NOON + DAY, by=rita, override_reason="  ")
        made = budget.ask(
            ines, channel="desk", source_id=2, kind="", at=NOON + DAY, by=rita, override_reason="She offered herself"
        )
        assert (made.override_reason, made.by) == ("She offered herself", rita)

    def test_a_reason_that_was_not_needed_is_no_override(self) -> None:
        made = budget.ask(make_advocate("Ines"), channel="desk", source_id=1, kind="", at=NOON, override_reason="Sure")
        assert made.override_reason == ""

    def test_no_reason_gets_past_their_own_word_or_a_paused_account(self) -> None:
        away = make_advocate("Ines")
        AwayPeriod.objects.create(advocate=away, starts_on=date(2026, 3, 1), ends_on=date(2026, 3, 31))
        never = make_advocate("Omar", asks_a_quarter=0)
        paused = make_advocate("Mei", make_account(readiness="paused", readiness_reason="an escalation is open"))
        for advocate in (away, never, paused):
            with pytest.raises(Refused):
                budget.ask(advocate, channel="desk", source_id=1, kind="", at=NOON, override_reason="Important")
        assert not Ask.objects.exists()

    def test_a_released_ask_counts_no_more_and_can_be_made_again(self) -> None:
        ines = make_advocate("Ines")
        budget.ask(ines, channel="desk", source_id=1, kind="", at=NOON)
        budget.release("desk", 1, ines, at=NOON + DAY)
        ines.refresh_from_db()
        assert (ines.resting_until, ines.last_asked_at, ines.asks_in_year) == (None, None, 0)
        again = budget.ask(ines, channel="desk", source_id=1, kind="", at=NOON + 2 * DAY)
        assert (again.asked_at, again.released_at) == (NOON + 2 * DAY, None)

    def test_matching_reads_what_the_budget_would_say(self) -> None:
        Program.objects.update_or_create(pk=1, defaults={"rest_days": 0})
        acorn = make_account("Acorn")
        people = [make_advocate(name, acorn) for name in ("Ines", "Omar", "Mei")]
        for number in range(4):
            budget.ask(people[number % 2], channel="desk", source_id=number, kind="", at=NOON + number * DAY)
        mei = Advocate.objects.get(pk=people[2].pk)
        assert mei.resting_until == NOON + 90 * DAY, "the account's four asks rest everybody there"
        assert "Acorn had 4 asks in 90 days" in (budget.why_not(mei, at=NOON + 10 * DAY, channel="desk") or "")

    def test_a_yes_ends_pending_but_not_rest(self) -> None:
        ines = make_advocate("Ines")
        budget.ask(ines, channel="desk", source_id=1, kind="", at=NOON)
        assert budget.availability(ines, at=NOON + DAY).state == "pending"
        budget.answered("desk", 1, ines, at=NOON + DAY)
        assert budget.availability(ines, at=NOON + DAY).state == "resting"

    def test_a_list_costs_the_same_for_many(self, queries_of: QueriesOf) -> None:
        def look() -> None:
            budget.availabilities(list(Advocate.objects.select_related("contact__account")), at=NOON)

        for name in ("Ines", "Omar"):
            make_advocate(name, user=False, consents=())
        few = queries_of(look)
        for _each in range(40):
            make_advocate("Mei", user=False, consents=())
        assert queries_of(look) == few


@pytest.fixture
def meeting_between_look_and_write(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two askers wait for each other after they looked and before they write, as long as nothing keeps them apart."""
    Program.current()  # two who both make the settings' row would wait for each other there, not here
    barrier, looked = threading.Barrier(2), budget.facts_of

    def look_then_wait(advocates: list[Advocate], *, at: datetime) -> dict[int, Facts]:
        seen = looked(advocates, at=at)
        try:
            barrier.wait(timeout=1)
        except threading.BrokenBarrierError:
            barrier.reset()
        return seen

    monkeypatch.setattr(budget, "facts_of", look_then_wait)
    monkeypatch.setattr(budget, "project", lambda account, *, at: None)
    yield


def ask_at_once(*askers: tuple[Advocate, str]) -> list[str]:
    results: list[str] = []

    def one(advocate: Advocate, channel: str) -> None:
        try:
            with transaction.atomic():
                budget.ask(advocate, channel=channel, source_id=1, kind="", at=NOON)
            results.append("asked")
        except Refused:
            results.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=asker) for asker in askers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return sorted(results)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("meeting_between_look_and_write")
class TestTwoAskersAtOnce:
    def test_one_advocate_is_asked_once(self) -> None:
        ines = make_advocate("Ines")
        assert ask_at_once((ines, "desk"), (ines, "newsletter")) == ["asked", "refused"]

    def test_two_people_of_one_account_keep_its_cap(self) -> None:
        AskCap.objects.all().delete()
        AskCap.objects.create(scope="account", most=1, days=90)
        acorn = make_account()
        pair = make_advocate("Ines", acorn), make_advocate("Omar", acorn)
        assert ask_at_once((pair[0], "desk"), (pair[1], "board")) == ["asked", "refused"]

    def test_without_the_lock_both_get_through(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The negative control: were this not to fail without the lock, the two tests above would prove nothing."""
        monkeypatch.setattr(budget, "lock", lambda advocate: Account.objects.get(contacts__advocate=advocate.pk))
        ines = make_advocate("Ines")
        assert ask_at_once((ines, "desk"), (ines, "newsletter")) == ["asked", "asked"]
