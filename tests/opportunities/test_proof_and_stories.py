"""Rita keeps the proof library and writes stories; Ines says yes; Sam finds what is enough (D2, D13, D14, O6)."""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import consent
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.models import Account, Activity, Contact, Signal
from advocacy.delivery.models import Message
from advocacy.lib import signed
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates import points
from advocates.models import Task
from opportunities import fitting, showing
from opportunities.actions import approvals, desk, stories
from opportunities.actions import proof as actions
from opportunities.fitting import Wanted
from opportunities.jobs import proof as jobs
from opportunities.models import Approval, OpportunityKind, Proof, ProofUse, ReferenceRequest, Story
from tests.conftest import QueriesOf
from tests.factories import NOON, make_account, make_advocate, make_contact, make_deal, make_kind, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
EVERYWHERE = ["sales", "website", "social", "press", "events"]
MANY = 40


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def as_rita(client: Client, rita: User) -> Client:
    client.force_login(rita)
    return client


@pytest.fixture
def sam() -> User:
    return make_user("Sam Adler", Role.REQUESTER)


@pytest.fixture
def bakery() -> Account:
    return make_account(
        "Moinho Claro", industry="Food", employees=900, region="Europe", country="PT", products=["Planner"],
        use_cases=["Night shifts"], replaced_competitors=["Acme"],
    )  # fmt: skip


@pytest.fixture
def ines(bakery: Account) -> Contact:
    return make_contact("Ines", bakery)


def kept(account: Account, rita: User, **more: Any) -> Proof:
    said = {"kind": "quote", "title": "“We sleep at night”", "body": "We sleep at night.", "said_by": "Ines"}
    facts = {name: value for name, value in more.items() if name in Proof.FACTS}
    return actions.keep(
        account=account, said={**said, **{name: value for name, value in more.items() if name in actions.WORDS}},
        facts=facts, contact=more.get("contact"), by=rita, at=more.get("at", NOON),
    )  # fmt: skip


def on_record(of: Proof | Story, rita: User, **more: Any) -> Approval:
    fields: dict[str, Any] = {
        "name": "Ines Barbosa", "said_at": NOON, "scopes": EVERYWHERE, "means": "mail", "evidence": "mail of 3 March",
        "by": rita, "at": NOON, **more,
    }  # fmt: skip
    return approvals.put_on_record(of, **fields)


def shown(account: Account, rita: User, **more: Any) -> Proof:
    proof = kept(account, rita, **more)
    on_record(proof, rita, **{key: more[key] for key in ("scopes", "expires_on") if key in more})
    return actions.publish(proof, by=rita, at=NOON)


def usable(at: datetime = NOON, scope: str = "") -> list[Proof]:
    return list(Proof.objects.usable(at=at, scope=scope))


