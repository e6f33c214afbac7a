"""The main path in a real browser, each role in its own window: from a signal and a request to what it is worth."""

import re
from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import Page, expect

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Deal
from advocacy.delivery.models import Message
from advocacy.delivery.rendering import render_many
from advocacy.users.models import Role
from advocates import jobs
from advocates.models import Advocate, InvitationTemplate, LifecycleRule
from opportunities.jobs import desk as desk_jobs
from opportunities.models import Claim, ReferenceRequest
from tests.browser.conftest import OpenPage, breaches, scrolls_sideways
from tests.factories import (
    make_account,
    make_advocate,
    make_contact,
    make_deal,
    make_kind,
    make_opportunity,
    make_pod,
    make_signal,
    make_user,
)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def at_rule(page: Page) -> Page:
    """The page as it stands: nothing blocked, nothing that axe finds, no sideways scrolling."""
    assert breaches(page) == [], page.url
    assert page.complaints == [], page.url  # type: ignore[attr-defined]
    assert not scrolls_sideways(page), page.url
    return page


def link_in(template: str, path: str) -> str:
    """The signed address in the newest mail of this template, as its reader sees it."""
    message = Message.objects.filter(template=template).order_by("-pk")[0]
    rendered = render_many([message])[message.pk]
    assert not isinstance(rendered, Exception), rendered
    found = re.search(rf"https?://[^/\s]+({path}\S+)", rendered.text)
    assert found, rendered.text
    return found[1]


def next_week(day: int, hour: int) -> datetime:
    """An hour of Monday (0) to Sunday (6) of next week."""
    today = timezone.now().replace(hour=hour, minute=0, second=0, microsecond=0)
    return today + timedelta(days=7 - today.weekday() + day)


def test_from_a_request_to_influenced_revenue(open_page: OpenPage) -> None:
    rita, sam = make_user("Rita Morgan", Role.MANAGER), make_user("Sam Carter", Role.REQUESTER)
    lena = make_user("Lena Novak", Role.LEAD)
    # Other tests empty the tables, what migrations put there included.
    kind = make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, name="Reference call", minutes=30, points=80)
    pod = make_pod(rita)
    for name in ("Ines Barbosa", "Omar Haddad", "Mei Tanaka"):
        make_advocate(name, make_account(f"{name.split()[1]} Foods"), pod=pod)
    deal = make_deal("Kestrel Foods, Planning", owner=sam, close_on=timezone.now().date() + timedelta(days=40))

    # Sam asks for a reference call for a deal of his.
    page = open_page("/requests/new/", sam)
    page.get_by_placeholder("Prospect or name of the deal").fill("Kestrel")
    page.locator("#deals").get_by_role("button").first.click()
    expect(page.get_by_label("Company")).to_have_value("Kestrel Foods")
    page.get_by_label("What is wanted").select_option(str(kind.pk))
    page.get_by_label("Needed by").fill((timezone.now() + timedelta(days=14)).strftime("%Y-%m-%d"))
    page.get_by_label("What do they want to know?").fill("How long did the switch take, honestly?")
    at_rule(page)
    page.get_by_role("button", name="Send it to the desk").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kestrel Foods")
    at_rule(page)
    his = page
    wanted = ReferenceRequest.objects.get()
    assert (wanted.deal, wanted.requester, wanted.status) == (deal, sam, "new")

    # Rita finds it in the queue, reads who fits and why, and asks two of them.
    page = open_page("/admin/opportunities/referencerequest/?view=active", rita)
    at_rule(page).get_by_role("link", name="Kestrel Foods").first.click()
    expect(page.get_by_role("heading", name="Who fits")).to_be_visible()
    for name in ("Ines Barbosa", "Omar Haddad"):
        page.get_by_role("checkbox", name=f"Choose {name}").check()
    at_rule(page)
    page.get_by_role("button", name="Nominate the ticked ones").click()
    expect(page.get_by_role("button", name="Ask them")).to_be_visible()
    at_rule(page).get_by_role("button", name="Ask them").click()
    expect(page.get_by_role("heading", name="Asked")).to_be_visible()
    assert wanted.nominations.filter(status="asked").count() == 2
    desk_page = page

    # Ines has a mail with a link of her own; looking at it does nothing, her yes with three times does.
    mail = Message.objects.get(template="opportunities/nomination", to_name="Ines Barbosa")
    Message.objects.filter(template="opportunities/nomination").exclude(pk=mail.pk).delete()
    page = open_page(link_in("opportunities/nomination", "/answer/"))
    expect(page.get_by_text("How long did the switch take, honestly?")).to_be_visible()
    assert wanted.nominations.filter(status="asked").count() == 2
    at_rule(page)
    times = [next_week(day, 10) for day in range(3)]
    for number, time in enumerate(times, start=1):
        page.get_by_label(f"Time {number}").fill(time.strftime("%Y-%m-%dT%H:%M"))
    page.get_by_role("button", name="Yes, propose these").click()
    expect(page.get_by_text("You said yes. Thank you!")).to_be_visible()
    at_rule(page)
    assert set(wanted.nominations.values_list("advocate__contact__given_name", "status")) == {
        ("Ines", "accepted"), ("Omar", "recalled"),
    }  # fmt: skip

    # Sam picks the second time; both have it in their calendars.
    his.reload()
    his.get_by_role("radio").nth(1).check()
    at_rule(his)
    his.get_by_role("button", name="Set this time").click()
    expect(his.get_by_text("Write to")).to_be_visible()
    claim = Claim.objects.get(advocate__contact__given_name="Ines")
    assert claim.status == "scheduled" and claim.scheduled_for is not None

    # The call is over: both say how it was, and the request is fulfilled.
    with time_machine.travel(claim.scheduled_for + timedelta(hours=2)):
        his = open_page(f"/requests/{wanted.public_id}/", sam)
        his.get_by_role("radio", name="Yes").check()
        his.get_by_role("radio", name="Very good").check()
        at_rule(his)
        his.get_by_role("button", name="Say how it was").click()
        expect(his.get_by_text("You said: 5 of 5.")).to_be_visible()
        hers = open_page(f"/claims/{claim.public_id}/", claim.advocate.user)
        at_rule(hers).get_by_role("link", name="Say how it was").click()
        expect(hers.get_by_role("radio", name="Yes")).to_be_visible()
        at_rule(hers)
        hers.get_by_role("radio", name="Yes").check()
        hers.get_by_role("radio", name="Good", exact=True).check()
        hers.get_by_role("button", name="Send").click()
        expect(hers.get_by_role("heading", name="What you said")).to_be_visible()
        desk_jobs.follow_claims(at=timezone.now())
        wanted.refresh_from_db()
        assert (wanted.status, wanted.waiting_for) == ("fulfilled", "nobody")
        hers.goto("/points/")
        expect(hers.get_by_text(f"{claim.opportunity.points}").first).to_be_visible()
        at_rule(hers)
        hers.context.close()

        # Rita thanks her in her own words.
        desk_page = open_page(f"/admin/opportunities/referencerequest/{wanted.pk}/change/", rita)
        desk_page.get_by_text("Thank them").click()
        desk_page.locator("details[open] textarea").fill("You were honest about the hard month. Thank you, Ines!")
        desk_page.get_by_role("button", name="Send the thank-you").click()
        expect(desk_page.get_by_text("Thanked").first).to_be_visible()
        at_rule(desk_page)
        assert Message.objects.filter(template="advocates/thanks").count() == 1

    # The deal is won: Lena reads what it is worth, and comes from the figure to its rows.
    with time_machine.travel(claim.scheduled_for + timedelta(days=3)):
        Deal.objects.filter(pk=deal.pk).update(outcome="won", closed_on=timezone.now().date())
        page = open_page("/dashboards/influenced_revenue/", lena)
        expect(page.get_by_text("184,000").first).to_be_visible()
        expect(page.locator("#rows")).to_contain_text("Kestrel Foods")
        at_rule(page)


