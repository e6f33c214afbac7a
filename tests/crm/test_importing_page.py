"""The imports page: upload, columns, preview, try, load, progress, results row by row, refused rows back again."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import jobs
from advocacy.crm.importing import loading, runs
from advocacy.crm.models import Account, ImportRow, ImportRun, SavedMap, Signal
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role
from tests.factories import make_account, make_user

pytestmark = pytest.mark.django_db

FILE = "account_id,name,employees,renewal_date\nA-1,Kestrel Foods,900,27/03/2026\nA-2,,many,01/04/2026\n"


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(make_user("Lena", Role.LEAD))
    return client


def upload(client: Client, content: str | bytes = FILE, *, kind: str = "accounts", map: str = "") -> ImportRun:
    data: dict[str, Any] = {
        "kind": kind,
        "file": SimpleUploadedFile("accounts.csv", content.encode() if isinstance(content, str) else content),
    }
    if map:
        data["map"] = SimpleUploadedFile("map.toml", map.encode())
    answer = client.post(reverse("imports:list"), data)
    assert answer.status_code == 302, answer.content.decode()
    return ImportRun.objects.latest("pk")


def choose(client: Client, run: ImportRun, then: str, **columns: str) -> Any:
    fields = {"external_id": "account_id", "name": "name", "employees": "employees", "renewal_on": "renewal_date"}
    return client.post(reverse("imports:run", args=[run.pk]), filled(run, {**fields, **columns}) | {"then": then})


def filled(run: ImportRun, fields: dict[str, str]) -> dict[str, str]:
    """The form as somebody fills it: for each column of the file the field it feeds."""
    run.refresh_from_db()
    header = list(dict.fromkeys(run.report["found"]["header"]))
    return {f"c{header.index(column)}": name for name, column in fields.items() if column in header} | {"source": "crm"}


def finish(run: ImportRun) -> ImportRun:
    runs.carry_out(run.pk)
    run.refresh_from_db()
    return run


class TestFromUploadToResult:
    def test_the_whole_way(self, lead: Client) -> None:
        run = upload(lead)
        page = lead.get(reverse("imports:run", args=[run.pk])).content.decode()
        assert "UTF-8" in page
        assert "2026-03-27" in page  # as it would be understood
        assert "“many” is not a number" in page
        assert Account.objects.count() == 0

        choose(lead, run, "try")
        run.refresh_from_db()
        assert (run.status, run.dry_run) == ("queued", True)
        assert "Waiting for its turn" in lead.get(reverse("imports:run", args=[run.pk])).content.decode()
        finish(run)
        assert (run.status, run.created, run.rejected) == ("done", 1, 1)
        assert Account.objects.count() == 0
        page = lead.get(reverse("imports:run", args=[run.pk])).content.decode()
        assert "Nothing was written" in page

        lead.post(reverse("imports:start", args=[run.pk]), {"then": "load"})
        loaded = finish(ImportRun.objects.latest("pk"))
        assert loaded.pk != run.pk
        assert (loaded.status, loaded.dry_run, loaded.created) == ("done", False, 1)
        assert Account.objects.get().name == "Kestrel Foods"
        tried = lead.get(reverse("imports:run", args=[run.pk])).content.decode()
        assert "Load it now" not in tried
        assert f"import {loaded.pk}</a>" in tried

    def test_the_preview_shows_which_rows_would_be_refused(self, lead: Client) -> None:
        good = "".join(f"A-{number},Kestrel {number},9,27/03/2026\n" for number in range(10, 40))
        run = upload(lead, "\ufeffaccount_id,name,employees,renewal_date\n" + good + "A-2,,many,01/04/2026\n")
        page = lead.get(reverse("imports:run", args=[run.pk])).content.decode()
        assert "1 of the first 31 rows would be refused" in page
        assert "“many” is not a number" in page
        assert "Kestrel 30" not in page
        assert "columns parted by commas" in page
        assert "UTF-8-SIG" not in page

    def test_results_are_filtered_by_the_address(self, lead: Client) -> None:
        run = upload(lead)
        choose(lead, run, "load")
        finish(run)
        address = reverse("imports:run", args=[run.pk])
        refused = lead.get(address, {"result": "rejected"}).content.decode()
        assert "A-2" in refused
        assert "A-1<" not in refused
        assert "Name is empty" in refused
        found = lead.get(address, {"q": "A-1"}).content.decode()
        assert "A-2<" not in found
        assert lead.get(address, {"result": "nonsense", "after": "%%", "q": "\x00"}).status_code == 200

    def test_refused_rows_are_mended_and_come_back_with_their_columns_known(self, lead: Client) -> None:
        run = upload(lead, FILE.replace("name", "Firma").replace("account_id", "Nr"))
        choose(lead, run, "load", external_id="Nr", name="Firma")
        finish(run)
        answer = lead.get(reverse("imports:rejects", args=[run.pk]))
        assert "attachment" in answer["Content-Disposition"]
        said = b"".join(answer.streaming_content).decode("utf-8-sig")
        row = next(csv.DictReader(io.StringIO(said)))
        assert row["Nr"] == "A-2"
        mended = said.replace("A-2,,many", "A-2,Blue Harbour,40")
        again = upload(lead, mended)
        assert again.map["fields"]["name"] == "Firma"
        choose(lead, again, "load", external_id="Nr", name="Firma")
        finish(again)
        assert (again.created, again.rejected) == (1, 0)
        # 01/04/2026 alone does not show its order; that it was read day first is remembered.
        assert Account.objects.get(external_id="A-2").renewal_on.isoformat() == "2026-04-01"

    def test_a_map_can_be_brought_along(self, lead: Client) -> None:
        map_ = 'source = "erp"\n[fields]\nexternal_id = "account_id"\nname = { template = "{name} ({account_id})" }\n'
        run = upload(lead, map=map_)
        page = lead.get(reverse("imports:run", args=[run.pk])).content.decode()
        assert "a map of its own" in page
        lead.post(reverse("imports:run", args=[run.pk]), {"source": "erp", "then": "load"})
        finish(run)
        assert (Account.objects.get().source, Account.objects.get().name) == ("erp", "Kestrel Foods (A-1)")

    def test_the_preview_follows_the_choice_of_columns(self, lead: Client) -> None:
        run = upload(lead)
        data = filled(run, {"external_id": "account_id"}) | {"then": ""}
        answer = lead.post(reverse("imports:run", args=[run.pk]), data, headers={"HX-Request": "true"})
        assert answer.status_code == 200
        assert "<html" not in answer.content.decode()
        assert "No column of the file feeds" in answer.content.decode()

    def test_what_cannot_be_read_is_said_on_the_form(self, lead: Client) -> None:
        for content, said in ((b"PK\x03\x04zip", "spreadsheet"), (b"\n\n\n", "no header")):
            data = {"kind": "accounts", "file": SimpleUploadedFile("a.csv", content)}
            answer = lead.post(reverse("imports:list"), data)
            assert answer.status_code == 422
            assert said in answer.content.decode()
        bad_map = SimpleUploadedFile("m.toml", b"[fields]\nnope = 'x'")
        data = {"kind": "accounts", "file": SimpleUploadedFile("a.csv", FILE.encode()), "map": bad_map}
        assert "no field “nope”" in lead.post(reverse("imports:list"), data).content.decode()
        assert not ImportRun.objects.exists()
        folder = Path(default_storage.path("imports"))
        assert not folder.exists() or not any(folder.iterdir())

    def test_a_name_from_outside_is_text(self, lead: Client) -> None:
        run = upload(lead, "account_id,name\n<b>x</b>,<script>alert(1)</script>\n")
        choose(lead, run, "load")
        finish(run)
        for address in (reverse("imports:run", args=[run.pk]), reverse("imports:list")):
            assert "<script>alert" not in lead.get(address).content.decode()


class TestTheColumnsOfAFile:
    def test_each_column_stands_with_an_example_and_what_it_is_taken_for(self, lead: Client) -> None:
        run = upload(lead, "account_id,Firma,employees,renewal_date\nA-1,Kestrel Foods,900,27/03/2026\n")
        page = lead.get(reverse("imports:run", args=[run.pk])).content.decode()
        assert ">Firma</label>" in page
        assert "Kestrel Foods" in page
        assert '<option value="employees" selected>' in page
        assert "name is needed" in page
        choose(lead, run, "check", name="Firma")
        assert "name is needed" not in lead.get(reverse("imports:run", args=[run.pk])).content.decode()

    def test_what_was_found_out_is_said_with_its_reason(self, lead: Client) -> None:
        page = lead.get(reverse("imports:run", args=[upload(lead).pk])).content.decode()
        assert "“renewal_date”: day first, because of 27/03/2026" in page
        assert "as found: UTF-8" in page
        assert "as found: comma" in page

    def test_dates_that_could_be_either_are_asked_for(self, lead: Client) -> None:
        run = upload(lead, FILE.replace("27/03/2026", "02/03/2026"))
        page = lead.get(reverse("imports:run", args=[run.pk])).content.decode()
        assert "“renewal_date”: day first, but 02/03/2026 could be either" in page
        assert "Choose the order under “Dates”" in page
        fields = {"external_id": "account_id", "name": "name", "renewal_on": "renewal_date"}
        lead.post(
            reverse("imports:run", args=[run.pk]), filled(run, fields) | {"dates": "month-first", "then": "check"}
        )
        page = lead.get(reverse("imports:run", args=[run.pk])).content.decode()
        assert "“renewal_date”: month first, as chosen" in page
        assert "2026-02-03" in page

    def test_two_columns_for_one_field_are_refused_and_nothing_chosen_is_lost(self, lead: Client) -> None:
        run = upload(lead, "account_id,name,employees,renewal_date\nA-1,Kestrel Foods,900,27/03/2026\n")
        data = {"c0": "external_id", "c1": "name", "c2": "name", "source": "crm", "then": "load"}
        answer = lead.post(reverse("imports:run", args=[run.pk]), data)
        assert answer.status_code == 422
        page = answer.content.decode()
        assert "“name” and “employees” both feed" in page
        assert page.count('<option value="name" selected>') == 2
        run.refresh_from_db()
        assert run.status == "uploaded"

    def test_another_delimiter_cuts_the_columns_anew(self, lead: Client) -> None:
        run = upload(lead, "account_id;name, city\nA-1;Kestrel Foods, Bern\n")
        lead.post(reverse("imports:run", args=[run.pk]), filled(run, {}) | {"delimiter": ",", "then": "check"})
        page = lead.get(reverse("imports:run", args=[run.pk])).content.decode()
        assert ">account_id;name</label>" in page
        back = {"source": "crm", "delimiter": ";", "then": ""}
        answer = lead.post(reverse("imports:run", args=[run.pk]), back, headers={"HX-Request": "true"})
        assert answer["HX-Redirect"] == reverse("imports:run", args=[run.pk])
        assert ">name, city</label>" in lead.get(answer["HX-Redirect"]).content.decode()

    def test_an_account_can_be_found_by_the_domain_of_an_address(self, lead: Client) -> None:
        run = upload(lead, "mail,first_name,last_name\nines@kestrel.test,Ines,Barbosa\n", kind="contacts")
        lead.post(
            reverse("imports:run", args=[run.pk]),
            {"c0": "account:domain", "c1": "given_name", "c2": "family_name", "source": "crm", "then": "check"},
        )
        run.refresh_from_db()
        assert run.map["fields"]["account"] == {"column": "mail", "through": "domain"}
        page = lead.get(reverse("imports:run", args=[run.pk])).content.decode()
        assert '<option value="account:domain" selected>' in page


class TestKeptMaps:
    OTHER = "Nr,Firma\nA-1,Kestrel Foods\n"

    def keep(self, lead: Client, name: str = "Accounts from the ERP") -> ImportRun:
        run = upload(lead, self.OTHER)
        fields = filled(run, {"external_id": "Nr", "name": "Firma"})
        lead.post(reverse("imports:run", args=[run.pk]), fields | {"source": "erp", "name": name, "then": "keep"})
        return run

    def test_the_next_file_with_the_same_columns_is_read_like_it(self, lead: Client) -> None:
        self.keep(lead)
        again = upload(lead, "Firma,Nr\nBlue Harbour,A-2\n")
        assert again.map["fields"] == {"external_id": "Nr", "name": "Firma"}
        assert again.map["source"] == "erp"
        page = lead.get(reverse("imports:run", args=[again.pk])).content.decode()
        assert "Read as “Accounts from the ERP”" in page

    def test_a_file_with_other_columns_may_choose_it_and_go_back(self, lead: Client) -> None:
        self.keep(lead)
        run = upload(lead, "Nr,Firma,name,account_id\nA-2,Blue,Blue Harbour,B-2\n")
        assert run.map["fields"]["name"] == "name"
        kept = SavedMap.objects.get()
        address = reverse("imports:run", args=[run.pk])
        lead.post(address, {"then": "use", "saved": str(kept.pk)})
        run.refresh_from_db()
        assert run.map["fields"]["name"] == "Firma"
        lead.post(address, {"then": "use", "saved": ""})
        run.refresh_from_db()
        assert run.map["fields"]["name"] == "name"

    def test_the_same_name_again_replaces_it(self, lead: Client) -> None:
        self.keep(lead)
        self.keep(lead)
        assert SavedMap.objects.count() == 1

    def test_it_needs_a_name(self, lead: Client) -> None:
        run = upload(lead)
        answer = choose(lead, run, "keep")
        assert answer.status_code == 422
        assert "Give the map a name" in answer.content.decode()

    def test_it_can_be_forgotten_and_a_second_time_says_so(self, lead: Client) -> None:
        run = self.keep(lead)
        kept = SavedMap.objects.get()
        assert "Accounts from the ERP" in lead.get(reverse("imports:list")).content.decode()
        lead.post(reverse("imports:forget_map", args=[kept.pk]))
        assert not SavedMap.objects.exists()
        page = lead.post(reverse("imports:forget_map", args=[kept.pk]), follow=True).content.decode()
        assert "This map is no longer kept" in page
        page = lead.post(reverse("imports:run", args=[run.pk]), {"then": "use", "saved": str(kept.pk)}, follow=True)
        assert "This map is no longer kept" in page.content.decode()

    def test_only_those_who_import_touch_it(self, client: Client, lead: Client) -> None:
        self.keep(lead)
        client.force_login(make_user("Sam", Role.REQUESTER))
        assert client.post(reverse("imports:forget_map", args=[SavedMap.objects.get().pk])).status_code == 403


class TestRowsThatTellSeveralThings:
    TICKETS = (
        "Ticket ID,account_id,Opened,Closed,Escalated,CSAT\n"
        "T-1,A-1,2026-03-01,2026-03-04,Yes,4\nT-2,A-1,2026-03-02,,no,\nT-3,A-1,2026-03-05,,yes,\n"
    )

    def test_tickets_become_escalations_opened_closed_and_answers_by_a_choice_on_the_page(self, lead: Client) -> None:
        make_account("Kestrel Foods", external_id="A-1", source="crm")
        run = upload(lead, self.TICKETS, kind="signals")
        address = reverse("imports:run", args=[run.pk])
        assert (
            "look like support tickets: escalation opened, closed, satisfaction" in lead.get(address).content.decode()
        )
        page = lead.post(address, {"then": "use", "saved": "recipe:tickets"}, follow=True).content.decode()
        assert "Record 3 of a row" in page and "T-1:csat" in page
        lead.post(address, {"then": "load", "source": "crm"})
        run = finish(run)
        assert (run.status, run.rejected) == ("done", 0)
        assert set(Signal.objects.values_list("external_id", "kind")) == {
            ("T-1:opened", "escalation_opened"), ("T-1:closed", "escalation_closed"), ("T-1:csat", "csat"),
            ("T-3:opened", "escalation_opened"),
        }  # fmt: skip

    def test_it_is_offered_only_where_the_columns_fit(self, lead: Client) -> None:
        run = upload(lead)
        address = reverse("imports:run", args=[run.pk])
        assert "support tickets" not in lead.get(address).content.decode()
        page = lead.post(address, {"then": "use", "saved": "recipe:tickets"}, follow=True).content.decode()
        assert "The columns of this file do not fit that" in page

    def test_the_columns_can_be_guessed_again_afterwards(self, lead: Client) -> None:
        run = upload(lead, self.TICKETS, kind="signals")
        address = reverse("imports:run", args=[run.pk])
        lead.post(address, {"then": "use", "saved": "recipe:tickets"})
        lead.post(address, {"then": "use", "saved": ""})
        run.refresh_from_db()
        assert "records" not in run.map


class TestItsCourse:
    def test_cancelling_twice_or_after_the_end_is_said(self, lead: Client) -> None:
        run = upload(lead)
        choose(lead, run, "load")
        address = reverse("imports:cancel", args=[run.pk])
        assert "nothing of it was written" in lead.post(address, follow=True).content.decode()
        assert "already over" in lead.post(address, follow=True).content.decode()
        assert runs.carry_out(run.pk) is None
        assert not Account.objects.exists()

    def test_cancelling_before_it_begins(self, lead: Client) -> None:
        run = upload(lead)
        choose(lead, run, "load")
        lead.post(reverse("imports:cancel", args=[run.pk]))
        assert finish(run).status == "cancelled"
        assert Account.objects.count() == 0
        assert "nothing of it was written" in lead.get(reverse("imports:run", args=[run.pk])).content.decode()

    def test_a_started_import_is_not_started_again(self, lead: Client) -> None:
        run = upload(lead)
        choose(lead, run, "load")
        lead.post(reverse("imports:start", args=[run.pk]), {"then": "load"})
        assert ImportRun.objects.count() == 1
        finish(run)
        with pytest.raises(Refused):
            runs.cancel(run, at=timezone.now())
        assert runs.carry_out(run.pk) is None

    def test_the_clock_begins_what_no_nudge_reached(self, lead: Client) -> None:
        run = upload(lead)
        choose(lead, run, "load")
        jobs.carry_out_waiting_imports(at=timezone.now())
        run.refresh_from_db()
        assert run.status == "done"

    def test_the_watching_page_goes_on_to_the_results(self, lead: Client) -> None:
        run = upload(lead)
        choose(lead, run, "load")
        address = reverse("imports:run", args=[run.pk])
        watching = lead.get(address, {"watch": "1"}, headers={"HX-Request": "true"})
        assert "every 1s" in watching.content.decode()
        finish(run)
        assert lead.get(address, {"watch": "1"}, headers={"HX-Request": "true"})["HX-Redirect"] == address

    def test_a_file_that_is_gone_is_said(self, lead: Client) -> None:
        run = upload(lead)
        default_storage.delete(run.stored_as)
        assert "no longer kept" in lead.get(reverse("imports:run", args=[run.pk])).content.decode()
        choose(lead, run, "load")
        run.refresh_from_db()
        assert run.status == "uploaded"

    def test_files_and_refused_rows_are_forgotten_in_time(self, lead: Client) -> None:
        run = upload(lead)
        choose(lead, run, "load")
        finish(run)
        stored = run.stored_as
        runs.forget(at=timezone.now() + timedelta(days=6))
        assert default_storage.exists(stored)
        runs.forget(at=timezone.now() + timedelta(days=8))
        assert not default_storage.exists(stored)
        assert ImportRow.objects.filter(run=run).exists()
        runs.forget(at=timezone.now() + timedelta(days=91))
        assert not ImportRow.objects.filter(run=run).exists()


@pytest.mark.django_db(transaction=True)
class TestProgressOnASecondConnection:
    @pytest.fixture
    def queued(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[ImportRun]:
        monkeypatch.setattr(loading, "BATCH", 10)
        monkeypatch.setattr(runs, "BEAT_EVERY", 0)
        rows = "".join(f"A-{number},Company {number}\n" for number in range(100))
        stored = default_storage.save("imports/x.csv", io.BytesIO(f"account_id,name\n{rows}".encode()))
        fields = {"external_id": "account_id", "name": "name"}
        yield ImportRun.objects.create(
            kind="accounts", file_name="x.csv", stored_as=stored, status="queued", map={"fields": fields}
        )
        default_storage.delete(stored)

    @pytest.fixture
    def beside(self) -> Iterator[Callable[[str], list[Any]]]:
        """Somebody else's eyes and hands: a connection of their own."""
        other = connection.copy()

        def ask(statement: str) -> list[Any]:
            with other.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()

        yield ask
        other.close()

    def test_others_see_how_far_it_is_and_nothing_half_written(
        self, queued: ImportRun, beside: Callable[[str], list[Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[Any] = []
        beat = runs._Progress.beat

        def watched(self: Any, phase: str, rows: int) -> None:
            beat(self, phase, rows)
            seen.extend(beside("SELECT phase, rows_read, rows, (SELECT count(*) FROM crm_account) FROM crm_importrun"))

        monkeypatch.setattr(runs._Progress, "beat", watched)
        runs.carry_out(queued.pk)
        assert ("reading", 10, 100, 0) in seen
        assert ("reading", 90, 100, 0) in seen
        assert ("writing", 100, 100, 0) in seen
        assert {accounts for *_rest, accounts in seen} == {0}
        assert Account.objects.count() == 100

    @pytest.mark.parametrize("at_phase", ["reading", "writing", "reporting"])
    def test_cancelled_in_the_middle_nothing_stays(
        self, queued: ImportRun, beside: Callable[[str], list[Any]], monkeypatch: pytest.MonkeyPatch, at_phase: str
    ) -> None:
        beat = runs._Progress.beat

        def cancels(self: Any, phase: str, rows: int) -> None:
            if phase == at_phase and (rows >= 50 or phase != "reading"):
                beside("UPDATE crm_importrun SET status = 'cancelled' RETURNING id")
            if phase != "reporting":  # there, only the last statement of the load can still notice
                beat(self, phase, rows)

        monkeypatch.setattr(runs._Progress, "beat", cancels)
        runs.carry_out(queued.pk)
        queued.refresh_from_db()
        assert queued.status == "cancelled"
        assert queued.finished_at is not None
        assert not Account.objects.exists()
        assert not ImportRow.objects.exists()


class TestWhoMay:
    @pytest.mark.parametrize(
        ("role", "status"),
        [(Role.LEAD, 200), (Role.MANAGER, 200), (Role.ADVOCATE, 403), (Role.REQUESTER, 403), (Role.READER, 403)],
    )
    def test_only_those_who_answer_for_the_facts(self, client: Client, role: str, status: int) -> None:
        client.force_login(make_user("Somebody", role))
        assert client.get(reverse("imports:list")).status_code == status


class TestGrowth:
    def test_the_list_and_the_rows_cost_the_same_for_many(self, lead: Client, queries_of: Any) -> None:
        run = upload(lead)
        choose(lead, run, "load")
        finish(run)
        pages = [partial(lead.get, reverse("imports:list")), partial(lead.get, reverse("imports:run", args=[run.pk]))]
        few = [queries_of(page) for page in pages]
        by = make_user("Rita")
        ImportRun.objects.bulk_create(
            ImportRun(kind="accounts", file_name=f"{number}.csv", status="done", started_by=by) for number in range(200)
        )
        ImportRow.objects.bulk_create(
            ImportRow(run=run, line=number, external_id=f"A-{number}", result="created") for number in range(200)
        )
        assert [queries_of(page) for page in pages] == few
