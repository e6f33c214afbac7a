"""From a mail or the public page to the home page (P6, P7, P8, P9, P14)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import consent
from advocacy.crm.models import Activity, ConsentEntry, Contact, Program, RecordedBasis
from advocacy.delivery.models import Message, Suppression
from advocacy.lib import signed
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates import invitations, types
from advocates.actions import invitations as inviting
from advocates.actions import invite, joining, lifecycle
from advocates.actions.joining import Details
from advocates.models import Advocate, Application, Invitation, InvitationTemplate, Task
from tests.factories import NOON, make_account, make_advocate, make_contact, make_pod, make_signal, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def words() -> Iterator[None]:
    InvitationTemplate.objects.get_or_create(
        region="",
        language="en",
        defaults={"subject": "Join {program}", "body": "Hello {given_name}", "basis": "Interest"},
    )
    yield


@pytest.fixture
def mei() -> Invitation:
    """Mei, invited by Rita just now."""
    rita = make_user("Rita Morgan", Role.MANAGER)
    make_pod(rita, "Pod Europe")
    contact = make_contact("Mei Lin", make_account("Acorn"), title="Planner")
    return invite(contact, at=timezone.now(), by=rita)


def address(invitation: Invitation, name: str = "invitation") -> str:
    return reverse(f"advocates:{name}", args=[signed.sign("invitation", str(invitation.public_id))])


YES: dict[str, str] = {
    "given_name": "Mei",
    "family_name": "Lin",
    "title": "Head of planning",
    "take_part": "teach",
    "thanked": "note",
}


class TestTheWordsOfAnInvitation:
    def test_a_merge_field_nobody_knows_is_refused_when_saved(self) -> None:
        invitations.check_merge_fields("Dear {given_name} at {account}, {{really}}")
        for text in (
            "Dear {first_name}",
            "Dear {0}",
            "Dear {}",
            "{given_name!r}",
            "{account.owner}",
            "open {",
            "{given_name:>9}",
        ):
            with pytest.raises(ValidationError):
                invitations.check_merge_fields(text)

    @pytest.mark.parametrize(
        ("region", "languages", "found"),
        [
            ("Europe", ("de",), "Europe de"),
            ("Europe", ("de-AT",), "Europe de"),
            ("Asia", ("de",), " de"),
            ("Europe", ("fr",), " en"),
            ("Europe", ("", "de"), "Europe de"),
        ],
    )
    def test_the_region_and_language_that_fit_best(self, region: str, languages: Any, found: str) -> None:
        templates = [
            InvitationTemplate(region=r, language=lang)
            for r, lang in (("", "en"), ("", "de"), ("Europe", "de"), ("Africa", "en"))
        ]
        chosen = invitations.choose_template(templates, region=region, languages=languages)
        assert chosen and f"{chosen.region} {chosen.language}" == found

    def test_no_words_written_for_another_region(self) -> None:
        assert (
            invitations.choose_template(
                [InvitationTemplate(region="Africa", language="en")], region="Asia", languages=["en"]
            )
            is None
        )

    def test_the_mail_carries_them_filled_in(self, mei: Invitation) -> None:
        message = Message.objects.get(kind="invitation")
        assert "Acorn" in message.params["body"] and "{" not in message.params["body"]
        assert message.reply_to == mei.invited_by.email  # type: ignore[union-attr]


class TestTheLink:
    def test_a_scanner_that_opens_it_changes_nothing(self, client: Client, mei: Invitation) -> None:
        for name in ("invitation", "accept"):
            assert client.get(address(mei, name)).status_code == 200
            assert client.head(address(mei, name)).status_code == 200
        mei.refresh_from_db()
        assert (mei.status, mei.clicked_at) == ("queued", None)
        assert not User.objects.filter(email__icontains="mei").exists()

    def test_it_proves_the_address_it_was_mailed_to_and_no_other(self, client: Client, mei: Invitation) -> None:
        """The CRM corrects Mei's address; whoever holds the mail to the old one does not become her."""
        contact = mei.advocate.contact
        Contact.objects.filter(pk=contact.pk).update(email="mei.right@acorn.example")
        answer = client.post(address(mei, "accept"), YES)
        assert answer.status_code == 409 and "an address we no longer have" in answer.content.decode()
        assert not User.objects.filter(email="mei.right@acorn.example").exists()

    def test_who_has_left_the_company_does_not_join_there(self, client: Client, mei: Invitation) -> None:
        Contact.objects.filter(pk=mei.advocate.contact_id).update(left_on=timezone.now().date() - DAY)
        answer = client.post(address(mei, "accept"), YES)
        assert answer.status_code == 409 and "you have left Acorn" in answer.content.decode()

    def test_who_came_in_by_another_door_is_told_so_and_reminded_no_more(self, client: Client, mei: Invitation) -> None:
        contact = mei.advocate.contact
        filed = joining.apply(
            Details("Mei", "Lin"), email=contact.email, company="Acorn", region="", why="", at=timezone.now()
        )
        joining.confirm_application(filed, at=timezone.now(), at_once=False)
        joining.accept_application(filed, account=contact.account, at=timezone.now(), by=None)
        mei.refresh_from_db()
        assert mei.status == "stopped"
        answer = client.post(address(mei, "accept"), YES)
        assert answer.status_code == 409 and "You are a member already" in answer.content.decode()

    def test_an_address_somebody_signs_in_with_besides_is_theirs(self, client: Client, mei: Invitation) -> None:
        known = make_user("Mei Lin")
        EmailAddress.objects.create(user=known, email=mei.advocate.contact.email, verified=True, primary=False)
        client.post(address(mei, "accept"), YES)
        assert Advocate.objects.get(status="member").user == known

    def test_what_she_says_when_joining_is_her_own_word(self, client: Client, mei: Invitation) -> None:
        client.post(address(mei, "accept"), YES)
        assert {"title", "take_part", "thanked"} <= set(Advocate.objects.get(status="member").told)

    def test_it_says_who_invites_and_what_one_gets_into(self, client: Client, mei: Invitation) -> None:
        page = client.get(address(mei)).content.decode()
        for words in (
            "Rita Morgan",
            "Mei, there is a place for you",
            "What you could do",
            "an hour a month",
            "Do not ask me again",
        ):
            assert words in page

    def test_a_forged_or_foreign_token_does_not_open(self, client: Client, mei: Invitation) -> None:
        foreign = signed.sign("unsubscribe", str(mei.public_id))
        for token in ("nonsense", foreign, signed.sign("invitation", str(mei.public_id))[:-3]):
            answer = client.get(reverse("advocates:invitation", args=[token]))
            assert answer.status_code == 404
            assert "does not open" in answer.content.decode()

    def test_pressing_yes_marks_it_and_leads_to_the_form(self, client: Client, mei: Invitation) -> None:
        answer = client.post(address(mei), {"answer": "yes"})
        assert answer["Location"] == address(mei, "accept").replace("%3A", ":")
        mei.refresh_from_db()
        assert mei.status == "clicked"

    def test_no_thanks_ends_the_reminders(self, client: Client, mei: Invitation) -> None:
        Invitation.objects.filter(pk=mei.pk).update(sent_at=timezone.now() - 30 * DAY, status="sent")
        page = client.post(address(mei), {"answer": "no"}).content.decode()
        assert "thank you for saying so" in page
        mei.refresh_from_db()
        assert (mei.status, mei.advocate.status) == ("declined", "declined")
        inviting.remind(at=timezone.now())
        assert Message.objects.filter(kind="invitation").count() == 1
        assert not RecordedBasis.objects.get(contact=mei.advocate.contact).ended_at

    def test_never_again_ends_the_basis_as_well(self, client: Client, mei: Invitation) -> None:
        client.post(address(mei), {"answer": "never"})
        assert RecordedBasis.objects.get(contact=mei.advocate.contact).ended_at
        with pytest.raises(Refused):
            invite(mei.advocate.contact, at=timezone.now())

    def test_an_old_one_is_met_kindly_and_takes_no_yes(self, client: Client, mei: Invitation) -> None:
        Invitation.objects.filter(pk=mei.pk).update(expires_at=timezone.now() - DAY)
        assert "too old" in client.get(address(mei)).content.decode()
        client.post(address(mei, "accept"), YES)
        assert Advocate.objects.get(pk=mei.advocate_id).status == "invited"


