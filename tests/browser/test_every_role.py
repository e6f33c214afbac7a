"""Each role's main pages in a real browser: by rule, in both schemes, wide and on a phone, nothing blocked."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from advocacy.crm.models import Account
from advocacy.lib import signed
from advocacy.users.models import Role, User
from advocates import snippets
from advocates.actions import launching, letters, nominations, wishes
from advocates.models import Advocate, Cohort, InvitationTemplate, JourneyStage, Letter, Recognition, Task
from community import actions as community
from community.models import Space
from newsletter.actions import editions as newsletter
from opportunities import broadcast as broadcasting
from opportunities.actions import (
    approvals,
    broadcast,
    campaigns,
    desk,
    groups,
    proof,
    prospects,
    sops,
    stories,
    surveys,
)
from opportunities.actions.desk import Pick
from opportunities.mails.urgent import key_of
from opportunities.models import (
    CustomerGroup,
    Feedback,
    OpportunityKind,
    ReferenceRequest,
    ReviewAsk,
    ReviewSite,
    Spokesperson,
)
from tests.browser.conftest import OpenPage, breaches, scrolls_sideways
from tests.factories import (
    NOON,
    make_advocate,
    make_contact,
    make_deal,
    make_kind,
    make_opportunity,
    make_pod,
    make_request,
    make_team,
    make_user,
)
from tests.opportunities.test_surveys import PICK, SCORE, WHY, make_survey, say

# A walk over forty pages in four ways takes minutes: it belongs to the long runs.
pytestmark = [pytest.mark.browser, pytest.mark.soak, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def program() -> dict[str, Any]:
    """A small program with something of everything on its pages."""
    rita = make_user("Rita Morgan", Role.MANAGER)
    sam = make_user("Sam Carter", Role.REQUESTER)
    maya = make_user("Maya Lindqvist", Role.MODERATOR)
    lena = make_user("Lena Novak", Role.LEAD)
    ines = make_advocate("Ines Barbosa", pod=make_pod(rita))
    omar = make_advocate("Omar Haddad")
    opportunity = make_opportunity("Share how you cut stock-outs", seats=3, summary="Forty-five minutes.")
    Recognition.objects.create(advocate=ines, title="Ines closed the books in two days", by=maya)
    Task.objects.create(kind="care", key="k", text="Call Ines", advocate=ines, assignee=rita, due_at=NOON)
    deal = make_deal("Kestrel Foods, Planning", owner=sam)
    wanted = make_request(sam, deal=deal)
    space = Space.objects.order_by("order").first() or Space.objects.create(slug="hello", name="Hello")
    topic = community.start_topic(omar.user, space, title="Thirty-eight sites", body="We wanted **ten**.", at=NOON)
    answer = community.reply(ines.user, topic, body="Brave.", at=NOON)
    community.flag(answer, by=omar.user, reason="Too short.", at=NOON)
    edition = newsletter.draft(NOON.date(), at=NOON)
    # A browser test empties the tables, so what migrations wrote is written again.
    words = InvitationTemplate.objects.create(
        region="Europe", language="en", subject="Join {program}", body="Dear {given_name}", basis="Customers."
    )
    JourneyStage.objects.create(name="Onboarding by hand", gap="Nobody says thank you")
    make_contact("Mei Lin")
    cohort = Cohort.objects.create(
        name="In Europe", definition={"all": [{"fact": "account.region", "value": ["Europe"]}]}, by=lena
    )
    launch = launching.begin("Europe", by=lena, at=NOON)
    facts = {"given_name": "Jo", "family_name": "Lind", "company": "Kestrel Foods", "why": "Tells everybody."}
    nominated = nominations.nominate(by=sam, email="jo@kestrel.test", facts=facts, at=NOON)
    wish = wishes.wish(ines, kind="meet", text="Somebody who plans ten sites.", at=NOON)
    letters.write_to_manager(ines, text="Is there a test system?", at=NOON)
    snippets.save(None, name="After a call", text="Dear {given_name}, thank you.", shared=True, at=NOON, by=lena)
    more = show_and_ask(rita, sam, lena, ines, wanted)
    return {
        **more, **meet(rita, sam), **hurry_and_spread(rita, sam, lena), **ask_and_gather(rita, omar),
        "rita": rita, "sam": sam, "maya": maya, "lena": lena, "ines": ines.user,
        "opportunity": f"/opportunities/{opportunity.public_id}/", "topic": f"/community/t/{topic.public_id}/",
        "request": f"/requests/{wanted.public_id}/", "space": f"/community/s/{space.slug}/",
        "desk": f"/admin/opportunities/referencerequest/{wanted.pk}/change/",
        "cohort": f"/cohorts/{cohort.pk}/", "cohort_edit": f"/cohorts/{cohort.pk}/edit/",
        "cohort_invite": f"/cohorts/{cohort.pk}/invite/", "words": f"/invitations/words/{words.pk}/",
        "launch": f"/launches/{launch.pk}/", "nominated": f"/nominated/{nominated.public_id}/",
        "wish": f"/wishes/{wish.public_id}/", "letter": f"/letters/{Letter.objects.get().public_id}/",
        "write_down": f"/advocates/{ines.public_id}/write-down/", "ada": make_user("Ada Wells", Role.ADMINISTRATOR),
        "edition": f"/newsletter/edit/{edition.public_id}/", "advocate": f"/advocates/{ines.public_id}/",
    }  # fmt: skip


def show_and_ask(rita: User, sam: User, lena: User, ines: Advocate, wanted: ReferenceRequest) -> dict[str, Any]:
    """Proof, a story with the customer, an SOP, a review campaign, and the signed pages of each."""
    account, at = ines.contact.account, timezone.now()
    said = {"kind": "quote", "title": "“We sleep at night”", "body": "We sleep at night.", "said_by": "Ines"}
    shown = proof.keep(account=account, said=said, by=rita, at=at, contact=ines.contact)
    approvals.put_on_record(
        shown, name="Ines Barbosa", said_at=at, scopes=["sales"], means="mail", evidence="a mail", by=rita, at=at
    )
    proof.publish(shown, by=rita, at=at)
    story = stories.begin(account=account, title="Night shifts", by=rita, at=at, contact=ines.contact, owner=rita)
    words = {"customer": "A bakery.", "challenge": "Chaos.", "solution": "Plans.", "quote": "We sleep.",
             "results": [{"figure": "Planning", "before": "14", "after": "3", "unit": "hours"}]}  # fmt: skip
    story = stories.write(story, words, by=rita, at=at)
    for step in ("writing", "review"):
        story = stories.move(story, step, by=rita, at=at)
    asked = approvals.ask(story, scopes=["sales", "website"], contact=ines.contact, by=rita, at=at)
    sops.write(None, {"where_to_ask": "Here.", "how_fast": "In two days."}, too_early=["discovery"], by=lena, at=at)
    site = ReviewSite.objects.create(name="SoftRate", url="https://softrate.test")
    campaign = campaigns.write(
        None, title="Spring", site=site, cohort=None, words="Good or bad.", thanks="a donation", closes_on=None,
        by=rita, at=at,
    )  # fmt: skip
    review = ReviewAsk.objects.create(campaign=campaign, contact=ines.contact, asked_at=at)
    Account.objects.filter(pk=account.pk).update(owner=sam)
    token = {purpose: signed.sign(purpose, str(of.public_id)) for purpose, of in (
        ("approval", asked), ("review", review), ("request_status", wanted))}  # fmt: skip
    return {
        "proof": f"/proof/{shown.public_id}/", "proof_edit": f"/proof/{shown.public_id}/edit/",
        "story": f"/stories/{story.public_id}/", "story_write": f"/stories/{story.public_id}/write/",
        "campaign": f"/reviews/{campaign.public_id}/", "yes": f"/yes/{token['approval']}/",
        "review": f"/review/{token['review']}/", "status": f"/status/{token['request_status']}/",
        "change": f"/requests/{wanted.public_id}/change/", "proof_new": f"/proof/new/?account={account.pk}",
        "beside": f"/requests/beside/?advocate={ines.public_id}", "story_new": f"/stories/new/?account={account.pk}",
    }  # fmt: skip


def meet(rita: User, sam: User) -> dict[str, Any]:
    """A yes with times: the briefings of both sides, the prospect's link and where it is made."""
    at, mei = timezone.now(), make_advocate("Mei Tanaka")
    kind = make_kind("reference-call", minutes=30)
    wanted = desk.file_request(
        requester=sam, kind=kind, prospect="Nordwind Bakery", needed_by=timezone.localdate() + timedelta(days=30),
        at=at, facts={"prospect_person": "Sara Berg", "prospect_role": "COO", "questions": "How long did it take?"},
    )  # fmt: skip
    (one,) = desk.nominate(wanted, [Pick(mei.pk, "You know night shifts.")], by=rita, at=at)
    desk.accept(one, times=[at + timedelta(days=day) for day in (3, 4, 5)], at=at)
    one.refresh_from_db()
    link = prospects.hand_over(one, name="Sara Berg", email="sara@nordwind.test", by=sam, at=at)
    return {
        "prospect": f"/with-us/{prospects.token_of(link)}/",
        "briefing": f"/briefing/{signed.sign('briefing', str(one.public_id))}/",
        "for_prospect": f"/requests/{wanted.public_id}/prospect/{one.public_id}/",
        "seller_briefing": f"/requests/{wanted.public_id}/briefing/{one.public_id}/",
        "yes_desk": f"/admin/opportunities/referencerequest/{wanted.pk}/change/",
    }  # fmt: skip


