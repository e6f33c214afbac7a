"""Every template of mail renders with its sample: nothing is missing, nothing is loaded from elsewhere."""

import re

import pytest
from django.template import TemplateDoesNotExist

from advocacy.crm.models import Program
from advocacy.delivery import rendering, samples

pytestmark = pytest.mark.django_db

ALL = samples.templates()


@pytest.fixture
def rendered(request):
    message = samples.sample(request.param).message()
    try:
        return rendering.render(message, strict="⟦%s⟧")
    except TemplateDoesNotExist as missing:
        pytest.fail(f"{request.param} includes {missing}")


def test_there_are_templates():
    assert "account/login_code" in ALL


@pytest.mark.parametrize("template", ALL)
def test_each_has_sample_parameters(template):
    app, _slash, name = template.partition("/")
    assert (samples.folder() / app / "mail" / f"{name}.json").is_file(), "the preview page needs them"


@pytest.mark.parametrize("rendered", ALL, indirect=True)
class TestEach:
    def test_no_variable_is_missing(self, rendered):
        for part in (rendered.subject, rendered.text, rendered.html):
            assert re.findall("⟦.*?⟧", part) == []

    def test_it_has_a_subject_of_one_line_and_two_parts_with_words(self, rendered):
        assert 5 <= len(rendered.subject) <= 150
        assert len(rendered.text.split()) > 8
        assert rendered.html.startswith("<!doctype html>")

    def test_nothing_is_loaded_from_elsewhere_and_nothing_is_left_of_the_source(self, rendered):
        assert "<mj-" not in rendered.html
        assert "fonts.googleapis" not in rendered.html
        assert "<script" not in rendered.html.lower()
        assert re.findall(r'src="(?!http://testserver)', rendered.html) == []
        assert re.findall(r"(\{%|\{\{)", rendered.html + rendered.text) == []

    def test_every_link_is_whole(self, rendered):
        for link in re.findall(r'href="([^"]*)"', rendered.html):
            assert re.match(r"(https?://|mailto:)", link), link

    def test_one_button_at_most(self, rendered):
        assert len(re.findall(r'role="presentation" valign="middle"', rendered.html)) <= 1 or "newsletter" in str(
            rendered.html
        )


def test_what_people_wrote_cannot_become_markup():
    message = samples.sample("account/login_code").message()
    message.params = {"code": "<img src=x onerror=alert(1)>&"}
    message.to_name = '"<b>Ines</b>'
    rendered = rendering.render(message)
    assert "<img src=x" not in rendered.html
    assert "<img src=x onerror=alert(1)>&" in rendered.text  # the text part is plain


@pytest.mark.parametrize(
    ("company", "address", "foot"),
    [
        ("Harborline", "Harborline, 4 Quay Street", "Circle · Harborline, 4 Quay Street"),
        ("Harborline", "4 Quay Street", "Circle · Harborline · 4 Quay Street"),
        ("Circle", "", "Circle"),
        ("", "4 Quay Street", "Circle · 4 Quay Street"),
    ],
)
def test_the_foot_names_everybody_once(company, address, foot):
    assert rendering.foot(Program(name="Circle", company=company, postal_address=address)) == foot


def test_the_company_colour_is_made_readable(db):
    Program.current()
    Program.objects.update(accent="#ffee00")
    html = rendering.render(samples.sample("account/password_reset").message()).html
    assert "background:#ffee00" not in html


def test_times_are_on_the_readers_clock_and_in_their_language(settings):
    from advocacy.delivery.templatetags.mail import clock, day, when

    with rendering.on_readers_clock("de-AT", "America/New_York"):
        assert when("2026-03-10T02:30:00Z") == "Montag 9 März 2026, 22:30 (America/New_York)"
        assert day("2026-03-10T02:30:00Z") == "Montag 9 März 2026"
        assert clock("2026-03-10T02:30:00+00:00") == "22:30"
    with rendering.on_readers_clock("tlh", "Nowhere/At_All"):
        assert when("2026-03-10T02:30:00Z") == "Tuesday 10 March 2026, 02:30 (UTC)"
        assert day("2026-03-12") == "Thursday 12 March 2026"


def test_right_to_left_languages_are_set_from_the_right(settings):
    settings.LANGUAGES = [*settings.LANGUAGES, ("ar", "العربية")]
    html = rendering.render(samples.sample("account/password_reset").message(language="ar")).html
    assert 'dir="rtl"' in html
    assert 'lang="ar"' in html
