"""Beta and advisory groups: seats, terms, renewal, what members gave, and what only they get (O10)."""

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import consent
from advocacy.crm.catalogue import Purpose
from advocacy.crm.models import ConsentState, Signal
from advocacy.delivery import rendering
from advocacy.delivery.models import Message, Notification
from advocacy.lib import signed
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role
from advocates import budget, reviews
from advocates.actions import moving
from advocates.models import Advocate, Ask
from advocates.segments import Segment
from opportunities import eligibility
from opportunities import groups as rules
from opportunities.actions import board as board_actions
from opportunities.actions import groups
from opportunities.eligibility import standing, who
from opportunities.models import CustomerGroup, GroupMembership, Opportunity
from opportunities.models.board import guarded_audience
from tests.factories import NOON, make_account, make_advocate, make_kind, make_opportunity, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def make_group(name: str = "Planner advisory board", **fields: Any) -> CustomerGroup:
    defaults: dict[str, Any] = {
        "slug": name.lower().replace(" ", "-"), "kind": "advisory", "what": "An hour each quarter.",
        "benefit": "You see the roadmap first.", "seats": 2, "term_months": 12,
    }  # fmt: skip
    return CustomerGroup.objects.create(name=name, **{**defaults, **fields})


def invited(advocate: Advocate, group: CustomerGroup | None = None, *, at: Any = NOON) -> GroupMembership:
    return groups.invite(advocate, group or make_group(), by=make_user("Rita Morgan", Role.MANAGER), at=at)


def member(advocate: Advocate, group: CustomerGroup | None = None, *, at: Any = NOON) -> GroupMembership:
    return groups.accept(invited(advocate, group, at=at), at=at)


class TestInviting:
    def test_an_invitation_is_one_ask_and_one_mail_and_keeps_a_seat(self) -> None:
        ines, group = make_advocate("Ines"), make_group()
        invited(ines, group)
        assert Ask.objects.get(advocate=ines).kind == "advisory-board"
        assert not budget.availability(ines, at=NOON + DAY).is_open
        mail = Message.objects.get(kind="group_invitation")
        assert mail.purpose == Purpose.BETA_ADVISORY
        assert rules.seats_left(group) == 1

    def test_whoever_rests_or_never_wants_it_is_not_invited(self) -> None:
        group = make_group()
        ines, omar = make_advocate("Ines"), make_advocate("Omar", never=["advisory-board"])
        budget.ask(ines, channel="desk", source_id="1", kind="reference-call", at=NOON - DAY)
        for one, said in ((ines, "asked|rests"), (omar, "does not want")):
            with pytest.raises(Refused, match=said):
                invited(one, group)
        assert not GroupMembership.objects.exists() and not Message.objects.exists()

    def test_without_consent_or_membership_of_the_program_nobody_is(self) -> None:
        group = make_group()
        quiet = make_advocate("Ines", consents=[Purpose.PROGRAM_MAIL])
        with pytest.raises(Refused, match="not agreed"):
            invited(quiet, group)
        with pytest.raises(Refused, match="not a member"):
            invited(make_advocate("Omar", status=Advocate.Status.INVITED), group)

    def test_more_than_the_seats_are_never_invited(self) -> None:
        group = make_group(seats=1)
        invited(make_advocate("Ines"), group)
        with pytest.raises(Refused, match="one seat"):
            invited(make_advocate("Omar"), group)

    def test_an_invitation_nobody_answers_gives_its_seat_back(self) -> None:
        group = make_group(seats=1)
        asked = invited(make_advocate("Ines"), group)
        assert groups.expire_invitations(at=NOON + 13 * DAY) == 0
        assert groups.expire_invitations(at=NOON + 14 * DAY) == 1
        assert groups.expire_invitations(at=NOON + 14 * DAY) == 0
        assert rules.seats_left(group) == 1
        with pytest.raises(Refused):
            groups.accept(asked, at=NOON + 15 * DAY)

    def test_one_taken_back_before_it_left_was_no_ask(self) -> None:
        ines = make_advocate("Ines")
        groups.take_back(invited(ines), by=None, at=NOON)
        assert Message.objects.get(kind="group_invitation").status == "cancelled"
        assert budget.availability(ines, at=NOON + DAY).is_open


