"""Leaving mail: by one click as RFC 8058 has it, by the page, per kind or all, at once and for queued mail (N6)."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import consent
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import ConsentEntry, RecordedBasis
from advocacy.delivery import rendering
from advocacy.delivery.models import Message, Suppression
from advocacy.lib import signed
from tests.factories import NOON, make_advocate, make_contact

pytestmark = pytest.mark.django_db

ONE_CLICK = {"data": "List-Unsubscribe=One-Click", "content_type": "application/x-www-form-urlencoded"}


@pytest.fixture
def strict_client():
    """A mail provider's robot: no cookies, no token against forged forms, and the portal does check for them."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def ines():
    return make_advocate("Ines").contact


@pytest.fixture
def letter(owe, ines):
    return owe(ines, purpose=Purpose.NEWSLETTER)


def leave_url(message):
    return rendering.unsubscribe_url(message).removeprefix("http://testserver")


def allows(contact, purpose=Purpose.NEWSLETTER):
    return consent.allows(contact, purpose, at=timezone.now())


class TestTheHeaders:
    def test_mail_that_can_be_left_says_how_in_both_headers(self, letter, sender, out):
        sender.run()
        mail = out.mails[0]
        address = re.fullmatch(r"<(http://testserver/mail/unsubscribe/[^>]+/)>", mail["List-Unsubscribe"])
        assert address
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert mail["List-Id"] == "<newsletter.testserver>"
        raw = out.envelopes[0].data
        assert b"\r\nList-Unsubscribe: <" in raw, "the header stands on one line: some providers do not unfold it"

    def test_they_are_as_the_standards_want_them(self, owe, ines, sender, out):
        owe(ines, purpose=Purpose.NEWSLETTER, batch="edition:7"), owe(ines)
        sender.run()
        for mail in out.mails:
            # RFC 8058: exactly one address, by https where the portal is (here a test), and the one word; RFC 2919.
            assert re.fullmatch(r"<https?://[!-;=?-~]+>", mail["List-Unsubscribe"])
            assert mail.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
            assert re.fullmatch(r"<[A-Za-z0-9_.-]+>", mail["List-Id"])
            *about, by = str(mail["Feedback-ID"]).split(":")
            assert len(about) == 3 and 5 <= len(by) <= 15
        assert [str(mail["Feedback-ID"]).split(":")[0] for mail in out.mails] == ["none", "edition-7"]
        assert len({str(mail["Feedback-ID"]).split(":")[3] for mail in out.mails}) == 1, "the sender stays the same"

    def test_mail_about_what_was_accepted_has_none(self, owe, ines, sender, out):
        owe(ines, purpose="", counts=False)
        sender.run()
        assert "List-Unsubscribe" not in out.mails[0]
        assert "List-Unsubscribe-Post" not in out.mails[0]

    def test_the_address_in_the_header_works(self, letter, sender, out, strict_client, ines):
        sender.run()
        address = out.mails[0]["List-Unsubscribe"].strip("<>").removeprefix("http://testserver")
        assert strict_client.post(address, **ONE_CLICK).status_code == 200
        assert not allows(ines)


