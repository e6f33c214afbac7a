"""P11: what is written between us reaches the timeline, and advocates ask for something themselves."""

import io
import sys
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from anymail.inbound import AnymailInboundMessage
from django.core.management import call_command
from django.test import Client

from advocacy.crm.models import Activity
from advocacy.delivery import mime, outbox
from advocacy.delivery.inbound import reply_address, take
from advocacy.delivery.models import Message, Notification
from advocacy.delivery.rendering import Rendered
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates import timeline
from advocates.actions import care, letters
from advocates.actions import wishes as wishing
from advocates.models import Advocate, Letter, Task, Wish
from tests.factories import NOON, make_account, make_advocate, make_contact, make_pod, make_user

pytestmark = pytest.mark.django_db

DOMAIN = "in.portal.test"


@pytest.fixture(autouse=True)
def noon(settings: Any) -> Any:
    settings.INBOUND_DOMAIN = DOMAIN
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def ines(rita: User) -> Advocate:
    return make_advocate("Ines Barbosa", make_account("Kestrel Foods"), pod=make_pod(rita), user=make_user("Ines"))


def mail(sender: str, to: str, text: str = "Happy to.", subject: str = "Re: Your call", **headers: str) -> Any:
    made = EmailMessage(policy=SMTP)
    made["From"], made["To"], made["Subject"] = sender, to, subject
    made["Message-ID"] = headers.pop("Message_ID", "<1@customer.example>")
    made["Date"] = headers.pop("Date", "Tue, 10 Mar 2026 11:30:00 +0000")
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(text)
    return AnymailInboundMessage.parse_raw_mime_bytes(made.as_bytes())


def owed(ines: Advocate, by: User) -> Message:
    message = outbox.owe(
        "thanks", to=ines.contact, template="advocates/thanks", dedupe_key="1", at=NOON, reply_to=by.email,
        params={"text": "Thank you!", "by": str(by), "title": ""},
    )  # fmt: skip
    assert message is not None
    return message


