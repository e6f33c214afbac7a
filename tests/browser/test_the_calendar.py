"""Maya plans the month: by drag, by keys, on a phone; each time the calendar says what it did, and takes it back."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone
from django.utils.formats import date_format
from playwright.sync_api import Page, expect

from advocacy.users.models import Role, User
from community.models import Space
from newsletter.actions import calendar as actions
from newsletter.actions import editions
from newsletter.models import Entry
from tests.browser.conftest import OpenPage, breaches, scrolls_sideways
from tests.factories import make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def maya() -> User:
    return make_user("Maya Lindqvist", Role.MODERATOR)


def monday() -> date:
    """The Monday of a week that lies ahead, in the month that is shown with it."""
    today = timezone.now().date()
    return today + timedelta(days=7 - today.weekday())


def week() -> str:
    year, number, _day = monday().isocalendar()
    return f"{year}-W{number:02d}"


def put(maya: User, title: str, day: date | None, **more: object) -> Entry:
    space = Space.objects.get_or_create(slug="cal-rollouts", defaults={"name": "Rollouts"})[0]
    fields = {"body": "One, two, three.", "type": "educational", **more}
    return actions.add(by=maya, at=timezone.now(), title=title, day=day, hour=time(9), space=space, **fields)


def day_of(entry: Entry) -> date | None:
    entry.refresh_from_db()
    return entry.due_at.date() if entry.due_at else None


def cell(page: Page, day: date) -> Any:
    return page.locator(f'.day[data-day="{day}"]')


def drag(page: Page, piece: Any, place: Any) -> None:
    """As a hand does it: press, move a little, move there, let go."""
    piece.scroll_into_view_if_needed()
    here = piece.bounding_box()
    page.mouse.move(here["x"] + 30, here["y"] + 30)
    page.mouse.down()
    page.mouse.move(here["x"] + 45, here["y"] + 45, steps=4)
    there = place.bounding_box()
    page.mouse.move(there["x"] + there["width"] / 2, there["y"] + min(there["height"] / 2, 160), steps=6)
    page.mouse.up()


def sound(page: Page) -> None:
    assert not page.complaints  # type: ignore[attr-defined]
    assert not breaches(page)
    assert not scrolls_sideways(page)


def test_dragged_to_another_day_and_back_by_undo(open_page: OpenPage, maya: User) -> None:
    checks, idea = put(maya, "Five checks", monday()), put(maya, "Ask the mill", None, type="story")
    page = open_page(f"/newsletter/calendar/?week={week()}", maya)
    sound(page)
    target = monday() + timedelta(days=3)
    drag(page, page.get_by_role("link", name="Five checks").first, cell(page, target))
    expect(cell(page, target).get_by_text("Five checks")).to_be_visible()
    expect(page.locator("#calendar-said")).to_have_text(f"“Five checks” is on {date_format(target, 'l, j F')} now.")
    assert day_of(checks) == target
    page.get_by_role("button", name="Undo").click()
    expect(cell(page, monday()).get_by_text("Five checks")).to_be_visible()
    assert day_of(checks) == monday()
    drag(page, page.locator(".ideas").get_by_role("link", name="Ask the mill").first, cell(page, target))
    expect(cell(page, target).get_by_text("Ask the mill")).to_be_visible()
    assert day_of(idea) == target
    drag(page, cell(page, target).get_by_role("link", name="Ask the mill").first, page.locator(".ideas"))
    expect(page.locator(".ideas").get_by_text("Ask the mill")).to_be_visible()
    assert day_of(idea) is None
    sound(page)


def test_a_refused_drop_says_why_and_leaves_it(open_page: OpenPage, maya: User) -> None:
    editions.draft(monday(), at=timezone.now())
    editions.draft(monday() + timedelta(days=2), at=timezone.now())
    page = open_page(f"/newsletter/calendar/?week={week()}", maya)
    drag(page, page.locator(".t-edition.moves > .body").first, cell(page, monday() + timedelta(days=2)))
    expect(page.get_by_text("There is an edition on that day already").first).to_be_visible()
    expect(cell(page, monday()).locator(".piece")).to_have_count(1)
    assert not breaches(page)


def test_moved_with_the_keys_alone(open_page: OpenPage, maya: User) -> None:
    checks = put(maya, "Five checks", monday())
    page = open_page(f"/newsletter/calendar/?week={week()}", maya)
    said = page.locator("#calendar-said")
    piece = page.locator(f'[data-piece="entries-{checks.public_id}"]')
    piece.focus()
    page.keyboard.press("Space")
    expect(said).to_contain_text("“Five checks” picked up.")
    page.keyboard.press("ArrowRight")
    expect(said).to_have_text(date_format(monday() + timedelta(days=1), "l, j F"))
    page.keyboard.press("Escape")
    expect(said).to_have_text("“Five checks” stays where it is.")
    assert day_of(checks) == monday()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(cell(page, monday() + timedelta(days=2)).get_by_text("Five checks")).to_be_visible()
    expect(said).to_contain_text("Five checks” is on")
    expect(piece).to_be_focused()
    assert day_of(checks) == monday() + timedelta(days=2)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Five checks")


def test_a_click_on_an_empty_day_begins_something_there(open_page: OpenPage, maya: User) -> None:
    page = open_page(f"/newsletter/calendar/?week={week()}", maya)
    cell(page, monday()).click(position={"x": 60, "y": 300})
    expect(page.get_by_label("Day")).to_have_value(f"{monday()}")
    sound(page)
    page.get_by_label("Title").fill("Five checks")
    page.get_by_role("button", name="Save the draft").click()
    expect(cell(page, monday()).get_by_text("Five checks")).to_be_visible()


def test_an_idea_is_noted_without_leaving_the_page(open_page: OpenPage, maya: User) -> None:
    page = open_page("/newsletter/calendar/", maya)
    page.get_by_label("Note an idea").fill("Ask the mill")
    page.keyboard.press("Enter")
    expect(page.locator(".ideas").get_by_text("Ask the mill")).to_be_visible()
    assert Entry.objects.get().due_at is None


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_it_is_an_agenda_and_moved_by_its_form(open_page: OpenPage, maya: User, dark: bool) -> None:
    checks = put(maya, "Five checks", monday())
    put(maya, "The mill", monday() + timedelta(days=1), type="story")
    page = open_page(f"/newsletter/calendar/?week={week()}", maya, width=375, dark=dark)
    expect(page.get_by_text(date_format(monday(), "l, j F"), exact=True)).to_be_visible()
    expect(cell(page, monday() + timedelta(days=5))).to_be_hidden()
    sound(page)
    page.get_by_role("link", name="Move “Five checks”").click()
    sound(page)
    page.get_by_label("Day").fill(f"{monday() + timedelta(days=4)}")
    page.get_by_role("button", name="Move it").click()
    expect(page.get_by_text("“Five checks” is on")).to_be_visible()
    assert day_of(checks) == monday() + timedelta(days=4)
    sound(page)


def test_without_scripts_everything_can_still_be_done(open_page: OpenPage, maya: User) -> None:
    checks = put(maya, "Five checks", monday())
    page = open_page(f"/newsletter/calendar/?week={week()}", maya, scripts=False)
    page.get_by_role("link", name="Move “Five checks”").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Day").fill(f"{monday() + timedelta(days=4)}")
    page.get_by_role("button", name="Move it").click()
    page.get_by_role("button", name="Undo").click()
    assert day_of(checks) == monday()
    page.get_by_label("Kind").select_option("prompt")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Five checks")).to_have_count(0)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (375, False), (375, True)])
def test_every_state_reads_well(open_page: OpenPage, maya: User, width: int, dark: bool) -> None:
    now = timezone.now()
    for number, type in enumerate(
        ["educational", "networking", "announcement", "challenge", "spotlight", "story", "fun"]
    ):
        put(maya, f"A {type} post", monday() + timedelta(days=number), type=type)
    there = list(Entry.objects.all())
    actions.approve(there[0], by=maya, at=now)
    actions.publish(actions.approve(there[1], by=maya, at=now, now=True), at=now + timedelta(seconds=1))
    Entry.objects.filter(pk=there[2].pk).update(status="missed", due_at=datetime.now(tz=now.tzinfo), result="Too late.")
    put(maya, "An idea", None)
    page = open_page("/newsletter/calendar/", maya, width=width, dark=dark)
    sound(page)
    for one in there[:3]:
        page.goto(f"/newsletter/calendar/{one.public_id}/")
        sound(page)
