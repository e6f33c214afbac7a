"""No consent, no use: the ledger only grows, the projection follows it, a later no beats an earlier yes (P6)."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.db import InternalError, connection, transaction
from django.utils import timezone

from advocacy.crm import consent
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import ConsentEntry, ConsentState, Contact
from tests.factories import NOON, make_contact

pytestmark = pytest.mark.django_db

CALLS = Purpose.REFERENCE_CALLS


class TestSayingYesAndNo:
    def test_nobody_has_consented_before_they_were_asked(self) -> None:
        assert not consent.allows(make_contact("Ines"), CALLS, at=NOON)

    def test_a_yes_holds_for_its_own_purpose_only(self) -> None:
        ines = make_contact("Ines")
        consent.grant(ines, CALLS, wording="You may ask me for calls.", at=NOON, source="join page")
        assert consent.standing(ines, at=NOON) == {CALLS}
        assert list(Contact.objects.consenting(CALLS, at=NOON)) == [ines]
        assert not consent.allows(ines, Purpose.SPEAKING, at=NOON)

    def test_taking_it_back_counts_at_once_and_keeps_the_evidence(self) -> None:
        ines = make_contact("Ines")
        consent.grant(ines, CALLS, wording="You may ask me for calls.", at=NOON, source="join page")
        consent.withdraw(ines, CALLS, at=NOON + timedelta(minutes=1), source="profile")
        assert not consent.allows(ines, CALLS, at=NOON + timedelta(minutes=1))
        assert list(ConsentEntry.objects.order_by("at").values_list("given", "wording")) == [
            (True, "You may ask me for calls."),
            (False, ""),
        ]

    def test_a_yes_ends_when_it_expires(self) -> None:
        ines = make_contact("Ines")
        consent.grant(ines, CALLS, wording="For a year.", at=NOON, source="mail", expires_at=NOON + timedelta(days=365))
        assert consent.allows(ines, CALLS, at=NOON + timedelta(days=364))
        assert not consent.allows(ines, CALLS, at=NOON + timedelta(days=365))

    def test_a_yes_dated_ahead_does_not_outlast_a_no(self) -> None:
        ines, now = make_contact("Ines"), timezone.now()
        consent.grant(ines, CALLS, wording="Yes.", at=now + timedelta(hours=20), source="import:crm")
        consent.withdraw(ines, CALLS, at=now + timedelta(hours=1), source="profile")
        assert not consent.allows(ines, CALLS, at=now + timedelta(hours=2))

    def test_entries_that_arrive_in_any_order_end_in_the_same_state(self) -> None:
        story = [
            (NOON, True),
            (NOON + timedelta(days=1), False),
            (NOON + timedelta(days=2), True),
            (NOON + timedelta(days=3), False),
        ]
        for order in permutations(story):
            ines = make_contact("Ines")
            for at, given in order:
                consent.put_on_record(ines, CALLS, given=given, wording="…", at=at, source="import")
            assert not consent.allows(ines, CALLS, at=NOON + timedelta(days=9)), order


class TestTheLedgerOnlyGrows:
    @pytest.mark.parametrize("change", ["UPDATE crm_consententry SET given = true", "DELETE FROM crm_consententry"])
    def test_the_database_refuses_to_change_an_entry(self, change: str) -> None:
        ines = make_contact("Ines")
        consent.withdraw(ines, CALLS, at=NOON, source="profile")
        with pytest.raises(InternalError, match="annot"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)
        assert ConsentEntry.objects.get().given is False

    def test_the_projection_always_names_the_entry_it_comes_from(self) -> None:
        ines = make_contact("Ines")
        entry = consent.grant(ines, CALLS, wording="Yes.", at=NOON, source="mail", scope="Europe only")
        state = ConsentState.objects.get()
        assert (state.entry, state.scope, state.given) == (entry, "Europe only", True)
