"""P26, X11: a long list is written by a worker with the rights of whoever asked; it can be left, cancelled, resumed."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from openpyxl import load_workbook  # type: ignore[import-untyped]

from advocacy.crm.models import Account
from advocacy.lib import export
from advocacy.lib.models import Export, LongExport
from advocacy.users import exporting, jobs
from advocacy.users.models import Role, RoleGrant, User
from tests.factories import make_account, make_advocate, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def three_at_once(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Iterator[None]:
    """Three rows come at once; more are a worker's."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(export, "AT_ONCE", {"csv": 3, "xlsx": 3})
    monkeypatch.setattr(exporting, "nudge", lambda *_a: None)
    yield


@pytest.fixture
def rita(client: Client) -> User:
    rita = make_user("Rita Morgan", Role.MANAGER)
    client.force_login(rita)
    return rita


def accounts(number: int, region: str = "Europe") -> None:
    Account.objects.bulk_create(
        Account(source="crm", external_id=f"{region}-{n}", name=f"{region} {n:05}", region=region)
        for n in range(number)
    )


def ask(client: Client, kind: str = "csv", **asked: str) -> LongExport:
    answer = client.get("/customers/", {"as": kind, **asked})
    assert answer.status_code == 302
    made = LongExport.objects.get(public_id=answer["Location"].split("/")[-2])
    assert answer["Location"] == f"/views/exports/{made.public_id}/"
    return made


def lines(answer: Any) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def fetch(client: Client, made: LongExport) -> Any:
    return client.get(f"/views/exports/{made.public_id}/file/")


