"""Surveys: one question at a time for who is asked; results, words and what came of them for who asks (O9)."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advocacy.crm.models import StakeholderTeam
from advocacy.lib import charts, export, signed
from advocacy.lib.given import whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.rights import public, requires
from opportunities import survey_files as files
from opportunities import surveys as rules
from opportunities.actions import surveys as actions
from opportunities.forms.surveys import AnswerForm, FollowUpForm, SurveyForm
from opportunities.models import Feedback, Survey, SurveyAnswer, SurveyInvite

ANSWER = "opportunities.answer_survey"
READ = "opportunities.read_surveys"
CHANGE = "opportunities.change_survey"
LINK = "survey"
"""Purpose of signed links that answer a survey."""
SHOWN = 25
STATES = {"draft": "plain", "open": "ok", "closed": "plain"}
FEEDBACK_STATES = {"new": "warm", "looking": "warn", "done": "ok", "not_now": "plain"}
LEFT_OUT = {
    "resting": _l("rest after an ask, or have had enough of them"),
    "pending": _l("were asked something and have not answered yet"),
    "away": _l("are away, or do not want to be asked for this"), "other": _l("something came between"),
}  # fmt: skip


# --- Answering --------------------------------------------------------------------------------------------------------
def _invites() -> Any:
    return SurveyInvite.objects.select_related("survey__team", "contact__account")


@public
@require_http_methods(["GET", "HEAD", "POST"])
def survey(request: HttpRequest, token: str) -> HttpResponse:
    """Public, because a mail is answered by its signed link. Opening it, or a number in it, keeps nothing."""
    try:
        invite = _invites().get(public_id=UUID(signed.read(LINK, token)), contact__erased_at__isnull=True)
    except signed.BadLink as problem:
        return _bad_link(request, str(problem))
    except (SurveyInvite.DoesNotExist, ValueError):
        return _bad_link(request, _("What this link asked about is gone."))
    return _one_question(request, invite)


def _bad_link(request: HttpRequest, sentence: str) -> HttpResponse:
    return respond(request, "opportunities/desk/bad_link.html", {"sentence": sentence}, status=404)


@requires(ANSWER)
@require_http_methods(["GET", "HEAD", "POST"])
def my_survey(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The same in the portal, for whoever it was put to."""
    rows = _invites().filter(contact__advocate__user=request.user.pk)
    return _one_question(request, get_object_or_404(rows, public_id=public_id))


def _one_question(request: HttpRequest, invite: SurveyInvite) -> HttpResponse:
    at = timezone.now()
    if closed := rules.why_closed(invite, at=at):
        return _over(request, invite, closed, status=409 if request.method == "POST" else 200)
    asked = rules.questions(invite.survey)
    given = {one.question: one for one in invite.answers.all()}
    if request.method == "POST":
        question = next((one for one in asked if one.key == request.POST.get("question")), None)
        if question is None:
            raise Http404
        return _answered(request, invite, asked, question, at=at)
    place = whole_number(request.GET.get("q"))
    first_open = next((one for one in asked if one.key not in given), asked[-1])
    question = asked[place - 1] if place and place <= len(asked) else first_open
    said = given.get(question.key)
    told = str(said) if said is not None else ""
    if question.number == 1 and (filled_in := question.read(request.GET.get("a", ""))):
        told = filled_in[1] if filled_in[0] is None else str(filled_in[0])
    return _ask(request, invite, asked, question, AnswerForm(question=question, initial={"answer": told}))


