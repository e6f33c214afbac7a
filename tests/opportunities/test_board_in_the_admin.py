"""Running the board: drafts to the board and off it, claims moved by legal moves only, a preview, few queries (O2)."""

import re
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from advocacy.delivery.models import Message
from advocacy.lib.lifecycle import Refused
from advocates import points
from opportunities.actions import board as actions
from opportunities.forms.board import OpportunityForm
from opportunities.models import Claim, Opportunity, OpportunityKind, Waiting
from tests.conftest import QueriesOf
from tests.factories import NOON, make_account, make_advocate, make_opportunity, make_request, make_user

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def noon() -> Any:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def rita(client: Client) -> Client:
    client.force_login(make_user("Rita Morgan", "manager"))
    return client


def kind(slug: str = "talk", **fields: Any) -> OpportunityKind:
    defaults: dict[str, Any] = {
        "name": slug.capitalize(), "points": 80, "minutes": 45, "group": "calls", "purpose": "",
        "steps": ["claimed", "confirmed", "scheduled", "delivered", "verified"],
    }  # fmt: skip
    return OpportunityKind.objects.update_or_create(slug=slug, defaults={**defaults, **fields})[0]


def change(row: Any) -> str:
    return reverse(f"admin:opportunities_{row._meta.model_name}_change", args=[row.pk])


