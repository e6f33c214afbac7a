"""Signed links: what a mail or a guest's address carries instead of a sign-in.

A token binds one value to one purpose, so that a link to leave the newsletter can never be used to answer a nomination.
Reading a token proves nothing but that we made it: pages show on GET and act only on POST, because mail scanners
open every link they see.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta

from django.core import signing
from django.utils.translation import gettext as _


class BadLink(Exception):
    """A link that does not open; its text is a sentence for the person who followed it."""


ONLY_SHOWN = "only-shown"
"""What stands in the place of a token where a link is looked at by somebody it was not made for."""

_only_shown: ContextVar[bool] = ContextVar("links_only_shown", default=False)


@contextmanager
def only_shown() -> Iterator[None]:
    """Whatever is signed in here opens nothing: a preview shows a mail, it does not hand out its reader's keys."""
    before = _only_shown.set(True)
    try:
        yield
    finally:
        _only_shown.reset(before)


def is_only_shown() -> bool:
    """Whether what is made here is looked at by somebody it was not made for."""
    return _only_shown.get()


def sign(purpose: str, value: str | int) -> str:
    """A token for ``value``, safe in an address, good only for ``purpose``."""
    if _only_shown.get():
        return ONLY_SHOWN
    return signing.TimestampSigner(salt=_salt(purpose)).sign_object(str(value))


def read(purpose: str, token: str, max_age: timedelta | None = None) -> str:
    """The value inside a token of ``sign`` for the same purpose; ``BadLink`` when it is forged, torn or too old."""
    if token == ONLY_SHOWN:
        raise BadLink(_("This link stood in a preview of somebody else’s mail; there it opens nothing."))
    try:
        value = signing.TimestampSigner(salt=_salt(purpose)).unsign_object(token, max_age=max_age)
    except signing.SignatureExpired:
        raise BadLink(_("This link is too old. Ask for a new one, or sign in to the portal.")) from None
    except (signing.BadSignature, ValueError):
        # ValueError: a token whose signature holds can still be cut or re-encoded on its way through a mail program.
        raise BadLink(
            _("This link is not complete. Open it once more from the mail, or copy the whole address.")
        ) from None
    if not isinstance(value, str):
        raise BadLink(_("This link is not complete. Open it once more from the mail, or copy the whole address."))
    return value


def _salt(purpose: str) -> str:
    return f"advocacy.link.{purpose}"
