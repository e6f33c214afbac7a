"""The outbox in the admin, to look at; addresses that get no mail, to add to."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from advocacy.delivery.models import Batch, MailEvent, Message, Suppression


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
    readonly_fields = ("looks",)
    show_full_result_count = False

    def view_on_site(self, message: Message) -> str:
        """The page that shows the mail itself, and lets it be settled."""
        return reverse("delivery:message", args=[message.public_id])

    @admin.display(description=_("how its template looks"))
    def looks(self, message: Message) -> str:
        address = reverse("delivery:templates", query={"template": message.template, "message": message.public_id})
        return format_html('<a href="{}">{}</a>', address, message.about)


@admin.register(MailEvent)
class MailEventAdmin(ReadOnly):
    """The raw rows that every figure of mail is counted from."""

    list_display = ("message", "event", "at", "path", "source")
    list_filter = ("event", "source")
    list_select_related = ("message",)
    date_hierarchy = "at"
    show_full_result_count = False


@admin.register(Batch)
class BatchAdmin(ReadOnly):
    list_display = ("key", "status", "created_at", "held_for_complaints_at", "looked_by", "looked_note")
    list_filter = ("status",)


@admin.register(Suppression)
class SuppressionAdmin(admin.ModelAdmin):
    list_display = ("email", "kind", "reason", "at", "note")
    list_filter = ("reason", "kind")
    search_fields = ("email",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # history is not rewritten: lift it by taking it away, add another
