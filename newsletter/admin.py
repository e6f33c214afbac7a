"""The schedule of editions in the admin; editions themselves are worked on in the portal."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from newsletter.models import CalendarSettings, DigestSchedule, Edition, EditionSchedule


@admin.register(EditionSchedule)
class EditionScheduleAdmin(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not EditionSchedule.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(CalendarSettings)
class CalendarSettingsAdmin(admin.ModelAdmin):
    """When the editorial calendar warns; without a row the usual values hold."""

    def save_model(self, request: HttpRequest, obj: CalendarSettings, form: Any, change: bool) -> None:
        obj.pk = 1
        super().save_model(request, obj, form, change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not CalendarSettings.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Edition)
class EditionAdmin(admin.ModelAdmin):
    list_display = ("slot", "subject", "status", "readers", "approved_by")
    list_select_related = ("approved_by",)
    list_filter = ("status",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(DigestSchedule)
class DigestScheduleAdmin(admin.ModelAdmin):
    list_display = ("__str__", "enabled", "weekday", "hour", "most_topics")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and not DigestSchedule.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
