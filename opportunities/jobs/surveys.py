"""What the clock does for surveys. Each finds what is owed in Postgres; twice, or late, it changes nothing."""

from datetime import datetime, timedelta

from django.utils import timezone

from advocacy.lib.jobs import job
from opportunities.actions import surveys


@job(every=timedelta(minutes=1))
def ask_for_feedback(*, at: datetime) -> None:
    """Surveys that are over are closed; those that are open ask whom they have not asked."""
    surveys.close_over(at=at)
    surveys.work(at=at, clock=timezone.now)


@job(every=timedelta(hours=3), offset=timedelta(minutes=40))
def ask_about_the_program(*, at: datetime) -> None:
    """30 and 90 days after joining, and every year."""
    surveys.ask_about_the_program(at=at)


@job(every=timedelta(hours=1), offset=timedelta(minutes=50))
def remind_of_surveys(*, at: datetime) -> None:
    """Who has not answered in a week is reminded, once."""
    surveys.remind(at=at)


@job(every=timedelta(minutes=15))
def follow_surveys(*, at: datetime) -> None:
    """Mails that could not leave give their ask back; whoever began and left is taken at their word."""
    surveys.follow_mails(at=at)
    surveys.finish_begun(at=at)
