"""What the desk promises in office hours: by team and kind; it rests while others are waited for, and stands (D4)."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm.models import Program, StakeholderTeam
from advocacy.delivery.models import Notification
from advocacy.users.models import Role, User
from opportunities import clock, jobs
from opportunities.actions import desk
from opportunities.models import DeskHours, OpportunityKind, Promise, ReferenceRequest
from tests.factories import make_kind, make_user

pytestmark = pytest.mark.django_db
BERLIN, HOUR = ZoneInfo("Europe/Berlin"), timedelta(hours=1)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of March 2026 by the desk's clock; the 16th is a Monday."""
    return datetime(2026, 3, day, hour, minute, tzinfo=BERLIN)


@pytest.fixture(autouse=True)
def desk_in_berlin(db: None) -> None:
    Program.current()
    Program.objects.update(desk_time_zone="Europe/Berlin")
    DeskHours.objects.update_or_create(pk=1, defaults={"country": "", "days_off": []})
    Promise.objects.all().delete()
    Promise.objects.create(hours=8)


@pytest.fixture
def sam() -> User:
    return make_user("Sam Carter", Role.REQUESTER)


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def call() -> OpportunityKind:
    return make_kind("reference-call", for_requests=True)


def file(sam: User, call: OpportunityKind, moment: datetime, **fields: Any) -> ReferenceRequest:
    filed = desk.file_request(
        requester=sam, kind=call, prospect="Kestrel Foods", needed_by=date(2027, 6, 1), at=moment, **fields
    )
    return ReferenceRequest.objects.get(pk=filed.pk)


def again(wanted: ReferenceRequest) -> ReferenceRequest:
    return ReferenceRequest.objects.get(pk=wanted.pk)


class TestWhatIsPromised:
    def test_the_most_exact_promise_counts_and_stays_with_the_request(self, sam: User, call: OpportunityKind) -> None:
        sales, press = (StakeholderTeam.objects.create(name=name, slug=name) for name in ("sales", "press"))
        Promise.objects.create(team=sales, hours=6)
        Promise.objects.create(kind=call, hours=4)
        Promise.objects.create(team=press, kind=call, hours=2)
        other = make_kind("reference-email", for_requests=True)
        assert clock.promised_hours(press, call) == 2
        assert clock.promised_hours(sales, call) == 4
        assert clock.promised_hours(sales, other) == 6
        assert clock.promised_hours(None, other) == 8
        wanted = file(sam, call, at(16, 10))
        Promise.objects.update(hours=1)
        assert again(wanted).promised_hours == 4

    def test_without_a_promise_nothing_is_due(self, sam: User, call: OpportunityKind) -> None:
        Promise.objects.all().delete()
        wanted = file(sam, call, at(16, 10))
        assert (wanted.promised_hours, wanted.promise_due_at) == (None, None)
        jobs.desk.keep_promises(at=at(30, 10))
        assert again(wanted).promise_broken_at is None

    def test_two_promises_for_the_same_are_refused(self) -> None:
        with pytest.raises(ValidationError, match="Change that one"):
            Promise(hours=3).full_clean()


class TestTheClock:
    def test_it_runs_in_office_hours_only(self, sam: User, call: OpportunityKind) -> None:
        assert file(sam, call, at(13, 16)).promise_due_at == at(16, 16)  # Friday at four: Monday at four

    def test_public_holidays_and_the_companys_own_are_days_off(self, sam: User, call: OpportunityKind) -> None:
        DeskHours.objects.update(country="DE", days_off=[date(2026, 4, 7)])
        maundy_thursday = datetime(2026, 4, 2, 13, tzinfo=BERLIN)
        # Good Friday, the weekend, Easter Monday, and a day of the company's own.
        assert file(sam, call, maundy_thursday).promise_due_at == datetime(2026, 4, 8, 13, tzinfo=BERLIN)

    def test_it_rests_while_the_requester_is_waited_for(self, sam: User, rita: User, call: OpportunityKind) -> None:
        wanted = file(sam, call, at(16, 10))
        desk.ask_requester(wanted, text="Which product?", by=rita, at=at(16, 12))
        resting = again(wanted)
        assert (resting.promise_due_at, resting.desk_used) == (None, 2 * HOUR)
        jobs.desk.keep_promises(at=at(20, 10))
        assert again(wanted).promise_broken_at is None
        desk.answer_question(wanted, text="Planning.", by=sam, at=at(20, 9))
        assert again(wanted).promise_due_at == at(20, 15)

    def test_new_office_hours_count_for_what_is_under_way(self, sam: User, call: OpportunityKind) -> None:
        wanted = file(sam, call, at(16, 10))
        DeskHours.objects.update(opens=time(8), closes=time(12))
        assert desk.count_promises_anew(at=at(16, 11)) == 1
        assert again(wanted).promise_due_at == at(18, 10)


