"""What a contract promised for a discount, what is delivered and owed; never a review, never past consent (P3)."""

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from advocacy.crm import consent, spine
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.models import Account
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role
from advocates import budget, commitments
from advocates.actions import commitments as acting
from advocates.commitments import COUNTED, Done, Promise, allot
from advocates.models import Advocate, Commitment, CommitmentLine, Task
from opportunities import eligibility
from opportunities.matching import Need, candidates
from opportunities.models import Claim
from tests.factories import (
    NOON,
    make_account,
    make_advocate,
    make_kind,
    make_opportunity,
    make_pod,
    make_request,
    make_user,
)

DAY = timedelta(days=1)
TODAY = NOON.date()
_number = count()


def line(how_many: int = 1, due_on: date = date(2026, 6, 30), **what: Any) -> acting.Line:
    return acting.Line(how_many=how_many, due_on=due_on, **what)


def promised(account: Account, *lines: acting.Line, **more: Any) -> Commitment:
    said: dict[str, Any] = {
        "clause": "In return for 12 % off, the customer gives two reference calls.",
        "reference": "MSA-2026-114",
        "agreed_on": date(2026, 1, 1),
        "lines": lines or (line(),),
    }
    return acting.record(account, acting.Said(**{**said, **more}), by=make_user("Rita"), at=NOON)


def did(advocate: Advocate, deed: Deed = Deed.VERIFIED, *, kind: str = "", at: datetime = NOON) -> None:
    """Somebody completed something; of a kind, by a claim of it."""
    source: Any = ("test", f"{next(_number)}")
    if kind:
        source = Claim.objects.create(advocate=advocate, opportunity=make_opportunity(kind=kind), claimed_at=at)
    spine.record(deed, at=at, source=source, contact=advocate.contact)


def owed(account: Account, *, at: datetime = NOON) -> list[int]:
    return [one.owed for one in commitments.standings([account.pk], at=at).get(account.pk, [])]


DAYS = st.dates(date(2026, 1, 1), date(2026, 12, 31))
KINDS = st.sampled_from(["", "webinar", "reference-call"])
PROMISES = st.lists(
    st.builds(
        Promise, pk=st.integers(1, 10_000), since=DAYS, due_on=DAYS, how_many=st.integers(1, 4),
        deed=st.sampled_from(["", Deed.TALK_GIVEN.value]), kind=KINDS,
    ),
    max_size=6, unique_by=lambda one: one.pk,
)  # fmt: skip
DEEDS = st.lists(
    st.builds(
        Done, pk=st.integers(1, 10_000), on=DAYS,
        deed=st.sampled_from([Deed.VERIFIED.value, Deed.TALK_GIVEN.value, Deed.REVIEW_WRITTEN.value]), kind=KINDS,
        is_review=st.booleans(),
    ),
    max_size=15, unique_by=lambda one: one.pk,
)  # fmt: skip


class TestTheRule:
    @settings(max_examples=200, deadline=None)
    @given(PROMISES, DEEDS)
    def test_a_deed_counts_once_and_never_more_than_was_promised(
        self, promises: list[Promise], deeds: list[Done]
    ) -> None:
        given_to = allot(promises, deeds)
        used = Counter(done.pk for taken in given_to.values() for done in taken)
        assert all(times == 1 for times in used.values())
        for promise in promises:
            assert len(given_to[promise.pk]) <= promise.how_many
            assert all(promise.takes(done) for done in given_to[promise.pk])

    @settings(max_examples=200, deadline=None)
    @given(PROMISES, DEEDS)
    def test_the_oldest_line_comes_first_and_nothing_that_fits_is_wasted(
        self, promises: list[Promise], deeds: list[Done]
    ) -> None:
        given_to = allot(promises, deeds)
        order = sorted(promises, key=lambda one: (one.since, one.due_on, one.pk))
        for place, promise in enumerate(order):
            for done in given_to[promise.pk]:
                for older in order[:place]:
                    if older.takes(done):
                        # Full already, by deeds that were done before this one.
                        earlier = [(one.on, one.pk) < (done.on, done.pk) for one in given_to[older.pk]]
                        assert sum(earlier) == older.how_many
        used = {done.pk for taken in given_to.values() for done in taken}
        for done in deeds:
            if done.pk not in used:
                assert all(not one.takes(done) or len(given_to[one.pk]) == one.how_many for one in promises), (
                    "a deed that fits an open line counts"
                )

    @settings(max_examples=100, deadline=None)
    @given(PROMISES, DEEDS, st.randoms())
    def test_the_order_they_are_read_in_says_nothing(
        self, promises: list[Promise], deeds: list[Done], random: Any
    ) -> None:
        expected = allot(promises, deeds)
        random.shuffle(promises)
        random.shuffle(deeds)
        assert allot(promises, deeds) == expected

    @settings(max_examples=100, deadline=None)
    @given(PROMISES, DEEDS)
    def test_a_review_never_counts(self, promises: list[Promise], deeds: list[Done]) -> None:
        for taken in allot(promises, deeds).values():
            assert not any(done.is_review or done.deed == Deed.REVIEW_WRITTEN for done in taken)
        assert Deed.REVIEW_WRITTEN not in COUNTED


