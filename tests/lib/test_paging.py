"""Lists paged by key: every row once, both ways, whatever arrives meanwhile."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advocacy.crm.models import Signal
from advocacy.lib.paging import page_by_key, token
from tests.factories import NOON, make_account, make_signal

ORDER = ("-occurred_at", "-pk")


@pytest.fixture
def signals(db):
    account = make_account()
    # Three of each moment: the second column has to decide.
    return [make_signal("renewed", account, at=NOON + timedelta(hours=number // 3)) for number in range(20)]


def walk(order, size=6):
    pages, query = [], {}
    while True:
        page = page_by_key(Signal.objects.all(), order, query, size=size)
        pages.append(page)
        if not page.next:
            return pages
        query = {"after": page.next}


@pytest.mark.parametrize("order", [ORDER, ("occurred_at", "pk"), ("-occurred_at", "pk"), ("pk",)])
def test_every_row_is_seen_once_in_order(signals, order):
    seen = [row.pk for page in walk(order) for row in page.items]
    assert seen == list(Signal.objects.order_by(*order).values_list("pk", flat=True))


def test_the_way_back_shows_the_same_pages(signals):
    there = walk(ORDER)
    back, query = [there[-1]], {"before": there[-1].previous}
    while query["before"]:
        page = page_by_key(Signal.objects.all(), ORDER, query, size=6)
        back.append(page)
        query = {"before": page.previous}
    assert [[row.pk for row in page.items] for page in back[::-1]] == [[row.pk for row in page.items] for page in there]


def test_a_row_that_arrives_meanwhile_repeats_none(signals):
    first = page_by_key(Signal.objects.all(), ORDER, {}, size=6)
    make_signal("renewed", signals[0].account, at=NOON + timedelta(days=9))
    second = page_by_key(Signal.objects.all(), ORDER, {"after": first.next}, size=6)
    assert not {row.pk for row in first.items} & {row.pk for row in second.items}
    assert not first.previous and second.previous


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "%%%",
        "W10",
        "WyJhIl0",
        "WyJub3QgYSBkYXRlIiwxXQ",
        "W251bGwsbnVsbF0",
        token(type("R", (), {"pk": 1}), ["pk"]),
        "A" * 5000,
    ],
)
def test_a_token_that_is_not_ours_opens_the_first_page(signals, text):
    page = page_by_key(Signal.objects.all(), ORDER, {"after": text}, size=6)
    assert page.items[0] == Signal.objects.order_by(*ORDER)[0]


@given(st.lists(st.one_of(st.integers(), st.text(), st.none(), st.floats(), st.booleans()), max_size=3))
def test_no_token_is_an_error(values):
    import base64
    import json

    text = base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")
    page_by_key(Signal.objects.none(), ORDER, {"after": text}, size=6)
    page_by_key(Signal.objects.none(), ("pk",), {"before": text}, size=6)


def test_the_last_page_walks_the_index(signals, django_assert_num_queries):
    last = walk(ORDER)[-2]
    with django_assert_num_queries(1):
        page_by_key(Signal.objects.all(), ORDER, {"after": last.next}, size=6)