def hurry_and_spread(rita: User, sam: User, lena: User) -> dict[str, Any]:
    """A media interview that waits for whoever speaks for the company, and a request that is out on the board."""
    at = timezone.now()
    OpportunityKind.objects.filter(pk=make_kind("media-interview", minutes=30).pk).update(
        is_urgent=True, answer_hours=6, for_requests=True
    )
    Spokesperson.objects.create(approver=lena)
    urgent = desk.file_request(
        requester=sam, kind=make_kind("media-interview"), prospect="Baking Weekly", at=at,
        needed_by=timezone.localdate() + timedelta(days=1), facts={"questions": "How do bakeries plan nights?"},
    )  # fmt: skip
    out = make_request(sam, prospect="Rye and Sons", needed_by=timezone.localdate() + timedelta(days=20))
    texts = {**broadcasting.prefilled(out), "title": "Tell a baker how you began", "what": "Half an hour by video."}
    shown = broadcast.send_out(out, texts=texts, by=rita, at=at)
    return {
        "urgent": f"/admin/opportunities/referencerequest/{urgent.pk}/change/",
        "urgent_own": f"/requests/{urgent.public_id}/", "media": f"/requests/{urgent.public_id}/may-it-go-out/",
        "media_mail": f"/may-it-go-out/{signed.sign('media', key_of(urgent))}/",
        "broadcast": f"/admin/opportunities/referencerequest/{out.pk}/broadcast/",
        "anonymous": f"/opportunities/{shown.public_id}/",
    }  # fmt: skip