@pytest.mark.django_db
class TestDeliveredAndOwed:
    def test_completed_deeds_at_the_account_count_since_it_was_agreed(self) -> None:
        acorn = make_account("Acorn")
        ines, omar = make_advocate("Ines", acorn), make_advocate("Omar", acorn)
        promised(acorn, line(3))
        did(ines, at=NOON - 100 * DAY)  # before it was agreed
        did(ines)
        did(omar, Deed.TALK_GIVEN)
        did(make_advocate("Mei"))  # at another account
        assert owed(acorn) == [1]

    def test_a_line_takes_only_what_it_names(self) -> None:
        acorn = make_account("Acorn")
        ines = make_advocate("Ines", acorn)
        promised(acorn, line(2, kind="webinar"), line(1, deed="talk_given"))
        did(ines, kind="reference-call")
        assert owed(acorn) == [2, 1]
        did(ines, kind="webinar")
        did(ines, Deed.TALK_GIVEN)
        assert owed(acorn) == [1, 0]

    def test_reviews_count_for_nothing_even_where_anything_would_do(self) -> None:
        acorn = make_account("Acorn")
        ines = make_advocate("Ines", acorn)
        make_kind("stars", is_review=True)
        promised(acorn, line(2))
        did(ines, kind="stars")
        did(ines, Deed.REVIEW_WRITTEN)
        assert owed(acorn) == [2]

    def test_overdue_and_late(self) -> None:
        acorn = make_account("Acorn")
        ines = make_advocate("Ines", acorn)
        promised(acorn, line(2, due_on=TODAY - DAY))
        (standing,) = commitments.standings([acorn.pk], at=NOON)[acorn.pk]
        assert standing.overdue and not standing.soon
        did(ines)
        (standing,) = commitments.standings([acorn.pk], at=NOON)[acorn.pk]
        assert (standing.owed, standing.late) == (1, 1)
        assert commitments.owing(at=NOON) == {acorn.pk}

    def test_what_is_let_go_of_is_not_owed_and_can_be_brought_back(self) -> None:
        acorn, rita = make_account("Acorn"), make_user("Rita")
        made = promised(acorn)
        with pytest.raises(Refused, match="Say why"):
            acting.end(made, reason=" ", by=rita, at=NOON)
        acting.end(made, reason="New contract", by=rita, at=NOON)
        assert owed(acorn) == [] and commitments.owing(at=NOON) == set()
        with pytest.raises(Refused, match="already"):
            acting.end(made, reason="Again", by=rita, at=NOON)
        acting.bring_back(made, by=rita)
        assert owed(acorn) == [1]

    def test_correcting_it_keeps_its_lines_and_drops_those_taken_out(self) -> None:
        acorn = make_account("Acorn")
        made = promised(acorn, line(2), line(1, deed="talk_given"))
        first = made.lines.order_by("pk").first()
        assert first is not None
        said = acting.Said(made.clause, made.reference, made.agreed_on, [line(5, pk=first.pk)])
        acting.correct(made, said, by=None, at=NOON)
        assert [(one.pk, one.how_many) for one in made.lines.all()] == [(first.pk, 5)]

    def test_costs_the_same_for_one_clause_as_for_twenty(self, queries_of: Any) -> None:
        acorn = make_account()
        promised(acorn)
        did(make_advocate("Ines", acorn), kind="webinar")
        few = queries_of(lambda: commitments.standings(at=NOON))
        for _each in range(20):
            account = make_account()
            promised(account, line(), line(2, kind="webinar"))
            did(make_advocate("Omar", account, user=False), kind="webinar")
        assert queries_of(lambda: commitments.standings(at=NOON)) == few


