"""A mail comes out of the standard library's parser as it went in, whatever people are called."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from advocacy.crm.models import Program
from advocacy.delivery import mime
from advocacy.delivery.models import Message
from advocacy.delivery.rendering import Rendered, one_line

AT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HEADERS = {
    "from", "to", "subject", "date", "message-id", "auto-submitted", "x-auto-response-suppress", "feedback-id",
    "mime-version", "content-type", "reply-to",
}  # fmt: skip

anything = st.text(st.characters(), max_size=150)
words = st.one_of(
    anything,
    st.sampled_from([
        "Zoë Núñez", "👩🏽‍🚀 Ines 🎉", "\u202eevil\u202c", "שלום עולם", "مرحبا", "李小龍", "",
        "O'Brien, \"The\" <x@y.test>",
        "a\r\nBcc: everybody@x.test", "a\n\nbody", "=?utf-8?q?=0D=0ABcc:_x?=", " ", "a" * 149, "ß" * 100, "Ines  B.",
        "Ines\x00", "Dr. Ines (Head)", "a@b.test", ";", "\\", "\u2028Bcc: x", "e\u0301" * 60, "=?utf-8?q?Rita?= B",
    ]),
)  # fmt: skip


def built(name: str, subject: str, text: str = "Text", **more: object) -> mime.Mail:
    message = Message(
        kind="note", template="x", to_email="ines@customer.test", to_name=name, message_id="<1@portal.test>", **more
    )
    program = Program(
        name="Circle", sender_name=more.get("sender", "") or "Harbor Circle", sender_email="p@portal.test"
    )
    return mime.build(message, Rendered(subject, f"<p>{text}</p>", text), program=program, at=AT)


def parsed(mail: mime.Mail) -> EmailMessage:
    found = message_from_bytes(mail.as_bytes(), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def shown(text: str) -> str:
    """What a mail program shows of a line: without controls and halves of signs, blanks as single ones."""
    return one_line(text)


@settings(max_examples=400, deadline=None)
@given(name=words, subject=words)
@example("a\r\nBcc: everybody@x.test", "a\r\nBcc: everybody@x.test")
@example("=?utf-8?q?=0D=0ABcc:_x@x.test?=", "=?utf-8?q?=0D=0ABcc:_x@x.test?=")
def test_names_and_subjects_come_out_as_they_went_in(name, subject):
    mail = parsed(built(name, subject))
    assert {header.lower() for header in mail} <= HEADERS, "nobody can add a header"
    assert len(mail["To"].addresses) == 1
    assert mail["To"].addresses[0].addr_spec == "ines@customer.test"
    assert mail["Message-ID"] == "<1@portal.test>"
    # Between two encoded words of a name this parser leaves a blank that RFC 2047 takes out.
    assert one_line(mail["To"].addresses[0].display_name).replace(" ", "") == shown(name).replace(" ", "")
    assert one_line(str(mail["Subject"])) == shown(subject)
    assert mail.get_body(("plain",)).get_content().strip() == "Text"


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(anything, st.lists(words, max_size=12).map("\n".join)))
@example(".\n..\n.")
@example("From the start\nFrom here")
@example("--=_00000000000000000000000000000000--")
@example("a" * 5000)
def test_texts_come_out_as_they_went_in(text):
    mail = parsed(built("Ines", "Hello", text))
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    expected = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    found = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert found.rstrip("\n") == expected.rstrip("\n")
    raw = built("Ines", "Hello", text).as_bytes()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert raw.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw), "every line ends as SMTP wants it"


@settings(max_examples=200, deadline=None)
@given(reply=words, batch=words, message_id=words)
def test_no_field_of_a_message_can_add_a_header(reply, batch, message_id):
    try:
        raw = built("Ines", "Hello", reply_to=reply, batch=batch).as_bytes()
    except (ValueError, IndexError):
        return  # refused: the message fails with a word, and alone
    mail = message_from_bytes(raw, policy=default)
    assert {header.lower() for header in mail} <= HEADERS


def test_a_calendar_entry_goes_along_both_ways():
    mail = parsed(
        built("Ines", "Hello", params={"calendar": {"method": "REQUEST", "ics": "BEGIN:VCALENDAR\r\nX:ü\r\n"}})
    )
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics",
    ]  # fmt: skip
    entry = next(part for part in mail.walk() if part.get_content_type() == "text/calendar")
    assert entry.get_param("method") == "REQUEST"
    assert "X:ü" in entry.get_content()
    (file,) = mail.iter_attachments()
    assert file.get_filename() == "invite.ics"
    assert file.get_content().decode() == "BEGIN:VCALENDAR\r\nX:ü\r\n"


@pytest.mark.parametrize("address", ["", "ines", "@x.test", "ines@", "a b@x.test", "ines@\udcff.test"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises((mime.BadAddress, UnicodeError)):
        mime.ascii_domain(address)


def test_a_domain_beyond_ascii_is_written_as_servers_know_it():
    assert mime.ascii_domain("ines@bücher.test") == "ines@xn--bcher-kva.test"


def test_reply_to_is_the_manager_and_the_sender_the_program():
    message = Message(kind="note", template="x", to_email="ines@customer.test", message_id="<1@portal.test>")
    words_of_it = Rendered("Hello", "<p>x</p>", "x", reply_to="rita@company.test")
    program = Program(name="Circle", sender_name="Harbor Circle", sender_email="circle@company.test")
    mail = parsed(mime.build(message, words_of_it, program=program, at=AT))
    assert mail["Reply-To"] == "rita@company.test"
    assert mail["From"] == "Harbor Circle <circle@company.test>"
