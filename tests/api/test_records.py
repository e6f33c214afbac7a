"""X5: other systems bring accounts, contacts, subscriptions, deals and use, by the rules of an import."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from advocacy.crm.models import Account, Contact, Deal, Subscription, Usage
from tests.api.test_signals import token_with
from tests.factories import make_account

pytestmark = pytest.mark.django_db


def post(kind: str, *rows: dict[str, Any], scope: str = "", **more: Any) -> Any:
    secret = token_with(scope or f"{kind}:write")[1]
    body = json.dumps({"rows": list(rows), **more})
    return Client().post(f"/api/v1/{kind}", body, "application/json", headers={"authorization": f"Bearer {secret}"})


def results(told: Any) -> list[str]:
    assert told.status_code == 200, told.json()
    return [one["result"] for one in told.json()["results"]]


class TestEachKind:
    def test_an_account_with_numbers_lists_and_yes_or_no(self) -> None:
        row = {
            "external_id": "A-1", "name": "Kestrel Foods", "employees": 900, "annual_value": 12_500.5,
            "currency": "EUR", "products": ["Planning", "Alerts"], "renewal_on": "2026-12-31",
            "owner_approves": True, "country": "DE",
        }  # fmt: skip
        assert results(post("accounts", row)) == ["created"]
        kestrel = Account.objects.get(external_id="A-1", source="crm")
        assert (kestrel.employees, kestrel.annual_value, kestrel.renewal_on) == (
            900,
            Decimal("12500.5"),
            date(2026, 12, 31),
        )
        assert (sorted(kestrel.products), kestrel.owner_approves) == (["alerts", "planning"], True)

    def test_what_a_row_leaves_out_stays_and_null_empties_it(self) -> None:
        post("accounts", {"external_id": "A-1", "name": "Kestrel", "employees": 900, "industry": "Food"})
        told = post(
            "accounts",
            {"external_id": "A-1", "name": "Kestrel Foods"},
            {"external_id": "A-2", "name": "Blue Harbour", "industry": "Logistics"},
        )
        assert results(told) == ["updated", "created"]
        kestrel = Account.objects.get(external_id="A-1")
        assert (kestrel.name, kestrel.employees, kestrel.industry) == ("Kestrel Foods", 900, "Food")
        post("accounts", {"external_id": "A-1", "name": "Kestrel Foods", "employees": None})
        kestrel.refresh_from_db()
        assert (kestrel.employees, kestrel.industry) == (None, "Food")

    def test_contacts_subscriptions_and_use_find_their_account(self) -> None:
        kestrel = make_account("Kestrel Foods", external_id="A-1", domain="kestrel.example")
        by_domain = {"email": "ines@kestrel.example", "given_name": "Ines", "account": "kestrel.example"}
        assert results(post("contacts", by_domain, account_by="domain")) == ["created"]
        assert Contact.objects.get().account == kestrel
        started = {"external_id": "S-1", "account": "A-1", "started_on": "2026-01-05", "seats": 40}
        assert results(post("subscriptions", started)) == ["created"]
        assert Subscription.objects.get().account == kestrel
        used = {"account": "A-1", "feature": "alerts", "day": "2026-03-01", "minutes": 42.5}
        assert results(post("usage", used)) == ["created"]
        assert results(post("usage", used)) == ["unchanged"]
        assert Usage.objects.get().minutes == Decimal("42.5")

    def test_a_deal_and_then_its_outcome(self) -> None:
        deal = {"external_id": "D-1", "name": "Planning for Harbour", "prospect": "Blue Harbour", "value": 80_000}
        assert results(post("deals", {**deal, "currency": "EUR", "close_on": "2026-06-30"})) == ["created"]
        assert results(post("deals", {**deal, "outcome": "won", "closed_on": "2026-06-12"})) == ["updated"]
        found = Deal.objects.get()
        assert (found.outcome, found.closed_on, found.value) == ("won", date(2026, 6, 12), Decimal(80_000))


class TestWhatIsWrong:
    def test_one_bad_row_does_not_keep_the_others_out(self) -> None:
        make_account("Kestrel Foods", external_id="A-1")
        told = post(
            "contacts",
            {"email": "ines@kestrel.example", "account": "A-1"},
            {"email": "omar@nowhere.example", "account": "A-9"},
            {"email": "no address", "account": "A-1"},
        )
        assert results(told) == ["created", "refused", "refused"]
        assert "A-9" in told.json()["results"][1]["reason"]

    def test_an_empty_row_and_a_break_inside_one_do_not_mix_up_the_fates(self) -> None:
        told = post(
            "accounts",
            {"external_id": "", "name": ""},
            {"external_id": "A-1", "name": "Kestrel\nFoods\x00AG"},
            {"external_id": "A-2", "name": ""},
        )
        assert results(told) == ["refused", "created", "refused"]
        assert told.json()["results"][0]["reason"] == "The row is empty."
        assert Account.objects.get().name == "Kestrel Foods AG"

    def test_the_same_id_twice_is_no_answer_to_which_one(self) -> None:
        told = post("accounts", {"external_id": "A-1", "name": "One"}, {"external_id": "A-1", "name": "Other"})
        assert told.status_code == 422
        assert "“A-1” stands in two rows" in told.json()["detail"]
        assert not Account.objects.exists()

    @pytest.mark.parametrize(
        ("row", "pointer"),
        [
            ({"name": "Kestrel"}, "/rows/0/external_id"),
            ({"external_id": "A", "name": "K", "mood": "glad"}, "/rows/0/mood"),
        ],
    )
    def test_missing_and_unknown_fields_are_pointed_at(self, row: dict[str, Any], pointer: str) -> None:
        told = post("accounts", row)
        assert told.status_code == 422
        assert [error["pointer"] for error in told.json()["errors"]] == [pointer]

    def test_a_token_for_signals_brings_no_deals(self) -> None:
        told = post("deals", {"external_id": "D-1", "name": "x"}, scope="signals:write")
        assert told.status_code == 403
        assert not Deal.objects.exists()

    def test_no_system_speaks_in_the_portals_name(self) -> None:
        assert post("accounts", {"external_id": "A-1", "name": "x"}, source="portal").status_code == 422


class TestTheDescription:
    def test_names_every_field_of_an_import(self) -> None:
        told = Client().get("/api/v1/openapi.json").json()
        fields = told["components"]["schemas"]["DealsRow"]["properties"]
        assert {"external_id", "outcome", "value", "owner"} <= set(fields)
        assert told["paths"]["/api/v1/deals"]["post"]["x-scope"] == "deals:write"
