"""The pages: every figure with its definition and its rows, as far as the reader may see them (M1, M2, M12, M13)."""

import csv
from datetime import timedelta
from functools import partial
from html import unescape
from io import StringIO

import pytest
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.dashboards import memory, periods, registry
from advocacy.dashboards.filters import Filters
from advocacy.delivery import measuring
from advocacy.delivery.models import Message
from advocacy.lib import export
from advocacy.users.models import Role
from advocates.models import Ask
from newsletter.models import Edition
from opportunities.models import Claim, ReviewAsk, ReviewCampaign, ReviewSite, Survey, SurveyInvite
from tests.factories import make_advocate, make_deal, make_opportunity, make_request, make_user

pytestmark = pytest.mark.django_db
KEYS = [one.key for one in registry.every()]


def page(key: str, **query) -> str:
    return reverse("dashboards:measure", args=[key], query=query or None)


def a_month_of_work(number: int) -> None:
    """So many requests, deals, members and asks of the last days."""
    now = timezone.now()
    sam = make_user("Sam", Role.REQUESTER)
    for place in range(number):
        advocate = make_advocate("Ines", user=False, consents=())
        deal = make_deal(outcome="won", closed_on=now.date())
        filed = now - timedelta(days=4)
        make_request(
            sam, deal=deal, filed_at=filed, first_yes_at=filed + timedelta(hours=3), fulfilled_at=now,
            promised_hours=16, status="fulfilled", prospect=f"Prospect {place}",
        )  # fmt: skip
        spine.record(Deed.VERIFIED, contact=advocate.contact, at=now, source=("test", advocate.pk))
        Ask.objects.create(
            channel="desk", source_id=f"{advocate.pk}", advocate=advocate, account=advocate.contact.account,
            asked_at=now,
        )  # fmt: skip
        invite = SurveyInvite.objects.create(
            survey=a_survey(), contact=advocate.contact, account=advocate.contact.account, asked_at=now,
            answered_at=now,
        )  # fmt: skip
        invite.answers.create(question="score", number=9, at=now)
        ReviewAsk.objects.create(
            campaign=a_campaign(), contact=advocate.contact, asked_at=now, told_at=now, shown_as="I. B.",
            verified_at=now,
        )  # fmt: skip
        make_request(sam, deal=None, filed_at=filed, fulfilled_at=now, status="fulfilled", beside_the_desk=True,
                     prospect=f"Prospect {place}")  # fmt: skip

        an_edition_read(advocate, now)


def an_edition_read(advocate, now) -> None:
    """An edition has reached them; they followed a link, claimed what they found there, and left."""
    edition, new = Edition.objects.get_or_create(slot=now.date(), defaults={"status": "sent", "approved_at": now})
    if new:
        edition.items.create(section="opportunities", title="Webinar", opportunity=make_opportunity("Webinar"))
    message = Message.objects.create(
        kind="newsletter", dedupe_key=f"{advocate.pk}", template="newsletter/edition", contact=advocate.contact,
        to_email=advocate.contact.email, to_name=advocate.contact.full_name, message_id=f"<{advocate.pk}@portal.test>",
        batch=f"edition:{edition.pk}", status="sent", due_at=now, sent_at=now - timedelta(hours=1),
    )  # fmt: skip
    for event in ("clicked", "unsubscribed"):
        measuring.record(message, event, at=now, key=f"{event}:{advocate.pk}")
    Claim.objects.create(opportunity=edition.items.get().opportunity, advocate=advocate, claimed_at=now)


def a_campaign() -> ReviewCampaign:
    site, _new = ReviewSite.objects.get_or_create(name="SoftRate", url="https://softrate.test")
    return ReviewCampaign.objects.get_or_create(title="Spring", site=site, words="Good or bad.")[0]


def a_survey() -> Survey:
    score = {"key": "score", "label": "Would you recommend us?", "type": "ten"}
    defaults = {"kind": "nps", "questions": [score], "scored": "score", "status": "open", "opened_at": timezone.now()}
    return Survey.objects.get_or_create(title="How are we doing?", defaults=defaults)[0]


@pytest.fixture
def lena(client):
    user = make_user("Lena Novak", Role.LEAD)
    client.force_login(user)
    return user


