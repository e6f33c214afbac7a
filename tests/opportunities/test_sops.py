"""What each team has agreed with the desk stands beside the form, and requests keep their version of it (D1, D11)."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.utils import InternalError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from opportunities import sops
from opportunities.actions import desk
from opportunities.actions import sops as actions
from opportunities.models import ReferenceRequest, SopVersion
from tests.factories import NOON, make_deal, make_kind, make_team, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
TEXTS = {"where_to_ask": "Here.", "how_fast": "Two days.", "too_early_words": "Show them a case study first."}


@pytest.fixture
def lena() -> User:
    return make_user("Lena", Role.LEAD)


def test_a_team_asks_under_its_own_or_under_that_of_all_others(lena) -> None:
    sales, product = make_team("Sales"), make_team("Product")
    assert sops.current(sales) is None
    others = actions.write(None, {"where_to_ask": "Anywhere."}, too_early=[], by=lena, at=NOON)
    own = actions.write(sales, TEXTS, too_early=["Discovery"], by=lena, at=NOON)
    assert sops.current(sales) == own
    assert sops.current(product) == sops.current(None) == others


def test_each_change_is_a_version_and_the_same_again_is_none(lena) -> None:
    sales = make_team("Sales")
    first = actions.write(sales, TEXTS, too_early=["Discovery"], by=lena, at=NOON)
    assert actions.write(sales, TEXTS, too_early=["Discovery"], by=lena, at=NOON) == first
    second = actions.write(sales, {**TEXTS, "how_fast": "A day."}, too_early=[], by=lena, at=NOON, read=1)
    assert second.number == 2
    with pytest.raises(Refused, match="newer version"):
        actions.write(sales, {**TEXTS, "how_fast": "A week."}, too_early=[], by=lena, at=NOON, read=1)
    with pytest.raises(Refused, match="at least one part"):
        actions.write(sales, {}, too_early=["Discovery"], by=lena, at=NOON)
    with pytest.raises(InternalError), transaction.atomic():
        SopVersion.objects.filter(pk=first.pk).update(how_fast="Never.")


class TestTooEarly:
    @pytest.fixture
    def sam(self) -> User:
        return make_user("Sam", Role.REQUESTER)

    def file(self, sam: User, **more: object) -> ReferenceRequest:
        return desk.file_request(
            requester=sam, kind=make_kind("reference-call"), prospect="Kestrel", needed_by=timezone.localdate() + DAY,
            at=timezone.now(), **more,
        )  # fmt: skip

    def test_is_refused_in_the_sops_words_or_waived_with_a_reason(self, sam, lena) -> None:
        sales = make_team("Sales")
        actions.write(sales, TEXTS, too_early=["Discovery"], by=lena, at=NOON)
        deal = make_deal(stage="DISCOVERY ")
        with pytest.raises(desk.TooEarly, match="Show them a case study first"):
            self.file(sam, team=sales, deal=deal)
        with pytest.raises(desk.TooEarly):
            self.file(sam, team=sales, deal=deal, too_early_because="  ")
        filed = self.file(sam, team=sales, deal=deal, too_early_because="Their board meets on Monday.")
        assert filed.too_early_because == "Their board meets on Monday."
        assert self.file(sam, team=sales, deal=make_deal(stage="Negotiation")).too_early_because == ""
        assert self.file(sam, team=sales).sop_version == sops.current(sales)

    def test_the_form_says_so_beside_the_deal_and_takes_the_reason(self, client: Client, sam, lena) -> None:
        sales = make_team("Sales")
        actions.write(sales, TEXTS, too_early=["Discovery"], by=lena, at=NOON)
        deal = make_deal(stage="Discovery", owner=sam)
        sam.teams.add(sales)
        client.force_login(sam)
        page = client.get(reverse("opportunities:new_request"), {"deal": deal.pk}).content.decode()
        assert "Two days." in page  # the SOP stands beside the form
        assert "Show them a case study first." in page and "Why can it not wait?" in page
        typed = {
            "kind": make_kind("reference-call").pk, "wanted": 1, "prospect": "Kestrel", "deal": deal.pk,
            "needed_by": (timezone.localdate() + DAY).isoformat(), "team": sales.pk,
        }  # fmt: skip
        answer = client.post(reverse("opportunities:new_request"), typed)
        assert answer.status_code == 422
        assert not ReferenceRequest.objects.exists()
        client.post(reverse("opportunities:new_request"), {**typed, "too_early_because": "Board on Monday."})
        assert ReferenceRequest.objects.get().too_early_because == "Board on Monday."

    def test_a_request_keeps_the_version_it_was_made_under(self, sam, lena) -> None:
        sales = make_team("Sales")
        first = actions.write(sales, TEXTS, too_early=[], by=lena, at=NOON)
        filed = self.file(sam, team=sales)
        actions.write(sales, {**TEXTS, "how_fast": "A day."}, too_early=[], by=lena, at=NOON)
        filed.refresh_from_db()
        assert filed.sop_version == first


def test_everybody_who_asks_reads_them_and_who_runs_the_desk_writes_them(client: Client, lena) -> None:
    sales = make_team("Sales")
    make_deal(stage="Discovery")
    client.force_login(lena)
    write = reverse("opportunities:sop_write", args=[sales.slug])
    answer = client.post(write, {"where_to_ask": "Here.", "too_early": ["Discovery"], "read": 0})
    assert answer.status_code == 302
    again = client.post(write, {"where_to_ask": "There.", "read": 0})
    assert again.status_code == 409 and "There." in again.content.decode()
    assert client.post(write, {"where_to_ask": "There.", "read": 1}).status_code == 302
    client.force_login(make_user("Sam", Role.REQUESTER))
    page = reverse("opportunities:sop", args=[sales.slug])
    assert "There." in client.get(page).content.decode()
    old = client.get(page, {"version": 1}).content.decode()
    assert "Here." in old and "There is a newer one" in old
    assert "Sales" in client.get(reverse("opportunities:sops")).content.decode()
    assert client.get(write).status_code == 403
    assert "There." in client.get(reverse("opportunities:request_sop"), {"team": sales.pk}).content.decode()
    assert client.get(reverse("opportunities:sop", args=["nobody"])).status_code == 404
