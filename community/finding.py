"""What the community has to find."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib.postgres.search import SearchQuery
from django.urls import reverse
from django.utils.translation import gettext_lazy as _l

from advocacy.lib.finding import MOST, Hit, Source, register
from advocacy.lib.searching import by_words
from community.models import Topic


def _topics(reader: Any, words: Sequence[str]) -> list[Hit]:
    query: Any = SearchQuery(" ".join(words), config="simple", search_type="websearch")
    if forms := by_words(" ".join(words)):
        query = forms | query
    rows = Topic.objects.visible_to(reader).shown().filter(search=query)
    found = rows.select_related("space").defer("search").order_by("-last_at", "-pk")[: MOST + 1]
    return [Hit(one.title, reverse("community:topic", args=[one.public_id]), one.space.name) for one in found]


register(
    Source("topics", _l("Community"), "topic", "community.read", 60, _topics,
           lambda words: f"{reverse('community:search')}?{urlencode({'q': words})}"),
)  # fmt: skip
