"""What the people app has to find: customers, advocates, contacts, cohorts."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.crm.models import Account, Contact
from advocacy.lib.finding import MOST, Hit, Source, register
from advocacy.lib.searching import loosely
from advocates.models import Advocate, Cohort


def _named(rows: "QuerySet[Any]", words: Sequence[str], *, prefix: str) -> "QuerySet[Any]":
    """People with every word in their name, or with the one word as their address."""
    if len(words) == 1 and "@" in words[0]:
        return rows.annotate(address=Lower(f"{prefix}email")).filter(address=words[0].lower())
    for word in words:
        rows = rows.filter(
            Q(**{f"{prefix}given_name__iregex": loosely(word)}) | Q(**{f"{prefix}family_name__iregex": loosely(word)})
        )
    return rows


def _customers(reader: Any, words: Sequence[str]) -> list[Hit]:
    rows = Account.objects.visible_to(reader)
    for word in words:
        rows = rows.filter(Q(name__icontains=word) | Q(domain__istartswith=word))
    found = rows.order_by("name", "pk").values_list("pk", "name", "industry", "region")[: MOST + 1]
    return [
        Hit(name, reverse("advocates:customer", args=[pk]), " · ".join(filter(None, more))) for pk, name, *more in found
    ]


def _advocates(reader: Any, words: Sequence[str]) -> list[Hit]:
    rows = _named(Advocate.objects.visible_to(reader), words, prefix="contact__").select_related("contact__account")
    return [
        Hit(
            row.contact.full_name, reverse("advocates:advocate", args=[row.public_id]),
            f"{row.contact.account.name} · {row.get_status_display()}",
        )
        for row in rows.order_by("contact__family_name", "pk")[: MOST + 1]
    ]  # fmt: skip


def _contacts(reader: Any, words: Sequence[str]) -> list[Hit]:
    rows = _named(
        Contact.objects.visible_to(reader).filter(advocate__isnull=True, erased_at__isnull=True), words, prefix=""
    )
    return [
        Hit(
            row.full_name, reverse("advocates:customer", args=[row.account_id]),
            ", ".join(filter(None, [row.title, row.account.name])),
        )
        for row in rows.select_related("account").order_by("family_name", "pk")[: MOST + 1]
    ]  # fmt: skip


def _cohorts(reader: Any, words: Sequence[str]) -> list[Hit]:
    rows = Cohort.objects.all()
    for word in words:
        rows = rows.filter(name__icontains=word)
    found = rows.order_by("name", "pk").values_list("pk", "name")[: MOST + 1]
    return [Hit(name, reverse("advocates:cohort", args=[pk]), _("cohort")) for pk, name in found]


def _list(name: str) -> Any:
    return lambda words: f"{reverse(name)}?{urlencode({'q': words})}"


register(
    Source("advocates", _l("Advocates"), "advocates", "advocates.view_advocate", 10, _advocates,
           lambda words: f"{reverse('advocates:advocates')}?{urlencode({'q': words, 'status': 'all'})}"),
    Source("customers", _l("Customers"), "accounts", "crm.view_account", 20, _customers, _list("advocates:customers")),
    Source("contacts", _l("Contacts"), "people", "crm.view_contact", 30, _contacts),
    Source("cohorts", _l("Cohorts"), "filter", "advocates.view_cohort", 80, _cohorts),
)  # fmt: skip
