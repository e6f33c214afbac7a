from django.apps import AppConfig


class OpportunitiesConfig(AppConfig):
    name = "opportunities"
    verbose_name = "Opportunities"

    def ready(self) -> None:
        from advocates.actions.moving import when_they_go
        from opportunities import merging
        from opportunities.actions import groups
        from opportunities.actions.moving import call_off

        merging.register()
        when_they_go(call_off)
        when_they_go(groups.call_off)
