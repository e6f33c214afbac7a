"""The customer's word on a story or a proof: asked for, given, taken back; each on record (D13, D14).

Whoever changes an approval has locked its story, then its proof, then the approval.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm.models import Contact
from advocacy.delivery.models import Message
from advocacy.delivery.notifications import notify
from advocacy.lib.lifecycle import Refused
from advocates.models import Task
from opportunities import showing
from opportunities.mails import proof as mails
from opportunities.models import Approval, ApprovalComment, Proof, Scope, Story

Said = Approval.Said
LINK_FOR = timedelta(days=90)
"""How long the link in the mail opens; asking again makes a new one."""


def _lock(of: Story | Proof) -> Story | Proof:
    model: Any = type(of)
    rows = model.objects.select_related("account", "contact").defer("search")
    found: Story | Proof = rows.select_for_update(of=("self",)).get(pk=of.pk)
    return found


def lock_story(story: Story) -> Story:
    """A story as it is now, locked."""
    found = _lock(story)
    assert isinstance(found, Story)
    return found


def lock_proof(proof: Proof) -> Proof:
    """A proof as it is now, locked."""
    found = _lock(proof)
    assert isinstance(found, Proof)
    return found


def _target(of: Story | Proof) -> dict[str, Any]:
    return {"story": of} if isinstance(of, Story) else {"proof": of}


def read_scopes(scopes: Iterable[str]) -> list[str]:
    """Where it may be used, in the usual order; at least one place."""
    asked = set(scopes)
    known = [scope for scope in Scope.values if scope in asked]
    if not known or len(known) != len(asked):
        raise Refused(_("Tick at least one place where it may be used."))
    return known


@transaction.atomic
def ask(
    of: Story | Proof,
    *,
    scopes: Iterable[str],
    by: Any,
    at: datetime,
    contact: Contact | None = None,
    name: str = "",
    email: str = "",
    expires_on: date | None = None,
) -> Approval:
    """Put the text as it is now to the customer, by a signed link in a mail. An older question is taken back by it."""
    locked = _lock(of)
    name = (contact.full_name if contact else name).strip()[:150]
    email = (contact.email if contact else email).strip()
    if not name or not email:
        raise Refused(_("Name the person at the customer who may say yes, with an address."))
    if contact is not None and contact.account_id != locked.account_id:
        raise Refused(_("%(name)s does not work at %(account)s.") % {"name": name, "account": locked.account.name})
    if expires_on is not None and expires_on < timezone.localdate(at):
        raise Refused(_("This day has passed. Choose a later one, or leave it empty for no end."))
    if isinstance(locked, Story):
        _may_be_asked(locked)
    elif locked.status != Proof.Status.DRAFT:
        raise Refused(_("Only a draft is put to the customer. Withdraw it first, then change it."))
    take_back(locked, at=at)
    asked = Approval.objects.create(
        **_target(locked), version=locked.version, shown=[part.raw for part in showing.sections(locked)],
        scopes=read_scopes(scopes), expires_on=expires_on, name=name, email=email, contact=contact, asked_at=at,
        asked_by=by,
    )  # fmt: skip
    if isinstance(locked, Story) and locked.status == Story.Status.REVIEW:
        locked.move_to(Story.Status.APPROVAL, moved_at=at)
    mails.approval_asked(asked, at=at)
    return asked


def _may_be_asked(story: Story) -> None:
    if story.status not in (Story.Status.REVIEW, Story.Status.APPROVAL):
        raise Refused(_("A story goes to the customer after its review."))
    if gaps := showing.missing(story, Story.Status.APPROVAL):
        raise Refused(_("Write these first: %(parts)s.") % {"parts": ", ".join(gaps)})


def take_back(of: Story | Proof, *, at: datetime) -> int:
    """Take back what is being asked about a text; its link says so from then on. Returns how many there were."""
    open_now = Approval.objects.waiting().filter(**_target(of))
    keys = [mails.key_of(one) for one in open_now]
    gone = open_now.update(superseded_at=at)
    if keys:
        unsent = Message.objects.filter(kind=mails.APPROVAL, status=Message.Status.DUE)
        again = [f"{key}:again" for key in keys]
        unsent.filter(dedupe_key__in=[*keys, *again]).update(status=Message.Status.CANCELLED, result="taken back")
    return gone


@transaction.atomic
def answer(
    approval: Approval,
    *,
    said: str,
    signed: str,
    at: datetime,
    comments: Mapping[str, str] | None = None,
    note: str = "",
    scopes: Iterable[str] | None = None,
) -> Approval:
    """The customer's word on the signed page. ``scopes`` narrows what was asked for; it never widens it.

    The same word a second time changes nothing.
    """
    of = _lock(approval.of)
    found = Approval.objects.select_for_update(of=("self",)).get(pk=approval.pk)
    found.story, found.proof = (of, None) if isinstance(of, Story) else (None, of)
    if found.said:
        if found.said == said:
            return found
        raise Refused(_("You have answered this already. Write to us if you have thought better of it."))
    if found.superseded_at is not None or found.version != of.version:
        raise Refused(_("The text has changed since we asked you. We send you the new one."))
    words = {key: text.strip() for key, text in (comments or {}).items() if text.strip()}
    if said not in Said.values:
        raise Refused(_("Say yes, or what should be changed."))
    if not signed.strip():
        raise Refused(_("Write your name, so that your word can be kept on record."))
    if said == Said.YES and words:
        raise Refused(_("You have comments: send them as changes first, and we come back with the new text."))
    if said == Said.CHANGES and not words and not note.strip():
        raise Refused(_("Say what should be changed, beside the part it is about."))
    stamps: dict[str, Any] = {"said": said, "said_at": at, "said_by": signed.strip()[:150], "note": note.strip()}
    if said == Said.YES:
        stamps["scopes"] = read_scopes(found.scopes if scopes is None else set(scopes) & set(found.scopes))
    Approval.objects.filter(pk=found.pk).update(**stamps)
    for name, value in stamps.items():
        setattr(found, name, value)
    labels = {part.key: part.label for part in showing.shown(found)}
    ApprovalComment.objects.bulk_create(
        ApprovalComment(approval=found, section=key, label=labels[key], text=text[:4000])
        for key, text in words.items()
        if key in labels
    )
    _go_on(found, of, at=at)
    return found


def _go_on(given: Approval, of: Story | Proof, *, at: datetime) -> None:
    """A story follows the customer's word; whoever asked hears of it, and has it to do."""
    words = {"name": given.said_by, "title": of}
    if given.said == Said.YES:
        text = _("%(name)s said yes to “%(title)s”: publish it.") % words
    elif given.said == Said.CHANGES:
        text = _("%(name)s wants changes to “%(title)s”.") % words
    else:
        text = _("%(name)s does not want “%(title)s” published.") % words
    if isinstance(of, Story):
        target = {
            Said.YES: Story.Status.APPROVED, Said.CHANGES: Story.Status.WRITING, Said.NO: Story.Status.REFUSED,
        }[Said(given.said)]  # fmt: skip
        if of.may_move_to(target):
            stamps = {"reason": (given.note or _("The customer said no."))[:300]} if given.said == Said.NO else {}
            of.move_to(target, moved_at=at, **stamps)
    to = of.owner if isinstance(of, Story) and of.owner else given.asked_by
    if to is not None:
        notify(to, "approval_answered", key=str(given.pk), text=text[:300], url=page_of(of), at=at)
    Task.objects.get_or_create(
        key=f"approval:{type(of)._meta.label_lower}:{of.pk}:{given.pk}",
        defaults={
            "kind": Task.Kind.OTHER, "text": text[:300], "account": of.account, "assignee": to, "due_at": at,
            "created_at": at,
        },
    )  # fmt: skip


