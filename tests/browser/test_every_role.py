"""Each role's main pages in a real browser: by rule, in both schemes, wide and on a phone, nothing blocked."""

from typing import Any

import pytest

from advocacy.users.models import Role, User
from advocates import snippets
from advocates.actions import launching, letters, nominations, wishes
from advocates.models import Cohort, InvitationTemplate, JourneyStage, Letter, Recognition, Task
from community import actions as community
from community.models import Space
from newsletter import actions as newsletter
from tests.browser.conftest import OpenPage, breaches, scrolls_sideways
from tests.factories import (
    NOON,
    make_advocate,
    make_contact,
    make_deal,
    make_opportunity,
    make_pod,
    make_request,
    make_user,
)

# A walk over forty pages in four ways takes minutes: it belongs to the long runs.
pytestmark = [pytest.mark.browser, pytest.mark.soak, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def program() -> dict[str, Any]:
    """A small program with something of everything on its pages."""
    rita = make_user("Rita Morgan", Role.MANAGER)
    sam = make_user("Sam Carter", Role.REQUESTER)
    maya = make_user("Maya Lindqvist", Role.MODERATOR)
    lena = make_user("Lena Novak", Role.LEAD)
    ines = make_advocate("Ines Barbosa", pod=make_pod(rita))
    omar = make_advocate("Omar Haddad")
    opportunity = make_opportunity("Share how you cut stock-outs", seats=3, summary="Forty-five minutes.")
    Recognition.objects.create(advocate=ines, title="Ines closed the books in two days", by=maya)
    Task.objects.create(kind="care", key="k", text="Call Ines", advocate=ines, assignee=rita, due_at=NOON)
    deal = make_deal("Kestrel Foods, Planning", owner=sam)
    wanted = make_request(sam, deal=deal)
    space = Space.objects.order_by("order").first() or Space.objects.create(slug="hello", name="Hello")
    topic = community.start_topic(omar.user, space, title="Thirty-eight sites", body="We wanted **ten**.", at=NOON)
    answer = community.reply(ines.user, topic, body="Brave.", at=NOON)
    community.flag(answer, by=omar.user, reason="Too short.", at=NOON)
    edition = newsletter.draft(NOON.date(), at=NOON)
    # A browser test empties the tables, so what migrations wrote is written again.
    words = InvitationTemplate.objects.create(
        region="Europe", language="en", subject="Join {program}", body="Dear {given_name}", basis="Customers."
    )
    JourneyStage.objects.create(name="Onboarding by hand", gap="Nobody says thank you")
    make_contact("Mei Lin")
    cohort = Cohort.objects.create(
        name="In Europe", definition={"all": [{"fact": "account.region", "value": ["Europe"]}]}, by=lena
    )
    launch = launching.begin("Europe", by=lena, at=NOON)
    facts = {"given_name": "Jo", "family_name": "Lind", "company": "Kestrel Foods", "why": "Tells everybody."}
    nominated = nominations.nominate(by=sam, email="jo@kestrel.test", facts=facts, at=NOON)
    wish = wishes.wish(ines, kind="meet", text="Somebody who plans ten sites.", at=NOON)
    letters.write_to_manager(ines, text="Is there a test system?", at=NOON)
    snippets.save(None, name="After a call", text="Dear {given_name}, thank you.", shared=True, at=NOON, by=lena)
    return {
        "rita": rita, "sam": sam, "maya": maya, "lena": lena, "ines": ines.user,
        "opportunity": f"/opportunities/{opportunity.public_id}/", "topic": f"/community/t/{topic.public_id}/",
        "request": f"/requests/{wanted.public_id}/", "space": f"/community/s/{space.slug}/",
        "desk": f"/admin/opportunities/referencerequest/{wanted.pk}/change/",
        "cohort": f"/cohorts/{cohort.pk}/", "cohort_edit": f"/cohorts/{cohort.pk}/edit/",
        "cohort_invite": f"/cohorts/{cohort.pk}/invite/", "words": f"/invitations/words/{words.pk}/",
        "launch": f"/launches/{launch.pk}/", "nominated": f"/nominated/{nominated.public_id}/",
        "wish": f"/wishes/{wish.public_id}/", "letter": f"/letters/{Letter.objects.get().public_id}/",
        "write_down": f"/advocates/{ines.public_id}/write-down/", "ada": make_user("Ada Wells", Role.ADMINISTRATOR),
        "edition": f"/newsletter/edit/{edition.public_id}/", "advocate": f"/advocates/{ines.public_id}/",
    }  # fmt: skip


PAGES: dict[str, tuple[str, ...]] = {
    "ines": (
        "/", "/opportunities/", "opportunity", "/claims/", "/community/", "space", "topic", "/community/new/",
        "/profile/", "/profile/consents/", "/points/", "/newsletter/",
        "/welcome/worth/", "/welcome/like/", "/welcome/often/", "/welcome/ready/", "/wish/", "/search/?q=stock",
    ),
    "ada": ("/api/v1/docs", "/admin/api/apitoken/add/"),
    "sam": ("/", "/requests/", "/requests/new/", "request", "/nominate/"),
    "rita": (
        "/", "/today/", "/admin/opportunities/referencerequest/", "desk", "/advocates/", "advocate", "/nominated/",
        "nominated", "/wishes/", "wish", "letter", "write_down", "/snippets/", "/views/?path=/advocates/&query=stage=2",
        "/search/?q=ines",
    ),
    "maya": ("/", "/community/moderation/", "/newsletter/edit/", "edition"),
    "lena": (
        "/", "/dashboards/", "/rules/", "/imports/", "/cohorts/", "cohort", "cohort_edit", "cohort_invite",
        "/cohorts/new/", "/cohorts/alike/", "/invitations/", "/invitations/words/", "words", "/journey/",
        "/journey/new/", "/launches/", "launch", "/nominated/credits/",
    ),
}  # fmt: skip


def look_at(open_page: OpenPage, path: str, user: User | None, *, width: int, dark: bool) -> list[str]:
    page = open_page(path, user, width=width, dark=dark)
    found = [*breaches(page), *page.complaints]  # type: ignore[attr-defined]
    if scrolls_sideways(page):
        found.append("scrolls sideways")
    if page.locator("main").count() != 1 or "went wrong" in page.title():
        found.append(f"is not the page: {page.title()}")
    page.context.close()
    return [f"{path} at {width} px{', dark' if dark else ''}: {one}" for one in found]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (375, True)], ids=["wide-light", "phone-dark"])
@pytest.mark.parametrize("who", sorted(PAGES))
def test_pages_of_a_role(open_page: OpenPage, program: dict[str, Any], who: str, width: int, dark: bool) -> None:
    found = []
    for path in PAGES[who]:
        found += look_at(open_page, program.get(path, path), program[who], width=width, dark=dark)
    assert found == []


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (375, False)], ids=["wide-dark", "phone-light"])
def test_pages_for_everybody(open_page: OpenPage, program: dict[str, Any], width: int, dark: bool) -> None:
    found = []
    for path in ("/join/", "/accounts/login/", "/nothing-is-here/"):
        found += [one for one in look_at(open_page, path, None, width=width, dark=dark) if "404" not in one]
    assert found == []
