"""Opportunities, their kinds and claims in the admin (D12's manners): statuses change by legal moves only."""

from collections.abc import Callable
from copy import copy
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from advocacy.lib.export import Exports
from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.searching import loosely
from advocacy.lib.templatetags.look import tag
from advocates.models import Advocate
from opportunities import files, presentation
from opportunities.actions import board as actions
from opportunities.eligibility import people, standing, who
from opportunities.forms.board import ClaimMoveForm, KindForm, OpportunityForm, QuestionsForm, WhyForm
from opportunities.models import COURSE, Claim, Opportunity, OpportunityKind, Waiting

STATES = {"open": "ok", "draft": "plain", "closed": "warn", "cancelled": "bad"}
CLAIM_STATES = {
    "claimed": "warm", "confirmed": "", "scheduled": "", "delivered": "warn", "verified": "ok", "withdrawn": "plain",
    "declined": "plain", "missed": "bad",
}  # fmt: skip
CLAIMS_SHOWN = 100
MATCHES_SHOWN = 8


@admin.register(OpportunityKind)
class KindAdmin(admin.ModelAdmin):
    form = KindForm
    list_display = ("name", "group", "points", "minutes", "purpose", "is_public", "for_requests", "order")
    list_filter = ("group", "is_public", "for_requests")
    list_editable = ("points", "order")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a kind that was ever used keeps its name in history


