from django.apps import AppConfig


class UsersConfig(AppConfig):
    name = "advocacy.users"
    label = "users"
    verbose_name = "People and rights"

    def ready(self) -> None:
        from advocacy.lib.export import register_long
        from advocacy.users.exporting import begin

        register_long(begin)
