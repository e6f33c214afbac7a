"""Rita reads down the candidates of a request, and an account owner has a word first (D5, D6)."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from advocacy.lib import signed
from advocacy.users.models import Role
from opportunities.actions import desk
from opportunities.actions.desk import Pick
from opportunities.mails.desk import approval_of
from tests.browser.conftest import OpenPage, breaches, scrolls_sideways
from tests.factories import make_account, make_advocate, make_request, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("width", [1280, 375])
def test_nominating_stays_in_sight_and_counts_from_the_keyboard(open_page: OpenPage, width: int) -> None:
    people = [make_advocate(f"Ines Barbosa {number:02}") for number in range(16)]
    page = open_page(
        f"/admin/opportunities/referencerequest/{make_request().pk}/change/", make_user("Rita", Role.MANAGER),
        width=width,
    )  # fmt: skip
    nominate = page.get_by_role("button", name="Nominate the ticked ones")
    boxes = page.get_by_role("checkbox", name="Choose Ines")
    for place in (0, len(people) // 2, len(people) - 1):
        boxes.nth(place).focus()
        page.keyboard.press("Space")
        expect(boxes.nth(place)).to_be_checked()
        expect(page.get_by_text(f"{[0, 8, 15].index(place) + 1} chosen")).to_be_visible()
        expect(nominate).to_be_in_viewport(ratio=1)
        row, bar = boxes.nth(place).bounding_box(), nominate.bounding_box()
        assert row is not None and bar is not None
        assert row["y"] + row["height"] <= bar["y"], "the bar lies over what has the focus"
        under = "([x, y]) => document.elementFromPoint(x, y).textContent"
        middle = [bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2]
        assert "Nominate" in page.evaluate(under, middle), "something lies over the button"
    assert not page.complaints and not breaches(page) and not scrolls_sideways(page)  # type: ignore[attr-defined]
    nominate.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ask 3 advocates about Kestrel Foods")
    page.go_back()
    expect(page.get_by_text("3 chosen")).to_be_visible()


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (375, True)])
def test_an_account_owner_says_no_by_the_link_in_the_mail(open_page: OpenPage, width: int, dark: bool) -> None:
    olga = make_user("Olga Peters", Role.OWNER)
    ines = make_advocate("Ines Barbosa", make_account("Acorn", owner=olga, owner_approves=True))
    rita, wanted = make_user("Rita", Role.MANAGER), make_request()
    (asked,) = desk.nominate(wanted, [Pick(ines.pk, "You know night shifts.")], by=rita, at=timezone.now())
    page = open_page(f"/approve/{signed.sign('approve', approval_of(asked))}/", width=width, dark=dark)
    expect(page.get_by_role("button", name="Yes, ask Ines Barbosa")).to_be_visible()
    assert not page.complaints and not breaches(page) and not scrolls_sideways(page)  # type: ignore[attr-defined]
    page.get_by_text("No, not this time").click()
    page.get_by_label("Why not?").fill("They are renewing.")
    page.get_by_role("button", name="Do not ask them").click()
    expect(page.get_by_role("heading", name="You said no")).to_be_visible()
    desk_page = open_page(f"/admin/opportunities/referencerequest/{wanted.pk}/change/", rita, width=width, dark=dark)
    expect(desk_page.get_by_text("Olga Peters: “They are renewing.”")).to_be_visible()
    assert not breaches(desk_page) and not scrolls_sideways(desk_page)
    own = open_page("/approvals/", olga, width=width, dark=dark)
    expect(own.get_by_text("Nothing waits for you")).to_be_visible()
    assert not breaches(own) and not scrolls_sideways(own)
