"""The words of invitations: written for a region and language, read as a real person would, tried on oneself (P14)."""

import pytest
from django.test import Client
from django.urls import reverse

from advocacy.delivery.models import Message
from advocacy.delivery.rendering import render_many
from advocacy.users.models import Role, User
from advocates.models import Invitation, InvitationTemplate
from tests.factories import make_account, make_advocate, make_contact, make_user

pytestmark = pytest.mark.django_db
WRITTEN = {
    "region": "Asia", "language": "en", "subject": "{given_name}, join {program}",
    "body": "Your team at {account} has come a long way.", "basis": "Existing customers, asked once.",
}  # fmt: skip


@pytest.fixture
def lena() -> User:
    return make_user("Lena Novak", Role.LEAD)


@pytest.fixture
def lead(client: Client, lena: User) -> Client:
    client.force_login(lena)
    return client


@pytest.fixture
def asia() -> InvitationTemplate:
    InvitationTemplate.objects.all().delete()
    return InvitationTemplate.objects.create(**WRITTEN)


class TestWriting:
    def test_a_lead_writes_them_and_reads_them_as_the_first_person_there(self, lead: Client) -> None:
        make_contact("Omar", make_account(region="Europe"))
        make_contact("Mei Lin", make_account("Jade Foods", region="Asia"))
        answer = lead.post(reverse("advocates:new_invitation_words"), WRITTEN, follow=True)
        made = InvitationTemplate.objects.get(region="Asia")
        assert "As Mei Lin gets it" in answer.content.decode()
        mail = lead.get(reverse("advocates:invitation_words_preview", args=[made.pk])).content.decode()
        assert "Your team at Jade Foods has come a long way." in mail

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"body": "Dear {first_name}"}, "“{first_name}” is not a merge field"),
            ({"subject": "Join { us"}, "brace"),
            ({"language": "English"}, "such as en, de or pt-br"),
            ({"basis": ""}, "basis"),
        ],
    )
    def test_what_would_leave_a_hole_is_refused_and_nothing_typed_is_lost(
        self, lead: Client, asia: InvitationTemplate, wrong: dict[str, str], said: str
    ) -> None:
        address = reverse("advocates:invitation_words", args=[asia.pk])
        answer = lead.post(address, {**WRITTEN, "subject": "Typed anew", **wrong})
        page = answer.content.decode()
        assert answer.status_code == 422
        assert said in page
        assert "Typed anew" in page or "subject" in wrong
        asia.refresh_from_db()
        assert asia.subject == WRITTEN["subject"]

    def test_one_set_for_each_region_and_language(self, lead: Client, asia: InvitationTemplate) -> None:
        answer = lead.post(reverse("advocates:new_invitation_words"), WRITTEN)
        assert answer.status_code == 422
        assert InvitationTemplate.objects.count() == 1

    def test_a_region_without_words_is_named(self, lead: Client, asia: InvitationTemplate) -> None:
        make_account(region="Europe")
        page = lead.get(reverse("advocates:invitation_word_list")).content.decode()
        assert "Nobody in Europe can be invited" in page
        assert "Nobody in Asia" not in page

    def test_a_manager_reads_and_does_not_write(self, client: Client, asia: InvitationTemplate) -> None:
        client.force_login(make_user("Rita", Role.MANAGER))
        address = reverse("advocates:invitation_words", args=[asia.pk])
        assert client.get(address).status_code == 200
        assert client.post(address, WRITTEN).status_code == 403
        assert client.post(reverse("advocates:invitation_words_trial", args=[asia.pk])).status_code == 403


class TestTrying:
    def test_it_is_read_as_whoever_is_chosen(self, lead: Client, asia: InvitationTemplate) -> None:
        omar = make_contact("Omar Haddad", make_account("Cedar Lines", region="Europe"))
        make_contact("Mei", make_account(region="Asia"))
        address = reverse("advocates:invitation_words", args=[asia.pk])
        assert "Omar Haddad" in lead.get(address, {"q": "cedar"}).content.decode()
        assert "As Omar Haddad gets it" in lead.get(address, {"as": omar.pk}).content.decode()
        preview = reverse("advocates:invitation_words_preview", args=[asia.pk])
        assert "Cedar Lines" in lead.get(preview, {"as": omar.pk}).content.decode()
        assert lead.get(preview, {"as": "²"}).status_code == 200

    def test_a_trial_goes_to_oneself_and_invites_nobody(
        self, lead: Client, lena: User, asia: InvitationTemplate
    ) -> None:
        mei = make_contact("Mei Lin", make_account("Jade Foods", region="Asia"))
        lead.post(reverse("advocates:invitation_words_trial", args=[asia.pk]), {"as": mei.pk})
        message = Message.objects.get()
        assert message.to_email == lena.email
        assert not Invitation.objects.exists()
        mail = render_many([message])[message.pk]
        assert not isinstance(mail, Exception)
        assert mail.subject == "Mei, join Customer Circle"
        assert "Nobody is invited by it" in mail.text
        assert "Jade Foods" in mail.html

    def test_its_link_opens_nothing(self, client: Client, lead: Client, asia: InvitationTemplate) -> None:
        mei = make_contact("Mei Lin", make_account(region="Asia"))
        make_advocate("Ines")
        lead.post(reverse("advocates:invitation_words_trial", args=[asia.pk]), {"as": mei.pk})
        message = Message.objects.get()
        mail = render_many([message])[message.pk]
        assert not isinstance(mail, Exception)
        link = next(word for word in mail.text.split() if "/invitation/" in word)
        answer = Client().get("/" + link.split("/", 3)[3])
        assert answer.status_code == 404

    def test_where_there_is_nobody_yet_the_page_says_so(self, lead: Client, asia: InvitationTemplate) -> None:
        assert lead.get(reverse("advocates:invitation_words", args=[asia.pk])).status_code == 200
        preview = lead.get(reverse("advocates:invitation_words_preview", args=[asia.pk])).content.decode()
        assert "nobody to read it as" in preview
        answer = lead.post(reverse("advocates:invitation_words_trial", args=[asia.pk]), follow=True)
        assert "Bring in contacts first" in answer.content.decode()
        assert not Message.objects.exists()
