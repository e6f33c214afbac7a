"""What the newsletter's mails say; editions are rendered many at a time."""

from newsletter.mails import complaints, editions

__all__ = ["complaints", "editions"]
