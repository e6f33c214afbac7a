"""The dashboards' entry in the navigation."""

from django.utils.translation import gettext_lazy as _

from advocacy.lib.home import NavItem, register

register(NavItem(_("Dashboards"), "dashboards:overview", "dashboards", "dashboards.view", 70, section="staff"))
