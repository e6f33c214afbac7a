"""P12: one search over everything a person may see, and over nothing else."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from advocacy.lib import finding
from advocacy.users.models import Role
from advocates.models import Cohort
from tests.factories import (
    make_account,
    make_advocate,
    make_contact,
    make_deal,
    make_opportunity,
    make_request,
    make_user,
)

pytestmark = pytest.mark.django_db


def names(text: str, reader: Any) -> dict[str, list[str]]:
    return {group.source.key: [hit.name for hit in group.hits] for group in finding.find(text, reader=reader)}


@pytest.fixture
def program() -> None:
    kestrel = make_account("Kestrel Foods", domain="kestrel.example")
    make_advocate("Ines Barbosa", kestrel)
    make_contact("Inga Barlow", kestrel)
    make_opportunity("Tell Kestrel's story at the fair")
    make_request(
        make_user("Sam Patel", Role.REQUESTER), prospect="Kestrel Rivals", deal=make_deal("Renewal of planning")
    )
    Cohort.objects.create(name="Kestrel and friends")


@pytest.mark.usefixtures("program")
class TestWhatIsFound:
    def test_a_lead_finds_each_kind(self) -> None:
        assert names("kestrel", make_user("Lena Fischer", Role.LEAD)) == {
            "customers": ["Kestrel Foods"],
            "opportunities": ["Tell Kestrel's story at the fair"],
            "requests": ["Kestrel Rivals"],
            "cohorts": ["Kestrel and friends"],
        }

    def test_people_by_every_word_of_their_name_or_their_whole_address(self) -> None:
        rita = make_user("Rita Morgan", Role.MANAGER)
        assert names("bar in", rita) == {"advocates": ["Ines Barbosa"], "contacts": ["Inga Barlow"]}
        assert names("barbosa ines", rita) == {"advocates": ["Ines Barbosa"]}
        address = make_advocate("Omar Haddad").contact.email
        assert names(address.upper(), rita) == {"advocates": ["Omar Haddad"]}

    def test_a_requester_finds_their_own_requests_and_no_customers(self) -> None:
        mina = make_user("Mina Berg", Role.REQUESTER)
        assert names("kestrel", mina) == {}
        make_request(mina, prospect="Kestrel Rivals")
        assert names("kestrel", mina) == {"own_requests": ["Kestrel Rivals"]}

    def test_an_advocate_finds_what_is_open_to_them_and_no_people(self) -> None:
        omar = make_advocate("Omar Haddad")
        found = names("kestrel", omar.user)
        assert set(found) <= {"opportunities", "topics"}
        assert names("barbosa", omar.user) == {}

    def test_a_percent_sign_is_a_percent_sign(self) -> None:
        assert names("%%", make_user("Lena Fischer", Role.LEAD)) == {}

    def test_one_letter_is_too_little(self) -> None:
        assert finding.find("k", reader=make_user("Lena Fischer", Role.LEAD)) == []


@pytest.mark.usefixtures("program")
class TestThePage:
    def test_links_lead_to_the_pages(self, client: Client) -> None:
        client.force_login(make_user("Rita Morgan", Role.MANAGER))
        page = client.get("/search/", {"q": "kestrel"}).content.decode()
        for link in page.split('<div id="found"')[1].split('href="')[1:]:
            assert client.get(link.split('"')[0].replace("&amp;", "&")).status_code == 200

    def test_more_than_is_shown_leads_to_the_list(self, client: Client) -> None:
        for number in range(8):
            make_account(f"Kestrel {number}")
        client.force_login(make_user("Rita Morgan", Role.MANAGER))
        page = client.get("/search/", {"q": "kestrel"}).content.decode()
        assert page.count('href="' + reverse("advocates:customers")[:-1] + "/") >= finding.MOST
        assert "/customers/?q=kestrel" in page

    @pytest.mark.parametrize("words", ["", "a", "nobody at all", "\x00", "x" * 5000, "'; DROP TABLE"])
    def test_whatever_is_typed_is_answered(self, client: Client, words: str) -> None:
        client.force_login(make_user("Rita Morgan", Role.MANAGER))
        assert client.get("/search/", {"q": words}).status_code == 200

    def test_it_costs_the_same_however_much_there_is(self, client: Client, queries_of: Any) -> None:
        client.force_login(make_user("Rita Morgan", Role.MANAGER))
        few = queries_of(lambda: client.get("/search/", {"q": "kestrel"}))
        for number in range(5):
            make_advocate(f"Kestrel {number}", make_account(f"Kestrel {number}"))
            make_opportunity(f"Kestrel {number}")
            make_request(prospect=f"Kestrel {number}")
        assert queries_of(lambda: client.get("/search/", {"q": "kestrel"})) == few
