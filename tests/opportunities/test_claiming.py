"""Claiming: one seat for one advocate, whatever the load, and the course of a claim to its thank-you (O4, O11)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.db import connection

from advocacy.crm import consent
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.models import Account, Activity, Signal
from advocacy.delivery.models import Message
from advocacy.lib.lifecycle import IllegalMove, Refused
from advocates import budget, points
from advocates.models import Advocate, Ask, PointEntry, Task
from opportunities.actions import board as actions
from opportunities.models import Claim, Opportunity, OpportunityKind, Waiting
from tests.factories import NOON, make_account, make_advocate, make_opportunity, make_pod, make_user

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def kind(slug: str = "talk", **fields: Any) -> OpportunityKind:
    defaults: dict[str, Any] = {
        "name": slug.capitalize(), "points": 80, "minutes": 30, "group": "calls", "purpose": "",
        "steps": ["claimed", "scheduled", "delivered", "verified"],
    }  # fmt: skip
    return OpportunityKind.objects.update_or_create(slug=slug, defaults={**defaults, **fields})[0]


def call(**fields: Any) -> Opportunity:
    return make_opportunity(
        fields.pop("title", "Talk to a food producer"), kind=fields.pop("kind", None) or kind(), **fields
    )


def deeds(advocate: Advocate) -> list[str]:
    return list(Activity.objects.filter(contact=advocate.contact).order_by("pk").values_list("deed", flat=True))


class TestClaiming:
    def test_takes_a_seat_tells_the_advocate_and_is_put_on_record(self) -> None:
        ines = make_advocate("Ines")
        claim = actions.claim(ines, call(seats=2), at=NOON)
        assert (claim.status, claim.minutes) == ("claimed", 30)
        assert deeds(ines) == [Deed.CLAIMED]
        mail = Message.objects.get(contact=ines.contact)
        assert (mail.kind, mail.counts, mail.purpose) == ("claim_received", False, "")

    def test_a_second_tap_changes_nothing(self) -> None:
        ines, opportunity = make_advocate("Ines"), call()
        first = actions.claim(ines, opportunity, at=NOON)
        with pytest.raises(actions.NotClaimed, match="already") as refusal:
            actions.claim(ines, opportunity, at=NOON + HOUR)
        assert refusal.value.standing.claim == first
        first.refresh_from_db()
        assert first.claimed_at == NOON
        assert Claim.objects.count() == Message.objects.count() == 1

    def test_counts_as_load_but_is_never_refused_for_rest(self) -> None:
        ines, first, second = make_advocate("Ines"), call(), call(title="Another")
        actions.claim(ines, first, at=NOON)
        assert budget.why_not(ines, at=NOON + HOUR, channel="desk") is not None
        actions.claim(ines, second, at=NOON + HOUR)
        assert Ask.objects.filter(advocate=ines, channel="board", released_at__isnull=True).count() == 2

    def test_a_date_of_its_own_is_the_time_of_each_claim(self) -> None:
        webinar = call(happens_at=NOON + 9 * DAY)
        claim = actions.claim(make_advocate("Omar"), webinar, at=NOON)
        assert (claim.status, claim.scheduled_for) == ("scheduled", NOON + 9 * DAY)
        assert [mail.kind for mail in Message.objects.all()] == ["claim_scheduled"]

    def test_required_answers_are_kept_and_missing_ones_refused(self) -> None:
        asks = kind("story", questions=[{"key": "story", "label": "What changed?", "required": True}])
        ines, opportunity = make_advocate("Ines"), call(kind=asks)
        with pytest.raises(Refused, match="What changed"):
            actions.claim(ines, opportunity, at=NOON, answers={"story": "  "})
        claim = actions.claim(ines, opportunity, at=NOON, answers={"story": " Two days. ", "stray": "no"})
        assert claim.answers == {"story": "Two days."}


class TestWhereItGoesWrong:
    """Each says so in a sentence of its own, and nothing is written."""

    def refused(self, advocate: Advocate, opportunity: Opportunity) -> str:
        with pytest.raises(actions.NotClaimed) as refusal:
            actions.claim(advocate, opportunity, at=NOON)
        assert not Claim.objects.filter(advocate=advocate).exists()
        return f"{refusal.value.standing.code}: {refusal.value}"

    def test_full(self) -> None:
        opportunity = call(seats=1)
        actions.claim(make_advocate("Ines"), opportunity, at=NOON)
        assert "full: The one seat is taken. Join the waitlist" in self.refused(make_advocate("Omar"), opportunity)

    def test_closed(self) -> None:
        assert self.refused(make_advocate(), call(closes_at=NOON)).startswith("closed: This closed on 10 March 2026")
        assert self.refused(make_advocate(), call(status="closed")).startswith("closed: This is closed")

    def test_called_off_or_not_open_yet(self) -> None:
        assert self.refused(make_advocate(), call(status="cancelled")).startswith("cancelled:")
        assert self.refused(make_advocate(), call(status="draft")).startswith("not_open:")

    def test_account_not_ready_without_saying_why(self) -> None:
        account = make_account("Brightwater", readiness=Account.Readiness.PAUSED, readiness_reason="Open escalation 17")
        said = self.refused(make_advocate("Ines", account), call())
        assert said.startswith("not_ready: We ask nothing of Brightwater")
        assert "escalation" not in said

    def test_meant_for_others(self) -> None:
        europe_only = call(audience={"all": ["region:Europe"], "exclude": ["country:DE"]})
        assert self.refused(make_advocate(), europe_only).startswith("others:")

    def test_no_member(self) -> None:
        left = make_advocate("Mei", status=Advocate.Status.LEFT)
        assert self.refused(left, call()).startswith("not_member:")

    def test_consent_missing_until_it_is_given_along_with_the_claim(self) -> None:
        ines, opportunity = make_advocate("Ines", consents=()), call(kind=kind("stage", purpose=Purpose.SPEAKING))
        assert "consent: This needs your consent to “Speaking”" in self.refused(ines, opportunity)
        actions.claim(ines, opportunity, at=NOON, consent_wording="I agree to speak.")
        entry = ines.contact.consent_entries.get()
        assert (entry.purpose, entry.given, entry.wording, entry.source) == (
            "speaking",
            True,
            "I agree to speak.",
            "board",
        )

    def test_consent_taken_back_in_the_meantime_counts(self) -> None:
        ines, opportunity = make_advocate("Ines"), call(kind=kind("stage", purpose=Purpose.SPEAKING))
        consent.withdraw(ines.contact, Purpose.SPEAKING, at=NOON, source="test")
        assert self.refused(ines, opportunity).startswith("consent:")

    def test_a_wording_does_not_get_past_anything_but_consent(self) -> None:
        with pytest.raises(actions.NotClaimed):
            actions.claim(make_advocate(), call(status="closed"), at=NOON, consent_wording="I agree.")


class TestTakingItBack:
    def test_shortly_after_without_a_reason_later_only_with_one(self) -> None:
        ines = make_advocate("Ines")
        claim = actions.claim(ines, call(), at=NOON)
        with pytest.raises(Refused, match="why"):
            actions.withdraw(claim, reason=" ", at=NOON + HOUR)
        claim = actions.withdraw(claim, reason="", at=NOON + timedelta(minutes=5))
        assert claim.status == "withdrawn"
        assert budget.why_not(ines, at=NOON + HOUR, channel="desk") is None  # the load has gone with it
        assert deeds(ines) == [Deed.CLAIMED, Deed.WITHDREW]

    def test_once_its_time_is_over_it_was_missed_and_is_not_taken_back(self) -> None:
        claim = actions.claim(make_advocate("Ines"), call(), at=NOON)
        claim = actions.schedule(claim, starts_at=NOON + DAY, minutes=30, at=NOON)
        with pytest.raises(Refused, match="over"):
            actions.withdraw(claim, reason="I forgot.", at=NOON + DAY + HOUR)

    def test_what_others_count_on_is_not_undone_without_a_word(self) -> None:
        claim = actions.claim(make_advocate("Ines"), call(), at=NOON)
        claim = actions.schedule(claim, starts_at=NOON + timedelta(days=4), minutes=30, at=NOON + timedelta(minutes=2))
        with pytest.raises(Refused, match="why"):
            actions.withdraw(claim, reason="", at=NOON + timedelta(minutes=5))
        assert actions.withdraw(claim, reason="Ill.", at=NOON + timedelta(minutes=5)).status == "withdrawn"

    def test_it_can_be_claimed_again(self) -> None:
        ines, opportunity = make_advocate("Ines"), call(seats=1)
        first = actions.claim(ines, opportunity, at=NOON)
        actions.withdraw(first, reason="Too busy.", at=NOON + HOUR)
        again = actions.claim(ines, opportunity, at=NOON + 2 * HOUR)
        assert (again.pk, again.status, again.reason, again.ended_at) == (first.pk, "claimed", "", None)

    def test_what_is_done_is_done(self) -> None:
        claim = actions.claim(make_advocate(), call(), at=NOON)
        actions.deliver(claim, at=NOON + HOUR)
        with pytest.raises(Refused, match="done already"):
            actions.withdraw(claim, reason="No.", at=NOON + 2 * HOUR)


class TestTheWaitlist:
    @pytest.fixture
    def full(self) -> tuple[Opportunity, Claim]:
        opportunity = call(seats=1)
        return opportunity, actions.claim(make_advocate("Ines"), opportunity, at=NOON)

    def test_a_freed_seat_is_kept_for_the_first_in_line(self, full: tuple[Opportunity, Claim]) -> None:
        opportunity, claim = full
        omar, mei, sam = make_advocate("Omar"), make_advocate("Mei"), make_advocate("Samira")
        actions.wait(omar, opportunity, at=NOON + HOUR)
        actions.wait(mei, opportunity, at=NOON + 2 * HOUR)
        actions.withdraw(claim, reason="Ill.", at=NOON + 3 * HOUR)
        assert [mail.contact for mail in Message.objects.filter(kind="seat_free")] == [omar.contact]
        for quicker in (sam, mei):
            with pytest.raises(actions.NotClaimed):
                actions.claim(quicker, opportunity, at=NOON + 4 * HOUR)
        actions.claim(omar, opportunity, at=NOON + 5 * HOUR)
        assert Waiting.objects.get(advocate=omar).ended_at == NOON + 5 * HOUR

    def test_who_lets_it_pass_makes_way_for_the_next(self, full: tuple[Opportunity, Claim]) -> None:
        opportunity, claim = full
        omar, mei = make_advocate("Omar"), make_advocate("Mei")
        actions.wait(omar, opportunity, at=NOON + HOUR)
        actions.wait(mei, opportunity, at=NOON + 2 * HOUR)
        actions.withdraw(claim, reason="Ill.", at=NOON + 3 * HOUR)
        later = NOON + 3 * HOUR + actions.OFFER_LASTS
        assert [waiting.advocate for waiting in actions.offer_seats(opportunity, at=later)] == [mei]
        with pytest.raises(actions.NotClaimed):
            actions.claim(omar, opportunity, at=later)

    def test_who_may_not_claim_any_more_is_passed_over(self, full: tuple[Opportunity, Claim]) -> None:
        opportunity, claim = full
        omar, mei = make_advocate("Omar"), make_advocate("Mei")
        actions.wait(omar, opportunity, at=NOON)
        actions.wait(mei, opportunity, at=NOON + HOUR)
        Account.objects.filter(pk=omar.contact.account_id).update(readiness="paused")
        actions.withdraw(claim, reason="Ill.", at=NOON + 3 * HOUR)
        assert Waiting.objects.get(advocate=mei).offered_at is not None

    def test_twice_is_one_place_and_leaving_gives_the_seat_on(self, full: tuple[Opportunity, Claim]) -> None:
        opportunity, claim = full
        omar, mei = make_advocate("Omar"), make_advocate("Mei")
        assert actions.wait(omar, opportunity, at=NOON) == actions.wait(omar, opportunity, at=NOON + HOUR)
        actions.wait(mei, opportunity, at=NOON + HOUR)
        actions.withdraw(claim, reason="Ill.", at=NOON + 2 * HOUR)
        actions.stop_waiting(omar, opportunity, at=NOON + 3 * HOUR)
        assert Waiting.objects.get(advocate=mei).offered_at == NOON + 3 * HOUR

    def test_nobody_waits_where_there_is_a_seat(self) -> None:
        with pytest.raises(Refused, match="seat for you"):
            actions.wait(make_advocate(), call(seats=1), at=NOON)

    def test_never_this_kind_is_kept_in_the_profile(self, full: tuple[Opportunity, Claim]) -> None:
        opportunity, _claim = full
        omar = make_advocate("Omar")
        actions.wait(omar, opportunity, at=NOON)
        actions.never_again(omar, opportunity, at=NOON + HOUR)
        omar.refresh_from_db()
        assert omar.never == ["talk"]
        assert Waiting.objects.get(advocate=omar).ended_at is not None


class TestTheCourseOfAClaim:
    @pytest.fixture
    def claim(self) -> Claim:
        pod = make_pod(make_user("Rita Morgan", "manager"))
        return actions.claim(make_advocate("Ines", pod=pod), call(), at=NOON)

    def test_from_the_time_to_the_points_and_the_thank_you(self, claim: Claim) -> None:
        ines = claim.advocate
        claim = actions.schedule(claim, starts_at=NOON + DAY, minutes=45, at=NOON + HOUR)
        assert (claim.status, claim.minutes, claim.sequence) == ("scheduled", 45, 0)
        after = NOON + DAY + HOUR
        actions.give_feedback(claim, side="advocate", grade=5, text="Good questions.", at=after)
        claim.refresh_from_db()
        assert (claim.status, points.total(ines)) == ("delivered", 0)
        claim = actions.verify(claim, at=after + HOUR)
        assert (claim.status, points.total(ines)) == ("verified", 80)
        task = Task.objects.get(kind=Task.Kind.THANK)
        assert (task.assignee, task.due_at) == (ines.manager, after + HOUR + actions.THANK_WITHIN)
        actions.give_feedback(claim, side="requester", grade=4, at=after + 2 * HOUR)
        task.refresh_from_db()
        assert task.due_at == after + 2 * HOUR  # both sides have spoken
        actions.thank(claim, text="Thank you, Ines.", by=ines.manager, at=after + 3 * HOUR)
        task.refresh_from_db()
        assert task.done_at is not None
        ines.refresh_from_db()
        assert ines.stage == Advocate.Stage.CREATOR
        assert deeds(ines) == [
            Deed.CLAIMED, Deed.SCHEDULED, Deed.FEEDBACK_GIVEN, Deed.DELIVERED, Deed.VERIFIED, Deed.FEEDBACK_GIVEN,
            Deed.THANKED,
        ]  # fmt: skip

    def test_verified_twice_books_once(self, claim: Claim) -> None:
        actions.verify(claim, at=NOON + HOUR)
        actions.verify(claim, at=NOON + 2 * HOUR)
        assert points.total(claim.advocate) == 80

    def test_a_completed_story_is_a_signal_that_rules_heed_once(self) -> None:
        written = call(kind=kind("story", signal="submitted_content", steps=["claimed", "delivered", "verified"]))
        claim = actions.claim(make_advocate("Omar"), written, at=NOON)
        claim = actions.deliver(claim, at=NOON + HOUR)
        assert not Signal.objects.exists(), "not before somebody has looked at it"
        for hours in (2, 3):
            actions.verify(claim, at=NOON + hours * HOUR)
        signal = Signal.objects.get()
        assert (signal.kind, signal.contact, signal.source) == ("submitted_content", claim.advocate.contact, "portal")
        assert (signal.occurred_at, signal.account) == (NOON + 2 * HOUR, claim.advocate.contact.account)
        assert not Signal.objects.filter(kind="joined_program").exists()

    def test_points_come_at_the_step_the_kind_names_and_only_once(self) -> None:
        early = call(
            kind=kind("survey-like", points_at="delivered", steps=["claimed", "delivered", "verified"]), points=20
        )
        claim = actions.claim(make_advocate("Omar"), early, at=NOON)
        claim = actions.deliver(claim, at=NOON + HOUR)
        assert points.total(claim.advocate) == 20
        actions.verify(claim, at=NOON + 2 * HOUR)
        assert points.total(claim.advocate) == 20

    def test_points_of_an_early_step_go_with_the_claim_and_come_with_it_again(self) -> None:
        omar, quick = make_advocate("Omar"), call(kind=kind("quick", points_at="claimed"), points=50)
        for _time in range(2):
            claim = actions.claim(omar, quick, at=NOON)
            assert points.total(omar) == 50
            actions.withdraw(claim, reason="", at=NOON)
            assert points.total(omar) == 0
        claim = actions.schedule(actions.claim(omar, quick, at=NOON), starts_at=NOON + HOUR, minutes=30, at=NOON)
        actions.miss(claim, reason="Omar did not come.", at=NOON + 2 * HOUR)
        assert points.total(omar) == 0

    def test_points_of_an_early_step_go_when_we_decline_or_call_it_off(self) -> None:
        ines, omar, early = make_advocate("Ines"), make_advocate("Omar"), kind("quick", points_at="claimed")
        first, second = call(kind=early, points=50), call(title="Another", kind=early, points=30)
        actions.decline(actions.claim(ines, first, at=NOON), reason="We found somebody nearer.", at=NOON + HOUR)
        assert points.total(ines) == 0
        actions.claim(omar, first, at=NOON)
        actions.claim(omar, second, at=NOON)
        actions.call_off(first, reason="The venue is flooded.", at=NOON + DAY)
        assert points.total(omar) == 30
        booked = PointEntry.objects.filter(advocate=omar).order_by("pk").values_list("points", flat=True)
        assert list(booked) == [50, 30, -50]  # corrected, not rewritten

    def test_points_stay_with_who_was_there_while_the_other_side_was_not(self) -> None:
        omar, talk = make_advocate("Omar"), call(kind=kind("quick", points_at="claimed"), points=50)
        claim = actions.schedule(actions.claim(omar, talk, at=NOON), starts_at=NOON + HOUR, minutes=30, at=NOON)
        claim = actions.miss(claim, reason="Nobody came.", at=NOON + DAY, by_other_side=True)
        claim = actions.schedule(claim, starts_at=NOON + 3 * DAY, minutes=30, at=NOON + DAY)
        actions.call_off(talk, reason="The venue is flooded.", at=NOON + 2 * DAY)
        assert points.total(omar) == 50

    def test_points_that_are_spent_stop_nobody_from_taking_a_claim_back(self) -> None:
        omar, quick = make_advocate("Omar"), call(kind=kind("quick", points_at="claimed"), points=50)
        claim = actions.claim(omar, quick, at=NOON)
        points.book(omar, -30, reason="A mug", source=("reward", 1), at=NOON)
        assert actions.withdraw(claim, reason="", at=NOON).status == "withdrawn"
        assert points.total(omar) == 0

    def test_moving_the_time_keeps_the_appointment_and_raises_its_sequence(self, claim: Claim) -> None:
        claim = actions.schedule(claim, starts_at=NOON + DAY, minutes=30, at=NOON)
        moved = actions.reschedule(claim, starts_at=NOON + 2 * DAY, at=NOON + HOUR)
        assert (moved.calendar_uid, moved.sequence, moved.scheduled_for) == (claim.calendar_uid, 1, NOON + 2 * DAY)
        again = actions.reschedule(moved, starts_at=NOON + 2 * DAY, at=NOON + 2 * HOUR)
        assert again.sequence == 1
        mails = Message.objects.filter(kind="claim_scheduled").order_by("pk")
        assert [mail.params["moved"] for mail in mails] == [False, True]

    def test_no_time_that_has_passed_and_no_delivery_before_its_time(self, claim: Claim) -> None:
        with pytest.raises(Refused, match="passed"):
            actions.schedule(claim, starts_at=NOON, minutes=30, at=NOON)
        claim = actions.schedule(claim, starts_at=NOON + DAY, minutes=30, at=NOON)
        with pytest.raises(Refused, match="not come yet"):
            actions.deliver(claim, at=NOON + HOUR)
        with pytest.raises(Refused, match="not come yet"):
            actions.give_feedback(claim, side="advocate", grade=3, at=NOON + HOUR)

    def test_a_step_the_kind_does_not_take_is_refused(self) -> None:
        review = call(kind=kind("written", steps=["claimed", "delivered", "verified"]))
        claim = actions.claim(make_advocate(), review, at=NOON)
        with pytest.raises(Refused, match="never scheduled"):
            actions.schedule(claim, starts_at=NOON + DAY, minutes=30, at=NOON)
        with pytest.raises(Refused, match="never confirmed"):
            actions.confirm(claim, at=NOON)

    def test_confirming_sets_the_date_that_stands(self) -> None:
        stage = call(
            kind=kind("staged", steps=["claimed", "confirmed", "scheduled", "delivered", "verified"]),
            happens_at=NOON + 9 * DAY,
        )
        claim = actions.claim(make_advocate(), stage, at=NOON)
        assert claim.status == "claimed"
        assert actions.confirm(claim, at=NOON + HOUR).scheduled_for == NOON + 9 * DAY

    def test_declined_with_a_reason_the_advocate_reads(self, claim: Claim) -> None:
        with pytest.raises(Refused, match="reason"):
            actions.decline(claim, reason="", at=NOON)
        claim = actions.decline(claim, reason="We found somebody nearer.", at=NOON)
        mail = Message.objects.get(kind="claim_ended")
        assert (claim.status, mail.params["reason"]) == ("declined", "We found somebody nearer.")
        with pytest.raises(IllegalMove):
            actions.verify(claim, at=NOON)

    def test_missed_by_the_other_side_earns_an_apology_and_the_points(self, claim: Claim) -> None:
        claim = actions.schedule(claim, starts_at=NOON + DAY, minutes=30, at=NOON)
        claim = actions.miss(claim, reason="The prospect did not come.", at=NOON + 2 * DAY, by_other_side=True)
        assert (claim.status, points.total(claim.advocate)) == ("missed", 80)
        assert Message.objects.get(kind="claim_ended").params["because"] == "other_side_missed"
        assert Deed.MISSED not in deeds(claim.advocate)

    def test_missed_and_set_once_more(self, claim: Claim) -> None:
        claim = actions.schedule(claim, starts_at=NOON + DAY, minutes=30, at=NOON)
        claim = actions.miss(claim, reason="Stuck in traffic.", at=NOON + 2 * DAY)
        claim = actions.schedule(claim, starts_at=NOON + 5 * DAY, minutes=30, at=NOON + 2 * DAY)
        assert (claim.status, claim.sequence, claim.ended_at) == ("scheduled", 1, None)

    def test_one_side_says_it_did_not_happen_and_a_person_looks_into_it(self, claim: Claim) -> None:
        claim = actions.schedule(claim, starts_at=NOON + DAY, minutes=30, at=NOON)
        actions.give_feedback(claim, side="advocate", grade=1, happened=False, at=NOON + 2 * DAY)
        claim.refresh_from_db()
        assert claim.status == "scheduled"
        assert "did not take place" in Task.objects.get().text

    def test_feedback_is_given_once_by_each_side(self, claim: Claim) -> None:
        actions.deliver(claim, at=NOON + HOUR)
        actions.give_feedback(claim, side="advocate", grade=5, at=NOON + HOUR)
        with pytest.raises(Refused, match="already"):
            actions.give_feedback(claim, side="advocate", grade=1, at=NOON + HOUR)


class TestForANomination:
    def test_listing_and_audience_are_not_asked_but_consent_and_readiness_are(self) -> None:
        frame = call(kind=kind("ref", purpose=Purpose.REFERENCE_CALLS), seats=1, audience={"all": ["region:Nowhere"]})
        ines, omar = make_advocate("Ines"), make_advocate("Omar", consents=())
        with pytest.raises(Refused, match="consent"):
            actions.claim_for_nomination(omar, frame, at=NOON, minutes=30)
        claim = actions.claim_for_nomination(ines, frame, at=NOON, minutes=40)
        assert (claim.minutes, actions.claim_for_nomination(ines, frame, at=NOON, minutes=40)) == (40, claim)
        with pytest.raises(Refused, match="Somebody else"):
            actions.claim_for_nomination(make_advocate("Mei"), frame, at=NOON, minutes=30)
        assert not Ask.objects.exists()
        assert not Message.objects.exists()


class TestCallingItOff:
    def test_everybody_under_way_is_told_why(self) -> None:
        opportunity = call(seats=3)
        done = actions.verify(actions.claim(make_advocate("Ines"), opportunity, at=NOON), at=NOON + HOUR)
        actions.claim(make_advocate("Omar"), opportunity, at=NOON)
        actions.call_off(opportunity, reason="The venue is flooded.", at=NOON + DAY)
        opportunity.refresh_from_db()
        done.refresh_from_db()
        assert (opportunity.status, done.status) == ("cancelled", "verified")
        mail = Message.objects.get(kind="claim_ended")
        assert (mail.params["because"], mail.params["reason"]) == ("called_off", "The venue is flooded.")

    def test_opening_needs_words_and_a_time_ahead(self) -> None:
        draft = call(status="draft", opened_at=None)
        with pytest.raises(Refused, match="what is asked"):
            actions.open_up(draft, at=NOON)
        Opportunity.objects.filter(pk=draft.pk).update(what="Talk.", closes_at=NOON)
        with pytest.raises(Refused, match="past"):
            actions.open_up(draft, at=NOON)
        Opportunity.objects.filter(pk=draft.pk).update(closes_at=NOON + DAY)
        assert actions.open_up(draft, at=NOON).opened_at == NOON


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Run all of them beside each other; an exception is a result."""

    def run(one: Callable[[], Any]) -> Any:
        try:
            return one()
        except Exception as problem:
            return problem
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.django_db(transaction=True)
class TestTheLastSeatInARace:
    """The lock is what decides: without it, the race shows."""

    def race(self, seats: int = 2, people: int = 12) -> tuple[int, list[Any]]:
        opportunity = call(seats=seats)
        advocates = [make_advocate(f"Racer{number}") for number in range(people)]
        results = at_once([lambda one=one: actions.claim(one, opportunity, at=NOON) for one in advocates])
        return Claim.objects.filter(opportunity=opportunity).count(), results

    def test_no_seat_is_sold_twice(self) -> None:
        taken, results = self.race()
        assert taken == 2
        assert sum(isinstance(result, Claim) for result in results) == 2
        assert {str(result.standing.code) for result in results if not isinstance(result, Claim)} == {"full"}

    def test_without_the_lock_seats_are_oversold(self) -> None:
        def unlocked(opportunity: Opportunity, advocate: Advocate) -> tuple[Opportunity, Advocate]:
            return Opportunity.objects.select_related("kind").get(pk=opportunity.pk), actions._reread(advocate)

        with mock.patch.object(actions, "_lock", unlocked):
            oversold = any(self.race(seats=1)[0] > 1 for _try in range(5))
        assert oversold

    def test_one_advocate_tapping_from_two_places_has_one_claim(self) -> None:
        opportunity, ines = call(seats=5), make_advocate("Ines")
        results = at_once([lambda: actions.claim(ines, opportunity, at=NOON)] * 6)
        assert sum(isinstance(result, Claim) for result in results) == 1
        assert all(isinstance(result, (Claim, actions.NotClaimed)) for result in results)

    def test_a_freed_seat_goes_to_one_in_line_only(self) -> None:
        opportunity = call(seats=1)
        claim = actions.claim(make_advocate("Ines"), opportunity, at=NOON)
        for number in range(4):
            actions.wait(make_advocate(f"Waiter{number}"), opportunity, at=NOON)
        late = [make_advocate(f"Late{number}") for number in range(4)]
        results = at_once(
            [
                lambda: actions.withdraw(claim, reason="Ill.", at=NOON + HOUR),
                *[lambda one=one: actions.claim(one, opportunity, at=NOON + HOUR) for one in late],
                *[lambda: actions.offer_seats(opportunity, at=NOON + HOUR)] * 3,
            ]
        )
        assert not [result for result in results if isinstance(result, Exception) and not isinstance(result, Refused)]
        assert Claim.objects.holding_a_seat().count() == 0
        assert Waiting.objects.filter(offered_at__isnull=False).count() == 1


