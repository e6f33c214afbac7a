"""Texts that people write: markdown made into harmless HTML."""

import re
from collections.abc import Sequence
from html import unescape
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

TAGS = {
    "p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "h3", "h4", "h5", "h6",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}


class _Renderer(RendererHTML):
    """Headings begin below the page's own, so that a post cannot pretend to be the page."""

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        return f"<h{_level(tokens[idx])}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        return f"</h{_level(tokens[idx])}>\n"


def _level(token: Token) -> int:
    return min(int(token.tag[1]) + 2, 6)


_parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True}, renderer_cls=_Renderer)
# Pictures from elsewhere would tell their owner who reads; the content policy refuses them anyway.
_parser.enable(["linkify", "strikethrough", "table"]).disable(["image", "html_block", "html_inline"])
if _parser.linkify is not None:
    _parser.linkify.add("//", None)  # an address without a scheme is a word


def markdown(text: str) -> SafeString:
    """Sanitised HTML of a markdown text. Raw HTML is shown as text, links get ``rel="nofollow noopener ugc"``."""
    html = nh3.clean(
        _parser.render(text.replace("\x00", "")),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="nofollow noopener ugc",
    )
    return mark_safe(html)  # noqa: S308 - nh3 has just cleaned it


_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)


def number_of_links(text: str) -> int:
    """How many web addresses a text names; newcomers may write few."""
    return len(_LINK.findall(text))


def excerpt(text: str, length: int = 160) -> str:
    """The beginning of a markdown text in plain words, cut between words."""
    # A space before each tag keeps the words of two paragraphs apart.
    spaced = _parser.render(text.replace("\x00", "")).replace("<", " <")
    plain = " ".join(unescape(nh3.clean(spaced, tags=set())).split())
    return plain if len(plain) <= length else plain[:length].rsplit(" ", 1)[0].rstrip(".,;: ") + "…"