class TestOpportunities:
    def test_a_draft_takes_the_points_of_its_kind_and_facts_one_a_line(self, rita: Client) -> None:
        form = {
            "kind": kind().pk, "title": "Talk to a food producer", "summary": "Half an hour.", "seats": "2",
            "audience_all": "region:Europe\n\n industry:Food ", "audience_exclude": "country:DE", "is_remote": "on",
        }  # fmt: skip
        answer = rita.post(reverse("admin:opportunities_opportunity_add"), form)
        assert answer.status_code == 302, answer.content.decode()
        made = Opportunity.objects.get()
        assert (made.status, made.points) == ("draft", 80)
        assert made.audience == {"all": ["region:europe", "industry:food"], "exclude": ["country:de"]}

    @pytest.mark.parametrize("status", ["draft", "open", "closed"])
    @pytest.mark.parametrize(("typed", "kept"), [("", 80), ("0", 0), ("55", 55)])
    def test_empty_points_are_those_of_the_kind_also_on_the_board(
        self, rita: Client, status: str, typed: str, kept: int
    ) -> None:
        talk = make_opportunity("Talk", kind=kind(), points=120, status=status, summary="Half an hour.")
        form = {"kind": talk.kind_id, "title": "Talk", "summary": "Half an hour.", "points": typed, "is_remote": "on"}
        answer = rita.post(change(talk), form)
        assert answer.status_code == 302, answer.content.decode()
        talk.refresh_from_db()
        assert talk.points == kept

    def test_nonsense_for_whom_is_said_beside_the_field(self, rita: Client) -> None:
        form = {"kind": kind().pk, "title": "Talk", "audience_all": "everybody in Europe"}
        answer = rita.post(reverse("admin:opportunities_opportunity_add"), form)
        assert "Each fact is written like region:Europe." in answer.content.decode()
        assert not Opportunity.objects.exists()

    def test_a_public_review_is_for_nobody_by_how_they_take_part(self, rita: Client) -> None:
        """Who is active may have been invited because they were pleased (P19); refused when saved and when opened."""
        review = kind("review", is_review=True)
        form = {
            "kind": review.pk, "title": "Review us", "summary": "Ten minutes.", "is_remote": "on",
            "audience_all": "region:Europe\nStage:3", "audience_exclude": "pod:1",
        }  # fmt: skip
        page = rita.post(reverse("admin:opportunities_opportunity_add"), form).content.decode()
        assert "must not depend on how somebody takes part" in page and "Leave out pod, stage" in page
        assert "Stage:3" in page and not Opportunity.objects.exists()
        form |= {"audience_all": "region:Europe", "audience_exclude": ""}
        assert rita.post(reverse("admin:opportunities_opportunity_add"), form).status_code == 302
        made = Opportunity.objects.get()
        Opportunity.objects.update(audience={"any": ["stage:3"]})
        with pytest.raises(Refused, match="takes part"):
            actions.open_up(made, at=NOON)

    def test_a_public_review_is_no_kind_of_request(self, rita: Client) -> None:
        review = kind("review", is_review=False, for_requests=True)
        page = rita.get(change(review)).context["adminform"].form.initial
        answer = rita.post(change(review), {**{k: v for k, v in page.items() if v is not None}, "is_review": "on",
                                            "for_requests": "on", "questions": "[]"})  # fmt: skip
        assert "cannot be asked for through requests" in answer.content.decode()
        review.refresh_from_db()
        assert not review.is_review

    def test_only_legal_moves_have_buttons_and_act(self, rita: Client) -> None:
        draft = make_opportunity("Talk", kind=kind(), status="draft", opened_at=None, what="Half an hour.")
        page = rita.get(change(draft)).content.decode()
        assert "Put on the board" in page
        assert ">Close<" not in page
        rita.post(reverse("admin:opportunity_move", args=[draft.pk, "open"]))
        draft.refresh_from_db()
        assert (draft.status, draft.opened_at) == ("open", NOON)
        page = rita.get(change(draft)).content.decode()
        assert ">Close<" in page
        assert "Put on the board" not in page
        rita.post(reverse("admin:opportunity_move", args=[draft.pk, "closed"]))
        draft.refresh_from_db()
        assert draft.status == "closed"

    def test_opening_what_cannot_be_opened_says_why(self, rita: Client) -> None:
        draft = make_opportunity("Talk", kind=kind(), status="draft", opened_at=None)
        answer = rita.post(reverse("admin:opportunity_move", args=[draft.pk, "open"]), follow=True)
        assert "Say first what is asked" in answer.content.decode()

    def test_moves_act_on_post_only(self, rita: Client) -> None:
        draft = make_opportunity("Talk", kind=kind(), status="draft", opened_at=None, what="Half an hour.")
        assert rita.get(reverse("admin:opportunity_move", args=[draft.pk, "open"])).status_code == 404
        assert rita.post(reverse("admin:opportunity_move", args=[draft.pk, "nowhere"])).status_code == 404

    def test_calling_off_asks_why_and_tells_whoever_claimed_it(self, rita: Client) -> None:
        talk = make_opportunity("Talk", kind=kind())
        actions.claim(make_advocate("Ines"), talk, at=NOON)
        url = reverse("admin:opportunity_move", args=[talk.pk, "cancelled"])
        assert "will not take place" in rita.get(url).content.decode()
        assert rita.post(url, {"reason": ""}).status_code == 422
        rita.post(url, {"reason": "The venue is flooded."})
        talk.refresh_from_db()
        assert talk.status == "cancelled"
        assert Message.objects.filter(kind="claim_ended").count() == 1

    def test_more_seats_go_to_the_waitlist_and_taken_ones_stay(self, rita: Client) -> None:
        talk = make_opportunity("Talk", kind=kind(), seats=1, what="Half an hour.")
        actions.claim(make_advocate("Ines"), talk, at=NOON)
        actions.wait(make_advocate("Omar"), talk, at=NOON)
        form = {"kind": talk.kind.pk, "title": "Talk", "what": "Half an hour.", "points": "80", "is_remote": "on"}
        rita.post(change(talk), {**form, "seats": "2"})
        assert Waiting.objects.get().offered_at == NOON
        answer = rita.post(change(talk), {**form, "seats": "1"})
        assert "2 seats are taken or offered" in answer.content.decode()

    def test_only_what_was_changed_is_written(self, rita: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        talk = make_opportunity("Talk", kind=kind(), seats=3, what="Half an hour.", points=80)
        look = OpportunityForm.clean_seats

        def closed_meanwhile(form: OpportunityForm) -> int | None:
            actions.close(talk, at=NOON)
            return look(form)

        monkeypatch.setattr(OpportunityForm, "clean_seats", closed_meanwhile)
        form = {"title": "Talk to a baker", "what": "Half an hour.", "points": "80", "is_remote": "on", "seats": "3"}
        assert rita.post(change(talk), form).status_code == 302
        talk.refresh_from_db()
        assert (talk.title, talk.status) == ("Talk to a baker", "closed")

    def test_seats_that_are_taken_are_not_taken_away(self, rita: Client) -> None:
        talk = make_opportunity("Talk", kind=kind(), seats=3, what="Half an hour.", points=80)
        for name in ("Ines", "Omar"):
            actions.claim(make_advocate(name), talk, at=NOON)
        form = {"title": "Talk", "what": "Half an hour.", "points": "80", "is_remote": "on", "seats": "1"}
        answer = rita.post(change(talk), form)
        assert "2 seats are taken or offered; there cannot be fewer." in answer.content.decode()
        talk.refresh_from_db()
        assert talk.seats == 3

    def test_frames_of_requests_are_the_desks(self, rita: Client) -> None:
        frame = make_opportunity("Frame", kind=kind(), request=make_request())
        assert rita.get(change(frame)).status_code == 302
        assert "Frame" not in rita.get(reverse("admin:opportunities_opportunity_changelist")).content.decode()

    def test_in_bulk_one_refusal_does_not_stop_the_others(self, rita: Client) -> None:
        good = make_opportunity("Good", kind=kind(), status="draft", opened_at=None, what="Words.")
        bad = make_opportunity("Bad", kind=kind(), status="draft", opened_at=None)
        answer = rita.post(
            reverse("admin:opportunities_opportunity_changelist"),
            {"action": "open_selected", "_selected_action": [bad.pk, good.pk]},
            follow=True,
        )
        good.refresh_from_db()
        assert good.status == "open"
        assert "Bad: Say first what is asked" in answer.content.decode()

    def test_who_may_not_edit_may_not_move_either(self, client: Client) -> None:
        talk = make_opportunity("Talk", kind=kind())
        client.force_login(make_user("Mo", "moderator"))
        assert client.post(reverse("admin:opportunity_move", args=[talk.pk, "closed"])).status_code == 403
        assert client.get(reverse("admin:opportunity_preview", args=[talk.pk])).status_code == 403


class TestPreview:
    def test_shows_it_as_that_advocate_would_see_it_and_acts_on_nothing(self, rita: Client) -> None:
        talk = make_opportunity("Talk", kind=kind(), what="Half an hour.", audience={"all": ["region:asia"]})
        ines = make_advocate("Ines Barbosa")
        make_advocate("Mei Tan", make_account(region="Asia"))
        preview = reverse("admin:opportunity_preview", args=[talk.pk])
        assert "Half an hour." in rita.get(preview).content.decode()
        assert "meant for others" in rita.get(preview, {"as": ines.contact.email}).content.decode()
        page = rita.get(preview, {"as": "tan"}).content.decode()
        assert "This is how Mei Tan would see it" in page
        assert "disabled" in page
        assert not Claim.objects.exists()

    def test_several_of_a_name_are_offered_and_nobody_is_said(self, rita: Client) -> None:
        talk = make_opportunity("Talk", kind=kind())
        make_advocate("Ines Barbosa")
        make_advocate("Ines Costa")
        preview = reverse("admin:opportunity_preview", args=[talk.pk])
        assert "Ines Costa" in rita.get(preview, {"as": "ines"}).content.decode()
        assert "Nobody of that name" in rita.get(preview, {"as": "zoe"}).content.decode()

    @pytest.mark.parametrize("odd", ["zo\x00e", "²", "\x00"])
    def test_odd_characters_find_nobody_and_break_nothing(self, rita: Client, odd: str) -> None:
        talk = make_opportunity("Talk", kind=kind(), what="Half an hour.")
        answer = rita.get(reverse("admin:opportunity_preview", args=[talk.pk]), {"as": odd})
        assert answer.status_code == 200
        words = "Nobody of that name" if odd.strip("\x00") else "This is how it looks"
        assert words in answer.content.decode()

    def test_an_odd_number_in_the_address_is_no_record(self, rita: Client) -> None:
        talk = change(make_opportunity("Talk", kind=kind()))
        for odd in ("²", "9" * 30, "%00"):
            answer = rita.get(re.sub(r"/\d+/change", f"/{odd}/change", talk))
            assert answer.status_code == 302


class TestClaims:
    @pytest.fixture
    def claim(self) -> Claim:
        return actions.claim(make_advocate("Ines Barbosa"), make_opportunity("Talk", kind=kind()), at=NOON)

    def move(self, client: Client, claim: Claim, to: str, **said: Any) -> str:
        answer = client.post(reverse("admin:claim_move", args=[claim.pk]), {"to": to, **said}, follow=True)
        claim.refresh_from_db()
        return answer.content.decode()

    def test_take_their_course_by_buttons(self, rita: Client, claim: Claim, noon: Any) -> None:
        assert ">Confirm<" in rita.get(change(claim)).content.decode()
        self.move(rita, claim, "confirmed")
        self.move(rita, claim, "scheduled", starts_at="2026-03-12T10:00", minutes="40")
        assert (claim.status, claim.minutes) == ("scheduled", 40)
        noon.move_to(NOON + 3 * DAY)
        self.move(rita, claim, "verified")
        assert (claim.status, points.total(claim.advocate)) == ("verified", 80)
        self.move(rita, claim, "thank", text="Thank you, Ines.")
        assert claim.thanked_at == NOON + 3 * DAY
        assert Message.objects.filter(kind="thanks").count() == 1

    def test_what_a_move_needs_is_asked_for(self, rita: Client, claim: Claim) -> None:
        assert "New time is missing" in self.move(rita, claim, "scheduled")
        assert "Reason is missing" in self.move(rita, claim, "declined")
        assert "passed" in self.move(rita, claim, "scheduled", starts_at="2026-03-01T10:00")
        assert claim.status == "claimed"

    @pytest.mark.parametrize(
        ("to", "said", "why"),
        [
            ("thank", {"text": "You were generous, Ines."}, "Thank them when it is done."),
            ("missed", {"reason": "Nobody dialled in.", "by_other_side": "on"}, "Its time has not come yet."),
            ("declined", {"reason": "Somebody nearer " * 30}, "300 characters"),
            ("scheduled", {"starts_at": "2026-03-01T10:00", "minutes": "47"}, "That time has passed."),
        ],
    )
    def test_a_refused_move_keeps_what_was_typed(
        self, rita: Client, claim: Claim, to: str, said: dict[str, str], why: str
    ) -> None:
        claim = actions.confirm(claim, at=NOON)
        claim = actions.schedule(claim, starts_at=NOON + DAY, minutes=30, at=NOON)
        answer = rita.post(reverse("admin:claim_move", args=[claim.pk]), {"to": to, **said})
        page = answer.content.decode()
        assert answer.status_code in {409, 422}
        assert why in page
        for words in said.values():
            assert words.strip() in page
        assert ("checked" in page) == ("by_other_side" in said)

    def test_missed_by_the_other_side(self, rita: Client, claim: Claim) -> None:
        self.move(rita, claim, "missed", reason="Nobody came.", by_other_side="on")
        assert (claim.status, points.total(claim.advocate)) == ("missed", 80)

    def test_what_is_not_legal_is_refused_in_words(self, rita: Client, claim: Claim) -> None:
        actions.withdraw(claim, reason="Ill.", at=NOON)
        assert "cannot become" in self.move(rita, claim, "verified")
        page = rita.get(change(claim)).content.decode()
        assert ">Verify<" not in page

    def test_are_never_edited_added_or_deleted(self, rita: Client, claim: Claim) -> None:
        assert rita.get(reverse("admin:opportunities_claim_add")).status_code == 403
        rita.post(change(claim), {"status": "verified"})
        claim.refresh_from_db()
        assert claim.status == "claimed"
        assert rita.get(reverse("admin:opportunities_claim_delete", args=[claim.pk])).status_code == 403

    def test_confirmed_from_the_page_of_the_opportunity(self, rita: Client, claim: Claim) -> None:
        page = rita.get(change(claim.opportunity)).content.decode()
        assert "Ines Barbosa" in page
        answer = rita.post(reverse("admin:claim_move", args=[claim.pk]), {"to": "confirmed", "back": "opportunity"})
        assert answer["Location"] == change(claim.opportunity)


class TestFewQueries:
    def test_lists_and_pages_cost_the_same_for_many_and_stay_small(self, rita: Client, queries_of: QueriesOf) -> None:
        talk = make_opportunity("Talk", kind=kind())
        claim = actions.claim(make_advocate("Ines"), talk, at=NOON)
        pages = [
            reverse("admin:opportunities_opportunity_changelist"), change(talk),
            reverse("admin:opportunities_claim_changelist"), change(claim),
        ]  # fmt: skip
        few = [queries_of(partial(rita.get, page)) for page in pages]
        for number in range(40):
            actions.claim(make_advocate(f"More{number}"), talk, at=NOON)
            make_opportunity(f"Talk {number}", kind=kind())
        assert [queries_of(partial(rita.get, page)) for page in pages] == few
        assert max(few) < 12, few


class TestKinds:
    def test_keep_their_steps_in_order(self, rita: Client) -> None:
        form = {
            "name": "Fireside chat", "slug": "fireside-chat", "points": "50", "points_at": "verified", "minutes": "30",
            "steps": ["delivered", "scheduled"], "questions": "[]", "order": "5",
        }  # fmt: skip
        answer = rita.post(reverse("admin:opportunities_opportunitykind_add"), form)
        assert answer.status_code == 302, answer.content.decode()
        made = OpportunityKind.objects.get(slug="fireside-chat")
        assert made.steps == ["claimed", "scheduled", "delivered", "verified"]

    def test_questions_that_make_no_form_are_refused(self, rita: Client) -> None:
        talk = kind()
        form = {
            "name": "Talk", "slug": "talk", "points": "50", "points_at": "verified", "minutes": "30", "order": "5",
            "questions": '[{"key": "a"}]',
        }  # fmt: skip
        assert "key and a label" in rita.post(change(talk), form).content.decode()

    def test_answers_that_are_the_work_need_a_question_that_is_required(self, rita: Client) -> None:
        form = {
            "name": "Quote of the week", "slug": "weekly", "points": "50", "points_at": "verified", "minutes": "10",
            "order": "5", "answers_are_the_work": "on", "questions": "[]",
        }  # fmt: skip
        add = reverse("admin:opportunities_opportunitykind_add")
        assert "Add a required question" in rita.post(add, form).content.decode()
        assert "list" in rita.post(add, form | {"questions": '{"key": "words"}'}).content.decode()
        words = '[{"key": "words", "label": "Your sentence", "required": true}]'
        assert rita.post(add, form | {"questions": words}).status_code == 302
