"""The board: what it shows, in which order and why, filters in the address, paging by key (O3)."""

import re
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from advocacy.crm.catalogue import Purpose
from advocacy.delivery import rendering
from advocacy.delivery.models import Message
from advocacy.lib import signed
from advocates.models import Advocate
from opportunities import board as rules
from opportunities.actions import board as actions
from opportunities.eligibility import who
from opportunities.models import Claim, OpportunityKind, Waiting
from tests.conftest import QueriesOf
from tests.factories import NOON, make_account, make_advocate, make_opportunity, make_request, make_user

pytestmark = pytest.mark.django_db

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BOARD = "/opportunities/"


@pytest.fixture(autouse=True)
def noon() -> Any:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def ines() -> Advocate:
    account = make_account("Brightwater", industry="Food", region="Europe", time_zone="Europe/Lisbon")
    return make_advocate("Ines Barbosa", account, wants=["mentoring"], expertise=["Cold Chain"])


@pytest.fixture
def as_ines(client: Client, ines: Advocate) -> Client:
    client.force_login(ines.user)
    return client


def kind(slug: str = "talk", **fields: Any) -> OpportunityKind:
    defaults: dict[str, Any] = {
        "name": slug.capitalize(), "points": 80, "minutes": 45, "group": "calls", "purpose": "",
        "steps": ["claimed", "scheduled", "delivered", "verified"],
    }  # fmt: skip
    return OpportunityKind.objects.update_or_create(slug=slug, defaults={**defaults, **fields})[0]


def titles(answer: Any) -> list[str]:
    """The titles of the cards, from top to bottom."""
    return re.findall(r"<h3><a [^>]*>([^<]+)</a></h3>", answer.content.decode())


def whys(answer: Any) -> dict[str, str]:
    found = re.findall(
        r'<h3><a [^>]*>([^<]+)</a></h3>.*?<p class="why">([^<]*)</p>', answer.content.decode(), re.DOTALL
    )
    return dict(found)


class TestForYou:
    def test_what_fits_comes_first_and_each_card_says_why(self, as_ines: Client) -> None:
        old = NOON - 30 * DAY
        make_opportunity("Anything", kind=kind(), opened_at=old)
        make_opportunity("Region", kind=kind(), opened_at=old, regions=["Europe"])
        make_opportunity("Wanted", kind=kind("mentoring"), opened_at=old)
        make_opportunity("Known", kind=kind(), opened_at=old, topics=["cold chain"], industries=["Food"])
        make_opportunity("Closing", kind=kind(), opened_at=old, closes_at=NOON + 2 * DAY)
        answer = as_ines.get(BOARD)
        assert titles(answer) == ["Wanted", "Known", "Region", "Closing", "Anything"]
        assert whys(answer) == {
            "Wanted": "You would like to do this.",
            "Known": "You know about cold chain; it is about Food, your industry.",
            "Region": "It is in your region, Europe.",
            "Closing": "Closes soon: Thursday 12 March.",
            "Anything": "Open to everyone in the program.",
        }

    def test_a_fresh_mix_every_day_that_stays_all_day(self, as_ines: Client, noon: Any) -> None:
        for number in range(12):
            make_opportunity(f"Call {number:02}", kind=kind(), opened_at=NOON - 30 * DAY)
        today = titles(as_ines.get(BOARD))
        noon.move_to(NOON + 6 * HOUR)
        assert titles(as_ines.get(BOARD)) == today
        noon.move_to(NOON + DAY)
        tomorrow = titles(as_ines.get(BOARD))
        assert tomorrow != today
        assert sorted(tomorrow) == sorted(today)

    def test_two_people_have_two_mixes(self, ines: Advocate) -> None:
        omar = make_advocate("Omar")
        for number in range(12):
            make_opportunity(f"Call {number:02}", kind=kind(), opened_at=NOON - 30 * DAY)
        orders = []
        for advocate in (ines, omar):
            person = who(advocate, at=NOON)
            rows = rules.in_order(rules.open_for(person, at=NOON), person, "", day=NOON.date())
            orders.append([row.title for row in rows])
        assert orders[0] != orders[1]

    def test_the_daily_order_turns_at_midnight_of_their_own(self) -> None:
        advocate = make_advocate("Ana")
        advocate.contact.time_zone = "Pacific/Kiritimati"  # fourteen hours ahead
        advocate.contact.save()
        assert who(advocate, at=NOON).day(NOON) == (NOON + DAY).date()