class TestTheLibrary:
    def test_what_goes_in_takes_over_the_facts_of_its_customer_and_waits_for_a_yes(self, bakery, rita) -> None:
        proof = kept(bakery, rita)
        assert (proof.industry, proof.products, proof.use_cases) == ("Food", ["Planner"], ["Night shifts"])
        assert usable() == []
        with pytest.raises(Refused, match="no recorded yes"):
            actions.publish(proof, by=rita, at=NOON)
        on_record(proof, rita)
        actions.publish(proof, by=rita, at=NOON)
        assert usable() == [proof]

    def test_the_evidence_says_who_when_to_which_words_and_where_it_lies(self, bakery, rita) -> None:
        proof = kept(bakery, rita)
        given = on_record(proof, rita, scopes=["sales"], expires_on=date(2026, 12, 31))
        assert (given.said_by, given.said_at, given.means) == ("Ines Barbosa", NOON, "mail")
        assert {part["key"]: part["text"] for part in given.shown}["body"] == "We sleep at night."
        for wrong, words in (
            ({"evidence": " "}, "where the evidence lies"), ({"name": ""}, "Name the person"),
            ({"said_at": NOON + DAY}, "day to come"), ({"scopes": []}, "Tick at least one"),
            ({"scopes": ["moon"]}, "Tick at least one"), ({"expires_on": (NOON - DAY).date()}, "has passed"),
        ):  # fmt: skip
            with pytest.raises(Refused, match=words):
                on_record(proof, rita, **wrong)

    def test_scope_and_expiry_are_gates(self, bakery, rita) -> None:
        proof = shown(bakery, rita, scopes=["sales", "events"], expires_on=date(2026, 3, 31))
        assert usable(scope="sales") == [proof]
        assert usable(scope="press") == []
        assert usable(datetime(2026, 3, 31, 20, tzinfo=NOON.tzinfo)) == [proof]
        assert usable(datetime(2026, 4, 1, 8, tzinfo=NOON.tzinfo)) == []

    @pytest.mark.parametrize("how", ["withdrawn", "yes taken back", "consent withdrawn", "erased"])
    def test_what_is_taken_back_is_gone_everywhere_at_once(self, bakery, ines, rita, sam, client, how) -> None:
        consent.grant(ines, Purpose.QUOTE, wording="Yes.", at=NOON - DAY, source="test")
        proof = shown(bakery, rita, contact=ines)
        now = timezone.now()
        client.force_login(sam)
        page, library = reverse("opportunities:proof", args=[proof.public_id]), reverse("opportunities:library")
        assert "We sleep at night." in client.get(page).content.decode()
        assert proof.title in client.get(library).content.decode()
        assert [fit.proof for fit in fitting.fitting(Wanted(industry="Food"), at=now)] == [proof]
        assert "We sleep" in client.get("/search/", {"q": "sleep"}).content.decode()
        if how == "withdrawn":
            actions.withdraw(proof, reason="They were bought.", by=rita, at=now)
        elif how == "yes taken back":
            approvals.revoke(proof, reason="She asked.", at=now)
        elif how == "consent withdrawn":
            consent.withdraw(ines, Purpose.QUOTE, wording="No.", at=now, source="test")
        else:
            Contact.objects.filter(pk=ines.pk).update(erased_at=now)
        assert usable(now) == []
        answer = client.get(page).content.decode()
        assert "We sleep at night." not in answer
        assert "Must not be shown" in answer
        assert proof.title not in client.get(library).content.decode()
        assert fitting.fitting(Wanted(industry="Food"), at=now) == []
        assert "We sleep" not in client.get("/search/", {"q": "sleep"}).content.decode()
        with pytest.raises(Refused, match="may no longer be shown"):
            actions.share(proof, deal=None, by=sam, at=now)

    def test_a_consent_given_again_later_does_not_hide_what_was_published_after_it(self, bakery, ines, rita) -> None:
        consent.grant(ines, Purpose.QUOTE, wording="Yes.", at=NOON - 3 * DAY, source="test")
        consent.withdraw(ines, Purpose.QUOTE, wording="No.", at=NOON - 2 * DAY, source="test")
        proof = shown(bakery, rita, contact=ines)
        assert usable() == [proof]  # she signed this very quote after that

    def test_new_words_need_a_new_yes_and_published_ones_stand(self, bakery, rita) -> None:
        proof = kept(bakery, rita)
        on_record(proof, rita)
        words = {name: getattr(proof, name) for name in actions.WORDS}
        facts = {name: getattr(proof, name) for name in Proof.FACTS}
        changed = actions.rewrite(proof, said={**words, "body": "We never sleep."}, facts=facts, by=rita, at=NOON)
        with pytest.raises(Refused, match="no recorded yes"):
            actions.publish(changed, by=rita, at=NOON)
        on_record(changed, rita)
        actions.publish(changed, by=rita, at=NOON)
        with pytest.raises(Refused, match="said yes to these words"):
            actions.rewrite(changed, said=words, facts=facts, by=rita, at=NOON)
        same = {**words, "body": "We never sleep."}
        actions.rewrite(changed, said=same, facts={**facts, "industry": "Bakeries"}, by=rita, at=NOON)
        assert Proof.objects.get().industry == "Bakeries"

    def test_two_who_write_at_once_do_not_lose_each_others_words(self, bakery, rita) -> None:
        proof = kept(bakery, rita)
        words = {name: getattr(proof, name) for name in actions.WORDS}
        facts = {name: getattr(proof, name) for name in Proof.FACTS}
        actions.rewrite(proof, said={**words, "body": "First."}, facts=facts, by=rita, at=NOON, read=1)
        with pytest.raises(Refused, match="Somebody else has changed"):
            actions.rewrite(proof, said={**words, "body": "Second."}, facts=facts, by=rita, at=NOON, read=1)

    def test_a_month_before_a_yes_ends_whoever_keeps_it_hears_of_it_once(self, bakery, rita) -> None:
        shown(bakery, rita, expires_on=date(2026, 4, 20))
        jobs.warn_of_yeses_that_end(at=NOON)
        assert not Task.objects.exists()
        for _again in range(2):
            jobs.warn_of_yeses_that_end(at=NOON + 20 * DAY)
        task = Task.objects.get()
        assert task.assignee == rita and "20 April 2026" in task.text

    def test_its_use_is_counted_once_a_day_for_each_deal(self, bakery, rita, sam) -> None:
        proof, deal = shown(bakery, rita), make_deal()
        for _again in range(2):
            actions.share(proof, deal=deal, by=sam, at=NOON)
        actions.share(proof, deal=None, by=sam, at=NOON)
        actions.share(proof, deal=deal, by=sam, at=NOON + DAY)
        assert ProofUse.objects.count() == 3

    def test_somebody_of_another_company_cannot_be_the_person_shown(self, bakery, rita) -> None:
        with pytest.raises(Refused, match="does not work at Moinho Claro"):
            kept(bakery, rita, contact=make_contact("Omar"))


