"""Rita works the desk: the queue, the request page, who fits and why not, nominating, the moves (D3, D5, D12)."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.test import Client, RequestFactory
from django.utils import timezone

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Program
from advocacy.delivery.models import Message
from advocacy.users.models import Role, User
from advocates import budget
from advocates.models import Advocate, Task
from opportunities import desk_home
from opportunities.actions import board, desk
from opportunities.actions.desk import Pick
from opportunities.jobs.desk import follow_claims
from opportunities.models import MatchWeight, Nomination, ReferenceRequest
from tests.conftest import QueriesOf
from tests.factories import make_account, make_advocate, make_deal, make_kind, make_pod, make_user

pytestmark = pytest.mark.django_db
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
QUEUE = "/admin/opportunities/referencerequest/"


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def as_rita(client: Client, rita: User) -> Client:
    client.force_login(rita)
    return client


def filed(prospect: str = "Kestrel Foods", days: int = 9, **more: Any) -> ReferenceRequest:
    kind = make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, minutes=30, points=80)
    sam = User.objects.filter(name="Sam Adler").first() or make_user("Sam Adler", Role.REQUESTER)
    facts = {"industry": "Food", "region": "Europe", "questions": "How did night shifts take it?",
             **more.pop("facts", {})}  # fmt: skip
    wanted = desk.file_request(
        requester=sam, kind=kind, prospect=prospect, needed_by=timezone.localdate() + max(days, 0) * DAY,
        at=timezone.now() - DAY, facts=facts, **more,
    )  # fmt: skip
    if days < 0:
        ReferenceRequest.objects.filter(pk=wanted.pk).update(needed_by=timezone.localdate() + days * DAY)
    return wanted


def page_of(wanted: ReferenceRequest) -> str:
    return f"{QUEUE}{wanted.pk}/change/"


def move(client: Client, wanted: ReferenceRequest, do: str, **data: Any) -> Any:
    return client.post(f"{QUEUE}{wanted.pk}/move/", {"do": do, **data}, follow=True)


def agreed(wanted: ReferenceRequest, rita: User, *, ago: timedelta = timedelta()) -> Nomination:
    """Ines said yes; with ``ago`` the call is set and over."""
    now = timezone.now()
    ines = make_advocate("Ines Barbosa", pod=make_pod(rita))
    (nomination,) = desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=now - 20 * HOUR)
    start = now - ago if ago else now + DAY
    desk.accept(nomination, times=[start, now + 2 * DAY, now + 3 * DAY], at=now - 19 * HOUR)
    if ago:
        desk.pick_time(nomination.times.all()[0], at=now - 18 * HOUR)
        desk.follow(nomination, at=now)
    nomination.refresh_from_db()
    return nomination


class TestTheQueue:
    def test_each_filter_shows_its_requests(self, as_rita: Client, rita: User) -> None:
        desk.assign(filed("Mine"), to=rita, at=timezone.now())
        filed("Soon", days=2)
        filed("Late", days=-2)
        desk.withdraw(filed("Gone"), reason="Off.", by=rita, at=timezone.now())
        desk.ask_requester(ReferenceRequest.objects.get(prospect="Mine"), text="How big?", by=rita, at=timezone.now())
        expected = {
            "": {"Mine", "Soon", "Late"}, "mine": {"Mine"}, "unassigned": {"Soon", "Late"}, "soon": {"Soon"},
            "waiting": {"Mine"},
            "overdue": {"Late"}, "ended": {"Gone"}, "nonsense": {"Mine", "Soon", "Late"},
        }  # fmt: skip
        for view, names in expected.items():
            rows = as_rita.get(QUEUE, {"view": view}).context["page"].items
            assert {row.prospect for row in rows} == names, view

    def test_sorted_by_need_by_value_and_by_filing(self, as_rita: Client) -> None:
        filed("Small", days=3, deal=make_deal(value=10))
        filed("Large", days=9, deal=make_deal(value=900))
        filed("None", days=1)
        for sort, names in {
            "need": ["None", "Small", "Large"], "value": ["Large", "Small", "None"],
            "filed": ["None", "Large", "Small"],
        }.items():  # fmt: skip
            rows = as_rita.get(QUEUE, {"sort": sort}).context["page"].items
            assert [row.prospect for row in rows] == names

    def test_found_by_prospect_deal_and_requester(self, as_rita: Client) -> None:
        filed("Kestrel Foods", deal=make_deal("Rollout North"))
        filed("Osprey")
        for query, count in {"kestrel": 1, "rollout": 1, "adler": 2, "nobody": 0}.items():
            assert len(as_rita.get(QUEUE, {"q": query}).context["page"].items) == count

    def test_several_are_taken_at_once_and_given_to_a_colleague(self, as_rita: Client, rita: User) -> None:
        first, second, third = filed("A"), filed("B"), filed("C")
        lena = make_user("Lena", Role.LEAD)
        as_rita.post(QUEUE, {"chosen": [first.pk, second.pk], "to": "me"})
        as_rita.post(QUEUE, {"chosen": [third.pk], "to": lena.pk})
        owners = dict(ReferenceRequest.objects.values_list("prospect", "manager__name"))
        assert owners == {"A": "Rita Morgan", "B": "Rita Morgan", "C": "Lena"}
        first.refresh_from_db()
        assert first.status == "matching"

    def test_nothing_ticked_is_told_and_what_has_ended_is_left(self, as_rita: Client, rita: User) -> None:
        assert "Tick the requests first" in as_rita.post(QUEUE, {"to": "me"}, follow=True).content.decode()
        gone = filed("Gone")
        desk.withdraw(gone, reason="Off.", by=rita, at=timezone.now())
        answer = as_rita.post(QUEUE, {"chosen": [gone.pk], "to": "me"}, follow=True)
        assert "This request has ended" in answer.content.decode()
        sam = make_user("Tom", Role.REQUESTER)
        as_rita.post(QUEUE, {"chosen": [filed().pk], "to": sam.pk})
        assert not ReferenceRequest.objects.filter(manager=sam).exists()

    def test_costs_the_same_for_many(self, as_rita: Client, queries_of: QueriesOf) -> None:
        for _number in range(2):
            filed(deal=make_deal())
        few = queries_of(partial(as_rita.get, QUEUE))
        for _number in range(25):
            filed(deal=make_deal())
        assert queries_of(partial(as_rita.get, QUEUE)) == few <= 11

    def test_ten_thousand_requests_cost_as_few_in_every_filter_and_order(
        self, as_rita: Client, rita: User, queries_of: QueriesOf
    ) -> None:
        one, deals = filed(), [make_deal(value=number) for number in range(5)]
        days, waits = timezone.localdate(), list(ReferenceRequest.WaitingFor.values)
        ReferenceRequest.objects.bulk_create(
            ReferenceRequest(
                requester=one.requester, kind=one.kind, prospect=f"Prospect {number}", filed_at=one.filed_at,
                needed_by=days + (number % 40 - 9) * DAY, manager=rita if number % 3 else None,
                deal=deals[number % 6] if number % 6 < 5 else None, waiting_for=waits[number % 5],
            )
            for number in range(10_000)
        )  # fmt: skip
        for view in ("mine", "unassigned", "active", "waiting", "soon", "overdue"):
            for sort in ("need", "value"):
                look = partial(as_rita.get, QUEUE, {"view": view, "sort": sort})
                assert queries_of(look) < 12, (view, sort)
                assert len(look().context["page"].items) == 30, (view, sort)
        chosen = [str(row.pk) for row in as_rita.get(QUEUE, {"view": "unassigned"}).context["page"].items]
        as_rita.post(QUEUE, {"chosen": chosen, "to": "me"})
        assert ReferenceRequest.objects.filter(pk__in=chosen, manager=rita).count() == 30

    @pytest.mark.parametrize("role", [Role.REQUESTER, Role.MODERATOR, Role.READER, Role.OWNER])
    def test_the_desk_is_not_open_to_others(self, client: Client, role: str) -> None:
        wanted = filed()
        client.force_login(make_user("Noa", role))
        for url in (QUEUE, page_of(wanted), f"{QUEUE}{wanted.pk}/nominate/", f"{QUEUE}{wanted.pk}/why-not/"):
            assert client.get(url).status_code in (302, 403)
        client.post(f"{QUEUE}{wanted.pk}/move/", {"do": "unfilled", "end-text": "Because."})
        wanted.refresh_from_db()
        assert wanted.status == "new"


class TestThePage:
    def test_shows_who_fits_with_reasons_and_what_sam_asks(self, as_rita: Client) -> None:
        make_advocate("Ines Barbosa", make_account("Moinho Claro"))
        make_advocate("Omar Haddad", consents=[])
        page = as_rita.get(page_of(filed(deal=make_deal()))).content.decode().replace("\xa0", " ")
        for words in (
            "Ines Barbosa", "Same industry and region; never asked before.", "What Sam asks for", "€ 184,000",
            "How did night shifts take it?", "Waiting for the desk", "1 d with the desk, 1 d in all",
        ):  # fmt: skip
            assert words in page
        assert "1 fit" in page and "why not 1 others" in page and "Omar" not in page

    def test_a_candidate_has_a_score_in_figures_and_leads_to_their_own_page(self, as_rita: Client) -> None:
        ines = make_advocate("Ines Barbosa")
        page = as_rita.get(page_of(filed())).content.decode()
        assert f'href="/advocates/{ines.public_id}/"' in page
        (one,) = as_rita.get(page_of(ReferenceRequest.objects.get())).context["candidates"]
        assert one.score > 0 and f">{one.score:.1f}</b>" in page

    def test_costs_fewer_than_twelve_queries_however_many_advocates(
        self, as_rita: Client, rita: User, queries_of: QueriesOf
    ) -> None:
        wanted = filed(deal=make_deal())
        desk.assign(wanted, to=rita, at=timezone.now())
        for number in range(2):
            make_advocate(f"Mei {number}", user=False)
        few = queries_of(partial(as_rita.get, page_of(wanted)))
        for number in range(25):
            make_advocate(f"Noa {number}", user=False)
        assert queries_of(partial(as_rita.get, page_of(wanted))) == few < 12

    def test_a_program_too_large_to_count_at_once_counts_afterwards(
        self, as_rita: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("opportunities.matching.SMALL", 1)
        make_advocate("Ines Barbosa")
        wanted = filed()
        page = as_rita.get(page_of(wanted)).content.decode()
        assert "why not the others" in page and 'hx-trigger="load"' in page
        counts = as_rita.get(f"{QUEUE}{wanted.pk}/why-not/", headers={"hx-request": "true"}).content.decode()
        assert "1 fit" in counts and "<html" not in counts

    def test_parts_are_required_and_weighed_in_the_address(self, as_rita: Client) -> None:
        make_advocate("Food One", make_account(industry="Food", region="Asia"))
        make_advocate("Steel One", make_account(industry="Steel", region="Europe"))
        wanted = filed()

        def found(**look: Any) -> list[str]:
            answer = as_rita.get(page_of(wanted), {"relaxed": "yes", **look} if look else {})
            return [one.name for one in answer.context["candidates"]]

        assert found() == ["Food One", "Steel One"]
        assert found(must="region") == ["Steel One"]
        assert found(w_region="90") == ["Steel One", "Food One"]
        assert found(must="nonsense", w_region="many", w_industry="500") == ["Food One", "Steel One"]

    def test_what_must_fit_is_kept_with_the_request(self, as_rita: Client) -> None:
        wanted = filed()
        as_rita.post(f"{QUEUE}{wanted.pk}/move/?relaxed=yes&must=industry&must=region", {"do": "keep"})
        wanted.refresh_from_db()
        assert wanted.required == ["industry", "region"]

    def test_why_not_counts_by_gate_and_lists_in_pages(self, as_rita: Client) -> None:
        for number in range(3):
            make_advocate(f"Mei {number}", user=False, consents=[])
        make_advocate("Omar Haddad", make_account(readiness="paused", readiness_reason="open escalation"))
        url = f"{QUEUE}{filed().pk}/why-not/"
        page = as_rita.get(url).content.decode()
        assert "Has not consented to this kind" in page and "Account is not ready" in page
        page = as_rita.get(url, {"gate": "ready"}).content.decode()
        assert "Omar Haddad" in page and "open escalation" in page and "Mei 0" not in page
        assert "Nobody is stopped" in as_rita.get(url, {"gate": "away"}).content.decode()
        assert as_rita.get(url, {"gate": "consent", "page": "9"}).status_code == 200

    @pytest.mark.parametrize("odd", ["²", "\x00", "-1", "9" * 19, "9" * 400])
    def test_odd_addresses_break_no_page(self, as_rita: Client, odd: str) -> None:
        make_advocate("Ines Barbosa")
        wanted = filed()
        url = f"{QUEUE}{wanted.pk}/"
        look = {"relaxed": "yes", "w_industry": odd, "must": odd}
        assert as_rita.get(QUEUE, {"q": odd, "view": odd, "sort": odd}).status_code == 200
        assert as_rita.get(f"{url}change/", look).status_code == 200
        assert as_rita.get(f"{url}why-not/", {"gate": odd, "page": odd, **look}).status_code == 200
        assert as_rita.get(f"{url}why-not/", {"gate": "consent", "page": odd}).status_code == 200
        assert as_rita.get(f"{url}nominate/", {"advocate": odd}).status_code in (200, 302)
        assert as_rita.post(f"{url}nominate/", {"advocate": odd}).status_code in (302, 409)
        assert as_rita.post(QUEUE, {"chosen": odd, "to": odd}).status_code == 302
        for do in ("recall", "verify", "thank", odd):
            answer = as_rita.post(f"{url}move/", {"do": do, "nomination": odd})
            assert answer.status_code in (404, 422)
        for number in ("²", "9" * 19, "9" * 400):
            assert as_rita.get(f"{QUEUE}{number}/change/").status_code == 404

    def test_says_in_a_sentence_whose_turn_it_is(self, as_rita: Client, rita: User) -> None:
        wanted = filed()
        assert "Nobody has it yet: take it, and ask who fits." in as_rita.get(page_of(wanted)).content.decode()
        desk.assign(wanted, to=rita, at=timezone.now(), by=rita)
        assert "ask who fits, or answer with proof" in as_rita.get(page_of(wanted)).content.decode()
        agreed(wanted, rita)
        assert "An advocate said yes: Sam Adler picks a time." in as_rita.get(page_of(wanted)).content.decode()

    def test_why_not_begins_with_the_gate_that_stops_most(self, as_rita: Client) -> None:
        make_advocate("Omar Haddad", consents=[])
        make_advocate("Mei Tanaka", consents=[])
        page = as_rita.get(f"{QUEUE}{filed().pk}/why-not/").content.decode()
        assert "Omar Haddad" in page and "Mei Tanaka" in page

    def test_an_ended_request_offers_no_candidates(self, as_rita: Client, rita: User) -> None:
        make_advocate("Ines Barbosa")
        wanted = filed()
        desk.leave_unfilled(wanted, reason="Nobody in dairy.", by=rita, at=timezone.now())
        page = as_rita.get(page_of(wanted)).content.decode()
        assert "Ines" not in page and "Nobody in dairy." in page and "Look again" in page
        assert as_rita.get(f"{QUEUE}999999/change/").status_code == 404
        assert as_rita.get(f"{QUEUE}nonsense/change/").status_code == 404


class TestNominating:
    def test_two_are_asked_each_with_her_reason(self, as_rita: Client) -> None:
        ines, omar = make_advocate("Ines Barbosa"), make_advocate("Omar Haddad")
        wanted = filed()
        url = f"{QUEUE}{wanted.pk}/nominate/"
        page = as_rita.get(url, {"advocate": [ines.pk, omar.pk]}).content.decode()
        assert page.count("Kestrel Foods is in the same industry and in the same region.") == 2
        data = {"advocate": [ines.pk, omar.pk], f"why-{ines.pk}": "You know nights.", f"why-{omar.pk}": ""}
        answer = as_rita.post(url, data, follow=True)
        assert "2 advocates are being asked" in answer.content.decode()
        assert dict(Nomination.objects.values_list("advocate", "why")) == {ines.pk: "You know nights.", omar.pk: ""}
        wanted.refresh_from_db()
        assert (wanted.status, str(wanted.manager)) == ("asked", "Rita Morgan")

    def test_nobody_chosen_is_told(self, as_rita: Client) -> None:
        answer = as_rita.get(f"{QUEUE}{filed().pk}/nominate/", follow=True)
        assert "Tick the advocates to ask first" in answer.content.decode()

    def test_a_refusal_keeps_what_was_typed_and_a_reason_gets_past_rest(self, as_rita: Client) -> None:
        ines = make_advocate("Ines Barbosa")
        budget.ask(ines, channel="board", source_id=9, kind="webinar", at=timezone.now() - DAY)
        url = f"{QUEUE}{filed().pk}/nominate/"
        data = {"advocate": ines.pk, f"why-{ines.pk}": "You know nights."}
        answer = as_rita.post(url, data)
        page = answer.content.decode()
        assert answer.status_code == 409 and "You know nights." in page and "override_reason" in page
        as_rita.post(url, {**data, "override_reason": "She offered."})
        assert Nomination.objects.get().advocate == ines

    def test_who_was_chosen_and_left_meanwhile_is_refused(self, as_rita: Client) -> None:
        ines = make_advocate("Ines Barbosa")
        Advocate.objects.filter(pk=ines.pk).update(status="left")
        answer = as_rita.post(f"{QUEUE}{filed().pk}/nominate/", {"advocate": ines.pk})
        assert answer.status_code == 409 and "Ines Barbosa: Is not a member" in answer.content.decode()
        assert as_rita.post(f"{QUEUE}{filed().pk}/nominate/", {"advocate": "999999"}).status_code == 409

    def test_what_became_of_the_mail_stands_beside_each_name(self, as_rita: Client, rita: User) -> None:
        wanted = filed()
        desk.nominate(wanted, [Pick(make_advocate("Ines").pk)], by=rita, at=timezone.now())
        assert "Mail due" in as_rita.get(page_of(wanted)).content.decode()
        Message.objects.filter(kind="nomination").update(status="suppressed", result="no consent")
        page = as_rita.get(page_of(wanted)).content.decode()
        assert "Mail suppressed" in page and "no consent" in page
        Nomination.objects.update(status="recalled")
        Message.objects.filter(kind="nomination").update(status="cancelled", result="taken back")
        assert "Mail cancelled" not in as_rita.get(page_of(wanted)).content.decode(), "it tells nothing any more"


class TestMoves:
    def test_take_it_note_it_ask_and_recall(self, as_rita: Client, rita: User) -> None:
        wanted = filed()
        move(as_rita, wanted, "assign")
        move(as_rita, wanted, "note", **{"note-text": "Call Olga first"})
        page = move(as_rita, wanted, "ask", **{"ask-text": "Which language?"}).content.decode()
        wanted.refresh_from_db()
        assert (wanted.manager, wanted.waiting_for) == (rita, "requester")
        assert "Call Olga first" in page and "Which language?" in page
        desk.answer_question(wanted, text="German", by=wanted.requester, at=timezone.now())
        (nomination,) = desk.nominate(wanted, [Pick(make_advocate("Ines").pk)], by=rita, at=timezone.now())
        assert "no longer asked" in move(as_rita, wanted, "recall", nomination=nomination.pk).content.decode()

    def test_a_yes_taken_back_stands_in_what_happened(self, as_rita: Client, rita: User) -> None:
        wanted = filed()
        nomination = agreed(wanted, rita)
        claim = nomination.claim
        board.withdraw(claim, reason="A supplier audit came in between.", at=timezone.now())
        desk.follow(nomination, at=timezone.now())
        page = as_rita.get(page_of(wanted)).content.decode()
        assert "Ines Barbosa took it back" in page and "A supplier audit" in page

    def test_an_empty_text_is_told_where_it_was_typed(self, as_rita: Client) -> None:
        wanted = filed()
        for do, field in (
            ("note", "note-text"),
            ("ask", "ask-text"),
            ("unfilled", "end-text"),
            ("withdraw", "end-text"),
        ):
            answer = move(as_rita, wanted, do, **{field: " "})
            assert answer.status_code == 422 and "Fill this in" in answer.content.decode()
        wanted.refresh_from_db()
        assert wanted.status == "new"

    def test_only_legal_moves_are_offered_and_others_are_refused(self, as_rita: Client, rita: User) -> None:
        wanted = filed()
        nomination = agreed(wanted, rita)
        page = as_rita.get(page_of(wanted)).content.decode()
        assert 'value="verify"' not in page and 'value="recall"' not in page
        answer = move(as_rita, wanted, "recall", nomination=nomination.pk)
        assert answer.status_code == 409 and "has answered already" in answer.content.decode()
        desk.pick_time(nomination.times.all()[0], at=timezone.now())
        answer = move(as_rita, wanted, "verify", nomination=nomination.pk)
        assert answer.status_code == 409 and "has not come yet" in answer.content.decode()
        assert move(as_rita, wanted, "dance").status_code == 404
        assert move(as_rita, wanted, "recall", nomination="1x").status_code == 404
        stranger = agreed(filed("Osprey"), rita)
        assert move(as_rita, wanted, "recall", nomination=stranger.pk).status_code == 404

    def test_verified_and_thanked_from_a_draft(self, as_rita: Client, rita: User) -> None:
        wanted = filed()
        nomination = agreed(wanted, rita, ago=2 * HOUR)
        assert nomination.claim is not None
        desk.say_how_it_was(nomination.claim, grade=5, happened=True, text="It changed our mind.", at=timezone.now())
        page = move(as_rita, wanted, "verify", nomination=nomination.pk).content.decode()
        assert "the points of Ines Barbosa are booked" in page
        assert "Dear Ines," in page and "It changed our mind." in page
        assert Task.objects.filter(kind="thank", done_at__isnull=True).count() == 1
        data = {f"thanks-{nomination.pk}-text": "In my own words. " + "Thank you! " * 200}
        answer = move(as_rita, wanted, "thank", nomination=nomination.pk, **data)
        assert answer.status_code == 422 and "In my own words." in answer.content.decode()
        data = {f"thanks-{nomination.pk}-text": "Thank you, Ines!"}
        assert "is thanked" in move(as_rita, wanted, "thank", nomination=nomination.pk, **data).content.decode()
        assert not Task.objects.filter(kind="thank", done_at__isnull=True).exists()
        wanted.refresh_from_db()
        assert wanted.status == "fulfilled"

    def test_a_requester_says_how_it_was_even_after_the_desk_has_vouched_for_it(
        self, client: Client, rita: User
    ) -> None:
        wanted = filed()
        nomination = agreed(wanted, rita, ago=2 * HOUR)
        desk.verify(nomination, by=rita, at=timezone.now())
        wanted.refresh_from_db()
        assert wanted.status == "fulfilled" and nomination.claim is not None
        client.force_login(wanted.requester)
        page = f"/requests/{wanted.public_id}/"
        assert "Say how it was" in client.get(page).content.decode()
        client.post(f"{page}how-was-it/{nomination.claim.public_id}/", {"how-happened": "yes", "how-grade": "4"})
        said = client.get(page).content.decode()
        assert "You said: 4 of 5." in said and "Say how it was" not in said

    def test_missed_by_the_prospect_and_moved_to_another_time(self, as_rita: Client, rita: User) -> None:
        wanted = filed()
        nomination = agreed(wanted, rita)
        desk.pick_time(nomination.times.all()[0], at=timezone.now())
        far = {"when-starts_at": "9999-12-31T23:59"}
        answer = move(as_rita, wanted, "move_time", nomination=nomination.pk, **far)
        assert answer.status_code == 409 and "more than half a year ahead" in answer.content.decode()
        later = (timezone.now() + 5 * DAY).strftime("%Y-%m-%dT%H:%M")
        move(as_rita, wanted, "move_time", nomination=nomination.pk, **{"when-starts_at": later})
        nomination.refresh_from_db()
        assert nomination.claim is not None and nomination.claim.scheduled_for is not None
        assert nomination.claim.scheduled_for.strftime("%Y-%m-%dT%H:%M") == later
        second = filed("Osprey")
        other = agreed(second, rita, ago=3 * HOUR)
        page = move(as_rita, second, "missed_prospect", nomination=other.pk).content.decode()
        assert "gets an apology and the points" in page and 'value="recall"' in page
        assert "no longer asked" in move(as_rita, second, "recall", nomination=other.pk).content.decode()

    def test_a_time_moved_by_the_advocate_reaches_the_requester(self, rita: User) -> None:
        wanted = filed()
        nomination = agreed(wanted, rita)
        claim = desk.pick_time(nomination.times.all()[0], at=timezone.now())
        later = timezone.now() + 4 * DAY
        board.reschedule(claim, starts_at=later, at=timezone.now())
        follow_claims(at=timezone.now())
        follow_claims(at=timezone.now())
        told = Message.objects.filter(kind="request_time_set").order_by("pk")
        assert [one.params["moved"] for one in told] == [False, True]
        assert nomination.times.get(chosen_at__isnull=False).starts_at == later

    def test_closed_as_unfilled_and_opened_again(self, as_rita: Client) -> None:
        wanted = filed()
        move(as_rita, wanted, "unfilled", **{"end-text": "Nobody in dairy."})
        wanted.refresh_from_db()
        assert wanted.status == "unfilled"
        move(as_rita, wanted, "reopen")
        wanted.refresh_from_db()
        assert wanted.status == "matching"

    def test_facts_are_mended_and_every_change_is_on_record(self, as_rita: Client) -> None:
        wanted = filed()
        url = f"{QUEUE}{wanted.pk}/facts/"
        assert 'value="Food"' in as_rita.get(url).content.decode()
        assert as_rita.post(url, {"industry": "Dairy", "country": "12"}).status_code == 422
        as_rita.post(url, {"industry": "Dairy", "country": "de", "language": "de"})
        wanted.refresh_from_db()
        assert (wanted.industry, wanted.country, wanted.language) == ("Dairy", "DE", "de")
        page = as_rita.get(f"{QUEUE}{wanted.pk}/history/").content.decode()
        assert "Food" in page and "Dairy" in page and "Rita Morgan" in page

    def test_requests_are_never_added_or_deleted_here(self, as_rita: Client) -> None:
        wanted = filed()
        assert as_rita.get(f"{QUEUE}add/").status_code == 403
        assert as_rita.post(f"{QUEUE}{wanted.pk}/delete/", {"post": "yes"}).status_code == 403
        assert ReferenceRequest.objects.filter(pk=wanted.pk).exists()


class TestElsewhere:
    def test_the_numbers_of_the_desk_stand_on_today_and_in_the_navigation(self, as_rita: Client, rita: User) -> None:
        filed("Unassigned")
        desk.assign(filed("Mine", days=-1), to=rita, at=timezone.now())
        page = as_rita.get("/requests/").content.decode()
        assert '<span class="dot">2</span>' in page
        assert "The desk’s queue" in page

    @time_machine.travel(datetime(2026, 3, 11, 2, 0, tzinfo=UTC), tick=False)
    def test_what_is_overdue_goes_by_the_clock_of_the_desk(self, as_rita: Client, rita: User) -> None:
        Program.current()
        wanted = filed("Mine", days=0)  # needed on the eleventh, by UTC
        ReferenceRequest.objects.filter(pk=wanted.pk).update(manager=rita, needed_by=date(2026, 3, 10))
        for zone, overdue in (("America/Los_Angeles", 0), ("Europe/Berlin", 1)):
            Program.objects.update(desk_time_zone=zone)
            request = RequestFactory().get("/")
            request.user = User.objects.get(pk=rita.pk)
            assert desk_home._counts(request)["overdue"] == overdue

    def test_weights_are_changed_in_the_admin_within_bounds(self, client: Client) -> None:
        client.force_login(make_user("Lena", Role.LEAD))
        weight, _new = MatchWeight.objects.get_or_create(
            part="industry", defaults={"name": "Same industry", "weight": 20}
        )
        url = f"/admin/opportunities/matchweight/{weight.pk}/change/"
        client.post(url, {"name": "Same industry", "weight": "101", "order": "1"})
        weight.refresh_from_db()
        assert weight.weight == 20
        client.post(url, {"name": "Same industry", "weight": "33", "order": "1"})
        weight.refresh_from_db()
        assert weight.weight == 33
        listed = client.get("/admin/opportunities/matchweight/").content.decode()
        assert f'aria-label="Weight of “{weight.name}”"' in listed
