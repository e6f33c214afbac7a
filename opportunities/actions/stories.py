"""Stories from a raised hand to publication (D14, O6)."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.hearing import hear
from advocacy.crm.models import Account, Contact
from advocacy.delivery.notifications import notify
from advocacy.lib.lifecycle import Refused
from advocates import pods, points, stages
from advocates.models import Advocate, Task
from opportunities import showing
from opportunities.actions import approvals, proof
from opportunities.models import (
    COURSE,
    STORY_TEXTS,
    Approval,
    ApprovalComment,
    Claim,
    Findable,
    OpportunityKind,
    Proof,
    Story,
)

Status = Story.Status
HELD = (Status.APPROVAL, Status.APPROVED, Status.PUBLISHED)
"""Where the words rest: a customer is reading them, or has said yes to them."""
OURS = ("questions", "notes")
KIND = "case-study"


@transaction.atomic
def begin(
    *, account: Account, title: str, by: Any, at: datetime, contact: Contact | None = None, owner: Any = None,
    due_on: date | None = None, said: Mapping[str, Any] | None = None, raised_by: Advocate | None = None,
) -> Story:  # fmt: skip
    """An idea for a story, with the customer's facts as they are now."""
    if not title.strip():
        raise Refused(_("Say in a few words what the story is about."))
    if contact is not None and contact.account_id != account.pk:
        raise Refused(
            _("%(name)s does not work at %(account)s.") % {"name": contact.full_name, "account": account.name}
        )
    return Story.objects.create(
        account=account, contact=contact, title=" ".join(title.split())[:200], owner=owner, due_on=due_on,
        raised_by=raised_by, created_at=at, moved_at=at, **proof.facts_of(account),
        **{name: value for name, value in (said or {}).items() if name in (*STORY_TEXTS, *OURS) and name != "title"},
    )  # fmt: skip


@transaction.atomic
def raise_hand(advocate: Advocate, *, title: str, said: Mapping[str, str], at: datetime) -> Story:
    """“I have a story”: a draft with the advocate's own words, and a task for their manager.

    The same title by the same person while the first is an idea is the same story (a double click, a second tab).
    """
    Advocate.objects.select_for_update(of=("self",)).get(pk=advocate.pk)
    title = " ".join(title.split())[:200]
    before = Story.objects.filter(raised_by=advocate, title__iexact=title, status=Status.IDENTIFY).first()
    if before is not None:
        return before
    contact = advocate.contact
    manager = pods.manager_of_account(contact.account)
    story = begin(
        account=contact.account, contact=contact, title=title, by=advocate.user, at=at, owner=manager,
        said=said, raised_by=advocate,
    )  # fmt: skip
    text = _("%(name)s has a story: “%(title)s”.") % {"name": contact.full_name, "title": story.title[:150]}
    Task.objects.get_or_create(
        key=f"story:{Story._meta.label_lower}:{story.pk}",
        defaults={
            "kind": Task.Kind.OTHER, "text": text[:300], "advocate": advocate, "account": contact.account,
            "assignee": manager, "due_at": at, "created_at": at,
        },
    )  # fmt: skip
    if manager is not None:
        notify(manager, "story_offered", key=str(story.pk), text=text[:300], url=approvals.page_of(story), at=at)
    hear("submitted_content", contact=contact, occurrence=f"story:{story.pk}", at=at)
    return story


@transaction.atomic
def write(story: Story, said: Mapping[str, Any], *, by: Any, at: datetime, read: int | None = None) -> Story:
    """Change what a story says, what we know besides, and whose work it is.

    The words rest while the customer reads them. ``read`` is the version the writer had before them.
    """
    locked = approvals.lock_story(story)
    texts = {
        name: value for name, value in said.items()
        if name in STORY_TEXTS and getattr(locked, name) != value
    }  # fmt: skip
    if "title" in texts and not str(texts["title"]).strip():
        raise Refused(_("Give it a title."))
    if texts and locked.status in HELD:
        raise Refused(_("The customer has these words before them. Take the story back to writing first."))
    if texts and read is not None and read != locked.version:
        raise Refused(_("Somebody else has changed the words meanwhile. Look at them before you save yours."))
    free = (*OURS, *Findable.FACTS, "owner", "reviewer", "due_on", "contact")
    changes = {**texts, **{name: value for name, value in said.items() if name in free}}
    if (contact := changes.get("contact")) is not None and contact.account_id != locked.account_id:
        raise Refused(
            _("%(name)s does not work at %(account)s.")
            % {"name": contact.full_name, "account": locked.account.name}
        )  # fmt: skip
    owner_before = locked.owner_id
    Story.objects.filter(pk=locked.pk).update(**changes)
    fresh = approvals.lock_story(locked)
    if fresh.owner_id != owner_before and fresh.owner is not None and fresh.owner_id != getattr(by, "pk", None):
        text = _("“%(title)s” is your story now.") % {"title": fresh.title[:200]}
        notify(fresh.owner, "story_yours", key=f"{fresh.pk}:{at.isoformat()}", text=text,
               url=approvals.page_of(fresh), at=at)  # fmt: skip
    return fresh


