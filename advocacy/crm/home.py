"""Imports and duplicates in the navigation."""

from django.utils.translation import gettext_lazy as _

from advocacy.lib.home import NavItem, register

register(
    NavItem(_("Duplicates"), "duplicates:list", "accounts", "crm.merge", 82, section="staff"),
    NavItem(_("Imports"), "imports:list", "import", "crm.import", 80, section="staff"),
)
