"""The clock's work for people: signals, rules, invitations, stages, rest."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from advocacy.crm import readiness
from advocacy.crm.models import Account
from advocacy.lib.jobs import job
from advocates import budget, stages
from advocates.actions import cohorts, commitments, invitations, lifecycle, moving, nominations
from advocates.models import Application

AT_ONCE = 50
"""Accounts locked together while their dates are written: few queries, and nobody waits long."""


@job(every=timedelta(minutes=1))
def follow_signals(*, at: datetime) -> None:
    """Pauses, care tasks and lifecycle rules, from the signals that have arrived."""
    lifecycle.follow_signals(at=at)


@job(every=timedelta(hours=1))
def follow_late_signals(*, at: datetime) -> None:
    """Signals that became visible long after they were received: an import may be one long transaction."""
    lifecycle.follow_signals(at=at, overlap=readiness.LONG_OVERLAP)


@job(every=timedelta(minutes=1))
def follow_invitations(*, at: datetime) -> None:
    """What became of invitations' mails, reminders that are due, invitations whose time is over."""
    invitations.follow_mails(at=at)
    invitations.remind(at=at)


@job(every=timedelta(minutes=1))
def invite_cohorts(*, at: datetime) -> None:
    """Rounds of invitations that are under way go on."""
    cohorts.work(at=at, clock=timezone.now)


@job(every=timedelta(minutes=15))
def refresh_stages(*, at: datetime) -> None:
    """Stages follow the deeds on the spine, also those recorded without a refresh."""
    stages.refresh(at=at)


@job(every=timedelta(days=1), offset=timedelta(hours=1))
def release_pauses(*, at: datetime) -> None:
    """Pauses whose last day is over end."""
    readiness.release_on_date(at=at)


@job(every=timedelta(days=1), offset=timedelta(hours=2))
def project_rest(*, at: datetime) -> None:
    """The dates matching reads follow the budget, also after caps, limits or the calendar have changed."""
    touched = Account.objects.filter(
        Q(asks__released_at__isnull=True, asks__asked_at__gt=at - timedelta(days=budget.LOOK_BACK))
        | Q(contacts__advocate__asks_a_quarter__isnull=False)
        | Q(contacts__advocate__resting_until__isnull=False)
    )
    waiting = list(touched.order_by("pk").values_list("pk", flat=True).distinct())
    for first in range(0, len(waiting), AT_ONCE):
        with transaction.atomic():
            locked = Account.objects.select_for_update().filter(pk__in=waiting[first : first + AT_ONCE]).order_by("pk")
            budget.project_all(list(locked), at=at)


@job(every=timedelta(days=1), offset=timedelta(hours=3))
def forget_unconfirmed_applications(*, at: datetime) -> None:
    """What somebody wrote under an address nobody confirmed within a month goes."""
    Application.objects.filter(status=Application.Status.FILED, filed_at__lt=at - timedelta(days=30)).delete()


@job(every=timedelta(minutes=15))
def notice_moves(*, at: datetime) -> None:
    """Who works elsewhere now, or nowhere we know, by what an import says; and addresses that are no more."""
    moving.notice(at=at)
    moving.ask_about_bounces(at=at)


@job(every=timedelta(hours=1), offset=timedelta(minutes=20))
def credit_colleagues(*, at: datetime) -> None:
    """Whoever was nominated and has become an active advocate credits the colleague."""
    nominations.fall_due(at=at)


@job(every=timedelta(days=1), offset=timedelta(hours=4))
def remind_of_commitments(*, at: datetime) -> None:
    """What a contract owes comes up on Today a month before its day, and when that is over."""
    commitments.remind(at=at)