def test_a_signal_invites_mei_and_she_lands_at_home(open_page: OpenPage) -> None:
    rita = make_user("Rita Morgan", Role.MANAGER)
    make_pod(rita)
    mei = make_contact("Mei Tanaka", make_account("Tanaka Foods", region="Asia Pacific"))
    InvitationTemplate.objects.get_or_create(
        region="", language="en",
        defaults={"subject": "A place for you", "body": "Come in.", "basis": "Customers in Asia."},
    )  # fmt: skip
    now = timezone.now()
    rule = LifecycleRule.objects.create(
        name="Onboarded: invite", signal="onboarding_closed", effect="invite", enabled=True, enabled_from=now
    )
    with time_machine.travel(now + timedelta(minutes=1), tick=False):
        make_signal(rule.signal, mei.account, contact=mei, at=timezone.now())
        jobs.follow_signals(at=timezone.now())
    assert Advocate.objects.get(contact=mei).status == "invited"

    page = open_page(link_in("advocates/invitation", "/invitation/"), width=375)
    at_rule(page)
    assert Advocate.objects.get(contact=mei).status == "invited", "looking is not joining"
    page.get_by_role("button", name="Yes, I would like to join").click()
    expect(page.get_by_role("button", name="Join", exact=True)).to_be_visible()
    at_rule(page)
    for group in ("take_part", "thanked"):
        boxes = page.locator(f"[name={group}]")
        boxes.first.check()
    page.get_by_role("button", name="Join", exact=True).click()
    expect(page.get_by_text("Rita Morgan").first).to_be_visible()
    at_rule(page)
    assert Advocate.objects.get(contact=mei).status == "member"
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Mei")
    at_rule(page)


def test_omar_claims_a_webinar_from_the_board(open_page: OpenPage) -> None:
    omar = make_advocate("Omar Haddad")
    make_opportunity(
        "Show how you plan promotions", kind=make_kind("webinar"), seats=2, summary="Twenty minutes and questions.",
        happens_at=timezone.now() + timedelta(days=20), opened_at=timezone.now(),
    )  # fmt: skip
    page = open_page("/opportunities/", omar.user, width=375)
    page.get_by_role("link", name="Show how you plan promotions").first.click()
    expect(page.get_by_role("button", name="I’m in")).to_be_visible()
    at_rule(page)
    page.get_by_role("button", name="I’m in").click()
    expect(page.get_by_role("link", name="See your claim")).to_be_visible()
    at_rule(page)
    assert Claim.objects.get().advocate == omar
    page.goto("/claims/")
    expect(page.get_by_text("Show how you plan promotions").first).to_be_visible()
    at_rule(page)
