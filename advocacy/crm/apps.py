from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "advocacy.crm"
    label = "crm"
