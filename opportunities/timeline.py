"""What claims, nominations and requests are called on timelines and tasks, and where colleagues find them."""

from collections.abc import Collection, Mapping
from typing import Any

from django.urls import reverse

from advocacy.lib.places import Place, register
from opportunities.models import Claim, ClaimFeedback, Nomination, Proof, ReferenceRequest, ReviewAsk, Story


def _claim_page(pk: int, reader: Any) -> str:
    may = reader.has_perm("opportunities.view_claim") and reader.has_perm("admin.enter")
    return reverse("admin:opportunities_claim_change", args=[pk]) if may else ""


def _request_page(pk: int, reader: Any) -> str:
    may = reader.has_perm("opportunities.work_desk") and reader.has_perm("admin.enter")
    return reverse("admin:opportunities_referencerequest_change", args=[pk]) if may else ""


def _claims(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    rows = Claim.objects.filter(pk__in=ids).values_list("pk", "opportunity__title")
    return {pk: Place(title, _claim_page(pk, reader)) for pk, title in rows}


def _feedback(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    rows = ClaimFeedback.objects.filter(pk__in=ids).values_list("pk", "claim", "claim__opportunity__title")
    return {pk: Place(title, _claim_page(claim, reader)) for pk, claim, title in rows}


def _nominations(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    rows = Nomination.objects.filter(pk__in=ids).values_list("pk", "request", "request__prospect")
    return {pk: Place(prospect, _request_page(request, reader)) for pk, request, prospect in rows}


def _requests(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    rows = ReferenceRequest.objects.filter(pk__in=ids).values_list("pk", "prospect")
    return {pk: Place(prospect, _request_page(pk, reader)) for pk, prospect in rows}


def _stories(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    may = reader.has_perm("opportunities.write_stories")
    rows = Story.objects.filter(pk__in=ids).values_list("pk", "title", "public_id")
    return {pk: Place(title, reverse("opportunities:story", args=[key]) if may else "") for pk, title, key in rows}


def _proofs(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    rows = Proof.objects.visible_to(reader).filter(pk__in=ids).values_list("pk", "title", "public_id")
    return {pk: Place(title, reverse("opportunities:proof", args=[key])) for pk, title, key in rows}


def _reviews(ids: Collection[int], reader: Any) -> Mapping[int, Place]:
    may = reader.has_perm("opportunities.run_campaigns")
    rows = ReviewAsk.objects.filter(pk__in=ids).values_list("pk", "campaign__site__name", "campaign__public_id")
    return {pk: Place(site, reverse("opportunities:campaign", args=[key]) if may else "") for pk, site, key in rows}


register("opportunities.claim", _claims)
register("opportunities.claimfeedback", _feedback)
register("opportunities.nomination", _nominations)
register("opportunities.referencerequest", _requests)
register("opportunities.story", _stories)
register("opportunities.proof", _proofs)
register("opportunities.reviewask", _reviews)