class TestTheCustomersPage:
    def asked(self, of: Proof | Story, rita: User, ines: Contact, **more: Any) -> tuple[Approval, str]:
        given = approvals.ask(of, scopes=EVERYWHERE, contact=ines, by=rita, at=timezone.now(), **more)
        return given, reverse("opportunities:customer_yes", args=[signed.sign("approval", str(given.public_id))])

    def test_is_mailed_and_shows_the_words_and_opening_it_changes_nothing(self, client, bakery, ines, rita) -> None:
        given, url = self.asked(kept(bakery, rita), rita, ines)
        mail = Message.objects.get(kind="approval_asked")
        assert mail.to_email == ines.email and mail.params["approval_id"] == str(given.public_id)
        for _scanner in range(3):
            answer = client.get(url)
            assert "We sleep at night." in answer.content.decode()
        client.head(url)
        given.refresh_from_db()
        assert given.said == ""

    def test_a_yes_is_kept_with_name_moment_words_and_the_places_she_left_ticked(
        self, client, bakery, ines, rita
    ) -> None:
        proof = kept(bakery, rita)
        given, url = self.asked(proof, rita, ines)
        answer = client.post(url, {"said": "yes", "signed": "Ines B.", "scopes": ["sales", "website"]})
        assert answer.status_code == 302
        given.refresh_from_db()
        assert (given.said, given.said_by, given.scopes) == ("yes", "Ines B.", ["sales", "website"])
        assert "You said yes" in client.get(url).content.decode()
        assert Task.objects.get().text.startswith("Ines B. said yes")
        actions.publish(proof, by=rita, at=timezone.now())

    def test_she_cannot_widen_what_was_asked_for_nor_say_yes_to_nowhere(self, client, bakery, ines, rita) -> None:
        given = approvals.ask(kept(bakery, rita), scopes=["sales"], contact=ines, by=rita, at=timezone.now())
        url = reverse("opportunities:customer_yes", args=[signed.sign("approval", str(given.public_id))])
        for scopes in ([], ["press"], ["moon"]):
            answer = client.post(url, {"said": "yes", "signed": "Ines", "scopes": scopes})
            assert answer.status_code in (409, 422), scopes
        given.refresh_from_db()
        assert given.said == ""

    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            ({"said": "yes", "signed": "  ", "scopes": ["sales"]}, "Write your name"),
            ({"said": "yes", "signed": "Ines", "scopes": ["sales"], "on_body": "Not “sleep”."}, "send them as changes"),
            ({"said": "changes", "signed": "Ines"}, "Say what should be changed"),
            ({"said": "maybe", "signed": "Ines"}, "Say yes, or what should be changed"),
        ],
    )
    def test_what_is_amiss_is_said_and_nothing_typed_is_lost(
        self, client, bakery, ines, rita, sent: dict[str, Any], words: str
    ) -> None:
        given, url = self.asked(kept(bakery, rita), rita, ines)
        answer = client.post(url, {**sent, "on_title": "Shorter, please."} if "on_body" in sent else sent)
        assert answer.status_code in (409, 422)
        assert words in answer.content.decode()
        if "on_body" in sent:
            assert "Not “sleep”." in answer.content.decode()
        given.refresh_from_db()
        assert given.said == "" and not given.comments.exists()

    def test_a_second_press_changes_nothing_and_another_word_is_refused(self, client, bakery, ines, rita) -> None:
        given, url = self.asked(kept(bakery, rita), rita, ines)
        yes = {"said": "yes", "signed": "Ines", "scopes": ["sales"]}
        assert [client.post(url, yes).status_code for _twice in range(2)] == [302, 302]
        assert client.post(url, {"said": "no", "signed": "Ines"}).status_code == 409
        given.refresh_from_db()
        assert given.said == "yes"

    def test_links_that_open_nothing_say_why(self, client, bakery, ines, rita) -> None:
        given, url = self.asked(kept(bakery, rita), rita, ines)
        for wrong in ("x", url.split("/")[-2][:-2] + "zz", signed.sign("answer", str(given.public_id))):
            answer = client.get(reverse("opportunities:customer_yes", args=[wrong]))
            assert answer.status_code == 404 and "link" in answer.content.decode()

    def test_words_changed_since_are_not_agreed_to(self, client, bakery, ines, rita) -> None:
        proof = kept(bakery, rita)
        _given, url = self.asked(proof, rita, ines)
        words = {name: getattr(proof, name) for name in actions.WORDS}
        facts = {name: getattr(proof, name) for name in Proof.FACTS}
        actions.rewrite(proof, said={**words, "body": "Something else."}, facts=facts, by=rita, at=timezone.now())
        answer = client.post(url, {"said": "yes", "signed": "Ines", "scopes": ["sales"]})
        assert answer.status_code == 409
        assert "nothing to answer any more" in client.get(url).content.decode()
        assert "Something else." not in client.get(url).content.decode()
        assert Message.objects.get(kind="approval_asked").status == Message.Status.CANCELLED

    def test_silence_is_reminded_of_once(self, bakery, ines, rita) -> None:
        given, _url = self.asked(kept(bakery, rita), rita, ines)
        for days in (3, 8, 8, 30):
            jobs.remind_customers(at=given.asked_at + days * DAY)
        assert Message.objects.filter(kind="approval_asked").count() == 2


