"""Any list as a file: as filtered, within the rights of whoever asks, disarmed, noted down, streamed."""

import csv
import io
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from advocacy.lib import export
from advocacy.lib.models import Export
from advocacy.users.models import Role
from advocates import points
from advocates.models import Advocate
from opportunities.models import Claim
from tests.factories import (
    make_account,
    make_advocate,
    make_contact,
    make_opportunity,
    make_request,
    make_user,
)

pytestmark = pytest.mark.django_db

LISTS = [
    "advocates:advocates", "advocates:invited", "advocates:applications", "opportunities:requests",
    "admin:opportunities_referencerequest_changelist", "admin:opportunities_claim_changelist",
    "admin:crm_account_changelist", "admin:crm_contact_changelist", "admin:advocates_pointentry_changelist",
]  # fmt: skip


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode("utf-8")


def rows_of(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text_of(answer).removeprefix("\ufeff"))))


def sheet_of(answer: Any) -> list[tuple[Any, ...]]:
    book = load_workbook(io.BytesIO(b"".join(answer.streaming_content)))
    return [tuple(cell.value for cell in row) for row in book.worksheets[0].iter_rows()]


def signed_in(client: Client, name: str, *roles: str) -> Client:
    client.force_login(make_user(name, *roles))
    return client


@pytest.fixture
def lena(client: Client) -> Client:
    return signed_in(client, "Lena", Role.LEAD)


