"""Five providers, each with reports as it writes and signs them; a forged or unsigned one stores nothing (N6, N7)."""

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.mail import get_connection
from django.test import Client

from advocacy.crm.models import Program
from advocacy.delivery import mime, webhooks
from advocacy.delivery.models import MailEvent, Message, Suppression
from advocacy.delivery.rendering import Rendered
from advocacy.delivery.transport import BackendTransport
from tests.factories import NOON, make_advocate

pytestmark = [
    pytest.mark.django_db,
    # It warns that SendGrid gives its testers no account any more; its way of signing is tested here all the same.
    pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning"),
]

STAMP = int(NOON.timestamp())
WORD = "portal:secret"
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = b"".join(
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .splitlines()[1:-1]
).decode()
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


class Provider:
    """What a provider is set up with, how it tells of one mail, and how it proves that it is it."""

    name: str
    anymail: dict[str, Any]
    said = "queued"

    def tell(self, client: Client, event: str, message: Message, *, genuine: bool = True, word: str = WORD) -> Any:
        raise NotImplementedError

    def post(self, client: Client, body: str, headers: dict[str, str], *, word: str, **more: Any) -> Any:
        if word:
            headers = {**headers, "Authorization": "Basic " + b64encode(word.encode()).decode()}
        return client.post("/events/", body, headers=headers, **{"content_type": "application/json", **more})


class Mailgun(Provider):
    name = "mailgun"
    anymail = {"MAILGUN_API_KEY": "k", "MAILGUN_WEBHOOK_SIGNING_KEY": "signing"}

    def tell(self, client, event, message, *, genuine=True, word=WORD):
        token = "t" * 50
        key = b"signing" if genuine else b"guessed"
        signature = hmac.new(key, f"{STAMP}{token}".encode(), hashlib.sha256).hexdigest()
        about = {
            "delivered": {"event": "delivered", "delivery-status": {"code": 250, "message": "OK"}},
            "bounced": {
                "event": "failed", "severity": "permanent", "reason": "bounce",
                "delivery-status": {"code": 550, "message": "5.1.1 no such user"},
            },
            "complained": {"event": "complained"},
        }[event]  # fmt: skip
        words = {
            "signature": {"timestamp": str(STAMP), "token": token, "signature": signature},
            "event-data": {
                **about, "id": f"mg-{event}", "timestamp": STAMP + 0.5, "recipient": message.to_email,
                "user-variables": {"message": str(message.public_id)},
                "message": {"headers": {"message-id": message.message_id.strip("<>")}},
            },
        }  # fmt: skip
        return self.post(client, json.dumps(words), {}, word=word)


class Postmark(Provider):
    name = "postmark"
    anymail = {"POSTMARK_SERVER_TOKEN": "k"}

    def tell(self, client, event, message, *, genuine=True, word=WORD):
        when = datetime.fromtimestamp(STAMP, UTC).isoformat().replace("+00:00", "Z")
        about = {
            "delivered": {"RecordType": "Delivery", "Recipient": message.to_email, "DeliveredAt": when},
            "bounced": {
                "RecordType": "Bounce", "ID": 42, "Type": "HardBounce", "TypeCode": 1, "Email": message.to_email,
                "Description": "The server was unable to deliver your message.", "Details": "smtp;550 5.1.1 unknown",
                "BouncedAt": when, "Inactive": True,
            },
            "complained": {
                "RecordType": "SpamComplaint", "ID": 43, "Type": "SpamComplaint", "TypeCode": 512,
                "Email": message.to_email, "BouncedAt": when,
            },
        }[event]  # fmt: skip
        words = {**about, "MessageID": "pm-1", "Metadata": {"message": str(message.public_id)}}
        return self.post(client, json.dumps(words), {}, word=word if genuine else "portal:guessed")


