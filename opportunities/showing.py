"""How proof and stories read: sections, who is waited for, what is missing. Reads and decisions only (D13, D14)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from opportunities.models import Approval, Proof, Story

STATUS = Story.Status

SECTIONS: Mapping[str, Any] = {
    "title": _l("Title"), "customer": _l("The customer"), "challenge": _l("The challenge"),
    "solution": _l("The solution"), "results": _l("The results"), "quote": _l("The quote"),
    "quote_by": _l("Who says it"), "lessons": _l("What others can learn"),
}  # fmt: skip
PROOF_SECTIONS: Mapping[str, Any] = {
    "title": _l("Title"), "summary": _l("In a sentence"), "body": _l("The words"), "said_by": _l("Who says it"),
    "url": _l("Where it can be seen"),
}  # fmt: skip


@dataclass(frozen=True)
class Section:
    """One part of a text, as somebody reads and comments on it."""

    key: str
    label: str
    text: str

    @property
    def raw(self) -> dict[str, str]:
        return {"key": self.key, "label": self.label, "text": self.text}


def sections(of: Story | Proof) -> list[Section]:
    """The text in parts, empty ones left out."""
    if isinstance(of, Story):
        texts = {key: result_lines(of.results) if key == "results" else getattr(of, key) for key in SECTIONS}
        labels = SECTIONS
    else:
        texts, labels = {key: getattr(of, key) for key in PROOF_SECTIONS}, PROOF_SECTIONS
    return [Section(key, str(labels[key]), text) for key, text in texts.items() if text]


def shown(approval: Approval) -> list[Section]:
    """The text as it was put to the customer."""
    return [Section(str(row["key"]), str(row["label"]), str(row["text"])) for row in approval.shown]


def result_lines(results: Sequence[Mapping[str, Any]]) -> str:
    """Each result as one line: “Planning time: 14 → 3 hours, within six months”."""
    return "\n".join(result_line(row) for row in results)


def result_line(row: Mapping[str, Any]) -> str:
    figure, unit, before, after, over = (
        str(row.get(key, "") or "").strip() for key in ("figure", "unit", "before", "after", "over")
    )
    if before and after:
        figure += f": {before} → {after}"
    elif after:
        figure += f": {after}"
    if unit and (before or after):
        figure += f" {unit}"
    return f"{figure}, {over}" if over else figure


# --- Stories ----------------------------------------------------------------------------------------------------------
NEEDED: Mapping[str, Sequence[str]] = {
    "review": ("challenge", "solution", "results"),
    "approval": ("customer", "challenge", "solution", "results"),
}
"""What must be written before a story goes on to these."""


def missing(story: Story, target: str) -> list[str]:
    """What is still to be written before a story can go there, as its sections are called."""
    return [str(SECTIONS[key]) for key in NEEDED.get(target, ()) if not getattr(story, key)]


@dataclass(frozen=True)
class Step:
    """One move somebody can make now, in words for a button."""

    target: str
    word: Any
    main: bool = False
    needs_reason: bool = False


STEPS: Mapping[str, Sequence[Step]] = {
    "identify": (Step("research", _l("Begin the research"), True), Step("writing", _l("Begin to write"))),
    "research": (Step("writing", _l("Begin to write"), True),),
    "writing": (Step("review", _l("Give it to review"), True), Step("research", _l("Back to research"))),
    "review": (Step("writing", _l("Back to writing")),),
    "approval": (Step("writing", _l("Take it back to writing")),),
    "approved": (Step("published", _l("Publish it"), True), Step("writing", _l("Back to writing"))),
    "published": (),
    "parked": (),
    "refused": (Step("identify", _l("Open it again")),),
    "withdrawn": (Step("writing", _l("Write it anew")),),
}
ENDINGS = (
    Step("parked", _l("Park it"), needs_reason=True),
    Step("refused", _l("The customer refused"), needs_reason=True),
)


def steps(story: Story) -> list[Step]:
    """The moves a story can make now; parked ones go back where they were."""
    if story.status == STATUS.PARKED:
        return [Step(story.parked_from or STATUS.IDENTIFY, _l("Take it up again"), True)]
    found = list(STEPS[story.status])
    if story.status in Story.ACTIVE:
        found += ENDINGS
    return found


def waits_for(story: Story) -> str:
    """Whom a story waits for, in words."""
    if story.status == STATUS.APPROVAL:
        return _("the customer")
    if story.status == STATUS.REVIEW:
        return str(story.reviewer or story.owner or _("somebody to review it"))
    if story.status in Story.ACTIVE:
        return str(story.owner or _("somebody to take it"))
    return ""


def is_late(story: Story, today: date) -> bool:
    return story.status in Story.ACTIVE and story.due_on is not None and story.due_on < today


def told_to_the_advocate(story: Story) -> str:
    """Where a story stands, for the customer who offered it."""
    return {
        STATUS.IDENTIFY: _("We have it, and will be in touch."),
        STATUS.RESEARCH: _("We are getting ready to talk with you."),
        STATUS.WRITING: _("We are writing it."),
        STATUS.REVIEW: _("We are reading it over."),
        STATUS.APPROVAL: _("It waits for your yes; you have a mail from us."),
        STATUS.APPROVED: _("You said yes. We publish it soon."),
        STATUS.PUBLISHED: _("It is published. Thank you!"),
        STATUS.PARKED: _("It rests for now."),
        STATUS.REFUSED: _("We leave it, as you wished."),
        STATUS.WITHDRAWN: _("It is shown no more."),
    }[Story.Status(story.status)]


# --- Proof ------------------------------------------------------------------------------------------------------------
def why_not_usable(proof: Proof, approvals: Sequence[Approval], *, usable: bool, today: date) -> str:
    """Why a proof may not be shown now, as a sentence; empty where it may."""
    if usable:
        return ""
    if proof.status == Proof.Status.DRAFT:
        return _("It is a draft: nobody outside the desk sees it.")
    if proof.status == Proof.Status.WITHDRAWN:
        return _("It was withdrawn: %(reason)s") % {"reason": proof.reason or _("no reason given")}
    standing = [one for one in approvals if one.said == Approval.Said.YES and one.revoked_at is None]
    if not standing:
        return _("The customer has taken their yes back.")
    ended = [one.expires_on for one in standing if one.expires_on and one.expires_on < today]
    if len(ended) == len(standing):
        return _("The customer’s yes ended on %(day)s.") % {"day": date_format(max(ended), "j F Y")}
    return _("The person shown does not want to be shown any more.")
