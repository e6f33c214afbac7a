"""Finding what people mean by the words they type: whole words, their beginnings, and one word in its other forms."""

import re
import unicodedata
from functools import lru_cache

from django.contrib.postgres.search import SearchQuery
from django.db import connection
from django.utils.translation import get_language

MOST_WORDS = 12
DICTIONARIES = {
    "en": "english_stem", "de": "german_stem", "fr": "french_stem", "es": "spanish_stem", "pt": "portuguese_stem",
}  # fmt: skip


def by_words(typed: str) -> SearchQuery | None:
    """A query for a ``simple`` search vector: every word, or one that begins like it or like its stem.

    The stem is that of the reader's language. Words too common to mean anything there are left out, unless there is
    nothing else; None when there is no word at all.
    """
    words = list(dict.fromkeys(re.findall(r"\w+", typed.lower())))[:MOST_WORDS]
    if not words:
        return None
    dictionary = DICTIONARIES.get((get_language() or "en")[:2], "simple")
    forms = {word: _forms(word, dictionary) for word in words}
    telling = [word for word in words if forms[word]] or words
    tokens = [" | ".join(f"'{form}':*" for form in forms[word] or (word,)) for word in telling]
    return SearchQuery(" & ".join(f"({one})" for one in tokens), search_type="raw", config="simple")


@lru_cache(maxsize=4096)
def _forms(word: str, dictionary: str) -> tuple[str, ...]:
    """The word and its stem, as beginnings to look for; nothing for a word that is everywhere (“the”, “and”)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ts_lexize(%s::regdictionary, %s)", [dictionary, word])
        stems = cursor.fetchone()[0]
    if stems is None:
        return (word,)
    # English stems “companies” and “company” to “compani”: what both begin with is one letter shorter.
    shorter = [stem[:-1] if len(stem) > 3 and stem.endswith("i") and stem != word else stem for stem in stems]
    return tuple(dict.fromkeys([word, *shorter])) if stems else ()


# --- Names as people type them ----------------------------------------------------------------------------------------
_AS_TWO = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
_AS_ONE = {"ș": "s", "ț": "t", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "ħ": "h", "ŧ": "t"}


@lru_cache(maxsize=1)
def _variants() -> dict[str, str]:
    """Each plain letter with all that are it, but for a mark: e with é, ê and so on, small and capital."""
    found: dict[str, str] = {}
    for code in (*range(0xC0, 0x180), *map(ord, "ȘșȚț")):
        letter = chr(code)
        base = _AS_ONE.get(letter.lower()) or unicodedata.normalize("NFD", letter)[0].lower()
        if base != letter.lower() and base.isascii() and base.isalpha():
            found[base] = found.get(base, "") + letter
    return found


def bare(word: str) -> str:
    """The word in small letters without marks: “Inês” is “ines”, “Søren” is “soren”."""
    plain = "".join(_AS_TWO.get(letter, _AS_ONE.get(letter, letter)) for letter in word.lower())
    return "".join(letter for letter in unicodedata.normalize("NFD", plain) if not unicodedata.combining(letter))


def loosely(word: str) -> str:
    """A pattern for ``__iregex`` that finds a name however its letters are marked: “ines” finds Inês, “Inês” Ines."""
    variants = _variants()
    return "".join(
        f"[{letter}{variants[letter]}]" if letter in variants else re.escape(letter) for letter in bare(word)
    )