@admin.register(Opportunity)
class OpportunityAdmin(admin.ModelAdmin):
    """One page for everything: the words, the moves that are legal now, a preview, the claims and the waitlist."""

    form = OpportunityForm
    change_form_template = "opportunities/admin/opportunity.html"
    list_display = ("title", "kind", "state", "taken", "closes_at", "run_by")
    list_filter = ("status", "kind__group", "is_public", "team")
    list_select_related = ("kind", "run_by")
    list_per_page = 50
    search_fields = ("title", "summary", "what")
    autocomplete_fields = ("run_by",)
    show_full_result_count = False
    ordering = ("-id",)
    actions = ("open_selected", "close_selected")
    fieldsets = (
        (None, {"fields": ("kind", "title", "summary", "what", "gain")}),
        (_lazy("Effort and thanks"), {"fields": ("minutes", "effort", "points")}),
        (
            _lazy("For claiming in time"),
            {"fields": ("incentive", "incentive_points", "incentive_on", "incentive_until")},
        ),
        (_lazy("Seats and time"), {"fields": ("seats", "closes_at", "happens_at", "is_remote", "place", "language")}),
        (
            _lazy("For whom"),
            {
                "fields": ("is_public", "audience_all", "audience_any", "audience_exclude"),
                "description": _lazy(
                    "One fact a line, such as region:Europe, industry:Food, persona:champion, stage:4 or "
                    "product:Planner. Empty means everybody; what is excluded wins."
                ),
            },
        ),
        (
            _lazy("Whom it fits best"),
            {
                "fields": ("topics", "industries", "regions"),
                "description": _lazy("These keep nobody out: they move it up for those it fits, who read why."),
            },
        ),
        (_lazy("Who looks after it"), {"fields": ("team", "run_by")}),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        """Frames of requests belong to the desk."""
        rows = Opportunity.objects.listed().defer("search")
        return rows.with_seats_taken(at=timezone.now())

    @admin.display(description=_lazy("status"), ordering="status")
    def state(self, row: Opportunity) -> SafeString:
        return tag(row.get_status_display(), STATES[row.status])

    @admin.display(description=_lazy("seats"))
    def taken(self, row: Any) -> str:
        return f"{row.seats_taken} / {row.seats}" if row.seats else str(row.seats_taken)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # drafts are called off, the rest is history

    def save_model(self, request: HttpRequest, obj: Opportunity, form: Any, change: bool) -> None:
        """Of what is there already only what was changed is written: its status may have moved meanwhile."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        at = timezone.now()
        list(Opportunity.objects.select_for_update().filter(pk=obj.pk).values_list("pk"))
        names = {"audience" if name.startswith("audience_") else name for name in form.changed_data}
        obj.save(update_fields=sorted(names))
        if "happens_at" in names:
            actions.follow_its_date(obj, at=at)
        if "seats" in names:
            actions.offer_seats(obj, at=at)

    def get_urls(self) -> list[URLPattern]:
        mine = [
            path("<int:pk>/move/<str:target>/", self.admin_site.admin_view(self.move), name="opportunity_move"),
            path("<int:pk>/preview/", self.admin_site.admin_view(self.preview), name="opportunity_preview"),
        ]
        return [*mine, *super().get_urls()]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """What has been on the board keeps its kind: its claims go through the steps of that kind."""
        return ("kind",) if obj is not None and obj.status != Opportunity.Status.DRAFT else ()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return _read_once(self, request, object_id, self.get_queryset(request).select_related("kind"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        row = self.get_object(request, object_id) if request.method == "GET" else None
        if row is not None:
            claims = Claim.objects.filter(opportunity=row).select_related(
                "advocate__contact__account", "opportunity__kind"
            )
            context |= {
                "moves": _moves(row) if self.has_change_permission(request, row) else [],
                "claims": [
                    _claim_row(one)
                    for one in claims.defer("opportunity__search").order_by("-claimed_at")[:CLAIMS_SHOWN]
                ],
                "waiting": Waiting.objects.filter(opportunity=row, ended_at__isnull=True)
                .select_related("advocate__contact__account")
                .order_by("since")[:CLAIMS_SHOWN],
            }
        return super().change_view(request, object_id, form_url, context)

    def move(self, request: HttpRequest, pk: int, target: str) -> HttpResponse:
        """Open, close or call off; calling off asks for the reason first, everything acts on POST only."""
        row = get_object_or_404(Opportunity.objects.listed(), pk=pk)
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        at = timezone.now()
        back = reverse("admin:opportunities_opportunity_change", args=[pk])
        does: dict[str, Callable[[], Any]] = {
            "open": lambda: actions.open_up(row, at=at),
            "closed": lambda: actions.close(row, at=at),
        }
        form = WhyForm(request.POST if request.method == "POST" else None)
        if target == "cancelled":
            if request.method != "POST" or not form.is_valid():
                context = {"form": form, "opportunity": row, "back_url": back, "danger": True}
                status = 422 if form.errors else 200
                return respond(request, "opportunities/admin/call_off.html", context, status=status)
            reason = form.cleaned_data["reason"]
            does["cancelled"] = lambda: actions.call_off(row, reason=reason, at=at, by=request.user)
        elif request.method != "POST" or target not in does:
            raise Http404
        _try(request, does[target], _("Done: “%(title)s”.") % {"title": row.title})
        return HttpResponseRedirect(back)

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The page as a given advocate would see it; without one, a search for them."""
        rows = Opportunity.objects.select_related("kind", "run_by", "team").listed().defer("search")
        row = get_object_or_404(rows, pk=pk)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        at = timezone.now()
        words = plain(request.GET.get("as"))
        found = list(_advocates(words)[:MATCHES_SHOWN]) if words else []
        person = who(people(at=at).get(pk=found[0].pk), at=at) if len(found) == 1 else None
        if person is None and words:
            context = {"opportunity": row, "words": words, "found": found}
            return respond(request, "opportunities/admin/preview_as.html", context)
        context = presentation.detail(row, person, standing(person, row, at=at) if person else None, at=at)
        context |= {"form": QuestionsForm(opportunity=row), "is_mine": False, "is_preview": True, "words": words}
        return respond(request, "opportunities/opportunity.html", context)

    @admin.action(description=_lazy("Put the selected on the board"), permissions=["change"])
    def open_selected(self, request: HttpRequest, rows: QuerySet[Opportunity]) -> None:
        self._each(request, rows, lambda row: actions.open_up(row, at=timezone.now()))

    @admin.action(description=_lazy("Close the selected"), permissions=["change"])
    def close_selected(self, request: HttpRequest, rows: QuerySet[Opportunity]) -> None:
        self._each(request, rows, lambda row: actions.close(row, at=timezone.now()))

    def _each(self, request: HttpRequest, rows: QuerySet[Opportunity], act: Callable[[Opportunity], Any]) -> None:
        _do_each(request, rows, act)


@admin.register(Claim)
class ClaimAdmin(Exports, admin.ModelAdmin):
    """Claims are never edited, only moved; each move has its button while it is legal."""

    change_form_template = "opportunities/admin/claim.html"
    list_display = ("advocate", "opportunity", "state", "scheduled_for", "claimed_at")
    list_select_related = ("advocate__contact", "opportunity")
    list_filter = ("status", "opportunity__kind__group")
    search_fields = ("opportunity__title", "advocate__contact__given_name", "advocate__contact__family_name")
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-claimed_at",)
    export_columns = files.CLAIMS
    export_related = ("advocate__contact__account", "opportunity__kind")
    actions = ("confirm_selected", "verify_selected")
    fields = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("opportunity__search")

    @admin.display(description=_lazy("status"), ordering="status")
    def state(self, row: Claim) -> SafeString:
        return tag(row.get_status_display(), CLAIM_STATES[row.status])

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        mine = [path("<int:pk>/move/", self.admin_site.admin_view(self.move), name="claim_move")]
        return [*mine, *super().get_urls()]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        return _read_once(self, request, object_id, _claims())

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = dict(extra_context or {})
        row = self.get_object(request, object_id)
        if row is not None:
            context |= self._page(request, row, context.pop("typed", None))
        return super().change_view(request, object_id, form_url, context)

    def _page(self, request: HttpRequest, row: Claim, typed: ClaimMoveForm | None) -> dict[str, Any]:
        """The page of a claim; ``typed`` is a move that was refused, whose words stay where they were typed."""
        legal = _claim_moves(row) if self.has_change_permission(request, row) else []
        to = typed.target if typed else ""
        fresh = ClaimMoveForm(claim=row)
        said = {question["key"]: question["label"] for question in row.opportunity.kind.questions}
        return {
            "claim": row,
            "legal": legal,
            "time_form": typed if typed and to == "scheduled" else fresh,
            "thank_form": typed if typed and to == "thank" else fresh,
            "end_form": typed if typed and to in {"declined", "missed"} else None,
            "to": to,
            "needs": {to, *(name for name, _word in legal)},
            "course": presentation.shown(row, at=timezone.now())["steps"],
            "answers": [(said.get(key, key), answer) for key, answer in row.answers.items()],
            "feedback": list(row.feedback.order_by("at")),
            "may_thank": to == "thank" or (row.status in {"delivered", "verified"} and row.thanked_at is None),
        }

    def move(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One move, with what it needs: a time, a reason, words of thanks."""
        row = get_object_or_404(_claims(), pk=pk)
        if request.method != "POST":
            raise Http404
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        target = request.POST.get("to", "")
        form = ClaimMoveForm(request.POST, claim=row, target=target)
        back = request.POST.get("back") or ""
        if back != "opportunity":
            where = reverse("admin:opportunities_claim_change", args=[pk])
        else:
            where = reverse("admin:opportunities_opportunity_change", args=[row.opportunity_id])
        if not form.is_valid():
            for problems in form.errors.values():
                for problem in problems:
                    messages.warning(request, str(problem))
            return self._again(request, row, form, status=422)
        said = form.cleaned_data
        at, by = timezone.now(), request.user
        minutes = said.get("minutes") or row.minutes or 30
        does: dict[str, Callable[[], Any]] = {
            "confirmed": lambda: actions.confirm(row, at=at, by=by),
            "scheduled": lambda: actions.schedule(row, starts_at=said["starts_at"], minutes=minutes, at=at, by=by),
            "delivered": lambda: actions.deliver(row, at=at, by=by),
            "verified": lambda: actions.verify(row, at=at, by=by),
            "declined": lambda: actions.decline(row, reason=said["reason"], at=at, by=by),
            "missed": lambda: actions.miss(
                row, reason=said["reason"], at=at, by=by, by_other_side=said.get("by_other_side", False)
            ),
            "thank": lambda: actions.thank(row, text=said["text"], by=by, at=at),
        }
        if target not in does:
            raise Http404
        done = _try(request, does[target], _("Done: %(claim)s.") % {"claim": row})
        if not done and back != "opportunity":
            return self._again(request, row, form, status=409)
        return HttpResponseRedirect(where)

    def _again(self, request: HttpRequest, row: Claim, form: ClaimMoveForm, *, status: int) -> HttpResponse:
        """The page as it stands now, with what was typed into the move that was refused."""
        shown = copy(request)
        shown.method = "GET"
        answer = self.change_view(shown, str(row.pk), extra_context={"typed": form})
        answer.status_code = status
        return answer

    @admin.action(description=_lazy("Confirm the selected"), permissions=["change"])
    def confirm_selected(self, request: HttpRequest, rows: QuerySet[Claim]) -> None:
        _do_each(request, rows, lambda row: actions.confirm(row, at=timezone.now(), by=request.user))

    @admin.action(description=_lazy("Verify the selected"), permissions=["change"])
    def verify_selected(self, request: HttpRequest, rows: QuerySet[Claim]) -> None:
        _do_each(request, rows, lambda row: actions.verify(row, at=timezone.now(), by=request.user))


# --- What both need ---------------------------------------------------------------------------------------------------
def _claims() -> Any:
    return Claim.objects.select_related(
        "opportunity__kind", "opportunity__run_by", "advocate__contact__account", "advocate__pod__manager"
    ).defer("opportunity__search")


def _read_once(page: Any, request: HttpRequest, object_id: str, rows: QuerySet[Any]) -> Any:
    """The record of a page, which the stock admin and we both ask for, read once for each request."""
    known = request.__dict__.setdefault("_records", {})
    key = (type(page).__name__, object_id)
    if key not in known:
        number = whole_number(object_id)
        known[key] = rows.filter(pk=number).first() if number is not None else None
    return known[key]


def _moves(row: Opportunity) -> list[tuple[str, str]]:
    words = {"open": _("Put on the board"), "closed": _("Close"), "cancelled": _("Call off")}
    return [(target, word) for target, word in words.items() if row.may_move_to(target)]


def _claim_moves(row: Claim) -> list[tuple[str, str]]:
    """The moves of a claim that are legal now and belong to its kind, in the order of its course."""
    words = {
        "confirmed": _("Confirm"), "scheduled": _("Set the time"), "delivered": _("It was done"),
        "verified": _("Verify"), "declined": _("Decline"), "missed": _("It was missed"),
    }  # fmt: skip
    kind = row.opportunity.kind
    return [
        (target, _("Move the time") if target == row.status == "scheduled" else word)
        for target, word in words.items()
        if row.may_move_to(target) and (target not in COURSE or kind.has_step(target))
    ]


def _claim_row(row: Claim) -> dict[str, Any]:
    quick = {"confirmed", "verified"}
    return {
        "claim": row,
        "state": tag(row.get_status_display(), CLAIM_STATES[row.status]),
        "quick": [(target, word) for target, word in _claim_moves(row) if target in quick][:1],
    }


def _advocates(words: str) -> QuerySet[Advocate]:
    rows = Advocate.objects.select_related("contact__account").order_by("contact__family_name", "pk")
    exact = rows.filter(contact__email__iexact=words)
    if exact.exists():
        return exact
    for word in words.split()[:4]:
        rows = rows.filter(
            Q(contact__given_name__iregex=loosely(word))
            | Q(contact__family_name__iregex=loosely(word))
            | Q(contact__email__icontains=word)
            | Q(contact__account__name__icontains=word)
        )
    return rows


def _try(request: HttpRequest, act: Callable[[], Any], done: str) -> bool:
    try:
        act()
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return False
    messages.success(request, done)
    return True


def _do_each(request: HttpRequest, rows: QuerySet[Any], act: Callable[[Any], Any]) -> None:
    """Do it to each; one that is refused does not keep the others from it."""
    done = 0
    for row in rows:
        try:
            act(row)
        except Refused as refusal:
            messages.warning(request, f"{row}: {refusal}")
        else:
            done += 1
    if done:
        messages.success(request, ngettext("%(count)d done.", "%(count)d done.", done) % {"count": done})
