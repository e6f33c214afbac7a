"""Markdown made harmless: nothing a member writes can act in another's browser."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.lib.text import excerpt, markdown, number_of_links


class TestWhatWorks:
    def test_plain_markdown(self) -> None:
        html = markdown("We cut **waste** by half:\n\n- order later\n- count twice\n\n> really?")
        assert "<strong>waste</strong>" in html
        assert html.count("<li>") == 2
        assert "<blockquote>" in html

    def test_headings_begin_below_the_page_s_own(self) -> None:
        assert "<h3>Big</h3>" in markdown("# Big")
        assert "<h1" not in markdown("# Big")

    def test_addresses_become_links_that_vouch_for_nothing(self) -> None:
        html = markdown("see https://example.com/a")
        assert 'href="https://example.com/a"' in html
        assert 'rel="nofollow noopener ugc"' in html

    def test_a_line_break_stays_one(self) -> None:
        assert "<br>" in markdown("one\ntwo")


class TestWhatDoesNot:
    @pytest.mark.parametrize(
        "attack",
        [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "[x](data:text/html,<script>1</script>)",
            "<a href='javascript:alert(1)'>x</a>",
            '<iframe src="//evil.test"></iframe>',
            "![x](https://tracker.test/pixel.gif)",
            "<svg/onload=alert(1)>",
            '<p style="position:fixed">x</p>',
            "[x](JaVaScRiPt:alert(1))",
            "`<script>`",
        ],
    )
    def test_acts_or_loads(self, attack: str) -> None:
        html = markdown(attack)
        assert not re.search(r"<(script|img|iframe|svg|style|object)", html)
        assert not re.search(r"<[^>]*\s(on\w+|style)\s*=", html)
        assert not re.search(r"href=\"(?!https?:|mailto:)", html)

    @given(st.text(max_size=300))
    def test_whatever_is_written(self, text: str) -> None:
        html = markdown(text)
        assert set(re.findall(r"<([a-z0-9]+)", html)) <= {
            "p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "h3", "h4", "h5",
            "h6", "table", "thead", "tbody", "tr", "th", "td",
        }  # fmt: skip
        assert not re.search(r"<[^>]*\s(on\w+|style)\s*=", html)


def test_an_excerpt_is_plain_and_cut_between_words() -> None:
    assert excerpt("**Bold** words & more", 200) == "Bold words & more"
    assert excerpt("one two three four", 9) == "one two…"


def test_links_are_counted() -> None:
    assert number_of_links("a https://a.test b http://b.test www.c.test") == 3
