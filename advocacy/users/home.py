"""What people keep for themselves, in the menu under their name."""

from django.utils.translation import gettext_lazy as _

from advocacy.lib.home import NavItem, register

register(NavItem(_("Your exports"), "people:exports", "export", "home.view", 93, section="me"))
