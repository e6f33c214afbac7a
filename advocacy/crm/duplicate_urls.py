"""What is there twice."""

from django.urls import path

from advocacy.crm import duplicate_views as views

app_name = "duplicates"
urlpatterns = [
    path("", views.overview, name="list"),
    path("look/", views.look, name="look"),
    path("<int:pk>/", views.compare, name="compare"),
    path("<int:pk>/different/", views.different, name="different"),
    path("merges/<int:pk>/undo/", views.undo, name="undo"),
]
