"""How opportunities and claims are told to people: what cards and pages say, all of it from rows at hand."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import Program
from advocacy.lib.numbers import minutes
from advocacy.lib.templatetags.look import seats_left
from opportunities import board as rules
from opportunities import incentives
from opportunities.actions.board import UNDO_WITHIN
from opportunities.eligibility import Code, Standing, Who
from opportunities.models import COURSE, UNDER_WAY, Claim, Group, Opportunity, ReferenceRequest

PICTURES: dict[str, str] = {
    Group.CALLS: "phone", Group.STORIES: "quote", Group.SPEAKING: "speaking", Group.MEDIA: "newsletter",
    Group.BETAS: "beta", Group.REVIEWS: "review", Group.PEERS: "intro",
}  # fmt: skip


def board_news(user: Any, person: Who, since: datetime | None, *, at: datetime) -> int:
    """How many are new since the last visit; read once for a request, which page and navigation share."""
    if not hasattr(user, "_board_news"):
        user._board_news = rules.new_since(person, since, at=at)
    return user._board_news


def slim(rows: models.QuerySet[Opportunity]) -> models.QuerySet[Opportunity]:
    """Without the columns no card shows; the search vector alone is longer than all others."""
    return rows.select_related("kind").defer("search", "what", "gain")


NOBODY = UUID(int=0)


@cache
def _board() -> str:
    return reverse("opportunities:board")


@cache
def _pattern(name: str) -> str:
    return reverse(name, args=[NOBODY])


def address(name: str, public_id: UUID) -> str:
    """The address of a page by the id in it; a board of cards has a hundred of them, so the route is asked once."""
    return _pattern(name).replace(str(NOBODY), str(public_id))


def incentive_of(opportunity: Opportunity, *, at: datetime) -> str:
    """The incentive while it lasts, on the reader's clock."""
    return opportunity.incentive if incentives.runs(opportunity, at=at, zone=timezone.get_current_timezone()) else ""


def _room(opportunity: Opportunity, left: int | None) -> str:
    """How much room there is, or how long: the second line at the foot of a card."""
    if left is not None:
        return seats_left(left)
    if opportunity.closes_at:
        return _("until %(day)s") % {"day": date_format(timezone.localtime(opportunity.closes_at), "j F")}
    if not opportunity.is_remote and opportunity.place:
        return opportunity.place
    return _("as many as like")


def card(opportunity: Any, person: Who | None, *, since: datetime | None = None) -> dict[str, Any]:
    """What the template of a card needs, all of it from the row."""
    left = None if opportunity.seats is None else opportunity.seats - opportunity.seats_taken
    points = opportunity.points
    return {
        "points": ngettext("%(count)d point", "%(count)d points", points) % {"count": points} if points else "",
        "effort": opportunity.effort or minutes(opportunity.minutes or opportunity.kind.minutes),
        "privacy": _("public") if opportunity.is_public else _("private"),
        "room": _room(opportunity, left),
        "reward": incentive_of(opportunity, at=timezone.now()),
        "may_claim": person is not None and person.is_member,
        "opportunity": opportunity,
        "kind": opportunity.kind,
        "board_url": _board(),
        "url": address("opportunities:opportunity", opportunity.public_id),
        "take_url": address("opportunities:take", opportunity.public_id),
        "why": rules.reason(opportunity, person) if person else "",
        "is_new": bool(since and opportunity.opened_at and opportunity.opened_at > since),
        "left": left,
        "is_full": left is not None and left <= 0,
        "needs_consent": bool(person and opportunity.kind.purpose and opportunity.kind.purpose not in person.purposes),
        "picture": PICTURES.get(opportunity.kind.group, "opportunities"),
        "asks": opportunity.kind.needs_answers,
        "code": "",
        "claim": None,
        "sentence": "",
    }


