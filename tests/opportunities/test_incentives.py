"""What people get for claiming in time: a real end, on their own clock, and a promise that is kept."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from advocates import points
from opportunities import incentives
from opportunities.actions import board as actions
from opportunities.forms.board import OpportunityForm
from opportunities.models import Opportunity
from tests.factories import make_advocate, make_contact, make_kind, make_opportunity

pytestmark = pytest.mark.django_db

DAY = date(2026, 3, 12)
BERLIN, LIMA, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Lima"), ZoneInfo("Asia/Tokyo")


def double_points(**more: object) -> Opportunity:
    kind = make_kind("webinar", points=100)
    fields = {
        "incentive": "Double points today", "incentive_points": 100, "points": 100,
        "opened_at": datetime(2026, 3, 1, tzinfo=UTC), **more,
    }  # fmt: skip
    return make_opportunity("Speak at our webinar", kind=kind, **fields)


class TestItsEnd:
    @pytest.mark.parametrize(
        ("zone", "last"),
        [
            (TOKYO, datetime(2026, 3, 12, 14, 59, tzinfo=UTC)),
            (BERLIN, datetime(2026, 3, 12, 22, 59, tzinfo=UTC)),
            (LIMA, datetime(2026, 3, 13, 4, 59, tzinfo=UTC)),
        ],
        ids=["Tokyo", "Berlin", "Lima"],
    )
    def test_a_day_ends_at_midnight_where_the_reader_is(self, zone, last):
        offer = double_points(incentive_on=DAY)
        assert incentives.runs(offer, at=last, zone=zone)
        assert not incentives.runs(offer, at=last + timedelta(minutes=1), zone=zone)

    def test_an_instant_is_the_same_for_everybody(self):
        offer = double_points(incentive_until=datetime(2026, 3, 12, 12, tzinfo=UTC))
        for zone in (BERLIN, LIMA, TOKYO):
            assert incentives.ends_at(offer, zone) == datetime(2026, 3, 12, 12, tzinfo=UTC)

    def test_the_night_the_clocks_change_has_an_end_as_well(self):
        offer = double_points(incentive_on=date(2026, 3, 29))
        ends = incentives.ends_at(offer, BERLIN)
        assert ends is not None and ends.astimezone(UTC) == datetime(2026, 3, 29, 22, tzinfo=UTC)

    def test_without_words_there_is_none(self):
        assert not incentives.runs(double_points(incentive=""), at=datetime(2026, 3, 12, tzinfo=UTC), zone=BERLIN)

    def test_it_has_one_end_at_most(self):
        with pytest.raises(IntegrityError):
            double_points(incentive_on=DAY, incentive_until=datetime(2026, 3, 12, 12, tzinfo=UTC))

    @given(st.integers(-300_000, 300_000), st.sampled_from([BERLIN, LIMA, TOKYO]))
    def test_it_runs_exactly_while_the_readers_day_is_no_later(self, minutes, zone):
        at = datetime(2026, 3, 12, tzinfo=UTC) + timedelta(minutes=minutes)
        offer = Opportunity(incentive="A ticket", incentive_on=DAY)
        assert incentives.runs(offer, at=at, zone=zone) == (at.astimezone(zone).date() <= DAY)


class TestThePromise:
    def test_who_claims_in_time_gets_it_who_comes_later_does_not(self):
        offer = double_points(incentive_on=DAY)
        luz = make_advocate("Luz", contact=make_contact("Luz", time_zone="America/Lima"))
        aiko = make_advocate("Aiko", contact=make_contact("Aiko", time_zone="Asia/Tokyo"))
        at = datetime(2026, 3, 12, 20, tzinfo=UTC)  # three in the afternoon in Lima, five in the morning in Tokyo
        early, late = actions.claim(luz, offer, at=at), actions.claim(aiko, offer, at=at)
        assert (early.incentive, early.incentive_points) == ("Double points today", 100)
        assert (late.incentive, late.incentive_points) == ("", 0)

    def test_the_extra_points_come_with_the_others(self):
        offer = double_points(incentive_on=DAY)
        ines = make_advocate("Ines")
        claim = actions.claim(ines, offer, at=datetime(2026, 3, 12, 9, tzinfo=UTC))
        actions.verify(claim, at=datetime(2026, 3, 20, 9, tzinfo=UTC))
        assert points.total(ines) == 200
        actions.verify(claim, at=datetime(2026, 3, 21, 9, tzinfo=UTC))
        assert points.total(ines) == 200

    def test_a_promise_is_kept_when_the_words_change_afterwards(self):
        offer = double_points(incentive_on=DAY)
        ines = make_advocate("Ines")
        claim = actions.claim(ines, offer, at=datetime(2026, 3, 12, 9, tzinfo=UTC))
        Opportunity.objects.filter(pk=offer.pk).update(incentive="", incentive_points=0, incentive_on=None)
        claim.refresh_from_db()
        actions.verify(claim, at=datetime(2026, 3, 20, 9, tzinfo=UTC))
        assert points.total(ines) == 200

    def test_the_page_of_the_claim_says_it(self, client: Client):
        ines = make_advocate("Ines")
        with time_machine.travel(datetime(2026, 3, 12, 9, tzinfo=UTC), tick=False):
            claim = actions.claim(ines, double_points(incentive_on=DAY), at=datetime(2026, 3, 12, 9, tzinfo=UTC))
            client.force_login(ines.user)
            page = client.get(reverse("opportunities:claim", args=[claim.public_id])).content.decode()
        assert "Because you claimed in time" in page and "Double points today" in page


class TestOnTheBoard:
    def test_the_page_names_the_end_and_forgets_it_afterwards(self, client: Client):
        offer = double_points(incentive_on=DAY)
        client.force_login(make_advocate("Ines").user)
        address = reverse("opportunities:opportunity", args=[offer.public_id])
        with time_machine.travel(datetime(2026, 3, 12, 9, tzinfo=UTC), tick=False):
            assert "today, until midnight" in client.get(address).content.decode()
        with time_machine.travel(datetime(2026, 3, 11, 9, tzinfo=UTC), tick=False):
            assert "until tomorrow at midnight" in client.get(address).content.decode()
        with time_machine.travel(datetime(2026, 3, 13, 9, tzinfo=UTC), tick=False):
            assert "Double points today" not in client.get(address).content.decode()

    def test_the_filter_finds_what_still_runs(self):
        running, over = double_points(incentive_on=DAY), double_points(incentive_on=DAY - timedelta(days=1))
        found = incentives.running(Opportunity.objects.all(), at=datetime(2026, 3, 12, 12, tzinfo=UTC))
        assert running in found and over not in found


class TestTheForm:
    def fill(self, **said: object) -> OpportunityForm:
        kind = make_kind("webinar")
        usual = {"kind": kind.pk, "title": "Speak", "language": "", "is_remote": "on"}
        return OpportunityForm({**usual, **said})

    def test_two_ends_are_refused(self):
        form = self.fill(incentive="A ticket", incentive_on="2026-03-12", incentive_until="2026-03-12 12:00")
        assert "It ends once" in str(form.errors["incentive_on"])

    def test_an_end_or_points_without_words_are_refused(self):
        assert "in words" in str(self.fill(incentive_points="50").errors["incentive"])
        assert "in words" in str(self.fill(incentive_on="2026-03-12").errors["incentive"])
