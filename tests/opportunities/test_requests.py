"""Sam files a request and follows it; Ines answers; both by pages, signed in or by a signed link (D1, D6, D7, O5)."""

import re
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import consent
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import ConsentEntry, Contact
from advocacy.delivery.models import Message
from advocacy.lib import signed
from advocacy.users.models import Role, User
from advocates.models import Advocate
from opportunities.actions import board, desk
from opportunities.actions.desk import Pick
from opportunities.models import Claim, Nomination, OpportunityKind, ReferenceRequest
from tests.conftest import QueriesOf
from tests.factories import make_account, make_advocate, make_deal, make_kind, make_team, make_user

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NEW = "/requests/new/"


def call() -> OpportunityKind:
    return make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, minutes=30, points=80)


@pytest.fixture
def sam() -> User:
    return make_user("Sam Adler", Role.REQUESTER)


@pytest.fixture
def as_sam(client: Client, sam: User) -> Client:
    client.force_login(sam)
    return client


def typed(**more: Any) -> dict[str, Any]:
    return {
        "kind": call().pk, "wanted": 1, "needed_by": (timezone.localdate() + 9 * DAY).isoformat(),
        "prospect": "Kestrel Foods", "industry": "Food", "country": "de", "questions": "How did night shifts take it?",
        "prospect_domain": "https://www.Kestrel.test/about", **more,
    }  # fmt: skip


def filed(sam: User, **more: Any) -> ReferenceRequest:
    return desk.file_request(
        requester=sam, kind=call(), prospect="Kestrel Foods", needed_by=timezone.localdate() + 9 * DAY,
        at=timezone.now() - DAY, facts={"questions": "How did night shifts take it?"}, **more,
    )  # fmt: skip


def asked(wanted: ReferenceRequest, *people: Advocate, at: datetime | None = None) -> list[Nomination]:
    rita = User.objects.filter(name="Rita Morgan").first() or make_user("Rita Morgan", Role.MANAGER)
    at = at or timezone.now() - 5 * HOUR
    return desk.nominate(wanted, [Pick(one.pk, "You know night shifts.") for one in people], by=rita, at=at)


def times(*days: int, zone: Any = None) -> dict[str, str]:
    """Three times as a browser sends them."""
    now = timezone.localtime(timezone.now() + DAY, zone).replace(hour=10, minute=0)
    return {f"time_{n}": (now + day * DAY).strftime("%Y-%m-%dT%H:%M") for n, day in enumerate(days or (1, 2, 3), 1)}


