"""An edition as a mail: one shell for all readers of a language and zone, and each reader's own part put into it.

The MJML is compiled once for a shell; what is personal stands between marks in it and is chosen, put in order or taken
out by plain text work, so that a reader costs microseconds rather than a compilation.
"""

import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cached_property
from html import escape, unescape
from typing import Any

from django.conf import settings
from django.template import Context
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocacy.crm.models import Contact, Program
from advocacy.delivery import measuring
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
from newsletter import personal, withheld
from newsletter.actions.editions import settings_row
from newsletter.models import Edition, EditionItem
from opportunities import incentives
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


Pieces = tuple[str, ...]
"""A text cut at what is personal in it: words, then the name of what stands there, then words again."""


@dataclass(frozen=True)
class Part:
    """One of the two parts of a mail, HTML or text, with the places of what is personal."""

    before: Pieces
    heading: Pieces  # over the offers
    after: Pieces
    offers: dict[int, Pieces]
    nothing: Pieces


@dataclass(frozen=True)
class Shell:
    """What is the same for all readers of one language and zone; ``pages`` it leads to, and ``numbers`` they have.

    ``good_until`` is when the first incentive in it ends or the day does: “today” is said of one day.
    """

    subject: str
    html: Part
    text: Part
    pages: dict[str, str]
    numbers: dict[str, int]
    good_until: datetime


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
        offers = [(one.pk, one.closes_at, one.incentive, one.incentive_until, one.incentive_on) for one in self.offers]
        house = self.edition
        return repr((house.pk, house.subject, house.preheader, house.intro, words, offers))


def content_of(edition: Edition, *, at: datetime) -> Content:
    # What the celebrated person has taken back since, a moderator hidden or a space closed is left out in that moment.
    (edition,) = withheld.cleaned([edition])
    items = tuple(
        edition.items.filter(dropped=False)
        .exclude(pk__in=withheld.items([edition]).values("pk"))
        .select_related("recognition__advocate__contact__account")
        .order_by("order", "pk")
    )
    offers = tuple(personal.open_among([one.opportunity_id for one in items if one.opportunity_id], at=at))
    house = settings_row()
    return Content(edition, items, offers, house.most_opportunities, house.send_without_opportunities)


# --- The shell --------------------------------------------------------------------------------------------------------
_shells: dict[tuple[str, str, str], Shell] = {}


def shell_of(content: Content, *, at: datetime) -> Shell:
    """The shell in the present language and zone; kept as long as no word of the edition changes."""
    key = (content.fingerprint, str(translation.get_language()), timezone.get_current_timezone_name())
    if key not in _shells or at >= _shells[key].good_until:
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
    pages = {path for pattern, whole in ((_behind_links, html), (_in_text, text)) for path in _pages(pattern(), whole)}
    numbers = measuring.link_numbers(unescape(path) for path in pages)
    return Shell(
        subject,
        _cut(html, f"<!--{marks.lot}", "-->", _Places(marks, _behind_links(), numbers)),
        _cut(text, f"@@{marks.lot}", "@@", _Places(marks, _in_text(), numbers)),
        {f"link:{number}": path for path, number in numbers.items()},
        {f"link:{number}": number for number in numbers.values()},
        _good_until(content, at=at),
    )


def _good_until(content: Content, *, at: datetime) -> datetime:
    zone = timezone.get_current_timezone()
    ends = [incentives.ends_at(one, zone) for one in content.offers if one.incentive]
    midnight = datetime.combine(timezone.localdate(at) + timedelta(days=1), time(), tzinfo=zone)
    return min([midnight, *(end for end in ends if end is not None and end > at)])


def _behind_links() -> re.Pattern[str]:
    """Addresses of our own pages behind links of HTML."""
    return re.compile(f'(?<=href="){re.escape(settings.SITE_URL)}(?P<path>/[^"]*)(?=")')


def _in_text() -> re.Pattern[str]:
    """Addresses of our own pages in plain text, without the full stop behind one."""
    return re.compile(f'(?<![^\\s(<]){re.escape(settings.SITE_URL)}(?P<path>/[^\\s<>()"]*[^\\s<>()".,;:!?])')


def _pages(pattern: re.Pattern[str], whole: str) -> set[str]:
    return {found["path"] for found in pattern.finditer(whole)}


@dataclass(frozen=True)
class _Places:
    """Finds in a text what is personal: greeting, way out, way to the web, and each page it leads to."""

    marks: Marks
    pattern: re.Pattern[str]
    numbers: dict[str, int]

    def pieces(self, text: str) -> Pieces:
        marks = {self.marks.greeting: "greeting", self.marks.leave: "leave", self.marks.web: "web"}
        personal = "|".join(re.escape(mark) for mark in marks)
        found: list[str] = []
        done = 0
        for one in re.finditer(f"(?P<mark>{personal})|{self.pattern.pattern}", text):
            name = marks.get(one["mark"] or "", "")
            if not name:
                number = self.numbers.get(unescape(one["path"]))
                if number is None:
                    continue
                name = f"link:{number}"
            found += [text[done : one.start()], name]
            done = one.end()
        return (*found, text[done:])


def _cut(text: str, begin: str, end: str, places: _Places) -> Part:
    """Take a rendered shell apart at its marks."""

    def mark(name: str) -> str:
        return f"{begin}{name}{end}"

    before, rest = text.split(mark("offers"), 1)
    offers, rest = rest.split(mark("/offers"), 1)
    between, rest = rest.split(mark("nothing"), 1)
    nothing, after = rest.split(mark("/nothing"), 1)
    pattern = re.compile(f"{re.escape(begin)}offer:(\\d+){re.escape(end)}(.*?){re.escape(mark('/offer'))}", re.DOTALL)
    each = {int(found[1]): places.pieces(found[2]) for found in pattern.finditer(offers)}
    heading = pattern.sub("", offers)
    cut = places.pieces
    return Part(cut(before), cut(heading), cut(between + after), each, cut(nothing))


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
        "programs": by_section["programs"],
        "community": by_section["community"],
        "news": by_section["news"],
        "offers": [_offer(one, words[one.pk], at=at) for one in content.offers],
    }