class TestWhatHasNoTimeYet:
    """A call is not over before one has agreed on when it is (O4)."""

    def test_the_advocate_can_neither_say_how_it_was_nor_that_it_is_done(self) -> None:
        ines = make_advocate("Ines")
        claim = actions.claim(ines, call(), at=NOON)
        with pytest.raises(Refused, match="No time"):
            actions.give_feedback(claim, side="advocate", grade=5, at=NOON + HOUR)
        with pytest.raises(Refused, match="No time"):
            actions.deliver(claim, at=NOON + HOUR, by=ines.user)
        claim.refresh_from_db()
        assert (claim.status, points.total(ines)) == ("claimed", 0)

    def test_one_of_ours_can_say_that_it_was_done(self) -> None:
        claim = actions.claim(make_advocate("Ines"), call(), at=NOON)
        assert actions.deliver(claim, at=NOON + HOUR, by=make_user("Rita")).status == "delivered"

    def test_what_is_to_come_is_neither_verified_nor_missed(self) -> None:
        claim = actions.claim(make_advocate("Ines"), call(), at=NOON)
        claim = actions.schedule(claim, starts_at=NOON + DAY, minutes=30, at=NOON)
        with pytest.raises(Refused, match="not come"):
            actions.verify(claim, at=NOON + HOUR)
        with pytest.raises(Refused, match="not come"):
            actions.miss(claim, reason="Nobody came.", at=NOON + HOUR)


