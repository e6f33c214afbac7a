from django.urls import URLPattern, path

from advocacy.lib import views

urlpatterns: list[URLPattern] = [
    path("look/", views.look, name="look"),
]
