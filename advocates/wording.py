"""The words people agree to. What is ticked is kept in the ledger as it stood on the page, in the reader's language."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from advocacy.crm.catalogue import Purpose

CONSENT: dict[str, Any] = {
    Purpose.PROGRAM_MAIL: _("You may write to me by e-mail about the program and about what I take part in."),
    Purpose.NEWSLETTER: _("You may send me the newsletter, twice a month."),
    Purpose.SURVEYS: _("You may ask me for feedback and send me surveys."),
    Purpose.DIRECTORY: _("Other members may find my name, title and company in the directory of members."),
    Purpose.INTRODUCTIONS: _("You may introduce me to other customers; you ask me each time."),
    Purpose.REFERENCE_CALLS: _("You may ask me to talk or write to people who consider your product."),
    Purpose.MEETING_PROSPECTS: _("You may ask me to meet people who consider your product in person."),
    Purpose.SPEAKING: _("You may ask me to speak at webinars and events."),
    Purpose.MEDIA_ANALYSTS: _("You may ask me to talk to journalists and analysts."),
    Purpose.BETA_ADVISORY: _("You may ask me to try new things early and to give advice on what comes next."),
    Purpose.NAME_AND_LOGO: _("You may name me and my company, and show its logo, as a customer."),
    Purpose.QUOTE: _("You may quote me; I see and approve every quote before it appears."),
    Purpose.RECORDING: _("You may record talks and calls I take part in; I am told before each recording."),
}

GROUPS: tuple[tuple[Any, Any, tuple[str, ...]], ...] = (
    (
        _("Staying in touch"),
        _("Without the first, no mail about the program reaches you; you can still look at everything here."),
        (Purpose.PROGRAM_MAIL, Purpose.NEWSLETTER, Purpose.SURVEYS),
    ),
    (
        _("Meeting others"),
        _("Only other members and, for introductions, people you have said yes to."),
        (Purpose.DIRECTORY, Purpose.INTRODUCTIONS),
    ),
    (
        _("What we may ask you for"),
        _("A yes here is a yes to being asked. You decide each time."),
        (
            Purpose.REFERENCE_CALLS, Purpose.MEETING_PROSPECTS, Purpose.SPEAKING, Purpose.MEDIA_ANALYSTS,
            Purpose.BETA_ADVISORY,
        ),
    ),
    (
        _("Being seen"),
        _("Nothing appears in public before you have seen it."),
        (Purpose.NAME_AND_LOGO, Purpose.QUOTE, Purpose.RECORDING),
    ),
)  # fmt: skip
"""The order in which purposes are asked: heading, hint, purposes."""


def shown(purposes: Iterable[str]) -> dict[str, str]:
    """The words of these purposes as this reader saw them."""
    return {purpose: str(CONSENT[Purpose(purpose)]) for purpose in purposes}
