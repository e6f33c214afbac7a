"""Which lists left the portal as files: to be looked at."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from advocacy.lib.models import Export


@admin.register(Export)
class ExportAdmin(admin.ModelAdmin):
    list_display = ("what", "kind", "rows", "by", "at", "filter")
    list_filter = ("what", "kind")
    list_select_related = ("by",)
    search_fields = ("what", "filter")
    show_full_result_count = False
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
