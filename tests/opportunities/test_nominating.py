"""From a request to its fulfilment: nominate, answer, set a time, take place, thank (D6, D7, D9, O5)."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import InternalError, connections, transaction
from django.utils import timezone

from advocacy.crm import consent
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.models import Account, Activity, Program
from advocacy.delivery.models import Message, Notification
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates import budget, points
from advocates.models import Advocate, Ask, AskCap, Task
from opportunities.actions import board, desk
from opportunities.actions.desk import Pick
from opportunities.clock import times as times_of
from opportunities.jobs import desk as jobs
from opportunities.models import Claim, ClockSpan, Nomination, Opportunity, ReferenceRequest, TrackRecord
from opportunities.request_pages import where_it_stands
from tests.factories import NOON, make_account, make_advocate, make_kind, make_pod, make_user

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TIMES = [NOON + 2 * DAY, NOON + 3 * DAY, NOON + 4 * DAY]


def filed(wanted: int = 1, **facts: Any) -> ReferenceRequest:
    """Sam's request, filed at noon."""
    kind = facts.pop("kind", None) or call()
    sam = facts.pop("requester", None) or make_user("Sam Adler", Role.REQUESTER)
    return desk.file_request(
        requester=sam, kind=kind, prospect="Kestrel Foods", needed_by=date(2026, 3, 27), at=NOON, wanted=wanted,
        facts={"industry": "Food", "region": "Europe", "prospect_role": "Operations director",
               "questions": "How did night shifts take it?", **facts},
    )  # fmt: skip


def call(**fields: Any) -> Any:
    return make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, minutes=30, points=80, **fields)


def nominated(wanted: ReferenceRequest, *advocates: Advocate, at: Any = NOON + HOUR) -> list[Nomination]:
    rita = User.objects.filter(name="Rita Morgan").first() or make_user("Rita Morgan", Role.MANAGER)
    return desk.nominate(wanted, [Pick(one.pk, "You know night shifts.") for one in advocates], by=rita, at=at)


def status(wanted: ReferenceRequest) -> tuple[str, str]:
    wanted.refresh_from_db()
    return wanted.status, wanted.waiting_for


def mails_to(whom: User | Advocate) -> list[str]:
    rows = Message.objects.filter(user=whom) if isinstance(whom, User) else Message.objects.filter(contact=whom.contact)
    return list(rows.order_by("pk").values_list("kind", flat=True))


def deeds(advocate: Advocate) -> list[str]:
    return list(Activity.objects.filter(contact=advocate.contact).order_by("pk").values_list("deed", flat=True))


@pytest.mark.django_db
class TestFiling:
    def test_the_desks_clock_runs_from_the_start(self) -> None:
        wanted = filed()
        assert status(wanted) == ("new", "desk")
        assert times_of(wanted.spans.all(), at=NOON + 3 * HOUR).desk == 3 * HOUR

    def test_today_is_the_day_where_the_requester_is(self) -> None:
        at = datetime(2026, 3, 11, 2, 0, tzinfo=UTC)
        given = {"requester": make_user("Sam", Role.REQUESTER), "kind": call(), "prospect": "K", "at": at}
        with timezone.override("America/Los_Angeles"):
            assert desk.file_request(needed_by=date(2026, 3, 10), **given).status == "new"
        with pytest.raises(Refused, match="has passed"):
            desk.file_request(needed_by=date(2026, 3, 10), **given)

    def test_what_cannot_be_asked_for_and_days_gone_by_are_refused(self) -> None:
        sam = make_user("Sam", Role.REQUESTER)
        with pytest.raises(Refused, match="cannot be asked for at the desk"):
            desk.file_request(requester=sam, kind=make_kind("webinar"), prospect="K", needed_by=NOON.date(), at=NOON)
        with pytest.raises(Refused, match="has passed"):
            desk.file_request(requester=sam, kind=call(), prospect="K", needed_by=date(2026, 3, 9), at=NOON)
        with pytest.raises(Refused, match="Name the prospect"):
            desk.file_request(requester=sam, kind=call(), prospect=" ", needed_by=NOON.date(), at=NOON)

    def test_industry_and_region_take_the_spelling_of_the_accounts(self) -> None:
        make_account(industry="Food", region="Europe")
        wanted = filed(industry="food ", region="EUROPE")
        assert (wanted.industry, wanted.region) == ("Food", "Europe")


