"""The editorial calendar: noted, given a day, approved, moved, published on time and once; what is missing is said."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from advocacy.crm.models import Program
from advocacy.delivery.models import Notification
from advocacy.lib import planned
from advocacy.lib.lifecycle import IllegalMove, Refused
from advocacy.lib.planned import Planned, Source
from advocacy.users.actions import set_roles
from advocacy.users.models import Role, User
from advocates.models import Launch
from community import actions as community
from community.models import Space, Topic
from newsletter import outlook
from newsletter.actions import calendar as actions
from newsletter.actions import editions
from newsletter.jobs import calendar as jobs
from newsletter.jobs import editions as edition_jobs
from newsletter.models import CalendarSettings, Edition, Entry, MovedSlot
from tests.conftest import QueriesOf
from tests.factories import make_advocate, make_user

pytestmark = pytest.mark.django_db

TODAY = date(2026, 3, 10)
"""A Tuesday."""
NOW = datetime(2026, 3, 10, 11, 0, tzinfo=UTC)
THURSDAY = date(2026, 3, 12)
THURSDAY_NINE = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)
"""Nine o'clock in Berlin, where the desk is."""


@pytest.fixture(autouse=True)
def berlin() -> None:
    Program.current()
    Program.objects.update(desk_time_zone="Europe/Berlin")


@pytest.fixture
def maya() -> User:
    return make_user("Maya", Role.MODERATOR)


@pytest.fixture
def space() -> Space:
    return Space.objects.create(slug="cal-rollouts", name="Rollouts at last")


def put(maya: User, title: str = "Five checks", day: date | None = THURSDAY, **more: Any) -> Entry:
    fields = {"body": "One, two, **three**.", "type": "educational", "at": NOW, **more}
    if "space" not in fields:
        fields["space"] = Space.objects.get_or_create(slug="cal-rollouts", defaults={"name": "Rollouts at last"})[0]
    return actions.add(by=maya, title=title, day=day, **fields)


def approved(maya: User, title: str = "Five checks", day: date | None = THURSDAY, **more: Any) -> Entry:
    return actions.approve(put(maya, title, day, **more), by=maya, at=NOW)


def told(maya: User) -> list[str]:
    kinds = Notification.objects.filter(user=maya, kind__startswith="calendar.").order_by("pk")
    return [one.text for one in kinds]


