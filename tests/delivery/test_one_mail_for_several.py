"""What is too much for one day waits, and comes the next morning in one mail."""

from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.urls import reverse

from advocacy.crm import consent
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Contact, Program
from advocacy.delivery import actions, bundles, jobs, kinds, outbox
from advocacy.delivery.models import Message, Suppression
from advocacy.delivery.sender import Sender
from advocacy.users.models import Role
from tests.delivery.conftest import Clock
from tests.factories import NOON, make_advocate, make_user

pytestmark = pytest.mark.django_db
_number = count(1)


@pytest.fixture
def ines() -> Contact:
    Program.current()
    Program.objects.update(mail_cap_a_day=1)
    return make_advocate("Ines").contact


def write(to: Contact, text: str, **more: Any) -> Message:
    more.setdefault("purpose", Purpose.PROGRAM_MAIL)
    message = outbox.owe(
        "note", to=to, template="advocates/pod_note", dedupe_key=f"n{next(_number)}", at=NOON - timedelta(minutes=1),
        params={"by": "Rita", "text": text}, **more,
    )  # fmt: skip
    assert message is not None
    return message


@pytest.fixture
def evening(sender: Sender, clock: Clock) -> Callable[[], None]:
    """The day's mail has gone, and the clock has put together what waits."""

    def pass_by() -> None:
        sender.run()
        clock.forward(minutes=5)
        jobs.bundle_what_waits(at=clock())

    return pass_by


@pytest.fixture
def next_morning(make_sender: Callable[..., Sender], clock: Clock) -> Callable[[], None]:
    def come() -> None:
        clock.forward(days=1)
        make_sender().run()
        jobs.bundle_what_waits(at=clock())

    return come


def statuses(*messages: Message) -> list[str]:
    by_key = Message.objects.in_bulk([one.pk for one in messages])
    return [by_key[one.pk].status for one in messages]


class TestOneMailForSeveral:
    def test_what_waits_comes_the_next_day_in_one_mail(self, ines, out, evening, next_morning):
        first, second, third = write(ines, "The first."), write(ines, "The second."), write(ines, "The third.")
        evening()
        assert len(out.mails) == 1
        next_morning()
        assert len(out.mails) == 2
        words = out.mails[1].get_body(("plain",)).get_content()
        assert "The second." in words and "The third." in words and "The first." not in words
        page = out.mails[1].get_body(("html",)).get_content()
        assert page.count("<html") == 1 and page.index("The second.") < page.index("The third.")
        assert page.count("Hello Ines,") == 1
        assert out.mails[1]["Subject"] == "A note from Rita, and one more thing"
        assert statuses(first, second, third) == ["sent", "sent", "sent"]

    def test_one_that_waits_alone_goes_as_itself(self, ines, out, evening, next_morning):
        write(ines, "The first."), write(ines, "The second.")
        evening()
        next_morning()
        assert Message.objects.filter(kind=bundles.KIND).count() == 0
        assert out.mails[1]["Subject"] == "A note from Rita"

    def test_the_bundle_counts_once_for_its_day(self, ines, out, evening, next_morning, clock):
        for number in range(5):
            write(ines, f"Note {number}.")
        evening()
        next_morning()
        assert len(out.mails) == 2
        late = write(ines, "One more.", due_at=clock())
        evening()
        assert statuses(late) == ["due"]
        assert len(out.mails) == 2

    def test_what_comes_to_wait_later_joins_the_bundle_that_has_not_gone(self, ines, out, evening, next_morning):
        write(ines, "The first."), write(ines, "The second."), write(ines, "The third.")
        evening()
        write(ines, "The fourth.")
        evening()
        assert Message.objects.filter(kind=bundles.KIND).count() == 1
        next_morning()
        assert "The fourth." in out.mails[1].get_body(("plain",)).get_content()

    def test_the_clock_twice_makes_one_bundle(self, ines, evening, clock):
        write(ines, "The first."), write(ines, "The second."), write(ines, "The third.")
        evening()
        before = Message.objects.count()
        bundles.gather(at=clock())
        assert Message.objects.count() == before

    def test_two_people_get_a_bundle_each(self, ines, out, evening, next_morning):
        omar = make_advocate("Omar").contact
        for reader in (ines, omar):
            for number in range(3):
                write(reader, f"To {reader.given_name}, {number}.")
        evening()
        next_morning()
        for mail in out.mails[2:]:
            reader = "Ines" if mail["To"].startswith("Ines") else "Omar"
            other = "Omar" if reader == "Ines" else "Ines"
            assert f"To {reader}, 2." in mail.as_string() and f"To {other}" not in mail.as_string()
        assert len(out.mails) == 4


