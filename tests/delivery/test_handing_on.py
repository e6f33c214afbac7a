"""How far a mail got is known exactly: the transport against a mail server that misbehaves at each step."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.policy import default

import pytest
import requests
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend

from advocacy.delivery.mime import Mail
from advocacy.delivery.transport import (
    BackendTransport,
    InDoubt,
    Never,
    NotNow,
    NotTaken,
    Problem,
    SmtpTransport,
    Unreachable,
    _judged,
)

MAIL = Mail(
    sender="program@portal.test", sender_name="Circle", to="ines@customer.test", to_name="Ines", subject="Hello",
    text=".\n..dots\nlast", html="<p>Hello</p>", headers={"Message-ID": "<1@portal.test>"},
)  # fmt: skip

HANG_UP = "hang up"


class Server:
    """A mail server that answers as the script says; a step without a script answers well."""

    def __init__(self, script: dict[str, str], *, extensions: str = "") -> None:
        self.script = script
        self.extensions = extensions
        self.taken: list[bytes] = []
        self.seen: list[str] = []
        self.connections = 0
        self.hang_up_after = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection, connection.makefile("rb") as lines:
                connection.sendall(b"220 hello\r\n")
                self._talk(connection, lines)

    def _talk(self, connection, lines) -> None:
        taken_here = 0
        for line in lines:
            verb = line[:4].decode().strip().upper()
            self.seen.append(verb)
            answer = self.script.get(
                verb, {"DATA": "354 go", "EHLO": "250-me\r\n250 " + (self.extensions or "SIZE")}.get(verb, "250 ok")
            )
            if answer == HANG_UP:
                return
            connection.sendall(answer.encode() + b"\r\n")
            if verb == "DATA" and answer.startswith("354"):
                body = []
                for part in lines:
                    if part == b".\r\n":
                        break
                    body.append(part)
                end = self.script.get("END", "250 taken")
                if end == HANG_UP:
                    return
                if end.startswith("250"):  # noted before it is said: who hears "taken" may look at once
                    self.taken.append(b"".join(part.removeprefix(b".") for part in body))
                    taken_here += 1
                connection.sendall(end.encode() + b"\r\n")
                if self.hang_up_after and taken_here == self.hang_up_after:
                    return

    def close(self) -> None:
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@contextmanager
def server_and_way_out(script: dict[str, str] | None = None, **more) -> Iterator[tuple[Server, SmtpTransport]]:
    server = Server(script or {}, **more)
    out = SmtpTransport(EmailBackend(host="127.0.0.1", port=server.port, use_tls=False, use_ssl=False, timeout=5))
    try:
        yield server, out
    finally:
        out.close()
        server.close()


def send(out: SmtpTransport, mail: Mail = MAIL) -> str:
    return out.send(out.prepare(mail))


def test_a_mail_arrives_as_it_was_and_the_connection_is_kept():
    with server_and_way_out() as (server, out):
        assert send(out) == "250 taken"
        send(out)
        assert server.connections == 1
        assert len(server.taken) == 2
        mail = message_from_bytes(server.taken[0], policy=default)
        assert mail.get_body(("plain",)).get_content().split() == [".", "..dots", "last"]
        assert mail.get_body(("html",)).get_content().strip() == "<p>Hello</p>"


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "END"])
def test_refused_for_now_at_any_step(step):
    with server_and_way_out({step: "451 later"}) as (server, out):
        with pytest.raises(NotNow, match="451 later"):
            send(out)
        server.script.clear()
        assert send(out) == "250 taken"
        assert server.connections == 1, "a refusal of one mail does not cost the connection"


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "END"])
def test_refused_for_good_at_any_step(step):
    with server_and_way_out({step: "554 5.7.1 no"}) as (server, out):
        with pytest.raises(Never) as refused:
            send(out)
        assert not refused.value.bounced
        server.script.clear()
        assert send(out) == "250 taken"


@pytest.mark.parametrize(
    ("answer", "bounced"),
    [
        ("550 5.1.1 no such user", True),
        ("550 5.1.8 bad sender's system", False),
        ("550 user unknown", True),
        ("550 Requested action not taken: no such mailbox here", True),
        ("551 The address does not exist", True),
        ("553 no", False),
        ("550 relay not permitted", False),
        ("550 Sender IP blocked, see http://rbl.test/unknown", False),
        ("550 sender address does not exist", False),
        ("550 mailbox unavailable", False),
        ("550 5.7.26 not signed", False),
        ("552 5.2.2 mailbox full", False),
        ("554 no", False),
    ],
)
def test_only_an_address_that_is_not_known_bounces(answer, bounced):
    with server_and_way_out({"RCPT": answer}) as (_server, out), pytest.raises(Never) as refused:
        send(out)
    assert refused.value.bounced is bounced


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_a_line_that_drops_before_the_mail_was_taken_is_certain(step):
    with server_and_way_out({step: HANG_UP}) as (server, out), pytest.raises(NotTaken):
        send(out)
    assert server.taken == []


def test_a_line_that_drops_after_the_mail_was_handed_over_is_in_doubt():
    with server_and_way_out({"END": HANG_UP}) as (server, out):
        with pytest.raises(InDoubt):
            send(out)
        server.script.clear()
        assert send(out) == "250 taken"
        assert server.connections == 2


def test_no_answer_in_time_is_in_doubt():
    with server_and_way_out() as (server, out):
        server.script["END"] = ""  # an empty line is no answer

        out.backend.timeout = 1
        with pytest.raises(InDoubt):
            send(out)


def test_a_kept_connection_that_the_server_closed_is_opened_anew_without_a_word():
    with server_and_way_out() as (server, out):
        server.hang_up_after = 1
        assert send(out) == "250 taken"
        assert send(out) == "250 taken"
        assert server.connections == 2
        assert len(server.taken) == 2


def test_421_is_a_refusal_for_now_and_the_end_of_the_connection():
    with server_and_way_out({"RCPT": "421 too many"}) as (server, out):
        with pytest.raises(NotNow):
            send(out)
        server.script.clear()
        send(out)
        assert server.connections == 2


def test_nobody_listening_is_unreachable():
    with server_and_way_out() as (server, out):
        server.close()
        with pytest.raises(Unreachable):
            out.open()


def test_a_server_that_does_not_greet_is_unreachable():
    with (
        server_and_way_out({"EHLO": "554 go away", "HELO": "554 go away"}) as (_server, out),
        pytest.raises(Unreachable),
    ):
        send(out)


def test_an_address_beyond_ascii_needs_a_server_that_takes_it():
    mail = Mail(**{**MAIL.__dict__, "to": "zoë@customer.test"})
    with server_and_way_out() as (_server, out), pytest.raises(Never, match="beyond ASCII"):
        send(out, mail)
    with server_and_way_out(extensions="SMTPUTF8") as (server, out):
        send(out, mail)
        assert "zoë@customer.test".encode() in server.taken[0]


class TestThroughAProvidersApi:
    """What the libraries of mail providers raise, wrapped as they wrap it."""

    def handed_on(self, url: str) -> Exception:
        backend = get_connection(
            "anymail.backends.mailgun.EmailBackend", api_key="k", api_url=url, sender_domain="portal.test"
        )
        backend.timeout = 2
        with pytest.raises(Problem) as problem:
            send(BackendTransport(backend))
        return problem.value

    @pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://no-such-host.invalid/"])
    def test_nobody_there_stops_the_run_and_loses_nothing(self, url):
        assert isinstance(self.handed_on(url), Unreachable)

    def test_an_answer_that_is_lost_is_in_doubt(self):
        with server_and_way_out({"POST": HANG_UP}) as (server, _out):
            assert isinstance(self.handed_on(f"http://127.0.0.1:{server.port}/"), InDoubt)

    @pytest.mark.parametrize(
        ("status", "means"),
        [(401, Unreachable), (403, Unreachable), (400, Never), (429, NotNow), (503, NotNow), (500, InDoubt)],
    )
    def test_what_a_status_means(self, status, means):
        error = type("AnymailRequestsAPIError", (Exception,), {"status_code": status})("no")
        assert type(_judged(error)) is means

    def test_a_read_that_took_too_long_is_in_doubt(self):
        assert isinstance(_judged(requests.exceptions.ReadTimeout("read timed out")), InDoubt)
        assert isinstance(_judged(requests.exceptions.ConnectTimeout("connect timed out")), Unreachable)
