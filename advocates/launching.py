"""What it takes to launch a region: checklists by phase, as far as they are facts read from facts (P15). Reads.

Upper apps add the points only they can read (an edition planned, a space with life in it) by ``register``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l
from django.utils.translation import ngettext

from advocacy.crm.catalogue import ACTIVITY_DEEDS
from advocacy.crm.models import Account, Activity
from advocates.models import Advocate, InvitationTemplate, Launch, LaunchTick, Pod

PHASES = ("crawl", "walk", "run")
FIRST_MEMBERS = 15
"""A pod is about fifteen: as many a manager can know by name."""
FIRST_ACTIVITIES = 5
ACTIVE_SHARE = 0.3


@dataclass(frozen=True)
class Read:
    """What the facts say of a point: whether it is met, and how far it is, in words."""

    met: bool
    words: str = ""


@dataclass(frozen=True)
class Point:
    """One point of a checklist. ``read`` looks at facts; without it a person ticks the point and says what was done."""

    key: str
    phase: str
    label: Any
    hint: Any = ""
    url: Any = ""
    read: Callable[[str, datetime], Read] | None = None


_points: dict[str, Point] = {}


def register(*points: Point) -> None:
    """Add points; called once, when the app that can read them is loaded."""
    for one in points:
        _points[one.key] = one


def _words(region: str, at: datetime) -> Read:
    found = InvitationTemplate.objects.filter(region=region).count()
    general = InvitationTemplate.objects.filter(region="").count()
    said = ngettext("%(n)s set of words", "%(n)s sets of words", found) % {"n": found}
    return Read(found > 0, said if found else (_("only those for everywhere") if general else _("none yet")))


def _language(region: str, at: datetime) -> Read:
    row = (
        Account.objects.filter(region=region).exclude(language="").order_by().values_list("language")
        .annotate(number=Count("pk")).order_by("-number", "language").first()
    )  # fmt: skip
    if row is None:
        return Read(False, _("no account says its language"))
    written = InvitationTemplate.objects.filter(Q(region=region) | Q(region="")).values_list("language", flat=True)
    language = row[0].lower()
    met = bool({language, language.partition("-")[0]} & set(written))
    return Read(met, _("most accounts: %(language)s") % {"language": row[0]})


def _manager(region: str, at: datetime) -> Read:
    pod = Pod.objects.filter(region=region).select_related("manager").order_by("pk").first()
    return Read(pod is not None, _("%(pod)s, %(manager)s") % {"pod": pod, "manager": pod.manager} if pod else "")


def _members(region: str) -> int:
    return Advocate.objects.members().filter(contact__account__region=region).count()


def _first_members(region: str, at: datetime) -> Read:
    number = _members(region)
    return Read(number >= FIRST_MEMBERS, _("%(n)s of %(all)s") % {"n": number, "all": FIRST_MEMBERS})


def _done(region: str, at: datetime) -> Any:
    return Activity.objects.filter(deed__in=ACTIVITY_DEEDS, account__region=region, at__lte=at)


def _first_activities(region: str, at: datetime) -> Read:
    number = _done(region, at)[:FIRST_ACTIVITIES].count()
    return Read(number >= FIRST_ACTIVITIES, _("%(n)s of %(all)s") % {"n": number, "all": FIRST_ACTIVITIES})


def _active(region: str, at: datetime) -> Read:
    members = _members(region)
    active = (
        _done(region, at).filter(at__gt=at - timedelta(days=365), contact__advocate__status="member")
        .values("contact").distinct().count()
    )  # fmt: skip
    return Read(
        members > 0 and active >= ACTIVE_SHARE * members,
        _("%(active)s of %(members)s members") % {"active": active, "members": members},
    )


register(
    Point("words", "crawl", _l("Invitations are written for the region"),
          _l("With the basis its law asks for."), reverse_lazy("advocates:invitation_word_list"), _words),
    Point("language", "crawl", _l("They are in the language most accounts speak"), "",
          reverse_lazy("advocates:invitation_word_list"), _language),
    Point("manager", "crawl", _l("A reference manager has a pod there"), "",
          reverse_lazy("advocates:advocates"), _manager),
    Point("trained", "crawl", _l("The manager is trained"), _l("Note who trained whom, and when.")),
    Point("talk", "crawl", _l("A feedback talk with the manager was held"), _l("Note what came of it.")),
    Point("beta", "crawl", _l("A beta cohort is invited"),
          _l("Those who answer fastest; make a cohort of them."), reverse_lazy("advocates:cohorts")),
    Point("members", "walk", _l("The first fifteen have joined"), "",
          reverse_lazy("advocates:invited"), _first_members),
    Point("activities", "walk", _l("The first five activities are completed"), "", "", _first_activities),
    Point("spoken", "walk", _l("The manager has spoken with every member"), _l("Note what they hope for.")),
    Point("active", "run", _l("A third of the members were active in twelve months"), "", "", _active),
    Point("handed_over", "run", _l("The region reports for itself"), _l("Note who reads its figures.")),
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A point as it stands for one region."""

    point: Point
    met: bool
    words: str = ""
    tick: LaunchTick | None = None

    @property
    def by_hand(self) -> bool:
        return self.point.read is None


def checklist(launch: Launch, *, at: datetime) -> list[tuple[str, Sequence[Line]]]:
    """Every phase with its points, as they stand now."""
    ticks = {tick.key: tick for tick in launch.ticks.select_related("by")}
    told: list[tuple[str, Sequence[Line]]] = []
    for phase in PHASES:
        lines = []
        for point in (one for one in _points.values() if one.phase == phase):
            tick = ticks.get(point.key)
            if point.read is None:
                lines.append(Line(point, tick is not None, tick.note if tick else "", tick))
            else:
                read = point.read(launch.region, at)
                lines.append(Line(point, read.met, read.words))
        told.append((phase, lines))
    return told


def may_move_on(launch: Launch, *, at: datetime) -> bool:
    """Whether every point of the present phase is met."""
    return all(line.met for line in dict(checklist(launch, at=at)).get(launch.status, ()))


def point_of(key: str) -> Point | None:
    return _points.get(key)