def _item(item: EditionItem) -> dict[str, Any]:
    who, initials = "", ""
    if item.recognition is not None:
        contact = item.recognition.advocate.contact
        who = f"{contact.full_name}, {contact.account.name}"
        initials = "".join(name[:1] for name in (contact.given_name, contact.family_name)).upper()
    return {
        "title": item.title, "text": item.text, "html": markdown(item.text), "link": item.link, "who": who,
        "initials": initials,
    }  # fmt: skip


def _offer(opportunity: Opportunity, item: EditionItem, *, at: datetime) -> dict[str, Any]:
    facts = [opportunity.kind.name, opportunity.effort or minutes(opportunity.minutes or opportunity.kind.minutes)]
    if opportunity.points:
        facts.append(_("%(points)d points") % {"points": opportunity.points})
    if opportunity.closes_at:
        day = date_format(timezone.localtime(opportunity.closes_at), "j F")
        facts.append(_("until %(day)s") % {"day": day})
    runs = incentives.runs(opportunity, at=at, zone=timezone.get_current_timezone())
    return {
        "id": opportunity.pk,
        "title": item.title,
        "text": item.text,
        "link": reverse("opportunities:opportunity", args=[opportunity.public_id]),
        "facts": " · ".join(facts),
        "incentive": opportunity.incentive if runs else "",
        "incentive_until": incentives.until_words(opportunity, at=at) if runs else "",
        "incentive_over": "" if runs else opportunity.incentive,
    }


# --- The reader's part ------------------------------------------------------------------------------------------------
def merge(
    shell: Shell,
    offers: Sequence[Opportunity],
    *,
    given_name: str,
    leave: str,
    web: str,
    reply_to: str = "",
    counted: measuring.Counted | None = None,
    picture: str = "",
) -> Rendered:
    """Put one reader's part into the shell. ``counted`` makes the links to our pages links that are counted."""
    chosen = [one.pk for one in offers if one.pk in shell.html.offers]
    own = {"greeting": greeting(one_line(given_name)), "leave": leave, "web": web}
    links = _Direct(shell.pages) if counted is None else _Counted(shell.numbers, counted)
    safe = str if links.is_safe else escape
    html = _put_together(shell.html, chosen, {name: escape(word) for name, word in own.items()}, links, safe)
    return Rendered(
        shell.subject,
        html.replace("</body>", f"{picture}</body>", 1) if picture else html,
        _put_together(shell.text, chosen, own, links, str),
        reply_to=reply_to,
        leave_url=leave,
    )


class _Direct(dict[str, str]):
    """Addresses of pages as they are: for a preview, a test, whoever is not counted."""

    is_safe = False

    def __init__(self, pages: Mapping[str, str]) -> None:
        super().__init__()
        self.pages = pages

    def __missing__(self, name: str) -> str:
        self[name] = address = f"{settings.SITE_URL}{self.pages[name]}"
        return address


class _Counted(dict[str, str]):
    """Addresses that count and lead on, made as they are needed."""

    def __init__(self, numbers: Mapping[str, int], counted: measuring.Counted) -> None:
        super().__init__()
        self.numbers, self.counted, self.prefix = numbers, counted, measuring.click_prefix()
        self.is_safe = escape(self.prefix) == self.prefix  # a token needs no escaping, so all of it needs none

    def __missing__(self, name: str) -> str:
        self[name] = address = f"{self.prefix}{self.counted.token(self.numbers[name])}/"
        return address


def _put_together(
    part: Part, chosen: Sequence[int], own: dict[str, str], links: dict[str, str], safe: Callable[[str], str]
) -> str:
    middle = [part.heading, *(part.offers[pk] for pk in chosen)] if chosen else [part.nothing]
    words: list[str] = []
    for pieces in (part.before, *middle, part.after):
        words.append(pieces[0])
        for place in range(1, len(pieces), 2):
            name = pieces[place]
            words += (own[name] if name in own else safe(links[name]), pieces[place + 1])
    return "".join(words)


def _picture(counted: measuring.Counted) -> str:
    """One clear dot, for programs that chose to count who opens."""
    return f'<img src="{escape(measuring.picture_url(counted))}" width="1" height="1" alt="" border="0" />'


def web_url(message: Message) -> str:
    """The edition in the browser, with this reader's part: a signed link that only shows."""
    path = reverse("newsletter:read", args=[signed.sign(READ, str(message.public_id))])
    return f"{settings.SITE_URL}{path}"


def render_editions(messages: Sequence[Message]) -> dict[int, Rendered | Exception]:
    """Render a batch of newsletter messages: a handful of queries for a hundred readers."""
    now = timezone.now()
    opens = Program.current().measure_opens
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
                counted = None if test or signed.is_only_shown() else measuring.Counted(message.public_id)
                given_name = "" if test else message.to_name.partition(" ")[0]
                with on_readers_clock(*(_clock_of(person.contact if person else None) if test else _own(message))):
                    done[message.pk] = merge(
                        shell_of(content, at=now),
                        chosen,
                        given_name=person.contact.given_name if person else given_name,
                        leave=unsubscribe_url(message),
                        web=web_url(message),
                        reply_to=manager.email if (manager := person.advocate.manager if person else None) else "",
                        counted=counted,
                        picture=_picture(counted) if counted and opens else "",
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
