"""A request on the board without a name: no name leaks, and a hand raised there goes on at the desk (D6)."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import consent
from advocacy.crm.catalogue import Deed, Purpose
from advocacy.crm.models import Account, Activity
from advocacy.delivery import rendering
from advocacy.delivery.models import Message, Notification
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocacy.users.rights import PUBLIC, may, right_of
from advocates import budget, points
from advocates.models import Advocate, Ask, Task
from newsletter.actions import editions as newsletter
from opportunities import broadcast as rules
from opportunities.actions import board, broadcast, desk
from opportunities.actions.desk import Pick
from opportunities.jobs import board as board_jobs
from opportunities.models import Claim, Nomination, Opportunity, ReferenceRequest
from tests.factories import make_account, make_advocate, make_deal, make_kind, make_user
from tests.users.test_rights import ALL_ROUTES

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MARKERS = ("zebulon", "qwxprospect", "vronskaja", "xylofrage", "dealmarkus", "werrolle", "rivalmarke")


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def wanted(rita: User) -> ReferenceRequest:
    """Sam's request, with a marker in everything that would tell who asks."""
    kind = make_kind("reference-call", purpose=Purpose.REFERENCE_CALLS, minutes=30, points=80)
    deal = make_deal("Dealmarkus renewal", prospect="Zebulon Foods")
    filed = desk.file_request(
        requester=make_user("Sam Adler", Role.REQUESTER), kind=kind, prospect="Zebulon Foods GmbH", deal=deal,
        needed_by=timezone.localdate() + 20 * DAY, at=timezone.now() - DAY, wanted=1,
        facts={
            "industry": "Food", "region": "Europe", "employees": 740, "use_case": "shift planning",
            "prospect_domain": "qwxprospect.test", "prospect_person": "Anna Vronskaja", "prospect_role": "Werrolle",
            "questions": "Xylofrage: how did night shifts take it?", "competitor": "Rivalmarke",
        },
    )  # fmt: skip
    return desk.assign(filed, to=rita, at=timezone.now() - DAY)


def out(wanted: ReferenceRequest, **texts: str) -> Opportunity:
    said = {**rules.prefilled(wanted), "what": "Half an hour by video.", **texts}
    return broadcast.send_out(wanted, texts=said, by=wanted.manager, at=timezone.now())


def raised(one: Opportunity, *people: Advocate) -> list[Claim]:
    return [board.claim(person, one, at=timezone.now()) for person in people]


class TestTheWords:
    def test_are_drafted_from_facts_and_name_nobody(self, wanted: ReferenceRequest) -> None:
        said = rules.prefilled(wanted)
        assert said["title"] == "Reference call about shift planning"
        assert "(Food, 200 to 999 people, Europe)" in said["summary"] and "740" not in said["summary"]
        assert not rules.points_at(wanted, *said.values())

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("ZEBULON  foods wants to know", "zebulon"), ("see https://www.qwxprospect.test/about", "qwxprospect.test"),
            ("Ms Vronskaja asks", "vronskaja"), ("Zebulon Foods GmbH", "zebulon foods gmbh"),
        ],
    )  # fmt: skip
    def test_that_point_at_the_prospect_are_refused_with_the_word(
        self, wanted: ReferenceRequest, text: str, word: str
    ) -> None:
        with pytest.raises(broadcast.PointsAt) as refused:
            out(wanted, what=text)
        assert word in refused.value.words
        assert not Opportunity.objects.listed().exists()

    @pytest.mark.parametrize(
        ("prospect", "text", "word"),
        [
            ("IBM Deutschland GmbH", "A call with IBM", "ibm"), ("The Kestrel Group", "Kestrel asks", "kestrel"),
            ("Müller Brot", "muller wants to know", "muller"), ("Zebulon Foods", "Rosalind Bakeries asks", "rosalind"),
        ],
    )  # fmt: skip
    def test_whatever_way_the_name_is_written(
        self, wanted: ReferenceRequest, prospect: str, text: str, word: str
    ) -> None:
        """Also as the CRM calls the account of the deal."""
        assert wanted.deal is not None
        wanted.deal.account, wanted.prospect = make_account("Rosalind Bakeries"), prospect
        assert any(word in found for found in rules.points_at(wanted, text))

    def test_the_page_warns_keeps_what_was_typed_and_lets_a_manager_decide(
        self, wanted: ReferenceRequest, rita: User, client: Client
    ) -> None:
        client.force_login(rita)
        url = reverse("admin:opportunities_desk_broadcast", args=[wanted.pk])
        assert "Reference call about shift planning" in client.get(url).content.decode()
        typed = {"do": "send", "title": "A call", "summary": "About zebulon, the king.", "what": "", "gain": ""}
        answer = client.post(url, typed)
        assert answer.status_code == 409 and "point at the prospect" in answer.content.decode()
        assert "About zebulon, the king." in answer.content.decode() and not Opportunity.objects.listed().exists()
        assert client.post(url, {**typed, "anyway": "on"}).status_code == 302
        assert Opportunity.objects.listed().get().broadcast_of_id == wanted.pk

    def test_sent_again_they_are_replaced(self, wanted: ReferenceRequest) -> None:
        one = out(wanted)
        again = out(wanted, title="Another title")
        assert again.pk == one.pk and Opportunity.objects.listed().get().title == "Another title"

    def test_a_fact_with_the_name_in_it_stays_behind(self, wanted: ReferenceRequest) -> None:
        desk.amend(wanted, facts={"industry": "Zebulon industry", "use_case": ""}, at=timezone.now())
        wanted.refresh_from_db()
        one = out(wanted, title="A call", summary="About planning.")
        assert one.industries == [] and one.regions == ["Europe"]


