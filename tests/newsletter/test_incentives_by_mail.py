"""An incentive in the newsletter: it comes first, ends on the reader's own clock, and the web says when it is over."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from advocacy.delivery.models import Message
from advocacy.users.models import Role
from newsletter.actions import editions as actions
from newsletter.mails import editions as mails
from newsletter.models import Edition
from tests.factories import make_advocate, make_contact, make_opportunity, make_user

pytestmark = pytest.mark.django_db

SLOT = date(2026, 3, 17)
DRAFTED = datetime(2026, 3, 14, 9, tzinfo=UTC)
EVE = datetime(2026, 3, 16, 9, tzinfo=UTC)


@pytest.fixture
def edition() -> Edition:
    for number in range(8):
        make_opportunity(f"Plain {number}", opened_at=DRAFTED - timedelta(days=1))
    make_opportunity(
        "The talk", opened_at=DRAFTED - timedelta(days=2), incentive="Double points", incentive_points=50,
        incentive_on=SLOT,
    )  # fmt: skip
    made = actions.draft(SLOT, at=DRAFTED)
    actions.approve(made, by=make_user("Maya", Role.MODERATOR), at=EVE)
    return actions.begin(made, at=EVE)


def mail_to(advocate: object, edition: Edition, *, at: datetime) -> str:
    while actions.queue_some(edition, at=EVE):
        pass
    message = Message.objects.get(kind="newsletter", contact=advocate.contact)  # type: ignore[attr-defined]
    with time_machine.travel(at, tick=False):
        done = mails.render_editions([message])[message.pk]
    assert not isinstance(done, Exception), done
    return done.text


def test_it_comes_first_and_says_until_when(edition):
    ines = make_advocate("Ines")
    text = mail_to(ines, edition, at=datetime(2026, 3, 17, 8, tzinfo=UTC))
    assert "Double points (today, until midnight)" in text
    assert text.index("The talk") < min(text.index(f"Plain {n}") for n in range(8) if f"Plain {n}" in text)


def test_after_midnight_a_mail_that_is_late_promises_nothing(edition):
    ines = make_advocate("Ines")
    evening = datetime(2026, 3, 17, 22, 50, tzinfo=UTC)
    assert "Double points (today, until midnight)" in mail_to(ines, edition, at=evening)
    # The same sender, twenty minutes on, has the words of the evening in hand and must not use them.
    assert "Double points" not in mail_to(ines, edition, at=evening + timedelta(minutes=20))


def test_it_is_the_readers_midnight(edition):
    aiko = make_advocate("Aiko", contact=make_contact("Aiko", time_zone="Asia/Tokyo"))
    luz = make_advocate("Luz", contact=make_contact("Luz", time_zone="America/Lima"))
    at = datetime(2026, 3, 17, 16, tzinfo=UTC)  # the 18th in Tokyo
    assert "Double points" not in mail_to(aiko, edition, at=at)
    assert "Double points (today, until midnight)" in mail_to(luz, edition, at=at)


def test_on_the_web_it_is_over_when_it_is(edition, client: Client):
    ines = make_advocate("Ines")
    client.force_login(ines.user)
    address = reverse("newsletter:edition", args=[edition.public_id])
    with time_machine.travel(datetime(2026, 3, 17, 8, tzinfo=UTC), tick=False):
        assert "today, until midnight" in client.get(address).content.decode()
    with time_machine.travel(datetime(2026, 3, 19, 8, tzinfo=UTC), tick=False):
        page = client.get(address).content.decode()
    assert "Over: Double points" in page and "until midnight" not in page
