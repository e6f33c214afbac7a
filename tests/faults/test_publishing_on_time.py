"""A scheduled post is published on time and once: by two clocks, by one killed in the middle, by many at once."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from advocacy.lib.lifecycle import IllegalMove
from advocacy.users.models import Role, User
from community.models import Space, Topic
from newsletter.actions import calendar as actions
from newsletter.models import Entry
from tests.factories import make_user
from tests.faults.plant import Portal, wait_until

pytestmark = [pytest.mark.fault, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def maya() -> User:
    return make_user("Maya", Role.MODERATOR)


@pytest.fixture
def space() -> Space:
    return Space.objects.create(slug="fault-rollouts", name="Rollouts")


def approved(maya: User, space: Space, number: int = 1) -> list[Entry]:
    """Posts whose hour has just come."""
    now = timezone.now()
    return [
        Entry.objects.create(
            title=f"Post {each}", body="Words.", space=space, owner=maya, status="approved", approved_at=now,
            due_at=now - timedelta(minutes=1),
        )
        for each in range(number)
    ]  # fmt: skip


def somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_two_clocks_publish_each_once(portal: Portal, maya: User, space: Space) -> None:
    approved(maya, space, 12)
    clocks = [portal.clock(CLOCK_SECONDS="0.05") for _n in range(2)]
    wait_until(lambda: Topic.objects.count() >= 12, 60, every=0.1, what="the posts")
    time.sleep(2)
    assert [clock.lives() for clock in clocks] == [True, True]
    assert sorted(Topic.objects.values_list("title", flat=True)) == sorted(f"Post {n}" for n in range(12))
    assert set(Entry.objects.values_list("status", flat=True)) == {"published"}


def test_killed_in_the_middle_another_clock_publishes_it_once(portal: Portal, maya: User, space: Space) -> None:
    approved(maya, space)
    with transaction.atomic():
        Space.objects.select_for_update().get(pk=space.pk)  # the clock gets as far as the topic, and waits here
        clock = portal.clock(CLOCK_SECONDS="0.1")
        wait_until(somebody_waits_for_a_lock, 40, every=0.05, what="the clock in the middle of it")
        clock.kill()
        assert Entry.objects.get().status == "approved"
    assert not Topic.objects.exists()
    for _n in range(2):
        portal.clock(CLOCK_SECONDS="0.1")
    wait_until(Topic.objects.exists, 90, every=0.2, what="the post")
    wait_until(lambda: Entry.objects.get().status == "published", 10, what="the mark")
    time.sleep(2)
    assert Topic.objects.count() == 1


@pytest.mark.parametrize("locked", [True, False], ids=["as it is", "without the lock"])
def test_eight_at_the_same_moment(maya: User, space: Space, monkeypatch: pytest.MonkeyPatch, locked: bool) -> None:
    """Without the lock the race is there, and the move that only one can make still keeps it at one topic."""
    (entry,) = approved(maya, space)
    if not locked:
        monkeypatch.setattr(
            actions, "_locked", lambda one: Entry.objects.select_related("space", "owner").get(pk=one.pk)
        )
    together, refused = threading.Barrier(8), []

    def publish() -> None:
        try:
            together.wait(10)
            actions.publish(entry, at=timezone.now())
        except IllegalMove as problem:
            refused.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=publish) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Topic.objects.count() == 1
    assert Entry.objects.get().topic == Topic.objects.get()
    assert bool(refused) is not locked
