"""Customer facts in the admin: found, corrected where that makes sense, and never where a ledger says no."""

from datetime import date
from functools import partial
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from advocacy.crm import consent
from advocacy.crm.models import Account, ConsentEntry, ImportRun, NotReady, Pause, Program
from advocacy.users.models import Role
from tests.factories import NOON, make_account, make_contact, make_deal, make_signal, make_user

pytestmark = pytest.mark.django_db

LISTS = sorted(model._meta.model_name for model in admin.site._registry if model._meta.app_label == "crm")


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(make_user("Lena", Role.LEAD))
    return client


def facts() -> None:
    account = make_account("Kestrel Foods")
    contact = make_contact("Ines", account)
    make_deal(account=account)
    make_signal("renewed", account, contact=contact)
    consent.grant(contact, "newsletter", wording="I agree.", at=NOON, source="test")
    Pause.objects.create(account=account, cause="by_hand", release="by_hand", reason="Quiet", key="x", began_at=NOON)
    NotReady.objects.create(account=account, reason="New", began_at=NOON)
    ImportRun.objects.create(kind="accounts", file_name="a.csv", status="done")


@pytest.mark.parametrize("name", LISTS)
def test_every_list_and_record_opens_and_can_be_searched(lead: Client, name: str) -> None:
    facts()
    address = reverse(f"admin:crm_{name}_changelist")
    assert lead.get(address, {"q": "kestrel"}, follow=True).status_code == 200
    model = next(model for model in admin.site._registry if model._meta.label_lower == f"crm.{name}")
    for record in model._default_manager.all()[:1]:
        assert lead.get(reverse(f"admin:crm_{name}_change", args=[record.pk])).status_code == 200


@pytest.mark.parametrize("name", [name for name in LISTS if name != "program"])
def test_lists_cost_the_same_for_many(lead: Client, queries_of: Any, name: str) -> None:
    facts()
    visit = partial(lead.get, reverse(f"admin:crm_{name}_changelist"))
    few = queries_of(visit)
    for _number in range(8):
        facts()
    assert queries_of(visit) == few


def test_a_contact_is_found_by_a_whole_address(lead: Client) -> None:
    make_contact("Ines", email="Ines@Kestrel.example")
    make_contact("Omar", email="omar@kestrel.example")
    page = lead.get(reverse("admin:crm_contact_changelist"), {"q": "ines@kestrel.EXAMPLE"}).content.decode()
    assert "Ines Barbosa" in page
    assert "Omar" not in page


def test_the_ledger_is_read_only(lead: Client) -> None:
    facts()
    entry = ConsentEntry.objects.get()
    assert lead.get(reverse("admin:crm_consententry_add")).status_code == 403
    assert lead.post(reverse("admin:crm_consententry_change", args=[entry.pk]), {"given": ""}).status_code == 403
    assert lead.post(reverse("admin:crm_consententry_delete", args=[entry.pk]), {"post": "yes"}).status_code == 403


def test_managers_see_accounts_and_leads_change_them(client: Client) -> None:
    account = make_account("Kestrel Foods")
    address = reverse("admin:crm_account_change", args=[account.pk])
    client.force_login(make_user("Rita", Role.MANAGER))
    assert client.get(address).status_code == 200
    assert client.post(address, {"name": "Other"}).status_code == 403
    client.force_login(make_user("Sam", Role.REQUESTER))
    assert client.get(address).status_code in (302, 403)


def said(account: Account, **more: Any) -> dict[str, Any]:
    """What the account's form sends back untouched, but for ``more``."""
    names = ("name", "domain", "industry", "employees", "currency", "region", "country", "language", "time_zone")
    return {name: getattr(account, name) or "" for name in names} | {"readiness": account.readiness} | more


def test_not_ready_needs_a_reason_and_only_staff_take_it_back(lead: Client) -> None:
    account = make_account("Kestrel Foods")
    address = reverse("admin:crm_account_change", args=[account.pk])
    assert "Say why" in lead.post(address, said(account, readiness="not_ready")).content.decode()
    lead.post(address, said(account, readiness="not_ready", readiness_reason="Still onboarding", name="Kestrel SE"))
    account.refresh_from_db()
    assert (account.readiness, account.readiness_reason, account.name) == (
        "not_ready",
        "Still onboarding",
        "Kestrel SE",
    )
    lead.post(address, said(account, readiness="ready"))
    account.refresh_from_db()
    assert (account.readiness, account.readiness_reason) == ("ready", "")


def test_what_is_typed_into_lists_is_kept_in_small_letters_as_matching_compares_them(lead: Client) -> None:
    account = make_account("Kestrel Foods")
    address = reverse("admin:crm_account_change", args=[account.pk])
    lead.post(address, said(account, products="Planner, Shelf  Analytics,planner", replaced_competitors="Acme"))
    account.refresh_from_db()
    assert (account.products, account.replaced_competitors) == (["planner", "shelf analytics"], ["acme"])


def test_what_the_clock_wrote_meanwhile_is_not_written_over(lead: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account("Kestrel Foods", industry="Food")
    saved = Account.save

    def meanwhile(self: Account, **more: Any) -> None:
        Account.objects.filter(pk=self.pk).update(industry="Retail")
        saved(self, **more)

    monkeypatch.setattr(Account, "save", meanwhile)
    lead.post(reverse("admin:crm_account_change", args=[account.pk]), said(account, name="Kestrel SE"))
    account.refresh_from_db()
    assert (account.name, account.industry) == ("Kestrel SE", "Retail")


def test_a_pause_by_hand_pauses_the_account_until_it_is_lifted(lead: Client) -> None:
    account = make_account("Kestrel Foods")
    lead.post(reverse("admin:crm_pause_add"), {"account": account.pk, "reason": "Merger under way", "until": ""})
    account.refresh_from_db()
    assert (account.readiness, account.readiness_reason) == ("paused", "Merger under way")
    pause = Pause.objects.get()
    lead.post(reverse("admin:crm_pause_changelist"), {"action": "lift", "_selected_action": [pause.pk]})
    account.refresh_from_db()
    assert account.readiness == "ready"
    past = {"account": account.pk, "reason": "Late", "until": date(2020, 1, 1)}
    assert "over already" in lead.post(reverse("admin:crm_pause_add"), past).content.decode()


def test_not_ready_is_said_until_a_day_and_taken_back(lead: Client) -> None:
    account = make_account("Kestrel Foods")
    add = reverse("admin:crm_notready_add")
    assert (
        "over already"
        in lead.post(add, {"account": account.pk, "reason": "Late", "until": "2020-01-01"}).content.decode()
    )
    lead.post(add, {"account": account.pk, "reason": "Still onboarding", "until": ""})
    entry = NotReady.objects.get()
    account.refresh_from_db()
    assert account.readiness == "not_ready" and str(entry.by) == "Lena"
    lead.post(reverse("admin:crm_notready_changelist"), {"action": "take_back", "_selected_action": [entry.pk]})
    account.refresh_from_db()
    assert account.readiness == "ready"


def test_the_program_is_one_row(lead: Client) -> None:
    answer = lead.get(reverse("admin:crm_program_changelist"), follow=True)
    assert answer.redirect_chain
    assert lead.get(reverse("admin:crm_program_add")).status_code == 403
    for field in Program._meta.fields:
        assert field.name == "id" or f'name="{field.name}"' in answer.content.decode(), field.name