class TestComingIn:
    def test_a_yes_begins_a_term_and_a_second_one_changes_nothing(self) -> None:
        asked = invited(make_advocate("Ines"))
        first = groups.accept(asked, at=NOON)
        again = groups.accept(asked, at=NOON + 9 * DAY)
        assert (first.from_on, first.until_on) == (date(2026, 3, 10), date(2027, 3, 9))
        assert again.until_on == first.until_on
        assert Signal.objects.filter(kind="joined_program").count() == 1
        assert Ask.objects.get().answered_at is not None

    def test_a_no_frees_the_seat(self) -> None:
        group = make_group(seats=1)
        groups.decline(invited(make_advocate("Ines"), group), at=NOON)
        assert rules.seats_left(group) == 1

    def test_consent_taken_back_in_between_has_to_be_given_along(self) -> None:
        ines = make_advocate("Ines")
        asked = invited(ines)
        consent.withdraw(ines.contact, Purpose.BETA_ADVISORY, at=NOON, source="test")
        with pytest.raises(Refused, match="consent"):
            groups.accept(asked, at=NOON)
        groups.accept(asked, at=NOON, agrees=True)
        assert ConsentState.objects.get(contact=ines.contact, purpose=Purpose.BETA_ADVISORY).given

    def test_members_apply_where_they_may_and_hear_what_became_of_it(self) -> None:
        group = make_group(joining="application", seats=1)
        ines, omar = make_advocate("Ines"), make_advocate("Omar", consents=())
        first = groups.apply(ines, group, note="We plan nights.", agrees=False, at=NOON)
        with pytest.raises(Refused, match="consent"):
            groups.apply(omar, group, note="Me, too.", agrees=False, at=NOON)
        second = groups.apply(omar, group, note="Me, too.", agrees=True, at=NOON)
        with pytest.raises(Refused, match="applied already"):
            groups.apply(omar, group, note="Again.", agrees=True, at=NOON)
        groups.take(first, by=None, at=NOON)
        with pytest.raises(Refused, match="one seat"):
            groups.take(second, by=None, at=NOON)
        with pytest.raises(Refused, match="Say why"):
            groups.not_taken(second, reason=" ", by=None, at=NOON)
        groups.not_taken(second, reason="We begin with two sites.", by=None, at=NOON)
        texts = [rendering.render(one).text for one in Message.objects.filter(kind="group_answer").order_by("pk")]
        assert "You are in until" in texts[0] and "We begin with two sites." in texts[1]

    def test_by_invitation_only_means_so(self) -> None:
        with pytest.raises(Refused, match="by invitation"):
            groups.apply(make_advocate("Ines"), make_group(), note="Please.", agrees=True, at=NOON)


