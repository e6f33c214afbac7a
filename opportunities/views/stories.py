"""Stories: the board of those who write them, one story with all its moves, and an advocate's raised hand (D14, O6)."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from advocacy.lib.given import plain
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.lib.searching import by_words
from advocacy.users.rights import requires
from advocates.models import Advocate
from opportunities import showing
from opportunities.actions import stories as actions
from opportunities.forms.proof import AskForm, NewStoryForm, RecordForm, StoryForm, TellForm, WhyForm
from opportunities.models import Approval, ApprovalComment, Proof, Story
from opportunities.views import proof as proof_views

WRITE = "opportunities.write_stories"
TELL = "advocates.be_advocate"
IN_A_COLUMN = 12
Status = Story.Status


@requires(WRITE)
@require_safe
def board(request: HttpRequest) -> HttpResponse:
    """Each story in the column of where it stands; the latest due first. Filters live in the address."""
    query, at = request.GET, timezone.now()
    today = timezone.localdate(at)
    rows: Any = Story.objects.visible_to(request.user).select_related("account", "owner", "reviewer").defer("search")
    narrowed = False
    if query.get("mine"):
        rows, narrowed = rows.filter(Q(owner=request.user.pk) | Q(reviewer=request.user.pk)), True
    if query.get("late"):
        rows, narrowed = rows.filter(due_on__lt=today, status__in=Story.ACTIVE), True
    words = by_words(plain(query.get("q"))[:200])
    if words is not None:
        rows, narrowed = rows.filter(Q(search=words) | Q(account__name__icontains=plain(query.get("q"))[:100])), True
    if query.get("show") in Status.values:
        ordered = rows.filter(status=query["show"])
        page = page_by_key(ordered, ("-moved_at", "-pk"), query, size=30)
        context: dict[str, Any] = {
            "page": page, "cards": [_card(one, today) for one in page.items], "column": Status(query["show"]).label,
        }  # fmt: skip
    else:
        context = {"columns": _columns(rows, today), "ended": _ended(rows)}
    context |= {"narrowed": narrowed, "any": narrowed or Story.objects.exists(), "query": plain(query.get("q"))}
    return respond(request, "opportunities/stories/board.html", context)


def _card(one: Story, today: date) -> dict[str, Any]:
    return {"story": one, "waits_for": showing.waits_for(one), "late": showing.is_late(one, today)}


def _columns(rows: Any, today: date) -> list[dict[str, Any]]:
    """The columns of the course, each with its first cards and whether there are more; one query."""
    columns = []
    for status in Story.COURSE:
        order = ("-published_at", "-pk") if status == Status.PUBLISHED else ("due_on", "moved_at", "pk")
        found = list(rows.filter(status=status).order_by(*order)[: IN_A_COLUMN + 1])
        columns.append(
            {
                "status": status, "label": Status(status).label, "more": len(found) > IN_A_COLUMN,
                "cards": [_card(one, today) for one in found[:IN_A_COLUMN]],
            }
        )  # fmt: skip
    return columns


def _ended(rows: Any) -> list[tuple[str, str]]:
    there = set(
        rows.filter(status__in=["parked", "refused", "withdrawn"])
        .order_by()
        .values_list("status", flat=True)
        .distinct()
    )
    return [(status, str(Status(status).label)) for status in ("parked", "refused", "withdrawn") if status in there]


@requires(WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def new_story(request: HttpRequest) -> HttpResponse:
    """An idea: whose story, what about."""
    account = proof_views.find_account(request)
    if account is None:
        return proof_views.choose_account(request, _("Begin a story"), "opportunities:stories")
    form = NewStoryForm(request.POST or None, account=account)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = actions.begin(
                account=account, title=said["title"], contact=said["contact"], due_on=said["due_on"],
                owner=request.user, by=request.user, at=timezone.now(),
            )  # fmt: skip
            messages.success(request, _("The idea is on the board."))
            return redirect("opportunities:story", made.public_id)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
    return respond(request, "opportunities/stories/new.html", {"form": form, "account": account}, status=status)


def _story(request: HttpRequest, public_id: UUID) -> Story:
    rows = Story.objects.visible_to(request.user)
    rows = rows.select_related("account", "contact", "owner", "reviewer", "raised_by__contact").defer("search")
    found: Story = get_object_or_404(rows, public_id=public_id)
    return found


@requires(WRITE)
@require_safe
def one_story(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One story: its words, what the customer said, the moves it can make now."""
    return _page(request, _story(request, public_id), at=timezone.now())


def _page(request: HttpRequest, one: Story, *, at: datetime, status: int = 200, **forms: Any) -> HttpResponse:
    evidence = list(Approval.objects.filter(story=one).select_related("asked_by").prefetch_related("comments"))
    comments = ApprovalComment.objects.filter(approval__story=one, done_at__isnull=True).select_related("approval")
    to_do: dict[str, list[ApprovalComment]] = {}
    for comment in comments.order_by("pk"):
        to_do.setdefault(comment.section, []).append(comment)
    context = {
        "one": one, "parts": [(part, to_do.pop(part.key, [])) for part in showing.sections(one)],
        "other_comments": [comment for rest in to_do.values() for comment in rest], "evidence": evidence,
        "waiting": next((a for a in evidence if not a.said and a.superseded_at is None), None),
        "steps": [
            (step, showing.missing(one, step.target)) for step in showing.steps(one) if not step.needs_reason
        ],
        "endings": [step for step in showing.steps(one) if step.needs_reason],
        "waits_for": showing.waits_for(one), "late": showing.is_late(one, timezone.localdate(at)),
        "course": _course(one), "may_ask": one.status in (Status.REVIEW, Status.APPROVAL),
        "gaps": showing.missing(one, Status.APPROVAL), "proof": Proof.objects.filter(story=one).first(),
        "ask_form": AskForm(account=one.account, contact=one.contact), "record_form": RecordForm(),
        "why_form": WhyForm(), "end_form": None, **forms,
    }  # fmt: skip
    return respond(request, "opportunities/stories/story.html", context, status=status)


