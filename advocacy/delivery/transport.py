"""Handing a mail on, and knowing exactly how far it got: not taken, refused for now, refused for good, or in doubt.

All of smtplib's exceptions are ``OSError``s, like those of the socket.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from anymail.backends.base import BasePayload
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend

from advocacy.delivery.mime import Mail

logger = structlog.get_logger(__name__)

IDLE_SECONDS = 20.0  # a kept connection that rested longer is opened anew: servers close them without a word


class Problem(Exception):
    """The mail has not been handed on, as far as we know; the text is what the server said."""


class Unreachable(Problem):
    """No connection: nothing was tried, and other mail would fare no better."""


class NotTaken(Problem):
    """The connection was lost before the server took the mail: it certainly did not go."""


class NotNow(Problem):
    """The server refused this mail for the moment (4xx)."""


class Never(Problem):
    """The server refused this mail for good (5xx); ``bounced`` when it does not know the address."""

    def __init__(self, said: str, *, bounced: bool = False) -> None:
        super().__init__(said)
        self.bounced = bounced


class InDoubt(Problem):
    """The mail was handed over, but no answer came: it may have gone, or not."""


class Transport:
    """One way out, kept open between mails. ``prepare`` does all that can go wrong with the mail itself.

    ``meanwhile`` is done while the other side takes a mail and we would only wait; it must not raise. A transport that
    cannot tell when that is leaves it.
    """

    meanwhile: Callable[[], None] = staticmethod(lambda: None)

    def prepare(self, mail: Mail) -> Any:
        """The mail in the form ``send`` takes."""
        raise NotImplementedError

    def send(self, prepared: Any) -> str:
        """Hand one mail on and return what the server said; raises a ``Problem``."""
        raise NotImplementedError

    def open(self) -> None:
        """Make sure there is a connection; raises ``Unreachable``."""

    def close(self) -> None:
        """Let the connection go."""


def transport() -> Transport:
    """The way out that EMAIL_URL names."""
    backend = get_connection(fail_silently=False)
    if isinstance(backend, EmailBackend):
        return SmtpTransport(backend)
    return BackendTransport(backend)


@dataclass(frozen=True)
class Envelope:
    """What SMTP needs of one mail; ``data`` is ready for the wire, its end mark included."""

    sender: str
    to: str
    needs_utf8: bool
    data: bytes


class SmtpTransport(Transport):
    """SMTP over one kept connection, step by step."""

    def __init__(self, backend: EmailBackend) -> None:
        self.backend = backend
        self.used_at = 0.0

    def open(self) -> None:
        if self.backend.connection is not None and time.monotonic() - self.used_at > IDLE_SECONDS:
            self.close()
        if self.backend.connection is None:
            try:
                self.backend.open()
                assert self.backend.connection is not None
                self.backend.connection.ehlo_or_helo_if_needed()
            except OSError as error:
                self.close()
                raise Unreachable(_said(error)) from error
            self.used_at = time.monotonic()

    def close(self) -> None:
        connection, self.backend.connection = self.backend.connection, None
        if connection is not None:
            connection.close()

    def prepare(self, mail: Mail) -> Envelope:
        return Envelope(mail.sender, mail.to, mail.needs_utf8, _DOTS.sub(b"..", mail.as_bytes()) + b".\r\n")

    def send(self, prepared: Envelope) -> str:
        reused = self.backend.connection is not None
        self.open()
        try:
            self._envelope(prepared)
        except OSError as error:
            self.close()
            if not reused:
                raise NotTaken(_said(error)) from error
            # A kept connection may have been closed by the other side long ago: that says nothing about this mail.
            self.open()
            try:
                self._envelope(prepared)
            except OSError as again:
                self.close()
                raise NotTaken(_said(again)) from again
        return self._body(prepared.data)

    def _envelope(self, mail: Envelope) -> None:
        smtp = self.backend.connection
        assert smtp is not None
        options = []
        if mail.needs_utf8:
            if not smtp.has_extn("smtputf8"):
                raise Never("The mail server does not take addresses with letters beyond ASCII.")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        self._expect(smtp.mail(mail.sender, options), "MAIL")
        self._expect(smtp.rcpt(mail.to), "RCPT")
        self._expect(smtp.docmd("DATA"), "DATA")

    def _expect(self, answer: tuple[int, bytes], step: str) -> None:
        code, text = answer
        if code < 400:
            return
        said = _text(code, text)
        if code == 421:
            self.close()
        else:
            self._reset()
        if code >= 500:
            raise Never(said, bounced=step == "RCPT" and _knows_no_such_address(code, text))
        raise NotNow(said)

    def _reset(self) -> None:
        try:
            if self.backend.connection is not None:
                self.backend.connection.rset()
        except OSError:
            self.close()

    def _body(self, data: bytes) -> str:
        smtp = self.backend.connection
        assert smtp is not None
        try:
            smtp.send(data)
            self.meanwhile()
            code, text = smtp.getreply()
        except OSError as error:
            self.close()
            raise InDoubt(_said(error)) from error
        self.used_at = time.monotonic()
        if 200 <= code < 300:
            return _text(code, text)
        if code == 421 or code < 400:
            self.close()
        if code < 400:
            raise InDoubt(_text(code, text))
        if code >= 500:
            raise Never(_text(code, text))
        raise NotNow(_text(code, text))


class BackendTransport(Transport):
    """Any other backend of Django's: the console, a folder, a provider's API through anymail."""

    def __init__(self, backend: object) -> None:
        self.backend = backend
        self.can = abilities(backend)
        # Nobody else counts our mail: no picture of the provider's, no link by way of its servers.
        self.wishes = {name: False for name in ("track_opens", "track_clicks") if name in self.can}

    def prepare(self, mail: Mail) -> EmailMultiAlternatives:
        prepared = mail.as_django()
        for name, value in self.wishes.items():
            setattr(prepared, name, value)
        if "metadata" in self.can:  # comes back with each report, so that it is known at once which mail it is about
            prepared.metadata = {"message": mail.reference}  # type: ignore[attr-defined]
        return prepared

    def send(self, prepared: EmailMultiAlternatives) -> str:
        try:
            self.backend.send_messages([prepared])  # type: ignore[attr-defined]
        except Exception as error:
            raise _judged(error) from error
        status = getattr(prepared, "anymail_status", None)
        return f"{status.status} {status.message_id}" if status is not None else "handed on"


def abilities(backend: object) -> set[str]:
    """What a provider's API takes of anymail's extras; asking one for more is an error there, and no mail goes."""
    module = sys.modules[type(backend).__module__]
    if not module.__name__.startswith("anymail.backends."):
        return set()
    payloads = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, BasePayload)]
    names = ("metadata", "track_opens", "track_clicks")
    bare = {name: getattr(BasePayload, f"set_{name}") for name in names}
    return {name for name in names if any(getattr(one, f"set_{name}") is not bare[name] for one in payloads)}


def _judged(error: Exception) -> Problem:
    """What a provider's refusal means; anything unclear is in doubt, for it may have gone."""
    names = {kind.__name__ for one in _behind(error) for kind in type(one).__mro__}
    code = getattr(error, "status_code", None)
    if names & NEVER_CONNECTED:
        return Unreachable(_said(error))
    if "AnymailRecipientsRefused" in names or "AnymailInvalidAddress" in names:
        return Never(_said(error), bounced=True)
    if names & NEVER_ASKED:
        return Never(_said(error))
    if isinstance(code, int):
        if code in {401, 403}:  # our key is wrong or its right is gone: the next mail would hear the same
            return Unreachable(_said(error))
        if code in {429, 503}:
            return NotNow(_said(error))
        if 400 <= code < 500:
            return Never(_said(error))
    return InDoubt(_said(error))


