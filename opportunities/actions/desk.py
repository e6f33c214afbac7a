"""The reference desk: what requesters, managers, advocates and the clock do to requests.

Whoever changes a request or one of its nominations has locked the request first, then accounts, then advocates, each
by id. What a request is waiting for follows from its nominations (``desk.stands``) and is written here after each
change, with the span of the clock that ends and the one that begins.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.crm import consent, spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Account, Deal, StakeholderTeam
from advocacy.delivery.models import Message
from advocacy.delivery.notifications import notify, settled
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role
from advocates import budget
from advocates.models import Advocate, Channel, Task
from opportunities import clock, desk, matching, sops, urgent
from opportunities.actions import board, raised_hands, spokespeople
from opportunities.mails import desk as mails
from opportunities.models import (
    COURSE,
    UNDER_WAY,
    Claim,
    ClaimFeedback,
    ClockSpan,
    Nomination,
    Opportunity,
    OpportunityKind,
    Proof,
    ProofUse,
    ProposedTime,
    ReferenceRequest,
    RequestNote,
    Scope,
    TrackRecord,
)

Status = ReferenceRequest.Status
WaitingFor = ReferenceRequest.WaitingFor

FACTS = frozenset(
    {
        "prospect_domain", "industry", "employees", "region", "country", "language", "prospect_person",
        "prospect_role", "product", "use_case", "competitor", "depth", "questions", "required",
    }
)  # fmt: skip
"""What a request says about the prospect; the desk may mend these while it looks."""

CLAIM_TASKS = ("thank", "not-happened")
"""How the keys of tasks about a claim begin."""


UNANSWERED = (Nomination.Status.ASKED, Nomination.Status.WITH_OWNER)
"""Nominations that may still come to a yes without a question more."""


class TooEarly(Refused):
    """The deal is at a stage at which the team's SOP asks to wait; its text is the SOP's."""


@dataclass(frozen=True)
class Pick:
    """One advocate to be nominated: why them, in words the advocate reads."""

    advocate: int
    why: str = ""


# --- Filing and facts -------------------------------------------------------------------------------------------------
@transaction.atomic
def file_request(
    *,
    requester: Any,
    kind: OpportunityKind,
    prospect: str,
    needed_by: date,
    at: datetime,
    wanted: int = 1,
    team: StakeholderTeam | None = None,
    deal: Deal | None = None,
    facts: Mapping[str, Any] | None = None,
    too_early_because: str = "",
    needed_at: datetime | None = None,
    confirm: bool = True,
) -> ReferenceRequest:
    """File a request; the desk's clock runs from here. The requester has it confirmed by mail.

    At a stage of the deal that the team's SOP calls too early it is refused in the SOP's words (``TooEarly``), unless
    ``too_early_because`` says why it cannot wait. The request keeps the version of the SOP it was made under.
    ``needed_at`` is the hour of an urgent kind; other kinds have none.
    """
    if not kind.for_requests:
        raise Refused(_("“%(kind)s” cannot be asked for at the desk.") % {"kind": kind.name})
    if not prospect.strip():
        raise Refused(_("Name the prospect company: advocates read it first."))
    if needed_by < timezone.localdate(at):  # the day it is where the requester is
        raise Refused(_("The day it is needed by has passed. Choose a later one."))
    if needed_at is not None and needed_at <= at:
        raise Refused(_("The hour it is needed by has passed. Choose a later one."))
    sop = sops.current(team)
    because = " ".join(too_early_because.split())[:300] if (early := sops.too_early(sop, deal)) else ""
    if early and not because:
        raise TooEarly(early)
    filed = ReferenceRequest.objects.create(
        requester=requester, kind=kind, prospect=" ".join(prospect.split()), needed_by=needed_by, wanted=wanted,
        team=team, deal=deal, filed_at=at, waiting_for=WaitingFor.DESK, sop_version=sop, too_early_because=because,
        needed_at=needed_at if kind.is_urgent else None,
        promised_hours=clock.promised_hours(team, kind), **_facts(facts or {}),
    )  # fmt: skip
    ClockSpan.objects.create(request=filed, waiting_for=WaitingFor.DESK, began_at=at)
    if kind.is_urgent and spokespeople.ask(filed, at=at):
        _wait_for(filed, WaitingFor.APPROVER, at=at)
    _keep_promise(filed, at=at)
    if confirm:
        mails.filed(filed, at=at)
    return filed


@transaction.atomic
def amend(
    wanted: ReferenceRequest, *, facts: Mapping[str, Any], at: datetime, needed_by: date | None = None, by: Any = None
) -> ReferenceRequest:
    """Mend what a request says, which parts must fit or when it is needed; history keeps what it said before.

    What its requester changes (``by``), the desk hears of, in words.
    """
    locked = _lock(wanted)
    _must_be_active(locked)
    if needed_by is not None and needed_by != locked.needed_by and needed_by < timezone.localdate(at):
        raise Refused(_("The day it is needed by has passed. Choose a later one."))
    new = {**_facts(facts), **({"needed_by": needed_by} if needed_by is not None else {})}
    changed = {name: value for name, value in new.items() if getattr(locked, name) != value}
    for name, value in changed.items():
        setattr(locked, name, value)
    if not changed:
        return locked
    locked.save(update_fields=list(changed))
    if by is not None and by.pk == locked.requester_id:
        called = {one.name: str(one.verbose_name) for one in ReferenceRequest._meta.concrete_fields}
        names = [called[name] for name in changed]
        text = _("Changed: %(what)s.") % {"what": ", ".join(names)}
        RequestNote.objects.create(request=locked, by=by, at=at, text=text, for_requester=True)
        if locked.manager:
            said = _("%(name)s has changed the request for %(prospect)s.") % {"name": by, "prospect": locked.prospect}
            key = f"{locked.pk}:{at.isoformat()}"
            notify(locked.manager, "request_changed", key=key, text=said, url=_desk_url(locked), at=at)
    return locked


def _facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in facts.items() if name in FACTS}
    for name in ("industry", "region"):
        if known.get(name):
            known[name] = desk.as_the_crm_writes(name, known[name])
    return known


# --- The desk at work -------------------------------------------------------------------------------------------------
@transaction.atomic
def assign(wanted: ReferenceRequest, *, to: Any, at: datetime, by: Any = None) -> ReferenceRequest:
    """Give a request to a reference manager, with all that is open about it; a new one is looked into from here."""
    locked = _lock(wanted)
    _must_be_active(locked)
    before = locked.manager_id
    if locked.status == Status.NEW:
        locked.move_to(Status.MATCHING, manager=to)
    elif before != to.pk:
        ReferenceRequest.objects.filter(pk=locked.pk).update(manager=to)
        locked.manager = to
    if before != to.pk:
        _hand_over(locked, before=before, to=to)
        if by is None or by.pk != to.pk:
            said = _("The request for %(prospect)s is yours now.") % _words(locked)
            notify(to, "request_assigned", key=f"{locked.pk}:{at.isoformat()}", text=said, url=_desk_url(locked), at=at)
    return locked


def _hand_over(locked: ReferenceRequest, *, before: int | None, to: Any) -> None:
    """What is still to be done for this request is the new manager's, and so is what its claims bring."""
    Opportunity.objects.filter(request=locked).update(run_by=to)
    claims = Claim.objects.filter(opportunity__request=locked).values_list("pk", flat=True)
    about = Q(key__startswith=f"nobody-left:{locked.pk}:") | Q(key__startswith=f"owner-silent:{locked.pk}:")
    about |= Q(key__in=[f"{what}:{Claim._meta.label_lower}:{pk}" for what in CLAIM_TASKS for pk in claims])
    for pk in locked.nominations.values_list("pk", flat=True):
        about |= Q(key__startswith=f"ageing:{Nomination._meta.label_lower}:{pk}:")
    theirs = Q(assignee__isnull=True) | Q(assignee=before)
    Task.objects.filter(about, theirs, done_at__isnull=True).update(assignee=to)


