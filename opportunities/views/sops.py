"""SOPs: what each team has agreed with the desk, for everybody who asks; written by those who run it (D11)."""

from typing import Any

from django.contrib import messages
from django.db.models import Count, Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from advocacy.crm.models import StakeholderTeam
from advocacy.lib.given import whole_number
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.users.rights import requires
from opportunities import sops
from opportunities.actions import sops as actions
from opportunities.forms.sops import SopForm
from opportunities.models import SopVersion

FILE = "opportunities.file_request"
KEEP = "opportunities.keep_sops"
OTHERS = "others"
"""How the address calls the SOP of every team without one of its own."""


@requires(FILE)
@require_safe
def all_sops(request: HttpRequest) -> HttpResponse:
    """Each team with its SOP, one's own teams first."""
    latest: dict[int | None, int] = dict(SopVersion.objects.values_list("sop__team").annotate(Max("number")))
    others = latest.get(None)
    mine = set(request.user.teams.values_list("pk", flat=True))  # type: ignore[union-attr]
    teams = [(team, latest.get(team.pk), team.pk in mine) for team in StakeholderTeam.objects.order_by("name")]
    context = {
        "teams": sorted(teams, key=lambda one: not one[2]), "others": others,
        "may_write": request.user.has_perm(KEEP),
    }  # fmt: skip
    return respond(request, "opportunities/sops.html", context)


def _team(slug: str) -> StakeholderTeam | None:
    if slug == OTHERS:
        return None
    found = StakeholderTeam.objects.filter(slug=slug).first()
    if found is None:
        raise Http404
    return found


@requires(FILE)
@require_safe
def one_sop(request: HttpRequest, slug: str) -> HttpResponse:
    """A team's SOP as it is now, or one of its versions, with all of them beside it."""
    team = _team(slug)
    versions = list(
        SopVersion.objects.filter(sop__team=team)
        .select_related("sop__team", "by")
        .annotate(used=Count("requests"))
        .order_by("-number")
    )
    asked = whole_number(request.GET.get("version", ""))
    shown = next((one for one in versions if one.number == asked), versions[0] if versions else None)
    context = {
        "team": team, "slug": slug, "sop": shown, "versions": versions,
        "falls_back": sops.current(team) if team and not versions else None, "may_write": request.user.has_perm(KEEP),
        "is_old": bool(shown and versions and shown.pk != versions[0].pk),
    }  # fmt: skip
    return respond(request, "opportunities/sop.html", context)


@requires(KEEP)
@require_http_methods(["GET", "HEAD", "POST"])
def write_sop(request: HttpRequest, slug: str) -> HttpResponse:
    """Write the next version."""
    team, status = _team(slug), 200
    version = SopVersion.objects.filter(sop__team=team).order_by("-number").first()
    form = SopForm(request.POST or None, version=version)
    if request.method == "POST":
        status = 422
        if form.is_valid():
            said: dict[str, Any] = form.cleaned_data
            try:
                kept = actions.write(
                    team, said, too_early=said.get("too_early", []), by=request.user, at=timezone.now(),
                    read=said["read"] or 0,
                )  # fmt: skip
                messages.success(request, _("Version %(number)s is the one from now on.") % {"number": kept.number})
                return redirect("opportunities:sop", slug)
            except Refused as refusal:
                form.add_error(None, str(refusal))
                status = 409
    context = {"form": form, "team": team, "slug": slug, "version": version}
    return respond(request, "opportunities/sop_write.html", context, status=status)


@requires(FILE)
@require_safe
def beside_the_form(request: HttpRequest) -> HttpResponse:
    """The SOP of the team that is chosen in the form."""
    team = StakeholderTeam.objects.filter(pk=whole_number(request.GET.get("team", "")) or 0).first()
    return respond(request, "opportunities/desk/sop.html", {"sop": sops.current(team)})


urlpatterns: list[URLPattern] = [
    path("sops/", all_sops, name="sops"),
    path("sops/<slug:slug>/", one_sop, name="sop"),
    path("sops/<slug:slug>/write/", write_sop, name="sop_write"),
    path("requests/sop/", beside_the_form, name="request_sop"),
]