class TestReplies:
    def test_mail_to_an_advocate_asks_for_the_reply_at_an_address_of_its_own(
        self, ines: Advocate, rita: User, settings: Any
    ) -> None:
        message = owed(ines, rita)
        program: Any = SimpleNamespace(sender_email="", sender_name="", name="Fieldnotes")
        built = mime.build(message, Rendered("s", "t", "h"), program=program, at=NOON)
        assert built.headers["Reply-To"] == f"reply+{message.public_id.hex}@{DOMAIN}"
        settings.INBOUND_DOMAIN = ""
        built = mime.build(message, Rendered("s", "t", "h"), program=program, at=NOON)
        assert built.headers["Reply-To"] == rita.email

    def test_a_reply_is_on_the_timeline_and_waits_on_today_for_whoever_wrote(self, ines: Advocate, rita: User) -> None:
        olga = make_user("Olga Weiss", Role.LEAD)
        take(mail("ines@private.example", reply_address(owed(ines, olga))), at=NOON)
        letter = Letter.objects.get()
        assert (letter.contact, letter.from_them, letter.source) == (ines.contact, True, "reply")
        assert (letter.text, letter.at) == ("Happy to.", NOON - timedelta(minutes=30))
        (line,) = timeline.lines(list(timeline.of_advocate(ines, kind="letters")), about=ines, reader=rita)
        assert (line["text"], line["about"].url) == ("wrote to us", f"/letters/{letter.public_id}/")
        task = Task.objects.get(kind=Task.Kind.REPLY)
        assert (task.assignee, task.advocate, task.due_at) == (olga, ines, NOON)
        told = Message.objects.get(kind="letter")
        assert (told.to_email, told.reply_to) == (olga.email, ines.contact.email)

    def test_the_same_mail_twice_is_kept_once(self, ines: Advocate, rita: User) -> None:
        address = reply_address(owed(ines, rita))
        take(mail("ines@private.example", address), at=NOON)
        take(mail("ines@private.example", address), at=NOON + timedelta(minutes=1))
        assert (Letter.objects.count(), Task.objects.count(), Message.objects.filter(kind="letter").count()) == (
            1,
            1,
            1,
        )

    @pytest.mark.parametrize(
        "sign", [{"Auto_Submitted": "auto-replied"}, {"X_Autoreply": "yes"}, {"Precedence": "bulk"}]
    )
    def test_an_out_of_office_is_kept_but_waits_for_nobody(
        self, ines: Advocate, rita: User, sign: dict[str, str]
    ) -> None:
        take(mail("ines@private.example", reply_address(owed(ines, rita)), **sign), at=NOON)
        assert Letter.objects.get().automatic
        assert not Task.objects.exists()
        assert not Activity.objects.filter(deed="wrote").exists()

    def test_bounces_are_no_letters(self, ines: Advocate, rita: User) -> None:
        address = reply_address(owed(ines, rita))
        assert take(mail("MAILER-DAEMON@mx.example", address), at=NOON) is None
        assert take(mail("x@mx.example", address, Return_Path="<>"), at=NOON) is None
        assert not Letter.objects.exists()

    def test_a_forged_or_foreign_reply_address_reaches_nobody(self, ines: Advocate, rita: User) -> None:
        owed(ines, rita)
        take(mail("eve@evil.example", f"reply+{'0' * 32}@{DOMAIN}"), at=NOON)
        take(mail("eve@evil.example", reply_address(Message.objects.get()).replace(DOMAIN, "evil.example")), at=NOON)
        assert not Letter.objects.exists()

    def test_only_html_becomes_plain_text_and_attachments_are_counted(self, ines: Advocate, rita: User) -> None:
        made = EmailMessage(policy=SMTP)
        made["From"], made["To"] = "ines@private.example", reply_address(owed(ines, rita))
        made.set_content(
            "<style>p{color:red}</style><p>Yes &amp; no.</p><script>alert(1)</script><p>Ines</p>", subtype="html"
        )
        made.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="deck.pdf")
        take(AnymailInboundMessage.parse_raw_mime_bytes(made.as_bytes()), at=NOON)
        letter = Letter.objects.get()
        assert letter.text.split() == ["Yes", "&", "no.", "Ines"]
        assert letter.left_out == 1

    def test_a_date_nobody_can_believe_is_the_time_it_came(self, ines: Advocate, rita: User) -> None:
        for number, said in enumerate(["Fri, 01 Jan 1990 00:00:00 +0000", "Fri, 01 Jan 2100 00:00:00 +0000", "soon"]):
            address = reply_address(owed(ines, rita))
            take(mail("ines@x.example", address, Date=said, Message_ID=f"<{number}@x>"), at=NOON)
        assert set(Letter.objects.values_list("at", flat=True)) == {NOON}


class TestMailThatIsNoReply:
    KEEP = f"keep@{DOMAIN}"

    def test_somebody_we_know_writes_to_us(self, ines: Advocate, rita: User) -> None:
        take(mail(ines.contact.email.upper(), f"hello@{DOMAIN}"), at=NOON)
        assert Letter.objects.get().source == "mail"
        assert Task.objects.get().assignee == rita

    def test_a_colleague_copies_us_and_what_waited_for_an_answer_is_done(self, ines: Advocate, rita: User) -> None:
        take(mail(ines.contact.email, f"hello@{DOMAIN}"), at=NOON)
        copied = mail(rita.email, ines.contact.email, Cc=self.KEEP, Message_ID="<2@company>")
        take(copied, at=NOON)
        letter = Letter.objects.get(source="copied")
        assert (letter.from_them, letter.colleague) == (False, rita)
        assert Task.objects.get().done_by == rita

    def test_a_colleague_forwards_what_somebody_wrote(self, ines: Advocate, rita: User) -> None:
        text = f"See below\n\n---- Forwarded ----\nFrom: Ines Barbosa <{ines.contact.email}>\nTo: Rita\n\nIt works!"
        take(mail(rita.email, self.KEEP, text), at=NOON)
        letter = Letter.objects.get()
        assert (letter.source, letter.from_them, letter.contact) == ("forwarded", True, ines.contact)
        assert Task.objects.get().assignee == rita

    def test_an_advocate_cannot_forward_in_somebodys_name(self, ines: Advocate) -> None:
        omar = make_contact("Omar Haddad", ines.contact.account)
        take(mail(ines.user.email if ines.user else "", self.KEEP, f"From: <{omar.email}>\n\nI love it"), at=NOON)
        assert not Letter.objects.filter(contact=omar).exists()

    def test_nobody_we_know_leaves_nothing(self, ines: Advocate, rita: User) -> None:
        take(mail("spam@spam.example", self.KEEP, "Buy!"), at=NOON)
        take(mail(rita.email, self.KEEP, "A note to nobody."), at=NOON)
        assert not Letter.objects.exists()

    def test_the_pipe_of_a_mail_server_brings_the_same(
        self, ines: Advocate, rita: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        raw = mail("ines@private.example", reply_address(owed(ines, rita))).as_bytes()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(raw)))
        call_command("receive", stdout=io.StringIO())
        assert Letter.objects.get().contact == ines.contact


