"""Many mails that differ in a few columns are owed in one statement, as one after another would be."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, transaction

from advocacy.crm.catalogue import Purpose
from advocacy.delivery import outbox
from advocacy.delivery.models import Message
from tests.factories import NOON, make_contact

pytestmark = pytest.mark.django_db
MADE = ("id", "public_id", "message_id", "created_at")


def alike() -> Message:
    return Message(
        kind="note", template="newsletter/edition", params={"edition": 7, "words": ["é", None]}, batch="run",
        purpose=Purpose.NEWSLETTER, counts=False, created_at=NOON,
    )  # fmt: skip


def own(contact: Any, key: str, **more: Any) -> dict[str, Any]:
    return {
        "contact_id": contact.pk, "dedupe_key": key, "to_email": contact.email, "to_name": contact.full_name,
        "language": contact.language, "time_zone": contact.time_zone, "due_at": NOON, **more,
    }  # fmt: skip


def row(message: Message) -> dict[str, Any]:
    return {
        one.attname: getattr(message, one.attname) for one in Message._meta.concrete_fields if one.attname not in MADE
    }


def test_it_is_the_row_that_owing_one_writes() -> None:
    ines = make_contact("Ines O'Brien \\ {x}")
    assert outbox.owe_alike(alike(), [own(ines, "many")]) == 1
    one = outbox.owe(
        "note", to=ines, template="newsletter/edition", dedupe_key="one", at=NOON, batch="run", counts=False,
        params={"edition": 7, "words": ["é", None]}, purpose=Purpose.NEWSLETTER,
    )  # fmt: skip
    assert one is not None
    many = Message.objects.get(dedupe_key="many")
    assert row(many) == {**row(one), "dedupe_key": "many"}
    assert many.public_id != one.public_id
    assert many.message_id != one.message_id


def test_what_is_owed_already_stays_as_it_is() -> None:
    ines, omar = make_contact("Ines"), make_contact("Omar")
    outbox.owe_alike(alike(), [own(ines, "ines")])
    first = Message.objects.get()
    later = NOON + timedelta(days=1)
    assert outbox.owe_alike(alike(), [own(ines, "ines", due_at=later), own(omar, "omar", due_at=later)]) == 1
    first.refresh_from_db()
    assert first.due_at == NOON
    assert Message.objects.count() == 2


def test_nobody_costs_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert outbox.owe_alike(alike(), []) == 0


def test_what_is_too_long_is_refused_never_cut() -> None:
    ines = make_contact("Ines")
    with pytest.raises(DataError), transaction.atomic():
        outbox.owe_alike(alike(), [own(ines, "k" * 201)])
    assert not Message.objects.exists()
