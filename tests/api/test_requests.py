"""D1, X5: other systems file requests for colleagues and read where they stand."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client

from advocacy.users.models import Role, User
from opportunities.actions import sops
from opportunities.models import Nomination, ReferenceRequest
from tests.api.test_signals import token_with
from tests.factories import NOON, make_advocate, make_deal, make_kind, make_request, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def sam() -> User:
    make_kind("reference-call", minutes=30)
    return make_user("Sam Carter", Role.REQUESTER, email="sam@company.test")


@pytest.fixture
def noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


def asked(**more: Any) -> dict[str, Any]:
    return {
        "requester": "sam@company.test", "kind": "reference-call", "needed_by": "2026-03-20",
        "prospect": "Blue Harbour", **more,
    }  # fmt: skip


def post(body: dict[str, Any], *, secret: str = "", key: str = "") -> Any:
    headers = {"authorization": f"Bearer {secret or token_with('requests:write')[1]}"}
    if key:
        headers["idempotency-key"] = key
    return Client().post("/api/v1/requests", json.dumps(body), "application/json", headers=headers)


def get(path: str = "", **query: Any) -> Any:
    headers = {"authorization": f"Bearer {token_with('requests:read')[1]}"}
    return Client().get(f"/api/v1/requests{path}", query, headers=headers)


@pytest.mark.usefixtures("noon")
class TestFiling:
    def test_is_filed_for_the_colleague_and_the_desks_clock_runs(self, sam: User) -> None:
        told = post(asked(industry="Food", questions="How long did it take?"))
        assert told.status_code == 201, told.json()
        filed = ReferenceRequest.objects.get()
        assert (filed.requester, filed.prospect, filed.industry) == (sam, "Blue Harbour", "Food")
        assert filed.promise_due_at is not None
        assert (told.json()["id"], told.json()["status"]) == (str(filed.public_id), "new")
        assert told.json()["waiting_for"] == "desk"

    def test_a_deal_fills_in_what_is_not_said(self, sam: User) -> None:
        make_deal("Planning", external_id="D-1", prospect="Kestrel Rivals", industry="Logistics", owner=sam)
        told = post({**asked(deal="D-1", industry="Food"), "prospect": None})
        assert told.status_code == 201, told.json()
        filed = ReferenceRequest.objects.get()
        assert (filed.prospect, filed.industry, filed.deal) == ("Kestrel Rivals", "Food", filed.deal)
        assert told.json()["deal"] == "D-1"

    def test_too_early_a_stage_is_refused_in_the_sops_words_or_waived_with_a_reason(self, sam: User) -> None:
        words = {"too_early_words": "Show them a case study first."}
        sops.write(None, words, too_early=["Discovery"], by=sam, at=NOON)
        make_deal("Planning", external_id="D-1", stage="discovery", owner=sam)
        told = post(asked(deal="D-1"))
        assert told.status_code == 422
        (error,) = told.json()["errors"]
        assert error == {"pointer": "/too_early_because", "detail": "Show them a case study first."}
        assert post(asked(deal="D-1", too_early_because="Their board meets on Monday.")).status_code == 201
        assert ReferenceRequest.objects.get().too_early_because == "Their board meets on Monday."

    def test_a_second_one_for_a_deal_is_meant(self, sam: User) -> None:
        make_deal("Planning", external_id="D-1", owner=sam)
        post(asked(deal="D-1"))
        told = post(asked(deal="D-1"))
        assert [error["pointer"] for error in told.json()["errors"]] == ["/another"]
        assert post(asked(deal="D-1", another=True)).status_code == 201

    @pytest.mark.parametrize(
        ("wrong", "pointer"),
        [
            ({"requester": "nobody@company.test"}, "/requester"), ({"kind": "fax"}, "/kind"),
            ({"needed_by": "2026-03-09"}, "/needed_by"), ({"needed_by": "soon"}, "/needed_by"),
            ({"deal": "D-9"}, "/deal"), ({"team": "nobody"}, "/team"), ({"country": "Germany"}, "/country"),
            ({"wanted": 0}, "/wanted"), ({"mood": "glad"}, "/mood"), ({"prospect": None}, "/prospect"),
            ({"employees": 0}, "/employees"), ({"requester": "\x00"}, "/requester"), ({"region": "a\x00"}, "/region"),
            ({"questions": "a\x00"}, "/questions"),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_is_pointed_at(self, sam: User, wrong: dict[str, Any], pointer: str) -> None:
        told = post(asked(**wrong))
        assert told.status_code == 422
        assert [error["pointer"] for error in told.json()["errors"]] == [pointer]
        assert not ReferenceRequest.objects.exists()

    def test_nobody_files_in_the_name_of_somebody_who_may_not(self, sam: User) -> None:
        ines = make_advocate("Ines Barbosa")
        assert post(asked(requester=ines.contact.email)).status_code == 422


@pytest.mark.django_db(transaction=True)
class TestFiftyAtOnce:
    def test_under_one_key_file_one(self) -> None:
        make_kind("reference-call", minutes=30)
        make_user("Sam Carter", Role.REQUESTER, email="sam@company.test")
        secret = token_with("requests:write")[1]

        def one(_number: int) -> Any:
            with closing(connections["default"]):
                return post(asked(needed_by="2036-03-20"), secret=secret, key="k-1")

        with ThreadPoolExecutor(10) as crew:
            told = list(crew.map(one, range(50)))
        assert {answer.status_code for answer in told} == {201}
        assert len({answer.content for answer in told}) == 1
        assert ReferenceRequest.objects.count() == 1
        assert post(asked(needed_by="2036-03-21"), secret=secret, key="k-1").status_code == 422


class TestReading:
    def test_where_one_stands_without_naming_anybody(self, sam: User) -> None:
        wanted = make_request(sam, prospect="Blue Harbour")
        for status in ("accepted", "declined", "asked", "with_owner"):
            Nomination.objects.create(
                request=wanted, advocate=make_advocate(f"Ines {status}"), status=status, asked_at=NOON,
                answer_by=NOON + timedelta(days=3), answered_at=NOON,
            )  # fmt: skip
        told = get(f"/{wanted.public_id}")
        assert (told.json()["asked"], told.json()["said_yes"], told.json()["said_no"]) == (3, 1, 1)
        assert "Ines" not in told.content.decode()
        assert get("/00000000-0000-0000-0000-000000000000").status_code == 404

    def test_lists_page_by_page_and_filtered(self, sam: User, queries_of: Any) -> None:
        rows = [make_request(sam, prospect=f"P {n}", filed_at=NOON + timedelta(hours=n)) for n in range(5)]
        ReferenceRequest.objects.filter(pk=rows[4].pk).update(status="matching")
        first = get(limit=3).json()
        second = get(limit=3, cursor=first["next"]).json()
        assert [one["prospect"] for one in first["items"] + second["items"]] == [f"P {n}" for n in range(5)]
        assert second["next"] == ""
        assert [one["prospect"] for one in get(status="matching").json()["items"]] == ["P 4"]
        assert get(requester="SAM@company.test").json()["items"] != []
        assert get(status="lost").status_code == 422
        assert get(deal="\x00").status_code == 422
        assert queries_of(lambda: get(limit=2)) == queries_of(lambda: get(limit=5))

    def test_a_writer_does_not_read(self, sam: User) -> None:
        headers = {"authorization": f"Bearer {token_with('requests:write')[1]}"}
        assert Client().get("/api/v1/requests", headers=headers).status_code == 403
