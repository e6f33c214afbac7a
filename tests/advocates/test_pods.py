"""Pods: the load of each manager, one note to all of a pod, moving and handing over with undo, standing in (P12)."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Activity
from advocacy.delivery.models import Message
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates import budget, worklist
from advocates.actions import pods
from advocates.models import Advocate, Pod, StandIn, Task
from tests.factories import NOON, make_advocate, make_pod, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def tom() -> User:
    return make_user("Tom Berg", Role.MANAGER)


@pytest.fixture
def north(rita: User) -> Pod:
    return make_pod(rita, "North")


@pytest.fixture
def south(tom: User) -> Pod:
    return make_pod(tom, "South")


@pytest.fixture
def ines(north: Pod) -> Advocate:
    return make_advocate("Ines", pod=north)


@pytest.fixture
def omar(north: Pod) -> Advocate:
    return make_advocate("Omar", pod=north)


@pytest.fixture
def desk(client: Client, rita: User) -> Client:
    client.force_login(rita)
    return client


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(make_user("Lena", Role.LEAD))
    return client


def task_for(user: User, advocate: Advocate, text: str = "Call them") -> Task:
    return Task.objects.create(
        kind=Task.Kind.CARE, key=f"{text}{advocate.pk}", text=text, advocate=advocate, assignee=user,
        due_at=timezone.now() - timedelta(hours=1),
    )  # fmt: skip


class TestOneNoteToAPod:
    def write(self, pod: Pod, rita: User, key: str = "a") -> int:
        return pods.write_to_pod(pod, text="The new screen is out.", key=key, at=NOON, by=rita)

    def test_each_gets_a_mail_a_touch_and_is_followed(
        self, north: Pod, rita: User, ines: Advocate, omar: Advocate
    ) -> None:
        mei = make_advocate("Mei", pod=make_pod(rita, "East"))
        assert self.write(north, rita) == 2
        mails = Message.objects.filter(kind="pod_note")
        assert {mail.to_email for mail in mails} == {ines.contact.email, omar.contact.email}
        assert all(mail.reply_to == rita.email and mail.params["text"] == "The new screen is out." for mail in mails)
        touches = Activity.objects.filter(source_type="advocates.podnote", deed=Deed.NOTED)
        assert {one.contact_id for one in touches} == {ines.contact_id, omar.contact_id}
        followed = Task.objects.filter(kind="nurture", assignee=rita)
        assert {task.advocate_id for task in followed} == {ines.pk, omar.pk}
        assert all(task.due_at == NOON + pods.FOLLOW_AFTER for task in followed)
        assert not mei.tasks.exists()
        assert not Activity.objects.filter(deed=Deed.CARE_CALL).exists(), "nobody has been called"

    def test_sent_twice_it_is_one_note_and_another_is_another(self, north: Pod, rita: User, ines: Advocate) -> None:
        for _each in range(2):
            assert self.write(north, rita) == 1
        assert Message.objects.filter(kind="pod_note").count() == Task.objects.count() == 1
        self.write(north, rita, "b")
        assert Message.objects.filter(kind="pod_note").count() == 2

    def test_whoever_takes_no_mail_of_the_program_gets_none(self, north: Pod, rita: User) -> None:
        make_advocate("Mei", pod=north, consents=())
        with pytest.raises(Refused, match="call them"):
            self.write(north, rita)
        assert not Message.objects.filter(kind="pod_note").exists()

    def test_from_the_page_and_what_was_typed_stays(self, desk: Client, north: Pod, ines: Advocate, tom: User) -> None:
        page = desk.get(reverse("advocates:pod", args=[north.pk]))
        assert "One note to all of them" in page.content.decode()
        address = reverse("advocates:pod_note", args=[north.pk])
        assert desk.post(address, {"text": " "}).status_code == 409
        sent = {"text": "Hello all", "key": page.context["key"]}
        for _each in range(2):
            assert desk.post(address, sent).status_code == 302
        assert Message.objects.filter(kind="pod_note").count() == 1
        shown = desk.get(reverse("advocates:advocate", args=[ines.public_id])).content.decode()
        assert "Got a note from Rita Morgan" in shown
        desk.force_login(tom)
        assert desk.post(address, sent).status_code == 403


class TestLoad:
    def test_members_asks_and_tasks_of_each_manager(
        self, desk: Client, rita: User, ines: Advocate, omar: Advocate, south: Pod
    ) -> None:
        budget.ask(ines, channel="desk", source_id=1, kind="", at=timezone.now())
        task_for(rita, ines)
        rows = {str(row["manager"]): row for row in desk.get(reverse("advocates:pods")).context["rows"]}
        mine = rows["Rita Morgan"]
        assert (mine["members"], mine["room"], mine["asks"], mine["tasks"]) == (2, 15, 1, (1, 1))
        assert (rows["Tom Berg"]["members"], rows["Tom Berg"]["tasks"]) == (0, (0, 0))

    def test_costs_the_same_for_one_pod_as_for_ten(self, desk: Client, north: Pod, queries_of: Any) -> None:
        visit = partial(desk.get, reverse("advocates:pods"))
        visit()
        few = queries_of(visit)
        for number in range(9):
            make_advocate(pod=make_pod(make_user(f"M{number}", Role.MANAGER)), user=False)
        assert queries_of(visit) == few


class TestMoving:
    def test_many_at_once_with_their_tasks_and_back(
        self, lead: Client, rita: User, tom: User, north: Pod, south: Pod, ines: Advocate, omar: Advocate
    ) -> None:
        waiting = task_for(rita, ines)
        sent = {"who": [ines.pk, omar.pk], "to": south.pk}
        answer = lead.post(reverse("advocates:move_advocates", args=[north.pk]), sent, follow=True)
        assert "2 advocates are now in “South”, with Tom Berg." in answer.content.decode()
        waiting.refresh_from_db()
        assert set(south.advocates.all()) == {ines, omar} and waiting.assignee == tom
        lead.post(reverse("advocates:undo_pods"), {"token": answer.context["undo"]["token"]})
        waiting.refresh_from_db()
        assert set(north.advocates.all()) == {ines, omar} and waiting.assignee == rita

    def test_whoever_was_moved_on_since_is_not_moved_back(self, north: Pod, south: Pod, ines: Advocate) -> None:
        before = pods.move_advocates([ines.pk], to=south)
        east = make_pod(name="East")
        pods.move_advocates([ines.pk], to=east)
        assert pods.move_back(before, moved_to=south.pk) == 0
        ines.refresh_from_db()
        assert ines.pod == east

    @pytest.mark.parametrize("to", ["", "²", "9" * 30])
    def test_without_a_pod_or_anybody_it_is_refused_in_words(
        self, lead: Client, north: Pod, ines: Advocate, to: str
    ) -> None:
        answer = lead.post(reverse("advocates:move_advocates", args=[north.pk]), {"who": [ines.pk], "to": to})
        assert answer.status_code == 409 and "Choose the pod" in answer.content.decode()

    def test_managers_do_not_move_anybody(self, desk: Client, north: Pod, south: Pod, ines: Advocate) -> None:
        sent = {"who": [ines.pk], "to": south.pk}
        assert desk.post(reverse("advocates:move_advocates", args=[north.pk]), sent).status_code == 403

    def test_a_pod_is_handed_over_with_its_open_tasks(
        self, lead: Client, rita: User, tom: User, north: Pod, ines: Advocate
    ) -> None:
        waiting = task_for(rita, ines)
        lead.post(reverse("advocates:hand_over_pod", args=[north.pk]), {"to": tom.pk})
        north.refresh_from_db()
        waiting.refresh_from_db()
        assert (north.manager, waiting.assignee) == (tom, tom)
        sam = make_user("Sam", Role.REQUESTER)
        assert lead.post(reverse("advocates:hand_over_pod", args=[north.pk]), {"to": sam.pk}).status_code == 409


class TestStandingIn:
    def plan(self, client: Client, away: User, by: User, first: int, last: int) -> Any:
        today = timezone.localdate()
        sent = {"away": away.pk, "by": by.pk, "starts_on": today + first * DAY, "ends_on": today + last * DAY}
        return client.post(reverse("advocates:stand_in"), sent)

    def test_their_tasks_stand_on_the_stand_ins_today_on_these_days(
        self, desk: Client, rita: User, tom: User, ines: Advocate
    ) -> None:
        task_for(rita, ines, "Call Ines")
        now = timezone.now()
        assert not worklist.due(tom, at=now).exists()
        assert self.plan(desk, rita, tom, 0, 3).status_code == 302
        assert [task.text for task in worklist.due(tom, at=now)] == ["Call Ines"]
        assert not worklist.due(tom, at=now + 5 * DAY).exists()
        desk.force_login(tom)
        shown = desk.get(reverse("advocates:today")).content.decode()
        assert "Call Ines" in shown and "for Rita Morgan" in shown

    def test_days_that_cannot_be_and_two_at_once_are_refused(self, desk: Client, rita: User, tom: User) -> None:
        assert self.plan(desk, rita, tom, 3, 1).status_code == 409
        assert self.plan(desk, rita, rita, 0, 1).status_code == 409
        assert self.plan(desk, rita, tom, -9, -3).status_code == 409
        self.plan(desk, rita, tom, 0, 3)
        answer = self.plan(desk, rita, tom, 2, 5)
        assert answer.status_code == 409 and "already" in answer.content.decode()
        assert StandIn.objects.count() == 1

    def test_leads_plan_for_everybody_managers_for_themselves(self, lead: Client, rita: User, tom: User) -> None:
        assert self.plan(lead, tom, rita, 0, 3).status_code == 302
        lead.force_login(rita)
        assert self.plan(lead, tom, rita, 5, 6).status_code == 403
        end = reverse("advocates:end_stand_in", args=[StandIn.objects.get().pk])
        assert lead.post(end).status_code == 403
        lead.force_login(tom)
        lead.post(end)
        assert not StandIn.objects.exists()
