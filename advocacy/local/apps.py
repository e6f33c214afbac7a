from django.apps import AppConfig


class LocalConfig(AppConfig):
    name = "advocacy.local"
    label = "local"