class TestPaging:
    def test_every_card_once_whatever_the_page_and_the_order(self, as_ines: Client) -> None:
        made = {f"Call {number:02}" for number in range(47)}
        for number, title in enumerate(sorted(made)):
            make_opportunity(
                title, kind=kind("mentoring" if number % 3 else "talk"), points=number % 4, minutes=10 + number % 5,
                opened_at=NOON - (number % 6) * DAY, closes_at=NOON + (number % 7 + 1) * DAY if number % 2 else None,
            )  # fmt: skip
        for order in rules.ORDERS:
            seen: list[str] = []
            url, pages = f"{BOARD}?order={order}", 0
            while url and pages < 4:
                answer = as_ines.get(url)
                seen += titles(answer)
                pages += 1
                found = re.search(r'href="(\?[^"]*after=[^"]*)"', answer.content.decode())
                url = BOARD + found[1].replace("&amp;", "&") if found else ""
            assert (pages, len(seen), set(seen)) == (3, 47, made), order

    def test_past_midnight_a_begun_list_goes_on_in_its_order(self, as_ines: Client, noon: Any) -> None:
        made = [
            make_opportunity(f"Call {number:02}", kind=kind(), opened_at=NOON - 30 * DAY).title for number in range(30)
        ]
        first = as_ines.get(BOARD)
        more = re.search(r'href="(\?[^"]*after=[^"]*)"', first.content.decode())
        assert more
        noon.move_to(NOON + 14 * HOUR)
        second = as_ines.get(BOARD + more[1].replace("&amp;", "&"))
        assert sorted(titles(first) + titles(second)) == made

    @pytest.mark.parametrize(
        "junk", ["x", "2026-03-10~", "2026-03-10~W10", "9999-99-99~abc", "~~~", "2020-01-01~WzEsMl0"]
    )
    def test_a_place_that_is_not_ours_is_the_beginning(self, as_ines: Client, junk: str) -> None:
        make_opportunity("Call", kind=kind())
        assert titles(as_ines.get(BOARD, {"after": junk})) == ["Call"]

    def test_show_more_brings_only_cards(self, as_ines: Client) -> None:
        for number in range(25):
            make_opportunity(f"Call {number:02}", kind=kind())
        answer = as_ines.get(BOARD, HTTP_HX_REQUEST="true")
        assert len(titles(answer)) == 20
        assert b"<html" not in answer.content
        assert b'hx-get="?after=2026-03-10~' in answer.content.replace(b"%7E", b"~")