def detail(row: Opportunity, person: Who | None, found: Standing | None, *, at: datetime) -> dict[str, Any]:
    """What the page of one opportunity shows; also its preview for staff."""
    hidden = found is not None and found.code in {Code.OTHERS, Code.NOT_OPEN}
    context: dict[str, Any] = {
        "opportunity": row,
        "kind": row.kind,
        "picture": PICTURES.get(row.kind.group, "opportunities"),
        "person": person,
        "standing": found,
        "hidden": hidden,
        "minutes_words": minutes(row.minutes or row.kind.minutes),
        "language_word": dict(settings.LANGUAGES).get(row.language, row.language),
        "incentive": incentive_of(row, at=at),
        "incentive_until": incentives.until_words(row, at=at),
        "agree": consent_wording(row) if found and found.code == Code.CONSENT else "",
        "why": "",
        "others": [],
        "short_link": reverse("opportunities:go_to", args=[row.public_id.hex[:10]]),
    }
    if person is not None and found is not None and not hidden:
        rules.judge([row], person, day=person.day(at))
        context["why"] = rules.reason(row, person)
    if person is not None and found is not None and not found.may_claim and found.code != Code.CONSENT:
        others = rules.page_for(person, rules.Filters(), at=at, size=4).items
        context["others"] = [card(one, person) for one in others if one.pk != row.pk][:3]
    return context


def consent_wording(row: Opportunity | ReferenceRequest) -> str:
    """The words somebody agrees to when they consent along with a claim; these words go on record."""
    company = Program.current().company or Program.current().name
    return _(
        "I agree that %(company)s asks me for this kind of thing and uses what I give for it: “%(purpose)s”. "
        "I can take this back at any time in my profile."
    ) % {"company": company, "purpose": Purpose(row.kind.purpose).label}


def shown(one: Claim, *, at: datetime) -> dict[str, Any]:
    """What pages say about a claim: its course so far, and what can be done with it now."""
    kind = one.opportunity.kind
    course = [step for step in COURSE if kind.has_step(step) or step == one.status]
    reached = course.index(one.status) if one.status in course else -1
    words = dict(Claim.Status.choices)
    is_set = one.status == Claim.Status.SCHEDULED and one.scheduled_for is not None
    is_over = bool(one.scheduled_for and one.ends_at and one.ends_at <= at)
    return {
        "claim": one,
        "opportunity": one.opportunity,
        "steps": [
            {"name": words[step], "done": number <= reached, "now": number == reached}
            for number, step in enumerate(course)
        ],
        "minutes_words": minutes(one.minutes),
        "picture": PICTURES.get(kind.group, "opportunities"),
        "has_feedback": getattr(one, "has_feedback", False),
        "is_over": is_over,
        "is_set": is_set,
        "sentence": _what_next(one, is_over=is_over),
        "may_move": is_set and not is_over and one.opportunity.happens_at is None,
        "may_withdraw": one.status in UNDER_WAY and not is_over,
        "may_undo": one.status == Claim.Status.CLAIMED and at - one.claimed_at <= UNDO_WITHIN,
        "may_say_done": one.status in {"claimed", "confirmed"}
        and one.opportunity.broadcast_of_id is None
        and kind.has_step("delivered")
        and not kind.has_step("scheduled")
        and not one.has_its_work,
        "may_give_feedback": (one.status in {"delivered", "verified"} or (is_set and is_over)),
    }


def _what_next(one: Claim, *, is_over: bool) -> str:
    kind = one.opportunity.kind
    manager = one.advocate.manager or one.opportunity.run_by
    name = str(manager) if manager else _("We")
    match one.status:
        case "claimed" if one.opportunity.broadcast_of_id:
            return _("We look at who fits, and come back to you with all you need to know before you say yes.")
        case "claimed" if kind.has_step("confirmed"):
            return _("%(name)s looks at it and confirms.") % {"name": name} if manager else _("We look at it first.")
        case "claimed" | "confirmed" if kind.has_step("scheduled") and one.opportunity.request_id:
            return _("No time is set yet. One of those you proposed is picked.")
        case "claimed" | "confirmed" if kind.has_step("scheduled"):
            return (
                _("We agree on a time with you.")
                if not manager
                else _("%(name)s writes to you about a time.") % {"name": name}
            )
        case "claimed" | "confirmed" if one.has_its_work or not kind.has_step("delivered"):
            return _("We have what we need from you. We look at it, and then the points are yours.")
        case "claimed" | "confirmed":
            return _("It is your turn. Say so here when it is done.")
        case "scheduled":
            return _("Did it take place? Tell us how it was.") if is_over else _("The time is set.")
        case "delivered":
            return _("Done. We look at it, and then the points are yours.")
        case "verified":
            return _("Done and verified. Thank you!")
        case "withdrawn":
            return _("You took it back.")
        case "missed":
            return _("It did not take place.")
        case _:
            return _("We could not take you up on it.")