@transaction.atomic
def note(wanted: ReferenceRequest, *, text: str, by: Any, at: datetime) -> RequestNote:
    """A note for the desk; the requester does not see it."""
    return RequestNote.objects.create(request=wanted, by=by, at=at, text=_text(text, _("The note is empty.")))


@transaction.atomic
def ask_requester(wanted: ReferenceRequest, *, text: str, by: Any, at: datetime) -> RequestNote:
    """Ask the requester something. Where the desk was waited for, it now is the requester, and the clock rests."""
    locked = _lock(wanted)
    _must_be_active(locked)
    asked = RequestNote.objects.create(
        request=locked, by=by, at=at, text=_text(text, _("What would you like to know?")), for_requester=True, asks=True
    )
    mails.question(asked, at=at)
    _news(locked, "question", asked.pk, _("The desk has a question about %(prospect)s.") % _words(locked), at=at)
    _settle(locked, at=at)
    return asked


@transaction.atomic
def answer_question(wanted: ReferenceRequest, *, text: str, by: Any, at: datetime) -> RequestNote:
    """The requester answers what the desk asked; also a word of theirs that nobody asked for."""
    locked = _lock(wanted)
    answer = RequestNote.objects.create(
        request=locked, by=by, at=at, text=_text(text, _("The answer is empty.")), for_requester=True
    )
    locked.notes.filter(asks=True, answered_at__isnull=True).update(answered_at=at)
    if locked.manager:
        said = _("%(name)s has answered about %(prospect)s.") % {"name": by, "prospect": locked.prospect}
        notify(locked.manager, "request_answer", key=str(answer.pk), text=said, url=_desk_url(locked), at=at)
    if locked.status not in desk.ENDED:
        _settle(locked, at=at)
    return answer


# --- Nominating -------------------------------------------------------------------------------------------------------
@transaction.atomic
def nominate(
    wanted: ReferenceRequest,
    picks: Sequence[Pick],
    *,
    by: Any,
    at: datetime,
    override_reason: str = "",
) -> list[Nomination]:
    """Ask one or several advocates for one request, all or none. Gates are read again here, under lock.

    Where an account wants it, its owner is asked first; nobody goes past them.
    """
    if not picks:
        raise Refused(_("Choose at least one advocate."))
    locked = _lock(wanted)
    _must_be_active(locked)
    spokespeople.must_have_agreed(locked)
    if desk.yes_count(_standings(locked)) >= locked.wanted:
        raise Refused(_("Enough advocates have said yes already."))
    if locked.manager is None:
        locked.manager = by
        ReferenceRequest.objects.filter(pk=locked.pk).update(manager=by)
    why = {pick.advocate: pick.why.strip()[:300] for pick in picks}
    people = _lock_people(why)
    need = matching.Need.of(locked, at=at)
    stopped = matching.stopped(need, list(why), but={"budget"})
    _not_too_many_of_one_account(locked, people)
    for advocate in people:
        if advocate.pk in stopped:
            raise Refused(_("%(name)s: %(reason)s") % {"name": advocate, "reason": stopped[advocate.pk].reason})
        account = advocate.contact.account
        if account.owner_approves and (account.owner is None or not account.owner.is_active):
            raise Refused(
                _("The owner of %(account)s approves each ask there, and nobody owns it now. Name its owner first.")
                % {"account": account.name}
            )
    frame = _frame(locked, by=by, at=at)
    scores = {one.advocate: one for one in matching.among(need, list(why))}
    answer_by = urgent.answer_by(locked, at=at)
    made = []
    for advocate in people:
        budget.ask(
            advocate, channel=Channel.DESK, source_id=locked.pk, kind=locked.kind.slug, at=at, by=by,
            override_reason=override_reason,
        )  # fmt: skip
        nominated = _ask(
            locked, advocate, why=why[advocate.pk], nominated_by=by, asked_at=at, answer_by=answer_by,
            score=_score(scores.get(advocate.pk), need), **_owner_first(advocate, by=by, at=at),
        )  # fmt: skip
        if nominated.status == Nomination.Status.WITH_OWNER:
            _ask_owner(nominated, at=at)
        else:
            _put_to_advocate(nominated, at=at, by=by)
        made.append(nominated)
    Opportunity.objects.filter(pk=frame.pk).update(run_by=locked.manager)
    _settle(locked, at=at)
    return made


def _ask(locked: ReferenceRequest, advocate: Advocate, *, status: str, **asked: Any) -> Nomination:
    """A question to one advocate; one that was taken back before it came to anything is asked once more."""
    before = Nomination.objects.filter(request=locked, advocate=advocate).first()
    if before is None:
        return Nomination.objects.create(request=locked, advocate=advocate, status=status, **asked)
    nominated = before.move_to(status, **asked, answered_at=None)
    nominated.request, nominated.advocate = locked, advocate
    return nominated


def _put_to_advocate(nominated: Nomination, *, at: datetime, by: Any) -> None:
    """The question reaches the advocate: on record, by mail and in the portal."""
    advocate = nominated.advocate
    spine.record(Deed.NOMINATED, at=at, source=nominated, contact=advocate.contact, by=by)
    mails.nomination(nominated, at=at)
    if advocate.user:
        said = _("Would you speak with %(prospect)s?") % _words(nominated.request)
        key = mails.key_of(nominated)
        notify(advocate.user, "nomination", key=key, text=said, url=_answer_url(nominated), at=at)


def _not_too_many_of_one_account(locked: ReferenceRequest, people: Sequence[Advocate]) -> None:
    """At most two of one account are asked for one request, those asked before included."""
    open_now = [*UNANSWERED, Nomination.Status.ACCEPTED]
    before = locked.nominations.filter(status__in=open_now).exclude(advocate__in=people)
    of_account = Counter(before.values_list("advocate__contact__account", flat=True))
    of_account.update(advocate.contact.account_id for advocate in people)
    for advocate in people:
        account = advocate.contact.account
        if of_account[account.pk] > matching.FROM_ONE_ACCOUNT:
            raise Refused(
                _("At most %(most)s advocates of %(account)s are asked for one request. Choose somebody else as well.")
                % {"most": matching.FROM_ONE_ACCOUNT, "account": account.name}
            )