class TestWhatWasTakenBackIsNotInIt:
    def test_a_part_that_was_cancelled_meanwhile(self, ines, out, evening, next_morning):
        write(ines, "The first.")
        second, third = write(ines, "The second."), write(ines, "The third.")
        evening()
        Message.objects.filter(pk=second.pk, status="due").update(status="cancelled")
        next_morning()
        assert "The second." not in out.mails[1].as_string()
        assert out.mails[1]["Subject"] == "A note from Rita"
        assert statuses(second, third) == ["cancelled", "sent"]

    def test_a_part_whose_consent_is_gone(self, ines, out, evening, next_morning, clock):
        write(ines, "The first.")
        consent.grant(ines, Purpose.REFERENCE_CALLS, wording="You may ask.", at=NOON - timedelta(days=1), source="form")
        call = write(ines, "Would you speak with them?", purpose=Purpose.REFERENCE_CALLS)
        note = write(ines, "Only a note.")
        evening()
        consent.withdraw(ines, Purpose.REFERENCE_CALLS, at=clock(), source="profile")
        next_morning()
        assert "speak with" not in out.mails[1].as_string()
        assert statuses(call, note) == ["suppressed", "sent"]

    def test_nothing_left_means_no_mail(self, ines, out, evening, next_morning, clock):
        parts = [write(ines, f"Note {number}.") for number in range(3)]
        evening()
        consent.withdraw(ines, Purpose.PROGRAM_MAIL, at=clock(), source="profile")
        next_morning()
        assert len(out.mails) == 1
        assert statuses(*parts) == ["sent", "suppressed", "suppressed"]

    def test_a_bundle_that_failed_keeps_its_parts_until_somebody_settles_it(self, ines, out, evening, next_morning):
        write(ines, "The first.")
        second, third = write(ines, "The second."), write(ines, "The third.")
        evening()
        Message.objects.filter(kind=bundles.KIND).update(to_email="not an address")
        next_morning()
        whole = Message.objects.get(kind=bundles.KIND)
        assert (whole.status, statuses(second, third)) == ("failed", ["due", "due"])
        actions.settle(whole, "cancel", by=make_user("Lena"), at=NOON + timedelta(days=2))
        jobs.bundle_what_waits(at=NOON + timedelta(days=2))
        assert statuses(second, third) == ["cancelled", "cancelled"]

    def test_a_part_that_cannot_be_made_fails_by_itself_and_the_others_go(
        self, ines, out, evening, next_morning, clock
    ):
        write(ines, "The first.")
        second, poisoned, fourth = write(ines, "The second."), write(ines, "?"), write(ines, "The fourth.")
        evening()
        Message.objects.filter(pk=poisoned.pk).update(template="advocates/there_is_none")
        next_morning()
        words = out.mails[-1].get_body(("plain",)).get_content()
        assert "The second." in words and "The fourth." in words
        next_morning()
        assert statuses(second, poisoned, fourth) == ["sent", "failed", "sent"]

    def test_mail_with_a_calendar_file_or_a_secret_waits_by_itself(self, ines, evening):
        write(ines, "The first.")
        plain = write(ines, "The second.")
        invite = outbox.owe(
            "note", to=ines, template="advocates/pod_note", dedupe_key="invite", at=NOON, purpose=Purpose.PROGRAM_MAIL,
            params={"by": "Rita", "text": "Come.", "calendar": {"ics": "BEGIN:VCALENDAR"}},
        )  # fmt: skip
        evening()
        assert not Message.objects.filter(pk__in=[plain.pk, invite.pk], bundle__isnull=False).exists()


