"""Imports."""

from django.urls import path

from advocacy.crm import views

app_name = "imports"
urlpatterns = [
    path("", views.overview, name="list"),
    path("maps/<int:map_id>/forget/", views.forget_map, name="forget_map"),
    path("<int:run_id>/", views.import_run, name="run"),
    path("<int:run_id>/start/", views.start, name="start"),
    path("<int:run_id>/change/", views.change, name="change"),
    path("<int:run_id>/cancel/", views.cancel, name="cancel"),
    path("<int:run_id>/refused.csv", views.rejects, name="rejects"),
]
