"""Members who could be introduced to a customer: mentors and peers who know the way (P17). Reads only."""

from datetime import datetime

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, Value, When

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Account, ConsentState, Contact
from advocates.models import Advocate, AwayPeriod

AT_MOST = 2


def for_contact(contact: Contact, *, at: datetime, most: int = AT_MOST) -> list[Advocate]:
    """Members elsewhere who agreed to be introduced and whom nothing keeps: their own trade first, then their region.

    Among equals whoever has gone further in the program, for they have more to tell; no two of one account.
    """
    account = contact.account
    agreed = ConsentState.objects.filter(contact=OuterRef("contact"), purpose=Purpose.INTRODUCTIONS).in_force(at=at)
    today = at.date()
    away = AwayPeriod.objects.filter(advocate=OuterRef("pk"), starts_on__lte=today, ends_on__gte=today)
    alike = Case(
        *([When(contact__account__industry__iexact=account.industry, then=Value(2))] if account.industry else []),
        default=Value(0), output_field=IntegerField(),
    )  # fmt: skip
    near = Case(
        *([When(contact__account__region=account.region, then=Value(1))] if account.region else []),
        default=Value(0), output_field=IntegerField(),
    )  # fmt: skip
    members = (
        Advocate.objects.filter(Exists(agreed), status=Advocate.Status.MEMBER, joined_at__lte=at)
        .filter(contact__account__readiness=Account.Readiness.READY, contact__erased_at__isnull=True)
        .filter(Q(contact__left_on__isnull=True) | Q(contact__left_on__gt=today))
        .filter(Q(resting_until__isnull=True) | Q(resting_until__lte=at))
        .exclude(contact__account=account)
        .exclude(Exists(away))
        .select_related("contact__account")
        .order_by((alike + near).desc(), "-stage", "joined_at", "pk")
    )
    found: dict[int, Advocate] = {}
    for advocate in members[: most * 10]:
        found.setdefault(advocate.contact.account_id, advocate)
        if len(found) == most:
            break
    return list(found.values())
