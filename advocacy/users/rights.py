"""Who may see and do what: the one place (X2).

A right is a name like ``opportunities.browse_board``. A role holds rights; a person those of all their roles.
Django's model permissions (``app.view_model`` and so on) are rights like any other, so the admin asks the same table.
Rows are narrowed after that, by each queryset's ``visible_to(user)``.
"""

from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, TypeVar

from advocacy.users.models import Role

MEMBER_RIGHTS = frozenset(
    {
        "home.view",
        "community.read",
        "community.post",
        "newsletter.read_archive",
    }
)

RIGHTS: Mapping[str, frozenset[str]] = {
    Role.ADVOCATE: MEMBER_RIGHTS
    | {
        "advocates.be_advocate",
        "opportunities.browse_board",
        "opportunities.claim",
        "opportunities.answer_nomination",
        "opportunities.answer_survey",
    },
    # Who sells may own accounts as well; everybody approves for accounts of their own only.
    Role.REQUESTER: MEMBER_RIGHTS
    | {
        "advocates.nominate",
        "opportunities.file_request",
        "opportunities.follow_own_requests",
        "opportunities.approve_asks",
        "opportunities.read_proof",
        "opportunities.read_surveys",
    },
    Role.OWNER: MEMBER_RIGHTS
    | {
        "advocates.nominate",
        "opportunities.file_request",
        "opportunities.follow_own_requests",
        "opportunities.approve_asks",
        "opportunities.read_proof",
        "opportunities.read_surveys",
    },
    Role.READER: frozenset({"home.view", "dashboards.view"}),
    Role.MODERATOR: MEMBER_RIGHTS
    | {
        "admin.enter",
        "opportunities.browse_board",
        "opportunities.read_proof",
        "opportunities.write_stories",
        "community.moderate",
        "newsletter.edit",
        "newsletter.*_edition*",
        "newsletter.*_calendarsettings",
        "newsletter.*_digestschedule",
        "community.*_space",
        "community.*_topic",
        "community.*_reply",
        "community.*_flag",
        "delivery.view_message",
        "advocates.work_portfolio",
        "advocates.view_advocate",
        "advocates.view_recognition",
        "advocates.add_recognition",
        "advocates.change_recognition",
    },
    Role.MANAGER: MEMBER_RIGHTS
    | {
        "admin.enter",
        "dashboards.view",
        "opportunities.*",
        "advocates.work_portfolio",
        "advocates.*_advocate",
        "advocates.*_awayperiod",
        "advocates.*_invitation",
        "advocates.*_application",
        "advocates.nominate",
        "advocates.*_colleaguenomination",
        "advocates.*_task",
        "advocates.*_commitment*",
        "advocates.view_*",
        "advocates.add_recognition",
        "advocates.change_recognition",
        "crm.view_*",
        "crm.change_contact",
        "crm.*_pause",
        "crm.*_notready",
        "crm.import",
        "crm.merge",
        "delivery.view_message",
    },
    Role.LEAD: MEMBER_RIGHTS
    | {
        "admin.enter",
        "dashboards.view",
        "crm.*",
        "advocates.*",
        "opportunities.*",
        "community.*",
        "newsletter.*",
        "delivery.view_*",
        "delivery.settle",
        "delivery.add_suppression",
        "users.view_user",
        "lib.view_export",
    },
    Role.ADMINISTRATOR: frozenset({"*"}),
}

# Nobody is an advocate, or claims, by being a colleague: these come with the advocate role alone.
# A manager's requests are the desk's queue; only who asks for something follows requests of their own.
PERSONAL = frozenset(
    {
        "advocates.be_advocate",
        "opportunities.claim",
        "opportunities.answer_nomination",
        "opportunities.answer_survey",
        "opportunities.follow_own_requests",
    }
)


@cache
def role_may(role: str, right: str) -> bool:
    """Whether one role holds one right; patterns in the table use ``*``."""
    if right in PERSONAL:
        return right in RIGHTS.get(role, ())
    return any(right == held or ("*" in held and fnmatchcase(right, held)) for held in RIGHTS.get(role, ()))


def may(user: Any, right: str) -> bool:
    """Whether this person holds a right through any of their roles. Nobody inactive holds any."""
    if not getattr(user, "is_active", False) or not user.is_authenticated:
        return False
    if user.is_superuser and right not in PERSONAL:
        return True
    return any(role_may(role, right) for role in user.role_set)


# --- Routes -----------------------------------------------------------------------------------------------------------
PUBLIC = "public"
SIGNED_IN = "signed in"

View = TypeVar("View", bound=Callable[..., Any])


def requires(right: str) -> Callable[[View], View]:
    """Declare the right a view demands; ``DefaultDeny`` enforces it before the view runs."""

    def mark(view: View) -> View:
        view.required_right = right  # type: ignore[attr-defined]
        return view

    return mark


def public(view: View) -> View:
    """Declare a view open to everybody: the short list, each with a reason in its docstring."""
    return requires(PUBLIC)(view)


def signed_in(view: View) -> View:
    """Declare a view open to everybody who is signed in, whatever their role."""
    return requires(SIGNED_IN)(view)


# Views of installed packages cannot carry our mark: their routes are declared here, by the name of the route.
ROUTES_OF_OTHERS: tuple[tuple[str, str], ...] = (
    ("account_login", PUBLIC),
    ("account_logout", PUBLIC),
    ("account_signup", "users.nobody"),  # one joins through /join/
    ("account_confirm_email", PUBLIC),
    ("account_email_verification_sent", PUBLIC),
    ("account_inactive", PUBLIC),
    ("account_reset_password*", PUBLIC),
    ("account_request_login_code", PUBLIC),
    ("account_confirm_login_code", PUBLIC),
    ("account_reauthenticate", SIGNED_IN),
    ("account_reauthenticate_*", SIGNED_IN),
    ("account_change_password", SIGNED_IN),
    ("account_set_password", SIGNED_IN),
    ("account_email", SIGNED_IN),
    ("usersessions_list", SIGNED_IN),
    ("admin:jsi18n", "admin.enter"),
    ("admin:*", "admin.enter"),  # and then each model's own permission, asked by the admin
    ("javascript-catalog", PUBLIC),
    ("api:openapi-view", "api.view_apitoken"),
    ("api:*", PUBLIC),  # a token of its own is asked for by the API itself
)


def right_of(view: Callable[..., Any], route_name: str) -> str | None:
    """The right a route demands, or None when nobody declared it (and so nobody gets in)."""
    declared = getattr(view, "required_right", None)
    if declared is None:
        declared = getattr(getattr(view, "view_class", None), "required_right", None)
    if declared is not None:
        return str(declared)
    for pattern, right in ROUTES_OF_OTHERS:
        if fnmatchcase(route_name, pattern):
            return right
    return None
