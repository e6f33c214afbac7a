"""Surveys: asked within the one budget, answered a question at a time, told what came of it (O9)."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as st

from advocacy.crm import consent, readiness
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.models import Activity, Signal
from advocacy.delivery import rendering
from advocacy.delivery.models import Message, Notification
from advocacy.lib.lifecycle import Refused
from advocates import budget
from advocates.models import Advocate, Ask, AskCap, AwayPeriod
from opportunities import surveys as rules
from opportunities.actions import surveys
from opportunities.models import Feedback, Survey, SurveyAnswer, SurveyInvite
from tests.factories import NOON, make_account, make_advocate, make_team, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SCORE = {"key": "score", "label": "Would you recommend us?", "type": "ten", "required": True}
WHY = {"key": "why", "label": "What is the main reason?", "type": "text", "required": False}
STARS = {"key": "stars", "label": "How satisfied are you?", "type": "five", "required": True}
PICK = {"key": "pick", "label": "Which would help most?", "type": "choice", "required": True,
        "choices": ["Night plans", "A better export"]}  # fmt: skip


def make_survey(title: str = "How are we doing?", **fields: Any) -> Survey:
    fields = {"kind": "nps", "questions": [SCORE, WHY], "team": make_team("Product"), **fields}
    if fields.get("status", "open") == "open":
        fields.setdefault("status", "open")
        fields.setdefault("opened_at", NOON - DAY)
    return Survey.objects.create(title=title, scored=rules.scored(Survey(**fields)), **fields)


def asked(advocate: Advocate, survey: Survey | None = None, **more: Any) -> SurveyInvite:
    return surveys.ask(advocate.contact, survey or make_survey(), at=more.pop("at", NOON), **more)


def say(invite: SurveyInvite, *given: Any, at: Any = NOON, finish: bool = True) -> None:
    """Answer question by question, and say that this was all."""
    for question, one in zip(rules.questions(invite.survey), given, strict=False):
        surveys.answer(invite, question, str(one), at=at)
    if finish:
        surveys.finish(invite, at=at)


class TestAsking:
    def test_everybody_it_is_for_is_asked_once_by_one_mail(self) -> None:
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        make_survey()
        assert surveys.work(at=NOON) == 2
        assert surveys.work(at=NOON + 2 * DAY) == 0
        assert set(SurveyInvite.objects.values_list("contact", flat=True)) == {ines.contact_id, omar.contact_id}
        assert Message.objects.filter(kind="survey", purpose=Purpose.SURVEYS).count() == 2
        assert Activity.objects.filter(deed=Deed.SURVEYED).count() == 2

    def test_it_is_an_ask_in_the_one_budget(self) -> None:
        ines = make_advocate("Ines")
        asked(ines)
        ask = Ask.objects.get(advocate=ines)
        assert (ask.channel, ask.kind) == ("survey", "survey")
        assert not budget.availability(ines, at=NOON + DAY).is_open

    def test_whoever_rests_is_asked_in_a_later_round(self) -> None:
        ines = make_advocate("Ines")
        budget.ask(ines, channel="desk", source_id="1", kind="reference-call", at=NOON - DAY)
        survey = make_survey()
        assert surveys.work(at=NOON) == 0
        survey.refresh_from_db()
        assert survey.left_out in ({"resting": 1}, {"pending": 1})
        assert surveys.work(at=NOON + timedelta(hours=1)) == 0
        assert surveys.work(at=NOON + 60 * DAY) == 1

    def test_nobody_is_asked_past_a_cap_or_away_or_never_this_kind(self) -> None:
        AskCap.objects.all().delete()
        AskCap.objects.create(scope="account", most=1, days=90)
        account = make_account()
        make_advocate("Ines", account)
        make_advocate("Mei", account)
        away = make_advocate("Omar")
        AwayPeriod.objects.create(advocate=away, starts_on=NOON.date(), ends_on=NOON.date() + 9 * DAY)
        make_advocate("Tom", never=["survey"])
        make_survey()
        assert surveys.work(at=NOON) == 1

    def test_without_consent_membership_or_an_open_survey_nobody_is_asked(self) -> None:
        survey = make_survey()
        quiet = make_advocate("Ines", consents=[Purpose.PROGRAM_MAIL])
        invited = make_advocate("Omar", status=Advocate.Status.INVITED)
        for one, said in ((quiet, "not agreed"), (invited, "not a member")):
            with pytest.raises(Refused, match=said):
                asked(one, survey)
        surveys.close(survey, at=NOON)
        with pytest.raises(Refused, match="not open"):
            asked(make_advocate("Mei"), survey)
        assert surveys.work(at=NOON) == 0
        assert not Message.objects.filter(kind="survey").exists()

    def test_only_the_cohort_as_it_was_described_when_it_opened(self) -> None:
        from advocates.models import Cohort

        make_advocate("Ines", make_account(region="Europe"))
        make_advocate("Omar", make_account(region="Asia"))
        cohort = Cohort.objects.create(
            name="Europe", definition={"all": [{"fact": "account.region", "value": ["Europe"]}]}
        )
        survey = make_survey(status="draft", cohort=cohort)
        surveys.open_up(survey, at=NOON)
        Cohort.objects.update(definition={"all": []})
        assert surveys.work(at=NOON) == 1

    def test_two_clocks_and_a_kill_in_between_ask_each_once(self, monkeypatch: Any) -> None:
        for name in ("Ines", "Omar", "Mei"):
            make_advocate(name)
        survey = make_survey()
        calls: Counter[str] = Counter()
        real = surveys._step

        def killed_after_two(*given: Any, **more: Any) -> Any:
            calls["steps"] += 1
            if calls["steps"] == 3:
                raise RuntimeError("killed")
            return real(*given, **more)

        monkeypatch.setattr(surveys, "_step", killed_after_two)
        with pytest.raises(RuntimeError):
            surveys.work(at=NOON)
        monkeypatch.setattr(surveys, "_step", real)
        # Another clock has read the same place in the round, and comes too late with it.
        place = Survey.objects.get(pk=survey.pk).cursor
        assert surveys.work(at=NOON) == 1
        last = SurveyInvite.objects.order_by("pk")[2]
        assert real(survey.pk, place, last.contact, at=NOON) is None
        assert SurveyInvite.objects.count() == Message.objects.filter(kind="survey").count() == 3

    def test_a_mail_that_cannot_leave_was_no_ask(self) -> None:
        ines = make_advocate("Ines")
        invite = asked(ines)
        Message.objects.update(status="suppressed")
        surveys.follow_mails(at=NOON + DAY)
        assert Ask.objects.get().released_at
        assert rules.responses([invite.survey_id])[invite.survey_id].reached == 0
        say(invite, 9, "All well")  # they find it at home all the same
        assert rules.responses([invite.survey_id])[invite.survey_id].rate == 1

    def test_whoever_has_not_answered_is_reminded_once_and_it_is_no_other_ask(self) -> None:
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        for one in (ines, omar):
            asked(one, Survey.objects.filter(title="How are we doing?").first())
        say(SurveyInvite.objects.get(contact=omar.contact), 9)
        assert surveys.remind(at=NOON + 6 * DAY) == 0
        assert [surveys.remind(at=NOON + days * DAY) for days in (7, 8, 20)] == [1, 0, 0]
        reminder = Message.objects.get(kind="survey_reminder")
        assert reminder.contact == ines.contact and reminder.purpose == Purpose.SURVEYS and reminder.counts
        assert rendering.render(reminder).subject.startswith("Still open:")
        assert Ask.objects.filter(advocate=ines).count() == 1
        say(SurveyInvite.objects.get(contact=ines.contact), 7, at=NOON + 8 * DAY)
        reminder.refresh_from_db()
        assert reminder.status == "cancelled"

    def test_who_rests_is_away_or_has_taken_it_back_is_not_reminded(self) -> None:
        survey = make_survey()
        ines, omar, mei, noa = (make_advocate(name) for name in ("Ines", "Omar", "Mei", "Noa"))
        for one in (ines, omar, mei, noa):
            asked(one, survey)
        consent.withdraw(ines.contact, Purpose.SURVEYS, at=NOON + DAY, source="test")
        AwayPeriod.objects.create(advocate=omar, starts_on=NOON.date(), ends_on=NOON.date() + 9 * DAY)
        readiness.pause(mei.contact.account, reason="Escalation", by=None, at=NOON + DAY, key="escalation")
        Advocate.objects.filter(pk=noa.pk).update(status=Advocate.Status.LEFT, left_at=NOON + DAY)
        assert surveys.remind(at=NOON + 8 * DAY) == 0
        assert surveys.remind(at=NOON + 10 * DAY) == 1, "Omar is back"

    def test_a_closed_survey_calls_back_what_waits(self) -> None:
        survey = make_survey(closes_at=NOON + DAY)
        ines = make_advocate("Ines")
        asked(ines, survey)
        surveys.close_over(at=NOON + 2 * DAY)
        surveys.follow_mails(at=NOON + 2 * DAY)
        survey.refresh_from_db()
        assert survey.status == "closed"
        assert Message.objects.get(kind="survey").status == "cancelled"
        assert Ask.objects.get().released_at


class TestTheProgramAsksAboutItself:
    @pytest.mark.parametrize(("days", "slot"), [(30, "day-30"), (90, "day-90"), (365, "year-1"), (731, "year-2")])
    def test_at_30_and_90_days_and_every_year(self, days: int, slot: str) -> None:
        make_advocate("Ines", at=NOON - timedelta(days=days), joined_at=NOON - timedelta(days=days, hours=1))
        assert surveys.ask_about_the_program(at=NOON) == 1
        assert SurveyInvite.objects.get().slot == slot
        assert surveys.ask_about_the_program(at=NOON) == 0
        assert surveys.ask_about_the_program(at=NOON + DAY) == 0

    @pytest.mark.parametrize("days", [1, 29, 60, 200, 364])
    def test_and_at_no_other_time(self, days: int) -> None:
        make_advocate("Ines", joined_at=NOON - timedelta(days=days))
        assert surveys.ask_about_the_program(at=NOON) == 0

    def test_whoever_is_away_on_the_day_is_asked_when_back(self) -> None:
        ines = make_advocate("Ines", joined_at=NOON - timedelta(days=30, hours=1))
        AwayPeriod.objects.create(advocate=ines, starts_on=NOON.date(), ends_on=NOON.date() + 5 * DAY)
        assert surveys.ask_about_the_program(at=NOON) == 0
        assert surveys.ask_about_the_program(at=NOON + 8 * DAY) == 1

    def test_it_waits_for_an_answer_for_two_months(self) -> None:
        make_advocate("Ines", joined_at=NOON - timedelta(days=30, hours=1))
        surveys.ask_about_the_program(at=NOON)
        invite = SurveyInvite.objects.select_related("survey").get()
        assert SurveyInvite.objects.waiting(at=NOON + 59 * DAY).exists()
        assert not SurveyInvite.objects.waiting(at=NOON + 61 * DAY).exists()
        with pytest.raises(Refused, match="closed on 9 May 2026"):
            say(invite, 9, at=NOON + 61 * DAY)

    def test_questions_written_anew_do_not_ask_again(self) -> None:
        make_advocate("Ines", joined_at=NOON - timedelta(days=30, hours=1))
        assert surveys.ask_about_the_program(at=NOON) == 1
        surveys.close(Survey.objects.get(kind="program"), at=NOON)
        new = make_survey(kind="program", status="draft", team=None)
        surveys.open_up(new, at=NOON)
        assert surveys.ask_about_the_program(at=NOON + DAY) == 0

    def test_only_one_is_open(self) -> None:
        with pytest.raises(Refused, match="Another survey about the program"):
            surveys.open_up(make_survey(kind="program", status="draft", team=None), at=NOON)

    def test_what_is_said_of_it_is_no_signal(self) -> None:
        make_advocate("Ines", joined_at=NOON - timedelta(days=30, hours=1))
        surveys.ask_about_the_program(at=NOON)
        say(SurveyInvite.objects.select_related("survey").get(), 2, "Too many mails")
        assert not Signal.objects.exists()


class TestAnswering:
    def test_an_nps_is_heard_once_as_a_signal_with_its_value(self) -> None:
        ines = make_advocate("Ines")
        say(asked(ines), 9, "The night plans")
        signal = Signal.objects.get()
        assert (signal.kind, int(signal.value or 0), signal.contact_id) == ("nps", 9, ines.contact_id)
        assert Ask.objects.get().answered_at == NOON
        assert Activity.objects.filter(deed=Deed.FEEDBACK_GIVEN).count() == 1

    def test_a_csat_is_heard_of_the_account(self) -> None:
        ines = make_advocate("Ines")
        say(asked(ines, make_survey(kind="csat", questions=[STARS])), 4)
        signal = Signal.objects.get()
        assert (signal.kind, int(signal.value or 0), signal.account_id) == ("csat", 4, ines.contact.account_id)

    def test_without_names_nothing_is_heard(self) -> None:
        say(asked(make_advocate("Ines"), make_survey(shows_names=False)), 2, "Slow")
        assert not Signal.objects.exists()
        assert not Activity.objects.filter(deed=Deed.FEEDBACK_GIVEN).exists()

    def test_an_answer_can_be_changed_until_the_end_and_not_after(self) -> None:
        invite = asked(make_advocate("Ines"))
        say(invite, 3, finish=False)
        assert not Signal.objects.exists()
        say(invite, 8)
        assert Signal.objects.get().value == 8
        with pytest.raises(Refused, match="answered this already"):
            say(invite, 1)
        assert SurveyAnswer.objects.get().number == 8

    def test_whoever_begins_and_leaves_is_taken_at_their_word_a_day_later(self) -> None:
        invite = asked(make_advocate("Ines"))
        say(invite, 3, finish=False)
        surveys.finish_begun(at=NOON + timedelta(hours=2))
        assert not Signal.objects.exists()
        surveys.finish_begun(at=NOON + 2 * DAY)
        surveys.finish_begun(at=NOON + 3 * DAY)
        assert Signal.objects.get().value == 3

    def test_what_must_be_answered_is_asked_for(self) -> None:
        invite = asked(make_advocate("Ines"))
        with pytest.raises(Refused, match="Would you recommend us"):
            surveys.finish(invite, at=NOON)

    @pytest.mark.parametrize("given", ["11", "-1", "seven", "7.5", "٧", "", "\x00", "9" * 30])
    def test_what_is_not_on_the_scale_is_no_answer(self, given: str) -> None:
        invite = asked(make_advocate("Ines"))
        surveys.answer(invite, rules.questions(invite.survey)[0], given, at=NOON)
        assert not SurveyAnswer.objects.exists()

    def test_words_go_to_the_team_they_are_for(self) -> None:
        pia = make_user("Pia", "requester")
        survey = make_survey()
        make_team("Product").members.add(pia)
        say(asked(make_advocate("Ines"), survey), 9, "The night plans")
        say(asked(make_advocate("Omar"), survey), 6)  # no words
        assert Feedback.objects.get().team == survey.team
        assert Notification.objects.filter(user=pia, kind="survey_words").count() == 1


class TestWhatCameOfIt:
    @pytest.fixture
    def words(self) -> Feedback:
        say(asked(make_advocate("Ines")), 6, "The export is slow")
        return Feedback.objects.get()

    @pytest.mark.parametrize(("status", "mails"), [("looking", 0), ("done", 1), ("not_now", 1)])
    def test_whoever_gave_it_is_told(self, words: Feedback, status: str, mails: int) -> None:
        lena = make_user("Lena", "lead")
        surveys.follow_up(words, status=status, note="Twice as fast since March.", by=lena, at=NOON + DAY)
        assert Message.objects.filter(kind="survey_outcome", contact=words.answer.invite.contact).count() == mails
        assert Notification.objects.filter(user=words.answer.invite.contact.advocate.user, kind="feedback").count() == 1

    def test_what_is_over_has_a_word_on_what_came_of_it(self, words: Feedback) -> None:
        with pytest.raises(Refused, match="Say what came of it"):
            surveys.follow_up(words, status="done", note=" ", by=None, at=NOON)
        assert not Message.objects.filter(kind="survey_outcome").exists()

    def test_what_is_done_stays_done(self, words: Feedback) -> None:
        surveys.follow_up(words, status="not_now", note="After the summer.", by=None, at=NOON)
        surveys.follow_up(words, status="done", note="It is there.", by=None, at=NOON + DAY)
        with pytest.raises(Refused):
            surveys.follow_up(words, status="looking", note="", by=None, at=NOON + 2 * DAY)
        assert Message.objects.filter(kind="survey_outcome").count() == 2

    def test_of_a_survey_without_names_the_outbox_does_not_tell_the_words(self) -> None:
        say(asked(make_advocate("Ines"), make_survey(shows_names=False)), 6, "Our boss hates it")
        surveys.follow_up(Feedback.objects.get(), status="done", note="Talked to her boss.", by=None, at=NOON)
        assert "boss" not in str(Message.objects.get(kind="survey_outcome").params)


class TestTheNumbers:
    @given(st.lists(st.integers(0, 10), max_size=60))
    def test_an_nps_is_the_share_of_promoters_less_that_of_detractors(self, scores: list[int]) -> None:
        found = rules.nps(Counter(scores))
        if found is None:
            assert not scores
            return
        more, less = rules.nps(Counter([*scores, 10])), rules.nps(Counter([*scores, 0]))
        assert more is not None and less is not None
        nines = [score for score in scores if score in (9, 10)]
        sixes = [score for score in scores if score in range(7)]
        assert found == pytest.approx(100 * len(nines) / len(scores) - 100 * len(sixes) / len(scores))
        assert -100 <= found <= 100
        assert less - 1e-9 <= found <= more + 1e-9

    def test_the_page_counts_what_was_answered(self) -> None:
        survey = make_survey()
        for name, score in (("Ines", 10), ("Omar", 9), ("Mei", 7), ("Tom", 3)):
            say(asked(make_advocate(name), survey), score)
        asked(make_advocate("Ada"), survey)
        (result,) = rules.results(survey)
        assert (result.total, result.nps) == (4, 25)
        assert dict(result.points)["10"] == 1
        assert rules.responses([survey.pk])[survey.pk].rate == 0.8
        assert SurveyAnswer.objects.aggregate(sum=Sum("number"))["sum"] == 29


def test_consent_taken_back_stops_the_next_round() -> None:
    ines = make_advocate("Ines")
    consent.withdraw(ines.contact, Purpose.SURVEYS, at=NOON - DAY, source="test")
    make_survey()
    assert surveys.work(at=NOON) == 0
