"""The digest of the community as a mail: each reader's own, a hundred rendered together."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from advocacy.crm.models import Contact, Program
from advocacy.delivery import kinds
from advocacy.delivery.models import Message
from advocacy.delivery.rendering import Rendered, Withheld, register_batch_renderer, render
from advocacy.lib.text import excerpt
from newsletter import digests
from newsletter.actions import digests as actions
from newsletter.digests import Digest, News
from newsletter.models import DigestSchedule, Every


def render_digests(messages: Sequence[Message]) -> dict[int, Rendered | Exception]:
    """What is new for each reader, read in the moment before it goes."""
    now, most, program = timezone.now(), DigestSchedule.current().most_topics, Program.current()
    done: dict[int, Rendered | Exception] = {}
    together: dict[tuple[str, str], list[Message]] = defaultdict(list)
    for message in messages:
        together[message.params["since"], message.params["until"]].append(message)
    for (since, until), group in together.items():
        people = Contact.objects.filter(pk__in=[one.contact_id for one in group], advocate__user__isnull=False)
        known = {one.pk: one for one in people.select_related("account", "advocate__user", "advocate__pod__manager")}
        parts = digests.for_each(
            list(known.values()),
            since=datetime.fromisoformat(since), until=datetime.fromisoformat(until), most=most, at=now,
        )  # fmt: skip
        for message in group:
            try:
                part = parts.get(message.contact_id or 0)
                if message.contact_id in known:
                    message.contact = known[message.contact_id]  # with everything it leads to
                if part:
                    done[message.pk] = render(message, more=_values(part), program=program)
                else:
                    done[message.pk] = Withheld(_("Nothing in the community is new to this reader."))
            except Exception as error:  # one reader's trouble must not be the others'
                done[message.pk] = error
    return done


def _values(part: Digest) -> dict[str, Any]:
    first = [*part.followed, *part.others][0].topic.title
    more = len(part.followed) + len(part.others) - 1
    subject = excerpt(first, 90)
    if more:
        words = ngettext("%(title)s, and one more talk", "%(title)s, and %(n)d more talks", more)
        subject = words % {"title": subject, "n": more}
    return {
        "subject_line": subject,
        "followed": [_one(news) for news in part.followed],
        "others": [_one(news) for news in part.others],
    }


def _one(news: News) -> dict[str, Any]:
    topic, said = news.topic, _("a new topic")
    if news.replies:
        said = ngettext("%(n)d new reply", "%(n)d new replies", news.replies) % {"n": news.replies}
    path = reverse("community:topic", args=[topic.public_id])
    return {
        "title": topic.title,
        "text": excerpt(topic.body, 160),
        "facts": " · ".join([topic.author.get_full_name(), topic.space.name, said]),
        "link": f"{path}?go=new" if news.replies else path,
    }


kinds.register(
    kinds.Kind(
        actions.KIND,
        gettext_lazy("The digest of the community"),
        gettext_lazy("What was talked about and you have not read; never what the newsletter has told you."),
        actions.may_choose,
        (*Every.choices, (actions.NEVER, gettext_lazy("Never"))),
        actions.chosen,
        actions.choose,
    )
)
register_batch_renderer(actions.TEMPLATE, render_digests)
