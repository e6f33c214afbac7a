"""What the newsletter's mails say; editions are rendered many at a time."""

from newsletter.mails import complaints, digests, editions

__all__ = ["complaints", "digests", "editions"]
