"""Rita compares two entries of a company: the facts go with the side she keeps, but for what she chose by hand."""

import pytest
from playwright.sync_api import expect

from advocacy.crm import duplicates
from advocacy.crm.models import Likeness
from advocacy.users.models import Role
from tests.browser.conftest import OpenPage, breaches
from tests.factories import NOON, make_account, make_contact, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_facts_go_with_the_side_that_stays_until_chosen_by_hand(open_page: OpenPage) -> None:
    kestrel = make_account("Kestrel Foods", employees=900, region="Europe", domain="kestrel.example")
    twin = make_account("Kestrel Foods GmbH", employees=5_000, region="Asia", domain="")
    make_contact("Ines", kestrel)
    duplicates.look(at=NOON)
    pair = Likeness.objects.get()
    page = open_page(f"/duplicates/{pair.pk}/", make_user("Rita", Role.MANAGER))

    def choice(fact: str, pk: int) -> str:
        return f'input[name="{fact}"][value="{pk}"]'

    for fact in ("stays", "fact_name", "fact_employees"):
        expect(page.locator(choice(fact, kestrel.pk))).to_be_checked()
    page.locator(choice("fact_region", kestrel.pk)).check()
    page.locator(choice("stays", twin.pk)).check()
    for fact in ("fact_name", "fact_employees"):
        expect(page.locator(choice(fact, twin.pk))).to_be_checked()
    expect(page.locator(choice("fact_domain", kestrel.pk))).to_be_checked()
    page.locator(choice("fact_region", kestrel.pk)).check()
    page.locator(choice("fact_employees", kestrel.pk)).check()
    page.locator(choice("stays", kestrel.pk)).check()
    page.locator(choice("stays", twin.pk)).check()
    expect(page.locator(choice("fact_name", twin.pk))).to_be_checked()
    expect(page.locator(choice("fact_employees", kestrel.pk))).to_be_checked()
    assert breaches(page) == [] and page.complaints == []  # type: ignore[attr-defined]
