"""What keeps the community a good place: limits for newcomers, and what counts as too much."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from advocacy.lib.text import number_of_links
from community.models import Reply, Topic

NEWCOMER_DAYS = 3
NEWCOMER_POSTS_AN_HOUR = 5
NEWCOMER_LINKS = 2
POSTS_AN_HOUR = 40
EDIT_WITHIN = timedelta(hours=24)


@dataclass(frozen=True)
class Pace:
    """How much somebody has posted in the last hour, and since when they are here."""

    posts_in_hour: int
    joined_at: datetime


def pace_of(user: Any, *, at: datetime) -> Pace:
    since = at - timedelta(hours=1)
    posts = sum(model.objects.filter(author=user, at__gt=since, at__lte=at).count() for model in (Topic, Reply))
    return Pace(posts, user.date_joined)


def is_newcomer(joined_at: datetime, *, at: datetime) -> bool:
    return at - joined_at < timedelta(days=NEWCOMER_DAYS)


def too_many_links(joined_at: datetime, text: str, *, at: datetime) -> str | None:
    """Why these words cannot stand, whether they are new or changed; None when they may."""
    if is_newcomer(joined_at, at=at) and number_of_links(text) > NEWCOMER_LINKS:
        return _("In your first days a post may hold two links. Take some out, or ask your host to post it.")
    return None


def why_not(pace: Pace, text: str, *, at: datetime) -> str | None:
    """Why this text should wait, as a sentence for its author; None when it may go out."""
    if refusal := too_many_links(pace.joined_at, text, at=at):
        return refusal
    newcomer = is_newcomer(pace.joined_at, at=at)
    if pace.posts_in_hour >= (NEWCOMER_POSTS_AN_HOUR if newcomer else POSTS_AN_HOUR):
        return _("That is a lot in one hour. Your text is kept below; post it a little later.")
    return None