class TestPublishing:
    def test_at_its_hour_as_a_topic_by_its_owner_in_its_space(self, maya: User) -> None:
        entry = approved(maya)
        jobs.publish_entries(at=THURSDAY_NINE - timedelta(seconds=1))
        assert not Topic.objects.exists()
        jobs.publish_entries(at=THURSDAY_NINE)
        topic = Topic.objects.get()
        assert (topic.title, topic.author, topic.space.name) == ("Five checks", maya, "Rollouts at last")
        assert (topic.type, topic.at) == (Topic.Type.RESOURCE, THURSDAY_NINE)
        assert "<strong>three</strong>" in topic.html
        entry.refresh_from_db()
        assert (entry.status, entry.topic, entry.published_at) == ("published", topic, THURSDAY_NINE)
        assert told(maya) == []

    @pytest.mark.parametrize(
        ("kind", "type", "becomes"),
        [
            ("post", "announcement", "announcement"), ("post", "networking", "discussion"),
            ("post", "fun", "discussion"), ("post", "story", "story"), ("post", "spotlight", "spotlight"),
            ("post", "challenge", "challenge"), ("prompt", "educational", "discussion"),
            ("challenge", "fun", "challenge"), ("event", "networking", "event"),
        ],
    )  # fmt: skip
    def test_what_each_kind_becomes(self, maya: User, kind: str, type: str, becomes: str) -> None:
        approved(maya, kind=kind, type=type)
        jobs.publish_entries(at=THURSDAY_NINE)
        assert Topic.objects.get().type == becomes

    def test_once_however_often_and_wherever_the_clock_strikes(self, maya: User) -> None:
        read_before = approved(maya)
        for seconds in range(4):
            jobs.publish_entries(at=THURSDAY_NINE + timedelta(seconds=seconds))
        actions.publish(read_before, at=THURSDAY_NINE)  # a clock that read it before
        assert Topic.objects.count() == 1

    def test_even_a_lost_mark_makes_no_second_topic(self, maya: User) -> None:
        entry = approved(maya)
        actions.publish(entry, at=THURSDAY_NINE)
        Entry.objects.update(status="approved", topic=None, published_at=None)
        actions.publish(entry, at=THURSDAY_NINE)
        assert Topic.objects.count() == 1

    def test_nothing_that_nobody_approved(self, maya: User) -> None:
        put(maya)
        put(maya, "An idea", None)
        jobs.publish_entries(at=THURSDAY_NINE + timedelta(hours=1))
        assert not Topic.objects.exists()

    def test_taking_the_approval_back_stops_it(self, maya: User) -> None:
        entry = approved(maya)
        actions.unapprove(entry)
        jobs.publish_entries(at=THURSDAY_NINE)
        actions.publish(entry, at=THURSDAY_NINE)
        assert not Topic.objects.exists()
        with pytest.raises(IllegalMove):
            actions.publish(approved(maya, "Other"), at=THURSDAY_NINE).move_to("draft")

    def test_late_it_is_published_late_and_that_is_said(self, maya: User) -> None:
        approved(maya)
        jobs.publish_entries(at=THURSDAY_NINE + timedelta(hours=12))
        assert Topic.objects.get().at == THURSDAY_NINE + timedelta(hours=12)
        assert told(maya) == ["“Five checks”: Published late: at 12 March, 21:00 instead of 12 March, 09:00."]

    def test_too_late_it_is_missed_and_a_person_decides(self, maya: User) -> None:
        entry = approved(maya)
        much_later = THURSDAY_NINE + timedelta(hours=12, seconds=1)
        jobs.publish_entries(at=much_later)
        entry.refresh_from_db()
        assert (entry.status, Topic.objects.count()) == ("missed", 0)
        assert "was not published on 12 March" in told(maya)[0]
        actions.approve(entry, by=maya, at=much_later, now=True)
        jobs.publish_entries(at=much_later)
        assert Topic.objects.count() == 1

    def test_how_late_is_a_setting(self, maya: User) -> None:
        CalendarSettings.objects.create(pk=1, late_hours=1)
        approved(maya)
        jobs.publish_entries(at=THURSDAY_NINE + timedelta(hours=2))
        assert not Topic.objects.exists()

    def test_a_draft_whose_day_is_over_is_missed(self, maya: User) -> None:
        entry = put(maya)
        jobs.warn_about_unapproved_entries(at=THURSDAY_NINE + timedelta(hours=11))
        assert Entry.objects.get().status == "draft"
        jobs.warn_about_unapproved_entries(at=THURSDAY_NINE + timedelta(hours=13))
        entry.refresh_from_db()
        assert (entry.status, entry.result) == ("missed", "Nobody approved it in time.")
        assert len(told(maya)) == 1

    def test_the_day_before_its_owner_is_told_once_that_it_waits(self, maya: User) -> None:
        put(maya)
        for hours in (25, 24, 12, 1):
            jobs.warn_about_unapproved_entries(at=THURSDAY_NINE - timedelta(hours=hours))
        assert told(maya) == [
            "“Five checks” is due on Thursday, 09:00 and not approved. Without a yes it is not published."
        ]

    def test_a_space_closed_meanwhile_keeps_it_from_vanishing(self, maya: User, space: Space) -> None:
        entry = approved(maya)
        Space.objects.filter(pk=space.pk).update(is_open=False)
        jobs.publish_entries(at=THURSDAY_NINE)
        entry.refresh_from_db()
        assert entry.status == "missed"
        assert "is closed" in told(maya)[0]

    def test_nobody_is_made_to_speak_who_may_not_any_more(self, maya: User) -> None:
        omar = make_user("Omar", Role.MODERATOR)
        approved(maya, owner=omar)
        set_roles(omar, [Role.READER])
        jobs.publish_entries(at=THURSDAY_NINE)
        assert not Topic.objects.exists()
        assert "cannot publish here any more" in told(maya)[0]
        assert told(omar) == []

    def test_one_that_fails_does_not_hold_up_the_others(self, maya: User, monkeypatch: pytest.MonkeyPatch) -> None:
        approved(maya, "Breaks")
        approved(maya, "Works")

        def start_topic(*args: Any, **kwargs: Any) -> Any:
            if kwargs["title"] == "Breaks":
                raise RuntimeError("no")
            return original(*args, **kwargs)

        original = community.start_topic
        monkeypatch.setattr(community, "start_topic", start_topic)
        with pytest.raises(RuntimeError):
            jobs.publish_entries(at=THURSDAY_NINE)
        assert Topic.objects.get().title == "Works"
        monkeypatch.undo()
        jobs.publish_entries(at=THURSDAY_NINE)
        assert Topic.objects.count() == 2

    def test_nine_stays_nine_when_the_clocks_change(self, maya: User) -> None:
        entry = put(maya, day=date(2026, 3, 27))
        assert entry.due_at == datetime(2026, 3, 27, 8, tzinfo=UTC)
        actions.move(entry, day=date(2026, 3, 30), seen=date(2026, 3, 27), at=NOW)
        entry.refresh_from_db()
        assert entry.due_at == datetime(2026, 3, 30, 7, tzinfo=UTC)


