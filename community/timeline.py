"""What topics and replies are called on timelines, and where they are read."""

from collections.abc import Collection, Mapping
from typing import Any

from django.urls import reverse

from advocacy.lib.places import Place, register
from community.models import Reply, Topic


def _page(topic: Any) -> str:
    return reverse("community:topic", args=[topic])


def _topics(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    rows = Topic.objects.visible_to(reader).filter(pk__in=ids).values_list("pk", "title", "public_id")
    return {pk: Place(title, _page(public_id)) for pk, title, public_id in rows}


def _replies(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    seen = Reply.objects.visible_to(reader).filter(pk__in=ids)
    rows = seen.values_list("pk", "topic__title", "topic__public_id")
    return {pk: Place(title, _page(public_id)) for pk, title, public_id in rows}


register("community.topic", _topics)
register("community.reply", _replies)