class TestTerms:
    def test_a_month_before_the_end_they_are_asked_once(self) -> None:
        row = member(make_advocate("Ines"))
        end = NOON + 364 * DAY
        assert groups.ask_to_renew(at=end - 31 * DAY) == 0
        assert groups.ask_to_renew(at=end - 30 * DAY) == 1
        assert groups.ask_to_renew(at=end - 29 * DAY) == 0
        assert Message.objects.filter(kind="group_renewal").count() == 1
        row.refresh_from_db()
        assert row.may_renew(at=end - 29 * DAY)

    def test_a_yes_adds_a_term_without_a_gap_and_the_next_one_is_asked_about_anew(self) -> None:
        row = member(make_advocate("Ines"))
        groups.ask_to_renew(at=NOON + 340 * DAY)
        for _twice in range(2):
            row = groups.renew(row, at=NOON + 341 * DAY)
        assert (row.until_on, row.renewed) == (date(2028, 3, 9), 1)
        assert groups.ask_to_renew(at=NOON + 350 * DAY) == 0
        assert groups.ask_to_renew(at=NOON + 720 * DAY) == 1

    def test_without_a_yes_it_ends_on_its_last_day(self) -> None:
        group = make_group(seats=1)
        row = member(make_advocate("Ines"), group)
        assert groups.end_terms(at=NOON + 364 * DAY) == 0
        assert groups.end_terms(at=NOON + 365 * DAY) == 1
        row.refresh_from_db()
        assert (row.status, row.how_ended) == ("ended", "term")
        assert rules.seats_left(group) == 1
        with pytest.raises(Refused, match="over"):
            groups.renew(row, at=NOON + 366 * DAY)

    def test_one_can_leave_and_come_back(self) -> None:
        ines, group = make_advocate("Ines"), make_group()
        row = groups.leave(member(ines, group), reason="Too busy", at=NOON + DAY)
        assert (row.status, row.how_ended, row.reason) == ("ended", "left", "Too busy")
        assert member(ines, group, at=NOON + 100 * DAY).status == "member"
        assert GroupMembership.objects.filter(advocate=ines).count() == 2

    def test_ours_is_ended_only_with_a_reason(self) -> None:
        row = member(make_advocate("Ines"))
        with pytest.raises(Refused, match="Say why"):
            groups.end_membership(row, reason="", by=None, at=NOON)
        assert groups.end_membership(row, reason="Never came.", by=None, at=NOON).how_ended == "staff"

    def test_the_end_of_the_group_ends_all_of_it(self) -> None:
        group = make_group(seats=3)
        ines, omar = member(make_advocate("Ines"), group), invited(make_advocate("Omar"), group)
        groups.end_group(group, by=None, at=NOON + DAY)
        for row, status in ((ines, "ended"), (omar, "declined")):
            row.refresh_from_db()
            assert (row.status, row.how_ended) == (status, "group")

    def test_when_it_ends_claims_go_on_and_everybody_concerned_is_told(self, client: Client) -> None:
        rita = make_user("Rita Morgan", Role.MANAGER)
        group = make_group(seats=3, joining="application", run_by=rita)
        ines, omar, mei = (make_advocate(name) for name in ("Ines", "Omar", "Mei"))
        member(ines, group)
        member(omar, group)
        groups.apply(mei, group, note="Me too.", agrees=True, at=NOON)
        claim = board_actions.claim(ines, make_opportunity("Try it", audience={"all": [group.fact]}), at=NOON)
        for _time in range(2):
            groups.end_group(group, by=rita, at=NOON + DAY)
        claim.refresh_from_db()
        assert claim.status == "claimed"
        assert "goes on as agreed" in Notification.objects.get(user=ines.user, kind="group_ended").text
        assert "goes on" not in Notification.objects.get(user=omar.user, kind="group_ended").text
        assert "1 claim for it goes on" in Notification.objects.get(user=rita, kind="group_claims").text
        assert "has ended" in rendering.render(Message.objects.get(kind="group_answer")).text
        client.force_login(rita)
        text = client.get(reverse("opportunities:group", args=[group.public_id])).content.decode()
        assert "Taken on before the group ended" in text and "Try it" in text

    def test_whoever_leaves_their_company_leaves_its_groups(self) -> None:
        ines = make_advocate("Ines")
        row = member(ines)
        moving.has_moved(ines, to=make_account("Birch"), at=NOON + DAY)
        row.refresh_from_db()
        assert (row.status, row.how_ended) == ("ended", "company")


