"""Beta and advisory groups in the admin: to be looked at. What is done with them is done on their pages."""

from django.contrib import admin

from advocates.admin import ReadOnly
from opportunities.models import CustomerGroup, GroupMembership


@admin.register(CustomerGroup)
class CustomerGroupAdmin(ReadOnly):
    list_display = ("name", "kind", "status", "seats", "term_months", "joining", "run_by")
    list_filter = ("status", "kind")
    list_select_related = ("run_by",)
    search_fields = ("name",)


@admin.register(GroupMembership)
class GroupMembershipAdmin(ReadOnly):
    list_display = ("advocate", "group", "status", "from_on", "until_on", "renewed", "how_ended")
    list_filter = ("status", "group", "how_ended")
    list_select_related = ("advocate__contact", "group")
    search_fields = ("group__name", "advocate__contact__family_name", "advocate__contact__email")