class TestTheOverview:
    def test_an_empty_program_says_what_will_be_here(self, client, lena):
        text = client.get(reverse("dashboards:overview")).content.decode()
        assert "shows here" in text

    def test_it_shows_each_measure_with_its_definition_and_a_way_to_its_rows(self, client, lena):
        a_month_of_work(3)
        text = client.get(reverse("dashboards:overview")).content.decode()
        for one in registry.every():
            assert str(one.name) in text
            assert page(one.key) in text
        assert "552" in text  # three deals of 184,000
        assert "not cause" in text

    def test_a_filter_nothing_matches_says_so_and_offers_all_of_it(self, client, lena):
        a_month_of_work(1)
        overview = reverse("dashboards:overview")
        text = client.get(overview, {"region": "Nowhere", "period": "3m"}).content.decode()
        assert "Nothing here is called Nowhere" in text
        assert f'href="{overview}?period=3m"' in text
        assert "shows here" not in text

    def test_a_first_day_after_the_last_is_said(self, client, lena):
        overview = reverse("dashboards:overview")
        wrong = "The first day lies after the last"
        assert wrong in client.get(overview, {"from": "2026-03-02", "to": "2026-03-01"}).content.decode()
        assert wrong not in client.get(overview, {"from": "2026-03-01", "to": "2026-03-02"}).content.decode()

    def test_it_costs_the_same_for_many(self, client, lena, queries_of):
        visit = partial(client.get, reverse("dashboards:overview"))
        a_month_of_work(2)
        few = queries_of(visit)
        a_month_of_work(40)
        assert queries_of(visit) == few

    def test_the_period_and_filters_of_the_address_are_kept_on_the_way_to_a_measure(self, client, lena):
        a_month_of_work(1)
        text = client.get(reverse("dashboards:overview", query={"period": "3m", "region": "Europe"})).content.decode()
        assert f"{page('requests')}?region=Europe&amp;period=3m" in text


@pytest.mark.parametrize("key", KEYS)
class TestEachMeasure:
    def test_it_has_name_definition_source_and_rows(self, key):
        one = registry.find(key)
        assert one.name and one.definition and one.sources and one.numerator

    def test_its_page_opens_empty_and_full(self, client, lena, key):
        assert client.get(page(key)).status_code == 200
        a_month_of_work(2)
        answer = client.get(page(key))
        assert str(one_line(registry.find(key).definition)) in one_line(answer.content.decode())
        assert "As a table" in answer.content.decode() or "bars-table" in answer.content.decode() or key == "funnel"

    def test_its_page_costs_the_same_for_many(self, client, lena, queries_of, key):
        visit = partial(client.get, page(key))
        a_month_of_work(2)
        few = queries_of(visit)
        a_month_of_work(30)
        assert queries_of(visit) <= few

    def test_the_file_holds_the_rows_the_figure_counts(self, client, lena, key):
        a_month_of_work(3)
        shown = client.get(page(key)).context["shown"]
        body = b"".join(client.get(reverse("dashboards:export", args=[key])).streaming_content).decode("utf-8-sig")
        rows = list(csv.reader(StringIO(body)))
        assert len(rows) - 1 == shown.now.n
        assert rows[0] == [str(column.label) for column in registry.find(key).rows(
            shown.frame.period, shown.frame.filters).columns]  # fmt: skip

    def test_any_address_is_answered(self, client, lena, key):
        a_month_of_work(1)
        for query in (
            {"part": "'; DROP"}, {"after": "zzz"}, {"period": "x", "compare": "y"}, {"from": "2026-02-30"},
            {"region": "\x00"}, {"team": "nobody", "industry": "none"}, {"compare": "year"}, {"compare": "launch"},
            {"compare": "none"}, {"from": "2025-01-01", "to": "2025-01-31"},
        ):  # fmt: skip
            assert client.get(page(key, **query)).status_code == 200

    def test_whoever_reads_reports_sees_the_figure_but_nobodys_name(self, client, key):
        a_month_of_work(3)
        client.force_login(make_user("Rea", Role.READER))
        answer = client.get(page(key))
        text = answer.content.decode()
        assert answer.context["shown"].now.n == 3
        assert "Barbosa" not in text and "Prospect 1" not in text and "Kestrel" not in text
        body = b"".join(client.get(reverse("dashboards:export", args=[key])).streaming_content).decode("utf-8-sig")
        assert len(list(csv.reader(StringIO(body)))) == 1

    def test_an_advocate_does_not_get_in(self, client, key):
        client.force_login(make_user("Ines", Role.ADVOCATE))
        assert client.get(page(key)).status_code == 403
        assert client.get(reverse("dashboards:export", args=[key])).status_code == 403


