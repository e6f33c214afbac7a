"""What the clock does for claims: reminders once each, the waitlist, closing; and the mails and files that go out."""

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from icalendar import Calendar

from advocacy.crm.catalogue import Purpose
from advocacy.delivery import rendering
from advocacy.delivery.models import Message
from advocacy.lib import calendar
from advocates.models import Task
from opportunities.actions import board as actions
from opportunities.jobs import board as jobs
from opportunities.mails import board as board_mails
from opportunities.models import COURSE, Claim, Group, Opportunity, OpportunityKind, Waiting
from opportunities.models.board import validate_questions
from tests.factories import NOON, make_advocate, make_opportunity, make_pod, make_user

pytestmark = pytest.mark.django_db

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def talk(**fields: Any) -> Opportunity:
    kind = OpportunityKind.objects.update_or_create(
        slug="talk",
        defaults={
            "name": "Talk",
            "points": 80,
            "minutes": 30,
            "steps": ["claimed", "scheduled", "delivered", "verified"],
        },
    )[0]
    return make_opportunity(fields.pop("title", "Talk to a food producer"), kind=kind, **fields)


@pytest.fixture
def claim() -> Claim:
    """A call on Thursday at noon."""
    pod = make_pod(make_user("Rita Morgan", "manager"))
    claim = actions.claim(make_advocate("Ines", pod=pod), talk(), at=NOON)
    return actions.schedule(claim, starts_at=NOON + 2 * DAY, minutes=30, at=NOON)


def mails(kind: str) -> list[Message]:
    return list(Message.objects.filter(kind=kind).order_by("pk"))


class TestReminders:
    def test_come_a_day_and_an_hour_before_each_once(self, claim: Claim) -> None:
        for minutes in range(0, 3 * 24 * 60, 30):
            jobs.remind(at=NOON + minutes * MINUTE)
        assert [mail.params["ahead"] for mail in mails("claim_reminder")] == ["day", "hour"]
        assert [mail.due_at for mail in mails("claim_reminder")] == [NOON + DAY, NOON + 2 * DAY - HOUR]

    def test_a_moved_time_is_reminded_of_anew(self, claim: Claim) -> None:
        jobs.remind(at=NOON + DAY)
        actions.reschedule(claim, starts_at=NOON + 5 * DAY, at=NOON + DAY)
        jobs.remind(at=NOON + 2 * DAY - HOUR)
        jobs.remind(at=NOON + 4 * DAY)
        assert [mail.params["ahead"] for mail in mails("claim_reminder")] == ["day", "day"]

    def test_nobody_is_reminded_of_what_was_taken_back(self, claim: Claim) -> None:
        actions.withdraw(claim, reason="Ill.", at=NOON + HOUR)
        jobs.remind(at=NOON + DAY)
        assert mails("claim_reminder") == []

    def test_a_clock_that_stood_still_does_not_remind_too_late(self, claim: Claim) -> None:
        jobs.remind(at=NOON + 2 * DAY + MINUTE)
        assert mails("claim_reminder") == []


class TestHowWasIt:
    def test_is_asked_once_when_it_should_be_over(self, claim: Claim) -> None:
        for minutes in (0, 29, 31, 60, 24 * 60):
            jobs.ask_how_it_was(at=NOON + 2 * DAY + minutes * MINUTE)
        assert [mail.due_at for mail in mails("claim_how_was_it")] == [NOON + 2 * DAY + 31 * MINUTE]

    def test_not_of_somebody_who_has_said_it(self, claim: Claim) -> None:
        actions.give_feedback(claim, side="advocate", grade=5, happened=False, at=NOON + 2 * DAY + MINUTE)
        jobs.ask_how_it_was(at=NOON + 2 * DAY + HOUR)
        assert mails("claim_how_was_it") == []

    def test_also_where_others_have_spoken_first(self, claim: Claim) -> None:
        over = NOON + 2 * DAY + 31 * MINUTE
        actions.give_feedback(claim, side="requester", grade=5, at=over)
        claim.refresh_from_db()
        assert claim.status == "delivered"
        for hours in range(3):
            jobs.ask_how_it_was(at=over + hours * HOUR)
        assert [mail.contact for mail in mails("claim_how_was_it")] == [claim.advocate.contact]

    @pytest.mark.parametrize(("days", "asked"), [(13, 1), (15, 0)])
    def test_what_is_verified_is_asked_about_for_two_weeks(self, claim: Claim, days: int, asked: int) -> None:
        actions.verify(claim, at=NOON + 3 * DAY)
        jobs.ask_how_it_was(at=NOON + (2 + days) * DAY)
        assert len(mails("claim_how_was_it")) == asked


