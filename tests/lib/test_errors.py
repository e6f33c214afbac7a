"""Error pages: own words, a way on, and no database when that is what is away."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from advocacy.lib import errors
from tests.factories import make_user

PAGES = [
    (400, errors.bad_request),
    (403, errors.forbidden),
    (404, errors.not_found),
    (429, errors.too_many),
    (500, errors.server_error),
]


class TestErrorPages:
    @pytest.mark.parametrize(("status", "page"), PAGES, ids=[str(status) for status, _page in PAGES])
    def test_each_has_its_own_words_and_a_way_on(self, rf: RequestFactory, status: int, page: object) -> None:
        # No ``db`` fixture: a query would fail the test, as it would fail the page when Postgres is away.
        answer = page(rf.get("/somewhere/?q=1"))  # type: ignore[operator]
        html = answer.content.decode()
        assert answer.status_code == status
        assert f">{status}<" in html
        assert '<a class="btn" href="/">' in html
        assert html.count('class="btn') == 2

    def test_they_all_say_something_else(self, rf: RequestFactory) -> None:
        titles = {page(rf.get("/")).content.decode().split("<title>")[1].split("<")[0] for _status, page in PAGES}  # type: ignore[operator]
        assert len(titles) == len(PAGES)

    def test_conflict_says_what_happened(self, rf: RequestFactory) -> None:
        answer = errors.conflict(rf.get("/"), "Omar took the last seat.")
        assert answer.status_code == 409
        assert "Omar took the last seat." in answer.content.decode()

    def test_a_refusal_in_words_reaches_the_person(self, rf: RequestFactory) -> None:
        assert "Ask Lena." in errors.forbidden(rf.get("/"), PermissionDenied("Ask Lena.")).content.decode()

    def test_words_in_a_refusal_are_escaped(self, rf: RequestFactory) -> None:
        assert "<script>" not in errors.forbidden(rf.get("/"), PermissionDenied("<script>")).content.decode()

    def test_an_address_that_is_not_there(self, client: Client, db: None) -> None:
        answer = client.get("/nothing/of/the/kind/")
        assert answer.status_code == 404
        assert "There is nothing here" in answer.content.decode()

    def test_only_who_is_signed_in_is_somebody_else(self, client: Client, db: None) -> None:
        assert "somebody else" not in client.get("/nothing/").content.decode()
        client.force_login(make_user("Ines"))
        assert "Sign in as somebody else" in client.get("/nothing/").content.decode()

    def test_a_page_of_another_role(self, client: Client, db: None) -> None:
        client.force_login(make_user("Ines", "advocate"))
        answer = client.get("/look/")
        assert answer.status_code == 403
        assert "Your role does not include" in answer.content.decode()

    def test_a_form_that_had_grown_old(self, db: None) -> None:
        client = Client(enforce_csrf_checks=True)
        answer = client.post("/accounts/login/", {"login": "ines@customer.test", "password": "x"})
        assert answer.status_code == 403
        assert "reload the page" in answer.content.decode()

    def test_an_error_in_a_view_is_our_page(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        from advocacy.lib import charts

        def broken(*args: object, **kwargs: object) -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr(charts, "bars", broken)
        client = Client(raise_request_exception=False)
        client.force_login(make_user("Rita", "manager"))
        answer = client.get("/look/")
        assert answer.status_code == 500
        assert "That went wrong on our side" in answer.content.decode()
        assert "a bug" not in answer.content.decode()

    def test_no_error_page_asks_the_database(self, client: Client, db: None) -> None:
        request = RequestFactory().get("/")
        with CaptureQueriesContext(connection) as captured:
            errors.server_error(request)
            errors.not_found(request)
        assert len(captured) == 0