def one_line(text) -> str:
    return " ".join(unescape(str(text)).split())


class TestRows:
    def test_they_are_paged_by_key_and_link_to_their_records(self, client, lena):
        a_month_of_work(35)
        first = client.get(page("requests"))
        assert len(first.context["table"]) == 25
        second = client.get(page("requests"), {"after": first.context["page"].next})
        assert len(second.context["table"]) == 10
        assert all(cell[0]["url"] for cell in second.context["table"])

    def test_a_bar_leads_to_the_rows_of_its_month(self, client, lena):
        a_month_of_work(2)
        text = client.get(page("requests_fulfilled", period="3m")).content.decode()
        month = timezone.now().date().replace(day=1).isoformat()
        assert f"from={month}" in text

    def test_a_filter_that_means_nothing_here_is_said_so(self, client, lena):
        assert "does not narrow it" in client.get(page("members", team="sales")).content.decode()

    def test_a_measure_nobody_defined_is_not_found(self, client, lena):
        assert client.get(page("happiness")).status_code == 404


class TestFiles:
    @pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", " =1+1", "\r=1", "＝1", "\u00a0=2"])
    def test_a_cell_that_would_run_is_disarmed(self, cell):
        assert export.safe(cell).startswith("'")

    @pytest.mark.parametrize("cell", [-1, 2.5, "Kestrel Foods", "", "a=b"])
    def test_others_are_left_alone(self, cell):
        assert export.safe(cell) == cell

    def test_a_prospect_that_is_a_formula_is_harmless_in_the_file(self, client, lena):
        make_request(prospect='=HYPERLINK("http://evil.test")', filed_at=timezone.now())
        body = b"".join(client.get(reverse("dashboards:export", args=["requests"])).streaming_content).decode()
        assert "\"'=HYPERLINK" in body


def test_a_measure_is_defined_once():
    one = registry.find("requests")

    def another(period, filters):
        return registry.Value(None)

    with pytest.raises(ValueError, match="defined once"):
        registry.measure("requests", name="x", unit=one.unit, definition="x", sources=(), rows=one.rows)(another)


class TestWhatIsPast:
    """The figure of an earlier period is remembered for a while; that of the present never is."""

    def past(self):
        today = timezone.now().date()
        return periods.Period(today - timedelta(days=60), today - timedelta(days=30))

    def test_it_is_counted_once(self, django_assert_num_queries):
        one, at = registry.find("requests"), timezone.now()
        make_request(filed_at=at - timedelta(days=40))
        assert memory.headline(one, self.past(), Filters(), at=at).value == 1
        with django_assert_num_queries(0):
            assert memory.headline(one, self.past(), Filters(), at=at).value == 1

    def test_other_filters_are_another_figure(self):
        one, at = registry.find("requests"), timezone.now()
        make_request(filed_at=at - timedelta(days=40))
        assert memory.headline(one, self.past(), Filters(region="Europe"), at=at).value == 1
        assert memory.headline(one, self.past(), Filters(region="Asia"), at=at).value == 0
        assert memory.headline(one, self.past(), Filters(industry="Europe"), at=at).value == 0

    def test_nothing_to_measure_is_remembered_as_such(self):
        one, at = registry.find("time_to_fulfil"), timezone.now()
        for _time in range(2):
            assert memory.headline(one, self.past(), Filters(), at=at).value is None

    def test_a_running_period_is_counted_anew(self):
        one, at = registry.find("requests"), timezone.now()
        running = periods.Period(at.date() - timedelta(days=5), at.date())
        make_request(filed_at=at)
        assert memory.headline(one, running, Filters(), at=at).value == 1
        make_request(filed_at=at)
        assert memory.headline(one, running, Filters(), at=at).value == 2

    def test_the_page_shows_what_has_just_happened(self, client, lena):
        a_month_of_work(1)
        visit = partial(client.get, page("requests"))
        before = visit().context["shown"].now.value
        make_request(filed_at=timezone.now())
        assert visit().context["shown"].now.value == before + 1
