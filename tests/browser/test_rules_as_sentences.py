"""Lena says a lifecycle rule as a sentence: the page shows what that sentence needs, and keeps what she typed."""

import pytest
from playwright.sync_api import expect

from advocacy.users.models import Role
from advocates.models import Cohort, LifecycleRule
from tests.browser.conftest import OpenPage, breaches
from tests.factories import make_kind, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_each_deed_asks_for_what_it_needs_and_nothing_else(open_page: OpenPage) -> None:
    lena = make_user("Lena Novak", Role.LEAD)
    make_kind("webinar", name="Webinar")
    europe = Cohort.objects.create(
        name="In Europe", definition={"all": [{"fact": "account.region", "value": ["Europe"]}]}, by=lena
    )
    page = open_page("/rules/new/", lena)
    task, offered = page.get_by_label("What the task says"), page.get_by_label("Webinar")
    page.get_by_label("The portal does this").select_option("task")
    expect(task).to_be_visible()
    expect(offered).to_be_hidden()
    expect(page.get_by_label("Only people of the cohort")).to_be_hidden()
    task.fill("Call and say hello")
    page.get_by_label("The portal does this").select_option("offer")
    expect(task).to_be_hidden()
    offered.check()
    page.get_by_label("Only people of the cohort").select_option("In Europe")
    page.get_by_label("The portal does this").select_option("task")
    expect(task).to_have_value("Call and say hello")
    page.get_by_label("The portal does this").select_option("offer")
    page.get_by_label("Its name").fill("Signed: a stage for them")
    assert breaches(page) == []
    page.get_by_role("button", name="Save and try it").click()
    expect(page.get_by_text("Saved as a draft")).to_be_visible()
    rule = LifecycleRule.objects.get(name="Signed: a stage for them")
    assert (rule.effect, rule.effect_params, rule.cohort) == ("offer", {"kinds": ["webinar"]}, europe)


def test_without_scripts_every_field_is_there(open_page: OpenPage) -> None:
    make_kind("webinar", name="Webinar")
    page = open_page("/rules/new/", make_user("Lena Novak", Role.LEAD), scripts=False)
    expect(page.get_by_label("What the task says")).to_be_visible()
    expect(page.get_by_label("Webinar")).to_be_visible()


def test_conditions_read_on_as_the_sentence_does(open_page: OpenPage) -> None:
    page = open_page("/rules/new/", make_user("Lena Novak", Role.LEAD))
    first, second = page.get_by_role("group", name="Condition 1"), page.get_by_role("group", name="Condition 2")
    expect(first.get_by_label("this fact", exact=True)).to_be_visible()
    expect(second.get_by_label("and this fact", exact=True)).to_be_visible()
    expect(first.get_by_label("with this", exact=True)).to_be_visible()
    expect(first.get_by_text("(optional)")).to_have_count(0)
    assert breaches(page) == []
