"""A way out that keeps what it is given, and mail to send through it."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import count
from typing import Any

import pytest

from advocacy.crm.catalogue import Purpose
from advocacy.delivery import outbox, rendering
from advocacy.delivery.models import Message
from advocacy.delivery.sender import Sender
from advocacy.delivery.transport import SmtpTransport
from tests.factories import NOON, make_advocate

_number = count(1)


class KeepingTransport(SmtpTransport):
    """SMTP without a server: each mail goes into ``mails``, unless ``says`` has a problem for it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.envelopes: list[Any] = []
        self.says: dict[str, Any] = {}
        self.opened = 0

    def open(self) -> None:
        self.opened += 1

    def close(self) -> None:
        pass

    def send(self, prepared: Any) -> str:
        self.meanwhile()
        problem = self.says.get(prepared.to)
        if callable(problem):
            problem = problem(prepared)
        if problem is not None:
            raise problem
        self.envelopes.append(prepared)
        mail = message_from_bytes(prepared.data.removesuffix(b".\r\n"), policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"

    @property
    def receivers(self) -> list[str]:
        return [envelope.to for envelope in self.envelopes]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: Any) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def out() -> KeepingTransport:
    return KeepingTransport()


@pytest.fixture
def make_sender(out: KeepingTransport, clock: Clock) -> Callable[..., Sender]:
    def make(**more: Any) -> Sender:
        return Sender(**{"out": out, "clock": clock, "lease": timedelta(seconds=60), **more})

    return make


@pytest.fixture
def sender(make_sender: Callable[..., Sender]) -> Sender:
    return make_sender()


@pytest.fixture
def plain_template() -> Iterator[str]:
    """A template that needs no file: subject and text come from the parameters."""
    template = "tests/plain"

    def render(messages: Any) -> dict[int, Any]:
        done: dict[int, Any] = {}
        for message in messages:
            if message.params.get("poison"):
                done[message.pk] = ValueError("poison")
                continue
            words = {"subject": "Hello", "text": "Text", "html": "<p>Text</p>", **message.params}
            done[message.pk] = rendering.Rendered(words["subject"], words["html"], words["text"])
        return done

    rendering.register_batch_renderer(template, render)
    yield template
    del rendering._batch_renderers[template]


@pytest.fixture
def owe(db: None, plain_template: str) -> Callable[..., Message]:
    """Owe one mail: ``owe(ines.contact, purpose="newsletter")``."""

    def make(to: Any = None, **more: Any) -> Message:
        more.setdefault("at", NOON - timedelta(minutes=1))
        more.setdefault("purpose", "" if isinstance(to, str) else Purpose.PROGRAM_MAIL)
        more.setdefault("dedupe_key", f"k{next(_number)}")
        message = outbox.owe(
            more.pop("kind", "note"), to=to or make_advocate().contact, template=plain_template, **more
        )
        assert message is not None
        return message

    return make
