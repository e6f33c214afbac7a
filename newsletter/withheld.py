"""What of an edition is shown no more: taken back by whom it celebrates, hidden, erased, or taken out by an editor.

Read in the moment something is shown, so it holds for mail that has still to go, the reader's own page and the archive.
An item is more than its place: a subject or opening words that say its title, or name the person, go as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy

from django.db.models import Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from advocacy.lib.text import excerpt
from community.models import Topic
from newsletter.models import Edition, EditionItem


def items(editions: Iterable[Edition]) -> "QuerySet[EditionItem]":
    """Items of these editions that were in them and are shown no more."""
    no_yes = Q(recognition__isnull=False, recognition__approved_at__isnull=True)
    erased = Q(recognition__advocate__contact__erased_at__isnull=False)
    shown = Topic.objects.shown().in_open_spaces()
    hidden = Q(topic__isnull=False) & ~Q(topic__in=shown.values("pk"))
    found = EditionItem.objects.filter(edition__in=list(editions), dropped=False)
    return found.filter(no_yes | erased | hidden | Q(withdrawn_at__isnull=False)).select_related(
        "recognition__advocate__contact"
    )


def cleaned(editions: Sequence[Edition]) -> list[Edition]:
    """The same editions without words that are about something withheld; nothing is saved."""
    by_edition: dict[int, list[EditionItem]] = defaultdict(list)
    for item in items(editions):
        by_edition[item.edition_id].append(item)
    return [_without(one, by_edition[one.pk]) if one.pk in by_edition else one for one in editions]


def _without(edition: Edition, gone: Sequence[EditionItem]) -> Edition:
    said = [words.casefold() for item in gone for words in _words(item) if words.strip()]

    def about_it(text: str) -> bool:
        return any(words in text.casefold() for words in said)

    shown = copy(edition)
    if about_it(shown.subject):
        day = date_format(shown.slot, "j F Y")
        shown.subject = _("Edition of %(day)s") % {"day": day}
    shown.preheader = "" if about_it(shown.preheader) else shown.preheader
    shown.intro = "" if about_it(shown.intro) else shown.intro
    return shown


def _words(item: EditionItem) -> list[str]:
    """What of an item may stand elsewhere in its edition: its title, as a subject has it, and the celebrated's name."""
    words = [item.title, excerpt(item.title, 120)]
    if item.recognition is not None:
        words += [item.recognition.title, item.recognition.advocate.contact.full_name]
    return words
