"""Proof, stories, approvals and SOPs in the admin: to be looked at. Their work has pages of its own."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from opportunities.models import Approval, Proof, ProofUse, SopVersion, Story


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
