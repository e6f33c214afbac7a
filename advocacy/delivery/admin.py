"""The outbox in the admin, to look at; addresses that get no mail, to add to."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from advocacy.delivery.models import Batch, Message, Suppression


class ReadOnly(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Message)
class MessageAdmin(ReadOnly):
    list_display = ("to_email", "kind", "template", "status", "due_at", "sent_at", "result")
    list_filter = ("status", "kind", "purpose")
    search_fields = ("to_email", "message_id")
    exclude = ("secret",)
    show_full_result_count = False


@admin.register(Batch)
class BatchAdmin(ReadOnly):
    list_display = ("key", "status", "created_at")
    list_filter = ("status",)


@admin.register(Suppression)
class SuppressionAdmin(admin.ModelAdmin):
    list_display = ("email", "kind", "reason", "at", "note")
    list_filter = ("reason", "kind")
    search_fields = ("email",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # history is not rewritten: lift it by taking it away, add another
