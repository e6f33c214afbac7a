"""An edition to 10,000 readers by one sender process and by two, against kept connections with prebuilt messages.

``python -m tests.benchmarks.newsletter [--readers N] [--runs N] [--profile] [--post-office PYTHON]`` makes a database
of its own beside the one in ``DATABASE_URL``, drafts an edition from 30 opportunities, owes it to every reader (each
with their own part, consent, language and zone), and sends it into a local mail server: by the sender, which keeps the
state of each message in Postgres, and by a bare loop over the same mails made beforehand; then by two processes of
each. All in turn, in the same run. It leaves with 1 when a ratio misses its limit, or when anybody got no mail, two, or
another person's. With ``--post-office`` django-post-office sends the very same mails as well, from a queue of its own
in the same Postgres: PYTHON is an interpreter that has it, Django and psycopg installed. We must be at least as fast.
"""

import argparse
import json
import os
import pickle
import platform
import smtplib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from email import message_from_string
from email.policy import default
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.benchmarks.match import _connect, _run, _with_database  # noqa: E402

RATIO_AT_LEAST = 0.3
RATIO_OF_TWO_AT_LEAST = 0.25
POST_OFFICE_AT_LEAST = 1.0
ZONES = ["Europe/Berlin", "America/New_York", "Asia/Singapore", "America/Sao_Paulo", "Australia/Sydney", "UTC"]
LANGUAGES = ["en", "de", "en", "fr", "en"]


