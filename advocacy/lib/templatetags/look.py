"""Template tags of the look: icons, faces, numbers, bars, addresses of filters. Built in: no ``{% load %}`` needed."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.http import QueryDict
from django.template.base import NodeList
from django.template.context import Context
from django.template.loader_tags import BLOCK_CONTEXT_KEY, BlockNode
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from advocacy.lib import icons, numbers
from advocacy.lib.numbers import number

register = template.Library()

FACES = ("", "b", "c", "d")


# --- Pictures -----------------------------------------------------------------------------------------------------
@register.simple_tag
def icon(name: str, label: str = "", size: str = "") -> SafeString:
    """``{% icon "mail" %}``; with a label when no word stands beside it."""
    return icons.icon(name, label, size)


@register.simple_tag
def face(name: Any, size: str = "") -> SafeString:
    """An initials avatar: ``{% face person.name "s" %}``. One person always has the same colour."""
    words = [word for word in str(name).split() if word[:1].isalnum()]
    initials = (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper() if words else "?"
    colour = FACES[sum(map(ord, str(name))) % len(FACES)]
    classes = " ".join(filter(None, ("face", colour, size)))
    return format_html('<span class="{}" aria-hidden="true">{}</span>', classes, initials)


@register.simple_tag
def tag(text: Any, state: str = "", picture: str = "") -> SafeString:
    """A word about a state: ``{% tag "Open" "ok" %}``. ``state`` is ok, warn, bad, warm, gold, plain or nothing."""
    drawn = icons.icon(picture) if picture else ""
    return format_html('<span class="{}">{}{}</span>', f"tag {state}".strip(), drawn, text)


# --- Bars without style attributes --------------------------------------------------------------------------------
@register.simple_tag
def bar(value: float, total: float, label: str = "", kind: str = "") -> SafeString:
    """A progress bar: ``{% bar 640 900 "640 of 900 points" %}``; ``kind`` may be tall, warm, gold, ok, warn, bad."""
    share = max(0.0, min(1.0, float(value or 0) / float(total))) if total else 0.0
    spoken = label or _("%(value)s of %(total)s") % {"value": number(value), "total": number(total)}
    return format_html(
        '<svg class="{}" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect width="{}" height="10"/></svg>',
        f"bar {kind}".strip(),
        spoken,
        f"{share * 100:.2f}",
    )


@register.simple_tag
def parts(shares: Iterable[Any], total: float = 100, label: str = "", kind: str = "") -> SafeString:
    """The stacked parts of a score; each share is ``(label, value)`` or has ``.label`` and ``.value``."""
    pairs = [pair(share) for share in shares]
    spoken = label or "; ".join(f"{name} {number(value)}" for name, value in pairs)
    at = 0.0
    drawn = []
    for index, (name, value) in enumerate(pairs):
        width = max(0.0, float(value)) / (total or 1) * 100
        # A hair of ground between the parts keeps them apart without colour.
        drawn.append((index % 5 + 1, f"{at:.2f}", f"{max(0.0, width - 0.6):.2f}", f"{name} {number(value)}"))
        at += width
    rects = format_html_join("", '<rect class="s{}" x="{}" width="{}" height="10"><title>{}</title></rect>', drawn)
    return format_html(
        '<svg class="{}" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        f"parts {kind}".strip(),
        spoken,
        rects,
    )


def pair(share: Any) -> tuple[str, float]:
    """Take ``(label, value)``, a mapping or an object with ``label`` and ``value``."""
    if isinstance(share, dict):
        return str(share["label"]), float(share["value"])
    if isinstance(share, Sequence) and not isinstance(share, str):
        return str(share[0]), float(share[1])
    return str(share.label), float(share.value)


# --- Numbers ------------------------------------------------------------------------------------------------------
register.filter("number", number)
register.filter("money", numbers.money)
register.filter("short_money", numbers.short_money)
register.filter("percent", numbers.percent)
register.filter("duration", numbers.duration)
register.filter("minutes", numbers.minutes)


@register.filter
def seats_left(count: int) -> str:
    """Seats in words, for the foot of a card."""
    if count <= 0:
        return _("full")
    return ngettext("%(count)d seat left", "%(count)d seats left", count) % {"count": count}


# --- Addresses: filters and pages live in the address -------------------------------------------------------------
def _query(context: Context) -> QueryDict:
    request = context.get("request")
    return request.GET.copy() if request is not None else QueryDict(mutable=True)


PAGING_KEYS = ("page", "after", "before", "cursor", "p")


@register.simple_tag(takes_context=True)
def address(context: Context, **changes: Any) -> str:
    """This page's query with some keys set or, with None or "", taken away. Paging starts anew.

    ``<a href="{% address kind='webinar' %}">``
    """
    query = _query(context)
    for key in PAGING_KEYS:
        if key not in changes:
            query.pop(key, None)
    for key, value in changes.items():
        if value in (None, ""):
            query.pop(key, None)
        elif isinstance(value, (list, tuple)):
            query.setlist(key, [str(one) for one in value])
        else:
            query[key] = str(value)
    return "?" + query.urlencode()


@register.simple_tag(takes_context=True)
def pill(context: Context, label: Any, key: str, value: Any = "1", count: Any = None, many: bool = False) -> SafeString:
    """One filter as a link that switches itself: ``{% pill "Under 30 min" "effort" "30" %}``.

    With ``many=True`` the key may hold several values at once. The address keeps everything else.
    """
    query = _query(context)
    value = str(value)
    held = query.getlist(key)
    pressed = value in held if value else not any(held)
    for paging in PAGING_KEYS:
        query.pop(paging, None)
    if many:
        query.setlist(key, [one for one in held if one != value] if pressed else [*held, value])
    elif pressed or not value:
        query.pop(key, None)
    else:
        query[key] = value
    return format_html(
        '<a class="pill" href="?{}"{}>{}{}{}</a>',
        query.urlencode(),
        mark_safe(' aria-current="true"') if pressed else "",
        icons.icon("check") if pressed else "",
        label,
        format_html(' <span class="count">{}</span>', number(count)) if count is not None else "",
    )


# --- Layout -------------------------------------------------------------------------------------------------------
@register.simple_tag(takes_context=True)
def part(context: Context, name: str) -> SafeString:
    """What the page put into the block ``name``, or nothing: a layout can leave out an empty part, or use one twice."""
    blocks = context.render_context.get(BLOCK_CONTEXT_KEY)
    if blocks is None or blocks.get_block(name) is None:
        return mark_safe("")
    # The block has been rendered, and so escaped, by its own template.
    return mark_safe(str(BlockNode(name, NodeList()).render(context)).strip())  # noqa: S308


@register.filter
def first_word(value: Any) -> str:
    """The first word of a name."""
    words = str(value).split()
    return words[0] if words else ""


@register.filter
def message_icon(level_tag: str) -> str:
    """The icon for a message of this level."""
    return {"success": "done", "warning": "warn", "error": "error"}.get(str(level_tag).split(" ")[-1], "info")


@register.filter
def section_word(section: str) -> str:
    """The heading over a part of the navigation."""
    return {"work": _("Work"), "admin": _("Settings"), "settings": _("Settings"), "staff": _("Work")}.get(
        section, section
    )


BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser(user_agent: Any) -> str:
    """What a browser says of itself, as a person would say it: Firefox on Windows."""
    said = str(user_agent or "")
    name = next((name for sign, name in BROWSERS if sign in said), "")
    system = next((name for sign, name in SYSTEMS if sign in said), "")
    if name and system:
        return _("%(browser)s on %(system)s") % {"browser": name, "system": system}
    return name or system or said[:60] or _("unknown")