def _lock_people(ids: Iterable[int]) -> list[Advocate]:
    """Lock the accounts of these advocates, then the advocates, each by id; they come back as they are now."""
    accounts = Account.objects.filter(contacts__advocate__in=list(ids)).values_list("pk", flat=True)
    list(Account.objects.select_for_update().filter(pk__in=set(accounts)).order_by("pk"))
    list(Advocate.objects.select_for_update().filter(pk__in=list(ids)).order_by("pk"))
    found = Advocate.objects.select_related("contact__account__owner", "user", "pod__manager").filter(pk__in=list(ids))
    return sorted(found, key=lambda one: (one.contact.account_id, one.pk))


def _frame(wanted: ReferenceRequest, *, by: Any, at: datetime) -> Opportunity:
    """The private opportunity whose claims are this request's yeses."""
    kind = wanted.kind
    frame, _new = Opportunity.objects.get_or_create(
        request=wanted,
        defaults={
            "kind": kind, "title": _("%(kind)s with %(prospect)s") % {"kind": kind.name, "prospect": wanted.prospect},
            "what": wanted.questions, "minutes": kind.minutes, "points": kind.points, "seats": wanted.wanted,
            "team": wanted.team, "run_by": wanted.manager or by, "status": Opportunity.Status.OPEN, "opened_at": at,
            "created_at": at,
        },
    )  # fmt: skip
    return frame


def _score(found: "matching.Candidate | None", need: matching.Need) -> dict[str, Any]:
    if found is None:
        return {}
    return {
        "score": found.score,
        "most": need.most,
        "parts": {part.key: part.points for part in found.parts},
        "sentence": found.sentence,
    }


@transaction.atomic
def recall(nomination: Nomination, *, by: Any, at: datetime) -> Nomination:
    """Take back a question nobody has answered yet; it counts no more against the advocate's budget.

    Also lets somebody go whose call the prospect missed, so that others can be asked.
    """
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    if nominated.status == Nomination.Status.RECALLED:
        return nominated
    if desk.missed_by_prospect(nominated):
        nominated.move_to(Nomination.Status.RECALLED)
        _settle(locked, at=at)
        _tell_desk_when_nobody_is_left(locked, at=at)
        return nominated
    if nominated.status not in UNANSWERED:
        raise Refused(_("%(name)s has answered already.") % {"name": nominated.advocate})
    _take_back(nominated, locked, because="desk", at=at)
    _settle(locked, at=at)
    return nominated


def _take_back(nominated: Nomination, locked: ReferenceRequest, *, because: str, at: datetime) -> None:
    was_with_owner = nominated.status == Nomination.Status.WITH_OWNER
    nominated.move_to(Nomination.Status.RECALLED, answered_at=None)
    budget.release(Channel.DESK, nominated.request_id, nominated.advocate, at=at)
    if was_with_owner:  # the advocate never heard of it
        _leave_owner_alone(nominated, because="taken back", at=at)
        return
    # Whoever has not got the question yet need not hear that it is gone.
    if not _keep_back_the_question(nominated, because="taken back"):
        mails.taken_back(nominated, because=because, at=at)


def _keep_back_the_question(nominated: Nomination, *, because: str) -> bool:
    """A question that has not left yet does not leave any more; whether there was one."""
    key = mails.key_of(nominated)
    unsent = Message.objects.filter(kind=mails.NOMINATION, dedupe_key=key, status=Message.Status.DUE)
    return bool(unsent.update(status=Message.Status.CANCELLED, result=because))


# --- The account owner's word -----------------------------------------------------------------------------------------
def _owner_first(advocate: Advocate, *, by: Any, at: datetime) -> dict[str, Any]:
    """Where a nomination begins: with the account owner where the account wants it, else with the advocate.

    An owner who nominates somebody of their own account has said yes by that.
    """
    fresh: dict[str, Any] = {
        "status": Nomination.Status.ASKED, "owner": None, "owner_asked_at": None, "owner_reminded_at": None,
        "owner_answered_at": None, "owner_said": "", "owner_reason": "",
    }  # fmt: skip
    account = advocate.contact.account
    if not account.owner_approves:
        return fresh
    fresh |= {"owner": account.owner, "owner_asked_at": at}
    if by is not None and by.pk == account.owner_id:
        return fresh | {"owner_answered_at": at, "owner_said": Nomination.OwnerSaid.YES}
    return fresh | {"status": Nomination.Status.WITH_OWNER}


def _ask_owner(nominated: Nomination, *, at: datetime) -> None:
    assert nominated.owner is not None
    mails.owner_asked(nominated, until=silence_until(nominated), at=at)
    said = _("May we ask %(name)s to speak with %(prospect)s?") % _words(nominated.request, nominated)
    may = nominated.owner.has_perm("opportunities.approve_asks")  # who may not has the link in their mail
    url = reverse("opportunities:approval", args=[nominated.public_id]) if may else ""
    notify(nominated.owner, "approval", key=mails.approval_of(nominated), text=said, url=url, at=at)


def silence_until(nominated: Nomination) -> datetime | None:
    """Until when the owner may say no, where their silence counts as a yes."""
    if nominated.owner is None or nominated.owner_asked_at is None or not nominated.owner.silence_is_yes:
        return None
    return clock.office().days_later(nominated.owner_asked_at, desk.SILENCE_AFTER)


def _leave_owner_alone(nominated: Nomination, *, because: str, at: datetime) -> None:
    """What was to reach the owner about it does not any more."""
    key = mails.approval_of(nominated)
    unsent = Message.objects.filter(kind=mails.APPROVAL, dedupe_key__in=[key, f"{key}:again"])
    unsent.filter(status=Message.Status.DUE).update(status=Message.Status.CANCELLED, result=because)
    settled("approval", key=key, at=at)
    Task.objects.filter(key=_silent_key(nominated), done_at__isnull=True).update(done_at=at)


def _silent_key(nominated: Nomination) -> str:
    return f"owner-silent:{nominated.request_id}:{mails.approval_of(nominated)}"


@transaction.atomic
def approve(nomination: Nomination, *, at: datetime, by: Any = None, silent: bool = False) -> Nomination:
    """The account owner says yes, or is silent and counts that as one: the advocate is asked now.

    Gates are read once more; who may not be asked any longer is let go, and the desk is told.
    """
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    if nominated.owner_said == Nomination.OwnerSaid.YES:
        return nominated
    _must_be_with_owner(nominated, by=None if silent else by)
    if silent and (nominated.owner is None or not nominated.owner.silence_is_yes):
        raise Refused(_("Their silence is no yes: they have not said that it may be taken for one."))
    _lock_people([nominated.advocate_id])
    said = {
        "owner_said": Nomination.OwnerSaid.SILENCE if silent else Nomination.OwnerSaid.YES, "owner_answered_at": at,
    }  # fmt: skip
    need = matching.Need.of(locked, at=at)
    stopped = matching.stopped(need, [nominated.advocate_id], but={"budget", "asked"}).get(nominated.advocate_id)
    against = stopped.reason if stopped is not None else None
    if against is None:
        try:
            budget.asked_now(Channel.DESK, locked.pk, nominated.advocate, at=at)
        except Refused as refusal:
            against = str(refusal)
    _leave_owner_alone(nominated, because="answered", at=at)
    if against is not None:
        nominated.move_to(Nomination.Status.RECALLED, **said)
        budget.release(Channel.DESK, locked.pk, nominated.advocate, at=at)
        note(locked, text=_("%(name)s: %(reason)s") % {"name": nominated.advocate, "reason": against}, by=None, at=at)
    else:
        answer_by = urgent.answer_by(locked, at=at)
        advocate = nominated.advocate
        nominated = nominated.move_to(Nomination.Status.ASKED, asked_at=at, answer_by=answer_by, **said)
        nominated.request, nominated.advocate = locked, advocate
        _put_to_advocate(nominated, at=at, by=nominated.nominated_by)
    _tell_manager_of_owner(locked, nominated, _("%(owner)s agreed that %(name)s is asked."), at=at)
    _settle(locked, at=at)
    _tell_desk_when_nobody_is_left(locked, at=at)
    return _reread(nominated, locked)