WORDS = {
    "customer": "A bakery with 900 people.", "challenge": "Nights were chaos.", "solution": "They planned them.",
    "results": [{"figure": "Planning time", "unit": "hours", "before": "14", "after": "3", "over": "in six months"}],
    "quote": "We sleep at night.", "quote_by": "Ines Barbosa",
}  # fmt: skip


class TestStories:
    def begun(self, bakery: Account, rita: User, ines: Contact | None = None) -> Story:
        return stories.begin(account=bakery, title="Night shifts", by=rita, at=NOON, contact=ines, owner=rita)

    def reviewed(self, bakery: Account, rita: User, ines: Contact | None = None) -> Story:
        story = self.begun(bakery, rita, ines)
        story = stories.write(story, WORDS, by=rita, at=NOON)
        for step in ("research", "writing", "review"):
            story = stories.move(story, step, by=rita, at=NOON)
        return story

    def test_goes_its_way_step_by_step_and_says_what_is_missing(self, bakery, rita) -> None:
        story = stories.move(self.begun(bakery, rita), "research", by=rita, at=NOON)
        story = stories.move(story, "writing", by=rita, at=NOON)
        with pytest.raises(Refused, match="The challenge, The solution, The results"):
            stories.move(story, "review", by=rita, at=NOON)
        for target in ("approved", "published", "approval", "refused-not", "withdrawn"):
            with pytest.raises(Refused):
                stories.move(story, target, by=rita, at=NOON)
        assert showing.waits_for(story) == "Rita Morgan"

    def test_parked_it_goes_back_where_it_was_and_keeps_why(self, bakery, rita) -> None:
        story = stories.move(self.begun(bakery, rita), "research", by=rita, at=NOON)
        with pytest.raises(Refused, match="why"):
            stories.move(story, "parked", by=rita, at=NOON)
        story = stories.move(story, "parked", by=rita, at=NOON, reason="Ines is away until May.")
        assert story.reason == "Ines is away until May."
        assert [step.target for step in showing.steps(story)] == ["research"]
        assert stories.move(story, "research", by=rita, at=NOON).status == "research"

    def test_a_result_reads_as_a_line(self) -> None:
        assert showing.result_line(WORDS["results"][0]) == "Planning time: 14 → 3 hours, in six months"
        assert showing.result_line({"figure": "No overtime"}) == "No overtime"

    def test_changes_go_back_to_writing_with_a_comment_beside_its_part(self, client, bakery, ines, rita) -> None:
        story = self.reviewed(bakery, rita, ines)
        given = approvals.ask(story, scopes=EVERYWHERE, contact=ines, by=rita, at=timezone.now())
        assert Story.objects.get().status == "approval"
        with pytest.raises(Refused, match="before them"):
            stories.write(story, {"title": "Other words"}, by=rita, at=NOON)
        url = reverse("opportunities:customer_yes", args=[signed.sign("approval", str(given.public_id))])
        client.post(url, {"said": "changes", "signed": "Ines", "on_quote": "Say “we rest”."})
        story.refresh_from_db()
        assert story.status == "writing"
        assert given.comments.get().section == "quote"
        client.force_login(rita)
        page = client.get(reverse("opportunities:story", args=[story.public_id])).content.decode()
        assert "Say “we rest”." in page
        assert (
            "Say “we rest”."
            in client.get(reverse("opportunities:story_write", args=[story.public_id])).content.decode()
        )

    def test_a_no_ends_it_in_her_words(self, client, bakery, ines, rita) -> None:
        story = self.reviewed(bakery, rita, ines)
        given = approvals.ask(story, scopes=["sales"], contact=ines, by=rita, at=timezone.now())
        url = reverse("opportunities:customer_yes", args=[signed.sign("approval", str(given.public_id))])
        client.post(url, {"said": "no", "signed": "Ines", "note": "Our lawyers say no."})
        story.refresh_from_db()
        assert (story.status, story.reason) == ("refused", "Our lawyers say no.")

    def test_with_the_yes_it_is_published_as_proof_a_deed_and_points_once(self, bakery, rita) -> None:
        kind = make_kind("case-study", points=200)
        advocate = make_advocate("Ines", bakery)
        story = self.reviewed(bakery, rita, advocate.contact)
        on_record(story, rita)
        story.refresh_from_db()
        for _again in range(2):
            stories.publish(story, by=rita, at=NOON)
        proof = Proof.objects.get()
        assert (proof.kind, proof.industry, proof.status) == ("case_study", "Food", "published")
        assert "Planning time: 14 → 3 hours, in six months" in proof.body
        assert usable() == [proof]
        assert Activity.objects.filter(deed=Deed.STORY_PUBLISHED, contact=advocate.contact).count() == 1
        assert points.total(advocate) == kind.points
        assert Task.objects.filter(kind="thank").count() == 1

    def test_who_claimed_a_case_study_has_the_points_of_the_claim_and_not_twice(self, bakery, rita) -> None:
        from tests.factories import make_opportunity

        kind = make_kind("case-study", points=200)
        advocate = make_advocate("Ines", bakery)
        story = self.reviewed(bakery, rita, advocate.contact)
        made = make_opportunity(kind=kind)
        made.claims.create(advocate=advocate, claimed_at=NOON + DAY)
        on_record(story, rita, at=NOON + DAY)
        stories.publish(Story.objects.get(), by=rita, at=NOON + DAY)
        assert points.total(advocate) == 0

    def test_withdrawn_it_is_gone_and_can_be_written_anew_with_a_new_yes(self, bakery, rita) -> None:
        story = self.reviewed(bakery, rita)
        on_record(story, rita)
        stories.publish(story, by=rita, at=NOON)
        stories.withdraw(story, reason="They changed their mind.", by=rita, at=NOON, by_customer=True)
        story.refresh_from_db()
        assert story.status == "withdrawn" and usable() == []
        story = stories.move(story, "writing", by=rita, at=NOON)
        story = stories.write(story, {"lessons": "Begin small."}, by=rita, at=NOON)
        story = stories.move(story, "review", by=rita, at=NOON)
        with pytest.raises(Refused):
            stories.publish(story, by=rita, at=NOON)
        on_record(story, rita)
        stories.publish(story, by=rita, at=NOON + DAY)
        assert [one.title for one in usable(NOON + DAY)] == ["Night shifts"]
        assert "Begin small." in Proof.objects.get().body

    def test_the_board_shows_where_each_waits_and_costs_the_same_for_many(
        self, as_rita, rita, bakery, queries_of: QueriesOf
    ) -> None:
        visit = partial(as_rita.get, reverse("opportunities:stories"))
        self.begun(bakery, rita)
        visit()
        few = queries_of(visit)
        for number in range(MANY):
            stories.begin(account=make_account(), title=f"Story {number}", by=rita, at=NOON, owner=rita)
        assert queries_of(visit) == few
        page = visit().content.decode()
        assert "waits for Rita Morgan" in page and "See all" in page
        assert as_rita.get(reverse("opportunities:stories"), {"show": "identify", "mine": "yes"}).status_code == 200

    def test_the_pages_take_every_step(self, as_rita, rita, bakery, ines) -> None:
        new = reverse("opportunities:story_new")
        assert "Moinho Claro" in as_rita.get(new, {"q": "moinho"}).content.decode()
        made = as_rita.post(f"{new}?account={bakery.pk}", {"title": "Night shifts", "contact": ines.pk})
        story = Story.objects.get()
        assert made.url == reverse("opportunities:story", args=[story.public_id])
        write = reverse("opportunities:story_write", args=[story.public_id])
        typed = {
            "title": "Night shifts", "customer": "A bakery.", "challenge": "Chaos.", "solution": "Plans.",
            "result_1_figure": "Planning", "result_1_before": "14", "result_1_after": "3", "result_2_unit": "hours",
            "owner": rita.pk, "read": 1,
        }  # fmt: skip
        answer = as_rita.post(write, typed)
        assert answer.status_code == 422 and "Say what changed." in answer.content.decode()
        assert as_rita.post(write, {**typed, "result_2_unit": ""}).status_code == 302
        move = reverse("opportunities:story_move", args=[story.public_id])
        for step in ("writing", "review"):
            as_rita.post(move, {"to": step})
        ask = reverse("opportunities:story_ask", args=[story.public_id])
        assert as_rita.post(ask, {"ask-scopes": ["sales"]}).status_code == 422
        assert as_rita.post(ask, {"ask-scopes": ["sales"], "ask-contact": ines.pk}).status_code == 302
        story.refresh_from_db()
        assert story.status == "approval"
        record = reverse("opportunities:story_record", args=[story.public_id])
        as_rita.post(
            record,
            {"record-name": "Ines", "record-said_on": timezone.localdate().isoformat(), "record-means": "paper",
             "record-evidence": "Contract 7", "record-scopes": ["sales"]},
        )  # fmt: skip
        as_rita.post(move, {"to": "published"})
        story.refresh_from_db()
        assert story.status == "published"


