"""What members change about themselves: facts, limits, away dates, consents; and leaving."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from advocacy.crm import consent, spine
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, RoleGrant, User
from advocates import budget, types, wording
from advocates.models import Advocate, AwayPeriod, Recognition

OF_CONTACT = ("given_name", "family_name", "title", "linkedin", "language", "time_zone")
OF_ADVOCATE = (
    "expertise", "interests", "wants", "never", "goals", "about", "valuable", "years_of_experience", "prefers_private",
    "ruled_out", "asks_a_quarter",
)  # fmt: skip


@transaction.atomic
def tell(advocate: Advocate, data: Mapping[str, Any], *, at: datetime) -> list[str]:
    """Keep what an advocate says about themselves; returns what changed. Each value remembers who gave it and when."""
    account = budget.lock(advocate)
    advocate = Advocate.objects.select_related("contact", "user").get(pk=advocate.pk)
    contact, changed = advocate.contact, []
    for name in OF_CONTACT:
        if name in data and getattr(contact, name) != data[name]:
            setattr(contact, name, data[name])
            changed.append(name)
    for name in OF_ADVOCATE:
        if name in data and getattr(advocate, name) != data[name]:
            setattr(advocate, name, data[name])
            changed.append(name)
    if (said := types.type_of(str(data.get("take_part", "")))) and said != advocate.type:
        advocate.type = said
        changed.append("take_part")
    if (thanks := data.get("thanked")) and thanks != advocate.thanks:
        advocate.thanks = thanks
        changed.append("thanked")
    if not changed:
        return []
    advocate.told = {**advocate.told, **{name: at.isoformat() for name in changed}}
    contact.save(update_fields=list(OF_CONTACT))
    advocate.save(update_fields=[*OF_ADVOCATE, "type", "thanks", "told"])
    if advocate.user is not None:
        _same_for_user(advocate.user, advocate)
    if "asks_a_quarter" in changed:
        budget.project(account, at=at)
    return changed


def _same_for_user(user: User, advocate: Advocate) -> None:
    contact = advocate.contact
    user.name, user.title = contact.full_name, contact.title
    user.language, user.time_zone = contact.language or user.language, contact.time_zone or user.time_zone
    user.save(update_fields=["name", "title", "language", "time_zone"])


@transaction.atomic
def finish_wizard(advocate: Advocate, data: Mapping[str, Any], *, at: datetime) -> None:
    """The talk after joining is over, whether or not anything was said."""
    tell(advocate, data, at=at)
    Advocate.objects.filter(pk=advocate.pk, wizard_done_at__isnull=True).update(wizard_done_at=at)


@transaction.atomic
def add_away(advocate: Advocate, *, starts_on: date, ends_on: date) -> AwayPeriod:
    """Days on which nobody asks them anything."""
    if advocate.away.count() >= 50:
        raise Refused(_("These are enough away dates; take an old one out first."))
    return AwayPeriod.objects.create(advocate=advocate, starts_on=starts_on, ends_on=ends_on)


@transaction.atomic
def set_consent(advocate: Advocate, purpose: str, *, given: bool, at: datetime, by: Any) -> None:
    """A yes or a no to one purpose, from the page of consents; it counts from this moment on."""
    if purpose not in Purpose.values:
        raise Refused(_("There is no such consent."))
    words = str(wording.CONSENT[Purpose(purpose)])
    if given:
        consent.grant(advocate.contact, purpose, wording=words, at=at, source="profile", by=by)
    else:
        consent.withdraw(advocate.contact, purpose, wording=words, at=at, source="profile", by=by)


@transaction.atomic
def answer_recognition(recognition: Recognition, *, yes: bool, at: datetime) -> None:
    """The celebrated person says whether the words may be shown. Their yes celebrates them."""
    column = {"approved_at": at} if yes else {"declined_at": at}
    waiting = Recognition.objects.filter(pk=recognition.pk, approved_at__isnull=True, declined_at__isnull=True)
    if not waiting.update(**column):
        raise Refused(_("This has been answered already."))
    if yes:
        spine.record(Deed.CELEBRATED, at=at, source=recognition, contact=recognition.advocate.contact)


@transaction.atomic
def leave(advocate: Advocate, *, at: datetime, by: Any) -> None:
    """Out of the program: every consent is taken back, nothing is asked any more. Points and history stay theirs."""
    budget.lock(advocate)
    advocate = Advocate.objects.select_related("contact", "user").get(pk=advocate.pk)
    advocate.move_to(Advocate.Status.LEFT, left_at=at)
    for purpose in consent.standing(advocate.contact, at=at):
        consent.withdraw(advocate.contact, purpose, wording=_("I leave the program."), at=at, source="leaving", by=by)
    if advocate.user is not None:
        RoleGrant.objects.filter(user=advocate.user, role=Role.ADVOCATE).delete()
    spine.record(
        Deed.LEFT, at=at, source=("advocates.advocate", f"{advocate.pk}:{at.date()}"), contact=advocate.contact
    )