@transaction.atomic
def not_approved(nomination: Nomination, *, reason: str, at: datetime, by: Any = None) -> Nomination:
    """The account owner says no, and why; the advocate never hears of it."""
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    if nominated.status == Nomination.Status.REFUSED:
        return nominated
    _must_be_with_owner(nominated, by=by)
    reason = _text(reason, _("Say in a few words why not, so that the desk knows whom to ask instead."))
    budget.lock(nominated.advocate)
    nominated.move_to(
        Nomination.Status.REFUSED, owner_said=Nomination.OwnerSaid.NO, owner_answered_at=at, owner_reason=reason[:300]
    )
    budget.release(Channel.DESK, locked.pk, nominated.advocate, at=at)
    _leave_owner_alone(nominated, because="answered", at=at)
    _tell_manager_of_owner(locked, nominated, _("%(owner)s does not want that %(name)s is asked."), at=at)
    _settle(locked, at=at)
    _tell_desk_when_nobody_is_left(locked, at=at)
    return _reread(nominated, locked)


def _must_be_with_owner(nominated: Nomination, *, by: Any) -> None:
    if nominated.status != Nomination.Status.WITH_OWNER:
        if nominated.owner_said == Nomination.OwnerSaid.NO:
            raise Refused(_("You have said no to this already. Write to the desk if it should be asked after all."))
        if nominated.owner_said:
            raise Refused(_("%(name)s has been asked already. Write to the desk to stop it.")
                          % {"name": nominated.advocate})  # fmt: skip
        raise Refused(_("This has been taken back meanwhile: there is nothing to decide any more."))
    if by is not None and by.pk != nominated.owner_id:
        raise Refused(_("Only the owner of the account decides this."))
    if nominated.owner is None or not nominated.owner.is_active:
        raise Refused(_("Only the owner of the account decides this."))
    if nominated.owner_id != nominated.advocate.contact.account.owner_id:
        raise Refused(_("The account has another owner now, who is asked instead."))


def _tell_manager_of_owner(locked: ReferenceRequest, nominated: Nomination, said: str, *, at: datetime) -> None:
    if locked.manager:
        text = said % {"owner": nominated.owner or _("The account owner"), "name": nominated.advocate}
        key = mails.approval_of(nominated)
        notify(locked.manager, "owner_said", key=key, text=text[:300], url=_desk_url(locked), at=at)


@transaction.atomic
def wait_for_owner(nomination: Nomination, *, at: datetime) -> Nomination:
    """What time does to a question to an owner: one reminder; then their silence counts, or the desk hears of it."""
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    if nominated.status != Nomination.Status.WITH_OWNER or nominated.owner_asked_at is None:
        return nominated
    owner, office, asked_at = nominated.advocate.contact.account.owner, clock.office(), nominated.owner_asked_at
    if owner is not None and owner.is_active and owner.pk != nominated.owner_id:
        _leave_owner_alone(nominated, because="another owner", at=at)
        Nomination.objects.filter(pk=nominated.pk).update(owner=owner, owner_asked_at=at, owner_reminded_at=None)
        nominated = _reread(nominated, locked)
        _ask_owner(nominated, at=at)
        return nominated
    reminded = nominated.owner_reminded_at
    if reminded is None:
        if office.days_later(asked_at, desk.REMIND_OWNER_AFTER) <= at:
            Nomination.objects.filter(pk=nominated.pk).update(owner_reminded_at=at)
            nominated.owner_reminded_at = at
            mails.owner_asked(nominated, until=silence_until(nominated), again=True, at=at)
        return nominated
    waited = office.days_later(asked_at, desk.SILENCE_AFTER) <= at
    if not waited or office.days_later(reminded, desk.SILENCE_AFTER - desk.REMIND_OWNER_AFTER) > at:
        return nominated
    if nominated.owner is not None and nominated.owner.is_active and nominated.owner.silence_is_yes:
        return approve(nominated, at=at, silent=True)
    text = _("%(owner)s has not said whether %(name)s may be asked about %(prospect)s. Talk to them, or ask others.")
    words = {**_words(locked, nominated), "owner": nominated.owner or _("The account owner")}
    Task.objects.get_or_create(
        key=_silent_key(nominated),
        defaults={
            "kind": Task.Kind.FIND, "text": (text % words)[:300], "assignee": locked.manager,
            "advocate": nominated.advocate, "account": nominated.advocate.contact.account, "due_at": at,
            "created_at": at,
        },
    )  # fmt: skip
    return nominated


# --- The advocate's answer --------------------------------------------------------------------------------------------
@transaction.atomic
def accept(
    nomination: Nomination, *, times: Sequence[datetime], at: datetime, by: Any = None, consent_wording: str = ""
) -> Nomination:
    """The advocate says yes and proposes times. The yes becomes a claim; who asked is told at once.

    ``consent_wording`` is set when they agreed to exactly these words along with the yes: where the consent of this
    kind is missing, it is then put on record in the same transaction.
    """
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    if nominated.status == Nomination.Status.ACCEPTED:
        return nominated
    _must_be_answerable(locked, nominated)
    timed = locked.kind.has_step("scheduled")
    _check_times(times, locked.kind, at=at)
    others = locked.nominations.filter(status__in=UNANSWERED).exclude(pk=nominated.pk)
    _lock_people([nominated.advocate_id, *others.values_list("advocate", flat=True), *raised_hands.people(locked)])
    frame = Opportunity.objects.get(request=locked)
    contact, purpose = nominated.advocate.contact, locked.kind.purpose
    if consent_wording and purpose and not consent.allows(contact, purpose, at=at):
        consent.grant(contact, purpose, wording=consent_wording, at=at, source="nomination", by=by)
    claim = board.claim_for_nomination(nominated.advocate, frame, at=at, minutes=locked.kind.minutes)
    nominated.move_to(Nomination.Status.ACCEPTED, answered_at=at, claim=claim)
    _keep_back_the_question(nominated, because="answered")
    settled("nomination", key=mails.key_of(nominated), at=at)
    if timed:
        _keep_times(nominated, times)
    budget.answered(Channel.DESK, locked.pk, nominated.advocate, at=at)
    spine.record(Deed.NOMINATION_ACCEPTED, at=at, source=nominated, contact=nominated.advocate.contact, by=by)
    if locked.first_yes_at is None:
        ReferenceRequest.objects.filter(pk=locked.pk).update(first_yes_at=at)
        locked.first_yes_at = at
    if desk.yes_count(_standings(locked)) >= locked.wanted:
        for other in others.order_by("advocate__contact__account", "advocate"):
            _take_back(_reread(other, locked), locked, because="enough", at=at)
        raised_hands.close(locked, at=at)
    mails.said_yes(nominated, at=at)
    _news(locked, "yes", nominated.pk, _("%(name)s said yes to %(prospect)s.") % _words(locked, nominated), at=at)
    if locked.manager:
        said = _("%(name)s said yes to %(prospect)s.") % _words(locked, nominated)
        notify(locked.manager, "nomination_yes", key=str(nominated.pk), text=said, url=_desk_url(locked), at=at)
    _settle(locked, at=at)
    _tell_desk_when_nobody_is_left(locked, at=at)
    return nominated