class TestASeatGivenBack:
    """A seat that was given back belongs to the line, and then to whoever is first."""

    def test_a_missed_claim_finds_another_time_only_where_a_seat_is_free(self) -> None:
        ines, omar, opportunity = make_advocate("Ines"), make_advocate("Omar"), call(seats=1)
        claim = actions.schedule(actions.claim(ines, opportunity, at=NOON), starts_at=NOON + HOUR, minutes=30, at=NOON)
        claim = actions.miss(claim, reason="Did not come.", at=NOON + 2 * HOUR)
        actions.claim(omar, opportunity, at=NOON + 2 * HOUR)
        with pytest.raises(Refused, match="somebody else"):
            actions.schedule(claim, starts_at=NOON + 2 * DAY, minutes=30, at=NOON + 3 * HOUR)

    def test_when_an_offer_runs_out_the_next_in_line_comes_before_a_passer_by(self) -> None:
        ines, omar, mei, ada = (make_advocate(name) for name in ("Ines", "Omar", "Mei", "Ada"))
        opportunity = call(seats=1)
        claim = actions.claim(ines, opportunity, at=NOON)
        actions.wait(omar, opportunity, at=NOON)
        actions.wait(mei, opportunity, at=NOON + HOUR)
        actions.withdraw(claim, reason="Ill.", at=NOON + 2 * HOUR)
        late = NOON + 2 * HOUR + actions.OFFER_LASTS + timedelta(seconds=5)
        with pytest.raises(actions.NotClaimed):
            actions.claim(ada, opportunity, at=late)
        assert actions.claim(mei, opportunity, at=late).status == "claimed"

    def test_nobody_waits_for_what_is_closed(self) -> None:
        opportunity = call(seats=1)
        actions.claim(make_advocate("Ines"), opportunity, at=NOON)
        actions.wait(make_advocate("Omar"), opportunity, at=NOON)
        actions.close(opportunity, at=NOON + HOUR)
        assert not Waiting.objects.filter(ended_at__isnull=True).exists()


class TestADateThatMoves:
    def test_takes_the_times_of_its_claims_along(self) -> None:
        opportunity = call(happens_at=NOON + 9 * DAY)
        claim = actions.claim(make_advocate("Ines"), opportunity, at=NOON)
        Opportunity.objects.filter(pk=opportunity.pk).update(happens_at=NOON + 12 * DAY)
        actions.follow_its_date(opportunity, at=NOON + HOUR)
        claim.refresh_from_db()
        assert (claim.scheduled_for, claim.sequence) == (NOON + 12 * DAY, 1)
