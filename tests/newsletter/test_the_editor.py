"""The editor's desk: order by drag and by keys, words that save themselves, a preview, and how far a run is."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from advocacy.delivery import progress
from advocacy.delivery.models import Batch, Message
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role
from newsletter.actions import editions as actions
from newsletter.models import Edition, EditionItem
from opportunities.models import CustomerGroup
from tests.factories import make_advocate, make_opportunity, make_user

pytestmark = pytest.mark.django_db

SLOT = date(2026, 3, 17)
DRAFTED = datetime(2026, 3, 14, 9, tzinfo=UTC)
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def _today() -> Any:
    with time_machine.travel(DRAFTED, tick=False):
        yield


@pytest.fixture
def edition() -> Edition:
    for number in (3, 2, 1):
        make_opportunity(f"Talk {number}", opened_at=DRAFTED - timedelta(days=number))
    return actions.draft(SLOT, at=DRAFTED)


@pytest.fixture
def maya(client: Client) -> Client:
    client.force_login(make_user("Maya", Role.MODERATOR))
    return client


def order(edition: Edition) -> list[str]:
    return list(edition.items.filter(section="opportunities").order_by("order", "pk").values_list("title", flat=True))


def item(edition: Edition, title: str) -> EditionItem:
    return edition.items.get(title=title)


class TestTheOrder:
    def test_an_item_is_put_before_another_or_last(self, edition: Edition) -> None:
        assert order(edition) == ["Talk 1", "Talk 2", "Talk 3"]
        assert actions.place(item(edition, "Talk 3"), before=item(edition, "Talk 1")) == (1, 3)
        assert order(edition) == ["Talk 3", "Talk 1", "Talk 2"]
        assert actions.place(item(edition, "Talk 3"), before=None) == (3, 3)
        assert actions.place(item(edition, "Talk 2"), before=item(edition, "Talk 2")) == (2, 3)
        assert order(edition) == ["Talk 1", "Talk 2", "Talk 3"]

    def test_only_within_its_section(self, edition: Edition) -> None:
        news = actions.put_item(edition, None, section="news", title="New", text="", link="")
        with pytest.raises(Refused, match="within their section"):
            actions.place(item(edition, "Talk 1"), before=news)

    def test_dragged_it_answers_with_the_items_and_what_to_say(self, maya: Client, edition: Edition) -> None:
        address = reverse("newsletter:place", args=[edition.public_id, item(edition, "Talk 3").pk])
        answer = maya.post(address, {"before": item(edition, "Talk 2").pk}, **HTMX)
        page = answer.content.decode()
        assert page.lstrip().startswith("<section") and "Talk 3: now 2 of 3" in page
        assert f'value="{actions.fingerprint(edition)}"' in page, "what is approved next is what stands here now"
        assert order(edition) == ["Talk 1", "Talk 3", "Talk 2"]

    def test_the_arrows_do_the_same_with_and_without_a_script(self, maya: Client, edition: Edition) -> None:
        up = reverse("newsletter:arrange", args=[edition.public_id, item(edition, "Talk 2").pk, "up"])
        assert "Talk 2: now 1 of 3" in maya.post(up, **HTMX).content.decode()
        assert maya.post(up).status_code == 302
        assert order(edition) == ["Talk 2", "Talk 1", "Talk 3"]

    @pytest.mark.parametrize("before", ["0", "99999999", "-1"])
    def test_a_place_that_is_none_changes_nothing(self, maya: Client, edition: Edition, before: str) -> None:
        address = reverse("newsletter:place", args=[edition.public_id, item(edition, "Talk 3").pk])
        assert maya.post(address, {"before": before}, **HTMX).status_code in {200, 404}
        assert sorted(order(edition)) == ["Talk 1", "Talk 2", "Talk 3"]

    def test_an_item_of_another_edition_is_not_found(self, maya: Client, edition: Edition) -> None:
        other = actions.draft(date(2026, 4, 7), at=DRAFTED)
        address = reverse("newsletter:place", args=[other.public_id, item(edition, "Talk 3").pk])
        assert maya.post(address, **HTMX).status_code == 404

    def test_an_approved_edition_keeps_its_order(self, maya: Client, edition: Edition) -> None:
        actions.approve(edition, by=make_user("Lena", Role.LEAD), at=DRAFTED)
        up = reverse("newsletter:arrange", args=[edition.public_id, item(edition, "Talk 2").pk, "up"])
        answer = maya.post(up, **HTMX)
        assert answer.status_code == 409 and "Take the approval back" in answer.content.decode()
        assert order(edition) == ["Talk 1", "Talk 2", "Talk 3"]


class TestWordsThatSaveThemselves:
    def write(self, maya: Client, edition: Edition, **said: Any) -> Any:
        usual = {"subject": "A subject", "preheader": "", "intro": "Hello.", "hour": "9"}
        fields = {**usual, "mark": actions.mark_of_words(edition), **said}
        return maya.post(reverse("newsletter:edit", args=[edition.public_id]), fields, **HTMX)

    def test_what_is_typed_is_kept_and_said(self, maya: Client, edition: Edition) -> None:
        answer = self.write(maya, edition, subject="Typed just now")
        edition.refresh_from_db()
        assert edition.subject == "Typed just now"
        assert "Saved at" in answer.content.decode()
        assert actions.mark_of_words(edition) in answer.content.decode()

    def test_what_cannot_be_kept_says_why(self, maya: Client, edition: Edition) -> None:
        before = edition.subject
        answer = self.write(maya, edition, subject="")
        assert answer.status_code == 422 and "Not saved" in answer.content.decode()
        edition.refresh_from_db()
        assert edition.subject == before

    def test_two_editors_do_not_overwrite_each_other(self, maya: Client, edition: Edition) -> None:
        mark = actions.mark_of_words(edition)
        self.write(maya, edition, subject="The other editor's")
        answer = self.write(maya, edition, subject="Mine", mark=mark)
        assert answer.status_code == 409 and "Somebody else" in answer.content.decode()
        edition.refresh_from_db()
        assert edition.subject == "The other editor's"

    def test_without_a_script_it_is_an_ordinary_form(self, maya: Client, edition: Edition) -> None:
        fields = {"subject": "Plain", "preheader": "", "intro": "", "hour": "9"}
        assert maya.post(reverse("newsletter:edit", args=[edition.public_id]), fields).status_code == 302
        edition.refresh_from_db()
        assert edition.subject == "Plain"


class TestEventsAndPrograms:
    def make_group(self, name: str, **more: Any) -> CustomerGroup:
        fields = {
            "slug": name.lower().replace(" ", "-"), "kind": "advisory", "what": "Twice a year.", "benefit": "Early.",
            "seats": 5, "joining": "application", "created_at": DRAFTED - timedelta(days=3), **more,
        }  # fmt: skip
        return CustomerGroup.objects.create(name=name, **fields)

    def test_a_group_that_takes_members_is_told_of_once_in_two_months(self) -> None:
        self.make_group("Planners")
        self.make_group("By invitation", joining="invitation")
        first = actions.draft(SLOT, at=DRAFTED)
        assert list(first.items.filter(section="programs").values_list("title", flat=True)) == ["Planners"]
        assert "5 seats are free" in first.items.get(section="programs").text
        second = actions.draft(SLOT + timedelta(days=14), at=DRAFTED + timedelta(days=14))
        assert not second.items.filter(section="programs").exists()
        third = actions.draft(SLOT + timedelta(days=70), at=DRAFTED + timedelta(days=70))
        assert third.items.filter(section="programs").exists()

    def test_one_that_was_left_out_comes_again(self) -> None:
        self.make_group("Planners")
        first = actions.draft(SLOT, at=DRAFTED)
        actions.drop(first.items.get(section="programs"), True)
        second = actions.draft(SLOT + timedelta(days=14), at=DRAFTED + timedelta(days=14))
        assert second.items.filter(section="programs").exists()


class TestHowFarItIs:
    def begin(self, edition: Edition, number: int = 3) -> str:
        for _n in range(number):
            make_advocate()
        actions.approve(edition, by=make_user("Lena", Role.LEAD), at=DRAFTED)
        actions.begin(edition, at=DRAFTED)
        while actions.queue_some(edition, at=DRAFTED):
            pass
        return actions.batch_of(edition)

    def test_a_small_run_is_counted_as_it_is(self, edition: Edition) -> None:
        key = self.begin(edition)
        Message.objects.filter(pk=Message.objects.filter(batch=key)[0].pk).update(status="sent", sent_at=DRAFTED)
        assert progress.of(key) == {"total": 3, "sent": 1, "waiting": 2, "doubt": 0, "failed": 0, "left_out": 0}

    def test_a_big_one_as_the_clock_counted_it(self, edition: Edition, monkeypatch: Any, maya: Client) -> None:
        monkeypatch.setattr(progress, "BIG", 2)
        key = self.begin(edition)
        assert progress.count_runs(at=DRAFTED) == 1
        Message.objects.filter(batch=key).update(status="sent", sent_at=DRAFTED)
        assert progress.of(key)["sent"] == 0
        progress.count_runs(at=DRAFTED)
        assert progress.of(key)["sent"] == 3
        assert progress.count_runs(at=DRAFTED) == 0, "it has ended"
        assert progress.count_runs(at=DRAFTED, also_done=True) == 1
        page = maya.get(reverse("newsletter:edit", args=[edition.public_id]), **HTMX).content.decode()
        assert "3 of 3" in page and "<html" not in page

    def test_the_page_that_asks_again_asks_little(self, edition: Edition, monkeypatch: Any, maya: Client) -> None:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        monkeypatch.setattr(progress, "BIG", 2)
        self.begin(edition)
        progress.count_runs(at=DRAFTED)
        address = reverse("newsletter:edit", args=[edition.public_id])
        maya.get(address, **HTMX)
        with CaptureQueriesContext(connection) as asked:
            maya.get(address, **HTMX)
        assert not [one for one in asked if "delivery_message" in one["sql"]]
        assert Batch.objects.get().counted_at is not None

    def test_how_many_readers_is_told_in_its_own_time(self, maya: Client, edition: Edition) -> None:
        make_advocate("Ines")
        page = maya.get(reverse("newsletter:edit", args=[edition.public_id])).content.decode()
        assert reverse("newsletter:readers") in page and "reader today" not in page
        assert "1 reader today" in maya.get(reverse("newsletter:readers")).content.decode()
