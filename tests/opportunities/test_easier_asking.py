"""Sam asks again, mends what he asked, reads where it stands by mail, tells of what was beside the desk (D16)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Activity, Deal
from advocacy.dashboards.filters import Filters
from advocacy.dashboards.periods import Period
from advocacy.delivery.models import Message
from advocacy.lib import signed
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates import budget, points
from advocates.models import Advocate, Ask
from opportunities import influence
from opportunities.actions import beside, desk
from opportunities.measures import beside_the_desk, fill_rate, requests
from opportunities.models import Claim, Nomination, OpportunityKind, ReferenceRequest
from tests.factories import make_advocate, make_deal, make_kind, make_team, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def sam() -> User:
    return make_user("Sam Adler", Role.REQUESTER)


@pytest.fixture
def as_sam(client: Client, sam: User) -> Client:
    client.force_login(sam)
    return client


def call() -> OpportunityKind:
    return make_kind("reference-call", minutes=30, points=80)


def filed(sam: User, **more: Any) -> ReferenceRequest:
    return desk.file_request(
        requester=sam, kind=call(), prospect="Kestrel Foods", needed_by=timezone.localdate() + 9 * DAY,
        at=timezone.now(), facts={"industry": "Food", "questions": "How was night shift?"}, **more,
    )  # fmt: skip


class TestOnesOwnRequest:
    def test_another_like_it_begins_with_what_it_said(self, as_sam, sam) -> None:
        wanted = filed(sam, team=make_team("Sales"), wanted=2)
        page = as_sam.get("/requests/new/", {"like": str(wanted.public_id)}).content.decode()
        assert "Kestrel Foods" in page and "How was night shift?" in page and 'value="2"' in page
        theirs = filed(make_user("Another", Role.REQUESTER))
        for odd in (str(theirs.public_id), "nonsense", ""):
            assert "Kestrel Foods" not in as_sam.get("/requests/new/", {"like": odd}).content.decode()

    def test_is_mended_while_the_desk_looks_and_the_desk_hears_what_changed(self, as_sam, sam) -> None:
        wanted, rita = filed(sam), make_user("Rita", Role.MANAGER)
        desk.assign(wanted, to=rita, at=timezone.now())
        url = reverse("opportunities:request_change", args=[wanted.public_id])
        typed = {"industry": "Bakeries", "needed_by": (timezone.localdate() + DAY).isoformat(), "questions": "When?"}
        assert as_sam.post(url, {**typed, "country": "Portugal"}).status_code == 422
        assert as_sam.post(url, typed).status_code == 302
        wanted.refresh_from_db()
        assert (wanted.industry, wanted.questions) == ("Bakeries", "When?")
        note = wanted.notes.get()
        assert "industry" in note.text and "needed by" in note.text and "country" not in note.text
        as_sam.post(url, typed)
        assert wanted.notes.count() == 1  # nothing changed
        desk.withdraw(wanted, reason="Lost.", by=sam, at=timezone.now())
        assert as_sam.post(url, {**typed, "industry": "X"}).status_code == 409
        assert as_sam.get(reverse("opportunities:request_change", args=[filed(rita).public_id])).status_code == 404

    def test_the_mail_that_confirms_it_leads_to_where_it_stands_without_signing_in(self, client, sam) -> None:
        wanted = filed(sam)
        mail = Message.objects.get(kind="request_filed")
        assert (mail.to_email, mail.params["request_id"]) == (sam.email, str(wanted.public_id))
        omar = make_advocate("Omar")
        desk.nominate(wanted, [desk.Pick(omar.pk)], by=make_user("Rita", Role.MANAGER), at=timezone.now())
        url = reverse("opportunities:request_status", args=[signed.sign("request_status", str(wanted.public_id))])
        page = client.get(url).content.decode()
        assert "Kestrel Foods" in page and "Omar" not in page
        assert client.post(url).status_code == 405
        for wrong in ("x", signed.sign("answer", str(wanted.public_id))):
            assert client.get(reverse("opportunities:request_status", args=[wrong])).status_code == 404
        User.objects.filter(pk=sam.pk).update(is_active=False)
        assert client.get(url).status_code == 404


class TestBesideTheDesk:
    @pytest.fixture
    def ines(self) -> Advocate:
        return make_advocate("Ines")

    def log(self, ines: Advocate, sam: User, **more: Any) -> ReferenceRequest:
        said = {"prospect": "Kestrel Foods", "happened_on": timezone.localdate() - DAY, "kind": call(), **more}
        return beside.log(advocate=ines, requester=sam, at=timezone.now(), **said)

    def test_it_counts_in_the_budget_on_the_timeline_in_points_and_in_revenue(self, sam, ines) -> None:
        deal = make_deal(owner=sam, value=1000)
        logged = self.log(ines, sam, deal=deal)
        assert (logged.status, logged.beside_the_desk) == ("fulfilled", True)
        assert not budget.availability(ines, at=timezone.now()).is_open
        assert Claim.objects.get().status == "verified"
        assert Activity.objects.filter(contact=ines.contact, deed=Deed.VERIFIED).count() == 1
        assert points.total(ines) == 80
        Deal.objects.filter(pk=deal.pk).update(outcome="won", closed_on=timezone.localdate())
        period = Period(timezone.localdate() - 30 * DAY, timezone.localdate() + DAY)
        assert list(influence.influenced(period, Filters())) == [deal]

    def test_told_twice_it_is_once_whoever_tells_it(self, sam, ines) -> None:
        first = self.log(ines, sam)
        rita = make_user("Rita", Role.MANAGER)
        assert self.log(ines, rita, prospect=" kestrel  FOODS ") == first
        assert Ask.objects.count() == Nomination.objects.count() == 1
        assert self.log(ines, sam, prospect="Solveig") != first

    def test_it_counts_even_where_nobody_would_have_been_allowed_to_ask(self, sam, ines) -> None:
        Advocate.objects.filter(pk=ines.pk).update(asks_a_quarter=0)
        self.log(ines, sam)
        assert Ask.objects.get().override_reason == "Asked directly, beside the desk."

    def test_what_cannot_be_is_refused_with_a_sentence(self, sam, ines) -> None:
        today = timezone.localdate()
        for wrong, words in (
            ({"happened_on": today + DAY}, "not come yet"), ({"happened_on": today - 200 * DAY}, "half a year ago"),
            ({"prospect": " "}, "Name the prospect"),
        ):  # fmt: skip
            with pytest.raises(Refused, match=words):
                self.log(ines, sam, **wrong)
        assert not ReferenceRequest.objects.exists()

    def test_it_says_nothing_about_the_speed_of_the_desk(self, sam, ines) -> None:
        self.log(ines, sam)
        today = timezone.localdate()
        period = Period(today - 7 * DAY, today + DAY)
        nothing = Filters()
        assert requests(period, nothing).value == 0
        assert fill_rate(period, nothing).value is None
        assert beside_the_desk(period, nothing).value == 1

    def test_ten_seconds_on_the_page(self, as_sam, sam, ines) -> None:
        url = reverse("opportunities:beside")
        found = as_sam.get(url, {"q": "ines"}).content.decode()
        assert "Ines" in found and ines.contact.email not in found
        page = f"{url}?advocate={ines.public_id}"
        typed = {"prospect": "Kestrel", "happened_on": timezone.localdate().isoformat(), "kind": call().pk}
        refused = as_sam.post(page, typed)
        assert refused.status_code == 422 and "did not ask" in refused.content.decode()
        answer = as_sam.post(page, {**typed, "direct": "on"})
        assert answer.status_code == 302
        assert as_sam.get(answer.url).status_code == 200
        assert as_sam.get(f"{url}?advocate=nonsense").status_code == 200
