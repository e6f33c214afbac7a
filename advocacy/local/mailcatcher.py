"""The demo's mail catcher: takes every mail by SMTP, keeps it as a file, shows it on a page of its own.

A mail is somebody else's HTML: it is shown in a sandboxed frame under a policy of its own, without scripts and without
fetching anything from outside this machine.
"""

import argparse
import base64
import contextlib
import email
import email.policy
import html
import re
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

from aiosmtpd.controller import Controller

SHOWN = 200
LARGEST = 25 * 1024 * 1024
FILE_NAME = re.compile(r"[0-9]{8}T[0-9]{6}[0-9]{6}-[0-9a-f]{8}")
PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; frame-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
MAIL_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data: {origins}; form-action 'none'; frame-ancestors 'self'"
)

STYLE = """
:root{--ground:#faf7f2;--sheet:#fff;--ink:#22252b;--ink-2:#5d6472;--line:#e8e1d6;--accent:#0f5c5c;--soft:#e2f0ec;
--serif:"Iowan Old Style",Charter,"Source Serif 4","Palatino Linotype",Georgia,serif;
--sans:Inter,ui-sans-serif,system-ui,"Segoe UI",Roboto,sans-serif;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--ground:#141618;--sheet:#1c1f22;--ink:#ece8e1;--ink-2:#aaa79f;--line:#2e3236;
--accent:#6cc5b8;--soft:#1c3331}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:15.5px/1.55 var(--sans)}
main{max-width:980px;margin:0 auto;padding:36px 24px 64px}h1{font:600 30px/1.2 var(--serif);margin:0 0 6px;
letter-spacing:-.01em;overflow-wrap:anywhere}p{margin:0 0 20px;color:var(--ink-2)}a{color:var(--accent);
text-underline-offset:3px}:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
.sheet{background:var(--sheet);border:1px solid var(--line);border-radius:14px;overflow:hidden}
form{display:flex;gap:10px;flex-wrap:wrap;margin:0 0 20px}label{flex:1 1 220px;color:var(--ink-2);font-size:13px}
input{display:block;width:100%;margin-top:4px;font:inherit;padding:9px 12px;border:1px solid var(--line);
border-radius:8px;background:var(--sheet);color:var(--ink)}button,.button{align-self:end;font:600 14.5px var(--sans);
padding:10px 17px;border-radius:10px;border:0;background:var(--accent);color:var(--ground);cursor:pointer;
text-decoration:none;min-height:42px;line-height:22px}.quiet{background:transparent;color:var(--ink);
box-shadow:inset 0 0 0 1px var(--line)}ul{list-style:none;margin:0;padding:0}li+li{border-top:1px solid var(--line)}
li a{display:grid;grid-template-columns:1fr auto;gap:2px 16px;padding:14px 20px;color:inherit;text-decoration:none}
li a:hover{background:var(--soft)}li b{font-weight:600;overflow-wrap:anywhere}li span,li time,dt{color:var(--ink-2);
font-size:13.5px}li time{font-variant-numeric:tabular-nums;white-space:nowrap}dl{display:grid;
grid-template-columns:max-content 1fr;gap:4px 16px;margin:14px 0 24px;align-items:baseline}dd{margin:0;
overflow-wrap:anywhere}
nav{display:flex;gap:18px;margin:0 0 12px;flex-wrap:wrap}nav a[aria-current]{color:var(--ink);font-weight:600;
text-decoration:none}iframe{display:block;width:100%;height:76vh;border:0;background:#fff}
pre{margin:0;padding:20px;white-space:pre-wrap;overflow-wrap:anywhere;font:14px/1.5 ui-monospace,Menlo,monospace}
.empty{padding:48px 24px;text-align:center}@media(max-width:560px){main{padding:22px 16px}li a{
grid-template-columns:1fr}
dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:8px}}
"""