def _answered(
    request: HttpRequest, invite: SurveyInvite, asked: list[rules.Question], question: rules.Question, *, at: datetime
) -> HttpResponse:
    """Keep what was given, and show the question after it, or the one before."""
    form = AnswerForm(request.POST, question=question)
    valid, back = form.is_valid(), request.POST.get("go") == "back"
    try:
        if valid and (form.cleaned_data["answer"] or not back):
            actions.answer(invite, question, form.cleaned_data["answer"], at=at)
        if not valid and not back:
            return _ask(request, invite, asked, question, form, status=422)
        if not back and question.number == len(asked):
            actions.finish(invite, at=at)
            messages.success(request, _("Thank you! That was all."))
            return redirect(request.path)
    except Refused as refusal:
        messages.warning(request, str(refusal))
        fresh = _invites().get(pk=invite.pk)
        if closed := rules.why_closed(fresh, at=at):
            return _over(request, fresh, closed, status=409)
        return _ask(request, invite, asked, question, form, status=409)
    place = max(1, question.number + (-1 if back else 1))
    return redirect(f"{request.path}?{urlencode({'q': place})}")


def _ask(
    request: HttpRequest, invite: SurveyInvite, asked: list[rules.Question], question: rules.Question,
    form: AnswerForm, *, status: int = 200,
) -> HttpResponse:  # fmt: skip
    context = {
        "survey": invite.survey, "question": question, "of": len(asked), "form": form,
        "is_last": question.number == len(asked), "action": request.path,
    }  # fmt: skip
    return respond(request, "opportunities/surveys/question.html", context, fragment="survey", status=status)


def _over(request: HttpRequest, invite: SurveyInvite, sentence: str, *, status: int) -> HttpResponse:
    """What they said, and what came of it."""
    given = {one.question: one for one in invite.answers.select_related("feedback")}
    rows = []
    for one in rules.questions(invite.survey):
        if one.key in given:
            words = getattr(given[one.key], "feedback", None)
            rows.append((one, given[one.key], words, FEEDBACK_STATES[words.status] if words else ""))
    context = {
        "survey": invite.survey, "sentence": sentence, "is_finished": invite.finished_at is not None, "rows": rows,
    }  # fmt: skip
    return respond(request, "opportunities/surveys/question.html", context, fragment="survey", status=status)


# --- For staff: all surveys -------------------------------------------------------------------------------------------
def _teams(request: HttpRequest) -> list[tuple[str, str]]:
    """The teams something was asked for that one may read."""
    theirs = Survey.objects.visible_to(request.user).order_by().values("team")
    return list(StakeholderTeam.objects.filter(pk__in=theirs).values_list("slug", "name"))


@requires(READ)
@require_safe
def survey_list(request: HttpRequest) -> HttpResponseBase:
    """Every survey one may read, the newest first, with how many have answered."""
    rows = Survey.objects.visible_to(request.user).select_related("team", "by")
    status, team, kind = (request.GET.get(name, "") for name in ("status", "team", "kind"))
    if status in Survey.Status.values:
        rows = rows.filter(status=status)
    if kind in Survey.Kind.values:
        rows = rows.filter(kind=kind)
    teams = _teams(request)
    if team in dict(teams):
        rows = rows.filter(team__slug=team)
    order = ("-created_at", "-pk")
    if wanted := export.wanted(request):
        return export.answer(
            request, "surveys", rows.order_by(*order), files.SURVEYS, kind=wanted, prepare=_with_response
        )
    page = page_by_key(rows, order, request.GET, size=SHOWN)
    _with_response(page.items)
    context = {
        "page": page, "statuses": Survey.Status.choices, "teams": teams, "kinds": Survey.Kind.choices,
        "rows": [(one, STATES[one.status]) for one in page.items], "is_filtered": bool(status or team or kind),
    }  # fmt: skip
    return respond(request, "opportunities/surveys/surveys.html", context)


def _with_response(found: list[Survey]) -> None:
    told = rules.responses([one.pk for one in found])
    for one in found:
        one.response = told[one.pk]  # type: ignore[attr-defined]


def _get(request: HttpRequest, public_id: UUID) -> Survey:
    rows = Survey.objects.visible_to(request.user).select_related("team", "by", "cohort")
    return get_object_or_404(rows, public_id=public_id)


