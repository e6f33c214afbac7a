"""Keeping a filtered list under a name (P12)."""

from django.db import transaction
from django.http import QueryDict
from django.urls import Resolver404, resolve
from django.utils.translation import gettext as _

from advocacy.lib.lifecycle import Refused
from advocacy.users.models import SavedView, User
from advocacy.users.rights import PUBLIC, SIGNED_IN, may, right_of

NOT_KEPT = ("page", "after", "before", "cursor", "p", "as", "undo")
"""What an address says besides its filter."""
MOST = 30
"""Views of one page for one person."""


def kept_of(query: QueryDict) -> str:
    """The filter in an address, always in the same order; empty when nothing is narrowed."""
    kept = QueryDict(mutable=True)
    for key in sorted(query):
        values = sorted(value for value in query.getlist(key) if value)
        if key not in NOT_KEPT and values:
            kept.setlist(key, values)
    return kept.urlencode()


@transaction.atomic
def save_view(user: User, *, name: str, path: str, query: str) -> SavedView:
    """Keep what the address of a page narrows it to; the same name on the same page is written over."""
    name = " ".join(name.replace("\x00", "").split())[:60]
    if not name:
        raise Refused(_("Give the view a name."))
    if not may_open(user, path):
        raise Refused(_("That is no page of yours."))
    kept = kept_of(QueryDict(query[:2_000].replace("\x00", "")))
    if not kept:
        raise Refused(_("Choose a filter first; without one the page itself is the view."))
    if len(kept) > 1_000:
        raise Refused(_("This filter is too long to keep. Take some of it away."))
    User.objects.select_for_update().get(pk=user.pk)
    others = SavedView.objects.filter(user=user, path=path).exclude(name=name)
    if others.count() >= MOST:
        raise Refused(_("You have %(n)s views of this page. Remove one first.") % {"n": MOST})
    return SavedView.objects.update_or_create(user=user, path=path, name=name, defaults={"query": kept})[0]


def may_open(user: User, path: str) -> bool:
    """Whether this is a page of the portal, and one this person may enter."""
    if not path.startswith("/") or path.startswith("//") or len(path) > 200:
        return False
    try:
        found = resolve(path)
    except Resolver404:
        return False
    right = right_of(found.func, found.view_name)
    return right in {PUBLIC, SIGNED_IN} or (right is not None and may(user, right))
