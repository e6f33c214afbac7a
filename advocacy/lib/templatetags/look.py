"""Template tags of the look: icons, faces, small numbers."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

FACES = ("", "b", "c")


@register.simple_tag
def face(name: str, size: str = "") -> SafeString:
    """An initials avatar; the colour follows the name, so one person always has the same."""
    words = [word for word in str(name).split() if word]
    initials = (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper() if words else "?"
    colour = FACES[sum(map(ord, str(name))) % len(FACES)]
    return format_html('<span class="face {} {}" aria-hidden="true">{}</span>', colour, size, initials)
