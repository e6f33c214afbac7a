"""Two clocks at work on the same surveys at the same moment ask everybody once (O9)."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from advocacy.delivery.models import Message
from advocates.models import Ask
from opportunities.actions import surveys
from opportunities.models import Survey, SurveyInvite
from tests.factories import NOON, make_account, make_advocate
from tests.opportunities.test_surveys import make_survey, say

pytestmark = pytest.mark.django_db(transaction=True)
CLOCKS = 3


def at_once(*deeds: Callable[[], Any]) -> list[str]:
    """All begin at the same moment; returns what broke."""
    barrier, broken = threading.Barrier(len(deeds)), list[str]()

    def one(deed: Callable[[], Any]) -> None:
        try:
            barrier.wait(10)
            deed()
        except Exception as problem:
            broken.append(repr(problem))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return broken


def members(number: int) -> None:
    account = None
    for place in range(number):
        account = account if place % 2 else make_account()
        make_advocate("Ines", account, user=False, joined_at=NOON - timedelta(days=30, hours=1))


def test_a_survey_reaches_each_once() -> None:
    members(12)
    Survey.objects.filter(kind="program").update(status="closed", closed_at=NOON)
    survey = make_survey()
    assert at_once(*[lambda: surveys.work(at=NOON)] * CLOCKS) == []
    surveys.work(at=NOON + timedelta(days=2))  # whoever a clock left behind when it gave way to another
    asked = list(SurveyInvite.objects.filter(survey=survey).values_list("contact", flat=True))
    assert len(asked) == len(set(asked)) == 12
    assert Message.objects.filter(kind="survey").count() == Ask.objects.count() == 12


def test_the_program_asks_about_itself_once() -> None:
    members(8)
    Survey.objects.all().delete()
    make_survey("How is the program for you?", kind="program", team=None)
    assert at_once(*[lambda: surveys.ask_about_the_program(at=NOON)] * CLOCKS) == []
    asked = list(SurveyInvite.objects.values_list("contact", "slot"))
    assert len(asked) == len(set(asked)) == 8
    assert Message.objects.filter(kind="survey").count() == Ask.objects.count() == 8


def test_two_answers_at_once_are_one_and_are_heard_once() -> None:
    members(1)
    survey = make_survey()
    surveys.work(at=NOON)
    invite = SurveyInvite.objects.select_related("survey").get(survey=survey)
    broken = at_once(*[lambda: say(invite, 9, "The night plans")] * 2)
    assert all("answered this already" in one for one in broken) and len(broken) <= 1
    assert invite.answers.count() == 2
    assert survey.feedback.count() == 1
