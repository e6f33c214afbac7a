"""An edition as a mail: one shell for all readers of a language and zone, and each reader's own part put into it.

The MJML is compiled once for a shell; what is personal stands between marks in it and is chosen, put in order or taken
out by plain text work, so that a reader costs microseconds rather than a compilation.
"""

import re
import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from html import escape
from typing import Any

from django.conf import settings
from django.template import Context
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocacy.crm.models import Contact
from advocacy.delivery.models import Message
from advocacy.delivery.rendering import (
    Rendered,
    Withheld,
    common_values,
    compile_mjml,
    engine,
    greeting,
    on_readers_clock,
    one_line,
    path_of,
    register_batch_renderer,
    render_text,
    unsubscribe_url,
)
from advocacy.lib import signed
from advocacy.lib.numbers import minutes
from advocacy.lib.text import markdown
from community.models import Topic
from newsletter import personal
from newsletter.actions.editions import settings_row
from newsletter.models import Edition, EditionItem
from opportunities.eligibility import Who
from opportunities.models import Opportunity

TEMPLATE = "newsletter/edition"
READ = "newsletter.read"


@dataclass(frozen=True)
class Marks:
    """What stands in a shell where a reader's own part goes; drawn by lot: no word of an edition is taken for one."""

    lot: str

    @property
    def greeting(self) -> str:
        return f"@@{self.lot}greeting@@"

    @property
    def leave(self) -> str:
        return f"https://{self.lot}.leave.invalid/"

    @property
    def web(self) -> str:
        return f"https://{self.lot}.web.invalid/"


@dataclass(frozen=True)
class Shell:
    """What is the same for all readers of one language and zone."""

    marks: Marks
    subject: str
    html: tuple[str, str, str]  # before the offers, their heading, after them
    html_offers: dict[int, str]
    html_nothing: str
    text: tuple[str, str, str]
    text_offers: dict[int, str]
    text_nothing: str


@dataclass(frozen=True)
class Content:
    """An edition with its items, read once for a batch."""

    edition: Edition
    items: tuple[EditionItem, ...]
    offers: tuple[Opportunity, ...]
    most: int
    also_without_offers: bool = True

    @cached_property
    def fingerprint(self) -> str:
        """Changes whenever a word of it does, so that no old shell is used."""
        words = [(one.pk, one.section, one.order, one.title, one.text, one.link) for one in self.items]
        offers = [(one.pk, one.closes_at, one.incentive, one.incentive_until) for one in self.offers]
        house = self.edition
        return repr((house.pk, house.subject, house.preheader, house.intro, words, offers))


def content_of(edition: Edition, *, at: datetime) -> Content:
    items = tuple(
        edition.items.filter(dropped=False)
        .select_related("recognition__advocate__contact__account")
        .order_by("order", "pk")
    )
    # What the celebrated person has taken back since, a moderator hidden or a space closed is left out in that moment.
    topics = [one.topic_id for one in items if one.topic_id]
    shown = set(Topic.objects.shown().in_open_spaces().filter(pk__in=topics).values_list("pk", flat=True))
    items = tuple(
        one
        for one in items
        if (one.topic_id is None or one.topic_id in shown) and (one.recognition is None or one.recognition.approved_at)
    )
    offers = tuple(personal.open_among([one.opportunity_id for one in items if one.opportunity_id], at=at))
    house = settings_row()
    return Content(edition, items, offers, house.most_opportunities, house.send_without_opportunities)


# --- The shell --------------------------------------------------------------------------------------------------------
_shells: dict[tuple[str, str, str], Shell] = {}


def shell_of(content: Content, *, at: datetime) -> Shell:
    """The shell in the present language and zone; kept as long as no word of the edition changes."""
    key = (content.fingerprint, str(translation.get_language()), timezone.get_current_timezone_name())
    if key not in _shells:
        if len(_shells) > 200:
            _shells.clear()
        _shells[key] = _make_shell(content, at=at)
    return _shells[key]


