"""The archive on the web: no personal parts, only what the celebrated approved, nothing that was taken back (N8)."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.delivery.models import Message
from advocacy.users.models import Role, User
from advocates.models import Advocate, Recognition
from community import actions as community_actions
from community.models import Space
from newsletter.actions import editions as actions
from newsletter.jobs import editions as jobs
from newsletter.mails import editions as mails
from newsletter.models import Edition
from tests.factories import make_account, make_advocate, make_opportunity, make_user

pytestmark = pytest.mark.django_db

SLOT = date(2026, 3, 17)
DRAFTED = datetime(2026, 3, 14, 9, tzinfo=UTC)
EVE = datetime(2026, 3, 16, 9, tzinfo=UTC)
MORNING = datetime(2026, 3, 17, 12, tzinfo=UTC)


@pytest.fixture
def maya() -> User:
    return make_user("Maya", Role.MODERATOR)


@pytest.fixture
def ines() -> Advocate:
    return make_advocate("Ines", make_account("Kestrel Foods", region="Europe"))


@pytest.fixture
def celebrated(ines: Advocate) -> Recognition:
    return Recognition.objects.create(
        advocate=ines, title="Ines took a sceptic along", text="One call, forty minutes.",
        approved_at=DRAFTED - timedelta(days=2),
    )  # fmt: skip


@pytest.fixture
def edition(maya: User, ines: Advocate, celebrated: Recognition) -> Edition:
    make_opportunity("For all of us", opened_at=DRAFTED - timedelta(days=1))
    asian = {"any": ["region:asia"]}
    make_opportunity("Only for Asia", opened_at=DRAFTED - timedelta(days=1), audience=asian)
    space = Space.objects.create(slug="rollouts", name="Rollouts")
    community_actions.start_topic(ines.user, space, title="Thirty-eight sites", body="Ask me.", at=DRAFTED)
    made = actions.draft(SLOT, at=DRAFTED)
    actions.change(made, intro="This time we thank Ines Barbosa.", preheader="Ines took a sceptic along, and more.")
    actions.approve(made, by=maya, at=EVE)
    jobs.send_editions(at=MORNING)
    return Edition.objects.get()


def everything(client: Client, edition: Edition, reader: User) -> str:
    """All that anybody gets of it: list, page, the reader's own page, and a mail that has still to go."""
    client.force_login(reader)
    message = Message.objects.get(kind="newsletter")
    with time_machine.travel(MORNING, tick=False):
        mail = mails.render_editions([message])[message.pk]
        assert not isinstance(mail, Exception)
        pages = [
            client.get(reverse("newsletter:archive")),
            client.get(reverse("newsletter:edition", args=[edition.public_id])),
            client.get(mails.web_url(message).removeprefix("http://testserver")),
        ]
    assert [page.status_code for page in pages] == [200, 200, 200]
    return " ".join([*(page.content.decode() for page in pages), mail.subject, mail.html, mail.text])


class TestWithoutPersonalParts:
    def test_it_greets_nobody_and_says_what_is_for_nobody_in_particular(
        self, client: Client, edition: Edition, ines: Advocate
    ) -> None:
        omar = make_advocate("Omar", make_account("Heron Dairy", region="Europe"))
        client.force_login(omar.user)
        page = reverse("newsletter:edition", args=[edition.public_id])
        with time_machine.travel(MORNING, tick=False):
            theirs = client.get(page).content.decode()
            client.force_login(ines.user)
            hers = client.get(page).content.decode()
        for text in (theirs, hers):
            assert "Opportunities in this edition" in text and "For all of us" in text
            assert "Open to you now" not in text
            for personal in ("Hello", "/mail/c/", "/mail/unsubscribe/", ines.contact.email, omar.contact.email):
                assert personal not in text
        main = [text.split("<main")[1].split("</main>")[0] for text in (theirs, hers)]
        assert main[0] == main[1], "whoever reads it, the archive is the same"

    def test_what_has_not_gone_is_not_in_it(self, client: Client, maya: User, ines: Advocate) -> None:
        make_opportunity("For all of us", opened_at=DRAFTED - timedelta(days=1))
        draft = actions.draft(SLOT, at=DRAFTED)
        client.force_login(ines.user)
        assert client.get(reverse("newsletter:edition", args=[draft.public_id])).status_code == 404
        assert draft.subject not in client.get(reverse("newsletter:archive")).content.decode()


class TestWhatIsTakenBack:
    def test_the_celebrated_are_shown_while_they_approve(
        self, client: Client, edition: Edition, ines: Advocate
    ) -> None:
        text = everything(client, edition, ines.user)
        for words in ("Ines took a sceptic along", "One call, forty minutes.", "This time we thank Ines Barbosa."):
            assert words in text

    @pytest.mark.parametrize("how", ["taken back", "erased"])
    def test_then_nothing_of_it_is_anywhere_not_in_the_subject_either(
        self, client: Client, edition: Edition, celebrated: Recognition, maya: User, how: str
    ) -> None:
        if how == "erased":
            type(celebrated.advocate.contact).objects.update(erased_at=timezone.now())
        else:
            Recognition.objects.update(approved_at=None, declined_at=timezone.now())
        text = everything(client, edition, maya)
        for words in ("sceptic", "One call, forty minutes.", "we thank", "Ines Barbosa"):
            assert words not in text
        assert "Edition of 17 March 2026" in text
        assert "Thirty-eight sites" in text, "the rest stays"

    def test_an_item_an_editor_takes_out_is_gone_from_all_of_it_and_can_come_back(
        self, client: Client, edition: Edition, maya: User, ines: Advocate
    ) -> None:
        topic = edition.items.get(topic__isnull=False)
        take_out = reverse("newsletter:withdraw", args=[edition.public_id, topic.pk])
        client.force_login(maya)
        assert client.get(take_out).status_code == 405
        client.post(take_out)
        text = everything(client, edition, ines.user)
        assert "Thirty-eight sites" not in text and "Ines took a sceptic along" in text
        client.force_login(maya)
        client.post(take_out, {"what": "back"})
        assert "Thirty-eight sites" in everything(client, edition, ines.user)

    def test_an_opportunity_taken_out_is_offered_to_nobody(
        self, client: Client, edition: Edition, maya: User, ines: Advocate
    ) -> None:
        offer = edition.items.get(title="For all of us")
        client.force_login(maya)
        client.post(reverse("newsletter:withdraw", args=[edition.public_id, offer.pk]))
        assert "For all of us" not in everything(client, edition, ines.user)

    def test_only_editors_take_out_and_only_what_has_gone(
        self, client: Client, edition: Edition, ines: Advocate
    ) -> None:
        item = edition.items.first()
        assert item is not None
        take_out = reverse("newsletter:withdraw", args=[edition.public_id, item.pk])
        client.force_login(ines.user)
        assert client.post(take_out).status_code == 403
        Edition.objects.update(status="draft")
        client.force_login(make_user("Lena", Role.LEAD))
        assert "has not gone yet" in client.post(take_out, follow=True).content.decode()
        item.refresh_from_db()
        assert item.withdrawn_at is None

    def test_the_list_costs_the_same_for_many(
        self, client: Client, edition: Edition, ines: Advocate, queries_of: Any
    ) -> None:
        client.force_login(ines.user)
        few = queries_of(partial(client.get, reverse("newsletter:archive")))
        for week in range(1, 9):
            Edition.objects.create(
                slot=SLOT - timedelta(weeks=week), subject="An older one", status="sent", approved_at=EVE
            )
        assert queries_of(partial(client.get, reverse("newsletter:archive"))) == few
