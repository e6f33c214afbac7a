"""Advocates by CSV: who is in already, what they agreed to, and never more than their own word allows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.utils import timezone

from advocacy.crm import consent
from advocacy.crm.models import Activity, ConsentEntry, Contact
from advocates.actions import profile
from advocates.models import Advocate
from tests.crm.importing import Load, loader
from tests.factories import NOON, make_account, make_advocate, make_contact, make_kind, make_pod

pytestmark = pytest.mark.django_db

ROWS = (
    "contact_id,joined,type,expertise,consents,consent_date,wording\n"
    'C-1,2025-11-03,Educator,planning;Forecasting,newsletter; Reference calls and e-mails,2025-11-03,"Yes, gladly."\n'
)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    return loader(tmp_path)


@pytest.fixture
def ines() -> Contact:
    return make_contact("Ines", external_id="C-1", email="ines@kestrel.example")


class TestLoadingAdvocates:
    def test_a_member_comes_with_consents_a_day_and_a_stage(self, load: Load, ines: Contact) -> None:
        assert load("advocates", ROWS).counts["created"] == 1
        advocate = Advocate.objects.get(contact=ines)
        assert (advocate.status, advocate.type, advocate.stage) == ("member", "educator", Advocate.Stage.MEMBER)
        assert advocate.joined_at == datetime(2025, 11, 3, tzinfo=UTC)
        assert advocate.expertise == ["forecasting", "planning"]
        assert consent.standing(ines, at=NOON) == {"newsletter", "reference_calls"}
        entry = ConsentEntry.objects.filter(purpose="newsletter").get()
        assert (entry.wording, entry.at, entry.source) == ("Yes, gladly.", advocate.joined_at, "import:crm")
        joined = Activity.objects.get(deed="joined")
        assert (joined.contact, joined.account, joined.at) == (ines, ines.account, advocate.joined_at)

    def test_the_same_file_twice_changes_nothing(self, load: Load, ines: Contact) -> None:
        load("advocates", ROWS)
        again = load("advocates", ROWS)
        assert again.counts == {"rows": 1, "created": 0, "updated": 0, "unchanged": 1, "rejected": 0}
        assert ConsentEntry.objects.count() == 2
        assert Activity.objects.count() == 1

    def test_what_was_cut_in_the_rejects_stays_refused_until_it_is_mended(self, load: Load, ines: Contact) -> None:
        done = load("advocates", f"contact_id,about\nC-1,{'x' * 30_000}\n")
        assert done.counts["rejected"] == 1
        assert len(done.refused[0]["about"]) < 5_000
        again = load("advocates", f"contact_id,about\nC-1,{done.refused[0]['about']}\n")
        assert again.counts["rejected"] == 1
        assert "too long to be kept whole" in again.reasons[0]
        assert not Advocate.objects.exists()

    def test_a_new_consent_is_a_new_entry_and_a_change(self, load: Load, ines: Contact) -> None:
        load("advocates", ROWS)
        more = load(
            "advocates", "contact_id,consents,consent_date,wording\nC-1,speaking,2026-01-05,I agree to speak.\n"
        )
        assert more.counts["updated"] == 1
        assert ConsentEntry.objects.count() == 3
        assert consent.allows(ines, "speaking", at=NOON)
        assert Advocate.objects.get().expertise == ["forecasting", "planning"]

    def test_a_late_file_does_not_undo_a_no(self, load: Load, ines: Contact) -> None:
        consent.withdraw(ines, "newsletter", at=datetime(2025, 12, 1, tzinfo=UTC), source="page")
        load("advocates", ROWS)
        assert not consent.allows(ines, "newsletter", at=NOON)
        assert consent.allows(ines, "reference_calls", at=NOON)
        assert ConsentEntry.objects.filter(contact=ines, purpose="newsletter").count() == 2

    def test_a_later_no_by_file_counts_at_once(self, load: Load, ines: Contact) -> None:
        load("advocates", ROWS)
        load("advocates", "contact_id,no_consents,consent_date,wording\nC-1,newsletter,2026-01-05,Please stop.\n")
        assert not consent.allows(ines, "newsletter", at=NOON)

    def test_a_yes_dated_ahead_counts_from_the_day_it_came_in(self, load: Load, ines: Contact) -> None:
        now = timezone.now()
        tonight = f"{now + timedelta(hours=20):%Y-%m-%d %H:%M}"
        rows = f"contact_id,consents,consent_date,wording\nC-1,newsletter,{tonight},I agree.\n"
        load("advocates", rows)
        entry = ConsentEntry.objects.get()
        assert entry.at == entry.recorded_at
        profile.set_consent(Advocate.objects.get(), "newsletter", given=False, at=now + timedelta(hours=1), by=None)
        assert not consent.allows(ines, "newsletter", at=now + timedelta(hours=2))
        with time_machine.travel(now + timedelta(hours=30), tick=False):
            assert load("advocates", rows).counts["unchanged"] == 1
        assert not consent.allows(ines, "newsletter", at=now + timedelta(hours=31))

    def test_who_is_only_invited_has_not_joined(self, load: Load, ines: Contact) -> None:
        load("advocates", "contact_id,status,joined\nC-1,invited,2025-11-03\n")
        advocate = Advocate.objects.get()
        assert (advocate.status, advocate.joined_at, advocate.stage) == ("invited", None, Advocate.Stage.CUSTOMER)
        assert not Activity.objects.exists()

    def test_pods_are_found_by_name_and_contacts_by_address_when_the_map_says_so(
        self, load: Load, ines: Contact
    ) -> None:
        pod = make_pod(name="Nordics")
        map_ = '[fields]\ncontact = { column = "mail", through = "email" }\npod = "pod"\n'
        done = load("advocates", "mail,pod\nInes@Kestrel.example,nordics\nno@kestrel.example,x\n", map=map_)
        assert (done.counts["created"], done.counts["rejected"]) == (1, 1)
        assert Advocate.objects.get().pod == pod


class TestTheirOwnWord:
    def test_what_they_said_themselves_is_not_overwritten(self, load: Load) -> None:
        ines = make_advocate("Ines")
        told = {"expertise": ["supply chains"], "asks_a_quarter": 1, "take_part": "teach", "thanked": "note"}
        profile.tell(ines, told, at=NOON)
        load(
            "advocates",
            "contact_id,expertise,about,asks_a_quarter,type,thanks\n"
            f"{ines.contact.external_id},gossip,From the spreadsheet,9,validator,gift\n",
        )
        ines.refresh_from_db()
        assert (ines.expertise, ines.about) == (["supply chains"], "From the spreadsheet")
        assert (ines.asks_a_quarter, ines.type, ines.thanks) == (1, "educator", "note")

    def test_nor_does_the_crm_know_better_what_they_are_called(self, load: Load) -> None:
        make_account("Acorn", external_id="A-1")
        rows = "contact_id,account_id,given_name,title,time_zone,persona\nC-1,A-1,Ines,Planner,,{}\n"
        load("contacts", rows.format("user"))
        ines = make_advocate(contact=Contact.objects.get())
        profile.tell(ines, {"title": "Head of planning", "time_zone": "Europe/Lisbon"}, at=NOON)
        load("contacts", rows.replace("Ines", "Inês").format("champion"))
        found = Contact.objects.get()
        assert (found.title, found.time_zone) == ("Head of planning", "Europe/Lisbon")
        assert (found.given_name, found.persona) == ("Inês", "champion"), "what they have not told follows the CRM"

    def test_what_they_never_want_is_known_by_name_and_unknown_words_are_refused(self, load: Load) -> None:
        make_kind("reference_call", name="Reference call")
        make_contact("Ines", external_id="C-1")
        make_contact("Omar", external_id="C-2")
        done = load("advocates", "contact_id,never,wants\nC-1,Reference call,reference_call\nC-2,Juggling,\n")
        ines = Advocate.objects.get()
        assert (ines.never, ines.wants) == (["reference_call"], ["reference_call"])
        assert "“juggling” is not known here" in done.reasons[0]

    @pytest.mark.parametrize("status", ["left", "declined"])
    def test_no_file_brings_back_who_left_or_declined(self, load: Load, status: str) -> None:
        mei = make_advocate("Mei", status=status, joined_at=NOON)
        done = load("advocates", f"contact_id,status,pod\n{mei.contact.external_id},member,\n")
        assert f"“{status}” here and no file brings them back" in done.reasons[0]
        mei.refresh_from_db()
        assert mei.status == status

    def test_a_status_moves_only_along_its_moves(self, load: Load) -> None:
        mei = make_advocate("Mei", status="left", joined_at=NOON)
        omar = make_advocate("Omar")
        rows = f"contact_id,status\n{mei.contact.external_id},applied\n{omar.contact.external_id},left\n"
        done = load("advocates", rows)
        assert "“left” here, which cannot become “applied”" in done.reasons[0]
        omar.refresh_from_db()
        assert (omar.status, omar.left_at is not None) == ("left", True)

    def test_a_consent_without_wording_or_day_or_known_name_is_refused(self, load: Load, ines: Contact) -> None:
        head = "contact_id,consents,consent_date,wording\n"
        for row, said in (
            ("C-1,newsletter,2026-01-01,\n", "wording"), ("C-1,newsletter,,I agree.\n", "day"),
            ("C-1,everything,2026-01-01,I agree.\n", "everything"), ("C-1,newsletter,2199-01-01,Yes.\n", "future"),
        ):  # fmt: skip
            done = load("advocates", head + row)
            assert done.counts["rejected"] == 1
            assert said in done.reasons[0]
        assert not Advocate.objects.exists()
        assert not ConsentEntry.objects.exists()

    def test_the_erased_and_the_unknown_stay_out(self, load: Load) -> None:
        make_contact(external_id="C-2", erased_at=NOON)
        done = load("advocates", "contact_id\nC-2\nC-404\n")
        assert done.counts["rejected"] == 2
        assert "erased" in done.reasons[0]
        assert "C-404" in done.reasons[1]