class TestOnlyForThem:
    def test_an_opportunity_of_a_group_is_open_to_its_members_alone(self) -> None:
        ines, omar, group = make_advocate("Ines"), make_advocate("Omar"), make_group()
        offer = make_opportunity("Try the new plan", audience={"all": [group.fact]})
        row = member(ines, group)
        assert standing(who(ines, at=NOON), offer, at=NOON).may_claim
        assert standing(who(omar, at=NOON), offer, at=NOON).code == eligibility.Code.OTHERS
        listed = Opportunity.objects.annotate(is_for=eligibility.MeantFor("audience", who(omar, at=NOON).facts))
        assert not listed.get(pk=offer.pk).is_for
        groups.leave(row, reason="", at=NOON)
        assert not standing(who(ines, at=NOON), offer, at=NOON).may_claim

    def test_when_the_term_is_over_so_is_the_access(self) -> None:
        ines, group = make_advocate("Ines"), make_group()
        offer = make_opportunity("Try the new plan", audience={"any": [group.fact]})
        member(ines, group)
        assert not standing(who(ines, at=NOON + 366 * DAY), offer, at=NOON + 366 * DAY).may_claim

    def test_what_they_completed_for_it_is_what_they_gave(self) -> None:
        ines, group = make_advocate("Ines"), make_group()
        member(ines, group)
        kind = make_kind("beta-test", steps=["claimed", "delivered", "verified"])
        theirs = make_opportunity("Try it", kind=kind, audience={"all": [group.fact]}, minutes=45)
        besides = make_opportunity("Something else", kind=kind)
        for one in (theirs, besides):
            claim = board_actions.claim(ines, one, at=NOON)
            board_actions.verify(board_actions.deliver(claim, at=NOON), at=NOON)
        assert rules.gave(group) == {ines.pk: rules.Gave(1, 45)}
        assert [claim.opportunity for claim in rules.deeds(group)] == [theirs]

    def test_no_public_review_is_for_a_group(self) -> None:
        """Feelings may have led there (P19)."""
        assert guarded_audience({"all": ["group:planner"]}, is_review=True)
        among = Segment.read({"all": [{"fact": "program.group", "value": ["Planner advisory board"]}]})
        assert reviews.why_not(asks_public_review=True, among=[among])

    def test_a_cohort_can_be_the_members_of_a_group(self) -> None:
        ines, _omar, group = make_advocate("Ines"), make_advocate("Omar"), make_group()
        member(ines, group)
        among = Segment.read({"all": [{"fact": "program.group", "value": [group.name.upper()]}]})
        assert list(among.people(at=NOON)) == [ines.contact]


