from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "advocacy.users"
    label = "users"
    verbose_name = "People and rights"
