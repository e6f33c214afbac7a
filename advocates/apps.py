from typing import Any

from django.apps import AppConfig


class AdvocatesConfig(AppConfig):
    name = "advocates"
    verbose_name = "Advocates"

    def ready(self) -> None:
        from advocacy.crm import derived
        from advocacy.delivery.rendering import register_manager_of
        from advocates import merging
        from advocates.models import Advocate, Firing

        def manager_of(contact: Any) -> Any:
            """Mail names the reference manager of whoever it goes to."""
            if type(contact).advocate.is_cached(contact):  # whoever renders a hundred mails brings them along
                return contact.advocate.manager
            found = Advocate.objects.filter(contact=contact.pk).select_related("pod__manager").first()
            return found.manager if found else None

        register_manager_of(manager_of)
        derived.relied_on_by(Firing, "signal")
        merging.register()
