"""Customers: found and filtered, all that is known of one with its source, readiness by hand, clauses (P1, P2, P3)."""

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import merging, readiness, spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Account, NotReady, Pause, Subscription, Usage
from advocacy.lib.models import Export
from advocacy.users.models import Role, User
from advocates import budget, customers
from advocates.actions import commitments as acting
from advocates.models import Advocate, Commitment, Task
from opportunities import eligibility
from opportunities.matching import Need, candidates
from tests.conftest import QueriesOf
from tests.factories import (
    make_account,
    make_advocate,
    make_contact,
    make_deal,
    make_kind,
    make_opportunity,
    make_pod,
    make_request,
    make_signal,
    make_user,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def desk(client: Client, rita: User) -> Client:
    client.force_login(rita)
    return client


@pytest.fixture
def acorn() -> Account:
    return make_account("Acorn Foods", domain="acorn.example", region="Europe", industry="Food")


def owes(account: Account, how_many: int = 2, *, due_on: date | None = None) -> Commitment:
    today = timezone.localdate()
    said = acting.Said(
        clause="Twelve percent off for two calls.", reference="MSA-7", agreed_on=today - 30 * DAY,
        lines=[acting.Line(how_many, due_on or today + 90 * DAY)],
    )  # fmt: skip
    return acting.record(account, said, by=None, at=timezone.now())


def page_of(client: Client, account: Account, **query: str) -> str:
    answer = client.get(reverse("advocates:customer", args=[account.pk]), query)
    assert answer.status_code == 200
    return answer.content.decode()


class TestTheList:
    def names(self, client: Client, **query: str) -> list[str]:
        answer = client.get(reverse("advocates:customers"), query)
        assert answer.status_code == 200
        return [row[0].name for row in answer.context["rows"]]

    def test_is_in_the_order_of_names_and_searched_by_name_or_domain(self, desk: Client, acorn: Account) -> None:
        make_account("birch", domain="tree.example")
        make_account("Zebra")
        assert self.names(desk) == ["Acorn Foods", "birch", "Zebra"]
        assert self.names(desk, q="foods acorn") == ["Acorn Foods"]
        assert self.names(desk, q="TREE.") == ["birch"]
        assert self.names(desk, q="a\x00corn") == ["Acorn Foods"]
        assert self.names(desk, q="nobody") == []

    def test_filters_live_in_the_address(self, desk: Client, acorn: Account, rita: User) -> None:
        birch = make_account("Birch", region="Asia", industry="Retail")
        readiness.pause(birch, reason="Audit", by=rita, at=timezone.now())
        assert self.names(desk, readiness="paused") == ["Birch"]
        assert self.names(desk, readiness="nonsense") == []
        assert self.names(desk, region="Europe") == ["Acorn Foods"]
        assert self.names(desk, industry="Retail") == ["Birch"]
        assert self.names(desk, region="Europe", industry="Retail") == []

    def test_who_renews_within_ninety_days(self, desk: Client) -> None:
        today = timezone.localdate()
        for name, days in (("Past", -1), ("Today", 0), ("Last", 90), ("Later", 91)):
            make_account(name, renewal_on=today + days * DAY)
        make_account("Never")
        assert self.names(desk, renewal="90") == ["Last", "Today"]

    def test_who_owes_by_contract(self, desk: Client, acorn: Account) -> None:
        birch = make_account("Birch")
        owes(acorn)
        owes(birch, 1)
        spine.record(Deed.TALK_GIVEN, at=timezone.now(), source=("t", 1), contact=make_contact("Ines", birch))
        assert self.names(desk, owed="yes") == ["Acorn Foods"]

    def test_mine_are_those_of_my_pods_and_those_i_answer_for(self, desk: Client, acorn: Account, rita: User) -> None:
        pod = make_pod(rita)
        for name in ("Ines", "Omar"):
            make_advocate(name, acorn, pod=pod, user=False)
        make_advocate("Mei", make_account("Left"), pod=pod, status=Advocate.Status.LEFT, user=False)
        make_account("Birch", csm=rita)
        make_account("Cedar", owner=make_user("Sam"))
        assert self.names(desk, mine="yes") == ["Acorn Foods", "Birch"]

    def test_is_paged_by_key(self, desk: Client) -> None:
        for number in range(35):
            make_account(f"C {number:02}")
        first = desk.get(reverse("advocates:customers")).context["page"]
        assert [one.name for one in first.items][-1] == "C 29" and not first.previous
        assert self.names(desk, after=first.next) == [f"C {number:02}" for number in range(30, 35)]

    def test_costs_the_same_for_one_as_for_thirty(self, desk: Client, acorn: Account, queries_of: QueriesOf) -> None:
        owes(acorn)
        make_advocate("Ines", acorn, user=False)
        visit = partial(desk.get, reverse("advocates:customers"))
        few = queries_of(visit)
        for _each in range(29):
            account = make_account()
            owes(account)
            make_advocate("Omar", account, user=False)
        assert queries_of(visit) == few <= 22

    def test_goes_into_a_file_as_filtered(self, desk: Client, acorn: Account) -> None:
        make_account("Birch", region="Asia")
        owes(acorn)
        make_advocate("Ines", acorn, user=False)
        answer: Any = desk.get(reverse("advocates:customers"), {"region": "Europe", "as": "csv"})
        head, row, *rest = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
        assert rest == []
        cells = dict(zip(head.split(","), row.split(","), strict=True))
        assert (cells["Name"], cells["Members"], cells["Owed by contract"]) == ("Acorn Foods", "1", "2")
        assert Export.objects.get().what == "customers"

    def test_only_who_sees_accounts_sees_it(self, client: Client, acorn: Account) -> None:
        for role in (Role.MODERATOR, Role.REQUESTER, Role.OWNER, Role.READER):
            client.force_login(make_user("Sam", role))
            assert client.get(reverse("advocates:customers")).status_code == 403
            assert client.get(reverse("advocates:customer", args=[acorn.pk])).status_code == 403


class TestOneAccount:
    def test_facts_stand_with_their_source_and_date(self, desk: Client, acorn: Account) -> None:
        shown = page_of(desk, acorn)
        assert "acorn.example" in shown
        assert f"crm, {timezone.localtime(acorn.facts_at):%-d %b %Y}" in shown

    def test_a_fact_somebody_corrected_says_who(self, client: Client, acorn: Account) -> None:
        client.force_login(make_user("Lena", Role.LEAD))
        names = ("name", "domain", "industry", "employees", "currency", "region", "country", "language", "time_zone")
        said = {name: getattr(acorn, name) or "" for name in names} | {"readiness": acorn.readiness}
        client.post(reverse("admin:crm_account_change", args=[acorn.pk]), {**said, "industry": "Retail"})
        acorn.refresh_from_db()
        origins = {str(fact.label): fact.origin for fact in customers.facts(acorn)}
        assert origins["Industry"].startswith("corrected by Lena")
        assert origins["Domain"].startswith("crm, ")
        acorn.industry = "Food again"  # the next import, which has no page of the admin behind it
        acorn.save()
        history: Any = acorn.events  # type: ignore[attr-defined]
        history.filter(pgh_id=history.latest("pgh_id").pgh_id).update(pgh_context=None)
        assert {str(fact.label): fact.origin for fact in customers.facts(acorn)}["Industry"].startswith("crm, ")

    def test_products_since_when(self, acorn: Account) -> None:
        Account.objects.filter(pk=acorn.pk).update(products=["planning", "portal"])
        acorn.refresh_from_db()
        for number, (start, end) in enumerate(((date(2024, 5, 1), date(2025, 4, 30)), (date(2025, 5, 1), None))):
            Subscription.objects.create(
                account=acorn,
                source="crm",
                external_id=f"S{number}",
                product="Planning",
                started_on=start,
                ended_on=end,
            )
        found = customers.products(acorn, list(acorn.subscriptions.all()))
        assert [(one.name, one.since, one.until) for one in found] == [
            ("Planning", date(2024, 5, 1), None),
            ("portal", None, None),
        ]

    def test_use_by_month_and_feature(self, desk: Client, acorn: Account) -> None:
        today = timezone.localdate()
        for number, (feature, days, minutes) in enumerate(
            (("forecast", 1, 45), ("forecast", 2, 45), ("alerts", 100, 500), ("old", 900, 9))
        ):
            Usage.objects.create(
                account=acorn, external_id=f"u{number}", source="product", feature=feature, day=today - days * DAY,
                minutes=minutes,
            )  # fmt: skip
        use = customers.use(acorn, at=timezone.now())
        assert use is not None
        assert [(one["feature"], one["lately"], one["days"]) for one in use.features] == [
            ("forecast", 90, 2),
            ("alerts", 0, 0),
            ("old", 0, 0),
        ]
        assert use.a_day == 1
        assert use.origin.startswith("product, ")
        shown = page_of(desk, acorn)
        assert "Minutes of use by month" in shown and "1 minutes a day" in shown

    def test_answers_and_open_escalations(self, desk: Client, acorn: Account) -> None:
        now = timezone.now()
        ines = make_contact("Ines", acorn)
        make_signal("nps", acorn, contact=ines, value=9, at=now - DAY, source="survey")
        make_signal("escalation_opened", acorn, at=now - 3 * DAY, occurrence="T-1")
        make_signal("escalation_opened", acorn, at=now - 2 * DAY, occurrence="T-2")
        make_signal("escalation_closed", acorn, at=now - DAY, occurrence="T-1")
        heard = customers.heard(acorn, at=now)
        assert [one.occurrence for one in heard.escalations] == ["T-2"]
        shown = page_of(desk, acorn)
        assert "survey, " in shown and "Open escalations" in shown

    def test_people_deals_asks_and_what_happened(self, desk: Client, acorn: Account, rita: User) -> None:
        now = timezone.now()
        ines = make_advocate("Ines", acorn, pod=make_pod(rita))
        make_contact("Omar Haddad", acorn)
        make_contact("Mei", acorn, left_on=date(2026, 1, 1))
        make_deal("More seats", account=acorn, outcome="won", closed_on=date(2026, 2, 1))
        budget.ask(ines, channel="desk", source_id=1, kind="", at=now, by=rita)
        spine.record(Deed.THANKED, at=now, source=("t", 1), contact=ines.contact, by=rita)
        make_signal("renewed", acorn, at=now - DAY)
        answer = desk.get(reverse("advocates:customer", args=[acorn.pk]))
        assert [one[0].given_name for one in answer.context["people"]] == ["Ines", "Omar"]
        shown = answer.content.decode()
        for words in ("More seats", "asked by Rita Morgan", "was thanked by Rita Morgan", "Renewed"):
            assert words in shown
        assert [line["text"] for line in answer.context["lines"]] == ["was thanked by Rita Morgan", "Renewed"]
        assert "Renewed" not in [
            line["text"] for line in desk.get(answer.request["PATH_INFO"], {"kind": "touches"}).context["lines"]
        ]
        only = desk.get(answer.request["PATH_INFO"], {"kind": "signals"}).context["lines"]
        assert [line["text"] for line in only] == ["Renewed"]

    def test_a_signal_stands_on_one_page_of_the_timeline_only(self, desk: Client, acorn: Account) -> None:
        now = timezone.now()
        ines = make_contact("Ines", acorn)
        for number in range(50):
            spine.record(Deed.REPLIED, at=now - number * DAY, source=("t", number), contact=ines)
        for number in (10, 45, 60):
            make_signal("renewed", acorn, at=now - number * DAY - timedelta(hours=1))
        address = reverse("advocates:customer", args=[acorn.pk])
        first = desk.get(address).context
        second = desk.get(address, {"after": first["page"].next}).context
        assert [sum(bool(line.get("signal")) for line in page["lines"]) for page in (first, second)] == [1, 2]

    def test_costs_the_same_whatever_is_there(
        self, desk: Client, acorn: Account, rita: User, queries_of: QueriesOf
    ) -> None:
        now, pod = timezone.now(), make_pod(rita)

        def more() -> None:
            ines = make_advocate("Ines", acorn, pod=pod, user=False)
            owes(acorn)
            readiness.pause(acorn, reason="Audit", by=rita, at=timezone.now())
            NotReady.objects.create(account=acorn, reason="Old", began_at=now, released_at=now, by=rita)
            budget.Ask.objects.create(
                advocate=ines, account=acorn, channel="desk", source_id=f"{ines.pk}", asked_at=now, by=rita
            )
            spine.record(Deed.THANKED, at=now, source=("t", ines.pk), contact=ines.contact, by=rita)
            make_signal("nps", acorn, contact=ines.contact, value=9, at=now)
            make_signal("escalation_opened", acorn, at=now)
            make_deal(account=acorn, owner=rita)
            key = f"{ines.pk}"
            Subscription.objects.create(account=acorn, external_id=key, product="P" + key, started_on=now.date())
            Usage.objects.create(account=acorn, external_id=key, feature="f" + key, day=now.date(), minutes=5)

        more()
        visit = partial(desk.get, reverse("advocates:customer", args=[acorn.pk]))
        few = queries_of(visit)
        for _each in range(7):
            more()
        assert queries_of(visit) == few <= 55

    def test_gives_stand_against_asks_of_everybody_there(self, desk: Client, acorn: Account) -> None:
        now = timezone.now()
        ines, omar = make_contact("Ines", acorn), make_contact("Omar", acorn)
        for number, (who, deed, days) in enumerate(
            ((ines, Deed.NOMINATED, 9), (omar, Deed.NOMINATED, 8), (omar, Deed.VERIFIED, 7), (ines, Deed.THANKED, 3))
        ):
            spine.record(deed, at=now - days * DAY, source=("t", number), contact=who)
        found = desk.get(reverse("advocates:customer", args=[acorn.pk])).context["balance"]
        assert (found.asks, found.gives, found.touches, found.days_since_touch) == (2, 1, 1, 3)

    def test_one_that_went_into_another_leads_there(self, desk: Client, acorn: Account, rita: User) -> None:
        twin = make_account("Acorn Ltd")
        made = owes(twin)
        merging.merge("account", stays=acorn.pk, gone=twin.pk, take={}, by=rita, at=timezone.now())
        address = reverse("advocates:customer", args=[acorn.pk])
        assert desk.get(reverse("advocates:customer", args=[twin.pk]))["Location"] == address
        made.refresh_from_db()
        assert made.account == acorn, "what its contract promised goes along"

    def test_one_that_is_not_there_is_not_found(self, desk: Client) -> None:
        assert desk.get(reverse("advocates:customer", args=[2**40])).status_code == 404


class TestReadinessByHand:
    def test_a_pause_says_what_it_means_before_it_is_made(self, desk: Client, acorn: Account, rita: User) -> None:
        ines = make_advocate("Ines", acorn)
        budget.ask(ines, channel="desk", source_id=1, kind="", at=timezone.now(), by=rita)
        address = reverse("advocates:pause_customer", args=[acorn.pk])
        shown = desk.get(address).content.decode()
        assert "never matched" in shown
        assert "This ask waits for an answer" in shown and "Ines Barbosa" in shown
        acorn.refresh_from_db()
        assert acorn.readiness == "ready"
        until = timezone.localdate() + 10 * DAY
        assert desk.post(address, {"reason": "Audit week", "until": until}).status_code == 302
        pause = Pause.objects.get()
        assert (pause.by, pause.until, pause.reason) == (rita, until, "Audit week")
        shown = page_of(desk, acorn)
        assert "Audit week" in shown and "Rita Morgan" in shown and "included" in shown

    @pytest.mark.parametrize("name", ["pause_customer", "customer_not_ready"])
    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ({"reason": " ", "until": ""}, "Fill this in"),
            ({"reason": "Audit", "until": "2020-01-01"}, "over already"),
            ({"reason": "Audit", "until": "9999-01-01"}, "within two years"),
            ({"reason": "Audit", "until": "soon"}, "Write a day"),
            ({"reason": "Audit\x00", "until": ""}, "Null characters"),
        ],
    )
    def test_what_makes_no_sense_is_said_and_nothing_typed_is_lost(
        self, desk: Client, acorn: Account, name: str, typed: dict[str, str], said: str
    ) -> None:
        answer = desk.post(reverse(f"advocates:{name}", args=[acorn.pk]), typed)
        assert answer.status_code == 409
        shown = answer.content.decode()
        assert said in shown
        assert typed["reason"].strip(" \x00") in shown
        acorn.refresh_from_db()
        assert acorn.readiness == "ready"

    def test_one_pause_is_lifted_and_the_other_stays(self, desk: Client, acorn: Account, rita: User) -> None:
        one = readiness.pause(acorn, reason="Audit", by=rita, at=timezone.now())
        readiness.pause(acorn, reason="Merger", by=rita, at=timezone.now())
        address = reverse("advocates:lift_pause", args=[acorn.pk, one.pk])
        assert "Merger" in desk.get(address).content.decode()
        assert "still rests: Merger" in desk.post(address, follow=True).content.decode()
        assert "over already" in desk.post(address, follow=True).content.decode()
        other = make_account()
        assert desk.post(reverse("advocates:lift_pause", args=[other.pk, one.pk])).status_code == 404

    def test_not_ready_is_said_changed_and_taken_back(self, desk: Client, acorn: Account, rita: User) -> None:
        address = reverse("advocates:customer_not_ready", args=[acorn.pk])
        desk.post(address, {"reason": "Still onboarding", "until": ""})
        assert "Still onboarding" in page_of(desk, acorn)
        shown = desk.get(address).content.decode()
        assert "said by Rita Morgan" in shown and "Still onboarding" in shown
        desk.post(address, {"reason": "A new team takes over", "until": ""})
        assert NotReady.objects.count() == 2
        take_back = reverse("advocates:customer_ready", args=[acorn.pk])
        assert "A new team" in desk.get(take_back).content.decode()
        assert "can be asked again" in desk.post(take_back, follow=True).content.decode()
        assert "any more" in desk.get(take_back, follow=True).content.decode()
        shown = page_of(desk, acorn)
        assert "Still onboarding" in shown and "ended by Rita Morgan" in shown

    def test_people_there_are_offered_nothing_and_never_matched_and_staff_see_why(
        self, desk: Client, acorn: Account
    ) -> None:
        ines = make_advocate("Ines", acorn)
        offered, need = make_opportunity("A call"), Need.of(make_request(), at=timezone.now())
        assert [one.name for one in candidates(need)] == ["Ines Barbosa"]
        desk.post(reverse("advocates:customer_not_ready", args=[acorn.pk]), {"reason": "Lawsuit", "until": ""})
        ines = Advocate.objects.select_related("contact__account").get(pk=ines.pk)
        assert candidates(need) == []
        sentence = str(eligibility.why_not(ines, offered, at=timezone.now()))
        assert sentence.startswith("We ask nothing of Acorn Foods") and "Lawsuit" not in sentence
        shown = desk.get(reverse("advocates:advocate", args=[ines.public_id])).content.decode()
        assert "Acorn Foods is not ready to be asked: Lawsuit." in shown

    def test_moderators_may_not(self, client: Client, acorn: Account) -> None:
        client.force_login(make_user("Mo", Role.MODERATOR))
        for name in ("pause_customer", "customer_not_ready", "customer_ready", "new_commitment"):
            assert client.post(reverse(f"advocates:{name}", args=[acorn.pk])).status_code == 403