class TestBroken:
    @pytest.fixture
    def broken(self, sam: User, rita: User, call: OpportunityKind) -> ReferenceRequest:
        wanted = file(sam, call, at(16, 10))
        desk.assign(wanted, to=rita, at=at(16, 10), by=rita)
        jobs.desk.keep_promises(at=at(18, 9))
        return again(wanted)

    def test_it_is_on_record_at_its_own_moment_however_late_the_clock_looks(self, broken: ReferenceRequest) -> None:
        assert (broken.promise_broken_at, broken.promise_due_at) == (at(17, 10), None)
        assert "8 office hours" in broken.notes.get().text

    def test_the_manager_is_told_once(self, broken: ReferenceRequest, rita: User) -> None:
        for hour in (9, 10, 11):
            jobs.desk.keep_promises(at=at(18, hour))
        assert Notification.objects.filter(user=rita, kind__endswith="promise_broken").count() == 1
        assert broken.notes.count() == 1

    def test_nobody_edits_it_away(self, broken: ReferenceRequest) -> None:
        for change in ({"promise_broken_at": None}, {"promise_broken_at": at(19, 9)}):
            with pytest.raises(DatabaseError), transaction.atomic():
                ReferenceRequest.objects.filter(pk=broken.pk).update(**change)

    def test_it_stays_when_the_clock_rests_later_and_when_the_hours_change(
        self, broken: ReferenceRequest, rita: User
    ) -> None:
        desk.ask_requester(broken, text="Which product?", by=rita, at=at(18, 12))
        DeskHours.objects.update(closes=time(20))
        desk.count_promises_anew(at=at(18, 13))
        assert again(broken).promise_broken_at == at(17, 10)

    def test_one_used_up_before_anybody_looked_is_broken_all_the_same(
        self, sam: User, rita: User, call: OpportunityKind
    ) -> None:
        """The clock was down all week; on Friday Rita asks back."""
        wanted = file(sam, call, at(16, 10))
        desk.ask_requester(wanted, text="Which product?", by=rita, at=at(20, 10))
        assert again(wanted).promise_broken_at == at(17, 10)

    def test_whoever_can_help_is_warned_two_hours_before_once(
        self, sam: User, rita: User, call: OpportunityKind
    ) -> None:
        file(sam, call, at(16, 10))
        for moment in (at(17, 7, 55), at(17, 8, 5), at(17, 8, 10)):
            jobs.desk.keep_promises(at=moment)
        assert [one.text for one in Notification.objects.filter(user=rita, kind__endswith="promise_soon")] == [
            "Kestrel Foods: our promise is used up at 10:00."
        ]


class TestOnTheDesk:
    def test_the_queue_and_the_page_say_how_it_stands(
        self, client: Client, sam: User, rita: User, call: OpportunityKind
    ) -> None:
        wanted = file(sam, call, at(16, 10))
        jobs.desk.keep_promises(at=at(18, 9))
        client.force_login(rita)
        queue = reverse("admin:opportunities_referencerequest_changelist")
        for url in (f"{queue}?view=promised", reverse("admin:opportunities_referencerequest_change", args=[wanted.pk])):
            assert "Promise broken 17 Mar" in client.get(url).content.decode()

    def test_leads_say_the_hours_by_the_names_of_the_days(
        self, client: Client, sam: User, call: OpportunityKind
    ) -> None:
        file(sam, call, timezone.now())
        client.force_login(make_user("Lena Novak", Role.LEAD))
        url = reverse("admin:opportunities_deskhours_change", args=[1])
        said = {"opens": "08:00", "closes": "12:00", "weekdays": ["0", "5"], "country": "de", "subdivision": "by"}
        assert "Saturday" in client.get(url).content.decode()
        answer = client.post(url, {**said, "days_off": "2026-12-24"}, follow=True)
        assert "1 promise under way was counted anew." in answer.content.decode()
        hours = DeskHours.objects.get()
        assert (hours.weekdays, hours.country, hours.subdivision) == ([0, 5], "DE", "BY")
        refused = client.post(url, {**said, "weekdays": []}).content.decode()
        assert "Tick at least one day" in refused

    def test_hours_that_make_no_sense_are_refused_in_words(self) -> None:
        for fields, said in (
            ({"country": "XX"}, "not known"), ({"country": "DE", "subdivision": "ZZ"}, "known parts of DE"),
            ({"weekdays": []}, "at least one day"), ({"opens": time(18)}, "closes after"),
        ):  # fmt: skip
            with pytest.raises(ValidationError) as refused:
                DeskHours(pk=1, **fields).full_clean(validate_unique=False)
            assert said in str(refused.value)
