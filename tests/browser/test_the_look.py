"""The look in a real browser: readable by rule, no sideways scroll, quiet under the policy, by key, without script."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, breaches, scrolls_sideways
from tests.factories import make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ["/look/?errors=1&said=1", "/admin/", "/admin/users/user/", "/accounts/sessions/", "/accounts/password/change/"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_pages_are_accessible_and_never_scroll_sideways(open_page: OpenPage, width: int, dark: bool) -> None:
    ada = make_user("Ada Mensah", "administrator")
    for path in PAGES:
        page = open_page(path, ada, width=width, dark=dark)
        assert breaches(page) == [], path
        assert not scrolls_sideways(page), path
        assert page.complaints == [], path  # type: ignore[attr-defined]
        page.context.close()


@pytest.mark.parametrize("width", [320, 1280])
def test_the_door_and_a_page_that_is_not_there(open_page: OpenPage, width: int) -> None:
    for path in ("/accounts/login/", "/accounts/login/code/", "/accounts/password/reset/", "/nothing/"):
        page = open_page(path, width=width)
        assert breaches(page) == [], path
        assert not scrolls_sideways(page), path


class TestByKey:
    def test_the_first_stop_leads_past_the_navigation(self, open_page: OpenPage) -> None:
        page = open_page("/look/", make_user("Rita", "manager"))
        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()

    def test_a_menu_opens_and_escape_gives_the_focus_back(self, open_page: OpenPage) -> None:
        page = open_page("/look/", make_user("Rita", "manager"))
        summary = page.locator("nav.side .me > summary")
        summary.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
        expect(summary).to_be_focused()

    def test_errors_of_a_form_take_the_focus(self, open_page: OpenPage) -> None:
        page = open_page("/look/?errors=1", make_user("Rita", "manager"))
        expect(page.locator(".error-summary").first).to_be_focused()

    def test_what_has_the_focus_is_seen(self, open_page: OpenPage) -> None:
        page = open_page("/look/", make_user("Rita", "manager"))
        for _step in range(12):
            page.keyboard.press("Tab")
            ring = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
            assert float(re.sub("[^0-9.]", "", ring)) >= 2


class TestOnAPhone:
    def test_the_navigation_is_at_the_foot_and_holds_all_behind_more(self, open_page: OpenPage) -> None:
        page = open_page("/look/", make_user("Ada", "administrator"), width=375)
        expect(page.locator("nav.side")).to_be_hidden()
        bar = page.locator("nav.phone-nav")
        expect(bar).to_be_in_viewport()
        assert bar.locator(":scope > *").count() <= 5
        assert all(
            box["width"] >= 44 and box["height"] >= 44
            for box in (one.bounding_box() for one in bar.locator(":scope > a, :scope > details > summary").all())
            if box
        )
        bar.get_by_text("More").click()
        expect(bar.get_by_role("button", name="Sign out")).to_be_in_viewport()

    def test_buttons_come_under_their_text(self, open_page: OpenPage) -> None:
        page = open_page("/look/", make_user("Rita", "manager"), width=375)
        item = page.locator(".item").first
        what, actions = item.locator(".what").bounding_box(), item.locator(".actions").bounding_box()
        assert what and actions and actions["y"] >= what["y"] + what["height"]


class TestWithoutScript:
    def test_one_signs_in_and_out(self, open_page: OpenPage) -> None:
        rita = make_user("Rita Morgan", "manager", password="a-good-password")
        page = open_page("/accounts/login/?next=/look/", scripts=False)
        page.get_by_label("E-mail").fill(rita.email)
        page.get_by_label("Password").fill("a-good-password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="The look", level=1)).to_be_visible()
        page.locator("nav.side .me > summary").click()
        page.get_by_role("button", name="Sign out").click()
        page.goto("/look/")
        expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()

    def test_a_wrong_password_keeps_the_address_and_says_what_to_do(self, open_page: OpenPage) -> None:
        page = open_page("/accounts/login/", scripts=False)
        page.get_by_label("E-mail").fill("rita@company.test")
        page.get_by_label("Password").fill("not-it-at-all")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".error-summary")).to_be_visible()
        expect(page.get_by_label("E-mail")).to_have_value("rita@company.test")


def test_the_companys_accent_is_worn_by_every_page(open_page: OpenPage) -> None:
    from advocacy.crm.models import Program

    program = Program.current()
    program.accent = "#7a1fa2"
    program.save()
    page = open_page("/look/", make_user("Rita", "manager"))
    colour = page.locator(".btn").first.evaluate("one => getComputedStyle(one).backgroundColor")
    assert colour == "rgb(122, 31, 162)"
    assert breaches(page) == []
