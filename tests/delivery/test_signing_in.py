"""Sign-in mail goes through the outbox: past consent, cap and suppression; its codes are not stored readable (X1)."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm.models import Program
from advocacy.delivery.actions import settle
from advocacy.delivery.jobs import wipe_old_secrets
from advocacy.delivery.models import Message, Suppression
from advocacy.lib.lifecycle import Refused
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def ask_for_a_code(client, email):
    return client.post(reverse("account_request_login_code"), {"email": email})


def code_in(mail):
    return next(
        line.strip() for line in mail.get_body(("plain",)).get_content().splitlines() if line.startswith("    ")
    )


def test_a_code_is_owed_not_sent_and_not_readable(client, sender, out, clock, settings):
    rita = make_user("Rita Morgan", "manager")
    ask_for_a_code(client, rita.email)
    message = Message.objects.get()
    assert (message.kind, message.user, message.counts, message.purpose) == ("sign_in_login_code", rita, False, "")
    assert message.params == {"what": "login_code"}
    assert mail.outbox == []
    clock.at = message.due_at
    assert sender.run() == {"sent": 1}
    code = code_in(out.mails[0])
    everything = " ".join(str(value) for value in Message.objects.values_list().get())
    assert code not in everything
    assert Message.objects.get().secret is None


def test_the_code_from_the_mail_signs_in(client, sender, out, clock):
    rita = make_user("Rita Morgan", "manager")
    ask_for_a_code(client, rita.email)
    clock.at = Message.objects.get().due_at
    sender.run()
    client.post(reverse("account_confirm_login_code"), {"code": code_in(out.mails[0])})
    assert client.session.get("_auth_user_id") == str(rita.pk)


def test_an_unsubscribed_or_bounced_address_can_still_sign_in(sender, out, clock):
    Program.current()
    Program.objects.update(mail_cap_a_day=1)
    rita = make_user("Rita Morgan", "manager")
    Suppression.objects.create(email=rita.email, reason="bounced")
    for _time in range(3):
        ask_for_a_code(Client(), rita.email)
    clock.at = Message.objects.latest("pk").due_at
    sender.run()
    assert len(out.mails) == 3
    assert "List-Unsubscribe" not in out.mails[0]


def test_an_unknown_address_is_told_kindly(client, sender, out, clock):
    ask_for_a_code(client, "nobody@elsewhere.test")
    clock.at = Message.objects.get().due_at
    sender.run()
    assert "do not know this address" in out.mails[0]["Subject"]


def test_a_password_reset_link_works_and_is_not_stored_readable(client, sender, out, clock):
    rita = make_user("Rita Morgan", "manager")
    client.post(reverse("account_reset_password"), {"email": rita.email})
    message = Message.objects.get()
    assert "reset" not in str(message.params).replace("password_reset_key", "")
    clock.at = message.due_at
    sender.run()
    link = re.search(r"https?://\S+/reset/\S+", out.mails[0].get_body(("plain",)).get_content()).group(0)
    page = client.get(link.partition("testserver")[2], follow=True)
    assert page.status_code == 200
    assert b"password1" in page.content


def test_a_code_that_could_not_be_sent_for_a_day_never_goes_without_it(client, sender, out, clock):
    rita = make_user("Rita Morgan", "manager")
    for status in ("due", "failed", "in_doubt"):
        ask_for_a_code(Client(), rita.email)
        Message.objects.filter(pk=Message.objects.latest("pk").pk).update(status=status, sending_since=clock.at)
    clock.at = Message.objects.latest("pk").created_at + timedelta(hours=25)
    wipe_old_secrets(at=clock.at)
    assert set(Message.objects.values_list("status", "secret")) == {("cancelled", None)}
    sender.run()
    assert out.mails == []


def test_what_has_lost_its_code_is_not_sent_again(client):
    ask_for_a_code(client, make_user("Rita Morgan", "manager").email)
    Message.objects.update(status="failed", secret=None)
    with pytest.raises(Refused, match="ask for a new one"):
        settle(Message.objects.get(), "again", by=make_user("Lena", "lead"), at=timezone.now())