class TestFilters:
    @pytest.fixture(autouse=True)
    def offers(self, ines: Advocate) -> None:
        base = {"opened_at": NOON - 30 * DAY}
        make_opportunity("Short call", kind=kind(minutes=45), minutes=20, **base)
        make_opportunity("Usual call", kind=kind(minutes=45), summary="About planning waste", **base)
        make_opportunity("Quick post", kind=kind("post", minutes=10, group="reviews"), is_public=True, **base)
        make_opportunity("Stage in Porto", kind=kind("stage", group="speaking"), is_remote=False, place="Porto", **base)
        make_opportunity(
            "Podcast", kind=kind("cast", group="speaking"), language="de", closes_at=NOON + 3 * DAY, **base
        )
        make_opportunity("Rewarded", kind=kind(), incentive="A ticket", closes_at=NOON + 30 * DAY, **base)
        make_opportunity("Rewarded once", kind=kind(), incentive="A ticket", incentive_until=NOON, **base)

    @pytest.mark.parametrize(
        ("query", "shown"),
        [
            ("effort=30", {"Short call", "Quick post"}),
            ("group=speaking", {"Stage in Porto", "Podcast"}),
            ("group=speaking&group=reviews", {"Stage in Porto", "Podcast", "Quick post"}),
            ("kind=post", {"Quick post"}),
            ("privacy=public", {"Quick post"}),
            ("privacy=private&effort=30", {"Short call"}),
            ("reward=1", {"Rewarded"}),
            ("ends=7", {"Podcast"}),
            ("where=anywhere&group=speaking", {"Podcast"}),
            ("place=porto", {"Stage in Porto"}),
            ("language=de", {"Podcast"}),
            ("q=waste", {"Usual call"}),
            ("q=plann", {"Usual call"}),
            ("q=WASTE+plan", {"Usual call"}),
            ("q=the+wasted+plans", {"Usual call"}),
            ("q=post", {"Quick post"}),
            ("q=porto+waste", set()),
        ],
    )
    def test_narrow_to_what_they_say(self, as_ines: Client, query: str, shown: set[str]) -> None:
        assert set(titles(as_ines.get(f"{BOARD}?{query}"))) == shown

    @pytest.mark.parametrize(
        "query", ["group=nothing", "effort=abc", "order=%00", "privacy=x", "q=%00", "q=%27%3A%2A%26%28", "show=x"]
    )
    def test_what_is_not_understood_is_left_out(self, as_ines: Client, query: str) -> None:
        assert as_ines.get(f"{BOARD}?{query}").status_code == 200

    def test_nothing_found_offers_the_way_back(self, as_ines: Client) -> None:
        page = as_ines.get(f"{BOARD}?place=Atlantis").content.decode()
        assert "Nothing fits all of that" in page

    def test_cards_or_a_list_is_in_the_address_too_and_leaves_nothing_out(self, as_ines: Client) -> None:
        make_opportunity("A call")
        cards, rows = (
            as_ines.get(f"/opportunities/?order=points{more}").content.decode() for more in ("", "&look=list")
        )
        assert "as-list" in rows and "as-list" not in cards and "A call" in cards and "A call" in rows
        assert "?order=points&amp;look=list" in cards and 'href="?order=points"' in rows
        narrowed = as_ines.get("/opportunities/?order=points&look=list&place=Atlantis").content.decode()
        assert "Nothing fits all of that" in narrowed and 'href="?order=points&amp;look=list"' in narrowed
        assert "as-list" not in as_ines.get("/opportunities/?look=table").content.decode()

    def test_a_form_keeps_the_other_filters(self, as_ines: Client) -> None:
        page = as_ines.get(f"{BOARD}?group=speaking&effort=30&q=x").content.decode()
        search = page[page.index(f'role="search" method="get" action="{BOARD}"') :].partition("</form>")[0]
        assert 'name="group" value="speaking"' in search
        assert 'name="effort" value="30"' in search
        assert search.count('name="q"') == 1


class TestWhatIsNew:
    def test_is_marked_and_counted_since_the_last_visit(self, as_ines: Client, noon: Any) -> None:
        make_opportunity("Old", kind=kind(), opened_at=NOON - DAY)
        assert "since your last visit" not in as_ines.get(BOARD).content.decode()
        make_opportunity("Fresh", kind=kind(), opened_at=NOON + HOUR)
        noon.move_to(NOON + 2 * DAY)
        for _look in range(2):  # the whole visit long
            page = as_ines.get(BOARD).content.decode()
            assert "1 new since your last visit on Tuesday 10 March" in page
            assert page.count(">New</span>") == 1
            noon.shift(10 * 60)
        noon.shift(60 * 60)
        assert "since your last visit" not in as_ines.get(BOARD).content.decode()

    def test_is_counted_no_further_than_it_is_told(self, ines: Advocate) -> None:
        for number in range(rules.NEW_AT_MOST + 9):
            make_opportunity(f"Call {number}", kind=kind(), opened_at=NOON)
        count = rules.new_since(who(ines, at=NOON), NOON - HOUR, at=NOON)
        assert (count, rules.new_words(count)) == (rules.NEW_AT_MOST + 1, "20+ new")


