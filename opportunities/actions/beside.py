"""References that happened beside the desk: logged in ten seconds, and counted like any other (D16).

A seller who rang somebody they know has asked something of them all the same. Told, it is in the ask budget, on the
timeline, thanked for and in the revenue it helped with; the measures of the desk's own speed leave it out.
"""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Deal, StakeholderTeam
from advocacy.delivery.notifications import notify
from advocacy.lib.lifecycle import Refused
from advocates import budget
from advocates.models import Advocate, Channel
from opportunities import clock
from opportunities.actions import board
from opportunities.actions import desk as at_desk
from opportunities.models import Claim, Nomination, OpportunityKind, ReferenceRequest

LONG_AGO = timedelta(days=180)
"""How far back something can be told; older is for the import."""
Status, WaitingFor = ReferenceRequest.Status, ReferenceRequest.WaitingFor


@transaction.atomic
def log(
    *,
    advocate: Advocate,
    requester: Any,
    kind: OpportunityKind,
    prospect: str,
    happened_on: date,
    at: datetime,
    deal: Deal | None = None,
    team: StakeholderTeam | None = None,
    minutes: int | None = None,
    text: str = "",
) -> ReferenceRequest:
    """Put on record that an advocate has given a reference nobody asked the desk for.

    The same advocate, prospect, kind and day are one reference, whoever tells it and however often.
    """
    prospect = " ".join(prospect.split())
    if not kind.for_requests:
        raise Refused(_("“%(kind)s” cannot be asked for at the desk.") % {"kind": kind.name})
    if not prospect:
        raise Refused(_("Name the prospect company."))
    today = timezone.localdate(at)
    if happened_on > today:
        raise Refused(_("This day has not come yet. File a request, and the desk looks after the rest."))
    if happened_on < today - LONG_AGO:
        raise Refused(_("This is more than half a year ago: too long to count. Tell the program lead."))
    budget.lock(advocate)
    before = Nomination.objects.filter(
        advocate=advocate, request__beside_the_desk=True, request__prospect__iexact=prospect, request__kind=kind,
        request__needed_by=happened_on,
    ).select_related("request").first()  # fmt: skip
    if before is not None:
        return before.request
    office = clock.office()
    noon = timezone.make_aware(datetime.combine(happened_on, time(12)), office.zone)
    when = min(noon, at)
    logged = ReferenceRequest.objects.create(
        requester=requester, kind=kind, prospect=prospect[:200], needed_by=happened_on, wanted=1, team=team, deal=deal,
        filed_at=when, first_yes_at=when, waiting_for=WaitingFor.NOBODY, status=Status.FULFILLED, fulfilled_at=when,
        closed_at=at, beside_the_desk=True, close_reason=text.strip()[:300],
    )  # fmt: skip
    frame = at_desk._frame(logged, by=requester, at=when)
    claim = Claim.objects.create(
        opportunity=frame, advocate=advocate, claimed_at=when, minutes=minutes or kind.minutes, scheduled_for=when
        if kind.has_step("scheduled") else None,
    )  # fmt: skip
    nominated = Nomination.objects.create(
        request=logged, advocate=advocate, status=Nomination.Status.ACCEPTED, nominated_by=requester, asked_at=when,
        answer_by=when, answered_at=when, claim=claim, why=_("Asked directly, beside the desk."),
    )  # fmt: skip
    budget.asked_already(
        advocate, channel=Channel.DESK, source_id=logged.pk, kind=kind.slug, at=when, by=requester,
        reason=_("Asked directly, beside the desk."),
    )  # fmt: skip
    spine.record(Deed.NOMINATED, at=when, source=nominated, contact=advocate.contact, by=requester)
    spine.record(Deed.NOMINATION_ACCEPTED, at=when, source=nominated, contact=advocate.contact)
    board.verify(claim, at=at, by=requester)
    frame.move_to("closed")
    manager = advocate.manager
    if manager is not None and manager.pk != requester.pk:
        said = _("%(name)s has told of a reference of %(advocate)s for %(prospect)s, beside the desk.")
        words = {"name": requester, "advocate": advocate, "prospect": prospect}
        notify(manager, "beside_the_desk", key=str(logged.pk), text=(said % words)[:300],
               url=at_desk._desk_url(logged), at=at)  # fmt: skip
    return logged
