"""Surveys on their pages: a question at a time by a signed link or at home, results for the team (O9)."""

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm.models import Signal
from advocacy.delivery import rendering
from advocacy.delivery.models import Message
from advocacy.lib import signed
from advocacy.users.models import Role
from advocates.models import Cohort
from opportunities.actions import surveys
from opportunities.models import Feedback, Survey, SurveyAnswer, SurveyInvite
from tests.conftest import QueriesOf
from tests.factories import make_advocate, make_team, make_user
from tests.opportunities.test_surveys import DAY, PICK, SCORE, WHY, make_survey, say

pytestmark = pytest.mark.django_db


def ask(advocate: Any, survey: Survey | None = None) -> SurveyInvite:
    survey = survey or make_survey(opened_at=timezone.now() - DAY)
    return surveys.ask(advocate.contact, survey, at=timezone.now() - timedelta(hours=1))


def link(invite: SurveyInvite, **query: Any) -> str:
    return reverse("opportunities:survey", args=[signed.sign("survey", str(invite.public_id))], query=query or None)


@pytest.fixture
def invite() -> SurveyInvite:
    return ask(make_advocate("Ines"))


@pytest.fixture
def lena(client: Client) -> Any:
    user = make_user("Lena Novak", Role.LEAD)
    client.force_login(user)
    return user


