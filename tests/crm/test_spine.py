"""One spine of deeds: each once, with two times, under the account of that day."""

from datetime import timedelta

import pytest
from django.db import InternalError, transaction
from django.utils import timezone

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Activity
from tests.factories import NOON, make_account, make_contact

pytestmark = pytest.mark.django_db


def test_a_deed_told_twice_is_one_deed() -> None:
    ines = make_contact("Ines")
    assert spine.record(Deed.JOINED, contact=ines, at=NOON, source=("test", 1))
    assert not spine.record(Deed.JOINED, contact=ines, at=NOON, source=("test", 1))
    assert not spine.record(Deed.JOINED, contact=ines, at=NOON + timedelta(hours=1), source=("test", 1))
    assert Activity.objects.get().at == NOON


def test_two_deeds_of_one_source_are_two() -> None:
    ines = make_contact("Ines")
    spine.record(Deed.CLAIMED, contact=ines, at=NOON, source=("claim", 1))
    spine.record(Deed.VERIFIED, contact=ines, at=NOON, source=("claim", 1))
    assert Activity.objects.count() == 2


def test_history_stays_with_the_account_of_that_day() -> None:
    old, new = make_account("Old"), make_account("New")
    ines = make_contact("Ines", old)
    spine.record(Deed.JOINED, contact=ines, at=NOON, source=("test", 1))
    ines.account = new
    ines.save()
    spine.record(Deed.THANKED, contact=ines, at=NOON, source=("test", 1))
    assert dict(Activity.objects.values_list("deed", "account__name")) == {"joined": "Old", "thanked": "New"}


def test_it_says_when_it_happened_and_when_we_learned_of_it() -> None:
    before = timezone.now()
    spine.record(Deed.CARE_CALL, contact=make_contact("Ines"), at=NOON, source=("test", 1))
    deed = Activity.objects.get()
    assert deed.at == NOON
    assert deed.recorded_at >= before


def test_the_database_refuses_to_lose_a_deed() -> None:
    spine.record(Deed.JOINED, contact=make_contact("Ines"), at=NOON, source=("test", 1))
    with pytest.raises(InternalError, match="annot"), transaction.atomic():
        Activity.objects.all().delete()
    assert Activity.objects.exists()
