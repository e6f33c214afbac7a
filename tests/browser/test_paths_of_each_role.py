"""Whole paths in a real browser, one for each who walks it: a requester, a manager, an advocate, a prospect.

Every page on the way is looked at by rule, in light and in dark.
"""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import Page, expect

from advocacy.crm.catalogue import Purpose
from advocacy.users.models import Role, User
from advocates.models import Advocate, PointEntry
from opportunities.actions import approvals, board, desk, proof, sops, stories, surveys
from opportunities.actions.desk import Pick
from opportunities.models import (
    Approval,
    Claim,
    Feedback,
    Nomination,
    OpportunityKind,
    ProofUse,
    ProspectLink,
    ReferenceRequest,
    SurveyAnswer,
)
from tests.browser.conftest import OpenPage, breaches, scrolls_sideways
from tests.browser.test_the_whole_path import link_in, next_week
from tests.factories import (
    make_account,
    make_advocate,
    make_contact,
    make_deal,
    make_kind,
    make_opportunity,
    make_pod,
    make_team,
    make_user,
)
from tests.opportunities.test_surveys import PICK, SCORE, WHY, make_survey

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DAY = timedelta(days=1)


def by_rule(page: Page) -> Page:
    """The page as it stands, in both schemes: nothing axe finds, nothing blocked, no sideways scrolling."""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert breaches(page) == [], (page.url, scheme)
    said = [one for one in page.complaints if "422 (" not in one]  # type: ignore[attr-defined]
    assert said == [], page.url  # a form that is refused answers 422, and Chromium remarks on it
    assert not scrolls_sideways(page), page.url
    return page


def call() -> OpportunityKind:
    return make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, name="Reference call", minutes=30, points=80)


def told_a_story(rita: User) -> None:
    """Published proof about night shifts in the food industry, with Mei's yes on record."""
    mei = make_contact("Mei Tanaka", make_account("Tanaka Foods"))
    at = timezone.now()
    said = {
        "kind": "quote", "title": "“We sleep at night”", "body": "We sleep at night.", "said_by": "Mei Tanaka",
        "summary": "Night shifts planned in three hours.", "industry": "Food", "use_case": "night shifts",
    }  # fmt: skip
    kept = proof.keep(account=mei.account, said=said, by=rita, at=at, contact=mei)
    approvals.put_on_record(
        kept, name="Mei Tanaka", said_at=at, scopes=["sales"], means="mail", evidence="a mail", by=rita, at=at
    )
    proof.publish(kept, by=rita, at=at)


def said_yes(rita: User, sam: User, ines: Advocate) -> Nomination:
    """Ines has said yes to Sam's request and proposed three times of next week."""
    at = timezone.now()
    wanted = desk.file_request(
        requester=sam, kind=call(), prospect="Kestrel Foods", needed_by=timezone.localdate() + 30 * DAY, at=at,
        facts={"prospect_person": "Sara Berg", "questions": "How did night shifts take it?"},
    )  # fmt: skip
    (one,) = desk.nominate(wanted, [Pick(ines.pk, "You know night shifts.")], by=rita, at=at)
    desk.accept(one, times=[next_week(day, 10) for day in range(3)], at=at)
    one.refresh_from_db()
    return one