class TestOneClick:
    def test_a_post_without_cookies_leaves_that_kind_and_no_other(self, letter, ines, strict_client):
        answer = strict_client.post(leave_url(letter), **ONE_CLICK)
        assert answer.status_code == 200  # no redirect: robots do not follow it
        assert not allows(ines)
        assert allows(ines, Purpose.PROGRAM_MAIL)
        entry = ConsentEntry.objects.latest("pk")
        assert (entry.contact, entry.purpose, entry.given, entry.source) == (
            ines, "newsletter", False, "unsubscribe link",
        )  # fmt: skip

    def test_a_second_post_is_fine_and_adds_nothing(self, letter, ines, strict_client):
        strict_client.post(leave_url(letter), **ONE_CLICK)
        entries = ConsentEntry.objects.count()
        assert strict_client.post(leave_url(letter), **ONE_CLICK).status_code == 200
        assert ConsentEntry.objects.count() == entries

    def test_a_form_sent_as_multipart_works_too(self, letter, ines, strict_client):
        assert strict_client.post(leave_url(letter), {"List-Unsubscribe": "One-Click"}).status_code == 200
        assert not allows(ines)

    def test_another_contact_with_the_same_mailbox_has_left_as_well(
        self, owe, letter, ines, strict_client, sender, out
    ):
        twin = make_advocate("Ines", contact=make_contact("Ines", email=ines.email.upper()), user=False).contact
        owe(twin, purpose=Purpose.NEWSLETTER), owe(twin)
        Message.objects.filter(pk=letter.pk).update(status="sent", sent_at=NOON)
        strict_client.post(leave_url(letter), **ONE_CLICK)
        assert sender.run() == {"suppressed": 1, "sent": 1}

    @pytest.mark.parametrize("method", ["get", "head", "options"])
    def test_looking_changes_nothing(self, letter, ines, strict_client, method):
        answer = getattr(strict_client, method)(leave_url(letter))
        assert answer.status_code == 200
        assert allows(ines)
        if method == "get":
            assert b"Nothing has changed yet" in answer.content

    @pytest.mark.parametrize(
        "token", ["x", "a:b:c", signed.sign("answer", "1"), signed.sign("unsubscribe", "not-a-uuid"),
                  signed.sign("unsubscribe", "00000000-0000-0000-0000-000000000000")],
        # A signed token holds the second it was made in: the name of a case must be the same in each worker.
        ids=["no-token", "three-parts", "of-another-purpose", "of-no-message", "of-a-message-there-is-not"],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_a_forged_token_does_nothing(self, letter, ines, strict_client, token, method):
        answer = getattr(strict_client, method)(reverse("delivery:unsubscribe", args=[token]))
        assert answer.status_code == 404
        assert allows(ines)

    def test_a_token_of_another_mail_leaves_only_for_its_own_reader(self, owe, letter, ines, strict_client):
        omar = make_advocate("Omar").contact
        strict_client.post(leave_url(owe(omar, purpose=Purpose.NEWSLETTER)), **ONE_CLICK)
        assert allows(ines)
        assert not allows(omar)

    def test_it_counts_for_mail_already_queued(self, owe, letter, ines, strict_client, sender, out, clock):
        later = owe(ines, purpose=Purpose.NEWSLETTER, due_at=NOON + timedelta(hours=1))
        sender.run()
        strict_client.post(leave_url(letter), **ONE_CLICK)
        clock.at = timezone.now()
        sender.run()
        assert len(out.mails) == 1
        assert Message.objects.get(pk=later.pk).status == "suppressed"

    def test_it_counts_in_mid_run_for_the_mail_that_comes_next(self, owe, ines, strict_client, sender, out, clock):
        omar = make_advocate("Omar").contact
        owe(omar, purpose=Purpose.NEWSLETTER)
        next_one = owe(ines, purpose=Purpose.NEWSLETTER)

        def she_leaves_meanwhile(_mail):
            assert strict_client.post(leave_url(next_one), **ONE_CLICK).status_code == 200
            clock.at = timezone.now()

        out.says[omar.email] = she_leaves_meanwhile
        assert sender.run() == {"sent": 1, "suppressed": 1}
        assert out.receivers == [omar.email]

    def test_the_link_never_grows_too_old(self, letter, ines, strict_client):
        import time_machine

        url = leave_url(letter)
        with time_machine.travel(timezone.now() + timedelta(days=900), tick=False):
            assert strict_client.post(url, **ONE_CLICK).status_code == 200


class TestThePage:
    def test_it_asks_with_two_buttons_and_shows_only_half_of_the_address(self, client, letter, ines):
        page = client.get(leave_url(letter)).content.decode()
        assert 'value="kind"' in page
        assert 'value="all"' in page
        assert ines.email not in page
        assert "in…@customer.test" in page

    def test_it_is_not_kept_by_caches(self, client, letter):
        assert "no-store" in client.get(leave_url(letter))["Cache-Control"]

    def test_leaving_all_ends_every_mail_but_what_was_accepted(self, client, owe, letter, ines, sender, out, clock):
        RecordedBasis.objects.create(contact=ines, purpose="invitation", basis="customer")
        client.post(leave_url(letter), {"leave": "all"})
        assert not allows(ines)
        assert not allows(ines, Purpose.PROGRAM_MAIL)
        assert allows(ines, Purpose.REFERENCE_CALLS)  # a yes to calls is not a yes to mail
        assert not RecordedBasis.objects.filter(ended_at__isnull=True).exists()
        clock.at = timezone.now()
        for purpose in (Purpose.NEWSLETTER, Purpose.PROGRAM_MAIL, Purpose.REFERENCE_CALLS):
            owe(ines, purpose=purpose)
        accepted = owe(ines, purpose="", counts=False)
        sender.run()
        assert out.receivers == [accepted.to_email]

    def test_who_says_yes_again_gets_mail_again_and_can_leave_again(
        self, client, owe, letter, ines, sender, out, clock
    ):
        client.post(leave_url(letter), {"leave": "all"})
        consent.grant(ines, Purpose.NEWSLETTER, wording="Yes.", at=timezone.now(), source="test")
        clock.at = timezone.now()
        again = owe(ines, purpose=Purpose.NEWSLETTER)
        Message.objects.filter(pk=letter.pk).update(status="cancelled")
        assert sender.run() == {"sent": 1}
        client.post(leave_url(again), {"leave": "all"})
        assert Suppression.objects.count() == 1
        clock.at = timezone.now()
        owe(ines, purpose=Purpose.NEWSLETTER)
        assert sender.run() == {"suppressed": 1}

    def test_leaving_all_does_not_turn_a_bounce_into_a_wish(self, client, letter, ines):
        Suppression.objects.create(email=ines.email, reason="bounced")
        client.post(leave_url(letter), {"leave": "all"})
        assert Suppression.objects.get().reason == "bounced"

    def test_an_invited_person_opts_out_of_invitations(self, client, owe):
        mei = make_contact("Mei")
        RecordedBasis.objects.create(contact=mei, purpose="invitation", basis="customer")
        client.post(leave_url(owe(mei, purpose="", basis="invitation")))
        assert RecordedBasis.objects.get().ended_at is not None