class TestOnPages:
    @pytest.fixture
    def rita(self, client: Client) -> Any:
        user = make_user("Rita Morgan", Role.MANAGER)
        client.force_login(user)
        return user

    def test_a_group_is_made_and_somebody_invited(self, client: Client, rita: Any) -> None:
        ines = make_advocate("Ines Barbosa")
        said = {
            "name": "Planner beta", "kind": "beta", "what": "Try it.", "benefit": "Four weeks early.", "seats": "5",
            "term_months": "6", "joining": "invitation",
        }  # fmt: skip
        assert client.post(reverse("opportunities:new_group"), {**said, "seats": "0"}).status_code == 422
        client.post(reverse("opportunities:new_group"), said)
        group = CustomerGroup.objects.get(slug="planner-beta")
        address = reverse("opportunities:group", args=[group.public_id])
        assert "Ines Barbosa" in client.get(address, {"q": "barbosa"}).content.decode()
        invite = reverse("opportunities:invite_to_group", args=[group.public_id])
        text = client.post(invite, {"advocate": str(ines.public_id)}, follow=True).content.decode()
        assert "is invited" in text and "the seat is kept until" in text
        assert client.post(invite, {"advocate": "x"}).status_code == 404

    def test_seats_that_are_taken_cannot_be_taken_away(self, client: Client, rita: Any) -> None:
        group = make_group(seats=3)
        for name in ("Ines", "Omar"):
            member(make_advocate(name), group)
        said = {
            "name": group.name, "kind": "advisory", "what": "x", "benefit": "y", "seats": "1", "term_months": "12",
            "joining": "invitation",
        }  # fmt: skip
        answer = client.post(reverse("opportunities:edit_group", args=[group.public_id]), said)
        assert answer.status_code == 422 and "2 seats are taken" in answer.content.decode()

    def test_the_page_of_a_group_tells_terms_and_what_was_given(self, client: Client, rita: Any) -> None:
        group = make_group(term_months=1)
        member(make_advocate("Ines Barbosa"), group, at=timezone.now())
        groups.ask_to_renew(at=timezone.now())
        text = client.get(reverse("opportunities:group", args=[group.public_id])).content.decode()
        assert "Terms ending soon" in text and "asked, no answer yet" in text
        assert group.name in client.get(reverse("opportunities:groups")).content.decode()

    def test_the_link_of_the_mail_changes_nothing_until_a_button_is_pressed(self, client: Client) -> None:
        row = invited(make_advocate("Ines"), at=timezone.now())
        address = reverse("opportunities:group_by_mail", args=[signed.sign("group", str(row.public_id))])
        for ask in (client.get, client.head):
            assert ask(address).status_code == 200
        row.refresh_from_db()
        assert row.status == "invited"
        text = client.post(address, {"go": "accept"}, follow=True).content.decode()
        row.refresh_from_db()
        assert row.status == "member" and "You are in" in text
        assert client.post(address, {"go": "leave"}).status_code == 404
        assert client.get(reverse("opportunities:group_by_mail", args=["x"])).status_code == 404

    def test_a_member_answers_renews_and_leaves_on_their_own_page(self, client: Client) -> None:
        ines = make_advocate("Ines")
        group = make_group(term_months=1)
        row = invited(ines, group, at=timezone.now())
        client.force_login(ines.user)
        assert group.name in client.get("/").content.decode()
        address = reverse("opportunities:my_group", args=[group.public_id])
        client.post(address, {"go": "accept"})
        groups.ask_to_renew(at=timezone.now())
        assert "Another term?" in client.get(address).content.decode()
        client.post(address, {"go": "renew"})
        row.refresh_from_db()
        assert row.renewed == 1
        client.post(address, {"go": "leave", "reason": "Too busy"})
        row.refresh_from_db()
        assert (row.status, row.reason) == ("ended", "Too busy")
        assert client.get(reverse("opportunities:my_groups")).status_code == 200
        assert client.get(address).status_code == 404, "by invitation only: nobody else sees that it is there"

    def test_a_button_pressed_twice_is_pressed_once(self, client: Client) -> None:
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        asked, open_to_all = make_group(), make_group("Beta", joining="application")
        invited(ines, asked, at=timezone.now())
        for me, group, said in (
            (ines, asked, {"go": "decline"}), (omar, open_to_all, {"go": "apply", "note": "Me."}),
        ):  # fmt: skip
            client.force_login(me.user)
            address = reverse("opportunities:my_group", args=[group.public_id])
            assert [client.post(address, said).status_code for _time in range(2)] == [302, 302]
        assert sorted(GroupMembership.objects.values_list("status", flat=True)) == ["applied", "declined"]

    def test_a_group_that_has_ended_stays_so_whatever_is_saved(self, client: Client, rita: Any) -> None:
        group = make_group(joining="application")
        groups.end_group(group, by=rita, at=NOON)
        said = {
            "name": "Another name", "kind": "advisory", "what": "x", "benefit": "y", "seats": "2", "term_months": "12",
            "joining": "invitation",
        }  # fmt: skip
        address = reverse("opportunities:edit_group", args=[group.public_id])
        assert "has ended, and stays" in client.post(address, said, follow=True).content.decode()
        group.refresh_from_db()
        assert (group.status, group.name) == ("ended", "Planner advisory board")

    def test_applying_keeps_what_was_typed_when_the_consent_is_missing(self, client: Client) -> None:
        omar = make_advocate("Omar", consents=())
        group = make_group(joining="application")
        client.force_login(omar.user)
        address = reverse("opportunities:my_group", args=[group.public_id])
        answer = client.post(address, {"go": "apply", "note": "We plan nights."})
        assert answer.status_code == 409 and "We plan nights." in answer.content.decode()
        client.post(address, {"go": "apply", "note": "We plan nights.", "agree": "yes"})
        assert GroupMembership.objects.get().status == "applied"


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_two_who_are_taken_in_at_the_same_moment_share_one_seat(self) -> None:
        group = make_group(seats=1, joining="application")
        rows = [
            groups.apply(make_advocate(name), group, note="Me.", agrees=True, at=NOON)
            for name in ("Ines", "Omar", "Mei", "Noa")
        ]
        barrier, told = threading.Barrier(len(rows)), list[str]()

        def take(row: GroupMembership) -> None:
            try:
                barrier.wait(10)
                groups.take(row, by=None, at=NOON)
                told.append("in")
            except Refused as refusal:
                told.append(str(refusal))
            finally:
                connections.close_all()

        threads = [threading.Thread(target=take, args=[row]) for row in rows]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert told.count("in") == 1 and len(told) == 4
        assert GroupMembership.objects.filter(status="member").count() == 1
