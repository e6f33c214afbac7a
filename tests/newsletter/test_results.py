"""What an edition led to: figures that are the raw rows, counted once more by hand (N7)."""

import csv
import random
import re
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from advocacy.crm.models import Program
from advocacy.delivery import measuring
from advocacy.delivery.models import Link, MailEvent, Message
from advocacy.delivery.sender import Sender
from advocacy.users.models import Role, User
from newsletter import results
from newsletter.actions import editions as actions
from newsletter.jobs import editions as jobs
from newsletter.mails import editions as mails
from newsletter.models import Edition
from opportunities.models import Claim, Opportunity
from tests.delivery.conftest import KeepingTransport
from tests.factories import make_advocate, make_opportunity, make_user

pytestmark = pytest.mark.django_db

SLOT = date(2026, 3, 17)
DRAFTED = datetime(2026, 3, 14, 9, tzinfo=UTC)
EVE = datetime(2026, 3, 16, 9, tzinfo=UTC)
MORNING = datetime(2026, 3, 17, 12, tzinfo=UTC)


@pytest.fixture
def maya() -> User:
    return make_user("Maya", Role.MODERATOR)


def page_of(opportunity: Opportunity) -> str:
    return reverse("opportunities:opportunity", args=[opportunity.public_id])


def gone(maya: User, out: KeepingTransport | None = None, *, slot: date = SLOT, by: timedelta = timedelta()) -> Edition:
    """An edition that went out."""
    edition = actions.draft(slot, at=DRAFTED + by)
    actions.put_item(edition, None, section="news", title="Elsewhere", text="See https://news.test/x.", link="")
    actions.put_item(edition, None, section="news", title="The board is new", text="Look.", link="/opportunities/")
    actions.approve(edition, by=maya, at=EVE + by)
    with time_machine.travel(MORNING + by, tick=False):
        jobs.send_editions(at=MORNING + by)
        Sender(out=out or KeepingTransport(), clock=lambda: MORNING + by).run()
        jobs.send_editions(at=MORNING + by)
    return Edition.objects.get(pk=edition.pk)


def clicked(message: Message, path: str, at: datetime) -> None:
    measuring.link_numbers([path])
    measuring.clicked(message.public_id, Link.objects.get(path=path), at=at)


def addresses(mail: Any) -> tuple[list[str], str]:
    html = mail.get_body(("html",)).get_content()
    return re.findall(r'href="([^"]+)"', html), mail.get_body(("plain",)).get_content()


class TestTheMail:
    def test_each_link_to_a_page_of_ours_is_counted_and_no_other(self, client: Client, maya: User) -> None:
        webinar = make_opportunity("Webinar", opened_at=DRAFTED - timedelta(days=1))
        ines = make_advocate("Ines")
        out = KeepingTransport()
        gone(maya, out)
        links, text = addresses(out.mails[0])
        ours = [link for link in links if link.startswith("http://testserver/")]
        counted = [link for link in ours if "/mail/c/" in link]
        assert {urlsplit(link).path.split("/")[1:3][-1] for link in set(ours) - set(counted)} == {
            "unsubscribe",
            "read",
        }  # the way out and the reader's own page on the web lead straight there
        led = {client.get(urlsplit(link).path)["Location"] for link in counted}
        assert led == {page_of(webinar), "/opportunities/", reverse("opportunities:board")}
        assert "https://news.test/x" in " ".join(links) + text
        in_text = re.findall(r"http://testserver/mail/c/\S+", text)
        assert {client.get(urlsplit(link).path)["Location"] for link in in_text} == led
        assert not re.search(r"http://testserver/opportunities", text)
        message = Message.objects.get(contact=ines.contact, kind="newsletter")
        assert set(MailEvent.objects.values_list("message", flat=True)) == {message.pk}

    def test_holds_no_picture_unless_the_program_counts_openings(self, client: Client, maya: User) -> None:
        make_opportunity("Webinar", opened_at=DRAFTED - timedelta(days=1))
        make_advocate("Ines")
        out = KeepingTransport()
        gone(maya, out)
        assert "<img" not in out.mails[0].get_body(("html",)).get_content()
        Program.objects.update(measure_opens=True)
        message = Message.objects.get(kind="newsletter")
        with time_machine.travel(MORNING, tick=False):
            mail = mails.render_editions([message])[message.pk]
        assert not isinstance(mail, Exception)
        picture = re.findall(r'<img src="http://testserver([^"]+)" width="1" height="1"', mail.html)
        assert len(picture) == 1
        client.get(picture[0])
        assert MailEvent.objects.get().event == "opened"

    def test_looking_at_it_in_the_outbox_or_trying_it_out_counts_nobody(self, client: Client, maya: User) -> None:
        webinar = make_opportunity("Webinar", opened_at=DRAFTED - timedelta(days=1))
        ines = make_advocate("Ines")
        out = KeepingTransport()
        edition = gone(maya, out)
        message = Message.objects.get(kind="newsletter")
        client.force_login(maya)
        with time_machine.travel(MORNING, tick=False):
            seen = [
                client.get(reverse("delivery:preview", args=[message.public_id])).content.decode(),
                client.get(reverse("newsletter:preview", args=[edition.public_id])).content.decode(),
            ]
            actions.send_test(edition, to=maya, as_contact=ines.contact, at=MORNING)
            Sender(out=out, clock=lambda: MORNING).run()
        seen.append(out.mails[-1].get_body(("html",)).get_content())
        for html in seen:
            assert f'href="http://testserver{page_of(webinar)}"' in html
            assert "/mail/c/" not in html


