"""What an edition led to: the page for editors, and the raw rows as a file."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from advocacy.crm.models import Program
from advocacy.delivery import webhooks
from advocacy.lib import charts, export
from advocacy.lib.lifecycle import Refused
from advocacy.lib.pages import respond
from advocacy.users.rights import requires
from newsletter import results as rules
from newsletter.actions import withdrawing as actions
from newsletter.models import Edition, EditionItem

SEES_MAIL = "delivery.view_message"
EVENTS = (
    export.Column(gettext_lazy("Mail"), "message.message_id"),
    export.Column(gettext_lazy("Reader"), "message.to_name", right=SEES_MAIL),
    export.Column(gettext_lazy("Address"), "message.to_email", right=SEES_MAIL),
    export.Column(gettext_lazy("What happened"), "get_event_display"),
    export.Column(gettext_lazy("When"), "at"),
    export.Column(gettext_lazy("Page"), "path"),
    export.Column(gettext_lazy("Who says so"), "source"),
)
MAILS = (
    export.Column(gettext_lazy("Mail"), "message_id"),
    export.Column(gettext_lazy("Reader"), "to_name", right=SEES_MAIL),
    export.Column(gettext_lazy("Address"), "to_email", right=SEES_MAIL),
    export.Column(gettext_lazy("Sent"), "sent_at"),
)
CLAIMS = (
    export.Column(gettext_lazy("Opportunity"), "opportunity.title"),
    export.Column(gettext_lazy("Advocate"), lambda row: row.advocate.contact.full_name, right=SEES_MAIL),
    export.Column(gettext_lazy("Claimed"), "claimed_at"),
    export.Column(gettext_lazy("After a click"), lambda row: row.clicked),
)


@requires("newsletter.edit")
@require_safe
def results(request: HttpRequest, edition_id: uuid.UUID) -> HttpResponseBase:
    """What became of an edition and what it led to, from the raw rows; ``?of=`` says which of them a file holds."""
    here = get_object_or_404(Edition, public_id=edition_id)
    if kind := export.wanted(request):
        return _file(request, here, kind)
    now = timezone.now()
    days = rules.by_day(here, until=now)
    figures = rules.figures(here)
    context = {
        "edition": here,
        "figures": figures,
        "opens": Program.current().measure_opens or figures.opened > 0,
        "reported": bool(webhooks.provider()) or figures.delivered > 0,
        "led": rules.by_item(here),
        "clicks": _chart(_("Clicks by day"), [(day, clicks) for day, clicks, _claims in days], _("Clicks")),
        "claims": _chart(_("Claims by day"), [(day, claims) for day, _clicks, claims in days], _("Claims")),
        "row": [(one, rules.figures(one)) for one in (here, *rules.earlier(here))],
    }
    return respond(request, "newsletter/results.html", context)


@requires("newsletter.edit")
@require_POST
def withdraw(request: HttpRequest, edition_id: uuid.UUID, item_id: int) -> HttpResponseBase:
    """Take an item out of the archive, or show it again."""
    item = get_object_or_404(EditionItem.objects.select_related("edition"), pk=item_id, edition__public_id=edition_id)
    back = request.POST.get("what") == "back"
    try:
        actions.withdraw(item, at=timezone.now(), back=back)
    except Refused as refusal:
        messages.warning(request, str(refusal))
    else:
        said = _("It is shown again.") if back else _("Taken out: it is in no version of the edition any more.")
        messages.success(request, said)
    return redirect("newsletter:results", edition_id)


def _chart(title: str, days: list[Any], head: str) -> Any:
    points = [(date_format(day, "j M"), number) for day, number in days]
    if not any(number for _day, number in points):
        return charts.nothing_yet(_("Nothing yet."))
    return charts.bars(points, title=title, label_head=_("Day"), value_head=head)


def _file(request: HttpRequest, here: Edition, kind: str) -> HttpResponseBase:
    name, day = request.GET.get("of", ""), f"{here.slot:%Y-%m-%d}"
    if name == "mails":
        return export.answer(request, f"edition {day} mails", rules.mails(here).order_by("pk"), MAILS, kind=kind)
    if name == "claims":
        rows = rules.claims(here).select_related("opportunity", "advocate__contact").order_by("claimed_at", "pk")
        return export.answer(request, f"edition {day} claims", rows, CLAIMS, kind=kind)
    events = rules.events(here).select_related("message").order_by("at", "pk")
    return export.answer(request, f"edition {day} events", events, EVENTS, kind=kind)