# By name, for each provider's library brings its own: urllib3's, requests', botocore's, and the socket's.
NEVER_CONNECTED = {
    "ConnectionRefusedError", "gaierror", "NewConnectionError", "NameResolutionError", "ConnectTimeoutError",
    "ConnectTimeout", "EndpointConnectionError", "SSLCertVerificationError",
}  # fmt: skip
NEVER_ASKED = {
    "AnymailUnsupportedFeature", "AnymailSerializationError", "AnymailConfigurationError", "ImproperlyConfigured",
}  # fmt: skip


def _behind(error: BaseException) -> Iterator[BaseException]:
    """An error and those it was made of, however its library wraps them."""
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        before = None if one.__suppress_context__ else one.__context__
        waiting += [one.__cause__, before, getattr(one, "reason", None), *one.args]


def _knows_no_such_address(code: int, text: bytes) -> bool:
    """Whether a refusal of the recipient is about the address, rather than about us or a full mailbox.

    Many servers say 550 to anything, their own policy and block lists included: then it takes words, or the enhanced
    code for an address that is not there. A reader is not dropped for a quarrel between two servers.
    """
    enhanced = re.match(rb"\s*5\.(\d{1,3})\.(\d{1,3})", text)
    if enhanced:
        return enhanced.group(1) == b"1" and enhanced.group(2) in {b"1", b"2", b"3", b"6", b"10"}
    return code in {550, 551, 553} and bool(_NO_SUCH_ADDRESS.search(text)) and not _ABOUT_US.search(text)


_NO_SUCH_ADDRESS = re.compile(
    rb"(?i)(no such|unknown|invalid|non-?existent) (\w+ )?(user|mailbox|recipient|account|address|person)"
    rb"|(user|mailbox|recipient|account|address)\b[^.;]{0,60}?"
    rb"(unknown|not found|invalid|does ?n[o']t exist|does not exist|not exist|no longer|disabled|unrouteable)"
    rb"|unrouteable address|no mailbox"
)
_ABOUT_US = re.compile(rb"(?i)sender|relay|block|polic|spam|\brbl\b|reputation|\bfrom\b|\bIP\b")


def _text(code: int, text: bytes) -> str:
    return f"{code} {text.decode('utf-8', 'replace')}"[:480]


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:480]


_DOTS = re.compile(rb"(?m)^\.")
