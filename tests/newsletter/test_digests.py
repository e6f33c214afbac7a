"""The digest of the community: news a member has not read, on their own clock, never what the newsletter told."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from advocacy.crm import consent
from advocacy.crm.catalogue import Purpose
from advocacy.delivery.models import Message, Suppression
from advocacy.delivery.sender import Sender
from advocacy.users.models import Role
from advocates.models import Advocate
from community import actions as community
from community.models import Space, Topic
from newsletter.actions import digests as actions
from newsletter.actions import editions
from newsletter.jobs import digests as jobs
from newsletter.models import DigestChoice, DigestRun, DigestSchedule, EditionItem
from tests.delivery.conftest import KeepingTransport
from tests.factories import make_account, make_advocate, make_contact, make_user

pytestmark = pytest.mark.django_db

THURSDAY = datetime(2026, 3, 12, 8, tzinfo=UTC)  # nine o'clock in Berlin
JOINED = THURSDAY - timedelta(days=100)


def member(name: str, **more: Any) -> Advocate:
    advocate = make_advocate(name, **more)
    if advocate.user:
        advocate.user.date_joined = JOINED
        advocate.user.save(update_fields=["date_joined"])
    return advocate


@pytest.fixture
def ines() -> Advocate:
    return member("Ines")


@pytest.fixture
def omar() -> Advocate:
    return member("Omar")


@pytest.fixture
def rollouts() -> Space:
    return Space.objects.create(slug="rollouts", name="Rollouts")


def talk(author: Advocate, space: Space, title: str, *, days_ago: float = 2) -> Topic:
    at = THURSDAY - timedelta(days=days_ago)
    return community.start_topic(author.user, space, title=title, body=f"About: {title}.", at=at)


def answer(author: Advocate, topic: Topic, *, days_ago: float = 1) -> None:
    community.reply(author.user, topic, body="It was so with us.", at=THURSDAY - timedelta(days=days_ago))


def written() -> list[Message]:
    return list(Message.objects.filter(kind=actions.KIND).order_by("contact"))


def sent(at: datetime = THURSDAY) -> dict[str, Any]:
    """Let the clock strike and the sender work; the mails by whom they went to."""
    out = KeepingTransport()
    with time_machine.travel(at, tick=False):
        jobs.write_digests(at=at)
        Sender(out=out, clock=lambda: at + timedelta(minutes=1)).run()
    return {mail["To"].partition(" ")[0].strip('"'): mail for mail in out.mails}


def words(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


class TestWhatItTells:
    def test_of_new_topics_and_of_answers_where_one_takes_part(self, ines, omar, rollouts):
        mine = talk(ines, rollouts, "Which sensor survives a dishwasher")
        answer(omar, mine)
        talk(omar, rollouts, "Thirty-eight sites in a year")
        mail = sent()["Ines"]
        said = words(mail)
        assert said.index("IN TOPICS YOU FOLLOW") < said.index("Which sensor") < said.index("ALSO NEW")
        assert said.index("ALSO NEW") < said.index("Thirty-eight sites")
        assert "1 new reply" in said and "a new topic" in said
        assert mail["Subject"] == "Which sensor survives a dishwasher, and one more talk"

    def test_not_of_what_one_wrote_oneself(self, ines, rollouts):
        talk(ines, rollouts, "Only I said something")
        assert sent() == {}
        assert [one.status for one in written()] == ["suppressed"]

    def test_not_of_what_one_has_read(self, ines, omar, rollouts):
        topic = talk(omar, rollouts, "Read already")
        community.read_page(ines.user, topic, first=0, last=0, at=THURSDAY - timedelta(hours=2))
        assert "Ines" not in sent()

    def test_what_is_read_between_writing_and_sending_is_not_told(self, ines, omar, rollouts):
        topic = talk(omar, rollouts, "Read just now")
        jobs.write_digests(at=THURSDAY)
        community.read_page(ines.user, topic, first=0, last=0, at=THURSDAY)
        assert "Ines" not in sent()

    def test_nothing_hidden_and_nothing_of_closed_spaces(self, ines, omar, rollouts):
        moderator = make_user("Maya", Role.MODERATOR)
        talk(omar, rollouts, "Everybody may read this")
        hidden = talk(omar, rollouts, "Buy now")
        community.hide(hidden, by=moderator, reason="No selling.", at=THURSDAY - timedelta(hours=3))
        closed = Space.objects.create(slug="soon", name="Soon")
        talk(omar, closed, "Not yet")
        Space.objects.filter(pk=closed.pk).update(is_open=False)
        said = words(sent()["Ines"])
        assert "Everybody may read" in said and "Buy now" not in said and "Not yet" not in said

    def test_never_what_the_newsletter_has_told_this_reader(self, ines, omar, rollouts):
        mei = member("Mei", consents=[Purpose.PROGRAM_MAIL])  # she has no newsletter
        topic = talk(omar, rollouts, "In the newsletter", days_ago=5)
        talk(omar, rollouts, "Not in the newsletter")
        slot = (THURSDAY - timedelta(days=2)).date()
        edition = editions.draft(slot, at=THURSDAY - timedelta(days=4))
        EditionItem.objects.filter(edition=edition).exclude(topic=topic).delete()
        at = THURSDAY - timedelta(days=2)
        editions.approve(edition, by=make_user("Maya", Role.MODERATOR), at=at)
        editions.begin(edition, at=at)
        editions.queue_some(edition, at=at)
        Message.objects.filter(batch=editions.batch_of(edition)).update(status="sent", sent_at=at)
        mails = sent()
        assert "In the newsletter" not in words(mails["Ines"]).replace("Not in the newsletter", "")
        assert "* In the newsletter" in words(mails["Mei"])
        assert mei.contact.email

    def test_the_own_region_first_and_no_other_language(self, omar, rollouts):
        nordic = member("Nils", account=make_account(region="Nordics"))
        talk(omar, rollouts, "For everybody")
        talk(omar, Space.objects.create(slug="nordics", name="Nordics", region="Nordics"), "For the north")
        talk(omar, Space.objects.create(slug="deutsch", name="Deutsch", language="de"), "Auf Deutsch")
        said = words(sent()["Nils"])
        assert said.index("For the north") < said.index("For everybody")
        assert "Auf Deutsch" not in said
        assert nordic.pk

    def test_no_more_than_set(self, ines, omar, rollouts):
        DigestSchedule.objects.update_or_create(pk=1, defaults={"most_topics": 2})
        for number in range(5):
            talk(omar, rollouts, f"Talk {number}")
        assert words(sent()["Ines"]).count("a new topic") == 2

    def test_names_and_titles_are_text_not_markup(self, ines, omar, rollouts):
        talk(omar, rollouts, "<script>alert(1)</script> & co")
        page = sent()["Ines"].get_body(("html",)).get_content()
        assert "<script>" not in page and "&lt;script&gt;" in page


class TestWhenItGoes:
    def test_on_thursday_at_nine_where_the_reader_is(self, omar, rollouts):
        tokyo = member("Aiko", contact=make_contact("Aiko", time_zone="Asia/Tokyo"))
        lima = member("Luz", contact=make_contact("Luz", time_zone="America/Lima"))
        talk(omar, rollouts, "News", days_ago=3)
        seen: dict[int, datetime] = {}
        at = THURSDAY - timedelta(hours=12)
        while at < THURSDAY + timedelta(hours=30):
            jobs.write_digests(at=at)
            for message in written():
                seen.setdefault(message.contact_id, at)
            at += timedelta(minutes=30)
        assert seen[tokyo.contact_id] == datetime(2026, 3, 12, 0, tzinfo=UTC)
        assert seen[lima.contact_id] == datetime(2026, 3, 12, 14, tzinfo=UTC)

    def test_once_however_often_the_clock_strikes(self, ines, omar, rollouts):
        talk(omar, rollouts, "News")
        for minutes in range(0, 120, 10):
            jobs.write_digests(at=THURSDAY + timedelta(minutes=minutes))
        assert [one.contact_id for one in written()].count(ines.contact_id) == 1

    def test_a_run_that_was_cut_off_goes_on_where_it_was(self, ines, omar, rollouts, monkeypatch):
        monkeypatch.setattr(actions, "AT_ONCE", 1)
        talk(omar, rollouts, "News")
        zone = ines.contact.time_zone
        run = actions.begin(THURSDAY.date(), "week", zone, at=THURSDAY)
        actions.write_some(run, at=THURSDAY)
        assert len(written()) == 1
        jobs.write_digests(at=THURSDAY + timedelta(minutes=10))
        assert sorted(one.contact_id for one in written()) == sorted([ines.contact_id, omar.contact_id])

    def test_next_week_tells_of_what_came_since_even_when_the_clock_was_late(self, ines, omar, rollouts):
        talk(omar, rollouts, "First week")
        assert "Ines" in sent()
        late = THURSDAY + timedelta(hours=1)
        community.start_topic(omar.user, rollouts, title="Between", body="Said after nine.", at=late)
        said = words(sent(THURSDAY + timedelta(days=7, hours=3))["Ines"])
        assert "Between" in said and "First week" not in said

    def test_after_a_long_silence_of_the_clock_no_half_year_is_told(self, ines, omar, rollouts):
        talk(omar, rollouts, "Long ago", days_ago=60)
        DigestRun.objects.create(
            day=(THURSDAY - timedelta(days=90)).date(), every="week", zone=ines.contact.time_zone, done=True,
            since=THURSDAY - timedelta(days=97), until=THURSDAY - timedelta(days=90),
        )  # fmt: skip
        assert sent() == {}

    def test_a_week_in_which_nobody_wrote_owes_nothing(self, ines):
        jobs.write_digests(at=THURSDAY)
        assert written() == []

    def test_switched_off_it_stays_away(self, ines, omar, rollouts):
        DigestSchedule.objects.update_or_create(pk=1, defaults={"enabled": False})
        talk(omar, rollouts, "News")
        assert sent() == {}


class TestWhoGetsIt:
    def test_members_with_consent_who_sign_in(self, ines, omar, rollouts):
        member("Mei", user=False)
        member("Noa", consents=[Purpose.NEWSLETTER])
        member("Pia", status=Advocate.Status.LEFT)
        talk(omar, rollouts, "News")
        assert set(sent()) == {"Ines"}  # Omar wrote it

    def test_consent_taken_back_counts_also_when_it_is_queued(self, ines, omar, rollouts):
        talk(omar, rollouts, "News")
        jobs.write_digests(at=THURSDAY)
        consent.withdraw(ines.contact, Purpose.PROGRAM_MAIL, at=THURSDAY, source="profile")
        assert "Ines" not in sent()


class TestChoosing:
    def test_every_day_means_a_day_with_something_new(self, ines, omar, rollouts, client: Client):
        client.force_login(ines.user)
        client.post(reverse("delivery:choices"), {"kind": actions.KIND, "value": "day"})
        monday = datetime(2026, 3, 9, 8, tzinfo=UTC)
        talk(omar, rollouts, "On Sunday", days_ago=3.5)
        assert set(sent(monday)) == {"Ines"}
        assert sent(monday + timedelta(days=1)) == {}
        assert DigestChoice.objects.get().every == "day"

    def test_never_stops_it_and_nothing_else(self, ines, omar, rollouts, client: Client):
        client.force_login(ines.user)
        client.post(reverse("delivery:choices"), {"kind": actions.KIND, "value": "never"})
        talk(omar, rollouts, "News")
        assert "Ines" not in sent()
        assert consent.allows(ines.contact, Purpose.PROGRAM_MAIL, at=THURSDAY)
        page = client.get(reverse("delivery:choices")).content.decode()
        assert page.count('aria-pressed="true"') == 1
        client.post(reverse("delivery:choices"), {"kind": actions.KIND, "value": "week"})
        assert "Ines" in sent(THURSDAY + timedelta(minutes=20)) or actions.chosen(ines.user) == "week"

    def test_the_link_in_the_mail_leaves_the_digest_and_nothing_else(self, ines, omar, rollouts, client: Client):
        talk(omar, rollouts, "News")
        address = sent()["Ines"]["List-Unsubscribe"].strip("<>").removeprefix("http://testserver")
        assert "The digest of the community" in client.get(address).content.decode()
        client.post(address, {"List-Unsubscribe": "One-Click"})
        assert actions.chosen(ines.user) == "never"
        assert consent.allows(ines.contact, Purpose.PROGRAM_MAIL, at=THURSDAY)
        talk(omar, rollouts, "More news", days_ago=-1)
        assert "Ines" not in sent(THURSDAY + timedelta(days=7))

    @pytest.mark.parametrize("value", ["", "hourly", "\x00", "week' OR 1"])
    def test_a_choice_that_is_none_changes_nothing(self, ines, client: Client, value: str):
        client.force_login(ines.user)
        assert client.post(reverse("delivery:choices"), {"kind": actions.KIND, "value": value}).status_code == 302
        assert actions.chosen(ines.user) == "week"

    def test_a_colleague_has_nothing_to_choose(self, client: Client):
        client.force_login(make_user("Sam", Role.REQUESTER))
        client.post(reverse("delivery:choices"), {"kind": actions.KIND, "value": "day"})
        assert "Nothing to choose" in client.get(reverse("delivery:choices")).content.decode()
        assert not DigestChoice.objects.exists() and not Suppression.objects.exists()


def test_a_hundred_readers_cost_as_many_queries_as_two(omar, rollouts, django_assert_max_num_queries, queries_of):
    from newsletter.mails.digests import render_digests

    talk(omar, rollouts, "News")
    for number in range(2):
        member(f"Reader{number}")
    jobs.write_digests(at=THURSDAY)

    def render() -> None:
        assert all(
            not isinstance(one, Exception) or "Nothing" in str(one) for one in render_digests(written()).values()
        )

    few = queries_of(partial(render))
    for number in range(2, 30):
        member(f"Reader{number}")
    DigestRun.objects.all().delete()
    Message.objects.all().delete()
    jobs.write_digests(at=THURSDAY + timedelta(minutes=10))
    assert len(written()) == 31
    assert queries_of(partial(render)) == few