class TestWhoSeesWhat:
    def test_full_ones_stand_on_a_shelf_of_their_own(self, as_ines: Client) -> None:
        full = make_opportunity("Full", kind=kind(), seats=1)
        actions.claim(make_advocate("Omar"), full, at=NOON)
        assert titles(as_ines.get(BOARD)) == []
        page = as_ines.get(f"{BOARD}?show=full")
        assert titles(page) == ["Full"]
        assert "Join the waitlist" in page.content.decode()

    def test_what_needs_a_consent_is_shown_when_asked_for(self, client: Client) -> None:
        mei = make_advocate("Mei", consents=[])
        client.force_login(mei.user)
        make_opportunity("Stage", kind=kind("stage", purpose=Purpose.SPEAKING))
        assert titles(client.get(BOARD)) == []
        assert titles(client.get(f"{BOARD}?show=consent")) == ["Stage"]

    def test_a_resting_account_is_told_gently_and_a_former_member_to_join(self, client: Client) -> None:
        make_opportunity("Call", kind=kind())
        client.force_login(make_advocate("Mei", make_account(readiness="paused")).user)
        assert "A quiet time" in client.get(BOARD).content.decode()
        make_opportunity("Review us", kind=kind("review", is_review=True))
        client.force_login(make_advocate("Omar", make_account(readiness="paused")).user)
        assert titles(client.get(BOARD)) == ["Review us"]
        client.force_login(make_advocate("Ana", status=Advocate.Status.LEFT).user)
        assert "Join first" in client.get(BOARD).content.decode()

    def test_colleagues_see_all_of_it_and_cannot_claim(self, client: Client) -> None:
        client.force_login(make_user("Rita Morgan", "manager"))
        make_opportunity("For Asia", kind=kind(), audience={"all": ["region:asia"]})
        page = client.get(BOARD)
        assert titles(page) == ["For Asia"]
        assert "I’m in" not in page.content.decode()

    def test_a_colleague_is_offered_no_place_on_a_waitlist(self, client: Client) -> None:
        full = make_opportunity("Full", kind=kind(), seats=1)
        actions.claim(make_advocate("Omar"), full, at=NOON)
        client.force_login(make_user("Rita Morgan", "manager"))
        page = client.get(BOARD).content.decode()
        assert "Look at it" in page and "Join the waitlist" not in page

    def test_the_short_addresses(self, as_ines: Client) -> None:
        opportunity = make_opportunity("Call", kind=kind())
        assert as_ines.get("/go?effort=30")["Location"] == "/opportunities/?effort=30"
        there = as_ines.get(f"/go/{opportunity.public_id.hex[:10]}")
        assert there["Location"] == f"/opportunities/{opportunity.public_id}/"
        for wrong in ("0000000000", "nothing", "ffffffffffff"):
            assert as_ines.get(f"/go/{wrong}").status_code == 404


def test_board_costs_the_same_for_many(as_ines: Client, queries_of: QueriesOf) -> None:
    visit: Callable[[], Any] = partial(as_ines.get, f"{BOARD}?effort=30&privacy=private")
    make_opportunity("One", kind=kind(minutes=10), seats=2)
    make_opportunity("Two", kind=kind(minutes=10))
    few = queries_of(visit)
    omar = make_advocate("Omar")
    for number in range(200):
        one = make_opportunity(f"Call {number}", kind=kind(minutes=10), seats=2 if number % 2 else None)
        if number % 3:
            actions.claim(omar, one, at=NOON)
    assert queries_of(visit) == few
    assert few <= 8


def test_claims_page_costs_the_same_for_many(as_ines: Client, ines: Advocate, queries_of: QueriesOf) -> None:
    visit: Callable[[], Any] = partial(as_ines.get, "/claims/")
    for number in range(2):
        actions.claim(ines, make_opportunity(f"Call {number}", kind=kind()), at=NOON)
    few = queries_of(visit)
    for number in range(30):
        actions.claim(ines, make_opportunity(f"More {number}", kind=kind()), at=NOON)
    assert queries_of(visit) == few