class TestRaisingAHand:
    def test_becomes_a_draft_with_her_words_a_task_and_a_signal_once(self, client, bakery, rita) -> None:
        advocate = make_advocate("Ines", bakery)
        client.force_login(advocate.user)
        told = {"title": "We close the books in two days", "challenge": "It took ten.", "figure": "10 → 2 days"}
        for _double_click in range(2):
            assert client.post(reverse("opportunities:tell"), told).status_code == 302
        story = Story.objects.get()
        assert (story.raised_by, story.status, story.challenge) == (advocate, "identify", "It took ten.")
        assert story.results == [{"figure": "10 → 2 days"}]
        assert Task.objects.count() == 1
        assert Signal.objects.filter(kind="submitted_content", contact=advocate.contact).count() == 1
        page = client.get(reverse("opportunities:tell")).content.decode()
        assert "We have it, and will be in touch." in page
        assert client.get(reverse("opportunities:story", args=[story.public_id])).status_code == 403

    def test_she_sees_no_ideas_of_ours_about_her(self, client, bakery, rita) -> None:
        advocate = make_advocate("Ines", bakery)
        stories.begin(account=bakery, title="Secret idea", by=rita, at=NOON, contact=advocate.contact)
        client.force_login(advocate.user)
        assert "Secret idea" not in client.get(reverse("opportunities:tell")).content.decode()