class Sink:
    """The mail server's process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks._mail_sink"], cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def taken(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--profile", action="store_true", help="print where the sender's time goes, to stderr")
    parser.add_argument("--post-office", metavar="PYTHON", help="an interpreter with django-post-office, to compare")
    parser.add_argument("--send", choices=["ours", "bare"], help=argparse.SUPPRESS)
    parser.add_argument("--mails", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.send:
        return _one_of_two(given.send, given.mails)
    base = os.environ["DATABASE_URL"]
    name = f"bench_newsletter_{os.getpid()}"
    sink = Sink()
    with _connect(_with_database(base, "postgres")) as admin:
        _run(admin, f'CREATE DATABASE "{name}"')
    os.environ["DATABASE_URL"] = _with_database(base, name)
    os.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{sink.port}"
    try:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--skip-checks", "-v0"], cwd=ROOT, check=True, timeout=600
        )
        import django

        django.setup()
        batch = _owe(given.readers)
        result = _measure(batch, sink, given.readers, given.runs, profile=given.profile, post_office=given.post_office)
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return 0 if result["ok"] else 1
    finally:
        sink.end()
        from django.db import connections

        connections.close_all()
        with _connect(_with_database(base, "postgres")) as admin:
            _run(admin, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _owe(readers: int) -> str:
    """Readers, opportunities for some or all of them, an edition, and a message for each reader; returns its batch."""
    from django.utils import timezone

    from advocacy.crm.catalogue import Purpose
    from advocacy.crm.models import Account, ConsentEntry, ConsentState, Contact, Program
    from advocacy.users.models import Role
    from advocates.models import Advocate
    from newsletter.actions import editions as actions
    from opportunities.models import Claim
    from tests.factories import make_kind, make_opportunity, make_user

    now = timezone.now()
    Program.current()
    accounts = Account.objects.bulk_create(
        [
            Account(source="b", external_id=f"a{i}", name=f"Account {i}", region=f"Region {i % 4}", industry="Food")
            for i in range(readers // 5)
        ],
        batch_size=2000,
    )
    contacts = Contact.objects.bulk_create(
        [
            Contact(
                source="b", external_id=f"c{i}", account=accounts[i % len(accounts)], given_name=f"Reader{i}",
                family_name="Barbosa" if i % 10 else "Núñez", email=f"reader{i}@bench.test",
                language=LANGUAGES[i % len(LANGUAGES)], time_zone=ZONES[i % len(ZONES)],
            )
            for i in range(readers)
        ],
        batch_size=2000,
    )  # fmt: skip
    advocates = Advocate.objects.bulk_create(
        [Advocate(contact=one, status=Advocate.Status.MEMBER, joined_at=now) for one in contacts], batch_size=2000
    )
    purposes = (Purpose.NEWSLETTER, Purpose.PROGRAM_MAIL, Purpose.REFERENCE_CALLS)
    entries = ConsentEntry.objects.bulk_create(
        [
            ConsentEntry(contact=one, purpose=purpose, given=True, wording="I agree.", at=now, source="b")
            for one in contacts
            for purpose in purposes
        ],
        batch_size=2000,
    )
    ConsentState.objects.bulk_create(
        [ConsentState(contact=one.contact, purpose=one.purpose, given=True, entry=one) for one in entries],
        batch_size=2000,
    )
    kinds = [make_kind("webinar"), make_kind("quote"), make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS)]
    opportunities = [
        make_opportunity(
            f"Opportunity {i}: say what changed", kind=kinds[i % 3], summary="An hour with people who plan as you do.",
            audience={"any": [f"region:region {i % 4}"]} if i % 2 else {}, closes_at=now + timedelta(days=20 + i),
        )
        for i in range(30)
    ]  # fmt: skip
    Claim.objects.bulk_create(
        [
            Claim(advocate=one, opportunity=opportunities[i % 30], claimed_at=now)
            for i, one in enumerate(advocates[::3])
        ],
        batch_size=2000,
    )
    edition = actions.draft(now.date() - timedelta(days=2), at=now)
    actions.approve(edition, by=make_user("Mo", Role.MODERATOR), at=now)
    edition.refresh_from_db()
    actions.begin(edition, at=now)
    while actions.queue_some(edition, at=now):
        pass
    return actions.batch_of(edition)


def _measure(
    batch: str, sink: Sink, readers: int, runs: int, *, profile: bool, post_office: str | None
) -> dict[str, Any]:
    from django.db import connection
    from django.utils import timezone

    from advocacy.delivery.models import Message

    rows = Message.objects.filter(batch=batch)
    past = timezone.now() - timedelta(minutes=1)
    rows.update(due_at=past)
    prebuilt = _prebuilt(batch)
    assert len(prebuilt) == readers
    took: dict[str, list[float]] = {"bare": [], "sender": [], "bare_of_two": [], "senders_two": []}
    wrong: list[str] = []

    def owe_again() -> None:
        rows.update(
            status="due", due_at=past, sent_at=None, sending_since=None, leased_until=None, leased_by="", attempts=0
        )
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE delivery_message")

    def look(*, ours: bool) -> None:
        taken = sink.taken()
        wrong.extend(_faults(taken, readers))
        if ours:
            wrong.extend(_wrong_words(taken["latest"]))
            unsent = rows.exclude(status="sent", sent_at__isnull=False, result__startswith="250").count()
            if unsent:
                wrong.append(f"{unsent} are not on record as sent")

    with tempfile.TemporaryDirectory() as folder:
        halves = [Path(folder) / "even", Path(folder) / "odd"]
        for place, half in enumerate(halves):
            half.write_bytes(pickle.dumps((sink.port, prebuilt[place::2])))
        everything = Path(folder) / "all"
        everything.write_bytes(pickle.dumps((sink.port, prebuilt)))
        for number in range(runs):
            took["bare"].append(_bare(sink.port, prebuilt))
            look(ours=False)
            owe_again()
            took["sender"].append(_ours(profile=profile and number == 0))
            look(ours=True)
            took["bare_of_two"].append(_two("bare", halves))
            look(ours=False)
            owe_again()
            took["senders_two"].append(_two("ours", [None, None]))
            look(ours=True)
            if post_office:
                for name, connections in (("post_office", 1), ("post_office_as_it_comes", 5)):
                    took.setdefault(name, []).append(_post_office(post_office, everything, connections))
                    look(ours=False)
    middle = {name: statistics.median(seconds) for name, seconds in took.items()}
    limits = {"ratio": RATIO_AT_LEAST, "ratio_of_two": RATIO_OF_TWO_AT_LEAST}
    ratios = {
        "ratio": middle["bare"] / middle["sender"], "ratio_of_two": middle["bare_of_two"] / middle["senders_two"],
    }  # fmt: skip
    if post_office:
        ratios["of_post_office"], limits["of_post_office"] = (
            middle["post_office"] / middle["sender"],
            POST_OFFICE_AT_LEAST,
        )
    return {
        "benchmark": "newsletter",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "sizes": {"readers": readers, "opportunities": 30, "bytes_a_mail": statistics.median(map(_size, prebuilt))},
        "runs": runs,
        "mails_a_second": {name: _spread([readers / one for one in seconds]) for name, seconds in took.items()},
        **{name: round(ratio, 3) for name, ratio in ratios.items()},
        "at_least": limits,
        "wrong": wrong,
        "ok": not wrong and all(ratio >= limits[name] for name, ratio in ratios.items()),
    }


def _two(what: str, mails: Sequence[Path | None]) -> float:
    """Two processes at once, from the first's beginning to the last's end; what they need to start is not counted."""
    processes = []
    for half in mails:
        more = ["--mails", str(half)] if half else []
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.benchmarks.newsletter", "--send", what, *more], cwd=ROOT, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
        )  # fmt: skip
    for one in processes:
        assert one.stdin is not None and one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in processes:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    spans = []
    for one in processes:
        assert one.stdout is not None
        spans.append([float(part) for part in one.stdout.readline().split()])
        one.wait(60)
    return max(end for _begin, end in spans) - min(begin for begin, _end in spans)


def _one_of_two(what: str, mails: str | None) -> int:
    """One of the processes: says when it is ready, begins when it is told to, and says when it began and ended."""
    if what == "bare":
        assert mails is not None
        port, prebuilt = pickle.loads(Path(mails).read_bytes())  # noqa: S301 - written by ourselves, a moment ago
        smtp = smtplib.SMTP("127.0.0.1", port, timeout=30)
        smtp.ehlo()

        def send() -> None:
            for sender, to, data in prebuilt:
                smtp.sendmail(sender, [to], data)
    else:
        import django

        django.setup()
        from advocacy.delivery.sender import Sender

        one = Sender()
        one.out.open()
        send = one.run  # type: ignore[assignment]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    began = time.monotonic()
    send()
    sys.stdout.write(f"{began} {time.monotonic()}\n")
    return 0


def _post_office(python: str, mails: Path, connections: int) -> float:
    """The same mails from django-post-office's own queue, by one process of it over so many connections.

    It has less to do: it neither makes a mail for its reader nor asks in the last moment whether it may go, and writes
    down what went a hundred at a time, so that a kill sends as many again.
    """
    script = ROOT / "tests" / "benchmarks" / "_post_office.py"
    done = subprocess.run(
        [python, str(script), str(mails), str(connections)], cwd=mails.parent,
        env={**os.environ, "PYTHONPATH": ""}, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout.split()[-1])


def _size(mail: tuple[str, str, bytes]) -> int:
    return len(mail[2])


def _spread(figures: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(figures), 1),
        "least": round(min(figures), 1),
        "most": round(max(figures), 1),
    }


def _prebuilt(batch: str) -> list[tuple[str, str, bytes]]:
    """The very mails the sender sends, made beforehand."""
    from django.utils import timezone

    from advocacy.crm.models import Program
    from advocacy.delivery import mime, rendering
    from advocacy.delivery.models import Message

    program, at = Program.current(), timezone.now()
    mails = []
    messages = list(Message.objects.filter(batch=batch).select_related("contact", "user").order_by("pk"))
    for start in range(0, len(messages), 100):
        share = messages[start : start + 100]
        words = rendering.render_many(share)
        for message in share:
            made = words[message.pk]
            if isinstance(made, Exception):
                raise made
            mail = mime.build(message, made, program=program, at=at)
            mails.append((mail.sender, mail.to, mail.as_bytes()))
    return mails


def _bare(port: int, mails: list[tuple[str, str, bytes]]) -> float:
    """One kept connection, nothing else."""
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as smtp:
        smtp.ehlo()
        began = time.perf_counter()
        for sender, to, data in mails:
            smtp.sendmail(sender, [to], data)
        return time.perf_counter() - began


def _ours(*, profile: bool) -> float:
    """One sender, from the first lease to the last message on record."""
    from advocacy.delivery.sender import Sender

    sender = Sender()
    sender.out.open()
    if profile:
        import cProfile
        import pstats

        watched = cProfile.Profile()
        watched.enable()
    began = time.perf_counter()
    sender.run()
    seconds = time.perf_counter() - began
    if profile:
        watched.disable()
        pstats.Stats(watched, stream=sys.stderr).sort_stats("cumulative").print_stats(45)
    sender.out.close()
    return seconds


def _faults(taken: dict[str, Any], readers: int) -> list[str]:
    if taken["mails"] == taken["recipients"] == readers and taken["most"] == 1:
        return []
    return [f"{taken['mails']} mails to {taken['recipients']} of {readers} readers, {taken['most']} at most to one"]


def _wrong_words(raw: str) -> list[str]:
    """Whether the mail is the one of its reader: greeted by name, with their own way out and something open to them."""
    mail: Any = message_from_string(raw, policy=default)
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    name = str(mail["To"]).split()[0].strip('"')
    way_out = mail["List-Unsubscribe"].strip("<>")
    wrong = []
    for part, words in (("text", text), ("HTML", html)):
        if f" {name}," not in words:
            wrong.append(f"{name} is not greeted in the {part} part")
        if way_out not in words:
            wrong.append(f"the way out is not in the {part} part")
        if words.count("Opportunity ") < 3:
            wrong.append(f"nothing is offered in the {part} part")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