class TestOneOpportunity:
    def page(self, client: Client, opportunity: Any) -> str:
        answer = client.get(reverse("opportunities:opportunity", args=[opportunity.public_id]))
        assert answer.status_code == 200
        return answer.content.decode()

    def test_says_everything_and_takes_one_tap(self, as_ines: Client) -> None:
        opportunity = make_opportunity(
            "Talk to a food producer", kind=kind(), what="Half an hour by video.", gain="A grateful peer.", seats=3,
            incentive="A ticket", closes_at=NOON + 9 * DAY, run_by=make_user("Rita Morgan", "manager"),
        )  # fmt: skip
        page = self.page(as_ines, opportunity)
        said = ["Half an hour by video.", "A grateful peer.", "3 of 3 left", "A ticket", "80 points", "Rita Morgan"]
        for word in (*said, "19 March", "I’m in", f"/go/{opportunity.public_id.hex[:10]}"):
            assert word in page

    def test_one_for_others_says_so_and_keeps_its_words(self, as_ines: Client) -> None:
        page = self.page(
            as_ines, make_opportunity("Call", kind=kind(), what="Secret plan", audience={"all": ["region:asia"]})
        )
        assert "meant for others" in page
        assert "Secret plan" not in page

    def test_a_closed_one_offers_others_instead(self, as_ines: Client) -> None:
        make_opportunity("Open one", kind=kind())
        page = self.page(as_ines, make_opportunity("Closed one", kind=kind(), status="closed"))
        assert "This is closed" in page
        assert "Open to you instead" in page
        assert "Open one" in page

    def test_drafts_and_frames_of_requests_are_nobody_elses_business(self, as_ines: Client) -> None:
        for hidden in (
            make_opportunity("Draft", kind=kind(), status="draft"),
            make_opportunity("Frame", kind=kind(), request=make_request()),
        ):
            assert as_ines.get(reverse("opportunities:opportunity", args=[hidden.public_id])).status_code == 404
            assert as_ines.post(reverse("opportunities:take", args=[hidden.public_id])).status_code == 404


class TestTapping:
    def tap(self, client: Client, opportunity: Any, **data: Any) -> Any:
        headers = data.pop("headers", {})
        return client.post(reverse("opportunities:take", args=[opportunity.public_id]), data, headers=headers)

    def test_one_tap_and_there_it_is_with_a_way_back(self, as_ines: Client) -> None:
        answer = self.tap(as_ines, make_opportunity("Call", kind=kind()))
        claim = Claim.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, f"/claims/{claim.public_id}/")
        page = as_ines.get(answer["Location"]).content.decode()
        assert "You are in: “Call”." in page
        assert "Undo" in page
        as_ines.post(f"/claims/{claim.public_id}/withdraw/", {"undo": "yes"})
        claim.refresh_from_db()
        assert claim.status == "withdrawn"

    def test_on_a_card_the_card_changes_and_nothing_else(self, as_ines: Client) -> None:
        answer = self.tap(
            as_ines, make_opportunity("Call", kind=kind()), **{"from": "card"}, headers={"HX-Request": "true"}
        )
        page = answer.content.decode()
        assert answer.status_code == 200
        assert page.lstrip().startswith("<article")
        assert "You are in" in page
        assert "Undo" in page

    def test_a_second_tap_changes_nothing(self, as_ines: Client) -> None:
        opportunity = make_opportunity("Call", kind=kind())
        self.tap(as_ines, opportunity)
        answer = self.tap(as_ines, opportunity)
        assert answer["Location"] == f"/claims/{Claim.objects.get().public_id}/"
        assert "already" in as_ines.get(answer["Location"]).content.decode()

    def test_questions_are_asked_and_nothing_typed_is_lost(self, as_ines: Client) -> None:
        asks = kind("story", questions=[
            {"key": "story", "label": "What changed?", "type": "text", "required": True},
            {"key": "figure", "label": "A figure?"},
        ])  # fmt: skip
        opportunity = make_opportunity("Story", kind=asks)
        page = as_ines.get(BOARD).content.decode()
        assert f'href="/opportunities/{opportunity.public_id}/#answer"' in page  # no one-tap where more is needed
        answer = self.tap(as_ines, opportunity, q_figure="Forty per cent less waste")
        assert answer.status_code == 422
        assert "Forty per cent less waste" in answer.content.decode()
        self.tap(as_ines, opportunity, q_story="Two days instead of ten.", q_figure="40")
        assert Claim.objects.get().answers == {"story": "Two days instead of ten.", "figure": "40"}

    def test_refusals_are_409_with_their_sentence_and_what_was_typed(self, as_ines: Client) -> None:
        asks = kind("story", questions=[{"key": "story", "label": "What changed?", "required": True}])
        full = make_opportunity("Full", kind=asks, seats=1)
        actions.claim(make_advocate("Omar"), full, at=NOON, answers={"story": "Mine."})
        answer = self.tap(as_ines, full, q_story="Two days instead of ten.")
        page = answer.content.decode()
        assert answer.status_code == 409
        assert "The one seat is taken. Join the waitlist" in page
        assert f'action="/opportunities/{full.public_id}/wait/"' in page

    def test_consent_is_given_right_there_in_words_that_are_kept(self, client: Client) -> None:
        mei = make_advocate("Mei", consents=[])
        client.force_login(mei.user)
        stage = make_opportunity("Stage", kind=kind("stage", purpose=Purpose.SPEAKING))
        assert self.tap(client, stage).status_code == 409
        page = client.get(reverse("opportunities:opportunity", args=[stage.public_id])).content.decode()
        assert "I agree, and I’m in" in page
        assert self.tap(client, stage, agree="yes").status_code == 302
        assert mei.contact.consent_entries.get().wording in page.replace("&quot;", '"')

    def test_the_waitlist_and_the_offered_seat(self, as_ines: Client, ines: Advocate) -> None:
        full = make_opportunity("Full", kind=kind(), seats=1)
        claim = actions.claim(make_advocate("Omar"), full, at=NOON)
        as_ines.post(f"/opportunities/{full.public_id}/wait/")
        page = as_ines.get(f"/opportunities/{full.public_id}/").content.decode()
        assert "at place 1" in page
        actions.withdraw(claim, reason="Ill.", at=NOON)
        assert "It is yours until" in as_ines.get(f"/opportunities/{full.public_id}/").content.decode()
        assert "A seat is yours until" in as_ines.get("/claims/").content.decode()
        self.tap(as_ines, full)
        assert Claim.objects.get(advocate=ines).holds_a_seat

    def test_only_advocates_tap(self, client: Client) -> None:
        client.force_login(make_user("Ada", "administrator"))
        assert self.tap(client, make_opportunity("Call", kind=kind())).status_code == 403


