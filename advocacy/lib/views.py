"""The pages of the ground itself: the living reference of the look."""

from datetime import timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from advocacy.lib import charts, colours, icons, numbers
from advocacy.lib.pages import respond


class SampleForm(forms.Form):
    """A form with one field of each kind, for the reference page."""

    title = forms.CharField(label=_("What is wanted"), help_text=_("One sentence an advocate would understand."))
    kind = forms.ChoiceField(
        label=_("Format"), choices=[("", "—"), ("call", _("Reference call")), ("visit", _("Site visit"))]
    )
    needed_by = forms.DateField(label=_("Needed by"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    text = forms.CharField(label=_("What should the advocate know?"), widget=forms.Textarea, required=False)
    how = forms.ChoiceField(
        label=_("How many people may answer?"),
        widget=forms.RadioSelect,
        choices=[("one", _("One, whom the desk chooses")), ("many", _("Whoever is in first"))],
    )
    agreed = forms.BooleanField(label=_("The prospect knows that we ask a customer"))


MONTHS = ("Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov")


def look(request: HttpRequest) -> HttpResponse:
    """Every shape of the look with realistic content, for whoever builds or judges a page."""
    form = SampleForm({"title": "", "kind": "call", "how": "one"}) if "errors" in request.GET else SampleForm()
    if "said" in request.GET:
        messages.success(request, _("You are in. Rita has your three times and answers by tomorrow noon."))
        messages.warning(request, _("Omar was quicker: the last seat is taken. You are first on the waitlist."))
        messages.error(request, _("The file could not be read: line 14 holds a date that does not exist."))
    fulfilled = [
        charts.Point(month, value, f"?month={month}", before)
        for month, value, before in zip(
            MONTHS, (38, 44, 41, 52, 61, 58, 73, 80, 92), (20, 22, 25, 21, 26, 24, 28, 27, 30), strict=True
        )
    ]
    context = {
        "form": form,
        "icons": sorted(icons.ICONS),
        "score": [("Industry", 30), ("Size", 22), ("Use case", 16), ("Rested", 9)],
        "bars": charts.bars(
            fulfilled,
            title="Requests fulfilled",
            promise=70,
            promise_label="Goal: 70 a month",
            before_label="Year before",
        ),
        "line": charts.line(
            list(zip(MONTHS, (9.1, 8.4, 8.8, 7.2, 6.1, 5.6, 4.4, 3.9, 2.8), (f"?m={m}" for m in MONTHS), strict=True)),
            title="Days to fulfil",
            shown=lambda days: f"{numbers.number(days)} days",
            promise=5,
        ),
        "line_near": charts.line([("May", 6.0), ("Jun", 5.4), ("Jul", 5.1)], title="Days to answer", promise=5),
        "funnel": charts.funnel(
            [
                ("Members", 412, "?stage=member"),
                ("Socializers", 268, "?stage=social"),
                ("Creators", 141, "?stage=creator"),
                ("Proven advocates", 63, "?stage=proven"),
                ("Spotlight", 18, "?stage=spotlight"),
            ],
            title="From member to advocate",
        ),
        "hbars": charts.hbars(
            [
                ("Anneke Kuiper", 14, "?who=1"),
                ("Inês Barbosa", 11, "?who=2"),
                ("Tobias Okafor", 9, "?who=3"),
                ("37 others", 145),
            ],
            title="Who is asked",
            stands_out=3,
            total=179,
            label_head="Advocate",
            value_head="Asks",
        ),
        "stacked": charts.stacked(
            [("Industry", 30), ("Size", 22), ("Use case", 16), ("Rested", 9)], title="Score", total=100
        ),
        "spark": charts.sparkline([4, 6, 5, 7, 9, 8, 12], label="Asks a week, rising from 4 to 12"),
        "first_yes": timedelta(hours=5, minutes=20),
    }
    return respond(request, "look/look.html", context)


look.required_right = "admin.enter"  # type: ignore[attr-defined]  # as users.rights.requires, which lies above us


def accent(request: HttpRequest, colour: str) -> HttpResponse:
    """The company's accent as a style sheet: a pure function of its address, kept by browsers for good. Public: the
    door wears it, too."""
    response = HttpResponse(colours.accent_sheet(f"#{colour}"), content_type="text/css; charset=utf-8")
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


accent.required_right = "public"  # type: ignore[attr-defined]
