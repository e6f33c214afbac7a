from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class LibConfig(AppConfig):
    name = "advocacy.lib"
    label = "lib"
    verbose_name = _("The portal")

    def ready(self) -> None:
        from advocacy.lib.plain_words import speak_plainly

        speak_plainly()
        # What an upper floor shows below it is found by module name, as Django does with admin.py.
        autodiscover_modules(
            "home", "measures", "effects", "importers", "timeline", "jobs", "finding", "planned", "news"
        )