class TestAnsweringAnOfferByMail:
    @pytest.fixture
    def link(self, ines: Advocate) -> str:
        opportunity = make_opportunity("Talk", kind=kind(), seats=1)
        waiting = Waiting.objects.create(
            opportunity=opportunity, advocate=ines, since=NOON - DAY, offered_at=NOON, offer_until=NOON + DAY
        )
        return reverse("opportunities:offer", args=[signed.sign("offer", waiting.pk)])

    def test_opening_it_does_nothing(self, client: Client, link: str) -> None:
        page = client.get(link).content.decode()
        assert "Yes, I’m in" in page
        assert not Claim.objects.exists()
        assert Waiting.objects.get().ended_at is None

    def test_yes_not_now_and_never(self, client: Client, ines: Advocate, link: str) -> None:
        assert "The seat is yours" in client.post(link, {"answer": "yes"}).content.decode()
        assert Claim.objects.get().advocate == ines
        assert client.post(link, {"answer": "yes"}).status_code == 409

    def test_not_now(self, client: Client, link: str) -> None:
        client.post(link, {"answer": "no"})
        assert Waiting.objects.get().ended_at == NOON

    def test_never_this_kind(self, client: Client, ines: Advocate, link: str) -> None:
        client.post(link, {"answer": "never"})
        ines.refresh_from_db()
        assert ines.never == ["talk"]

    def test_no_answer_keeps_the_seat_and_says_what_to_do(self, client: Client, link: str) -> None:
        answer = client.post(link, {})
        assert (answer.status_code, "Choose one of the answers" in answer.content.decode()) == (422, True)
        assert Waiting.objects.get().ended_at is None

    def test_too_late_says_so(self, client: Client, link: str, noon: Any) -> None:
        actions.claim(make_advocate("Omar"), Waiting.objects.get().opportunity, at=NOON + 2 * DAY)
        noon.move_to(NOON + 2 * DAY)
        answer = client.get(link)
        assert (answer.status_code, "The one seat is taken" in answer.content.decode()) == (410, True)

    def test_a_torn_link_says_so(self, client: Client, link: str) -> None:
        assert client.get(link[:-4] + "/").status_code == 410