@pytest.mark.django_db
class TestNominating:
    def test_asks_by_mail_and_in_the_portal_and_waits_for_the_advocates(self) -> None:
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        wanted = filed()
        first, second = nominated(wanted, ines, omar)
        assert status(wanted) == ("asked", "advocate")
        mail = Message.objects.get(contact=ines.contact)
        assert (mail.kind, mail.purpose) == ("nomination", Purpose.REFERENCE_CALLS)
        assert mail.params["prospect"] == "Kestrel Foods" and mail.params["why"] == "You know night shifts."
        assert Notification.objects.filter(user__in=[ines.user, omar.user], kind="nomination").count() == 2
        assert deeds(ines) == [Deed.NOMINATED]
        assert Ask.objects.filter(channel="desk", source_id=str(wanted.pk)).count() == 2
        assert first.score["parts"]["industry"] == 20 and first.score["sentence"].startswith("Same industry")
        assert first.answer_by == NOON + HOUR + 72 * HOUR
        wanted.refresh_from_db()
        assert str(wanted.manager) == "Rita Morgan"
        assert Opportunity.objects.listed().count() == 0 and wanted.frame.seats == 1
        assert second.advocate in (ines, omar)

    def test_an_answer_by_mail_settles_the_news_in_the_portal(self) -> None:
        ines = make_advocate("Ines")
        [nomination] = nominated(filed(), ines)
        news = Notification.objects.filter(user=ines.user, kind="nomination", read_at__isnull=True)
        assert news.exists()
        desk.decline(nomination, reason="", at=NOON + 2 * HOUR)
        assert not news.exists()

    def test_gates_are_read_again_and_none_or_all_are_asked(self) -> None:
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        wanted = filed()
        consent.withdraw(omar.contact, Purpose.REFERENCE_CALLS, at=NOON, source="t")
        with pytest.raises(Refused, match="Omar Barbosa: Has not consented"):
            nominated(wanted, ines, omar)
        assert not Nomination.objects.exists() and not Ask.objects.exists()
        assert not Message.objects.filter(kind="nomination").exists()
        assert status(wanted) == ("new", "desk")

    def test_rest_gives_way_to_a_reason_and_a_persons_own_word_does_not(self) -> None:
        ines = make_advocate("Ines")
        budget.ask(ines, channel="board", source_id=5, kind="webinar", at=NOON - DAY)
        wanted, rita = filed(), make_user("Rita Morgan", Role.MANAGER)
        with pytest.raises(Refused, match="was asked and has not answered yet"):
            desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=NOON)
        desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=NOON, override_reason="She asked for it.")
        assert Ask.objects.get(channel="desk").override_reason == "She asked for it."
        mei = make_advocate("Mei", never=["reference-call"])
        with pytest.raises(Refused, match="Never wants"):
            desk.nominate(wanted, [Pick(mei.pk)], by=rita, at=NOON, override_reason="Please.")

    def test_nobody_is_asked_twice_for_one_request(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        desk.decline(nomination, reason="", at=NOON + 2 * HOUR)
        with pytest.raises(Refused, match="Asked for this request already"):
            nominated(wanted, ines)

    def test_who_was_taken_back_before_it_came_to_anything_can_be_asked_again(self) -> None:
        ines, omar, wanted = make_advocate("Ines"), make_advocate("Omar"), filed()
        first, second = sorted(nominated(wanted, ines, omar), key=lambda one: one.advocate_id)
        Message.objects.update(status="sent", sent_at=NOON)
        desk.accept(first, times=TIMES, at=NOON + 2 * HOUR)
        board.withdraw(Claim.objects.get(), reason="I am ill", at=NOON + 3 * HOUR)
        jobs.follow_claims(at=NOON + 3 * HOUR)
        (again,) = nominated(wanted, omar, at=NOON + 4 * HOUR)
        assert again.pk == second.pk and again.asked_at == NOON + 4 * HOUR
        assert mails_to(omar) == ["nomination", "nomination_taken_back", "nomination"]
        assert Notification.objects.filter(user=omar.user, kind="nomination").count() == 2
        assert Ask.objects.get(advocate=omar).released_at is None
        desk.accept(again, times=TIMES, at=NOON + 5 * HOUR)
        assert status(wanted) == ("agreed", "requester")

    def test_looking_again_whoever_was_taken_back_can_be_asked(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        nominated(wanted, ines)
        desk.leave_unfilled(wanted, reason="Nobody yet.", by=None, at=NOON + 2 * HOUR)
        desk.reopen(wanted, at=NOON + 3 * HOUR)
        nominated(wanted, ines, at=NOON + 4 * HOUR)
        assert status(wanted) == ("asked", "advocate")

    def test_at_most_two_of_one_account_are_asked_for_one_request(self) -> None:
        acorn = make_account("Acorn")
        ines, omar, mei = (make_advocate(name, acorn) for name in ("Ines", "Omar", "Mei"))
        Program.objects.update(rest_days=0)
        AskCap.objects.all().delete()
        wanted = filed(wanted=3)
        with pytest.raises(Refused, match="At most 2 advocates of Acorn"):
            nominated(wanted, ines, omar, mei)
        first, _second = sorted(nominated(wanted, ines, omar), key=lambda one: one.advocate_id)
        with pytest.raises(Refused, match="At most 2 advocates of Acorn"):
            nominated(wanted, mei)
        desk.decline(first, reason="", at=NOON + 2 * HOUR)
        nominated(wanted, mei, at=NOON + 3 * HOUR)
        assert Nomination.objects.filter(status="asked").count() == 2

    def test_recalled_in_time_it_counts_no_more_and_is_never_sent(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        desk.recall(nomination, by=None, at=NOON + 2 * HOUR)
        assert Message.objects.get(contact=ines.contact).status == Message.Status.CANCELLED
        ines.refresh_from_db()
        assert ines.resting_until is None and ines.asks_in_year == 0
        assert status(wanted) == ("matching", "desk")

    def test_recalled_after_the_mail_left_they_are_told(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        Message.objects.update(status="sent", sent_at=NOON)
        desk.recall(nomination, by=None, at=NOON + 2 * HOUR)
        assert mails_to(ines) == ["nomination", "nomination_taken_back"]
        with pytest.raises(Refused, match="taken back"):
            desk.accept(nomination, times=TIMES, at=NOON + 3 * HOUR)


@pytest.mark.django_db
class TestAnswering:
    def test_a_yes_becomes_a_claim_and_the_requester_is_told_with_the_times(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        nomination = desk.accept(nomination, times=TIMES, at=NOON + 5 * HOUR, by=ines.user)
        assert nomination.claim is not None and nomination.claim.status == "claimed"
        assert nomination.claim.opportunity.request == wanted
        assert status(wanted) == ("agreed", "requester")
        assert wanted.first_yes_at == NOON + 5 * HOUR
        mail = Message.objects.get(kind="request_yes", user=wanted.requester)
        assert mail.kind == "request_yes" and mail.params["name"] == "Ines Barbosa"
        assert mail.params["times"] == [time.isoformat() for time in TIMES]
        assert deeds(ines) == [Deed.NOMINATED, Deed.CLAIMED, Deed.NOMINATION_ACCEPTED]
        assert Ask.objects.get().answered_at == NOON + 5 * HOUR

    def test_a_second_yes_of_the_same_person_changes_nothing(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        desk.accept(nomination, times=TIMES, at=NOON + 5 * HOUR)
        desk.accept(nomination, times=[NOON + 9 * DAY] * 3, at=NOON + 6 * HOUR)
        assert Claim.objects.count() == 1
        assert [time.starts_at for time in nomination.times.all()] == TIMES

    def test_with_the_last_yes_the_others_are_taken_back_and_their_asks_released(self) -> None:
        ines, omar, mei = make_advocate("Ines"), make_advocate("Omar"), make_advocate("Mei")
        wanted = filed(wanted=2)
        first, second, third = (nominated(wanted, one)[0] for one in (ines, omar, mei))
        desk.accept(first, times=TIMES, at=NOON + 5 * HOUR)
        third.refresh_from_db()
        assert third.status == "asked"
        desk.accept(second, times=TIMES, at=NOON + 6 * HOUR)
        third.refresh_from_db()
        assert third.status == "recalled"
        mei.refresh_from_db()
        assert mei.resting_until is None
        with pytest.raises(Refused, match="taken back"):
            desk.accept(third, times=TIMES, at=NOON + 7 * HOUR)
        assert wanted.frame.claims.count() == 2

    def test_three_different_times_to_come_are_needed(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        for times, said in (
            ([], "Propose 3"), (TIMES[:2], "Propose 3"), ([TIMES[0]] * 3, "different"),
            ([NOON, *TIMES], "has passed"),
        ):  # fmt: skip
            with pytest.raises(Refused, match=said):
                desk.accept(nomination, times=times, at=NOON + HOUR)
        assert status(wanted) == ("asked", "advocate")

    def test_consent_withdrawn_meanwhile_stops_the_yes(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        consent.withdraw(ines.contact, Purpose.REFERENCE_CALLS, at=NOON + HOUR, source="t")
        with pytest.raises(Refused):
            desk.accept(nomination, times=TIMES, at=NOON + 2 * HOUR)
        assert not Claim.objects.exists()
        desk.accept(nomination, times=TIMES, at=NOON + 3 * HOUR, consent_wording="I agree.")
        assert consent.allows(ines.contact, Purpose.REFERENCE_CALLS, at=NOON + 3 * HOUR)
        assert status(wanted) == ("agreed", "requester")

    @pytest.mark.parametrize("answer", ["yes", "no", "silence"])
    def test_a_question_that_has_not_left_stays_when_it_is_answered_or_too_late(self, answer: str) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        if answer == "yes":
            desk.accept(nomination, times=TIMES, at=NOON + 2 * HOUR)
        elif answer == "no":
            desk.decline(nomination, reason="", at=NOON + 2 * HOUR)
        else:
            desk.expire(nomination, at=nomination.answer_by)
        assert Message.objects.get(kind="nomination").status == Message.Status.CANCELLED
        assert mails_to(ines) == ["nomination"]

    @pytest.mark.parametrize("ended", ["unfilled", "withdrawn"])
    def test_a_late_no_keeps_her_word_and_what_has_ended_stays_ended(self, ended: str) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        desk.expire(nomination, at=nomination.answer_by)
        if ended == "unfilled":
            desk.leave_unfilled(wanted, reason="Nobody yet.", by=None, at=NOON + 5 * DAY)
        else:
            desk.withdraw(wanted, reason="The deal is lost.", by=wanted.requester, at=NOON + 5 * DAY)
        tasks = Task.objects.filter(done_at__isnull=True).count()
        desk.decline(nomination, reason="Too late", rule_out=True, never=True, at=NOON + 6 * DAY)
        nomination.refresh_from_db()
        ines.refresh_from_db()
        assert (nomination.status, nomination.decline_reason) == ("declined", "Too late")
        assert ines.ruled_out == ["kestrel foods"] and ines.never == ["reference-call"]
        assert status(wanted) == (ended, "nobody") and wanted.closed_at == NOON + 5 * DAY
        assert Task.objects.filter(done_at__isnull=True).count() == tasks

    def test_times_leave_a_choice(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        with pytest.raises(Refused, match="overlap"):
            desk.accept(nomination, times=[*TIMES[:2], TIMES[1] + timedelta(minutes=10)], at=NOON + 2 * HOUR)
        back_to_back = TIMES[1] + timedelta(minutes=wanted.kind.minutes)
        assert desk.accept(nomination, times=[*TIMES[:2], back_to_back], at=NOON + 2 * HOUR).status == "accepted"

    def test_times_lie_within_half_a_year(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        with pytest.raises(Refused, match="more than half a year ahead"):
            desk.accept(nomination, times=[*TIMES[:2], NOON + 200 * DAY], at=NOON + 2 * HOUR)

    def test_not_now_counts_as_asked_and_leaves_the_desk_to_look_on(self) -> None:
        ines, omar, wanted = make_advocate("Ines"), make_advocate("Omar"), filed()
        first, second = sorted(nominated(wanted, ines, omar), key=lambda one: one.advocate_id)
        desk.decline(first, reason="Holidays", at=NOON + 2 * HOUR)
        assert status(wanted) == ("asked", "advocate") and not Task.objects.exists()
        desk.decline(second, reason="", at=NOON + 3 * HOUR)
        assert status(wanted) == ("matching", "desk")
        task = Task.objects.get()
        assert task.kind == "find" and "Nobody is left for Kestrel Foods" in task.text
        assert str(task.assignee) == "Rita Morgan"
        ines.refresh_from_db()
        assert ines.resting_until is not None and ines.asks_in_year == 1
        assert deeds(ines)[-1] == Deed.NOMINATION_DECLINED

    def test_ruling_the_company_out_and_never_this_kind_are_kept_for_good(self) -> None:
        ines, wanted = make_advocate("Ines", wants=["reference-call", "webinar"]), filed(prospect_domain="Kestrel.test")
        (nomination,) = nominated(wanted, ines)
        desk.decline(nomination, reason="", rule_out=True, never=True, at=NOON + 2 * HOUR)
        ines.refresh_from_db()
        assert ines.ruled_out == ["kestrel foods", "kestrel.test"]
        assert ines.never == ["reference-call"] and ines.wants == ["webinar"]

    def test_silence_moves_on_and_a_late_yes_is_still_welcome(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        jobs.move_on_from_silence(at=NOON + 72 * HOUR)
        assert status(wanted) == ("asked", "advocate")
        jobs.move_on_from_silence(at=NOON + 73 * HOUR)
        jobs.move_on_from_silence(at=NOON + 74 * HOUR)
        assert status(wanted) == ("matching", "desk")
        assert Task.objects.filter(kind="find").count() == 1
        desk.accept(nomination, times=[one + 5 * DAY for one in TIMES], at=NOON + 80 * HOUR)
        assert status(wanted) == ("agreed", "requester")

    def test_a_kind_nobody_meets_for_needs_no_times(self) -> None:
        ines = make_advocate("Ines")
        kind = make_kind("reference-email", purpose=Purpose.REFERENCE_CALLS, steps=["claimed", "delivered", "verified"])
        (nomination,) = nominated(wanted := filed(kind=kind), ines)
        nomination = desk.accept(nomination, times=[], at=NOON + 2 * HOUR)
        assert status(wanted) == ("agreed", "advocate")
        assert nomination.claim is not None
        board.give_feedback(nomination.claim, side="advocate", grade=5, at=NOON + DAY)
        jobs.follow_claims(at=NOON + DAY)
        assert status(wanted) == ("agreed", "requester")
        desk.say_how_it_was(nomination.claim, grade=5, happened=True, at=NOON + 2 * DAY)
        assert status(wanted)[0] == "fulfilled"

    def test_done_without_a_time_the_requester_is_asked_how_it_was(self) -> None:
        ines = make_advocate("Ines")
        kind = make_kind("reference-email", purpose=Purpose.REFERENCE_CALLS, steps=["claimed", "delivered", "verified"])
        (nomination,) = nominated(wanted := filed(kind=kind), ines)
        nomination = desk.accept(nomination, times=[], at=NOON + 2 * HOUR)
        assert nomination.claim is not None
        board.deliver(nomination.claim, at=NOON + DAY)
        jobs.ask_requesters_how_it_was(at=NOON + DAY + HOUR)
        jobs.follow_claims(at=NOON + DAY + HOUR)
        jobs.ask_requesters_how_it_was(at=NOON + DAY + 2 * HOUR)
        assert status(wanted) == ("agreed", "requester")
        assert where_it_stands(wanted, [nomination], at=NOON + 2 * DAY) == "It is your turn: say how it was."
        assert mails_to(wanted.requester).count("request_how_was_it") == 1


@pytest.mark.django_db
class TestTheCall:
    def agreed(self, **fields: Any) -> tuple[ReferenceRequest, Nomination]:
        rita = make_user("Rita Morgan", Role.MANAGER)
        ines, wanted = make_advocate("Ines", pod=make_pod(rita)), filed(**fields)
        (nomination,) = nominated(wanted, ines)
        return wanted, desk.accept(nomination, times=TIMES, at=NOON + 5 * HOUR)

    def held(self) -> tuple[ReferenceRequest, Nomination]:
        wanted, nomination = self.agreed()
        desk.pick_time(nomination.times.all()[0], at=NOON + DAY)
        nomination.refresh_from_db()
        return wanted, nomination

    def test_the_requester_picks_one_of_the_times_and_both_get_it(self) -> None:
        wanted, nomination = self.agreed()
        claim = desk.pick_time(nomination.times.all()[1], at=NOON + DAY, by=wanted.requester)
        assert (claim.status, claim.scheduled_for) == ("scheduled", TIMES[1])
        assert status(wanted) == ("scheduled", "prospect")
        assert mails_to(wanted.requester)[-1] == "request_time_set"
        assert mails_to(nomination.advocate)[-1] == "claim_scheduled"
        ics = Message.objects.get(kind="request_time_set").params["calendar"]["ics"]
        assert "DTSTART:20260313T120000Z" in ics and "Kestrel Foods" in ics

    def test_picked_again_changes_nothing_and_another_time_is_refused(self) -> None:
        _wanted, nomination = self.held()
        first, second, _third = nomination.times.all()
        desk.pick_time(first, at=NOON + DAY)
        with pytest.raises(Refused, match="A time is set already"):
            desk.pick_time(second, at=NOON + DAY)
        assert Message.objects.filter(kind="request_time_set").count() == 1

    def test_a_time_that_has_passed_cannot_be_picked(self) -> None:
        _wanted, nomination = self.agreed()
        with pytest.raises(Refused, match="has passed"):
            desk.pick_time(nomination.times.all()[0], at=TIMES[0])

    def test_when_no_time_fits_the_advocate_is_asked_for_others(self) -> None:
        wanted, nomination = self.agreed()
        desk.no_time_fits(nomination, text="Mornings only", by=wanted.requester, at=NOON + DAY)
        assert status(wanted) == ("agreed", "advocate")
        assert mails_to(nomination.advocate)[-1] == "nomination_other_times"
        later = [one + 7 * DAY for one in TIMES]
        desk.propose_times(nomination, times=later, at=NOON + 2 * DAY)
        assert status(wanted) == ("agreed", "requester")
        assert [time.starts_at for time in nomination.times.all()] == later

    def test_both_sides_word_fulfils_the_request_books_points_and_opens_the_thank_you(self) -> None:
        wanted, nomination = self.held()
        claim, over = nomination.claim, TIMES[0] + HOUR
        assert claim is not None
        jobs.ask_requesters_how_it_was(at=TIMES[0])
        assert "request_how_was_it" not in mails_to(wanted.requester)
        jobs.follow_claims(at=over)
        jobs.ask_requesters_how_it_was(at=over)
        jobs.ask_requesters_how_it_was(at=over + HOUR)
        assert mails_to(wanted.requester).count("request_how_was_it") == 1
        assert status(wanted) == ("scheduled", "requester")
        desk.say_how_it_was(claim, grade=4, happened=True, text="Very open.", at=over, by=wanted.requester)
        assert status(wanted) == ("scheduled", "advocate")
        board.give_feedback(claim, side="advocate", grade=5, at=over + HOUR)
        jobs.follow_claims(at=over + 2 * HOUR)
        assert status(wanted) == ("fulfilled", "nobody")
        assert wanted.fulfilled_at == wanted.closed_at == over + 2 * HOUR
        claim.refresh_from_db()
        assert claim.status == "verified"
        assert points.total(nomination.advocate) == 80
        assert TrackRecord.objects.get(advocate=nomination.advocate).grade_sum == 4
        task = Task.objects.get(kind="thank")
        assert str(task.assignee) == "Rita Morgan"
        desk.thank(nomination, text="Thank you, Ines!", by=task.assignee, at=over + 3 * HOUR)
        task.refresh_from_db()
        assert task.done_at == over + 3 * HOUR and mails_to(nomination.advocate)[-1] == "thanks"
        assert not ClockSpan.objects.filter(request=wanted, ended_at__isnull=True).exists()

    def test_the_moment_of_fulfilment_never_changes(self) -> None:
        wanted, nomination = self.held()
        desk.verify(nomination, by=wanted.manager, at=TIMES[0] + HOUR)
        wanted.refresh_from_db()
        with pytest.raises(InternalError, match="Cannot update"), transaction.atomic():
            ReferenceRequest.objects.filter(pk=wanted.pk).update(fulfilled_at=NOON)
        desk.follow(nomination, at=TIMES[0] + 9 * DAY)
        wanted.refresh_from_db()
        assert wanted.fulfilled_at == TIMES[0] + HOUR

    def test_the_desk_vouches_where_a_side_stays_silent_but_not_before_it_took_place(self) -> None:
        wanted, nomination = self.held()
        with pytest.raises(Refused, match="has not come yet"):
            desk.verify(nomination, by=wanted.manager, at=NOON + DAY)
        desk.verify(nomination, by=wanted.manager, at=TIMES[0] + DAY)
        assert status(wanted)[0] == "fulfilled"

    def test_two_wanted_are_two_verified(self) -> None:
        rita = make_user("Rita Morgan", Role.MANAGER)
        wanted = filed(wanted=2)
        both = nominated(wanted, make_advocate("Ines", pod=make_pod(rita)), make_advocate("Omar"))
        for nomination in both:
            desk.accept(nomination, times=TIMES, at=NOON + 2 * HOUR)
        first, second = Nomination.objects.order_by("pk")
        desk.pick_time(first.times.all()[0], at=NOON + DAY)
        assert status(wanted) == ("agreed", "requester")
        desk.pick_time(second.times.all()[1], at=NOON + DAY)
        assert status(wanted) == ("scheduled", "prospect")
        desk.verify(first, by=rita, at=TIMES[0] + HOUR)
        assert status(wanted) == ("scheduled", "prospect")
        desk.verify(second, by=rita, at=TIMES[1] + HOUR)
        assert status(wanted) == ("fulfilled", "nobody")

    def test_a_prospect_who_did_not_come_costs_the_advocate_nothing(self) -> None:
        wanted, nomination = self.held()
        desk.missed(nomination, by_prospect=True, by=wanted.manager, at=TIMES[0] + HOUR)
        assert points.total(nomination.advocate) == 80
        assert status(wanted) == ("agreed", "requester")
        assert not TrackRecord.objects.exists()
        assert mails_to(wanted.requester)[-1] == "request_prospect_missed"
        told = Notification.objects.get(user=wanted.requester, kind="request_prospect_missed")
        assert "Kestrel Foods did not come to the call with Ines Barbosa" in told.text

    def test_after_a_missed_call_another_time_is_asked_for_and_found(self) -> None:
        wanted, nomination = self.held()
        over = TIMES[0] + HOUR
        desk.missed(nomination, by_prospect=True, by=wanted.manager, at=over)
        jobs.follow_claims(at=over + HOUR)
        assert mails_to(wanted.requester).count("request_prospect_missed") == 1
        desk.no_time_fits(nomination, text="Any morning", by=wanted.requester, at=over + HOUR)
        assert status(wanted) == ("agreed", "advocate")
        assert Message.objects.get(kind="nomination_other_times").params["again"] is True
        later = [one + 7 * DAY for one in TIMES]
        desk.propose_times(nomination, times=later, at=over + 2 * HOUR)
        jobs.follow_claims(at=over + 2 * HOUR)
        assert status(wanted) == ("agreed", "requester")
        claim = desk.pick_time(nomination.times.all()[1], at=over + 3 * HOUR)
        assert (claim.status, claim.scheduled_for, claim.sequence) == ("scheduled", later[1], 1)
        assert status(wanted) == ("scheduled", "prospect")
        desk.verify(nomination, by=wanted.manager, at=later[1] + HOUR)
        assert status(wanted)[0] == "fulfilled" and points.total(nomination.advocate) == 80

    def test_after_a_missed_call_the_desk_may_look_for_somebody_else(self) -> None:
        wanted, nomination = self.held()
        desk.missed(nomination, by_prospect=True, by=wanted.manager, at=TIMES[0] + HOUR)
        mei = make_advocate("Mei")
        with pytest.raises(Refused, match="Enough advocates"):
            nominated(wanted, mei, at=TIMES[0] + 2 * HOUR)
        desk.recall(nomination, by=wanted.manager, at=TIMES[0] + 2 * HOUR)
        assert status(wanted) == ("matching", "desk")
        nominated(wanted, mei, at=TIMES[0] + 3 * HOUR)

    def test_points_of_an_early_step_go_with_a_request_that_is_withdrawn(self) -> None:
        kind = call()
        kind.points_at = "claimed"
        kind.save()
        wanted = filed(kind=kind)
        nomination = desk.accept(nominated(wanted, make_advocate("Ines"))[0], times=TIMES, at=NOON + 2 * HOUR)
        assert points.total(nomination.advocate) == 80
        desk.withdraw(wanted, reason="The deal is lost.", by=wanted.requester, at=NOON + DAY)
        assert points.total(nomination.advocate) == 0

    def test_points_stay_when_a_request_ends_after_a_call_the_prospect_missed(self) -> None:
        wanted, nomination = self.held()
        desk.missed(nomination, by_prospect=True, by=wanted.manager, at=TIMES[0] + HOUR)
        later = [one + 7 * DAY for one in TIMES]
        desk.propose_times(nomination, times=later, at=TIMES[0] + 2 * HOUR)
        desk.pick_time(nomination.times.all()[1], at=TIMES[0] + 3 * HOUR)
        desk.withdraw(wanted, reason="The deal is lost.", by=wanted.requester, at=TIMES[0] + DAY)
        assert points.total(nomination.advocate) == 80

    def test_an_advocate_who_did_not_come_leaves_a_mark(self) -> None:
        wanted, nomination = self.held()
        desk.missed(nomination, by_prospect=False, by=wanted.manager, at=TIMES[0] + HOUR)
        assert TrackRecord.objects.get().missed == 1 and points.total(nomination.advocate) == 0

    def test_a_yes_taken_back_sends_the_desk_looking_again(self) -> None:
        wanted, nomination = self.held()
        assert nomination.claim is not None
        board.withdraw(nomination.claim, reason="I am ill", at=NOON + DAY)
        jobs.follow_claims(at=NOON + DAY)
        nomination.refresh_from_db()
        assert nomination.status == "recalled"
        assert status(wanted) == ("matching", "desk")
        assert Task.objects.filter(kind="find").exists()

    def test_a_moved_time_follows_in_the_requesters_calendar(self) -> None:
        _wanted, nomination = self.held()
        desk.move_time(nomination, starts_at=TIMES[2], by=None, at=NOON + DAY)
        mail = Message.objects.filter(kind="request_time_set").order_by("-pk")[0]
        assert mail.params["moved"] is True and "SEQUENCE:1" in mail.params["calendar"]["ics"]

    def test_a_yes_taken_back_leaves_the_requesters_calendar(self) -> None:
        _wanted, nomination = self.held()
        assert nomination.claim is not None
        board.withdraw(nomination.claim, reason="I am ill", at=NOON + DAY)
        jobs.follow_claims(at=NOON + DAY)
        file = Message.objects.get(kind="request_fell_through").params["calendar"]
        assert file["method"] == "CANCEL" and "SEQUENCE:1" in file["ics"]
        assert f"claim-{nomination.claim.public_id}@portal" in file["ics"]

    @pytest.mark.parametrize("own_word", [True, False])
    def test_a_request_that_ends_leaves_both_calendars_and_counts_for_nobody(self, own_word: bool) -> None:
        wanted, nomination = self.held()
        by = wanted.requester if own_word else wanted.manager
        desk.withdraw(wanted, reason="The deal is lost.", by=by, at=NOON + DAY)
        for kind in ("request_called_off", "claim_ended"):
            file = Message.objects.get(kind=kind).params["calendar"]
            assert file["method"] == "CANCEL" and "SEQUENCE:1" in file["ics"]
        assert Ask.objects.get(channel="desk").released_at == NOON + DAY
        ines = Advocate.objects.get(pk=nomination.advocate_id)
        assert ines.resting_until is None and ines.asks_in_year == 0

    def test_a_time_that_was_taken_away_meanwhile_cannot_be_picked(self) -> None:
        wanted, nomination = self.agreed()
        old = nomination.times.all()[0]
        desk.no_time_fits(nomination, text="Later", by=wanted.requester, at=NOON + DAY)
        with pytest.raises(Refused, match="The times have changed meanwhile"):
            desk.pick_time(old, at=NOON + DAY)

    def test_a_claim_is_followed_once_and_not_every_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        wanted, nomination = self.held()
        assert nomination.claim is not None
        over, followed = TIMES[0] + HOUR, []
        follow = desk.follow
        monkeypatch.setattr(desk, "follow", lambda one, at: (followed.append(one.pk), follow(one, at=at)))
        for minute in range(5):
            jobs.follow_claims(at=over + minute * timedelta(minutes=1))
        assert status(wanted) == ("scheduled", "requester") and len(followed) == 1
        desk.say_how_it_was(nomination.claim, grade=5, happened=True, at=over + HOUR)
        followed.clear()
        for minute in range(5):
            jobs.follow_claims(at=over + HOUR + minute * timedelta(minutes=1))
        assert status(wanted) == ("scheduled", "advocate") and not followed


@pytest.mark.django_db
class TestTheClock:
    def test_every_turn_is_a_span_and_the_desks_own_time_stands_apart(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        rita = make_user("Rita Morgan", Role.MANAGER)
        desk.assign(wanted, to=rita, at=NOON + HOUR)
        desk.ask_requester(wanted, text="Which language?", by=rita, at=NOON + 2 * HOUR)
        assert status(wanted) == ("matching", "requester")
        desk.answer_question(wanted, text="German", by=wanted.requester, at=NOON + 5 * HOUR)
        assert status(wanted) == ("matching", "desk")
        nominated(wanted, ines, at=NOON + 6 * HOUR)
        spent = times_of(wanted.spans.all(), at=NOON + 10 * HOUR)
        assert spent.by == {"desk": 3 * HOUR, "requester": 3 * HOUR, "advocate": 4 * HOUR}
        assert spent.elapsed == 10 * HOUR

    def test_one_yes_of_two_and_nobody_else_asked_is_the_desks_turn(self) -> None:
        ines, omar, wanted = make_advocate("Ines"), make_advocate("Omar"), filed(wanted=2)
        first, second = sorted(nominated(wanted, ines, omar), key=lambda one: one.advocate_id)
        desk.accept(first, times=TIMES, at=NOON + 2 * HOUR)
        assert status(wanted) == ("agreed", "requester")
        desk.decline(second, reason="", at=NOON + 3 * HOUR)
        assert status(wanted) == ("agreed", "desk")
        desk.pick_time(first.times.all()[0], at=NOON + 4 * HOUR)
        assert status(wanted) == ("scheduled", "desk")

    def test_a_request_is_handed_over_with_all_that_is_open(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        desk.decline(nomination, reason="", at=NOON + 2 * HOUR)
        lena = make_user("Lena", Role.LEAD)
        desk.assign(wanted, to=lena, at=NOON + 3 * HOUR, by=User.objects.get(name="Rita Morgan"))
        assert Task.objects.get(kind="find").assignee == lena
        assert Opportunity.objects.get(request=wanted).run_by == lena
        assert Notification.objects.get(user=lena).text == "The request for Kestrel Foods is yours now."
        desk.assign(wanted, to=lena, at=NOON + 4 * HOUR, by=lena)
        assert Notification.objects.filter(user=lena).count() == 1

    def test_who_takes_a_request_needs_no_news_of_it(self) -> None:
        rita = make_user("Rita Morgan", Role.MANAGER)
        desk.assign(filed(), to=rita, at=NOON, by=rita)
        assert not Notification.objects.exists()

    def test_a_question_while_advocates_are_asked_changes_nobodys_turn(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        desk.ask_requester(wanted, text="Which language?", by=wanted.requester, at=NOON + 2 * HOUR)
        assert status(wanted) == ("asked", "advocate")
        desk.decline(nomination, reason="", at=NOON + 3 * HOUR)
        assert status(wanted) == ("matching", "requester")

    def test_spans_are_never_edited_away(self) -> None:
        wanted = filed()
        desk.withdraw(wanted, reason="Deal is off", by=wanted.requester, at=NOON + HOUR)
        span = wanted.spans.get()
        for change in (
            lambda: ClockSpan.objects.filter(pk=span.pk).update(ended_at=NOON),
            lambda: ClockSpan.objects.filter(pk=span.pk).update(began_at=NOON + HOUR),
            lambda: ClockSpan.objects.filter(pk=span.pk).delete(),
        ):
            with pytest.raises(InternalError), transaction.atomic():
                change()


@pytest.mark.django_db
class TestTheEnd:
    def test_withdrawn_takes_everything_back_and_tells_whom_it_concerns(self) -> None:
        ines, omar, wanted = make_advocate("Ines"), make_advocate("Omar"), filed(wanted=2)
        first, second = nominated(wanted, ines, omar)
        Message.objects.update(status="sent", sent_at=NOON)
        desk.accept(first, times=TIMES, at=NOON + 2 * HOUR)
        desk.withdraw(wanted, reason="The deal is lost.", by=wanted.requester, at=NOON + DAY)
        assert status(wanted) == ("withdrawn", "nobody")
        assert wanted.closed_at == NOON + DAY and wanted.close_reason == "The deal is lost."
        first.refresh_from_db()
        second.refresh_from_db()
        assert {first.status, second.status} == {"recalled"}
        assert Claim.objects.get().status == "declined"
        assert mails_to(first.advocate)[-1] == "claim_ended"
        assert mails_to(second.advocate)[-1] == "nomination_taken_back"
        assert wanted.frame.status == "closed"
        with pytest.raises(Refused, match="has ended"):
            nominated(wanted, make_advocate("Mei"))

    def test_unfilled_needs_a_reason_is_told_and_can_be_opened_again(self) -> None:
        wanted, rita = filed(), make_user("Rita Morgan", Role.MANAGER)
        with pytest.raises(Refused, match="why"):
            desk.leave_unfilled(wanted, reason=" ", by=rita, at=NOON + DAY)
        desk.leave_unfilled(wanted, reason="Nobody in dairy yet.", by=rita, at=NOON + DAY)
        assert mails_to(wanted.requester) == ["request_filed", "request_ended"]
        desk.reopen(wanted, at=NOON + 2 * DAY)
        assert status(wanted) == ("matching", "desk") and wanted.closed_at is None


# --- At once ----------------------------------------------------------------------------------------------------------
def at_once(*calls: Callable[[], Any]) -> list[str]:
    """Run these at the same moment on connections of their own; what each came to, sorted."""
    barrier, results = threading.Barrier(len(calls)), []

    def run(one: Callable[[], Any]) -> None:
        try:
            barrier.wait(10)
            one()
            results.append("done")
        except Refused as refusal:
            results.append(str(refusal))
        except Exception as problem:  # a deadlock must not look like a refusal
            results.append(f"broken: {problem!r}")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[one]) for one in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return sorted(results)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_managers_nominate_the_same_advocate(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        rita, lena = make_user("Rita Morgan", Role.MANAGER), make_user("Lena", Role.LEAD)
        results = at_once(
            *(lambda who=who: desk.nominate(wanted, [Pick(ines.pk)], by=who, at=NOON) for who in (rita, lena))
        )
        assert results == ["Ines Barbosa: Asked for this request already.", "done"]
        assert Nomination.objects.count() == Ask.objects.count() == 1
        assert Message.objects.filter(kind="nomination").count() == 1

    def test_two_requests_want_the_same_advocate(self) -> None:
        ines, first, second = make_advocate("Ines"), filed(), filed()
        rita = make_user("Rita Morgan", Role.MANAGER)
        results = at_once(
            *(lambda one=one: desk.nominate(one, [Pick(ines.pk)], by=rita, at=NOON) for one in (first, second))
        )
        assert results.count("done") == 1 and "broken" not in results[0]
        assert Ask.objects.count() == 1

    def test_two_requests_want_the_same_two_in_the_other_order(self) -> None:
        people = [make_advocate(name) for name in ("Ines", "Omar")]
        rita, requests = make_user("Rita Morgan", Role.MANAGER), [filed(), filed()]
        picks = [[Pick(one.pk) for one in people], [Pick(one.pk) for one in reversed(people)]]
        results = at_once(
            *(
                lambda one=one, chosen=chosen: desk.nominate(one, chosen, by=rita, at=NOON)
                for one, chosen in zip(requests, picks, strict=True)
            )
        )
        assert results.count("done") == 1 and not any(result.startswith("broken") for result in results)

    def test_a_yes_meets_a_recall(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        results = at_once(
            lambda: desk.accept(nomination, times=TIMES, at=NOON + 2 * HOUR),
            lambda: desk.recall(nomination, by=None, at=NOON + 2 * HOUR),
        )
        nomination.refresh_from_db()
        assert "done" in results and len(set(results)) == 2 and not results[0].startswith("broken")
        assert (nomination.status, Claim.objects.count()) in (("accepted", 1), ("recalled", 0))

    def test_two_say_yes_and_one_is_wanted(self) -> None:
        wanted = filed()
        both = nominated(wanted, make_advocate("Ines"), make_advocate("Omar"))
        results = at_once(*(lambda one=one: desk.accept(one, times=TIMES, at=NOON + 2 * HOUR) for one in both))
        assert results.count("done") == 1 and not any(result.startswith("broken") for result in results)
        assert sorted(Nomination.objects.values_list("status", flat=True)) == ["accepted", "recalled"]
        assert Claim.objects.count() == 1

    def test_yeses_to_two_requests_that_recall_each_others_colleagues(self) -> None:
        food, steel = make_account(), make_account()
        ines, omar = make_advocate("Ines", food), make_advocate("Omar", steel)
        mei, noa = make_advocate("Mei", food), make_advocate("Noa", steel)
        first, second = filed(), filed()
        yes_first, _other = nominated(first, ines, omar)
        _other, yes_second = nominated(second, mei, noa)
        results = at_once(
            lambda: desk.accept(yes_first, times=TIMES, at=NOON + 2 * HOUR),
            lambda: desk.accept(yes_second, times=TIMES, at=NOON + 2 * HOUR),
        )
        assert results == ["done", "done"]

    def test_the_clock_and_a_person_move_the_same_request(self) -> None:
        ines, wanted = make_advocate("Ines"), filed()
        (nomination,) = nominated(wanted, ines)
        late = NOON + 80 * HOUR
        results = at_once(
            lambda: desk.expire(nomination, at=late),
            lambda: desk.decline(nomination, reason="", at=late),
            lambda: desk.ask_requester(wanted, text="Else?", by=wanted.requester, at=late),
        )
        assert not any(result.startswith("broken") for result in results)
        assert ClockSpan.objects.filter(request=wanted, ended_at__isnull=True).count() == 1
        assert Account.objects.count() == 1

    def test_an_owners_yes_and_no_and_the_desk_taking_it_back(self) -> None:
        olga = make_user("Olga Peters", Role.OWNER)
        ines = make_advocate("Ines", make_account("Acorn", owner=olga, owner_approves=True))
        (asked,) = nominated(filed(), ines)
        rita = User.objects.get(name="Rita Morgan")
        later = NOON + DAY
        results = at_once(
            lambda: desk.approve(asked, at=later, by=olga),
            lambda: desk.approve(asked, at=later, by=olga),
            lambda: desk.not_approved(asked, reason="No.", at=later, by=olga),
            lambda: desk.recall(asked, by=rita, at=later),
        )
        asked.refresh_from_db()
        assert not [one for one in results if one.startswith("broken")]
        mails = Message.objects.filter(kind="nomination").exclude(status="cancelled").count()
        assert mails == (asked.status == "asked")
        released = Ask.objects.get().released_at is not None
        assert released == (asked.status in ("refused", "recalled"))
