"""Home says what waits for this person, and only that; Today is done from one page, with undo (P8, P12)."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Activity
from advocacy.users.models import Role, User
from advocates import presence
from advocates.home import tasks_due
from advocates.models import Advocate, Recognition, Task
from opportunities.models import Claim
from tests.factories import NOON, make_advocate, make_opportunity, make_pod, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def ines(rita: User) -> Advocate:
    return make_advocate("Ines", pod=make_pod(rita))


def task_for(rita: User, advocate: Advocate, text: str, **more: Any) -> Task:
    return Task.objects.create(
        kind=more.pop("kind", Task.Kind.CARE), key=text, text=text, advocate=advocate, assignee=rita,
        due_at=more.pop("due_at", NOON), created_at=NOON, **more,
    )  # fmt: skip


class TestHome:
    @pytest.mark.parametrize(
        ("hour", "said"), [(3, "Good evening"), (9, "Good morning"), (13, "Good afternoon"), (21, "Good evening")]
    )
    def test_greets_by_the_hour_where_one_is(self, hour: int, said: str) -> None:
        assert presence.greeting(datetime(2026, 3, 10, hour)) == said  # noqa: DTZ001 - a clock on a wall

    def test_an_advocate_finds_their_manager_first_steps_and_stage(self, client: Client, ines: Advocate) -> None:
        client.force_login(ines.user)
        page = client.get("/").content.decode()
        for words in ("Rita Morgan", "First steps", "Say hello in the community", "Member", "For you this week"):
            assert words in page

    @pytest.mark.parametrize("stage", [stage for stage in Advocate.Stage if stage >= Advocate.Stage.MEMBER])
    def test_every_stage_says_what_comes_next(self, client: Client, ines: Advocate, stage: int) -> None:
        Advocate.objects.filter(pk=ines.pk).update(stage=stage)
        client.force_login(ines.user)
        page = client.get("/").content.decode()
        assert str(Advocate.Stage(stage).label) in page and "Next: " in page and "0 activities" in page

    def test_one_more_is_one_activity(self, ines: Advocate) -> None:
        ines.stage = Advocate.Stage.CREATOR
        for number in range(2):
            spine.record(Deed.VERIFIED, contact=ines.contact, at=NOON, source=("claim", number))
        assert presence.progress(ines).sentence == "Next: 1 more completed activity makes you a Proven advocate."

    def test_first_steps_are_ticked_by_facts_and_gone_when_done(self, ines: Advocate) -> None:
        def open_steps() -> set[str]:
            return {step.text for step in presence.first_steps(ines) if not step.done}

        before = open_steps()
        spine.record(Deed.POSTED, contact=ines.contact, at=NOON, source=("topic", 1))
        assert before - open_steps() == {"Say hello in the community"}
        spine.record(Deed.INTRODUCED, contact=ines.contact, at=NOON, source=("introduction", 1))
        assert before - open_steps() == {"Say hello in the community", "Meet somebody: ask to be introduced"}

    def test_good_news_is_of_the_last_two_weeks(self, ines: Advocate, rita: User) -> None:
        spine.record(Deed.THANKED, contact=ines.contact, at=NOON, source=("claim", 1), by=rita)
        assert presence.good_news(ines, at=NOON + timedelta(days=1)).startswith("Rita thanked you")
        assert presence.good_news(ines, at=NOON + timedelta(days=15)) == ""

    def test_words_about_her_wait_for_her_yes_and_for_nobody_elses(
        self, client: Client, ines: Advocate, rita: User
    ) -> None:
        Recognition.objects.create(advocate=ines, title="Ines cut stock-outs", by=rita)
        client.force_login(ines.user)
        assert "Ines cut stock-outs" in client.get("/").content.decode()
        client.force_login(make_advocate("Omar").user)
        assert "Ines cut stock-outs" not in client.get("/").content.decode()

    @pytest.mark.parametrize("role", sorted(set(Role.values) - {Role.ADVOCATE}))
    def test_no_colleague_meets_an_empty_page(self, client: Client, role: str) -> None:
        client.force_login(make_user(role, role))
        page = client.get("/")
        assert page.status_code == 200
        assert 'class="sheet' in page.content.decode()
        assert "First steps" not in page.content.decode()

    def test_a_program_without_anything_in_it_opens(self, client: Client) -> None:
        client.force_login(make_user("Lena", Role.LEAD))
        assert client.get("/").status_code == 200


class TestToday:
    def test_is_done_put_off_and_taken_back_from_the_page(self, client: Client, ines: Advocate, rita: User) -> None:
        task = task_for(rita, ines, "Call Ines")
        client.force_login(rita)
        with time_machine.travel(NOON + timedelta(hours=1), tick=False):
            assert "Call Ines" in client.get("/today/").content.decode()
            client.post(reverse("advocates:task", args=[task.pk, "done"]))
            page = client.get("/today/").content.decode()
            assert "Done today" in page
            assert Activity.objects.filter(deed=Deed.CARE_CALL, contact=ines.contact).exists()
            client.post(reverse("advocates:task", args=[task.pk, "undo"]))
            client.post(reverse("advocates:task", args=[task.pk, "week"]))
            assert "Call Ines" not in client.get("/today/").content.decode()
            assert "Call Ines" in client.get("/today/?show=later").content.decode()
        task.refresh_from_db()
        assert task.due_at == NOON + timedelta(days=7, hours=1)

    def test_done_and_put_off_are_undone_from_where_they_are_said(
        self, client: Client, ines: Advocate, rita: User
    ) -> None:
        task = task_for(rita, ines, "Call Ines", kind=Task.Kind.OTHER)
        client.force_login(rita)
        with time_machine.travel(NOON + timedelta(hours=1), tick=False):
            for what in ("done", "tomorrow", "week"):
                page = client.post(reverse("advocates:task", args=[task.pk, what]), follow=True)
                said = "Done: Call Ines" if what == "done" else "Put off: Call Ines"
                assert page.context["undo"]["text"] == said and said in page.content.decode()
                back = client.post(reverse("advocates:undo"), {"token": page.context["undo"]["token"]}, follow=True)
                assert "Taken back: Call Ines" in back.content.decode()
                task.refresh_from_db()
                assert (task.done_at, task.due_at) == (None, NOON)
            forged = client.post(reverse("advocates:undo"), {"token": "x"}, follow=True)
            assert "not complete" in forged.content.decode()

    def test_put_off_until_a_day_that_is_chosen(self, client: Client, ines: Advocate, rita: User) -> None:
        task = task_for(rita, ines, "Call Ines")
        client.force_login(rita)
        address = f"{reverse('advocates:task', args=[task.pk, 'day'])}?kind=care"
        with time_machine.travel(NOON, tick=False):
            for odd in ("", "yesterday", "2020-01-01", "9999-12-31", NOON.date().isoformat()):
                answer = client.post(address, {"day": odd}, follow=True)
                assert "Choose " in answer.content.decode()
            answer = client.post(address, {"day": (NOON + timedelta(days=10)).date().isoformat()})
            assert answer["Location"].startswith("/today/?kind=care&undo=")
        task.refresh_from_db()
        assert task.due_at.date() == (NOON + timedelta(days=10)).date()

    def test_each_leads_to_what_it_is_about_and_thanking_is_done_by_thanking(
        self, client: Client, ines: Advocate, rita: User
    ) -> None:
        claim = Claim.objects.create(advocate=ines, opportunity=make_opportunity("A webinar"), claimed_at=NOON)
        thank = task_for(rita, ines, f"thank:opportunities.claim:{claim.pk}", kind=Task.Kind.THANK)
        task_for(rita, ines, "Call Ines", account=ines.contact.account)
        client.force_login(rita)
        page = client.get("/today/").content.decode()
        there = reverse("admin:opportunities_claim_change", args=[claim.pk])
        assert f'<a class="btn small" href="{there}">Thank them</a>' in page
        assert reverse("advocates:advocate", args=[ines.public_id]) in page
        assert reverse("advocates:customer", args=[ines.contact.account_id]) in page
        assert "I thanked them elsewhere" in page and reverse("advocates:task", args=[thank.pk, "done"]) in page

    def test_badge_home_and_list_count_the_same(self, client: Client, ines: Advocate, rita: User) -> None:
        with time_machine.travel(NOON, tick=False):
            task_for(rita, ines, "Overdue", due_at=NOON - timedelta(days=1))
            task_for(rita, ines, "This evening", due_at=NOON + timedelta(hours=5))
            task_for(rita, ines, "Tomorrow", due_at=NOON + timedelta(days=1))
            client.force_login(rita)
            page = client.get("/today/")
            assert {task.text for task in page.context["tasks"]} == {"Overdue", "This evening"}
            assert tasks_due(page.wsgi_request) == 2
            assert "All 2 tasks" in client.get("/").content.decode()

    def test_two_who_do_the_same_task_are_told(self, client: Client, ines: Advocate, rita: User) -> None:
        task = task_for(rita, ines, "Call Ines")
        client.force_login(rita)
        client.post(reverse("advocates:task", args=[task.pk, "done"]))
        answer = client.post(reverse("advocates:task", args=[task.pk, "done"]), follow=True)
        assert "done this already" in answer.content.decode()

    def test_shows_ones_own_or_everybodys(self, client: Client, ines: Advocate, rita: User) -> None:
        task_for(make_user("Tom", Role.MANAGER), ines, "For Tom")
        client.force_login(rita)
        assert "For Tom" not in client.get("/today/").content.decode()
        assert "For Tom" in client.get("/today/?whose=all").content.decode()

    def test_costs_the_same_for_two_tasks_as_for_twenty_five(
        self, client: Client, rita: User, ines: Advocate, queries_of: Any
    ) -> None:
        client.force_login(rita)
        visit = partial(client.get, "/today/")
        task_for(rita, ines, "One")
        task_for(rita, make_advocate("Omar", user=False), "Two")
        visit()
        few = queries_of(visit)
        for number in range(23):
            task_for(rita, make_advocate(f"A{number}", user=False), f"Task {number}")
        assert queries_of(visit) == few
