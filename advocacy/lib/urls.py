from django.urls import URLPattern, path, re_path

from advocacy.lib import views

urlpatterns: list[URLPattern] = [
    path("look/", views.look, name="look"),
    re_path(r"^look/accent-(?P<colour>[0-9a-fA-F]{6})\.css$", views.accent, name="accent"),
]