class TestTheLine:
    def test_moves_on_when_an_offer_runs_out(self) -> None:
        opportunity = talk(seats=1)
        first = actions.claim(make_advocate("Ines"), opportunity, at=NOON)
        omar, mei = make_advocate("Omar"), make_advocate("Mei")
        actions.wait(omar, opportunity, at=NOON)
        actions.wait(mei, opportunity, at=NOON + MINUTE)
        actions.withdraw(first, reason="Ill.", at=NOON + HOUR)
        jobs.keep_the_line_moving(at=NOON + 2 * HOUR)
        assert Waiting.objects.get(advocate=mei).offered_at is None
        later = NOON + HOUR + actions.OFFER_LASTS
        jobs.keep_the_line_moving(at=later)
        jobs.keep_the_line_moving(at=later + MINUTE)
        assert (Waiting.objects.get(advocate=omar).ended_at, Waiting.objects.get(advocate=mei).offered_at) == (
            later,
            later,
        )
        assert [mail.contact for mail in mails("seat_free")] == [omar.contact, mei.contact]

    def test_finds_a_seat_an_action_missed(self) -> None:
        opportunity = talk(seats=1)
        claim = actions.claim(make_advocate("Ines"), opportunity, at=NOON)
        actions.wait(make_advocate("Omar"), opportunity, at=NOON)
        Claim.objects.filter(pk=claim.pk).update(status="declined")  # somebody's hand in the database
        jobs.keep_the_line_moving(at=NOON + MINUTE)
        assert Waiting.objects.get().offered_at == NOON + MINUTE

    def test_stands_still_once_it_is_closed(self) -> None:
        opportunity = talk(seats=1, closes_at=NOON + HOUR)
        claim = actions.claim(make_advocate("Ines"), opportunity, at=NOON)
        actions.wait(make_advocate("Omar"), opportunity, at=NOON)
        actions.withdraw(claim, reason="Ill.", at=NOON + 2 * HOUR)
        assert Waiting.objects.get().offered_at is None

    def test_an_offer_never_outlasts_the_closing(self) -> None:
        opportunity = talk(seats=1, closes_at=NOON + 3 * HOUR)
        claim = actions.claim(make_advocate("Ines"), opportunity, at=NOON)
        actions.wait(make_advocate("Omar"), opportunity, at=NOON)
        actions.withdraw(claim, reason="Ill.", at=NOON + HOUR)
        assert Waiting.objects.get().offer_until == NOON + 3 * HOUR


def test_what_is_over_is_closed() -> None:
    over, open_still = talk(closes_at=NOON), talk(title="Another", closes_at=NOON + DAY)
    jobs.close_what_is_over(at=NOON)
    over.refresh_from_db()
    open_still.refresh_from_db()
    assert (over.status, open_still.status) == ("closed", "open")


class TestMails:
    def test_the_time_comes_with_an_invitation_that_a_later_one_moves_and_the_last_cancels(self, claim: Claim) -> None:
        actions.reschedule(claim, starts_at=NOON + 3 * DAY, at=NOON + HOUR)
        actions.decline(claim, reason="We found somebody nearer.", at=NOON + 2 * HOUR)
        files = [
            mail.params["calendar"]["ics"] for mail in Message.objects.filter(params__has_key="calendar").order_by("pk")
        ]
        events = [Calendar.from_ical(file).walk("VEVENT")[0] for file in files]
        methods = [str(Calendar.from_ical(file)["METHOD"]) for file in files]
        assert methods == ["REQUEST", "REQUEST", "CANCEL"]
        assert [int(event["SEQUENCE"]) for event in events] == [0, 1, 2]
        assert {str(event["UID"]) for event in events} == {claim.calendar_uid}
        assert [event["DTSTART"].dt for event in events] == [NOON + 2 * DAY, NOON + 3 * DAY, NOON + 3 * DAY]

    def test_say_it_on_the_readers_clock(self, claim: Claim) -> None:
        mail = mails("claim_scheduled")[0]
        mail.time_zone = "America/New_York"
        text = rendering.render(mail).text
        assert "Thursday 12 March 2026, 08:00" in text
        assert "/calendar/" in text

    @pytest.mark.parametrize(
        ("step", "sentence"),
        [
            ("scheduled", "agree on a time"),
            ("delivered", "When it is done, say so"),
            ("confirmed", "confirm it to you"),
        ],
    )
    def test_a_claim_says_what_comes_next(self, claim: Claim, step: str, sentence: str) -> None:
        mail = mails("claim_received")[0]
        mail.params["next_step"] = step
        assert sentence in rendering.render(mail).text

    @pytest.mark.parametrize(
        ("because", "sentence"),
        [("called_off", "was called off"), ("declined", "could not take you up"), ("other_side_missed", "80 points")],
    )
    def test_an_end_says_why(self, claim: Claim, because: str, sentence: str) -> None:
        board_mails.claim_ended(claim, at=NOON, because=because)
        assert sentence in rendering.render(mails("claim_ended")[0]).text


