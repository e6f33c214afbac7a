"""Whoever speaks for the company is asked before anybody goes to media or analysts (O7)."""

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from advocacy.delivery.models import Message
from advocacy.delivery.notifications import notify, settled
from advocacy.lib.lifecycle import Refused
from opportunities import urgent
from opportunities.mails import urgent as mails
from opportunities.models import ReferenceRequest


def ask(locked: ReferenceRequest, *, at: datetime) -> bool:
    """Ask whoever approves this kind for this team, if anybody has to; whether a word is waited for."""
    approver = urgent.spokesperson(locked.team, locked.kind)
    if approver is None:
        _write(locked, approver=None, approver_asked_at=None, approver_answered_at=None, approver_said="",
               approver_words="")  # fmt: skip
        return False
    own = approver.pk == locked.requester_id  # who speaks for the company has said yes by asking
    _write(
        locked, approver=approver, approver_asked_at=at, approver_answered_at=at if own else None,
        approver_said="yes" if own else "", approver_words="",
    )  # fmt: skip
    if own:
        return False
    mails.asked(locked, at=at)
    may = approver.has_perm("opportunities.approve_asks")  # who may not has the link in their mail
    url = reverse("opportunities:media_approval", args=[locked.public_id]) if may else ""
    said = _("May we go to customers for %(prospect)s? It is wanted within hours.") % {"prospect": locked.prospect}
    notify(approver, "media_approval", key=mails.key_of(locked), text=said[:300], url=url, at=at)
    return True


def said(locked: ReferenceRequest, word: str, *, words: str, at: datetime) -> None:
    """Write down what they said; what was to reach them does not any more."""
    leave_alone(locked, because="answered", at=at)
    _write(locked, approver_said=word, approver_answered_at=at, approver_words=words.strip()[:300])


def leave_alone(locked: ReferenceRequest, *, because: str, at: datetime) -> None:
    """What was to reach them about it does not any more: it is answered, or has ended."""
    key = mails.key_of(locked)
    unsent = Message.objects.filter(kind=mails.ASKED, dedupe_key__in=[key, f"{key}:again"])
    unsent.filter(status=Message.Status.DUE).update(status=Message.Status.CANCELLED, result=because)
    settled("media_approval", key=key, at=at)


def must_have_agreed(locked: ReferenceRequest) -> None:
    """Nobody is asked before whoever speaks for the company has said yes."""
    if locked.approver_asked_at is None or locked.approver_said == "yes":
        return
    who = locked.approver or _("The spokesperson")
    if locked.approver_said == "no":
        raise Refused(_("%(name)s said no to this. Ask them again before anybody is asked.") % {"name": who})
    raise Refused(_("%(name)s has to approve it first; until then nobody is asked.") % {"name": who})


def _write(locked: ReferenceRequest, **fields: object) -> None:
    ReferenceRequest.objects.filter(pk=locked.pk).update(**fields)
    for name, value in fields.items():
        setattr(locked, name, value)