def ask_and_gather(rita: User, omar: Advocate) -> dict[str, Any]:
    """A survey with an answer and one still to give, and a group with somebody asked to come in."""
    at = timezone.now()
    survey = make_survey(team=make_team("Product"), questions=[SCORE, PICK, WHY], opened_at=at, by=rita)
    answered, open_one = (
        surveys.ask(make_advocate(name).contact, survey, at=at) for name in ("Tom Reyes", "Ana Silva")
    )
    say(answered, 9, "Night plans", "The plans for the night", at=at)
    group = CustomerGroup.objects.create(
        slug="planners", name="Planner advisory board", kind="advisory", what="An hour each quarter.",
        benefit="You see the roadmap first.", seats=6, term_months=12,
    )  # fmt: skip
    seat = groups.invite(omar, group, by=rita, at=at)
    return {
        "omar": omar.user, "ana": open_one.contact.advocate.user,
        "results": f"/surveys/{survey.public_id}/", "survey_edit": f"/surveys/{survey.public_id}/edit/",
        "words_of": f"/surveys/feedback/{Feedback.objects.get().public_id}/",
        "survey": f"/survey/{signed.sign('survey', str(open_one.public_id))}/",
        "my_survey": f"/my-surveys/{open_one.public_id}/",
        "group": f"/groups/{group.public_id}/", "group_edit": f"/groups/{group.public_id}/edit/",
        "my_group": f"/my-groups/{group.public_id}/",
        "group_mail": f"/group-answer/{signed.sign('group', str(seat.public_id))}/",
    }  # fmt: skip


