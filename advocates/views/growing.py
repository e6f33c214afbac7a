"""The map of the customer's journey, and the launch of regions (P4, P15)."""

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.views.decorators.http import require_http_methods, require_POST

from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.users.models import User
from advocacy.users.rights import requires
from advocates import launching
from advocates.actions import launching as acting
from advocates.forms import regions
from advocates.models import JourneyStage, Launch


# --- The journey ------------------------------------------------------------------------------------------------------
class StageForm(forms.ModelForm):
    """One stage of the journey."""

    class Meta:
        model = JourneyStage
        fields = ("name", "team", "touch", "today", "wanted", "gap", "gap_owner", "asks", "incentives")
        widgets = {
            name: forms.Textarea(attrs={"rows": 3}) for name in ("touch", "today", "wanted", "asks", "incentives")
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        colleagues = User.objects.filter(is_active=True).exclude(advocate__isnull=False).order_by("name")
        self.fields["gap_owner"].queryset = colleagues  # type: ignore[attr-defined]


@requires("advocates.view_journeystage")
def journey(request: HttpRequest) -> HttpResponse:
    """Every stage after the signature: who touches the customer, today and as wanted, what the program adds."""
    return respond(request, "advocates/journey.html", {"stages": JourneyStage.objects.select_related("gap_owner")[:40]})


@requires("advocates.change_journeystage")
@require_http_methods(["GET", "HEAD", "POST"])
def new_stage(request: HttpRequest) -> HttpResponse:
    """A stage more, at the end."""
    return _stage(request, None)


@requires("advocates.change_journeystage")
@require_http_methods(["GET", "HEAD", "POST"])
def stage(request: HttpRequest, pk: int) -> HttpResponse:
    """Say a stage anew."""
    return _stage(request, get_object_or_404(JourneyStage, pk=pk))


def _stage(request: HttpRequest, found: JourneyStage | None) -> HttpResponse:
    form = StageForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        saved = form.save(commit=False)
        if found is None:
            saved.order = (JourneyStage.objects.aggregate(last=Max("order"))["last"] or 0) + 10
        saved.save()
        messages.success(request, _("Saved."))
        return redirect("advocates:journey")
    context = {"form": form, "stage": JourneyStage.objects.get(pk=found.pk) if found else None}
    return respond(request, "advocates/journey_stage.html", context, status=422 if request.method == "POST" else 200)


@requires("advocates.change_journeystage")
@require_POST
@transaction.atomic
def move_stage(request: HttpRequest, pk: int) -> HttpResponse:
    """One place up or down, or off the map."""
    stages = list(JourneyStage.objects.select_for_update().order_by("order", "pk"))
    place = next((number for number, one in enumerate(stages) if one.pk == pk), None)
    if place is None:
        return redirect("advocates:journey")
    if request.POST.get("to") == "away":
        stages[place].delete()
        messages.success(request, _("“%(name)s” is off the map. Its history is kept.") % {"name": stages[place].name})
        return redirect("advocates:journey")
    other = place + (1 if request.POST.get("to") == "down" else -1)
    if 0 <= other < len(stages):
        stages[place], stages[other] = stages[other], stages[place]
    for number, one in enumerate(stages):
        if one.order != number * 10:
            JourneyStage.objects.filter(pk=one.pk).update(order=number * 10)
    return redirect(f"{reverse('advocates:journey')}#stage-{pk}")


# --- Launches ---------------------------------------------------------------------------------------------------------
@requires("advocates.view_launch")
@require_http_methods(["GET", "HEAD", "POST"])
def launches(request: HttpRequest) -> HttpResponse:
    """Every region that is being launched, and those that could be."""
    status = 200
    if request.method == "POST" and request.user.has_perm("advocates.change_launch"):
        try:
            begun = acting.begin(request.POST.get("region", ""), by=request.user, at=timezone.now())
            return redirect("advocates:launch", begun.pk)
        except Refused as refusal:
            messages.warning(request, str(refusal))
            status = 409
    rows = list(Launch.objects.select_related("by")[:60])
    begun_there = {one.region for one in rows}
    context = {"rows": rows, "others": [region for region in regions() if region not in begun_there]}
    return respond(request, "advocates/launches.html", context, status=status)


@requires("advocates.view_launch")
def launch(request: HttpRequest, pk: int) -> HttpResponse:
    """One region: its phases, each point as it stands."""
    return _launch(request, get_object_or_404(Launch, pk=pk))


def _launch(
    request: HttpRequest, found: Launch, *, kept: tuple[str, str] = ("", ""), status: int = 200
) -> HttpResponse:
    at = timezone.now()
    phases = launching.checklist(found, at=at)
    names = dict(Launch.Status.choices)
    context = {
        "launch": found,
        "phases": [(phase, names[phase], lines, sum(line.met for line in lines)) for phase, lines in phases],
        "ready": found.status in acting.NEXT and all(line.met for line in dict(phases)[found.status]),
        "next": names.get(acting.NEXT.get(found.status, ""), ""),
        "before": names.get(acting.BEFORE.get(found.status, ""), ""),
        "kept_key": kept[0],
        "kept_note": kept[1],
        "fastest": f"{reverse('advocates:new_cohort')}?{urlencode({'fast_in': found.region})}",
    }
    return respond(request, "advocates/launch.html", context, status=status)


@requires("advocates.change_launch")
@require_POST
def tick(request: HttpRequest, pk: int) -> HttpResponse:
    """Tick a point with a note, or take the tick back."""
    found = get_object_or_404(Launch, pk=pk)
    key, note = request.POST.get("key", ""), request.POST.get("note", "")
    try:
        if request.POST.get("what") == "undo":
            acting.untick(found, key)
            messages.success(request, _("Open again."))
        else:
            acting.tick(found, key, note=note, by=request.user, at=timezone.now())
            messages.success(request, _("Ticked."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _launch(request, found, kept=(key, note), status=409)
    return redirect("advocates:launch", pk)


class LaunchDayForm(forms.Form):
    opens_on = forms.DateField(
        required=False, error_messages={"invalid": _l("Write the day as 2026-03-17, or leave it empty.")}
    )


@requires("advocates.change_launch")
@require_POST
def plan_launch(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the day the region launches."""
    found = get_object_or_404(Launch, pk=pk)
    form = LaunchDayForm(request.POST)
    try:
        if not form.is_valid():
            raise Refused(form.errors["opens_on"][0])
        acting.plan(found, form.cleaned_data["opens_on"])
        messages.success(request, _("Saved."))
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _launch(request, found, status=409)
    return redirect("advocates:launch", pk)


@requires("advocates.change_launch")
@require_POST
def move_launch(request: HttpRequest, pk: int) -> HttpResponse:
    """To the next phase, or back to the one before."""
    found = get_object_or_404(Launch, pk=pk)
    try:
        if request.POST.get("to") == "back":
            acting.move_back(found)
        else:
            moved = acting.move_on(found, at=timezone.now())
            messages.success(
                request,
                _("%(region)s: %(phase)s.") % {"region": moved.region, "phase": moved.get_status_display()},
            )
    except Refused as refusal:
        messages.warning(request, str(refusal))
        return _launch(request, found, status=409)
    return redirect("advocates:launch", pk)
