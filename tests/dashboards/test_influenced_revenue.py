"""Influenced revenue: each deal once, help before the close only, parts that add up to the deal (M5)."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advocacy.crm.models import Deal, Program
from advocacy.dashboards.filters import Filters
from advocacy.dashboards.periods import Period
from advocacy.users.models import Role
from opportunities import influence
from opportunities.measures import influenced_revenue, influenced_rows
from opportunities.models import Claim, Nomination, Opportunity, ReferenceRequest
from tests.factories import (
    NOON,
    make_account,
    make_advocate,
    make_deal,
    make_opportunity,
    make_request,
    make_team,
    make_user,
)

pytestmark = pytest.mark.django_db
MARCH = Period(date(2026, 3, 1), date(2026, 3, 31))
ALL = Filters()


def give_a_reference(request: ReferenceRequest, *advocates, status: str = "verified") -> None:
    """These advocates did what the request asked for."""
    at = request.filed_at
    frame = Opportunity.objects.filter(request=request).first() or make_opportunity(
        kind=request.kind, request=request, seats=None
    )
    for advocate in advocates:
        claim = Claim.objects.create(
            opportunity=frame, advocate=advocate, status=status, claimed_at=at,
            verified_at=at if status == "verified" else None,
        )  # fmt: skip
        Nomination.objects.create(
            request=request,
            advocate=advocate,
            status="accepted",
            asked_at=at,
            answer_by=at,
            answered_at=at,
            claim=claim,
        )


def won(on: date = date(2026, 3, 20), **fields) -> Deal:
    return make_deal(outcome="won", closed_on=on, **fields)


def fulfilled(deal: Deal, at: datetime = NOON, **fields) -> ReferenceRequest:
    filed = at - timedelta(days=3)
    return make_request(deal=deal, filed_at=filed, fulfilled_at=at, status="fulfilled", **fields)


class TestWhichDealsCount:
    def test_a_deal_with_three_requests_counts_once(self):
        deal = won(value=100_000)
        for _number in range(3):
            fulfilled(deal)
        found = influenced_revenue(MARCH, ALL)
        assert (found.value, found.n) == (Decimal("100000.00"), 1)

    def test_a_request_fulfilled_after_the_close_does_not_count(self):
        fulfilled(won(date(2026, 3, 9)), NOON)  # closed on the 9th, fulfilled on the 10th
        assert influenced_revenue(MARCH, ALL).value is None

    def test_a_request_fulfilled_on_the_day_of_the_close_counts(self):
        fulfilled(won(date(2026, 3, 10)), NOON)
        assert influenced_revenue(MARCH, ALL).n == 1

    def test_the_day_is_the_desks(self):
        late = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)  # half past midnight of the 11th in Berlin
        fulfilled(won(date(2026, 3, 10)), late)
        assert influenced_revenue(MARCH, ALL).n == 1
        berlin = Period(MARCH.first, MARCH.last, zone="Europe/Berlin")
        assert influenced_revenue(berlin, ALL).n == 0

    def test_an_open_request_or_none_at_all_does_not_count(self):
        make_request(deal=won(), filed_at=NOON)
        won()
        assert influenced_revenue(MARCH, ALL).n == 0

    @pytest.mark.parametrize("outcome", ["lost", "open"])
    def test_only_deals_that_were_won_count(self, outcome):
        closed = date(2026, 3, 20) if outcome == "lost" else None
        fulfilled(make_deal(outcome=outcome, closed_on=closed))
        assert influenced_revenue(MARCH, ALL).n == 0

    def test_the_month_of_the_close_decides(self):
        fulfilled(won(date(2026, 4, 1)))
        assert influenced_revenue(MARCH, ALL).n == 0

    def test_money_of_another_currency_is_named_and_not_added(self):
        fulfilled(won(value=100))
        fulfilled(won(value=999, currency="USD"))
        Program.current()
        found = influenced_revenue(MARCH, ALL)
        assert found.value == Decimal("100.00")
        assert [detail.value for detail in found.further] == [1]

    def test_a_team_counts_what_it_asked_for_itself(self):
        sales, marketing = make_team("Sales"), make_team("Marketing")
        fulfilled(won(value=100), team=sales)
        both = won(value=10)
        fulfilled(both, team=sales)
        fulfilled(both, team=marketing)
        assert influenced_revenue(MARCH, Filters(team="sales")).value == 110
        assert influenced_revenue(MARCH, Filters(team="marketing")).value == 10

    def test_region_and_industry_are_those_of_the_deal(self):
        fulfilled(won(value=7, region="Asia", industry="Steel"))
        fulfilled(won(value=5))
        assert influenced_revenue(MARCH, Filters(region="Asia", industry="Steel")).value == 7


class TestTheRowsBehindAPart:
    def test_are_those_its_figure_was_counted_from(self):
        sales, marketing = make_team("Sales"), make_team("Marketing")
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        alone, both, abroad = won(value=100), won(value=10), won(value=7, currency="USD")
        give_a_reference(fulfilled(alone, team=marketing), ines)
        give_a_reference(fulfilled(alone, team=sales), omar)
        give_a_reference(fulfilled(both, team=sales), ines)
        give_a_reference(fulfilled(abroad, team=sales), ines)
        for team, deals in (("sales", [both]), ("marketing", [alone]), ("", [alone, both])):
            filters = Filters(team=team, part=str(ines.public_id))
            assert list(influenced_rows(MARCH, filters).queryset.order_by("pk")) == deals
            parts = {part.key: part.value for part in influenced_revenue(MARCH, Filters(team=team)).breakdown}
            assert str(ines.public_id) in parts

    def test_name_nobody_to_whom_the_names_of_advocates_are_not_open(self, client):
        give_a_reference(fulfilled(won()), make_advocate("Ines"))
        query = {"from": "2026-03-01", "to": "2026-03-31"}
        file = reverse("dashboards:export", args=["influenced_revenue"], query=query)
        for name, roles, named in (("Sam", (Role.REQUESTER, Role.READER), False), ("Lena", (Role.LEAD,), True)):
            client.force_login(make_user(name, *roles))
            page = client.get(reverse("dashboards:measure", args=["influenced_revenue"], query=query)).content.decode()
            body = b"".join(client.get(file).streaming_content).decode()
            assert "Kestrel Foods" in page
            assert "Kestrel Foods" in body
            assert ("Ines Barbosa" in page, "Ines Barbosa" in body, "Who helped" in body) == (named, named, named)


class TestSharingADeal:
    def test_two_who_helped_get_half_each(self):
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        deal = won(value=Decimal("100.01"))
        give_a_reference(fulfilled(deal, NOON), ines)
        give_a_reference(fulfilled(deal, NOON + timedelta(days=1)), omar)
        parts = influence.by_helper(Deal.objects.filter(pk=deal.pk), MARCH, ALL)
        assert [(advocate, value) for advocate, value, _n in parts] == [
            (ines, Decimal("50.01")), (omar, Decimal("50.00")),
        ]  # fmt: skip

    def test_helping_twice_is_one_part(self):
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        deal = won(value=100)
        give_a_reference(fulfilled(deal), ines)
        give_a_reference(fulfilled(deal), ines, omar)
        assert {
            str(value) for _advocate, value, _n in influence.by_helper(Deal.objects.filter(pk=deal.pk), MARCH, ALL)
        } == {"50.00"}

    def test_whoever_came_after_the_close_or_never_came_has_no_part(self):
        ines, omar, mei = make_advocate("Ines"), make_advocate("Omar"), make_advocate("Mei")
        deal = won(date(2026, 3, 12), value=100)
        give_a_reference(fulfilled(deal, NOON), ines)
        give_a_reference(fulfilled(deal, NOON + timedelta(days=9)), omar)
        give_a_reference(fulfilled(deal, NOON), mei, status="missed")
        assert [advocate for advocate, _v, _n in influence.by_helper(Deal.objects.filter(pk=deal.pk), MARCH, ALL)] == [
            ines
        ]

    @given(st.decimals(0, 10**9, places=2), st.lists(st.integers(), min_size=1, max_size=40))
    def test_parts_are_even_to_the_cent_and_add_up_to_the_deal(self, value, people):
        parts = [part for _one, part in influence.split(value, people)]
        assert sum(parts) == value
        assert max(parts) - min(parts) <= influence.CENT
        assert all(abs(Fraction(part) - Fraction(value) / len(people)) < Fraction(1, 100) for part in parts)

    def test_nobody_named_gets_nothing(self):
        assert influence.split(Decimal(5), []) == []


@pytest.fixture
def _people(db) -> Iterator[None]:
    """Sam, and three advocates, for all examples."""
    account = make_account()
    self_made = [make_advocate(name, account, user=False) for name in ("Ines", "Omar", "Mei")]
    TestAgainstAPlainCount.sam, TestAgainstAPlainCount.people = make_user("Sam"), self_made
    yield


# A few days around the turn of a month: closes, calls and midnights meet often.
DAYS = [date(2026, 2, 27) + timedelta(days=number) for number in range(5)]
moments = st.builds(
    lambda day, minute: datetime.combine(day, time(), UTC) + timedelta(minutes=minute),
    st.sampled_from(DAYS),
    st.sampled_from([0, 1, 299, 301, 720, 899, 901, 1439]),
)
deals = st.lists(
    st.tuples(
        st.sampled_from(["won", "won", "won", "lost", "open"]),
        st.sampled_from(DAYS),
        st.one_of(st.none(), st.decimals(0, 10**6, places=2)),
        st.lists(
            st.tuples(st.one_of(st.none(), moments), st.sets(st.integers(0, 2), max_size=3)), min_size=1, max_size=3
        ),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.usefixtures("_people")
class TestAgainstAPlainCount:
    """Any set of deals, requests and helpers, counted in Postgres and once more by hand."""

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(deals, st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York"]))
    def test_they_agree(self, facts, zone):
        period = Period(date(2026, 2, 27), date(2026, 3, 3), zone=zone)
        with transaction.atomic():
            made, expected, by_hand, helped = [], Decimal(0), 0, {}
            for outcome, closed, value, requests in facts:
                deal = make_deal(outcome=outcome, closed_on=None if outcome == "open" else closed, value=value)
                made.append(deal)
                helpers: set[int] = set()
                counts = False
                for at, who in requests:
                    if at is None:
                        make_request(self.sam, deal=deal)
                        continue
                    one = make_request(self.sam, deal=deal, filed_at=at, fulfilled_at=at, status="fulfilled")
                    give_a_reference(one, *(self.people[place] for place in who))
                    if at.astimezone(ZoneInfo(zone)).date() <= closed:
                        counts, helpers = True, helpers | who
                if outcome == "won" and counts and closed <= period.last:
                    by_hand += 1
                    expected += value or 0
                    for place in helpers:
                        whole = Fraction(value or 0) / len(helpers)
                        helped[place] = helped.get(place, Fraction(0)) + whole
            found = influenced_revenue(period, ALL)
            assert found.n == by_hand
            assert (found.value or 0) == expected
            assert sum(Decimal(month.value or 0) for month in found.series) == expected
            rows = influenced_rows(period, ALL)
            listed = list(rows.queryset.order_by(*rows.order))
            assert len(listed) == by_hand
            assert sum((deal.value or 0) for deal in listed) == expected
            shares = {
                advocate.pk: value
                for advocate, value, _n in influence.by_helper(influence.influenced(period, ALL), period, ALL)
            }
            assert set(shares) == {self.people[place].pk for place in helped}
            for place, whole in helped.items():
                assert abs(Fraction(shares[self.people[place].pk]) - whole) <= Fraction(by_hand, 100)
            # The split in Postgres is the one in Python, cent for cent.
            exactly = defaultdict(Decimal)
            for deal_pk, people in influence.helpers(listed, period, ALL).items():
                value = next(deal.value for deal in listed if deal.pk == deal_pk)
                for advocate, part in influence.split(value or Decimal(0), people):
                    exactly[advocate.pk] += part
            assert exactly == shares
            transaction.set_rollback(True)