class TestTheRequester:
    @pytest.mark.parametrize("width", [1280, 375])
    def test_finds_proof_that_is_enough_while_the_form_is_filled(self, open_page: OpenPage, width: int) -> None:
        rita, sam = make_user("Rita Morgan", Role.MANAGER), make_user("Sam Carter", Role.REQUESTER)
        told_a_story(rita)
        kind = call()
        make_deal("Kestrel Foods, Planning", owner=sam, close_on=timezone.localdate() + 40 * DAY)
        page = open_page("/requests/new/", sam, width=width)
        page.get_by_placeholder("Prospect or name of the deal").fill("Kestrel")
        page.locator("#deals").get_by_role("button").first.click()
        expect(page.get_by_label("Company")).to_have_value("Kestrel Foods")
        page.get_by_label("What is wanted").select_option(str(kind.pk))
        page.get_by_label("Needed by").fill((timezone.localdate() + 14 * DAY).isoformat())
        page.get_by_label("What do they want to know?").fill("How do night shifts take it?")
        page.get_by_label("What do they want to know?").blur()
        expect(page.get_by_role("heading", name="You may have it already")).to_be_visible()
        expect(page.get_by_role("link", name="“We sleep at night”")).to_be_visible()
        by_rule(page).get_by_role("button", name="This is enough").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Kestrel Foods")
        expect(page.get_by_role("heading", name="What was enough")).to_be_visible()
        by_rule(page)
        assert ReferenceRequest.objects.get().status == "deflected"
        assert ProofUse.objects.filter(request=ReferenceRequest.objects.get()).exists()

    def test_reads_the_teams_sop_is_warned_of_an_early_stage_and_follows_by_mail(self, open_page: OpenPage) -> None:
        lena, sam = make_user("Lena Novak", Role.LEAD), make_user("Sam Carter", Role.REQUESTER)
        team, kind = make_team("Sales"), call()
        sam.teams.add(team)
        sops.write(
            team, {"where_to_ask": "On this page.", "how_fast": "In two working days."}, too_early=["discovery"],
            by=lena, at=timezone.now(),
        )  # fmt: skip
        deal = make_deal("Kestrel Foods, Planning", owner=sam, stage="discovery")
        page = open_page(f"/requests/new/?deal={deal.pk}", sam)
        expect(page.get_by_text("In two working days.")).to_be_visible()
        page.get_by_label("What is wanted").select_option(str(kind.pk))
        page.get_by_label("Needed by").fill((timezone.localdate() + 14 * DAY).isoformat())
        page.get_by_label("What do they want to know?").fill("How long did it take, honestly?")
        page.get_by_role("button", name="Send it to the desk").click()
        expect(page.get_by_label("What do they want to know?")).to_have_value("How long did it take, honestly?")
        by_rule(page)
        page.locator("[name=too_early_because]").fill("They decide on Friday.")
        page.get_by_role("button", name="Send it to the desk").click()
        expect(page.get_by_role("heading", name="Nothing for you to do")).to_be_visible()
        by_rule(page)
        status = open_page(link_in("opportunities/request_filed", "/status/"), width=375)
        expect(status.get_by_role("heading", level=1)).to_have_text("Kestrel Foods")
        expect(status.get_by_role("heading", name="What happened")).to_be_visible()
        by_rule(status)


def test_a_manager_takes_a_request_from_the_queue_to_its_thanks(open_page: OpenPage) -> None:
    rita, sam = make_user("Rita Morgan", Role.MANAGER), make_user("Sam Carter", Role.REQUESTER)
    make_advocate("Ines Barbosa", pod=make_pod(rita))
    wanted = desk.file_request(
        requester=sam, kind=call(), prospect="Kestrel Foods", needed_by=timezone.localdate() + 30 * DAY,
        at=timezone.now(), facts={"industry": "Food", "prospect_person": "Sara Berg", "questions": "How long?"},
    )  # fmt: skip
    page = open_page("/admin/opportunities/referencerequest/?view=unassigned", rita)
    by_rule(page).get_by_role("link", name="Kestrel Foods").first.click()
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_text("This request is yours now.")).to_be_visible()
    expect(page.get_by_role("button", name="Take it")).to_have_count(0)
    page.get_by_role("checkbox", name="Choose Ines Barbosa").focus()
    page.keyboard.press("Space")
    by_rule(page).get_by_role("button", name="Nominate the ticked ones").click()
    expect(page.get_by_role("button", name="Ask them")).to_be_visible()
    by_rule(page).get_by_role("button", name="Ask them").click()
    expect(page.get_by_role("heading", name="Asked")).to_be_visible()
    by_rule(page)

    # Ines answers on the page of her mail.
    hers = open_page(link_in("opportunities/nomination", "/answer/"), width=375)
    for number in range(3):
        hers.get_by_label(f"Time {number + 1}").fill(next_week(number, 10).strftime("%Y-%m-%dT%H:%M"))
    by_rule(hers).get_by_role("button", name="Yes, propose these").click()
    expect(hers.get_by_text("You said yes. Thank you!")).to_be_visible()
    by_rule(hers)

    # Rita gives the prospect a link of their own; they pick.
    one = Nomination.objects.get()
    page.goto(f"/requests/{wanted.public_id}/prospect/{one.public_id}/")
    page.get_by_label("Their address").fill("sara@kestrel.test")
    by_rule(page).get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("heading", name="Sara Berg has a link")).to_be_visible()
    by_rule(page)
    theirs = open_page(link_in("opportunities/prospect_link", "/with-us/"), width=375)
    theirs.get_by_role("radio").first.check()
    theirs.get_by_role("button", name="Set this time").click()
    expect(theirs.get_by_text("It is set for")).to_be_visible()

    # It took place: Rita says so, thanks Ines, and reads how it was; the request is fulfilled.
    claim = Claim.objects.get()
    assert claim.scheduled_for is not None
    with time_machine.travel(claim.scheduled_for + timedelta(hours=2)):
        at_desk = f"/admin/opportunities/referencerequest/{wanted.pk}/change/"
        page = open_page(at_desk, rita)
        by_rule(page).get_by_role("button", name="It took place").click()
        expect(page.get_by_text("Fulfilled").first).to_be_visible()
        page.get_by_text("Thank them").click()
        page.locator("details[open] textarea").fill("You were honest about the hard month. Thank you!")
        by_rule(page).get_by_role("button", name="Send the thank-you").click()
        expect(page.get_by_text("Thanked").first).to_be_visible()
        his = open_page(f"/requests/{wanted.public_id}/", sam)
        his.get_by_role("radio", name="Yes").check()
        his.get_by_role("radio", name="Very good").check()
        by_rule(his).get_by_role("button", name="Say how it was").click()
        expect(his.get_by_text("You said: 5 of 5.")).to_be_visible()
        by_rule(page)
        page.goto(at_desk)
        expect(page.get_by_role("button", name="Nominate the ticked ones")).to_have_count(0)
        by_rule(page)
    wanted.refresh_from_db()
    assert (wanted.status, wanted.waiting_for) == ("fulfilled", "nobody")


