"""P16, X5: other systems bring signals through the API, with a token that may do no more."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from advocacy.api.jobs import forget_answers
from advocacy.api.models import Answered, ApiToken
from advocacy.crm.models import Signal
from advocacy.users.models import Role
from tests.factories import make_account, make_contact, make_user

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
ONE = {"kind": "onboarding_closed", "occurred_at": "2026-03-09T10:00:00+01:00", "id": "S-1", "account": "A-1"}


def token_with(*scopes: str, **more: Any) -> tuple[ApiToken, str]:
    token = ApiToken(name="CRM, nightly", scopes=list(scopes), **more)
    secret = token.renew()
    token.save()
    return token, secret


def post(secret: str, body: Any, key: str = "", **more: Any) -> Any:
    headers = {"authorization": f"Bearer {secret}", **({"idempotency-key": key} if key else {}), **more}
    text = body if isinstance(body, str) else json.dumps(body)
    return Client(enforce_csrf_checks=True).post("/api/v1/signals", text, "application/json", headers=headers)


def get(secret: str, **asked: Any) -> Any:
    return Client().get("/api/v1/signals", asked, headers={"authorization": f"Bearer {secret}"})


def signals(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"signals": list(rows), **more}


@pytest.fixture
def ten_march() -> Iterator[None]:
    with time_machine.travel(AT, tick=False):
        yield


@pytest.fixture
def writer(ten_march: None) -> str:
    return token_with("signals:write")[1]


class TestWhoMayCall:
    def test_nobody_without_a_token(self) -> None:
        told = Client().post("/api/v1/signals", json.dumps(signals(ONE)), "application/json")
        assert told.status_code == 401
        assert told["Content-Type"] == "application/problem+json"
        assert told["WWW-Authenticate"] == "Bearer"
        assert "Bearer adv_" in told.json()["detail"]

    def test_a_sign_in_is_no_token(self, client: Client) -> None:
        client.force_login(make_user("Ada Okafor", Role.ADMINISTRATOR))
        assert client.get("/api/v1/signals").status_code == 401

    def test_a_token_does_only_what_its_scopes_say(self, writer: str) -> None:
        told = get(writer)
        assert told.status_code == 403
        assert "signals:read" in told.json()["detail"]

    def test_an_expired_and_a_revoked_token_are_refused_at_once(self, ten_march: None) -> None:
        late = token_with("signals:read", expires_at=AT - timedelta(seconds=1))[1]
        gone, revoked = token_with("signals:read")
        assert get(revoked).status_code == 200
        gone.revoked_at = AT
        gone.save()
        assert [get(one).status_code for one in (late, revoked, "adv_guessed", "")] == [401] * 4

    def test_only_its_hash_is_kept(self) -> None:
        token, secret = token_with("signals:read")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT to_jsonb(t)::text FROM api_apitoken t UNION ALL"
                " SELECT to_jsonb(t)::text FROM api_apitokenevent t"
            )
            kept = " ".join(row for (row,) in cursor.fetchall())
        assert token.begins in kept
        assert secret not in kept

    def test_when_it_was_last_used_is_seen(self, ten_march: None) -> None:
        token, secret = token_with("signals:read")
        get(secret)
        token.refresh_from_db()
        assert token.last_used_at == AT


class TestBringingSignals:
    def test_each_one_has_its_fate_in_the_order_they_came(self, writer: str) -> None:
        kestrel = make_account("Kestrel Foods", external_id="A-1", domain="kestrel.example")
        ada = make_contact("Ada Okafor", kestrel, external_id="C-1")
        who = ada.email
        told = post(
            writer,
            signals(
                ONE,
                {"kind": "nps", "value": 9, "occurred_at": "2026-03-09T10:00Z", "id": "S-2", "contact_email": who},
                {"kind": "renewed", "occurred_at": "2026-03-09T10:00Z", "id": "S-3", "account": "nobody"},
                {"kind": "renewed", "occurred_at": "2026-03-08T10:00Z", "id": "S-4", "account_domain": kestrel.domain},
            ),
        )  # fmt: skip
        assert told.status_code == 200, told.json()
        assert [one["result"] for one in told.json()["results"]] == ["created", "created", "refused", "created"]
        assert [one["id"] for one in told.json()["results"]] == ["S-1", "S-2", "S-3", "S-4"]
        assert "nobody" in told.json()["results"][2]["reason"]
        assert (told.json()["created"], told.json()["refused"]) == (3, 1)
        first = Signal.objects.get(external_id="S-1")
        assert (first.account, first.occurred_at, first.source) == (kestrel, datetime(2026, 3, 9, 9, tzinfo=UTC), "crm")
        assert first.received_at == AT
        assert Signal.objects.get(external_id="S-2").contact == ada

    def test_the_same_again_changes_nothing_and_the_same_id_corrects(self, writer: str) -> None:
        make_account("Kestrel Foods", external_id="A-1")
        assert post(writer, signals(ONE)).json()["created"] == 1
        assert post(writer, signals(ONE)).json()["unchanged"] == 1
        moved = post(writer, signals({**ONE, "occurred_at": "2026-03-08T10:00:00+01:00"}))
        assert moved.json()["updated"] == 1
        assert Signal.objects.get().occurred_at == datetime(2026, 3, 8, 9, tzinfo=UTC)

    def test_the_same_id_twice_in_one_call_is_superseded_by_the_last(self, writer: str) -> None:
        make_account("Kestrel Foods", external_id="A-1")
        told = post(writer, signals(ONE, {**ONE, "occurred_at": "2026-03-08T10:00:00+01:00"})).json()
        assert sorted(one["result"] for one in told["results"]) == ["created", "superseded"]
        assert Signal.objects.count() == 1

    @pytest.mark.parametrize(
        ("wrong", "pointer", "says"),
        [
            ({**ONE, "kind": "birthday"}, "/signals/0/kind", "onboarding_closed"),
            ({**ONE, "occurred_at": "2026-03-09T10:00:00"}, "/signals/0/occurred_at", "timezone"),
            ({**ONE, "account": None}, "/signals/0", "whom it is about"),
            ({**ONE, "account_domain": "kestrel.example"}, "/signals/0", "not by both"),
            ({**ONE, "account": "A-\u0000"}, "/signals/0/account", "control characters"),
            ({**ONE, "sentiment": "glad"}, "/signals/0/sentiment", "not permitted"),
        ],
    )
    def test_what_does_not_fit_is_pointed_at(self, writer: str, wrong: dict[str, Any], pointer: str, says: str) -> None:
        told = post(writer, signals(wrong))
        assert told.status_code == 422
        (error,) = told.json()["errors"]
        assert error["pointer"] == pointer
        assert says in error["detail"]
        assert not Signal.objects.exists()

    def test_the_future_has_not_happened(self, writer: str) -> None:
        make_account("Kestrel Foods", external_id="A-1")
        told = post(writer, signals({**ONE, "occurred_at": "2026-03-12T10:00:00Z"})).json()
        assert told["results"][0]["result"] == "refused"

    def test_no_system_speaks_in_the_portals_name(self, writer: str) -> None:
        for name in ("derived", "portal"):
            told = post(writer, signals(ONE, source=name))
            assert (told.status_code, name in told.json()["detail"]) == (422, True)

    def test_what_is_no_json_or_too_much_of_it_is_refused(self, writer: str) -> None:
        assert post(writer, "{").status_code == 400
        assert "JSON" in post(writer, "{").json()["detail"]
        assert post(writer, signals(*[ONE] * 1001)).status_code == 422
        assert post(writer, " " * 1_000_001).status_code == 413

    def test_an_unknown_address_answers_in_json_too(self, writer: str) -> None:
        told = Client().get("/api/v1/nothing")
        assert (told.status_code, told["Content-Type"]) == (404, "application/problem+json")
        told = Client().delete("/api/v1/signals", headers={"authorization": f"Bearer {writer}"})
        assert (told.status_code, told["Content-Type"]) == (405, "application/problem+json")


class TestTheSameRequestTwice:
    def test_gets_the_same_answer_and_does_nothing_twice(self, writer: str) -> None:
        make_account("Kestrel Foods", external_id="A-1")
        first = post(writer, signals(ONE), key="k-1")
        again = post(writer, signals(ONE), key="k-1")
        assert first.json()["created"] == 1
        assert again.content == first.content
        assert again["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first

    def test_another_request_under_the_same_key_is_refused(self, writer: str) -> None:
        make_account("Kestrel Foods", external_id="A-1")
        post(writer, signals(ONE), key="k-1")
        told = post(writer, signals({**ONE, "id": "S-9"}), key="k-1")
        assert told.status_code == 422
        assert "another request" in told.json()["detail"]
        assert not Signal.objects.filter(external_id="S-9").exists()

    def test_another_token_may_use_the_same_key(self, writer: str) -> None:
        make_account("Kestrel Foods", external_id="A-1")
        post(writer, signals(ONE), key="k-1")
        other = token_with("signals:write")[1]
        assert post(other, signals({**ONE, "id": "S-9"}), key="k-1").json()["created"] == 1

    def test_a_refused_token_uses_no_key_up(self, ten_march: None) -> None:
        _token, secret = token_with("signals:read")
        assert post(secret, signals(ONE), key="k-1").status_code == 403
        assert not Answered.objects.exists()

    def test_what_broke_is_done_by_the_next_try(self, writer: str, monkeypatch: pytest.MonkeyPatch) -> None:
        make_account("Kestrel Foods", external_id="A-1")
        with monkeypatch.context() as broken:
            broken.setattr("advocacy.crm.api.bring", lambda *_a, **_k: 1 / 0)
            told = post(writer, signals(ONE), key="k-1")
        assert (told.status_code, told["Content-Type"]) == (500, "application/problem+json")
        assert post(writer, signals(ONE), key="k-1").json()["created"] == 1

    def test_answers_are_forgotten_after_two_days(self, writer: str) -> None:
        make_account("Kestrel Foods", external_id="A-1")
        post(writer, signals(ONE), key="k-1")
        forget_answers(at=AT + timedelta(hours=47))
        assert Answered.objects.count() == 1
        forget_answers(at=AT + timedelta(hours=49))
        assert not Answered.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestFiftyAtOnce:
    def fifty(self, secret: str, key: str) -> list[Any]:
        def one(number: int) -> Any:
            with closing(connections["default"]):
                row = {key: value for key, value in ONE.items() if key != "id"}
                return post(secret, signals({**row, "occurred_at": "2026-03-09T10:00:00Z"}), key=key)

        with ThreadPoolExecutor(10) as crew:
            return list(crew.map(one, range(50)))

    def test_under_one_key_are_one(self) -> None:
        make_account("Kestrel Foods", external_id="A-1")
        told = self.fifty(token_with("signals:write")[1], key="k-1")
        assert {one.status_code for one in told} == {200}
        assert len({one.content for one in told}) == 1
        assert sum("Idempotent-Replayed" not in one for one in told) == 1
        assert Signal.objects.count() == 1
        assert told[0].json()["created"] == 1


class TestReadingThem:
    def test_page_by_page_in_the_order_they_came_in(self, ten_march: None) -> None:
        kestrel = make_account("Kestrel Foods", external_id="A-1")
        for number in range(5):
            Signal.objects.create(
                source="crm", external_id=f"S-{number}", kind="renewed", occurrence=f"S-{number}", account=kestrel,
                occurred_at=AT - timedelta(days=number), received_at=AT - timedelta(minutes=5 - number),
            )  # fmt: skip
        reader = token_with("signals:read")[1]
        seen, cursor = [], ""
        for _page in range(4):
            told = get(reader, limit=2, cursor=cursor).json()
            seen += [one["id"] for one in told["items"]]
            cursor = told["next"]
            if not cursor:
                break
        assert seen == ["S-0", "S-1", "S-2", "S-3", "S-4"]

    def test_what_is_no_longer_so_says_so(self, ten_march: None) -> None:
        kestrel = make_account("Kestrel Foods", external_id="A-1")
        for number, untrue_since in enumerate((None, AT)):
            Signal.objects.create(
                source="derived", external_id=f"S-{number}", kind="nine_months", occurrence=f"S-{number}",
                account=kestrel, occurred_at=AT, received_at=AT, untrue_since=untrue_since,
            )  # fmt: skip
        told = get(token_with("signals:read")[1]).json()["items"]
        assert [one["untrue_since"] is None for one in told] == [True, False]

    def test_by_kind_account_and_since_when(self, ten_march: None) -> None:
        kestrel, harbour = (
            make_account("Kestrel Foods", external_id="A-1"),
            make_account("Blue Harbour", external_id="A-2"),
        )
        for number, (account, kind) in enumerate([(kestrel, "renewed"), (harbour, "renewed"), (kestrel, "nps")]):
            Signal.objects.create(
                source="crm", external_id=f"S-{number}", kind=kind, occurrence=f"S-{number}", account=account,
                occurred_at=AT, received_at=AT + timedelta(minutes=number),
            )  # fmt: skip
        reader = token_with("signals:read")[1]

        def ids(**asked: Any) -> list[str]:
            return [one["id"] for one in get(reader, **asked).json()["items"]]

        assert ids(kind="renewed") == ["S-0", "S-1"]
        assert ids(account="A-1") == ["S-0", "S-2"]
        assert ids(received_after=(AT + timedelta(minutes=1)).isoformat()) == ["S-2"]
        assert get(reader, cursor="nonsense").status_code == 422

    def test_a_page_costs_the_same_number_of_queries_however_long(self, ten_march: None, queries_of: Any) -> None:
        reader = token_with("signals:read")[1]
        kestrel = make_account("Kestrel Foods", external_id="A-1")

        def more(first: int, last: int) -> None:
            Signal.objects.bulk_create(
                Signal(source="crm", external_id=f"S-{n}", kind="renewed", occurrence=f"S-{n}", account=kestrel,
                       occurred_at=AT, received_at=AT) for n in range(first, last)
            )  # fmt: skip

        more(0, 3)
        few = queries_of(lambda: get(reader))
        more(3, 90)
        assert queries_of(lambda: get(reader)) == few


class TestTheDescription:
    def test_is_openapi_3_1_and_names_each_scope(self) -> None:
        told = Client().get("/api/v1/openapi.json").json()
        assert told["openapi"].startswith("3.1")
        assert told["paths"]["/api/v1/signals"]["post"]["x-scope"] == "signals:write"
        assert told["paths"]["/api/v1/signals"]["get"]["x-scope"] == "signals:read"

    def test_its_page_is_for_administrators(self, client: Client) -> None:
        client.force_login(make_user("Lena Fischer", Role.LEAD))
        assert client.get("/api/v1/docs").status_code == 403
        client.force_login(make_user("Ada Okafor", Role.ADMINISTRATOR))
        page = client.get("/api/v1/docs").content.decode()
        assert "signals[].occurred_at" in page
        assert "<script>" not in page


class TestTokensInTheAdmin:
    def test_is_shown_once_and_works(self, client: Client) -> None:
        client.force_login(make_user("Ada Okafor", Role.ADMINISTRATOR))
        page = client.post("/admin/api/apitoken/add/", {"name": "CRM", "scopes": ["signals:read"]})
        assert "no-store" in page["Cache-Control"]
        secret = page.context["token"]
        assert secret in page.content.decode()
        assert get(secret).status_code == 200
        assert secret not in client.get("/admin/api/apitoken/").content.decode()

    def test_without_a_scope_or_expired_before_it_begins_is_none(self, client: Client) -> None:
        client.force_login(make_user("Ada Okafor", Role.ADMINISTRATOR))
        page = client.post("/admin/api/apitoken/add/", {"name": "CRM"})
        assert "without that it can do nothing" in page.content.decode()
        page = client.post(
            "/admin/api/apitoken/add/",
            {"name": "CRM", "scopes": ["signals:read"], "expires_at": "2020-01-01T10:00"},
        )
        assert "That moment has passed" in page.content.decode()
        assert not ApiToken.objects.exists()

    def test_is_revoked_from_the_list(self, client: Client) -> None:
        token, secret = token_with("signals:read")
        client.force_login(make_user("Ada Okafor", Role.ADMINISTRATOR))
        client.post("/admin/api/apitoken/", {"action": "revoke", "_selected_action": [token.pk]})
        assert get(secret).status_code == 401
        token.refresh_from_db()
        assert token.revoked_at is not None
        assert timezone.now() - token.revoked_at < timedelta(minutes=1)

    def test_is_no_business_of_a_lead(self, client: Client) -> None:
        client.force_login(make_user("Lena Fischer", Role.LEAD))
        assert client.get("/admin/api/apitoken/").status_code == 403
