"""Any name, subject and body goes through a strict mail server and comes out of the standard parser as it went in (N5).

Emoji, writing from right to left, words of ten thousand letters, attempts to smuggle a header in. ``make soak`` makes a
thousand of them, ``make test`` a few dozen.
"""

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default
from html import unescape
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.core.mail.backends.smtp import EmailBackend
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from advocacy.crm.models import Program
from advocacy.delivery import mime, rendering
from advocacy.delivery.models import Message
from advocacy.delivery.transport import SmtpTransport
from tests.factories import NOON
from tests.faults.plant import free_port

LONG = 10_000
HEADERS = {
    "from", "to", "subject", "date", "message-id", "auto-submitted", "x-auto-response-suppress", "feedback-id",
    "reply-to", "mime-version", "content-type",
}  # fmt: skip


class Strict:
    """A server that refuses what many only frown at: bare line ends, lines past 998, bytes past ASCII, odd headers."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        content: bytes = envelope.content
        head, blank, _body = content.partition(b"\r\n\r\n")
        if not blank or re.search(rb"(?<!\r)\n|\r(?!\n)", content):
            return "554 5.6.0 bare line end"
        if any(len(line) > 998 for line in content.split(b"\r\n")):
            return "554 5.6.0 line too long"
        if not content.isascii() or b"\0" in content:
            return "554 5.6.0 eight bits"
        lines = re.sub(rb"\r\n[ \t]", b" ", head).split(b"\r\n")
        if not all(re.fullmatch(rb"[!-9;-~]+: ?[\t -~]*", line) for line in lines):
            return "554 5.6.0 odd header"
        self.taken.append(content)
        return "250 OK"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Strict, SmtpTransport]]:
    strict = Strict()
    controller = Controller(strict, hostname="127.0.0.1", port=free_port(), data_size_limit=50_000_000)
    controller.start()
    out = SmtpTransport(EmailBackend(host="127.0.0.1", port=controller.port, timeout=30))
    yield strict, out
    out.close()
    controller.stop(no_assert=True)


ODD = [
    "Zoë Núñez", "👩🏽‍🚀 Ines 🎉", "\u202eevil\u202c", "שלום עולם, Ines", "مرحبا بالعالم", "李小龍 先生", "", " ",
    ".", "..\n.", 'O\'Brien, "The" <x@y.test>', "a\r\nBcc: everybody@x.test", "a\n\nbody", "a\rBcc: x@y.test",
    "Ines\x00\x1b[31m", "=?utf-8?q?=0D=0ABcc:_x?=", "=?utf-8?b?4pyT?=", "--=_00", "\u2028Bcc: x", "a\x0bBcc: x",
    "a\x85Bcc: x", "\ufeffInes", "{{ program.name }} {% now %}", "<script>alert(1)</script>", "&amp; &lt;",
    "</mj-text><mj-raw>", "ß" * 300,
]  # fmt: skip
LONG_WORDS = st.sampled_from(["a", "ü", "👩🏽‍🚀", "א", "漢", "=", "."]).map(lambda one: one * (LONG // len(one)))
LINE = st.one_of(st.text(st.characters(), max_size=120), st.sampled_from(ODD))
WORDS = st.one_of(LINE, LONG_WORDS, st.builds("{} {}".format, LINE, LINE))
BODY = st.one_of(WORDS, st.lists(WORDS, max_size=6).map("\n".join))


def made(name: str, subject: str, text: str, html: str) -> mime.Mail:
    message = Message(
        kind="note", template="x", to_email="ines@customer.test", to_name=name, message_id="<1@portal.test>",
        reply_to="rita@portal.test",
    )  # fmt: skip
    program = Program(name="Circle", sender_name="Circle", sender_email="program@portal.test")
    return mime.build(message, rendering.Rendered(subject, html, text), program=program, at=NOON)


def through(server: tuple[Strict, SmtpTransport], mail: mime.Mail) -> Any:
    """Send it for real, and read what has arrived with the standard library."""
    strict, out = server
    strict.taken.clear()
    assert out.send(out.prepare(mail)).startswith("250")
    return message_from_bytes(strict.taken[0], policy=default)


def plain(text: str) -> str:
    """Lines as mail has them. Half a sign of a pair is no sign, and comes out as a question mark."""
    return text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()


def close(text: str) -> str:
    """A name without blanks: between encoded words of a name the parser leaves one that RFC 2047 takes out."""
    return "".join(text.split())


def check_words(server: tuple[Strict, SmtpTransport], name: str, subject: str, body: str) -> None:
    mail = through(server, made(name, subject, body, f"<p>{body}</p>"))
    assert not mail.defects
    assert {header.lower() for header in mail} <= HEADERS, "nobody adds a header"
    assert [one.addr_spec for one in mail["To"].addresses] == ["ines@customer.test"]
    assert close(mail["To"].addresses[0].display_name) == close(rendering.one_line(name))
    assert rendering.one_line(str(mail["Subject"])) == rendering.one_line(subject)
    assert plain(mail.get_body(("plain",)).get_content()).removesuffix("\n") == plain(body).removesuffix("\n")
    html = plain(mail.get_body(("html",)).get_content()).removesuffix("\n")
    assert html == f"<p>{plain(body)}</p>"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def check_template(server: tuple[Strict, SmtpTransport], name: str, title: str, body: str) -> None:
    """The whole way: a template of ours with what people wrote, made into a mail, sent, read."""
    values = {
        **rendering.common_values(Program(name="Circle")), "greeting": rendering.greeting(rendering.one_line(name)),
        "text": body, "title": title, "by": name, "manager": None, "unsubscribe_url": "", "recipient": {},
    }  # fmt: skip
    words = rendering.render_values("advocates/thanks", values)
    mail = through(server, made(name, words.subject, words.text, words.html))
    text, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "<script" not in html and "mj-raw" not in html.replace("&lt;/mj-text&gt;&lt;mj-raw&gt;", "")
    seen = close(re.sub(r"<br ?/?>|</?p>", " ", html))
    for line in rendering.without_controls(plain(body)).splitlines():
        assert close(rendering.without_controls(line)) in close(text)
        assert close(rendering.without_controls(line)) in close(unescape(seen)), (
            "what people wrote stands in the mail as they wrote it"
        )


def as_often(number: int) -> Callable[[Any], Any]:
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=number, deadline=None, suppress_health_check=quiet)


@as_often(60)
@given(name=WORDS, subject=WORDS, body=BODY)
@example("a\r\nBcc: all@x.test", "a\r\nBcc: all@x.test", "a\r\n.\r\nMAIL FROM:<x@y.test>\r\n")
@example("a" * LONG, "👩🏽‍🚀" * (LONG // 4), "=" * LONG)
def test_a_few_dozen_come_through(server: tuple[Strict, SmtpTransport], name: str, subject: str, body: str) -> None:
    check_words(server, name, subject, body)


@pytest.mark.soak
@as_often(1_000)
@given(name=WORDS, subject=WORDS, body=BODY)
def test_a_thousand_come_through(server: tuple[Strict, SmtpTransport], name: str, subject: str, body: str) -> None:
    check_words(server, name, subject, body)


@pytest.mark.django_db
@as_often(30)
@given(name=LINE, title=LINE, body=BODY)
@example("Ines", "</mj-text><mj-raw><script>", "<b>bold</b> & {{ program }}")
def test_a_few_dozen_come_through_a_template(
    server: tuple[Strict, SmtpTransport], name: str, title: str, body: str
) -> None:
    check_template(server, name, title, body)


@pytest.mark.soak
@pytest.mark.django_db
@as_often(1_000)
@given(name=LINE, title=LINE, body=BODY)
def test_a_thousand_come_through_a_template(
    server: tuple[Strict, SmtpTransport], name: str, title: str, body: str
) -> None:
    check_template(server, name, title, body)
