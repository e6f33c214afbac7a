"""An edition drafts itself, waits for a person's yes, and reaches each reader once with what is open to them."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from advocacy.crm import consent
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Contact
from advocacy.delivery.models import Message, Notification, Suppression
from advocacy.delivery.sender import Sender
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates.models import Advocate, Recognition
from community import actions as community_actions
from community.models import Space
from newsletter import personal
from newsletter.actions import editions as actions
from newsletter.forms.editions import ItemForm
from newsletter.jobs import editions as jobs
from newsletter.mails import editions as mails
from newsletter.models import Edition, EditionItem
from opportunities import board
from opportunities.models import Claim, Opportunity
from tests.delivery.conftest import KeepingTransport
from tests.factories import make_account, make_advocate, make_contact, make_kind, make_opportunity, make_user

pytestmark = pytest.mark.django_db

SLOT = date(2026, 3, 17)
DRAFTED = datetime(2026, 3, 14, 9, tzinfo=UTC)
EVE = datetime(2026, 3, 16, 9, tzinfo=UTC)
MORNING = datetime(2026, 3, 17, 12, tzinfo=UTC)


@pytest.fixture
def maya() -> User:
    return make_user("Maya", Role.MODERATOR)


def open_opportunity(title: str, **more: Any) -> Opportunity:
    return make_opportunity(title, opened_at=DRAFTED - timedelta(days=1), **more)


def approved(maya: User, *, at: datetime = EVE) -> Edition:
    return actions.approve(actions.draft(SLOT, at=DRAFTED), by=maya, at=at)


def queued() -> list[Message]:
    return list(Message.objects.filter(kind="newsletter").order_by("contact"))


class TestDrafting:
    def test_from_open_opportunities_celebrations_and_the_community(self, maya: User) -> None:
        ines = make_advocate("Ines")
        open_opportunity("Share how you cut stock-outs")
        make_opportunity("Still a draft", status=Opportunity.Status.DRAFT)
        Recognition.objects.create(advocate=ines, title="Ines of the month", approved_at=DRAFTED - timedelta(days=2))
        Recognition.objects.create(advocate=ines, title="Nobody asked Ines")
        space = Space.objects.create(slug="rollouts", name="Rollouts")
        topic = community_actions.start_topic(ines.user, space, title="Thirty-eight sites", body="Ask me.", at=DRAFTED)
        hidden = community_actions.start_topic(ines.user, space, title="Buy now", body="!", at=DRAFTED)
        community_actions.hide(hidden, by=maya, reason="No selling.", at=DRAFTED)
        edition = actions.draft(SLOT, at=DRAFTED)
        titles = list(edition.items.values_list("title", flat=True))
        assert titles == ["Ines of the month", topic.title, "Share how you cut stock-outs"]
        assert edition.subject == "Ines of the month"
        assert Notification.objects.get(user=maya).kind == "edition.drafted"

    def test_a_slot_has_one_edition_however_often_the_clock_strikes(self, maya: User) -> None:
        for hours in range(5):
            jobs.draft_coming_editions(at=DRAFTED + timedelta(hours=hours))
        assert Edition.objects.get().slot == SLOT

    def test_two_years_of_clocks_draft_each_slot_once_three_days_before(self) -> None:
        at = datetime(2026, 1, 1, tzinfo=UTC)
        seen: dict[date, datetime] = {}
        while at < datetime(2028, 1, 1, tzinfo=UTC):
            jobs.draft_coming_editions(at=at)
            for slot in Edition.objects.exclude(slot__in=seen).values_list("slot", flat=True):
                seen[slot] = at
            at += timedelta(hours=12)
        assert len(seen) == 48
        assert all((slot - at.date()).days == 3 for slot, at in seen.items())


class TestNothingGoesThatNobodyApproved:
    def test_the_editor_is_warned_the_day_before_once(self, maya: User) -> None:
        open_opportunity("Webinar")
        actions.draft(SLOT, at=DRAFTED)
        for hours in range(3):
            jobs.warn_about_unapproved_editions(at=EVE + timedelta(hours=hours))
        assert Message.objects.get(kind="edition_warning").to_email == maya.email
        assert Notification.objects.filter(user=maya, kind="edition.warning").count() == 1

    def test_it_misses_its_slot_and_can_still_be_sent_by_hand(self, maya: User) -> None:
        make_advocate("Ines")
        open_opportunity("Webinar")
        actions.draft(SLOT, at=DRAFTED)
        jobs.send_editions(at=MORNING)
        assert queued() == []
        late = datetime(2026, 3, 18, 13, tzinfo=UTC)
        jobs.warn_about_unapproved_editions(at=late)
        edition = Edition.objects.get()
        assert edition.status == Edition.Status.MISSED
        actions.approve(edition, by=maya, at=late)
        jobs.send_editions(at=late)
        assert [message.due_at for message in queued()] == [late]

    def test_an_approval_that_comes_in_the_last_moment_counts(self, maya: User) -> None:
        open_opportunity("Webinar")
        edition = actions.draft(SLOT, at=DRAFTED)
        read_before = Edition.objects.get()
        actions.approve(edition, by=maya, at=EVE)
        assert actions.miss(read_before, at=EVE).status == Edition.Status.APPROVED

    @pytest.mark.parametrize("approved_late", [False, True])
    def test_what_could_not_go_on_its_day_waits_for_a_new_yes(self, maya: User, approved_late: bool) -> None:
        make_advocate("Ines")
        open_opportunity("Webinar")
        approved(maya, at=MORNING + timedelta(days=3) if approved_late else EVE)
        much_later = MORNING + timedelta(days=12)
        jobs.send_editions(at=much_later)  # nothing ran for twelve days
        assert (Edition.objects.get().status, queued()) == (Edition.Status.MISSED, [])
        assert "Approve it again" in Notification.objects.get(user=maya, kind="edition.missed").text
        actions.approve(Edition.objects.get(), by=maya, at=much_later)
        jobs.send_editions(at=much_later)
        assert len(queued()) == 1

    @pytest.mark.parametrize("approved_before", [False, True])
    def test_months_later_it_is_history(self, client: Client, maya: User, approved_before: bool) -> None:
        open_opportunity("Webinar")
        edition = approved(maya, at=EVE) if approved_before else actions.draft(SLOT, at=DRAFTED)
        months_later = MORNING + timedelta(days=60)
        jobs.send_editions(at=months_later)
        jobs.warn_about_unapproved_editions(at=months_later)
        assert "Approve it" not in Notification.objects.get(user=maya, kind="edition.missed").text
        edition.refresh_from_db()
        with pytest.raises(Refused, match="Draft a new one"):
            actions.approve(edition, by=maya, at=months_later)
        client.force_login(maya)
        with time_machine.travel(months_later, tick=False):
            assert "Editions waiting for you" not in client.get("/", follow=True).content.decode()
            desk = client.get(reverse("newsletter:edit", args=[edition.public_id])).content.decode()
            listed = client.get(reverse("newsletter:editions")).content.decode()
        assert "Approve and send now" not in desk
        assert "missed its day" in listed

    def test_only_what_the_editor_has_read_is_approved(self, client: Client, maya: User) -> None:
        open_opportunity("Webinar")
        edition = actions.draft(SLOT, at=DRAFTED)
        client.force_login(maya)
        desk, decide = (reverse(f"newsletter:{name}", args=[edition.public_id, *more]) for name, *more in (
            ("edit",), ("decide", "approve"),
        ))  # fmt: skip

        def seen() -> str:
            return re.findall(r'name="seen" value="(\w+)"', client.get(desk).content.decode())[0]

        before = seen()
        for change in (
            lambda: actions.change(edition, subject="Other words"),
            lambda: actions.put_item(
                edition, edition.items.get(), section="opportunities", title="X", text="", link=""
            ),
        ):
            change()
            answer = client.post(decide, {"seen": before}, follow=True)
            assert "changed since you opened" in answer.content.decode()
            assert Edition.objects.get().status == Edition.Status.DRAFT
            before = seen()
        client.post(decide, {"seen": before})
        assert Edition.objects.get().status == Edition.Status.APPROVED

    def test_approving_an_empty_one_is_refused(self, maya: User) -> None:
        with pytest.raises(Refused, match="nothing in it"):
            actions.approve(actions.draft(SLOT, at=DRAFTED), by=maya, at=EVE)

    def test_what_is_approved_is_not_changed_any_more(self, maya: User) -> None:
        open_opportunity("Webinar")
        edition = approved(maya)
        with pytest.raises(Refused, match="approved"):
            actions.change(edition, subject="Other words")
        with pytest.raises(Refused, match="approved"):
            actions.drop(edition.items.get(), True)
        actions.unapprove(edition)
        actions.change(edition, subject="Other words")


class TestEachReaderOnce:
    def test_at_nine_on_their_own_clock(self, maya: User) -> None:
        open_opportunity("Webinar")
        berlin, tokyo = make_advocate("Ines"), make_advocate("Mei")
        tokyo.contact.time_zone = "Asia/Tokyo"
        tokyo.contact.save()
        approved(maya)
        jobs.send_editions(at=datetime(2026, 3, 16, 17, tzinfo=UTC))
        assert queued() == [], "nobody's morning is near"
        jobs.send_editions(at=datetime(2026, 3, 16, 18, 1, tzinfo=UTC))
        assert {message.contact_id: message.due_at for message in queued()} == {
            berlin.contact_id: datetime(2026, 3, 17, 8, tzinfo=UTC),
            tokyo.contact_id: datetime(2026, 3, 17, 0, tzinfo=UTC),
        }

    def test_however_often_and_wherever_the_clock_strikes(self, maya: User) -> None:
        open_opportunity("Webinar")
        for name in ("Ines", "Omar", "Mei"):
            make_advocate(name)
        edition = approved(maya)
        for _n in range(3):
            jobs.send_editions(at=MORNING)
        Edition.objects.filter(pk=edition.pk).update(queued_up_to=0)  # a clock that believes it has done nothing
        jobs.send_editions(at=MORNING)
        assert len(queued()) == 3

    def test_only_members_who_want_it_and_can_be_reached(self, maya: User) -> None:
        open_opportunity("Webinar")
        ines, omar, mei = make_advocate("Ines"), make_advocate("Omar"), make_advocate("Mei")
        make_advocate("Invited", status=Advocate.Status.INVITED)
        consent.withdraw(omar.contact, Purpose.NEWSLETTER, at=EVE, source="profile")
        Suppression.objects.create(email=mei.contact.email, reason="bounced")
        approved(maya)
        jobs.send_editions(at=MORNING)
        assert [message.contact for message in queued()] == [ines.contact]
        assert queued()[0].purpose == Purpose.NEWSLETTER

    def test_one_mailbox_has_one_copy_whoever_reads_it(self, maya: User) -> None:
        open_opportunity("Webinar")
        ines = make_advocate("Ines")
        make_advocate("Ines", contact=make_contact("Ines", email=ines.contact.email.upper()), user=False)
        edition = approved(maya)
        assert actions.number_of_readers(at=MORNING) == 1
        jobs.send_editions(at=MORNING)
        Edition.objects.filter(pk=edition.pk).update(queued_up_to=0)
        jobs.send_editions(at=MORNING)
        assert [message.contact for message in queued()] == [ines.contact]
        assert Edition.objects.get().readers == 1

    def test_page_after_page_nobody_is_left_out_and_nobody_is_read_twice(
        self, maya: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        open_opportunity("Webinar")
        people = [make_advocate("Ines", consents=[Purpose.NEWSLETTER] if number % 3 else []) for number in range(11)]
        Advocate.objects.filter(pk=people[4].pk).update(status="left")
        edition = approved(maya)
        actions.begin(edition, at=MORNING)
        monkeypatch.setattr(actions, "READERS_AT_ONCE", 2)
        while actions.queue_some(edition, at=MORNING):
            pass
        wanted = {one.contact_id for number, one in enumerate(people) if number % 3 and number != 4}
        assert sorted(message.contact_id for message in queued()) == sorted(wanted)
        assert Edition.objects.get().readers == len(wanted)

    def test_a_name_longer_than_an_address_line_stops_nobody(self, maya: User) -> None:
        open_opportunity("Webinar")
        ines = make_advocate("Ines")
        Contact.objects.filter(pk=ines.contact_id).update(given_name="I" * 100, family_name="B" * 100)
        approved(maya)
        jobs.send_editions(at=MORNING)
        assert queued()[0].to_name.startswith("II")

    def test_who_left_and_said_yes_again_is_a_reader_again(self) -> None:
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        Suppression.objects.create(email=ines.contact.email, kind="newsletter", reason="unsubscribed", at=DRAFTED)
        Suppression.objects.create(email=omar.contact.email.upper(), kind="*", reason="bounced", at=DRAFTED)
        assert not actions.readers(at=MORNING).exists()
        for advocate in (ines, omar):
            consent.grant(advocate.contact, Purpose.NEWSLETTER, wording="Yes.", at=EVE, source="test")
        assert list(actions.readers(at=MORNING)) == [ines.contact]

    def test_pause_holds_resume_goes_on_and_stop_ends_it(self, maya: User) -> None:
        open_opportunity("Webinar")
        make_advocate("Ines")
        edition = approved(maya)
        jobs.send_editions(at=MORNING)
        actions.pause(edition)
        actions.resume(edition)
        actions.stop(edition, at=MORNING)
        assert queued()[0].status == Message.Status.CANCELLED
        with pytest.raises(Refused):
            actions.resume(edition)

    def test_it_is_sent_when_the_last_message_has_come_to_an_end(self, maya: User) -> None:
        open_opportunity("Webinar")
        make_advocate("Ines")
        approved(maya)
        jobs.send_editions(at=MORNING)
        assert Edition.objects.get().status == Edition.Status.SENDING
        Message.objects.filter(kind="newsletter").update(status="sent", sent_at=MORNING)
        jobs.send_editions(at=MORNING)
        assert Edition.objects.get().status == Edition.Status.SENT


class TestThePersonalPart:
    def setup_board(self) -> None:
        for number in range(8):
            open_opportunity(f"For all {number}")
        open_opportunity("For Asia", audience={"all": ["region:asia pacific"]})
        open_opportunity("Never for the tired", kind=make_kind("podcast"))
        open_opportunity("Speaking", kind=make_kind("speaking", purpose=Purpose.SPEAKING))
        open_opportunity("Full", seats=1)

    def test_is_exactly_what_the_board_would_show(self, maya: User) -> None:
        self.setup_board()
        ines = make_advocate("Ines", never=["podcast"])
        omar = make_advocate("Omar", make_account(region="Asia Pacific"))
        shy = make_advocate("Mei", consents=[Purpose.NEWSLETTER])
        resting = make_advocate("Resting", make_account(readiness="paused"))
        Claim.objects.create(opportunity=Opportunity.objects.get(title="Full"), advocate=omar, claimed_at=DRAFTED)
        Claim.objects.create(opportunity=Opportunity.objects.get(title="For all 1"), advocate=ines, claimed_at=DRAFTED)
        edition = actions.draft(SLOT, at=DRAFTED)
        offers = personal.open_among(edition.items.values_list("opportunity", flat=True), at=MORNING)
        everybody = personal.readers([one.contact_id for one in (ines, omar, shy, resting)], at=MORNING)
        found = personal.open_to_each(list(everybody.values()), offers, edition=edition.pk, most=99, at=MORNING)
        for advocate in (ines, omar, shy, resting):
            expected = set(board.open_to(advocate, at=MORNING).values_list("title", flat=True))
            assert {one.title for one in found[advocate.pk]} == expected, advocate
        assert "For Asia" in {one.title for one in found[omar.pk]}
        assert found[resting.pk] == []

    def test_each_reader_has_an_order_of_their_own_that_stays(self) -> None:
        self.setup_board()
        offers = list(Opportunity.objects.all())
        first = personal.shuffled(offers, reader=1, edition=1)
        assert personal.shuffled(reversed(offers), reader=1, edition=1) == first
        others = [personal.shuffled(offers, reader=1, edition=number) for number in range(2, 12)]
        assert any(other != first for other in others)

    def test_the_mail_shows_it_with_a_way_out_and_a_kind_word_where_there_is_nothing(self, maya: User) -> None:
        self.setup_board()
        make_advocate("Ines")
        make_advocate("Omar", make_account(readiness="paused"))
        approved(maya)
        with time_machine.travel(MORNING, tick=False):
            jobs.send_editions(at=MORNING)
            mail, quiet = (mails.render_editions(queued())[message.pk] for message in queued())
        assert not isinstance(mail, Exception), mail
        assert not isinstance(quiet, Exception), quiet
        assert "Hello Ines," in mail.html
        # Which of the ten open to her are shown is drawn anew for each reader and edition.
        assert len(set(re.findall(r"For all \d|Speaking|Full", mail.html))) >= 3
        assert "For Asia" not in mail.html
        assert "/mail/unsubscribe/" in mail.html
        assert "/mail/unsubscribe/" in mail.text
        assert "Nothing on the board is waiting" not in mail.html
        assert "Nothing on the board is waiting" in quiet.html
        assert "Nothing on the board is waiting" in quiet.text
        for rendered in (mail, quiet):
            assert "@@" not in rendered.html + rendered.text
            assert "offer:" not in rendered.html
            assert ".invalid" not in rendered.html + rendered.text

    def test_by_setting_it_does_not_go_to_whom_nothing_is_open(self, maya: User) -> None:
        house = actions.settings_row()
        house.send_without_opportunities = False
        house.save()
        self.setup_board()
        ines = make_advocate("Ines")
        make_advocate("Omar", make_account(readiness="paused"))
        approved(maya)
        jobs.send_editions(at=MORNING)
        out = KeepingTransport()
        with time_machine.travel(MORNING, tick=False):
            Sender(out=out, clock=lambda: MORNING).run()
        assert out.receivers == [ines.contact.email]
        quiet = Message.objects.get(kind="newsletter", status="suppressed")
        assert "Nothing is open to this reader" in quiet.result

    def test_what_was_closed_since_is_in_no_version_of_it(self, client: Client, maya: User) -> None:
        ines = make_advocate("Ines")
        space = Space.objects.create(slug="rollouts", name="Rollouts")
        open_opportunity("Webinar")
        community_actions.start_topic(ines.user, space, title="Thirty-eight sites", body="Not for all.", at=DRAFTED)
        edition = approved(maya)
        jobs.send_editions(at=MORNING)
        client.force_login(ines.user)
        web = reverse("newsletter:edition", args=[edition.public_id])
        assert "Thirty-eight sites" in client.get(web).content.decode()
        Space.objects.update(is_open=False)
        mail = mails.render_editions(queued())[queued()[0].pk]
        assert not isinstance(mail, Exception)
        for words in (mail.html, mail.text, client.get(web).content.decode()):
            assert "Thirty-eight sites" not in words
            assert "Not for all." not in words

    def test_no_word_of_an_edition_is_taken_for_a_mark(self, maya: User) -> None:
        self.setup_board()
        edition = actions.draft(SLOT, at=DRAFTED)
        words = "Use @@offers@@ and @@/offers@@, @@nothing@@ or @@greeting@@."
        actions.change(edition, intro=words)
        mail = mails.preview(Edition.objects.get(), None, at=MORNING)
        assert words in mail.text
        assert mail.text.count("OPEN TO YOU NOW") == 1

    def test_a_batch_costs_the_same_for_two_readers_as_for_fifty(self, maya: User, queries_of: Any) -> None:
        self.setup_board()
        for number in range(50):
            make_advocate(f"Reader{number}", user=False)
        approved(maya)
        jobs.send_editions(at=MORNING)
        rows = queued()
        mails.render_editions(rows[:1])
        assert queries_of(partial(mails.render_editions, rows)) == queries_of(partial(mails.render_editions, rows[:2]))

    def test_the_web_version_opens_by_its_link_and_only_shows(self, client: Client, maya: User) -> None:
        self.setup_board()
        make_advocate("Ines")
        approved(maya)
        with time_machine.travel(MORNING, tick=False):
            jobs.send_editions(at=MORNING)
            address = urlsplit(mails.web_url(queued()[0])).path
            page = client.get(address)
            assert page.status_code == 200
            assert "For all" in page.content.decode()
            assert "For Asia" not in page.content.decode()
            assert client.get(address[:-4] + "xxx/").status_code == 404


class TestTheEditorsDesk:
    def test_reorders_leaves_out_takes_back_and_previews_as_somebody(self, client: Client, maya: User) -> None:
        one, two = open_opportunity("One"), open_opportunity("Two")
        ines = make_advocate("Ines")
        edition = actions.draft(SLOT, at=DRAFTED)
        client.force_login(maya)
        first, second = edition.items.order_by("order")
        client.post(reverse("newsletter:arrange", args=[edition.public_id, second.pk, "up"]))
        assert list(edition.items.order_by("order")) == [second, first]
        client.post(reverse("newsletter:arrange", args=[edition.public_id, first.pk, "drop"]))
        assert EditionItem.objects.get(pk=first.pk).dropped
        client.post(reverse("newsletter:arrange", args=[edition.public_id, first.pk, "back"]))
        assert not EditionItem.objects.get(pk=first.pk).dropped
        desk = client.get(reverse("newsletter:edit", args=[edition.public_id]) + "?reader=ines").content.decode()
        assert str(ines.contact) in desk
        frame = client.get(reverse("newsletter:preview", args=[edition.public_id]) + f"?as={ines.contact_id}")
        assert "Hello Ines," in frame.content.decode()
        assert "default-src 'none'" in frame["Content-Security-Policy"]
        assert "unsafe" not in frame["Content-Security-Policy"]
        assert not re.search(r"<style|\sstyle=|<script", frame.content.decode())
        assert {one.title, two.title} == {"One", "Two"}

    def test_keeps_what_was_typed_and_says_what_is_wrong(self, client: Client, maya: User) -> None:
        edition = actions.draft(SLOT, at=DRAFTED)
        client.force_login(maya)
        answer = client.post(
            reverse("newsletter:new_item", args=[edition.public_id]),
            {"section": "news", "title": "Kept title", "text": "", "link": "https://elsewhere.test"},
        )
        assert answer.status_code == 422
        assert "Kept title" in answer.content.decode()
        assert "own pages" in answer.content.decode()

    def test_keeps_words_that_came_after_the_approval(self, client: Client, maya: User) -> None:
        open_opportunity("Webinar")
        edition = approved(maya)
        client.force_login(maya)
        answer = client.post(
            reverse("newsletter:edit", args=[edition.public_id]),
            {"subject": "My subject", "intro": "My opening words", "hour": 9, "preheader": ""},
        )
        assert answer.status_code == 409
        for words in ("My subject", "My opening words", "Take the approval back to change it."):
            assert words in answer.content.decode()

    @pytest.mark.parametrize("link", ["/\t/evil.test", "//evil.test", "/\\evil.test", "/a b/", "https://evil.test"])
    def test_links_stay_inside_the_portal(self, link: str) -> None:
        form = ItemForm({"section": "news", "title": "T", "text": "", "link": link})
        assert "link" in form.errors
        assert not ItemForm({"section": "news", "title": "T", "text": "", "link": "/community/"}).errors

    @pytest.mark.parametrize(
        "wrong",
        [{"weeks": '["first"]'}, {"weeks": "3"}, {"weeks": "[0]"}, {"weeks": "[]"}, {"weekday": 7}, {"hour": 24},
         {"draft_days_before": 5000}, {"most_opportunities": 0}],
    )  # fmt: skip
    def test_a_schedule_that_cannot_be_is_refused_with_a_word(self, client: Client, wrong: dict[str, Any]) -> None:
        actions.settings_row()
        client.force_login(make_user("Ada", Role.ADMINISTRATOR))
        fields = {"weekday": 1, "weeks": "[1, 3]", "hour": 9, "draft_days_before": 3, "most_opportunities": 5}
        answer = client.post(reverse("admin:newsletter_editionschedule_change", args=[1]), {**fields, **wrong})
        assert answer.status_code == 200
        assert next(iter(wrong)) in answer.context["adminform"].form.errors
        client.post(reverse("admin:newsletter_editionschedule_change", args=[1]), {**fields, "weeks": "[4, 2]"})
        assert actions.settings_row().weeks == [2, 4]

    def test_an_edition_centuries_ahead_is_refused(self, client: Client, maya: User) -> None:
        client.force_login(maya)
        answer = client.post(reverse("newsletter:editions"), {"slot": "9999-12-31"})
        assert answer.status_code == 422
        assert "too far off" in answer.content.decode()

    def test_is_not_for_members(self, client: Client) -> None:
        edition = actions.draft(SLOT, at=DRAFTED)
        client.force_login(make_advocate("Ines").user)
        assert client.get(reverse("newsletter:edit", args=[edition.public_id])).status_code == 403
        assert client.get(reverse("newsletter:edition", args=[edition.public_id])).status_code == 404

    def test_sends_a_test_to_the_editor_only(self, client: Client, maya: User) -> None:
        make_advocate("Ines")
        open_opportunity("One")
        edition = actions.draft(SLOT, at=DRAFTED)
        client.force_login(maya)
        client.post(reverse("newsletter:decide", args=[edition.public_id, "test"]))
        assert [message.to_email for message in Message.objects.filter(kind="newsletter_test")] == [maya.email]

    def test_a_test_without_a_reader_is_what_the_preview_shows(self, maya: User) -> None:
        one = open_opportunity("One")
        edition = actions.draft(SLOT, at=DRAFTED)
        with time_machine.travel(DRAFTED, tick=False):
            actions.send_test(edition, to=maya, as_contact=None, at=DRAFTED)
            message = Message.objects.get(kind="newsletter_test")
            mail, shown = mails.render_editions([message])[message.pk], mails.preview(edition, None, at=DRAFTED)
        assert not isinstance(mail, Exception)
        assert str(one.public_id) in mail.html
        assert [line for line in mail.text.splitlines() if "http" not in line] == [
            line for line in shown.text.splitlines() if "http" not in line
        ]
