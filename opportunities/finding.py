"""What the board and the desk have to find."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _l

from advocacy.lib.finding import MOST, Hit, Source, register
from opportunities.models import Opportunity, Proof, ReferenceRequest, Story


def _opportunities(reader: Any, words: Sequence[str]) -> list[Hit]:
    rows = Opportunity.objects.visible_to(reader).listed()
    for word in words:
        rows = rows.filter(title__icontains=word)
    found = rows.select_related("kind").defer("search").order_by("-opened_at", "-pk")[: MOST + 1]
    return [
        Hit(one.title, reverse("opportunities:opportunity", args=[one.public_id]),
            f"{one.kind.name} · {one.get_status_display()}")
        for one in found
    ]  # fmt: skip


def _requests(reader: Any, words: Sequence[str]) -> list[Hit]:
    rows = ReferenceRequest.objects.visible_to(reader)
    for word in words:
        rows = rows.filter(Q(prospect__icontains=word) | Q(deal__name__icontains=word))
    desk = reader.has_perm("opportunities.work_desk") and reader.has_perm("admin.enter")

    def page(one: ReferenceRequest) -> str:
        if desk:
            return reverse("admin:opportunities_referencerequest_change", args=[one.pk])
        return reverse("opportunities:request", args=[one.public_id])

    found = rows.select_related("kind").order_by("-filed_at", "-pk")[: MOST + 1]
    return [Hit(one.prospect, page(one), f"{one.kind.name} · {one.get_status_display()}") for one in found]


def _proofs(reader: Any, words: Sequence[str]) -> list[Hit]:
    """Only what may be shown now, for whoever does not keep the library: what was withdrawn is not found."""
    rows = Proof.objects.visible_to(reader)
    if not reader.has_perm("opportunities.keep_proof"):
        rows = rows.usable(at=timezone.now())
    for word in words:
        rows = rows.filter(Q(title__icontains=word) | Q(account__name__icontains=word))
    found = rows.select_related("account").defer("search", "body").order_by("-created_at", "-pk")[: MOST + 1]
    return [
        Hit(one.title, reverse("opportunities:proof", args=[one.public_id]),
            f"{one.get_kind_display()} · {one.account.name}")
        for one in found
    ]  # fmt: skip


def _stories(reader: Any, words: Sequence[str]) -> list[Hit]:
    rows = Story.objects.visible_to(reader)
    for word in words:
        rows = rows.filter(Q(title__icontains=word) | Q(account__name__icontains=word))
    found = rows.select_related("account").defer("search").order_by("-moved_at", "-pk")[: MOST + 1]
    return [
        Hit(one.title, reverse("opportunities:story", args=[one.public_id]),
            f"{one.account.name} · {one.get_status_display()}")
        for one in found
    ]  # fmt: skip


def _queue(words: str) -> str:
    return f"{reverse('admin:opportunities_referencerequest_changelist')}?{urlencode({'q': words})}"


register(
    Source("opportunities", _l("Opportunities"), "opportunities", "opportunities.browse_board", 40, _opportunities,
           lambda words: f"{reverse('opportunities:board')}?{urlencode({'q': words})}"),
    Source("requests", _l("Requests"), "requests", "opportunities.work_desk", 50, _requests, _queue),
    Source("proof", _l("Proof"), "proof", "opportunities.read_proof", 52, _proofs,
           lambda words: f"{reverse('opportunities:library')}?{urlencode({'q': words})}"),
    Source("stories", _l("Stories"), "stories", "opportunities.write_stories", 53, _stories,
           lambda words: f"{reverse('opportunities:stories')}?{urlencode({'q': words})}"),
    Source("own_requests", _l("My requests"), "requests", "opportunities.follow_own_requests", 51, _requests),
)  # fmt: skip
