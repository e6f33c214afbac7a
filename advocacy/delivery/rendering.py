"""From a row of the outbox to the words of a mail: subject, HTML and text, in the reader's language and zone.

A template is two files, ``templates/<app>/mail/<name>.mjml`` and ``<name>.txt``; the first line of the text is
``Subject: …``. Both are Django templates; the MJML is compiled after it is rendered (a few tenths of a millisecond),
so that conditions and loops may stand anywhere in it.
"""

import contextlib
import re
import zoneinfo
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

from django.conf import settings
from django.template import Context, Engine, TemplateDoesNotExist
from django.template.backends.django import get_installed_libraries
from django.utils import timezone, translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from mjml import mjml2html

from advocacy.crm.models import Contact, Program
from advocacy.delivery import secrets
from advocacy.delivery.models import Message
from advocacy.lib import colours, signed

UNSUBSCRIBE = "unsubscribe"


class CannotRender(Exception):
    """This message cannot be made into a mail; the text says why, for the outbox."""


class Withheld(Exception):
    """This mail would say nothing to its reader and shall not go; the text says why, for the outbox."""


@dataclass(frozen=True)
class Rendered:
    """The words of one mail; ``reply_to`` and ``leave_url`` are what the renderer found out on its way."""

    subject: str
    html: str
    text: str
    reply_to: str = ""
    leave_url: str = ""


@dataclass(frozen=True)
class Part:
    """The words of a mail that goes in a bundle with others: without greeting and footer."""

    subject: str
    mjml: SafeString
    text: str


# --- What upper floors add ------------------------------------------------------------------------------------------
ManagerOf = Callable[[Contact], Any]
BatchRenderer = Callable[[Sequence[Message]], Mapping[int, "Rendered | Exception"]]

_manager_of: list[ManagerOf] = []
_batch_renderers: dict[str, BatchRenderer] = {}


def register_manager_of(find: ManagerOf) -> None:
    """How to find a contact's named manager (a user, or None); called by the app that knows."""
    _manager_of.append(find)


def register_batch_renderer(template: str, render: BatchRenderer) -> None:
    """Let an app render many messages of one template together, when most of what they say is the same."""
    _batch_renderers[template] = render


def rendered_together() -> list[str]:
    """The templates that an app renders many of at once; they are no part of anything else."""
    return list(_batch_renderers)


def manager_of(contact: Contact | None) -> Any:
    """The contact's named manager as far as any app knows one."""
    if contact is None:
        return None
    return next((found for find in _manager_of if (found := find(contact)) is not None), None)


# --- Rendering --------------------------------------------------------------------------------------------------------
@cache
def engine(string_if_invalid: str = "") -> Engine:
    """Mail has a template engine of its own: no request, no web tags; the tags of mail need no ``load``."""
    return Engine(
        dirs=[str(settings.BASE_DIR / "templates")],
        libraries=get_installed_libraries(),
        builtins=["advocacy.delivery.templatetags.mail", "django.templatetags.i18n", "django.templatetags.l10n"],
        loaders=[
            (
                "django.template.loaders.cached.Loader",
                ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"],
            )
        ],
        string_if_invalid=string_if_invalid,
    )


def path_of(template: str, ending: str) -> str:
    """``opportunities/nomination`` → ``opportunities/mail/nomination.mjml``."""
    app, _slash, name = template.partition("/")
    return f"{app}/mail/{name}.{ending}"


def render_many(messages: Sequence[Message]) -> dict[int, Rendered | Exception]:
    """Render messages, those of one template together where an app knows how; an error stays with its own message."""
    done: dict[int, Rendered | Exception] = {}
    together: dict[str, list[Message]] = {}
    for message in messages:
        together.setdefault(message.template, []).append(message)
    program = Program.current()
    for template, group in together.items():
        renderer = _batch_renderers.get(template)
        if renderer is not None:
            try:
                done.update(renderer(group))
            except Exception as error:  # what a template may raise is anybody's guess; the outbox must go on
                done.update({message.pk: error for message in group})
            continue
        for message in group:
            try:
                done[message.pk] = render(message, program=program)
            except Exception as error:
                done[message.pk] = error
    return done


def render(
    message: Message, *, more: Mapping[str, Any] | None = None, program: Program | None = None, strict: str = ""
) -> Rendered:
    """Render one message. ``strict`` is shown in place of every variable nobody set (for tests of templates)."""
    with on_readers_clock(message.language, message.time_zone):
        values = values_for(message, program=program)
        values.update(more or {})
        words = render_values(message.template, values, strict=strict)
    manager = values["manager"]
    return replace(words, reply_to=manager["email"] if manager else "", leave_url=values["unsubscribe_url"])


def render_part(message: Message) -> Part:
    """What a message says, for a bundle; language and zone are already the reader's."""
    values = {**values_for(message), "part": True}
    subject, text = _subject_and_body(message.template, values)
    page = engine().get_template(path_of(message.template, "mjml")).render(Context({**values, "subject": subject}))
    # Rendered by a template just now, so whatever came from people is escaped already.
    return Part(subject, mark_safe(page), tidy(text))  # noqa: S308