class TestFiling:
    def test_sam_files_a_request_and_lands_on_its_page(self, as_sam: Client, sam: User) -> None:
        answer = as_sam.post(NEW, typed(), follow=True)
        wanted = ReferenceRequest.objects.get()
        assert answer.redirect_chain == [(f"/requests/{wanted.public_id}/", 302)]
        assert "with the desk" in answer.content.decode()
        assert (wanted.requester, wanted.country, wanted.prospect_domain) == (sam, "DE", "kestrel.test")

    def test_a_deal_fills_in_what_the_crm_knows(self, as_sam: Client) -> None:
        deal = make_deal(prospect="Larkfield Dairy", industry="Dairy", language="de", competitor="Planwerk")
        page = as_sam.get(f"{NEW}?deal={deal.pk}").content.decode()
        for value in ("Larkfield Dairy", "Dairy", "Planwerk", "184,000"):
            assert value in page
        assert re.search(r'<option value="de" selected', page)

    def test_picking_another_deal_keeps_what_was_typed(self, as_sam: Client) -> None:
        first = make_deal(prospect="Larkfield Dairy", industry="Dairy", competitor="Planwerk")
        second = make_deal(prospect="Osprey", industry="Energy", competitor="")
        data = typed(deal=first.pk, prospect="Larkfield Dairy", industry="Cheese", competitor="Planwerk",
                     needed_by="next week")  # fmt: skip
        answer = as_sam.post(NEW, {**data, "pick": second.pk})
        page = answer.content.decode()
        assert answer.status_code == 200 and not ReferenceRequest.objects.exists()
        assert 'value="Osprey"' in page  # it was the first deal's, so the second's replaces it
        assert 'value="Cheese"' in page  # it was typed over, so it stays
        assert 'value="Planwerk"' not in page
        assert "next week" in page and "night shifts" in page
        assert "error-summary" not in page

    @pytest.mark.parametrize("odd", ["²", "\x00", "-1", "9" * 19, "9" * 400])
    def test_odd_addresses_and_words_find_nothing(self, as_sam: Client, odd: str) -> None:
        make_deal(name="Kestrel")
        assert as_sam.get(NEW, {"deal": odd, "q": odd}).status_code == 200
        assert as_sam.get("/requests/deals/", {"q": odd}).status_code == 200
        assert as_sam.post(NEW, {**typed(), "deal": odd, "find": "1", "q": odd}).status_code == 200
        assert as_sam.post(NEW, {**typed(), "pick": odd}).status_code == 200
        assert as_sam.post(NEW, {**typed(), "deal": odd}).status_code == 422
        assert not ReferenceRequest.objects.exists()

    def test_looking_for_a_deal_without_javascript_loses_nothing(self, as_sam: Client) -> None:
        make_deal("Kestrel rollout")
        page = as_sam.post(NEW, {**typed(), "q": "kestrel", "find": "yes"}).content.decode()
        assert "Kestrel rollout" in page and "night shifts" in page
        assert not ReferenceRequest.objects.exists()

    def test_deals_are_found_by_words_of_name_and_prospect_while_typing(self, as_sam: Client, sam: User) -> None:
        make_deal("Rollout North", prospect="Osprey")
        mine = make_deal("Rollout South", prospect="Osprey", owner=sam)
        make_deal("Old rollout", prospect="Osprey", outcome="lost", closed_on=date(2026, 1, 1))
        page = as_sam.get("/requests/deals/?q=osprey rollout", headers={"hx-request": "true"}).content.decode()
        assert page.index("Rollout South") < page.index("Rollout North") and "Old rollout" not in page
        assert "<html" not in page
        assert "No open deal is called" in as_sam.get("/requests/deals/?q=nobody").content.decode()
        assert str(mine.pk) in as_sam.get(NEW).content.decode()  # one's own stand there without a search

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"needed_by": "2020-01-01"}, "This day has passed"),
            ({"needed_by": ""}, "Say by which day"),
            ({"prospect": " "}, "Name the company"),
            ({"country": "Germany"}, "Shorten this to 2 characters"),
            ({"country": "1%"}, "two letters"),
            ({"wanted": "99"}, "up to 20"),
            ({"employees": "many"}, "whole number"),
            ({"kind": "0"}, "Choose one of those listed"),
            ({"deal": "0"}, "those listed"),
        ],
    )
    def test_each_mistake_is_told_and_nothing_typed_is_lost(
        self, as_sam: Client, wrong: dict[str, str], said: str
    ) -> None:
        answer = as_sam.post(NEW, typed(**wrong))
        page = answer.content.decode()
        assert answer.status_code == 422 and said in page and "How did night shifts take it?" in page
        assert not ReferenceRequest.objects.exists()

    def test_only_kinds_of_the_desk_are_on_offer(self, as_sam: Client) -> None:
        call()
        webinar = make_kind("webinar-only", name="Webinar only", for_requests=False)
        assert "Webinar only" not in as_sam.get(NEW).content.decode()
        assert as_sam.post(NEW, typed(kind=webinar.pk)).status_code == 422

    def test_a_deal_with_a_request_under_way_is_warned_about(self, as_sam: Client, sam: User) -> None:
        deal = make_deal()
        filed(sam, deal=deal)
        assert "has a request under way" in as_sam.get(f"{NEW}?deal={deal.pk}").content.decode()
        answer = as_sam.post(NEW, typed(deal=deal.pk))
        assert answer.status_code == 422 and "Tick this" in answer.content.decode()
        as_sam.post(NEW, typed(deal=deal.pk, anyway="on"))
        assert ReferenceRequest.objects.count() == 2

    def test_the_team_of_the_requester_is_chosen_already(self, as_sam: Client, sam: User) -> None:
        team = make_team("Sales")
        team.members.add(sam)
        assert f'<option value="{team.pk}" selected' in as_sam.get(NEW).content.decode()