class TestWhatIsEnough:
    def typed(self, **more: Any) -> dict[str, Any]:
        kind = make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS)
        return {"kind": kind.pk, "prospect": "Kestrel Foods", "industry": "food", "wanted": 1, **more}

    def test_proof_appears_while_the_form_is_filled_with_why_it_fits(self, client, sam, bakery, rita) -> None:
        proof = shown(bakery, rita)
        client.force_login(sam)
        look = reverse("opportunities:request_proof")
        said = client.post(look, self.typed(use_case="night shifts", competitor="ACME")).content.decode()
        assert proof.title in said
        assert "Same use case and industry; came from ACME" in said
        assert proof.title not in client.post(look, self.typed(industry="Shipping")).content.decode()
        assert proof.title in client.post("/requests/new/", {**self.typed(), "look": "yes"}).content.decode()
        assert not ReferenceRequest.objects.exists()

    def test_this_is_enough_ends_it_before_it_began_and_records_what_served(self, client, sam, bakery, rita) -> None:
        proof = shown(bakery, rita)
        client.force_login(sam)
        for wrong in ("nonsense", "00000000-0000-4000-8000-000000000000"):
            answer = client.post("/requests/new/", {**self.typed(), "enough": wrong})
            assert answer.status_code == 409 and "Kestrel Foods" in answer.content.decode()
        answer = client.post("/requests/new/", {**self.typed(), "enough": str(proof.public_id)})
        filed = ReferenceRequest.objects.get()
        assert answer.url == reverse("opportunities:request", args=[filed.public_id])
        assert filed.status == "deflected" and filed.closed_at is not None
        used = ProofUse.objects.get()
        assert (used.proof, used.request, used.how, used.by) == (proof, filed, "deflected", sam)
        assert not Message.objects.filter(kind="request_ended").exists()
        assert proof.title in client.get(answer.url).content.decode()

    def test_a_request_under_way_can_end_so_too_and_whoever_was_asked_is_told(self, client, sam, bakery, rita) -> None:
        proof = shown(bakery, rita)
        kind = make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS)
        at = timezone.now()
        filed = desk.file_request(
            requester=sam, kind=kind, prospect="Kestrel", needed_by=timezone.localdate() + 5 * DAY, at=at,
            facts={"industry": "Food"},
        )  # fmt: skip
        omar = make_advocate("Omar", consents=[Purpose.REFERENCE_CALLS, Purpose.PROGRAM_MAIL])
        desk.nominate(filed, [desk.Pick(omar.pk, "Same work.")], by=rita, at=at)
        client.force_login(sam)
        assert proof.title in client.get(reverse("opportunities:request", args=[filed.public_id])).content.decode()
        enough = reverse("opportunities:request_enough", args=[filed.public_id])
        assert client.post(enough, {"enough": str(proof.public_id)}).status_code == 302
        filed.refresh_from_db()
        assert filed.status == "deflected"
        assert filed.nominations.get().status == "recalled"
        assert client.post(enough, {"enough": str(proof.public_id)}).status_code == 302  # a second press: the same
        assert ProofUse.objects.count() == 1

    def test_what_was_withdrawn_meanwhile_is_refused_with_a_sentence(self, sam, bakery, rita) -> None:
        proof = shown(bakery, rita)
        actions.withdraw(proof, reason="Bought.", by=rita, at=NOON)
        with pytest.raises(Refused, match="may no longer be shown"):
            desk.file_as_enough(
                proof=proof, requester=sam, at=NOON, kind=make_kind("reference-call", for_requests=True),
                prospect="Kestrel", needed_by=NOON.date(),
            )  # fmt: skip
        assert not ReferenceRequest.objects.exists()

    def test_somebody_elses_request_is_not_theirs_to_end(self, client, sam, bakery, rita) -> None:
        proof = shown(bakery, rita)
        filed = desk.file_request(
            requester=sam, kind=make_kind("reference-call"), prospect="Kestrel", needed_by=timezone.localdate(),
            at=timezone.now(),
        )  # fmt: skip
        client.force_login(make_user("Another", Role.REQUESTER))
        enough = reverse("opportunities:request_enough", args=[filed.public_id])
        assert client.post(enough, {"enough": str(proof.public_id)}).status_code == 404


