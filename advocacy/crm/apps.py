from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "advocacy.crm"
    verbose_name = "Customers"
    label = "crm"