class SendGrid(Provider):
    name = "sendgrid"
    anymail = {"SENDGRID_API_KEY": "k", "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY": PUBLIC}

    def tell(self, client, event, message, *, genuine=True, word=WORD):
        about = {
            "delivered": {"event": "delivered", "response": "250 OK"},
            "bounced": {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no such user"},
            "complained": {"event": "spamreport"},
        }[event]
        words = [
            {
                **about, "email": message.to_email, "timestamp": STAMP, "sg_event_id": f"sg-{event}",
                "sg_message_id": "sg.1", "anymail_id": "a-1", "message": str(message.public_id),
            }
        ]  # fmt: skip
        body = json.dumps(words)
        seal = (KEY if genuine else OTHER_KEY).sign(f"{STAMP}{body}".encode(), ec.ECDSA(hashes.SHA256()))
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": b64encode(seal).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": str(STAMP),
        }
        return self.post(client, body, headers, word=word)


class Mandrill(Provider):
    name = "mandrill"
    anymail = {"MANDRILL_API_KEY": "k", "MANDRILL_WEBHOOK_KEY": "hook"}

    def tell(self, client, event, message, *, genuine=True, word=WORD):
        kind = {"delivered": "delivered", "bounced": "hard_bounce", "complained": "spam"}[event]
        words = [
            {
                "event": kind, "ts": STAMP, "_id": "md-1",
                "msg": {
                    "_id": "md-1", "email": message.to_email, "diag": "smtp;550 5.1.1 unknown",
                    "metadata": {"message": str(message.public_id)}, "tags": [],
                },
            }
        ]  # fmt: skip
        body = json.dumps(words)
        url = f"http://{word}@testserver/events/" if word else "http://testserver/events/"
        seal = hmac.new(b"hook" if genuine else b"guessed", f"{url}mandrill_events{body}".encode(), hashlib.sha1)
        headers = {"X-Mandrill-Signature": b64encode(seal.digest()).decode()}
        if word:
            headers["Authorization"] = "Basic " + b64encode(word.encode()).decode()
        return client.post("/events/", {"mandrill_events": body}, headers=headers)


class MailerSend(Provider):
    name = "mailersend"
    anymail = {"MAILERSEND_API_TOKEN": "k", "MAILERSEND_SIGNING_SECRET": "seal"}

    def tell(self, client, event, message, *, genuine=True, word=WORD):
        kind = {"delivered": "delivered", "bounced": "hard_bounced", "complained": "spam_complaint"}[event]
        number = message.result.rpartition(" ")[2]
        words = {
            "type": f"activity.{kind}",
            "data": {
                "id": f"ms-{event}", "type": kind, "created_at": datetime.fromtimestamp(STAMP, UTC).isoformat(),
                "email": {"message": {"id": number}, "recipient": {"email": message.to_email}, "tags": []},
                "morph": {"object": "recipient_bounce", "reason": "no such user"} if event == "bounced" else None,
            },
        }  # fmt: skip
        body = json.dumps(words)
        seal = hmac.new(b"seal" if genuine else b"guessed", body.encode(), hashlib.sha256).hexdigest()
        return self.post(client, body, {"Signature": seal}, word=word)


PROVIDERS = (Mailgun, Postmark, SendGrid, Mandrill, MailerSend)
REPORTED = ("bounced", "complained", "delivered")


@pytest.fixture(params=PROVIDERS, ids=lambda one: one.name)
def provider(request: Any, settings: Any) -> Provider:
    one: Provider = request.param()
    settings.EMAIL_BACKEND = f"anymail.backends.{one.name}.EmailBackend"
    settings.ANYMAIL = {**one.anymail, "WEBHOOK_SECRET": WORD}
    urls = ModuleType("urls_with_provider")
    urls.urlpatterns = webhooks.urls()  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = urls
    return one


@pytest.fixture
def letter(owe: Any) -> Message:
    message = owe(make_advocate("Ines").contact, batch="edition:7")
    Message.objects.filter(pk=message.pk).update(status="sent", sent_at=NOON, result="{'queued'} abc-123")
    return Message.objects.get(pk=message.pk)


def kept() -> list[tuple[str, Any]]:
    return list(MailEvent.objects.values_list("event", "message"))


