"""Links for prospects, to look at; and what both sides read before they meet, as data."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from opportunities.models import Briefing, ProspectLink


@admin.register(ProspectLink)
class ProspectLinkAdmin(admin.ModelAdmin):
    """Who was given a link, by whom and until when. Links are made and taken back on the page of the request."""

    list_display = ("name", "nomination", "made_by", "made_at", "expires_at", "revoked_at", "used_at")
    list_select_related = ("nomination__request__kind", "nomination__advocate__contact", "made_by")
    ordering = ("-made_at",)
    search_fields = ("name", "nomination__request__prospect")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Briefing)
class BriefingAdmin(admin.ModelAdmin):
    """Typical questions, what is off limits, and manners, by kind; each line stands for itself."""

    list_display = ("kind",)
    list_select_related = ("kind",)
