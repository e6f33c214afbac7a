"""Review campaigns: written, started, worked through by the clock, told of and seen (O8)."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Account, Contact
from advocacy.delivery.models import Message
from advocacy.lib.lifecycle import Refused
from advocates import budget, stages
from advocates.models import Advocate, Channel, Cohort
from opportunities import campaigns as rules
from opportunities.mails import campaigns as mails
from opportunities.models import ReviewAsk, ReviewCampaign, ReviewSite

Status = ReviewCampaign.Status
AT_ONCE = 200
IN_ONE_TICK = timedelta(seconds=40)
COUNTS_AS = "review-site-review"


@transaction.atomic
def write(
    campaign: ReviewCampaign | None,
    *,
    title: str,
    site: ReviewSite,
    cohort: Cohort | None,
    words: str,
    thanks: str,
    closes_on: date | None,
    by: Any,
    at: datetime,
    by_rule: bool = False,
) -> ReviewCampaign:
    """Write a campaign, or change a draft. People who are chosen by feelings are refused here already (P19)."""
    if not title.strip() or not words.strip():
        raise Refused(_("Give it a title, and write what people will read."))
    if closes_on is not None and closes_on < timezone.localdate(at):
        raise Refused(_("This day has passed. Choose a later one, or leave it empty."))
    if by_rule and cohort is not None:
        raise Refused(_("Where a rule asks, the rule says whom. Keep it to a cohort there."))
    if refusal := rules.why_not(cohort.definition if cohort is not None else None):
        raise Refused(refusal)
    said = {
        "title": title.strip()[:120], "site": site, "cohort": cohort, "words": words.strip(),
        "thanks": thanks.strip()[:200], "closes_on": closes_on, "by_rule": by_rule,
    }  # fmt: skip
    if campaign is None:
        return ReviewCampaign.objects.create(run_by=by, created_at=at, **said)
    locked = ReviewCampaign.objects.select_for_update().get(pk=campaign.pk)
    if locked.status != Status.DRAFT:
        raise Refused(_("It has been started: everybody reads the same words and gets the same thanks."))
    for name, value in said.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(said))
    return locked


@transaction.atomic
def start(campaign: ReviewCampaign, *, by: Any, at: datetime) -> ReviewCampaign:
    """Fix who it is for, and let the clock ask them. Looked at by the guard once more."""
    locked = ReviewCampaign.objects.select_for_update(of=("self",)).select_related("cohort", "site").get(pk=campaign.pk)
    if locked.status == Status.RUNNING:
        return locked
    if locked.closes_on is not None and locked.closes_on < timezone.localdate(at):
        raise Refused(_("Its last day has passed. Choose a later one."))
    definition = rules.definition_of(locked)
    if refusal := rules.why_not(definition):
        raise Refused(refusal)
    if not locked.by_rule and not rules.to_ask(locked, at=at).exists():
        raise Refused(_("Nobody would be asked now. See below why."))
    locked.move_to(Status.RUNNING, started_at=at, definition=definition)
    return locked


@transaction.atomic
def close(campaign: ReviewCampaign, *, at: datetime) -> ReviewCampaign:
    """Ask nobody more. Mails that have not left stay; whoever was asked can still tell us."""
    locked = ReviewCampaign.objects.select_for_update().get(pk=campaign.pk)
    if locked.status == Status.CLOSED:
        return locked
    unsent = Message.objects.filter(kind=mails.ASK, batch=f"reviews:{locked.pk}", status=Message.Status.DUE)
    unsent.update(status=Message.Status.CANCELLED, result="campaign closed")
    locked.move_to(Status.CLOSED, closed_at=at)
    return locked


def work(*, at: datetime, clock: Callable[[], datetime] | None = None) -> int:
    """Go on with every campaign that runs; returns how many were asked. Those whose last day is over are closed."""
    over = ReviewCampaign.objects.filter(status=Status.RUNNING, closes_on__lt=timezone.localdate(at))
    for one in over.order_by("pk"):
        close(one, at=at)
    asked = 0
    running = ReviewCampaign.objects.running(at=at).filter(done_asking_at__isnull=True, by_rule=False)
    for pk in list(running.order_by("pk").values_list("pk", flat=True)):
        began = clock() if clock else at
        while (step := _go_on(pk, at=at)) is not None:
            asked += step
            if clock and clock() - began > IN_ONE_TICK:
                break
    return asked


def _go_on(pk: int, *, at: datetime) -> int | None:
    """The next people; None when everybody has been asked, or somebody else is at it."""
    campaign = ReviewCampaign.objects.running(at=at).filter(pk=pk, done_asking_at__isnull=True).first()
    if campaign is None:
        return None
    if rules.why_not(campaign.definition):  # the guard looks again at each send
        close(campaign, at=at)
        return None
    waiting = list(rules.to_ask(campaign, at=at).filter(pk__gt=campaign.cursor).order_by("pk")[:AT_ONCE])
    asked, cursor = 0, campaign.cursor
    for contact in waiting:
        done = _ask_one(pk, cursor, contact, at=at)
        if done is None:
            return None
        asked, cursor = asked + done, contact.pk
    if len(waiting) < AT_ONCE:
        ReviewCampaign.objects.filter(pk=pk, cursor=cursor).update(done_asking_at=at)
        return asked or None
    return asked


@transaction.atomic
def _ask_one(pk: int, cursor: int, contact: Contact, *, at: datetime) -> int | None:
    """One person: the cursor moves with what was done, so a kill neither skips nor repeats anybody."""
    rows = ReviewCampaign.objects.select_for_update(of=("self",), skip_locked=True).select_related("site", "run_by")
    campaign = rows.filter(pk=pk, cursor=cursor, status=Status.RUNNING).first()
    if campaign is None:
        return None
    ReviewCampaign.objects.filter(pk=pk).update(cursor=contact.pk)
    # Two campaigns meet at the same person: whoever comes second finds the ask of the first. It is the account that is
    # locked, as by everybody who asks: who has it writes rows of its people, and would wait for whoever held those.
    list(Account.objects.select_for_update().filter(contacts=contact.pk).values_list("pk"))
    if not rules.to_ask(campaign, at=at).filter(pk=contact.pk).exists():
        return 0
    _asked(campaign, contact, at=at)
    return 1


@transaction.atomic
def ask(contact: Contact, campaign: ReviewCampaign, *, at: datetime) -> ReviewAsk:
    """One person whom a rule reaches, in a campaign that rules ask in; the same gates as for everybody else."""
    list(Account.objects.select_for_update().filter(contacts=contact.pk).values_list("pk"))
    rows = ReviewCampaign.objects.select_for_update(of=("self",)).select_related("site", "run_by")
    locked = rows.get(pk=campaign.pk)
    if refusal := why_not(contact, locked, at=at):
        raise Refused(refusal)
    return _asked(locked, contact, at=at)


def why_not(contact: Contact, campaign: ReviewCampaign, *, at: datetime) -> str | None:
    """Why this person would not be asked in it at this moment, as a sentence."""
    if refusal := rules.not_going(campaign, at=at):
        return refusal
    return rules.keeps_from(rules.known_of([contact])(contact, at), campaign.pk, at=at)


def _asked(campaign: ReviewCampaign, contact: Contact, *, at: datetime) -> ReviewAsk:
    made = ReviewAsk.objects.create(campaign=campaign, contact=contact, asked_at=at)
    made.campaign, made.contact = campaign, contact
    advocate = Advocate.objects.filter(contact=contact).first()
    if advocate is not None:  # it counts for everybody else who would ask them; it is refused by nothing (P19)
        budget.asked_already(
            advocate, channel=Channel.CAMPAIGN, source_id=f"reviews:{campaign.pk}", kind=COUNTS_AS, at=at,
            reason=_("Review campaigns ask everybody alike."),
        )  # fmt: skip
    spine.record(Deed.REVIEW_ASKED, at=at, source=made, contact=contact)
    mails.review_ask(made, at=at)
    return made


# --- What came of it --------------------------------------------------------------------------------------------------
@transaction.atomic
def tell(ask: ReviewAsk, *, review_url: str = "", shown_as: str = "", at: datetime) -> ReviewAsk:
    """They have written it: where it stands, or under which name. Told again before we have seen it, it is mended."""
    locked = ReviewAsk.objects.select_for_update().get(pk=ask.pk)
    if locked.verified_at is not None:
        return locked
    if not review_url.strip() and not shown_as.strip():
        raise Refused(_("Tell us where it stands, or under which name, so that we can find it."))
    said = {
        "review_url": review_url.strip()[:500], "shown_as": " ".join(shown_as.split())[:150],
        "told_at": locked.told_at or at, "declined_at": None, "not_found": "",
    }  # fmt: skip
    ReviewAsk.objects.filter(pk=locked.pk).update(**said)
    _answered(locked, at=at)
    return ReviewAsk.objects.get(pk=locked.pk)


@transaction.atomic
def would_rather_not(ask: ReviewAsk, *, at: datetime) -> ReviewAsk:
    """A no, without a why; the same twice is the same."""
    locked = ReviewAsk.objects.select_for_update().get(pk=ask.pk)
    if locked.told_at is not None:
        raise Refused(_("You have told us of your review already. Thank you!"))
    if locked.declined_at is None:
        ReviewAsk.objects.filter(pk=locked.pk).update(declined_at=at)
        _answered(locked, at=at)
    return ReviewAsk.objects.get(pk=locked.pk)


def _answered(ask: ReviewAsk, *, at: datetime) -> None:
    advocate = Advocate.objects.filter(contact=ask.contact_id).first()
    if advocate is not None:
        budget.answered(Channel.CAMPAIGN, f"reviews:{ask.campaign_id}", advocate, at=at)


@transaction.atomic
def verify(ask: ReviewAsk, *, by: Any, at: datetime) -> ReviewAsk:
    """We have seen it on the site: an activity of theirs. What it says plays no part."""
    locked = ReviewAsk.objects.select_for_update(of=("self",)).select_related("contact").get(pk=ask.pk)
    if locked.verified_at is not None:
        return locked
    if locked.told_at is None:
        raise Refused(_("They have not told us of a review yet."))
    ReviewAsk.objects.filter(pk=locked.pk).update(verified_at=at, verified_by=by, not_found="")
    spine.record(Deed.REVIEW_WRITTEN, at=at, source=locked, contact=locked.contact, by=by)
    stages.refresh([locked.contact_id], at=at)
    return ReviewAsk.objects.get(pk=locked.pk)


@transaction.atomic
def not_there(ask: ReviewAsk, *, reason: str, at: datetime) -> ReviewAsk:
    """We have looked and not found it; the page says so, and they can tell us anew."""
    locked = ReviewAsk.objects.select_for_update().get(pk=ask.pk)
    if locked.verified_at is not None:
        raise Refused(_("It was seen already."))
    if not reason.strip():
        raise Refused(_("Say what you looked for, so that they can help."))
    ReviewAsk.objects.filter(pk=locked.pk).update(not_found=reason.strip()[:300])
    return ReviewAsk.objects.get(pk=locked.pk)


@transaction.atomic
def thanked(ask: ReviewAsk, *, at: datetime) -> ReviewAsk:
    """The thanks promised to everybody have been sent to this one."""
    ReviewAsk.objects.filter(pk=ask.pk, verified_at__isnull=False, thanked_at__isnull=True).update(thanked_at=at)
    return ReviewAsk.objects.get(pk=ask.pk)