class TestSayingYes:
    def test_mei_joins_consents_and_lands_on_her_home_page(self, client: Client, mei: Invitation) -> None:
        answer = client.post(
            address(mei, "accept"),
            {**YES, "consent_program_mail": "on", "consent_reference_calls": "on", "password": "a-long-password-91"},
            follow=True,
        )
        assert answer.redirect_chain[-1][0] == reverse("advocates:welcome_step", args=["worth"])
        advocate = Advocate.objects.get(pk=mei.advocate_id)
        assert (advocate.status, advocate.type, advocate.thanks) == ("member", "educator", "note")
        assert advocate.joined_at and advocate.pod and advocate.pod.manager.name == "Rita Morgan"
        assert advocate.stage == Advocate.Stage.MEMBER
        assert advocate.contact.title == "Head of planning"
        assert consent.standing(advocate.contact, at=timezone.now()) == {"program_mail", "reference_calls"}
        entry = ConsentEntry.objects.get(purpose="reference_calls")
        assert entry.wording == "You may ask me to talk or write to people who consider your product."
        user = User.objects.get(email=advocate.contact.email)
        assert user.role_set == {"advocate"} and user.check_password("a-long-password-91")
        assert user.emailaddress_set.get().verified
        assert Activity.objects.filter(contact=advocate.contact, deed="joined").count() == 1
        assert Message.objects.filter(kind="welcome", contact=advocate.contact).exists()
        assert Task.objects.get(kind="nurture").assignee == advocate.pod.manager
        mei.refresh_from_db()
        assert mei.status == "accepted"
        client.post(reverse("advocates:welcome_step", args=["worth"]), {"valuable": "Two peers"})
        last = {"time_zone": "Europe/Lisbon", "asks_a_quarter": "1"}
        ready = client.post(reverse("advocates:welcome_step", args=["often"]), last, follow=True)
        assert ready.redirect_chain[-1][0] == reverse("advocates:welcome_step", args=["ready"])
        page = client.get("/").content.decode()
        assert "Mei" in page and "Rita Morgan" in page and "First steps" in page
        advocate.refresh_from_db()
        assert advocate.wizard_done_at and advocate.valuable == "Two peers"
        assert User.objects.get(pk=user.pk).time_zone == "Europe/Lisbon"

    def test_nothing_is_ticked_for_her_and_nothing_unticked_is_granted(self, client: Client, mei: Invitation) -> None:
        page = client.get(address(mei, "accept")).content.decode()
        assert page.count('type="checkbox"') == 13 and " checked" not in page
        client.post(address(mei, "accept"), YES)
        assert consent.standing(mei.advocate.contact, at=timezone.now()) == frozenset()

    def test_the_names_of_types_are_never_shown(self, client: Client, mei: Invitation) -> None:
        for path in (address(mei), address(mei, "accept"), reverse("advocates:join")):
            page = client.get(path).content.decode().lower()
            for name in Advocate.Type.labels + Advocate.Type.values:
                assert str(name).lower() not in page, (path, name)

    def test_each_answer_leads_to_its_type_and_back(self) -> None:
        assert [types.type_of(key) for key, _words in types.TAKE_PART] == [
            "educator", "validator", "status_seeker", "collaborator",
        ]  # fmt: skip
        assert [types.answer_of(kind) for kind in Advocate.Type.values] == [key for key, _words in types.TAKE_PART]

    def test_without_a_password_a_code_is_enough(self, client: Client, mei: Invitation) -> None:
        client.post(address(mei, "accept"), YES)
        assert not User.objects.get(email=mei.advocate.contact.email).has_usable_password()

    def test_a_weak_password_is_refused_and_what_was_typed_stays(self, client: Client, mei: Invitation) -> None:
        answer = client.post(address(mei, "accept"), {**YES, "title": "Chief of beans", "password": "short"})
        assert answer.status_code == 422
        assert "Chief of beans" in answer.content.decode()

    def test_twice_is_once_and_the_link_is_no_key_afterwards(self, client: Client, mei: Invitation) -> None:
        client.post(address(mei, "accept"), YES)
        stranger = Client()
        answer = stranger.post(address(mei, "accept"), YES, follow=True)
        assert "accepted" in answer.content.decode()
        assert "_auth_user_id" not in stranger.session
        assert User.objects.filter(email=mei.advocate.contact.email).count() == 1

    def test_a_link_never_opens_a_sign_in_that_was_there_before(self, client: Client, mei: Invitation) -> None:
        make_user("Mei Lin", Role.LEAD, email=mei.advocate.contact.email)
        answer = client.post(address(mei, "accept"), YES)
        assert answer["Location"] == reverse("account_login")
        assert "_auth_user_id" not in client.session
        assert User.objects.get(email=mei.advocate.contact.email).role_set == {"lead", "advocate"}

    def test_the_later_opens_of_a_stopped_invitation_are_welcome(self, client: Client, mei: Invitation) -> None:
        Invitation.objects.filter(pk=mei.pk).update(status="stopped")
        client.post(address(mei, "accept"), YES)
        assert Advocate.objects.get(pk=mei.advocate_id).status == "member"