def _course(one: Story) -> list[tuple[str, str]]:
    """The steps of the way, each done, now or to come."""
    here = one.parked_from or one.status
    place = Story.COURSE.index(here) if here in Story.COURSE else -1
    return [
        (str(Status(step).label), "done" if number < place else "now" if number == place else "")
        for number, step in enumerate(Story.COURSE)
    ]


@requires(WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def write_story(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Write it; the words rest while the customer has them."""
    one = _story(request, public_id)
    held = one.status in actions.HELD
    form = StoryForm(request.POST or None, story=one, held=held)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.write(one, form.said, by=request.user, at=timezone.now(), read=form.cleaned_data["read"])
            messages.success(request, _("Kept."))
            return redirect("opportunities:story", one.public_id)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
    comments = ApprovalComment.objects.filter(approval__story=one, done_at__isnull=True)
    context = {"form": form, "one": one, "held": held, "comments": comments.order_by("pk")}
    return respond(request, "opportunities/stories/write.html", context, status=status)


@requires(WRITE)
@require_POST
def move_story(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A step on, back or aside."""
    one, at = _story(request, public_id), timezone.now()
    try:
        moved = actions.move(
            one, request.POST.get("to", ""), by=request.user, at=at, reason=plain(request.POST.get("reason"))
        )
        messages.success(request, _("It is “%(status)s” now.") % {"status": moved.get_status_display()})
    except Refused as refusal:
        messages.warning(request, str(refusal))
    return redirect("opportunities:story", one.public_id)


@requires(WRITE)
@require_POST
def act(request: HttpRequest, public_id: UUID, what: str) -> HttpResponse:
    """Ask the customer, put a yes on record, take the question back, withdraw what was published."""
    one, at = _story(request, public_id), timezone.now()
    made: dict[str, Any] = {
        "ask": lambda: AskForm(request.POST, account=one.account), "record": lambda: RecordForm(request.POST),
        "withdraw": lambda: WhyForm(request.POST),
    }  # fmt: skip
    form = made[what]() if what in made else None
    name = {"ask": "ask_form", "record": "record_form", "withdraw": "why_form"}.get(what, "")
    if form is not None and not form.is_valid():
        return _page(request, one, at=at, status=422, **{name: form})
    said = form.cleaned_data if form is not None else {}
    try:
        if what == "withdraw":
            actions.withdraw(one, reason=said["reason"], by_customer=said["by_customer"], by=request.user, at=at)
            done = _("It is shown no more, anywhere.")
        elif what == "take-back":
            actions.move(one, Status.WRITING, by=request.user, at=at)
            done = _("The question is taken back; its link says so.")
        else:
            done = proof_views.take(one, what, form, said, by=request.user, at=at)
    except Refused as refusal:
        if form is None:
            messages.warning(request, str(refusal))
            return redirect("opportunities:story", one.public_id)
        form.add_error(None, str(refusal))
        return _page(request, _story(request, public_id), at=at, status=409, **{name: form})
    messages.success(request, done)
    return redirect("opportunities:story", one.public_id)


# --- An advocate raises a hand ----------------------------------------------------------------------------------------
@requires(TELL)
@require_http_methods(["GET", "HEAD", "POST"])
def tell(request: HttpRequest) -> HttpResponse:
    """“I have a story”: a few questions, and where one's own stories stand."""
    advocate = get_object_or_404(Advocate.objects.select_related("contact__account", "user"), user=request.user.pk)
    form = TellForm(request.POST or None)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            actions.raise_hand(advocate, title=form.cleaned_data["title"], said=form.said, at=timezone.now())
            messages.success(request, _("Thank you! Somebody gets in touch with you about it."))
            return redirect("opportunities:tell")
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = 409
    rows = Story.objects.filter(Q(raised_by=advocate) | Q(contact=advocate.contact_id)).distinct()
    own = [
        (one, showing.told_to_the_advocate(one))
        for one in rows.select_related("owner").defer("search").order_by("-created_at", "-pk")[:30]
        if one.raised_by_id == advocate.pk or one.status in (*actions.HELD,)
    ]
    return respond(request, "opportunities/stories/tell.html", {"form": form, "own": own}, status=status)


urlpatterns: list[URLPattern] = [
    path("stories/", board, name="stories"),
    path("stories/new/", new_story, name="story_new"),
    path("stories/<uuid:public_id>/", one_story, name="story"),
    path("stories/<uuid:public_id>/write/", write_story, name="story_write"),
    path("stories/<uuid:public_id>/move/", move_story, name="story_move"),
    path("story/", tell, name="tell"),
]
urlpatterns += [
    path(f"stories/<uuid:public_id>/{what}/", act, {"what": what}, name=f"story_{what.replace('-', '_')}")
    for what in ("ask", "record", "take-back", "withdraw")
]
