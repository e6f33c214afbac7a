"""The rung of an advocate, for staff, by the last twelve months (P10)."""

from datetime import timedelta
from functools import partial
from itertools import count

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import spine
from advocacy.crm.catalogue import Deed
from advocacy.crm.models import Program
from advocacy.users.actions import set_roles
from advocacy.users.models import Role
from advocates import presence, stages
from advocates.models import Advocate
from advocates.rungs import Year, rung, rungs
from tests.conftest import QueriesOf
from tests.factories import NOON, make_advocate, make_user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
_number = count()


def did(advocate: Advocate, *deeds: Deed, days_ago: int = 10) -> None:
    for deed in deeds:
        spine.record(
            deed, at=NOON - days_ago * DAY, source=("test", f"{next(_number)}"), contact=advocate.contact
        )  # fmt: skip


def of(advocate: Advocate) -> str:
    return rungs([advocate], at=NOON)[advocate.pk]


class TestTheRung:
    @pytest.mark.parametrize(
        ("year", "leads", "said"),
        [
            (Year(), False, ""),
            (Year(accepted=1, claimed=1), False, "passive"),
            (Year(activities=5, accepted=5, claimed=5), False, "passive"),
            (Year(claimed=2, accepted=1), False, "active"),
            (Year(social=1), False, "active"),
            (Year(activities=6, accepted=6, claimed=6), False, "super"),
            (Year(), True, "leader"),
            (Year(activities=9), True, "leader"),
        ],
    )
    def test_the_highest_that_holds(self, year: Year, leads: bool, said: str) -> None:
        assert rung(year, leads=leads, super_after=6) == said

    def test_ines_was_asked_and_said_yes(self) -> None:
        ines = make_advocate("Ines")
        did(ines, Deed.NOMINATION_ACCEPTED, Deed.CLAIMED, Deed.VERIFIED)
        assert of(ines) == "passive"

    def test_ines_was_offered_something_and_took_it(self) -> None:
        ines = make_advocate("Ines")
        did(ines, Deed.OFFERED, days_ago=20)
        did(ines, Deed.CLAIMED, days_ago=10)
        assert of(ines) == "passive"
        did(ines, Deed.CLAIMED, days_ago=2)  # long after the offer: this one is her own
        assert of(ines) == "active"

    def test_what_omar_took_before_he_was_offered_anything_is_his_own(self) -> None:
        omar = make_advocate("Omar")
        did(omar, Deed.CLAIMED, days_ago=20)
        did(omar, Deed.OFFERED, days_ago=10)
        assert of(omar) == "active"

    def test_a_yes_to_a_nomination_soon_after_an_offer_counts_once(self) -> None:
        mei = make_advocate("Mei")
        did(mei, Deed.OFFERED, days_ago=40)
        did(mei, Deed.NOMINATION_ACCEPTED, Deed.CLAIMED, days_ago=35)
        did(mei, Deed.CLAIMED, days_ago=5)
        assert of(mei) == "active"

    def test_omar_comes_by_himself(self) -> None:
        omar = make_advocate("Omar")
        did(omar, Deed.CLAIMED)
        assert of(omar) == "active"

    def test_mei_completed_six_within_twelve_months_and_a_rung_can_fall(self) -> None:
        mei = make_advocate("Mei")
        did(mei, *[Deed.VERIFIED] * 5)
        did(mei, Deed.VERIFIED, days_ago=364)
        assert of(mei) == "super"
        assert rungs([mei], at=NOON + 2 * DAY)[mei.pk] == "passive"
        assert rungs([mei], at=NOON + 400 * DAY)[mei.pk] == ""

    def test_whoever_has_a_role_in_the_community_leads(self) -> None:
        ines = make_advocate("Ines")
        assert ines.user is not None
        set_roles(ines.user, [Role.ADVOCATE, Role.MODERATOR])
        assert of(ines) == "leader"

    def test_staff_see_it_and_the_advocate_does_not(self, client: Client) -> None:
        ines = make_advocate("Ines")
        spine.record(Deed.CLAIMED, at=timezone.now() - DAY, source=("test", "1"), contact=ines.contact)
        client.force_login(make_user("Rita", Role.MANAGER))
        assert "active advocate" in client.get(reverse("advocates:advocates")).content.decode()
        assert "active advocate" in client.get(reverse("advocates:advocate", args=[ines.public_id])).content.decode()
        assert ines.user is not None
        client.force_login(ines.user)
        for name in ("home", "profile", "points"):
            assert "active advocate" not in client.get(reverse(f"advocates:{name}")).content.decode()

    def test_the_list_costs_the_same_for_many(self, client: Client, queries_of: QueriesOf) -> None:
        client.force_login(make_user("Rita", Role.MANAGER))
        visit = partial(client.get, reverse("advocates:advocates"))
        make_advocate("Ines")
        few = queries_of(visit)
        for number in range(20):
            make_advocate(f"Somebody{number}", user=False, consents=[])
        assert queries_of(visit) == few


class TestHowManyIsASetting:
    def test_a_program_that_wants_two_and_five(self) -> None:
        Program.current()
        Program.objects.update(creator_after=2, proven_after=5, super_after=3)
        ines = make_advocate("Ines", stage=Advocate.Stage.SOCIALIZER)
        did(ines, Deed.VERIFIED)
        stages.refresh(at=NOON)
        ines.refresh_from_db()
        assert ines.stage == Advocate.Stage.SOCIALIZER
        assert presence.progress(ines).sentence == "Next: one completed activity makes you a Creator."
        did(ines, Deed.VERIFIED, Deed.VERIFIED, Deed.VERIFIED)
        stages.refresh(at=NOON)
        ines.refresh_from_db()
        assert ines.stage == Advocate.Stage.CREATOR
        assert "1 more completed activity" in presence.progress(ines).sentence
        assert of(ines) == "super"

    def test_a_higher_bar_takes_no_stage_away(self) -> None:
        ines = make_advocate("Ines", stage=Advocate.Stage.PROVEN)
        did(ines, *[Deed.VERIFIED] * 3)
        Program.current()
        Program.objects.update(proven_after=9)
        stages.refresh(at=NOON)
        ines.refresh_from_db()
        assert ines.stage == Advocate.Stage.PROVEN

    def test_proven_takes_more_than_creator(self) -> None:
        program = Program.current()
        program.creator_after, program.proven_after = 3, 3
        with pytest.raises(ValidationError, match="more activities than a Creator"):
            program.full_clean()