def _make_shell(content: Content, *, at: datetime) -> Shell:
    marks = Marks(secrets.token_hex(8))
    values = {
        **common_values(),
        "mark": marks.lot,
        "greeting": marks.greeting,
        "unsubscribe_url": marks.leave,
        "web_url": marks.web,
        **template_values(content, at=at),
    }
    subject, text = render_text(TEMPLATE, values)
    page = engine().get_template(path_of(TEMPLATE, "mjml")).render(Context({**values, "subject": subject}))
    html = compile_mjml(page)
    return Shell(marks, subject, *_cut(html, f"<!--{marks.lot}", "-->"), *_cut(text, f"@@{marks.lot}", "@@"))


def _cut(text: str, begin: str, end: str) -> tuple[tuple[str, str, str], dict[int, str], str]:
    """Take a rendered shell apart at its marks."""

    def mark(name: str) -> str:
        return f"{begin}{name}{end}"

    before, rest = text.split(mark("offers"), 1)
    offers, rest = rest.split(mark("/offers"), 1)
    between, rest = rest.split(mark("nothing"), 1)
    nothing, after = rest.split(mark("/nothing"), 1)
    pattern = re.compile(f"{re.escape(begin)}offer:(\\d+){re.escape(end)}(.*?){re.escape(mark('/offer'))}", re.DOTALL)
    each = {int(found[1]): found[2] for found in pattern.finditer(offers)}
    heading = pattern.sub("", offers)
    return (before, heading, between + after), each, nothing


def template_values(content: Content, *, at: datetime) -> dict[str, Any]:
    """The edition's words, by section."""
    by_section: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for item in content.items:
        if item.opportunity_id is None:
            by_section[item.section].append(_item(item))
    words = {item.opportunity_id: item for item in content.items if item.opportunity_id}
    return {
        "edition": content.edition,
        "intro_html": markdown(content.edition.intro),
        "leads": by_section["lead"],
        "celebrations": by_section["celebration"],
        "community": by_section["community"],
        "news": by_section["news"],
        "offers": [_offer(one, words[one.pk], at=at) for one in content.offers],
    }


def _item(item: EditionItem) -> dict[str, Any]:
    who = ""
    if item.recognition is not None:
        contact = item.recognition.advocate.contact
        who = f"{contact.full_name}, {contact.account.name}"
    return {"title": item.title, "text": item.text, "html": markdown(item.text), "link": item.link, "who": who}


def _offer(opportunity: Opportunity, item: EditionItem, *, at: datetime) -> dict[str, Any]:
    facts = [opportunity.kind.name, opportunity.effort or minutes(opportunity.minutes or opportunity.kind.minutes)]
    if opportunity.points:
        facts.append(_("%(points)d points") % {"points": opportunity.points})
    if opportunity.closes_at:
        day = date_format(timezone.localtime(opportunity.closes_at), "j F")
        facts.append(_("until %(day)s") % {"day": day})
    incentive = opportunity.incentive
    if incentive and opportunity.incentive_until:
        if opportunity.incentive_until <= at:
            incentive = ""
        else:
            until = date_format(timezone.localtime(opportunity.incentive_until), "j F, H:i")
            incentive = _("%(incentive)s (until %(until)s)") % {"incentive": incentive, "until": until}
    return {
        "id": opportunity.pk,
        "title": item.title,
        "text": item.text,
        "link": reverse("opportunities:opportunity", args=[opportunity.public_id]),
        "facts": " · ".join(facts),
        "incentive": incentive,
    }


# --- The reader's part ------------------------------------------------------------------------------------------------
def merge(
    shell: Shell, offers: Sequence[Opportunity], *, given_name: str, leave: str, web: str, reply_to: str = ""
) -> Rendered:
    """Put one reader's part into the shell."""
    chosen = [one.pk for one in offers if one.pk in shell.html_offers]
    if chosen:
        html_middle = shell.html[1] + "".join(shell.html_offers[pk] for pk in chosen)
        text_middle = shell.text[1] + "".join(shell.text_offers[pk] for pk in chosen)
    else:
        html_middle, text_middle = shell.html_nothing, shell.text_nothing
    hello, marks = greeting(one_line(given_name)), shell.marks
    html = "".join((shell.html[0], html_middle, shell.html[2]))
    text = "".join((shell.text[0], text_middle, shell.text[2]))
    return Rendered(
        shell.subject,
        html.replace(marks.greeting, escape(hello)).replace(marks.leave, escape(leave)).replace(marks.web, escape(web)),
        text.replace(marks.greeting, hello).replace(marks.leave, leave).replace(marks.web, web),
        reply_to=reply_to,
        leave_url=leave,
    )