class TestClauses:
    def typed(self, **more: Any) -> dict[str, Any]:
        today = timezone.localdate()
        return {
            "clause": "Twelve percent off for two calls.", "reference": "MSA-7", "agreed_on": str(today - 30 * DAY),
            "discount": "12000", "currency": "eur", "line-TOTAL_FORMS": "2", "line-INITIAL_FORMS": "0",
            "line-0-how_many": "2", "line-0-what": "kind:reference-call", "line-0-due_on": str(today + 60 * DAY),
            "line-1-how_many": "", "line-1-what": "", "line-1-due_on": "", **more,
        }  # fmt: skip

    def test_is_recorded_shown_corrected_let_go_of_and_brought_back(self, desk: Client, acorn: Account) -> None:
        make_kind("reference-call")
        new = reverse("advocates:new_commitment", args=[acorn.pk])
        assert "Reference call" in desk.get(new).content.decode()
        assert desk.post(new, self.typed()).status_code == 302
        made = Commitment.objects.get()
        assert (made.currency, str(made.by)) == ("EUR", "Rita Morgan")
        shown = page_of(desk, acorn)
        assert "0 of 2" in shown and "Reference call" in shown
        change = reverse("advocates:commitment", args=[made.pk])
        line = made.lines.get()
        assert f'value="{line.pk}"' in desk.get(change).content.decode()
        sent = self.typed(**{"line-0-how_many": "3", "line-0-pk": str(line.pk), "line-INITIAL_FORMS": "0"})
        assert desk.post(change, sent).status_code == 302
        assert [(one.pk, one.how_many) for one in made.lines.all()] == [(line.pk, 3)]
        end = reverse("advocates:end_commitment", args=[made.pk])
        assert desk.get(end).status_code == 200
        assert desk.post(end, {"reason": ""}).status_code == 409
        assert desk.post(end, {"reason": "New contract"}).status_code == 302
        assert "New contract" in page_of(desk, acorn)
        assert desk.get(end).status_code == 404
        desk.post(reverse("advocates:bring_commitment_back", args=[made.pk]))
        assert "0 of 3" in page_of(desk, acorn)

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"clause": "Three G2 reviews."}, "never buys public reviews"),
            ({"line-0-what": "kind:stars"}, "Choose one of those listed"),
            ({"line-0-how_many": ""}, "Say how many"),
            ({"line-0-due_on": ""}, "Say by when"),
            ({"line-0-due_on": "2020-01-01"}, "due before the clause"),
            ({"line-0-how_many": "", "line-0-what": "", "line-0-due_on": ""}, "at least one line"),
            ({"discount": "-4"}, "Write a number from 0 on"),
            ({"currency": "€"}, "three letters"),
        ],
    )
    def test_what_makes_no_sense_is_said_and_nothing_typed_is_lost(
        self, desk: Client, acorn: Account, more: dict[str, str], said: str
    ) -> None:
        make_kind("reference-call")
        make_kind("stars", is_review=True)
        answer = desk.post(reverse("advocates:new_commitment", args=[acorn.pk]), self.typed(**more))
        assert answer.status_code == 409
        shown = answer.content.decode()
        assert said in shown and "MSA-7" in shown
        assert not Commitment.objects.exists()

    def test_the_admin_refuses_reviews_too(self, client: Client, acorn: Account) -> None:
        client.force_login(make_user("Lena", Role.LEAD))
        make_kind("stars", is_review=True)
        make_kind("webinar")
        add = reverse("admin:advocates_commitment_add")
        sent = {
            "account": acorn.pk, "clause": "Two talks.", "reference": "MSA-7", "agreed_on": "2026-01-01",
            "discount": "", "currency": "EUR", "lines-TOTAL_FORMS": "1", "lines-INITIAL_FORMS": "0",
            "lines-0-how_many": "2", "lines-0-kind": "webinar", "lines-0-deed": "", "lines-0-due_on": "2026-06-01",
        }  # fmt: skip
        assert "never buys public reviews" in client.post(add, {**sent, "clause": "Two reviews."}).content.decode()
        assert client.post(add, {**sent, "lines-0-kind": "stars"}).status_code == 200
        assert not Commitment.objects.exists()
        assert client.post(add, sent).status_code == 302
        assert str(Commitment.objects.get().by) == "Lena"

    def test_its_task_leads_to_the_account(self, desk: Client, acorn: Account, rita: User) -> None:
        make_advocate("Ines", acorn, pod=make_pod(rita))
        owes(acorn, due_on=timezone.localdate() + 10 * DAY)
        acting.remind(at=timezone.now())
        assert Task.objects.get().assignee == rita
        assert (
            f'href="{reverse("advocates:customer", args=[acorn.pk])}"'
            in desk.get(reverse("advocates:today")).content.decode()
        )