class TestLeavingFromOne:
    def test_its_way_out_leaves_every_kind_that_is_in_it(self, ines, out, evening, next_morning, client):
        write(ines, "The first.")
        consent.grant(ines, Purpose.REFERENCE_CALLS, wording="You may ask.", at=NOON - timedelta(days=1), source="form")
        write(ines, "Would you speak with them?", purpose=Purpose.REFERENCE_CALLS)
        write(ines, "Only a note.")
        evening()
        next_morning()
        address = out.mails[1]["List-Unsubscribe"].strip("<>").removeprefix("http://testserver")
        page = client.get(address)
        assert "Reference calls" in page.content.decode()
        client.post(address, {"List-Unsubscribe": "One-Click"})
        at = NOON + timedelta(days=3)
        assert not consent.allows(ines, Purpose.REFERENCE_CALLS, at=at)
        assert not consent.allows(ines, Purpose.PROGRAM_MAIL, at=at)


class TestKindsThatCanBeLeftByThemselves:
    def test_leaving_one_keeps_the_consent_and_stops_that_kind(self, ines, out, sender, client, monkeypatch):
        letters = kinds.Kind("weekly", "The weekly letter", "", lambda user: True)
        monkeypatch.setitem(kinds._kinds, "weekly", letters)
        Program.objects.update(mail_cap_a_day=0)
        letter = outbox.owe(
            "weekly", to=ines, template="advocates/pod_note", dedupe_key="w1", at=NOON - timedelta(minutes=1),
            purpose=Purpose.PROGRAM_MAIL, params={"by": "Rita", "text": "This week."},
        )  # fmt: skip
        sender.run()
        address = out.mails[0]["List-Unsubscribe"].strip("<>").removeprefix("http://testserver")
        assert "The weekly letter" in client.get(address).content.decode()
        assert client.post(address).status_code == 200
        assert consent.allows(ines, Purpose.PROGRAM_MAIL, at=NOON)
        assert kinds.left(ines.email, "weekly")
        again = outbox.owe(
            "weekly", to=ines, template="advocates/pod_note", dedupe_key="w2", at=NOON - timedelta(minutes=1),
            purpose=Purpose.PROGRAM_MAIL, params={"by": "Rita", "text": "Next week."},
        )  # fmt: skip
        other = write(ines, "A note.")
        sender.run()
        assert statuses(letter, again, other) == ["sent", "suppressed", "sent"]
        kinds.come_back(ines.email, "weekly")
        assert not kinds.left(ines.email, "weekly")

    def test_coming_back_does_not_lift_a_bounce(self, ines):
        Suppression.objects.create(email=ines.email.lower(), kind="weekly", reason="bounced")
        kinds.come_back(ines.email, "weekly")
        assert kinds.left(ines.email, "weekly")


def test_the_page_of_a_bundle_shows_what_went_in_it(ines, evening, next_morning, client):
    for number in range(3):
        write(ines, f"Note {number}.")
    evening()
    next_morning()
    whole = Message.objects.get(kind=bundles.KIND)
    client.force_login(make_user("Lena", Role.LEAD))
    page = client.get(reverse("delivery:message", args=[whole.public_id])).content.decode()
    assert page.count("Pod note") == 2
    part = whole.parts.first()
    assert str(whole.public_id) in client.get(reverse("delivery:message", args=[part.public_id])).content.decode()
    shown = client.get(reverse("delivery:preview", args=[whole.public_id])).content.decode()
    assert "Note 1." in shown and "Note 2." in shown