@requires(READ)
@require_safe
def survey_results(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """One survey: how many answered, what they answered, their words and what came of each."""
    found, at = _get(request, public_id), timezone.now()
    response = rules.responses([found.pk])[found.pk]
    hidden = rules.is_hidden(found, response)
    if wanted := export.wanted(request):
        return _answers_file(request, found, wanted, hidden=hidden)
    status = request.GET.get("status", "")
    words = rules.feedback(found)
    if status in Feedback.Status.values:
        words = words.filter(status=status)
    words = words.none() if hidden else words
    page = page_by_key(words, ("-created_at", "-pk"), request.GET, size=SHOWN)
    is_draft = found.status == Survey.Status.DRAFT
    by_audience = is_draft and not found.is_of_program
    context = {
        "survey": found, "response": response, "hidden": hidden, "few": rules.FEW, "page": page, "status": status,
        "results": [] if hidden or is_draft else [(one, _chart(one)) for one in rules.results(found)],
        "questions": rules.questions(found), "reach": rules.reach(found, at=at) if by_audience else None,
        "left_out": [(LEFT_OUT.get(key, LEFT_OUT["other"]), number) for key, number in found.left_out.items()],
        "why_not_open": rules.why_not_open(found, at=at) if is_draft else None,
        "statuses": Feedback.Status.choices, "state": STATES[found.status], "rows": _with_states(page.items),
    }  # fmt: skip
    return respond(request, "opportunities/surveys/results.html", context, fragment="words")


def _with_states(found: list[Feedback]) -> list[tuple[Feedback, str]]:
    return [(one, FEEDBACK_STATES[one.status]) for one in found]


def _chart(result: rules.Result) -> Any:
    if not result.total:
        return charts.nothing_yet(_("Nobody has answered yet."))
    return charts.hbars(
        result.points, title=result.question.label, total=result.total, label_head=_("Answer"),
        value_head=_("Answers"),
    )  # fmt: skip


def _answers_file(request: HttpRequest, found: Survey, kind: str, *, hidden: bool) -> HttpResponseBase:
    labels = {one.key: one.label for one in rules.questions(found)}
    rows = SurveyAnswer.objects.filter(invite__survey=found).select_related(
        "invite__contact", "invite__account"
    )  # fmt: skip

    def with_label(found: list[SurveyAnswer]) -> None:
        for one in found:
            one.label = labels.get(one.question, one.question)  # type: ignore[attr-defined]

    return export.answer(
        request, f"answers {found.title}", (rows.none() if hidden else rows).order_by("-at", "-pk"),
        files.ANSWERS if found.shows_names else files.ANSWERS_WITHOUT_NAMES, kind=kind, prepare=with_label,
    )  # fmt: skip


@requires(CHANGE)
@require_http_methods(["GET", "HEAD", "POST"])
def new_survey(request: HttpRequest) -> HttpResponse:
    """What it is about first; then its words, begun with the usual questions."""
    kind = request.GET.get("kind", "")
    if kind not in Survey.Kind.values:
        return respond(request, "opportunities/surveys/edit.html", {"kinds": Survey.Kind.choices})
    return _edit(request, Survey(kind=kind, by_id=request.user.pk))


@requires(CHANGE)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def edit_survey(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A draft in other words; what is open stays as it was asked."""
    found = _get(request, public_id)
    if request.method == "POST":  # nobody opens it between the look at it and the save
        found = Survey.objects.select_for_update(of=("self",)).get(pk=found.pk)
    if found.status != Survey.Status.DRAFT:
        messages.warning(request, _("This has been opened, and stays as it was asked. Write a new one instead."))
        return redirect("opportunities:survey_results", public_id)
    return _edit(request, found)


def _edit(request: HttpRequest, found: Survey) -> HttpResponse:
    form = SurveyForm(request.POST if request.method == "POST" else None, instance=found, kind=found.kind)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, _("Saved. Nobody is asked before you open it."))
        return redirect("opportunities:survey_results", saved.public_id)
    context = {"form": form, "survey": found}
    return respond(request, "opportunities/surveys/edit.html", context, status=422 if form.errors else 200)


@requires(CHANGE)
@require_POST
def move_survey(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Open or close it."""
    found, at = _get(request, public_id), timezone.now()
    try:
        match request.POST.get("to"):
            case "open":
                actions.open_up(found, at=at)
                said = _("It is open. The first are asked within a minute.")
                messages.success(request, _("It is open.") if found.by_rule or found.is_of_program else said)
            case "closed":
                actions.close(found, at=at)
                messages.success(request, _("Closed. Nobody more is asked, and mails that waited are not sent."))
            case _:
                raise Http404
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("opportunities:survey_results", public_id)


# --- Words, and what came of them -------------------------------------------------------------------------------------
@requires(READ)
@require_safe
def survey_feedback(request: HttpRequest) -> HttpResponseBase:
    """All words one may read, whichever survey they came by; filters live in the address."""
    may_read = Feedback.objects.visible_to(request.user).order_by().values("pk")
    rows = rules.feedback().filter(pk__in=may_read)
    status, team = request.GET.get("status", ""), request.GET.get("team", "")
    if status in Feedback.Status.values:
        rows = rows.filter(status=status)
    teams = _teams(request)
    if team in dict(teams):
        rows = rows.filter(team__slug=team)
    order = ("-created_at", "-pk")
    if wanted := export.wanted(request):
        return export.answer(request, "feedback", rows.order_by(*order), files.FEEDBACK, kind=wanted)
    page = page_by_key(rows, order, request.GET, size=SHOWN)
    context = {
        "page": page, "rows": _with_states(page.items), "statuses": Feedback.Status.choices, "teams": teams,
        "is_filtered": bool(status or team),
    }  # fmt: skip
    return respond(request, "opportunities/surveys/feedback.html", context)


@requires(READ)
@require_http_methods(["GET", "HEAD", "POST"])
def feedback_of(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Somebody's words: where they stand, and what came of them."""
    may_read = Feedback.objects.visible_to(request.user).order_by().values("pk")
    answers = Prefetch("answer__invite__answers", SurveyAnswer.objects.order_by("pk"))
    rows = rules.feedback().filter(pk__in=may_read).prefetch_related(answers)
    found = get_object_or_404(rows, public_id=public_id)
    form = FollowUpForm(
        request.POST if request.method == "POST" else None, feedback=found, initial={"note": found.note}
    )
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            actions.follow_up(found, status=said["status"], note=said["note"], by=request.user, at=timezone.now())
            messages.success(request, _("Saved. Whoever gave it is told."))
            return redirect(request.path)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
            found = get_object_or_404(rows, public_id=public_id)
    invite = found.answer.invite
    asked = {one.key: one for one in rules.questions(found.survey)}
    others = [one for one in invite.answers.all() if one.question != found.answer.question and one.question in asked]
    context = {
        "feedback": found, "survey": found.survey, "form": form, "state": FEEDBACK_STATES[found.status],
        "contact": invite.contact if found.survey.shows_names else None, "account": invite.account,
        "question": asked.get(found.answer.question), "is_over": not Feedback.MOVES[found.status],
        "others": [(asked[one.question], one) for one in others] if found.survey.shows_names else [],
    }  # fmt: skip
    return respond(request, "opportunities/surveys/words.html", context, status=status)


def link_of(invite: SurveyInvite) -> str:
    """Where somebody who is signed in answers."""
    return reverse("opportunities:my_survey", args=[invite.public_id])


urlpatterns: list[URLPattern] = [
    path("survey/<str:token>/", survey, name="survey"),
    path("my-surveys/<uuid:public_id>/", my_survey, name="my_survey"),
    path("surveys/", survey_list, name="surveys"),
    path("surveys/new/", new_survey, name="new_survey"),
    path("surveys/feedback/", survey_feedback, name="survey_feedback"),
    path("surveys/feedback/<uuid:public_id>/", feedback_of, name="feedback_of"),
    path("surveys/<uuid:public_id>/", survey_results, name="survey_results"),
    path("surveys/<uuid:public_id>/edit/", edit_survey, name="edit_survey"),
    path("surveys/<uuid:public_id>/move/", move_survey, name="move_survey"),
]
