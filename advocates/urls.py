from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from advocates.views import home, joining, profile


class TaskMove(StringConverter):
    regex = "done|undo|tomorrow|week"


register_converter(TaskMove, "task_move")

app_name = "advocates"
urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("today/", home.today, name="today"),
    path("today/<int:pk>/<task_move:what>/", home.task, name="task"),
    # joining
    path("join/", joining.join, name="join"),
    path("join/applied/", joining.applied, name="applied"),
    path("join/confirm/<path:token>/", joining.confirm, name="confirm"),
    path("invitation/<path:token>/accept/", joining.accept, name="accept"),
    path("invitation/<path:token>/", joining.invitation, name="invitation"),
    path("welcome/", joining.welcome, name="welcome"),
    # one's own
    path("profile/", profile.profile, name="profile"),
    path("profile/consents/", profile.consents, name="consents"),
    path("profile/away/", profile.add_away, name="add_away"),
    path("profile/away/<int:pk>/remove/", profile.remove_away, name="remove_away"),
    path("profile/leave/", profile.leave, name="leave"),
    path("points/", profile.my_points, name="points"),
    path("write/", profile.write, name="write"),
    path("recognition/<int:pk>/", profile.recognition, name="recognition"),
]
