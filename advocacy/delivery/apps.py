from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "advocacy.delivery"
    label = "delivery"