class TestWhatBecomesOfAnInvitation:
    def sent(self, invitation: Invitation, at: Any = NOON) -> None:
        Message.objects.filter(kind="invitation").update(status="sent", sent_at=at)
        inviting.follow_mails(at=at)
        invitation.refresh_from_db()

    def invite(self) -> Invitation:
        return invite(make_contact("Mei Lin", make_account("Acorn")), at=NOON)

    def test_it_follows_its_mail(self) -> None:
        invitation = self.invite()
        self.sent(invitation)
        assert (invitation.status, invitation.sent_at) == ("sent", NOON)

    def test_a_mail_that_failed_has_bounced(self) -> None:
        invitation = self.invite()
        Message.objects.filter(kind="invitation").update(status="failed")
        inviting.follow_mails(at=NOON)
        invitation.refresh_from_db()
        assert invitation.status == "bounced"

    def test_those_whose_mail_waits_hold_up_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(inviting, "BATCH", 2)
        waiting = [self.invite() for _each in range(3)]
        late = self.invite()
        Message.objects.filter(kind="invitation", dedupe_key=f"{late.pk}:0").update(status="sent", sent_at=NOON)
        inviting.follow_mails(at=NOON)
        late.refresh_from_db()
        assert late.status == "sent"
        assert Invitation.objects.filter(pk__in=[one.pk for one in waiting], status="queued").count() == 3

    def test_reminders_after_seven_and_twenty_one_days_and_no_more(self) -> None:
        invitation = self.invite()
        self.sent(invitation)
        for days, mails in ((6, 1), (7, 2), (7, 2), (20, 2), (21, 3), (40, 3)):
            inviting.remind(at=NOON + days * DAY)
            assert Message.objects.filter(kind="invitation").count() == mails, days
        assert Message.objects.order_by("-id")[0].params["reminder"] == 2

    def test_a_negative_signal_stops_them(self) -> None:
        invitation = self.invite()
        self.sent(invitation)
        account = invitation.advocate.contact.account
        account.pauses.create(cause="signal", release="by_hand", reason="NPS 3", key="x", began_at=NOON + DAY)
        inviting.remind(at=NOON + 8 * DAY)
        invitation.refresh_from_db()
        assert invitation.status == "stopped"
        assert Message.objects.filter(kind="invitation").count() == 1

    @pytest.mark.parametrize(("reason", "status"), [("unsubscribed", "stopped"), ("bounced", "bounced")])
    def test_leaving_and_bouncing_stop_them(self, reason: str, status: str) -> None:
        invitation = self.invite()
        self.sent(invitation)
        Suppression.objects.create(email=invitation.advocate.contact.email.upper(), kind="*", reason=reason)
        inviting.follow_mails(at=NOON + DAY)
        invitation.refresh_from_db()
        assert invitation.status == status

    def test_it_expires(self) -> None:
        invitation = self.invite()
        self.sent(invitation)
        inviting.remind(at=NOON + 61 * DAY)
        invitation.refresh_from_db()
        assert invitation.status == "expired"