def web_url(message: Message) -> str:
    """The edition in the browser, with this reader's part: a signed link that only shows."""
    path = reverse("newsletter:read", args=[signed.sign(READ, str(message.public_id))])
    return f"{settings.SITE_URL}{path}"


def render_editions(messages: Sequence[Message]) -> dict[int, Rendered | Exception]:
    """Render a batch of newsletter messages: a handful of queries for a hundred readers."""
    now = timezone.now()
    done: dict[int, Rendered | Exception] = {}
    by_edition: dict[int, list[Message]] = defaultdict(list)
    for message in messages:
        by_edition[int(message.params["edition"])].append(message)
    editions = Edition.objects.in_bulk(list(by_edition))
    for edition_id, group in by_edition.items():
        content = content_of(editions[edition_id], at=now)
        contacts = {message.pk: reader_of(message) for message in group}
        everybody = personal.readers([pk for pk in contacts.values() if pk], at=now)
        offers = personal.open_to_each(
            list(everybody.values()), content.offers, edition=edition_id, most=content.most, at=now
        )
        for message in group:
            try:
                person = everybody.get(contacts[message.pk] or 0)
                test = bool(message.params.get("test"))
                chosen = _chosen(content, offers, person, for_show=test)
                if not chosen and not content.also_without_offers and not test:
                    done[message.pk] = Withheld(_("Nothing is open to this reader, and the schedule says not to send."))
                    continue
                given_name = "" if test else message.to_name.partition(" ")[0]
                with on_readers_clock(*(_clock_of(person.contact if person else None) if test else _own(message))):
                    done[message.pk] = merge(
                        shell_of(content, at=now),
                        chosen,
                        given_name=person.contact.given_name if person else given_name,
                        leave=unsubscribe_url(message),
                        web=web_url(message),
                        reply_to=manager.email if (manager := person.advocate.manager if person else None) else "",
                    )
            except Exception as error:  # one reader's trouble must not be the others'
                done[message.pk] = error
    return done


def _chosen(content: Content, offers: Any, person: Who | None, *, for_show: bool) -> list[Opportunity]:
    """A reader's offers. Where an edition is shown without one, it shows what there is."""
    if person is not None:
        return list(offers.get(person.advocate.pk, []))
    return list(content.offers)[: content.most] if for_show else []


def _clock_of(contact: Contact | None) -> tuple[str, str]:
    return (contact.language or "en", contact.time_zone or "UTC") if contact else ("en", "UTC")


def _own(message: Message) -> tuple[str, str]:
    return message.language, message.time_zone


def reader_of(message: Message) -> int | None:
    """Whose part is shown: the reader's, or in a test mail the one the editor chose."""
    return message.params.get("as_contact") or message.contact_id


def preview(edition: Edition, contact: Contact | None, *, at: datetime) -> Rendered:
    """The edition as this reader would get it."""
    content = content_of(edition, at=at)
    everybody = personal.readers([contact.pk], at=at) if contact else {}
    offers = personal.open_to_each(
        list(everybody.values()), content.offers, edition=edition.pk, most=content.most, at=at
    )
    person = next(iter(everybody.values()), None)
    with on_readers_clock(*_clock_of(contact)):
        return merge(
            shell_of(content, at=at),
            _chosen(content, offers, person, for_show=True),
            given_name=contact.given_name if contact else "",
            leave=settings.SITE_URL,
            web=settings.SITE_URL,
        )


register_batch_renderer(TEMPLATE, render_editions)
