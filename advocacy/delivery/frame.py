"""A mail inside a page: in a frame of its own that can run nothing and load nothing from elsewhere.

Mail carries its style in its tags, which our content policy forbids, here as everywhere. So the frame gets the mail
with every style moved into a sheet from the same address (``?part=style``): the words of the mail and nothing
else, under a policy stricter than the portal's own.
"""

import re
from collections.abc import Callable
from html import unescape

from csp.constants import NONE, SELF
from django.http import HttpRequest, HttpResponse
from django.utils.html import escape

from advocacy.lib import signed

POLICY = {
    "default-src": [NONE],
    "style-src": [SELF],
    "img-src": [SELF, "data:"],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    # Without scripts nothing can use the origin; without the origin the frame's style sheet would come without sign-in.
    "sandbox": ["allow-same-origin", "allow-popups", "allow-popups-to-escape-sandbox"],
}

_STYLE_ATTRIBUTE = re.compile(r'\sstyle="([^"]*)"')
_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_CLASS = re.compile(r'\sclass="([^"]*)"')
_STYLE_BLOCK = re.compile(r"<style([^>]*)>(.*?)</style>", re.DOTALL)
_MEDIA = re.compile(r'media="([^"]*)"')
_CONDITIONAL = re.compile(r"<!--\[if[^!]*?\]>.*?<!\[endif\]-->|<!--\[if[^\]]*\]><!-->|<!--<!\[endif\]-->", re.DOTALL)


def framed(request: HttpRequest, html: Callable[[], str]) -> HttpResponse:
    """The mail, or with ``?part=style`` its style sheet; ``?scheme=dark`` shows it as on dark paper."""
    # Whoever may look at a mail must not be able to answer, join or leave in its reader's name.
    with signed.only_shown():
        words, sheet = taken_apart(html())
    if request.GET.get("scheme") == "dark":
        sheet = re.sub(r"\(prefers-color-scheme:\s*dark\)", "all", sheet)
    elif request.GET.get("scheme") == "light":
        sheet = re.sub(r"\(prefers-color-scheme:\s*dark\)", "not all", sheet)
    if request.GET.get("part") == "style":
        response = HttpResponse(sheet, content_type="text/css; charset=utf-8")
    else:
        query = request.GET.copy()
        query["part"] = "style"
        link = f'<link rel="stylesheet" href="{escape(request.path)}?{escape(query.urlencode())}"></head>'
        response = HttpResponse(words.replace("</head>", link, 1))
    response._csp_replace = POLICY  # type: ignore[attr-defined]
    response["X-Frame-Options"] = "SAMEORIGIN"
    response["Cache-Control"] = "no-store, private"
    return response


def taken_apart(html: str) -> tuple[str, str]:
    """The mail without styles in it, and the sheet that gives them back."""
    html = _CONDITIONAL.sub("", html)
    blocks: list[str] = []
    names: dict[str, str] = {}

    def block(found: re.Match[str]) -> str:
        media = _MEDIA.search(found[1])
        blocks.append(f"@media {unescape(media[1])} {{{found[2]}}}" if media else found[2])
        return ""

    def tag(found: re.Match[str]) -> str:
        text = found[0]
        style = _STYLE_ATTRIBUTE.search(text)
        if style is None:
            return text
        name = names.setdefault(unescape(style[1]), f"in-tag-{len(names)}")
        text = _STYLE_ATTRIBUTE.sub("", text)
        if _CLASS.search(text):
            return _CLASS.sub(lambda known: f' class="{known[1]} {name}"', text, count=1)
        end = "/>" if text.endswith("/>") else ">"
        return f'{text.removesuffix(end)} class="{name}"{end}'

    words = _TAG.sub(tag, _STYLE_BLOCK.sub(block, html))
    # Named three times, a class outweighs the rules of the sheets as a style in the tag would; "!important" still wins.
    rules = [f".{name}.{name}.{name}{{{style}}}" for style, name in names.items()]
    return words, "\n".join([*blocks, *rules])
