"""Names are found however whoever looks for them types the marks on their letters."""

import re

import pytest
from django.test import Client

from advocacy.lib.searching import bare, loosely
from advocacy.users.models import Role
from tests.factories import make_account, make_advocate, make_user


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("ines", "Inês"), ("Inês", "Ines"), ("emile", "Émile"), ("soren", "Søren"), ("MULLER", "Müller"),
        ("lukasz", "Łukasz"), ("nunez", "Núñez"), ("o'brien", "O'Brien"), ("(x", "(X"),
    ],
)  # fmt: skip
def test_a_name_is_found_with_its_marks_or_without(typed: str, name: str) -> None:
    assert re.search(loosely(typed), name, re.IGNORECASE)
    assert not re.search(loosely(typed), "Omar Haddad", re.IGNORECASE)


def test_bare_words_have_no_marks() -> None:
    assert (bare("Straße"), bare("Łódź"), bare("Ærø")) == ("strasse", "lodz", "aero")


@pytest.mark.django_db
class TestOnPages:
    def test_whoever_tells_of_a_call_finds_the_person_before_companies_that_sound_alike(self, client: Client) -> None:
        make_advocate("Aaron Ash", make_account("Moor Lines"))
        make_advocate("Inês Barbosa")
        client.force_login(make_user("Sam", Role.REQUESTER))
        page = client.get("/requests/beside/", {"q": "ines"}).content.decode()
        assert 0 < page.index("Inês Barbosa") < page.index("Aaron Ash")

    def test_search_and_the_list_of_advocates_find_them_too(self, client: Client) -> None:
        make_advocate("Inês Barbosa")
        client.force_login(make_user("Rita", Role.MANAGER))
        for page in ("/search/", "/advocates/"):
            assert "Inês Barbosa" in client.get(page, {"q": "ines"}).content.decode()
            assert "Inês Barbosa" not in client.get(page, {"q": "omar"}).content.decode()
