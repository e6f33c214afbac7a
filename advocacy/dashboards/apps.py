from django.apps import AppConfig


class DashboardsConfig(AppConfig):
    name = "advocacy.dashboards"
    label = "dashboards"
