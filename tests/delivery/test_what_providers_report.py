"""Bounces and complaints that a mail provider reports suppress the address; nobody else can report them (N6)."""

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import timedelta
from types import ModuleType

import pytest
from anymail.signals import AnymailTrackingEvent, tracking

from advocacy.delivery import inbound, outbox, webhooks
from advocacy.delivery.inbound import reply_address
from advocacy.delivery.models import Suppression
from tests.factories import NOON, make_advocate, make_contact

pytestmark = pytest.mark.django_db


def report(event_type, recipient="ines@customer.test", **more):
    more = {"reject_reason": None, "mta_response": None, "description": None, **more}
    event = AnymailTrackingEvent(event_type=event_type, recipient=recipient, timestamp=NOON, **more)
    tracking.send(sender=None, event=event, esp_name="Mailgun")


def reasons():
    return list(Suppression.objects.values_list("reason", flat=True))


class TestWhatItMeans:
    def test_a_bounce_ends_mail_to_the_address(self, owe, sender, out):
        ines = make_advocate("Ines").contact
        report("bounced", ines.email.upper(), reject_reason="bounced", mta_response="550 5.1.1 no such user")
        owe(ines)
        assert sender.run() == {"suppressed": 1}
        assert Suppression.objects.get().note == "550 5.1.1 no such user"

    def test_a_complaint_and_leaving_there_do_as_well(self):
        report("complained")
        report("unsubscribed", "omar@customer.test")
        assert reasons() == ["complained", "unsubscribed"]

    @pytest.mark.parametrize(
        ("event_type", "more"),
        [("delivered", {}), ("opened", {}), ("deferred", {}), ("bounced", {"reject_reason": "spam"}),
         ("bounced", {"reject_reason": "blocked"}), ("bounced", {"mta_response": "452 4.2.2 mailbox full"}),
         ("rejected", {"reject_reason": "other"})],
    )  # fmt: skip
    def test_what_is_not_about_the_address_does_nothing(self, event_type, more):
        report(event_type, **more)
        assert reasons() == []

    def test_told_twice_is_once(self):
        for _time in range(2):
            report("complained")
        assert reasons() == ["complained"]

    def test_a_complaint_outweighs_a_wish_that_a_later_yes_would_lift(self):
        Suppression.objects.create(email="ines@customer.test", reason="unsubscribed", at=NOON - timedelta(days=1))
        report("complained")
        assert reasons() == ["complained"]


class TestTheAddress:
    ANYMAIL = {"MAILGUN_API_KEY": "k", "MAILGUN_WEBHOOK_SIGNING_KEY": "signing", "WEBHOOK_SECRET": "portal:secret"}

    @pytest.fixture
    def through_mailgun(self, settings):
        settings.EMAIL_BACKEND = "anymail.backends.mailgun.EmailBackend"
        settings.ANYMAIL = self.ANYMAIL
        urls = ModuleType("urls_with_provider")
        settings.INBOUND_DOMAIN = "in.portal.test"
        urls.urlpatterns = webhooks.urls()
        settings.ROOT_URLCONF = urls

    def post(self, client, *, key="signing", word="portal:secret"):
        stamp, token = "1773144000", "t" * 50
        signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
        words = {
            "signature": {"timestamp": stamp, "token": token, "signature": signature},
            "event-data": {
                "event": "failed", "severity": "permanent", "reason": "bounce", "recipient": "ines@customer.test",
                "timestamp": 1773144000.0, "delivery-status": {"code": 550, "message": "no such user"},
            },
        }  # fmt: skip
        headers = {"Authorization": "Basic " + b64encode(word.encode()).decode()}
        return client.post("/events/", json.dumps(words), content_type="application/json", headers=headers)

    def test_takes_a_signed_report(self, through_mailgun, client):
        assert self.post(client).status_code == 200
        assert reasons() == ["bounced"]

    @pytest.mark.parametrize("wrong", [{"key": "guessed"}, {"word": "portal:guess"}])
    def test_refuses_any_other(self, through_mailgun, client, wrong):
        assert self.post(client, **wrong).status_code == 400
        assert reasons() == []

    @pytest.mark.parametrize(
        "change",
        [{"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend"}, {"ANYMAIL": {"MAILGUN_API_KEY": "k"}}],
    )
    def test_is_not_there_without_a_provider_or_a_secret(self, through_mailgun, settings, change):
        for name, value in change.items():
            setattr(settings, name, value)
        assert webhooks.urls() == []

    def bring(self, client, message, *, key="signing"):
        stamp, token = "1773144000", "t" * 50
        signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
        headers = [["From", "ines@customer.test"], ["To", reply_address(message)], ["Message-Id", "<1@customer.test>"]]
        form = {
            "timestamp": stamp, "token": token, "signature": signature, "recipient": reply_address(message),
            "sender": "ines@customer.test", "from": "ines@customer.test", "subject": "Re: Thanks",
            "body-plain": "You are welcome.", "message-headers": json.dumps(headers),
        }  # fmt: skip
        word = {"Authorization": "Basic " + b64encode(b"portal:secret").decode()}
        return client.post("/inbound/", form, headers=word)

    def test_brings_a_signed_reply_and_no_other(self, through_mailgun, client, monkeypatch):
        message = outbox.owe(
            "thanks", to=make_contact("Ines"), template="advocates/thanks", dedupe_key="1", at=NOON,
            params={"text": "Thank you!", "by": "Rita", "title": ""},
        )  # fmt: skip
        taken = []
        monkeypatch.setattr(inbound, "_readers", [taken.append])
        assert self.bring(client, message, key="guessed").status_code == 400
        assert self.bring(client, message).status_code == 200
        assert [(mail.answers, mail.text) for mail in taken] == [(message, "You are welcome.")]

    def test_takes_no_mail_without_a_domain_for_it(self, through_mailgun, settings):
        assert len(webhooks.urls()) == 2
        settings.INBOUND_DOMAIN = ""
        assert len(webhooks.urls()) == 1