class TestWhatItTells:
    @pytest.mark.parametrize("event", REPORTED)
    def test_is_kept_once_with_its_mail_however_often_it_is_told(self, provider, client, letter, event):
        for _time in range(2):
            assert provider.tell(client, event, letter).status_code == 200
        if (provider.name, event) == ("mandrill", "delivered"):
            assert kept() == []  # anymail knows no such report of Mandrill's
            return
        assert kept() == [(event, letter.pk)]
        row = MailEvent.objects.get()
        assert row.source.lower() == provider.name
        assert abs((row.at - NOON).total_seconds()) < 1
        reasons = list(Suppression.objects.values_list("email", "reason"))
        assert reasons == ([] if event == "delivered" else [(letter.to_email, event)])

    @pytest.mark.parametrize("event", REPORTED)
    def test_counts_for_nothing_with_a_forged_signature(self, provider, client, letter, event):
        assert provider.tell(client, event, letter, genuine=False).status_code == 400
        assert (kept(), Suppression.objects.count()) == ([], 0)

    @pytest.mark.parametrize("word", ["", "portal:guessed"])
    def test_counts_for_nothing_without_the_secret_of_the_address(self, provider, client, letter, word):
        assert provider.tell(client, "complained", letter, word=word).status_code == 400
        assert (kept(), Suppression.objects.count()) == ([], 0)

    # Postmark and Mailgun do not sign the words themselves: what proves theirs is the secret in the address.
    @pytest.mark.parametrize("provider", [SendGrid, Mandrill, MailerSend], ids=lambda one: one.name, indirect=True)
    def test_counts_for_nothing_when_a_word_was_changed_on_the_way(self, provider, client, letter):
        sent = Client()
        taken: dict[str, Any] = {}
        sent.post = lambda *args, **more: taken.update(args=args, more=more)  # type: ignore[method-assign]
        provider.tell(sent, "complained", letter)
        url, body = taken["args"]
        changed = json.loads(json.dumps(body).replace("ines", "omar"))
        assert changed != body
        assert client.post(url, changed, **taken["more"]).status_code == 400
        assert (kept(), Suppression.objects.count()) == ([], 0)

    def test_of_a_mail_that_is_not_ours_suppresses_and_keeps_no_row(self, provider, client):
        stranger = Message(to_email="omar@customer.test", message_id="<no@where.test>", result="x unheard-of")
        assert provider.tell(client, "complained", stranger).status_code == 200
        assert kept() == []
        assert Suppression.objects.get().email == "omar@customer.test"


SETTINGS = {
    "mailgun": {"MAILGUN_API_KEY": "k", "MAILGUN_SENDER_DOMAIN": "m.test"}, "postmark": {"POSTMARK_SERVER_TOKEN": "k"},
    "sendgrid": {"SENDGRID_API_KEY": "k"}, "mandrill": {"MANDRILL_API_KEY": "k"},
    "mailersend": {"MAILERSEND_API_TOKEN": "k"}, "mailjet": {"MAILJET_API_KEY": "k", "MAILJET_SECRET_KEY": "s"},
    "resend": {"RESEND_API_KEY": "k"}, "brevo": {"BREVO_API_KEY": "k"}, "sparkpost": {"SPARKPOST_API_KEY": "k"},
    "postal": {"POSTAL_API_URL": "https://postal.test", "POSTAL_API_KEY": "k"},
    "mailtrap": {"MAILTRAP_API_TOKEN": "k"},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(SETTINGS))
class TestHandingItOver:
    def test_each_provider_takes_the_mail_as_it_is_and_counts_nothing_itself(self, settings, letter, name):
        settings.EMAIL_BACKEND = f"anymail.backends.{name}.EmailBackend"
        settings.ANYMAIL = SETTINGS[name]
        backend: Any = get_connection()
        out = BackendTransport(backend)
        mail = mime.build(letter, Rendered("Hello", "<p>Hello</p>", "Hello"), program=Program.current(), at=NOON)
        prepared: Any = out.prepare(mail)
        payload = backend.build_message_payload(prepared, backend.send_defaults)  # refuses what it cannot
        words = payload.serialize_data() if hasattr(payload, "serialize_data") else payload.data
        assert "List-Unsubscribe" in str(words) + str(vars(payload))
        for wish in ("track_opens", "track_clicks"):
            assert getattr(prepared, wish, False) is False
        if "metadata" in out.can:
            assert str(letter.public_id) in str(words) + str(vars(payload))
        else:
            assert name in {"postal", "mailersend"}