class TestNothingLeaks:
    """Every page and mail an advocate can see is read for the markers."""

    def pages(self, client: Client, user: User, ids: list[str]) -> Iterator[tuple[str, str]]:
        for (name, address), view in ALL_ROUTES:
            right = str(right_of(view, name))
            if name.startswith(("admin:", "account_")) or not (right == PUBLIC or may(user, right)):
                continue
            blank = "00000000-0000-0000-0000-000000000000"
            for known in ids if blank in address else [""]:
                url = address.replace(blank, known)
                for query in ("", *(f"?q={marker}" for marker in MARKERS[:2])):
                    answer = client.get(f"{url}{query}")
                    if "text" in answer.get("Content-Type", "text") or "json" in answer.get("Content-Type", ""):
                        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
                        said = body.decode(errors="replace")
                        yield url, said.replace(query[3:], "") if query else said

    def leaks(self, client: Client, omar: Advocate) -> list[tuple[str, str]]:
        assert omar.user is not None
        client.force_login(omar.user)
        ids = [str(row.public_id) for model in (Opportunity, Claim, ReferenceRequest, Nomination)
               for row in model.objects.all()]  # fmt: skip
        seen = list(self.pages(client, omar.user, ids))
        one = Opportunity.objects.listed().get()
        seen.append(("go", client.get(reverse("opportunities:go_to", args=[one.public_id.hex[:10]])).content.decode()))
        for mail in Message.objects.filter(contact=omar.contact):
            made = rendering.render(mail)
            seen.append((mail.kind, f"{made.subject} {made.text} {made.html} {mail.params}"))
        seen += [(one.kind, f"{one.text} {one.url}") for one in Notification.objects.filter(user=omar.user)]
        edition = newsletter.draft(date(2026, 12, 1), at=timezone.now())
        seen += [("newsletter", f"{item.title} {item.text} {item.link}") for item in edition.items.all()]
        edition.delete()
        assert sum(one.title in text for _where, text in seen) >= 3  # board, page, newsletter: the walk sees it
        return [(where, marker) for where, text in seen for marker in MARKERS if marker in text.casefold()]

    def test_on_any_page_in_any_mail_before_they_are_put_forward(
        self, wanted: ReferenceRequest, client: Client, rita: User
    ) -> None:
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=timezone.now())
        one = out(wanted)
        assert self.leaks(client, omar) == []
        (claim,) = raised(one, omar)
        board_jobs.remind(at=timezone.now())
        assert self.leaks(client, omar) == []
        broadcast.not_this_time(claim, reason="Another time, gladly.", by=rita, at=timezone.now())
        assert self.leaks(client, omar) == []

    def test_and_the_walk_would_see_it(self, wanted: ReferenceRequest, client: Client, rita: User) -> None:
        omar = make_advocate("Omar")
        (claim,) = raised(out(wanted), omar)
        broadcast.put_forward(claim, by=rita, at=timezone.now())
        places = {where for where, _marker in self.leaks(client, omar)}
        nomination = Nomination.objects.get()
        assert reverse("opportunities:nomination", args=[nomination.public_id]) in places
        assert "nomination" in places  # the mail

    def test_nor_through_the_activities_of_the_hand_raised(self, wanted: ReferenceRequest) -> None:
        omar = make_advocate("Omar")
        raised(out(wanted), omar)
        (kept,) = Activity.objects.filter(contact=omar.contact, deed=Deed.CLAIMED)
        assert not any(marker in str(kept.__dict__).casefold() for marker in MARKERS)


