"""What people and the clock do with surveys: open, ask within the budget, answer, say what came of it (O9)."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Q
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm import hearing, spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Contact
from advocacy.delivery.models import Message
from advocacy.delivery.notifications import notify
from advocacy.lib.lifecycle import Refused
from advocates import budget
from advocates.models import Advocate, Channel
from opportunities import surveys as rules
from opportunities.mails import surveys as mails
from opportunities.models import Feedback, Survey, SurveyAnswer, SurveyInvite
from opportunities.surveys import Question

AT_ONCE = 200
"""People of one round that are looked at together, each in a transaction of their own."""
IN_ONE_TICK = timedelta(seconds=40)
"""A survey is worked through this long, so that the next tick of the clock finds it free."""
NEXT_ROUND = timedelta(days=1)
"""Whoever rested or was away in one round is looked at again in the next."""
COMES_BACK = timedelta(days=1)
"""Whoever began and left has this long before what they said counts as all of it."""
FOLLOWED = timedelta(days=30)
REMIND_AFTER, TO_ANSWER = timedelta(days=7), timedelta(days=2)
"""Whoever has not answered is reminded once after so long, while there is this much time left to answer."""


# --- Opening and closing ----------------------------------------------------------------------------------------------
@transaction.atomic
def open_up(survey: Survey, *, at: datetime) -> None:
    """Ask from now on. Who belongs is fixed as its cohort is described now."""
    locked = Survey.objects.select_for_update(of=("self",)).select_related("cohort").get(pk=survey.pk)
    if locked.status == Survey.Status.DRAFT and (refusal := rules.why_not_open(locked, at=at)):
        raise Refused(refusal)
    definition = locked.cohort.definition if locked.cohort is not None else None
    locked.move_to(Survey.Status.OPEN, opened_at=at, definition=definition, scored=rules.scored(locked))
    survey.refresh_from_db()


@transaction.atomic
def close(survey: Survey, *, at: datetime) -> None:
    """Ask nobody more, and take no more answers; mails that wait are not sent."""
    locked = Survey.objects.select_for_update(of=("self",)).get(pk=survey.pk)
    locked.move_to(Survey.Status.CLOSED, closed_at=at)
    mails.call_back(locked)
    survey.refresh_from_db()


def close_over(*, at: datetime) -> None:
    """Surveys whose time is over are closed."""
    for survey in Survey.objects.filter(status=Survey.Status.OPEN, closes_at__lte=at).order_by("pk"):
        try:
            close(survey, at=at)
        except Refused:
            continue  # somebody was quicker


# --- Asking -----------------------------------------------------------------------------------------------------------
@transaction.atomic
def ask(contact: Contact, survey: Survey, *, slot: str = "", at: datetime) -> SurveyInvite:
    """Put a survey to one person, once for each occasion: one ask in the one budget, one mail. Or raise ``Refused``."""
    if refusal := why_not(contact, survey, slot=slot, at=at):
        raise Refused(refusal)
    advocate = Advocate.objects.select_related("contact__account", "pod__manager").get(contact=contact)
    budget.lock(advocate)
    if SurveyInvite.objects.filter(survey=survey, contact=contact, slot=slot).exists():
        raise Refused(_asked_already(contact))
    made_ask = budget.ask(
        advocate, channel=Channel.SURVEY, source_id=f"{survey.pk}:{slot}", kind=rules.COUNTS_AS, at=at
    )
    made = SurveyInvite.objects.create(
        survey=survey, contact=contact, account=made_ask.account, slot=slot, asked_at=at
    )  # fmt: skip
    spine.record(Deed.SURVEYED, at=at, source=made, contact=contact)
    mails.survey(made, manager=advocate.manager, at=at)
    return made


def why_not(contact: Contact, survey: Survey, *, slot: str = "", at: datetime) -> str | None:
    """Why this survey is not put to this person, the budget aside, as a sentence for staff; None when it may be."""
    advocate = Advocate.objects.filter(contact=contact).first()
    if refusal := keeps_from(contact, advocate, survey, has_agreed=rules.agreed(contact, at=at), at=at):
        return refusal
    if SurveyInvite.objects.filter(survey=survey, contact=contact, slot=slot).exists():
        return _asked_already(contact)
    return None


def keeps_from(
    contact: Contact, advocate: Advocate | None, survey: Survey, *, has_agreed: bool, at: datetime
) -> str | None:
    """What keeps a survey from somebody, the budget aside, from facts that are known; nothing is read for it."""
    name = {"name": contact.full_name}
    if not survey.is_open(at=at):
        return _("The survey “%(title)s” is not open.") % {"title": survey.title}
    if refusal := _no_member(contact, advocate, at=at):
        return refusal
    if not contact.email:
        return _("%(name)s has no e-mail address.") % name
    return None if has_agreed else _("%(name)s has not agreed to surveys and feedback.") % name


def _no_member(contact: Contact, advocate: Advocate | None, *, at: datetime) -> str | None:
    name = {"name": contact.full_name}
    if advocate is None or advocate.status != Advocate.Status.MEMBER or not advocate.joined_at:
        return _("%(name)s is not a member; only members are asked for feedback.") % name
    if advocate.joined_at > at:
        return _("%(name)s was not a member then; only members are asked for feedback.") % name
    return None


def _asked_already(contact: Contact) -> str:
    return _("%(name)s has been asked this already.") % {"name": contact.full_name}


def work(*, at: datetime, clock: Callable[[], datetime] | None = None) -> int:
    """Go on with every survey that is open; returns how many were asked. ``clock()`` tells the time now.

    A round goes through everybody it is for; whoever could not be asked is looked at again a day later.
    """
    asked = 0
    due = Survey.objects.open(at=at).filter(by_rule=False).exclude(kind=Survey.Kind.PROGRAM)
    due = due.filter(Q(next_round_at__isnull=True) | Q(next_round_at__lte=at))
    for pk in list(due.order_by("pk").values_list("pk", flat=True)):
        began = clock() if clock else at
        while (step := _go_on(pk, at=at)) is not None:
            asked += step
            if clock and clock() - began > IN_ONE_TICK:
                break
    return asked


def _go_on(pk: int, *, at: datetime) -> int | None:
    """The next people of a round; None when it is over or somebody else is at it."""
    survey = Survey.objects.open(at=at).filter(pk=pk).filter(Q(next_round_at=None) | Q(next_round_at__lte=at)).first()
    if survey is None:
        return None
    invited = SurveyInvite.objects.filter(survey=survey).values("contact")
    people = rules.audience(survey, at=at).exclude(pk__in=invited).filter(pk__gt=survey.cursor)
    waiting = list(people.select_related("account").order_by("pk")[:AT_ONCE])
    cursor, asked = survey.cursor, 0
    for contact in waiting:
        done = _step(pk, cursor, contact, at=at)
        if done is None:
            return None
        cursor, asked = contact.pk, asked + done
    if len(waiting) < AT_ONCE:
        _end_round(pk, cursor, at=at)
        return asked or None
    return asked


@transaction.atomic
def _step(pk: int, cursor: int, contact: Contact, *, at: datetime) -> int | None:
    """One person: the cursor moves with what was done, so that a kill neither skips nor repeats anybody.

    None when the survey has closed, or somebody else has moved it on meanwhile.
    """
    survey = _lease(pk, cursor)
    if survey is None:
        return None
    asked, missed = 0, Counter(survey.counting)
    try:
        with transaction.atomic():
            ask(contact, survey, at=at)
        asked = 1
    except Refused:
        missed[_reason(contact, at=at)] += 1
    survey.counting, survey.cursor = dict(missed), contact.pk
    survey.save(update_fields=["counting", "cursor"])
    return asked


def _reason(contact: Contact, *, at: datetime) -> str:
    """In a word why somebody was not asked: they rest, are away, or something came between."""
    advocate = Advocate.objects.select_related("contact__account").filter(contact=contact).first()
    state = budget.availability(advocate, at=at).state if advocate else ""
    return state if state in {"resting", "pending", "away"} else "other"


@transaction.atomic
def _end_round(pk: int, cursor: int, *, at: datetime) -> None:
    survey = _lease(pk, cursor)
    if survey is not None:
        survey.left_out, survey.counting, survey.cursor = survey.counting, {}, 0
        survey.next_round_at = at + NEXT_ROUND
        survey.save(update_fields=["left_out", "counting", "cursor", "next_round_at"])


def _lease(pk: int, cursor: int) -> Survey | None:
    rows = Survey.objects.select_for_update(of=("self",), skip_locked=True)
    return rows.filter(pk=pk, status=Survey.Status.OPEN, cursor=cursor).first()


def ask_about_the_program(*, at: datetime) -> int:
    """30 and 90 days after joining, and every year: once for each occasion, as soon as the budget lets it."""
    survey = Survey.objects.open(at=at).filter(kind=Survey.Kind.PROGRAM).first()
    if survey is None:
        return 0
    asked = 0
    for slot, people in rules.occasions(at=at):
        for contact in people.select_related("account").iterator(chunk_size=AT_ONCE):
            try:
                ask(contact, survey, slot=slot, at=at)
            except Refused:
                continue  # they rest or are away; the next run looks again
            asked += 1
    return asked


def follow_mails(*, at: datetime) -> None:
    """A question whose mail could not leave was no ask: it counts neither in the budget nor in the response rate."""
    never = [Message.Status.SUPPRESSED, Message.Status.CANCELLED, Message.Status.FAILED]
    mail = Message.objects.filter(
        kind=mails.SURVEY, status__in=never, dedupe_key=Cast(OuterRef("public_id"), CharField())
    )
    rows = SurveyInvite.objects.filter(
        asked_at__gt=at - FOLLOWED, unreached_at__isnull=True, answered_at__isnull=True
    ).filter(Exists(mail))  # fmt: skip
    for invite in rows.select_related("contact__advocate").order_by("pk"):
        _not_reached(invite, at=at)


@transaction.atomic
def _not_reached(invite: SurveyInvite, *, at: datetime) -> None:
    still = SurveyInvite.objects.filter(pk=invite.pk, answered_at__isnull=True, unreached_at__isnull=True)
    if still.update(unreached_at=at):
        advocate = Advocate.objects.filter(contact=invite.contact_id).first()
        if advocate is not None:
            budget.release(Channel.SURVEY, f"{invite.survey_id}:{invite.slot}", advocate, at=at)


def remind(*, at: datetime) -> int:
    """One reminder for whoever has not begun to answer, where they could be asked now; returns how many."""
    rows = SurveyInvite.objects.waiting(at=at).reached().filter(
        answered_at__isnull=True, reminded_at__isnull=True, asked_at__lte=at - REMIND_AFTER,
        asked_at__gt=at - FOLLOWED,
    )  # fmt: skip
    return sum(_remind(pk, at=at) for pk in list(rows.order_by("pk").values_list("pk", flat=True)[:1_000]))


@transaction.atomic
def _remind(pk: int, *, at: datetime) -> int:
    """It belongs to the ask that is out, and is no other; whatever else stands against asking them stands against it.

    Who rests, is away or was asked something else meanwhile is looked at again by the next run.
    """
    rows = SurveyInvite.objects.select_for_update(of=("self",), skip_locked=True).filter(
        pk=pk, answered_at__isnull=True, reminded_at__isnull=True, unreached_at__isnull=True
    )
    row = rows.select_related("survey", "contact").first()
    if row is None or not row.survey.is_open(at=at) or row.answer_until < at + TO_ANSWER:
        return 0
    advocate = Advocate.objects.select_related("contact__account", "pod__manager").filter(contact=row.contact).first()
    if advocate is None or advocate.status != Advocate.Status.MEMBER or not rules.agreed(row.contact, at=at):
        return 0
    if budget.why_not_again(Channel.SURVEY, f"{row.survey_id}:{row.slot}", advocate, at=at):
        return 0
    row.reminded_at = at
    row.save(update_fields=["reminded_at"])
    mails.survey(row, manager=advocate.manager, at=at, again=True)
    return 1


# --- Answering --------------------------------------------------------------------------------------------------------
def _still_open(invite: SurveyInvite, *, at: datetime) -> SurveyInvite:
    rows = SurveyInvite.objects.select_for_update(of=("self",)).select_related("survey", "contact")
    row = rows.get(pk=invite.pk)
    if refusal := rules.why_closed(row, at=at):
        raise Refused(refusal)
    return row


@transaction.atomic
def answer(invite: SurveyInvite, question: Question, given: str, *, at: datetime) -> None:
    """Keep the answer to one question; it can be changed until the end. Nothing given takes an answer back."""
    row = _still_open(invite, at=at)
    said = question.read(given)
    if said is None:
        SurveyAnswer.objects.filter(invite=row, question=question.key).delete()
        return
    number, text = said
    SurveyAnswer.objects.update_or_create(
        invite=row, question=question.key, defaults={"number": number, "text": text, "at": at}
    )
    if row.answered_at is None:
        row.answered_at, row.unreached_at = at, None
        row.save(update_fields=["answered_at", "unreached_at"])
        mails.is_answered(row)
        advocate = Advocate.objects.filter(contact=row.contact_id).first()
        if advocate is not None:
            budget.answered(Channel.SURVEY, f"{row.survey_id}:{row.slot}", advocate, at=at)


@transaction.atomic
def finish(invite: SurveyInvite, *, at: datetime) -> None:
    """That was all: scores are heard as signals, words go to their team."""
    row = _still_open(invite, at=at)
    there = set(row.answers.values_list("question", flat=True))
    missing = next((one for one in rules.questions(row.survey) if one.required and one.key not in there), None)
    if missing is not None:
        raise Refused(_("“%(question)s” still wants an answer.") % {"question": missing.label})
    if not there:
        raise Refused(_("Answer at least one question, or leave the page; nothing is expected of you."))
    _settle(row, at=at)


def finish_begun(*, at: datetime) -> None:
    """Whoever began and left a day ago has said what they wanted to say."""
    begun = SurveyInvite.objects.filter(answered_at__lte=at - COMES_BACK, finished_at__isnull=True)
    for pk in list(begun.order_by("pk").values_list("pk", flat=True)[:1_000]):
        with transaction.atomic():
            rows = SurveyInvite.objects.select_for_update(of=("self",), skip_locked=True)
            row = rows.select_related("survey", "contact").filter(pk=pk, finished_at__isnull=True).first()
            if row is not None:
                _settle(row, at=at)


def _settle(invite: SurveyInvite, *, at: datetime) -> None:
    survey, contact = invite.survey, invite.contact
    invite.finished_at = at
    invite.save(update_fields=["finished_at"])
    answers = {one.question: one for one in invite.answers.all()}
    if survey.shows_names:
        spine.record(Deed.FEEDBACK_GIVEN, at=at, source=invite, contact=contact, account=invite.account)
    told = rules.heard(survey)
    if told and (score := answers.get(told[1])) is not None and score.number is not None:
        hearing.hear(told[0], contact=contact, occurrence=str(invite.public_id), at=score.at, value=score.number)
    words = [answers[one.key] for one in rules.questions(survey) if one.in_words and one.key in answers]
    for one in words:
        Feedback.objects.get_or_create(answer=one, defaults={"survey": survey, "team": survey.team, "created_at": at})
    if words and survey.team is not None:
        for reader in survey.team.members.filter(is_active=True):
            notify(
                reader, "survey_words", key=f"{survey.pk}:{timezone.localdate(at).isoformat()}", at=at,
                text=_("New words for %(team)s: “%(title)s”") % {"team": survey.team, "title": survey.title},
                url=f"/surveys/{survey.public_id}/",
            )  # fmt: skip


# --- What came of it --------------------------------------------------------------------------------------------------
@transaction.atomic
def follow_up(feedback: Feedback, *, status: str, note: str, by: Any, at: datetime) -> Feedback:
    """Say where somebody's words stand; whoever gave them is told. What is over has a word on what came of it."""
    note = note.replace("\x00", "").strip()
    over = status in {Feedback.Status.DONE, Feedback.Status.NOT_NOW}
    rows = Feedback.objects.select_for_update(of=("self",)).select_related(
        "survey", "answer__invite__contact__account"
    )  # fmt: skip
    row = rows.get(pk=feedback.pk)
    if over and not note:
        raise Refused(_("Say what came of it; they read your words."))
    row.move_to(status, note=note[: rules.LONGEST_WORDS], by=by, settled_at=at if over else None)
    contact = row.answer.invite.contact
    advocate = Advocate.objects.select_related("user").filter(contact=contact).first()
    if over:
        mails.what_came_of_it(row, by=by, at=at)
    if advocate is not None and advocate.user is not None:
        words = {"title": row.survey.title, "note": row.note}
        text = {
            Feedback.Status.LOOKING: _("Your words in “%(title)s” are being looked at."),
            Feedback.Status.DONE: _("Your words in “%(title)s” have led to something: %(note)s"),
            Feedback.Status.NOT_NOW: _("About your words in “%(title)s”: not now. %(note)s"),
        }[Feedback.Status(status)] % words
        notify(advocate.user, "feedback", key=f"{row.pk}:{status}:{at.isoformat()}", text=text, url="/", at=at)
    return row