def test_a_move_by_the_advocate_is_told_to_whoever_looks_after_it(claim: Claim) -> None:
    actions.reschedule(claim, starts_at=NOON + 4 * DAY, at=NOON + HOUR, by=claim.advocate.user)
    task = Task.objects.get()
    assert (task.assignee, "14 March 2026" in task.text) == (claim.advocate.manager, True)


class TestTheCalendarFile:
    def test_names_and_texts_stay_what_they_are(self) -> None:
        file = calendar.invite(
            uid="a@b", sequence=3, starts_at=NOON, minutes=45, summary="Talk;\nwith, Inês\\", description="Line\nLine",
            organizer=("Rita \"R\" Morgan", "rita@company.test"), attendees=["ines@customer.test"], location="Café 7",
            stamped_at=NOON,
        )  # fmt: skip
        event = Calendar.from_ical(file).walk("VEVENT")[0]
        assert str(event["SUMMARY"]) == "Talk; with, Inês\\"
        assert str(event["DESCRIPTION"]) == "Line\nLine"
        assert (event["DTEND"].dt - event["DTSTART"].dt) == timedelta(minutes=45)
        assert event["ATTENDEE"].params["PARTSTAT"] == "NEEDS-ACTION"
        assert all(len(line) <= 75 for line in file.split(b"\r\n"))

    def test_an_address_cannot_bring_lines_of_its_own(self) -> None:
        with pytest.raises(ValueError, match="address"):
            calendar.invite(
                uid="a", sequence=0, starts_at=NOON, minutes=30, summary="x", organizer="a@b.test\r\nATTACH:http://x"
            )


class TestTheKindsToBeginWith:
    """The 23 of the specification, seeded once; what somebody has changed since stays."""

    @pytest.fixture
    def kinds(self) -> dict[str, OpportunityKind]:
        OpportunityKind.objects.filter(slug="webinar").delete()
        OpportunityKind.objects.update_or_create(
            slug="survey",
            defaults={
                "name": "Survey",
                "points": 7,
                "minutes": 10,
                "group": "betas",
                "steps": ["claimed", "delivered", "verified"],
            },
        )
        seed = import_module("opportunities.migrations.0003_the_kinds")
        for _twice in range(2):
            seed.seed(apps, None)
        slugs = [row[0] for row in seed.KINDS]
        assert len(slugs) == len(set(slugs)) == 23
        return {kind.slug: kind for kind in OpportunityKind.objects.filter(slug__in=slugs)}

    def test_are_all_there_and_make_sense(self, kinds: dict[str, OpportunityKind]) -> None:
        assert len(kinds) == 23
        for kind in kinds.values():
            assert kind.minutes > 0
            assert kind.steps == [step for step in COURSE if step in kind.steps]
            assert (kind.steps[0], kind.steps[-1]) == ("claimed", "verified")
            assert kind.points_at in kind.steps
            assert kind.group in Group.values
            assert kind.purpose in {"", *Purpose.values}
            validate_questions(kind.questions)
        assert kinds["survey"].points == 7

    def test_ask_for_the_consent_they_use(self, kinds: dict[str, OpportunityKind]) -> None:
        wanted = {
            "reference-call": Purpose.REFERENCE_CALLS, "site-visit": Purpose.MEETING_PROSPECTS, "quote": Purpose.QUOTE,
            "testimonial-video": Purpose.RECORDING, "name-and-logo": Purpose.NAME_AND_LOGO,
            "media-interview": Purpose.MEDIA_ANALYSTS, "beta-test": Purpose.BETA_ADVISORY, "review-site-review": "",
        }  # fmt: skip
        assert {slug: kinds[slug].purpose for slug in wanted} == wanted
        assert [slug for slug, kind in kinds.items() if kind.is_review] == ["review-site-review"]
