"""Spaces and their charters in the admin; posts are moderated in the portal, here they can be found."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from community.models import Flag, ModerationEntry, Norms, Reply, Space, Topic


@admin.register(Space)
class SpaceAdmin(admin.ModelAdmin):
    list_display = ("name", "purpose", "region", "language", "host", "is_open", "order")
    list_select_related = ("host",)
    list_filter = ("is_open",)
    prepopulated_fields = {"slug": ("name",)}
    autocomplete_fields = ("host",)


class ReadOnly(admin.ModelAdmin):
    """Words belong to those who wrote them: nobody edits them here."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Topic)
class TopicAdmin(ReadOnly):
    list_display = ("title", "space", "type", "author", "at", "number_of_replies", "hidden_at")
    list_select_related = ("space", "author")
    list_filter = ("space", "type")
    search_fields = ("title", "author__name")
    exclude = ("html",)


@admin.register(Reply)
class ReplyAdmin(ReadOnly):
    list_display = ("__str__", "topic", "author", "at", "hidden_at")
    list_select_related = ("topic", "author")
    search_fields = ("body", "author__name")
    exclude = ("html",)


@admin.register(Flag)
class FlagAdmin(ReadOnly):
    list_display = ("reason", "by", "at", "decision", "decided_by")
    list_select_related = ("by", "decided_by")
    list_filter = ("decision",)


@admin.register(ModerationEntry)
class ModerationEntryAdmin(ReadOnly):
    list_display = ("at", "act", "topic", "reason", "by")
    list_select_related = ("topic", "by")
    list_filter = ("act",)


@admin.register(Norms)
class NormsAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not Norms.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
