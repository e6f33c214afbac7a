"""The look keeps its promises: contrast in both schemes, no inline style or script, faces and numbers that read."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.urls import resolve, reverse
from hypothesis import given
from hypothesis import strategies as st

from advocacy.lib import colours, icons
from advocacy.lib.context import by_section, current_of
from advocacy.lib.home import NavItem
from advocacy.lib.pages import respond
from tests.factories import make_advocate, make_user

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(
    path for path in (ROOT / "templates").rglob("*.html") if not {"mail"} & set(path.relative_to(ROOT).parts)
)


def tokens(scheme: str) -> dict[str, str]:
    """The colours of ``tokens.css`` as one scheme sees them."""
    light, dark = (ROOT / "static/css/tokens.css").read_text().split("@media (prefers-color-scheme: dark)")
    found = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})\b", light))
    if scheme == "dark":
        found |= dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})\b", dark))
    return found


HUES = ("sky", "iris", "plum", "moss")
TEXT = ("ink", "ink-2", "ink-3", "accent", "accent-strong", "warm", "gold", "ok", "warn", "bad", *HUES)
GROUNDS = ("ground", "sheet", "raised", "sunk")
ON_THEIR_TINT = ("accent", "warm", "gold", "ok", "warn", "bad", *HUES)
FILLED = (
    ("accent", "accent-ink"),
    ("accent-strong", "accent-ink"),
    ("warm", "warm-ink"),
    ("bad", "bad-ink"),
    ("ink", "ground"),
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
class TestContrast:
    def test_every_text_colour_reads_on_every_ground(self, scheme: str) -> None:
        seen = tokens(scheme)
        weak = {
            f"{text} on {ground}": round(colours.contrast(seen[text], seen[ground]), 2)
            for text in TEXT
            for ground in GROUNDS
            if colours.contrast(seen[text], seen[ground]) < 4.5
        }
        assert not weak

    def test_a_tag_reads_on_its_tint(self, scheme: str) -> None:
        seen = tokens(scheme)
        ratios = {name: colours.contrast(seen[name], seen[f"{name}-soft"]) for name in ON_THEIR_TINT}
        assert min(ratios.values()) >= 4.5, ratios

    def test_ordinary_text_reads_on_every_tint(self, scheme: str) -> None:
        seen = tokens(scheme)
        for name in ON_THEIR_TINT:
            assert colours.contrast(seen["ink"], seen[f"{name}-soft"]) >= 7
            assert colours.contrast(seen["ink-2"], seen[f"{name}-soft"]) >= 4.5, name

    def test_what_is_filled_carries_a_readable_word(self, scheme: str) -> None:
        seen = tokens(scheme)
        for fill, ink in FILLED:
            assert colours.contrast(seen[fill], seen[ink]) >= 4.5, fill

    def test_edges_of_fields_and_focus_rings_are_seen(self, scheme: str) -> None:
        seen = tokens(scheme)
        for ground in GROUNDS:
            assert colours.contrast(seen["edge"], seen[ground]) >= 3
            assert colours.contrast(seen["focus"], seen[ground]) >= 3

    def test_shapes_of_a_chart_are_seen_on_a_sheet(self, scheme: str) -> None:
        seen = tokens(scheme)
        assert colours.contrast(seen["series-1"], seen["sheet"]) >= 3
        assert colours.contrast(seen["warm"], seen["sheet"]) >= 3
        # The present stands out from the past without help from the hue.
        assert colours.contrast(seen["series-1"], seen["series-past"]) >= 2


class TestTheCompaniesAccent:
    @given(st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}"))
    def test_any_colour_becomes_readable(self, colour: str) -> None:
        for grounds, toward, soft in (
            (colours.LIGHT_GROUNDS, colours.BLACK, 0.1),
            (colours.DARK_GROUNDS, colours.WHITE, 0.16),
        ):
            shade, tint = colours.readable(colour, grounds, toward, soft)
            assert all(colours.contrast(shade, ground) >= 4.5 for ground in (*grounds, tint))
            assert colours.contrast(colours.ink_on(shade), shade) >= 4.5

    def test_a_readable_colour_is_left_as_it_is(self) -> None:
        assert "--accent: #0f5c5c;" in colours.accent_sheet("#0f5c5c")

    def test_grounds_are_those_of_the_tokens(self) -> None:
        light, dark = tokens("light"), tokens("dark")
        assert set(colours.LIGHT_GROUNDS) == {light["ground"], light["sheet"], light["sunk"]}
        assert set(colours.DARK_GROUNDS) == {dark["ground"], dark["sheet"], dark["raised"]}

    def test_the_sheet_is_served_to_everybody_and_kept(self, client: Client, db: None) -> None:
        answer = client.get(reverse("accent", args=["a1302a"]))
        assert answer["Content-Type"].startswith("text/css")
        assert "immutable" in answer["Cache-Control"]

    def test_what_is_not_a_colour_is_not_an_address(self, client: Client, db: None) -> None:
        assert client.get("/look/accent-url(x).css").status_code == 404


def without_comments(text: str) -> str:
    return re.sub(r"{% comment %}.*?{% endcomment %}|{#.*?#}", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
class TestTemplatesObeyThePolicy:
    def test_no_inline_style_script_or_handler(self, path: Path) -> None:
        text = without_comments(path.read_text())
        assert not re.search(r"\sstyle\s*=", text), "style= is forbidden by the policy; use a class"
        assert not re.search(r"<style\b", text)
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", text), "a script needs a src"
        assert not re.search(r"\son(?:click|change|submit|load|input|focus|blur|key\w+|mouse\w+)\s*=", text)
        assert not re.search(r"\bhx-on\b|hx-vars|js:", text), "htmx may not evaluate code"
        assert "javascript:" not in text

    def test_nothing_comes_from_elsewhere(self, path: Path) -> None:
        assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", without_comments(path.read_text()))


def test_sheets_name_only_files_that_are_there() -> None:
    for sheet in (ROOT / "static/css").glob("*.css"):
        for address in re.findall(r"url\([\"']?([^\"')]+)", sheet.read_text()):
            if not address.startswith("data:"):
                assert finders.find(str(Path("css") / address).replace("css/../", "")), f"{sheet.name}: {address}"


def render(source: str, **values: object) -> str:
    request = RequestFactory().get(str(values.pop("path", "/")))
    return Template(source).render(Context({"request": request, **values}))


class TestSmallPictures:
    def test_one_person_always_has_the_same_face(self) -> None:
        assert render('{% face "Inês Barbosa" %}') == render('{% face "Inês Barbosa" %}')
        assert ">IB<" in render('{% face "Inês Barbosa" %}')

    @pytest.mark.parametrize(("name", "initials"), [("Mei", "M"), ("", "?"), ("  ", "?"), ("anna van dijk", "AD")])
    def test_initials(self, name: str, initials: str) -> None:
        assert f">{initials}<" in render("{% face name %}", name=name)

    def test_a_name_is_escaped(self) -> None:
        assert "<b" not in render("{% tag name %}", name="<b>")

    def test_each_icon_is_drawn_and_none_shares_its_drawing(self) -> None:
        drawn = {name: str(icons.icon(name)) for name in icons.ICONS}
        # A filed request is the tray with a plus; all others differ, too.
        assert len(set(drawn.values())) == len(drawn)

    def test_an_icon_without_a_word_beside_it_speaks(self) -> None:
        assert 'role="img" aria-label="Mail"' in render('{% icon "mail" "Mail" %}')
        assert 'aria-hidden="true"' in render('{% icon "mail" %}')

    def test_bars_stay_inside_their_ground(self) -> None:
        assert 'width="100.00"' in render("{% bar 12 10 %}")
        assert 'width="0.00"' in render("{% bar -3 10 %}")
        assert 'width="0.00"' in render("{% bar 3 0 %}")

    def test_parts_speak_their_numbers(self) -> None:
        assert 'aria-label="Industry 30; Size 22"' in render("{% parts p 100 %}", p=[("Industry", 30), ("Size", 22)])


class TestFiltersLiveInTheAddress:
    def test_a_pill_switches_itself_on_and_keeps_the_rest(self) -> None:
        html = render('{% pill "Calls" "kind" "call" %}', path="/?effort=30&after=9")
        assert 'href="?effort=30&amp;kind=call"' in html
        assert "aria-current" not in html

    def test_a_pill_that_is_on_switches_itself_off(self) -> None:
        html = render('{% pill "Calls" "kind" "call" %}', path="/?kind=call&effort=30")
        assert 'href="?effort=30"' in html
        assert 'aria-current="true"' in html

    def test_several_values_of_one_kind(self) -> None:
        html = render('{% pill "Stories" "kind" "story" many=True %}', path="/?kind=call")
        assert 'href="?kind=call&amp;kind=story"' in html

    def test_everything_is_the_pill_without_a_value(self) -> None:
        assert 'aria-current="true"' in render('{% pill "All" "kind" "" %}', path="/")
        assert "aria-current" not in render('{% pill "All" "kind" "" %}', path="/?kind=call")

    def test_an_address_forgets_the_page_when_the_filter_changes(self) -> None:
        assert render('{% address kind="call" %}', path="/?after=9&q=x") == "?q=x&amp;kind=call"
        assert render('{% address after="9" %}', path="/?after=3&q=x") == "?after=9&amp;q=x"


class TestNumbersReadAsPeopleSayThem:
    @pytest.mark.parametrize(
        ("source", "value", "words"),
        [
            ("{{ v|number }}", 12345, "12,345"),
            ("{{ v|number }}", 2.84, "2.8"),
            ("{{ v|number }}", 3.0, "3"),
            ("{{ v|number }}", None, "–"),
            ('{{ v|money:"EUR" }}', 184000, "€ 184,000"),
            ('{{ v|short_money:"EUR" }}', 4_120_000, "€ 4.1 m"),
            ('{{ v|short_money:"USD" }}', 184_000, "$ 184 k"),
            ('{{ v|short_money:"EUR" }}', 999_900, "€ 1 m"),
            ("{{ v|percent }}", 0.314, "31 %"),
            ("{{ v|duration }}", timedelta(hours=5, minutes=20), "5 h 20"),
            ("{{ v|duration }}", timedelta(days=2, hours=3), "2 d 3 h"),
            ("{{ v|duration }}", timedelta(minutes=40), "40 min"),
            ("{{ v|minutes }}", 90, "1 h 30 min"),
            ("{{ v|seats_left }}", 1, "1 seat left"),
            ("{{ v|seats_left }}", 0, "full"),
        ],
    )
    def test_number(self, source: str, value: object, words: str) -> None:
        assert render(source, v=value).replace("\u00a0", " ") == words


PAGE = """{% extends "base.html" %}{% block title %}Requests{% endblock %}
{% block content %}{% partialdef row inline %}<p id="row">{{ word }}</p>{% endpartialdef %}{% endblock %}"""


class TestAPage:
    @pytest.fixture
    def sample(self, tmp_path: Path) -> Iterator[str]:
        from django.template import engines

        engine = engines["django"].engine
        (tmp_path / "sample.html").write_text(PAGE)
        engine.dirs.append(tmp_path)
        for loader in engine.template_loaders:
            loader.reset()
        yield "sample.html"
        engine.dirs.remove(tmp_path)
        for loader in engine.template_loaders:
            loader.reset()

    def test_title_stands_in_the_head_and_on_the_page_and_empty_parts_are_left_out(
        self, client: Client, db: None
    ) -> None:
        client.force_login(make_user("Rita", "manager"))
        html = client.get(reverse("look")).content.decode()
        assert "<title>The look · " in html
        assert "<h1>The look</h1>" in html
        assert '<aside class="stack">' in html

    def test_htmx_gets_the_fragment_with_the_messages_beside_it(
        self, rf: RequestFactory, db: None, sample: str
    ) -> None:
        from django.contrib import messages
        from django.contrib.messages.storage.cookie import CookieStorage
        from django_htmx.middleware import HtmxDetails

        request = rf.get("/", headers={"HX-Request": "true"})
        request.user = make_user("Rita", "manager")
        request.htmx = HtmxDetails(request)
        request._messages = CookieStorage(request)
        request.resolver_match = None
        messages.warning(request, "The last seat is taken.")
        answer = respond(request, sample, {"word": "kept"}, fragment="row", status=409)
        html = answer.content.decode()
        assert answer.status_code == 409
        assert html.startswith('<p id="row">kept</p>')
        assert 'hx-swap-oob="true"' in html and "The last seat is taken." in html
        assert "<html" not in html
        assert "HX-Request" in answer["Vary"]

    def test_without_htmx_the_same_answer_is_a_whole_page(self, client: Client, db: None) -> None:
        client.force_login(make_user("Rita", "manager"))
        answer = client.get(reverse("look"))
        assert answer.content.startswith(b"<!doctype html>")
        assert "HX-Request" in answer["Vary"]

    def test_only_staff_see_the_reference(self, client: Client, db: None) -> None:
        client.force_login(make_user("Ines", "advocate"))
        assert client.get(reverse("look")).status_code == 403

    def test_errors_of_a_form_are_tied_to_their_field(self, client: Client, db: None) -> None:
        client.force_login(make_user("Rita", "manager"))
        html = client.get(reverse("look"), {"errors": "1"}).content.decode()
        assert 'class="error-summary" role="alert"' in html
        assert '<a href="#id_title">' in html
        assert 'aria-describedby="id_title_helptext id_title_error"' in html
        assert 'id="id_title_error"' in html and 'id="id_title_helptext"' in html
        assert 'aria-invalid="true"' in html

    def test_no_page_breaks_the_policy(self, client: Client, db: None) -> None:
        client.force_login(make_user("Rita", "manager"))
        for address in (reverse("look"), reverse("admin:index"), reverse("account_login")):
            html = client.get(address, follow=True).content.decode()
            assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]*src=)", html), address


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Chrome/141.0 Safari/537.36 Edg/141.0", "Edge on macOS"),
        ("", "unknown"),
        ("curl/8.5", "curl/8.5"),
    ],
)
def test_a_session_names_its_browser_as_a_person_would(said: str, name: str) -> None:
    assert render("{{ said|browser }}", said=said) == name


class TestWhereOneIsInTheNavigation:
    BOARD = NavItem("Opportunities", "opportunities:board", "opportunities", "home.view", 20)
    COMMUNITY = NavItem("Community", "community:spaces", "community", "home.view", 40)
    SEARCH = NavItem("Search", "community:search", "search", "home.view", 41)

    def current(self, path: str) -> NavItem | None:
        request = RequestFactory().get(path)
        request.resolver_match = resolve(request.path)
        return current_of([self.BOARD, self.COMMUNITY, self.SEARCH], request)

    def test_a_page_under_an_entry_belongs_to_it(self) -> None:
        assert self.current("/community/s/planning/") is self.COMMUNITY

    def test_the_nearer_entry_wins_and_only_one_is_current(self) -> None:
        assert self.current("/community/search/?q=week") is self.SEARCH

    def test_a_page_elsewhere_belongs_to_none(self) -> None:
        assert self.current("/look/") is None

    def test_the_home_page_does_not_claim_the_pages_of_its_app(self) -> None:
        home = NavItem("Home", "advocates:home", "home", "home.view", 0)
        request = RequestFactory().get("/profile/")
        request.resolver_match = resolve("/profile/")
        assert current_of([home, self.BOARD], request) is None

    def test_what_lies_under_no_entry_belongs_to_the_one_that_stands_for_its_app(self) -> None:
        points = NavItem("Points", "advocates:points", "points", "home.view", 45)
        board = NavItem("Opportunities", "opportunities:board", "opportunities", "home.view", 20, whole_app=True)
        for path, entry in (("/claims/", board), ("/welcome/", None)):
            request = RequestFactory().get(path)
            request.resolver_match = resolve(path)
            assert current_of([points, board], request) is entry

    def test_an_entry_in_the_admin_does_not_claim_the_other_lists_there(self) -> None:
        desk = NavItem("Requests", "admin:opportunities_referencerequest_changelist", "requests", "home.view", 10)
        for path, entry in (("/admin/opportunities/referencerequest/7/change/", desk), ("/admin/users/user/", None)):
            request = RequestFactory().get(path)
            request.resolver_match = resolve(path)
            assert current_of([desk, self.BOARD], request) is entry

    def test_ones_own_pages_are_under_ones_name(self, client: Client, db: None) -> None:
        client.force_login(make_advocate("Ines").user)
        answer = client.get("/community/")
        assert "advocates:profile" in [one["item"].url_name for one in answer.context["own_pages"]]
        assert "advocates:profile" not in [one["item"].url_name for one in answer.context["navigation"]]
        assert 'href="/profile/"' in answer.content.decode()

    def test_sections_stay_together(self) -> None:
        desk = NavItem("Requests", "opportunities:board", "requests", "home.view", 30, section="staff")
        late = NavItem("Dashboards", "dashboards:overview", "dashboards", "home.view", 70, section="staff")
        assert by_section([self.BOARD, desk, self.COMMUNITY, late]) == [self.BOARD, self.COMMUNITY, desk, late]