@pytest.mark.django_db
class TestNeverAReview:
    @pytest.mark.parametrize(
        "clause",
        [
            "The customer writes three public reviews.",
            "Two reviews on a site of our choice",
            "A Review, with five stars",
            "One post on G2 a year",
            "They will appear on Capterra",
        ],
    )
    def test_a_clause_that_names_one_is_refused(self, clause: str) -> None:
        acorn = make_account("Acorn")
        with pytest.raises(Refused, match="never buys public reviews"):
            promised(acorn, clause=clause)
        with pytest.raises(ValidationError):
            Commitment.objects.create(account=acorn, clause=clause, reference="X", agreed_on=TODAY)
        made = promised(acorn)
        with pytest.raises(IntegrityError), transaction.atomic():
            Commitment.objects.filter(pk=made.pk).update(clause=clause)
        assert Commitment.objects.count() == 1

    @pytest.mark.parametrize(
        "clause", ["Two calls, looked at again in each business review.", "A preview for reviewers", "A design review"]
    )
    def test_other_reviews_are_no_reviews(self, clause: str) -> None:
        assert promised(make_account(), clause=clause).clause == clause

    def test_nor_can_a_line_ask_for_one(self) -> None:
        acorn = make_account("Acorn")
        make_kind("stars", is_review=True)
        for kind in ("stars", "review-site-review"):
            with pytest.raises(Refused, match="never buys public reviews"):
                promised(acorn, line(kind=kind))
        made = promised(acorn)
        with pytest.raises(ValidationError):
            CommitmentLine.objects.create(commitment=made, kind="stars", due_on=TODAY)
        for change in ({"deed": "review_written"}, {"kind": "review-site-review"}):
            with pytest.raises(IntegrityError), transaction.atomic():
                CommitmentLine.objects.filter(commitment=made).update(**change)

    def test_nothing_is_kept_of_a_clause_that_was_refused(self) -> None:
        with pytest.raises(Refused):
            promised(make_account(), line(), line(kind="review-site-review"))
        assert not Commitment.objects.exists()


@pytest.mark.django_db
class TestConsentComesFirst:
    def test_a_clause_makes_nobody_eligible_who_has_not_consented(self) -> None:
        acorn = make_account("Acorn")
        ines = make_advocate("Ines", acorn, consents=[Purpose.PROGRAM_MAIL])
        call = make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS)
        offered = make_opportunity("A call", kind=call)
        need = Need.of(make_request(kind=call), at=NOON)
        promised(acorn, line(2, kind="reference-call"))
        assert "consent" in str(eligibility.why_not(ines, offered, at=NOON))
        assert candidates(need) == []
        consent.grant(ines.contact, Purpose.REFERENCE_CALLS, wording="Yes.", at=NOON - DAY, source="test")
        assert eligibility.why_not(ines, offered, at=NOON) is None
        assert [one.name for one in candidates(need)] == ["Ines Barbosa"]

    def test_nor_does_it_ask_more_of_them_than_the_budget_allows(self) -> None:
        acorn = make_account("Acorn")
        ines = make_advocate("Ines", acorn, asks_a_quarter=0)
        promised(acorn, line(2))
        assert "does not want to be asked" in str(budget.why_not(ines, at=NOON, channel="desk"))


@pytest.mark.django_db
class TestOnToday:
    def tasks(self) -> list[tuple[str, bool]]:
        return [(task.key.split(":")[2], task.done_at is not None) for task in Task.objects.order_by("pk")]

    def test_thirty_days_ahead_and_again_when_it_is_overdue(self) -> None:
        rita = make_user("Rita Morgan", Role.MANAGER)
        acorn = make_account("Acorn")
        make_advocate("Ines", acorn, pod=make_pod(rita))
        promised(acorn, line(2, due_on=TODAY + 31 * DAY, kind="webinar"))
        acting.remind(at=NOON)
        assert self.tasks() == []
        acting.remind(at=NOON + DAY)
        acting.remind(at=NOON + 2 * DAY)
        task = Task.objects.get()
        assert (task.assignee, task.account) == (rita, acorn)
        assert task.text == "Acorn owes 2 × Webinar by contract until 10 April 2026. See who would be glad to."
        acting.remind(at=NOON + 32 * DAY)
        assert self.tasks() == [("soon", True), ("overdue", False)]

    def test_closes_when_nothing_is_owed_and_when_it_is_let_go_of(self) -> None:
        acorn, birch = make_account("Acorn"), make_account("Birch")
        ines = make_advocate("Ines", acorn)
        promised(acorn, line(1, due_on=TODAY + DAY))
        made = promised(birch, line(1, due_on=TODAY + DAY))
        acting.remind(at=NOON)
        assert self.tasks() == [("soon", False), ("soon", False)]
        did(ines)
        acting.end(made, reason="New contract", by=None, at=NOON)
        acting.remind(at=NOON)
        assert self.tasks() == [("soon", True), ("soon", True)]
