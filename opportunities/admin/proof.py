"""Proof, stories, approvals and SOPs in the admin: to be looked at. Their work has pages of its own."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from opportunities.models import Approval, Proof, ProofUse, ReviewAsk, ReviewCampaign, ReviewSite, SopVersion, Story


class LookedAt(admin.ModelAdmin):
    """What is written elsewhere, by actions that know the rules."""

    list_per_page = 50
    show_full_result_count = False
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Proof)
class ProofAdmin(LookedAt):
    list_display = ("title", "kind", "account", "status", "published_at", "kept_by")
    list_filter = ("kind", "status")
    list_select_related = ("account", "kept_by")
    search_fields = ("title", "account__name")


@admin.register(Story)
class StoryAdmin(LookedAt):
    list_display = ("title", "account", "status", "owner", "due_on", "moved_at")
    list_filter = ("status",)
    list_select_related = ("account", "owner")
    search_fields = ("title", "account__name")


@admin.register(Approval)
class ApprovalAdmin(LookedAt):
    list_display = ("name", "story", "proof", "said", "said_at", "means", "expires_on", "revoked_at")
    list_filter = ("said", "means")
    list_select_related = ("story", "proof")
    search_fields = ("name", "email")


@admin.register(ProofUse)
class ProofUseAdmin(LookedAt):
    list_display = ("proof", "how", "at", "by", "request", "deal")
    list_filter = ("how",)
    list_select_related = ("proof", "by", "request__kind", "deal")


@admin.register(SopVersion)
class SopVersionAdmin(LookedAt):
    list_display = ("sop", "number", "at", "by")
    list_select_related = ("sop__team", "by")


@admin.register(ReviewSite)
class ReviewSiteAdmin(admin.ModelAdmin):
    list_display = ("name", "url", "is_used")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # campaigns of the past keep their site; one that is used no more is unticked


@admin.register(ReviewCampaign)
class ReviewCampaignAdmin(LookedAt):
    list_display = ("title", "site", "status", "started_at", "run_by")
    list_filter = ("status", "site")
    list_select_related = ("site", "run_by")


@admin.register(ReviewAsk)
class ReviewAskAdmin(LookedAt):
    list_display = ("contact", "campaign", "asked_at", "told_at", "verified_at", "declined_at")
    list_select_related = ("contact", "campaign")
    list_filter = ("campaign",)