class TestWhichFits:
    def test_the_best_comes_first_and_a_shared_country_alone_is_not_enough(self, bakery, rita) -> None:
        both = shown(bakery, rita, title="Both")
        one = shown(make_account("Other", industry="Food", products=[], use_cases=[]), rita, title="One")
        shown(make_account("Far", industry="Shipping", country="DE"), rita, title="Far")
        found = fitting.fitting(Wanted(industry="FOOD", product="planner", country="de"), at=NOON)
        assert [fit.proof for fit in found] == [both, one]

    def test_words_of_the_question_count_where_they_tell_something(self, bakery, rita) -> None:
        proof = shown(make_account("X", industry="Shipping"), rita, body="Our bakers planned every shift in Lisbon.")
        asked = Wanted(text="How would your bakers have planned their shifts, and what about Lisbon?")
        assert asked.words == ["bakers", "planned", "shifts", "lisbon"]
        found = fitting.fitting(asked, at=NOON)
        assert [fit.proof for fit in found] == [proof]
        assert found[0].because.startswith("Speaks of “bakers”; ")
        assert found[0].reasons == ["Speaks of “bakers”", "Speaks of “planned”", "Speaks of “lisbon”"]

    def test_nothing_said_finds_nothing_and_odd_words_break_nothing(self, bakery, rita) -> None:
        shown(bakery, rita)
        assert fitting.fitting(Wanted(), at=NOON) == []
        for odd in ("'; DROP", "\\\\", "%", "':* & !", "“x”" * 3000):
            fitting.fitting(Wanted(text=odd, industry=odd[:90], use_case=odd[:90]), at=NOON)

    def test_who_asks_for_a_quote_sees_quotes_first(self, bakery, rita) -> None:
        shown(bakery, rita, title="A letter", kind="letter")
        quote = shown(bakery, rita, title="A quote")
        kind: OpportunityKind = make_kind("quote")
        assert fitting.fitting(Wanted(kind=kind.slug, industry="Food"), at=NOON)[0].proof == quote

    def test_it_is_one_query_whatever_the_library_holds(self, bakery, rita, django_assert_max_num_queries) -> None:
        for number in range(12):
            shown(bakery, rita, title=f"Quote {number}")
        with django_assert_max_num_queries(1):
            assert len(fitting.fitting(Wanted(industry="Food"), at=NOON)) == fitting.SHOWN


