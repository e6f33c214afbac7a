"""Counted links lead at once to our own pages and nowhere else; what they keep is a row, and no more than that (N7)."""

import uuid
from datetime import timedelta

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from advocacy.crm.models import Program
from advocacy.delivery import measuring
from advocacy.delivery.models import Link, MailEvent
from advocacy.lib.signed import BadLink
from tests.factories import make_advocate

pytestmark = pytest.mark.django_db

BOARD = "/opportunities/?kind=call#top"


@pytest.fixture
def letter(owe):
    return owe(make_advocate("Ines").contact)


@pytest.fixture
def token(letter):
    return measuring.Counted(letter.public_id).token(measuring.link_numbers([BOARD])[BOARD])


def click(client, token, **headers):
    return client.get(reverse("delivery:click", args=[token]), headers=headers)


def rows():
    return list(MailEvent.objects.order_by("pk").values_list("event", "path", "source"))


class TestFollowingOne:
    def test_it_leads_on_at_once_and_keeps_one_row(self, client, letter, token):
        answer = click(client, token)
        assert (answer.status_code, answer["Location"]) == (302, BOARD)
        assert "no-store" in answer["Cache-Control"]
        row = MailEvent.objects.get()
        assert (row.message, row.event, row.path, row.source) == (letter, "clicked", BOARD, "portal")

    def test_neither_address_nor_browser_is_kept(self, client, token):
        click(client, token, **{"User-Agent": "Peculiar/1.0", "X-Forwarded-For": "203.0.113.9"})
        kept = " ".join(str(value) for value in MailEvent.objects.values()[0].values())
        assert "Peculiar" not in kept and "203.0.113" not in kept
        assert {field.name for field in MailEvent._meta.fields} == {
            "id", "message", "event", "at", "path", "source", "key"
        }  # fmt: skip

    def test_twice_within_a_minute_is_one_click_and_later_another(self, client, token):
        with time_machine.travel("2026-03-10 12:00:05+00:00", tick=False) as traveller:
            click(client, token), click(client, token)
            assert len(rows()) == 1
            traveller.shift(timedelta(minutes=1))
            click(client, token)
        assert len(rows()) == 2

    def test_asking_what_is_there_or_fetching_ahead_is_no_click(self, client, token):
        assert client.head(reverse("delivery:click", args=[token])).status_code == 302
        assert click(client, token, **{"Sec-Purpose": "prefetch;prerender"}).status_code == 302
        assert rows() == []

    def test_it_does_nothing_but_lead_on(self, client, token):
        assert client.post(reverse("delivery:click", args=[token])).status_code == 405
        assert rows() == []

    def test_a_mail_that_is_gone_still_leads_to_its_page(self, client):
        link = measuring.link_numbers([BOARD])[BOARD]
        answer = click(client, measuring.Counted(uuid.uuid4()).token(link))
        assert answer["Location"] == BOARD
        assert rows() == []

    def test_a_link_made_before_the_key_was_changed_still_leads_on(self, client, settings, token):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "y" * 60
        assert click(client, token)["Location"] == BOARD


class TestForgedOnes:
    def test_no_letter_of_it_can_be_changed(self, client, token):
        for place in range(len(token)):
            other = "A" if token[place] != "A" else "B"
            answer = click(client, token[:place] + other + token[place + 1 :])
            assert answer.status_code == 404, place
            assert "Location" not in answer
        assert rows() == []

    @pytest.mark.parametrize("wrong", ["x", "A" * 44, "A" * 43, "é" * 44, "https:evil.test", "=" * 44, "A" * 43 + "\n"])
    def test_what_we_did_not_make_leads_nowhere(self, client, wrong):
        answer = click(client, wrong)
        assert answer.status_code == 404
        assert b"This link does not open" in answer.content

    def test_the_seal_of_another_mail_does_not_fit(self, client, owe, letter, token):
        other = owe(make_advocate("Omar").contact)
        theirs = measuring.b64decode(token, altchars=b"-_")
        mixed = measuring.urlsafe_b64encode(other.public_id.bytes + theirs[16:]).decode()
        assert click(client, mixed).status_code == 404

    @pytest.mark.parametrize(
        "elsewhere",
        ["https://evil.test/", "//evil.test/", "/\\evil.test", "\\\\evil.test", "javascript:alert(1)", "///evil.test",
         "/\t/evil.test", "mailto:ines@customer.test", "evil.test", "", "/" + "x" * 500],
    )  # fmt: skip
    def test_a_page_elsewhere_has_no_link_at_all(self, client, letter, elsewhere):
        assert measuring.link_numbers([elsewhere]) == {}
        planted = Link.objects.create(path=elsewhere[:500])  # even one put into the table by hand leads nowhere
        if len(elsewhere) <= 500:
            assert click(client, measuring.Counted(letter.public_id).token(planted.pk)).status_code == 404

    def test_a_token_of_no_link_is_refused(self, letter):
        with pytest.raises(BadLink):
            measuring.target(measuring.Counted(letter.public_id).token(4711))


class TestThePicture:
    def fetch(self, client, letter):
        return client.get(measuring.picture_url(measuring.Counted(letter.public_id)).removeprefix("http://testserver"))

    def test_it_counts_nothing_unless_the_program_chose_to(self, client, letter):
        assert Program.current().measure_opens is False
        answer = self.fetch(client, letter)
        assert (answer.status_code, answer["Content-Type"]) == (200, "image/gif")
        assert rows() == []

    def test_where_it_does_an_opening_is_one_row(self, client, letter):
        Program.objects.filter(pk=Program.current().pk).update(measure_opens=True)
        self.fetch(client, letter), self.fetch(client, letter)
        assert rows() == [("opened", "", "portal")]

    def test_neither_stands_for_the_other(self, client, letter, token):
        Program.objects.filter(pk=Program.current().pk).update(measure_opens=True)
        client.get(reverse("delivery:opened", args=[token]))
        assert click(client, measuring.Counted(letter.public_id).token(measuring.PICTURE)).status_code == 404
        assert rows() == []


class TestTheRows:
    def test_are_appended_and_never_changed(self, letter):
        measuring.record(letter, "delivered", at=timezone.now(), key="a")
        for change in (lambda: MailEvent.objects.update(path="/"), lambda: MailEvent.objects.all().delete()):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()

    def test_leaving_by_a_mail_is_one_of_them_once(self, client, letter):
        from advocacy.delivery import rendering

        address = rendering.unsubscribe_url(letter).removeprefix("http://testserver")
        client.get(address)
        assert rows() == []
        client.post(address), client.post(address, {"leave": "all"})
        assert rows() == [("unsubscribed", "", "portal")]
