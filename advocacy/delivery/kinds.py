"""Kinds of mail that can be chosen one by one, although the consent they need covers more than them.

An app names its own from ``mails.py``. Leaving such a mail, by the link in it or on the page of choices, remembers the
address for that kind only; choosing it again lifts that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from advocacy.delivery.models import Suppression
from advocacy.delivery.sender import suppress
from advocacy.users.models import User

YES, NO = "yes", "no"


@dataclass(frozen=True)
class Kind:
    """One kind of mail (``Message.kind``), in words, and whose choice it is.

    Without ``chosen`` and ``choose`` it is simply had or not, at the address the person signs in with.
    """

    name: str
    words: Any
    about: Any
    meant_for: Callable[[User], bool]
    options: tuple[tuple[str, Any], ...] = ((YES, _("Yes, please")), (NO, _("No")))
    chosen: Callable[[User], str] | None = None
    choose: Callable[..., None] | None = None

    def chosen_by(self, user: User) -> str:
        if self.chosen is not None:
            return self.chosen(user)
        return NO if left(user.email, self.name) else YES

    def choose_for(self, user: User, value: str, *, at: datetime) -> None:
        """Make a choice; one that is not among the options changes nothing."""
        if value not in dict(self.options):
            return
        if self.choose is not None:
            self.choose(user, value, at=at)
        elif value == NO:
            leave(user.email, self.name, at=at)
        else:
            come_back(user.email, self.name)


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Let people choose mail of this kind by itself."""
    _kinds[kind.name] = kind


def of(user: User) -> list[Kind]:
    """What this person can choose."""
    return [kind for _name, kind in sorted(_kinds.items()) if kind.meant_for(user)]


def words_of(kind: str) -> str:
    """What the kind is called; empty for one that cannot be left by itself."""
    return str(_kinds[kind].words) if kind in _kinds else ""


def left(email: str, kind: str) -> bool:
    """Whether this address gets no mail of the kind any more."""
    return Suppression.objects.filter(email__iexact=email, kind=kind).exists()


def leave(email: str, kind: str, *, at: datetime) -> None:
    """No more mail of this kind to this address."""
    suppress(email, "unsubscribed", at=at, kind=kind)


def come_back(email: str, kind: str) -> None:
    """Mail of this kind is wanted again. What a provider or a colleague has put on record stays."""
    Suppression.objects.filter(email__iexact=email, kind=kind, reason="unsubscribed").delete()
