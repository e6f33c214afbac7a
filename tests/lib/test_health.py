"""What machines ask (X8): alive, ready, figures; and pages that outlive the loss of Redis."""

from typing import Any

import pytest
from django.core.cache.backends.base import BaseCache
from django.db import connection
from django.db.utils import OperationalError
from django.test import Client

from advocacy import health
from advocacy.lib.cache import ForgivingRedisCache


class TestHealth:
    def test_alive_asks_nobody(self, client: Client) -> None:
        assert client.get("/healthz").content == b"ok\n"  # without the database mark any query would fail

    @pytest.mark.django_db
    def test_ready(self, client: Client) -> None:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["ready"]) == (200, True)
        assert "no-store" in answer["Cache-Control"]

    @pytest.mark.django_db
    def test_not_ready_without_the_database(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def away(*_args: Any, **_kwargs: Any) -> None:
            raise OperationalError("could not connect to server at secret-host")

        monkeypatch.setattr(connection, "cursor", away)
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["database"]) == (503, "away")
        assert b"secret-host" not in answer.content

    @pytest.mark.django_db
    def test_not_ready_while_migrations_wait(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "_migrated", False)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM django_migrations WHERE app = 'lib'")
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "migrate" in answer.json()["migrations"]

    @pytest.mark.django_db
    def test_ready_though_redis_is_away(self, client: Client, settings: Any) -> None:
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}}
        answer = client.get("/readyz")
        assert answer.status_code == 200
        assert answer.json()["redis"].startswith("away")

    def test_only_read(self, client: Client) -> None:
        assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
class TestMetrics:
    def test_this_machine_may_read_them_outside_production(self, client: Client) -> None:
        answer = client.get("/metrics")
        assert answer.status_code == 200
        assert b"django_http_requests_total" in answer.content

    @pytest.mark.parametrize(
        "visitor",
        [
            {"REMOTE_ADDR": "192.0.2.7"},
            {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.7"},
            {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=192.0.2.7"},
        ],
    )
    def test_nobody_else_even_learns_that_they_are_there(self, client: Client, visitor: dict[str, str]) -> None:
        assert client.get("/metrics", **visitor).status_code == 404

    def test_production_without_a_token_shows_nobody(self, client: Client, settings: Any) -> None:
        settings.PRODUCTION = True
        assert client.get("/metrics").status_code == 404

    def test_with_a_token_only_who_holds_it(self, client: Client, settings: Any) -> None:
        settings.METRICS_TOKEN = "a-long-token"
        assert client.get("/metrics").status_code == 404
        assert client.get("/metrics", headers={"Authorization": "Bearer another"}).status_code == 404
        far = {"REMOTE_ADDR": "192.0.2.7"}
        assert client.get("/metrics", headers={"Authorization": "Bearer a-long-token"}, **far).status_code == 200


class TestACacheThatIsAway:
    @pytest.fixture
    def away(self) -> BaseCache:
        return ForgivingRedisCache("redis://127.0.0.1:1/0", {"OPTIONS": {"socket_connect_timeout": 1}})

    def test_looks_empty(self, away: BaseCache) -> None:
        away.set("name", "Ines", 60)
        assert away.get("name", "nobody") == "nobody"
        assert away.get_many(["name"]) == {}
        assert away.get_or_set("name", lambda: "Omar") == "Omar"
        assert "name" not in away
        assert away.add("name", "Mei") is True
        assert away.incr("tries") == 1
        assert away.touch("name") is False
        assert away.delete("name") is False
        away.delete_many(["name"])
        away.set_many({"name": "Ines"})
        away.clear()
