"""Fixtures for all tests. The services come from ``tests/services_plugin.py``, the cast from ``tests/factories.py``."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

WITHOUT_ROLLBACK = {"transactional_db", "live_server", "portal"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that commits empties every table behind it; each of them finds the rows that migrations made again."""
    for item in items:
        names = getattr(item, "fixturenames", [])
        mark = item.get_closest_marker("django_db")
        commits = bool(mark and mark.kwargs.get("transaction")) or not WITHOUT_ROLLBACK.isdisjoint(names)
        if commits and "django_db_serialized_rollback" not in names:
            names.insert(0, "django_db_serialized_rollback")


@pytest.fixture(autouse=True)
def _one_way_out() -> Iterator[None]:
    """Whatever a test makes the portal do, no mail leaves but from the outbox: that mark is on each of its mails."""
    yield
    strays = [one.subject for one in getattr(mail, "outbox", []) if "Feedback-ID" not in one.extra_headers]
    assert not strays, f"sent past the outbox: {strays}"


QueriesOf = Callable[[Callable[[], Any]], int]


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """No test sees what another one cached or how often it tried to sign in."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def queries_of(db: None) -> QueriesOf:
    """How many queries a call costs: ``queries_of(partial(client.get, url))``.

    The call is made once before it is counted, so that what is cached for good (content types, the site's settings)
    does not make the first of two counts larger. A page that does not answer 2xx is a mistake in the test.
    """

    def count(call: Callable[[], Any]) -> int:
        for _warm in range(1):
            _sound(call())
        with CaptureQueriesContext(connection) as captured:
            _sound(call())
        return len(captured)

    return count


def _sound(answer: Any) -> None:
    status = getattr(answer, "status_code", 200)
    assert status < 300, f"The page answered {status}; its queries say nothing."