class TestFollowing:
    def test_names_stay_hidden_until_the_yes(self, as_sam: Client, sam: User) -> None:
        ines, wanted = make_advocate("Ines Barbosa", make_account("Moinho Claro")), filed(sam)
        (nomination,) = asked(wanted, ines)
        url = f"/requests/{wanted.public_id}/"
        page = as_sam.get(url).content.decode()
        assert "1 advocate" in page
        for secret in ("Ines", "Barbosa", "Moinho", ines.contact.email):
            assert secret not in page
        desk.decline(nomination, reason="On holiday", at=timezone.now())
        page = as_sam.get(url).content.decode()
        assert "An advocate declined" in page and "Ines" not in page and "holiday" not in page

    def test_with_the_yes_come_name_and_times_and_with_the_time_the_address(self, as_sam: Client, sam: User) -> None:
        ines, wanted = make_advocate("Ines Barbosa"), filed(sam)
        (nomination,) = asked(wanted, ines)
        now = timezone.now()
        desk.accept(nomination, times=[now + DAY, now + 2 * DAY, now + 3 * DAY], at=now)
        url = f"/requests/{wanted.public_id}/"
        page = as_sam.get(url).content.decode()
        assert "Ines Barbosa" in page and "pick one of the times" in page and ines.contact.email not in page
        time = nomination.times.all()[1]
        assert as_sam.post(f"{url}time/", {}).status_code == 422
        answer = as_sam.post(f"{url}time/", {"time": time.pk}, follow=True)
        assert "The time is set" in answer.content.decode()
        assert ines.contact.email in as_sam.get(url).content.decode()
        other = nomination.times.all()[0]
        answer = as_sam.post(f"{url}time/", {"time": other.pk})
        assert answer.status_code == 409 and "set already" in answer.content.decode()

    def test_other_times_are_asked_for_in_own_words(self, as_sam: Client, sam: User) -> None:
        wanted = filed(sam)
        (nomination,) = asked(wanted, make_advocate("Ines"))
        now = timezone.now()
        desk.accept(nomination, times=[now + DAY, now + 2 * DAY, now + 3 * DAY], at=now)
        url = f"/requests/{wanted.public_id}/other-times/{nomination.public_id}/"
        assert as_sam.post(url, {"other-text": ""}).status_code == 422
        as_sam.post(url, {"other-text": "Mornings only"})
        assert Message.objects.get(kind="nomination_other_times").params["said"] == "Mornings only"
        assert "We have asked for other times" in as_sam.get(f"/requests/{wanted.public_id}/").content.decode()

    def test_a_question_of_the_desk_is_answered_on_the_page(self, as_sam: Client, sam: User) -> None:
        wanted = filed(sam)
        desk.ask_requester(wanted, text="Which language?", by=make_user("Rita", Role.MANAGER), at=timezone.now())
        url = f"/requests/{wanted.public_id}/"
        assert "Which language?" in as_sam.get(url).content.decode()
        answer = as_sam.post(f"{url}answer/", {"answer-text": ""})
        assert answer.status_code == 422
        as_sam.post(f"{url}answer/", {"answer-text": "German"})
        wanted.refresh_from_db()
        assert wanted.waiting_for == "desk"
        assert "German" in as_sam.get(url).content.decode()

    def test_it_is_withdrawn_after_one_more_question(self, as_sam: Client, sam: User) -> None:
        wanted = filed(sam)
        url = f"/requests/{wanted.public_id}/withdraw/"
        assert "Withdraw the request for Kestrel Foods?" in as_sam.get(url).content.decode()
        wanted.refresh_from_db()
        assert wanted.status == "new"
        assert as_sam.post(url, {"text": ""}).status_code == 422
        as_sam.post(url, {"text": "The deal is off."})
        wanted.refresh_from_db()
        assert wanted.status == "withdrawn"
        assert as_sam.post(url, {"text": "Again."}, follow=True).status_code == 200

    def test_how_it_was_is_said_on_the_page(self, as_sam: Client, sam: User) -> None:
        wanted, claim = over(sam)
        url = f"/requests/{wanted.public_id}/how-was-it/{claim.public_id}/"
        assert "Did it take place?" in as_sam.get(f"/requests/{wanted.public_id}/").content.decode()
        answer = as_sam.post(url, {"how-grade": "5", "how-text": "Very open"})
        assert answer.status_code == 422 and "Very open" in answer.content.decode()
        as_sam.post(url, {"how-happened": "yes", "how-grade": "5", "how-text": "Very open"})
        assert claim.feedback.get().text == "Very open"
        assert as_sam.post(url, {"how-happened": "yes", "how-grade": "1"}).status_code == 409

    def test_of_two_who_helped_each_has_a_form_of_their_own(self, as_sam: Client, sam: User) -> None:
        wanted = filed(sam, wanted=2)
        OpportunityKind.objects.filter(pk=wanted.kind_id).update(steps=["claimed", "delivered", "verified"])
        for one in asked(wanted, make_advocate("Ines Barbosa"), make_advocate("Omar Haddad")):
            desk.accept(one, times=[], at=timezone.now() - 3 * HOUR)
        ines = Claim.objects.get(advocate__contact__given_name="Ines")
        answer = as_sam.post(
            f"/requests/{wanted.public_id}/how-was-it/{ines.public_id}/", {"how-grade": "5", "how-text": "Very open"}
        )
        page = answer.content.decode()
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert sorted(ids) == sorted(set(ids))
        assert (answer.status_code, page.count("Very open"), page.count("error-summary")) == (422, 1, 1)

    def test_what_the_advocate_tells_the_desk_is_not_for_the_seller(self, as_sam: Client, sam: User) -> None:
        wanted, claim = over(sam)
        board.give_feedback(claim, side="advocate", grade=2, text="Sam promised them too much.", at=timezone.now())
        page = as_sam.get(f"/requests/{wanted.public_id}/").content.decode()
        assert "Ines Barbosa said how it was" in page
        assert "promised" not in page and "2 of 5" not in page

    def test_a_time_that_is_gone_is_told_and_the_present_ones_shown(self, as_sam: Client, sam: User) -> None:
        wanted, now = filed(sam), timezone.now()
        (nomination,) = asked(wanted, make_advocate("Ines"))
        desk.accept(nomination, times=[now + DAY, now + 2 * DAY, now + 3 * DAY], at=now)
        old = nomination.times.all()[0].pk
        desk.no_time_fits(nomination, text="Later", by=sam, at=now)
        desk.propose_times(nomination, times=[now + 8 * DAY, now + 9 * DAY, now + 10 * DAY], at=now)
        signed_page = reverse("opportunities:pick_time", args=[signed.sign("pick_time", str(nomination.public_id))])
        for url in (f"/requests/{wanted.public_id}/time/", signed_page):
            for picked in (old, "²", "9" * 30):
                answer = as_sam.post(url, {"time": picked})
                assert answer.status_code == 422 and "The times have changed meanwhile" in answer.content.decode()
                assert f'value="{nomination.times.all()[0].pk}"' in answer.content.decode()

    def test_a_prospect_who_did_not_come_is_told_and_another_time_asked_for(self, as_sam: Client, sam: User) -> None:
        wanted, claim = over(sam)
        desk.missed(claim.nomination, by_prospect=True, by=None, at=timezone.now())
        url = f"/requests/{wanted.public_id}/"
        page = as_sam.get(url).content.decode()
        assert "Kestrel Foods did not come." in page and "Ask for another time" in page and "cannot make it" not in page
        answer = reverse("opportunities:answer", args=[signed.sign("answer", str(claim.nomination.public_id))])
        assert "We are sorry; you keep the points" in as_sam.get(answer).content.decode()
        as_sam.post(f"{url}other-times/{claim.nomination.public_id}/", {"other-text": "Any morning"})
        assert "We have asked for other times" in as_sam.get(url).content.decode()
        as_sam.post(answer, {"answer": "times", **times(7, 8, 9)})
        assert "pick one of the times" in as_sam.get(url).content.decode()

    def test_the_list_shows_own_requests_only(self, as_sam: Client, sam: User) -> None:
        filed(sam)
        other = filed(make_user("Tom", Role.REQUESTER))
        ReferenceRequest.objects.filter(pk=other.pk).update(prospect="Osprey")
        page = as_sam.get("/requests/").content.decode()
        assert "Kestrel Foods" in page and "Osprey" not in page
        assert as_sam.get(f"/requests/{other.public_id}/").status_code == 404
        assert as_sam.post(f"/requests/{other.public_id}/withdraw/", {"text": "x"}).status_code == 404
        assert "Nothing has ended yet" in as_sam.get("/requests/?show=ended").content.decode()

    def test_an_empty_list_offers_the_first_step(self, as_sam: Client) -> None:
        assert "Nothing under way" in as_sam.get("/requests/").content.decode()

    def test_lists_and_pages_cost_the_same_for_many(self, as_sam: Client, sam: User, queries_of: QueriesOf) -> None:
        for _number in range(2):
            filed(sam, deal=make_deal())
        few = queries_of(partial(as_sam.get, "/requests/"))
        for _number in range(17):
            filed(sam, deal=make_deal())
        assert queries_of(partial(as_sam.get, "/requests/")) == few

        one, many = filed(sam), filed(sam, wanted=5)
        for wanted, names in ((one, ("Ines",)), (many, ("Omar", "Mei", "Noa", "Lee"))):
            for nomination in asked(wanted, *(make_advocate(name) for name in names)):
                now = timezone.now()
                desk.accept(nomination, times=[now + DAY, now + 2 * DAY, now + 3 * DAY], at=now)
        pages = [partial(as_sam.get, f"/requests/{wanted.public_id}/") for wanted in (one, many)]
        assert queries_of(pages[0]) == queries_of(pages[1])


