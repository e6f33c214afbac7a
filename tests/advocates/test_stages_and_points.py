"""Stages follow deeds and never fall; points are a ledger (P10, P21)."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, InternalError, transaction

from advocacy.crm import spine
from advocacy.crm.models import Contact, Subscription
from advocacy.delivery.models import Message
from advocacy.lib.lifecycle import Refused
from advocates import points, stages, tiers
from advocates.actions import do_task, thank, touch, undo_task
from advocates.models import Advocate, PointEntry, Task, Tier
from tests.factories import NOON, make_account, make_advocate, make_contact, make_pod, make_user

pytestmark = pytest.mark.django_db
Stage = Advocate.Stage
DAY = timedelta(days=1)


def deed(contact: Contact, what: str, number: int = 1) -> None:
    spine.record(what, at=NOON - DAY, source=("test", f"{what}:{contact.pk}:{number}"), contact=contact)


def stage_of(advocate: Advocate) -> int:
    stages.refresh([advocate.contact_id], at=NOON)
    advocate.refresh_from_db()
    return advocate.stage


class TestStages:
    def test_each_deed_leads_on(self) -> None:
        ines = make_advocate("Ines", stage=Stage.CUSTOMER)
        assert stage_of(ines) == Stage.MEMBER
        deed(ines.contact, "replied")
        assert stage_of(ines) == Stage.SOCIALIZER
        deed(ines.contact, "verified")
        assert stage_of(ines) == Stage.CREATOR
        deed(ines.contact, "talk_given")
        assert stage_of(ines) == Stage.CREATOR
        deed(ines.contact, "verified", 2)
        assert stage_of(ines) == Stage.PROVEN
        deed(ines.contact, "celebrated")
        assert stage_of(ines) == Stage.SPOTLIGHT

    def test_it_never_falls(self) -> None:
        ines = make_advocate("Ines", stage=Stage.PROVEN)
        assert stage_of(ines) == Stage.PROVEN

    def test_whoever_has_not_joined_is_customer_or_user(self) -> None:
        account = make_account()
        invited = Advocate.objects.create(contact=make_contact("Mei", account))
        deed(invited.contact, "verified")
        assert stage_of(invited) == Stage.CUSTOMER
        Subscription.objects.create(
            source="crm", external_id="1", account=account, started_on=(NOON - DAY).date(), is_trial=True
        )
        assert stage_of(invited) == Stage.CUSTOMER
        Subscription.objects.update(is_trial=False)
        assert stage_of(invited) == Stage.USER

    def test_what_lies_in_the_future_does_not_count_yet(self) -> None:
        ines = make_advocate("Ines")
        spine.record("verified", at=NOON + DAY, source=("test", "1"), contact=ines.contact)
        assert stage_of(ines) == Stage.MEMBER

    def test_each_step_opens_one_task_for_the_named_manager(self) -> None:
        rita = make_user("Rita")
        ines = make_advocate("Ines", pod=make_pod(rita))
        deed(ines.contact, "verified")
        for _each in range(2):
            stages.refresh(at=NOON)
        task = Task.objects.get(kind="nurture")
        assert task.assignee == rita and "first activity" in task.text

    def test_all_at_once_costs_no_more_for_many(self, queries_of) -> None:
        for _each in range(30):
            make_advocate("Ines", user=False, consents=())
        stages.refresh(at=NOON)
        assert queries_of(lambda: stages.refresh(at=NOON)) <= 3


class TestPoints:
    def test_booked_once_for_each_source(self) -> None:
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        for _each in range(2):
            points.book(ines, 100, reason="Webinar", source=("event", 1), at=NOON)
        points.book(omar, 100, reason="Webinar", source=("event", 1), at=NOON)
        assert (points.total(ines), points.total(omar)) == (100, 100)

    def test_a_correction_is_an_entry_and_never_goes_below_nothing(self) -> None:
        ines = make_advocate("Ines")
        points.book(ines, 100, reason="Webinar", source=("event", 1), at=NOON)
        points.book(ines, -40, reason="Correction", source=("event", 1), at=NOON)
        assert points.total(ines) == 60
        with pytest.raises(Refused):
            points.book(ines, -61, reason="Correction", source=("event", 2), at=NOON)
        assert PointEntry.objects.count() == 2

    def test_a_correction_sent_twice_counts_once_and_a_second_one_counts(self) -> None:
        ines = make_advocate("Ines")
        points.book(ines, 100, reason="Webinar", source=("event", 1), at=NOON)
        done = [points.book(ines, -60, reason="Correction", source=("event", n), at=NOON) for n in (1, 1)]
        assert done == [True, False] and points.total(ines) == 40
        assert points.book(ines, -40, reason="Correction", source=("event", 2), at=NOON)
        assert points.total(ines) == 0

    def test_the_ledger_is_never_changed(self) -> None:
        points.book(make_advocate("Ines"), 100, reason="Webinar", source=("event", 1), at=NOON)
        for change in (lambda: PointEntry.objects.update(points=1), lambda: PointEntry.objects.all().delete()):
            with pytest.raises((InternalError, IntegrityError)), transaction.atomic():
                change()

    def test_where_they_stand(self) -> None:
        Tier.objects.all().delete()
        for name, start in (("Bronze", 0), ("Silver", 300)):
            Tier.objects.create(name=name, from_points=start)
        assert (tiers.standing(299).tier, tiers.standing(299).to_go) == (Tier.objects.get(name="Bronze"), 1)
        assert (str(tiers.standing(300).tier), tiers.standing(300).next) == ("Silver", None)


class TestTouches:
    def test_thanks_go_out_once_and_are_on_record(self) -> None:
        ines, rita = make_advocate("Ines"), make_user("Rita")
        assert thank(ines, text="It decided the deal.", by=rita, about=("claim", 1), at=NOON)
        assert not thank(ines, text="Again", by=rita, about=("claim", 1), at=NOON)
        message = Message.objects.get(kind="thanks")
        assert message.params["text"] == "It decided the deal." and message.purpose == "program_mail"
        assert ines.contact.activities.filter(deed="thanked").count() == 1

    def test_empty_thanks_are_none(self) -> None:
        with pytest.raises(Refused):
            thank(make_advocate("Ines"), text=" ", by=make_user("Rita"), about=("claim", 1), at=NOON)

    def test_an_ask_is_no_touch(self) -> None:
        with pytest.raises(Refused):
            touch(make_advocate("Ines"), deed="nominated", about=("x", 1), at=NOON)

    def test_a_task_done_is_a_touch_and_can_be_taken_back(self) -> None:
        ines, rita = make_advocate("Ines"), make_user("Rita")
        task = Task.objects.create(kind="care", key="k", text="Call Ines", advocate=ines, assignee=rita, due_at=NOON)
        do_task(task, by=rita, at=NOON)
        assert ines.contact.activities.filter(deed="care_call").exists()
        with pytest.raises(Refused):
            do_task(task, by=rita, at=NOON)
        undo_task(task, by=rita)
        assert Task.objects.get().done_at is None