class TestTheCourse:
    def test_a_short_list_comes_at_once(self, client: Client, rita: User) -> None:
        accounts(3)
        assert len(lines(client.get("/customers/", {"as": "csv"}))) == 4
        assert not LongExport.objects.exists()

    @pytest.mark.parametrize("kind", ["csv", "xlsx"])
    def test_a_long_one_is_written_as_filtered_and_fetched(self, client: Client, rita: User, kind: str) -> None:
        accounts(5)
        accounts(4, "Asia")
        made = ask(client, kind, region="Asia", after="")
        assert "About" not in client.get(f"/views/exports/{made.public_id}/").content.decode()
        exporting.carry_out(made.pk)
        made.refresh_from_db()
        assert (made.status, made.rows) == ("done", 4)
        page = client.get(f"/views/exports/{made.public_id}/").content.decode()
        assert f"/views/exports/{made.public_id}/file/" in page
        answer = fetch(client, made)
        assert answer["Content-Disposition"].endswith(f'.{kind}"')
        if kind == "csv":
            found = [row[1] for row in lines(answer)[1:]]
        else:
            sheet = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
            found = [row[1].value for row in list(sheet.rows)[1:]]
        assert found == ["Asia 00000", "Asia 00001", "Asia 00002", "Asia 00003"]

    def test_a_list_of_the_admin_goes_the_same_way(self, client: Client) -> None:
        client.force_login(make_user("Ada Wells", Role.ADMINISTRATOR))
        accounts(5)
        answer = client.get("/admin/crm/account/", {"as": "csv", "q": "Europe"})
        made = LongExport.objects.get(public_id=answer["Location"].split("/")[-2])
        exporting.carry_out(made.pk)
        assert len(lines(fetch(client, made))) == 6

    def test_a_double_click_is_one_export(self, client: Client, rita: User) -> None:
        accounts(5)
        assert ask(client, region="Europe") == ask(client, region="Europe")
        assert ask(client, "xlsx", region="Europe") != ask(client, region="Europe")

    def test_it_says_how_far_it_is_and_stops_when_cancelled(
        self, client: Client, rita: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        accounts(9)
        made = ask(client)
        monkeypatch.setattr(export, "CHUNK", 3)
        monkeypatch.setattr(exporting, "BEAT_EVERY", 0.0)
        seen = []
        before = exporting._mine

        def looked(wanted: LongExport) -> Any:
            found = LongExport.objects.get(pk=made.pk)
            seen.append(found.rows)
            if found.rows == 3:
                client.post(f"/views/exports/{made.public_id}/cancel/")
            return before(wanted)

        monkeypatch.setattr(exporting, "_mine", looked)
        exporting.carry_out(made.pk)
        made.refresh_from_db()
        assert (made.status, made.stored_as, seen) == ("cancelled", "", [0, 0, 3])
        assert client.post(f"/views/exports/{made.public_id}/cancel/", follow=True).status_code == 200

    def test_again_is_the_list_as_it_is_now(self, client: Client, rita: User) -> None:
        accounts(4)
        made = ask(client)
        exporting.carry_out(made.pk)
        make_account("Zebra Foods")
        client.post(f"/views/exports/{made.public_id}/again/")
        second = LongExport.objects.exclude(pk=made.pk).get()
        exporting.carry_out(second.pk)
        assert len(lines(fetch(client, second))) == 6

    def test_who_took_what_is_noted(self, client: Client, rita: User) -> None:
        accounts(5)
        exporting.carry_out(ask(client).pk)
        assert (Export.objects.get().by, Export.objects.get().rows) == (rita, 5)


class TestRights:
    def test_a_role_taken_meanwhile_gets_nothing_written(self, client: Client, rita: User) -> None:
        accounts(5)
        made = ask(client)
        RoleGrant.objects.filter(user=rita).delete()
        exporting.carry_out(made.pk)
        made.refresh_from_db()
        assert (made.status, made.stored_as) == ("failed", "")
        assert "not open to you any more" in made.error

    def test_nor_fetched(self, client: Client, rita: User) -> None:
        accounts(5)
        made = ask(client)
        exporting.carry_out(made.pk)
        RoleGrant.objects.filter(user=rita).update(role=Role.READER)
        assert fetch(client, made).status_code == 403

    def test_others_see_nothing_of_it(self, client: Client, rita: User) -> None:
        accounts(5)
        made = ask(client)
        exporting.carry_out(made.pk)
        client.force_login(make_user("Lena Fischer", Role.LEAD))
        for path in ("", "file/"):
            assert client.get(f"/views/exports/{made.public_id}/{path}").status_code == 404
        assert client.post(f"/views/exports/{made.public_id}/cancel/").status_code == 404
        assert "No exports" in client.get("/views/exports/").content.decode()


class TestWhatGoesWrong:
    def test_a_killed_worker_is_followed_by_another_and_each_row_is_there_once(
        self, client: Client, rita: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        accounts(9)
        made = ask(client)
        now = timezone.now()
        LongExport.objects.filter(pk=made.pk).update(status="running", attempt=1, alive_at=now, rows=4)
        exporting.carry_out(made.pk, at=now + timedelta(seconds=30))
        made.refresh_from_db()
        assert (made.status, made.attempt) == ("running", 1), "somebody is at it"
        taken: list[int] = []
        monkeypatch.setattr(jobs, "nudge", lambda _task, pk: taken.append(pk))
        jobs.take_up_exports(at=now + timedelta(seconds=61))
        assert taken == [made.pk]
        exporting.carry_out(made.pk, at=now + timedelta(seconds=61))
        found = [row[0] for row in lines(fetch(client, made))[1:]]
        assert found == sorted(set(found))
        assert len(found) == 9

    def test_a_slow_worker_that_was_followed_keeps_its_hands_off(self, client: Client, rita: User) -> None:
        accounts(5)
        made = ask(client)
        exporting.carry_out(made.pk)
        slow = LongExport.objects.get(pk=made.pk)
        slow.attempt -= 1
        assert exporting._end(slow, "failed", error="late") is False
        made.refresh_from_db()
        assert made.status == "done"

    def test_what_never_ends_is_given_up(self, client: Client, rita: User) -> None:
        accounts(5)
        made = ask(client)
        old = timezone.now() - timedelta(hours=1)
        LongExport.objects.filter(pk=made.pk).update(status="running", attempt=exporting.TRIES, alive_at=old)
        exporting.carry_out(made.pk)
        made.refresh_from_db()
        assert made.status == "failed"

    def test_a_mistake_of_ours_is_said_and_not_left_running(
        self, client: Client, rita: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        accounts(5)
        made = ask(client)
        monkeypatch.setattr(export, "write", lambda *_a: 1 / 0)
        exporting.carry_out(made.pk)
        assert "Make it again" in client.get(f"/views/exports/{made.public_id}/").content.decode()

    def test_files_go_after_a_day(self, client: Client, rita: User) -> None:
        accounts(5)
        made = ask(client)
        exporting.carry_out(made.pk)
        made.refresh_from_db()
        jobs.forget_exports(at=timezone.now() + timedelta(hours=23))
        assert default_storage.exists(made.stored_as)
        jobs.forget_exports(at=timezone.now() + timedelta(hours=25))
        assert not default_storage.exists(made.stored_as)
        answer = client.get(f"/views/exports/{made.public_id}/file/", follow=True)
        assert "Make it again" in answer.content.decode()


class TestCost:
    def test_no_query_grows_with_the_list(self, client: Client, rita: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(exporting, "BEAT_EVERY", 3600.0)

        def cost() -> int:
            made = ask(client)
            with CaptureQueriesContext(connection) as captured:
                exporting.carry_out(made.pk)
            return len(captured)

        accounts(5)
        few = cost()
        accounts(400, "Asia")
        assert cost() == few


class TestWhatIsLeftBehind:
    def test_a_file_whose_worker_was_killed_before_it_said_so_goes_after_a_day(
        self, client: Client, rita: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Killed(BaseException):
            pass

        def die(*_a: Any, **_k: Any) -> bool:
            raise Killed

        accounts(5)
        made = ask(client)
        with monkeypatch.context() as while_it_lives, pytest.raises(Killed):
            while_it_lives.setattr(exporting, "_end", die)
            exporting.carry_out(made.pk)
        exporting.carry_out(made.pk, at=timezone.now() + timedelta(minutes=2))
        made.refresh_from_db()
        assert len(default_storage.listdir("exports")[1]) == 2
        jobs.forget_exports(at=timezone.now() + timedelta(hours=23))
        assert len(default_storage.listdir("exports")[1]) == 2, "a worker may just be writing it"
        jobs.forget_exports(at=timezone.now() + timedelta(hours=25))
        assert default_storage.listdir("exports")[1] == []
        assert Export.objects.count() == 1, "taken once, noted once"

    def test_a_file_goes_with_whoever_asked_for_it(self, client: Client, rita: User) -> None:
        accounts(5)
        exporting.carry_out(ask(client).pk)
        LongExport.objects.all().delete()
        jobs.forget_exports(at=timezone.now() + timedelta(hours=25))
        assert default_storage.listdir("exports")[1] == []

    def test_it_is_not_handed_out_after_the_moment_the_page_names(self, client: Client, rita: User) -> None:
        accounts(5)
        made = ask(client)
        exporting.carry_out(made.pk)
        LongExport.objects.filter(pk=made.pk).update(finished_at=timezone.now() - timedelta(hours=24, minutes=1))
        assert fetch(client, made).status_code == 302

    def test_before_anything_was_written_there_is_nothing_to_forget(self) -> None:
        jobs.forget_exports(at=timezone.now())

    def test_a_filter_too_long_to_note_is_refused_with_a_way_on(self, client: Client, rita: User) -> None:
        accounts(5)
        answer = client.get("/customers/", {"as": "csv", "q": "x" * 3_000}, follow=True)
        assert answer.status_code == 200
        answer = client.get("/customers/", {"as": "csv", "odd": "x" * 3_000}, follow=True)
        assert "Take some of it away" in answer.content.decode()
        assert not LongExport.objects.exists()

    def test_a_list_that_outgrew_excel_while_it_waited_says_so(
        self, client: Client, rita: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        accounts(5)
        made = ask(client, "xlsx")
        monkeypatch.setattr(export, "MOST_IN_EXCEL", 4)
        exporting.carry_out(made.pk)
        made.refresh_from_db()
        assert "Take CSV, or filter the list" in made.error


class TestAFileOfMoreThanOneMaySeeNow:
    @pytest.mark.parametrize("path", ["/admin/crm/contact/", "/advocates/"])
    def test_who_loses_the_right_to_its_rows_or_columns_loses_the_file(self, client: Client, path: str) -> None:
        """Moderators enter the admin and see advocates, but no contacts and no addresses."""
        lena = make_user("Lena Fischer", Role.LEAD)
        client.force_login(lena)
        for name in ("Ines", "Omar", "Mei", "Kim"):
            make_advocate(name)
        answer = client.get(path, {"as": "csv"} | ({"status": "all"} if path == "/advocates/" else {}))
        made = LongExport.objects.get(public_id=answer["Location"].split("/")[-2])
        exporting.carry_out(made.pk)
        assert "@" in str(lines(fetch(client, made)))
        RoleGrant.objects.filter(user=lena).update(role=Role.MODERATOR)
        assert fetch(client, made).status_code == 403

    def test_who_gains_a_role_keeps_it(self, client: Client, rita: User) -> None:
        accounts(5)
        made = ask(client)
        exporting.carry_out(made.pk)
        RoleGrant.objects.create(user=rita, role=Role.LEAD)
        assert fetch(client, made).status_code == 200