def over(sam: User) -> tuple[ReferenceRequest, Claim]:
    """A call that was set and is over."""
    wanted, now = filed(sam), timezone.now()
    (nomination,) = asked(wanted, make_advocate("Ines Barbosa"), at=now - 20 * HOUR)
    desk.accept(nomination, times=[now - 10 * HOUR, now + DAY, now + 2 * DAY], at=now - 19 * HOUR)
    claim = desk.pick_time(nomination.times.all()[0], at=now - 18 * HOUR)
    desk.follow(nomination, at=now)
    return wanted, claim


class TestAnswering:
    """Ines answers by the link in her mail, without signing in."""

    @pytest.fixture
    def nomination(self, sam: User) -> Nomination:
        return asked(filed(sam), make_advocate("Ines Barbosa"))[0]

    def link(self, nomination: Nomination) -> str:
        return reverse("opportunities:answer", args=[signed.sign("answer", str(nomination.public_id))])

    def test_opening_the_link_shows_the_prospect_first_and_changes_nothing(
        self, client: Client, nomination: Nomination
    ) -> None:
        page = client.get(self.link(nomination)).content.decode()
        assert page.index("Kestrel Foods") < page.index("Rita Morgan")
        assert "You know night shifts." in page and "How did night shifts take it?" in page
        client.head(self.link(nomination))
        nomination.refresh_from_db()
        assert nomination.status == "asked"

    def test_yes_with_three_times_on_her_own_clock(self, client: Client, nomination: Nomination) -> None:
        contact = nomination.advocate.contact
        contact.time_zone = "America/New_York"
        contact.save()
        assert "America/New York" in client.get(self.link(nomination)).content.decode()
        answer = client.post(self.link(nomination), {"answer": "yes", **times()}, follow=True)
        assert "You said yes" in answer.content.decode()
        nomination.refresh_from_db()
        assert nomination.status == "accepted"
        assert {one.starts_at.hour for one in nomination.times.all()} <= {14, 15}  # ten in New York

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"time_2": ""}, "Choose a day and an hour"),
            ({"time_2": "soon"}, "Write the day and the hour"),
            ({"time_2": "2020-01-01T10:00"}, "This time has passed"),
            ({"time_2": "0001-01-01T00:00"}, "This time has passed"),
            ({"time_2": "9999-12-31T23:59"}, "more than half a year ahead"),
        ],
    )
    def test_a_wrong_time_is_told_and_the_others_stay(
        self, client: Client, nomination: Nomination, wrong: dict[str, str], said: str
    ) -> None:
        Contact.objects.update(time_zone="America/New_York")
        data = {"answer": "yes", **times(), **wrong}
        answer = client.post(self.link(nomination), data)
        page = answer.content.decode()
        assert answer.status_code == 422 and said in page and data["time_1"] in page and data["time_3"] in page
        nomination.refresh_from_db()
        assert nomination.status == "asked"

    def test_the_same_time_twice_is_told(self, client: Client, nomination: Nomination) -> None:
        answer = client.post(self.link(nomination), {"answer": "yes", **times(1, 1, 2)})
        assert answer.status_code == 422 and "You have this time already" in answer.content.decode()

    def test_consent_taken_back_meanwhile_is_given_along_with_the_yes(
        self, client: Client, nomination: Nomination
    ) -> None:
        contact = nomination.advocate.contact
        assert "I agree" not in client.get(self.link(nomination)).content.decode()
        consent.withdraw(contact, Purpose.REFERENCE_CALLS, at=timezone.now(), source="profile")
        data = {"answer": "yes", **times()}
        answer = client.post(self.link(nomination), data)  # from a page that was open since before
        page = answer.content.decode()
        assert answer.status_code == 409 and "You can give it here" in page and data["time_1"] in page
        assert "I agree that" in page and 'name="agree"' in page
        client.post(self.link(nomination), {**data, "agree": "yes"})
        nomination.refresh_from_db()
        assert nomination.status == "accepted"
        entry = ConsentEntry.objects.filter(contact=contact).latest("pk")
        assert entry.given and entry.source == "nomination" and "I agree that" in entry.wording

    def test_not_now_with_ruling_out(self, client: Client, nomination: Nomination) -> None:
        data = {"answer": "no", "reason": "We talk to them ourselves", "rule_out": "on"}
        assert "not this time" in client.post(self.link(nomination), data, follow=True).content.decode()
        nomination.refresh_from_db()
        assert (nomination.status, nomination.decline_reason) == ("declined", "We talk to them ourselves")
        assert nomination.advocate.ruled_out == ["kestrel foods"]
        assert nomination.advocate.never == []

    def test_a_second_answer_is_met_kindly(self, client: Client, nomination: Nomination) -> None:
        client.post(self.link(nomination), {"answer": "yes", **times()})
        answer = client.post(self.link(nomination), {"answer": "no"})
        assert answer.status_code == 409 and "You have said yes" in answer.content.decode()
        desk_page = client.get(self.link(nomination)).content.decode()
        assert "These are your times" in desk_page

    def test_taken_back_meanwhile(self, client: Client, nomination: Nomination) -> None:
        desk.recall(nomination, by=None, at=timezone.now())
        assert "nothing to answer any more" in client.get(self.link(nomination)).content.decode()
        assert client.post(self.link(nomination), {"answer": "yes", **times()}).status_code == 409

    def test_a_torn_or_foreign_link_says_so(self, client: Client, nomination: Nomination) -> None:
        for token in ("nonsense", signed.sign("pick_time", str(nomination.public_id)), signed.sign("answer", "x")):
            answer = client.get(reverse("opportunities:answer", args=[token]))
            assert answer.status_code == 404 and "does not open" in answer.content.decode()

    def test_nonsense_is_no_answer(self, client: Client, nomination: Nomination) -> None:
        assert client.post(self.link(nomination), {"answer": "maybe"}).status_code == 422
        nomination.refresh_from_db()
        assert nomination.status == "asked"

    def test_signed_in_she_sees_it_on_her_home_page_and_nobody_elses(
        self, client: Client, nomination: Nomination
    ) -> None:
        assert nomination.advocate.user is not None
        client.force_login(nomination.advocate.user)
        url = f"/nominations/{nomination.public_id}/"
        assert url in client.get("/").content.decode()
        client.post(url, {"answer": "yes", **times()})
        nomination.refresh_from_db()
        assert nomination.status == "accepted"
        omar = make_advocate("Omar")
        assert omar.user is not None
        client.force_login(omar.user)
        assert client.get(url).status_code == 404

    def test_her_claim_shows_the_times_and_the_way_to_propose_others(
        self, client: Client, nomination: Nomination
    ) -> None:
        now = timezone.now().replace(second=0, microsecond=0)
        desk.accept(nomination, times=[now + day * DAY for day in (1, 2, 3)], at=now)
        client.force_login(nomination.advocate.user)
        claim = Claim.objects.get()
        page = client.get(f"/claims/{claim.public_id}/").content.decode()
        link = f'href="/nominations/{nomination.public_id}/"'
        assert "These are your times." in page and page.count("<li>") >= 3 and link in page
        assert "writes to you about a time" not in page + client.get("/claims/").content.decode()
        nomination.refresh_from_db()
        desk.no_time_fits(nomination, text="Next week?", by=nomination.request.requester, at=now)
        page = client.get(f"/claims/{claim.public_id}/").content.decode()
        assert "Could you propose others?" in page and link in page

    def test_other_times_are_proposed_by_the_same_link(self, client: Client, nomination: Nomination) -> None:
        client.post(self.link(nomination), {"answer": "yes", **times()})
        desk.no_time_fits(nomination, text="Mornings", by=nomination.request.requester, at=timezone.now())
        assert "propose three others" in client.get(self.link(nomination)).content.decode()
        client.post(self.link(nomination), {"answer": "times", **times(7, 8, 9)})
        assert nomination.times.count() == 3


