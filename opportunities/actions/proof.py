"""The proof library: what goes in, is published, used and withdrawn (D13)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocacy.crm.models import Account, Contact, Deal
from advocacy.lib.lifecycle import Refused
from advocates.models import Task
from opportunities.actions import approvals
from opportunities.models import Approval, Findable, Proof, ProofUse, Scope, Story

Status = Proof.Status
WORDS = ("kind", "title", "summary", "body", "said_by", "url")


def facts_of(account: Account) -> dict[str, Any]:
    """The facts a proof of this customer is found by, as they are today."""
    return {name: getattr(account, name) for name in Findable.FACTS}


@transaction.atomic
def keep(
    *,
    account: Account,
    said: Mapping[str, Any],
    by: Any,
    at: datetime,
    contact: Contact | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Proof:
    """Put something into the library, as a draft: what it says and what it is found by."""
    _must_work_there(contact, account)
    own = {**facts_of(account), **{name: value for name, value in (facts or {}).items() if name in Findable.FACTS}}
    return Proof.objects.create(
        account=account, contact=contact, kept_by=by, created_at=at, **_words(said), **own
    )  # fmt: skip


@transaction.atomic
def rewrite(
    proof: Proof,
    *,
    said: Mapping[str, Any],
    facts: Mapping[str, Any],
    by: Any,
    at: datetime,
    contact: Contact | None = None,
    read: int | None = None,
) -> Proof:
    """Change a draft; what it is found by can be mended any time. New words need a new yes.

    ``read`` is the version the writer had before them; somebody else's newer words are not written over.
    """
    locked = approvals.lock_proof(proof)
    _must_work_there(contact, locked.account)
    words = _words(said)
    new = {name: value for name, value in words.items() if getattr(locked, name) != value}
    if new and locked.status != Status.DRAFT:
        raise Refused(_("The customer said yes to these words. Withdraw it first, then write it anew."))
    if new and read is not None and read != locked.version:
        raise Refused(_("Somebody else has changed the words meanwhile. Look at them before you save yours."))
    if new:
        approvals.take_back(locked, at=at)
    changes = {**new, **{name: value for name, value in facts.items() if name in Findable.FACTS}}
    if locked.status == Status.DRAFT:
        changes["contact"] = contact
    Proof.objects.filter(pk=locked.pk).update(**changes)
    return approvals.lock_proof(locked)


def _words(said: Mapping[str, Any]) -> dict[str, Any]:
    words = {name: str(said.get(name, "")).strip() for name in WORDS}
    if not words["title"]:
        raise Refused(_("Give it a title."))
    if words["kind"] not in Proof.Kind.values:
        raise Refused(_("Say what it is: a quote, a video, a permission to show a logo …"))
    if not words["body"] and not words["url"] and words["kind"] != Proof.Kind.LOGO:
        raise Refused(_("Write its words, or where it can be seen."))
    return words


def _must_work_there(contact: Contact | None, account: Account) -> None:
    if contact is not None and contact.account_id != account.pk:
        raise Refused(
            _("%(name)s does not work at %(account)s.") % {"name": contact.full_name, "account": account.name}
        )


def yes_to(proof: Proof) -> Approval | None:
    """The latest yes that stands for the words as they are now."""
    standing = Approval.objects.standing().filter(proof=proof, version=proof.version)
    return standing.order_by("-said_at", "-pk").first()


@transaction.atomic
def publish(proof: Proof, *, by: Any, at: datetime) -> Proof:
    """From here on it is shown. Without a recorded yes to these very words there is no way here, nor by the shell."""
    locked = approvals.lock_proof(proof)
    if locked.status == Status.PUBLISHED:
        return locked
    yes = yes_to(locked)
    if yes is None:
        raise Refused(_("There is no recorded yes of the customer to these words. Ask for it, or put it on record."))
    if yes.expires_on is not None and yes.expires_on < timezone.localdate(at):
        raise Refused(
            _("The customer’s yes ended on %(day)s. Ask for it again.") % {"day": date_format(yes.expires_on, "j F Y")}
        )
    locked.move_to(Status.PUBLISHED, published_at=at)
    return locked


@transaction.atomic
def withdraw(proof: Proof, *, reason: str, by: Any, at: datetime, by_customer: bool = False) -> Proof:
    """Show it no more, anywhere, from this moment. ``by_customer``: their yes is taken back with it."""
    if proof.story_id is not None:
        approvals.lock_story(Story.objects.get(pk=proof.story_id))
    locked = approvals.lock_proof(proof)
    if locked.status == Status.WITHDRAWN:
        return locked
    if not reason.strip():
        raise Refused(_("Say in a few words why; colleagues who have used it will wonder."))
    approvals.take_back(locked, at=at)
    if by_customer:
        approvals.revoke(locked, reason=reason, at=at)
    if locked.story_id is not None:
        story = Story.objects.get(pk=locked.story_id)
        if by_customer:
            approvals.revoke(story, reason=reason, at=at)
        if story.status == Story.Status.PUBLISHED:
            story.move_to(Story.Status.WITHDRAWN, moved_at=at, reason=reason.strip()[:300])
    locked.move_to(Status.WITHDRAWN, withdrawn_at=at, reason=reason.strip()[:300])
    return locked


@transaction.atomic
def redraft(proof: Proof, *, by: Any, at: datetime) -> Proof:
    """Take a withdrawn proof up again as a draft; it needs a yes that stands before it is shown."""
    locked = approvals.lock_proof(proof)
    if locked.story_id is not None:
        raise Refused(_("This is a story: write it anew, and publish it from there."))
    if locked.status == Status.DRAFT:
        return locked
    locked.move_to(Status.DRAFT, withdrawn_at=None, reason="")
    return locked


@transaction.atomic
def share(proof: Proof, *, deal: Deal | None, by: Any, at: datetime) -> ProofUse:
    """Somebody has shown it to a prospect: counted, so that good proof is known. The same deal and day count once."""
    kept = Proof.objects.usable(at=at, scope=Scope.SALES).filter(pk=proof.pk).first()
    if kept is None:
        raise Refused(_("“%(title)s” may no longer be shown to prospects. Choose something else.") % {"title": proof})
    today = ProofUse.objects.filter(
        proof=kept, how=ProofUse.How.SHARED, by=by, deal=deal, at__date=timezone.localdate(at)
    ).first()
    return today or ProofUse.objects.create(proof=kept, how=ProofUse.How.SHARED, by=by, deal=deal, at=at)


@transaction.atomic
def warn_of_end(approval: Approval, *, at: datetime) -> None:
    """A yes will soon end: whoever keeps the proof has a task, once for each yes."""
    found = Approval.objects.select_for_update(of=("self",)).select_related("story", "proof").get(pk=approval.pk)
    if found.warned_at is not None or found.expires_on is None:
        return
    of = found.of
    to = of.owner if isinstance(of, Story) else of.kept_by
    Task.objects.get_or_create(
        key=f"yes-ends:{type(of)._meta.label_lower}:{of.pk}:{found.pk}",
        defaults={
            "kind": Task.Kind.OTHER, "account": of.account, "assignee": to or found.asked_by, "due_at": at,
            "created_at": at,
            "text": _("The yes to “%(title)s” ends on %(day)s: ask for it again, or withdraw it.")[:300]
            % {"title": of.title[:120], "day": date_format(found.expires_on, "j F Y")},
        },
    )  # fmt: skip
    Approval.objects.filter(pk=found.pk).update(warned_at=at)
