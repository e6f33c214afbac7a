"""Rita reads down the candidates of a request: the way on stays in sight and counts what she has chosen (D5, D6)."""

import pytest
from playwright.sync_api import expect

from advocacy.users.models import Role
from tests.browser.conftest import OpenPage, breaches, scrolls_sideways
from tests.factories import make_advocate, make_request, make_user

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