class TestAHandRaised:
    def test_put_forward_they_read_who_asks_and_their_yes_is_the_requests(
        self, wanted: ReferenceRequest, rita: User
    ) -> None:
        omar = make_advocate("Omar")
        (claim,) = raised(out(wanted), omar)
        nomination = broadcast.put_forward(claim, why="You do this every day.", by=rita, at=timezone.now())
        claim.refresh_from_db()
        assert (nomination.status, claim.status) == ("asked", "declined")
        assert Ask.objects.filter(channel="desk", released_at__isnull=True).count() == 1
        assert Ask.objects.get(channel="board").released_at is not None  # asked once, counted once
        now = timezone.now()
        desk.accept(nomination, times=[now + DAY, now + 2 * DAY, now + 3 * DAY], at=now)
        wanted.refresh_from_db()
        assert wanted.status == "agreed"
        assert Opportunity.objects.get(broadcast_of=wanted).status == "closed"
        assert points.total(omar) == 0
        with pytest.raises(Refused, match="taken it back meanwhile, or"):
            broadcast.put_forward(claim, by=rita, at=now)

    def test_their_own_word_and_every_gate_stand(self, wanted: ReferenceRequest, rita: User) -> None:
        omar, ines = make_advocate("Omar"), make_advocate("Ines")
        omars, iness = raised(out(wanted), omar, ines)
        consent.withdraw(omar.contact, Purpose.REFERENCE_CALLS, at=timezone.now(), source="profile")
        with pytest.raises(Refused, match="Has not consented"):
            broadcast.put_forward(omars, by=rita, at=timezone.now())
        Account.objects.filter(pk=ines.contact.account_id).update(competes_with=["zebulon foods"])
        with pytest.raises(Refused):
            broadcast.put_forward(iness, by=rita, at=timezone.now())
        omars.refresh_from_db()
        assert omars.status == "claimed" and not Nomination.objects.exists()  # nothing half done
        assert Ask.objects.filter(channel="board", released_at__isnull=True).count() == 2

    def test_it_is_no_claim_of_work(self, wanted: ReferenceRequest) -> None:
        (claim,) = raised(out(wanted), make_advocate("Omar"))
        for deed in (board.confirm, board.verify, board.deliver):
            with pytest.raises(Refused, match=r"goes on at the desk|never confirmed"):
                deed(claim, at=timezone.now())
        with pytest.raises(Refused, match="goes on at the desk"):
            board.schedule(claim, starts_at=timezone.now() + DAY, minutes=30, at=timezone.now())

    def test_enough_yeses_take_it_off_and_the_others_are_told_kindly(
        self, wanted: ReferenceRequest, rita: User
    ) -> None:
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        (nomination,) = desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=timezone.now())
        (claim,) = raised(out(wanted), omar)
        now = timezone.now()
        desk.accept(nomination, times=[now + DAY, now + 2 * DAY, now + 3 * DAY], at=now)
        claim.refresh_from_db()
        assert claim.status == "declined" and "glad that you would have helped" in claim.reason
        assert Message.objects.filter(contact=omar.contact, kind="claim_ended").count() == 1
        with pytest.raises(Refused, match="Enough advocates"):
            out(wanted)

    def test_closing_the_request_closes_it(self, wanted: ReferenceRequest, rita: User) -> None:
        (claim,) = raised(out(wanted), make_advocate("Omar"))
        desk.withdraw(wanted, reason="Zebulon has decided.", by=rita, at=timezone.now())
        claim.refresh_from_db()
        assert Opportunity.objects.get(broadcast_of=wanted).status == "closed" and claim.status == "declined"
        assert "Zebulon" not in claim.reason
        with pytest.raises(Refused, match="has ended"):
            out(wanted)

    def test_nobody_of_the_prospect_and_nobody_asked_already_is_shown_it(
        self, wanted: ReferenceRequest, rita: User
    ) -> None:
        ines = make_advocate("Ines")
        desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=timezone.now())
        one = out(wanted)
        assert f"advocate:{ines.public_id}" in one.audience["exclude"]
        with pytest.raises(board.NotClaimed, match="meant for others"):
            board.claim(ines, one, at=timezone.now())