class TestBadNewsAndPatience:
    def test_a_first_mail_not_yet_sent_does_not_reach_an_account_just_paused(self, mei: Invitation) -> None:
        make_signal("escalation_opened", mei.advocate.contact.account, at=timezone.now())
        lifecycle.follow_signals(at=timezone.now())
        mei.refresh_from_db()
        assert mei.status == "stopped"
        assert Message.objects.get(kind="invitation").status == "cancelled"

    def test_never_again_counts_on_an_invitation_whose_time_is_over(self, mei: Invitation) -> None:
        Invitation.objects.update(status="expired", expires_at=timezone.now())
        mei.refresh_from_db()
        inviting.decline(mei, at=timezone.now(), never_again=True)
        assert RecordedBasis.objects.get(contact=mei.advocate.contact).ended_at is not None

    def test_many_who_wait_for_their_second_reminder_hold_nobody_up(
        self, mei: Invitation, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(inviting, "BATCH", 2)
        now = timezone.now()
        older = [invite(make_contact(f"Omar{n}"), at=now - 10 * DAY) for n in range(3)]
        Invitation.objects.filter(pk__in=[one.pk for one in older if one]).update(
            status="sent", sent_at=now - 9 * DAY, reminders=1
        )
        Invitation.objects.filter(pk=mei.pk).update(status="sent", sent_at=now - 8 * DAY)
        assert inviting.remind(at=now) == 1
        mei.refresh_from_db()
        assert mei.reminders == 1


FORM: dict[str, str] = {
    "given_name": "Paul", "family_name": "Okafor", "email": "paul@prospera.example", "company": "Prospera",
    "title": "Head of supply", "take_part": "feedback", "thanked": "access", "consent_program_mail": "on",
    "why": "Meet two planners.",
}  # fmt: skip


AGREED = {"consent": ["program_mail"]}
"""What the page of the confirming link sends: the boxes left ticked."""


def link_of(application: Application) -> str:
    return reverse("advocates:confirm", args=[signed.sign("application", str(application.public_id))])


class TestThePublicPage:
    def test_everybody_gets_the_same_answer(self, client: Client) -> None:
        make_advocate("Ines", contact=make_contact("Ines", email="ines@known.example"))
        make_contact("Kim", email="kim@known.example")
        answers = {
            (answer.status_code, answer["Location"])
            for email in ("ines@known.example", "kim@known.example", "nobody@else.example")
            for answer in [client.post(reverse("advocates:join"), {**FORM, "email": email})]
        }
        assert answers == {(302, reverse("advocates:applied"))}
        assert Message.objects.get(to_email="ines@known.example").template == "advocates/application_member"
        assert Message.objects.get(to_email="kim@known.example").template == "advocates/application_confirm"

    def test_nothing_happens_before_the_address_is_confirmed(self, client: Client) -> None:
        contact = make_contact("Paul", email="paul@prospera.example", title="As the CRM says")
        client.post(reverse("advocates:join"), FORM)
        client.get(link_of(Application.objects.get()))
        assert Application.objects.get().status == "filed"
        assert not Advocate.objects.exists() and not ConsentEntry.objects.exists()
        contact.refresh_from_db()
        assert contact.title == "As the CRM says"

    def test_confirmed_it_waits_for_a_person_and_then_they_are_in(self, client: Client) -> None:
        rita = make_user("Rita", Role.MANAGER)
        account = make_account("Prospera AG")
        client.post(reverse("advocates:join"), FORM)
        application = Application.objects.get()
        page = client.post(link_of(application), AGREED).content.decode()
        assert "A person reads every application" in page
        desk = Client()
        desk.force_login(rita)
        assert "Okafor" in desk.get(reverse("advocates:applications")).content.decode()
        url = reverse("advocates:application", args=[application.public_id])
        assert "Prospera AG" in desk.get(url).content.decode()
        assert desk.post(url, {"answer": "yes"}).status_code == 409, "an account has to be chosen"
        desk.post(url, {"answer": "yes", "account": account.pk})
        advocate = Advocate.objects.get()
        assert (advocate.status, advocate.contact.account, advocate.type) == ("member", account, "validator")
        assert consent.standing(advocate.contact, at=timezone.now()) == {"program_mail"}
        assert advocate.valuable == "Meet two planners."
        assert advocate.user and advocate.user.email == "paul@prospera.example"

    def test_from_a_company_nobody_knows_they_are_accepted_with_its_account(self, client: Client) -> None:
        make_account("Birch")
        client.post(reverse("advocates:join"), FORM)
        application = Application.objects.get()
        client.post(link_of(application), AGREED)
        desk = Client()
        desk.force_login(make_user("Rita", Role.MANAGER))
        url = reverse("advocates:application", args=[application.public_id])
        shown = desk.get(url).content.decode()
        assert 'value="Prospera"' in shown and "<dd>Program mail</dd>" in shown
        for name, said in ((" ", "Give the name of the company"), ("birch", "is in the records")):
            answer = desk.post(url, {"answer": "new account", "company": name})
            assert answer.status_code == 409 and said in answer.content.decode()
        desk.post(url, {"answer": "new account", "company": "Prospera  AG"})
        assert Advocate.objects.get().contact.account.name == "Prospera AG"
        assert Advocate.objects.get().status == "member"

    def test_accepted_at_once_where_the_setting_says_so_and_the_company_is_known(self, client: Client) -> None:
        Program.objects.update_or_create(pk=1, defaults={"accept_applications_at_once": True})
        make_account("Prospera AG", domain="prospera.example")
        client.post(reverse("advocates:join"), FORM)
        answer = client.post(link_of(Application.objects.get()))
        assert answer["Location"] == reverse("advocates:welcome")
        assert Advocate.objects.get().status == "member"
        client.post(reverse("advocates:join"), {**FORM, "email": "someone@unknown.example"})
        other = Client().post(link_of(Application.objects.exclude(status="accepted").get()))
        assert "A person reads every application" in other.content.decode()

    def test_what_a_stranger_ticked_is_read_and_unticked_by_whose_address_it_is(self, client: Client) -> None:
        make_contact("Paul", email="paul@prospera.example")
        client.post(reverse("advocates:join"), {**FORM, "consent_name_and_logo": "on"})
        shown = client.get(link_of(Application.objects.get())).content.decode()
        assert "You may name me and my company" in shown and "Meet two planners." in shown
        client.post(link_of(Application.objects.get()), AGREED)
        assert list(Application.objects.get().consents) == ["program_mail"]

    def test_the_second_application_of_a_day_is_the_one_that_is_confirmed(self, client: Client) -> None:
        client.post(reverse("advocates:join"), {**FORM, "given_name": "Pual"})
        client.post(reverse("advocates:join"), FORM)
        application, message = Application.objects.get(), Message.objects.get(kind="application")
        assert message.params["application"] == str(application.public_id)
        assert application.given_name == "Paul"

    def test_a_no_after_the_confirmation_stands_when_they_are_accepted_later(self, client: Client) -> None:
        paul = make_contact("Paul", email="paul@prospera.example")
        details = joining.Details(given_name="Paul", family_name="Okafor", consents={"newsletter": "Send it."})
        filed = joining.apply(details, email=paul.email, company="Prospera", region="", why="", at=NOON)
        joining.confirm_application(filed, at=NOON, at_once=False, agreed=["newsletter"])
        consent.withdraw(paul, "newsletter", at=NOON + 5 * DAY, source="test")
        joining.accept_application(filed, account=paul.account, at=NOON + 10 * DAY, by=None)
        assert "newsletter" not in consent.standing(paul, at=NOON + 11 * DAY)

    def test_who_has_left_the_company_is_not_let_in_at_once(self, client: Client) -> None:
        Program.objects.update_or_create(pk=1, defaults={"accept_applications_at_once": True})
        make_contact("Paul", email="paul@prospera.example", left_on=timezone.now().date() - 90 * DAY)
        client.post(reverse("advocates:join"), FORM)
        client.post(link_of(Application.objects.get()), AGREED)
        assert Application.objects.get().status == "confirmed"
        assert not Advocate.objects.filter(status="member").exists()

    def test_a_contact_we_know_is_matched_by_address(self, client: Client) -> None:
        contact = make_contact("Paul", email="Paul@Prospera.example")
        client.post(reverse("advocates:join"), FORM)
        client.post(link_of(Application.objects.get()))
        advocate = Advocate.objects.get(contact=contact)
        assert advocate.status == "applied"

    def test_declined_with_a_reason_by_mail(self, client: Client) -> None:
        client.post(reverse("advocates:join"), FORM)
        application = Application.objects.get()
        for reason in ("No", " "):  # nobody to answer yet; nothing to answer with
            with pytest.raises(Refused):
                joining.decline_application(application, reason=reason, at=NOON, by=None)
        client.post(link_of(application))
        application.refresh_from_db()
        joining.decline_application(application, reason="Not a customer yet", at=NOON, by=make_user("Rita"))
        assert Message.objects.get(kind="application_declined").params["reason"] == "Not a customer yet"

    def test_too_many_tries_are_slowed_and_machines_get_nowhere(self, client: Client) -> None:
        client.post(reverse("advocates:join"), {**FORM, "website": "http://spam.example"})
        assert not Application.objects.exists()
        for _each in range(9):
            client.post(reverse("advocates:join"), FORM)
        answer = client.post(reverse("advocates:join"), FORM)
        assert answer.status_code == 429
        assert Message.objects.filter(kind="application").count() == 1, "one mail a day to one address"

    def test_behind_our_proxy_each_visitor_is_counted_by_the_address_the_proxy_saw(
        self, client: Client, settings: Any
    ) -> None:
        settings.BEHIND_TLS_PROXY = True
        for number in range(11):
            seen = {"HTTP_X_FORWARDED_FOR": f"203.0.113.9, 198.51.100.{number}"}
            assert client.post(reverse("advocates:join"), FORM, **seen).status_code == 302
        codes = [
            client.post(reverse("advocates:join"), FORM, HTTP_X_FORWARDED_FOR=f"10.0.0.{n}, 192.0.2.1").status_code
            for n in range(11)
        ]
        assert codes == [302] * 10 + [429]

    def test_wrong_input_is_told_beside_its_field(self, client: Client) -> None:
        answer = client.post(reverse("advocates:join"), {**FORM, "email": "no-address", "take_part": ""})
        assert answer.status_code == 422
        assert "no-address" in answer.content.decode()

    def test_the_promise_is_the_budgets_own(self, client: Client) -> None:
        page = client.get(reverse("advocates:join")).content.decode()
        assert "at most 2 times in 90 days" in page and "rest for 30 days" in page


class TestMatching:
    def test_whoever_still_works_there_comes_first(self) -> None:
        make_contact("Old", email="p@x.example", left_on=NOON.date())
        present = make_contact("New", email="P@x.example")
        assert joining.matching_contact("p@X.example") == present

    def test_a_domain_of_two_accounts_is_nobodys(self) -> None:
        one = make_account("One", domain="x.example")
        assert joining.account_by_domain("a@x.example") == one
        make_account("Two", domain="X.example")
        assert joining.account_by_domain("a@x.example") is None

    def test_two_people_of_one_address_share_no_sign_in(self) -> None:
        make_advocate("Ines", contact=make_contact("Ines", email="team@x.example"))
        twin = invite(make_contact("Twin", email="team@x.example"), at=NOON)
        with pytest.raises(Refused, match="belongs to a member"):
            joining.accept_invitation(twin, Details("T", "W"), at=NOON + DAY)