@transaction.atomic
def propose_times(nomination: Nomination, *, times: Sequence[datetime], at: datetime) -> Nomination:
    """Other times than those proposed with the yes, because none of them suited."""
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    if not desk.wants_time(nominated):
        raise Refused(_("There is no time to be found for this any more."))
    _check_times(times, locked.kind, at=at)
    nominated.times.all().delete()
    _keep_times(nominated, times)
    nominated = _reread(nominated, locked)
    mails.said_yes(nominated, at=at)
    said = _("%(name)s has proposed other times for %(prospect)s.") % _words(locked, nominated)
    _news(locked, "times", f"{nominated.pk}:{at.isoformat()}", said, at=at)
    _settle(locked, at=at)
    return nominated


@transaction.atomic
def decline(
    nomination: Nomination,
    *,
    reason: str,
    at: datetime,
    rule_out: bool = False,
    never: bool = False,
    by: Any = None,
) -> Nomination:
    """The advocate says not now; they may rule the company out, or the kind, for good. The ask counts as asked."""
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    if nominated.status == Nomination.Status.DECLINED:
        return nominated
    if nominated.status not in {Nomination.Status.ASKED, Nomination.Status.EXPIRED}:
        raise Refused(_gone(nominated))
    budget.lock(nominated.advocate)
    nominated.move_to(Nomination.Status.DECLINED, answered_at=at, decline_reason=reason.strip()[:300])
    _keep_back_the_question(nominated, because="answered")
    settled("nomination", key=mails.key_of(nominated), at=at)
    budget.answered(Channel.DESK, locked.pk, nominated.advocate, at=at)
    spine.record(Deed.NOMINATION_DECLINED, at=at, source=nominated, contact=nominated.advocate.contact, by=by)
    _keep_own_word(
        nominated.advocate,
        companies=matching.names_of(locked.prospect) | {locked.prospect_domain.strip().lower()} if rule_out else (),
        kind=locked.kind.slug if never else "",
    )
    if locked.status not in desk.ENDED:  # their word counts for good; what has ended stays as it ended
        _settle(locked, at=at)
        _tell_desk_when_nobody_is_left(locked, at=at)
    return nominated


def _keep_own_word(advocate: Advocate, *, companies: Iterable[str], kind: str) -> None:
    ruled_out = sorted({*advocate.ruled_out, *companies} - {""})
    never = sorted({*advocate.never, kind} - {""})
    wants = [one for one in advocate.wants if one != kind]
    if (ruled_out, never) != (sorted(advocate.ruled_out), sorted(advocate.never)):
        Advocate.objects.filter(pk=advocate.pk).update(ruled_out=ruled_out, never=never, wants=wants)


@transaction.atomic
def expire(nomination: Nomination, *, at: datetime) -> Nomination:
    """Nobody answered in time: the desk moves on. A late yes is still welcome while the request needs one."""
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    if nominated.status != Nomination.Status.ASKED or nominated.answer_by > at:
        return nominated
    nominated.move_to(Nomination.Status.EXPIRED)
    _keep_back_the_question(nominated, because="too late")
    if locked.status in desk.ENDED:
        return nominated
    _settle(locked, at=at)
    _tell_desk_when_nobody_is_left(locked, at=at)
    return nominated


def _tell_desk_when_nobody_is_left(locked: ReferenceRequest, *, at: datetime) -> None:
    nominations = _standings(locked)
    if locked.status in desk.ENDED or desk.yes_count(nominations) >= locked.wanted:
        return
    if any(one.status in UNANSWERED for one in nominations):
        return
    text = _("Nobody is left for %(prospect)s: nominate others, ask on the board, or say that nobody can be found.") % (
        _words(locked)
    )
    Task.objects.get_or_create(
        key=f"nobody-left:{locked.pk}:{len(nominations)}",
        defaults={
            "kind": Task.Kind.FIND, "text": text[:300], "assignee": locked.manager, "due_at": at, "created_at": at,
        },
    )  # fmt: skip
    if locked.manager:
        notify(locked.manager, "nobody_left", key=f"{locked.pk}:{len(nominations)}", text=text[:300],
               url=_desk_url(locked), at=at)  # fmt: skip


# --- The time ---------------------------------------------------------------------------------------------------------
@transaction.atomic
def pick_time(time: ProposedTime, *, at: datetime, by: Any = None) -> Claim:
    """The requester or prospect takes one of the proposed times; both sides get it for their calendars."""
    locked = _lock(time.nomination.request)
    nominated = _reread(time.nomination, locked)
    claim = nominated.claim
    free = claim is not None and (claim.status in UNDER_WAY or desk.missed_by_prospect(nominated))
    if nominated.status != Nomination.Status.ACCEPTED or claim is None or not free:
        raise Refused(_("%(name)s is no longer free for this.") % {"name": nominated.advocate})
    known = nominated.times.filter(pk=time.pk).first()
    if known is None:
        raise Refused(_("The times have changed meanwhile. Pick one of those that are shown now."))
    time = known
    chosen = nominated.times.filter(chosen_at__isnull=False).first()
    if chosen is not None:
        if chosen.pk == time.pk:
            return claim
        raise Refused(_("A time is set already. Ask the desk to move it."))
    if time.starts_at <= at:
        raise Refused(_("That time has passed. Pick another one."))
    ProposedTime.objects.filter(pk=time.pk).update(chosen_at=at)
    claim = board.schedule(claim, starts_at=time.starts_at, minutes=claim.minutes or locked.kind.minutes, at=at, by=by)
    mails.time_set(nominated, claim, at=at)
    _settle(locked, at=at)
    return claim


@transaction.atomic
def no_time_fits(nomination: Nomination, *, text: str, by: Any, at: datetime, said_by: str = "") -> Nomination:
    """None of the proposed times suits: the advocate is asked for others, in the words of the other side."""
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    if not desk.wants_time(nominated):
        raise Refused(_("A time is set already. Ask the desk to move it."))
    if not nominated.times.exists():
        return nominated
    text = _text(text, _("Say in a few words when it would suit, so that the next times fit."))
    again = desk.missed_by_prospect(nominated)
    nominated.times.all().delete()
    said = _("Another time, please: %(text)s") if again else _("None of the times suited: %(text)s")
    told = said % {"text": text}
    told = f"{said_by}: {told}" if said_by else told
    RequestNote.objects.create(request=locked, by=by, at=at, text=told, for_requester=True)
    mails.other_times(nominated, said=text, again=again, at=at)
    if nominated.advocate.user:
        told = _("%(prospect)s needs other times.") % _words(locked)
        notify(nominated.advocate.user, "other_times", key=f"{nominated.pk}:{at.isoformat()}", text=told,
               url=_answer_url(nominated), at=at)  # fmt: skip
    _settle(locked, at=at)
    return _reread(nominated, locked)


