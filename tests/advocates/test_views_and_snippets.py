"""P12: filtered lists kept under a name, and words used again and again."""

import re
from html import unescape
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, SavedView, User
from advocacy.users.saving import kept_of, save_view
from advocates import snippets
from advocates.models import Snippet
from tests.factories import NOON, make_account, make_advocate, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


class TestSavedViews:
    def test_a_filter_is_kept_and_opened_again(self, client: Client, rita: User) -> None:
        client.force_login(rita)
        page = client.get("/advocates/", {"status": "left", "region": "Europe", "after": "token"}).content.decode()
        (address,) = re.findall(r'hx-get="(/views/[^"]+)"', page)
        offered = client.get(unescape(address)).content.decode()
        assert 'name="query" value="region=Europe&amp;status=left"' in offered
        kept = {"name": "Left in Europe", "path": "/advocates/", "query": "status=left&region=Europe&after=x"}
        told = client.post("/views/save/", kept, follow=True)
        assert told.redirect_chain[-1][0] == "/advocates/?region=Europe&status=left"
        assert "Left in Europe" in client.get("/views/", {"path": "/advocates/"}).content.decode()
        assert "Left in Europe" not in client.get("/views/", {"path": "/customers/"}).content.decode()

    def test_the_order_of_the_address_does_not_matter(self) -> None:
        assert (
            kept_of(QueryDict("b=2&a=1&a=0&after=x&as=csv&empty="))
            == kept_of(QueryDict("a=0&b=2&a=1"))
            == "a=0&a=1&b=2"
        )

    def test_the_same_name_is_written_over(self, rita: User) -> None:
        for region in ("Europe", "Asia"):
            save_view(rita, name="Mine", path="/advocates/", query=f"region={region}")
        assert SavedView.objects.get().query == "region=Asia"

    @pytest.mark.parametrize(
        ("path", "query", "says"),
        [
            ("/advocates/", "", "Choose a filter first"),
            ("/advocates/", "after=x", "Choose a filter first"),
            ("//evil.example/", "a=1", "no page of yours"),
            ("https://evil.example/", "a=1", "no page of yours"),
            ("/nowhere/", "a=1", "no page of yours"),
            ("/rules/", "a=1", "no page of yours"),
            ("/advocates/", "a=" + "x" * 1_500, "too long"),
        ],
    )
    def test_what_is_no_view_of_theirs_is_refused_in_words(
        self, client: Client, rita: User, path: str, query: str, says: str
    ) -> None:
        client.force_login(rita)
        told = client.post("/views/save/", {"name": "x", "path": path, "query": query}, follow=True)
        assert says in told.content.decode()
        assert not told.redirect_chain[0][0].startswith(("//", "http"))
        assert not SavedView.objects.exists()

    def test_only_ones_own_are_seen_and_removed(self, client: Client, rita: User) -> None:
        view = save_view(rita, name="Mine", path="/advocates/", query="region=Asia")
        client.force_login(make_user("Mina Berg", Role.MANAGER))
        assert ">Mine</a>" not in client.get("/views/", {"path": "/advocates/"}).content.decode()
        assert client.post(f"/views/{view.pk}/remove/").status_code == 404
        client.force_login(rita)
        client.post(f"/views/{view.pk}/remove/")
        assert not SavedView.objects.exists()

    def test_the_queue_of_the_desk_has_them_too(self, client: Client, rita: User) -> None:
        client.force_login(rita)
        queue = "/admin/opportunities/referencerequest/"
        assert "/views/?path=%2Fadmin%2Fopportunities" in client.get(queue).content.decode()
        told = client.post("/views/save/", {"name": "New ones", "path": queue, "query": "view=new"}, follow=True)
        assert told.redirect_chain[-1][0] == f"{queue}?view=new"


class TestSnippets:
    def add(
        self, by: User, name: str = "After a call", text: str = "Dear {given_name}", shared: bool = False
    ) -> Snippet:
        return snippets.save(None, name=name, text=text, shared=shared, at=NOON, by=by)

    def test_stand_beside_the_thanks_filled_in_for_this_person(self, client: Client, rita: User) -> None:
        self.add(rita, text="Dear {given_name}, how are things at {account}? {manager}")
        ines = make_advocate("Ines Barbosa", make_account("Kestrel & Co"))
        client.force_login(rita)
        page = client.get(f"/advocates/{ines.public_id}/").content.decode()
        assert 'data-inserts="Dear Ines, how are things at Kestrel &amp; Co? Rita Morgan"' in page

    def test_a_merge_field_nobody_knows_is_refused_and_nothing_typed_is_lost(self, client: Client, rita: User) -> None:
        client.force_login(rita)
        told = client.post("/snippets/", {"name": "Hello", "text": "Dear {first_name}"})
        assert told.status_code == 422
        assert "“{first_name}” is not a merge field" in told.content.decode()
        assert "Dear {first_name}" in told.content.decode()

    def test_the_teams_are_changed_by_leads_only(self, client: Client, rita: User) -> None:
        lena = make_user("Lena Fischer", Role.LEAD)
        shared = self.add(lena, shared=True)
        with pytest.raises(Refused, match="Only leads"):
            self.add(rita, name="Mine", shared=True)
        with pytest.raises(Refused, match="Only leads"):
            snippets.remove(shared, by=rita)
        client.force_login(rita)
        assert "After a call" in client.get("/snippets/").content.decode()
        assert client.post(f"/snippets/{shared.pk}/", {"name": "x", "text": "y"}).status_code == 422
        shared.refresh_from_db()
        assert shared.text == "Dear {given_name}"

    def test_ones_own_are_nobody_elses(self, client: Client, rita: User) -> None:
        own = self.add(rita)
        client.force_login(make_user("Lena Fischer", Role.LEAD))
        assert client.get(f"/snippets/{own.pk}/").status_code == 404

    def test_one_name_once_for_each_of_us(self, rita: User) -> None:
        lena: Any = make_user("Lena Fischer", Role.LEAD)
        self.add(rita)
        self.add(lena, shared=True)
        with pytest.raises(Refused, match="already"):
            self.add(rita, name="AFTER A CALL")
        with pytest.raises(Refused, match="already"):
            self.add(lena, shared=True)

    def test_is_removed_from_its_page(self, client: Client, rita: User) -> None:
        own = self.add(rita)
        client.force_login(rita)
        client.post(f"/snippets/{own.pk}/", {"do": "remove"})
        assert not Snippet.objects.exists()
