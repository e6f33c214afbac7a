"""Who may go where: default deny, the walk over every route, and the table of routes by role (X2)."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import get_converters
from django.urls.resolvers import RegexPattern

from advocacy.users.models import Role
from advocacy.users.rights import PERSONAL, PUBLIC, SIGNED_IN, may, right_of, role_may
from tests.factories import make_advocate, make_user

pytestmark = pytest.mark.django_db


def routes(resolver: Any = None, prefix: str = "/", names: tuple[str, ...] = ()) -> Iterator[tuple[str, str, Any]]:
    """Every route of the portal: its name with namespace, an address with made-up parts, its view."""
    for entry in (resolver or get_resolver()).url_patterns:
        address = prefix + made_up(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, address, (*names, entry.namespace) if entry.namespace else names)
        elif isinstance(entry, URLPattern):
            yield ":".join([*names, entry.name or ""]), address, entry.callback


def made_up(pattern: Any) -> str:
    """An address for a pattern, with values that name nothing that exists."""
    if isinstance(pattern, RegexPattern):
        text = str(pattern._regex).lstrip("^").rstrip("$").rstrip("\\Z").replace("\\-", "-")
        return (
            text.replace("(?P<key>[-:\\w]+)", "nothing")
            .replace("(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)", "1-nothing")
            .split("(?P")[0]
        )
    text = str(pattern)
    for name, converter in pattern.converters.items():
        kinds = {
            "UUIDConverter": str(uuid.UUID(int=0)), "IntConverter": "0", "StringConverter": "nothing",
            "SlugConverter": "nothing", "PathConverter": "nothing",
        }  # fmt: skip
        value = kinds.get(type(converter).__name__) or converter.regex.split("|")[0]  # our own: one of a few words
        for known in ("", *(f"{kind}:" for kind in get_converters())):
            text = text.replace(f"<{known}{name}>", value)
    return text


ALL_ROUTES = sorted({(name, address): view for name, address, view in routes()}.items())

# The short public list: whoever adds to it says why here.
PUBLIC_ROUTES: dict[str, str] = {
    "account_login": "one has to come in somewhere",
    "account_logout": "leaving never asks who you are",
    "account_confirm_email": "a link from a mail",
    "account_email_verification_sent": "says where the mail went",
    "account_inactive": "says why nobody comes in",
    "account_request_login_code": "sign-in by code",
    "account_confirm_login_code": "sign-in by code",
    "account_reset_password": "a forgotten password",
    "account_reset_password_done": "a forgotten password",
    "account_reset_password_from_key": "a link from a mail",
    "account_reset_password_from_key_done": "a forgotten password",
    "opportunities:offer": "a seat offered by mail is answered by its signed link (O5)",
    "opportunities:calendar_by_mail": "a calendar follows the signed link of a mail; it only reads",
    "accent": "a style sheet with the company's colour, for every page",
    "api:api-root": "says where nothing is",
    "api:openapi-json": "the description of the API holds no data",
    "api:bring_accounts": "guarded by a token, not by a person",
    "api:bring_contacts": "guarded by a token, not by a person",
    "api:bring_subscriptions": "guarded by a token, not by a person",
    "api:bring_deals": "guarded by a token, not by a person",
    "api:bring_usage": "guarded by a token, not by a person",
    "api:file_request": "guarded by a token, not by a person",
    "api:read_requests": "guarded by a token, not by a person",
    "api:read_request": "guarded by a token, not by a person",
    "api:bring_signals": "guarded by a token, not by a person",
    "api:read_signals": "guarded by a token, not by a person",
    "advocates:join": "the shop window of the program",
    "advocates:applied": "says what happens next to somebody who applied",
    "advocates:confirm": "a signed link that proves an address",
    "advocates:invitation": "a signed link to one person",
    "advocates:accept": "the form behind that link",
    "delivery:click": "a mail is read without a sign-in; it only leads on to a page of ours",
    "delivery:opened": "a mail is read without a sign-in; it is a picture of nothing",
    "delivery:unsubscribe": "leaving never asks for a sign-in",
    "healthz": "the load balancer asks",
    "readyz": "the load balancer asks",
    "metrics": "guarded by a token or the loopback, not by a person",
    "newsletter:read": "a signed link to one edition; it only shows",
    "opportunities:answer": "a signed link to one nomination",
    "opportunities:approve": "a signed link to one question to an account owner",
    "opportunities:how_was_it": "a signed link to one claim's feedback",
    "opportunities:pick_time": "a signed link to proposed times, also for prospects",
    "opportunities:prospect": "a prospect's own signed link, which expires and can be taken back",
    "opportunities:prospect_calendar": "a calendar follows the prospect's link; it only reads",
    "opportunities:prospect_done": "says that it is called off, and knows nothing else",
    "opportunities:media_by_mail": "a signed link to one question to whoever speaks for the company",
    "opportunities:briefing_by_mail": "a signed link from a mail to the advocate who is briefed",
    "opportunities:customer_yes": "a signed link to what one customer is asked to say yes to",
    "opportunities:request_status": "a signed link in the mails of one request; it only shows",
    "opportunities:review": "a signed link of one person asked for a review",
    "opportunities:group_by_mail": "a signed link to one invitation to a group, or one question about another term",
    "opportunities:survey": "a signed link to one survey, put to one person",
}

# Who holds what a page demands, said once more and by hand: a slip in the table of rights shows here.
EVERYBODY_INSIDE = {"advocate", "requester", "owner", "moderator", "manager", "lead", "administrator"}
PEOPLE = EVERYBODY_INSIDE | {"reader"}
HOLDERS: dict[str, set[str]] = {
    "users.nobody": {"administrator"},
    "api.view_apitoken": {"administrator"},
    "admin.enter": {"moderator", "manager", "lead", "administrator"},
    "home.view": EVERYBODY_INSIDE | {"reader"},
    "advocates.be_advocate": {"advocate"},
    "advocates.nominate": {"requester", "owner", "manager", "lead", "administrator"},
    "advocates.view_colleaguenomination": {"manager", "lead", "administrator"},
    "advocates.view_nominationcredit": {"manager", "lead", "administrator"},
    "advocates.change_nominationcredit": {"lead", "administrator"},
    "advocates.change_lifecyclerule": {"lead", "administrator"},
    "advocates.view_advocate": {"moderator", "manager", "lead", "administrator"},
    "advocates.view_cohort": {"manager", "lead", "administrator"},
    "advocates.change_invitationtemplate": {"lead", "administrator"},
    "advocates.change_pod": {"lead", "administrator"},
    "advocates.view_journeystage": {"manager", "lead", "administrator"},
    "advocates.change_journeystage": {"lead", "administrator"},
    "advocates.view_launch": {"manager", "lead", "administrator"},
    "advocates.change_launch": {"lead", "administrator"},
    "advocates.change_cohort": {"lead", "administrator"},
    "advocates.view_invitation": {"manager", "lead", "administrator"},
    "advocates.view_application": {"manager", "lead", "administrator"},
    "advocates.work_portfolio": {"moderator", "manager", "lead", "administrator"},
    "community.read": EVERYBODY_INSIDE,
    "community.post": EVERYBODY_INSIDE,
    "community.moderate": {"moderator", "lead", "administrator"},
    "crm.view_account": {"manager", "lead", "administrator"},
    "crm.add_pause": {"manager", "lead", "administrator"},
    "crm.add_notready": {"manager", "lead", "administrator"},
    "advocates.add_commitment": {"manager", "lead", "administrator"},
    "advocates.change_commitment": {"manager", "lead", "administrator"},
    "crm.import": {"manager", "lead", "administrator"},
    "crm.merge": {"manager", "lead", "administrator"},
    "advocates.change_advocate": {"manager", "lead", "administrator"},
    "dashboards.view": {"reader", "manager", "lead", "administrator"},
    "delivery.settle": {"lead", "administrator"},
    "delivery.view_message": {"moderator", "manager", "lead", "administrator"},
    "newsletter.edit": {"moderator", "lead", "administrator"},
    "newsletter.read_archive": EVERYBODY_INSIDE,
    "opportunities.answer_nomination": {"advocate"},
    "opportunities.answer_survey": {"advocate"},
    "opportunities.read_surveys": {"requester", "owner", "manager", "lead", "administrator"},
    "opportunities.change_survey": {"manager", "lead", "administrator"},
    "opportunities.run_groups": {"manager", "lead", "administrator"},
    "opportunities.approve_asks": {"requester", "owner", "manager", "lead", "administrator"},
    "opportunities.claim": {"advocate"},
    "opportunities.browse_board": {"advocate", "moderator", "manager", "lead", "administrator"},
    "opportunities.file_request": {"requester", "owner", "manager", "lead", "administrator"},
    "opportunities.keep_proof": {"manager", "lead", "administrator"},
    "opportunities.keep_sops": {"manager", "lead", "administrator"},
    "opportunities.run_campaigns": {"manager", "lead", "administrator"},
    "opportunities.read_proof": {"requester", "owner", "moderator", "manager", "lead", "administrator"},
    "opportunities.write_stories": {"moderator", "manager", "lead", "administrator"},
}


class TestEveryRouteIsDeclared:
    def test_says_who_may_enter(self) -> None:
        undeclared = [address for (name, address), view in ALL_ROUTES if right_of(view, name) is None]
        assert undeclared == [], "these declare no right: nobody can enter them"

    def test_public_ones_are_exactly_those_listed(self) -> None:
        public = {name for (name, _address), view in ALL_ROUTES if right_of(view, name) == PUBLIC}
        assert public == set(PUBLIC_ROUTES)

    def test_each_right_is_held_by_the_roles_written_here(self) -> None:
        demanded = {str(right_of(view, name)) for (name, _address), view in ALL_ROUTES} - {PUBLIC, SIGNED_IN}
        held = {right: {role for role in PEOPLE if role_may(role, right)} for right in demanded}
        assert held == {right: HOLDERS.get(right, set()) for right in demanded}


class TestRouteByRole:
    """Each route is asked for, as each role; what the table says is what the portal does."""

    def others(self) -> Iterator[tuple[str, str, str]]:
        for (name, address), view in ALL_ROUTES:
            right = str(right_of(view, name))
            if name.startswith("admin:") and not name.endswith(("_changelist", ":index")):
                continue  # the admin asks each model's own permission, tested by its lists
            yield name, address, right

    def test_a_stranger_is_shown_the_sign_in_page(self, client: Client) -> None:
        strays = []
        for name, address, right in self.others():
            answer = client.get(address)
            # allauth's own public pages send back to sign-in whoever has not begun there.
            begun = name in {"account_confirm_login_code", "account_reset_password_from_key"}
            to_sign_in = answer.status_code == 302 and answer["Location"].startswith("/accounts/login/?next=")
            if to_sign_in != (right != PUBLIC) and not begun:
                strays.append((address, right, answer.status_code))
        assert strays == []

    @pytest.mark.parametrize("role", sorted(PEOPLE))
    def test_each_role_enters_where_its_rights_reach_and_nowhere_else(self, client: Client, role: str) -> None:
        user = make_advocate("Ines").user if role == Role.ADVOCATE else make_user(role, role)
        strays = []
        for name, address, right in self.others():
            client.force_login(user)
            answer = client.get(address)
            allowed = right in {PUBLIC, SIGNED_IN} or may(user, right)
            refused = answer.status_code == 403
            if name.startswith("admin:") and allowed:
                continue
            # A page behind a made-up id may say 404, or 405 to a GET; it must not let in, turn away or break.
            if refused == allowed or answer.status_code >= 500:
                strays.append((address, right, answer.status_code))
        assert strays == []


class TestWhoMay:
    def test_somebody_inactive_may_nothing(self) -> None:
        sam = make_user("Sam", Role.ADMINISTRATOR)
        sam.is_active = False
        assert not may(sam, "dashboards.view")

    def test_being_an_advocate_comes_with_no_other_role(self) -> None:
        admin = make_user("Ada", Role.ADMINISTRATOR)
        assert may(admin, "anything.at_all")
        assert not any(may(admin, right) for right in PERSONAL)

    def test_two_roles_hold_the_rights_of_both(self) -> None:
        both = make_user("Rita", Role.MANAGER, Role.REQUESTER)
        assert may(both, "opportunities.file_request")
        assert may(both, "opportunities.work_desk")
