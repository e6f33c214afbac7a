"""``make services`` and ``make stop``: real servers, found again after any kill (X7)."""

import dataclasses
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
import redis

from advocacy.local import postgres as postgres_module
from advocacy.local.postgres import Postgres
from advocacy.local.processes import Trouble
from advocacy.local.valkey import Valkey
from tests.local.conftest import Checkout
from tests.services_plugin import FAST, new_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="Only root can become another user.")


def lines(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def query(url: str, statement: str) -> str:
    name, _mark, options = url.removeprefix("postgres:///").partition("?")
    connection = psycopg2.connect(f"postgresql:///{name}?{options}")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found = str(cursor.fetchone()[0]) if cursor.description else ""
    connection.close()
    return found


@pytest.fixture
def server() -> Iterator[Postgres]:
    made = Postgres(new_folder() / "postgres", settings={**FAST, "shared_buffers": "32MB"}, say=print)
    yield made
    made.stop()


class TestMakeServices:
    def test_prints_two_addresses_that_work_survives_itself_and_ends_by_stop(self, checkout: Checkout) -> None:
        first = checkout.run("services")
        assert first.returncode == 0, first.stderr
        addresses = lines(first.stdout)
        assert list(addresses) == ["DATABASE_URL", "REDIS_URL"]
        query(addresses["DATABASE_URL"], "CREATE TABLE kept (what text); INSERT INTO kept VALUES ('still here')")
        assert query(addresses["DATABASE_URL"], "SHOW max_connections") == "300"
        assert query(addresses["DATABASE_URL"], "SHOW listen_addresses") == ""
        assert redis.Redis.from_url(addresses["REDIS_URL"]).ping()
        unknown = re.sub(r":[^:@]+@", ":guess@", addresses["REDIS_URL"])
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(unknown).ping()
        env = checkout.place.written()
        assert {"SECRET_KEY", "ADVOCACY_MODE", "DATABASE_URL", "REDIS_URL", "EMAIL_URL"} <= set(env)
        assert len(env["SECRET_KEY"]) >= 50
        assert checkout.place.env_file.stat().st_mode & 0o077 == 0

        again = checkout.run("services")
        assert lines(again.stdout) == addresses
        assert checkout.place.written()["SECRET_KEY"] == env["SECRET_KEY"]

        assert checkout.run("stop").returncode == 0
        assert checkout.processes() == []
        assert lines(checkout.run("services").stdout)["DATABASE_URL"] == addresses["DATABASE_URL"]
        assert query(addresses["DATABASE_URL"], "SELECT what FROM kept") == "still here"

    def test_stop_where_nothing_runs_is_no_mistake(self, checkout: Checkout) -> None:
        assert checkout.run("stop").returncode == 0


class TestPostgresAfterAKill:
    def test_the_server_alone(self, server: Postgres) -> None:
        server.start()
        server.ensure_database("kept")
        psutil.Process(server.postmaster().pid).kill()
        again = Postgres(server.link, settings=server.settings)
        again.start()
        assert query(again.url("kept"), "SELECT 1") == "1"

    def test_a_stale_file_with_the_number_of_another_program(self, server: Postgres) -> None:
        server.start()
        psutil.Process(server.postmaster().pid).kill()
        stranger = subprocess.Popen(["sleep", "60"], user=server.owner.uid if server.owner.switch else None)
        for file in (server.data / "postmaster.pid", server.sockets / ".s.PGSQL.5432.lock"):
            rest = file.read_text().split("\n", 1)[1] if file.exists() else ""
            file.write_text(f"{stranger.pid}\n{rest}")
        try:
            server.start()
            assert stranger.poll() is None, "The other program must not be harmed."
        finally:
            stranger.kill()
            stranger.wait()

    def test_one_that_still_runs_is_taken_over(self, server: Postgres) -> None:
        server.start()
        before = server.postmaster()
        other = Postgres(server.link, settings=server.settings)
        other.start()
        assert other.postmaster() == before

    def test_one_whose_folder_was_deleted_does_not_hinder_the_next(self, server: Postgres) -> None:
        server.start()
        old = server.postmaster()
        shutil.rmtree(server.data)
        shutil.rmtree(server.sockets)
        server.start()
        assert not old.alive()
        assert query(server.url("postgres"), "SELECT 1") == "1"


class TestAHalfMadeFolder:
    def test_is_put_aside_and_named(self, server: Postgres, capsys: pytest.CaptureFixture[str]) -> None:
        server.data.mkdir()
        (server.data / "PG_VERSION").write_text("18\n")
        server.start()
        assert "only half set up" in capsys.readouterr().out
        assert len(list(server.data.parent.glob("postgres.unfinished-*"))) == 1

    def test_a_set_up_that_was_killed_leaves_nothing_that_counts(self, server: Postgres) -> None:
        (server.data.parent / "postgres.new-dead").mkdir()
        server.start()
        assert not (server.data.parent / "postgres.new-dead").exists()

    def test_another_version_is_a_sentence(self, server: Postgres) -> None:
        server.start()
        server.stop()
        (server.data / "PG_VERSION").write_text("15\n")
        with pytest.raises(Trouble, match="was made by PostgreSQL 15"):
            server.start()
        (server.data / "PG_VERSION").write_text("18\n")


class TestWhereItCanLive:
    def test_a_path_too_long_for_a_socket(self) -> None:
        deep = new_folder() / ("a-rather-long-name-" * 5) / "postgres"
        server = Postgres(deep, settings={**FAST, "shared_buffers": "32MB"})
        try:
            server.start()
            assert str(server.sockets).startswith("/tmp/advocacy-")
            assert query(server.url("postgres"), "SELECT 1") == "1"
        finally:
            server.stop()
            shutil.rmtree(server.sockets, ignore_errors=True)

    def test_a_path_with_spaces_and_quotes(self) -> None:
        odd = new_folder() / "Sam's projects & más" / "postgres"
        server = Postgres(odd, settings={**FAST, "shared_buffers": "32MB"})
        try:
            server.start()
            assert query(server.url("postgres"), "SELECT 1") == "1"
        finally:
            server.stop()
            shutil.rmtree(server.sockets, ignore_errors=True)

    @as_root
    def test_root_s_closed_home(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        outside = new_folder() / "outside"
        monkeypatch.setattr(postgres_module, "OUTSIDE", (outside,))
        home = new_folder()
        home.chmod(0o700)
        link = home / ".local" / "postgres"
        server = Postgres(link, settings={**FAST, "shared_buffers": "32MB"}, say=print)
        try:
            server.start()
            assert link.is_symlink()
            assert link.resolve().is_relative_to(outside)
            assert "cannot enter" in capsys.readouterr().out
            server.stop()
            again = Postgres(link, settings=server.settings)
            again.start()
            assert query(again.url("postgres"), "SELECT 1") == "1"
            assert home.stat().st_mode & 0o777 == 0o700, "Nobody's home is opened."
        finally:
            server.stop()

    @as_root
    def test_programs_a_plain_user_cannot_read_are_copied(self, monkeypatch: pytest.MonkeyPatch) -> None:
        outside = new_folder() / "outside"
        monkeypatch.setattr(postgres_module, "OUTSIDE", (outside,))
        server = Postgres(new_folder() / "postgres", settings={**FAST, "shared_buffers": "32MB"})
        real = server.owner.run
        spec = postgres_module.find_spec(postgres_module.PACKAGE)
        installed = str(Path(spec.origin).resolve().parent)

        def run(*command: object, **options: object) -> "subprocess.CompletedProcess[str]":
            if str(command[0]).startswith(installed):
                return subprocess.CompletedProcess([], 126, "Permission denied", "")
            return real(*command, **options)

        object.__setattr__(server.owner, "run", run)
        try:
            server.start()
            assert server.binaries.is_relative_to(outside)
            assert query(server.url("postgres"), "SELECT 1") == "1"
        finally:
            server.stop()

    def test_data_of_another_user_are_a_sentence(self, server: Postgres) -> None:
        server.start()
        server.stop()
        stranger = Postgres(server.link)
        stranger.owner = dataclasses.replace(stranger.owner, uid=stranger.owner.uid + 1)
        with pytest.raises(Trouble, match="belongs to"):
            stranger.start()

    def test_a_file_in_the_way(self) -> None:
        folder = new_folder()
        (folder / ".local").write_text("")
        with pytest.raises(Trouble, match="is in the way"):
            Postgres(folder / ".local" / "postgres").start()


class TestValkey:
    def test_killed_or_with_an_unreadable_dump_it_starts_again(self) -> None:
        valkey = Valkey(new_folder() / "valkey")
        try:
            valkey.start()
            valkey.client().set("name", "Ines")
            valkey.client().save()
            port = valkey.port
            valkey.kill()
            valkey.start()
            assert valkey.port == port
            assert valkey.client().get("name") == b"Ines"
            valkey.stop()
            (valkey.folder / "dump.rdb").write_bytes(b"REDIS0011 cut short")
            valkey.start()
            assert valkey.client().ping()
        finally:
            valkey.stop()

    def test_a_number_that_another_program_was_given_is_not_ours(self) -> None:
        valkey = Valkey(new_folder() / "valkey")
        stranger = subprocess.Popen(["sleep", "60"])
        try:
            valkey.folder.mkdir()
            valkey.pidfile.write_text(str(stranger.pid))
            valkey.start()
            valkey.stop()
            assert stranger.poll() is None
        finally:
            stranger.send_signal(signal.SIGKILL)
            stranger.wait()
            valkey.stop()
