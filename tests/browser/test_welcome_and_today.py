"""Joining's last steps and a manager's small helps, as they are used in a browser."""

from typing import Any

import pytest
from playwright.sync_api import expect

from advocacy.users.models import Role
from advocates import snippets
from advocates.models import Advocate, Snippet
from tests.browser.conftest import OpenPage, breaches, scrolls_sideways
from tests.factories import NOON, make_account, make_advocate, make_kind, make_pod, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def mei() -> Advocate:
    make_kind("podcast", group="media", minutes=40, name="Podcast")
    pod = make_pod(make_user("Rita Morgan", Role.MANAGER))
    return make_advocate("Mei Tanaka", make_account("Kestrel Foods"), pod=pod)


class TestTheWelcome:
    @pytest.mark.parametrize(("width", "scripts"), [(375, True), (1280, False)], ids=["phone", "without-scripts"])
    def test_three_steps_forth_and_back_to_a_page_with_a_way_on(
        self, open_page: OpenPage, mei: Advocate, width: int, scripts: bool
    ) -> None:
        page: Any = open_page("/welcome/", mei.user, width=width, dark=scripts, scripts=scripts)
        expect(page.get_by_text("Step 1 of 3")).to_be_visible()
        page.get_by_label("What would make this worth your time?").fill("Two peers")
        page.get_by_role("button", name="Go on").click()
        page.get_by_label("Podcast").check()
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="Back").click()
        expect(page.get_by_label("Podcast")).to_be_checked()
        page.get_by_role("button", name="Go on").click()
        if scripts:
            assert breaches(page) == []
            assert not scrolls_sideways(page)
        page.get_by_role("button", name="Done").click()
        expect(page.get_by_role("heading", name="Good to have you, Mei")).to_be_visible()
        page.get_by_role("link", name="To my home page").click()
        expect(page.get_by_text("What can we do for you?")).to_be_visible()
        assert page.complaints == []
        mei.refresh_from_db()
        assert (mei.valuable, mei.wants) == ("Two peers", ["podcast"])


class TestWordsAndViews:
    def test_a_snippet_goes_into_the_thanks(self, open_page: OpenPage, mei: Advocate) -> None:
        rita = mei.manager
        snippets.save(None, name="After a call", text="Dear {given_name}, thank you.", shared=False, at=NOON, by=rita)
        assert Snippet.objects.get().owner == rita
        page: Any = open_page(f"/advocates/{mei.public_id}/", rita)
        page.locator("#thanks").get_by_text("Snippets").click()
        page.get_by_role("button", name="After a call").click()
        expect(page.get_by_label("In your own words")).to_have_value("Dear Mei, thank you.")
        assert page.complaints == []

    def test_a_filter_is_kept_from_the_list_itself(self, open_page: OpenPage, mei: Advocate) -> None:
        page: Any = open_page("/advocates/?status=left", mei.manager)
        page.get_by_text("Views", exact=True).click()
        page.get_by_label("Keep what you see as").fill("Who left")
        assert breaches(page) == []
        page.get_by_role("button", name="Keep this view").click()
        page.goto("/advocates/")
        page.get_by_text("Views", exact=True).click()
        page.get_by_role("link", name="Who left").click()
        page.wait_for_url("**/advocates/?status=left")
        assert page.complaints == []
