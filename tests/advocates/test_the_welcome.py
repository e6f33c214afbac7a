"""P8: a short talk after joining: nothing is lost, anything may be skipped, and it ends in three beginnings."""

import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from advocacy.crm.models import Program
from advocacy.users.models import Role
from advocates import invitations
from advocates.admin import WelcomeNoteForm
from advocates.models import Advocate, WelcomeNote
from community.models import Space
from tests.factories import make_account, make_advocate, make_contact, make_kind, make_opportunity, make_pod, make_user

pytestmark = pytest.mark.django_db


def step(name: str) -> str:
    return reverse("advocates:welcome_step", args=[name])


@pytest.fixture
def mei(client: Client) -> Advocate:
    make_kind("podcast", group="media", minutes=40, name="Podcast")
    make_kind("reference-call", group="calls", minutes=30, name="Reference call")
    pod = make_pod(make_user("Rita Morgan", Role.MANAGER))
    mei = make_advocate("Mei Tanaka", make_account("Kestrel Foods", region="Asia"), pod=pod)
    client.force_login(mei.user)  # type: ignore[arg-type]
    return mei


class TestStepByStep:
    def test_each_step_keeps_what_it_was_told_and_the_last_ends_the_talk(self, client: Client, mei: Advocate) -> None:
        assert client.get("/welcome/")["Location"] == step("worth")
        told = client.post(step("worth"), {"valuable": "Two peers", "expertise": "forecasting, alerts"})
        assert told["Location"] == step("like")
        assert client.post(step("like"), {"wants": ["podcast"]})["Location"] == step("often")
        assert client.post(step("often"), {"asks_a_quarter": "1", "time_zone": "Asia/Tokyo"})["Location"] == step(
            "ready"
        )
        mei.refresh_from_db()
        assert (mei.valuable, mei.expertise, mei.wants) == ("Two peers", ["forecasting", "alerts"], ["podcast"])
        assert (mei.asks_a_quarter, mei.contact.time_zone) == (1, "Asia/Tokyo")
        assert mei.wizard_done_at is not None

    def test_it_goes_on_where_it_was_left(self, client: Client, mei: Advocate) -> None:
        left = client.post(step("worth"), {"valuable": "Two peers", "go": "later"})
        assert left["Location"] == "/"
        assert f'href="{reverse("advocates:welcome")}"' in client.get("/").content.decode()
        assert client.get("/welcome/")["Location"] == step("like")
        assert "Two peers" in client.get(step("worth")).content.decode()

    def test_home_leads_back_to_it_while_nothing_was_said(self, client: Client, mei: Advocate) -> None:
        assert f'href="{reverse("advocates:welcome")}"' in client.get("/").content.decode()

    def test_going_back_keeps_what_was_typed(self, client: Client, mei: Advocate) -> None:
        assert client.post(step("like"), {"wants": ["podcast"], "go": "back"})["Location"] == step("worth")
        assert client.post(step("often"), {"time_zone": "Asia/Tokyo", "go": "back"})["Location"] == step("like")
        mei.refresh_from_db()
        assert (mei.wants, mei.contact.time_zone, mei.wizard_done_at) == (["podcast"], "Asia/Tokyo", None)

    def test_anything_may_be_skipped_and_what_stood_stays(self, client: Client, mei: Advocate) -> None:
        Advocate.objects.filter(pk=mei.pk).update(wants=["podcast"], valuable="Stands")
        for name, following in (("worth", "like"), ("like", "often"), ("often", "ready")):
            assert client.post(step(name), {"skip": "yes", "valuable": "typed and left"})["Location"] == step(following)
        mei.refresh_from_db()
        assert (mei.wants, mei.valuable, mei.asks_a_quarter) == (["podcast"], "Stands", None)
        assert mei.wizard_done_at is not None

    def test_a_step_touches_only_its_own_questions(self, client: Client, mei: Advocate) -> None:
        client.post(step("like"), {"wants": ["podcast"], "valuable": "smuggled"})
        client.post(step("worth"), {"valuable": "Two peers"})
        mei.refresh_from_db()
        assert (mei.wants, mei.valuable) == (["podcast"], "Two peers")

    def test_wrong_input_is_said_and_nothing_typed_is_lost(self, client: Client, mei: Advocate) -> None:
        told = client.post(step("often"), {"asks_a_quarter": "1", "time_zone": "Mars/Olympus"})
        assert told.status_code == 422
        assert "Please look at this again" in told.content.decode()
        assert client.post(step("like"), {"wants": ["podcast", "nonsense"]}).status_code == 422
        mei.refresh_from_db()
        assert (mei.wants, mei.asks_a_quarter, mei.wizard_done_at) == ([], None, None)

    def test_kinds_stand_in_their_groups_with_their_minutes(self, client: Client, mei: Advocate) -> None:
        Advocate.objects.filter(pk=mei.pk).update(wants=["fax"])
        page = client.get(step("like")).content.decode()
        legends = re.findall(r"<legend>(.*?)</legend>", page)
        assert legends == [
            "Calls",
            "Stories",
            "Speaking",
            "Media",
            "Betas and feedback",
            *legends[5:-1],
            "Chosen before",
        ]
        assert "40 min" in page
        assert re.findall(r'value="([\w-]+)" checked', page) == ["fax"]

    def test_there_is_no_such_step(self, client: Client, mei: Advocate) -> None:
        assert client.get(step("nonsense")).status_code == 404


class TestTheEnd:
    def test_three_things_to_begin_with(self, client: Client, mei: Advocate) -> None:
        make_opportunity("Tell how you close the month", kind="podcast")
        Space.objects.update(welcomes=False)
        Space.objects.create(name="Hello", slug="hello", welcomes=True)
        page = client.get(step("ready")).content.decode()
        assert "Tell how you close the month" in page
        assert reverse("advocates:wishes") in page
        assert "/community/new/?space=hello" in page
        assert "Rita Morgan" in page

    def test_an_empty_program_has_a_way_on_too(self, client: Client, mei: Advocate) -> None:
        Space.objects.update(welcomes=False)
        page = client.get(step("ready")).content.decode()
        assert "Meet somebody" in page
        assert "To my home page" in page


class TestWordsForARegion:
    def note(self, region: str, text: str, language: str = "en") -> None:
        WelcomeNote.objects.create(region=region, language=language, text=text)

    def test_their_region_before_all_regions_and_filled_in(self, client: Client, mei: Advocate) -> None:
        self.note("", "Welcome, all.")
        self.note("Asia", "We meet in Tokyo, {given_name}. Ask {manager}.")
        self.note("Europe", "We meet in Hamburg.")
        page = client.get(step("worth")).content.decode()
        assert "We meet in Tokyo, Mei. Ask Rita Morgan." in page
        assert "Hamburg" not in page and "Welcome, all." not in page

    def test_their_language_before_another(self) -> None:
        ines: Any = make_contact("Ines", make_account(region="Asia"), language="pt")
        self.note("", "Welcome.")
        self.note("", "Bem-vinda.", language="pt")
        assert invitations.welcome_for(ines, manager=None, program=Program.current()) == "Bem-vinda."

    def test_without_any_nothing_is_said(self) -> None:
        ines: Any = make_contact("Ines")
        assert invitations.welcome_for(ines, manager=None, program=Program.current()) == ""

    def test_a_field_nobody_knows_is_refused_when_it_is_saved(self) -> None:
        form = WelcomeNoteForm({"region": "", "language": "en", "text": "Dear {first_name}"})
        assert "is not a merge field" in str(form.errors["text"])
        with pytest.raises(ValidationError):
            invitations.check_merge_fields("Dear {first_name}")
