"""A mail as bytes, or as a Django message for a provider's API.

The headers go through the standard library's policy, which refuses line breaks and folds and encodes the rest; plain
ASCII takes a short way of the same result. The bodies are encoded here, because building a ``MIMEText`` tree costs more
than sending it.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from advocacy.crm.models import Program
from advocacy.delivery.inbound import reply_address
from advocacy.delivery.models import Message
from advocacy.delivery.rendering import Rendered, one_line, unsubscribe_url

POLICY = SMTP.clone(max_line_length=76)
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,60}[A-Za-z0-9]")
PLAIN_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*@[A-Za-z0-9.-]+")


class BadAddress(Exception):
    """An address no mail can be sent to, in words for the outbox."""


@dataclass(frozen=True)
class Mail:
    """Everything a transport needs: envelope, headers and bodies."""

    sender: str
    sender_name: str
    to: str
    to_name: str
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    calendar: Mapping[str, str] = field(default_factory=dict)
    boundary: str = "=_part"
    reference: str = ""

    @property
    def needs_utf8(self) -> bool:
        return not (self.to.isascii() and self.sender.isascii())

    def as_bytes(self) -> bytes:
        lines = [
            _address_line("From", self.sender_name, self.sender),
            _address_line("To", self.to_name, self.to),
            folded("Subject", self.subject),
        ]
        lines += [folded(name, value) for name, value in self.headers.items()]
        lines.append(b"MIME-Version: 1.0\r\n")
        body = b"".join(self._alternatives())
        if not self.calendar:
            return b"".join(lines) + body
        outer = (self.boundary + "-mixed").encode()
        file = (
            b'Content-Type: application/ics; name="invite.ics"\r\n'
            b'Content-Disposition: attachment; filename="invite.ics"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
            + _base64(self.calendar["ics"].encode())
        )
        lines += [b'Content-Type: multipart/mixed; boundary="' + outer + b'"\r\n\r\n--' + outer + b"\r\n", body]
        lines += [b"--" + outer + b"\r\n", file, b"--" + outer + b"--\r\n"]
        return b"".join(lines)

    def _alternatives(self) -> Iterator[bytes]:
        mark = self.boundary.encode()
        yield b'Content-Type: multipart/alternative; boundary="' + mark + b'"\r\n\r\n'
        yield b"--" + mark + b"\r\n" + _quoted("text/plain; charset=utf-8", self.text)
        yield b"--" + mark + b"\r\n" + _quoted("text/html; charset=utf-8", self.html)
        if self.calendar:
            method = re.sub(r"[^A-Z]", "", self.calendar.get("method", "REQUEST").upper())
            yield (
                b"--"
                + mark
                + b"\r\n"
                + _quoted(f"text/calendar; charset=utf-8; method={method}", self.calendar["ics"].replace("\r\n", "\n"))
            )
        yield b"--" + mark + b"--\r\n"

    def as_django(self) -> EmailMultiAlternatives:
        """For backends that are not SMTP: the console, or a provider's API through anymail."""
        mail = EmailMultiAlternatives(
            subject=self.subject,
            body=self.text,
            from_email=_shown(self.sender_name, self.sender),
            to=[_shown(self.to_name, self.to)],
            headers=dict(self.headers),
        )
        mail.attach_alternative(self.html, "text/html")
        if self.calendar:
            mail.attach("invite.ics", self.calendar["ics"], "text/calendar")
        return mail


def build(message: Message, rendered: Rendered, *, program: Program, at: datetime) -> Mail:
    """The mail of one message."""
    sender = ascii_domain(program.sender_email or settings.DEFAULT_FROM_EMAIL)
    host = sender.rpartition("@")[2]
    headers = {
        "Date": format_datetime(at),
        "Message-ID": one_line(message.message_id),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "Feedback-ID": feedback_id(message.batch, message.kind, message.purpose, host=host),
    }
    if reply_to := reply_address(message) or message.reply_to or rendered.reply_to:
        headers["Reply-To"] = one_line(reply_to)
    if message.purpose or message.basis:
        headers["List-Id"] = f"<{_token(message.purpose or message.basis)}.{_site_host()}>"
        headers["List-Unsubscribe"] = f"<{rendered.leave_url or unsubscribe_url(message)}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    calendar = message.params.get("calendar")
    return Mail(
        sender=sender,
        sender_name=one_line(program.sender_name or program.name),
        to=ascii_domain(message.to_email),
        to_name=one_line(message.to_name),
        subject=one_line(rendered.subject),
        text=rendered.text,
        html=rendered.html,
        headers=headers,
        calendar=calendar if isinstance(calendar, Mapping) and calendar.get("ics") else {},
        # "=_" cannot occur in quoted-printable, so no body ever contains a boundary.
        boundary=f"=_{message.public_id.hex}",
        reference=str(message.public_id),
    )


