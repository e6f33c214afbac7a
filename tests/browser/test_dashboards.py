"""The dashboards in a real browser: by rule, at 320 px, in both schemes, and without script."""

import pytest
from playwright.sync_api import expect

from advocacy.users.models import Role
from tests.browser.conftest import OpenPage, breaches, scrolls_sideways
from tests.dashboards.test_pages import a_month_of_work
from tests.factories import make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ["/dashboards/", "/dashboards/influenced_revenue/", "/dashboards/time_to_fulfil/", "/dashboards/funnel/"]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_pages_are_accessible_and_never_scroll_sideways(open_page: OpenPage, width: int, dark: bool) -> None:
    lena = make_user("Lena Novak", Role.LEAD)
    a_month_of_work(4)
    for path in PAGES:
        page = open_page(path, lena, width=width, dark=dark)
        assert breaches(page) == [], path
        assert not scrolls_sideways(page), path
        assert page.complaints == [], path  # type: ignore[attr-defined]
        page.context.close()


def test_filters_and_tables_work_without_script(open_page: OpenPage) -> None:
    lena = make_user("Lena Novak", Role.LEAD)
    a_month_of_work(4)
    page = open_page("/dashboards/", lena, scripts=False)
    page.get_by_text("All regions, teams, industries").click()
    page.get_by_label("Region").select_option("Europe")
    page.get_by_role("button", name="Show").last.click()
    assert "region=Europe" in page.url
    page.get_by_role("link", name="3 months").click()
    assert "region=Europe" in page.url and "period=3m" in page.url
    page.get_by_text("As a table").first.click()
    expect(page.get_by_role("table", name="Requests fulfilled").first).to_be_visible()
    page.get_by_role("link", name="See the 4 requests").click()
    expect(page.get_by_role("heading", name="Requests fulfilled", level=1)).to_be_visible()
    assert page.locator("#rows tbody tr").count() == 4
