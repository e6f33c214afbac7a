from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class DeliveryConfig(AppConfig):
    name = "advocacy.delivery"
    verbose_name = "Mail"
    label = "delivery"

    def ready(self) -> None:
        # What apps add to mail (who manages whom, gates of their own, how an edition is rendered) is found by name.
        autodiscover_modules("mails")
        from advocacy.delivery import inbound, webhooks  # noqa: F401 - hear what a provider tells and brings
