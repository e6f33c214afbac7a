"""P12: nominations nobody has answered come up on Today a day before silence moves on, and go with the answer."""

from datetime import timedelta
from typing import Any

import pytest

from advocacy.users.models import Role
from advocates.actions import care
from advocates.models import Task
from opportunities import jobs
from opportunities.actions import desk
from opportunities.models import Nomination
from tests.factories import NOON, make_advocate, make_request, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def asked() -> Nomination:
    rita = make_user("Rita Morgan", Role.MANAGER)
    request = make_request(prospect="Blue Harbour", manager=rita)
    return Nomination.objects.create(
        request=request, advocate=make_advocate("Ines Barbosa"), asked_at=NOON, answer_by=NOON + 3 * DAY
    )


def look(*, after: timedelta) -> list[Any]:
    jobs.desk.remind_of_ageing_nominations(at=NOON + after)
    return list(Task.objects.filter(done_at__isnull=True))


class TestAgeing:
    def test_comes_up_a_day_before_the_time_is_over_and_once(self, asked: Nomination) -> None:
        assert look(after=2 * DAY - timedelta(minutes=1)) == []
        (task,) = look(after=2 * DAY)
        assert (task.kind, task.assignee, task.advocate) == ("nomination", asked.request.manager, asked.advocate)
        assert "Ines Barbosa has not answered about Blue Harbour" in task.text
        assert look(after=2 * DAY + timedelta(hours=1)) == [task]

    def test_is_ticked_once_they_were_called_and_does_not_come_again(self, asked: Nomination) -> None:
        (task,) = look(after=2 * DAY)
        care.do_task(task, by=asked.request.manager, at=NOON + 2 * DAY)
        assert look(after=2 * DAY + timedelta(hours=1)) == []

    @pytest.mark.parametrize("answer", ["accepted", "declined", "recalled", "expired"])
    def test_goes_with_the_answer(self, asked: Nomination, answer: str) -> None:
        look(after=2 * DAY)
        Nomination.objects.update(status=answer, answered_at=NOON + 2 * DAY)
        assert look(after=2 * DAY + timedelta(minutes=30)) == []

    def test_goes_when_the_time_is_over(self, asked: Nomination) -> None:
        look(after=2 * DAY)
        assert look(after=3 * DAY) == []

    def test_who_was_asked_today_is_left_alone(self, asked: Nomination) -> None:
        Nomination.objects.update(asked_at=NOON + 2 * DAY)
        assert look(after=2 * DAY + timedelta(hours=1)) == []

    def test_asked_again_it_comes_again(self, asked: Nomination) -> None:
        (first,) = look(after=2 * DAY)
        Nomination.objects.update(asked_at=NOON + 5 * DAY, answer_by=NOON + 8 * DAY)
        (second,) = look(after=7 * DAY)
        assert first.pk != second.pk

    def test_goes_along_when_the_request_is_handed_over(self, asked: Nomination) -> None:
        look(after=2 * DAY)
        mina = make_user("Mina Berg", Role.MANAGER)
        desk.assign(asked.request, to=mina, by=mina, at=NOON + 2 * DAY)
        assert Task.objects.get().assignee == mina
