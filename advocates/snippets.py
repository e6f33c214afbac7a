"""Words used again and again: who sees which, who may change them, and how they read for one person (P12)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from advocacy.crm.models import Contact, Program
from advocacy.lib.lifecycle import Refused
from advocates.invitations import check_merge_fields, fill
from advocates.models import Snippet

SHARE = "advocates.change_snippet"
"""The right to change what the whole team uses."""


@dataclass(frozen=True)
class Filled:
    """A snippet as it reads for one person."""

    name: str
    text: str


def of(user: Any) -> "QuerySet[Snippet]":
    """One's own, and the team's."""
    return Snippet.objects.filter(Q(owner=user.pk) | Q(owner__isnull=True))


def may_change(snippet: Snippet, user: Any) -> bool:
    """One's own always; the team's with the right."""
    return snippet.owner_id == user.pk if snippet.owner_id else bool(user.has_perm(SHARE))


def filled(snippets: Iterable[Snippet], contact: Contact, *, by: Any) -> list[Filled]:
    """Each with its merge fields filled in for this person; ``manager`` is who writes."""
    program = Program.current()
    values = {
        "given_name": contact.given_name or contact.full_name, "account": contact.account.name,
        "program": program.name, "company": program.company or program.name, "manager": str(by),
    }  # fmt: skip
    return [Filled(one.name, fill(one.text, values)) for one in snippets]


@transaction.atomic
def save(snippet: Snippet | None, *, name: str, text: str, shared: bool, at: datetime, by: Any) -> Snippet:
    """Add or change a snippet. A merge field nobody knows is refused here, not in somebody's mail."""
    name, text = " ".join(name.split()), text.strip()
    if not name or not text:
        raise Refused(_("Give it a name and its words."))
    try:
        check_merge_fields(text)
    except ValidationError as wrong:
        raise Refused(" ".join(wrong.messages)) from None
    if shared and not by.has_perm(SHARE):
        raise Refused(_("Only leads change what the whole team uses. Keep it for yourself."))
    if snippet is not None and not may_change(snippet, by):
        raise Refused(_("Only leads change what the whole team uses. Keep it for yourself."))
    snippet = snippet or Snippet()
    snippet.name, snippet.text, snippet.changed_at = name[:60], text[:2_000], at
    snippet.owner = None if shared else by
    try:
        with transaction.atomic():
            snippet.save()
    except IntegrityError:
        raise Refused(_("There is a snippet “%(name)s” already. Choose another name.") % {"name": name}) from None
    return snippet


@transaction.atomic
def remove(snippet: Snippet, *, by: Any) -> None:
    """Throw a snippet away."""
    if not may_change(snippet, by):
        raise Refused(_("Only leads change what the whole team uses."))
    snippet.delete()