class Mailbox:
    """The mails as files, newest first; a file is complete or not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, content: bytes, sender: str, recipients: list[str]) -> str:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}"
        envelope = f"X-Envelope-From: {sender}\r\n" + "".join(f"X-Envelope-To: {one}\r\n" for one in recipients)
        fresh = self.folder / f"{name}.part"
        fresh.write_bytes(envelope.encode("utf-8", "replace") + content)
        fresh.rename(self.folder / f"{name}.eml")
        return name

    def names(self) -> list[str]:
        return sorted((file.stem for file in self.folder.glob("*.eml") if FILE_NAME.fullmatch(file.stem)), reverse=True)

    def raw(self, name: str) -> bytes | None:
        if not FILE_NAME.fullmatch(name):
            return None
        try:
            return (self.folder / f"{name}.eml").read_bytes()
        except OSError:
            return None

    def mail(self, name: str) -> EmailMessage | None:
        raw = self.raw(name)
        return None if raw is None else email.message_from_bytes(raw, policy=email.policy.default)

    def found(self, words: str) -> Iterator[tuple[str, EmailMessage]]:
        shown = 0
        for name in self.names():
            mail = self.mail(name)
            if mail is None:
                continue
            if words.lower() in f"{header(mail, 'Subject')} {to_whom(mail)} {header(mail, 'From')}".lower():
                yield name, mail
                shown += 1
            if shown >= SHOWN:
                return


class Receiver:
    """What aiosmtpd calls for each mail."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.mailbox.keep(envelope.content, str(envelope.mail_from or ""), [str(one) for one in envelope.rcpt_tos])
        return "250 kept"


def header(mail: EmailMessage, name: str) -> str:
    try:
        return str(mail[name] or "")
    except Exception:  # a header that the parser cannot make sense of is shown as nothing
        return ""


def to_whom(mail: EmailMessage) -> str:
    to, envelope = header(mail, "To"), mail.get_all("X-Envelope-To") or []
    hidden = [str(one) for one in envelope if str(one).lower() not in to.lower()]
    return ", ".join(filter(None, [to, *hidden]))


def when(name: str) -> str:
    return f"{datetime.strptime(name[:15], '%Y%m%dT%H%M%S').replace(tzinfo=UTC):%d %b, %H:%M:%S} UTC"


def body(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, UnicodeError, KeyError):
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else str(payload)


def page(title: str, content: str) -> bytes:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{html.escape(title)}</title><link rel="stylesheet" href="/style.css"></head>'
        f"<body><main>{content}</main></body></html>"
    ).encode()


