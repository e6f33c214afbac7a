"""What the lists of people hold as files: one row of columns for each list (``advocacy.lib.export``)."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from advocacy.lib.export import Column
from advocates import budget, commitments, customers, rungs
from advocates.models import Advocate

E_MAIL = "crm.view_contact"
"""Whoever sees contacts sees their addresses; moderators, who see advocates, do not."""

ADVOCATES = (
    Column(_("name"), "contact.full_name"),
    Column(_("e-mail"), "contact.email", right=E_MAIL),
    Column(_("title"), "contact.title"),
    Column(_("account"), "contact.account.name"),
    Column(_("region"), "contact.account.region"),
    Column(_("status"), "get_status_display"),
    Column(_("joined"), "joined_at"),
    Column(_("stage"), "get_stage_display"),
    Column(_("rung"), "rung_name"),
    Column(_("pod"), "pod.name"),
    Column(_("advocate manager"), "pod.manager"),
    Column(_("can be asked"), "can_be_asked"),
    Column(_("because"), "why_not_asked"),
    Column(_("last asked"), "last_asked_at"),
)

INVITATIONS = (
    Column(_("name"), "advocate.contact.full_name"),
    Column(_("e-mail"), "advocate.contact.email", right=E_MAIL),
    Column(_("account"), "advocate.contact.account.name"),
    Column(_("status"), "get_status_display"),
    Column(_("invited"), "created_at"),
    Column(_("sent"), "sent_at"),
    Column(_("clicked"), "clicked_at"),
    Column(_("answered"), "answered_at"),
    Column(_("reminders"), "reminders"),
    Column(_("by rule"), "firing.rule.name"),
    Column(_("by"), "invited_by"),
)

APPLICATIONS = (
    Column(_("given name"), "given_name"),
    Column(_("family name"), "family_name"),
    Column(_("e-mail"), "email", right=E_MAIL),
    Column(_("company"), "company"),
    Column(_("title"), "title"),
    Column(_("region"), "region"),
    Column(_("language"), "language"),
    Column(_("what they hope for"), "why"),
    Column(_("status"), "get_status_display"),
    Column(_("applied"), "filed_at"),
    Column(_("decided"), "decided_at"),
    Column(_("decided by"), "decided_by"),
    Column(_("reason"), "reason"),
)

POINTS = (
    Column(_("advocate"), "advocate.contact.full_name"),
    Column(_("account"), "advocate.contact.account.name"),
    Column(_("points"), "points"),
    Column(_("for"), "reason"),
    Column(_("at"), "at"),
)


def with_availability(found: list[Advocate]) -> None:
    """Whether each can be asked and on which rung they stand, as the list says it."""
    at = timezone.now()
    free, standing = budget.availabilities(found, at=at), rungs.rungs(found, at=at)
    for advocate in found:
        one: Any = advocate
        one.can_be_asked, one.why_not_asked = free[advocate.pk].is_open, free[advocate.pk].sentence
        one.rung_name = rungs.NAMES.get(standing[advocate.pk], "")


CUSTOMERS = (
    Column(_("id"), "external_id"),
    Column(_("name"), "name"),
    Column(_("domain"), "domain"),
    Column(_("belongs to"), "parent.name"),
    Column(_("industry"), "industry"),
    Column(_("employees"), "employees"),
    Column(_("annual value"), "annual_value"),
    Column(_("currency"), "currency"),
    Column(_("region"), "region"),
    Column(_("country"), "country"),
    Column(_("language"), "language"),
    Column(_("products"), "products"),
    Column(_("customer since"), "contract_start"),
    Column(_("renewal"), "renewal_on"),
    Column(_("account owner"), "owner"),
    Column(_("success manager"), "csm"),
    Column(_("readiness"), "get_readiness_display"),
    Column(_("because"), "readiness_reason"),
    Column(_("members"), "members"),
    Column(_("owed by contract"), "owed"),
    Column(_("source"), "source"),
    Column(_("as of"), "facts_at"),
)


def with_members_and_owed(accounts: list[Any]) -> None:
    """Look up for all of these accounts what two columns say."""
    ids = [account.pk for account in accounts]
    members, standings = customers.members_of(ids), commitments.standings(ids, at=timezone.now())
    for account in accounts:
        account.members = members.get(account.pk, 0)
        account.owed = sum(line.owed for line in standings.get(account.pk, ()))


NOMINATIONS = (
    Column(_("given name"), "given_name"),
    Column(_("family name"), "family_name"),
    Column(_("e-mail"), "email", right=E_MAIL),
    Column(_("title"), "title"),
    Column(_("company"), "company"),
    Column(_("why they would be a good advocate"), "why"),
    Column(_("nominated by"), "by"),
    Column(_("filed"), "filed_at"),
    Column(_("status"), "get_status_display"),
    Column(_("advocate"), "contact.advocate.get_status_display"),
    Column(_("decided"), "decided_at"),
    Column(_("by"), "decided_by"),
    Column(_("reason"), "reason"),
)

CREDITS = (
    Column(_("colleague"), "nomination.by"),
    Column(_("customer"), "nomination.name"),
    Column(_("company"), "nomination.company"),
    Column(_("qualifying deed"), "get_deed_display"),
    Column(_("qualified"), "deed_at"),
    Column(_("amount"), "amount"),
    Column(_("currency"), "currency"),
    Column(_("status"), "get_status_display"),
    Column(_("decided"), "approved_at"),
    Column(_("by"), "approved_by"),
    Column(_("paid on"), "paid_on"),
    Column(_("rule"), "rule.name"),
)

PEOPLE = (
    Column(_("given name"), "given_name"),
    Column(_("family name"), "family_name"),
    Column(_("e-mail"), "email", right=E_MAIL),
    Column(_("title"), "title"),
    Column(_("role at the account"), "get_persona_display"),
    Column(_("account"), "account.name"),
    Column(_("region"), "account.region"),
    Column(_("country"), "country"),
    Column(_("in the program"), "advocate.get_status_display"),
)
"""Contacts, whether or not they are in the program."""

WISHES = (
    Column(_("advocate"), "advocate.contact.full_name"),
    Column(_("account"), "advocate.contact.account.name"),
    Column(_("what it is about"), "get_kind_display"),
    Column(_("wish"), "text"),
    Column(_("asked"), "created_at"),
    Column(_("status"), "get_status_display"),
    Column(_("who takes care of it"), "owner"),
    Column(_("answer by"), "due_on"),
    Column(_("what came of it"), "outcome"),
    Column(_("answered"), "answered_at"),
)
