"""Both sides read a briefing before they meet; each its own, from the yes on (D8)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm.catalogue import Purpose
from advocacy.delivery import rendering
from advocacy.delivery.models import Message
from advocacy.lib import signed
from advocacy.users.models import Role, User
from advocates.models import Advocate
from opportunities import briefings
from opportunities.actions import board, desk
from opportunities.actions.desk import Pick
from opportunities.jobs import board as board_jobs
from opportunities.jobs import desk as jobs
from opportunities.models import Briefing, Claim, Nomination
from tests.factories import make_advocate, make_kind, make_opportunity, make_user

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def sam() -> User:
    return make_user("Sam Adler", Role.REQUESTER)


@pytest.fixture
def ines() -> Advocate:
    return make_advocate("Ines", user=make_user("Ines Barbosa", Role.ADVOCATE))


def asked(sam: User, ines: Advocate, prospect: str = "Kestrel Foods") -> Nomination:
    now = timezone.now()
    kind = make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, minutes=30, points=80)
    Briefing.objects.update_or_create(
        kind=kind,
        defaults={
            "typical_questions": "What was harder than you thought?\n\nWhat would you do differently?",
            "off_limits": "Prices of your contract", "manners": "Begin and end on time.",
        },
    )  # fmt: skip
    wanted = desk.file_request(
        requester=sam, kind=kind, prospect=prospect, needed_by=timezone.localdate() + 30 * DAY, at=now - DAY,
        facts={"prospect_person": "Sara Berg", "prospect_role": "COO", "questions": "How did night shifts take it?"},
    )  # fmt: skip
    rita = User.objects.filter(name="Rita Morgan").first() or make_user("Rita Morgan", Role.MANAGER)
    (one,) = desk.nominate(
        wanted, [Pick(ines.pk, "You know night shifts.")], by=rita, at=now - 2 * HOUR, override_reason="Again."
    )
    return one


def yes(one: Nomination) -> Nomination:
    now = timezone.now()
    desk.accept(one, times=[now + 2 * DAY, now + 3 * DAY, now + 4 * DAY], at=now - HOUR)
    one.refresh_from_db()
    return one


def of_seller(one: Nomination) -> str:
    return reverse("opportunities:seller_briefing", args=[one.request.public_id, one.public_id])


class TestTheAdvocate:
    def test_reads_who_why_what_is_usually_asked_and_what_is_off_limits(
        self, sam: User, ines: Advocate, client: Client
    ) -> None:
        one = yes(asked(sam, ines))
        assert ines.user is not None
        client.force_login(ines.user)
        text = client.get(reverse("opportunities:briefing", args=[one.public_id])).content.decode()
        for said in ("Kestrel Foods", "Sara Berg, COO", "You know night shifts.", "How did night shifts take it?",
                     "What was harder than you thought?", "Prices of your contract", "Sam Adler"):  # fmt: skip
            assert said in text
        assert "Begin and end on time." not in text  # manners are for the seller

    def test_only_their_own_and_from_the_yes_on(self, sam: User, ines: Advocate, client: Client) -> None:
        one = asked(sam, ines)
        omar = make_advocate("Omar", user=make_user("Omar", Role.ADVOCATE))
        assert ines.user is not None and omar.user is not None
        client.force_login(ines.user)
        url = reverse("opportunities:briefing", args=[one.public_id])
        assert client.get(url).status_code == 404
        yes(one)
        assert client.get(url).status_code == 200
        client.force_login(omar.user)
        assert client.get(url).status_code == client.post(url, {"not_about": "x"}).status_code == 404

    def test_says_what_they_would_rather_not_talk_about(self, sam: User, ines: Advocate, client: Client) -> None:
        one = yes(asked(sam, ines))
        link = reverse("opportunities:briefing_by_mail", args=[signed.sign("briefing", str(one.public_id))])
        assert client.get(link).status_code == 200
        one.refresh_from_db()
        assert one.not_about == ""
        assert client.post(link, {"not_about": "x" * 501}).status_code == 422
        client.post(link, {"not_about": "Our merger."})
        client.force_login(sam)
        assert "Our merger." in client.get(of_seller(one)).content.decode()

    def test_a_link_that_is_torn_or_for_something_else_says_so(self, sam: User, ines: Advocate, client: Client) -> None:
        one = asked(sam, ines)
        for token in ("x", signed.sign("answer", str(one.public_id)), signed.sign("briefing", "none"),
                      signed.sign("briefing", str(one.public_id))):  # fmt: skip
            answer = client.get(reverse("opportunities:briefing_by_mail", args=[token]))
            assert answer.status_code == 404
        assert "nothing to prepare for" in answer.content.decode()  # not before the yes


class TestTheSeller:
    def test_reads_who_their_history_and_manners(self, sam: User, ines: Advocate, client: Client) -> None:
        first = yes(asked(sam, ines))
        Claim.objects.filter(nomination=first).update(
            status="verified", verified_at=timezone.now(), scheduled_for=timezone.now() - DAY
        )
        second = yes(asked(sam, ines))
        client.force_login(sam)
        text = client.get(of_seller(second)).content.decode()
        for said in ("Ines Barbosa", "1 reference for us so far", "They have spoken with Kestrel Foods before.",
                     "Begin and end on time.", "Prices of your contract"):  # fmt: skip
            assert said in text
        assert "What was harder than you thought?" not in text and ines.contact.email not in text

    def test_not_before_the_yes_and_only_of_their_own(self, sam: User, ines: Advocate, client: Client) -> None:
        one = asked(sam, ines)
        client.force_login(sam)
        assert client.get(of_seller(one)).status_code == 404
        yes(one)
        assert client.get(of_seller(one)).status_code == 200
        client.force_login(make_user("Tom", Role.REQUESTER))
        assert client.get(of_seller(one)).status_code == 404
        client.force_login(User.objects.get(name="Rita Morgan"))
        assert client.get(of_seller(one)).status_code == 200

    def test_a_first_reference_is_said_to_be_one(self, sam: User, ines: Advocate) -> None:
        one = yes(asked(sam, ines))
        assert any("first reference" in line for line in briefings.for_seller(one, at=timezone.now()).history)


class TestInTheMails:
    def test_the_set_time_and_the_reminders_lead_there(self, sam: User, ines: Advocate) -> None:
        one = yes(asked(sam, ines))
        claim = desk.pick_time(one.times.all()[0], at=timezone.now())
        assert claim.scheduled_for is not None
        board_jobs.remind(at=claim.scheduled_for - 20 * HOUR)
        jobs.remind_both_sides(at=claim.scheduled_for - 20 * HOUR)
        for kind in ("claim_scheduled", "claim_reminder"):
            made = rendering.render(Message.objects.get(kind=kind, contact=ines.contact))
            assert "/briefing/" in made.text and "/briefing/" in made.html
        for kind in ("request_time_set", "request_reminder"):
            made = rendering.render(Message.objects.get(kind=kind, user=sam))
            assert of_seller(one) in made.text and of_seller(one) in made.html

    def test_a_claim_of_the_board_has_none(self, ines: Advocate) -> None:

        claim = board.claim(ines, make_opportunity("A webinar"), at=timezone.now())
        board.schedule(claim, starts_at=timezone.now() + DAY, minutes=30, at=timezone.now())
        made = rendering.render(Message.objects.get(kind="claim_scheduled"))
        assert "/briefing/" not in made.text
