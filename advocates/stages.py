"""The stage of an advocate, computed from deeds on the spine (P10). A stage never falls.

Customer (at an account) → User (the account uses the product) → Member (joined) → Socializer (posted, replied or met
somebody) → Creator (one completed activity) → Proven advocate (three) → Spotlight (celebrated). How many activities is
a setting of the program. Deeds count for whoever has ever joined; before that nobody is more than a User.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from advocacy.crm.catalogue import ACTIVITY_DEEDS, SOCIAL_DEEDS, Deed
from advocacy.crm.models import Program
from advocates.models import Advocate, Task

NURTURE_DAYS = 3
"""Days until the nurture task of a stage change is due."""

Stage = Advocate.Stage


@dataclass(frozen=True)
class Step:
    """One advocate who reached a new stage."""

    advocate_id: int
    before: int
    after: int


_REFRESH = """
WITH deeds AS (
    SELECT a.contact_id,
           bool_or(a.deed = ANY(%(social)s)) AS social,
           count(*) FILTER (WHERE a.deed = ANY(%(activities)s)) AS activities,
           bool_or(a.deed = %(celebrated)s) AS celebrated
    FROM crm_activity a
    WHERE a.at <= %(at)s AND a.deed = ANY(%(deeds)s) {contacts_of_deeds}
    GROUP BY a.contact_id
), reached AS (
    SELECT adv.id, adv.stage AS before,
           CASE
               WHEN adv.joined_at IS NULL OR adv.joined_at > %(at)s THEN
                   CASE WHEN EXISTS (
                       SELECT 1 FROM crm_usage u WHERE u.account_id = con.account_id AND u.day <= %(at)s
                   ) OR EXISTS (
                       SELECT 1 FROM crm_subscription s
                       WHERE s.account_id = con.account_id AND s.started_on <= %(at)s AND NOT s.is_trial
                   ) THEN {user} ELSE {customer} END
               WHEN d.celebrated THEN {spotlight}
               WHEN d.activities >= coalesce((SELECT proven_after FROM crm_program), {proven_unset}) THEN {proven}
               WHEN d.activities >= coalesce((SELECT creator_after FROM crm_program), {creator_unset}) THEN {creator}
               WHEN d.social THEN {socializer}
               ELSE {member}
           END AS after
    FROM advocates_advocate adv
    JOIN crm_contact con ON con.id = adv.contact_id
    LEFT JOIN deeds d ON d.contact_id = adv.contact_id
    WHERE TRUE {contacts_of_advocates}
)
SELECT reached.id, reached.before, reached.after
FROM reached WHERE reached.after > reached.before
ORDER BY reached.id
"""


@transaction.atomic
def refresh(contact_ids: Iterable[int] | None = None, *, at: datetime) -> list[Step]:
    """Raise the stage of these contacts' advocates (None: everybody's) to what their deeds say; returns who moved.

    Each move opens one nurture task for the person's reference manager. Safe to run twice and beside itself.
    """
    ids = None if contact_ids is None else list(contact_ids)
    if ids == []:
        return []
    sql = _REFRESH.format(
        contacts_of_deeds="" if ids is None else "AND a.contact_id = ANY(%(ids)s)",
        contacts_of_advocates="" if ids is None else "AND adv.contact_id = ANY(%(ids)s)",
        # A program whose settings nobody has opened yet has no row.
        creator_unset=Program._meta.get_field("creator_after").default,
        proven_unset=Program._meta.get_field("proven_after").default,
        **{stage.name.lower(): stage.value for stage in Stage},
    )
    values = {
        "ids": ids,
        "at": at,
        "social": list(SOCIAL_DEEDS),
        "activities": list(ACTIVITY_DEEDS),
        "celebrated": Deed.CELEBRATED.value,
        "deeds": [*SOCIAL_DEEDS, *ACTIVITY_DEEDS, Deed.CELEBRATED],
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found = [Step(*row) for row in cursor.fetchall()]
    # Conditional, so that of two refreshes at once each step is taken, and told, by one.
    moved = [
        step
        for step in found
        if Advocate.objects.filter(pk=step.advocate_id, stage=step.before).update(stage=step.after, stage_since=at)
    ]
    _open_nurture_tasks(moved, at=at)
    return moved


def _open_nurture_tasks(steps: list[Step], *, at: datetime) -> None:
    wanted = [step for step in steps if step.after >= Stage.MEMBER]
    people = (
        Advocate.objects.filter(pk__in=[step.advocate_id for step in wanted])
        .select_related("contact__account", "pod")
        .in_bulk()
    )
    tasks = []
    for step in wanted:
        advocate = people[step.advocate_id]
        tasks.append(
            Task(
                kind=Task.Kind.NURTURE,
                key=f"stage:{advocate.pk}:{step.after}",
                text=_what_to_do(advocate, Stage(step.after))[:300],
                advocate=advocate,
                account=advocate.contact.account,
                assignee_id=advocate.pod.manager_id if advocate.pod else advocate.contact.account.csm_id,
                due_at=at + timedelta(days=NURTURE_DAYS),
                created_at=at,
            )
        )
    Task.objects.bulk_create(tasks, ignore_conflicts=True)


def _what_to_do(advocate: Advocate, stage: Advocate.Stage) -> str:
    name = {"name": advocate.contact.full_name}
    match stage:
        case Stage.MEMBER:
            return _("%(name)s has joined: say welcome, and find out what they hope for.") % name
        case Stage.SOCIALIZER:
            return _("%(name)s has begun to talk to others: introduce them to somebody like them.") % name
        case Stage.CREATOR:
            return _("%(name)s has completed a first activity: thank them, and ask how it was.") % name
        case Stage.PROVEN:
            return _("%(name)s is a proven advocate now: talk about what they would like to do next.") % name
        case _:
            return _("%(name)s has been celebrated: send the share kit and tell their manager.") % name


NEXT_STEP: dict[int, str] = {
    Stage.CUSTOMER: "join",
    Stage.USER: "join",
    Stage.MEMBER: "talk",
    Stage.SOCIALIZER: "first activity",
    Stage.CREATOR: "three activities",
    Stage.PROVEN: "celebration",
    Stage.SPOTLIGHT: "",
}
"""What leads to the next stage, by its key; pages say it in words."""