class TestTheSignedPage:
    def test_opening_it_or_following_a_number_changes_nothing(self, client: Client, invite: SurveyInvite) -> None:
        for address in (link(invite), link(invite, a=9), link(invite, a=9, q=2)):
            assert client.get(address).status_code == 200
            assert client.head(address).status_code == 200
        invite.refresh_from_db()
        assert not SurveyAnswer.objects.exists() and invite.answered_at is None

    def test_a_number_from_the_mail_is_filled_in(self, client: Client, invite: SurveyInvite) -> None:
        text = client.get(link(invite, a=9)).content.decode()
        assert re.findall(r'value="(\d+)"[^>]* checked', text) == ["9"]
        assert " checked" not in client.get(link(invite, a=11)).content.decode()

    def test_a_question_at_a_time_back_and_to_the_end(self, client: Client, invite: SurveyInvite) -> None:
        address = link(invite)
        step = client.post(address, {"question": "score", "answer": "8", "go": "next"}, follow=True)
        assert "What is the main reason?" in step.content.decode()
        back = client.post(address, {"question": "why", "answer": "The plans", "go": "back"}, follow=True)
        assert "checked" in back.content.decode()
        again = client.post(address, {"question": "score", "answer": "9", "go": "next"}, follow=True)
        assert "The plans" in again.content.decode()
        end = client.post(address, {"question": "why", "answer": "The night plans", "go": "next"}, follow=True)
        assert "Thank you" in end.content.decode()
        assert Signal.objects.get().value == 9
        assert Feedback.objects.get().answer.text == "The night plans"

    def test_what_was_typed_stays_when_it_is_refused(self, client: Client, invite: SurveyInvite) -> None:
        client.post(link(invite), {"question": "score", "answer": "9", "go": "next"})
        answer = client.post(link(invite), {"question": "why", "answer": "Long " * 500, "go": "next"})
        assert answer.status_code == 422
        assert "Long Long" in answer.content.decode()

    def test_nothing_chosen_is_said_so(self, client: Client, invite: SurveyInvite) -> None:
        answer = client.post(link(invite), {"question": "score", "go": "next"})
        assert answer.status_code == 422
        assert "Choose a number" in answer.content.decode()

    def test_with_htmx_only_the_question_comes(self, client: Client, invite: SurveyInvite) -> None:
        text = client.get(link(invite, q=2), headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in text and "main reason" in text

    @pytest.mark.parametrize("query", [{"q": "0"}, {"q": "99"}, {"q": "x"}, {"q": "²"}, {"a": "\x00"}, {"a": "²"}])
    def test_any_address_is_answered(self, client: Client, invite: SurveyInvite, query: dict[str, str]) -> None:
        assert client.get(link(invite, **query)).status_code == 200

    def test_a_forged_link_opens_nothing(self, client: Client, invite: SurveyInvite) -> None:
        token = signed.sign("survey", str(invite.public_id))
        for wrong in (token[:-2], "x", signed.sign("answer", str(invite.public_id)), signed.sign("survey", "x")):
            address = reverse("opportunities:survey", args=[wrong])
            assert client.get(address).status_code == 404
            assert client.post(address, {"question": "score", "answer": "9"}).status_code == 404
        assert not SurveyAnswer.objects.exists()

    def test_a_closed_one_and_an_answered_one_say_so(self, client: Client, invite: SurveyInvite) -> None:
        say(invite, 9, "The plans", at=timezone.now())
        assert "You have answered this already" in client.get(link(invite)).content.decode()
        late = ask(make_advocate("Omar"), invite.survey)
        surveys.close(invite.survey, at=timezone.now())
        answer = client.post(link(late), {"question": "score", "answer": "9", "go": "next"})
        assert answer.status_code == 409
        assert "This closed on" in answer.content.decode()
        assert SurveyAnswer.objects.filter(invite=late).count() == 0

    def test_what_came_of_the_words_stands_beside_them(self, client: Client, invite: SurveyInvite) -> None:
        say(invite, 5, "The export is slow", at=timezone.now())
        surveys.follow_up(
            Feedback.objects.get(), status="done", note="Twice as fast.", by=None, at=timezone.now()
        )  # fmt: skip
        text = client.get(link(invite)).content.decode()
        assert "The export is slow" in text and "Twice as fast." in text

    def test_whoever_was_erased_is_asked_no_more(self, client: Client, invite: SurveyInvite) -> None:
        type(invite.contact).objects.filter(pk=invite.contact_id).update(erased_at=timezone.now())
        assert client.get(link(invite)).status_code == 404


class TestTheMail:
    def test_it_asks_the_first_question_with_a_link_for_each_number(self, invite: SurveyInvite) -> None:
        mail = rendering.render(Message.objects.get(kind="survey"))
        assert mail.subject == "Would you recommend us?"
        assert mail.html.count("?a=") == 11
        assert "unsubscribe" in mail.text

    def test_what_came_of_it_quotes_their_words(self, invite: SurveyInvite) -> None:
        say(invite, 5, "The export is slow", at=timezone.now())
        surveys.follow_up(Feedback.objects.get(), status="not_now", note="After summer.", by=None, at=timezone.now())
        mail = rendering.render(Message.objects.get(kind="survey_outcome"))
        assert "The export is slow" in mail.text and "After summer." in mail.text


class TestAtHome:
    def test_it_waits_at_home_until_it_is_finished(self, client: Client) -> None:
        ines = make_advocate("Ines")
        invite = ask(ines)
        assert ines.user is not None
        client.force_login(ines.user)
        home = reverse("advocates:home")
        mine = reverse("opportunities:my_survey", args=[invite.public_id])
        assert mine in client.get(home).content.decode()
        client.post(mine, {"question": "score", "answer": "9", "go": "next"})
        assert mine in client.get(home).content.decode()
        client.post(mine, {"question": "why", "answer": "", "go": "next"})
        assert mine not in client.get(home).content.decode()
        assert SurveyAnswer.objects.get().number == 9

    def test_nobody_answers_for_somebody_else(self, client: Client, invite: SurveyInvite) -> None:
        omar = make_advocate("Omar").user
        assert omar is not None
        client.force_login(omar)
        mine = reverse("opportunities:my_survey", args=[invite.public_id])
        assert client.get(mine).status_code == 404
        assert client.post(mine, {"question": "score", "answer": "0", "go": "next"}).status_code == 404
        client.force_login(make_user("Rita", Role.MANAGER))
        assert client.post(mine, {"question": "score", "answer": "0", "go": "next"}).status_code == 403


class TestResults:
    def page(self, survey: Survey, **query: Any) -> str:
        return reverse("opportunities:survey_results", args=[survey.public_id], query=query or None)

    def file(self, client: Client, survey: Survey) -> str:
        answer: Any = client.get(self.page(survey, **{"as": "csv"}))
        return b"".join(answer.streaming_content).decode("utf-8-sig")

    def answered(self, number: int, **fields: Any) -> Survey:
        survey = make_survey(opened_at=timezone.now() - DAY, **fields)
        for place in range(number):
            say(ask(make_advocate("Ines", user=False), survey), place % 11, f"Words {place}", at=timezone.now())
        return survey

    def test_response_rate_score_distribution_and_words(self, client: Client, lena: Any) -> None:
        survey = self.answered(2)
        ask(make_advocate("Omar"), survey)
        text = client.get(self.page(survey)).content.decode()
        assert "67" in text  # two of three
        assert "-100" in text or "−100" in text
        assert "Words 1" in text and "Barbosa" in text
        assert "bars-table" in text

    def test_words_are_filtered_by_status(self, client: Client, lena: Any) -> None:
        survey = self.answered(2)
        surveys.follow_up(
            Feedback.objects.get(answer__text="Words 0"), status="looking", note="", by=lena, at=timezone.now()
        )  # fmt: skip
        text = client.get(self.page(survey, status="looking")).content.decode()
        assert "Words 0" in text and "Words 1" not in text

    def test_without_names_there_are_none_and_nothing_is_told_of_few(self, client: Client, lena: Any) -> None:
        survey = self.answered(4, shows_names=False)
        text = client.get(self.page(survey)).content.decode()
        assert "Words" not in text.split("In their words")[-1] and "fewer than 5" in text
        assert "Words 1" not in client.get(reverse("opportunities:survey_feedback")).content.decode()
        file = self.file(client, survey)
        assert len(file.splitlines()) == 1
        say(ask(make_advocate("Ines", user=False), survey), 9, "Words 9", at=timezone.now())
        text = client.get(self.page(survey)).content.decode()
        assert "Words 1" in text and "Barbosa" not in text
        file = self.file(client, survey)
        assert "Words 1" in file and "Barbosa" not in file and "Account" not in file
        words = client.get(reverse("opportunities:feedback_of", args=[Feedback.objects.all()[0].public_id]))
        assert "Barbosa" not in words.content.decode()

    def test_the_file_holds_every_answer(self, client: Client, lena: Any) -> None:
        survey = self.answered(3)
        file = self.file(client, survey)
        assert len(file.splitlines()) == 1 + 6
        assert "Would you recommend us?" in file and "Words 2" in file

    def test_pages_cost_the_same_for_many(self, client: Client, lena: Any, queries_of: QueriesOf) -> None:
        survey = self.answered(2)
        pages = [self.page(survey), reverse("opportunities:surveys"), reverse("opportunities:survey_feedback")]
        few = [queries_of(partial(client.get, one)) for one in pages]
        for place in range(40):
            say(ask(make_advocate("Ines", user=False), survey), place % 11, f"More {place}", at=timezone.now())
            make_survey(f"Survey {place}", opened_at=timezone.now())
        assert [queries_of(partial(client.get, one)) for one in pages] == few
        first = client.get(pages[0])
        assert len(first.context["rows"]) == 25 and first.context["page"].next

    def test_a_team_reads_what_was_asked_for_it_and_nothing_else(self, client: Client) -> None:
        mine, others = self.answered(1), self.answered(1, team=make_team("Sales"), title="For Sales")
        pia = make_user("Pia", Role.REQUESTER)
        make_team("Product").members.add(pia)
        client.force_login(pia)
        listed = client.get(reverse("opportunities:surveys")).content.decode()
        assert "How are we doing?" in listed and "For Sales" not in listed
        assert client.get(self.page(mine)).status_code == 200
        assert client.get(self.page(others)).status_code == 404
        theirs = Feedback.objects.get(survey=others)
        assert client.get(reverse("opportunities:feedback_of", args=[theirs.public_id])).status_code == 404
        words = Feedback.objects.get(survey=mine)
        page = reverse("opportunities:feedback_of", args=[words.public_id])
        assert client.post(page, {"status": "done", "note": "It is there."}).status_code == 302
        words.refresh_from_db()
        assert (words.status, words.by) == ("done", pia)
        assert (
            client.post(reverse("opportunities:move_survey", args=[mine.public_id]), {"to": "closed"}).status_code
            == 403
        )

    def test_words_are_settled_with_a_word(self, client: Client, lena: Any) -> None:
        self.answered(1)
        page = reverse("opportunities:feedback_of", args=[Feedback.objects.get().public_id])
        answer = client.post(page, {"status": "done", "note": ""})
        assert answer.status_code == 422 and "Say what came of it" in answer.content.decode()


class TestWriting:
    def given(self, **more: Any) -> dict[str, Any]:
        return {
            "title": "Roadmap 2027", "intro": "", "team": make_team("Product").pk, "cohort": "", "shows_names": "on",
            "label_0": PICK["label"], "type_0": "choice", "choices_0": "Night plans\nA better export",
            "required_0": "on",
            "label_1": WHY["label"], "type_1": "text", **more,
        }  # fmt: skip

    def test_a_draft_asks_nobody_until_it_is_opened(self, client: Client, lena: Any) -> None:
        make_advocate("Ines", at=timezone.now() - 9 * DAY)
        page = reverse("opportunities:new_survey", query={"kind": "roadmap"})
        assert "Which of these would help you most?" in client.get(page).content.decode()
        answer = client.post(page, self.given())
        survey = Survey.objects.get(kind="roadmap")
        assert answer["Location"] == reverse("opportunities:survey_results", args=[survey.public_id])
        assert survey.questions[0]["choices"] == ["Night plans", "A better export"]
        assert "1 has agreed" in client.get(answer["Location"]).content.decode()
        assert surveys.work(at=timezone.now()) == 0
        client.post(reverse("opportunities:move_survey", args=[survey.public_id]), {"to": "open"})
        assert surveys.work(at=timezone.now() + timedelta(minutes=1)) == 1
        edit = client.get(reverse("opportunities:edit_survey", args=[survey.public_id]), follow=True)
        assert "stays as it was asked" in edit.content.decode()

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [
            ({"choices_0": "Only one"}, "at least two answers"),
            ({"label_0": "", "label_1": ""}, "Write"),
            ({"team": ""}, "required"),
            ({"closes_on": "2020-01-01"}, "from today on"),
            ({"title": ""}, "required"),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
        self, client: Client, lena: Any, wrong: dict[str, str], said: str
    ) -> None:
        answer = client.post(
            reverse("opportunities:new_survey", query={"kind": "roadmap"}), self.given(intro="Kept words", **wrong)
        )
        assert answer.status_code == 422
        assert said in answer.content.decode() and "Kept words" in answer.content.decode()
        assert not Survey.objects.filter(kind="roadmap").exists()

    def test_an_nps_needs_its_scale(self, client: Client, lena: Any) -> None:
        survey = make_survey(status="draft", questions=[WHY])
        client.post(reverse("opportunities:move_survey", args=[survey.public_id]), {"to": "open"})
        assert (
            "0 to 10" in client.get(reverse("opportunities:survey_results", args=[survey.public_id])).content.decode()
        )
        survey.refresh_from_db()
        assert survey.status == "draft"

    def test_a_draft_for_a_cohort_counts_its_members(self, client: Client, lena: Any) -> None:
        cohort = Cohort.objects.create(
            name="Asia", definition={"all": [{"fact": "account.region", "value": ["Asia"]}]}
        )  # fmt: skip
        make_advocate("Ines", at=timezone.now() - 9 * DAY)
        survey = make_survey(status="draft", cohort=cohort, questions=[SCORE])
        text = client.get(reverse("opportunities:survey_results", args=[survey.public_id])).content.decode()
        assert "It is for 0 members" in text