@transaction.atomic
def move_time(nomination: Nomination, *, starts_at: datetime, by: Any, at: datetime) -> Claim:
    """The desk moves a set time; every calendar follows."""
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    if nominated.claim is None:
        raise Refused(_("There is no set time to move."))
    if starts_at > desk.latest_time(at):
        raise Refused(_("This time is more than half a year ahead. Choose an earlier one."))
    claim = board.reschedule(nominated.claim, starts_at=starts_at, at=at, by=by)
    _take_over_time(nominated, claim, at=at)
    _settle(locked, at=at)
    return claim


# --- Afterwards -------------------------------------------------------------------------------------------------------
@transaction.atomic
def say_how_it_was(
    claim: Claim,
    *,
    grade: int,
    happened: bool,
    text: str = "",
    minutes: int | None = None,
    at: datetime,
    by: Any = None,
) -> ClaimFeedback:
    """The requester says whether it took place and how it was. With both sides' yes the request is fulfilled."""
    nominated = Nomination.objects.select_related("request").get(claim=claim)
    _lock(nominated.request)
    feedback = board.give_feedback(
        claim,
        side=ClaimFeedback.Side.REQUESTER,
        grade=grade,
        happened=happened,
        text=text,
        minutes=minutes,
        at=at,
        by=by,
    )
    note_record(claim.advocate)
    follow(nominated, at=at)
    return feedback


@transaction.atomic
def follow(nomination: Nomination, *, at: datetime) -> ReferenceRequest:
    """Bring a request up to date with the claim of one of its nominations: verified, fallen through or just told of.

    Both sides' word that it took place is proof enough; a person's is needed only where they differ.
    """
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    claim = nominated.claim
    if nominated.status != Nomination.Status.ACCEPTED or claim is None:
        return locked
    if claim.status in (*UNDER_WAY, Claim.Status.DELIVERED):
        said = {one.side: one.happened for one in claim.feedback.all()}
        if len(said) == len(ClaimFeedback.Side.values) and all(said.values()):
            board.verify(claim, at=at)
        if claim.status == Claim.Status.SCHEDULED:
            _take_over_time(nominated, claim, at=at)
    elif claim.status not in COURSE and locked.status not in desk.ENDED:
        if desk.missed_by_prospect(nominated):
            _prospect_missed(locked, nominated, at=at)
        else:
            _fallen_through(locked, nominated, at=at)
    note_record(nominated.advocate)
    if locked.status not in desk.ENDED:
        _settle(locked, at=at)
    return locked


def _take_over_time(nominated: Nomination, claim: Claim, *, at: datetime) -> None:
    """The advocate has moved the call among their own claims: the requester's calendar follows."""
    chosen = nominated.times.filter(chosen_at__isnull=False).first()
    if claim.scheduled_for is None or (chosen is not None and chosen.starts_at == claim.scheduled_for):
        return
    nominated.times.filter(chosen_at__isnull=False).update(chosen_at=None)
    ProposedTime.objects.update_or_create(
        nomination=nominated, starts_at=claim.scheduled_for, defaults={"chosen_at": at}
    )
    mails.time_set(nominated, claim, at=at)


@transaction.atomic
def verify(nomination: Nomination, *, by: Any, at: datetime) -> ReferenceRequest:
    """The desk vouches that it took place, where a side stays silent."""
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    if nominated.claim is None:
        raise Refused(_("There is nothing to verify yet."))
    if nominated.claim.scheduled_for and nominated.claim.scheduled_for > at:
        raise Refused(_("Its time has not come yet."))
    board.verify(nominated.claim, at=at, by=by)
    return follow(nominated, at=at)


@transaction.atomic
def missed(nomination: Nomination, *, by_prospect: bool, by: Any, at: datetime) -> ReferenceRequest:
    """It did not take place. When it was the prospect who did not come, the advocate gets an apology and the points."""
    locked = _lock(nomination.request)
    nominated = _reread(nomination, locked)
    if nominated.claim is None:
        raise Refused(_("There is nothing that could have been missed."))
    if nominated.claim.scheduled_for and nominated.claim.scheduled_for > at:
        raise Refused(_("Its time has not come yet."))
    reason = _("The prospect did not come.") if by_prospect else _("The advocate did not come.")
    board.miss(nominated.claim, reason=reason, at=at, by=by, by_other_side=by_prospect)
    return follow(nominated, at=at)


@transaction.atomic
def thank(nomination: Nomination, *, text: str, by: Any, at: datetime) -> Claim:
    """Thank the advocate for this reference, in the manager's words."""
    nominated = _reread(nomination, _lock(nomination.request))
    if nominated.claim is None:
        raise Refused(_("Thank them when it is done."))
    return board.thank(nominated.claim, text=text, by=by, at=at)


def _prospect_missed(locked: ReferenceRequest, nominated: Nomination, *, at: datetime) -> None:
    """The advocate was there: the requester hears it in these words, and may ask for another time."""
    assert nominated.claim is not None
    if nominated.times.filter(chosen_at__isnull=False).exists():
        nominated.times.filter(chosen_at__isnull=True).delete()  # what was proposed beside it was for another week
    mails.prospect_missed(nominated, nominated.claim, at=at)
    said = _("%(prospect)s did not come to the call with %(name)s. You can ask for another time.")
    key = f"{nominated.pk}:{nominated.claim.sequence}"
    _news(locked, "prospect_missed", key, said % _words(locked, nominated), at=at)


def _fallen_through(locked: ReferenceRequest, nominated: Nomination, *, at: datetime) -> None:
    nominated.move_to(Nomination.Status.RECALLED)
    mails.fell_through(nominated, at=at)
    said = _("%(name)s cannot make it for %(prospect)s; the desk looks again.") % _words(locked, nominated)
    _news(locked, "fell_through", nominated.pk, said, at=at)
    _tell_desk_when_nobody_is_left(locked, at=at)


def note_record(advocate: Advocate) -> None:
    """Count anew how this advocate's references went; the same twice is the same."""
    grades = list(
        ClaimFeedback.objects.filter(
            claim__advocate=advocate, side=ClaimFeedback.Side.REQUESTER, happened=True
        ).values_list("grade", flat=True)
    )
    # A miss by the other side books the points; one of their own does not, and tells the spine.
    missed_ones = advocate.contact.activities.filter(deed=Deed.MISSED).count()
    counted = {"grades": len(grades), "grade_sum": sum(grades), "missed": missed_ones}
    if any(counted.values()) or TrackRecord.objects.filter(advocate=advocate).exists():
        TrackRecord.objects.update_or_create(advocate=advocate, defaults=counted)


# --- The end ----------------------------------------------------------------------------------------------------------
@transaction.atomic
def withdraw(wanted: ReferenceRequest, *, reason: str, by: Any, at: datetime) -> ReferenceRequest:
    """It is needed no more. Whoever was asked is told, and claims end."""
    return _end(wanted, Status.WITHDRAWN, reason=reason, by=by, at=at)