@transaction.atomic
def move(story: Story, target: str, *, by: Any, at: datetime, reason: str = "") -> Story:
    """Take a story a step on or back. Publishing and the customer's word have doors of their own."""
    locked = approvals.lock_story(story)
    if locked.status == target:
        return locked
    if target == Status.PUBLISHED:
        return publish(locked, by=by, at=at)
    if target not in {step.target for step in showing.steps(locked)}:
        raise Refused(_("A story that is %(status)s cannot go there.") % {"status": locked.get_status_display()})
    if gaps := showing.missing(locked, target):
        raise Refused(_("Write these first: %(parts)s.") % {"parts": ", ".join(gaps)})
    stamps: dict[str, Any] = {"moved_at": at, "reason": "", "parked_from": ""}
    if target in (Status.PARKED, Status.REFUSED):
        if not reason.strip():
            raise Refused(_("Say in a few words why, for whoever takes it up again."))
        stamps["reason"] = reason.strip()[:300]
        held = locked.status in (Status.REVIEW, *HELD)
        stamps["parked_from"] = (Status.WRITING if held else locked.status) if target == Status.PARKED else ""
    if locked.status in HELD:
        approvals.take_back(locked, at=at)
    locked.move_to(target, **stamps)
    if target == Status.REVIEW and locked.reviewer is not None and locked.reviewer_id != getattr(by, "pk", None):
        text = _("“%(title)s” waits for your review.") % {"title": locked.title[:200]}
        notify(locked.reviewer, "story_review", key=f"{locked.pk}:{at.isoformat()}", text=text,
               url=approvals.page_of(locked), at=at)  # fmt: skip
    return locked


def yes_to(story: Story) -> Approval | None:
    """The latest yes that stands for the words as they are now."""
    standing = Approval.objects.standing().filter(story=story, version=story.version)
    return standing.order_by("-said_at", "-pk").first()


@transaction.atomic
def publish(story: Story, *, by: Any, at: datetime, url: str = "") -> Story:
    """Publish a story the customer has said yes to: it becomes proof, and a deed of theirs."""
    locked = approvals.lock_story(story)
    if locked.status == Status.PUBLISHED:
        return locked
    yes = yes_to(locked)
    if yes is None or locked.status != Status.APPROVED:
        raise Refused(_("A story is published after the customer has said yes to these very words."))
    locked.move_to(Status.PUBLISHED, moved_at=at, published_at=at)
    parts = [part for part in showing.sections(locked) if part.key != "title"]
    words: dict[str, Any] = {
        "title": locked.title, "summary": (locked.quote or locked.challenge)[:300], "url": url,
        "body": "\n\n".join(f"{part.label}\n{part.text}" for part in parts), "said_by": locked.quote_by,
        **{name: getattr(locked, name) for name in Findable.FACTS},
    }  # fmt: skip
    before = Proof.objects.filter(story=locked).first()
    if before is None:
        Proof.objects.create(
            kind=Proof.Kind.CASE_STUDY, account=locked.account, contact=locked.contact, story=locked,
            kept_by=locked.owner or by, created_at=at, status=Proof.Status.PUBLISHED, published_at=at, **words,
        )  # fmt: skip
    else:  # it was withdrawn and written anew
        if before.status == Proof.Status.WITHDRAWN:
            before.move_to(Proof.Status.DRAFT, withdrawn_at=None, reason="")
        Proof.objects.filter(pk=before.pk).update(contact=locked.contact, **words)
        before.move_to(Proof.Status.PUBLISHED, published_at=at)
    _thank_them(locked, at=at, by=by)
    ApprovalComment.objects.filter(approval__story=locked, done_at__isnull=True).update(done_at=at)
    return locked


def _thank_them(story: Story, *, at: datetime, by: Any) -> None:
    """A published story is an activity of whoever told it: on record, with the points of its kind, once."""
    if story.contact is None:
        spine.record(Deed.STORY_PUBLISHED, at=at, source=story, account=story.account, by=by)
        return
    spine.record(Deed.STORY_PUBLISHED, at=at, source=story, contact=story.contact, by=by)
    advocate = Advocate.objects.filter(contact=story.contact).first()
    kind = OpportunityKind.objects.filter(slug=KIND).first()
    if advocate is not None and kind is not None:
        # Who claimed a case study on the board has the points of that claim.
        claims = Claim.objects.filter(advocate=advocate, opportunity__kind=kind, status__in=COURSE)
        worth = 0 if claims.filter(claimed_at__gte=story.created_at).exists() else kind.points
        reason = _("Story published: %(title)s") % {"title": story.title[:150]}
        points.book(advocate, worth, reason=reason, source=story, at=at)
        text = _("Thank %(name)s: “%(title)s” is published.") % {
            "name": story.contact.full_name, "title": story.title[:150],
        }  # fmt: skip
        Task.objects.get_or_create(
            key=f"thank:{Story._meta.label_lower}:{story.pk}",
            defaults={
                "kind": Task.Kind.THANK, "text": text[:300], "advocate": advocate, "account": story.account,
                "assignee": story.owner, "due_at": at, "created_at": at,
            },
        )  # fmt: skip
    stages.refresh([story.contact.pk], at=at)


@transaction.atomic
def withdraw(story: Story, *, reason: str, by: Any, at: datetime, by_customer: bool = False) -> Story:
    """Take a published story back everywhere; the proof it is goes with it."""
    from_proof = Proof.objects.filter(story=story).first()
    if from_proof is None:
        raise Refused(_("Only what is published can be withdrawn."))
    proof.withdraw(from_proof, reason=reason, by=by, at=at, by_customer=by_customer)
    return Story.objects.get(pk=story.pk)
