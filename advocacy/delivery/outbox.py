"""Owing a mail: one row, written inside the transaction of the deed that owes it. The sender does the rest.

Nothing in the portal sends mail any other way.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from advocacy.crm.models import Contact
from advocacy.delivery import secrets, tasks
from advocacy.delivery.models import Message
from advocacy.lib.jobs import nudge
from advocacy.users.models import User

NAME = 200
"""How many characters of a name a mail is addressed with."""


def owe(
    kind: str,
    *,
    to: Contact | User | str,
    template: str,
    dedupe_key: str,
    at: datetime,
    params: Mapping[str, Any] | None = None,
    due_at: datetime | None = None,
    purpose: str = "",
    basis: str = "",
    counts: bool = True,
    reply_to: str = "",
    batch: str = "",
    secret: Mapping[str, Any] | None = None,
    name: str = "",
    time_zone: str = "",
) -> Message | None:
    """Put one mail into the outbox; the same ``kind`` and ``dedupe_key`` twice is one mail.

    ``template`` is a name such as ``opportunities/nomination`` (``templates/opportunities/mail/nomination.mjml`` and
    ``.txt``); ``params`` is JSON the template renders with, never a body. ``purpose`` is the consent read again at the
    last moment; empty means it needs none. ``secret`` is more parameters, kept encrypted and wiped once sent. ``name``
    and ``time_zone`` are for a bare address; whoever is known has their own.
    Returns the row, old or new, or None when the person has no address.
    """
    email, name, language, zone = _address(to, name, time_zone)
    if not email:
        return None
    if (purpose or basis) and not isinstance(to, Contact):
        raise ValueError("Consent is a contact's: mail that needs it is owed to a Contact.")
    Message.objects.bulk_create(
        [
            Message(
                kind=kind,
                dedupe_key=dedupe_key,
                template=template,
                params=dict(params or {}),
                secret=secrets.sealed(secret) if secret else None,
                contact=to if isinstance(to, Contact) else None,
                user=to if isinstance(to, User) else None,
                to_email=email,
                to_name=name,
                language=language,
                time_zone=zone,
                purpose=purpose,
                basis=basis,
                counts=counts,
                reply_to=reply_to,
                batch=batch,
                message_id=new_message_id(),
                due_at=due_at or at,
                created_at=at,
            )
        ],
        ignore_conflicts=True,
    )
    if due_at is None or due_at <= timezone.now():
        nudge_sender()
    return Message.objects.get(kind=kind, dedupe_key=dedupe_key)


def owe_alike(like: Message, each: Sequence[Mapping[str, Any]]) -> int:
    """Put many mails into the outbox that differ in a few columns only, such as the readers of an edition.

    ``like`` has what they share. Each of ``each`` names the same columns (``contact_id``, ``dedupe_key``, ``to_email``
    …); ``public_id`` and ``message_id`` are made here. What is owed already stays as it is; returns how many were new.
    One statement with an array for each column: a million rows by ``bulk_create`` take twice as long.
    """
    if not each:
        return 0
    meta, columns = Message._meta, [*each[0], "public_id", "message_id"]
    own = [one for one in meta.concrete_fields if one.attname in columns]
    shared = [one for one in meta.concrete_fields if not one.primary_key and one not in own]
    rows = [{**one, "public_id": uuid.uuid4(), "message_id": new_message_id()} for one in each]
    quote = connection.ops.quote_name

    def kind(one: Any) -> str:  # without its length: a cast would cut what is too long, where an insert says so
        return str(one.rel_db_type(connection)).partition("(")[0]

    statement = "INSERT INTO {table} ({columns}) SELECT {theirs}, {shared} FROM unnest({arrays}) AS own ({theirs})"
    with connection.cursor() as cursor:
        cursor.execute(
            statement.format(
                table=quote(meta.db_table),
                columns=", ".join(quote(str(one.column)) for one in [*own, *shared]),
                theirs=", ".join(quote(str(one.column)) for one in own),
                shared=", ".join(f"%s::{kind(one)}" for one in shared),
                arrays=", ".join(f"%s::{kind(one)}[]" for one in own),
            )
            + " ON CONFLICT DO NOTHING",
            [
                *(one.get_db_prep_save(getattr(like, one.attname), connection) for one in shared),
                *([one.get_db_prep_save(row[one.attname], connection) for row in rows] for one in own),
            ],
        )
        return int(cursor.rowcount)


def nudge_sender() -> None:
    """Wake a sender once this transaction has committed; lost nudges are made good by the clock."""

    def wake() -> None:
        nudge(tasks.send_due)

    waiting = transaction.get_connection().run_on_commit
    if not any(getattr(hook[1], "__qualname__", "") == wake.__qualname__ for hook in waiting):
        transaction.on_commit(wake)  # once for each transaction is enough, however many mails it owes


def new_message_id() -> str:
    """A Message-ID of our own, stored before the mail is made, so that a resend settled by hand carries the same."""
    return f"<{uuid.uuid4()}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"


def _address(to: Contact | User | str, name: str, time_zone: str) -> tuple[str, str, str, str]:
    if isinstance(to, str):
        return to, name, settings.LANGUAGE_CODE, time_zone or "UTC"
    if isinstance(to, User):
        return to.email, to.name[:NAME], to.language, to.time_zone
    return to.email, to.full_name[:NAME], to.language or settings.LANGUAGE_CODE, to.time_zone or "UTC"