@transaction.atomic
def leave_unfilled(wanted: ReferenceRequest, *, reason: str, by: Any, at: datetime) -> ReferenceRequest:
    """Nobody could be found; the requester is told why."""
    return _end(wanted, Status.UNFILLED, reason=reason, by=by, at=at)


@transaction.atomic
def deflect(wanted: ReferenceRequest, proof: Proof, *, by: Any, at: datetime) -> ReferenceRequest:
    """What we have published is enough: the request ends, and which proof served goes on record."""
    kept = Proof.objects.usable(at=at, scope=Scope.SALES).select_for_update(of=("self",)).filter(pk=proof.pk).first()
    if kept is None:
        raise Refused(_("“%(title)s” may no longer be shown to prospects. Choose something else.") % {"title": proof})
    locked = _lock(wanted)
    if locked.status not in desk.ENDED and not desk.may_be_enough(locked):
        raise Refused(_("An advocate has said yes already. Withdraw the request instead, and say why."))
    ended = _end(locked, Status.DEFLECTED, reason=_("Answered with “%(title)s”.") % {"title": kept}, by=by, at=at)
    ProofUse.objects.get_or_create(
        request=ended, how=ProofUse.How.DEFLECTED,
        defaults={"proof": kept, "by": by, "at": at, "deal": ended.deal},
    )  # fmt: skip
    return ended


@transaction.atomic
def file_as_enough(*, proof: Proof, requester: Any, at: datetime, **asked: Any) -> ReferenceRequest:
    """Somebody was about to ask, and what they were shown is enough: filed and deflected in one stroke."""
    # It asks nothing of anybody, so no stage of a deal is too early for it.
    filed = file_request(
        requester=requester, at=at, too_early_because=_("Answered with proof."), confirm=False, **asked
    )
    return deflect(filed, proof, by=requester, at=at)


@transaction.atomic
def reopen(wanted: ReferenceRequest, *, at: datetime) -> ReferenceRequest:
    """Look again for a request that was left unfilled."""
    locked = _lock(wanted)
    if locked.status != Status.UNFILLED:
        raise Refused(_("Only a request that was left unfilled can be opened again."))
    locked.move_to(Status.MATCHING, closed_at=None, close_reason="")
    Opportunity.objects.filter(request=locked, status=Opportunity.Status.CLOSED).update(status=Opportunity.Status.OPEN)
    _settle(locked, at=at)
    return locked


def _end(wanted: ReferenceRequest, status: str, *, reason: str, by: Any, at: datetime) -> ReferenceRequest:
    locked = _lock(wanted)
    if locked.status == status:
        return locked
    _must_be_active(locked)
    reason = _text(reason, _("Say in a few words why; whoever was asked may wonder."))
    nominations = _nominations(locked)
    _lock_people([*(one.advocate_id for one in nominations), *raised_hands.people(locked)])
    for nominated in nominations:
        if nominated.status in UNANSWERED:
            _take_back(nominated, locked, because="ended", at=at)
        elif nominated.claim is not None and nominated.claim.status in UNDER_WAY:
            board.decline(nominated.claim, reason=reason, at=at, by=by)
            nominated.move_to(Nomination.Status.RECALLED)
            budget.release(Channel.DESK, locked.pk, nominated.advocate, at=at)
            mails.called_off(nominated, at=at)
        elif desk.missed_by_prospect(nominated):
            nominated.move_to(Nomination.Status.RECALLED)
    _close(locked, status, reason=reason, at=at)
    if by is None or by.pk != locked.requester_id:
        mails.ended(locked, at=at)
        said = _("Your request for %(prospect)s has ended: %(status)s.") % {
            "prospect": locked.prospect, "status": locked.get_status_display(),
        }  # fmt: skip
        _news(locked, "ended", status, said, at=at)
    elif locked.manager:
        said = _("%(name)s has withdrawn the request for %(prospect)s.") % {"name": by, "prospect": locked.prospect}
        notify(locked.manager, "request_withdrawn", key=str(locked.pk), text=said, url=_desk_url(locked), at=at)
    return locked


def _close(locked: ReferenceRequest, status: str, *, reason: str = "", at: datetime) -> None:
    stamps: dict[str, Any] = {"closed_at": at, "close_reason": reason[:300]}
    if status == Status.FULFILLED:
        stamps["fulfilled_at"] = at
    locked.move_to(status, **stamps)
    Opportunity.objects.filter(request=locked, status=Opportunity.Status.OPEN).update(status=Opportunity.Status.CLOSED)
    raised_hands.close(locked, at=at)
    if locked.waits_for_approver:
        spokespeople.leave_alone(locked, because="ended", at=at)
    over = Q(key__startswith=f"nobody-left:{locked.pk}:") | Q(key__startswith=f"owner-silent:{locked.pk}:")
    Task.objects.filter(over, done_at__isnull=True).update(done_at=at)
    _wait_for(locked, WaitingFor.NOBODY, at=at)


# --- Where it stands, written down ------------------------------------------------------------------------------------
def _lock(wanted: ReferenceRequest) -> ReferenceRequest:
    """Lock a request, then its frame: a claim's own moves lock the frame before the account, and so must we."""
    rows = ReferenceRequest.objects.select_for_update(of=("self",))
    locked = rows.select_related("kind", "deal", "manager", "requester", "team").get(pk=wanted.pk)
    theirs = Q(request=locked) | Q(broadcast_of=locked)
    list(Opportunity.objects.select_for_update().filter(theirs).order_by("pk").values_list("pk"))
    return locked


def _nominations(locked: ReferenceRequest) -> list[Nomination]:
    """All nominations of a locked request, as they are now."""
    return _whole(Nomination.objects.filter(request=locked).order_by("pk"), locked)


def _reread(nomination: Nomination, locked: ReferenceRequest) -> Nomination:
    """One nomination of a locked request, as it is now."""
    return _whole(Nomination.objects.filter(request=locked, pk=nomination.pk), locked)[0]


def _whole(rows: QuerySet[Nomination], locked: ReferenceRequest) -> list[Nomination]:
    """With all that moves and mails read. What is locked already is taken over, not joined once more."""
    rows = rows.select_related(
        "advocate__contact__account__owner", "advocate__user", "claim__opportunity", "nominated_by", "owner"
    ).prefetch_related("times", "claim__feedback")
    found = list(rows)
    for one in found:
        one.request = locked
        if one.claim is not None:
            one.claim.advocate = one.advocate
    return found


def _standings(locked: ReferenceRequest) -> list[Nomination]:
    """All nominations of a locked request with what decides where it stands: claims, times and feedback, no people."""
    rows = (
        Nomination.objects.filter(request=locked).select_related("claim").prefetch_related("times", "claim__feedback")
    )
    return list(rows.order_by("pk"))


def _settle(locked: ReferenceRequest, *, at: datetime) -> None:
    """Write the status and whose turn it is, as they follow from the nominations."""
    nominations = _standings(locked)
    question_out = locked.notes.filter(asks=True, answered_at__isnull=True).exists()
    if not nominations and locked.status == Status.NEW:
        status: str = Status.NEW
        waiting: str = desk.between(locked, question_out=question_out)
    else:
        status, waiting = desk.stands(locked, nominations, question_out=question_out, at=at)
    if status == Status.FULFILLED:
        _close(locked, status, at=at)
        said = _("Your request for %(prospect)s is fulfilled.") % _words(locked)
        _news(locked, "fulfilled", "", said, at=at)
        return
    if status != locked.status:
        locked.move_to(status)
    _wait_for(locked, waiting, at=at)