class TestTheLibraryPage:
    def test_filters_live_in_the_address_and_the_list_costs_the_same_for_many(
        self, client, sam, bakery, rita, queries_of: QueriesOf
    ) -> None:
        shown(bakery, rita, scopes=["sales"])
        client.force_login(sam)
        visit = partial(client.get, reverse("opportunities:library"))
        visit()
        few = queries_of(visit)
        for number in range(MANY):
            shown(make_account(), rita, title=f"Video {number}", kind="video", at=NOON + timedelta(minutes=number))
        assert queries_of(visit) == few
        page = client.get(reverse("opportunities:library"), {"scope": "press", "kind": "quote"}).content.decode()
        assert "Nothing fits" in page
        assert "We sleep" in client.get(reverse("opportunities:library"), {"q": "moinho"}).content.decode()

    def test_drafts_are_for_who_keeps_it(self, client, sam, bakery, rita) -> None:
        proof = kept(bakery, rita)
        client.force_login(sam)
        assert client.get(reverse("opportunities:proof", args=[proof.public_id])).status_code == 404
        assert "We sleep" not in client.get(reverse("opportunities:library"), {"show": "drafts"}).content.decode()
        client.force_login(rita)
        assert "We sleep" in client.get(reverse("opportunities:library"), {"show": "drafts"}).content.decode()

    def test_rita_puts_in_asks_publishes_and_withdraws(self, as_rita, bakery, ines) -> None:
        new = reverse("opportunities:proof_new")
        bad = as_rita.post(
            f"{new}?account={bakery.pk}", {"kind": "quote", "title": "“We sleep”", "country": "Portugal"}
        )
        assert bad.status_code == 422 and "“We sleep”" in bad.content.decode()
        none = as_rita.post(f"{new}?account={bakery.pk}", {"kind": "quote", "title": "“We sleep”"})
        assert none.status_code == 409 and "Write its words" in none.content.decode()
        as_rita.post(f"{new}?account={bakery.pk}", {"kind": "quote", "title": "“We sleep”", "body": "We sleep."})
        proof = Proof.objects.get()

        def at(what: str) -> str:
            return reverse(f"opportunities:proof_{what}", args=[proof.public_id])

        as_rita.post(at("publish"))
        proof.refresh_from_db()
        assert proof.status == "draft"
        assert as_rita.post(at("ask"), {"ask-contact": ines.pk, "ask-scopes": ["sales"]}).status_code == 302
        assert (
            "has not answered yet"
            in as_rita.get(reverse("opportunities:proof", args=[proof.public_id])).content.decode()
        )
        as_rita.post(at("take_back"))
        said = {
            "record-name": "Ines", "record-said_on": timezone.localdate().isoformat(), "record-means": "mail",
            "record-evidence": "mail", "record-scopes": ["sales"],
        }  # fmt: skip
        assert as_rita.post(at("record"), said).status_code == 302
        as_rita.post(at("publish"))
        proof.refresh_from_db()
        assert proof.status == "published"
        assert as_rita.post(at("withdraw"), {"reason": ""}).status_code == 422
        as_rita.post(at("withdraw"), {"reason": "Bought.", "by_customer": "on"})
        proof.refresh_from_db()
        assert proof.status == "withdrawn"
        as_rita.post(at("redraft"))
        as_rita.post(at("publish"))
        proof.refresh_from_db()
        assert proof.status == "draft"  # their yes was taken back: it needs a new one


class TestAtTheDesk:
    def test_rita_answers_a_request_with_proof(self, as_rita, rita, sam, bakery) -> None:
        proof = shown(bakery, rita)
        filed = desk.file_request(
            requester=sam, kind=make_kind("reference-call"), prospect="Kestrel", at=timezone.now(),
            needed_by=timezone.localdate() + 5 * DAY, facts={"industry": "Food"},
        )  # fmt: skip
        page = reverse("admin:opportunities_referencerequest_change", args=[filed.pk])
        fits = reverse("admin:opportunities_desk_proof", args=[filed.pk])
        assert fits in as_rita.get(page).content.decode()
        assert proof.title in as_rita.get(fits).content.decode()
        move = reverse("admin:opportunities_desk_move", args=[filed.pk])
        answer = as_rita.post(move, {"do": "enough", "enough": "nonsense"})
        assert answer.status_code == 409 and "Choose one of the proofs" in answer.content.decode()
        as_rita.post(move, {"do": "enough", "enough": str(proof.public_id)})
        filed.refresh_from_db()
        assert filed.status == "deflected"
        assert Message.objects.filter(kind="request_ended", user=sam).count() == 1  # Sam hears of it
        assert "What was enough" in as_rita.get(page).content.decode()