class TestWrittenInThePortal:
    def test_a_note_to_the_manager_is_on_the_timeline_too(self, ines: Advocate, rita: User) -> None:
        assert letters.write_to_manager(ines, text="Who has ten sites?", at=NOON) == rita
        assert Letter.objects.get().source == "portal"
        assert (Task.objects.get().kind, Message.objects.get().kind) == ("reply", "note")

    def test_a_done_answer_is_a_touch(self, ines: Advocate, rita: User) -> None:
        letters.write_to_manager(ines, text="Who has ten sites?", at=NOON)
        care.do_task(Task.objects.get(), by=rita, at=NOON)
        assert timeline.balance(ines, at=NOON).touches == 1

    def test_by_hand_once_for_each_form_and_ours_may_be_a_touch(self, ines: Advocate, rita: User) -> None:
        for _twice in range(2):
            letters.write_down(
                ines, from_them=False, text="Wished her luck.", subject="", day=NOON.date(), asked_for_nothing=True,
                key="k", at=NOON, by=rita,
            )  # fmt: skip
        assert Letter.objects.count() == 1
        assert timeline.balance(ines, at=NOON).touches == 1

    def test_not_of_days_to_come(self, client: Client, ines: Advocate, rita: User) -> None:
        client.force_login(rita)
        said = {"who": "them", "day": "2026-03-11", "text": "Called about the fair.", "key": "0" * 32}
        told = client.post(f"/advocates/{ines.public_id}/write-down/", said)
        assert told.status_code == 422
        assert "That day has not come yet" in told.content.decode()
        assert "Called about the fair." in told.content.decode()
        assert not Letter.objects.exists()

    def test_only_who_wrote_it_down_takes_it_back(self, client: Client, ines: Advocate, rita: User) -> None:
        client.force_login(rita)
        said = {"who": "them", "day": "2026-03-10", "text": "Not hers at all.", "key": "0" * 32}
        client.post(f"/advocates/{ines.public_id}/write-down/", said)
        letter = Letter.objects.get()
        with pytest.raises(Refused):
            letters.take_back(letter, by=make_user("Olga Weiss", Role.LEAD))
        client.post(f"/letters/{letter.public_id}/take-back/")
        assert "Not hers at all." not in client.get(f"/letters/{letter.public_id}/").content.decode()

    def test_a_letter_is_read_by_those_who_look_after_people(self, client: Client, ines: Advocate, rita: User) -> None:
        take(mail("other@private.example", reply_address(owed(ines, rita)), "Yes.\n> You wrote:\n> come?"), at=NOON)
        address = f"/letters/{Letter.objects.get().public_id}/"
        client.force_login(rita)
        page = client.get(address).content.decode()
        assert "It came from other@private.example" in page
        assert "What it answers" in page
        client.force_login(make_user("Mo Danso", Role.MODERATOR))
        assert "other@private.example" not in client.get(address).content.decode()
        client.force_login(make_user("Sam Patel", Role.REQUESTER))
        assert client.get(address).status_code == 403