def _wait_for(locked: ReferenceRequest, waiting: str, *, at: datetime) -> None:
    """End one span of the clock and begin the next; the same turn goes on in the same span."""
    open_span = ClockSpan.objects.filter(request=locked, ended_at__isnull=True).first()
    if open_span is not None and open_span.waiting_for == waiting:
        return
    if open_span is not None:
        ClockSpan.objects.filter(pk=open_span.pk).update(ended_at=max(at, open_span.began_at))
    if waiting != WaitingFor.NOBODY:
        ClockSpan.objects.create(request=locked, waiting_for=waiting, began_at=at)
    _keep_promise(locked, at=at, waiting_for=waiting)


def _keep_promise(locked: ReferenceRequest, *, at: datetime, **more: Any) -> None:
    """Write down how the promise stands now, with what else has changed; one that was broken stays so."""
    stands = clock.standing(
        locked.spans.all(), hours=locked.promised_hours, broken_at=locked.promise_broken_at, desk=clock.office(), at=at
    )
    was_whole = locked.promise_broken_at is None
    changed = {
        "desk_used": stands.used, "promise_due_at": stands.due_at, "promise_broken_at": stands.broken_at, **more,
    }  # fmt: skip
    ReferenceRequest.objects.filter(pk=locked.pk).update(**changed)
    for name, value in changed.items():
        setattr(locked, name, value)
    if was_whole and stands.broken_at is not None:
        _say_that_it_is_broken(locked, at=at)


def _say_that_it_is_broken(locked: ReferenceRequest, *, at: datetime) -> None:
    """On record for good, and told to whoever can still help."""
    words = {**_words(locked), "hours": locked.promised_hours}
    text = _("%(prospect)s: the %(hours)s office hours promised are used up.") % words
    RequestNote.objects.create(request=locked, at=at, text=text)
    for manager in _who_can_help(locked):
        notify(manager, "promise_broken", key=str(locked.pk), text=text, url=_desk_url(locked), at=at)


def _who_can_help(locked: ReferenceRequest) -> list[Any]:
    """The manager, or every manager while nobody has taken it."""
    if locked.manager is not None:
        return [locked.manager]
    managers = get_user_model().objects.filter(is_active=True, role_grants__role=Role.MANAGER)
    return list(managers.distinct().order_by("pk"))


@transaction.atomic
def look_at_promise(wanted: ReferenceRequest, *, at: datetime) -> ReferenceRequest:
    """See whether a promise has been used up, or how it stands under other office hours; changes nothing else."""
    locked = _lock(wanted)
    if locked.status not in desk.ENDED:
        _keep_promise(locked, at=at)
    return locked


def count_promises_anew(*, at: datetime) -> int:
    """After the desk's hours have changed: every promise under way under the new ones; returns how many."""
    under_way = ReferenceRequest.objects.active().filter(promised_hours__isnull=False, promise_broken_at__isnull=True)
    number = 0
    for request in under_way.order_by("pk").iterator(chunk_size=200):
        look_at_promise(request, at=at)
        number += 1
    return number


@transaction.atomic
def warn_of_promise(wanted: ReferenceRequest, *, at: datetime) -> None:
    """Tell whoever can help that a promise will soon be used up; once for each moment it is due at."""
    if wanted.promise_due_at is None:
        return
    words = {
        **_words(wanted),
        "time": date_format(timezone.localtime(wanted.promise_due_at, clock.office().zone), "H:i"),
    }
    for manager in _who_can_help(wanted):
        notify(
            manager, "promise_soon", key=f"{wanted.pk}:{wanted.promise_due_at.isoformat()}",
            text=_("%(prospect)s: our promise is used up at %(time)s.") % words, url=_desk_url(wanted), at=at,
        )  # fmt: skip


# --- Small things -----------------------------------------------------------------------------------------------------
def _must_be_active(wanted: ReferenceRequest) -> None:
    if wanted.status in desk.ENDED:
        raise Refused(_("This request has ended: it is %(status)s.") % {"status": wanted.get_status_display()})


def _must_be_answerable(locked: ReferenceRequest, nominated: Nomination) -> None:
    if nominated.status not in {Nomination.Status.ASKED, Nomination.Status.EXPIRED}:
        raise Refused(_gone(nominated))
    if locked.status in desk.ENDED:
        raise Refused(_("This has ended meanwhile. Thank you all the same!"))
    if desk.yes_count(_standings(locked)) >= locked.wanted:
        raise Refused(_("Somebody else has said yes meanwhile. Thank you all the same!"))


def _gone(nominated: Nomination) -> str:
    if nominated.status == Nomination.Status.DECLINED:
        return _("You have declined this already.")
    if nominated.status == Nomination.Status.ACCEPTED:
        return _("You have said yes to this. If it no longer works, take your claim back, or write to your manager.")
    return _("This has been taken back meanwhile: there is nothing to answer any more. Thank you all the same!")


def _check_times(times: Sequence[datetime], kind: OpportunityKind, *, at: datetime) -> None:
    if not kind.has_step("scheduled"):
        return
    if len(set(times)) < desk.TIMES_PROPOSED:
        raise Refused(
            ngettext("Propose %(count)s time.", "Propose %(count)s different times.", desk.TIMES_PROPOSED)
            % {"count": desk.TIMES_PROPOSED}
        )
    if any(time <= at for time in times):
        raise Refused(_("One of these times has passed. Choose times to come."))
    if any(time > desk.latest_time(at) for time in times):
        raise Refused(_("One of these times is more than half a year ahead. Choose earlier ones."))
    if desk.overlaps(set(times), minutes=kind.minutes):
        raise Refused(_("Two of these times overlap. Leave room between them, so that there is a choice."))


def _keep_times(nominated: Nomination, times: Sequence[datetime]) -> None:
    ProposedTime.objects.bulk_create(
        [ProposedTime(nomination=nominated, starts_at=time) for time in sorted(set(times))], ignore_conflicts=True
    )
    if hasattr(nominated, "_prefetched_objects_cache"):
        nominated._prefetched_objects_cache.pop("times", None)


def _text(text: str, when_empty: str) -> str:
    if not text.strip():
        raise Refused(when_empty)
    return text.strip()


def _words(wanted: ReferenceRequest, nominated: Nomination | None = None) -> dict[str, Any]:
    return {"prospect": wanted.prospect, "name": nominated.advocate if nominated else ""}


def _news(wanted: ReferenceRequest, kind: str, key: Any, text: str, *, at: datetime) -> None:
    """A line in the portal for the requester."""
    url = reverse("opportunities:request", args=[wanted.public_id])
    notify(wanted.requester, f"request_{kind}", key=f"{wanted.pk}:{key}", text=text[:300], url=url, at=at)


def _desk_url(wanted: ReferenceRequest) -> str:
    return reverse("admin:opportunities_referencerequest_change", args=[wanted.pk])


def _answer_url(nominated: Nomination) -> str:
    return reverse("opportunities:nomination", args=[nominated.public_id])