class TestSignedPagesOfTheRequester:
    def test_a_time_is_picked_without_signing_in(self, client: Client, sam: User) -> None:
        wanted, now = filed(sam), timezone.now()
        (nomination,) = asked(wanted, make_advocate("Ines Barbosa"))
        desk.accept(nomination, times=[now + DAY, now + 2 * DAY, now + 3 * DAY], at=now)
        url = reverse("opportunities:pick_time", args=[signed.sign("pick_time", str(nomination.public_id))])
        page = client.get(url).content.decode()
        assert "Ines Barbosa" in page and nomination.advocate.contact.email not in page
        assert client.post(url, {"time": "0"}).status_code == 422
        client.post(url, {"time": nomination.times.all()[2].pk})
        wanted.refresh_from_db()
        assert wanted.status == "scheduled"
        assert "It is set for" in client.get(url).content.decode()
        assert client.post(url, {"time": nomination.times.all()[0].pk}).status_code == 409

    def test_how_it_was_is_said_without_signing_in(self, client: Client, sam: User) -> None:
        wanted, claim = over(sam)
        url = reverse("opportunities:how_was_it", args=[signed.sign("how_was_it", str(claim.public_id))])
        assert "How was it?" in client.get(url).content.decode()
        assert client.post(url, {"grade": "4"}).status_code == 422
        client.post(url, {"happened": "yes", "grade": "4"})
        assert "You said: 4 of 5" in client.get(url).content.decode()
        assert wanted.nominations.get().claim is not None
        assert client.get(reverse("opportunities:how_was_it", args=["x"])).status_code == 404
