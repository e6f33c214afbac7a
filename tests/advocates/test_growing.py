"""The map of the customer's journey, and the launch of regions (P4, P15)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.lib.lifecycle import Refused
from advocacy.users.models import Role, User
from advocates import launching, segments
from advocates.actions import launching as acting
from advocates.models import Ask, Cohort, InvitationTemplate, JourneyStage, Launch
from community.models import Space, Topic
from newsletter.models import Edition
from tests.factories import NOON, make_account, make_advocate, make_pod, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def lena() -> User:
    return make_user("Lena Novak", Role.LEAD)


@pytest.fixture
def lead(client: Client, lena: User) -> Client:
    client.force_login(lena)
    return client


class TestTheJourney:
    def test_a_new_program_begins_with_the_usual_stages(self, lead: Client) -> None:
        page = lead.get(reverse("advocates:journey")).content.decode()
        assert page.index("Onboarding") < page.index("Adoption") < page.index("Renewal")

    def test_a_lead_says_a_stage_in_other_words(self, lead: Client, lena: User) -> None:
        first = JourneyStage.objects.get(name="Onboarding")
        answer = lead.post(
            reverse("advocates:stage", args=[first.pk]),
            {"name": "Onboarding", "team": "Success", "gap": "Nobody says thank you", "gap_owner": lena.pk},
            follow=True,
        )
        page = answer.content.decode()
        assert "Nobody says thank you" in page
        assert "Lena Novak" in page

    def test_two_stages_of_one_name_are_refused_and_nothing_typed_is_lost(self, lead: Client) -> None:
        answer = lead.post(reverse("advocates:new_stage"), {"name": "Adoption", "gap": "typed with care"})
        assert answer.status_code == 422
        assert "typed with care" in answer.content.decode()

    def test_stages_are_added_moved_and_taken_away(self, lead: Client) -> None:
        lead.post(reverse("advocates:new_stage"), {"name": "Alumni"})
        last = JourneyStage.objects.get(name="Alumni")
        assert list(JourneyStage.objects.all())[-1] == last
        lead.post(reverse("advocates:move_stage", args=[last.pk]), {"to": "up"})
        assert list(JourneyStage.objects.all())[-2] == last
        lead.post(reverse("advocates:move_stage", args=[last.pk]), {"to": "down"})
        lead.post(reverse("advocates:move_stage", args=[last.pk]), {"to": "down"})
        assert list(JourneyStage.objects.all())[-1] == last
        lead.post(reverse("advocates:move_stage", args=[last.pk]), {"to": "away"})
        lead.post(reverse("advocates:move_stage", args=[last.pk]), {"to": "away"})
        assert not JourneyStage.objects.filter(name="Alumni").exists()

    def test_a_manager_reads_it_and_changes_nothing(self, client: Client) -> None:
        client.force_login(make_user("Rita", Role.MANAGER))
        assert client.get(reverse("advocates:journey")).status_code == 200
        assert client.post(reverse("advocates:new_stage"), {"name": "Mine"}).status_code == 403


def lines(launch: Launch) -> dict[str, launching.Line]:
    return {
        line.point.key: line for _phase, found in launching.checklist(launch, at=timezone.now()) for line in found
    }  # fmt: skip


class TestLaunchingARegion:
    @pytest.fixture
    def asia(self, lena: User) -> Launch:
        InvitationTemplate.objects.all().delete()
        return acting.begin("Asia", by=lena, at=NOON)

    def test_the_checklist_reads_what_is_there(self, asia: Launch) -> None:
        account = make_account(region="Asia", language="ja")
        before = lines(asia)
        for key in ("words", "language", "manager", "editions", "space", "members", "activities", "active"):
            assert not before[key].met, key
        InvitationTemplate.objects.create(region="Asia", language="ja", subject="s", body="b", basis="x")
        pod = make_pod(make_user("Grace Lim", Role.MANAGER), "Asia East")
        type(pod).objects.update(region="Asia")
        Edition.objects.create(slot=timezone.now().date() + 9 * DAY)
        space = Space.objects.create(slug="asia", name="Asia", region="Asia")
        for number in range(15):
            member = make_advocate(f"Member{number}", account, user=False, consents=[])
            if number < 5:
                spine.record(
                    Deed.VERIFIED, at=timezone.now() - DAY, source=("test", str(number)), contact=member.contact
                )  # fmt: skip
        told = lines(asia)
        for key in ("words", "language", "manager", "editions", "members", "activities", "active"):
            assert told[key].met, key
        assert told["manager"].words == "Asia East, Grace Lim"
        assert told["active"].words == "5 of 15 members"
        assert (told["space"].met, told["space"].words) == (False, "Asia: 0 topics")
        author = make_user("Mei", Role.ADVOCATE)
        Topic.objects.create(space=space, author=author, title="Hello", body="Hello", last_at=timezone.now())
        assert lines(asia)["space"].met

    def test_a_point_nobody_can_read_is_ticked_with_a_note_and_opened_again(self, asia: Launch, lena: User) -> None:
        with pytest.raises(Refused, match="Note what was done"):
            acting.tick(asia, "trained", note=" ", by=lena, at=NOON)
        acting.tick(asia, "trained", note="Rita trained Grace on 2 March", by=lena, at=NOON)
        acting.tick(asia, "trained", note="Rita trained Grace on 3 March", by=lena, at=NOON)
        assert lines(asia)["trained"].words == "Rita trained Grace on 3 March"
        acting.untick(asia, "trained")
        assert not lines(asia)["trained"].met
        with pytest.raises(Refused, match="follows the facts"):
            acting.tick(asia, "words", note="done", by=lena, at=NOON)
        with pytest.raises(Refused):
            acting.tick(asia, "no-such-point", note="done", by=lena, at=NOON)

    def test_the_next_phase_waits_for_every_point_and_there_is_a_way_back(
        self, asia: Launch, lena: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(Refused, match="still open"):
            acting.move_on(asia, at=NOON)
        with pytest.raises(Refused, match="no phase before"):
            acting.move_back(asia)
        monkeypatch.setattr(launching, "may_move_on", lambda launch, *, at: True)
        for phase in ("walk", "run", "done"):
            assert acting.move_on(asia, at=NOON).status == phase
        with pytest.raises(Refused, match="is launched"):
            acting.move_on(asia, at=NOON)
        assert acting.move_back(asia).status == "run"

    def test_one_launch_for_each_region(self, asia: Launch, lena: User) -> None:
        with pytest.raises(Refused, match="has begun already"):
            acting.begin("Asia", by=lena, at=NOON)
        with pytest.raises(Refused, match="Choose the region"):
            acting.begin(" ", by=lena, at=NOON)

    def test_on_the_page_it_is_begun_ticked_and_kept_waiting(self, lead: Client) -> None:
        make_account(region="Asia")
        page = lead.post(reverse("advocates:launches"), {"region": "Asia"}, follow=True).content.decode()
        assert "Launch of Asia" in page
        launch = Launch.objects.get()
        refused = lead.post(reverse("advocates:tick_launch", args=[launch.pk]), {"key": "trained", "note": ""})
        assert refused.status_code == 409
        lead.post(reverse("advocates:tick_launch", args=[launch.pk]), {"key": "trained", "note": "Rita and Grace"})
        page = lead.get(reverse("advocates:launch", args=[launch.pk])).content.decode()
        assert "Rita and Grace" in page
        assert lead.post(reverse("advocates:move_launch", args=[launch.pk]), {"to": "on"}).status_code == 409
        lead.post(reverse("advocates:tick_launch", args=[launch.pk]), {"key": "trained", "what": "undo"})
        assert not launch.ticks.exists()
        assert lead.post(reverse("advocates:launches"), {"region": "Asia"}).status_code == 409

    def test_the_day_it_launches_is_kept_until_it_has(self, lead: Client, asia: Launch) -> None:
        address = reverse("advocates:plan_launch", args=[asia.pk])
        page = lead.post(address, {"opens_on": "2026-06-01"}, follow=True).content.decode()
        assert "launches on 1 June 2026" in page
        assert lead.post(address, {"opens_on": "soon"}).status_code == 409
        lead.post(address, {"opens_on": ""})
        asia.refresh_from_db()
        assert asia.opens_on is None
        Launch.objects.update(status=Launch.Status.DONE)
        assert lead.post(address, {"opens_on": "2026-07-01"}).status_code == 409

    def test_the_beta_cohort_are_those_who_answer_fastest_there(self, lead: Client) -> None:
        account = make_account(region="Asia")
        for name, hours in (("Mei", 20), ("Omar", 200)):
            advocate = make_advocate(name, account)
            Ask.objects.create(
                channel="desk", source_id=name, advocate=advocate, account=account,
                asked_at=timezone.now() - 30 * DAY, answered_at=timezone.now() - 30 * DAY + timedelta(hours=hours),
            )  # fmt: skip
        page = lead.get(reverse("advocates:new_cohort"), {"fast_in": "Asia"}).content.decode()
        assert 'value="Asia"' in page
        assert not Cohort.objects.exists()
        definition = {"all": [{"fact": "program.answer_days", "value": 3}]}
        people = segments.Segment.read(definition).people(at=timezone.now())
        assert [contact.given_name for contact in people] == ["Mei"]

    def test_a_manager_follows_it_and_moves_nothing(self, client: Client, asia: Launch) -> None:
        client.force_login(make_user("Rita", Role.MANAGER))
        assert client.get(reverse("advocates:launch", args=[asia.pk])).status_code == 200
        assert client.post(reverse("advocates:move_launch", args=[asia.pk]), {"to": "on"}).status_code == 403
        client.post(reverse("advocates:launches"), {"region": "Europe"})
        assert Launch.objects.count() == 1
