"""The database holds that nothing is published without the customer's recorded yes, whoever writes (D13, D14)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import InternalError

from opportunities.models import Approval, Proof, Story
from tests.factories import NOON, make_account, make_contact

pytestmark = pytest.mark.django_db
SALES = ["sales"]


def a_story(**more: Any) -> Story:
    return Story.objects.create(title="Night shifts", account=make_account("Kestrel"), challenge="Too slow.", **more)


def a_proof(**more: Any) -> Proof:
    fields = {"kind": "quote", "title": "“We sleep”", "account": make_account("Kestrel"), **more}
    return Proof.objects.create(**fields)


def a_yes(of: Story | Proof, **more: Any) -> Approval:
    target = {"story": of} if isinstance(of, Story) else {"proof": of}
    of.refresh_from_db()
    fields = {
        "version": of.version, "shown": [], "scopes": SALES, "name": "Ines", "asked_at": NOON, "said": "yes",
        "said_at": NOON, "said_by": "Ines Barbosa", **more,
    }  # fmt: skip
    return Approval.objects.create(**target, **fields)


def publish_by_shell(row: Story | Proof) -> None:
    with transaction.atomic():
        type(row).objects.filter(pk=row.pk).update(status="published", published_at=NOON)


class TestWhoeverWrites:
    @pytest.mark.parametrize("make", [a_story, a_proof])
    def test_nothing_is_published_without_a_yes(self, make: Any) -> None:
        row = make()
        with pytest.raises(IntegrityError, match="without a recorded approval"):
            publish_by_shell(row)
        with pytest.raises(IntegrityError), transaction.atomic():
            make(status="published", published_at=NOON)
        a_yes(row)
        publish_by_shell(row)
        row.refresh_from_db()
        assert row.status == "published"

    @pytest.mark.parametrize("make", [a_story, a_proof])
    @pytest.mark.parametrize("answer", [{"said": "changes"}, {"said": "no"}, {"revoked_at": NOON}])
    def test_neither_by_another_answer_nor_by_a_yes_taken_back(self, make: Any, answer: dict[str, Any]) -> None:
        row = make()
        a_yes(row, **answer)
        with pytest.raises(IntegrityError):
            publish_by_shell(row)

    @pytest.mark.parametrize("make", [a_story, a_proof])
    def test_nor_by_a_yes_to_other_words(self, make: Any) -> None:
        row = make()
        a_yes(row)
        type(row).objects.filter(pk=row.pk).update(title="We never sleep")
        row.refresh_from_db()
        assert row.version == 2
        with pytest.raises(IntegrityError):
            publish_by_shell(row)
        a_yes(row)
        with pytest.raises(IntegrityError), transaction.atomic():  # new words and published in one stroke
            type(row).objects.filter(pk=row.pk).update(title="We slept", status="published", published_at=NOON)
        publish_by_shell(row)

    @pytest.mark.parametrize("make", [a_story, a_proof])
    def test_what_was_published_is_not_rewritten_under_its_yes(self, make: Any) -> None:
        row = make()
        a_yes(row)
        publish_by_shell(row)
        with pytest.raises(IntegrityError, match="not rewritten"), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(title="The best portal of all")

    def test_a_yes_to_one_story_publishes_no_other(self) -> None:
        a_yes(a_story())
        with pytest.raises(IntegrityError):
            publish_by_shell(a_story())

    def test_a_case_study_rests_on_the_yes_to_its_story_while_that_is_published(self) -> None:
        story = a_story()
        a_yes(story)
        with pytest.raises(IntegrityError), transaction.atomic():
            a_proof(kind="case_study", story=story, status="published", published_at=NOON)
        publish_by_shell(story)
        a_proof(kind="case_study", story=story, status="published", published_at=NOON)


class TestAWordOnceGiven:
    def test_stands_and_can_only_be_taken_back(self) -> None:
        given = a_yes(a_proof(), expires_on=(NOON + timedelta(days=30)).date())
        rows = Approval.objects.filter(pk=given.pk)
        for change in (
            {"said": "no"}, {"said_by": "Rita"}, {"scopes": ["sales", "press"]}, {"expires_on": None}, {"version": 9},
            {"shown": [{"key": "title"}]},
        ):  # fmt: skip
            with pytest.raises(IntegrityError, match="stands"), transaction.atomic():
                rows.update(**change)
        with pytest.raises(InternalError), transaction.atomic():
            rows.delete()
        rows.update(revoked_at=NOON)
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(revoked_at=None)

    def test_a_yes_names_who_gave_it_and_where_it_holds(self) -> None:
        for wrong in ({"said_by": ""}, {"said_at": None}, {"scopes": []}):
            with pytest.raises(IntegrityError), transaction.atomic():
                a_yes(a_proof(), **wrong)

    def test_one_question_is_open_for_each_text(self) -> None:
        proof = a_proof()
        a_yes(proof, said="", said_at=None, said_by="")
        with pytest.raises(IntegrityError), transaction.atomic():
            a_yes(proof, said="", said_at=None, said_by="")

    def test_the_record_follows_the_person_where_two_records_of_them_are_merged(self) -> None:
        ines = make_contact("Ines")
        given = a_yes(a_proof(), contact=ines)
        Approval.objects.filter(pk=given.pk).update(contact=make_contact("Ines"))
        given.refresh_from_db()
        assert given.contact != ines