class TestTheFigures:
    def story(self, maya: User) -> Edition:
        """Ines clicks and claims, Omar claims without a click, Mei leaves, one claims too late, one before."""
        webinar = make_opportunity("Webinar", opened_at=DRAFTED - timedelta(days=1))
        quote = make_opportunity("Quote", opened_at=DRAFTED - timedelta(days=1))
        people = {name: make_advocate(name) for name in ("Ines", "Omar", "Mei", "Late", "Early")}
        Claim.objects.create(opportunity=quote, advocate=people["Early"], claimed_at=MORNING - timedelta(hours=1))
        edition = gone(maya)
        other = make_opportunity("Not in it", opened_at=MORNING + timedelta(days=1))
        letters = {name: Message.objects.get(contact=one.contact, kind="newsletter") for name, one in people.items()}
        clicked(letters["Ines"], page_of(webinar), MORNING + timedelta(hours=1))
        clicked(letters["Ines"], page_of(webinar), MORNING + timedelta(hours=9))
        clicked(letters["Mei"], "/opportunities/", MORNING + timedelta(days=1))
        measuring.left(letters["Mei"], at=MORNING + timedelta(days=1))
        for who, what, after in (
            ("Ines", webinar, timedelta(hours=2)), ("Omar", webinar, timedelta(days=3)),
            ("Ines", other, timedelta(days=2)), ("Late", quote, timedelta(days=31)),
        ):  # fmt: skip
            Claim.objects.create(opportunity=what, advocate=people[who], claimed_at=MORNING + after)
        for name in ("Ines", "Omar"):
            measuring.record(letters[name], "delivered", at=MORNING, key=name, source="Postmark")
        measuring.record(letters["Late"], "bounced", at=MORNING, key="b", source="Postmark")
        measuring.record(letters["Early"], "complained", at=MORNING, key="c", source="Postmark")
        return edition

    def test_each_says_what_happened(self, maya: User) -> None:
        assert results.figures(self.story(maya)) == results.Figures(
            sent=5, delivered=2, opened=0, clicked=2, clicks=3, claims=2, claims_after_click=1, unsubscribed=1,
            bounced=1, complained=1,
        )  # fmt: skip

    def test_item_by_item_in_order_then_pages_that_are_none(self, maya: User) -> None:
        edition = self.story(maya)
        letter = Message.objects.filter(kind="newsletter").first()
        assert letter is not None
        clicked(letter, "/community/", MORNING + timedelta(days=2))
        led = {one.title or one.path: one for one in results.by_item(edition)}
        assert (led["Webinar"].people, led["Webinar"].clicks, led["Webinar"].claims) == (1, 2, 2)
        assert led["Webinar"].claims_after_click == 1
        assert (led["Quote"].people, led["Quote"].claims) == (0, 0)
        assert (led["The board is new"].clicks, led["The board is new"].claims) == (1, None)
        assert list(led)[-1] == "/community/"

    def test_day_by_day(self, maya: User) -> None:
        edition = self.story(maya)
        days = results.by_day(edition, until=MORNING + timedelta(days=90))
        assert len(days) == 31
        assert [(clicks, claims) for _day, clicks, claims in days[:4]] == [(2, 1), (1, 0), (0, 0), (0, 1)]

    @pytest.mark.parametrize("seed", range(3))
    def test_they_are_the_raw_rows_counted_once_more_by_hand(self, maya: User, client: Client, seed: int) -> None:
        lot = random.Random(seed)
        opportunities = [
            make_opportunity(f"No {n}", opened_at=DRAFTED - timedelta(days=1), closes_at=None) for n in range(4)
        ]
        advocates = [make_advocate(f"Reader{n}", user=False) for n in range(12)]
        edition = gone(maya)
        letters = list(Message.objects.filter(kind="newsletter"))
        pages = [*(page_of(one) for one in opportunities), "/opportunities/", "/elsewhere/"]
        for number in range(150):
            at = MORNING + timedelta(minutes=lot.randrange(0, 60 * 24 * 40))
            letter = lot.choice(letters)
            if number % 3:
                clicked(letter, lot.choice(pages), at)
            else:
                event = lot.choice(["delivered", "unsubscribed", "bounced", "complained", "opened"])
                measuring.record(letter, event, at=at, key=f"{number}", source="Postmark")
        for advocate in advocates:
            for opportunity in lot.sample(opportunities, 2):
                at = MORNING + timedelta(hours=lot.randrange(-48, 24 * 45))
                Claim.objects.create(opportunity=opportunity, advocate=advocate, claimed_at=at)

        client.force_login(maya)

        def file(of: str) -> list[dict[str, str]]:
            address = reverse("newsletter:results", args=[edition.public_id], query={"of": of, "as": "csv"})
            body = b"".join(client.get(address).streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
            return list(csv.DictReader(StringIO(body)))

        sent, raw, claimed = file("mails"), file("events"), file("claims")
        assert len(raw) == MailEvent.objects.count()

        def people(event: str) -> int:
            return len({row["Mail"] for row in raw if row["What happened"] == event})

        first_click = {}
        for row in sorted(raw, key=lambda row: row["When"]):
            if row["What happened"] == "clicked":
                first_click.setdefault(row["Mail"], datetime.fromisoformat(row["When"]))
        by_hand, after = 0, 0
        for claim in Claim.objects.all():
            letter = next(one for one in letters if one.contact_id == claim.advocate.contact_id)
            assert letter.sent_at is not None
            if letter.sent_at < claim.claimed_at <= letter.sent_at + timedelta(days=30):
                by_hand += 1
                clicked_at = first_click.get(letter.message_id)
                after += clicked_at is not None and clicked_at <= claim.claimed_at
        assert results.figures(edition) == results.Figures(
            sent=len(sent), delivered=people("delivered"), opened=people("opened"), clicked=people("clicked"),
            clicks=sum(row["What happened"] == "clicked" for row in raw), claims=by_hand, claims_after_click=after,
            unsubscribed=people("unsubscribed"), bounced=people("bounced"), complained=people("complained"),
        )  # fmt: skip
        assert len(claimed) == by_hand and sum(row["After a click"] == "yes" for row in claimed) == after
        led = results.by_item(edition)
        assert sum(one.claims or 0 for one in led) == by_hand
        for one in led:
            theirs = [row for row in raw if row["What happened"] == "clicked" and row["Page"] == one.path]
            assert (one.clicks, one.people) == (len(theirs), len({row["Mail"] for row in theirs}))
        days = results.by_day(edition, until=MORNING + timedelta(days=90))
        assert sum(claims for _day, _clicks, claims in days) == by_hand

    def test_the_file_of_rows_is_noted_and_safe_in_a_spreadsheet(self, maya: User, client: Client) -> None:
        edition = self.story(maya)
        Message.objects.filter(kind="newsletter").update(to_name="=cmd|' /C calc'!A0")
        client.force_login(maya)
        address = reverse("newsletter:results", args=[edition.public_id], query={"of": "events", "as": "csv"})
        body = b"".join(client.get(address).streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        assert ",=cmd" not in body and "'=cmd" in body


class TestThePage:
    def test_shows_them_beside_the_editions_before(self, maya: User, client: Client) -> None:
        earlier = gone(maya, slot=date(2026, 3, 3), by=timedelta(days=-14)) if make_advocate("Zoe") else None
        edition = TestTheFigures().story(maya)
        client.force_login(maya)
        with time_machine.travel(MORNING + timedelta(days=5), tick=False):
            text = client.get(reverse("newsletter:results", args=[edition.public_id])).content.decode()
            desk = client.get(reverse("newsletter:edit", args=[edition.public_id])).content.decode()
        assert earlier is not None
        assert reverse("newsletter:results", args=[earlier.public_id]) in text
        assert reverse("newsletter:results", args=[edition.public_id]) in desk
        for words in ("people who clicked", "Webinar", "1 of them after a click", "complaints", "chart-svg"):
            assert words in text
        assert "opened" not in text, "nobody chose to count openings"

    def test_says_so_when_it_has_gone_to_nobody(self, maya: User, client: Client) -> None:
        edition = actions.draft(SLOT, at=DRAFTED)
        client.force_login(maya)
        assert (
            "not gone to anybody yet"
            in client.get(reverse("newsletter:results", args=[edition.public_id])).content.decode()
        )

    def test_is_for_editors(self, maya: User, client: Client) -> None:
        edition = actions.draft(SLOT, at=DRAFTED)
        address = reverse("newsletter:results", args=[edition.public_id])
        for role, status in ((Role.ADVOCATE, 403), (Role.REQUESTER, 403), (Role.LEAD, 200)):
            client.force_login(make_user("Sam", role))
            assert client.get(address).status_code == status

    def test_costs_the_same_for_many(self, maya: User, client: Client, queries_of: Any) -> None:
        edition = TestTheFigures().story(maya)
        client.force_login(maya)
        visit = lambda: client.get(reverse("newsletter:results", args=[edition.public_id]))  # noqa: E731
        few = queries_of(visit)
        for letter in Message.objects.filter(kind="newsletter"):
            for hours in range(20):
                clicked(letter, "/opportunities/", MORNING + timedelta(hours=hours))
        assert queries_of(visit) == few