class TestAnyList:
    @pytest.mark.parametrize("name", LISTS)
    @pytest.mark.parametrize("kind", export.KINDS)
    def test_each_list_is_a_file_of_either_kind(self, lena: Client, name: str, kind: str) -> None:
        claim = Claim.objects.create(
            advocate=make_advocate("Ines"), opportunity=make_opportunity("A talk"), claimed_at=timezone.now()
        )
        make_request(make_user("Sam", Role.REQUESTER))
        points.book(claim.advocate, 10, reason="A talk", source=("test", "1"), at=timezone.now())
        page = lena.get(reverse(name))
        assert page.status_code == 200
        assert f"as={kind}" in page.content.decode() or name == "opportunities:requests"
        answer = lena.get(reverse(name), {"as": kind})
        assert answer.status_code == 200
        assert f".{kind}" in answer["Content-Disposition"]
        assert "no-store" in answer["Cache-Control"]
        rows = sheet_of(answer) if kind == "xlsx" else list(csv.reader(io.StringIO(text_of(answer))))
        note = Export.objects.get()
        assert (note.kind, note.rows, note.by.name) == (kind, len(rows) - 1, "Lena")

    def test_it_holds_what_the_filter_leaves(self, lena: Client) -> None:
        make_advocate("Ines", account=make_account(region="Europe"))
        make_advocate("Omar", account=make_account(region="Asia"))
        rows = rows_of(lena.get(reverse("advocates:advocates"), {"region": "Asia", "as": "csv"}))
        assert [row["Name"].split()[0] for row in rows] == ["Omar"]
        assert Export.objects.get().filter.endswith("?region=Asia")

    def test_a_filter_of_the_admin_counts_as_well(self, lena: Client) -> None:
        make_account("Kestrel Foods")
        make_account("Blue Harbour")
        rows = rows_of(lena.get(reverse("admin:crm_account_changelist"), {"q": "Kestrel", "as": "csv"}))
        assert [row["Name"] for row in rows] == ["Kestrel Foods"]

    def test_a_look_whether_it_is_there_exports_nothing(self, lena: Client) -> None:
        lena.head(reverse("advocates:advocates"), {"as": "csv"})
        assert not Export.objects.exists()

    def test_csv_tells_excel_its_encoding_and_xlsx_keeps_numbers_and_days(self, lena: Client) -> None:
        make_account("Müller & Söhne", employees=900, renewal_on="2027-03-01")
        assert text_of(lena.get(reverse("admin:crm_account_changelist"), {"as": "csv"})).startswith("\ufeff")
        head, row = sheet_of(lena.get(reverse("admin:crm_account_changelist"), {"as": "xlsx"}))
        said = dict(zip(head, row, strict=True))
        assert (said["Name"], said["Employees"], said["Renewal"].isoformat()[:10]) == (
            "Müller & Söhne", 900, "2027-03-01",
        )  # fmt: skip

    def test_no_cell_runs_as_a_formula(self, lena: Client) -> None:
        make_account('=HYPERLINK("http://evil.test")')
        make_account("\x02 odd")
        (row, _odd) = rows_of(lena.get(reverse("admin:crm_account_changelist"), {"as": "csv", "o": "1"}))
        assert row["Name"].startswith("'=")
        answer = lena.get(reverse("admin:crm_account_changelist"), {"as": "xlsx"})
        cells = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).worksheets[0]
        assert {cell.data_type for cell in cells["B"]} == {"s"}

    def test_ten_thousand_rows_cost_the_queries_of_ten(self, lena: Client, queries_of: Any) -> None:
        fetch = partial(lena.get, reverse("admin:crm_account_changelist"), {"as": "csv"})

        def read() -> Any:
            answer = fetch()
            assert len(b"".join(answer.streaming_content)) > 0
            return answer

        for number in range(10):
            make_account(f"Account {number}")
        few = queries_of(read)
        one = make_account("The model of all")
        model = type(one)
        model.objects.bulk_create(
            model(source="crm", external_id=f"B-{number}", name=f"Many {number}") for number in range(10_000)
        )
        assert queries_of(read) == few
        assert Export.objects.latest("pk").rows == 10_011

    def test_more_than_excel_is_asked_to_hold_is_refused_with_a_way_on(
        self, lena: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(export, "MOST_IN_EXCEL", 1)
        make_advocate("Ines")
        make_advocate("Omar")
        answer = lena.get(reverse("advocates:advocates"), {"as": "xlsx", "status": "all"}, follow=True)
        assert "Take CSV, or filter the list" in answer.content.decode()
        assert not Export.objects.exists()


class TestWhoMay:
    def test_requesters_take_their_own_requests_along(self, client: Client) -> None:
        sam = make_user("Sam", Role.REQUESTER)
        make_request(sam, prospect="Kestrel Foods")
        make_request(make_user("Tom", Role.REQUESTER), prospect="Blue Harbour")
        client.force_login(sam)
        rows = rows_of(client.get(reverse("opportunities:requests"), {"as": "csv"}))
        assert [row["Prospect company"] for row in rows] == ["Kestrel Foods"]
        queue = reverse("admin:opportunities_referencerequest_changelist")
        assert client.get(queue, {"as": "csv"}).status_code in (302, 403)

    def test_the_desk_takes_all_requests_along(self, client: Client) -> None:
        make_request(make_user("Sam", Role.REQUESTER), prospect="Kestrel Foods")
        signed_in(client, "Rita", Role.MANAGER)
        queue = reverse("admin:opportunities_referencerequest_changelist")
        assert [row["Requester"] for row in rows_of(client.get(queue, {"as": "csv"}))] == ["Sam"]

    def test_addresses_go_to_those_who_see_contacts_only(self, client: Client) -> None:
        make_advocate("Ines")
        signed_in(client, "Mo", Role.MODERATOR)
        (row,) = rows_of(client.get(reverse("advocates:advocates"), {"as": "csv"}))
        assert "E-mail" not in row
        signed_in(client, "Lena", Role.LEAD)
        (row,) = rows_of(client.get(reverse("advocates:advocates"), {"as": "csv"}))
        assert "@" in row["E-mail"]

    @pytest.mark.parametrize("name", LISTS)
    def test_advocates_take_no_list_along(self, client: Client, name: str) -> None:
        ines = make_advocate("Ines")
        user = make_user("Ines", Role.ADVOCATE)
        Advocate.objects.filter(pk=ines.pk).update(user=user)
        client.force_login(user)
        assert client.get(reverse(name), {"as": "csv"}).status_code in (302, 403)
        assert not Export.objects.exists()


class TestTheNote:
    def test_it_is_never_deleted(self) -> None:
        note = Export.objects.create(what="advocates", kind="csv", rows=1, at=timezone.now())
        with pytest.raises(DatabaseError), transaction.atomic():
            note.delete()

    def test_leads_read_it(self, lena: Client) -> None:
        make_contact("Ines")
        text_of(lena.get(reverse("admin:crm_contact_changelist"), {"as": "csv"}))
        page = lena.get(reverse("admin:lib_export_changelist")).content.decode()
        assert "contacts" in page
        assert "Lena" in page

    def test_the_rows_behind_a_figure_are_noted_too(self, lena: Client) -> None:
        text_of(lena.get(reverse("dashboards:export", args=["requests"])))
        assert Export.objects.get().what == "requests"
