"""What a lifecycle rule can make this app do: invite, give the manager a task, let asks rest."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from advocacy.crm import readiness
from advocacy.crm.models import Contact, Program
from advocacy.lib.lifecycle import Refused
from advocates import connections, invitations, pods
from advocates.actions.invitations import invite
from advocates.lifecycle import REST, Doing, Done, Effect, WhyNotAfter, register, rest_after, rest_ends
from advocates.models import Task


def _invite(doing: Doing) -> str:
    if doing.contact is None:
        raise Refused(_("There is nobody to invite."))
    invite(doing.contact, at=doing.at, firing=doing.firing, beta=bool(doing.rule.effect_params.get("beta")))
    return _("%(name)s was invited to the program.") % {"name": doing.contact.full_name}


def _why_not_invite(contact: Contact | None, at: datetime, params: Mapping[str, Any]) -> str | None:
    return _("There is nobody to invite.") if contact is None else invitations.why_not(contact, at=at)


def _why_not_invite_many(asked: Sequence[tuple[Contact, datetime]], params: Mapping[str, Any]) -> list[str | None]:
    return invitations.refusals(asked)


def _why_not_invite_after() -> WhyNotAfter:
    """Whoever would have been invited would have had an invitation for as long as one is valid; asks might rest."""
    valid = timedelta(days=Program.current().invitation_valid_days)

    def why_not(contact: Contact, done: Sequence[Done], at: datetime, params: Mapping[str, Any]) -> str | None:
        words = {"name": contact.full_name, "account": contact.account.name}
        if any(one.effect == "invite" and one.contact == contact and one.at > at - valid for one in done):
            return str(invitations.REFUSALS["open"]) % words
        if (rest := rest_after(done, at=at)) is not None:
            return str(invitations.REFUSALS["paused"]) % {**words, "reason": rest.rule}
        return None

    return why_not


def _task(doing: Doing) -> str:
    account = doing.signal.account
    manager = pods.manager_of_account(account)
    text = str(doing.rule.effect_params.get("text") or doing.rule.name)
    Task.objects.get_or_create(
        key=f"rule:{doing.firing.pk}",
        defaults={
            "kind": Task.Kind.OTHER, "text": f"{account.name}: {text}"[:300], "account": account,
            "advocate": getattr(doing.signal.contact, "advocate", None) if doing.signal.contact else None,
            "assignee": manager, "created_at": doing.at,
            "due_at": doing.at + timedelta(days=int(doing.rule.effect_params.get("days") or 3)),
        },
    )  # fmt: skip
    if manager is None:
        return _("A task was opened for the reference managers.")
    return _("A task was opened for %(name)s.") % {"name": manager}


def _check_connect(params: Mapping[str, Any]) -> None:
    _check_days(params, most=90, default=7)


def _check_task(params: Mapping[str, Any]) -> None:
    if not str(params.get("text") or "").strip():
        raise ValidationError({"text": _("Say what the task is.")})
    _check_days(params, most=90, default=3)


def _rest(doing: Doing) -> str:
    until = rest_ends(doing.rule.effect_params, at=doing.at)
    readiness.pause(
        doing.signal.account, reason=doing.rule.name, by=None, at=doing.at, until=until, key=f"rule:{doing.firing.pk}"
    )
    return _("Asks rest at %(account)s until %(day)s.") % {
        "account": doing.signal.account.name,
        "day": f"{until:%Y-%m-%d}",
    }


def _check_days(params: Mapping[str, Any], *, most: int = 365, default: int = 30) -> None:
    days = params.get("days", default)
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= most:
        raise ValidationError({"days": _("Days are a whole number from 1 to %(most)s.") % {"most": most}})


def _connect(doing: Doing) -> str:
    """The manager introduces people, not the portal: the task names who could meet whom, and why."""
    if refusal := _why_not_connect(doing.contact, doing.at, doing.rule.effect_params):
        raise Refused(refusal)
    assert doing.contact is not None
    account = doing.signal.account
    named = [
        _("%(name)s (%(account)s)") % {"name": one.contact.full_name, "account": one.contact.account.name}
        for one in connections.for_contact(doing.contact, at=doing.at)
    ]
    said = str(doing.rule.effect_params.get("text") or "").strip()
    Task.objects.get_or_create(
        key=f"rule:{doing.firing.pk}:{doing.contact.pk}",
        defaults={
            "kind": Task.Kind.NURTURE,
            "text": (
                _("%(account)s: introduce %(name)s to %(others)s.")
                % {"account": account.name, "name": doing.contact.full_name, "others": _(" and ").join(named)}
                + (f" {said}" if said else "")
            )[:300],
            "account": account, "advocate": getattr(doing.contact, "advocate", None),
            "assignee": pods.manager_of_account(account), "created_at": doing.at,
            "due_at": doing.at + timedelta(days=int(doing.rule.effect_params.get("days") or 7)),
        },
    )  # fmt: skip
    return _("A task to introduce %(name)s to %(others)s was opened.") % {
        "name": doing.contact.full_name,
        "others": _(" and ").join(named),
    }


def _why_not_connect(contact: Contact | None, at: datetime, params: Mapping[str, Any]) -> str | None:
    if contact is None or contact.erased_at is not None:
        return _("There is nobody to introduce.")
    if contact.left_on is not None and contact.left_on <= at.date():
        return _("%(name)s has left %(account)s.") % {"name": contact.full_name, "account": contact.account.name}
    if not connections.for_contact(contact, at=at, most=1):
        return _("No member who may be introduced fits %(name)s.") % {"name": contact.full_name}
    return None


def _nothing_against(contact: Contact | None, at: datetime, params: Mapping[str, Any]) -> str | None:
    return None


register(
    Effect(
        "invite", _l("invite to the program"), do=_invite, why_not=_why_not_invite,
        why_not_many=_why_not_invite_many, why_not_after=_why_not_invite_after,
    )
)  # fmt: skip
register(
    Effect(
        "task", _l("give the manager a task"), do=_task, why_not=_nothing_against, needs_person=False, check=_check_task
    )
)
register(Effect(REST, _l("let asks rest"), do=_rest, why_not=_nothing_against, needs_person=False, check=_check_days))
register(
    Effect(
        "connect", _l("suggest a connection to two members"), do=_connect, why_not=_why_not_connect,
        check=_check_connect,
    )
)  # fmt: skip