class TestTheAdvocate:
    def test_takes_a_seat_offered_by_mail_does_it_and_has_the_points(self, open_page: OpenPage) -> None:
        rita = make_user("Rita Morgan", Role.MANAGER)
        ines, omar = make_advocate("Ines Barbosa", pod=make_pod(rita)), make_advocate("Omar Haddad")
        at = timezone.now()
        quote = make_kind("quote", name="Quote", points=40, minutes=15, steps=["claimed", "delivered", "verified"])
        one = make_opportunity("Say it in one sentence", kind=quote, seats=1, opened_at=at - DAY, run_by=rita)
        held = board.claim(omar, one, at=at)
        board.wait(ines, one, at=at)
        board.withdraw(held, reason="No time after all.", at=at)

        # The mail of the free seat: looking does nothing, her yes takes it.
        page = open_page(link_in("opportunities/seat_free", "/offer/"), width=375)
        assert not Claim.objects.filter(advocate=ines).exists()
        by_rule(page).get_by_role("button", name="Yes, I’m in").click()
        expect(page.get_by_text("The seat is yours.")).to_be_visible()
        by_rule(page)
        claim = Claim.objects.get(advocate=ines)

        # Her claim: done, and what she thought of it.
        page = open_page("/claims/", ines.user, width=375)
        by_rule(page).get_by_role("link", name="Say it in one sentence").first.click()
        expect(page.get_by_role("button", name="It is done")).to_be_visible()
        by_rule(page).get_by_role("button", name="It is done").click()
        page.get_by_role("link", name="Say how it was").click()
        page.get_by_role("radio", name="Good", exact=True).check()
        by_rule(page).get_by_role("button", name="Send").click()
        expect(page.get_by_role("heading", name="What you said")).to_be_visible()
        by_rule(page)

        # Rita verifies it in the admin, and the points are hers.
        admin = open_page(f"/admin/opportunities/claim/{claim.pk}/change/", rita)
        expect(admin.get_by_text("4 of 5")).to_be_visible()
        by_rule(admin).get_by_role("button", name="Verif").click()
        claim.refresh_from_db()
        assert claim.status == "verified"
        page.goto("/points/")
        expect(page.get_by_text("40").first).to_be_visible()
        by_rule(page)
        assert PointEntry.objects.filter(advocate=ines).exists()

    def test_reads_her_story_comments_and_signs_what_is_published(self, open_page: OpenPage) -> None:
        rita, ines = make_user("Rita Morgan", Role.MANAGER), make_advocate("Ines Barbosa")
        account, at = ines.contact.account, timezone.now()
        story = stories.begin(account=account, title="Night shifts", by=rita, at=at, contact=ines.contact, owner=rita)
        words = {
            "customer": "A bakery.", "challenge": "Chaos at night.", "solution": "One plan for all.",
            "quote": "We sleep.", "results": [{"figure": "Planning", "before": "14", "after": "3", "unit": "h"}],
        }  # fmt: skip
        story = stories.write(story, words, by=rita, at=at)
        for step in ("writing", "review"):
            story = stories.move(story, step, by=rita, at=at)
        page = open_page(f"/stories/{story.public_id}/", rita)
        by_rule(page)
        approvals.ask(story, scopes=["sales", "website"], contact=ines.contact, by=rita, at=at)

        # She would have one word changed.
        address = link_in("opportunities/approval_asked", "/yes/")
        hers = open_page(address, width=375)
        hers.get_by_text("Comment on this").nth(2).click()
        hers.locator("details[open] textarea").first.fill("It was rather noise than chaos.")
        by_rule(hers).get_by_role("button", name="Send my comments").click()
        expect(hers.get_by_role("heading", name="We have your comments")).to_be_visible()
        by_rule(hers)

        # Rita reads it beside the story, writes anew and asks again; the older link says so.
        page.reload()
        expect(page.get_by_text("It was rather noise than chaos.").first).to_be_visible()
        by_rule(page)
        story.refresh_from_db()
        if story.status != "writing":
            story = stories.move(story, "writing", by=rita, at=timezone.now())
        story = stories.write(story, {**words, "challenge": "Noise at night."}, by=rita, at=timezone.now())
        story = stories.move(story, "review", by=rita, at=timezone.now())
        approvals.ask(story, scopes=["sales", "website"], contact=ines.contact, by=rita, at=timezone.now())
        newer = link_in("opportunities/approval_asked", "/yes/")
        assert newer != address
        hers.goto(newer)
        expect(hers.get_by_text("Noise at night.")).to_be_visible()
        hers.get_by_role("checkbox", name="website").uncheck()
        by_rule(hers).get_by_role("button", name="Yes, publish this").click()
        expect(hers.get_by_role("heading", name="You said yes. Thank you!")).to_be_visible()
        by_rule(hers)
        word = Approval.objects.get(said="yes")
        assert (word.said_by, word.scopes) == ("Ines Barbosa", ["sales"])

    def test_answers_a_survey_a_question_at_a_time_and_hears_what_came_of_it(self, open_page: OpenPage) -> None:
        lena, ines = make_user("Lena Novak", Role.LEAD), make_advocate("Ines Barbosa")
        survey = make_survey(questions=[SCORE, PICK, WHY], team=make_team("Product"), opened_at=timezone.now() - DAY)
        surveys.ask(ines.contact, survey, at=timezone.now() - timedelta(hours=1))
        page = open_page(link_in("opportunities/survey", "/survey/"), width=375)
        assert not SurveyAnswer.objects.exists(), "looking is not answering"
        expect(page.get_by_text("Question 1 of 3")).to_be_visible()
        page.get_by_label("9", exact=True).check()
        by_rule(page).get_by_role("button", name="Next").click()
        expect(page.get_by_text("Question 2 of 3")).to_be_visible()
        page.get_by_label("Night plans").check()
        by_rule(page).get_by_role("button", name="Next").click()
        expect(page.get_by_text("Question 3 of 3")).to_be_visible()
        page.get_by_role("textbox").fill("The plans for the night.")
        by_rule(page).get_by_role("button", name="Send").click()
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        by_rule(page)

        # Lena reads the results, and says what comes of her words.
        results = open_page(f"/surveys/{survey.public_id}/", lena)
        expect(results.get_by_text("Night plans").first).to_be_visible()
        by_rule(results)
        results.goto(f"/surveys/feedback/{Feedback.objects.get().public_id}/")
        expect(results.get_by_text("The plans for the night.").first).to_be_visible()
        by_rule(results)


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without"])
def test_a_prospect_picks_moves_and_calls_off(open_page: OpenPage, scripts: bool) -> None:
    rita, sam = make_user("Rita Morgan", Role.MANAGER), make_user("Sam Carter", Role.REQUESTER)
    one = said_yes(rita, sam, make_advocate("Ines Barbosa"))
    page = open_page(f"/requests/{one.request.public_id}/", sam)
    by_rule(page).get_by_role("link", name="Let Kestrel Foods pick it themselves").click()
    page.get_by_label("Their address").fill("sara@kestrel.test")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("heading", name="Sara Berg has a link")).to_be_visible()

    theirs = open_page(link_in("opportunities/prospect_link", "/with-us/"), width=375, scripts=scripts)

    def looks(page: Page) -> Page:
        return by_rule(page) if scripts else page

    expect(looks(theirs).get_by_role("heading", name="Ines Barbosa")).to_be_visible()
    assert not Claim.objects.filter(status="scheduled").exists(), "looking picks nothing"
    theirs.get_by_role("radio").nth(1).check()
    theirs.get_by_role("button", name="Set this time").click()
    expect(theirs.get_by_text("It is set for")).to_be_visible()
    first = Claim.objects.get().scheduled_for
    assert first is not None
    looks(theirs).get_by_text("Move it to another of their times").click()
    theirs.get_by_role("radio").first.check()
    theirs.get_by_role("button", name="Move it").click()
    expect(theirs.get_by_text("It is set for")).to_be_visible()
    assert Claim.objects.get().scheduled_for != first
    looks(theirs).get_by_text("We do not need it any more").click()
    theirs.get_by_label("Why?").fill("We have decided already, for you.")
    theirs.get_by_role("button", name="Call it off").click()
    expect(theirs.get_by_role("heading", level=1)).to_have_text("It is called off")
    looks(theirs)
    assert ProspectLink.objects.get().nomination.claim.status in {"withdrawn", "declined"}
    page.goto(f"/requests/{one.request.public_id}/")
    expect(page.get_by_text("We have decided already, for you.").first).to_be_visible()
    by_rule(page)