def render_values(template: str, values: dict[str, Any], *, strict: str = "") -> Rendered:
    """Render a template with everything it needs; language and zone are already the reader's."""
    subject, text = render_text(template, values, strict=strict)
    try:
        page = engine(strict).get_template(path_of(template, "mjml"))
    except TemplateDoesNotExist:
        raise CannotRender(_("There is no template “%(name)s”.") % {"name": path_of(template, "mjml")}) from None
    html = compile_mjml(page.render(Context({**values, "subject": subject})))
    return Rendered(subject, html, text)


def render_text(template: str, values: dict[str, Any], *, strict: str = "") -> tuple[str, str]:
    """Subject and text part; greeting and footer are put around the text."""
    subject, body = _subject_and_body(template, values, strict=strict)
    frame = engine(strict).get_template("mail/layout.txt")
    text = frame.render(Context({**values, "body": tidy(body)}, autoescape=False))
    return subject, text.strip() + "\n"


def _subject_and_body(template: str, values: dict[str, Any], *, strict: str = "") -> tuple[str, str]:
    try:
        source = engine(strict).get_template(path_of(template, "txt"))
    except TemplateDoesNotExist:
        raise CannotRender(_("There is no template “%(name)s”.") % {"name": path_of(template, "txt")}) from None
    first, _newline, body = source.render(Context(values, autoescape=False)).lstrip("\n").partition("\n")
    if not first.startswith("Subject:"):
        raise CannotRender(_("The first line of “%(name)s” is not its subject.") % {"name": path_of(template, "txt")})
    return one_line(first.removeprefix("Subject:")), without_controls(body)


def compile_mjml(source: str) -> str:
    try:
        return mjml2html(without_controls(source), fonts={})
    except (ValueError, OSError) as error:
        raise CannotRender(_("The template is not good MJML: %(why)s.") % {"why": error}) from None


def values_for(message: Message, *, program: Program | None = None) -> dict[str, Any]:
    """The context of a template: its parameters and what every mail has."""
    contact = message.contact
    if contact is not None:
        given = contact.given_name
    elif message.user is not None:
        given = message.user.name.split()[0] if message.user.name.strip() else ""
    else:
        given = message.to_name.partition(" ")[0]
    manager = manager_of(contact)
    leave = unsubscribe_url(message) if message.purpose or message.basis else ""
    return {
        **common_values(program),
        "recipient": {"name": one_line(message.to_name), "given_name": one_line(given), "email": message.to_email},
        "greeting": greeting(one_line(given)),
        "manager": {"name": manager.name, "email": manager.email, "title": manager.title} if manager else None,
        "unsubscribe_url": leave,
        **message.params,
        **secrets.opened(message.secret),
    }


def common_values(program: Program | None = None) -> dict[str, Any]:
    """What is the same in every mail of one language."""
    program = program or Program.current()
    light, dark = accents(program.accent)
    language = translation.get_language() or settings.LANGUAGE_CODE
    rtl = translation.get_language_bidi()
    return {
        "program": program,
        "foot": foot(program),
        "site_url": settings.SITE_URL,
        "language": language,
        "direction": "rtl" if rtl else "ltr",
        "start": "right" if rtl else "left",
        "end": "left" if rtl else "right",
        "accent": light,
        "accent_ink": colours.ink_on(light),
        "accent_dark": dark,
        "accent_dark_ink": colours.ink_on(dark),
    }


def foot(program: Program) -> str:
    """Who writes, and from where; a name is said once, also where the address begins with it."""
    company, address = program.company.strip(), program.postal_address.strip()
    if company == program.name or address.casefold().startswith(company.casefold()):
        company = ""
    return " · ".join(part for part in (program.name, company, address) if part)


@lru_cache(maxsize=8)
def accents(chosen: str) -> tuple[str, str]:
    """The accent on light and on dark paper: the portal's own, or the company's, made readable."""
    if not chosen:
        return "#0f5c5c", "#6cc5b8"
    light, _tint = colours.readable(chosen, colours.LIGHT_GROUNDS, colours.BLACK, 0.1)
    dark, _tint = colours.readable(chosen, colours.DARK_GROUNDS, colours.WHITE, 0.16)
    return light, dark


def greeting(given_name: str) -> str:
    return _("Hello %(name)s,") % {"name": given_name} if given_name else _("Hello,")


def unsubscribe_url(message: Message) -> str:
    """The address that leaves this kind of mail: a page on GET, the deed on POST (RFC 8058)."""
    return f"{settings.SITE_URL}/mail/unsubscribe/{signed.sign(UNSUBSCRIBE, str(message.public_id))}/"


@contextlib.contextmanager
def on_readers_clock(language: str, time_zone: str) -> Iterator[None]:
    """Language and zone of the reader; one that nobody knows falls back rather than stops the mail."""
    known = {code for code, _name in settings.LANGUAGES}
    if language not in known:
        language = language.partition("-")[0]
    with (
        timezone.override(zone_of(time_zone)),
        translation.override(language if language in known else settings.LANGUAGE_CODE),
    ):
        yield


@lru_cache(maxsize=600)
def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """A zone by name; UTC for a name that is none."""
    try:
        return zoneinfo.ZoneInfo(name or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return zoneinfo.ZoneInfo("UTC")


def one_line(text: str) -> str:
    """One line without control characters: what a header may hold."""
    return " ".join(CONTROLS.sub(" ", text).split())


def without_controls(text: str) -> str:
    return CONTROLS_BUT_LINES.sub("", text)


def tidy(text: str) -> str:
    """No more than one empty line in a row, whatever tags stood between."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.splitlines())).strip()


CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
CONTROLS_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