class TestMyClaims:
    @pytest.fixture
    def claim(self, ines: Advocate) -> Claim:
        claim = actions.claim(ines, make_opportunity("Talk", kind=kind(), what="By video."), at=NOON - 2 * DAY)
        return actions.schedule(claim, starts_at=NOON + DAY, minutes=30, at=NOON - DAY)

    def test_other_peoples_claims_are_not_there(self, client: Client, claim: Claim) -> None:
        client.force_login(make_advocate("Omar").user)
        for page in ("", "withdraw/", "time/", "feedback/", "calendar.ics"):
            assert client.get(f"/claims/{claim.public_id}/{page}").status_code == 404
        assert client.post(f"/claims/{claim.public_id}/done/").status_code == 404

    def test_the_calendar_file_follows_the_appointment(self, as_ines: Client, claim: Claim) -> None:
        file = as_ines.get(f"/claims/{claim.public_id}/calendar.ics").content.decode()
        assert f"UID:claim-{claim.public_id}@portal" in file.replace("\r\n ", "")
        assert "DTSTART:20260311T120000Z" in file
        actions.reschedule(claim, starts_at=NOON + 2 * DAY, at=NOON)
        moved = as_ines.get(f"/claims/{claim.public_id}/calendar.ics").content.decode()
        assert "SEQUENCE:1" in moved
        assert "DTSTART:20260312T120000Z" in moved

    def test_taken_back_the_file_takes_it_out_of_the_calendar(self, as_ines: Client, claim: Claim) -> None:
        actions.withdraw(claim, reason="Ill.", at=NOON)
        file = as_ines.get(f"/claims/{claim.public_id}/calendar.ics").content.decode()
        assert "METHOD:CANCEL" in file
        assert "STATUS:CANCELLED" in file

    def test_moving_it_on_their_own_clock(self, as_ines: Client, claim: Claim, ines: Advocate) -> None:
        ines.user.time_zone = "America/New_York"
        ines.user.save()
        answer = as_ines.post(f"/claims/{claim.public_id}/time/", {"starts_at": "2026-03-13T09:30"})
        claim.refresh_from_db()
        assert answer.status_code == 302
        assert claim.scheduled_for.isoformat() == "2026-03-13T13:30:00+00:00"
        assert as_ines.post(f"/claims/{claim.public_id}/time/", {"starts_at": "2026-03-01T09:30"}).status_code == 422

    def test_a_year_nobody_meant_is_told(self, as_ines: Client, claim: Claim, ines: Advocate) -> None:
        ines.user.time_zone = "America/New_York"
        ines.user.save()
        answer = as_ines.post(f"/claims/{claim.public_id}/time/", {"starts_at": "9999-12-31T23:59"})
        assert (answer.status_code, "more than two years ahead" in answer.content.decode()) == (422, True)
        claim.refresh_from_db()
        assert claim.scheduled_for == NOON + DAY

    def test_a_time_agreed_with_others_is_not_moved_here(self, as_ines: Client, ines: Advocate) -> None:
        webinar = make_opportunity("Webinar", kind=kind(), happens_at=NOON + 5 * DAY)
        claim = actions.claim(ines, webinar, at=NOON)
        answer = as_ines.post(f"/claims/{claim.public_id}/time/", {"starts_at": "2026-03-13T09:30"})
        assert (answer.status_code, "cannot be moved here" in answer.content.decode()) == (409, True)

    def test_taking_it_back_later_asks_why(self, as_ines: Client, claim: Claim) -> None:
        assert "Why?" in as_ines.get(f"/claims/{claim.public_id}/withdraw/").content.decode()
        assert as_ines.post(f"/claims/{claim.public_id}/withdraw/", {"reason": ""}).status_code == 422
        assert as_ines.post(f"/claims/{claim.public_id}/withdraw/", {"undo": "yes"}).status_code == 409
        as_ines.post(f"/claims/{claim.public_id}/withdraw/", {"reason": "A trip came in between."})
        claim.refresh_from_db()
        assert (claim.status, claim.reason) == ("withdrawn", "A trip came in between.")

    def test_what_was_typed_is_kept_when_it_is_refused(self, as_ines: Client, claim: Claim, noon: Any) -> None:
        said = {"happened": "yes", "grade": "5", "minutes": "30", "text": "They asked about night shifts."}
        answer = as_ines.post(f"/claims/{claim.public_id}/feedback/", said)
        page = answer.content.decode()
        assert (answer.status_code, "Its time has not come yet." in page) == (409, True)
        assert "They asked about night shifts." in page
        noon.move_to(NOON + DAY + HOUR)
        answer = as_ines.post(f"/claims/{claim.public_id}/withdraw/", {"reason": "The line was down."})
        page = answer.content.decode()
        assert (answer.status_code, "Its time is over." in page) == (409, True)
        assert "The line was down." in page

    def test_how_it_was_delivers_it(self, as_ines: Client, claim: Claim, noon: Any) -> None:
        noon.move_to(NOON + DAY + HOUR)
        assert "How was it?" in as_ines.get("/claims/").content.decode()
        said = {"happened": "yes", "grade": "5", "minutes": "40", "text": "Good questions."}
        assert as_ines.post(f"/claims/{claim.public_id}/feedback/", said).status_code == 302
        claim.refresh_from_db()
        assert claim.status == "delivered"
        page = as_ines.get(f"/claims/{claim.public_id}/").content.decode()
        assert "Good questions." in page
        assert as_ines.post(f"/claims/{claim.public_id}/feedback/", said).status_code == 409

    def test_done_where_nothing_is_set(self, as_ines: Client, ines: Advocate) -> None:
        review = make_opportunity("Review", kind=kind("written", steps=["claimed", "delivered", "verified"]))
        claim = actions.claim(ines, review, at=NOON)
        assert "It is done" in as_ines.get("/claims/").content.decode()
        as_ines.post(f"/claims/{claim.public_id}/done/")
        claim.refresh_from_db()
        assert claim.status == "delivered"

    def test_a_quote_is_given_with_the_claim_and_nobody_asks_for_it_again(
        self, as_ines: Client, ines: Advocate
    ) -> None:
        words = {"key": "words", "label": "Your sentence", "type": "text", "required": True}
        steps = ["claimed", "delivered", "verified"]
        quote = make_opportunity("Quote", kind=kind("said", steps=steps, questions=[words], answers_are_the_work=True))
        claim = actions.claim(ines, quote, at=NOON, answers={"words": "Two days became two hours."})
        for page in ("/claims/", f"/claims/{claim.public_id}/"):
            shown = as_ines.get(page).content.decode()
            assert "We have what we need from you. We look at it" in shown
            assert "It is your turn" not in shown and "It is done" not in shown
        mail = Message.objects.get(kind="claim_received")
        assert "We have what we need from you." in rendering.render(mail).text

    def test_a_required_text_alone_is_not_the_work(self, as_ines: Client, ines: Advocate) -> None:
        words = {"key": "plan", "label": "What would you write about?", "type": "text", "required": True}
        post = make_opportunity(
            "Quote us", kind=kind("quote-post", steps=["claimed", "delivered", "verified"], questions=[words])
        )
        claim = actions.claim(ines, post, at=NOON, answers={"plan": "Night shifts."})
        assert "It is your turn" in as_ines.get(f"/claims/{claim.public_id}/").content.decode()

    def test_quotes_say_that_their_answer_is_the_work(self) -> None:
        known = OpportunityKind.objects.filter(answers_are_the_work=True).values_list("slug", flat=True)
        assert list(known) == ["quote"]

    def test_after_confirming_what_is_not_delivered_it_is_our_turn(self, as_ines: Client, ines: Advocate) -> None:
        logo = make_opportunity("Logo", kind=kind("logo", steps=["claimed", "confirmed", "verified"]))
        claim = actions.confirm(actions.claim(ines, logo, at=NOON), at=NOON)
        assert "We look at it, and then the points" in as_ines.get(f"/claims/{claim.public_id}/").content.decode()

    def test_nothing_yet_shows_the_way(self, as_ines: Client) -> None:
        assert "You have claimed nothing yet" in as_ines.get("/claims/").content.decode()


def test_every_link_of_the_board_stays_on_the_portal(as_ines: Client) -> None:
    make_opportunity("Call", kind=kind())
    page = as_ines.get(BOARD).content.decode()
    hosts = {urlsplit(link).netloc for link in re.findall(r'(?:href|action|src)="([^"]+)"', page)}
    assert hosts == {""}