class TestApproving:
    @pytest.mark.parametrize(
        ("lacking", "sentence"),
        [({"day": None}, "a day first"), ({"body": " "}, "title and a text"), ({"space": None}, "Choose the space")],
    )
    def test_what_is_not_ready_says_what_is_missing(self, maya: User, lacking: Any, sentence: str) -> None:
        with pytest.raises(Refused, match=sentence):
            actions.approve(put(maya, **lacking), by=maya, at=NOW)

    def test_only_what_was_read_is_approved(self, maya: User) -> None:
        entry = put(maya)
        seen = actions.fingerprint(entry)
        actions.change(entry, body="Something else.")
        with pytest.raises(Refused, match="changed since"):
            actions.approve(entry, by=maya, at=NOW, seen=seen)

    def test_what_is_approved_is_not_changed_any_more(self, maya: User) -> None:
        entry = approved(maya)
        with pytest.raises(Refused, match="Take the approval back"):
            actions.change(entry, title="Other")
        with pytest.raises(Refused, match="Take the approval back"):
            actions.drop(entry)

    def test_two_editors_do_not_write_over_each_other(self, maya: User) -> None:
        entry = put(maya)
        seen = actions.fingerprint(entry)
        actions.change(entry, seen=seen, body="Maya's words.")
        with pytest.raises(Refused, match="What it says now"):
            actions.change(entry, seen=seen, body="Omar's words.")

    def test_set_aside_and_taken_back(self, maya: User) -> None:
        entry = actions.drop(put(maya))
        assert planned.between(TODAY, THURSDAY, now=NOW) == []
        with pytest.raises(Refused, match="set aside"):
            actions.move(entry, day=TODAY, seen=THURSDAY, at=NOW)
        assert actions.take_back(entry, at=NOW).due_at == THURSDAY_NINE
        actions.drop(entry)
        assert actions.take_back(entry, at=THURSDAY_NINE + timedelta(days=1)).due_at is None

    def test_the_database_holds_what_goes_together(self, maya: User) -> None:
        entry = put(maya)
        for wrong in (
            {"status": "published"},
            {"status": "approved", "due_at": None},
            {"type": "odd"},
            {"kind": "odd"},
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                Entry.objects.filter(pk=entry.pk).update(approved_at=NOW, **wrong)


class TestMoving:
    def test_to_another_day_its_hour_and_approval_stay(self, maya: User) -> None:
        entry = actions.move(approved(maya, hour=time(15)), day=date(2026, 3, 17), seen=THURSDAY, at=NOW)
        entry.refresh_from_db()
        assert (entry.due_at, entry.status) == (datetime(2026, 3, 17, 14, tzinfo=UTC), "approved")

    def test_an_idea_gets_a_day_at_the_usual_hour(self, maya: User) -> None:
        CalendarSettings.objects.create(pk=1, usual_hour=time(7, 30))
        entry = actions.move(put(maya, day=None), day=THURSDAY, seen=None, at=NOW)
        assert entry.due_at == datetime(2026, 3, 12, 6, 30, tzinfo=UTC)

    def test_back_among_the_ideas_it_is_approved_no_more(self, maya: User) -> None:
        entry = actions.move(approved(maya), day=None, seen=THURSDAY, at=NOW)
        assert (entry.status, entry.due_at, entry.approved_at) == ("draft", None, None)

    @pytest.mark.parametrize(
        ("day", "sentence"),
        [
            (date(2026, 3, 9), "That day is over"), (TODAY, "09:00 is over today"), (date(2028, 3, 20), "too far off"),
        ],
    )  # fmt: skip
    def test_where_it_cannot_go(self, maya: User, day: date, sentence: str) -> None:
        with pytest.raises(Refused, match=sentence):
            actions.move(put(maya), day=day, seen=THURSDAY, at=NOW)

    def test_what_is_published_stays(self, maya: User) -> None:
        entry = actions.publish(approved(maya), at=THURSDAY_NINE)
        with pytest.raises(Refused, match="stays on its day"):
            actions.move(entry, day=date(2026, 3, 20), seen=THURSDAY, at=THURSDAY_NINE)

    def test_what_somebody_moved_meanwhile_is_not_moved_unseen(self, maya: User) -> None:
        entry = put(maya)
        actions.move(entry, day=date(2026, 3, 13), seen=THURSDAY, at=NOW)
        with pytest.raises(Refused, match="to Friday, 13 March"):
            actions.move(entry, day=date(2026, 3, 20), seen=THURSDAY, at=NOW)
        actions.move(entry, day=date(2026, 3, 13), seen=THURSDAY, at=NOW)  # sent twice, it is there already

    def test_what_was_missed_is_a_draft_again_on_its_new_day(self, maya: User) -> None:
        entry = put(maya)
        late = THURSDAY_NINE + timedelta(days=1)
        actions.miss(entry, at=late)
        entry = actions.move(entry, day=date(2026, 3, 20), seen=THURSDAY, at=late)
        assert (entry.status, entry.result) == ("draft", "")


class TestEditionsOnTheCalendar:
    def test_a_draft_goes_to_a_free_day_and_its_old_one_is_not_drafted_again(self, maya: User) -> None:
        slot = date(2026, 3, 17)
        edition = editions.draft(slot, at=NOW)
        actions.move_edition(edition, day=date(2026, 3, 19), seen=slot, at=NOW)
        for hours in range(3):
            edition_jobs.draft_coming_editions(at=datetime(2026, 3, 15, hours, tzinfo=UTC))
        assert Edition.objects.get().slot == date(2026, 3, 19)
        assert [one.kind for one in planned.between(slot, slot, now=NOW)] == []

    def test_moved_back_the_rhythm_is_as_it_was(self, maya: User) -> None:
        slot, other = date(2026, 3, 17), date(2026, 4, 7)
        edition = editions.draft(slot, at=NOW)
        actions.move_edition(edition, day=other, seen=slot, at=NOW)
        actions.move_edition(edition, day=slot, seen=other, at=NOW)
        assert not MovedSlot.objects.exists()
        coming = planned.between(other, other, now=NOW)
        assert [one.status for one in coming] == ["coming"]

    def test_only_a_draft_and_only_to_a_free_day_to_come(self, maya: User) -> None:
        slot = date(2026, 3, 17)
        edition = editions.draft(slot, at=NOW)
        editions.draft(date(2026, 3, 18), at=NOW)
        for day, sentence in (
            (date(2026, 3, 18), "an edition on that day"), (date(2026, 3, 9), "a day to come"),
            (None, "always has a day"),
        ):  # fmt: skip
            with pytest.raises(Refused, match=sentence):
                actions.move_edition(edition, day=day, seen=slot, at=NOW)
        Edition.objects.filter(pk=edition.pk).update(status="approved", approved_at=NOW)
        with pytest.raises(Refused, match="Take its approval back"):
            actions.move_edition(edition, day=date(2026, 3, 20), seen=slot, at=NOW)

    def test_the_coming_days_of_the_rhythm_are_shown(self) -> None:
        coming = planned.between(date(2026, 4, 1), date(2026, 4, 30), now=NOW)
        assert [one.day for one in coming] == [date(2026, 4, 7), date(2026, 4, 21)]
        assert not any(one.movable or one.fresh for one in coming)


class TestOtherPartsBringTheirOwn:
    @pytest.fixture
    def webinars(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, date]:
        days = {"7": THURSDAY}

        def of(key: str, *, now: datetime) -> Planned:
            return Planned(
                "webinars", key, "webinars", "A webinar", days[key], movable=True, type="educational", url="/"
            )

        def move(key: str, *, day: date | None, hour: time | None, seen: date | None, by: Any, at: datetime) -> None:
            if day is None:
                raise Refused("A webinar has a day.")
            days[key] = day

        monkeypatch.setattr(planned, "_sources", dict(planned._sources))
        planned.register(
            Source(
                "webinars", "Webinar", "events", find=lambda first, last, now: [of(key, now=now) for key in days],
                one=of, move=move,
            )
        )  # fmt: skip
        return days

    def test_shown_filtered_and_moved_like_any(self, client: Client, maya: User, webinars: dict[str, date]) -> None:
        client.force_login(maya)
        with time_machine.travel(NOW, tick=False):
            page = client.get(reverse("newsletter:calendar"), {"kind": "webinars"}).content.decode()
            assert 'data-piece="webinars-7"' in page
            assert '<option value="webinars" selected>Webinar</option>' in page
            address = reverse("newsletter:move_entry", args=["webinars", "7"])
            client.post(address, {"day": "2026-03-20", "seen": "2026-03-12"})
            assert webinars["7"] == date(2026, 3, 20)
            refused = client.post(address, {"day": "", "seen": "2026-03-20"})
        assert refused.status_code == 422

    def test_it_counts_for_the_warnings(self, webinars: dict[str, date]) -> None:
        weeks = [one.day for one in outlook.warnings(at=NOW) if one.rule == "week"]
        assert TODAY not in weeks

    def test_a_key_is_made_of_letters(self) -> None:
        with pytest.raises(ValueError, match="letters"):
            planned.register(Source("a-b", "X", "events", find=lambda first, last, now: []))


class TestWarnings:
    def test_regions_that_have_a_space_or_are_being_launched_count(self, maya: User) -> None:
        Space.objects.create(slug="latam", name="Latam", region="Latin America")
        Launch.objects.create(region="Asia", opens_on=date(2026, 4, 10))
        Launch.objects.create(region="Africa", opens_on=date(2026, 8, 1))
        silent = [one.region for one in outlook.warnings(at=NOW) if one.rule == "region"]
        assert silent == ["Asia", "Latin America"]
        put(maya, region="Asia")
        assert [one.region for one in outlook.warnings(at=NOW) if one.rule == "region"] == ["Latin America"]

    def test_the_settings_are_a_row_and_rule(self) -> None:
        assert len([one for one in outlook.warnings(at=NOW) if one.rule == "week"]) == 4
        CalendarSettings.objects.create(pk=1, fresh_weeks=1)
        assert len([one for one in outlook.warnings(at=NOW) if one.rule == "week"]) == 1

    def test_an_editor_sets_them_in_the_admin(self, client: Client, maya: User) -> None:
        client.force_login(maya)
        values = {
            "fresh_weeks": 2, "in_a_row": 1, "region_weeks": 4, "launch_weeks": 6, "approve_days": 3, "late_hours": 12,
            "usual_hour": "08:00",
        }  # fmt: skip
        address = reverse("admin:newsletter_calendarsettings_add")
        assert "from 2 to 10" in client.post(address, values).content.decode()
        client.post(address, {**values, "in_a_row": 3})
        assert CalendarSettings.current().fresh_weeks == 2
        assert client.get(address).status_code == 403, "there is one"

    def test_each_editor_is_told_once_a_week(self, maya: User) -> None:
        for days in range(3):
            jobs.tell_editors_of_the_calendar(at=NOW + timedelta(days=days))
        assert told(maya) == ["The calendar has 4 warnings. The first: Nothing fresh from 9 March to 15 March."]
        jobs.tell_editors_of_the_calendar(at=NOW + timedelta(days=7))
        assert len(told(maya)) == 2

    def test_on_today_stands_how_many_there_are(self, client: Client, maya: User) -> None:
        client.force_login(maya)
        with time_machine.travel(NOW, tick=False):
            page = client.get(reverse("advocates:today")).content.decode()
        assert "Warnings of the calendar" in page


class TestThePages:
    @pytest.fixture(autouse=True)
    def _now(self, client: Client, maya: User) -> Any:
        client.force_login(maya)
        with time_machine.travel(NOW, tick=False):
            yield

    def page(self, client: Client, **query: str) -> str:
        answer = client.get(reverse("newsletter:calendar"), query)
        assert answer.status_code == 200
        return str(answer.content.decode())

    def test_a_month_shows_what_is_planned_and_marks_today(self, client: Client, maya: User) -> None:
        put(maya)
        page = self.page(client)
        assert "March 2026" in page
        assert re.search(r'class="day today[^"]*" data-day="2026-03-10"', page)
        assert re.search(r'class="day has" data-day="2026-03-12"', page)
        assert "Five checks" in page

    def test_another_month_or_a_week_is_an_address(self, client: Client, maya: User) -> None:
        put(maya)
        assert "<b>Five checks</b>" in self.page(client, week="2026-W11")
        assert "<b>Five checks</b>" not in self.page(client, month="2026-05")
        assert "9 to 15 March 2026, week 11" in self.page(client, week="2026-W11")
        assert "28 December 2026 to 3 January 2027, week 53" in self.page(client, week="2026-W53")

    @pytest.mark.parametrize(
        "query",
        [
            {"month": "2026-13"}, {"month": "0000-00"}, {"month": "\x00"}, {"week": "2026-W99"}, {"week": "9999-W53"},
            {"month": "١٢٣٤-٠٥"}, {"region": "\x00"}, {"type": "odd"}, {"kind": "odd"}, {"moved": "forged"},
            {"month": "2199-12"}, {"month": "2000-01"}, {"week": "2000-W01"},
        ],
        ids=range(13),
    )  # fmt: skip
    def test_an_odd_address_is_taken(self, client: Client, query: dict[str, str]) -> None:
        self.page(client, **query)

    def test_filters_by_type_kind_and_region(self, client: Client, maya: User) -> None:
        put(maya, "For all", type="story")
        put(maya, "For Asia", type="fun", region="Asia", kind="prompt")
        put(maya, "For Europe", type="fun", region="Europe")

        def titles(**query: str) -> set[str]:
            return set(re.findall(r"<b>(For \w+)</b>", self.page(client, **query)))

        assert titles(type="fun") == {"For Asia", "For Europe"}
        assert titles(region="Asia") == {"For all", "For Asia"}
        assert titles(kind="prompt") == {"For Asia"}
        assert titles(kind="editions") == set()

    def test_the_plain_form_moves_and_the_page_offers_to_undo(self, client: Client, maya: User) -> None:
        entry = put(maya)
        address = reverse("newsletter:move_entry", args=["entries", str(entry.public_id)])
        form = client.get(address).content.decode()
        assert 'name="seen" value="2026-03-12"' in form
        answer = client.post(f"{address}?week=2026-W12", {"day": "2026-03-20", "hour": "15:00", "seen": "2026-03-12"})
        assert answer["Location"].startswith(reverse("newsletter:calendar") + "?week=2026-W12&moved=")
        page = client.get(answer["Location"]).content.decode()
        assert "is on Friday, 20 March now" in page
        token = re.findall(r'name="token" value="([^"]+)"', page)[0]
        client.post(reverse("newsletter:undo_move"), {"token": token})
        entry.refresh_from_db()
        assert entry.due_at == THURSDAY_NINE

    def test_what_was_moved_since_is_not_undone(self, client: Client, maya: User) -> None:
        entry = put(maya)
        address = reverse("newsletter:move_entry", args=["entries", str(entry.public_id)])
        location = client.post(address, {"day": "2026-03-20", "seen": "2026-03-12"})["Location"]
        token = re.findall(r'name="token" value="([^"]+)"', client.get(location).content.decode())[0]
        actions.move(entry, day=date(2026, 3, 25), seen=date(2026, 3, 20), at=NOW)
        assert "undo-move" not in client.get(location).content.decode()
        client.post(reverse("newsletter:undo_move"), {"token": token})
        entry.refresh_from_db()
        assert outlook.local(entry.due_at, outlook.desk_zone()).date() == date(2026, 3, 25)  # type: ignore[arg-type]

    def test_dropped_on_a_day_the_calendar_comes_back_with_words(self, client: Client, maya: User) -> None:
        entry = put(maya)
        address = reverse("newsletter:move_entry", args=["entries", str(entry.public_id)])
        headers: Any = {"HX-Request": "true"}
        answer = client.post(address, {"day": "2026-03-20", "seen": "2026-03-12"}, headers=headers)
        page = answer.content.decode()
        assert page.lstrip().startswith('<div id="calendar"')
        assert 'data-said="“Five checks” is on Friday, 20 March now."' in page
        refused = client.post(address, {"day": "2026-03-02", "seen": "2026-03-20"}, headers=headers)
        assert refused.status_code == 409
        assert "That day is over" in refused.content.decode()

    def test_refused_nothing_typed_is_lost(self, client: Client, maya: User) -> None:
        entry = put(maya)
        address = reverse("newsletter:move_entry", args=["entries", str(entry.public_id)])
        answer = client.post(address, {"day": "2026-03-02", "hour": "10:15", "seen": "2026-03-12"})
        assert answer.status_code == 409
        page = answer.content.decode()
        assert 'value="2026-03-02"' in page
        assert 'value="10:15"' in page

    @pytest.mark.parametrize("source", ["entries", "editions", "odd"])
    def test_what_is_not_there_is_not_moved(self, client: Client, source: str) -> None:
        for key in (str(uuid4()), "slot-2026-04-07", "1"):
            assert client.post(reverse("newsletter:move_entry", args=[source, key]), {"day": ""}).status_code == 404

    def test_an_edition_is_moved_by_the_same_form(self, client: Client) -> None:
        edition = editions.draft(date(2026, 3, 17), at=NOW)
        address = reverse("newsletter:move_entry", args=["editions", str(edition.public_id)])
        assert 'name="hour"' not in client.get(address).content.decode()
        client.post(address, {"day": "2026-03-19", "seen": "2026-03-17"})
        edition.refresh_from_db()
        assert edition.slot == date(2026, 3, 19)

    def test_a_line_becomes_an_idea(self, client: Client, maya: User) -> None:
        client.post(reverse("newsletter:note_idea"), {"title": " Ask the mill\x00 "})
        idea = Entry.objects.get()
        assert (idea.title, idea.due_at, idea.owner) == ("Ask the mill", None, maya)
        assert client.post(reverse("newsletter:note_idea"), {"title": " "}).status_code == 422
        long = client.post(reverse("newsletter:note_idea"), {"title": "x" * 151})
        assert (long.status_code, "x" * 151 in long.content.decode()) == (422, True)

    def test_written_on_a_day_and_approved_at_once(self, client: Client, maya: User, space: Space) -> None:
        form = client.get(reverse("newsletter:new_entry"), {"day": "2026-03-12"}).content.decode()
        assert 'value="2026-03-12"' in form
        words = {
            "title": "Five checks", "body": "One.", "kind": "post", "type": "story", "space": space.pk, "region": "",
            "language": "", "owner": maya.pk, "day": "2026-03-12", "hour": "10:00", "then": "approve",
        }  # fmt: skip
        assert client.post(reverse("newsletter:new_entry"), words).status_code == 302
        entry = Entry.objects.get()
        assert (entry.status, entry.approved_by) == ("approved", maya)
        refused = client.post(reverse("newsletter:new_entry"), {**words, "day": "2026-03-01"})
        assert refused.status_code == 409
        assert "That day is over" in refused.content.decode()
        assert "Five checks" in refused.content.decode()

    def test_the_page_of_an_entry_from_draft_to_published(self, client: Client, maya: User, space: Space) -> None:
        entry = put(maya)
        address = reverse("newsletter:entry", args=[entry.public_id])
        page = client.get(address).content.decode()
        assert "<strong>three</strong>" in page
        seen = re.findall(r'name="seen" value="(\w{24})"', page)[0]
        words = {
            "title": "Six checks", "body": "One.", "kind": "post", "type": "story", "space": space.pk, "region": "",
            "language": "", "owner": maya.pk, "seen": seen,
        }  # fmt: skip
        assert client.post(address, words).status_code == 302
        stale = client.post(address, {**words, "title": "Seven"})
        assert (stale.status_code, "Seven" in stale.content.decode()) == (409, True)
        decide = partial(reverse, "newsletter:decide_entry")
        client.post(decide(args=[entry.public_id, "approve"]), {"seen": seen})
        entry.refresh_from_db()
        assert entry.status == "draft", "it says something else by now"
        client.post(decide(args=[entry.public_id, "approve"]), {"seen": actions.fingerprint(entry)})
        entry.refresh_from_db()
        assert entry.status == "approved"
        assert "Take the approval back" in client.get(address).content.decode()
        client.post(decide(args=[entry.public_id, "unapprove"]))
        client.post(decide(args=[entry.public_id, "drop"]))
        client.post(decide(args=[entry.public_id, "back"]))
        client.post(decide(args=[entry.public_id, "now"]), {"seen": actions.fingerprint(entry)})
        jobs.publish_entries(at=NOW)
        assert "Read it in the community" in client.get(address).content.decode()
        assert client.post(decide(args=[entry.public_id, "odd"])).status_code == 404

    def test_in_whose_name_is_one_of_the_editors(self, client: Client, maya: User, space: Space) -> None:
        ines = make_advocate("Ines")
        words = {"title": "Five checks", "kind": "post", "type": "story", "owner": ines.user.pk}
        answer = client.post(reverse("newsletter:new_entry"), words)
        assert answer.status_code == 422
        assert not Entry.objects.exists()

    def test_who_does_not_edit_sees_nothing_of_it(self, client: Client, maya: User) -> None:
        entry = put(maya)
        client.force_login(make_advocate("Ines").user)
        for address in (reverse("newsletter:calendar"), reverse("newsletter:entry", args=[entry.public_id])):
            assert client.get(address).status_code == 403

    def test_months_later_the_week_says_so_when_nothing_fresh_is_in_it(self, client: Client) -> None:
        page = self.page(client)
        assert page.count("Nothing fresh in this week") == 4
        assert "Bring an idea to that week" in page


def test_the_calendar_costs_the_same_for_many(client: Client, maya: User, queries_of: QueriesOf) -> None:
    client.force_login(maya)
    with time_machine.travel(NOW, tick=False):
        visit = partial(client.get, reverse("newsletter:calendar"))
        put(maya)
        put(maya, "An idea", None)
        few = queries_of(visit)
        for number in range(100):
            other = make_user(f"Editor {number}", Role.MODERATOR) if number < 5 else maya
            put(maya, f"Entry {number}", THURSDAY + timedelta(days=number % 20), owner=other)
            put(maya, f"Idea {number}", None, owner=other)
        assert queries_of(visit) == few
