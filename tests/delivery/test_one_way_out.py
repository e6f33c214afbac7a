"""Every mail of every app goes through the outbox (N5): read from the code, and watched while it runs.

``tests/conftest.py`` watches every other test as well: no mail leaves in any of them but from the outbox.
"""

import ast
import inspect
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.urls import reverse
from django.utils.log import AdminEmailHandler

from advocacy.delivery import outbox
from advocacy.delivery.models import Message
from advocacy.delivery.sender import Sender
from advocacy.delivery.transport import BackendTransport
from tests.factories import NOON, make_advocate, make_user

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("advocacy", "advocates", "opportunities", "community", "newsletter")
WAYS_OUT = {
    "advocacy/delivery/transport.py": "hands mail on",
    "advocacy/delivery/mime.py": "writes a mail as Django knows it, for the transport",
    "advocacy/local/mailcatcher.py": "the demo's own mailbox; it takes mail and sends none",
}
MODULES = ("django.core.mail", "smtplib", "aiosmtplib", "anymail.backends", "anymail.message", "post_office", "mailer")
CALLS = {
    "send_mail", "send_mass_mail", "mail_admins", "mail_managers", "email_user", "send_messages", "sendmail",
    "send_message", "EmailMessage", "EmailMultiAlternatives", "AdminEmailHandler",
}  # fmt: skip


def files() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (ROOT / folder).rglob("*.py")
    yield from ROOT.glob("*.py")


def strays(source: str) -> list[str]:
    """What in a module could send mail, however it is imported or called."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names if one.name.startswith(MODULES)]
        elif isinstance(node, ast.ImportFrom):
            whole = [f"{node.module or ''}.{one.name}" for one in node.names]
            names = [one for one in whole if one.startswith(MODULES) or one.rpartition(".")[2] in CALLS]
        elif isinstance(node, ast.Attribute):
            names = [node.attr] if node.attr in CALLS else []
        elif isinstance(node, ast.Name):
            names = [node.id] if node.id in CALLS else []
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # A module named in a text can be imported by that name.
            names = [node.value] if node.value in MODULES or node.value in CALLS else []
        found += [f"line {node.lineno}: {name}" for name in names]  # type: ignore[attr-defined]
    return found


def test_no_code_but_the_transport_has_a_way_out():
    found = {
        name: what
        for file in files()
        if (name := str(file.relative_to(ROOT))) not in WAYS_OUT and (what := strays(file.read_text()))
    }
    # The adapter overrides allauth's method of that name, to put the mail into the outbox instead.
    adapter = found.pop("advocacy/delivery/adapters.py", [])
    assert found == {}
    assert all("send_mail" in what for what in adapter)


@pytest.mark.parametrize(
    "source",
    ["from django.core import mail", "import django.core.mail as x", "from django.core.mail import send_mail as s",
     "import smtplib", "import_module('smtplib')", "from smtplib import SMTP", "user.email_user('a', 'b')",
     "getattr(x, 'send_mail')", "def f():\n    from django.core.mail import EmailMessage", "backend.send_messages([m])",
     "from django.utils.log import AdminEmailHandler", "from anymail.message import AnymailMessage"],
)  # fmt: skip
def test_each_way_out_would_be_found(source):
    assert strays(source)


def test_errors_are_not_mailed_past_it_either():
    assert settings.ADMINS == [] and settings.MANAGERS == []
    names = [None, "django", "django.request", "django.server", "django.security"]
    handlers = [one for name in names for one in logging.getLogger(name).handlers]
    assert not any(isinstance(one, AdminEmailHandler) for one in handlers)


class Witness(BaseEmailBackend):
    """A backend that knows which file each mail was handed to it from."""

    seen: list[str] = []

    def send_messages(self, messages):
        callers = [frame.filename for frame in inspect.stack()[1:]]
        ours = [str(Path(one).relative_to(ROOT)) for one in callers if one.startswith(str(ROOT)) and ".venv" not in one]
        self.seen += [ours[0] for _message in messages]
        return len(messages)


@pytest.mark.django_db
class TestWhileItRuns:
    @pytest.fixture
    def witness(self, settings, monkeypatch):
        monkeypatch.setattr(Witness, "seen", [])
        settings.EMAIL_BACKEND = "tests.delivery.test_one_way_out.Witness"
        return Witness.seen

    def test_signing_in_and_forgetting_a_password_only_owe_mail(self, client, witness):
        rita = make_user("Rita", "manager")
        for page, email in (
            ("account_request_login_code", rita.email), ("account_reset_password", rita.email),
            ("account_request_login_code", "nobody@customer.test"), ("account_reset_password", "nobody@customer.test"),
        ):  # fmt: skip
            client.post(reverse(page), {"email": email})
        assert witness == [] and mail.outbox == []
        assert Message.objects.count() >= 3

    def test_what_leaves_leaves_from_the_transport_one_for_each_row(self, witness):
        rita, ines = make_user("Rita", "manager"), make_advocate("Ines").contact
        params = {"text": "Thank you!", "by": "Rita", "title": ""}
        for number, to in enumerate((rita, ines, "sam@customer.test")):
            outbox.owe("thanks", to=to, template="advocates/thanks", dedupe_key=f"{number}", at=NOON, params=params)
        Sender(out=BackendTransport(Witness()), clock=lambda: NOON).run()
        assert witness == ["advocacy/delivery/transport.py"] * Message.objects.filter(status="sent").count()
        assert len(witness) == 3
