"""Each template as it looks: made up, to a real person, or as a mail that was owed, its secrets masked (N5)."""

from functools import partial

import pytest
from django.test import Client
from django.urls import reverse

from advocacy.delivery import outbox, rendering
from advocacy.delivery.models import Message
from advocacy.users.models import Role
from tests.factories import NOON, make_account, make_contact, make_user

pytestmark = pytest.mark.django_db

THANKS = "advocates/thanks"


@pytest.fixture
def rita(client):
    user = make_user("Rita", Role.MANAGER)
    client.force_login(user)
    return user


@pytest.fixture
def mei():
    return make_contact("Mei", make_account("Kestrel Foods"), language="en", time_zone="Asia/Singapore")


def thanked(contact, text="You turned a sceptic."):
    params = {"text": text, "by": "Rita", "title": "Manager"}
    return outbox.owe(
        "thanks", to=contact, template=THANKS, dedupe_key=f"{contact.pk}:{text}", at=NOON, params=params,
        purpose="program_mail",
    )  # fmt: skip


def page(client, **query):
    return client.get(reverse("delivery:templates", query={"template": THANKS, **query})).content.decode()


def frame(client, **query):
    return client.get(reverse("delivery:template", query={"template": THANKS, **query})).content.decode()


class TestToARealPerson:
    def test_they_are_found_by_name_or_account_and_greeted(self, client, rita, mei):
        assert "Kestrel Foods" in page(client, reader="kestrel")
        assert f"as={mei.pk}" in page(client, reader="mei")
        assert f"as={mei.pk}" in page(client, **{"as": mei.pk}).split("<iframe")[1]
        assert "Hello Mei," in frame(client, **{"as": mei.pk})
        assert "Hello Ines," in frame(client)

    def test_they_are_found_however_their_letters_are_marked_before_others_at_an_account_of_that_name(
        self, client, rita
    ):
        other = make_contact("Omar", make_account("Moorland Lines"))
        ines = make_contact("Inês")
        text = page(client, reader="ines")
        assert text.index(f"as={ines.pk}") < text.index(f"as={other.pk}")

    def test_is_for_those_who_may_see_people(self, client, mei):
        client.force_login(make_user("Maya", Role.MODERATOR))
        assert "Kestrel Foods" not in page(client, reader="kestrel")
        assert "Hello Mei," not in frame(client, **{"as": mei.pk})

    @pytest.mark.parametrize("odd", ["0", "-1", "x", "9" * 40, "\x00", "٣"])
    def test_anybody_else_is_the_made_up_reader(self, client, rita, odd):
        assert "Hello Ines," in frame(client, **{"as": odd})
        assert "Nobody has that name" in page(client, reader="unheard of \x00")

    def test_each_template_can_be(self, client, rita, mei):
        from advocacy.delivery import samples

        for name in samples.templates():
            answer = client.get(reverse("delivery:template", query={"template": name, "as": mei.pk}))
            assert answer.status_code == 200
            assert "cannot be shown" not in answer.content.decode(), name


class TestAsItWasOwed:
    def test_the_latest_are_offered_and_shown_with_their_own_words(self, client, rita, mei):
        message = thanked(mei)
        text = page(client, message=message.public_id)
        assert "As it was owed to Mei" in text
        address = reverse("delivery:preview", args=[message.public_id])
        assert address in text.split("<iframe")[1]
        mail = client.get(address).content.decode()
        assert "You turned a sceptic." in mail and "Hello Mei," in mail
        assert rendering.unsubscribe_url(message) not in mail, "the way out is the reader's own"

    def test_a_message_of_another_template_is_not_taken_for_it(self, client, rita, mei):
        other = outbox.owe("x", to=mei, template="newsletter/warning", dedupe_key="1", at=NOON, params={})
        assert "As it was owed" not in page(client, message=other.public_id)

    def test_what_was_secret_is_masked(self, client, rita):
        Client().post(reverse("account_request_login_code"), {"email": rita.email})
        message = Message.objects.get(kind="sign_in_login_code")
        mail = client.get(reverse("delivery:preview", args=[message.public_id])).content.decode()
        assert "••••••" in mail

    def test_the_page_costs_the_same_for_many(self, client, rita, mei, queries_of):
        thanked(mei)
        few = queries_of(partial(page_answer, client))
        for number in range(20):
            thanked(make_contact("Omar"), f"Thanks {number}")
        assert queries_of(partial(page_answer, client)) == few


def page_answer(client):
    return client.get(reverse("delivery:templates", query={"template": THANKS, "reader": "a"}))


def test_the_admin_leads_there(client, mei):
    client.force_login(make_user("Ada", Role.ADMINISTRATOR))
    message = thanked(mei)
    listed = client.get(reverse("admin:delivery_message_changelist")).content.decode()
    assert f'href="{reverse("delivery:templates")}"' in listed
    one = client.get(reverse("admin:delivery_message_change", args=[message.pk])).content.decode()
    assert reverse("delivery:templates") + "?template=advocates%2Fthanks" in one
    assert reverse("delivery:message", args=[message.public_id]) in one or "/admin/r/" in one
    assert client.get(reverse("admin:delivery_mailevent_changelist")).status_code == 200