class TestWishes:
    def test_a_wish_has_an_owner_a_day_and_a_task(self, client: Client, ines: Advocate, rita: User) -> None:
        client.force_login(ines.user)  # type: ignore[arg-type]
        told = client.post("/wish/", {"kind": "meet", "text": "Somebody with ten sites."}, follow=True)
        assert "Rita Morgan takes care of it" in told.content.decode()
        wish = Wish.objects.get()
        assert (wish.owner, wish.due_on) == (rita, NOON.date() + timedelta(days=14))
        task = Task.objects.get()
        assert (task.kind, task.assignee) == ("wish", rita)
        assert "Somebody with ten sites." in client.get("/").content.decode()

    def test_a_double_click_is_one_wish_and_five_are_enough(self, ines: Advocate, rita: User) -> None:
        first = wishing.wish(ines, kind="help", text="Wish 0", at=NOON)
        assert wishing.wish(ines, kind="help", text="Wish 0", at=NOON) == first
        for number in range(1, 5):
            wishing.wish(ines, kind="help", text=f"Wish {number}", at=NOON)
        with pytest.raises(Refused, match="5 wishes"):
            wishing.wish(ines, kind="help", text="One more", at=NOON)

    def test_the_answer_reaches_them_closes_the_task_and_is_a_touch(
        self, client: Client, ines: Advocate, rita: User
    ) -> None:
        wish = wishing.wish(ines, kind="meet", text="Somebody with ten sites.", at=NOON)
        client.force_login(rita)
        assert f"/wishes/{wish.public_id}/" in client.get("/today/").content.decode()
        empty = client.post(f"/wishes/{wish.public_id}/", {"answer": "done", "outcome": ""})
        assert empty.status_code == 422
        client.post(f"/wishes/{wish.public_id}/", {"answer": "done", "outcome": "Omar would love to talk."})
        wish.refresh_from_db()
        assert (wish.status, wish.outcome, wish.answered_by) == ("done", "Omar would love to talk.", rita)
        assert Task.objects.get().done_by == rita
        assert Message.objects.get(kind="wish_answered").to_email == ines.contact.email
        assert Notification.objects.filter(user=ines.user, kind="wish_answered").exists()
        assert timeline.balance(ines, at=NOON).touches == 1

    def test_a_wish_is_handed_on_with_its_task_and_taken_up_again(self, ines: Advocate, rita: User) -> None:
        wish, olga = wishing.wish(ines, kind="help", text="A test system.", at=NOON), make_user("Olga", Role.LEAD)
        with pytest.raises(Refused, match="from today on"):
            wishing.hand_on(wish, owner=olga, due_on=NOON.date() - timedelta(days=1), at=NOON)
        wishing.hand_on(wish, owner=olga, due_on=NOON.date() + timedelta(days=3), at=NOON)
        assert Task.objects.get().assignee == olga
        wish.refresh_from_db()
        wishing.answer(wish, done=False, outcome="Not this year.", at=NOON, by=olga)
        wish.refresh_from_db()
        wishing.reopen(wish, at=NOON)
        task = Task.objects.get()
        assert (task.assignee, task.done_at) == (olga, None)

    def test_nobody_answers_twice(self, ines: Advocate, rita: User) -> None:
        wish = wishing.wish(ines, kind="help", text="A test system.", at=NOON)
        wishing.answer(wish, done=True, outcome="It is yours.", at=NOON, by=rita)
        with pytest.raises(Refused, match="answered already"):
            wishing.answer(wish, done=True, outcome="Again.", at=NOON, by=rita)
        assert Message.objects.filter(kind="wish_answered").count() == 1

    def test_they_may_take_it_back_and_others_may_not(self, client: Client, ines: Advocate, rita: User) -> None:
        wish = wishing.wish(ines, kind="help", text="A test system.", at=NOON)
        omar = make_advocate("Omar Haddad", user=make_user("Omar"))
        client.force_login(omar.user)  # type: ignore[arg-type]
        assert client.post(f"/wish/{wish.public_id}/withdraw/").status_code == 404
        client.force_login(ines.user)  # type: ignore[arg-type]
        client.post(f"/wish/{wish.public_id}/withdraw/")
        wish.refresh_from_db()
        assert wish.status == "withdrawn"
        assert Task.objects.get().done_at is not None

    def test_the_list_goes_along_as_a_file(self, client: Client, ines: Advocate, rita: User) -> None:
        wishing.wish(ines, kind="help", text="=A test system.", at=NOON)
        client.force_login(rita)
        answer: Any = client.get("/wishes/", {"as": "csv", "show": "open"})
        text = b"".join(answer.streaming_content).decode()
        assert "Ines Barbosa" in text
        assert "'=A test system." in text