PAGES: dict[str, tuple[str, ...]] = {
    "ines": (
        "/", "/opportunities/", "opportunity", "/claims/", "/community/", "space", "topic", "/community/new/",
        "/profile/", "/profile/consents/", "/points/", "/newsletter/",
        "/welcome/worth/", "/welcome/like/", "/welcome/often/", "/welcome/ready/", "/wish/",
        "/search/?q=stock", "/story/",
    ),
    "ana": ("/", "my_survey", "anonymous"),
    "omar": ("/", "/my-groups/", "my_group", "/claims/"),
    "ada": ("/api/v1/docs", "/admin/api/apitoken/add/"),
    "sam": (
        "/", "/requests/", "/requests/new/", "request", "/nominate/", "/proof/", "proof", "/sops/", "/sops/others/",
        "/requests/beside/?q=ines", "beside", "change", "/my-customers/", "for_prospect", "seller_briefing",
        "urgent_own", "/surveys/",
    ),
    "rita": (
        "/", "/today/", "/admin/opportunities/referencerequest/", "desk", "/advocates/", "advocate", "/nominated/",
        "nominated", "/wishes/", "wish", "letter", "write_down", "/snippets/", "/views/?path=/advocates/&query=stage=2",
        "/search/?q=ines", "/stories/", "story", "story_write", "story_new", "/proof/new/?q=a", "proof_new", "proof",
        "proof_edit", "/reviews/", "/reviews/new/", "campaign", "/sops/others/write/",
        "yes_desk", "urgent", "broadcast", "/surveys/", "/surveys/new/", "results", "survey_edit", "/surveys/feedback/",
        "words_of", "/groups/", "/groups/new/", "group", "group_edit",
    ),
    "maya": (
        "/", "/community/moderation/", "/newsletter/edit/", "edition", "/newsletter/calendar/",
        "/newsletter/calendar/new/",
    ),
    "lena": (
        "/", "/dashboards/", "/rules/", "/imports/", "/cohorts/", "cohort", "cohort_edit", "cohort_invite",
        "/cohorts/new/", "/cohorts/alike/", "/invitations/", "/invitations/words/", "words", "/journey/",
        "/journey/new/", "/launches/", "launch", "/nominated/credits/", "/approvals/", "media",
    ),
}  # fmt: skip

SIGNED = (
    "yes", "review", "status", "prospect", "/with-us/done/", "/with-us/torn/", "briefing", "media_mail", "survey",
    "group_mail",
)  # fmt: skip


def look_at(open_page: OpenPage, path: str, user: User | None, *, width: int, dark: bool) -> list[str]:
    page = open_page(path, user, width=width, dark=dark)
    found = [*breaches(page), *page.complaints]  # type: ignore[attr-defined]
    if scrolls_sideways(page):
        found.append("scrolls sideways")
    if page.locator("main").count() != 1 or "went wrong" in page.title():
        found.append(f"is not the page: {page.title()}")
    page.context.close()
    return [f"{path} at {width} px{', dark' if dark else ''}: {one}" for one in found]


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (375, True)], ids=["wide-light", "phone-dark"])
@pytest.mark.parametrize("who", sorted(PAGES))
def test_pages_of_a_role(open_page: OpenPage, program: dict[str, Any], who: str, width: int, dark: bool) -> None:
    found = []
    for path in PAGES[who]:
        found += look_at(open_page, program.get(path, path), program[who], width=width, dark=dark)
    assert found == []


ON_THE_FIRST_DAY = {
    "ines": Role.ADVOCATE, "sam": Role.REQUESTER, "rita": Role.MANAGER, "maya": Role.MODERATOR, "lena": Role.LEAD,
    "ada": Role.ADMINISTRATOR, "olga": Role.OWNER,
}  # fmt: skip
PAGES_OF_OWNERS = ("/", "/approvals/", "/my-customers/", "/requests/", "/proof/", "/surveys/", "/sops/")


@pytest.mark.parametrize("who", sorted(ON_THE_FIRST_DAY))
def test_pages_of_an_empty_program(open_page: OpenPage, who: str) -> None:
    """Migrated, one user, and nothing else: each page says what will be there."""
    role = ON_THE_FIRST_DAY[who]
    user = make_advocate("Ines Barbosa").user if role == Role.ADVOCATE else make_user("Rita Morgan", role)
    found = []
    for path in PAGES.get(who, PAGES_OF_OWNERS):
        if path.startswith("/"):
            found += look_at(open_page, path, user, width=375 if role == Role.ADVOCATE else 1280, dark=False)
    assert found == []


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (375, False)], ids=["wide-dark", "phone-light"])
def test_pages_for_everybody(open_page: OpenPage, program: dict[str, Any], width: int, dark: bool) -> None:
    found = []
    for path in ("/join/", "/accounts/login/", "/nothing-is-here/", *SIGNED):
        there = program.get(path, path)
        found += [one for one in look_at(open_page, there, None, width=width, dark=dark) if "404" not in one]
    assert found == []