def page_of(of: Story | Proof) -> str:
    name = "opportunities:story" if isinstance(of, Story) else "opportunities:proof"
    return reverse(name, args=[of.public_id])


@transaction.atomic
def put_on_record(
    of: Story | Proof,
    *,
    name: str,
    said_at: datetime,
    scopes: Iterable[str],
    means: str,
    evidence: str,
    by: Any,
    at: datetime,
    contact: Contact | None = None,
    expires_on: date | None = None,
) -> Approval:
    """A yes that was given by mail or in a letter: who, when, to which words, and where the evidence lies."""
    locked = _lock(of)
    name = (name or (contact.full_name if contact else "")).strip()
    if not name:
        raise Refused(_("Name the person at the customer who said yes."))
    if not evidence.strip():
        raise Refused(_("Say where the evidence lies, such as the mail of 3 March or the number of the contract."))
    if said_at > at:
        raise Refused(_("A yes cannot be of a day to come."))
    if expires_on is not None and expires_on < timezone.localdate(at):
        raise Refused(_("This day has passed. Choose a later one, or leave it empty for no end."))
    if isinstance(locked, Story):
        _may_be_asked(locked)
    elif locked.status == Proof.Status.WITHDRAWN:
        raise Refused(_("It was withdrawn. Make it a draft again first."))
    take_back(locked, at=at)
    kept = Approval.objects.create(
        **_target(locked), version=locked.version, shown=[part.raw for part in showing.sections(locked)],
        scopes=read_scopes(scopes), expires_on=expires_on, name=name[:150], contact=contact, asked_at=said_at,
        asked_by=by, said=Said.YES, said_at=said_at, said_by=name[:150], means=means, evidence=evidence.strip()[:300],
    )  # fmt: skip
    if isinstance(locked, Story) and locked.status != Story.Status.APPROVED:
        locked.move_to(Story.Status.APPROVED, moved_at=at)
    return kept


@transaction.atomic
def revoke(of: Story | Proof, *, reason: str, at: datetime) -> int:
    """The customer takes back every yes to a text, and it is shown no more. Returns how many there were."""
    locked = _lock(of)
    take_back(locked, at=at)
    standing = Approval.objects.standing().filter(**_target(locked))
    return standing.update(revoked_at=at, revoked_reason=reason.strip()[:300])


@transaction.atomic
def remind(approval: Approval, *, at: datetime) -> bool:
    """Ask once more, once; whether there was anything to remind of."""
    found = Approval.objects.select_for_update(of=("self",)).get(pk=approval.pk)
    if found.said or found.superseded_at is not None or found.reminded_at is not None:
        return False
    Approval.objects.filter(pk=found.pk).update(reminded_at=at)
    found.reminded_at = at
    mails.approval_asked(found, again=True, at=at)
    return True
