"""Profile, away dates, consents, points, a word to the manager, leaving: each acts at once (P5, P6, P8)."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from advocacy.crm import consent
from advocacy.crm.models import ConsentEntry, Contact
from advocacy.delivery.models import Message
from advocacy.users.models import Role, User
from advocates import budget, points, provenance
from advocates.actions import profile
from advocates.models import Advocate, AwayPeriod, Recognition, Task
from tests.conftest import QueriesOf
from tests.factories import NOON, make_account, make_advocate, make_contact, make_kind, make_pod, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def rita() -> User:
    return make_user("Rita Morgan", Role.MANAGER)


@pytest.fixture
def ines(rita: User) -> Advocate:
    return make_advocate(
        "Ines Barbosa", make_account("Acorn"), pod=make_pod(rita), at=timezone.now() - timedelta(days=9)
    )


@pytest.fixture
def inside(client: Client, ines: Advocate) -> Client:
    client.force_login(ines.user)  # type: ignore[arg-type]
    return client


PROFILE = {
    "given_name": "Inês", "family_name": "Barbosa", "title": "Head of supply", "language": "en",
    "time_zone": "Europe/Lisbon", "expertise": "forecasting,  change management, Forecasting", "asks_a_quarter": "1",
}  # fmt: skip


class TestProfile:
    def test_what_she_says_is_kept_with_who_said_it_and_when(self, inside: Client, ines: Advocate) -> None:
        assert inside.post(reverse("advocates:profile"), PROFILE).status_code == 302
        ines.refresh_from_db()
        ines.contact.refresh_from_db()
        assert ines.contact.title == "Head of supply" and ines.contact.given_name == "Inês"
        assert ines.expertise == ["forecasting", "change management"]
        assert {"title", "given_name", "expertise", "asks_a_quarter"} <= set(ines.told)
        user = User.objects.get(pk=ines.user_id)
        assert (user.name, user.time_zone) == ("Inês Barbosa", "Europe/Lisbon")
        page = inside.get(reverse("advocates:profile")).content.decode()
        assert "from you" in page and "from our CRM" in page

    def test_what_nobody_changed_is_not_called_hers(self, inside: Client, ines: Advocate) -> None:
        inside.post(reverse("advocates:profile"), {**PROFILE, "family_name": ines.contact.family_name})
        ines.refresh_from_db()
        assert "family_name" not in ines.told

    def test_her_own_limit_counts_from_this_moment(self, inside: Client, ines: Advocate) -> None:
        inside.post(reverse("advocates:profile"), {**PROFILE, "asks_a_quarter": "0"})
        ines.refresh_from_db()
        assert ines.resting_until == budget.NEVER
        assert "does not want to be asked" in (budget.why_not(ines, at=timezone.now(), channel="desk") or "")

    def test_limits_the_page_cannot_offer_are_shown_and_kept(self, inside: Client, ines: Advocate) -> None:
        make_kind("webinar", name="Webinar")
        Advocate.objects.filter(pk=ines.pk).update(asks_a_quarter=3, wants=["old_kind"], never=["podcast"])
        Contact.objects.filter(pk=ines.contact_id).update(time_zone="US/Eastern", language="pt-br")
        form = inside.get(reverse("advocates:profile")).context["form"]
        sent = {name: form[name].value() for name in form.fields}
        sent = {name: value for name, value in sent.items() if value not in (None, False, "")}
        sent = {**sent, "title": "Head of planning", "wants": [*sent["wants"], "webinar"]}
        assert inside.post(reverse("advocates:profile"), sent).status_code == 302
        ines.refresh_from_db()
        ines.contact.refresh_from_db()
        assert (ines.asks_a_quarter, ines.never) == (3, ["podcast"])
        assert set(ines.wants) == {"old_kind", "webinar"}
        assert (ines.contact.time_zone, ines.contact.language) == ("US/Eastern", "pt-br")
        assert set(ines.told) == {"title", "wants"}

    def test_wanting_and_never_wanting_the_same_is_told(self, inside: Client) -> None:
        both = {**PROFILE, "wants": ["webinar"], "never": ["webinar"]}
        answer = inside.post(reverse("advocates:profile"), both)
        assert answer.status_code == 422
        assert "both want something and never" in answer.content.decode()

    def test_away_dates(self, inside: Client, ines: Advocate) -> None:
        today = timezone.localdate()
        url = reverse("advocates:add_away")
        assert inside.post(url, {"starts_on": today, "ends_on": today - timedelta(days=2)}).status_code == 422
        inside.post(url, {"starts_on": today, "ends_on": today + timedelta(days=5)})
        assert budget.availability(ines, at=timezone.now()).state == "away"
        inside.post(reverse("advocates:remove_away", args=[AwayPeriod.objects.get().pk]))
        assert budget.availability(ines, at=timezone.now()).state == "open"

    def test_whichever_button_is_pressed_nothing_typed_is_lost(self, inside: Client, ines: Advocate) -> None:
        day = (timezone.localdate() + timedelta(days=9)).isoformat()
        inside.post(reverse("advocates:add_away"), {**PROFILE, "starts_on": day, "ends_on": day})
        ines.refresh_from_db()
        assert ines.expertise == ["forecasting", "change management"] and ines.away.count() == 1
        inside.post(reverse("advocates:profile"), {**PROFILE, "title": "Lead", "starts_on": day, "ends_on": day})
        ines.contact.refresh_from_db()
        assert ines.contact.title == "Lead"
        wrong = {**PROFILE, "given_name": "", "about": "I plan.", "starts_on": day, "ends_on": "2020-01-01"}
        answer = inside.post(reverse("advocates:add_away"), wrong)
        shown = answer.content.decode()
        assert answer.status_code == 422 and "I plan." in shown and "before the first day" in shown

    def test_linkedin_needs_no_scheme(self, inside: Client, ines: Advocate) -> None:
        inside.post(reverse("advocates:profile"), {**PROFILE, "linkedin": "linkedin.com/in/ines"})
        ines.contact.refresh_from_db()
        assert ines.contact.linkedin == "https://linkedin.com/in/ines"

    def test_nobody_reaches_somebody_elses_dates(self, inside: Client) -> None:
        day = timezone.localdate()
        other = AwayPeriod.objects.create(advocate=make_advocate("Omar"), starts_on=day, ends_on=day)
        assert inside.post(reverse("advocates:remove_away", args=[other.pk])).status_code == 404


class TestConsents:
    def test_taking_back_counts_at_once_and_stays_in_the_ledger(self, inside: Client, ines: Advocate) -> None:
        inside.post(reverse("advocates:consents"), {"purpose": "newsletter", "given": "no"})
        assert not consent.allows(ines.contact, "newsletter", at=timezone.now())
        inside.post(reverse("advocates:consents"), {"purpose": "newsletter", "given": "yes"})
        assert consent.allows(ines.contact, "newsletter", at=timezone.now())
        entries = ConsentEntry.objects.filter(contact=ines.contact, purpose="newsletter").order_by("pk")
        assert [entry.given for entry in entries] == [True, False, True]
        last = entries[2]
        assert (last.wording, last.source, last.by) == (
            "You may send me the newsletter, twice a month.",
            "profile",
            ines.user,
        )

    def test_the_page_tells_each_purpose_and_since_when(self, inside: Client) -> None:
        page = inside.get(reverse("advocates:consents")).content.decode()
        assert page.count('name="purpose"') == 13
        assert "Yes, since" in page and "I agree." in page, "the very words once agreed to can be read"

    def test_htmx_gets_the_list_and_the_word(self, inside: Client) -> None:
        answer = inside.post(
            reverse("advocates:consents"), {"purpose": "quote", "given": "no"}, headers={"HX-Request": "true"}
        )
        assert answer.status_code == 200
        assert "<html" not in answer.content.decode() and "Taken back" in answer.content.decode()

    def test_an_unknown_purpose_is_refused(self, inside: Client) -> None:
        inside.post(reverse("advocates:consents"), {"purpose": "everything", "given": "yes"})
        assert not ConsentEntry.objects.filter(purpose="everything").exists()


class TestTheRest:
    def test_points_say_for_what_and_where_they_lead(self, inside: Client, ines: Advocate) -> None:
        assert "No points yet" in inside.get(reverse("advocates:points")).content.decode()
        points.book(ines, 120, reason="Webinar on stock-outs", source=("x", 1), at=timezone.now())
        page = inside.get(reverse("advocates:points")).content.decode()
        assert "Webinar on stock-outs" in page and "120 of" in page

    def test_a_word_to_the_manager_is_a_mail_and_a_task(self, inside: Client, ines: Advocate, rita: User) -> None:
        answer = inside.post(reverse("advocates:write"), {"text": "Could you introduce me to Mei?"}, follow=True)
        assert "Rita Morgan" in answer.content.decode()
        assert Message.objects.get(kind="note").reply_to == ines.contact.email
        assert Task.objects.get(assignee=rita).advocate == ines
        assert inside.post(reverse("advocates:write"), {"text": ""}).status_code == 422

    def test_she_decides_whether_she_is_celebrated(self, inside: Client, ines: Advocate, rita: User) -> None:
        one = Recognition.objects.create(advocate=ines, title="Ines cut stock-outs", by=rita)
        assert "Ines cut stock-outs" in inside.get("/").content.decode()
        inside.post(reverse("advocates:recognition", args=[one.pk]), {"answer": "yes"})
        one.refresh_from_db()
        assert one.approved_at and ines.contact.activities.filter(deed="celebrated").exists()
        other = Recognition.objects.create(advocate=make_advocate("Omar"), title="Omar", by=rita)
        assert inside.post(reverse("advocates:recognition", args=[other.pk]), {"answer": "yes"}).status_code == 404

    def test_no_is_kept_private(self, inside: Client, ines: Advocate) -> None:
        one = Recognition.objects.create(advocate=ines, title="Ines cut stock-outs")
        inside.post(reverse("advocates:recognition", args=[one.pk]), {"answer": "no"})
        one.refresh_from_db()
        assert one.declined_at and not one.approved_at
        assert not ines.contact.activities.filter(deed="celebrated").exists()

    def test_leaving_takes_every_yes_back(self, inside: Client, ines: Advocate) -> None:
        inside.post(reverse("advocates:leave"), follow=True)
        ines.refresh_from_db()
        assert ines.status == "left"
        assert consent.standing(ines.contact, at=timezone.now()) == frozenset()
        assert "_auth_user_id" not in inside.session
        assert User.objects.get(pk=ines.user_id).role_set == frozenset()

    def test_pages_of_points_cost_the_same_for_many(
        self, inside: Client, ines: Advocate, queries_of: QueriesOf
    ) -> None:
        def visit() -> object:
            return inside.get(reverse("advocates:points"))

        points.book(ines, 1, reason="x", source=("x", 0), at=timezone.now())
        few = queries_of(visit)
        for number in range(1, 80):
            points.book(ines, 1, reason="x", source=("x", number), at=timezone.now())
        assert queries_of(visit) == few


class TestWhereEachValueComesFrom:
    """Each value of a profile shows who gave it, and when (P5)."""

    def test_from_oneself_from_the_crm_and_from_the_team(self, client: Client) -> None:
        ines = make_advocate("Ines", expertise=["planning"], goals="")
        profile.tell(ines, {"interests": ["sailing"]}, at=NOON)
        Contact.objects.update(facts_at=NOON)
        ines = Advocate.objects.select_related("contact").get()
        said = provenance.of(ines)
        assert said["interests"] == "from you, 10 March 2026"
        assert said["title"] == "from our CRM, as of 10 March 2026"
        assert said["expertise"] == "from the team"
        assert "goals" not in said
        assert ines.user is not None
        client.force_login(ines.user)
        page = client.get(reverse("advocates:profile")).content.decode()
        assert "from you, 10 March 2026" in page
        client.force_login(make_user("Rita", Role.MANAGER))
        page = client.get(reverse("advocates:advocate", args=[ines.public_id])).content.decode()
        assert "from the team" in page

    def test_a_value_of_a_person_who_joined_by_themselves_is_theirs(self) -> None:
        mei = make_advocate("Mei", contact=make_contact("Mei", source="portal"))
        assert provenance.of(mei)["title"] == "from you, when you joined"
        assert provenance.of(mei, reader_is_self=False)["title"] == "from them, when they joined"