class TestTheDesk:
    def test_when_nobody_is_left_the_task_says_so_and_sending_out_settles_it(
        self, wanted: ReferenceRequest, rita: User
    ) -> None:
        ines = make_advocate("Ines")
        (nomination,) = desk.nominate(wanted, [Pick(ines.pk)], by=rita, at=timezone.now())
        desk.decline(nomination, reason="", at=timezone.now())
        task = Task.objects.get(key__startswith="nobody-left")
        assert "ask on the board" in task.text
        out(wanted)
        task.refresh_from_db()
        assert task.done_at is not None

    def test_the_page_puts_forward_thanks_and_takes_in(
        self, wanted: ReferenceRequest, rita: User, client: Client
    ) -> None:
        ines, omar = make_advocate("Ines"), make_advocate("Omar")
        one = out(wanted)
        first, second = raised(one, ines, omar)
        client.force_login(rita)
        url = reverse("admin:opportunities_desk_broadcast", args=[wanted.pk])
        assert "Put them forward" in client.get(url).content.decode()
        client.post(url, {"do": "forward", "claim": first.pk, "why": "You know it."})
        assert Nomination.objects.get().advocate == ines
        answer = client.post(url, {"do": "not", "claim": second.pk, "reason": "Zebulon says no."})
        assert answer.status_code == 409  # what they would read must not tell either
        client.post(url, {"do": "take_in"})
        second.refresh_from_db()
        assert second.status == "declined" and Opportunity.objects.get(pk=one.pk).status == "closed"
        assert client.post(url, {"do": "forward", "claim": "²"}).status_code == 422

    def test_is_for_the_desk_alone(self, wanted: ReferenceRequest, client: Client) -> None:
        url = reverse("admin:opportunities_desk_broadcast", args=[wanted.pk])
        for role in (Role.MODERATOR, Role.REQUESTER):
            client.force_login(make_user(f"{role}", role))
            assert client.get(url).status_code in (302, 403)

    def test_words_changed_on_the_board_are_looked_at_too(
        self, wanted: ReferenceRequest, rita: User, client: Client
    ) -> None:
        one = out(wanted)
        client.force_login(rita)
        url = reverse("admin:opportunities_opportunity_change", args=[one.pk])
        form = client.get(url).context["adminform"].form
        typed: dict[str, Any] = {
            name: "" if form[name].value() in (None, False) else form[name].value() for name in form.fields
        }
        for name, field in form.fields.items():
            if typed[name] and hasattr(field, "fields"):  # day and hour beside each other
                when = timezone.localtime(typed.pop(name))
                typed |= {f"{name}_0": when.strftime("%Y-%m-%d"), f"{name}_1": when.strftime("%H:%M:%S")}
        answer = client.post(url, {**typed, "what": "Zebulon asks."}, follow=True)
        assert "points at the prospect" in answer.content.decode() and "Zebulon asks." in answer.content.decode()
        one.refresh_from_db()
        assert "Zebulon" not in one.what, "nobody on the board has read it"


def test_rest_does_not_stand_in_the_way_of_who_came_themselves(wanted: ReferenceRequest, rita: User) -> None:
    omar = make_advocate("Omar")
    budget.ask(omar, channel="board", source_id=5, kind="webinar", at=timezone.now() - DAY)
    (claim,) = raised(out(wanted), omar)
    assert not budget.availability(omar, at=timezone.now()).is_open
    assert broadcast.put_forward(claim, by=rita, at=timezone.now()).status == "asked"
    assert Ask.objects.get(channel="desk").override_reason == "They took it up on the board themselves."
