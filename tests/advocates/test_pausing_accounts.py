"""Bad news pauses asks at an account, each pause has its own release, all must clear (P2)."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from advocacy.crm import readiness
from advocacy.crm.models import Account, NotReady, Pause, Signal
from advocacy.lib.lifecycle import Refused
from advocates.actions import lifecycle
from advocates.models import Task
from tests.crm.importing import loader
from tests.factories import NOON, make_account, make_contact, make_signal, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def follow(at: Any = NOON) -> list[Pause]:
    return readiness.follow_signals(at=at)


def state(account: Account) -> tuple[str, str]:
    account.refresh_from_db()
    return account.readiness, account.readiness_reason


class TestNegativeSignals:
    def test_an_escalation_pauses_until_it_is_closed(self) -> None:
        acorn = make_account("Acorn")
        make_signal("escalation_opened", acorn, at=NOON - DAY, occurrence="T-1")
        follow()
        assert state(acorn) == ("paused", "Escalation opened on 9 March 2026")
        make_signal("escalation_closed", acorn, at=NOON, occurrence="T-1")
        follow(NOON + DAY)
        assert state(acorn) == ("ready", "")

    def test_closing_one_ticket_leaves_the_other(self) -> None:
        acorn = make_account("Acorn")
        for ticket in ("T-1", "T-2"):
            make_signal("escalation_opened", acorn, at=NOON - DAY, occurrence=ticket)
        follow()
        assert state(acorn)[1].endswith("and 1 more reason")
        make_signal("escalation_closed", acorn, at=NOON, occurrence="T-1")
        follow(NOON + DAY)
        assert state(acorn)[0] == "paused"

    def test_an_escalation_that_was_closed_long_ago_pauses_nothing(self) -> None:
        acorn = make_account()
        make_signal("escalation_closed", acorn, at=NOON - 300 * DAY, occurrence="T-1")
        make_signal("escalation_opened", acorn, at=NOON - 301 * DAY, occurrence="T-1")
        assert follow() == []

    @pytest.mark.parametrize(
        ("kind", "value", "paused"), [("nps", 6, True), ("nps", 7, False), ("csat", 2, True), ("csat", 3, False)]
    )
    def test_the_value_decides(self, kind: str, value: int, paused: bool) -> None:
        acorn = make_account()
        make_signal(kind, acorn, contact=make_contact("Ines", acorn), value=value, at=NOON - DAY)
        follow()
        assert (state(acorn)[0] == "paused") is paused

    def test_only_the_person_who_was_unhappy_can_be_happy_again(self) -> None:
        acorn = make_account()
        ines, omar = make_contact("Ines", acorn), make_contact("Omar", acorn)
        make_signal("nps", acorn, contact=ines, value=3, at=NOON - 5 * DAY)
        make_signal("nps", acorn, contact=omar, value=10, at=NOON - 3 * DAY)
        follow()
        assert state(acorn)[0] == "paused"
        make_signal("nps", acorn, contact=ines, value=9, at=NOON - DAY)
        follow(NOON)
        assert state(acorn)[0] == "ready"

    def test_old_news_stops_meaning_anything(self) -> None:
        acorn = make_account()
        make_signal("nps", acorn, contact=make_contact("Ines", acorn), value=3, at=NOON - 200 * DAY)
        assert follow() == []
        make_signal("upsell_lost", acorn, at=NOON - DAY)
        follow()
        assert state(acorn)[0] == "paused"
        readiness.release_on_date(at=NOON + 28 * DAY)
        assert state(acorn)[0] == "paused"
        readiness.release_on_date(at=NOON + 31 * DAY)
        assert state(acorn)[0] == "ready"

    def test_the_same_news_twice_pauses_once_and_stays_lifted(self) -> None:
        acorn, rita = make_account(), make_user("Rita")
        make_signal("churn_notice", acorn, at=NOON - DAY)
        follow()
        follow()
        readiness.lift(Pause.objects.get(), by=rita, at=NOON)
        follow(NOON + DAY)
        assert state(acorn)[0] == "ready"
        assert Pause.objects.count() == 1

    def test_an_answer_corrected_to_a_good_one_ends_its_pause(self) -> None:
        acorn, rita = make_account(), make_user("Rita")
        bad = make_signal("csat", acorn, at=NOON - DAY, occurrence="1", value=1)
        make_signal("churn_notice", acorn, at=NOON - DAY)
        readiness.pause(acorn, reason="Audit week", by=rita, at=NOON)
        follow()
        Signal.objects.filter(pk=bad.pk).update(value=5)
        follow(NOON + DAY)
        assert set(Pause.objects.filter(released_at=None).values_list("cause", flat=True)) == {"by_hand", "signal"}
        assert Pause.objects.get(key__startswith="csat").released_at == NOON + DAY

    def test_an_answer_corrected_days_later_is_followed(self, tmp_path: Path) -> None:
        acorn, load = make_account("Acorn", external_id="A-1"), loader(tmp_path)
        now = timezone.now()
        rows = f"signal_id,kind,account_id,value,occurred\nS-1,csat,A-1,{{}},{now - 3 * DAY:%Y-%m-%d}\n"
        load("signals", rows.format(5))
        Signal.objects.update(received_at=now - 2 * DAY)
        lifecycle.follow_signals(at=now - timedelta(hours=2))
        load("signals", rows.format(1))
        lifecycle.follow_signals(at=now + timedelta(minutes=1))
        assert state(acorn)[0] == "paused"

    def test_a_care_task_opens_for_the_csm_once(self) -> None:
        cora = make_user("Cora")
        acorn = make_account("Acorn", csm=cora)
        make_signal("escalation_opened", acorn, at=NOON - DAY)
        lifecycle.follow_signals(at=NOON)
        lifecycle.follow_signals(at=NOON + timedelta(minutes=1))
        task = Task.objects.get(kind="care")
        assert (task.assignee, task.account) == (cora, acorn)
        assert task.text.startswith("Acorn: Escalation opened")

    def test_a_file_of_last_years_notices_pauses_but_sends_nobody_on_three_hundred_calls(self) -> None:
        old, new = make_account("Acorn"), make_account("Birch")
        make_signal("churn_notice", old, at=NOON - 400 * DAY)
        make_signal("churn_notice", new, at=NOON - 2 * DAY)
        lifecycle.follow_signals(at=NOON)
        assert (state(old)[0], state(new)[0]) == ("paused", "paused")
        assert [task.account for task in Task.objects.filter(kind="care")] == [new]


class TestByHand:
    def test_a_pause_needs_a_reason_and_ends_on_its_day(self) -> None:
        acorn, rita = make_account(), make_user("Rita")
        with pytest.raises(Refused, match="why"):
            readiness.pause(acorn, reason=" ", by=rita, at=NOON)
        readiness.pause(acorn, reason="Audit week", by=rita, at=NOON, until=date(2026, 3, 15))
        assert state(acorn) == ("paused", "Audit week")
        readiness.release_on_date(at=NOON + 5 * DAY)
        assert state(acorn)[0] == "paused", "its last day counts"
        readiness.release_on_date(at=NOON + 6 * DAY)
        assert state(acorn)[0] == "ready"

    def test_not_ready_is_what_staff_said_until_they_say_otherwise(self) -> None:
        acorn, rita = make_account(), make_user("Rita")
        readiness.set_not_ready(acorn, reason="New, nobody knows them yet", by=rita, at=NOON)
        pause = readiness.pause(acorn, reason="Audit", by=rita, at=NOON)
        assert state(acorn) == ("not_ready", "New, nobody knows them yet")
        readiness.set_ready(acorn, by=rita, at=NOON + DAY)
        assert state(acorn) == ("paused", "Audit")
        readiness.lift(pause, by=rita, at=NOON)
        assert state(acorn)[0] == "ready"

    def test_who_said_not_ready_and_who_took_it_back_stays_on_record(self) -> None:
        acorn, rita, lena = make_account(), make_user("Rita"), make_user("Lena")
        readiness.set_not_ready(acorn, reason="Onboarding", by=rita, at=NOON)
        readiness.set_not_ready(acorn, reason="Onboarding", by=lena, at=NOON + DAY)  # the same words: nothing new
        readiness.set_not_ready(acorn, reason="A new team takes over", by=lena, at=NOON + 2 * DAY)
        readiness.set_ready(acorn, by=rita, at=NOON + 3 * DAY)
        first, second = NotReady.objects.order_by("began_at")
        assert (first.by, first.released_by, first.released_at) == (rita, lena, NOON + 2 * DAY)
        assert (second.by, second.released_by) == (lena, rita)
        assert state(acorn) == ("ready", "")
        with pytest.raises(Refused, match="any more"):
            readiness.set_ready(acorn, by=rita, at=NOON + 4 * DAY)

    def test_not_ready_until_a_day_ends_by_itself_and_pauses_go_on(self) -> None:
        acorn, rita = make_account(), make_user("Rita")
        readiness.pause(acorn, reason="Audit", by=rita, at=NOON)
        readiness.set_not_ready(acorn, reason="Onboarding", by=rita, at=NOON, until=date(2026, 3, 15))
        readiness.release_on_date(at=NOON + 5 * DAY)
        assert state(acorn) == ("not_ready", "Onboarding"), "its last day counts"
        readiness.release_on_date(at=NOON + 6 * DAY)
        assert state(acorn) == ("paused", "Audit")
        assert NotReady.objects.get().released_by is None

    @pytest.mark.parametrize(
        ("reason", "until", "said"),
        [
            (" ", None, "Say why"),
            ("Onboarding", date(2026, 3, 1), "over already"),
            ("Onboarding", date(2036, 3, 1), "within two years"),
        ],
    )
    def test_what_makes_no_sense_is_refused_in_words(self, reason: str, until: date | None, said: str) -> None:
        acorn, rita = make_account(), make_user("Rita")
        with pytest.raises(Refused, match=said):
            readiness.set_not_ready(acorn, reason=reason, by=rita, at=NOON, until=until)
        assert state(acorn) == ("ready", "")

    def test_lifting_a_pause_leaves_its_author(self) -> None:
        acorn, rita, lena = make_account(), make_user("Rita"), make_user("Lena")
        pause = readiness.pause(acorn, reason="Audit", by=rita, at=NOON)
        readiness.lift(pause, by=lena, at=NOON + DAY)
        pause.refresh_from_db()
        assert (pause.by, pause.released_by) == (rita, lena)
