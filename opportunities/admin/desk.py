"""The reference desk in the admin: the queue, and the request page with everything on it (D3, D12).

The records of the desk keep the admin's addresses, permissions and history; their pages are ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce, JSONObject
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext
from pghistory.models import Events

from advocacy.crm.models import Program
from advocacy.delivery.models import Message
from advocacy.lib import export
from advocacy.lib.given import plain, whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.lib.paging import page_by_key
from advocacy.users.models import Role, User
from opportunities import desk as rules
from opportunities import files, fitting, matching
from opportunities.actions import desk as actions
from opportunities.actions.desk import Pick
from opportunities.admin import broadcast, urgent
from opportunities.clock import times
from opportunities.forms.desk import FactsForm, MoveTimeForm, SayForm, zone_of
from opportunities.mails.desk import APPROVAL, NOMINATION, approval_of, key_of
from opportunities.models import (
    Claim,
    ClockSpan,
    DeskHours,
    MatchWeight,
    Nomination,
    Promise,
    Proof,
    ProofUse,
    ReferenceRequest,
    RequestNote,
)
from opportunities.request_pages import NoteTold, happened, next_at_desk, nominations_of, thanks_draft, yes_of

WORK_DESK = "opportunities.work_desk"
QUEUE = "admin/opportunities/referencerequest/queue.html"
PAGE = "admin/opportunities/referencerequest/page.html"
PROOF = "admin/opportunities/referencerequest/proof.html"
WHY_NOT = "admin/opportunities/referencerequest/why_not.html"
NOMINATE = "admin/opportunities/referencerequest/nominate.html"
FACTS = "admin/opportunities/referencerequest/facts.html"
HISTORY = "admin/opportunities/referencerequest/history.html"
A_PAGE = 30


class WeightForm(forms.ModelForm):
    """A weight in the list, named by what it weighs."""

    class Meta:
        model = MatchWeight
        fields = ("weight",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["weight"].widget.attrs["aria-label"] = _("Weight of “%(name)s”") % {"name": self.instance.name}


@admin.register(MatchWeight)
class MatchWeightAdmin(admin.ModelAdmin):
    """The weights of the match score, as data; their history is kept."""

    list_display = ("name", "part", "weight")
    list_editable = ("weight",)
    ordering = ("order",)
    readonly_fields = ("part",)

    def get_changelist_form(self, request: HttpRequest, **kwargs: Any) -> Any:
        return super().get_changelist_form(request, form=WeightForm, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a part is code; only what it weighs is data

    def has_delete_permission(self, request: HttpRequest, obj: MatchWeight | None = None) -> bool:
        return False


@admin.register(ReferenceRequest)
class ReferenceRequestAdmin(admin.ModelAdmin):
    """The queue and the request page. Requests are filed in the portal and never deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ReferenceRequest | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        def of(view: Callable[..., HttpResponse], address: str, name: str) -> URLPattern:
            return path(
                f"<int:pk>/{address}/", self.admin_site.admin_view(_desk_only(view)), name=f"opportunities_desk_{name}"
            )

        return [
            of(why_not, "why-not", "why_not"),
            of(proof_that_fits, "proof", "proof"),
            of(nominate, "nominate", "nominate"),
            of(facts, "facts", "facts"),
            of(move, "move", "move"),
            of(broadcast.page, "broadcast", "broadcast"),
            of(urgent.move, "urgent", "urgent"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return _desk_only(queue)(request)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return _desk_only(one_request)(request, pk=_number(object_id))

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return _desk_only(history)(request, pk=_number(object_id))


def _desk_only(view: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(request: HttpRequest, **kwargs: Any) -> Any:
        if not request.user.has_perm(WORK_DESK):
            raise PermissionDenied(_("The desk is worked by reference managers."))
        return view(request, **kwargs)

    return guarded


class HoursForm(forms.ModelForm):
    """Days by their names, and hours on the desk's own clock."""

    weekdays = forms.TypedMultipleChoiceField(
        label=_l("Working days"), coerce=int, choices=list(WEEKDAYS.items()), widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _l("Tick at least one day on which the desk works.")},
    )  # fmt: skip

    class Meta:
        model = DeskHours
        fields = ("opens", "closes", "weekdays", "country", "subdivision", "days_off")
        widgets: ClassVar[dict[str, Any]] = {
            "opens": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "closes": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }


@admin.register(DeskHours)
class DeskHoursAdmin(admin.ModelAdmin):
    """When the desk works; promises under way are counted anew when it changes."""

    form = HoursForm
    list_display = ("__str__", "weekdays", "country", "subdivision")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # the one row is there from the beginning

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        number = actions.count_promises_anew(at=timezone.now())
        if number:
            said = ngettext(
                "%(n)s promise under way was counted anew.", "%(n)s promises under way were counted anew.", number
            )
            messages.info(request, said % {"n": number})


@admin.register(Promise)
class PromiseAdmin(admin.ModelAdmin):
    """What the desk promises, in office hours, by team and kind; requests keep what they were promised."""

    list_display = ("__str__", "team", "kind", "hours")
    list_select_related = ("team", "kind")
    list_filter = ("team",)


def _number(text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise Http404
    return number


# --- The queue --------------------------------------------------------------------------------------------------------
ORDERS = {"need": ("needed_by", "pk"), "value": ("-worth", "needed_by", "pk"), "filed": ("-filed_at", "-pk")}


def queue(request: HttpRequest) -> HttpResponseBase:
    """Requests by filter and order, both in the address; several can be given to somebody at once."""
    at = timezone.now()
    if request.method == "POST":
        return _assign_many(request, at=at)
    today = timezone.localdate(at, zone_of(Program.current().desk_time_zone))
    view = request.GET.get("view", "")
    if view not in {one.key for one in rules.VIEWS}:
        view = "active"
    sort = request.GET.get("sort", "")
    if sort not in ORDERS:
        sort = "need"
    rows: Any = ReferenceRequest.objects.visible_to(request.user)
    counts = rows.active().aggregate(
        active=Count("pk"),
        mine=Count("pk", filter=Q(manager=request.user.pk)),
        unassigned=Count("pk", filter=Q(manager__isnull=True)),
        urgent=Count("pk", filter=rules.URGENT),
        waiting=Count("pk", filter=rules.WITH_OTHERS),
        approval=Count("pk", filter=rules.WITH_OWNER),
        promised=Count("pk", filter=rules.promise_presses(today)),
        soon=Count("pk", filter=Q(needed_by__gte=today, needed_by__lte=today + rules.SOON)),
        overdue=Count("pk", filter=Q(needed_by__lt=today)),
    )
    rows = rules.in_view(rows, view, user=request.user, today=today)
    query = plain(request.GET.get("q"))
    if query:
        rows = rows.filter(
            Q(prospect__icontains=query) | Q(deal__name__icontains=query) | Q(requester__name__icontains=query)
        )
    rows = rows.select_related("kind", "deal", "team", "requester", "manager")
    rows = rows.annotate(worth=Coalesce("deal__value", Value(Decimal(-1))))  # without a value last, and never null
    if wanted := export.wanted(request):
        return export.answer(request, "requests", rows.order_by(*ORDERS[sort]), files.REQUESTS, kind=wanted)
    page = page_by_key(rows, ORDERS[sort], request.GET, size=A_PAGE)
    context = {
        "page": page, "view": view, "sort": sort, "sorts": rules.SORTS, "query": query, "today": today,
        "views": [(one, counts.get(one.key)) for one in rules.VIEWS], "soon": today + rules.SOON,
        "managers": _managers() if page.items else [],
        "view_name": next(one.name for one in rules.VIEWS if one.key == view),
    }  # fmt: skip
    return respond(request, QUEUE, context, fragment="list")


def _managers() -> "QuerySet[User]":
    return (
        User.objects.filter(is_active=True, role_grants__role__in=[Role.MANAGER, Role.LEAD]).distinct().order_by("name")
    )


def _assign_many(request: HttpRequest, *, at: datetime) -> HttpResponse:
    chosen = [number for pk in request.POST.getlist("chosen") if (number := whole_number(pk)) is not None]
    wanted_manager = request.POST.get("to", "me")
    to = request.user if wanted_manager == "me" else _managers().filter(pk=whole_number(wanted_manager) or 0).first()
    if not chosen or to is None:
        messages.warning(request, _("Tick the requests first."))
        return redirect(request.get_full_path())
    given = 0
    for wanted in ReferenceRequest.objects.visible_to(request.user).filter(pk__in=chosen).order_by("pk"):
        try:
            actions.assign(wanted, to=to, at=at, by=request.user)
            given += 1
        except Refused as refusal:
            messages.warning(request, f"{wanted.prospect}: {refusal}")
    if given:
        said = ngettext("%(count)s request is with %(name)s now.", "%(count)s requests are with %(name)s now.", given)
        messages.success(request, said % {"count": given, "name": to})
    return redirect(request.get_full_path())


# --- One request ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Look:
    """What one look at the candidates asks for; it lives in the address, and so can be shared and taken back."""

    required: list[str]
    weights: dict[str, int] = field(default_factory=dict)
    relaxed: bool = False

    @classmethod
    def of(cls, request: HttpRequest, wanted: ReferenceRequest) -> "Look":
        if request.GET.get("relaxed") != "yes":
            return cls(required=list(wanted.required))
        weights = {}
        for key in matching.PARTS:
            number = whole_number(request.GET.get(f"w_{key}"))
            if number is not None and number <= 100:
                weights[key] = number
        required = [key for key in request.GET.getlist("must") if key in matching.PARTS]
        return cls(required=required, weights=weights, relaxed=True)

    def need(self, wanted: ReferenceRequest, *, at: datetime) -> matching.Need:
        return matching.Need.of(wanted, at=at, weights=self.weights, required=self.required)


def _wanted(pk: int) -> ReferenceRequest:
    """The request with its spans, its notes and the rules of matching beside it, in one query."""
    spans = ClockSpan.objects.filter(request=OuterRef("pk")).values(
        one=JSONObject(waiting_for="waiting_for", began_at="began_at", ended_at="ended_at")
    )
    notes = RequestNote.objects.filter(request=OuterRef("pk")).values(
        one=JSONObject(at="at", text="text", asks="asks", answered_at="answered_at", name="by__name", email="by__email")
    )
    rows = matching.with_rules(ReferenceRequest.objects.select_related("kind", "deal", "manager", "requester", "team"))
    told = rows.annotate(spans_told=ArraySubquery(spans), notes_told=ArraySubquery(notes))
    found: ReferenceRequest = get_object_or_404(told, pk=pk)
    return found


def _notes(wanted: ReferenceRequest, *, at: datetime) -> list[NoteTold]:
    return [
        NoteTold(
            at=parse_datetime(one["at"]) or at,
            text=one["text"],
            by=one["name"] or one["email"] or "",
            asks=one["asks"],
            answered=one["answered_at"] is not None,
        )
        for one in wanted.notes_told  # type: ignore[attr-defined]
    ]


def _times(wanted: ReferenceRequest, *, at: datetime) -> Any:
    spans = [
        ClockSpan(
            waiting_for=one["waiting_for"],
            began_at=parse_datetime(one["began_at"]) or at,
            ended_at=parse_datetime(one["ended_at"]) if one["ended_at"] else None,
        )
        for one in wanted.spans_told  # type: ignore[attr-defined]
    ]
    return times(spans, at=at)


def one_request(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Everything about one request, and the moves that are legal now."""
    if request.method == "POST":
        return move(request, pk=pk)
    return _page(request, _wanted(pk), at=timezone.now())


def _page(
    request: HttpRequest, wanted: ReferenceRequest, *, at: datetime, status: int = 200, **typed: Any
) -> HttpResponse:
    nominations = list(nominations_of(wanted))
    notes, mails = _notes(wanted, at=at), _mails_of(nominations)
    may_nominate = rules.may_nominate(wanted, nominations)
    context: dict[str, Any] = {
        "wanted": wanted, "at": at, "ended": wanted.status in rules.ENDED, "clock": _times(wanted, at=at),
        "sentence": next_at_desk(wanted, nominations, at=at), "an": wanted.kind.name[:1].lower() in "aeio",
        "asked": [
            _nominated(one, mails.get(_mail_key(one)), at=at, typed=typed.get("thank_form")) for one in nominations
        ],
        "may_nominate": may_nominate, "may_ask": may_nominate and rules.may_go_out(wanted),
        "happened": happened(wanted, nominations, notes, for_desk=True),
        "question_out": any(note.asks and not note.answered for note in notes),
        "mine": wanted.manager_id == request.user.pk, "note_form": SayForm(label=_("Note for the desk"), prefix="note"),
        "ask_form": SayForm(
            label=_("Question to %(name)s") % {"name": wanted.requester}, prefix="ask",
            help_text=_("They get it by mail. Our clock rests until they answer."),
        ),
        "end_form": SayForm(label=_("Why?"), prefix="end", help_text=_("Whoever was asked may read this."), rows=2),
        "move_form": MoveTimeForm(prefix="when"),
        "may_be_enough": rules.may_be_enough(wanted),
        "served": _served(wanted),
        **typed,
    }  # fmt: skip
    if may_nominate:
        look = Look.of(request, wanted)
        need = look.need(wanted, at=at)
        context |= {
            "look": look,
            "need": need,
            "candidates": matching.candidates(need),
            "parts": _parts(need, wanted),
            "groups": list(matching.GROUPS),
            "others": matching.why_not(need) if matching.program_is_small() or request.GET.get("why") else None,
            "query": request.GET.urlencode(),
        }
    return respond(request, PAGE, context, fragment="fits" if status == 200 else "", status=status)


@dataclass(frozen=True)
class PartSetting:
    """One part in the fold where weights and requirements are relaxed."""

    key: str
    name: str
    weight: int
    required: bool
    says: bool
    value: str


def _parts(need: matching.Need, wanted: ReferenceRequest) -> list[PartSetting]:
    shown = {
        "size": f"{wanted.employees:,}" if wanted.employees else "", "role": wanted.prospect_role,
        "depth": wanted.get_depth_display() if wanted.depth else "",
    }  # fmt: skip
    return [
        PartSetting(
            key=part.key,
            name=str(part.name),
            weight=need.weights[part.key],
            required=part.key in need.required,
            says=need.says(part.key),
            value=str(shown.get(part.key, getattr(need, part.key, "")) or ""),
        )
        for part in matching.PARTS.values()
    ]


@dataclass(frozen=True)
class Nominated:
    """One nomination with what became of its mail and what may be done about it now."""

    one: Nomination
    mail: Message | None
    over: bool
    moves: Sequence[str]
    thanks: SayForm | None

    @property
    def mail_matters(self) -> bool:
        """A mail called back tells nothing any more once they have answered, or are asked no longer."""
        return self.mail is not None and (self.mail.status != Message.Status.CANCELLED or self.one.status == "asked")

    @property
    def state(self) -> str:
        states = {"accepted": "ok", "asked": "warn", "with_owner": "warn", "declined": "bad", "refused": "bad"}
        return states.get(self.one.status, "plain")

    @property
    def mail_failed(self) -> bool:
        """Whether the question never reached them by mail, which somebody should know while it is open."""
        return self.mail is not None and self.mail.status in ("failed", "in_doubt", "suppressed")


def _mail_key(one: Nomination) -> str:
    return key_of(one) if one.reached_the_advocate else approval_of(one)


def _mails_of(nominations: Sequence[Nomination]) -> dict[str, Message]:
    """The mail of each nomination, by its key in the outbox; while it is with the account owner, the one to them."""
    if not nominations:
        return {}
    keys = [_mail_key(one) for one in nominations]
    rows = Message.objects.filter(kind__in=[NOMINATION, APPROVAL], dedupe_key__in=keys)
    return {one.dedupe_key: one for one in rows.only("dedupe_key", "kind", "status", "sent_at", "result")}


def _nominated(one: Nomination, mail: Message | None, *, at: datetime, typed: SayForm | None = None) -> Nominated:
    yes = yes_of(one, at=at)
    claim, moves = one.claim, []
    thanks = None
    if one.status in ("asked", "with_owner") or rules.missed_by_prospect(one):
        moves.append("recall")
    elif one.status == Nomination.Status.ACCEPTED and claim is not None:
        begun = claim.scheduled_for is None or claim.scheduled_for <= at
        if claim.status == Claim.Status.SCHEDULED and not begun:
            moves.append("move_time")
        if begun and claim.status in ("scheduled", "delivered"):
            moves += ["verify", "missed_prospect", "missed_advocate"]
        if claim.status == "claimed" and not yes.timed:
            moves.append("verify")
        if claim.status in ("delivered", "verified") and claim.thanked_at is None:
            thanks = SayForm(
                initial={"text": thanks_draft(one)}, label=_("Thank %(name)s") % {"name": one.advocate},
                prefix=f"thanks-{one.pk}", rows=5,
            )  # fmt: skip
            if typed is not None and typed.prefix == thanks.prefix:
                typed.fields["text"].label, thanks = thanks.fields["text"].label, typed
    return Nominated(one, mail, yes.over, moves, thanks)


def why_not(request: HttpRequest, *, pk: int) -> HttpResponse:
    """How many fit and how many each gate stopped; with a gate, a page of those it stopped."""
    at = timezone.now()
    wanted = _wanted(pk)
    need = Look.of(request, wanted).need(wanted, at=at)
    others = matching.why_not(need)
    gate = request.GET.get("gate", "")
    if not gate and not getattr(request, "htmx", False):  # the page begins with the gate that stops most
        gate = max(others.gates, key=lambda one: one[2], default=("",))[0]
    count = next((count for key, _name, count in others.gates if key == gate), 0)
    page = min(max(1, whole_number(request.GET.get("page")) or 1), max(1, -(-count // matching.A_PAGE)))
    context = {
        "wanted": wanted, "others": others, "gate": gate, "page": page, "pages": -(-count // matching.A_PAGE),
        "gate_name": next((name for key, name, _count in others.gates if key == gate), ""),
        "rows": matching.excluded(need, gate, page=page) if count else [], "query": _kept(request),
    }  # fmt: skip
    return respond(request, WHY_NOT, context, fragment="counts" if not gate else "")


def _kept(request: HttpRequest) -> str:
    """The look's part of the address, without gate and page."""
    query = request.GET.copy()
    for key in ("gate", "page", "advocate", "why"):
        query.pop(key, None)
    return query.urlencode()


# --- Nominating -------------------------------------------------------------------------------------------------------
def nominate(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Say to each chosen advocate why them, and ask them."""
    at = timezone.now()
    wanted = _wanted(pk)
    source: Mapping[str, Any] = request.POST if request.method == "POST" else request.GET
    given = [whole_number(one) for one in source.getlist("advocate")]  # type: ignore[attr-defined]
    chosen = list(dict.fromkeys(one for one in given if one is not None))[: matching.LIMIT]
    back = reverse("admin:opportunities_referencerequest_change", args=[pk])
    if not chosen:
        messages.warning(request, _("Tick the advocates to ask first."))
        return redirect(f"{back}?{_kept(request)}")
    need = Look.of(request, wanted).need(wanted, at=at)
    people = matching.among(need, chosen)
    why = {one.advocate: plain(request.POST.get(f"why-{one.advocate}", matching.for_them(need, one))) for one in people}
    status = 200
    if request.method == "POST":
        try:
            made = actions.nominate(
                wanted,
                [Pick(one.advocate, why[one.advocate]) for one in people],
                by=request.user,
                at=at,
                override_reason=plain(request.POST.get("override_reason")),
            )
            messages.success(request, _being_asked(made))
            return redirect(back)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
    context = {
        "wanted": wanted, "back_url": f"{back}?{_kept(request)}",
        "people": [(one, why[one.advocate]) for one in people],
        # A reason gets past rest and caps, never past an account owner.
        "owner_approves": any(one.owner_approves for one in people), "typed": request.POST, "refused": status == 409,
    }  # fmt: skip
    return respond(request, NOMINATE, context, status=status)


def _being_asked(made: Sequence[Nomination]) -> str:
    """Who is asked now, and whose account owner is asked first."""
    first = sum(one.status == Nomination.Status.WITH_OWNER for one in made)
    asked, said = len(made) - first, []
    if asked:
        said.append(ngettext("%(count)s advocate is being asked.", "%(count)s advocates are being asked.", asked)
                    % {"count": asked})  # fmt: skip
    if first:
        said.append(
            ngettext(
                "%(count)s waits for the account owner’s yes.", "%(count)s wait for the account owners’ yes.", first
            )
            % {"count": first}
        )
    return " ".join(said)


def facts(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Mend what the request says; matching reads it anew."""
    wanted = _wanted(pk)
    back = reverse("admin:opportunities_referencerequest_change", args=[pk])
    start = {name: getattr(wanted, name) for name in FactsForm.base_fields}
    form = FactsForm(request.POST or None, initial=start)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                actions.amend(wanted, facts=form.facts, at=timezone.now())
                messages.success(request, _("The request is mended."))
                return redirect(back)
            except Refused as refusal:
                messages.warning(request, str(refusal))
                status = 409
    return respond(request, FACTS, {"wanted": wanted, "form": form, "back_url": back}, status=status)


# --- Moves ------------------------------------------------------------------------------------------------------------
def move(request: HttpRequest, *, pk: int) -> HttpResponse:
    """One move of the desk; what was typed stays where it is refused."""
    if request.method != "POST":
        return redirect("admin:opportunities_referencerequest_change", pk)
    at, wanted = timezone.now(), _wanted(pk)
    do = request.POST.get("do", "")
    form = _form_of(request, do)
    status = 422
    if form is None or form[1].is_valid():
        try:
            said = _do(request, wanted, do, form[1].cleaned_data if form else {}, at=at)
            if said:
                messages.success(request, said)
            return redirect("admin:opportunities_referencerequest_change", pk)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
    typed = {form[0]: form[1], "open": do} if form else {}
    return _page(request, _wanted(pk), at=at, status=status, **typed)


def proof_that_fits(request: HttpRequest, *, pk: int) -> HttpResponse:
    """What we have published that may be enough; it comes after the page, which has enough to read already."""
    wanted = _wanted(pk)
    found = fitting.fitting(fitting.Wanted.of_request(wanted), at=timezone.now())
    return respond(request, PROOF, {"wanted": wanted, "fits": found if rules.may_be_enough(wanted) else []})


def _chosen_proof(request: HttpRequest) -> Proof:
    try:
        return Proof.objects.get(public_id=UUID(request.POST.get("enough", "")))
    except (ValueError, Proof.DoesNotExist):
        raise Refused(_("Choose one of the proofs that fit.")) from None


def _served(wanted: ReferenceRequest) -> Proof | None:
    """What was enough for a request, where something was."""
    if wanted.status != ReferenceRequest.Status.DEFLECTED:
        return None
    use = ProofUse.objects.filter(request=wanted, how=ProofUse.How.DEFLECTED).select_related("proof").first()
    return use.proof if use else None


def _form_of(request: HttpRequest, do: str) -> tuple[str, Any] | None:
    """The form a move comes with, and the name the page knows it by."""
    posted = request.POST
    if do == "note":
        return "note_form", SayForm(posted, label=_("Note for the desk"), prefix="note")
    if do == "ask":
        return "ask_form", SayForm(posted, label=_("Question to the requester"), prefix="ask")
    if do in {"unfilled", "withdraw"}:
        return "end_form", SayForm(posted, label=_("Why?"), prefix="end", rows=2)
    if do == "thank":
        return "thank_form", SayForm(
            posted, label=_("Thank-you"), prefix=f"thanks-{posted.get('nomination', '')}", rows=5
        )
    if do == "move_time":
        return "move_form", MoveTimeForm(posted, prefix="when")
    return None


def _do(request: HttpRequest, wanted: ReferenceRequest, do: str, said: Mapping[str, Any], *, at: datetime) -> str:
    by = request.user
    if do == "assign":
        actions.assign(wanted, to=by, at=at, by=by)
        return _("This request is yours now.")
    if do == "note":
        actions.note(wanted, text=said["text"], by=by, at=at)
        return _("The note is kept.")
    if do == "ask":
        actions.ask_requester(wanted, text=said["text"], by=by, at=at)
        return _("%(name)s has your question. Our clock rests.") % {"name": wanted.requester}
    if do == "unfilled":
        actions.leave_unfilled(wanted, reason=said["text"], by=by, at=at)
        return _("Closed as unfilled; %(name)s is told why.") % {"name": wanted.requester}
    if do == "withdraw":
        actions.withdraw(wanted, reason=said["text"], by=by, at=at)
        return _("Withdrawn; everybody it concerns is told.")
    if do == "reopen":
        actions.reopen(wanted, at=at)
        return _("Open again.")
    if do == "enough":
        actions.deflect(wanted, _chosen_proof(request), by=by, at=at)
        return _("Answered with proof; %(name)s is told.") % {"name": wanted.requester}
    if do == "keep":
        actions.amend(wanted, facts={"required": Look.of(request, wanted).required}, at=at)
        return _("These parts must fit from now on.")
    return _do_about(request, wanted, do, said, at=at)


def _do_about(request: HttpRequest, wanted: ReferenceRequest, do: str, said: Mapping[str, Any], *, at: datetime) -> str:
    """Moves about one nomination."""
    number = whole_number(request.POST.get("nomination"))
    one = get_object_or_404(
        Nomination.objects.select_related("request", "advocate__contact"),
        request=wanted,
        pk=number or 0,
    )
    words = {"name": one.advocate}
    if do == "recall":
        actions.recall(one, by=request.user, at=at)
        return _("%(name)s is no longer asked.") % words
    if do == "verify":
        actions.verify(one, by=request.user, at=at)
        return _("Verified: the points of %(name)s are booked.") % words
    if do in {"missed_prospect", "missed_advocate"}:
        actions.missed(one, by_prospect=do == "missed_prospect", by=request.user, at=at)
        if do == "missed_prospect":
            return _("%(name)s gets an apology and the points.") % words
        return _("Noted. The desk looks again.")
    if do == "thank":
        actions.thank(one, text=said["text"], by=request.user, at=at)
        return _("%(name)s is thanked.") % words
    if do == "move_time":
        actions.move_time(one, starts_at=said["starts_at"], by=request.user, at=at)
        return _("Moved; the calendars of both follow.")
    raise Http404


# --- History ----------------------------------------------------------------------------------------------------------
def history(request: HttpRequest, *, pk: int) -> HttpResponse:
    """Every change of the request itself, by whom and when."""
    wanted = _wanted(pk)
    rows = list(
        Events.objects.tracks(wanted)
        .order_by("-pgh_created_at", "-pgh_id")
        .values("pgh_created_at", "pgh_label", "pgh_diff", "pgh_context")[:200]
    )
    users = {row["pgh_context"].get("user") for row in rows if row["pgh_context"]}
    people = dict(User.objects.filter(pk__in=[one for one in users if one]).values_list("pk", "name"))
    changes = [
        {
            "at": row["pgh_created_at"],
            "by": people.get((row["pgh_context"] or {}).get("user") or 0, _("The clock, or an import")),
            "changes": [
                (_field_name(name), before, after) for name, (before, after) in (row["pgh_diff"] or {}).items()
            ],
        }
        for row in rows
    ]
    return respond(request, HISTORY, {"wanted": wanted, "changes": changes})


def _field_name(name: str) -> str:
    known = {one.attname: one.verbose_name for one in ReferenceRequest._meta.concrete_fields}
    return str(known.get(name, name)).capitalize()