# --- Headers ----------------------------------------------------------------------------------------------------------
def folded(name: str, value: str) -> bytes:
    """One header as it stands in the mail. A line break in a value is refused, not passed on."""
    if "\n" in value or "\r" in value:
        raise ValueError(f"a line break in {name}")
    line = f"{name}: {value}\r\n"
    if not value.isascii() or "=?" in value or (name == "Subject" and _cannot_be_folded(value)):
        return f"{name}: {_encoded(name, value)}\r\n".encode()
    if (len(line) <= 78 or name in _NEVER_FOLDED) and value.isprintable():
        return line.encode()
    return _folded(name, value)


def _cannot_be_folded(value: str) -> bool:
    """A word longer than a line of mail may be: only as encoded words can it be cut."""
    return len(value) > LONGEST_WORD and _LONG_WORD.search(value) is not None


LONGEST_WORD = 400
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD}}}")


@lru_cache(maxsize=512)
def _encoded(name: str, value: str) -> str:
    """Encoded words; also for text that looks like one, which would otherwise be taken at its word."""
    return Header(value, "utf-8", maxlinelen=76, header_name=name).encode(linesep="\r\n")


_NEVER_FOLDED = frozenset({"List-Unsubscribe", "Message-ID", "List-Id", "Feedback-ID"})


@lru_cache(maxsize=512)
def _folded(name: str, value: str) -> bytes:
    stored_name, stored = POLICY.header_store_parse(name, value)
    return POLICY.fold_binary(stored_name, stored)


def _address_line(header: str, name: str, address: str) -> bytes:
    if PLAIN_ADDRESS.fullmatch(address) and (not name or PLAIN.fullmatch(name)):
        return (f"{header}: {name} <{address}>\r\n" if name else f"{header}: {address}\r\n").encode()
    if not address.isascii():  # SMTPUTF8: the standard library's parser does not fold such addresses
        if not _BEYOND_ASCII.fullmatch(address):
            raise BadAddress(f"“{address}” is not an address.")
    else:
        _shown("", address)  # refuses what is none
    if not name.isascii() or "=?" in name or _cannot_be_folded(name):
        return f"{header}: {_encoded(header, name)}\r\n <{address}>\r\n".encode()
    if not address.isascii():
        return f"{header}: {_shown(name, 'a@b.test').removesuffix(' <a@b.test>')} <{address}>\r\n".encode()
    stored_name, stored = POLICY.header_store_parse(header, _shown(name, address))
    return POLICY.fold_binary(stored_name, stored)


_BEYOND_ASCII = re.compile(r"""[^\s<>()\[\],;:\\"@]+@[A-Za-z0-9.-]+""")


def _shown(name: str, address: str) -> str:
    try:
        return str(Address(display_name=name, addr_spec=address))
    except (ValueError, IndexError) as error:
        raise BadAddress(f"“{address}” is not an address ({error}).") from None


@lru_cache(maxsize=4096)
def _ascii_host(host: str) -> str:
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        raise BadAddress(f"“{host}” is not the name of a host.") from None


def ascii_domain(address: str) -> str:
    """The address with its domain as mail servers know it."""
    cleaned = one_line(address)
    local, at, host = cleaned.rpartition("@")
    if not at or not local or not host or " " in cleaned:
        raise BadAddress(f"“{one_line(address)}” is not an address.")
    return f"{local}@{_ascii_host(host)}"


def _token(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", text).strip("-") or "none"


@lru_cache(maxsize=512)
def feedback_id(*about: str, host: str) -> str:
    """What complaints are counted by; its last part is always the same for a sender, 5 to 15 letters as Gmail wants."""
    return ":".join([*map(_token, about), _sender_id(host)])


def _sender_id(host: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")[-15:].strip("-").rjust(5, "x")


def _site_host() -> str:
    return urlsplit(settings.SITE_URL).hostname or "localhost"


# --- Bodies -----------------------------------------------------------------------------------------------------------
def _quoted(content_type: str, text: str) -> bytes:
    encoded = binascii.b2a_qp(text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace"), istext=True)
    return (
        f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n".encode()
        + encoded.replace(b"\n", b"\r\n")
        + b"\r\n"
    )


def _base64(data: bytes) -> bytes:
    text = binascii.b2a_base64(data, newline=False)
    return b"".join(text[i : i + 76] + b"\r\n" for i in range(0, len(text), 76))