class Viewer(BaseHTTPRequestHandler):
    """The pages: a list, one mail, its body in a frame of its own."""

    mailbox: Mailbox
    site = ""
    server_version = "MailCatcher"
    sys_version = ""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        # A page elsewhere that points its name at this machine must not read the mail.
        if (self.headers.get("Host") or "").rpartition(":")[0] not in {"127.0.0.1", "localhost"}:
            self.answer(b"Open this page by its address, 127.0.0.1.", kind="text/plain", status=HTTPStatus.FORBIDDEN)
            return
        address = urlsplit(self.path)
        if address.path == "/":
            self.list(parse_qs(address.query).get("q", [""])[0].strip())
        elif address.path == "/favicon.ico":
            self.answer(b"", kind="image/x-icon")
        elif address.path == "/style.css":
            self.answer(STYLE.encode(), kind="text/css")
        elif (found := re.fullmatch(r"/mail/([^/]+)(?:/(text|source|body))?", address.path)) is not None:
            self.one(found[1], found[2] or "message")
        else:
            self.missing()

    def missing(self) -> None:
        self.answer(
            page(
                "Not here", '<h1>This mail is not here</h1><p>It may have been removed. <a href="/">All mails</a></p>'
            ),
            status=HTTPStatus.NOT_FOUND,
        )

    def list(self, words: str) -> None:
        rows = [
            f'<li><a href="/mail/{name}"><b>{html.escape(header(mail, "Subject") or "(no subject)")}</b>'
            f"<time>{when(name)}</time><span>to {html.escape(to_whom(mail))}</span></a></li>"
            for name, mail in self.mailbox.found(words)
        ]
        empty = "No mail has these words." if words else "Nothing was sent yet. What the portal sends will appear here."
        listed = f"<ul>{''.join(rows)}</ul>" if rows else f'<p class="empty">{empty}</p>'
        more = f"<p>The newest {SHOWN} are shown; search to see others.</p>" if len(rows) == SHOWN else ""
        self.answer(
            page(
                "Mail the portal sent",
                "<h1>Mail the portal sent</h1><p>Nothing leaves this machine. Newest first.</p>"
                '<form action="/" method="get" role="search"><label>Recipient or subject'
                f'<input name="q" type="search" value="{html.escape(words)}"></label><button>Search</button>'
                f'<a class="button quiet" href="/">Reload</a></form>{more}<div class="sheet">{listed}</div>',
            )
        )

    def one(self, name: str, shape: str) -> None:
        mail = self.mailbox.mail(name)
        if mail is None:
            self.missing()
            return
        marked_up = body(mail, "html")
        if shape == "body":
            self.frame(mail, marked_up)
            return
        if shape == "message" and marked_up is None:
            shape = "text"
        base = f"/mail/{quote(name)}"
        tabs = [
            ("message", base, "Message"),
            ("text", f"{base}/text", "Plain text"),
            ("source", f"{base}/source", "Source"),
        ]
        if marked_up is None:
            tabs = tabs[1:]
        nav = "".join(
            f'<a href="{link}"{" aria-current=page" if key == shape else ""}>{label}</a>' for key, link, label in tabs
        )
        facts = [("From", header(mail, "From")), ("To", to_whom(mail)), ("Sent", when(name))]
        facts += [(wanted, header(mail, wanted)) for wanted in ("Reply-To", "List-Unsubscribe") if mail[wanted]]
        listed = "".join(f"<dt>{label}</dt><dd>{html.escape(text)}</dd>" for label, text in facts)
        if shape == "message":
            shown = (
                f'<iframe src="{base}/body" title="The mail" sandbox="allow-popups allow-popups-to-escape-sandbox">'
                "</iframe>"
            )
        elif shape == "text":
            shown = f"<pre>{html.escape(body(mail, 'plain') or 'This mail has no plain text.')}</pre>"
        else:
            shown = f"<pre>{html.escape((self.mailbox.raw(name) or b'').decode('utf-8', 'replace'))}</pre>"
        subject = header(mail, "Subject") or "(no subject)"
        self.answer(
            page(
                subject,
                f'<nav><a href="/">All mails</a></nav><h1>{html.escape(subject)}</h1><dl>{listed}</dl>'
                f'<nav aria-label="Views">{nav}</nav><div class="sheet">{shown}</div>',
            )
        )

    def frame(self, mail: EmailMessage, marked_up: str | None) -> None:
        """The mail itself. Links open in a tab of their own; pictures sent along are put in place of their names."""
        text = marked_up or ""
        for part in mail.walk():
            name = str(part.get("Content-ID", "")).strip("<>")
            if name and part.get_content_maintype() == "image":
                payload = part.get_payload(decode=True)
                if isinstance(payload, bytes):
                    coded = base64.b64encode(payload).decode()
                    text = text.replace(f"cid:{name}", f"data:{part.get_content_type()};base64,{coded}")
        origins = self.site or "'self'"
        self.answer(f'<base target="_blank">{text}'.encode(), policy=MAIL_POLICY.format(origins=origins))

    def answer(
        self, content: bytes, *, kind: str = "text/html", status: int = HTTPStatus.OK, policy: str = PAGE_POLICY
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(ConnectionError):
                self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smtp", type=int, required=True)
    parser.add_argument("--page", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--site", default="")
    chosen = parser.parse_args()
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    mailbox = Mailbox(chosen.folder)
    receiver = Controller(
        Receiver(mailbox), hostname="127.0.0.1", port=chosen.smtp, data_size_limit=LARGEST, enable_SMTPUTF8=True
    )
    receiver.start()
    viewer = ThreadingHTTPServer(
        ("127.0.0.1", chosen.page), type("ThisViewer", (Viewer,), {"mailbox": mailbox, "site": chosen.site})
    )
    threading.Thread(target=viewer.serve_forever, daemon=True).start()
    while not over.is_set():
        time.sleep(0.2)
    viewer.shutdown()
    receiver.stop()


if __name__ == "__main__":
    main()
